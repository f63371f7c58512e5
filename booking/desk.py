"""Staff's pages of booking: the day board of a space, booking for somebody, one booking."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext as _
from markupsafe import Markup

from booking import queries
from booking.board import board as day_board
from booking.board import state_words
from booking.closed import outside
from booking.forms import parse_day, parse_span
from booking.grid import Grid
from booking.models import Booking, Space
from booking.opening import Session, SpaceDay, sessions, space_day
from booking.queries import place_words, state_now
from booking.rules import BookingPolicy, staff_check_in_from
from booking.services import attend, book
from booking.services.closed import cancel_closed, keep_closed
from centres.models import Centre
from centres.policies import policies
from core.clock import at, day_bounds, local_day, now
from core.codes import show_number
from core.errors import Alternative, NotFound, Refused
from core.http import digest, draw, not_modified, once, personal, row_number, see_other
from core.i18n import language
from core.intervals import Interval
from core.kept import Kept
from core.words import clock_words, full_day, masked, near_day, span_words
from people.access import actor, grants_roles, open_record, polling, require, resident_or_refuse, signed_in
from people.rules import DESK, MANAGERS

blueprint = Blueprint("booking_desk", __name__, url_prefix="/staff/c/<centre>/booking")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn board. Until `valid_until` only a change that is counted makes it untrue."""

    html: Markup
    valid_until: datetime
    etag: str


DRAWN: Kept[tuple[object, ...], Drawn] = Kept(32)


@blueprint.get("/")
@require(DESK)
def spaces(centre: Centre) -> Any:
    """The first space's day board: the others are a tab away."""
    rows = queries.spaces(centre.id)
    if not rows:
        may = bool(grants_roles(signed_in(), centre.id) & MANAGERS)
        return render_template(
            "staff/empty.html",
            title=_("还没有场地"),
            text=_("登记了场地，居民就能订。") if may else _("请主管打开“基础资料”里的“场地”登记。"),
            url=f"/staff/c/{centre.code}/data/spaces/new" if may else None,
            action=_("登记第一处场地"),
        )
    asked = request.args.get("resident", None, row_number)
    url = f"/staff/c/{centre.code}/booking/{rows[0].code}/{local_day(now(), centre.zone)}"
    return see_other(f"{url}?resident={asked}" if asked else url)


def _space(centre: Centre, code: str) -> Space:
    found = queries.space_by_code(centre.id, code)
    if found is None:
        raise NotFound(_("没有找到这个场地"))
    return found


@blueprint.get("/closed")
@require(DESK)
def closed(centre: Centre) -> Any:
    """Who has booked a time that is not open: to be rung up, then cancelled with a reason or kept on purpose."""
    url, moment = f"/staff/c/{centre.code}/booking", now()
    today = local_day(moment, centre.zone)
    return personal(
        render_template(
            "booking/desk_closed.html",
            rows=[
                {
                    "number": row.number,
                    "shown": show_number(row.number),
                    "who": masked(row.resident.name) if row.resident else row.title,
                    "when": f"{full_day(row.local_day, today)} "
                    f"{span_words(row.starts_at, row.ends_at, centre.zone)}",
                    "where": place_words(row),
                    "state": state_words(state_now(row, moment)),
                    "begun": row.state == "in_use",
                    "url": f"{url}/b/{row.number}",
                }
                for row in outside(centre.id, moment)
            ],
            bare=request.args.get("pick") == "none",
            act_url=f"{url}/closed",
        )
    )


@blueprint.post("/closed")
@require(DESK)
@once
def decide_closed(centre: Centre) -> Response:
    """Cancel those that are ticked, or keep them."""
    form, numbers = request.form, request.form.getlist("number")
    if not numbers:
        raise Refused("none_chosen", _("请先勾选预约"), _("勾选要取消或保留的，再按下面的。"), status=422)
    if form.get("verb") == "keep":
        keep_closed(actor(), centre.id, numbers)
    else:
        cancel_closed(actor(), centre.id, numbers, form.get("reason", ""))
    return see_other(f"/staff/c/{centre.code}/booking/closed")


@blueprint.get("/<space>/<day>")
@require(DESK)
def board(centre: Centre, space: str, day: str) -> Any:
    """A space on a day: grid and list, and the form to book for somebody, filled with a proposal.

    `?resident=`, `seat=`, `from=` and `to=` are what was chosen already.
    """
    place, the_day = _space(centre, space), parse_day(day)
    url = f"/staff/c/{centre.code}/booking"
    today = local_day(now(), centre.zone)
    asked = request.args.get("resident", None, row_number)
    resident = open_record(centre, asked, DESK) if asked else None
    opened = space_day(place, the_day)
    with_resident = f"resident={resident.id}&" if resident else ""
    made = day_board(centre, place, opened, now(), with_resident)
    offered = sessions(opened, now(), at_kiosk=True)
    span = _proposed(opened, offered)
    free = _free_seats(made.table, span)
    seat = request.args.get("seat", "")
    return personal(
        render_template(
            "booking/desk_day.html",
            **made.shown,
            spaces=[
                {
                    "name": row.name,
                    "url": f"{url}/{row.code}/{day}?{with_resident}".rstrip("?&"),
                    "chosen": row.id == place.id,
                }
                for row in queries.spaces(centre.id)
            ],
            space_name=place.name,
            day_words=full_day(the_day, today),
            day=day,
            prev_url=f"{url}/{place.code}/{the_day - timedelta(days=1)}?{with_resident}".rstrip("?&"),
            next_url=f"{url}/{place.code}/{the_day + timedelta(days=1)}?{with_resident}".rstrip("?&"),
            today_url=f"{url}/{place.code}/{today}?{with_resident}".rstrip("?&"),
            is_today=the_day == today,
            closed_reason=opened.closed_reason if not opened.openings else "",
            openings=[span_words(one.start, one.end, centre.zone) for one in opened.openings],
            sessions=[
                {
                    "label": f"{one.name} {span_words(one.usual.start, one.usual.end, centre.zone)}",
                    "from": clock_words(one.span.start, centre.zone).zfill(5),
                    "to": clock_words(one.span.end, centre.zone).zfill(5),
                }
                for one in offered
                if not one.over
            ],
            units=[{"code": code, "name": name, "free": code in free} for code, name in made.names],
            proposed={
                "from": clock_words(span.start, centre.zone).zfill(5) if span else "",
                "to": clock_words(span.end, centre.zone).zfill(5) if span else "",
                "seat": seat if seat or place.mode == "whole" else next(iter(free), ""),
                "now": bool(span and span.start <= now() < span.end),
            },
            resident=resident,
            find_url=f"/staff/c/{centre.code}/people/?back={url}/{place.code}/{day}",
            book_url=f"{url}/{place.code}/{day}/book",
            poll_url=f"{url}/{place.code}/{day}/live?{with_resident}".rstrip("?&"),
        )
    )


def _proposed(opened: SpaceDay, offered: Sequence[Session]) -> Interval | None:
    """The time that the form begins with: what was chosen, else the first that is not over."""
    first = next((one.span for one in offered if not one.over), None)
    start, end = (_wall(opened, request.args.get(name, "")) for name in ("from", "to"))
    if start is None:
        return first
    if end is None or end <= start:
        end = next((one.usual.end for one in offered if one.usual.start <= start < one.usual.end), None)
    return Interval(start, end) if end else first


def _wall(opened: SpaceDay, text: str) -> datetime | None:
    try:
        return at(opened.day, time.fromisoformat(text), opened.zone)
    except ValueError:
        return None


def _free_seats(table: Grid, span: Interval | None) -> list[str]:
    """Codes of the seats that are free all through."""
    if span is None or len(table.starts) < 2:
        return []
    step = table.starts[1] - table.starts[0]
    inside = [n for n, start in enumerate(table.starts) if start < span.end and span.start < start + step]
    return [row.code for row in table.rows if all(row.cells[n][0] in {"free", "past"} for n in inside)]


@blueprint.get("/<space>/<day>/live")
@polling
@require(DESK)
def live(centre: Centre, space: str, day: str) -> Any:
    """Grid and list alone, for the poll: 304 while nothing has changed; drawn once for all who look at it."""
    the_day, moment = parse_day(day), now()
    asked = request.args.get("resident", None, row_number)
    stamp = queries.board_stamp(centre.code, space, the_day)
    key = (*stamp, the_day, language(), asked) if stamp else ()
    drawn = DRAWN.get(key)
    if drawn is None or moment >= drawn.valid_until:
        place = _space(centre, space)  # says what is missing
        opened = space_day(place, the_day)
        made = day_board(centre, place, opened, moment, f"resident={asked}&" if asked else "")
        html = draw("booking/_desk_day_live.html", **made.shown)
        drawn = Drawn(html, made.valid_until, digest(html))
        DRAWN.put(key, drawn)
    return not_modified(drawn.etag) or drawn.html


@blueprint.post("/<space>/<day>/book")
@require(DESK)
@once
def book_for(centre: Centre, space: str, day: str) -> Response:
    """Book for somebody, or the whole space for an event."""
    place, form = _space(centre, space), request.form
    span = parse_span(f"{day}T{form.get('from', '')}", f"{day}T{form.get('to', '')}", centre.zone)
    units = {unit.code: unit for unit in queries.units(place.id)}
    whole = form.get("seat", "") == "*"
    unit = None if whole else units.get(form.get("seat", ""))
    if unit is None and not whole:
        raise Refused("seat_missing", _("请选一个座位"), _("或选“整间”。"), status=422)
    wanted = form.get("resident", None, row_number)
    resident = resident_or_refuse(wanted, DESK) if wanted else None
    booking = book.book_for(
        signed_in().id,
        place,
        unit,
        span,
        resident_id=resident.id if resident else None,
        title=form.get("title", ""),
        party=min(max(1, form.get("party", 1, int)), 500),
        overlap_reason=form.get("overlap_reason", "").strip()[:200] or None,
        use_now=form.get("use_now") == "1",
    )
    return see_other(f"/staff/c/{centre.code}/booking/b/{booking.number}")


def _booking(centre: Centre, number: str) -> Booking:
    booking = queries.booking_by_number(number)
    if booking is None or booking.centre_id != centre.id:
        raise NotFound(_("没有找到这个预约"))
    return booking


def _may_check_in(booking: Booking, policy: BookingPolicy, moment: datetime) -> bool:
    """Whether the button stands there: on the booking's day, until its end, while nobody else has the seat."""
    opens = staff_check_in_from(booking.check_in_from, day_bounds(booking.local_day, booking.centre.zone)[0])
    if not opens <= moment < booking.ends_at:
        return False
    end = booking.ends_at + timedelta(minutes=policy.buffer_minutes)
    return booking.state == "booked" or (
        booking.state == "no_show" and queries.still_free(booking, end, moment)
    )


@blueprint.get("/b/<number>")
@require(DESK)
def one(centre: Centre, number: str) -> Response:
    """One booking in full: the one record in which the name stands unmasked."""
    booking = _booking(centre, number)
    if booking.resident_id is not None:
        open_record(centre, booking.resident_id, DESK)
    moment, zone = now(), centre.zone
    state, today = state_now(booking, moment), local_day(moment, zone)
    policy = policies(BookingPolicy, "booking", centre.id, booking.local_day, booking.space.code)
    found = queries.violations(booking.resident_id, moment, policy) if booking.resident_id else []
    url = f"/staff/c/{centre.code}/booking/b/{booking.number}"
    window = span_words(booking.check_in_from, booking.check_in_until, zone)
    return personal(
        render_template(
            "booking/desk_one.html",
            number=show_number(booking.number),
            title_words=place_words(booking),
            when_words=f"{full_day(booking.local_day, today)} {span_words(booking.starts_at, booking.ends_at, zone)}",
            who=booking.resident.name if booking.resident else booking.title,
            resident_url=f"/staff/c/{centre.code}/people/{booking.resident_id}"
            if booking.resident_id
            else None,
            state=state,
            state_words=state_words(state),
            window_words=window,
            made_words=f"{near_day(local_day(booking.booked_at, zone), today)} {clock_words(booking.booked_at, zone)}",
            channel={"kiosk": _("一体机"), "phone": _("手机"), "desk": _("前台")}.get(
                booking.channel, booking.channel
            ),
            reason=booking.reason,
            violations=len(found),
            violation_days=policy.violation_days,
            check_in_url=f"{url}/check-in" if _may_check_in(booking, policy, moment) else None,
            leave_url=f"{url}/leave" if state == booking.state == "in_use" else None,
            cancel_url=f"{url}/cancel" if state == "booked" else None,
            back_url=f"/staff/c/{centre.code}/booking/{booking.space.code}/{booking.local_day}",
        )
    )


def _check_in(booking: Booking) -> None:
    """Check in on behalf; where the seat has gone, the day's board with the same person is one tap away."""
    try:
        attend.check_in(actor(), booking.id)
    except Refused as refusal:
        url = f"/staff/c/{booking.centre.code}/booking"
        whom = f"?resident={booking.resident_id}" if booking.resident_id else ""
        refusal.alternatives = [
            Alternative(_("另约一个空位"), f"{url}/{booking.space.code}/{booking.local_day}{whom}"),
            Alternative(_("回到这个预约"), f"{url}/b/{booking.number}"),
        ]
        raise


@blueprint.post("/b/<number>/<verb>")
@require(DESK)
@once
def act(centre: Centre, number: str, verb: str) -> Response:
    """Check in, sign out, or cancel with a reason, on behalf."""
    booking = _booking(centre, number)
    if verb == "check-in":
        _check_in(booking)
    elif verb == "leave":
        attend.leave(actor(), booking.id)
    elif verb == "cancel":
        attend.cancel(actor(), booking.id, request.form.get("reason", ""))
    else:
        raise NotFound(_("这一页没有找到"))
    return see_other(f"/staff/c/{centre.code}/booking/b/{booking.number}")
