"""Tables of the centres' floor."""

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, Synonym, mapped_column, relationship, synonym

from core.database import Base, Moment, Short, Text
from core.i18n import Named
from core.intervals import no_overlap


class OrgUnit(Named, Base):
    """A node of the tree: district → street → centre, and departments and partners beside it."""

    __tablename__ = "org_unit"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('district','street','centre','department','case_unit','partner')", name="kind"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(Short, unique=True)
    kind: Mapped[str] = mapped_column(Short)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("org_unit.id"), index=True)
    parent: Mapped["OrgUnit | None"] = relationship(remote_side="OrgUnit.id")


class Centre(Named, Base):
    """A community centre; shares its id with its node of the tree."""

    __tablename__ = "centre"

    id: Mapped[int] = mapped_column(ForeignKey("org_unit.id"), primary_key=True)
    code: Mapped[str] = mapped_column(Short, unique=True)
    short_zh: Mapped[str] = mapped_column(Short)
    address_zh: Mapped[str] = mapped_column(Text)
    address_en: Mapped[str] = mapped_column(Text, default="")
    phone: Mapped[str] = mapped_column(Short)
    zone: Mapped[str] = mapped_column(Short, default="Asia/Shanghai")
    settings_version: Mapped[int] = mapped_column(default=1)
    """Grows with every change of hours, calendar, policies or spaces: pages are kept under it."""
    hours: Mapped[list["WeeklyHours"]] = relationship(cascade="all, delete-orphan")
    unit_id: Synonym[int] = synonym("id")
    """Whose it is, as master data asks (core/master.py)."""


class Building(Named, Base):
    """A house in which residents live, for delivery and later for everything that is said of a place."""

    __tablename__ = "building"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("org_unit.id"), index=True)
    code: Mapped[str] = mapped_column(Short, unique=True)
    lift: Mapped[bool] = mapped_column(default=False)
    floors: Mapped[int] = mapped_column(default=1)
    cell: Mapped[str] = mapped_column(Short, default="")
    """The grid cell it stands in."""
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    retired_at: Mapped[datetime | None] = mapped_column(Moment)
    """No longer on lists; whoever lives there still does."""


class WeeklyHours(Base):
    """The centre is open from `opens` to `closes` on a weekday (0 = Monday). A weekday without a row is closed."""

    __tablename__ = "weekly_hours"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("opens < closes", name="order"),
        UniqueConstraint("centre_id", "weekday", "opens"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    weekday: Mapped[int]
    opens: Mapped[time]
    closes: Mapped[time]


class OneOff(Base):
    """One opening or closure apart from the week's hours, of the centre or (`place`) of one of its spaces."""

    __tablename__ = "one_off"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="order"),
        Index("ix_one_off_centre", "centre_id", "starts_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    place: Mapped[str] = mapped_column(Short, default="")
    is_open: Mapped[bool]
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    reason_zh: Mapped[str] = mapped_column(Text)
    reason_en: Mapped[str] = mapped_column(Text, default="")


class Workday(Base):
    """A day that is not what its weekday says. Looked up centre → street → district: the nearest unit's row counts.

    `plain`: what its weekday says after all, against the row of a unit above.
    """

    __tablename__ = "workday"
    __table_args__ = (
        UniqueConstraint("unit_id", "day"),
        CheckConstraint("kind IN ('holiday','makeup_workday','plain')", name="kind"),
        CheckConstraint("hours_of IS NULL OR hours_of BETWEEN 0 AND 6", name="hours_of"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("org_unit.id"))
    day: Mapped[date]
    kind: Mapped[str] = mapped_column(Short)
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text, default="")
    hours_of: Mapped[int | None]
    """Make-up workdays follow the hours of this weekday; Monday's where none is named."""
    provisional: Mapped[bool] = mapped_column(default=False)


class CalendarYear(Base):
    """A year whose holidays are in the table, for a unit and all below it. Others are 暂定: plain weekdays."""

    __tablename__ = "calendar_year"

    unit_id: Mapped[int] = mapped_column(ForeignKey("org_unit.id"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    published: Mapped[bool]


class Policy(Base):
    """One number or choice of the house, valid from a day on; looked up centre → street → district.

    `subject` narrows it to one thing of the unit, such as the code of a space; '' is the rule for all.
    """

    __tablename__ = "policy"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("org_unit.id"))
    name: Mapped[str] = mapped_column(Short)
    subject: Mapped[str] = mapped_column(Short, default="")
    value: Mapped[Any] = mapped_column(JSON)
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]


POLICY_LINE = no_overlap(
    Policy.metadata.tables["policy"], ("unit_id", "name", "subject"), ("starts_on", "ends_on"), dates=True
)
