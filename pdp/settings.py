"""How a service is set up: from its command line, the environment, and a TOML file, in that order.

What is not given keeps its default. Every limit here can be moved only within bounds that its
comment gives a reason for.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, InstanceOf, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, SettingsConfigDict

from pdp.engine.server_url import ServerUrl, parse_server_url
from pdp.identity.address import (
    BadAddress,
    TcpAddress,
    UnixAddress,
    parse_address,
)
from pdp.webhook_event import WebhookUrl, parse_webhook_url

ENVIRONMENT_PREFIX: Final = "PDP_"
#: A settings file is a page of text; more is not one.
FILE_BYTES: Final = 64 * 1024
#: How alike a variable is to a setting that is misspelt: one letter in five may differ.
_NEARLY: Final = 0.8
#: Flags that may be repeated are in the singular.
_FLAGS: Final = {"bundles": "bundle", "catalogues": "catalogue", "webhooks": "webhook"}


class SettingsError(Exception):
    """What was set cannot be used; the message has one line for each thing wrong."""


def _listed(value: object) -> object:
    """A text as the environment holds it: its parts between commas. A list stays one."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _address(value: object) -> object:
    return parse_address(value) if isinstance(value, str) else value


def _tcp_address(value: object) -> object:
    if not isinstance(value, str):
        return value
    address = parse_address(value)
    if not isinstance(address, TcpAddress):
        raise BadAddress(f"{value!r} is a Unix socket, and this takes HOST:PORT only")
    return address


_Address = Annotated[InstanceOf[UnixAddress] | InstanceOf[TcpAddress], BeforeValidator(_address)]


def _server_url(value: object) -> object:
    return parse_server_url(value) if isinstance(value, str) else value


def _webhooks(value: object) -> object:
    parts = _listed(value)
    if not isinstance(parts, list | tuple):
        return parts
    return [parse_webhook_url(part) if isinstance(part, str) else part for part in parts]


class Settings(BaseSettings):
    """Everything a service can be told. Build it with `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        validate_default=True,
    )

    data: Path = Field(
        default=Path("pdp-data"),
        description="The folder that holds the ledger and the log. Made if it is not there.",
    )
    listen: Annotated[tuple[_Address, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default_factory=lambda known: (f"unix:{known['data']}/pdp.sock",),  # type: ignore[arg-type]
        min_length=1,
        # Each address is a listener of its own; more than a handful is a mistake.
        max_length=16,
        description="Where to serve gRPC: `unix:PATH` or `HOST:PORT`, port 0 for any free one.",
    )
    bundles: Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=(),
        description="Policy bundles beside the built-in one, which always loads.",
    )
    catalogues: Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=(),
        description="Tool catalogue files, as `pdp catalogue import` writes them.",
    )
    dev: bool = Field(
        default=False,
        description="Development mode: no authentication, on loopback and Unix sockets only.",
    )
    transport: Literal["grpcio", "native"] = Field(
        default="grpcio",
        description="What speaks HTTP/2. `native` is not in this version.",
    )
    metrics: Annotated[InstanceOf[TcpAddress] | None, BeforeValidator(_tcp_address)] = Field(
        default=None,
        description="Where to serve Prometheus metrics over plain HTTP: `HOST:PORT`. They are "
        "counts without names, and anyone who reaches the port may read them.",
    )
    console: Annotated[InstanceOf[TcpAddress] | None, BeforeValidator(_tcp_address)] = Field(
        default=None,
        description="Where to serve the approvers' console over HTTP: `HOST:PORT` on loopback, "
        "port 0 for any free one (docs/console.md).",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="The least serious events that are written to standard error.",
    )
    log_format: Literal["text", "json"] = Field(
        default="text",
        description="How they are written: lines for people, or one JSON object for each.",
    )
    evaluation_deadline_ms: int = Field(
        default=100,
        # An evaluation of the built-in bundle takes about 0.1 ms; below 10 ms the garbage
        # collector alone can miss it. Everything in a batch waits for its slowest call.
        ge=10,
        le=10_000,
        description="Milliseconds that policy may take for one call; then it is denied.",
    )
    engine_memory_mib: int = Field(
        default=1024,
        # Below 256 MiB a large catalogue in a policy's data does not compile.
        ge=256,
        le=65_536,
        description="MiB that the policy engine may take beyond what its Go runtime reserves at "
        "its start; then it is replaced.",
    )
    engine: Literal["managed", "opa-server"] = Field(
        default="managed",
        description="What evaluates policy: an OPA that the service starts and watches itself, or "
        "the server at `opa_url` (docs/opa-server.md).",
    )
    opa_url: Annotated[InstanceOf[ServerUrl] | None, BeforeValidator(_server_url)] = Field(
        default=None,
        description="The OPA server: `https://HOST:PORT`, `unix:PATH`, or `http://HOST:PORT` on "
        "this machine.",
    )
    opa_ca: Path | None = Field(
        default=None,
        description="Certificates in PEM that the OPA server's must come from. Without it, those "
        "that the system trusts.",
    )
    opa_token_file: Path | None = Field(
        default=None,
        description="A file that holds the bearer token for the OPA server; read again when it "
        "changes.",
    )
    webhooks: Annotated[
        tuple[InstanceOf[WebhookUrl], ...], NoDecode, BeforeValidator(_webhooks)
    ] = Field(
        default=(),
        # Each has a thread of its own; whoever has more receivers lets one of them pass it on.
        max_length=8,
        description="URLs that are told of approvals: `https://…`, or `http://` on this machine "
        "(docs/approvals.md).",
    )
    webhook_secret: Path | None = Field(
        default=None,
        description="A file that holds what signs webhooks: `whsec_` and 24 to 64 random bytes in "
        "base64.",
    )
    queue_calls: int = Field(
        default=1024,
        # One batch must fit, and what waits behind 65,536 calls has long timed out.
        ge=64,
        le=65_536,
        description="Calls that may wait for a decision; more are refused at once.",
    )
    drain_grace_s: float = Field(
        default=10.0,
        # Whoever stops a service kills it after some time: 30 s in Kubernetes, 90 s in systemd.
        ge=0,
        le=600,
        allow_inf_nan=False,
        description="Seconds that calls in flight have to finish when the service stops.",
    )

    @classmethod
    def settings_customise_sources(cls, *args: Any, **sources: Any) -> tuple[Any, ...]:
        """Values come from `load_settings` alone, which knows where each was given."""
        del args
        return (sources["init_settings"],)


def load_settings(
    command_line: Mapping[str, object] | None = None, file: Path | None = None
) -> Settings:
    """The settings: command line over environment (`PDP_*`) over file over defaults.

    `command_line` holds what was really given there, by field name. Relative paths mean the
    working directory, and in the file the file's own folder.

    Raises:
        SettingsError: something given cannot be used.
    """
    given = {} if command_line is None else dict(command_line)
    _check_variables(os.environ)
    environment = EnvSettingsSource(Settings)()
    from_file = {} if file is None else _read(file)
    try:
        return Settings(**{**from_file, **environment, **given})
    except ValidationError as error:
        problems: dict[str, str] = {}
        for problem in error.errors(include_url=False, include_input=False):
            field = str(problem["loc"][0]) if problem["loc"] else ""
            if problem["type"] == "default_factory_not_called":
                continue
            where = _where(field, given, environment, from_file, file)
            # Of a union pydantic reports every member; the first says it.
            problems.setdefault(where, _text(problem))
        lines = [f"{where}: {text}" for where, text in problems.items()]
        raise SettingsError("\n".join(lines)) from None


def _check_variables(variables: Iterable[str]) -> None:
    """Refuse a variable that is nearly a setting's: it would be without effect, and not noticed.

    Others that begin with the prefix are not ours: orchestrators set some by a service's name.

    Raises:
        SettingsError: there is one.
    """
    known = [name.upper() for name in Settings.model_fields]
    for variable in sorted(variables):
        name = variable.upper().removeprefix(ENVIRONMENT_PREFIX)
        if not variable.upper().startswith(ENVIRONMENT_PREFIX) or name in known:
            continue
        close = difflib.get_close_matches(name, known, n=1, cutoff=_NEARLY)
        if close:
            meant = ENVIRONMENT_PREFIX + close[0]
            raise SettingsError(f"{variable}: there is no such setting; did you mean {meant}?")


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            raw = opened.read(FILE_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from None
    if len(raw) > FILE_BYTES:
        raise SettingsError(f"{file}: larger than {FILE_BYTES // 1024} KiB: no settings file")
    try:
        values = tomllib.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: not UTF-8 at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not TOML: {error}") from None
    for name in values:
        if name not in Settings.model_fields:
            close = difflib.get_close_matches(name, Settings.model_fields, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise SettingsError(f"{file}: there is no setting {name!r}{hint}")
    return {name: _beside(file, name, value) for name, value in values.items()}


def _beside(file: Path, name: str, value: object) -> object:
    """A value of the file with its relative paths taken from the file's folder."""
    if isinstance(value, list):
        return [_beside(file, name, item) for item in value]
    if not isinstance(value, str):
        return value
    if name in ("data", "bundles", "catalogues", "opa_ca", "opa_token_file", "webhook_secret"):
        return str(file.parent / value)
    if name in ("listen", "opa_url") and value.startswith("unix:"):
        return f"unix:{file.parent / value.removeprefix('unix:')}"
    return value


def _where(
    field: str,
    given: Mapping[str, object],
    environment: Mapping[str, object],
    from_file: Mapping[str, object],
    file: Path | None,
) -> str:
    """How the place is called where a field's value was given."""
    if field in given:
        return f"--{_FLAGS.get(field, field)}".replace("_", "-")
    if field in environment:
        return ENVIRONMENT_PREFIX + field.upper()
    if field in from_file:
        return f"{file}: {field}"
    if field == "listen":
        # Its default follows from the data folder.
        return _where("data", given, environment, from_file, file)
    return field


def _text(problem: Mapping[str, Any]) -> str:
    """A problem as pydantic reports it, as a person would say it."""
    raised = problem.get("ctx", {}).get("error")
    if isinstance(raised, Exception):
        return str(raised)
    text = str(problem["msg"])
    return text[:1].lower() + text[1:]
