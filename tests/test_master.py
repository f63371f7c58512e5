"""Master data: changed in one way, kept with what it was, dated things never rewritten, and sheets cell by cell."""

import io
from datetime import date, timedelta
from typing import Any

import openpyxl
import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import select

from canteen.master import DISHES, PROMOTIONS, RULES, STATUS_KINDS
from canteen.models import Dish, SubsidyClaim, SubsidyRule
from centres.master import POLICIES
from centres.models import Building, Centre, Policy
from centres.policies import chain
from core import imports
from core import master as service
from core.audit import OPERATOR, Audit
from core.columns import Wrong
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.imports import Plan
from core.master import Master, Wish
from core.sheets import Head, Page, write
from people.master import BUILDINGS
from people.models import Resident
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.house import House
from tests.support.meals import Meals, double_ninth

TODAY, TOMORROW = date(2026, 11, 23), date(2026, 11, 24)
DECEMBER = date(2026, 12, 1)


def code_of(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.code


def dish(code: str = "M01") -> Dish:
    return db.session.scalars(
        select(Dish).where(Dish.code == code).execution_options(populate_existing=True)
    ).one()


def rule(code: str = "meal-70-99", day: date = TODAY) -> SubsidyRule:
    rows = db.session.scalars(select(SubsidyRule).where(SubsidyRule.code == code)).all()
    return next(row for row in rows if row.starts_on <= day and (row.ends_on is None or day < row.ends_on))


def told(kind: str, row_id: int) -> list[tuple[str, dict[str, Any]]]:
    query = select(Audit).where(Audit.subject_kind == kind, Audit.subject_id == row_id).order_by(Audit.id)
    return [(row.verb, row.detail) for row in db.session.scalars(query)]


# --- changing -------------------------------------------------------------------------------------------------------


def test_a_change_is_kept_with_what_it_was(meals: Meals, cast: Cast) -> None:
    before = db.session.get_one(Centre, cast.shuibei).settings_version
    service.change(OPERATOR, DISHES, dish().id, [cast.district], {"price_fen": 1100}, today=TODAY)
    assert dish().price_fen == 1100
    assert told("dish", dish().id) == [
        ("dish.changed", {"old": {"price_fen": 1000}, "new": {"price_fen": 1100}})
    ]
    assert db.session.get_one(Centre, cast.shuibei, populate_existing=True).settings_version > before
    service.change(OPERATOR, DISHES, dish().id, [cast.district], {"price_fen": 1100}, today=TODAY)
    assert len(told("dish", dish().id)) == 1


def test_the_key_stays_and_a_second_row_under_it_is_refused(meals: Meals, cast: Cast) -> None:
    service.change(OPERATOR, DISHES, dish().id, [cast.district], {"code": "X9"}, today=TODAY)
    assert dish().code == "M01"
    values = {**DISHES.values(dish()), "name_zh": "另一道"}
    with pytest.raises(Refused) as refused:
        service.create(OPERATOR, DISHES, cast.district, values, today=TODAY)
    assert code_of(refused) == "already_there"
    assert dish().name_zh == "清蒸鲈鱼"


def test_a_change_that_somebody_else_has_made_meanwhile_is_not_overwritten(meals: Meals, cast: Cast) -> None:
    seen = DISHES.version(dish())
    service.change(OPERATOR, DISHES, dish().id, [cast.district], {"price_fen": 1200}, today=TODAY, seen=seen)
    with pytest.raises(Refused) as refused:
        service.change(
            OPERATOR, DISHES, dish().id, [cast.district], {"name_zh": "鱼"}, today=TODAY, seen=seen
        )
    assert code_of(refused) == "changed_meanwhile"


def test_a_row_of_another_unit_is_not_there(meals: Meals, cast: Cast) -> None:
    with pytest.raises(NotFound):
        service.change(OPERATOR, DISHES, dish().id, [cast.sungang], {"price_fen": 1}, today=TODAY)


def test_a_dish_on_a_menu_to_come_is_not_retired_and_one_of_the_past_is(
    meals: Meals, cast: Cast, clock: Clock
) -> None:
    meals.lunch(TOMORROW)
    with pytest.raises(Refused) as refused:
        service.retire(OPERATOR, DISHES, dish().id, [cast.district])
    assert code_of(refused) == "still_used"
    clock.set("2026-11-25 09:00")
    assert [one.words for one in service.dependants(DISHES, dish(), "")] == ["以前的菜单"]
    service.retire(OPERATOR, DISHES, dish().id, [cast.district])
    assert dish().retired_at is not None
    assert dish().id not in {row.id for row in service.every(DISHES, chain(cast.shuibei), Wish(), TODAY)}
    service.retire(OPERATOR, DISHES, dish().id, [cast.district], back=True)
    assert dish().retired_at is None
    assert [verb for verb, _detail in told("dish", dish().id)] == ["dish.retired", "dish.brought_back"]


def test_a_house_in_which_somebody_lives_stays(meals: Meals, cast: Cast) -> None:
    house = service.create(
        OPERATOR,
        BUILDINGS,
        cast.shuibei,
        {"code": "SB2-3", "name_zh": "水贝二街3栋", "floors": 7},
        today=TODAY,
    )
    with unit_of_work():
        db.session.get_one(Resident, cast.chen).building_id = house.id
    with pytest.raises(Refused) as refused:
        service.retire(OPERATOR, BUILDINGS, house.id, [cast.shuibei])
    assert "住在这里的居民" in refused.value.text


# --- dated ----------------------------------------------------------------------------------------------------------


def test_a_rule_changes_from_a_day_on_and_what_was_ordered_stays(meals: Meals, cast: Cast) -> None:
    meals.lunch(TOMORROW)
    meals.order(cast.chen, TOMORROW)
    old = rule().id
    new = service.change(
        OPERATOR, RULES, old, [cast.district], {"amount_fen": 600}, today=TODAY, starts_on=DECEMBER
    )
    assert new.id != old
    assert (rule().amount_fen, rule().ends_on) == (500, DECEMBER)
    assert (rule(day=DECEMBER).amount_fen, rule(day=DECEMBER).ends_on) == (600, None)
    assert rule(day=DECEMBER).conditions == rule().conditions
    assert rule(day=DECEMBER).name_zh == rule().name_zh == "70至99岁长者午餐补贴"
    assert db.session.scalars(select(SubsidyClaim.amount_fen)).all() == [500]
    assert [row.starts_on for row in service.line(RULES, rule())] == [DECEMBER, date(2025, 1, 20)]


def test_a_change_between_two_stretches_ends_where_the_later_one_begins(meals: Meals, cast: Cast) -> None:
    units = [cast.district]
    service.change(OPERATOR, RULES, rule().id, units, {"amount_fen": 600}, today=TODAY, starts_on=DECEMBER)
    service.change(OPERATOR, RULES, rule().id, units, {"amount_fen": 550}, today=TODAY, starts_on=TOMORROW)
    stretches = [(row.starts_on, row.ends_on, row.amount_fen) for row in service.line(RULES, rule())]
    assert stretches == [
        (DECEMBER, None, 600),
        (TOMORROW, DECEMBER, 550),
        (date(2025, 1, 20), TOMORROW, 500),
    ]


@pytest.mark.parametrize(
    ("day", "code"), [(TODAY - timedelta(days=1), "day_past"), (date(2025, 1, 20), "day_past")]
)
def test_the_past_is_never_rewritten(meals: Meals, cast: Cast, day: date, code: str) -> None:
    with pytest.raises(Refused) as refused:
        service.change(
            OPERATOR, RULES, rule().id, [cast.district], {"amount_fen": 1}, today=TODAY, starts_on=day
        )
    assert code_of(refused) == code
    assert rule().amount_fen == 500


def test_a_stretch_that_has_begun_today_or_is_ordered_by_is_not_changed_in_place(
    meals: Meals, cast: Cast
) -> None:
    units = [cast.district]
    service.change(OPERATOR, RULES, rule().id, units, {"amount_fen": 600}, today=TODAY, starts_on=TODAY)
    with pytest.raises(Refused) as refused:
        service.change(OPERATOR, RULES, rule().id, units, {"amount_fen": 700}, today=TODAY, starts_on=TODAY)
    assert code_of(refused) == "day_begun"
    later = service.change(
        OPERATOR, RULES, rule().id, units, {"amount_fen": 700}, today=TODAY, starts_on=TOMORROW
    )
    again = service.change(
        OPERATOR, RULES, later.id, units, {"amount_fen": 650}, today=TODAY, starts_on=TOMORROW
    )
    assert again.id == later.id
    meals.lunch(TOMORROW)
    meals.order(cast.chen, TOMORROW)
    with pytest.raises(Refused) as refused:
        service.change(OPERATOR, RULES, later.id, units, {"amount_fen": 1}, today=TODAY, starts_on=TOMORROW)
    assert code_of(refused) == "day_begun"


def test_a_promotion_ends_from_a_day_on_and_one_that_never_began_goes(meals: Meals, cast: Cast) -> None:
    double_ninth(cast, TODAY, date(2026, 12, 31))
    units = [cast.district]
    row = service.every(PROMOTIONS, units, Wish(), TODAY)[0]
    service.end(OPERATOR, PROMOTIONS, row.id, units, TOMORROW, today=TODAY)
    assert row.ends_on == TOMORROW
    values = {**PROMOTIONS.values(row), "code": "spring"}
    coming = service.create(OPERATOR, PROMOTIONS, cast.district, values, today=TODAY, starts_on=DECEMBER)
    service.end(OPERATOR, PROMOTIONS, coming.id, units, TODAY, today=TODAY)
    assert [one.code for one in service.every(PROMOTIONS, units, Wish(state="all"), TODAY)] == ["chongyang"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"hukou": "", "min_age": None, "max_age": None}, "人人都补"),
        ({"min_age": 99, "max_age": 70}, "年龄起比年龄止大"),
        ({"kind": "operating"}, "按谁算"),
    ],
)
def test_a_rule_that_would_be_a_slip_of_the_pen_is_refused(
    meals: Meals, cast: Cast, values: dict[str, Any], words: str
) -> None:
    with pytest.raises(Refused) as refused:
        service.change(OPERATOR, RULES, rule().id, [cast.district], values, today=TODAY, starts_on=DECEMBER)
    assert words in refused.value.title
    assert len(service.line(RULES, rule())) == 1


@pytest.mark.parametrize(
    ("name", "value", "good"),
    [
        ("canteen.walk_in", 12, True),
        ("canteen.cutoff_at", "15:30", True),
        ("canteen.walk_in", "15:30", False),
        ("canteen.cutoff_at", None, False),
        ("canteen.horizon_days", 0, False),
        ("canteen.nothing", 3, False),
    ],
)
def test_a_policy_is_of_the_kind_that_its_default_is(
    inside: Flask, cast: Cast, name: str, value: object, good: bool
) -> None:
    values = {"name": name, "subject": "", "value": value}
    if good:
        service.create(OPERATOR, POLICIES, cast.shuibei, values, today=TODAY, starts_on=TOMORROW)
        assert db.session.scalars(select(Policy.value).where(Policy.name == name)).one() == value
        return
    with pytest.raises(Refused):
        service.create(OPERATOR, POLICIES, cast.shuibei, values, today=TODAY)


# --- columns --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("master", "name", "raw", "value"),
    [
        (DISHES, "price_fen", "12.5", 1250),
        (DISHES, "price_fen", 12.35, 1235),
        (DISHES, "price_fen", "¥ 8 元", 800),
        (DISHES, "labels", "低油、低盐", ["low_salt", "low_oil"]),
        (DISHES, "allergens", "鱼, 大豆", ["fish", "soy"]),
        (DISHES, "pungent", "是", True),
        (DISHES, "kind", "主菜", "main"),
        (
            DISHES,
            "recipe",
            "鲈鱼 2000 克；姜 60 g",
            [
                {"ingredient": "鲈鱼", "amount": 2000, "unit": "g"},
                {"ingredient": "姜", "amount": 60, "unit": "g"},
            ],
        ),
        (
            RULES,
            "any_of",
            "年龄起=100；年龄起=70 失能至少=中度",
            [{"min_age": 100}, {"min_age": 70, "assessment_at_least": "moderate"}],
        ),
        (RULES, "min_age", None, None),
        (BUILDINGS, "floors", 7.0, 7),
    ],
)
def test_a_cell_is_read_as_people_write_it(
    inside: Flask, master: Master, name: str, raw: object, value: object
) -> None:
    column = master.column(name)
    assert column.read(raw) == value
    assert column.read(column.cell(value)) == value


@pytest.mark.parametrize(
    ("master", "name", "raw"),
    [
        (DISHES, "price_fen", "十块"),
        (DISHES, "price_fen", "1.005"),
        (DISHES, "price_fen", "NaN"),
        (DISHES, "price_fen", "1e9"),
        (DISHES, "price_fen", -1),
        (DISHES, "labels", "好吃"),
        (DISHES, "kind", "甜品"),
        (DISHES, "pungent", "也许"),
        (DISHES, "code", "M 01"),
        (DISHES, "name_zh", ""),
        (DISHES, "name_zh", "很" * 41),
        (RULES, "name_zh", ""),
        (DISHES, "recipe", "鲈鱼 很多"),
        (DISHES, "recipe", "鲈鱼 0 克"),
        (BUILDINGS, "floors", "七"),
        (BUILDINGS, "floors", 0),
        (BUILDINGS, "latitude", "north"),
        (RULES, "any_of", "随便=1"),
    ],
)
def test_what_cannot_be_taken_says_what_would_be_right(
    inside: Flask, master: Master, name: str, raw: object
) -> None:
    with pytest.raises(Wrong) as wrong:
        master.column(name).read(raw)
    assert wrong.value.what


# --- sheets ---------------------------------------------------------------------------------------------------------


def look(master: Master, unit: int, heads: list[str], rows: list[list[Any]]) -> Plan:
    data = write(Page("表", [Head(head) for head in heads], rows))
    return imports.plan(master, unit, data, TODAY)


def test_what_was_exported_comes_in_again_without_a_change(meals: Meals, cast: Cast) -> None:
    double_ninth(cast, date(2026, 10, 1), DECEMBER)
    units = [cast.district]
    for master in (DISHES, RULES, PROMOTIONS):
        rows = service.every(master, units, Wish(state="all"), TODAY)
        made = imports.plan(master, cast.district, imports.export(master, rows), TODAY)
        assert made.faults == []
        assert (made.many("same"), made.writes) == (len(rows), [])


def test_a_sheet_of_one_language_is_read_in_another(meals: Meals, cast: Cast) -> None:
    units = [cast.district]
    for master in (DISHES, RULES):
        rows = service.every(master, units, Wish(state="all"), TODAY)
        for write_in, read_in in (("en", "zh_Hans"), ("zh_Hans", "en"), ("zh_Hant", "en")):
            with force_locale(write_in):
                data = imports.export(master, rows)
            with force_locale(read_in):
                made = imports.plan(master, cast.district, data, TODAY)
            assert (made.faults, made.many("same")) == ([], len(rows))


def test_a_sheet_changes_some_and_adds_some_and_only_when_it_is_applied(meals: Meals, cast: Cast) -> None:
    rows: list[list[Any]] = [["M01", "清蒸鲈鱼", 11, "主菜", "普通"], ["M99", "=1+1", "9.50", "主菜", "软"]]
    made = look(DISHES, cast.district, ["编号", "菜名", "单价", "种类", "软硬"], rows)
    assert (made.many("change"), made.many("new"), made.faults) == (1, 1, [])
    assert made.writes[0].note == "单价 ¥10.00 → ¥11.00"
    assert dish().price_fen == 1000
    assert imports.apply(OPERATOR, DISHES, cast.district, made, TODAY, lambda: None) == 2
    assert (dish().price_fen, dish("M99").name_zh, dish("M99").labels) == (1100, "=1+1", [])
    assert dish().labels == ["low_salt", "low_oil"]


def test_every_wrong_cell_is_named_and_nothing_written(meals: Meals, cast: Cast) -> None:
    rows: list[list[Any]] = [
        ["M01", "清蒸鲈鱼", "贵", "主菜", "普通"],
        ["M02", "", 8, "甜品", "普通"],
        ["M03", "香菇豆腐", 7, "主菜", "软"],
        ["M03", "香菇豆腐", 8, "主菜", "软"],
        ["M98", None, 8, "主菜", "软"],
    ]
    made = look(DISHES, cast.district, ["编号", "菜名", "单价", "种类", "软硬"], rows)
    assert [fault.cell for fault in made.faults] == ["C2", "B3", "D3", "A5", "B6"]
    assert all(fault.wrong and fault.right for fault in made.faults)
    with pytest.raises(Refused):
        imports.apply(OPERATOR, DISHES, cast.district, made, TODAY, lambda: None)
    assert dish().price_fen == 1000


def test_a_new_row_must_say_all_it_must(meals: Meals, cast: Cast) -> None:
    made = look(DISHES, cast.district, ["编号", "单价"], [["M97", 5]])
    assert "菜名" in made.faults[0].wrong


def test_a_sheet_of_rules_knows_them_by_their_code_and_names_them(meals: Meals, cast: Cast) -> None:
    heads = ["编号", "名称", "英文名", "从哪天起"]
    made = look(
        RULES, cast.district, heads, [["meal-70-99", "高龄长者午餐补贴", "Lunch, 70 to 99", DECEMBER]]
    )
    assert (made.many("change"), made.faults) == (1, [])
    assert made.writes[0].label == "70至99岁长者午餐补贴"
    imports.apply(OPERATOR, RULES, cast.district, made, TODAY, lambda: None)
    assert (rule().name_zh, rule(day=DECEMBER).name_zh) == ("70至99岁长者午餐补贴", "高龄长者午餐补贴")
    assert rule(day=DECEMBER).name_en == "Lunch, 70 to 99"
    new = look(RULES, cast.district, ["编号", "种类", "最多补", "户籍"], [["x", "就餐补贴", 5, "深圳"]])
    assert "名称" in new.faults[0].wrong


def test_a_dated_sheet_changes_from_a_day_on_and_not_the_past(meals: Meals, cast: Cast) -> None:
    heads = ["编号", "最多补", "从哪天起"]
    made = look(
        RULES, cast.district, heads, [["meal-70-99", 6, DECEMBER], ["delivery", 3, date(2025, 1, 20)]]
    )
    assert [(fault.cell, fault.wrong) for fault in made.faults] == [("C3", "过去的日子不能改")]
    made = look(RULES, cast.district, heads, [["meal-70-99", 6, DECEMBER]])
    imports.apply(OPERATOR, RULES, cast.district, made, TODAY, lambda: None)
    assert (rule().amount_fen, rule(day=DECEMBER).amount_fen) == (500, 600)


# --- pages ----------------------------------------------------------------------------------------------------------


def sheet(rows: list[list[Any]], heads: tuple[str, ...] = ("编号", "名称", "楼层")) -> io.BytesIO:
    return io.BytesIO(write(Page("楼栋", [Head(head) for head in heads], rows)))


def houses(house: House) -> dict[str, int]:
    with house.app.app_context():
        found = {row.code: row.floors for row in db.session.scalars(select(Building))}
        db.session.remove()
    return found


def test_a_sheet_is_shown_first_and_the_same_bytes_come_in_once(house: House) -> None:
    client, base = house.client("manager"), "/staff/c/shuibei/data/buildings"
    before = houses(house)
    sent = house.post(
        client,
        f"{base}/import",
        {"sheet": (sheet([["SB2-3", "水贝二街3栋", 9], ["N1", "新楼", 3]]), "a.xlsx")},
    )
    page = client.get(sent.location)
    assert "导入这 2 行" in page.text
    assert "楼层 7 → 9" in page.text
    assert houses(house) == before
    digest = page.text.partition('name="digest" value="')[2][:64]
    assert house.post(client, sent.location, {"digest": "0" * 64}).status_code == 409
    assert houses(house) == before
    assert house.post(client, sent.location, {"digest": digest}).status_code == 303
    assert houses(house) == {**before, "SB2-3": 9, "N1": 3}
    assert house.post(client, sent.location, {"digest": digest}).status_code == 404
    assert client.get(sent.location).status_code == 404


def test_a_sheet_with_wrong_cells_cannot_be_confirmed(house: House) -> None:
    client, base = house.client("manager"), "/staff/c/shuibei/data/buildings"
    sent = house.post(client, f"{base}/import", {"sheet": (sheet([["N1", "新楼", "三层"]]), "a.xlsx")})
    page = client.get(sent.location)
    assert "C2" in page.text
    assert "不是整数" in page.text
    assert 'name="digest"' not in page.text
    assert "N1" not in houses(house)


def test_a_cell_is_changed_where_it_stands(house: House) -> None:
    client = house.client("manager")
    cell = f"/staff/c/shuibei/data/buildings/{house.values['row_id']}/cell/floors"
    form = client.get(cell, headers={"HX-Request": "true"}).text
    seen = form.partition('name="seen" value="')[2][:16]
    wrong = house.post(client, cell, {"seen": seen, "floors": "many"}, headers={"HX-Request": "true"})
    assert wrong.status_code == 422
    assert "不是整数" in wrong.text
    good = house.post(client, cell, {"seen": seen, "floors": "12"}, headers={"HX-Request": "true"})
    assert (good.status_code, "12" in good.text) == (200, True)
    late = house.post(client, cell, {"seen": seen, "floors": "13"}, headers={"HX-Request": "true"})
    assert late.status_code == 422
    assert "刚才有人改过" in late.text
    assert houses(house)["SB2-3"] == 12
    plain = house.post(client, cell, {"floors": "8"})
    assert (plain.status_code, houses(house)["SB2-3"]) == (303, 8)


def test_a_form_that_cannot_be_taken_keeps_what_was_typed(house: House) -> None:
    client = house.client("manager")
    path = f"/staff/c/shuibei/data/buildings/{house.values['row_id']}/"
    answer = house.post(client, path, {"name_zh": "新的名字", "floors": "七"})
    assert answer.status_code == 422
    assert "新的名字" in answer.text
    assert "不是整数" in answer.text
    assert houses(house)["SB2-3"] == 7


def test_history_says_who_changed_what(house: House) -> None:
    client = house.client("manager")
    path = f"/staff/c/shuibei/data/buildings/{house.values['row_id']}/"
    house.post(client, path, {"name_zh": "水贝二街3栋", "floors": "9"})
    page = client.get(f"{path}history").text
    assert "许文婷" in page
    assert "<s>7</s>" in page


def test_lists_are_found_sorted_and_paged(house: House) -> None:
    client = house.client("manager")
    with house.app.app_context(), unit_of_work():
        for n in range(40):
            db.session.add(
                Building(unit_id=house.cast.shuibei, code=f"T{n:02}", name_zh=f"塔{n}", floors=n + 1)
            )
    base = "/staff/c/shuibei/data/buildings/"
    assert "第1页，共2页" in client.get(base).text
    down = client.get(f"{base}?sort=floors&down=1").text
    assert down.index("打开塔39") < down.index(
        "打开塔38"
    )  # not their codes: a random token may hold three signs
    found = client.get(f"{base}?q=塔17").text
    assert ("打开塔17" in found, "打开塔18" in found) == (True, False)
    for odd in ("?sort=id);--", "?page=99999999", "?q=%25", "?kind=x&state=never"):
        assert client.get(base + odd).status_code == 200


def test_the_sheet_of_a_list_has_no_formulas(house: House) -> None:
    with house.app.app_context(), unit_of_work():
        db.session.add(Building(unit_id=house.cast.shuibei, code="F1", name_zh="=HYPERLINK(1)", floors=3))
    answer = house.client("manager").get("/staff/c/shuibei/data/buildings/sheet")
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    kinds = {str(cell.value): cell.data_type for row in book.worksheets[0].iter_rows() for cell in row}
    assert kinds["=HYPERLINK(1)"] == "s"
    assert "f" not in kinds.values()


def test_what_the_district_keeps_a_centre_only_reads(house: House) -> None:
    with house.app.app_context():
        found = rule().id
        db.session.remove()
    client = house.client("manager")
    path = f"/staff/c/shuibei/data/subsidies/{found}/"
    page = client.get(path)
    assert "统一管" in page.text
    assert house.post(client, path, {"amount_fen": "50"}).status_code == 403
    assert house.client("kitchen").get("/staff/c/shuibei/data/subsidies/").status_code == 404


def test_the_empty_form_of_every_kind_opens_and_says_what_is_missing(house: House) -> None:
    client = house.client("supervisor")
    for master in (BUILDINGS, POLICIES, DISHES, RULES, PROMOTIONS, STATUS_KINDS):
        path = f"/staff/c/shuibei/data/{master.name}/new"
        assert client.get(path).status_code == 200
        answer = house.post(client, path, {})
        assert (answer.status_code, "还要看看" in answer.text) == (422, True), master.name
        assert client.get(f"/staff/c/shuibei/data/{master.name}/import").status_code == 200
