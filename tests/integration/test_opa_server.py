"""The engine over a real OPA server: which policy decides there, who it is, and when it is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pdp.engine.binary import find_opa
from pdp.engine.limits import OpaLimits
from pdp.engine.opa_server import NotServed, OpaServer
from pdp.engine.server_bundle import encode_bundle
from pdp.engine.server_url import parse_server_url
from pdp.ports import EngineError, EngineFault, Evaluation, PolicyRefused, PolicySource, RuleInfo
from tests.certificates import write_certificates
from tests.opa_server import RunningOpa

RULES = [RuleInfo("probe/value", False, {})]
SOURCE = PolicySource(
    "r1", {"probe.rego": "package probe\n\nvalue := input.n\n"}, {}, ("probe/value",)
)
SLOW = replace(
    SOURCE,
    modules={
        "probe.rego": "package probe\n\nvalue := count([1 | some i in numbers.range(1, input.n); "
        "some j in numbers.range(1, 9000)])\n"
    },
)
# What docs/opa-server.md says a token must be good for, and nothing else.
ONLY_WHAT_IS_NEEDED = """package system.authz

default allow := false

allow if {
	input.identity == "right"
	needed
}

needed if {
	input.method == "GET"
	input.path in [["v1", "policies"], ["v1", "data", "system", "bundles"]]
}

needed if {
	input.method == "POST"
	input.path == ["v1", "data", "probe", "value"]
}
"""

Serve = Callable[..., RunningOpa]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    running: list[RunningOpa] = []

    def start(source: PolicySource = SOURCE, **options: object) -> RunningOpa:
        bundle = tmp_path / f"bundle-{len(running)}.tar.gz"
        bundle.write_bytes(encode_bundle(source, RULES))
        running.append(RunningOpa(bundle, **options))  # type: ignore[arg-type]
        return running[-1]

    yield start
    for server in running:
        server.resume()
        server.kill()


def engine_of(
    url: str,
    *,
    evaluation_ms: int = 2000,
    ca: Path | None = None,
    token_file: Path | None = None,
) -> closing[OpaServer]:
    limits = OpaLimits(evaluation_ms=evaluation_ms)
    server = parse_server_url(url)
    return closing(OpaServer(server, find_opa(), limits=limits, ca=ca, token_file=token_file))


def one(engine: OpaServer, document: bytes = b'{"n":1}') -> Evaluation | EngineFault:
    [answer] = engine.evaluate_many("probe/value", [document])
    return answer


def decides(engine: OpaServer) -> bool:
    return isinstance(one(engine), Evaluation)


def fault_of(engine: OpaServer, document: bytes = b'{"n":1}') -> EngineFault:
    answer = one(engine, document)
    assert isinstance(answer, EngineFault)
    return answer


def eventually(what: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"did not come true within {seconds} s"
        time.sleep(0.02)


def test_a_server_with_another_revision_is_not_asked_to_decide(serve: Serve) -> None:
    server = serve(replace(SOURCE, revision="r0"))
    with engine_of(server.url) as engine:
        with pytest.raises(NotServed, match=r"revision r0, and not r1.*pdp policy bundle"):
            engine.load(SOURCE)
        assert not engine.ready()
        assert fault_of(engine).code == "policy_error"


def test_a_server_with_other_rules_under_the_same_revision_is_not_asked_to_decide(
    serve: Serve,
) -> None:
    other = {"probe.rego": "package probe\n\nvalue := true\n"}
    with engine_of(serve(replace(SOURCE, modules=other)).url) as engine:
        with pytest.raises(NotServed, match=r"it lacks probe\.rego and it has .*probe-"):
            engine.load(SOURCE)
        assert not engine.ready()


def test_a_server_with_a_rule_more_below_the_same_roots_is_not_asked_to_decide(
    serve: Serve,
) -> None:
    more = {**SOURCE.modules, "more.rego": "package probe.more\n\nx := 1\n"}
    with (
        engine_of(serve(replace(SOURCE, modules=more)).url) as engine,
        pytest.raises(NotServed, match=r"it has .*more-.*\.rego besides"),
    ):
        engine.load(SOURCE)


def test_what_policy_may_not_use_is_refused_even_where_the_server_would_run_it(
    serve: Serve,
) -> None:
    clock = {"probe.rego": "package probe\n\nvalue := time.now_ns()\n"}
    source = replace(SOURCE, modules=clock)
    with (
        engine_of(serve(source).url) as engine,
        pytest.raises(PolicyRefused, match="is not available to policy"),
    ):
        engine.load(source)


def test_the_server_is_not_written_to_by_load_evaluations_and_looks(serve: Serve) -> None:
    server = serve()
    before = server.get("/v1/policies"), server.get("/v1/data/system")
    with engine_of(server.url) as engine:
        engine.load(SOURCE)
        assert decides(engine)
        time.sleep(1.5)
        assert engine.ready()
    assert (server.get("/v1/policies"), server.get("/v1/data/system")) == before


def test_a_server_that_is_not_there_is_named_with_what_to_do(serve: Serve) -> None:
    server = serve()
    server.kill()
    with (
        engine_of(server.url) as engine,
        pytest.raises(EngineError, match=rf"{server.port} cannot be asked: .*--opa-url"),
    ):
        engine.load(SOURCE)


def test_a_policy_that_changes_on_the_server_decides_nothing(serve: Serve) -> None:
    server = serve()
    with engine_of(server.url) as engine:
        engine.load(SOURCE)
        assert decides(engine)
        other = replace(SOURCE, revision="r2", modules={"a.rego": "package probe\n\nvalue := 9\n"})
        server.publish(encode_bundle(other, RULES))
        answers = []
        end = time.monotonic() + 10
        while engine.ready() and time.monotonic() < end:
            answers.append(one(engine))
        assert not engine.ready()
        assert "revision r2" in fault_of(engine).message
        # Until then each answer is of the revision in force, or none.
        assert {a.value for a in answers if isinstance(a, Evaluation)} <= {1}
        server.publish(encode_bundle(SOURCE, RULES))
        eventually(engine.ready)
        assert decides(engine)


def test_a_server_that_changed_is_put_in_force_by_loading_what_it_serves(serve: Serve) -> None:
    server = serve()
    with engine_of(server.url) as engine:
        engine.load(SOURCE)
        other = replace(SOURCE, revision="r2", modules={"a.rego": "package probe\n\nvalue := 9\n"})
        with pytest.raises(NotServed):
            engine.load(other)
        assert decides(engine)
        server.publish(encode_bundle(other, RULES))
        eventually(lambda: not decides(engine))
        engine.load(other)
        assert engine.ready()
        answer = one(engine)
        assert isinstance(answer, Evaluation)
        assert answer.value == 9


def test_a_killed_server_gives_policy_errors_until_it_is_back(serve: Serve) -> None:
    server = serve()
    with engine_of(server.url) as engine:
        engine.load(SOURCE)
        assert decides(engine)
        server.kill()
        began = time.monotonic()
        assert fault_of(engine).code == "policy_error"
        assert time.monotonic() - began < 1
        eventually(lambda: not engine.ready())
        server.restart()
        eventually(engine.ready)
        assert decides(engine)


def test_a_server_that_hangs_gives_timeouts_in_time_and_then_costs_no_more_time(
    serve: Serve,
) -> None:
    server = serve()
    with engine_of(server.url, evaluation_ms=200) as engine:
        engine.load(SOURCE)
        assert decides(engine)
        server.pause()
        began = time.monotonic()
        answers = engine.evaluate_many("probe/value", [b'{"n":1}'] * 8)
        assert time.monotonic() - began < 1
        assert {a.code for a in answers if isinstance(a, EngineFault)} == {"policy_timeout"}
        assert len(answers) == 8
        eventually(lambda: not engine.ready())
        began = time.monotonic()
        assert fault_of(engine).code == "policy_error"
        assert time.monotonic() - began < 0.1
        server.resume()
        eventually(engine.ready)
        assert decides(engine)


def test_an_evaluation_past_its_deadline_stops_on_the_server_too(serve: Serve) -> None:
    server = serve(SLOW)
    with engine_of(server.url, evaluation_ms=300) as engine:
        engine.load(SLOW)
        assert fault_of(engine, b'{"n":1000000}').code == "policy_timeout"
        eventually(lambda: server.cpu_seconds_within(0.3) < 0.1)
        # One slow call is no reason to doubt the server.
        assert engine.ready()


def test_a_close_ends_the_evaluations_that_are_waited_for(serve: Serve) -> None:
    server = serve()
    engine = OpaServer(
        parse_server_url(server.url), find_opa(), limits=OpaLimits(evaluation_ms=20_000)
    )
    engine.load(SOURCE)
    server.pause()
    answers: list[object] = []
    waiting = threading.Thread(target=lambda: answers.append(one(engine)))
    waiting.start()
    time.sleep(0.2)
    began = time.monotonic()
    engine.close()
    waiting.join()
    assert time.monotonic() - began < 2
    [answer] = answers
    assert isinstance(answer, EngineFault)
    with pytest.raises(EngineError, match="closed"):
        engine.load(SOURCE)


def test_a_server_on_a_unix_socket_decides(serve: Serve, tmp_path: Path) -> None:
    serve(address=f"unix://{tmp_path}/opa.sock")
    eventually((tmp_path / "opa.sock").exists)
    with engine_of(f"unix:{tmp_path}/opa.sock") as engine:
        engine.load(SOURCE)
        assert decides(engine)


def test_certificate_host_name_and_token_are_verified_and_a_new_token_is_read(
    serve: Serve, tmp_path: Path
) -> None:
    ours = write_certificates(tmp_path / "ours", "localhost")
    theirs = write_certificates(tmp_path / "theirs", "localhost")
    authz = tmp_path / "authz.tar.gz"
    source = PolicySource("authz", {"authz.rego": ONLY_WHAT_IS_NEEDED}, {}, ())
    authz.write_bytes(encode_bundle(source, [RuleInfo("system/authz/allow", False, {})]))
    server = serve(
        extra=(
            f"--tls-cert-file={ours.certificate}",
            f"--tls-private-key-file={ours.key}",
            "--authentication=token",
            "--authorization=basic",
        ),
        further=(authz,),
    )
    token = tmp_path / "token"
    token.write_text("right\n")
    named, numbered = f"https://localhost:{server.port}", f"https://127.0.0.1:{server.port}"

    with engine_of(named, ca=ours.ca, token_file=token) as engine:
        engine.load(SOURCE)
        assert decides(engine)
        token.write_text("wrong\n")
        eventually(lambda: not engine.ready())
        assert "401" in fault_of(engine).message
        token.write_text("right\n")
        eventually(engine.ready)
        assert decides(engine)

    for url, ca, file, told in (
        (named, theirs.ca, token, "certificate verify failed"),
        (named, None, token, "certificate verify failed"),
        (numbered, ours.ca, token, "IP address mismatch"),
        (named, ours.ca, None, "wants another token"),
    ):
        with (
            engine_of(url, ca=ca, token_file=file) as engine,
            pytest.raises(EngineError, match=told),
        ):
            engine.load(SOURCE)


@pytest.mark.parametrize("content", ["", "two words", "a\nb", "naïve", "a" * 20_000])
def test_a_file_that_holds_no_token_is_refused(tmp_path: Path, content: str) -> None:
    token = tmp_path / "token"
    token.write_text(content)
    with pytest.raises(EngineError, match="holds no bearer token") as refused:
        OpaServer(parse_server_url("http://127.0.0.1:1"), find_opa(), token_file=token)
    assert "words" not in str(refused.value)


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    url = parse_server_url("https://127.0.0.1:1")
    with pytest.raises(EngineError, match="nowhere: cannot be read"):
        OpaServer(url, find_opa(), token_file=tmp_path / "nowhere")
    with pytest.raises(EngineError, match="nowhere: holds no certificates"):
        OpaServer(url, find_opa(), ca=tmp_path / "nowhere")
