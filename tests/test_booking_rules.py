"""The decisions of booking as tables: no storage, no clock, every edge on both sides."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise, product

import pytest

from booking.rules import (
    MOVES,
    BookingPolicy,
    check_in_window,
    counts_for_day,
    free_from,
    in_window,
    is_late_cancel,
    is_live,
    kept_for,
    may_move,
    missed,
    next_step,
    on_step,
    over_limit,
    pieces,
    used_minutes,
    why_not,
)

MIDNIGHT = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
"""Of 24 November in Shanghai."""
STATES = ("booked", "in_use", "left", "cancelled", "no_show")
SECOND = timedelta(seconds=1)


def wall(text: str) -> datetime:
    hours, minutes = text.split(":")[:2]
    seconds = text.split(":")[2] if text.count(":") == 2 else "0"
    return MIDNIGHT + timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds))


OPENINGS = [(wall("09:00"), wall("13:00")), (wall("13:00"), wall("17:00")), (wall("18:00"), wall("20:30"))]
RELEASED = wall("10:00") - timedelta(days=7)


@pytest.mark.parametrize(
    ("opening", "longest", "step", "offered"),
    [
        (("09:00", "13:00"), 240, 30, ["09:00", "13:00"]),
        (("09:00", "13:00"), 239, 30, ["09:00", "11:00", "13:00"]),
        (("09:00", "17:00"), 240, 30, ["09:00", "13:00", "17:00"]),
        (("09:00", "17:30"), 240, 30, ["09:00", "11:30", "14:30", "17:30"]),
        (("18:00", "20:30"), 240, 30, ["18:00", "20:30"]),
        (("18:00", "20:30"), 60, 30, ["18:00", "18:30", "19:30", "20:30"]),
        (("09:00", "10:00"), 60, 60, ["09:00", "10:00"]),
        (("09:00", "09:10"), 240, 10, ["09:00", "09:10"]),
        (("09:00", "09:20"), 240, 60, ["09:00", "09:20"]),
    ],
)
def test_an_opening_is_offered_whole_or_in_even_pieces_of_the_step(
    opening: tuple[str, str], longest: int, step: int, offered: list[str]
) -> None:
    found = pieces(wall(opening[0]), wall(opening[1]), longest, step)
    assert found == list(pairwise(map(wall, offered)))


@pytest.mark.parametrize(
    ("total", "longest", "step"), list(product(range(10, 721, 35), (30, 60, 90, 240, 480), (10, 15, 30, 60)))
)
def test_pieces_cover_the_opening_without_gap_or_overlap(total: int, longest: int, step: int) -> None:
    start, end = wall("08:00"), wall("08:00") + timedelta(minutes=total)
    found = pieces(start, end, longest, step)
    assert found[0][0] == start
    assert found[-1][1] == end
    assert all(a[1] == b[0] for a, b in pairwise(found))
    assert all(a < b for a, b in found)
    assert all((a - start) % timedelta(minutes=step) == timedelta() for a, _b in found)


@pytest.mark.parametrize(
    ("times", "now", "use_now", "reason"),
    [
        (("09:00", "13:00"), "08:00", False, None),
        (("09:00", "10:00"), "09:00", False, None),
        (("09:00", "10:00"), "09:00:01", False, "past"),
        (("09:00", "10:00"), "10:00", False, "past"),
        (("12:00", "14:00"), "08:00", False, "closed"),
        (("08:30", "09:30"), "08:00", False, "closed"),
        (("16:30", "17:30"), "08:00", False, "closed"),
        (("16:00", "17:00"), "08:00", False, None),
        (("17:00", "18:00"), "08:00", False, "closed"),
        (("09:10", "10:10"), "08:00", False, "off_step"),
        (("09:00", "10:10"), "08:00", False, "off_step"),
        (("19:30", "20:30"), "08:00", False, None),
        (("09:00", "09:30"), "08:00", False, "too_short"),
        (("09:00", "10:00"), "08:00", False, None),
        (("10:00", "09:00"), "08:00", False, "times_odd"),
        (("09:00", "09:00"), "08:00", False, "times_odd"),
        (("09:00", "10:00:30"), "08:00", False, "times_odd"),
        (("09:41", "13:00"), "09:41:30", True, None),
        (("09:41", "13:00"), "10:10:59", True, None),
        (("09:41", "13:00"), "10:11", True, "past"),
        (("12:55", "13:00"), "12:55", True, None),
        (("12:55", "13:00"), "13:00", True, "past"),
        (("17:10", "18:00"), "17:10", True, "closed"),
    ],
)
def test_why_a_time_cannot_be_booked(
    times: tuple[str, str], now: str, use_now: bool, reason: str | None
) -> None:
    span = wall(times[0]), wall(times[1])
    said = why_not(span, OPENINGS, BookingPolicy(), 30, MIDNIGHT, RELEASED, wall(now), use_now=use_now)
    assert said == reason


def test_nothing_longer_than_the_longest_may_be_booked() -> None:
    all_day = [(wall("09:00"), wall("17:00"))]
    long, longer = (wall("09:00"), wall("13:00")), (wall("09:00"), wall("13:30"))
    asked = [
        why_not(span, all_day, BookingPolicy(), 30, MIDNIGHT, RELEASED, wall("08:00"))
        for span in (long, longer)
    ]
    assert asked == [None, "too_long"]


@pytest.mark.parametrize(("before", "reason"), [(SECOND, "too_early"), (timedelta(), None), (-SECOND, None)])
def test_a_day_opens_at_its_hour_to_the_second(before: timedelta, reason: str | None) -> None:
    span = wall("09:00"), wall("13:00")
    asked = why_not(span, OPENINGS, BookingPolicy(), 30, MIDNIGHT, RELEASED, RELEASED - before)
    assert asked == reason


@pytest.mark.parametrize("step", [10, 15, 30, 60])
def test_the_grid_counts_from_local_midnight(step: int) -> None:
    for minute in range(24 * 60):
        moment = MIDNIGHT + timedelta(minutes=minute)
        assert on_step(moment, MIDNIGHT, step) == (minute % step == 0)
        following = next_step(moment, MIDNIGHT, step)
        assert on_step(following, MIDNIGHT, step)
        assert timedelta() <= following - moment < timedelta(minutes=step)


HALF_TEN, TEN = wall("10:30"), wall("10:00")


@pytest.mark.parametrize(
    ("seat", "at_kiosk", "needs", "now", "kept"),
    [
        ("plain", False, False, "08:00", None),
        ("walk_in", False, False, "08:00", "walk_in"),
        ("walk_in", False, False, "10:29:59", "walk_in"),
        ("walk_in", False, False, "10:30", None),
        ("walk_in", True, False, "08:00", None),
        ("wheelchair", False, False, "08:00", "wheelchair"),
        ("wheelchair", True, False, "08:00", "wheelchair"),
        ("wheelchair", False, False, "09:59:59", "wheelchair"),
        ("wheelchair", False, False, "10:00", None),
        ("wheelchair", False, True, "08:00", None),
        ("wheelchair", False, None, "08:00", None),
    ],
)
def test_for_whom_a_seat_is_kept(
    seat: str, at_kiosk: bool, needs: bool | None, now: str, kept: str | None
) -> None:
    found = kept_for(
        walk_in=seat == "walk_in",
        wheelchair=seat == "wheelchair",
        at_kiosk_same_day=at_kiosk,
        needs_adapted=needs,
        walk_in_until=HALF_TEN,
        adapted_until=TEN,
        now=wall(now),
    )
    assert found == kept


@pytest.mark.parametrize(("walk_in", "wheelchair"), [(True, False), (False, True), (True, True)])
def test_where_the_policy_names_no_time_nothing_is_kept(walk_in: bool, wheelchair: bool) -> None:
    found = kept_for(
        walk_in=walk_in,
        wheelchair=wheelchair,
        at_kiosk_same_day=False,
        needs_adapted=False,
        walk_in_until=None,
        adapted_until=None,
        now=wall("08:00"),
    )
    assert found is None


@pytest.mark.parametrize(
    ("others", "minutes", "over"),
    [
        ([], 240, None),
        ([240], 240, None),
        ([240, 60], 60, "day_bookings"),
        ([241], 240, "day_minutes"),
        ([], 481, "day_minutes"),
        ([], 480, None),
    ],
)
def test_a_day_has_two_bookings_and_eight_hours(others: list[int], minutes: int, over: str | None) -> None:
    assert over_limit(others, minutes, BookingPolicy()) == over


@pytest.mark.parametrize(
    ("left_at", "minutes"),
    [(None, 240), ("10:00", 60), ("08:50", 0), ("09:00", 0), ("13:00", 240), ("13:20", 240)],
)
def test_used_minutes_are_counted_until_the_person_left(left_at: str | None, minutes: int) -> None:
    assert used_minutes(wall("09:00"), wall("13:00"), wall(left_at) if left_at else None) == minutes


def test_what_is_given_back_is_free_from_the_running_minute() -> None:
    assert free_from(wall("10:30:59")) == free_from(wall("10:30")) == wall("10:30")


def test_both_ends_of_the_time_to_check_in_are_inside_it() -> None:
    opens, until = check_in_window(wall("09:00"), wall("08:00"), BookingPolicy())
    assert (opens, until) == (wall("08:30"), wall("09:30"))
    moments = [opens - SECOND, opens, until, until + SECOND]
    assert [in_window(opens, until, moment) for moment in moments] == [False, True, True, False]
    assert [missed("booked", until, moment) for moment in moments] == [False, False, False, True]
    assert not any(missed(state, until, until + SECOND) for state in STATES if state != "booked")


def test_who_books_after_the_start_has_the_time_counted_from_then() -> None:
    assert check_in_window(wall("09:00"), wall("10:15"), BookingPolicy()) == (wall("08:30"), wall("10:45"))


def test_cancelling_is_free_until_an_hour_before_and_within_the_undo() -> None:
    free, undo = wall("08:00"), wall("08:30")
    assert not is_late_cancel(free, undo, free)
    assert not is_late_cancel(free, undo, free + SECOND), "still within the undo"
    assert not is_late_cancel(free, undo, undo)
    assert is_late_cancel(free, undo, undo + SECOND)
    assert not is_late_cancel(undo, free, undo)


LEGAL = {
    ("booked", "in_use"),
    ("booked", "cancelled"),
    ("booked", "no_show"),
    ("in_use", "left"),
    ("in_use", "cancelled"),
    ("no_show", "in_use"),
}


@pytest.mark.parametrize(("state", "to"), list(product(STATES, STATES)))
def test_every_move_is_legal_or_not_as_the_table_says(state: str, to: str) -> None:
    assert may_move(state, to) == ((state, to) in LEGAL)


def test_the_table_knows_every_state_and_no_other() -> None:
    assert set(MOVES) == set(STATES)
    assert {to for moves in MOVES.values() for to in moves} <= set(STATES)
    assert [state for state in STATES if is_live(state)] == ["booked", "in_use"]
    assert [state for state in STATES if not counts_for_day(state)] == ["cancelled"]


def test_the_house_begins_with_the_numbers_that_are_written_down() -> None:
    policy = BookingPolicy()
    assert (policy.hold_seconds, policy.undo_seconds, policy.horizon_days) == (120, 60, 7)
    assert (policy.check_in_before, policy.check_in_after, policy.free_cancel) == (30, 30, 60)
    assert (policy.day_bookings, policy.day_minutes, policy.release_at) == (2, 480, time(10))
    assert policy.violation_days == 30
