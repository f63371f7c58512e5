"""What is kept of a page is never stale: a change, the passing of time and another setting each make it anew."""

from datetime import UTC, datetime

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from centres.models import Centre
from centres.services import add_one_off
from core.audit import OPERATOR
from core.database import db, unit_of_work
from core.kept import Kept, keep_true
from people.services.residents import change
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.forms import Kiosk
from tests.support.hall import MORNING, Hall
from tests.support.house import House

GRID = "/c/shuibei/booking/spaces/reading/2026-11-24/grid"
SEAT = "/c/shuibei/booking/spaces/reading/2026-11-24/?from=09:00&to=13:00&seat=A3"
POLL = {"HX-Request": "true", "X-Poll": "1"}


def cell(client: FlaskClient, seat: str = "A3", step: int = 0) -> str:
    """The class of one cell of the grid, as a poll reads it."""
    rows = BeautifulSoup(client.get(GRID, headers=POLL).text, "html.parser").select("tbody tr")
    row = next(row for row in rows if row.th is not None and row.th.text == seat)
    return str(row.select("td")[step]["class"][0])


def test_a_hold_shows_at_once_and_is_gone_when_its_time_is_over(
    client: FlaskClient, cast: Cast, clock: Clock
) -> None:
    assert cell(client) == "free"
    kiosk = Kiosk(client, cast)
    kiosk.open(SEAT)
    kiosk.send("form[action$='/hold']")
    assert cell(client) == "held"
    clock.advance(seconds=119)
    assert cell(client) == "held"
    clock.advance(seconds=2)
    assert cell(client) == "free"


def test_a_step_that_passes_shows_as_past(client: FlaskClient, cast: Cast, clock: Clock) -> None:
    clock.set("2026-11-24 09:29")
    assert cell(client) == "free"
    clock.set("2026-11-24 09:30")
    assert cell(client) == "past"


def test_a_closure_shows_at_once(app: Flask, client: FlaskClient, cast: Cast) -> None:
    assert cell(client, step=2) == "free"
    with app.app_context():
        centre = db.session.get_one(Centre, cast.shuibei)
        start, end = (datetime(2026, 11, 24, hour, tzinfo=UTC) for hour in (2, 3))
        add_one_off(OPERATOR, centre, "reading", start, end, False, "消防检修")
    assert cell(client, step=2) == "closed"


def test_a_poll_gets_304_until_something_changes(client: FlaskClient, cast: Cast) -> None:
    etag = client.get(GRID, headers=POLL).headers["ETag"]
    assert client.get(GRID, headers={**POLL, "If-None-Match": etag}).status_code == 304
    kiosk = Kiosk(client, cast)
    kiosk.open(SEAT)
    kiosk.send("form[action$='/hold']")
    assert client.get(GRID, headers={**POLL, "If-None-Match": etag}).status_code == 200


@pytest.mark.databases("sqlite")
def test_what_was_read_in_a_unit_of_work_that_failed_is_not_kept(inside: Flask) -> None:
    kept: Kept[str, int] = Kept(2)

    def fail() -> None:
        with unit_of_work():
            keep_true(kept, "lie", 1)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    with unit_of_work():
        keep_true(kept, "truth", 2)
    assert (kept.get("lie"), kept.get("truth")) == (None, 2)


@pytest.mark.databases("sqlite")
def test_the_longest_unused_goes_first(inside: Flask) -> None:
    kept: Kept[str, int] = Kept(2)
    kept.put("a", 1)
    kept.put("b", 2)
    kept.get("a")
    kept.put("c", 3)
    assert [kept.get(name) for name in "abc"] == [1, None, 3]


def test_the_staffs_board_shows_a_booking_and_a_new_name_at_once(house: House) -> None:
    desk, live = house.client("front"), "/staff/c/shuibei/booking/reading/2026-11-24/live"
    etag = desk.get(live).headers["ETag"]
    assert desk.get(live, headers={"If-None-Match": etag}).status_code == 304
    with house.app.app_context():
        Hall(house.cast, house.clock).book(house.cast.aqiang, "A2", MORNING)
    booked = desk.get(live, headers={"If-None-Match": etag})
    assert booked.status_code == 200
    with house.app.app_context():
        change(OPERATOR, house.cast.aqiang, name="<b>", phone=None, email=None, adapted=False)
    renamed = desk.get(live, headers={"If-None-Match": booked.headers["ETag"]})
    shown = BeautifulSoup(renamed.text, "html.parser")
    assert "<*>" in [one.text for one in shown.select("table.plain b, table.grid a")], "a name is text"
