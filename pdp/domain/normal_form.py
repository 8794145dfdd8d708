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


def normalise(text: str) -> str:
    """Text as a reader sees it: in Unicode form NFKC (UAX #15), without invisible characters."""
    return text if text.isascii() else normal_form("NFKC", HIDDEN.sub("", text))
