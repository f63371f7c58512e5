"""«请您看一遍», who it is, and the order itself."""

from dataclasses import dataclass, replace
from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _

from canteen import queries
from canteen.forms import parse_day, parse_meal
from canteen.gateways import CARD_CANNOT, GATEWAYS, gateway
from canteen.models import Offer
from canteen.rules import Sum, conflicts, suits
from canteen.services.order import Wish, place, plates
from canteen.views.choose import Table, table_of
from canteen.views.root import (
    Eater,
    base,
    base_of,
    blueprint,
    eater,
    home,
    load_canteen,
    may_see_balance,
    name_of,
    said,
)
from canteen.words import MEALS, conflict_words
from core.audit import Actor
from core.clock import local_day, now
from core.errors import Alternative, NotFound, Refused
from core.http import once_read, own_path, personal, see_other, with_next
from core.http.paging import with_asked
from core.money import yuan
from core.words import date_words, inside, near_day, span_words
from kiosk.session import actor, by_card_alone, is_here, known_visit, load_centre, need_visit
from people.models import FamilyLink


@blueprint.get("/who")
def who(code: str) -> Any:
    """«请刷一下您的卡», or by phone number, or as a guest who pays at the desk."""
    centre, _canteen = load_canteen(code)
    onward = own_path(request.args.get("next"), f"{base(centre)}/")
    if known_visit() is not None:
        return see_other(onward)
    joined = "&" if "?" in onward else "?"
    return render_template(
        "canteen/who.html",
        scan_next=onward,
        phone_url=with_next(f"/c/{code}/identify/phone", onward),
        guest_url=f"{onward}{joined}guest=1",
        back_url=f"{base(centre)}/",
    )


@blueprint.get("/menu/<day>/<meal>/check")
def check(code: str, day: str, meal: str) -> Any:
    """Everything that will be ordered, each with its way to change; what is against their diet needs a yes."""
    table = table_of(code, day, meal)
    if "offer" not in request.args:
        return see_other(table.url())
    offer = _offer(table, request.args["offer"])
    if not table.who.known and not table.who.guest:
        return see_other(with_next(f"{base(table.centre)}/who", request.full_path.rstrip("?")))
    if not table.can_take(offer):
        raise _gone(table, offer)
    costs, wish = table.right.sum(offer.price_fen), _wish(table.who)
    against = conflicts(plates(offer), table.diet)
    return personal(
        render_template(
            "canteen/check.html",
            rows=_rows(table, offer, costs, wish),
            sum=costs,
            off=queries.promotion_name(table.right.promotion.id) if costs.promotion_fen else "",
            no_help=_no_help(table.right.why),
            against=conflict_words(against),
            dish=offer.dishes[0].dish.name,
            dish_said=said(offer.dishes[0].dish),
            for_name=name_of(table.who) if table.who.link else None,
            other_url=table.url(),
            order_url=table.url("order"),
            fields={
                "offer": offer.code,
                "pay": wish.gateway,
                "home": "1" if wish.delivery else "",
                "shown": str(costs.pays_fen),
                "confirmed": ",".join(against),
                **table.who.asked,
            },
            back_url=table.url(offer=offer.code),
        )
    )


def _no_help(why: str) -> str:
    """Why nothing is paid for somebody who is helped otherwise; nothing where they are, or never were."""
    return {
        "meal": _("这一餐已经补过一份了，这一份没有补贴。"),
        "week": _("这个星期的补贴用完了，这一份没有补贴。"),
    }.get(why, "")


def _offer(table: Table, code: str | None) -> Offer:
    found = next((one for one in table.offers if one.code == code), None)
    if found is None:
        raise NotFound(_("没有找到这份餐"), _("请从菜单里再选一次。"))
    return found


def _wish(who: Eater) -> Wish:
    """How they want it, as the address says; what they cannot have is left out."""
    wish = _wished()
    can_have = wish.gateway == "counter" or _may_prepay(who)
    at_home = wish.delivery and who.resident is not None and who.resident.building_id is not None
    return replace(wish, delivery=at_home, gateway=wish.gateway if can_have else "counter")


def _wished() -> Wish:
    """The same as a form says it; what was possible on its page and is not any more, the verb refuses."""
    pay, shown = request.values.get("pay", ""), request.values.get("shown", "")
    return Wish(
        gateway=pay if pay in GATEWAYS else "counter",
        delivery=request.values.get("home") == "1",
        confirmed=[one for one in request.values.get("confirmed", "").split(",") if one],
        shown_fen=int(shown) if shown.isascii() and shown.isdigit() and len(shown) < 9 else None,
    )


def _may_prepay(who: Eater) -> bool:
    """A relative spends the elder's money only where the elder lets them, and a guest has none here."""
    return who.resident is not None and (who.link is None or who.link.pays_since is not None)


def _rows(table: Table, offer: Offer, costs: Sum, wish: Wish) -> list[dict[str, Any]]:
    centre, menu = table.centre, table.meal.menu
    near = near_day(menu.day, local_day(table.moment, centre.zone))
    span = table.meal.serving.meals[menu.meal]
    chosen = {"offer": offer.code, "pay": wish.gateway if wish.gateway != "counter" else None}
    main, sides = offer.dishes[0].dish, _("、").join(one.dish.name for one in offer.dishes[1:])
    rows: list[dict[str, Any]] = [
        {
            "label": _("哪一餐"),
            "value": f"{near} {MEALS[menu.meal]}",
            "note": f"{date_words(menu.day)} {span_words(span.start, span.end, centre.zone)}",
            "url": with_asked(f"{base(centre)}/days", meal=menu.meal, **table.who.asked),
            "change": _("改日子"),
        },
        {
            "label": _("吃什么"),
            "value": main.name,
            "note": sides,
            "said": said(main) and _("，").join(filter(None, (said(main), sides))),
            "url": table.url(offer=offer.code),
            "change": _("换一份"),
        },
    ]
    if table.who.link is not None:
        rows.append({"label": _("给谁"), "value": name_of(table.who)})
    rows.append(_where_row(table, wish, chosen))
    rows.append(_pay_row(table, wish, costs, offer))
    return rows


def _where_row(table: Table, wish: Wish, chosen: dict[str, Any]) -> dict[str, Any]:
    if wish.delivery:
        row = {"value": _("送到家"), "note": _("送到登记的地址"), "change": _("改自己取")}
        return {"label": _("怎么拿"), "url": table.url("check", **chosen), **row}
    row = {"label": _("怎么拿"), "value": _("到食堂取"), "note": table.canteen.name}
    person = table.who.resident
    if person is None or person.building_id is None:
        return row
    return {**row, "url": table.url("check", home="1", **chosen), "change": _("改送到家")}


def _pay_row(table: Table, wish: Wish, costs: Sum, offer: Offer) -> dict[str, Any]:
    """How it is paid; what is not possible now stands there dashed, with its reason."""
    person, pays = table.who.resident, costs.pays_fen
    chosen = {"offer": offer.code, "home": "1" if wish.delivery else None}
    row: dict[str, Any] = {"label": _("怎么付"), "sum": costs}
    if not pays:
        return {**row, "value": _("不用付钱")}
    if wish.gateway != "counter":
        row |= {"value": _("用饭卡付"), "url": table.url("check", **chosen), "change": _("改柜台付")}
        return row
    row["value"] = _("取餐时到柜台付") if not table.who.guest else _("到服务台付")
    if not _may_prepay(table.who) or person is None:
        return row
    reason = gateway("account").why_not(table.canteen, person.id, pays)
    if reason is None:
        return {**row, "url": table.url("check", pay="account", **chosen), "change": _("改饭卡付")}
    return {
        **row,
        "off": _("饭卡付"),
        "reason": reason if may_see_balance(table.who) else _("饭卡现在用不了"),
    }


@dataclass(frozen=True, slots=True)
class Asked:
    """Who orders what at which address, as they were before the lock. Whether a person may order, and what there is and
    costs, is asked behind it (canteen/services/order.py)."""

    code: str
    day: str
    meal: str
    wanted: str
    offer: int | None
    home: str
    who: Actor
    resident: int | None
    relative: int | None
    guest: bool
    by_card: int | None
    """The visit of whoever is known by a card alone: their orders are counted."""
    channel: str
    wish: Wish

    @property
    def menu(self) -> str:
        """The address of the meal."""
        return f"{self.home}/menu/{self.day}/{self.meal}/"


def _asked(code: str, day: str, meal: str) -> Asked:
    wanted, found = request.form.get("offer", ""), known_visit()
    at = queries.offer_at(code, parse_day(day), parse_meal(meal), wanted) or (load_canteen(code)[0].id, None)
    link = _link(code) if "for" in request.values else None
    resident = link.elder_id if link is not None else found.resident_id if found is not None else None
    guest = resident is None and request.values.get("guest") == "1"
    return Asked(
        code, day, meal, wanted,
        offer=at[1],
        home=base_of(code),
        who=actor(),
        resident=resident,
        relative=found.resident_id if link is not None and found is not None else None,
        guest=guest,
        by_card=found.id if found is not None and link is None and by_card_alone() else None,
        channel="family" if link is not None else "kiosk" if is_here(at[0]) else "phone",
        wish=_wished(),
    )  # fmt: skip


def _link(code: str) -> FamilyLink | None:
    """By what a relative orders; the page that refuses them says which centre it is."""
    load_centre(code)
    return eater(code).link


@blueprint.post("/menu/<day>/<meal>/order")
@once_read(_asked)
def order(asked: Asked) -> Response:
    """«确认订餐». The menu is read only where something is refused: before the cutoff everybody taps at once."""
    if asked.offer is None:
        _offer(table_of(asked.code, asked.day, asked.meal), asked.wanted)
        raise NotFound(_("没有找到这份餐"), _("请从菜单里再选一次。"))
    if asked.resident is None and not asked.guest:
        onward = with_asked(f"{asked.menu}check", offer=asked.wanted)
        return see_other(with_next(f"{asked.home}/who", onward))
    visit = need_visit(load_centre(asked.code)).id if asked.guest else asked.by_card
    try:
        made = place(
            asked.who,
            asked.offer,
            asked.resident,
            asked.wish,
            channel=asked.channel,
            proxy_id=asked.relative,
            visit_id=visit,
        )
    except Refused as refusal:
        why = refusal.code
        refusal.ways = lambda: _ways_on(why, asked.code, asked.day, asked.meal, asked.wanted)
        raise
    return see_other(f"/q/{made.code}/done" if asked.guest else f"{asked.home}/o/{made.number}/done")


def _ways_on(why: str, code: str, day: str, meal: str, wanted: str) -> list[Alternative]:
    """As `_ways`; where the whole meal is gone meanwhile, to what is still there."""
    try:
        table = table_of(code, day, meal)
        return _ways(why, table, _offer(table, wanted))
    except NotFound:
        return [Alternative(_("回首页"), home(load_canteen(code)[0]))]


def _ways_to_be_known(why: str, table: Table, offer: Offer) -> list[Alternative]:
    """Past what a card or a guest may order: who gives the PIN, or shows a card at all, orders on."""
    centre, onward = table.centre, table.url("check", offer=offer.code, guest=None)
    if why == "card_enough":
        known = Alternative(_("输密码，接着订"), with_next(f"/c/{centre.code}/identify/pin", onward))
    else:
        known = Alternative(_("刷卡或用手机号"), with_next(f"/c/{centre.code}/identify/", onward))
    mine = [Alternative(_("看我订好的"), f"/c/{centre.code}/my/")] if table.who.known else []
    return [known, *mine, Alternative(_("回首页"), home(centre))]


def _gone(table: Table, offer: Offer) -> Refused:
    """The page was open for a while, and now there is none left."""
    title = _("刚刚订满了") if table.meal.can_order else _("订餐的时间过了")
    text = _("您没有做错。请看看别的菜。") if table.meal.can_order else _("您没有做错。可以订后面的。")
    refused = Refused("sold_out" if table.meal.can_order else "after_cutoff", title, text)
    refused.ways = lambda: _ways(refused.code, table, offer)
    return refused


def _ways(why: str, table: Table, offer: Offer) -> list[Alternative]:
    """The best ways on: other dishes of this meal, the next meal, one's own orders."""
    moment, centre = now(), table.centre
    found = queries.meals(table.canteen, moment, here=is_here())
    menu = table.meal.menu
    ways: list[Alternative] = []
    if why in {"against_diet", "sum_changed", "menu_changed", "family_pay"}:
        ways.append(Alternative(_("再看一遍"), table.url("check", offer=offer.code)))
    if why in {"card_enough", "guests_full"}:
        return _ways_to_be_known(why, table, offer)
    if why == "no_address":
        ways.append(Alternative(_("改成到食堂取"), table.url("check", offer=offer.code)))
    if why in CARD_CANNOT:
        ways.append(Alternative(_("改成取餐时到柜台付"), table.url("check", offer=offer.code)))
    other_meal_helps = why not in CARD_CANNOT or why == "balance_low"
    here = next((one for one in found if one.menu.id == menu.id and one.can_order), None)
    if here is not None and other_meal_helps and why != "enough":
        rest = [
            one
            for one in queries.offers_of(menu.id)
            if one.id != offer.id and one.kind == "set" and not queries.is_full(one, here)
        ]
        rest.sort(key=lambda one: (-suits(plates(one), table.diet), one.position))
        ways += [
            Alternative(
                _(
                    "%(dish)s，您付 %(sum)s",
                    dish=one.dishes[0].dish.name,
                    sum=yuan(table.right.sum(one.price_fen).pays_fen),
                ),
                table.url(offer=one.code),
            )
            for one in rest[:2]
        ]
    later = [one for one in found if one.can_order and one.menu.id != menu.id and one.menu.day >= menu.day]
    after = next((one for one in later if one.menu.meal == menu.meal), None) or next(iter(later), None)
    if after is not None and other_meal_helps:
        near = near_day(after.menu.day, local_day(moment, centre.zone))
        url = with_asked(f"{base(centre)}/menu/{after.menu.day}/{after.menu.meal}/", **table.who.asked)
        ways.append(Alternative(_("看%(day)s的%(meal)s", day=inside(near), meal=MEALS[after.menu.meal]), url))
    if table.who.known and table.who.link is None:
        ways.append(Alternative(_("看我订好的"), f"/c/{centre.code}/my/"))
    ways.append(Alternative(_("回首页"), home(centre)))
    return ways[:3]
