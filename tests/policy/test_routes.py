"""Who may ask for what: every route with every role, against the table in routes.txt. A new route needs a row.

Who holds the slip is the only one with its code; everybody else asks with one that was never made.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.support.house import ROLES, House

TABLE = Path(__file__).with_name("routes.txt")
VERBS = {
    "booking.act": "cancel",
    "kiosk.act_on_code": "cancel",
    "booking_desk.act": "check-in",
    "canteen.act": "cancel",
    "canteen.act_on_relative": "end",
    "canteen.leave_out": "skip",
    "canteen.leave_out_for_elder": "skip",
    "canteen_desk.act_on_order": "pay",
    "canteen_desk.act_on_run": "code",
    "canteen_desk.act_on_stop": "off",
    "canteen_desk.act_on_standing": "skip",
    "staff.act_on_call": "answer",
    "staff.act_on_ringing": "reached",
    "staff.act_on_device": "wipe",
    "staff.act_on_person": "lost",
    "staff.act_on_message": "again",
    "staff.act_on_program": "revoke",
    "staff.data_act": "retire",
    "staff.register_finding": "status",
    "staff.decide": "no",
}
FORMS = {
    "canteen.order": {"offer": "L2"},
    "canteen.ask_elder": {"phone": "13800002026"},
    "canteen.start_standing": {"meal": "lunch", "days": "1,2"},
    "canteen.invite_relative": {"see": "1"},
    "canteen.join": {"number": "K7M2 4QXD"},
    "canteen.keep_note": {"note": "少放油"},
    "canteen.keep_diet": {"allergens": "fish", "labels": "", "texture": "soft"},
    "booking.take_hold": {"seat": "A2", "from": "2026-11-24T13:00", "to": "2026-11-24T17:00"},
    "booking.check_in_by_tail": {"tail": "1187", "pin": "2580"},
    "kiosk.take_phone_number": {"phone": "13800001187"},
    "kiosk.take_birthday": {"birthday": "0612"},
    "kiosk.take_pin": {"pin": "2580"},
    "kiosk.take_new_pin": {"pin": "9753"},
    "kiosk.take_back": {"phones": "1"},
    "kiosk.pair": {"code": "23456789"},
    "kiosk.scan": {"payload": "SZ0012345678"},
    "staff.set_message_words": {"subject": "Saved", "body": "{sum} is on your card."},
    "staff.add_message_group": {"name": "群", "url": "dingtalk://token-of-nobody", "kind": "menu.failed"},
    "staff.add_program": {"name": "程序", "scope": "menus:read", "most": "60"},
    "staff.correct": {"note": "补收了"},
    "staff.ask_to_merge": {"with": "2", "stays": "1", "reason": "同一位"},
    "staff.leave_for_good": {"why": "moved_away", "sure": "1"},
    "staff.take_in": {"name": "新来的", "born": "1950-01-02"},
    "staff.desk_pin": {"pin": "9753", "again": "9753"},
    "staff.register_finding": {"kind": "dibao", "starts": "2026-11-01"},
    "staff.set_device_printer": {"printer": "10.0.0.7", "paper_mm": "80"},
    "staff.say_on_device": {"ready": "desk"},
    "kiosk.print_code": {"nth": "0"},
    "staff.set_policy": {"name": "booking.hold_seconds", "value": "90", "from": "2026-12-01"},
    "staff.add_one_off": {"from": "2026-12-02T09:00", "to": "2026-12-02T12:00", "reason_zh": "检修"},
    "staff.set_day": {"day": "2026-12-25", "kind": "plain"},
    "staff.publish_year": {"year": "2027"},
    "staff.data_add": {"code": "ZY-9", "name_zh": "竹影苑9栋", "floors": "18"},
    "staff.data_save": {"name_zh": "水贝二街3栋", "floors": "8"},
    "staff.data_set_cell": {"floors": "9"},
    "staff.decide": {"answer": "数目不对"},
    "canteen_desk.copy_one": {"from": "2026-11-24", "to": "2026-11-25", "meal": "lunch"},
    "canteen_desk.save_offer": {"main": "1", "quota": "20"},
    "canteen_desk.set_quota": {"quota": "50"},
    "canteen_desk.set_walk_in": {"walk_in": "12"},
    "canteen_desk.take_sample": {"grams": "125"},
    "canteen_desk.seen": {"change": "1"},
    "canteen_desk.swap_now": {"out": "1", "in": "2", "reason_zh": "没到货"},
    "canteen_desk.fail_now": {"sure": "1", "reason": "停气了"},
    "canteen_desk.name_window": {"own": "1号窗"},
    "canteen_desk.scan": {"payload": "1", "key": "house-scan-2", "how": "number"},
    "canteen_desk.answer_at_window": {"payload": "1", "key": "house-scan-3", "answer": "keep"},
    "canteen_desk.undo_at_window": {"redemption": "1", "reason": "发错了人"},
    "canteen_desk.settle": {"words": "看过了", "decision": "served"},
    "canteen_desk.settle_odd": {"words": "看过了", "decision": "served"},
    "canteen_desk.name_operator": {"operator": "水贝食堂公司（虚构）"},
    "canteen_desk.top_up": {"amount": "10", "way": "cash"},
    "canteen_desk.refund": {"amount": "5", "reason": "不用了"},
    "canteen_desk.reverse": {"reason": "记错了"},
    "canteen_desk.reverse_own": {"reason": "记错了"},
    "canteen_desk.pay_settlement": {"sum": "5", "on": "2026-11-23"},
    "canteen_desk.take_back_payment": {"reason": "记错了"},
    "canteen_desk.refuse_lines": {"line": "1", "reason": "不在名单上"},
    "canteen_desk.count_now": {"n100": "3", "reason": "数过两遍"},
    "canteen_desk.place_order": {"menu": "2026-11-24/lunch", "offer": "1"},
    "canteen_desk.keep_diet": {"allergen": "fish", "texture": "soft", "avoid": "不吃辣"},
    "canteen_desk.start_standing": {"meal": "lunch", "day": "1"},
    "canteen_desk.act_on_standing": {"day": "2026-11-24"},
    "canteen_desk.plan": {"menu": "2026-11-23/lunch", "order": "1", "name": "二号线", "carrier": "林师傅"},
    "booking_desk.book_for": {"from": "09:00", "to": "11:00", "seat": "B1", "title": "读书会"},
}
Row = tuple[str, str]
"""Method and route."""


def read_table(text: str) -> dict[Row, dict[str, str]]:
    """Method and route → role → answer."""
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return {(row[0], row[1]): dict(zip(ROLES, row[2:], strict=True)) for row in rows}


def routes(app: Flask) -> Iterator[tuple[str, Rule]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, rule


def rows_missing(app: Flask, table: dict[Row, dict[str, str]]) -> set[Row]:
    """Routes without a row, and rows without a route."""
    return {(method, rule.rule) for method, rule in routes(app)} ^ set(table)


def in_a_word(answer: TestResponse) -> str:
    """The status, or where it leads."""
    ways = {"/staff/sign-in": "sign-in", "/kiosk/pair": "pair"}
    way = next(
        (word for path, word in ways.items() if answer.location and answer.location.startswith(path)), ""
    )
    return way or ("identify" if "/identify/" in (answer.location or "") else str(answer.status_code))


def ask(house: House, role: str, method: str, rule: Rule) -> str:
    """What somebody of this role hears."""
    verb = VERBS.get(rule.endpoint)
    path = house.address(rule.rule, role, **({"verb": verb} if verb else {}))
    if method == "GET":
        answer = house.client(role).get(path)
        answer.close()
        return in_a_word(answer)
    client, token = house.at_a_form(role, path)
    return in_a_word(house.post(client, path, FORMS.get(rule.endpoint), token=token))


@pytest.mark.databases("sqlite")
def test_a_route_without_a_row_is_noticed(house: House) -> None:
    table = read_table(TABLE.read_text())
    gone = table.pop(("GET", "/c/<code>/my/"))
    assert rows_missing(house.app, {**table, ("GET", "/old"): gone}) == {
        ("GET", "/c/<code>/my/"),
        ("GET", "/old"),
    }


@pytest.mark.databases("sqlite")
def test_every_route_has_a_row(house: House) -> None:
    assert rows_missing(house.app, read_table(TABLE.read_text())) == set()


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("role", ROLES)
def test_everybody_gets_what_the_table_says(house: House, role: str) -> None:
    table = read_table(TABLE.read_text())
    heard = {}
    for method, rule in routes(house.app):
        house.restore()
        heard[method, rule.rule] = ask(house, role, method, rule)
    assert heard == {row: answers[role] for row, answers in table.items()}
