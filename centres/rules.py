"""Pure decisions about hours and days. Wall-clock times only; `queries.py` turns them into moments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time

MONDAY, SATURDAY = 0, 5


@dataclass(frozen=True, slots=True)
class DayKind:
    """What a day is: `workday`, `weekend` or `holiday`; which weekday's hours it follows (None: closed)."""

    kind: str
    hours_of: int | None
    name_zh: str = ""
    name_en: str = ""
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Special:
    """A row of the calendar: `holiday`, `makeup_workday` with the weekday whose hours it follows, or `plain`."""

    kind: str
    name_zh: str
    name_en: str
    hours_of: int | None
    provisional: bool


def day_kind(day: date, special: Special | None, year_published: bool) -> DayKind:
    """What `day` is. A make-up workday follows the weekday named for it, Monday where none is named."""
    if special is not None and special.kind == "holiday":
        return DayKind("holiday", None, special.name_zh, special.name_en, special.provisional)
    if special is not None and special.kind == "makeup_workday":
        hours_of = MONDAY if special.hours_of is None else special.hours_of
        return DayKind("workday", hours_of, special.name_zh, special.name_en, special.provisional)
    kind = "weekend" if day.weekday() >= SATURDAY else "workday"
    return DayKind(kind, day.weekday(), provisional=not year_published)


def hours_on(kind: DayKind, weekly: Mapping[int, Sequence[tuple[time, time]]]) -> list[tuple[time, time]]:
    """The openings of a day by its kind and the week's hours, in order."""
    return [] if kind.hours_of is None else sorted(weekly.get(kind.hours_of, ()))


def year_warning(today: date, published: set[int]) -> int | None:
    """The year whose calendar is missing, from 15 November on; None while all is well."""
    if today.year not in published:
        return today.year
    if (today.month, today.day) >= (11, 15) and today.year + 1 not in published:
        return today.year + 1
    return None
