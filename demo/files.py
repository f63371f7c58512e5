"""The demo's content as it stands in `data/`; what it says is explained in `data/README.md`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from centres.places import WEEKDAYS

DATA = Path(__file__).parent / "data"
Content = Mapping[str, Any]


@lru_cache(maxsize=4)
def read(name: str) -> Content:
    """One YAML file of the content."""
    content: Content = yaml.load((DATA / name).read_text(), Loader=yaml.CSafeLoader)
    return content


def hours(week: Mapping[str, Sequence[Sequence[str]]]) -> Iterator[tuple[int, time, time]]:
    """(weekday, opens, closes) of every opening; a day that is not named is closed."""
    for day, openings in week.items():
        for opens, closes in openings:
            yield WEEKDAYS.index(day), time.fromisoformat(opens), time.fromisoformat(closes)
