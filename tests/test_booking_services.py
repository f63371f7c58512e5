"""The verbs of booking at concrete moments: what a person gets, what is refused and with which word."""

from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from booking import queries
from booking.jobs import tidy
from booking.models import Booking, Claim, Violation
from booking.opening import space_day
from booking.services import attend, book
from centres.models import Centre
from centres.services import add_one_off, set_policy
from core.audit import OPERATOR, Audit
from core.clock import now
from core.database import db, unit_of_work
from core.errors import Refused
from core.events import deliver_due
from core.intervals import Interval
from core.outbox import Message, send_due
from kiosk.services import beat, end_visit, know
from people.models import Commitment, Resident
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.forms import Kiosk, send, ways
from tests.support.hall import AFTERNOON, MORNING, Hall, moment, refusal, span

WEDNESDAY = "2026-11-25"


@pytest.fixture
def hall(inside: Flask, cast: Cast, clock: Clock) -> Hall:
    return Hall(cast, clock)


def state_seen(hall: Hall, seat: str, when: Interval = MORNING) -> str:
    """How somebody else sees a seat now."""
    day = space_day(hall.space(), when.start.date())
    room = queries.Room(day, [hall.unit(seat)], now(), at_kiosk=False)
    return room.seats(when)[0].state


def policy(hall: Hall, name: str, value: object) -> None:
    set_policy(OPERATOR, hall.cast.shuibei, f"booking.{name}", value, date(2026, 1, 1), "reading")


# --- holding --------------------------------------------------------------------------------------------------------


def test_a_hold_lasts_120_seconds_and_others_see_that_somebody_is_choosing(hall: Hall, clock: Clock) -> None:
    visit = hall.visit()
    assert state_seen(hall, "A1") == "free"
    claim = hall.hold(visit)
    assert claim.expires_at == clock() + timedelta(seconds=120)
    assert state_seen(hall, "A1") == "held"
    assert refusal(lambda: hall.hold(hall.visit())) == "seat_taken"
    clock.advance(seconds=120)
    assert state_seen(hall, "A1") == "held"
    assert refusal(lambda: hall.hold(hall.visit())) == "seat_taken"
    clock.advance(seconds=1)
    assert state_seen(hall, "A1") == "free"
    assert refusal(lambda: hall.hold(hall.visit())) == "done"


def test_tapping_the_same_seat_again_never_extends_a_hold(hall: Hall, clock: Clock) -> None:
    visit = hall.visit()
    until = hall.hold(visit).expires_at
    clock.advance(seconds=100)
    assert hall.hold(visit).expires_at == until
    assert len(hall.claims()) == 1


def test_a_visit_holds_one_seat_and_gives_back_the_one_before(hall: Hall) -> None:
    visit = hall.visit()
    hall.hold(visit, "A1")
    hall.hold(visit, "A2")
    assert (hall.claims("A1"), hall.claims("A2")) == ([], [MORNING])


def test_who_cannot_get_the_next_seat_keeps_the_one_they_hold(hall: Hall) -> None:
    visit = hall.visit()
    hall.hold(hall.visit(), "A2")
    hall.hold(visit, "A1")
    assert refusal(lambda: hall.hold(visit, "A2")) == "seat_taken"
    assert hall.claims("A1") == [MORNING]


def test_the_wipe_frees_what_was_held(hall: Hall) -> None:
    visit = hall.visit(kiosk=True)
    hall.hold(visit, kiosk=True)
    end_visit(visit.id)
    assert hall.claims() == []
    assert refusal(lambda: hall.hold(visit, kiosk=True)) == "visit_over"


def test_the_next_person_at_the_kiosk_frees_what_the_one_before_held(hall: Hall) -> None:
    hall.hold(hall.visit(kiosk=True), kiosk=True)
    hall.visit(kiosk=True)
    assert hall.claims() == []


def test_touching_is_not_overlapping(hall: Hall) -> None:
    hall.book(hall.cast.chen, when=span("09:00", "10:00"))
    assert refusal(lambda: hall.book(hall.cast.aqiang, when=span("10:00", "11:00"))) == "done"
    assert refusal(lambda: hall.hold(hall.visit(), when=span("09:30", "10:30"))) == "seat_taken"
    assert refusal(lambda: hall.hold(hall.visit(), when=span("11:00", "12:00"))) == "done"


# --- confirming -----------------------------------------------------------------------------------------------------


def test_a_confirmed_hold_is_a_booking_that_carries_the_policys_moments(hall: Hall, clock: Clock) -> None:
    visit = hall.visit(hall.cast.chen)
    hall.hold(visit)
    made = hall.confirm(visit)
    assert (made.state, made.channel, made.local_day) == ("booked", "phone", date(2026, 11, 24))
    assert (made.starts_at, made.ends_at) == (MORNING.start, MORNING.end)
    assert made.undo_until == clock() + timedelta(seconds=60)
    assert made.free_cancel_until == moment("2026-11-24 08:00")
    assert (made.check_in_from, made.check_in_until) == (
        moment("2026-11-24 08:30"),
        moment("2026-11-24 09:30"),
    )
    assert len(made.number) == 8
    claim = db.session.scalars(select(Claim)).one()
    assert (claim.booking_id, claim.visit_id, claim.expires_at) == (made.id, None, made.check_in_until)
    assert hall.line(hall.cast.chen) == [MORNING]


def test_a_later_policy_does_not_change_a_booking_that_stands(hall: Hall, clock: Clock) -> None:
    made = hall.book(hall.cast.chen)
    policy(hall, "check_in_after", 5)
    clock.set("2026-11-24 09:30")
    assert refusal(lambda: hall.check_in(made)) == "done"


def test_who_is_not_known_cannot_confirm(hall: Hall) -> None:
    visit = hall.visit()
    hall.hold(visit)
    assert refusal(lambda: hall.confirm(visit)) == "who"


def test_a_confirm_at_the_last_second_is_in_time_and_one_later_is_not(hall: Hall, clock: Clock) -> None:
    for late, outcome in ((120, "done"), (121, "hold_released")):
        visit = hall.visit(hall.cast.chen)
        hall.hold(visit, when=MORNING if late == 120 else AFTERNOON)
        clock.advance(seconds=late)
        assert refusal(lambda visit=visit: hall.confirm(visit)) == outcome  # type: ignore[misc]


def test_a_late_confirm_is_told_that_the_seat_was_released_and_what_else_is_near(
    client: FlaskClient, cast: Cast, clock: Clock
) -> None:
    at = Kiosk(client, cast)
    at.open("/c/shuibei/booking/spaces/reading/2026-11-24/?from=09:00&to=13:00&seat=A3")
    at.send("form[action$='/hold']")
    at.follow()
    at.follow()
    at.scan(cast.chen_code, next="/c/shuibei/booking/check/")
    at.follow()
    clock.advance(seconds=121)
    answer = at.send("form[action$='/confirm']")
    assert answer.status_code == 409
    assert "座位已释放" in answer.text
    offers = [line for line in ("A1", "A4", "A5", "原座位") if line in answer.text]
    assert len(offers) >= 2


def test_a_confirm_beside_another_booking_is_refused_with_ways_on(
    client: FlaskClient, cast: Cast, clock: Clock
) -> None:
    """On PostgreSQL the refused insert ends the transaction: the ways on are looked for after it."""
    page = client.get("/c/shuibei/identify/phone")
    asked = send(client, page, "/c/shuibei/identify/phone", phone="13800001187")
    send(client, client.get(asked.location), asked.location, pin="2580")
    for seat, status in (("A1", 303), ("A3", 409)):
        page = client.get(f"/c/shuibei/booking/spaces/reading/2026-11-24/?from=09:00&to=13:00&seat={seat}")
        held = send(client, page, "", form="form[action$='/hold']")
        page = client.get(held.location)
        answer = send(client, page, "", form="form[action$='/confirm']")
        assert answer.status_code == status
    assert "同一个时间只能约一处" in answer.text
    assert ways(answer)[1:] == ["看看我的安排", "换一天"]
    assert ways(answer)[0].endswith("下午 13:00"), "not the same time, where they are busy"


def test_a_closure_that_comes_between_hold_and_confirm_is_obeyed(hall: Hall) -> None:
    visit = hall.visit(hall.cast.chen)
    hall.hold(visit)
    centre = db.session.get_one(Centre, hall.cast.shuibei)
    add_one_off(
        OPERATOR, centre, "", moment("2026-11-24 10:00"), moment("2026-11-24 11:00"), False, "消防检修"
    )
    assert refusal(lambda: hall.confirm(visit)) == "closed"
    assert refusal(lambda: hall.hold(hall.visit(), "A2")) == "closed"
    assert refusal(lambda: hall.hold(hall.visit(), "A2", span("11:00", "13:00"))) == "done"


# --- limits ---------------------------------------------------------------------------------------------------------


def test_a_person_has_two_bookings_a_local_day_and_cancelling_gives_one_back(hall: Hall) -> None:
    first = hall.book(hall.cast.chen, when=span("09:00", "10:00"))
    hall.book(hall.cast.chen, when=span("10:00", "11:00"))
    third = span("11:00", "12:00")
    assert refusal(lambda: hall.book(hall.cast.chen, when=third)) == "day_bookings"
    assert refusal(lambda: hall.book(hall.cast.chen, when=span("09:00", "10:00", WEDNESDAY))) == "done"
    hall.cancel(first)
    assert refusal(lambda: hall.book(hall.cast.chen, when=third)) == "done"


def test_a_person_has_eight_hours_a_local_day(hall: Hall) -> None:
    policy(hall, "day_bookings", 5)
    policy(hall, "day_minutes", 300)
    hall.book(hall.cast.chen, when=MORNING)
    assert refusal(lambda: hall.book(hall.cast.chen, when=span("13:00", "14:30"))) == "day_minutes"
    assert refusal(lambda: hall.book(hall.cast.chen, when=span("13:00", "14:00"))) == "done"


def test_used_minutes_stay_counted_and_those_given_back_do_not(hall: Hall, clock: Clock) -> None:
    policy(hall, "day_bookings", 5)
    policy(hall, "day_minutes", 300)
    made = hall.book(hall.cast.chen)
    clock.set("2026-11-24 09:00")
    hall.check_in(made)
    clock.set("2026-11-24 10:00")
    hall.leave(made)
    assert refusal(lambda: hall.book(hall.cast.chen, when=AFTERNOON)) == "done"
    assert refusal(lambda: hall.book(hall.cast.chen, when=span("11:00", "12:00"))) == "day_minutes"


def test_not_coming_does_not_give_the_right_back(hall: Hall, clock: Clock) -> None:
    hall.kiosk_goes()
    hall.book(hall.cast.chen, when=span("09:00", "10:00"))
    hall.book(hall.cast.chen, when=span("13:00", "14:00"))
    clock.set("2026-11-24 09:31")
    assert refusal(lambda: hall.book(hall.cast.chen, when=span("15:00", "16:00"))) == "day_bookings"


def test_a_local_day_is_the_centres_and_not_utcs(hall: Hall) -> None:
    """08:00 in Shanghai is midnight in UTC; both bookings are on one local day whatever UTC says."""
    made = hall.book(hall.cast.chen, when=span("09:00", "10:00"))
    assert made.local_day == date(2026, 11, 24)
    db.session.expire_all()
    midnight = moment("2026-11-24 00:00")
    assert [
        row.id for row in queries.bookings_of(hall.cast.chen, midnight, midnight + timedelta(days=1))
    ] == [made.id]


def test_one_person_is_in_one_place_at_a_time_whatever_the_space(hall: Hall) -> None:
    hall.book(hall.cast.chen, "A1", MORNING)
    overlapping = span("12:00", "13:00")
    assert refusal(lambda: hall.book(hall.cast.chen, "R1", overlapping, space="elder")) == "person_busy"
    assert refusal(lambda: hall.book(hall.cast.chen, "R1", AFTERNOON, space="elder")) == "done"


# --- checking in and not coming -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        ("08:29:59", "check_in_early"),
        ("08:30:00", "done"),
        ("09:30:00", "done"),
        ("09:30:01", "check_in_late"),
    ],
)
def test_check_in_is_open_from_30_minutes_before_to_30_after_both_ends_included(
    hall: Hall, clock: Clock, at: str, outcome: str
) -> None:
    made = hall.book(hall.cast.chen)
    clock.set(f"2026-11-24 {at}")
    assert refusal(lambda: hall.check_in(made)) == outcome
    assert (
        hall.state(made)
        == {"done": "in_use", "check_in_early": "booked", "check_in_late": "no_show"}[outcome]
    )


def test_checking_in_twice_is_checking_in_once(hall: Hall, clock: Clock) -> None:
    made = hall.book(hall.cast.chen)
    clock.set("2026-11-24 08:45")
    hall.check_in(made)
    clock.set("2026-11-24 09:15")
    assert hall.check_in(made).checked_in_at == moment("2026-11-24 08:45")


def test_who_sits_keeps_the_seat_after_the_window(hall: Hall, clock: Clock) -> None:
    made = hall.book(hall.cast.chen)
    clock.set("2026-11-24 08:45")
    hall.check_in(made)
    clock.set("2026-11-24 10:00")
    tidy()
    assert refusal(lambda: hall.hold(hall.visit(), when=span("10:30", "12:30"))) == "seat_taken"
    assert hall.state(made) == "in_use"


def test_a_missed_seat_is_free_for_anyone_with_the_clock_process_stopped(hall: Hall, clock: Clock) -> None:
    hall.kiosk_goes()
    made = hall.book(hall.cast.chen)
    clock.set("2026-11-24 09:30")
    assert state_seen(hall, "A1") == "taken"
    clock.set("2026-11-24 09:30:01")
    assert state_seen(hall, "A1") == "free"
    assert queries.state_now(made, now()) == "no_show"
    assert hall.state(made) == "booked", "derived from the times; nobody has written it down yet"
    hall.hold(hall.visit(), when=span("10:00", "12:00"))
    assert hall.state(made) == "no_show"
    assert hall.violations(hall.cast.chen) == ["no_show"]


def test_a_no_show_is_written_once_whoever_comes_next(hall: Hall, clock: Clock) -> None:
    hall.kiosk_goes()
    made = hall.book(hall.cast.chen)
    clock.set("2026-11-24 09:31")
    assert tidy() == 1
    assert tidy() == 0
    assert refusal(lambda: hall.check_in(made)) == "check_in_late"
    assert refusal(lambda: hall.cancel(made)) == "not_now"
    hall.hold(hall.visit(), when=span("10:00", "12:00"))
    hall.book(hall.cast.chen, "A2", span("10:00", "11:00"))
    assert hall.violations(hall.cast.chen) == ["no_show"]
    violation = db.session.scalars(select(Violation)).one()
    assert violation.at == moment("2026-11-24 09:30"), "when the time was over, not when somebody looked"


def test_nobody_is_blamed_where_the_kiosk_was_down_in_the_window(hall: Hall, clock: Clock) -> None:
    made = hall.book(hall.cast.chen)
    clock.set("2026-11-24 08:00")
    beat(hall.device(), {})
    clock.set("2026-11-24 09:45")
    tidy()
    assert hall.state(made) == "no_show"
    assert hall.violations(hall.cast.chen) == []


def test_an_outage_that_is_over_excuses_too(hall: Hall, clock: Clock) -> None:
    hall.book(hall.cast.chen)
    for wall in ("2026-11-24 08:40", "2026-11-24 08:50"):
        clock.set(wall)
        beat(hall.device(), {})
    hall.kiosk_lives("2026-11-24 09:31")
    tidy()
    assert hall.violations(hall.cast.chen) == []


def test_an_outage_before_the_window_excuses_nobody(hall: Hall, clock: Clock) -> None:
    hall.book(hall.cast.chen)
    clock.set("2026-11-24 08:20")
    hall.kiosk_lives("2026-11-24 09:31")
    tidy()
    assert hall.violations(hall.cast.chen) == ["no_show"]


def test_staff_may_check_somebody_in_late_but_not_after_the_end(hall: Hall, clock: Clock) -> None:
    first = hall.book(hall.cast.chen)
    second = hall.book(hall.cast.aqiang, "A2")
    clock.set("2026-11-24 10:00")
    attend.check_in(hall.desk(), first.id)
    assert hall.state(first) == "in_use"
    clock.set("2026-11-24 13:00")
    assert refusal(lambda: attend.check_in(hall.desk(), second.id)) == "not_now"
    assert hall.state(second) == "booked"


@pytest.mark.parametrize("tidied", [False, True])
def test_who_comes_late_is_checked_in_by_staff_whether_or_not_the_clock_process_runs(
    hall: Hall, clock: Clock, *, tidied: bool
) -> None:
    hall.kiosk_goes()
    made = hall.book(hall.cast.chen)
    clock.set("2026-11-24 10:00:20")
    if tidied:
        assert tidy() == 1
        assert hall.violations(hall.cast.chen) == ["no_show"]
        assert refusal(lambda: hall.check_in(made)) == "check_in_late", "the person alone cannot"
    attend.check_in(hall.desk(), made.id)
    db.session.refresh(made)
    assert (hall.state(made), made.checked_in_at, made.ended_at) == ("in_use", clock(), None)
    assert hall.violations(hall.cast.chen) == []
    assert refusal(lambda: hall.hold(hall.visit(), when=span("10:30", "12:30"))) == "seat_taken"
    busy = lambda: hall.book(hall.cast.chen, "A2", span("11:00", "12:00"))  # noqa: E731
    assert refusal(busy) == "person_busy"
    attend.leave(hall.desk(), made.id)
    assert state_seen(hall, "A1", span("10:30", "12:30")) == "free"


def test_a_late_person_is_not_checked_in_on_a_seat_that_somebody_else_has_until_the_end(
    hall: Hall, clock: Clock
) -> None:
    hall.kiosk_goes()
    made = hall.book(hall.cast.chen)
    clock.set("2026-11-24 09:31")
    hall.book(hall.cast.aqiang, when=span("12:00", "13:00"))
    clock.set("2026-11-24 10:00")
    assert refusal(lambda: attend.check_in(hall.desk(), made.id)) == "seat_taken"
    assert hall.state(made) == "no_show"
    assert hall.violations(hall.cast.chen) == ["no_show"]
    assert hall.claims() == [span("12:00", "13:00")]


def test_staff_check_a_late_group_into_the_whole_room(hall: Hall, clock: Clock) -> None:
    made = by_staff(hall, None, MORNING, resident_id=hall.cast.chen)
    clock.set("2026-11-24 10:00")
    tidy()
    assert hall.claims() == []
    attend.check_in(hall.desk(), made.id)
    assert hall.claims("A1") == hall.claims("C8") == [span("10:00", "13:00")]


def test_staff_check_in_on_the_bookings_day_and_not_days_before(hall: Hall, clock: Clock) -> None:
    made = hall.book(hall.cast.chen)
    clock.set("2026-11-23 23:59:59")
    assert refusal(lambda: attend.check_in(hall.desk(), made.id)) == "check_in_early"
    assert hall.state(made) == "booked"
    clock.set("2026-11-24 00:00")
    attend.check_in(hall.desk(), made.id)
    assert hall.state(made) == "in_use"


# --- use now, leave, undo, cancel -----------------------------------------------------------------------------------


def test_use_now_at_the_kiosk_books_the_running_time_and_checks_in(hall: Hall, clock: Clock) -> None:
    clock.set("2026-11-24 09:41:30")
    visit = hall.visit(hall.cast.chen, kiosk=True)
    rest = span("09:41", "13:00")
    hall.hold(visit, when=rest, kiosk=True)
    made = hall.confirm(visit, kiosk=True)
    assert (made.state, made.checked_in_at) == ("in_use", clock())
    assert hall.claims() == [rest]
    clock.set("2026-11-24 12:59")
    assert refusal(lambda: hall.hold(hall.visit(), when=AFTERNOON)) == "done"
    assert tidy() == 0


def test_on_a_phone_a_time_that_has_begun_cannot_be_held(hall: Hall, clock: Clock) -> None:
    clock.set("2026-11-24 09:41:30")
    assert refusal(lambda: hall.hold(hall.visit(), when=span("09:41", "13:00"))) == "past"
    assert refusal(lambda: hall.hold(hall.visit(), when=span("10:00", "13:00"))) == "done"


def test_signing_out_frees_the_rest_for_others_and_for_oneself(hall: Hall, clock: Clock) -> None:
    made = hall.book(hall.cast.chen)
    clock.set("2026-11-24 09:00")
    hall.check_in(made)
    clock.set("2026-11-24 10:30")
    hall.leave(made)
    assert hall.claims() == hall.line(hall.cast.chen) == [span("09:00", "10:30")]
    assert refusal(lambda: hall.book(hall.cast.aqiang, when=span("11:00", "13:00"))) == "done"
    assert refusal(lambda: hall.book(hall.cast.chen, "A2", span("11:00", "12:00"))) == "done"
    assert refusal(lambda: hall.leave(made)) == "done", "leaving twice is leaving once"


def test_the_next_person_may_sit_down_in_the_minute_in_which_somebody_leaves(
    hall: Hall, clock: Clock
) -> None:
    clock.set("2026-11-24 09:41:30")
    made = hall.book(hall.cast.chen, when=span("09:41", "13:00"), kiosk=True)
    clock.set("2026-11-24 10:30:20")
    hall.leave(made)
    rest = span("10:30", "13:00")
    assert refusal(lambda: hall.book(hall.cast.aqiang, when=rest, kiosk=True)) == "done"
    assert refusal(lambda: hall.book(hall.cast.chen, "A2", rest, kiosk=True)) == "done"


def test_who_leaves_early_leaves_the_time_to_tidy_up(hall: Hall, clock: Clock) -> None:
    policy(hall, "buffer_minutes", 15)
    made = hall.book(hall.cast.chen)
    clock.set("2026-11-24 09:00")
    hall.check_in(made)
    clock.set("2026-11-24 10:00")
    hall.leave(made)
    assert hall.claims() == [span("09:00", "10:15")]
    assert hall.line(hall.cast.chen) == [span("09:00", "10:00")]


def test_cancelling_after_check_in_is_signing_out(hall: Hall, clock: Clock) -> None:
    made = hall.book(hall.cast.chen)
    clock.set("2026-11-24 09:10")
    hall.check_in(made)
    clock.set("2026-11-24 10:00")
    hall.cancel(made)
    assert hall.state(made) == "left"
    assert hall.violations(hall.cast.chen) == []
    assert hall.claims() == [span("09:00", "10:00")]


def test_who_came_early_and_went_before_the_start_leaves_nothing_behind(hall: Hall, clock: Clock) -> None:
    made = hall.book(hall.cast.chen)
    clock.set("2026-11-24 08:35")
    hall.check_in(made)
    clock.set("2026-11-24 08:50")
    hall.leave(made)
    assert hall.claims() == hall.line(hall.cast.chen) == []


@pytest.mark.parametrize(("seconds", "outcome"), [(60, "done"), (61, "undo_late")])
def test_undo_is_open_for_60_seconds(hall: Hall, clock: Clock, seconds: int, outcome: str) -> None:
    made = hall.book(hall.cast.chen)
    clock.advance(seconds=seconds)
    assert refusal(lambda: hall.undo(made)) == outcome


@pytest.mark.parametrize("sent", [False, True])
def test_an_undone_booking_is_no_longer_announced_and_who_was_told_is_told_so(
    hall: Hall, clock: Clock, *, sent: bool
) -> None:
    hall.book(hall.cast.chen, "A2", AFTERNOON)
    made = hall.book(hall.cast.chen)
    deliver_due()
    if sent:
        send_due()
    hall.undo(made)
    deliver_due()
    send_due()
    told = db.session.scalars(select(Message.kind).where(Message.sent_at.is_not(None)).order_by(Message.id))
    assert list(told) == ["booking.made", *(["booking.made", "booking.undone"] if sent else [])]


def test_a_booking_undone_before_its_message_was_written_is_never_announced(hall: Hall, clock: Clock) -> None:
    hall.undo(hall.book(hall.cast.chen))
    deliver_due()
    assert db.session.scalars(select(Message.kind)).all() == []


def test_undo_is_never_a_violation_even_when_the_start_is_near(hall: Hall, clock: Clock) -> None:
    clock.set("2026-11-24 08:55")
    made = hall.book(hall.cast.chen)
    clock.advance(seconds=30)
    hall.undo(made)
    assert hall.claims() == hall.line(hall.cast.chen) == []
    assert hall.violations(hall.cast.chen) == []
    assert refusal(lambda: hall.book(hall.cast.chen)) == "done"


def test_use_now_can_be_undone(hall: Hall, clock: Clock) -> None:
    clock.set("2026-11-24 09:41:30")
    made = hall.book(hall.cast.chen, when=span("09:41", "13:00"), kiosk=True)
    clock.advance(seconds=20)
    hall.undo(made)
    assert hall.state(made) == "cancelled"
    assert refusal(lambda: hall.book(hall.cast.chen, when=span("09:41", "13:00"), kiosk=True)) == "done"


@pytest.mark.parametrize(("at", "blamed"), [("08:00:00", []), ("08:00:01", ["late_cancel"])])
def test_cancelling_later_than_an_hour_before_is_a_violation(
    hall: Hall, clock: Clock, at: str, blamed: list[str]
) -> None:
    made = hall.book(hall.cast.chen)
    clock.set(f"2026-11-24 {at}")
    hall.cancel(made)
    hall.cancel(made)
    assert hall.state(made) == "cancelled"
    assert hall.violations(hall.cast.chen) == blamed
    assert hall.claims() == hall.line(hall.cast.chen) == []


def test_staff_cancel_with_a_reason_and_nobody_is_blamed(hall: Hall, clock: Clock) -> None:
    made = hall.book(hall.cast.chen)
    clock.set("2026-11-24 08:55")
    assert refusal(lambda: attend.cancel(hall.desk(), made.id, " ")) == "reason_missing"
    attend.cancel(hall.desk(), made.id, "空调坏了")
    assert hall.state(made) == "cancelled"
    assert hall.violations(hall.cast.chen) == []


def test_what_is_over_cannot_be_changed_any_more(hall: Hall) -> None:
    made = hall.book(hall.cast.chen)
    hall.undo(made)
    assert [refusal(lambda verb=verb: verb(made)) for verb in (hall.leave, hall.check_in)] == ["not_now"] * 2  # type: ignore[misc]


# --- seats that are kept, days that are not open --------------------------------------------------------------------


def test_a_share_of_the_seats_is_kept_for_those_who_walk_in(hall: Hall, clock: Clock) -> None:
    clock.set("2026-11-24 08:00")
    assert refusal(lambda: hall.hold(hall.visit(), "B5")) == "seat_kept"
    kiosk = hall.visit(kiosk=True)
    assert refusal(lambda: hall.hold(kiosk, "B5", kiosk=True)) == "done"
    assert (
        refusal(lambda: hall.hold(kiosk, "B5", span("09:00", "13:00", WEDNESDAY), kiosk=True)) == "seat_kept"
    )
    clock.set("2026-11-24 10:30")
    assert refusal(lambda: hall.hold(hall.visit(), "B6", AFTERNOON)) == "done"


def test_adapted_seats_are_kept_for_those_who_need_them(hall: Hall, clock: Clock) -> None:
    clock.set("2026-11-24 08:00")
    assert refusal(lambda: hall.book(hall.cast.chen, "C6")) == "seat_kept"
    assert refusal(lambda: hall.book(hall.cast.wheel, "C6")) == "done"
    clock.set("2026-11-24 10:00")
    assert refusal(lambda: hall.book(hall.cast.chen, "C8", AFTERNOON)) == "done"


def test_who_held_an_adapted_seat_before_we_knew_them_cannot_confirm_it(hall: Hall) -> None:
    visit = hall.visit()
    hall.hold(visit, "C6")
    know(visit.id, hall.cast.chen, "pin")
    db.session.refresh(visit)
    assert refusal(lambda: hall.confirm(visit)) == "seat_kept"


def test_each_new_last_day_opens_at_ten_and_nothing_beyond_it(hall: Hall, clock: Clock) -> None:
    monday = span("09:00", "13:00", "2026-11-30")
    clock.set("2026-11-23 09:59:59")
    assert refusal(lambda: hall.book(hall.cast.chen, when=monday)) == "too_early"
    clock.set("2026-11-23 10:00")
    assert refusal(lambda: hall.book(hall.cast.chen, when=monday)) == "done"
    tuesday = span("09:00", "13:00", "2026-12-01")
    assert refusal(lambda: hall.book(hall.cast.chen, when=tuesday)) == "too_early"


def test_a_closed_stretch_is_refused_and_an_opening_apart_from_the_hours_is_taken(hall: Hall) -> None:
    centre = db.session.get_one(Centre, hall.cast.shuibei)
    sunday = span("10:00", "12:00", "2026-11-29")
    assert refusal(lambda: hall.book(hall.cast.chen, when=sunday)) == "closed"
    add_one_off(OPERATOR, centre, "reading", sunday.start, sunday.end, True, "读书会")
    assert refusal(lambda: hall.book(hall.cast.chen, when=sunday)) == "done"
    assert refusal(lambda: hall.book(hall.cast.aqiang, "R1", sunday, space="elder")) == "closed"
    add_one_off(
        OPERATOR, centre, "reading", moment("2026-11-25 00:00"), moment("2026-11-26 00:00"), False, "消防"
    )
    assert refusal(lambda: hall.book(hall.cast.aqiang, when=span("09:00", "13:00", WEDNESDAY))) == "closed"


def test_the_buffer_belongs_to_the_booking_and_may_pass_closing_time(hall: Hall) -> None:
    policy(hall, "buffer_minutes", 15)
    hall.book(hall.cast.chen, when=span("09:00", "10:00"))
    assert hall.claims() == [span("09:00", "10:15")]
    assert hall.line(hall.cast.chen) == [span("09:00", "10:00")], "the person is free at once"
    assert refusal(lambda: hall.book(hall.cast.aqiang, when=span("10:00", "11:00"))) == "seat_taken"
    assert refusal(lambda: hall.book(hall.cast.aqiang, when=span("10:30", "11:30"))) == "done"
    assert refusal(lambda: hall.book(hall.cast.aqiang, when=span("16:00", "17:00"))) == "done"


def test_rooms_that_need_approval_are_asked_for_at_the_desk(hall: Hall) -> None:
    assert refusal(lambda: hall.hold(hall.visit(), "ROOM", MORNING, space="hall")) == "ask_desk"


# --- staff ----------------------------------------------------------------------------------------------------------


def by_staff(hall: Hall, seat: str | None, when: Interval, **more: object) -> Booking:
    unit = hall.unit(seat) if seat else None
    return book.book_for(hall.staff(hall.cast.wu), hall.space(), unit, when, **more)  # type: ignore[arg-type]


def test_the_whole_room_and_its_seats_exclude_each_other(hall: Hall) -> None:
    whole = by_staff(hall, None, MORNING, title="读书会", party=20)
    assert len(db.session.scalars(select(Claim).where(Claim.booking_id == whole.id)).all()) == 24
    assert refusal(lambda: hall.hold(hall.visit(), "C1")) == "seat_taken"
    hall.book(hall.cast.chen, "C1", AFTERNOON)
    assert refusal(lambda: by_staff(hall, None, AFTERNOON, title="讲座")) == "space_taken"
    attend.cancel(hall.desk(), whole.id, "改期")
    assert refusal(lambda: hall.hold(hall.visit(), "C1")) == "done"


def test_an_event_of_the_house_is_nobodys_no_show(hall: Hall, clock: Clock) -> None:
    whole = by_staff(hall, None, MORNING, title="读书会")
    clock.set("2026-11-24 10:00")
    tidy()
    assert hall.state(whole) == "booked"
    assert queries.state_now(whole, now()) != "no_show"
    assert refusal(lambda: hall.hold(hall.visit(), "A1", span("10:30", "12:00"))) == "seat_taken"


def test_limits_and_kept_seats_do_not_bind_staff_but_hours_and_others_do(hall: Hall) -> None:
    chen = hall.cast.chen
    for seat, when in (
        ("B5", span("09:00", "10:00")),
        ("C6", span("10:00", "11:00")),
        ("A1", span("11:00", "11:30")),
    ):
        assert refusal(lambda seat=seat, when=when: by_staff(hall, seat, when, resident_id=chen)) == "done"  # type: ignore[misc]
    assert refusal(lambda: by_staff(hall, "B5", span("09:30", "10:00"), title="x")) == "seat_taken"
    assert refusal(lambda: by_staff(hall, "A1", span("17:00", "18:00"), title="x")) == "closed"
    assert refusal(lambda: by_staff(hall, "A1", span("09:00", "10:00", "2026-11-20"), title="x")) == "past"
    assert refusal(lambda: by_staff(hall, "A1", MORNING)) == "whom"


def test_staff_may_let_a_person_overlap_with_a_reason_that_is_kept(hall: Hall) -> None:
    chen = hall.cast.chen
    hall.book(chen, "A1", MORNING)
    assert refusal(lambda: by_staff(hall, "A2", MORNING, resident_id=chen)) == "person_busy"
    made = by_staff(hall, "A2", MORNING, resident_id=chen, overlap_reason="陪孙女做作业")
    reasons = db.session.scalars(select(Commitment.overlap_reason).where(Commitment.ref_id == made.id)).all()
    assert reasons == ["陪孙女做作业"]
    audit = db.session.scalars(
        select(Audit).where(Audit.verb == "booking.made", Audit.subject_id == made.id)
    ).one()
    assert (audit.actor_kind, audit.detail["overlap"]) == ("staff", True)


def test_staff_cannot_seat_somebody_now_in_a_time_that_has_not_begun(hall: Hall) -> None:
    made = by_staff(hall, "A1", MORNING, resident_id=hall.cast.chen, use_now=True)
    assert (made.state, made.checked_in_at) == ("booked", None)


def test_who_has_moved_away_can_no_longer_book(hall: Hall) -> None:
    with unit_of_work():
        db.session.get_one(Resident, hall.cast.chen).lifecycle = "moved_away"
    assert refusal(lambda: hall.book(hall.cast.chen)) == "not_active"


def test_every_verb_leaves_its_line_in_the_audit(hall: Hall, clock: Clock) -> None:
    made = hall.book(hall.cast.chen)
    clock.set("2026-11-24 09:00")
    hall.check_in(made)
    hall.leave(made)
    lines = db.session.scalars(
        select(Audit.verb).where(Audit.subject_kind == "booking").order_by(Audit.id)
    ).all()
    assert lines == ["booking.made", "booking.checked_in", "booking.left"]


def test_a_refusal_names_its_reason_in_plain_words(hall: Hall) -> None:
    hall.book(hall.cast.chen)
    with pytest.raises(Refused) as refused:
        hall.book(hall.cast.aqiang)
    assert refused.value.title == "A1 刚被别人选走了"
    assert "您没有做错" in refused.value.text
