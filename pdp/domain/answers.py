"""What an answer says of the one thing it was asked for: whom its fields name, where it is found.

"Mail the customer of order AB-1234" chooses the address that the order itself gives for its
customer, and no other that is written in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from pdp.domain.definition import singular, split_words
from pdp.domain.vocabulary import words

#: What people are to a thing: a goal says it ("the customer of"), and a field is called by it.
_RELATIONS: Final = words(
    "customer client buyer purchaser shopper guest visitor passenger traveller tenant patient "
    "member subscriber student applicant candidate donor requester requestor reporter sender "
    "author submitter creator owner holder assignee reviewer approver organizer organiser host "
    "driver manager lead supplier vendor seller merchant carrier landlord contact recipient "
    "addressee employee attendee participant caller inviter kunde kundin absender cliente "
    "remitente destinataire expediteur"
)
_REACHING: Final = words("email mail handle username login phone mobile telephone")
_NAMES: Final = words("name fullname displayname realname")
_LINKS: Final = words("url link permalink href uri weburl htmlurl")
_ADDRESS: Final = re.compile(r"[^\s@<>\",;]{1,64}@[^\s@<>\",;]{1,253}")
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ().-]{5,24}")
_HANDLE: Final = re.compile(r"@?[\w.-]{3,64}")
#: How deep the parts of one thing lie, and how many a thing has.
_MAX_DEPTH, _MAX_PARTS = 3, 128
#: A longer text is none of its values.
_MAX_TEXT: Final = 4096

#: The one thing that an answer is: its texts and the things in it, by name, each at most 4096 long.
Thing: TypeAlias = dict[str, Any]


def described(
    thing: Thing | None, said: Callable[[str], bool], addressed: Callable[[str], bool]
) -> list[str]:
    """Addresses, phones and handles of whom the principal meant by the thing that was looked up.

    That is whoever stands in it under a word by which the principal wants them told something, or
    by a whole name that the principal gave; nobody where the answer is no thing that the principal
    identified, or gives two addresses for them. `said` tells of a value, `addressed` of a word.
    """
    if thing is None:
        return []
    found: dict[str, set[str]] = {"@": set(), "+": set(), "": set()}
    for holder, above in _holders(thing):
        by_name: bool | None = None
        for key, value in holder.items():
            kind = _reaching(key, value)
            if kind is None:
                continue
            named = {singular(word) for word in split_words(key[:64])} & _RELATIONS | above
            if by_name is None:
                by_name = _bears_name(holder, said)
            if by_name or any(map(addressed, named)):
                found[kind].add(value)
    meant = [value for values in found.values() if len(values) == 1 for value in values]
    return meant if meant and _is_identified(thing, said) else []


def given_links(thing: Thing | None, said: Callable[[str], bool] | None = None) -> list[str]:
    """The links that a server gives to the thing that a call made, and to nothing inside it.

    With `said`, to the thing that it looked up, where the principal identified that.
    """
    links = [
        value
        for key, value in (thing or {}).items()
        if isinstance(value, str) and "://" in value[:12] and _last(key) in _LINKS
    ]
    return links if thing and links and (said is None or _is_identified(thing, said)) else []


def _is_identified(thing: Thing, said: Callable[[str], bool]) -> bool:
    return any(
        isinstance(value, str) and re.search(r"\d", value) and len(value) < 256 and said(value)
        for value in thing.values()
    )


def own_values(thing: Thing | None) -> list[str]:
    """What a thing that is the account itself gives as its own, and not as somebody related."""
    return [
        value
        for key, value in (thing or {}).items()
        if isinstance(value, str)
        and _RELATIONS.isdisjoint(singular(word) for word in split_words(key[:64]))
    ]


def one_thing(answer: object) -> Thing | None:
    """The one object of an answer, without what it is wrapped in; None where it is no such thing.

    Lists hold other things, and are left out.
    """
    for _ in range(_MAX_DEPTH):
        if isinstance(answer, list) and len(answer) == 1:
            (answer,) = answer
        elif isinstance(answer, dict) and len(answer) == 1:
            (below,) = answer.values()
            if not isinstance(below, dict | list):
                break
            answer = below
    return _kept(answer, 0) if isinstance(answer, dict) and len(answer) <= _MAX_PARTS else None


def _kept(node: Mapping[str, Any], depth: int) -> Thing:
    kept: Thing = {}
    for key, value in node.items():
        if isinstance(value, str) and len(value) <= _MAX_TEXT:
            kept[key] = value
        elif isinstance(value, dict) and len(value) <= _MAX_PARTS and depth < _MAX_DEPTH:
            kept[key] = _kept(value, depth + 1)
    return kept


def _holders(thing: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], frozenset[str]]]:
    """The objects of a thing, each with the words for its relation; lists hold other things."""
    pending: list[tuple[Mapping[str, Any], frozenset[str], int]] = [(thing, frozenset(), 0)]
    visited = 0
    while pending and visited < _MAX_PARTS:
        holder, above, depth = pending.pop()
        visited += 1
        yield holder, above
        for key, value in holder.items() if depth < _MAX_DEPTH else ():
            if isinstance(value, dict) and len(value) <= _MAX_PARTS:
                relation = {singular(word) for word in split_words(key[:64])} & _RELATIONS
                pending.append((value, frozenset(relation) or above, depth + 1))


def _bears_name(holder: Mapping[str, Any], said: Callable[[str], bool]) -> bool:
    return any(
        " " in value and said(value)
        for key, value in holder.items()
        if isinstance(value, str) and len(value) < 128 and _last(key) in _NAMES
    )


def _reaching(key: str, value: object) -> str | None:
    """Which way a field's value reaches somebody: an address, a phone, a handle."""
    if not isinstance(value, str) or not 2 < len(value) < 320:
        return None
    last = _last(key)
    if last not in _REACHING and last not in _RELATIONS:
        return None
    if _ADDRESS.fullmatch(value) is not None:
        return "@"
    if _PHONE.fullmatch(value) is not None:
        return "+"
    return "" if _HANDLE.fullmatch(value) is not None else None


def _last(key: str) -> str:
    return singular((split_words(key[:64]) or ("",))[-1])
