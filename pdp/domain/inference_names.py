"""Which word of a tool's name is its verb: `send_message`, `message_send` or neither.

Some servers put the verb first, some last, behind what it acts on. A word that can be a verb at
either end is weighed by its kind; where both readings are open the more dangerous one is taken,
unless the description begins with one of the two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from pdp.domain.definition import telling_words
from pdp.domain.vocabulary import NOUNS_TOO, STRONG_VERBS, VERBS_ONLY, WEAK_VERBS, words

_MAKING = words("add create insert make new")
#: "post_update" and "message_change" edit what was sent, or send what is new.
_EDITING = words("update change edit")
#: "can_delete" asks whether; "mark_read", "set_open" and "undo_send" put into a state or take back.
_ASKING = words("can is has may should")
_STATES = words(
    "read open send close complete clear confirm resolve submit publish archive lookup accept "
    "decline approve reject leave"
)
#: Acts that are as often things ("a leave of two weeks").
_ACTS_TOO = words("leave claim absence request booking order return refund exchange")
#: "share_read_access" shares.
_KINDS_OF_ACCESS = words("read write edit send")
#: Agents named by what they do (`mail_sender`).
_AGENT_ENDINGS = ("er", "or")


def groups_of(names: Iterable[str]) -> frozenset[str]:
    """The words that several names begin with and that say what these tools are about.

    So where two other words follow it that only verbs are (`remind_add`, `remind_drop`), one of
    them no state that a thing can be put into (`mark_read`, `mark_open`), and not where it is such
    a word itself (`get_order`, `get_user`).
    """
    followed: defaultdict[str, set[str]] = defaultdict(set)
    for name in names:
        tokens = telling_words(name)
        if len(tokens) > 1 and tokens[0] not in VERBS_ONLY | _ASKING:
            followed[tokens[0]].update({tokens[1], tokens[-1]} & VERBS_ONLY)
    return frozenset(word for word, verbs in followed.items() if len(verbs) > 1 and verbs - _STATES)


def verbs_of_name(tokens: Sequence[str], *, grouped: bool) -> tuple[list[str], bool]:
    """The words of a name that may be its verb, and whether the description has to choose.

    Empty where no strong verb is among them; the caller takes the most dangerous.
    """
    strong = [at for at, word in enumerate(tokens) if word in STRONG_VERBS]
    behind = [tokens[at] for at in strong if at > 0]
    if tokens and tokens[0] not in STRONG_VERBS and _leads(tokens[1:]):
        # "hr_get_claim", "crm_list_leave": what follows the verb is what it is done to.
        return [tokens[1]], False
    if grouped and behind:
        # "remind_list": what the tools are about says nothing of what is done.
        return behind, False
    if not strong:
        return [], False
    first, last = tokens[0], tokens[-1]
    if behind and (first in NOUNS_TOO or first in WEAK_VERBS):
        if last in VERBS_ONLY:
            # "dm_read", "order_cancel"; making a refund or a share is refunding or sharing.
            return ([first, last] if first in STRONG_VERBS and last in _MAKING else [last]), False
        if tokens[1] in VERBS_ONLY and tokens[1] not in _KINDS_OF_ACCESS:
            return [tokens[1]], False
        if last in STRONG_VERBS and (first in STRONG_VERBS or last in _EDITING):
            return [first, last], True
    if strong[0] == 0:
        # "create_or_update" says two verbs; "list_change_requests" only one.
        joined = [at for at in strong if at > 1 and tokens[at - 1] in ("or", "and")]
        return [first, *(tokens[at] for at in joined)], False
    return behind, False


def _leads(tokens: Sequence[str]) -> bool:
    """Whether the name goes on with a verb, and with no other word that only verbs are."""
    if len(tokens) > 1 and tokens[0] == "list":
        return _ACTS_TOO.issuperset(tokens[1:])
    return (
        len(tokens) > 1
        and tokens[0] in (STRONG_VERBS.keys() | WEAK_VERBS.keys()) & VERBS_ONLY
        and all(word in _ACTS_TOO or word not in VERBS_ONLY for word in tokens[1:])
    )


def agent_verb(word: str) -> str:
    """The verb of a word for who does it (`sender`, `wiper`, `runner`), or an empty string."""
    for ending in _AGENT_ENDINGS:
        if word.endswith(ending) and len(word) > 4:
            stem = word[: -len(ending)]
            undoubled = stem[:-1] if stem[-1] == stem[-2] else stem
            for verb in (stem, stem + "e", undoubled):
                if verb in STRONG_VERBS:
                    return verb
    return ""
