"""Tables of booking. A claim is the only thing that occupies a unit; the database lets no two of them overlap."""

from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, Synonym, mapped_column, relationship, synonym

from centres.models import Centre
from core.crypto import Encrypted
from core.database import Base, Moment, Short, Text
from core.i18n import Named
from core.intervals import no_overlap
from core.rotate import indexed
from people.models import Resident


class Space(Named, Base):
    """A room that is booked by the seat, as a whole, or by appointment."""

    __tablename__ = "space"
    __table_args__ = (
        UniqueConstraint("centre_id", "code"),
        CheckConstraint("mode IN ('seats','whole','appointments')", name="mode"),
        CheckConstraint("step_minutes IN (10, 15, 30, 60)", name="step"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    code: Mapped[str] = mapped_column(Short)
    floor: Mapped[int] = mapped_column(default=1)
    mode: Mapped[str] = mapped_column(Short)
    approval: Mapped[bool] = mapped_column(default=False)
    step_minutes: Mapped[int] = mapped_column(default=30)
    party_min: Mapped[int] = mapped_column(default=1)
    party_max: Mapped[int] = mapped_column(default=1)
    plan: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Walls in words, tables, size in decimetres."""
    access: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What a wheelchair user must know: lift, door width in cm, table height in cm, accessible toilet."""
    retired_at: Mapped[datetime | None] = mapped_column(Moment)
    """No longer there; what was booked in it is remembered."""
    centre: Mapped[Centre] = relationship()
    hours: Mapped[list["SpaceHours"]] = relationship(cascade="all, delete-orphan")
    units: Mapped[list["Unit"]] = relationship(order_by="Unit.position", cascade="save-update, merge")
    unit_id: Synonym[int] = synonym("centre_id")
    """Whose it is, as master data asks (core/master.py)."""


class SpaceHours(Base):
    """One opening of a space on a weekday (0 = Monday); each is offered in one tap."""

    __tablename__ = "space_hours"
    __table_args__ = (
        UniqueConstraint("space_id", "weekday", "opens"),
        CheckConstraint("opens < closes", name="order"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("space.id"))
    weekday: Mapped[int]
    opens: Mapped[time]
    closes: Mapped[time]


class Unit(Base):
    """What one person occupies: a seat, a recliner, or a room as a whole."""

    __tablename__ = "unit"
    __table_args__ = (UniqueConstraint("space_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("space.id"))
    code: Mapped[str] = mapped_column(Short)
    position: Mapped[int]
    table_code: Mapped[str] = mapped_column(Short, default="")
    x: Mapped[int] = mapped_column(default=0)
    y: Mapped[int] = mapped_column(default=0)
    width: Mapped[int] = mapped_column(default=0)
    height: Mapped[int] = mapped_column(default=0)
    wheelchair: Mapped[bool] = mapped_column(default=False)
    walk_in: Mapped[bool] = mapped_column(default=False)
    """Kept for walk-ins at the kiosk until the policy's time."""
    traits: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """window, aisle, socket, lamp (bool), next_to (codes), facing (code)."""
    retired_at: Mapped[datetime | None] = mapped_column(Moment)
    """No longer there: nothing new is claimed on it."""


class Booking(Base):
    """One person's (or one event's) use of a unit, or of a whole space where `unit_id` is empty.

    What policy said when it was made stands on it as moments: later policies do not change it.
    """

    __tablename__ = "booking"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="order"),
        CheckConstraint("state IN ('booked','in_use','left','cancelled','no_show')", name="state"),
        CheckConstraint("resident_id IS NOT NULL OR title <> ''", name="whom"),
        CheckConstraint("party >= 1", name="party"),
        Index("ix_booking_resident_day", "resident_id", "local_day"),
        Index("ix_booking_space_day", "space_id", "local_day"),
        Index("ix_booking_centre_start", "centre_id", "starts_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    space_id: Mapped[int] = mapped_column(ForeignKey("space.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    title: Mapped[str] = mapped_column(Text, default="")
    number: Mapped[str] = mapped_column(Short, unique=True)
    code: Mapped[str] = mapped_column(Encrypted("booking.code"))
    code_index: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    local_day: Mapped[date]
    party: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(Short, default="booked")
    channel: Mapped[str] = mapped_column(Short)
    booked_at: Mapped[datetime] = mapped_column(Moment)
    undo_until: Mapped[datetime] = mapped_column(Moment)
    free_cancel_until: Mapped[datetime] = mapped_column(Moment)
    check_in_from: Mapped[datetime] = mapped_column(Moment)
    check_in_until: Mapped[datetime] = mapped_column(Moment)
    checked_in_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    """When the person left, cancelled, or was found not to have come."""
    reason: Mapped[str] = mapped_column(Text, default="")
    """Why staff cancelled it, in words the resident may read."""
    space: Mapped[Space] = relationship()
    unit: Mapped[Unit | None] = relationship()
    centre: Mapped[Centre] = relationship()
    resident: Mapped[Resident | None] = relationship()


LONGEST = timedelta(days=2)
"""No claim lasts longer (a form's span is at most a day, and its buffer): what began earlier need not be looked at."""


class Claim(Base):
    """A unit is taken for `[starts_at, ends_at)`, buffer included: by a booking, or by a hold of a visit.

    After `expires_at` it is worth nothing: whoever wants the place removes it in the same transaction. Holds expire
    after their seconds, bookings when the time to check in is over, those checked in never.
    """

    __tablename__ = "claim"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="order"),
        CheckConstraint("(booking_id IS NULL) <> (visit_id IS NULL)", name="whose"),
        CheckConstraint("visit_id IS NULL OR expires_at IS NOT NULL", name="holds_expire"),
        UniqueConstraint("visit_id"),
        Index("ix_claim_booking", "booking_id"),
        Index("ix_claim_expires", "expires_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    use_ends_at: Mapped[datetime] = mapped_column(Moment)
    """Without the buffer."""
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("booking.id"))
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"))
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    unit: Mapped[Unit] = relationship()


CLAIM_LINE = no_overlap(Claim.metadata.tables["claim"], ("unit_id",))


class Violation(Base):
    """Somebody booked and did not come (`no_show`), or took back too late (`late_cancel`). Once a booking and kind."""

    __tablename__ = "violation"
    __table_args__ = (
        UniqueConstraint("booking_id", "kind"),
        CheckConstraint("kind IN ('no_show','late_cancel')", name="kind"),
        Index("ix_violation_resident", "resident_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"))
    kind: Mapped[str] = mapped_column(Short)
    at: Mapped[datetime] = mapped_column(Moment)


indexed("booking", "code_index", "code", "booking.code")
