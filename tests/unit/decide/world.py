"""A small world for pipeline tests: a real store, a scripted engine, a clock that is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pdp.arguments import argument_checker
from pdp.decide import Parts, decide
from pdp.domain.answer import Answer, Result
from pdp.domain.catalogue import Catalogue, Tool
from pdp.domain.request import Authorize, Call, StartTask
from pdp.domain.values import (
    Action,
    Budget,
    Caller,
    Intent,
    OutputLabel,
    Phase,
    Sensitivity,
    Subject,
    ToolClass,
)
from pdp.memory import Memory
from pdp.ports import EngineFault, Evaluation, PolicySource, RuleInfo, accept_any
from pdp.store.sqlite import open_store

AGENT = Subject(type="agent", id="spiffe://example.test/agent")
PERSON = Subject(type="user", id="alice", issuer="https://id.example.test")
GATEWAY = Caller(
    identity=Subject(type="service", id="gateway"),
    roles=frozenset({"pep", "orchestrator"}),
    verified_by="test",
)

REASON = {
    "code": "scripted",
    "message": "as scripted",
    "rule": "scripted",
    "remediation": "",
    "controls": ["ASI02"],
    "metadata": {},
    "agent_message": "",
}


def policy_says(decision: str, code: str = "scripted", **more: Any) -> dict[str, Any]:
    """A well-formed decision document."""
    return {
        "decision": decision,
        "reasons": [{**REASON, "code": code}],
        "obligations": [],
        "escalation": {"approvers": ["principal"], "needed": 1, "ttl_s": 600}
        if decision == "escalate"
        else None,
        "terms": {"phase": "execute", "ttl_s": 3600, "max_calls": 100, "max_effects": 100},
        "verdicts": {},
        "shadow": {},
        **more,
    }


def budgeted(document: dict[str, Any]) -> dict[str, Any]:
    """A policy that only looks at the task's budget of calls."""
    if document["tool"]["builtin"]:
        return policy_says("allow")
    spent = document["ledger"]["task"]["calls"]
    if spent < document["task"]["budget"]["max_calls"]:
        return policy_says("allow")
    return policy_says("deny", "budget_exceeded")


@dataclass
class ScriptedEngine:
    """Evaluates a Python function over the input document; records every batch."""

    policy: Callable[[dict[str, Any]], Any]
    batches: list[list[dict[str, Any]]] = field(default_factory=list)

    def load(
        self, _source: PolicySource, check: Callable[[Sequence[RuleInfo]], None] = accept_any
    ) -> Sequence[RuleInfo]:
        """Nothing to load."""
        check(())
        return ()

    def evaluate_many(
        self, _entrypoint: str, inputs: Sequence[bytes]
    ) -> Sequence[Evaluation | EngineFault]:
        """What the function says of each input."""
        documents = [json.loads(raw) for raw in inputs]
        self.batches.append(documents)
        values = [self.policy(document) for document in documents]
        return [
            value if isinstance(value, EngineFault) else Evaluation(value, 1) for value in values
        ]

    def ready(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Nothing to close."""


@dataclass
class ToldClock:
    """A clock that stands still until it is told otherwise; ids count up."""

    wall_us: int = 1_700_000_000_000_000
    count: int = 0

    def now_us(self) -> int:
        """The told wall time."""
        return self.wall_us

    def monotonic_us(self) -> int:
        """The same, for deadlines."""
        return self.wall_us

    def new_id(self, prefix: str) -> str:
        """The next id."""
        self.count += 1
        return f"{prefix}-{self.count:06d}"

    def nonce(self) -> bytes:
        """A nonce that tests can predict."""
        self.count += 1
        return self.count.to_bytes(16, "big")


def tool(name: str, tool_class: ToolClass = ToolClass.READ, **changed: Any) -> Tool:
    """A catalogue entry for tests."""
    entry = Tool(
        server="srv",
        name=name,
        description="",
        tool_class=tool_class,
        sensitivity=Sensitivity.INTERNAL,
        output_label=OutputLabel.UNTRUSTED,
        reversible=True,
        egress=tool_class in (ToolClass.SEND, ToolClass.EXECUTE),
        arguments_schema={
            "type": "object",
            "properties": {"n": {"type": "integer"}},
            "additionalProperties": True,
        },
        schema_digest="sha256:" + "0" * 64,
    )
    return replace(entry, **changed)


CATALOGUE = Catalogue([tool("look"), tool("send", ToolClass.SEND)])


@dataclass
class World:
    """Everything a decision needs, over a real store in `folder`."""

    folder: Path
    policy: Callable[[dict[str, Any]], Any] = lambda _document: policy_says("allow")
    parts: Parts = field(init=False)
    engine: ScriptedEngine = field(init=False)
    clock: ToldClock = field(init=False)

    def __post_init__(self) -> None:
        self.engine = ScriptedEngine(self.policy)
        self.clock = ToldClock()
        self.store = open_store(self.folder)
        self.parts = Parts(
            engine=self.engine,
            store=self.store,
            clock=self.clock,
            catalogue=CATALOGUE,
            revision="sha256:test",
            check_arguments=argument_checker(CATALOGUE),
            memory=Memory(),
        )

    def decide(self, *calls: Call) -> list[Result]:
        """Decide the calls as one batch."""
        return decide(calls, self.parts)

    def one(self, call: Call) -> Answer:
        """Decide one call that must get a decision."""
        result = self.decide(call)[0]
        assert isinstance(result, Answer), result
        return result

    def start(self, task_id: str = "t1", max_calls: int = 0, phase: Phase = Phase.EXECUTE) -> str:
        """Start a task and return its id."""
        answer = self.one(
            call(
                StartTask(
                    subject=AGENT,
                    on_behalf_of=PERSON,
                    intent=Intent(goal="Tell Bob about Monday."),
                    task_id=task_id,
                    phase=phase,
                    budget=Budget(max_calls=max_calls),
                )
            )
        )
        assert answer.task_after is not None, answer
        return answer.task_after.id


def call(ask: Any, request_id: str = "", caller: Caller = GATEWAY, digest: str = "") -> Call:
    """A call by the gateway."""
    return Call(
        caller=caller,
        rpc=type(ask).__name__,
        ask=ask,
        request_id=request_id,
        request_digest=digest or (request_id and repr(ask)),
    )


def authorize(
    tool_name: str = "look",
    arguments: Any = None,
    task_id: str = "t1",
    request_id: str = "",
    **changed: Any,
) -> Call:
    """An Authorize of one tool in one task."""
    ask = Authorize(
        subject=AGENT,
        action=Action(
            name=tool_name, server="srv", arguments_json=json.dumps(arguments or {}).encode()
        ),
        task_id=task_id,
    )
    return call(replace(ask, **changed), request_id)
