"""Dates in the one form in which they are compared."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

#: A date as ISO 8601 writes it or nearly so, with or without a time of day.
ISO_DATE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].{0,40})?")
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)
_DAY, _MONTH = r"(\d{1,2})(?:st|nd|rd|th|\.)?", r"([a-z]{3,9})\.?"
_WORDED_DATES = (
    (re.compile(rf"{_MONTH} {_DAY},?(?: (\d{{4}}))?"), (3, 1, 2)),
    (re.compile(rf"{_DAY} (?:of )?{_MONTH},?(?: (\d{{4}}))?"), (3, 2, 1)),
)


def day(text: str) -> str | None:
    """A date as `YYYY-MM-DD`, or `--MM-DD` where no year is given; a time of day is left out."""
    match = ISO_DATE.fullmatch(text)
    if match is not None:
        return _day(match[1], int(match[2]), match[3])
    folded = " ".join(text.casefold().split())
    for pattern, (year, month, day_of_month) in _WORDED_DATES:
        match = pattern.fullmatch(folded)
        if match is not None:
            named = [at for at, name in enumerate(_MONTHS, 1) if name.startswith(match[month][:3])]
            spelt = named and (match[month] in (_MONTHS[named[0] - 1], "sept"))
            if named and (spelt or len(match[month]) == 3):
                return _day(match[year], named[0], match[day_of_month])
    return None


def _day(year: str | None, month: int, day_of_month: str) -> str | None:
    try:
        found = date(int(year) if year else 2000, month, int(day_of_month))
    except ValueError:
        return None
    return found.isoformat() if year else f"--{found.month:02}-{found.day:02}"
