"""Which acts a goal asks for, read from its words by plain rules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pdp.domain.atoms import normalise
from pdp.domain.definition import singular
from pdp.domain.goal_clause import Heard, clause_acts
from pdp.domain.goal_delegation import delegates, points_back, without_delegation
from pdp.domain.goal_forms import other_forms
from pdp.domain.goal_grammar import PLACE, QUOTE
from pdp.domain.goal_languages import LANGUAGES, Language
from pdp.domain.goal_words import COVERS, EFFECTS, GRAVE, IMPLIED, NEAR, Act, Acts, verb_acts
from pdp.domain.tool_acts import ToolActs
from pdp.domain.vocabulary import words
from pdp.domain.wording import QUOTES

#: Verbs that are kept of a goal: people ask for a few things at once.
MAX_ASKS: Final = 64
#: What a verb is about stands in so many words after it.
_ABOUT: Final = 16
#: A goal of fewer words that asks for nothing is a name, a greeting or a slip.
_SAYS_SOMETHING: Final = 3

_NO_ACTS: Final[Acts] = frozenset()
_ADDRESS = re.compile(r"(?<!\S)(?:[^\s@:]{0,512}+(?:@|://)|[(<\"']?www\.)\S*\w")
_SENTENCE = re.compile(
    r"[.!?](?=[\s)]|$)|[;:](?=\s|$)|\n|(?<=\s)[-*\u2022\u2013\u2014](?=\s)|(?<!\w)\d{1,2}[.)](?=\s)"
)
_TOKEN = re.compile(r"\x00\w+|[$€£¥₹]|\w(?:[\w'./&+-]*\w)?|[,(&]")
#: What a colon adds to a sentence stands in so many characters after it.
_VALUE: Final = 160
#: An amount with its currency, or an IBAN. With one of these, these verbs settle what is owed.
_MONEY = re.compile(
    r"[$€£¥₹] ?\d|\d ?[$€£¥₹]|\d ?(?:eur|usd|gbp|chf|euros?|dollars?|pounds?|francs?)\b"
    r"|\b[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){3}",
    re.IGNORECASE,
)
_ARRANGING: Final = words("schedule arrange issue process initiate")
_OWED: Final = words("invoice bill rent fee fine instalment installment premium dues debt")
#: After these a line gives a value and asks for nothing ("Subject: Cancel my order").
_LABELS: Final = words("subject body text message title content name description caption note re")


@dataclass(frozen=True, slots=True)
class Ask:
    """A verb that a goal asks with, in its base form, and the words that follow it, singular."""

    verb: str
    acts: Acts
    about: frozenset[str]


@dataclass(frozen=True, slots=True)
class GoalActs:
    """What a goal asks for and what it forbids.

    `maybe` are acts that it may ask for besides: some of its words were not understood.
    `delegates` says that it hands the choice of acts to something else ("do what the letter says"):
    no person has asked for what then follows. `asks` are the verbs themselves, at most MAX_ASKS.
    """

    acts: Acts = _NO_ACTS
    negated: Acts = _NO_ACTS
    delegates: bool = False
    maybe: Acts = _NO_ACTS
    asks: frozenset[Ask] = frozenset()

    def and_also(self, more: GoalActs) -> GoalActs:
        """What two texts of the same principal ask for together."""
        return GoalActs(
            self.acts | more.acts,
            self.negated | more.negated,
            self.delegates or more.delegates,
            self.maybe | more.maybe,
            self.asks | more.asks,
        )


class Stance(StrEnum):
    """Whether a goal asks for what a tool does; UNSURE where it may."""

    ASKED = "asked"
    UNSURE = "unsure"
    UNASKED = "unasked"


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
    reader = _Reader()
    for sentence, is_question, value in _sentences(seen):
        reader.read(sentence, is_question, value)
    return reader.goal()


class _Reader:
    """Reads a goal sentence by sentence: what came before says what "do it" means."""

    def __init__(self) -> None:
        self.asked: set[Act] = set()
        self.negated: set[Act] = set()
        self.maybe: set[Act] = set()
        self.asks: set[Ask] = set()
        self.delegates = False
        self.silent = True
        self.doubtful = False
        self.words = 0

    def read(self, sentence: str, is_question: bool, value: str) -> None:
        tokens = _TOKEN.findall(without_delegation(sentence))
        if not tokens:
            return
        clause = clause_acts(tokens, is_question)
        forms = other_forms(tokens, clause)
        said = " ".join(_TOKEN.findall(sentence.lower()))
        if delegates(said) or (points_back(said) and not (self.asked or self.maybe)):
            self.delegates = True
        self.doubtful = self.doubtful or forms.doubtful
        self.asked |= clause.asked | forms.asked
        if _MONEY.search(f"{sentence} {value}") and _settles(tokens, clause.heard):
            self.asked.add(Act.PAY)
        self.negated |= clause.negated
        self.silent = self.silent and forms.silent
        self.words += len(tokens)
        if forms.unread:
            self.maybe |= EFFECTS
        self._keep(tokens, clause.heard)
        self._read_foreign([token.lower() for token in tokens])

    def _keep(self, tokens: Sequence[str], heard: Sequence[Heard]) -> None:
        for place, one in enumerate(heard):
            if one.denied or len(self.asks) >= MAX_ASKS:
                continue
            self.maybe |= IMPLIED.get(one.verb, _NO_ACTS)
            ends = min(
                one.end + _ABOUT, *(after.start for after in heard[place + 1 :][:1]), len(tokens)
            )
            about = frozenset(singular(token.lower()) for token in tokens[one.start + 1 : ends])
            self.asks.add(Ask(one.verb, one.acts, about))

    def _read_foreign(self, spoken: Sequence[str]) -> None:
        for language in LANGUAGES.values():
            if _is_spoken(language, spoken):
                more, less = _foreign(spoken, language)
                self.asked |= more - {Act.LOOK}
                self.negated |= less - {Act.LOOK}
                self.silent = self.silent and not (more or less)
                if re.search(language.delegation, " ".join(spoken)):
                    self.delegates = True

    def goal(self) -> GoalActs:
        # Whoever writes more than a name or a greeting to an agent wants something of it.
        nothing = self.silent and self.words >= _SAYS_SOMETHING and not self.delegates
        if nothing or (self.doubtful and not self.asked):
            self.maybe |= EFFECTS
        return GoalActs(
            frozenset(self.asked - {Act.LOOK}),
            frozenset(self.negated),
            self.delegates,
            frozenset(self.maybe),
            frozenset(self.asks),
        )


def stance(goal: GoalActs, tool: ToolActs) -> Stance:
    """Whether the goal asks for what the tool does, under this name or as a way to do it.

    Of a tool that does something grave (paying, deleting, granting, …) that must be asked for in
    words that are known. Else it is enough that the goal uses the tool's own verb, of what the tool
    is about. What the goal only forbids is not asked for.
    """
    if tool.acts <= {Act.LOOK}:
        return Stance.ASKED
    if forbidden(goal, tool.acts):
        return Stance.UNASKED
    grave = tool.acts & GRAVE
    if (grave or tool.acts) & covered(goal.acts):
        return Stance.ASKED
    if not grave and any(one.verb in tool.verbs and one.about & tool.about for one in goal.asks):
        return Stance.ASKED
    near = goal.maybe.union(*(NEAR.get(act, _NO_ACTS) for act in goal.acts))
    return Stance.UNSURE if tool.acts & near else Stance.UNASKED


def covered(acts: Acts) -> Acts:
    """What asking for these acts also covers: the ways in which servers offer them."""
    return acts.union(*(COVERS[act] for act in acts))


def forbidden(goal: GoalActs, tool_acts: Acts) -> bool:
    """Whether the goal rules out what the tool does and nowhere asks for it ("don't reply")."""
    return bool(tool_acts & (goal.negated - goal.acts))


def _settles(tokens: Sequence[str], heard: Sequence[Heard]) -> bool:
    """Whether a sentence arranges for what is owed: "schedule invoice R-17 for Friday"."""
    return any(
        one.verb in _ARRANGING
        and not one.denied
        and any(
            singular(token.lower()) in _OWED or (token[-1:].isdigit() and not token[:1].isdigit())
            for token in tokens[one.end : one.end + 3]
        )
        for one in heard
    )


def _sentences(text: str) -> Iterator[tuple[str, bool, str]]:
    """Sentences and list items, each with whether it is a question, and with what a colon adds.

    Values of labels are left out.
    """
    start, is_value = 0, False
    for mark in (*_SENTENCE.finditer(text), None):
        end = mark.start() if mark is not None else len(text)
        sentence = text[start:end].strip()
        sign = mark[0] if mark is not None else ""
        if sentence and not is_value:
            yield sentence, sign == "?", text[end : end + _VALUE] if sign == ":" else ""
        label = sentence.split()[-1:] or [""]
        is_value = (is_value and not sign.isspace()) or (
            sign == ":" and label[0].lower() in _LABELS
        )
        start = mark.end() if mark is not None else end


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
