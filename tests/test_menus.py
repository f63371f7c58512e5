"""Menus as a list, what was changed on one, and whole plans from a sheet: cell by cell, all of it or nothing."""

import io
from collections.abc import Sequence
from datetime import date
from typing import Any

import openpyxl
import pytest
from flask_babel import force_locale
from sqlalchemy import func, select, update

from canteen import desk_queries
from canteen.desk_queries import MenuWish
from canteen.models import Canteen, Dish, Menu, Offer
from canteen.services import menu_sheet
from canteen.services.plan import Planned, make_menu, put_offer, set_offers, set_quota, set_walk_in
from core.audit import OPERATOR
from core.database import db, unit_of_work
from core.errors import Refused
from core.imports import Plan
from core.sheets import Head, Page, write
from tests.support.clock import Clock
from tests.support.house import House
from tests.support.meals import QUOTAS, Meals

TUESDAY, WEDNESDAY, THURSDAY = date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 26)
HEADS = ("日期", "哪一餐", "编号", "种类", "菜", "份数", "单价")
BASE = "/staff/c/shuibei/canteen"


def sheet(rows: Sequence[Sequence[Any]], heads: Sequence[str] = HEADS) -> io.BytesIO:
    return io.BytesIO(write(Page("菜单", [Head(one) for one in heads], rows)))


def canteen(meals: Meals) -> Canteen:
    return db.session.get_one(Canteen, meals.cast.shuibei)


def planned(meals: Meals, clock: Clock, *rows: Sequence[Any], heads: Sequence[str] = HEADS) -> Plan:
    return menu_sheet.plan(canteen(meals), sheet(rows, heads).read(), clock())


def bring_in(meals: Meals, clock: Clock, *rows: Sequence[Any]) -> int:
    return menu_sheet.apply(OPERATOR, canteen(meals), planned(meals, clock, *rows), lambda: None)


def on(meals: Meals, day: date, meal: str = "lunch") -> dict[str, tuple[str, list[str], int, int]]:
    """Code → kind, dishes' codes, quota, price in fen."""
    db.session.expire_all()
    menu = desk_queries.menu_of(meals.cast.shuibei, day, meal)
    return {
        one.code: (one.kind, [row.dish.code for row in one.dishes], one.quota, one.price_fen)
        for one in (menu.offers if menu is not None else ())
    }


def faults(made: Plan) -> list[tuple[str, str]]:
    return [(one.cell, one.wrong) for one in made.faults]


# --- from a sheet ---------------------------------------------------------------------------------------------------


def test_a_caterer_s_sheet_becomes_drafts(meals: Meals, clock: Clock) -> None:
    meals.lunch(TUESDAY)
    rows: list[list[Any]] = [
        [THURSDAY, "午餐", "l1", "", "清蒸鲈鱼、香菇菜心、米饭", 40, ""],
        ["2026-11-26", "lunch", "S1", "单点", "S07", "12", "2.50"],
        [THURSDAY, "午餐", "L2", "套餐", "M02，炒时蔬;T01", 30, 9],
        [TUESDAY, "午餐", "L2", "", "肉末蒸蛋、炒时蔬、米饭、玉米汤", 35, ""],
    ]
    made = planned(meals, clock, *rows)
    assert (faults(made), made.many("new"), made.many("change")) == ([], 3, 1)
    assert made.steps[0].note == "清蒸鲈鱼、香菇菜心、米饭，40 份，¥14.00"
    assert "30 份" in made.steps[3].note
    assert "35 份" in made.steps[3].note
    assert on(meals, THURSDAY) == {}
    assert bring_in(meals, clock, *rows) == 4
    assert on(meals, THURSDAY) == {
        "L1": ("set", ["M01", "V01", "T01"], 40, 1400),
        "L2": ("set", ["M02", "V03", "T01"], 30, 900),
        "S1": ("single", ["S07"], 12, 250),
    }
    thursday = desk_queries.menu_of(meals.cast.shuibei, THURSDAY, "lunch")
    assert thursday is not None
    assert thursday.state == "draft"
    # what is sold from stays published, and what the sheet does not name stays on it
    tuesday = on(meals, TUESDAY)
    assert list(tuesday) == ["L1", "L2", "L3", "L4"]
    assert (tuesday["L2"][2], tuesday["L1"][2]) == (35, QUOTAS["L1"])
    assert db.session.get_one(Menu, meals.menus[meals.cast.shuibei, TUESDAY, "lunch"]).state == "published"


@pytest.mark.parametrize("language", ["zh_Hans", "zh_Hant", "en"])
def test_a_list_comes_back_as_it_went(meals: Meals, clock: Clock, language: str) -> None:
    meals.lunch(TUESDAY)
    with unit_of_work():
        put_offer(
            OPERATOR,
            meals.menus[meals.cast.shuibei, TUESDAY, "lunch"],
            Planned("S1", "single", [meals.dishes["S07"]], 9, 250),
        )
    rows = desk_queries.listed_menus(meals.cast.shuibei, MenuWish(TUESDAY, down=False))
    with force_locale(language):
        made = menu_sheet.plan(canteen(meals), menu_sheet.export(rows), clock())
        assert (faults(made), made.many("same"), made.writes) == ([], 5, [])
    # with another day in its cells it is that day's plan
    book = openpyxl.load_workbook(io.BytesIO(menu_sheet.export(rows)))
    for number in range(2, 7):
        book.worksheets[0][f"A{number}"] = THURSDAY
    out = io.BytesIO()
    book.save(out)
    made = menu_sheet.plan(canteen(meals), out.getvalue(), clock())
    menu_sheet.apply(OPERATOR, canteen(meals), made, lambda: None)
    assert on(meals, THURSDAY) == on(meals, TUESDAY)


def test_each_wrong_cell_is_named(meals: Meals, clock: Clock) -> None:
    meals.lunch(TUESDAY)
    meals.lunch(WEDNESDAY)
    meals.order(meals.cast.chen, TUESDAY, "L1")
    meals.order(meals.cast.aqiang, TUESDAY, "L1")
    with unit_of_work():
        double = Dish(
            unit_id=db.session.get_one(Dish, meals.dishes["M01"]).unit_id, code="M91", kind="main",
            name_zh="肉末蒸蛋", name_en="Another", price_fen=800, labels=[], allergens=[], recipe=[],
        )  # fmt: skip
        db.session.add(double)
        db.session.execute(update(Dish).where(Dish.code == "V10").values(retired_at=clock()))
        menu = meals.menus[meals.cast.shuibei, WEDNESDAY, "lunch"]
        db.session.execute(update(Menu).where(Menu.id == menu).values(closed_at=clock()))
    good = [THURSDAY, "午餐", "L9", "", "清蒸鲈鱼", 40, ""]

    def wrong(**cells: Any) -> list[tuple[str, str]]:
        row = [cells.get(name, value) for name, value in zip("ABCDEFG", good, strict=True)]
        return faults(planned(meals, clock, row))

    assert wrong() == []
    assert wrong(A="下周四") == [("A2", "日期看不懂")]
    assert wrong(A=date(2026, 11, 22)) == [("A2", "排不了这一天")]
    assert wrong(A=date(2028, 11, 24)) == [("A2", "排不了这一天")]
    assert wrong(A=WEDNESDAY) == [("A2", "这一餐已经截止了")]
    assert wrong(B="夜宵") == [("B2", "没有这一项")]
    assert wrong(B="早餐") == [("B2", "那天不开这一餐")]
    assert wrong(C="一号") == [("C2", "写法不对")]
    assert wrong(C="") == [("C2", "这一格不能空着")]
    assert wrong(D="拼盘") == [("D2", "没有这一项")]
    assert wrong(D="单点", E="清蒸鲈鱼、米饭") == [("E2", "单点只有一道菜")]
    assert wrong(E="满汉全席") == [("E2", "菜品里没有这道菜")]
    assert wrong(E="清炒红萝卜丝") == [("E2", "菜品里没有这道菜")]  # retired
    assert wrong(E="肉末蒸蛋") == [("E2", "有几道菜都叫这个")]
    assert wrong(E="") == [("E2", "这一格不能空着")]
    assert wrong(F="很多") == [("F2", "不是整数")]
    assert wrong(F=0) == [("F2", "超出范围")]
    assert wrong(G="十元") == [("G2", "不是金额")]
    assert wrong(A=TUESDAY, C="L1", F=1) == [("F2", "已经订出 2 份")]
    assert faults(planned(meals, clock, good, good)) == [("C3", "和第 2 行是同一条")]
    # a retired dish may stay where it is
    assert wrong(A=TUESDAY, C="L4", E="清真牛肉、清炒红萝卜丝、米饭、牛骨汤", F=8) == []
    # a new one needs what an old one may leave out
    few = ("日期", "哪一餐", "编号", "份数")
    assert faults(planned(meals, clock, [TUESDAY, "午餐", "L1", 50], heads=few)) == []
    assert faults(planned(meals, clock, [TUESDAY, "午餐", "L9", 50], heads=few)) == [
        ("C2", "新的一条还要有这一栏：菜")
    ]


def test_nothing_is_planned_where_one_row_fails_in_the_end(meals: Meals, clock: Clock) -> None:
    meals.lunch(TUESDAY)
    made = planned(
        meals,
        clock,
        [THURSDAY, "午餐", "L1", "", "清蒸鲈鱼", 40, ""],
        [TUESDAY, "午餐", "L1", "", "清蒸鲈鱼、香菇菜心、米饭、排骨汤", 1, ""],
    )
    assert made.faults == []
    for who in (meals.cast.chen, meals.cast.aqiang):  # between the look and the tap
        meals.order(who, TUESDAY, "L1")
    with pytest.raises(Refused) as refused:
        menu_sheet.apply(OPERATOR, canteen(meals), made, lambda: None)
    assert refused.value.code == "quota_sold"
    db.session.rollback()
    assert on(meals, THURSDAY) == {}
    assert on(meals, TUESDAY)["L1"][2] == QUOTAS["L1"]


def test_the_page_shows_first_and_takes_the_same_bytes_once(house: House) -> None:
    client = house.client("kitchen")
    rows = [
        [THURSDAY, "午餐", "L7", "", "清蒸鲈鱼、米饭", 25, ""],
        [THURSDAY, "午餐", "L8", "", "M03", 20, ""],
    ]

    def there() -> int:
        with house.app.app_context():
            query = select(func.count()).select_from(Offer).where(Offer.code.in_(["L7", "L8"]))
            many = db.session.scalar(query) or 0
            db.session.remove()
        return many

    assert "从表格导入" in client.get(f"{BASE}/menus").text
    assert "写菜名或编号" in client.get(f"{BASE}/menus/import").text
    sent = house.post(client, f"{BASE}/menus/import", {"sheet": (sheet(rows), "a.xlsx")})
    page = client.get(sent.location).text
    assert "导入这 2 行" in page
    assert "11月26日 午餐 L7" in page
    assert there() == 0
    digest = page.partition('name="digest" value="')[2][:64]
    assert house.post(client, sent.location, {"digest": "0" * 64}).status_code == 409
    done = house.post(client, sent.location, {"digest": digest})
    assert (done.status_code, there()) == (303, 2)
    assert "2 份排好了" in client.get(done.location).text
    assert house.post(client, sent.location, {"digest": digest}).status_code == 404
    wrong = house.post(client, f"{BASE}/menus/import", {"sheet": (sheet([["x"] * 7]), "a.xlsx")})
    assert 'name="digest"' not in client.get(wrong.location).text
    # another centre's kitchen sees nothing of it
    assert house.client("luo").get(sent.location).status_code in {403, 404}


# --- the list and the record ----------------------------------------------------------------------------------------


def test_the_list_is_filtered_and_sorted(meals: Meals) -> None:
    for day in (TUESDAY, WEDNESDAY, THURSDAY):
        meals.lunch(day, quotas={**QUOTAS, "L1": 45 + day.day})
    where = meals.cast.shuibei
    with unit_of_work():
        dinner = make_menu(OPERATOR, canteen(meals), WEDNESDAY, "dinner")
        set_offers(OPERATOR, dinner.id, [Planned("D1", "set", [meals.dishes["M02"]], 7)])
    meals.order(meals.cast.chen, WEDNESDAY, "L1")

    def listed(**wish: Any) -> list[tuple[int, str]]:
        asked = MenuWish(**{"first": TUESDAY, **wish})
        rows = desk_queries.listed_menus(where, asked)
        assert desk_queries.menus_many(where, asked) == len(rows)
        return [(menu.day.day, menu.meal) for menu in rows]

    assert listed() == [(26, "lunch"), (25, "lunch"), (25, "dinner"), (24, "lunch")]
    assert listed(down=False)[0] == (24, "lunch")
    assert listed(first=WEDNESDAY, last=WEDNESDAY) == [(25, "lunch"), (25, "dinner")]
    assert listed(meal="dinner") == [(25, "dinner")]
    assert listed(state="draft") == [(25, "dinner")]
    assert listed(sort="quota", down=False)[0] == (25, "dinner")
    assert listed(sort="quota")[0] == (26, "lunch")
    assert listed(sort="taken")[0] == (25, "lunch")
    one = desk_queries.listed_menus(where, MenuWish(TUESDAY), 1, 1)
    assert [menu.day for menu in one] == [WEDNESDAY]


@pytest.mark.parametrize(
    "asked", ["sort=nobody", "state=x&meal=y", "first=2026-11-01&last=2026-12-01&up=1", "page=99"]
)
def test_the_list_takes_any_wish(house: House, asked: str) -> None:
    assert house.client("kitchen").get(f"{BASE}/menus?{asked}").status_code == 200
    assert house.client("kitchen").get(f"{BASE}/menus/sheet?{asked}").status_code == 200


def test_a_day_that_is_none_is_refused(house: House) -> None:
    assert house.client("kitchen").get(f"{BASE}/menus?first=soon").status_code == 404


def test_the_record_says_who_changed_what(house: House) -> None:
    client = house.client("kitchen")
    page = f"{BASE}/menu/{TUESDAY}/lunch"
    with house.app.app_context():
        menu = db.session.scalars(select(Menu).where(Menu.day == TUESDAY, Menu.meal == "lunch")).first()
        assert menu is not None
        first, taken, walk_in = menu.offers[0], menu.offers[0].taken, menu.walk_in
        code, quota = first.code, first.quota
        db.session.remove()
    assert f"{page}/history" in client.get(page).text
    house.post(client, f"{page}/offers/{code}/quota", {"quota": str(taken + 77)})
    house.post(client, f"{page}/walk-in", {"walk_in": str(walk_in + 3)})
    said = client.get(f"{page}/history").text
    assert "何伟" in said
    assert f"{code} <s>{quota}</s> → <b>{taken + 77}</b>" in said
    assert f"现场 <s>{walk_in}</s> → <b>{walk_in + 3}</b>" in said


def test_the_record_says_what_stood_on_a_menu_before(meals: Meals) -> None:
    menu = meals.lunch(TUESDAY)
    with unit_of_work():
        put_offer(OPERATOR, menu, Planned("L1", "set", [meals.dishes["M04"], meals.dishes["T01"]], 45))
        set_quota(OPERATOR, meals.offer(TUESDAY, "L2"), 31)
        set_walk_in(OPERATOR, menu, 9)
    swapped, quota, walk = reversed(desk_queries.menu_record(menu)[:3])
    assert (swapped.verb, list(swapped.detail["old"]), list(swapped.detail["new"])) == (
        "menu.planned",
        ["L1"],
        ["L1"],
    )
    assert swapped.detail["old"]["L1"]["price_fen"] == 1500
    assert swapped.detail["new"]["L1"] == {
        "dishes": [meals.dishes["M04"], meals.dishes["T01"]],
        "quota": 45,
        "price_fen": 1100,
    }
    assert (quota.verb, quota.detail) == ("menu.quota", {"code": "L2", "was": QUOTAS["L2"], "quota": 31})
    assert walk.detail["quota"] == 9
