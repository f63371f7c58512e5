"""Paper with a finger: it comes out by itself, what the page says meanwhile, and where that stands on every screen."""

from collections.abc import Callable, Iterator
from datetime import date

import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import select, update

from booking.models import Space, Unit
from booking.services.book import book_seat
from canteen.services import ledger
from core.area import Paper
from core.audit import OPERATOR, Actor
from core.database import db, unit_of_work
from kiosk.jobs import print_due
from kiosk.models import Device, PaperSlip
from kiosk.services.printing import ask_paper, give_up_old, set_printer
from people.models import Staff
from tests.browser.kiosk import At, kiosk
from tests.browser.sights import PREFS, Sight
from tests.browser.test_calls import staff
from tests.browser.test_pages import LANGUAGES, MODES, axe, look
from tests.support.browser import DESK, LANDSCAPE, PORTRAIT, Screens
from tests.support.cast import Cast
from tests.support.hall import ALL, MORNING
from tests.support.meals import Meals, furnish
from tests.support.printer import Printer
from tests.support.server import Server

TUESDAY = date(2026, 11, 24)
SQLITE = pytest.mark.databases("sqlite")


@pytest.fixture
def printer(app: Flask, cast: Cast) -> Iterator[Printer]:
    """Beside the kiosk of 水贝."""
    made = Printer()
    with app.app_context():
        set_printer(OPERATOR, db.session.scalars(select(Device)).one(), made.address, 80)
        db.session.remove()
    yield made
    made.close()
    assert made.problems == []


@pytest.fixture
def meals(app: Flask, cast: Cast) -> Meals:
    with app.app_context():
        made = furnish(app, cast)
        made.lunch(TUESDAY)
        clerk = db.session.scalars(select(Staff.id).where(Staff.email == cast.wu)).one()
        ledger.top_up(clerk, cast.shuibei, cast.chen, 4800)
        db.session.remove()
    return made


@pytest.fixture
def beat(app: Flask) -> Callable[[], int]:
    """What the clock does every second."""

    def once() -> int:
        with app.app_context():
            return print_due(6)

    return once


def test_the_slip_of_a_lunch_comes_out_by_itself(
    meals: Meals, at: At, cast: Cast, printer: Printer, beat: Callable[[], int]
) -> None:
    at.open()
    at.tap("订午餐")
    at.title("明天吃什么")
    at.tap("订清蒸鲈鱼")
    at.title("您是哪一位")
    at.type_scan(cast.chen_code)
    at.title("请您看一遍")
    at.tap("确认订餐")
    at.title("订好了")
    note, button = at.page.locator("#paper"), at.page.locator("#paper-button")
    expect(note).to_have_text("正在打印小票…")
    expect(button).to_have_text("正在打印")
    focused = at.page.evaluate("document.activeElement.tagName")
    assert beat() == 1
    expect(note).to_have_text("请拿好小票。")
    assert at.page.evaluate("document.activeElement.tagName") == focused
    (slip,) = printer.slips
    shown = [code for code in at.codes() if "/q/M" in code]
    assert slip.codes() == shown
    number = at.page.locator(".pick-up b").inner_text()
    assert slip.ink() > 5000
    at.page.reload()
    expect(note).to_have_text("请拿好小票。")
    assert beat() == 0
    at.tap("再印一张")
    expect(note).to_have_text("正在打印小票…")
    assert beat() == 1
    expect(note).to_have_text("请拿好小票。")
    first, second = printer.slips
    assert first.picture.tobytes() == second.picture.tobytes(), number
    at.tap("退出")
    at.title("好")
    expect(at.page.locator("#paper")).to_be_empty()


@SQLITE
def test_without_paper_the_page_says_so_and_the_code_stays(
    meals: Meals, at: At, app: Flask, cast: Cast, printer: Printer, beat: Callable[[], int]
) -> None:
    with app.app_context():
        number = meals.order(cast.chen, TUESDAY, gateway="account").number
        db.session.remove()
    printer.state = "no_paper"
    at.type_scan(cast.chen_code)
    at.title("今天和明天")
    at.open(f"/c/shuibei/canteen/o/{number}/done")
    note = at.page.locator("#paper")
    expect(note).to_have_text("正在打印小票…")
    assert beat() == 0
    expect(note).to_contain_text("没纸了")
    assert any("/q/M" in code for code in at.codes())
    assert axe(at.page, "kiosk", "normal") == []


@SQLITE
@pytest.mark.parametrize("size", [PORTRAIT, LANDSCAPE], ids=["upright", "lying"])
def test_it_fits_every_screen(
    meals: Meals, screens: Screens, server: Server, app: Flask, cast: Cast, printer: Printer, size: tuple[int, int]
) -> None:  # fmt: skip
    with app.app_context():
        order = meals.order(cast.chen, TUESDAY, gateway="account")
        query = select(Unit).join(Space, Space.id == Unit.space_id)
        unit = db.session.scalars(query.where(Unit.code == "A3", Space.code == "reading")).one()
        seat = book_seat(Actor("resident", cast.chen), cast.chen, unit, MORNING, at_kiosk=True)
        pages = {
            "meal": f"/c/shuibei/canteen/o/{order.number}/done",
            "seat": f"/c/shuibei/booking/b/{seat.number}/done",
        }
        device = db.session.scalars(select(Device)).one()
        for code in (
            order.code,
            seat.code,
        ):  # given up: the sentence is the longest, and no poll is cut off below
            ask_paper(device, code, 0, Paper(big="1", title="", when="", rows=[], link="x"))
        give_up_old(db.session.scalars(select(PaperSlip.id)).all(), "no_paper")
        db.session.remove()
    at = kiosk(screens, server, cast, size)
    at.type_scan(cast.chen_code)
    at.title("今天和明天")
    found = []
    for mode, prefs in MODES.items():
        for lang in LANGUAGES if ALL else ("zh_Hans", "en"):
            at.open("/kiosk/display")
            token = at.page.locator("[name=csrf_token]").first.get_attribute("value") or ""
            form: dict[str, str | float | bool] = {**PREFS, **prefs, "lang": lang, "csrf_token": token}
            at.page.request.post(f"{server.url}/kiosk/prefs", form=form)
            for name, path in pages.items():
                at.open(path)
                expect(at.page.locator("#paper [data-paper=no_paper]")).to_be_visible()
                faults = look(at.page, "kiosk", size, mode, Sight(name, "kiosk-card", path))
                found += [f"{mode} {lang} {name}: {fault}" for fault in faults]
    assert not found, "\n".join(found)


@SQLITE
def test_a_manager_sets_it_up_and_staff_see_that_paper_ended(
    screens: Screens, server: Server, app: Flask, cast: Cast, printer: Printer, beat: Callable[[], int]
) -> None:
    with app.app_context(), unit_of_work():  # in demo mode the demo's people need no code on a phone
        db.session.execute(update(Staff).where(Staff.email == cast.manager).values(is_demo=True))
    page = staff(screens, server, cast.manager)
    page.goto("/staff/c/shuibei/devices")
    page.get_by_text("设打印机").click()
    page.get_by_label("地址").fill(printer.address)
    page.get_by_label("纸宽").select_option("58")
    devices = Sight("devices", "staff-manager", "/staff/c/shuibei/devices")
    assert look(page, "staff", DESK, "normal", devices) == []
    assert axe(page, "staff", "normal") == []
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#main")).to_contain_text("还没问过")
    with page.expect_response("**/paper"):
        page.get_by_role("button", name="打一张试试").click()
    assert beat() == 1
    assert (len(printer.slips), printer.wide) == (1, 384)
    printer.state = "no_paper"
    with page.expect_response("**/paper"):
        page.get_by_role("button", name="打一张试试").click()
    assert beat() == 0
    page.goto("/staff/c/shuibei/devices")
    expect(page.locator("#main")).to_contain_text("没纸了")
    page.goto("/staff/c/shuibei/today")
    expect(page.locator(".alarm")).to_contain_text("1号一体机的打印机没纸了")
    expect(page.get_by_role("link", name="看设备")).to_have_attribute("href", "/staff/c/shuibei/devices")
