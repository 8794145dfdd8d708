"""A policy as an OPA server holds it: the bundle it is given, and what it shows of it."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import PurePath
from typing import Final

from pdp.domain.canonical import JsonValue
from pdp.ports import PolicySource, RuleInfo

# Of a list of modules that differ, these are enough to see what happened.
_NAMED: Final = 5


def roots(source: PolicySource, rules: Sequence[RuleInfo]) -> frozenset[str]:
    """The first names of all paths where the policy has rules or data: `{"pdp", "acme"}`."""
    return frozenset(rule.path.split("/")[0] for rule in rules) | frozenset(source.data)


def encode_bundle(source: PolicySource, rules: Sequence[RuleInfo]) -> bytes:
    """The policy as an OPA bundle, `.tar.gz`; the same policy gives the same bytes.

    It owns its roots: an OPA server that has it refuses other bundles and writes over its API
    below them. `rules` are those that the managed OPA found in `source`.
    """
    manifest: dict[str, JsonValue] = {
        "revision": source.revision,
        "roots": [*sorted(roots(source, rules))],
        "rego_version": 1,
    }
    files = {
        ".manifest": json.dumps(manifest, ensure_ascii=False),
        "data.json": json.dumps(source.data, ensure_ascii=False, allow_nan=False, sort_keys=True),
    }
    for path, text in source.modules.items():
        # Named by what it holds: where it lay when this was made is nobody's business.
        name = f"policy/{PurePath(path).stem}-{sha256(text.encode()).hexdigest()[:8]}.rego"
        files[name] = text
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, filename="") as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        for name in sorted(files):
            content = files[name].encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def difference(source: PolicySource, rules: Sequence[RuleInfo], listed: JsonValue) -> str:
    """How the modules of `GET /v1/policies` differ from the policy's, or "".

    Modules with packages outside of the policy's roots are none of its business.
    """
    served = dict(_modules(listed, roots(source, rules)))
    wanted = {text: PurePath(path).name for path, text in source.modules.items()}
    lacking = sorted(name for text, name in wanted.items() if text not in served)
    further = sorted(name for text, name in served.items() if text not in wanted)
    said = []
    if lacking:
        said.append(f"it lacks {_named(lacking)}")
    if further:
        said.append(f"it has {_named(further)} besides")
    return " and ".join(said)


def _modules(listed: JsonValue, within: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Text and id of each module whose package is below one of these roots."""
    result = listed.get("result") if isinstance(listed, dict) else None
    for module in result if isinstance(result, list) else []:
        match module:
            case {
                "id": str(name),
                "raw": str(text),
                "ast": {"package": {"path": [_, {"value": str(root)}, *_]}},
            }:
                if root in within:
                    yield text, name
            case Mapping():
                # Of what cannot be read nobody knows that it is none of the policy's business.
                yield "", str(module.get("id", "a module"))


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown
