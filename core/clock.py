"""The only place that reads a clock.

`now()` is this process's clock, for what is shown. Whether something has expired is decided by `database_now()`, the
database's time in the running transaction. A `CLOCK` given to `create_app` stands for both.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from sqlalchemy import text

from core.database import db

Clock = Callable[[], datetime]
OPTION = "hall_clock"
YEARS = range(2000, 2101)
"""Days that people may name. At the ends of the calendar even a time zone overflows."""


_NOW = text("SELECT clock_timestamp()")


def now() -> datetime:
    """The moment by this process's clock, aware, UTC."""
    clock = _injected()
    return clock().astimezone(UTC) if clock else datetime.now(UTC)


def database_now() -> datetime:
    """The moment by the database's clock, aware, UTC: the same for all processes and nodes."""
    clock = _injected()
    if clock:
        return clock().astimezone(UTC)
    if db.engine.dialect.name == "postgresql":
        return cast(datetime, db.session.execute(_NOW).scalar_one()).astimezone(UTC)
    return datetime.now(UTC)  # SQLite runs in this process: its clock is this one


def _injected() -> Clock | None:
    return cast(Clock | None, db.engine.get_execution_options().get(OPTION))


def local(moment: datetime, zone: str) -> datetime:
    """`moment` on the wall clock of `zone`."""
    return moment.astimezone(ZoneInfo(zone))


def local_day(moment: datetime, zone: str) -> date:
    """The day of `moment` in `zone`: a centre's day, never UTC's."""
    return local(moment, zone).date()


def at(day: date, wall: time, zone: str) -> datetime:
    """The moment when the wall clock of `zone` shows `wall` on `day`, in UTC."""
    return datetime.combine(day, wall, ZoneInfo(zone)).astimezone(UTC)


def day_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """First moment of `day` in `zone` and first moment of the next one, in UTC, half-open."""
    return at(day, time(0), zone), at(day + timedelta(days=1), time(0), zone)
