"""The settlement: what a month claims is what was handed out and what the ledger moved, to the fen, and stays so."""

import io
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import flask_migrate
import openpyxl
import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError

from canteen import settlement as reads
from canteen.area import doctor
from canteen.figures import wasted
from canteen.master import RULES
from canteen.models import (
    Account,
    MealOrder,
    OddScan,
    Redemption,
    Settlement,
    SettlementLine,
    SettlementPayment,
    SettlementRefusal,
    SubsidyRule,
    Transfer,
)
from canteen.owed import owed_of
from canteen.report import meals_of, money_of, sums
from canteen.services import ledger, paid, review, settle
from canteen.services.close import close_menu, finish_menu
from canteen.services.give_back import cancel
from canteen.services.serve import Scan, redeem, undo
from centres.models import Building
from centres.services import set_policy
from core import master
from core.approvals import Approval, decide, kinds
from core.audit import CLOCK, OPERATOR, Actor, Audit
from core.clock import database_now, local_day
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.i18n import pick
from people.models import Grant, Resident, Staff
from staff.doctor import missing_guards
from tests.support.cast import PASSWORD, Cast
from tests.support.clock import ZONE, Clock
from tests.support.forms import send, ways
from tests.support.hall import moment
from tests.support.hall import refusal as refusal_of
from tests.support.meals import RULE_NAMES, Meals, double_ninth, furnish

TUESDAY, LAST = date(2026, 11, 24), date(2026, 11, 30)
PAGE = "/staff/c/shuibei/canteen/settlement"
NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)


def accountant(meals: Meals) -> int:
    return int(db.session.scalars(select(Staff.id).where(Staff.email == meals.cast.accountant)).one())


def scan(
    meals: Meals, order: int, how: str = "slip", *, window: str = "1号窗", at: datetime | None = None
) -> str:
    return redeem(
        accountant(meals),
        meals.cast.shuibei,
        order,
        Scan(window, f"scan-{order}-{how}-{window}", how, cash=True, at=at),
    ).kind


@pytest.fixture
def lunch(meals: Meals, clock: Clock) -> dict[str, int]:
    return served(meals, clock)


@pytest.fixture
def after_lunch(app: Flask, cast: Cast, clock: Clock) -> None:
    """The same, for pages: no application context is left open."""
    with app.app_context():
        served(furnish(app, cast), clock)
        db.session.remove()


def served(meals: Meals, clock: Clock) -> dict[str, int]:
    """Tuesday's lunch: 陈奶奶 (70 to 99), one on 低保, a centenarian at home, one without help, one who never came."""
    menu = meals.lunch(TUESDAY)
    people = {
        "chen": meals.cast.chen,
        "dibao": meals.person("刘桂芳", date(1942, 11, 2), statuses=[("dibao", date(2026, 1, 1), None)]),
        "hundred": meals.person("冯玉莲", date(1925, 5, 3)),
        "aqiang": meals.cast.aqiang,
        "missing": meals.person("钟兆麟", date(1941, 11, 11)),
    }
    with unit_of_work():
        house = Building(
            unit_id=meals.cast.shuibei, code="SB2-3", name_zh="水贝二街3栋", lift=False, floors=7
        )
        db.session.add(house)
        db.session.flush()
        db.session.get_one(Resident, people["hundred"]).building_id = house.id
    orders = {
        name: meals.order(person, TUESDAY, delivery=name == "hundred").id for name, person in people.items()
    }
    clock.set("2026-11-23 16:01")
    close_menu(CLOCK, menu)
    clock.set("2026-11-24 11:40")
    for name, order in orders.items():
        if name != "missing":
            assert scan(meals, order, "delivery" if name == "hundred" else "slip") == "ok"
    clock.set("2026-11-24 12:31")
    finish_menu(menu)
    return orders


def november(meals: Meals) -> settle.Month:
    return settle.month_of(meals.cast.shuibei, NOVEMBER)


def seal(meals: Meals, month: date = NOVEMBER) -> Settlement:
    return settle.seal(accountant(meals), meals.cast.shuibei, month)


def refusal(meals: Meals, month: date = NOVEMBER) -> str:
    return refusal_of(lambda: seal(meals, month))


def test_a_month_claims_what_was_handed_out(meals: Meals, lunch: dict[str, int]) -> None:
    found = november(meals)
    said = sorted((line.kind, line.order_id, line.amount_fen) for line in found.lines)
    assert said == [
        ("delivery", lunch["hundred"], 200),
        ("meal", lunch["chen"], 500),
        ("meal", lunch["dibao"], 1500),
        ("meal", lunch["hundred"], 1500),
        ("operating", lunch["chen"], 200),
        ("operating", lunch["dibao"], 200),
        ("operating", lunch["hundred"], 200),
    ]
    assert found.claimed_fen == 4300
    assert found.differences == []
    rules = {
        (one.kind, one.rule): (one.lines, one.people, one.fen) for one in reads.groups(reads.rows_of(found))
    }
    assert rules == {
        ("meal", "meal-70-99"): (1, 1, 500),
        ("meal", "meal-centenarian"): (1, 1, 1500),
        ("meal", "meal-priority"): (1, 1, 1500),
        ("delivery", "delivery"): (1, 1, 200),
        ("operating", "operating"): (3, 3, 600),
    }
    assert settle.month_of(meals.cast.sungang, NOVEMBER).lines == []


def test_two_portions_at_one_door_are_one_trip(meals: Meals, lunch: dict[str, int], clock: Clock) -> None:
    hundred = db.session.get_one(MealOrder, lunch["hundred"]).resident_id
    menu = meals.lunch(date(2026, 11, 25))
    clock.set("2026-11-24 12:40")
    both = [meals.order(hundred, date(2026, 11, 25), code, delivery=True).id for code in ("L1", "L2")]
    clock.set("2026-11-25 11:40")
    assert [scan(meals, order, "delivery") for order in both] == ["ok", "ok"]
    clock.set("2026-11-25 12:31")
    finish_menu(menu)
    trips = [(line.order_id, line.amount_fen) for line in november(meals).lines if line.kind == "delivery"]
    assert trips == [(lunch["hundred"], 200), (both[0], 200)]
    clock.set("2026-12-01 09:00")
    seal(meals)
    december = settle.month_of(meals.cast.shuibei, DECEMBER)
    assert [line for line in december.lines if line.kind == "delivery"] == []


def test_a_sealed_month_is_never_made_anew(meals: Meals, lunch: dict[str, int], clock: Clock) -> None:
    assert refusal(meals) == "month_runs"
    clock.set("2026-12-01 09:00")
    row = seal(meals)
    assert (row.state, row.claimed_fen, row.totals) == (
        "sealed",
        4300,
        {"meal": 3500, "delivery": 200, "operating": 600},
    )
    assert seal(meals).id == row.id
    assert settle.month_of(meals.cast.shuibei, DECEMBER).lines == []
    for change in (
        update(SettlementLine).values(amount_fen=1),
        delete(SettlementLine).where(SettlementLine.id > 0),
    ):
        with pytest.raises(Exception, match="append_only_settlement_line"), unit_of_work():
            db.session.execute(change)
    assert november(meals).claimed_fen == 4300
    assert november(meals).differences == []


def test_what_is_undone_later_is_taken_back_next_month(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    set_policy(OPERATOR, meals.cast.shuibei, "canteen.redeem_undo", 60 * 24 * 30, date(2026, 11, 1))
    clock.set("2026-12-01 09:00")
    seal(meals)
    redemption = select(Redemption.id).where(Redemption.order_id == lunch["hundred"])
    undo(accountant(meals), db.session.scalars(redemption).one(), "没有送到")
    assert november(meals).claimed_fen == 4300
    assert november(meals).differences == []
    december = settle.month_of(meals.cast.shuibei, DECEMBER)
    assert sorted((line.kind, line.amount_fen) for line in december.lines) == [
        ("delivery", -200),
        ("meal", -1500),
        ("operating", -200),
    ]
    assert all(line.corrects_id and line.reason == "undone" for line in december.lines)
    assert december.differences == []
    clock.set("2027-01-02 09:00")
    for menu in meals.menus.values():
        finish_menu(menu)
    assert seal(meals, DECEMBER).claimed_fen == -1900
    assert settle.month_of(meals.cast.shuibei, date(2027, 1, 1)).lines == []
    assert len(db.session.scalars(select(SettlementLine)).all()) == 10


def test_a_window_that_was_offline_over_the_month_is_claimed_late(meals: Meals, clock: Clock) -> None:
    menu = meals.lunch(LAST)
    clock.set("2026-11-27 10:00")
    order = meals.order(meals.cast.chen, LAST).id
    clock.set("2026-11-30 12:31")
    finish_menu(menu)
    clock.set("2026-12-01 09:00")
    assert seal(meals).claimed_fen == 0
    assert scan(meals, order, at=clock().replace(day=30, month=11, hour=3, minute=50)) == "ok"
    december = settle.month_of(meals.cast.shuibei, DECEMBER)
    assert [(line.kind, line.amount_fen) for line in december.lines] == [("meal", 500), ("operating", 200)]
    assert all(row.late for row in reads.rows_of(december))
    assert december.differences == []
    assert november(meals).differences == []


def test_what_does_not_fit_the_ledger_is_shown_and_not_sealed(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    with unit_of_work():
        odd = db.session.scalars(
            select(Transfer).where(Transfer.order_id == lunch["chen"], Transfer.kind == "subsidy")
        ).one()
        ledger.move(
            odd.credit_id,
            odd.debit_id,
            500,
            "reversal",
            CLOCK,
            at=clock(),
            order_id=lunch["chen"],
            reverses_id=odd.id,
        )
    clock.set("2026-12-01 09:00")
    assert november(meals).differences == [settle.Difference(lunch["chen"], 500, 0)]
    assert refusal(meals) == "does_not_fit"


def test_nothing_is_sealed_before_it_is_over(meals: Meals, lunch: dict[str, int], clock: Clock) -> None:
    clock.set("2026-11-27 10:00")
    menu = meals.lunch(LAST)
    order = meals.order(meals.cast.chen, LAST).id
    clock.set("2026-11-30 11:40")
    scan(meals, order)
    scan(meals, order, window="2号窗", at=clock())
    other = meals.order(meals.cast.aqiang, LAST).id
    clock.set("2026-12-01 09:00")
    assert refusal(meals) == "orders_open"
    finish_menu(menu)
    assert db.session.get_one(MealOrder, other).state == "uncollected"
    assert refusal(meals) == "reviews_open"
    twice = select(Redemption.id).where(Redemption.state == "review")
    review.decide(
        accountant(meals),
        meals.cast.shuibei,
        db.session.scalars(twice).one(),
        "not_served",
        "网断了，发了一份",
    )
    for key, when in (("odd-00001", "2026-11-30 11:50"), ("odd-00002", "2026-12-01 08:00")):
        review.keep_odd(
            accountant(meals),
            meals.cast.shuibei,
            "1号窗",
            key,
            "没有这个号",
            number="22222222",
            at=moment(when),
            fen=0,
        )
    assert refusal(meals) == "reviews_open"
    first, second = db.session.scalars(select(OddScan.id).order_by(OddScan.id)).all()
    review.decide_odd(accountant(meals), meals.cast.shuibei, first, "not_served", "看错了")
    assert seal(meals).claimed_fen == 4300 + 700
    clock.set("2027-01-04 09:00")
    assert refusal(meals, DECEMBER) == "reviews_open"
    review.decide_odd(accountant(meals), meals.cast.shuibei, second, "not_served", "看错了")
    seal(meals, DECEMBER)
    assert refusal(meals, date(2026, 10, 1)) == "later_sealed"


def test_months_are_sealed_in_their_order(meals: Meals, lunch: dict[str, int], clock: Clock) -> None:
    clock.set("2027-01-04 09:00")
    assert refusal(meals, DECEMBER) == "earlier_open"
    assert settle.month_of(meals.cast.shuibei, DECEMBER).lines == []
    seal(meals)
    seal(meals, DECEMBER)


def test_a_rule_that_changes_does_not_touch_what_was_claimed(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    with unit_of_work():
        rule = db.session.scalars(select(SubsidyRule).where(SubsidyRule.code == "operating")).one()
        rule.ends_on = TUESDAY
        db.session.add(
            SubsidyRule(
                unit_id=rule.unit_id,
                code="operating",
                name_zh=rule.name_zh,
                kind="operating",
                tier="",
                conditions=rule.conditions,
                applies={},
                amount_fen=250,
                starts_on=TUESDAY,
            )
        )
    assert sum(line.amount_fen for line in november(meals).lines if line.kind == "operating") == 750


def rename(name: str, day: date) -> None:
    """The subsidy for those of 70 to 99, called otherwise from a day on; as the page of rules does it."""
    row = db.session.scalars(select(SubsidyRule).where(SubsidyRule.code == "meal-70-99")).one()
    today = local_day(database_now(), "Asia/Shanghai")
    master.change(OPERATOR, RULES, row.id, [row.unit_id], {"name_zh": name}, today=today, starts_on=day)


def test_a_rule_that_is_renamed_is_called_in_sealed_months_as_it_was(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    december_with_corrections(meals, lunch, clock)
    packs = [sheets(settle.month_of(meals.cast.shuibei, month)) for month in (NOVEMBER, DECEMBER)]
    assert all("70至99岁长者午餐补贴" in str(pack) for pack in packs)
    with pytest.raises(Refused, match="day_past"):
        rename("早就改了", NOVEMBER)
    rename("高龄长者午餐补贴", date(2027, 1, 2))
    after = [sheets(settle.month_of(meals.cast.shuibei, month)) for month in (NOVEMBER, DECEMBER)]
    assert after == packs
    day = date(2027, 1, 5)
    menu = meals.lunch(day)
    order = meals.order(meals.cast.chen, day).id
    clock.set("2027-01-05 11:40")
    assert scan(meals, order) == "ok"
    finish_menu(menu)
    january = sheets(settle.month_of(meals.cast.shuibei, date(2027, 1, 1)))
    assert [row[6] for row in january["明细"][1:]] == ["高龄长者午餐补贴"]


def test_a_rule_that_is_renamed_within_a_month_is_one_sum_by_its_last_name(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    clock.set("2026-11-25 09:00")
    rename("高龄长者午餐补贴", date(2026, 11, 26))
    menu = meals.lunch(LAST)
    order = meals.order(meals.cast.chen, LAST).id
    clock.set("2026-11-30 11:40")
    assert scan(meals, order) == "ok"
    finish_menu(menu)
    rows = [row for row in reads.rows_of(november(meals)) if row.rule == "meal-70-99"]
    assert [row.rule_name for row in rows] == ["70至99岁长者午餐补贴", "高龄长者午餐补贴"]
    (one,) = (one for one in reads.groups(rows) if one.rule == "meal-70-99")
    assert (one.rule_name, one.lines, one.fen) == ("高龄长者午餐补贴", 2, 1000)


def test_the_rules_that_there_were_are_named_by_the_migration(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    """Down and up again: those of the city by what they mean, others by their code; none overlaps another after."""
    with unit_of_work():
        db.session.execute(update(SubsidyRule).where(SubsidyRule.code == "operating").values(code="street-2"))
    db.session.remove()
    flask_migrate.downgrade(revision="0019")
    assert missing_guards() == []
    db.session.remove()
    flask_migrate.upgrade()
    names = {row.code: (row.name_zh, row.name_en) for row in db.session.scalars(select(SubsidyRule))}
    assert names.pop("street-2") == ("street-2", "")
    assert names.pop("delivery")[0] == RULE_NAMES["delivery"][0]
    assert names == {code: RULE_NAMES[code] for code in names}
    assert missing_guards() == []


def test_what_came_is_written_down_in_parts_and_what_is_missing(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    clock.set("2026-12-01 09:00")
    with pytest.raises(NotFound):
        pay(meals, 100)
    seal(meals)
    assert november(meals).missing_fen is None
    clock.set("2026-12-20 09:00")
    for fen, day, code in (
        (0, date(2026, 12, 18), "paid_odd"),
        (4301, date(2026, 12, 18), "paid_odd"),
        (4300, date(2026, 12, 21), "paid_when"),
        (4300, date(2026, 11, 30), "paid_when"),
    ):
        assert refusal_of(partial(pay, meals, fen, day)) == code
    said = []
    for fen in (3000, 1000, 300):
        pay(meals, fen, date(2026, 12, 18))
        found = november(meals)
        assert found.settlement is not None
        said.append((found.came_fen, found.missing_fen, found.settlement.state))
    assert said == [(3000, 1300, "sealed"), (4000, 300, "sealed"), (4300, 0, "paid")]
    assert refusal_of(lambda: pay(meals, 1, date(2026, 12, 18))) == "paid_odd"
    booked = db.session.execute(
        select(SettlementPayment.amount_fen, Transfer.kind, Transfer.amount_fen)
        .join(Transfer, Transfer.id == SettlementPayment.transfer_id)
        .order_by(SettlementPayment.id)
    ).all()
    assert [tuple(one) for one in booked] == [(fen, "government_paid", fen) for fen in (3000, 1000, 300)]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE settlement_payment SET amount_fen = 1", "DELETE FROM settlement_payment"],
)
def test_a_payment_stays_as_it_was_written(
    meals: Meals, lunch: dict[str, int], clock: Clock, statement: str
) -> None:
    clock.set("2026-12-01 09:00")
    seal(meals)
    pay(meals, 4000)
    with pytest.raises(Exception, match="append_only_settlement_payment"), unit_of_work():
        db.session.execute(text(statement))
    with pytest.raises(IntegrityError), unit_of_work():
        db.session.execute(text("UPDATE settlement SET came_fen = 4301"))


def books(meals: Meals) -> dict[str, int]:
    """Balances of the centre's own accounts."""
    rows = db.session.execute(
        select(Account.kind, Account.balance_fen).where(
            Account.centre_id == meals.cast.shuibei, Account.resident_id.is_(None)
        )
    )
    return {kind: fen for kind, fen in rows if fen}


def test_what_the_government_owes_and_pays_stands_in_the_books(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    set_policy(OPERATOR, meals.cast.shuibei, "canteen.redeem_undo", 60 * 24 * 30, date(2026, 11, 1))
    centre, who = meals.cast.shuibei, accountant(meals)
    before = books(meals)
    assert settle.owed_fen(centre) == 3500  # meals; nobody has claimed the rest yet
    clock.set("2026-12-01 09:00")
    seal(meals)
    assert settle.owed_fen(centre) == 4300
    assert books(meals)["sales"] - before["sales"] == 800
    seal(meals)
    assert settle.owed_fen(centre) == 4300
    for fen in (4000, 300):
        pay(meals, fen)
    assert (settle.owed_fen(centre), books(meals)["outside"] - before.get("outside", 0)) == (0, -4300)
    small = db.session.scalars(select(SettlementPayment.id).order_by(SettlementPayment.id.desc())).first()
    paid.take_back_payment(who, centre, small or 0, "看错了")
    assert (settle.owed_fen(centre), books(meals)["outside"] - before.get("outside", 0)) == (300, -4000)
    pay(meals, 100)
    assert settle.owed_fen(centre) == november(meals).missing_fen == 200
    undo(
        who,
        db.session.scalars(select(Redemption.id).where(Redemption.order_id == lunch["hundred"])).one(),
        "没有送到",
    )
    assert settle.owed_fen(centre) == 200 - 1500
    clock.set("2027-01-02 09:00")
    for menu in meals.menus.values():
        finish_menu(menu)
    seal(meals, DECEMBER)
    assert settle.owed_fen(centre) == 200 - 1900  # what they pay too much is taken off the next month
    assert ledger.wrong_sums() == []
    assert settle.owed_fen(meals.cast.sungang) == 0


def test_a_payment_that_was_wrong_is_taken_back_with_a_reason_once_and_much_by_two(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    set_policy(OPERATOR, meals.cast.shuibei, "canteen.two_people_fen", 300, date(2026, 11, 1))
    clock.set("2026-12-01 09:00")
    seal(meals)
    centre, who = meals.cast.shuibei, accountant(meals)
    small, other, large = pay(meals, 200), pay(meals, 200), pay(meals, 3900)
    assert refusal_of(lambda: paid.take_back_payment(who, centre, small, " ")) == "reason_missing"
    assert refusal_of(lambda: paid.take_back_payment(who, meals.cast.sungang, small, "错了")) == "not_found"
    paid.take_back_payment(who, centre, small, "记了两遍")
    assert refusal_of(lambda: paid.take_back_payment(who, centre, small, "记了两遍")) == "moved_already"
    state = select(Settlement.state, Settlement.came_fen)
    assert tuple(db.session.execute(state).one()) == ("sealed", 4100)
    asked = paid.take_back_payment(who, centre, large, "退票了")
    assert isinstance(asked, Approval)
    assert isinstance(paid.take_back_payment(who, centre, other, "也错了"), Approval), "200 and 200 are 400"
    assert refusal_of(lambda: paid.take_back_payment(who, centre, large, "退票了")) == "approval_open"
    assert settle.owed_fen(centre) == 200
    manager = db.session.scalars(select(Staff.id).where(Staff.email == meals.cast.manager)).one()
    assert kinds.by_name[asked.kind].words(asked) == "2026年11月到账的 ¥39.00 记错了，要撤掉"
    assert refusal_of(lambda: decide(asked.id, who, True)) == "two_people"
    decide(asked.id, manager, True)
    assert settle.owed_fen(centre) == 4100
    found = november(meals)
    assert (found.came_fen, found.missing_fen) == (200, 4100)
    back = [(payment.id, taken.reason if taken else "") for payment, taken in payments(meals)]
    assert back == [(small, "记了两遍"), (other, ""), (large, "退票了")]
    assert ledger.wrong_sums() == []


def pay(meals: Meals, fen: int, day: date = date(2026, 12, 1)) -> int:
    """The id of a payment for November that the accountant has written down."""
    return paid.record_paid(accountant(meals), meals.cast.shuibei, NOVEMBER, fen, day).id


def payments(meals: Meals) -> list[tuple[SettlementPayment, Transfer | None]]:
    row = november(meals).settlement
    return paid.payments_of(row.id) if row else []


def test_what_a_second_person_has_agreed_to_does_not_count_among_what_one_takes_back_alone(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    set_policy(OPERATOR, meals.cast.shuibei, "canteen.two_people_fen", 300, date(2026, 11, 1))
    clock.set("2026-12-01 09:00")
    seal(meals)
    centre, who = meals.cast.shuibei, accountant(meals)
    manager = db.session.scalars(select(Staff.id).where(Staff.email == meals.cast.manager)).one()
    large, first, second, third = (pay(meals, fen) for fen in (1000, 200, 100, 100))
    asked = paid.take_back_payment(who, centre, large, "退票了")
    assert isinstance(asked, Approval)
    decide(asked.id, manager, True)
    for payment in (first, second):
        assert isinstance(paid.take_back_payment(manager, centre, payment, "错了"), SettlementPayment)
    assert isinstance(paid.take_back_payment(manager, centre, third, "错了"), Approval)
    clock.advance(days=1)
    fourth = pay(meals, 100, date(2026, 12, 2))
    assert isinstance(paid.take_back_payment(manager, centre, fourth, "错了"), SettlementPayment)


def test_months_paid_before_the_books_knew_of_it_are_booked_by_the_migrations(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    centre = meals.cast.shuibei
    clock.set("2026-12-01 09:00")
    row, who = seal(meals).id, accountant(meals)
    db.session.remove()
    flask_migrate.downgrade(revision="0007")  # leaves what was booked; here nothing of it is wanted
    old = text(
        "UPDATE settlement SET state = 'paid', paid_fen = 4000, paid_on = '2026-12-01', sealed_by = :who"
        " WHERE id = :row"
    )
    with unit_of_work():
        db.session.execute(old, {"who": who, "row": row})
    owed = settle.owed_fen(centre)
    db.session.remove()
    flask_migrate.upgrade()
    assert settle.owed_fen(centre) == owed + 800 - 4000
    found = db.session.get_one(Settlement, row)
    assert (found.state, found.came_fen) == ("sealed", 4000)
    assert found.support_id is not None
    assert db.session.get_one(Transfer, found.support_id).kind == "support"
    ((payment, back),) = paid.payments_of(row)
    assert (payment.amount_fen, payment.paid_on, payment.recorded_by) == (4000, date(2026, 12, 1), who)
    assert (db.session.get_one(Transfer, payment.transfer_id).kind, back) == ("government_paid", None)
    assert ledger.wrong_sums() == []


def test_payments_in_parts_are_one_payment_for_the_program_before(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    """Down and up again: the sum and what is owed stay; a question of either program is not left to the other."""
    set_policy(OPERATOR, meals.cast.shuibei, "canteen.two_people_fen", 500, date(2026, 11, 1))
    centre, who = meals.cast.shuibei, accountant(meals)
    clock.set("2026-12-01 09:00")
    row = seal(meals).id
    pay(meals, 1000)
    wrong, last = pay(meals, 500), pay(meals, 700)
    paid.take_back_payment(who, centre, wrong, "记了两遍")
    assert isinstance(paid.take_back_payment(who, centre, last, "退票了"), Approval)
    paid.refuse_lines(who, centre, NOVEMBER, [line_of(lunch["chen"]).id], "不在名单上")
    owed = settle.owed_fen(centre)
    moved = db.session.get_one(SettlementPayment, last).transfer_id
    db.session.remove()
    flask_migrate.downgrade(revision="0013")
    assert settle.owed_fen(centre) == owed
    old = text("SELECT state, paid_fen, paid_id FROM settlement")
    assert tuple(db.session.execute(old).one()) == ("paid", 1700, moved)
    ask_before = text(
        "INSERT INTO approval (kind, subject_id, unit_id, detail, reason, asked_by, asked_at, state, answer) VALUES"
        " ('settlement.paid_again', :row, :centre, '{}', '退票了', :who, '2026-12-01 01:00:00', 'open', '')"
    )
    with unit_of_work():
        db.session.execute(ask_before, {"row": row, "centre": centre, "who": who})
    db.session.remove()
    flask_migrate.upgrade()
    found = db.session.get_one(Settlement, row)
    assert (found.state, found.came_fen, settle.owed_fen(centre)) == ("sealed", 1700, owed)
    assert [(one.amount_fen, one.transfer_id, back) for one, back in paid.payments_of(row)] == [
        (1700, moved, None)
    ]
    assert set(db.session.scalars(select(Approval.state))) == {"withdrawn"}


def line_of(order: int, kind: str = "meal") -> SettlementLine:
    """The line of an order in whichever settlement."""
    query = select(SettlementLine).where(SettlementLine.order_id == order, SettlementLine.kind == kind)
    return db.session.scalars(query.order_by(SettlementLine.id)).first() or SettlementLine()


def test_the_day_report_tells_what_meals_were_helped_with_and_not_what_is_sealed_or_paid(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    clock.set("2026-12-01 09:00")
    seal(meals)
    wrong = pay(meals, 400)
    paid.take_back_payment(accountant(meals), meals.cast.shuibei, wrong, "记错了")
    pay(meals, 4000)
    told = {day: sums(money_of(meals.cast.shuibei, str(ZONE), day)) for day in (TUESDAY, date(2026, 12, 1))}
    assert (told[TUESDAY]["subsidy"], told[date(2026, 12, 1)]) == (3500, {})


def test_what_was_given_back_after_the_sheet_has_been_cooked_and_is_wasted(
    meals: Meals, clock: Clock
) -> None:
    menu = meals.lunch(TUESDAY)
    kept, late = (meals.order(who, TUESDAY).id for who in (meals.cast.chen, meals.cast.aqiang))
    clock.set("2026-11-23 16:01")
    close_menu(CLOCK, menu)
    clock.set("2026-11-23 17:00")
    cancel(Actor("staff", accountant(meals)), late, "住院了")
    clock.set("2026-11-24 11:40")
    scan(meals, kept)
    clock.set("2026-11-24 12:31")
    finish_menu(menu)
    (lunch,) = meals_of(meals.cast.shuibei, TUESDAY)
    assert (lunch.cooked, lunch.wasted) == (2, 1)
    assert wasted(meals.cast.shuibei, TUESDAY, date(2026, 11, 25)).value == 1


# --- lines that are not paid, and what is owed in all ---------------------------------------------------------------


def refuse(meals: Meals, *lines: SettlementLine, why: str = "不在名单上", month: date = NOVEMBER) -> int:
    return paid.refuse_lines(accountant(meals), meals.cast.shuibei, month, [line.id for line in lines], why)


def said(meals: Meals) -> str:
    found = november(meals)
    return reads.short_words(found, reads.rows_of(found))


def test_the_government_refuses_lines_and_no_claim_and_nobody_s_money_changes(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    clock.set("2026-12-01 09:00")
    seal(meals)
    chen, dibao = line_of(lunch["chen"]), line_of(lunch["dibao"])
    before = (books(meals), ledger.balance(meals.cast.chen), november(meals).claimed_fen)
    assert refusal_of(lambda: refuse(meals, chen, why=" ")) == "reason_missing"
    assert refusal_of(lambda: refuse(meals)) == "lines_odd"
    assert refusal_of(lambda: refuse(meals, chen, month=DECEMBER)) == "not_found"
    assert refuse(meals, chen) == 1
    assert refuse(meals, chen, dibao, why="没有低保证") == 1, "a line is refused once"
    row = november(meals).settlement
    assert row is not None
    found = {line: one.reason for line, one in paid.refusals_of(row.id).items()}
    assert found == {chen.id: "不在名单上", dibao.id: "没有低保证"}
    assert (books(meals), ledger.balance(meals.cast.chen), november(meals).claimed_fen) == before
    with pytest.raises(IntegrityError), unit_of_work():
        db.session.add(
            SettlementRefusal(line_id=chen.id, reason="", refused_at=clock(), refused_by=accountant(meals))
        )
    for _time in range(2):
        paid.take_back_refusal(accountant(meals), meals.cast.shuibei, NOVEMBER, chen.id)
    assert set(paid.refusals_of(row.id)) == {dibao.id}
    verbs = select(Audit.verb).where(Audit.verb.like("settlement.refus%")).order_by(Audit.id)
    assert db.session.scalars(verbs).all() == [
        "settlement.refused",
        "settlement.refused",
        "settlement.refusal_back",
    ]
    pay(meals, 4300)
    assert refusal_of(lambda: refuse(meals, chen)) == "all_came"
    back = refusal_of(
        lambda: paid.take_back_refusal(accountant(meals), meals.cast.shuibei, NOVEMBER, dibao.id)
    )
    assert (back, set(paid.refusals_of(row.id))) == ("all_came", {dibao.id})


def test_what_takes_back_a_line_that_was_never_paid_says_so(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    set_policy(OPERATOR, meals.cast.shuibei, "canteen.redeem_undo", 60 * 24 * 30, date(2026, 11, 1))
    clock.set("2026-12-01 09:00")
    seal(meals)
    refuse(meals, line_of(lunch["hundred"]))
    redemption = select(Redemption.id).where(Redemption.order_id == lunch["hundred"])
    undo(accountant(meals), db.session.scalars(redemption).one(), "没有送到")
    rows = reads.rows_of(settle.month_of(meals.cast.shuibei, DECEMBER))
    assert {row.line.kind: row.never_came for row in rows} == {
        "meal": True, "delivery": False, "operating": False,
    }  # fmt: skip
    assert reads.never_words(rows).startswith("更正里有 ¥15.00 冲的是没有认的行")
    words = [reads.why_words(row) for row in rows if row.line.kind == "meal"]
    assert words == ["封存以后撤回了核销。原来那一行没有认，没有付过。"]
    paid.take_back_refusal(accountant(meals), meals.cast.shuibei, NOVEMBER, line_of(lunch["hundred"]).id)
    assert reads.never_words(reads.rows_of(settle.month_of(meals.cast.shuibei, DECEMBER))) == ""


def test_the_doctor_says_where_what_came_is_not_what_was_paid(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    clock.set("2026-12-01 09:00")
    seal(meals)
    for fen in (300, 500):
        pay(meals, fen)
    paid.take_back_payment(accountant(meals), meals.cast.shuibei, payments(meals)[0][0].id, "记错了")
    assert [one.ok for one in doctor()] == [True, True]
    with unit_of_work():  # as somebody does who writes past the verbs
        db.session.scalars(select(Settlement)).one().came_fen += 100
    assert [one.ok for one in doctor()] == [True, False]


def test_only_what_a_sealed_month_claims_can_be_refused(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    december_with_corrections(meals, lunch, clock)
    correction = db.session.scalars(
        select(SettlementLine).where(SettlementLine.corrects_id.is_not(None))
    ).first()
    assert correction is not None
    for month in (NOVEMBER, DECEMBER):
        assert refusal_of(partial(refuse, meals, correction, month=month)) == "lines_odd"
    assert refusal_of(lambda: refuse(meals, line_of(lunch["chen"]), month=DECEMBER)) == "lines_odd"
    assert db.session.scalars(select(SettlementRefusal)).all() == []


def test_it_is_said_how_far_the_refused_lines_explain_what_is_missing(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    clock.set("2026-12-01 09:00")
    seal(meals)
    assert said(meals) == "还没有到账的。"
    refuse(meals, line_of(lunch["chen"]))
    assert said(meals) == "还没有到账的。没有认的有 1 行，合计 ¥5.00。"
    pay(meals, 2300)
    assert said(meals) == "没有认的有 1 行，合计 ¥5.00。一共少 ¥20.00，另外 ¥15.00 还不知道为什么，请再问问。"
    refuse(meals, line_of(lunch["dibao"]))
    assert said(meals) == "少的 ¥20.00，正好是没有认的这几行。"
    pay(meals, 500)
    assert said(meals) == (
        "没有认的有 2 行，合计 ¥20.00。可是只少 ¥15.00，多出 ¥5.00：也许有几行后来补了，请再对一对。"
    )
    for name in ("chen", "dibao"):
        paid.take_back_refusal(accountant(meals), meals.cast.shuibei, NOVEMBER, line_of(lunch[name]).id)
    assert said(meals) == "还少 ¥15.00，还没有记下是哪几行没有认。"
    pay(meals, 1500)
    assert said(meals) == "申领的都到账了。"


def test_what_is_owed_is_told_month_by_month_and_adds_up_to_the_books(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    centre = meals.cast.shuibei

    def parts() -> tuple[list[tuple[int, int]], list[tuple[date, int]], int]:
        found = owed_of(centre)
        assert (found.fen, found.rest_fen) == (settle.owed_fen(centre), 0)
        return [(one.claimed_fen, one.came_fen) for one in found.sealed], list(found.running), found.late_fen

    assert parts() == ([], [(NOVEMBER, 3500)], 0)
    december_with_corrections(meals, lunch, clock)
    assert parts() == ([(4300, 0), (1300, 0)], [], 0)
    clock.set("2027-01-02 10:00")
    for fen in (1000, 2000):
        pay(meals, fen, date(2027, 1, 2))
    assert parts() == ([(4300, 3000), (1300, 0)], [], 0)
    taken = db.session.scalars(select(SettlementPayment.id)).first() or 0
    paid.take_back_payment(accountant(meals), centre, taken, "看错了")
    assert parts() == ([(4300, 2000), (1300, 0)], [], 0)
    set_policy(OPERATOR, centre, "canteen.redeem_undo", 60 * 24 * 60, date(2026, 11, 2))
    found = select(Redemption.id).where(Redemption.order_id == lunch["dibao"])
    undo(accountant(meals), db.session.scalars(found).one(), "没有拿到")
    assert parts() == ([(4300, 2000), (1300, 0)], [], -1500)
    assert owed_of(meals.cast.sungang).fen == 0
    with unit_of_work():
        owes, sales = (ledger.centre_account(centre, kind) for kind in ("subsidy", "sales"))
        ledger.move(owes, sales, 70, "support", CLOCK, at=clock())
    assert owed_of(centre).rest_fen == 70, "what no month explains is not hidden"


def test_the_words_say_what_was_compared_and_what_does_not_fit(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    draft = "用餐补贴和核销、账本一分不差。送餐和运营的，封存时才记进账本，到时候再对。"
    assert (reads.check_words(november(meals)), reads.fits(november(meals))) == (draft, True)
    clock.set("2026-12-01 09:00")
    seal(meals)
    whole_month = "用餐、送餐、运营，和核销、账本一分不差。"
    assert (reads.check_words(november(meals)), reads.fits(november(meals))) == (whole_month, True)
    with unit_of_work():
        owes, sales = (ledger.centre_account(meals.cast.shuibei, kind) for kind in ("subsidy", "sales"))
        wrong = ledger.move(owes, sales, 700, "support", CLOCK, at=clock())
        db.session.execute(update(Settlement).values(support_id=wrong))
    found = november(meals)
    assert reads.check_words(found) == (
        "用餐补贴和核销、账本一分不差。送餐和运营申领 ¥8.00，账本里是 ¥7.00。"
    )
    assert not reads.fits(found)
    assert [fen(cell) for cell in sheets(found)["核对"][-1][2:]] == [800, 700, 100]


# --- the workbook ---------------------------------------------------------------------------------------------------


def test_the_pack_says_what_the_database_says(meals: Meals, lunch: dict[str, int], clock: Clock) -> None:
    clock.set("2026-12-01 09:00")
    seal(meals)
    wrong = pay(meals, 1000)
    paid.take_back_payment(accountant(meals), meals.cast.shuibei, wrong, "记了两遍")
    pay(meals, 4000)
    refuse(meals, line_of(lunch["chen"]))
    table = sheets(november(meals))
    assert list(table) == ["汇总", "明细", "送餐", "运营", "更正", "拨付", "核对"]
    sums = {str(row[0]): row[5] for row in table["汇总"]}
    assert [fen(sums[name]) for name in ("申领合计", "已拨付", "少付")] == [4300, 4000, 300]
    meals_ = {str(row[0]).replace(" ", ""): row for row in table["明细"][1:]}
    lines = db.session.scalars(select(SettlementLine).where(SettlementLine.kind == "meal")).all()
    assert len(meals_) == len(lines) == 3
    for line in lines:
        order = db.session.get_one(MealOrder, line.order_id)
        row = meals_[order.number]
        assert str(row[1])[:10] == "2026-11-24"
        assert [fen(row[n]) for n in (8, 9, 10, 11)] == [
            order.price_fen,
            order.promotion_fen,
            line.amount_fen,
            order.pays_fen,
        ]
        assert row[4] == reads.person_code(order.resident_id)
    assert [(row[0], fen(row[2]), row[3], row[9]) for row in table["拨付"][2:]] == [
        ("到账", 1000, None, None),
        ("记错撤掉", -1000, None, "记了两遍"),
        ("到账", 4000, None, None),
        ("没有认", 500, number_of(lunch["chen"]), "不在名单上"),
    ]
    assert table["拨付"][0][0] == (
        "没有认的有 1 行，合计 ¥5.00。可是只少 ¥3.00，多出 ¥2.00：也许有几行后来补了，请再对一对。"
    )
    assert sum(fen(row[6]) for row in table["送餐"][1:]) == 200
    assert sum(fen(row[6]) for row in table["运营"][1:]) == 600
    assert table["更正"][1:] == []
    assert table["核对"][0][0] == "用餐、送餐、运营，和核销、账本一分不差。"
    said = str(table)
    assert "陈*英" in said
    assert "陈秀英" not in said


def number_of(order: int) -> str:
    """As people read it to each other."""
    number = db.session.get_one(MealOrder, order).number
    return f"{number[:4]} {number[4:]}"


def sheets(month: settle.Month) -> dict[str, list[tuple[Any, ...]]]:
    """Title → rows of the pack that are not empty, heads included."""
    book = openpyxl.load_workbook(io.BytesIO(reads.pack(month)))
    return {
        sheet.title: [row for row in sheet.iter_rows(values_only=True) if row[0] is not None]
        for sheet in book
    }


def december_with_corrections(meals: Meals, lunch: dict[str, int], clock: Clock) -> None:
    """November is sealed, two of its meals turn out not to have been handed out, and December is sealed with three
    meals of its own, one of them brought, in a week with a promotion."""
    set_policy(OPERATOR, meals.cast.shuibei, "canteen.redeem_undo", 60 * 24 * 30, date(2026, 11, 1))
    double_ninth(meals.cast, DECEMBER, date(2026, 12, 31))
    clock.set("2026-12-01 09:00")
    seal(meals)
    for name in ("hundred", "chen"):
        found = select(Redemption.id).where(Redemption.order_id == lunch[name])
        undo(accountant(meals), db.session.scalars(found).one(), "没有拿到")
    day = date(2026, 12, 2)
    meals.lunch(day)
    who = {
        name: db.session.get_one(MealOrder, lunch[name]).resident_id for name in ("chen", "dibao", "hundred")
    }
    orders = {name: meals.order(one, day, delivery=name == "hundred").id for name, one in who.items()}
    clock.set("2026-12-02 11:47")
    for name, order in orders.items():
        assert scan(meals, order, "delivery" if name == "hundred" else "slip", window="2号窗") == "ok"
    clock.set("2027-01-02 09:00")
    for menu in meals.menus.values():
        finish_menu(menu)
    seal(meals, DECEMBER)


def test_every_sheet_says_line_by_line_what_the_database_says(
    meals: Meals, lunch: dict[str, int], clock: Clock
) -> None:
    """Each row is made here from the tables alone: the order, its person, its rule, its scan."""
    december_with_corrections(meals, lunch, clock)
    month = settle.month_of(meals.cast.shuibei, DECEMBER)
    assert month.settlement is not None
    lines = db.session.scalars(
        select(SettlementLine).where(SettlementLine.settlement_id == month.settlement.id)
    )
    wanted: dict[str, list[tuple[object, ...]]] = {"明细": [], "送餐": [], "运营": [], "更正": []}
    kinds = {"meal": "用餐补贴", "delivery": "送餐补贴", "operating": "运营补贴"}
    for line in lines:
        order, rule = (
            db.session.get_one(MealOrder, line.order_id),
            db.session.get_one(SubsidyRule, line.rule_id),
        )
        name = order.resident.name if order.resident else ""
        number = f"{order.number[:4]} {order.number[4:]}"
        which = (number, order.day, "午餐")
        who = (f"P{order.resident_id:06d}", f"{name[0]}*{name[-1]}")
        if line.corrects_id is not None:
            before = db.session.get_one(SettlementLine, line.corrects_id)
            assert (before.order_id, before.kind, before.amount_fen) == (
                line.order_id,
                line.kind,
                -line.amount_fen,
            )
            why = "封存以后撤回了核销"
            wanted["更正"].append((*which, *who, kinds[line.kind], rule.name_zh, line.amount_fen, why))
            continue
        at = db.session.scalars(select(Redemption).where(Redemption.order_id == order.id)).one()
        scanned = (at.window, f"{at.scanned_at.astimezone(ZONE):%Y-%m-%d %H:%M}")
        if line.kind == "meal":
            assert line.amount_fen == order.subsidy_fen
            sums = (order.price_fen, order.promotion_fen, line.amount_fen, order.pays_fen)
            how = {"slip": "扫小票", "delivery": "送到家"}[at.how]
            wanted["明细"].append(
                (*which, main_dish(order), *who, rule.name_zh, rule.tier, *sums, *scanned, how, None)
            )
        elif line.kind == "delivery":
            wanted["送餐"].append((*which, *who, rule.name_zh, line.amount_fen, *scanned))
        else:
            wanted["运营"].append((*which, *who, rule.name_zh, line.amount_fen))
    assert {title: len(rows) for title, rows in wanted.items()} == {
        "明细": 3,
        "送餐": 1,
        "运营": 3,
        "更正": 5,
    }
    table = sheets(month)
    found = {title: [plain(row) for row in table[title][1:]] for title in wanted}
    assert {title: sorted(rows, key=str) for title, rows in found.items()} == {
        title: sorted(rows, key=str) for title, rows in wanted.items()
    }
    in_all = sum(whole(line[place]) for title, place in SUMS.items() for line in found[title])
    *parts, total = (fen(row[5]) for row in table["汇总"] if isinstance(row[5], int | float))
    assert total == sum(parts) == in_all == (500 + 1300 + 1300 + 200 + 600) - 2600
    assert table["核对"][0][0] == "用餐、送餐、运营，和核销、账本一分不差。"


SUMS = {"明细": 10, "送餐": 6, "运营": 6, "更正": 7}
"""Sheet → the column of what is claimed."""


def main_dish(order: MealOrder) -> str:
    """As the order keeps it."""
    return next(line.name_zh for line in order.lines if line.position == 0)


def plain(row: tuple[Any, ...]) -> tuple[object, ...]:
    """Cells as the database has them: days, and money in fen."""
    return tuple(
        cell.date() if isinstance(cell, datetime) else fen(cell) if isinstance(cell, int | float) else cell
        for cell in row
    )


def whole(cell: object) -> int:
    """A cell that must hold fen."""
    assert isinstance(cell, int)
    return cell


def fen(value: object) -> int:
    return int((Decimal(str(value)) * 100).to_integral_value())


# --- the pages ------------------------------------------------------------------------------------------------------


def desk(app: Flask, email: str) -> FlaskClient:
    client = app.test_client()
    page = client.get("/staff/sign-in")
    send(client, page, "/staff/sign-in", "form[method=post]", email=email, password=PASSWORD)
    return client


def first_sum(page: str) -> str:
    shown = BeautifulSoup(page, "html.parser").select_one(".figures dd")
    return shown.text if shown else ""


@pytest.mark.usefixtures("after_lunch")
@pytest.mark.parametrize("language", ["zh_Hans", "zh_Hant", "en"])
def test_people_read_what_a_rule_is_called_and_not_its_code(
    app: Flask, cast: Cast, clock: Clock, language: str
) -> None:
    with app.app_context(), force_locale(language):
        names = {code: pick(zh, en) for code, (zh, en) in RULE_NAMES.items()}
    clock.set("2026-12-01 09:00")
    tang = desk(app, cast.accountant)
    send(tang, tang.get(f"{PAGE}/2026-11"), "/staff/language", lang=language)
    page = BeautifulSoup(tang.get(f"{PAGE}/2026-11").text, "html.parser")
    assert [str(row.select("td")[1].contents[0]).strip() for row in page.select("tbody tr")] == [
        names[code] for code in ("meal-70-99", "meal-centenarian", "meal-priority", "delivery", "operating")
    ]
    opened = tang.get(str(page.select("tbody a")[0]["href"]))
    book = openpyxl.load_workbook(io.BytesIO(tang.get(f"{PAGE}/2026-11/pack").data))
    cells = {cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row}
    assert names["meal-70-99"] in str(BeautifulSoup(opened.text, "html.parser").select_one(".lead"))
    assert cells >= set(names.values())
    for said in (page.get_text(), BeautifulSoup(opened.text, "html.parser").get_text(), str(cells)):
        assert "meal-" not in said


@pytest.mark.usefixtures("after_lunch")
def test_every_number_of_the_page_opens_its_rows(app: Flask, cast: Cast, clock: Clock) -> None:
    clock.set("2026-12-01 09:00")
    tang = desk(app, cast.accountant)
    answer = tang.get(PAGE, follow_redirects=True)
    assert first_sum(answer.text) == "¥43.00"
    rows = BeautifulSoup(answer.text, "html.parser").select("tbody tr")
    assert len(rows) == 5
    for row in rows:
        many, total = row.select("a")
        opened = tang.get(str(total["href"])).text
        assert first_sum(opened) == total.text
        assert len(BeautifulSoup(opened, "html.parser").select("tbody tr")) == int(many.text)
        assert "陈秀英" not in opened
    sealed = send(tang, answer, f"{PAGE}/2026-11/seal")
    assert sealed.status_code == 303
    page = tang.get(sealed.location)
    assert "已封存" in page.text
    for wrong in ("43.01", "0"):
        again = tang.get(f"{PAGE}/2026-11")
        assert send(tang, again, f"{PAGE}/2026-11/paid", sum=wrong, on="2026-12-01").status_code == 422
    for part in ("25.00", "15.00"):
        send(tang, tang.get(f"{PAGE}/2026-11"), f"{PAGE}/2026-11/paid", sum=part, on="2026-12-01")
    page = tang.get(f"{PAGE}/2026-11")
    assert "部分拨付" in page.text
    assert "又到账一笔" in page.text
    shown = figures(page.text)
    assert {name: total for name, (total, _url) in shown.items()} == {
        "申领合计": "¥43.00",
        "已拨付": "¥40.00",
        "少付": "¥3.00",
        "账本上政府还没拨的，到今天": "¥3.00",
    }
    behind = {name: tang.get(url.partition("#")[0]) for name, (_total, url) in shown.items()}
    assert {name: answer.status_code for name, answer in behind.items()} == dict.fromkeys(shown, 200)
    sums = [
        cell.text for cell in BeautifulSoup(behind["已拨付"].text, "html.parser").select("#payments .sum")
    ]
    assert sums == ["¥25.00", "¥15.00"]
    assert "还少 ¥3.00，还没有记下是哪几行没有认。" in behind["少付"].text
    owed = BeautifulSoup(behind["账本上政府还没拨的，到今天"].text, "html.parser")
    assert [cell.text for cell in owed.select("tbody td")] == ["2026年11月", "¥43.00", "¥40.00", "¥3.00"]
    assert [tang.get(str(link["href"]).partition("#")[0]).status_code for link in owed.select("tbody a")] == [
        200
    ] * 4
    pack = tang.get(f"{PAGE}/2026-11/pack")
    assert pack.data[:2] == b"PK"
    assert pack.headers["Cache-Control"] == "no-store"


def figures(page: str) -> dict[str, tuple[str, str]]:
    """Name → sum and where it leads, of the figures that lead somewhere."""
    boxes = BeautifulSoup(page, "html.parser").select(".figures > div")
    return {
        link.text: (box.dd.text, str(link["href"])) for box in boxes if box.dd for link in box.select("a")
    }


@pytest.mark.usefixtures("after_lunch")
def test_what_is_handed_out_in_a_month_that_is_not_sealed_opens_its_rows(
    app: Flask, cast: Cast, clock: Clock
) -> None:
    clock.set("2026-11-27 09:00")
    tang = desk(app, cast.accountant)
    owed = BeautifulSoup(tang.get(f"{PAGE}/owed").text, "html.parser")
    (link,) = owed.select("tbody a")
    assert (first_sum(str(owed)), link.text) == ("¥35.00", "¥35.00")
    assert first_sum(tang.get(str(link["href"])).text) == "¥35.00"
    assert "还没有封过哪个月" in str(owed)


@pytest.mark.usefixtures("after_lunch")
def test_the_accountant_ticks_what_was_not_paid_and_takes_a_wrong_payment_back(
    app: Flask, cast: Cast, clock: Clock
) -> None:
    clock.set("2026-12-01 09:00")
    tang, month = desk(app, cast.accountant), f"{PAGE}/2026-11"
    assert "没有认" not in tang.get(f"{month}/rows").text, "a draft is refused by nobody"
    send(tang, tang.get(month), f"{month}/seal")
    send(tang, tang.get(month), f"{month}/paid", sum="38.00", on="2026-12-01")
    rows = tang.get(f"{month}/rows?kind=meal&rule=meal-70-99&pick=fresh")
    (box,) = BeautifulSoup(rows.text, "html.parser").select("input[name=line]")
    refused = send(tang, rows, f"{month}/refuse", line=str(box["value"]), reason="不在名单上")
    page = tang.get(refused.location)
    assert "少的 ¥5.00，正好是没有认的这几行。" in page.text
    cells = [cell.text for cell in BeautifulSoup(page.text, "html.parser").select("#short tbody td")]
    assert cells[0] == f"P{cast.chen:06d}"
    assert cells[4:6] == ["¥5.00", "不在名单上"]
    assert "陈" not in page.text.split('id="short"')[1].split("</section>")[0]
    rows = tang.get(f"{month}/rows")
    assert "没有认</span></a>" in rows.text
    assert str(box["value"]) not in {
        str(one["value"]) for one in BeautifulSoup(rows.text, "html.parser").select("input[name=line]")
    }
    with app.app_context():
        with unit_of_work():  # in demo mode the demo's people need no code on a phone
            db.session.execute(update(Staff).where(Staff.email == cast.manager).values(is_demo=True))
        db.session.remove()
    xu = desk(app, cast.manager)
    looked = xu.get(f"{month}/paid").text
    assert "不在名单上" in looked
    assert "/back" not in looked
    assert 'name="line"' not in xu.get(f"{month}/rows").text
    back = send(tang, page, "", "form[action*='/refused/']")
    page = tang.get(back.location)
    assert "还少 ¥5.00，还没有记下是哪几行没有认。" in page.text
    back = send(tang, page, "", "form[action*='/paid/']", reason="看错了行")
    page = tang.get(back.location)
    assert "看错了行" in page.text
    assert "已封存" in page.text
    send(tang, page, f"{month}/paid", sum="43.00", on="2026-12-01")
    page = tang.get(f"{month}/paid")
    assert "申领的都到账了。" in page.text
    assert 'name="sum"' not in page.text
    assert 'name="line"' not in tang.get(f"{month}/rows").text


@pytest.mark.usefixtures("after_lunch")
def test_nobody_else_looks_into_the_books(app: Flask, cast: Cast, clock: Clock) -> None:
    clock.set("2026-12-01 09:00")
    for email, look in ((cast.accountant, 200), (cast.wu, 404), (cast.kitchen, 404), (cast.luo, 404)):
        client = desk(app, email)
        page = client.get(f"{PAGE}/2026-11")
        assert page.status_code == look
        assert (f"{PAGE}/2026-11/seal" in page.text) == (look == 200)
        assert client.get(f"{PAGE}/2026-11/pack").status_code == look


@pytest.mark.usefixtures("after_lunch")
def test_the_day_report_says_what_became_of_each_portion(app: Flask, cast: Cast) -> None:
    wu = desk(app, cast.wu)
    page = wu.get("/staff/c/shuibei/canteen/report?day=2026-11-24")
    shown = BeautifulSoup(page.text, "html.parser")
    total = [cell.text for cell in shown.select("tfoot td")]
    assert total == ["5", "4", "0", "1", "0", "0", "5", "1"]
    for link in shown.select("tfoot a"):
        opened = wu.get(str(link["href"])).text
        assert len(BeautifulSoup(opened, "html.parser").select("tbody tr")) == int(link.text)
    money = {link.text: str(link["href"]) for link in shown.select("a[href*='money=']")}
    assert set(money) == {"¥25.00", "¥35.00"}
    opened = wu.get(money["¥25.00"]).text
    assert "¥10.00" in opened
    assert "¥15.00" in opened
    cook = desk(app, cast.kitchen)
    assert "money=" not in cook.get("/staff/c/shuibei/canteen/report?day=2026-11-24").text
    assert cook.get(money["¥25.00"]).status_code == 404


@pytest.mark.usefixtures("after_lunch")
def test_what_keeps_a_month_open_leads_to_it_whoever_may_look_there(
    app: Flask, cast: Cast, clock: Clock
) -> None:
    """Scans that nobody has looked at: who also serves at the desk is led to them, others back to the books."""
    with app.app_context():
        with unit_of_work():
            staff = db.session.scalars(select(Staff.id).order_by(Staff.id)).first() or 0
            at = moment("2026-11-24 11:50")
            review.keep_odd(staff, cast.shuibei, "1号窗", "odd-00009", "没有这个号", number="2", at=at, fen=0)
        db.session.remove()
    clock.set("2026-12-01 09:00")
    tang = desk(app, cast.accountant)
    refused = send(tang, tang.get(f"{PAGE}/2026-11"), f"{PAGE}/2026-11/seal")
    assert refused.status_code == 422
    assert "还有 1 次扫码没有核对" in refused.text
    assert ways(refused) == ["回到结算"]
    with app.app_context():
        with unit_of_work():
            person = db.session.scalars(select(Staff).where(Staff.email == cast.accountant)).one()
            db.session.add(Grant(staff_id=person.id, role="front_desk", unit_id=cast.shuibei))
        db.session.remove()
    refused = send(tang, tang.get(f"{PAGE}/2026-11"), f"{PAGE}/2026-11/seal")
    assert ways(refused) == ["去核对", "回到结算"]
