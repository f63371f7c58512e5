"""The hall's screen: the number that is called, four below, and what is served now and next. Never a name."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, render_template
from flask_babel import gettext as _

from canteen import counter_queries as queries
from canteen.models import Menu
from canteen.words import MEALS
from centres.models import Centre
from core.clock import local_day, now
from core.http import not_modified
from core.versions import version
from core.words import clock_words, near_day, span_words
from kiosk.areas import now_lines
from kiosk.session import load_centre

blueprint = Blueprint("canteen_board", __name__)
LINES, LINES_AHEAD, DISHES = 5, 4, 3
"""Numbers that were called, lines of now and next, dishes of a meal: as many as a screen without a hand can show."""
AHEAD = timedelta(days=7)


@blueprint.get("/board/<code>")
def board(code: str) -> Any:
    """The whole screen; it asks for its middle every five seconds."""
    centre = load_centre(code)
    return render_template("canteen/board.html", poll_url=f"/board/{code}/live", **_shown(centre))


@blueprint.get("/board/<code>/live")
def board_live(code: str) -> Any:
    """The middle alone: 304 while nothing has changed."""
    centre = load_centre(code)
    minute = int(now().timestamp()) // 60
    fresh = not_modified(f"board:{version(f'today:{centre.id}')}:{centre.settings_version}:{minute}")
    return fresh or render_template("canteen/_board_live.html", **_shown(centre))


def _shown(centre: Centre) -> dict[str, Any]:
    moment = now()
    menu = queries.menu_now(centre.id, centre.zone, moment)
    numbers = queries.called(menu.id) if menu is not None and moment <= menu.missed_at else []
    return {
        "red": numbers[0] if numbers else None,
        "below": numbers[1:LINES],
        "lines": _lines(centre, moment)[:LINES_AHEAD],
        "serving": menu is not None and menu.serves_from <= moment < menu.serves_until,
    }


def _lines(centre: Centre, moment: Any) -> list[dict[str, str]]:
    """Now and next: today's meals, the other areas' lines, then the next day that is cooked."""
    today = local_day(moment, centre.zone)
    lines = [
        _meal_line(centre, menu, moment, today)
        for menu in queries.menus_on(centre.id, today)
        if moment < menu.serves_until and menu.state == "published"
    ]
    lines += [
        {"when": line["when"], "title": line["title"], "note": line["note"], "area": line["area"]}
        for line in now_lines(centre.id)
        if line["area"] != "canteen"
    ]
    ahead = next(
        (menu for menu in queries.menus_ahead(centre.id, today, today + AHEAD) if menu.day > today), None
    )
    return lines + ([_meal_line(centre, ahead, moment, today)] if ahead else [])


def _meal_line(centre: Centre, menu: Menu, moment: Any, today: Any) -> dict[str, str]:
    names = [offer.dishes[0].dish.name for offer in menu.offers if offer.dishes]
    dishes = _("、").join(names[:DISHES]) + ("…" if len(names) > DISHES else "")
    if menu.serves_from <= moment:
        note = _("%(time)s 前来取", time=clock_words(menu.serves_until, centre.zone))
    elif moment < menu.cutoff_at:
        note = _("%(time)s 前可以订", time=clock_words(menu.cutoff_at, centre.zone))
    else:
        note = ""  # its hours stand above
    when = _("现在") if menu.serves_from <= moment else near_day(menu.day, today)
    return {
        "when": when,
        "title": f"{MEALS[menu.meal]} {span_words(menu.serves_from, menu.serves_until, centre.zone)}",
        "note": " · ".join(part for part in (note, dishes) if part),
        "area": "canteen",
    }
