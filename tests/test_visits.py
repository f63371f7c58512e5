"""Visits that somebody else may hold: when they end by themselves, and what ends them at once."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from core.audit import OPERATOR, Actor
from core.database import db
from core.http import page_asked
from kiosk.models import Visit
from kiosk.services import begin_visit, know, remove_phones
from people.models import Resident
from people.services.cards import issue_card, report_lost
from people.services.residents import consents, set_pin
from tests.support.cast import PIN, Cast
from tests.support.clock import Clock
from tests.support.forms import Kiosk, send
from tests.support.hall import Hall

MY, IDENTIFY = "/c/shuibei/my/", "/c/shuibei/identify"


@pytest.fixture
def hall(inside: Flask, cast: Cast, clock: Clock) -> Hall:
    return Hall(cast, clock)


def running(hall: Hall) -> set[int]:
    """陈奶奶's visits that have not ended."""
    query = select(Visit.id).where(Visit.resident_id == hall.cast.chen, Visit.ended_at.is_(None))
    return set(db.session.scalars(query))


def by_card(hall: Hall, device_id: int | None) -> int:
    visit, _token = begin_visit(hall.cast.shuibei, device_id)
    know(visit.id, hall.cast.chen, "card")
    return visit.id


@pytest.mark.parametrize(
    "deed",
    [
        lambda chen: report_lost(OPERATOR, chen),
        lambda chen: issue_card(OPERATOR, chen),
        lambda chen: remove_phones(OPERATOR, chen),
        lambda chen: set_pin(OPERATOR, chen, "7391"),
    ],
    ids=["lost", "reprint", "phones", "pin"],
)
def test_what_was_begun_with_a_lost_card_phone_or_pin_ends_at_once(
    hall: Hall, deed: Callable[[int], object]
) -> None:
    others = hall.visit(hall.cast.aqiang).id
    hall.visit(hall.cast.chen)
    by_card(hall, None)
    by_card(hall, hall.device().id)
    deed(hall.cast.chen)
    assert running(hall) == set()
    assert db.session.get_one(Visit, others).ended_at is None, "somebody else's goes on"


def test_a_kiosk_that_was_given_the_pin_goes_on(hall: Hall) -> None:
    here = hall.visit(hall.cast.chen, kiosk=True).id
    report_lost(OPERATOR, hall.cast.chen)
    assert running(hall) == {here}


def test_whoever_acts_themselves_goes_on_and_their_other_phones_end(hall: Hall) -> None:
    chen = hall.cast.chen
    own = Actor("resident", chen)
    here = hall.visit(chen).id
    hall.visit(chen)
    set_pin(own, chen, "7391", here)
    assert running(hall) == {here}
    hall.visit(chen)
    remove_phones(own, chen, here)
    assert running(hall) == {here}


def sign_in(client: FlaskClient, pin: str = PIN) -> None:
    page = client.get(f"{IDENTIFY}/phone?next={MY}")
    answer = send(client, page, f"{IDENTIFY}/phone", phone="13800001187")
    answer = send(client, client.get(answer.location), answer.location, pin=pin)
    assert answer.location == MY


def test_a_phone_chooses_a_pin_and_goes_on_while_the_other_is_asked_again(app: Flask, cast: Cast) -> None:
    one, other = app.test_client(), app.test_client()
    sign_in(one)
    sign_in(other)
    url = f"{IDENTIFY}/new-pin?next={MY}"
    for _twice in range(2):
        answer = send(one, one.get(url), url, pin="7391")
    assert answer.location == MY
    assert one.get(MY).status_code == 200
    assert IDENTIFY in other.get(MY).location
    answer = send(one, one.get(f"{MY}consents"), MY, "form:has([name=phones])")
    assert answer.status_code == 303
    assert one.get(MY).status_code == 200


def way_on(page: TestResponse) -> str:
    """Where the first way on after a refusal comes back to, once the person is known."""
    assert page.status_code == 403
    link = BeautifulSoup(page.text, "html.parser").select_one("a[href*='/identify/']")
    assert link is not None
    return parse_qs(urlsplit(str(link["href"])).query)["next"][0]


def test_a_booking_whose_form_came_too_late_is_come_back_to(app: Flask, cast: Cast, clock: Clock) -> None:
    with app.app_context():
        number = Hall(cast, clock).book(cast.chen).number
        db.session.remove()
    client, page = app.test_client(), f"/c/shuibei/booking/b/{number}/"
    sign_in(client)
    undo = client.get(f"{page}done")
    clock.advance(hours=20, seconds=1)
    onward = way_on(send(client, undo, "", f"form[action='{page}undo']"))
    assert onward == page
    sign_in(client)
    assert client.get(onward).status_code == 200


@pytest.mark.parametrize(
    ("sent", "page"),
    [
        ("/c/shuibei/canteen/family/3/agree", "/c/shuibei/canteen/family/3/"),
        ("/c/shuibei/canteen/family/ask", "/c/shuibei/canteen/family/ask"),
        ("/c/shuibei/canteen/family/invite/withdraw", "/c/shuibei/canteen/family/invite"),
        ("/c/shuibei/booking/b/K7M24QXD/undo", "/c/shuibei/booking/b/K7M24QXD/"),
        ("/c/shuibei/canteen/o/K7M24QXD/keep", "/c/shuibei/canteen/o/K7M24QXD/"),
    ],
)
def test_a_form_leads_back_to_the_page_on_which_it_stands(app: Flask, sent: str, page: str) -> None:
    with app.test_request_context(sent, method="POST"):
        assert page_asked() == page
    with app.test_request_context(f"{page}?for=3"):
        assert page_asked() == f"{page}?for=3"


def test_a_card_is_shown_the_way_to_the_pin_where_it_does_not_suffice(
    app: Flask, cast: Cast, clock: Clock
) -> None:
    with app.app_context():
        number = Hall(cast, clock).book(cast.chen).number
        db.session.remove()
    clock.advance(days=3)
    client, page = app.test_client(), f"/c/shuibei/booking/b/{number}/"
    send(client, client.get(f"/q/{cast.chen_code}"), f"/q/{cast.chen_code}/card")
    assert way_on(client.get(page)) == page


def test_a_phone_asks_again_twenty_hours_after_it_was_told_however_often_it_looks(
    client: FlaskClient, cast: Cast, clock: Clock
) -> None:
    client.get(MY)
    sign_in(client)
    begun = clock()
    while clock() + timedelta(hours=4) <= begun + timedelta(hours=20):
        assert client.get(MY).status_code == 200
        clock.advance(hours=4)
    clock.advance(seconds=1)
    assert IDENTIFY in client.get(MY).location


def test_the_hours_count_from_when_the_person_was_known(
    client: FlaskClient, cast: Cast, clock: Clock
) -> None:
    page = client.get(f"{IDENTIFY}/phone?next={MY}")
    send(client, page, f"{IDENTIFY}/phone", phone="13800001187")
    clock.advance(hours=19)
    send(client, client.get(f"{IDENTIFY}/pin?next={MY}"), f"{IDENTIFY}/pin", pin=PIN)
    clock.advance(hours=19)
    assert client.get(MY).status_code == 200


def test_a_bookings_name_is_shown_at_a_kiosk_and_on_a_phone_that_was_confirmed(
    app: Flask, cast: Cast, clock: Clock
) -> None:
    with app.app_context():
        booking = Hall(cast, clock).book(cast.chen)
        page, slip = f"/c/shuibei/booking/b/{booking.number}/", f"/q/{booking.code}"
        db.session.remove()
    phone, kiosk = app.test_client(), app.test_client()
    Kiosk(kiosk, cast)
    send(phone, phone.get(f"/q/{cast.chen_code}"), f"/q/{cast.chen_code}/card")
    for url in (page, f"{page}done", slip):
        shown = phone.get(url)
        assert (shown.status_code, "陈*英" in shown.text) == (200, False), url
    assert "陈*英" in kiosk.get(slip).text
    sign_in(phone)
    assert all("陈*英" in phone.get(url).text for url in (page, f"{page}done"))
    assert "陈*英" not in app.test_client().get(slip).text, "whoever was sent the slip"


def test_a_card_carries_how_its_holder_wants_screens_once_they_say_so(app: Flask, cast: Cast) -> None:
    at = Kiosk(app.test_client(), cast)
    at.scan(cast.chen_code)
    at.open(f"{IDENTIFY}/pin?next={MY}consents")
    at.send("form.pad-page", pin=PIN)
    for name, value in (("text", "elder"), ("contrast", "high"), ("lang", "zh_Hant")):
        at.post("/kiosk/prefs", {name: value})
    page = at.open(f"{MY}consents")
    assert "以後刷卡都像現在這樣" in page.text
    at.send("form:has(input[name=keeps])")
    assert "刷卡就像現在這樣" in at.follow().text
    at.post("/kiosk/wipe", {})
    assert 'data-text="normal"' in at.open("/kiosk/").text
    at.scan(cast.chen_code)
    shown = at.follow().text
    for is_set in ('data-text="elder"', 'data-contrast="high"', 'data-reach="normal"', 'lang="zh-Hant"'):
        assert is_set in shown
    at.open(f"{IDENTIFY}/pin?next={MY}consents")
    at.send("form.pad-page", pin=PIN)
    at.open(f"{MY}consents")
    at.send("form:has(input[value=settings])")  # taken back, the card carries nothing any more
    with app.app_context():
        assert db.session.get_one(Resident, cast.chen).settings == {}
        assert "settings" not in consents(cast.chen)
