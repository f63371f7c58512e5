"""One time line per person: bookings, activities and shifts take their place on it here."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError

from core.database import db
from core.errors import Refused
from core.intervals import broken_guard
from people.models import Commitment

_INSERT = insert(Commitment.metadata.tables["commitment"])


def take_time(
    resident_id: int,
    start: datetime,
    end: datetime,
    kind: str,
    ref_id: int,
    overlap_reason: str | None = None,
) -> None:
    """Put `[start, end)` on the person's line, in the running unit of work. The database refuses an overlap.

    overlap_reason: staff allow it beside another commitment, and why. A refusal ends the unit of work.
    """
    try:
        db.session.execute(
            _INSERT,
            {
                "resident_id": resident_id,
                "starts_at": start,
                "ends_at": end,
                "kind": kind,
                "ref_id": ref_id,
                "overlap_reason": overlap_reason,
            },
        )
    except IntegrityError as error:
        if broken_guard(error) != "commitment":
            raise
        raise Refused(
            "person_busy",
            _("这个时间您已经有别的安排"),
            _("同一个时间只能约一处。请换个时间，或先取消那一个。"),
        ) from error


def end_time(kind: str, ref_id: int, at: datetime) -> None:
    """The person is free from `at` on; nothing is left of a commitment that had not begun."""
    db.session.execute(
        delete(Commitment).where(
            Commitment.kind == kind, Commitment.ref_id == ref_id, Commitment.starts_at >= at
        )
    )
    db.session.execute(
        update(Commitment)
        .where(Commitment.kind == kind, Commitment.ref_id == ref_id, Commitment.ends_at > at)
        .values(ends_at=at)
    )


def drop_time(kind: str, ref_id: int) -> None:
    """Take the commitment off the line."""
    db.session.execute(delete(Commitment).where(Commitment.kind == kind, Commitment.ref_id == ref_id))
