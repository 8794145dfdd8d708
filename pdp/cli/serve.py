"""`pdp serve`: settings from flags, environment and file, checked; then the service runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pdp.cli.main import UsageError
from pdp.identity.address import TcpAddress
from pdp.identity.development import local_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pdp.identity.address import Address
    from pdp.settings import Settings

NO_IDENTITY: Final = (
    "no way to verify callers is configured, and this version has none but development mode: "
    "start with --dev, on a Unix socket or a loopback address only"
)
NO_SIGN_IN: Final = (
    "no way to verify who uses the console is configured, and this version has none but "
    "development mode: start with --dev and a loopback address, or without --console"
)
DEV_WARNING: Final = (
    "DEVELOPMENT MODE: nobody is authenticated. Whoever reaches {} may speak for every agent and "
    "holds every role. Never use it with real data."
)


def serve(
    listen: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="unix:PATH or HOST:PORT, port 0 for a free one; repeatable. "
            "[default: unix:DATA/pdp.sock]",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of ledger and log. [default: pdp-data]"),
    ] = None,
    bundle: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="A policy bundle beside the built-in one; repeatable."),
    ] = None,
    catalogue: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A tool catalogue; repeatable."),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(metavar="managed|opa-server", help="What evaluates. [default: managed]"),
    ] = None,
    opa_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="The OPA server: https://…, unix:PATH, or http on loopback."
        ),
    ] = None,
    opa_ca: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Certificates to trust it by, in PEM.")
    ] = None,
    opa_token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The bearer token for it.")
    ] = None,
    webhook: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Tell this endpoint of approvals; repeatable."),
    ] = None,
    webhook_secret: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What signs webhooks: whsec_…")
    ] = None,
    transport: Annotated[
        str | None,
        typer.Option(metavar="grpcio|native", help="What speaks HTTP/2. [default: grpcio]"),
    ] = None,
    dev: Annotated[
        bool | None,
        typer.Option(
            "--dev", help="Development mode: no authentication; loopback and Unix sockets only."
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Serve Prometheus metrics. [default: not]"),
    ] = None,
    console: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Serve the approvers' console. [default: not]"),
    ] = None,
    log_level: Annotated[
        str | None,
        typer.Option(metavar="debug|info|warning|error", help="[default: info]"),
    ] = None,
    log_format: Annotated[
        str | None, typer.Option(metavar="text|json", help="[default: text]")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="PDP_CONFIG",
            help="Settings in TOML; flags and PDP_* variables win over it.",
        ),
    ] = None,
) -> None:
    """Run the service until it is told to stop (SIGTERM, SIGINT).

    Prints `ready ADDRESS…` on standard output once it serves, and before it `console URL` where
    there is one; logs go to standard error. SIGHUP
    loads bundles and catalogues again.
    """
    from pdp.settings import load_settings

    flags = {
        "listen": listen,
        "data": data,
        "bundles": bundle,
        "catalogues": catalogue,
        "engine": engine,
        "opa_url": opa_url,
        "opa_ca": opa_ca,
        "opa_token_file": opa_token_file,
        "webhooks": webhook,
        "webhook_secret": webhook_secret,
        "transport": transport,
        "dev": dev,
        "metrics": metrics,
        "console": console,
        "log_level": log_level,
        "log_format": log_format,
    }
    given = {name: value for name, value in flags.items() if value is not None and value != []}
    run(checked(load_settings(given, config)))


def checked(settings: Settings) -> Settings:
    """The settings, where a service may run with them; host names of development mode resolved.

    Raises:
        UsageError: it may not; the message says what is missing.
        BadAddress: development mode would listen where other machines reach it.
    """
    if settings.transport == "native":
        raise UsageError("--transport native is not in this version: use grpcio")
    if not settings.dev:
        raise UsageError(NO_IDENTITY if settings.console is None else NO_SIGN_IN)
    if settings.engine == "opa-server" and settings.opa_url is None:
        raise UsageError("--engine opa-server needs the server: give --opa-url")
    if settings.engine == "managed" and settings.opa_url is not None:
        raise UsageError("--opa-url is for --engine opa-server: give both, or neither")
    if settings.webhooks and settings.webhook_secret is None:
        raise UsageError("--webhook needs what signs: give --webhook-secret FILE")
    if settings.webhook_secret is not None and not settings.webhooks:
        raise UsageError("--webhook-secret is for --webhook: give both, or neither")
    metrics = settings.metrics and local_address(settings.metrics)
    console = settings.console and local_address(settings.console)
    return settings.model_copy(
        update={
            "listen": tuple(local_address(address) for address in settings.listen),
            "metrics": metrics if isinstance(metrics, TcpAddress) else None,
            "console": console if isinstance(console, TcpAddress) else None,
        }
    )


def run(settings: Settings) -> None:
    """Run the service with settings that are `checked`, until it is told to stop."""
    import resource

    import structlog
    import uvloop

    from pdp.app import serve as serve_until_stopped
    from pdp.logs import configure_logs

    configure_logs(settings.log_level, settings.log_format)
    # The usual soft limit of 1,024 files is less than the connections that may be open at once, and
    # without a file to spare neither the store nor the engine could be opened again.
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    log = structlog.get_logger("pdp")

    def announce_loudly(addresses: Sequence[Address]) -> None:
        if settings.dev:
            log.warning(DEV_WARNING.format(" or ".join(map(str, addresses))))
        announce(addresses)

    uvloop.run(serve_until_stopped(settings, announce_loudly, announce_console))


def announce(addresses: Sequence[Address]) -> None:
    """Say where calls are answered; whoever started this process waits for the line."""
    print("ready", *addresses, flush=True)


def announce_console(url: str) -> None:
    """Say where the console is, for people to open."""
    print("console", url, flush=True)
