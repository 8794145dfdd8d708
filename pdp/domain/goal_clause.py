"""Reading one sentence of a goal: which of its verbs ask the agent to act, and which forbid it.

English asks with a verb in its base form at the start of a clause ("delete it"), after "please",
"to", "can you" and the like, joined to such a verb ("find it and delete it"), as a participle
("have it moved", "it must be paid") or after some prepositions ("without sending").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pdp.domain.definition import singular
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
from pdp.domain.vocabulary import words

#: Stand in a sentence for what is quoted, and for an address or link.
QUOTE, PLACE = "\x00quote", "\x00place"

_NO_ACTS: Final[Acts] = frozenset()
_URGING: Final = words(
    "please kindly then next finally lastly afterwards afterward otherwise instead pls plz "
    "subsequently thereafter secondly thirdly"
)
_SOFT: Final = _URGING | words(
    "just also now first only quickly immediately asap simply always again either both carefully "
    "automatically directly maybe perhaps so additionally furthermore likewise actually go ahead "
    "ok okay hey hi hello"
)
_JOINING: Final = words("and or , ( & plus but nor")
_NOT: Final = words("don't dont not never cannot can't won't shouldn't mustn't wouldn't neither")
_BUT_DO: Final = words("forget hesitate fail wait neglect omit miss")
_GOVERNING: Final = words(
    "want wants need needs like love prefer wish have has had got sure remember forget hesitate "
    "fail wait neglect try trying going able ready time task job goal plan plans aim like'd "
    "order you free is be supposed proceed continue happy hoping hope intend careful important "
    "necessary required possible best as instructions"
)
_HELPING: Final = words("help need want wants like let helping helps allow enable")
_MODALS: Final = words("can could would will should must may shall might 'd 'll")
_GERUND_NO: Final = words("without avoid stop skip than of")
_GERUND_YES: Final = words(
    "by before after mind about start try consider suggest appreciate finish begin"
)
_REPORTING: Final = words(
    "saying says said stating states reads reading telling asking reminding explaining announcing "
    "mentioning announces titled named called"
)
_BEING: Final = words("is are was were be been being gets got")
_PASSED: Final = _SOFT | _NOT | {"to", "do"}
#: Words of politeness and negation between a verb and what governs it.
_REACH: Final = 8
#: With money these pay.
_HANDING: Final = words("send give return move")
_TOLD: Final = words("tell ask remind inform notify advise instruct urge warn email message text")
_ASKING_WORDS: Final = words(
    "what which who whom whose when where why how did does is are was were has am"
)
_BEFORE_YOU: Final = words("don't that if sure")
_INDIRECT: Final = words("how what which where whether who when")
_OTHERS: Final = words("i he she they who")
_OBJECT: Final = words(
    "the a an my our your his her their its this that these those it them him us me all any some "
    "each every both one two three four five another no back to via with in on at into for up "
    "down off out over everything everyone everybody anyone whatever which who what new more "
    "enough half twice only same other others $ € £"
) | {QUOTE, PLACE}
_NO_OBJECT: Final = words("is are was were has had from of about status and or , will")
_IRREGULAR: Final = {
    "sent": "send",
    "paid": "pay",
    "bought": "buy",
    "sold": "sell",
    "written": "write",
    "put": "put",
    "set": "set",
    "made": "make",
    "told": "tell",
    "repaid": "repay",
    "lent": "lend",
    "run": "run",
}


@dataclass(slots=True)
class ClauseActs:
    """What one sentence asks for and what it forbids."""

    asked: set[Act]
    negated: set[Act]


def clause_acts(tokens: Sequence[str], is_question: bool) -> ClauseActs:
    """Read one sentence, given as its words and commas with their case."""
    return _Clause(tokens, is_question).read()


class _Clause:
    def __init__(self, tokens: Sequence[str], is_question: bool) -> None:
        self.cased = tokens
        self.words = [token.lower() for token in tokens]
        first, second = self.words[0], self.at(1)
        self.question = first in _ASKING_WORDS or (
            first in ("do", "have", "should", "may", "shall", "can", "could", "would", "will")
            and second in _OTHERS | {"you", "we", "the", "my", "it", "there"}
        )
        self.question = self.question or (is_question and not verb_acts(first))
        self.found = ClauseActs(set(), set())

    def at(self, index: int) -> str:
        return self.words[index] if 0 <= index < len(self.words) else ""

    def _quotes(self, index: int) -> bool:
        """Whether what follows is what somebody says; after "what was said" nothing of it does."""
        if not index or self.words[index] not in _REPORTING:
            return False
        return not (self.words[index] == "said" and self.at(index - 1) in _BEING)

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
                    index = self._past_told(index, end)
                    continue
            index += 1
        self._read_noun()
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
        return (acts | self._by_object(word, index), end) if acts else (_NO_ACTS, end)

    def _base(self, word: str) -> Acts:
        return verb_acts(word) or _formed(word, "ing") or _formed(word, "ed")

    def _phrase(self, index: int) -> tuple[Acts, int] | None:
        word = self.words[index]
        for first in dict.fromkeys((word, _stem(word))):
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
            if any(word in _JOINING for word in span[:gap]):
                return 0
            index += gap + 1
        return index

    def _by_object(self, verb: str, index: int) -> Acts:
        """What a verb that says little asks for with its object; and sending money is paying."""
        found = _NO_ACTS
        after = self.words[index + 1 : index + 9]
        said = next((at for at, word in enumerate(after) if word in _REPORTING | {"that"}), 8)
        if verb in _HANDING and any(w in MONEY_WORDS or w in "$€£¥₹" for w in after[:said]):
            found |= {Act.PAY}
        if verb not in LIGHT_VERBS:
            return found
        for ahead in range(index + 1, min(index + 9, len(self.words))):
            noun = self.words[ahead]
            if noun in _URGING | _REPORTING | {"that"} or (
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
        if not verb_acts(word) and _stem(word) != word:
            return self._place_of_form(index)
        denied, to, urged, left = False, False, False, index - 1
        while left >= max(0, index - _REACH) and self.words[left] in _PASSED:
            here = self.words[left]
            denied = denied or here in _NOT
            to = to or here == "to"
            urged = urged or here in _URGING
            left -= 1
        stands = self.at(left)
        if stands in _BUT_DO and to:
            return (False, False) if self.at(left - 1) in _NOT | {"to"} else None
        if stands == "need" and self.at(left - 1) == "no":
            return True, False
        if to:
            denied = denied or not _NOT.isdisjoint(self.words[max(0, left - 3) : left])
            return (denied, False) if self._leads_to(left) else None
        if before == "to":
            return None
        if left < 0:
            asks = not self.question or urged or denied
            stood = denied or self._has_object(index, index + 1)
            return (denied, False) if asks and stood else None
        if urged or (denied and stands not in _OTHERS and self._may_deny(left)):
            return denied, False
        if stands in ("you", "we", *_MODALS) and self.at(left - 2) in _INDIRECT:
            return None
        if stands in ("you", "we") and self.at(left - 1) in _MODALS | _BEFORE_YOU:
            return denied, False
        if stands in _MODALS and self.at(left - 1) in ("you", "we"):
            return denied, False
        if stands in ("let's", "lets") or (stands == "us" and self.at(left - 1) == "let"):
            return denied, False
        if stands in _JOINING and (not self.question or self.found.asked or stands == ","):
            return denied, True
        return None

    def _may_deny(self, left: int) -> bool:
        return self.at(left) in _JOINING | {"you", "that", "but", "so", "it"} or left < 0

    def _leads_to(self, left: int) -> bool:
        stands, further = self.at(left), self.at(left - 1)
        if stands in ("me", "us"):
            return further in _HELPING
        if stands == "is":
            return further not in ("what", "who", "which")
        if stands in ("i", "he", "she", "they") or further in ("how", "what"):
            return False
        return left < 0 or stands in _GOVERNING or stands in _JOINING or stands == "only"

    def _place_of_form(self, index: int) -> tuple[bool, bool] | None:
        """The same for "sending" and "sent"."""
        word, before = self.words[index], self.at(index - 1)
        if word.endswith("ing"):
            if before in _GERUND_NO and (before != "of" or self.at(index - 2) in ("instead", "of")):
                return True, False
            if before == "from" and self.at(index - 2) in ("refrain", "abstain"):
                return True, False
            if before == "not":
                return True, False
            return (False, False) if before in _GERUND_YES else None
        left = self.words[max(0, index - 7) : index]
        if before == "be" and self.question is False:
            asks = any(
                one in ("should", "must", "can", "needs", "need", "has", "have") for one in left
            )
            asks = asks or "to" in left[-2:]
            return (any(one in _NOT for one in left), False) if asks else None
        causing = [
            at for at, one in enumerate(left) if one in ("have", "get", "want", "need", "like")
        ]
        if not causing or any(one in _JOINING | _OTHERS for one in left[causing[-1] :]):
            return None
        subject = left[: causing[-1]][-1:]
        had = left[causing[-1]] in ("have", "get") and subject not in ([], ["please"], ["to"])
        asked = not had or (self.at(0) in ("can", "could", "may") and subject in (["i"], ["you"]))
        return (
            (any(one in _NOT for one in left), False)
            if asked and len(left) > causing[-1] + 1
            else None
        )

    def _has_object(self, index: int, end: int, joined: bool = False) -> bool:
        """Whether a word that can be a noun is used as a verb here."""
        word, after = self.words[index], self.at(end)
        if word not in NOUNY or end > index + 1:
            return True
        if after in _OBJECT or after[:1].isdigit() or any(mark in after for mark in "_@#/."):
            return True
        if self.cased[end : end + 1] == [after.capitalize()] and after.isalpha():
            return True
        if joined:
            return not after
        return after not in _NO_OBJECT and not (self.question and index == 0)

    def _past_told(self, index: int, end: int) -> int:
        """Past what others are told to do: "ask Ann to pay" asks nobody here to pay."""
        if self.words[index] not in _TOLD:
            return end
        for ahead in range(end, min(end + 6, len(self.words))):
            if self.words[ahead] == "to" and self._base(self.at(ahead + 1)):
                return ahead + 2
            if self.words[ahead] in ("that", "if"):
                return len(self.words) if "then" not in self.words[ahead:] else ahead + 1
            if self.words[ahead] in _JOINING:
                break
        return end

    def _read_noun(self) -> None:
        """A telegram begins with its act as a noun: "Payment of 20 euros to Ann"."""
        start = 1 if self.at(0) in ("a", "the", "new", "another") else 0
        noun = singular(self.at(start))
        begins = self.at(start + 1) in ("of", "to", "for", "with")
        if noun in NOUN_ACTS and begins and not self.question and not self.found.asked:
            self.found.asked.update(NOUN_ACTS[noun])


def _stem(word: str) -> str:
    """The base form of a gerund or participle that is known, else the word itself."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            stem = word.removesuffix(ending)
            shorter = stem[:-1] if stem[-1:] == stem[-2:-1] else stem
            for one in (stem, stem + "e", shorter):
                if verb_acts(one):
                    return one
            if stem.endswith("i") and verb_acts(stem[:-1] + "y"):
                return stem[:-1] + "y"
    return word


def _formed(word: str, ending: str) -> Acts:
    stem = _stem(word)
    return (
        verb_acts(stem)
        if stem != word and (word.endswith(ending) or word in _IRREGULAR)
        else _NO_ACTS
    )
