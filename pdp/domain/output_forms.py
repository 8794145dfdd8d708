"""What an output says, as forms of atoms: a function of its bytes, whoever computes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

from pdp.domain.answers import one_thing
from pdp.domain.atoms import coded_form
from pdp.domain.atoms_output import MAX_RECORDS, read_output
from pdp.domain.atoms_text import MAX_FORMS, find_forms
from pdp.domain.atoms_values import whole_forms
from pdp.domain.atoms_words import MAX_TELLING, telling
from pdp.domain.record_words import beginnings
from pdp.domain.senders import shared

if TYPE_CHECKING:
    from pdp.domain.answers import Thing
    from pdp.domain.atoms_output import Record
    from pdp.domain.record_words import Begun
    from pdp.domain.senders import Shared

# Text that is its own form: no address, no account (its third character would be a digit).
_PLAIN: Final = re.compile(r"[A-Za-z]{3}[\w.'-]*+(?: [\w.'-]++)*+", re.ASCII).fullmatch
# What an account begins with, apart or together.
_ACCOUNT: Final = re.compile(r"[ -]*[A-Za-z][ -]*[A-Za-z][ -]*[0-9]").match
_OBJECT: Final = re.compile(rb"\s*(?:\[\s*)?\{\s*['\"]")
#: Values of the records of one output that are looked at for what the principal names.
_MAX_RECORDED: Final = 4_000


@dataclass(frozen=True, slots=True)
class OutputForms:
    """The forms of the atoms of one output, at most MAX_FORMS of them, and what chooses among them.

    `prose` are those of its running text and `values` all others. `records` are its objects, or the
    first of them where not `all_records`; `begun` are the words that values in these begin with,
    and `wholes` the forms of those that are more than plain text. `thing` is what it is as one
    thing, if it is one, and `shared` who sent the links in it. `complete` is False where it holds
    more than is looked at. `lines` are how many it has, and `torn` says that it begins as an object
    and cannot be read as one: a text in it may have ended it. `packed` are the bytes that it was
    unpacked from, if it was.
    """

    values: Sequence[str] = ()
    prose: Sequence[str] = ()
    records: Sequence[Record] = ()
    all_records: bool = True
    begun: Sequence[Begun] = ()
    wholes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    thing: Thing | None = None
    shared: Sequence[Shared] = ()
    complete: bool = True
    lines: int = 1
    torn: bool = False
    packed: bytes = field(default=b"", compare=False, repr=False)

    def forms_of(self, value: str) -> Sequence[str]:
        """The forms of a value of the records, taken as a whole."""
        found = self.wholes.get(value)
        return (f"text:{value}",) if found is None else found


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
        value: _whole(value)
        for value in dict.fromkeys(value for record in records for _, value in record)
        if _PLAIN(value) is None
    }
    return OutputForms(
        values.forms,
        prose.forms,
        records,
        len(records) == len(reading.records) < MAX_RECORDS,
        list(beginnings(records)),
        {value: forms for value, forms in wholes.items() if forms != [f"text:{value}"]},
        one_thing(reading.whole),
        shared(reading.linking),
        reading.complete and values.complete and prose.complete,
        raw.count(b"\n") + 1,
        not (reading.records or reading.parsed) and _OBJECT.match(raw) is not None,
    )


def _whole(value: str) -> list[str]:
    """The forms of a value; in less time where it can be neither address, link nor account."""
    if value.isascii() and "@" not in value and "://" not in value and not _ACCOUNT(value):
        form = coded_form(value.strip())
        return [] if form == "text:" else [form]
    return [form for form in whole_forms([value]) if form]


def pack(read: OutputForms) -> bytes:
    """What was read as bytes, for `unpack`. Exact, also for what is no valid Unicode."""
    # Escaped, two lone surrogates in a row would come back as one character.
    text = json.dumps(
        {
            "values": read.values,
            "prose": read.prose,
            "lengths": list(map(len, read.records)),
            "fields": _columns(chain.from_iterable(read.records), 2),
            "all": read.all_records,
            "begun": _columns(read.begun, 3),
            "wholes": read.wholes,
            "thing": read.thing,
            "shared": read.shared,
            "complete": read.complete,
            "lines": read.lines,
            "torn": read.torn,
        },
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
        found = json.loads(packed.decode("utf-8", "surrogatepass"))
        fields = zip(*map(_texts, found["fields"]), strict=True)
        thing = found["thing"]
        return OutputForms(
            values=_texts(found["values"]),
            prose=_texts(found["prose"]),
            records=[list(islice(fields, length)) for length in found["lengths"]],
            all_records=found["all"] is True,
            begun=list(zip(*map(_texts, found["begun"]), strict=True)),
            wholes={value: _texts(forms) for value, forms in found["wholes"].items()},
            thing=None if thing is None else _thing(thing),
            shared=[(_texts(names), _texts(links)) for names, links in found["shared"]],
            complete=found["complete"] is True,
            lines=int(found["lines"]),
            torn=found["torn"] is not False,
            packed=packed,
        )
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as fault:
        raise ValueError("no packed forms") from fault


def _columns(rows: Iterable[Sequence[str]], width: int) -> list[list[str]]:
    """Rows of the same width by column: so they are read again in a third of the time."""
    return [list(column) for column in zip(*rows, strict=True)] or [[]] * width


def _texts(value: object) -> list[str]:
    if not isinstance(value, list):
        raise TypeError
    # Joining is the quickest way to find out whether all are text.
    "".join(value)
    return value


def _thing(value: Any) -> Thing:
    return {
        name: below if isinstance(below, str) else _thing(below) for name, below in value.items()
    }


#: Of an output that nobody could read: anything may have been in it.
UNREAD: Final = unpack(pack(OutputForms(complete=False, torn=True)))
