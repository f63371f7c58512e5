"""The whole journey with a finger: home, seat, card, confirmed, slip, there, gone; and nothing leaves the house."""

import gzip
import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.browser.kiosk import At, kiosk
from tests.support.browser import PHONE, Screens
from tests.support.cast import PIN, Cast
from tests.support.clock import Clock
from tests.support.server import Server

MOST_TAPS = 8
SQLITE = pytest.mark.databases("sqlite")


def choose_a_seat(at: At) -> None:
    """From the home to the held seat."""
    at.tap("订座位")
    at.title("想去哪里坐")
    at.tap("图书馆阅览室")
    at.title("哪天来")
    at.tap("明天")
    at.title("选个座位")
    at.tap("就坐 ")


def count_bookings(url: str) -> int:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        return int(connection.execute("SELECT count(*) FROM booking").fetchone()[0])


def test_a_seat_by_card_in_few_taps_and_checked_in_with_the_slip(at: At, cast: Cast, clock: Clock) -> None:
    choose_a_seat(at)
    at.title("请刷一下您的卡")
    at.type_scan(cast.chen_code)
    at.title("请您看一遍")
    expect(at.page.locator(".answers")).to_contain_text("陈*英")
    at.tap("确认预约")
    at.title("约好了")
    assert at.taps <= MOST_TAPS
    slip = next(code for code in at.codes() if "/q/" in code)
    at.tap("办完了，退出")
    at.title("今天想办什么")
    expect(at.page.locator("body")).not_to_contain_text("陈")

    clock.set("2026-11-24 08:40")
    at.open()
    at.type_scan(slip)
    at.title("图书馆阅览室")
    at.tap("我到了")
    expect(at.page.locator(".steps")).to_contain_text("您正在用")
    at.tap("我走了")
    expect(at.page.locator(".steps")).to_contain_text("您已经走了")


@SQLITE
def test_a_double_tap_books_once(at: At, cast: Cast, database: str) -> None:
    choose_a_seat(at)
    at.title("请刷一下您的卡")
    at.type_scan(cast.chen_code)
    at.title("请您看一遍")
    at.page.locator(".actions .primary").dblclick()
    at.title("约好了")
    assert count_bookings(database) == 1


@SQLITE
def test_a_form_that_arrives_twice_books_once(at: At, cast: Cast, database: str) -> None:
    """As when the line stumbles: the same form, sent again by hand, gets the same answer."""
    choose_a_seat(at)
    at.title("请刷一下您的卡")
    at.type_scan(cast.chen_code)
    at.title("请您看一遍")
    arrived = at.page.evaluate(
        """async () => {
          const form = document.querySelector("form[action$='/confirm']");
          const send = () => fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
          return (await Promise.all([send(), send(), send()])).map((answer) => [answer.url, answer.status]);
        }"""
    )
    places = {url for url, status in arrived if status == 200}
    assert len(places) == 1, arrived
    assert count_bookings(database) == 1


@SQLITE
def test_nothing_is_asked_twice_in_a_visit(at: At, cast: Cast) -> None:
    choose_a_seat(at)
    at.title("请刷一下您的卡")
    at.type_scan(cast.chen_code)
    at.title("请您看一遍")
    at.tap("确认预约")
    at.title("约好了")
    at.open()
    at.tap("我的")
    expect(at.page.locator(".things")).to_contain_text("图书馆阅览室")
    at.open("/c/shuibei/booking/spaces/reading/2026-11-25/")
    at.tap("就坐 ")
    at.title("请您看一遍")


@SQLITE
def test_the_seat_that_was_held_comes_back_when_it_is_not_wanted(at: At, cast: Cast) -> None:
    choose_a_seat(at)
    at.title("请刷一下您的卡")
    at.type_scan(cast.chen_code)
    at.title("请您看一遍")
    at.tap("不约了，放开座位")
    at.title("今天想办什么")
    at.open("/c/shuibei/booking/check/")
    at.title("座位已释放")


@SQLITE
def test_somebody_else_was_faster_and_there_are_ways_on(
    server: Server, screens: Screens, at: At, cast: Cast
) -> None:
    at.open("/c/shuibei/booking/spaces/reading/2026-11-24/?from=09:00&to=13:00&seat=A3")
    other = phone(screens, server)
    sign_in(other)
    other.goto("/c/shuibei/booking/spaces/reading/2026-11-24/?from=09:00&to=13:00&seat=A3")
    other.get_by_role("button", name="就坐 A3，下一步").tap()
    expect(other.locator("h1")).to_contain_text("请您看一遍")
    at.tap("就坐 A3")
    at.title("A3")
    expect(at.page.locator(".notice")).to_contain_text("没有做错")
    assert at.page.locator(".main .choice").count() == 3
    at.tap(at.page.locator(".main .choice").first)
    at.title("选个座位")


# --- on the phone ---------------------------------------------------------------------------------------------------


def phone(screens: Screens, server: Server) -> Page:
    return screens.open(PHONE, base_url=server.url, is_mobile=True)


def sign_in(page: Page, number: str = "13800001187", pin: str = PIN) -> None:
    page.goto("/c/shuibei/identify/phone")
    page.get_by_label("手机号码").fill(number)
    page.get_by_role("button", name="下一步").tap()
    page.get_by_label("密码", exact=True).fill(pin)
    page.get_by_role("button", name="下一步").tap()
    expect(page.locator("h1")).to_contain_text("我的")


@SQLITE
def test_a_seat_on_the_phone_with_number_and_pin(
    server: Server, screens: Screens, cast: Cast, clock: Clock
) -> None:
    page = phone(screens, server)
    at = At(page)
    at.open("/c/shuibei/")
    choose_a_seat(at)
    at.title("请刷一下您的卡")
    at.tap("用手机号")
    page.get_by_label("手机号码").fill("13800001187")
    at.tap("下一步")
    page.get_by_label("密码", exact=True).fill(PIN)
    at.tap("下一步")
    at.title("请您看一遍")
    at.tap("确认预约")
    at.title("约好了")
    at.tap("看我的预约")
    expect(page.locator(".things")).to_contain_text("图书馆阅览室")
    clock.set("2026-11-24 08:40")
    sign_in(page)
    at.tap(page.locator(".things .choice").first)
    at.tap("我到了")
    expect(page.locator(".steps")).to_contain_text("您正在用")


@SQLITE
def test_a_phone_may_be_enlarged_and_a_kiosk_may_not(server: Server, screens: Screens, cast: Cast) -> None:
    small, big = phone(screens, server), kiosk(screens, server, cast).page
    small.goto("/c/shuibei/")
    touch = "() => getComputedStyle(document.querySelector('h1')).touchAction"
    assert small.evaluate(touch) == "auto"
    assert "maximum-scale" not in str(small.locator("meta[name=viewport]").get_attribute("content"))
    assert big.evaluate(touch) == "pan-x pan-y"


@SQLITE
def test_scripts_are_few(server: Server, at: At, screens: Screens) -> None:
    """Kilobytes as they travel: at most 150 on the kiosk and 100 on the phone."""
    assert script_bytes(at.page, server) <= 150_000
    page = phone(screens, server)
    page.goto("/c/shuibei/")
    assert script_bytes(page, server) <= 100_000


def script_bytes(page: Page, server: Server) -> int:
    total = 0
    for address in page.evaluate("() => [...document.scripts].map((script) => script.src)"):
        total += len(gzip.compress(page.request.get(address).body()))
    assert total > 0
    return total
