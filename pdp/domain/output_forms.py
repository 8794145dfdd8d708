"""What an output says, as forms of atoms: a function of its bytes, whoever computes it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pdp.domain.answers import one_thing
from pdp.domain.atoms_output import MAX_RECORDS, read_output
from pdp.domain.atoms_text import MAX_FORMS, find_forms
from pdp.domain.atoms_values import whole_forms
from pdp.domain.atoms_words import MAX_TELLING, telling
from pdp.domain.senders import shared

if TYPE_CHECKING:
    from pdp.domain.answers import Thing
    from pdp.domain.atoms_output import Record
    from pdp.domain.senders import Shared

# Text that is its own form: no address, no account (its third character would be a digit).
_PLAIN: Final = re.compile(r"[A-Za-z]{3}[\w.'-]*+(?: [\w.'-]++)*+", re.ASCII).fullmatch
#: Values of the records of one output that are looked at for what the principal names.
_MAX_RECORDED: Final = 5_000


@dataclass(frozen=True, slots=True)
class OutputForms:
    """The forms of the atoms of one output, at most MAX_FORMS of them, and what chooses among them.

    `prose` are those of its running text and `values` all others. `records` are its objects, or the
    first of them where not `all_records`, and `wholes` the forms of values in these that are more
    than plain text. `thing` is what it is as one thing, if it is one, and `shared` who sent the
    links in it. `complete` is False where it holds more than is looked at.
    """

    values: Sequence[str] = ()
    prose: Sequence[str] = ()
    records: Sequence[Record] = ()
    all_records: bool = True
    wholes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    thing: Thing | None = None
    shared: Sequence[Shared] = ()
    complete: bool = True

    def forms_of(self, value: str) -> Sequence[str]:
        """The forms of a value of the records, taken as a whole."""
        found = self.wholes.get(value)
        return (f"text:{value}",) if found is None else found


#: Of an output that nobody could read: anything may have been in it.
UNREAD: Final = OutputForms(complete=False)


def read_forms(raw: bytes, media_type: str) -> OutputForms:
    """Read what a tool returned. Never fails; `media_type` is as for `read_output`."""
    reading = read_output(raw, media_type)
    rest = telling(reading.text)
    values = find_forms(rest, cells=reading.cells)
    room = MAX_FORMS - len(values.forms)
    running = telling(reading.prose, min(room, MAX_TELLING - len(rest.words)))
    prose = find_forms(running, most=room)
    records: list[Record] = []
    recorded = 0
    for record in reading.records:
        recorded += len(record)
        if recorded > _MAX_RECORDED:
            break
        records.append(record)
    wholes = {
        value: [form for form in whole_forms([value]) if form]
        for value in dict.fromkeys(value for record in records for _, value in record)
        if _PLAIN(value) is None
    }
    return OutputForms(
        values.forms,
        prose.forms,
        records,
        len(records) == len(reading.records) < MAX_RECORDS,
        {value: forms for value, forms in wholes.items() if forms != [f"text:{value}"]},
        one_thing(reading.whole),
        shared(reading.linking),
        reading.complete and values.complete and prose.complete,
    )


def pack(read: OutputForms) -> bytes:
    """What was read as bytes, for `unpack`. Exact, also for what is no valid Unicode."""
    # Escaped, two lone surrogates in a row would come back as one character.
    text = json.dumps(
        [
            *(read.values, read.prose, read.records, read.all_records, read.wholes),
            *(read.thing, read.shared, read.complete),
        ],
        ensure_ascii=False,
        check_circular=False,
        separators=(",", ":"),
    )
    return text.encode("utf-8", "surrogatepass")


def unpack(packed: bytes) -> OutputForms:
    """What was packed.

    Raises:
        ValueError: these are no packed forms.
    """
    try:
        values, prose, records, all_records, wholes, thing, entries, complete = json.loads(
            packed.decode("utf-8", "surrogatepass")
        )
        return OutputForms(
            _texts(values),
            _texts(prose),
            [[(_text(name), _text(value)) for name, value in record] for record in records],
            all_records is True,
            {value: _texts(forms) for value, forms in wholes.items()},
            _thing(thing) if thing is not None else None,
            [(_texts(names), _texts(links)) for names, links in entries],
            complete is True,
        )
    except (TypeError, AttributeError, RecursionError) as fault:
        raise ValueError("no packed forms") from fault


def _texts(value: object) -> list[str]:
    if not isinstance(value, list):
        raise TypeError
    # Joining is the quickest way to find out whether all are text.
    "".join(value)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _thing(value: Any) -> Thing:
    return {
        name: below if isinstance(below, str) else _thing(below) for name, below in value.items()
    }
