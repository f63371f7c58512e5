"""What the canteen puts on the home and into a resident's day."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from canteen import queries
from canteen.days import PLACE
from canteen.models import Canteen
from canteen.queries import state_now, title_of
from canteen.views.choose import best, same_as_last, set_table, standing_of
from canteen.views.root import Eater
from canteen.words import MEALS
from core.area import MyItem, Place, Tile
from core.clock import local_day, now
from core.database import db
from core.money import yuan
from core.words import clock_words, inside, near_day, span_words
from kiosk.session import is_here
from people.models import Resident
from people.services.family import elders_of


def tiles(centre_id: int) -> list[Tile]:
    """«订午餐», with until when."""
    canteen = queries.canteen_of(centre_id)
    if canteen is None:
        return []
    moment, zone = now(), canteen.centre.zone
    url = f"/c/{canteen.centre.code}/canteen/"
    meal = queries.next_meal(queries.meals(canteen, moment, here=True))
    if meal is None:
        return [Tile("canteen", "utensils", _("订餐"), _("菜单还没有出来"), url, big=True, art="bowl")]
    today = local_day(moment, zone)
    day = near_day(meal.menu.day, today)
    cutoff = meal.serving.cutoff_at
    until = f"{near_day(local_day(cutoff, zone), today)} {clock_words(cutoff, zone)}"
    note = (
        _("%(day)s的，%(until)s 前订", day=inside(day), until=inside(until))
        if meal.phase == "open"
        else _("今天还有现场的份")
    )
    label = _("订%(meal)s", meal=MEALS[meal.menu.meal])
    return [Tile("canteen", "utensils", label, note, url, big=True, art="bowl")]


def places(centre_id: int) -> list[Place]:
    """The canteen, which may be closed while the centre is open. Its policies are the centre's."""
    canteen = queries.canteen_of(centre_id)
    return [Place(PLACE, canteen.name, has_rules=False)] if canteen is not None else []


def card_start(centre_id: int) -> str | None:
    """A card that a phone reads opens the menu, already its holder's."""
    canteen = queries.canteen_of(centre_id)
    return f"/c/{canteen.centre.code}/canteen/" if canteen is not None else None


def now_lines(centre_id: int) -> list[tuple[str, str, str]]:
    """What is served right now, and until when."""
    canteen = queries.canteen_of(centre_id)
    if canteen is None:
        return []
    moment, zone = now(), canteen.centre.zone
    found = queries.meals(canteen, moment, here=True)
    return [
        (
            _("现在"),
            _("%(canteen)s%(meal)s", canteen=canteen.name, meal=MEALS[one.menu.meal]),
            _("取餐到%(time)s", time=clock_words(one.menu.serves_until, zone)),
        )
        for one in found
        if one.menu.state == "published" and one.menu.serves_from <= moment < one.menu.serves_until
    ][:1]


def proposals(resident_id: int, centre_id: int) -> list[Tile]:
    """The next meal, where they have none yet, with the dish that its page would show first: a tap, and they read what
    they pay. Nothing where a standing order sees to it."""
    canteen, person = queries.canteen_of(centre_id), db.session.get_one(Resident, resident_id)
    if canteen is None:
        return []
    moment, zone = now(), canteen.centre.zone
    meal = queries.next_meal(queries.meals(canteen, moment, here=is_here()))
    if meal is None or queries.has_meal(resident_id, meal.menu.day, meal.menu.meal):
        return []
    table = set_table(canteen.centre, canteen, meal, Eater(person), moment)
    same = same_as_last(table)
    offer = same[0] if same else best(table)
    if offer is None or standing_of(table) is not None:
        return []
    pays, today = yuan(table.right.sum(offer.price_fen).pays_fen), local_day(moment, zone)
    words = {
        "day": inside(near_day(meal.menu.day, today)),
        "meal": MEALS[meal.menu.meal],
        "dish": offer.dishes[0].dish.name,
    }
    note = _("您付 %(sum)s", sum=pays)
    if same:
        note = _("%(same)s，您付 %(sum)s", same=same[1], sum=pays)
    url = table.url("check", offer=offer.code)
    return [Tile("canteen", "utensils", _("订%(day)s%(meal)s：%(dish)s", **words), note, url)]


def my_day(resident_id: int, start: datetime, end: datetime) -> list[MyItem]:
    """A resident's meals as lines of their day, those that a standing order will make too. No sum: it is read aloud."""
    moment = now()
    items = []
    for order in queries.orders_between(resident_id, start, end):
        zone = order.centre.zone
        state = state_now(order, moment)
        near = near_day(order.day, local_day(moment, zone))
        when = f"{near} {span_words(order.menu.serves_from, order.menu.serves_until, zone)}"
        note = {
            "collected": _("已经取了餐"),
            "delivered": _("已经送到了"),
            "uncollected": _("没有来取，时间过了"),
        }.get(state, _("取餐号%(n)d", n=order.pick_up))
        if by := queries.ordered_by(order):
            note = _("%(note)s，%(by)s", note=note, by=by)
        if state == "ordered" and queries.open_swaps(order.id):
            note = _("换了菜，请看一看")
        title = _("%(meal)s %(dish)s", meal=MEALS[order.meal], dish=title_of(order))
        url = f"/c/{order.centre.code}/canteen/o/{order.number}/"
        items.append(MyItem("canteen", order.menu.serves_from, when, title, note, url))
    return items + _standing(resident_id, moment, end) + _for_others(resident_id, start, end, moment)


def _standing(resident_id: int, moment: datetime, end: datetime) -> list[MyItem]:
    items = []
    ids = {row.canteen_id for row in queries.standing_orders(resident_id)}
    query = (
        select(Canteen).options(joinedload(Canteen.centre)).where(Canteen.id.in_(ids)).order_by(Canteen.id)
    )
    for canteen in db.session.scalars(query) if ids else ():
        zone = canteen.centre.zone
        for one in queries.coming(resident_id, canteen, moment, end)[:3]:
            span = one.serving.meals[one.standing.meal]
            near = near_day(one.serving.day, local_day(moment, zone))
            items.append(
                MyItem(
                    "canteen",
                    span.start,
                    f"{near} {span_words(span.start, span.end, zone)}",
                    _("长期订的%(meal)s", meal=MEALS[one.standing.meal]),
                    queries.skip_words(one) or _("不吃的话，点开按一下"),
                    f"/c/{canteen.centre.code}/canteen/standing/{one.standing.id}/",
                )
            )
    return items


def _for_others(proxy_id: int, start: datetime, end: datetime, moment: datetime) -> list[MyItem]:
    """What a relative has ordered for an elder; whether it was collected only where the elder lets them see."""
    links = elders_of(proxy_id)
    if not links:
        return []
    items = []
    for order in queries.orders_for_others(proxy_id, list(links), start):
        if order.menu.serves_from >= end or order.resident_id is None:
            continue
        zone, state = order.centre.zone, state_now(order, moment)
        sees = links[order.resident_id].sees_collected
        near = near_day(order.day, local_day(moment, zone))
        items.append(
            MyItem(
                "canteen",
                order.menu.serves_from,
                f"{near} {span_words(order.menu.serves_from, order.menu.serves_until, zone)}",
                _("%(meal)s %(dish)s", meal=MEALS[order.meal], dish=title_of(order)),
                _("帮家人订的，已经取了餐")
                if sees and state in {"collected", "delivered"}
                else _("帮家人订的"),
                f"/c/{order.centre.code}/canteen/o/{order.number}/",
            )
        )
    return items
