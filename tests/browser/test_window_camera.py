"""The window's camera sees a slip: from the film of a real code, through the worker that reads it, to the database."""

from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from canteen.models import MealOrder, Redemption
from core.database import db
from tests.browser.test_window import Codes, codes, name_it, verdict
from tests.browser.test_window_restart import BOX
from tests.support.browser import Screens, filming
from tests.support.cast import Cast
from tests.support.film import shoot
from tests.support.qr import paint_svg
from tests.support.server import Server

pytestmark = pytest.mark.databases("sqlite")
__all__ = ["codes"]
LIES_THERE_MS = 6_000


def slip(server: Server, code: str) -> Image.Image:
    """The code as it stands on the slip's page."""
    with urlopen(f"{server.url}/q/{code}") as page:
        drawn = BeautifulSoup(page.read(), "html.parser").select_one(".slip-qr svg")
    return paint_svg(str(drawn))


@pytest.fixture
def camera(server: Server, browser: Browser, cast: Cast, codes: Codes, tmp_path: Path) -> Iterator[Page]:
    """Window 1 with a camera under which, after a moment, somebody's slip lies for good."""
    film = shoot(tmp_path / "slip.y4m", [(None, 0.5), (slip(server, codes["helped"]), 2.5)])
    with filming(browser, film) as opened:
        screens = Screens(opened)
        yield name_it(screens, server, cast, "1号窗")
        screens.close()
        assert not screens.problems, "\n".join(screens.problems)


def test_the_camera_sees_a_slip_after_a_start_without_a_line(camera: Page) -> None:
    wanted = "/static/vendor/zxing_reader.wasm"
    camera.wait_for_function(f"async () => (await ({BOX})()).includes('{wanted}')")
    camera.context.new_cdp_session(camera).send("Network.clearBrowserCache")
    camera.context.set_offline(True)
    camera.reload()
    expect(camera.locator("#window")).to_have_attribute("data-off", "")
    camera.locator("#camera").click()
    camera.locator("#verdict .verdict.green").wait_for()
    expect(camera.locator(".verdict.off-line")).to_contain_text("没有网络，先记在本机")


def test_a_slip_before_the_camera_turns_green_and_is_collected(camera: Page, app: Flask) -> None:
    button = camera.locator("#camera")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(camera.locator("#camera-view")).to_be_visible()
    camera.locator("#verdict .verdict.green").wait_for()
    verdict(camera, "ok")
    expect(camera.locator(".verdict-number b")).to_have_text("3")
    assert camera.evaluate("() => window.hallSound") == "ok"
    camera.wait_for_timeout(LIES_THERE_MS)  # the slip still lies there: that is no second scan
    verdict(camera, "ok")
    camera.get_by_role("link", name="下一位").click()
    camera.get_by_role("button", name="用平板的摄像头扫").click()
    expect(camera.locator("#camera-view")).to_be_hidden()
    with app.app_context():
        row = db.session.execute(
            select(MealOrder.pick_up, MealOrder.state, Redemption.state, Redemption.offline, Redemption.window)
            .join(Redemption, Redemption.order_id == MealOrder.id)
        ).one()  # fmt: skip
        assert tuple(row) == (3, "collected", "stands", False, "1号窗")
