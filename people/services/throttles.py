"""Wrong tries, counted in the database so that all processes and nodes see the same number."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from core.clock import database_now
from core.database import db, unit_of_work
from people.models import Throttle
from people.rules import WINDOW, Tries, after_wrong, is_blocked


def blocked_until(subject: str) -> datetime | None:
    """Until when tries against `subject` are refused; None: they are not."""
    row = db.session.get(Throttle, subject, populate_existing=True)
    now = database_now()
    return row.blocked_until if row and is_blocked(_tries(row), now) else None


def count_wrong(subjects: dict[str, int]) -> None:
    """One more wrong try against each subject; the value is its limit. Rows are locked in order of their names."""
    with unit_of_work():
        now = database_now()
        make = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
        for subject, limit in sorted(subjects.items()):
            db.session.execute(
                make(Throttle).values(subject=subject, tries=0, first_at=now).on_conflict_do_nothing()
            )
            row = db.session.scalars(
                select(Throttle)
                .where(Throttle.subject == subject)
                .with_for_update()
                .execution_options(populate_existing=True)
            ).one()
            after = after_wrong(_tries(row) if row.tries else None, now, limit)
            row.tries, row.first_at, row.blocked_until = after.count, after.first_at, after.blocked_until


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
                Throttle.first_at < now - WINDOW,
                Throttle.blocked_until.is_(None) | (Throttle.blocked_until < now),
            )
        )


def _tries(row: Throttle) -> Tries:
    return Tries(row.tries, row.first_at, row.blocked_until)
