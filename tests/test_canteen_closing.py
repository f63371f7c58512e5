"""What the clock owes to orders: none stays open for ever, a closed day costs nobody, one trouble stops no other."""

from datetime import date, time

from sqlalchemy import select

from canteen.models import MealOrder, Menu, Redemption, SubsidyClaim
from canteen.services import ledger
from canteen.services.close import close_due, fail_menu, finish_menu
from canteen.services.plan import swap_dish
from canteen.services.serve import Scan, redeem, undo
from centres.models import Centre
from centres.services import add_one_off, set_policy
from core.audit import OPERATOR, Actor
from core.clock import at
from core.database import db
from people.models import CallTask, Staff
from people.services.calls import open_calls_to_make
from tests.support.clock import Clock
from tests.support.meals import Meals

TUESDAY, WEDNESDAY = date(2026, 11, 24), date(2026, 11, 25)


def staff_id() -> int:
    return db.session.scalars(select(Staff.id).order_by(Staff.id)).first() or 0


def now_of(order: MealOrder) -> MealOrder:
    db.session.rollback()
    return db.session.get_one(MealOrder, order.id, populate_existing=True)


def test_a_scan_that_is_taken_back_after_serving_does_not_stay_open(meals: Meals, clock: Clock) -> None:
    meals.lunch(TUESDAY)
    chen, centre, staff = meals.cast.chen, meals.cast.shuibei, staff_id()
    ledger.top_up(staff, centre, chen, 5000)
    order = meals.order(chen, TUESDAY, gateway="account")
    clock.set("2026-11-24 12:29")
    assert redeem(staff, centre, order.id, Scan("1号窗", "scan0001")).kind == "ok"
    clock.set("2026-11-24 12:31")
    close_due()
    undo(staff, db.session.scalars(select(Redemption.id)).one(), "发错了")
    close_due()
    assert now_of(order).state == "uncollected"
    assert db.session.scalars(select(SubsidyClaim.state)).all() == ["released"]
    assert ledger.wrong_sums() == []


def test_a_day_that_is_closed_after_ordering_costs_nobody_anything(meals: Meals, clock: Clock) -> None:
    meals.lunch(TUESDAY)
    chen, centre = meals.cast.chen, meals.cast.shuibei
    ledger.top_up(staff_id(), centre, chen, 5000)
    order = meals.order(chen, TUESDAY, gateway="account")
    row = db.session.get_one(Centre, centre)
    night = [at(day, time(0), row.zone) for day in (TUESDAY, WEDNESDAY)]
    add_one_off(OPERATOR, row, "", night[0], night[1], False, "台风停课")
    clock.set("2026-11-24 12:31")
    close_due()
    ended = now_of(order)
    assert (ended.state, ended.reason, ended.pay_state) == ("failed", "台风停课", "refunded")
    assert ledger.balance(chen) == 5000
    assert db.session.scalars(select(SubsidyClaim.state)).all() == ["released"]
    assert db.session.scalars(select(CallTask)).all() == []


def test_one_canteens_moved_cutoff_keeps_no_other_from_its_sheet(meals: Meals, clock: Clock) -> None:
    first = meals.lunch(TUESDAY)
    second = meals.lunch(TUESDAY, meals.cast.sungang)
    set_policy(OPERATOR, meals.cast.shuibei, "canteen.cutoff_at", "17:00", date(2026, 11, 20))
    clock.set("2026-11-23 16:01")
    close_due()
    db.session.rollback()
    closed = {
        menu: db.session.get_one(Menu, menu, populate_existing=True).closed_at for menu in (first, second)
    }
    assert closed[first] is None
    assert closed[second] is not None


def test_a_failure_that_is_said_after_serving_gives_back_to_those_who_got_nothing(
    meals: Meals, clock: Clock
) -> None:
    """The gas went out at half past eleven, and somebody writes it down when the hall is empty."""
    chen, aqiang, centre = meals.cast.chen, meals.cast.aqiang, meals.cast.shuibei
    menu = meals.lunch(TUESDAY)
    staff = staff_id()
    ledger.top_up(staff, centre, chen, 3000)
    missed, served = meals.order(chen, TUESDAY, gateway="account"), meals.order(aqiang, TUESDAY)
    clock.set("2026-11-24 11:35")
    assert redeem(staff, centre, served.id, Scan("1号窗", "scan-0001", cash=True)).kind == "ok"
    clock.set("2026-11-24 12:31")
    finish_menu(menu)
    assert (ledger.balance(chen), len(open_calls_to_make(centre))) == (2000, 1)
    assert fail_menu(staff, menu, "停气了") == 1
    assert fail_menu(staff, menu, "停气了") == 0
    found = db.session.get_one(MealOrder, missed.id, populate_existing=True)
    assert (found.state, found.pay_state, ledger.balance(chen)) == ("failed", "refunded", 3000)
    assert db.session.get_one(MealOrder, served.id, populate_existing=True).state == "collected"
    assert open_calls_to_make(centre) == []
    assert ledger.wrong_sums() == []


def test_a_meal_whose_change_nobody_has_asked_about_is_given_back_and_they_are_rung_up(
    meals: Meals, clock: Clock
) -> None:
    chen, centre = meals.cast.chen, meals.cast.shuibei
    menu = meals.lunch(TUESDAY)
    staff = staff_id()
    ledger.top_up(staff, centre, chen, 3000)
    order = meals.order(chen, TUESDAY, gateway="account")
    swap_dish(Actor("staff", staff), menu, meals.dishes["V01"], meals.dishes["V03"], "没到货")
    clock.set("2026-11-24 12:31")
    finish_menu(menu)
    found = db.session.get_one(MealOrder, order.id, populate_existing=True)
    assert (found.state, found.pay_state, ledger.balance(chen)) == ("cancelled", "refunded", 3000)
    assert len(open_calls_to_make(centre)) == 1
