"""The decoders under a coverage-guided fuzzer: `python -m tests.faults.fuzz_decoders [FLAG]...`.

Flags are libFuzzer's, such as `-max_total_time=60`. Needs the package atheris.
"""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

with atheris.instrument_imports(include=["pdp.domain", "pdp.server.convert"]):
    from tests.faults.decoding import check_json, check_others, check_request


def one_input(raw: bytes) -> None:
    """The first byte says which decoder the others go to."""
    kind, rest = raw[:1], raw[1:]
    if kind <= b"\x55":
        check_json(rest)
    elif kind <= b"\xaa":
        check_request(rest)
    else:
        check_others(rest)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
