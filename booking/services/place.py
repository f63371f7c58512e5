"""Taking and freeing units: the only code that writes claims."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from booking.models import LONGEST, Booking, Claim, Unit, Violation
from booking.rules import missed
from core import audit
from core.audit import CLOCK
from core.database import db, one_writer
from core.errors import Refused
from core.events import emit
from core.intervals import broken_guard
from core.versions import bump
from kiosk.queries import kiosks_failed
from people.services.commitments import end_time

# Statements of every booking, written out once: building them costs several times what running them does.
_CLAIM, _BOOKING = Claim.metadata.tables["claim"], Booking.metadata.tables["booking"]
_WORTHLESS = (
    _CLAIM.c.unit_id.in_(bindparam("units", expanding=True)),
    _CLAIM.c.starts_at < bindparam("until"),
    _CLAIM.c.starts_at > bindparam("since"),
    _CLAIM.c.ends_at > bindparam("from"),
    _CLAIM.c.expires_at < bindparam("now"),
)
_MISSED = select(_BOOKING.c.id).order_by(_BOOKING.c.id)
_MISSED = _MISSED.where(_BOOKING.c.state == "booked", _BOOKING.c.check_in_until < bindparam("now"))
_MISSED_BY = _MISSED.where(_BOOKING.c.resident_id == bindparam("who"))
_MISSED_HERE = _MISSED.where(
    _BOOKING.c.resident_id.is_not(None),
    or_(
        _BOOKING.c.id.in_(select(_CLAIM.c.booking_id).where(*_WORTHLESS)),
        _BOOKING.c.resident_id == bindparam("who"),
    ),
)
_UNIT = Unit.metadata.tables["unit"]
_LOCK = select(_UNIT.c.id).order_by(_UNIT.c.id).with_for_update(key_share=True)
_UNITS_LOCKED = _LOCK.where(_UNIT.c.id.in_(bindparam("units", expanding=True)))
_HELD_LOCKED = _LOCK.where(
    _UNIT.c.id.in_(select(_CLAIM.c.unit_id).where(_CLAIM.c.visit_id == bindparam("visit")))
)
_CLEAR = delete(_CLAIM).where(*_WORTHLESS)
_FIELDS = ("starts_at", "ends_at", "use_ends_at", "booking_id", "visit_id", "expires_at")
_VALUES = [bindparam(f"its_{name}", type_=_CLAIM.c[name].type) for name in _FIELDS]
_LIVE = select(_UNIT.c.id, *_VALUES).order_by(_UNIT.c.id)
_LIVE = _LIVE.where(_UNIT.c.id.in_(bindparam("its_units", expanding=True)), _UNIT.c.retired_at.is_(None))
_OCCUPY = insert(_CLAIM).from_select(["unit_id", *_FIELDS], _LIVE).returning(_CLAIM.c.id)
"""Nothing is claimed on a unit that went, however lately: who takes it away has passed the same door."""


class Taken(Exception):
    """The database refused: a unit is taken in that time. The unit of work is lost; the caller tells the person."""


def lock_units(unit_ids: Sequence[int]) -> None:
    """Whoever writes claims of a unit goes first through this door, one after the other. SQLite has one for all.

    Without it two that insert overlapping claims at once may wait for each other in PostgreSQL's constraint.
    """
    if not one_writer():
        db.session.execute(_UNITS_LOCKED, {"units": unit_ids}).all()


def lock_held(visit_id: int) -> None:
    """The same door for the units that a visit holds."""
    if not one_writer():
        db.session.execute(_HELD_LOCKED, {"visit": visit_id}).all()


def make_room(
    unit_ids: Sequence[int], start: datetime, end: datetime, now: datetime, who: int | None
) -> None:
    """Remove worthless claims from units that somebody wants; what they and `who` missed is written down.

    All in order of the bookings: two who want each other's missed seats must not wait for each other.
    """
    lock_units(unit_ids)
    here = {"units": unit_ids, "from": start, "since": start - LONGEST, "until": end, "now": now}
    _settle(now, _MISSED_HERE, {**here, "who": who})
    db.session.execute(_CLEAR, here)


def occupy(
    unit_ids: Sequence[int],
    start: datetime,
    use_end: datetime,
    end: datetime,
    *,
    booking_id: int | None = None,
    visit_id: int | None = None,
    expires_at: datetime | None,
) -> None:
    """Claim `[start, end)` of every unit, after `make_room`. Raises `Taken` on a live overlap, `Refused` where a unit
    is there no longer."""
    if end - start > LONGEST:
        raise ValueError("a claim longer than any query looks for")
    claim = {
        "its_units": unit_ids,
        "its_starts_at": start,
        "its_ends_at": end,
        "its_use_ends_at": use_end,
        "its_booking_id": booking_id,
        "its_visit_id": visit_id,
        "its_expires_at": expires_at,
    }
    try:
        made = db.session.execute(_OCCUPY, claim).all()
    except IntegrityError as error:
        if broken_guard(error) != "claim":
            raise
        raise Taken from error
    if not made or len(made) != len(unit_ids):
        raise Refused("unit_gone", _("这个位子不在了"), _("中心刚刚调整过场地，请换一个。"))


def free(booking_id: int, at: datetime) -> None:
    """Nobody has used it: the units are free from `at` on; nothing is left of claims that had not begun."""
    db.session.execute(delete(Claim).where(Claim.booking_id == booking_id, Claim.starts_at >= at))
    db.session.execute(
        update(Claim)
        .where(Claim.booking_id == booking_id, Claim.ends_at > at)
        .values(ends_at=at, use_ends_at=at, expires_at=None)
    )


def free_after_use(booking_id: int, at: datetime) -> None:
    """Somebody leaves early: the units are free from `at` on, after the time that they are tidied up in."""
    db.session.execute(delete(Claim).where(Claim.booking_id == booking_id, Claim.starts_at >= at))
    for claim in db.session.scalars(
        select(Claim).where(Claim.booking_id == booking_id, Claim.use_ends_at > at).order_by(Claim.unit_id)
    ).all():
        buffer = claim.ends_at - claim.use_ends_at
        claim.use_ends_at, claim.ends_at, claim.expires_at = at, at + buffer, None
    db.session.flush()


def settle_missed(booking_id: int, now: datetime) -> bool:
    """Write down, once, that nobody came: state, freed place and time, violation unless the kiosks had failed."""
    booking = db.session.get_one(Booking, booking_id, with_for_update=True, populate_existing=True)
    if not missed(booking.state, booking.check_in_until, now):
        return False
    booking.state, booking.ended_at = "no_show", booking.check_in_until
    db.session.execute(delete(Claim).where(Claim.booking_id == booking_id))
    end_time("booking", booking_id, booking.check_in_until)
    excused = kiosks_failed(booking.centre_id, booking.check_in_from, booking.check_in_until)
    if booking.resident_id is not None and not excused:
        db.session.add(
            Violation(
                resident_id=booking.resident_id,
                booking_id=booking_id,
                kind="no_show",
                at=booking.check_in_until,
            )
        )
    audit.record(
        CLOCK,
        "booking.missed",
        "booking",
        booking_id,
        unit_id=booking.centre_id,
        at=now,
        detail={"excused": excused},
    )
    emit("booking.missed", {"booking": booking_id}, at=now)
    changed(booking)
    return True


def settle_resident(resident_id: int, now: datetime) -> None:
    """Write down what this resident missed, before anything is decided about their day."""
    _settle(now, _MISSED_BY, {"who": resident_id, "now": now})


def _settle(now: datetime, missed_ones: Select[int], values: dict[str, Any]) -> None:
    for booking_id in db.session.scalars(missed_ones, values).all():
        settle_missed(booking_id, now)
    db.session.flush()


def changed(booking: Booking) -> None:
    """Live pages that show this booking have a new version."""
    bump(f"day:{booking.space_id}:{booking.local_day}", f"today:{booking.centre_id}")
