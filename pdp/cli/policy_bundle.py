"""`pdp policy bundle`: the policy as the one bundle that an OPA server is given."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Annotated

import typer


def write_policy_bundle(
    output: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it: a .tar.gz.")],
    bundle: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH", help="A policy bundle beside the built-in one, as for `pdp serve`."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", envvar="PDP_CONFIG", help="The settings of the service."),
    ] = None,
) -> None:
    """Write the built-in bundle and those beside it as one bundle for an OPA server.

    For `pdp serve --engine opa-server` with the same bundles. Prints the revision. What the service
    would refuse is refused here; a file that is there is replaced as a whole.
    """
    from pdp.bundle import check_rules, default_bundle_path, load_bundles
    from pdp.decide import ENTRYPOINT
    from pdp.engine.binary import find_opa
    from pdp.engine.managed import ManagedOpa
    from pdp.engine.server_bundle import encode_bundle
    from pdp.settings import load_settings

    settings = load_settings({"bundles": bundle} if bundle else {}, config)
    loaded = load_bundles([default_bundle_path(), *settings.bundles], entrypoints=(ENTRYPOINT,))
    with contextlib.closing(ManagedOpa(find_opa())) as engine:
        rules = engine.load(loaded.source, lambda found: check_rules(loaded, found))
    packed = encode_bundle(loaded.source, rules)
    # A server that watches the file must never see the half of it.
    beside = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        beside.write_bytes(packed)
        beside.replace(output)
    finally:
        beside.unlink(missing_ok=True)
    typer.echo(f"{output}: {len(loaded.rules)} rules, revision {loaded.revision}")
