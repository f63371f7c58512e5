"""Hours that are cut and closures that come after people have booked: staff are told before and after."""

import io
from typing import Any

import openpyxl
import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from booking.closed import outside
from booking.models import Booking, Space, SpaceHours
from booking.opening import FRAMES
from booking.services.closed import cancel_closed, keep_closed
from canteen.days import _DAYS
from canteen.models import MealOrder, Menu
from canteen.today import outside as meals_outside
from centres.models import Centre, OneOff
from centres.services import add_one_off, remove_one_off
from core.audit import OPERATOR, Audit
from core.clock import now
from core.database import db, unit_of_work
from core.events import deliver_due
from core.outbox import Message
from core.sheets import Head, Page, write
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.hall import Hall, moment, refusal, span
from tests.support.house import House

ONE_OFFS = "/staff/c/shuibei/settings/one-offs"
CLOSED = "/staff/c/shuibei/booking/closed"
TUESDAY_SHUT = {
    "is_open": "0",
    "place": "reading",
    "from": "2026-11-24T09:00",
    "to": "2026-11-24T13:00",
    "reason_zh": "消防检修",
}


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """A house that is put back counts its settings anew: what was kept under the same number is of another test."""
    for kept in (FRAMES, _DAYS):
        kept._by_engine.clear()


@pytest.fixture
def hall(inside: Flask, cast: Cast, clock: Clock) -> Hall:
    return Hall(cast, clock)


def again(house: House, client: FlaskClient, page: TestResponse) -> TestResponse:
    """«还是这样改» on the page that asks."""
    form = BeautifulSoup(page.text, "html.parser").select_one("form:has([name=sure])")
    assert form is not None, page.text[:500]
    fields: dict[str, Any] = {}
    for one in form.select("input[name]"):
        fields.setdefault(str(one["name"]), []).append(str(one.get("value", "")))
    return client.post(str(form["action"]), data=fields)


def closures(house: House) -> int:
    with house.app.app_context():
        return db.session.scalar(select(func.count()).select_from(OneOff)) or 0


def test_a_closing_asks_once_about_those_who_have_booked(house: House) -> None:
    client, many = house.client("manager"), closures(house)
    page = house.post(client, ONE_OFFS, TUESDAY_SHUT)
    assert page.status_code == 409
    assert "1 个预约或订餐" in page.text
    assert "陈奶奶" not in page.text
    assert "陈*英" in page.text
    assert closures(house) == many, "nothing is kept of it"
    assert again(house, client, page).status_code == 303
    assert closures(house) == many + 1


def test_who_books_between_the_question_and_the_answer_is_asked_about_too(house: House) -> None:
    client, many = house.client("manager"), closures(house)
    page = house.post(client, ONE_OFFS, TUESDAY_SHUT)
    with house.app.app_context():
        Hall(house.cast, house.clock).book(house.cast.aqiang, "A1", span("10:00", "12:00"))
    more = again(house, client, page)
    assert more.status_code == 409
    assert "2 个预约或订餐" in more.text
    assert again(house, client, more).status_code == 303
    assert closures(house) == many + 1


def test_the_list_begins_with_all_of_them_ticked_or_with_none(house: House) -> None:
    client = house.client("manager")
    with house.app.app_context():
        Hall(house.cast, house.clock).book(house.cast.aqiang, "A1", span("10:00", "12:00"))
    again(house, client, house.post(client, ONE_OFFS, TUESDAY_SHUT))

    def ticked(path: str) -> list[bool]:
        page = BeautifulSoup(client.get(path).text, "html.parser")
        return [one.has_attr("checked") for one in page.select("[name=number]")]

    assert ticked(CLOSED) == [True, True]
    assert ticked(f"{CLOSED}?pick=none") == [False, False]


def test_a_closing_that_touches_nobody_asks_nothing(house: House) -> None:
    client = house.client("manager")
    shut = {**TUESDAY_SHUT, "from": "2026-11-24T13:00", "to": "2026-11-24T17:00"}
    assert house.post(client, ONE_OFFS, shut).status_code == 303


def test_a_day_off_asks_too_and_names_meals(house: House) -> None:
    client = house.client("manager")
    page = house.post(client, "/staff/c/shuibei/settings/calendar", {"day": "2026-11-24", "kind": "holiday"})
    assert page.status_code == 409
    assert "午餐" in page.text
    assert "自动退" in page.text
    assert again(house, client, page).status_code == 303
    with house.app.app_context():
        waiting = select(func.count()).where(
            MealOrder.state == "ordered", MealOrder.day == moment("2026-11-24 00:00").date()
        )
        assert len(meals_outside(house.cast.shuibei)) == db.session.scalar(waiting)


def test_after_the_cutoff_it_says_how_meals_are_given_back_at_once(house: House) -> None:
    with house.app.app_context(), unit_of_work():
        db.session.execute(update(Menu).values(closed_at=now()))
    client = house.client("manager")
    page = house.post(client, "/staff/c/shuibei/settings/calendar", {"day": "2026-11-24", "kind": "holiday"})
    assert page.status_code == 409
    assert "要马上退，请到“备餐”按“这一餐做不了”" in page.text
    assert "截止时自动退" not in page.text


def test_cut_weekly_hours_ask_once_and_are_kept_then(house: House) -> None:
    client = house.client("manager")
    with house.app.app_context():
        space = db.session.scalars(select(Space.id).where(Space.code == "hall")).one()
    url = f"/staff/c/shuibei/data/spaces/{space}/"

    def hours() -> list[tuple[str, str]]:
        rows = db.session.scalars(select(SpaceHours).where(SpaceHours.space_id == space))
        return [(f"{row.opens:%H:%M}", f"{row.closes:%H:%M}") for row in rows]

    form = BeautifulSoup(client.get(url).text, "html.parser").select_one("form.data-form")
    assert form is not None
    fields: dict[str, Any] = {}
    for one in form.select("input[name], select[name], textarea[name]"):
        if one.get("type") == "checkbox" and not one.has_attr("checked"):
            continue
        chosen = one.select_one("option[selected]") if one.name == "select" else None
        value = (
            one.get("value", "")
            if one.name == "input"
            else chosen["value"]
            if chosen
            else one.text
            if one.name == "textarea"
            else ""
        )
        fields.setdefault(str(one["name"]), []).append(str(value))
    fields["hours.opens"] = ["10:00"]
    fields["hours.closes"] = ["17:00"]
    fields["hours.days"] = ["mon-fri"]
    page = client.post(url, data=fields)
    assert page.status_code == 409, page.text[:3000]
    with house.app.app_context():
        assert ("10:00", "17:00") not in hours()
    assert again(house, client, page).status_code == 303
    with house.app.app_context():
        assert set(hours()) == {("10:00", "17:00")}
        assert [row.title for row in outside(house.cast.shuibei, now())] == ["合唱团排练"]


def test_a_sheet_that_cuts_hours_asks_once_too(house: House) -> None:
    client, url = house.client("manager"), "/staff/c/shuibei/data/spaces"
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{url}/sheet").data))
    head, *rows = [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]
    wanted = {"编号": "hall", "每周开放": "周一到周五 10:00 17:00"}
    at = {str(name): number for number, name in enumerate(head)}
    row = next(row for row in rows if row[at["编号"]] == "hall")
    cut = write(Page("spaces", [Head(name) for name in wanted], [list(wanted.values())]))

    def hours() -> set[str]:
        with house.app.app_context():
            found = db.session.scalars(select(SpaceHours).join(Space).where(Space.code == "hall"))
            return {f"{one.opens:%H:%M}" for one in found}

    before = hours()
    assert row[at["每周开放"]] != wanted["每周开放"]
    sent = house.post(client, f"{url}/import", {"sheet": (io.BytesIO(cut), "a.xlsx")})
    shown = client.get(sent.location)
    digest = shown.text.partition('name="digest" value="')[2][:64]
    page = house.post(client, sent.location, {"digest": digest})
    assert page.status_code == 409, page.text[:2000]
    assert "合唱团排练" in page.text
    assert hours() == before
    assert client.get(sent.location).status_code == 200  # the sheet waits on
    assert again(house, client, page).status_code == 303
    assert hours() == {"10:00"}
    assert client.get(sent.location).status_code == 404


def test_they_stand_on_the_today_page_and_on_a_list_until_all_are_decided(house: House) -> None:
    manager, desk = house.client("manager"), house.client("front")
    assert "在关门时间里" not in desk.get("/staff/c/shuibei/today").text
    again(house, manager, house.post(manager, ONE_OFFS, TUESDAY_SHUT))
    today = desk.get("/staff/c/shuibei/today").text
    assert "1 个预约在关门时间里，请联系" in today
    assert CLOSED in today
    page = desk.get(CLOSED)
    assert "陈*英" in page.text
    mine = house.values["number"]
    assert house.post(desk, CLOSED, {"verb": "cancel", "number": mine}).status_code == 422, (
        "a reason is asked"
    )
    assert (
        house.post(desk, CLOSED, {"verb": "cancel", "number": mine, "reason": "消防检修"}).status_code == 303
    )
    assert "在关门时间里，请联系" not in desk.get("/staff/c/shuibei/today").text
    with house.app.app_context():
        deliver_due()
        booking = db.session.scalars(select(Booking).where(Booking.number == mine)).one()
        assert (booking.state, booking.reason) == ("cancelled", "消防检修")
        told = db.session.scalars(select(Message.body).where(Message.kind == "booking.cancelled")).all()
        assert len(told) == 1
        assert "消防检修" in told[0]


def shut(hall: Hall, start: str, end: str) -> OneOff:
    centre = db.session.get_one(Centre, hall.cast.shuibei)
    return add_one_off(
        OPERATOR, centre, "reading", moment(f"2026-11-24 {start}"), moment(f"2026-11-24 {end}"), False, "检修"
    )


def test_what_staff_keep_is_kept_until_the_hours_change_again(hall: Hall) -> None:
    centre = hall.cast.shuibei
    booking = hall.book(hall.cast.chen, when=span("09:00", "12:00"))
    assert outside(centre, now()) == []
    first = shut(hall, "10:00", "11:00")
    assert [row.id for row in outside(centre, now())] == [booking.id]
    assert keep_closed(hall.desk(), centre, [booking.number]) == 1
    assert outside(centre, now()) == []
    assert keep_closed(hall.desk(), centre, [booking.number]) == 0, "twice changes nothing"
    shut(hall, "09:00", "10:00")
    assert [row.id for row in outside(centre, now())] == [booking.id], "it was kept for other hours"
    remove_one_off(OPERATOR, db.session.get_one(Centre, centre), first.id)
    assert [row.id for row in outside(centre, now())] == [booking.id]
    assert db.session.scalar(select(func.count()).where(Audit.verb == "booking.kept_closed")) == 1


def test_what_is_open_again_is_on_no_list_and_cannot_be_cancelled_from_it(hall: Hall) -> None:
    centre = hall.cast.shuibei
    booking = hall.book(hall.cast.chen, when=span("09:00", "12:00"))
    gone = shut(hall, "10:00", "11:00")
    remove_one_off(OPERATOR, db.session.get_one(Centre, centre), gone.id)
    assert outside(centre, now()) == []
    assert cancel_closed(hall.desk(), centre, [booking.number], "检修") == 0
    assert hall.state(booking) == "booked"


def test_only_those_of_the_centre_are_touched(hall: Hall) -> None:
    booking = hall.book(hall.cast.chen, when=span("09:00", "12:00"))
    shut(hall, "10:00", "11:00")
    assert outside(hall.cast.sungang, now()) == []
    assert refusal(lambda: cancel_closed(hall.desk(), hall.cast.sungang, [booking.number], "检修")) == "done"
    assert hall.state(booking) == "booked"
