"""One order: the slip and what comes next, the receipt, what can be done with it; by its holder, a relative, a slip."""

from typing import Any

from flask import Response, current_app, render_template, request
from flask_babel import gettext as _

from canteen import queries
from canteen.days import serving_day
from canteen.models import MealOrder
from canteen.queries import state_now, title_of
from canteen.quotes import claims
from canteen.rules import may_give_back
from canteen.services import ledger
from canteen.services.answer import answer_swap
from canteen.services.give_back import cancel, state_words, too_late
from canteen.views.root import Eater, base, blueprint, home, may_see_balance
from canteen.words import MEALS, conflict_words
from centres.models import Centre
from core.area import Paper
from core.audit import Actor
from core.clock import local_day, now
from core.codes import show_number
from core.errors import Alternative, NotFound, Refused
from core.http import once, page_asked, personal, see_other, with_next
from core.i18n import pick
from core.money import yuan
from core.qr import qr_svg
from core.words import clock_words, date_words, full_day, inside, masked, near_day, one_by_one, span_words
from kiosk.models import Visit
from kiosk.session import actor, at_kiosk, device, known_visit, load_centre, paper_panel, shown_name
from people.services.family import elders_of

CARD_DAYS = 7
"""With the card alone one sees what is served within so many days."""


def _own(code: str, number: str) -> tuple[Centre, MealOrder, Visit]:
    """The order of the address: the visitor's own, or one that they made for their elder. By card alone: soon ones."""
    centre = load_centre(code)
    order, found = queries.order_by_number(number), known_visit()
    if found is None or found.resident_id is None:
        raise Refused(
            "who",
            _("请先让我们认识您"),
            _("刷卡或用手机号都可以。"),
            status=403,
            alternatives=[Alternative(_("刷卡或用手机号"), with_next(f"/c/{code}/identify/", page_asked()))],
        )
    if order is None or order.centre_id != centre.id or not _may(order, found):
        raise NotFound(_("没有找到这一份"), _("可能是别人的，或号码不对。请在“我的”里看看。"))
    today = local_day(now(), centre.zone)
    if found.level != "pin" and not 0 <= (order.day - today).days <= CARD_DAYS:
        raise Refused(
            "pin_needed",
            _("看这一条要输密码"),
            _("刷卡或手机号以后，再输密码。"),
            status=403,
            alternatives=[Alternative(_("输密码"), with_next(f"/c/{code}/identify/pin", page_asked()))],
        )
    return centre, order, found


def _may(order: MealOrder, found: Visit) -> bool:
    if order.resident_id == found.resident_id:
        return True
    return (
        found.level == "pin"
        and found.resident_id is not None
        and order.proxy_id == found.resident_id
        and order.resident_id in elders_of(found.resident_id)
    )


def _for_other(order: MealOrder) -> bool:
    """Whether the one who looks is the relative who ordered it."""
    found = known_visit()
    return (
        found is not None
        and found.resident_id is not None
        and order.resident_id not in (None, found.resident_id)
    )


def _relative(order: MealOrder) -> int | None:
    """The relative who looks at an elder's meal. With its slip alone, that may be whoever ordered it: they hold it
    too."""
    found = known_visit()
    looks = order.proxy_id if found is None or found.resident_id is None else found.resident_id
    return looks if order.resident_id not in (None, looks) else None


def _seen_state(order: MealOrder) -> str:
    """The state for whoever looks: a relative sees 已取餐 only where the elder lets them."""
    state, relative = state_now(order, now()), _relative(order)
    if relative is None or state not in {"collected", "delivered", "uncollected"}:
        return state
    link = elders_of(relative).get(order.resident_id or 0)
    return state if link is not None and link.sees_collected else "ordered"


def _is_hidden(order: MealOrder) -> bool:
    """Whether whoever looks must not learn what became of it: then no page, word or refusal tells either."""
    return _seen_state(order) != state_now(order, now())


def slip_of(order: MealOrder, *, named: bool) -> dict[str, Any]:
    """What a slip shows and what is printed: the same. Read aloud is only what one pays."""
    zone = order.centre.zone
    today = local_day(now(), zone)
    menu = order.menu
    rows: list[dict[str, Any]] = [
        {"label": MEALS[order.meal], "value": span_words(menu.serves_from, menu.serves_until, zone)},
    ]
    if len(order.lines) > 1:
        rows.append({"label": _("还有"), "value": _("、").join(queries.names_of(order)[1:])})
    if named and order.resident is not None:
        rows.append({"label": _("姓名"), "value": masked(order.resident.name)})
    rows.append({"label": _("订餐号"), "value": show_number(order.number)})
    if order.delivery:
        rows.append({"label": _("怎么拿"), "value": _("送到家")})
    if (by := queries.ordered_by(order)) and not _for_other(order):
        rows.append({"label": _("谁订的"), "value": by})
    link = f"{current_app.config['PUBLIC_URL']}/q/{order.code}"
    return {
        "number": order.pick_up,
        "title": title_of(order),
        "when": full_day(order.day, today),
        "rows": rows,
        "link": link,
        "qr": qr_svg(link),
        "money": order,
        "off": queries.promotion_name(order.promotion_id),
        "paid": _pay_words(order),
    }


def _pay_words(order: MealOrder) -> str:
    if not order.pays_fen:
        return _("不用付钱")
    if order.pay_state == "paid" and not (order.gateway == "counter" and _is_hidden(order)):
        return _("已经付了")
    if order.pay_state == "refunded":
        return _("已经退了")
    if order.gateway == "account":
        return _("饭卡已付")
    if order.pay_state == "held":
        return _("已经付了")
    return _("到服务台付") if order.resident_id is None else _("取餐时到柜台付")


def receipt_of(order: MealOrder) -> dict[str, Any]:
    """What stands below the sum: how often help is left this week, and the balance where this screen may show it."""
    found = known_visit()
    own = found is not None and order.resident is not None and found.resident_id == order.resident_id
    if not own or order.resident is None:
        return {"left": None, "balance": None}
    left = None
    if order.subsidy_fen:
        policy = _policy(order)
        left = max(0, policy - len(claims(order.resident.id, order.day)))
    seen = may_see_balance(Eater(order.resident))
    return {"left": left, "balance": ledger.balance(order.resident.id) if seen else None}


def _policy(order: MealOrder) -> int:
    return serving_day(order.menu.canteen, order.day).policy.subsidies_week


@blueprint.get("/o/<number>/done")
def done(code: str, number: str) -> Any:
    """«订好了»: the slip, the receipt and what comes next; an undo while its seconds last."""
    centre, order, found = _own(code, number)
    named = shown_name() is not None
    return _done(
        centre, order, f"{base(centre)}/o/{number}", named=named, mine=f"/c/{code}/my/", known=bool(found)
    )


def _done(centre: Centre, order: MealOrder, act: str, *, named: bool, mine: str | None, known: bool) -> Any:
    moment, zone = now(), centre.zone
    if _seen_state(order) != "ordered":
        return see_other(act if act.startswith("/q/") else f"{act}/")
    today = local_day(moment, zone)
    left = int((order.undo_until - moment).total_seconds())
    near = near_day(order.day, today)
    span = span_words(order.menu.serves_from, order.menu.serves_until, zone)
    cutoff = f"{near_day(local_day(order.cutoff_at, zone), today)} {clock_words(order.cutoff_at, zone)}"
    if order.delivery:
        first = {"title": f"{near} {span}", "note": _("送到家，请留意门铃和电话")}
    else:
        first = {"title": _("%(day)s %(span)s 来取", day=inside(near), span=span), "note": _take_words(order)}
    steps = [first]
    if moment < order.cutoff_at:
        note = _("在“我的”里退，都还给您") if known else _("扫小票就能退")
        steps.append({"title": _("不来了？%(when)s 前退", when=inside(cutoff)), "note": note})
    steps.append({"title": _("自己来不了？"), "note": _("家人拿这张小票代领")})
    return personal(
        render_template(
            "canteen/finished.html",
            slip=slip_of(order, named=named),
            receipt=receipt_of(order),
            for_other=_for_other(order),
            next_steps_rows=steps,
            undo={"url": f"{act}/undo", "seconds": left} if left > 0 else None,
            mine_url=mine,
            paper=paper_panel(order.code),
            back_url=f"{act}/" if not act.startswith("/q/") else act,
        )
    )


def _take_words(order: MealOrder) -> str:
    if order.resident_id is None:
        return _("先到服务台付钱，再报%(n)d号", n=order.pick_up)
    return _("报%(n)d号，或刷卡，或扫小票", n=order.pick_up)


@blueprint.get("/o/<number>/")
def one(code: str, number: str) -> Response:
    """One order of one's own."""
    centre, order, _found = _own(code, number)
    back = f"{base(centre)}/family/" if _for_other(order) else f"/c/{code}/my/"
    return personal(_page(order, f"{base(centre)}/o/{number}", back, named=shown_name() is not None))


def _page(order: MealOrder, act: str, back: str, *, named: bool) -> str:
    """The page of an order; `act`: where its forms go."""
    moment, zone = now(), order.centre.zone
    state = _seen_state(order)
    today = local_day(moment, zone)
    span = span_words(order.menu.serves_from, order.menu.serves_until, zone)
    lines = [full_day(order.day, today), span]
    if state in {"collected", "delivered"}:
        row = queries.served(order.id).get(order.id)
        lines += filter(None, [queries.served_words(row, zone, own=_relative(order) is None)])
    elif state in {"cancelled", "failed"} and order.reason:
        lines.append(_("原因：%(reason)s", reason=order.reason))
    swaps = [_swap(one, order) for one in queries.open_swaps(order.id)] if state == "ordered" else []
    return render_template(
        "canteen/order.html",
        state_text=state_words(state),
        state_kind={"collected": "ok", "delivered": "ok", "uncollected": "warn", "failed": "warn"}.get(
            state, ""
        ),
        heading_text=title_of(order),
        lead_lines=lines,
        slip=slip_of(order, named=named),
        receipt=receipt_of(order),
        swaps=swaps,
        keep_url=f"{act}/keep" if swaps else None,
        give_back_url=f"{act}/give-back" if swaps else None,
        cancel_url=f"{act}/cancel" if state == "ordered" else None,
        back_url=back,
    )


def _swap(question: Any, order: MealOrder) -> str:
    swap = question.swap
    names = {line.dish_id: pick(line.name_zh, line.name_en, line.name_hant) for line in order.lines}
    text = _(
        "%(old)s换成了%(new)s：%(why)s。",
        old=names.get(swap.out_dish_id, ""),
        new=queries.dish_name(swap.in_dish_id),
        why=pick(swap.reason_zh, swap.reason_en),
    )
    if not question.conflicts:
        return text
    against = _("、").join(conflict_words(question.conflicts))
    return one_by_one(text, _("新的菜%(what)s，和您登记的不一样。", what=against))


@blueprint.get("/o/<number>/cancel")
def cancel_page(code: str, number: str) -> Response:
    """Names what is given back, and asks once more."""
    centre, order, _found = _own(code, number)
    return personal(_cancel_page(order, f"{base(centre)}/o/{number}"))


def _cancel_page(order: MealOrder, act: str) -> Any:
    moment, zone = now(), order.centre.zone
    keep = act if act.startswith("/q/") else f"{act}/"
    if _seen_state(order) != "ordered":
        return see_other(keep)
    late = _is_hidden(order) or not may_give_back(order.cutoff_at, order.undo_until, moment)
    today = local_day(moment, zone)
    rows = [
        {
            "label": _("哪一餐"),
            "value": f"{near_day(order.day, today)} {MEALS[order.meal]}",
            "note": date_words(order.day),
        },
        {"label": _("吃什么"), "value": title_of(order), "note": _("、").join(queries.names_of(order)[1:])},
        {"label": _("取餐号"), "value": _("%(n)d号", n=order.pick_up)},
    ]
    return render_template(
        "canteen/cancel.html",
        rows=rows,
        late=late,
        until=clock_words(order.cutoff_at, zone),
        money=order.pays_fen if order.pay_state == "held" else 0,
        subsidy=bool(order.subsidy_fen),
        keep_url=keep,
        cancel_url=None if late else f"{act}/cancel",
        back_url=keep,
    )


@blueprint.post("/o/<number>/<verb>")
@once
def act(code: str, number: str, verb: str) -> Response:
    """Undo, cancel, answer a swap: one's own order, or one made for an elder."""
    centre, order, _found = _own(code, number)
    _do(actor(), order, verb)
    return see_other(f"{base(centre)}/o/{order.number}/")


def _do(who: Actor, order: MealOrder, verb: str) -> MealOrder:
    try:
        if verb in {"cancel", "undo"} and _is_hidden(order):
            raise too_late(order)
        if verb in {"cancel", "undo"}:
            return cancel(who, order.id)
        if verb in {"keep", "give-back"}:
            return answer_swap(who, order.id, "keep" if verb == "keep" else "cancel")
    except Refused as refusal:
        refusal.alternatives = [
            Alternative(_("回到这一份"), request.path.rpartition("/")[0]),
            Alternative(_("回首页"), home(order.centre)),
        ]
        raise
    raise NotFound(_("这一页没有找到"))


def _by_code(code: str) -> MealOrder:
    order = queries.order_by_code(code)
    if order is None:
        raise NotFound(_("没有找到这张小票"), _("可能太久了。请找工作人员。"))
    return order


def show_slip(code: str, page: str = "") -> Any:
    """What `/q/M…` shows: this one order, nothing else of the person. page: `cancel` asks once more, `done`."""
    order = _by_code(code)
    _refuse_elsewhere(order)
    load_centre(order.centre.code)
    if page == "cancel":
        return _cancel_page(order, f"/q/{code}")
    named = order.resident is not None and at_kiosk()
    if page == "done":
        return _done(order.centre, order, f"/q/{code}", named=named, mine=None, known=False)
    return _page(order, f"/q/{code}", home(order.centre), named=named)


def _refuse_elsewhere(order: MealOrder) -> None:
    """Before a kiosk of another centre nobody fetches it."""
    kiosk = device()
    if kiosk is not None and kiosk.centre_id != order.centre_id:
        raise Refused(
            "other_centre",
            _("这张小票是%(centre)s的", centre=order.centre.name),
            _(
                "请到那里取餐。地址：%(address)s",
                address=pick(order.centre.address_zh, order.centre.address_en),
            ),
        )


def paper_of(code: str) -> Paper:
    """What a kiosk prints: the slip and its receipt. Only while the meal is to come, at a kiosk of its own centre."""
    order = _by_code(code)
    _refuse_elsewhere(order)
    if _seen_state(order) != "ordered":
        raise Refused("not_printed", _("这一份已经用过或取消了"), _("不用再打小票。"))
    slip, receipt = slip_of(order, named=at_kiosk()), receipt_of(order)
    sums = [(_("原价"), yuan(order.price_fen))] if order.price_fen != order.pays_fen else []
    for label, fen in ((slip["off"] or _("优惠"), order.promotion_fen), (_("政府补"), order.subsidy_fen)):
        sums += [(label, yuan(-fen))] if fen else []
    notes = [slip["paid"]]
    if receipt["left"] is not None:
        notes.append(_("本周还可补%(n)d次", n=receipt["left"]))
    if receipt["balance"] is not None:
        notes.append(_("余额 %(sum)s", sum=yuan(receipt["balance"])))
    notes.append(_("送到家，请留意门铃和电话") if order.delivery else _take_words(order))
    return Paper(
        label=_("取餐号"),
        big=str(slip["number"]),
        title=slip["title"],
        when=slip["when"],
        rows=[(str(row["label"]), str(row["value"])) for row in slip["rows"]],
        sums=[*sums, (_("您付"), yuan(order.pays_fen))],
        notes=notes,
        link=slip["link"],
    )


def act_on_slip(code: str, verb: str) -> Response:
    """Cancel, undo or answer a swap with the slip's code."""
    order = _by_code(code)
    _do(actor(), order, verb)
    return see_other(f"/q/{code}")
