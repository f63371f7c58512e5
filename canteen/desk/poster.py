"""What stands at the door and on the tables: the code that leads to the menu, with nothing to sign in to."""

from typing import Any

from flask import current_app, render_template, request
from flask_babel import force_locale
from flask_babel import gettext as _

from canteen import desk_queries
from canteen.desk.root import LOOK, base, blueprint, load_canteen
from canteen.models import Canteen
from canteen.words import MEALS, days_words
from centres.models import Centre
from core.i18n import HTML_LANG, language
from core.qr import qr_svg
from people.access import require

CARDS = 4
"""Table cards on a sheet of A4."""


@blueprint.get("/poster")
@require(LOOK)
def poster(centre: Centre) -> Any:
    """A poster of A4, or with `?as=cards` four table cards. In two languages, whichever its printer reads."""
    canteen, cards = load_canteen(centre), request.args.get("as") == "cards"
    chinese, url = language() if language() != "en" else "zh_Hans", f"{base(centre)}/poster"
    address = f"{current_app.config['PUBLIC_URL']}/c/{centre.code}/canteen/"
    return render_template(
        "canteen/desk_poster.html",
        tabs=[
            {"label": _("海报"), "url": url, "chosen": not cards},
            {"label": _("桌卡"), "url": f"{url}?as=cards", "chosen": cards},
        ],
        cards=CARDS if cards else 0,
        texts=[_texts(canteen, locale) for locale in (chinese, "en")],
        address=address,
        qr=qr_svg(address),
        back_url=f"{base(centre)}/",
    )


def _texts(canteen: Canteen, locale: str) -> dict[str, Any]:
    """What the sheet says in one language."""
    with force_locale(locale):
        return {
            "lang": HTML_LANG[locale],
            "centre": canteen.centre.name,
            "canteen": canteen.name,
            "title": _("扫一扫，看菜单、订餐"),
            "lead": _("用手机扫就行，不用装软件"),
            "hours_title": _("几点取餐"),
            "hours": _hours(canteen),
        }


def _hours(canteen: Canteen) -> list[str]:
    """午餐 周一到周五 11:00–13:00; days with other hours stand on a line of their own."""
    found: dict[tuple[str, str], list[int]] = {}
    for row in desk_queries.usual_hours(canteen.id):
        span = f"{row.opens.hour}:{row.opens.minute:02d}–{row.closes.hour}:{row.closes.minute:02d}"
        found.setdefault((row.meal, span), []).append(row.weekday)
    return [
        _("%(meal)s %(days)s %(hours)s", meal=word, days=days_words(days), hours=span)
        for code, word in MEALS.items()
        for (meal, span), days in found.items()
        if meal == code
    ]
