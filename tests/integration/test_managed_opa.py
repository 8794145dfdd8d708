"""The managed OPA as a process: killed, stuck, starved, orphaned, and never wrong."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pdp.engine.binary import find_opa
from pdp.engine.limits import MEBIBYTE, OpaLimits
from pdp.engine.managed import ManagedOpa
from pdp.ports import EngineError, EngineFault, Evaluation, PolicyRefused, PolicySource
from tests.conformance.engines import codes, policy, values

ECHO = policy("value := input")
# Searching a string for itself, over and over, costs its square, and nothing in it asks whether
# the time is up. The length decides for how long.
STUCK = policy("value := count(indexof_n(input.text, substring(input.text, 0, input.half)))")
STUCK_FOR_LONG = {"text": "a" * 600_000, "half": 300_000}
QUICK = {"text": "aaaa", "half": 2}
HUNGRY = policy("value := count(numbers.range(1, input.n))")


@pytest.fixture
def made() -> Iterator[Callable[..., ManagedOpa]]:
    engines: list[ManagedOpa] = []

    def make(source: PolicySource = ECHO, **limits: int | float) -> ManagedOpa:
        engine = ManagedOpa(find_opa(), limits=OpaLimits(**limits))  # type: ignore[arg-type]
        engines.append(engine)
        engine.load(source)
        return engine

    yield make
    for engine in engines:
        engine.close()


def ask(engine: ManagedOpa, *inputs: object) -> list[Evaluation | EngineFault]:
    encoded = [json.dumps(i).encode() for i in inputs]
    return list(engine.evaluate_many("probe/value", encoded))


def pid_of(engine: ManagedOpa) -> int:
    pid = engine.pid
    assert pid is not None
    return pid


def until(condition: Callable[[], object], seconds: float = 10.0) -> float:
    """Wait until it is so; the seconds it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it never came to be"
        time.sleep(0.002)
    return time.monotonic() - began


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def stands_still(pid: int) -> bool:
    """Whether every thread of a process has stopped (proc_pid_stat(5))."""
    found = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in found)


def test_a_child_killed_under_load_gives_faults_and_never_a_wrong_value_and_is_back_within_a_second(
    made: Callable[..., ManagedOpa],
) -> None:
    engine = made()
    stop = threading.Event()
    seen = {"value": 0, "policy_error": 0}
    wrong: list[object] = []

    def load(name: int) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            inputs = [{"name": name, "turn": turn, "n": n, "pad": "x" * 2000} for n in range(32)]
            answers = ask(engine, *inputs)
            for answer, item in zip(answers, inputs, strict=True):
                if isinstance(answer, Evaluation):
                    seen["value"] += 1
                    if answer.value != item:
                        wrong.append(answer)
                else:
                    seen["policy_error"] += 1
                    if answer.code != "policy_error":
                        wrong.append(answer)

    threads = [threading.Thread(target=load, args=(name,)) for name in range(2)]
    for thread in threads:
        thread.start()
    gaps = []
    for _ in range(3):
        time.sleep(0.3)
        before = pid_of(engine)
        os.kill(before, signal.SIGKILL)
        gaps.append(until(lambda: engine.pid not in (None, before)))  # noqa: B023
    time.sleep(0.3)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert seen["value"] > 0
    assert max(gaps) < 1
    assert engine.restarts == 3
    assert values(ask(engine, {"n": 1})) == [{"n": 1}]


def test_an_idle_child_that_is_killed_is_replaced_before_anyone_asks(
    made: Callable[..., ManagedOpa],
) -> None:
    engine = made()
    before = pid_of(engine)
    os.kill(before, signal.SIGKILL)
    assert until(lambda: engine.pid not in (None, before)) < 1
    assert engine.restarts == 1
    assert values(ask(engine, {"n": 1})) == [{"n": 1}]


def test_a_batch_that_meets_a_restart_waits_for_it_and_is_answered(
    made: Callable[..., ManagedOpa],
) -> None:
    engine = made(restart_wait_seconds=5.0)
    os.kill(pid_of(engine), signal.SIGKILL)
    until(lambda: not engine.ready())
    assert values(ask(engine, {"n": 1})) == [{"n": 1}]


def test_an_evaluation_that_cannot_be_stopped_is_ended_at_twice_its_deadline_and_only_it_fails(
    made: Callable[..., ManagedOpa],
) -> None:
    engine = made(STUCK, evaluation_ms=250)
    before = pid_of(engine)
    began = time.monotonic()
    answers = ask(engine, QUICK, STUCK_FOR_LONG, QUICK, STUCK_FOR_LONG, QUICK, QUICK)
    took = time.monotonic() - began
    stuck = "policy_timeout"
    assert codes(answers) == ["value", stuck, "value", stuck, "value", "value"]
    assert values(answers[::2][:1] + answers[4:]) == [3, 3, 3]
    assert 0.5 <= took < 1.5
    assert until(lambda: engine.pid not in (None, before)) < 1
    assert not runs(before)
    assert engine.restarts == 1
    assert values(ask(engine, QUICK)) == [3]


def test_a_child_that_falls_silent_is_killed_at_twice_the_deadline_however_large_the_batch(
    made: Callable[..., ManagedOpa],
) -> None:
    engine = made(evaluation_ms=250)
    before = pid_of(engine)
    os.kill(before, signal.SIGSTOP)
    until(lambda: stands_still(before))
    began = time.monotonic()
    answers = ask(engine, *[{"n": n} for n in range(64)])
    took = time.monotonic() - began
    assert codes(answers) == ["policy_timeout"] * 64
    assert 0.5 <= took < 1.5
    assert until(lambda: engine.pid not in (None, before)) < 1
    assert not runs(before)


def test_a_batch_that_takes_longer_than_twice_one_deadline_is_waited_for(
    made: Callable[..., ManagedOpa],
) -> None:
    # Each evaluation stops at its deadline, so the batch takes several of them.
    engine = made(HUNGRY, evaluation_ms=50, workers=1)
    answers = ask(engine, *[{"n": 10**9}] * 6, {"n": 3})
    assert codes(answers) == ["policy_timeout"] * 6 + ["value"]
    assert engine.restarts == 0


def test_an_evaluation_that_takes_all_memory_takes_the_child_with_it_and_not_the_next_batch(
    made: Callable[..., ManagedOpa], caplog: pytest.LogCaptureFixture
) -> None:
    engine = made(policy("value := bits.lsh(1, input.n)"), memory_bytes=256 * MEBIBYTE)
    before = pid_of(engine)
    assert codes(ask(engine, {"n": 2}, {"n": 40_000_000_000}))[1] == "policy_error"
    assert until(lambda: engine.pid not in (None, before)) < 1
    assert values(ask(engine, {"n": 2})) == [4]
    # What Go says when it dies is long; its first lines are what an operator needs.
    said = [r.getMessage() for r in caplog.records if f"pdp-opa (pid {before})" in r.getMessage()]
    assert 1 <= len(said) <= 3
    assert "out of memory" in said[0]


def test_a_policy_that_takes_all_memory_is_refused_and_the_last_good_one_never_noticed(
    made: Callable[..., ManagedOpa],
) -> None:
    engine = made(memory_bytes=256 * MEBIBYTE)
    before = engine.pid
    huge = policy("value := 1", data={"names": [f"name {n}" * 3 for n in range(1_500_000)]})
    with pytest.raises(PolicyRefused, match="256 MiB of memory"):
        engine.load(huge)
    assert (engine.pid, engine.restarts) == (before, 0)
    assert values(ask(engine, {"n": 1})) == [{"n": 1}]


def test_a_policy_larger_than_a_frame_is_refused(made: Callable[..., ManagedOpa]) -> None:
    engine = made(input_bytes=1000, frame_elements=4, frame_bytes=2 * MEBIBYTE)
    with pytest.raises(PolicyRefused, match="at most 2097152 are loaded"):
        engine.load(policy("value := 1", data={"text": "x" * 3 * MEBIBYTE}))
    assert values(ask(engine, {"n": 1})) == [{"n": 1}]


def test_a_policy_with_data_that_is_not_json_is_refused(made: Callable[..., ManagedOpa]) -> None:
    engine = made()
    with pytest.raises(PolicyRefused, match="not JSON"):
        engine.load(policy("value := 1", data={"n": float("nan")}))
    with pytest.raises(PolicyRefused, match="not JSON"):
        engine.load(policy("value := 1", data={"s": "\ud800"}))
    with pytest.raises(PolicyRefused, match="more than 64 digits"):
        engine.load(policy("value := 1", data={"n": 10**65}))


def test_a_batch_larger_than_a_frame_is_answered_in_order(made: Callable[..., ManagedOpa]) -> None:
    engine = made(
        input_bytes=MEBIBYTE, frame_elements=4, frame_bytes=3 * MEBIBYTE, result_bytes=MEBIBYTE
    )
    inputs = [{"n": n, "pad": "x" * (900_000 if n % 3 == 0 else 10)} for n in range(20)]
    assert values(ask(engine, *inputs)) == inputs


def test_an_input_beyond_the_limit_is_a_fault_of_that_element_alone(
    made: Callable[..., ManagedOpa],
) -> None:
    engine = made(input_bytes=100)
    large = {"pad": "x" * 100}
    answers = ask(engine, large, {"n": 1}, large, large, {"n": 2}, large)
    error = "policy_error"
    assert codes(answers) == [error, "value", error, error, "value", error]
    assert values([answers[1], answers[4]]) == [{"n": 1}, {"n": 2}]
    assert engine.restarts == 0


def test_signals_for_the_whole_group_do_not_end_the_child(made: Callable[..., ManagedOpa]) -> None:
    engine = made()
    before = pid_of(engine)
    assert os.getpgid(before) != os.getpgid(0)
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(before, name)
    assert values(ask(engine, {"n": 1})) == [{"n": 1}]
    assert (engine.pid, engine.restarts) == (before, 0)


def test_the_child_has_the_limits_it_was_given_and_nothing_of_the_environment(
    made: Callable[..., ManagedOpa], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_PDP", "hunter2")
    process = Path("/proc", str(pid_of(made(memory_bytes=256 * MEBIBYTE))))
    if not process.is_dir():
        pytest.skip("no /proc on this system")
    limits = (process / "limits").read_text()
    rows = {row[:25].strip(): row[26:].split() for row in limits.splitlines()}
    soft, hard = map(int, rows["Max address space"][:2])
    in_use = int((process / "statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    assert soft == hard
    assert in_use < hard <= in_use + 256 * MEBIBYTE
    assert rows["Max core file size"][:2] == ["0", "0"]
    assert (process / "environ").read_bytes() == b""
    # Standard streams, the socket, and where Go looks up its share of the processors.
    open_files = {os.readlink(link) for link in (process / "fd").iterdir()}
    assert len([name for name in open_files if name.startswith("socket:")]) == 1
    files = {name for name in open_files if name.startswith("/")}
    assert {name for name in files if not name.startswith("/sys/fs/cgroup/")} == {"/dev/null"}


def test_closing_leaves_no_process(made: Callable[..., ManagedOpa]) -> None:
    engine = made()
    first = pid_of(engine)
    engine.load(ECHO)
    second = pid_of(engine)
    assert not runs(first)
    engine.close()
    assert not runs(second)
    assert engine.pid is None
    assert engine.restarts == 0


def test_closing_ends_a_batch_that_is_on_its_way(made: Callable[..., ManagedOpa]) -> None:
    engine = made(evaluation_ms=20_000)
    os.kill(pid_of(engine), signal.SIGSTOP)
    answers: list[Evaluation | EngineFault] = []
    caller = threading.Thread(target=lambda: answers.extend(ask(engine, {"n": 1})))
    caller.start()
    time.sleep(0.1)
    began = time.monotonic()
    engine.close()
    caller.join()
    assert time.monotonic() - began < 2
    assert codes(answers) == ["policy_error"]


def test_nothing_is_loaded_once_the_engine_is_closed(made: Callable[..., ManagedOpa]) -> None:
    engine = made()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.load(ECHO)


ORPHAN = """
import sys, time
from pdp.engine.binary import find_opa
from pdp.engine.managed import ManagedOpa
from pdp.ports import PolicySource
engine = ManagedOpa(find_opa())
engine.load(PolicySource("r", {"a.rego": "package a\\nx := 1"}, {}, ("a/x",)))
print(engine.pid, flush=True)
time.sleep(60)
"""


def test_a_child_whose_pdp_was_killed_ends_by_itself(root: Path) -> None:
    command = [sys.executable, "-c", ORPHAN]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as pdp:
        assert pdp.stdout is not None
        child = int(pdp.stdout.readline())
        assert runs(child)
        pdp.kill()
        pdp.wait()
    assert until(lambda: not runs(child)) < 5


def test_a_policy_that_is_loaded_while_batches_run_changes_none_of_them(
    made: Callable[..., ManagedOpa],
) -> None:
    engine = made(policy("value := 0"))
    stop = threading.Event()
    seen: list[object] = []

    def load() -> None:
        while not stop.is_set():
            batch = values(ask(engine, *[{}] * 8))
            seen.append(batch[0])
            if len(set(map(str, batch))) != 1:
                seen.append("torn")

    caller = threading.Thread(target=load)
    caller.start()
    for revision in range(1, 6):
        engine.load(policy(f"value := {revision}", revision=str(revision)))
        with pytest.raises(PolicyRefused):
            engine.load(policy("value := nowhere(1)", revision="bad"))
    until(lambda: seen[-1:] == [5])
    stop.set()
    caller.join()
    assert "torn" not in seen
    assert seen == sorted(seen, key=str)
    assert engine.restarts == 0


def test_children_that_die_one_after_the_other_are_not_started_ever_faster(
    made: Callable[..., ManagedOpa],
) -> None:
    engine = made(restart_wait_seconds=0.0)
    until_killed = time.monotonic() + 2.0
    while time.monotonic() < until_killed:
        pid = engine.pid
        if pid is not None:
            # It may be gone already: its end is noticed a moment after the kill.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)
    # The first few at once, then with growing pauses: 0.1 s, 0.2 s, 0.4 s, 0.8 s ...
    assert 3 <= engine.restarts <= 10
    assert codes(ask(engine, {})) in (["policy_error"], ["value"])
    until(engine.ready)
    assert values(ask(engine, {"n": 1})) == [{"n": 1}]


# A binary that starts well and then answers as told. It is no engine: it stands for one that has
# gone wrong in a way the real one does not let itself be brought to.
LIAR = """#!{python}
import json, os, socket, struct, sys
sys.path.insert(0, {root!r})
from pdp.engine.frames import encode_frame, receive
fd = next(int(a[5:]) for a in sys.argv if a.startswith("--fd="))
peer = socket.socket(fileno=fd)
while True:
    header, elements = receive(peer, 2**31, 1 << 30)
    op, id = header["op"], header["id"]
    good = b'{{"result":1,"us":1}}'
    if op == "load":
        reply = {{"op": "load", "id": id, "ok": True, "workers": 2}}
        peer.sendall(encode_frame(json.dumps(reply).encode(), [b'{{"rules":[]}}']))
        continue
    reply = {{"op": "evaluate", "id": id}}
    answers = [good] * len(elements)
    {lie}
    peer.sendall(encode_frame(json.dumps(reply).encode(), answers))
"""

LIES = {
    "another question's answer": "reply['id'] = id - 1",
    "another kind of answer": "reply['op'] = 'load'",
    "too few answers": "answers.pop()",
    "too many answers": "answers.append(good)",
    "one answer that is not JSON": "answers[0] = b'{'",
    "one answer with neither result nor error": "answers[0] = b'{}'",
    "a frame that is too large": "peer.sendall(b'\\xff' * 4)",
    "no frame at all": "peer.sendall(b'\\0\\0\\0\\2{}')",
    "an end in the middle of it": "peer.sendall(b'\\0\\0'); sys.exit()",
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_an_answer_that_is_not_well_formed_is_a_fault_and_the_child_is_replaced(
    root: Path, tmp_path: Path, lie: str
) -> None:
    binary = tmp_path / "liar"
    binary.write_text(LIAR.format(python=sys.executable, root=str(root), lie=lie))
    binary.chmod(0o700)
    engine = ManagedOpa(binary, limits=OpaLimits(evaluation_ms=5000))
    try:
        engine.load(ECHO)
        before = engine.pid
        assert codes(ask(engine, {}, {})) == ["policy_error"] * 2
        until(lambda: engine.pid not in (None, before))
        assert engine.restarts == 1
    finally:
        engine.close()


def test_a_binary_that_cannot_be_started_is_an_engine_error(tmp_path: Path) -> None:
    engine = ManagedOpa(tmp_path / "nowhere")
    with pytest.raises(EngineError, match="cannot be started"):
        engine.load(ECHO)
    assert not engine.ready()
    engine.close()


def test_a_binary_that_ends_at_once_refuses_the_policy(tmp_path: Path) -> None:
    binary = tmp_path / "short"
    binary.write_text("#!/bin/sh\nexit 0\n")
    binary.chmod(0o700)
    engine = ManagedOpa(binary)
    with pytest.raises(PolicyRefused, match="engine failed"):
        engine.load(ECHO)
    engine.close()
