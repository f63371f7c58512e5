"""Planning by the week: as last week, and published as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from canteen.days import serving_days
from canteen.models import Canteen, Menu, Offer, OfferDish, Swap
from canteen.rules import MEALS, week_of
from canteen.services.plan import Planned, as_planned, make_menu, publish, set_offers
from core.audit import Actor
from core.clock import database_now
from core.database import db, unit_of_work

LOOK_BACK = 21
"""Days in which the last meal of a weekday is looked for: after a week of holidays that is the week before it."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What copying did: meals made, there already, closed or over, and without anything to copy."""

    made: int = 0
    there: int = 0
    closed: int = 0
    nothing: int = 0


def copy_week(actor: Actor, canteen: Canteen, monday: date) -> Copied:
    """Drafts for a week, each as that weekday was served last. Holidays are skipped, a make-up day gets the menu of the
    weekday whose hours it follows, and what is planned already stays as it is."""
    monday = week_of(monday)
    made = there = closed = nothing = 0
    with unit_of_work():
        now = database_now()
        days = serving_days(canteen, monday, monday + timedelta(days=6))
        planned = {(menu.day, menu.meal) for menu in _menus(canteen.id, monday, days[-1].day)}
        before = serving_days(canteen, monday - timedelta(days=LOOK_BACK), monday - timedelta(days=1))
        weekday_of = {one.day: one.kind.hours_of for one in before}
        last: dict[tuple[int | None, str], Menu] = {}
        for menu in _menus(canteen.id, before[0].day, before[-1].day):
            if menu.offers:  # the rows come by day, so the latest one stays
                last[weekday_of[menu.day], menu.meal] = menu
        for day in days:
            for meal in MEALS:
                if (day.day, meal) in planned:
                    there += 1
                elif meal not in day.meals or day.cutoff_at <= now:
                    closed += 1
                elif (source := last.get((day.kind.hours_of, meal))) is None:
                    nothing += 1
                elif copy_menu(actor, source, canteen, day.day):
                    made += 1
                else:
                    nothing += 1
    return Copied(made, there, closed, nothing)


def copy_menu(actor: Actor, source: Menu, canteen: Canteen, day: date) -> Menu | None:
    """A draft of the same meal on another day, with what was planned for the source: dishes that were only swapped in
    are not taken along, nor are retired ones. None where nothing is left, or something is planned there already."""
    with unit_of_work():
        wanted = _without_swaps(source)
        if not wanted:
            return None
        menu = make_menu(actor, canteen, day, source.meal)
        if menu.offers:
            return None
        return set_offers(actor, menu.id, wanted)


def publish_week(actor: Actor, canteen: Canteen, monday: date) -> int:
    """Publish every draft of the week that has something on it and can still be ordered. Returns how many."""
    monday = week_of(monday)
    with unit_of_work():
        now = database_now()
        ready = [
            menu.id
            for menu in _menus(canteen.id, monday, monday + timedelta(days=6))
            if menu.state == "draft" and menu.offers and menu.cutoff_at > now
        ]
        for menu_id in ready:
            publish(actor, menu_id)
    return len(ready)


def _menus(canteen_id: int, first: date, last: date) -> Sequence[Menu]:
    return db.session.scalars(
        select(Menu)
        .options(selectinload(Menu.offers).selectinload(Offer.dishes).joinedload(OfferDish.dish))
        .where(Menu.canteen_id == canteen_id, Menu.day.between(first, last))
        .order_by(Menu.day, Menu.id)
    ).all()


def _without_swaps(source: Menu) -> list[Planned]:
    swaps = db.session.scalars(select(Swap).where(Swap.menu_id == source.id).order_by(Swap.id.desc())).all()
    retired = {
        one.dish_id for offer in source.offers for one in offer.dishes if one.dish.retired_at is not None
    }
    wanted = []
    for offer in source.offers:
        plan = as_planned(offer)
        dishes = list(plan.dish_ids)
        for swap in swaps:
            dishes = [swap.out_dish_id if dish == swap.in_dish_id else dish for dish in dishes]
        if not retired & set(dishes):
            wanted.append(Planned(plan.code, plan.kind, dishes, plan.quota, plan.price_fen))
    return wanted
