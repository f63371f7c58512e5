"""A canteen in 水贝 (and one in 笋岗) with dishes, rules and lunches, made through the services where there are any."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta

from flask import Flask

from canteen.models import Canteen, Dish, MealOrder, Promotion, ServingHours, SubsidyRule
from canteen.services.order import Wish, place
from canteen.services.plan import Planned, make_menu, publish, set_offers
from core.audit import OPERATOR, Actor
from core.clock import database_now
from core.database import db, unit_of_work
from people.models import Resident, ResidentStatus
from tests.support.cast import Cast

STARTS = date(2025, 1, 20)
LUNCH = ((time(11, 30), time(12, 30)), "lunch")
DINNER = ((time(17, 0), time(18, 0)), "dinner")
DISHES: Sequence[tuple[str, str, str, str, int, list[str], list[str], str]] = (
    (
        "M01",
        "main",
        "清蒸鲈鱼",
        "Steamed sea bass",
        1000,
        ["low_salt", "low_oil"],
        ["fish", "soy", "gluten"],
        "regular",
    ),
    ("M02", "main", "肉末蒸蛋", "Steamed egg with pork", 800, ["soft", "low_oil"], ["egg"], "minced"),
    ("M03", "main", "香菇豆腐", "Tofu with shiitake", 700, ["vegan"], ["soy", "gluten"], "soft"),
    ("M04", "main", "清真牛肉", "Halal beef stew", 1000, ["halal"], [], "regular"),
    ("V01", "vegetable", "香菇菜心", "Choy sum", 300, ["vegan", "low_salt"], [], "regular"),
    ("V03", "vegetable", "炒时蔬", "Greens", 300, ["vegan", "low_sugar"], [], "regular"),
    ("V10", "vegetable", "清炒红萝卜丝", "Carrots", 300, ["vegan", "halal", "low_salt"], [], "soft"),
    ("V11", "vegetable", "凉拌青瓜", "Cucumber with peanuts", 300, ["vegan"], ["peanut", "soy"], "regular"),
    ("T01", "staple", "米饭", "Rice", 100, ["vegan", "halal", "low_salt"], [], "regular"),
    ("S01", "soup", "排骨汤", "Rib soup", 100, ["low_oil"], [], "regular"),
    ("S07", "soup", "玉米汤", "Corn soup", 100, ["vegan"], [], "soft"),
    ("S08", "soup", "牛骨汤", "Beef bone soup", 100, ["halal"], [], "regular"),
)
SETS = {
    "L1": ("M01", "V01", "T01", "S01"),
    "L2": ("M02", "V03", "T01", "S07"),
    "L3": ("M03", "V03", "T01", "S07"),
    "L4": ("M04", "V10", "T01", "S08"),
}
"""¥15.00, ¥13.00, ¥12.00 and ¥15.00."""
QUOTAS = {"L1": 45, "L2": 30, "L3": 15, "L4": 8}
PRIORITY = ["tekun", "dibao", "dibao_margin", "sanshu_wulao", "family_planning"]
LUNCH_ON_WORKDAYS: dict[str, object] = {"meals": ["lunch"], "days": "workday"}
RULE_NAMES = {
    "meal-priority": ("特困、低保等长者午餐补贴", "Lunch subsidy, priority groups aged 60 and over"),
    "meal-centenarian": ("百岁长者午餐补贴", "Lunch subsidy, aged 100 and over"),
    "meal-70-99": ("70至99岁长者午餐补贴", "Lunch subsidy, aged 70 to 99"),
    "delivery": ("百岁和失能长者送餐补贴", ""),
    "operating": ("食堂运营补贴", "Operating subsidy for the canteen"),
}
"""Code → name and name in English; one has none."""
RULES: Sequence[tuple[str, str, str, dict[str, object], dict[str, object], int]] = (
    (
        "meal-priority",
        "meal",
        "P15",
        {"hukou": "shenzhen", "min_age": 60, "any_status": PRIORITY},
        LUNCH_ON_WORKDAYS,
        1500,
    ),
    ("meal-centenarian", "meal", "C15", {"hukou": "shenzhen", "min_age": 100}, LUNCH_ON_WORKDAYS, 1500),
    ("meal-70-99", "meal", "A5", {"hukou": "shenzhen", "min_age": 70, "max_age": 99}, LUNCH_ON_WORKDAYS, 500),
    (
        "delivery",
        "delivery",
        "",
        {
            "hukou": "shenzhen",
            "any_of": [{"min_age": 100}, {"min_age": 70, "assessment_at_least": "moderate"}],
        },
        {},
        200,
    ),
    ("operating", "operating", "", {"diner": "subsidised"}, {}, 200),
)


@dataclass
class Meals:
    """What the tests order. Ids only."""

    app: Flask
    cast: Cast
    dishes: dict[str, int] = field(default_factory=dict)
    offers: dict[tuple[int, date, str, str], int] = field(default_factory=dict)
    """(centre, day, meal, code) → offer."""
    menus: dict[tuple[int, date, str], int] = field(default_factory=dict)

    def lunch(
        self, day: date, centre: int | None = None, quotas: dict[str, int] | None = None, meal: str = "lunch"
    ) -> int:
        """A published lunch with the four set meals; returns the menu's id."""
        where = centre or self.cast.shuibei
        with unit_of_work():
            menu = make_menu(OPERATOR, db.session.get_one(Canteen, where), day, meal)
            planned = [
                Planned(code, "set", [self.dishes[dish] for dish in dishes], (quotas or QUOTAS).get(code, 0))
                for code, dishes in SETS.items()
            ]
            set_offers(OPERATOR, menu.id, planned)
            publish(OPERATOR, menu.id)
            for offer in menu.offers:
                self.offers[where, day, meal, offer.code] = offer.id
        self.menus[where, day, meal] = menu.id
        return menu.id

    def offer(self, day: date, code: str = "L1", centre: int | None = None, meal: str = "lunch") -> int:
        """Id of a set meal."""
        return self.offers[centre or self.cast.shuibei, day, meal, code]

    def order(
        self,
        resident: int | None,
        day: date,
        code: str = "L1",
        *,
        centre: int | None = None,
        channel: str = "kiosk",
        meal: str = "lunch",
        **wish: object,
    ) -> MealOrder:
        """One order, by the person themselves."""
        actor = Actor("resident", resident) if resident else Actor("nobody")
        return place(actor, self.offer(day, code, centre, meal), resident, Wish(**wish), channel=channel)  # type: ignore[arg-type]

    def person(
        self,
        name: str,
        born: date,
        *,
        hukou: str = "shenzhen",
        statuses: Sequence[tuple[str, date, date | None]] = (),
        alone: bool = False,
        lifecycle: str = "active",
    ) -> int:
        """A resident of the district as the elders' register describes them."""
        with unit_of_work():
            row = Resident(
                district_id=self.cast.district,
                home_centre_id=self.cast.shuibei,
                name=name,
                born=born,
                language="zh_Hans",
                settings={},
                hukou=hukou,
                hukou_district="luohu",
                lives_alone=alone,
                lifecycle=lifecycle,
                made_at=database_now(),
            )
            db.session.add(row)
            db.session.flush()
            for kind, starts, ends in statuses:
                db.session.add(ResidentStatus(resident_id=row.id, kind=kind, starts_on=starts, ends_on=ends))
        return row.id


def furnish(app: Flask, cast: Cast, *, accounts: bool = True) -> Meals:
    """Both canteens, the catalogue and the rules; 陈奶奶 is of Shenzhen and lives alone. Needs a context of the app."""
    made = Meals(app, cast)
    with unit_of_work():
        for centre, name in ((cast.shuibei, "水贝长者食堂"), (cast.sungang, "笋岗长者食堂")):
            operator = f"{name}（虚构）" if accounts else ""
            db.session.add(
                Canteen(id=centre, name_zh=name, name_en="Elder canteen", account_operator=operator)
            )
            db.session.flush()
            for weekday in range(6):
                for (opens, closes), meal in (LUNCH, DINNER):
                    db.session.add(
                        ServingHours(
                            canteen_id=centre, weekday=weekday, meal=meal, opens=opens, closes=closes
                        )
                    )
        for code, kind, zh, en, price, labels, allergens, texture in DISHES:
            dish = Dish(
                unit_id=cast.district,
                code=code,
                kind=kind,
                name_zh=zh,
                name_en=en,
                price_fen=price,
                labels=labels,
                allergens=allergens,
                texture=texture,
                recipe=[{"ingredient": zh, "amount": 1000, "unit": "g"}],
            )
            db.session.add(dish)
            db.session.flush()
            made.dishes[code] = dish.id
        for code, kind, tier, conditions, applies, amount in RULES:
            db.session.add(
                SubsidyRule(
                    unit_id=cast.district,
                    code=code,
                    name_zh=RULE_NAMES[code][0],
                    name_en=RULE_NAMES[code][1],
                    kind=kind,
                    tier=tier,
                    conditions=conditions,
                    applies=applies,
                    amount_fen=amount,
                    starts_on=STARTS,
                )
            )
        chen = db.session.get_one(Resident, cast.chen)
        chen.hukou, chen.hukou_district, chen.lives_alone = "shenzhen", "luohu", True
        aqiang = db.session.get_one(Resident, cast.aqiang)
        aqiang.hukou, aqiang.hukou_district = "shenzhen", "luohu"
    return made


def two_lunches(app: Flask, cast: Cast) -> Meals:
    """Lunch on Tuesday and Wednesday. No application context stays open: requests have their own."""
    with app.app_context():
        made = furnish(app, cast)
        for day in (date(2026, 11, 24), date(2026, 11, 25)):
            made.lunch(day)
        db.session.remove()
    return made


def double_ninth(cast: Cast, starts: date, ends: date) -> None:
    """Two yuan off for everybody from 60 on."""
    with unit_of_work():
        db.session.add(
            Promotion(
                unit_id=cast.district,
                code="chongyang",
                name_zh="重阳敬老周",
                name_en="Double Ninth week",
                off_fen=200,
                min_age=60,
                meals=[],
                starts_on=starts,
                ends_on=ends,
            )
        )


def days(first: date, last: date) -> list[date]:
    """Every day from first to last."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
