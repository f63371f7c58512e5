"""Pure decisions about screens and visits."""

import ipaddress
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

KIOSK_SILENCE = timedelta(seconds=150)
PHONE_LENGTH = timedelta(hours=20)
PAIRING_LENGTH = timedelta(minutes=10)
PAIRING_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
AMBER, RED = timedelta(seconds=90), timedelta(minutes=5)
SEEN_EVERY = timedelta(seconds=30)
IDLE_WARN, IDLE_WARN_PERSONAL, IDLE_WIPE = 60, 30, 30
"""Seconds of silence until the warning (shorter while personal data shows), and from there to the wipe."""

NOTICE_LENGTH, NOTICE_SHOWN = 60, timedelta(minutes=10)
"""How long a sentence of staff on a kiosk may be, and how long it stands there."""

PAPER_WIDTHS = (58, 80)
PRINTER_PORT = 9100
SLIP_WAITS = timedelta(seconds=60)
"""So long a slip may come out: then whoever asked for it has gone, and the next one stands there."""
SLIP_SHOWN = timedelta(minutes=10)
"""So long a kiosk's page tells what became of a slip."""
CLAIM = timedelta(seconds=10)
"""So long a slip belongs to the process that prints it; if that was killed, another prints it after this."""
TRY_AGAIN = timedelta(seconds=3)
HOST = re.compile(r"(?=.{1,58}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
METADATA = frozenset({"100.100.100.200", "168.63.129.16"})
"""Where clouds answer their machines, beside the link-local addresses."""


@dataclass(frozen=True)
class KioskPolicy:
    """The shell's own rules (`kiosk.<field>`)."""

    prints: str = field(default="always", metadata={"choices": ("always", "asked")})
    """Whether a kiosk with a printer prints each slip by itself, or when it is asked to."""


def printer_address(text: str) -> tuple[str, int]:
    """`10.0.0.7`, `printer.lan:9100` → host and port. Raises ValueError: only IPv4 and names, ports 1 to 65535."""
    host, colon, port = text.strip().lower().partition(":")
    if colon and not re.fullmatch(r"[0-9]{1,5}", port):
        raise ValueError("port")
    number = int(port) if colon else PRINTER_PORT
    if not 1 <= number <= 65535:
        raise ValueError("port")
    try:
        return str(ipaddress.IPv4Address(host)), number
    except ValueError:
        if HOST.fullmatch(host):
            return host, number
        raise


def may_print_at(host: str, *, inside: bool) -> bool:
    """Whether a printer may stand at an IPv4 address, or bear a name. inside: on this very machine too, for the demo.

    What a name leads to is looked at again when it is spoken to.
    """
    try:
        found = ipaddress.IPv4Address(host)
    except ValueError:
        return inside or not (host == "localhost" or host.endswith(".localhost"))
    if found.is_link_local or found.is_multicast or found.is_unspecified or found.is_reserved:
        return False
    return str(found) not in METADATA and (inside or not found.is_loopback)


def visit_ends(started: datetime, now: datetime, at_kiosk: bool) -> datetime:
    """When a visit ends by itself: at a kiosk if nothing more comes, on a phone so long after it began, whatever comes.

    Whether the browser still runs does not matter.
    """
    return now + KIOSK_SILENCE if at_kiosk else started + PHONE_LENGTH


def device_state(seen_at: datetime, now: datetime) -> str:
    """`ok`, `late` (amber) or `lost` (red), by how long a kiosk has been silent."""
    silence = now - seen_at
    return "lost" if silence > RED else "late" if silence > AMBER else "ok"


def were_all_out(outages: list[list[tuple[datetime, datetime]]], start: datetime, end: datetime) -> bool:
    """Whether a centre's kiosks failed people in `[start, end]`: each of them (a list each) was out in it at some time.

    A centre without kiosks never fails: people check in by phone or at the desk.
    """
    return bool(outages) and all(
        any(begins <= end and start < ends for begins, ends in device) for device in outages
    )


def prefs_of(settings: dict[str, object]) -> dict[str, str]:
    """What a card's settings set on a screen."""
    return {
        "text": "elder" if settings.get("large_type") else "normal",
        "contrast": "high" if settings.get("contrast") == "high" else "normal",
        "reach": "low" if settings.get("lower_half") else "normal",
    }


def settings_of(prefs: dict[str, str]) -> dict[str, object]:
    """The other way round: how a screen is set now, as a card carries it."""
    return {
        "large_type": prefs["text"] == "elder",
        "contrast": prefs["contrast"],
        "lower_half": prefs["reach"] == "low",
    }
