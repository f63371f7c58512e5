"""A price that changes, a kitchen that fails in the middle of serving, a standing order over holidays."""

from collections import Counter
from datetime import date

import pytest
from sqlalchemy import select

from canteen.models import Account, MealOrder, Transfer
from canteen.services import ledger, standing
from canteen.services.close import close_menu, fail_menu
from canteen.services.plan import Planned, put_offer
from canteen.services.serve import Scan, redeem
from core.audit import CLOCK, OPERATOR, Actor
from core.database import db
from people.models import Staff
from tests.support.clock import Clock
from tests.support.meals import Meals

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
