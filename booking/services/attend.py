"""What happens to a booking afterwards: check in, leave, undo, cancel."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, select, update

from booking.models import Booking, Claim, Unit, Violation
from booking.opening import space_day
from booking.rules import free_from, is_late_cancel, may_move, staff_check_in_from
from booking.services.place import (
    Taken,
    changed,
    free,
    free_after_use,
    lock_units,
    make_room,
    occupy,
    settle_missed,
)
from core import audit
from core.audit import Actor
from core.clock import database_now, day_bounds, local_day
from core.database import db, unit_of_work
from core.errors import Refused
from core.events import emit
from core.words import clock_words, full_day, inside
from people.models import Commitment
from people.services.commitments import drop_time, end_time, take_time
from people.services.residents import locked


def check_in(actor: Actor, booking_id: int) -> Booking:
    """«我到了». Staff may do so all through the booking's day, while it lasts and nobody else has the seat."""
    try:
        with unit_of_work():
            if actor.kind == "staff":
                _lock_resident(booking_id)
            now = database_now()
            booking = _locked(booking_id)
            if booking.state == "in_use":
                return booking
            missed_now = _too_late(actor, booking, now)
            if not missed_now:
                _seat(actor, booking, now)
    except Taken:
        raise Refused(
            "seat_taken", _("座位已经让给别人了"), _("签到的时间过了以后，别人先坐了。请另找一个空位。")
        ) from None
    if missed_now:
        raise Refused(
            "check_in_late",
            _("签到的时间过了"),
            _(
                "%(time)s 以前要签到，座位已经让给别人了。还想坐，可以再约一次。",
                time=clock_words(booking.check_in_until, booking.centre.zone),
            ),
        )
    return booking


def _too_late(actor: Actor, booking: Booking, now: datetime) -> bool:
    """Whether the window has passed for this actor; written down here. Refuses what is too early or over."""
    zone, opens = booking.centre.zone, booking.check_in_from
    if actor.kind == "staff":
        opens = staff_check_in_from(opens, day_bounds(booking.local_day, zone)[0])
    if booking.state == "booked" and now < opens:
        when = f"{full_day(local_day(opens, zone), local_day(now, zone))} {clock_words(opens, zone)}"
        raise Refused("check_in_early", _("还没到签到的时候"), _("%(when)s 起可以签到。", when=inside(when)))
    if actor.kind != "staff" and (settle_missed(booking.id, now) or booking.state == "no_show"):
        return True
    if booking.state in {"booked", "no_show"} and now >= booking.ends_at:
        raise Refused("not_now", _("已经结束了"), _("这一条不能再改了。"))
    return False


def _seat(actor: Actor, booking: Booking, now: datetime) -> None:
    """The person is here. Who was written down as missing gets the rest of the time back."""
    again = booking.state == "no_show"
    _move(booking, "in_use", now)
    booking.checked_in_at, booking.ended_at = now, None
    if again:
        _take_again(booking, now)
    else:
        db.session.execute(update(Claim).where(Claim.booking_id == booking.id).values(expires_at=None))
    _tell(actor, "booking.checked_in", booking, now, **({"missed": False} if again else {}))


def _take_again(booking: Booking, now: datetime) -> None:
    """Seat and person's time once more, from now to the end, as if nobody had tidied up; the mark is taken away."""
    start, end = max(booking.starts_at, free_from(now)), booking.ends_at
    buffered = space_day(booking.space, booking.local_day).buffered(end)
    units = units_of(booking.id)
    make_room(units, start, buffered, now, booking.resident_id)
    occupy(units, start, end, buffered, booking_id=booking.id, expires_at=None)
    db.session.execute(delete(Violation).where(Violation.booking_id == booking.id))
    if booking.resident_id is not None:
        why = db.session.scalar(
            select(Commitment.overlap_reason).where(
                Commitment.kind == "booking", Commitment.ref_id == booking.id
            )
        )
        drop_time("booking", booking.id)
        take_time(booking.resident_id, start, end, "booking", booking.id, why)


def leave(actor: Actor, booking_id: int) -> Booking:
    """«我走了»: the rest of the time is free for others; used minutes stay counted."""
    with unit_of_work():
        now = database_now()
        booking = _locked(booking_id)
        if booking.state == "left":
            return booking
        _move(booking, "left", now)
        booking.ended_at = min(now, booking.ends_at)
        until = min(free_from(now), booking.ends_at)
        free_after_use(booking.id, until)
        end_time("booking", booking.id, until)
        _tell(actor, "booking.left", booking, now)
    return booking


def undo(actor: Actor, booking_id: int) -> Booking:
    """«撤销» within its 60 s: as if it had never been, never a violation."""
    with unit_of_work():
        now = database_now()
        booking = _locked(booking_id)
        if booking.state == "cancelled":
            return booking
        if now > booking.undo_until:
            raise Refused("undo_late", _("撤销的时间过了"), _("您还可以取消，在“我的”里就能办。"))
        _move(booking, "cancelled", now)
        _release(booking, booking.starts_at)
        _tell(actor, "booking.undone", booking, now)
    return booking


def cancel(actor: Actor, booking_id: int, reason: str = "") -> Booking:
    """Take a booking back. Late by the policy on it is a violation, unless staff do it (they say why)."""
    with unit_of_work():
        now = database_now()
        booking = _locked(booking_id)
        if booking.state == "cancelled":
            return booking
        if actor.kind == "staff" and not reason.strip():
            raise Refused("reason_missing", _("请写明取消的原因"), _("原因会告诉预约的人。"), status=422)
        if actor.kind != "staff" and settle_missed(booking.id, now):
            return booking
        if booking.state == "in_use":
            return leave(actor, booking_id)
        _move(booking, "cancelled", now)
        booking.reason = reason.strip()[:200]
        _release(booking, max(booking.starts_at, free_from(now)))
        late = is_late_cancel(booking.free_cancel_until, booking.undo_until, now) and actor.kind != "staff"
        if late and booking.resident_id is not None:
            db.session.add(
                Violation(resident_id=booking.resident_id, booking_id=booking.id, kind="late_cancel", at=now)
            )
        _tell(actor, "booking.cancelled", booking, now, late=late)
    return booking


def _lock_resident(booking_id: int) -> None:
    """Whose it is, before units and booking: the order in which a seat is booked."""
    resident_id = db.session.scalar(select(Booking.resident_id).where(Booking.id == booking_id))
    if resident_id is not None:
        locked(resident_id)


def units_of(booking_id: int) -> Sequence[int]:
    """The unit of a booking, or all of its space; also where it claims none any more."""
    whose = (Unit.id == Booking.unit_id) | (Booking.unit_id.is_(None) & (Unit.space_id == Booking.space_id))
    return db.session.scalars(select(Unit.id).join(Booking, whose).where(Booking.id == booking_id)).all()


def _locked(booking_id: int) -> Booking:
    """The booking, after its units: the order of docs/scarce-things.md."""
    lock_units(units_of(booking_id))
    return db.session.get_one(Booking, booking_id, with_for_update={"of": Booking}, populate_existing=True)


def _move(booking: Booking, to: str, now: datetime) -> None:
    if not may_move(booking.state, to):
        raise Refused("not_now", _state_words(booking.state), _("这一条不能再改了。"))
    booking.state = to
    if to in {"cancelled", "left"}:
        booking.ended_at = now


def _state_words(state: str) -> str:
    return {
        "booked": _("还没有签到"),
        "in_use": _("已经签到了"),
        "left": _("已经结束了"),
        "cancelled": _("已经取消了"),
        "no_show": _("签到的时间过了"),
    }[state]


def _release(booking: Booking, at: datetime) -> None:
    free(booking.id, at)
    drop_time("booking", booking.id)


def _tell(actor: Actor, what: str, booking: Booking, now: datetime, **detail: object) -> None:
    audit.record(actor, what, "booking", booking.id, unit_id=booking.centre_id, at=now, detail=detail)
    emit(what, {"booking": booking.id, **detail}, at=now)
    changed(booking)
