"""What people's answers are worth: who may give them, what they cover, and what becomes of them.

An approval goes PENDING, then APPROVED or DENIED by votes, or CANCELLED; an approved one is
RESERVED by the allow that rests on it and CONSUMED once that call is reported to have succeeded.
EXPIRED is never stored: it is what a PENDING or APPROVED one reads as when its time is over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pdp.domain.atoms import normalise, value_atoms
from pdp.domain.canonical import JsonValue, canonical, digest
from pdp.domain.catalogue import ArgumentKind, Tool, argument_values, escape
from pdp.domain.constraint import unmet
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
    # Once more, as folding can bring forth what has another normal form.
    return normalise(normalise(text).casefold())


def is_party(person: Subject, approval: ApprovalRecord) -> bool:
    """Whether the call is this person's own: its subject's, or the principal's it works for."""
    return same_person(person, approval.subject) or same_person(person, approval.principal)


def voted(approval: ApprovalRecord, vote: Vote) -> ApprovalRecord:
    """The approval after one more vote: a single no ends it, enough of yes answer it.

    `use_us` runs from the vote that answers it.
    """
    after = replace(approval, votes=(*approval.votes, vote))
    if not vote.approve:
        return replace(after, state=ApprovalState.DENIED)
    if len(approvers_of(after)) < approval.votes_needed:
        return after
    return replace(after, state=ApprovalState.APPROVED, expires_at_us=vote.at_us + approval.use_us)


def approvers_of(approval: ApprovalRecord) -> tuple[Subject, ...]:
    """Those who said yes, each person once, whatever names they did it under."""
    found: list[Subject] = []
    for vote in approval.votes:
        if vote.approve and not any(same_person(vote.voter, other) for other in found):
            found.append(vote.voter)
    return tuple(found)


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
    """What a "no" is about, `sha256:<hex>`: the tool and where the effect goes.

    The same places in another order or another spelling are the same aim.
    """
    places = {
        (_generalised(one.pointer), key)
        for one in traces
        if one.kind not in _NOT_AIMED
        for key in [atom.key for atom in value_atoms(one.value, one.holds)] or [one.value]
    }
    document: dict[str, JsonValue] = {
        "server": server,
        "tool": tool,
        "places": [[path, key] for path, key in sorted(places)],
    }
    return digest(canonical(document))


def _generalised(pointer: str) -> str:
    """A pointer to any item where this one says which."""
    return "/".join("*" if token.isdecimal() else token for token in pointer.split("/"))


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


def grant_constraints(
    approval: ApprovalRecord, tool: Tool, arguments: Mapping[str, JsonValue]
) -> tuple[ArgumentConstraint, ...]:
    """The constraints of the grant that an approval becomes: what each who said yes would give.

    What one of them left open is pinned for all, also where another spoke of it; so is content that
    the question was about, as for a link or a secret in it.
    """
    about = frozenset[str]().union(*(_parts(one, "arguments") for one in approval.reasons))
    return tuple(
        dict.fromkeys(
            constraint
            for vote in approval.votes
            if vote.approve and vote.grant is not None
            for constraint in pinned(tool, arguments, vote.grant.constraints, about)
        )
    )


def pinned(
    tool: Tool,
    arguments: Mapping[str, JsonValue],
    given: Sequence[ArgumentConstraint],
    about: Collection[str] = (),
) -> tuple[ArgumentConstraint, ...]:
    """The constraints of a grant: those that were given, and for what they leave open this call's.

    Content is free unless it is constrained or its argument is one of `about` (escaped names);
    everything else that nobody spoke of has to be as it is in the call that was approved.
    """
    paths = frozenset(constraint.path for constraint in given)
    spoken_of = {_argument(path) for path in paths}
    free = _content(tool, arguments).difference(about)
    pins: list[ArgumentConstraint] = []
    for name, value in arguments.items():
        pointer = f"/{escape(name)}"
        if escape(name) in free:
            continue
        if escape(name) in spoken_of:
            pins += [_pin(at, part) for at, part in _leaves(pointer, value, paths)]
        else:
            pins.append(_pin(pointer, value))
    return (*given, *pins)


def _pin(pointer: str, value: JsonValue) -> ArgumentConstraint:
    return ArgumentConstraint(pointer, (canonical(value).decode(),), whole=True)


def exactly(arguments: Mapping[str, JsonValue]) -> tuple[ArgumentConstraint, ...]:
    """Constraints that only these very arguments meet, where the grant is closed."""
    return tuple(_pin(f"/{escape(name)}", value) for name, value in arguments.items())


def grant_is_live(grant: GrantRecord, now_us: int) -> bool:
    """Whether it can be used at `now_us`."""
    return not grant.revoked and grant.uses < grant.max_uses and now_us < grant.expires_at_us


def grant_covers(grant: GrantRecord, tool: Tool, arguments: Mapping[str, JsonValue]) -> bool:
    """Whether a call of `tool` with these arguments is one of those that the grant is for."""
    if (grant.server, grant.tool) != (tool.server, tool.name):
        return False
    if grant.definition_digest != tool.schema_digest:
        return False
    if unmet(grant.constraints, arguments) is not None:
        return False
    paths = frozenset(constraint.path for constraint in grant.constraints)
    free = frozenset[str]() if grant.closed else _content(tool, arguments)
    left_open = (
        leaf
        for name, value in arguments.items()
        if escape(name) not in free
        for leaf in _leaves(f"/{escape(name)}", value, paths)
    )
    return next(left_open, None) is None


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


def _leaves(
    pointer: str, value: JsonValue, spoken_of: Collection[str]
) -> Iterator[tuple[str, JsonValue]]:
    """The scalars and empty containers that are not at or below one of the paths spoken of.

    Depth was bounded when it was parsed.
    """
    if pointer in spoken_of:
        return
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(f"{pointer}/{escape(name)}", inner, spoken_of)
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves(f"{pointer}/{index}", inner, spoken_of)
    else:
        yield pointer, value
