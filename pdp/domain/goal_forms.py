"""What one sentence of a goal asks for without a verb that asks, and whether it was read at all.

People also ask by wishing ("I'd like a table for two"), by what has to be otherwise ("it should
start at eight instead of seven"), by a noun alone ("a short mail to Ann") and by notes ("volume to
30"). What asks in none of the ways that are known is no ask that was read, and it is said so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pdp.domain.definition import singular
from pdp.domain.goal_clause import ClauseActs, Heard
from pdp.domain.goal_grammar import (
    ASKING_WORDS,
    BEGINS_NOUN,
    ENDS_NOUN,
    FINITE,
    IDLE,
    MENTAL,
    NOT,
    OBLIGING,
    QUOTE,
    SOFT,
    SUBJECTS,
    WISHING,
    WOULD,
)
from pdp.domain.goal_words import (
    BOOKED_NOUNS,
    KNOWN_NOUNS,
    LIGHT_LOOKS,
    MESSENGER_NOUNS,
    MONEY_WORDS,
    NOUN_ACTS,
    Act,
    Acts,
)
from pdp.domain.vocabulary import words as word_set

_NO_ACTS: Final[Acts] = frozenset()
#: A wish or a thing's name lies within so many words.
_REACH: Final = 8
_VALUES: Final = word_set("on off true false enabled disabled yes no max min zero") | {QUOTE}
#: What is to come about, in whatever way.
_MATTERING: Final = ("make sure", "see that ", "see to it ", "ensure ", "take care that ")
#: Who says one of these wants to know something.
_WONDERING: Final = word_set("wonder wondering curious interested")
_INDEFINITE: Final = word_set("a an another one two three four some new no")
_DEFINITE: Final = word_set("the my our your his her their this that these those")


@dataclass(slots=True)
class Forms:
    """What else a sentence asks for.

    `unread` says that it asks in words whose act is not known, `doubtful` that it does so unless
    the goal asks for something elsewhere, of which it may be a part. `silent` says that it neither
    asks nor wants to know anything.
    """

    asked: Acts = _NO_ACTS
    unread: bool = False
    doubtful: bool = False
    silent: bool = False


def other_forms(tokens: Sequence[str], clause: ClauseActs) -> Forms:
    """Read a sentence for what its verbs did not say, given as its words with their case."""
    words = [token.lower() for token in tokens]
    heard = [one for one in clause.heard if not one.denied]
    found = Forms(unread=any(not one.acts for one in heard))
    _read_light(words, heard, found)
    wished = _read_wish(words, clause, found)
    if clause.question:
        found.doubtful = found.doubtful or (not (heard or wished) and _begs(words))
        return found
    if not (heard or _WONDERING.isdisjoint(words)):
        return found
    obliged = _read_obligation(words, clause, found)
    if heard:
        _read_manner(words, heard, found)
    elif not (clause.negated or wished or obliged):
        found.silent = not (_read_noun(words, tokens, found) or _read_note(words, found))
    return found


def _read_light(words: Sequence[str], heard: Sequence[Heard], found: Forms) -> None:
    """Verbs that look or act as their object has it: "get me the list", "get me a cab"."""
    for one in heard:
        if one.verb not in LIGHT_LOOKS or one.acts != {Act.LOOK}:
            continue
        start = one.end - (words[one.end - 1] in ("me", "us"))
        for_me = words[start : start + 1] in (["me"], ["us"])
        if for_me and one.verb in ("give", "help"):
            continue
        thing = Forms()
        _read_thing(words, start + for_me, thing)
        found.asked |= thing.asked
        if one.verb == "get":
            found.unread = found.unread or thing.unread
        else:
            found.doubtful = found.doubtful or thing.unread


def _read_thing(words: Sequence[str], start: int, found: Forms) -> None:
    """What is asked for by naming a thing: booking what is booked, sending a message, …"""
    named = _noun_phrase(words, start)
    if not named:
        found.unread = found.unread or start >= len(words) or words[start] not in ENDS_NOUN
        return
    head = singular(named[-1])
    acts = _NO_ACTS.union(*(NOUN_ACTS.get(singular(one), _NO_ACTS) for one in named))
    if head in MONEY_WORDS and "back" in words[start:]:
        acts |= {Act.PAY}
    if head in BOOKED_NOUNS:
        acts |= {Act.BOOK}
    if acts:
        found.asked |= acts
    elif head not in KNOWN_NOUNS:
        found.unread = True


def _noun_phrase(words: Sequence[str], start: int) -> list[str]:
    """The words of the thing named from here on, without articles; what it is stands last."""
    named: list[str] = []
    for word in words[start : start + _REACH]:
        if word in BEGINS_NOUN and not named:
            continue
        if word in ENDS_NOUN or word[:1] == "\x00" or word in FINITE:
            break
        named.append(word)
    return named


def _begs(words: Sequence[str]) -> bool:
    """Whether a question may be a request: "any chance you could …", "could I have …"."""
    if not {"possible", "chance", "way", "able"}.isdisjoint(words[:5]):
        return True
    first, second = words[0], words[1] if len(words) > 1 else ""
    if first in ("can", "could", "may", "might") and second in ("i", "we", "he", "she", "they"):
        return words[2:3] in (["have"], ["get"], ["please"])
    return (first == "why" and second in ("don't", "not")) or (
        first in ("would", "will", "can", "could") and second == "you"
    )


def _read_wish(words: Sequence[str], clause: ClauseActs, found: Forms) -> bool:
    """A wish: "I need a room in Rome", "I'd rather have the money back". Whether there is one."""
    for at, word in enumerate(words):
        if word in WISHING:
            begins = at - 1
        elif word in ("like", "love", "prefer", "rather", "appreciate"):
            begins = at - 1
            if words[begins : begins + 1] and words[begins] not in WOULD:
                continue
            begins -= words[begins : begins + 1] == ["would"]
        elif word in ("after", "for") and words[at - 1 : at] in (["looking"], ["hoping"]):
            begins = at - 2
        else:
            continue
        while begins >= 0 and words[begins] in SOFT | WOULD | {"really", "do", "will", "am"}:
            if words[begins] in ("i'd", "we'd"):
                break
            begins -= 1
        if begins < 0 or words[begins] not in ("i", "we", "i'd", "we'd", "i'm", "we're", "i'll"):
            continue
        before = words[begins - 1] if begins else ""
        if before in ASKING_WORDS | {"if", "that", "whatever", "whether", "as", "than", "once"}:
            continue
        start = at + 1
        follows = words[start : start + 1]
        if follows == ["to"]:
            follows, start = words[start + 1 : start + 2], start + 1
            if follows not in (["have"], ["get"]):
                if follows and follows[0] in MENTAL:
                    return True
                _judge(words, start, clause, found)
                return True
        if follows in (["have"], ["get"], ["to"], ["it"], ["you"]):
            start += 1
        if any(one.start > at for one in clause.heard):
            return True
        if not NOT.isdisjoint(words[max(0, begins - 1) : at]):
            found.unread = found.unread or not {"more", "longer", "anymore"}.isdisjoint(words)
            return True
        _read_thing(words, start, found)
        return True
    return False


def _judge(words: Sequence[str], start: int, clause: ClauseActs, found: Forms) -> None:
    """A wish to do something: unread unless a verb from there on was heard."""
    if not any(one.start >= start for one in clause.heard) and words[start] not in IDLE:
        found.unread = True


def _read_obligation(words: Sequence[str], clause: ClauseActs, found: Forms) -> bool:
    """What has to be otherwise: "the price should read 20 instead of 30". Whether there is one."""
    said = " ".join(words[:_REACH])
    if any(one in said for one in _MATTERING) and "sure to " not in said:
        found.doubtful = True
    for at, word in enumerate(words):
        if word not in OBLIGING or at == 0 or words[at - 1] in SUBJECTS:
            continue
        if word in ("needs", "has", "ought") and words[at + 1 : at + 2] != ["to"]:
            continue
        if any(one in ASKING_WORDS for one in words[:at]) or "if" in words[:at]:
            continue
        if any(one.start > at for one in clause.heard):
            return True
        if not {"instead", "rather", "now", "not", "only", "longer"}.isdisjoint(words[at:]):
            found.asked |= {Act.CHANGE}
        else:
            found.doubtful = True
        return True
    return False


def _read_manner(words: Sequence[str], heard: Sequence[Heard], found: Forms) -> None:
    """What is put into words for somebody else: "summarise it for Ann in a message"."""
    if not any(one.acts == {Act.LOOK} for one in heard):
        return
    for at in range(heard[0].end, len(words) - 1):
        if words[at] in ("for", "to") and words[at + 1] not in ("me", "us", "my", "myself"):
            rest = words[at + 2 : at + 2 + _REACH]
            for place, word in enumerate(rest):
                if word in ("in", "as", "by", "via", "through"):
                    named = _noun_phrase(rest, place + 1)
                    if named and named[-1] in MESSENGER_NOUNS and rest[place + 1] != "the":
                        found.asked |= {Act.SEND}
                        return


def _read_noun(words: Sequence[str], tokens: Sequence[str], found: Forms) -> bool:
    """A sentence that only names what is wanted: "A short mail to Ann", "Two seats on Friday"."""
    start = 0
    while start < len(words) and words[start] in SOFT:
        start += 1
    if not words[start:] or not FINITE.isdisjoint(words):
        return False
    named = _noun_phrase(words, start)
    if not named:
        return False
    head = singular(named[-1])
    indefinite = words[start] in _INDEFINITE
    ends = words.index(named[-1], start) + 1
    if words[start] == "no":
        # "No newsletters any more": what is to be done about it is left open.
        found.doubtful = True
        return True
    if head in NOUN_ACTS and words[start] not in _DEFINITE and words[ends : ends + 1] != ["from"]:
        found.asked |= NOUN_ACTS[head]
    elif head in BOOKED_NOUNS and indefinite:
        found.asked |= {Act.BOOK}
    elif head in KNOWN_NOUNS:
        return True
    elif indefinite and tokens[start][:1].isalpha():
        found.doubtful = True
    else:
        return False
    return True


def _read_note(words: Sequence[str], found: Forms) -> bool:
    """A note of what something is to be: "volume to 30", "lights off"."""
    for at, word in enumerate(words[1:7], 1):
        if word == "from" or word in FINITE:
            return False
        follows = words[at + 1] if at + 1 < len(words) else ""
        sets = word == "to" and (follows[:1].isdigit() or follows in _VALUES)
        if (sets and not words[at - 1][:1].isdigit()) or (word in ("on", "off") and not follows):
            found.asked |= {Act.CHANGE}
            return True
    return False
