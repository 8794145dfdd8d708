"""What the principal's words say of the records of an output: which they name, and which not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from pdp.domain.atoms import mailbox_parts

if TYPE_CHECKING:
    from pdp.domain.output_forms import OutputForms

#: Values of one output that are asked for among the principal's words, of those that begin like
#: one; each takes about ten microseconds, and others wait.
_MAX_ASKED: Final = 1_000


class Spoken(NamedTuple):
    """Forms of the values in records with a name that the principal said, and of other values of
    the fields that hold such a name: "delete file 13" says that the file 26 is another one.
    """

    named: list[str]
    others: list[str]


def spoken_of(read: OutputForms, said: Callable[[str], bool]) -> Spoken:
    """What is spoken of in the records; `said` tells whether the principal said a whole value."""
    named: list[str] = []
    for record in read.records:
        if any(map(said, chain.from_iterable(mailbox_parts(value) for _, value in record))):
            named += chain.from_iterable(read.forms_of(value) for _, value in record)
    fields = {key for record in read.records for key, value in record if said(value)}
    others: list[str] = []
    for record in read.records if fields else ():
        for key, value in record:
            if key in fields and not said(value):
                others += read.forms_of(value)
    return Spoken(named, others)


class Said:
    """Whether the principal said a value: asked once for each, and only where it begins like one.

    No for values beyond so many; `complete` says that there were none.
    """

    __slots__ = ("_begun", "_known", "_said", "complete")

    def __init__(self, begun: Callable[[str], bool], said: Callable[[str], bool]) -> None:
        self._begun = begun
        self._said = said
        self._known: dict[str, bool] = {}
        self.complete = True

    def __call__(self, value: str) -> bool:
        """Whether the principal said it."""
        found = self._known.get(value)
        if found is not None:
            return found
        if not self._begun(value):
            return False
        if len(self._known) == _MAX_ASKED:
            self.complete = False
            return False
        found = self._known[value] = self._said(value)
        return found
