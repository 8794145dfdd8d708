"""The world of the fault tests: two tools, tasks, calls, and how to look at what a service did."""

from __future__ import annotations

import json
import os
import resource
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]

from pdp.store.keys import read_public_key
from pdp.store.reader import open_reader
from pdp.store.verify import Verified, verify_store
from pdp.v1 import common_pb2, decision_pb2, decision_pb2_grpc, task_pb2, task_pb2_grpc
from tests.service import Service

ALLOW = decision_pb2.DECISION_ALLOW
DENY = decision_pb2.DECISION_DENY
AGENT = common_pb2.Subject(type="agent", id="spiffe://example.test/agent/clerk")
PERSON = common_pb2.Subject(type="user", id="person@example.test", issuer="https://id.example.test")
TIMEOUT_S = 10.0

CATALOGUE = """
version: 1
tools:
- server: desk
  name: look_up
  class: read
  sensitivity: internal
  output: trusted
  reversible: true
  egress: false
  arguments:
    query: {role: content}
  input_schema:
    type: object
    properties:
      query: {type: string}
    required: [query]
    additionalProperties: false
- server: desk
  name: send_note
  class: send
  sensitivity: internal
  output: trusted
  reversible: false
  egress: true
  resource: {type: note, id: "{to}"}
  arguments:
    to: {role: sink, holds: email}
    text: {role: content}
  input_schema:
    type: object
    properties:
      to: {enum: ["bob@example.com"]}
      text: {enum: ["See you at ten."]}
    required: [to, text]
    additionalProperties: false
"""
NOTE = b'{"to": "bob@example.com", "text": "See you at ten."}'


def write_catalogue(folder: Path) -> Path:
    """The catalogue of both tools, as a file."""
    path = folder / "catalogue.yaml"
    path.write_text(CATALOGUE)
    return path


def serve_command(data: Path, catalogue: Path, *more: str) -> list[str]:
    """The command line of a service, for those that are not meant to get ready."""
    serve = [sys.executable, "-m", "pdp", "serve", "--dev", "--data", str(data)]
    return [*serve, "--catalogue", str(catalogue), *more]


class Client:
    """A connection of its own to a service, with the stubs that tests use."""

    def __init__(self, service: Service) -> None:
        self.channel = service.channel()
        self.calls = decision_pb2_grpc.AuthorizationServiceStub(self.channel)
        self.tasks = task_pb2_grpc.TaskServiceStub(self.channel)
        self._health = health_pb2_grpc.HealthStub(self.channel)

    def authorize(
        self, request: decision_pb2.AuthorizeRequest, timeout: float = TIMEOUT_S
    ) -> decision_pb2.AuthorizeResponse:
        """One call."""
        answer: decision_pb2.AuthorizeResponse = self.calls.Authorize(request, timeout=timeout)
        return answer

    def start_task(self, task_id: str = "", max_calls: int = 1_000_000) -> str:
        """A task that may do everything this world has; returns its id."""
        started = self.ask_for_task(task_id, max_calls)
        assert started.authorization.decision == ALLOW, started
        return str(started.task.id)

    def ask_for_task(
        self, task_id: str = "", max_calls: int = 1_000_000
    ) -> task_pb2.StartTaskResponse:
        """The answer to asking for such a task."""
        started: task_pb2.StartTaskResponse = self.tasks.StartTask(
            task_pb2.StartTaskRequest(
                task_id=task_id,
                subject=AGENT,
                on_behalf_of=PERSON,
                intent=common_pb2.Intent(
                    goal="Look things up and send a note to bob@example.com.",
                    tools=["look_up", "send_note"],
                ),
                phase=common_pb2.PHASE_EXECUTE,
                budget=task_pb2.Budget(max_calls=max_calls, max_effects=max_calls),
            ),
            timeout=TIMEOUT_S,
        )
        return started

    def end_task(self, task_id: str) -> decision_pb2.AuthorizeResponse:
        """Complete a task; returns what was decided of that."""
        answer: decision_pb2.AuthorizeResponse = self.tasks.CompleteTask(
            task_pb2.CompleteTaskRequest(task_id=task_id), timeout=TIMEOUT_S
        ).authorization
        return answer

    def serving(self) -> bool:
        """What the health service says of the whole."""
        answer = self._health.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()


def look(
    task_id: str, query: str = "minutes", request_id: str = ""
) -> decision_pb2.AuthorizeRequest:
    """A read that policy allows."""
    return decision_pb2.AuthorizeRequest(
        request_id=request_id,
        subject=AGENT,
        action=common_pb2.Action(
            name="look_up", server="desk", arguments_json=json.dumps({"query": query}).encode()
        ),
        context=decision_pb2.Context(task_id=task_id),
    )


def note(task_id: str, request_id: str = "") -> decision_pb2.AuthorizeRequest:
    """A send that policy allows with exactly these arguments."""
    return decision_pb2.AuthorizeRequest(
        request_id=request_id,
        subject=AGENT,
        action=common_pb2.Action(name="send_note", server="desk", arguments_json=NOTE),
        resource=common_pb2.Resource(type="note", id="bob@example.com"),
        context=decision_pb2.Context(task_id=task_id),
        on_behalf_of=PERSON,
    )


def codes(answer: decision_pb2.AuthorizeResponse) -> set[str]:
    """The codes of an answer's reasons."""
    return {reason.code for reason in answer.reasons}


@dataclass(frozen=True, slots=True)
class Logged:
    """A decision as the log has it."""

    leaf_index: int
    leaf_hash: bytes
    decision: str
    rpc: str
    request_id: str
    arguments_digest: str


def logged(data: Path) -> dict[str, Logged]:
    """Every decision in the log of a data folder, by its id."""
    found: dict[str, Logged] = {}
    with open_reader(data) as reader, reader.at_one_moment() as connection:
        rows = connection.execute("SELECT idx, hash, body FROM leaf WHERE kind = 'decision'")
        for index, leaf_hash, body in rows:
            members: dict[str, Any] = json.loads(body)
            found[members["id"]] = Logged(
                index,
                leaf_hash,
                members["decision"],
                members["rpc"],
                members["request_id"],
                members["args"],
            )
    return found


def assert_in_log(answer: decision_pb2.AuthorizeResponse, log: dict[str, Logged]) -> None:
    """The answer's decision is the one that the log has at the place its receipt names."""
    entry = log.get(answer.decision_id)
    assert entry is not None, f"answered and not in the log: {answer}"
    assert entry.leaf_index == answer.receipt.leaf_index
    assert entry.leaf_hash == answer.receipt.leaf_hash
    assert entry.arguments_digest == answer.arguments_digest
    assert entry.decision == decision_pb2.Decision.Name(answer.decision)[9:].lower()


def verified(data: Path) -> Verified:
    """The whole log checked, as `pdp audit verify` does."""
    with open_reader(data) as reader:
        return verify_store(reader, read_public_key(data))


def engine_pid(service: Service) -> int:
    """The process that evaluates policy; 0 while there is none."""
    # A child is listed under the thread that started it.
    for listed in Path(f"/proc/{service.process.pid}/task").glob("*/children"):
        with suppress(OSError):  # A thread may end while its children are read.
            for child in listed.read_text().split():
                if is_engine(int(child)):
                    return int(child)
    return 0


def is_engine(pid: int) -> bool:
    """Whether this process runs and is a managed OPA."""
    try:
        return b"pdp-opa" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def resident_mib(pid: int) -> float:
    """The memory of a process in MiB (proc_pid_statm(5))."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / (1024 * 1024)


def processor_seconds(pid: int) -> float:
    """The processor time that a process has used so far (proc_pid_stat(5): utime, stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(pid: int) -> int:
    """How many files a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def eventually(what: Callable[[], bool], seconds: float, pause: float = 0.02) -> float:
    """Wait until `what` holds; returns the seconds it took. A dropped call counts as not yet."""
    began = time.monotonic()
    while True:
        try:
            if what():
                return time.monotonic() - began
        except grpc.RpcError:
            pass
        took = time.monotonic() - began
        assert took < seconds, f"did not come true within {seconds} s"
        time.sleep(pause)


@contextmanager
def unix_connection(service: Service) -> Iterator[socket.socket]:
    """A raw connection to the service's Unix socket."""
    with socket.socket(socket.AF_UNIX) as made:
        made.settimeout(TIMEOUT_S)
        made.connect(service.address.removeprefix("unix:"))
        yield made
