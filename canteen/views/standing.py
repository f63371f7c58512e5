"""长期订餐: begun, looked at, ended with the PIN; «明天不吃» and «还是要吃» also by card."""

from datetime import timedelta
from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from canteen import queries
from canteen.forms import parse_day
from canteen.gateways import gateway
from canteen.models import Canteen, StandingOrder
from canteen.rules import MEALS as MEAL_CODES
from canteen.services import standing as verbs
from canteen.services.order import diet_of
from canteen.views.pick import listed, page_of, pick_many, pick_one
from canteen.views.root import base, blueprint, by_pin, load_canteen, row_size
from canteen.words import (
    ALLERGENS,
    MEALS,
    TEXTURES,
    WISHES,
    days_words,
    label_words,
    standing_words,
    without_words,
)
from centres.models import Centre
from core.clock import day_bounds, local_day, now
from core.errors import NotFound, Refused
from core.http import once, personal, see_other
from core.http.paging import with_asked
from core.words import SHORT_WEEKDAYS, clock_words, date_words, inside, near_day, sentences
from kiosk.session import actor, at_kiosk, known_visit, prefs
from people.models import Resident
from people.services.family import MOST

WORKDAYS = ("0", "1", "2", "3", "4")
DAYS_AHEAD = timedelta(days=14)
PAYS = ("counter", "account")
NOTES = (
    lazy_gettext("少放油"),
    lazy_gettext("饭少一点"),
    lazy_gettext("汤分开装"),
    lazy_gettext("切小一点"),
    lazy_gettext("不放辣"),
)
"""What many ask for, in one tap: a kiosk has no keyboard."""


@blueprint.get("/standing/")
def standing(code: str) -> Response:
    """One's standing orders, and a new one."""
    centre, canteen = load_canteen(code)
    _found, person = by_pin(centre.code)
    rows = queries.standing_orders(person.id, canteen.id)[:MOST]
    return personal(
        render_template(
            "canteen/standing.html",
            rows=[
                {
                    "label": MEALS[row.meal],
                    "note": standing_words(row),
                    "url": f"{base(centre)}/standing/{row.id}/",
                }
                for row in rows
            ],
            new_url=f"{base(centre)}/standing/new",
            back_url=f"{base(centre)}/mine/",
        )
    )


def _own(canteen: Canteen, standing_id: int) -> tuple[StandingOrder, str]:
    """The visitor's own standing order here, and how they are known; the card is enough to leave a day out."""
    found = known_visit()
    rows = queries.standing_orders(found.resident_id, canteen.id) if found and found.resident_id else []
    row = next((one for one in rows if one.id == standing_id), None)
    if row is None or found is None:
        raise NotFound(_("没有找到这个长期订餐"), _("可能已经停了。请在“我的”里看看。"))
    return row, found.level


@blueprint.get("/standing/<int:standing_id>/")
def one_standing(code: str, standing_id: int) -> Response:
    """The days to come, each with «不吃» or «还是要吃»."""
    centre, canteen = load_canteen(code)
    row, level = _own(canteen, standing_id)
    moment = now()
    today = local_day(moment, centre.zone)
    until = day_bounds(today + DAYS_AHEAD, centre.zone)[0]
    found = [
        one for one in queries.coming(row.resident_id, canteen, moment, until) if one.standing.id == row.id
    ]
    url = f"{base(centre)}/standing/{row.id}/"
    shown, pages = page_of(
        [(str(one.serving.day), one) for one in found], url, row_size() - (3 if level == "pin" else 2)
    )
    return personal(
        render_template(
            "canteen/standing_one.html",
            meal=MEALS[row.meal],
            words=standing_words(row),
            days=[
                {
                    "label": inside(near_day(one.serving.day, today)),
                    "date": date_words(one.serving.day),
                    "until": _cutoff(one.serving.cutoff_at, centre.zone, today),
                    "skipped": one.skipped,
                    "by": queries.skip_words(one),
                    "url": f"{url}{one.serving.day}/{'eat' if one.skipped else 'skip'}",
                }
                for _day, one in shown
            ],
            paging=pages,
            note_url=f"{url}note" if level == "pin" else None,
            noted=row.note is not None,
            end_url=f"{url}end" if level == "pin" else None,
            back_url=f"{base(centre)}/standing/" if level == "pin" else f"/c/{code}/my/",
        )
    )


def _cutoff(at: Any, zone: str, today: Any) -> str:
    return f"{inside(near_day(local_day(at, zone), today))} {clock_words(at, zone)}"


@blueprint.post("/standing/<int:standing_id>/<day>/<verb>")
@once
def leave_out(code: str, standing_id: int, day: str, verb: str) -> Response:
    """«明天不吃», «还是要吃»: one tap, until that day's cutoff."""
    centre, canteen = load_canteen(code)
    row, _level = _own(canteen, standing_id)
    the_day = parse_day(day)
    today = local_day(now(), centre.zone)
    if verb not in {"skip", "eat"} or the_day > today + DAYS_AHEAD:  # a card leaves days out, it ends nothing
        raise NotFound(_("这一页没有找到"))
    (verbs.skip if verb == "skip" else verbs.unskip)(actor(), row.id, the_day)
    return see_other(f"{base(centre)}/standing/{row.id}/")


def _noted(code: str, standing_id: int) -> tuple[Centre, StandingOrder]:
    """The visitor's own, known by PIN: what they write is for themselves and the kitchen."""
    centre, canteen = load_canteen(code)
    by_pin(centre.code)
    row, _level = _own(canteen, standing_id)
    return centre, row


@blueprint.get("/standing/<int:standing_id>/note")
def note_page(code: str, standing_id: int) -> Response:
    """«给厨房的话»: one of what many ask for, or, where there is a keyboard, in one's own words."""
    centre, row = _noted(code, standing_id)
    return _note_page(centre, row, row.note or "")


def _note_page(centre: Centre, row: StandingOrder, words: str, refusal: Refused | None = None) -> Response:
    url = f"{base(centre)}/standing/{row.id}/"
    response = personal(
        render_template(
            "canteen/standing_note.html",
            kept=row.note,
            words=words,
            most=verbs.MOST_NOTE,
            often=[str(one) for one in NOTES if str(one) != row.note][: row_size() - 1],
            writes=not at_kiosk(),
            error=sentences(refusal.title, refusal.text) if refusal else None,
            action_url=f"{url}note",
            here=f"{url}note",
            back_url=url,
        )
    )
    response.status_code = refusal.status if refusal else 200
    return response


@blueprint.post("/standing/<int:standing_id>/note")
@once
def keep_note(code: str, standing_id: int) -> Response:
    """It is kept, or goes where nothing is said."""
    centre, row = _noted(code, standing_id)
    words = request.form.get("note", "")
    try:
        verbs.set_note(actor(), row.id, words)
    except Refused as refusal:
        if refusal.code != "note_long":
            raise
        return _note_page(centre, row, words[: verbs.MOST_NOTE], refusal)
    return see_other(f"{base(centre)}/standing/{row.id}/")


@blueprint.post("/standing/<int:standing_id>/end")
@once
def stop_standing(code: str, standing_id: int) -> Response:
    """«不再长期订»."""
    centre, canteen = load_canteen(code)
    by_pin(centre.code)
    row, _level = _own(canteen, standing_id)
    verbs.stop(actor(), row.id)
    return see_other(f"{base(centre)}/standing/")


# --- a new one: proposed whole, each part with its way to change ------------------------------------------------------


def _served(canteen: Canteen, meal: str) -> dict[str, str]:
    """Weekdays on which a meal is served, as code → word."""
    days = queries.weekdays(canteen.id, meal)
    return {str(day): str(SHORT_WEEKDAYS[day]) for day in days}


def _proposed(canteen: Canteen, person: Resident) -> dict[str, str]:
    """What the address says, filled up with what suits most: lunch on workdays, as soft as their diet says."""
    diet = diet_of(person.id)
    served = [meal for meal in MEAL_CODES if queries.weekdays(canteen.id, meal)]
    meal = request.values.get("meal", "lunch")
    meal = meal if meal in served else served[0] if served else "lunch"
    texture = request.values.get("texture", diet.texture)
    pay = request.values.get("pay", "counter")
    return {
        "meal": meal,
        "days": ",".join(listed("days", list(_served(canteen, meal)), WORKDAYS)),
        "texture": texture if texture in TEXTURES else "regular",
        "labels": ",".join(listed("labels", list(WISHES))),
        "avoid": ",".join(listed("avoid", list(ALLERGENS))),
        "pay": pay if pay in PAYS else "counter",
        "home": "1" if request.values.get("home") == "1" and person.building_id is not None else "",
    }


@blueprint.get("/standing/new")
def new_standing(code: str) -> Response:
    """A standing order as proposed; with `ask` the page that changes one part of it. How soft leads to how
    cooked, and that to what without."""
    centre, canteen = load_canteen(code)
    _found, person = by_pin(centre.code)
    chosen = _proposed(canteen, person)
    asked = request.args.get("ask", "")
    if asked in {"meal", "days", "texture", "labels", "avoid"}:
        return _ask(centre, canteen, chosen, asked)
    path = f"{base(centre)}/standing/new"
    days = [int(one) for one in chosen["days"].split(",") if one]
    rows = [
        _row(_("哪一餐"), MEALS[chosen["meal"]], path, chosen, "meal", _("改餐")),
        _row(_("星期几"), days_words(days) if days else _("还没有选"), path, chosen, "days", _("改日子")),
        _row(_("吃法"), _how_words(chosen), path, chosen, "texture", _("改吃法")),
        _where_row(canteen, person, path, chosen),
        _pay_row(canteen, person, path, chosen),
    ]
    return personal(
        render_template(
            "canteen/standing_new.html",
            rows=rows,
            fields=chosen,
            start_url=f"{base(centre)}/standing/",
            ready=bool(days),
            back_url=f"{base(centre)}/standing/",
        )
    )


def _how_words(chosen: dict[str, str]) -> str:
    """软，低盐，不吃花生"""
    labels, avoid = _codes(chosen["labels"]), _codes(chosen["avoid"])
    if (
        at_kiosk() and prefs()["reach"] == "low" and len(labels) + len(avoid) > 1
    ):  # a line is all the room there is
        return _("%(texture)s，另有%(n)d样", texture=TEXTURES[chosen["texture"]], n=len(labels) + len(avoid))
    return _("，").join([str(TEXTURES[chosen["texture"]]), *label_words(labels), *without_words(avoid)])


def _codes(text: str) -> list[str]:
    return [one for one in text.split(",") if one]


def _row(label: str, value: Any, path: str, chosen: dict[str, str], ask: str, change: str) -> dict[str, Any]:
    return {"label": label, "value": value, "url": with_asked(path, ask=ask, **chosen), "change": change}


def _where_row(canteen: Canteen, person: Resident, path: str, chosen: dict[str, str]) -> dict[str, Any]:
    """How they get it; brought to the door only where one is registered. At a kiosk others see the screen: no room."""
    row: dict[str, Any] = {"label": _("怎么拿")}
    if person.building is None:
        return {**row, "value": _("到食堂取"), "note": _("还没有登记地址，想送到家请找工作人员")}
    if not chosen["home"]:
        url = with_asked(path, **{**chosen, "home": "1"})
        return {**row, "value": _("到食堂取"), "note": canteen.name, "url": url, "change": _("改送到家")}
    where = person.building.name + ("" if at_kiosk() else f" {person.room or ''}".rstrip())
    url = with_asked(path, **{**chosen, "home": ""})
    return {**row, "value": _("送到家"), "note": where, "url": url, "change": _("改自己取"), "silent": True}


def _pay_row(canteen: Canteen, person: Resident, path: str, chosen: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {"label": _("怎么付")}
    if chosen["pay"] == "account":
        url = with_asked(path, **{**chosen, "pay": "counter"})
        return {**row, "value": _("用饭卡付"), "url": url, "change": _("改柜台付")}
    row["value"] = _("取餐时到柜台付")
    reason = gateway("account").why_not(canteen, person.id, 0)
    if reason is not None:
        return {**row, "off": _("饭卡付"), "reason": reason}
    return {**row, "url": with_asked(path, **{**chosen, "pay": "account"}), "change": _("改饭卡付")}


def _ask(centre: Centre, canteen: Canteen, chosen: dict[str, str], asked: str) -> Response:
    path, rest = f"{base(centre)}/standing/new", {key: value for key, value in chosen.items() if key != asked}
    done = back = with_asked(path, **chosen)

    def stay(value: str) -> str:
        return with_asked(path, ask=asked, page=request.args.get("page"), **rest) + f"&{asked}={value}"

    if asked == "meal":
        words: dict[str, Any] = {one: MEALS[one] for one in MEALS if queries.weekdays(canteen.id, one)}
        picked = pick_one(
            words, chosen["meal"], lambda one: with_asked(path, **rest, meal=one), path, ask=asked
        )
        title, many = _("哪一餐？"), False
    elif asked == "texture":
        picked = pick_one(
            TEXTURES,
            chosen["texture"],
            lambda one: with_asked(path, ask="labels", **rest, texture=one),
            path,
            ask=asked,
        )
        title, many = _("要多软？"), False
    elif asked == "days":
        picked = pick_many(
            _served(canteen, chosen["meal"]), chosen["days"].split(","), stay, path, ask=asked, **chosen
        )
        title, many = _("星期几吃？"), True
    elif asked == "labels":
        picked = pick_many(WISHES, chosen["labels"].split(","), stay, path, ask=asked, **chosen)
        title, many, done = _("口味上要什么？"), True, with_asked(path, ask="avoid", **chosen)
    else:
        picked = pick_many(ALLERGENS, chosen["avoid"].split(","), stay, path, ask=asked, **chosen)
        title, many = _("哪些不吃？"), True
    return personal(
        render_template(
            "canteen/pick.html", title=title, picked=picked, done_url=done if many else None, back_url=back
        )
    )


@blueprint.post("/standing/")
@once
def start_standing(code: str) -> Response:
    """«开始长期订餐»."""
    centre, canteen = load_canteen(code)
    _found, person = by_pin(centre.code)
    chosen = _proposed(canteen, person)
    row = verbs.start(
        actor(),
        person.id,
        canteen.id,
        chosen["meal"],
        [int(day) for day in chosen["days"].split(",") if day],
        gateway_name=chosen["pay"],
        labels=_codes(chosen["labels"]),
        avoid=_codes(chosen["avoid"]),
        texture=chosen["texture"],
        delivery=bool(chosen["home"]),
    )
    return see_other(f"{base(centre)}/standing/{row.id}/")
