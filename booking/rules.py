"""Pure decisions about bookings. `now` and policy are arguments; moments are aware, intervals half-open."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import pairwise

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class BookingPolicy:
    """The house's numbers (`booking.<field>`), with their defaults. Minutes unless the name says otherwise."""

    hold_seconds: int = 120
    undo_seconds: int = 60
    min_minutes: int = field(default=60, metadata={"least": 1})
    max_minutes: int = field(default=240, metadata={"least": 1})
    buffer_minutes: int = 0
    horizon_days: int = 7
    release_at: time = time(10, 0)
    walk_in_until: time | None = None
    adapted_until: time | None = time(10, 0)
    day_bookings: int = 2
    day_minutes: int = 480
    check_in_before: int = 30
    check_in_after: int = 30
    free_cancel: int = 60
    violation_days: int = 30


MOVES: dict[str, frozenset[str]] = {
    "booked": frozenset({"in_use", "cancelled", "no_show"}),
    "in_use": frozenset({"left", "cancelled"}),
    "left": frozenset(),
    "cancelled": frozenset(),
    "no_show": frozenset({"in_use"}),
}
"""Every legal move; `in_use → cancelled` is the undo of «现在就用», `no_show → in_use` staff's for latecomers."""


def may_move(state: str, to: str) -> bool:
    """Whether a booking may go from one state to another."""
    return to in MOVES[state]


def is_live(state: str) -> bool:
    """Booked or in use: it occupies its place."""
    return state in {"booked", "in_use"}


def counts_for_day(state: str) -> bool:
    """Whether it counts against the day's limits: cancelling restores the right, not coming does not."""
    return state != "cancelled"


def missed(state: str, check_in_until: datetime, now: datetime) -> bool:
    """Nobody came in time. Both ends of the check-in window are inside it."""
    return state == "booked" and now > check_in_until


def in_window(opens: datetime, until: datetime, now: datetime) -> bool:
    """Whether one may check in now; both ends included."""
    return opens <= now <= until


def staff_check_in_from(opens: datetime, day_start: datetime) -> datetime:
    """From when staff may check somebody in: the start of the booking's day, or the window where it opens earlier."""
    return min(opens, day_start)


def pieces(start: datetime, end: datetime, longest: int, step: int) -> list[Span]:
    """An opening as what is offered in one tap: whole, or cut evenly by the step where it is longer than `longest`."""
    total = int((end - start) / timedelta(minutes=1))
    parts = max(1, -(-total // longest))
    while True:
        steps = [(total * n // parts) // step * step for n in range(parts)] + [total]
        if parts * step >= total or all(b - a <= longest for a, b in pairwise(steps)):
            break
        parts += 1
    marks = [start + timedelta(minutes=minutes) for minutes in steps]
    return [(a, b) for a, b in pairwise(marks) if a < b]


def on_step(moment: datetime, day_start: datetime, step: int) -> bool:
    """Whether a moment lies on the grid of the space, counted from local midnight."""
    return (moment - day_start) % timedelta(minutes=step) == timedelta()


def next_step(moment: datetime, day_start: datetime, step: int) -> datetime:
    """The first moment on the grid that is not before `moment`."""
    over = (moment - day_start) % timedelta(minutes=step)
    return moment if not over else moment + timedelta(minutes=step) - over


def step_before(moment: datetime, day_start: datetime, step: int) -> datetime:
    """The last moment on the grid that is not after `moment`."""
    return moment - (moment - day_start) % timedelta(minutes=step)


def why_not(
    span: Span,
    openings: Sequence[Span],
    policy: BookingPolicy,
    step: int,
    day_start: datetime,
    released_at: datetime,
    now: datetime,
    *,
    use_now: bool = False,
) -> str | None:
    """Why `span` cannot be booked by a resident, whoever has the place: a code of `REASONS`, or None.

    day_start: local midnight of its day. released_at: from when its day may be booked. use_now: it began a moment ago.
    """
    start, end = span
    minutes = (end - start) / timedelta(minutes=1)
    if start >= end or minutes % 1:
        return "times_odd"
    if end <= now or (start < now and not use_now):
        return "past"
    if not any(a <= start and end <= b for a, b in openings):
        return "closed"
    if now < released_at:
        return "too_early"
    if use_now:
        return "past" if now - start >= timedelta(minutes=step) else None
    if not on_step(start, day_start, step) or not (
        on_step(end, day_start, step) or any(end == b for _, b in openings)
    ):
        return "off_step"
    if minutes < policy.min_minutes:
        return "too_short"
    return "too_long" if minutes > policy.max_minutes else None


def kept_for(
    *,
    walk_in: bool,
    wheelchair: bool,
    at_kiosk_same_day: bool,
    needs_adapted: bool | None,
    walk_in_until: datetime | None,
    adapted_until: datetime | None,
    now: datetime,
) -> str | None:
    """For whom a unit is kept back from this person: `walk_in`, `wheelchair`, or None.

    needs_adapted: None while we do not know who it is; they may hold the seat, the confirm decides.
    """
    if walk_in and not at_kiosk_same_day and walk_in_until is not None and now < walk_in_until:
        return "walk_in"
    if wheelchair and needs_adapted is False and adapted_until is not None and now < adapted_until:
        return "wheelchair"
    return None


def over_limit(others: Sequence[int], minutes: int, policy: BookingPolicy) -> str | None:
    """Whether one more booking of `minutes` is too much beside the day's others (their minutes): a code or None."""
    if len(others) + 1 > policy.day_bookings:
        return "day_bookings"
    return "day_minutes" if sum(others) + minutes > policy.day_minutes else None


def used_minutes(start: datetime, end: datetime, left_at: datetime | None) -> int:
    """What a booking counts against the day: all of it, or until the person left."""
    until = end if left_at is None else max(start, min(left_at, end))
    return int((until - start) / timedelta(minutes=1))


def free_from(now: datetime) -> datetime:
    """From when others may have what is given back now: «现在就用» begins with the running minute, not after it."""
    return now.replace(second=0, microsecond=0)


def check_in_window(start: datetime, booked_at: datetime, policy: BookingPolicy) -> Span:
    """From when until when one may check in. Booked after the start: counted from then."""
    base = max(start, booked_at)
    return start - timedelta(minutes=policy.check_in_before), base + timedelta(minutes=policy.check_in_after)


def is_late_cancel(free_cancel_until: datetime, undo_until: datetime, now: datetime) -> bool:
    """Whether taking back now is a violation: within the undo it never is."""
    return now > free_cancel_until and now > undo_until
