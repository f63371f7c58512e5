"""What the pages of booking say and offer: only what the house will really do."""

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from booking.jobs import tidy
from booking.models import Booking, Space
from core.audit import OPERATOR
from core.database import db, unit_of_work
from core.events import deliver_due
from core.intervals import Interval
from core.outbox import Message, channels
from kiosk.models import Device
from people.models import Resident
from people.services.residents import give_consent
from tests.support.cast import PASSWORD, Cast
from tests.support.clock import Clock
from tests.support.forms import Kiosk, send, ways
from tests.support.hall import MORNING, Hall, span

BASE = "/c/shuibei/booking"


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


def by_phone(client: FlaskClient) -> None:
    """陈奶奶 on a phone, known by her PIN."""
    page = client.get("/c/shuibei/identify/phone")
    asked = send(client, page, "/c/shuibei/identify/phone", phone="13800001187")
    send(client, client.get(asked.location), asked.location, pin="2580")


def to_check(client: FlaskClient, seat: str = "A1", hours: str = "from=09:00&to=13:00") -> TestResponse:
    """The page that shows once more what will be confirmed."""
    page = client.get(f"/c/shuibei/booking/spaces/reading/2026-11-24/?{hours}&seat={seat}")
    held = send(client, page, "", form="form[action$='/hold']")
    return client.get(held.location)


# --- what is promised -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("near", [False, True])
def test_the_time_to_cancel_that_is_promised_is_still_to_come(
    app: Flask, client: FlaskClient, cast: Cast, clock: Clock, *, near: bool
) -> None:
    clock.set("2026-11-24 08:50" if near else "2026-11-24 07:00")
    by_phone(client)
    page = to_check(client)
    assert ("8:00 前都可以取消" in page.text) == (not near)
    assert ("60 秒内可以撤销" in page.text) == near
    confirmed = send(client, page, "", form="form[action$='/confirm']")
    finished = client.get(confirmed.location).text
    assert ("8:00 前取消" in finished) == (not near)
    assert ("再晚取消会记作" in finished) == near
    with app.app_context():
        deliver_due()
        letter = db.session.scalars(select(Message.body).where(Message.kind == "booking.made")).one()
    assert ("8:00 前取消就行" in letter) == (not near)


@pytest.mark.parametrize(
    ("agreed", "ways", "hour", "promise"),
    [
        (False, ("email", "sms"), "19:00", ""),
        (True, (), "19:00", ""),
        (True, ("email",), "19:00", "19:00 发邮件给您"),
        (True, ("email", "sms"), "19:00", "19:00 发短信给您"),
        (True, ("email",), "21:30", "明天 8:00 发邮件给您"),
    ],
)
def test_only_a_message_that_will_really_go_out_is_promised(
    app: Flask,
    client: FlaskClient,
    cast: Cast,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    *,
    agreed: bool,
    ways: tuple[str, ...],
    hour: str,
    promise: str,
) -> None:
    monkeypatch.setattr(channels, "by_name", dict.fromkeys(ways, lambda _message: None))
    with app.app_context():
        with unit_of_work():
            db.session.get_one(Resident, cast.chen).email = "chen@hall.invalid"
        if agreed:
            give_consent(OPERATOR, cast.chen, {"messages"}, "desk")
    clock.at(hour)
    by_phone(client)
    confirmed = send(client, to_check(client), "", form="form[action$='/confirm']")
    finished = client.get(confirmed.location).text
    assert promise in finished
    assert ("发邮件给您" in finished, "发短信给您" in finished) == ("邮件" in promise, "短信" in promise)


# --- ways on --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [("07:00", "09:00", "这个时间不开放"), ("09:00", "11:00", "这个时间已经过了")],
)
def test_a_time_that_cannot_be_had_is_answered_with_other_times(
    client: FlaskClient, cast: Cast, clock: Clock, start: str, end: str, why: str
) -> None:
    clock.set("2026-11-24 06:00" if start == "07:00" else "2026-11-24 09:30")
    page = client.get("/c/shuibei/booking/spaces/reading/2026-11-24/?from=13:00&to=17:00&seat=A3")
    wanted = {"from": f"2026-11-24T{start}", "to": f"2026-11-24T{end}"}
    answer = send(client, page, "", form="form[action$='/hold']", **wanted)
    assert why in answer.text
    assert "同一时间" not in answer.text
    assert "A3 原座位，下午 13:00" in ways(answer)
    assert ways(answer)[-1] == "换一天"


def test_who_has_had_their_bookings_of_the_day_is_sent_to_their_own_or_another_day(
    app: Flask, client: FlaskClient, cast: Cast, clock: Clock
) -> None:
    made(app, cast, clock, "A1", span("09:00", "10:00"))
    made(app, cast, clock, "A1", span("10:00", "11:00"))
    by_phone(client)
    answer = send(client, to_check(client, hours="from=13:00&to=17:00"), "", form="form[action$='/confirm']")
    assert ways(answer) == ["看看我的安排", "换一天"]


def test_who_confirms_late_is_offered_three_ways_also_where_the_seat_has_gone(
    app: Flask, client: FlaskClient, cast: Cast, clock: Clock
) -> None:
    by_phone(client)
    page = to_check(client, "A3")
    clock.advance(seconds=121)
    with app.app_context():
        Hall(cast, clock).book(cast.aqiang, "A3")
        db.session.remove()
    answer = send(client, page, "", form="form[action$='/confirm']")
    assert "座位已释放" in answer.text
    assert len(ways(answer)) == 3
    assert ways(answer)[0].endswith("同一时间")


def test_a_confirm_whose_fields_somebody_changed_is_confirmed_or_refused_all_the_same(
    client: FlaskClient, cast: Cast, clock: Clock
) -> None:
    by_phone(client)
    page = to_check(client, "A3")
    clock.advance(seconds=121)
    changed = {"space": "nowhere", "seat": "Z9", "from": "soon", "to": "2026"}
    answer = send(client, page, "", form="form[action$='/confirm']", **changed)
    assert answer.status_code == 409
    assert len(ways(answer)) == 3, "what the visit held until a moment ago says it too"


def test_who_came_by_use_now_is_offered_the_same_as_last_time_from_the_step_before(
    app: Flask, client: FlaskClient, cast: Cast, clock: Clock
) -> None:
    clock.set("2026-11-23 09:41")
    with app.app_context():
        Hall(cast, clock).book(cast.chen, "A3", span("09:41", "13:00", "2026-11-23"), kiosk=True)
        db.session.remove()
    by_phone(client)
    page = client.get("/c/shuibei/booking/")
    assert "和上次一样：A3" in page.text
    held = send(client, page, "", form="form[action$='/hold']")
    assert "明天 9:30–13:00" in client.get(held.location).text


def test_a_space_tells_what_a_wheelchair_user_must_know_where_it_is_known(
    app: Flask, client: FlaskClient, cast: Cast, clock: Clock
) -> None:
    url = "/c/shuibei/booking/spaces/reading/"
    assert "厘米" not in client.get(url).text
    known = {"door_width_cm": 90, "table_height_cm": 74, "accessible_toilet": "同一层，走 20 米"}
    with app.app_context(), unit_of_work():
        db.session.get_one(Space, cast.reading).access = known
    assert "门宽 90 厘米，桌高 74 厘米，有无障碍厕所" in client.get(url).text


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


def test_before_a_kiosk_of_another_centre_nobody_has_arrived(
    app: Flask, client: FlaskClient, cast: Cast, clock: Clock
) -> None:
    with app.app_context():
        made = Hall(cast, clock).book(cast.chen)
        number = made.number
        with unit_of_work():
            db.session.scalars(select(Device)).one().centre_id = cast.sungang
    clock.set("2026-11-24 09:00")
    kiosk = Kiosk(client, cast)
    kiosk.post("/kiosk/scan", {"payload": cast.chen_code})
    answer = kiosk.post(f"/c/shuibei/booking/b/{number}/check-in", {"request_key": "elsewhere-0001"})
    assert answer.status_code == 409
    assert "请到那里签到" in answer.text
    with app.app_context():
        assert db.session.scalars(select(Booking.state)).one() == "booked"
    page = client.get("/c/shuibei/booking/spaces/reading/2026-11-24/")
    assert page.status_code == 200
    assert "现在" not in [
        tab.get_text("|").split("|")[0].strip()
        for tab in BeautifulSoup(page.text, "html.parser").select(".tabs a")
    ]


# --- the large edition ----------------------------------------------------------------------------------------------


@pytest.mark.databases("sqlite")
def test_the_large_edition_has_every_way_that_the_plain_one_has(
    app: Flask, client: FlaskClient, cast: Cast, clock: Clock
) -> None:
    """Another seat, the list and another time are two taps away; so is giving a booking back, from one's own day."""
    made(app, cast, clock)
    kiosk = Kiosk(client, cast)
    kiosk.send("form[action='/kiosk/prefs']", text="elder")
    kiosk.open(f"{BASE}/spaces/reading/2026-11-24/?from=13:00&to=17:00&seat=A3")
    kiosk.open(target(kiosk.page, "更多"))
    before, found = kiosk.page, {}
    for words in ("帮我选", "列表", "改时间"):
        found[words] = kiosk.open(target(before, words)).text
    assert "就坐" in found["帮我选"]
    assert "就坐 A3" not in found["帮我选"]
    assert "A3" in found["列表"]
    assert "几点来" in found["改时间"]
    kiosk.scan(cast.chen_code)
    kiosk.open("/c/shuibei/my/")
    kiosk.open(target(kiosk.page, "图书馆阅览室"))
    kiosk.open(target(kiosk.page, "取消预约"))
    kiosk.send("form[action$='/cancel']")
    assert "已经取消了" in kiosk.open(kiosk.page.location).text


def target(page: TestResponse, words: str) -> str:
    """Where the first link with these words in the page's body leads."""
    links = BeautifulSoup(page.text, "html.parser").select("#main a[href]")
    return next(str(link["href"]) for link in links if words in link.get_text())
