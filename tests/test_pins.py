"""PINs: which are too easy, how many wrong tries are too many, and who it is when several share a phone."""

from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from centres.models import Centre
from centres.services import set_policy
from core.audit import OPERATOR, Actor
from core.database import db, unit_of_work
from people.models import Resident, Throttle
from people.phones import parse_phone, whole_index
from people.rules import KIOSK_TRIES, PIN_CHANGES, PIN_TRIES, Tries, after_wrong, age_on, is_blocked, weak_pin
from people.services import throttles
from people.services.cards import resident_of_code
from people.services.identify import BirthdayNeeded, by_index, by_tail, check_pin, kiosk_tries
from people.services.residents import may_set_pin, open_pin, register, set_pin
from tests.conftest import StartServer
from tests.support.cast import PIN, Cast
from tests.support.clock import START, Clock
from tests.support.forms import Kiosk, send
from tests.support.hall import apart, refusal
from tests.support.house import House
from tests.support.race import together
from tests.support.visitor import Visitor

BORN = date(1948, 6, 12)
CHEN, SHARED, WRONG = "+8613800001187", "+8613800002026", "7391"


@pytest.mark.parametrize(
    ("pin", "why"),
    [
        ("2580", None), ("739155", None), ("1948", "birthday"), ("0612", "birthday"), ("1206", "birthday"),
        ("480612", "birthday"), ("194806", "birthday"), ("1234", "simple"), ("123456", "simple"),
        ("6543", "simple"), ("4321", "simple"), ("8888", "simple"), ("000000", "simple"), ("7890", "simple"),
        ("123", "shape"), ("1234567", "shape"), ("12a4", "shape"), ("", "shape"),
        ("１２３４", "shape"), ("²580", "shape"),
    ],
)  # fmt: skip
def test_which_pins_are_too_easy(pin: str, why: str | None) -> None:
    assert weak_pin(pin, BORN) == why


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(1948, 6, 12), date(2026, 6, 11), 77),
        (date(1948, 6, 12), date(2026, 6, 12), 78),
        (date(1960, 2, 29), date(2026, 2, 28), 65),
        (date(1960, 2, 29), date(2026, 3, 1), 66),
        (date(1960, 2, 29), date(2028, 2, 28), 67),
        (date(1960, 2, 29), date(2028, 2, 29), 68),
    ],
)
def test_how_old_somebody_is_on_a_day(born: date, day: date, age: int) -> None:
    assert age_on(born, day) == age


def test_a_leap_days_birthday_may_count_on_the_28th() -> None:
    assert age_on(date(1960, 2, 29), date(2026, 2, 28), "02-28") == 66


def count_up(tries: Tries | None, moment: datetime, times: int) -> Tries | None:
    for _n in range(times):
        tries = after_wrong(tries, moment, PIN_TRIES)
    return tries


def test_the_fifth_wrong_try_pauses_for_fifteen_minutes() -> None:
    tries = count_up(None, START, 4)
    assert not is_blocked(tries, START)
    tries = count_up(tries, START, 1)
    assert is_blocked(tries, START)
    assert is_blocked(tries, START + timedelta(minutes=15) - timedelta(seconds=1))
    assert not is_blocked(tries, START + timedelta(minutes=15))
    assert after_wrong(tries, START + timedelta(minutes=15), PIN_TRIES).count == 1


def test_wrong_tries_far_apart_are_forgotten() -> None:
    tries = count_up(None, START, 4)
    late = after_wrong(tries, START + timedelta(minutes=15, seconds=1), PIN_TRIES)
    assert (late.count, late.blocked_until) == (1, None)


@pytest.fixture
def people(inside: Flask, cast: Cast) -> Cast:
    return cast


def who(
    cast: Cast, pin: str, phone: str = CHEN, kiosk: str = "device:1", birthday: tuple[int, int] | None = None
) -> int:
    return check_pin(by_index(whole_index(phone)[0], cast.district), pin, kiosk, "Asia/Shanghai", birthday).id


def test_phone_and_pin_say_who_it_is(people: Cast) -> None:
    assert who(people, PIN) == people.chen
    assert refusal(lambda: who(people, WRONG)) == "pin_wrong"
    assert refusal(lambda: who(people, PIN, "+8613800009999")) == "pin_wrong", (
        "an unknown number sounds the same"
    )


def test_who_has_no_pin_yet_is_known_by_none(people: Cast) -> None:
    register(
        OPERATOR,
        district_id=people.district,
        home_centre_id=None,
        name="新人",
        born=BORN,
        phone="+8613800007777",
    )
    assert refusal(lambda: who(people, PIN, "+8613800007777")) == "pin_wrong"


def test_five_wrong_tries_pause_the_person_and_the_card_goes_on_working(people: Cast, clock: Clock) -> None:
    for _n in range(PIN_TRIES):
        assert refusal(lambda: who(people, WRONG)) == "pin_wrong"
    assert refusal(lambda: who(people, PIN)) == "pin_paused"
    assert resident_of_code(people.chen_code).id == people.chen
    assert who(people, PIN, "+8613800001188") == people.aqiang, "nobody else is paused"
    clock.advance(minutes=15)
    assert who(people, PIN) == people.chen


def test_a_right_try_forgets_the_wrong_ones(people: Cast) -> None:
    for _n in range(3):
        for _wrong in range(PIN_TRIES - 1):
            assert refusal(lambda: who(people, WRONG)) == "pin_wrong"
        assert who(people, PIN) == people.chen


def test_a_kiosk_pauses_after_thirty_wrong_tries_against_whomever(people: Cast, clock: Clock) -> None:
    for n in range(KIOSK_TRIES):
        assert refusal(lambda n=n: who(people, WRONG, f"+86138001{n:05d}")) == "pin_wrong"  # type: ignore[misc]
    assert refusal(lambda: who(people, PIN)) == "pin_paused"
    assert who(people, PIN, kiosk="device:2") == people.chen
    clock.advance(minutes=15)
    assert who(people, PIN) == people.chen


def test_a_centre_may_pause_its_machines_earlier(house: House) -> None:
    """`pins.kiosk_tries` is the centre's number, on its phones as well."""
    with house.app.app_context():
        set_policy(OPERATOR, house.cast.shuibei, "pins.kiosk_tries", 5, date(2026, 1, 1))
        centre = db.session.get_one(Centre, house.cast.shuibei)
        assert kiosk_tries(centre) == 5
        db.session.remove()
    client = house.client()
    for n in range(5):
        house.post(client, "/c/shuibei/identify/phone", {"phone": f"138001000{n:02d}"})
        answer = house.post(client, "/c/shuibei/identify/pin", {"pin": WRONG})
        assert answer.status_code == 422
    house.post(client, "/c/shuibei/identify/phone", {"phone": "13800001187"})
    assert house.post(client, "/c/shuibei/identify/pin", {"pin": PIN}).status_code == 429


def test_the_pin_decides_among_those_who_share_a_phone(people: Cast) -> None:
    first, second = people.couple
    set_pin(OPERATOR, second, "7391")
    assert (who(people, PIN, SHARED), who(people, "7391", SHARED)) == (first, second)


def test_where_two_have_the_same_pin_too_the_birthday_is_asked(people: Cast) -> None:
    first, second = people.couple
    with pytest.raises(BirthdayNeeded):
        who(people, PIN, SHARED)
    assert who(people, PIN, SHARED, birthday=(6, 12)) == first
    assert who(people, PIN, SHARED, birthday=(5, 3)) == second
    assert refusal(lambda: who(people, PIN, SHARED, birthday=(1, 1))) == "pin_wrong"


def test_a_wrong_try_counts_against_everybody_it_could_have_meant(people: Cast) -> None:
    for _n in range(PIN_TRIES):
        assert refusal(lambda: who(people, WRONG, SHARED)) == "pin_wrong"
    assert all(throttles.blocked_until(f"resident:{person}") for person in people.couple)
    assert refusal(lambda: who(people, PIN, SHARED)) == "pin_paused"


def test_getting_in_oneself_does_not_undo_what_counts_against_the_other(people: Cast) -> None:
    _first, second = people.couple
    set_pin(OPERATOR, second, "7391")
    for _n in range(PIN_TRIES):
        assert who(people, "7391", SHARED) == second
    assert throttles.blocked_until(f"resident:{people.couple[0]}")
    assert who(people, "7391", SHARED) == second, "whoever knows their own PIN goes on getting in"


def test_the_question_for_the_birthday_counts_until_somebody_gets_in(people: Cast) -> None:
    first, second = people.couple
    with pytest.raises(BirthdayNeeded):
        who(people, PIN, SHARED)
    assert who(people, PIN, SHARED, birthday=(6, 12)) == first
    tries = {row.subject: row.tries for row in db.session.scalars(select(Throttle))}
    assert tries == {"device:1": 0, f"resident:{second}": 2}


def test_two_records_with_the_same_birthday_too_are_led_to_staff_and_nothing_counts(people: Cast) -> None:
    twin = register(
        OPERATOR, district_id=people.district, home_centre_id=None, name="陈秀英", born=BORN, phone=CHEN
    )
    set_pin(OPERATOR, twin.id, PIN)
    for _n in range(PIN_TRIES + 1):
        assert refusal(lambda: who(people, PIN, birthday=(6, 12))) == "pin_shared"
    assert set(db.session.scalars(select(Throttle.tries))) == {0}


def test_asking_for_the_birthday_over_and_over_pauses_whoever_it_could_be(people: Cast) -> None:
    for _n in range(PIN_TRIES):
        with pytest.raises(BirthdayNeeded):
            who(people, PIN, SHARED)
    assert refusal(lambda: who(people, PIN, SHARED)) == "pin_paused"


def test_somebody_changes_their_own_pin_a_few_times_a_day(people: Cast, clock: Clock) -> None:
    own = Actor("resident", people.chen)
    for n in range(PIN_CHANGES):
        set_pin(own, people.chen, f"739{n}")
    assert refusal(lambda: set_pin(own, people.chen, "2580")) == "pin_changes"
    assert who(people, f"739{PIN_CHANGES - 1}") == people.chen, "the last one stays"
    clock.advance(hours=2)
    throttles.tidy()
    assert refusal(lambda: set_pin(own, people.chen, "2580")) == "pin_changes"
    set_pin(OPERATOR, people.chen, "2580")  # the desk can always help
    clock.advance(hours=22, seconds=1)
    set_pin(own, people.chen, "7391")


def test_a_pin_that_staff_opened_may_be_chosen_whatever_was_changed_before(people: Cast) -> None:
    own = Actor("resident", people.chen)
    for n in range(PIN_CHANGES):
        set_pin(own, people.chen, f"739{n}")
    open_pin(OPERATOR, people.chen)
    set_pin(own, people.chen, "2580")
    assert who(people, "2580") == people.chen


def test_four_digits_mean_only_those_who_are_expected(people: Cast) -> None:
    assert [person.id for person in by_tail("1187", [people.chen, people.aqiang])] == [people.chen]
    assert by_tail("1187", [people.aqiang]) == by_tail("1187", []) == []


def test_a_pin_may_be_set_by_card_alone_only_while_staff_have_opened_it(people: Cast, clock: Clock) -> None:
    assert not may_set_pin(db.session.get_one(Resident, people.chen))
    for _n in range(PIN_TRIES):
        assert refusal(lambda: who(people, WRONG)) == "pin_wrong"
    open_pin(OPERATOR, people.chen)
    assert may_set_pin(db.session.get_one(Resident, people.chen))
    assert who(people, PIN) == people.chen, "opening ends the pause"
    clock.advance(minutes=20, seconds=1)
    assert not may_set_pin(db.session.get_one(Resident, people.chen))


def test_a_pin_is_kept_as_a_slow_hash(people: Cast) -> None:
    kept = db.session.get_one(Resident, people.chen).pin_hash or ""
    assert kept.startswith("$argon2id$")
    assert PIN not in kept


@pytest.mark.parametrize(
    ("pin", "code"), [("1234", "pin_simple"), ("0612", "pin_birthday"), ("12", "pin_shape")]
)
def test_a_weak_pin_is_refused_in_words(people: Cast, pin: str, code: str) -> None:
    assert refusal(lambda: set_pin(OPERATOR, people.chen, pin)) == code
    assert who(people, PIN) == people.chen


def test_wrong_tries_at_the_same_moment_are_all_counted(app: Flask, people: Cast) -> None:
    count = apart(app, lambda: throttles.count_wrong({"resident:1": 100, "device:1": 100}))
    assert together([count] * 12) == [None] * 12
    db.session.rollback()
    assert db.session.scalars(select(Throttle.tries)).all() == [12, 12]


def test_guesses_sent_at_the_same_moment_cannot_outrun_the_limit(app: Flask, people: Cast) -> None:
    """Sixteen at once, the right one among the last: no more than five may be looked at."""
    looked = together([apart(app, lambda: refusal(lambda: who(people, WRONG)))] * 16)
    assert looked.count("pin_wrong") <= PIN_TRIES
    assert looked.count("pin_paused") == 16 - looked.count("pin_wrong")


def test_all_processes_count_together(app: Flask, cast: Cast, start_server: StartServer) -> None:
    url = start_server(workers=3).url
    said = []
    for _n in range(PIN_TRIES + 2):
        visitor = Visitor(url)
        page = visitor.get("/c/shuibei/identify/phone")
        asked = visitor.send_form(
            page, "/c/shuibei/identify/phone", "form[action*='identify/phone']", phone="13800001187"
        )
        page = visitor.get(asked.location)
        said.append(visitor.send_form(page, asked.location, "form[action*='identify/pin']", pin=WRONG).status)
    assert said == [422] * PIN_TRIES + [429] * 2


def test_on_a_phone_the_birthday_page_leads_to_the_right_one_of_two(client: FlaskClient, cast: Cast) -> None:
    page = client.get("/c/shuibei/identify/phone?next=/c/shuibei/my/")
    answer = send(client, page, "/c/shuibei/identify/phone", phone="13800002026")
    answer = send(client, client.get(answer.location), answer.location, pin=PIN)
    assert "/identify/birthday" in answer.location
    answer = send(client, client.get(answer.location), answer.location, birthday="0503")
    answer = send(client, client.get(answer.location), answer.location, pin=PIN)
    assert answer.location == "/c/shuibei/my/"
    assert "王*" in client.get("/c/shuibei/my/").text


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("13800001187", CHEN),
        ("138 0000 1187", CHEN),
        ("+86 138-0000-1187", CHEN),
        ("60000001", "+85260000001"),
        ("+85260000001", "+85260000001"),
        ("0755-00001234", "+8675500001234"),
    ],
)
def test_phone_numbers_as_people_type_them(app: Flask, typed: str, number: str) -> None:
    with app.test_request_context():
        assert parse_phone(typed) == number


@pytest.mark.parametrize("typed", ["", "1", "138000011", "1380000118712", "23800001187", "abc", "+", "110"])
def test_what_is_no_phone_number_is_refused_in_words(app: Flask, typed: str) -> None:
    with app.test_request_context():
        assert refusal(lambda: parse_phone(typed)) in {"phone_length", "phone_unknown"}


@pytest.mark.parametrize("at_kiosk", [True, False])
def test_who_has_a_card_and_no_telephone_gives_the_pin_after_it(
    app: Flask, client: FlaskClient, cast: Cast, *, at_kiosk: bool
) -> None:
    with app.app_context(), unit_of_work():
        person = db.session.get_one(Resident, cast.chen)
        person.phone = person.phone_index = person.phone_tail_index = None
    if at_kiosk:
        kiosk = Kiosk(client, cast)
        kiosk.post("/kiosk/scan", {"payload": cast.chen_code})
    else:
        send(client, client.get(f"/q/{cast.chen_code}"), f"/q/{cast.chen_code}/card")
    own = "/c/shuibei/my/consents"
    asked = client.get(own)
    assert asked.location.startswith("/c/shuibei/identify/pin")
    wrong = send(client, client.get(asked.location), "/c/shuibei/identify/pin", pin="9999")
    assert wrong.status_code == 422
    done = send(client, client.get(asked.location), "/c/shuibei/identify/pin", pin=PIN)
    assert done.location == own
    assert client.get(own).status_code == 200
