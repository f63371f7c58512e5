"""Many want the same thing at the same moment: one gets it, the others are told so, nobody sees an error.

The control comes first: under the same harness (the same server, processes and clients), looking first and taking then
double-books. docs/scarce-things.md says what is scarce and what guards it.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from itertools import product

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from booking.jobs import tidy
from booking.models import Booking, Claim, Unit
from booking.services import attend, book, hold
from core import numbered
from core.audit import Actor
from core.database import db, unit_of_work
from core.errors import Refused
from core.intervals import Interval
from kiosk.models import Visit
from people.models import Resident
from tests.conftest import StartServer
from tests.support.cast import PIN, Cast
from tests.support.clock import Clock
from tests.support.hall import AFTERNOON, ALL, MORNING, Hall, apart, moment, span
from tests.support.race import together
from tests.support.visitor import Answer, Visitor

CLIENTS, WORKERS = 50, 4
ROUNDS = 100 if ALL else 10
READING = "/c/shuibei/booking/spaces/reading"
SEATS = [f"A{n}" for n in range(1, 9)] + [f"B{n}" for n in range(1, 5)] + [f"C{n}" for n in range(1, 6)]
DAYS = ["2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27", "2026-11-28"]
WISHES = list(product(DAYS, [("09:00", "13:00"), ("13:00", "17:00")], SEATS))[:ROUNDS]


class Phone(Visitor):
    """A browser that has opened a page and knows its token."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.csrf = ""

    def open(self) -> "Phone":
        page = self.get("/c/shuibei/identify/phone")
        field = page.soup.select_one("input[name=csrf_token]")
        assert field is not None, page.text[:500]
        self.csrf = str(field["value"])
        return self

    def tap(self, path: str, key: str | None = None, **fields: str) -> Answer:
        """A POST with a request key of its own."""
        return self.post(
            path, {"csrf_token": self.csrf, "request_key": key or secrets.token_urlsafe(16), **fields}
        )

    def sign_in(self, phone: str) -> "Phone":
        page = self.get("/c/shuibei/identify/phone")
        asked = self.send_form(
            page, "/c/shuibei/identify/phone", "form[action*='identify/phone']", phone=phone
        )
        page = self.get(asked.location)
        known = self.send_form(page, asked.location, "form[action*='identify/pin']", pin=PIN)
        assert known.status == 303, known.text[:500]
        return self


def crowd(url: str) -> list[Phone]:
    return [Phone(url).open() for _n in range(CLIENTS)]


def rush(phones: Sequence[Phone], tap: Callable[[Phone], Answer]) -> Counter[int]:
    """Everybody taps at once; how often each status was answered."""
    answers = together([lambda phone=phone: tap(phone) for phone in phones])  # type: ignore[misc]
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return Counter(answer.status for answer in answers if not isinstance(answer, Exception))


def winners(statuses: Counter[int]) -> int:
    return sum(count for status, count in statuses.items() if status < 400)


def test_the_control_looking_first_and_taking_then_double_books(
    app: Flask, cast: Cast, start_server: StartServer
) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("CREATE TABLE naive (seat integer NOT NULL)"))
    phones = crowd(start_server(workers=WORKERS, PLUG="tests.support.naive").url)
    worst = 0
    for seat in range(ROUNDS):
        worst = max(worst, winners(rush(phones, lambda phone, seat=seat: phone.tap(f"/naive/{seat}"))))  # type: ignore[misc]
        if worst > 1:
            break
    assert worst > 1, "the harness is too gentle to prove anything"


def test_fifty_want_one_seat_and_exactly_one_gets_it(
    app: Flask, cast: Cast, start_server: StartServer
) -> None:
    phones = crowd(start_server(workers=WORKERS).url)
    for day, (start, end), seat in WISHES:
        wish = {"seat": seat, "from": f"{day}T{start}", "to": f"{day}T{end}"}
        statuses = rush(phones, lambda phone, wish=wish: phone.tap(f"{READING}/hold", **wish))  # type: ignore[misc]
        assert statuses == {303: 1, 409: CLIENTS - 1}, (day, start, seat, statuses)
        with app.app_context():
            claims = select(func.count()).select_from(Claim).join(Unit, Unit.id == Claim.unit_id)
            taken = Claim.starts_at == moment(f"{day} {start}")
            assert db.session.scalar(claims.where(Unit.code == seat, taken)) == 1


@pytest.mark.parametrize("keys", ["the same key", "different keys"])
def test_two_confirm_taps_of_one_hold_make_one_booking(
    app: Flask, cast: Cast, start_server: StartServer, keys: str
) -> None:
    url = start_server(workers=WORKERS).url
    phone = Phone(url).open().sign_in("13800001187")
    for day in DAYS[: 3 if not ALL else 5]:
        phone.open()
        held = phone.tap(f"{READING}/hold", seat="A1", **{"from": f"{day}T09:00", "to": f"{day}T13:00"})
        assert held.status == 303
        shared = secrets.token_urlsafe(16)
        answers = together(
            [partial(phone.tap, "/c/shuibei/booking/confirm", shared if keys == "the same key" else None)] * 6
        )
        said = [(one.status, one.location) for one in answers if not isinstance(one, Exception)]
        assert len(said) == 6, answers
        if keys == "the same key":
            assert len(set(said)) == 1
            assert said[0][0] == 303
        else:
            assert Counter(status for status, _location in said) == {303: 1, 409: 5}
    with app.app_context():
        days = db.session.scalars(select(Booking.local_day)).all()
        assert sorted(map(str, days)) == DAYS[: len(days)]
        assert len(days) == (3 if not ALL else 5)


@pytest.fixture
def hall(inside: Flask, cast: Cast, clock: Clock) -> Hall:
    return Hall(cast, clock)


def codes(results: Sequence[object]) -> list[str]:
    """What came of each deed: `done` or the code of the refusal; any other fault fails the test."""
    found = []
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, Refused):
            raise result
        found.append(result.code if isinstance(result, Refused) else "done")
    return sorted(found)


def holding(app: Flask, visit: int, unit: int, when: Interval = MORNING) -> Callable[[], object]:
    """The deed of a visit that wants a unit, for another thread."""

    def deed() -> object:
        return hold.hold(
            db.session.get_one(Visit, visit), db.session.get_one(Unit, unit), when, at_kiosk=False
        )

    return apart(app, deed)


def booking(app: Flask, resident: int, unit: int, when: Interval = MORNING) -> Callable[[], object]:
    def deed() -> object:
        chosen = db.session.get_one(Unit, unit)
        return book.book_seat(Actor("resident", resident), resident, chosen, when, at_kiosk=False)

    return apart(app, deed)


def count(model: type[Booking] | type[Claim]) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_one_person_on_two_seats_at_once_gets_one(app: Flask, hall: Hall) -> None:
    for day in DAYS:
        when = span("09:00", "13:00", day)
        wishes = [booking(app, hall.cast.chen, hall.unit(seat).id, when) for seat in ("A1", "A2", "C1", "C2")]
        assert codes(together(wishes)) == ["done", "person_busy", "person_busy", "person_busy"]
    assert count(Booking) == count(Claim) == len(DAYS)


def test_one_person_cannot_outrun_the_limit_of_a_day(app: Flask, hall: Hall) -> None:
    hours = [
        ("09:00", "10:00"),
        ("10:00", "11:00"),
        ("11:00", "12:00"),
        ("14:00", "15:00"),
        ("15:00", "16:00"),
    ]
    unit = hall.unit("A1").id
    for day in DAYS[:3]:
        wishes = [booking(app, hall.cast.chen, unit, span(*wall, day)) for wall in hours]
        assert codes(together(wishes)) == ["day_bookings"] * 3 + ["done"] * 2


def test_one_visit_that_taps_two_seats_at_once_holds_one(app: Flask, hall: Hall) -> None:
    for _round in range(5):
        visit = hall.visit().id
        wishes = [holding(app, visit, hall.unit(seat).id) for seat in ("A1", "A2", "A3", "A4")]
        assert codes(together(wishes)) == ["done"] * 4
        assert count(Claim) == 1
        hold.release(visit)


def test_of_a_hold_and_the_whole_room_exactly_one_wins(app: Flask, hall: Hall) -> None:
    staff, space = hall.staff(hall.cast.manager), hall.space().id
    units = [hall.unit(seat).id for seat in ("A1", "B3", "C8")]
    for day in DAYS:
        when = span("09:00", "13:00", day)

        def whole(when: Interval = when) -> object:
            room = hall.space()
            assert room.id == space
            return book.book_for(staff, room, None, when, title="消防演练")

        wishes = [holding(app, hall.visit().id, unit, when) for unit in units]
        outcome = codes(together([apart(app, whole), *wishes]))
        alone = ["done", "seat_taken", "seat_taken", "seat_taken"]
        assert outcome in (alone, ["done", "done", "done", "space_taken"])
        db.session.rollback()
        claims = db.session.scalars(select(Claim).where(Claim.starts_at == when.start)).all()
        assert len(claims) == (24 if outcome == alone else 3)


def test_who_wants_an_expired_hold_gets_it_once_and_its_holder_comes_too_late(
    app: Flask, hall: Hall, clock: Clock
) -> None:
    unit = hall.unit("A1").id
    for day in DAYS:
        when = span("09:00", "13:00", day)
        late = hall.visit(hall.cast.chen)
        hall.hold(late, "A1", when)
        clock.advance(seconds=121)
        late_id = late.id
        confirm = apart(
            app,
            lambda late_id=late_id: book.confirm_hold(db.session.get_one(Visit, late_id), at_kiosk=False),  # type: ignore[misc]
        )
        wishes = [holding(app, hall.visit().id, unit, when) for _n in range(6)]
        assert codes(together([confirm, *wishes])) == ["done", "hold_released", *["seat_taken"] * 5]
    assert count(Booking) == 0


def test_people_who_take_each_others_missed_seats_do_not_block_each_other(
    app: Flask, hall: Hall, clock: Clock
) -> None:
    """Each writes down the other's no-show while their own waits to be written: locks are taken in one order."""
    one, two = hall.cast.chen, hall.cast.aqiang
    seats = hall.unit("A1").id, hall.unit("A2").id
    for day in DAYS:
        hall.book(one, "A1", span("09:00", "13:00", day))
        hall.book(two, "A2", span("09:00", "13:00", day))
        clock.set(f"{day} 09:45")
        later = span("10:00", "13:00", day)
        swap = [booking(app, one, seats[1], later), booking(app, two, seats[0], later), apart(app, tidy)]
        assert codes(together(swap)) == ["done"] * 3
        db.session.rollback()
        of_the_day = select(Booking.state).where(Booking.local_day == date.fromisoformat(day))
        assert sorted(db.session.scalars(of_the_day)) == ["booked", "booked", "no_show", "no_show"]


def test_a_late_check_in_and_the_next_person_do_not_block_each_other(
    app: Flask, hall: Hall, clock: Clock
) -> None:
    unit = hall.unit("A1").id
    for day in DAYS:
        missed = hall.book(hall.cast.chen, "A1", span("09:00", "13:00", day)).id
        clock.set(f"{day} 09:45")
        arrive = apart(app, lambda missed=missed: attend.check_in(Actor("resident", hall.cast.chen), missed))  # type: ignore[misc]
        wish = booking(app, hall.cast.aqiang, unit, span("10:00", "13:00", day))
        assert codes(together([arrive, wish, apart(app, tidy)])) == ["check_in_late", "done", "done"]


def test_bookings_of_different_rooms_do_not_block_each_other(app: Flask, hall: Hall, clock: Clock) -> None:
    """The pages' versions are shared by everybody: a verb that touches several must not hold one while it waits."""
    people = [hall.cast.chen, hall.cast.aqiang, *hall.cast.couple]
    places = [("A1", "reading"), ("R1", "elder"), ("A2", "reading"), ("R2", "elder")]
    for day in DAYS:
        for person, (seat, space) in zip(people, places, strict=True):
            hall.book(person, seat, span("09:00", "13:00", day), space=space)
        clock.set(f"{day} 09:45")
        crossed = zip(people, [places[1], places[0], places[3], places[2]], strict=True)
        later = span("13:00", "17:00", day)
        wishes = [booking(app, who, hall.unit(*place).id, later) for who, place in crossed]
        assert codes(together(wishes)) == ["done"] * 4


def test_leaving_and_cancelling_at_once_end_a_booking_once(app: Flask, hall: Hall, clock: Clock) -> None:
    made = hall.book(hall.cast.chen)
    clock.set("2026-11-24 08:40")
    actor = Actor("resident", hall.cast.chen)
    deeds = [
        apart(app, lambda verb=verb: verb(actor, made.id))  # type: ignore[misc]
        for verb in (attend.check_in, attend.cancel, attend.check_in, attend.cancel)
    ]
    assert set(codes(together(deeds))) <= {"done", "not_now"}
    db.session.rollback()
    assert hall.state(made) in {"cancelled", "left", "in_use"}
    assert len(hall.claims()) == len(hall.line(hall.cast.chen)) == (hall.state(made) == "in_use")


def test_a_number_that_is_taken_already_is_drawn_anew(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["K7M24QXD", "K7M24QXD", "K7M24QXD", "A2B3C4D5"])
    monkeypatch.setattr(numbered, "new_number", lambda: next(drawn))
    assert hall.book(hall.cast.chen).number == "K7M24QXD"
    assert hall.book(hall.cast.aqiang, "A2").number == "A2B3C4D5"


def test_numbers_given_out_at_once_are_all_different(app: Flask, hall: Hall) -> None:
    with unit_of_work():
        template = db.session.get_one(Resident, hall.cast.aqiang)
        people = [
            Resident(
                district_id=template.district_id,
                name=f"住户{n}",
                born=template.born,
                settings={},
                made_at=template.made_at,
            )
            for n in range(len(SEATS))
        ]
        db.session.add_all(people)
        db.session.flush()
        ids = [person.id for person in people]
    wishes = [
        booking(app, who, hall.unit(seat).id, when)
        for who, seat in zip(ids, SEATS, strict=True)
        for when in (MORNING, AFTERNOON)
    ]
    assert codes(together(wishes)) == ["done"] * len(wishes)
    db.session.rollback()
    numbers = db.session.scalars(select(Booking.number)).all()
    assert len(set(numbers)) == len(numbers) == len(wishes)
