"""Every field of every form and every part of every address, with everything that should not be in it.

No answer is a fault; what is refused is refused in a page and leaves every row as it was.
"""

import os
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from werkzeug.routing import Rule

from tests.policy.test_routes import FORMS, VERBS, routes
from tests.support.house import House
from tests.support.refusals import TRIES, sentence

NASTY = (
    "", " ", "\x00", "a\x00b", "\x1b[31m", "\u202eabc", "x" * 5000, "🙂" * 300, "１２", "²", "-1", "0", "1.5", "1e9",
    "99999999999999999999", "9" * 5000, "NaN", "null", "2026-13-01", "0000-00-00", "0001-01-01", "9999-12-31",
    "2026-11-24T25:00", "0001-01-01T00:00", "9999-12-31T23:59", "24:00", "99999999999:0", "-1:-1",
    "' OR 1=1 --", "'; DROP TABLE resident; --", "<script>alert(1)</script>", "{{7*7}}", "%s%n%(x)s",
    "../../etc/passwd", "%00", "\r\nSet-Cookie: x=1", "\ud7ff\uffff", "//evil.cn",
)  # fmt: skip
STEP = 24
"""Each field meets every 24th of them, the next field the next ones, and on the other engine twelve further on; with
HALL_TEST_ALL every field meets all."""
QUERY = [
    "page",
    "table",
    "resident",
    "seat",
    "from",
    "to",
    "begin",
    "q",
    "next",
    "back",
    "code",
    "done",
    "lang",
]
CHANGE = {"name": "陈秀英", "phone": "13800001187", "email": "a@b.cn"}
MORE_FORMS = [
    ("booking_desk.act", "cancel", {"reason": "停电"}),
    ("staff.act_on_person", "change", CHANGE),
    ("staff.act_on_person", "link", {"number": "SZ0099999999"}),
    ("staff.act_on_person", "agree", {"kind": "messages"}),
    ("staff.act_on_person", "withdraw", {"kind": "profile"}),
    ("staff.act_on_person", "nonsense", {"x": ""}),
    ("staff.pair", "", {"name": "3号一体机"}),
    ("staff.language", "", {"lang": "en", "next": "/staff/"}),
    ("security.login", "", {"email": "a@b.cn", "next": "/staff/"}),
    ("kiosk.change_prefs", "", {"lang": "en", "text": "elder", "next": "/"}),
    ("kiosk.call", "", {"page": "/kiosk/"}),
    ("kiosk.agree", "", {"settings": "1", "next": "/"}),
    ("kiosk.take_back", "", {"kind": "messages"}),
]
"""Endpoint, `verb` in its address, and what a good form would say; beside those of the routes' table."""
SIDES = [("manager", True), ("card", False)]
SIGNS_OUT = {"security.two_factor_token_validation"}


def nasty(turn: int, house: House) -> tuple[str, ...]:
    first = (turn + (0 if house.is_sqlite else STEP // 2)) % STEP
    return NASTY if os.environ.get("HALL_TEST_ALL") else NASTY[first::STEP]


def forms(house: House, staff: bool) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Endpoint, address and good fields of every form of one side of the house."""
    rules: dict[str, Rule] = {
        rule.endpoint: rule
        for method, rule in routes(house.app)
        if method == "POST" and rule.rule.startswith("/staff") == staff
    }
    known = [(endpoint, VERBS.get(endpoint, ""), fields) for endpoint, fields in FORMS.items()]
    for endpoint, verb, fields in [*known, *MORE_FORMS]:
        if endpoint in rules:
            yield endpoint, house.address(rules[endpoint].rule, "slip", verb=verb), fields


@pytest.mark.parametrize(("role", "staff"), SIDES)
def test_no_field_of_a_form_makes_a_fault(house: House, role: str, staff: bool) -> None:
    client, found, number, turn = house.client(role), [], 0, 0
    token = house.token(client, "/staff" if staff else "/")
    for endpoint, path, good in forms(house, staff):
        for name in good:
            turn += 1
            before, all_refused = house.digest(TRIES), True
            for value in nasty(turn, house):
                number += 1
                said = {**good, name: value, "csrf_token": token, "request_key": f"key-{number:08d}"}
                answer = client.post(path, data=said)
                all_refused &= answer.status_code >= 400
                if answer.status_code >= 500:
                    found.append(f"{endpoint} {name}={value[:20]!r}: {answer.status_code}")
                elif answer.status_code >= 400:
                    sentence(answer)
            if all_refused and house.digest(TRIES) != before:
                found.append(f"{endpoint} {name}: half-written")
    assert number > 40
    assert found == []


@pytest.mark.parametrize(("role", "staff"), SIDES)
def test_no_part_of_an_address_makes_a_fault(house: House, role: str, staff: bool) -> None:
    client, found = house.client(role), []
    for turn, (method, rule) in enumerate(routes(house.app)):
        if method != "GET" or rule.rule.startswith("/staff") != staff or rule.endpoint in SIGNS_OUT:
            continue
        for value in nasty(turn, house):
            part = quote(value[:200], safe="") or "-"
            asked = [client.get(house.address(rule.rule, "slip"), query_string=dict.fromkeys(QUERY, value))]
            for name in rule.arguments:
                there = {name: part, **({"code-slip": part} if name == "code" else {})}
                asked.append(client.get(house.address(rule.rule, "slip", **there)))
            for answer in asked:
                if answer.status_code >= 500:
                    found.append(f"{rule.rule} {value[:20]!r}: {answer.status_code}")
                elif answer.status_code >= 400 and answer.mimetype == "text/html":
                    sentence(answer)
                answer.close()
    assert found == []
