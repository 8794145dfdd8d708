"""The signed checkpoint: the log's size and root at one moment, as text that anyone can verify.

The form is the C2SP tlog-checkpoint, a C2SP signed-note (c2sp.org/tlog-checkpoint,
c2sp.org/signed-note): origin, size and base64 root on a line each, a blank line, and signature
lines. Cryptography is handed in as functions.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from pdp.domain.merkle import HASH_BYTES

KEY_ID_BYTES: Final = 4
PUBLIC_KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
# A witness may add its own lines; verifiers accept at least 16 (C2SP signed-note).
SIGNATURE_LINES: Final = 64
# 64 lines of the largest post-quantum signatures stay below this; nobody sends more in good faith.
NOTE_CHARS: Final = 512 * 1024

# C2SP signed-note, signature types: Ed25519.
_ED25519: Final = b"\x01"
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL: Final = re.compile("[\x00-\x09\x0b-\x1f]")
_SIGNATURE_LINE: Final = re.compile("\u2014 ([^ ]+) ([^ ]+)")


class CheckpointError(ValueError):
    """A text is no checkpoint of the accepted form, or no trusted signature on it verifies."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's size in leaves and its Merkle root (32 bytes), under the log's origin.

    Raises CheckpointError for values that have no text form.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        _check_name(self.origin, "origin")
        if not 0 <= self.size < 2**63:
            raise CheckpointError(f"the size {self.size} is not between 0 and 2^63 - 1")
        if len(self.root) != HASH_BYTES:
            raise CheckpointError(f"the root is {len(self.root)} bytes and not {HASH_BYTES}")

    def body(self) -> bytes:
        """The text that is signed, with its last newline."""
        root = base64.b64encode(self.root).decode("ascii")
        return f"{self.origin}\n{self.size}\n{root}\n".encode()


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: who signed, with which key (4 bytes), and the signature's bytes."""

    key_name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """The line with its newline."""
        blob = base64.b64encode(self.key_id + self.signature).decode("ascii")
        return f"\u2014 {self.key_name} {blob}\n"


def key_id(name: str, public_key: bytes) -> bytes:
    """The 4 bytes that, with the name, tell an Ed25519 key (32 bytes, RFC 8032) from others.

    Raises CheckpointError for a name or key of another form.
    """
    _check_name(name, "key name")
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise CheckpointError(f"an Ed25519 public key is {PUBLIC_KEY_BYTES} bytes")
    return sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:KEY_ID_BYTES]


def format_signed(
    checkpoint: Checkpoint, key_name: str, key_identifier: bytes, signature: bytes
) -> str:
    """The signed checkpoint, one signature line. Raises CheckpointError for a bad name or id."""
    _check_name(key_name, "key name")
    if len(key_identifier) != KEY_ID_BYTES:
        raise CheckpointError(f"a key id is {KEY_ID_BYTES} bytes")
    line = NoteSignature(key_name, key_identifier, signature).line()
    return f"{checkpoint.body().decode()}\n{line}"


def sign(
    checkpoint: Checkpoint, key_name: str, public_key: bytes, sign_bytes: Callable[[bytes], bytes]
) -> str:
    """The checkpoint signed with Ed25519: `sign_bytes` returns the 64 bytes over its argument."""
    identifier = key_id(key_name, public_key)
    return format_signed(checkpoint, key_name, identifier, sign_bytes(checkpoint.body()))


def parse_signed(text: str) -> tuple[Checkpoint, tuple[NoteSignature, ...]]:
    """The checkpoint and its signature lines, nothing verified yet.

    Raises CheckpointError, naming the line, for any other form. Extension lines are refused: this
    log writes none, and a verifier cannot check what they say.
    """
    if len(text) > NOTE_CHARS:
        raise CheckpointError(f"the text is longer than {NOTE_CHARS:,} characters")
    if _CONTROL.search(text) is not None:
        raise CheckpointError("the text has control characters other than newlines")
    head, blank, tail = text.partition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise CheckpointError(
            "the text is not three lines, a blank line, and signature lines that end in newlines"
        )
    lines = head.split("\n")
    if len(lines) != 3:
        raise CheckpointError(f"there are {len(lines)} lines before the blank one and not 3")
    origin, size, root = lines
    if _SIZE.fullmatch(size) is None:
        raise CheckpointError("line 2 is not the size as a decimal number without leading zeros")
    checkpoint = Checkpoint(origin, int(size), _base64(root, "line 3, the root,"))
    signature_lines = tail[:-1].split("\n")
    if len(signature_lines) > SIGNATURE_LINES:
        raise CheckpointError(f"there are more than {SIGNATURE_LINES} signature lines")
    numbered = enumerate(signature_lines, start=5)
    return checkpoint, tuple(_signature(line, number) for number, line in numbered)


def verify_signed(
    text: str,
    key_name: str,
    public_key: bytes,
    verify_bytes: Callable[[bytes, bytes], bool],
) -> Checkpoint:
    """The checkpoint in `text`, where the Ed25519 key named signed it.

    `verify_bytes` gets a signature of 64 bytes and the message, and returns whether they match
    under that key. Lines of other keys are ignored, as the note's specification demands. Raises
    CheckpointError where the form is wrong, the key's line is missing, or any line of that key
    does not verify.
    """
    checkpoint, signatures = parse_signed(text)
    ours = _of_key(signatures, key_name, key_id(key_name, public_key))
    if not ours:
        raise CheckpointError(f"no signature line is of the key {key_name}")
    for found in ours:
        if len(found.signature) != SIGNATURE_BYTES or not verify_bytes(
            found.signature, checkpoint.body()
        ):
            raise CheckpointError(f"the signature of the key {key_name} does not verify")
    return checkpoint


def _of_key(
    signatures: Iterable[NoteSignature], name: str, identifier: bytes
) -> list[NoteSignature]:
    return [one for one in signatures if one.key_name == name and one.key_id == identifier]


def _signature(line: str, number: int) -> NoteSignature:
    match = _SIGNATURE_LINE.fullmatch(line)
    if match is None:
        raise CheckpointError(f"line {number} is not an em dash, a key name and base64")
    name, encoded = match.groups()
    _check_name(name, f"key name in line {number}")
    blob = _base64(encoded, f"line {number}, the signature,")
    if len(blob) <= KEY_ID_BYTES:
        raise CheckpointError(f"line {number} has a key id and no signature")
    return NoteSignature(name, blob[:KEY_ID_BYTES], blob[KEY_ID_BYTES:])


def _base64(text: str, place: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CheckpointError(f"{place} is not standard base64") from None
    # Trailing bits and padding allow several spellings of the same bytes; one is accepted.
    if base64.b64encode(raw).decode("ascii") != text:
        raise CheckpointError(f"{place} is not the canonical base64 of its bytes")
    return raw


def _check_name(name: str, what: str) -> None:
    if not name or "+" in name or any(char.isspace() or char < " " for char in name):
        raise CheckpointError(f"the {what} is empty or has white space, controls or a plus")
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise CheckpointError(f"the {what} has a lone surrogate") from None
