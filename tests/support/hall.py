"""Short ways to book, hold and look, for tests that call the services. Walls are Shanghai's."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from flask import Flask
from sqlalchemy import select

from booking.models import Booking, Claim, Space, Unit, Violation
from booking.services import attend, book, hold
from core.audit import Actor
from core.database import db, unit_of_work
from core.errors import Refused
from core.intervals import Interval
from kiosk.models import Device, Visit
from kiosk.services import beat, begin_visit, know
from people.models import Commitment, Staff
from tests.support.cast import Cast
from tests.support.clock import ZONE, Clock

T = TypeVar("T")
ALL = os.environ.get("HALL_TEST_ALL") == "1"
TUESDAY = "2026-11-24"


def moment(wall: str) -> datetime:
    """`2026-11-24 09:00` in Shanghai."""
    return datetime.fromisoformat(wall).replace(tzinfo=ZONE)


def span(start: str, end: str, day: str = TUESDAY) -> Interval:
    """`09:00`, `13:00` of a day."""
    return Interval(moment(f"{day} {start}"), moment(f"{day} {end}"))


MORNING, AFTERNOON = span("09:00", "13:00"), span("13:00", "17:00")


def refusal(deed: Callable[[], object]) -> str:
    """The code with which a deed is refused; `done` where it is not."""
    try:
        deed()
    except Refused as refused:
        return refused.code
    return "done"


def apart(app: Flask, deed: Callable[[], T]) -> Callable[[], T]:
    """The same deed as another thread does it: in an application context of its own."""

    def run() -> T:
        with app.app_context():
            try:
                return deed()
            finally:
                db.session.remove()

    return run


class Hall:
    """The house as a test uses it, inside an application context."""

    def __init__(self, cast: Cast, clock: Clock) -> None:
        self.cast = cast
        self.clock = clock

    def space(self, code: str = "reading") -> Space:
        return db.session.scalars(select(Space).where(Space.code == code)).one()

    def unit(self, code: str = "A1", space: str = "reading") -> Unit:
        query = select(Unit).join(Space, Space.id == Unit.space_id)
        return db.session.scalars(query.where(Unit.code == code, Space.code == space)).one()

    def device(self) -> Device:
        return db.session.scalars(select(Device).where(Device.centre_id == self.cast.shuibei)).one()

    def staff(self, email: str) -> int:
        return db.session.scalars(select(Staff.id).where(Staff.email == email)).one()

    def visit(self, resident: int | None = None, *, kiosk: bool = False) -> Visit:
        """Somebody before a screen, known by their PIN if a resident is named."""
        device = self.device().id if kiosk else None
        visit = begin_visit(self.cast.shuibei, device)[0]
        if resident is not None:
            know(visit.id, resident, "pin")
            db.session.refresh(visit)
        return visit

    def hold(
        self,
        visit: Visit,
        seat: str = "A1",
        when: Interval = MORNING,
        *,
        kiosk: bool = False,
        space: str = "reading",
    ) -> Claim:
        return hold.hold(visit, self.unit(seat, space), when, at_kiosk=kiosk)

    def confirm(self, visit: Visit, *, kiosk: bool = False) -> Booking:
        return book.confirm_hold(visit, at_kiosk=kiosk)

    def book(
        self,
        resident: int,
        seat: str = "A1",
        when: Interval = MORNING,
        *,
        kiosk: bool = False,
        space: str = "reading",
    ) -> Booking:
        """By phone, or at the kiosk; a person at the kiosk with a running time has checked in with it."""
        return book.book_seat(
            Actor("resident", resident), resident, self.unit(seat, space), when, at_kiosk=kiosk
        )

    def check_in(self, booking: Booking) -> Booking:
        return attend.check_in(self.who(booking), booking.id)

    def leave(self, booking: Booking) -> Booking:
        return attend.leave(self.who(booking), booking.id)

    def undo(self, booking: Booking) -> Booking:
        return attend.undo(self.who(booking), booking.id)

    def cancel(self, booking: Booking) -> Booking:
        return attend.cancel(self.who(booking), booking.id)

    def who(self, booking: Booking) -> Actor:
        return Actor("resident", booking.resident_id or 0)

    def desk(self) -> Actor:
        return Actor("staff", self.staff(self.cast.wu))

    def kiosk_lives(self, until: str | None = None) -> None:
        """The kiosk beats every minute until then, so that nobody is excused."""
        end = moment(until) if until else self.clock()
        while self.clock() < end:
            beat(self.device(), {})
            self.clock.set(min(self.clock() + timedelta(minutes=1), end))
        beat(self.device(), {})

    def kiosk_goes(self) -> None:
        """The centre has no kiosk: people check in by phone or at the desk, and nothing excuses them."""
        with unit_of_work():
            self.device().revoked_at = self.clock()

    def claims(self, seat: str = "A1", space: str = "reading") -> list[Interval]:
        """What is claimed of a unit, whether or not it is worth something."""
        rows = db.session.scalars(
            select(Claim).where(Claim.unit_id == self.unit(seat, space).id).order_by(Claim.starts_at)
        )
        return [Interval(row.starts_at, row.ends_at) for row in rows]

    def line(self, resident: int) -> list[Interval]:
        """A person's time line."""
        rows = db.session.scalars(
            select(Commitment).where(Commitment.resident_id == resident).order_by(Commitment.starts_at)
        )
        return [Interval(row.starts_at, row.ends_at) for row in rows]

    def violations(self, resident: int) -> list[str]:
        query = select(Violation.kind).where(Violation.resident_id == resident).order_by(Violation.id)
        return list(db.session.scalars(query))

    def state(self, booking: Booking) -> str:
        """As it stands in the table."""
        return db.session.scalars(select(Booking.state).where(Booking.id == booking.id)).one()
