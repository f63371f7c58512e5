"""Orders, what was ordered as it was then, and how they end."""

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from canteen.models.kitchen import Menu, Offer, Swap
from centres.models import Centre
from core.crypto import Encrypted
from core.database import Base, Moment, Short, Text
from core.money import Fen
from core.rotate import indexed
from people.models import Resident


class MealOrder(Base):
    """One portion for one person (or a guest). Its price and its moments stand on it: later changes do not alter it.

    price = promotion + subsidy + pays, to the fen.
    """

    __tablename__ = "meal_order"
    __table_args__ = (
        CheckConstraint(
            "state IN ('ordered','collected','delivered','uncollected','cancelled','failed')", name="state"
        ),
        CheckConstraint("pay_state IN ('due','held','paid','refunded','void')", name="pay_state"),
        CheckConstraint("price_fen = promotion_fen + subsidy_fen + pays_fen", name="sum"),
        CheckConstraint("promotion_fen >= 0 AND subsidy_fen >= 0 AND pays_fen >= 0", name="parts"),
        CheckConstraint("resident_id IS NOT NULL OR subsidy_fen = 0", name="guest"),
        CheckConstraint("texture IN ('regular','soft','minced','puree')", name="texture"),
        UniqueConstraint("menu_id", "pick_up"),
        UniqueConstraint("standing_id", "menu_id"),
        Index("ix_meal_order_resident", "resident_id", "day"),
        Index("ix_meal_order_centre", "centre_id", "day", "state"),
        Index(
            "ix_meal_order_waiting",
            "menu_id",
            sqlite_where=text("state = 'ordered'"),
            postgresql_where=text("state = 'ordered'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    menu_id: Mapped[int] = mapped_column(ForeignKey("menu.id"))
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"), index=True)
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    proxy_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    """The relative who ordered."""
    standing_id: Mapped[int | None] = mapped_column(ForeignKey("standing_order.id"))
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"), index=True)
    """Of a guest at a screen, or of a card without its PIN: only a few are ordered so."""
    day: Mapped[date]
    meal: Mapped[str] = mapped_column(Short)
    number: Mapped[str] = mapped_column(Short, unique=True)
    code: Mapped[str] = mapped_column(Encrypted("meal_order.code"))
    code_index: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)
    pick_up: Mapped[int]
    """The number that is called in the hall: 1, 2, 3 … of the menu."""
    state: Mapped[str] = mapped_column(Short, default="ordered")
    channel: Mapped[str] = mapped_column(Short)
    """kiosk, phone, family, desk, standing, api."""
    price_fen: Mapped[int] = mapped_column(Fen)
    promotion_fen: Mapped[int] = mapped_column(Fen, default=0)
    promotion_id: Mapped[int | None] = mapped_column(ForeignKey("promotion.id"))
    subsidy_fen: Mapped[int] = mapped_column(Fen, default=0)
    pays_fen: Mapped[int] = mapped_column(Fen)
    gateway: Mapped[str] = mapped_column(Short)
    """counter, account, or the name of an outside wallet's."""
    pay_state: Mapped[str] = mapped_column(Short)
    """due (at the counter), held (taken when ordered), paid, refunded, void (nothing was ever paid)."""
    walk_in: Mapped[bool] = mapped_column(default=False)
    """After the cutoff: it took a walk-in portion, not one of the offer's."""
    texture: Mapped[str] = mapped_column(Short, default="regular")
    low_salt: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str | None] = mapped_column(Encrypted("meal_order.note"))
    """To the kitchen, in their own words; as it stood when the order was made."""
    conflicts: Mapped[list[str]] = mapped_column(JSON, default=list)
    """What of it is against the person's profile and was confirmed."""
    delivery: Mapped[bool] = mapped_column(default=False)
    delivery_subsidy_fen: Mapped[int] = mapped_column(Fen, default=0)
    ordered_at: Mapped[datetime] = mapped_column(Moment)
    undo_until: Mapped[datetime] = mapped_column(Moment)
    cutoff_at: Mapped[datetime] = mapped_column(Moment)
    """What the receipt promised: free to give back until then."""
    called_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(Text, default="")
    """Why staff or the kitchen ended it, in words the resident may read."""
    menu: Mapped[Menu] = relationship()
    offer: Mapped[Offer] = relationship()
    centre: Mapped[Centre] = relationship()
    resident: Mapped[Resident | None] = relationship(foreign_keys=[resident_id])
    proxy: Mapped[Resident | None] = relationship(foreign_keys=[proxy_id])
    lines: Mapped[list["MealLine"]] = relationship(order_by="MealLine.position")


class MealLine(Base):
    """A dish of an order, as it was named, priced and labelled when ordered."""

    __tablename__ = "meal_line"

    order_id: Mapped[int] = mapped_column(ForeignKey("meal_order.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    dish_id: Mapped[int] = mapped_column(ForeignKey("dish.id"))
    name_zh: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text, default="")
    name_hant: Mapped[str] = mapped_column(Text, default="")
    price_fen: Mapped[int] = mapped_column(Fen)
    labels: Mapped[list[str]] = mapped_column(JSON, default=list)
    allergens: Mapped[list[str]] = mapped_column(JSON, default=list)


class Redemption(Base):
    """核销: a meal was handed out. Of an order one stands; a second one from a window that was offline is reviewed."""

    __tablename__ = "redemption"
    __table_args__ = (
        CheckConstraint("state IN ('stands','review','undone','settled')", name="state"),
        Index(
            "uq_redemption_stands",
            "order_id",
            unique=True,
            sqlite_where=text("state = 'stands'"),
            postgresql_where=text("state = 'stands'"),
        ),
        UniqueConstraint("scan_key"),
        Index("ix_redemption_review", "centre_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("meal_order.id"), index=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    window: Mapped[str] = mapped_column(Short)
    """Which window or carrier handed it out."""
    how: Mapped[str] = mapped_column(Short)
    """slip, card, number, delivery."""
    offline: Mapped[bool] = mapped_column(default=False)
    scan_key: Mapped[str] = mapped_column(Short)
    """Made by the window for each scan: the same scan sent twice is one."""
    scanned_at: Mapped[datetime] = mapped_column(Moment)
    recorded_at: Mapped[datetime] = mapped_column(Moment)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    fetched_by_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    """代领: the relative who fetched it with a card of their own. None: whoever brought the slip or the person's."""
    state: Mapped[str] = mapped_column(Short, default="stands")
    """stands, review; undone: nothing went out after all; settled: looked at, and a meal more went out."""
    reason: Mapped[str] = mapped_column(Text, default="")
    """Why it was undone, or how the review ended."""
    order: Mapped[MealOrder] = relationship()
    fetched_by: Mapped[Resident | None] = relationship()


class OddScan(Base):
    """A scan that an offline window sent in and that belongs to no order of this centre: it is looked at all the same,
    and so is the cash that was taken for it."""

    __tablename__ = "odd_scan"
    __table_args__ = (
        CheckConstraint("state IN ('review','served','not_served')", name="state"),
        CheckConstraint("cash_fen >= 0", name="cash"),
        UniqueConstraint("scan_key"),
        Index("ix_odd_scan_review", "centre_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    window: Mapped[str] = mapped_column(Short)
    scan_key: Mapped[str] = mapped_column(Short)
    number: Mapped[str] = mapped_column(Short, default="")
    """What it said for a number; empty where nothing could be read."""
    scanned_at: Mapped[datetime | None] = mapped_column(Moment)
    """When, as the tablet says; None where it does not say."""
    recorded_at: Mapped[datetime] = mapped_column(Moment)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    """Who was signed in at the window that sent it."""
    cash_fen: Mapped[int] = mapped_column(Fen, default=0)
    why: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Short, default="review")
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    words: Mapped[str] = mapped_column(Text, default="")
    """What they found out."""


class StandingOrder(Base):
    """长期订餐: a meal on some weekdays until further notice. Each day's order is made at its own cutoff."""

    __tablename__ = "standing_order"
    __table_args__ = (
        CheckConstraint("state IN ('active','ended')", name="state"),
        Index(
            "uq_standing_order_live",
            "resident_id",
            "canteen_id",
            "meal",
            unique=True,
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    canteen_id: Mapped[int] = mapped_column(ForeignKey("canteen.id"))
    meal: Mapped[str] = mapped_column(Short)
    weekdays: Mapped[list[int]] = mapped_column(JSON)
    """0 = Monday; make-up workdays count as the weekday whose hours they follow."""
    labels: Mapped[list[str]] = mapped_column(JSON, default=list)
    avoid: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Wishes of this order, beside the person's profile: labels, and allergens to avoid."""
    texture: Mapped[str] = mapped_column(Short, default="regular")
    gateway: Mapped[str] = mapped_column(Short)
    delivery: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str | None] = mapped_column(Encrypted("standing_order.note"))
    """To the kitchen, in their own words; copied onto each day's order, gone when this one ends."""
    state: Mapped[str] = mapped_column(Short, default="active")
    made_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_why: Mapped[str] = mapped_column(Short, default="")
    resident: Mapped[Resident] = relationship()


class StandingSkip(Base):
    """明天不吃: a day on which a standing order makes no order."""

    __tablename__ = "standing_skip"

    standing_id: Mapped[int] = mapped_column(ForeignKey("standing_order.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    proxy_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    """The relative who said so; empty: the person themselves, or staff for them."""
    proxy: Mapped[Resident | None] = relationship()


class DietProfile(Base):
    """What somebody may not or does not wish to eat; kept with their consent (`diet`) and gone with it."""

    __tablename__ = "diet_profile"
    __table_args__ = (CheckConstraint("texture IN ('regular','soft','minced','puree')", name="texture"),)

    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), primary_key=True)
    allergens: Mapped[list[str]] = mapped_column(JSON, default=list)
    labels: Mapped[list[str]] = mapped_column(JSON, default=list)
    texture: Mapped[str] = mapped_column(Short, default="regular")
    avoid: Mapped[str | None] = mapped_column(Encrypted("diet_profile.avoid"))
    """In their own words, for the kitchen and staff."""


class SwapQuestion(Base):
    """After a swap: does this person still want the meal? Until they answer it is not handed out."""

    __tablename__ = "swap_question"
    __table_args__ = (CheckConstraint("answer IS NULL OR answer IN ('keep','cancel')", name="answer"),)

    order_id: Mapped[int] = mapped_column(ForeignKey("meal_order.id"), primary_key=True)
    swap_id: Mapped[int] = mapped_column(ForeignKey("swap.id"), primary_key=True)
    conflicts: Mapped[list[str]] = mapped_column(JSON, default=list)
    asked_at: Mapped[datetime] = mapped_column(Moment)
    answer: Mapped[str | None] = mapped_column(Short)
    answered_at: Mapped[datetime | None] = mapped_column(Moment)
    swap: Mapped[Swap] = relationship()


indexed("meal_order", "code_index", "code", "meal_order.code")
