"""What the clock does for booking. Expiry never waits for it: it only tidies up."""

from datetime import timedelta

from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import delete, select

from booking.models import Booking, Claim
from booking.services.place import settle_missed
from core.clock import database_now
from core.database import db, unit_of_work
from core.scheduler import Job

AT_ONCE = 200


def tidy() -> int:
    """Write down no-shows whose time is over and remove holds that expired. Returns how many bookings were settled."""
    now = database_now()
    missed = db.session.scalars(
        select(Booking.id)
        .where(Booking.state == "booked", Booking.check_in_until < now, Booking.resident_id.is_not(None))
        .order_by(Booking.id)
        .limit(AT_ONCE)
    ).all()
    settled = 0
    for booking_id in missed:
        with unit_of_work():
            settled += settle_missed(booking_id, database_now())
    with unit_of_work():
        db.session.execute(
            delete(Claim).where(
                Claim.visit_id.is_not(None), Claim.expires_at < database_now() - timedelta(minutes=1)
            )
        )
    return settled


JOBS = [Job("booking.tidy", IntervalTrigger(seconds=30, timezone="UTC"), tidy)]
