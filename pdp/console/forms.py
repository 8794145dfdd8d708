"""What people fill in, read strictly: fields, votes, and the terms of a grant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from pdp.domain.canonical import JsonValue, canonical, parse_value
from pdp.domain.catalogue import escape
from pdp.domain.limits import REASON_BYTES, InvalidInput
from pdp.domain.records import ArgumentConstraint, GrantTerms

#: A page of the queue and a token; or three fields for each of a tool's arguments.
FIELDS: Final = 512
#: One grant's alternatives for one argument: a list that a person types.
ALTERNATIVES: Final = 64
#: Longer values are not edited in a form.
_LINE_CHARS: Final = 1000
#: The largest number that a field takes has this many digits.
_DIGITS: Final = 9
MINUTE_US: Final = 60_000_000


class BadForm(ValueError):
    """A form cannot be used; the message is for whoever filled it in."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form in order, names repeated where a form repeats them."""

    fields: tuple[tuple[str, str], ...]

    def text(self, name: str) -> str:
        """The first value of a field; empty where there is none."""
        return next((value for known, value in self.fields if known == name), "")

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for known, value in self.fields if known == name]


async def read_form(request: Request) -> Form:
    """The fields of a posted form.

    Raises:
        BadForm: it is no form, or has too many fields.
    """
    try:
        body = (await request.body()).decode("ascii")
        fields = parse_qsl(body, keep_blank_values=True, errors="strict", max_num_fields=FIELDS)
    except ValueError:
        raise BadForm("The form could not be read.") from None
    # Browsers write every line break of a text as CR LF (HTML, section 4.10.21.4).
    return Form(tuple((name, value.replace("\r\n", "\n")) for name, value in fields))


def reason_of(form: Form) -> str:
    """The reason that somebody gives.

    Raises:
        BadForm: it is too long.
    """
    reason = form.text("reason").strip()
    if len(reason.encode()) > REASON_BYTES:
        raise BadForm(f"The reason is too long: {REASON_BYTES} bytes at most.")
    return reason


def terms_of(form: Form, arguments: Mapping[str, JsonValue]) -> GrantTerms:
    """The terms of a grant for calls like the one with these arguments.

    An argument left "as it is" has no constraint of its own: it is pinned when the grant is given.

    Raises:
        BadForm: something in it cannot be used; the message says what.
    """
    constraints: list[ArgumentConstraint] = []
    for index, (name, value) in enumerate(arguments.items()):
        how = form.text(f"how-{index}")
        lines = [line for line in form.text(f"values-{index}").split("\n") if line.strip()]
        if how in ("", "same"):
            continue
        if how not in ("values", "patterns"):
            raise BadForm(f"There is no such way to limit {name!r}.")
        if not lines:
            raise BadForm(f"Say what {name!r} may be, one a line, or leave it as it is.")
        if len(lines) > ALTERNATIVES:
            raise BadForm(f"{name!r} has more than {ALTERNATIVES} lines.")
        path = f"/{escape(name)}"
        if how == "patterns":
            constraints.append(ArgumentConstraint(path, patterns=tuple(lines)))
        else:
            values = tuple(_value(line, value, name) for line in lines)
            constraints.append(ArgumentConstraint(path, values=values))
    return GrantTerms(
        max_uses=_number(form, "uses", "how many calls"),
        ttl_us=_number(form, "minutes", "how many minutes") * MINUTE_US,
        constraints=tuple(constraints),
    )


def _value(line: str, present: JsonValue, name: str) -> str:
    """A line as canonical JSON: as it stands where the argument is a text, else read as JSON."""
    if isinstance(present, str):
        return canonical(line).decode()
    try:
        return canonical(parse_value(line.encode(), name)).decode()
    except (InvalidInput, UnicodeEncodeError):
        raise BadForm(f"A line for {name!r} is not JSON, as its value here is: {line}") from None


def _number(form: Form, field: str, what: str) -> int:
    text = form.text(field).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS and int(text) > 0):
        raise BadForm(f"Say {what}: a whole number of at least 1.")
    return int(text)


def shown_for_edit(value: JsonValue) -> str:
    """An argument's value as a line of the grant's form, which reads it back; empty if too long."""
    text = value if isinstance(value, str) else canonical(value).decode()
    return text if "\n" not in text and len(text) <= _LINE_CHARS else ""
