"""Reads about centres: who is who in the tree, what a day is, when a centre is open."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from sqlalchemy import bindparam, select

from centres.models import CalendarYear, Centre, OneOff, OrgUnit, WeeklyHours, Workday
from centres.policies import chain
from centres.rules import DayKind, Special, day_kind, hours_on, year_warning
from core.clock import at, day_bounds, local_day, now
from core.database import db
from core.intervals import Interval, merge, subtract

Week = dict[int, list[tuple[time, time]]]


_CENTRE = select(Centre).where(Centre.code == bindparam("code"))


def centre_by_code(code: str) -> Centre | None:
    """The centre at `/c/<code>/`."""
    return db.session.scalar(_CENTRE, {"code": code})


def centres() -> list[Centre]:
    """All centres, in the order they were set up."""
    return list(db.session.scalars(select(Centre).order_by(Centre.id)))


def district_of(unit_id: int) -> int:
    """The top of the tree above a unit."""
    return chain(unit_id)[-1]


def subtree(unit_ids: set[int]) -> frozenset[int]:
    """The units and everything below them."""
    pairs = db.session.execute(select(OrgUnit.id, OrgUnit.parent_id)).all()
    children: dict[int, list[int]] = defaultdict(list)
    for unit, parent in pairs:
        if parent is not None:
            children[parent].append(unit)
    found, todo = set(), list(unit_ids)
    while todo:
        unit = todo.pop()
        if unit not in found:
            found.add(unit)
            todo.extend(children[unit])
    return frozenset(found)


def day_kinds(unit_id: int, first: date, last: date) -> dict[date, DayKind]:
    """What each day from `first` to `last` (both included) is for a unit. Three queries."""
    units = chain(unit_id)
    rows = db.session.scalars(
        select(Workday).where(Workday.unit_id.in_(units), Workday.day.between(first, last))
    ).all()
    specials = {
        row.day: Special(row.kind, row.name_zh, row.name_en, row.hours_of, row.provisional)
        for row in sorted(rows, key=lambda row: -units.index(row.unit_id))
    }
    published = published_years(units)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return {day: day_kind(day, specials.get(day), day.year in published) for day in days}


def published_years(units: Sequence[int]) -> set[int]:
    """Years whose holidays are known for certain to a unit or to one above it (`units`: its chain)."""
    query = select(CalendarYear.year).where(CalendarYear.unit_id.in_(units), CalendarYear.published)
    return set(db.session.scalars(query))


def calendar_warning(centre: Centre) -> int | None:
    """The year that staff must be warned about, or None."""
    return year_warning(local_day(now(), centre.zone), published_years(chain(centre.id)))


def weekly_hours(centre_id: int) -> Week:
    """Weekday → openings of the centre."""
    week: Week = defaultdict(list)
    for row in db.session.scalars(select(WeeklyHours).where(WeeklyHours.centre_id == centre_id)):
        week[row.weekday].append((row.opens, row.closes))
    return week


def one_offs(centre_id: int, start: datetime, end: datetime, place: str = "") -> list[OneOff]:
    """Openings and closures that touch `[start, end)`: the centre's own and those of `place`."""
    return list(
        db.session.scalars(
            select(OneOff)
            .where(
                OneOff.centre_id == centre_id,
                OneOff.place.in_({"", place}),
                OneOff.starts_at < end,
                OneOff.ends_at > start,
            )
            .order_by(OneOff.starts_at)
        )
    )


def openings(day: date, kind: DayKind, week: Week, exceptions: list[OneOff], zone: str) -> list[Interval]:
    """When a place is open on `day`: the week's hours by the kind of day, plus openings, less closures."""
    hours = [Interval(at(day, opens, zone), at(day, closes, zone)) for opens, closes in hours_on(kind, week)]
    first, last = day_bounds(day, zone)
    extra = [Interval(max(row.starts_at, first), min(row.ends_at, last)) for row in exceptions if row.is_open]
    closed = [Interval(row.starts_at, row.ends_at) for row in exceptions if not row.is_open]
    return subtract(merge([*hours, *(one for one in extra if one.start < one.end)]), closed)


def opening_today(centre: Centre) -> list[Interval]:
    """The centre's openings today."""
    today = local_day(now(), centre.zone)
    kind = day_kinds(centre.id, today, today)[today]
    start, end = day_bounds(today, centre.zone)
    return openings(today, kind, weekly_hours(centre.id), one_offs(centre.id, start, end), centre.zone)
