"""What is on offer and by which rules, as plain values that a process keeps under the version they were read from.

Orders read the version and never a dish: at the cutoff's rush that is a third of their queries. The version counts
every change of a dish, a menu, a subsidy rule or a promotion; the ORM's own writes count by themselves (below), and
verbs that write past it call `changed_catalogue()`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, FromClause, Row, event, or_, select
from sqlalchemy.orm import Mapper

from canteen.models import Canteen, Dish, Offer, OfferDish, Promotion, SubsidyRule
from canteen.rules import Plate, Rule
from centres.policies import chain
from core.database import db
from core.kept import Kept, keep_true
from core.versions import Version, bump, count_now

CATALOGUE = "catalogue"
"""The version's subject: one for all canteens. Plans change some dozen times a day, orders come by the thousand."""


@dataclass(frozen=True, slots=True)
class Part:
    """A dish of an offer, as an order's line copies it."""

    position: int
    dish_id: int
    name_zh: str
    name_en: str
    name_hant: str
    price_fen: int
    labels: tuple[str, ...]
    allergens: tuple[str, ...]
    texture: str

    @property
    def plate(self) -> Plate:
        return Plate(frozenset(self.labels), frozenset(self.allergens), self.texture)


@dataclass(frozen=True, slots=True)
class Choice:
    """An offer with its dishes, the main one first."""

    id: int
    code: str
    price_fen: int
    parts: tuple[Part, ...]

    @property
    def plates(self) -> list[Plate]:
        """Its dishes as far as diets go."""
        return [part.plate for part in self.parts]


@dataclass(frozen=True, slots=True)
class Off:
    """A promotion in force on a day."""

    id: int
    name_zh: str
    name_en: str
    off_fen: int
    min_age: int
    meals: tuple[str, ...]


_CHOICES: Kept[tuple[int, int], Choice] = Kept(2048)
_RULES: Kept[tuple[int, date, int, int], tuple[list[Rule], list[Off]]] = Kept(1024)


def choice(offer_id: int, version: int) -> Choice:
    """An offer as of a version of the catalogue."""
    found = _CHOICES.get((offer_id, version))
    if found is None:
        found = _read(offer_id)
        keep_true(_CHOICES, (offer_id, version), found)
    return found


def _read(offer_id: int) -> Choice:
    offer = db.session.execute(
        select(Offer.id, Offer.code, Offer.price_fen).where(Offer.id == offer_id)
    ).one()
    rows = db.session.execute(
        select(OfferDish.position, Dish.__table__)
        .join(Dish, Dish.id == OfferDish.dish_id)
        .where(OfferDish.offer_id == offer_id)
        .order_by(OfferDish.position)
    ).all()
    return Choice(offer.id, offer.code, offer.price_fen, tuple(_part(row) for row in rows))


def _part(row: Row[Any]) -> Part:
    return Part(
        row.position,
        row.id,
        row.name_zh,
        row.name_en,
        row.name_hant,
        row.price_fen,
        tuple(row.labels),
        tuple(row.allergens),
        row.texture,
    )


def rules_on(centre_id: int, day: date, settings: int, version: int) -> tuple[list[Rule], list[Off]]:
    """Subsidy rules and promotions that hold for a centre on a day; of one code the nearest unit's."""
    key = (centre_id, day, settings, version)
    found = _RULES.get(key)
    if found is None:
        units = chain(centre_id)
        rules, offs = (_in_force(model.__table__, units, day) for model in (SubsidyRule, Promotion))
        found = ([_rule(row) for row in rules], [_off(row) for row in offs])
        keep_true(_RULES, key, found)
    return found


def _in_force(table: FromClause, units: Sequence[int], day: date) -> list[Row[Any]]:
    """Rows of the nearest unit, one a code."""
    rows = db.session.execute(
        select(table).where(
            table.c.unit_id.in_(units),
            table.c.starts_on <= day,
            or_(table.c.ends_on.is_(None), table.c.ends_on > day),
        )
    ).all()
    return list({row.code: row for row in sorted(rows, key=lambda row: -units.index(row.unit_id))}.values())


def _rule(row: Row[Any]) -> Rule:
    return Rule(row.id, row.code, row.kind, row.tier, row.conditions, row.applies, row.amount_fen)


def _off(row: Row[Any]) -> Off:
    return Off(row.id, row.name_zh, row.name_en, row.off_fen, row.min_age, tuple(row.meals))


def catalogue_of(canteen: Canteen) -> tuple[int, int]:
    """(settings, catalogue): the versions under which a canteen's rules are kept."""
    number = db.session.scalar(select(Version.number).where(Version.subject == CATALOGUE))
    return canteen.centre.settings_version, number or 0


def changed_catalogue() -> None:
    """Something of it was written past the ORM, in the running unit of work."""
    bump(CATALOGUE)


def _count(_mapper: Mapper[Any], connection: Connection, _row: object) -> None:
    count_now(connection, CATALOGUE)


for _model in (Dish, SubsidyRule, Promotion):
    for _what in ("after_insert", "after_update", "after_delete"):
        event.listen(_model, _what, _count)
