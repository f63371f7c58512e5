"""POSTs to other machines: no redirect is followed, nothing waits long, and in production nothing inside is reached.

Only addresses that an operator or a manager has set are ever asked for, none that a resident gave.
"""

import http.client
import ipaddress
import json
import socket
import ssl
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

TIMEOUT = 10
ANSWER_MOST = 64 * 1024
FOR_EVER = frozenset({400, 401, 403, 404, 405, 410, 413, 415, 422})
"""Answers that will not change by asking again."""


class NotTaken(OSError):
    """The other side did not take it; another try may."""


class NeverTaken(NotTaken):
    """The other side will not take it, however often it is asked."""


class NotAllowed(NeverTaken):
    """The address is none that this house may ask for."""


def checked(url: str, *, inside: bool) -> SplitResult:
    """The parts of an address that may be asked for. inside: this machine, private networks and plain HTTP may be.

    Raises `NotAllowed`. Names are looked up when the request is made, not here.
    """
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        raise NotAllowed("the address cannot be read") from None
    if parts.scheme not in ({"http", "https"} if inside else {"https"}) or not parts.hostname:
        raise NotAllowed("the address must begin with https://")
    if (
        parts.username
        or parts.password
        or parts.fragment
        or not url.isascii()
        or not url.isprintable()
        or " " in url
    ):
        raise NotAllowed("the address may carry no password, no fragment and no odd signs")
    try:
        found = ipaddress.ip_address(parts.hostname)
    except ValueError:
        return parts
    if not (inside or found.is_global):
        raise NotAllowed("the address lies inside")
    return parts


def post_json(
    url: str, body: bytes, headers: Mapping[str, str], *, inside: bool, timeout: float = TIMEOUT
) -> bytes:
    """POST `body`; returns what was answered with 2xx. Raises `NotTaken` or an `OSError`.

    The name is looked up once, and the very machine that was checked is spoken to.
    """
    parts = checked(url, inside=inside)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    where = _machine(host, port, inside=inside)
    connection = (
        http.client.HTTPSConnection(host, port, timeout=timeout, context=ssl.create_default_context())
        if secure
        else http.client.HTTPConnection(host, port, timeout=timeout)
    )
    connection._create_connection = lambda _address, *_rest: socket.create_connection(  # type: ignore[attr-defined]
        where, timeout
    )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        said = answer.read(ANSWER_MOST)
    except http.client.HTTPException as fault:
        raise NotTaken(f"no answer that can be read ({type(fault).__name__})") from None
    finally:
        connection.close()
    if 200 <= answer.status < 300:
        return said
    kind = NeverTaken if answer.status in FOR_EVER else NotTaken
    raise kind(f"answered {answer.status}")


def _machine(host: str, port: int, *, inside: bool) -> tuple[str, int]:
    """The first address of a name that may be spoken to. One that leads inside spoils them all."""
    found = [row[4] for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not inside and any(not ipaddress.ip_address(one[0]).is_global for one in found):
        raise NotAllowed("the name leads inside")
    return str(found[0][0]), port


def as_json(what: Mapping[str, object]) -> bytes:
    """The body of a request."""
    return json.dumps(dict(what), ensure_ascii=False, separators=(",", ":")).encode()
