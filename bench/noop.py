"""A servicer that decides nothing, on the transport of the service: `python -m bench.noop SOCKET`.

It reads each AuthorizeRequest and writes a constant AuthorizeResponse, as protobuf does it, so it
is what the transport alone costs.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

import grpc
import uvloop

from pdp.server.grpc_server import OPTIONS
from pdp.v1 import decision_pb2

ANSWER = decision_pb2.AuthorizeResponse(
    decision=decision_pb2.DECISION_ALLOW,
    reasons=[
        decision_pb2.Reason(
            code="within_intent",
            message="the task's intent covers this tool and resource",
            rule="intent",
            controls=["ASI01", "ASI02"],
        )
    ],
    decision_id="d-00000000000000000000000000",
    request_id="00000000",
    policy_revision="sha256:" + "0" * 64,
    arguments_digest="sha256:" + "0" * 64,
    binding_digest="sha256:" + "0" * 64,
    canonical_arguments=b'{"limit":10,"query":"meeting on Monday, item 0"}',
    receipt=decision_pb2.Receipt(log_id="none", leaf_index=1, leaf_hash=bytes(32)),
)


async def authorize(_request: decision_pb2.AuthorizeRequest, _context: Any) -> Any:
    return ANSWER


def _serialized(message: Any) -> bytes:
    raw: bytes = message.SerializeToString()
    return raw


async def serve(path: str) -> None:
    server = grpc.aio.server(options=OPTIONS)
    handler = grpc.unary_unary_rpc_method_handler(
        authorize,
        request_deserializer=decision_pb2.AuthorizeRequest.FromString,
        response_serializer=_serialized,
    )
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                "pdp.v1.AuthorizationService", {"Authorize": handler}
            ),
        )
    )
    server.add_insecure_port(f"unix:{path}")
    await server.start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await server.stop(1)


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
