"""Reading rooms and the elder area: who sat there yesterday, sits there now and is to come."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from booking import queries
from booking.models import Space, Unit
from booking.opening import SpaceDay
from booking.rules import pieces
from core.intervals import Interval
from demo.neighbours import Neighbours, Wanted
from demo.stage import Stage
from demo.story import Story

WALK_INS, LATE = 2, 2
LONG = timedelta(hours=3)


class Room:
    """A space whose seats are booked, on its days."""

    def __init__(self, stage: Stage, people: Neighbours, space: Space) -> None:
        self.stage, self.people, self.space = stage, people, space
        self.units = queries.units(space.id)
        self.plain = [unit for unit in self.units if not unit.walk_in and not unit.wheelchair]
        self.kept = [unit for unit in self.units if unit.walk_in and not unit.wheelchair]
        self.adapted = [unit for unit in self.units if unit.wheelchair and not unit.walk_in]

    def fill(self, day: SpaceDay, share: float, wanted: Wanted) -> None:
        """Let a share of the seats be used in every stretch of the day that is offered."""
        spans = [Interval(*span) for opening in day.openings for span in _offered(day, opening)]
        for place, span in enumerate(spans):
            number = round(share * len(self.units))
            walk_ins = min(WALK_INS, number // 4) if span.start < self.stage.now else 0
            late = min(LATE, number // 4) if span.end - span.start >= LONG else 0
            self._goes_early(day, span, wanted)
            for _n in range(number - walk_ins - late - 1):
                self._comes(day, span, wanted)
            for n in range(late):
                begins = span.start + timedelta(hours=1 + n)
                self._comes(day, Interval(begins, span.end), wanted)
            for _n in range(walk_ins):
                self._walks_in(day, span, wanted)
            if place == 0 and number > LATE:
                self._cancels(day, span, wanted)
                self._wheels_in(day, span)

    def booked_at(self, day: SpaceDay) -> datetime | None:
        """When somebody books for a day: the evening before, or lately; None while it is not open yet."""
        evening = day.start - self.people.minutes(200, 420)
        moment = min(evening, self.stage.now - self.people.minutes(15, 300))
        if moment < day.released_at:
            moment = day.released_at + self.people.minutes(0, 10)
        return moment if moment < self.stage.now else None

    def _story(self, day: SpaceDay, span: Interval, units: Sequence[Unit], wanted: Wanted) -> Story | None:
        """Somebody who books a seat for a stretch; None where nobody or nothing is left."""
        moment = self.booked_at(day)
        person = self.people.take(day.day, wanted) if moment else None
        unit = self.people.seat(units, span, day) if person is not None else None
        if moment is None or person is None or unit is None:
            return None
        story = Story(self.stage, person)
        story.books(moment, unit, span)
        return story

    def _comes(self, day: SpaceDay, span: Interval, wanted: Wanted) -> None:
        """Comes about in time; most sign out a little before the end, some forget to."""
        arrives = span.start + self.people.minutes(-12, 24)
        goes = span.end - self.people.minutes(1, 15)
        forgets = self.people.random.random() < 0.3
        story = self._story(day, span, self.plain, wanted)
        if story:
            story.arrives(arrives)
            if not forgets:
                story.leaves(goes)

    def _goes_early(self, day: SpaceDay, span: Interval, wanted: Wanted) -> None:
        story = self._story(day, span, self.plain, wanted)
        if story:
            story.arrives(span.start - self.people.minutes(2, 9))
            story.leaves(span.start + self.people.minutes(32, 39))

    def _cancels(self, day: SpaceDay, span: Interval, wanted: Wanted) -> None:
        story = self._story(day, span, self.plain, wanted)
        if story:
            story.cancels(day.start - self.people.minutes(60, 120))

    def _walks_in(self, day: SpaceDay, span: Interval, wanted: Wanted) -> None:
        begins = span.start + self.people.minutes(4, 28)
        used = Interval(begins, span.end)
        person = self.people.take(day.day, wanted) if begins <= self.stage.now else None
        unit = self.people.seat(self.kept, used, day) if person is not None else None
        if person is not None and unit is not None:
            Story(self.stage, person).walks_in(unit, used)

    def _wheels_in(self, day: SpaceDay, span: Interval) -> None:
        story = self._story(day, span, self.adapted, lambda person: person.adapted_seat)
        if story:
            story.arrives(span.start + self.people.minutes(1, 9))


def _offered(day: SpaceDay, opening: Interval) -> list[tuple[datetime, datetime]]:
    return pieces(opening.start, opening.end, day.policy.max_minutes, day.space.step_minutes)
