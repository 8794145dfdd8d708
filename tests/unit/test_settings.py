"""Settings: where values come from, which one wins, and what is said of those that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdp.engine.limits import LEAST_MEMORY_BYTES, MEBIBYTE, MOST_EVALUATION_MS, OpaLimits
from pdp.identity.address import TcpAddress, UnixAddress
from pdp.pipeline import BATCH_CALLS, QUEUE_CALLS
from pdp.settings import FILE_BYTES, Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PDP_{name.upper()}", raising=False)


def refusal_of(given: dict[str, object] | None = None, file: Path | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(given, file)
    return str(caught.value)


def written(folder: Path, text: str) -> Path:
    file = folder / "pdp.toml"
    file.write_text(text)
    return file


def test_without_anything_given_it_serves_on_a_socket_in_the_data_folder() -> None:
    settings = load_settings()
    assert settings.data == Path("pdp-data")
    assert settings.listen == (UnixAddress("pdp-data/pdp.sock"),)
    assert settings.dev is False
    assert settings.metrics is None


def test_the_socket_moves_with_the_data_folder() -> None:
    assert load_settings({"data": "/var/lib/pdp"}).listen == (UnixAddress("/var/lib/pdp/pdp.sock"),)


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, "queue_calls = 100\nevaluation_deadline_ms = 20\ndrain_grace_s = 1\n")
    monkeypatch.setenv("PDP_QUEUE_CALLS", "200")
    monkeypatch.setenv("PDP_EVALUATION_DEADLINE_MS", "30")
    settings = load_settings({"queue_calls": 300}, file)
    found = settings.queue_calls, settings.evaluation_deadline_ms, settings.drain_grace_s
    assert found == (300, 30, 1.0)


def test_a_list_in_the_environment_has_commas_between_its_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PDP_LISTEN", "unix:/run/pdp.sock, [::1]:8443")
    monkeypatch.setenv("PDP_CATALOGUES", "mail.yaml,files.yaml")
    settings = load_settings()
    assert settings.listen == (UnixAddress("/run/pdp.sock"), TcpAddress("::1", 8443))
    assert settings.catalogues == (Path("mail.yaml"), Path("files.yaml"))


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PDP_METRICS", "")
    assert load_settings().metrics is None


def test_variables_that_orchestrators_inject_are_no_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Kubernetes sets these for a service named `pdp`.
    monkeypatch.setenv("PDP_PORT", "tcp://10.0.0.1:8443")
    monkeypatch.setenv("PDP_PORT_8443_TCP_ADDR", "10.0.0.1")
    monkeypatch.setenv("PDP_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("PDP_SERVICE_PORT_GRPC", "8443")
    assert load_settings() == load_settings()


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("PDP_BUNDLE", "PDP_BUNDLES"),
        ("PDP_CATALOGUE", "PDP_CATALOGUES"),
        ("PDP_CATALOGS", "PDP_CATALOGUES"),
        ("PDP_LISTENS", "PDP_LISTEN"),
        ("pdp_bundle", "PDP_BUNDLES"),
    ],
)
def test_a_variable_that_is_nearly_a_setting_is_refused_with_the_name_that_was_meant(
    monkeypatch: pytest.MonkeyPatch, variable: str, meant: str
) -> None:
    monkeypatch.setenv(variable, "acme")
    with pytest.raises(SettingsError, match=rf"^{variable}: .*did you mean {meant}\?$"):
        load_settings()


def test_relative_paths_in_the_file_mean_its_own_folder(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        'data = "state"\ncatalogues = ["a.yaml", "/etc/b.yaml"]\nlisten = ["unix:s", "[::1]:0"]\n',
    )
    settings = load_settings(file=file)
    assert settings.data == tmp_path / "state"
    assert settings.catalogues == (tmp_path / "a.yaml", Path("/etc/b.yaml"))
    assert settings.listen == (UnixAddress(f"{tmp_path}/s"), TcpAddress("::1", 0))


def test_a_misspelt_setting_in_the_file_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    said = refusal_of(file=written(tmp_path, "catalogue = []\n"))
    assert said.endswith("pdp.toml: there is no setting 'catalogue'; did you mean 'catalogues'?")


@pytest.mark.parametrize(
    ("text", "problem"),
    [("dev = ", "not TOML"), ('log_level = "loud"', "pdp.toml: log_level: input should be")],
)
def test_a_file_that_cannot_be_used_is_named_with_its_problem(
    tmp_path: Path, text: str, problem: str
) -> None:
    assert problem in refusal_of(file=written(tmp_path, text))


def test_a_missing_or_oversized_file_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal_of(file=tmp_path / "none.toml")
    assert "larger than" in refusal_of(file=written(tmp_path, "#" * (FILE_BYTES + 1)))


def test_a_value_that_cannot_be_used_is_told_where_it_was_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PDP_QUEUE_CALLS", "many")
    said = refusal_of({"bundles": 7, "log_format": "xml"}).splitlines()
    assert [line.partition(":")[0] for line in said] == [
        "--bundle",
        "--log-format",
        "PDP_QUEUE_CALLS",
    ]


def test_an_address_that_is_none_is_refused_in_the_words_of_addresses() -> None:
    assert refusal_of({"listen": ["pdp.sock"]}) == (
        "--listen: 'pdp.sock' is neither unix:PATH nor HOST:PORT"
    )


def test_a_data_folder_too_deep_for_its_socket_is_refused_as_such() -> None:
    said = refusal_of({"data": "/" + "x" * 100})
    assert said.startswith("--data: ")
    assert "sockets take 107" in said


def test_metrics_are_served_over_tcp_only() -> None:
    assert "takes HOST:PORT only" in refusal_of({"metrics": "unix:/run/metrics.sock"})


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("evaluation_deadline_ms", 10, 10_000),
        ("engine_memory_mib", 256, 65_536),
        ("queue_calls", 64, 65_536),
        ("drain_grace_s", 0, 600),
    ],
)
def test_limits_move_within_their_bounds_and_not_beyond(name: str, least: int, most: int) -> None:
    assert getattr(load_settings({name: least}), name) == least
    assert getattr(load_settings({name: most}), name) == most
    assert f"--{name.replace('_', '-')}: " in refusal_of({name: least - 1})
    assert f"--{name.replace('_', '-')}: " in refusal_of({name: most + 1})


def test_the_bounds_fit_what_the_parts_accept() -> None:
    least = load_settings({"engine_memory_mib": 256, "queue_calls": BATCH_CALLS})
    assert least.engine_memory_mib * MEBIBYTE == LEAST_MEMORY_BYTES
    assert load_settings({"evaluation_deadline_ms": 10_000}).evaluation_deadline_ms <= (
        MOST_EVALUATION_MS
    )
    defaults = load_settings()
    assert defaults.queue_calls == QUEUE_CALLS
    assert defaults.engine_memory_mib * MEBIBYTE == OpaLimits().memory_bytes


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_settings_do_not_change_once_loaded() -> None:
    settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.dev = True


def test_files_and_sockets_of_an_opa_server_are_beside_the_settings_file(tmp_path: Path) -> None:
    text = 'opa_url = "unix:opa.sock"\nopa_ca = "ca.pem"\nopa_token_file = "token"\n'
    settings = load_settings({}, written(tmp_path, text))
    assert settings.opa_url is not None
    assert settings.opa_url.socket == f"{tmp_path}/opa.sock"
    assert (settings.opa_ca, settings.opa_token_file) == (tmp_path / "ca.pem", tmp_path / "token")


def test_an_opa_server_that_nobody_should_ask_is_refused_by_the_flag_that_named_it() -> None:
    assert refusal_of({"opa_url": "http://opa.example"}).startswith("--opa-url: ")
    assert "--engine" in refusal_of({"engine": "opa_server"})
