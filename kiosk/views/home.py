"""First pages: which centre, the kiosk's home, the phone's home."""

from datetime import timedelta

from flask import Response, render_template
from flask_babel import gettext as _

from centres.models import Centre
from centres.queries import centres, day_kinds, one_offs, openings, weekly_hours
from core.area import Tile
from core.clock import day_bounds, local_day, now
from core.http import see_other
from core.i18n import pick
from core.words import full_day, greeting, span_words
from kiosk import areas
from kiosk.session import at_kiosk, device, load_centre, prefs
from kiosk.views.root import blueprint

ELDER_TILES = 6


@blueprint.get("/")
def choose_centre() -> Response | str:
    """Which centre; with one centre there is nothing to choose."""
    if at_kiosk():
        return see_other("/kiosk/")
    found = centres()
    if len(found) == 1:
        return see_other(f"/c/{found[0].code}/")
    return render_template("kiosk/centres.html", centres=found)


@blueprint.get("/kiosk/")
def home() -> Response | str:
    """The paired kiosk's home."""
    kiosk = device()
    if kiosk is None:
        return see_other("/kiosk/pair")
    return _home(kiosk.centre)


@blueprint.get("/c/<code>/")
def phone_home(code: str) -> str:
    """The phone's home of a centre; a kiosk sees it too."""
    return _home(load_centre(code))


def _home(centre: Centre) -> str:
    elder = prefs()["text"] == "elder"
    tiles = [*areas.tiles(centre.id), *_own_tiles(centre)]
    return render_template(
        "kiosk/home.html",
        greeting=greeting(now(), centre.zone),
        now_next=areas.now_lines(centre.id),
        tiles=tiles[:ELDER_TILES] if elder else tiles[:8],
    )


def _own_tiles(centre: Centre) -> list[Tile]:
    base = f"/c/{centre.code}"
    return [
        Tile("none", "user-round", _("我的"), _("今天和明天的安排"), f"{base}/my/"),
        Tile("none", "info", _("中心在哪、几点开门"), _("地址、电话、时间"), f"{base}/about"),
    ]


@blueprint.get("/c/<code>/about")
def about(code: str) -> str:
    """Where the centre is and when it is open: today and the six days after."""
    centre = load_centre(code)
    today = local_day(now(), centre.zone)
    last = today + timedelta(days=6)
    start, end = day_bounds(today, centre.zone)[0], day_bounds(last, centre.zone)[1]
    week, exceptions = weekly_hours(centre.id), one_offs(centre.id, start, end)
    days = [
        {
            "label": full_day(day, today),
            "hours": [
                span_words(one.start, one.end, centre.zone)
                for one in openings(day, kind, week, exceptions, centre.zone)
            ],
            "note": pick(kind.name_zh, kind.name_en) if kind.name_zh else "",
        }
        for day, kind in day_kinds(centre.id, today, last).items()
    ]
    return render_template(
        "kiosk/about.html",
        address=pick(centre.address_zh, centre.address_en),
        days=days,
        back_url="/kiosk/" if at_kiosk() else f"/c/{centre.code}/",
    )
