"""What a meal costs somebody on its day: rules by date, promotions, and the rights of the week."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import bindparam, or_, select

from canteen.models import Promotion, SubsidyClaim, SubsidyRule
from canteen.rules import (
    CanteenPolicy,
    Diner,
    Rule,
    Sum,
    applies_to,
    best_rule,
    free_slot,
    meets,
    split,
    week_of,
)
from centres.policies import chain
from core.database import db
from people.models import Resident, ResidentStatus
from people.rules import age_on

_STATUS = ResidentStatus.metadata.tables["resident_status"]
_STATUSES = select(_STATUS.c.kind, _STATUS.c.starts_on, _STATUS.c.ends_on).where(
    _STATUS.c.resident_id == bindparam("resident")
)
_RULE = SubsidyRule.metadata.tables["subsidy_rule"]
_RULES = select(_RULE).where(
    _RULE.c.unit_id.in_(bindparam("units", expanding=True)),
    _RULE.c.starts_on <= bindparam("day"),
    or_(_RULE.c.ends_on.is_(None), _RULE.c.ends_on > bindparam("day")),
)
_PROMOTION = Promotion.metadata.tables["promotion"]
_PROMOTIONS = select(_PROMOTION).where(
    _PROMOTION.c.unit_id.in_(bindparam("units", expanding=True)),
    _PROMOTION.c.starts_on <= bindparam("day"),
    or_(_PROMOTION.c.ends_on.is_(None), _PROMOTION.c.ends_on > bindparam("day")),
)
_CLAIM = SubsidyClaim.metadata.tables["subsidy_claim"]
_CLAIMS = select(_CLAIM.c.day, _CLAIM.c.meal, _CLAIM.c.slot).where(
    _CLAIM.c.resident_id == bindparam("resident"),
    _CLAIM.c.week == bindparam("week"),
    _CLAIM.c.state != "released",
)


@dataclass(frozen=True, slots=True)
class Offered:
    """What a promotion takes off: the one that takes most."""

    id: int | None
    name_zh: str
    name_en: str
    off_fen: int


NO_PROMOTION = Offered(None, "", "", 0)


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
    promotion: Offered

    @property
    def cap_fen(self) -> int:
        """The most that is paid for them."""
        return self.rule.amount_fen if self.rule is not None and self.slot is not None else 0

    def sum(self, price_fen: int) -> Sum:
        """What a meal of this price costs whom."""
        return split(price_fen, self.promotion.off_fen, self.cap_fen)


NOBODY = Right(None, None, 0, "none", None, NO_PROMOTION)


def age_of(resident: Resident, day: date, policy: CanteenPolicy) -> int:
    """Full years on the meal's day."""
    counts_on = "02-28" if policy.leap_day_counts_on == 228 else "03-01"
    return age_on(resident.born, day, counts_on)


def diner(resident: Resident, day: date, policy: CanteenPolicy) -> Diner:
    """Who eats, as they are on the meal's day."""
    rows = db.session.execute(_STATUSES, {"resident": resident.id}).all()
    live = {row.kind for row in rows if row.starts_on <= day and (row.ends_on is None or day < row.ends_on)}
    levels = [one for one in ("severe", "moderate", "mild") if f"assessed_{one}" in live]
    return Diner(
        age_of(resident, day, policy), resident.hukou, frozenset(live), levels[0] if levels else None
    )


def rules_on(units: Sequence[int], day: date) -> list[Rule]:
    """Subsidy rules of a centre's chain that are in force on a day; of one code the nearest unit's."""
    rows = db.session.execute(_RULES, {"units": units, "day": day}).all()
    nearest: dict[str, Rule] = {}
    for row in sorted(rows, key=lambda row: -units.index(row.unit_id)):
        nearest[row.code] = Rule(
            row.id, row.code, row.kind, row.tier, row.conditions, row.applies, row.amount_fen
        )
    return list(nearest.values())


def promotion_on(units: Sequence[int], day: date, meal: str, age: int | None) -> Offered:
    """What is off the price for somebody of this age (None: nobody known) on a day."""
    fitting = [
        Offered(row.id, row.name_zh, row.name_en, row.off_fen)
        for row in db.session.execute(_PROMOTIONS, {"units": units, "day": day}).all()
        if applies_to({"meals": row.meals} if row.meals else {}, meal, True)
        and (
            not row.min_age
            or (age is not None and meets({"min_age": row.min_age}, Diner(age, "", frozenset())))
        )
    ]
    return max(fitting, key=lambda one: (one.off_fen, -(one.id or 0)), default=NO_PROMOTION)


def right(
    resident: Resident | None, centre_id: int, day: date, meal: str, workday: bool, policy: CanteenPolicy
) -> Right:
    """What helps somebody with a meal. In a verb the resident is locked: their week is counted by one at a time."""
    units = chain(centre_id)
    if resident is None:
        return Right(None, None, 0, "none", None, promotion_on(units, day, meal, None))
    who = diner(resident, day, policy)
    promotion = promotion_on(units, day, meal, who.age)
    rules = rules_on(units, day)
    rule = best_rule(rules, "meal", who, meal, workday)
    delivery = best_rule(rules, "delivery", who, meal, workday)
    if rule is None:
        return Right(None, None, 0, "none", delivery, promotion)
    used = claims(resident.id, day)
    slots: Collection[int] = {row[2] for row in used}
    left = max(0, policy.subsidies_week - len(slots))
    if any((one[0], one[1]) == (day, meal) for one in used):
        return Right(rule, None, left, "meal", delivery, promotion)
    slot = free_slot(slots, policy.subsidies_week)
    return Right(rule, slot, left, "" if slot else "week", delivery, promotion)


def claims(resident_id: int, day: date) -> list[tuple[date, str, int]]:
    """(day, meal, slot) of a person's subsidised meals in the week of a day."""
    rows = db.session.execute(_CLAIMS, {"resident": resident_id, "week": week_of(day)}).all()
    return [(row.day, row.meal, row.slot) for row in rows]
