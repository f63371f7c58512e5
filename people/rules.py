"""Pure decisions about people: PINs, ages, phone numbers' shapes, how many wrong tries are too many."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

ROLES = (
    "supervisor",
    "manager",
    "front_desk",
    "kitchen",
    "accountant",
    "practitioner",
    "dispatcher",
    "unit_handler",
    "reviewer",
    "follow_up_caller",
    "mediator",
    "grid_worker",
    "volunteer_coordinator",
    "restricted_officer",
    "editor",
)
TOTP_ROLES = frozenset({"manager", "supervisor", "restricted_officer"})
DESK = frozenset({"front_desk", "manager", "supervisor"})
"""Who serves residents at the desk."""
MANAGERS = frozenset({"manager", "supervisor"})
EVERYONE = frozenset(ROLES)

PIN_TRIES, KIOSK_TRIES, SCAN_TRIES, STAFF_TRIES = 5, 30, 20, 8
PIN_CHANGES, DAY = 5, timedelta(days=1)
"""How often somebody changes their own PIN in a day: each change shows whether a sharer of the number has it."""
WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class PinPolicy:
    """What a centre may set about PINs (`pins.<field>`)."""

    kiosk_tries: int = field(default=KIOSK_TRIES, metadata={"least": 5, "most": 1_000})
    """Wrong tries within a quarter of an hour, whomever they meant, after which PIN entry pauses on a machine."""


def weak_pin(pin: str, born: date) -> str | None:
    """Why a PIN is not taken: `shape`, `birthday`, `simple`; None if it is good."""
    if not (pin.isascii() and pin.isdigit() and 4 <= len(pin) <= 6):
        return "shape"
    if len(set(pin)) == 1 or pin in "01234567890" or pin in "09876543210":
        return "simple"
    forms = {"%m%d", "%d%m", "%y%m", "%Y", "%y%m%d", "%d%m%y", "%Y%m", "%m%d%y"}
    if pin in {born.strftime(form) for form in forms}:
        return "birthday"
    return None


def age_on(born: date, day: date, leap_day_counts_on: str = "03-01") -> int:
    """Full years on a day. Born on 29 February: in other years the birthday counts on `leap_day_counts_on`."""
    month, dom = born.month, born.day
    if (month, dom) == (2, 29) and not _leap(day.year):
        month, dom = (2, 28) if leap_day_counts_on == "02-28" else (3, 1)
    return day.year - born.year - ((day.month, day.day) < (month, dom))


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


@dataclass(frozen=True, slots=True)
class Tries:
    """Wrong tries so far; `blocked_until` in the future means: not now."""

    count: int
    first_at: datetime
    blocked_until: datetime | None


def is_blocked(tries: Tries | None, now: datetime) -> bool:
    """Whether further tries are refused at `now`."""
    return tries is not None and tries.blocked_until is not None and now < tries.blocked_until


def after_wrong(tries: Tries | None, now: datetime, limit: int, window: timedelta = WINDOW) -> Tries:
    """The count after one more wrong try: the `limit`-th within the window blocks for as long again."""
    blocked_and_over = tries is not None and tries.blocked_until is not None and now >= tries.blocked_until
    if tries is None or blocked_and_over or now - tries.first_at > window:
        tries = Tries(0, now, None)
    count = tries.count + 1
    return Tries(count, tries.first_at, now + window if count >= limit else None)
