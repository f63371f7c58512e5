"""The week as a day sheet: what is planned, how much of it is ordered, and why a day is closed."""

from datetime import date, timedelta
from typing import Any

from flask import Response, flash, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext

from canteen import desk_queries
from canteen.art import art_of
from canteen.days import ServingDay, serving_days
from canteen.desk.root import COOK, LOOK, base, blueprint, check_ahead, load_canteen, load_menu, menu_url
from canteen.forms import parse_day, parse_meal
from canteen.models import Canteen, Menu
from canteen.rules import MEALS, week_of
from canteen.services import weeks
from canteen.words import MEALS as MEAL_WORDS
from canteen.words import MENU_STATES
from centres.models import Centre
from core.clock import local_day, now
from core.errors import Refused
from core.http import once, see_other
from core.words import (
    SHORT_WEEKDAYS,
    clock_words,
    date_words,
    full_day,
    inside,
    month_day,
    near_day,
    span_words,
)
from people.access import actor, require


@blueprint.get("/")
@require(LOOK)
def week(centre: Centre) -> Any:
    """This week."""
    return _sheet(centre, local_day(now(), centre.zone))


@blueprint.get("/week/<day>")
@require(LOOK)
def week_at(centre: Centre, day: str) -> Any:
    """The week of a day."""
    return _sheet(centre, parse_day(day))


def _sheet(centre: Centre, day: date) -> Any:
    canteen, monday = load_canteen(centre), week_of(day)
    today, moment = local_day(now(), centre.zone), now()
    days = serving_days(canteen, monday, monday + timedelta(days=6))
    rows = {(menu.day, menu.meal): menu for menu in desk_queries.menus(canteen.id, monday, days[-1].day)}
    served = [meal for meal in MEALS if any(meal in one.meals for one in days)]
    shown = [meal for meal in MEALS if meal in served or any(key[1] == meal for key in rows)]
    cells = {
        (one.day, meal): _cell(centre, one, meal, rows.get((one.day, meal))) for one in days for meal in shown
    }
    drafts = [
        menu for menu in rows.values() if menu.state == "draft" and menu.offers and menu.cutoff_at > moment
    ]
    to_plan = [one for one in cells.values() if one["state"] == "none"]
    return render_template(
        "canteen/desk_week.html",
        title_words=_(
            "%(first)s–%(last)s", first=month_day(monday), last=month_day(monday + timedelta(days=6))
        ),
        days=[_head(one, today) for one in days],
        meals=[{"code": meal, "name": MEAL_WORDS[meal]} for meal in shown],
        cells=cells,
        drafts=len(drafts),
        to_plan=len(to_plan),
        is_this_week=week_of(today) == monday,
        prev_url=f"{base(centre)}/week/{monday - timedelta(days=7)}",
        next_url=f"{base(centre)}/week/{monday + timedelta(days=7)}",
        this_url=f"{base(centre)}/",
        copy_url=f"{base(centre)}/week/{monday}/copy",
        publish_url=f"{base(centre)}/week/{monday}/publish",
        copy_one_url=f"{base(centre)}/copy",
        poster_url=f"{base(centre)}/poster",
        menus_url=f"{base(centre)}/menus",
        back=monday,
    )


def _head(day: ServingDay, today: date) -> dict[str, Any]:
    """A day's head: why it is closed, or until when it can be ordered."""
    made_up = day.kind.hours_of is not None and day.kind.hours_of != day.day.weekday()
    if day.meals:
        until = _(
            "%(day)s %(time)s 截止",
            day=inside(near_day(local_day(day.cutoff_at, day.zone), today)),
            time=clock_words(day.cutoff_at, day.zone),
        )
    else:
        until = day.closed_reason or _("不开餐")
    return {
        "day": day.day,
        "name": str(SHORT_WEEKDAYS[day.day.weekday()]),
        "date": month_day(day.day),
        "today": day.day == today,
        "closed": not day.meals,
        "note": until,
        "like": _("照%(day)s", day=SHORT_WEEKDAYS[day.kind.hours_of])
        if made_up and day.kind.hours_of is not None
        else "",
    }


def _cell(centre: Centre, day: ServingDay, meal: str, menu: Menu | None) -> dict[str, Any]:
    """What stands under a day and meal. state: closed, none, draft, published, failed."""
    url = menu_url(centre, day.day, meal)
    name = _("%(day)s%(meal)s", day=date_words(day.day), meal=MEAL_WORDS[meal])
    if menu is None or not menu.offers:
        over = day.cutoff_at <= now()
        state = "closed" if meal not in day.meals else "over" if over else "none"
        return {"state": state, "url": url, "name": name, "offers": []}
    sets = [offer for offer in menu.offers if offer.kind == "set"]
    return {
        "state": menu.state,
        "not_served": meal not in day.meals,
        "words": MENU_STATES[menu.state],
        "when": span_words(menu.serves_from, menu.serves_until, centre.zone),
        "url": url,
        "name": name,
        "day": menu.day,
        "closed": menu.closed_at is not None,
        "ordered": sum(offer.taken for offer in menu.offers),
        "quota": sum(offer.quota for offer in menu.offers),
        "singles": len(menu.offers) - len(sets) if sets else 0,
        "offers": [
            {
                "name": offer.dishes[0].dish.name if offer.dishes else offer.code,
                "taken": offer.taken,
                "quota": offer.quota,
                "full": offer.taken >= offer.quota,
                "art": art_of(offer.dishes[0].dish) if offer.dishes else "bowl",
            }
            for offer in (sets or menu.offers)
        ],
    }


@blueprint.post("/week/<day>/copy")
@require(COOK)
@once
def copy_week(centre: Centre, day: str) -> Response:
    """«照抄上周»"""
    canteen, monday = load_canteen(centre), week_of(parse_day(day))
    done = weeks.copy_week(actor(), canteen, monday)
    if not done.made:
        raise Refused(
            "nothing_copied",
            _("没有可以照抄的"),
            _("已经排好的不动；过了截止时间的、不开餐的，和前三周都没有做过的，也抄不了。"),
            status=422,
        )
    flash(
        ngettext(
            "照抄了 %(num)s 餐，还没发布。请看一遍再发布。",
            "照抄了 %(num)s 餐，还没发布。请看一遍再发布。",
            done.made,
        ),
        "ok",
    )
    if done.there:
        flash(ngettext("%(num)s 餐已经排好，没有动。", "%(num)s 餐已经排好，没有动。", done.there), "info")
    if done.nothing:
        words = ngettext(
            "%(num)s 餐前三周都没有做过，请自己排。", "%(num)s 餐前三周都没有做过，请自己排。", done.nothing
        )
        flash(words, "warn")
    return see_other(f"{base(centre)}/week/{monday}")


@blueprint.post("/week/<day>/publish")
@require(COOK)
@once
def publish_week(centre: Centre, day: str) -> Response:
    """Publish every draft of the week."""
    monday = week_of(parse_day(day))
    many = weeks.publish_week(actor(), load_canteen(centre), monday)
    words = ngettext(
        "%(num)s 餐发布了，居民现在能看到、能订。", "%(num)s 餐发布了，居民现在能看到、能订。", many
    )
    flash(words, "ok")
    return see_other(f"{base(centre)}/week/{monday}")


@blueprint.post("/copy")
@require(COOK)
@once
def copy_one(centre: Centre) -> Response:
    """One meal as it is planned onto another day: what is dropped on the sheet, and the form of the meal's page."""
    canteen, form = load_canteen(centre), request.form
    source = load_menu(centre, form.get("from", ""), form.get("meal", ""))
    target, meal = parse_day(form.get("to", "")), parse_meal(form.get("meal", ""))
    made = _copy(canteen, source, target)
    flash(_("抄到了%(day)s，还没发布。", day=inside(full_day(target, local_day(now(), centre.zone)))), "ok")
    return see_other(
        f"{base(centre)}/week/{week_of(target)}" if form.get("back") else menu_url(centre, made.day, meal)
    )


def _copy(canteen: Canteen, source: Menu, target: date) -> Menu:
    check_ahead(canteen, target, source.meal)
    made = weeks.copy_menu(actor(), source, canteen, target)
    if made is None:
        raise Refused(
            "menu_there",
            _("那天这一餐已经排好了"),
            _("排好的不会被盖掉。要改，请点进去改。"),
            status=422,
        )
    return made
