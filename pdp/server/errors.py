"""The one place that turns refusals and exceptions into gRPC statuses with their details."""

from __future__ import annotations

import re
import secrets
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import grpc
import structlog
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status  # type: ignore[import-untyped]

from pdp.domain.answer import Refusal, RefusalKind, refusal_of_input
from pdp.domain.error_reason import ErrorReason
from pdp.domain.limits import InvalidInput
from pdp.identity.port import Unauthenticated
from pdp.ports import StoreError

if TYPE_CHECKING:
    from typing import Never

    from google.protobuf.message import Message

# ErrorInfo.domain: who defines the reasons.
DOMAIN: Final = "pdp.v1"
# Status, details and metadata travel in trailers, of which peers take 8 KiB: the text is in there
# up to three times, once percent-encoded and twice in base64.
TEXT_CHARS: Final = 400
METADATA_CHARS: Final = 200
# google/rpc/error_details.proto: a reason's form, and at most 63 characters of it.
_REASON: Final = re.compile(r"(?=.{1,63}\Z)[A-Z][A-Z0-9_]+[A-Z0-9]\Z")
# Statuses kept ready to be sent again, of some 10 KiB at most.
_REMEMBERED: Final = 64

# Each kind is the gRPC status of its name; one without would fail here, at import.
STATUS: Final = {kind: grpc.StatusCode[kind.name] for kind in RefusalKind}

_log = structlog.get_logger("pdp.server")


class Refused(Exception):
    """Carries a refusal out of an RPC."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.message)


def refusal_of(fault: Exception, rpc: str) -> Refusal:
    """What to answer where `fault` ended the RPC named `rpc`.

    An exception that nobody expected is logged in full under a fresh incident id, and the caller
    is told that id and nothing else.
    """
    if isinstance(fault, Refused):
        return fault.refusal
    if isinstance(fault, InvalidInput):
        return refusal_of_input(fault)
    if isinstance(fault, Unauthenticated):
        reason = ErrorReason.UNAUTHENTICATED
        return Refusal(RefusalKind.UNAUTHENTICATED, str(fault), reason=reason)
    incident = "i-" + secrets.token_hex(8)
    _log.error("rpc_failed", rpc=rpc, incident=incident, exc_info=fault)
    if isinstance(fault, StoreError):
        return Refusal(
            RefusalKind.UNAVAILABLE,
            f"the store cannot be read now; try again (incident {incident})",
            metadata=(("incident", incident),),
            reason=ErrorReason.STORE_UNAVAILABLE,
        )
    return Refusal(
        RefusalKind.INTERNAL,
        f"internal error; the operator finds it in the log as incident {incident}",
        metadata=(("incident", incident),),
        reason=ErrorReason.INTERNAL,
    )


async def abort(context: grpc.aio.ServicerContext[Any, Any], refusal: Refusal) -> Never:
    """End the RPC with the refusal's status, ErrorInfo, and BadRequest where a field is named."""
    status = _status_of(refusal)
    await context.abort(status.code, status.details, status.trailing_metadata)


async def abort_unimplemented(context: grpc.aio.ServicerContext[Any, Any], rpc: str) -> Never:
    """End the RPC named `rpc` (`pdp.v1.Service/Method`): this version does not have it."""
    text = f"{rpc} is part of the contract and not implemented by this version of the server"
    reason = ErrorReason.NOT_IMPLEMENTED
    status = _status(grpc.StatusCode.UNIMPLEMENTED, reason, text, {"rpc": rpc}, [])
    await context.abort(status.code, status.details, status.trailing_metadata)


# Under overload the same few refusals are sent thousands of times a second.
@lru_cache(_REMEMBERED)
def _status_of(refusal: Refusal) -> grpc.Status:
    description = _clipped(refusal.message, TEXT_CHARS)
    reason = reason_of(refusal)
    details: list[Message] = []
    if refusal.field:
        field = _clipped(refusal.field, METADATA_CHARS)
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=field, description=description, reason=reason
        )
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    return _status(STATUS[refusal.kind], reason, description, dict(refusal.metadata), details)


def reason_of(refusal: Refusal) -> str:
    """The stable code of what is wrong, in the form that google.rpc.ErrorInfo asks for.

    A code that policy has made up and that does not fit the form gives way to the status's name.
    """
    found = _REASON.match(refusal.reason)
    return refusal.reason if found is not None else refusal.kind.name


def _status(
    code: grpc.StatusCode,
    reason: str,
    text: str,
    metadata: dict[str, str],
    details: list[Message],
) -> grpc.Status:
    info = error_details_pb2.ErrorInfo(
        reason=reason,
        domain=DOMAIN,
        metadata={key: _clipped(value, METADATA_CHARS) for key, value in metadata.items()},
    )
    status = status_pb2.Status(code=code.value[0], message=text)
    for detail in (info, *details):
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    made: grpc.Status = rpc_status.to_status(status)
    return made


def _clipped(text: str, limit: int) -> str:
    clipped = text if len(text) <= limit else text[: limit - 1] + "…"
    # A protobuf string cannot hold a lone surrogate, and an answer must not fail over one.
    return clipped.encode("utf-8", "backslashreplace").decode("utf-8")
