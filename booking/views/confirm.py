"""Hold, look once more, confirm; and what is still free when somebody was faster."""

from datetime import datetime, timedelta
from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select

from booking import queries
from booking.forms import parse_span, show_moment
from booking.models import Claim, Space, Unit
from booking.opening import sessions, space_day
from booking.queries import Room
from booking.rules import BookingPolicy, check_in_window
from booking.services import book, hold
from booking.views.root import base, blueprint, load_space, space_url
from centres.models import Centre
from core.clock import local_day, now
from core.database import db
from core.errors import Alternative, NotFound, Refused
from core.http import once, personal, see_other, with_next
from core.i18n import pick
from core.intervals import Interval
from core.words import clock_words, date_words, near_day, span_words
from kiosk.session import at_kiosk, is_here, known_visit, load_centre, need_visit, shown_name, visit
from people.models import Commitment

SEAT = frozenset({"seat_taken", "seat_kept", "hold_released", "unit_gone"})
"""Refusals after which another seat at the same time helps."""
TIME = frozenset({"closed", "past", "too_long", "too_short", "off_step", "times_odd", "person_busy"})
"""Those after which another time does."""
PERSON = frozenset({"person_busy", "day_bookings", "day_minutes"})
"""Those that the person's own bookings are the reason of."""
AWAY = SEAT | TIME | PERSON


@blueprint.post("/spaces/<space>/hold")
@once
def take_hold(code: str, space: str) -> Response:
    """«就坐»: holds the seat, then asks who it is, then shows what will be confirmed."""
    centre, place = load_space(code, space)
    unit = db.session.scalar(
        select(Unit).where(
            Unit.space_id == place.id,
            Unit.code == request.form.get("seat", "")[:16],
            Unit.retired_at.is_(None),
        )
    )
    if unit is None:
        raise NotFound(_("没有这个座位"), _("请再选一次。"))
    span = parse_span(request.form.get("from", ""), request.form.get("to", ""), centre.zone)
    try:
        hold.hold(need_visit(centre), unit, span, at_kiosk=is_here())
    except Refused as refusal:
        why = refusal.code
        refusal.ways = lambda: alternatives(why, centre, unit, span)
        raise
    return see_other(f"{base(centre)}/check/")


def alternatives(why: str, centre: Centre, unit: Unit, span: Interval) -> list[Alternative]:
    """Up to three ways on that can work after the refusal `why`: another seat, another time, one's own, another day."""
    space = db.session.get_one(Space, unit.space_id)
    moment = now()
    day = space_day(space, local_day(span.start, centre.zone))
    room = Room(day, queries.units(space.id), moment, at_kiosk=is_here(), visit=visit())
    url = f"{space_url(centre, space)}/{day.day}/"
    found: list[Alternative] = []
    if why in SEAT and span.end > moment:
        found += _other_seats(space, room, unit, span, url)
    if why in SEAT | TIME:
        found += _other_times(room, unit, span, url)[: 2 if why not in SEAT | PERSON else 1]
    if why == "day_minutes":
        found.append(Alternative(_("改短一点"), f"{url}times{_chosen(unit.code, span, centre.zone)}"))
    if why in PERSON:
        found.append(Alternative(_("看看我的安排"), f"/c/{centre.code}/my/"))
    found.append(Alternative(_("换一天"), f"{space_url(centre, space)}/"))
    return found[:3]


def _chosen(seat: str, span: Interval, zone: str) -> str:
    walls = [show_moment(end, zone)[11:] for end in (span.start, span.end)]
    return f"?from={walls[0]}&to={walls[1]}&seat={seat}"


def _other_seats(space: Space, room: Room, unit: Unit, span: Interval, url: str) -> list[Alternative]:
    """The two nearest that are free at the same time."""
    near = sorted(
        (seat for seat in room.seats(span) if seat.state == "free"),
        key=lambda seat: (seat.unit.wheelchair, abs(seat.unit.x - unit.x) + abs(seat.unit.y - unit.y)),
    )
    return [
        Alternative(
            _("%(seat)s，同一时间", seat=_seat_words(space, seat.unit)),
            url + _chosen(seat.unit.code, span, room.day.zone),
        )
        for seat in near[:2]
    ]


def _other_times(room: Room, unit: Unit, span: Interval, url: str) -> list[Alternative]:
    """What else is offered that day, on the same seat where it is free, while the person has nothing else then."""
    zone, found = room.day.zone, []
    if room.moment < room.day.released_at:
        return []
    busy = _busy(room.day.start, room.day.end)
    for session in sessions(room.day, room.moment, at_kiosk=is_here()):
        free = {seat.unit.code for seat in room.seats(session.span) if seat.state == "free"}
        if session.over or session.span == span or not free or any(map(session.span.overlaps, busy)):
            continue
        code = unit.code if unit.code in free else min(free)
        when = f"{session.name} {clock_words(session.span.start, zone)}"
        same = _("%(seat)s 原座位，%(when)s", seat=code, when=when)
        other = _("%(seat)s，%(when)s", seat=code, when=when)
        found.append(
            Alternative(same if code == unit.code else other, url + _chosen(code, session.span, zone))
        )
    return found


def _busy(start: datetime, end: datetime) -> list[Interval]:
    """The visitor's own time line of a day."""
    found = known_visit()
    if found is None or found.resident_id is None:
        return []
    rows = db.session.execute(
        select(Commitment.starts_at, Commitment.ends_at).where(
            Commitment.resident_id == found.resident_id,
            Commitment.starts_at < end,
            Commitment.ends_at > start,
        )
    )
    return [Interval(row.starts_at, row.ends_at) for row in rows]


def _wanted(visit_id: int | None, centre: Centre) -> tuple[Unit, Interval] | None:
    """Seat and times that a confirm was about: what its form carries, else what the visit holds or held just now."""
    form = request.form
    unit = db.session.scalar(
        select(Unit)
        .join(Space, Space.id == Unit.space_id)
        .where(
            Space.centre_id == centre.id,
            Space.code == form.get("space", "")[:16],
            Unit.code == form.get("seat", "")[:16],
        )
    )
    if unit is not None:
        try:
            return unit, parse_span(form.get("from", ""), form.get("to", ""), centre.zone)
        except Refused:  # somebody changed the form: the hold says it too
            pass
    claim = hold.held(visit_id) if visit_id is not None else None
    return (claim.unit, Interval(claim.starts_at, claim.use_ends_at)) if claim else None


def _instead_of(why: str, visit_id: int | None, centre: Centre) -> list[Alternative]:
    """Ways on from what was to be confirmed, whether or not the seat is still held."""
    wanted = _wanted(visit_id, centre)
    if wanted is None:
        return [Alternative(_("再选一次"), f"{base(centre)}/")]
    return alternatives(why, centre, *wanted)


def _seat_words(space: Space, unit: Unit) -> str:
    table = next((table for table in space.plan.get("tables", []) if table["code"] == unit.table_code), None)
    return f"{unit.code} {pick(table['name_zh'], table['name_en'])}" if table else unit.code


def _my_hold() -> Claim | None:
    found = visit()
    if found is None:
        return None
    claim = db.session.scalar(select(Claim).where(Claim.visit_id == found.id))
    return claim if claim is not None and claim.expires_at is not None and now() <= claim.expires_at else None


@blueprint.get("/check/")
def check(code: str) -> Any:
    """«请您看一遍»: everything that will be confirmed, each with its way to change."""
    centre = load_centre(code)
    found, claim = visit(), _my_hold()
    if found is None or claim is None or claim.expires_at is None:
        raise _released(centre)
    if known_visit() is None:
        return see_other(with_next(f"/c/{code}/identify/", f"{base(centre)}/check/"))
    unit = claim.unit
    space = db.session.get_one(Space, unit.space_id)
    day = space_day(space, local_day(claim.starts_at, centre.zone))
    zone, today = centre.zone, local_day(now(), centre.zone)
    url = f"{space_url(centre, space)}/{day.day}/"
    chosen = _chosen(unit.code, Interval(claim.starts_at, claim.use_ends_at), zone)
    window = check_in_window(claim.starts_at, now(), day.policy)
    seconds = max(1, int((claim.expires_at - now()).total_seconds()))
    running = is_here() and claim.starts_at <= now()
    near = near_day(day.day, today)
    times = span_words(claim.starts_at, claim.use_ends_at, zone)
    name = shown_name() or _("持卡人")
    rows = [
        {
            "label": _("地方"),
            "value": space.name,
            "note": _place_note(space),
            "url": f"{base(centre)}/",
            "change": _("改地方"),
        },
        {
            "label": _("时间"),
            "value": f"{near} {times}",
            "note": date_words(day.day),
            "url": f"{url}times{chosen}",
            "change": _("改时间"),
        },
        {
            "label": _("座位"),
            "value": _seat_words(space, unit),
            "note": _hold_note(seconds),
            "url": f"{url}{chosen}",
            "change": _("换座位"),
        },
        {"label": _("姓名"), "value": name, "note": None, "url": None, "change": None},
    ]
    if running:
        notice = _("确认后就算签到了，请直接入座。")
    else:
        notice = _(
            "%(day)s %(from)s 到 %(to)s 之间来签到。%(cancel)s",
            day=near,
            **{"from": clock_words(window[0], zone), "to": clock_words(window[1], zone)},
            cancel=_cancel_words(claim.starts_at, day.policy, zone),
        )
    return personal(
        render_template(
            "booking/check.html",
            answers_rows=rows,
            notice_text=notice,
            confirm_url=f"{base(centre)}/confirm",
            confirm_label=_("确认，现在就坐") if running else None,
            confirm_fields={
                "space": space.code,
                "seat": unit.code,
                "from": show_moment(claim.starts_at, zone),
                "to": show_moment(claim.use_ends_at, zone),
            },
            release_url=f"{base(centre)}/release",
            back_url=f"{url}{chosen}",
        )
    )


def _cancel_words(start: datetime, policy: BookingPolicy, zone: str) -> str:
    """Until when taking back is free; where that has passed, what is true instead."""
    until = start - timedelta(minutes=policy.free_cancel)
    if until > now():
        return _("%(time)s 前都可以取消。", time=clock_words(until, zone))
    return _("离开始很近了：确认后 %(n)d 秒内可以撤销，再晚取消会记作“订了没来”。", n=policy.undo_seconds)


def _hold_note(seconds: int) -> Markup:
    return Markup(render_template("booking/_hold_note.html", seconds=seconds))  # noqa: S704 - our own template, escaped


def _place_note(space: Space) -> str:
    lift = _("，有电梯") if space.access.get("lift") else ""
    return _("本中心%(n)s楼%(lift)s", n=space.floor, lift=lift)


def _released(centre: Centre) -> Refused:
    return Refused(
        "hold_released",
        _("座位已释放"),
        _("留座的时间到了，座位先让出来。您没有做错，再选一次就好。"),
        alternatives=[
            Alternative(_("再选一次"), f"{base(centre)}/"),
            Alternative(_("看看我的安排"), f"/c/{centre.code}/my/"),
        ],
    )


@blueprint.post("/confirm")
@once
def confirm(code: str) -> Response:
    """«确认预约»."""
    centre = load_centre(code)
    found = known_visit()
    if found is None:
        released = _released(centre)
        released.ways = lambda: _instead_of(released.code, None, centre)
        raise released
    visit_id = found.id
    try:
        booking = book.confirm_hold(found, at_kiosk=is_here())
    except Refused as refusal:
        why = refusal.code
        if why in AWAY:
            refusal.ways = lambda: _instead_of(why, visit_id, centre)
        raise
    return see_other(f"{base(centre)}/b/{booking.number}/done")


@blueprint.post("/release")
@once
def release(code: str) -> Response:
    """«不约了，放开座位»."""
    centre = load_centre(code)
    found = visit()
    if found is not None:
        hold.release(found.id)
    return see_other("/kiosk/" if at_kiosk() else f"/c/{centre.code}/")
