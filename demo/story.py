"""One person's use of one seat: booked, come, gone; through the services, at the moments it happened."""

from dataclasses import dataclass
from datetime import datetime

from booking.models import Space, Unit
from booking.services import attend, book
from core.audit import Actor
from core.intervals import Interval
from demo.stage import Stage


@dataclass(slots=True)
class Story:
    """Scenes with one booking. A scene that is still to come is left out, and so is all that follows it."""

    stage: Stage
    resident: int
    booking: int = 0

    def books(self, moment: datetime, unit: Unit, span: Interval) -> None:
        """By phone."""
        self.stage.at(moment, lambda: self._book(unit, span, at_kiosk=False))

    def walks_in(self, unit: Unit, span: Interval) -> None:
        """At the kiosk, from now on: «现在就用»."""
        self.stage.at(span.start, lambda: self._book(unit, span, at_kiosk=True))

    def _book(self, unit: Unit, span: Interval, *, at_kiosk: bool) -> None:
        made = book.book_seat(self._self(), self.resident, unit, span, at_kiosk=at_kiosk)
        self.booking = made.id

    def asks_desk(
        self, moment: datetime, staff: int, space: Space, unit: Unit, span: Interval, title: str = ""
    ) -> None:
        """Staff book for them."""

        def scene() -> None:
            made = book.book_for(staff, space, unit, span, resident_id=self.resident, title=title)
            self.booking = made.id

        self.stage.at(moment, scene)

    def arrives(self, moment: datetime) -> None:
        self.stage.at(moment, lambda: attend.check_in(self._self(), self.booking))

    def leaves(self, moment: datetime) -> None:
        self.stage.at(moment, lambda: attend.leave(self._self(), self.booking))

    def cancels(self, moment: datetime) -> None:
        self.stage.at(moment, lambda: attend.cancel(self._self(), self.booking))

    def _self(self) -> Actor:
        return Actor("resident", self.resident)
