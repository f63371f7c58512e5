"""The canteens: what they may cook, when they serve, what it costs whom, and the menus of some weeks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from canteen.days import ServingDay, serving_days
from canteen.models import Canteen, Dish, Promotion, ServingHours, SubsidyRule
from canteen.rules import MEALS, week_of
from canteen.services.plan import Planned, make_menu, publish, set_offers, set_walk_in
from centres.models import OrgUnit
from centres.queries import centres
from core.audit import Actor
from core.clock import at
from core.database import db
from demo.files import Content, read
from demo.stage import ZONE, Stage, clock_at

CANTEENS = {
    "shuibei": ("水贝长者食堂", "Shuibei Elder Canteen", "暖邻餐饮服务公司（虚构）"),
    "sungang": ("笋岗长者食堂", "Sungang Elder Canteen", "暖邻餐饮服务公司（虚构）"),
}
"""Name, name in English, who answers for the prepaid accounts."""
COOKS = {"shuibei": "F03", "sungang": "F14"}
SECOND = "sungang"
"""The second canteen cooks only the first two set meals of a weekday's lunch, for fewer people."""
SECOND_SETS, SECOND_QUOTA, SECOND_WALK_IN = 2, 20, 5
FAVOURITE = "M02"
"""Stands on the lunch that can be ordered now and on the one a week before it, so that there is something to have
«和上周一样»."""
BACK, PLANNED = timedelta(days=28), timedelta(days=9)
LEAST = 6
"""So many serving days of the past have a story, and those of the days to come have menus."""
PATTERN = 6


@dataclass(slots=True)
class Kitchen:
    """One canteen with its days and what is on its menus. Only ids: rows go with their transaction."""

    centre: str
    id: int
    cook: int
    past: list[ServingDay]
    today: list[ServingDay]
    coming: list[ServingDay]
    menus: dict[tuple[date, str], int] = field(default_factory=dict)
    offers: dict[tuple[date, str], dict[str, int]] = field(default_factory=dict)
    """Offers by code, in the order of the menu."""

    def open_day(self, now: datetime) -> ServingDay:
        """The first day whose meals can be ordered."""
        return next(day for day in [*self.today, *self.coming] if day.cutoff_at > now)

    def week_before(self, day: ServingDay) -> ServingDay:
        """The last day before today that had the hours of the same weekday; the last one of all where none is told."""
        same = [one for one in self.past if one.kind.hours_of == day.kind.hours_of]
        return (same or self.past)[-1]


# --- what stands still ----------------------------------------------------------------------------------------------


def load_catalogue() -> dict[str, int]:
    """Dishes, canteens with their hours, rules and promotions. Returns the dishes' ids by code."""
    district = db.session.scalars(select(OrgUnit.id).where(OrgUnit.kind == "district")).one()
    for centre in centres():
        zh, en, operator = CANTEENS[centre.code]
        db.session.add(Canteen(id=centre.id, name_zh=zh, name_en=en, account_operator=operator))
        db.session.flush()
        db.session.add_all(_hours(centre.id, centre.code))
    dishes = [_dish(district, row) for row in read("dishes.yaml")["dishes"]]
    db.session.add_all([*dishes, *_rules(district), *_promotions(district)])
    db.session.flush()
    return {dish.code: dish.id for dish in dishes}


def _hours(canteen_id: int, code: str) -> Iterator[ServingHours]:
    for meal, (opens, closes) in read("menus.yaml")["serving"].items():
        for weekday in range(5 if code == SECOND else PATTERN):
            if code != SECOND or meal == "lunch":
                spans = {"opens": time.fromisoformat(opens), "closes": time.fromisoformat(closes)}
                yield ServingHours(canteen_id=canteen_id, weekday=weekday, meal=meal, **spans)


def _dish(district: int, row: Content) -> Dish:
    told = (
        "code",
        "kind",
        "name_zh",
        "name_en",
        "price_fen",
        "labels",
        "allergens",
        "pungent",
        "texture",
        "spoken",
    )
    return Dish(
        unit_id=district,
        recipe=list(row["recipe_10"]),
        **{name: row[name] for name in told},
    )


def _rules(district: int) -> Iterator[SubsidyRule]:
    for row in read("subsidies.yaml")["rules"]:
        yield SubsidyRule(
            unit_id=district,
            code=row["code"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            kind=row["kind"],
            tier=row.get("tier", ""),
            conditions=row["conditions"],
            applies=row.get("applies", {}),
            amount_fen=row.get("cap_fen", row.get("amount_fen")),
            source=row["source"],
            starts_on=date.fromisoformat(row["effective_from"]),
            ends_on=_excluded(row["effective_to"]),
        )


def _promotions(district: int) -> Iterator[Promotion]:
    for row in read("subsidies.yaml")["promotions"]:
        yield Promotion(
            unit_id=district,
            code=row["code"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            off_fen=row["off_fen"],
            min_age=row["min_age"],
            meals=[],
            starts_on=date.fromisoformat(row["effective_from"]),
            ends_on=_excluded(row["effective_to"]),
        )


def _excluded(last: str | None) -> date | None:
    """The content names the last day, the tables the first one after it."""
    return date.fromisoformat(last) + timedelta(days=1) if last else None


# --- menus ----------------------------------------------------------------------------------------------------------


def load_menus(stage: Stage, dishes: dict[str, int], staff: dict[str, int]) -> dict[str, Kitchen]:
    """Menus from a week ago until the end of next week or nine days ahead; what comes after those nine is a draft."""
    content = read("menus.yaml")
    made = {}
    for centre in centres():
        canteen = db.session.get_one(Canteen, centre.id)
        kitchen = _kitchen(stage, canteen, staff[COOKS[centre.code]])
        favoured = kitchen.open_day(stage.now)
        published = max(stage.today + PLANNED, kitchen.coming[LEAST - 1].day)
        special = {favoured.day, kitchen.week_before(favoured).day}
        for day in [*kitchen.past, *kitchen.today, *kitchen.coming]:
            pattern = content["days"][_pattern(day, stage.today)]["meals"]
            planned_at = min(
                at(week_of(day.day) - timedelta(days=5), time(15, 20), ZONE), stage.now - timedelta(hours=1)
            )
            with clock_at(planned_at):
                for meal in MEALS:
                    if meal in day.meals:
                        wanted = list(
                            _planned(
                                kitchen.centre, pattern[meal], dishes, day.day in special and meal == "lunch"
                            )
                        )
                        _menu(kitchen, canteen, day.day, meal, wanted, day.day <= published)
        made[centre.code] = kitchen
    return made


def _kitchen(stage: Stage, canteen: Canteen, cook: int) -> Kitchen:
    """The canteen's days: the last ones before today, back to the same weekday; today; those to come."""
    today = stage.today
    until = max(week_of(today) + timedelta(days=13), today + PLANNED)
    past = [day for day in serving_days(canteen, today - BACK, today - timedelta(days=1)) if day.meals]
    now = [day for day in serving_days(canteen, today, today) if day.meals]
    coming: list[ServingDay] = []
    while len([day for day in coming if day.cutoff_at > stage.now]) < LEAST:  # long holidays: look further
        coming = [day for day in serving_days(canteen, today + timedelta(days=1), until) if day.meals]
        until += timedelta(days=7)
    kitchen = Kitchen(canteen.centre.code, canteen.id, cook, past, now, coming)
    first = min(past[-LEAST].day, kitchen.week_before(kitchen.open_day(stage.now)).day)
    kitchen.past = [day for day in past if day.day >= first]
    return kitchen


def _pattern(day: ServingDay, today: date) -> int:
    """The index of the fortnight's pattern: this week is its first; a make-up workday is the weekday it follows."""
    week = (week_of(day.day) - week_of(today)).days // 7 % 2
    return PATTERN * week + (day.kind.hours_of or 0)


def _planned(centre: str, meal: Content, dishes: dict[str, int], special: bool) -> Iterator[Planned]:
    """Set meals in their order, then single dishes."""
    sets: Sequence[Content] = meal["set_meals"]
    for place, one in enumerate(sets[:SECOND_SETS] if centre == SECOND else sets):
        codes, price = [one["main"], *one["sides"]], one["price_fen"]
        if special and place == 1:
            codes, price = [FAVOURITE, *one["sides"]], None
        quota = min(one["quota"], SECOND_QUOTA) if centre == SECOND else one["quota"]
        yield Planned(one["code"].rpartition("-")[2], "set", [dishes[code] for code in codes], quota, price)
    for one in [] if centre == SECOND else meal["choices"]:
        yield Planned(one["dish"], "single", [dishes[one["dish"]]], one["quota"])


def _menu(
    kitchen: Kitchen, canteen: Canteen, day: date, meal: str, wanted: Sequence[Planned], published: bool
) -> None:
    actor = Actor("staff", kitchen.cook)
    menu = make_menu(actor, canteen, day, meal)
    set_offers(actor, menu.id, wanted)
    walk_in = SECOND_WALK_IN if kitchen.centre == SECOND else read("menus.yaml")["walk_in_allowance"][meal]
    if walk_in != menu.walk_in:
        set_walk_in(actor, menu.id, walk_in)
    if published:
        publish(actor, menu.id)
        kitchen.menus[day, meal] = menu.id
        kitchen.offers[day, meal] = {offer.code: offer.id for offer in menu.offers}
