"""The window's tablet starts again while the line is down: its page, its list and its scans are still there."""

from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Error, Page, expect
from sqlalchemy import select

from canteen.models import MealOrder, Redemption
from core.database import db
from tests.browser.test_window import KEPT, WINDOW, Codes, codes, scan, verdict, window
from tests.support.server import Server

pytestmark = pytest.mark.databases("sqlite")
__all__ = ["codes", "window"]
DAY_MS = 24 * 3600 * 1000
BOX = """async () => {
  const found = [];
  for (const name of await caches.keys()) {
    for (const { url } of await (await caches.open(name)).keys()) found.push(new URL(url).pathname);
  }
  return found;
}"""
LIST = """() => new Promise((done) => {
  const asked = indexedDB.open("window-shuibei");
  asked.onsuccess = () => {
    const list = asked.result.transaction("kept").objectStore("kept").get("list");
    list.onsuccess = () => { asked.result.close(); done(list.result ?? null); };
  };
})"""


def box(page: Page) -> list[str]:
    """Addresses of what the window's worker keeps."""
    return list(page.evaluate(BOX))


@pytest.fixture
def tablet(window: Page) -> Page:
    """The window, once its page is kept."""
    window.wait_for_function(f"async () => (await ({BOX})()).includes('{WINDOW}')")
    return window


def redemptions(app: Flask) -> list[Any]:
    with app.app_context():
        asked = select(MealOrder.pick_up, MealOrder.state, Redemption.state, Redemption.offline).join(
            Redemption, Redemption.order_id == MealOrder.id
        )
        return [tuple(row) for row in db.session.execute(asked.order_by(Redemption.id))]


def test_it_starts_again_offline_and_hands_out(tablet: Page, codes: Codes, app: Flask) -> None:
    tablet.context.set_offline(True)
    scan(tablet, codes["helped"])
    verdict(tablet, "ok")
    tablet.reload()
    expect(tablet.locator("h1")).to_have_text("1号窗")
    expect(tablet.locator("#window")).to_have_attribute("data-off", "")
    expect(tablet.locator("#window-queued")).to_have_text("记了 1 份，网络回来自动送出。")
    expect(tablet.locator("#window-stale")).to_be_hidden()
    assert tablet.evaluate("() => getComputedStyle(document.querySelector('.window-off')).display") == "flex"
    scan(tablet, codes["helped"])
    verdict(tablet, "here")
    scan(tablet, codes["chen"])
    verdict(tablet, "pay")
    tablet.get_by_role("button", name="收了 ¥10.00，发餐").click()
    verdict(tablet, "ok")
    tablet.reload()
    assert len(tablet.evaluate(KEPT)) == 2
    assert redemptions(app) == []
    tablet.context.set_offline(False)
    expect(tablet.locator("#window-back")).to_contain_text("3 号：记好了")
    expect(tablet.locator("#window-back")).to_contain_text("1 号：记好了")
    expect(tablet.locator("#window-side")).to_contain_text(
        "还没取", timeout=2500
    )  # at once, not with the next poll
    assert tablet.evaluate(KEPT) == []
    assert redemptions(app) == [(3, "collected", "stands", True), (1, "collected", "stands", True)]


def test_it_starts_again_while_the_server_does_not_answer(tablet: Page, codes: Codes, server: Server) -> None:
    server.kill()
    tablet.goto(WINDOW)
    expect(tablet.locator("h1")).to_have_text("1号窗")
    scan(tablet, codes["helped"])
    verdict(tablet, "ok")
    expect(tablet.locator(".verdict.off-line")).to_contain_text("没有网络，先记在本机")


def test_what_is_kept_names_nobody_and_is_this_page_only(tablet: Page) -> None:
    kept = box(tablet)
    assert [path for path in kept if "/static/" not in path] == [f"{WINDOW}/reader.js", WINDOW]
    assert {"/static/js/window.js", "/static/js/shell.js", "/static/css/staff.css"} <= set(kept)
    words = tablet.evaluate("async (page) => await (await caches.match(page)).text()", WINDOW)
    assert not [name for name in ("陈", "何全", "志强") if name in words]
    tablet.context.set_offline(True)
    with pytest.raises(Error, match="ERR_INTERNET_DISCONNECTED"):
        tablet.goto("/staff/c/shuibei/canteen/orders")


def test_signing_out_wipes_it_and_keeps_what_is_not_sent(tablet: Page, codes: Codes, app: Flask) -> None:
    tablet.context.set_offline(True)
    scan(tablet, codes["helped"])
    verdict(tablet, "ok")
    context = tablet.context
    tablet.close()  # else it would send before anybody can sign out
    context.set_offline(False)
    other = context.new_page()
    other.goto("/staff/c/shuibei/today")
    assert WINDOW in box(other)
    other.locator(".mast-user summary").click()
    other.get_by_role("button", name="退出").click()
    other.wait_for_url("**/staff/sign-in")
    other.wait_for_function(f"async () => !(await ({BOX})()).length")
    other.wait_for_function(f"async () => (await ({LIST})()) === null")
    assert [scan["number"] for scan in other.evaluate(KEPT)]
    context.set_offline(True)
    with pytest.raises(Error, match="ERR_FAILED"):
        other.goto(WINDOW)


def test_yesterday_s_list_is_refused_and_says_what_to_do(tablet: Page, codes: Codes, app: Flask) -> None:
    tablet.context.set_offline(True)
    scan(tablet, codes["helped"])
    verdict(tablet, "ok")
    ahead = tablet.evaluate(LIST)["ahead"]
    tablet.clock.set_fixed_time(tablet.evaluate("() => Date.now()") + DAY_MS)
    tablet.reload()
    note = tablet.locator("#window-stale")
    expect(note).to_contain_text("本机的名单是11月24日的，今天不能用")
    expect(note).to_contain_text("请接好网络，名单自己会换新")
    scan(tablet, codes["chen"])
    verdict(tablet, "unknown")
    expect(tablet.locator("#verdict")).to_contain_text("本机的名单是11月24日的，今天不能用")
    assert tablet.evaluate(LIST)["ahead"] == ahead
    assert len(tablet.evaluate(KEPT)) == 1
    tablet.context.set_offline(False)
    tablet.get_by_role("link", name="下一位").click()
    expect(tablet.locator("#window-back")).to_contain_text("3 号：记好了")
    expect(note).to_be_hidden()
    assert redemptions(app) == [(3, "collected", "stands", True)]
