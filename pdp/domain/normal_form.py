"""Text as a reader sees it: Unicode normal forms (UAX #15), in time linear in the text."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

#: What a reader does not see: format characters (category Cf), variation selectors, fillers.
HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Of these, the ones that Python calls printable begin so in UTF-8; others begin so as well.
_PRINTABLE: Final = (
    *(
        b"\xcd\x8f",
        b"\xe1\x85",
        b"\xe1\x9e",
        b"\xe1\xa0",
        b"\xe3\x85",
        b"\xef\xb8",
        b"\xef\xbe\xa0",
    ),
    b"\xf3\xa0",
)
#: White space of ordinary texts, which is not printable.
_SPACES: Final = "\n\r\t\u00a0\u3000"
#: From here on it is quicker to find out first whether there is something to remove.
_LONG: Final = 1024

# `unicodedata` sorts the marks on one letter by inserting one after another: 64 Ki of them take
# seconds. Hebrew with all its signs has 4; the Stream-Safe Text Format (UAX #15, section 13) ends
# a run of marks after 30, which still costs several times as much.
_MOST_MARKS: Final = 8
# What is neither a word character, a space nor ASCII; all combining marks are.
_RUN = re.compile(rf"[^\w\s\x00-\x7f]{{{_MOST_MARKS}}}")
# A run of so many holds two neighbours of every 4th character.
_STEP: Final = _MOST_MARKS // 2
_SAMPLED = re.compile(r"[^\w\s\x00-\x7f]{2}")


def normal_form(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
    """The text in a normal form; a run of more than 8 marks is brought into it piece by piece."""
    if text.isascii() or unicodedata.is_normalized(form, text):
        return text
    if not (_SAMPLED.search(text[::_STEP]) and _RUN.search(text)):
        return unicodedata.normalize(form, text)
    pieces: list[str] = []
    at = 0
    for run in _RUN.finditer(text):
        pieces.append(unicodedata.normalize(form, text[at : run.end()]))
        at = run.end()
    pieces.append(unicodedata.normalize(form, text[at:]))
    return "".join(pieces)


def without_hidden(text: str) -> str:
    """The text without the characters that a reader does not see."""
    if text.isascii() or (len(text) >= _LONG and not _may_hide(text)):
        return text
    return HIDDEN.sub("", text)


def _may_hide(text: str) -> bool:
    seen = text
    for space in _SPACES:
        seen = seen.replace(space, " ")
    if not seen.isprintable():
        return True
    raw = text.encode()
    # The first byte alone is found, or is not, in a tenth of the time.
    return any(sign[:1] in raw and sign in raw for sign in _PRINTABLE)


def normalise(text: str) -> str:
    """Text as a reader sees it: in Unicode form NFKC (UAX #15), without invisible characters."""
    return text if text.isascii() else normal_form("NFKC", without_hidden(text))
