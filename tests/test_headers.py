"""What every answer carries, whoever asks: a strict policy, cookies apart, nothing personal kept, no other host."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from core.i18n import HTML_LANG
from tests.policy.test_routes import routes
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.databases import settings
from tests.support.forms import fields_of
from tests.support.house import House
from tests.support.pages import faults

READERS = {"canteen_desk.window_reader", "kiosk.reader"}
"""Read codes from the camera of a window or a kiosk with WebAssembly, apart from every page."""
WHO = ("none", "card", "pin", "manager")
FRAGMENTS = {
    "staff.today_live",
    "staff.data_shown",
    "staff.data_cell",
    "booking_desk.live",
    "canteen_board.board_live",
    "canteen_desk.sheet_live",
    "canteen_desk.window_live",
    "canteen_desk.sum_of",
}


NOT_PAGES = {"static", "files.one", "security.two_factor_token_validation"}
"""Files have headers of their own; the second step of the sign-in signs out whoever is signed in already."""


def answers(house: House, client: FlaskClient, role: str) -> Iterator[tuple[str, TestResponse]]:
    """The pages of this role's side of the house, those with an address that is not there too."""
    for method, rule in routes(house.app):
        if (
            method == "GET"
            and is_staff(role) == rule.rule.startswith("/staff")
            and rule.endpoint not in NOT_PAGES
        ):
            yield rule.endpoint, client.get(house.address(rule.rule, "slip"))
            yield rule.endpoint, client.get(house.address(rule.rule, role, number="NOSUCH22", day="x"))


def is_staff(role: str) -> bool:
    return role == "manager"


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("role", WHO)
@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
def test_every_page_owes_its_reader_this(house: House, role: str, lang: str) -> None:
    """One h1, title, language, labels, forms with their token, nothing inline, nothing from another host."""
    client = house.client(role)
    prefs = "/staff/language" if is_staff(role) else "/kiosk/prefs"
    house.post(client, prefs, {"lang": lang, "text": "elder"})
    seen, wrong = 0, []
    for endpoint, answer in answers(house, client, role):
        if answer.mimetype != "text/html" or answer.location or not answer.text or endpoint in FRAGMENTS:
            continue
        seen += 1
        page = BeautifulSoup(answer.text, "html.parser")
        wrong += [f"{answer.request.path}: {fault}" for fault in faults(page, answer)]
        if page.html and page.html["lang"] != HTML_LANG[lang]:
            wrong.append(f"{answer.request.path}: in {page.html['lang']}")
    assert seen > 15
    assert wrong == []


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("role", WHO)
def test_every_answer_carries_these_headers(house: House, role: str) -> None:
    for endpoint, answer in answers(house, house.client(role), role):
        policy = dict(
            part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";")
        )
        assert policy["default-src"] == "'none'", endpoint
        assert policy["style-src"] == policy["form-action"] == "'self'"
        reads = endpoint in READERS and answer.mimetype == "text/javascript"  # else it is refused, by a page
        assert policy["script-src"] == ("'self' 'wasm-unsafe-eval'" if reads else "'self'")
        assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert not {"*", "http:", "https:", "'unsafe-inline'", "'unsafe-eval'"} & set(
            " ".join(policy.values()).split()
        )
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "Server" not in answer.headers
        assert (
            "no-store" in answer.headers["Cache-Control"]
            or answer.headers["Cache-Control"] == "private, no-cache"
        )
        assert "HX-Request" in answer.headers.get("Vary", ""), endpoint


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("role", ["card", "pin", "manager"])
def test_what_names_a_person_is_kept_nowhere(house: House, role: str) -> None:
    """A page with a name, masked or not, may be in no cache; only live fragments are asked again by their version."""
    named = 0
    for endpoint, answer in answers(house, house.client(role), role):
        text = answer.text if (answer.mimetype or "").startswith("text/") else ""
        if any(name in text for name in ("陈*英", "陈秀英", "陈*强", "陈志强")):
            named += 1
            assert answer.headers["Cache-Control"] == (
                "private, no-cache" if endpoint in FRAGMENTS else "no-store"
            )
    assert named >= 3


@pytest.mark.databases("sqlite")
def test_files_may_be_kept_and_are_not_sniffed(house: House) -> None:
    with house.client().get("/static/css/base.css") as answer:
        assert answer.status_code == 200
        assert "no-store" not in answer.headers.get("Cache-Control", "")


@pytest.mark.databases("sqlite")
def test_staff_and_residents_have_cookies_apart(house: House) -> None:
    client = house.client("card")
    client.get("/staff/sign-in")
    house.post(client, "/kiosk/prefs", {"lang": "en"})
    cookies = {cookie.key: cookie for cookie in (client._cookies or {}).values()}
    assert set(cookies) == {"hall", "hall_device", "hall_staff"}
    assert cookies["hall_staff"].path == "/staff"
    assert all(
        cookie.http_only and cookie.same_site == "Lax"
        for name, cookie in cookies.items()
        if name != "hall_device"
    )
    with house.client("manager") as staff:
        assert staff.get("/c/shuibei/my/").status_code == 303
        assert staff.get("/staff/c/shuibei/today").status_code == 200


def set_cookies(answer: TestResponse) -> list[str]:
    return answer.headers.getlist("Set-Cookie")


@pytest.fixture
def https(database: str, cast: Cast, clock: Clock, tmp_path: Path) -> Flask:
    return create_app(settings(database, tmp_path, CLOCK=clock, PUBLIC_URL="https://hall.example.cn"))


@pytest.mark.databases("sqlite")
def test_behind_https_no_cookie_travels_in_the_open(https: Flask, cast: Cast) -> None:
    client = https.test_client()
    base = {"base_url": "https://hall.example.cn"}
    client.set_cookie("hall_device", cast.kiosk_secret, domain="hall.example.cn", secure=True)
    page = client.get("/kiosk/", **base)
    assert "max-age" in page.headers["Strict-Transport-Security"]
    said = set_cookies(page)
    url, given = fields_of(client.get("/c/shuibei/identify/phone", **base), "form[method=post]")
    said += set_cookies(client.post(url, data={**given, "phone": "13800001187"}, **base))
    said += set_cookies(client.get("/staff/sign-in", **base))
    assert {cookie.partition("=")[0] for cookie in said} == {"hall", "hall_staff"}
    assert all("Secure" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in said)


@pytest.mark.databases("sqlite")
def test_the_kiosks_and_phones_own_cookies_are_closed_too(house: House) -> None:
    client = house.client("manager")
    page = house.post(client, "/staff/c/shuibei/devices/pair", {"name": "2号"})
    code = BeautifulSoup(page.text, "html.parser").get_text()
    link = next(
        word for word in page.text.replace('"', " ").split() if "/kiosk/pair?code=" in word or "code=" in word
    )
    assert code
    screen = house.client()
    paired = house.post(screen, "/kiosk/pair", {"code": link.partition("code=")[2][:8]})
    device = next(cookie for cookie in set_cookies(paired) if cookie.startswith("hall_device="))
    phone = house.client()
    house.post(phone, "/c/shuibei/identify/phone", {"phone": "13800001187"})
    known = house.post(phone, "/c/shuibei/identify/pin", {"pin": "2580"})
    mine = next(cookie for cookie in set_cookies(known) if cookie.startswith("hall_phone="))
    for cookie in (device, mine):
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
