"""The table of what is withstood names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

NAMED = re.compile(r"`(tests/[a-z_/]+\.py)::(test_\w+)`")


def test_every_test_that_the_table_of_threats_names_exists(root: Path) -> None:
    text = (root / "docs" / "threats.md").read_text()
    named = NAMED.findall(text)
    assert len(named) > 40
    for path, name in named:
        assert re.search(rf"(?m)^ *def {name}\(", (root / path).read_text()), f"{path}::{name}"


def test_every_threat_of_answers_input_policy_sequences_and_the_log_has_a_line(root: Path) -> None:
    lines = (root / "docs" / "threats.md").read_text().splitlines()
    numbers = {found[1] for line in lines if (found := re.match(r"\| (\d+)", line))}
    assert numbers >= {str(n) for n in (*range(9, 23), *range(24, 33))}
