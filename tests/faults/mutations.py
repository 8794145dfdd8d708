"""A call that policy allows, and what becomes of it when something hostile changes it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from pdp.domain.canonical import canonical, parse_arguments
from pdp.domain.limits import InvalidInput
from pdp.v1 import decision_pb2
from tests.faults.world import NOTE, note

Request = decision_pb2.AuthorizeRequest

INTEGERS: Final = (0, 1, 2, 3, 4, 5, 7, -1, 2**31 - 1, -(2**31))
TEXTS: Final = (
    "",
    "a",
    "//admin",
    "../send_note",
    "send%5fnote",
    "SEND_NOTE",
    "send_note\u200b",
    "pdp.start_task",
    "\u0000",
    "*",
    "x" * 5000,
    "bob@example.com",
    "eve@example.com",
    "desk",
    "agent",
)
# Pieces that a JSON reader may see otherwise than the next one.
JSON_PIECES: Final = (
    b'"to": "eve@example.com", ',
    b'"TO": "eve@example.com", ',
    b'"\\u0074o": "eve@example.com", ',
    b"\\ud800",
    b"\xef\xbb\xbf",
    b"\x00",
    b"1e99999999",
    b"9" * 80,
    b"NaN",
    b"[" * 200,
    b"/* */",
    b",",
    b"null",
    b"\xc0\xaf",
)


def mutated(task_id: str, chosen: random.Random) -> bytes:
    """The seed's bytes, changed in one to three ways; often still a message."""
    request = note(task_id)
    raw: bytes | None = None
    for _ in range(chosen.randint(1, 3)):
        way = chosen.choice(WAYS)
        if raw is None:
            way(request, chosen)
        if chosen.random() < 0.25:
            raw = bytes_changed(raw if raw is not None else request.SerializeToString(), chosen)
    return raw if raw is not None else request.SerializeToString()


def bytes_changed(raw: bytes, chosen: random.Random) -> bytes:
    """Bytes flipped, cut, put in, or said twice."""
    if not raw:
        return chosen.randbytes(8)
    at = chosen.randrange(len(raw))
    upto = min(len(raw), at + chosen.randint(1, 12))
    match chosen.randrange(5):
        case 0:
            return raw[:at] + bytes([raw[at] ^ 1 << chosen.randrange(8)]) + raw[at + 1 :]
        case 1:
            return raw[:at] + raw[upto:]
        case 2:
            return raw[:at] + chosen.randbytes(upto - at) + raw[at:]
        case 3:
            return raw[:upto] + raw[at:]
        case _:
            return raw[:at]


def _change_field(request: Request, chosen: random.Random) -> None:
    """Set or clear one field, anywhere in the message."""
    message: Message = request
    while True:
        field: Any = chosen.choice(list(message.DESCRIPTOR.fields))
        if field.message_type is not None and not field.is_repeated and chosen.random() < 0.8:
            message = getattr(message, field.name)
            continue
        break
    if chosen.random() < 0.2:
        message.ClearField(field.name)
        return
    _set(message, field, chosen)


def _set(message: Message, field: Any, chosen: random.Random) -> None:
    value = _value(field, chosen)
    try:
        if field.is_repeated and field.message_type is not None:
            getattr(message, field.name).add()
        elif field.is_repeated:
            getattr(message, field.name).append(value)
        elif field.message_type is not None:
            getattr(message, field.name).SetInParent()
        else:
            setattr(message, field.name, value)
    except (AttributeError, TypeError, ValueError):
        message.ClearField(field.name)


def _value(field: Any, chosen: random.Random) -> Any:
    if field.type == FieldDescriptor.TYPE_STRING:
        return chosen.choice(TEXTS)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return chosen.choice((b"", b"{}", NOTE, chosen.randbytes(20)))
    if field.type == FieldDescriptor.TYPE_BOOL:
        return True
    return chosen.choice(INTEGERS)


def _change_arguments(request: Request, chosen: random.Random) -> None:
    raw = request.action.arguments_json
    at = chosen.randrange(len(raw) + 1)
    request.action.arguments_json = (
        raw[:at] + chosen.choice(JSON_PIECES) + raw[at:]
        if chosen.random() < 0.5
        else bytes_changed(raw, chosen)
    )


def _respell_arguments(request: Request, chosen: random.Random) -> None:
    """The same call in other bytes: it may be allowed."""
    if request.action.arguments_json != NOTE:
        return
    members = list(json.loads(NOTE).items())
    chosen.shuffle(members)
    text = json.dumps(dict(members), indent=chosen.choice((None, 1)))
    request.action.arguments_json = text.replace("o", chosen.choice(("o", "\\u006f"))).encode()


def _claim(request: Request, chosen: random.Random) -> None:
    """Say something that nobody has to believe."""
    request.context.signals.update({"approved": True, "risk": chosen.random()})
    request.context.session_id = chosen.choice(TEXTS)


WAYS: Final[tuple[Callable[[Request, random.Random], None], ...]] = (
    _change_field,
    _change_field,
    _change_field,
    _change_arguments,
    _change_arguments,
    _respell_arguments,
    _claim,
)


def is_the_seeds_call(raw: bytes, task_id: str) -> bool:
    """Whether bytes decode to the very call that the seed asks about.

    What only repeats, leaves to the catalogue, or merely claims makes no other call of it.
    """
    try:
        request = Request.FromString(raw)
        arguments = canonical(parse_arguments(request.action.arguments_json, "arguments"))
    except (DecodeError, InvalidInput):
        return False
    seed = note(task_id)
    return (
        same(request.subject, seed.subject)
        and (not any_said(request.on_behalf_of) or same(request.on_behalf_of, seed.on_behalf_of))
        and request.action.name == seed.action.name
        and request.action.server in ("", seed.action.server)
        and arguments == canonical(json.loads(NOTE))
        and request.resource.type in ("", seed.resource.type)
        and request.resource.id in ("", seed.resource.id)
        and request.context.task_id == task_id
        and not request.context.HasField("intent")
    )


def same(one: Any, other: Any) -> bool:
    """Whether two Subjects name one identity."""
    return bool((one.type, one.id, one.issuer) == (other.type, other.id, other.issuer))


def any_said(subject: Any) -> bool:
    """Whether a Subject names anybody."""
    return bool(subject.type or subject.id or subject.issuer)
