"""A sentence of staff on a kiosk: said at the desk, read and closed with a finger, fitting every screen."""

import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import select

from core.audit import OPERATOR
from core.database import db
from kiosk.models import Device
from kiosk.services.notices import show_notice
from tests.browser.kiosk import At, kiosk
from tests.browser.sights import PREFS, Sight
from tests.browser.test_calls import WITHIN, staff
from tests.browser.test_pages import LANGUAGES, MODES, axe, look
from tests.support.browser import DESK, LANDSCAPE, PORTRAIT, Screens
from tests.support.cast import Cast
from tests.support.hall import ALL
from tests.support.server import Server

pytestmark = pytest.mark.databases("sqlite")
LONGEST = (
    "今天下午三点到四点停电，这台机器用不了，要订餐、订座位或者取餐的街坊，请现在就办，"
    "或者到服务台找我们帮您办，谢谢大家"
)


def test_staff_say_something_and_a_finger_closes_it(
    screens: Screens, server: Server, cast: Cast, at: At
) -> None:
    page = staff(screens, server, cast.wu)
    page.goto("/staff/c/shuibei/devices")
    page.get_by_text("说一句话").click()
    page.get_by_label("或者自己写一句").fill("二号窗口今天不开")
    devices = Sight("devices", "staff-front", "/staff/c/shuibei/devices")
    assert look(page, "staff", DESK, "normal", devices) == []
    assert axe(page, "staff", "normal") == []
    page.get_by_role("button", name="放到屏幕上").click()
    expect(page.locator("#main")).to_contain_text("在屏幕上")
    band = at.page.locator("#notice")
    expect(band).to_contain_text("二号窗口今天不开", timeout=6_000)
    at.open("/c/shuibei/booking/")
    expect(band).to_contain_text("二号窗口今天不开")
    band.get_by_role("button").tap()
    expect(band).to_be_empty(timeout=WITHIN)
    page.reload()
    expect(page.locator("#main")).not_to_contain_text("在屏幕上")


def test_a_kiosk_reports_what_it_shows_and_how_its_clock_goes(
    screens: Screens, server: Server, cast: Cast
) -> None:
    at = kiosk(screens, server, cast)
    with at.page.expect_request("**/kiosk/heartbeat", timeout=8_000) as first:
        pass
    report: dict[str, object] = first.value.post_data_json or {}
    assert report["screen"] == "1080x1920"
    assert report["build"] == at.page.locator("#shell").get_attribute("data-build") != ""
    assert isinstance(report["skew_ms"], int)


@pytest.mark.parametrize("size", [PORTRAIT, LANDSCAPE], ids=["upright", "lying"])
def test_it_fits_every_screen(
    screens: Screens, server: Server, app: Flask, cast: Cast, size: tuple[int, int]
) -> None:
    assert len(LONGEST) <= 60
    at, found = kiosk(screens, server, cast, size), []
    for words in ({"own": LONGEST, "ready": ""}, {"own": "", "ready": "beside"}):
        with app.app_context():
            show_notice(OPERATOR, db.session.scalars(select(Device)).one(), **words)
            db.session.remove()
        for mode, prefs in MODES.items():
            for lang in LANGUAGES if ALL else ("zh_Hans", "en"):
                at.open("/kiosk/display")
                token = at.page.locator("[name=csrf_token]").first.get_attribute("value") or ""
                form: dict[str, str | float | bool] = {**PREFS, **prefs, "lang": lang, "csrf_token": token}
                at.page.request.post(f"{server.url}/kiosk/prefs", form=form)
                at.open("/kiosk/")
                expect(at.page.locator("#notice span")).to_be_visible()
                faults = look(at.page, "kiosk", size, mode, Sight("home", "kiosk-card", "/kiosk/"))
                found += [f"{mode} {lang} {words}: {fault}" for fault in faults]
    assert axe(at.page, "kiosk", "normal") == []
    assert not found, "\n".join(found)
