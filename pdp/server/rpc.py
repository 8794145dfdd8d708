"""How every RPC is run: read the message, identify the caller, answer, or end with a status."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from pdp.domain.answer import Refusal, RefusalKind
from pdp.domain.values import Caller
from pdp.identity.port import Identify
from pdp.server.errors import abort, abort_unimplemented, refusal_of

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


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


def service(
    descriptor: ServiceDescriptor, rpcs: Mapping[str, Rpc], identify: Identify
) -> grpc.GenericRpcHandler:
    """The handler of one service of the contract; what is not in `rpcs` is UNIMPLEMENTED.

    Built from the descriptor and not from the generated code, whose handlers answer a message that
    does not parse with UNKNOWN, the exception's text, and a traceback in the log for each.
    """
    unknown = rpcs.keys() - {method.name for method in descriptor.methods}
    if unknown:
        raise ValueError(f"{descriptor.full_name} has no {sorted(unknown)}")
    return grpc.method_handlers_generic_handler(
        descriptor.full_name,
        {
            method.name: (
                _implemented(method, rpcs[method.name], identify)
                if method.name in rpcs
                else _unimplemented(method)
            )
            for method in descriptor.methods
        },
    )


def _implemented(
    method: MethodDescriptor, rpc: Rpc, identify: Identify
) -> grpc.RpcMethodHandler[Any, Any]:
    kind = GetMessageClass(method.input_type)
    name = method.name
    malformed = Refusal(
        RefusalKind.INVALID_ARGUMENT,
        f"the request is not a {method.input_type.full_name}: send one, encoded by "
        "code generated from the contract",
    )

    def parse(raw: bytes) -> Message | None:
        try:
            return kind.FromString(raw)
        except DecodeError:
            return None

    async def run(request: Message | None, context: Context) -> Message:
        try:
            caller = identify(context)
            if request is not None:
                return await rpc(request, Asked(caller, name, _deadline_us(context)))
            refusal = malformed
        except Exception as fault:  # Fail closed: whatever it was, it ends in a status.
            refusal = refusal_of(fault, name)
        return await abort(context, refusal)

    return grpc.unary_unary_rpc_method_handler(
        run, request_deserializer=parse, response_serializer=_serialized
    )


def _unimplemented(method: MethodDescriptor) -> grpc.RpcMethodHandler[Any, Any]:
    name = f"{method.containing_service.full_name}/{method.name}"

    async def run(_request: bytes, context: Context) -> Message:
        return await abort_unimplemented(context, name)

    handler = (
        grpc.unary_stream_rpc_method_handler
        if method.server_streaming
        else grpc.unary_unary_rpc_method_handler
    )
    return handler(run)


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
