"""Which link somebody shared, where the principal speaks of it by that person's name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias

from pdp.domain.atoms import AtomKind
from pdp.domain.atoms_text import word_urls
from pdp.domain.definition import singular, split_words
from pdp.domain.directory import NAMING
from pdp.domain.normal_form import normalise
from pdp.domain.vocabulary import words

if TYPE_CHECKING:
    from pdp.domain.atoms_output import Linking

#: Folded words of the names of whoever sent an entry, and the URLs in it.
Shared: TypeAlias = tuple[list[str], list[str]]

_SENDERS: Final = words("from by author sender poster user creator sharer uploader owner member")
_CALLED: Final = words("display real full nick user screen")
#: What a principal says who wants a shared page to be read.
_PAGES: Final = words(
    "link links linked linking url urls website webpage site page pages article articles piece "
    "story blog bulletin newsletter listing lien liens enlace enlaces verlinkt verlinkte artikel"
)
_WORD: Final = re.compile(r"[^\W\d_]{3,}(?:[-'\u2019][^\W\d_]+)*")
#: Links of one entry that are looked at: one more than can be the only one.
_MAX_LINKS: Final = 4
#: Words for people that are kept; a goal names few.
_MAX_KNOWN: Final = 64


class _Says(Enum):
    """What a field is to its entry: who sent it, a name that may be the sender's, or neither."""

    SENDER = 1
    NAME = 2
    NOTHING = 3


class Senders:
    """The links in what the people shared whom the principal names; a copy is made for a draft."""

    __slots__ = ("_links",)

    def __init__(self, base: Senders | None = None) -> None:
        """Start empty, or with what another has met."""
        self._links: dict[str, frozenset[str]] = dict(base._links) if base is not None else {}

    def add(
        self,
        entries: Iterable[Shared],
        called: Callable[[str], bool],
        spoken: Iterable[str],
    ) -> None:
        """Entries of an output that hold links; nothing where the principal speaks of no page."""
        if _PAGES.isdisjoint(spoken):
            return
        for names, urls in entries:
            links = frozenset(urls)
            for word in filter(called, names):
                if word in self._links or len(self._links) < _MAX_KNOWN:
                    self._links[word] = self._links.get(word, frozenset()) | links

    def only(self, form: str) -> bool:
        """Whether the URL of this form is the only link that one of these people shared."""
        return any(links == {form} for links in self._links.values())


def shared(entries: Iterable[Linking]) -> list[Shared]:
    """Who sent the entries that hold links, and which; those that do not say who are left out."""
    known: dict[str, _Says] = {}
    return [
        (names, list(dict.fromkeys(islice(_links(text), _MAX_LINKS))))
        for fields, text in entries
        if (names := list(dict.fromkeys(_senders(fields, known))))
    ]


def _senders(fields: Iterable[tuple[str, str]], known: dict[str, _Says]) -> Iterable[str]:
    """The folded words of the names under which an entry says who sent it."""
    names: list[str] = []
    sent = False
    for key, value in fields:
        says = known.get(key)
        if says is None:
            says = known[key] = _says(key)
        if says is not _Says.NOTHING:
            sent = sent or says is _Says.SENDER
            names.append(value)
    for value in names if sent else ():
        yield from _WORD.findall(normalise(value).casefold())


def _says(key: str) -> _Says:
    words = split_words(key[:64])
    if _SENDERS.intersection(map(singular, words)):
        return _Says.SENDER
    bare = len(words) == 1 or (len(words) == 2 and words[0] in _CALLED)
    return _Says.NAME if bare and words[-1] in NAMING else _Says.NOTHING


def _links(text: str) -> Iterable[str]:
    for word in normalise(text).split():
        if "://" in word:
            yield from (f"{AtomKind.URL}:{form or written}" for form, written in word_urls(word))
