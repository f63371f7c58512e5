"""家人: who orders for whom; asked by the relative, agreed to by the elder with their PIN, ended by either."""

from datetime import date
from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _

from canteen import queries
from canteen.forms import parse_day
from canteen.models import Canteen
from canteen.queries import Coming, state_now, title_of
from canteen.services import standing
from canteen.services.give_back import state_words
from canteen.views.pick import page_of, pick_one
from canteen.views.root import base, blueprint, by_pin, load_canteen, row_size
from canteen.views.standing import DAYS_AHEAD
from canteen.words import MEALS, days_words
from centres.models import Centre
from centres.queries import district_of
from core.clock import day_bounds, local_day, now
from core.errors import NotFound, Refused
from core.http import once, personal, see_other
from core.http.paging import with_asked
from core.words import clock_words, date_words, inside, near_day, sentences
from kiosk.session import actor
from people.models import FamilyLink, Resident
from people.phones import parse_phone
from people.services import family as verbs
from people.services import throttles
from people.services.identify import by_index, known_index

TRIES = 10
"""Numbers that one person may ask for in a quarter of an hour."""


@blueprint.get("/family/")
def family(code: str) -> Response:
    """Elders one orders for; relatives who order for oneself, and who asks to."""
    centre, _canteen = load_canteen(code)
    _found, person = by_pin(centre.code)
    links = verbs.links_of(person.id)
    url = f"{base(centre)}/family/"
    elders = [
        {
            "label": _("帮%(name)s订餐", name=one.elder.masked_name),
            "note": _elder_note(centre, one),
            "url": f"{url}{one.id}/",
        }
        for one in links
        if one.proxy_id == person.id and one.state == "active"
    ]
    relatives = [
        {
            "label": one.proxy.masked_name,
            "note": _("想帮您订餐，等您答应")
            if one.state == "asked"
            else _("帮您订餐，也看得到您取了没有")
            if one.sees_collected
            else _("帮您订餐"),
            "url": f"{url}{one.id}/",
        }
        for one in links
        if one.elder_id == person.id
    ]
    return personal(
        render_template(
            "canteen/family.html",
            rows=[*relatives, *elders][: verbs.MOST - 1],
            asked="asked" in request.args,
            ask_url=f"{url}ask?do=choose",
            invite_url=f"{url}invite",
            join_url=f"{url}join",
            back_url=f"{base(centre)}/mine/",
        )
    )


def _elder_note(centre: Centre, link: FamilyLink) -> str:
    """今天的午餐：已经取了餐, where the elder lets them see it."""
    if not link.sees_collected:
        return _("点开订餐")
    moment = now()
    start, end = day_bounds(local_day(moment, centre.zone), centre.zone)
    today = queries.orders_between(link.elder_id, start, end)
    if not today:
        return _("今天没有订")
    last = today[-1]
    return _("今天的%(meal)s：%(state)s", meal=MEALS[last.meal], state=state_words(state_now(last, moment)))


def _link(person: Resident, link_id: int) -> FamilyLink:
    found = next((one for one in verbs.links_of(person.id) if one.id == link_id), None)
    if found is None or (found.proxy_id == person.id and found.state != "active"):
        raise NotFound(_("没有找到这位家人"), _("可能已经结束了。"))
    return found


@blueprint.get("/family/<int:link_id>/")
def one_relative(code: str, link_id: int) -> Response:
    """One relative: agree, see or not, end; or one elder: order for them, what was ordered."""
    centre, canteen = load_canteen(code)
    _found, person = by_pin(centre.code)
    link = _link(person, link_id)
    url = f"{base(centre)}/family/{link.id}/"
    mine = link.proxy_id == person.id
    moment = now()
    today = local_day(moment, centre.zone)
    orders = (
        queries.orders_for_others(person.id, [link.elder_id], day_bounds(today, centre.zone)[0])
        if mine
        else []
    )
    return personal(
        render_template(
            "canteen/relative.html",
            name=link.elder.masked_name if mine else link.proxy.masked_name,
            mine=mine,
            asked=link.state == "asked",
            sees=link.sees_collected,
            pays=link.pays_since is not None,
            orders=[
                {
                    "label": title_of(order),
                    "note": _order_note(link, near_day(order.day, today), order, moment),
                    "url": f"/c/{order.centre.code}/canteen/o/{order.number}/",
                }
                for order in orders[:3]
            ],
            order_url=with_asked(f"{base(centre)}/", **{"for": link.id}),
            standing_url=f"{url}standing/"
            if mine and queries.standing_orders(link.elder_id, canteen.id)
            else None,
            act_url=url,
            back_url=f"{base(centre)}/family/",
        )
    )


def _order_note(link: FamilyLink, near: str, order: Any, moment: Any) -> str:
    state = state_now(order, moment)
    shown = state if link.sees_collected or state in {"ordered", "cancelled", "failed"} else "ordered"
    return f"{near} {MEALS[order.meal]} {state_words(shown)}"


def _elder(centre: Centre, link_id: int) -> tuple[FamilyLink, Resident]:
    """The link by which the visitor may order for an elder now, and the visitor."""
    _found, person = by_pin(centre.code)
    link = verbs.active_link(person.id, link_id)
    if link is None:
        raise NotFound(_("现在不能帮这位家人订"), _("请老人家先答应，或找工作人员。"))
    return link, person


@blueprint.get("/family/<int:link_id>/standing/")
def standing_of_elder(code: str, link_id: int) -> Response:
    """The days to come of an elder's standing orders, each with «不吃» or «还是要吃». How it is cooked and what is
    written to the kitchen stays between the elder and the canteen."""
    centre, canteen = load_canteen(code)
    link, person = _elder(centre, link_id)
    today = local_day(now(), centre.zone)
    url = f"{base(centre)}/family/{link.id}/standing/"
    found = _days_to_come(centre, canteen, link)
    shown, pages = page_of([(str(one.serving.day), one) for one in found], url, row_size() - 2)
    return personal(
        render_template(
            "canteen/relative_standing.html",
            name=link.elder.masked_name,
            words=[
                _("%(meal)s，%(days)s", meal=MEALS[row.meal], days=days_words(row.weekdays))
                for row in queries.standing_orders(link.elder_id, canteen.id)
            ],
            days=[_day(one, person, centre.zone, today, url) for _key, one in shown],
            paging=pages,
            back_url=f"{base(centre)}/family/{link.id}/",
        )
    )


def _days_to_come(centre: Centre, canteen: Canteen, link: FamilyLink) -> list[Coming]:
    moment = now()
    until = day_bounds(local_day(moment, centre.zone) + DAYS_AHEAD, centre.zone)[0]
    return queries.coming(link.elder_id, canteen, moment, until)


def _day(one: Coming, person: Resident, zone: str, today: date, url: str) -> dict[str, Any]:
    """What the elder or another relative has said is theirs to take back."""
    day, cutoff, meal = one.serving.day, one.serving.cutoff_at, MEALS[one.standing.meal]
    near = inside(near_day(day, today))
    row: dict[str, Any] = {"date": date_words(day)}
    if one.skip is not None and one.skip.proxy_id == person.id:
        label, note = _("%(day)s的%(meal)s还是要吃", day=near, meal=meal), _("您说的不吃")
        return {
            **row,
            "label": label,
            "note": note,
            "url": f"{url}{one.standing.id}/{day}/eat",
            "icon": "undo-2",
        }
    row["label"] = _("%(day)s的%(meal)s不吃", day=near, meal=meal)
    if one.skipped:
        return {**row, "note": _("已经说了不吃")}
    until = f"{inside(near_day(local_day(cutoff, zone), today))} {clock_words(cutoff, zone)}"
    note = _("%(until)s 前可以改", until=until)
    return {**row, "note": note, "url": f"{url}{one.standing.id}/{day}/skip", "icon": "x"}


@blueprint.post("/family/<int:link_id>/standing/<int:standing_id>/<day>/<verb>")
@once
def leave_out_for_elder(code: str, link_id: int, standing_id: int, day: str, verb: str) -> Response:
    """«明天不吃» for an elder, or taken back; the standing order itself is the elder's to change and to end."""
    centre, canteen = load_canteen(code)
    link, person = _elder(centre, link_id)
    the_day, url = parse_day(day), f"{base(centre)}/family/{link.id}/standing/"
    theirs = {row.id for row in queries.standing_orders(link.elder_id, canteen.id)}
    last = local_day(now(), centre.zone) + DAYS_AHEAD
    if verb not in {"skip", "eat"} or standing_id not in theirs or the_day > last:
        raise NotFound(_("这一页没有找到"))
    (standing.skip if verb == "skip" else standing.unskip)(actor(), standing_id, the_day, proxy_id=person.id)
    return see_other(url)


@blueprint.get("/family/ask")
def ask_page(code: str) -> Response:
    """Asks for the elder's phone number; `do`: first what for, or to take a question back."""
    centre, _canteen = load_canteen(code)
    by_pin(centre.code)
    if request.args.get("do") != "choose":
        return _ask_page(centre)
    path = f"{base(centre)}/family/ask"
    words = {"ask": _("问一位老人家"), "withdraw": _("问过的，不问了")}
    picked = pick_one(words, "", lambda one: with_asked(path, do=one), path)
    title = _("收回了，不再问了。") if "withdrawn" in request.args else _("想帮家人订？")
    return personal(
        render_template("canteen/pick.html", title=title, picked=picked, back_url=f"{base(centre)}/family/")
    )


def _ask_page(centre: Centre, refusal: Refused | None = None) -> Response:
    error = sentences(refusal.title, refusal.text) if refusal else None
    url = f"{base(centre)}/family/ask"
    response = personal(
        render_template(
            "canteen/family_ask.html",
            action_url=url,
            here=url,
            error=error,
            takes_back=request.values.get("do") == "withdraw",
            back_url=f"{base(centre)}/family/",
        )
    )
    response.status_code = refusal.status if refusal else 200
    return response


@blueprint.post("/family/ask")
@once
def ask_elder(code: str) -> Response:
    """Whoever has this number is asked, or the question is taken back. The answer is the same for a number that nobody
    has: for that reason nothing shows what was asked, and the number is said again to take it back."""
    centre, _canteen = load_canteen(code)
    _found, person = by_pin(centre.code)
    source = f"family:{person.id}"
    if throttles.begin_try(source, TRIES, {}):
        raise Refused(
            "family_paused", _("先停一停"), _("问的次数多了，15分钟后再来，或找工作人员。"), status=429
        )
    try:
        phone = parse_phone(request.form.get("phone", ""))
    except Refused as refusal:
        return _ask_page(centre, refusal)
    takes_back = request.form.get("do") == "withdraw"
    if not takes_back and len(verbs.elders_of(person.id)) >= verbs.MOST:
        raise verbs.too_many()
    district = district_of(centre.id)
    for elder in by_index(known_index(phone, district), district):
        if elder.id != person.id:
            _ask_one(person.id, elder.id, takes_back=takes_back)
    url = f"{base(centre)}/family/"
    return see_other(f"{url}ask?do=choose&withdrawn=1" if takes_back else f"{url}?asked=1")


def _ask_one(proxy_id: int, elder_id: int, *, takes_back: bool) -> None:
    """Ask, or take the question back. What stands against it is a fact about the elder, and stays theirs."""
    try:
        if takes_back:
            verbs.take_back(actor(), proxy_id, elder_id)
        else:
            verbs.ask(actor(), proxy_id, elder_id)
    except Refused:
        return


@blueprint.post("/family/<int:link_id>/<verb>")
@once
def act_on_relative(code: str, link_id: int, verb: str) -> Response:
    """Agree (and let them see), let them see or not, pay from the elder's card or not, end."""
    centre, _canteen = load_canteen(code)
    _found, person = by_pin(centre.code)
    link = _link(person, link_id)
    if verb in {"agree", "see"}:
        verbs.agree(actor(), person.id, link.id, sees_collected=verb == "see")
    elif verb in {"pay", "pay-not"}:
        verbs.let_pay(actor(), person.id, link.id, pays=verb == "pay")
    elif verb == "end":
        verbs.end(actor(), person.id, link.id)
        return see_other(f"{base(centre)}/family/")
    else:
        raise NotFound(_("这一页没有找到"))
    return see_other(f"{base(centre)}/family/{link.id}/")
