"""Pure decisions about hours and days. Wall-clock times only; `queries.py` turns them into moments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from itertools import pairwise

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


# --- places, as an operator tells them ------------------------------------------------------------------------------

Opening = tuple[int, time, time]
"""Weekday (0 = Monday), opens, closes."""
ABOVE: Mapping[str, frozenset[str]] = {
    "district": frozenset(),
    "street": frozenset({"district"}),
    "centre": frozenset({"district", "street"}),
    "department": frozenset({"district", "street", "centre"}),
    "case_unit": frozenset({"district", "street", "centre"}),
    "partner": frozenset({"district", "street", "centre"}),
}
"""Kind of a unit → kinds that it may stand under. Only a district stands under nothing."""


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """A node of the tree; parent: the code of the one above it, '' for a district."""

    code: str
    kind: str
    parent: str
    name_zh: str
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class CentreFacts:
    """What a centre has beside its node of the tree, under the names of its columns."""

    short_zh: str
    address_zh: str
    phone: str
    address_en: str = ""
    zone: str = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of a file of places, with the line it begins on. Only centres have `centre` and `hours`."""

    line: int
    unit: UnitFacts
    centre: CentreFacts | None = None
    hours: Sequence[Opening] = ()


def may_stand_under(kind: str, parent_kind: str | None) -> bool:
    """Whether a unit of this kind has its place there; None: at the top."""
    return not ABOVE[kind] if parent_kind is None else parent_kind in ABOVE[kind]


def in_order(hours: Sequence[Opening]) -> bool:
    """Whether every opening ends after it began and none begins before the one before it has ended."""
    ordered = sorted(hours)
    return all(opens < closes for _day, opens, closes in ordered) and all(
        first[0] != then[0] or first[2] <= then[1] for first, then in pairwise(ordered)
    )
