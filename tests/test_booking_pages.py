"""What the pages of booking say and offer: only what the house will really do."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from booking.jobs import tidy
from core.database import db
from core.intervals import Interval
from tests.support.cast import PASSWORD, Cast
from tests.support.clock import Clock
from tests.support.forms import send
from tests.support.hall import MORNING, Hall, span


def made(app: Flask, cast: Cast, clock: Clock, seat: str = "A1", when: Interval = MORNING) -> str:
    """The number of a booking of 陈奶奶."""
    with app.app_context():
        number = Hall(cast, clock).book(cast.chen, seat, when).number
        db.session.remove()
        return number


def desk(client: FlaskClient, cast: Cast) -> None:
    """吴敏 signs in at the front desk."""
    page = client.get("/staff/sign-in")
    send(client, page, "/staff/sign-in", "form[method=post]", email=cast.wu, password=PASSWORD)


# --- the desk -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "shown"),
    [("2026-11-23 18:00", False), ("2026-11-24 08:00", True), ("2026-11-24 13:00", False)],
)
def test_the_desks_button_to_check_in_stands_there_on_the_day_only(
    app: Flask, client: FlaskClient, cast: Cast, clock: Clock, at: str, shown: bool
) -> None:
    number = made(app, cast, clock)
    clock.set(at)
    desk(client, cast)
    assert ("签到，人到了" in client.get(f"/staff/c/shuibei/booking/b/{number}").text) == shown


@pytest.mark.parametrize("gone", [False, True])
def test_the_desk_promises_a_late_check_in_only_while_the_seat_is_free(
    app: Flask, client: FlaskClient, cast: Cast, clock: Clock, *, gone: bool
) -> None:
    number = made(app, cast, clock)
    clock.set("2026-11-24 10:00")
    with app.app_context():
        tidy()
        if gone:
            Hall(cast, clock).book(cast.aqiang, "A1", span("11:00", "12:00"))
        db.session.remove()
    desk(client, cast)
    page = client.get(f"/staff/c/shuibei/booking/b/{number}")
    assert ("座位还空着" in page.text) == (not gone)
    if not gone:
        answer = send(client, page, "", form="form[action$='/check-in']")
        assert "在座" in client.get(answer.location).text
