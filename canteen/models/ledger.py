"""The ledger: accounts, and transfers that move an amount from one to another. Nothing in it is ever changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.appendonly import append_only
from core.balances import keeps_balance
from core.database import Base, Moment, Short, Text
from core.money import Fen

KINDS = ("resident", "cash", "outside", "held", "sales", "subsidy", "promotion", "refund_due", "difference")


class Account(Base):
    """One account. A credit adds to `balance_fen`, a debit takes from it; the sum over all accounts is nought.

    resident: what the operator owes a resident, and never below nought. Of a centre: cash (the till), outside (money
    that came another way), held (paid for meals not yet handed out), sales, subsidy (what the government owes),
    promotion, refund_due (to be paid out at the desk), difference (found at a cash count).
    """

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('resident','cash','outside','held','sales','subsidy','promotion','refund_due','difference')",
            name="kind",
        ),
        CheckConstraint("(kind = 'resident') = (resident_id IS NOT NULL)", name="whose"),
        CheckConstraint("kind NOT IN ('resident','held','refund_due') OR balance_fen >= 0", name="not_below"),
        Index(
            "uq_account_resident",
            "resident_id",
            unique=True,
            sqlite_where=text("resident_id IS NOT NULL"),
            postgresql_where=text("resident_id IS NOT NULL"),
        ),
        Index(
            "uq_account_kind",
            "centre_id",
            "kind",
            unique=True,
            sqlite_where=text("resident_id IS NULL"),
            postgresql_where=text("resident_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Short)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    """For a resident's: the centre whose operator answers for it."""
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    balance_fen: Mapped[int] = mapped_column(Fen, default=0)
    """Kept by the database's trigger; nobody writes it."""
    blocked_at: Mapped[datetime | None] = mapped_column(Moment)
    """Its sum was found wrong: nothing is spent from it until somebody has looked."""


class Transfer(Base):
    """`amount_fen` from `debit_id` to `credit_id`, for ever. A mistake is mended by a transfer the other way."""

    __tablename__ = "transfer"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("debit_id <> credit_id", name="two"),
        UniqueConstraint("reverses_id"),
        Index(
            "uq_transfer_order",
            "order_id",
            "kind",
            unique=True,
            sqlite_where=text("redemption_id IS NULL AND reverses_id IS NULL"),
            postgresql_where=text("redemption_id IS NULL AND reverses_id IS NULL"),
        ),
        UniqueConstraint("redemption_id", "kind"),
        Index("ix_transfer_debit", "debit_id", "at"),
        Index("ix_transfer_credit", "credit_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    debit_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    credit_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    amount_fen: Mapped[int] = mapped_column(Fen)
    kind: Mapped[str] = mapped_column(Short)
    """top_up, order_held, order_paid, meal_sold, subsidy, promotion, order_refund, refund, paid_out, reversal,
    cash_difference, to_bank, merge, support, government_paid, review_cash (taken offline, held until it is decided),
    extra_sold, review_returned. Of one order (or one redemption) and kind there is at most one: nothing is refunded or
    claimed twice."""
    order_id: Mapped[int | None] = mapped_column(ForeignKey("meal_order.id"))
    redemption_id: Mapped[int | None] = mapped_column(ForeignKey("redemption.id"))
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("transfer.id"))
    actor_kind: Mapped[str] = mapped_column(Short)
    actor_id: Mapped[int]
    reason: Mapped[str] = mapped_column(Text, default="")
    """A code, never a person's words."""
    reference: Mapped[str] = mapped_column(Short, default="")
    """Number of an outside payment or of a receipt."""


append_only(Transfer.metadata.tables["transfer"])
keeps_balance(Transfer.metadata.tables["transfer"], "account", "debit_id", "credit_id")


class CashCount(Base):
    """The till was counted and handed over: what should be in it, what was, and who took it on."""

    __tablename__ = "cash_count"
    __table_args__ = (
        CheckConstraint("counted_fen >= 0", name="counted"),
        CheckConstraint("taken_at IS NULL OR handed_to_id IS NOT NULL", name="taken"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    handed_to_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    taken_at: Mapped[datetime | None] = mapped_column(Moment)
    """When whoever takes the till on said that it holds what was counted."""
    expected_fen: Mapped[int] = mapped_column(Fen)
    counted_fen: Mapped[int] = mapped_column(Fen)
    notes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """How many of each banknote and coin, in fen: {"10000": 3, …}."""
    banked_fen: Mapped[int] = mapped_column(Fen, default=0)
    """Taken out of the till and to the bank."""
    transfer_id: Mapped[int | None] = mapped_column(ForeignKey("transfer.id"))
