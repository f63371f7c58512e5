"""A day of the canteen in numbers, each with the rows behind it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from canteen.models import (
    Account,
    Canteen,
    KitchenSheet,
    MealOrder,
    Menu,
    OddScan,
    Offer,
    OfferDish,
    Redemption,
    SheetChange,
    Transfer,
)
from core.clock import day_bounds
from core.database import db

SERVED = frozenset({"collected", "delivered"})
GONE = frozenset({"cancelled", "failed"})
COLUMNS: dict[str, Callable[[MealOrder], bool]] = {
    "ordered": lambda order: order.state not in GONE,
    "served": lambda order: order.state in SERVED,
    "waiting": lambda order: order.state == "ordered",
    "uncollected": lambda order: order.state == "uncollected",
    "cancelled": lambda order: order.state == "cancelled",
    "failed": lambda order: order.state == "failed",
}
"""What is counted of an offer's orders."""


@dataclass(slots=True)
class OfferLine:
    """An offer's day. cooked: portions on the kitchen's sheet and its strips; None before the sheet was drawn."""

    offer: Offer
    orders: list[MealOrder] = field(default_factory=list)
    cooked: int | None = None
    more: int = 0
    """Portions that went out beside its orders, as a review has decided."""

    def many(self, column: str) -> int:
        """How many of its orders count there."""
        return sum(map(COLUMNS[column], self.orders))

    @property
    def wasted(self) -> int | None:
        """Portions cooked that nobody was served; those still to be served are not wasted."""
        if self.cooked is None:
            return None
        return max(0, self.cooked - self.many("served") - self.many("waiting") - self.more)


@dataclass(slots=True)
class MealReport:
    """A meal's day."""

    menu: Menu
    offers: list[OfferLine]

    @property
    def walk_in_left(self) -> int:
        """Portions for those without an order that nobody took; known once serving is over."""
        return self.menu.walk_in - self.menu.walk_in_taken if self.menu.finished_at is not None else 0

    def many(self, column: str) -> int:
        """The offers' sum."""
        return sum(line.many(column) for line in self.offers)

    @property
    def cooked(self) -> int | None:
        """What was cooked for orders; None before the sheet."""
        known = [line.cooked for line in self.offers if line.cooked is not None]
        return sum(known) if known else None

    @property
    def wasted(self) -> int | None:
        """What was cooked for orders and not served."""
        known = [line.wasted for line in self.offers if line.wasted is not None]
        return sum(known) if known else None


def meals_of(centre_id: int, day: date) -> list[MealReport]:
    """The day's published meals, offers in the order of the menu; those that nobody ordered or cooked are left out."""
    menus = db.session.scalars(
        select(Menu)
        .options(selectinload(Menu.offers).selectinload(Offer.dishes).joinedload(OfferDish.dish))
        .where(Menu.canteen_id == centre_id, Menu.day == day, Menu.state != "draft")
        .order_by(Menu.serves_from)
    ).all()
    orders = db.session.scalars(
        select(MealOrder)
        .options(joinedload(MealOrder.resident), selectinload(MealOrder.lines))
        .where(MealOrder.menu_id.in_([menu.id for menu in menus]))
        .order_by(MealOrder.menu_id, MealOrder.pick_up)
    ).all()
    more = Counter(one.order.offer_id for one in extras_of(centre_id, day) if one.order is not None)
    by_offer: dict[int, list[MealOrder]] = defaultdict(list)
    for order in orders:
        by_offer[order.offer_id].append(order)
    found = []
    for menu in menus:
        cooked = _cooked(menu, {order.id: order.offer_id for order in orders if order.menu_id == menu.id})
        lines = [
            OfferLine(offer, by_offer[offer.id], None if cooked is None else cooked[offer.id], more[offer.id])
            for offer in menu.offers
        ]
        found.append(MealReport(menu, [line for line in lines if line.orders or line.cooked]))
    return found


def _cooked(menu: Menu, offer_of: dict[int, int]) -> Counter[int] | None:
    """Portions by offer: the boxes of the sheet, and what strips added. What was given back after the sheet has been
    cooked; of what was added and given back again nothing is left over."""
    sheet = db.session.get(KitchenSheet, menu.id)
    if sheet is None:
        return None
    many = Counter(box["offer_id"] for box in sheet.boxes)
    boxed = {box["order_id"] for box in sheet.boxes}
    for change in db.session.scalars(select(SheetChange).where(SheetChange.menu_id == menu.id)):
        sign = {"added": 1, "cancelled": 0 if change.order_id in boxed else -1}.get(change.kind, 0)
        if sign and change.order_id in offer_of:
            many[offer_of[change.order_id]] += sign
    return many


@dataclass(frozen=True, slots=True)
class Extra:
    """A meal that went out beside what was ordered: an offline window gave it, and a review decided that it counts.
    order: whose slip was scanned; None where it belongs to none."""

    at: datetime
    window: str
    number: str
    words: str
    order: MealOrder | None


def extras_of(centre_id: int, day: date) -> list[Extra]:
    """Those of a day, by time: of the meal's day where the slip is known, else of the day of the scan."""
    settled = db.session.scalars(
        select(Redemption)
        .join(MealOrder, MealOrder.id == Redemption.order_id)
        .options(joinedload(Redemption.order))
        .where(Redemption.centre_id == centre_id, Redemption.state == "settled", MealOrder.day == day)
    ).all()
    found = [Extra(row.scanned_at, row.window, row.order.number, row.reason, row.order) for row in settled]
    start, end = day_bounds(day, db.session.get_one(Canteen, centre_id).centre.zone)
    scanned = func.coalesce(OddScan.scanned_at, OddScan.recorded_at)
    odd = db.session.scalars(
        select(OddScan).where(
            OddScan.centre_id == centre_id, OddScan.state == "served", scanned >= start, scanned < end
        )
    ).all()
    found += [
        Extra(row.scanned_at or row.recorded_at, row.window, row.number, row.words, None) for row in odd
    ]
    return sorted(found, key=lambda one: one.at)


# --- money ----------------------------------------------------------------------------------------------------------

CASH_IN, CASH_OUT, PREPAID, OTHER = "cash_in", "cash_out", "prepaid", "other"
KINDS = (
    ("cash_meals", CASH_IN),
    ("cash_top_up", CASH_IN),
    ("cash_back", CASH_OUT),
    ("cash_bank", CASH_OUT),
    ("cash_mended", CASH_OUT),
    ("cash_difference", CASH_OUT),
    ("prepaid_meals", PREPAID),
    ("prepaid_back", PREPAID),
    ("outside_top_up", OTHER),
    ("subsidy", OTHER),
    ("promotion", OTHER),
)
"""What the day's money is told as, and in which part. Cash out is told with its sign: less in the till is negative."""
_CASH = {
    "meal_sold": "cash_meals",
    "order_paid": "cash_meals",
    "review_cash": "cash_meals",
    "top_up": "cash_top_up",
    "refund": "cash_back",
    "paid_out": "cash_back",
    "review_returned": "cash_back",
    "to_bank": "cash_bank",
    "cash_difference": "cash_difference",
}


@dataclass(frozen=True, slots=True)
class Moved:
    """A transfer of the day as the report tells it; negative: money that went away, or was taken back."""

    kind: str
    fen: int
    transfer: Transfer
    order: MealOrder | None


def money_of(centre_id: int, zone: str, day: date) -> list[Moved]:
    """What was moved in a canteen on a day, as far as the report tells it, by the clock."""
    start, end = day_bounds(day, zone)
    kinds = {
        account.id: account.kind
        for account in db.session.scalars(select(Account).where(Account.centre_id == centre_id))
    }
    rows = db.session.scalars(
        select(Transfer)
        .where(
            Transfer.at >= start,
            Transfer.at < end,
            Transfer.debit_id.in_(kinds) | Transfer.credit_id.in_(kinds),
        )
        .order_by(Transfer.at, Transfer.id)
    ).all()
    orders = {
        order.id: order
        for order in db.session.scalars(
            select(MealOrder).where(MealOrder.id.in_({row.order_id for row in rows if row.order_id}))
        )
    }
    return [
        Moved(kind, fen, row, orders.get(row.order_id or 0))
        for row in rows
        for kind, fen in _told(row, kinds.get(row.debit_id, ""), kinds.get(row.credit_id, ""))
    ]


def _told(row: Transfer, debit: str, credit: str) -> list[tuple[str, int]]:
    """As what a transfer is told: money into the till is a debit of cash."""
    told: list[tuple[str, int]] = []
    if "cash" in (debit, credit):
        sign = 1 if debit == "cash" else -1
        told.append((_CASH.get(row.kind, "cash_mended"), sign * row.amount_fen))
    if row.kind == "top_up" and debit == "outside":
        told.append(("outside_top_up", row.amount_fen))
    if debit == "resident" and row.kind == "order_held":
        told.append(("prepaid_meals", row.amount_fen))
    if credit == "resident" and row.kind == "order_refund":
        told.append(("prepaid_back", -row.amount_fen))
    for name in ("subsidy", "promotion") if row.order_id is not None else ():  # not what the government pays
        if debit == name:
            told.append((name, row.amount_fen))
        elif credit == name:
            told.append((name, -row.amount_fen))
    return told


def sums(moved: Sequence[Moved]) -> dict[str, int]:
    """By kind, in fen; kinds that did not occur are not in it."""
    found: Counter[str] = Counter()
    for one in moved:
        found[one.kind] += one.fen
    return {kind: found[kind] for kind, _part in KINDS if any(one.kind == kind for one in moved)}


def till_change(moved: Sequence[Moved]) -> int:
    """How much more is in the till at the end of the day than at its beginning."""
    parts = dict(KINDS)
    return sum(one.fen for one in moved if parts[one.kind] in {CASH_IN, CASH_OUT})
