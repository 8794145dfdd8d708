"""Reading the files of a bundle that somebody hostile may have made."""

from __future__ import annotations

import gzip
import os
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdp.bundle_files import (
    ENTRIES,
    FILE_BYTES,
    NAME_BYTES,
    TOTAL_BYTES,
    UNPACKED_BYTES,
    BundleRefused,
    read_bundle_files,
)
from tests.unit.bundle.making import archive, folder, special

FILES = {".manifest": "{}", "a/data.json": "{}", "a/b/rule.rego": "package a.b"}
READ = {name: content.encode() for name, content in FILES.items()}


def refusal(path: Path) -> str:
    with pytest.raises(BundleRefused) as refused:
        read_bundle_files(path)
    return str(refused.value)


def test_a_folder_and_an_archive_of_it_hold_the_same(tmp_path: Path) -> None:
    assert read_bundle_files(folder(tmp_path / "made", FILES)) == READ
    assert read_bundle_files(archive(tmp_path / "made.tar.gz", *FILES.items())) == READ


def test_archives_may_name_files_as_tar_and_as_opa_build_do(tmp_path: Path) -> None:
    dotted = [(f"./{name}", content) for name, content in FILES.items()]
    directory = special("./", tarfile.DIRTYPE)
    assert read_bundle_files(archive(tmp_path / "tar.tar.gz", directory, *dotted)) == READ
    rooted = [(f"/{name}", content) for name, content in FILES.items()]
    assert read_bundle_files(archive(tmp_path / "opa.tgz", *rooted)) == READ


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    hidden = {".git/config": "x", "a/.swp": "x", ".signatures.json": "{}"}
    assert read_bundle_files(folder(tmp_path / "made", {**FILES, **hidden})) == READ
    packed = archive(tmp_path / "made.tar.gz", *FILES.items(), *hidden.items())
    assert read_bundle_files(packed) == READ


@pytest.mark.parametrize(
    "name",
    [
        "../outside.rego",
        "a/../../outside.rego",
        "a/../b.rego",
        "a/./b.rego",
        "a//b.rego",
        "//etc/passwd",
        "././a.rego",
        "a\\..\\b.rego",
        "a/b\n.rego",
        "a/b\u202e.rego",
        "a/\u0430.rego",
        "C:/a.rego",
    ],
)
def test_an_archive_name_that_leads_elsewhere_or_reads_otherwise_is_refused(
    tmp_path: Path, name: str
) -> None:
    message = refusal(archive(tmp_path / "made.tar.gz", (name, "x")))
    assert "made.tar.gz" in message
    assert message.isprintable()


def test_a_folder_with_a_name_that_reads_otherwise_is_refused(tmp_path: Path) -> None:
    assert "b\\u202e" in refusal(folder(tmp_path / "made", {"a/b\u202e.rego": "x"}))
    (tmp_path / "bytes").mkdir()
    (Path(os.fsdecode(bytes(tmp_path / "bytes") + b"/\xff.rego"))).write_text("x")
    assert "characters in its name" in refusal(tmp_path / "bytes")


@pytest.mark.parametrize("target", ["/etc/passwd", "data.json", "missing"])
def test_a_link_in_a_folder_is_refused(tmp_path: Path, target: str) -> None:
    made = folder(tmp_path / "made", FILES)
    (made / "a" / "linked.rego").symlink_to(target)
    assert "a/linked.rego: is a link" in refusal(made)


def test_a_linked_folder_inside_a_bundle_is_refused(tmp_path: Path) -> None:
    made = folder(tmp_path / "made", FILES)
    (made / "linked").symlink_to(tmp_path, target_is_directory=True)
    assert "linked: is a link" in refusal(made)


def test_the_bundle_itself_may_be_a_link(tmp_path: Path) -> None:
    made = folder(tmp_path / "made", FILES)
    (tmp_path / "current").symlink_to(made)
    assert read_bundle_files(tmp_path / "current") == READ


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_in_an_archive_is_refused(tmp_path: Path, kind: bytes) -> None:
    packed = archive(tmp_path / "made.tar.gz", *FILES.items(), special("a/l", kind, "data.json"))
    assert "a/l: is a link" in refusal(packed)


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, b"?"])
def test_what_is_no_plain_file_in_an_archive_is_refused(tmp_path: Path, kind: bytes) -> None:
    packed = archive(tmp_path / "made.tar.gz", special("a/odd.rego", kind))
    assert "a/odd.rego: is not a plain file" in refusal(packed)


def test_a_pipe_in_a_folder_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    made = folder(tmp_path / "made", FILES)
    os.mkfifo(made / "a" / "pipe.rego")
    assert "a/pipe.rego: is not a plain file" in refusal(made)


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    packed = archive(tmp_path / "made.tar.gz", ("a.rego", "1"), ("./a.rego", "2"))
    assert "a.rego: is there twice" in refusal(packed)


def test_a_file_at_the_limit_is_read_and_one_byte_more_is_refused(tmp_path: Path) -> None:
    full = folder(tmp_path / "full", {"a.json": b"x" * FILE_BYTES})
    assert len(read_bundle_files(full)["a.json"]) == FILE_BYTES
    assert "larger than 8 MiB" in refusal(folder(full, {"a.json": b"x" * (FILE_BYTES + 1)}))
    packed = archive(tmp_path / "made.tar.gz", ("a.json", b"x" * (FILE_BYTES + 1)))
    assert "larger than 8 MiB" in refusal(packed)


def test_all_files_together_have_a_limit(tmp_path: Path) -> None:
    count = TOTAL_BYTES // FILE_BYTES
    files = {f"{n}.json": b"x" * FILE_BYTES for n in range(count)} | {"last.json": b"x"}
    assert "larger than 32 MiB together" in refusal(folder(tmp_path / "made", files))


def test_a_bomb_is_not_unpacked_further_than_a_bundle_can_be(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.tar.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as packed:
        for _ in range(12):
            packed.write(b"\0" * UNPACKED_BYTES)
    tracemalloc.start()
    message = refusal(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "unpacks to more than" in message
    assert peak < 3 * UNPACKED_BYTES


def test_more_entries_than_a_bundle_has_are_refused(tmp_path: Path) -> None:
    many = [special(f"d{n}", tarfile.DIRTYPE) for n in range(ENTRIES + 1)]
    assert "more than 4,096 files and folders" in refusal(archive(tmp_path / "m.tar.gz", *many))
    made = folder(tmp_path / "made", {})
    for n in range(ENTRIES + 1):
        (made / f"d{n}").mkdir(parents=True)
    assert "more than 4,096 files and folders" in refusal(made)


def test_a_name_longer_than_names_are_is_refused(tmp_path: Path) -> None:
    message = refusal(archive(tmp_path / "made.tar.gz", ("a" * (NAME_BYTES + 1), "x")))
    assert "more than 512 bytes" in message
    assert len(message) < 400


def test_an_archive_that_was_cut_off_or_changed_is_refused(tmp_path: Path) -> None:
    packed = archive(tmp_path / "made.tar.gz", *FILES.items())
    whole = packed.read_bytes()
    for broken in (b"", b"PK\x03\x04", whole[: len(whole) // 2], whole[:-4] + b"\0\0\0\0"):
        packed.write_bytes(broken)
        assert "pack it again" in refusal(packed)


def test_a_damaged_member_does_not_end_an_archive_quietly(tmp_path: Path) -> None:
    packed = archive(tmp_path / "made.tar.gz", *FILES.items())
    tar = bytearray(gzip.decompress(packed.read_bytes()))
    tar[2 * 512 + 20] ^= 0xFF  # in the header of the second member
    packed.write_bytes(gzip.compress(bytes(tar)))
    assert "damaged" in refusal(packed)


@given(content=st.binary(max_size=2048))
def test_no_archive_whatever_it_holds_does_more_than_be_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    packed = tmp_path_factory.mktemp("any") / "made.tar.gz"
    packed.write_bytes(gzip.compress(content, compresslevel=1))
    try:
        files = read_bundle_files(packed)
    except BundleRefused:
        return
    assert all(not name.startswith(("/", "..")) for name in files)


def test_what_is_neither_folder_nor_archive_is_refused(tmp_path: Path) -> None:
    other = folder(tmp_path, {"bundle.zip": b"PK"}) / "bundle.zip"
    assert "a folder or a .tar.gz file" in refusal(other)
    assert "No such file" in refusal(tmp_path / "missing.tar.gz")
