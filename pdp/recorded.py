"""A recorded decision read back: its place in the log, its input document, and where values in it
came from.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pdp.domain.answer import Answer, Receipt
from pdp.domain.canonical import JsonValue
from pdp.domain.explanation import RuleVerdict
from pdp.domain.records import DecisionRecord, InputRecord
from pdp.domain.values import Decision, Reason
from pdp.ports import LogState, StoredLeaf, StoreError


class DecisionRecords(Protocol):
    """What of a store's records is needed to read decisions back; see `pdp.ports.Records`."""

    def decision(self, decision_id: str) -> DecisionRecord | None:
        """One decision, if there is one of that id."""

    def leaves(self, start: int, limit: int) -> Sequence[StoredLeaf]:
        """Up to `limit` leaves of the log from index `start`."""

    def input(self, decision_id: str) -> InputRecord | None:
        """The input document of a decision, unless it was erased."""

    def log_state(self) -> LogState:
        """The log as last committed."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision, its leaf, and the input document it was made from (empty once erased).

    `members` is the leaf's body. `revision` is that of the policy that decided.
    """

    decision: DecisionRecord
    leaf: StoredLeaf
    log_id: str
    members: Mapping[str, Any]
    document: bytes

    @property
    def revision(self) -> str:
        """The revision of the policy that decided."""
        return str(self.members.get("revision", ""))

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Code and rule of each reason; the log keeps no words."""
        codes, rules = self.members.get("codes", []), self.members.get("rules", [])
        return tuple(
            Reason(code=str(code), rule=str(rule)) for code, rule in zip(codes, rules, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one argument of a call came from, for people.

    `source` says it in words: a step of the task with its decision, or the principal's own text.
    """

    pointer: str
    value: JsonValue
    kind: str
    origin: str
    source: str


def read_decision(decision_id: str, records: DecisionRecords) -> Recorded | None:
    """The decision of that id, if there is one.

    Raises:
        StoreError: it cannot be read.
    """
    decision = records.decision(decision_id)
    if decision is None:
        return None
    leaves = records.leaves(decision.leaf_index, 1)
    if not leaves:
        raise StoreError(f"decision {decision_id} has no leaf: check the log with `pdp audit`")
    document = records.input(decision_id)
    return Recorded(
        decision=decision,
        leaf=leaves[0],
        log_id=records.log_state().log_id,
        members=json.loads(leaves[0].leaf.body),
        document=document.body if document is not None else b"",
    )


def recorded_answer(recorded: Recorded, rules: Iterable[RuleVerdict]) -> Answer:
    """The answer as the log has it.

    The words of a reason are those of the rule that gave its code, as far as `rules`, the verdicts
    of the same revision, still say it.
    """
    said = {(rule.rule, rule.code): rule.reason() for rule in rules}
    members = recorded.members
    leaf = recorded.leaf
    return Answer(
        decision=Decision(recorded.decision.decision),
        reasons=tuple(said.get((one.rule, one.code), one) for one in recorded.reasons),
        evaluated_at_us=recorded.decision.at_us,
        valid_until_us=recorded.decision.at_us,
        decision_id=recorded.decision.id,
        request_id=str(members.get("request_id", "")),
        policy_revision=recorded.revision,
        arguments_digest=str(members.get("args", "")),
        binding_digest=str(members.get("binding", "")),
        receipt=Receipt(recorded.log_id, leaf.index, leaf.leaf.hash),
    )


def origins(document: Mapping[str, Any], records: DecisionRecords | None = None) -> list[Origin]:
    """Where each argument came from, by the input document of a call.

    `records` are asked which calls the named decisions were.

    Raises:
        StoreError: they cannot be read.
    """
    arguments = document.get("call", {}).get("arguments", {})
    found: list[Origin] = []
    for one in document.get("provenance", {}).get("arguments", []):
        pointer = str(one["pointer"])
        found.append(
            Origin(
                pointer,
                _at(arguments, pointer),
                str(one["kind"]),
                str(one["origin"]),
                _source(str(one["source"]), records),
            )
        )
        found.extend(
            Origin(
                f"{pointer} ({part['kind']} in it)",
                part["value"],
                "sink",
                str(part["origin"]),
                _source(str(part["source"]), records),
            )
            for part in one["embedded"]
        )
    return found


def _source(source: str, records: DecisionRecords | None) -> str:
    decision = records.decision(source) if records is not None and source else None
    if records is None or decision is None:
        return source
    leaves = records.leaves(decision.leaf_index, 1)
    step = f"step {leaves[0].leaf.sequence}: " if leaves else ""
    return f"decision {decision.id}, {step}{decision.server}/{decision.tool}"


def _at(value: Any, pointer: str) -> JsonValue:
    """What an RFC 6901 pointer leads to; None where it leads nowhere."""
    found = value
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(name)
        elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    result: JsonValue = found
    return result
