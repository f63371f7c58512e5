"""What a meal costs somebody on its day: rules by date, promotions, and the rights of the week."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from sqlalchemy import bindparam, select

from canteen.catalogue import Off, catalogue_of, rules_on
from canteen.days import ServingDay
from canteen.models import Canteen, SubsidyClaim
from canteen.rules import CanteenPolicy, Diner, Rule, Sum, best_rule, free_slot, split, week_of
from core.database import db
from people.models import ResidentStatus
from people.rules import age_on

_STATUS = ResidentStatus.metadata.tables["resident_status"]
_STATUSES = select(_STATUS.c.kind, _STATUS.c.starts_on, _STATUS.c.ends_on).where(
    _STATUS.c.resident_id == bindparam("resident")
)
_CLAIM = SubsidyClaim.metadata.tables["subsidy_claim"]
_CLAIMS = select(_CLAIM.c.day, _CLAIM.c.meal, _CLAIM.c.slot).where(
    _CLAIM.c.resident_id == bindparam("resident"),
    _CLAIM.c.week == bindparam("week"),
    _CLAIM.c.state != "released",
)


NO_PROMOTION = Off(0, "", "", 0, 0, ())


class Eater(Protocol):
    """What a quote must know of a resident; a row of the table or of a query."""

    @property
    def id(self) -> int: ...
    @property
    def born(self) -> date: ...
    @property
    def hukou(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Right:
    """A person's right to help with one meal: the rule, the slot of the week it would use, how many are left before.

    why: '' with a right; `none` (no rule for them), `meal` (used already), `week` (all of the week's are used).
    """

    rule: Rule | None
    slot: int | None
    left: int
    why: str
    delivery: Rule | None
    promotion: Off

    @property
    def cap_fen(self) -> int:
        """The most that is paid for them."""
        return self.rule.amount_fen if self.rule is not None and self.slot is not None else 0

    def sum(self, price_fen: int) -> Sum:
        """What a meal of this price costs whom."""
        return split(price_fen, self.promotion.off_fen, self.cap_fen)


NOBODY = Right(None, None, 0, "none", None, NO_PROMOTION)


def age_of(resident: Eater, day: date, policy: CanteenPolicy) -> int:
    """Full years on the meal's day."""
    counts_on = "02-28" if policy.leap_day_counts_on == 228 else "03-01"
    return age_on(resident.born, day, counts_on)


def diner(resident: Eater, day: date, policy: CanteenPolicy) -> Diner:
    """Who eats, as they are on the meal's day."""
    rows = db.session.execute(_STATUSES, {"resident": resident.id}).all()
    live = {row.kind for row in rows if row.starts_on <= day and (row.ends_on is None or day < row.ends_on)}
    levels = [one for one in ("severe", "moderate", "mild") if f"assessed_{one}" in live]
    return Diner(
        age_of(resident, day, policy), resident.hukou, frozenset(live), levels[0] if levels else None
    )


def promotion_for(offs: Sequence[Off], meal: str, age: int | None) -> Off:
    """What is off the price for somebody of this age (None: nobody known): the one that takes most off."""
    fitting = [
        one
        for one in offs
        if (not one.meals or meal in one.meals)
        and (not one.min_age or (age is not None and age >= one.min_age))
    ]
    return max(fitting, key=lambda one: (one.off_fen, -one.id), default=NO_PROMOTION)


def right(resident: Eater | None, canteen: Canteen, serving: ServingDay, meal: str) -> Right:
    """What helps somebody with a meal of a day."""
    return right_under(resident, canteen.id, serving, meal, *catalogue_of(canteen))


def right_under(
    resident: Eater | None, canteen_id: int, serving: ServingDay, meal: str, settings: int, catalogue: int
) -> Right:
    """The same under versions that were read already. In a verb the resident is locked: their week is counted by one
    at a time."""
    day, policy = serving.day, serving.policy
    rules, offs = rules_on(canteen_id, day, settings, catalogue)
    if resident is None:
        return Right(None, None, 0, "none", None, promotion_for(offs, meal, None))
    who = diner(resident, day, policy)
    promotion = promotion_for(offs, meal, who.age)
    rule = best_rule(rules, "meal", who, meal, serving.workday)
    delivery = best_rule(rules, "delivery", who, meal, serving.workday)
    if rule is None:
        return Right(None, None, 0, "none", delivery, promotion)
    used = claims(resident.id, day)
    slots = {row[2] for row in used}
    left = max(0, policy.subsidies_week - len(slots))
    if any((one[0], one[1]) == (day, meal) for one in used):
        return Right(rule, None, left, "meal", delivery, promotion)
    slot = free_slot(slots, policy.subsidies_week)
    return Right(rule, slot, left, "" if slot else "week", delivery, promotion)


def claims(resident_id: int, day: date) -> list[tuple[date, str, int]]:
    """(day, meal, slot) of a person's subsidised meals in the week of a day."""
    rows = db.session.execute(_CLAIMS, {"resident": resident_id, "week": week_of(day)}).all()
    return [(row.day, row.meal, row.slot) for row in rows]
