"""Who comes on which day, and where they sit: nobody twice a day, no seat twice at a time."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from booking.models import Unit
from booking.opening import SpaceDay
from core.intervals import Interval
from people.models import Resident
from people.rules import age_on

ELDER = 60
Wanted = Callable[[Resident], bool]


@dataclass(slots=True)
class Neighbours:
    """Residents who may come, drawn in an order that is the same at every loading."""

    random: Random
    residents: Sequence[Resident]
    _gone: dict[date, set[int]] = field(default_factory=lambda: defaultdict(set))
    _taken: dict[int, list[Interval]] = field(default_factory=lambda: defaultdict(list))

    def take(self, day: date, wanted: Wanted = lambda _person: True) -> int | None:
        """Somebody who does nothing else on that day; None where everybody does."""
        free = [one.id for one in self.residents if one.id not in self._gone[day] and wanted(one)]
        if not free:
            return None
        person = self.random.choice(free)
        self._gone[day].add(person)
        return person

    def seat(self, units: Sequence[Unit], span: Interval, day: SpaceDay) -> Unit | None:
        """One of `units` that nobody has in that time, buffer included."""
        whole = Interval(span.start, day.buffered(span.end))
        free = [unit for unit in units if not any(whole.overlaps(one) for one in self._taken[unit.id])]
        if not free:
            return None
        unit = self.random.choice(free)
        self.occupy(unit, span, day)
        return unit

    def occupy(self, unit: Unit, span: Interval, day: SpaceDay) -> None:
        """This seat is somebody's in that time."""
        self._taken[unit.id].append(Interval(span.start, day.buffered(span.end)))

    def minutes(self, least: int, most: int) -> timedelta:
        """Some minutes, for people are not clocks."""
        return timedelta(minutes=self.random.randint(least, most))


def is_elder(day: date) -> Wanted:
    """Whether somebody has turned 60 by that day."""
    return lambda person: age_on(person.born, day) >= ELDER
