"""Two live rows of one time line never overlap: all relations of two intervals, by every path, on both databases.

And what a day is for a centre: local midnight, holidays, make-up workdays, years nobody has published yet.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import product

import pytest
from flask import Flask
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    Integer,
    MetaData,
    Table,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from booking.models import Space
from booking.opening import sessions, space_day
from booking.rules import BookingPolicy
from centres.models import Centre, Policy, Workday
from centres.policies import policies
from centres.queries import calendar_warning, day_kinds
from centres.rules import year_warning
from centres.services import add_one_off, publish_year, seed_year, set_policy, set_workday
from core.audit import OPERATOR
from core.clock import at, day_bounds, local_day
from core.database import Moment, db
from core.intervals import GUARDS, Guard, Interval, broken_guard, merge, subtract
from tests.support.cast import Cast
from tests.support.clock import Clock

DAY = datetime(2026, 11, 24, tzinfo=UTC)
SHANGHAI = "Asia/Shanghai"


def hour(number: float) -> datetime:
    return DAY + timedelta(hours=number)


def span(start: float, end: float) -> Interval:
    return Interval(hour(start), hour(end))


RELATIONS = {
    "before": (6, 9, True),
    "meets": (8, 10, True),
    "overlaps": (9, 11, False),
    "starts": (10, 11, False),
    "during": (10.5, 11.5, False),
    "finishes": (11, 12, False),
    "equals": (10, 12, False),
    "finished by": (9, 12, False),
    "contains": (9, 13, False),
    "started by": (10, 13, False),
    "overlapped by": (11, 13, False),
    "met by": (12, 14, True),
    "after": (13, 15, True),
}
"""How another interval may lie to 10–12: Allen's thirteen. Touching is not overlapping."""
CASES = [(start, end, fits) for start, end, fits in RELATIONS.values()]
NAMES = list(RELATIONS)

# --- the guard in the database ----------------------------------------------------------------------------------------

METADATA = MetaData()
TIMES = Table(
    "line_of_times",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", Integer, nullable=False),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment),
    Column("live", Boolean, nullable=False, default=True),
)
DAYS = Table(
    "line_of_days",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", Integer, nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date),
)
ON_TIMES = Guard("line_of_times", ("key",), live="live")
ON_DAYS = Guard("line_of_days", ("key",), ("starts_on", "ends_on"), dates=True)


@pytest.fixture
def line(inside: Flask) -> Iterator[Connection]:
    """A connection to a database with two guarded lines; on the first stands 10–12 of key 1."""
    with db.engine.begin() as connection:
        METADATA.create_all(connection)
        ON_TIMES.create(connection)
        ON_DAYS.create(connection)
    with db.engine.connect() as connection:
        connection.execute(
            insert(TIMES).values(id=101, key=1, starts_at=hour(10), ends_at=hour(12), live=True)
        )
        yield connection
        connection.rollback()


def accepts(connection: Connection, statement: object) -> bool:
    """Whether the database takes it; another constraint than the guard's fails the test."""
    point, refused = connection.begin_nested(), ""
    try:
        connection.execute(statement)  # type: ignore[call-overload]
    except IntegrityError as error:
        refused = str(error.orig)
    point.rollback()
    assert not refused or "no_overlap_line_of" in refused
    return not refused


def row(start: datetime, end: datetime | None, *, key: int = 1, live: bool = True) -> object:
    return insert(TIMES).values(key=key, starts_at=start, ends_at=end, live=live)


def test_the_database_knows_all_relations_of_two_intervals(line: Connection) -> None:
    for name, (start, end, fits) in RELATIONS.items():
        assert accepts(line, row(hour(start), hour(end))) == fits, name
        assert accepts(line, row(hour(start), hour(end), key=2)), "another line is no concern of this one"
        assert accepts(line, row(hour(start), hour(end), live=False)), "what is not live occupies nothing"


def test_a_row_can_no_more_be_moved_there_than_written_there(line: Connection) -> None:
    rows = [(102, 1, True), (103, 2, True), (104, 1, False)]
    line.execute(
        insert(TIMES),
        [
            {"id": number, "key": key, "starts_at": hour(20), "ends_at": hour(21), "live": live}
            for number, key, live in rows
        ],
    )
    for name, (start, end, fits) in RELATIONS.items():
        there = update(TIMES).values(starts_at=hour(start), ends_at=hour(end))
        assert accepts(line, there.where(TIMES.c.id == 102)) == fits, name
        assert accepts(line, there.where(TIMES.c.id == 103)), "on its own line"
        assert accepts(line, there.where(TIMES.c.id == 103).values(key=1)) == fits, name
        assert accepts(line, there.where(TIMES.c.id == 104)), "not live"
        assert accepts(line, there.where(TIMES.c.id == 104).values(live=True)) == fits, name
        assert accepts(line, there.where(TIMES.c.id == 101)), "a row is not in its own way"


def test_an_empty_end_means_for_ever(line: Connection) -> None:
    cases = [
        ((14, None), 6, 10, True),
        ((14, None), 12, 14, True),
        ((14, None), 13, 15, False),
        ((14, None), 14, 15, False),
        ((14, None), 100, 101, False),
        ((14, 15), 15, None, True),
        ((14, 15), 14.5, None, False),
        ((14, 15), 12, None, False),
        ((14, None), 20, None, False),
        ((14, None), 12, None, False),
    ]
    for (begins, ends), start, end, fits in cases:
        point = line.begin_nested()
        line.execute(row(hour(begins), hour(ends) if ends else None))  # type: ignore[call-overload]
        assert accepts(line, row(hour(start), hour(end) if end else None)) == fits, (begins, ends, start, end)
        point.rollback()


def test_days_are_guarded_like_moments(line: Connection) -> None:
    def on(number: float) -> date:
        return date(2026, 1, 1) + timedelta(days=int(2 * number))

    line.execute(insert(DAYS).values(key=1, starts_on=on(10), ends_on=on(12)))
    for name, (start, end, fits) in RELATIONS.items():
        assert accepts(line, insert(DAYS).values(key=1, starts_on=on(start), ends_on=on(end))) == fits, name
        forever = insert(DAYS).values(key=1, starts_on=on(start), ends_on=None)
        assert accepts(line, forever) == (start >= 12), name


def test_the_length_of_what_stands_there_does_not_hide_it(line: Connection) -> None:
    """Of all rows that start before, only the last can reach into the new one: many short ones hide no long one."""
    for n in range(40):
        line.execute(row(hour(20 + n), hour(20.5 + n)))  # type: ignore[call-overload]
    assert not accepts(line, row(hour(9), hour(100)))
    assert not accepts(line, row(hour(19), hour(20.1)))
    assert accepts(line, row(hour(20.5), hour(21)))
    assert not accepts(line, row(hour(59.4), hour(60)))
    assert accepts(line, row(hour(59.5), hour(60)))


def test_many_rows_in_one_statement_are_guarded_against_each_other(line: Connection) -> None:
    both = insert(TIMES).values(
        [
            {"key": 1, "starts_at": hour(13), "ends_at": hour(15), "live": True},
            {"key": 1, "starts_at": hour(14), "ends_at": hour(16), "live": True},
        ]
    )
    assert not accepts(line, both)


def test_a_microsecond_decides(line: Connection) -> None:
    tick = timedelta(microseconds=1)
    assert not accepts(line, row(hour(12) - tick, hour(13)))
    assert accepts(line, row(hour(12), hour(13)))
    assert not accepts(line, row(hour(9), hour(10) + tick))
    assert accepts(line, row(hour(9), hour(10)))


def test_every_guard_that_the_models_declare_is_in_the_database(inside: Flask) -> None:
    catalogue = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT conname FROM pg_constraint WHERE contype = 'x'",
    }[db.engine.dialect.name]
    there = " ".join(db.session.scalars(text(catalogue)))
    assert set(GUARDS) == {
        "claim",
        "commitment",
        "outage",
        "policy",
        "promotion",
        "resident_status",
        "subsidy_rule",
    }
    for guard in GUARDS.values():
        assert guard.name in there


def test_a_broken_guard_is_told_from_other_constraints(inside: Flask, cast: Cast) -> None:
    def write(**values: object) -> str | None:
        given = {"unit_id": cast.shuibei, "name": "x.y", "subject": "", "value": 1, **values}
        with pytest.raises(IntegrityError) as error:
            db.session.execute(insert(Policy).values(given))
        db.session.rollback()
        return broken_guard(error.value)

    set_policy(OPERATOR, cast.shuibei, "x.y", 1, date(2026, 1, 1))
    assert write(starts_on=date(2026, 5, 1)) == "policy"
    assert write(starts_on=date(2027, 5, 1), unit_id=99999) in (None, "policy")
    assert write(starts_on=None) is None


def test_a_new_value_of_a_policy_ends_the_one_before_and_the_day_decides(inside: Flask, cast: Cast) -> None:
    for value, day in ((90, date(2026, 3, 1)), (120, date(2026, 6, 1)), (60, date(2026, 4, 1))):
        set_policy(OPERATOR, cast.shuibei, "booking.max_minutes", value, day)

    def on(month: int, subject: str = "") -> int:
        return policies(BookingPolicy, "booking", cast.shuibei, date(2026, month, 15), subject).max_minutes

    assert [on(month) for month in (2, 3, 4, 7)] == [240, 90, 60, 60]
    set_policy(OPERATOR, cast.district, "booking.max_minutes", 30, date(2026, 1, 1))
    set_policy(OPERATOR, cast.shuibei, "booking.max_minutes", 45, date(2026, 1, 1), "reading")
    assert (on(7), on(7, "reading"), on(7, "elder")) == (60, 45, 60)
    assert policies(BookingPolicy, "booking", cast.sungang, date(2026, 7, 1)).max_minutes == 30


# --- pure intervals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "end", "fits"), CASES, ids=NAMES)
def test_an_interval_knows_all_relations_too(start: float, end: float, fits: bool) -> None:
    one, other = span(10, 12), span(start, end)
    assert one.overlaps(other) == other.overlaps(one) == (not fits)


def test_what_an_interval_contains() -> None:
    inside = {
        name: span(10, 12).contains(span(start, end)) for name, (start, end, _fits) in RELATIONS.items()
    }
    assert {name for name, yes in inside.items() if yes} == {"starts", "during", "finishes", "equals"}


def test_minutes_are_whole() -> None:
    assert Interval(hour(10), hour(10) + timedelta(minutes=59, seconds=59)).minutes == 59


@pytest.mark.parametrize(
    ("given", "union"),
    [
        ([], []),
        ([(9, 10)], [(9, 10)]),
        ([(9, 13), (13, 17)], [(9, 13), (13, 17)]),
        ([(13, 17), (9, 13)], [(9, 13), (13, 17)]),
        ([(9, 11), (10, 12)], [(9, 12)]),
        ([(9, 17), (10, 12)], [(9, 17)]),
        ([(9, 11), (10, 12), (11, 13)], [(9, 13)]),
        ([(9, 10), (9, 10)], [(9, 10)]),
        ([(9, 10), (12, 13), (9.5, 12.5)], [(9, 13)]),
    ],
)
def test_merging_joins_what_overlaps_and_leaves_apart_what_touches(
    given: list[tuple[float, float]], union: list[tuple[float, float]]
) -> None:
    assert merge(span(*one) for one in given) == [span(*one) for one in union]


@pytest.mark.parametrize(
    ("holes", "left"),
    [
        ([], [(9, 13), (13, 17)]),
        ([(6, 9)], [(9, 13), (13, 17)]),
        ([(8, 10)], [(10, 13), (13, 17)]),
        ([(10, 11)], [(9, 10), (11, 13), (13, 17)]),
        ([(12, 14)], [(9, 12), (14, 17)]),
        ([(9, 13)], [(13, 17)]),
        ([(0, 24)], []),
        ([(10, 11), (10.5, 12), (16, 18)], [(9, 10), (12, 13), (13, 16)]),
    ],
)
def test_subtracting_cuts_holes(holes: list[tuple[float, float]], left: list[tuple[float, float]]) -> None:
    hours = [span(9, 13), span(13, 17)]
    assert subtract(hours, [span(*hole) for hole in holes]) == [span(*one) for one in left]


def test_merge_and_subtract_agree_with_counting_quarter_hours() -> None:
    """Every pair of two intervals of a small day, compared with sets."""
    ends = [(a, b) for a, b in product(range(6), range(6)) if a < b]
    for one, two, hole in product(ends, ends, ends):
        covered = set(range(*one)) | set(range(*two))
        union = merge([span(*one), span(*two)])
        assert {n for n in range(6) if any(part.start <= hour(n) < part.end for part in union)} == covered
        rest = subtract(union, [span(*hole)])
        free = {n for n in range(6) if any(part.start <= hour(n) < part.end for part in rest)}
        assert free == covered - set(range(*hole))


# --- days -------------------------------------------------------------------------------------------------------------


def test_a_local_day_begins_at_local_midnight_and_not_at_utcs() -> None:
    start, end = day_bounds(date(2026, 11, 24), SHANGHAI)
    assert (start, end) == (datetime(2026, 11, 23, 16, tzinfo=UTC), datetime(2026, 11, 24, 16, tzinfo=UTC))
    tick = timedelta(microseconds=1)
    days = [local_day(moment, SHANGHAI).day for moment in (start - tick, start, end - tick, end)]
    assert days == [23, 24, 24, 25]
    assert at(date(2026, 11, 24), time(0, 30), SHANGHAI) == datetime(2026, 11, 23, 16, 30, tzinfo=UTC)


def test_a_moment_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        Moment().process_bind_param(datetime(2026, 11, 24), None)  # type: ignore[arg-type] # noqa: DTZ001


@pytest.fixture
def centre(inside: Flask, cast: Cast) -> Centre:
    return db.session.get_one(Centre, cast.shuibei)


def reading() -> Space:
    return db.session.scalars(select(Space).where(Space.code == "reading")).one()


def hours_of(day: date) -> list[str]:
    """The openings of the reading room as the wall clock shows them."""
    opened = space_day(reading(), day)
    return [
        f"{(one.start + timedelta(hours=8)):%H:%M}-{(one.end + timedelta(hours=8)):%H:%M}"
        for one in opened.openings
    ]


PLAIN = ["09:00-13:00", "13:00-17:00"]
EVENING = [*PLAIN, "18:00-20:30"]


def test_the_national_day_of_2026(centre: Centre) -> None:
    table = [
        *((day, "holiday", []) for day in range(1, 8)),
        (8, "workday", PLAIN),
        (9, "workday", EVENING),
        (10, "workday", PLAIN),
        (11, "weekend", []),
        (12, "workday", PLAIN),
    ]
    for day, kind, hours in table:
        on = date(2026, 10, day)
        found = day_kinds(centre.id, on, on)[on]
        assert (found.kind, found.provisional) == (kind, False), on
        assert hours_of(on) == hours, on


def test_a_closed_holiday_says_its_name(centre: Centre) -> None:
    assert space_day(reading(), date(2026, 10, 1)).closed_reason == "国庆节"


def test_sunday_20_september_is_a_workday_and_follows_monday(centre: Centre) -> None:
    sunday = date(2026, 9, 20)
    assert day_kinds(centre.id, sunday, sunday)[sunday].hours_of == 0
    assert hours_of(sunday) == PLAIN
    assert hours_of(sunday - timedelta(days=7)) == []


def test_a_make_up_workday_follows_the_weekday_that_is_named_for_it(centre: Centre, cast: Cast) -> None:
    saturday = date(2026, 10, 10)
    set_workday(OPERATOR, cast.district, saturday, "makeup_workday", "调休", hours_of=2)
    assert hours_of(saturday) == EVENING


def test_the_nearest_units_calendar_counts(centre: Centre, cast: Cast) -> None:
    day = date(2026, 10, 1)
    set_workday(OPERATOR, cast.shuibei, day, "plain", "照常开放")
    assert day_kinds(cast.shuibei, day, day)[day].kind == "workday"
    assert day_kinds(cast.sungang, day, day)[day].kind == "holiday"
    assert hours_of(day) == PLAIN


def test_the_calendar_package_says_the_same_of_2026(centre: Centre, cast: Cast) -> None:
    db.session.execute(text("DELETE FROM workday"))
    db.session.execute(text("DELETE FROM calendar_year"))
    db.session.commit()
    assert seed_year(cast.district, 2026)
    days = [date(2026, 10, day) for day in range(1, 12)]
    kinds = [kind.kind for kind in day_kinds(centre.id, days[0], days[-1]).values()]
    assert kinds == ["holiday"] * 7 + ["workday"] * 3 + ["weekend"]
    sunday = date(2026, 9, 20)
    assert day_kinds(centre.id, sunday, sunday)[sunday].kind == "workday"
    before = db.session.scalars(select(Workday.id)).all()
    assert seed_year(cast.district, 2026), "seeding again changes nothing"
    assert db.session.scalars(select(Workday.id)).all() == before


@pytest.mark.parametrize("year", [2027, 2030, 2099])
def test_a_year_that_nobody_published_falls_back_to_plain_weekdays_and_never_raises(
    centre: Centre, cast: Cast, year: int
) -> None:
    assert not seed_year(cast.district, year)
    first = date(year, 1, 1)
    found = day_kinds(centre.id, first, first + timedelta(days=364))
    assert len(found) == 365
    assert all(kind.provisional for kind in found.values())
    assert {day.weekday() for day, kind in found.items() if kind.kind == "weekend"} == {5, 6}
    assert [len(hours_of(first + timedelta(days=n))) > 0 for n in range(7)] == [
        (first + timedelta(days=n)).weekday() < 6 for n in range(7)
    ]


def test_a_year_is_certain_once_staff_have_published_it(centre: Centre, cast: Cast) -> None:
    day = date(2027, 3, 1)
    assert day_kinds(centre.id, day, day)[day].provisional
    publish_year(OPERATOR, cast.district, 2027)
    assert not day_kinds(centre.id, day, day)[day].provisional


@pytest.mark.parametrize(
    ("today", "published", "warned"),
    [
        (date(2026, 11, 14), {2026}, None),
        (date(2026, 11, 15), {2026}, 2027),
        (date(2026, 12, 31), {2026}, 2027),
        (date(2026, 11, 15), {2026, 2027}, None),
        (date(2027, 1, 1), {2026}, 2027),
        (date(2027, 1, 1), {2027}, None),
    ],
)
def test_staff_are_warned_from_15_november(today: date, published: set[int], warned: int | None) -> None:
    assert year_warning(today, published) == warned


def test_the_warning_goes_by_the_centres_day(centre: Centre, clock: Clock) -> None:
    clock.set("2026-11-14 23:59")
    assert calendar_warning(centre) is None
    clock.set("2026-11-15 00:00")
    assert calendar_warning(centre) == 2027


def test_openings_and_closures_apart_from_the_hours_cut_and_add(centre: Centre) -> None:
    day = date(2026, 11, 24)

    def moment(wall: str) -> datetime:
        return at(day, time.fromisoformat(wall), SHANGHAI)

    add_one_off(OPERATOR, centre, "", moment("10:00"), moment("11:30"), False, "消防检修")
    add_one_off(OPERATOR, centre, "reading", moment("18:00"), moment("19:00"), True, "读书会")
    add_one_off(OPERATOR, centre, "elder", moment("13:00"), moment("17:00"), False, "擦窗")
    assert hours_of(day) == ["09:00-10:00", "11:30-13:00", "13:00-17:00", "18:00-19:00"]
    assert hours_of(day + timedelta(days=1)) == EVENING


def test_what_is_offered_in_one_tap_is_the_openings(centre: Centre, clock: Clock) -> None:
    friday = space_day(reading(), date(2026, 11, 27))
    assert [(one.name, one.over) for one in sessions(friday, clock(), at_kiosk=False)] == [
        ("上午", False),
        ("下午", False),
        ("晚上", False),
    ]
