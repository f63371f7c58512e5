"""When the canteen serves: the calendar, the hours of its meals, closures and policies put together."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from canteen.models import Canteen, ServingHours
from canteen.rules import MEALS, CanteenPolicy, cutoff_day
from centres.policies import policies_by_day
from centres.queries import day_kinds, one_offs
from centres.rules import DayKind
from core.clock import at, day_bounds, local_day
from core.database import db
from core.i18n import pick
from core.intervals import Interval
from core.kept import Kept, keep_true

PLACE = "canteen"
"""How closures name the canteen; those of the whole centre close it too."""
LOOK_BACK = timedelta(days=21)
"""No holidays are longer: the serving day before is found within it."""


@dataclass(frozen=True, slots=True)
class ServingDay:
    """The canteen on one local day: which meals it serves when, and why none where it serves none."""

    day: date
    zone: str
    kind: DayKind
    policy: CanteenPolicy
    meals: Mapping[str, Interval]
    cutoff_at: datetime
    """Until when its meals may be ordered and given back."""
    closed_zh: str = ""
    closed_en: str = ""

    @property
    def workday(self) -> bool:
        """Whether subsidies of working days hold on it; a make-up Saturday is one."""
        return self.kind.kind == "workday"

    @property
    def closed_reason(self) -> str:
        """Why nothing is served, for the reader; '' where it is no serving day of the week."""
        return pick(self.closed_zh, self.closed_en) if self.closed_zh else ""

    def too_early(self, today: date) -> bool:
        """Whether one cannot order yet. Counted to the cutoff, so that the first meal after long holidays can be
        ordered before them."""
        return (local_day(self.cutoff_at, self.zone) - today).days >= self.policy.horizon_days

    def missed_at(self, meal: str) -> datetime:
        """What is not collected by then is uncollected."""
        return self.meals[meal].end + timedelta(minutes=self.policy.missed_after)


_DAYS: Kept[tuple[object, ...], list[ServingDay]] = Kept(128)


def serving_days(canteen: Canteen, first: date, last: date) -> list[ServingDay]:
    """The canteen on each day from `first` to `last`, both included. Kept under the centre's `settings_version`."""
    return _kept(canteen.id, canteen.centre.zone, canteen.centre.settings_version, first, last)


def _kept(canteen_id: int, zone: str, settings: int, first: date, last: date) -> list[ServingDay]:
    key = (canteen_id, first, last, zone, settings)
    found = _DAYS.get(key)
    if found is None:
        found = _read(canteen_id, zone, first, last)
        keep_true(_DAYS, key, found, counted_at_once=True)
    return found


def day_of(canteen_id: int, zone: str, settings: int, day: date) -> ServingDay:
    """The canteen on one day, for whoever has read its centre's zone and version but no row."""
    return _kept(canteen_id, zone, settings, day, day)[0]


def serving_day(canteen: Canteen, day: date) -> ServingDay:
    """The canteen on one day."""
    return serving_days(canteen, day, day)[0]


def _read(canteen_id: int, zone: str, first: date, last: date) -> list[ServingDay]:
    """Some seven queries, however many days."""
    since = first - LOOK_BACK
    kinds = day_kinds(canteen_id, since, last)
    hours: dict[int, dict[str, tuple[time, time]]] = defaultdict(dict)
    for row in db.session.scalars(select(ServingHours).where(ServingHours.canteen_id == canteen_id)):
        hours[row.weekday][row.meal] = (row.opens, row.closes)
    start, end = day_bounds(since, zone)[0], day_bounds(last, zone)[1]
    closures = [row for row in one_offs(canteen_id, start, end, PLACE) if not row.is_open]
    rules = policies_by_day(CanteenPolicy, "canteen", canteen_id, list(kinds))
    meals: dict[date, dict[str, Interval]] = {}
    for day, kind in kinds.items():
        usual = hours.get(kind.hours_of, {}) if kind.hours_of is not None else {}
        spans = {
            meal: Interval(*(at(day, wall, zone) for wall in usual[meal])) for meal in MEALS if meal in usual
        }
        meals[day] = {
            meal: span
            for meal, span in spans.items()
            if not any(row.starts_at < span.end and span.start < row.ends_at for row in closures)
        }
    serving = [day for day, served in meals.items() if served]
    found = []
    for day, kind in kinds.items():
        if day < first:
            continue
        closes_on = cutoff_day(day, serving) or day - timedelta(days=1)
        begins, ends = day_bounds(day, zone)
        closure = next((row for row in closures if row.starts_at < ends and begins < row.ends_at), None)
        zh = closure.reason_zh if closure else kind.name_zh if kind.kind == "holiday" else ""
        en = closure.reason_en if closure else kind.name_en if kind.kind == "holiday" else ""
        cutoff = at(closes_on, rules[day].cutoff_at, zone)
        found.append(ServingDay(day, zone, kind, rules[day], meals[day], cutoff, zh, en))
    return found
