"""A person's own copy: everything that is kept about them, in their language, and nobody else's name."""

import io
from datetime import date
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from canteen.models import MealOrder
from canteen.services import ledger
from canteen.services.standing import skip
from core.audit import Actor, Audit
from core.database import Base, db, unit_of_work
from people.models import Resident, Staff
from tests.support.house import House

COPIED = {
    "resident", "card", "consent", "resident_status", "family_link", "message", "call_task", "visit",
    "confirmed_phone", "booking", "violation", "meal_order", "account", "standing_order", "standing_skip",
    "diet_profile", "redemption",
}  # fmt: skip
"""Tables that are a sheet of the copy, or stand in one."""
LEFT_OUT = {
    "commitment": "the time line: each of its stretches is a booking",
    "subsidy_claim": "what it grants stands with the order",
    "family_invitation": "a secret of some hours; what came of it is a family link",
    "delivery_run": "names carriers, and what is carried is an order",
}


def read(data: bytes) -> dict[str, list[tuple[Any, ...]]]:
    """Sheet → its rows, the head first."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}


def everything(sheets: dict[str, list[tuple[Any, ...]]]) -> str:
    return "\n".join(str(cell) for rows in sheets.values() for row in rows for cell in row)


def record(data: bytes) -> dict[str, Any]:
    return {str(row[0]): row[1] for row in read(data)["资料"]}


def taken(house: House) -> int:
    with house.app.app_context():
        return len(db.session.scalars(select(Audit.id).where(Audit.verb == "resident.copied")).all())


@pytest.mark.databases("sqlite")
def test_every_table_about_residents_is_in_it_or_has_its_reason(house: House) -> None:
    about = {
        table.name
        for table in Base.metadata.sorted_tables
        if "resident_id" in table.columns
        or any(key.column.table.name == "resident" for key in table.foreign_keys)
    }
    assert about == COPIED | LEFT_OUT.keys()


def test_the_days_left_out_say_who_said_so_on_both_sides(house: House) -> None:
    cast, standing = house.cast, int(house.values["standing_id"])
    with house.app.app_context():
        skip(Actor("resident", cast.aqiang), standing, date(2026, 11, 24), proxy_id=cast.aqiang)
        skip(Actor("resident", cast.chen), standing, date(2026, 11, 25))
    client = house.client("front")
    hers, his = (
        read(client.get(f"/staff/c/shuibei/people/{who}/copy").data)["不吃的日子"][1:]
        for who in (cast.chen, cast.aqiang)
    )
    assert [row[1:3] for row in hers] == [("晚餐", "本人，或工作人员代说"), ("晚餐", "陈*强")]
    assert [row[1:3] for row in his] == [("晚餐", "您帮陈*英说的")]


def test_the_desk_hands_out_everything_about_one_person(house: House) -> None:
    client, person = house.client("front"), house.cast.chen
    page = client.get(f"/staff/c/shuibei/people/{person}").text
    assert f"/staff/c/shuibei/people/{person}/copy" in page
    answer = client.get(f"/staff/c/shuibei/people/{person}/copy")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    sheets = read(answer.data)
    mine = record(answer.data)
    assert mine["姓名"] == "陈秀英"
    assert str(mine["出生日期"]).startswith("1948-06-12")
    assert mine["手机"] == "+8613800001187"
    for name in ("卡", "同意了什么", "预约", "订餐", "饭卡", "家人", "用过的屏幕", "谁看过您的资料"):
        assert len(sheets[name]) > 1, name
    assert sheets["谁看过您的资料"][1][1] == "吴敏"
    said = everything(sheets)
    with house.app.app_context():
        others = db.session.scalars(select(Resident.name).where(Resident.id != person)).all()
        codes = db.session.scalars(select(MealOrder.code)).all()
    assert [name for name in others if name in said] == []
    assert [code for code in codes if code in said] == []
    assert taken(house) == 1


def test_a_phone_gives_it_with_the_pin_only(house: House) -> None:
    own = house.client("pin").get("/c/shuibei/my/copy")
    assert record(own.data)["姓名"] == "陈秀英"
    assert "/c/shuibei/my/copy" in "".join(
        house.client("pin").get(f"/c/shuibei/my/consents?page={n}").text for n in (1, 2)
    )
    assert taken(house) == 1
    for role in ("none", "card", "slip"):
        answer = house.client(role).get("/c/shuibei/my/copy")
        assert (answer.status_code, "identify" in answer.location) == (303, True), role
    assert taken(house) == 1
    assert record(house.client("other").get("/c/shuibei/my/copy").data)["姓名"] != "陈秀英"


def test_it_is_in_the_person_s_language(house: House) -> None:
    with house.app.app_context(), unit_of_work():
        db.session.get_one(Resident, house.cast.chen).language = "en"
    sheets = read(house.client("front").get(f"/staff/c/shuibei/people/{house.cast.chen}/copy").data)
    assert "Bookings" in sheets
    assert all(title.isascii() for title in sheets)


def test_money_stands_in_it_to_the_fen(house: House) -> None:
    with house.app.app_context(), unit_of_work():
        clerk = db.session.scalars(select(Staff.id).where(Staff.name == "吴敏")).one()
        ledger.top_up(clerk, house.cast.shuibei, house.cast.chen, 1234)
    rows = read(house.client("pin").get("/c/shuibei/my/copy").data)["饭卡"]
    assert rows[1][1:] == ("充值", 12.34)
    with house.app.app_context():
        balance = db.session.execute(
            db.text("SELECT balance_fen FROM account WHERE resident_id = :who"), {"who": house.cast.chen}
        ).scalar_one()
    assert round(sum(float(str(row[2])) for row in rows[1:]) * 100) == balance


def test_another_centre_s_desk_gets_none(house: House) -> None:
    assert house.client("luo").get(f"/staff/c/shuibei/people/{house.cast.chen}/copy").status_code == 404
    assert house.client("kitchen").get(f"/staff/c/shuibei/people/{house.cast.chen}/copy").status_code == 404
    assert taken(house) == 0


def test_a_day_stands_as_a_day(house: House) -> None:
    rows = read(house.client("pin").get("/c/shuibei/my/copy").data)["订餐"]
    day = rows[1][1]
    assert hasattr(day, "year")
    assert date(day.year, day.month, day.day) >= date(2026, 11, 1)
