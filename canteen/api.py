"""The canteen for other programs: menus, orders, redemption. No name, no status and nobody's account is ever told."""

from datetime import date, timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from marshmallow import Schema, fields, validate
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from api.document import Paged, Strict, deeds, part, refusals
from api.keys import actor, allowed, client, deed, in_reach, load_centre
from canteen.gateways import DEFAULT, GATEWAYS
from canteen.models import Canteen, MealOrder, Menu, Offer, OfferDish
from canteen.rules import ALLERGENS, LABELS, MEALS, TEXTURES
from canteen.services.give_back import cancel
from canteen.services.order import Wish, place
from canteen.services.serve import Scan, hand_out, read_slip
from centres.models import Centre
from centres.queries import district_of
from core.audit import Audit
from core.clock import YEARS, local_day, now
from core.codes import read_code
from core.database import db
from core.errors import NotFound, Refused
from people.models import Resident
from people.services.cards import resident_of_code, resident_of_number

blueprint = part("canteen", "Menus, orders and redemption of the elder canteens")
CONFLICT = r"^(allergen|not):[a-z_]{1,20}$"
MOST_DAYS = 31
ORDER_STATES = ("ordered", "collected", "delivered", "uncollected", "cancelled", "failed")


class DishOut(Schema):
    """A dish, its main one first."""

    name_zh = fields.String(required=True)
    name_en = fields.String(required=True)
    labels = fields.List(fields.String(validate=validate.OneOf(LABELS)), required=True)
    allergens = fields.List(fields.String(validate=validate.OneOf(ALLERGENS)), required=True)
    texture = fields.String(required=True, validate=validate.OneOf(TEXTURES))


class OfferOut(Schema):
    """What one orders: a set meal or a single dish."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("set", "single")))
    price_fen = fields.Integer(required=True)
    left = fields.Integer(required=True, metadata={"description": "Portions that may still be ordered"})
    dishes = fields.List(fields.Nested(DishOut), required=True)


class MenuOut(Schema):
    """One meal of one day."""

    centre = fields.String(required=True)
    day = fields.Date(required=True)
    meal = fields.String(required=True, validate=validate.OneOf(MEALS))
    state = fields.String(required=True, validate=validate.OneOf(("published", "failed")))
    cutoff_at = fields.AwareDateTime(
        required=True, metadata={"description": "Until then one may order and cancel"}
    )
    serves_from = fields.AwareDateTime(required=True)
    serves_until = fields.AwareDateTime(required=True)
    offers = fields.List(fields.Nested(OfferOut), required=True)


class MenusAsked(Paged):
    """Which days; today and the week after it by default."""

    first = fields.Date(data_key="from", load_default=None, allow_none=False)
    last = fields.Date(data_key="to", load_default=None, allow_none=False)


class MenusOut(Schema):
    """A page of menus; `next` is the address of the next one, or null."""

    items = fields.List(fields.Nested(MenuOut), required=True)
    next = fields.String(required=True, allow_none=True)


class OrderIn(Strict):
    """Who eats what: a resident by card, or a guest."""

    offer = fields.Integer(required=True, validate=validate.Range(1, 2**31 - 1))
    card = fields.String(
        validate=validate.Length(6, 200),
        metadata={
            "description": "What a scanner reads from the resident's card, or the number of a linked card"
        },
    )
    guest = fields.Boolean(
        load_default=False, metadata={"description": "Nobody known: pays in full, at the counter"}
    )
    gateway = fields.String(load_default=DEFAULT, validate=validate.OneOf(tuple(GATEWAYS)))
    texture = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(TEXTURES))
    confirmed = fields.List(
        fields.String(validate=validate.Regexp(CONFLICT)),
        load_default=list,
        validate=validate.Length(max=20),
        metadata={
            "description": "Conflicts with the person's diet to which they said yes, such as `allergen:fish`"
        },
    )


class OrderOut(Schema):
    """An order. The sums are told to the client that made it only, and never why they are what they are."""

    number = fields.String(required=True)
    centre = fields.String(required=True)
    day = fields.Date(required=True)
    meal = fields.String(required=True, validate=validate.OneOf(MEALS))
    offer = fields.Integer(required=True)
    dishes = fields.List(fields.String(), required=True)
    pick_up = fields.Integer(required=True, metadata={"description": "The number that is called in the hall"})
    state = fields.String(required=True, validate=validate.OneOf(ORDER_STATES))
    cutoff_at = fields.AwareDateTime(required=True)
    mine = fields.Boolean(required=True, metadata={"description": "Whether this client made it"})
    slip = fields.String(required=True, allow_none=True, metadata={"description": "What its slip's QR says"})
    price_fen = fields.Integer(required=True, allow_none=True)
    pays_fen = fields.Integer(required=True, allow_none=True)
    pay_state = fields.String(required=True, allow_none=True)


class OrdersAsked(Paged):
    """Orders of one centre on one day; today by default."""

    day = fields.Date(load_default=None, allow_none=False)
    state = fields.String(load_default=None, allow_none=False, validate=validate.OneOf(ORDER_STATES))


class OrdersOut(Schema):
    """A page of orders; `next` is the address of the next one, or null."""

    items = fields.List(fields.Nested(OrderOut), required=True)
    next = fields.String(required=True, allow_none=True)


class RedeemIn(Strict):
    """One scan at one window. `scan` is the same when it is sent again."""

    slip = fields.String(
        required=True, validate=validate.Length(1, 200), metadata={"description": "As scanned"}
    )
    window = fields.String(required=True, validate=validate.Length(1, 40))
    scan = fields.String(required=True, validate=validate.Regexp(r"^[A-Za-z0-9_-]{8,40}$"))
    cash = fields.Boolean(load_default=False, metadata={"description": "The sum was taken at the window"})
    here = fields.Boolean(
        load_default=False, metadata={"description": "Handed out at the window although a carrier has it"}
    )
    scanned_at = fields.AwareDateTime(
        load_default=None, allow_none=True, metadata={"description": "When, where the window was offline"}
    )


class RedeemOut(Schema):
    """The meal may be handed out (`ok`), or was twice while a window was offline (`review`)."""

    kind = fields.String(required=True, validate=validate.OneOf(("ok", "review")))
    title = fields.String(required=True)
    text = fields.String(required=True)
    pick_up = fields.Integer(required=True, allow_none=True)


# --- menus ----------------------------------------------------------------------------------------------------------


@blueprint.route("/centres/<centre>/menus", methods=["GET"])
@allowed("menus:read")
@blueprint.arguments(MenusAsked, location="query")
@blueprint.response(200, MenusOut)
@refusals(blueprint, 404, 422)
def menus(asked: dict[str, Any], centre: str) -> dict[str, Any]:
    """Published menus of a centre, by day."""
    place_ = load_centre(centre)
    first = asked["first"] or local_day(now(), place_.zone)
    last = asked["last"] or first + timedelta(days=7)
    if {first.year, last.year} - set(YEARS) or not timedelta(0) <= last - first < timedelta(days=MOST_DAYS):
        raise Refused("days_odd", _("日期不对"), _("一次最多 31 天，从早到晚。"), status=422)
    query = (
        select(Menu)
        .options(
            joinedload(Menu.canteen).joinedload(Canteen.centre),
            selectinload(Menu.offers).selectinload(Offer.dishes).joinedload(OfferDish.dish),
        )
        .where(Menu.canteen_id == place_.id, Menu.day.between(first, last), Menu.state != "draft")
        .order_by(Menu.day, Menu.serves_from, Menu.id)
    )
    return _page(query, asked, _menu, centre=place_.code, **{"from": first, "to": last})


def _menu(menu: Menu) -> dict[str, Any]:
    return {
        "centre": menu.canteen.centre.code,
        "day": menu.day,
        "meal": menu.meal,
        "state": menu.state,
        "cutoff_at": menu.cutoff_at,
        "serves_from": menu.serves_from,
        "serves_until": menu.serves_until,
        "offers": [
            {
                "id": offer.id,
                "code": offer.code,
                "kind": offer.kind,
                "price_fen": offer.price_fen,
                "left": offer.quota - offer.taken,
                "dishes": [one.dish for one in offer.dishes],
            }
            for offer in menu.offers
        ],
    }


def _page(query: Select[Any], asked: dict[str, Any], shape: Any, **values: Any) -> dict[str, Any]:
    """One page, and where the next one is."""
    page, size = asked["page"], asked["size"]
    rows = list(db.session.scalars(query.offset((page - 1) * size).limit(size + 1)))
    onward = None
    if len(rows) > size:
        given = {name: str(value) for name, value in values.items() if value is not None}
        view = "api_canteen.menus" if shape is _menu else "api_canteen.orders"
        more: dict[str, Any] = {**given, "page": page + 1, "size": size}
        onward = url_for(view, **more)
    return {"items": [shape(row) for row in rows[:size]], "next": onward}


# --- orders ---------------------------------------------------------------------------------------------------------


@blueprint.route("/centres/<centre>/orders", methods=["GET"])
@allowed("orders:read")
@blueprint.arguments(OrdersAsked, location="query")
@blueprint.response(200, OrdersOut)
@refusals(blueprint, 404, 422)
def orders(asked: dict[str, Any], centre: str) -> dict[str, Any]:
    """Orders of a centre on a day, without anybody's name."""
    place_ = load_centre(centre)
    day: date = asked["day"] or local_day(now(), place_.zone)
    query = _with_all(select(MealOrder)).where(MealOrder.centre_id == place_.id, MealOrder.day == day)
    if asked["state"]:
        query = query.where(MealOrder.state == asked["state"])
    return _page(
        query.order_by(MealOrder.id), asked, _order, centre=place_.code, day=day, state=asked["state"]
    )


@blueprint.route("/orders", methods=["POST"])
@allowed("orders:write")
@blueprint.arguments(OrderIn)
@blueprint.response(201, OrderOut)
@refusals(blueprint, 404, 409, 410, 422)
@deeds(blueprint)
@deed(201)
def make_order(said: dict[str, Any]) -> dict[str, Any]:
    """Order one portion for a resident's card or for a guest."""
    if bool(said.get("card")) == said["guest"]:
        raise Refused("who", _("请给 card，或 guest: true"), _("两个里选一个。"), status=422)
    centre = db.session.scalar(
        select(Centre).join(Menu, Menu.canteen_id == Centre.id).join(Offer).where(Offer.id == said["offer"])
    )
    if centre is None or not in_reach(centre.id):
        raise NotFound(_("没有找到这份餐"))
    resident = _resident(said["card"]) if said.get("card") else None
    wish = Wish(
        gateway=said["gateway"] if resident else DEFAULT,
        texture=said["texture"],
        confirmed=said["confirmed"],
    )
    made = place(actor(), said["offer"], resident.id if resident else None, wish, channel="api")
    return _plain(made)


def _resident(card: str) -> Resident:
    """Whose card it is. A stranger's is refused in the same words as one that nobody knows."""
    read = read_code(card)
    found = resident_of_code(read[1]) if read and read[0] == "K" else resident_of_number(card)
    if found is None or not in_district(found):
        raise Refused("card_unknown", _("这张卡我们认不出"), status=404)
    return found


@blueprint.route("/orders/<number>", methods=["GET"])
@allowed("orders:read")
@blueprint.response(200, OrderOut)
@refusals(blueprint, 404)
def one_order(number: str) -> dict[str, Any]:
    """One order by its number."""
    return _order(_load(number))


@blueprint.route("/orders/<number>/cancel", methods=["POST"])
@allowed("orders:write")
@blueprint.response(200, OrderOut)
@refusals(blueprint, 404, 409)
@deeds(blueprint)
@deed(200)
def cancel_order(number: str) -> dict[str, Any]:
    """Give a meal back that this client ordered, until its cutoff. Again it changes nothing."""
    order = _load(number)
    if not _is_mine(order):
        raise NotFound(_("没有找到这份订餐"))
    return _plain(cancel(actor(), order.id))


@blueprint.route("/centres/<centre>/redemptions", methods=["POST"])
@allowed("redeem")
@blueprint.arguments(RedeemIn)
@blueprint.response(200, RedeemOut)
@refusals(blueprint, 404, 409, 422)
@deeds(blueprint)
@deed(200)
def redeem(said: dict[str, Any], centre: str) -> dict[str, Any]:
    """Hand out one meal. What must not be handed out is a refusal whose code says why: `redeem_already`, …"""
    place_ = load_centre(centre)
    found = read_slip(said["slip"])
    scan = Scan(
        said["window"],
        f"c{client().id}-{said['scan']}",
        cash=said["cash"],
        here=said["here"],
        at=said["scanned_at"],
    )
    answer = found if not isinstance(found, MealOrder) else hand_out(actor(), place_.id, found.id, scan)
    if answer.kind not in {"ok", "review"}:
        status = 404 if answer.kind in {"forged", "cut", "unknown"} else 409
        raise Refused(f"redeem_{answer.kind}", answer.title, answer.text, status=status)
    return {
        "kind": answer.kind,
        "title": answer.title,
        "text": answer.text,
        "pick_up": answer.order.pick_up if answer.order else None,
    }


# --- helpers --------------------------------------------------------------------------------------------------------


def in_district(person: Resident) -> bool:
    """Whether somebody belongs to a district that the key is of, or lies in."""
    return person.district_id == district_of(client().unit_id)


def _with_all(query: Select[MealOrder]) -> Select[MealOrder]:
    return query.options(joinedload(MealOrder.centre), selectinload(MealOrder.lines))


def _load(number: str) -> MealOrder:
    """An order within the key's reach; else: not found."""
    plain = "".join(number.split()).upper()
    order = db.session.scalar(_with_all(select(MealOrder)).where(MealOrder.number == plain))
    if order is None or not in_reach(order.centre_id):
        raise NotFound(_("没有找到这份订餐"))
    return order


def _is_mine(order: MealOrder) -> bool:
    """Whether this client made it: the audit knows."""
    if order.channel != "api":
        return False
    query = select(Audit.id).where(
        Audit.subject_kind == "meal_order",
        Audit.subject_id == order.id,
        Audit.verb == "meal.ordered",
        Audit.actor_kind == "client",
        Audit.actor_id == client().id,
    )
    return db.session.scalar(query) is not None


def _order(order: MealOrder) -> dict[str, Any]:
    mine = _is_mine(order)
    return {
        "number": order.number,
        "centre": order.centre.code,
        "day": order.day,
        "meal": order.meal,
        "offer": order.offer_id,
        "dishes": [line.name_zh for line in order.lines],
        "pick_up": order.pick_up,
        "state": order.state,
        "cutoff_at": order.cutoff_at,
        "mine": mine,
        "slip": order.code if mine else None,
        "price_fen": order.price_fen if mine else None,
        "pays_fen": order.pays_fen if mine else None,
        "pay_state": order.pay_state if mine else None,
    }


def _plain(order: MealOrder) -> dict[str, Any]:
    """As it is kept beside the request key and answered again."""
    made: dict[str, Any] = OrderOut().dump(_order(order))
    return made
