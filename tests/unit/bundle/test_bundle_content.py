"""What the files of one bundle are taken for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdp.bundle_content import BundleContent, read_content
from pdp.bundle_files import BundleRefused
from tests.unit.bundle.making import ACME, archive, folder


def read(tmp_path: Path, **files: str | bytes) -> BundleContent:
    named = {name.replace("__", "/").replace("_DOT_", "."): text for name, text in files.items()}
    return read_content(folder(tmp_path / "made", {**ACME, **named}))


def refusal(tmp_path: Path, files: dict[str, str | bytes]) -> str:
    with pytest.raises(BundleRefused) as refused:
        read_content(folder(tmp_path / "made", {**ACME, **files}))
    return str(refused.value)


def test_a_bundle_is_modules_data_settings_and_catalogues(tmp_path: Path) -> None:
    files = {
        **ACME,
        "acme/rules/hours/hours_test.rego": "package acme.rules.hours_test",
        "acme/lib/made_up.rego": "package acme.lib.made_test",
        "acme/zones/data.json": '{"utc": 0}',
        "settings.yaml": "rules: {}",
        "catalogue/mail.yaml": "version: 1\ntools: []\n",
        "README.md": "read me",
    }
    made = folder(tmp_path / "made", files)
    content = read_content(made)
    assert content.root == "acme"
    assert list(content.modules) == [f"{made}/acme/rules/hours/hours.rego"]
    assert set(content.tests) == {
        f"{made}/acme/rules/hours/hours_test.rego",
        f"{made}/acme/lib/made_up.rego",
    }
    acme = content.data["acme"]
    assert isinstance(acme, dict)
    assert acme["zones"] == {"utc": 0}
    assert acme["parameters"] == {
        "hours": {"first": 8, "days": ["mon"], "strict": True, "note": "text"}
    }
    assert content.settings == {"rules": {}}
    assert content.catalogues == ((f"{made}/catalogue/mail.yaml", "version: 1\ntools: []\n"),)
    assert [name for name, _ in content.files] == [
        ".manifest",
        "acme/data.yaml",
        "acme/rules/hours/hours.rego",
        "acme/zones/data.json",
        "catalogue/mail.yaml",
        "settings.yaml",
    ]


def test_a_catalogue_is_never_policy_data(tmp_path: Path) -> None:
    content = read_content(folder(tmp_path / "made", {**ACME, "catalogue/data.yaml": "acme: {}"}))
    assert [text for _, text in content.catalogues] == ["acme: {}"]


@pytest.mark.parametrize(
    "manifest",
    [
        "[]",
        "{}",
        '{"roots": []}',
        '{"roots": [""]}',
        '{"roots": ["acme", "pdp"]}',
        '{"roots": ["acme/rules"]}',
        '{"roots": ["system"]}',
        '{"roots": ["input"]}',
        '{"roots": ["Acme"]}',
        '{"roots": ["acme\\n"]}',
        '{"roots": "acme"}',
        '{"roots": ["acme"], "rego_version": 0}',
        '{"roots": ["acme"], "wasm": []}',
        '{"roots": ["acme"], "roots": ["pdp"]}',
        "{",
        b"\xff",
    ],
)
def test_a_manifest_that_claims_anything_but_one_root_is_refused(
    tmp_path: Path, manifest: str | bytes
) -> None:
    assert ".manifest" in refusal(tmp_path, {".manifest": manifest})


def test_a_bundle_without_a_manifest_is_refused(tmp_path: Path) -> None:
    made = folder(tmp_path / "made", {"acme/rule.rego": "package acme"})
    with pytest.raises(BundleRefused, match="is missing"):
        read_content(made)


@pytest.mark.parametrize(
    "text",
    [
        "package pdp.main",
        "package pdp",
        "package acme2.rules",
        "# package acme\npackage pdp.main",
        "#\rpackage acme\npackage pdp.main",
        'package pdp["main"]',
        'package ["acme"]',
        "package acme import data.x",
        "package\nacme",
        "import data.x\npackage acme",
        "\ufeffpackage acme",
        "packageacme",
        "package acme.",
        "package \u0430cme",
        "",
        "{}",
        b"package acme\xff",
    ],
)
def test_a_module_outside_the_root_or_without_a_plain_package_is_refused(
    tmp_path: Path, text: str | bytes
) -> None:
    assert "acme/other.rego" in refusal(tmp_path, {"acme/other.rego": text})


@pytest.mark.parametrize(
    "text",
    [
        "package acme",
        "\n\n# package pdp\n\t package acme.rules.hours # with a comment\n",
        "package acme.a_1.B\r\nimport data.pdp.lib.result\n",
    ],
)
def test_a_plain_package_inside_the_root_is_taken(tmp_path: Path, text: str) -> None:
    content = read_content(folder(tmp_path / "made", {**ACME, "acme/other.rego": text}))
    assert content.modules[f"{tmp_path}/made/acme/other.rego"] == text


@given(text=st.text(alphabet="package cme#.\n\r[]\"'", max_size=200))
def test_finding_the_package_takes_no_time_whatever_the_text(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    made = folder(tmp_path_factory.mktemp("any"), {**ACME, "acme/other.rego": "#" * 10**5 + text})
    with pytest.raises(BundleRefused):
        read_content(made)


def test_data_outside_the_root_is_refused(tmp_path: Path) -> None:
    assert "'pdp' is outside" in refusal(tmp_path, {"data.json": '{"pdp": {"manifest": {}}}'})
    other = tmp_path / "other"
    assert "'other' is outside" in refusal(other, {"other/data.json": "{}"})


def test_data_files_join_and_may_not_contradict(tmp_path: Path) -> None:
    joined = {"data.json": '{"acme": {"parameters": {"more": 1}}}'}
    content = read_content(folder(tmp_path / "made", {**ACME, **joined}))
    acme = content.data["acme"]
    assert isinstance(acme, dict)
    assert isinstance(acme["parameters"], dict)
    assert set(acme["parameters"]) == {"hours", "more"}
    clash: dict[str, str | bytes] = {
        "data.json": '{"acme": {"parameters": {"hours": {"first": 9}}}}'
    }
    assert "'first' is in another data file too" in refusal(tmp_path, clash)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("acme/x/data.json", '{"a": 1, "a": 2}', "a"),
        ("acme/x/data.json", '{"a": 1e99999999}', "exponent"),
        ("acme/x/data.json", '{"a": NaN}', "acme/x/data.json"),
        ("acme/x/data.json", "[" * 100_000, "acme/x/data.json"),
        ("acme/x/data.json", "[1]", "must hold an object"),
        ("acme/x/data.yaml", "a: 1\na: 2", "the key 'a' appears twice"),
        ("acme/x/data.yaml", "a: &x [1]\nb: *x", "anchors and aliases"),
        ("acme/x/data.yaml", "a: !!python/name:os.system", "the tag"),
        ("acme/x/data.yaml", "[" * 100_000, "nested deeper"),
        ("acme/x/data.yaml", "- 1", "must hold an object"),
        ("acme/x/data.yaml", 'a: "\\ud800"', "invalid Unicode"),
        ("acme/x/data.yaml", "a: 1\n---\nb: 2", "document"),
        ("acme/x/data.yaml", "a: 1e999", "outside the range"),
        ("settings.yaml", "rules: [", "settings.yaml: line"),
    ],
)
def test_data_that_is_not_strictly_what_it_says_is_refused(
    tmp_path: Path, name: str, text: str, problem: str
) -> None:
    message = refusal(tmp_path, {name: text})
    assert name in message
    assert problem in message


def test_yaml_holds_what_it_looks_like(tmp_path: Path) -> None:
    text = "mode: off\ncountry: no\ntime: 1:30\nday: 2024-01-01\nhex: 0x1f\ncount: 3\nnone: null\n"
    content = read_content(folder(tmp_path / "made", {**ACME, "acme/x/data.yaml": text}))
    acme = content.data["acme"]
    assert isinstance(acme, dict)
    assert acme["x"] == {
        "mode": "off",
        "country": "no",
        "time": "1:30",
        "day": "2024-01-01",
        "hex": "0x1f",
        "count": 3,
        "none": None,
    }


def test_an_archive_names_itself_in_what_is_wrong_with_it(tmp_path: Path) -> None:
    packed = archive(tmp_path / "acme.tar.gz", *{**ACME, "acme/o.rego": "package pdp"}.items())
    with pytest.raises(BundleRefused, match=r"acme\.tar\.gz/acme/o\.rego"):
        read_content(packed)
