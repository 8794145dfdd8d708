"""How every RPC is run: read the message, identify the caller, answer, or end with a status."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from pdp.domain.answer import Refusal, RefusalKind
from pdp.domain.error_reason import ErrorReason
from pdp.domain.values import Caller
from pdp.identity.port import Identify
from pdp.server.errors import abort, abort_unimplemented, refusal_of
from pdp.server.streams import Context, Streams


@dataclass(frozen=True, slots=True)
class Asked:
    """Who called which RPC, and until when they wait (monotonic microseconds, 0: for ever)."""

    caller: Caller
    rpc: str
    deadline_us: int


Rpc: TypeAlias = Callable[[Any, Asked], Awaitable[Message]]
"""One RPC: the request message and who asked, to the response message.

May raise InvalidInput, Unauthenticated, StoreError and Refused; each becomes its status.
"""

Send: TypeAlias = Callable[[Message], Awaitable[None]]
"""Sends one response of several; waits while the peer does not read."""

StreamRpc: TypeAlias = Callable[[Any, Asked, Send], Awaitable[None]]
"""One RPC with many responses, until it returns. It bounds how many there are, and for how long.

May raise what an Rpc may.
"""

Overload: TypeAlias = Callable[[], Refusal | None]
"""Why a call that arrives now would be refused, whatever it says; None where it would not."""


def never() -> None:
    """As Overload, for what no load refuses."""


def service(
    descriptor: ServiceDescriptor,
    rpcs: Mapping[str, Rpc],
    identify: Identify,
    streams: Streams,
    overload: Callable[[str], Overload] = lambda _name: never,
    *,
    streaming: Mapping[str, StreamRpc] = MappingProxyType({}),
    callers: Mapping[str, Identify] = MappingProxyType({}),
) -> grpc.GenericRpcHandler:
    """The handler of one service of the contract; what is not in `rpcs` is UNIMPLEMENTED.

    `streaming` are those with many responses, `callers` identify the caller of single RPCs in
    another way. `overload` is asked once for each RPC, by name. Built from the descriptor and not
    from the generated code, whose handlers answer a message that does not parse with UNKNOWN, the
    exception's text, and a traceback in the log for each.
    """
    unknown = {*rpcs, *streaming, *callers} - {method.name for method in descriptor.methods}
    if unknown:
        raise ValueError(f"{descriptor.full_name} has no {sorted(unknown)}")

    def handler(method: MethodDescriptor) -> grpc.RpcMethodHandler[Any, Any]:
        who = callers.get(method.name, identify)
        if method.name in streaming:
            return _streaming(method, streaming[method.name], who, streams)
        if method.name in rpcs:
            return _implemented(method, rpcs[method.name], who, streams, overload(method.name))
        return _unimplemented(method)

    return grpc.method_handlers_generic_handler(
        descriptor.full_name, {method.name: handler(method) for method in descriptor.methods}
    )


def _implemented(
    method: MethodDescriptor, rpc: Rpc, identify: Identify, streams: Streams, overload: Overload
) -> grpc.RpcMethodHandler[Any, Any]:
    kind = GetMessageClass(method.input_type)
    name = method.name
    malformed = _malformed(method)

    async def run(_messages: object, context: Context) -> Message:
        try:
            # Before the message is read: of all that overload sends, most costs no more than this.
            refusal = overload() or streams.enter(context)
            if refusal is None:
                caller = identify(context)
                request = _parsed(kind, await streams.message(context))
                if request is not None:
                    return await rpc(request, Asked(caller, name, _deadline_us(context)))
                refusal = malformed
        except grpc.aio.AbortError:
            raise  # It has ended with a status already.
        except Exception as fault:  # Fail closed: whatever it was, it ends in a status.
            refusal = refusal_of(fault, name)
        return await abort(context, refusal)

    # On the wire it is unary. To grpcio it is a stream of requests: of a unary one it would tell
    # nothing until the message is there, and so it could be held for ever.
    return grpc.stream_unary_rpc_method_handler(run, response_serializer=_serialized)


def _streaming(
    method: MethodDescriptor, rpc: StreamRpc, identify: Identify, streams: Streams
) -> grpc.RpcMethodHandler[Any, Any]:
    kind = GetMessageClass(method.input_type)
    name = method.name
    malformed = _malformed(method)

    async def run(_messages: object, context: Context) -> None:
        try:
            caller = identify(context)
            request = _parsed(kind, await streams.message(context))
            if request is not None:
                await rpc(request, Asked(caller, name, _deadline_us(context)), context.write)
                return
            refusal = malformed
        except grpc.aio.AbortError:
            raise  # It has ended with a status already.
        except Exception as fault:  # Fail closed: whatever it was, it ends in a status.
            refusal = refusal_of(fault, name)
        await abort(context, refusal)

    return grpc.stream_stream_rpc_method_handler(run, response_serializer=_serialized)


def _unimplemented(method: MethodDescriptor) -> grpc.RpcMethodHandler[Any, Any]:
    name = f"{method.containing_service.full_name}/{method.name}"

    async def run(_messages: object, context: Context) -> Message:
        return await abort_unimplemented(context, name)

    return grpc.stream_unary_rpc_method_handler(run)


def _malformed(method: MethodDescriptor) -> Refusal:
    return Refusal(
        RefusalKind.INVALID_ARGUMENT,
        f"the request is not a {method.input_type.full_name}: send one, encoded by "
        "code generated from the contract",
        reason=ErrorReason.MESSAGE_MALFORMED,
    )


def _parsed(kind: type[Message], raw: bytes | None) -> Message | None:
    """The message, or None where there is none or it does not parse."""
    try:
        return None if raw is None else kind.FromString(raw)
    except DecodeError:
        return None


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()


def _deadline_us(context: Context) -> int:
    remaining: float | None = context.time_remaining()
    if remaining is None:
        return 0
    # A client may send a deadline of decades; beyond a day it is none.
    if remaining > 86_400:
        return 0
    return time.monotonic_ns() // 1000 + int(remaining * 1_000_000)
