"""What becomes of somebody's bookings when they leave, or when two records turn out to be one person."""

from flask_babel import gettext as _
from sqlalchemy import select, update

from booking.models import Booking, Violation
from booking.services.attend import cancel
from booking.services.place import changed
from core.audit import Actor
from core.clock import database_now
from core.database import db


def leave(actor: Actor, resident_id: int, _why: str) -> None:
    """In the running unit of work: what is to come or goes on ends, and the seats are free."""
    coming = db.session.scalars(
        select(Booking.id)
        .where(
            Booking.resident_id == resident_id,
            Booking.state.in_(["booked", "in_use"]),
            Booking.ends_at > database_now(),
        )
        .order_by(Booking.id)
    ).all()
    for booking_id in coming:
        cancel(actor, booking_id, reason=_("资料停用了，预约一并取消"))


def merge(_actor: Actor, from_id: int, to_id: int) -> None:
    """In the running unit of work: bookings and violations are the survivor's. Their times go with the time line."""
    rows = db.session.scalars(
        select(Booking).where(Booking.resident_id == from_id).order_by(Booking.id).with_for_update()
    ).all()
    for row in rows:
        row.resident_id = to_id
        changed(row)
    db.session.execute(update(Violation).where(Violation.resident_id == from_id).values(resident_id=to_id))
    db.session.flush()
