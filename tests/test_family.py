"""An elder invites a relative: once, for some hours, for one person; and every way in which it does not work."""

from collections import Counter
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from canteen.models import MealOrder, StandingSkip
from canteen.services import ledger
from canteen.services.order import Wish, place
from canteen.services.standing import set_note, start
from core.audit import Actor, Audit
from core.codes import new_code
from core.crypto import keys
from core.database import db, unit_of_work
from core.errors import Refused
from people.models import Consent, FamilyInvitation, FamilyLink, Staff
from people.services import family
from people.services.invite import LENGTH, accept, by_code, by_number, invite, open_invitation, withdraw
from people.services.residents import CONSENT_VERSION, withdraw_consent
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.databases import SECRET_KEY
from tests.support.forms import Kiosk, fields_of, send
from tests.support.hall import ALL, apart, refusal
from tests.support.meals import Meals, two_lunches
from tests.support.pages import checked
from tests.support.race import together
from tests.test_canteen_pages import BASE, house, known_phone

ROUNDS, MANY = (50, 12) if ALL else (6, 12)


@pytest.fixture
def pages(app: Flask, cast: Cast) -> Meals:
    """The same for requests, as tests of pages have it; `meals` keeps a context open for services."""
    return two_lunches(app, cast)


def invited(meals: Meals, *, sees: bool = False) -> FamilyInvitation:
    chen = meals.cast.chen
    return invite(Actor("resident", chen), chen, sees_collected=sees, where="kiosk")


def taken_up(meals: Meals, row: FamilyInvitation, who: int | None = None) -> FamilyLink:
    proxy = who or meals.cast.aqiang
    return accept(Actor("resident", proxy), proxy, row.id)


# --- the verbs ------------------------------------------------------------------------------------------------------


def test_who_takes_it_up_may_order_and_the_words_version_is_kept(meals: Meals) -> None:
    row = invited(meals, sees=True)
    link = taken_up(meals, row)
    assert (link.state, link.sees_collected, link.invitation_id) == ("active", True, row.id)
    assert meals.cast.chen in family.elders_of(meals.cast.aqiang)
    assert db.session.scalars(select(Consent.version).where(Consent.kind == "family")).all() == [row.version]
    assert row.version == CONSENT_VERSION
    verbs = db.session.scalars(select(Audit.verb).where(Audit.verb.like("family.%")).order_by(Audit.id)).all()
    assert verbs == ["family.invited", "family.joined"]


def test_it_is_found_while_the_key_changes(meals: Meals) -> None:
    row = invited(meals)
    code, number = row.code, row.number
    db.session.remove()
    keys.use(["a new secret of the tests, long enough as well", SECRET_KEY])
    try:
        assert [getattr(found, "id", None) for found in (by_code(code), by_number(number))] == [row.id] * 2
    finally:
        db.session.remove()
        keys.use([SECRET_KEY])


def test_each_way_in_which_it_does_not_work_has_its_own_refusal(meals: Meals, clock: Clock) -> None:
    cast = meals.cast
    row = invited(meals)
    assert refusal(lambda: taken_up(meals, row, cast.chen)) == "invitation_own"
    taken_up(meals, row)
    assert refusal(lambda: taken_up(meals, row, cast.wheel)) == "invitation_used"
    again = invited(meals)
    assert refusal(lambda: taken_up(meals, again)) == "family_already"
    third = invited(meals)
    assert refusal(lambda: taken_up(meals, again, cast.wheel)) == "invitation_withdrawn"
    clock.set(clock() + LENGTH + timedelta(seconds=1))
    assert refusal(lambda: taken_up(meals, third, cast.wheel)) == "invitation_expired"
    assert open_invitation(cast.chen) is None
    assert refusal(lambda: accept(Actor("resident", cast.wheel), cast.wheel, 999)) == "not_found"


def test_asked_already_it_becomes_the_same_link(meals: Meals) -> None:
    asked = family.ask(Actor("resident", meals.cast.aqiang), meals.cast.aqiang, meals.cast.chen)
    assert taken_up(meals, invited(meals)).id == asked.id


def test_either_side_ends_it_and_the_elder_takes_an_open_one_back(meals: Meals) -> None:
    cast = meals.cast
    for side in (cast.chen, cast.aqiang):
        link = taken_up(meals, invited(meals))
        assert family.end(Actor("resident", side), side, link.id).state == "ended"
    row = invited(meals)
    for _again in range(2):
        withdraw(Actor("resident", cast.chen), cast.chen)
    assert refusal(lambda: taken_up(meals, row)) == "invitation_withdrawn"


def test_with_the_consent_goes_the_open_invitation(meals: Meals) -> None:
    row = invited(meals)
    withdraw_consent(Actor("resident", meals.cast.chen), meals.cast.chen, "family")
    assert refusal(lambda: taken_up(meals, row)) == "invitation_withdrawn"


def test_its_number_is_found_however_it_is_typed(meals: Meals) -> None:
    row = invited(meals)
    found = by_number(f" {row.number[:4].lower()} {row.number[4:]} ")
    assert found is not None
    assert found.id == row.id
    assert by_number("K7M2 4QXD") is None
    assert by_number(" ") is None


# --- many at once ---------------------------------------------------------------------------------------------------


def test_the_control_looking_first_and_joining_then_lets_several_in(app: Flask, meals: Meals) -> None:
    with db.engine.begin() as connection:
        connection.execute(text("CREATE TABLE naive_join (round integer NOT NULL)"))
    many = text("SELECT count(*) FROM naive_join WHERE round = :round")

    def join(number: int) -> bool:
        if db.session.execute(many, {"round": number}).scalar_one():
            return False
        with unit_of_work():
            db.session.execute(text("INSERT INTO naive_join VALUES (:round)"), {"round": number})
        return True

    worst = 0
    for number in range(50):
        results = together([apart(app, lambda number=number: join(number))] * MANY)  # type: ignore[misc]
        worst = max(worst, sum(one is True for one in results))
        if worst > 1:
            break
    assert worst > 1, "the harness is too gentle to prove anything"


def test_of_many_who_take_it_up_at_once_one_does(app: Flask, meals: Meals) -> None:
    crowd = [meals.person(f"街坊{n}", date(1980, 6, 1 + n)) for n in range(MANY)]
    for _round in range(ROUNDS):
        row_id = invited(meals).id
        deeds = [
            apart(app, lambda who=who, row=row_id: accept(Actor("resident", who), who, row).id)  # type: ignore[misc]
            for who in crowd
        ]
        results = together(deeds)
        strange = [one for one in results if isinstance(one, Exception) and not isinstance(one, Refused)]
        assert strange == []
        outcome = Counter(one.code if isinstance(one, Refused) else "joined" for one in results)
        assert outcome == {"joined": 1, "invitation_used": MANY - 1}
        db.session.rollback()
        link = db.session.scalars(select(FamilyLink).where(FamilyLink.invitation_id == row_id)).one()
        family.end(Actor("resident", meals.cast.chen), meals.cast.chen, link.id)


def test_the_database_lets_one_invitation_make_one_link(meals: Meals) -> None:
    row = invited(meals)
    link = taken_up(meals, row)
    with pytest.raises(IntegrityError), unit_of_work():
        db.session.add(
            FamilyLink(
                elder_id=meals.cast.chen,
                proxy_id=meals.cast.wheel,
                state="active",
                asked_at=link.asked_at,
                invitation_id=row.id,
            )
        )
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(FamilyLink)) == 1


# --- the pages ------------------------------------------------------------------------------------------------------


def test_from_the_kiosk_to_the_sons_phone(client: FlaskClient, pages: Meals, cast: Cast) -> None:
    kiosk = Kiosk(client, cast)
    mother = known_phone(client)
    page = mother.get(f"{BASE}/family/invite")
    assert "只能一位家人用" in page.text
    send(mother, page, "", form="form:has(input[name=see])")
    kiosk.page = mother.get(f"{BASE}/family/invite")
    code = kiosk.slip_code()
    with house(pages):
        number = db.session.scalars(select(FamilyInvitation)).one().number
    assert f"{number[:4]} {number[4:]}" in kiosk.page.text
    assert "这是您自己开的邀请" in mother.get(f"/q/{code}").text
    stranger = pages.app.test_client()
    asked = stranger.get(f"/q/{code}")
    assert (asked.status_code, "陈*英" in asked.text) == (403, False)
    son = known_phone(pages.app.test_client(), "13800001188")
    assert "这个码认不出" in son.get(f"/q/{code[:-1]}{'A' if code[-1] != 'A' else 'B'}").text
    assert "没有找到这个邀请" in son.get(f"/q/{new_code('F')}").text
    wrong = send(son, son.get(f"{BASE}/family/join"), f"{BASE}/family/join", number="K7M2 4QXD")
    assert (wrong.status_code, "没有找到这个邀请" in wrong.text) == (404, True)
    shown = son.get(
        send(son, son.get(f"{BASE}/family/join"), f"{BASE}/family/join", number=number.lower()).location
    )
    assert "陈*英请您帮着订餐" in shown.text
    assert "也看得到取了没有" in shown.text
    done = son.get(send(son, shown, "", form="form[action$='/accept']").location)
    assert "帮陈*英订餐" in done.text
    assert "这个邀请已经用过了" in known_phone(pages.app.test_client(), "13800001188").get(f"/q/{code}").text
    assert "帮您订餐，也看得到您取了没有" in mother.get(f"{BASE}/family/").text


def test_too_many_tries_are_paused(client: FlaskClient, pages: Meals) -> None:
    son = known_phone(client, "13800001188")
    page = son.get(f"{BASE}/family/join")
    answers = [
        send(son, son.get(f"{BASE}/family/join"), page.request.path, number="K7M2 4QXD") for _n in range(12)
    ]
    assert [one.status_code for one in answers[:9]] == [404] * 9
    assert answers[-1].status_code == 429
    mother = known_phone(client.application.test_client())
    for _n in range(7):
        answer = mother.get(f"{BASE}/family/invite")
        if "收回这个邀请" in answer.text:
            send(mother, answer, "", form=".danger-row form")
            answer = mother.get(f"{BASE}/family/invite")
        last = send(mother, answer, "", form="form:has(input[name=see])")
    assert last.status_code == 429


# --- paying from the elder's card -----------------------------------------------------------------------------------


def ordered_for(meals: Meals, day: date = date(2026, 11, 24)) -> MealOrder:
    """The son orders his mother's lunch and wants it paid from her card; whatever a page would have offered."""
    cast = meals.cast
    return place(
        Actor("resident", cast.aqiang),
        meals.offer(day),
        cast.chen,
        Wish("account"),
        channel="family",
        proxy_id=cast.aqiang,
    )


def test_a_relative_pays_from_the_card_only_while_the_elder_lets_them(meals: Meals) -> None:
    cast, mother = meals.cast, Actor("resident", meals.cast.chen)
    meals.lunch(date(2026, 11, 24))
    ledger.top_up(db.session.scalars(select(Staff.id)).first() or 0, cast.shuibei, cast.chen, 5_000)
    link = taken_up(meals, invited(meals))
    assert refusal(lambda: ordered_for(meals)) == "family_pay"
    assert ledger.balance(cast.chen) == 5_000
    assert refusal(lambda: family.let_pay(mother, cast.aqiang, link.id, pays=True)) == "not_found"
    for _again in range(2):
        family.let_pay(mother, cast.chen, link.id, pays=True)
    assert ordered_for(meals).pay_state == "held"
    assert ledger.balance(cast.chen) == 4_000
    family.let_pay(mother, cast.chen, link.id, pays=False)
    assert refusal(lambda: ordered_for(meals)) == "family_pay"
    family.let_pay(mother, cast.chen, link.id, pays=True)
    family.end(mother, cast.chen, link.id)
    assert refusal(lambda: ordered_for(meals)) == "not_found", "nor does he order at all"
    again = taken_up(meals, invited(meals))
    assert again.pays_since is None
    said = db.session.scalars(select(Audit.verb).where(Audit.verb.like("family.pays%")).order_by(Audit.id))
    assert said.all() == ["family.pays", "family.pays_not", "family.pays"]


def test_the_son_sees_the_card_on_the_page_only_then_and_never_the_balance(
    client: FlaskClient,
    pages: Meals,
    cast: Cast,
) -> None:
    with house(pages):
        ledger.top_up(db.session.scalars(select(Staff.id)).first() or 0, cast.shuibei, cast.chen, 4_321)
        link = taken_up(pages, invited(pages)).id
    son = known_phone(pages.app.test_client(), "13800001188")
    check = f"{BASE}/menu/2026-11-24/lunch/check?offer=L1&for={link}"
    assert "饭卡" not in son.get(check).text
    assert "用饭卡付" not in son.get(f"{check}&pay=account").text
    mother = known_phone(client)
    page = mother.get(f"{BASE}/family/{link}/")
    assert "不能用您的饭卡付" in page.text
    send(mother, page, "", form="form[action$='/pay']")
    assert "改饭卡付" in son.get(check).text
    paid = son.get(f"{check}&pay=account")
    assert "用饭卡付" in paid.text
    send(mother, mother.get(f"{BASE}/family/{link}/"), "", form="form[action$='/pay-not']")
    late = send(son, paid, "", form="form[action*='/order']")
    assert (late.status_code, "不能用老人家的饭卡付" in late.text) == (403, True)
    with house(pages):
        assert ledger.balance(cast.chen) == 4_321
    send(mother, mother.get(f"{BASE}/family/{link}/"), "", form="form[action$='/pay']")
    done = son.get(send(son, son.get(f"{check}&pay=account"), "", form="form[action*='/order']").location)
    assert "饭卡已付" in done.text
    assert "余额" not in done.text
    with house(pages):
        assert ledger.balance(cast.chen) == 3_321


# --- days of the elder's standing order -----------------------------------------------------------------------------


def test_the_son_leaves_a_day_out_on_his_phone_and_the_mother_sees_who_said_so(
    client: FlaskClient,
    pages: Meals,
    cast: Cast,
) -> None:
    with house(pages):
        link = taken_up(pages, invited(pages)).id
        row = start(
            Actor("resident", cast.chen), cast.chen, cast.shuibei, "lunch", [1, 2], labels=["low_salt"]
        ).id
        set_note(Actor("resident", cast.chen), row, "牙不好")
    son, mother = known_phone(pages.app.test_client(), "13800001188"), known_phone(client)
    url = f"{BASE}/family/{link}/standing/"
    assert url in son.get(f"{BASE}/family/{link}/").text
    page = son.get(url)
    checked(page)
    assert "午餐，周二、周三" in page.text
    assert "明天的午餐不吃" in page.text
    for private in ("低盐", "牙不好", "以后都不订了", "给厨房"):
        assert private not in page.text, "the elder's own, and theirs to change"
    page = son.get(send(son, page, "", form="form[action$='/2026-11-24/skip']").location)
    assert "明天的午餐还是要吃" in page.text
    assert "您说的不吃" in page.text
    own = f"{BASE}/standing/{row}/"
    for path in (own, "/c/shuibei/my/", f"{BASE}/menu/2026-11-24/lunch/"):
        assert "家人陈*强说的不吃" in mother.get(path).text, path
    send(son, page, "", form="form[action$='/2026-11-24/eat']")
    assert "说的不吃" not in mother.get(own).text
    send(mother, mother.get(own), "", form="form[action$='/2026-11-25/skip']")
    page = son.get(url)
    assert "已经说了不吃" in page.text
    assert "2026-11-25" not in page.text.replace("page=", ""), "hers to take back"
    send(son, page, "", form="form[action$='/2026-11-24/skip']")
    send(mother, mother.get(own), "", form="form[action$='/2026-11-24/eat']")
    with house(pages):
        assert db.session.scalars(select(StandingSkip.day)).all() == [date(2026, 11, 25)]


def test_the_days_are_for_whoever_may_order_and_nothing_else_is_done_there(
    client: FlaskClient,
    pages: Meals,
    cast: Cast,
) -> None:
    with house(pages):
        link = taken_up(pages, invited(pages)).id
        row = start(Actor("resident", cast.chen), cast.chen, cast.shuibei, "lunch", [1, 2]).id
        own = start(Actor("resident", cast.aqiang), cast.aqiang, cast.shuibei, "lunch", [1, 2]).id
    son = known_phone(client, "13800001188")
    url = f"{BASE}/family/{link}/standing/"
    page = son.get(url)
    for path in (f"{row}/2026-11-24/end", f"{own}/2026-11-24/skip", f"{row}/2026-12-24/skip"):
        _action, fields = fields_of(page, "form[action$='/2026-11-24/skip']")
        assert son.post(f"{url}{path}", data=fields).status_code == 404, path
        page = son.get(url)
    mother = known_phone(pages.app.test_client())
    assert mother.get(url).status_code == 404, "her own stand elsewhere"
    with house(pages):
        family.end(Actor("resident", cast.chen), cast.chen, link)
    assert son.get(url).status_code == 404
    assert send(son, page, "", form="form[action$='/2026-11-24/skip']").status_code == 404
    with house(pages):
        assert db.session.scalars(select(StandingSkip)).all() == []


def test_without_a_standing_order_the_family_page_leads_to_none(client: FlaskClient, pages: Meals) -> None:
    with house(pages):
        link = taken_up(pages, invited(pages)).id
    son = known_phone(client, "13800001188")
    assert "/standing/" not in son.get(f"{BASE}/family/{link}/").text
    empty = son.get(f"{BASE}/family/{link}/standing/")
    assert (empty.status_code, "这几天没有要订的" in empty.text) == (200, True)
