"""Planning: menus with their offers, quotas, swaps; and the moments that follow the calendar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from canteen.catalogue import changed_catalogue
from canteen.cooking import Helping, helpings, swapped_rows
from canteen.days import ServingDay, serving_day
from canteen.models import (
    Canteen,
    Dish,
    MealOrder,
    Menu,
    Offer,
    OfferDish,
    SheetChange,
    Swap,
    SwapQuestion,
)
from canteen.rules import Plate, barring, conflicts
from canteen.services.order import changed, diet_of
from core import audit
from core.audit import Actor
from core.clock import database_now
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.events import emit

MOST_PORTIONS = 2000


@dataclass(frozen=True, slots=True)
class Planned:
    """One offer as it is planned: the main dish first. price_fen: None: the sum of its dishes."""

    code: str
    kind: str
    dish_ids: Sequence[int]
    quota: int
    price_fen: int | None = None


def make_menu(actor: Actor, canteen: Canteen, day: date, meal: str) -> Menu:
    """A draft for a meal of a day that the canteen serves; the one that is there already where there is one."""
    with unit_of_work():
        found = db.session.scalar(
            select(Menu).where(Menu.canteen_id == canteen.id, Menu.day == day, Menu.meal == meal)
        )
        if found is not None:
            return found
        serving = serving_day(canteen, day)
        if meal not in serving.meals:
            raise Refused(
                "closed",
                _("那天不开这一餐"),
                serving.closed_reason or _("请看看每周的开餐时间。"),
                status=422,
            )
        menu = Menu(canteen_id=canteen.id, day=day, meal=meal, state="draft", revision=0)
        menu.walk_in = serving.policy.walk_in
        _set_times(menu, serving, canteen.centre.settings_version)
        db.session.add(menu)
        try:
            db.session.flush()
        except IntegrityError as error:  # two planners at once
            raise Refused("menu_there", _("已经有人在排这一餐了"), _("刷新一下就能看到。")) from error
        audit.record(actor, "menu.made", "menu", menu.id, unit_id=canteen.id)
    return menu


def _set_times(menu: Menu, serving: ServingDay, version: int) -> None:
    span = serving.meals[menu.meal]
    menu.serves_from, menu.serves_until = span.start, span.end
    menu.cutoff_at, menu.missed_at = serving.cutoff_at, serving.missed_at(menu.meal)
    menu.workday, menu.times_version = serving.workday, version


def retime(canteen: Canteen) -> int:
    """Menus to come follow a calendar, hours or a policy that has changed. What the sheet was drawn for stays as it
    is, and so does what stands on orders. Returns how many changed; a meal that is no longer served keeps its moments
    and is refused by its day."""
    version, many = canteen.centre.settings_version, 0
    with unit_of_work():
        rows = db.session.scalars(
            select(Menu)
            .where(
                Menu.canteen_id == canteen.id,
                Menu.times_version != version,
                Menu.closed_at.is_(None),
                Menu.serves_until > database_now(),
            )
            .order_by(Menu.id)
            .with_for_update()
        ).all()
        for menu in rows:
            serving = serving_day(canteen, menu.day)
            menu.times_version = version
            if menu.meal in serving.meals:
                _set_times(menu, serving, version)
                changed(menu)
                many += 1
    return many


def set_offers(actor: Actor, menu_id: int, wanted: Sequence[Planned]) -> Menu:
    """What is on a menu. What has been ordered stays, with at least as many portions as are sold; its price for new
    orders may change, the sold ones keep theirs."""
    with unit_of_work():
        menu = _locked(menu_id)
        _still_open(menu)
        there = {offer.code: offer for offer in menu.offers}
        before, after = {code: _told(offer) for code, offer in there.items()}, {}
        known = {
            dish.id: dish for dish in db.session.scalars(select(Dish).where(Dish.id.in_(_dishes(wanted))))
        }
        placed: list[tuple[Offer, Sequence[int]]] = []
        for position, one in enumerate(wanted):
            if not one.dish_ids or any(dish not in known for dish in one.dish_ids):
                raise Refused("dish_missing", _("请选菜"), _("每份餐至少要有一道菜。"), status=422)
            price = (
                one.price_fen if one.price_fen is not None else sum(known[d].price_fen for d in one.dish_ids)
            )
            offer = there.pop(one.code, None)
            if offer is None:
                offer = Offer(
                    menu_id=menu.id, code=one.code, kind=one.kind, price_fen=price, quota=one.quota, taken=0
                )
                db.session.add(offer)
            elif one.quota < offer.taken:
                raise Refused(
                    "quota_sold", _("已经订出 %(n)d 份", n=offer.taken), _("份数不能比订出的少。"), status=422
                )
            offer.position, offer.price_fen, offer.quota, offer.kind = position, price, one.quota, one.kind
            offer.full_at = offer.full_at if offer.taken >= offer.quota else None
            placed.append((offer, one.dish_ids))
            after[one.code] = {"dishes": list(one.dish_ids), "quota": one.quota, "price_fen": price}
        db.session.flush()
        _put_dishes(placed)
        for gone in there.values():
            if db.session.scalar(select(MealOrder.id).where(MealOrder.offer_id == gone.id).limit(1)):
                raise Refused(
                    "offer_sold", _("有人订了这一份，不能删"), _("可以把份数改成订出的数。"), status=422
                )
            db.session.execute(delete(OfferDish).where(OfferDish.offer_id == gone.id))
            db.session.execute(delete(Offer).where(Offer.id == gone.id))
        db.session.expire(menu, ["offers"])
        _is_another(menu)
        audit.record(
            actor, "menu.planned", "menu", menu.id, unit_id=menu.canteen_id, detail=_differs(before, after)
        )
        changed(menu)
    return menu


def _told(offer: Offer) -> dict[str, Any]:
    """An offer for the record of changes."""
    dishes = [one.dish_id for one in offer.dishes]
    return {"dishes": dishes, "quota": offer.quota, "price_fen": offer.price_fen}


def _differs(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Code → what stood on the menu and what stands there now, of those that are not the same."""
    return {
        "old": {code: one for code, one in before.items() if after.get(code) != one},
        "new": {code: one for code, one in after.items() if before.get(code) != one},
    }


def _put_dishes(placed: Sequence[tuple[Offer, Sequence[int]]]) -> None:
    """The dishes of each offer, in place of those before."""
    db.session.execute(
        delete(OfferDish).where(OfferDish.offer_id.in_([offer.id for offer, _dishes in placed]))
    )
    for offer, _dishes in placed:
        db.session.expire(offer, ["dishes"])
    db.session.add_all(
        OfferDish(offer_id=offer.id, position=n, dish_id=dish)
        for offer, dishes in placed
        for n, dish in enumerate(dishes)
    )
    db.session.flush()


def _is_another(menu: Menu) -> None:
    """What is on the menu has changed: orders that read it before are refused, kept copies are no longer found."""
    menu.revision += 1
    changed_catalogue()


def _dishes(wanted: Sequence[Planned]) -> set[int]:
    return {dish for one in wanted for dish in one.dish_ids}


def publish(actor: Actor, menu_id: int) -> Menu:
    """From now on people see the menu and may order. Publishing twice changes nothing."""
    with unit_of_work():
        menu = _locked(menu_id)
        if menu.state == "published":
            return menu
        _still_open(menu)
        if not menu.offers:
            raise Refused("menu_empty", _("菜单还是空的"), _("先放上一份餐。"), status=422)
        menu.state = "published"
        audit.record(actor, "menu.published", "menu", menu.id, unit_id=menu.canteen_id)
        changed(menu)
    return menu


def put_offer(actor: Actor, menu_id: int, one: Planned) -> Menu:
    """One offer of a menu, new or in place of the one of its code; the others stay as they are."""
    with unit_of_work():
        menu = _locked(menu_id)
        wanted = [as_planned(offer) for offer in menu.offers]
        codes = [offer.code for offer in wanted]
        if one.code in codes:
            wanted[codes.index(one.code)] = one
        else:
            wanted.append(one)
        return set_offers(actor, menu_id, wanted)


def take_offer_off(actor: Actor, menu_id: int, code: str) -> Menu:
    """One offer less; refused where somebody has ordered it. Again it changes nothing."""
    with unit_of_work():
        menu = _locked(menu_id)
        rest = [as_planned(offer) for offer in menu.offers if offer.code != code]
        if len(rest) == len(menu.offers):
            return menu
        if not rest and menu.state == "published":
            raise Refused("menu_empty", _("菜单上只剩这一份了"), _("先放上别的，再拿掉这一份。"), status=422)
        return set_offers(actor, menu_id, rest)


def as_planned(offer: Offer) -> Planned:
    """An offer as it stands."""
    dishes = [one.dish_id for one in offer.dishes]
    return Planned(offer.code, offer.kind, dishes, offer.quota, offer.price_fen)


def own_price(offer: Offer) -> int | None:
    """What somebody set as its price; None: it costs what its dishes cost together."""
    return offer.price_fen if offer.price_fen != sum(one.dish.price_fen for one in offer.dishes) else None


def set_quota(actor: Actor, offer_id: int, quota: int) -> Offer:
    """More or fewer portions; never fewer than are sold: one conditional UPDATE decides."""
    with unit_of_work():
        before = db.session.scalar(select(Offer.quota).where(Offer.id == offer_id).with_for_update())
        row = db.session.execute(
            update(Offer)
            .where(Offer.id == offer_id, Offer.taken <= quota)
            .values(quota=quota)
            .returning(Offer.id, Offer.menu_id)
        ).first()
        if row is None:
            raise Refused("quota_sold", _("份数不能比订出的少"), _("刷新一下，看看订出了多少。"), status=422)
        offer = db.session.get_one(Offer, offer_id, populate_existing=True)
        offer.full_at = database_now() if offer.taken >= offer.quota else None
        menu = db.session.get_one(Menu, row.menu_id)
        detail = {"code": offer.code, "was": before, "quota": quota}
        audit.record(actor, "menu.quota", "menu", menu.id, unit_id=menu.canteen_id, detail=detail)
        changed(menu)
    return offer


def set_walk_in(actor: Actor, menu_id: int, portions: int) -> Menu:
    """So many portions for those who come without an order; never fewer than are gone. Once the kitchen has its sheet
    it hears of the difference on a strip."""
    with unit_of_work():
        menu = _locked(menu_id)
        before, now = menu.walk_in, database_now()
        row = db.session.execute(
            update(Menu)
            .where(Menu.id == menu_id, Menu.walk_in_taken <= portions)
            .values(walk_in=portions)
            .returning(Menu.id)
        ).first()
        if row is None:
            raise Refused(
                "quota_sold",
                _("现场已经给出 %(n)d 份", n=menu.walk_in_taken),
                _("份数不能比给出的少。"),
                status=422,
            )
        db.session.refresh(menu, ["walk_in"])
        if menu.closed_at is not None and portions != before:
            rows = [{"dish_id": None, "walk_in": True, "portions": portions - before}]
            db.session.add(SheetChange(menu_id=menu.id, kind="quota", rows=rows, at=now))
        audit.record(
            actor,
            "menu.walk_in",
            "menu",
            menu_id,
            unit_id=menu.canteen_id,
            detail={"was": before, "quota": portions},
            at=now,
        )
        changed(menu)
    return menu


def swap_dish(actor: Actor, menu_id: int, out_id: int, in_id: int, zh: str, en: str = "") -> Swap:
    """The kitchen replaces a dish on a whole menu. Everybody who ordered it is asked again; where the new dish is
    against their profile the question says so. Until they answer the meal is not handed out. Where the kitchen has
    its sheet already, it gets a strip."""
    if not zh.strip():
        raise Refused("reason_missing", _("请写明为什么换"), _("居民会看到，比如“菜心没到货”。"), status=422)
    with unit_of_work():
        now = database_now()
        menu = _locked(menu_id)
        new = db.session.get(Dish, in_id)
        if new is None or in_id == out_id or new.retired_at is not None:
            raise Refused("dish_missing", _("请选换成什么菜"), status=422)
        offers = [offer for offer in menu.offers if any(one.dish_id == out_id for one in offer.dishes)]
        if not offers:
            raise Refused("dish_not_on", _("菜单上没有这道菜"), status=422)
        swap = Swap(
            menu_id=menu_id,
            out_dish_id=out_id,
            in_dish_id=in_id,
            reason_zh=zh.strip()[:200],
            reason_en=en.strip()[:200],
            at=now,
            staff_id=actor.id if actor.kind == "staff" else None,
        )
        db.session.add(swap)
        db.session.flush()
        for offer in offers:
            db.session.execute(
                update(OfferDish)
                .where(OfferDish.offer_id == offer.id, OfferDish.dish_id == out_id)
                .values(dish_id=in_id)
            )
        _is_another(menu)
        old = _ask_all(menu_id, swap, new, now)
        if menu.closed_at is not None:
            rows = swapped_rows(old, out_id, in_id)
            db.session.add(SheetChange(menu_id=menu.id, kind="swapped", rows=rows, at=now))
        audit.record(
            actor, "menu.swapped", "menu", menu_id, unit_id=menu.canteen_id, detail={"swap": swap.id}, at=now
        )
        emit("menu.swapped", {"menu": menu_id, "swap": swap.id}, at=now)
        changed(menu)
    return swap


def _ask_all(menu_id: int, swap: Swap, new: Dish, now: datetime) -> list[Helping]:
    """A question to everybody who would get the old dish, also by an earlier swap. Returns those helpings of it."""
    plate = Plate(frozenset(new.labels), frozenset(new.allergens), new.texture)
    old = [one for one in helpings(menu_id) if one.dish_id == swap.out_dish_id]
    orders = db.session.scalars(
        select(MealOrder).where(MealOrder.id.in_({one.order_id for one in old})).order_by(MealOrder.id)
    ).all()
    for order in orders:
        against = barring(conflicts([plate], diet_of(order.resident_id)))
        db.session.add(SwapQuestion(order_id=order.id, swap_id=swap.id, conflicts=against, asked_at=now))
        emit("meal.swap_asked", {"order": order.id, "swap": swap.id}, at=now)
    return old


def _locked(menu_id: int) -> Menu:
    query = (
        select(Menu)
        .options(selectinload(Menu.offers).selectinload(Offer.dishes))
        .where(Menu.id == menu_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    menu = db.session.scalars(query).first()
    if menu is None:
        raise NotFound(_("没有找到这份菜单"))
    return menu


def _still_open(menu: Menu) -> None:
    if menu.closed_at is not None or menu.state == "failed":
        raise Refused("menu_closed", _("这一餐已经截止了"), _("截止以后用“换菜”，或改份数。"))
