"""Any record a store may be given, for Hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from pdp.domain.answer import Answer, ApprovalReference, Receipt, TaskReference
from pdp.domain.canonical import JsonValue
from pdp.domain.records import (
    ApprovalRecord,
    ArgumentConstraint,
    DecisionRecord,
    GrantRecord,
    GrantTerms,
    InputRecord,
    OutcomeRecord,
    PlannedRecord,
    RequestKey,
    RequestRecord,
    SinkRecord,
    Vote,
)
from pdp.domain.task import Rollup, Task
from pdp.domain.values import (
    ApprovalState,
    Budget,
    Decision,
    Intent,
    NextAction,
    Obligation,
    OutcomeStatus,
    OutputLabel,
    Phase,
    Reason,
    Sensitivity,
    Subject,
    TaskState,
    ToolClass,
)

# What the front door lets through: any character but U+0000 and lone surrogates.
TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
IDS = st.text("abcXYZ019._:-", min_size=1, max_size=12)
COUNTS = st.integers(0, 2**31)
TIMES = st.integers(0, 2**53)
BYTES = st.binary(max_size=40)
HASHES = st.binary(min_size=32, max_size=32)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)

JSON: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
MEMBERS = st.dictionaries(TEXT, JSON, max_size=2)

SUBJECTS = st.builds(Subject, type=TEXT, id=TEXT, issuer=TEXT, properties=MEMBERS)
ROLLUPS = st.builds(
    Rollup,
    calls=COUNTS,
    effects=COUNTS,
    denials=COUNTS,
    escalations=COUNTS,
    untrusted=st.booleans(),
    sensitivity=st.sampled_from(Sensitivity),
    minute=COUNTS,
    minute_calls=COUNTS,
    minute_effects=COUNTS,
    reach=COUNTS,
    hour=COUNTS,
    hour_escalations=COUNTS,
    hour_final=COUNTS,
    hour_amount=st.floats(min_value=0, max_value=1e12),
)
TASKS = st.builds(
    Task,
    id=IDS,
    subject=SUBJECTS,
    principal=SUBJECTS,
    intent=st.builds(
        Intent,
        goal=TEXT,
        tools=TEXTS,
        resources=TEXTS,
        max_sensitivity=st.sampled_from(Sensitivity),
    ),
    phase=st.sampled_from(Phase),
    state=st.sampled_from(TaskState),
    budget=st.builds(Budget, max_calls=COUNTS, max_effects=COUNTS),
    started_at_us=TIMES,
    expires_at_us=TIMES,
    registered=st.booleans(),
    opened_by=SUBJECTS,
    parent_id=TEXT,
    sequence=COUNTS,
    last_leaf=st.just(b"") | HASHES,
    rollup=ROLLUPS,
)
DECISIONS = st.builds(
    DecisionRecord,
    id=IDS,
    task_id=TEXT,
    caller=TEXT,
    decision=st.sampled_from(Decision),
    tool_class=st.sampled_from(ToolClass),
    output_label=st.sampled_from(OutputLabel),
    sensitivity=st.sampled_from(Sensitivity),
    server=TEXT,
    tool=TEXT,
    at_us=TIMES,
    leaf_index=COUNTS,
    answered_by=TEXT,
)
RECEIPTS = st.builds(Receipt, log_id=TEXT, leaf_index=COUNTS, leaf_hash=HASHES)
OUTCOMES = st.builds(
    OutcomeRecord,
    decision_id=IDS,
    status=st.sampled_from(OutcomeStatus),
    digest=TEXT,
    output=BYTES,
    output_media_type=TEXT,
    truncated=st.booleans(),
    at_us=TIMES,
    receipt=RECEIPTS,
)
REASONS = st.lists(
    st.builds(
        Reason,
        code=TEXT,
        message=TEXT,
        rule=TEXT,
        remediation=TEXT,
        controls=TEXTS,
        metadata=st.dictionaries(TEXT, TEXT, max_size=2),
        agent_message=TEXT,
    ),
    max_size=2,
).map(tuple)
SINKS = st.lists(
    st.builds(SinkRecord, path=TEXT, value=TEXT, origin=TEXT, source=TEXT), max_size=2
).map(tuple)
CONSTRAINTS = st.lists(
    st.builds(ArgumentConstraint, path=TEXT, values=TEXTS, patterns=TEXTS), max_size=2
).map(tuple)
VOTES = st.lists(
    st.builds(
        Vote,
        voter=SUBJECTS,
        approve=st.booleans(),
        reason=TEXT,
        at_us=TIMES,
        grant=st.none()
        | st.builds(GrantTerms, max_uses=COUNTS, ttl_us=TIMES, constraints=CONSTRAINTS),
    ),
    max_size=2,
).map(tuple)
#: Canonical arguments are UTF-8.
CANONICAL = TEXT.map(str.encode)
PLANS = st.lists(
    st.builds(
        PlannedRecord,
        server=TEXT,
        tool=TEXT,
        definition_digest=TEXT,
        canonical_arguments=CANONICAL,
        reasons=REASONS,
        sinks=SINKS,
    ),
    max_size=2,
).map(tuple)
APPROVALS = st.builds(
    ApprovalRecord,
    id=IDS,
    state=st.sampled_from(ApprovalState),
    decision_id=TEXT,
    task_id=TEXT,
    binding_digest=TEXT,
    subject=SUBJECTS,
    principal=SUBJECTS,
    server=TEXT,
    tool=TEXT,
    canonical_arguments=BYTES,
    resource_type=TEXT,
    resource_id=TEXT,
    reasons=REASONS,
    votes_needed=st.integers(0, 9),
    created_at_us=TIMES,
    expires_at_us=TIMES,
    sensitivity=st.sampled_from(Sensitivity),
    definition_digest=TEXT,
    aim=TEXT,
    sinks=SINKS,
    approvers=TEXTS,
    use_us=TIMES,
    max_uses=COUNTS,
    max_ttl_us=TIMES,
    votes=VOTES,
    used_by=TEXT,
    plan=PLANS,
)
GRANTS = st.builds(
    GrantRecord,
    id=IDS,
    approval_id=TEXT,
    task_id=TEXT,
    subject=SUBJECTS,
    principal=SUBJECTS,
    server=TEXT,
    tool=TEXT,
    definition_digest=TEXT,
    constraints=CONSTRAINTS,
    reasons=REASONS,
    max_uses=COUNTS,
    uses=COUNTS,
    created_at_us=TIMES,
    expires_at_us=TIMES,
    granted_by=st.lists(SUBJECTS, max_size=2).map(tuple),
    closed=st.booleans(),
    revoked=st.booleans(),
)
ANSWERS = st.builds(
    Answer,
    decision=st.sampled_from(Decision),
    reasons=REASONS,
    evaluated_at_us=TIMES,
    valid_until_us=TIMES,
    obligations=st.lists(
        st.builds(Obligation, id=TEXT, type=TEXT, properties=MEMBERS), max_size=2
    ).map(tuple),
    decision_id=TEXT,
    request_id=TEXT,
    policy_revision=TEXT,
    approval=st.none()
    | st.builds(
        ApprovalReference,
        id=TEXT,
        state=st.sampled_from(ApprovalState),
        expires_at_us=TIMES,
        url=TEXT,
    ),
    arguments_digest=TEXT,
    binding_digest=TEXT,
    task=st.none()
    | st.builds(
        TaskReference,
        id=TEXT,
        sequence=COUNTS,
        phase=st.sampled_from(Phase),
        state=st.sampled_from(TaskState),
        registered=st.booleans(),
    ),
    receipt=st.none() | RECEIPTS,
    next_action=st.sampled_from(NextAction),
    canonical_arguments=BYTES,
    replayed=st.booleans(),
    task_after=st.none() | TASKS,
)
REQUESTS = st.builds(
    RequestRecord,
    key=st.builds(RequestKey, caller=TEXT, rpc=TEXT, request_id=TEXT),
    digest=TEXT,
    answer=ANSWERS,
)


def inputs_of(decision: DecisionRecord) -> st.SearchStrategy[InputRecord]:
    """Input documents that a decision may have."""
    return st.builds(
        InputRecord,
        decision_id=st.just(decision.id),
        task_id=st.just(decision.task_id),
        nonce=BYTES,
        body=BYTES,
    )
