"""Bookings in a time that is not open: found from the hours as they stand, never stored."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime

from flask_babel import gettext as _
from sqlalchemy import select

from booking.models import LONGEST, Booking, Space
from booking.opening import SpaceDay, space_days
from booking.queries import full, place_words, state_now
from centres.models import Centre
from core.area import Outside
from core.audit import Audit
from core.clock import local_day, now
from core.database import db
from core.words import full_day, masked, span_words

KEPT = "booking.kept_closed"
"""Audit verb: staff keep a booking although it is closed then. It holds while that day's openings stay as they were."""


def outside(centre_id: int, moment: datetime) -> list[Booking]:
    """What is booked or in use in a time that is not open, without what staff keep on purpose; by start."""
    found = _found(centre_id, moment)
    if not found:  # as nearly always; the today page asks with every change
        return []
    kept = _kept(found)
    rows = db.session.scalars(full().where(Booking.id.in_(found)).order_by(Booking.starts_at, Booking.id))
    return [
        row
        for row in rows
        if state_now(row, moment) in {"booked", "in_use"} and kept.get(row.id) != stamps(found[row.id])
    ]


def _found(centre_id: int, moment: datetime) -> dict[int, SpaceDay]:
    """Booking → its day in its space, where it lies in none of the day's openings. Thousands are booked for the same
    few times: the times are looked at, and only what lies in a wrong one is read."""
    times = (Booking.space_id, Booking.local_day, Booking.starts_at, Booking.ends_at)
    live = (
        Booking.centre_id == centre_id,
        Booking.starts_at > moment - LONGEST,
        Booking.ends_at > moment,
        Booking.state.in_(["booked", "in_use"]),
    )
    asked = db.session.execute(select(*times).where(*live).distinct()).all()
    days_of: dict[int, set[date]] = defaultdict(set)
    for row in asked:
        days_of[row.space_id].add(row.local_day)
    spaces = db.session.scalars(select(Space).where(Space.id.in_(days_of))).all()
    frames = {
        (space.id, day.day): day
        for space in spaces
        for day in space_days(space, min(days_of[space.id]), max(days_of[space.id]))
    }
    wrong = {
        (row.space_id, row.local_day, row.starts_at, row.ends_at): frames[row.space_id, row.local_day]
        for row in asked
        if not frames[row.space_id, row.local_day].holds(row.starts_at, row.ends_at)
    }
    if not wrong:
        return {}
    near = Booking.space_id.in_({key[0] for key in wrong}), Booking.local_day.in_({key[1] for key in wrong})
    rows = db.session.execute(select(Booking.id, *times).where(*live, *near)).all()
    found = {row.id: wrong.get((row.space_id, row.local_day, row.starts_at, row.ends_at)) for row in rows}
    return {booking: day for booking, day in found.items() if day is not None}


def _kept(ids: Mapping[int, object]) -> dict[int, list[int]]:
    """Booking → the openings of its day when staff last said that it stays."""
    rows = db.session.scalars(
        select(Audit)
        .where(Audit.subject_kind == "booking", Audit.subject_id.in_(ids), Audit.verb == KEPT)
        .order_by(Audit.id)
    )
    return {row.subject_id: row.detail["open"] for row in rows}


def stamps(day: SpaceDay) -> list[int]:
    """A day's openings in seconds since 1970, as audit may hold them."""
    return [int(edge.timestamp()) for span in day.spans for edge in span]


def told(centre_id: int) -> list[Outside]:
    """The same for whoever is about to close something (core/area.py)."""
    zone, moment = db.session.get_one(Centre, centre_id).zone, now()
    today = local_day(moment, zone)
    return [
        Outside(
            f"booking-{row.id}",
            row.starts_at,
            masked(row.resident.name) if row.resident else row.title,
            f"{full_day(row.local_day, today)} {span_words(row.starts_at, row.ends_at, zone)}",
            place_words(row),
            _("留在前台的单子上，等您联系"),
        )
        for row in outside(centre_id, moment)
    ]
