"""Plays verbs at moments of the past, so that what stands in the database afterwards came about by the services."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from core.clock import OPTION, local_day
from core.database import db

ZONE = "Asia/Shanghai"
OPENED_BEFORE = timedelta(weeks=8)
"""So long before the day of loading the house was set up."""
Scene = Callable[[], object]


@dataclass(slots=True)
class Stage:
    """What is to happen and when. Scenes after `now` never come: those people are still on their way."""

    now: datetime
    _scenes: list[tuple[datetime, int, Scene]] = field(default_factory=list)

    @property
    def today(self) -> date:
        return local_day(self.now, ZONE)

    @property
    def opened(self) -> datetime:
        return self.now - OPENED_BEFORE

    def at(self, moment: datetime, scene: Scene) -> None:
        """Let `scene` happen at `moment`, unless that is still to come."""
        if moment <= self.now:
            self._scenes.append((moment, len(self._scenes), scene))

    def play(self) -> int:
        """Play what was collected, in the order of its moments. Returns how many scenes there were."""
        scenes = sorted(self._scenes, key=lambda scene: scene[:2])
        for moment, _place, scene in scenes:
            with clock_at(moment):
                scene()
        self._scenes.clear()
        return len(scenes)


@contextmanager
def clock_at(moment: datetime) -> Iterator[None]:
    """The house's clock stands at `moment`, for this process."""
    before = db.engine.get_execution_options().get(OPTION)
    db.engine.update_execution_options(**{OPTION: lambda: moment})
    try:
        yield
    finally:
        db.engine.update_execution_options(**{OPTION: before})
