"""What is cooked when: the canteen, its dishes, menus and what is offered on them; what the kitchen writes down."""

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, Synonym, mapped_column, relationship, synonym

from centres.models import Centre
from core.database import Base, Moment, Short, Text
from core.files import File
from core.i18n import Named
from core.money import Fen

MEALS = ("breakfast", "lunch", "dinner")
_MEAL = "meal IN ('breakfast','lunch','dinner')"


class Canteen(Named, Base):
    """The canteen of a centre. Prepaid accounts are off until it is recorded who operates them."""

    __tablename__ = "canteen"

    id: Mapped[int] = mapped_column(ForeignKey("centre.id"), primary_key=True)
    operator_id: Mapped[int | None] = mapped_column(ForeignKey("org_unit.id"))
    """The organisation that cooks and is paid."""
    account_operator: Mapped[str] = mapped_column(Text, default="")
    """Who answers for the prepaid accounts, as printed on receipts; empty: no accounts here."""
    centre: Mapped[Centre] = relationship()
    hours: Mapped[list["ServingHours"]] = relationship(cascade="all, delete-orphan")
    unit_id: Synonym[int] = synonym("id")
    """Whose it is, as master data asks (core/master.py)."""


class ServingHours(Base):
    """A meal is served from `opens` to `closes` on a weekday (0 = Monday). A weekday without a row: no such meal."""

    __tablename__ = "serving_hours"
    __table_args__ = (
        UniqueConstraint("canteen_id", "weekday", "meal"),
        CheckConstraint(_MEAL, name="meal"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("opens < closes", name="order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    canteen_id: Mapped[int] = mapped_column(ForeignKey("canteen.id"))
    weekday: Mapped[int]
    meal: Mapped[str] = mapped_column(Short)
    opens: Mapped[time]
    closes: Mapped[time]


class Dish(Named, Base):
    """A dish of the catalogue that a unit's canteens share. What is retired stays for the menus that had it."""

    __tablename__ = "dish"
    __table_args__ = (
        UniqueConstraint("unit_id", "code"),
        CheckConstraint("kind IN ('main','vegetable','soup','staple','breakfast')", name="kind"),
        CheckConstraint("texture IN ('regular','soft','minced','puree')", name="texture"),
        CheckConstraint("price_fen >= 0", name="price"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("org_unit.id"))
    code: Mapped[str] = mapped_column(Short)
    kind: Mapped[str] = mapped_column(Short)
    price_fen: Mapped[int] = mapped_column(Fen)
    labels: Mapped[list[str]] = mapped_column(JSON, default=list)
    """low_salt, low_sugar, low_oil, soft, halal, vegan."""
    allergens: Mapped[list[str]] = mapped_column(JSON, default=list)
    pungent: Mapped[bool] = mapped_column(default=False)
    texture: Mapped[str] = mapped_column(Short, default="regular")
    spoken: Mapped[str] = mapped_column(Text, default="")
    """Pinyin with tones, where reading aloud would get it wrong."""
    recipe: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """For ten portions: ingredient, amount, unit (g, ml, pc), raw weight."""
    photo_id: Mapped[int | None] = mapped_column(ForeignKey("file.id"))
    art: Mapped[str] = mapped_column(Short, default="")
    """Drawing shown where there is no photo."""
    retired_at: Mapped[datetime | None] = mapped_column(Moment)
    photo: Mapped[File | None] = relationship()


class Menu(Base):
    """One meal of one day in one canteen. Its moments follow the calendar (`times_version`) until it is cooked.

    `pick_up_last` gives out the pick-up numbers, `walk_in_taken` the portions after the cutoff.
    """

    __tablename__ = "menu"
    __table_args__ = (
        UniqueConstraint("canteen_id", "day", "meal"),
        CheckConstraint(_MEAL, name="meal"),
        CheckConstraint("state IN ('draft','published','failed')", name="state"),
        CheckConstraint("walk_in_taken BETWEEN 0 AND walk_in", name="walk_in"),
        CheckConstraint("serves_from < serves_until AND cutoff_at < serves_until", name="order"),
        Index("ix_menu_cutoff", "state", "closed_at", "cutoff_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    canteen_id: Mapped[int] = mapped_column(ForeignKey("canteen.id"))
    day: Mapped[date]
    meal: Mapped[str] = mapped_column(Short)
    state: Mapped[str] = mapped_column(Short, default="draft")
    serves_from: Mapped[datetime] = mapped_column(Moment)
    serves_until: Mapped[datetime] = mapped_column(Moment)
    cutoff_at: Mapped[datetime] = mapped_column(Moment)
    """Until then one may order and give back; afterwards walk-ins only."""
    missed_at: Mapped[datetime] = mapped_column(Moment)
    """What is not collected by then is uncollected."""
    times_version: Mapped[int] = mapped_column(default=0)
    """The centre's settings_version from which the moments were made."""
    workday: Mapped[bool] = mapped_column(default=True)
    """Whether subsidies of working days hold on it."""
    revision: Mapped[int] = mapped_column(default=0)
    """Grows when what is on it changes: an order that was read from the menu before is refused."""
    walk_in: Mapped[int] = mapped_column(default=0)
    walk_in_taken: Mapped[int] = mapped_column(default=0)
    pick_up_last: Mapped[int] = mapped_column(default=0)
    closed_at: Mapped[datetime | None] = mapped_column(Moment)
    """When standing orders were made and the kitchen's sheet was drawn."""
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    """When what was not collected was written down."""
    failed_reason: Mapped[str] = mapped_column(Text, default="")
    canteen: Mapped[Canteen] = relationship()
    offers: Mapped[list["Offer"]] = relationship(back_populates="menu", order_by="Offer.position")


class Offer(Base):
    """What one orders: a set meal or a single dish on a menu, with so many portions; never more are sold."""

    __tablename__ = "offer"
    __table_args__ = (
        UniqueConstraint("menu_id", "code"),
        CheckConstraint("kind IN ('set','single')", name="kind"),
        CheckConstraint("taken BETWEEN 0 AND quota", name="quota"),
        CheckConstraint("price_fen >= 0", name="price"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    menu_id: Mapped[int] = mapped_column(ForeignKey("menu.id"))
    code: Mapped[str] = mapped_column(Short)
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(Short)
    price_fen: Mapped[int] = mapped_column(Fen)
    quota: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)
    full_at: Mapped[datetime | None] = mapped_column(Moment)
    """When the last portion went, while it is gone."""
    menu: Mapped[Menu] = relationship(back_populates="offers")
    dishes: Mapped[list["OfferDish"]] = relationship(order_by="OfferDish.position")


class OfferDish(Base):
    """A dish of an offer; position 0 is the main one."""

    __tablename__ = "offer_dish"

    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    dish_id: Mapped[int] = mapped_column(ForeignKey("dish.id"), index=True)
    dish: Mapped[Dish] = relationship(lazy="joined")


class Swap(Base):
    """The kitchen replaced a dish on a menu. Orders keep what was ordered; those affected are asked."""

    __tablename__ = "swap"

    id: Mapped[int] = mapped_column(primary_key=True)
    menu_id: Mapped[int] = mapped_column(ForeignKey("menu.id"), index=True)
    out_dish_id: Mapped[int] = mapped_column(ForeignKey("dish.id"))
    in_dish_id: Mapped[int] = mapped_column(ForeignKey("dish.id"))
    reason_zh: Mapped[str] = mapped_column(Text)
    reason_en: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(Moment)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))


class KitchenSheet(Base):
    """What is to be cooked, drawn once at the cutoff: the same rows whoever asks for it."""

    __tablename__ = "kitchen_sheet"

    menu_id: Mapped[int] = mapped_column(ForeignKey("menu.id"), primary_key=True)
    made_at: Mapped[datetime] = mapped_column(Moment)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    """Who drew it by hand; nobody: the clock."""
    rows: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """dish_id, name_zh, name_en, texture, low_salt, portions."""
    boxes: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """order_id, pick_up, offer_id, texture, low_salt, delivery; for the labels."""


class SheetChange(Base):
    """Something changed after the sheet was drawn; it goes to the kitchen on a strip of its own."""

    __tablename__ = "sheet_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    menu_id: Mapped[int] = mapped_column(ForeignKey("menu.id"), index=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("meal_order.id"))
    kind: Mapped[str] = mapped_column(Short)
    """added, cancelled, swapped, quota."""
    rows: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """Like the sheet's, with portions as a difference."""
    at: Mapped[datetime] = mapped_column(Moment)
    seen_at: Mapped[datetime | None] = mapped_column(Moment)


class FoodSample(Base):
    """留样: some grams of a dish as served, kept cold for the policy's hours."""

    __tablename__ = "food_sample"
    __table_args__ = (
        UniqueConstraint("menu_id", "dish_id"),
        CheckConstraint("grams > 0", name="grams"),
        CheckConstraint("discarded_at IS NULL OR discarded_at >= keep_until", name="kept"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    menu_id: Mapped[int] = mapped_column(ForeignKey("menu.id"))
    dish_id: Mapped[int] = mapped_column(ForeignKey("dish.id"))
    grams: Mapped[int]
    taken_at: Mapped[datetime] = mapped_column(Moment)
    taken_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    keep_until: Mapped[datetime] = mapped_column(Moment)
    discarded_at: Mapped[datetime | None] = mapped_column(Moment)
    discarded_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))


class KitchenWorker(Base):
    """Somebody who works in a kitchen, with or without an account: looked at each morning; their certificate ends."""

    __tablename__ = "kitchen_worker"
    __table_args__ = (UniqueConstraint("unit_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("org_unit.id"))
    name: Mapped[str] = mapped_column(Short)
    certificate_until: Mapped[date | None]
    """健康证: the last day on which it holds; empty: none was shown."""
    retired_at: Mapped[datetime | None] = mapped_column(Moment)
    """No longer works here."""


class MorningCheck(Base):
    """晨检: before cooking begins, staff and kitchen are looked at, once a day; what was not well, again."""

    __tablename__ = "morning_check"
    __table_args__ = (UniqueConstraint("canteen_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    canteen_id: Mapped[int] = mapped_column(ForeignKey("canteen.id"))
    day: Mapped[date]
    items: Mapped[dict[str, Any]] = mapped_column(JSON)
    """code → true/false, and temperatures in tenths of a degree."""
    passed: Mapped[bool]
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(Moment)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    resolved_at: Mapped[datetime | None] = mapped_column(Moment)
    """When everything that was not well had become so."""
    people: Mapped[list["MorningPerson"]] = relationship(order_by="MorningPerson.worker_id")
    again: Mapped[list["MorningAgain"]] = relationship(order_by="MorningAgain.id")


class MorningPerson(Base):
    """How one of those who work there was on that morning, and how long their certificate held then."""

    __tablename__ = "morning_person"
    __table_args__ = (CheckConstraint("state IN ('well','wound','ill','off')", name="state"),)

    check_id: Mapped[int] = mapped_column(ForeignKey("morning_check.id"), primary_key=True)
    worker_id: Mapped[int] = mapped_column(ForeignKey("kitchen_worker.id"), primary_key=True)
    state: Mapped[str] = mapped_column(Short)
    """well; wound (bandaged, touches no food); ill (sent home); off (does not work that day)."""
    certificate_until: Mapped[date | None]
    worker: Mapped[KitchenWorker] = relationship()


class MorningAgain(Base):
    """复查: what was not well, looked at again."""

    __tablename__ = "morning_again"

    id: Mapped[int] = mapped_column(primary_key=True)
    check_id: Mapped[int] = mapped_column(ForeignKey("morning_check.id"), index=True)
    items: Mapped[dict[str, Any]] = mapped_column(JSON)
    """As of the check, only what was looked at again."""
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(Moment)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
