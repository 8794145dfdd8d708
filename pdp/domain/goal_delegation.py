"""Whether a sentence of a goal hands the choice of acts to something else."""

from __future__ import annotations

import re
from typing import Final

from pdp.domain.goal_grammar import QUOTE

_CARRYING_OUT: Final = (
    r"(?:do|perform|execute|carry out|complete|handle|follow|act on|act upon|process|address"
    r"|finish|"
    r"implement|take care of|work through|go through|comply with|obey|run through|tackle|resolve|"
    r"fulfil|fulfill|apply|adhere to|proceed with|deal with)"
)
_DELEGATING = re.compile(
    rf"\b{_CARRYING_OUT}\b(?: (?!following|below|these)\S+){{0,5}}? (?:actions?|tasks?"
    rf"|instructions?|"
    r"steps|to-?dos?|items?|requests?|things|directions?|orders|commands?|points|checklist"
    r"|guidelines|"
    r"procedure)\b(?P<where>.*)",
    re.IGNORECASE,
)
_OBEYING: Final = ("follow", "obey", "comply", "adhere")
_ELSEWHERE = re.compile(
    r"\b(?:in|from|on|of|by|listed|specified|mentioned|described|given|contained|stated|sent"
    r"|written|"
    r"outlined|assigned|requested|there|precisely|exactly|carefully|open|outstanding|left"
    r"|remaining|pending|due)\b|^\W*$"
)
_HANDED_OVER = re.compile(
    rf"\b{_CARRYING_OUT} (?:exactly |precisely |just |all |only )*(?:what|whatever|as|everything|"
    r"anything)\b.{0,40}?\b(?:says?|asks?|asked|tells?|told|instructs?|requests?|wants?|requires?"
    r"|said|"
    r"instructed|written|needs|listed|mentioned)\b"
    r"|\baccordingly\b|\bas (?:instructed|requested|described|specified|directed|told|asked|stated|"
    r"required|outlined)\b(?: (?:in|by|there)\b|$)"
    r"|\b(?:according to|per|based on|following) (?:the|their|his|her|its|any) (?:\S+ ){0,2}"
    r"(?:instructions?|directions?|steps|guidelines)"
    r"|\b(?:on|from|in) (?:my|the|our) (?:\S+ )?(?:to-?do|to do|task|action|shopping) ?(?:list"
    r"|items|s)\b"
    r"|\bwhat(?:ever)? (?:needs|has|is) to be done\b"
)
_OFFERED = re.compile(
    r"\b(?:give|get|send|hand|bring|provide|book|order|buy|make|prepare|grant)\b(?: \S+){0,3}?"
    r" what(?:ever)? (?:he|she|they|\w+)(?:'s| is| are)? (?:\w+ ){0,2}?(?:after|wants?|needs?"
    r"|asks?|asked|requests?|requested|asking|requires?|ordered)\b"
    r"|\b(?:the way|as|like) (?:he|she|they|it|the \w+|my \w+) (?:says?|said|describes?|described"
    r"|wants?|wanted|wrote|asks?|asked|suggests?|suggested|lists?|puts?|proposes?|proposed)\b"
)
_POINTING = re.compile(
    r"(?<!not )(?<!don't )(?<!never )\b(?:do|handle|deal with|take care of|see to|act on"
    r"|work through|tackle|process|sort out|sort|carry out|get on with|knock out|attend to)"
    r"(?: (?:just|all|exactly|of|both)){0,3} (?:it|them|that|this|these|those|so|all|everything)"
    r"(?= (?:for|please|and|now|then|today|asap|,|like|in|as|the way|properly|carefully|too|also"
    r"|out)\b"
    r"| ,|$)"
)
_ALL_OF_IT = re.compile(
    r"(?<!not )(?<!don't )(?<!never )\b(?:do|handle|deal with|take care of|see to|act on"
    r"|work through) (?:just )?(?:all (?:that|this|those|these|of it|of them|of that)|them all|them"
    r"|these|those"
    r"|everything)(?= (?:for|please|and|now|then|today|asap|in|properly|too|also)\b| ,|$)"
)
_BILL = re.compile(
    r"\b(?:pay|settle|clear)\b(?: \S+){0,4}? (?:bills?|invoices?|fees?|fine|dues|statement"
    r"|charges)\b"
    r"(?!.*[@\d])"
)


def delegates(said: str) -> bool:
    """Whether the words of a sentence, in lower case, leave it to others what is done."""
    found = _DELEGATING.search(said)
    if found is not None and _hands_over(found):
        return True
    return bool(
        _HANDED_OVER.search(said)
        or _BILL.search(said)
        or _OFFERED.search(said)
        or _ALL_OF_IT.search(said)
    )


def points_back(said: str) -> bool:
    """Whether a sentence asks to do what an earlier one spoke of ("just do them")."""
    return bool(_POINTING.search(said))


def without_delegation(sentence: str) -> str:
    """A sentence without the verb of its delegation: "follow the steps" asks for no following."""
    return _DELEGATING.sub(_without_verb, sentence)


def _without_verb(match: re.Match[str]) -> str:
    """A delegation without its verb: "follow the steps" asks for no following."""
    return f"{QUOTE} {match['where']}" if _hands_over(match) else match[0]


def _hands_over(match: re.Match[str]) -> bool:
    return bool(_ELSEWHERE.search(match["where"])) or match[0].lower().startswith(_OBEYING)
