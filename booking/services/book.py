"""From a held seat to a booking, and bookings that staff make."""

from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import joinedload

from booking.models import Booking, Claim, Space, Unit
from booking.opening import SpaceDay, space_day
from booking.rules import check_in_window, counts_for_day, kept_for, over_limit, used_minutes
from booking.services.hold import HELD, check, kept_back, taken
from booking.services.place import Taken, changed, lock_held, make_room, occupy, settle_resident
from core import audit
from core.audit import Actor
from core.clock import database_now, local_day
from core.codes import new_code
from core.crypto import blind
from core.database import db, unit_of_work
from core.errors import Refused
from core.events import emit
from core.intervals import Interval
from core.numbered import insert_numbered
from core.words import date_words
from kiosk.models import Visit
from people.models import Resident
from people.services.commitments import take_time
from people.services.residents import locked

CODE = "booking.code"
_CLAIM, _BOOKING = Claim.metadata.tables["claim"], Booking.metadata.tables["booking"]
_HELD_LOCKED = HELD.options(joinedload(Claim.unit)).with_for_update(of=Claim)
_BOOKED = (
    update(_CLAIM)
    .where(_CLAIM.c.id == bindparam("claim"))
    .values(booking_id=bindparam("booking"), visit_id=None, expires_at=bindparam("until"))
)
_DAY_OF = select(_BOOKING.c.state, _BOOKING.c.starts_at, _BOOKING.c.ends_at, _BOOKING.c.ended_at).where(
    _BOOKING.c.resident_id == bindparam("resident"),
    _BOOKING.c.local_day == bindparam("day"),
    _BOOKING.c.state != "cancelled",
)


def confirm_hold(visit: Visit, *, at_kiosk: bool) -> Booking:
    """The visit's held seat becomes the resident's booking. At the kiosk, one that has begun is checked in at once.

    Raises `Refused`: `hold_released` (late), `seat_kept`, `day_bookings`, `day_minutes`, `person_busy`.
    """
    with unit_of_work():
        now = database_now()
        if visit.resident_id is None:
            raise Refused("who", _("请先让我们认识您"), _("刷卡或用手机号都可以。"), status=403)
        resident = _resident(visit.resident_id)
        settle_resident(resident.id, now)
        lock_held(visit.id)
        claim = db.session.scalar(_HELD_LOCKED, {"visit": visit.id})
        if claim is None or claim.expires_at is None or now > claim.expires_at:
            raise Refused(
                "hold_released",
                _("座位已释放"),
                _("留座的时间到了，座位先让出来。您没有做错，再选一次就好。"),
            )
        unit = claim.unit
        space = db.session.get_one(Space, unit.space_id)
        span = Interval(claim.starts_at, claim.use_ends_at)
        day = space_day(space, local_day(span.start, space.centre.zone))
        if not day.holds(span.start, span.end):
            raise Refused("closed", _("这个时间不开放了"), _("刚刚有了变化，您没有做错。请换个时间。"))
        _check_kept(day, unit, resident, at_kiosk, now)
        use_now = at_kiosk and span.start <= now
        booking = _write(
            day,
            unit,
            span,
            now,
            resident=resident,
            party=1,
            channel="kiosk" if at_kiosk else "phone",
            use_now=use_now,
        )
        until = None if use_now else booking.check_in_until
        db.session.execute(_BOOKED, {"claim": claim.id, "booking": booking.id, "until": until})
        db.session.expire(claim)
        _record(Actor("resident", resident.id), booking, now)
    return booking


def book_for(
    staff_id: int,
    space: Space,
    unit: Unit | None,
    span: Interval,
    *,
    resident_id: int | None = None,
    title: str = "",
    party: int = 1,
    overlap_reason: str | None = None,
    use_now: bool = False,
) -> Booking:
    """Staff book for somebody, or the whole space (`unit` None) for an event with a title.

    Opening hours, other claims and the person's line hold for staff too; limits of a day and kept seats do not.
    overlap_reason lets the person's line overlap, and is kept.
    """
    try:
        with unit_of_work():
            now = database_now()
            day = space_day(space, local_day(span.start, space.centre.zone))
            if not day.holds(span.start, span.end):
                raise Refused(
                    "closed", _("这个时间不开放"), _("请选开放的时间，或先登记一次临时开放。"), status=422
                )
            if span.end <= now or span.start >= span.end:
                raise Refused("past", _("这个时间已经过了"), _("请选晚一点的时间。"), status=422)
            use_now = use_now and span.start <= now
            resident = _resident(resident_id) if resident_id is not None else None
            if resident is None and not title.strip():
                raise Refused("whom", _("请写上给谁用"), _("选一位居民，或写上活动的名称。"), status=422)
            units = (
                [unit.id]
                if unit
                else list(
                    db.session.scalars(
                        select(Unit.id).where(Unit.space_id == space.id, Unit.retired_at.is_(None))
                    )
                )
            )
            end = day.buffered(span.end)
            make_room(units, span.start, end, now, resident_id)
            booking = _write(
                day,
                unit,
                span,
                now,
                resident=resident,
                title=title.strip()[:80],
                party=party,
                channel="desk",
                use_now=use_now,
                limits=False,
                overlap_reason=overlap_reason,
            )
            occupy(
                units,
                span.start,
                span.end,
                end,
                booking_id=booking.id,
                expires_at=None if use_now or resident is None else booking.check_in_until,
            )
            _record(Actor("staff", staff_id), booking, now, overlap=bool(overlap_reason))
            return booking
    except Taken:
        if unit is not None:
            raise taken(unit) from None
        raise Refused(
            "space_taken", _("这段时间已经有人约了"), _("整间约要求每个位子都空着。请换个时间。")
        ) from None


def book_seat(actor: Actor, resident_id: int, unit: Unit, span: Interval, *, at_kiosk: bool) -> Booking:
    """Book a seat in one step, without a hold: for programs and for «和上次一样» of people we know."""
    try:
        with unit_of_work():
            now = database_now()
            space = db.session.get_one(Space, unit.space_id)
            day = space_day(space, local_day(span.start, space.centre.zone))
            resident = _resident(resident_id)
            check(day, unit, span, now, at_kiosk=at_kiosk, resident=resident)
            end = day.buffered(span.end)
            make_room([unit.id], span.start, end, now, resident_id)
            use_now = at_kiosk and span.start <= now
            channel = "kiosk" if at_kiosk else "phone"
            booking = _write(day, unit, span, now, resident=resident, channel=channel, use_now=use_now)
            occupy(
                [unit.id],
                span.start,
                span.end,
                end,
                booking_id=booking.id,
                expires_at=None if use_now else booking.check_in_until,
            )
            _record(actor, booking, now)
            return booking
    except Taken:
        raise taken(unit) from None


def _resident(resident_id: int) -> Resident:
    """The resident, locked: their day is decided on by one after the other."""
    resident = locked(resident_id)
    if resident.lifecycle != "active":
        raise Refused("not_active", _("现在不能约"), _("请找工作人员，我们帮您看看。"), status=403)
    return resident


def _check_kept(day: SpaceDay, unit: Unit, resident: Resident, at_kiosk: bool, now: datetime) -> None:
    kept = kept_for(
        walk_in=unit.walk_in,
        wheelchair=unit.wheelchair,
        at_kiosk_same_day=at_kiosk and day.day == local_day(now, day.zone),
        needs_adapted=resident.adapted_seat,
        walk_in_until=day.walk_in_until,
        adapted_until=day.adapted_until,
        now=now,
    )
    if kept:
        raise kept_back(kept, day, unit)


def _check_limits(resident_id: int, day: SpaceDay, span: Interval) -> None:
    rows = db.session.execute(_DAY_OF, {"resident": resident_id, "day": day.day}).all()
    others = [
        used_minutes(row.starts_at, row.ends_at, row.ended_at if row.state == "left" else None)
        for row in rows
        if counts_for_day(row.state)
    ]
    over = over_limit(others, span.minutes, day.policy)
    if over == "day_bookings":
        title = _("%(day)s您已经约了%(n)d次", day=date_words(day.day), n=len(others))
        raise Refused(over, title, _("一天最多约 %(n)d 次。取消一次就能再约。", n=day.policy.day_bookings))
    if over == "day_minutes":
        hours = day.policy.day_minutes // 60
        raise Refused(
            over,
            _("%(day)s约的时间太长了", day=date_words(day.day)),
            _("一天加起来最多 %(n)d 小时。请选短一点的。", n=hours),
        )


def _write(
    day: SpaceDay,
    unit: Unit | None,
    span: Interval,
    now: datetime,
    *,
    resident: Resident | None,
    channel: str,
    use_now: bool,
    title: str = "",
    party: int = 1,
    limits: bool = True,
    overlap_reason: str | None = None,
) -> Booking:
    """The row, with the policy's moments on it, and the person's time. A number that is taken already is drawn anew."""
    if resident is not None and limits:
        _check_limits(resident.id, day, span)
    code = new_code("B")
    window = check_in_window(span.start, now, day.policy)
    booking = insert_numbered(
        Booking,
        {
            "centre_id": day.space.centre_id,
            "space_id": day.space.id,
            "unit_id": unit.id if unit else None,
            "resident_id": resident.id if resident else None,
            "title": title,
            "code": code,
            "code_index": blind(code, CODE),
            "starts_at": span.start,
            "ends_at": span.end,
            "local_day": day.day,
            "party": party,
            "state": "in_use" if use_now else "booked",
            "channel": channel,
            "booked_at": now,
            "undo_until": now + timedelta(seconds=day.policy.undo_seconds),
            "free_cancel_until": span.start - timedelta(minutes=day.policy.free_cancel),
            "check_in_from": window[0],
            "check_in_until": window[1],
            "checked_in_at": now if use_now else None,
        },
    )
    if resident is not None:
        take_time(resident.id, span.start, span.end, "booking", booking.id, overlap_reason)
    return booking


def _record(actor: Actor, booking: Booking, now: datetime, *, overlap: bool = False) -> None:
    detail = {"number": booking.number, "state": booking.state, **({"overlap": True} if overlap else {})}
    audit.record(
        actor, "booking.made", "booking", booking.id, unit_id=booking.centre_id, detail=detail, at=now
    )
    emit("booking.made", {"booking": booking.id}, at=now)
    changed(booking)
