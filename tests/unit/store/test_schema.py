"""Which files are stores of this program, and which version they are of."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from pdp.ports import SchemaTooNew, StoreError
from pdp.store import schema
from pdp.store.reader import open_reader
from pdp.store.sqlite import open_store
from tests.conformance.changes import History


def change(data: Path, statement: str) -> None:
    connection = sqlite3.connect(data / "pdp.db")
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    store = open_store(tmp_path / "data")
    History().step(store, "t1")
    store.close()
    return tmp_path / "data"


@pytest.mark.parametrize("opened", [open_store, open_reader])
def test_a_store_of_a_newer_version_is_left_alone(data: Path, opened: object) -> None:
    change(data, f"PRAGMA user_version = {schema.VERSION + 1}")
    with pytest.raises(SchemaTooNew) as refused:
        opened(data)  # type: ignore[operator]
    said = str(refused.value)
    assert f"schema version {schema.VERSION + 1}" in said
    assert f"up to {schema.VERSION}" in said
    assert "start the newer version" in said


def test_a_store_of_an_older_version_is_migrated_at_opening(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE leaf ADD COLUMN colour TEXT")

    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    monkeypatch.setattr("pdp.store.reader.VERSION", schema.VERSION)
    monkeypatch.setattr(schema, "_STEPS", {schema.VERSION - 1: rename})
    with pytest.raises(StoreError, match="start the service once"):
        open_reader(data)
    open_store(data).close()
    store = open_store(data)
    assert store.log_state().size == 1
    store.close()
    with open_reader(data) as reader, reader.at_one_moment() as connection:
        assert connection.execute("SELECT colour FROM leaf").fetchall() == [(None,)]
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)


def test_a_migration_that_fails_changes_nothing(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM leaf")
        connection.execute("no SQL at all")

    with monkeypatch.context() as patched:
        patched.setattr(schema, "VERSION", schema.VERSION + 1)
        patched.setattr(schema, "_STEPS", {schema.VERSION - 1: fails})
        with pytest.raises(StoreError, match="cannot be opened"):
            open_store(data)
    store = open_store(data)
    assert len(store.leaves(0, 9)) == 1
    store.close()


@pytest.mark.parametrize("opened", [open_store, open_reader])
def test_another_programs_database_is_refused(tmp_path: Path, opened: object) -> None:
    (tmp_path / "data").mkdir()
    change(tmp_path / "data", "CREATE TABLE leaf (colour TEXT)")
    with pytest.raises(StoreError, match="not a store of this program"):
        opened(tmp_path / "data")  # type: ignore[operator]
