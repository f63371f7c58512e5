"""A meal with a finger: few taps, from the home, from the code on a table and from a card; one order however tapped."""

import re
import sqlite3
from contextlib import closing
from datetime import date
from urllib.parse import parse_qs

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from canteen.services.diet import set_profile
from core.audit import OPERATOR
from core.database import db
from people.services.residents import give_consent
from tests.browser.kiosk import At, kiosk
from tests.browser.test_pages import axe
from tests.support.browser import LANDSCAPE, PHONE, PORTRAIT, Screens
from tests.support.cast import PIN, Cast
from tests.support.meals import Meals, furnish
from tests.support.server import Server

KIOSK_TAPS, PHONE_TAPS = 6, 5
SQLITE = pytest.mark.databases("sqlite")
TUESDAY = date(2026, 11, 24)
BASE = "/c/shuibei/canteen"


@pytest.fixture
def meals(app: Flask, cast: Cast) -> Meals:
    """Lunch on three days; 清真牛肉 is sold out on Tuesday."""
    with app.app_context():
        made = furnish(app, cast)
        made.lunch(TUESDAY, quotas={"L1": 45, "L2": 30, "L3": 15, "L4": 1})
        made.lunch(date(2026, 11, 25))
        made.lunch(date(2026, 11, 26))
        made.order(cast.wheel, TUESDAY, "L4")
        db.session.remove()
    return made


def count_orders(url: str) -> int:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        return int(connection.execute("SELECT count(*) FROM meal_order").fetchone()[0])


def phone(screens: Screens, server: Server) -> At:
    return At(screens.open(PHONE, base_url=server.url, is_mobile=True))


def test_at_the_kiosk_with_a_card(meals: Meals, at: At, cast: Cast) -> None:
    at.open()
    at.tap("订午餐")
    at.title("明天吃什么")
    at.tap("订清蒸鲈鱼，您付 ¥15.00")
    at.title("您是哪一位")
    at.type_scan(cast.chen_code)
    at.title("请您看一遍")
    at.tap("确认订餐，您付 ¥10.00")
    at.title("订好了")
    assert at.taps <= KIOSK_TAPS
    assert any("/q/M" in code for code in at.codes())
    at.tap("撤销")
    expect(at.page.locator(".steps")).to_contain_text("已经取消了")


def test_at_the_kiosk_a_card_and_two_taps(meals: Meals, at: At, cast: Cast) -> None:
    at.open()
    at.type_scan(cast.chen_code)
    at.title("我的")
    at.tap("订明天午餐：清蒸鲈鱼")
    at.title("请您看一遍")
    at.tap("确认订餐，您付 ¥10.00")
    at.title("订好了")
    assert at.taps == 2


@SQLITE
def test_what_can_be_undone_stays_however_the_second_falls(at: At) -> None:
    """The tick of a second may fall between a page that has come and its being at home: nothing has run down yet."""
    at.open()
    words = 'data-short="{s}秒" data-long="{m}分{s}秒"'
    late = f'<p data-gone id="undo"><span data-countdown="60" data-then="hide" {words}></span></p>'
    at.page.evaluate("(late) => document.querySelector('main').insertAdjacentHTML('beforeend', late)", late)
    expect(at.page.locator("#undo")).to_have_text(re.compile("59秒|58秒"))


@SQLITE
def test_at_the_kiosk_with_another_dish_and_the_phone_number(meals: Meals, at: At) -> None:
    at.open()
    at.tap("订午餐")
    at.title("明天吃什么")
    at.tap("订清蒸鲈鱼")
    at.title("您是哪一位")
    at.tap("没带卡，用手机号")
    at.page.get_by_label("手机号码").fill("13800001187")
    at.tap("下一步")
    at.page.get_by_label("密码", exact=True).fill(PIN)
    at.tap("下一步")
    at.title("请您看一遍")
    at.tap("确认订餐")
    at.title("订好了")
    assert at.taps <= KIOSK_TAPS


@SQLITE
def test_from_the_code_on_the_table(meals: Meals, server: Server, screens: Screens) -> None:
    at = phone(screens, server)
    at.open(f"{BASE}/?table=3")
    stands_at_the_foot(at.page)
    at.tap("订清蒸鲈鱼")
    at.title("您是哪一位")
    at.tap("没带卡，用手机号")
    at.page.get_by_label("手机号码").fill("13800001187")
    at.tap("下一步")
    at.page.get_by_label("密码", exact=True).fill(PIN)
    at.tap("下一步")
    at.title("请您看一遍")
    at.tap("确认订餐，您付 ¥10.00")
    at.title("订好了")
    assert at.taps <= PHONE_TAPS


@SQLITE
def test_from_the_code_on_the_table_as_a_guest(meals: Meals, server: Server, screens: Screens) -> None:
    at = phone(screens, server)
    at.open(f"{BASE}/?table=3")
    at.tap("订清蒸鲈鱼")
    at.tap("当客人订")
    at.title("请您看一遍")
    at.tap("确认订餐，您付 ¥15.00")
    at.title("订好了")
    assert at.taps <= PHONE_TAPS


@SQLITE
def test_from_the_code_on_the_card(meals: Meals, server: Server, screens: Screens, cast: Cast) -> None:
    at = phone(screens, server)
    at.open(f"/q/{cast.chen_code}")
    at.tap("用这张卡办事")
    at.title("明天吃什么")
    at.tap("订清蒸鲈鱼")
    at.title("请您看一遍")
    at.tap("确认订餐，您付 ¥10.00")
    at.title("订好了")
    assert at.taps <= PHONE_TAPS
    expect(at.page.locator("body")).not_to_contain_text("陈")


@SQLITE
def test_a_double_tap_orders_once(meals: Meals, at: At, cast: Cast, database: str) -> None:
    before = count_orders(database)
    at.open(f"{BASE}/menu/{TUESDAY}/lunch/check?offer=L1")
    at.type_scan(cast.chen_code)
    at.title("请您看一遍")
    at.page.locator(".actions .primary").dblclick()
    at.title("订好了")
    assert count_orders(database) == before + 1


@SQLITE
def test_what_is_sold_out_says_so_when_it_is_tapped(meals: Meals, at: At) -> None:
    at.open(f"{BASE}/menu/{TUESDAY}/lunch/")
    at.page.locator("button.meal").tap(force=True)  # it is disabled, and says why
    expect(at.page.locator("#hint")).to_contain_text("订满了")


@SQLITE
@pytest.mark.parametrize("size", [PORTRAIT, LANDSCAPE, PHONE], ids=["upright", "lying", "phone"])
def test_the_pages_are_for_everybody(
    meals: Meals, server: Server, screens: Screens, cast: Cast, size: tuple[int, int]
) -> None:
    at = phone(screens, server) if size == PHONE else kiosk(screens, server, cast, size)
    found = []
    for path in ("/", "/days", f"/menu/{TUESDAY}/lunch/check?offer=L1&guest=1", "/who"):
        at.open(f"{BASE}{path}")
        found += [
            f"{path}: {fault}" for fault in axe(at.page, "phone" if size == PHONE else "kiosk", "normal")
        ]
    assert found == []


def stands_at_the_foot(page: Page) -> None:
    """The sum and the red button are on the screen, without scrolling."""
    for part in (page.locator(".paying"), page.locator(".button.primary")):
        box = part.bounding_box()
        assert box is not None
        assert box["y"] > 0
        assert box["y"] + box["height"] <= PHONE[1] + 1


@SQLITE
def test_a_kiosk_says_by_itself_what_is_against_the_diet(
    app: Flask, meals: Meals, at: At, cast: Cast
) -> None:
    with app.app_context():
        give_consent(OPERATOR, cast.chen, {"diet"}, "desk")
        set_profile(OPERATOR, cast.chen, allergens=["fish"], labels=[], texture="regular")
        db.session.remove()
    asked: list[str] = []
    at.page.on("request", lambda one: asked.append(str(one.post_data)) if "/kiosk/say" in one.url else None)
    at.open(f"{BASE}/menu/{TUESDAY}/lunch/check?offer=L1")
    with at.page.expect_response("**/kiosk/say") as answered:
        at.type_scan(cast.chen_code)
    at.title("请您看一遍")
    assert answered.value.ok
    assert [parse_qs(one)["text"] for one in asked] == [["清蒸鲈鱼含鱼，和您登记的不一样。您看清楚了再订。"]]
    button = at.page.locator("[data-read-aloud]")
    expect(button).to_have_attribute("aria-pressed", "true")
    button.tap()  # stops it
    expect(button).to_have_attribute("aria-pressed", "false")
    at.open(f"{BASE}/menu/{TUESDAY}/lunch/check?offer=L2")  # nothing is against it
    at.title("请您看一遍")
    at.open(f"{BASE}/")
    at.title("明天吃什么")
    assert len(asked) == 1


VOICE = """
  window.said = [];
  const voice = {
    getVoices: () => [],
    speak: (words) => said.push([words.lang, words.text]),
    cancel: () => { window.silenced = (window.silenced || 0) + 1; },
  };
  Object.defineProperty(window, "speechSynthesis", { value: voice });
  window.SpeechSynthesisUtterance = class extends EventTarget {
    constructor(text) { super(); this.text = text; }
  };
"""


@SQLITE
@pytest.mark.parametrize(
    ("lang", "voice", "title", "pays"),
    [
        ("zh_Hans", "zh-CN", "明天吃什么？", "您付，10元。"),
        ("zh_Hant", "zh-HK", "明天吃什麼？", "您付，10元。"),
        ("en", "en", "Menu: tomorrow. ", "You pay, 10 yuan. "),
    ],
    ids=["zh_Hans", "zh_Hant", "en"],
)
def test_a_phone_reads_the_page_aloud_in_its_language(
    lang: str, voice: str, title: str, pays: str, meals: Meals, server: Server, screens: Screens, cast: Cast
) -> None:
    at = phone(screens, server)
    at.page.add_init_script(VOICE)
    at.open(f"/q/{cast.chen_code}")
    at.tap("用这张卡办事")
    at.title("明天吃什么")
    at.open(f"/kiosk/display?back={BASE}/")
    with at.page.expect_navigation():
        at.page.locator(f"button[value={lang}]").tap()
    at.open(f"{BASE}/")
    button = at.page.locator("[data-read-aloud]")
    button.tap()
    expect(button).to_have_attribute("aria-pressed", "true")
    said = at.page.evaluate("said")
    assert {one[0] for one in said} == {voice}
    heard = [one[1] for one in said]
    assert heard[0] == title
    assert pays in heard
    assert not any("¥" in one or "15" in one for one in heard)  # neither the price nor the government's part
    before = at.page.evaluate("silenced")
    button.tap()
    expect(button).to_have_attribute("aria-pressed", "false")
    assert at.page.evaluate("silenced") > before
    assert at.page.evaluate("said.length") == len(said)


@SQLITE
def test_a_phone_without_a_voice_has_no_button_for_it(meals: Meals, server: Server, screens: Screens) -> None:
    at = phone(screens, server)
    at.page.add_init_script("Object.defineProperty(window, 'speechSynthesis', { value: undefined })")
    at.open(f"{BASE}/")
    at.title("明天吃什么")
    expect(at.page.locator(".foot")).to_contain_text("语言")
    expect(at.page.locator("[data-read-aloud]")).to_be_hidden()
