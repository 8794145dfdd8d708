"""Reading one sentence of a goal: which of its verbs ask the agent to act, and which forbid it.

English asks with a verb in its base form at the start of a clause ("delete it"), after "please",
"to", "can you" and the like, joined to such a verb ("find it and delete it"), as a participle
("have it moved", "it must be paid") or after some prepositions ("without sending").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pdp.domain.definition import singular
from pdp.domain.goal_grammar import (
    ASKING_WORDS,
    BEFORE_YOU,
    BEING,
    BUT_DO,
    CLOSING,
    CONDITIONS,
    DETERMINERS,
    FINITE,
    GERUND_NO,
    GERUND_YES,
    GOVERNING,
    HANDING,
    HELPING,
    IDLE,
    INDIRECT,
    JOINING,
    MODALS,
    NO_OBJECT,
    NO_VERB,
    NOT,
    NOUNS_TO,
    OBJECT,
    OTHERS,
    PASSED,
    REACH,
    REPORTING,
    SETTING,
    SOFT,
    TOLD,
    URGING,
)
from pdp.domain.goal_verbs import base_form, formed
from pdp.domain.goal_words import (
    LIGHT_VERBS,
    MONEY_WORDS,
    NOUN_ACTS,
    NOUNY,
    PHRASES,
    Act,
    Acts,
    phrasal_acts,
    verb_acts,
)

_NO_ACTS: Final[Acts] = frozenset()


@dataclass(frozen=True, slots=True)
class Heard:
    """A verb by which a sentence asks: its base form, its index, the index after it, its acts.

    Without acts it is a word that stands where a verb asks and that no vocabulary knows.
    """

    verb: str
    start: int
    end: int
    acts: Acts
    denied: bool = False


@dataclass(slots=True)
class ClauseActs:
    """What one sentence asks for and what it forbids, and by which verbs."""

    question: bool
    asked: set[Act] = field(default_factory=set)
    negated: set[Act] = field(default_factory=set)
    heard: list[Heard] = field(default_factory=list)


def clause_acts(tokens: Sequence[str], is_question: bool) -> ClauseActs:
    """Read one sentence, given as its words and commas with their case."""
    return _Clause(tokens, is_question).read()


class _Clause:
    def __init__(self, tokens: Sequence[str], is_question: bool) -> None:
        self.cased = tokens
        self.words = [token.lower() for token in tokens]
        first, second = self.words[0], self.at(1)
        self.question = (
            first in ASKING_WORDS and (first != "when" or is_question or second in ASKING_WORDS)
        ) or (
            first in ("do", "have", "should", "may", "shall", "can", "could", "would", "will")
            and second in OTHERS | {"you", "we", "the", "my", "it", "there"}
        )
        self.question = self.question or (is_question and not verb_acts(first))
        self.found = ClauseActs(self.question)

    def at(self, index: int) -> str:
        return self.words[index] if 0 <= index < len(self.words) else ""

    def _quotes(self, index: int) -> bool:
        """Whether what follows is what somebody says; after "what was said" nothing of it does."""
        if not index or self.words[index] not in REPORTING:
            return False
        return not (self.words[index] == "said" and self.at(index - 1) in BEING)

    def read(self) -> ClauseActs:
        index, last_denied = 0, False
        while index < len(self.words):
            if self._quotes(index):
                while index < len(self.words) and self.words[index] != "then":
                    index += 1
                continue
            acts, end = self._verb(index)
            place = self._place(index) if acts else None
            if place is not None:
                denied, loose = place
                if not loose or self._has_object(index, end, joined=True):
                    carried = last_denied and (
                        self.at(index - 1) in ("or", "nor")
                        or (self.at(index - 1) == "," and "or" in self.words[index:])
                    )
                    last_denied = denied or carried
                    (self.found.negated if last_denied else self.found.asked).update(
                        acts - {Act.LOOK}
                    )
                    verb = base_form(self.words[index])
                    if verb != self.words[index] and not self.words[index].endswith("ing"):
                        # "Have it sent to the new place": how things are is to be changed.
                        self.found.asked.update(() if last_denied else (Act.CHANGE,))
                    self.found.heard.append(Heard(verb, index, end, acts, last_denied))
                    index = self._past_told(index, end)
                    continue
            elif not acts and self._is_strange(index):
                self.found.heard.append(Heard(self.words[index], index, index + 1, _NO_ACTS))
            index += 1
        return self.found

    # Verbs

    def _verb(self, index: int) -> tuple[Acts, int]:
        """What the words from here ask for where a verb is due, and the index after them."""
        phrase = self._phrase(index)
        if phrase is not None:
            return phrase
        word = self.words[index]
        acts = phrasal_acts(word, self.at(index + 1))
        end = index + 2
        if not acts:
            acts, end = self._base(word), index + 1
        if not acts and word in ("do", "perform", "place", "initiate", "carry"):
            return self._by_object(word, index), end
        return (acts | self._by_object(word, index), end) if acts else (_NO_ACTS, end)

    def _base(self, word: str) -> Acts:
        if word in BEING | MODALS or word == "has":
            return _NO_ACTS
        acts = verb_acts(word) or formed(word, "ing") or formed(word, "ed")
        if not acts and "-" in word:
            # "re-run", "squash-merge": the last part says what is done.
            acts = verb_acts(word.rpartition("-")[2])
        return acts

    def _phrase(self, index: int) -> tuple[Acts, int] | None:
        word = self.words[index]
        for first in dict.fromkeys((word, base_form(word))):
            for steps, acts in PHRASES.get(first, ()):
                end = self._matches(steps, index + 1)
                if end:
                    return acts | self._by_object(first, index), end
        return None

    def _matches(self, steps: Sequence[str], index: int) -> int:
        """The index after a phrase whose further words stand here, or 0."""
        for place, step in enumerate(steps):
            if step not in ("*", "~"):
                if self.at(index) != step:
                    return 0
                index += 1
                continue
            if step == "~" and self.at(index) in ("me", "us", "myself", "you", ""):
                return 0
            if place + 1 == len(steps):
                return index if self.at(index) else 0
            span = self.words[index + 1 : index + 6]
            if steps[place + 1] not in span:
                return 0
            gap = span.index(steps[place + 1])
            if any(word in JOINING for word in span[:gap]):
                return 0
            index += gap + 1
        return index

    def _by_object(self, verb: str, index: int) -> Acts:
        """What a verb that says little asks for with its object; and sending money is paying."""
        found = _NO_ACTS
        after = self.words[index + 1 : index + 9]
        said = next((at for at, word in enumerate(after) if word in REPORTING | {"that"}), 8)
        if verb in HANDING and any(w in MONEY_WORDS or w in "$€£¥₹" for w in after[:said]):
            found |= {Act.PAY}
        if verb not in LIGHT_VERBS:
            return found
        for ahead in range(index + 1, min(index + 9, len(self.words))):
            noun = self.words[ahead]
            if noun in URGING | REPORTING | {"that"} or (
                noun in ("and", ",") and self._base(self.at(ahead + 1))
            ):
                break
            if noun in ("to", "from", "about", "with", "in", "for") and ahead > index + 2:
                break
            found |= NOUN_ACTS.get(singular(noun), _NO_ACTS)
        return found

    # Places

    def _place(self, index: int) -> tuple[bool, bool] | None:
        """Whether a verb here asks: (it is denied, it is merely joined to what came before)."""
        word, before = self.words[index], self.at(index - 1)
        if not verb_acts(word) and base_form(word) != word:
            return self._place_of_form(index)
        denied, to, urged, left = False, False, False, index - 1
        while left >= max(0, index - REACH) and self.words[left] in PASSED:
            here = self.words[left]
            denied = denied or here in NOT
            to = to or here == "to"
            urged = urged or here in URGING
            left -= 1
        stands = self.at(left)
        if stands == "if" and left + 1 < index:
            return ("don't" in self.words[left:index], False)
        if stands in BUT_DO and to:
            return (False, False) if self.at(left - 1) in NOT | {"to"} else None
        if stands == "need" and self.at(left - 1) == "no":
            return True, False
        if to and stands in ("has", "needs") and word in SETTING:
            return None
        if to and self.question and stands in ("have", "has", "need", "needs", "supposed", "going"):
            return None
        if to:
            denied = denied or not NOT.isdisjoint(self.words[max(0, left - 3) : left])
            return (denied, False) if self._leads_to(left) else None
        if before == "to":
            return None
        if left < 0:
            asks = not self.question or urged or denied
            stood = denied or self._has_object(index, index + 1)
            return (denied, False) if asks and stood else None
        if urged or (denied and stands not in OTHERS and self._may_deny(left)):
            return denied, False
        if stands in ("you", "we", *MODALS) and self.at(left - 2) in INDIRECT:
            return None
        if stands in ("you", "we") and self.at(left - 1) in MODALS | BEFORE_YOU:
            return denied, False
        if stands in MODALS and self.at(left - 1) in ("you", "we"):
            return denied, False
        if stands in ("let's", "lets") or (stands == "us" and self.at(left - 1) == "let"):
            return denied, False
        if stands == "rather" or (stands in ("me", "us") and self.at(left - 1) == "help"):
            return denied, False
        if (
            stands in JOINING
            and word != "new"
            and (not self.question or self._has_asked() or stands == ",")
        ):
            return denied, True
        if self.words[0] in CONDITIONS and self._has_closed(index) and not self.question:
            # "If nothing is open yet start one".
            return (denied, False) if self.at(index + 1) in DETERMINERS else None
        return None

    def _has_asked(self) -> bool:
        """Whether a question has asked for something yet: "can you read it and send it on?"."""
        return any(one.acts and not one.denied for one in self.found.heard)

    def _has_closed(self, index: int) -> bool:
        """Whether the condition that a sentence begins with may be over before this word."""
        before = self.at(index - 1)
        return before in CLOSING or (before.endswith("ed") and self.at(index - 2) in BEING)

    def _is_strange(self, index: int) -> bool:
        """Whether a word that no vocabulary knows stands where a verb asks."""
        word, after = self.words[index], self.at(index + 1)
        if word in IDLE or not word.replace("-", "").isalpha() or not 2 < len(word) < 25:
            return False
        if word.endswith(NO_VERB) or (index and self.cased[index] != word) or word in FINITE:
            return False
        if (word[-1] == "s" and word[-2] != "s") or self.at(index - 1) in ("next", "first"):
            return False
        if self.question and "you" not in self.words[:3]:
            return False
        if self.at(index - 1) == "to" and self.at(index - 2) in NOUNS_TO:
            return after in DETERMINERS
        place = self._place(index)
        if place is None or place[0]:
            return False
        begins = all(one in SOFT for one in self.words[:index])
        return after in DETERMINERS or not (place[1] or begins)

    def _may_deny(self, left: int) -> bool:
        return self.at(left) in JOINING | {"you", "that", "but", "so", "it"} or left < 0

    def _leads_to(self, left: int) -> bool:
        stands, further = self.at(left), self.at(left - 1)
        if stands in ("me", "us"):
            return further in HELPING
        if stands == "way":
            return self.words[0] in ("is", "there's") and further in ("a", "any")
        if stands == "is":
            return further not in ("what", "who", "which")
        if stands in ("i", "he", "she", "they") or further in ("how", "what"):
            return False
        if stands in ("need", "needs", "has", "have", "want", "wants") and further in (
            "he",
            "she",
            "they",
        ):
            return False
        return left < 0 or stands in GOVERNING or stands in JOINING or stands == "only"

    def _place_of_form(self, index: int) -> tuple[bool, bool] | None:
        """The same for "sending" and "sent"."""
        word, before = self.words[index], self.at(index - 1)
        if word.endswith("ing"):
            if before in GERUND_NO and (before != "of" or self.at(index - 2) in ("instead", "of")):
                return True, False
            if before == "from" and self.at(index - 2) in ("refrain", "abstain"):
                return True, False
            if before == "not":
                return True, False
            return (False, False) if before in GERUND_YES else None
        left = self.words[max(0, index - 7) : index]
        if before == "be" and self.question is False:
            asks = any(
                one in ("should", "must", "can", "needs", "need", "has", "have") for one in left
            )
            asks = asks or "to" in left[-2:]
            return (any(one in NOT for one in left), False) if asks else None
        causing = [
            at for at, one in enumerate(left) if one in ("have", "get", "want", "need", "like")
        ]
        if not causing or any(one in JOINING | OTHERS for one in left[causing[-1] :]):
            return None
        subject = left[: causing[-1]][-1:]
        had = left[causing[-1]] in ("have", "get") and subject not in ([], ["please"], ["to"])
        asked = not had or (
            self.at(0) in ("can", "could", "may") and subject in (["i"], ["you"], ["we"])
        )
        return (
            (any(one in NOT for one in left), False)
            if asked and len(left) > causing[-1] + 1
            else None
        )

    def _has_object(self, index: int, end: int, joined: bool = False) -> bool:
        """Whether a word that can be a noun is used as a verb here."""
        word, after = self.words[index], self.at(end)
        if word not in NOUNY or end > index + 1:
            return True
        if after in OBJECT or after[:1].isdigit() or any(mark in after for mark in "_@#/."):
            return True
        if after.isalpha() and self.cased[end][:1].isupper():
            return True
        if joined:
            return not after
        return after not in NO_OBJECT and not (self.question and index == 0)

    def _past_told(self, index: int, end: int) -> int:
        """Past what others are told to do: "ask Ann to pay" asks nobody here to pay."""
        if self.words[index] not in TOLD:
            return end
        for ahead in range(end, min(end + 6, len(self.words))):
            if self.words[ahead] == "to" and self._base(self.at(ahead + 1)):
                return ahead + 2
            if self.words[ahead] in ("that", "if"):
                return len(self.words) if "then" not in self.words[ahead:] else ahead + 1
            if self.words[ahead] in JOINING:
                break
        return end
