"""The kitchen lead's round: sheet at the cutoff, shopping, a strip, labels, the window, the samples and their log."""

import re
from datetime import date, datetime, time
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from canteen.models import Dish, FoodSample, KitchenSheet, MealOrder, Redemption, ServingHours, SheetChange
from canteen.services.give_back import cancel
from core.audit import Actor
from core.database import db, unit_of_work
from people.models import Staff
from tests.browser.test_calls import staff
from tests.browser.test_pages import axe
from tests.browser.test_window import scan, verdict
from tests.support.browser import Screens
from tests.support.cast import PASSWORD, Cast
from tests.support.clock import ZONE, Clock
from tests.support.hall import ALL
from tests.support.meals import furnish
from tests.support.qr import read
from tests.support.server import Server

TUESDAY = date(2026, 11, 24)
POLLED_MS = 10_000
DESK = "/staff/c/shuibei/canteen"


class Round:
    """What the kitchen lead sees, and what is then in the database."""

    def __init__(self, page: Page, app: Flask, clock: Clock, cast: Cast) -> None:
        self.page, self.app, self.clock, self.cast = page, app, clock, cast
        self.main = page.locator("#main")
        self.faults: list[str] = []

    def look(self, heading: str) -> None:
        """The page that says so has arrived; axe looks at it."""
        expect(self.page.locator("h1")).to_have_text(heading)
        self.faults += [f"{heading}: {fault}" for fault in axe(self.page, "staff", "normal")]

    def link(self, words: str) -> None:
        self.page.locator(".page-actions").get_by_role("link", name=words, exact=True).click()

    def button(self, words: str) -> None:
        self.main.get_by_role("button", name=words, exact=True).click()

    def tab(self, words: str) -> None:
        self.main.get_by_role("link", name=words, exact=True).click()


@pytest.fixture
def codes(app: Flask, cast: Cast) -> dict[str, str]:
    """Slips of Tuesday's lunch: 1 and 3 are sea bass, 2 steamed egg; 3 pays nothing."""
    with app.app_context():
        meals = furnish(app, cast)
        meals.lunch(TUESDAY)
        made = {"chen": meals.order(cast.chen, TUESDAY, texture="soft", low_salt=True).code}
        made["aqiang"] = meals.order(cast.aqiang, TUESDAY, "L2").code
        helped = meals.person("何全", date(1950, 1, 1), statuses=[("dibao", date(2025, 1, 1), None)])
        made["helped"] = meals.order(helped, TUESDAY).code
        db.session.remove()
    return made


@pytest.fixture
def lead(
    app: Flask, clock: Clock, server: Server, screens: Screens, cast: Cast, codes: dict[str, str]
) -> Round:
    """何伟 at the console, on Monday shortly before the cutoff."""
    clock.set("2026-11-23 15:55")
    return Round(staff(screens, server, cast.kitchen), app, clock, cast)


@pytest.mark.databases("sqlite", *(["postgresql"] if ALL else []))
def test_the_round_of_the_kitchen_lead(lead: Round, codes: dict[str, str]) -> None:
    draws_the_sheet_at_the_cutoff(lead)
    reads_what_is_to_be_bought(lead)
    hears_of_a_change(lead, codes["aqiang"])
    has_a_label_for_every_box(lead)
    hands_out_at_the_window(lead, codes["helped"])
    puts_samples_away(lead)
    assert lead.faults == []


def draws_the_sheet_at_the_cutoff(lead: Round) -> None:
    lead.page.goto(f"{DESK}/kitchen/")
    expect(lead.main).to_contain_text("还会变：今天 16:00 截止")
    expect(lead.main.get_by_role("button", name="现在出备餐单")).to_have_count(0)
    lead.clock.set("2026-11-23 16:00")
    lead.button("现在出备餐单")
    expect(lead.main).to_contain_text("备餐单出好了。")
    lead.look("明天 11月24日 星期二 午餐")
    bass = lead.main.locator(".cook-table tr", has_text="清蒸鲈鱼")
    expect(lead.main.locator(".cook-table thead")).to_contain_text("软、低盐")
    with lead.app.app_context():
        sheet = db.session.scalars(select(KitchenSheet)).one()
        assert sheet.made_at.astimezone(ZONE) == datetime(2026, 11, 23, 16, 0, tzinfo=ZONE)
        assert sheet.staff_id == db.session.scalars(select(Staff.id).where(Staff.name == "何伟")).one()
        assert [box["pick_up"] for box in sheet.boxes] == [1, 2, 3]
        cooked = {
            (row["texture"], row["low_salt"]): row["portions"]
            for row in sheet.rows
            if row["name_zh"] == "清蒸鲈鱼"
        }
        assert cooked == {("regular", False): 1, ("soft", True): 1}
    expect(bass.locator("td.number")).to_contain_text(["1", "1"])


def reads_what_is_to_be_bought(lead: Round) -> None:
    lead.link("采购单")
    lead.main.get_by_label("现场另备的份").select_option("0")
    lead.button("重新算")
    expect(lead.main.locator(".buy-table tr", has_text="清蒸鲈鱼")).to_contain_text("200 克")
    lead.look("11月24日 星期二")
    bought = lead.main.locator(".buy-table tbody tr")
    with lead.app.app_context():
        sheet = db.session.scalars(select(KitchenSheet)).one()
        assert bought.count() == len({row["dish_id"] for row in sheet.rows})


def hears_of_a_change(lead: Round, code: str) -> None:
    lead.tab("备餐")
    expect(lead.main).to_contain_text("16:00 何伟出的单")
    lead.clock.set("2026-11-23 16:20")
    with lead.app.app_context():
        order = db.session.scalars(select(MealOrder).where(MealOrder.code == code)).one()
        desk = db.session.scalars(select(Staff.id).where(Staff.email == lead.cast.wu)).one()
        cancel(Actor("staff", desk), order.id, "住院了")
        db.session.remove()
    strip = lead.main.locator(".strips .strip-row")  # it comes by itself
    expect(strip).to_contain_text("2号 不要了", timeout=POLLED_MS)
    expect(strip).to_contain_text("肉末蒸蛋")
    strip.get_by_role("link", name="打印").click()
    lead.look("2号 不要了")
    expect(lead.page.locator(".strip-print")).to_contain_text("−1肉末蒸蛋")
    lead.page.get_by_role("link", name="回到备餐单").click()
    lead.look("明天 11月24日 星期二 午餐")
    lead.main.get_by_role("button", name="记下了").click()
    expect(lead.main.locator(".old-strips")).to_contain_text("16:20 记下")
    with lead.app.app_context():
        change = db.session.scalars(select(SheetChange)).one()
        assert (change.kind, change.seen_at is not None) == ("cancelled", True)
        assert db.session.get_one(MealOrder, change.order_id).state == "cancelled"


def has_a_label_for_every_box(lead: Round) -> None:
    lead.link("餐盒标签")
    lead.look("餐盒标签")
    labels = lead.main.locator(".box-label")
    expect(labels.locator(".box-number")).to_have_text(["1", "3"])
    expect(labels.first).to_contain_text("软、低盐")
    expect(lead.main).not_to_contain_text("陈")
    with lead.app.app_context():
        ordered = select(MealOrder.pick_up).where(MealOrder.state == "ordered").order_by(MealOrder.pick_up)
        assert db.session.scalars(ordered).all() == [1, 3]


def hands_out_at_the_window(lead: Round, code: str) -> None:
    lead.clock.set("2026-11-24 11:40")
    sign_in(lead)  # the console has locked over night
    lead.page.goto(f"{DESK}/window")
    lead.page.get_by_role("button", name="1号窗").click()
    lead.look("1号窗")
    expect(lead.page.locator("#window-side")).to_contain_text("还没取")
    scan(lead.page, code)
    verdict(lead.page, "ok")
    lead.look("1号窗")
    lead.page.get_by_role("link", name="下一位").click()
    with lead.app.app_context():
        done = db.session.scalars(select(Redemption)).one()
        order = db.session.get_one(MealOrder, done.order_id)
        assert (order.pick_up, order.state, done.state, done.window) == (3, "collected", "stands", "1号窗")


def sign_in(lead: Round) -> None:
    lead.page.goto("/staff/sign-in")
    lead.page.locator("[name=email]").fill(lead.cast.kitchen)
    lead.page.locator("[name=password]").fill(PASSWORD)
    lead.page.locator("#main form [type=submit]").first.click()
    expect(lead.main.locator("form[action$=sign-in]")).to_have_count(0)


def puts_samples_away(lead: Round) -> None:
    lead.tab("留样")
    expect(lead.main.get_by_role("alert")).to_contain_text("道菜没有留样。请现在留。")
    left = lead.main.get_by_role("button", name="留好了：")
    dishes = left.count()
    for still in range(dishes, 0, -1):
        expect(left).to_have_count(still)
        left.first.click()
    expect(left).to_have_count(0)
    lead.look("今天 11月24日 星期二")
    with lead.app.app_context():
        kept = db.session.scalars(select(FoodSample)).all()
        assert len({sample.dish_id for sample in kept}) == dishes >= 4
        assert {sample.grams >= 125 for sample in kept} == {True}
        names = set(db.session.scalars(select(Dish.name_zh).join(FoodSample, FoodSample.dish_id == Dish.id)))
    lead.link("留样记录")
    lead.look("留样记录")
    rows = lead.main.locator("tbody tr")
    expect(rows).to_have_count(dishes)
    assert set(rows.locator("td:nth-child(3)").all_text_contents()) == names
    expect(rows.first).to_contain_text("何伟")
    expect(rows.first).to_contain_text("11:40")


@pytest.mark.databases("sqlite")
def test_the_poster_and_the_table_cards_print_on_one_sheet_each(
    app: Flask, server: Server, screens: Screens, cast: Cast
) -> None:
    with app.app_context():
        furnish(app, cast).lunch(TUESDAY)
        with unit_of_work():
            for weekday in range(5):  # a third meal: the most that a card has to hold
                spans = {"opens": time(7, 30), "closes": time(8, 30)}
                db.session.add(
                    ServingHours(canteen_id=cast.shuibei, weekday=weekday, meal="breakfast", **spans)
                )
        db.session.remove()
    page = staff(screens, server, cast.kitchen)
    for path, many in ((f"{DESK}/poster", 1), (f"{DESK}/poster?as=cards", 4)):
        page.goto(path)
        assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))) == 1
        sheets = page.locator(".poster, .table-card")
        assert sheets.evaluate_all("all => all.every((one) => one.scrollHeight <= one.clientHeight)")
        found = [urlsplit(code).path for code in read(page.screenshot(full_page=True))]
        assert found == ["/c/shuibei/canteen/"] * many


PAPER = """
  window.printed = [];
  window.print = () => printed.push(document.querySelector(".strip-host")?.innerText ?? "the page");
"""


@pytest.mark.databases("sqlite")
def test_a_change_after_the_sheet_prints_itself_once_where_the_tablet_was_told_so(
    lead: Round, codes: dict[str, str]
) -> None:
    lead.page.add_init_script(PAPER)
    draws_the_sheet_at_the_cutoff(lead)
    give_back(lead, codes["aqiang"])
    expect(lead.main.locator(".strip-row")).to_have_count(1, timeout=15_000)
    assert lead.page.evaluate("printed") == []  # nobody has asked this tablet to
    lead.page.get_by_label("出单以后有改动，这台平板自动打印").check()
    lead.page.wait_for_function("() => printed.length === 1")
    assert "2号 不要了" in lead.page.evaluate("printed[0]")
    assert lead.page.locator(".strip-host").count() == 0
    lead.page.reload()
    expect(lead.page.get_by_label("出单以后有改动，这台平板自动打印")).to_be_checked()
    give_back(lead, codes["chen"])
    lead.page.wait_for_function("() => printed.length === 1", timeout=15_000)
    assert "1号 不要了" in lead.page.evaluate("printed[0]")  # the one before is on paper already


def give_back(lead: Round, code: str) -> None:
    """Staff give a meal back after the sheet."""
    with lead.app.app_context():
        order = next(one for one in db.session.scalars(select(MealOrder)) if one.code == code)
        who = db.session.scalars(select(Staff.id).where(Staff.name == "何伟")).one()
        cancel(Actor("staff", who), order.id, "住院了")
        db.session.remove()
