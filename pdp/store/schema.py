"""The tables of a SQLite store, and how a store of an older version becomes one of this."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Final

from pdp.ports import SchemaTooNew, StoreError

VERSION: Final = 2

# Everything that grows by appending has an integer key, so that a batch touches few pages. What is
# looked up by a name and rewritten whole (task, rollup) is stored under the name itself.
#
# `request.key` is a digest of (caller, rpc, request_id): three long texts would make the one
# index with random inserts ten times larger.
#
# What is open or live is found by its end: nothing is written when an approval or grant expires, so
# those that are over stay among the others for ever, and are not to be walked through.
_TABLES: Final = """
CREATE TABLE meta (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  log_id TEXT NOT NULL,
  frontier BLOB NOT NULL,
  last_at_us INTEGER NOT NULL,
  commits INTEGER NOT NULL,
  fence INTEGER NOT NULL
) STRICT;
CREATE TABLE leaf (
  idx INTEGER PRIMARY KEY,
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  body BLOB NOT NULL,
  kind TEXT NOT NULL,
  task_id TEXT NOT NULL,
  sequence INTEGER NOT NULL
) STRICT;
CREATE INDEX leaf_of_task ON leaf (task_id, idx) WHERE task_id <> '';
CREATE TABLE task (
  id TEXT PRIMARY KEY,
  subject_type TEXT NOT NULL, subject_id TEXT NOT NULL, subject_issuer TEXT NOT NULL,
  principal_type TEXT NOT NULL, principal_id TEXT NOT NULL, principal_issuer TEXT NOT NULL,
  opened_by_type TEXT NOT NULL, opened_by_id TEXT NOT NULL, opened_by_issuer TEXT NOT NULL,
  properties TEXT NOT NULL,
  goal TEXT NOT NULL, globs TEXT NOT NULL, max_sensitivity INTEGER NOT NULL,
  phase INTEGER NOT NULL, state INTEGER NOT NULL,
  max_calls INTEGER NOT NULL, max_effects INTEGER NOT NULL,
  started_at_us INTEGER NOT NULL, expires_at_us INTEGER NOT NULL,
  registered INTEGER NOT NULL, parent_id TEXT NOT NULL,
  sequence INTEGER NOT NULL, last_leaf BLOB NOT NULL,
  calls INTEGER NOT NULL, effects INTEGER NOT NULL,
  denials INTEGER NOT NULL, escalations INTEGER NOT NULL,
  untrusted INTEGER NOT NULL, sensitivity INTEGER NOT NULL,
  minute INTEGER NOT NULL, minute_calls INTEGER NOT NULL, minute_effects INTEGER NOT NULL,
  reach INTEGER NOT NULL,
  hour INTEGER NOT NULL, hour_escalations INTEGER NOT NULL,
  hour_final INTEGER NOT NULL, hour_amount REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE rollup (
  key TEXT PRIMARY KEY,
  calls INTEGER NOT NULL, effects INTEGER NOT NULL,
  denials INTEGER NOT NULL, escalations INTEGER NOT NULL,
  untrusted INTEGER NOT NULL, sensitivity INTEGER NOT NULL,
  minute INTEGER NOT NULL, minute_calls INTEGER NOT NULL, minute_effects INTEGER NOT NULL,
  reach INTEGER NOT NULL,
  hour INTEGER NOT NULL, hour_escalations INTEGER NOT NULL,
  hour_final INTEGER NOT NULL, hour_amount REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE decision (
  leaf_index INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  task_id TEXT NOT NULL, caller TEXT NOT NULL, decision TEXT NOT NULL,
  tool_class TEXT NOT NULL, output_label TEXT NOT NULL, sensitivity INTEGER NOT NULL,
  server TEXT NOT NULL, tool TEXT NOT NULL, at_us INTEGER NOT NULL,
  answered_by TEXT NOT NULL
) STRICT;
CREATE TABLE input (
  leaf_index INTEGER PRIMARY KEY,
  task_id TEXT NOT NULL, nonce BLOB NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE TABLE outcome (
  decision_id TEXT PRIMARY KEY,
  status INTEGER NOT NULL, digest TEXT NOT NULL, media_type TEXT NOT NULL,
  truncated INTEGER NOT NULL, at_us INTEGER NOT NULL,
  log_id TEXT NOT NULL, leaf_index INTEGER NOT NULL, leaf_hash BLOB NOT NULL,
  output BLOB NOT NULL
) STRICT;
CREATE TABLE reading (
  leaf_index INTEGER PRIMARY KEY,
  body BLOB NOT NULL
) STRICT;
CREATE TABLE approval (
  id TEXT PRIMARY KEY,
  task_id TEXT NOT NULL, binding_digest TEXT NOT NULL, aim TEXT NOT NULL,
  likeness TEXT NOT NULL,
  state INTEGER NOT NULL,
  created_at_us INTEGER NOT NULL, expires_at_us INTEGER NOT NULL,
  body TEXT NOT NULL, canonical_arguments BLOB NOT NULL
) STRICT;
CREATE INDEX approval_of_call ON approval (task_id, binding_digest, created_at_us, id);
CREATE INDEX approval_like ON approval (likeness, expires_at_us, id) WHERE state = 1;
CREATE INDEX approval_open ON approval (expires_at_us, id) WHERE state = 1;
CREATE TABLE granted (
  id TEXT PRIMARY KEY,
  task_id TEXT NOT NULL,
  max_uses INTEGER NOT NULL, uses INTEGER NOT NULL, revoked INTEGER NOT NULL,
  expires_at_us INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX granted_to_task ON granted (task_id, id);
CREATE INDEX granted_live ON granted (expires_at_us, id) WHERE revoked = 0 AND uses < max_uses;
CREATE TABLE request (
  number INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,
  digest TEXT NOT NULL,
  valid_until_us INTEGER NOT NULL,
  answer TEXT NOT NULL,
  canonical_arguments BLOB NOT NULL
) STRICT;
CREATE INDEX request_by_end ON request (valid_until_us);
CREATE TABLE checkpoint (
  number INTEGER PRIMARY KEY,
  size INTEGER NOT NULL,
  text TEXT NOT NULL
) STRICT;
"""


def _keep_readings(connection: sqlite3.Connection) -> None:
    """What was read of large outputs is kept beside them."""
    connection.execute(
        "CREATE TABLE reading (leaf_index INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT"
    )


# What turns a store of the version named into one of the next.
_STEPS: Final[Mapping[int, Callable[[sqlite3.Connection], None]]] = {1: _keep_readings}


def check_version(connection: sqlite3.Connection) -> int:
    """The version of an open store; 0 for a file without tables.

    Raises:
        SchemaTooNew: a newer program wrote it.
        StoreError: it has tables, but not of this program.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise SchemaTooNew(
            f"the store has schema version {version}, this program knows up to {VERSION}: start"
            " the newer version of the program, or restore a backup made before the upgrade"
        )
    if version == 0:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables:
            raise StoreError("the file is a SQLite database, but not a store of this program")
    return int(version)


def bring_up_to_date(connection: sqlite3.Connection, log_id: str, empty_frontier: bytes) -> None:
    """Make the tables of a new store, or migrate those of an old one, in one transaction.

    `log_id` and `empty_frontier` are what a new store begins with.

    Raises:
        SchemaTooNew, StoreError: as check_version.
    """
    version = check_version(connection)
    if version == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if version == 0:
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            connection.execute(
                "INSERT INTO meta VALUES (1, ?, ?, 0, 0, 0)", (log_id, empty_frontier)
            )
        else:
            for step in range(version, VERSION):
                _STEPS[step](connection)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
