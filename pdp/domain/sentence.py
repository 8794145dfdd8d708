"""One sentence for people about what a call will do, from the catalogue and its exact arguments."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pdp.domain.atoms import email, url
from pdp.domain.builtin import CHANGE_PHASE, SERVER
from pdp.domain.canonical import canonical
from pdp.domain.catalogue import (
    TOOL_RESOURCE,
    ArgumentKind,
    ArgumentValue,
    Tool,
    ValueType,
    argument_values,
)
from pdp.domain.goal_words import GRAVE, Act
from pdp.domain.tool_acts import acts_of
from pdp.domain.values import ToolClass
from pdp.domain.vocabulary import words

if TYPE_CHECKING:
    from pdp.domain.canonical import JsonValue

#: A longer value is told apart by its beginning; the exact arguments are shown beside the sentence.
MAX_VALUE: Final = 80
#: Of one argument; how many more there are is said.
MAX_VALUES: Final = 6
#: Arguments of one call; likewise.
MAX_ARGUMENTS: Final = 8

#: What would be read as a mark of the sentence, and what shows as nothing or as a space.
_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
_HIDING: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
#: Nothing of a sentence could be forged with these alone.
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,62}")
_PLAIN_MAILBOX: Final = re.compile(r"[A-Za-z0-9_.+-]{1,64}@[A-Za-z0-9.-]{1,253}")

_TO: Final = words("to recipient recipients receiver receivers addressee addressees")

_VERBS: Final = {
    Act.DELETE: "Delete",
    Act.PAY: "Pay",
    Act.BUY: "Order",
    Act.CANCEL: "Cancel",
    Act.MERGE: "Merge",
    Act.RUN: "Run",
    Act.REVOKE: "Take away access",
    Act.GRANT: "Give access",
    Act.INVITE: "Invite",
    Act.SHARE: "Share",
    Act.FORWARD: "Forward",
    Act.REPLY: "Reply",
    Act.POST: "Post",
    Act.SEND: "Send",
    Act.BOOK: "Book",
    Act.SCHEDULE: "Schedule",
    Act.APPROVE: "Approve",
    Act.CLOSE: "Close",
    Act.CHANGE: "Change",
    Act.CREATE: "Create",
}
_CLASS_VERBS: Final = {
    ToolClass.READ: "Look",
    ToolClass.DRAFT: "Draft",
    ToolClass.WRITE: "Change",
    ToolClass.SEND: "Send",
    ToolClass.EXECUTE: "Run",
    ToolClass.ADMIN: "Change who may do what",
}
#: Acts that a tool of these classes is known for; what else it may do, its class says better.
_NAMED_CLASSES: Final = frozenset({ToolClass.WRITE, ToolClass.SEND, ToolClass.ADMIN})


def sentence(
    tool: Tool | None,
    server: str,
    name: str,
    arguments: Mapping[str, JsonValue],
    resource_type: str,
    resource_id: str,
) -> str:
    """What will happen if the call is made, as one line of plain text.

    Never the agent's own words as fact: content is left out, values are quoted and clipped, and
    what a reader would not see in them is shown as an escape. `tool` is None where the catalogue
    has no such tool, or no longer as it was.
    """
    called = f"{visible(server)}/{visible(name)}" if server else visible(name)
    if tool is None:
        if server == SERVER:
            return _builtin(name, called, arguments)
        return f"Call {called}, of which the catalogue knows nothing{_all(arguments)}."
    told = _told(tool, arguments)
    if not told and resource_type not in ("", TOOL_RESOURCE):
        told = f" on {visible(resource_type)} {quoted(resource_id)}"
    return f"{_verb(tool)} with {called}{told}: {_consequence(tool)}."


def visible(text: str) -> str:
    r"""Text on one line in which nothing hides: control, direction-changing, zero-width and other
    characters that show as nothing or as a space become escapes (`\n`, `\u202e`).
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_seen, text))


def quoted(value: str) -> str:
    """A value in double quotes, visible and clipped to MAX_VALUE characters; unquoted where plain.

    Where an address or URL has other letters than ASCII, what it reaches stands behind it in ASCII:
    letters of several scripts look alike.
    """
    if _PLAIN.fullmatch(value) or _PLAIN_MAILBOX.fullmatch(value):
        return value if len(value) <= MAX_VALUE else _clipped(value)
    return _clipped(value) + _reaching(value)


def _clipped(value: str) -> str:
    shown = visible(value[:MAX_VALUE].replace("\\", "\\\\").replace('"', '\\"'))
    if len(value) <= MAX_VALUE:
        return f'"{shown}"'
    return f'"{shown}…" ({len(value):,} characters)'


def _reaching(value: str) -> str:
    if value.isascii() or len(value) > MAX_VALUE:
        return ""
    form = email(value) if "@" in value else url(value) if "." in value else None
    if form is None:
        return ""
    return f" (that is {form.encode('unicode_escape').decode('ascii')})"


def _seen(character: str) -> str:
    if character == " " or not (
        unicodedata.category(character) in _HIDING or _UNSEEN.match(character)
    ):
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _verb(tool: Tool) -> str:
    if tool.tool_class in _NAMED_CLASSES:
        acts = acts_of(tool)
        for act, verb in _VERBS.items():
            if act in acts and (act in GRAVE or tool.tool_class is not ToolClass.ADMIN):
                return verb
    if tool.tool_class is ToolClass.READ and tool.egress:
        return "Fetch"
    return _CLASS_VERBS[tool.tool_class]


def _consequence(tool: Tool) -> str:
    ends = "can be taken back" if tool.reversible else "cannot be taken back"
    if tool.tool_class is ToolClass.READ:
        return "what is asked for goes out" if tool.egress else "this only looks"
    if tool.tool_class is ToolClass.EXECUTE:
        return f"this runs what it is given and {ends}"
    if tool.tool_class is ToolClass.ADMIN:
        return f"this changes who may do what and {ends}"
    if tool.egress or tool.tool_class is ToolClass.SEND:
        return f"this goes out and {ends}"
    if tool.tool_class is ToolClass.DRAFT:
        return "this is a draft that nobody else sees yet"
    return f"this {ends}"


def _told(tool: Tool, arguments: Mapping[str, JsonValue]) -> str:
    """Where the effect goes, what it is about and how large it is, in the order of importance."""
    groups: dict[str, list[ArgumentValue]] = {}
    for leaf in argument_values(tool, arguments):
        kind = leaf.role.kind if leaf.role is not None else None
        if kind not in (ArgumentKind.CONTENT, ArgumentKind.OPTION):
            groups.setdefault(leaf.pointer.split("/")[1], []).append(leaf)
    ordered = sorted(groups.items(), key=lambda group: _rank(tool, *group))
    phrases = [_phrase(tool, token, leaves) for token, leaves in ordered[:MAX_ARGUMENTS]]
    return _joined(phrases, len(ordered))


def _joined(phrases: Sequence[str], count: int) -> str:
    if not phrases:
        return ""
    if count > len(phrases):
        more = count - len(phrases)
        phrases = [*phrases, f"and {more} more argument{'' if more == 1 else 's'}"]
    return " " + ", ".join(phrases)


def _rank(tool: Tool, token: str, leaves: Sequence[ArgumentValue]) -> int:
    role = leaves[0].role
    if role is None:
        return 3
    if _is_recipient(tool, token):
        return 0
    return 1 if role.kind is ArgumentKind.SINK else 2


def _is_recipient(tool: Tool, token: str) -> bool:
    return tool.tool_class is ToolClass.SEND and token.lower() in _TO


def _phrase(tool: Tool, token: str, leaves: Sequence[ArgumentValue]) -> str:
    values = _listed([_text(leaf.value) for leaf in leaves])
    role = leaves[0].role
    name = _plain_name(token)
    if role is None:
        return f"undeclared {name} {values}"
    if _is_recipient(tool, token):
        return f"to {values}"
    if role.kind is ArgumentKind.IDENTIFIER:
        return f"what {name} {values} names"
    if role.kind is ArgumentKind.SINK and role.holds is ValueType.SECRET:
        return f"{name} (a secret)"
    return f"{name} {values}"


def _plain_name(token: str) -> str:
    """An argument's own name, from its reference token (RFC 6901)."""
    return quoted(token.replace("~1", "/").replace("~0", "~"))


def _listed(values: Sequence[str]) -> str:
    shown = [quoted(value) for value in dict.fromkeys(values)]
    more = len(shown) - MAX_VALUES
    return ", ".join(shown[:MAX_VALUES]) + (f" and {more} more" if more > 0 else "")


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else canonical(value).decode()


def _all(arguments: Mapping[str, JsonValue]) -> str:
    """All arguments by name, where nothing is known of them."""
    shown = [
        f"{quoted(name)} {quoted(_text(value))}"
        for name, value in list(arguments.items())[:MAX_ARGUMENTS]
    ]
    return f", with{_joined(shown, len(arguments))}" if shown else ""


def _builtin(name: str, called: str, arguments: Mapping[str, JsonValue]) -> str:
    if name != CHANGE_PHASE:
        return f"Act on the task itself with {called}{_all(arguments)}."
    phase = arguments.get("phase")
    plan = arguments.get("plan")
    count = len(plan) if isinstance(plan, list) else 0
    calls = f", to make {count} planned call{'' if count == 1 else 's'}" if count else ""
    return f"Let the task go on to the phase {quoted(_text(phase))}{calls}."
