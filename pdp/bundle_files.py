"""The files of a bundle, from a folder or a `.tar.gz`, as somebody hostile may have made them."""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import tarfile
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# The built-in bundle has about 50; an organisation with 500 rules, each with its test, has 1,000.
ENTRIES: Final = 4096
# Catalogues are the largest: several thousand tools with their schemas.
FILE_BYTES: Final = 8 * MIB
# What the engine takes in one frame is 64 MiB, and JSON escapes some of it.
TOTAL_BYTES: Final = 32 * MIB
# All that an archive may unpack to, ignored files, headers and padding (at most 1 KiB for each
# entry) included. It is counted while it is unpacked, so a bomb is never unpacked further.
UNPACKED_BYTES: Final = TOTAL_BYTES + 4 * MIB
# Names are keys and appear in messages; file systems stop at 255 bytes for a part.
NAME_BYTES: Final = 512

_PART: Final = re.compile(r"[A-Za-z0-9._@+=, ()-]+\Z")
_ARCHIVE_SUFFIXES: Final = (".tar.gz", ".tgz")


class BundleRefused(Exception):
    """A bundle that is not loaded: the message names the file and what to do about it."""


def read_bundle_files(path: Path) -> Mapping[str, bytes]:
    """The files of the bundle at `path`, by their path inside it (`/` between parts), sorted.

    Hidden files other than `.manifest` are left out; an archive may hold nothing that a folder may
    not. `path` itself may be a link.

    Raises:
        BundleRefused: it cannot be read, is neither folder nor archive, holds links or anything
            else that is not a plain file, has unusable names, or is too large.
    """
    try:
        if path.is_dir():
            files = _read_folder(path)
        elif path.name.endswith(_ARCHIVE_SUFFIXES):
            files = _read_archive(path)
        else:
            raise BundleRefused(f"{path}: a bundle is a folder or a .tar.gz file; give one of them")
    except OSError as error:
        where = error.filename or path
        raise BundleRefused(f"{where}: cannot be read: {error.strerror or error}") from None
    return dict(sorted(files.items()))


class _Collected:
    """The files so far, and the limits on all of them together."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files: dict[str, bytes] = {}
        self.entries = 0
        self.total = 0

    def refuse(self, name: str, problem: str, remedy: str) -> BundleRefused:
        return BundleRefused(f"{self.path}: {_shown(name)}: {problem}; {remedy}")

    def count_entry(self) -> None:
        self.entries += 1
        if self.entries > ENTRIES:
            raise BundleRefused(
                f"{self.path}: more than {ENTRIES:,} files and folders; split the bundle"
            )

    def add(self, name: str, read: Callable[[int], bytes]) -> None:
        """Take a file; `read(n)` gives at most its first n bytes."""
        if name in self.files:
            raise self.refuse(name, "is there twice", "keep one of them")
        content = read(FILE_BYTES + 1)
        self.total += len(content)
        if len(content) > FILE_BYTES:
            raise self.refuse(name, f"is larger than {FILE_BYTES // MIB} MiB", "split it")
        if self.total > TOTAL_BYTES:
            raise BundleRefused(
                f"{self.path}: its files are larger than {TOTAL_BYTES // MIB} MiB together; "
                "split the bundle"
            )
        self.files[name] = content

    def check_name(self, name: str) -> None:
        if len(name.encode("utf-8", "surrogatepass")) > NAME_BYTES:
            raise self.refuse(name, f"is named with more than {NAME_BYTES} bytes", "shorten it")
        for part in name.split("/"):
            if part in ("", ".", ".."):
                raise self.refuse(name, "is a path that leads elsewhere", "name files plainly")
            if not _PART.match(part):
                raise self.refuse(
                    name,
                    "has characters in its name that file systems or people read differently",
                    "use letters, digits and . _ - only",
                )


def _shown(name: str) -> str:
    shown = name if len(name) <= 120 else name[:120] + "…"
    return shown if _PART.match(shown.replace("/", "-")) else ascii(shown)


def _hidden(name: str) -> bool:
    return name != ".manifest" and any(part.startswith(".") for part in name.split("/"))


def _read_folder(path: Path) -> dict[str, bytes]:
    found = _Collected(path)
    root = path.resolve()
    pending = [""]
    while pending:
        folder = pending.pop()
        with os.scandir(root / folder) as entries:
            for entry in entries:
                name = f"{folder}/{entry.name}" if folder else entry.name
                if _hidden(name):
                    continue
                found.count_entry()
                found.check_name(name)
                if entry.is_symlink():
                    raise found.refuse(name, "is a link", "put the file itself there")
                if entry.is_dir(follow_symlinks=False):
                    pending.append(name)
                elif entry.is_file(follow_symlinks=False):
                    found.add(name, partial(_read_plain, root / name))
                else:
                    raise found.refuse(name, "is not a plain file", "remove it")
    return found.files


def _read_plain(path: Path, limit: int) -> bytes:
    """The first `limit` bytes of what is still a plain file when it is opened."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as opened:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BundleRefused(f"{path}: is not a plain file; remove it")
        return opened.read(limit)


def _read_archive(path: Path) -> dict[str, bytes]:
    found = _Collected(path)
    unpacked = _unpack(path)
    try:
        with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as archive:
            while (member := archive.next()) is not None:
                found.count_entry()
                _take(archive, member, found)
            # A header that is damaged ends an archive like the zeros that should.
            if unpacked[archive.offset :].strip(b"\0"):
                raise BundleRefused(f"{path}: a damaged archive; pack it again")
    # The latter are how tarfile reports some numbers and headers that make no sense.
    except (tarfile.TarError, EOFError, ValueError, OverflowError, RecursionError) as error:
        raise BundleRefused(f"{path}: not a .tar.gz archive: {error}; pack it again") from None
    return found.files


def _unpack(path: Path) -> bytes:
    """The whole archive, checked against its checksum, and never more than a bundle can be."""
    try:
        with gzip.open(path, "rb") as packed:
            unpacked = packed.read(UNPACKED_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BundleRefused(f"{path}: not a .tar.gz archive: {error}; pack it again") from None
    if len(unpacked) > UNPACKED_BYTES:
        raise BundleRefused(
            f"{path}: unpacks to more than {UNPACKED_BYTES // MIB} MiB; split the bundle"
        )
    return unpacked


def _take(archive: tarfile.TarFile, member: tarfile.TarInfo, found: _Collected) -> None:
    name = _plain_name(member.name)
    if member.isdir():
        if name not in ("", "."):
            found.check_name(name)
        return
    if member.issym() or member.islnk():
        raise found.refuse(member.name, "is a link", "pack the file itself")
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.sparse is not None:
        raise found.refuse(member.name, "is not a plain file", "leave it out of the archive")
    found.check_name(name)
    if _hidden(name):
        return
    content = archive.extractfile(member)
    if content is None:
        raise found.refuse(member.name, "is not a plain file", "leave it out of the archive")
    with content:
        found.add(name, content.read)


def _plain_name(name: str) -> str:
    """A name as folders have it: `tar` writes `./a`, and `opa build` writes `/a`."""
    prefix = "./" if name.startswith("./") else "/"
    return name.removeprefix(prefix).removesuffix("/")
