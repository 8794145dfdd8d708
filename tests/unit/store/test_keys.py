"""The key that signs checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from pdp.ports import StoreError
from pdp.store.keys import is_signed, open_log_key, read_public_key


def test_the_key_is_made_once_and_its_private_half_is_for_its_owner_only(tmp_path: Path) -> None:
    first = open_log_key(tmp_path)
    second = open_log_key(tmp_path)
    assert first.public == second.public == read_public_key(tmp_path)
    assert (tmp_path / "log.key").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.key", "log.pub"]


def test_only_the_keys_own_signature_over_the_same_message_is_one(tmp_path: Path) -> None:
    key = open_log_key(tmp_path)
    (tmp_path / "other").mkdir()
    other = open_log_key(tmp_path / "other")
    signature = key.sign(b"message")
    assert is_signed(key.public, signature, b"message")
    assert not is_signed(key.public, signature, b"another")
    assert not is_signed(key.public, other.sign(b"message"), b"message")
    assert not is_signed(key.public, b"", b"message")
    assert not is_signed(b"short", signature, b"message")


def test_the_private_key_is_in_no_text_form_of_it(tmp_path: Path) -> None:
    assert "_private" not in repr(open_log_key(tmp_path))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_private_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    open_log_key(tmp_path)
    (tmp_path / "log.key").chmod(mode)
    with pytest.raises(StoreError, match="chmod 600"):
        open_log_key(tmp_path)


def test_a_lost_private_key_is_not_silently_replaced(tmp_path: Path) -> None:
    open_log_key(tmp_path)
    (tmp_path / "log.key").unlink()
    with pytest.raises(StoreError, match="put it back"):
        open_log_key(tmp_path)
    assert not (tmp_path / "log.key").exists()


def test_a_lost_public_half_is_written_again(tmp_path: Path) -> None:
    key = open_log_key(tmp_path)
    (tmp_path / "log.pub").unlink()
    assert read_public_key(tmp_path) is None
    open_log_key(tmp_path)
    assert read_public_key(tmp_path) == key.public


def test_halves_of_two_keys_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    open_log_key(tmp_path)
    open_log_key(tmp_path / "other")
    (tmp_path / "other" / "log.pub").replace(tmp_path / "log.pub")
    with pytest.raises(StoreError, match="not the public half"):
        open_log_key(tmp_path)


@pytest.mark.parametrize("name", ["log.key", "log.pub"])
@pytest.mark.parametrize("content", ["", "no key at all", "a key of another kind"])
def test_what_is_no_ed25519_key_is_refused(tmp_path: Path, name: str, content: str) -> None:
    open_log_key(tmp_path)
    raw = content.encode()
    if content == "a key of another kind":
        key = generate_private_key(SECP256R1())
        raw = (
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            if name == "log.key"
            else key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(StoreError, match=name):
        open_log_key(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="absent"):
        open_log_key(tmp_path / "absent")
