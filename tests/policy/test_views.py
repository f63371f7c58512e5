"""Every view says what it is: for whom it is at the console, and whether its POST may be repeated."""

import re
from collections.abc import Collection, Iterator
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from core.http import once, repeatable
from core.i18n import HTML_LANG
from people.access import open_to_all, require
from people.rules import DESK, EVERYONE, MANAGERS, ROLES
from tests.policy.test_rooms import ROOT
from tests.policy.test_routes import FORMS, VERBS, routes
from tests.support.house import House

OPEN_TO_ALL = {
    "security.account",
    "security.alive",
    "security.change_password",
    "security.login",
    "security.logout",
    "security.mf_recovery",
    "security.mf_recovery_codes",
    "security.two_factor_rescue",
    "security.two_factor_setup",
    "security.two_factor_setup_validate",
    "security.two_factor_token_validation",
    "security.verify",
    "staff.language",
}
"""The sign-in and one's own account, and the language: each looks for itself whether somebody is signed in."""
ALSO_LOCKED = {"staff.today", "staff.today_live"}
"""What a locked console still shows: calls for help."""
REPEATABLE = (OPEN_TO_ALL - {"security.account", "security.alive", "security.two_factor_rescue"}) | {
    "booking.check_in_by_tail",
    "canteen.join",
    "canteen_desk.answer_at_window",
    "canteen_desk.batch",
    "canteen_desk.close_now",
    "canteen_desk.fail_now",
    "canteen_desk.scan",
    "canteen_desk.menus_confirm",
    "canteen_desk.menus_upload",
    "kiosk.alive",
    "kiosk.change_prefs",
    "kiosk.heartbeat",
    "kiosk.notice_seen",
    "kiosk.pair",
    "kiosk.say",
    "kiosk.scan",
    "kiosk.take_birthday",
    "kiosk.take_new_pin",
    "kiosk.take_phone_number",
    "kiosk.take_pin",
    "kiosk.use_card",
    "kiosk.wipe",
    "staff.data_photo",
    "staff.data_upload",
    "staff.desk_pin",
    "staff.register_confirm",
    "staff.register_upload",
}
"""POSTs without a request key: sent twice they do what they did once, or they hash, which no transaction waits for."""


def mark(app: Flask, endpoint: str, name: str) -> Any:
    """What a decorator wrote on a view; None where none did."""
    return getattr(app.view_functions[endpoint], name, None)


def without_grant(app: Flask) -> list[str]:
    """Views on the console's path that do not say whom they are for, or say it of no role."""
    return [
        rule.endpoint
        for _method, rule in routes(app)
        if rule.rule.startswith("/staff")
        and rule.endpoint not in OPEN_TO_ALL
        and not _are_roles(mark(app, rule.endpoint, "hall_grant"))
    ]


def _are_roles(granted: frozenset[str] | None) -> bool:
    return bool(granted) and set(granted or ()) <= set(ROLES)


def without_mark(app: Flask) -> list[str]:
    """POSTs that do not say whether they may be repeated."""
    posts = {rule.endpoint for method, rule in routes(app) if method != "GET"}
    return sorted(post for post in posts if not mark(app, post, "hall_post"))


def hides(source: str, known: Collection[str]) -> set[str]:
    """Names of `known` that a template's imports put a macro over: for its shell, and what that includes, too."""
    found = (words.split(",") for words in re.findall(r"from\s+\S+\s+import\s+([^%]*?)-?%}", source))
    return {name.split()[-1] for names in found for name in names} & set(known)


def nothing() -> str:
    return ""


def plain() -> str:
    return ""


@pytest.fixture
def bare() -> Flask:
    return Flask("bare")


def test_a_view_without_a_grant_is_noticed(bare: Flask) -> None:
    bare.add_url_rule("/staff/open", "open", open_to_all(nothing))
    bare.add_url_rule("/staff/plain", "plain", plain)
    bare.add_url_rule("/staff/desk", "desk", require(DESK)(nothing))
    bare.add_url_rule("/staff/typo", "typo", require({"front_dsek"})(nothing))
    assert without_grant(bare) == ["open", "plain", "typo"]


def test_a_post_without_a_mark_is_noticed(bare: Flask) -> None:
    bare.add_url_rule("/a", "a", once(nothing), methods=["POST"])
    bare.add_url_rule("/b", "b", repeatable(nothing), methods=["POST"])
    bare.add_url_rule("/c", "c", plain, methods=["PUT"])
    assert without_mark(bare) == ["c"]


def test_an_import_that_hides_what_the_shell_shows_is_noticed() -> None:
    source = '{%- from "parts/say.html" import notice, tag as visit -%}{% from "x.html" import steps %}'
    assert hides(source, {"notice", "tag", "visit", "prefs"}) == {"notice", "visit"}


@pytest.mark.databases("sqlite")
def test_no_template_hides_what_the_shell_shows(house: House) -> None:
    known: set[str] = set()
    for path in ("/kiosk/", "/staff/"):
        with house.app.test_request_context(path):
            shown: dict[str, object] = {}
            house.app.update_template_context(shown)
        known |= set(shown)
    assert {"on_screen", "staff_nav"} <= known
    files = sorted((ROOT / "templates").rglob("*.html"))
    assert {file.name: hidden for file in files if (hidden := hides(file.read_text(), known))} == {}


@pytest.mark.databases("sqlite")
def test_every_page_of_the_console_says_whom_it_is_for(house: House) -> None:
    assert without_grant(house.app) == []
    views = house.app.view_functions
    assert {
        name for name, view in views.items() if getattr(view, "hall_grant", None) == frozenset()
    } == OPEN_TO_ALL
    assert {name for name, view in views.items() if getattr(view, "hall_also_locked", False)} == ALSO_LOCKED


@pytest.mark.databases("sqlite")
def test_settings_are_for_managers_and_residents_for_the_desk(house: House) -> None:
    grants = {
        rule.rule: mark(house.app, rule.endpoint, "hall_grant")
        for _method, rule in routes(house.app)
        if rule.rule.startswith("/staff/c/")
    }
    for_managers = {path for path, roles in grants.items() if roles == MANAGERS}
    theirs = ("/settings", "/register", "/printer")
    assert {path for path in grants if any(part in path for part in theirs)} == for_managers
    for_everyone = {path for path, roles in grants.items() if roles == EVERYONE}
    assert {
        path for path in for_everyone if "/data/" not in path
    } == {  # each list names its own: test_master.py
        "/staff/c/<centre>/today",
        "/staff/c/<centre>/today/live",
        "/staff/c/<centre>/calls/<int:call_id>/<verb>",
    }


@pytest.mark.databases("sqlite")
def test_every_post_says_whether_it_may_be_repeated(house: House) -> None:
    assert without_mark(house.app) == []
    views = house.app.view_functions
    assert {
        name for name, view in views.items() if getattr(view, "hall_post", "") == "repeatable"
    } == REPEATABLE


def posts(house: House) -> Iterator[tuple[str, str]]:
    """Endpoint and address of every POST, and who may send it: the manager at the console, 陈奶奶 at the kiosk."""
    for method, rule in routes(house.app):
        if method == "POST" and not rule.rule.startswith("/api/"):  # asked for by key: tests/test_api.py
            verb = VERBS.get(rule.endpoint, "check-in")
            yield rule.endpoint, house.address(rule.rule, "slip", verb=verb)


@pytest.mark.parametrize("lang", HTML_LANG)
@pytest.mark.databases("sqlite")
def test_a_form_without_its_token_changes_nothing(house: House, lang: str) -> None:
    """Refused with a page in the reader's language, however much the sender is allowed to do."""
    who = {"/staff": house.client("manager"), "/": house.client("card")}
    house.post(who["/staff"], "/staff/language", {"lang": lang})
    house.post(who["/"], "/kiosk/prefs", {"lang": lang})
    before = house.digest()
    for endpoint, path in posts(house):
        client = who["/staff" if path.startswith("/staff") else "/"]
        for forged in ({}, {"csrf_token": "made up"}):
            said = {"request_key": "0123456789abcdef", **FORMS.get(endpoint, {}), **forged}
            answer = client.post(path, data=said)
            page = BeautifulSoup(answer.text, "html.parser")
            assert answer.status_code == 400, endpoint
            assert page.html is not None
            assert page.html["lang"] == HTML_LANG[lang], endpoint
            assert page.select_one("h1"), endpoint
    assert house.digest() == before


def _who_may(house: House, endpoint: str, path: str) -> str:
    if not path.startswith("/staff"):
        return "card"
    roles = mark(house.app, endpoint, "hall_grant")
    return "manager" if not roles or "manager" in roles else next(iter(roles))


@pytest.mark.databases("sqlite")
def test_a_deed_without_a_key_of_its_own_is_not_done(house: House) -> None:
    before = house.digest()
    for endpoint, path in posts(house):
        if endpoint in REPEATABLE:
            continue
        client = house.client(_who_may(house, endpoint, path))
        for key in ("", "short", "x" * 65):
            answer = house.post(client, path, {**FORMS.get(endpoint, {}), "request_key": key})
            assert answer.status_code == 400, endpoint
    assert house.digest() == before
