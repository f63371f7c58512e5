"""Wrong tries, counted in the database so that all processes and nodes see the same number."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from core.clock import database_now
from core.database import db, unit_of_work
from people.models import Throttle
from people.rules import DAY, WINDOW, Tries, after_wrong, is_blocked


def blocked_until(subject: str) -> datetime | None:
    """Until when tries against `subject` are refused; None: they are not."""
    row = db.session.get(Throttle, subject, populate_existing=True)
    now = database_now()
    return row.blocked_until if row and is_blocked(_tries(row), now) else None


def begin_try(
    source: str, limit: int, limits: dict[str, int], window: timedelta = WINDOW
) -> dict[str, datetime]:
    """Count a try before it is looked at, so that tries sent at the same moment cannot outrun a limit.

    source: where it comes from; limits: those it could mean. Returns who is paused, and until when; nothing is counted
    against them, nor anything at all where the source or everybody is paused. A try that was right is taken back.
    window: how long tries count together, at most a `DAY`.
    """
    with unit_of_work():
        now = database_now()
        rows = {subject: _locked(subject, now) for subject in sorted({source, *limits})}
        paused = {
            subject: row.blocked_until
            for subject, row in rows.items()
            if row.blocked_until is not None and is_blocked(_tries(row), now)
        }
        if source not in paused and (not limits or limits.keys() - paused.keys()):
            for subject, most in {source: limit, **limits}.items():
                if subject not in paused:
                    _count(rows[subject], now, most, window)
    return paused


def take_back(limits: dict[str, int]) -> None:
    """A try that `begin_try` has counted was not wrong."""
    with unit_of_work():
        now = database_now()
        for subject, most in sorted(limits.items()):
            row = _locked(subject, now)
            row.tries = max(0, row.tries - 1)
            if row.tries < most:
                row.blocked_until = None


def count_wrong(subjects: dict[str, int]) -> None:
    """One more wrong try against each subject; the value is its limit. Rows are locked in order of their names."""
    with unit_of_work():
        now = database_now()
        for subject, limit in sorted(subjects.items()):
            _count(_locked(subject, now), now, limit)


def forget(subject: str) -> None:
    """A right try: earlier wrong ones no longer count. Joins a running unit of work."""
    with unit_of_work():
        db.session.execute(delete(Throttle).where(Throttle.subject == subject))


def tidy() -> None:
    """Remove counts that no longer matter; expiry itself is computed when read."""
    with unit_of_work():
        now = database_now()
        db.session.execute(
            delete(Throttle).where(
                Throttle.first_at < now - DAY,
                Throttle.blocked_until.is_(None) | (Throttle.blocked_until < now),
            )
        )


def _locked(subject: str, now: datetime) -> Throttle:
    make = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    db.session.execute(make(Throttle).values(subject=subject, tries=0, first_at=now).on_conflict_do_nothing())
    query = select(Throttle).where(Throttle.subject == subject).with_for_update()
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def _count(row: Throttle, now: datetime, limit: int, window: timedelta = WINDOW) -> None:
    after = after_wrong(_tries(row) if row.tries else None, now, limit, window)
    row.tries, row.first_at, row.blocked_until = after.count, after.first_at, after.blocked_until


def _tries(row: Throttle) -> Tries:
    return Tries(row.tries, row.first_at, row.blocked_until)
