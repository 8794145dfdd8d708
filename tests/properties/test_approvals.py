"""Whatever agents, people and reports do in whatever order: no yes answers more than it says."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pdp.domain.answer import Answer
from pdp.domain.records import GrantTerms
from pdp.domain.request import CancelApproval, DecideApproval, ReportOutcomes
from pdp.domain.values import ApprovalState, Caller, Decision, Outcome, OutcomeStatus, Subject
from pdp.ports import Wanted
from tests.unit.decide.world import REASON, World, authorize, call, policy_says

PEOPLE = [Caller(Subject("user", name, "idp"), frozenset({"approver"}), "test") for name in "bcd"]
ENDS = [OutcomeStatus.SUCCEEDED, OutcomeStatus.FAILED, OutcomeStatus.NOT_EXECUTED]


def asks_two(document: dict[str, Any]) -> dict[str, Any]:
    """Every send needs two people; everything else is allowed."""
    if document["tool"]["builtin"]:
        return policy_says("allow")
    return policy_says(
        "escalate",
        reasons=[{**REASON, "code": "grave"}],
        escalation={
            "approvers": ["approver"], "needed": 2, "ttl_s": 600, "use_s": 300, "max_uses": 3,
            "max_ttl_s": 600,
        },
    )  # fmt: skip


class Story:
    """One world in which things happen, and what may have come of them at most."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder, policy=asks_two)
        self.world.start("t0")
        self.world.start("t1")
        self.questions: list[str] = []
        self.allowed: list[tuple[str, str]] = []  # decision, what it rests on
        self.given_back: Counter[str] = Counter()
        self.reported: set[str] = set()

    def send(self, number: int, copies: int) -> None:
        """The same call several times in one batch."""
        one = authorize("send", {"n": number % 2}, task_id=f"t{number // 2 % 2}")
        for answer in self.world.decide(*[one] * copies):
            assert isinstance(answer, Answer)
            if answer.decision is Decision.ESCALATE and answer.approval is not None:
                if answer.approval.id not in self.questions:
                    self.questions.append(answer.approval.id)
            elif answer.decision is Decision.ALLOW:
                rests_on = answer.reasons[0].metadata["answer"]
                self.allowed.append((answer.decision_id, rests_on))

    def vote(self, question: int, voter: int, *, approve: bool, uses: int) -> None:
        """One person's answer to some question."""
        if self.questions:
            approval_id = self.questions[question % len(self.questions)]
            terms = GrantTerms(max_uses=uses) if uses else None
            ask = DecideApproval(approval_id, approve, "", terms if approve else None)
            self.world.decide(call(ask, caller=PEOPLE[voter % len(PEOPLE)]))

    def cancel(self, question: int) -> None:
        """Somebody takes something back."""
        if self.questions:
            ask = CancelApproval(self.questions[question % len(self.questions)])
            self.world.decide(call(ask, caller=PEOPLE[0]))

    def report(self, number: int, status: OutcomeStatus) -> None:
        """The gateway says how an allowed call ended."""
        if self.allowed:
            decision_id, rests_on = self.allowed[number % len(self.allowed)]
            if decision_id not in self.reported:
                self.reported.add(decision_id)
                self.given_back[rests_on] += status is OutcomeStatus.NOT_EXECUTED
            self.world.decide(call(ReportOutcomes((Outcome(decision_id, status, b"", ""),))))

    def check(self) -> None:
        """No answer was used more often than it says, and none that two people did not give."""
        used = Counter(rests_on for _, rests_on in self.allowed)
        used.subtract(self.given_back)
        known = self.world.store.load(
            Wanted(approvals=frozenset(self.questions), grants=frozenset(used))
        )
        for rests_on, times in used.items():
            grant = known.grants.get(rests_on)
            approval = known.approvals[grant.approval_id if grant is not None else rests_on]
            assert len({vote.voter for vote in approval.votes if vote.approve}) == 2
            assert times <= (grant.max_uses if grant is not None else 1)
            if grant is not None:
                assert grant.uses == times
            elif times:
                assert approval.state in (ApprovalState.RESERVED, ApprovalState.CONSUMED)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.integers(10, 80))
def test_no_yes_answers_more_calls_than_it_says(seed: int, steps: int) -> None:
    chosen = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        story = Story(Path(folder))
        try:
            for _ in range(steps):
                happening = chosen.randrange(10)
                if happening < 4:
                    story.send(chosen.randrange(4), chosen.randint(1, 4))
                elif happening < 8:
                    story.vote(
                        chosen.randrange(50), chosen.randrange(3),
                        approve=chosen.random() < 0.9, uses=chosen.choice([0, 0, 1, 2, 9]),
                    )  # fmt: skip
                elif happening < 9:
                    story.report(chosen.randrange(50), chosen.choice(ENDS))
                else:
                    story.cancel(chosen.randrange(50))
            story.check()
        finally:
            story.world.store.close()
