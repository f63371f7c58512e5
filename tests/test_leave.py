"""Somebody moves away or dies: what is to come ends, the money waits for the family, nobody writes any more."""

from datetime import date

import pytest
from sqlalchemy import select

from booking.models import Claim
from canteen.models import DietProfile, MealOrder, Offer, StandingOrder, SubsidyClaim
from canteen.services import ledger
from canteen.services.close import close_menu
from canteen.services.diet import set_profile
from canteen.services.order import Wish, place
from canteen.services.standing import start
from core.approvals import Approval, decide
from core.audit import CLOCK, OPERATOR, Actor
from core.database import db, unit_of_work
from core.events import deliver_due
from core.outbox import Message
from kiosk.models import Visit
from kiosk.services import confirm_phone
from people.models import CallTask, Card, Commitment, Consent, FamilyLink, Resident, Staff
from people.services.calls import put_call
from people.services.cards import link_card, resident_of_code
from people.services.leave import leave
from people.services.residents import consents, give_consent
from tests.support.clock import Clock
from tests.support.hall import Hall, refusal
from tests.support.house import House
from tests.support.meals import Meals

TUESDAY, WEDNESDAY = date(2026, 11, 24), date(2026, 11, 25)


@pytest.fixture
def staff(meals: Meals) -> int:
    return int(db.session.scalars(select(Staff.id).where(Staff.email == meals.cast.wu)).one())


def state_of(person: int) -> str:
    return str(db.session.scalar(select(Resident.lifecycle).where(Resident.id == person)))


def furnish(meals: Meals, staff: int, clock: Clock) -> int:
    """A full life: ¥90 on the account, two meals, a standing order, a seat, a diet, family, cards. Returns the menu."""
    cast, actor = meals.cast, Actor("staff", staff)
    menu = meals.lunch(TUESDAY)
    meals.lunch(WEDNESDAY)
    give_consent(OPERATOR, cast.chen, {"diet", "messages"}, "desk")
    set_profile(actor, cast.chen, allergens=["peanut"], labels=[], texture="soft")
    ledger.top_up(staff, cast.shuibei, cast.chen, 9000)
    meals.order(cast.chen, TUESDAY, gateway="account")
    meals.order(cast.chen, WEDNESDAY)
    start(actor, cast.chen, cast.shuibei, "lunch", [0, 1, 2, 3, 4], gateway_name="account")
    link_card(actor, cast.chen, "SZ0099887766")
    with unit_of_work():
        link = FamilyLink(elder_id=cast.chen, proxy_id=cast.aqiang, state="active", asked_at=clock())
        db.session.add(link)
        put_call("care-1", "care", cast.shuibei, cast.chen, "请问问是否平安", clock())
    Hall(cast, clock).book(cast.chen, "A3")
    return menu


def test_a_resident_who_dies_with_a_balance_and_a_standing_order(
    meals: Meals, staff: int, clock: Clock
) -> None:
    cast = meals.cast
    menu = furnish(meals, staff, clock)
    leave(Actor("staff", staff), cast.chen, "deceased")

    assert state_of(cast.chen) == "deceased"
    assert set(db.session.scalars(select(MealOrder.state))) == {"cancelled"}
    assert set(db.session.scalars(select(SubsidyClaim.state))) == {"released"}
    assert set(db.session.scalars(select(Offer.taken))) == {0}
    standing = db.session.scalars(select(StandingOrder)).one()
    assert (standing.state, standing.ended_why) == ("ended", "deceased")
    assert ledger.balance(cast.chen) == 9000, "what was held for meals is back"
    assert db.session.scalars(select(DietProfile)).all() == []
    assert db.session.scalars(select(Claim)).all() == []
    assert db.session.scalars(select(Commitment)).all() == []
    assert set(db.session.scalars(select(Card.revoked_why).where(Card.resident_id == cast.chen))) == {
        "deceased"
    }
    assert db.session.scalars(select(FamilyLink.state)).all() == ["ended"]
    assert db.session.scalars(select(CallTask.state)).all() == ["closed"]
    assert consents(cast.chen) == {"profile"}
    assert refusal(lambda: resident_of_code(cast.chen_code)) == "card_revoked"

    clock.set("2026-11-23 16:00")
    close_menu(CLOCK, menu)
    assert db.session.scalars(select(MealOrder).where(MealOrder.state == "ordered")).all() == []
    before = len(db.session.scalars(select(Message).where(Message.sent_at.is_(None))).all())
    deliver_due()
    assert len(db.session.scalars(select(Message).where(Message.channel != "log")).all()) == before
    assert refusal(lambda: meals.order(cast.chen, WEDNESDAY)) == "not_active"
    assert ledger.wrong_sums() == []


def test_what_was_on_the_account_goes_to_the_family_by_two_people(
    meals: Meals, staff: int, clock: Clock
) -> None:
    cast = meals.cast
    furnish(meals, staff, clock)
    leave(Actor("staff", staff), cast.chen, "deceased")
    assert refusal(lambda: ledger.top_up(staff, cast.shuibei, cast.chen, 1000)) == "not_active"
    asked = ledger.refund(staff, cast.shuibei, cast.chen, 9000, reason="退给儿子陈志强，已看证明")
    assert isinstance(asked, Approval)
    assert ledger.balance(cast.chen) == 9000
    decide(asked.id, staff + 1, True)
    assert ledger.balance(cast.chen) == 0
    deliver_due()
    assert [
        call.kind for call in db.session.scalars(select(CallTask).where(CallTask.kind == "message"))
    ] == []


def test_again_it_changes_nothing_and_who_moved_away_may_die(meals: Meals, staff: int, clock: Clock) -> None:
    actor, chen = Actor("staff", staff), meals.cast.chen
    for why in ("moved_away", "moved_away", "deceased"):
        leave(actor, chen, why)
        assert state_of(chen) == why
    assert refusal(lambda: leave(actor, chen, "moved_away")) == "not_active"
    assert refusal(lambda: leave(actor, meals.cast.aqiang, "lost")) == "why_odd"


def test_phones_and_screens_forget_them(meals: Meals, staff: int, clock: Clock) -> None:
    hall = Hall(meals.cast, clock)
    visit = hall.visit(meals.cast.chen)
    confirm_phone(meals.cast.chen)
    leave(Actor("staff", staff), meals.cast.chen, "moved_away")
    assert db.session.scalars(select(Visit.ended_at).where(Visit.id == visit.id)).one() is not None


def test_who_only_ordered_for_others_leaves_those_their_meals(meals: Meals, staff: int, clock: Clock) -> None:
    cast = meals.cast
    meals.lunch(TUESDAY)
    with unit_of_work():
        db.session.add(FamilyLink(elder_id=cast.chen, proxy_id=cast.aqiang, state="active", asked_at=clock()))
    who = Actor("resident", cast.aqiang)
    place(who, meals.offer(TUESDAY), cast.chen, Wish(), channel="family", proxy_id=cast.aqiang)
    leave(Actor("staff", staff), cast.aqiang, "moved_away")
    assert db.session.scalars(select(MealOrder.state)).all() == ["ordered"]
    assert db.session.scalars(select(Consent.kind).where(Consent.resident_id == cast.chen)).all() == [
        "profile"
    ]


def test_the_desk_is_shown_what_ends_and_what_is_left_to_do(house: House) -> None:
    front, path = house.client("front"), f"/staff/c/shuibei/people/{house.cast.chen}/leave"
    assert "C-00003026" in front.get(path).text
    assert house.post(front, path, {"why": "deceased"}).status_code == 422, "not looked at"
    assert house.post(front, path, {"why": "deceased", "sure": "1"}).status_code == 303
    assert "要退给家人" in front.get(path).text
    person = front.get(f"/staff/c/shuibei/people/{house.cast.chen}").text
    assert "已故" in person
    assert "登记了两次" not in person
