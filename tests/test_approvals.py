"""What needs two people: decided from anywhere in the district, by another than who asked."""

from flask import Flask
from sqlalchemy import select

from canteen.services import ledger
from core import approvals
from core.approvals import Approval
from core.audit import OPERATOR
from core.database import db, unit_of_work
from people.models import Staff
from tests.support.house import House


def asked(house: House, centre: int, who: str, reason: str = "多收了一份") -> int:
    """A reversal of a top-up, asked for at a centre."""
    with house.app.app_context():
        with unit_of_work():
            till = ledger.centre_account(centre, "cash")
            mine = ledger.resident_account(house.cast.wairen, centre)
            moved = ledger.move(till, mine, 12_000, "top_up", OPERATOR, at=house.clock())
        staff = db.session.scalars(select(Staff.id).where(Staff.email == who)).one()
        row = approvals.ask("ledger.reversal", moved, centre, staff, reason, {"transfer": moved})
        db.session.remove()
        return row.id


def state(house: House, approval: int) -> str:
    with house.app.app_context():
        found = db.session.scalars(select(Approval.state).where(Approval.id == approval)).one()
        db.session.remove()
    return found


def balance(house: House) -> int | None:
    with house.app.app_context():
        found = ledger.balance(house.cast.wairen)
        db.session.remove()
    return found


def test_another_centre_of_the_district_says_yes_and_it_is_done(house: House) -> None:
    one = asked(house, house.cast.shuibei, house.cast.wu)
    luo = house.client("luo")
    page = luo.get("/staff/approvals").text
    assert "多收了一份" in page
    assert "¥120.00" in page
    assert house.post(luo, f"/staff/approvals/{one}/yes").status_code == 303
    assert (state(house, one), balance(house)) == ("approved", 0)
    assert "同意了" in house.client("front").get("/staff/approvals").text


def test_nobody_decides_their_own(house: House) -> None:
    one = asked(house, house.cast.shuibei, house.cast.wu)
    wu = house.client("front")
    page = wu.get("/staff/approvals").text
    assert f"/staff/approvals/{one}/withdraw" in page
    assert f"/staff/approvals/{one}/yes" not in page
    assert house.post(wu, f"/staff/approvals/{one}/yes").status_code == 403
    assert (state(house, one), balance(house)) == ("open", 12_000)
    assert house.post(wu, f"/staff/approvals/{one}/withdraw").status_code == 303
    assert state(house, one) == "withdrawn"


def test_a_no_says_why_and_who_asked_reads_it(house: House) -> None:
    one = asked(house, house.cast.shuibei, house.cast.wu)
    manager = house.client("manager")
    assert house.post(manager, f"/staff/approvals/{one}/no", {"answer": " "}).status_code == 422
    assert house.post(manager, f"/staff/approvals/{one}/no", {"answer": "小票上没有这笔"}).status_code == 303
    assert (state(house, one), balance(house)) == ("refused", 12_000)
    assert "小票上没有这笔" in house.client("front").get("/staff/approvals").text
    assert house.post(manager, f"/staff/approvals/{one}/yes").status_code == 409


def test_a_post_that_the_kind_does_not_name_neither_sees_nor_decides(house: House) -> None:
    one = asked(house, house.cast.shuibei, house.cast.wu)
    kitchen = house.client("kitchen")
    assert "多收了一份" not in kitchen.get("/staff/approvals").text
    for verb in ("yes", "no", "withdraw"):
        assert house.post(kitchen, f"/staff/approvals/{one}/{verb}", {"answer": "x"}).status_code == 404
    assert state(house, one) == "open"


def test_what_waits_is_counted_in_the_head(house: House) -> None:
    before = house.client("manager").get("/staff/c/shuibei/today").text
    asked(house, house.cast.shuibei, house.cast.wu)
    after = house.client("manager").get("/staff/c/shuibei/today").text
    assert ("待批 1" in before, "待批 2" in after) == (True, True)
    assert "待批" not in house.client("kitchen").get("/staff/c/shuibei/today").text


def test_the_same_is_not_decided_twice(house: House) -> None:
    one = asked(house, house.cast.shuibei, house.cast.wu)
    for role, status in (("manager", 303), ("luo", 409)):
        assert house.post(house.client(role), f"/staff/approvals/{one}/yes").status_code == status
    assert balance(house) == 0


def test_nothing_waits_in_an_empty_house(inside: Flask) -> None:
    assert approvals.open_approvals(frozenset({1, 2})) == []
