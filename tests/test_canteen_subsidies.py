"""Who is helped with how much on which day: the worked examples and expected tiers of the content, to the fen."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from canteen.days import ServingDay, serving_day
from canteen.models import Canteen, MealOrder, SubsidyClaim, SubsidyRule
from canteen.quotes import right
from canteen.rules import split
from canteen.services.close import finish_menu
from canteen.services.give_back import cancel
from canteen.services.plan import Planned, put_offer
from centres.services import set_policy
from core.audit import OPERATOR, Actor
from core.database import db, unit_of_work
from demo.files import read
from people.models import Resident, ResidentStatus
from tests.support.clock import Clock
from tests.support.meals import Meals, double_ninth

TUESDAY = date(2026, 11, 24)
ANCHOR = date(2026, 11, 23)
TIERS: dict[str, dict[str, Any]] = {
    "A5": {"born": date(1950, 6, 1)},
    "P15": {"born": date(1950, 6, 1), "status": "dibao"},
    "FULL": {},
}


def canteen(meals: Meals) -> Canteen:
    return db.session.get_one(Canteen, meals.cast.shuibei, populate_existing=True)


def as_workday(meals: Meals, day: date) -> ServingDay:
    """The day with a lunch of a working day, whatever the calendar says: the content tells tiers on Sundays too."""
    usual = serving_day(canteen(meals), TUESDAY)
    found = serving_day(canteen(meals), day)
    return replace(found, kind=usual.kind, meals=usual.meals)


def tier(meals: Meals, resident: int, day: date) -> str:
    person = db.session.get_one(Resident, resident)
    rule = right(person, canteen(meals), as_workday(meals, day), "lunch").rule
    return rule.tier if rule else "FULL"


def statuses(status: str | None, level: str | None) -> list[tuple[str, date, date | None]]:
    kinds = [status, level and f"assessed_{level}"]
    return [(kind, date(2025, 1, 1), None) for kind in kinds if kind]


# --- what the content says ------------------------------------------------------------------------------------------


def examples() -> list[Any]:
    return list(read("subsidies.yaml")["worked_examples"])


@pytest.mark.parametrize("example", examples(), ids=lambda one: f"{one['price_fen']}-{one['tier']}")
def test_the_worked_examples_add_up_on_the_receipt(meals: Meals, example: dict[str, Any]) -> None:
    menu = meals.lunch(TUESDAY)
    dishes = [meals.dishes["M01"]]
    put_offer(OPERATOR, menu, Planned("X", "set", dishes, 10, example["price_fen"]))
    offers = {
        offer.code: offer.id for offer in put_offer(OPERATOR, menu, Planned("Y", "set", dishes, 1)).offers
    }
    meals.offers[meals.cast.shuibei, TUESDAY, "lunch", "X"] = offers["X"]
    if example.get("promotion"):
        double_ninth(meals.cast, TUESDAY, TUESDAY + timedelta(days=1))
    who = TIERS[example["tier"]]
    person = meals.person(
        "食客",
        who.get("born", date(1990, 1, 1)),
        statuses=statuses(who.get("status"), None),
    )
    order = meals.order(person, TUESDAY, "X")
    promotion = example.get("promotion_fen", 0)
    told = (example["price_fen"], promotion, example["subsidy_fen"], example["pays_fen"])
    assert (order.price_fen, order.promotion_fen, order.subsidy_fen, order.pays_fen) == told
    claims = db.session.scalars(select(SubsidyClaim.amount_fen)).all()
    assert claims == ([example["subsidy_fen"]] if example["subsidy_fen"] else [])


def people() -> Iterator[Any]:
    content = read("people.yaml")
    yield from (one for one in content["cast"] if "expected_tier" in one)
    yield from content["residents"]


def test_everybody_has_the_tier_that_the_content_expects(meals: Meals) -> None:
    found, expected = {}, {}
    for person in people():
        known = meals.person(
            person["name"],
            date.fromisoformat(person["born"]),
            hukou=person["hukou"],
            statuses=statuses(person["status"], person["assessment"]),
        )
        for day, wanted in person["expected_tier"].items():
            if wanted != "policy":
                expected[person["code"], day] = wanted
                found[person["code"], day] = tier(meals, known, date.fromisoformat(day))
    assert len(expected) >= 62
    assert found == expected


# --- ages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("counts_on", "tiers"), [(301, ["FULL", "FULL", "A5"]), (228, ["FULL", "A5", "A5"])])
def test_born_on_29_february_the_policy_says_when_one_is_seventy(
    meals: Meals, counts_on: int, tiers: list[str]
) -> None:
    set_policy(OPERATOR, meals.cast.shuibei, "canteen.leap_day_counts_on", counts_on, date(2026, 1, 1))
    shen = meals.person("沈丽珠", date(1956, 2, 29))
    days = [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)]
    assert [tier(meals, shen, day) for day in days] == tiers


def test_in_a_leap_year_the_birthday_is_the_birthday(meals: Meals) -> None:
    ye = meals.person("叶庆云", date(1958, 2, 28))
    leap = meals.person("邓少芬", date(1948, 2, 29))
    assert tier(meals, ye, date(2028, 2, 27)) == "FULL"
    assert tier(meals, ye, date(2028, 2, 28)) == "A5"
    assert tier(meals, leap, date(2048, 2, 28)) == "A5"
    assert tier(meals, leap, date(2048, 2, 29)) == "C15"


def test_the_hundredth_birthday_is_the_meal_s_day_not_the_order_s(meals: Meals, clock: Clock) -> None:
    before, birthday = date(2026, 11, 26), date(2026, 11, 27)
    liang = meals.person("梁福康", date(1926, 11, 27))
    paid = []
    for day in (before, birthday):
        meals.lunch(day)
        paid.append(meals.order(liang, day).pays_fen)
    assert paid == [1000, 0]


def test_a_status_that_ends_between_two_meals(meals: Meals) -> None:
    first, second = date(2026, 11, 25), date(2026, 11, 26)
    liu = meals.person("刘桂芳", date(1942, 11, 2), statuses=[("dibao", date(2026, 1, 1), second)])
    young = meals.person("杜长海", date(1964, 1, 1), statuses=[("dibao", date(2026, 1, 1), second)])
    paid = []
    for day in (first, second):
        meals.lunch(day)
        paid.append((meals.order(liu, day).pays_fen, meals.order(young, day).pays_fen))
    assert paid == [(0, 0), (1000, 1500)]


def test_a_status_found_after_the_order_does_not_change_it(meals: Meals) -> None:
    meals.lunch(TUESDAY)
    young = meals.person("杜长海", date(1964, 1, 1))
    order = meals.order(young, TUESDAY)
    with unit_of_work():
        db.session.add(ResidentStatus(resident_id=young, kind="tekun", starts_on=TUESDAY))
    assert db.session.get_one(MealOrder, order.id).pays_fen == 1500
    assert tier(meals, young, TUESDAY) == "P15"


@pytest.mark.parametrize(
    ("born", "level", "fen"),
    [
        (date(1944, 12, 30), "moderate", 200),
        (date(1935, 8, 1), "severe", 200),
        (date(1945, 3, 1), "mild", 0),
        (date(1925, 5, 3), None, 200),
        (date(1958, 1, 1), "severe", 0),  # not seventy yet
    ],
)
def test_who_is_helped_with_the_way(meals: Meals, born: date, level: str | None, fen: int) -> None:
    person = meals.person("食客", born, statuses=statuses(None, level))
    delivery = right(
        db.session.get_one(Resident, person), canteen(meals), as_workday(meals, TUESDAY), "lunch"
    ).delivery
    assert (delivery.amount_fen if delivery else 0) == fen


# --- the week -------------------------------------------------------------------------------------------------------

SIX = [date(2026, 9, day) for day in (14, 15, 16, 17, 18, 20)]
"""Six working days of one week: the Sunday is worked."""


def test_five_of_a_week_of_six_working_days(meals: Meals, clock: Clock) -> None:
    chen, orders = meals.cast.chen, []
    clock.set("2026-09-12 09:00")
    for number, day in enumerate(SIX):
        meals.lunch(day)
        clock.set(f"2026-09-{12 if number == 0 else SIX[number - 1].day} 10:00")
        orders.append(meals.order(chen, day))
    assert [order.subsidy_fen for order in orders] == [500] * 5 + [0]
    assert orders[5].pays_fen == 1500
    monday = date(2026, 9, 21)
    meals.lunch(monday)
    assert meals.order(chen, monday).subsidy_fen == 500


def test_what_was_given_back_or_missed_helps_later_in_the_week(meals: Meals, clock: Clock) -> None:
    chen = meals.cast.chen
    set_policy(OPERATOR, meals.cast.district, "canteen.subsidies_week", 2, date(2026, 1, 1))
    clock.set("2026-09-12 09:00")
    menus = [meals.lunch(day) for day in SIX]
    first, second = (meals.order(chen, day) for day in SIX[:2])
    assert meals.order(chen, SIX[2]).subsidy_fen == 0
    cancel(Actor("resident", chen), second.id)
    assert meals.order(chen, SIX[3]).subsidy_fen == 500
    clock.set("2026-09-14 12:31")
    assert finish_menu(menus[0]) == 1
    assert db.session.get_one(MealOrder, first.id).state == "uncollected"
    assert meals.order(chen, SIX[4]).subsidy_fen == 500
    assert meals.order(chen, SIX[5]).subsidy_fen == 0


def test_one_meal_is_helped_once_also_in_another_centre(meals: Meals) -> None:
    meals.lunch(TUESDAY)
    meals.lunch(TUESDAY, meals.cast.sungang)
    chen = meals.cast.chen
    here = meals.order(chen, TUESDAY)
    there = meals.order(chen, TUESDAY, centre=meals.cast.sungang)
    assert (here.subsidy_fen, there.subsidy_fen) == (500, 0)


# --- rules by date --------------------------------------------------------------------------------------------------


def test_a_rule_of_next_year_changes_nothing_already_ordered(meals: Meals, clock: Clock) -> None:
    rule = read("subsidies.yaml")["demo_future_rule"]
    starts = date.fromisoformat(rule["effective_from"])
    clock.set("2026-12-31 09:00")
    thursday, monday = date(2026, 12, 31), date(2027, 1, 4)
    meals.lunch(monday)
    chen = meals.cast.chen
    before = meals.order(chen, monday)
    with unit_of_work():
        old = db.session.scalars(select(SubsidyRule).where(SubsidyRule.code == rule["code"])).one()
        old.ends_on = starts
        db.session.flush()
        again = SubsidyRule(
            unit_id=old.unit_id,
            code=old.code,
            name_zh=old.name_zh,
            kind=old.kind,
            tier=old.tier,
            conditions=old.conditions,
            applies=old.applies,
            amount_fen=rule["cap_fen"],
            starts_on=starts,
        )
        db.session.add(again)
    assert db.session.get_one(MealOrder, before.id).subsidy_fen == 500
    assert db.session.scalars(select(SubsidyClaim.amount_fen)).all() == [500]
    other = meals.person("李国强", date(1951, 7, 19))
    assert (meals.order(other, monday).subsidy_fen, tier(meals, other, thursday)) == (600, "A5")
    assert right(
        db.session.get_one(Resident, other), canteen(meals), as_workday(meals, thursday), "lunch"
    ).cap_fen in (0, 500)


@pytest.mark.parametrize("price", [0, 1, 400, 499, 500, 501, 1500, 1501, 9999])
@pytest.mark.parametrize("off", [0, 200, 2000])
@pytest.mark.parametrize("cap", [0, 500, 1500])
def test_the_lines_add_up_to_the_fen_and_never_above_the_price(price: int, off: int, cap: int) -> None:
    costs = split(price, off, cap)
    assert costs.promotion_fen + costs.subsidy_fen + costs.pays_fen == price
    assert min(costs.promotion_fen, costs.subsidy_fen, costs.pays_fen) >= 0
    assert costs.subsidy_fen <= cap
