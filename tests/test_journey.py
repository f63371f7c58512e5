"""The whole journey without a browser: card, seat, slip, check-in, sign-out, on both databases."""

from flask.testing import FlaskClient

from tests.support.cast import PIN, Cast
from tests.support.clock import Clock
from tests.support.forms import Kiosk, send


def kiosk(client: FlaskClient, cast: Cast) -> Kiosk:
    return Kiosk(client, cast)


def test_a_resident_books_a_seat_at_the_kiosk_and_checks_in_with_the_slip(
    client: FlaskClient, cast: Cast, clock: Clock
) -> None:
    at = kiosk(client, cast)
    at.open("/kiosk/")
    at.open("/c/shuibei/booking/")
    days = at.open("/c/shuibei/booking/spaces/reading/")
    assert "明天" in days.text
    seats = at.open("/c/shuibei/booking/spaces/reading/2026-11-24/")
    assert "A3" in seats.text
    at.open("/c/shuibei/booking/spaces/reading/2026-11-24/?from=09:00&to=13:00&seat=A3")
    answer = at.send("form[action$='/hold']")
    assert answer.location.endswith("/c/shuibei/booking/check/")
    asked = at.follow()
    assert asked.location.startswith("/c/shuibei/identify/")
    at.follow()
    answer = at.scan(cast.chen_code, next="/c/shuibei/booking/check/")
    assert answer.location == "/c/shuibei/booking/check/"
    check = at.follow()
    assert "陈*英" in check.text
    assert "A3 靠窗桌" in check.text
    answer = at.send("form[action$='/confirm']")
    assert answer.location.endswith("/done")
    done = at.follow()
    assert "约好了" in done.text
    slip = at.slip_code()
    clock.set("2026-11-24 08:30")
    at.post("/kiosk/wipe", {})
    page = at.open(f"/q/{slip}")
    assert "陈*英" in page.text
    answer = at.send("form[action$='/check-in']")
    page = at.follow()
    assert "您正在用" in page.text
    answer = at.send("form[action$='/leave']")
    assert "走了" in at.follow().text


def test_by_phone_number_and_pin_on_a_phone(client: FlaskClient, cast: Cast) -> None:
    page = client.get("/c/shuibei/identify/phone?next=/c/shuibei/my/")
    answer = send(client, page, "/c/shuibei/identify/phone", phone="13800001187")
    assert "/identify/pin" in answer.location
    page = client.get(answer.location)
    answer = send(client, page, answer.location, pin=PIN)
    assert answer.location == "/c/shuibei/my/"
    assert "陈*英" in client.get("/c/shuibei/my/").text
