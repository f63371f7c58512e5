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
        CheckConstraint("(paid_id IS NOT NULL) = (coalesce(paid_fen, 0) > 0)", name="paid"),
        UniqueConstraint("centre_id", "month"),
        UniqueConstraint("support_id"),
        UniqueConstraint("paid_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    month: Mapped[date]
    """Its first day."""
    state: Mapped[str] = mapped_column(Short, default="draft")
    made_at: Mapped[datetime] = mapped_column(Moment)
    sealed_at: Mapped[datetime | None] = mapped_column(Moment)
    sealed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    claimed_fen: Mapped[int] = mapped_column(Fen, default=0)
    paid_fen: Mapped[int | None] = mapped_column(Fen)
    """What came, once it has come: less than claimed is paid short."""
    paid_on: Mapped[date | None]
    support_id: Mapped[int | None] = mapped_column(ForeignKey("transfer.id"))
    """Delivery and operating subsidy in the books: nobody owed them before the month was sealed."""
    paid_id: Mapped[int | None] = mapped_column(ForeignKey("transfer.id"))
    """What came, in the books. Said again, the one before is reversed and this points at the new one."""
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
    amount_fen: Mapped[int] = mapped_column(Fen)
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("settlement_line.id"))
    reason: Mapped[str] = mapped_column(Text, default="")
    settlement: Mapped[Settlement] = relationship(back_populates="lines")


append_only(SettlementLine.metadata.tables["settlement_line"])
