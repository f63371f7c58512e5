"""Bookings of people that the demo speaks of."""

from datetime import datetime, timedelta

from booking.opening import SpaceDay
from core.clock import local
from core.intervals import Interval
from demo.neighbours import Neighbours
from demo.seats import Room
from demo.stage import Stage
from demo.story import Story

CHEN, CHEN_SEAT = "chen", "A3"
NEVER_COMES = "R50"
MISSED = (1, 5, 9)
"""How many open days ago the one who never comes did not come."""


def load_named(
    stage: Stage,
    people: Neighbours,
    room: Room,
    past: list[SpaceDay],
    coming: list[SpaceDay],
    ids: dict[str, int],
    desk: int,
) -> None:
    """陈秀英 sat at A3 the last time and will tomorrow morning; one neighbour has missed three bookings.

    past, coming: open days of the reading room, nearest first; coming from tomorrow on.
    """
    chen = ids[CHEN]
    seat = next(unit for unit in room.units if unit.code == CHEN_SEAT)
    last, span = past[0], _morning(past[0])
    people.occupy(seat, span, last)
    before = Story(stage, chen)
    before.books(_lately(stage, last), seat, span)
    before.arrives(span.start + timedelta(minutes=2))
    before.leaves(span.end - timedelta(minutes=40))

    day, span = coming[0], _morning(coming[0])
    people.occupy(seat, span, day)
    moment = room.booked_at(day)
    if moment:
        Story(stage, chen).books(moment, seat, span)
    else:  # beyond the horizon after long holidays: the desk may
        Story(stage, chen).asks_desk(stage.now - timedelta(minutes=20), desk, room.space, seat, span)

    person = ids[NEVER_COMES]
    for number in MISSED:
        day = past[number - 1]
        span = _morning(day)
        unit = people.seat(room.plain, span, day)
        if unit:
            Story(stage, person).books(_lately(stage, day), unit, span)


def _morning(day: SpaceDay) -> Interval:
    """The opening before noon, or the first of a day without one."""
    return next((one for one in day.openings if local(one.start, day.zone).hour < 12), day.openings[0])


def _lately(stage: Stage, day: SpaceDay) -> datetime:
    return min(day.start - timedelta(hours=5), stage.now)
