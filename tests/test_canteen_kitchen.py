"""The kitchen: planning by the week, the sheet and its strips, shopping, swaps, samples, the morning check."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from werkzeug.test import TestResponse

from canteen import desk_queries
from canteen.models import (
    Canteen,
    DietProfile,
    Dish,
    FoodSample,
    KitchenSheet,
    KitchenWorker,
    MealOrder,
    Menu,
    MorningCheck,
    Offer,
    SheetChange,
    SwapQuestion,
)
from canteen.morning import ITEMS, degrees, failed, parse_degrees
from canteen.rules import shopping, spread
from canteen.services import samples, weeks
from canteen.services.close import close_due, close_menu, fail_menu, mark_seen
from canteen.services.give_back import cancel
from canteen.services.plan import (
    Planned,
    make_menu,
    put_offer,
    set_offers,
    set_quota,
    set_walk_in,
    swap_dish,
    take_offer_off,
)
from canteen.services.standing import start
from canteen.today import today
from core.audit import CLOCK, OPERATOR, Actor
from core.clock import database_now
from core.database import db, unit_of_work
from core.errors import Refused
from people.models import Staff
from tests.support.clock import ZONE, Clock
from tests.support.forms import fields_of
from tests.support.hall import apart, refusal
from tests.support.house import House
from tests.support.meals import QUOTAS, Meals
from tests.support.qr import read_svg
from tests.support.race import together

MONDAY, TUESDAY, WEDNESDAY = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25)
WELL: dict[str, object] = {
    item.code: -185 if item.code == "freezer" else 40 for item in ITEMS if item.is_temperature
}
WELL |= {item.code: True for item in ITEMS if not item.is_temperature}


def cook() -> int:
    return int(db.session.scalars(select(Staff.id).where(Staff.name == "何伟")).one())


def canteen(meals: Meals) -> Canteen:
    return db.session.get_one(Canteen, meals.cast.shuibei)


def codes(menu: Menu) -> list[str]:
    return [offer.code for offer in menu.offers]


def profile(resident: int, **values: object) -> None:
    with unit_of_work():
        db.session.add(DietProfile(resident_id=resident, **values))


def rows_of(sheet: KitchenSheet | SheetChange) -> dict[tuple[str, str, bool], int]:
    return {(row["name_zh"], row["texture"], row["low_salt"]): row["portions"] for row in sheet.rows}


# --- the week -------------------------------------------------------------------------------------------------------


def test_last_week_is_copied_past_the_holidays_and_onto_the_make_up_saturday(
    meals: Meals, clock: Clock
) -> None:
    clock.set("2026-09-28 08:00")
    monday, sets = date(2026, 9, 28), {"L1": 45, "L2": 30, "L3": 15, "L4": 8}
    for day in (monday, date(2026, 9, 29), date(2026, 9, 30)):
        meals.lunch(day, quotas=sets)
    with unit_of_work():
        db.session.execute(
            update(Offer)
            .where(Offer.menu_id == meals.menus[meals.cast.shuibei, monday, "lunch"], Offer.code == "L2")
            .values(price_fen=900)
        )
    # the Thursday before, and the Friday before Mid-Autumn
    for day, code in ((date(2026, 9, 24), "M03"), (date(2026, 9, 18), "M04")):
        menu = make_menu(OPERATOR, canteen(meals), day, "lunch")
        set_offers(OPERATOR, menu.id, [Planned("L1", "set", [meals.dishes[code], meals.dishes["T01"]], 12)])
    clock.set("2026-09-30 15:00")  # at 16:00 the orders of the 8th close
    done = weeks.copy_week(OPERATOR, canteen(meals), date(2026, 10, 8))
    made = {
        menu.day: menu
        for menu in desk_queries.menus(meals.cast.shuibei, date(2026, 10, 1), date(2026, 10, 31))
    }
    assert sorted(made) == [date(2026, 10, 8), date(2026, 10, 9), date(2026, 10, 10)]
    assert done.made == 3
    assert done.there == 0
    assert [made[date(2026, 10, day)].state for day in (8, 9, 10)] == ["draft"] * 3
    assert made[date(2026, 10, 8)].offers[0].dishes[0].dish.code == "M03"
    assert made[date(2026, 10, 9)].offers[0].dishes[0].dish.code == "M04"
    saturday = made[date(2026, 10, 10)]  # follows Monday's hours: Monday's menu, with its own price
    assert codes(saturday) == ["L1", "L2", "L3", "L4"]
    assert saturday.offers[1].price_fen == 900
    assert saturday.workday
    assert [offer.taken for offer in saturday.offers] == [0, 0, 0, 0]


def test_copying_touches_nothing_that_is_planned_and_takes_no_swaps_along(meals: Meals, clock: Clock) -> None:
    first = meals.lunch(MONDAY)
    swap_dish(OPERATOR, first, meals.dishes["V01"], meals.dishes["V11"], "菜心没到货")
    meals.lunch(TUESDAY)
    there = make_menu(OPERATOR, canteen(meals), date(2026, 12, 1), "lunch")
    set_offers(OPERATOR, there.id, [Planned("L9", "set", [meals.dishes["M04"]], 3)])
    done = weeks.copy_week(OPERATOR, canteen(meals), date(2026, 11, 30))
    assert (done.made, done.there) == (1, 1)
    kept = desk_queries.menu_of(meals.cast.shuibei, date(2026, 12, 1), "lunch")
    copied = desk_queries.menu_of(meals.cast.shuibei, date(2026, 11, 30), "lunch")
    assert kept
    assert copied
    assert codes(kept) == ["L9"]
    assert [one.dish.code for one in copied.offers[0].dishes] == ["M01", "V01", "T01", "S01"]
    assert [offer.quota for offer in copied.offers] == list(QUOTAS.values())
    again = weeks.copy_week(OPERATOR, canteen(meals), date(2026, 11, 30))
    assert (again.made, again.there) == (0, 2)


def test_a_week_is_published_as_a_whole_and_empty_menus_stay_drafts(meals: Meals) -> None:
    meals.lunch(MONDAY)
    weeks.copy_week(OPERATOR, canteen(meals), date(2026, 11, 30))
    make_menu(OPERATOR, canteen(meals), date(2026, 12, 2), "lunch")
    assert weeks.publish_week(OPERATOR, canteen(meals), date(2026, 12, 3)) == 1
    assert weeks.publish_week(OPERATOR, canteen(meals), date(2026, 12, 3)) == 0
    states = {
        menu.day.day: menu.state
        for menu in desk_queries.menus(meals.cast.shuibei, date(2026, 11, 30), date(2026, 12, 5))
    }
    assert states == {30: "published", 2: "draft"}


def test_one_offer_changes_and_the_others_stay(meals: Meals) -> None:
    menu_id = meals.lunch(TUESDAY)
    meals.order(meals.cast.chen, TUESDAY, "L2")
    put_offer(OPERATOR, menu_id, Planned("L2", "set", [meals.dishes["M02"], meals.dishes["S07"]], 5, 1100))
    menu = put_offer(OPERATOR, menu_id, Planned("S1", "single", [meals.dishes["V01"]], 20))
    assert codes(menu) == ["L1", "L2", "L3", "L4", "S1"]
    second = menu.offers[1]
    assert (second.price_fen, second.quota, second.taken, len(second.dishes)) == (1100, 5, 1, 2)
    assert menu.offers[4].price_fen == 300
    with pytest.raises(Refused) as refused:
        take_offer_off(OPERATOR, menu_id, "L2")
    assert refused.value.code == "offer_sold"
    for _again in range(2):
        assert codes(take_offer_off(OPERATOR, menu_id, "L3")) == ["L1", "L2", "L4", "S1"]
    order = db.session.scalars(select(MealOrder)).one()
    assert order.price_fen == 1300
    assert len(order.lines) == 4


def test_the_quota_is_never_below_what_is_sold(meals: Meals) -> None:
    menu_id = meals.lunch(TUESDAY)
    meals.order(meals.cast.chen, TUESDAY)
    meals.order(meals.cast.aqiang, TUESDAY)
    offer = meals.offer(TUESDAY)
    with pytest.raises(Refused) as refused:
        set_quota(OPERATOR, offer, 1)
    assert refused.value.code == "quota_sold"
    assert set_quota(OPERATOR, offer, 2).full_at is not None
    with pytest.raises(Refused) as refused:
        put_offer(OPERATOR, menu_id, Planned("L1", "set", [meals.dishes["M01"]], 1))
    assert refused.value.code == "quota_sold"
    with pytest.raises(IntegrityError), unit_of_work():
        db.session.execute(update(Offer).where(Offer.id == offer).values(quota=1))


# --- the sheet ------------------------------------------------------------------------------------------------------


def test_whoever_draws_the_sheet_and_however_often_it_is_the_same(meals: Meals, clock: Clock) -> None:
    menu_id = meals.lunch(TUESDAY)
    meals.order(meals.cast.chen, TUESDAY, texture="soft", low_salt=True)
    meals.order(meals.cast.aqiang, TUESDAY)
    meals.order(meals.cast.wairen, TUESDAY)
    start(
        Actor("resident", meals.cast.couple[0]), meals.cast.couple[0], meals.cast.shuibei, "lunch", range(5)
    )
    with pytest.raises(Refused) as refused:
        close_menu(Actor("staff", cook()), menu_id)
    assert refused.value.code == "before_cutoff"
    clock.set("2026-11-23 16:00")
    by_hand = close_menu(Actor("staff", cook()), menu_id)
    first = ([*by_hand.rows], [*by_hand.boxes], by_hand.made_at, by_hand.staff_id)
    assert first[3] == cook()
    clock.set("2026-11-23 16:05")
    assert close_due() == 0
    again = close_menu(CLOCK, menu_id)
    assert (again.rows, again.boxes, again.made_at, again.staff_id) == first
    portions = rows_of(by_hand)
    assert portions["清蒸鲈鱼", "regular", False] == 3
    assert portions["清蒸鲈鱼", "soft", True] == 1
    assert portions["米饭", "regular", False] == 3  # with the standing order's meal
    assert [box["pick_up"] for box in by_hand.boxes] == [1, 2, 3, 4]


def test_the_clock_draws_it_where_nobody_has(meals: Meals, clock: Clock) -> None:
    menu_id = meals.lunch(TUESDAY)
    clock.set("2026-11-23 16:00")
    assert close_due() == 1
    drawn = desk_queries.sheet_of(menu_id)
    assert drawn is not None
    assert drawn.staff_id is None


def test_what_changes_after_the_sheet_comes_on_strips(meals: Meals, clock: Clock) -> None:
    menu_id = meals.lunch(TUESDAY)
    early = meals.order(meals.cast.chen, TUESDAY)
    clock.set("2026-11-23 16:00")
    close_menu(CLOCK, menu_id)
    assert desk_queries.strips(menu_id) == []
    clock.set("2026-11-24 10:00")
    cancel(Actor("staff", cook()), early.id, "住院了")
    walk_in = meals.order(meals.cast.aqiang, TUESDAY, "L2", channel="desk")
    set_walk_in(OPERATOR, menu_id, 15)
    found = desk_queries.strips(menu_id)
    assert [one.kind for one in found] == ["quota", "added", "cancelled"]
    assert rows_of(found[2])["清蒸鲈鱼", "regular", False] == -1
    assert found[1].order_id == walk_in.id
    assert found[0].rows[0]["portions"] == 5
    mark_seen(menu_id, [found[0].id])
    mark_seen(meals.lunch(WEDNESDAY), [found[1].id])  # another menu's page cannot take note of it
    kinds = [(one.kind, one.seen_at is not None) for one in desk_queries.strips(menu_id)]
    assert kinds == [("added", False), ("cancelled", False), ("quota", True)]
    with pytest.raises(Refused) as refused:
        set_walk_in(OPERATOR, menu_id, 0)
    assert refused.value.code == "quota_sold"


def test_a_dish_that_was_swapped_before_the_cutoff_is_what_is_cooked(meals: Meals, clock: Clock) -> None:
    menu_id = meals.lunch(TUESDAY)
    order = meals.order(meals.cast.chen, TUESDAY)
    swap_dish(OPERATOR, menu_id, meals.dishes["V01"], meals.dishes["V03"], "菜心没到货")
    swap_dish(OPERATOR, menu_id, meals.dishes["V03"], meals.dishes["V10"], "时蔬也没有了")
    late = meals.order(meals.cast.aqiang, TUESDAY)
    clock.set("2026-11-23 16:00")
    portions = rows_of(close_menu(CLOCK, menu_id))
    assert portions["清炒红萝卜丝", "regular", False] == 2
    assert not {"香菇菜心", "炒时蔬"} & {name for name, _texture, _salt in portions}
    assert [line.name_zh for line in order.lines] == ["清蒸鲈鱼", "香菇菜心", "米饭", "排骨汤"]  # the receipt
    asked = db.session.execute(select(SwapQuestion.order_id)).scalars().all()
    assert asked == [order.id, order.id]
    assert late.id not in asked
    clock.set("2026-11-24 09:00")
    cancel(Actor("staff", cook()), order.id, "不来了")
    strip = desk_queries.strips(menu_id)[0]
    assert rows_of(strip)["清炒红萝卜丝", "regular", False] == -1


def test_a_swap_asks_exactly_those_who_would_get_the_dish(meals: Meals, clock: Clock) -> None:
    menu_id = meals.lunch(TUESDAY)
    profile(meals.cast.aqiang, allergens=["peanut"], labels=[], texture="regular")
    mine = meals.order(meals.cast.chen, TUESDAY)
    his = meals.order(meals.cast.aqiang, TUESDAY)
    meals.order(meals.cast.wairen, TUESDAY, "L2")
    gone = meals.order(meals.cast.wheel, TUESDAY)
    cancel(Actor("resident", meals.cast.wheel), gone.id)
    clock.set("2026-11-23 16:00")
    close_menu(CLOCK, menu_id)
    into = next(dish for dish in desk_queries.dishes(meals.cast.shuibei) if dish.code == "V11")
    before = desk_queries.affected(menu_id, meals.dishes["V01"], into)
    assert before.orders == 2
    assert before.against == [("陈志强", ["allergen:peanut"])]
    swap_dish(Actor("staff", cook()), menu_id, meals.dishes["V01"], into.id, "菜心没到货")
    questions = {row.order_id: row.conflicts for row in db.session.scalars(select(SwapQuestion))}
    assert questions == {mine.id: [], his.id: ["allergen:peanut"]}
    strip = desk_queries.strips(menu_id)[0]
    assert rows_of(strip) == {("香菇菜心", "regular", False): -2, ("凉拌青瓜", "regular", False): 2}
    boxes = desk_queries.cooked_by_order(menu_id)
    assert [dish.code for dish in boxes[his.id]] == ["M01", "V11", "T01", "S01"]


# --- shopping -------------------------------------------------------------------------------------------------------


def test_shopping_adds_up_over_orders_and_walk_ins(meals: Meals, clock: Clock) -> None:
    menu_id = meals.lunch(TUESDAY)
    meals.order(meals.cast.chen, TUESDAY)
    meals.order(meals.cast.aqiang, TUESDAY)
    meals.order(meals.cast.wairen, TUESDAY, "L2")
    set_walk_in(OPERATOR, menu_id, 3)
    menu = desk_queries.menu_of(meals.cast.shuibei, TUESDAY, "lunch")
    assert menu is not None
    by_name = {dish.id: dish.code for dish in desk_queries.dishes(meals.cast.shuibei)}

    def many(*, with_walk_ins: bool) -> dict[str, int]:
        return {
            by_name[dish]: n for dish, n in desk_queries.portions(menu, with_walk_ins=with_walk_ins).items()
        }

    assert many(with_walk_ins=False) == {"M01": 2, "V01": 2, "T01": 3, "S01": 2, "M02": 1, "V03": 1, "S07": 1}
    assert many(with_walk_ins=True) == {"M01": 4, "V01": 4, "T01": 6, "S01": 4, "M02": 2, "V03": 2, "S07": 2}
    recipes = {dish.id: dish.recipe for dish in desk_queries.dishes(meals.cast.shuibei)}
    bought = shopping(desk_queries.portions(menu, with_walk_ins=True), recipes)
    assert bought["米饭", "g"] == 600
    assert bought["清蒸鲈鱼", "g"] == 400
    clock.set("2026-11-24 11:40")
    close_menu(CLOCK, menu_id)
    meals.order(
        meals.cast.couple[0], TUESDAY, channel="desk"
    )  # eats of the allowance, which is bought already
    db.session.expire_all()
    assert many(with_walk_ins=True) == {"M01": 4, "V01": 4, "T01": 6, "S01": 4, "M02": 2, "V03": 2, "S07": 2}


@pytest.mark.parametrize(
    ("many", "weights", "parts"),
    [
        (10, {1: 4, 2: 8, 3: 3, 4: 2, 5: 5}, {1: 2, 2: 4, 3: 1, 4: 1, 5: 2}),
        (3, {1: 0, 2: 0}, {1: 2, 2: 1}),
        (10, {1: 1, 2: 1, 3: 1}, {1: 4, 2: 3, 3: 3}),
        (0, {1: 3}, {1: 0}),
        (5, {}, {}),
        (7, {1: 5, 2: 0}, {1: 7, 2: 0}),
    ],
)
def test_portions_are_spread_whole_and_add_up(
    many: int, weights: Mapping[int, int], parts: Mapping[int, int]
) -> None:
    assert spread(many, weights) == parts


# --- samples and the morning ----------------------------------------------------------------------------------------


def test_what_nobody_ordered_is_not_cooked_and_owes_no_sample(meals: Meals, clock: Clock) -> None:
    menu = db.session.get_one(Menu, meals.lunch(TUESDAY))
    clock.set("2026-11-24 11:30")
    assert desk_queries.samples_missing([menu], clock()) == []
    meals.order(meals.cast.chen, TUESDAY, channel="desk")
    db.session.refresh(menu)
    ((owing, dishes),) = desk_queries.samples_missing([menu], clock())
    assert owing.id == menu.id
    assert {"M01", "V01"} <= {dish.code for dish in dishes}


def test_a_sample_is_kept_for_its_hours_whatever_is_asked(meals: Meals, clock: Clock) -> None:
    menu_id, fish = meals.lunch(MONDAY), meals.dishes["M01"]
    with pytest.raises(Refused) as refused:
        samples.take_sample(cook(), menu_id, fish, 100)
    assert refused.value.code == "grams_odd"
    sample = samples.take_sample(cook(), menu_id, fish, 130)
    again = samples.take_sample(cook(), menu_id, fish, 200)
    assert (again.id, again.grams) == (sample.id, 130)
    assert sample.keep_until - sample.taken_at == timedelta(hours=48)
    with pytest.raises(Refused):
        samples.take_sample(cook(), meals.lunch(TUESDAY), fish, 130)  # tomorrow's is not cooked yet
    clock.set("2026-11-25 09:40")
    with pytest.raises(Refused) as refused:
        samples.discard_sample(cook(), meals.cast.shuibei, sample.id)
    assert refused.value.code == "sample_kept"
    with pytest.raises(IntegrityError), unit_of_work():
        db.session.execute(update(FoodSample).values(discarded_at=sample.keep_until - timedelta(minutes=1)))
    clock.set("2026-11-25 09:41")
    with pytest.raises(Refused):
        samples.discard_sample(cook(), meals.cast.sungang, sample.id)
    gone = samples.discard_sample(cook(), meals.cast.shuibei, sample.id)
    at: datetime | None = gone.discarded_at
    clock.set("2026-11-25 12:00")
    assert samples.discard_sample(cook(), meals.cast.shuibei, sample.id).discarded_at == at


def test_a_sample_whose_hours_are_over_is_an_alarm_until_it_is_thrown_out(meals: Meals, clock: Clock) -> None:
    def owing() -> list[tuple[str, str, str]]:
        shown = today(meals.cast.shuibei, WEDNESDAY).alarms
        return [(one.title, one.note, one.url) for one in shown if "留样" in one.title]

    sample = samples.take_sample(cook(), meals.lunch(MONDAY), meals.dishes["M01"], 130)
    name = db.session.get_one(Dish, meals.dishes["M01"]).name
    clock.set("2026-11-25 09:40")
    assert owing() == []
    clock.set("2026-11-25 09:41")
    assert owing() == [("有 1 份留样到时间了，还没有倒", name, "/staff/c/shuibei/canteen/samples/")]
    assert not today(meals.cast.sungang, WEDNESDAY).alarms
    samples.discard_sample(cook(), meals.cast.shuibei, sample.id)
    assert owing() == []


def test_what_was_not_put_away_when_serving_begins_is_an_alarm(meals: Meals, clock: Clock) -> None:
    menu_id = meals.lunch(MONDAY)

    def alarms() -> list[str]:
        return [one.title for one in today(meals.cast.shuibei, MONDAY).alarms]

    clock.set("2026-11-23 11:29")
    assert alarms() == []
    clock.set("2026-11-23 11:30")
    meals.order(meals.cast.aqiang, MONDAY, channel="desk")
    assert alarms() == ["今天还没有做晨检", "午餐有 11 道菜没有留样"]
    samples.check_morning(cook(), canteen(meals), WELL, "")
    menu = desk_queries.menu_of(meals.cast.shuibei, MONDAY, "lunch")
    assert menu is not None
    for dish in desk_queries.dishes_on(menu):
        samples.take_sample(cook(), menu_id, dish.id, 125)
    assert alarms() == []
    dinner = meals.lunch(MONDAY, meal="dinner")
    clock.set("2026-11-23 17:35")
    meals.order(meals.cast.aqiang, MONDAY, channel="desk", meal="dinner")
    fail_menu(cook(), dinner, "停气了")
    clock.set("2026-11-23 18:00")
    assert alarms() == []


def test_the_morning_is_checked_once_and_what_is_wrong_needs_a_word(meals: Meals, clock: Clock) -> None:
    with pytest.raises(Refused) as refused:
        samples.check_morning(cook(), canteen(meals), {**WELL, "gas": None}, "")
    assert refused.value.code == "check_missing"
    with pytest.raises(Refused) as refused:
        samples.check_morning(cook(), canteen(meals), {**WELL, "fridge": 95}, " ")
    assert refused.value.code == "note_missing"
    long = "叫人来修" * 120
    done = samples.check_morning(cook(), canteen(meals), {**WELL, "fridge": 95, "fever": False}, long)
    assert not done.passed
    assert len(done.note) == 400, "as much as the column takes"
    assert failed(done.items) == ["fever", "fridge"]
    with pytest.raises(Refused) as refused:
        samples.check_morning(cook(), canteen(meals), WELL, "")
    assert refused.value.code == "checked"
    assert len(db.session.scalars(select(MorningCheck)).all()) == 1
    shown = today(meals.cast.shuibei, MONDAY).alarms
    assert [one.title for one in shown] == ["晨检有 2 项不合格"]
    assert "叫人来修" not in shown[0].note
    clock.set("2026-11-24 07:00")
    assert samples.check_morning(cook(), canteen(meals), WELL, "").passed


@pytest.mark.parametrize(
    ("text", "tenths"),
    [
        ("4", 40),
        ("4.5", 45),
        ("-18", -180),
        ("−18.2 ℃", -182),
        ("0", 0),
        ("4.55", None),
        ("热", None),
        ("", None),
        ("100", None),
    ],
)
def test_degrees_are_read_as_people_write_them(text: str, tenths: int | None) -> None:
    assert parse_degrees(text) == tenths


def test_degrees_are_shown_with_one_decimal() -> None:
    assert [degrees(tenths) for tenths in (40, -185, -5, 0)] == ["4.0", "−18.5", "−0.5", "0.0"]


def test_the_today_page_counts_who_ordered_came_and_did_not(meals: Meals, clock: Clock) -> None:
    meals.lunch(MONDAY)
    clock.set("2026-11-23 10:00")
    meals.order(meals.cast.chen, MONDAY, channel="desk")
    meals.order(meals.cast.aqiang, MONDAY, channel="desk")
    shown = today(meals.cast.shuibei, MONDAY)
    assert [(one.value, one.label) for one in shown.figures] == [
        ("2", "今天订了餐"),
        ("0", "取了、送到了"),
        ("0", "订了没来取"),
    ]
    assert shown.strips[0].bars[0][2] == "午餐 2 份"
    clock.set("2026-11-23 12:31")
    close_due()
    shown = today(meals.cast.shuibei, MONDAY)
    assert [one.value for one in shown.figures] == ["2", "0", "2"]
    assert today(meals.cast.sungang, MONDAY).figures == ()


# --- the pages ------------------------------------------------------------------------------------------------------

DESK = "/staff/c/shuibei/canteen"


def page(answer: TestResponse) -> BeautifulSoup:
    assert answer.status_code == 200, answer.text[:500]
    return BeautifulSoup(answer.text, "html.parser")


def stay_until(house: House, client: FlaskClient, wall: str) -> None:
    """The day goes on while somebody works at the console: it locks only where nobody does."""
    end = datetime.fromisoformat(f"{MONDAY} {wall}").replace(tzinfo=ZONE)
    while house.clock() < end:
        house.clock.set(min(house.clock() + timedelta(minutes=25), end))
        assert client.get("/staff/account").status_code == 200


def fill(client: FlaskClient, path: str, form: str, **fields: object) -> TestResponse:
    url, given = fields_of(client.get(path), form)
    return client.post(url, data={**given, **fields})


@pytest.mark.databases("sqlite")
def test_the_front_desk_may_look_and_only_the_kitchen_may_change(house: House) -> None:
    front, kitchen = house.client("front"), house.client("kitchen")
    for path in (
        "/",
        f"/menu/{TUESDAY}/lunch",
        f"/kitchen/{TUESDAY}/lunch",
        "/samples/",
        "/morning/",
        "/purchase",
    ):
        seen, mine = page(front.get(DESK + path)), page(kitchen.get(DESK + path))
        forms = list(seen.select("main form[method=post]"))
        assert forms == [], path
        assert len(seen.select("h1")) == len(mine.select("h1")) == 1
        assert len(mine.select("main .button.primary")) <= 1, path
    assert page(kitchen.get(f"{DESK}/menu/{TUESDAY}/lunch")).select("main form[method=post]")


@pytest.mark.databases("sqlite")
def test_a_cook_plans_a_meal_by_plain_forms(house: House) -> None:
    kitchen, meal = house.client("kitchen"), f"{DESK}/menu/{WEDNESDAY}/lunch"
    dish = house.values["dish_id"]
    assert "还没排" in page(kitchen.get(meal)).text
    answer = fill(kitchen, f"{meal}/offers/new-set", ".offer-form", main=dish, dish=["5", "9"], quota="30")
    assert answer.location
    assert answer.location.endswith(meal)
    answer = fill(
        kitchen,
        f"{meal}/offers/L1",
        ".offer-form",
        main=dish,
        dish=["5"],
        quota="30",
        priced="own",
        price="12.50",
    )
    assert answer.status_code == 303
    shown = page(kitchen.get(meal)).text
    assert "¥12.50" in shown
    assert "自己定的价" in shown
    assert fill(kitchen, meal, f"form[action='{meal}/offers/L1/quota']", quota="44").status_code == 303
    assert fill(kitchen, meal, f"form[action='{meal}/publish']").status_code == 303
    assert "已发布" in page(kitchen.get(meal)).text
    week = page(kitchen.get(f"{DESK}/week/{WEDNESDAY}")).select_one(f"a[data-drag='{WEDNESDAY}']")
    assert week is not None
    assert "0/44" in week.text
    copy = fill(kitchen, meal, "form.copy-one", to="2026-11-27")
    assert copy.status_code == 303
    assert "还没发布" in page(kitchen.get(f"{DESK}/menu/2026-11-27/lunch")).text


@pytest.mark.databases("sqlite")
def test_a_quota_in_place_says_in_its_line_what_is_wrong(house: House) -> None:
    kitchen, meal = house.client("kitchen"), f"{DESK}/menu/{TUESDAY}/lunch"
    url, given = fields_of(kitchen.get(meal), f"form[action='{meal}/offers/L1/quota']")
    line = kitchen.post(url, data={**given, "quota": "0"}, headers={"HX-Request": "true"})
    assert line.status_code == 200
    assert "份数不能比订出的少" in line.text
    assert "<html" not in line.text
    url, given = fields_of(kitchen.get(meal), f"form[action='{meal}/offers/L1/quota']")
    line = kitchen.post(url, data={**given, "quota": "60"}, headers={"HX-Request": "true"})
    assert 'value="60"' in line.text
    assert "改好了" in line.text


@pytest.mark.databases("sqlite")
def test_the_sheet_is_polled_and_its_strips_are_noted_and_printed(house: House) -> None:
    kitchen, sheet = house.client("kitchen"), f"{DESK}/kitchen/{TUESDAY}/lunch"
    before = page(kitchen.get(sheet)).text
    assert "还会变" in before
    stay_until(house, kitchen, "16:00")
    assert fill(kitchen, sheet, f"form[action='{sheet}/close']").status_code == 303
    live = kitchen.get(f"{sheet}/live", headers={"X-Poll": "1"})
    assert "何伟出的单" in live.text
    etag = {"If-None-Match": live.headers["ETag"]}
    assert kitchen.get(f"{sheet}/live", headers=etag).status_code == 304
    walk_in = f"form[action='{DESK}/menu/{TUESDAY}/lunch/walk-in']"
    assert fill(kitchen, f"{DESK}/menu/{TUESDAY}/lunch", walk_in, walk_in="14").status_code == 303
    changed = kitchen.get(f"{sheet}/live", headers=etag)
    assert changed.status_code == 200
    assert "现场的份 +4" in changed.text
    link = BeautifulSoup(changed.text, "html.parser").select_one("a[href*='/strips/']")
    assert link is not None
    paper = page(kitchen.get(str(link["href"])))
    assert paper.select_one("[data-print]")
    assert "现场的份 +4" in paper.text
    assert fill(kitchen, sheet, f"form[action='{sheet}/seen']").status_code == 303
    assert not page(kitchen.get(sheet)).select(".strips")


@pytest.mark.databases("sqlite")
def test_labels_tell_the_box_and_nothing_of_the_person(house: House) -> None:
    kitchen, boxes = house.client("kitchen"), f"{DESK}/boxes/{TUESDAY}/lunch"
    assert not page(kitchen.get(boxes)).select(".box-label")
    stay_until(house, kitchen, "16:00")
    sheet = f"{DESK}/kitchen/{TUESDAY}/lunch"
    fill(kitchen, sheet, f"form[action='{sheet}/close']")
    label = page(kitchen.get(boxes)).select_one(".box-label")
    assert label is not None
    assert "清蒸鲈鱼" in label.text
    assert not any(word in label.text for word in ("陈", "秀英", "P15", "A5", "补", "¥"))


@pytest.mark.databases("sqlite")
def test_poster_and_table_cards_lead_a_stranger_to_the_menu(house: House) -> None:
    kitchen = house.client("kitchen")
    assert page(kitchen.get(f"{DESK}/")).select_one(f"a[href='{DESK}/poster']")
    for path, sheets in ((f"{DESK}/poster", 1), (f"{DESK}/poster?as=cards", 4)):
        shown = page(kitchen.get(path))
        assert shown.select_one("[data-print]")
        codes = [read_svg(str(svg)) for svg in shown.select(".invite-qr svg")]
        assert codes == [f"{house.app.config['PUBLIC_URL']}/c/shuibei/canteen/"] * sheets
        for words in ("水贝长者食堂", "扫一扫，看菜单、订餐", "Scan for the menu and to order"):
            assert words in shown.text
        assert "午餐 周一到周六 11:30–12:30" in shown.text
        assert "Lunch, Mon to Sat 11:30–12:30" in shown.text
    menu = house.client().get(codes[0].removeprefix(house.app.config["PUBLIC_URL"]))
    assert "清蒸鲈鱼" in page(menu).text


@pytest.mark.databases("sqlite")
def test_a_swap_says_first_whom_it_touches(house: House) -> None:
    kitchen, swap = house.client("kitchen"), f"{DESK}/swap/{TUESDAY}/lunch"
    with house.app.app_context():
        profile(house.cast.chen, allergens=["peanut"], labels=[], texture="regular")
        ids = {dish.code: dish.id for dish in desk_queries.dishes(house.cast.shuibei)}
        db.session.remove()
    shown = page(kitchen.get(f"{swap}?out={ids['V01']}&in={ids['V11']}"))
    assert "1 位订了这道菜" in shown.text
    assert "陈*英：含花生" in shown.text
    assert "陈秀英" not in shown.text
    answer = fill(kitchen, f"{swap}?out={ids['V01']}&in={ids['V11']}", "form.panel", reason_zh="菜心没到货")
    assert answer.status_code == 303
    with house.app.app_context():
        assert len(db.session.scalars(select(SwapQuestion)).all()) == 1
        db.session.remove()


@pytest.mark.databases("sqlite")
def test_a_meal_that_cannot_be_cooked_is_given_back_after_a_second_thought(house: House) -> None:
    kitchen, fail = house.client("kitchen"), f"{DESK}/fail/{TUESDAY}/lunch"
    shown = page(kitchen.get(fail))
    assert "1 份还没取" in shown.text
    assert not shown.select("main .button.primary")
    unsure = fill(kitchen, fail, ".fail-form", reason="停气了")
    assert unsure.status_code == 422
    assert fill(kitchen, fail, ".fail-form", reason="停气了", sure="1").status_code == 303
    after = page(kitchen.get(fail)).text
    assert "已经停了：停气了" in after
    with house.app.app_context():
        states = set(db.session.scalars(select(MealOrder.state).where(MealOrder.day == TUESDAY)))
        assert "failed" in states
        assert "ordered" not in states
        db.session.remove()


@pytest.mark.databases("sqlite")
def test_a_morning_check_that_is_refused_keeps_what_was_filled_in(house: House) -> None:
    kitchen, morning = house.client("kitchen"), f"{DESK}/morning/"
    said = {item.code: "4" if item.is_temperature else "ok" for item in ITEMS} | {"freezer": "-18"}
    answer = fill(kitchen, morning, ".check-form", **{**said, "fever": "bad"})
    assert answer.status_code == 422
    assert "有不合格的，请写明怎么处理" in answer.text
    kept = BeautifulSoup(answer.text, "html.parser")
    assert kept.select_one("#c-fever-bad[checked]")
    assert kept.select_one("#c-freezer[value='-18']")
    assert (
        fill(kitchen, morning, ".check-form", **{**said, "fever": "bad"}, note="回家休息").status_code == 303
    )
    done = page(kitchen.get(morning))
    assert "回家休息" in done.text
    assert not done.select(".check-form:not(.again-form)")


def crew(meals: Meals, **until: date | None) -> dict[str, int]:
    """Who works in the kitchen: name → id."""
    with unit_of_work():
        rows = [
            KitchenWorker(unit_id=meals.cast.shuibei, name=name, certificate_until=day)
            for name, day in until.items()
        ]
        db.session.add_all(rows)
    return {row.name: row.id for row in rows}


def test_each_one_of_the_kitchen_is_looked_at_and_what_follows_is_written_down(meals: Meals) -> None:
    people = crew(meals, 何伟=date(2027, 6, 1), 罗小琴=MONDAY, 梁志明=None)
    told = {people["何伟"]: "wound", people["罗小琴"]: "well"}
    with pytest.raises(Refused) as refused:
        samples.check_morning(cook(), canteen(meals), WELL, "", told)
    assert (refused.value.code, "先看梁志明" in refused.value.text) == ("person_missing", True)
    done = samples.check_morning(
        cook(), canteen(meals), {**WELL, "fever": False}, "", {**told, people["梁志明"]: "off"}
    )
    assert done.passed, "nobody is ill, the cut is covered, and both who cook have a certificate until today"
    assert [(one.worker.name, one.state) for one in done.people] == [
        ("何伟", "wound"), ("罗小琴", "well"), ("梁志明", "off"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("state", "until", "wrong"),
    [
        ("ill", date(2027, 1, 1), ["fever"]),
        ("well", date(2026, 11, 22), ["certificates"]),
        ("wound", None, ["certificates"]),
        ("ill", None, ["fever"]),
        ("off", None, []),
    ],
)
def test_what_one_of_them_has_fails_the_item_that_it_is_about(
    meals: Meals, state: str, until: date | None, wrong: list[str]
) -> None:
    people = crew(meals, 何伟=date(2027, 6, 1), 罗小琴=until)
    told = {people["何伟"]: "well", people["罗小琴"]: state}
    done = samples.check_morning(cook(), canteen(meals), WELL, "换人了", told)
    assert failed(done.items) == wrong


def test_whose_certificate_ends_the_kitchen_is_told_and_whoever_left_is_not_looked_at(meals: Meals) -> None:
    people = crew(meals, 何伟=date(2026, 12, 7), 罗小琴=date(2026, 12, 8), 梁志明=None)
    found = [one for one in today(meals.cast.shuibei, MONDAY).alarms if "健康证" in one.title]
    assert [(one.title, one.note) for one in found] == [
        ("2 个人的健康证要换了", "何伟 12月7日 星期一、梁志明没有")
    ]
    with unit_of_work():
        db.session.get_one(KitchenWorker, people["梁志明"]).retired_at = database_now()
    told = {people["何伟"]: "well", people["罗小琴"]: "well"}
    assert samples.check_morning(cook(), canteen(meals), WELL, "", told).passed


def test_what_was_not_well_is_looked_at_until_it_is(meals: Meals, clock: Clock) -> None:
    assert refusal(lambda: samples.check_again(cook(), canteen(meals), WELL, "")) == "nothing_open"
    samples.check_morning(cook(), canteen(meals), {**WELL, "fridge": 95, "gas": False}, "叫人来修")
    titles = [one.title for one in today(meals.cast.shuibei, MONDAY).alarms]
    assert "晨检有 2 项不合格" in titles
    for odd, code in (({"gas": True}, "check_missing"), ({"gas": True, "fridge": 91}, "note_missing")):
        assert refusal(lambda odd=odd: samples.check_again(cook(), canteen(meals), odd, "")) == code  # type: ignore[misc]
    once = samples.check_again(cook(), canteen(meals), {**WELL, "fridge": 91}, "还在降温")
    assert once.resolved_at is None
    alarm = next(one for one in today(meals.cast.shuibei, MONDAY).alarms if "晨检" in one.title)
    assert (alarm.title, alarm.note) == ("晨检有 1 项不合格", "没做到：冷藏柜")
    clock.advance(minutes=40)
    twice = samples.check_again(cook(), canteen(meals), {"fridge": 45}, "")
    assert [sorted(one.items) for one in twice.again] == [["fridge", "gas"], ["fridge"]]
    assert twice.resolved_at is not None
    assert not twice.passed, "what was found in the morning stays"
    assert not [one for one in today(meals.cast.shuibei, MONDAY).alarms if "晨检有" in one.title]
    assert refusal(lambda: samples.check_again(cook(), canteen(meals), WELL, "")) == "nothing_open"


def test_two_who_look_again_at_once_write_one_second_look(app: Flask, meals: Meals) -> None:
    samples.check_morning(cook(), canteen(meals), {**WELL, "gas": False}, "叫人来修")
    who = cook()

    def look() -> str:
        return refusal(lambda: samples.check_again(who, canteen(meals), WELL, ""))

    assert Counter(map(str, together([apart(app, look)] * 4))) == {"done": 1, "nothing_open": 3}


@pytest.mark.databases("sqlite")
def test_the_morning_s_page_asks_by_name_and_again_for_what_was_not_well(house: House) -> None:
    kitchen, morning = house.client("kitchen"), f"{DESK}/morning/"
    assert "登记了谁在厨房上班" in kitchen.get(morning).text
    new = {"name": "罗小琴", "certificate_until": "2027-06-01"}
    assert house.post(kitchen, "/staff/c/shuibei/data/workers/new", new).status_code == 303
    shown = page(kitchen.get(morning))
    assert not shown.select("#c-fever-ok"), "it follows from how each one is"
    said = {item.code: "4" if item.is_temperature else "ok" for item in ITEMS} | {"freezer": "-18"}
    person = str(shown.select_one(".check-people input")["name"])  # type: ignore[index]
    well = {**said, "gas": "bad", "note": "叫人来修"}
    refused = fill(kitchen, morning, ".check-form", **well, **{person: "nonsense", f"p-{'9' * 5000}": "well"})
    assert (refused.status_code, "还有 1 个人没有看" in refused.text) == (422, True)
    assert fill(kitchen, morning, ".check-form", **well, **{person: "ill"}).status_code == 303
    for role, named in (("kitchen", True), ("front", False)):
        seen = house.client(role).get(morning).text
        assert ("不舒服，回家了" in seen) == named, "how somebody is, is for whoever leads the kitchen"
    again = {"gas": "ok", "fever": "ok", "note": "小罗回家了"}
    assert fill(kitchen, morning, ".again-form", **again).status_code == 303
    done = kitchen.get(morning).text
    assert "复查合格" in done
    assert "复查：都合格（小罗回家了）" in done
    assert not page(kitchen.get(morning)).select(".again-form")


@pytest.mark.databases("sqlite")
def test_samples_are_put_away_in_place(house: House) -> None:
    kitchen = house.client("kitchen")
    shown = page(kitchen.get(f"{DESK}/samples/"))
    forms = shown.select(".sample-rows form")
    assert len(forms) == 10  # of eleven dishes one is put away already
    url, given = fields_of(kitchen.get(f"{DESK}/samples/"), ".sample-rows form")
    wrong = kitchen.post(url, data={**given, "grams": "20"}, headers={"HX-Request": "true"})
    assert "留样至少 125 克" in wrong.text
    url, given = fields_of(kitchen.get(f"{DESK}/samples/"), ".sample-rows form")
    line = kitchen.post(url, data=given, headers={"HX-Request": "true"})
    assert "留了 125 克" in line.text
    assert "还差 9 道" in line.text
    assert "何伟" in line.text
    assert "9:41" in page(kitchen.get(f"{DESK}/samples/log")).text


@pytest.mark.databases("sqlite")
def test_the_today_page_says_what_is_missing_to_those_who_can_help(house: House) -> None:
    for role in ("kitchen", "front", "manager"):
        house.clock.set("2026-11-23 09:41")
        client = house.client(role)
        stay_until(house, client, "11:30")
        shown = page(client.get("/staff/c/shuibei/today"))
        assert [one.text for one in shown.select(".alarm b") if "电话" not in one.text] == [
            "今天还没有做晨检",
            "午餐有 10 道菜没有留样",
            "今天晚餐还没有发布",
        ]
        assert shown.select(".alarm a[href$='/canteen/samples/']")
