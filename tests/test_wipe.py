"""A kiosk forgets: the wipe, silence, and the next card. (What a browser keeps is looked at in the browser's tests.)"""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from booking.models import Claim
from core.audit import OPERATOR
from core.database import db
from kiosk.models import Visit
from kiosk.rules import IDLE_WARN, IDLE_WIPE, KIOSK_SILENCE
from people.services.cards import issue_card
from tests.support.house import House

MINE, CHECK = "/c/shuibei/my/", "/c/shuibei/booking/check/"


def visits(house: House) -> list[Visit]:
    """Visits at the kiosk of 水贝, the oldest first."""
    device = int(house.values["device_id"])
    with house.app.app_context():
        return list(db.session.scalars(select(Visit).where(Visit.device_id == device).order_by(Visit.id)))


def held(house: House) -> int:
    with house.app.app_context():
        return len(db.session.scalars(select(Claim.id).where(Claim.visit_id.is_not(None))).all())


def stolen(house: House, client: FlaskClient) -> FlaskClient:
    """The same kiosk with a copy of the cookies as they were."""
    thief = house.client()
    thief._cookies = dict(client._cookies or {})
    return thief


def test_before_the_wipe_the_person_is_known(house: House) -> None:
    client = house.client("card")
    assert "陈*英" in client.get(MINE).text
    assert client.get(CHECK).status_code == 200
    assert held(house) == 1


def test_after_the_wipe_nothing_is_left(house: House) -> None:
    client = house.client("card")
    house.post(client, "/kiosk/prefs", {"lang": "en", "text": "elder", "contrast": "high", "reach": "low"})
    copy = stolen(house, client)
    answer = house.post(client, "/kiosk/wipe", headers={"X-Wipe": "1"})
    assert answer.status_code == 204
    assert not client.get_cookie("hall")
    assert held(house) == 0
    assert visits(house)[-1].ended_at is not None
    home = client.get("/kiosk/").text
    assert (
        'lang="zh-Hans" data-surface="kiosk" data-text="normal" data-contrast="normal" data-reach="normal"'
        in home
    )
    for browser in (client, copy):
        assert "/identify/" in browser.get(MINE).location
        assert browser.get(CHECK).status_code == 409
        assert browser.get("/kiosk/").status_code == 200  # still the kiosk of its centre


def test_a_wiped_seat_is_anybodys(house: House) -> None:
    other = house.client("other")
    seat = {"seat": "A1", "from": "2026-11-24T13:00", "to": "2026-11-24T17:00"}
    hold = "/c/shuibei/booking/spaces/reading/hold"
    assert house.post(other, hold, seat).status_code == 409
    house.post(house.client("card"), "/kiosk/wipe")
    assert house.post(other, hold, seat).status_code == 303


def test_a_wipe_of_nobody_is_a_wipe(house: House) -> None:
    client = house.client("card")
    for _time in range(2):
        assert house.post(client, "/kiosk/wipe", headers={"X-Wipe": "1"}).status_code == 204
    assert house.post(client, "/kiosk/wipe", {"next": "/c/shuibei/about"}).location == "/kiosk/"


@pytest.mark.databases("sqlite")
def test_the_screens_silence_is_longer_than_its_warning_and_ends_on_the_server_too(house: House) -> None:
    assert KIOSK_SILENCE.total_seconds() == 150 > IDLE_WARN + IDLE_WIPE
    client = house.client("card")
    house.clock.advance(seconds=150)
    assert "陈*英" in client.get(MINE).text  # and this tap prolongs it
    house.clock.advance(seconds=150)
    assert "陈*英" in client.get(MINE).text
    house.clock.advance(seconds=151)
    copy = stolen(house, client)
    for browser in (client, copy):
        assert "/identify/" in browser.get(MINE).location


@pytest.mark.databases("sqlite")
def test_heartbeats_and_polls_do_not_prolong_a_visit(house: House) -> None:
    client = house.client("card")
    token = {"X-CSRFToken": house.token(client, "/")}
    for _beat in range(6):
        house.clock.advance(seconds=30)
        assert client.post("/kiosk/heartbeat", json={}, headers=token).status_code == 200
        client.get(
            "/c/shuibei/booking/spaces/reading/2026-11-24/grid", headers={"X-Poll": "1", "HX-Request": "true"}
        )
    assert "/identify/" in client.get(MINE).location


@pytest.mark.databases("sqlite")
def test_i_am_still_here_prolongs_it(house: House) -> None:
    client = house.client("card")
    token = {"X-CSRFToken": house.token(client, "/")}
    for _tap in range(3):
        house.clock.advance(seconds=100)
        assert client.post("/kiosk/alive", headers=token).status_code == 204
    assert "陈*英" in client.get(MINE).text


def test_another_card_ends_the_visit_before(house: House) -> None:
    with house.app.app_context():
        _card, code = issue_card(OPERATOR, house.cast.aqiang)
        db.session.remove()
    client = house.client("card")
    before = len(visits(house))
    assert house.post(client, "/kiosk/scan", {"payload": code}).status_code == 303
    now = visits(house)
    assert len(now) == before + 1
    assert now[-2].ended_at is not None
    assert (now[-1].ended_at, now[-1].resident_id) == (None, house.cast.aqiang)
    assert held(house) == 0
    page = client.get(MINE).text
    assert "陈*英" not in page
    assert "陈*强" in page


def test_a_visit_of_the_kiosk_is_worth_nothing_elsewhere(house: House) -> None:
    client = house.client("card")
    thief = house.client()
    cookie = client.get_cookie("hall")
    assert cookie is not None
    thief.set_cookie("hall", cookie.value)
    assert "/identify/" in thief.get(MINE).location
    thief.set_cookie("hall_device", house.values["secret-far"])
    assert "/identify/" in thief.get(MINE).location
