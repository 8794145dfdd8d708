"""Every limit on what a caller may send, with its reason, and the one error that refuses it.

Sizes of text are UTF-8 bytes. A value at the limit passes, one beyond it is refused.
"""

from __future__ import annotations

import re
from typing import Final

from pdp.domain.error_reason import ErrorReason

KIB: Final = 1024
MIB: Final = 1024 * KIB

# Arguments are parsed, checked against a schema, written again, hashed and matched for provenance;
# the largest legitimate ones are documents to be written or sent.
ARGUMENTS_BYTES: Final = 256 * KIB
# Parsers, schema validators and policy engines recurse; real arguments stay below 10 levels.
NESTING_LEVELS: Final = 64
# Integers stay exact at any size, so arithmetic on them costs what the sender chooses. 64 digits
# hold every 128-bit and 192-bit identifier and any amount of money.
NUMBER_DIGITS: Final = 64
# Beyond what a double holds. Policy engines expand such literals: {"amount": 1e99999999} stops OPA.
NUMBER_EXPONENT: Final = 308
# Claims of the caller (risk scores, attributes), not documents: they are copied into every input.
STRUCT_BYTES: Final = 64 * KIB

# A UUID, a ULID or a trace id with room for a prefix; it is a key of the store.
REQUEST_ID_CHARS: Final = 128
TASK_ID_CHARS: Final = 128
SESSION_ID_BYTES: Final = 128

# "agent", "user", "service" and what others invent.
SUBJECT_TYPE_BYTES: Final = 64
# SPIFFE-ID section 2.3: implementations support identities of up to 2,048 bytes.
SUBJECT_ID_BYTES: Final = 2 * KIB
# An issuer is a URL (OpenID Connect Core 2) or a trust domain of at most 255 bytes.
ISSUER_BYTES: Final = 512
# MCP recommends at most 128 characters for a tool's name; gateways put a prefix before it.
TOOL_NAME_BYTES: Final = 256
SERVER_NAME_BYTES: Final = 256
# `sha256:` and 64 hexadecimal digits, with room to say what else was sent.
SCHEMA_DIGEST_CHARS: Final = 71
RESOURCE_TYPE_BYTES: Final = 256
# A path or URL; browsers and proxies cut at about this length too.
RESOURCE_ID_BYTES: Final = 2 * KIB

# A goal is read by people and searched for atoms; a page or two of text.
GOAL_BYTES: Final = 16 * KIB
# Each glob of an intent is matched against each call's tool or resource.
GLOBS_PER_LIST: Final = 256
GLOB_BYTES: Final = KIB
# Each is read character by character on every call that carries an intent.
GLOB_LIST_BYTES: Final = 64 * KIB
# Recursion of the matcher; authors write one level.
GLOB_BRACES_DEPTH: Final = 4
# How often matching one list may go back and try again, at worst. The engine cannot be interrupted
# inside a match, and 2**20 tries take it about a tenth of a second.
GLOB_TRIES: Final = 2**20

# One page for people to read; it is kept in the log for ever.
REASON_BYTES: Final = 4 * KIB
MEDIA_TYPE_BYTES: Final = 256
# One batch is one transaction and one wave at least; see the contract.
BATCH_ELEMENTS: Final = 64
OUTCOMES_PER_REQUEST: Final = 64
PLANNED_CALLS: Final = 64
# A grant is checked against every call of its task that escalates, and read by the person who gives
# it: more than this is a policy of its own.
CONSTRAINTS_PER_GRANT: Final = 32
CONSTRAINT_VALUES: Final = 64
CONSTRAINT_PATTERNS: Final = 64
CONSTRAINT_BYTES: Final = KIB
# What a tool returned is cut here and not refused: the call has happened, the record must not fail.
OUTPUT_BYTES: Final = MIB

_REQUEST_ID: Final = re.compile(r"[\x20-\x7e]*\Z")
_TASK_ID: Final = re.compile(r"[A-Za-z0-9._:-]+\Z")
_NOT_TEXT: Final = re.compile("[\x00\ud800-\udfff]")
_NOT_LINE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Enough to recognise the value, too little to fill a log or a screen with it.
_SHOWN_CHARS: Final = 64


class InvalidInput(ValueError):
    """What a caller sent cannot be accepted; becomes INVALID_ARGUMENT naming the field.

    `field` is the path of the contract's field (`action.arguments_json`), `pointer` the place
    inside it as a JSON Pointer (RFC 6901) where one is known, `problem` what is wrong and `remedy`
    what to do. All four are safe to send back: they show at most a clipped, escaped piece of the
    input. `reason` is the kind of problem for programs.
    """

    def __init__(
        self,
        field: str,
        problem: str,
        remedy: str,
        *,
        pointer: str = "",
        reason: ErrorReason = ErrorReason.FIELD_INVALID,
    ) -> None:
        self.field = field
        self.problem = problem
        self.remedy = remedy
        self.pointer = pointer
        self.reason = reason
        super().__init__(field, problem, remedy, pointer)

    def __str__(self) -> str:
        place = f"{self.field} at {self.pointer}" if self.pointer else self.field
        return f"{place}: {self.problem}; {self.remedy}"


def shown(value: str) -> str:
    """`value` in double quotes for an error text: ASCII, escaped, and clipped to 64 characters."""
    clipped = value[:_SHOWN_CHARS]
    escaped = clipped.encode("unicode_escape").decode("ascii").replace('"', '\\"')
    return f'"{escaped}"' if len(value) <= _SHOWN_CHARS else f'"{escaped}"…'


def check_count(count: int, field: str, limit: int) -> None:
    """Raises InvalidInput where a repeated field has more than `limit` elements."""
    if count > limit:
        raise InvalidInput(
            field,
            f"has {count} elements",
            f"send at most {limit}",
            reason=ErrorReason.TOO_MANY_ELEMENTS,
        )


def too_long(field: str, limit: str, remedy: str) -> InvalidInput:
    """The refusal of what is longer than `limit`, such as `256 bytes`."""
    return InvalidInput(field, f"is longer than {limit}", remedy, reason=ErrorReason.FIELD_TOO_LONG)


def unset(field: str, problem: str, remedy: str) -> InvalidInput:
    """The refusal of a request that lacks what it has to say."""
    return InvalidInput(field, problem, remedy, reason=ErrorReason.FIELD_REQUIRED)


def check_text(
    value: str, field: str, limit: int, *, one_line: bool = False, required: bool = False
) -> None:
    """Raises InvalidInput where `value` is more than `limit` UTF-8 bytes or is not plain text.

    Never allowed: lone surrogates (they have no UTF-8 form) and U+0000 (databases cannot store
    it). With `one_line`, no control character and no line separator either, so that the value can
    forge nothing where it is shown or logged. With `required`, not empty.
    """
    if not value:
        if required:
            raise unset(field, "is empty", "set it")
        return
    # A character is at least one byte, so nothing longer than the limit is ever searched.
    found = None
    if len(value) <= limit:
        found = (_NOT_LINE if one_line else _NOT_TEXT).search(value)
    if found is not None:
        raise InvalidInput(
            field,
            f"has U+{ord(found[0]):04X} at character {found.start()}",
            "remove control characters and lone surrogates",
            reason=ErrorReason.TEXT_NOT_PLAIN,
        )
    if len(value) > limit or (not value.isascii() and len(value.encode()) > limit):
        raise too_long(field, f"{limit:,} bytes", "shorten it")


def check_request_id(value: str, field: str = "request_id") -> None:
    """Raises InvalidInput unless `value` is at most 128 printable ASCII characters.

    Empty passes: it means no idempotency.
    """
    if len(value) > REQUEST_ID_CHARS or _REQUEST_ID.match(value) is None:
        raise InvalidInput(
            field,
            f"is not at most {REQUEST_ID_CHARS} printable ASCII characters",
            "send a UUID or the like, made by the gateway and not by the agent",
        )


def check_task_id(value: str, field: str) -> None:
    """Raises InvalidInput unless `value` is 1 to 128 of `A-Z a-z 0-9 . _ : -`."""
    if len(value) > TASK_ID_CHARS or _TASK_ID.match(value) is None:
        raise InvalidInput(
            field,
            f"is not 1 to {TASK_ID_CHARS} characters of A-Z a-z 0-9 . _ : -",
            "use the id that StartTask returned, or another one of these characters",
            reason=ErrorReason.FIELD_INVALID if value else ErrorReason.FIELD_REQUIRED,
        )
