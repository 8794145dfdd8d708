"""What is known of one atom, and what becomes of it when the atom is met again."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from pdp.domain.values import OutputLabel, Sensitivity


class Origin(StrEnum):
    """Who a value came from. `none` is a value that chooses nothing (an option, a flag)."""

    NONE = "none"
    PRINCIPAL = "principal"
    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    UNKNOWN = "unknown"


class Seen(NamedTuple):
    """What is known of one atom.

    `source` is the decision whose output it came from, or the name of the principal's text.
    `outputs` are the labels of outputs that held it. `named` says that one had it in a record with
    something the principal named, or that a draft made it whose recipients the principal named;
    `pointed` that an untrusted one had it in running text; `doubtful` that a draft made or changed
    it whose recipients or links nobody is known to have chosen. `meant` says that a trusted output
    has it in the one entry that bears a name the principal used, `disputed` that several bear it;
    `uttered` that the agent had written it in a call, or somebody in a text, before; `minted` that
    a server gave it as a link to what a call of the task made, or looked up for the principal;
    `related` that it is `meant` by a thing's own word only, which is no proof of who somebody is;
    `led` that untrusted content had led the task to the first output that held it, or to any where
    it is `echoed`: the agent had written it before any output held it.
    """

    origin: Origin = Origin.UNKNOWN
    source: str = ""
    outputs: frozenset[OutputLabel] = frozenset()
    sensitivity: Sensitivity = Sensitivity.UNSPECIFIED
    named: bool = False
    pointed: bool = False
    order: int = 0
    doubtful: bool = False
    meant: bool = False
    disputed: bool = False
    uttered: bool = False
    minted: bool = False
    related: bool = False
    led: bool = False
    echoed: bool = False


def merged(old: Seen, new: Seen) -> Seen:
    """An atom met again: the first occurrence tells where it is from; untrusted beats unknown.

    The one entry that the principal's name chooses in a trusted list is where it is from whoever
    spoke of it before, but not where the agent did: it may have written the entry.
    """
    turned = old.origin is Origin.UNKNOWN and new.origin is Origin.UNTRUSTED
    meant = old.meant or (new.meant and not old.uttered)
    turned = turned or (meant and not old.meant)
    echoed = old.echoed or (old.uttered and not old.outputs)
    return Seen(
        origin=new.origin if turned else old.origin,
        source=new.source if turned else old.source,
        outputs=old.outputs | new.outputs,
        sensitivity=max(old.sensitivity, new.sensitivity),
        # An untrusted record does not give a name to what a trusted output brought.
        named=old.named
        or (new.named and (new.origin is Origin.TRUSTED or old.origin is not Origin.TRUSTED)),
        pointed=old.pointed or new.pointed,
        order=old.order,
        doubtful=old.doubtful,
        meant=meant,
        disputed=old.disputed or new.disputed,
        uttered=old.uttered,
        minted=old.minted,
        related=meant and (old.related if old.meant else new.related),
        # What the agent wrote somewhere comes back from there: no way to it that nobody led to.
        led=old.led or (new.led and (echoed or not old.outputs)),
        echoed=echoed,
    )


def met_again(old: Seen, new: Seen) -> Seen:
    """The same, also where the agent or a text nobody vouches for has it: that is only uttered."""
    if new.outputs and old is not new:
        both = merged(old, new)
        return old if both == old else both
    return old._replace(uttered=True) if new.uttered and not old.uttered else old
