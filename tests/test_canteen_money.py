"""The money desk: top up and refund, guests who pay and are paid out, the till that is counted; and who may do what."""

from datetime import date
from functools import partial

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from werkzeug.test import TestResponse

from canteen import counter_queries as queries
from canteen.counter_queries import owed, was_paid_out
from canteen.models import Account, CashCount, MealOrder, Transfer
from canteen.services import ledger, standing
from canteen.services import till as counts
from canteen.services.close import close_menu, fail_menu
from canteen.services.give_back import cancel
from canteen.services.serve import Scan, pay_at_desk, pay_out, redeem, undo
from centres.services import publish_year
from core import approvals
from core.approvals import Approval, decide
from core.audit import CLOCK, OPERATOR, Actor, Audit
from core.clock import database_now
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.events import Event
from core.scheduler import JobRun, tick
from people.models import CallTask, Resident, Staff
from people.services import family
from people.services.calls import put_call
from people.services.merge import merge
from staff.commands import jobs
from tests.support.cast import PASSWORD, PIN, Cast
from tests.support.clock import ZONE, Clock
from tests.support.forms import fields_of, send, ways
from tests.support.hall import refusal
from tests.support.meals import Meals, furnish

TUESDAY = date(2026, 11, 24)
DESK = "/staff/c/shuibei/canteen"


def staff_id(email: str = "wu@hall.invalid") -> int:
    return int(db.session.scalars(select(Staff.id).where(Staff.email == email)).one())


def guest(meals: Meals) -> MealOrder:
    meals.lunch(TUESDAY)
    return meals.order(None, TUESDAY, channel="desk")


# --- the till -------------------------------------------------------------------------------------------------------


def test_a_guest_pays_at_the_desk_and_is_paid_out_once(meals: Meals) -> None:
    order, centre = guest(meals), meals.cast.shuibei
    pay_at_desk(staff_id(), order.id)
    pay_at_desk(staff_id(), order.id)
    assert ledger.till(centre) == 1500
    fail_menu(staff_id(), order.menu_id, "停气了")
    pay_out(staff_id(), order.id)
    assert ledger.till(centre) == 0
    with pytest.raises(Refused) as refused:
        pay_out(staff_id(), order.id)
    assert refused.value.code == "moved_already"
    assert ledger.wrong_sums() == []


def test_what_was_paid_at_the_desk_is_not_asked_for_again_at_the_window(meals: Meals, clock: Clock) -> None:
    order, centre = guest(meals), meals.cast.shuibei
    pay_at_desk(staff_id(), order.id)
    clock.set("2026-11-24 11:40")
    assert redeem(staff_id(), centre, order.id, Scan("1号窗", "scan-0001")).kind == "ok"
    assert ledger.till(centre) == 1500


def test_nothing_is_paid_out_that_was_not_paid(meals: Meals) -> None:
    order = guest(meals)
    cancel(Actor("staff", staff_id()), order.id)
    with pytest.raises(Refused) as refused:
        pay_out(staff_id(), order.id)
    assert refused.value.code == "not_owed"


@pytest.mark.parametrize(
    ("notes", "difference"), [({"5000": 1}, 0), ({"2000": 2, "500": 1}, -500), ({"5000": 1, "100": 3}, 300)]
)
def test_the_count_writes_its_difference_down_and_then_fits(
    meals: Meals, notes: dict[str, int], difference: int
) -> None:
    staff, centre = staff_id(), meals.cast.shuibei
    ledger.top_up(staff, centre, meals.cast.chen, 5000)
    counted = 5000 + difference
    row = counts.count_cash(staff, centre, notes, handed_to_id=staff_id("xu@hall.invalid"), banked_fen=3000)
    assert (row.expected_fen, row.counted_fen, row.banked_fen) == (5000, counted, 3000)
    assert ledger.till(centre) == counted - 3000
    found = db.session.scalars(select(Transfer).where(Transfer.kind == "cash_difference")).all()
    assert [one.amount_fen for one in found] == ([abs(difference)] if difference else [])
    assert sum(db.session.scalars(select(Account.balance_fen))) == 0


def test_whoever_takes_the_till_on_says_so_once_and_nobody_for_them(meals: Meals, clock: Clock) -> None:
    wu, xu, centre = staff_id(), staff_id("xu@hall.invalid"), meals.cast.shuibei
    ledger.top_up(wu, centre, meals.cast.chen, 5000)
    row = counts.count_cash(wu, centre, {"5000": 1}, handed_to_id=xu)
    assert queries.handed_over(centre, xu) == row
    assert queries.handed_over(centre, wu) is None
    with pytest.raises(Refused) as refused:
        counts.take_over(wu, centre, row.id)
    assert refused.value.code == "not_yours"
    with pytest.raises(NotFound):
        counts.take_over(xu, meals.cast.sungang, row.id)
    taken = counts.take_over(xu, centre, row.id).taken_at
    clock.advance(minutes=5)
    assert counts.take_over(xu, centre, row.id).taken_at == taken
    assert queries.handed_over(centre, xu) is None
    assert len(db.session.scalars(select(Audit.id).where(Audit.verb == "cash.taken")).all()) == 1
    other = counts.count_cash(wu, centre, {"5000": 1})
    with pytest.raises(IntegrityError), unit_of_work():  # what was handed to nobody, nobody took
        db.session.get_one(CashCount, other.id).taken_at = clock()


@pytest.mark.usefixtures("till")
def test_the_till_is_handed_over_on_its_page(app: Flask, cast: Cast) -> None:
    with app.app_context():
        wu = staff_id("wu@hall.invalid")
        giver = db.session.scalars(select(Staff.id).where(Staff.email == "xu@hall.invalid")).one()
        row = counts.count_cash(giver, cast.shuibei, {}, handed_to_id=wu, reason="交班").id
        db.session.remove()
    client = desk(app, cast.wu)
    page = client.get(f"{DESK}/till")
    assert "把钱箱交给您" in page.text
    done = send(client, page, f"{DESK}/count/{row}/take", f"form[action$='/count/{row}/take']")
    assert done.status_code == 303
    page = client.get(f"{DESK}/till")
    assert "把钱箱交给您" not in page.text
    assert "接的" in page.text


def test_a_big_difference_needs_a_reason_and_a_second_person(meals: Meals) -> None:
    staff, other, centre = staff_id(), staff_id("xu@hall.invalid"), meals.cast.shuibei
    ledger.top_up(staff, centre, meals.cast.chen, 20_000)
    short = {"10000": 1, "2000": 2}  # ¥60 too little; ¥50 is the policy's
    with pytest.raises(Refused) as refused:
        counts.count_cash(staff, centre, short, reason=" ")
    assert (refused.value.code, db.session.scalars(select(CashCount)).all()) == ("reason_missing", [])
    row = counts.count_cash(staff, centre, short, reason="找错了钱")
    assert (row.transfer_id, ledger.till(centre)) == (None, 20_000)
    again = counts.count_cash(other, centre, short)  # it is not found a second time
    assert (again.expected_fen, again.transfer_id) == (14_000, None)
    (asked,) = approvals.open_about(counts.DIFFERENCE, [row.id])
    with pytest.raises(Refused):
        approvals.decide(asked.id, staff, True)
    approvals.decide(asked.id, other, True)
    assert (ledger.till(centre), counts.waiting_fen(centre), ledger.wrong_sums()) == (14_000, 0, [])
    assert db.session.get_one(CashCount, row.id, populate_existing=True).transfer_id is not None


def test_more_to_the_bank_than_there_is_is_refused(meals: Meals) -> None:
    with pytest.raises(Refused):
        counts.count_cash(staff_id(), meals.cast.shuibei, {"1000": 1}, banked_fen=2000)
    assert db.session.scalars(select(CashCount)).all() == []


def test_accounts_are_off_until_it_is_recorded_who_answers_for_them(meals: Meals) -> None:
    centre, manager = meals.cast.shuibei, Actor("staff", staff_id("xu@hall.invalid"))
    ledger.set_operator(manager, centre, " ")
    with pytest.raises(Refused) as refused:
        ledger.top_up(staff_id(), centre, meals.cast.chen, 1000)
    assert refused.value.code == "accounts_off"
    ledger.set_operator(manager, centre, "水贝食堂公司（虚构）")
    ledger.top_up(staff_id(), centre, meals.cast.chen, 1000)
    assert ledger.balance(meals.cast.chen) == 1000


def test_a_big_refund_waits_for_a_second_person_and_is_paid_once(meals: Meals) -> None:
    wu, centre, chen = staff_id(), meals.cast.shuibei, meals.cast.chen
    ledger.top_up(wu, centre, chen, 20000)
    asked = ledger.refund(wu, centre, chen, 6000, reason="搬走了")
    assert isinstance(asked, Approval)
    assert ledger.balance(chen) == 20000
    with pytest.raises(Refused):
        decide(asked.id, wu, True)
    decide(asked.id, staff_id("luo@hall.invalid"), True)
    assert (ledger.balance(chen), ledger.till(centre)) == (14000, 14000)
    with pytest.raises(Refused) as named:
        ledger.refund(wu, centre, chen, 12000, reason="搬走了")
    assert named.value.code == "reference_missing"


def written() -> dict[str, int]:
    """How many rows the books, the audit and what is told have."""
    db.session.rollback()
    tables = (Account, Transfer, Audit, Event)
    return {
        one.__tablename__: db.session.execute(select(func.count()).select_from(one)).scalar_one()
        for one in tables
    }


@pytest.mark.parametrize("outside", [False, True])
def test_up_to_the_limit_and_no_fen_more(meals: Meals, outside: bool) -> None:
    centre, chen = meals.cast.shuibei, meals.cast.chen
    top_up = partial(ledger.top_up, staff_id(), centre, chen, outside=outside, reference="20261123-1")

    def refused(fen: int) -> Refused:
        before = written()
        with pytest.raises(Refused) as found:
            top_up(fen)
        assert written() == before
        return found.value

    first = refused(500_001)
    assert (first.code, first.title) == ("account_full", "充了会超过上限")
    assert first.text == "饭卡里最多存 ¥5000.00，这是预付卡的规定。"
    assert not ledger.has_account(chen)
    for fen in (499_900, 100):
        assert refused(500_001).code == "account_full"
        top_up(fen)
    assert ledger.balance(chen) == 500_000
    assert refused(1).code == "account_full"
    assert ledger.wrong_sums() == []


def over(kind: str, meals: Meals, wu: int) -> None:
    """陈奶奶's card holds what it may, ¥5000.00; then ¥40.00 more come that are hers and go nowhere else."""
    centre, chen = meals.cast.shuibei, meals.cast.chen
    ledger.top_up(wu, centre, chen, 500_000)
    if kind == "a refund is reversed":
        back = ledger.refund(wu, centre, chen, 4000)
        ledger.top_up(wu, centre, chen, 4000)
        ledger.reverse(wu, back.id, "没有拿走")
    elif kind == "meals are given back":
        for day in (TUESDAY, date(2026, 11, 25)):
            meals.lunch(day)
        orders = [meals.order(chen, day, gateway="account") for day in (TUESDAY, date(2026, 11, 25)) * 2]
        ledger.top_up(wu, centre, chen, sum(order.pays_fen for order in orders))
        for order in orders:
            cancel(Actor("resident", chen), order.id)
    else:
        twin = meals.person("陈秀瑛", date(1948, 6, 12))
        ledger.top_up(wu, meals.cast.sungang, twin, 5000)
        merge(Actor("staff", wu), twin, chen)


@pytest.mark.parametrize("kind", ["two records are one", "a refund is reversed", "meals are given back"])
def test_a_card_may_come_to_hold_more_than_its_limit_and_takes_no_top_up_until_it_is_below(
    meals: Meals, kind: str
) -> None:
    """The limit says what may be put onto it. What is theirs already is neither lost nor refused."""
    wu, centre, chen = staff_id(), meals.cast.shuibei, meals.cast.chen
    over(kind, meals, wu)
    most, there = 500_000, ledger.balance(chen) or 0
    assert there > most
    assert ledger.wrong_sums() == []
    top_up = partial(ledger.top_up, wu, centre, chen, 1)
    for way in (top_up, partial(top_up, outside=True, reference="20261123-1")):
        assert refusal(way) == "account_full"
    assert isinstance(ledger.refund(wu, centre, chen, 500, reason="要回去"), Transfer)
    meals.lunch(date(2026, 11, 26))
    assert meals.order(chen, date(2026, 11, 26), gateway="account").state == "ordered"
    spent = there - (ledger.balance(chen) or 0)
    assert spent > 500
    asked = ledger.refund(
        wu,
        centre,
        chen,
        there - spent - most,
        reason="要回去",
        reference="20261123-2",
        same_name=True,
    )
    if isinstance(asked, Approval):
        decide(asked.id, staff_id("xu@hall.invalid"), True)
    assert ledger.balance(chen) == most
    assert refusal(top_up) == "account_full"
    ledger.refund(wu, centre, chen, 1, reason="要回去", reference="20261123-3")
    top_up()
    assert ledger.balance(chen) == most
    assert ledger.wrong_sums() == []


# --- what was wrong is taken back -----------------------------------------------------------------------------------


def of_kind(kind: str) -> list[int]:
    return list(db.session.scalars(select(Transfer.id).where(Transfer.kind == kind).order_by(Transfer.id)))


def test_what_is_wrong_in_the_till_is_taken_back_once_with_a_reason(meals: Meals) -> None:
    wu, centre = staff_id(), meals.cast.shuibei
    ledger.top_up(wu, centre, meals.cast.chen, 6000)
    counts.count_cash(wu, centre, {"5000": 1, "500": 1, "100": 2}, banked_fen=2000)  # ¥3 too little
    assert ledger.till(centre) == 3700
    (bank,), (difference,) = of_kind("to_bank"), of_kind("cash_difference")
    assert refusal(partial(ledger.reverse, wu, bank, " ")) == "reason_missing"
    ledger.reverse(wu, bank, "没有存成")
    assert ledger.till(centre) == 5700
    ledger.reverse(wu, difference, "钱找到了")
    assert ledger.till(centre) == 6000
    for one in (bank, difference):
        assert refusal(partial(ledger.reverse, wu, one, "再来")) == "moved_already"
    assert ledger.wrong_sums() == []


def test_a_pay_out_that_was_taken_back_is_owed_again_and_paid_out_once_more(meals: Meals) -> None:
    order, centre, wu = guest(meals), meals.cast.shuibei, staff_id()
    pay_at_desk(wu, order.id)
    fail_menu(wu, order.menu_id, "停气了")
    for number in range(3):
        assert [one.id for one in owed(centre)] == [order.id]
        pay_out(wu, order.id)
        assert (ledger.till(centre), list(owed(centre)), was_paid_out(order.id)) == (0, [], True)
        assert refusal(partial(pay_out, wu, order.id)) == "moved_already"
        paid = of_kind("paid_out")
        assert len(paid) == number + 1
        ledger.reverse(wu, paid[-1], "他没有来拿")
        assert (ledger.till(centre), was_paid_out(order.id)) == (1500, False)
    assert ledger.wrong_sums() == []


def test_what_one_takes_back_in_a_day_counts_together_in_one_centre(meals: Meals, clock: Clock) -> None:
    """¥50 is the policy's: the third ¥20 of a day needs a second person, a colleague's first does not."""
    wu, xu, centre = staff_id(), staff_id("xu@hall.invalid"), meals.cast.shuibei
    wrong = [ledger.top_up(wu, centre, meals.cast.chen, 2000).id for _time in range(6)]
    far = ledger.top_up(wu, meals.cast.sungang, meals.cast.aqiang, 2000).id
    done = [ledger.reverse(wu, one, "记错了") for one in wrong[:2]]
    assert [type(one) for one in done] == [Transfer, Transfer]
    asked = ledger.reverse(wu, wrong[2], "记错了")
    assert isinstance(asked, Approval)
    assert isinstance(ledger.reverse(wu, far, "记错了"), Transfer)
    assert isinstance(ledger.reverse(xu, wrong[3], "记错了"), Transfer)
    decide(asked.id, xu, True)
    assert isinstance(ledger.reverse(xu, wrong[4], "记错了"), Transfer), (
        "what two agreed to is not hers alone"
    )
    assert isinstance(ledger.reverse(xu, wrong[5], "记错了"), Approval)
    clock.advance(days=1)
    again = ledger.top_up(wu, centre, meals.cast.chen, 2000).id
    assert isinstance(ledger.reverse(wu, again, "记错了"), Transfer)


def test_a_meal_s_undoing_is_not_counted_among_what_one_takes_back(meals: Meals, clock: Clock) -> None:
    order, wu, centre = guest(meals), staff_id(), meals.cast.shuibei
    top_up = ledger.top_up(wu, centre, meals.cast.chen, 4000).id
    clock.set("2026-11-24 11:40")
    for number in range(2):
        done = redeem(wu, centre, order.id, Scan("1号窗", f"scan-000{number}", cash=True))
        undo(wu, done.redemption_id or 0, "发错了")
    assert isinstance(ledger.reverse(wu, top_up, "记错了"), Transfer)


def test_a_large_refund_goes_to_an_account_whose_name_somebody_has_looked_at(meals: Meals) -> None:
    wu, centre, chen = staff_id(), meals.cast.shuibei, meals.cast.chen
    ledger.top_up(wu, centre, chen, 30_000)
    back = partial(ledger.refund, wu, centre, chen, reason="搬走了")
    with pytest.raises(Refused) as refused:
        back(10_001, reference="20261123-1")
    assert refused.value.code == "name_unchecked"
    assert (
        refused.value.text == "超过 ¥100.00 的，只退到本人（或登记的继承人）名下的账户。看过是，就勾上再退。"
    )
    assert refusal(partial(back, 10_001, same_name=True)) == "reference_missing"
    assert isinstance(back(5000), Transfer)
    asked = back(10_001, reference="20261123-1", same_name=True)
    assert isinstance(asked, Approval)
    assert asked.detail["same_name"] is True
    decide(asked.id, staff_id("xu@hall.invalid"), True)
    audited = db.session.scalars(
        select(Audit.detail).where(Audit.verb == "account.refunded").order_by(Audit.id)
    )
    assert ["same_name" in detail for detail in audited] == [False, True]
    assert ledger.balance(chen) == 30_000 - 15_001


# --- the pages ------------------------------------------------------------------------------------------------------


@pytest.fixture
def till(app: Flask, cast: Cast, clock: Clock) -> dict[str, str]:
    """陈奶奶 and a guest have ordered for Tuesday; it is Monday 12:00."""
    with app.app_context():
        meals = furnish(app, cast)
        order = guest(meals)
        hers = meals.order(cast.chen, TUESDAY)
        said = {"guest": order.number, "hers": hers.number}
        db.session.remove()
    clock.set("2026-11-23 12:00")
    return said


def desk(app: Flask, email: str) -> FlaskClient:
    client = app.test_client()
    page = client.get("/staff/sign-in")
    send(client, page, "/staff/sign-in", "form[method=post]", email=email, password=PASSWORD)
    return client


@pytest.mark.usefixtures("till")
def test_topping_up_prints_a_receipt_and_stands_in_the_history(app: Flask, cast: Cast) -> None:
    wu = desk(app, cast.wu)
    page = wu.get(f"{DESK}/till/account?resident={cast.chen}", follow_redirects=True)
    done = send(wu, page, f"{DESK}/account/{cast.chen}/top-up", amount="50", way="cash")
    receipt = wu.get(done.location).text
    assert "充值 ¥50.00" in receipt
    assert "陈*英" in receipt
    page = wu.get(f"{DESK}/account/{cast.chen}")
    assert "¥50.00" in page.text
    assert "吴敏" in page.text
    send(wu, page, f"{DESK}/account/{cast.chen}/reverse", reason="记错了人")
    page = wu.get(f"{DESK}/account/{cast.chen}")
    assert "已冲正" in page.text
    with app.app_context():
        assert ledger.balance(cast.chen) == 0
        assert "resident.read" in db.session.scalars(select(Audit.verb)).all()


@pytest.mark.usefixtures("till")
def test_the_till_s_page_takes_back_what_was_wrong_a_large_one_by_two(app: Flask, cast: Cast) -> None:
    wu, page = desk(app, cast.wu), f"{DESK}/till"
    assert "钱箱最近的进出" not in wu.get(page).text
    with app.app_context():
        ledger.top_up(staff_id(), cast.shuibei, cast.chen, 20_000)
        ledger.top_up(staff_id(), cast.sungang, cast.aqiang, 500)
        counts.count_cash(staff_id(), cast.shuibei, {"10000": 2, "100": 3}, banked_fen=10_000)
        counts.count_cash(staff_id(), cast.sungang, {"500": 1, "100": 1})
        (bank,) = of_kind("to_bank")
        small, far = of_kind("cash_difference")
        top_up = of_kind("top_up")[0]
        db.session.remove()
    shown = [item.get_text(" ", strip=True) for item in lines_of(wu.get(page))]
    assert [("数钱箱的差额" in line, "存银行" in line) for line in shown] == [(False, True), (True, False)]
    assert ["−¥100.00" in shown[0], "¥3.00" in shown[1]] == [True, True]
    done = send(wu, wu.get(page), f"{page}/reverse/{small}", reason="数错了")
    assert "冲正好了" in wu.get(done.location).text
    send(wu, wu.get(page), f"{page}/reverse/{bank}", reason="没有存成")
    now = wu.get(page)
    assert "等另一位同事批" in now.text
    assert "已冲正" in now.text
    assert f"{page}/reverse/" not in now.text
    other = desk(app, cast.accountant)
    assert f"{page}/reverse/" not in other.get(page).text
    asked = other.get("/staff/approvals")
    assert "冲正存银行 ¥100.00" in asked.text
    send(other, asked, "", "form[action$='/yes']")
    with app.app_context():
        assert (ledger.till(cast.shuibei), ledger.till(cast.sungang)) == (20_000, 600)
        db.session.remove()
    for number in (far, top_up, 9999):
        _url, tokens = fields_of(wu.get(f"{DESK}/count"), f"form[action='{DESK}/count']")
        given = {name: tokens[name] for name in ("csrf_token", "request_key")}
        answer = wu.post(f"{page}/reverse/{number}", data={**given, "reason": "试试"})
        assert answer.status_code == 404, "of another centre, on a resident's card, of nobody"


def lines_of(page: TestResponse) -> list[Tag]:
    return list(BeautifulSoup(page.text, "html.parser").select(".account-lines li"))


def test_a_pay_out_that_is_taken_back_at_the_till_can_be_paid_out_again(
    app: Flask, cast: Cast, till: dict[str, str]
) -> None:
    wu, one = desk(app, cast.wu), f"{DESK}/o/{till['guest']}"
    send(wu, wu.get(one), f"{one}/pay")
    send(wu, wu.get(one), f"{one}/cancel", reason="")
    send(wu, wu.get(one), f"{one}/pay-out")
    assert "没有要退的现金" in wu.get(f"{DESK}/till").text
    send(wu, wu.get(f"{DESK}/till"), f"{DESK}/till/reverse/", reason="他没有来拿")
    page = wu.get(f"{DESK}/till").text
    assert "没有要退的现金" not in page
    assert "已冲正" in page
    send(wu, wu.get(one), f"{one}/pay-out")
    assert "现金已经退了" in wu.get(one).text


@pytest.mark.usefixtures("till")
def test_the_desk_says_that_it_has_looked_at_the_name(app: Flask, cast: Cast) -> None:
    wu, path = desk(app, cast.wu), f"{DESK}/account/{cast.chen}"
    with app.app_context():
        ledger.top_up(staff_id(), cast.shuibei, cast.chen, 20_000)
        db.session.remove()
    page = wu.get(path)
    assert "账户户名就是本人（或登记的继承人）" in page.text
    asked = {"amount": "150", "reason": "搬走了", "reference": "20261123-7"}
    refused = send(wu, page, f"{path}/refund", **asked)
    assert (refused.status_code, "请先核对账户的户名" in refused.text) == (422, True)
    done = send(wu, wu.get(path), f"{path}/refund", **asked, same_name="1")
    assert "等另一位同事批" in wu.get(done.location).text


@pytest.mark.usefixtures("till")
def test_money_that_came_another_way_needs_its_reference(app: Flask, cast: Cast) -> None:
    wu = desk(app, cast.wu)
    page = wu.get(f"{DESK}/account/{cast.chen}")
    refused = send(wu, page, f"{DESK}/account/{cast.chen}/top-up", amount="50", way="outside")
    assert refused.status_code == 422
    assert "凭证号" in refused.text
    odd = send(wu, wu.get(f"{DESK}/account/{cast.chen}"), f"{DESK}/account/{cast.chen}/top-up", amount="五十")
    assert odd.status_code == 422


@pytest.mark.usefixtures("till")
def test_the_desk_reads_how_much_fits_on_a_card(app: Flask, cast: Cast) -> None:
    wu, path = desk(app, cast.wu), f"{DESK}/account/{cast.chen}"
    answer = send(wu, wu.get(path), f"{path}/top-up", amount="5000.01", way="cash")
    assert answer.status_code == 422
    assert "充了会超过上限" in answer.text
    assert "最多存 ¥5000.00" in answer.text
    assert send(wu, wu.get(path), f"{path}/top-up", amount="5000", way="cash").status_code == 303
    with app.app_context():
        assert ledger.balance(cast.chen) == 500_000


@pytest.mark.usefixtures("till")
def test_the_desk_reads_that_a_card_holds_more_than_it_may_and_that_it_is_all_theirs(
    app: Flask, cast: Cast
) -> None:
    wu, path = desk(app, cast.wu), f"{DESK}/account/{cast.chen}"
    with app.app_context():
        ledger.top_up(staff_id(), cast.shuibei, cast.chen, 500_000)
        db.session.remove()
    assert "比上限" not in wu.get(path).text
    with app.app_context():
        card, cash = (
            ledger.resident_account(cast.chen, cast.shuibei),
            ledger.centre_account(cast.shuibei, "cash"),
        )
        with unit_of_work():
            ledger.move(cash, card, 4000, "merge", CLOCK, at=database_now())
        db.session.remove()
    page = wu.get(path).text
    assert "卡里的钱比上限 ¥5000.00 多了 ¥40.00。一分不会少，照样用、照样退；用到上限以下才能再充值。" in page
    assert f'action="{path}/top-up"' not in page
    assert f'action="{path}/refund"' in page


def test_a_guest_s_order_is_found_by_its_number_paid_cancelled_and_paid_out(
    app: Flask, cast: Cast, till: dict[str, str]
) -> None:
    wu = desk(app, cast.wu)
    number = till["guest"]
    assert number[:4] in wu.get(f"{DESK}/orders?q={number[:4]}%20{number[4:]}").text
    one = f"{DESK}/o/{number}"
    send(wu, wu.get(one), f"{one}/pay")
    assert "收好了" in wu.get(one).text
    send(wu, wu.get(one), f"{one}/cancel", reason="")
    page = wu.get(f"{DESK}/till")
    assert "¥15.00" in page.text
    send(wu, wu.get(one), f"{one}/pay-out")
    assert "现金已经退了" in wu.get(one).text
    with app.app_context():
        assert ledger.till(cast.shuibei) == 0


def test_after_the_cutoff_an_exception_needs_its_reason(
    app: Flask, cast: Cast, clock: Clock, till: dict[str, str]
) -> None:
    clock.set("2026-11-23 16:30")
    wu, one = desk(app, cast.wu), f"{DESK}/o/{till['hers']}"
    assert send(wu, wu.get(one), f"{one}/cancel", reason=" ").status_code == 422
    send(wu, wu.get(one), f"{one}/cancel", reason="住院了")
    assert "住院了" in wu.get(one).text


@pytest.mark.usefixtures("till")
def test_the_desk_orders_for_somebody_and_asks_about_their_diet(app: Flask, cast: Cast) -> None:
    wu = desk(app, cast.wu)
    page = wu.get(f"{DESK}/orders/new?resident={cast.aqiang}")
    done = send(wu, page, f"{DESK}/orders/new", "#place", offer=_first_offer(page.text))
    assert "陈志强" in wu.get(done.location).text
    done = send(
        wu, wu.get(f"{DESK}/orders/new"), f"{DESK}/orders/new", "#place", offer=_first_offer(page.text)
    )
    assert "散客" in wu.get(done.location).text


def _first_offer(text: str) -> str:
    return text.split('name="offer" value="')[1].split('"')[0]


@pytest.mark.usefixtures("till")
def test_the_count_is_typed_as_notes_and_coins(app: Flask, cast: Cast) -> None:
    wu = desk(app, cast.wu)
    page = wu.get(f"{DESK}/count")
    said = {"n5000": "1", "n10": "3", "banked": "20", "to": ""}
    assert "请写明原因" in send(wu, page, f"{DESK}/count", **said).text
    done = send(wu, wu.get(f"{DESK}/count"), f"{DESK}/count", **said, reason="昨天的零钱")
    paper = wu.get(done.location).text
    assert "等另一位同事批" in paper
    assert "多 ¥50.30" in paper
    assert "¥30.30" in paper
    assert send(wu, wu.get(f"{DESK}/count"), f"{DESK}/count", n100="x").status_code == 422


@pytest.mark.usefixtures("till")
def test_who_may_do_what(app: Flask, cast: Cast) -> None:
    kitchen, wu, luo = desk(app, cast.kitchen), desk(app, cast.wu), desk(app, cast.luo)
    for path in ("window", "orders", "runs"):
        assert kitchen.get(f"{DESK}/{path}").status_code == 200
    for path in ("till", "count", "review", f"account/{cast.chen}", "orders/new"):
        assert kitchen.get(f"{DESK}/{path}").status_code == 404
        assert wu.get(f"{DESK}/{path}").status_code == 200
        assert luo.get(f"{DESK}/{path}").status_code == 404
    assert "operator" not in wu.get(f"{DESK}/till").text.split("</header>")[1].split("<form")[-1]
    assert kitchen.get("/staff/c/shuibei/ringing/").status_code == 404


def test_an_order_of_another_centre_is_not_here(app: Flask, cast: Cast, till: dict[str, str]) -> None:
    luo = desk(app, cast.luo)
    assert luo.get(f"/staff/c/sungang/canteen/o/{till['guest']}").status_code == 404
    listed = luo.get(f"/staff/c/sungang/canteen/orders?q={till['guest']}").text
    assert "orders-table" not in listed


# --- calls to make --------------------------------------------------------------------------------------------------


def test_calls_stand_by_time_and_show_the_number_once_opened(app: Flask, cast: Cast, clock: Clock) -> None:
    with app.app_context(), unit_of_work():
        put_call("a", "care", cast.shuibei, cast.chen, "订了餐没有来取。", clock())
    clock.advance(minutes=5)
    wu = desk(app, cast.wu)
    assert "有 1 个电话要打" in wu.get("/staff/c/shuibei/today").text
    page = wu.get("/staff/c/shuibei/ringing/")
    assert "陈*英" in page.text
    assert "过了 5 分钟" in page.text
    assert "13800001187" not in page.text
    one = wu.get("/staff/c/shuibei/ringing/1")
    assert "13800001187" in one.text
    send(wu, one, "/staff/c/shuibei/ringing/1/again")
    assert "还有 30 分钟" in wu.get("/staff/c/shuibei/ringing/").text
    one = wu.get("/staff/c/shuibei/ringing/1")
    assert send(wu, one, "/staff/c/shuibei/ringing/1/closed", note="").status_code == 422
    send(wu, one, "/staff/c/shuibei/ringing/1/reached", note="在女儿家")
    assert "没有要打的电话" in wu.get("/staff/c/shuibei/ringing/").text
    with app.app_context():
        call = db.session.scalars(select(CallTask)).one()
        assert (call.state, call.tries, call.note) == ("reached", 2, "在女儿家")
        reads = select(func.count()).select_from(Audit).where(Audit.verb == "resident.read")
        assert db.session.scalar(reads) == 2
    assert desk(app, cast.luo).get("/staff/c/sungang/ringing/1").status_code == 404


def relative(cast: Cast, who: int, *, sees: bool = False) -> int:
    """A link by which somebody may order for 陈奶奶; its id."""
    actor = Actor("resident", who)
    return family.agree(
        Actor("resident", cast.chen), cast.chen, family.ask(actor, who, cast.chen).id, sees_collected=sees
    ).id


def test_a_call_shows_the_relatives_and_each_number_once_opened(app: Flask, cast: Cast, clock: Clock) -> None:
    ring = "/staff/c/shuibei/ringing/1"
    with app.app_context():
        with unit_of_work():
            put_call("a", "care", cast.shuibei, cast.chen, "订了餐没有来取。", clock())
            put_call("b", "message", cast.shuibei, cast.aqiang, "转告一声。", clock())
        son = relative(cast, cast.aqiang)
        other = relative(cast, cast.couple[0], sees=True)
        asked = family.ask(Actor("resident", cast.wheel), cast.wheel, cast.chen).id
        name = db.session.get_one(Resident, cast.wheel).masked_name
    wu = desk(app, cast.wu)
    page = wu.get(ring).text
    assert f"{ring}/family/{son}" in page
    assert "陈*强" in page
    for hidden in ("13800001188", "陈志强", name, f"/family/{asked}"):
        assert hidden not in page
    opened = wu.get(f"{ring}/family/{son}").text
    assert "13800001188" in opened
    assert "陈*英的家人" in opened
    assert "没有让这位家人看取没取餐" in opened
    assert "让这位家人知道取没取餐" in wu.get(f"{ring}/family/{other}").text
    for nobody in (
        f"{ring}/family/{asked}",
        f"{ring}/family/999",
        f"/staff/c/shuibei/ringing/2/family/{son}",
    ):
        assert wu.get(nobody).status_code == 404
    assert "打给家人" not in wu.get("/staff/c/shuibei/ringing/2").text
    with app.app_context():
        query = (
            select(Audit.subject_id, Audit.unit_id).where(Audit.verb == "resident.read").order_by(Audit.id)
        )
        read = [tuple(row) for row in db.session.execute(query)]
        whose = [cast.chen, cast.aqiang, cast.couple[0], cast.aqiang]
        assert read == [(one, cast.shuibei) for one in whose]


@pytest.mark.parametrize("how", ["ended", "moved_away", "elsewhere"])
def test_whom_an_elder_has_no_more_is_not_rung_up(app: Flask, cast: Cast, clock: Clock, how: str) -> None:
    with app.app_context():
        with unit_of_work():
            put_call("a", "care", cast.shuibei, cast.chen, "订了餐没有来取。", clock())
        son = relative(cast, cast.aqiang)
        if how == "ended":
            family.end(Actor("resident", cast.chen), cast.chen, son)
        else:
            with unit_of_work():
                row = db.session.get_one(Resident, cast.aqiang)
                if how == "moved_away":
                    row.lifecycle = how
                else:
                    row.district_id = cast.shuibei
    wu = desk(app, cast.wu)
    assert "打给家人" not in wu.get("/staff/c/shuibei/ringing/1").text
    assert wu.get(f"/staff/c/shuibei/ringing/1/family/{son}").status_code == 404


@pytest.mark.usefixtures("till")
def test_nobody_but_who_rings_sees_a_relative_s_number(app: Flask, cast: Cast, clock: Clock) -> None:
    with app.app_context():
        with unit_of_work():
            put_call("a", "care", cast.shuibei, cast.chen, "订了餐没有来取。", clock())
        son = relative(cast, cast.aqiang)
    for who in (cast.kitchen, cast.luo):
        assert desk(app, who).get(f"/staff/c/shuibei/ringing/1/family/{son}").status_code == 404


def prepaid(meals: Meals, day: date) -> str:
    """What became of an order that is to be paid from the card: `done`, or why not."""
    try:
        meals.order(meals.cast.chen, day, gateway="account")
    except Refused as refused:
        return refused.code
    return "done"


def test_nothing_is_spent_where_accounts_are_off_or_one_is_looked_at(meals: Meals) -> None:
    """The verb decides: a page that was open before, a program or a standing order asks nobody else."""
    centre, chen = meals.cast.shuibei, meals.cast.chen
    for day in (TUESDAY, date(2026, 11, 25)):
        meals.lunch(day)
    ledger.top_up(staff_id(), centre, chen, 9000)
    manager = Actor("staff", staff_id("xu@hall.invalid"))
    ledger.set_operator(manager, centre, " ")
    assert prepaid(meals, TUESDAY) == "accounts_off"
    ledger.set_operator(manager, centre, "水贝食堂公司（虚构）")
    with unit_of_work():
        account = db.session.scalars(select(Account).where(Account.resident_id == chen)).one()
        account.blocked_at = database_now()
    assert prepaid(meals, TUESDAY) == "account_blocked"
    assert ledger.balance(chen) is None
    with unit_of_work():
        db.session.get_one(Account, account.id).blocked_at = None
    assert prepaid(meals, TUESDAY) == "done"
    assert ledger.balance(chen) == 8000


def test_a_blocked_account_goes_on_when_a_second_person_says_so_with_what_the_ledger_says(
    meals: Meals,
) -> None:
    centre, chen = meals.cast.shuibei, meals.cast.chen
    ledger.top_up(staff_id(), centre, chen, 5000)
    account = db.session.scalars(select(Account.id).where(Account.resident_id == chen)).one()
    with unit_of_work():
        db.session.get_one(Account, account).balance_fen = 9000  # by hand, past every verb
    assert ledger.check_sums() == [account]
    with pytest.raises(Refused) as refused:
        ledger.ask_unblock(staff_id(), account, " ")
    assert refused.value.code == "reason_missing"
    asked = ledger.ask_unblock(staff_id(), account, "有人改过数据库")
    assert ledger.balance(chen) is None
    decide(asked.id, staff_id("xu@hall.invalid"), True)
    assert ledger.balance(chen) == 5000
    assert ledger.check_sums() == []
    with pytest.raises(Refused):
        ledger.ask_unblock(staff_id(), account, "再来一次")


@pytest.mark.parametrize("kind", ["held", "refund_due"])
def test_what_its_movements_cannot_be_is_not_made_a_balance(meals: Meals, kind: str) -> None:
    """More went out of an account than ever came: then it is not the balance that is wrong. Neither who asks nor who
    decides meets a fault."""
    centre, chen, wu = meals.cast.shuibei, meals.cast.chen, staff_id()
    ledger.top_up(wu, centre, chen, 5000)
    with unit_of_work():
        account, card = ledger.centre_account(centre, kind), ledger.resident_account(chen, centre)
        db.session.get_one(Account, account).balance_fen = 2000  # by hand, past every verb
    assert ledger.check_sums() == [account]
    asked = ledger.ask_unblock(wu, account, "有人改过数据库")
    with unit_of_work():
        ledger.move(account, card, 500, "order_refund", CLOCK, at=database_now())
    assert refusal(partial(decide, asked.id, staff_id("xu@hall.invalid"), True)) == "balance_odd"
    assert db.session.get_one(Approval, asked.id, populate_existing=True).state == "open"
    approvals.withdraw(asked.id, wu)
    assert refusal(partial(ledger.ask_unblock, wu, account, "再来一次")) == "balance_odd"


@pytest.mark.parametrize("kind", ["cash", "outside", "held", "sales", "subsidy", "refund_due"])
def test_whatever_account_of_the_canteen_is_looked_at_meals_go_out_and_money_goes_back(
    meals: Meals, clock: Clock, kind: str
) -> None:
    """Only what is new waits, and only where it would go through that account."""
    centre, chen, wu = meals.cast.shuibei, meals.cast.chen, staff_id()
    for day in (TUESDAY, date(2026, 11, 25)):
        meals.lunch(day)
    ledger.top_up(wu, centre, chen, 9000)
    ledger.top_up(wu, centre, chen, 1000, outside=True, reference="20261123-1")
    eaten = meals.order(chen, TUESDAY, gateway="account")
    back = meals.order(chen, TUESDAY, "L2", gateway="account")
    at_counter, at_desk = (
        meals.order(None, TUESDAY, channel="desk"),
        meals.order(None, TUESDAY, channel="desk"),
    )
    owed = meals.order(None, TUESDAY, channel="desk")
    pay_at_desk(wu, owed.id)
    cancel(Actor("staff", wu), owed.id)
    with unit_of_work():
        account = ledger.centre_account(centre, kind)
        row = db.session.get_one(Account, account, populate_existing=True)
        row.balance_fen += 700  # by hand, past every verb
    assert ledger.check_sums() == [account]
    top_up = partial(ledger.top_up, wu, centre, chen, 100)
    waits = {
        "card": refusal(partial(meals.order, chen, date(2026, 11, 25), gateway="account")),
        "cash": refusal(top_up),
        "outside": refusal(partial(top_up, outside=True, reference="20261123-2")),
        "before": refusal(partial(pay_at_desk, wu, at_desk.id)),
        "count": refusal(partial(counts.count_cash, wu, centre, {"100": 120}, reason="数过了")),
    }
    expected = {
        "cash": {"cash", "before", "count"},
        "outside": {"outside"},
        "held": {"card", "before"},
    }.get(kind, set())
    assert {name for name, code in waits.items() if code == "books_checked"} == expected
    assert set(waits.values()) <= {"books_checked", "done"}
    paid_in = db.session.scalars(select(Transfer.id).where(Transfer.kind == "top_up").order_by(Transfer.id))
    reversal = refusal(partial(ledger.reverse, wu, paid_in.all()[0], "记错了人"))
    assert reversal == ("books_checked" if kind == "cash" else "done")
    assert refusal(partial(cancel, Actor("resident", chen), back.id)) == "done"
    assert refusal(partial(pay_out, wu, owed.id)) == "done"
    assert refusal(partial(ledger.refund, wu, centre, chen, 500)) == "done"
    assert refusal(partial(meals.order, chen, date(2026, 11, 25), "L2")) == "done"
    clock.set("2026-11-24 11:40")
    for order, scan in (
        (eaten, Scan("1号窗", "scan-0001")),
        (at_counter, Scan("1号窗", "scan-0002", cash=True)),
    ):
        assert redeem(wu, centre, order.id, scan).kind == "ok"
    asked = ledger.ask_unblock(wu, account, "有人改过数据库")
    decide(asked.id, staff_id("xu@hall.invalid"), True)
    assert ledger.wrong_sums() == []
    assert sum(db.session.scalars(select(Account.balance_fen))) == 0


def told_by_the_doctor(app: Flask) -> tuple[int, str]:
    """Exit code of `flask doctor`, and what it says of the ledger."""
    found = app.test_cli_runner().invoke(args=["doctor"])
    lines = found.output.splitlines()
    (place,) = [n for n, line in enumerate(lines) if "账本的每个余额" in line]
    advice = lines[place + 1] if lines[place].startswith("✗") else ""
    return found.exit_code, f"{lines[place]}{advice}"


def night(app: Flask, clock: Clock, day: str) -> None:
    """The clock runs at two in the morning, twice."""
    clock.set(f"{day} 02:00:30")
    with app.app_context():
        for _twice in range(2):
            tick(jobs(), "the only clock")
        assert db.session.scalars(select(JobRun.error).where(JobRun.error.is_not(None))).all() == []
        db.session.remove()


def test_a_balance_that_was_changed_is_found_stopped_and_said_and_two_people_let_it_go_on(
    app: Flask, cast: Cast, clock: Clock
) -> None:
    with app.app_context():
        meals, centre, chen, wu = furnish(app, cast), cast.shuibei, cast.chen, staff_id()
        meals.lunch(date(2026, 11, 26))
        publish_year(OPERATOR, cast.district, 2027)  # else the doctor asks for it in November
        ledger.top_up(wu, centre, chen, 5000)
        account = db.session.scalars(select(Account.id).where(Account.resident_id == chen)).one()
        db.session.remove()
    night(app, clock, "2026-11-24")
    assert told_by_the_doctor(app) == (0, "✓ 账本的每个余额都对得上")
    spoil(app, {account: 9000})
    code, said = told_by_the_doctor(app)
    assert code == 1
    assert said.startswith(f"✗ 账本的每个余额都对得上  → 账户 {account} ")
    assert "备份" in said
    assert "恢复使用" in said
    night(app, clock, "2026-11-25")
    night(app, clock, "2026-11-26")
    with app.app_context():
        row = db.session.get_one(Account, account)
        assert row.blocked_at is not None
        assert row.blocked_at.astimezone(ZONE).day == 25, "the first night found it"
        assert db.session.scalars(select(Audit.verb).where(Audit.verb == "account.blocked")).all() == [
            "account.blocked"
        ]
        moved = db.session.scalars(select(Transfer.id)).one()
        for deed in (
            partial(ledger.top_up, wu, centre, chen, 100),
            partial(ledger.refund, wu, centre, chen, 100, reason="要回去"),
            partial(ledger.reverse, wu, moved, "记错了"),
        ):
            assert refusal(deed) == "account_blocked"
        db.session.remove()
    clock.set("2026-11-25 09:00")
    hers = on_her_phone(app)
    check = "/c/shuibei/canteen/menu/2026-11-26/lunch/check?offer=L1"
    assert "饭卡正在核对" in hers.get("/c/shuibei/canteen/mine/").text
    own = hers.get("/c/shuibei/canteen/mine/account").text
    assert "我们正在核对这张饭卡" in own
    assert 'data-reason="饭卡正在核对"' in hers.get(check).text
    assert "¥90.00" not in own
    desks = {email: desk(app, email) for email in (cast.wu, cast.kitchen, cast.luo)}
    today, alarm, one = "/staff/c/shuibei/today", "账上有 1 处在核对", f"{DESK}/account/{chen}"
    shown = desks[cast.wu].get(today).text
    assert alarm in shown
    assert "陈*英的饭卡：余额和明细对不上" in shown
    assert one in shown
    assert one not in desks[cast.kitchen].get(today).text
    assert alarm not in desks[cast.luo].get("/staff/c/sungang/today").text
    asking = send(desks[cast.wu], desks[cast.wu].get(one), f"{one}/unblock", reason="有人改过数据库")
    assert "等另一位同事批" in desks[cast.wu].get(asking.location).text
    assert "饭卡正在核对" in hers.get("/c/shuibei/canteen/mine/").text, "one person is not enough"
    with app.app_context():
        (waiting,) = approvals.open_about(ledger.UNBLOCK, [account])
        decide(waiting.id, staff_id(cast.manager), True)
        db.session.remove()
    assert "余额 ¥50.00" in hers.get("/c/shuibei/canteen/mine/").text
    assert "正在核对" not in hers.get("/c/shuibei/canteen/mine/account").text
    assert alarm not in desks[cast.wu].get(today).text
    assert told_by_the_doctor(app) == (0, "✓ 账本的每个余额都对得上")
    with app.app_context():
        assert meals.order(chen, date(2026, 11, 26), gateway="account").pays_fen == 1000
        assert ledger.balance(chen) == 4000


def spoil(app: Flask, wrong: dict[int, int]) -> None:
    """Somebody writes balances past every verb: account → fen."""
    with app.app_context():
        for account, fen in wrong.items():
            db.session.execute(
                text("UPDATE account SET balance_fen = :fen WHERE id = :id"), {"fen": fen, "id": account}
            )
        db.session.commit()


def on_her_phone(app: Flask) -> FlaskClient:
    """陈奶奶, known by her number and her PIN."""
    hers = app.test_client()
    asked = send(
        hers,
        hers.get("/c/shuibei/identify/phone?next=/c/shuibei/my/"),
        "/c/shuibei/identify/phone",
        phone="13800001187",
    )
    send(hers, hers.get(asked.location), asked.location, pin=PIN)
    return hers


def test_a_canteen_whose_own_books_do_not_fit_takes_no_new_money_until_two_people_have_looked(
    app: Flask, cast: Cast, clock: Clock
) -> None:
    """What is in the till and what is held for meals are changed by hand. Meanwhile nothing that was paid is kept
    back for longer than the books need, and everybody is told what they can do instead."""
    tuesday, friday = date(2026, 11, 24), date(2026, 11, 27)
    with app.app_context():
        meals, centre, chen, wu = furnish(app, cast), cast.shuibei, cast.chen, staff_id()
        for day in (tuesday, friday):
            meals.lunch(day)
        publish_year(OPERATOR, cast.district, 2027)  # else the doctor asks for it in November
        ledger.top_up(wu, centre, chen, 5000)
        paid = meals.order(chen, tuesday, gateway="account")
        number, code = paid.number, paid.code
        held, cash = (ledger.centre_account(centre, kind) for kind in ("held", "cash"))
        db.session.remove()
    spoil(app, {held: 0, cash: -4000})
    exit_code, advice = told_by_the_doctor(app)
    assert exit_code == 1
    assert "收款和饭卡" in advice
    night(app, clock, "2026-11-24")
    clock.set("2026-11-24 11:40")
    hers = on_her_phone(app)
    desks = {email: desk(app, email) for email in (cast.wu, cast.kitchen, cast.luo, cast.accountant)}

    # the alarm of the today page, for those whom it concerns
    today, alarm, till_page = "/staff/c/shuibei/today", "账上有 2 处在核对", f"{DESK}/till"
    shown = desks[cast.wu].get(today).text
    assert alarm in shown
    assert "钱箱、订餐预收的钱：余额和明细对不上" in shown
    assert f'href="{till_page}"' in shown
    assert f'href="{till_page}"' not in desks[cast.kitchen].get(today).text
    assert alarm not in desks[cast.luo].get("/staff/c/sungang/today").text

    # what she is told, and that her money stays where it is
    lunch = "/c/shuibei/canteen/menu/2026-11-27/lunch"
    check = hers.get(f"{lunch}/check?offer=L1")
    assert 'data-reason="食堂的账正在核对"' in check.text
    late = send(hers, check, f"{lunch}/order", pay="account")  # as a page that was open before would send it
    assert late.status_code == 409
    assert "食堂的账正在核对" in late.text
    assert "卡里的钱一分不会少" in late.text
    assert ways(late) == ["改成取餐时到柜台付", "看我订好的", "回首页"]
    assert "余额 ¥40.00" in hers.get("/c/shuibei/canteen/mine/").text

    # the desk: no new money into books that do not fit; what is owed and what was paid is not called too little
    one = f"{DESK}/account/{chen}"
    refused = send(desks[cast.wu], desks[cast.wu].get(one), f"{one}/top-up", amount="10", way="cash")
    assert refused.status_code == 409
    assert "这笔钱先别收" in refused.text
    assert ways(refused) == ["帮着订餐，到柜台付", "去看在核对什么", "回到饭卡"]
    form = desks[cast.wu].get(f"{DESK}/orders/new?resident={chen}")
    refused = send(
        desks[cast.wu], form, f"{DESK}/orders/new", "#place", offer=_first_offer(form.text), gateway="account"
    )
    assert "食堂的账正在核对" in refused.text
    assert ways(refused) == ["改成取餐时到柜台付", "去看在核对什么", "回到订餐"]
    for path in (till_page, f"{DESK}/count"):
        shown = desks[cast.wu].get(path).text
        assert "钱箱的账正在核对" in shown
        assert "¥40.00" not in shown, "what should be in the till is not known"
    assert "先把数目写在纸上" in desks[cast.wu].get(f"{DESK}/count").text
    _url, tokens = fields_of(desks[cast.wu].get(one), f"form[action='{one}/top-up']")
    said = {name: tokens[name] for name in ("csrf_token", "request_key")}
    count = desks[cast.wu].post(
        f"{DESK}/count", data={**said, "n1000": "4"}
    )  # as a page open before sends it
    assert count.status_code == 409
    assert ways(count)[1:] == ["去看在核对什么", "回到数钱箱"]
    scanned = {"payload": code, "key": "scan-0001"}
    kitchen = desks[cast.kitchen]
    kitchen.get(f"{DESK}/window")
    window = send(kitchen, kitchen.get(f"{DESK}/window"), f"{DESK}/window/name", name="1号窗")
    answer = send(kitchen, kitchen.get(window.location), f"{DESK}/window/scan", "#scan-form", **scanned)
    assert answer.status_code == 409
    assert "请照样发餐" in answer.text
    assert "余额不够" not in answer.text

    # two people open both, on the pages that they know
    for kind, words in (("cash", "钱箱恢复使用"), ("held", "订餐预收的钱恢复使用")):
        page = desks[cast.wu].get(till_page)
        which = f"form[action='{till_page}/unblock']:has(input[value='{kind}'])"
        asking = send(desks[cast.wu], page, "", which, reason="有人改过数据库")
        assert "等另一位同事批" in desks[cast.wu].get(asking.location).text
        assert alarm in desks[cast.wu].get(today).text, "one person is not enough"
        mine = desks[cast.wu].get("/staff/approvals")
        assert words in mine.text
        assert "/yes" not in mine.text
        send(
            desks[cast.accountant], desks[cast.accountant].get("/staff/approvals"), "", "form[action$='/yes']"
        )
        alarm = "账上有 1 处在核对"
    assert "处在核对" not in desks[cast.wu].get(today).text
    assert told_by_the_doctor(app) == (0, "✓ 账本的每个余额都对得上")

    # and the canteen sells again: the meal that was paid, and one more
    answer = send(kitchen, kitchen.get(f"{DESK}/window"), f"{DESK}/window/scan", "#scan-form", **scanned)
    assert answer.status_code == 200
    assert "可以发餐" in answer.text
    done = send(hers, hers.get(f"{lunch}/check?offer=L1&pay=account"), f"{lunch}/order")
    assert done.status_code == 303
    send(desks[cast.wu], desks[cast.wu].get(one), f"{one}/top-up", amount="10", way="cash")
    with app.app_context():
        assert (ledger.balance(chen), ledger.till(centre)) == (4000, 6000)
        order = db.session.scalars(select(MealOrder).where(MealOrder.number == number)).one()
        assert (order.state, order.pay_state) == ("collected", "paid")
        verbs = db.session.scalars(select(Audit.verb).where(Audit.verb.like("account.%blocked"))).all()
        assert sorted(verbs) == ["account.blocked"] * 2 + ["account.unblocked"] * 2
        assert ledger.wrong_sums() == []


def test_a_standing_order_is_made_to_be_paid_at_the_counter_where_the_card_cannot_pay(
    meals: Meals, clock: Clock
) -> None:
    centre, chen = meals.cast.shuibei, meals.cast.chen
    menu = meals.lunch(TUESDAY)
    ledger.top_up(staff_id(), centre, chen, 9000)
    standing.start(Actor("resident", chen), chen, centre, "lunch", [1], gateway_name="account")
    ledger.set_operator(Actor("staff", staff_id("xu@hall.invalid")), centre, "")
    clock.set("2026-11-23 16:01")
    close_menu(CLOCK, menu)
    made = db.session.scalars(select(MealOrder).where(MealOrder.resident_id == chen)).one()
    assert (made.gateway, made.pay_state) == ("counter", "due")


def test_a_standing_order_is_made_to_be_paid_at_the_counter_while_the_books_are_checked(
    meals: Meals, clock: Clock
) -> None:
    centre, chen = meals.cast.shuibei, meals.cast.chen
    menu = meals.lunch(TUESDAY)
    ledger.top_up(staff_id(), centre, chen, 9000)
    standing.start(Actor("resident", chen), chen, centre, "lunch", [1], gateway_name="account")
    with unit_of_work():
        held = ledger.centre_account(centre, "held")
        db.session.get_one(Account, held).blocked_at = database_now()
    clock.set("2026-11-23 16:01")
    close_menu(CLOCK, menu)
    made = db.session.scalars(select(MealOrder).where(MealOrder.resident_id == chen)).one()
    assert (made.gateway, made.pay_state) == ("counter", "due")
    assert ledger.balance(chen) == 9000


def test_many_small_refunds_of_a_day_are_a_large_one(meals: Meals, clock: Clock) -> None:
    centre, chen = meals.cast.shuibei, meals.cast.chen
    ledger.top_up(staff_id(), centre, chen, 20_000)
    for _time in range(2):
        assert isinstance(ledger.refund(staff_id(), centre, chen, 2500), Transfer)
    assert isinstance(ledger.refund(staff_id(), centre, chen, 2500, reason="要回去"), Approval)
    with pytest.raises(Refused) as refused:
        ledger.refund(staff_id(), centre, chen, 5100, reason="要回去")
    assert refused.value.code == "reference_missing"
    clock.advance(days=1)
    assert isinstance(ledger.refund(staff_id(), centre, chen, 2500), Transfer)
