"""When a space is open and what is offered on a day: the calendar, the hours and the policies put together."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from booking.models import Space, SpaceHours
from booking.rules import BookingPolicy, next_step, pieces
from centres.policies import policies_by_day
from centres.queries import Week, day_kinds, one_offs, openings
from centres.rules import DayKind
from core.clock import at, day_bounds, local_day
from core.database import db
from core.i18n import pick
from core.intervals import Interval
from core.kept import Kept, keep_true
from core.words import part_of_day


@dataclass(frozen=True, slots=True)
class Session:
    """One stretch that is offered in one tap. `usual` keeps its full length where `span` has begun already."""

    span: Interval
    usual: Interval
    name: str
    over: bool
    running: bool


@dataclass(frozen=True, slots=True)
class SpaceDay:
    """A space on one local day: its rules, openings, and why it is closed where it is."""

    space: Space
    day: date
    zone: str
    policy: BookingPolicy
    kind: DayKind
    openings: Sequence[Interval]
    start: datetime
    end: datetime
    closed_zh: str = ""
    closed_en: str = ""

    @property
    def released_at(self) -> datetime:
        """From when this day may be booked."""
        return at(self.day - timedelta(days=self.policy.horizon_days), self.policy.release_at, self.zone)

    @property
    def walk_in_until(self) -> datetime | None:
        """Until when walk-in seats are kept."""
        wall = self.policy.walk_in_until
        return at(self.day, wall, self.zone) if wall else None

    @property
    def adapted_until(self) -> datetime | None:
        """Until when adapted seats are kept."""
        wall = self.policy.adapted_until
        return at(self.day, wall, self.zone) if wall else None

    @property
    def spans(self) -> list[tuple[datetime, datetime]]:
        return [(opening.start, opening.end) for opening in self.openings]

    @property
    def closed_reason(self) -> str:
        """Why the space is closed all day, for the reader; '' where no reason was given."""
        return pick(self.closed_zh, self.closed_en) if self.closed_zh else ""

    def holds(self, start: datetime, end: datetime) -> bool:
        """Whether `[start, end)` lies inside one opening."""
        return any(opens <= start and end <= closes for opens, closes in self.spans)

    def buffered(self, end: datetime) -> datetime:
        """When the unit is free again after a use that ends at `end`; may pass closing time."""
        return end + timedelta(minutes=self.policy.buffer_minutes)


def space_hours(space_id: int) -> Week:
    """Weekday → openings of a space."""
    week: Week = defaultdict(list)
    for row in db.session.execute(
        select(SpaceHours.weekday, SpaceHours.opens, SpaceHours.closes).where(SpaceHours.space_id == space_id)
    ):
        week[row.weekday].append((row.opens, row.closes))
    return week


Frame = tuple[date, str, BookingPolicy, DayKind, Sequence[Interval], datetime, datetime, str, str]
"""A `SpaceDay` without its space: plain values that may be kept."""
FRAMES: Kept[tuple[object, ...], list[Frame]] = Kept(256)


def space_days(space: Space, first: date, last: date) -> list[SpaceDay]:
    """The space on each day from `first` to `last`, both included. Kept under the centre's `settings_version`."""
    key = (space.id, space.code, first, last, space.centre.zone, space.centre.settings_version)
    frames = FRAMES.get(key)
    if frames is None:
        frames = _frames(space, first, last)
        keep_true(FRAMES, key, frames, counted_at_once=True)
    return [SpaceDay(space, *frame) for frame in frames]


def _frames(space: Space, first: date, last: date) -> list[Frame]:
    """Some six queries, however many days."""
    zone = space.centre.zone
    kinds = day_kinds(space.centre_id, first, last)
    week = space_hours(space.id)
    start, end = day_bounds(first, zone)[0], day_bounds(last, zone)[1]
    exceptions = one_offs(space.centre_id, start, end, space.code)
    rules = policies_by_day(BookingPolicy, "booking", space.centre_id, list(kinds), space.code)
    days: list[Frame] = []
    for day, kind in kinds.items():
        opens = openings(day, kind, week, exceptions, zone)
        begins, ends = day_bounds(day, zone)
        closure = next(
            (row for row in exceptions if not row.is_open and row.starts_at < ends and row.ends_at > begins),
            None,
        )
        zh = closure.reason_zh if closure else kind.name_zh if kind.kind == "holiday" else ""
        en = closure.reason_en if closure else kind.name_en if kind.kind == "holiday" else ""
        days.append((day, zone, rules[day], kind, opens, begins, ends, zh, en))
    return days


def space_day(space: Space, day: date) -> SpaceDay:
    """The space on one day."""
    return space_days(space, day, day)[0]


def sessions(day: SpaceDay, now: datetime, *, at_kiosk: bool) -> list[Session]:
    """What is offered in one tap. A running one begins now at the kiosk (the person is here), else at the next step."""
    step, found = day.space.step_minutes, []
    for opening in day.openings:
        for start, end in pieces(opening.start, opening.end, day.policy.max_minutes, step):
            usual = Interval(start, end)
            running = start <= now < end
            begins = start
            if running:
                begins = now.replace(second=0, microsecond=0) if at_kiosk else next_step(now, day.start, step)
            too_short = timedelta(minutes=10 if at_kiosk and running else day.policy.min_minutes)
            over = end <= now or (running and end - begins < min(too_short, end - start))
            span = usual if over else Interval(begins, end)
            found.append(Session(span, usual, part_of_day(start, day.zone), over, running and not over))
    return found


def session_of(day: SpaceDay, moment: datetime) -> Interval | None:
    """The opening in which a moment lies."""
    return next((opening for opening in day.openings if opening.start <= moment < opening.end), None)


def today_of(space: Space, now: datetime) -> date:
    """The local day of a moment in the space's centre."""
    return local_day(now, space.centre.zone)
