"""Typed atoms: the one form of an e-mail address, URL, account, path, number, date or plain text.

Two values are the same thing when their atoms are equal, and never because one holds the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

from pdp.domain.atoms_dates import ISO_DATE, day
from pdp.domain.atoms_url import MAX_VALUE as MAX_VALUE
from pdp.domain.atoms_url import domain as domain
from pdp.domain.atoms_url import url as url
from pdp.domain.catalogue import ValueType
from pdp.domain.normal_form import HIDDEN
from pdp.domain.normal_form import normalise as normalise

if TYPE_CHECKING:
    from pdp.domain.canonical import JsonValue

#: Longer plain text is compared by its SHA-256: an index must not hold whole documents.
MAX_PLAIN: Final = 256
#: The parts of one string that lists several addresses or people.
_MAX_LISTED: Final = 64

_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}")
_MAILBOX = re.compile(r"([^\s@,;<>\"()\[\]\\:]{1,64})@([^\s@,;<>\"()\[\]\\:/?#]{1,253})")
_NAMED_MAILBOX = re.compile(r"(?:\"?[^\"<>@,;]{0,128}\"?\s*)<\s*([^<>\s]{3,320})\s*>")
_IPV6 = re.compile(r"\[?[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}\]?")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{10,30}")
# In upper case one letter can be two.
_IBAN_START = re.compile(r"(?:[ \-\u2010-\u2013]*\w){1,2}[ \-\u2010-\u2013]*\d")
_DIGITS = re.compile(r"\+?\(?\d(?:[ ().\-\u2010-\u2013]{0,2}\d){5,33}")
_DIGITS_BEGIN: Final = frozenset("+(0123456789")
_DIGIT = re.compile("[0-9]")
_NOT_DIGITS = re.compile(r"\D+")
_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d{1,64})(?:\.\d{1,64})?")
_MONEY = re.compile(
    r"(?:[A-Z]{3}\s?|[$€£¥₹]\s?)?([-+]?[\d.,'\u2019 ]{1,64}?)\s?(?:[A-Z]{3}|[$€£¥₹%])?"
)
# Without a step that is empty or begins with a dot.
_PLAIN_PATH = re.compile(r"/?[^/.][^/]*+(?:/[^/.][^/]*+)*+").fullmatch
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.I)
_FILE_OR_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*\.[^\W\d_]\w{1,23}")


class AtomKind(StrEnum):
    """What kinds of values are compared, each in a form of its own.

    `digits` is every code of six digits or more (phone, numeric account, long number); `text` is
    all that has no type of its own: identifiers, UUIDs, paths, file names, handles, names.
    """

    EMAIL = "email"
    URL = "url"
    ACCOUNT = "account"
    DIGITS = "digits"
    NUMBER = "number"
    DATE = "date"
    TEXT = "text"


class Atom(NamedTuple):
    """One value: `key` without case, as occurrences are looked for; `form` as it is written.

    Both begin with the kind and a colon. `form` is empty where the value holds something that a
    reader does not see: it may be recognised, and gains no trust.
    """

    key: str
    form: str

    @property
    def kind(self) -> AtomKind:
        """The kind of value."""
        return _KINDS[self.key.partition(":")[0]]


# Looked up here a member costs a tenth of calling the enumeration.
_KINDS: Final = {one.value: one for one in AtomKind}


def atom(kind: AtomKind, value: str) -> Atom:
    """The atom of a value in its canonical form."""
    form = _form(kind, value)
    return Atom(form.casefold(), form)


def _form(kind: AtomKind, value: str) -> str:
    """A long plain text stands as its digest."""
    if len(value) > MAX_PLAIN:
        value = "sha256-" + sha256(value.casefold().encode("utf-8", "replace")).hexdigest()
    return kind + ":" + value


def email(text: str) -> str | None:
    """An addr-spec without quoting or comments: the case folded, the domain in ASCII (RFC 5891).

    Providers treat letter case in local parts alike, so it is folded; dots and `+tags` reach other
    mailboxes at many of them, so they stay.
    """
    match = _MAILBOX.fullmatch(text)
    if match is None or not _LOCAL.fullmatch(match[1]):
        return None
    host = domain(match[2])
    return None if host is None else f"{match[1].casefold()}@{host}"


def mailbox_parts(text: str) -> tuple[str, ...]:
    """A text, and of a mailbox with a name (`Ann <ann@x.org>`) its name and address as well."""
    if text[-1:] != ">" or _NAMED_MAILBOX.fullmatch(text) is None:
        return (text,)
    name, _, address = text[:-1].rpartition("<")
    return (text, name.strip(' "'), address.strip())


def account(text: str) -> str | None:
    """An IBAN (ISO 13616) or one of its shape, in upper case without spaces.

    The check digits are not looked at: test systems and other countries' accounts fail them.
    """
    if _IBAN_START.match(text) is None:
        return None
    packed = re.sub(r"[ \-\u2010-\u2013]", "", text).upper()
    return packed if packed.isascii() and _IBAN.fullmatch(packed) else None


def digits(text: str) -> str | None:
    """A number of six digits or more that is a name and no amount: phone, account, code."""
    if not text.isascii() or not _DIGITS.fullmatch(text):
        return None
    if text.isdigit():
        return text
    return None if ISO_DATE.fullmatch(text) else _NOT_DIGITS.sub("", text)


def number(text: str) -> str | None:
    """A canonical decimal (`$1,200.50` is 1200.5); a lone comma before one or two digits is one."""
    match = _MONEY.fullmatch(text.strip())
    if match is None:
        return None
    bare = re.sub(r"[ '\u2019]", "", match[1])
    if re.fullmatch(r"[-+]?(?:\d{1,3}(?:\.\d{3})+|\d+),\d{1,2}", bare):
        bare = bare.replace(".", "").replace(",", ".")
    if not _NUMBER.fullmatch(bare):
        return None
    try:
        value = Decimal(bare.replace(",", ""))
    except InvalidOperation:
        return None
    plain = format(value, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "+0") else plain.removeprefix("+")


def plain(text: str) -> str:
    """Text with white space collapsed, a leading `@` or `#` dropped, a path in its normal form.

    Empty where nothing is left, and for a path that climbs with `..`: where that leads depends on
    links that nobody here can see.
    """
    found = " ".join(text.split())
    if found[:1] in ("@", "#") and " " not in found:
        found = found.lstrip("@#") or found
    if "/" in found and "://" not in found and " " not in found and not _PLAIN_PATH(found):
        if ".." in found.split("/"):
            return ""
        root = "/" if found[0] == "/" else ""
        found = root + "/".join([step for step in found.split("/") if step and step != "."])
    return found


def case_matters(form: str) -> bool:
    """Whether two spellings that differ in case are two things: URLs, paths, minted identifiers."""
    kind, _, value = form.partition(":")
    if kind == AtomKind.URL:
        return True
    if kind != AtomKind.TEXT or " " in value or _UUID.fullmatch(value):
        return False
    return (
        "/" in value
        or "\\" in value
        or (_DIGIT.search(value) is not None and _FILE_OR_DOMAIN.fullmatch(value) is None)
    )


def is_strong(key: str) -> bool:
    """Whether an atom is too particular to be met by chance: the principal's word settles it."""
    kind, _, value = key.partition(":")
    if kind in (AtomKind.EMAIL, AtomKind.URL, AtomKind.ACCOUNT, AtomKind.DIGITS):
        return True
    if kind != AtomKind.TEXT or " " in value:
        return False
    if _FILE_OR_DOMAIN.fullmatch(value):
        return len(value) >= 6
    return len(value) >= 8 and (_DIGIT.search(value) is not None or "/" in value)


def is_short(key: str) -> bool:
    """Whether an atom is so short, or so purely numeric, that finding it in text says nothing."""
    kind, _, value = key.partition(":")
    return kind in (AtomKind.NUMBER, AtomKind.DATE) or (
        kind == AtomKind.TEXT and (len(value) < 4 or not re.search(r"[^\W\d_]", value))
    )


_FORMS: Final[dict[ValueType, tuple[tuple[AtomKind, Callable[[str], str | None]], ...]]] = {
    ValueType.EMAIL: ((AtomKind.EMAIL, email),),
    ValueType.ACCOUNT: ((AtomKind.ACCOUNT, account), (AtomKind.DIGITS, digits)),
    ValueType.PHONE: ((AtomKind.DIGITS, digits),),
    ValueType.NUMBER: ((AtomKind.NUMBER, number),),
    ValueType.DATE: ((AtomKind.DATE, day),),
}
#: Where one string may name several, separated by commas or semicolons.
_LISTED: Final = frozenset({ValueType.EMAIL, ValueType.PERSON, ValueType.CHANNEL, ValueType.PHONE})


def value_atoms(value: JsonValue, holds: ValueType) -> tuple[Atom, ...]:
    """The atoms that a whole argument value consists of: every one of them must be accounted for.

    One, except where a string lists several addresses or people. None where the value has no form
    of its type, which then matches nothing.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ()
    if not isinstance(value, str):
        form = number(format(Decimal(repr(value)), "f"))
        if form is None:
            return ()
        return (atom(AtomKind.NUMBER, form) if holds is ValueType.NUMBER else coded(form),)
    if len(value) > MAX_VALUE and holds is not ValueType.TEXT:
        return ()
    seen = normalise(value).strip()
    found = _typed(seen, holds)
    if not found and holds in _LISTED and re.search(r"[,;]", seen):
        parts = [_typed(part.strip(), holds) for part in re.split(r"[,;]", seen) if part.strip()]
        found = tuple(one for part in parts for one in part)
        if len(parts) > _MAX_LISTED or not all(parts):
            return ()
    if value.isascii():
        return found
    # An exotic spelling reaches another place than the plain one does, or the same one in disguise.
    exotic = seen != value.strip() and any(one.kind is not AtomKind.TEXT for one in found)
    if exotic or HIDDEN.search(value):
        return tuple(Atom(one.key, "") for one in found)
    return found


def _typed(text: str, holds: ValueType) -> tuple[Atom, ...]:
    """One value as the type says, else as its own shape says, else as plain text."""
    if not text:
        return ()
    for kind, canonical in _FORMS.get(holds, ()):
        form = canonical(text)
        if form is not None:
            return (atom(kind, form),)
    if holds is ValueType.NUMBER:
        return ()
    if "@" in text and " " not in text.strip("@"):
        form = email(text.removeprefix("mailto:"))
        if form is not None:
            return (atom(AtomKind.EMAIL, form),)
    if holds is ValueType.EMAIL and "@" in text:
        named = _NAMED_MAILBOX.fullmatch(text)
        form = email(named[1]) if named is not None else None
        return () if form is None else (atom(AtomKind.EMAIL, form),)
    if holds is ValueType.URL or "://" in text[:40]:
        form = url(text)
        return () if form is None else (atom(AtomKind.URL, form),)
    if holds is ValueType.DOMAIN:
        form = text.casefold() if _IPV6.fullmatch(text) else domain(text)
        return () if form is None else (atom(AtomKind.TEXT, form),)
    if holds in (ValueType.PERSON, ValueType.CHANNEL) and re.search(r"[,;]", text):
        return ()
    form = account(text) if len(text) <= 42 else None
    if form is not None and holds is not ValueType.PATH:
        return (atom(AtomKind.ACCOUNT, form),)
    one = coded(text)
    return () if one.form == "text:" else (one,)


def coded(text: str) -> Atom:
    """Plain text, or a long number, which is one thing however it is grouped."""
    form = coded_form(text)
    return Atom(form.casefold(), form)


def coded_form(text: str) -> str:
    """The form of `coded`; `text:` where nothing is left of the text."""
    code = digits(text) if text[:1] in _DIGITS_BEGIN else None
    return _form(AtomKind.TEXT, plain(text)) if code is None else _form(AtomKind.DIGITS, code)
