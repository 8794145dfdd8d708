"""Plain Python values to the contract's requests; what has the wrong type is a TypeError."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, TypedDict

from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct

from pdp.domain.values import (
    Budget,
    Intent,
    Outcome,
    OutcomeStatus,
    Phase,
    Resource,
    Subject,
    Trust,
)
from pdp.v1 import common_pb2, decision_pb2, task_pb2

MESSAGE_BYTES: Final = 16 * 1024 * 1024

OPTIONS: Final = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    # Decisions never travel through a proxy that an environment variable names.
    ("grpc.enable_http_proxy", 0),
    # A restarted server is found again within the time a caller waits.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1000),
)

POLICY_BUDGET: Final = Budget()
"""A budget that leaves everything to policy."""

Identity: TypeAlias = str | Subject
"""A Subject, or its id alone: an agent as `subject`, a user as `on_behalf_of`."""

Arguments: TypeAlias = Mapping[str, Any] | bytes
"""A call's arguments: JSON as the agent sent it (best), or a mapping to write as JSON."""


class CallOptions(TypedDict, total=False):
    """What may be said of a call beyond tool and arguments; each is as in AuthorizeRequest.

    `timeout` is in seconds and covers sending the same request again while the server is
    unavailable. `subject` and `server` default to the client's own.
    """

    task_id: str
    subject: Identity
    server: str
    intent: Intent
    on_behalf_of: Identity
    session_id: str
    resource: Resource
    schema_digest: str
    signals: Mapping[str, Any]
    outcomes: Sequence[Outcome]
    request_id: str
    timeout: float


def authorize(
    tool: str, arguments: Arguments, options: CallOptions, *, subject: Identity, server: str
) -> decision_pb2.AuthorizeRequest:
    """An AuthorizeRequest; `subject` and `server` stand in where the options have none.

    Raises:
        TypeError, ValueError: a value has the wrong type or is no JSON.
    """
    intent = options.get("intent")
    principal = options.get("on_behalf_of")
    signals = options.get("signals")
    return decision_pb2.AuthorizeRequest(
        request_id=options.get("request_id") or new_request_id(),
        subject=_subject(options.get("subject", subject), "agent"),
        action=common_pb2.Action(
            name=_text(tool, "tool"),
            arguments_json=_arguments(arguments),
            server=_text(options.get("server", server), "server"),
            schema_digest=_text(options.get("schema_digest", ""), "schema_digest"),
        ),
        resource=_resource(options.get("resource")),
        context=decision_pb2.Context(
            task_id=_text(options.get("task_id", ""), "task_id"),
            intent=_intent(intent) if intent is not None else None,
            signals=_struct(signals) if signals else None,
            session_id=_text(options.get("session_id", ""), "session_id"),
        ),
        on_behalf_of=_subject(principal, "user") if principal else None,
        outcomes=[
            outcome(entry.decision_id, entry.status, entry.output, entry.output_media_type)
            for entry in options.get("outcomes", ())
        ],
    )


def outcome(
    decision_id: str, status: OutcomeStatus, output: object, media_type: str
) -> decision_pb2.Outcome:
    """An Outcome. Bytes are sent as they are, text as UTF-8, anything else as JSON.

    Raises:
        TypeError, ValueError: the output is no JSON, or there is no decision id.
    """
    if not _text(decision_id, "decision_id"):
        raise ValueError("decision_id is empty: only a recorded decision has an outcome")
    raw, guessed = _output(output)
    return decision_pb2.Outcome(
        decision_id=decision_id,
        status=decision_pb2.OutcomeStatus.ValueType(OutcomeStatus(status)),
        output=raw,
        output_media_type=media_type or guessed,
    )


def finished(decision_id: str, output: object) -> decision_pb2.Outcome:
    """The outcome of a call that succeeded; an output that is no JSON is sent as its text."""
    try:
        return outcome(decision_id, OutcomeStatus.SUCCEEDED, output, "")
    except (TypeError, ValueError, RecursionError):
        return outcome(decision_id, OutcomeStatus.SUCCEEDED, str(output), "")


def broken(decision_id: str, fault: Exception) -> decision_pb2.Outcome:
    """The outcome of a call that ended in `fault`, whose text the agent may come to see."""
    text = f"{type(fault).__name__}: {fault}"
    return outcome(decision_id, OutcomeStatus.FAILED, text, "")


def start_task(
    intent: Intent,
    *,
    subject: Identity,
    on_behalf_of: Identity | None,
    phase: Phase,
    ttl_s: float,
    budget: Budget,
    task_id: str,
    request_id: str,
) -> task_pb2.StartTaskRequest:
    """A StartTaskRequest; `ttl_s` is in seconds, 0 for policy's default.

    Raises:
        TypeError, ValueError: a value has the wrong type.
    """
    seconds, micros = divmod(round(ttl_s * 1_000_000), 1_000_000)
    return task_pb2.StartTaskRequest(
        request_id=request_id or new_request_id(),
        task_id=_text(task_id, "task_id"),
        subject=_subject(subject, "agent"),
        on_behalf_of=_subject(on_behalf_of, "user") if on_behalf_of else None,
        intent=_intent(intent),
        phase=common_pb2.Phase.ValueType(Phase(phase)),
        ttl=Duration(seconds=seconds, nanos=micros * 1000) if ttl_s else None,
        budget=task_pb2.Budget(max_calls=budget.max_calls, max_effects=budget.max_effects),
    )


def change_phase(
    task_id: str, phase: Phase, reason: str, request_id: str
) -> task_pb2.ChangePhaseRequest:
    """A ChangePhaseRequest.

    Raises:
        TypeError, ValueError: a value has the wrong type.
    """
    return task_pb2.ChangePhaseRequest(
        request_id=request_id or new_request_id(),
        task_id=_text(task_id, "task_id"),
        phase=common_pb2.Phase.ValueType(Phase(phase)),
        reason=_text(reason, "reason"),
    )


def complete_task(task_id: str, request_id: str) -> task_pb2.CompleteTaskRequest:
    """A CompleteTaskRequest.

    Raises:
        TypeError: a value has the wrong type.
    """
    return task_pb2.CompleteTaskRequest(
        request_id=request_id or new_request_id(), task_id=_text(task_id, "task_id")
    )


def append_context(
    task_id: str, content: str | bytes, trust: Trust, source: str, request_id: str
) -> task_pb2.AppendContextRequest:
    """An AppendContextRequest.

    Raises:
        TypeError: a value has the wrong type.
    """
    if not isinstance(trust, Trust):
        raise TypeError("trust says who vouches for the content: give a Trust")
    return task_pb2.AppendContextRequest(
        request_id=request_id or new_request_id(),
        task_id=_text(task_id, "task_id"),
        source=_text(source, "source"),
        trust=task_pb2.Trust.ValueType(trust),
        content=content.encode() if isinstance(content, str) else bytes(content),
    )


def new_request_id() -> str:
    """A fresh id under which a request may be sent again."""
    return str(uuid.uuid4())


def _subject(identity: Identity, kind: str) -> common_pb2.Subject:
    if isinstance(identity, str):
        identity = Subject(type=kind, id=identity)
    if not isinstance(identity, Subject) or not identity.id:
        raise TypeError(f"the {kind} is not named: give an id or a Subject with one")
    return common_pb2.Subject(
        type=identity.type or kind,
        id=identity.id,
        issuer=identity.issuer,
        properties=_struct(identity.properties) if identity.properties else None,
    )


def _intent(intent: Intent) -> common_pb2.Intent:
    return common_pb2.Intent(
        goal=_text(intent.goal, "goal"),
        tools=_texts(intent.tools, "tools"),
        resources=_texts(intent.resources, "resources"),
        max_sensitivity=common_pb2.Sensitivity.ValueType(intent.max_sensitivity),
    )


def _resource(resource: Resource | None) -> common_pb2.Resource | None:
    if resource is None:
        return None
    return common_pb2.Resource(
        type=resource.type,
        id=resource.id,
        sensitivity=common_pb2.Sensitivity.ValueType(resource.sensitivity),
        properties=_struct(resource.properties) if resource.properties else None,
    )


def _arguments(arguments: Arguments) -> bytes:
    if isinstance(arguments, bytes):
        return arguments
    if not isinstance(arguments, Mapping):
        raise TypeError(f"arguments are a mapping or JSON bytes, not {type(arguments).__name__}")
    return _json(dict(arguments))


def _output(output: object) -> tuple[bytes, str]:
    if output is None:
        return b"", ""
    if isinstance(output, bytes | bytearray | memoryview):
        return bytes(output), ""
    if isinstance(output, str):
        return output.encode("utf-8", "replace"), "text/plain"
    return _json(output), "application/json"


def _json(value: object) -> bytes:
    return json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")


def _struct(members: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update(dict(members))
    return struct


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is a string, not {type(value).__name__}")
    return value


def _texts(values: object, name: str) -> Sequence[str]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TypeError(f"{name} is a list of globs, not {type(values).__name__}")
    return [_text(value, name) for value in values]
