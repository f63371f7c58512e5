"""What the pages of a day are about, read from their address."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from flask import request

from booking import queries
from booking.forms import parse_day, parse_wall, show_moment
from booking.opening import Session, SpaceDay, sessions, space_day
from booking.queries import Room
from booking.views.root import load_space, space_url
from centres.models import Centre
from core.clock import at, now
from core.intervals import Interval
from kiosk.session import is_here, visit


@dataclass(frozen=True, slots=True)
class Choice:
    """What a seat page is about: the day, its sessions, the stretch that is chosen."""

    centre: Centre
    day: SpaceDay
    sessions: Sequence[Session]
    span: Interval | None
    room: Room

    @property
    def moment(self) -> datetime:
        return self.room.moment

    def url(self, where: str = "", span: Interval | None = None, **more: object) -> str:
        """Address of a page about this day, for a stretch, with what else is chosen."""
        chosen = span or self.span
        said = dict(more)
        if chosen is not None:
            zone = self.day.zone
            said = {
                "from": show_moment(chosen.start, zone)[11:],
                "to": show_moment(chosen.end, zone)[11:],
                **said,
            }
        said = {name: value for name, value in said.items() if value is not None}
        query = urlencode(said, safe=":")
        return f"{space_url(self.centre, self.day.space)}/{self.day.day}/{where}" + (
            f"?{query}" if query else ""
        )


def choose(code: str, space: str, day: str) -> Choice:
    """What the address says, or the first session with a free seat."""
    centre, place = load_space(code, space)
    the_day = space_day(place, parse_day(day))
    moment = now()
    offered = sessions(the_day, moment, at_kiosk=is_here())
    room = Room(the_day, queries.units(place.id), moment, at_kiosk=is_here(), visit=visit())
    span = _asked(the_day)
    if span is None:
        left = [session for session in offered if not session.over]
        best = next((session for session in left if room.free(session.span)), left[0] if left else None)
        span = best.span if best else None
    return Choice(centre, the_day, offered, span, room)


def _asked(day: SpaceDay) -> Interval | None:
    """`from` and `to` (HH:MM) of the address; None where they are absent or no times."""
    start, end = (parse_wall(request.args.get(name, "")) for name in ("from", "to"))
    if start is None or end is None or start >= end:
        return None
    return Interval(at(day.day, start, day.zone), at(day.day, end, day.zone))
