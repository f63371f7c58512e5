"""What a rule of subsidies says of a person (its name, its tier, its code) is read by staff and by nobody else."""

import io
from datetime import timedelta

import openpyxl
import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from canteen.models import MealOrder, Menu, Promotion, SubsidyRule
from canteen.services.close import fail_menu
from canteen.services.give_back import cancel
from core.audit import OPERATOR, Actor
from core.database import db, unit_of_work
from core.events import deliver_due
from core.outbox import Message
from kiosk.models import Device, PaperSlip
from kiosk.services.printing import set_printer
from people.models import CallTask, Staff
from tests.policy.test_routes import routes
from tests.support.house import ROLES, TUESDAY, House
from tests.support.meals import double_ninth

RESIDENTS = ROLES[: ROLES.index("front")]
SECRET, PLAIN = "QZSECRET", "QZPLAIN"
"""Stands in all that rules say; stands in the name of a promotion, which slips print."""
MENU = f"/c/shuibei/canteen/menu/{TUESDAY}/lunch/"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def marked(house: House) -> House:
    """Every rule says the secret, and two yuan are off under a name that everybody may read."""
    with house.app.app_context():
        double_ninth(house.cast, TUESDAY, TUESDAY + timedelta(days=1))
        with unit_of_work():
            db.session.scalars(select(Promotion)).one().name_zh = PLAIN
            for rule in db.session.scalars(select(SubsidyRule)):
                rule.name_zh, rule.name_en = f"低保{SECRET}", f"On low income {SECRET}"
                rule.tier, rule.code = f"T-{SECRET}", f"{SECRET}-{rule.id}"
        kiosk = db.session.scalars(select(Device).order_by(Device.id).limit(1)).one()
        set_printer(OPERATOR, kiosk, "10.0.0.7", 80)
        db.session.remove()
    return house


def said(answer: TestResponse) -> str:
    """What stands on a page, or in a workbook's cells."""
    data = answer.get_data()
    if answer.mimetype != XLSX:
        return data.decode(errors="replace")
    book = openpyxl.load_workbook(io.BytesIO(data))
    return str([row for sheet in book for row in sheet.iter_rows(values_only=True)])


def pages(house: House, role: str) -> dict[str, str]:
    """Every page outside the console, the hall's screen too, as somebody of this role reads it."""
    client, found = house.client(role), {}
    for method, rule in routes(house.app):
        if method == "GET" and not rule.rule.startswith("/staff"):
            answer = client.get(house.address(rule.rule, role))
            found[f"{role} {rule.rule}"] = said(answer)
            answer.close()
    return found


def ordered(house: House) -> dict[str, str]:
    """陈奶奶 orders at the kiosk: the question before, the receipt, the slip on paper."""
    client = house.client("card")
    found = {"check": said(client.get(f"{MENU}check?offer=L2"))}
    made = house.post(client, f"{MENU}order", {"offer": "L2"})
    found["receipt"] = said(client.get(made.location))
    with house.app.app_context():
        code = db.session.scalars(select(MealOrder.code).order_by(MealOrder.id.desc()).limit(1)).one()
        db.session.remove()
    house.post(client, f"/q/{code}/paper", {"nth": "0"})
    return found


def sent(house: House) -> dict[str, str]:
    """Papers, messages and what is rung up about: staff cancel what she ordered, and at last the kitchen fails."""
    with house.app.app_context():
        last = db.session.scalars(select(MealOrder.id).order_by(MealOrder.id.desc()).limit(1)).one()
        cook = db.session.scalars(select(Staff.id).where(Staff.email == house.cast.kitchen)).one()
        cancel(Actor("staff", cook), last, "老人住院了")
        fail_menu(cook, db.session.scalars(select(Menu.id).where(Menu.day == TUESDAY)).one(), "停气了")
        deliver_due()
        found = {
            "papers": str([row.body for row in db.session.scalars(select(PaperSlip))]),
            "messages": str([(row.subject, row.body) for row in db.session.scalars(select(Message))]),
            "calls": str([row.words for row in db.session.scalars(select(CallTask))]),
        }
        db.session.remove()
    return found


def test_nobody_but_staff_reads_what_a_rule_is_called(marked: House) -> None:
    heard = ordered(marked)
    for role in RESIDENTS:
        heard |= pages(marked, role)
    heard |= sent(marked)
    assert "约好了" in heard["messages"]
    assert all(words in heard["calls"] for words in ("肉末蒸蛋", "停气了")), "what no message could carry"
    with_name = {place for place, words in heard.items() if PLAIN in words}
    assert with_name >= {"check", "receipt", "papers"}, "what a slip does print is found"
    assert {place for place, words in heard.items() if SECRET in words} == set()
    books = marked.client("accountant").get(
        marked.address("/staff/c/<centre>/canteen/settlement/<month>/rows")
    )
    assert f"低保{SECRET}" in said(books)
