"""The key that signs the log's checkpoints (Ed25519, RFC 8032), as two files in the data folder."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from pdp.ports import StoreError

#: PKCS #8 in PEM, for this user only; and the public half (SubjectPublicKeyInfo in PEM) for those
#: who verify.
PRIVATE: Final = "log.key"
PUBLIC: Final = "log.pub"

# Whoever else can read the key can sign another history.
_FOR_OTHERS: Final = 0o077


@dataclass(frozen=True, slots=True)
class LogKey:
    """Signs checkpoints; `public` is the public key's 32 bytes."""

    public: bytes
    _private: Ed25519PrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """The signature of 64 bytes over `message`."""
        return self._private.sign(message)


def open_log_key(data: Path) -> LogKey:
    """The key in the folder `data`, made there if neither of its files is there.

    Raises:
        StoreError: it cannot be read or made, others may read it, or its two files do not belong
            together.
    """
    private, public = data / PRIVATE, data / PUBLIC
    try:
        if not private.exists() and not public.exists():
            _make(private)
        key = _read_private(private)
        if not public.exists():
            _write(public, _public_pem(key.public), 0o644)
    except OSError as fault:
        raise StoreError(f"{fault.filename or data}: {fault.strerror}") from fault
    if read_public_key(data) != key.public:
        raise StoreError(
            f"{public} is not the public half of {private}: put back the file that was replaced"
        )
    return key


def read_public_key(data: Path) -> bytes | None:
    """The 32 bytes of the public key in the folder `data`; None where there is none.

    Raises:
        StoreError: the file cannot be read or holds something else.
    """
    path = data / PUBLIC
    try:
        key = load_pem_public_key(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise StoreError(f"{path}: {fault.strerror}") from fault
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise StoreError(f"{path} is not a public key in PEM") from fault
    if not isinstance(key, Ed25519PublicKey):
        raise StoreError(f"{path} is not an Ed25519 key")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def is_signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` is one over `message` by the Ed25519 key of these 32 bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _make(path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(path, pem, 0o600)


def _read_private(path: Path) -> LogKey:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise StoreError(
            f"{path} is missing, and {PUBLIC} shows that there was one: put it back; with a new key"
            " the old checkpoints would look forged"
        ) from None
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if mode & _FOR_OTHERS:
            raise StoreError(f"{path} can be read by others: chmod 600 {path}")
        pem = file.read()
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as fault:
        raise StoreError(f"{path} is not a private key in PEM without a password") from fault
    if not isinstance(key, Ed25519PrivateKey):
        raise StoreError(f"{path} is not an Ed25519 key")
    return LogKey(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw), key)


def _public_pem(public: bytes) -> bytes:
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a new file, whole and durable before it has its name."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
