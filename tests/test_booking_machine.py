"""Anything that people may do, in any order: the house agrees with a small model of itself that shares no code with it.

The model is a list of what somebody holds or has booked; after each step the database is looked over too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select

from booking.jobs import tidy
from booking.models import Booking, Claim, Violation
from booking.services import attend, book
from core.audit import Actor
from core.database import db, unit_of_work
from core.errors import Refused
from core.events import Delivery, Event
from core.intervals import Interval
from core.outbox import Message
from core.requestkeys import RequestKey
from kiosk.models import Outage, Visit
from kiosk.services import begin_visit, end_visit, know
from people.models import Commitment
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.hall import ALL, Hall, moment, span

SEATS = ("A1", "A2", "B1")
HOURS = ((9, 10), (9, 11), (10, 11), (10, 13), (11, 12), (13, 15), (14, 15), (14, 17))
START = moment("2026-11-24 08:50:20")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass
class Held:
    """What the model knows of a hold."""

    seat: str
    start: datetime
    end: datetime
    until: datetime


@dataclass
class Booked:
    """What the model knows of a booking. `seat_until`, `busy_until`: until when the seat and the person are taken."""

    id: int
    who: str
    seat: str
    start: datetime
    end: datetime
    made: datetime
    state: str = "booked"
    cut: datetime | None = None
    blamed: bool = False

    @property
    def late(self) -> datetime:
        """Until then one may check in."""
        return max(self.start, self.made) + 30 * MINUTE

    def truth(self, now: datetime) -> str:
        return "no_show" if self.state == "booked" and now > self.late else self.state

    def seat_span(self, now: datetime) -> tuple[datetime, datetime]:
        """The stretch in which nobody else may have the seat; empty where it is free."""
        state = self.truth(now)
        if state in ("booked", "in_use"):
            return self.start, self.end
        if state in ("left", "cancelled") and self.cut is not None:
            return self.start, self.cut
        return self.start, self.start

    def busy_span(self, now: datetime) -> tuple[datetime, datetime]:
        """The stretch in which the person is taken: who did not come is free when the time to come is over."""
        state = self.truth(now)
        if state == "no_show":
            return self.start, min(self.late, self.end)
        if state == "cancelled":
            return self.start, self.start
        return self.seat_span(now)


def overlap(a: tuple[datetime, datetime], b: tuple[datetime, datetime]) -> bool:
    return max(a[0], b[0]) < min(a[1], b[1])


class Machine(RuleBasedStateMachine):
    hall: Hall
    clock: Clock
    people: dict[str, int]

    def __init__(self) -> None:
        super().__init__()
        self.holds: dict[str, Held] = {}
        self.booked: list[Booked] = []
        self.visits: dict[str, Visit] = {}

    @initialize()
    def clean(self) -> None:
        with unit_of_work():
            for model in (
                Violation,
                Claim,
                Booking,
                Commitment,
                Delivery,
                Event,
                Message,
                RequestKey,
                Visit,
                Outage,
            ):
                db.session.execute(delete(model))
        db.session.expunge_all()
        self.clock.set(START)

    @property
    def now(self) -> datetime:
        return self.clock()

    # --- what the model says ---

    def seat_taken(self, seat: str, wanted: tuple[datetime, datetime], but: str = "") -> bool:
        held = [
            (hold.start, hold.end)
            for who, hold in self.holds.items()
            if who != but and hold.seat == seat and self.now <= hold.until
        ]
        there = [one.seat_span(self.now) for one in self.booked if one.seat == seat]
        return any(overlap(wanted, other) for other in [*held, *there])

    def busy(self, who: str, wanted: tuple[datetime, datetime]) -> bool:
        return any(overlap(wanted, one.busy_span(self.now)) for one in self.booked if one.who == who)

    def full(self, who: str) -> bool:
        return sum(one.who == who and one.truth(self.now) != "cancelled" for one in self.booked) >= 2

    def settle(self) -> None:
        """Who did not come is to blame; the model knows at once, the house when somebody looks."""
        for one in self.booked:
            if one.truth(self.now) == "no_show" and one.state == "booked":
                one.state, one.blamed = "no_show", True

    # --- what the house does ---

    def deed(self, expected: str, run: Callable[[], object]) -> object | None:
        """What the house did; None where it refused. It must do what the model expects."""
        done, outcome = None, "done"
        try:
            done = run()
        except Refused as refused:
            outcome = refused.code
        assert outcome == expected
        return done

    def visit(self, who: str) -> Visit:
        if who not in self.visits:
            visit = begin_visit(self.hall.cast.shuibei, None)[0]
            know(visit.id, self.people[who], "pin")
            self.visits[who] = visit
        return db.session.get_one(Visit, self.visits[who].id)

    def time_refused(self, start: datetime) -> str | None:
        return "past" if start < self.now else None

    @rule(who=st.sampled_from("xyz"), seat=st.sampled_from(SEATS), hours=st.sampled_from(HOURS))
    def hold(self, who: str, seat: str, hours: tuple[int, int]) -> None:
        wanted = span(f"{hours[0]:02d}:00", f"{hours[1]:02d}:00")
        mine = self.holds.get(who)
        same = mine is not None and (mine.seat, mine.start, mine.end) == (seat, wanted.start, wanted.end)
        taken = self.seat_taken(seat, (wanted.start, wanted.end), but=who)
        expected = self.time_refused(wanted.start) or ("seat_taken" if taken else "done")
        if self.deed(expected, lambda: self.hall.hold(self.visit(who), seat, wanted)) is None:
            return
        if not (same and mine is not None and self.now <= mine.until):
            self.holds[who] = Held(seat, wanted.start, wanted.end, self.now + timedelta(seconds=120))
        self.settle()

    @rule(who=st.sampled_from("xyz"), seat=st.sampled_from(SEATS), hours=st.sampled_from(HOURS))
    def hold_and_confirm(self, who: str, seat: str, hours: tuple[int, int]) -> None:
        self.hold(who, seat, hours)
        self.confirm(who)

    @rule(who=st.sampled_from("xyz"))
    def confirm(self, who: str) -> None:
        held = self.holds.get(who)
        if held is None or self.now > held.until:
            expected = "hold_released"
        elif self.full(who):
            expected = "day_bookings"
        else:
            expected = "person_busy" if self.busy(who, (held.start, held.end)) else "done"
        made = self.deed(expected, lambda: book.confirm_hold(self.visit(who), at_kiosk=False))
        if isinstance(made, Booking) and held is not None:
            self.remember(made, who, held.seat, held.start, held.end)
            del self.holds[who]

    def remember(
        self, made: Booking, who: str, seat: str, start: datetime, end: datetime, state: str = "booked"
    ) -> None:
        self.booked.append(Booked(made.id, who, seat, start, end, self.now, state))

    @rule(who=st.sampled_from("xyz"), seat=st.sampled_from(SEATS))
    def use_now(self, who: str, seat: str) -> None:
        start = self.now.replace(second=0, microsecond=0)
        end = next(
            (
                moment(f"2026-11-24 {hour}:00")
                for hour in (13, 17)
                if self.now < moment(f"2026-11-24 {hour}:00")
            ),
            None,
        )
        if end is None or start < moment("2026-11-24 09:00"):
            return
        wanted = (start, end)
        if self.full(who):
            expected = "day_bookings"
        elif self.busy(who, wanted):
            expected = "person_busy"
        else:
            expected = "seat_taken" if self.seat_taken(seat, wanted) else "done"
        made = self.deed(
            expected, lambda: self.hall.book(self.people[who], seat, Interval(start, end), kiosk=True)
        )
        if isinstance(made, Booking):
            self.remember(made, who, seat, start, end, "in_use")

    @rule(who=st.sampled_from("xyz"), seat=st.sampled_from(SEATS), hours=st.sampled_from(HOURS))
    def staff_book(self, who: str, seat: str, hours: tuple[int, int]) -> None:
        wanted = span(f"{hours[0]:02d}:00", f"{hours[1]:02d}:00")
        if self.now >= wanted.end:
            expected = "past"
        elif self.busy(who, (wanted.start, wanted.end)):
            expected = "person_busy"
        else:
            expected = "seat_taken" if self.seat_taken(seat, (wanted.start, wanted.end)) else "done"
        staff = self.hall.staff(self.hall.cast.wu)
        made = self.deed(
            expected,
            lambda: book.book_for(
                staff, self.hall.space(), self.hall.unit(seat), wanted, resident_id=self.people[who]
            ),
        )
        if isinstance(made, Booking):
            self.remember(made, who, seat, wanted.start, wanted.end)

    @precondition(lambda self: self.booked)
    @rule(which=st.integers(0, 9))
    def check_in(self, which: int) -> None:
        self.act(which, "check_in", "booked")

    @precondition(lambda self: self.booked)
    @rule(which=st.integers(0, 9))
    def leave(self, which: int) -> None:
        self.act(which, "leave", "in_use")

    @precondition(lambda self: self.booked)
    @rule(which=st.integers(0, 9))
    def cancel(self, which: int) -> None:
        self.act(which, "cancel", "booked")

    @precondition(lambda self: self.booked)
    @rule(which=st.integers(0, 9), verb=st.sampled_from(["check_in", "leave", "undo", "cancel"]))
    def anything(self, which: int, verb: str) -> None:
        self.act(which, verb, "")

    def act(self, which: int, verb: str, likely: str) -> None:
        """Do something to a booking: to one for which it is likely to make sense, if there is any."""
        fitting = [one for one in self.booked if one.truth(self.now) == likely] or self.booked
        one = fitting[which % len(fitting)]
        self.settle()
        now, minute = self.now, self.now.replace(second=0, microsecond=0)
        expected = "done"
        if verb == "check_in" and one.state != "in_use":
            if one.state == "booked":
                expected = "check_in_early" if now < one.start - 30 * MINUTE else "done"
            else:
                expected = "check_in_late" if one.state == "no_show" else "not_now"
        elif verb == "leave" and one.state not in ("in_use", "left"):
            expected = "not_now"
        elif verb == "undo" and one.state != "cancelled":
            late = now > one.made + MINUTE
            expected = "undo_late" if late else "done" if one.state in ("booked", "in_use") else "not_now"
        elif verb == "cancel" and one.state not in ("booked", "in_use", "cancelled", "left"):
            expected = "not_now"
        if verb == "cancel" and one.state == "left":
            expected = "not_now"
        written = db.session.scalar(select(Booking.state).where(Booking.id == one.id))
        db.session.rollback()
        if verb == "cancel" and one.state == "no_show" and written == "booked":
            expected = "done"  # it writes the no-show down, and that is all
        actor = Actor("resident", self.people[one.who])
        if self.deed(expected, lambda: getattr(attend, verb)(actor, one.id)) is None:
            return
        if one.state == "no_show":
            return
        if verb == "check_in":
            one.state = "in_use"
        elif verb == "undo" and one.state != "cancelled":
            one.state, one.cut = "cancelled", None
        elif one.state == "in_use" and verb in ("leave", "cancel"):
            one.state, one.cut = "left", max(one.start, min(minute, one.end))
        elif verb == "cancel" and one.state == "booked":
            one.blamed = now > one.start - HOUR and now > one.made + MINUTE
            one.state, one.cut = "cancelled", max(one.start, minute)

    @precondition(lambda self: self.visits)
    @rule(who=st.sampled_from("xyz"))
    def wipe(self, who: str) -> None:
        visit = self.visits.pop(who, None)
        if visit is not None:
            end_visit(visit.id)
            self.holds.pop(who, None)

    @rule(seconds=st.sampled_from([1, 20, 61, 119, 121, 600, 1200, 1799, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    @rule()
    def clock_process_beats(self) -> None:
        tidy()
        self.settle()

    # --- what must always be so ---

    @invariant()
    def live_claims_never_overlap(self) -> None:
        db.session.rollback()
        rows = db.session.execute(
            select(Claim.unit_id, Claim.starts_at, Claim.ends_at).order_by(Claim.unit_id, Claim.starts_at)
        ).all()
        assert all(a.unit_id != b.unit_id or a.ends_at <= b.starts_at for a, b in pairwise(rows))

    @invariant()
    def every_booking_has_exactly_its_claim_and_its_time(self) -> None:
        db.session.rollback()
        rows = {row.id: row for row in db.session.scalars(select(Booking))}
        claims = db.session.scalars(select(Claim).where(Claim.booking_id.is_not(None))).all()
        lines = db.session.scalars(select(Commitment)).all()
        assert len({claim.booking_id for claim in claims}) == len(claims)
        assert {line.ref_id for line in lines} <= set(rows)
        assert set(rows) == {one.id for one in self.booked}
        by_booking = {claim.booking_id: claim for claim in claims}
        line_of = {line.ref_id: line for line in lines}
        for one in self.booked:
            row, now = rows[one.id], self.now
            assert row.state in {
                one.state,
                one.truth(now),
                "booked" if one.truth(now) == "no_show" else one.state,
            }
            if one.truth(now) in ("booked", "in_use"):
                claim, line = by_booking[one.id], line_of[one.id]
                assert row.state == one.state
                assert (
                    (claim.starts_at, claim.ends_at) == (line.starts_at, line.ends_at) == (one.start, one.end)
                )
                assert (claim.expires_at is None) == (one.state == "in_use")
            elif row.state == one.truth(now):
                for span_now, found in ((one.seat_span(now), by_booking), (one.busy_span(now), line_of)):
                    kept = found.get(one.id)
                    assert (kept is None) == (span_now[0] >= span_now[1])
                    assert kept is None or (kept.starts_at, kept.ends_at) == span_now

    @invariant()
    def the_guilty_are_blamed_once_and_nobody_else(self) -> None:
        db.session.rollback()
        found = sorted(db.session.scalars(select(Violation.booking_id)))
        guilty = sorted(one.id for one in self.booked if one.blamed or one.truth(self.now) == "no_show")
        unwritten = {one.id for one in self.booked if one.truth(self.now) == "no_show"}
        assert len(set(found)) == len(found)
        assert set(found) <= set(guilty)
        assert set(guilty) - set(found) <= unwritten

    @invariant()
    def holds_are_what_the_model_holds(self) -> None:
        db.session.rollback()
        rows = db.session.scalars(select(Claim).where(Claim.visit_id.is_not(None))).all()
        live = sorted(
            (row.starts_at, row.ends_at) for row in rows if row.expires_at and row.expires_at >= self.now
        )
        assert live == sorted(
            (held.start, held.end) for held in self.holds.values() if held.until >= self.now
        )


@pytest.mark.parametrize("examples", [100 if ALL else 25])
def test_whatever_people_do_the_house_agrees_with_the_model(
    inside: Flask, cast: Cast, clock: Clock, examples: int
) -> None:
    hall = Hall(cast, clock)
    hall.kiosk_goes()
    Machine.hall, Machine.clock = hall, clock
    Machine.people = {"x": cast.chen, "y": cast.aqiang, "z": cast.wheel}
    few = db.engine.dialect.name == "postgresql" and not ALL
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples // 3 if few else examples,
            stateful_step_count=30,
            deadline=None,
            database=None,
            derandomize=not ALL,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
