"""Where, which day, which seat: pages that propose and hold nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import render_template, request
from flask_babel import gettext as _

from booking import queries
from booking.forms import parse_day, parse_wall, show_moment
from booking.grid import steps_of
from booking.models import Space, Unit
from booking.opening import Session, SpaceDay, sessions, space_day
from booking.queries import Room, Seat, propose
from booking.rules import on_step
from booking.views.root import base, blueprint, load_space, space_url
from centres.models import Centre
from core.clock import at, local, local_day, now
from core.http import see_other
from core.i18n import pick
from core.intervals import Interval
from core.words import (
    clock_words,
    date_words,
    full_day,
    minutes_words,
    near_day,
    part_of_day,
    short_day,
    span_words,
)
from kiosk.session import at_kiosk, known_visit, load_centre, prefs, visit

DAYS_A_PAGE, KEYS_A_PAGE, STARTS_A_PAGE, ROWS_A_PAGE = 6, 6, 5, 5


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
        query = "&".join(f"{name}={value}" for name, value in said.items() if value is not None)
        return f"{space_url(self.centre, self.day.space)}/{self.day.day}/{where}" + (
            f"?{query}" if query else ""
        )


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
    pages = max(1, -(-len(choices) // ROWS_A_PAGE))
    page = min(max(1, request.args.get("page", 1, int)), pages)
    return render_template(
        "booking/places.html",
        places=choices[(page - 1) * ROWS_A_PAGE : page * ROWS_A_PAGE],
        page=page,
        pages=pages,
        prev_url=f"{base(centre)}/?page={page - 1}" if page > 1 else None,
        next_url=f"{base(centre)}/?page={page + 1}" if page < pages else None,
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


def _same_as_last(centre: Centre, last: Any) -> dict[str, Any] | None:
    """«和上次一样»: the same seat at the same hours on the next day it is open and free, as one form that holds it."""
    if last is None or last.space.mode != "seats":
        return None
    moment = now()
    zone = centre.zone
    walls = (local(last.starts_at, zone).time(), local(last.ends_at, zone).time())
    for day in queries.bookable_days(last.space, moment):
        if moment < day.released_at:
            continue
        span = Interval(at(day.day, walls[0], zone), at(day.day, walls[1], zone))
        if not any(a <= span.start and span.end <= b for a, b in day.spans) or span.start <= moment:
            continue
        if not on_step(span.start, day.start, last.space.step_minutes):
            return None
        room = Room(day, [last.unit], moment, at_kiosk=at_kiosk(), visit=known_visit())
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


def _resident() -> Any:
    found = known_visit()
    return found.resident if found else None


@blueprint.get("/spaces/<space>/")
def days(code: str, space: str) -> Any:
    """Which day: from today to the horizon, closed ones with their reason."""
    centre, place = load_space(code, space)
    moment = now()
    today = local_day(moment, centre.zone)
    found = queries.bookable_days(place, moment)
    units = queries.units(place.id)
    pages = max(1, -(-len(found) // DAYS_A_PAGE))
    page = min(max(1, request.args.get("page", 1, int)), pages)
    url = f"{space_url(centre, place)}/"
    shown = found[(page - 1) * DAYS_A_PAGE : page * DAYS_A_PAGE]
    return render_template(
        "booking/days.html",
        space_name=place.name,
        days=[_day_line(centre, place, day, units, today, moment) for day in shown],
        page=page,
        pages=pages,
        prev_url=f"{url}?page={page - 1}" if page > 1 else None,
        next_url=f"{url}?page={page + 1}" if page < pages else None,
        back_url=f"{base(centre)}/"
        if len(queries.spaces(centre.id)) > 1
        else "/kiosk/"
        if at_kiosk()
        else f"/c/{code}/",
    )


def _day_line(
    centre: Centre, place: Space, day: SpaceDay, units: Sequence[Unit], today: date, moment: datetime
) -> dict[str, Any]:
    offered = sessions(day, moment, at_kiosk=at_kiosk())
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
        room = Room(day, units, moment, at_kiosk=at_kiosk(), visit=visit())
        free = max(room.free(session.span) for session in left)
        reason = None if free else _("坐满了")
    return {
        "date_label": near_day(day.day, today),
        "sub": date_words(day.day),
        "url": None if reason else f"{space_url(centre, place)}/{day.day}/",
        "closed_reason": reason,
        "free": None if reason else free,
    }


def choose(code: str, space: str, day: str) -> Choice:
    """What the address says, or the first session with a free seat."""
    centre, place = load_space(code, space)
    the_day = space_day(place, parse_day(day))
    moment = now()
    offered = sessions(the_day, moment, at_kiosk=at_kiosk())
    room = Room(the_day, queries.units(place.id), moment, at_kiosk=at_kiosk(), visit=visit())
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


def _seats_of(choice: Choice) -> list[Seat]:
    return choice.room.seats(choice.span) if choice.span else []


@blueprint.get("/spaces/<space>/<day>/")
def seat_page(code: str, space: str, day: str) -> Any:
    """The plan of the room, with a seat already proposed."""
    choice = choose(code, space, day)
    if choice.span is None:
        return see_other(f"{space_url(choice.centre, choice.day.space)}/")
    found = _seats_of(choice)
    chosen = _chosen(choice, found)
    code_of = chosen.unit.code if chosen else None
    tables = choice.day.space.plan.get("tables", [])
    shown = request.args.get("table", None, int)
    if shown is None:
        shown = next(
            (n for n, table in enumerate(tables) if chosen and chosen.unit.table_code == table["code"]), 0
        )
    shown = min(max(0, shown), max(0, len(tables) - 1))
    helped = propose(found, after=code_of) if len([s for s in found if s.state == "free"]) > 1 else None
    today = local_day(choice.moment, choice.day.zone)
    place = choice.day.space
    return render_template(
        "booking/seats.html",
        space_name=place.name,
        date_label=full_day(choice.day.day, today),
        date_short=short_day(choice.day.day, today),
        chosen=code_of,
        chosen_why=_("靠窗的") if chosen and chosen.unit.traits.get("window") else None,
        sessions=_tabs(choice),
        plan=_plan(choice, found, code_of),
        table=shown if tables else None,
        table_prev_url=choice.url(seat=code_of, table=shown - 1) if shown > 0 else None,
        table_next_url=choice.url(seat=code_of, table=shown + 1) if shown + 1 < len(tables) else None,
        times_url=choice.url("times", seat=code_of),
        list_url=choice.url("list", seat=code_of),
        help_url=choice.url(seat=helped.unit.code) if helped else None,
        hold_url=f"{space_url(choice.centre, place)}/hold",
        hold_fields=hold_fields(choice, code_of) if code_of else {},
        back_url=f"{space_url(choice.centre, place)}/",
    )


def hold_fields(choice: Choice, seat: str) -> dict[str, str]:
    """What the form that holds a seat says."""
    span, zone = choice.span, choice.day.zone
    if span is None:
        return {}
    return {"seat": seat, "from": show_moment(span.start, zone), "to": show_moment(span.end, zone)}


def _chosen(choice: Choice, found: Sequence[Seat]) -> Seat | None:
    asked = request.args.get("seat")
    fitting = next((seat for seat in found if seat.unit.code == asked and seat.state == "free"), None)
    if fitting is not None:
        return fitting
    person = _resident()
    last = queries.last_booking(person.id, choice.centre.id) if person else None
    return propose(found, last_code=last.unit.code if last and last.unit else None)


def _tabs(choice: Choice) -> list[dict[str, Any]]:
    tabs = []
    zone = choice.day.zone
    for session in choice.sessions:
        hours = span_words(session.span.start, session.span.end, zone)
        reason = _("已经过了") if session.over else None
        tabs.append(
            {
                "label": _("现在") if session.running and at_kiosk() else session.name,
                "note": _("%(hours)s 剩%(n)s座", hours=hours, n=choice.room.free(session.span)),
                "url": choice.url(span=session.span, seat=request.args.get("seat")),
                "chosen": choice.span == session.span,
                "off_reason": reason,
            }
        )
    if choice.span and not any(tab["chosen"] for tab in tabs):
        own = span_words(choice.span.start, choice.span.end, zone)
        tabs = [
            *tabs[:2],
            {"label": _("您定的"), "note": own, "url": choice.url(), "chosen": True, "off_reason": None},
        ]
    elif len(tabs) == 2:
        tabs = _with_evening(choice, tabs)
    return tabs[:3] if len(tabs) > 3 else tabs


def _with_evening(choice: Choice, tabs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A third, dashed tab for the evening where the space has evenings on other days: shown, not hidden."""
    zone = choice.day.zone
    has_evening = any(local(session.usual.start, zone).hour >= 18 for session in choice.sessions)
    from_others = any(
        local(opening.start, zone).hour >= 18
        for day in queries.bookable_days(choice.day.space, choice.moment)
        for opening in day.openings
    )
    if has_evening or not from_others or prefs()["text"] == "elder":
        return tabs
    near = near_day(choice.day.day, local_day(choice.moment, zone))
    return [
        *tabs,
        {
            "label": _("晚上"),
            "note": "",
            "url": None,
            "chosen": False,
            "off_reason": _("%(day)s晚上不开放", day=near),
        },
    ]


def _plan(choice: Choice, found: Sequence[Seat], chosen: str | None) -> dict[str, Any]:
    plan = choice.day.space.plan
    walls = {side: pick(words["zh"], words["en"]) for side, words in plan.get("walls", {}).items()}
    looks = {seat.unit.code: _look(choice, seat, chosen) for seat in found}
    if not plan.get("tables"):
        lines: dict[int, list[Seat]] = {}
        for seat in found:
            lines.setdefault(seat.unit.y, []).append(seat)
        rows = [
            {
                "name": _("第%(n)s排", n=n + 1),
                "seats": [looks[seat.unit.code] for seat in sorted(line, key=lambda s: s.unit.x)],
            }
            for n, (_y, line) in enumerate(sorted(lines.items()))
        ]
        return {"rows": rows, "walls": walls}
    tables = []
    for table in plan["tables"]:
        middle = table["x"]
        here = [seat for seat in found if seat.unit.table_code == table["code"]]
        heights = sorted({seat.unit.y for seat in here})
        pairs = []
        for height in heights:
            left = next((s for s in here if s.unit.y == height and s.unit.x < middle), None)
            right = next((s for s in here if s.unit.y == height and s.unit.x >= middle), None)
            pairs.append([looks[s.unit.code] if s else None for s in (left, right)])
        tables.append(
            {"code": table["code"], "name": pick(table["name_zh"], table["name_en"]), "rows": pairs}
        )
    return {"tables": tables, "walls": walls}


def _look(choice: Choice, seat: Seat, chosen: str | None) -> dict[str, Any]:
    code = seat.unit.code
    is_chosen = code == chosen
    traits = seat.unit.traits
    notes = [
        words
        for name, words in (("window", _("靠窗")), ("socket", _("有插座")), ("lamp", _("有台灯")))
        if traits.get(name)
    ]
    return {
        "code": code,
        "state": "chosen" if is_chosen else seat.state,
        "word": _("您选的") if is_chosen else seat.word,
        "note": seat.note or _("，").join(notes),
        "wheelchair": seat.unit.wheelchair,
        "url": choice.url(seat=code) if seat.state == "free" and not is_chosen else None,
        "choose_url": choice.url(seat=code),
    }


@blueprint.get("/spaces/<space>/<day>/list")
def seat_list(code: str, space: str, day: str) -> Any:
    """The seats as a list: the plan's twin, five rows a page, free ones first."""
    choice = choose(code, space, day)
    if choice.span is None:
        return see_other(f"{space_url(choice.centre, choice.day.space)}/")
    found = _seats_of(choice)
    chosen = _chosen(choice, found)
    code_of = chosen.unit.code if chosen else None
    rows = sorted(
        (_look(choice, seat, code_of) for seat in found),
        key=lambda row: row["state"] not in {"free", "chosen"},
    )
    pages = max(1, -(-len(rows) // ROWS_A_PAGE))
    page = min(max(1, request.args.get("page", 1, int)), pages)
    today = local_day(choice.moment, choice.day.zone)
    return render_template(
        "booking/seats_list.html",
        space_name=choice.day.space.name,
        date_label=full_day(choice.day.day, today),
        time_label=span_words(choice.span.start, choice.span.end, choice.day.zone),
        seats=[_row(row) for row in rows[(page - 1) * ROWS_A_PAGE : page * ROWS_A_PAGE]],
        page=page,
        pages=pages,
        prev_url=choice.url("list", seat=code_of, page=page - 1) if page > 1 else None,
        next_url=choice.url("list", seat=code_of, page=page + 1) if page < pages else None,
        times_url=choice.url("times", seat=code_of),
        back_url=choice.url(seat=code_of),
    )


def _row(look: dict[str, Any]) -> dict[str, Any]:
    """A seat as a line of the list."""
    usable = look["state"] in {"free", "chosen"}
    return {
        "label": look["code"],
        "note": _("，").join(word for word in (look["word"], look["note"]) if word),
        "url": look["choose_url"] if usable else None,
        "chosen": look["state"] == "chosen",
        "off_reason": None if usable else look["note"] or look["word"],
    }


@blueprint.get("/spaces/<space>/<day>/times")
def times(code: str, space: str, day: str) -> Any:
    """«改时间»: first when it begins, then how long; six keys a page. The whole day's grid is its twin."""
    choice = choose(code, space, day)
    the_day, seat = choice.day, request.args.get("seat")
    begin = request.args.get("begin")
    keys = _lengths(choice, begin, seat) if begin else _starts(choice, seat)
    many = KEYS_A_PAGE if begin else STARTS_A_PAGE  # beside the starts stands the way to the whole day
    pages = max(1, -(-len(keys) // many))
    page = min(max(1, request.args.get("page", 1, int)), pages)
    shown = keys[(page - 1) * many : page * many]
    more: dict[str, Any] = {"seat": seat, "begin": begin}
    today = local_day(choice.moment, the_day.zone)
    return render_template(
        "booking/times.html",
        space_name=the_day.space.name,
        date_label=full_day(the_day.day, today),
        start_label=begin,
        starts=None if begin else shown,
        lengths=shown if begin else None,
        starts_url=choice.url("times", seat=seat),
        page=page,
        pages=pages,
        prev_url=choice.url("times", page=page - 1, **more) if page > 1 else None,
        next_url=choice.url("times", page=page + 1, **more) if page < pages else None,
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
