"""Two records are one person: nothing of either is lost, the stricter word holds, and the sums still add up."""

from datetime import date

import pytest
from sqlalchemy import select

from booking.models import Booking
from canteen.models import (
    Account,
    ClaimCorrection,
    DietProfile,
    MealOrder,
    Redemption,
    StandingOrder,
    StandingSkip,
    SubsidyClaim,
    Transfer,
)
from canteen.services import corrections, ledger
from canteen.services.diet import set_profile
from canteen.services.give_back import cancel
from canteen.services.order import Wish, place
from canteen.services.serve import Scan, redeem
from canteen.services.standing import skip, start
from core.approvals import decide
from core.audit import OPERATOR, Actor
from core.database import db, unit_of_work
from people.models import Card, Commitment, Consent, FamilyLink, Resident, ResidentStatus, Staff
from people.queries import find_residents
from people.services import family
from people.services.cards import issue_card, resident_of_code
from people.services.merge import ask_merge, merge, merged_names, sides
from people.services.residents import consents, give_consent, withdraw_consent
from tests.support.clock import Clock
from tests.support.hall import Hall, refusal, span
from tests.support.house import House
from tests.support.meals import Meals

TUESDAY, WEDNESDAY, THURSDAY = date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 26)


@pytest.fixture
def staff(meals: Meals) -> int:
    return int(db.session.scalars(select(Staff.id).where(Staff.email == meals.cast.wu)).one())


@pytest.fixture
def twin(meals: Meals) -> int:
    """陈奶奶 once more, as another centre wrote her down."""
    return meals.person("陈秀瑛", date(1948, 6, 12))


def sums() -> int:
    return sum(db.session.scalars(select(Account.balance_fen)))


def claims_of(person: int) -> list[tuple[date, int, str]]:
    rows = db.session.scalars(
        select(SubsidyClaim).where(SubsidyClaim.resident_id == person).order_by(SubsidyClaim.id)
    )
    return [(row.day, row.slot, row.state) for row in rows]


def test_two_people_decide_and_then_the_other_record_leads_here(meals: Meals, staff: int, twin: int) -> None:
    chen = meals.cast.chen
    asked = ask_merge(staff, meals.cast.shuibei, twin, chen, "同一位陈奶奶，身份证核对过")
    assert refusal(lambda: decide(asked.id, staff, True)) == "two_people"
    decide(asked.id, staff + 1, True)
    gone = db.session.get_one(Resident, twin, populate_existing=True)
    assert (gone.lifecycle, gone.merged_into_id, gone.pin_hash) == ("merged", chen, None)
    assert db.session.get_one(Resident, chen).pin_hash is not None
    assert merged_names(chen) == ["陈秀瑛"]
    assert [row.id for row in find_residents("陈秀瑛", [meals.cast.district])] == [chen], (
        "found by the old name"
    )
    assert refusal(lambda: merge(Actor("staff", staff), twin, chen)) == "not_active"


def test_what_cannot_be_one_person_is_refused(meals: Meals, staff: int, twin: int) -> None:
    deed = ask_merge
    assert refusal(lambda: deed(staff, meals.cast.shuibei, twin, twin, "x")) == "merge_same"
    assert refusal(lambda: deed(staff, meals.cast.shuibei, twin, 99999, "x")) == "not_found"
    gone = meals.person("老王", date(1940, 1, 1), lifecycle="deceased")
    assert refusal(lambda: deed(staff, meals.cast.shuibei, gone, twin, "x")) == "not_active"


def test_cards_of_both_go_on_working_for_the_one_that_stays(meals: Meals, staff: int, twin: int) -> None:
    _card, code = issue_card(OPERATOR, twin)
    merge(Actor("staff", staff), twin, meals.cast.chen)
    assert resident_of_code(code).id == meals.cast.chen == resident_of_code(meals.cast.chen_code).id
    assert db.session.scalars(select(Card.revoked_at)).all() == [None, None]


def test_the_stricter_word_holds(meals: Meals, staff: int, twin: int) -> None:
    chen, actor = meals.cast.chen, Actor("staff", staff)
    give_consent(OPERATOR, twin, {"profile", "messages", "settings"}, "desk")
    give_consent(OPERATOR, chen, {"settings", "family"}, "desk")
    withdraw_consent(OPERATOR, twin, "settings")
    merge(actor, twin, chen)
    assert consents(chen) == {"profile", "messages", "family"}, "taken back on one record is taken back"
    assert consents(twin) == set()
    kept = db.session.scalars(
        select(Consent).where(Consent.resident_id == chen, Consent.kind == "messages")
    ).one()
    assert kept.given_where == "desk"


def test_family_links_are_asked_again_and_none_leads_to_oneself(
    meals: Meals, staff: int, twin: int, clock: Clock
) -> None:
    cast = meals.cast
    with unit_of_work():
        for elder, proxy, sees in (
            (cast.chen, cast.aqiang, True),
            (twin, cast.aqiang, False),
            (twin, cast.chen, True),
            (cast.wheel, twin, True),
        ):
            db.session.add(
                FamilyLink(
                    elder_id=elder, proxy_id=proxy, state="active", sees_collected=sees, asked_at=clock()
                )
            )
    merge(Actor("staff", staff), twin, cast.chen)
    live = db.session.scalars(
        select(FamilyLink).where(FamilyLink.state != "ended").order_by(FamilyLink.id)
    ).all()
    assert [(row.elder_id, row.proxy_id, row.state, row.sees_collected) for row in live] == [
        (cast.chen, cast.aqiang, "active", False),
        (cast.wheel, cast.chen, "asked", False),
    ]
    assert family.elders_of(cast.chen) == {}, "the elder agreed to another record"


@pytest.mark.parametrize("ordered", ["twin", "chen", "wheel"])
def test_who_fetched_a_meal_is_the_one_that_stays_and_nobody_fetched_their_own_for_another(
    meals: Meals, staff: int, twin: int, clock: Clock, ordered: str
) -> None:
    meals.lunch(TUESDAY)
    chen = meals.cast.chen
    eats = {"twin": twin, "chen": chen, "wheel": meals.cast.wheel}[ordered]
    order = meals.order(eats, TUESDAY)
    clock.set("2026-11-24 11:40")
    by = chen if ordered == "twin" else twin
    redeem(staff, meals.cast.shuibei, order.id, Scan("1号窗", "scan-0001", cash=True, by=by))
    merge(Actor("staff", staff), twin, chen)
    fetched = db.session.scalars(select(Redemption.fetched_by_id)).one()
    assert fetched == (chen if ordered == "wheel" else None)


def test_what_one_record_ordered_and_left_out_for_the_other_they_said_themselves(
    meals: Meals, staff: int, twin: int
) -> None:
    meals.lunch(TUESDAY)
    chen, actor = meals.cast.chen, Actor("resident", twin)
    family.agree(OPERATOR, chen, family.ask(actor, twin, chen).id, sees_collected=False)
    row = start(OPERATOR, chen, meals.cast.shuibei, "lunch", [0, 1, 2, 3, 4])
    skip(actor, row.id, THURSDAY, proxy_id=twin)
    place(actor, meals.offer(TUESDAY), chen, Wish(), channel="family", proxy_id=twin)
    merge(Actor("staff", staff), twin, chen)
    assert db.session.scalars(select(MealOrder.proxy_id)).all() == [None]
    assert db.session.scalars(select(StandingSkip.proxy_id)).all() == [None]


def test_family_links_end_with_the_consent_that_the_other_record_took_back(
    meals: Meals, staff: int, twin: int
) -> None:
    chen, son = meals.cast.chen, meals.cast.aqiang
    family.agree(OPERATOR, chen, family.ask(OPERATOR, son, chen).id, sees_collected=True)
    give_consent(OPERATOR, twin, {"family"}, "desk")
    withdraw_consent(OPERATOR, twin, "family")
    merge(Actor("staff", staff), twin, chen)
    assert "family" not in consents(chen)
    assert family.elders_of(son) == {}


def test_statuses_of_both_are_true_and_do_not_overlap(meals: Meals, staff: int, twin: int) -> None:
    rows = (
        (meals.cast.chen, "dibao", date(2026, 1, 1), date(2026, 7, 1)),
        (twin, "dibao", date(2026, 5, 1), None),
        (twin, "tekun", date(2025, 1, 1), date(2025, 7, 1)),
    )
    with unit_of_work():
        for person, kind, starts, ends in rows:
            db.session.add(ResidentStatus(resident_id=person, kind=kind, starts_on=starts, ends_on=ends))
    merge(Actor("staff", staff), twin, meals.cast.chen)
    found = db.session.scalars(select(ResidentStatus).order_by(ResidentStatus.kind)).all()
    assert [(row.resident_id, row.kind, row.starts_on, row.ends_on) for row in found] == [
        (meals.cast.chen, "dibao", date(2026, 1, 1), None),
        (meals.cast.chen, "tekun", date(2025, 1, 1), date(2025, 7, 1)),
    ]


def test_times_that_overlap_stay_side_by_side_with_a_mark(
    meals: Meals, staff: int, twin: int, clock: Clock
) -> None:
    hall = Hall(meals.cast, clock)
    hall.book(meals.cast.chen, "A1", span("09:00", "11:00"))
    hall.book(twin, "A2", span("10:00", "12:00"))
    hall.book(twin, "A4", span("13:00", "14:00"))
    merge(Actor("staff", staff), twin, meals.cast.chen)
    assert set(db.session.scalars(select(Booking.resident_id))) == {meals.cast.chen}
    rows = db.session.scalars(select(Commitment).order_by(Commitment.starts_at)).all()
    assert {row.resident_id for row in rows} == {meals.cast.chen}
    assert [row.overlap_reason for row in rows] == [None, "merged", None]


def test_one_standing_order_stays_and_the_diet_is_what_neither_may_eat(
    meals: Meals, staff: int, twin: int
) -> None:
    chen, actor = meals.cast.chen, Actor("staff", staff)
    for person in (chen, twin):
        give_consent(OPERATOR, person, {"diet"}, "desk")
    set_profile(actor, chen, allergens=["peanut"], labels=["low_salt"], texture="regular", avoid="不吃香菜")
    set_profile(actor, twin, allergens=["fish"], labels=["low_salt"], texture="minced", avoid="假牙")
    start(actor, chen, meals.cast.shuibei, "lunch", [0, 2])
    start(actor, twin, meals.cast.shuibei, "lunch", [1])
    start(actor, twin, meals.cast.sungang, "lunch", [3])
    merge(actor, twin, chen)
    diet = db.session.scalars(select(DietProfile)).one()
    assert (diet.resident_id, diet.allergens, diet.labels) == (chen, ["fish", "peanut"], ["low_salt"])
    assert (diet.texture, diet.avoid) == ("minced", "不吃香菜；假牙")
    live = db.session.scalars(select(StandingOrder).where(StandingOrder.state == "active")).all()
    assert sorted((row.canteen_id, tuple(row.weekdays)) for row in live) == [
        (meals.cast.shuibei, (0, 2)),
        (meals.cast.sungang, (3,)),
    ]
    assert set(db.session.scalars(select(StandingOrder.resident_id))) == {chen}


def test_a_diet_that_was_taken_back_is_not_kept(meals: Meals, staff: int, twin: int) -> None:
    chen, actor = meals.cast.chen, Actor("staff", staff)
    for person in (chen, twin):
        give_consent(OPERATOR, person, {"diet"}, "desk")
    set_profile(actor, chen, allergens=["peanut"], labels=[], texture="regular")
    withdraw_consent(OPERATOR, twin, "diet")
    merge(actor, twin, chen)
    assert db.session.scalars(select(DietProfile)).all() == []


def test_the_money_moves_by_one_transfer_and_comes_back_to_the_right_person(
    meals: Meals, staff: int, twin: int
) -> None:
    chen, centre, actor = meals.cast.chen, meals.cast.shuibei, Actor("staff", staff)
    meals.lunch(TUESDAY)
    ledger.top_up(staff, centre, chen, 3000)
    ledger.top_up(staff, meals.cast.sungang, twin, 4500)
    order = meals.order(twin, TUESDAY, gateway="account")
    assert ledger.balance(twin) == 3500
    merge(actor, twin, chen)
    assert (ledger.balance(chen), ledger.balance(twin)) == (6500, 0)
    moved = db.session.scalars(select(Transfer).where(Transfer.kind == "merge")).one()
    assert moved.amount_fen == 3500
    cancel(Actor("resident", chen), order.id)
    assert ledger.balance(chen) == 7500
    assert sums() == 0
    assert ledger.wrong_sums() == []


def test_an_account_that_is_being_looked_at_is_not_merged(
    meals: Meals, staff: int, twin: int, clock: Clock
) -> None:
    ledger.top_up(staff, meals.cast.shuibei, twin, 4500)
    with unit_of_work():
        db.session.scalars(select(Account).where(Account.resident_id == twin)).one().blocked_at = clock()
    assert refusal(lambda: merge(Actor("staff", staff), twin, meals.cast.chen)) == "account_blocked"
    assert db.session.get_one(Resident, twin, populate_existing=True).lifecycle == "active"


def test_a_right_that_both_used_is_used_once_and_the_other_order_is_listed(
    meals: Meals, staff: int, twin: int
) -> None:
    chen, centre = meals.cast.chen, meals.cast.shuibei
    for day in (TUESDAY, WEDNESDAY):
        meals.lunch(day)
    meals.order(chen, TUESDAY)
    other = meals.order(twin, TUESDAY, "L2")
    meals.order(twin, WEDNESDAY)
    merge(Actor("staff", staff), twin, chen)
    assert claims_of(twin) == []
    assert sorted(claims_of(chen)) == [
        (TUESDAY, 1, "released"),
        (TUESDAY, 1, "reserved"),
        (WEDNESDAY, 2, "reserved"),
    ]
    (row,) = corrections.open_ones(centre)
    assert (row.order_id, row.kind, row.amount_fen) == (other.id, "same_meal", 500)
    corrections.settle(staff, centre, row.id, "补收了 5 元")
    assert corrections.open_ones(centre) == []
    assert refusal(lambda: corrections.settle(staff, meals.cast.sungang, row.id, "x")) == "not_found"


def test_a_meal_that_was_handed_out_keeps_the_right_before_one_that_was_not(
    meals: Meals, staff: int, twin: int, clock: Clock
) -> None:
    chen, centre = meals.cast.chen, meals.cast.shuibei
    meals.lunch(TUESDAY)
    mine, hers = meals.order(chen, TUESDAY), meals.order(twin, TUESDAY)
    clock.set("2026-11-24 11:40")
    assert redeem(staff, centre, hers.id, Scan("1号窗", "scan-0001", cash=True)).kind == "ok"
    merge(Actor("staff", staff), twin, chen)
    states = dict(db.session.execute(select(SubsidyClaim.order_id, SubsidyClaim.state)).all())
    assert states == {mine.id: "released", hers.id: "claimed"}
    assert [row.order_id for row in corrections.open_ones(centre)] == [mine.id]
    assert redeem(staff, centre, mine.id, Scan("1号窗", "scan-0002", cash=True)).kind == "ok"
    subsidy = ledger.centre_account(centre, "subsidy")
    assert db.session.get_one(Account, subsidy, populate_existing=True).balance_fen == -500, "claimed once"
    assert sums() == 0


def test_two_meals_handed_out_twice_are_claimed_once_in_the_books(
    meals: Meals, staff: int, twin: int, clock: Clock
) -> None:
    chen, centre = meals.cast.chen, meals.cast.shuibei
    meals.lunch(TUESDAY)
    mine, hers = meals.order(chen, TUESDAY), meals.order(twin, TUESDAY)
    clock.set("2026-11-24 11:40")
    for order in (mine, hers):
        assert redeem(staff, centre, order.id, Scan("1号窗", f"scan-{order.id:04d}", cash=True)).kind == "ok"
    merge(Actor("staff", staff), twin, chen)
    subsidy = ledger.centre_account(centre, "subsidy")
    assert db.session.get_one(Account, subsidy, populate_existing=True).balance_fen == -500
    assert [row.order_id for row in corrections.open_ones(centre)] == [hers.id]
    assert sums() == 0
    assert ledger.wrong_sums() == []


def test_more_than_the_weeks_rights_are_kept_and_listed(
    meals: Meals, staff: int, twin: int, clock: Clock
) -> None:
    chen = meals.cast.chen
    days = [date(2026, 11, day) for day in (24, 25, 26, 27)]
    for day in days:
        meals.lunch(day)
        meals.order(chen, day)
    with unit_of_work():  # the week's fifth and sixth, at suppers that a district helps with too
        for n, day in enumerate(days[:2]):
            order = meals.order(meals.cast.wheel, day, "L2")
            db.session.add(
                SubsidyClaim(
                    resident_id=twin,
                    order_id=order.id,
                    rule_id=db.session.scalars(select(SubsidyClaim.rule_id)).first() or 0,
                    day=day,
                    meal="dinner",
                    week=date(2026, 11, 23),
                    slot=n + 1,
                    amount_fen=500,
                    state="reserved",
                    at=clock(),
                )
            )
    merge(Actor("staff", staff), twin, chen)
    assert sorted(slot for _day, slot, _state in claims_of(chen)) == [1, 2, 3, 4, 5, 6]
    assert [row.kind for row in db.session.scalars(select(ClaimCorrection))] == ["week"]


def test_the_preview_shows_both_sides(meals: Meals, staff: int, twin: int) -> None:
    gone, stays = sides(twin, meals.cast.chen)
    assert (gone.person.name, stays.person.name) == ("陈秀瑛", "陈秀英")
    assert [card.number for card in stays.cards] == ["C-00003026"]
    assert gone.cards == []
    assert stays.consents == {"profile": True}


def test_orders_of_both_are_on_one_record(meals: Meals, staff: int, twin: int) -> None:
    for day in (TUESDAY, THURSDAY):
        meals.lunch(day)
    meals.order(meals.cast.chen, TUESDAY)
    meals.order(twin, THURSDAY)
    merge(Actor("staff", staff), twin, meals.cast.chen)
    assert set(db.session.scalars(select(MealOrder.resident_id))) == {meals.cast.chen}


def test_a_day_that_the_other_record_left_out_for_an_elder_is_said_by_the_one_that_stays(
    meals: Meals, staff: int, twin: int
) -> None:
    elder, actor = meals.cast.aqiang, Actor("resident", twin)
    family.agree(OPERATOR, elder, family.ask(actor, twin, elder).id, sees_collected=False)
    row = start(OPERATOR, elder, meals.cast.shuibei, "lunch", [1]).id
    skip(actor, row, TUESDAY, proxy_id=twin)
    merge(Actor("staff", staff), twin, meals.cast.chen)
    assert db.session.scalars(select(StandingSkip.proxy_id)).all() == [meals.cast.chen]


def test_a_manager_puts_two_records_side_by_side_and_asks(house: House) -> None:
    manager, cast = house.client("manager"), house.cast
    path = f"/staff/c/shuibei/settings/merge/{cast.couple[0]}"
    page = manager.get(f"{path}?with={cast.couple[1]}").text
    assert "欧阳海" in page
    assert "王丽" in page
    assert "会超过上限" not in page
    with house.app.app_context():
        till = db.session.scalars(select(Staff.id).where(Staff.email == cast.wu)).one()
        for person, fen in zip(cast.couple, (500_000, 1), strict=True):
            ledger.top_up(till, cast.shuibei, person, fen)
        db.session.remove()
    page = manager.get(f"{path}?with={cast.couple[1]}").text
    assert "会超过上限 ¥5000.00。钱都在，照样用；用到上限以下才能再充值。" in page
    said = {"with": str(cast.couple[1]), "stays": str(cast.couple[0]), "reason": "同一位"}
    assert house.post(manager, path, {**said, "stays": "99999"}).status_code == 404
    assert house.post(manager, path, said).location == "/staff/approvals"
    assert house.post(manager, path, said).status_code == 409, "asked already"
    assert "已经在等人批了" in manager.get(f"{path}?with={cast.couple[1]}").text
