"""Which acts a goal asks for, read from its words by plain rules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pdp.domain.atoms import normalise
from pdp.domain.goal_clause import clause_acts
from pdp.domain.goal_grammar import PLACE, QUOTE
from pdp.domain.goal_languages import LANGUAGES, Language
from pdp.domain.goal_words import COVERS, GRAVE, Act, Acts, verb_acts
from pdp.domain.vocabulary import words
from pdp.domain.wording import QUOTES

_NO_ACTS: Final[Acts] = frozenset()
_ADDRESS = re.compile(r"(?<!\S)(?:[^\s@:]{0,512}+(?:@|://)|[(<\"']?www\.)\S*\w")
_SENTENCE = re.compile(
    r"[.!?](?=[\s)]|$)|[;:](?=\s|$)|\n|(?<=\s)[-*\u2022\u2013\u2014](?=\s)|(?<!\w)\d{1,2}[.)](?=\s)"
)
_TOKEN = re.compile(r"\x00\w+|[$€£¥₹]|\w(?:[\w'./&+-]*\w)?|[,(&]")
#: After these a line gives a value and asks for nothing ("Subject: Cancel my order").
_LABELS: Final = words("subject body text message title content name description caption note re")

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
    r"outlined|assigned|requested|there|precisely|exactly|carefully)\b|^\W*$"
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
_BILL = re.compile(
    r"\b(?:pay|settle|clear)\b(?: \S+){0,4}? (?:bills?|invoices?|fees?|fine|dues|statement"
    r"|charges)\b"
    r"(?!.*[@\d])"
)


@dataclass(frozen=True, slots=True)
class GoalActs:
    """What a goal asks for and what it forbids.

    `delegates` says that it hands the choice of acts to something else ("do what the letter says"):
    no person has asked for what then follows.
    """

    acts: Acts = _NO_ACTS
    negated: Acts = _NO_ACTS
    delegates: bool = False


#: A mail that was pasted in, and lines that quote one: others ask there.
_OF_OTHERS: Final = re.compile(
    r"(?m)(?:^[ \t]*-{2,}[ \t]*(?:forwarded message|original message|urspr\u00fcngliche nachricht"
    r"|weitergeleitete nachricht|message transf\u00e9r\u00e9|message d'origine|mensaje reenviado"
    r"|mensaje original)[ \t]*-{2,}|^begin forwarded message:)(?s:.*)"
    r"|^[ \t]*>[^\n]*(?:\n[ \t]*>[^\n]*)*",
    re.IGNORECASE,
)


def read_goal(text: str) -> GoalActs:
    """The acts that a goal asks for. Anything may be given; what is not understood asks nothing."""
    seen = normalise(text).replace("\u2019", "'").replace("\u2018", "'").strip()
    seen = _OF_OTHERS.sub(f" {QUOTE}. ", seen)
    if len(seen) > 1 and seen[0] == seen[-1] and seen[0] in "\"'" and seen.count(seen[0]) == 2:
        seen = seen[1:-1]
    seen = _ADDRESS.sub(f" {PLACE} ", QUOTES.sub(f" {QUOTE} ", seen))
    asked: set[Act] = set()
    negated: set[Act] = set()
    delegates = False
    for sentence, is_question in _sentences(seen):
        tokens = _TOKEN.findall(_DELEGATING.sub(_without_verb, sentence))
        if not tokens:
            continue
        found = clause_acts(tokens, is_question)
        asked |= found.asked
        negated |= found.negated
        spoken = [token.lower() for token in tokens]
        delegates = delegates or _delegates(" ".join(_TOKEN.findall(sentence.lower())))
        for language in LANGUAGES.values():
            if _is_spoken(language, spoken):
                more, less = _foreign(spoken, language)
                asked |= more
                negated |= less
                delegates = delegates or bool(re.search(language.delegation, " ".join(spoken)))
    return GoalActs(frozenset(asked), frozenset(negated), delegates)


def asked(goal: GoalActs, tool_acts: Acts) -> bool:
    """Whether the goal asks for what the tool does, under this name or as a way to do it.

    Of a tool that does something grave (paying, deleting, granting, …) that must be asked for.
    What the goal only forbids is not asked for.
    """
    if tool_acts <= {Act.LOOK}:
        return True
    if forbidden(goal, tool_acts):
        return False
    covered = {Act.LOOK}.union(*(COVERS[act] for act in goal.acts))
    return bool((tool_acts & GRAVE or tool_acts) & covered)


def forbidden(goal: GoalActs, tool_acts: Acts) -> bool:
    """Whether the goal rules out what the tool does and nowhere asks for it ("don't reply")."""
    return bool(tool_acts & (goal.negated - goal.acts))


def _sentences(text: str) -> Iterator[tuple[str, bool]]:
    """Sentences and list items, each with whether it is a question; values of labels left out."""
    start, is_value = 0, False
    for mark in (*_SENTENCE.finditer(text), None):
        end = mark.start() if mark is not None else len(text)
        sentence = text[start:end].strip()
        sign = mark[0] if mark is not None else ""
        if sentence and not is_value:
            yield sentence, sign == "?"
        label = sentence.split()[-1:] or [""]
        is_value = (is_value and not sign.isspace()) or (
            sign == ":" and label[0].lower() in _LABELS
        )
        start = mark.end() if mark is not None else end


def _without_verb(match: re.Match[str]) -> str:
    """A delegation without its verb: "follow the steps" asks for no following."""
    return f"{QUOTE} {match['where']}" if _hands_over(match) else match[0]


def _hands_over(match: re.Match[str]) -> bool:
    return bool(_ELSEWHERE.search(match["where"])) or match[0].lower().startswith(_OBEYING)


def _delegates(sentence: str) -> bool:
    found = _DELEGATING.search(sentence)
    if found is not None and _hands_over(found):
        return True
    return bool(_HANDED_OVER.search(sentence) or _BILL.search(sentence))


def _is_spoken(language: Language, spoken: Sequence[str]) -> bool:
    small = language.articles | language.negations
    first = spoken[0]
    return not small.isdisjoint(spoken) or (first in language.forms and not verb_acts(first))


def _foreign(spoken: Sequence[str], language: Language) -> tuple[Acts, Acts]:
    """What forms of another language ask for and deny; English words are read as English."""
    more, less = _NO_ACTS, _NO_ACTS
    has_money = not language.money.isdisjoint(spoken) or not {"€", "$", "£"}.isdisjoint(spoken)
    for at, word in enumerate(spoken):
        acts = language.forms.get(word, _NO_ACTS)
        if not acts or (spoken[at - 1 : at] and spoken[at - 1] in language.articles):
            continue
        if Act.SEND in acts and has_money:
            acts |= {Act.PAY}
        before = spoken[max(0, at - language.reach) : at]
        after = spoken[at + 1 : at + 1 + language.reach]
        if language.negations.isdisjoint(before) and language.negations_after.isdisjoint(after):
            more |= acts
        else:
            less |= acts
    return more, less
