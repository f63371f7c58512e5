"""Reads for the kitchen's console."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from canteen.cooking import helpings, sheet_rows
from canteen.models import (
    DietProfile,
    Dish,
    FoodSample,
    KitchenSheet,
    KitchenWorker,
    MealOrder,
    Menu,
    MorningCheck,
    MorningPerson,
    Offer,
    OfferDish,
    ServingHours,
    SheetChange,
    StandingOrder,
    Swap,
)
from canteen.rules import Diet, Plate, barring, conflicts, spread
from centres.policies import chain
from core.audit import Audit
from core.database import db
from people.models import Resident, Staff

SERVED = ("collected", "delivered")
EATS = ("ordered", *SERVED, "uncollected")
"""States of an order for which the kitchen cooks, or has cooked."""


def menus(canteen_id: int, first: date, last: date) -> Sequence[Menu]:
    """Every menu from `first` to `last`, both included, with its offers and their dishes."""
    return db.session.scalars(
        select(Menu)
        .options(selectinload(Menu.offers).selectinload(Offer.dishes).joinedload(OfferDish.dish))
        .where(Menu.canteen_id == canteen_id, Menu.day.between(first, last))
        .order_by(Menu.day, Menu.serves_from)
    ).all()


def menu_of(canteen_id: int, day: date, meal: str) -> Menu | None:
    """The menu of a meal."""
    return next((menu for menu in menus(canteen_id, day, day) if menu.meal == meal), None)


@dataclass(frozen=True, slots=True)
class MenuWish:
    """What of all menus somebody wants to see. last: None: to the furthest. meal, state: '': every one."""

    first: date
    last: date | None = None
    meal: str = ""
    state: str = ""
    sort: str = "day"
    down: bool = True


def _sum_of(column: Any) -> Any:
    return select(func.coalesce(func.sum(column), 0)).where(Offer.menu_id == Menu.id).scalar_subquery()


MENU_SORTS = {
    "day": Menu.day,
    "quota": _sum_of(Offer.quota),
    "taken": _sum_of(Offer.taken),
    "missed": select(func.count())
    .select_from(MealOrder)
    .where(MealOrder.menu_id == Menu.id, MealOrder.state == "uncollected")
    .scalar_subquery(),
}
"""By what a list of menus is sorted. Only what is sorted by is counted for every menu of the list."""


def menus_many(canteen_id: int, wish: MenuWish) -> int:
    """How many menus there are in a list."""
    return db.session.scalar(select(func.count()).select_from(_wished(canteen_id, wish).subquery())) or 0


def listed_menus(canteen_id: int, wish: MenuWish, many: int | None = None, after: int = 0) -> list[Menu]:
    """`many` menus of a list from the row `after` on (None: all of them)."""
    by = MENU_SORTS[wish.sort]
    query = _wished(canteen_id, wish).options(
        selectinload(Menu.offers).selectinload(Offer.dishes).joinedload(OfferDish.dish)
    )
    ordered = query.order_by(by.desc() if wish.down else by, Menu.day, Menu.serves_from)
    return list(db.session.scalars(ordered.limit(many).offset(after)))


def _wished(canteen_id: int, wish: MenuWish) -> Select[Any]:
    asked = select(Menu).where(Menu.canteen_id == canteen_id, Menu.day >= wish.first)
    if wish.last is not None:
        asked = asked.where(Menu.day <= wish.last)
    for column, value in ((Menu.meal, wish.meal), (Menu.state, wish.state)):
        if value:
            asked = asked.where(column == value)
    return asked


def standing_many(canteen_id: int) -> Counter[tuple[str, int]]:
    """(meal, weekday) → how many standing orders there are for it."""
    query = select(StandingOrder.meal, StandingOrder.weekdays).where(
        StandingOrder.canteen_id == canteen_id, StandingOrder.state == "active"
    )
    return Counter((row.meal, day) for row in db.session.execute(query) for day in row.weekdays)


def menu_record(menu_id: int) -> list[Audit]:
    """What was done to a menu, the newest first."""
    query = select(Audit).where(Audit.subject_kind == "menu", Audit.subject_id == menu_id)
    return list(db.session.scalars(query.order_by(Audit.id.desc()).limit(200)))


def swaps_of(menu_id: int) -> dict[int, Swap]:
    """Swaps of a menu by their id."""
    return {row.id: row for row in db.session.scalars(select(Swap).where(Swap.menu_id == menu_id))}


def next_menu(canteen_id: int, moment: datetime) -> Menu | None:
    """The meal that the kitchen is busy with: the first one published whose serving is not over."""
    return db.session.scalar(
        select(Menu)
        .where(Menu.canteen_id == canteen_id, Menu.state == "published", Menu.serves_until > moment)
        .order_by(Menu.serves_from)
        .limit(1)
    )


def dishes(centre_id: int) -> Sequence[Dish]:
    """The catalogue of a centre and of the units above it, without what is retired."""
    return db.session.scalars(
        select(Dish)
        .where(Dish.unit_id.in_(chain(centre_id)), Dish.retired_at.is_(None))
        .order_by(Dish.kind, Dish.code)
    ).all()


def dishes_by_id(ids: Iterable[int]) -> Sequence[Dish]:
    """These dishes, retired ones too."""
    return db.session.scalars(select(Dish).where(Dish.id.in_(set(ids)))).all()


def staff_names(ids: Iterable[int | None]) -> dict[int, str]:
    """Names of the staff who did something."""
    wanted = {one for one in ids if one is not None}
    if not wanted:
        return {}
    return {row.id: row.name for row in db.session.scalars(select(Staff).where(Staff.id.in_(wanted)))}


# --- what is cooked -------------------------------------------------------------------------------------------------


def order_states(menu_ids: Iterable[int]) -> dict[int, Counter[str]]:
    """Menu → how many of its orders are in which state."""
    rows = db.session.execute(
        select(MealOrder.menu_id, MealOrder.state, func.count())
        .where(MealOrder.menu_id.in_(list(menu_ids)))
        .group_by(MealOrder.menu_id, MealOrder.state)
    ).all()
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for menu_id, state, many in rows:
        found[menu_id][state] += many
    return found


def menus_ahead(canteen_id: int, moment: datetime) -> list[Menu]:
    """Published menus whose serving is not over, by time."""
    query = select(Menu).where(
        Menu.canteen_id == canteen_id, Menu.state == "published", Menu.serves_until > moment
    )
    return list(db.session.scalars(query.order_by(Menu.serves_from, Menu.id)))


def waiting_orders(menu_ids: Sequence[int]) -> list[MealOrder]:
    """Orders of these menus that are still to be served, with whose they are."""
    query = select(MealOrder).where(MealOrder.menu_id.in_(menu_ids), MealOrder.state == "ordered")
    whole = query.options(joinedload(MealOrder.menu), joinedload(MealOrder.resident))
    return list(db.session.scalars(whole.order_by(MealOrder.menu_id, MealOrder.pick_up)))


def sheet_of(menu_id: int) -> KitchenSheet | None:
    """The kitchen's sheet, once it is drawn."""
    return db.session.get(KitchenSheet, menu_id)


def live_rows(menu_id: int) -> list[dict[str, Any]]:
    """What would stand on the sheet if it were drawn now."""
    return sheet_rows(helpings(menu_id))


def strips(menu_id: int) -> Sequence[SheetChange]:
    """What changed after the sheet: what the kitchen has not seen first, then the newest."""
    return db.session.scalars(
        select(SheetChange)
        .where(SheetChange.menu_id == menu_id)
        .order_by(SheetChange.seen_at.is_not(None), SheetChange.id.desc())
    ).all()


def strip_of(menu_id: int, change_id: int) -> SheetChange | None:
    """One strip of this menu."""
    return db.session.scalar(
        select(SheetChange).where(SheetChange.menu_id == menu_id, SheetChange.id == change_id)
    )


def order_of(change: SheetChange) -> MealOrder | None:
    """The order that a strip is about; a swap is about many."""
    return db.session.get(MealOrder, change.order_id) if change.order_id is not None else None


def unseen_strips(menu_ids: Iterable[int]) -> dict[int, int]:
    """Menu → how many strips the kitchen has not taken note of."""
    rows = db.session.execute(
        select(SheetChange.menu_id, func.count().label("many"))
        .where(SheetChange.menu_id.in_(list(menu_ids)), SheetChange.seen_at.is_(None))
        .group_by(SheetChange.menu_id)
    ).all()
    return {row.menu_id: row.many for row in rows}


def walk_in_dishes(menu: Menu, ordered: Mapping[int, int]) -> dict[int, int]:
    """Dish → portions to cook for those who come without an order. They choose as the others did: in proportion to
    what is ordered of each set meal."""
    sets = [offer for offer in menu.offers if offer.kind == "set"] or list(menu.offers)
    parts = spread(menu.walk_in, {offer.id: ordered.get(offer.id, 0) for offer in sets})
    found: Counter[int] = Counter()
    for offer in sets:
        for one in offer.dishes:
            found[one.dish_id] += parts[offer.id]
    return {dish: many for dish, many in found.items() if many}


def ordered_by_offer(menu: Menu, sheet: KitchenSheet | None) -> dict[int, int]:
    """Offer → orders: those of the sheet once there is one, so that what is made of it stays as it is."""
    if sheet is not None:
        return Counter(int(box["offer_id"]) for box in sheet.boxes)
    return {offer.id: offer.taken for offer in menu.offers}


def portions(menu: Menu, *, with_walk_ins: bool) -> dict[int, int]:
    """Dish → portions to cook: the sheet's with what changed since, or what is ordered now; and walk-ins."""
    sheet = sheet_of(menu.id)
    many: Counter[int] = Counter()
    for row in sheet.rows if sheet is not None else live_rows(menu.id):
        many[row["dish_id"]] += row["portions"]
    if sheet is not None:
        for change in strips(menu.id):
            if not _is_walk_in(change):
                for row in change.rows:
                    many[row["dish_id"]] += row["portions"]
    if with_walk_ins:
        many.update(walk_in_dishes(menu, ordered_by_offer(menu, sheet)))
    return {dish: portions for dish, portions in many.items() if portions > 0}


def _is_walk_in(change: SheetChange) -> bool:
    """A walk-in's order eats of the allowance, which is cooked already."""
    if change.kind == "quota":
        return True
    order = order_of(change)
    return order is not None and order.walk_in


@dataclass(frozen=True, slots=True)
class Box:
    """One box for its label: nothing about the person but what is cooked for them."""

    order_id: int
    pick_up: int
    offer_id: int
    texture: str
    low_salt: bool
    delivery: bool
    late: bool
    """Ordered after the sheet."""


def boxes(menu: Menu, sheet: KitchenSheet) -> list[Box]:
    """The boxes to fill, by pick-up number: the sheet's without those given back since, and the later ones."""
    orders = db.session.scalars(
        select(MealOrder)
        .where(MealOrder.menu_id == menu.id, MealOrder.state.in_(EATS))
        .order_by(MealOrder.pick_up)
    ).all()
    drawn = {int(box["order_id"]) for box in sheet.boxes}
    return [
        Box(
            order.id,
            order.pick_up,
            order.offer_id,
            order.texture,
            order.low_salt,
            order.delivery,
            order.id not in drawn,
        )
        for order in orders
    ]


def cooked_by_order(menu_id: int) -> dict[int, list[Dish]]:
    """Order → its dishes as they are cooked, the main one first."""
    found = helpings(menu_id, EATS)
    names = {dish.id: dish for dish in dishes_by_id({one.dish_id for one in found})}
    cooked: dict[int, list[Dish]] = defaultdict(list)
    for one in found:
        cooked[one.order_id].append(names[one.dish_id])
    return cooked


def wishes(menu_id: int) -> list[tuple[int, str]]:
    """(pick-up number, what they asked for in their own words), for the kitchen alone."""
    rows = db.session.execute(
        select(MealOrder.pick_up, DietProfile.avoid, MealOrder.note)
        .outerjoin(DietProfile, DietProfile.resident_id == MealOrder.resident_id)
        .where(
            MealOrder.menu_id == menu_id,
            MealOrder.state.in_(EATS),
            or_(DietProfile.avoid.is_not(None), MealOrder.note.is_not(None)),
        )
        .order_by(MealOrder.pick_up)
    ).all()
    said = [
        (row.pick_up, [one.strip() for one in (row.avoid, row.note) if one and one.strip()]) for row in rows
    ]
    return [(pick_up, "；".join(words)) for pick_up, words in said if words]


# --- a swap ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Affected:
    """Who is asked about a swap: how many, and those for whom the new dish is against their profile."""

    orders: int
    against: list[tuple[str, list[str]]]
    """(name, conflicts); the view masks the name."""


def orders_by_dish(menu_id: int) -> Counter[int]:
    """Dish → how many orders would get it now."""
    return Counter(dish for _order, dish in {(one.order_id, one.dish_id) for one in helpings(menu_id)})


def affected(menu_id: int, out_id: int, into: Dish | None) -> Affected:
    """Whom a swap would ask, by what they would get now."""
    ids = {one.order_id for one in helpings(menu_id) if one.dish_id == out_id}
    if into is None or not ids:
        return Affected(len(ids), [])
    plate = Plate(frozenset(into.labels), frozenset(into.allergens), into.texture)
    rows = db.session.execute(
        select(Resident.name, DietProfile)
        .join(MealOrder, MealOrder.resident_id == Resident.id)
        .join(DietProfile, DietProfile.resident_id == Resident.id)
        .where(MealOrder.id.in_(ids))
        .order_by(MealOrder.pick_up)
    ).all()
    against = []
    for name, profile in rows:
        diet = Diet(frozenset(profile.allergens), frozenset(profile.labels), profile.texture)
        found = barring(conflicts([plate], diet))
        if found:
            against.append((name, found))
    return Affected(len(ids), against)


@dataclass(frozen=True, slots=True)
class Stake:
    """What a meal that is not cooked gives back: orders paid before, their sum, subsidies; and what went back."""

    prepaid: int
    prepaid_fen: int
    subsidised: int
    returned_fen: int


def money_at_stake(menu_id: int) -> Stake:
    """Of the orders still to be served, and of those given back because the meal failed."""
    rows = db.session.scalars(
        select(MealOrder).where(MealOrder.menu_id == menu_id, MealOrder.state.in_(["ordered", "failed"]))
    ).all()
    waiting = [row for row in rows if row.state == "ordered"]
    held = [row for row in waiting if row.pay_state == "held"]
    return Stake(
        len(held),
        sum(row.pays_fen for row in held),
        sum(row.subsidy_fen > 0 for row in waiting),
        sum(row.pays_fen for row in rows if row.state == "failed" and row.pay_state == "refunded"),
    )


# --- samples and the morning ----------------------------------------------------------------------------------------


def dishes_on(menu: Menu) -> list[Dish]:
    """Every dish of a menu once, in the menu's order."""
    return list({one.dish_id: one.dish for offer in menu.offers for one in offer.dishes}.values())


def samples_of(menu_ids: Iterable[int]) -> dict[tuple[int, int], FoodSample]:
    """(menu, dish) → its sample."""
    rows = db.session.scalars(select(FoodSample).where(FoodSample.menu_id.in_(list(menu_ids))))
    return {(row.menu_id, row.dish_id): row for row in rows}


def kept_samples(canteen_id: int) -> list[tuple[FoodSample, Menu, Dish]]:
    """What lies in the cold box, the oldest first."""
    return _samples(canteen_id, FoodSample.discarded_at.is_(None))


def sample_log(canteen_id: int, first: date, last: date) -> list[tuple[FoodSample, Menu, Dish]]:
    """Every sample of these days."""
    return _samples(canteen_id, Menu.day.between(first, last))


def _samples(canteen_id: int, *which: Any) -> list[tuple[FoodSample, Menu, Dish]]:
    rows = db.session.execute(
        select(FoodSample, Menu, Dish)
        .join(Menu, Menu.id == FoodSample.menu_id)
        .join(Dish, Dish.id == FoodSample.dish_id)
        .where(Menu.canteen_id == canteen_id, *which)
        .order_by(FoodSample.taken_at, FoodSample.id)
    ).all()
    return [(row[0], row[1], row[2]) for row in rows]


def samples_missing(day_menus: Sequence[Menu], moment: datetime) -> list[tuple[Menu, list[Dish]]]:
    """Meals whose serving has begun without a sample of every dish. Where nobody ordered, nothing is cooked."""
    begun = [
        menu
        for menu in day_menus
        if menu.state == "published" and menu.pick_up_last and menu.serves_from <= moment
    ]
    taken = samples_of([menu.id for menu in begun])
    missing = [
        (menu, [dish for dish in dishes_on(menu) if (menu.id, dish.id) not in taken]) for menu in begun
    ]
    return [(menu, found) for menu, found in missing if found]


_WHOLE_CHECK = (
    selectinload(MorningCheck.people).joinedload(MorningPerson.worker),
    selectinload(MorningCheck.again),
)


def morning_of(canteen_id: int, day: date) -> MorningCheck | None:
    """A day's morning check."""
    return db.session.scalar(
        select(MorningCheck)
        .options(*_WHOLE_CHECK)
        .where(MorningCheck.canteen_id == canteen_id, MorningCheck.day == day)
    )


def workers_of(canteen_id: int) -> Sequence[KitchenWorker]:
    """Who works in a kitchen now."""
    query = select(KitchenWorker).where(
        KitchenWorker.unit_id == canteen_id, KitchenWorker.retired_at.is_(None)
    )
    return db.session.scalars(query.order_by(KitchenWorker.id)).all()


def mornings(canteen_id: int, before: date, most: int = 14) -> Sequence[MorningCheck]:
    """The last checks before a day."""
    return db.session.scalars(
        select(MorningCheck)
        .options(*_WHOLE_CHECK)
        .where(MorningCheck.canteen_id == canteen_id, MorningCheck.day < before)
        .order_by(MorningCheck.day.desc())
        .limit(most)
    ).all()


def usual_hours(canteen_id: int) -> Sequence[ServingHours]:
    """When meals are usually handed out, by weekday."""
    return db.session.scalars(
        select(ServingHours)
        .where(ServingHours.canteen_id == canteen_id)
        .order_by(ServingHours.weekday, ServingHours.opens)
    ).all()
