"""What the principal's words say of the records of an output: which they name, and which not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from pdp.domain.atoms import mailbox_parts
from pdp.domain.wording import first_words

if TYPE_CHECKING:
    from pdp.domain.atoms_output import Record
    from pdp.domain.output_forms import OutputForms

#: Values of one output that are asked for among the principal's words, of those that begin like
#: one; each takes about ten microseconds, and others wait.
_MAX_ASKED: Final = 1_000

#: A word, the value or part of one that begins with it, and the value.
Begun: TypeAlias = tuple[str, str, str]


class Spoken(NamedTuple):
    """Forms of the values in records with a name that the principal said, and of other values of
    the fields that hold such a name: "delete file 13" says that the file 26 is another one.

    `said` are the values that the principal said, and `complete` whether these are all.
    """

    named: list[str]
    others: list[str]
    said: Set[str]
    complete: bool


def beginnings(records: Iterable[Record]) -> Iterator[Begun]:
    """With what words the values of records begin, and what they are mailboxes of."""
    for value in dict.fromkeys(value for record in records for _, value in record):
        for part in mailbox_parts(value) if value[-1:] == ">" else (value,):
            for word in first_words(part):
                yield word, part, value


def spoken_of(read: OutputForms, known: Set[str], said: Callable[[str], bool]) -> Spoken:
    """What is spoken of in the records.

    `known` are all words of the principal, `said` tells whether it said a whole value.
    """
    begun = [(part, value) for word, part, value in read.begun if word in known or not word]
    asked = dict.fromkeys(part for part, _ in begun)
    told = {part for part in islice(asked, _MAX_ASKED) if said(part)}
    complete = len(asked) <= _MAX_ASKED
    if not told:
        return Spoken([], [], told, complete)
    by_name = {value for part, value in begun if part in told}
    named: list[str] = []
    for record in read.records:
        if any(value in by_name for _, value in record):
            named += chain.from_iterable(read.forms_of(value) for _, value in record)
    fields = {key for record in read.records for key, value in record if value in told}
    others: list[str] = []
    for record in read.records if fields else ():
        for key, value in record:
            if key in fields and value not in told:
                others += read.forms_of(value)
    return Spoken(named, others, told, complete)
