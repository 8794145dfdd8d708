"""What people's answers are worth: who may give them, what they cover, and what becomes of them.

An approval goes PENDING, then APPROVED or DENIED by votes, or CANCELLED; an approved one is
RESERVED by the allow that rests on it and CONSUMED once that call is reported to have succeeded.
EXPIRED is never stored: it is what a PENDING or APPROVED one reads as when its time is over.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pdp.domain.canonical import JsonValue, canonical, digest
from pdp.domain.catalogue import ArgumentKind, Tool, argument_values, escape
from pdp.domain.provenance import ArgumentTrace, Embedded
from pdp.domain.records import (
    ApprovalRecord,
    ArgumentConstraint,
    GrantRecord,
    GrantTerms,
    SinkRecord,
    Vote,
)
from pdp.domain.values import ApprovalState, Reason, Subject

#: States that end by themselves when the time is over.
_TIMED = frozenset({ApprovalState.PENDING, ApprovalState.APPROVED})

#: Argument kinds that say how, or how much, and not where: a "no" is not about them.
_NOT_AIMED = frozenset(
    {ArgumentKind.CONTENT.value, ArgumentKind.OPTION.value, ArgumentKind.AMOUNT.value}
)

#: Metadata of a reason that says which part of the call it is about.
_ABOUT = ("arguments", "fields", "acts", "class")

#: The source of what the principal said in the goal; every other source is a decision.
_GOAL = "goal"

#: An issuer that proves nothing about who somebody is: none, or that of development mode.
UNPROVEN_ISSUERS = frozenset({"", "pdp-dev"})


@dataclass(frozen=True, slots=True)
class Standing:
    """What people have said of a call so far.

    `approval` is the newest question about exactly this call, `grants` those that are for calls
    like it, `refusal` a "no" to this tool and these sinks in this task.
    """

    approval: ApprovalRecord | None = None
    grants: tuple[GrantRecord, ...] = ()
    refusal: ApprovalRecord | None = None


def state_at(approval: ApprovalRecord, now_us: int) -> ApprovalState:
    """Where the approval stands at `now_us`."""
    if approval.state in _TIMED and now_us >= approval.expires_at_us:
        return ApprovalState.EXPIRED
    return approval.state


def same_person(one: Subject, other: Subject) -> bool:
    """Whether two identities must be taken for one.

    Identities are (issuer, id), whatever type is claimed. Where one of the issuers proves nothing,
    the same id is enough, and so is one that only looks the same: it is better to ask somebody else
    than to let a call be approved by whom it is for.
    """
    if not one or not other:
        return False
    if one.issuer == other.issuer or {one.issuer, other.issuer} & UNPROVEN_ISSUERS:
        return _folded(one.id) == _folded(other.id)
    return False


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def is_party(person: Subject, approval: ApprovalRecord) -> bool:
    """Whether the call is this person's own: its subject's, or the principal's it works for."""
    return same_person(person, approval.subject) or same_person(person, approval.principal)


def voted(approval: ApprovalRecord, vote: Vote) -> ApprovalRecord:
    """The approval after one more vote: a single no ends it, enough of yes answer it.

    `use_us` runs from the vote that answers it.
    """
    votes = (*approval.votes, vote)
    if not vote.approve:
        return replace(approval, votes=votes, state=ApprovalState.DENIED)
    if len(votes) < approval.votes_needed:
        return replace(approval, votes=votes)
    return replace(
        approval,
        votes=votes,
        state=ApprovalState.APPROVED,
        expires_at_us=vote.at_us + approval.use_us,
    )


def approvers_of(approval: ApprovalRecord) -> tuple[Subject, ...]:
    """Those who said yes, each once."""
    return tuple({vote.voter.key: vote.voter for vote in approval.votes if vote.approve}.values())


def is_usable(approval: ApprovalRecord, now_us: int) -> bool:
    """Whether a call may rest on it now: approved, in time, by enough people who are no party.

    One that became a grant is answered by the grant.
    """
    return (
        state_at(approval, now_us) is ApprovalState.APPROVED
        and len(approvers_of(approval)) >= max(1, approval.votes_needed)
        and not any(is_party(vote.voter, approval) for vote in approval.votes)
        and grant_terms(approval) is None
    )


def covers_reasons(shown: Sequence[Reason], asked: Sequence[Reason]) -> bool:
    """Whether everything that is asked now was among the reasons that were shown."""
    return bool(asked) and all(
        any(_is_within(reason, known) for known in shown) for reason in asked
    )


def _is_within(reason: Reason, shown: Reason) -> bool:
    return (
        reason.rule == shown.rule
        and reason.code == shown.code
        and all(_parts(reason, key) <= _parts(shown, key) for key in _ABOUT)
    )


def _parts(reason: Reason, key: str) -> set[str]:
    """What a reason is about, as a set; of pointers the argument's name is enough."""
    parts = {part.strip() for part in reason.metadata.get(key, "").split(",")} - {""}
    return {part.split("/")[1] if part.startswith("/") else part for part in parts}


def aim_of(server: str, tool: str, traces: Sequence[ArgumentTrace]) -> str:
    """What a "no" is about, `sha256:<hex>`: the tool and where the effect goes."""
    places: dict[str, JsonValue] = {
        one.pointer: one.value for one in traces if one.kind not in _NOT_AIMED
    }
    document: dict[str, JsonValue] = {"server": server, "tool": tool, "places": places}
    return digest(canonical(document))


def sinks_of(traces: Sequence[ArgumentTrace]) -> tuple[SinkRecord, ...]:
    """The arguments that decide where the effect goes, and the addresses inside content."""
    found: list[SinkRecord] = []
    for one in traces:
        if one.kind not in (ArgumentKind.CONTENT.value, ArgumentKind.OPTION.value):
            found.append(_sink(one.pointer, one))
        found += [_sink(one.pointer, sink) for sink in one.embedded]
    return tuple(found)


def _sink(pointer: str, one: ArgumentTrace | Embedded) -> SinkRecord:
    source = one.source if one.source != _GOAL else ""
    return SinkRecord(pointer, one.value, one.origin.value, source)


def likeness(approval: ApprovalRecord) -> str:
    """What questions have in common that one look can answer, `sha256:<hex>`: tool, arguments, why.

    Whose task they are of is left out: that is what people compare.
    """
    codes: list[JsonValue] = [*sorted({reason.code for reason in approval.reasons})]
    document: dict[str, JsonValue] = {
        "server": approval.server,
        "tool": approval.tool,
        "arguments": digest(approval.canonical_arguments),
        "codes": codes,
    }
    return digest(canonical(document))


def grant_terms(approval: ApprovalRecord) -> GrantTerms | None:
    """What all who said yes gave for several calls; None where one of them meant this call only.

    Nobody gives more than the strictest of them: the fewest uses, the shortest time, and every
    constraint of each.
    """
    given = [vote.grant for vote in approval.votes if vote.approve]
    if not given or any(terms is None for terms in given):
        return None
    terms = [one for one in given if one is not None]
    return GrantTerms(
        max_uses=min(_bounded(one.max_uses, approval.max_uses) for one in terms),
        ttl_us=min(_bounded(one.ttl_us, approval.max_ttl_us) for one in terms),
        constraints=tuple(constraint for one in terms for constraint in one.constraints),
    )


def _bounded(asked: int, most: int) -> int:
    return min(asked, most) if asked else most


def pinned(
    tool: Tool, arguments: Mapping[str, JsonValue], given: Sequence[ArgumentConstraint]
) -> tuple[ArgumentConstraint, ...]:
    """The constraints of a grant: those that were given, and for what they leave open this call's.

    Content is free unless it is constrained; every other argument that nobody spoke of has to be as
    it is in the call that was approved.
    """
    spoken_of = {_argument(one.path) for one in given}
    free = _content(tool, arguments)
    return (
        *given,
        *(
            ArgumentConstraint(f"/{escape(name)}", (canonical(value).decode(),))
            for name, value in arguments.items()
            if escape(name) not in spoken_of and escape(name) not in free
        ),
    )


def exactly(arguments: Mapping[str, JsonValue]) -> tuple[ArgumentConstraint, ...]:
    """Constraints that only these very arguments meet, where the grant is closed."""
    return tuple(
        ArgumentConstraint(f"/{escape(name)}", (canonical(value).decode(),))
        for name, value in arguments.items()
    )


def grant_is_live(grant: GrantRecord, now_us: int) -> bool:
    """Whether it can be used at `now_us`."""
    return not grant.revoked and grant.uses < grant.max_uses and now_us < grant.expires_at_us


def grant_covers(grant: GrantRecord, tool: Tool, arguments: Mapping[str, JsonValue]) -> bool:
    """Whether a call of `tool` with these arguments is one of those that the grant is for."""
    if (grant.server, grant.tool) != (tool.server, tool.name):
        return False
    if grant.definition_digest != tool.schema_digest:
        return False
    for constraint in grant.constraints:
        found, value = _at(arguments, constraint.path)
        if not found or not _fits(value, constraint):
            return False
    paths = [constraint.path for constraint in grant.constraints]
    free = frozenset[str]() if grant.closed else _content(tool, arguments)
    return all(
        _is_under(pointer, paths)
        for name, value in arguments.items()
        if escape(name) not in free
        for pointer in _leaves(f"/{escape(name)}", value)
    )


def _content(tool: Tool, arguments: Mapping[str, JsonValue]) -> frozenset[str]:
    """The escaped names of arguments that are content through and through."""
    content: dict[str, bool] = {}
    for leaf in argument_values(tool, arguments):
        name = _argument(leaf.pointer)
        is_content = leaf.role is not None and leaf.role.kind is ArgumentKind.CONTENT
        content[name] = content.get(name, True) and is_content
    return frozenset(name for name, only in content.items() if only)


def _argument(pointer: str) -> str:
    """The escaped name of the argument that a pointer leads into."""
    return pointer.split("/")[1] if pointer.startswith("/") else ""


def _leaves(pointer: str, value: JsonValue) -> list[str]:
    """The pointers of all scalars and empty containers; depth was bounded when it was parsed."""
    if isinstance(value, dict) and value:
        return [
            below
            for name, inner in value.items()
            for below in _leaves(f"{pointer}/{escape(name)}", inner)
        ]
    if isinstance(value, list) and value:
        return [
            below
            for index, inner in enumerate(value)
            for below in _leaves(f"{pointer}/{index}", inner)
        ]
    return [pointer]


def _is_under(pointer: str, paths: Sequence[str]) -> bool:
    return any(pointer == path or pointer.startswith(path + "/") for path in paths)


def _at(arguments: Mapping[str, JsonValue], pointer: str) -> tuple[bool, JsonValue]:
    """What stands at an RFC 6901 pointer, and whether anything does."""
    value: JsonValue = dict(arguments)
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif (
            isinstance(value, list)
            and token.isascii()
            and token.isdecimal()
            and int(token) < len(value)
        ):
            value = value[int(token)]
        else:
            return False, None
    return True, value


def _fits(value: JsonValue, constraint: ArgumentConstraint) -> bool:
    if canonical(value).decode() in constraint.values:
        return True
    texts = value if isinstance(value, list) else [value]
    return bool(texts) and all(
        isinstance(text, str) and any(_matches(pattern, text) for pattern in constraint.patterns)
        for text in texts
    )


def _matches(pattern: str, text: str) -> bool:
    """Whether a glob whose only wildcard is `*`, any characters, matches all of `text`."""
    first, *rest = pattern.split("*")
    if not rest:
        return first == text
    *middle, last = rest
    end = len(text) - len(last)
    if not text.startswith(first) or not text.endswith(last) or len(first) > end:
        return False
    place = len(first)
    for part in middle:
        place = text.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return True
