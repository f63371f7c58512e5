"""A price that changes, a kitchen that fails in the middle of serving, a standing order over holidays."""

from collections import Counter
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from canteen import settlement as reads
from canteen.catalogue import changed_catalogue
from canteen.models import Account, Dish, MealOrder, Transfer
from canteen.services import ledger, settle, standing
from canteen.services.close import close_menu, fail_menu, finish_menu
from canteen.services.give_back import cancel
from canteen.services.plan import Planned, put_offer
from canteen.services.serve import Scan, redeem
from core.audit import CLOCK, OPERATOR, Actor
from core.database import db, unit_of_work
from people.models import Staff
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.meals import Meals, furnish

TUESDAY = date(2026, 11, 24)


@pytest.fixture
def staff(meals: Meals) -> int:
    return int(db.session.scalars(select(Staff.id).where(Staff.email == meals.cast.wu)).one())


def test_a_price_that_changes_is_not_the_price_of_what_was_ordered(meals: Meals) -> None:
    menu = meals.lunch(TUESDAY)
    before = meals.order(meals.cast.chen, TUESDAY).id
    dishes = [meals.dishes[code] for code in ("M01", "V01", "T01", "S01")]
    put_offer(OPERATOR, menu, Planned("L1", "set", dishes, 45, 1800))
    kept = db.session.get_one(MealOrder, before)
    assert (kept.price_fen, kept.subsidy_fen, kept.pays_fen) == (1500, 500, 1000)
    assert meals.order(meals.cast.aqiang, TUESDAY).pays_fen == 1800


def change_the_menu(meals: Meals, menu: int) -> None:
    """The set meal is cheaper and of other dishes; the fish that was on it has another name and price."""
    with unit_of_work():
        fish = db.session.get_one(Dish, meals.dishes["M01"])
        fish.name_zh, fish.name_en, fish.price_fen = "红烧带鱼", "Braised hairtail", 400
        changed_catalogue()
    put_offer(OPERATOR, menu, Planned("L1", "set", [meals.dishes["M03"], meals.dishes["T01"]], 45, 1200))


def test_a_meal_keeps_its_name_its_sum_and_its_help_until_the_government_has_it(
    app: Flask, cast: Cast, clock: Clock, client: FlaskClient
) -> None:
    """Ordered for ¥15.00, of which the government pays ¥5.00 or all of it; then the menu changes to ¥12.00."""
    with app.app_context():
        meals, centre = furnish(app, cast), cast.shuibei
        menu = meals.lunch(TUESDAY)
        wu = db.session.scalars(select(Staff.id).where(Staff.email == cast.wu)).one()
        on_low_income = meals.person(
            "刘桂芳", date(1942, 11, 2), statuses=[("dibao", date(2026, 1, 1), None)]
        )
        for who in (cast.chen, cast.aqiang):
            ledger.top_up(wu, centre, who, 3000)
        hers = meals.order(cast.chen, TUESDAY, gateway="account")
        his = meals.order(cast.aqiang, TUESDAY, gateway="account").id
        free = meals.order(on_low_income, TUESDAY).id
        paid, slip = hers.id, f"/q/{hers.code}"
        change_the_menu(meals, menu)
        fresh = meals.order(cast.wheel, TUESDAY)
        assert (fresh.price_fen, fresh.lines[0].name_zh) == (1200, "香菇豆腐")
        cancel(Actor("resident", cast.aqiang), his)
        assert ledger.balance(cast.aqiang) == 3000
        db.session.remove()
    receipts = [client.get(slip).text]
    with app.app_context():
        clock.set("2026-11-23 16:01")
        close_menu(CLOCK, menu)
        clock.set("2026-11-24 11:40")
        for order in (paid, free):
            assert redeem(wu, centre, order, Scan("1号窗", f"scan-{order:04d}")).kind == "ok"
        assert ledger.balance(cast.chen) == 2000
        db.session.remove()
    receipts.append(client.get(slip).text)
    for text in receipts:
        assert "清蒸鲈鱼" in text
        assert "¥15.00" in text
        assert "¥10.00" in text
        assert "红烧带鱼" not in text
        assert "香菇豆腐" not in text
        assert "¥12.00" not in text
    with app.app_context():
        clock.set("2026-11-24 12:31")
        finish_menu(menu)
        clock.set("2026-12-01 09:00")
        settle.seal(wu, centre, TUESDAY.replace(day=1))
        rows = reads.rows_of(settle.month_of(centre, TUESDAY.replace(day=1)))
        assert {
            (row.line.order_id, row.dish, row.price_fen, row.line.amount_fen, row.pays_fen)
            for row in rows
            if row.line.kind == "meal"
        } == {(paid, "清蒸鲈鱼", 1500, 500, 1000), (free, "清蒸鲈鱼", 1500, 1500, 0)}
        assert ledger.wrong_sums() == []


def test_86_have_ordered_and_4_are_served_when_the_kitchen_fails(
    meals: Meals, clock: Clock, staff: int
) -> None:
    menu, centre = meals.lunch(TUESDAY, quotas={"L1": 86}), meals.cast.shuibei
    orders = []
    for number in range(86):
        who = meals.person(f"食客{number}", date(1950, 1, 1))
        ledger.top_up(staff, centre, who, 1800)
        orders.append(meals.order(who, TUESDAY, gateway="account"))
    clock.set("2026-11-23 16:01")
    close_menu(CLOCK, menu)
    clock.set("2026-11-24 11:40")
    for order in orders[:4]:
        assert redeem(staff, centre, order.id, Scan("1号窗", f"scan-{order.id:04d}")).kind == "ok"
    assert [fail_menu(staff, menu, "停气了") for _again in range(2)] == [82, 0]
    states = Counter(db.session.scalars(select(MealOrder.state)))
    assert states == {"failed": 82, "collected": 4}
    left = Counter(db.session.scalars(select(Account.balance_fen).where(Account.kind == "resident")))
    assert left == {1800: 82, 800: 4}
    kinds = Counter(db.session.scalars(select(Transfer.kind)))
    assert (kinds["order_refund"], kinds["subsidy"], kinds["meal_sold"]) == (82, 4, 4)
    assert sum(db.session.scalars(select(Account.balance_fen))) == 0


def test_a_standing_order_leaves_holidays_and_a_skipped_day_out(meals: Meals, clock: Clock) -> None:
    chen, centre = meals.cast.chen, meals.cast.shuibei
    clock.set("2026-09-24 09:00")
    row = standing.start(Actor("resident", chen), chen, centre, "lunch", [0, 1, 2, 3, 4])
    days = [date(2026, 9, day) for day in (28, 29, 30)] + [date(2026, 10, day) for day in (8, 9, 10, 12)]
    menus = [meals.lunch(day) for day in days]
    standing.skip(Actor("resident", chen), row.id, date(2026, 10, 9))
    cutoffs = ("09-24", "09-28", "09-29", "09-30", "10-08", "10-09", "10-10")
    for cutoff, menu in zip(cutoffs, menus, strict=True):
        clock.set(f"2026-{cutoff} 16:00:10")
        close_menu(CLOCK, menu)
        close_menu(CLOCK, menu)
    made = db.session.scalars(select(MealOrder).order_by(MealOrder.day)).all()
    left_out = date(2026, 10, 9)
    assert [(order.day, order.subsidy_fen) for order in made] == [
        (day, 500) for day in days if day != left_out
    ]
