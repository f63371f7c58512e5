"""Booking's front door."""

from datetime import date, datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from sqlalchemy import func, select

from booking import desk, own_copy, queries
from booking.closed import outside, told
from booking.jobs import JOBS
from booking.listeners import LISTENERS
from booking.master import MASTERS
from booking.models import Booking, Claim, Unit
from booking.opening import sessions, space_day
from booking.queries import Room, place_words, state_now
from booking.rules import BookingPolicy
from booking.services.resident import leave, merge
from booking.views import blueprint
from booking.views.one import act_on_slip, paper_of, show_slip
from centres.models import Centre
from core.area import Alarm, Area, Arrival, Check, Desk, Figure, MyItem, Place, Strip, Tile, Today
from core.clock import day_bounds, local_day, now
from core.codes import show_number
from core.database import db
from core.words import clock_words, full_day, masked, near_day, span_words
from people.rules import DESK


def tiles(centre_id: int) -> list[Tile]:
    """«订座位» and «签到»."""
    centre = db.session.get_one(Centre, centre_id)
    url = f"/c/{centre.code}/booking/"
    return [
        Tile("booking", "armchair", _("订座位"), _free_words(centre), url, big=True, art="chair"),
        Tile("none", "scan-line", _("签到"), _("刷卡或扫小票"), f"{url}check-in/"),
    ]


def _free_words(centre: Centre) -> str:
    moment = now()
    today = local_day(moment, centre.zone)
    for space in queries.spaces(centre.id):
        if space.mode != "seats" or space.approval:
            continue
        for day in queries.bookable_days(space, moment):
            left = [session for session in sessions(day, moment, at_kiosk=True) if not session.over]
            if not left or moment < day.released_at:
                continue
            room = Room(day, queries.units(space.id), moment, at_kiosk=True)
            free = max(room.free(session.span) for session in left)
            if free:
                return _(
                    "%(space)s%(day)s还有%(n)s座", space=space.name, day=near_day(day.day, today), n=free
                )
    return _("看看哪天有座")


def now_lines(centre_id: int) -> list[tuple[str, str, str]]:
    """What one can do right now: the first open reading room with its free seats."""
    centre = db.session.get_one(Centre, centre_id)
    moment = now()
    lines = []
    for space in queries.spaces(centre_id):
        if space.mode != "seats" or space.approval:
            continue
        day = space_day(space, local_day(moment, centre.zone))
        running = next((s for s in sessions(day, moment, at_kiosk=True) if s.running), None)
        if running is not None:
            free = Room(day, queries.units(space.id), moment, at_kiosk=True).free(running.span)
            note = _("到%(time)s，空着%(n)s座", time=clock_words(running.span.end, centre.zone), n=free)
            lines.append((_("现在"), space.name, note))
    return lines


def places(centre_id: int) -> list[Place]:
    """The spaces that are there."""
    return [Place(space.code, space.name) for space in queries.spaces(centre_id)]


def my_day(resident_id: int, start: datetime, end: datetime) -> list[MyItem]:
    """A resident's bookings as lines of their day."""
    moment = now()
    items = []
    for booking in queries.bookings_of(resident_id, start, end):
        zone = booking.centre.zone
        today = local_day(moment, zone)
        when = f"{near_day(booking.local_day, today)} {span_words(booking.starts_at, booking.ends_at, zone)}"
        window = span_words(booking.check_in_from, booking.check_in_until, zone)
        note = _("您正在用") if booking.state == "in_use" else _("%(window)s 签到", window=window)
        url = f"/c/{booking.centre.code}/booking/b/{booking.number}/"
        title = place_words(booking)
        items.append(MyItem("booking", booking.starts_at, when, title, note, url))
    return items


def today(centre_id: int, day: date) -> Today:
    """Seats in use, who comes next, and the day's places."""
    centre = db.session.get_one(Centre, centre_id)
    moment = now()
    start, end = day_bounds(day, centre.zone)
    rows = db.session.scalars(
        queries.full().where(Booking.centre_id == centre_id, Booking.starts_at < end, Booking.ends_at > start)
    ).all()
    rows = sorted(rows, key=lambda row: row.starts_at)
    states = {row.id: state_now(row, moment) for row in rows}
    in_use = sum(states[row.id] == "in_use" for row in rows)
    coming = [row for row in rows if states[row.id] == "booked"]
    missed = sum(states[row.id] == "no_show" for row in rows)
    seats = db.session.scalar(
        select(func.count())
        .select_from(Unit)
        .where(Unit.space_id.in_([s.id for s in queries.spaces(centre_id)]), Unit.retired_at.is_(None))
    )
    figures = [
        Figure(f"{in_use} / {seats}", _("在座")),
        Figure(str(len(coming)), _("今天还要来的")),
        Figure(str(missed), _("今天订了没来")),
    ]
    arrivals = [
        Arrival(
            row.starts_at,
            masked(row.resident.name) if row.resident else row.title,
            place_words(row),
            show_number(row.number),
            f"/staff/c/{centre.code}/booking/b/{row.number}",
            "open" if row.check_in_from <= moment <= row.check_in_until else "later",
        )
        for row in coming[:8]
    ]
    strips = []
    for space in queries.spaces(centre_id):
        place = space_day(space, day)
        bars = []
        for opening in place.openings:
            here = [
                row
                for row in rows
                if row.space_id == space.id
                and row.starts_at < opening.end
                and opening.start < row.ends_at
                and states[row.id] in {"booked", "in_use"}
            ]
            words = _("约了%(n)s", n=len(here)) if space.mode == "seats" else _("%(n)s场", n=len(here))
            bars.append((opening.start, opening.end, words))
        strips.append(Strip(space.name, f"/staff/c/{centre.code}/booking/{space.code}/{day}", bars))
    return Today(figures, arrivals, strips, _alarms(centre, moment))


def _alarms(centre: Centre, moment: datetime) -> list[Alarm]:
    """People who will find a closed door."""
    rows = outside(centre.id, moment)
    if not rows:
        return []
    title = ngettext("%(num)s 个预约在关门时间里，请联系", "%(num)s 个预约在关门时间里，请联系", len(rows))
    day = full_day(rows[0].local_day, local_day(moment, centre.zone))
    first = f"{day} {span_words(rows[0].starts_at, rows[0].ends_at, centre.zone)}"
    note = _("最早的：%(when)s", when=first)
    return [Alarm(title, note, f"/staff/c/{centre.code}/booking/closed", _("去联系"), roles=DESK)]


def search(words: str, unit_ids: frozenset[int]) -> list[MyItem]:
    """A booking by its number, for staff."""
    booking = queries.booking_by_number(words)
    if booking is None or booking.centre_id not in unit_ids:
        return []
    zone = booking.centre.zone
    day = local_day(now(), zone)
    when = f"{full_day(booking.local_day, day)} {span_words(booking.starts_at, booking.ends_at, zone)}"
    title = f"{show_number(booking.number)} {place_words(booking)}"
    url = f"/staff/c/{booking.centre.code}/booking/b/{booking.number}"
    return [MyItem("booking", booking.starts_at, when, title, "", url)]


def doctor() -> list[Check]:
    """Every live booking has its claim, and no claim stands without one."""
    moment = now()
    live = select(Booking.id).where(
        Booking.state.in_(["booked", "in_use"]), Booking.ends_at > moment, Booking.check_in_until > moment
    )
    lost = db.session.scalar(
        select(func.count())
        .select_from(Booking)
        .where(
            Booking.id.in_(live),
            Booking.id.not_in(select(Claim.booking_id).where(Claim.booking_id.is_not(None))),
        )
    )
    return [
        Check(
            not lost,
            _("每个预约都占着自己的座位"),
            _("有 %(n)s 个预约没有座位，请导出备份并联系维护人员。", n=lost),
        )
    ]


AREA = Area(
    name="booking",
    blueprints=[blueprint, desk.blueprint],
    tiles=tiles,
    now=now_lines,
    desks=[Desk("booking", lazy_gettext("预约"), "armchair", "booking_desk.spaces", DESK)],
    jobs=JOBS,
    listeners=LISTENERS,
    places=places,
    today=today,
    outside=told,
    my_day=my_day,
    search=search,
    export=own_copy.pages,
    slip=show_slip,
    slip_act=act_on_slip,
    slip_kind="B",
    paper=paper_of,
    doctor=doctor,
    policy=BookingPolicy,
    masters=MASTERS,
    merge=merge,
    leave=leave,
)
