"""A kiosk forgets whoever leaves: it warns, counts, wipes; and nothing of the person stays behind."""

import pytest
from playwright.sync_api import Page, expect

from kiosk.session import DEVICE_COOKIE
from tests.browser.kiosk import At
from tests.support.cast import Cast
from tests.support.server import Server

pytestmark = pytest.mark.databases("sqlite")
PERSONAL = ("陈", "1187", "C-00003026")


@pytest.fixture
def timed(at: At) -> Page:
    """The kiosk with a browser clock that the test moves."""
    at.page.clock.install()
    at.open()
    return at.page


def warned(page: Page) -> bool:
    return bool(page.evaluate("() => Boolean(document.querySelector('#idle')?.open)"))


def pass_seconds(page: Page, seconds: int) -> None:
    page.clock.run_for(seconds * 1000)


def test_the_home_waits_for_ever(timed: Page) -> None:
    pass_seconds(timed, 200)
    assert timed.locator("#idle").count() == 0
    expect(timed.locator("h1")).to_contain_text("今天想办什么")


def test_warned_after_a_minute_and_after_half_where_personal_things_show(
    timed: Page, at: At, cast: Cast
) -> None:
    at.open("/c/shuibei/booking/")
    pass_seconds(timed, 58)
    assert not warned(timed)
    pass_seconds(timed, 3)
    assert warned(timed)
    timed.get_by_role("button", name="我还在").tap()
    at.open("/c/shuibei/my/")
    at.title("请刷一下您的卡")
    at.type_scan(cast.chen_code)
    expect(timed.locator("h1")).to_contain_text("我的")
    pass_seconds(timed, 28)
    assert not warned(timed)
    pass_seconds(timed, 3)
    assert warned(timed)
    assert timed.locator("[data-idle-left]").inner_text() in {"29", "30"}


def test_extended_ten_times(timed: Page, at: At) -> None:
    at.open("/c/shuibei/booking/")
    for _time in range(10):
        pass_seconds(timed, 75)
        assert warned(timed)
        timed.get_by_role("button", name="我还在").tap()
        assert not warned(timed)
    expect(timed.locator("h1")).to_contain_text("想去哪里坐")


def test_nobody_answers_and_everything_is_forgotten(timed: Page, at: At, cast: Cast, server: Server) -> None:
    at.page.context.request.post(
        f"{server.url}/kiosk/prefs",
        form={"csrf_token": token(timed), "text": "elder", "contrast": "high", "reach": "low"},
    )
    at.open("/c/shuibei/my/")
    at.type_scan(cast.chen_code)
    expect(timed.locator("h1")).to_contain_text("我的")
    expect(timed.locator(".lead")).to_contain_text("陈*英")
    before = cookies(timed)
    assert timed.locator("html").get_attribute("data-text") == "elder"
    pass_seconds(timed, 31)
    assert warned(timed)
    with timed.expect_navigation(url="**/kiosk/"):
        pass_seconds(timed, 31)
    expect(timed.locator("h1")).to_contain_text("今天想办什么")

    # preferences are back to default, the enrolment is still there
    root = timed.locator("html")
    for name, value in (("text", "normal"), ("contrast", "normal"), ("reach", "normal")):
        assert root.get_attribute(f"data-{name}") == value
    assert cookies(timed)[DEVICE_COOKIE] == before[DEVICE_COOKIE]

    # nothing of the person in the page, in what browsers keep, or behind Back
    kept = timed.evaluate(
        """async () => JSON.stringify([
          document.documentElement.outerHTML, {...localStorage}, {...sessionStorage},
          "caches" in window ? await caches.keys() : [],
        ])"""
    )
    assert not [one for one in PERSONAL if one in kept]
    timed.go_back()
    expect(timed.locator("#shell")).to_be_visible()
    text = timed.locator("body").inner_text()
    assert not [one for one in PERSONAL if one in text], text

    # whoever kept the session's cookie gets nothing with it
    timed.context.add_cookies([{"name": "hall", "value": before["hall"], "url": server.url}])
    answer = timed.context.request.get(f"{server.url}/c/shuibei/my/", max_redirects=0)
    assert answer.status == 303
    assert "/identify/" in answer.headers["location"]


def test_leaving_by_hand_is_quick(at: At, cast: Cast) -> None:
    at.open("/c/shuibei/booking/spaces/reading/2026-11-24/")
    at.tap("就坐 ")
    at.title("请刷一下您的卡")
    at.type_scan(cast.chen_code)
    at.title("请您看一遍")
    at.tap("确认预约")
    at.title("约好了")
    gone = at.page.evaluate(
        """() => new Promise((done) => {
          const start = performance.now();
          const look = () => (
            /陈/.test(document.body.innerText) ? requestAnimationFrame(look) : done(performance.now() - start)
          );
          document.querySelector("form[data-leave] button").click();
          look();
        })"""
    )
    assert gone < 1000
    at.title("今天想办什么")


def test_the_page_that_comes_back_from_the_cache_of_the_browser_is_fetched_anew(at: At, cast: Cast) -> None:
    at.open("/c/shuibei/my/")
    at.type_scan(cast.chen_code)
    expect(at.page.locator("h1")).to_contain_text("我的")
    answer = at.page.request.get(at.page.url)
    assert answer.headers["cache-control"] == "no-store"


def cookies(page: Page) -> dict[str, str]:
    return {str(one.get("name")): str(one.get("value")) for one in page.context.cookies()}


def token(page: Page) -> str:
    return str(page.locator("#shell").get_attribute("data-csrf"))
