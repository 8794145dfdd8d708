"""Bundles made for tests, as folders and as archives."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

RULE = """# METADATA
# title: Office hours
# custom:
#   controls: [ASI03]
#   codes: [outside_hours]
package acme.rules.hours

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if input.settings.development == true
"""

#: A bundle that may be added to the built-in one.
ACME: Mapping[str, str] = {
    ".manifest": '{"roots": ["acme"], "rego_version": 1}',
    "acme/data.yaml": (
        "manifest:\n  enforce:\n    hours: {root: acme, name: hours}\n"
        "parameters:\n  hours: {first: 8, days: [mon], strict: true, note: text}\n"
    ),
    "acme/rules/hours/hours.rego": RULE,
}

#: The least that can be the built-in bundle.
BUILTIN: Mapping[str, str] = {
    ".manifest": '{"roots": ["pdp"]}',
    "pdp/data.yaml": (
        "manifest:\n  enforce:\n    phase: {root: pdp, name: phase}\n  grants: [phase]\n"
        "parameters:\n  phase: {limit: 3}\n"
    ),
    "pdp/rules/phase/phase.rego": RULE.replace("acme.rules.hours", "pdp.rules.phase"),
}


def folder(at: Path, files: Mapping[str, str | bytes]) -> Path:
    """A folder with these files."""
    for name, content in files.items():
        path = at / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return at


def archive(at: Path, *members: tarfile.TarInfo | tuple[str, str | bytes]) -> Path:
    """A `.tar.gz` of these members; a name with content is a plain file."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as made:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                made.addfile(member, io.BytesIO(b"x" * member.size) if member.size else None)
                continue
            name, content = member
            body = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(body)
            made.addfile(info, io.BytesIO(body))
    at.write_bytes(gzip.compress(raw.getvalue(), mtime=0))
    return at


def special(name: str, kind: bytes, linked: str = "") -> tarfile.TarInfo:
    """A member that is not a plain file."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = linked
    return info
