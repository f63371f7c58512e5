"""Delivery: a run of stops with a carrier, one stop shown at a time."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from canteen.models.kitchen import Menu
from canteen.models.orders import MealOrder
from core.crypto import Encrypted
from core.database import Base, Moment, Short
from core.rotate import indexed


class Run(Base):
    """A delivery run of one menu. Its code opens the carrier's page on a phone, for that run and nothing else."""

    __tablename__ = "delivery_run"
    __table_args__ = (CheckConstraint("state IN ('planned','out','done')", name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    menu_id: Mapped[int] = mapped_column(ForeignKey("menu.id"), index=True)
    name: Mapped[str] = mapped_column(Short)
    carrier_name: Mapped[str] = mapped_column(Short, default="")
    carrier_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    carrier_resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    code: Mapped[str] = mapped_column(Encrypted("delivery_run.code"))
    code_index: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)
    state: Mapped[str] = mapped_column(Short, default="planned")
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    menu: Mapped[Menu] = relationship()
    stops: Mapped[list["Stop"]] = relationship(back_populates="run", order_by="Stop.position")


class Stop(Base):
    """One door of a run. An order is on one run only."""

    __tablename__ = "delivery_stop"
    __table_args__ = (
        CheckConstraint("state IN ('waiting','handed_over','nobody_home','cancelled')", name="state"),
        CheckConstraint("taken_by IN ('','self','family','neighbour','door')", name="taken_by"),
        UniqueConstraint("order_id"),
        UniqueConstraint("run_id", "position"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("delivery_run.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("meal_order.id"))
    position: Mapped[int]
    state: Mapped[str] = mapped_column(Short, default="waiting")
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    taken_by: Mapped[str] = mapped_column(Short, default="")
    """Into whose hands it went, never a name; door: left there, as had been agreed. Empty: not said."""
    run: Mapped[Run] = relationship(back_populates="stops")
    order: Mapped[MealOrder] = relationship()


indexed("delivery_run", "code_index", "code", "delivery_run.code")
