"""Where, and which day: pages that propose and hold nothing."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from flask import render_template
from flask_babel import gettext as _

from booking import queries
from booking.forms import show_moment
from booking.models import Space, Unit
from booking.opening import SpaceDay, sessions
from booking.queries import Room
from booking.rules import step_before, why_not
from booking.views.root import base, blueprint, load_space, space_url
from centres.models import Centre
from core.clock import at, local, local_day, now
from core.http import see_other
from core.http.paging import paging
from core.i18n import pick
from core.intervals import Interval
from core.words import clock_words, date_words, near_day, span_words
from kiosk.session import at_kiosk, is_here, known_visit, load_centre, visit

DAYS_A_PAGE, ROWS_A_PAGE = 6, 5


@blueprint.get("/")
def places(code: str) -> Any:
    """Where: the spaces of the centre. With one that residents book themselves there is nothing to choose."""
    centre = load_centre(code)
    rows = queries.spaces(centre.id)
    own = [space for space in rows if space.mode == "seats" and not space.approval]
    found = known_visit()
    last = queries.last_booking(found.resident_id, centre.id) if found and found.resident_id else None
    if len(rows) == 1 and own:
        return see_other(f"{space_url(centre, own[0])}/")
    shown = [*own, *(space for space in rows if space not in own)]
    choices: list[dict[str, Any]] = [
        {
            "label": space.name,
            "note": _place_note(space),
            "url": f"{space_url(centre, space)}/" if space in own else None,
            "off_reason": None if space in own else _("请工作人员帮您约"),
        }
        for space in shown
    ]
    same = _same_as_last(centre, last)
    if same is not None:
        choices.insert(0, same)
    pages = paging(len(choices), ROWS_A_PAGE, lambda n: f"{base(centre)}/?page={n}")
    return render_template(
        "booking/places.html",
        places=pages.of(choices),
        paging=pages,
        back_url="/kiosk/" if at_kiosk() else f"/c/{code}/",
    )


def _place_note(space: Space) -> str:
    access = space.access
    words = [_("%(n)s楼", n=space.floor)]
    if access.get("lift"):
        words.append(_("有电梯"))
    if access.get("step_free"):
        words.append(_("没有台阶"))
    elif access.get("note_zh"):
        words.append(pick(access["note_zh"], access.get("note_en", "")))
    return _("，").join(words)


def _access_note(space: Space) -> str:
    """What a wheelchair user must know of a room besides the way there, where it is known."""
    access, words = space.access, []
    if access.get("door_width_cm"):
        words.append(_("门宽 %(n)s 厘米", n=access["door_width_cm"]))
    if access.get("table_height_cm"):
        words.append(_("桌高 %(n)s 厘米", n=access["table_height_cm"]))
    if access.get("accessible_toilet"):
        words.append(_("有无障碍厕所"))
    return _("，").join(words)


def _same_as_last(centre: Centre, last: Any) -> dict[str, Any] | None:
    """«和上次一样»: the same seat at the same hours on the next day it is open and free, as one form that holds it.

    A last time that began off the step («现在就用») begins on the step before.
    """
    if last is None or last.space.mode != "seats":
        return None
    moment = now()
    zone = centre.zone
    walls = (local(last.starts_at, zone).time(), local(last.ends_at, zone).time())
    for day in queries.bookable_days(last.space, moment):
        span = Interval(
            step_before(at(day.day, walls[0], zone), day.start, last.space.step_minutes),
            at(day.day, walls[1], zone),
        )
        whole = (span.start, span.end)
        if why_not(whole, day.spans, day.policy, last.space.step_minutes, day.start, day.released_at, moment):
            continue
        room = Room(day, [last.unit], moment, at_kiosk=is_here(), visit=known_visit())
        if room.free(span):
            when = f"{near_day(day.day, local_day(moment, zone))} {span_words(span.start, span.end, zone)}"
            return {
                "label": _("和上次一样：%(seat)s", seat=queries.unit_words(last)),
                "note": when,
                "form": {
                    "url": f"{space_url(centre, last.space)}/hold",
                    "hidden": {
                        "seat": last.unit.code,
                        "from": show_moment(span.start, zone),
                        "to": show_moment(span.end, zone),
                    },
                },
            }
    return None


@blueprint.get("/spaces/<space>/")
def days(code: str, space: str) -> Any:
    """Which day: from today to the horizon, closed ones with their reason."""
    centre, place = load_space(code, space)
    moment = now()
    today = local_day(moment, centre.zone)
    found = queries.bookable_days(place, moment)
    units = queries.units(place.id)
    pages = paging(len(found), DAYS_A_PAGE, lambda n: f"{space_url(centre, place)}/?page={n}")
    return render_template(
        "booking/days.html",
        space_name=place.name,
        note_text=_access_note(place),
        days=[_day_line(centre, place, day, units, today, moment) for day in pages.of(found)],
        paging=pages,
        back_url=f"{base(centre)}/"
        if len(queries.spaces(centre.id)) > 1
        else "/kiosk/"
        if at_kiosk()
        else f"/c/{code}/",
    )


def _day_line(
    centre: Centre, place: Space, day: SpaceDay, units: Sequence[Unit], today: date, moment: datetime
) -> dict[str, Any]:
    offered = sessions(day, moment, at_kiosk=is_here())
    left = [session for session in offered if not session.over]
    reason, free = None, 0
    if not day.openings:
        reason = day.closed_reason or _("%(day)s不开放", day=near_day(day.day, today))
    elif moment < day.released_at:
        opens = local_day(day.released_at, day.zone)
        reason = _(
            "%(when)s 开始可以约", when=f"{near_day(opens, today)} {clock_words(day.released_at, day.zone)}"
        )
    elif not left:
        reason = _("今天已经结束了")
    else:
        room = Room(day, units, moment, at_kiosk=is_here(), visit=visit())
        free = max(room.free(session.span) for session in left)
        reason = None if free else _("坐满了")
    return {
        "date_label": near_day(day.day, today),
        "sub": date_words(day.day),
        "url": None if reason else f"{space_url(centre, place)}/{day.day}/",
        "closed_reason": reason,
        "free": None if reason else free,
    }
