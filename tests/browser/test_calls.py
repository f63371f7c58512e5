"""Calling for somebody: from any page, seen at once by the staff by name; and reading aloud."""

from urllib.parse import unquote_plus

import pytest
from playwright.sync_api import Page, expect

from tests.browser.kiosk import At, kiosk
from tests.conftest import StartServer
from tests.support.browser import DESK, Screens
from tests.support.cast import PASSWORD, Cast
from tests.support.hall import ALL
from tests.support.server import Server

pytestmark = pytest.mark.databases("sqlite")
WITHIN = 5_000
PAGES = ("/c/shuibei/booking/spaces/reading/2026-11-24/", "/q/NOTHING", "/kiosk/", "/kiosk/display")
"""Each takes as long as two polls; that the button stands on every page is measured with the pages."""


def staff(screens: Screens, server: Server, email: str) -> Page:
    """Somebody of the staff who has signed in, on the today page."""
    page = screens.open(DESK, base_url=server.url)
    page.goto("/staff/sign-in")
    page.locator("[name=email]").fill(email)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("#main form [type=submit]").first.click()
    expect(page).to_have_url(f"{server.url}/staff/c/shuibei/today")
    return page


def test_a_call_from_any_page_is_seen_by_name_and_answered(
    server: Server, screens: Screens, cast: Cast, at: At
) -> None:
    desk = staff(screens, server, cast.wu)
    for path in PAGES if ALL else PAGES[:2]:
        at.open(path)
        at.page.locator("[data-fixed=call]").tap()
        expect(at.page.locator("#call-state")).to_contain_text("已经告诉工作人员了", timeout=WITHIN)
        expect(desk.locator("#main")).to_contain_text("1号一体机有人找工作人员", timeout=WITHIN)
        desk.get_by_role("button", name="我去").click()
        expect(at.page.locator("#call-state")).to_contain_text("吴敏正在过来", timeout=6_000)
        desk.get_by_role("button", name="办好了").click()
        expect(desk.locator("#main")).not_to_contain_text("1号一体机有人找工作人员")
        expect(at.page.locator(".call-note")).to_have_count(0, timeout=6_000)


def test_many_taps_are_one_call(server: Server, screens: Screens, cast: Cast, at: At) -> None:
    for _tap in range(3):
        at.page.locator("[data-fixed=call]").tap(force=True)
    expect(at.page.locator("#call-state")).to_contain_text("已经告诉工作人员了")
    desk = staff(screens, server, cast.wu)
    expect(desk.locator(".work.urgent")).to_have_count(1)


def test_every_page_can_be_read_aloud(server: Server, at: At) -> None:
    at.open("/c/shuibei/booking/")
    button = at.page.locator("[data-read-aloud]")
    with at.page.expect_request("**/kiosk/say") as asked:
        button.tap()
    assert "想去哪里坐" in unquote_plus(str(asked.value.post_data))
    expect(button).to_have_attribute("aria-pressed", "true")
    button.tap()
    expect(button).to_have_attribute("aria-pressed", "false")
    csrf = str(at.page.locator("#shell").get_attribute("data-csrf"))
    fields: dict[str, str | float | bool] = {"csrf_token": csrf, "text": "明天 9:00–13:00，A3 靠窗桌。"}
    said = at.page.request.post(f"{server.url}/kiosk/say", form=fields)
    assert said.headers["content-type"] == "audio/wav"
    assert said.body()[:4] == b"RIFF"
    assert len(said.body()) > 20_000


def test_where_nothing_can_speak_the_button_says_so(
    start_server: StartServer, screens: Screens, cast: Cast
) -> None:
    silent = start_server(ESPEAK="off")
    at = kiosk(screens, silent, cast)
    button = at.page.locator("[data-fixed=say]")
    expect(button).to_have_attribute("aria-disabled", "true")
    button.tap(force=True)
    expect(at.page.locator("#hint")).to_contain_text("这台机器没有声音")


def test_a_control_that_cannot_be_used_says_why(at: At) -> None:
    at.page.locator("[data-fixed=back]").tap(force=True)
    expect(at.page.locator("#hint")).to_contain_text("这里是第一页")
