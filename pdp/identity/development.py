"""Development mode: no authentication, therefore only where no other machine can reach."""

from __future__ import annotations

import ipaddress
import socket

from pdp.domain.limits import SUBJECT_ID_BYTES, InvalidInput
from pdp.domain.names import check_identity
from pdp.domain.values import Caller, Subject
from pdp.identity.address import Address, BadAddress, TcpAddress
from pdp.identity.port import Peer, Unauthenticated

ISSUER = "pdp-dev"
PERSON_METADATA = "x-pdp-dev-identity"

_CALLER = Caller(
    identity=Subject(type="service", id="development", issuer=ISSUER),
    roles=frozenset({"pep", "orchestrator", "approver", "auditor", "admin"}),
    verified_by="development",
)


def identify(peer: Peer) -> Caller:
    """The one caller of development mode: it holds every role."""
    del peer  # Nothing the peer says is believed, and nothing is needed.
    return _CALLER


def person(peer: Peer) -> Subject:
    """The person that the metadata `x-pdp-dev-identity` names, for calls that need one.

    Raises:
        Unauthenticated: it is absent, given twice, or no clear spelling of an identity.
    """
    found = [value for key, value in peer.invocation_metadata() or () if key == PERSON_METADATA]
    if len(found) != 1:
        raise Unauthenticated(
            f"this call needs a person: send the metadata {PERSON_METADATA} once, "
            "with the person's id"
        )
    value = found[0]
    text = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
    try:
        check_identity(text, PERSON_METADATA, SUBJECT_ID_BYTES)
    except InvalidInput as fault:
        raise Unauthenticated(str(fault)) from None
    return Subject(type="user", id=text, issuer=ISSUER)


def person_of(peer: Peer) -> Caller:
    """The caller of what a person has to do: that person, in every role.

    Raises:
        Unauthenticated: as `person`.
    """
    return _as_caller(person(peer))


def person_named(name: str) -> Caller:
    """The caller of what a person does who has only said their name, a clear identity."""
    return _as_caller(Subject(type="user", id=name, issuer=ISSUER))


def _as_caller(subject: Subject) -> Caller:
    return Caller(identity=subject, roles=_CALLER.roles, verified_by=_CALLER.verified_by)


def local_address(address: Address) -> Address:
    """The address to listen on in development mode: a Unix socket or a loopback IP literal.

    A name is resolved here, once, and what it resolved to is what is returned, so that it cannot
    mean another machine's network a moment later.

    Raises:
        BadAddress: other machines could reach it, or the name does not resolve.
    """
    if not isinstance(address, TcpAddress):
        return address
    try:
        found = [ipaddress.ip_address(address.host)]
    except ValueError:
        found = _resolved(address)
    for ip in found:
        if not ip.is_loopback:
            named = "" if str(ip) == address.host else f" (it resolves to {ip})"
            raise BadAddress(
                f"{address}{named} is not a loopback address: development mode has no "
                "authentication; use unix:PATH or 127.0.0.1:PORT, or configure an identity"
            )
    return TcpAddress(str(found[0]), address.port)


def _resolved(address: TcpAddress) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        entries = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as fault:
        raise BadAddress(f"{address}: the host name does not resolve ({fault})") from None
    # IPv4 first: it is what a client that is told the name tries too.
    entries.sort(key=lambda entry: entry[0] is not socket.AF_INET)
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in entries]
