"""An OPA server that somebody else runs, as engine: it decides by the policy that was checked here.

Nothing is ever written to it. What it is trusted with is in docs/opa-server.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

from pdp.engine.exchange import AnswerTooLarge, ExchangeFailed, Exchanges, ExchangeTimeout, Request
from pdp.engine.limits import OpaLimits
from pdp.engine.managed import ManagedOpa
from pdp.engine.replies import fault
from pdp.engine.server_bundle import difference
from pdp.engine.server_json import check_input, decode, read_revisions, read_value, said
from pdp.engine.server_url import ServerUrl
from pdp.ports import (
    EngineError,
    EngineFault,
    Evaluation,
    PolicyRefused,
    PolicySource,
    RuleInfo,
    accept_any,
)

# Enough to keep the processors of the server busy across a network; a whole batch at once would
# have its last calls wait on the server, on their own deadline.
_CONNECTIONS: Final = 8
# How often an idle server is looked at: about the pace of load balancers.
_LOOK_SECONDS: Final = 1.0
# A server that is busy must not pass for one that is gone.
_LOOK_PATIENCE_SECONDS: Final = 1.0
# A bundle server may have hundreds of modules, each with its syntax tree.
_POLICIES_BYTES: Final = 64 << 20
_POLICIES_SECONDS: Final = 10.0
# Beside the result an answer holds the provenance: some 100 bytes for each bundle of the server.
_ANSWER_OVERHEAD_BYTES: Final = 64 << 10
# Tokens are a few KiB at most, and proxies refuse longer headers; a file of more is not one.
_TOKEN_BYTES: Final = 16 << 10
# Base data that an evaluation never touches, so it always answers; it carries the revisions.
_LOOK: Final = "/v1/data/system/bundles?provenance=true"
# RFC 6750, section 2.1.
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_EVALUATE: Final = "/v1/data/{}?provenance=true&strict-builtin-errors=true"

_log: Final = logging.getLogger("pdp.engine")
_T = TypeVar("_T")


class NotServed(PolicyRefused):
    """The server does not serve the policy that was to be put in force."""


@dataclass(frozen=True, slots=True)
class _Policy:
    revision: str
    paths: frozenset[str]


class OpaServer:
    """An Engine over the REST API of an OPA server. Thread-safe.

    `load` compiles the policy with the managed OPA, which refuses what policy may not use, and then
    finds out whether the server serves exactly that. From then on each answer must name the
    revision. Requests are made on an event loop in a thread of its own.
    """

    def __init__(
        self,
        url: ServerUrl,
        binary: Path,
        *,
        limits: OpaLimits | None = None,
        ca: Path | None = None,
        token_file: Path | None = None,
    ) -> None:
        """`ca` holds PEM certificates to trust in place of the system's; see `find_opa` for binary.

        Raises:
            EngineError: `ca` or `token_file` cannot be used.
        """
        self._url = url
        self._binary = binary
        self._limits = limits or OpaLimits()
        self._token_file = token_file
        self._token = self._read_token()
        self._exchanges = Exchanges(url, _tls(ca) if url.tls else None, most=_CONNECTIONS)
        self._loading = threading.Lock()  # one policy at a time
        self._submitting = threading.Lock()  # guards _closed, and the loop's end against requests
        self._closed = False
        self._policy: _Policy | None = None
        self._trouble = ""  # why the server must not decide, as last looked
        self._heard = 0.0  # when it last gave a value of the policy in force
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="opa-server", daemon=True)
        self._thread.start()

    def ready(self) -> bool:
        """Whether the server answers, and with the policy in force."""
        return self._policy is not None and not self._trouble and not self._closed

    def load(
        self, source: PolicySource, check: Callable[[Sequence[RuleInfo]], None] = accept_any
    ) -> Sequence[RuleInfo]:
        """See `pdp.ports.Engine.load`. Raises NotServed where the server serves another policy."""
        with self._loading:
            with contextlib.closing(ManagedOpa(self._binary, limits=self._limits)) as compiler:
                rules = compiler.load(source, check)
            self._await(self._verify(source, rules))
            with self._submitting:
                if self._closed:
                    raise EngineError("the engine is closed")
                self._policy = _Policy(source.revision, frozenset(rule.path for rule in rules))
                self._trouble = ""
            return rules

    def evaluate_many(
        self, entrypoint: str, inputs: Sequence[bytes]
    ) -> Sequence[Evaluation | EngineFault]:
        """See `pdp.ports.Engine.evaluate_many`; each element is a request with its own deadline."""
        policy, trouble = self._policy, self._trouble
        if policy is None:
            refused = fault("unavailable", "no policy is loaded")
        elif trouble:
            refused = fault("unavailable", f"the OPA server at {self._url}: {trouble}")
        elif entrypoint not in policy.paths:
            refused = fault("undefined", f"the policy has no rule {entrypoint}")
        else:
            try:
                return self._await(self._evaluate_all(policy, entrypoint, inputs))
            except EngineError as error:
                refused = fault("unavailable", str(error))
        return [refused] * len(inputs)

    def close(self) -> None:
        """Give up all requests and close the connections; the server is left as it is."""
        with self._submitting:
            if self._closed:
                return
            self._closed = True
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        """The loop's thread, until `close`."""
        asyncio.set_event_loop(self._loop)
        watching = self._loop.create_task(self._watch())
        self._loop.run_forever()
        tasks = asyncio.all_tasks(self._loop) | {watching}
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(self._exchanges.close())
        self._loop.close()

    def _await(self, work: Coroutine[Any, Any, _T]) -> _T:
        """The result of `work`, done on the loop. Raises EngineError when this is closed."""
        with self._submitting:
            if self._closed:
                work.close()
                raise EngineError("the engine is closed")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except CancelledError:
            raise EngineError("the engine is closed") from None

    async def _evaluate_all(
        self, policy: _Policy, entrypoint: str, inputs: Sequence[bytes]
    ) -> list[Evaluation | EngineFault]:
        target = _EVALUATE.format(quote(entrypoint))
        answers = await asyncio.gather(
            *(self._evaluate(policy, target, item) for item in inputs), return_exceptions=True
        )
        return [self._checked(answer) for answer in answers]

    def _checked(
        self, answer: Evaluation | EngineFault | BaseException
    ) -> Evaluation | EngineFault:
        if not isinstance(answer, BaseException):
            return answer
        _log.error("an evaluation by the OPA server failed", exc_info=answer)
        return fault("internal", type(answer).__name__)

    async def _evaluate(
        self, policy: _Policy, target: str, item: bytes
    ) -> Evaluation | EngineFault:
        try:
            check_input(item, self._limits.input_bytes)
        except ValueError as error:
            return fault("input_invalid", str(error))
        # The document goes as it is: what the record is made of is what was decided upon.
        request = Request("POST", target, b'{"input":%s}' % item, self._token)
        most = self._limits.result_bytes
        try:
            reply = await self._exchanges.ask(
                request,
                seconds=self._limits.evaluation_seconds,
                most_bytes=most + _ANSWER_OVERHEAD_BYTES,
            )
        except ExchangeTimeout as error:
            return fault("timeout", str(error))
        except AnswerTooLarge:
            return fault("result_too_large", "the result is larger than the limit")
        except ExchangeFailed as error:
            return fault("unavailable", f"the OPA server at {self._url}: {error}")
        value = read_value(reply, policy.revision, most)
        if isinstance(value, EngineFault):
            return value
        self._heard = time.monotonic()
        return Evaluation(value, reply.micros)

    async def _verify(self, source: PolicySource, rules: Sequence[RuleInfo]) -> None:
        """Nothing, where the server serves exactly this policy. Raises NotServed, EngineError."""
        self._token = self._read_token()
        try:
            found = await self._look()
            if source.revision in found:
                request = Request("GET", "/v1/policies", token=self._token)
                reply = await self._exchanges.ask(
                    request, seconds=_POLICIES_SECONDS, most_bytes=_POLICIES_BYTES
                )
                if reply.status != 200:
                    read_revisions(reply)  # says why
                differs = difference(source, rules, decode(reply.body))
            else:
                differs = f"it has {said(found)}, and not {source.revision}"
        except (ExchangeFailed, ValueError) as error:
            raise EngineError(
                f"the OPA server at {self._url} cannot be asked: {error}; start it, or correct "
                "--opa-url, --opa-ca or --opa-token-file"
            ) from None
        if differs:
            raise NotServed(
                f"the OPA server at {self._url} does not serve this policy: {differs}; let it load "
                "the bundle that `pdp policy bundle` writes from the same bundles"
            )

    async def _look(self) -> list[str]:
        """The revisions in force on the server. Raises ExchangeFailed, ValueError."""
        reply = await self._exchanges.ask(
            Request("GET", _LOOK, token=self._token),
            seconds=_LOOK_PATIENCE_SECONDS,
            most_bytes=_ANSWER_OVERHEAD_BYTES,
        )
        return read_revisions(reply)

    async def _watch(self) -> None:
        """Find out again and again whether the server may decide; where it is busy, it may."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            policy = self._policy
            if policy is None:
                continue
            trouble = await self._trouble_with(policy)
            if policy is not self._policy:
                continue
            if trouble and not self._trouble:
                _log.error("the OPA server at %s must not decide: %s", self._url, trouble)
            if self._trouble and not trouble:
                _log.warning("the OPA server at %s may decide again", self._url)
            self._trouble = trouble

    async def _trouble_with(self, policy: _Policy) -> str:
        try:
            self._token = self._read_token()
            # Its own decision log has a line for each look: none while it answers anyway.
            if not self._trouble and time.monotonic() - self._heard < _LOOK_SECONDS:
                return ""
            found = await self._look()
        except (EngineError, ExchangeFailed, ValueError) as error:
            return str(error)
        if policy.revision in found:
            return ""
        return f"it has {said(found)}, and not {policy.revision}"

    def _read_token(self) -> str:
        """The bearer token, read anew as files of tokens are replaced. Raises EngineError."""
        if self._token_file is None:
            return ""
        try:
            with self._token_file.open("rb") as file:
                token = file.read(_TOKEN_BYTES + 1).decode("ascii").strip()
        except OSError as error:
            raise EngineError(f"{self._token_file}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            token = ""
        if len(token) > _TOKEN_BYTES or not _TOKEN.fullmatch(token):
            raise EngineError(f"{self._token_file}: holds no bearer token: one line, no spaces")
        return token


def _tls(ca: Path | None) -> ssl.SSLContext:
    """Certificates and host names are verified, against the system's roots or those of `ca`."""
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise EngineError(f"{ca}: holds no certificates in PEM: {error}") from None
