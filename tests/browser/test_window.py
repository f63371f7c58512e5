"""The pick-up window in a real browser: a typed scan, the answer over the whole screen, and a line that is down."""

from datetime import date
from time import perf_counter

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from canteen.models import MealOrder, Redemption
from canteen.services.give_back import cancel
from canteen.services.runs import Carrier, plan_run, set_out
from core.audit import OPERATOR, Actor
from core.database import db, unit_of_work
from people.models import FamilyLink
from people.services.cards import issue_card
from tests.browser.kiosk import type_keys
from tests.browser.test_calls import staff
from tests.support.browser import Screens
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.meals import Meals, furnish
from tests.support.server import Server

pytestmark = pytest.mark.databases("sqlite")
TUESDAY, WEDNESDAY = date(2026, 11, 24), date(2026, 11, 25)
WINDOW = "/staff/c/shuibei/canteen/window"
Codes = dict[str, str]


@pytest.fixture
def codes(app: Flask, cast: Cast, clock: Clock) -> Codes:
    """Slips of Tuesday's lunch: 陈奶奶 pays at the counter, three others too; it is Tuesday 11:40."""
    with app.app_context():
        meals = furnish(app, cast)
        meals.lunch(TUESDAY)
        made = {"chen": meals.order(cast.chen, TUESDAY, texture="soft", low_salt=True).code}
        made["aqiang"] = meals.order(cast.aqiang, TUESDAY, "L2").code
        made["helped"] = _free(meals).code
        meals.lunch(WEDNESDAY)
        made["tomorrow"] = meals.order(cast.chen, WEDNESDAY).code
        with unit_of_work():
            link = FamilyLink(elder_id=cast.chen, proxy_id=cast.aqiang, state="active", sees_collected=True)
            link.asked_at = clock()
            db.session.add(link)
        made["son"] = issue_card(OPERATOR, cast.aqiang)[1]
        db.session.remove()
    clock.set("2026-11-24 11:40")
    return made


def _free(meals: Meals) -> MealOrder:
    """Somebody who pays nothing: the whole meal is helped."""
    who = meals.person("何全", date(1950, 1, 1), statuses=[("dibao", date(2025, 1, 1), None)])
    return meals.order(who, TUESDAY)


@pytest.fixture
def window(server: Server, screens: Screens, cast: Cast, codes: Codes) -> Page:
    """A tablet at window 1."""
    return name_it(screens, server, cast, "1号窗")


def name_it(screens: Screens, server: Server, cast: Cast, name: str) -> Page:
    """A tablet of the kitchen whose window has just been named."""
    page = staff(screens, server, cast.kitchen)
    page.goto(WINDOW)
    page.get_by_role("button", name=name).click()
    expect(page.locator("h1")).to_have_text(name)
    page.wait_for_function("() => indexedDB.databases().then((all) => all.length > 0)")
    page.wait_for_timeout(300)
    return page


def scan(page: Page, code: str) -> None:
    type_keys(page, code, [4.0] * len(code))


def verdict(page: Page, kind: str) -> None:
    expect(page.locator("#verdict .verdict")).to_have_attribute("data-kind", kind)


def test_from_the_scan_to_green_in_a_second(window: Page, codes: Codes) -> None:
    type_keys(window, codes["helped"], [1.0] * len(codes["helped"]))
    started = perf_counter()
    window.locator("#verdict .verdict.green").wait_for()
    assert perf_counter() - started <= 1.0
    verdict(window, "ok")
    expect(window.locator(".verdict-number b")).to_have_text("3")
    expect(window.locator("#verdict")).to_contain_text("清蒸鲈鱼")
    expect(window.locator("#verdict")).not_to_contain_text("何全")


def test_each_way_to_end_sounds_different(window: Page, codes: Codes) -> None:
    heard = []
    for code in (
        codes["chen"],
        codes["helped"],
        codes["helped"],
        "https://x.invalid/1234567890",
        codes["chen"][:20],
    ):
        scan(window, code)
        window.wait_for_timeout(500)
        heard.append(window.evaluate("() => window.hallSound"))
    assert heard == ["pay", "ok", "already", "forged", "cut"]


def test_the_money_is_taken_with_one_tap_and_a_mistake_is_taken_back(window: Page, codes: Codes) -> None:
    scan(window, codes["chen"])
    verdict(window, "pay")
    expect(window.locator("#verdict")).to_contain_text("软")
    expect(window.locator("#verdict")).to_contain_text("低盐")
    window.get_by_role("button", name="收了 ¥10.00，发餐").click()
    verdict(window, "ok")
    window.get_by_text("撤回这一份").click()
    window.get_by_role("button", name="撤回", exact=True).click()
    verdict(window, "undone")
    window.get_by_role("link", name="下一位").click()
    expect(window.locator("#verdict .verdict")).to_have_count(0)


def test_a_relative_s_card_hands_out_their_own_meal_and_then_the_elder_s(window: Page, codes: Codes) -> None:
    scan(window, codes["son"])
    verdict(window, "pay")
    window.get_by_role("button", name="收了 ¥13.00，发餐").click()
    verdict(window, "ok")
    expect(window.get_by_role("button", name="给陈*英取 1 号")).to_be_visible()
    window.get_by_role("link", name="下一位").click()
    scan(window, codes["son"])
    verdict(window, "relative")
    assert window.evaluate("() => window.hallSound") == "relative"
    expect(window.locator("#verdict")).to_contain_text("是来给家人取的吗？")
    window.get_by_role("button", name="给陈*英取 1 号").click()
    verdict(window, "pay")
    window.get_by_role("button", name="收了 ¥10.00，发餐").click()
    verdict(window, "ok")
    expect(window.locator(".verdict-number b")).to_have_text("1")


def test_the_line_goes_down_before_a_relative_is_handed_the_meal(
    window: Page, codes: Codes, app: Flask, cast: Cast
) -> None:
    with app.app_context(), unit_of_work():
        order = db.session.scalars(select(MealOrder).where(MealOrder.resident_id == cast.aqiang)).one()
        cancel(Actor("staff", 1), order.id, "出差")
    scan(window, codes["son"])
    verdict(window, "relative")
    window.context.set_offline(True)
    window.get_by_role("button", name="给陈*英取 1 号").click()
    verdict(window, "pay")
    window.get_by_role("button", name="收了 ¥10.00，发餐").click()
    verdict(window, "ok")
    window.context.set_offline(False)
    window.get_by_role("link", name="下一位").click()
    expect(window.locator("#window-back")).to_contain_text("1 号：记好了")
    with app.app_context():
        assert db.session.scalars(select(Redemption.fetched_by_id)).all() == [cast.aqiang]


def test_a_number_is_typed_on_the_pad(window: Page) -> None:
    window.locator(".window-pad .key", has_text="3").click()
    window.get_by_role("button", name="查").click()
    verdict(window, "ok")


def test_while_the_line_is_down_scans_are_kept_and_sent_once(
    window: Page, codes: Codes, app: Flask, server: Server
) -> None:
    window.context.set_offline(True)
    scan(window, codes["helped"])
    verdict(window, "ok")
    expect(window.locator(".verdict.off-line")).to_contain_text("没有网络，先记在本机")
    for read, kind in (
        (codes["helped"], "here"),
        (codes["chen"][:20], "cut"),
        ("https://x.invalid/1234567890", "forged"),
        (f"K{codes['chen'][1:]}", "card"),
        (codes["tomorrow"], "wrong_day"),
        (f"{codes['chen'][:-1]}{'0' if codes['chen'][-1] != '0' else '1'}", "unknown"),
    ):
        scan(window, read)
        verdict(window, kind)
        assert window.evaluate("() => window.hallSound") == kind
    scan(window, codes["chen"])
    verdict(window, "pay")
    window.get_by_role("button", name="收了 ¥10.00，发餐").click()
    verdict(window, "ok")
    kept = window.evaluate(KEPT)
    assert [sorted(one) for one in kept] == [["at", "cash", "fen", "how", "key", "number"]] * 2
    window.context.set_offline(False)
    window.get_by_role("link", name="下一位").click()
    expect(window.locator("#window-back")).to_contain_text("3 号：记好了")
    expect(window.locator("#window-back")).to_contain_text("1 号：记好了")
    assert window.evaluate(KEPT) == []
    with app.app_context():
        rows = db.session.scalars(select(Redemption)).all()
        assert [(row.state, row.offline, row.window) for row in rows] == [("stands", True, "1号窗")] * 2


def test_what_a_carrier_has_is_asked_about_without_a_line_too(
    server: Server, screens: Screens, cast: Cast, codes: Codes, app: Flask
) -> None:
    """One tap says that the carrier was rung, the next that the money was taken; both go with the scan."""
    with app.app_context(), unit_of_work():
        order = db.session.scalars(select(MealOrder).order_by(MealOrder.id)).first()
        assert order is not None
        order.delivery = True
        number = order.number
    with app.app_context():
        run = plan_run(OPERATOR, order.menu_id, "一号线", [order.id], Carrier("林师傅"))
        set_out(run.id)
        db.session.remove()
    window = name_it(screens, server, cast, "1号窗")
    scan(window, number)
    verdict(window, "away")
    window.get_by_role("link", name="下一位").click()
    window.context.set_offline(True)
    scan(window, codes["chen"])
    verdict(window, "away")
    window.get_by_role("button", name="打过电话了，在这里发").click()
    verdict(window, "pay")
    window.get_by_role("button", name="收了 ¥10.00，发餐").click()
    verdict(window, "ok")
    window.context.set_offline(False)
    window.get_by_role("link", name="下一位").click()
    expect(window.locator("#window-back")).to_contain_text("1 号：记好了")


KEPT = """() => new Promise((done) => {
  const asked = indexedDB.open("window-shuibei");
  asked.onsuccess = () => {
    const all = asked.result.transaction("queue").objectStore("queue").getAll();
    all.onsuccess = () => { asked.result.close(); done(all.result); };
  };
})"""


def test_two_windows_offline_with_the_same_slip(
    window: Page, codes: Codes, screens: Screens, server: Server, cast: Cast
) -> None:
    other = name_it(screens, server, cast, "2号窗")
    for page in (window, other):
        page.context.set_offline(True)
        scan(page, codes["helped"])
        verdict(page, "ok")
    window.context.set_offline(False)
    expect(window.locator("#window-back")).to_contain_text("记好了")
    other.context.set_offline(False)
    expect(other.locator("#window-back")).to_contain_text("这份要核对")


def test_the_camera_s_worker_reads_a_slip_under_the_strict_policy(window: Page, codes: Codes) -> None:
    said = window.evaluate(READ, codes["chen"])
    assert said == codes["chen"]


READ = """async (text) => {
  /* the code drawn as a QR by hand would be long: the hall's own svg of it stands on the slip's page */
  const page = await (await fetch(`/q/${text}`)).text();
  const svg = new DOMParser().parseFromString(page, "text/html").querySelector(".slip-qr svg");
  svg.setAttribute("width", "400"); svg.setAttribute("height", "400"); svg.setAttribute("fill", "black");
  const picture = new Image();
  picture.src = "data:image/svg+xml," + encodeURIComponent(new XMLSerializer().serializeToString(svg));
  await picture.decode();
  const canvas = new OffscreenCanvas(480, 480), drawn = canvas.getContext("2d");
  drawn.fillStyle = "white"; drawn.fillRect(0, 0, 480, 480); drawn.drawImage(picture, 40, 40, 400, 400);
  const { reader, library, wasm } = document.querySelector("[data-camera]").dataset, worker = new Worker(reader);
  const read = new Promise((done) => {
    worker.onmessage = ({ data }) => done(data);
    worker.onerror = () => done("no worker");
  });
  worker.postMessage({ library: new URL(library, location).href, wasm: new URL(wasm, location).href });
  worker.postMessage(drawn.getImageData(0, 0, 480, 480));
  const address = await read;
  return address.split("/").pop();
}"""
