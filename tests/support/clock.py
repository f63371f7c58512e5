"""A clock that tests set. It stands for the program's clock and for the database's time."""

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 11, 23, 9, 41, tzinfo=ZONE).astimezone(UTC)


class Clock:
    """Stands still until it is moved. Given a file, it is shared with the server processes of a test."""

    def __init__(self, moment: datetime = START) -> None:
        self._moment = moment
        self._file: Path | None = None

    def __call__(self) -> datetime:
        return self._moment

    def set(self, moment: datetime | str) -> None:
        """Show this moment (a datetime, or "2026-11-24 08:30"). A naive one is meant in Shanghai."""
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment)
        self._moment = (moment if moment.tzinfo else moment.replace(tzinfo=ZONE)).astimezone(UTC)
        if self._file:
            write(self._file, self._moment)

    def at(self, wall: str, day: date | None = None) -> None:
        """Show `wall` ("14:05") on the wall clock in Shanghai, on `day` or the day it already is."""
        self.set(datetime.combine(day or self.today, time.fromisoformat(wall), ZONE))

    def advance(self, **amount: float) -> None:
        """Move on: `clock.advance(minutes=16)`."""
        self.set(self._moment + timedelta(**amount))

    @property
    def today(self) -> date:
        return self._moment.astimezone(ZONE).date()

    def share(self, file: Path) -> None:
        """From now on every move is written to `file`, which a `FileClock` in another process reads."""
        self._file = file
        write(file, self._moment)


class FileClock:
    """The same clock as another process moves it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self) -> datetime:
        return datetime.fromisoformat(json.loads(self._file.read_text()))


def write(file: Path, moment: datetime) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(moment.isoformat()))
    fresh.replace(file)
