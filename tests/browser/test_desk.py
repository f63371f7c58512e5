"""At the desk: sign in, the day's board, book for somebody, check in, cancel with a reason."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_calls import staff
from tests.support.browser import Screens
from tests.support.cast import Cast
from tests.support.server import Server

pytestmark = pytest.mark.databases("sqlite")
BOARD = "/staff/c/shuibei/booking/reading/{day}?resident={resident}"


@pytest.fixture
def desk(server: Server, screens: Screens, cast: Cast) -> Page:
    return staff(screens, server, cast.wu)


def book(page: Page, cast: Cast, day: str, start: str, end: str, seat: str) -> None:
    page.goto(BOARD.format(day=day, resident=cast.chen))
    form = page.locator("form[action$='/book']")
    form.locator("[name=from]").fill(start)
    form.locator("[name=to]").fill(end)
    form.locator("[name=seat]").select_option(seat)
    form.locator(".primary").click()
    expect(page.locator("h1")).to_contain_text(f"{seat} ")


def test_the_today_page_says_what_is_to_be_done(desk: Page) -> None:
    expect(desk.locator("h1")).to_contain_text("11月23日")
    expect(desk.locator("#main")).to_contain_text("现在没有要办的")
    expect(desk.locator("#main")).to_contain_text("1号一体机")


def test_book_for_somebody_check_in_and_see_it_on_the_board(desk: Page, cast: Cast) -> None:
    book(desk, cast, "2026-11-23", "10:00", "12:00", "A3")
    desk.get_by_role("button", name="签到").click()
    expect(desk.locator(".page-head")).to_contain_text("在座")
    desk.goto("/staff/c/shuibei/booking/")
    expect(desk.locator("#main")).to_contain_text("陈*英")
    desk.goto("/staff/c/shuibei/today")
    expect(desk.locator(".figures")).to_contain_text("1 /")


def test_cancelling_asks_for_a_reason_and_the_resident_reads_it(desk: Page, cast: Cast) -> None:
    book(desk, cast, "2026-11-24", "09:00", "11:00", "C3")
    reason = desk.locator("form[action$='/cancel'] [name=reason]")
    expect(reason).to_have_attribute("required", "")
    reason.fill("空调坏了")
    desk.locator("form[action$='/cancel'] [type=submit]").click()
    expect(desk.locator("#main")).to_contain_text("空调坏了")
