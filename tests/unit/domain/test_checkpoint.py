"""Signed checkpoints: written, read strictly, and verified with real keys."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pdp.domain.checkpoint import (
    Checkpoint,
    CheckpointError,
    NoteSignature,
    format_signed,
    key_id,
    parse_signed,
    sign,
    verify_signed,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
ROOT = hashlib.sha256(b"root").digest()
ROOT_TEXT = base64.b64encode(ROOT).decode()
NAME = "pdp.example/log"
CHECKPOINT = Checkpoint(NAME, 42, ROOT)
SIGNED = sign(CHECKPOINT, NAME, PUBLIC, KEY.sign)
LINE = SIGNED.splitlines()[-1]


def is_ours(signature: bytes, message: bytes) -> bool:
    try:
        KEY.public_key().verify(signature, message)
    except InvalidSignature:
        return False
    return True


def test_the_body_is_origin_size_and_root_on_a_line_each() -> None:
    assert CHECKPOINT.body() == f"{NAME}\n42\n{ROOT_TEXT}\n".encode()


def test_a_signed_checkpoint_is_the_body_a_blank_line_and_the_signature() -> None:
    identifier = hashlib.sha256(NAME.encode() + b"\n\x01" + PUBLIC).digest()[:4]
    assert key_id(NAME, PUBLIC) == identifier
    blob = base64.b64encode(identifier + KEY.sign(CHECKPOINT.body())).decode()
    assert f"{NAME}\n42\n{ROOT_TEXT}\n\n\u2014 {NAME} {blob}\n" == SIGNED


def test_a_published_checkpoint_of_another_log_is_read() -> None:
    # The example in C2SP tlog-checkpoint.
    text = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URY"
        "N7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    )
    checkpoint, signatures = parse_signed(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert [one.key_id.hex() for one in signatures] == ["033de0ae"]
    assert format_signed(checkpoint, signatures[0].key_name, *id_and_bytes(signatures[0])) == text


def id_and_bytes(signature: NoteSignature) -> tuple[bytes, bytes]:
    return signature.key_id, signature.signature


def test_what_is_written_is_read_and_verified() -> None:
    assert verify_signed(SIGNED, NAME, PUBLIC, is_ours) == CHECKPOINT


def test_lines_of_other_keys_are_ignored() -> None:
    witness = NoteSignature("witness.example", b"\x00\x01\x02\x03", b"x" * 100).line()
    assert verify_signed(SIGNED + witness, NAME, PUBLIC, is_ours) == CHECKPOINT
    before_ours = SIGNED.replace(LINE + "\n", witness + LINE + "\n")
    assert verify_signed(before_ours, NAME, PUBLIC, is_ours) == CHECKPOINT


def test_a_checkpoint_that_only_others_signed_is_refused() -> None:
    public = OTHER.public_key().public_bytes_raw()
    with pytest.raises(CheckpointError, match="no signature line is of the key"):
        verify_signed(SIGNED, NAME, public, is_ours)
    with pytest.raises(CheckpointError, match="no signature line is of the key"):
        verify_signed(SIGNED, "other.example", PUBLIC, is_ours)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n42\n", "\n43\n"),
        (NAME + "\n42", "pdp.example/other\n42"),
        (ROOT_TEXT, base64.b64encode(bytes(32)).decode()),
    ],
)
def test_a_checkpoint_changed_after_signing_is_refused(old: str, new: str) -> None:
    assert old in SIGNED
    with pytest.raises(CheckpointError, match="does not verify"):
        verify_signed(SIGNED.replace(old, new, 1), NAME, PUBLIC, is_ours)


def test_one_bad_signature_of_the_key_refuses_the_whole() -> None:
    bad = NoteSignature(NAME, key_id(NAME, PUBLIC), bytes(64)).line()
    short = NoteSignature(NAME, key_id(NAME, PUBLIC), b"x").line()
    for line in (bad, short):
        with pytest.raises(CheckpointError, match="does not verify"):
            verify_signed(SIGNED + line, NAME, PUBLIC, is_ours)


BODY = CHECKPOINT.body().decode()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not three lines, a blank line"),
        (BODY, "not three lines, a blank line"),
        (BODY + "\n", "not three lines, a blank line"),
        (f"{BODY}\n{LINE}", "not three lines, a blank line"),
        (f"{NAME}\n42\n\n{LINE}\n", "2 lines before"),
        (f"{BODY}extension\n\n{LINE}\n", "4 lines before"),
        (f"{NAME}\n042\n{ROOT_TEXT}\n\n{LINE}\n", "line 2"),
        (f"{NAME}\n-1\n{ROOT_TEXT}\n\n{LINE}\n", "line 2"),
        (f"{NAME}\n4_2\n{ROOT_TEXT}\n\n{LINE}\n", "line 2"),
        (f"{NAME}\n\u0664\n{ROOT_TEXT}\n\n{LINE}\n", "line 2"),
        (f"{NAME}\n{'9' * 20}\n{ROOT_TEXT}\n\n{LINE}\n", "line 2"),
        (f"{NAME}\n{2**63}\n{ROOT_TEXT}\n\n{LINE}\n", "not between 0"),
        (f"{NAME}\n42\n{ROOT_TEXT[:-1]}\n\n{LINE}\n", "line 3, the root, is not standard base64"),
        (f"{NAME}\n42\n{ROOT_TEXT} \n\n{LINE}\n", "line 3"),
        (f"{NAME}\n42\nAAAA\n\n{LINE}\n", "root is 3 bytes"),
        (f"{NAME}\n42\n{'A' * 42}B=\n\n{LINE}\n", "canonical base64"),
        (f"a b\n42\n{ROOT_TEXT}\n\n{LINE}\n", "origin is empty or has white space"),
        (f"a+b\n42\n{ROOT_TEXT}\n\n{LINE}\n", "a plus"),
        (f"\n42\n{ROOT_TEXT}\n\n{LINE}\n", "origin is empty"),
        (f"{BODY}\n{LINE}\n\n", "line 6 is not an em dash"),
        (f"{BODY}\n-- {NAME} AAAAAAAA\n", "line 5 is not an em dash"),
        (f"{BODY}\n\u2014 {NAME}\n", "line 5 is not an em dash"),
        (f"{BODY}\n\u2014 {NAME} AAAAAAAA x\n", "line 5 is not an em dash"),
        (f"{BODY}\n\u2014 {NAME} AAAAAA==\n", "has a key id and no signature"),
        (f"{BODY}\n\u2014 {NAME} !!!!\n", "line 5, the signature, is not standard base64"),
        (f"{BODY}\n\u2014 a+b AAAAAAAA\n", "key name in line 5"),
        (f"{BODY}\n{LINE}\r\n", "control characters"),
        (f"{BODY}\n{LINE}\n\t", "control characters"),
        (f"{BODY}\n" + f"{LINE}\n" * 65, "more than 64 signature lines"),
        (f"{BODY}\n\u2014 {NAME} {'A' * 600_000}\n", "longer than 524,288 characters"),
    ],
)
def test_a_text_of_another_form_is_refused_naming_what_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(CheckpointError, match=problem):
        parse_signed(text)


def test_what_cannot_be_written_as_text_is_no_checkpoint() -> None:
    for origin, size, root in [
        ("", 1, ROOT),
        ("a\nb", 1, ROOT),
        ("a\ud800", 1, ROOT),
        (NAME, -1, ROOT),
        (NAME, 1, ROOT[:31]),
    ]:
        with pytest.raises(CheckpointError):
            Checkpoint(origin, size, root)


def test_a_key_of_another_form_has_no_id() -> None:
    with pytest.raises(CheckpointError, match="32 bytes"):
        key_id(NAME, PUBLIC[:31])
    with pytest.raises(CheckpointError, match="key name"):
        key_id("two words", PUBLIC)
    with pytest.raises(CheckpointError, match="key id is 4 bytes"):
        format_signed(CHECKPOINT, NAME, b"123", b"signature")
