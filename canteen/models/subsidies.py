"""Who is helped with how much: rules by date, and the right of a person to be helped once a meal."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Moment, Short, Text
from core.i18n import Named, pick
from core.intervals import no_overlap
from core.money import Fen


class SubsidyRule(Base):
    """One rule of a district: for whom (`conditions`), when (`applies`), how much at most. `ends_on` is excluded."""

    __tablename__ = "subsidy_rule"
    __table_args__ = (
        CheckConstraint("kind IN ('meal','delivery','operating')", name="kind"),
        CheckConstraint("amount_fen >= 0", name="amount"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("org_unit.id"))
    code: Mapped[str] = mapped_column(Short)
    name_zh: Mapped[str] = mapped_column(Text)
    """As staff and settlements call it. It may say a tier: never shown to a resident."""
    name_en: Mapped[str] = mapped_column(Text, default="")
    kind: Mapped[str] = mapped_column(Short)
    tier: Mapped[str] = mapped_column(Short, default="")
    """For staff and settlements only; never shown to a resident."""
    conditions: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """hukou, min_age, max_age, any_status, assessment_at_least, any_of, diner."""
    applies: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """meals: list; days: `workday` or absent."""
    amount_fen: Mapped[int] = mapped_column(Fen)
    source: Mapped[str] = mapped_column(Text, default="")
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]

    @property
    def name(self) -> str:
        """The name in the reader's language; Chinese where no English was given."""
        return pick(self.name_zh, self.name_en)


RULE_LINE = no_overlap(
    SubsidyRule.metadata.tables["subsidy_rule"], ("unit_id", "code"), ("starts_on", "ends_on"), dates=True
)


class Promotion(Named, Base):
    """Something off the price for some days, before the subsidy. `ends_on` is excluded."""

    __tablename__ = "promotion"
    __table_args__ = (CheckConstraint("off_fen > 0", name="off"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("org_unit.id"))
    code: Mapped[str] = mapped_column(Short)
    off_fen: Mapped[int] = mapped_column(Fen)
    min_age: Mapped[int] = mapped_column(default=0)
    meals: Mapped[list[str]] = mapped_column(JSON, default=list)
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]


PROMOTION_LINE = no_overlap(
    Promotion.metadata.tables["promotion"], ("unit_id", "code"), ("starts_on", "ends_on"), dates=True
)


class SubsidyClaim(Base):
    """A person's right to a subsidised meal, used by an order: reserved when ordered, claimed when handed out.

    Once per person, day and meal in all centres; `slot` counts the week's from 1 to the policy's number, so that the
    database lets nobody have one more.
    """

    __tablename__ = "subsidy_claim"
    __table_args__ = (
        CheckConstraint("state IN ('reserved','claimed','released')", name="state"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("slot >= 1", name="slot"),
        UniqueConstraint("order_id"),
        Index(
            "uq_subsidy_claim_meal",
            "resident_id",
            "day",
            "meal",
            unique=True,
            sqlite_where=text("state <> 'released'"),
            postgresql_where=text("state <> 'released'"),
        ),
        Index(
            "uq_subsidy_claim_week",
            "resident_id",
            "week",
            "slot",
            unique=True,
            sqlite_where=text("state <> 'released'"),
            postgresql_where=text("state <> 'released'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("meal_order.id"))
    rule_id: Mapped[int] = mapped_column(ForeignKey("subsidy_rule.id"))
    day: Mapped[date]
    meal: Mapped[str] = mapped_column(Short)
    week: Mapped[date]
    """Its Monday."""
    slot: Mapped[int]
    amount_fen: Mapped[int] = mapped_column(Fen)
    state: Mapped[str] = mapped_column(Short, default="reserved")
    at: Mapped[datetime] = mapped_column(Moment)
    """When it came to its state."""


class ClaimCorrection(Base):
    """Two records turned out to be one person: a right was used twice, or more often than the week allows.

    The order stays as it was; somebody looks at it and writes down what became of it.
    """

    __tablename__ = "claim_correction"
    __table_args__ = (
        CheckConstraint("kind IN ('same_meal','week')", name="kind"),
        CheckConstraint("amount_fen > 0", name="amount"),
        UniqueConstraint("order_id"),
        Index("ix_claim_correction_open", "centre_id", "settled_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("meal_order.id"))
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    kind: Mapped[str] = mapped_column(Short)
    amount_fen: Mapped[int] = mapped_column(Fen)
    made_at: Mapped[datetime] = mapped_column(Moment)
    settled_at: Mapped[datetime | None] = mapped_column(Moment)
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    note: Mapped[str] = mapped_column(Text, default="")
