"""Development mode: everyone is the same caller, and a person is whom the metadata names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from pdp.domain.values import Subject
from pdp.identity.development import identify, person
from pdp.identity.port import Unauthenticated


class Peer:
    """A peer with the given metadata."""

    def __init__(self, *metadata: tuple[str, str | bytes]) -> None:
        self._metadata = metadata

    def invocation_metadata(self) -> Iterable[tuple[str, str | bytes]]:
        return self._metadata

    def peer(self) -> str:
        return "unix:"

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        return {}


def test_the_caller_holds_every_role_and_says_that_nothing_was_verified() -> None:
    caller = identify(Peer(("x-pdp-dev-identity", "root")))
    assert caller.identity == Subject("service", "development", "pdp-dev")
    assert caller.roles == {"pep", "orchestrator", "approver", "auditor", "admin"}
    assert caller.verified_by == "development"


def test_the_metadata_names_a_person() -> None:
    found = person(Peer(("user-agent", "x"), ("x-pdp-dev-identity", "alice@example.com")))
    assert found == Subject("user", "alice@example.com", "pdp-dev")


@pytest.mark.parametrize(
    "metadata",
    [
        [],
        [("x-pdp-dev-identity", "")],
        [("x-pdp-dev-identity", "a"), ("x-pdp-dev-identity", "b")],
        [("x-pdp-dev-identity", " alice")],
        [("x-pdp-dev-identity", "ali\u200bce")],
        [("x-pdp-dev-identity", b"\xff")],
        [("x-pdp-dev-identity", "x" * 3000)],
    ],
)
def test_a_call_that_needs_a_person_and_has_none_is_unauthenticated(
    metadata: list[tuple[str, str | bytes]],
) -> None:
    with pytest.raises(Unauthenticated, match="x-pdp-dev-identity"):
        person(Peer(*metadata))
