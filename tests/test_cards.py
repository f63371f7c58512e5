"""Cards: known by a code that is stored as a digest, revoked at once, one live card of ours a person."""

from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from core.audit import OPERATOR, Audit
from core.codes import new_code, read_code
from core.database import db, unit_of_work
from core.errors import Refused
from kiosk.services import know
from people.models import Card, Resident
from people.rules import SCAN_TRIES
from people.services.cards import (
    issue_card,
    link_card,
    report_lost,
    resident_of_code,
    resident_of_number,
    unlink_card,
)
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.forms import Kiosk, fields_of
from tests.support.hall import Hall, apart, refusal
from tests.support.house import House
from tests.support.race import together


@pytest.fixture
def people(inside: Flask, cast: Cast) -> Cast:
    return cast


def code_of(deed: object) -> tuple[str, int]:
    with pytest.raises(Refused) as refused:
        deed()  # type: ignore[operator]
    return refused.value.code, refused.value.status


def test_a_card_says_whose_it_is(people: Cast) -> None:
    assert read_code(people.chen_code) == ("K", people.chen_code)
    assert resident_of_code(people.chen_code).id == people.chen


def test_the_code_is_shown_once_and_stored_as_a_digest(people: Cast) -> None:
    _card, code = issue_card(OPERATOR, people.aqiang)
    rows = db.session.execute(text("SELECT * FROM card")).all()
    assert code not in str(rows)
    assert code not in str(db.session.execute(text("SELECT detail FROM audit")).all())


def test_a_reprint_revokes_the_card_before(people: Cast) -> None:
    _card, fresh = issue_card(OPERATOR, people.chen)
    assert resident_of_code(fresh).id == people.chen
    assert code_of(lambda: resident_of_code(people.chen_code)) == ("card_revoked", 410)


def test_a_lost_card_stops_working_at_once_and_once(people: Cast) -> None:
    assert report_lost(OPERATOR, people.chen) == 1
    assert report_lost(OPERATOR, people.chen) == 0
    assert code_of(lambda: resident_of_code(people.chen_code)) == ("card_revoked", 410)
    verbs = db.session.scalars(
        select(Audit.verb).where(Audit.subject_kind == "card").order_by(Audit.id)
    ).all()
    assert verbs == ["card.issued", "card.revoked"]


def test_a_code_that_we_made_for_nobody_is_said_to_be_unknown(people: Cast) -> None:
    assert code_of(lambda: resident_of_code(new_code("K"))) == ("card_unknown", 404)


@pytest.mark.parametrize("lifecycle", ["moved_away", "deceased"])
def test_the_card_of_somebody_who_is_gone_does_not_work(people: Cast, lifecycle: str) -> None:
    with unit_of_work():
        db.session.get_one(Resident, people.chen).lifecycle = lifecycle
    assert code_of(lambda: resident_of_code(people.chen_code)) == ("card_inactive", 410)


def test_two_desks_that_reprint_at_once_leave_one_live_card(app: Flask, people: Cast) -> None:
    together([apart(app, lambda: issue_card(OPERATOR, people.chen)[1])] * 6)
    db.session.rollback()
    live = select(Card.id).where(Card.resident_id == people.chen, Card.revoked_at.is_(None))
    assert len(db.session.scalars(live).all()) == 1


def test_a_card_that_people_already_have_identifies_them_by_its_number(people: Cast) -> None:
    link_card(OPERATOR, people.aqiang, " 6901 2345 6789 ")
    found = resident_of_number("690123456789")
    assert found is not None
    assert found.id == people.aqiang
    assert resident_of_number("690123456780") is None


def test_a_number_belongs_to_one_person(app: Flask, people: Cast) -> None:
    link_card(OPERATOR, people.aqiang, "690123456789")
    assert refusal(lambda: link_card(OPERATOR, people.chen, "690123456789")) == "card_taken"
    link = partial(link_card, OPERATOR, number="690123456000")
    both = [apart(app, partial(refusal, partial(link, who))) for who in (people.chen, people.aqiang)]
    assert sorted(map(str, together(both))) == ["card_taken", "done"]


def test_a_printed_number_that_is_taken_already_is_drawn_anew(
    people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([3026, 3026, 4711])
    monkeypatch.setattr("people.services.cards.secrets.randbelow", lambda _most: next(drawn))
    assert issue_card(OPERATOR, people.aqiang)[0].number == "C-00004711"


@pytest.mark.parametrize("number", ["", "12345", "x" * 33, "卡号一二三四五六"])
def test_what_is_no_card_number_is_refused(people: Cast, number: str) -> None:
    assert refusal(lambda: link_card(OPERATOR, people.aqiang, number)) == "card_number"


def test_the_printed_number_of_our_own_card_identifies_nobody(people: Cast) -> None:
    assert resident_of_number("C-00003026") is None


def test_a_lost_card_of_ours_leaves_the_linked_one_working(people: Cast) -> None:
    link_card(OPERATOR, people.chen, "690123456789")
    report_lost(OPERATOR, people.chen)
    assert resident_of_number("690123456789") is not None


def test_a_card_of_their_own_that_is_ended_identifies_nobody_and_may_be_linked_anew(people: Cast) -> None:
    card = link_card(OPERATOR, people.chen, "690123456789").id
    assert unlink_card(OPERATOR, people.aqiang, card) == 0  # not theirs
    assert unlink_card(OPERATOR, people.chen, card) == 1
    assert unlink_card(OPERATOR, people.chen, card) == 0
    assert resident_of_number("690123456789") is None
    assert resident_of_code(people.chen_code).id == people.chen  # ours works on
    told = db.session.scalars(select(Audit).where(Audit.subject_kind == "card").order_by(Audit.id)).all()
    assert (told[-1].verb, told[-1].subject_id, told[-1].detail) == (
        "card.revoked",
        card,
        {"why": "unlinked"},
    )
    link_card(OPERATOR, people.aqiang, "690123456789")


def test_our_own_card_is_not_ended_as_a_linked_one(people: Cast) -> None:
    ours = db.session.scalars(select(Card.id).where(Card.resident_id == people.chen)).one()
    assert unlink_card(OPERATOR, people.chen, ours) == 0


@pytest.mark.databases("sqlite")
def test_the_desk_ends_a_card_of_their_own(house: House) -> None:
    person = house.cast.chen
    with house.app.app_context():
        link_card(OPERATOR, person, "690123456789")
    client, url = house.client("front"), f"/staff/c/shuibei/people/{person}"
    action, given = fields_of(client.get(url), "form[action$='/unlink']")
    assert client.post(action, data=given).status_code == 303
    with house.app.app_context():
        assert resident_of_number("690123456789") is None
    assert "690123456789" not in client.get(url).text


def test_the_next_person_cannot_take_over_a_visit(people: Cast, clock: Clock) -> None:
    visit = Hall(people, clock).visit(people.chen)
    assert refusal(lambda: know(visit.id, people.aqiang, "card")) == "visit_of_other"


def test_a_scan_at_the_kiosk_greets_with_the_name_masked(client: FlaskClient, cast: Cast) -> None:
    at = Kiosk(client, cast)
    at.open("/c/shuibei/identify/")
    answer = at.scan(cast.chen_code)
    assert answer.location == "/c/shuibei/my/"
    page = at.follow()
    assert "陈*英" in page.text
    assert "陈秀英" not in page.text


def test_somebody_elses_card_at_the_same_kiosk_begins_anew(
    client: FlaskClient, app: Flask, cast: Cast
) -> None:
    with app.app_context():
        _card, other = issue_card(OPERATOR, cast.aqiang)
    at = Kiosk(client, cast)
    at.open("/c/shuibei/identify/")
    at.scan(cast.chen_code)
    at.open("/kiosk/")
    at.scan(other)
    page = at.open("/c/shuibei/my/")
    assert "陈*强" in page.text
    assert "陈*英" not in page.text


@pytest.mark.parametrize(
    "payload", ["6901234567892", "https://example.cn/pay?x=1", "K" + "0" * 30, "' OR 1=1 --"]
)
def test_a_strange_code_is_answered_in_words_and_knows_nobody(
    client: FlaskClient, cast: Cast, payload: str
) -> None:
    at = Kiosk(client, cast)
    at.open("/c/shuibei/identify/")
    answer = at.scan(payload)
    assert answer.status_code in {404, 422}
    assert "认不出" in answer.text


def test_numbers_cannot_be_guessed_at_a_kiosk_without_end(
    client: FlaskClient, app: Flask, cast: Cast, clock: Clock
) -> None:
    with app.app_context():
        link_card(OPERATOR, cast.aqiang, "690123456789")
    at = Kiosk(client, cast)
    page = at.open("/c/shuibei/identify/")

    def scan(payload: str) -> int:
        at.page = page
        return at.scan(payload).status_code

    assert [scan(f"69012345{n:04d}") for n in range(SCAN_TRIES - 1)] == [422] * (SCAN_TRIES - 1)
    assert [scan("690123456789") for _n in range(3)] == [303] * 3, "a right one is taken back"
    assert [scan("690123450000"), scan("690123456789")] == [422, 429]
    assert "工作人员" in at.page.text
    assert scan(cast.chen_code) == 303, "cards of ours go on"
    clock.advance(minutes=15)
    at.open("/c/shuibei/identify/")
    page = at.page
    assert scan("690123456789") == 303
