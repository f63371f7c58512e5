"""The monthly settlement with the government: what is claimed, line by line, and what is corrected later."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.appendonly import append_only
from core.database import Base, Moment, Short, Text
from core.money import Fen


class Settlement(Base):
    """A month's claim of one canteen, written when it is sealed: later corrections go into the next month's."""

    __tablename__ = "settlement"
    __table_args__ = (
        CheckConstraint("state IN ('draft','sealed','paid')", name="state"),
        CheckConstraint("came_fen = 0 OR came_fen BETWEEN 1 AND claimed_fen", name="came"),
        UniqueConstraint("centre_id", "month"),
        UniqueConstraint("support_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    month: Mapped[date]
    """Its first day."""
    state: Mapped[str] = mapped_column(Short, default="draft")
    """paid: all that is claimed has come."""
    made_at: Mapped[datetime] = mapped_column(Moment)
    sealed_at: Mapped[datetime | None] = mapped_column(Moment)
    sealed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    claimed_fen: Mapped[int] = mapped_column(Fen, default=0)
    came_fen: Mapped[int] = mapped_column(Fen, default=0)
    """The sum of the payments that stand: never more than is claimed."""
    support_id: Mapped[int | None] = mapped_column(ForeignKey("transfer.id"))
    """Delivery and operating subsidy in the books: nobody owed them before the month was sealed."""
    totals: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    lines: Mapped[list["SettlementLine"]] = relationship(back_populates="settlement")


class SettlementLine(Base):
    """One amount claimed for one order: meal, delivery or operating; negative where it corrects an earlier one. Written
    with its settlement and never changed."""

    __tablename__ = "settlement_line"
    __table_args__ = (
        CheckConstraint("kind IN ('meal','delivery','operating')", name="kind"),
        CheckConstraint("amount_fen <> 0", name="amount"),
        Index(
            "uq_settlement_line_claim",
            "order_id",
            "kind",
            unique=True,
            sqlite_where=text("corrects_id IS NULL"),
            postgresql_where=text("corrects_id IS NULL"),
        ),
        UniqueConstraint("corrects_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id"), index=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("meal_order.id"))
    kind: Mapped[str] = mapped_column(Short)
    rule_id: Mapped[int] = mapped_column(ForeignKey("subsidy_rule.id"))
    """The rule as it stood on that day: one that is renamed or changed goes on as another row."""
    amount_fen: Mapped[int] = mapped_column(Fen)
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("settlement_line.id"))
    reason: Mapped[str] = mapped_column(Text, default="")
    settlement: Mapped[Settlement] = relationship(back_populates="lines")


class SettlementPayment(Base):
    """One payment of the government for a sealed month, as it stands in the books. A wrong one is taken back by the
    transfer that reverses its own; the row stays."""

    __tablename__ = "settlement_payment"
    __table_args__ = (CheckConstraint("amount_fen > 0", name="amount"), UniqueConstraint("transfer_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id"), index=True)
    amount_fen: Mapped[int] = mapped_column(Fen)
    paid_on: Mapped[date]
    transfer_id: Mapped[int] = mapped_column(ForeignKey("transfer.id"))
    recorded_at: Mapped[datetime] = mapped_column(Moment)
    recorded_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))


class SettlementRefusal(Base):
    """A line that the government does not pay, with what it says. It changes no claim and nobody's money."""

    __tablename__ = "settlement_refusal"
    __table_args__ = (UniqueConstraint("line_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("settlement_line.id"))
    reason: Mapped[str] = mapped_column(Text)
    refused_at: Mapped[datetime] = mapped_column(Moment)
    refused_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))


append_only(SettlementLine.metadata.tables["settlement_line"])
append_only(SettlementPayment.metadata.tables["settlement_payment"])
