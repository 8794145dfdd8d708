"""Which entry of a trusted list the principal means by a name.

"Tell Zofia" chooses an entry where exactly one bears that name. Where several do, nobody has chosen
yet; other words of the principal that one of them holds ("Zofia in marketing") tell them apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from pdp.domain.atoms import normalise
from pdp.domain.definition import singular, split_words
from pdp.domain.vocabulary import words
from pdp.domain.wording import unaccented

if TYPE_CHECKING:
    from pdp.domain.atoms_output import Record

#: The last word of a field that says what its entry is called.
NAMING: Final = words(
    "name fullname firstname lastname forename surname displayname realname nickname nick alias "
    "handle username login user person contact member colleague employee payee recipient label "
    "nom prenom nombre apellido nome cognome naam achternaam namn navn vorname nachname"
)
_WORD: Final = re.compile(r"[^\W\d_]+(?:[-'\u2019][^\W\d_]+)*")
#: A word that more entries bear is a family's or a firm's, and tells none of them from another.
_MAX_BEARERS: Final = 32
#: A longer value is no name.
_MAX_NAME: Final = 128


class Choice(NamedTuple):
    """Values `meant` by a name for their entry, and values `disputed` among several entries."""

    meant: list[str]
    disputed: list[str]


def choice(
    entries: Sequence[Record], called: Callable[[str], bool], said: Callable[[str], bool]
) -> Choice:
    """What the principal's names choose among the entries of one trusted output.

    `called` says whether the principal used a folded word without accents as a name, `said`
    whether it said a whole value. Entries that bear no name that it used are left out.
    """
    known: dict[str, bool] = {}
    borne: dict[int, set[str]] = {}
    for at, entry in enumerate(entries):
        found = {
            word
            for key, value in entry
            if _is_naming(key, known) and len(value) <= _MAX_NAME
            for word in map(unaccented, _WORD.findall(normalise(value).casefold()))
            if called(word)
        }
        if found:
            borne[at] = found
    bearers: dict[str, list[int]] = {}
    for at, found in borne.items():
        for word in found:
            bearers.setdefault(word, []).append(at)
    telling = {word: bearing for word, bearing in bearers.items() if len(bearing) <= _MAX_BEARERS}
    values = {at: frozenset(value for _, value in entries[at]) for at in borne}
    weight = {at: len(found) + sum(map(said, values[at])) for at, found in borne.items()}
    meant: dict[str, None] = {}
    disputed: dict[str, None] = {}
    for at, found in borne.items():
        if telling.keys().isdisjoint(found):
            continue
        others = {other for word in found for other in telling.get(word, ())}
        rivals = (values[other] for other in others if weight[other] >= weight[at])
        undisputed = values[at].intersection(*rivals)
        for value in dict.fromkeys(value for _, value in entries[at]):
            (meant if value in undisputed else disputed)[value] = None
    return Choice(list(meant), [value for value in disputed if value not in meant])


def _is_naming(key: str, known: dict[str, bool]) -> bool:
    found = known.get(key)
    if found is None:
        last = split_words(key[:64])[-1:]
        found = known[key] = bool(last) and singular(last[0]) in NAMING
    return found
