"""Paper at the kiosk: what comes out of the printer, once, for whoever asked, and what is said where nothing does."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from booking.models import Booking, Space, Unit
from booking.services.book import book_seat
from canteen.models import MealOrder
from canteen.services import ledger
from centres.services import set_policy
from core.area import Paper
from core.audit import OPERATOR, Actor, Audit
from core.database import db, unit_of_work
from kiosk import paper
from kiosk.jobs import ask_printers, print_due
from kiosk.models import Device, PaperSlip
from kiosk.rules import may_print_at, printer_address
from kiosk.services import begin_visit, make_pairing_code, pair, revoke_device
from kiosk.services.printing import ask_paper, claim_paper, forget_paper, set_printer
from kiosk.session import DEVICE_COOKIE
from people.models import Staff
from staff.doctor import examine
from staff.views.today import _printers
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.forms import Kiosk
from tests.support.hall import MORNING, apart, refusal
from tests.support.house import House
from tests.support.meals import furnish
from tests.support.printer import Printer
from tests.support.race import together

SQLITE = pytest.mark.databases("sqlite")
TUESDAY = date(2026, 11, 24)
SAMPLE = Paper(
    big="17",
    label="取餐号",
    title="清蒸鲈鱼",
    when="明天 11月24日",
    rows=[("午餐", "11:30–12:30"), ("订餐号", "K7M2 4QXD")],
    sums=[("您付", "¥10.00")],
    notes=["报17号"],
    link="https://hall.example.cn/q/M0123456789ABCDEFGHJKMNPQRSTVWXY",
)


@pytest.fixture
def printer() -> Iterator[Printer]:
    made = Printer()
    yield made
    made.close()
    assert made.problems == []


@dataclass
class Desk:
    """A kiosk with a printer, 陈奶奶's lunch of tomorrow and her seat."""

    app: Flask
    cast: Cast
    clock: Clock
    printer: Printer
    kiosk: Kiosk
    meal: str
    meal_code: str
    pick_up: int
    seat: str
    device: int

    def done(self) -> BeautifulSoup:
        """The page after ordering, as she sees it."""
        return BeautifulSoup(self.kiosk.open(f"/c/shuibei/canteen/o/{self.meal}/done").text, "html.parser")

    def ask(self) -> None:
        """What the page does by itself, or a tap on its button."""
        self.done()
        assert self.kiosk.send("#paper-ask").status_code == 303

    def beat(self, patience: float = 6) -> int:
        with self.app.app_context():
            return print_due(patience)

    def slips(self) -> list[PaperSlip]:
        with self.app.app_context():
            return list(db.session.scalars(select(PaperSlip).order_by(PaperSlip.id)))

    def note(self) -> str:
        """What the page says about the printer."""
        found = self.done().select_one("#paper")
        assert found is not None
        return found.get_text(strip=True)

    def state(self) -> str | None:
        with self.app.app_context():
            return db.session.scalars(select(Device.printer_state).where(Device.id == self.device)).one()


@pytest.fixture
def desk(app: Flask, cast: Cast, clock: Clock, client: FlaskClient, printer: Printer) -> Desk:
    with app.app_context():
        meals = furnish(app, cast)
        meals.lunch(TUESDAY)
        clerk = db.session.scalars(select(Staff.id).where(Staff.email == cast.wu)).one()
        ledger.top_up(clerk, cast.shuibei, cast.chen, 4800)
        order = meals.order(cast.chen, TUESDAY, gateway="account")
        unit = db.session.scalars(
            select(Unit)
            .join(Space, Space.id == Unit.space_id)
            .where(Unit.code == "A3", Space.code == "reading")
        ).one()
        seat = book_seat(Actor("resident", cast.chen), cast.chen, unit, MORNING, at_kiosk=True)
        device = db.session.scalars(select(Device)).one()
        set_printer(OPERATOR, device, printer.address, 80)
        given = (order.number, order.code, order.pick_up, seat.number, device.id)
        db.session.remove()
    kiosk = Kiosk(client, cast)
    kiosk.scan(cast.chen_code)
    return Desk(app, cast, clock, printer, kiosk, *given)


# --- what comes out -------------------------------------------------------------------------------------------------


def test_the_slip_of_a_meal_comes_out_once(desk: Desk) -> None:
    assert "load" in str(desk.done().select_one("#paper-ask"))  # by itself, where there is script
    desk.ask()
    assert desk.note() == "正在打印小票…"
    assert desk.beat() == 1
    (slip,) = desk.printer.slips
    assert slip.codes() == slip.texts
    assert slip.texts[0].endswith(f"/q/{desk.meal_code}")
    assert desk.note() == "请拿好小票。"
    assert desk.beat() == 0
    assert len(desk.printer.slips) == 1
    (row,) = desk.slips()
    assert (row.body, row.next_try_at, row.tries) == (None, None, 1)
    assert row.printed_at is not None
    assert "load" not in str(desk.done().select_one("#paper-ask"))  # a reload prints nothing


def test_what_stands_on_it_is_what_stands_on_the_screen(desk: Desk) -> None:
    desk.ask()
    (row,) = desk.slips()
    body = str(row.body)
    page = desk.done().select_one(".meal-slip")
    assert page is not None
    screen = page.get_text(" ", strip=True)
    with desk.app.app_context():
        _head, words, _language = claim_paper(row.id) or pytest.fail("not claimed")
    assert words.big == str(desk.pick_up)
    for piece in (words.big, words.title, words.when, *(value for _label, value in words.rows)):
        assert piece in screen
    sums = [int(value.replace("¥", "").replace("−", "-").replace(".", "")) for _label, value in words.sums]
    assert sums == [1500, -500, 1000]
    assert sum(sums[:-1]) == sums[-1]
    assert {"饭卡已付", "本周还可补4次"} <= set(words.notes)
    assert "陈秀英" not in body
    assert not re.search(r"\bA5\b", body)  # the tier of her help


def test_the_balance_is_printed_only_where_the_screen_may_show_it(desk: Desk) -> None:
    desk.ask()
    shown = "余额" in desk.done().get_text()
    assert ("余额" in str(desk.slips()[0].body)) == shown


def test_the_slip_of_a_seat(desk: Desk) -> None:
    desk.kiosk.open(f"/c/shuibei/booking/b/{desk.seat}/done")
    desk.kiosk.send("#paper-ask")
    (row,) = desk.slips()
    assert "来签到" in str(row.body)
    assert desk.beat() == 1
    with desk.app.app_context():
        code = db.session.scalars(select(Booking).where(Booking.number == desk.seat)).one().code
    assert desk.printer.slips[0].codes()[0].endswith(f"/q/{code}")


def test_in_the_readers_language(desk: Desk) -> None:
    said = {}
    for nth, lang in enumerate(("zh_Hans", "zh_Hant", "en")):
        desk.kiosk.post("/kiosk/prefs", {"lang": lang})
        desk.done()
        desk.kiosk.send("#paper-ask", nth=str(nth))
        said[lang] = str(desk.slips()[-1].body)
    assert "取餐号" in said["zh_Hans"]
    assert "取餐號" in said["zh_Hant"]
    assert "Steamed sea bass" in said["en"]
    for _slip in range(3):
        desk.beat()
    assert len({slip.picture.tobytes() for slip in desk.printer.slips}) == 3


@SQLITE
@pytest.mark.parametrize(("mm", "dots"), [(58, 384), (80, 576)])
def test_as_wide_as_the_paper(desk: Desk, mm: int, dots: int) -> None:
    with desk.app.app_context():
        set_printer(OPERATOR, db.session.get_one(Device, desk.device), desk.printer.address, mm)
    desk.ask()
    desk.beat()
    assert desk.printer.wide == dots
    assert desk.printer.slips[0].codes()


def test_chinese_is_drawn_and_not_as_boxes() -> None:
    """Each sign has a shape of its own, and none the shape of what the type does not have."""
    box = paper._font(40, False, "zh_Hans").getmask("\U0010fffd")
    shapes = set()
    for sign in "取餐号清蒸鲈鱼座签到补余额¥鹏":
        mask = paper._font(40, False, "zh_Hans").getmask(sign)
        assert bytes(mask) != bytes(box)
        shapes.add(bytes(mask))
    assert len(shapes) == 15
    one, other = (
        paper.draw(Paper(big="17", title=title, when="", rows=[], link="x"), "水贝", 80, "zh_Hans")[0]
        for title in ("清蒸鲈鱼", "肉末蒸蛋")
    )
    assert one.size == other.size
    assert one.tobytes() != other.tobytes()
    assert paper.draw(SAMPLE, "水贝", 80, "zh_Hans")[0].tobytes() != one.tobytes()


def test_the_same_sign_is_drawn_otherwise_in_traditional() -> None:
    shapes = {bytes(paper._font(60, False, language).getmask("骨")) for language in ("zh_Hans", "zh_Hant")}
    assert len(shapes) == 2


def test_long_words_stay_on_the_paper() -> None:
    """The outermost dots of both sides are white but for the rule: nothing is cut off."""
    long = Paper(
        big="Community living room, whole room",
        title="A very long title of a meal " * 3,
        when="Wednesday 25 November, 11:30–12:30",
        rows=[("With it", "Choy sum, rice, rib soup, " * 4), ("一" * 30, "二" * 30)],
        notes=["三" * 50],
        link="x",
    )
    for mm in (58, 80):
        for picture in paper.draw(long, "水贝社区党群服务中心", mm, "en"):
            right = picture.convert("L").crop((picture.width - 1, 0, picture.width, picture.height))
            assert right.histogram()[0] < picture.height * 0.2
        below = paper.draw(long, "水贝", mm, "en")[1]
        assert below.height >= 2 * 28


# --- once -----------------------------------------------------------------------------------------------------------


def test_a_double_tap_prints_once_and_another_ask_again(desk: Desk) -> None:
    desk.done()
    page = desk.kiosk.page
    for _tap in range(2):
        desk.kiosk.page = page
        desk.kiosk.send("#paper-ask")
    # a second page of the same kiosk, with a request key of its own, asks for the same paper
    desk.done()
    desk.kiosk.send("#paper-ask", nth="0")
    assert len(desk.slips()) == 1
    desk.beat()
    button = desk.done().select_one("#paper-button")
    assert button is not None
    assert "再印一张" in button.get_text()
    desk.ask()
    assert len(desk.slips()) == 2
    assert desk.beat() == 1
    assert len(desk.printer.slips) == 2


def test_of_two_clocks_one_prints(desk: Desk) -> None:
    desk.ask()
    slip_id = desk.slips()[0].id
    claimed = together([apart(desk.app, lambda: claim_paper(slip_id)) for _clock in range(4)])
    assert sum(one is not None for one in claimed) == 1, claimed


def test_killed_between_printing_and_writing_it_down_it_prints_again_and_then_no_more(
    desk: Desk, database: str, tmp_path: Path
) -> None:
    desk.ask()
    desk.clock.share(tmp_path / "killed.json")
    code = (
        "import json,sys,os,signal\n"
        "from pathlib import Path\n"
        "from app import create_app\n"
        "from kiosk import jobs\n"
        "from kiosk.services import printing\n"
        "from tests.support.clock import FileClock\n"
        "from tests.support.databases import settings\n"
        "app = create_app(settings(sys.argv[1], Path(sys.argv[2]), CLOCK=FileClock(Path(sys.argv[3]))))\n"
        "printing.note_paper = lambda *_said: os.kill(os.getpid(), signal.SIGKILL)\n"
        "with app.app_context():\n"
        "    jobs.print_due(6)\n"
    )
    given = [database, str(tmp_path), str(tmp_path / "killed.json")]
    root = Path(__file__).parents[1]
    died = subprocess.run([sys.executable, "-c", code, *given], cwd=root, check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert len(desk.printer.slips) == 1
    assert desk.beat() == 0  # it is claimed still
    desk.clock.advance(seconds=11)
    assert desk.beat() == 1
    desk.clock.advance(seconds=11)
    assert desk.beat() == 0
    assert len(desk.printer.slips) == 2


# --- nothing comes out ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "state", "words"),
    [
        ("no_paper", "no_paper", "打印机没纸了。请拍下屏幕上的码，或找工作人员。"),
        ("ends", "no_paper", "打印机没纸了。请拍下屏幕上的码，或找工作人员。"),
        ("cover", "away", "打印机暂时不能用。请拍下屏幕上的码，或找工作人员。"),
    ],
)
def test_a_printer_that_cannot_is_told_and_tried_again(desk: Desk, how: str, state: str, words: str) -> None:
    desk.printer.state = how
    desk.ask()
    assert desk.beat() == 0
    assert desk.state() == state
    assert desk.note() == words
    button = desk.done().select_one("#paper-button")
    assert button is not None
    assert button["type"] == "button"  # it is tried again by itself: no second ask meanwhile
    with desk.app.app_context():
        (alarm,) = _printers(db.session.get_one(Device, desk.device).centre)
    assert alarm.level == "err"
    desk.printer.state = "ok"
    desk.clock.advance(seconds=4)
    assert desk.beat() == 1
    assert desk.note() == "请拿好小票。"
    assert desk.state() == "ok"
    with desk.app.app_context():
        assert _printers(db.session.get_one(Device, desk.device).centre) == []


def test_after_a_minute_nothing_comes_out_for_a_stranger(desk: Desk) -> None:
    desk.printer.state = "no_paper"
    desk.ask()
    desk.beat()
    desk.clock.advance(seconds=61)
    desk.printer.state = "ok"
    assert desk.beat() == 0
    assert desk.printer.slips == []
    (row,) = desk.slips()
    assert (row.body, row.error) == (None, "no_paper")
    assert row.given_up_at is not None


@pytest.mark.parametrize("how", ["button", "next"])
def test_the_end_of_a_visit_drops_what_waits(desk: Desk, how: str) -> None:
    desk.ask()
    if how == "button":
        desk.kiosk.post("/kiosk/wipe", {})
    else:  # somebody else is known at the same screen
        with desk.app.app_context():
            begin_visit(desk.cast.shuibei, desk.device)
    assert desk.beat() == 0
    assert desk.printer.slips == []
    assert desk.slips()[0].body is None


def test_low_paper_prints_and_is_told_to_staff(desk: Desk) -> None:
    desk.printer.state = "low"
    desk.ask()
    assert desk.beat() == 1
    with desk.app.app_context():
        (alarm,) = _printers(db.session.get_one(Device, desk.device).centre)
    assert alarm.level == "warn"


def test_one_that_falls_silent_after_it_took_all_is_not_sent_it_twice(desk: Desk) -> None:
    desk.printer.state = "mute"
    desk.ask()
    assert desk.beat() == 1
    assert desk.state() == "away"


def test_a_silent_printer_costs_three_seconds_and_nobody_elses_slip(desk: Desk) -> None:
    silent = Printer("silent")
    with desk.app.app_context():
        other, _secret = pair(make_pairing_code(OPERATOR, desk.cast.shuibei, "2号一体机"))
        set_printer(OPERATOR, other, silent.address, 58)
        ask_paper(other, "another code", 0, SAMPLE)
    desk.ask()
    began = time.perf_counter()
    assert desk.beat(1.5) == 1
    assert time.perf_counter() - began < 2.5  # the beat goes on
    assert len(desk.printer.slips) == 1
    assert desk.beat(6) == 0
    assert 2.5 < time.perf_counter() - began < 4.5
    with desk.app.app_context():
        states = dict(db.session.execute(select(Device.name, Device.printer_state)).all())
    assert states["2号一体机"] == "away"
    silent.close()


def test_a_printer_that_is_not_there(desk: Desk) -> None:
    desk.printer.close()
    desk.ask()
    assert desk.beat() == 0
    assert desk.state() == "away"


def test_a_printer_taken_away_and_a_kiosk_revoked_leave_nothing_waiting(desk: Desk) -> None:
    desk.ask()
    with desk.app.app_context():
        set_printer(OPERATOR, db.session.get_one(Device, desk.device), "", 80)
    assert desk.slips()[0].body is None
    assert desk.done().select_one("#paper-ask") is None
    with desk.app.app_context():
        device = db.session.get_one(Device, desk.device)
        set_printer(OPERATOR, device, desk.printer.address, 80)
        ask_paper(device, "a code", 0, SAMPLE)
        revoke_device(OPERATOR, device)
    assert desk.beat() == 0
    assert [slip.body for slip in desk.slips()] == [None, None]


def test_without_a_type_nothing_is_printed_and_the_doctor_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forget() -> None:
        paper._file.cache_clear()
        paper._font.cache_clear()

    with monkeypatch.context() as patched:
        patched.setattr(paper, "FOLDERS", ("/nowhere",))
        forget()
        desk.ask()
        assert desk.beat() == 0
        assert desk.printer.slips == []
        assert desk.slips()[0].error == "no_font"
        assert desk.note().startswith("打印机暂时不能用")
        with desk.app.app_context():
            found = [check for check in examine() if "fonts-noto-cjk" in check.advice]
        assert [check.ok for check in found] == [False]
    forget()


def test_the_doctor_asks_every_printer(desk: Desk) -> None:
    def found() -> tuple[bool, str]:
        with desk.app.app_context():
            (check,) = [check for check in examine() if desk.printer.address in check.what]
        return check.ok, check.advice

    assert found()[0]
    desk.printer.state = "no_paper"
    assert found() == (False, "put paper in")
    desk.printer.state = "cover"
    assert "its cover is open" in found()[1]


def test_the_clock_asks_how_they_are_while_nobody_prints(desk: Desk) -> None:
    for how in ("low", "no_paper", "ok"):
        desk.printer.state = how
        with desk.app.app_context():
            ask_printers()
        desk.beat()
        assert desk.state() == how


@SQLITE
def test_yesterdays_slips_are_forgotten(desk: Desk) -> None:
    desk.ask()
    desk.beat()
    with desk.app.app_context():
        forget_paper()
        assert db.session.scalar(select(func.count()).select_from(PaperSlip)) == 1
        desk.clock.advance(days=1, seconds=1)
        forget_paper()
        assert db.session.scalar(select(func.count()).select_from(PaperSlip)) == 0


# --- who ------------------------------------------------------------------------------------------------------------


def test_another_kiosk_prints_nothing_of_it(desk: Desk, app: Flask) -> None:
    with app.app_context():
        far, secret = pair(make_pairing_code(OPERATOR, desk.cast.sungang, "笋岗一体机"))
        set_printer(OPERATOR, far, desk.printer.address, 80)
        db.session.remove()
    other = app.test_client()
    other.set_cookie(DEVICE_COOKIE, secret)
    token = re.search(r'name="csrf_token" value="([^"]+)"', other.get("/kiosk/display").text)
    assert token
    fields = {"csrf_token": token[1], "request_key": "a-key-of-this-test", "nth": "0"}
    answer = other.post(f"/q/{desk.meal_code}/paper", data=fields)
    assert answer.status_code >= 400
    assert desk.slips() == []


def test_a_phone_sees_none_of_it_and_a_kiosk_without_a_printer_neither(desk: Desk, app: Flask) -> None:
    phone = app.test_client()
    assert "paper-ask" not in phone.get(f"/q/{desk.meal_code}/done").text
    assert phone.get(f"/q/{desk.meal_code}/paper").status_code == 403
    assert "paper-ask" in str(desk.done())
    with app.app_context():
        set_printer(OPERATOR, db.session.get_one(Device, desk.device), "", 80)
    assert "paper" not in [part.get("id") for part in desk.done().select("form")]
    desk.done()
    fields = {"nth": "0", "request_key": "a-key-of-this-test"}
    assert desk.kiosk.post(f"/q/{desk.meal_code}/paper", fields).status_code >= 400


def test_what_was_given_back_is_not_printed(desk: Desk) -> None:
    page = desk.kiosk.open(f"/c/shuibei/canteen/o/{desk.meal}/done")
    with desk.app.app_context(), unit_of_work():
        db.session.execute(update(MealOrder).where(MealOrder.number == desk.meal).values(state="cancelled"))
    desk.kiosk.page = page
    assert desk.kiosk.send("#paper-ask").status_code >= 400
    assert desk.slips() == []


def test_where_the_policy_says_asked_the_page_waits_for_a_tap(desk: Desk) -> None:
    with desk.app.app_context():
        set_policy(OPERATOR, desk.cast.shuibei, "kiosk.prints", "asked", date(2026, 11, 23))
    form = desk.done().select_one("#paper-ask")
    assert form is not None
    assert form["hx-trigger"] == "submit"
    assert "印小票" in form.get_text()
    desk.ask()
    assert desk.beat() == 1


def test_the_page_asks_every_second_and_hears_only_news(desk: Desk) -> None:
    desk.ask()
    note = desk.done().select_one("#paper [hx-get]")
    assert note is not None
    assert note["hx-trigger"] == "every 1s"
    asked = str(note["hx-get"])
    assert desk.kiosk.client.get(asked).status_code == 204
    desk.beat()
    fresh = BeautifulSoup(desk.kiosk.client.get(asked).text, "html.parser")
    said = fresh.select_one("[data-paper]")
    assert said is not None
    assert said["data-paper"] == "printed"
    assert not said.has_attr("hx-get")
    form = fresh.select_one("#paper-ask")
    assert form is not None
    assert form["hx-swap-oob"] == "true"


@SQLITE
def test_an_unlikely_ask_is_refused(desk: Desk) -> None:
    for nth in ("-1", "21", "x", "9" * 30):
        desk.done()
        assert desk.kiosk.send("#paper-ask", nth=nth).status_code == 404
    assert desk.slips() == []


# --- where a printer may stand --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("192.168.1.50", ("192.168.1.50", 9100)),
        (" Printer.lan:9101 ", ("printer.lan", 9101)),
        ("p-1:1", ("p-1", 1)),
        ("10.0.0.7:65535", ("10.0.0.7", 65535)),
    ],
)
def test_an_address_is_read(text: str, found: tuple[str, int]) -> None:
    assert printer_address(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "", ":9100", "10.0.0.7:0", "10.0.0.7:65536", "10.0.0.7:", "10.0.0.7:x", "10.0.0.7:９１００", "::1",
        "[::1]:9100", "http://10.0.0.7", "10.0.0.7/x", "user@host", "a b", "2130706433", "127.1", "0x7f.1",
        "010.0.0.1", "-a", "a-", "ho\nst", "a..b", "x" * 70, "10.0.0.7:9100:1",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    try:
        found = printer_address(text)
    except ValueError:
        return
    pytest.fail(f"taken for {found}")


@pytest.mark.parametrize(
    ("host", "demo", "production"),
    [
        ("192.168.1.50", True, True),
        ("10.1.2.3", True, True),
        ("printer.lan", True, True),
        ("127.0.0.1", True, False),
        ("127.9.9.9", True, False),
        ("localhost", True, False),
        ("a.localhost", True, False),
        ("169.254.169.254", False, False),
        ("169.254.1.1", False, False),
        ("100.100.100.200", False, False),
        ("0.0.0.0", False, False),
        ("224.0.0.1", False, False),
        ("255.255.255.255", False, False),
    ],
)
def test_where_a_printer_may_stand(host: str, demo: bool, production: bool) -> None:
    assert may_print_at(host, inside=True) == demo
    assert may_print_at(host, inside=False) == production


def test_a_name_that_leads_here_is_not_spoken_to_in_production(
    monkeypatch: pytest.MonkeyPatch, printer: Printer
) -> None:
    monkeypatch.setattr(paper.Where, "inside", False)
    port = int(printer.address.rpartition(":")[2])
    here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_asked, **_more: here)
    said = paper.speak(f"printer.lan:{port}")
    assert (said.state, printer.asked) == ("away", 0)
    assert "none where a printer may stand" in said.why
    monkeypatch.setattr(paper.Where, "inside", True)
    assert paper.speak(f"printer.lan:{port}").state == "ok"


DEVICES = "/staff/c/shuibei/devices"


def test_managers_set_a_printer_and_it_is_audited(house: House, printer: Printer) -> None:
    url = f"{DEVICES}/{house.values['device_id']}"
    assert (
        house.post(house.client("front"), f"{url}/printer", {"printer": printer.address}).status_code == 404
    )
    manager = house.client("manager")
    for wrong in ("http://x", "169.254.169.254"):
        answer = house.post(manager, f"{url}/printer", {"printer": wrong, "paper_mm": "80"})
        assert answer.status_code == 422
    assert house.post(manager, f"{url}/printer", {"printer": "p.lan", "paper_mm": "70"}).status_code == 422
    fields = {"printer": printer.address, "paper_mm": "58"}
    assert house.post(manager, f"{url}/printer", fields).status_code == 303
    with house.app.app_context():
        device = db.session.get_one(Device, int(house.values["device_id"]))
        assert (device.printer, device.paper_mm, device.printer_state) == (printer.address, 58, None)
        assert "device.printer" in set(db.session.scalars(select(Audit.verb)))
    page = house.client("front").get(DEVICES).text
    assert printer.address in page
    assert "还没问过" in page
    assert f"{url}/printer" not in page
    assert f"{url}/printer" in manager.get(DEVICES).text
    assert house.post(house.client("front"), f"{url}/paper").status_code == 303
    with house.app.app_context():
        assert print_due(6) == 1
    assert printer.slips[0].codes()
    assert "正常" in house.client("front").get(DEVICES).text


def test_production_refuses_this_machine(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper.Where, "inside", False)
    url = f"{DEVICES}/{house.values['device_id']}/printer"
    for place in ("127.0.0.1", "localhost:5432"):
        answer = house.post(house.client("manager"), url, {"printer": place, "paper_mm": "80"})
        assert answer.status_code == 422


def test_the_heartbeat_says_how_the_printer_is(desk: Desk) -> None:
    desk.ask()
    desk.beat()
    token = desk.done().select_one("input[name=csrf_token]")
    assert token is not None
    head = {"X-CSRFToken": str(token["value"])}
    said = desk.kiosk.client.post("/kiosk/heartbeat", json={}, headers=head).json
    assert (said or {})["printer"] == "ok"


@SQLITE
def test_the_policy_takes_one_of_its_words(house: House) -> None:
    manager = house.client("manager")
    form = {"name": "kiosk.prints", "from": "2026-12-01"}
    for value, status in (("asked", 303), ("always", 303), ("never", 422), ("", 422)):
        answer = house.post(manager, "/staff/c/shuibei/settings/policies", {**form, "value": value})
        assert answer.status_code == status


@SQLITE
def test_a_slip_without_a_printer_is_refused(inside: Flask, cast: Cast) -> None:
    device = db.session.scalars(select(Device)).one()
    assert refusal(lambda: ask_paper(device, "a code", 0, SAMPLE)) == "no_printer"


@pytest.mark.parametrize(
    "wrong",
    [
        {"body": None},
        {"next_try_at": None},
        {"printed_at": "now"},
        {"printed_at": "now", "given_up_at": "now", "body": None, "next_try_at": None},
    ],
)
def test_the_database_refuses_half_states(
    inside: Flask, cast: Cast, clock: Clock, wrong: dict[str, object]
) -> None:
    device = db.session.scalars(select(Device)).one()
    set_printer(OPERATOR, device, "10.0.0.7", 80)
    ask_paper(db.session.scalars(select(Device)).one(), "a code", 0, SAMPLE)
    values = {name: clock() if value == "now" else value for name, value in wrong.items()}
    with pytest.raises(Exception, match="ck_paper_slip"), unit_of_work():
        db.session.execute(update(PaperSlip).values(**values))


def test_no_web_process_loads_what_prints() -> None:
    """The library is for the clock alone."""
    code = "import sys, app; app.create_app({'DATA_DIR': sys.argv[1]}); print('escpos' in sys.modules)"
    root = Path(__file__).parents[1]
    env = {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error"}
    said = subprocess.run(
        [sys.executable, "-c", code, "instance"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )
    assert said.stdout.strip() == "False", said.stderr[-800:]
