"""Pure decisions about screens and visits."""

from datetime import datetime, timedelta

KIOSK_SILENCE = timedelta(seconds=150)
PHONE_LENGTH = timedelta(hours=20)
PAIRING_LENGTH = timedelta(minutes=10)
PAIRING_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
AMBER, RED = timedelta(seconds=90), timedelta(minutes=5)
SEEN_EVERY = timedelta(seconds=30)
IDLE_WARN, IDLE_WARN_PERSONAL, IDLE_WIPE = 60, 30, 30
"""Seconds of silence until the warning (shorter while personal data shows), and from there to the wipe."""


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
    """The other way round: how a screen is set now, as a card carries it.

    >>> settings_of(prefs_of({"large_type": True, "contrast": "high", "lower_half": False}))
    {'large_type': True, 'contrast': 'high', 'lower_half': False}
    """
    return {
        "large_type": prefs["text"] == "elder",
        "contrast": prefs["contrast"],
        "lower_half": prefs["reach"] == "low",
    }
