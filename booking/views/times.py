"""«改时间»: when it begins and how long it lasts."""

from datetime import timedelta
from typing import Any

from flask import render_template, request
from flask_babel import gettext as _

from booking.forms import parse_wall, show_moment
from booking.grid import steps_of
from booking.views.choice import Choice, choose
from booking.views.root import blueprint, space_url
from core.clock import at, local_day
from core.http.paging import paging
from core.intervals import Interval
from core.words import clock_words, full_day, minutes_words, part_of_day

KEYS_A_PAGE, STARTS_A_PAGE = 6, 5


@blueprint.get("/spaces/<space>/<day>/times")
def times(code: str, space: str, day: str) -> Any:
    """«改时间»: first when it begins, then how long; six keys a page. The whole day's grid is its twin; from the
    lengths «上一步» leads to the beginnings."""
    choice = choose(code, space, day)
    the_day, seat = choice.day, request.args.get("seat")
    begin = request.args.get("begin")
    keys = _lengths(choice, begin, seat) if begin else _starts(choice, seat)
    many = KEYS_A_PAGE if begin else STARTS_A_PAGE  # beside the starts stands the way to the whole day
    pages = paging(len(keys), many, lambda n: choice.url("times", seat=seat, begin=begin, page=n))
    shown = pages.of(keys)
    today = local_day(choice.moment, the_day.zone)
    return render_template(
        "booking/times.html",
        space_name=the_day.space.name,
        date_label=full_day(the_day.day, today),
        start_label=begin,
        starts=None if begin else shown,
        lengths=shown if begin else None,
        paging=pages,
        grid_url=choice.url("grid"),
        days_url=f"{space_url(choice.centre, the_day.space)}/",
        back_url=choice.url("times", seat=seat) if begin else choice.url(seat=seat),
    )


def _starts(choice: Choice, seat: str | None) -> list[dict[str, Any]]:
    """Every start that leaves room for the shortest booking, with the seats free for that long."""
    day, shortest = choice.day, timedelta(minutes=choice.day.policy.min_minutes)
    keys = []
    for start in steps_of(day):
        room = next((o for o in day.openings if o.start <= start and start + shortest <= o.end), None)
        if room is None or start < choice.moment:
            continue
        free = choice.room.free(Interval(start, start + shortest))
        wall = clock_words(start, day.zone)
        keys.append(
            {
                "label": wall,
                "note": _("剩%(n)s座", n=free) if free else _("坐满了"),
                "url": choice.url("times", seat=seat, begin=show_moment(start, day.zone)[11:])
                if free
                else None,
                "off_reason": None if free else _("%(time)s坐满了", time=wall),
                "part": part_of_day(start, day.zone),
            }
        )
    return keys


def _lengths(choice: Choice, begin: str, seat: str | None) -> list[dict[str, Any]]:
    """How long from `begin` on, by the step, inside one opening."""
    day = choice.day
    wall = parse_wall(begin)
    if wall is None:
        return []
    start = at(day.day, wall, day.zone)
    room = next((opening for opening in day.openings if opening.start <= start < opening.end), None)
    keys, length = [], day.policy.min_minutes
    while (
        room is not None
        and length <= day.policy.max_minutes
        and start + timedelta(minutes=length) <= room.end
    ):
        span = Interval(start, start + timedelta(minutes=length))
        free = choice.room.free(span)
        keys.append(
            {
                "label": minutes_words(length),
                "note": _("到%(time)s，剩%(n)s座", time=clock_words(span.end, day.zone), n=free),
                "url": choice.url(span=span, seat=seat) if free else None,
                "off_reason": None if free else _("坐满了"),
            }
        )
        length += day.space.step_minutes
    return keys
