"""Many want the last portion, the last right or the same money at one moment: exactly so many get it.

The control comes first: under the same harness, looking first and taking then sells more than there is.
"""

import json
import secrets
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Select, func, select, text

from api.services import make_client
from canteen.models import (
    Account,
    KitchenSheet,
    MealOrder,
    Menu,
    Offer,
    Redemption,
    Settlement,
    SettlementPayment,
    SheetChange,
    SubsidyClaim,
    Transfer,
)
from canteen.services import ledger, paid
from canteen.services.close import close_menu, fail_menu, finish_menu
from canteen.services.give_back import cancel
from canteen.services.order import Wish, place
from canteen.services.plan import set_walk_in
from canteen.services.serve import Answer, Scan, redeem
from canteen.services.standing import start
from centres.services import set_policy
from core import approvals
from core.audit import CLOCK, OPERATOR, Actor
from core.clock import database_now
from core.database import db, unit_of_work
from core.errors import Refused
from kiosk.services import begin_visit, know
from people.models import Staff
from people.services.cards import issue_card
from tests.conftest import StartServer
from tests.support.clock import ZONE, Clock
from tests.support.hall import ALL, apart
from tests.support.meals import Meals
from tests.support.race import together

TUESDAY = date(2026, 11, 24)
ROUNDS = 100 if ALL else 10
MANY, LEFT = 30, 5
GENTLE = "the harness is too gentle to prove anything"
TWO = ("xu@hall.invalid", "tang@hall.invalid")


def codes(results: Sequence[object]) -> Counter[str]:
    """What came of each deed: `done` or the code of the refusal; any other fault fails the test."""
    found: Counter[str] = Counter()
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, Refused):
            raise result
        found[result.code if isinstance(result, Refused) else "done"] += 1
    return found


def ordering(
    app: Flask, who: int, offer: int, gateway: str = "counter", channel: str = "phone"
) -> Callable[[], object]:
    actor, wish = Actor("resident", who), Wish(gateway)
    return apart(app, lambda: place(actor, offer, who, wish, channel=channel))


def staff_id() -> int:
    return db.session.scalars(select(Staff.id).order_by(Staff.id)).first() or 0


def _rows(actor: Actor, menu: int) -> list[dict[str, Any]]:
    return close_menu(actor, menu).rows


def workday(number: int) -> date:
    """The tests' rounds each have a day of their own: Tuesdays to Fridays, week after week."""
    return TUESDAY + timedelta(days=7 * (number // 4) + number % 4)


@pytest.fixture
def crowd(meals: Meals) -> list[int]:
    set_policy(OPERATOR, meals.cast.district, "canteen.horizon_days", 400, date(2026, 1, 1))
    return [meals.person(f"街坊{n}", date(1948, 6, 1 + n % 28)) for n in range(MANY)]


def test_the_control_looking_first_and_taking_then_oversells(app: Flask, meals: Meals) -> None:
    with db.engine.begin() as connection:
        connection.execute(text("CREATE TABLE naive_sale (round integer NOT NULL)"))
    many = text("SELECT count(*) FROM naive_sale WHERE round = :round")

    def buy(number: int) -> bool:
        if (db.session.execute(many, {"round": number}).scalar_one()) >= LEFT:
            return False
        with unit_of_work():
            db.session.execute(text("INSERT INTO naive_sale VALUES (:round)"), {"round": number})
        return True

    worst = 0
    for number in range(ROUNDS):
        sold = together([apart(app, lambda number=number: buy(number))] * MANY)  # type: ignore[misc]
        worst = max(worst, sum(one is True for one in sold))
        if worst > LEFT:
            break
    assert worst > LEFT, "the harness is too gentle to prove anything"


def test_thirty_want_the_last_five_portions(app: Flask, meals: Meals, crowd: list[int]) -> None:
    for number in range(ROUNDS):
        day = workday(number)
        menu = meals.lunch(day, quotas={"L1": LEFT})
        offer = meals.offer(day)
        outcome = codes(together([ordering(app, who, offer) for who in crowd]))
        assert outcome == {"done": LEFT, "sold_out": MANY - LEFT}
        db.session.rollback()
        assert db.session.get_one(Offer, offer, populate_existing=True).taken == LEFT
        numbers = db.session.scalars(select(MealOrder.pick_up).where(MealOrder.menu_id == menu)).all()
        assert sorted(numbers) == list(range(1, LEFT + 1))
        claims = select(func.count()).select_from(SubsidyClaim).where(SubsidyClaim.day == day)
        assert db.session.scalar(claims) == LEFT


def test_thirty_who_walk_in_want_the_last_three_and_what_one_gives_back_goes_once(
    app: Flask, meals: Meals, crowd: list[int], clock: Clock
) -> None:
    """After the cutoff; the offer has portions left that were never cooked, and they are nobody's."""
    staff, left = Actor("staff", staff_id()), 3
    for number in range(ROUNDS):
        day = workday(number)
        menu = meals.lunch(day)
        set_walk_in(OPERATOR, menu, left)
        offer = meals.offer(day)
        clock.set(f"{day - timedelta(days=1)} 16:01")
        close_menu(CLOCK, menu)
        clock.set(f"{day} 11:35")
        outcome = codes(together([ordering(app, who, offer, channel="kiosk") for who in crowd]))
        assert outcome == {"done": left, "sold_out": MANY - left}
        db.session.rollback()
        orders = db.session.scalars(select(MealOrder).where(MealOrder.menu_id == menu)).all()
        assert [order.walk_in for order in orders] == [True] * left
        assert sold(menu, offer) == (left, 0)
        gone, without = orders[0].id, set(crowd) - {order.resident_id for order in orders}
        back = [apart(app, partial(cancel, staff, gone, "不舒服")) for _tap in range(4)]
        assert codes(together(back)) == {"done": 4}
        assert sold(menu, offer) == (left - 1, 0)
        outcome = codes(together([ordering(app, who, offer, channel="kiosk") for who in without]))
        assert outcome == {"done": 1, "sold_out": MANY - left - 1}
        assert sold(menu, offer) == (left, 0)


def sold(menu: int, offer: int) -> tuple[int, int]:
    """Walk-in portions and portions of an offer that are taken."""
    db.session.rollback()
    taken = select(Menu.walk_in_taken, Offer.taken).join(Offer).where(Menu.id == menu, Offer.id == offer)
    walked, ordered = db.session.execute(taken).one()
    return walked, ordered


def test_one_meal_is_helped_once_in_all_centres(app: Flask, meals: Meals, crowd: list[int]) -> None:
    for number in range(ROUNDS):
        day, who = workday(number), crowd[number % MANY]
        offers = []
        for centre in (meals.cast.shuibei, meals.cast.sungang):
            meals.lunch(day, centre)
            offers.append(meals.offer(day, centre=centre))
        assert codes(together([ordering(app, who, offer) for offer in offers])) == {"done": 2}
        db.session.rollback()
        rows = db.session.scalars(select(MealOrder.subsidy_fen).where(MealOrder.day == day)).all()
        assert sorted(rows) == [0, 500]


def test_the_last_right_of_the_week_is_used_once_from_two_centres(
    app: Flask, meals: Meals, crowd: list[int]
) -> None:
    set_policy(OPERATOR, meals.cast.district, "canteen.subsidies_week", 1, date(2026, 1, 1))
    weeks = max(2, ROUNDS // 3)
    for number in range(weeks):
        first, who = TUESDAY + timedelta(days=7 * number), crowd[number % MANY]
        wishes = []
        for centre, day in (
            (meals.cast.shuibei, first),
            (meals.cast.sungang, first + timedelta(days=1)),
            (meals.cast.shuibei, first + timedelta(days=2)),
        ):
            meals.lunch(day, centre)
            wishes.append(ordering(app, who, meals.offer(day, centre=centre)))
        assert codes(together(wishes)) == {"done": 3}
        db.session.rollback()
        live = select(func.count()).select_from(SubsidyClaim).where(SubsidyClaim.resident_id == who)
        assert db.session.scalar(live.where(SubsidyClaim.week == first - timedelta(days=1))) == 1


def test_the_kitchen_s_paper_is_what_stays_ordered_however_late_it_is_given_back(
    app: Flask, meals: Meals, clock: Clock, crowd: list[int]
) -> None:
    """The sheet is drawn while staff give meals back: each of these is missing on it or has its strip."""
    staff = Actor("staff", staff_id())
    for number in range(ROUNDS):
        day = workday(number)
        menu = meals.lunch(day)
        clock.set(f"{day - timedelta(days=7)} 10:00")
        orders = [meals.order(who, day, "L2").id for who in crowd[:6]]
        clock.set(f"{day - timedelta(days=1)} 16:01")
        deeds = [apart(app, partial(cancel, staff, order, "住院了")) for order in orders[:3]]
        outcomes = together([*deeds, apart(app, partial(close_menu, CLOCK, menu))])
        assert not [one for one in outcomes if isinstance(one, Exception)]
        db.session.rollback()
        sheet = db.session.get_one(KitchenSheet, menu, populate_existing=True)
        gone = db.session.scalars(
            select(SheetChange.order_id).where(SheetChange.menu_id == menu, SheetChange.kind == "cancelled")
        ).all()
        assert sorted({box["order_id"] for box in sheet.boxes} - set(gone)) == sorted(orders[3:])


def test_the_same_eighteen_yuan_are_spent_once(app: Flask, meals: Meals, crowd: list[int]) -> None:
    staff = staff_id()
    for number in range(ROUNDS):
        day, who = workday(number), crowd[number % MANY]
        meals.lunch(day)
        there = ledger.balance(who) or 0
        if there < 1800:
            ledger.top_up(staff, meals.cast.shuibei, who, 1800 - there)
        wishes = [ordering(app, who, meals.offer(day, code), "account") for code in ("L1", "L4")]
        assert codes(together(wishes)) == {"done": 1, "balance_low": 1}
        db.session.rollback()
        assert ledger.balance(who) == 800
    assert ledger.wrong_sums() == []


def test_two_desks_that_pay_back_at_once_count_one_after_the_other(
    app: Flask, meals: Meals, crowd: list[int]
) -> None:
    """Each sum is below what one person may decide, both together are not."""
    staff, centre = staff_id(), meals.cast.shuibei
    for who in crowd[: min(ROUNDS, MANY)]:
        ledger.top_up(staff, centre, who, 9000)
        done = together(
            [
                apart(app, partial(ledger.refund, staff, centre, who, 3000, reason="要回去"))
                for _desk in range(2)
            ]
        )
        assert sorted(type(one).__name__ for one in done) == ["Approval", "Transfer"]
        db.session.rollback()
        assert ledger.balance(who) == 6000


def test_the_control_reading_the_balance_first_puts_more_than_fits_onto_a_card(
    app: Flask, meals: Meals, crowd: list[int]
) -> None:
    with unit_of_work():
        cash = ledger.centre_account(meals.cast.shuibei, "cash")

    def naive(who: int) -> bool:
        there = ledger.balance(who) or 0
        if there + 6000 > 10_000:
            return False
        with unit_of_work():
            account = ledger.resident_account(who, meals.cast.shuibei)
            ledger.move(cash, account, 6000, "top_up", CLOCK, at=database_now())
        return True

    for who in crowd[: min(ROUNDS, MANY)]:
        codes(together([apart(app, partial(naive, who)) for _desk in range(4)]))
        db.session.rollback()
        if (ledger.balance(who) or 0) > 10_000:
            return
    raise AssertionError(GENTLE)


def test_two_desks_that_top_up_at_once_never_pass_the_limit(
    app: Flask, meals: Meals, crowd: list[int]
) -> None:
    """Each sum fits, both together do not; the account is opened by whoever comes first."""
    staff, centre = staff_id(), meals.cast.shuibei
    set_policy(OPERATOR, meals.cast.district, "canteen.account_most_fen", 10_000, date(2026, 1, 1))
    for who in crowd[: min(ROUNDS, MANY)]:
        large = [apart(app, partial(ledger.top_up, staff, centre, who, 6000)) for _desk in range(4)]
        assert codes(together(large)) == {"done": 1, "account_full": 3}
        small = [apart(app, partial(ledger.top_up, staff, centre, who, 1000)) for _desk in range(6)]
        assert codes(together(small)) == {"done": 4, "account_full": 2}
        db.session.rollback()
        assert ledger.balance(who) == 10_000
    assert ledger.wrong_sums() == []


CLAIMED = 10_000


def sealed(meals: Meals, number: int) -> Settlement:
    """A month of the round's own that claims ¥100.00 and is sealed."""
    now = database_now()
    with unit_of_work():
        row = Settlement(
            centre_id=meals.cast.shuibei,
            month=date(2001 + number // 12, 1 + number % 12, 1),
            state="sealed",
            made_at=now,
            sealed_at=now,
            sealed_by=staff_id(),
            claimed_fen=CLAIMED,
        )
        db.session.add(row)
    return row


def came(row: int) -> int:
    """What the payments of a month come to, whatever the month says itself."""
    query = select(func.coalesce(func.sum(SettlementPayment.amount_fen), 0))
    return int(db.session.scalar(query.where(SettlementPayment.settlement_id == row)) or 0)


def test_the_control_summing_payments_first_books_more_than_is_claimed(app: Flask, meals: Meals) -> None:
    with unit_of_work():
        outside, subsidy = (
            ledger.centre_account(meals.cast.shuibei, kind) for kind in ("outside", "subsidy")
        )
    staff = staff_id()

    def naive(row: int) -> bool:
        if came(row) + 6000 > CLAIMED:
            return False
        with unit_of_work():
            now = database_now()
            moved = ledger.move(outside, subsidy, 6000, "government_paid", CLOCK, at=now)
            payment = SettlementPayment(
                settlement_id=row,
                amount_fen=6000,
                paid_on=TUESDAY,
                transfer_id=moved,
                recorded_at=now,
                recorded_by=staff,
            )
            db.session.add(payment)
        return True

    for number in range(ROUNDS):
        row = sealed(meals, number).id
        codes(together([apart(app, partial(naive, row)) for _desk in range(4)]))
        db.session.rollback()
        if came(row) > CLAIMED:
            return
    raise AssertionError(GENTLE)


def test_payments_written_down_at_once_are_never_more_than_is_claimed(app: Flask, meals: Meals) -> None:
    staff, centre = staff_id(), meals.cast.shuibei
    for number in range(ROUNDS):
        row = sealed(meals, number)
        today = (row.sealed_at or database_now()).astimezone(ZONE).date()

        def pay(fen: int, month: date = row.month, day: date = today) -> Callable[[], object]:
            return apart(app, lambda: paid.record_paid(staff, centre, month, fen, day))

        assert codes(together([pay(6000)] * 4)) == {"done": 1, "paid_odd": 3}
        assert codes(together([pay(1000)] * 6)) == {"done": 4, "paid_odd": 2}
        db.session.rollback()
        there = db.session.get_one(Settlement, row.id, populate_existing=True)
        assert (there.came_fen, there.state, came(row.id)) == (CLAIMED, "paid", CLAIMED)
    assert ledger.wrong_sums() == []


def test_a_payment_is_taken_back_once_however_many_want_it(app: Flask, meals: Meals) -> None:
    staff, centre = staff_id(), meals.cast.shuibei
    set_policy(OPERATOR, centre, "canteen.two_people_fen", 500_000, date(2026, 1, 1))
    for number in range(ROUNDS):
        row = sealed(meals, number)
        today = (row.sealed_at or database_now()).astimezone(ZONE).date()
        payment = paid.record_paid(staff, centre, row.month, 1000, today).id
        back = apart(app, partial(paid.take_back_payment, staff, centre, payment, "记错了"))
        assert codes(together([back] * 4)) == {"done": 1, "moved_already": 3}
        db.session.rollback()
        assert db.session.get_one(Settlement, row.id, populate_existing=True).came_fen == 0
    assert ledger.wrong_sums() == []


def test_the_control_summing_what_was_taken_back_first_lets_one_pass_for_two_people(
    app: Flask, meals: Meals, crowd: list[int], clock: Clock
) -> None:
    staff, centre = staff_id(), meals.cast.shuibei

    def naive(wrong: int) -> bool:
        today = clock().replace(hour=0, minute=0)
        done = select(func.coalesce(func.sum(Transfer.amount_fen), 0))
        done = done.where(Transfer.kind == "reversal", Transfer.actor_id == staff, Transfer.at >= today)
        if (db.session.scalar(done) or 0) + 3000 > 5000:
            return False
        with unit_of_work():
            row = db.session.get_one(Transfer, wrong)
            ends = row.credit_id, row.debit_id
            actor = Actor("staff", staff)
            ledger.move(*ends, 3000, "reversal", actor, at=database_now(), reverses_id=wrong)
        return True

    for who in crowd[: min(ROUNDS, MANY)]:
        wrong = [ledger.top_up(staff, centre, who, 3000).id for _time in range(4)]
        if together([apart(app, partial(naive, one)) for one in wrong]).count(True) > 1:
            return
        clock.advance(days=1)
    raise AssertionError(GENTLE)


def test_one_who_takes_back_at_two_desks_at_once_does_not_pass_for_two_people(
    app: Flask, meals: Meals, crowd: list[int], clock: Clock
) -> None:
    """Each sum is below what one person may take back, both together are not."""
    staff, centre = staff_id(), meals.cast.shuibei
    for who in crowd[: min(ROUNDS, MANY)]:
        wrong = [ledger.top_up(staff, centre, who, 3000).id for _time in range(2)]
        done = together([apart(app, partial(ledger.reverse, staff, one, "记错了")) for one in wrong])
        assert sorted(type(one).__name__ for one in done) == ["Approval", "Transfer"]
        clock.advance(days=1)


def test_two_windows_hand_out_one_meal(app: Flask, meals: Meals, clock: Clock) -> None:
    meals.lunch(TUESDAY)
    staff, centre = staff_id(), meals.cast.shuibei
    people = [meals.person(f"食客{n}", date(1950, 1, 1)) for n in range(ROUNDS if not ALL else 20)]
    orders = [meals.order(who, TUESDAY, code).id for who, code in zip(people, ["L1"] * 20, strict=False)]
    clock.set("2026-11-24 11:40")
    for order in orders:
        scans = [
            apart(
                app,
                partial(redeem, staff, centre, order, Scan(f"{n}号窗", f"{order}-{n:06d}", cash=True)),
            )
            for n in range(6)
        ]
        kinds = Counter(one.kind for one in together(scans) if isinstance(one, Answer))
        assert kinds == {"ok": 1, "already": 5}
    db.session.rollback()
    for kind in ("subsidy", "meal_sold"):
        count = select(func.count()).select_from(Transfer).where(Transfer.kind == kind)
        assert db.session.scalar(count) == len(orders)
    assert db.session.scalar(select(func.count()).select_from(Redemption)) == len(orders)


def test_a_meal_given_back_from_two_phones_is_refunded_once(
    app: Flask, meals: Meals, crowd: list[int]
) -> None:
    staff = staff_id()
    for number in range(ROUNDS):
        day, who = workday(number), crowd[number % MANY]
        meals.lunch(day)
        there = ledger.balance(who) or 0
        if there < 5000:
            ledger.top_up(staff, meals.cast.shuibei, who, 5000 - there)
        order = meals.order(who, day, channel="phone", gateway="account").id
        taps = [apart(app, lambda order=order, who=who: cancel(Actor("resident", who), order))] * 6  # type: ignore[misc]
        assert codes(together(taps)) == {"done": 6}
        db.session.rollback()
        assert ledger.balance(who) == 5000
    assert db.session.scalar(select(func.sum(Account.balance_fen))) == 0


def test_the_clock_and_a_cook_close_at_once_and_draw_one_sheet(
    app: Flask, meals: Meals, clock: Clock
) -> None:
    menu = meals.lunch(TUESDAY)
    for n in range(4):
        who = meals.person(f"长订{n}", date(1945, 1, 1))
        start(Actor("resident", who), who, meals.cast.shuibei, "lunch", [0, 1, 2, 3, 4])
    clock.advance(days=0, hours=6, minutes=30)
    sheets = together([apart(app, partial(_rows, actor, menu)) for actor in (CLOCK, OPERATOR, CLOCK)])
    assert all(not isinstance(one, Exception) for one in sheets), sheets
    assert sheets[0] == sheets[1] == sheets[2]
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(MealOrder)) == 4


def test_a_failed_kitchen_gives_back_once_however_often_it_runs(
    app: Flask, meals: Meals, crowd: list[int]
) -> None:
    staff = staff_id()
    menu = meals.lunch(TUESDAY)
    for who in crowd[:8]:
        ledger.top_up(staff, meals.cast.shuibei, who, 2000)
        meals.order(who, TUESDAY, gateway="account")
    back = together([apart(app, lambda: fail_menu(staff, menu, "停气了"))] * 3)
    assert sum(one for one in back if isinstance(one, int)) == 8
    db.session.rollback()
    assert [ledger.balance(who) for who in crowd[:8]] == [2000] * 8


def test_finishing_twice_at_once_keeps_the_money_once(
    app: Flask, meals: Meals, crowd: list[int], clock: Clock
) -> None:
    staff = staff_id()
    menu = meals.lunch(TUESDAY)
    for who in crowd[:8]:
        ledger.top_up(staff, meals.cast.shuibei, who, 2000)
        meals.order(who, TUESDAY, gateway="account")
    clock.set("2026-11-24 12:31")
    missed = together([apart(app, lambda: finish_menu(menu))] * 3)
    assert sum(one for one in missed if isinstance(one, int)) == 8, missed
    db.session.rollback()
    assert db.session.get_one(Menu, menu, populate_existing=True).finished_at is not None
    assert ledger.wrong_sums() == []


def looked_at(meals: Meals) -> int:
    """The account of what the canteen sells. Its sum was changed by hand, it was found, and it goes on selling."""
    with unit_of_work():
        sales = ledger.centre_account(meals.cast.shuibei, "sales")
        db.session.get_one(Account, sales, populate_existing=True).balance_fen += 70_000
    assert sales in ledger.check_sums()
    return sales


def selling(app: Flask, meals: Meals, sales: int) -> list[Callable[[], object]]:
    """Six windows that sell ten meals each."""
    with unit_of_work():
        cash = ledger.centre_account(meals.cast.shuibei, "cash")

    def sell() -> None:
        for _meal in range(10):
            with unit_of_work():
                ledger.move(cash, sales, 1500, "extra_sold", CLOCK, at=database_now())

    return [apart(app, sell)] * 6


def sum_of(account: int) -> int:
    """What an account's transfers come to."""
    came, went = (
        db.session.scalar(select(func.coalesce(func.sum(Transfer.amount_fen), 0)).where(side == account))
        for side in (Transfer.credit_id, Transfer.debit_id)
    )
    return int(came or 0) - int(went or 0)


def test_the_control_summing_an_account_first_makes_a_wrong_balance(app: Flask, meals: Meals) -> None:
    def naive(account: int) -> None:
        fen = sum_of(account)
        with unit_of_work():
            row = db.session.get_one(Account, account, with_for_update=True, populate_existing=True)
            row.balance_fen, row.blocked_at = fen, None

    for _round in range(ROUNDS):
        sales = looked_at(meals)
        codes(together([apart(app, partial(naive, sales)), *selling(app, meals, sales)]))
        db.session.rollback()
        if ledger.wrong_sums():
            return
    raise AssertionError(GENTLE)


def test_an_account_goes_on_with_the_right_sum_while_the_canteen_sells(app: Flask, meals: Meals) -> None:
    asks, decides = db.session.scalars(select(Staff.id).where(Staff.email.in_(TWO)).order_by(Staff.id))
    for _round in range(ROUNDS):
        sales = looked_at(meals)
        asked = ledger.ask_unblock(asks, sales, "有人改过数据库").id
        opens = apart(app, partial(approvals.decide, asked, decides, True))
        assert codes(together([opens, *selling(app, meals, sales)])) == {"done": 7}
        db.session.rollback()
        assert ledger.wrong_sums() == []
        assert db.session.get_one(Account, sales, populate_existing=True).balance_fen == sum_of(sales)


def looking_first(app: Flask, query: Select[int], most: int, taps: Sequence[Callable[[], object]]) -> int:
    """The same taps, all at once, as a program makes them that counts before its unit of work: whoever sees less than
    `most` orders goes on. Returns how many ordered."""

    def first(tap: Callable[[], object]) -> object:
        with app.app_context():
            seen = db.session.scalar(query) or 0
            db.session.remove()
        return tap() if seen < most else None

    done = together([partial(first, tap) for tap in taps])
    codes(done)  # nothing else went wrong
    return sum(isinstance(one, MealOrder) for one in done)


def guests_tap(app: Flask, meals: Meals, day: date, visits: Sequence[int]) -> list[Callable[[], object]]:
    """One portion for each of these visits, in which nobody is known."""
    meals.lunch(day, quotas={"L1": 10})
    offer = meals.offer(day)
    return [
        apart(app, partial(place, Actor("nobody"), offer, None, Wish(), channel="phone", visit_id=visit))
        for visit in visits
    ]


def guests(meals: Meals) -> list[int]:
    return [begin_visit(meals.cast.shuibei, None)[0].id for _guest in range(10)]


@pytest.mark.usefixtures("crowd")
def test_the_control_counting_guests_first_gives_away_more_than_their_share(app: Flask, meals: Meals) -> None:
    """The limit is two; here it is looked at before the portion is taken, and not behind the locks of the order."""
    set_policy(OPERATOR, meals.cast.district, "canteen.guest_share", 100, date(2026, 1, 1))
    visits, orders = guests(meals), select(func.count()).select_from(MealOrder)
    assert any(
        looking_first(app, orders.where(MealOrder.day == day), 2, guests_tap(app, meals, day, visits)) > 2
        for day in map(workday, range(ROUNDS))
    ), GENTLE


@pytest.mark.usefixtures("crowd")
def test_guests_of_many_visits_share_what_is_left_to_guests(app: Flask, meals: Meals) -> None:
    """Each tap comes with a cookie of its own; of ten portions two may go to guests who have not paid."""
    visits = guests(meals)
    for number in range(ROUNDS // 2):
        day = workday(number)
        assert codes(together(guests_tap(app, meals, day, visits))) == {"done": 2, "guests_full": 8}
        db.session.rollback()
        assert db.session.get_one(Offer, meals.offer(day), populate_existing=True).taken == 2


def holders(meals: Meals, many: int) -> list[int]:
    """People who are helped with nothing: the slots of a week's rights would queue their orders as well."""
    return [meals.person(f"持卡人{n}", date(1985, 6, 1 + n % 28)) for n in range(many)]


def card_taps(app: Flask, meals: Meals, who: int, days: Sequence[date]) -> list[Callable[[], object]]:
    """One meal a day from as many phones, on each of which the card alone was shown."""
    visits = [begin_visit(meals.cast.shuibei, None)[0].id for _phone in days]
    for visit in visits:
        know(visit, who, "card")
    card, wish = Actor("resident", who), Wish()
    return [
        apart(app, partial(place, card, meals.offer(day), who, wish, channel="phone", visit_id=visit))
        for day, visit in zip(days, visits, strict=True)
    ]


@pytest.mark.usefixtures("crowd")
def test_the_control_counting_a_card_s_orders_first_lets_it_order_more(app: Flask, meals: Meals) -> None:
    """The limit is six; here it is looked at before the person is locked."""
    set_policy(OPERATOR, meals.cast.district, "canteen.card_orders", 8, date(2026, 1, 1))
    days, orders = [workday(number) for number in range(8)], select(func.count()).select_from(MealOrder)
    for day in days:
        meals.lunch(day)
    assert any(
        looking_first(app, orders.where(MealOrder.resident_id == who), 6, card_taps(app, meals, who, days))
        > 6
        for who in holders(meals, ROUNDS)
    ), GENTLE


@pytest.mark.usefixtures("crowd")
def test_a_card_orders_no_more_a_day_from_however_many_phones(app: Flask, meals: Meals) -> None:
    days = [workday(number) for number in range(8)]
    for day in days:
        meals.lunch(day)
    for who in holders(meals, ROUNDS // 3):
        assert codes(together(card_taps(app, meals, who, days))) == {"done": 6, "card_enough": 2}


# --- over HTTP, in several processes --------------------------------------------------------------------------------

CALLERS, WORKERS = 24, 4


@dataclass
class Programs:
    """Other programs that all call at once, over HTTP, with a key of the district."""

    url: str
    key: str

    def post(self, path: str, **said: object) -> int:
        """The status of the answer."""
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
            "Idempotency-Key": secrets.token_urlsafe(16),
        }
        request = urllib.request.Request(f"{self.url}{path}", json.dumps(said).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def at_once(self, calls: Sequence[Callable[[], int]]) -> Counter[int]:
        """How often each status was answered."""
        answers = together(calls)
        assert not [one for one in answers if isinstance(one, Exception)], answers
        return Counter(one for one in answers if isinstance(one, int))


@pytest.fixture
def programs(app: Flask, meals: Meals, start_server: StartServer) -> Programs:
    """Four processes and those who call them. The control comes first: looking and then taking gives one place to
    several of these callers in these processes."""
    with db.engine.begin() as connection:
        connection.execute(text("CREATE TABLE naive (seat integer NOT NULL)"))
    manager = db.session.scalars(select(Staff.id).where(Staff.email == meals.cast.manager)).one()
    _row, key = make_client(manager, meals.cast.district, "街道小程序", ("orders:write", "redeem"), 6000)
    made = Programs(start_server(workers=WORKERS, PLUG="tests.support.naive").url, key)
    for place_ in range(30):
        one = partial(made.post, f"/naive/{place_}")
        taken = CALLERS - made.at_once([one] * CALLERS)[409]
        if taken > 1:
            return made
    raise AssertionError("the harness is too gentle to prove anything")


def test_four_processes_hand_out_one_meal(
    meals: Meals, clock: Clock, crowd: list[int], programs: Programs
) -> None:
    meals.lunch(TUESDAY)
    people = crowd[:5]
    slips = [meals.order(who, TUESDAY).code for who in people]
    db.session.remove()
    clock.set("2026-11-24 11:40")
    door = "/api/v1/centres/shuibei/redemptions"
    for slip in slips:
        scans = [
            partial(programs.post, door, slip=slip, window=f"{n}号窗", scan=f"{slip[:8]}-{n:04d}", cash=True)
            for n in range(CALLERS)
        ]
        assert programs.at_once(scans) == {200: 1, 409: CALLERS - 1}
    kinds = Counter(db.session.scalars(select(Transfer.kind)))
    assert kinds == {"meal_sold": len(people), "subsidy": len(people)}
    assert db.session.scalars(select(SubsidyClaim.state)).all() == ["claimed"] * len(people)
    assert ledger.till(meals.cast.shuibei) == 1000 * len(people)
    assert ledger.wrong_sums() == []


def test_four_processes_use_the_last_rights_of_a_week_once(
    meals: Meals, crowd: list[int], programs: Programs
) -> None:
    """Two rights are left; eight meals of four days in two centres are ordered at one moment."""
    set_policy(OPERATOR, meals.cast.district, "canteen.subsidies_week", 2, date(2026, 1, 1))
    places = (meals.cast.shuibei, meals.cast.sungang)
    week = [TUESDAY + timedelta(days=n) for n in range(4)]
    for day in week:
        for centre in places:
            meals.lunch(day, centre)
    offers = [meals.offer(day, centre=centre) for day in week for centre in places]
    for who in crowd[:5]:
        _card, code = issue_card(OPERATOR, who)
        db.session.remove()
        calls = [partial(programs.post, "/api/v1/orders", offer=offer, card=code) for offer in offers]
        assert programs.at_once(calls) == {201: len(offers)}
        helped = select(MealOrder.day, MealOrder.subsidy_fen).where(MealOrder.resident_id == who)
        sums = db.session.execute(helped).all()
        assert sorted(row.subsidy_fen for row in sums) == [0] * 6 + [500] * 2
        assert len({row.day for row in sums if row.subsidy_fen}) == 2, "one meal of a day is helped once"
