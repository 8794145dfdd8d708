"""Batches as the pipeline would make them, for tests of stores and of the verifier."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace

from pdp.domain.answer import Answer, Receipt, TaskReference
from pdp.domain.canonical import JsonValue
from pdp.domain.leaves import Entry, input_commitment, write_leaf
from pdp.domain.records import (
    Changes,
    DecisionRecord,
    InputRecord,
    Leaf,
    OutcomeRecord,
    RequestKey,
    RequestRecord,
)
from pdp.domain.task import Rollup, Task
from pdp.domain.values import (
    Budget,
    Caller,
    Decision,
    Intent,
    OutcomeStatus,
    OutputLabel,
    Phase,
    Reason,
    Sensitivity,
    Subject,
    TaskState,
    ToolClass,
)
from pdp.ports import Store, Wanted

START_US = 1_764_000_000_000_000
GATEWAY = Caller(Subject("service", "gateway-1", "https://issuer.example"), frozenset({"pep"}), "t")


def task(name: str, *, goal: str = "Send the report to bob@example.com") -> Task:
    """A task that has just been opened."""
    return Task(
        id=name,
        subject=Subject("agent", f"spiffe://example.org/agent/{name}", "example.org"),
        principal=Subject("user", f"{name}@example.com", "https://issuer.example"),
        intent=Intent(goal, ("mail.*", "files.read"), ("email:*",), Sensitivity.CONFIDENTIAL),
        phase=Phase.EXECUTE,
        state=TaskState.ACTIVE,
        budget=Budget(100, 20),
        started_at_us=START_US,
        expires_at_us=START_US + 3_600_000_000,
        registered=True,
        opened_by=GATEWAY.identity,
    )


@dataclass
class History:
    """Makes one batch after another, and remembers what it has made as the pipeline would."""

    log_id: str = "log"
    size: int = 0
    at_us: int = START_US
    tasks: dict[str, Task] = field(default_factory=dict)
    padding: int = 1500

    @classmethod
    def continuing(cls, store: Store, *names: str) -> History:
        """A history that goes on where `store` stands, with the tasks named."""
        state = store.log_state()
        found = store.load(Wanted(tasks=frozenset(names)))
        return cls(state.log_id, state.size, max(state.last_at_us, START_US), dict(found.tasks))

    def decide(self, *names: str, decision: Decision = Decision.ALLOW) -> Changes:
        """One decision for each task named, as one batch; not yet counted as committed."""
        self.at_us += 1_000
        return self._batch([(name, decision) for name in names])

    def committed(self, changes: Changes) -> Changes:
        """Go on from `changes`."""
        self.size += len(changes.leaves)
        self.tasks.update({one.id: one for one in changes.tasks})
        return changes

    def step(self, store: Store, *names: str) -> Changes:
        """Decide and commit."""
        changes = self.decide(*names)
        store.commit(changes)
        return self.committed(changes)

    def report(self, decision: DecisionRecord, *, output: bytes = b"done") -> Changes:
        """The outcome of a decision."""
        self.at_us += 1_000
        digest = hashlib.sha256(output).hexdigest()
        entry = Entry(
            "outcome",
            self.at_us,
            GATEWAY,
            {
                "decision_id": decision.id,
                "status": "succeeded",
                "output": digest,
                "truncated": False,
            },
        )
        leaf, after = write_leaf(entry, self.tasks.get(decision.task_id))
        outcome = OutcomeRecord(
            decision_id=decision.id,
            status=OutcomeStatus.SUCCEEDED,
            digest=digest,
            output=output,
            output_media_type="text/plain",
            truncated=False,
            at_us=self.at_us,
            receipt=Receipt(self.log_id, self.size, leaf.hash),
        )
        tasks = (after,) if after is not None else ()
        return Changes(self.at_us, self.size, leaves=(leaf,), tasks=tasks, outcomes=(outcome,))

    def _batch(self, wanted: list[tuple[str, Decision]]) -> Changes:
        tasks: dict[str, Task] = {}
        rollups: dict[str, Rollup] = {}
        leaves: list[Leaf] = []
        decisions: list[DecisionRecord] = []
        inputs: list[InputRecord] = []
        requests: list[RequestRecord] = []
        for offset, (name, decision) in enumerate(wanted):
            index = self.size + offset
            before = tasks.get(name) or self.tasks.get(name) or task(name)
            nonce = index.to_bytes(16, "big")
            document = json.dumps({"task": name, "index": index, "pad": "x" * self.padding})
            body = document.encode()
            entry = Entry("decision", self.at_us, GATEWAY, _members(index, decision, nonce, body))
            leaf, after = write_leaf(entry, before)
            assert after is not None
            after = replace(
                after,
                rollup=after.rollup.add(
                    now_us=self.at_us,
                    decision=decision,
                    asks=decision is Decision.ESCALATE,
                    effect=True,
                    taints=False,
                    sensitivity=Sensitivity.INTERNAL,
                ),
            )
            tasks[name] = after
            for key in after.rollup_keys:
                rollups[key] = after.rollup
            leaves.append(leaf)
            decisions.append(
                DecisionRecord(
                    id=f"d-{index:012}",
                    task_id=name,
                    caller=GATEWAY.identity.key,
                    decision=decision,
                    tool_class=ToolClass.SEND,
                    output_label=OutputLabel.UNTRUSTED,
                    sensitivity=Sensitivity.INTERNAL,
                    server="mail",
                    tool="send_email",
                    at_us=self.at_us,
                    leaf_index=index,
                )
            )
            inputs.append(InputRecord(f"d-{index:012}", name, nonce, body))
            requests.append(self._request(index, decision, leaf, after))
        return Changes(
            at_us=self.at_us,
            first_index=self.size,
            leaves=tuple(leaves),
            tasks=tuple(tasks.values()),
            rollups=tuple(rollups.items()),
            decisions=tuple(decisions),
            inputs=tuple(inputs),
            requests=tuple(requests),
        )

    def _request(self, index: int, decision: Decision, leaf: Leaf, after: Task) -> RequestRecord:
        request_id = f"r-{hashlib.sha256(str(index).encode()).hexdigest()[:32]}"
        answer = Answer(
            decision=decision,
            reasons=(Reason("within_intent", "inside the intent", "intent", controls=("ASI02",)),),
            evaluated_at_us=self.at_us,
            valid_until_us=self.at_us + 60_000_000,
            decision_id=f"d-{index:012}",
            request_id=request_id,
            policy_revision="r1",
            arguments_digest="sha256:" + "0" * 64,
            binding_digest="sha256:" + "1" * 64,
            task=TaskReference(after.id, after.sequence, after.phase, after.state, True),
            receipt=Receipt(self.log_id, index, leaf.hash),
            canonical_arguments=b'{"recipients":["bob@example.com"]}',
        )
        key = RequestKey(GATEWAY.identity.key, "Authorize", request_id)
        return RequestRecord(key, "sha256:" + "2" * 64, answer)


def _members(index: int, decision: Decision, nonce: bytes, body: bytes) -> dict[str, JsonValue]:
    return {
        "id": f"d-{index:012}",
        "server": "mail",
        "tool": "send_email",
        "class": "send",
        "effect": True,
        "args": "sha256:" + "0" * 64,
        "binding": "sha256:" + "1" * 64,
        "decision": decision.value,
        "codes": ["within_intent"],
        "rules": ["intent"],
        "revision": "r1",
        "input": input_commitment(nonce, body),
    }
