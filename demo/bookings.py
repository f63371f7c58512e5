"""What happens in the rooms, from some days ago to some days ahead."""

from datetime import timedelta
from random import Random

from sqlalchemy import select

from booking import queries
from booking.models import Space
from booking.opening import SpaceDay, space_days
from centres.queries import centres
from core.database import db
from demo.events import load_appointments, load_events
from demo.files import read
from demo.named import CHEN, NEVER_COMES, load_named
from demo.neighbours import Neighbours, Wanted, is_elder
from demo.seats import Room
from demo.stage import Stage
from people.models import Resident

SEED = 20261123
BACK, AHEAD = timedelta(days=28), timedelta(days=40)
SHARES = {
    "reading": (0.4, 0.5, 0.34, 0.1),
    "elder": (0.3, 0.4, 0.25, 0.12),
    "sg_reading": (0.3, 0.4, 0.3, 0.1),
}
"""How full the rooms are on the last open day, today, the next open day and the two after it."""
APPOINTMENT_DAYS = 4
DESKS = {"shuibei": "F01", "sungang": "F14"}


def load_bookings(stage: Stage, residents: dict[str, int], staff: dict[str, int]) -> None:
    """Collect the scenes; `stage.play()` plays them."""
    rows = {row["code"]: row for row in read("spaces.yaml")["spaces"]}
    people = _neighbours({residents[CHEN], residents[NEVER_COMES]})
    for centre in centres():
        desk = staff[DESKS[centre.code]]
        for space in queries.spaces(centre.id):
            past, now, coming = _days(space, stage)
            if space.mode == "seats":
                room = Room(stage, people, space)
                if space.code == "reading":
                    load_named(stage, people, room, past, coming, residents, desk)
                _fill(room, past, now, coming)
            elif space.mode == "whole":
                load_events(stage, space, past, [*now, *coming], desk)
            else:
                days = [*past[:1], *now, *coming[:APPOINTMENT_DAYS]]
                load_appointments(stage, people, space, rows[space.code], days, desk)


def _neighbours(apart: set[int]) -> Neighbours:
    """Everybody who lives here but those `apart`, whose story is told by name."""
    active = select(Resident).where(
        Resident.lifecycle == "active", Resident.home_centre_id.is_not(None), Resident.id.not_in(apart)
    )
    return Neighbours(Random(SEED), db.session.scalars(active.order_by(Resident.id)).all())  # noqa: S311


def _days(space: Space, stage: Stage) -> tuple[list[SpaceDay], list[SpaceDay], list[SpaceDay]]:
    """Open days of a space before today, nearest first; today if it is one; those to come."""
    days = space_days(space, stage.today - BACK, stage.today + AHEAD)
    opened = [day for day in days if day.openings]
    return (
        [day for day in reversed(opened) if day.day < stage.today],
        [day for day in opened if day.day == stage.today],
        [day for day in opened if day.day > stage.today],
    )


def _fill(room: Room, past: list[SpaceDay], now: list[SpaceDay], coming: list[SpaceDay]) -> None:
    before, today, tomorrow, later = SHARES[room.space.code]
    shares = [(past[0], before), *((day, today) for day in now), (coming[0], tomorrow)]
    shares += [(day, later) for day in coming[1:3]]
    for day, share in shares:
        wanted: Wanted = is_elder(day.day) if room.space.code == "elder" else lambda _person: True
        room.fill(day, share, wanted)
