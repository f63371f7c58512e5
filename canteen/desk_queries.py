"""Reads for the kitchen's console."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from canteen.models import Canteen, Menu, Offer, OfferDish
from core.database import db


def canteen_of(centre_id: int) -> Canteen | None:
    """The canteen of a centre; not every centre has one."""
    return db.session.scalar(
        select(Canteen).options(joinedload(Canteen.centre)).where(Canteen.id == centre_id)
    )


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
