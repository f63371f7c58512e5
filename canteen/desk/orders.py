"""A meal's orders at the desk: the list, one order, and ordering for somebody who stands there or rings up."""

from datetime import timedelta
from typing import Any

from flask import Response, flash, render_template, request
from flask_babel import gettext as _

from canteen import counter_queries as queries
from canteen import queries as reads
from canteen.counter_words import (
    all_dishes,
    channel_words,
    dish_words,
    how_words,
    order_words,
    pay_words,
    wish_words,
)
from canteen.days import serving_day
from canteen.desk.root import base, blueprint, load_canteen, ways_while_checked
from canteen.desk.window import SERVE
from canteen.forms import parse_day, parse_meal
from canteen.gateways import gateway
from canteen.models import MealOrder, Menu, Offer, Redemption
from canteen.quotes import Right, right
from canteen.rules import conflicts, may_give_back, phase
from canteen.services import ledger, serve
from canteen.services.answer import answer_swap, open_questions
from canteen.services.give_back import cancel, may_excuse
from canteen.services.order import Wish, diet_of, place, plates
from canteen.words import MEALS, TEXTURES, conflict_words
from centres.models import Centre
from core.clock import local_day, now
from core.codes import show_number
from core.errors import Alternative, NotFound, Refused
from core.http import once, personal, row_number, see_other
from core.money import yuan
from core.words import clock_words, full_day, masked, near_day, span_words
from people.access import actor, grants_roles, open_record, require, resident_or_refuse, signed_in
from people.models import Resident
from people.rules import DESK

AHEAD = timedelta(days=14)
LOOKS = {
    "ordered": "area-canteen",
    "collected": "ok",
    "delivered": "ok",
    "uncollected": "warn",
    "failed": "err",
}


@blueprint.get("/orders")
@require(SERVE)
def orders(centre: Centre) -> Any:
    """The orders of a meal with their state; `?q=` finds a pick-up number, a number or a name."""
    load_canteen(centre)
    today = local_day(now(), centre.zone)
    day = parse_day(request.args["day"]) if request.args.get("day") else today
    menus = queries.menus_on(centre.id, day)
    meal = parse_meal(request.args["meal"]) if request.args.get("meal") else ""
    menu = next((one for one in menus if one.meal == meal), None)
    if menu is None and menus:
        current = queries.menu_now(centre.id, centre.zone, now()) if day == today else menus[0]
        menu = next((one for one in menus if current is not None and one.id == current.id), menus[0])
    words = request.args.get("q", "").strip()[:40]
    rows = queries.found_orders(centre.id, menu.id if menu else None, words)
    state = request.args.get("state", "")
    url = f"{base(centre)}/orders"
    many = queries.tally(menu.id) if menu else {}
    return personal(
        render_template(
            "canteen/desk_orders.html",
            day_words=full_day(day, today),
            meal_words=MEALS[menu.meal] if menu else "",
            tabs=[
                {
                    "name": f"{MEALS[one.meal]} {span_words(one.serves_from, one.serves_until, centre.zone)}",
                    "url": f"{url}?day={day}&meal={one.meal}",
                    "chosen": menu is not None and one.id == menu.id,
                }
                for one in menus
            ],
            prev_url=f"{url}?day={day - timedelta(days=1)}",
            next_url=f"{url}?day={day + timedelta(days=1)}",
            today_url=url,
            is_today=day == today,
            day=day,
            meal=menu.meal if menu else "",
            words=words,
            state=state,
            figures=[
                {"value": sum(many.values()), "text": _("全部")},
                {"value": many.get("ordered", 0), "text": _("还没取")},
                {"value": many.get("collected", 0) + many.get("delivered", 0), "text": _("取了、送了")},
                {"value": many.get("uncollected", 0), "text": _("没有来取")},
                {"value": many.get("cancelled", 0) + many.get("failed", 0), "text": _("取消了")},
            ],
            rows=[_line(centre, one) for one in rows if not state or one.state == state],
            new_url=f"{url}/new" if grants_roles(signed_in(), centre.id) & DESK else None,
            search_here=url,
        )
    )


def _line(centre: Centre, order: MealOrder) -> dict[str, Any]:
    return {
        "pick_up": order.pick_up,
        "number": show_number(order.number),
        "who": order.resident.masked_name if order.resident else _("散客"),
        "dish": dish_words(order),
        "wishes": wish_words(order),
        "delivery": order.delivery,
        "state": order.state,
        "state_words": order_words(order),
        "look": LOOKS.get(order.state, "plain"),
        "pay": pay_words(order),
        "pays": yuan(order.pays_fen),
        "due": order.pay_state == "due" and order.state == "ordered" and order.pays_fen > 0,
        "url": f"{base(centre)}/o/{order.number}",
    }


# --- ordering for somebody ------------------------------------------------------------------------------------------


@blueprint.get("/orders/new")
@require(DESK)
def new_order(centre: Centre) -> Any:
    """For whom, which meal, what: for a resident or a guest, today's walk-ins too."""
    canteen = load_canteen(centre)
    asked = request.args.get("resident", None, row_number)
    person = open_record(centre, asked, DESK) if asked else None
    moment, today = now(), local_day(now(), centre.zone)
    open_menus = [
        menu
        for menu in queries.menus_ahead(canteen.id, today, today + AHEAD)
        if _phase(menu, moment) != "over" and not (_phase(menu, moment) == "walk_in" and menu.day != today)
    ]
    wanted = request.args.get("menu", "")
    menu = next((one for one in open_menus if f"{one.day}/{one.meal}" == wanted), None)
    menu = menu or (open_menus[0] if open_menus else None)
    url = f"{base(centre)}/orders/new"
    whose = f"resident={person.id}&" if person else ""
    return personal(
        render_template(
            "canteen/desk_order_new.html",
            resident=person,
            find_url=f"/staff/c/{centre.code}/people/?back={url}",
            guest_url=url,
            diet_url=f"{base(centre)}/diet/{person.id}" if person else None,
            standing_url=f"{base(centre)}/standing/{person.id}" if person else None,
            menus=[
                {
                    "name": f"{near_day(one.day, today)} {MEALS[one.meal]}",
                    "note": _("现场 还有 %(n)d 份", n=one.walk_in - one.walk_in_taken)
                    if _phase(one, moment) == "walk_in"
                    else "",
                    "url": f"{url}?{whose}menu={one.day}/{one.meal}",
                    "chosen": menu is not None and one.id == menu.id,
                }
                for one in open_menus
            ],
            menu_words=f"{full_day(menu.day, today)} {MEALS[menu.meal]}" if menu else "",
            walk_in=menu is not None and _phase(menu, moment) == "walk_in",
            offers=_offers(menu, person) if menu else [],
            textures=[("", _("按登记的")), *((code, str(word)) for code, word in TEXTURES.items())],
            may_deliver=person is not None and person.building_id is not None,
            place_url=url,
            menu_key=f"{menu.day}/{menu.meal}" if menu else "",
            balance=_balance(person),
            accounts_on=ledger.accounts_are_on(canteen),
            back_url=f"{base(centre)}/orders",
        )
    )


def _phase(menu: Menu, moment: Any) -> str:
    return phase(menu.cutoff_at, menu.serves_until, moment)


def _balance(person: Resident | None) -> str:
    left = ledger.balance(person.id) if person else None
    return yuan(left) if left is not None else ""


def _offers(menu: Menu, person: Resident | None) -> list[dict[str, Any]]:
    """What is on the menu, with what this person pays for it."""
    day = serving_day(menu.canteen, menu.day)
    help_: Right = right(person, menu.canteen, day, menu.meal)
    diet = diet_of(person.id if person else None)
    walk_in = _phase(menu, now()) == "walk_in"
    left_for_all = menu.walk_in - menu.walk_in_taken
    return [
        {
            "id": offer.id,
            "name": offer.dishes[0].dish.name if offer.dishes else offer.code,
            "dishes": _("、").join(one.dish.name for one in offer.dishes),
            "price": yuan(offer.price_fen),
            "helped": yuan(costs.subsidy_fen) if costs.subsidy_fen else "",
            "pays": yuan(costs.pays_fen),
            "left": left_for_all if walk_in else offer.quota - offer.taken,
            "against": conflict_words(conflicts(plates(offer), diet)),
        }
        for offer in menu.offers
        for costs in [help_.sum(offer.price_fen)]
    ]


@blueprint.post("/orders/new")
@require(DESK)
@once
def place_order(centre: Centre) -> Response:
    """On behalf; the log says who. What is against their diet needs that they were asked."""
    load_canteen(centre)
    form = request.form
    asked = form.get("resident", None, row_number)
    person = resident_or_refuse(asked, DESK) if asked else None
    offer = _offer(centre, form.get("menu", ""), form.get("offer", None, row_number))
    against = conflicts(plates(offer), diet_of(person.id if person else None))
    if against and form.get("confirmed") != "1":
        raise _ask_first(centre, against)
    wish = Wish(
        gateway=gateway(form.get("gateway", "counter")).name,
        delivery=form.get("delivery") == "1",
        texture=form["texture"] if form.get("texture") in TEXTURES else None,
        low_salt=True if form.get("low_salt") == "1" else None,
        confirmed=against,
    )
    url = f"{base(centre)}/orders/new"
    counter = Alternative(_("改成取餐时到柜台付"), url, fields={**_said(), "gateway": "counter"})
    back = Alternative(_("回到订餐"), f"{url}?resident={person.id if person else ''}")
    with ways_while_checked(centre, counter, back):
        order = place(actor(), offer.id, person.id if person else None, wish, channel="desk")
    return see_other(f"{base(centre)}/o/{order.number}")


def _said() -> dict[str, str]:
    """What the form said, to be sent once more in another way."""
    return {name: text for name, text in request.form.items() if name not in {"csrf_token", "request_key"}}


def _ask_first(centre: Centre, against: list[str]) -> Refused:
    said = _said()
    return Refused(
        "against_diet",
        _("这份餐和登记的饮食不一样"),
        _("%(what)s。请先问一问本人，再订。", what=_("、").join(conflict_words(against))),
        status=422,
        alternatives=[
            Alternative(_("换一份别的"), f"{base(centre)}/orders/new?resident={said.get('resident', '')}"),
            Alternative(
                _("问过了，还是要这一份"), f"{base(centre)}/orders/new", fields={**said, "confirmed": "1"}
            ),
        ],
    )


def _offer(centre: Centre, menu_key: str, offer_id: int | None) -> Offer:
    day, _slash, meal = menu_key.partition("/")
    menus = queries.menus_on(centre.id, parse_day(day)) if day else []
    found = next(
        (offer for menu in menus if menu.meal == meal for offer in menu.offers if offer.id == offer_id), None
    )
    if found is None:
        raise Refused("offer_missing", _("请选一份餐"), _("菜单可能刚改过，请再选一次。"), status=422)
    return found


# --- one order ------------------------------------------------------------------------------------------------------


def _order(centre: Centre, number: str) -> MealOrder:
    order = queries.order_by_number(number)
    if order is None or order.centre_id != centre.id:
        raise NotFound(_("没有找到这份订单"), _("请再看看小票上的编号。"))
    return order


def _served(row: Redemption, zone: str) -> str:
    """When, at which window, by what, and which relative fetched it."""
    time = clock_words(row.scanned_at, zone)
    words = _("%(time)s，%(window)s，%(how)s", time=time, window=row.window, how=how_words(row.how))
    if row.fetched_by is None:
        return words
    return _("%(what)s，家人%(name)s代领", what=words, name=row.fetched_by.masked_name)


@blueprint.get("/o/<number>")
@require(SERVE)
def order(centre: Centre, number: str) -> Response:
    """One order in full. The desk reads the name, the kitchen only the masked one."""
    load_canteen(centre)
    found = _order(centre, number)
    at_desk = bool(grants_roles(signed_in(), centre.id) & DESK)
    moment, today, zone = now(), local_day(now(), centre.zone), centre.zone
    url = f"{base(centre)}/o/{found.number}"
    person = found.resident
    first = queries.standing_redemption(found.id)
    free = may_give_back(found.cutoff_at, found.undo_until, moment)
    questions = open_questions(found.id)
    owed = found.gateway == "counter" and found.pay_state == "refunded" and found.pays_fen > 0
    return personal(
        render_template(
            "canteen/desk_order.html",
            number=show_number(found.number),
            pick_up=found.pick_up,
            meal_words=f"{full_day(found.day, today)} {MEALS[found.meal]}",
            state=found.state,
            state_words=order_words(found),
            look=LOOKS.get(found.state, "plain"),
            who=(person.name if at_desk else masked(person.name)) if person else _("散客"),
            person_url=f"/staff/c/{centre.code}/people/{person.id}" if person and at_desk else None,
            account_url=f"{base(centre)}/account/{person.id}" if person and at_desk else None,
            proxy=masked(found.proxy.name) if found.proxy else "",
            dishes=all_dishes(found),
            wishes=wish_words(found),
            against=conflict_words(found.conflicts),
            delivery=found.delivery,
            made=_(
                "%(when)s，%(channel)s", when=_when(found, today, zone), channel=channel_words(found.channel)
            ),
            walk_in=found.walk_in,
            money={
                "price": yuan(found.price_fen),
                "promotion": yuan(found.promotion_fen) if found.promotion_fen else "",
                "off": reads.promotion_name(found.promotion_id),
                "helped": yuan(found.subsidy_fen) if found.subsidy_fen else "",
                "pays": yuan(found.pays_fen),
                "state": pay_words(found),
                "by": _("饭卡") if found.gateway == "account" else _("柜台"),
            },
            reason=found.reason,
            served=_served(first, zone) if first else "",
            questions=bool(questions) and found.state == "ordered",
            at_desk=at_desk,
            pay_url=f"{url}/pay"
            if at_desk and found.state == "ordered" and found.pay_state == "due" and found.pays_fen
            else None,
            pay_out_url=f"{url}/pay-out" if at_desk and owed and not queries.was_paid_out(found.id) else None,
            paid_out=owed and queries.was_paid_out(found.id),
            cancel_url=f"{url}/cancel"
            if at_desk and (found.state == "ordered" or may_excuse(found, moment))
            else None,
            missed=found.state == "uncollected",
            cancel_free=free,
            answer_url=f"{url}/answer",
            back_url=f"{base(centre)}/orders?day={found.day}&meal={found.meal}",
        )
    )


def _when(found: MealOrder, today: Any, zone: str) -> str:
    return f"{near_day(local_day(found.ordered_at, zone), today)} {clock_words(found.ordered_at, zone)}"


@blueprint.post("/o/<number>/<verb>")
@require(DESK)
@once
def act_on_order(centre: Centre, number: str, verb: str) -> Response:
    """Take the money now, pay out what is owed, give back, answer the question about a swapped dish."""
    found = _order(centre, number)
    here = f"{base(centre)}/o/{found.number}"
    others = Alternative(_("看这一餐别的订单"), f"{base(centre)}/orders?day={found.day}&meal={found.meal}")
    with ways_while_checked(centre, Alternative(_("回到这一份"), here), others):
        match verb:
            case "pay":
                serve.pay_at_desk(signed_in().id, found.id)
                flash(_("钱收好了。"), "ok")
            case "pay-out":
                serve.pay_out(signed_in().id, found.id)
                flash(_("钱退好了。"), "ok")
            case "cancel":
                cancel(actor(), found.id, request.form.get("reason", ""))
            case "answer":
                answer_swap(actor(), found.id, request.form.get("answer", ""))
            case _:
                raise NotFound(_("这一页没有找到"))
    return see_other(here)
