"""The window, the door and the hall: every way in which a scan can end, and what is kept while the line is down."""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from canteen import counter_queries as queries
from canteen import queries as reads
from canteen import report
from canteen.models import MealOrder, Menu, OddScan, Redemption, Run, SubsidyClaim, Transfer
from canteen.rules import floor_of, route_key
from canteen.services import corrections, ledger, reconcile, review, runs, serve, window
from canteen.services.close import close_menu, fail_menu, finish_menu
from canteen.services.give_back import cancel
from canteen.services.order import Wish, place
from canteen.services.plan import Planned, make_menu, publish, set_offers, swap_dish
from canteen.services.reconcile import Kept
from canteen.services.serve import Answer, Scan, redeem, undo
from centres.models import Building, Centre
from centres.services import set_policy
from core.audit import CLOCK, OPERATOR, Actor, Audit
from core.clock import local_day, now
from core.codes import new_code
from core.crypto import Keys
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.readers import readers
from people.models import CallTask, FamilyLink, Resident, Staff
from people.services import family
from people.services.calls import open_calls_to_make
from people.services.cards import issue_card, link_card
from tests.support.cast import PASSWORD, Cast
from tests.support.clock import Clock
from tests.support.forms import send
from tests.support.house import House
from tests.support.meals import Meals, furnish
from tests.support.race import together

MONDAY, TUESDAY, WEDNESDAY = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25)
WINDOW = "/staff/c/shuibei/canteen/window"


def staff_id() -> int:
    return int(db.session.scalars(select(Staff.id).order_by(Staff.id)).first() or 0)


def shuibei() -> Centre:
    return db.session.scalars(select(Centre).where(Centre.code == "shuibei")).one()


def scan(
    payload: str,
    key: str = "scan-0001",
    name: str = "1号窗",
    *,
    cash: bool = False,
    here: bool = False,
    by: int | None = None,
) -> Answer:
    return window.scan(staff_id(), shuibei(), payload, Scan(name, key, cash=cash, here=here, by=by))


def till(meals: Meals) -> int:
    return ledger.till(meals.cast.shuibei)


@pytest.fixture
def lunch(meals: Meals, clock: Clock) -> MealOrder:
    """陈奶奶's lunch of Tuesday, to be paid at the counter; it is Tuesday 11:40."""
    meals.lunch(TUESDAY)
    order = meals.order(meals.cast.chen, TUESDAY)
    clock.set("2026-11-24 11:40")
    return order


def linked(meals: Meals, *, sees: bool) -> str:
    """阿强 may order for 陈奶奶. Returns the code of his own card."""
    row = FamilyLink(
        elder_id=meals.cast.chen,
        proxy_id=meals.cast.aqiang,
        state="active",
        sees_collected=sees,
        asked_at=now(),
    )
    with unit_of_work():
        db.session.add(row)
    return issue_card(Actor("staff", staff_id()), meals.cast.aqiang)[1]


# --- how a scan can end ---------------------------------------------------------------------------------------------


def test_a_slip_that_is_to_be_paid_asks_for_the_money_first(meals: Meals, lunch: MealOrder) -> None:
    before = till(meals)
    asked = scan(lunch.code)
    assert (asked.kind, asked.colour) == ("pay", "amber")
    assert "¥10.00" in asked.title
    assert till(meals) == before
    done = scan(lunch.code, cash=True)
    assert (done.kind, done.colour) == ("ok", "green")
    assert till(meals) == before + 1000
    assert scan(lunch.code, cash=True).kind == "ok"
    assert till(meals) == before + 1000


def test_a_number_of_a_slip_is_no_card_for_any_reader(meals: Meals, lunch: MealOrder) -> None:
    with unit_of_work():
        db.session.get_one(MealOrder, lunch.id).number = "23AB45CD"  # four bytes in hexadecimal, too
    kept = reconcile.meal_list([lunch.menu])
    readers.use("uid-hex")
    try:
        link_card(Actor("staff", staff_id()), meals.cast.aqiang, "23AB45CD")
        for read in ("23AB 45CD", str(lunch.pick_up), lunch.code):
            found = window.find(shuibei(), read, now())
            assert not isinstance(found, Answer)
            assert found[0].id == lunch.id
        assert reconcile.meal_list([lunch.menu]) == kept, (
            "the window without a line knows no cards of their own"
        )
    finally:
        readers.use("keyboard")


WAYS = ["slip", "address", "number", "spaced", "pick_up", "card", "linked", "linked like a code"]


@pytest.mark.parametrize("read", WAYS)
def test_one_order_is_found_in_every_way(meals: Meals, lunch: MealOrder, read: str) -> None:
    for number in ("SZ0012345678", "F41234567"):  # the second begins as one of our codes does
        link_card(Actor("staff", staff_id()), meals.cast.chen, number)
    payloads = {
        "slip": lunch.code,
        "address": f"https://elsewhere.invalid/q/{lunch.code}",
        "number": lunch.number,
        "spaced": f"{lunch.number[:4].lower()} {lunch.number[4:]}",
        "pick_up": str(lunch.pick_up),
        "card": meals.cast.chen_code,
        "linked": "SZ0012345678",
        "linked like a code": "F41234567",
    }
    answer = scan(payloads[read], cash=True)
    assert answer.kind == "ok"
    assert answer.order is not None
    assert answer.order.id == lunch.id


def test_a_relative_fetches_with_a_card_of_their_own_and_the_meal_remembers_who(
    meals: Meals, lunch: MealOrder
) -> None:
    card = linked(meals, sees=True)
    asked = scan(card)
    assert (asked.kind, asked.colour, asked.by) == ("relative", "amber", meals.cast.aqiang)
    assert [order.id for order in asked.relatives] == [lunch.id]
    assert "阿强" not in asked.text, "the window shows masked names"
    assert lunch.state == "ordered", "asked first: nothing went out"
    son = meals.cast.aqiang
    assert scan(lunch.number, "scan-0002", by=son).kind == "pay"
    assert scan(lunch.number, "scan-0002", cash=True, by=son).kind == "ok"
    row = db.session.scalars(select(Redemption)).one()
    assert (row.fetched_by_id, row.how) == (meals.cast.aqiang, "card")
    assert reads.served(lunch.id) == {lunch.id: row}
    zone = shuibei().zone
    assert reads.served_words(row, zone, own=True) == "11:40 家人陈*强帮您领的餐"
    assert reads.served_words(row, zone, own=False) == "11:40 领的餐"
    assert scan(card, "scan-0003").kind == "unknown", "there is nothing left to fetch"


def test_after_one_s_own_meal_those_of_one_s_relatives_are_asked_about(
    meals: Meals, lunch: MealOrder
) -> None:
    card = linked(meals, sees=True)
    own = meals.order(meals.cast.aqiang, TUESDAY)
    done = scan(card, cash=True)
    assert (done.kind, done.order and done.order.id) == ("ok", own.id)
    assert [order.id for order in done.relatives] == [lunch.id]
    again = scan(card, "scan-0003")
    assert (again.kind, again.text) == ("relative", "陈*强自己的取过了。11:40 在1号窗取的。"), (
        "read twice by mistake"
    )
    assert scan(lunch.code, "scan-0002", cash=True).relatives == (), "her slip fetches hers alone"


@pytest.mark.parametrize("ordered_by", ["themselves", "the relative"])
def test_what_an_elder_keeps_to_themselves_a_relative_s_card_does_not_bring_up(
    meals: Meals, clock: Clock, lunch: MealOrder, ordered_by: str
) -> None:
    card = linked(meals, sees=False)
    if ordered_by == "the relative":
        with unit_of_work():
            db.session.get_one(MealOrder, lunch.id).proxy_id = meals.cast.aqiang
    asked = scan(card)
    assert asked.kind == ("relative" if ordered_by == "the relative" else "unknown")
    if ordered_by == "themselves":
        with pytest.raises(NotFound):
            scan(lunch.number, cash=True, by=meals.cast.aqiang)
        assert db.session.scalars(select(Redemption)).all() == []


def test_a_meal_elsewhere_brings_up_none_that_others_have_there(
    meals: Meals, clock: Clock, lunch: MealOrder
) -> None:
    """What is cooked in another centre can only be fetched there, and is nobody's business here."""
    clock.set("2026-11-23 12:00")
    meals.lunch(TUESDAY, meals.cast.sungang)
    for who in (meals.cast.aqiang, meals.cast.chen):
        meals.order(who, TUESDAY, centre=meals.cast.sungang)
    cancel(Actor("resident", meals.cast.chen), lunch.id)
    card = linked(meals, sees=True)
    clock.set("2026-11-24 11:40")
    answer = scan(card)
    assert (answer.kind, answer.relatives) == ("other_centre", ())


def test_their_relatives_are_looked_up_once_however_many_meals_wait(
    meals: Meals, clock: Clock, lunch: MealOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.set("2026-11-23 12:00")
    meals.order(meals.cast.chen, TUESDAY, "L2")
    card, asked = linked(meals, sees=True), list[int]()
    clock.set("2026-11-24 11:40")

    def elders_of(relative: int) -> dict[int, FamilyLink]:
        asked.append(relative)
        return family.elders_of(relative)

    monkeypatch.setattr(window, "elders_of", elders_of)
    assert len(scan(card).relatives) == 2
    assert asked == [meals.cast.aqiang]


def test_whoever_is_no_relative_any_more_fetches_nothing(meals: Meals, lunch: MealOrder) -> None:
    card = linked(meals, sees=True)
    link = db.session.scalars(select(FamilyLink)).one()
    family.end(Actor("resident", meals.cast.chen), meals.cast.chen, link.id)
    assert scan(card).kind == "unknown"
    for stranger in (meals.cast.aqiang, meals.cast.wheel, 999_999):
        with pytest.raises(NotFound):
            scan(lunch.number, cash=True, by=stranger)
    assert lunch.state == "ordered"


def test_the_second_scan_says_when_and_where_the_first_was(lunch: MealOrder) -> None:
    scan(lunch.code, cash=True)
    again = scan(lunch.code, "scan-0002", "2号窗")
    assert (again.kind, again.colour) == ("already", "red")
    assert "11:40" in again.text
    assert "1号窗" in again.text


def test_other_days_other_meals_and_too_late_are_distinct(
    meals: Meals, clock: Clock, lunch: MealOrder
) -> None:
    meals.lunch(WEDNESDAY)
    meals.lunch(TUESDAY, meal="dinner")
    aqiang = meals.cast.aqiang
    clock.set("2026-11-23 12:00")
    dinner = meals.order(aqiang, TUESDAY, meal="dinner")
    tomorrow = meals.order(aqiang, WEDNESDAY)
    clock.set("2026-11-24 11:40")
    assert scan(dinner.code).kind == "wrong_meal"
    assert scan(tomorrow.code).kind == "wrong_day"
    clock.set("2026-11-24 12:31")
    assert scan(lunch.code).kind == "late"


def test_cancelled_and_failed_are_distinct(meals: Meals, clock: Clock, lunch: MealOrder) -> None:
    cancel(Actor("staff", staff_id()), lunch.id, "住院了")
    gone = scan(lunch.code)
    assert (gone.kind, gone.text) == ("cancelled", "住院了")
    clock.set("2026-11-23 12:00")
    other = meals.order(meals.cast.aqiang, TUESDAY)
    fail_menu(staff_id(), other.menu_id, "停气了")
    clock.set("2026-11-24 11:40")
    assert scan(other.code).kind == "failed"


def test_a_slip_of_another_centre_and_codes_that_are_none(
    meals: Meals, clock: Clock, lunch: MealOrder
) -> None:
    clock.set("2026-11-23 12:00")
    meals.lunch(TUESDAY, meals.cast.sungang)
    there = meals.order(meals.cast.aqiang, TUESDAY, centre=meals.cast.sungang)
    clock.set("2026-11-24 11:40")
    assert scan(there.code).kind == "other_centre"
    assert scan("https://example.invalid/0123456789").kind == "forged"
    assert scan(f"{lunch.code[:-1]}{'0' if lunch.code[-1] != '0' else '1'}").kind == "forged"
    assert scan(lunch.code[:20]).kind == "cut"
    assert scan("9999").kind == "unknown"
    _card, code = issue_card(Actor("staff", staff_id()), meals.cast.aqiang)
    issue_card(Actor("staff", staff_id()), meals.cast.aqiang)
    assert scan(code).kind == "unknown"


@pytest.fixture
def no_meals(meals: Meals, clock: Clock, lunch: MealOrder, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Everything that may lie under the scanner of Wednesday's lunch and is no meal of it, by what it is. Those after
    a slash are the same thing in another shape."""
    staff = Actor("staff", staff_id())
    with unit_of_work():
        house = Building(unit_id=meals.cast.shuibei, code="SB2-9", name_zh="水贝二街9栋", floors=7)
        db.session.add(house)
        db.session.flush()
        db.session.get_one(Resident, meals.cast.wheel).building_id = house.id
    clock.set("2026-11-23 12:00")
    round_of_tuesday = planned([meals.order(meals.cast.wheel, TUESDAY, delivery=True)])
    meals.lunch(WEDNESDAY)
    gone, failed = (meals.order(who, WEDNESDAY) for who in meals.cast.couple)
    cancel(staff, gone.id, "不吃了")
    meals.lunch(WEDNESDAY, meals.cast.sungang)
    far = meals.order(meals.cast.aqiang, WEDNESDAY, centre=meals.cast.sungang)
    with unit_of_work():
        failed.state, failed.reason = "failed", "停气了"
    clock.set("2026-11-25 11:40")
    _card, reissued = issue_card(staff, meals.cast.chen)
    _card, today = issue_card(staff, meals.cast.chen)
    there = Keys()
    there.use(["the secret of another hall, of which we know nothing"])
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("core.codes.keys", there)
        foreign, foreign_card = new_code("M"), new_code("K")
    return {
        "reissued": reissued,
        "a card nobody has": new_code("K"),
        "a card without a meal today": today,
        "yesterday's slip": lunch.code,
        "a slip that is not kept any more": new_code("M"),
        "cut": far.code[:20],
        "foreign": foreign,
        "foreign/card": foreign_card,
        "foreign/forged": f"{far.code[:-1]}{'0' if far.code[-1] != '0' else '1'}",
        "an address of somebody else": "https://example.org/menu",
        "a round": round_of_tuesday.code,
        "a round/booking": new_code("B"),
        "a round/invitation": new_code("F"),
        "cancelled": gone.code,
        "failed": failed.code,
        "elsewhere": far.code,
        "a number nobody has": "K7M24QXD",
        "a pick-up number nobody has": "987",
    }


@pytest.mark.parametrize("language", ["zh_Hans", "en"])
def test_whatever_is_no_meal_is_told_apart_and_nothing_of_the_person_is_said(
    meals: Meals, no_meals: dict[str, str], language: str
) -> None:
    """A code that another hall signed and one that somebody made up cannot be told apart: both bear a sign that is
    not ours."""
    people = [row.name for row in db.session.scalars(select(Resident))]
    names = {part for name in people for part in (name, name[1:], f"{name[0]}*")}
    with force_locale(language):
        said = {what: scan(payload, f"scan-{what[:40]}") for what, payload in no_meals.items()}
    for what, answer in said.items():
        assert answer.colour == "red", what
        assert answer.title, what
        assert answer.text, what
        words = f"{answer.title} {answer.text}".replace("不吃了", "").replace("停气了", "")  # staff's own
        assert bool(re.search("[\u4e00-\u9fff]", words)) is (language == "zh_Hans"), words
        assert not [name for name in names if name in words], words
        assert not re.search(r"\d{4}|¥|C-", words), words
        first = said[what.partition("/")[0]]
        assert (answer.title, answer.text, answer.kind) == (first.title, first.text, first.kind), what
    of_their_own = [one for what, one in said.items() if "/" not in what]
    for texts in ([one.title for one in of_their_own], [one.text for one in of_their_own]):
        assert len(set(texts)) == len(texts), sorted(texts)


def test_after_a_swap_the_person_is_asked_first(meals: Meals, lunch: MealOrder) -> None:
    swap_dish(
        Actor("staff", staff_id()), lunch.menu_id, meals.dishes["V01"], meals.dishes["V03"], "菜心没到货"
    )
    assert scan(lunch.code, cash=True).kind == "ask"


def test_a_card_gives_out_both_meals_of_a_person_one_after_the_other(
    meals: Meals, clock: Clock, lunch: MealOrder
) -> None:
    clock.set("2026-11-23 12:00")
    second = meals.order(meals.cast.chen, TUESDAY, "L2")
    clock.set("2026-11-24 11:40")
    found = [scan(meals.cast.chen_code, f"scan-000{n}", cash=True) for n in range(3)]
    assert [one.kind for one in found] == ["ok", "ok", "already"]
    assert {one.order.id for one in found[:2] if one.order} == {lunch.id, second.id}


def test_a_key_under_another_order_is_a_fault_and_no_meal(
    meals: Meals, clock: Clock, lunch: MealOrder
) -> None:
    clock.set("2026-11-23 12:00")
    other = meals.order(meals.cast.aqiang, TUESDAY)
    clock.set("2026-11-24 11:40")
    scan(lunch.code, cash=True)
    with pytest.raises(Refused) as refused:
        scan(other.code, cash=True)
    assert refused.value.code == "scan_key_reused"


def test_two_windows_at_once_hand_out_one_meal(app: Flask, meals: Meals, lunch: MealOrder) -> None:
    staff, centre, order = staff_id(), meals.cast.shuibei, lunch.id
    db.session.remove()

    def at(n: int) -> Callable[[], str]:
        def hand_out() -> str:
            with app.app_context():
                return redeem(staff, centre, order, Scan(f"{n}号窗", f"scan-{n:04d}", cash=True)).kind

        return hand_out

    kinds = together([at(1), at(2)])
    assert sorted(str(kind) for kind in kinds) == ["already", "ok"]
    assert db.session.scalar(select(func.count()).select_from(Redemption)) == 1
    assert till(meals) == 1000


def test_taken_back_within_minutes_everything_is_as_before(
    meals: Meals, clock: Clock, lunch: MealOrder
) -> None:
    done = scan(lunch.code, cash=True)
    assert done.redemption_id is not None
    with pytest.raises(Refused) as refused:
        undo(staff_id(), done.redemption_id, " ")
    assert refused.value.code == "reason_missing"
    clock.advance(minutes=5)
    order = undo(staff_id(), done.redemption_id, "发错了人")
    assert (order.state, order.pay_state, till(meals)) == ("ordered", "due", 0)
    assert scan(lunch.code, "scan-0002", cash=True).kind == "ok"
    clock.advance(minutes=5, seconds=1)
    again = queries.standing_redemption(lunch.id)
    assert again is not None
    with pytest.raises(Refused) as late:
        undo(staff_id(), again.id, "发错了人")
    assert late.value.code == "undo_late"
    clock.set("2026-11-25 00:01")
    with pytest.raises(Refused):
        undo(staff_id(), again.id, "发错了人", leads=True)
    clock.set("2026-11-24 12:20")
    assert undo(staff_id(), again.id, "发错了人", leads=True).state == "ordered"
    assert scan(lunch.code, "scan-0003", cash=True).kind == "ok"


# --- offline --------------------------------------------------------------------------------------------------------


def kept(order: MealOrder, key: str, minutes: int = 0, cash: bool = True) -> Kept:
    return Kept(key, order.number, now() - timedelta(minutes=minutes), "slip", cash)


def test_two_windows_offline_with_one_slip(meals: Meals, clock: Clock, lunch: MealOrder) -> None:
    first, second = kept(lunch, "one-00001", 5), kept(lunch, "two-00001", 3)
    centre = meals.cast.shuibei
    clock.advance(minutes=10)
    assert [one.kind for one in reconcile.send_in(staff_id(), centre, "1号窗", [first])] == ["ok"]
    assert [one.kind for one in reconcile.send_in(staff_id(), centre, "2号窗", [second])] == ["review"]
    assert [one.kind for one in reconcile.send_in(staff_id(), centre, "1号窗", [first])] == ["ok"]
    assert [one.kind for one in reconcile.send_in(staff_id(), centre, "2号窗", [second])] == ["review"]
    states = db.session.scalars(select(Redemption.state).order_by(Redemption.id)).all()
    assert states == ["stands", "review"]
    assert db.session.scalars(select(SubsidyClaim.state)).all() == ["claimed"]
    assert till(meals) == 2000  # both took the money
    row = queries.reviews(centre)[0]
    for decision, words in (("not_served", ""), ("", "送回来了")):
        with pytest.raises(Refused):
            review.decide(staff_id(), centre, row.id, decision, words)
    with pytest.raises(NotFound):
        review.decide(staff_id(), meals.cast.sungang, row.id, "served", "别的中心的人")
    for _twice in range(2):
        review.decide(staff_id(), centre, row.id, "not_served", "多发了一份，家人送回来了")
    assert (queries.to_review(centre), till(meals)) == (0, 1000)
    assert "送回来了" in (db.session.get_one(Redemption, row.id, populate_existing=True)).reason


def test_a_meal_handed_out_offline_that_was_cancelled_meanwhile_is_looked_at(
    meals: Meals, lunch: MealOrder
) -> None:
    cancel(Actor("staff", staff_id()), lunch.id, "打电话来退的")
    sent = reconcile.send_in(staff_id(), meals.cast.shuibei, "1号窗", [kept(lunch, "one-00001")])
    assert [one.kind for one in sent] == ["review"]
    assert [row.reason for row in queries.reviews(meals.cast.shuibei)] == ["这份已经取消了"]


def test_collected_offline_in_time_and_sent_after_the_end_of_serving(
    meals: Meals, clock: Clock, lunch: MealOrder
) -> None:
    scanned = kept(lunch, "one-00001")
    clock.set("2026-11-24 12:31")
    before = till(meals)
    assert finish_menu(lunch.menu_id) == 1
    assert open_calls_to_make(meals.cast.shuibei)
    sent = reconcile.send_in(staff_id(), meals.cast.shuibei, "1号窗", [scanned])
    assert [one.kind for one in sent] == ["ok"]
    assert db.session.get_one(MealOrder, lunch.id, populate_existing=True).state == "collected"
    assert db.session.scalars(select(SubsidyClaim.state)).all() == ["claimed"]
    assert till(meals) == before + 1000
    assert db.session.get_one(MealOrder, lunch.id).pay_state == "paid"
    assert open_calls_to_make(meals.cast.shuibei) == []


def test_a_prepaid_meal_that_came_late_and_was_a_mistake_is_paid_back_once(
    meals: Meals, clock: Clock
) -> None:
    """Kept when it was missed, then handed out by a window that was offline, then taken back: nothing is lost."""
    centre, chen = meals.cast.shuibei, meals.cast.chen
    menu = meals.lunch(TUESDAY)
    ledger.top_up(staff_id(), centre, chen, 3000)
    order = meals.order(chen, TUESDAY, gateway="account")
    clock.set("2026-11-24 11:45")
    scanned = kept(order, "late-0001")
    clock.set("2026-11-24 12:31")
    finish_menu(menu)
    reconcile.send_in(staff_id(), centre, "1号窗", [scanned])
    row = db.session.scalars(select(Redemption).where(Redemption.state == "stands")).one()
    undo(staff_id(), row.id, "发错了")
    assert ledger.balance(chen) == 2000
    found = cancel(Actor("staff", staff_id()), order.id, "发错了，退给她")
    assert (found.state, found.pay_state, ledger.balance(chen)) == ("cancelled", "refunded", 3000)
    assert ledger.wrong_sums() == []


def test_where_the_policy_gives_a_missed_meal_back_one_that_came_late_is_looked_at(
    meals: Meals, clock: Clock
) -> None:
    """The money is back on the card: whether it is asked for again is for people to decide."""
    set_policy(OPERATOR, meals.cast.district, "canteen.missed_kept", 0, date(2026, 1, 1))
    centre, chen = meals.cast.shuibei, meals.cast.chen
    menu = meals.lunch(TUESDAY)
    ledger.top_up(staff_id(), centre, chen, 3000)
    order = meals.order(chen, TUESDAY, gateway="account")
    clock.set("2026-11-24 11:45")
    scanned = kept(order, "late-0001", cash=False)
    clock.set("2026-11-24 12:31")
    finish_menu(menu)
    order = db.session.get_one(MealOrder, order.id, populate_existing=True)
    assert (order.state, order.pay_state, ledger.balance(chen)) == ("uncollected", "refunded", 3000)
    (answer,) = reconcile.send_in(staff_id(), centre, "1号窗", [scanned])
    assert answer.kind == "review"
    row = db.session.scalars(select(Redemption).where(Redemption.state == "review")).one()
    review.decide(staff_id(), centre, row.id, "served", "发了，没有收钱")
    order = db.session.get_one(MealOrder, order.id, populate_existing=True)
    assert (order.state, order.pay_state, ledger.balance(chen)) == ("collected", "void", 3000)
    assert ledger.wrong_sums() == []


def test_a_prepaid_meal_that_came_late_and_was_a_mistake_stays_paid_where_nobody_came(
    meals: Meals, clock: Clock
) -> None:
    centre, chen = meals.cast.shuibei, meals.cast.chen
    menu = meals.lunch(TUESDAY)
    ledger.top_up(staff_id(), centre, chen, 3000)
    order = meals.order(chen, TUESDAY, gateway="account")
    clock.set("2026-11-24 11:45")
    scanned = kept(order, "late-0001")
    clock.set("2026-11-24 12:31")
    finish_menu(menu)
    reconcile.send_in(staff_id(), centre, "1号窗", [scanned])
    row = db.session.scalars(select(Redemption).where(Redemption.state == "stands")).one()
    undo(staff_id(), row.id, "发错了")
    finish_menu(menu)
    found = db.session.get_one(MealOrder, order.id, populate_existing=True)
    assert (found.state, found.pay_state, ledger.balance(chen)) == ("uncollected", "paid", 2000)
    assert db.session.scalars(select(SubsidyClaim.state)).all() == ["released"]


def test_a_scan_kept_for_more_than_a_day_is_decided_and_becomes_the_meal(
    meals: Meals, clock: Clock, lunch: MealOrder
) -> None:
    """It does not vanish: its cash is in the till, and counted as served it is paid for and helped, once."""
    centre, scanned = meals.cast.shuibei, kept(lunch, "old-00001")
    clock.set("2026-11-24 12:31")
    finish_menu(lunch.menu_id)
    clock.set("2026-11-26 09:00")
    for _twice in range(2):
        sent = reconcile.send_in(staff_id(), centre, "1号窗", [scanned])
        assert [one.kind for one in sent] == ["review"]
    (row,) = queries.reviews(centre)
    assert (row.reason, row.scanned_at, till(meals)) == ("扫码是一天以前的事", scanned.at, 1000)
    for _twice in range(2):
        review.decide(staff_id(), centre, row.id, "served", "1号窗的人记得")
    order = db.session.get_one(MealOrder, lunch.id, populate_existing=True)
    assert (order.state, order.pay_state, till(meals)) == ("collected", "paid", 1000)
    assert db.session.scalars(select(SubsidyClaim.state)).all() == ["claimed"]
    assert open_calls_to_make(centre) == []
    assert (queries.to_review(centre), ledger.wrong_sums()) == (0, [])


def test_a_late_meal_whose_help_was_used_elsewhere_meanwhile_is_put_down_for_correction(
    meals: Meals, clock: Clock, lunch: MealOrder
) -> None:
    """Handed out offline, written down as missed, and the right used for the same meal at another centre since."""
    here, there = meals.cast.shuibei, meals.cast.sungang
    scanned = kept(lunch, "late-0001")
    clock.set("2026-11-23 12:00")
    meals.lunch(TUESDAY, there)
    clock.set("2026-11-24 12:10")
    with unit_of_work():  # here serving ends earlier than there
        db.session.get_one(Menu, lunch.menu_id).missed_at = now() - timedelta(minutes=5)
    finish_menu(lunch.menu_id)
    desk = Actor("staff", staff_id())
    other = place(desk, meals.offer(TUESDAY, "L1", there, "lunch"), meals.cast.chen, Wish(), channel="desk")
    assert other.subsidy_fen == lunch.subsidy_fen
    (sent,) = reconcile.send_in(staff_id(), here, "1号窗", [scanned])
    assert (sent.kind, "要更正的订餐" in sent.text) == ("ok", True)
    (row,) = corrections.open_ones(here)
    assert (row.order_id, row.kind, row.amount_fen) == (lunch.id, "same_meal", lunch.subsidy_fen)
    assert scan(lunch.code, "late-0001").text == sent.text  # sent again it says so again, and lists it once
    corrections.settle(staff_id(), here, row.id, "另一份退给政府")
    assert corrections.open_ones(here) == []


def test_a_meal_that_went_out_offline_unpaid_counts_without_money(meals: Meals, lunch: MealOrder) -> None:
    reconcile.send_in(staff_id(), meals.cast.shuibei, "1号窗", [kept(lunch, "due-00001", cash=False)])
    here = meals.cast.shuibei
    review.decide(staff_id(), here, queries.reviews(here)[0].id, "served", "忘了收钱")
    order = db.session.get_one(MealOrder, lunch.id, populate_existing=True)
    assert (order.state, order.pay_state, till(meals)) == ("collected", "void", 0)


def test_scans_that_fit_no_order_are_set_aside_with_their_cash_and_decided(
    meals: Meals, clock: Clock, lunch: MealOrder
) -> None:
    """A line that cannot be read, a number nobody has, a slip of another centre: none of them stops the next one."""
    centre, there = meals.cast.shuibei, meals.cast.sungang
    nobody = {"key": "odd-00001", "number": "22222222", "at": now().isoformat(), "cash": True, "fen": 1000}
    good = {"key": "one-00001", "number": lunch.number, "at": now().isoformat(), "how": "slip", "cash": True}
    rows = [{"key": "x", "number": 7}, "x", nobody, good]
    for _twice in range(2):
        sent = reconcile.send_in(staff_id(), centre, "1号窗", rows)
        assert [(one.key, one.kind) for one in sent] == [
            ("x", "review"),
            (None, "review"),
            ("odd-00001", "review"),
            ("one-00001", "ok"),
        ]
    reconcile.send_in(staff_id(), there, "2号窗", [kept(lunch, "far-00001")])
    assert queries.to_review(there) == 1
    assert [(row.number, row.cash_fen) for row in queries.odd_scans(centre)] == [
        ("", 0),
        ("", 0),
        ("22222222", 1000),
    ]
    assert till(meals) == 2000
    row = queries.odd_scans(centre)[-1].id
    with pytest.raises(Refused):
        review.decide_odd(staff_id(), there, row, "served", "别的中心的")
    for _twice in range(2):
        review.decide_odd(staff_id(), centre, row, "not_served", "钱退给他了")
    assert (till(meals), queries.to_review(centre), ledger.wrong_sums()) == (1000, 2, [])
    told = report.sums(report.money_of(centre, "Asia/Shanghai", TUESDAY))
    assert (told["cash_meals"], told["cash_back"], "cash_mended" in told) == (2000, -1000, False)
    assert db.session.get_one(OddScan, row, populate_existing=True).words == "钱退给他了"


def test_what_went_out_beside_the_orders_is_in_the_day_s_report_and_not_wasted(
    meals: Meals, clock: Clock, lunch: MealOrder
) -> None:
    centre = meals.cast.shuibei
    menu, slip = lunch.menu_id, [kept(lunch, "one-00001", 5), kept(lunch, "two-00001", 3)]
    clock.set("2026-11-23 12:00")
    late = meals.order(meals.cast.aqiang, TUESDAY)
    clock.set("2026-11-23 16:01")
    close_menu(CLOCK, menu)
    clock.set("2026-11-24 11:45")
    cancel(Actor("staff", staff_id()), late.id, "住院了")
    nobody = {"key": "odd-00001", "number": "22222222", "at": now().isoformat(), "cash": True, "fen": 1000}
    reconcile.send_in(staff_id(), centre, "1号窗", [*slip, nobody])
    wasted = [one.wasted for one in report.meals_of(centre, TUESDAY)]
    assert (wasted, report.extras_of(centre, TUESDAY)) == ([1], [])
    review.decide(staff_id(), centre, queries.reviews(centre)[0].id, "served", "两位都说领了")
    review.decide_odd(staff_id(), centre, queries.odd_scans(centre)[0].id, "served", "临时来的客人")
    told = {one.number: one.words for one in report.extras_of(centre, TUESDAY)}
    assert told.keys() == {lunch.number, "22222222"}
    assert ("两位都说领了" in told[lunch.number], told["22222222"]) == (True, "临时来的客人")
    assert report.extras_of(centre, WEDNESDAY) == report.extras_of(meals.cast.sungang, TUESDAY) == []
    assert [one.wasted for one in report.meals_of(centre, TUESDAY)] == [0]


@pytest.mark.parametrize("said", ["the relative", "a stranger", True, "1", -1, 2**40, None])
def test_a_relative_to_whom_a_meal_was_given_without_a_line_is_written_down(
    meals: Meals, lunch: MealOrder, said: object
) -> None:
    """What is no relative is left out: the meal has gone all the same."""
    linked(meals, sees=True)
    by = {"the relative": meals.cast.aqiang, "a stranger": meals.cast.wheel}.get(str(said), said)
    row = {
        "key": "one-00001",
        "number": lunch.number,
        "at": now().isoformat(),
        "how": "card",
        "cash": True,
        "by": by,
    }
    sent = reconcile.send_in(staff_id(), meals.cast.shuibei, "1号窗", [row])
    assert [one.kind for one in sent] == ["ok"]
    fetched = meals.cast.aqiang if said == "the relative" else None
    assert db.session.scalars(select(Redemption.fetched_by_id)).all() == [fetched]


def test_signs_and_times_that_no_database_keeps_do_not_stop_the_next_scan(
    meals: Meals, lunch: MealOrder
) -> None:
    good = {"key": "one-00001", "number": lunch.number, "at": now().isoformat(), "how": "slip", "cash": True}
    signs = [
        {"key": "nul-\x000001"},
        {"number": "\x00222"},
        {"key": "half-\ud800001"},
        {"number": "\ud800222"},
    ]
    times = [{"at": "9999-12-31T23:59:59-10:00"}, {"at": "0001-01-01T00:00:00+14:00"}]
    odd = [good | {"key": f"odd-0000{n}"} | row for n, row in enumerate(signs + times)]
    for _twice in range(2):
        sent = reconcile.send_in(staff_id(), meals.cast.shuibei, "1号窗", [*odd, good])
        assert [one.kind for one in sent] == ["review"] * len(odd) + ["ok"]
    assert queries.to_review(meals.cast.shuibei) == len(odd)


def test_what_a_window_keeps_says_nothing_about_the_person(meals: Meals, lunch: MealOrder) -> None:
    menu = queries.menu_now(meals.cast.shuibei, "Asia/Shanghai", now())
    assert menu is not None
    (row,) = reconcile.meal_list([menu])
    assert row["hash"] == hashlib.sha256(lunch.code.encode()).hexdigest()
    assert (row["pick_up"], row["state"], row["due"]) == (1, "ordered", 1000)
    said = json.dumps(row)
    assert lunch.code not in said
    assert "陈" not in said
    assert "resident" not in said
    assert "subsid" not in said


# --- the hall -------------------------------------------------------------------------------------------------------


def test_numbers_are_called_in_turn_and_leave_when_fetched(
    meals: Meals, clock: Clock, lunch: MealOrder
) -> None:
    clock.set("2026-11-23 12:00")
    second = meals.order(meals.cast.aqiang, TUESDAY)
    clock.set("2026-11-24 11:40")
    actor = Actor("staff", staff_id())
    for _turn in range(2):
        window.call_next(actor, lunch.menu_id)
        clock.advance(seconds=20)
    assert window.call_next(actor, lunch.menu_id) is None
    assert queries.called(lunch.menu_id) == [second.pick_up, lunch.pick_up]
    window.call_again(actor, lunch.menu_id, lunch.pick_up)
    assert queries.called(lunch.menu_id) == [lunch.pick_up, second.pick_up]
    scan(lunch.code, cash=True)
    assert queries.called(lunch.menu_id) == [second.pick_up]
    with pytest.raises(Refused):
        window.call_again(actor, lunch.menu_id, lunch.pick_up)


# --- delivery -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("room", "floor"), [("1203", 12), ("302", 3), ("3栋502", 5), ("B-8", 0), ("", 0)])
def test_a_room_says_its_floor(room: str, floor: int) -> None:
    assert floor_of(room) == floor


def test_a_round_goes_down_with_a_lift_and_up_without() -> None:
    doors = [
        ("A", True, "301"),
        ("A", True, "1203"),
        ("B", False, "502"),
        ("B", False, "101"),
        ("A", True, "1201"),
    ]
    assert sorted(doors, key=lambda door: route_key(*door)) == [
        ("A", True, "1201"),
        ("A", True, "1203"),
        ("A", True, "301"),
        ("B", False, "101"),
        ("B", False, "502"),
    ]


@pytest.fixture
def street(meals: Meals, clock: Clock) -> list[MealOrder]:
    """Three doors."""
    return brought(meals, clock)


def brought(meals: Meals, clock: Clock) -> list[MealOrder]:
    """Three who have their lunch of Tuesday brought, ordered from the top of the second house to the first."""
    meals.lunch(TUESDAY)
    with unit_of_work():
        houses = [
            Building(unit_id=meals.cast.shuibei, code=code, name_zh=name, lift=lift, floors=12)
            for code, name, lift in (("A1", "水贝一栋", True), ("A2", "水贝二栋", False))
        ]
        db.session.add_all(houses)
        db.session.flush()
        doors = ((houses[1].id, "502"), (houses[0].id, "301"), (houses[0].id, "1203"))
        people = [meals.cast.chen, meals.cast.aqiang, meals.cast.wheel]
        for who, (house, room) in zip(people, doors, strict=True):
            person = db.session.get_one(Resident, who)
            person.building_id, person.room = house, room
    made = [meals.order(who, TUESDAY, delivery=True) for who in people]
    clock.set("2026-11-24 11:00")
    return made


def planned(orders: list[MealOrder], name: str = "一号线") -> Run:
    actor = Actor("staff", staff_id())
    return runs.plan_run(actor, orders[0].menu_id, name, [one.id for one in orders], runs.Carrier("林师傅"))


def rooms(run: Run) -> list[str]:
    return [(stop.order.resident.room if stop.order.resident else "") or "" for stop in run.stops]


def test_a_round_is_sorted_as_one_walks_and_can_be_moved_by_hand(street: list[MealOrder]) -> None:
    run = planned(street)
    assert rooms(run) == ["1203", "301", "502"]
    actor = Actor("staff", staff_id())
    run = runs.move_stop(actor, run.id, run.stops[0].id, 1)
    assert rooms(run) == ["301", "1203", "502"]
    run = runs.move_stop(actor, run.id, run.stops[0].id, -1)
    assert rooms(run) == ["301", "1203", "502"]
    with pytest.raises(Refused):
        planned(street, "二号线")
    run = runs.take_off(actor, run.id, run.stops[1].id)
    assert rooms(planned(street[2:], "二号线")) == ["1203"]


def test_at_the_door_the_meal_is_paid_and_handed_over_once(meals: Meals, street: list[MealOrder]) -> None:
    run = runs.set_out(planned(street).id)
    stop = runs.next_stop(run)
    assert stop is not None
    assert runs.hand_over(run.id, stop.id, "door-0001", taken_by="self").kind == "pay"
    assert runs.hand_over(run.id, stop.id, "door-0001", taken_by="self", cash=True).kind == "ok"
    assert runs.hand_over(run.id, stop.id, "door-0002", taken_by="self", cash=True).kind == "already"
    order = db.session.get_one(MealOrder, stop.order_id, populate_existing=True)
    assert (order.state, till(meals)) == ("delivered", order.pays_fen)
    following = runs.next_stop(db.session.get_one(Run, run.id, populate_existing=True))
    assert following is not None
    assert following.id != stop.id


def test_nobody_at_home_is_rung_up_within_ten_minutes_and_the_meal_waits(
    meals: Meals, clock: Clock, street: list[MealOrder]
) -> None:
    run = planned(street[:1])
    stop = run.stops[0]
    runs.nobody_home(run.id, stop.id)
    runs.nobody_home(run.id, stop.id)
    call = db.session.scalars(select(CallTask)).one()
    assert (call.kind, call.resident_id) == ("nobody_home", meals.cast.chen)
    assert call.due_at == clock() + timedelta(minutes=10)
    assert db.session.get_one(MealOrder, street[0].id, populate_existing=True).state == "ordered"
    clock.set("2026-11-24 11:50")
    assert scan(street[0].code, cash=True).kind == "away"
    assert scan(street[0].code, cash=True, here=True).kind == "ok"
    run = db.session.get_one(Run, run.id, populate_existing=True)
    assert runs.stop_state(run.stops[0]) == "fetched"


def test_what_a_carrier_has_is_asked_about_before_it_is_handed_out_at_the_window(
    street: list[MealOrder],
) -> None:
    """Green for a box that is on the road would be a second meal, and a walk up the stairs for nothing."""
    on_the_shelf, run = street[2], planned(street[:2])
    assert "不用送了" in scan(on_the_shelf.code, "scan-0003", cash=True).text
    assert scan(street[0].code).kind == "pay"  # it is planned and stands in the canteen still
    runs.set_out(run.id)
    answer = scan(street[0].code, cash=True)
    assert (answer.kind, answer.colour, answer.redemption_id) == ("away", "amber", None)
    assert "林师傅" in answer.text
    assert scan(street[0].code, here=True).kind == "pay"
    assert scan(street[0].code, cash=True, here=True).kind == "ok"
    run = db.session.get_one(Run, run.id, populate_existing=True)
    mine = next(stop for stop in run.stops if stop.order_id == street[0].id)
    assert runs.stop_state(mine) == "fetched"
    following = runs.next_stop(run)
    assert following is not None
    assert following.order_id == street[1].id
    other = scan(street[1].code, "scan-0002", cash=True)
    assert other.kind == "away"
    runs.finish_run(None, run.id)  # back with what was left over
    assert scan(street[1].code, "scan-0002", cash=True).kind == "ok"


def test_a_window_without_a_line_knows_what_a_carrier_has_and_what_it_gave_out_stands(
    clock: Clock, street: list[MealOrder]
) -> None:
    run = runs.set_out(planned(street[:2]).id)
    menu = db.session.get_one(Menu, run.menu_id)
    away = {row["number"] for row in reconcile.meal_list([menu]) if row["away"]}
    assert away == {street[0].number, street[1].number}
    kept = Kept("scan-0001", street[0].number, now(), "slip", cash=True)
    done = reconcile.send_in(staff_id(), menu.canteen_id, "1号窗", [kept])
    assert [one.kind for one in done] == ["ok"]


def test_doors_that_a_finished_round_left_over_go_onto_another(street: list[MealOrder]) -> None:
    actor = Actor("staff", staff_id())
    run = runs.set_out(planned(street).id)
    first, second, third = run.stops
    assert runs.hand_over(run.id, first.id, "door-0001", taken_by="self", cash=True).kind == "ok"
    runs.nobody_home(run.id, second.id)
    assert queries.to_deliver(run.menu_id) == []
    runs.finish_run(actor, run.id)
    left = [order.id for order in queries.to_deliver(run.menu_id)]
    assert sorted(left) == sorted([second.order_id, third.order_id])
    again = runs.plan_run(actor, run.menu_id, "二号线", left, runs.Carrier("林师傅"))
    assert runs.set_out(again.id).state == "out"
    assert queries.to_deliver(run.menu_id) == []
    with pytest.raises(Refused):
        planned(street[:1], "三号线")  # it has been brought
    assert [stop.state for stop in db.session.get_one(Run, run.id, populate_existing=True).stops] == [
        "handed_over"
    ]


def test_a_meal_that_is_still_on_its_way_is_not_missed(clock: Clock, street: list[MealOrder]) -> None:
    run = planned(street[:1])
    runs.set_out(run.id)
    clock.set("2026-11-24 12:31")
    finish_menu(run.menu_id)
    assert db.session.get_one(MealOrder, street[0].id, populate_existing=True).state == "ordered"
    assert db.session.get_one(Menu, run.menu_id, populate_existing=True).finished_at is None
    clock.set("2026-11-24 15:31")
    finish_menu(run.menu_id)
    assert db.session.get_one(MealOrder, street[0].id, populate_existing=True).state == "uncollected"


def test_a_round_s_code_works_on_its_day_until_it_is_back_and_can_be_revoked(
    clock: Clock, street: list[MealOrder]
) -> None:
    run = planned(street[:2])
    old = run.code
    assert runs.why_not_open(run) is None
    runs.renew_code(Actor("staff", staff_id()), run.id)
    assert queries.run_by_code(old) is None
    clock.set("2026-11-25 11:00")
    with pytest.raises(Refused) as refused:
        runs.hand_over(run.id, run.stops[0].id, "door-0001", taken_by="self")
    assert refused.value.code == "run_over"
    clock.set("2026-11-24 11:00")
    runs.finish_run(None, run.id)
    with pytest.raises(Refused):
        runs.set_out(run.id)


# --- the pages ------------------------------------------------------------------------------------------------------


def sign_in(client: FlaskClient, email: str) -> FlaskClient:
    from_page = client.get("/staff/sign-in")
    send(client, from_page, "/staff/sign-in", "form[method=post]", email=email, password=PASSWORD)
    return client


@pytest.fixture
def ordered(app: Flask, cast: Cast, clock: Clock) -> dict[str, str]:
    """陈奶奶's lunch of today, made in a context that is over: requests have their own, as in earnest."""
    with app.app_context():
        meals = furnish(app, cast)
        meals.lunch(TUESDAY)
        order = meals.order(cast.chen, TUESDAY)
        said = {"code": order.code, "number": order.number}
        db.session.remove()
    clock.set("2026-11-24 11:40")
    return said


def named_window(app: Flask, email: str) -> FlaskClient:
    client = sign_in(app.test_client(), email)
    send(client, client.get(WINDOW), f"{WINDOW}/name", name="1号窗")
    return client


def test_without_a_script_the_window_s_forms_go_all_the_way(
    app: Flask, cast: Cast, ordered: dict[str, str]
) -> None:
    kitchen = named_window(app, cast.kitchen)
    page = send(kitchen, kitchen.get(WINDOW), f"{WINDOW}/scan", "#scan-form", payload=ordered["code"])
    assert 'data-kind="pay"' in page.text
    assert "陈*英" in page.text
    assert "陈秀英" not in page.text
    page = send(kitchen, page, f"{WINDOW}/scan", ".verdict form[action$='/scan']")
    assert 'data-kind="ok"' in page.text
    page = send(kitchen, page, f"{WINDOW}/undo", ".verdict form[action$='/undo']", reason="发错了人")
    assert 'data-kind="undone"' in page.text


def test_on_the_window_s_page_a_relative_s_card_leads_to_the_meal(
    app: Flask, cast: Cast, ordered: dict[str, str]
) -> None:
    with app.app_context():
        card = linked(Meals(app, cast), sees=True)
        db.session.remove()
    kitchen = named_window(app, cast.kitchen)
    page = send(kitchen, kitchen.get(WINDOW), f"{WINDOW}/scan", "#scan-form", payload=card)
    assert 'data-kind="relative"' in page.text
    assert "给陈*英取 1 号" in page.text
    page = send(kitchen, page, f"{WINDOW}/scan", ".verdict-relatives form")
    assert 'data-kind="pay"' in page.text
    page = send(kitchen, page, f"{WINDOW}/scan", ".verdict form[action$='/scan']")
    assert 'data-kind="ok"' in page.text
    assert "家人陈*强代领" in kitchen.get(f"/staff/c/shuibei/canteen/o/{ordered['number']}").text


def test_the_window_s_page_asks_who_rang_the_carrier_before_the_money(
    app: Flask, cast: Cast, clock: Clock
) -> None:
    with app.app_context():
        run = planned(brought(furnish(app, cast), clock)[:1])
        code = run.stops[0].order.code
        runs.set_out(run.id)
        db.session.remove()
    kitchen = named_window(app, cast.kitchen)
    page = send(kitchen, kitchen.get(WINDOW), f"{WINDOW}/scan", "#scan-form", payload=code)
    assert 'data-kind="away"' in page.text
    assert "打过电话了，在这里发" in page.text
    page = send(kitchen, page, f"{WINDOW}/scan", ".verdict form[action$='/scan']", here="1")
    assert 'data-kind="pay"' in page.text
    page = send(kitchen, page, f"{WINDOW}/scan", ".verdict form[action$='/scan']")
    assert 'data-kind="ok"' in page.text


def test_who_leads_the_centre_takes_back_all_day_and_the_kitchen_for_some_minutes(house: House) -> None:
    """The wrong slip was scanned, and the right person comes when its minutes are over."""
    with house.app.app_context(), unit_of_work():
        order = db.session.scalars(
            select(MealOrder)
            .join(Menu)
            .where(MealOrder.state == "ordered", Menu.canteen_id == house.cast.shuibei)
        ).first()
        assert order is not None
        number, menu, moment = order.number, order.menu, now()
        order.day = local_day(moment, "Asia/Shanghai")
        menu.serves_from, menu.serves_until = moment, moment + timedelta(hours=1)
        menu.missed_at = menu.serves_until
    windows = {}
    for role in ("kitchen", "manager"):
        windows[role] = house.client(role)
        send(windows[role], windows[role].get(WINDOW), f"{WINDOW}/name", name="1号窗")

    def shown(role: str) -> TestResponse:
        client = windows[role]
        return send(client, client.get(WINDOW), f"{WINDOW}/scan", "#scan-form", payload=number, cash="1")

    assert 'data-kind="ok"' in shown("kitchen").text
    house.clock.advance(minutes=6)
    assert 'data-kind="already"' in shown("kitchen").text
    assert "撤回这一份" not in shown("kitchen").text
    page = send(
        windows["manager"],
        shown("manager"),
        f"{WINDOW}/undo",
        ".verdict form[action$='/undo']",
        reason="发错了人",
    )
    assert 'data-kind="undone"' in page.text


def test_the_kitchen_is_offered_no_page_that_is_the_desk_s(
    app: Flask, cast: Cast, ordered: dict[str, str]
) -> None:
    shown = {}
    for who in (cast.kitchen, "wu@hall.invalid"):
        client = named_window(app, who)
        page = send(client, client.get(WINDOW), f"{WINDOW}/scan", "#scan-form", payload="987")
        assert 'data-kind="unknown"' in page.text
        shown[who] = "现场加一份" in page.text
    assert shown == {cast.kitchen: False, "wu@hall.invalid": True}


@pytest.mark.databases("sqlite")
def test_every_answer_sounds_and_none_like_another() -> None:
    """Of a window whose screen nobody looks at. The figures are read from its script as it is served."""
    script = (Path(__file__).parents[1] / "static/js/window.js").read_text()
    figures = re.findall(r"^    (\w+): (\[\[.*\]\]),$", script.partition("const TONES = {")[2], re.MULTILINE)
    kinds = {
        "ok", "pay", "ask", "away", "relative", "already", "wrong_day", "wrong_meal", "cancelled", "failed", "late",
        "other_centre", "forged", "cut", "unknown", "review", "undone",
    }  # fmt: skip
    code = "".join(Path(str(module.__file__)).read_text() for module in (serve, window))
    named = set(re.findall(r'Answer\(\s*"(\w+)"', code))
    assert named <= kinds
    assert kinds <= {kind for kind, _tones in figures}
    assert len({tones for _kind, tones in figures}) == len(figures)


def test_a_resident_who_helps_is_known_by_the_card_and_stands_in_the_log(
    app: Flask, cast: Cast, clock: Clock
) -> None:
    with app.app_context():
        street = brought(furnish(app, cast), clock)
        ids = [str(one.id) for one in street]
        link_card(Actor("staff", staff_id()), cast.aqiang, "SZ 0012345678")
        db.session.remove()
    kitchen = sign_in(app.test_client(), cast.kitchen)
    runs_url = "/staff/c/shuibei/canteen/runs"

    def plan(said: str, order: str) -> TestResponse:
        page = kitchen.get(runs_url)
        return send(
            kitchen, page, runs_url, "form:has([name=carrier])", name="一号线", order=order, carrier=said
        )

    for unknown in (
        "SZ0099999999",
        "13800001188",
    ):  # the kitchen searches nobody by telephone
        assert plan(unknown, ids[0]).status_code == 422
    assert plan(new_code("K"), ids[0]).status_code == 404
    for said, order in zip((cast.chen_code, "sz0012345678", "林师傅"), ids, strict=True):
        assert plan(said, order).status_code == 303
    with app.app_context():
        made = db.session.scalars(select(Run).order_by(Run.id)).all()
        assert [(one.carrier_resident_id, one.carrier_name) for one in made] == [
            (cast.chen, "陈*英"),
            (cast.aqiang, "陈*强"),
            (None, "林师傅"),
        ]
        runs.set_out(made[0].id)
        acts = db.session.scalars(select(Audit).where(Audit.verb == "run.set_out")).all()
        assert [(one.actor_kind, one.actor_id) for one in acts] == [("resident", cast.chen)]


def test_the_batch_is_judged_once_however_often_it_is_sent(
    app: Flask, cast: Cast, clock: Clock, ordered: dict[str, str]
) -> None:
    kitchen = named_window(app, cast.kitchen)
    page = kitchen.get(WINDOW).text
    token = page.split('data-csrf="')[1].split('"')[0]
    row = {
        "key": "one-00001",
        "number": ordered["number"],
        "at": clock().isoformat(),
        "how": "slip",
        "cash": True,
    }

    def post(rows: object, csrf: str = token) -> TestResponse:
        return kitchen.post(
            f"{WINDOW}/batch", json={"window": "1号窗", "scans": rows}, headers={"X-CSRFToken": csrf}
        )

    for _twice in range(2):
        answer = post([row])
        assert [one["kind"] for one in answer.get_json()["answers"]] == ["ok"]
    assert post([row], "made up").status_code == 400
    for odd in ("x", [row] * 51):
        assert post(odd).status_code == 422
    lines: list[object] = [
        1,
        {**row, "key": "x"},
        {**row, "at": "2026-11-24T11:40"},
        {**row, "number": 7},
        row,
    ]
    assert [one["kind"] for one in post(lines).get_json()["answers"]] == ["review"] * 4 + ["ok"]
    with app.app_context():
        first = queries.odd_scans(cast.shuibei)[0].id
    desk, url = sign_in(app.test_client(), cast.wu), WINDOW.replace("window", "review")
    line = f"{url}/odd/{first}/settle"
    send(desk, desk.get(url), line, f"form[action='{line}']", decision="served", words="看过了")
    assert line not in desk.get(url).text
    with app.app_context():
        assert (
            db.session.scalar(select(func.count()).select_from(Transfer).where(Transfer.kind == "subsidy"))
            == 1
        )


def test_the_list_is_asked_for_again_only_when_it_has_changed(
    app: Flask, cast: Cast, ordered: dict[str, str]
) -> None:
    kitchen = named_window(app, cast.kitchen)
    first = kitchen.get(f"{WINDOW}/list")
    assert first.get_json()["orders"][0]["number"] == ordered["number"]
    assert "陈" not in first.text
    seen = {"If-None-Match": first.headers["ETag"]}
    assert kitchen.get(f"{WINDOW}/list", headers=seen).status_code == 304
    with app.app_context():
        meals = Meals(app, cast)
        menu = db.session.scalars(select(Menu)).one()
        offer = menu.offers[0].id
        with unit_of_work():
            day = make_menu(OPERATOR, menu.canteen, WEDNESDAY, "lunch")
            set_offers(OPERATOR, day.id, [Planned("L1", "set", [menu.offers[0].dishes[0].dish_id], 9)])
            publish(OPERATOR, day.id)
            meals.offers[cast.shuibei, WEDNESDAY, "lunch", "L1"] = day.offers[0].id
        code = meals.order(cast.chen, WEDNESDAY).code
        number = db.session.scalars(select(MealOrder.number).where(MealOrder.offer_id != offer)).one()
        db.session.remove()
    again = kitchen.get(f"{WINDOW}/list", headers=seen).get_json()
    kept = {"day": str(WEDNESDAY), "hashes": [hashlib.sha256(code.encode()).hexdigest()[:16]]}
    assert again["others"] == [{**kept, "numbers": [number]}]


def test_the_hall_s_screen_shows_numbers_and_never_a_name(
    app: Flask, cast: Cast, ordered: dict[str, str]
) -> None:
    kitchen = named_window(app, cast.kitchen)
    hall = app.test_client()
    before = hall.get("/board/shuibei/live")
    assert (
        hall.get("/board/shuibei/live", headers={"If-None-Match": before.headers["ETag"]}).status_code == 304
    )
    send(kitchen, kitchen.get(WINDOW), f"{WINDOW}/call")
    after = hall.get("/board/shuibei/live", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert '<div class="called"><b>1</b>' in after.text
    page = hall.get("/board/shuibei").text
    assert "陈" not in page
    assert "补" not in page
    assert "清蒸鲈鱼、肉末蒸蛋、香菇豆腐…" in page  # nobody can scroll it: a few dishes stand for all


def test_a_carrier_sees_one_door_at_a_time(app: Flask, cast: Cast, clock: Clock) -> None:
    with app.app_context():
        code = planned(brought(furnish(app, cast), clock)[:2]).code
        db.session.remove()
    phone = app.test_client()
    page = phone.get(f"/q/{code}")
    assert "要送 2 家" in page.text
    send(phone, page, f"/q/{code}/go")
    page = phone.get(f"/q/{code}")
    assert "301" in page.text
    assert "502" not in page.text
    assert "陈志强" not in page.text
    family = f"form[action='/q/{code}/delivered']:has(input[value=family])"
    assert "请选是谁收的" in send(phone, page, "", family, taken_by="").text
    send(phone, page, "", family)
    page = phone.get(f"/q/{code}")
    assert "502" in page.text
    send(phone, page, f"/q/{code}/nobody")
    page = phone.get(f"/q/{code}")
    assert "没人在家的，1 家" in page.text
    send(phone, page, f"/q/{code}/done")
    assert phone.get(f"/q/{code}").status_code == 410
    with app.app_context():
        run = db.session.scalars(select(Run)).one()
        assert [stop.taken_by for stop in run.stops] == ["family", ""]
        url = f"/staff/c/shuibei/canteen/runs/{run.id}"
    assert "家人收了" in sign_in(app.test_client(), cast.kitchen).get(url).text
