"""Reads about spaces, seats and bookings, shaped for screens."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, Protocol

from flask_babel import gettext as _
from sqlalchemy import Row, Select, String, bindparam, cast, func, literal, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from booking.models import LONGEST, Booking, Claim, Space, Unit, Violation
from booking.opening import SpaceDay, space_days
from booking.rules import BookingPolicy, free_from, kept_for
from centres.models import Centre
from core.clock import local_day, now
from core.crypto import blinds
from core.database import db
from core.i18n import pick
from core.intervals import Interval
from core.kept import Kept, keep_true
from core.versions import Version
from kiosk.models import Visit
from people.models import Resident
from people.services.residents import NAMES

CODE = "booking.code"


def spaces(centre_id: int) -> list[Space]:
    """Spaces of a centre, in the order they were set up."""
    query = select(Space).options(joinedload(Space.centre))
    query = query.where(Space.centre_id == centre_id, Space.retired_at.is_(None))
    return list(db.session.scalars(query.order_by(Space.id)))


_SPACE = (
    select(Space)
    .options(joinedload(Space.centre))
    .where(
        Space.centre_id == bindparam("centre"), Space.code == bindparam("code"), Space.retired_at.is_(None)
    )
)


def space_by_code(centre_id: int, code: str) -> Space | None:
    """One space of a centre."""
    return db.session.scalar(_SPACE, {"centre": centre_id, "code": code})


_SPACES, _CENTRES = Space.metadata.tables["space"], Centre.metadata.tables["centre"]
_VERSIONS = Version.metadata.tables["version"]
_SPACE_ID = literal("day:").concat(cast(_SPACES.c.id, String))
_DAYS = [_SPACE_ID.concat(bindparam("day")), _SPACE_ID.concat(bindparam("day_before"))]
_NUMBER = (
    select(func.coalesce(func.sum(_VERSIONS.c.number), 0))
    .where(_VERSIONS.c.subject.in_(_DAYS))
    .correlate(_SPACES)
    .scalar_subquery()
)
"""The version of a day and of the one before it, whose buffers may reach into it: each only grows, and so their sum."""
_SPACE_ON = (
    select(Space, _NUMBER)
    .join(Space.centre)
    .options(contains_eager(Space.centre))
    .where(Centre.code == bindparam("centre"), Space.code == bindparam("space"), Space.retired_at.is_(None))
)
_NAMES = select(_VERSIONS.c.number).where(_VERSIONS.c.subject == bindparam("names")).scalar_subquery()
_STAMP = (
    select(
        _SPACES.c.id.label("space_id"),
        _NUMBER.label("number"),
        _CENTRES.c.settings_version.label("settings"),
        _CENTRES.c.zone.label("zone"),
    )
    .select_from(_SPACES.join(_CENTRES, _CENTRES.c.id == _SPACES.c.centre_id))
    .where(
        _CENTRES.c.code == bindparam("centre"),
        _SPACES.c.code == bindparam("space"),
        _SPACES.c.retired_at.is_(None),
    )
)
_BOARD_STAMP = _STAMP.add_columns(func.coalesce(_NAMES, 0).label("names"))


def _asked(centre: str, space: str, day: date) -> dict[str, str]:
    before = day - timedelta(days=1)
    return {"centre": centre, "space": space, "day": f":{day}", "day_before": f":{before}"}


def space_on(centre: str, space: str, day: date) -> tuple[Space, int] | None:
    """A space of a centre, and the version of its day. One query, written out once: it is asked often."""
    row = db.session.execute(_SPACE_ON, _asked(centre, space, day)).first()
    return (row[0], row[1]) if row else None


def day_stamp(centre: str, space: str, day: date) -> Row[int, int, int, str] | None:
    """What a space's day is known by (space_id, number, settings) and the centre's zone, without loading it."""
    return db.session.execute(_STAMP, _asked(centre, space, day)).first()


def board_stamp(centre: str, space: str, day: date) -> Row[int, int, int, str, int] | None:
    """The same with the version of everybody's names: the staff's board shows some."""
    return db.session.execute(_BOARD_STAMP, {**_asked(centre, space, day), "names": NAMES}).first()


_UNITS = select(Unit).where(Unit.space_id == bindparam("space"), Unit.retired_at.is_(None))
_UNITS = _UNITS.order_by(Unit.position)


def units(space_id: int) -> list[Unit]:
    """Units of a space, in order."""
    return list(db.session.scalars(_UNITS, {"space": space_id}))


class Lane(NamedTuple):
    """A unit as a line of a table needs it."""

    id: int
    code: str
    traits: Mapping[str, Any]


LANES: Kept[tuple[int, int], list[Lane]] = Kept(64)


def lanes(space: Space) -> list[Lane]:
    """The units of a space, in order, as plain values. Kept under the centre's `settings_version`."""
    key = (space.id, space.centre.settings_version)
    found = LANES.get(key)
    if found is None:
        found = [Lane(unit.id, unit.code, unit.traits) for unit in units(space.id)]
        keep_true(LANES, key, found)
    return found


class Taken(NamedTuple):
    """A live claim: until when it lasts without its buffer, whose it is, and when it stops counting."""

    unit_id: int
    start: datetime
    end: datetime
    use_end: datetime
    booking_id: int | None
    visit_id: int | None
    expires_at: datetime | None


_CLAIM, _UNIT = Claim.metadata.tables["claim"], Unit.metadata.tables["unit"]
_TAKEN = (
    select(
        _CLAIM.c.unit_id,
        _CLAIM.c.starts_at,
        _CLAIM.c.ends_at,
        _CLAIM.c.use_ends_at,
        _CLAIM.c.booking_id,
        _CLAIM.c.visit_id,
        _CLAIM.c.expires_at,
    )
    .where(
        _CLAIM.c.unit_id.in_(select(_UNIT.c.id).where(_UNIT.c.space_id == bindparam("space"))),
        _CLAIM.c.starts_at < bindparam("end"),
        _CLAIM.c.starts_at > bindparam("since"),
        _CLAIM.c.ends_at > bindparam("start"),
        or_(_CLAIM.c.expires_at.is_(None), _CLAIM.c.expires_at >= bindparam("moment")),
    )
    .order_by(_CLAIM.c.unit_id, _CLAIM.c.starts_at)
)


def taken(space_id: int, start: datetime, end: datetime, moment: datetime) -> list[Taken]:
    """Live claims of a space's units that touch `[start, end)`. Expired ones are nobody's. One query."""
    values = {"space": space_id, "start": start, "since": start - LONGEST, "end": end, "moment": moment}
    return list(map(Taken._make, db.session.execute(_TAKEN, values).all()))


def still_free(booking: Booking, end: datetime, moment: datetime) -> bool:
    """Whether nobody else has a booking's unit (or its space) from now until `end`, its buffer included."""
    start = max(booking.starts_at, free_from(moment))
    return not any(
        claim.booking_id != booking.id and booking.unit_id in {None, claim.unit_id}
        for claim in taken(booking.space_id, start, end, moment)
    )


@dataclass(frozen=True, slots=True)
class Seat:
    """A unit for one stretch of time, as one person sees it.

    state: free, taken, held (somebody is choosing it), kept, chosen, mine.
    """

    unit: Unit
    state: str
    word: str
    note: str

    @property
    def can_be_chosen(self) -> bool:
        return self.state in {"free", "chosen"}


class Room:
    """The units of a space on one day as one person sees them: asked once, looked at for many stretches."""

    def __init__(
        self,
        day: SpaceDay,
        rows: Sequence[Unit],
        moment: datetime,
        *,
        at_kiosk: bool,
        visit: Visit | None = None,
    ) -> None:
        """Two queries: the day's claims, and which of them are the visitor's own."""
        self.day, self.units, self.moment = day, rows, moment
        resident = visit.resident if visit else None
        self._claims: dict[int, list[Taken]] = defaultdict(list)
        for claim in taken(day.space.id, day.start, day.buffered(day.end), moment):
            if visit is None or claim.visit_id != visit.id:
                self._claims[claim.unit_id].append(claim)
        booked = [
            claim.booking_id for claims in self._claims.values() for claim in claims if claim.booking_id
        ]
        self._mine = _own(resident.id, booked) if resident and booked else set()
        today_here = at_kiosk and day.day == local_day(moment, day.zone)
        self._kept = {
            unit.id: kept_for(
                walk_in=unit.walk_in,
                wheelchair=unit.wheelchair,
                at_kiosk_same_day=today_here,
                needs_adapted=None if resident is None else resident.adapted_seat,
                walk_in_until=day.walk_in_until,
                adapted_until=day.adapted_until,
                now=moment,
            )
            for unit in rows
        }

    def seats(self, span: Interval) -> list[Seat]:
        """Every unit for `span`, in order."""
        end = self.day.buffered(span.end)
        return [
            _seat(
                unit,
                [claim for claim in self._claims[unit.id] if claim.start < end and span.start < claim.end],
                self._kept[unit.id],
                self._mine,
            )
            for unit in self.units
        ]

    def free(self, span: Interval) -> int:
        """How many seats this person could take for `span`."""
        return sum(seat.state == "free" for seat in self.seats(span))


def _own(resident_id: int, booking_ids: Sequence[int]) -> set[int]:
    query = select(Booking.id).where(Booking.resident_id == resident_id, Booking.id.in_(booking_ids))
    return set(db.session.scalars(query))


def _seat(unit: Unit, claims: Sequence[Taken], kept: str | None, mine: set[int]) -> Seat:
    if any(claim.booking_id in mine for claim in claims):
        return Seat(unit, "mine", _("您的"), _("您已经订了这个座位"))
    if any(claim.booking_id is not None for claim in claims):
        return Seat(unit, "taken", _("已订"), _("已经有人订了"))
    if claims:
        return Seat(unit, "held", _("正在选"), _("有人正在选"))
    if kept == "walk_in":
        return Seat(unit, "kept", _("留现场"), _("留给当天到中心来的人"))
    if kept == "wheelchair":
        return Seat(unit, "kept", _("留轮椅"), _("留给坐轮椅的街坊"))
    return Seat(
        unit, "free", _("轮椅位") if unit.wheelchair else _("可选"), _("轮椅方便") if unit.wheelchair else ""
    )


def propose(found: Sequence[Seat], last_code: str | None = None, after: str | None = None) -> Seat | None:
    """The seat to choose for somebody: their last one, then by the window, then in order; never one that is kept.

    after: the code shown now, so that «帮我选» goes on to the next best.
    """
    free = [seat for seat in found if seat.state == "free"]
    ranked = sorted(
        free,
        key=lambda seat: (
            seat.unit.code != last_code,
            seat.unit.wheelchair,
            not seat.unit.traits.get("window"),
            seat.unit.position,
        ),
    )
    if not ranked:
        return None
    codes = [seat.unit.code for seat in ranked]
    return ranked[(codes.index(after) + 1) % len(ranked)] if after in codes else ranked[0]


def last_booking(resident_id: int, centre_id: int) -> Booking | None:
    """The seat this person had last in a centre: the source of «和上次一样»."""
    return db.session.scalar(
        select(Booking)
        .options(joinedload(Booking.unit), joinedload(Booking.space).joinedload(Space.centre))
        .where(
            Booking.resident_id == resident_id,
            Booking.centre_id == centre_id,
            Booking.unit_id.in_(select(Unit.id).where(Unit.retired_at.is_(None))),
            Booking.state != "cancelled",
        )
        .order_by(Booking.starts_at.desc())
        .limit(1)
    )


def bookable_days(space: Space, moment: datetime) -> list[SpaceDay]:
    """The days from today to the horizon; the last one opens at its hour."""
    today = local_day(moment, space.centre.zone)
    days = space_days(space, today, today + timedelta(days=60))
    horizon = days[0].policy.horizon_days
    return days[: horizon + 1]


def booking_by_number(number: str) -> Booking | None:
    """The booking that bears this number; spaces and case do not matter."""
    cleaned = "".join(number.split()).upper()
    return db.session.scalar(full().where(Booking.number == cleaned))


def booking_by_code(code: str) -> Booking | None:
    """The booking of a slip's code."""
    return db.session.scalar(full().where(Booking.code_index.in_(blinds(code, CODE))))


def booking_by_id(booking_id: int) -> Booking | None:
    """One booking with what a page shows of it."""
    return db.session.scalar(full().where(Booking.id == booking_id))


def full() -> Select[Booking]:
    """Bookings with everything that a page shows of them, in one query."""
    return select(Booking).options(
        joinedload(Booking.space).joinedload(Space.centre),
        joinedload(Booking.unit),
        joinedload(Booking.resident),
        joinedload(Booking.centre),
    )


def bookings_of(resident_id: int, start: datetime, end: datetime) -> list[Booking]:
    """A resident's bookings that touch `[start, end)` and still mean something, by start."""
    rows = db.session.scalars(
        full()
        .where(Booking.resident_id == resident_id, Booking.starts_at < end, Booking.ends_at > start)
        .where(Booking.state.in_(["booked", "in_use"]))
        .order_by(Booking.starts_at)
    )
    moment = now()
    return [row for row in rows if state_now(row, moment) in {"booked", "in_use"}]


class Timed(Protocol):
    """What the state of a booking follows from."""

    @property
    def state(self) -> str: ...
    @property
    def resident_id(self) -> int | None: ...
    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def check_in_until(self) -> datetime: ...


def state_now(booking: Timed, moment: datetime) -> str:
    """The state as the times make it, whether or not somebody has written it down: booked, in_use, over, left, …"""
    if booking.state == "booked" and booking.resident_id is None:  # an event: nobody checks in for it
        return "booked" if moment < booking.starts_at else "in_use" if moment < booking.ends_at else "over"
    if booking.state == "booked" and moment > booking.check_in_until:
        return "no_show"
    if booking.state == "in_use" and moment >= booking.ends_at:
        return "over"
    return booking.state


def to_check_in(resident_id: int, centre_id: int, moment: datetime) -> list[Booking]:
    """What a resident may check in for right now in a centre."""
    return list(
        db.session.scalars(
            full()
            .where(
                Booking.resident_id == resident_id,
                Booking.centre_id == centre_id,
                Booking.state == "booked",
                Booking.check_in_from <= moment,
                Booking.check_in_until >= moment,
            )
            .order_by(Booking.starts_at)
        )
    )


def residents_expected(centre_id: int, moment: datetime) -> list[int]:
    """Residents who may check in now: whom four digits of a phone can mean."""
    return list(
        db.session.scalars(
            select(Booking.resident_id)
            .where(
                Booking.centre_id == centre_id,
                Booking.state == "booked",
                Booking.check_in_from <= moment,
                Booking.check_in_until >= moment,
                Booking.resident_id.is_not(None),
            )
            .distinct()
        )
    )


def violations(resident_id: int, moment: datetime, policy: BookingPolicy) -> list[Violation]:
    """What counts against somebody now, newest first."""
    since = moment - timedelta(days=policy.violation_days)
    return list(
        db.session.scalars(
            select(Violation)
            .where(Violation.resident_id == resident_id, Violation.at > since)
            .order_by(Violation.at.desc())
        )
    )


class Listed(NamedTuple):
    """A booking as the staff's list needs it. name: the resident's, None where it is an event with a title."""

    id: int
    number: str
    state: str
    title: str
    unit_id: int | None
    resident_id: int | None
    name: str | None
    starts_at: datetime
    ends_at: datetime
    check_in_until: datetime


_BOOKING, _RESIDENT = Booking.metadata.tables["booking"], Resident.metadata.tables["resident"]
_LISTED = (
    select(
        _BOOKING.c.id,
        _BOOKING.c.number,
        _BOOKING.c.state,
        _BOOKING.c.title,
        _BOOKING.c.unit_id,
        _BOOKING.c.resident_id,
        _RESIDENT.c.name,
        _BOOKING.c.starts_at,
        _BOOKING.c.ends_at,
        _BOOKING.c.check_in_until,
    )
    .select_from(_BOOKING.outerjoin(_RESIDENT).outerjoin(_UNIT, _UNIT.c.id == _BOOKING.c.unit_id))
    .where(_BOOKING.c.space_id == bindparam("space"), _BOOKING.c.local_day == bindparam("day"))
    .order_by(_BOOKING.c.starts_at, _UNIT.c.position)
)


def day_bookings(space_id: int, day: date) -> list[Listed]:
    """All bookings of a space on a day for the staff's list, by start, cancelled ones too. Nothing sealed is read."""
    return list(map(Listed._make, db.session.execute(_LISTED, {"space": space_id, "day": day}).all()))


def changes_at(rows: Sequence[Timed], moment: datetime) -> datetime:
    """When the first of these bookings changes its state by time alone (`state_now`)."""
    live = [row for row in rows if row.state in {"booked", "in_use"}]
    moments = (at for row in live for at in (row.starts_at, row.check_in_until, row.ends_at) if at > moment)
    return min(moments, default=moment + timedelta(days=1))


def unit_name(unit: Unit | Lane) -> str:
    """A3; for whoever gives appointments, their name: 林静护士."""
    name = unit.traits.get("name_zh")
    return pick(name + unit.traits.get("title_zh", ""), unit.traits.get("name_en", "")) if name else unit.code


def unit_words(booking: Booking) -> str:
    """A3 靠窗桌; the space's name where the whole of it was booked."""
    if booking.unit is None:
        return _("整间")
    table = next(
        (table for table in booking.space.plan.get("tables", []) if table["code"] == booking.unit.table_code),
        None,
    )
    if table is None:
        return unit_name(booking.unit)
    return f"{booking.unit.code} {pick(table['name_zh'], table['name_en'])}"


def place_words(booking: Booking) -> str:
    """A3 靠窗桌 阅览室: the seat and the space it stands in."""
    return _("%(seat)s %(space)s", seat=unit_words(booking), space=booking.space.name)
