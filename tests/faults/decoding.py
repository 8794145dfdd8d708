"""What must hold of the decoders for any bytes; used with random bytes and by a fuzzer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from google.protobuf.message import DecodeError

from pdp.domain.canonical import arguments_digest, canonical, parse_arguments, parse_value
from pdp.domain.limits import InvalidInput
from pdp.server import convert
from pdp.v1 import decision_pb2, task_pb2

LONGEST_REFUSAL: Final = 4096


def check_json(raw: bytes) -> bool:
    """Any bytes are refused with a field and a remedy, or have one canonical form; whether so.

    Raises:
        AssertionError: something else happened.
    """
    try:
        value = parse_value(raw, "field")
    except InvalidInput as refusal:
        _check_refusal(refusal)
        return False
    form = canonical(value)
    assert parse_value(form, "field") == value
    assert canonical(parse_value(form, "field")) == form
    # Everybody else who reads the canonical form reads the same value.
    assert json.loads(form) == value
    return True


def check_request(raw: bytes) -> bool:
    """Any bytes are no message, a refused one, or a call; whether they are a call.

    Raises:
        AssertionError: something else happened.
    """
    try:
        request = decision_pb2.AuthorizeRequest.FromString(raw)
    except DecodeError:
        return False
    try:
        ask = convert.authorize(request)
        arguments = parse_arguments(ask.action.arguments_json, "action.arguments_json")
    except InvalidInput as refusal:
        _check_refusal(refusal)
        return False
    assert ask.subject.id == request.subject.id
    assert ask.action.name == request.action.name
    assert ask.task_id == request.context.task_id
    assert arguments_digest(arguments).startswith("sha256:")
    return True


def check_others(raw: bytes) -> None:
    """The same for the other requests that are decided.

    Raises:
        AssertionError: something else happened.
    """
    reads: tuple[Callable[[], object], ...] = (
        lambda: convert.report(decision_pb2.ReportOutcomeRequest.FromString(raw)),
        lambda: convert.start_task(task_pb2.StartTaskRequest.FromString(raw)),
        lambda: convert.change_phase(task_pb2.ChangePhaseRequest.FromString(raw)),
        lambda: convert.complete_task(task_pb2.CompleteTaskRequest.FromString(raw)),
    )
    for read in reads:
        try:
            read()
        except DecodeError:
            pass
        except InvalidInput as refusal:
            _check_refusal(refusal)


def _check_refusal(refusal: InvalidInput) -> None:
    text = str(refusal)
    assert refusal.field
    assert refusal.remedy
    assert len(text) < LONGEST_REFUSAL
    # It goes into a protobuf string and a log.
    text.encode("utf-8")
