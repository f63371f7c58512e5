"""Pure decisions of the canteen. Money is whole fen; `now` and policy are arguments; moments are aware."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

MEALS = ("breakfast", "lunch", "dinner")
TEXTURES = ("regular", "soft", "minced", "puree")
LABELS = ("low_salt", "low_sugar", "low_oil", "soft", "halal", "vegan")
ALLERGENS = (
    "gluten",
    "crustacean",
    "fish",
    "egg",
    "peanut",
    "soy",
    "milk",
    "nut",
    "mollusc",
    "sesame",
    "sulphite",
)
STRICT = frozenset({"halal", "vegan"})
"""Labels that hold for a set meal only if they hold for every dish of it; the others are the main dish's."""
PICKED = frozenset({"low_sugar", "low_oil"})
"""Labels that a dish has or has not; less salt and soft food the kitchen makes of any, box by box."""
ASSESSMENTS = ("mild", "moderate", "severe")


@dataclass(frozen=True, slots=True)
class CanteenPolicy:
    """The house's numbers (`canteen.<field>`), with their defaults. Money in fen, minutes unless the name says."""

    cutoff_at: time = time(16, 0)
    walk_in: int = field(default=10, metadata={"most": 1_000})
    horizon_days: int = field(default=7, metadata={"least": 1, "most": 21})
    undo_seconds: int = field(default=60, metadata={"most": 3_600})
    meal_orders: int = field(default=2, metadata={"least": 1, "most": 100})
    """Orders of one person for one meal; the second one is not subsidised."""
    guest_orders: int = field(default=2, metadata={"most": 100})
    """Orders of one visit that nobody is known in, for one meal."""
    guest_share: int = field(default=20, metadata={"most": 100})
    """Of a hundred portions of a meal, how many guests who have not paid may order at screens; one at least."""
    card_orders: int = field(default=6, metadata={"least": 1, "most": 100})
    """Orders a day that a card makes without its PIN, for whatever days: it may be a photograph of the card."""
    subsidies_week: int = field(default=5, metadata={"most": 21})
    missed_after: int = field(default=0, metadata={"most": 1_440})
    """After the end of serving, until what is not collected counts as uncollected."""
    missed_kept: int = field(default=1, metadata={"most": 1})
    """Whether the person's own part of a meal that nobody collected stays paid (1) or goes back to them (0)."""
    excuse_days: int = field(default=7, metadata={"most": 31})
    """Days after a meal on which staff may still give it back to somebody who could not come, and say why."""
    redeem_undo: int = field(default=5, metadata={"most": 1_440})
    """Until when whoever stands at the window takes a hand-over back; who leads the centre may all day."""
    account_most_fen: int = field(default=500_000, metadata={"most": 500_000})
    refund_named_fen: int = field(default=10_000, metadata={"most": 500_000})
    """Above it a refund goes to an account in the same name, not out of the till."""
    two_people_fen: int = field(default=5_000, metadata={"most": 500_000})
    """Above it a correction needs a second member of staff."""
    cash_difference_fen: int = field(default=5_000, metadata={"most": 500_000})
    """Above it a difference found in the till needs a reason and a second member of staff."""
    sample_hours: int = field(default=48, metadata={"most": 720})
    sample_grams: int = field(default=125, metadata={"most": 2_000})
    care_call_within: int = field(default=30, metadata={"most": 1_440})
    nobody_home_within: int = field(default=10, metadata={"most": 1_440})
    leap_day_counts_on: int = field(default=301, metadata={"least": 228, "most": 301})
    """Born on 29 February: the birthday of other years, as month and day (228 or 301)."""


def guests_most(portions: int, share: int) -> int:
    """How many of so many portions may go to guests who have not paid: `share` of a hundred, one at least."""
    return max(1, portions * share // 100)


# --- orders ---------------------------------------------------------------------------------------------------------

MOVES: dict[str, frozenset[str]] = {
    "ordered": frozenset({"collected", "delivered", "uncollected", "cancelled", "failed"}),
    "collected": frozenset({"ordered", "uncollected"}),
    "delivered": frozenset({"ordered", "uncollected"}),
    "uncollected": frozenset({"collected", "cancelled", "failed"}),
    "cancelled": frozenset(),
    "failed": frozenset(),
}
"""Every legal move. collected → ordered (or uncollected, when serving is over): undone within its minutes.
uncollected → collected: a window that was offline had handed it out in time; → cancelled: staff excuse it."""


def may_move(state: str, to: str) -> bool:
    """Whether an order may go from one state to another."""
    return to in MOVES[state]


def may_give_back(cutoff_at: datetime, undo_until: datetime, now: datetime) -> bool:
    """Whether a person may cancel by themselves: until the cutoff, and always within the undo's seconds."""
    return now < cutoff_at or now <= undo_until


def phase(cutoff_at: datetime, serves_until: datetime, now: datetime) -> str:
    """`open` until the cutoff, `walk_in` until serving ends, then `over`."""
    return "open" if now < cutoff_at else "walk_in" if now < serves_until else "over"


# --- subsidies ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Diner:
    """Who eats, on the meal's day: age in full years, hukou, statuses in force, level of the assessment or None."""

    age: int
    hukou: str
    statuses: frozenset[str]
    assessment: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A subsidy rule in force on the meal's day."""

    id: int
    code: str
    kind: str
    tier: str
    conditions: Mapping[str, Any]
    applies: Mapping[str, Any]
    amount_fen: int


def meets(conditions: Mapping[str, Any], diner: Diner) -> bool:
    """Whether a person meets every condition. An unknown one is met by nobody."""
    for name, wanted in conditions.items():
        if name == "hukou":
            good = diner.hukou == wanted
        elif name == "min_age":
            good = diner.age >= wanted
        elif name == "max_age":
            good = diner.age <= wanted
        elif name == "any_status":
            good = bool(diner.statuses & set(wanted))
        elif name == "assessment_at_least":
            good = diner.assessment is not None and ASSESSMENTS.index(diner.assessment) >= ASSESSMENTS.index(
                wanted
            )
        elif name == "any_of":
            good = any(meets(one, diner) for one in wanted)
        else:
            good = False
        if not good:
            return False
    return True


def applies_to(applies: Mapping[str, Any], meal: str, workday: bool) -> bool:
    """Whether a rule is for this meal on this kind of day."""
    return meal in applies.get("meals", MEALS) and (applies.get("days") != "workday" or workday)


def best_rule(rules: Iterable[Rule], kind: str, diner: Diner, meal: str, workday: bool) -> Rule | None:
    """The rule of a kind that helps most; of equal ones the first by code."""
    fitting = [
        rule
        for rule in rules
        if rule.kind == kind and applies_to(rule.applies, meal, workday) and meets(rule.conditions, diner)
    ]
    return min(fitting, key=lambda rule: (-rule.amount_fen, rule.code), default=None)


@dataclass(frozen=True, slots=True)
class Sum:
    """What a meal costs whom, in fen; price = promotion + subsidy + pays."""

    price_fen: int
    promotion_fen: int
    subsidy_fen: int

    @property
    def pays_fen(self) -> int:
        return self.price_fen - self.promotion_fen - self.subsidy_fen


def split(price_fen: int, off_fen: int, cap_fen: int) -> Sum:
    """The promotion first, then the subsidy; neither is ever more than what is left."""
    promotion = min(max(off_fen, 0), price_fen)
    return Sum(price_fen, promotion, min(max(cap_fen, 0), price_fen - promotion))


def week_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def free_slot(used: Collection[int], most: int) -> int | None:
    """The lowest number from 1 to `most` that is not used; None where the week's are all used."""
    return next((slot for slot in range(1, most + 1) if slot not in used), None)


# --- dishes and diets -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plate:
    """A dish as far as diets go. The main one stands first in an offer."""

    labels: frozenset[str]
    allergens: frozenset[str]
    texture: str = "regular"


@dataclass(frozen=True, slots=True)
class Diet:
    """What somebody must not or does not wish to eat."""

    allergens: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    texture: str = "regular"


def labels_of(plates: Sequence[Plate]) -> list[str]:
    """Labels of an offer in their fixed order: the main dish's, the strict ones only if every dish has them."""
    if not plates:
        return []
    found = {label for label in plates[0].labels if label not in STRICT}
    found |= {label for label in STRICT if all(label in plate.labels for plate in plates)}
    return [label for label in LABELS if label in found]


def allergens_of(plates: Iterable[Plate]) -> list[str]:
    """Every allergen of any dish of an offer, in their fixed order."""
    found = {allergen for plate in plates for allergen in plate.allergens}
    return [allergen for allergen in ALLERGENS if allergen in found]


def conflicts(plates: Sequence[Plate], diet: Diet) -> list[str]:
    """What of an offer is against a profile: `allergen:fish`, `not:halal`. These need an explicit yes."""
    held = labels_of(plates)
    against = [f"allergen:{one}" for one in allergens_of(plates) if one in diet.allergens]
    asked = (STRICT | PICKED) & diet.labels
    return against + [f"not:{one}" for one in LABELS if one in asked and one not in held]


def barring(against: Iterable[str]) -> list[str]:
    """What of these conflicts nobody may get unasked. The others are a wish: a standing order, which asks nobody,
    heeds them where it can."""
    wishes = {f"not:{one}" for one in PICKED}
    return [one for one in against if one not in wishes]


def suits(plates: Sequence[Plate], diet: Diet) -> int:
    """How well an offer suits somebody: more is better, below nought nobody may get it unasked."""
    if barring(conflicts(plates, diet)):
        return -1
    held = set(labels_of(plates))
    soft = diet.texture != "regular" and bool(plates) and plates[0].texture != "regular"
    return len(held & diet.labels) + (2 if soft else 0)


# --- days -----------------------------------------------------------------------------------------------------------


def cutoff_day(day: date, serving_days: Collection[date]) -> date | None:
    """The serving day before `day`, on which its orders close; None where none is known."""
    earlier = [one for one in serving_days if one < day]
    return max(earlier, default=None)


def sample_ends(taken_at: datetime, hours: int) -> datetime:
    """Until when a food sample is kept."""
    return taken_at + timedelta(hours=hours)


# --- the kitchen ----------------------------------------------------------------------------------------------------


def shopping(
    portions: Mapping[int, int], recipes: Mapping[int, Sequence[Mapping[str, Any]]]
) -> dict[tuple[str, str], int]:
    """(ingredient, unit) → amount for so many portions of each dish; recipes are for ten. Rounded up at the end."""
    tenths: dict[tuple[str, str], int] = {}
    for dish, many in portions.items():
        for part in recipes.get(dish, ()):
            key = (str(part["ingredient"]), str(part["unit"]))
            tenths[key] = tenths.get(key, 0) + int(part["amount"]) * many
    return {key: -(-amount // 10) for key, amount in sorted(tenths.items())}


def spread(many: int, weights: Mapping[int, int]) -> dict[int, int]:
    """So many portions over several offers, in proportion to their weights, evenly where there are none. The parts add
    up; what does not divide goes to the largest rests, of equal ones to the first."""
    total = sum(weights.values())
    shares = {key: (weight or 0) if total else 1 for key, weight in weights.items()}
    whole = sum(shares.values())
    if not whole or many <= 0:
        return dict.fromkeys(weights, 0)
    parts = {key: many * share // whole for key, share in shares.items()}
    rests = sorted(shares, key=lambda key: -(many * shares[key] % whole))
    for key in rests[: many - sum(parts.values())]:
        parts[key] += 1
    return parts


# --- delivery -------------------------------------------------------------------------------------------------------


def floor_of(room: str) -> int:
    """The floor of a room as it is written on doors: 1203 is on 12, 302 on 3; 0 where the room does not say."""
    numbers = [int(part) for part in re.findall(r"\d+", room)]
    last = numbers[-1] if numbers else 0
    return last // 100 if last >= 100 else 0


def route_key(building: str, lift: bool, room: str) -> tuple[str, int, int, str]:
    """Where a door comes on a round: building by building; with a lift from the top down, else from the ground up."""
    floor = floor_of(room)
    numbers = re.findall(r"\d+", room)
    return building, -floor if lift else floor, int(numbers[-1]) if numbers else 0, room
