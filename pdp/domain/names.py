"""Which identities and names are accepted: one spelling each, as they compare byte for byte.

A spelling that could pass for another one is refused, naming the field, and never folded into it:
folding would let two names that differ upstream share one history. The characters refused follow
the IdentifierClass of RFC 8264 (PRECIS) section 4.2.3, except that spaces inside, punctuation and
symbols are accepted, as real subject ids and tool names contain them. Upper and lower case are
different names. Letters of different scripts that look alike are different names too: such a name
simply holds no rights of its own.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from pdp.domain.error_reason import ErrorReason
from pdp.domain.limits import (
    ISSUER_BYTES,
    SERVER_NAME_BYTES,
    SUBJECT_ID_BYTES,
    SUBJECT_TYPE_BYTES,
    TOOL_NAME_BYTES,
    InvalidInput,
    check_text,
)

# Beyond general category Cf, the code points of Default_Ignorable_Code_Point in Unicode 15
# (DerivedCoreProperties.txt), which show as nothing, and U+2800, which shows as a space.
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
# Format, control, surrogate, private use and unassigned characters; separators but the space.
_REFUSED_CATEGORIES: Final = frozenset({"Cf", "Cc", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"})
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*://")
_ENCODED: Final = re.compile(r"%[0-9A-Fa-f]{2}")


def check_identity(value: str, field: str, limit: int, *, required: bool = True) -> None:
    """Raises InvalidInput unless `value` is one clear spelling of at most `limit` UTF-8 bytes.

    Refused: control, invisible and direction-changing characters, private-use and unassigned ones,
    white space other than U+0020, any at the ends, and every text that NFKC changes (so also what
    is not in NFC, and compatibility forms such as fullwidth letters).
    """
    check_text(value, field, limit, one_line=True, required=required)
    if not value:
        return
    if value[0].isspace() or value[-1].isspace():
        raise _unclear(field, "begins or ends with white space", "remove it")
    if value.isascii():
        return
    for position, char in enumerate(value):
        refused = char != " " and unicodedata.category(char) in _REFUSED_CATEGORIES
        if refused or _INVISIBLE.match(char) is not None:
            raise _unclear(
                field,
                f"has the invisible or reserved character U+{ord(char):04X}"
                f" at character {position}",
                "remove it",
            )
    # NFKC text is also NFC; which of the two fails decides what to tell the caller.
    if not unicodedata.is_normalized("NFC", value):
        raise _unclear(field, "is not in Unicode normal form C", "normalise it to NFC")
    if not unicodedata.is_normalized("NFKC", value):
        raise _unclear(
            field,
            "has a compatibility character that looks like another one",
            "write it with the plain characters (Unicode normal form KC)",
        )


def check_subject(
    subject_type: str, subject_id: str, issuer: str, field: str, *, required: bool = True
) -> None:
    """Raises InvalidInput unless the three parts of a Subject are clear spellings.

    `field` is the path of the Subject (`on_behalf_of`). Type and id must be there, if `required`
    or once any part is; the issuer may always be empty.
    """
    needed = required or bool(subject_type or subject_id or issuer)
    check_identity(subject_type, f"{field}.type", SUBJECT_TYPE_BYTES, required=needed)
    check_identity(subject_id, f"{field}.id", SUBJECT_ID_BYTES, required=needed)
    check_identity(issuer, f"{field}.issuer", ISSUER_BYTES, required=False)


def check_tool_name(value: str, field: str) -> None:
    """Raises InvalidInput unless `value` is a clear spelling that cannot be read as another path.

    MCP names may contain `.`, `-`, `_` and `/`. Refused: empty, `.` and `..` segments between
    slashes (so also a slash at either end and `//`), backslashes, and percent-encoded bytes: a
    name is compared as written and never decoded.
    """
    check_identity(value, field, TOOL_NAME_BYTES)
    _check_segments(value, field)


def check_server_name(value: str, field: str) -> None:
    """Raises InvalidInput as for a tool's name; a scheme (`spiffe://`, `https://`) may precede.

    Empty passes: the contract allows it where one tool has the name.
    """
    check_identity(value, field, SERVER_NAME_BYTES, required=False)
    if value:
        scheme = _SCHEME.match(value)
        _check_segments(value[scheme.end() :] if scheme else value, field)


def _unclear(field: str, problem: str, remedy: str) -> InvalidInput:
    return InvalidInput(field, problem, remedy, reason=ErrorReason.TEXT_NOT_PLAIN)


def _check_segments(path: str, field: str) -> None:
    if "\\" in path or _ENCODED.search(path) is not None:
        raise _unclear(
            field,
            "has a backslash or a percent-encoded byte",
            "send the name as the tool server lists it, decoded",
        )
    if any(segment in ("", ".", "..") for segment in path.split("/")):
        raise _unclear(
            field,
            'has an empty, "." or ".." segment between slashes',
            "send the name as the tool server lists it, without such segments",
        )
