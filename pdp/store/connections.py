"""Opening the SQLite file of a store: the one connection that writes, and those that look.

Only the writing connection ever copies the write-ahead log into the database. Two connections that
do so at the same instant can lose a commit (sqlite.org/wal.html, "the WAL-reset bug", SQLite before
3.51.3), so every other connection is opened read-only, and a read-only one cannot.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

# When the write-ahead log has this many pages (64 MiB), a commit copies it into the database and
# takes some 40 ms longer. Measured with batches of 32 (50 pages each): at 1,000 or 4,000 pages that
# is one commit in 20 or 80 and decides the 99th percentile; here it is one in 300. A larger log
# would make opening after a crash slow: it is read once then, at about 1 s for each GB.
_COPY_AT_PAGES: Final = 16_384
# After a reader has held on to the log for long, its file is cut back to this.
_LOG_FILE_BYTES: Final = 128 * 1024 * 1024
_CACHE_KIB: Final = 64 * 1024
# What a reader may have to wait for is another one's recovery after a crash, never a writer.
_READER_WAIT_S: Final = 5.0


def connect_writer(path: Path, *, create: bool) -> sqlite3.Connection:
    """The connection that writes; transactions are begun and ended by statements.

    Raises:
        sqlite3.Error: the file cannot be opened, or is absent and not to be created.
    """
    mode = "rwc" if create else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        # The lock file keeps other writers out, and readers block nobody.
        timeout=0.0,
    )
    try:
        (journal,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if journal != "wal":
            raise sqlite3.OperationalError(f"no write-ahead log on this file system ({journal})")
        for setting in (
            "synchronous = FULL",
            f"wal_autocheckpoint = {_COPY_AT_PAGES}",
            f"journal_size_limit = {_LOG_FILE_BYTES}",
            f"cache_size = -{_CACHE_KIB}",
            # Zeroes freed content where that costs no extra page; some builds always zero.
            "secure_delete = FAST",
            "trusted_schema = OFF",
        ):
            connection.execute(f"PRAGMA {setting}")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads, beside a running writer or without one.

    Raises:
        sqlite3.Error: the file is absent or cannot be read.
    """
    uri = path.absolute().as_uri()
    log = path.with_name(path.name + "-wal")
    try:
        return _checked(f"{uri}?mode=ro")
    except sqlite3.OperationalError:
        # In a folder that this user cannot write, SQLite cannot make the files it shares with a
        # writer. Where there is no write-ahead log there is no writer, and the file stays as it is.
        if not path.exists() or (log.exists() and log.stat().st_size):
            raise
        return _checked(f"{uri}?mode=ro&immutable=1")


def _checked(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_READER_WAIT_S
    )
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
