"""Kiosks: the one-time code, the heartbeat with what it orders, outages, and calling a member of staff."""

import re
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from core.audit import Audit
from core.database import db
from kiosk.models import Call, Device, Outage
from people.rules import KIOSK_TRIES
from tests.support.forms import send
from tests.support.house import House
from tests.support.refusals import refused

DEVICES, TODAY = "/staff/c/shuibei/devices", "/staff/c/shuibei/today"


def new_code(house: House, name: str = "2号一体机") -> str:
    """A one-time code, as the desk reads it from its sheet."""
    page = house.post(house.client("front"), f"{DEVICES}/pair", {"name": name})
    assert page.headers["Cache-Control"] == "no-store"
    found = re.search(r"code=([0-9A-Z]{8})", page.text)
    assert found
    return found[1]


def pair(house: House, code: str) -> tuple[FlaskClient, TestResponse]:
    screen = house.client()
    return screen, house.post(screen, "/kiosk/pair", {"code": code})


def beat(house: House, client: FlaskClient, **report: object) -> TestResponse:
    return client.post("/kiosk/heartbeat", json=report, headers={"X-CSRFToken": house.token(client, "/")})


# --- pairing --------------------------------------------------------------------------------------------------------


def test_a_code_makes_a_kiosk_once(house: House) -> None:
    code = new_code(house)
    screen, answer = pair(house, f"{code[:4]} {code[4:].lower()}")
    assert (answer.status_code, answer.location) == (303, "/kiosk/")
    assert screen.get("/kiosk/").status_code == 200
    assert "2号一体机" in house.client("front").get(DEVICES).text
    other, again = pair(house, code)
    assert "用不了" in again.text
    assert again.status_code == 422
    assert other.get("/kiosk/").location == "/kiosk/pair"


def test_the_page_with_the_code_pairs_by_a_post_only(house: House) -> None:
    code = new_code(house)
    page = house.client().get(f"/kiosk/pair?code={code}")
    assert "水贝" in page.text
    with house.app.app_context():
        assert len(db.session.scalars(select(Device)).all()) == 2  # nothing happened yet
    assert pair(house, code)[1].status_code == 303


@pytest.mark.parametrize(("minutes", "status"), [(10, 303), (10.1, 422)])
def test_a_code_serves_for_ten_minutes(house: House, minutes: float, status: int) -> None:
    code = new_code(house)
    house.clock.advance(minutes=minutes)
    assert pair(house, code)[1].status_code == status


def test_guessing_is_stopped_even_for_the_right_code(house: House) -> None:
    code, screen = new_code(house), house.client()
    token = house.token(screen, "/")
    for n in range(KIOSK_TRIES):
        assert screen.post("/kiosk/pair", data={"csrf_token": token, "code": f"{n:08d}"}).status_code == 422
    answer = screen.post("/kiosk/pair", data={"csrf_token": token, "code": code})
    assert answer.status_code == 429
    assert "15分钟" in answer.text
    house.clock.advance(minutes=15, seconds=1)
    assert pair(house, new_code(house))[1].status_code == 303


def test_only_the_digest_of_code_and_secret_is_kept(house: House) -> None:
    code = new_code(house)
    screen, _answer = pair(house, code)
    cookie = screen.get_cookie("hall_device")
    assert cookie is not None
    with house.app.app_context(), db.engine.connect() as connection:
        kept = " ".join(
            str(row) for table in db.metadata.sorted_tables for row in connection.execute(select(table))
        )
    assert code not in kept
    assert cookie.value not in kept


def test_a_revoked_kiosk_is_a_stranger_and_its_visitor_forgotten(house: House) -> None:
    kiosk = house.client("card")
    revoke = f"{DEVICES}/{house.values['device_id']}/revoke"
    assert house.post(house.client("front"), revoke).status_code == 303
    assert kiosk.get("/kiosk/").location == "/kiosk/pair"
    assert "/identify/" in kiosk.get("/c/shuibei/my/").location
    refused(beat(house, kiosk), 403)
    refused(house.post(house.client("front"), revoke), 404)
    with house.app.app_context():
        verbs = set(db.session.scalars(select(Audit.verb)))
    assert {"pairing.opened", "device.paired", "device.revoked"} <= verbs


# --- heartbeat ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["reload", "wipe"])
def test_an_order_is_given_once(house: House, order: str) -> None:
    kiosk = house.client("card")
    house.post(house.client("front"), f"{DEVICES}/{house.values['device_id']}/{order}")
    said = [(beat(house, kiosk).json or {})["order"] for _time in range(2)]
    assert said == [order, None]


@pytest.mark.databases("sqlite")
def test_there_are_no_other_orders(house: House) -> None:
    answer = house.post(house.client("front"), f"{DEVICES}/{house.values['device_id']}/explode")
    assert answer.status_code in {404, 422}


def outages(house: House) -> list[timedelta]:
    with house.app.app_context():
        return [row.ends_at - row.starts_at for row in db.session.scalars(select(Outage))]


def test_a_long_silence_becomes_an_outage(house: House) -> None:
    kiosk = house.client("card")
    beat(house, kiosk, build="b7", screen="1080x1920")
    house.clock.advance(seconds=60)
    beat(house, kiosk)
    assert outages(house) == []
    house.clock.advance(minutes=12)
    assert "离线 12 分钟" in house.client("front").get(DEVICES).text
    beat(house, kiosk)
    beat(house, kiosk)
    assert outages(house) == [timedelta(minutes=12)]
    assert "离线 " not in house.client("front").get(DEVICES).text


@pytest.mark.databases("sqlite")
def test_a_heartbeat_says_what_time_it_is(house: House) -> None:
    answer = beat(house, house.client("card")).json
    assert answer is not None
    assert answer["at"] == house.clock().isoformat()
    assert answer["call"]["state"] == "open"


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("skew", ["late", 7000, None])
def test_the_desk_sees_what_a_kiosk_reports(house: House, skew: object) -> None:
    kiosk, desk = house.client("card"), house.client("front")
    house.clock.advance(minutes=1)
    beat(house, kiosk, build=house.app.config["BUILD"], screen="1080x1920", skew_ms=skew)
    page = desk.get(DEVICES).text
    assert ("1080x1920" in page, "它的钟差 7 秒" in page, "页面是旧的" in page) == (True, skew == 7000, False)
    house.clock.advance(minutes=1)
    beat(house, kiosk, build="b7")
    assert "页面是旧的" in desk.get(DEVICES).text


# --- a sentence of staff on the screen ------------------------------------------------------------------------------


def say(house: House, **form: str) -> TestResponse:
    return house.post(house.client("front"), f"{DEVICES}/{house.values['device_id']}/notice", form)


def band(house: House, kiosk: FlaskClient) -> str:
    """What stands on the screen, after the page, the beat and the part that the beat fetches have said the same."""
    told = ((beat(house, kiosk).json or {})["message"] or {"text": ""})["text"]
    for path in ("/kiosk/", "/kiosk/notice", "/c/shuibei/identify/", "/nowhere"):
        found = BeautifulSoup(kiosk.get(path).text, "html.parser").select("form.call-note span")
        assert [span.text for span in found] == ([told] if told else []), path
    return str(told)


def nobody_at(house: House) -> FlaskClient:
    """The kiosk after the wipe: nobody stands there, no call is open."""
    kiosk = house.client("card")
    house.post(kiosk, "/kiosk/wipe")
    return kiosk


def test_a_sentence_of_staff_stands_on_the_screen_for_ten_minutes(house: House) -> None:
    kiosk = nobody_at(house)
    assert say(house, ready="beside", own=" 今天 先用\n2号机 ").status_code == 303
    assert band(house, kiosk) == "今天 先用 2号机"
    assert "今天 先用 2号机" in house.client("front").get(DEVICES).text
    house.clock.advance(minutes=10, seconds=-1)
    assert band(house, kiosk) == "今天 先用 2号机"
    house.clock.advance(seconds=1)
    assert band(house, kiosk) == ""
    assert "今天 先用" not in house.client("front").get(DEVICES).text


def test_a_ready_sentence_speaks_the_reader_s_language(house: House) -> None:
    kiosk = nobody_at(house)
    say(house, ready="soon_back")
    assert band(house, kiosk) == "工作人员走开一下，马上回来。"
    for lang, words in (
        ("en", "Staff stepped away and will be back soon."),
        ("zh_Hant", "工作人員走開一下，馬上回來。"),
    ):
        house.post(kiosk, "/kiosk/prefs", {"lang": lang})
        assert band(house, kiosk) == words


def test_nothing_is_said_over_what_somebody_does(house: House) -> None:
    kiosk = house.client("card")
    say(house, ready="desk")
    assert band(house, kiosk) == ""
    house.post(kiosk, "/kiosk/wipe")
    assert band(house, kiosk) != ""


def test_a_sentence_goes_when_it_was_read_and_not_the_one_after_it(house: House) -> None:
    kiosk = nobody_at(house)
    say(house, ready="desk")
    read = (beat(house, kiosk).json or {})["message"]["until"]
    house.clock.advance(seconds=1)
    say(house, ready="closing")
    house.post(kiosk, "/kiosk/notice/seen", {"until": read})
    assert "快关门" in band(house, kiosk)
    send(kiosk, kiosk.get("/kiosk/"), "/kiosk/notice/seen")
    assert band(house, kiosk) == ""


def test_staff_take_a_sentence_back_and_the_audit_knows_without_its_words(house: House) -> None:
    kiosk, device = nobody_at(house), house.values["device_id"]
    say(house, own="二号窗口关了")
    for _twice in range(2):
        assert house.post(house.client("front"), f"{DEVICES}/{device}/quiet").status_code == 303
    assert band(house, kiosk) == ""
    with house.app.app_context():
        rows = db.session.scalars(select(Audit).where(Audit.verb.startswith("device.notice"))).all()
        assert [row.verb for row in rows] == ["device.notice", "device.notice_ended"]
        assert "二号窗口" not in str([vars(row) for row in rows])


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("form", "words"),
    [({"own": "长" * 61}, "太长"), ({"own": "  "}, "还没写"), ({"ready": "nothing"}, "还没写")],
)
def test_what_cannot_be_said_is_refused(house: House, form: dict[str, str], words: str) -> None:
    assert words in refused(say(house, **form), 422)
    assert band(house, nobody_at(house)) == ""


# --- calling somebody -----------------------------------------------------------------------------------------------


def call_of(house: House) -> Call:
    with house.app.app_context():
        return db.session.scalars(select(Call).order_by(Call.id.desc())).first() or Call()


def test_one_call_however_often_it_is_tapped(house: House) -> None:
    kiosk = house.client("card")
    house.post(kiosk, "/kiosk/call/withdraw")
    for _tap in range(3):
        assert house.post(kiosk, "/kiosk/call", {"page": "/kiosk/"}).status_code == 303
    with house.app.app_context():
        states = db.session.scalars(select(Call.state).order_by(Call.id)).all()
    assert list(states) == ["withdrawn", "open"]


def test_a_call_is_seen_answered_and_done(house: House) -> None:
    kiosk, desk, other = house.client("card"), house.client("front"), house.client("kitchen")
    live = desk.get(f"{TODAY}/live")
    assert "1号一体机有人找工作人员" in live.text
    assert desk.get(f"{TODAY}/live", headers={"If-None-Match": live.headers["ETag"]}).status_code == 304
    url = f"/staff/c/shuibei/calls/{house.values['call_id']}"
    assert house.post(desk, f"{url}/answer").status_code == 303
    changed = desk.get(f"{TODAY}/live", headers={"If-None-Match": live.headers["ETag"]})
    assert changed.status_code == 200
    assert "吴敏" in changed.text
    assert "吴敏正在过来" in kiosk.get("/kiosk/").text
    assert "已经有同事" in refused(house.post(other, f"{url}/answer"), 409)
    assert house.post(other, f"{url}/done").status_code == 303
    assert call_of(house).state == "done"
    assert "有人找工作人员" not in desk.get(TODAY).text
    assert (beat(house, kiosk).json or {})["call"] is None
    assert house.post(desk, f"{url}/answer").status_code == 303  # over already: nothing to do
    assert call_of(house).state == "done"


def test_calls_of_another_centre_are_not_shown(house: House) -> None:
    page = house.client("luo").get("/staff/c/sungang/today")
    assert "有人找工作人员" not in page.text


def test_a_locked_console_shows_calls_and_nothing_else(house: House) -> None:
    desk = house.client("front")
    desk.get(TODAY)
    house.clock.advance(minutes=31)
    page = BeautifulSoup(desk.get(TODAY).text, "html.parser").get_text()
    assert "有人找工作人员" in page
    for name in ("陈*英", "陈*强", "吴敏", "合唱团"):
        assert name not in page


@pytest.mark.databases("sqlite")
def test_a_locked_console_keeps_its_language_and_can_change_it(house: House) -> None:
    """Whoever comes to it may not read what the last one read."""
    desk = house.client("front")
    house.post(desk, "/staff/language", {"lang": "en", "next": TODAY})
    desk.get(TODAY)
    house.clock.advance(minutes=31)
    locked = desk.get(TODAY)
    assert "The console is locked" in locked.text
    back = send(desk, locked, "/staff/language", lang="zh_Hans")
    assert back.location == TODAY
    assert "工作台锁住了" in desk.get(TODAY).text
    assert "form" in str(BeautifulSoup(desk.get("/staff/sign-in").text, "html.parser").select("footer"))
