"""Ordering and giving back: portions, rights and money move together, once."""

from datetime import date, timedelta

import pytest
from sqlalchemy import inspect, select

from canteen.models import Account, MealOrder, Offer, SubsidyClaim, Transfer
from canteen.services import ledger
from canteen.services.close import close_menu, fail_menu, finish_menu
from canteen.services.give_back import cancel
from canteen.services.serve import Scan, redeem, undo
from centres.services import set_policy
from core import numbered
from core.approvals import Approval, decide
from core.audit import CLOCK, OPERATOR, Actor
from core.database import db
from core.errors import Refused
from people.models import CallTask, Staff
from tests.support.clock import Clock
from tests.support.meals import Meals, double_ninth

TUESDAY = date(2026, 11, 24)


def staff_id() -> int:
    return int(db.session.scalars(select(Staff.id).order_by(Staff.id)).first() or 0)


def sums() -> int:
    return sum(db.session.scalars(select(Account.balance_fen)))


def test_a_meal_of_an_elder_is_helped_and_paid_at_the_counter(meals: Meals, clock: Clock) -> None:
    meals.lunch(TUESDAY)
    order = meals.order(meals.cast.chen, TUESDAY)
    assert (order.price_fen, order.promotion_fen, order.subsidy_fen, order.pays_fen) == (1500, 0, 500, 1000)
    assert (order.pick_up, order.pay_state, order.state) == (1, "due", "ordered")
    claim = db.session.scalars(select(SubsidyClaim)).one()
    assert (claim.slot, claim.week, claim.state) == (1, date(2026, 11, 23), "reserved")
    assert len(order.lines) == 4
    assert order.lines[0].name_zh == "清蒸鲈鱼"


def test_the_promotion_comes_before_the_subsidy(meals: Meals) -> None:
    meals.lunch(TUESDAY)
    double_ninth(meals.cast, TUESDAY, date(2026, 11, 25))
    order = meals.order(meals.cast.chen, TUESDAY)
    assert (order.promotion_fen, order.subsidy_fen, order.pays_fen) == (200, 500, 800)


def test_prepaid_money_is_held_and_comes_back_once(meals: Meals) -> None:
    meals.lunch(TUESDAY)
    chen, centre = meals.cast.chen, meals.cast.shuibei
    ledger.top_up(staff_id(), centre, chen, 1800)
    order = meals.order(chen, TUESDAY, gateway="account")
    assert ledger.balance(chen) == 800
    with pytest.raises(Refused) as refused:
        meals.order(chen, TUESDAY, "L4", gateway="account")
    assert refused.value.code == "balance_low"
    for _again in range(2):
        cancel(Actor("resident", chen), order.id)
    assert ledger.balance(chen) == 1800
    assert db.session.get_one(Offer, order.offer_id).taken == 0
    assert db.session.scalars(select(SubsidyClaim.state)).all() == ["released"]
    assert sums() == 0
    assert ledger.wrong_sums() == []


def test_a_number_that_is_taken_already_is_drawn_anew(meals: Meals, monkeypatch: pytest.MonkeyPatch) -> None:
    meals.lunch(TUESDAY)
    drawn = iter(["K7M24QXD", "K7M24QXD", "K7M24QXD", "A2B3C4D5"])
    monkeypatch.setattr(numbered, "new_number", lambda: next(drawn))
    numbers = [meals.order(who, TUESDAY).number for who in (meals.cast.chen, meals.cast.aqiang)]
    assert numbers == ["K7M24QXD", "A2B3C4D5"]


def test_what_an_order_knows_of_itself_is_what_the_database_has(meals: Meals) -> None:
    """Its object is made without reading the row."""
    meals.lunch(TUESDAY)
    made = meals.order(meals.cast.chen, TUESDAY)
    known = {column.key: getattr(made, column.key) for column in inspect(MealOrder).column_attrs}
    db.session.expunge(made)
    read = db.session.get_one(MealOrder, made.id)
    assert known == {column.key: getattr(read, column.key) for column in inspect(MealOrder).column_attrs}


def test_never_more_portions_than_the_quota(meals: Meals) -> None:
    meals.lunch(TUESDAY, quotas={"L1": 1})
    meals.order(meals.cast.chen, TUESDAY)
    with pytest.raises(Refused) as refused:
        meals.order(meals.cast.aqiang, TUESDAY)
    assert refused.value.code == "sold_out"
    assert len(db.session.scalars(select(MealOrder)).all()) == 1


@pytest.mark.parametrize("channel", ["phone", "family", "api"])
def test_after_the_cutoff_only_those_who_are_here_eat(meals: Meals, clock: Clock, channel: str) -> None:
    meals.lunch(TUESDAY)
    for moment in ("2026-11-23 16:00", "2026-11-24 11:40"):
        clock.set(moment)
        with pytest.raises(Refused) as refused:
            meals.order(meals.cast.chen, TUESDAY, channel=channel)
        assert refused.value.code == "after_cutoff"
    assert db.session.scalars(select(MealOrder)).all() == []
    order = meals.order(meals.cast.chen, TUESDAY)
    assert order.walk_in


def test_one_person_orders_no_more_of_one_meal_than_the_policy_lets_them(meals: Meals) -> None:
    set_policy(OPERATOR, meals.cast.district, "canteen.meal_orders", 2, date(2026, 1, 1))
    meals.lunch(TUESDAY)
    meals.lunch(TUESDAY, meal="dinner")
    chen = meals.cast.chen
    first, _second = meals.order(chen, TUESDAY, "L1"), meals.order(chen, TUESDAY, "L2")
    with pytest.raises(Refused) as refused:
        meals.order(chen, TUESDAY, "L4")
    assert refused.value.code == "enough"
    assert meals.order(chen, TUESDAY, meal="dinner").meal == "dinner"
    cancel(Actor("resident", chen), first.id)
    assert meals.order(chen, TUESDAY, "L4").state == "ordered"


def test_one_order_is_one_meal_and_can_be_undone(meals: Meals, clock: Clock) -> None:
    menu = meals.lunch(TUESDAY)
    staff, centre, chen = staff_id(), meals.cast.shuibei, meals.cast.chen
    ledger.top_up(staff, centre, chen, 5000)
    order = meals.order(chen, TUESDAY, gateway="account")
    clock.set("2026-11-23 16:01")
    sheet = close_menu(CLOCK, menu)
    assert [row["portions"] for row in sheet.rows] == [1, 1, 1, 1]
    assert close_menu(Actor("staff", staff), menu).rows == sheet.rows
    assert redeem(staff, centre, order.id, Scan("1号窗", "early001")).kind == "wrong_day"
    clock.set("2026-11-24 11:40")
    first = redeem(staff, centre, order.id, Scan("1号窗", "scan0001"))
    assert first.kind == "ok"
    again = redeem(staff, centre, order.id, Scan("2号窗", "scan0002"))
    assert again.kind == "already"
    assert "1号窗" in again.text
    assert "11:40" in again.text
    assert redeem(staff, meals.cast.sungang, order.id, Scan("x", "scan0003")).kind == "other_centre"
    row = db.session.scalars(select(Transfer).where(Transfer.kind == "subsidy")).one()
    undo(staff, row.redemption_id or 0, "发错了")
    assert db.session.get_one(MealOrder, order.id).state == "ordered"
    assert redeem(staff, centre, order.id, Scan("2号窗", "scan0004")).kind == "ok"
    assert sums() == 0
    assert ledger.wrong_sums() == []
    sales = ledger.centre_account(centre, "sales")
    assert db.session.get_one(Account, sales, populate_existing=True).balance_fen == 1500


def test_a_meal_that_nobody_collected(meals: Meals, clock: Clock) -> None:
    menu = meals.lunch(TUESDAY)
    chen, centre = meals.cast.chen, meals.cast.shuibei
    ledger.top_up(staff_id(), centre, chen, 5000)
    order = meals.order(chen, TUESDAY, gateway="account")
    clock.set("2026-11-24 12:31")
    assert finish_menu(menu) == 1
    assert finish_menu(menu) == 0
    order = db.session.get_one(MealOrder, order.id, populate_existing=True)
    assert (order.state, order.pay_state) == ("uncollected", "paid")
    assert db.session.scalars(select(SubsidyClaim.state)).all() == ["released"]
    assert ledger.balance(chen) == 4000
    call = db.session.scalars(select(CallTask)).one()
    assert (call.kind, call.resident_id) == ("care", chen)


def test_only_who_lives_alone_is_rung_up_and_within_the_policy_s_minutes(meals: Meals, clock: Clock) -> None:
    set_policy(OPERATOR, meals.cast.district, "canteen.care_call_within", 45, date(2026, 1, 1))
    set_policy(OPERATOR, meals.cast.district, "canteen.missed_after", 20, date(2026, 1, 1))
    menu = meals.lunch(TUESDAY)
    alone, together = meals.order(meals.cast.chen, TUESDAY), meals.order(meals.cast.aqiang, TUESDAY)
    clock.set("2026-11-24 12:49")
    assert finish_menu(menu) == 0
    clock.set("2026-11-24 12:51")
    assert finish_menu(menu) == 2
    assert {one.state for one in (alone, together)} == {"uncollected"}
    call = db.session.scalars(select(CallTask)).one()
    assert call.resident_id == meals.cast.chen
    assert call.due_at == clock() + timedelta(minutes=45)


def test_who_could_not_come_gets_it_back_from_staff_with_a_reason_for_some_days(
    meals: Meals, clock: Clock
) -> None:
    menu = meals.lunch(TUESDAY)
    chen, centre, staff = meals.cast.chen, meals.cast.shuibei, Actor("staff", staff_id())
    ledger.top_up(staff_id(), centre, chen, 5000)
    order = meals.order(chen, TUESDAY, gateway="account")
    clock.set("2026-11-24 12:31")
    finish_menu(menu)
    for who, why, code in (
        (Actor("resident", chen), "住院了", "not_now"),
        (staff, " ", "reason_missing"),
    ):
        with pytest.raises(Refused) as refused:
            cancel(who, order.id, why)
        assert refused.value.code == code
    clock.set("2026-12-01 23:00")
    for _again in range(2):
        cancel(staff, order.id, "住院了")
    order = db.session.get_one(MealOrder, order.id, populate_existing=True)
    assert (order.state, order.pay_state, order.reason) == ("cancelled", "refunded", "住院了")
    assert ledger.balance(chen) == 5000
    assert db.session.scalars(select(CallTask.state)).all() == ["closed"]
    assert (sums(), ledger.wrong_sums()) == (0, [])


def test_after_the_policy_s_days_nobody_is_excused(meals: Meals, clock: Clock) -> None:
    menu = meals.lunch(TUESDAY)
    order = meals.order(meals.cast.chen, TUESDAY)
    clock.set("2026-11-24 12:31")
    finish_menu(menu)
    clock.set("2026-12-02 00:01")
    with pytest.raises(Refused) as refused:
        cancel(Actor("staff", staff_id()), order.id, "住院了")
    assert refused.value.code == "not_now"


def test_when_the_kitchen_fails_everybody_gets_it_back_once(meals: Meals, clock: Clock) -> None:
    menu = meals.lunch(TUESDAY)
    chen, centre = meals.cast.chen, meals.cast.shuibei
    ledger.top_up(staff_id(), centre, chen, 5000)
    meals.order(chen, TUESDAY, gateway="account")
    meals.order(meals.cast.aqiang, TUESDAY)
    assert fail_menu(staff_id(), menu, "停气了") == 2
    assert fail_menu(staff_id(), menu, "停气了") == 0
    assert ledger.balance(chen) == 5000
    assert sums() == 0


def test_big_corrections_need_two_people(meals: Meals) -> None:
    staff, centre, chen = staff_id(), meals.cast.shuibei, meals.cast.chen
    made = ledger.top_up(staff, centre, chen, 6000)
    asked = ledger.reverse(staff, made.id, "充错人了")
    assert isinstance(asked, Approval)
    assert ledger.balance(chen) == 6000
    with pytest.raises(Refused) as refused:
        decide(asked.id, staff, True)
    assert refused.value.code == "two_people"
    decide(asked.id, staff + 1, True)
    assert ledger.balance(chen) == 0
    with pytest.raises(Refused):
        ledger.reverse(staff, made.id, "再来一次")
