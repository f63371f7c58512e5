"""Reads shaped for residents' screens: what can be ordered, one's own orders, the account in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import Select, and_, bindparam, func, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from canteen.days import ServingDay, serving_days
from canteen.models import (
    Account,
    Canteen,
    Dish,
    MealOrder,
    Menu,
    Offer,
    OfferDish,
    Promotion,
    Redemption,
    ServingHours,
    StandingOrder,
    StandingSkip,
    SwapQuestion,
    Transfer,
)
from canteen.rules import MEALS, phase
from canteen.services.order import CODE
from centres.models import Centre
from core.clock import local_day
from core.crypto import blinds
from core.database import db
from core.i18n import pick
from core.words import clock_words, masked

AHEAD = timedelta(days=21)
"""No canteen takes orders further ahead: the horizon is counted to the cutoff before holidays."""
MEANS = ("ordered", "collected", "delivered")
"""States of an order that still mean something to whoever ordered."""


@dataclass(frozen=True, slots=True)
class Meal:
    """A menu on its day. phase: open, walk_in (today, for whoever is here), or why not: early, closed, over, failed."""

    menu: Menu
    serving: ServingDay
    phase: str

    @property
    def can_order(self) -> bool:
        return self.phase in {"open", "walk_in"}


_OFFER, _MENU = Offer.metadata.tables["offer"], Menu.metadata.tables["menu"]
_CENTRE = Centre.metadata.tables["centre"]
_OFFER_AT = (
    select(_CENTRE.c.id.label("centre"), _OFFER.c.id.label("offer"))
    .select_from(
        _CENTRE.join(Canteen.metadata.tables["canteen"])
        .outerjoin(
            _MENU,
            and_(
                _MENU.c.canteen_id == _CENTRE.c.id,
                _MENU.c.day == bindparam("day"),
                _MENU.c.meal == bindparam("meal"),
            ),
        )
        .outerjoin(_OFFER, and_(_OFFER.c.menu_id == _MENU.c.id, _OFFER.c.code == bindparam("offer_code")))
    )
    .where(_CENTRE.c.code == bindparam("centre_code"))
)


_CANTEEN = select(Canteen).options(joinedload(Canteen.centre)).where(Canteen.id == bindparam("centre"))
_BY_CODE = (
    select(Canteen)
    .join(Canteen.centre)
    .options(contains_eager(Canteen.centre))
    .where(Centre.code == bindparam("code"))
)


def canteen_of(centre_id: int) -> Canteen | None:
    """The canteen of a centre; not every centre has one."""
    return db.session.scalar(_CANTEEN, {"centre": centre_id})


def canteen_by_code(code: str) -> Canteen | None:
    """The canteen at `/c/<code>/canteen/`, with its centre."""
    return db.session.scalar(_BY_CODE, {"code": code})


def meals(canteen: Canteen, moment: datetime, *, here: bool) -> list[Meal]:
    """Published meals from today on, as far ahead as one may order. here: at a kiosk, so that walk-ins count."""
    today = local_day(moment, canteen.centre.zone)
    days = {one.day: one for one in serving_days(canteen, today, today + AHEAD)}
    menus = db.session.scalars(
        select(Menu).where(
            Menu.canteen_id == canteen.id,
            Menu.day.between(today, today + AHEAD),
            Menu.state.in_(["published", "failed"]),
        )
    ).all()
    found = [Meal(menu, days[menu.day], _phase(menu, days[menu.day], moment, today, here)) for menu in menus]
    found = [one for one in found if one.phase != "early"]
    return sorted(found, key=lambda one: (one.menu.day, MEALS.index(one.menu.meal)))


def _phase(menu: Menu, day: ServingDay, moment: datetime, today: date, here: bool) -> str:
    if menu.state == "failed":
        return "failed"
    if menu.meal not in day.meals:
        return "closed"
    if day.too_early(today):
        return "early"
    now_in = phase(day.cutoff_at, day.meals[menu.meal].end, moment)
    if now_in != "walk_in":
        return now_in
    return "walk_in" if here and menu.day == today and menu.walk_in_taken < menu.walk_in else "closed"


def next_meal(found: Sequence[Meal]) -> Meal | None:
    """What to propose: lunch of the first day that is open for orders, else its first meal, else what is left today."""
    open_ones = [one for one in found if one.phase == "open"]
    if open_ones:
        first = [one for one in open_ones if one.menu.day == open_ones[0].menu.day]
        return next((one for one in first if one.menu.meal == "lunch"), first[0])
    return next((one for one in found if one.can_order), None)


def offers_of(menu_id: int) -> list[Offer]:
    """What is on a menu, set meals first, with its dishes."""
    rows = db.session.scalars(
        select(Offer)
        .options(selectinload(Offer.dishes).joinedload(OfferDish.dish))
        .where(Offer.menu_id == menu_id)
        .order_by(Offer.position)
        .execution_options(populate_existing=True)
    ).all()
    return sorted((row for row in rows if row.dishes), key=lambda row: row.kind != "set")


def offer_at(code: str, day: date, meal: str, offer: str) -> tuple[int, int | None] | None:
    """(centre, offer) of an address, as ids; no offer of that code: None beside the centre; no such canteen: None.
    Whether it can be ordered is the order's own question."""
    said = {"centre_code": code, "day": day, "meal": meal, "offer_code": offer}
    row = db.session.execute(_OFFER_AT, said).first()
    return None if row is None else (row.centre, row.offer)


def is_full(offer: Offer, meal: Meal) -> bool:
    """Whether no portion is left; walk-ins do not count against the offer."""
    return meal.phase == "open" and offer.taken >= offer.quota


def last_order(resident_id: int, meal: str, day: date) -> MealOrder | None:
    """What they ate a week before, else last, within four weeks: the source of «和上周一样»."""
    rows = db.session.scalars(
        select(MealOrder)
        .options(selectinload(MealOrder.lines))
        .where(
            MealOrder.resident_id == resident_id,
            MealOrder.meal == meal,
            MealOrder.day < day,
            MealOrder.day >= day - timedelta(days=28),
            MealOrder.state.not_in(["cancelled", "failed"]),
        )
        .order_by(MealOrder.day.desc(), MealOrder.id.desc())
        .limit(30)
    ).all()
    week_ago = next((row for row in rows if row.day == day - timedelta(days=7)), None)
    return week_ago or next(iter(rows), None)


def has_meal(resident_id: int, day: date, meal: str) -> bool:
    """Whether somebody has ordered this meal already, wherever it is cooked."""
    query = select(MealOrder.id).where(
        MealOrder.resident_id == resident_id,
        MealOrder.day == day,
        MealOrder.meal == meal,
        MealOrder.state.in_(MEANS),
    )
    return db.session.scalar(query.limit(1)) is not None


def promotion_name(promotion_id: int | None) -> str:
    """How a promotion is called, for a receipt; empty where none was given."""
    row = db.session.get(Promotion, promotion_id) if promotion_id is not None else None
    return row.name if row is not None else ""


def full() -> Select[MealOrder]:
    """Orders with everything that a page shows of them."""
    return select(MealOrder).options(
        joinedload(MealOrder.menu).joinedload(Menu.canteen),
        joinedload(MealOrder.centre),
        joinedload(MealOrder.resident),
        selectinload(MealOrder.lines),
    )


def order_by_number(number: str) -> MealOrder | None:
    """The order that bears this number; spaces and case do not matter."""
    cleaned = "".join(number.split()).upper()
    return db.session.scalar(full().where(MealOrder.number == cleaned))


def order_by_code(code: str) -> MealOrder | None:
    """The order of a slip's code."""
    return db.session.scalar(full().where(MealOrder.code_index.in_(blinds(code, CODE))))


def orders_between(resident_id: int, start: datetime, end: datetime) -> list[MealOrder]:
    """A resident's orders served in that time that still mean something, by time."""
    query = (
        full()
        .join(Menu, Menu.id == MealOrder.menu_id)
        .where(
            MealOrder.resident_id == resident_id,
            Menu.serves_until > start,
            Menu.serves_from < end,
            MealOrder.state.in_(MEANS),
        )
        .order_by(Menu.serves_from, MealOrder.id)
    )
    return list(db.session.scalars(query))


def orders_for_others(proxy_id: int, elder_ids: Sequence[int], start: datetime) -> list[MealOrder]:
    """What a relative has ordered for their elders, from `start` on."""
    query = (
        full()
        .join(Menu, Menu.id == MealOrder.menu_id)
        .where(
            MealOrder.proxy_id == proxy_id,
            MealOrder.resident_id.in_(elder_ids),
            Menu.serves_until > start,
            MealOrder.state.in_(MEANS),
        )
        .order_by(Menu.serves_from, MealOrder.id)
    )
    return list(db.session.scalars(query))


def state_now(order: MealOrder, moment: datetime) -> str:
    """The state as the times make it, whether or not the clock has written it down."""
    late = order.state == "ordered" and not order.delivery and moment > order.menu.missed_at
    return "uncollected" if late else order.state


def served(*order_ids: int) -> dict[int, Redemption]:
    """Order → its hand-over that counts: when it was, and who fetched it."""
    query = select(Redemption).options(joinedload(Redemption.fetched_by))
    rows = db.session.scalars(query.where(Redemption.order_id.in_(order_ids), Redemption.state == "stands"))
    return {row.order_id: row for row in rows}


def served_words(row: Redemption | None, zone: str, *, own: bool) -> str:
    """11:42 领的餐, and to the person themselves who fetched it; nothing where it was not handed out."""
    if row is None:
        return ""
    time = clock_words(row.scanned_at, zone)
    if row.fetched_by is None or not own:
        return _("%(time)s 领的餐", time=time)
    return _("%(time)s 家人%(name)s帮您领的餐", time=time, name=row.fetched_by.masked_name)


def title_of(order: MealOrder) -> str:
    """清蒸鲈鱼, as it was called when ordered."""
    return names_of(order)[0] if order.lines else ""


def names_of(order: MealOrder) -> list[str]:
    """Every dish of an order, the main one first."""
    return [pick(line.name_zh, line.name_en, line.name_hant) for line in order.lines]


def ordered_by(order: MealOrder) -> str:
    """家人陈*强帮您订的 (one may have several), or staff; nothing where they ordered themselves."""
    if order.proxy is not None:
        return _("家人%(name)s帮您订的", name=masked(order.proxy.name))
    return _("工作人员帮您订的") if order.channel == "desk" and order.resident_id is not None else ""


def dish_name(dish_id: int) -> str:
    """A dish as it is called now."""
    dish = db.session.get(Dish, dish_id)
    return dish.name if dish is not None else ""


def open_swaps(order_id: int) -> list[SwapQuestion]:
    """What its holder is still asked."""
    query = select(SwapQuestion).options(joinedload(SwapQuestion.swap))
    query = query.where(SwapQuestion.order_id == order_id, SwapQuestion.answer.is_(None))
    return list(db.session.scalars(query.order_by(SwapQuestion.swap_id)))


# --- standing orders ------------------------------------------------------------------------------------------------


def standing_orders(resident_id: int, canteen_id: int | None = None) -> list[StandingOrder]:
    """A resident's running standing orders, by meal."""
    query = select(StandingOrder).where(
        StandingOrder.resident_id == resident_id, StandingOrder.state == "active"
    )
    if canteen_id is not None:
        query = query.where(StandingOrder.canteen_id == canteen_id)
    return sorted(db.session.scalars(query), key=lambda row: (MEALS.index(row.meal), row.id))


@dataclass(frozen=True, slots=True)
class Coming:
    """A day of a standing order whose order is not made yet."""

    standing: StandingOrder
    serving: ServingDay
    skip: StandingSkip | None

    @property
    def skipped(self) -> bool:
        return self.skip is not None


def coming(resident_id: int, canteen: Canteen, moment: datetime, until: datetime) -> list[Coming]:
    """The days to come of a resident's standing orders here, before their cutoff."""
    rows = standing_orders(resident_id, canteen.id)
    if not rows:
        return []
    zone = canteen.centre.zone
    today = local_day(moment, zone)
    last = min(local_day(until, zone), today + AHEAD)
    gone = {
        (row.standing_id, row.day): row
        for row in db.session.scalars(
            select(StandingSkip)
            .options(joinedload(StandingSkip.proxy))
            .where(StandingSkip.standing_id.in_([one.id for one in rows]))
        )
    }
    ordered = {
        (order.day, order.meal)
        for order in db.session.scalars(
            select(MealOrder).where(
                MealOrder.resident_id == resident_id, MealOrder.day >= today, MealOrder.state.in_(MEANS)
            )
        )
    }
    return [
        Coming(one, day, gone.get((one.id, day.day)))
        for day in serving_days(canteen, today, last)
        for one in rows
        if one.meal in day.meals
        and day.kind.hours_of in one.weekdays
        and moment < day.cutoff_at
        and day.meals[one.meal].start < until
        and (day.day, one.meal) not in ordered
    ]


def skip_words(one: Coming) -> str:
    """家人陈*强说的不吃, or that it was said; nothing where the meal is to be eaten."""
    if one.skip is not None and one.skip.proxy is not None:
        return _("家人%(name)s说的不吃", name=masked(one.skip.proxy.name))
    return _("说了不吃") if one.skipped else ""


# --- the account ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an account: words, and what it did to the balance."""

    at: datetime
    words: str
    fen: int


def account_of(resident_id: int) -> Account | None:
    """A resident's prepaid account."""
    return db.session.scalar(select(Account).where(Account.resident_id == resident_id))


def history(account: Account, first: int, many: int) -> list[Entry]:
    """Some entries of an account, the newest first; one more than `many` tells that there are further ones."""
    rows = db.session.scalars(
        select(Transfer)
        .where((Transfer.debit_id == account.id) | (Transfer.credit_id == account.id))
        .order_by(Transfer.id.desc())
        .offset(first)
        .limit(many + 1)
    )
    return [
        Entry(
            row.at,
            _entry_words(row, account),
            row.amount_fen if row.credit_id == account.id else -row.amount_fen,
        )
        for row in rows
    ]


def _entry_words(row: Transfer, account: Account) -> str:
    plus = row.credit_id == account.id
    words = {
        "top_up": _("充值"),
        "order_held": _("订餐"),
        "order_refund": _("退餐，钱回来了"),
        "refund": _("退钱给您"),
        "meal_sold": _("订餐"),
        "merge": _("两张卡并成一张"),
        "reversal": _("更正"),
    }
    return words.get(row.kind) or (_("存进来") if plus else _("用掉"))


def entries(account: Account) -> int:
    """How many lines an account has."""
    query = select(func.count()).select_from(Transfer)
    return (
        db.session.scalar(query.where((Transfer.debit_id == account.id) | (Transfer.credit_id == account.id)))
        or 0
    )


def weekdays(canteen_id: int, meal: str) -> list[int]:
    """On which weekdays a meal is usually served (0: Monday)."""
    query = select(ServingHours.weekday).where(
        ServingHours.canteen_id == canteen_id, ServingHours.meal == meal
    )
    return sorted(db.session.scalars(query))
