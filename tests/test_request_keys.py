"""The same tap, however often it arrives, is one deed with one answer."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from booking.models import Booking, Claim
from core.database import db, unit_of_work
from core.errors import Refused
from core.requestkeys import KEPT, RequestKey, claim, digest, forget_expired, keep
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.forms import Kiosk, fields_of
from tests.support.hall import apart
from tests.support.race import together

KEY, BODY = "a-key-of-sixteen", digest({"seat": "A1"})
SEAT = "/c/shuibei/booking/spaces/reading/2026-11-24/?from=09:00&to=13:00&seat="


def deed(answer: str = "first", key: str = KEY, body: bytes = BODY, scope: str = "hall") -> object:
    """What a verb under a request key does; comes back with the answer that the asker gets."""
    with unit_of_work():
        before = claim(scope, key, body)
        if before is not None:
            return before["said"]
        db.session.execute(text("INSERT INTO deeds (said) VALUES (:said)"), {"said": answer})
        keep(scope, key, {"said": answer})
    return answer


def done() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(text("SELECT said FROM deeds ORDER BY said")))


@pytest.fixture(autouse=True)
def deeds(app: Flask) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("CREATE TABLE deeds (said text)"))


def test_a_repeat_gets_the_same_answer_and_does_nothing(inside: Flask) -> None:
    assert [deed("first"), deed("second"), deed("third")] == ["first"] * 3
    assert done() == ["first"]


def test_another_body_under_the_same_key_is_refused(inside: Flask) -> None:
    deed()
    with pytest.raises(Refused) as refused:
        deed(body=digest({"seat": "A2"}))
    assert (refused.value.code, refused.value.status) == ("request_key_reused", 422)
    assert done() == ["first"]


def test_the_order_of_the_fields_does_not_matter_but_their_words_do() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": ["1"]}) != digest({"a": ["1", "1"]}) != digest({"a": "1"})


def test_residents_and_staff_do_not_share_keys(inside: Flask) -> None:
    deed("one")
    deed("two", scope="staff")
    assert done() == ["one", "two"]


@pytest.mark.parametrize("key", ["", "short", "x" * 65])
def test_a_request_without_a_proper_key_is_refused(inside: Flask, key: str) -> None:
    with pytest.raises(Refused) as refused:
        deed(key=key)
    assert refused.value.status == 400
    assert done() == []


def test_the_same_key_many_times_at_once_is_one_deed(app: Flask, inside: Flask) -> None:
    for round_ in range(5):
        key = f"{KEY}-{round_}"
        answers = together([apart(app, lambda n=n, key=key: deed(f"{key} {n}", key)) for n in range(8)])  # type: ignore[misc]
        assert len(set(map(str, answers))) == 1, answers
    assert len(done()) == 5


def test_a_deed_that_failed_has_not_used_up_its_key(inside: Flask) -> None:
    def fail() -> None:
        with unit_of_work():
            claim("hall", KEY, BODY)
            raise Refused("seat_taken", "taken")

    with pytest.raises(Refused):
        fail()
    assert deed("second try") == "second try"


def test_a_key_counts_for_a_day_even_when_nobody_tidies(inside: Flask, clock: Clock) -> None:
    deed("first")
    clock.advance(seconds=KEPT.total_seconds())
    assert deed("second") == "first"
    clock.advance(seconds=1)
    assert deed("third") == "third"
    assert deed("fourth") == "third"
    assert done() == ["first", "third"]


def test_a_key_that_expired_may_stand_for_another_body(inside: Flask, clock: Clock) -> None:
    deed("first")
    clock.advance(seconds=KEPT.total_seconds() + 1)
    assert deed("second", body=digest({"seat": "A2"})) == "second"


def test_tidying_removes_what_has_expired_and_nothing_else(inside: Flask, clock: Clock) -> None:
    deed("old")
    clock.advance(seconds=(KEPT + timedelta(seconds=1)).total_seconds())
    deed("new", key="another-key-16xx")
    with unit_of_work():
        assert forget_expired() == 1
    assert db.session.scalars(select(RequestKey.key)).all() == ["another-key-16xx"]


def test_answers_are_kept_encrypted(inside: Flask) -> None:
    deed("约好了 A3")
    raw = db.session.execute(text("SELECT answer FROM request_key")).scalar_one()
    assert "约好了".encode() not in bytes(raw)


# --- through a page ---------------------------------------------------------------------------------------------------


def rows(app: Flask, model: type[Booking] | type[Claim]) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_a_double_tap_on_confirm_leads_to_the_same_booking(
    app: Flask, client: FlaskClient, cast: Cast
) -> None:
    at = Kiosk(client, cast)
    at.open(SEAT + "A1")
    at.send("form[action$='/hold']")
    at.follow()
    at.follow()
    at.scan(cast.chen_code, next="/c/shuibei/booking/check/")
    url, given = fields_of(at.follow(), "form[action$='/confirm']")
    answers = [client.post(url, data=given) for _tap in range(3)]
    assert {(one.status_code, one.location) for one in answers} == {(303, answers[0].location)}
    assert rows(app, Booking) == 1


def test_the_back_button_and_another_seat_under_the_old_key_is_refused_in_plain_words(
    app: Flask, client: FlaskClient, cast: Cast
) -> None:
    url, given = fields_of(client.get(SEAT + "A1"), "form[action$='/hold']")
    assert client.post(url, data=given).status_code == 303
    answer = client.post(url, data={**given, "seat": "A2"})
    assert answer.status_code == 422
    assert "这一页已经办过一件事了" in answer.text
    assert rows(app, Claim) == 1


def test_a_refusal_does_not_use_up_the_page(
    app: Flask, client: FlaskClient, cast: Cast, clock: Clock
) -> None:
    other = app.test_client()
    url, given = fields_of(client.get(SEAT + "A1"), "form[action$='/hold']")
    taken_by, theirs = fields_of(other.get(SEAT + "A1"), "form[action$='/hold']")
    assert other.post(taken_by, data=theirs).status_code == 303
    assert client.post(url, data=given).status_code == 409
    clock.advance(seconds=121)
    assert client.post(url, data=given).status_code == 303
