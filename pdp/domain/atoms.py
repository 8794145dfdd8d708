"""Typed atoms: the one form of an e-mail address, URL, account, path, number, date or plain text.

Two values are the same thing when their atoms are equal, and never because one holds the other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, unquote_to_bytes, urlsplit

import idna

from pdp.domain.atoms_dates import ISO_DATE, day
from pdp.domain.catalogue import ValueType

if TYPE_CHECKING:
    from pdp.domain.canonical import JsonValue

#: Longer plain text is compared by its SHA-256: an index must not hold whole documents.
MAX_PLAIN: Final = 256
#: Longer values of one argument are no address, account or name of anything.
MAX_VALUE: Final = 4096
#: The longest domain (RFC 5321, section 4.5.3.1.2, without the root's dot).
_MAX_DOMAIN: Final = 253
#: The parts of one string that lists several addresses or people.
_MAX_LISTED: Final = 64

# What a reader does not see: format characters (category Cf), variation selectors, fillers.
_HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_MAILBOX = re.compile(r"([^\s@,;<>\"()\[\]\\:]{1,64})@([^\s@,;<>\"()\[\]\\:/?#]{1,253})")
_NAMED_MAILBOX = re.compile(r"(?:\"?[^\"<>@,;]{0,128}\"?\s*)<\s*([^<>\s]{3,320})\s*>")
_IPV6 = re.compile(r"\[?[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}\]?")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{10,30}")
# In upper case one letter can be two.
_IBAN_START = re.compile(r"(?:[ \-\u2010-\u2013]*\w){1,2}[ \-\u2010-\u2013]*\d")
_DIGITS = re.compile(r"\+?\(?\d(?:[ ().\-\u2010-\u2013]{0,2}\d){5,33}")
_DIGIT = re.compile("[0-9]")
_NOT_DIGITS = re.compile(r"\D+")
_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d{1,64})(?:\.\d{1,64})?")
_MONEY = re.compile(
    r"(?:[A-Z]{3}\s?|[$€£¥₹]\s?)?([-+]?[\d.,'\u2019 ]{1,64}?)\s?(?:[A-Z]{3}|[$€£¥₹%])?"
)
_URL_START = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://")
_PLAIN_URL = re.compile(
    r"https?://[a-z0-9]+(?:[.-][a-z0-9]+)+((?:/[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*)*+/?)"
    r"(?:\?[A-Za-z0-9_~.=&-]+)?"
)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DEFAULT_PORT = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
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


def normalise(text: str) -> str:
    """Text as a reader sees it: in Unicode form NFKC (UAX #15), without invisible characters."""
    if text.isascii():
        return text
    if unicodedata.is_normalized("NFKC", text):
        return _HIDDEN.sub("", text)
    return unicodedata.normalize("NFKC", _HIDDEN.sub("", text))


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


def domain(text: str) -> str | None:
    """A domain name or IPv4 address in lower-case ASCII without the root's dot, or None."""
    host = text.removesuffix(".")
    if not host or len(host) > _MAX_DOMAIN:
        return None
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    host = host.lower()
    return host if all(map(_LABEL.fullmatch, host.split("."))) else None


def url(text: str) -> str | None:
    """Scheme, host, port, path and query in the normal form of RFC 3986, section 6.2.

    A fragment is left out: it is not sent. Without a scheme it is `https`. None for what clients
    read differently: userinfo, backslashes, spaces, an encoded dot or slash, a missing host.
    """
    if "://" not in text[:40]:
        text = "https://" + text
    plain = _PLAIN_URL.fullmatch(text)
    if plain is not None and len(text) <= MAX_VALUE:
        return text if plain[1] else text.replace("?", "/?", 1) if "?" in text else text + "/"
    if len(text) > MAX_VALUE or any(character in text for character in '\\ "<>^`{|}\t\r\n'):
        return None
    if not _URL_START.match(text):
        return None
    try:
        split = urlsplit(text)
        port = split.port
    except ValueError:
        return None
    if "@" in split.netloc or "%" in split.netloc or not split.hostname:
        return None
    host = split.hostname if ":" in split.hostname else domain(split.hostname)
    if host is None or re.search(r"%(?:2e|2f|5c|00)", split.path, re.IGNORECASE):
        return None
    shown = f"[{host}]" if ":" in host else host
    shown += "" if port is None or port == _DEFAULT_PORT.get(split.scheme) else f":{port}"
    query = f"?{_escapes(split.query)}" if split.query else ""
    return f"{split.scheme}://{shown}{_dot_segments(_escapes(split.path))}{query}"


def plain_url(text: str) -> bool:
    """Whether a text is a URL in its normal form already: quick, and often no where it is one."""
    found = _PLAIN_URL.fullmatch(text)
    return found is not None and bool(found[1]) and len(text) <= MAX_VALUE


def _escapes(text: str) -> str:
    """Percent-encoding as RFC 3986, section 6.2.2, normalises it; other characters encoded."""

    def plain(match: re.Match[str]) -> str:
        character = unquote_to_bytes(match[0]).decode("latin-1")
        return character if character in _UNRESERVED else match[0].upper()

    text = _ESCAPE.sub(plain, text)
    return text if text.isascii() else quote(text, safe="%/?:@!$&'()*+,;=~-._[]")


def _dot_segments(path: str) -> str:
    """RFC 3986, section 5.2.4."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


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
    if "/" in found and "://" not in found and " " not in found:
        if ".." in found.split("/"):
            return ""
        root = "/" if found[0] == "/" else ""
        found = root + "/".join(step for step in found.split("/") if step not in ("", "."))
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
    if exotic or _HIDDEN.search(value):
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
    code = digits(text)
    return _form(AtomKind.TEXT, plain(text)) if code is None else _form(AtomKind.DIGITS, code)
