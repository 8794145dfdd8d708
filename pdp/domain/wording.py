"""The principal's own words: which names, titles and values a text in prose gives.

A value counts as said when it is a run of whole words of the text, in their order, and holds a word
that names something. It is never part of a word, and never put together from several places.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from pdp.domain.argument_words import CONTENT, OPTIONS, PARTIES
from pdp.domain.definition import singular
from pdp.domain.normal_form import normalise
from pdp.domain.vocabulary import (
    MEMBER_NOUNS,
    MESSAGE_NOUNS,
    MONEY_NOUNS,
    READ_HEADS,
    SHARED_NOUNS,
    SOCIAL_PLACES,
    STRONG_VERBS,
    WEAK_VERBS,
    words,
)

#: A page or two are searched word by word; a goal is at most 16 KiB.
MAX_CHARS: Final = 64 * 1024
#: A longer run is a passage, not a name; passages count when they are quoted.
_MAX_WORDS, _MAX_VALUE = 12, 160

_BREAK: Final = "\x1f"
_BREAKING = frozenset('.!?;:"()[]{}\u201c\u201d\u00ab\u00bb|\u2026\u3002')
_DROPPED = frozenset(",'`*_<>\u2018\u2019\u201a\u201e")
_MARKS: Final = "".join(_BREAKING | _DROPPED) + "@#"
QUOTES = re.compile(
    r"\"([^\"\n]{1,4000})\"|\u201c([^\u201c\u201d]{1,4000})\u201d"
    r"|\u00ab\s?([^\u00ab\u00bb]{1,4000}?)\s?\u00bb"
    r"|\u201e([^\u201c\u201d\u201e]{1,4000})[\u201c\u201d]|```(?:\w*\n)?([^`]{1,4000})```"
    r"|`([^`\n]{1,4000})`"
    r"|(?<![^\W_])['\u2018]((?:[^'\u2018\u2019\n]"
    r"|(?<=\w)['\u2019](?=\w)){1,4000})['\u2019](?![^\W_])"
)
_FUNCTION_WORDS: Final = words(
    "a an the this that these those it its i me my mine we us our you your he him his she her "
    "they them their who whom whose which what when where why how there here and or but nor so "
    "yet if then else than as at by for from in into of off on onto out over per to toward up "
    "upon via with within without about above after again against all along also am among an any "
    "are around back be been before being below between both can could did do does doing done "
    "down during each every few first had has have having just last less let like may might more "
    "most much must near need needs new next no not now old once one only other others own "
    "please same shall should since some soon still such sure take taken thanks thank that's "
    "through today tomorrow tonight too two three until very want wants was way were while will "
    "would yes yesterday ok okay hi hello hey dear best regards kind everyone everybody anyone "
    "anybody someone somebody nobody nothing anything something everything thing things latest "
    "recent recently currently following another"
)
_GENERIC: Final = (
    _FUNCTION_WORDS
    | frozenset(STRONG_VERBS)
    | frozenset(WEAK_VERBS)
    | MESSAGE_NOUNS
    | MONEY_NOUNS
    | SHARED_NOUNS
    | MEMBER_NOUNS
    | READ_HEADS
    | SOCIAL_PLACES
    | PARTIES
    | CONTENT
    | OPTIONS
)
#: The word beside one of these is its name: "the team channel", "branch main", "folder invoices".
_PLACES: Final = words(
    "channel room group chat list folder directory branch repo repository board calendar project "
    "workspace label tag queue topic album playlist database table team account user file document"
)
#: The word after one of these is somebody, also in lower case and short ("tell bob").
_ADDRESSING: Final = words(
    "to with for invite message tell email mail ask dm text ping call notify add remove cc remind"
)
#: What one does to somebody who is to get something.
_TOLD: Final = words(
    "to mail email e-mail message tell write inform notify ask text call phone ring dm ping page "
    "cc invite remind answer thank let send forward reply warn contact alert update give an am dem "
    "der den schreib schreibe sag sage informiere benachrichtige frag frage au aux \u00e0 informe "
    "pr\u00e9viens demande al avisa informa pregunta"
)
_TO: Final = (
    r" (\S+)(?= (?:(?:the|this|that|its|their|his|her|our|my|la|le|el|die|das) (?:\S+ )?)?{} )"
)
_NAMING: Final = words("called named titled entitled labelled labeled username handle")

_PLAIN: Final = str.maketrans(
    {"\u00f8": "o", "\u00e6": "ae", "\u0142": "l", "\u0111": "d", "\u00f0": "d", "\u0131": "i"}
)
#: What stands between the parts of a line of prose, and how many parts a line has.
_APART: Final = re.compile(r"[:;,] | [/|-] ")
_MAX_RUNS: Final = 6
_PAIR: Final = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)*):([^\W\d_]+(?:-[^\W\d_]+)*)")
_JOINED: Final = re.compile(r"@?[^\W\d_]{2,32}(?:[._-]?[^\W\d_]{2,32}){0,2}")
_JOINING: Final = re.compile(r"[._-]")
_PROSE: Final = re.compile(r"[^\W\d_]+(?:[ '\u2019-][^\W\d_]+)*")
#: How many words of a value are looked up before it is taken apart.
_LOOKED_AT: Final = 4


class Wording:
    """The words of one principal's text, ready to be asked for runs."""

    __slots__ = ("_capitals", "_names", "_plain", "_run", "quoted", "words")

    def __init__(self, text: str) -> None:
        """Take a text; what is beyond 64 Ki characters is not looked at."""
        seen = normalise(text[:MAX_CHARS])
        tokens = list(_tokens(seen))
        self._run = f" {' '.join(word for word, _ in tokens)} "
        self.words = frozenset(word for word, _ in tokens)
        self.quoted = tuple(
            next(filter(None, found)).strip() for found in QUOTES.findall(seen) if any(found)
        )
        marked = {word for part in self.quoted for word, _ in _tokens(part)}
        self._names = frozenset(_named(tokens)) | (marked - _FUNCTION_WORDS)
        chunks = (chunk.strip(_MARKS) for chunk in seen.split())
        self._capitals = {_unowned(one).casefold() for one in chunks if one[:1].isupper()}
        self._plain: frozenset[str] | None = None

    def begins(self, value: str) -> bool:
        """Whether the text has the first word of the value: quick, and never wrongly no."""
        return all(map(self._has, value.split(None, 1)[:1]))

    def _has(self, chunk: str) -> bool:
        return any(not word or word in self.words for word in first_words(chunk))

    def says(self, value: str) -> bool:
        """Whether the text holds the value as a run of whole words."""
        if len(value) > _MAX_VALUE:
            return False
        # The first words tell most values apart, at a fraction of the price of reading them all.
        if not all(map(self._has, value.split(None, _LOOKED_AT)[:_LOOKED_AT])):
            return False
        run = _words(value)
        return bool(run) and len(run) <= _MAX_WORDS and f" {' '.join(run)} " in self._run

    def names(self, value: str) -> bool:
        """Whether the text says the value and means something particular by it.

        Words that any goal is made of ("the report", "message") name nothing, unless they are
        quoted, capitalised inside a sentence, marked with `@` or `#`, or stand beside what they
        name ("the team channel").
        """
        return self.says(value) and any(
            word in self._names or _is_particular(word) for word in _words(value)
        )

    def calls(self, word: str) -> bool:
        """Whether the text uses a folded word as a name, also where a sentence begins with it.

        Where a text has no capitals at all, any word that is no ordinary one of goals may be one.
        """
        if word in self._names:
            return len(word) > 1
        written = word in self._capitals or (
            not self._capitals and len(word) > 2 and word in self.words
        )
        return written and singular(word) not in _GENERIC

    def addresses(self, word: str) -> bool:
        """Whether the text wants something told or given to who is called so: "mail the owner"."""
        return word in self.words and any(
            found[1] in _TOLD for found in re.finditer(_TO.format(re.escape(word)), self._run)
        )

    def calls_plainly(self, word: str) -> bool:
        """The same of a word without accents, however the text writes it: `jose` for José."""
        if self._plain is None:
            called = filter(self.calls, self._names | (self._capitals or self.words))
            self._plain = frozenset(map(unaccented, called))
        return word in self._plain

    def handles(self, value: str) -> bool:
        """Whether the value is a whole name of the text in the form of a handle.

        `ida.berg`, `ida-berg` or `idaberg` for Ida Berg: two or three words in their order, each
        used as a name, in the letters that people type.
        """
        if _JOINED.fullmatch(value) is None:
            return False
        parts = [unaccented(part) for part in _JOINING.split(value.casefold().lstrip("@"))]
        run = [unaccented(word) for word in self._run.split()]
        for size in (2, 3):
            for at in range(len(run) - size + 1):
                name = run[at : at + size]
                joined = [name, ["".join(name)]]
                if parts in joined and all(map(self.calls_plainly, name)):
                    return _GENERIC.isdisjoint(map(singular, name))
        return False

    def composes(self, value: str) -> bool:
        """Whether the value is a line made of several runs of the text, one of them a name.

        "Bell: Ames / Ruiz" says nothing that "the name on the bell is Ames / Ruiz" does not. Runs
        of letters only, apart by marks: never what could be an address, a path or an identifier.
        Two names with a colon between them are the one's of the other (`ames:spring-sale`).
        """
        if len(value) > _MAX_VALUE or not value.isprintable():
            return False
        if (pair := _PAIR.fullmatch(value)) is not None:
            return self.names(pair[1]) and self.names(pair[2])
        if " " not in value:
            return False
        runs = [run.strip() for run in _APART.split(value)]
        return (
            1 < len(runs) <= _MAX_RUNS
            and all(_PROSE.fullmatch(run) is not None and self.says(run) for run in runs)
            and any(map(self.marks, runs))
        )

    def has(self, word: str) -> bool:
        """Whether the text has a folded word, in one number or the other."""
        return not self.words.isdisjoint((word, singular(word), f"{word}s", f"{word}es"))

    def marks(self, value: str) -> bool:
        """Whether a word of the value was quoted, capitalised or otherwise marked as a name."""
        return any(word in self._names for word in _words(value))


def particular_words(text: str, *, ordinary: bool) -> frozenset[str]:
    """The folded words of a text without the small words of the language.

    Words that any goal is made of ("report") are among them only with `ordinary`.
    """
    passed = _FUNCTION_WORDS if ordinary else _GENERIC
    return frozenset(
        word
        for word in _words(text)
        if word != _BREAK and passed.isdisjoint((word, singular(word)))
    )


def share_said(texts: Sequence[Wording], text: str, *, ordinary: bool) -> float:
    """Which share of the words of a text the principal's texts have, from 0 to 1, anywhere.

    Words that any goal is made of count only with `ordinary`; 1 where nothing counts.
    """
    counted = particular_words(text, ordinary=ordinary)
    said = sum(any(one.has(word) for one in texts) for word in counted)
    return said / len(counted) if counted else 1.0


def first_words(value: str) -> tuple[str, ...]:
    """What `Wording.begins` looks for among the words of a text; empty where it finds any value."""
    for chunk in value.split(None, 1)[:1]:
        folded = chunk.casefold()
        if folded.isalnum():
            return (folded,)
        bare = chunk.strip(_MARKS).casefold()
        if not bare:
            return ("",)
        owner = _unowned(bare)
        return (folded,) if owner == folded else (folded, owner)
    return ()


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """The words of a text, folded, each with whether it looks like a name; breaks between them.

    A comma is no break: addresses and lists of a name's parts have commas.
    """
    after_break = True
    for chunk in text.split():
        lead = 0
        while lead < len(chunk) and (chunk[lead] in _BREAKING or chunk[lead] in _DROPPED):
            lead += 1
        tail = len(chunk)
        while tail > lead and (chunk[tail - 1] in _BREAKING or chunk[tail - 1] in _DROPPED):
            tail -= 1
        word = chunk[lead:tail]
        if not after_break and any(mark in _BREAKING for mark in chunk[:lead]):
            yield _BREAK, False
            after_break = True
        if word:
            sigil = word[0] in "@#" and len(word) > 1
            bare = word[1:] if sigil else word
            bare = _unowned(bare)
            capital = bare[:1].isupper() and (not after_break or bare[1:] != bare[1:].lower())
            yield bare.casefold(), sigil or capital
            after_break = False
        if not after_break and any(mark in _BREAKING for mark in chunk[tail:]):
            yield _BREAK, False
            after_break = True


def unaccented(word: str) -> str:
    """A folded word in the letters that people type where a keyboard lacks the others."""
    if word.isascii():
        return word
    marked = unicodedata.normalize("NFKD", word[:_MAX_VALUE])
    return "".join(one for one in marked if not unicodedata.combining(one)).translate(_PLAIN)


def _unowned(word: str) -> str:
    """A word without the ending of a possessive."""
    return word.removesuffix("'s").removesuffix("\u2019s")


def _words(text: str) -> list[str]:
    run = [word for word, _ in _tokens(text)]
    while run and run[-1] == _BREAK:
        run.pop()
    return run


def _named(tokens: list[tuple[str, bool]]) -> Iterator[str]:
    spoken = [word for word, _ in tokens]
    for at, (word, marked) in enumerate(tokens):
        if word in _FUNCTION_WORDS or word == _BREAK:
            continue
        before = spoken[at - 1] if at else ""
        after = spoken[at + 1] if at + 1 < len(spoken) else ""
        placed = (singular(after) in _PLACES or before in _PLACES) and word not in STRONG_VERBS
        addressed = before in _ADDRESSING and word.isalpha() and singular(word) not in _GENERIC
        if marked or before in _NAMING or placed or addressed:
            yield word


def _is_particular(word: str) -> bool:
    """Whether an ordinary word says something particular by itself."""
    return len(word) >= 4 and not word.isdigit() and singular(word) not in _GENERIC | {_BREAK}
