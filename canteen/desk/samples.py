"""留样: what of today's dishes has been put away, what may be thrown out, and the log of past days."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from flask import Response, flash, render_template, request
from flask_babel import gettext as _

from canteen import desk_queries
from canteen.art import art_of
from canteen.days import serving_day
from canteen.desk.root import COOK, LOOK, base, blueprint, load_canteen, load_menu
from canteen.forms import parse_day
from canteen.models import FoodSample, Menu
from canteen.services import samples as services
from canteen.words import MEALS as MEAL_WORDS
from centres.models import Centre
from core.clock import local_day, now
from core.errors import Refused
from core.http import once, row_number, see_other
from core.words import clock_words, date_words, full_day, inside, near_day, sentences
from people.access import require, signed_in

LOG_DAYS = 7


@blueprint.get("/samples/")
@require(LOOK)
def samples(centre: Centre) -> Any:
    """Today's dishes with their samples, and what lies in the cold box from before."""
    canteen, moment = load_canteen(centre), now()
    today = local_day(moment, centre.zone)
    menus = [one for one in desk_queries.menus(canteen.id, today, today) if one.state == "published"]
    taken = desk_queries.samples_of([one.id for one in menus])
    policy = serving_day(canteen, today).policy
    box = [row for row in desk_queries.kept_samples(canteen.id) if row[1].day < today]
    names = desk_queries.staff_names(
        [one.taken_by for one in taken.values()] + [row[0].taken_by for row in box]
    )
    url = f"{base(centre)}/samples"
    return render_template(
        "canteen/desk_samples.html",
        title_words=full_day(today, today),
        grams=policy.sample_grams,
        hours=policy.sample_hours,
        meals=[_meal(centre, menu, taken, names) for menu in menus],
        box=[
            {
                "name": dish.name,
                "meal": _("%(day)s%(meal)s", day=near_day(menu.day, today), meal=MEAL_WORDS[menu.meal]),
                "url": f"{url}/{sample.id}/discard",
                "due": sample.keep_until <= moment,
                **_line(centre, sample, names),
            }
            for sample, menu, dish in box
        ],
        due=sum(row[0].keep_until <= moment for row in box),
        log_url=f"{url}/log",
        discard_all_url=f"{url}/discard",
    )


def _meal(
    centre: Centre, menu: Menu, taken: Mapping[tuple[int, int], FoodSample], names: dict[int, str]
) -> dict[str, Any]:
    dishes = desk_queries.dishes_on(menu)
    return {
        "code": menu.meal,
        "name": MEAL_WORDS[menu.meal],
        "opens": clock_words(menu.serves_from, centre.zone),
        "begun": menu.serves_from <= now(),
        "missing": sum((menu.id, dish.id) not in taken for dish in dishes),
        "dishes": [
            {
                "id": dish.id,
                "key": f"{menu.meal}-{dish.id}",
                "name": dish.name,
                "art": art_of(dish),
                "url": f"{base(centre)}/samples/{menu.day}/{menu.meal}/{dish.id}",
                "sample": _line(centre, taken[menu.id, dish.id], names)
                if (menu.id, dish.id) in taken
                else None,
            }
            for dish in dishes
        ],
    }


def _line(centre: Centre, sample: FoodSample, names: dict[int, str]) -> dict[str, Any]:
    today = local_day(now(), centre.zone)
    until = local_day(sample.keep_until, centre.zone)
    return {
        "grams": sample.grams,
        "taken": clock_words(sample.taken_at, centre.zone),
        "by": names.get(sample.taken_by or 0, ""),
        "until": _(
            "%(day)s %(time)s",
            day=inside(near_day(until, today)),
            time=clock_words(sample.keep_until, centre.zone),
        ),
    }


@blueprint.post("/samples/<day>/<meal>/<int:dish_id>")
@require(COOK)
@once
def take_sample(centre: Centre, day: str, meal: str, dish_id: int) -> Any:
    """A dish has been put away: in place where the page can, and what is refused is said in the same line."""
    menu, wrong = load_menu(centre, day, meal), ""
    in_place = "HX-Request" in request.headers and "HX-Boosted" not in request.headers
    try:
        services.take_sample(signed_in().id, menu.id, dish_id, request.form.get("grams", 0, row_number))
    except Refused as refusal:
        if not in_place or refusal.status != 422:
            raise
        wrong = sentences(refusal.title, refusal.text)
    if not in_place:
        return see_other(f"{base(centre)}/samples/")
    taken = desk_queries.samples_of([menu.id])
    shown = _meal(centre, menu, taken, desk_queries.staff_names(one.taken_by for one in taken.values()))
    return render_template(
        "canteen/_desk_sample_done.html",
        meal=shown,
        dish=next(one for one in shown["dishes"] if one["id"] == dish_id),
        grams=serving_day(load_canteen(centre), menu.day).policy.sample_grams,
        begun=shown["begun"],
        wrong=wrong,
    )


@blueprint.post("/samples/<int:sample_id>/discard")
@require(COOK)
@once
def discard(centre: Centre, sample_id: int) -> Response:
    """Throw one out."""
    services.discard_sample(signed_in().id, load_canteen(centre).id, sample_id)
    return see_other(f"{base(centre)}/samples/")


@blueprint.post("/samples/discard")
@require(COOK)
@once
def discard_due(centre: Centre) -> Response:
    """Throw out everything that has lain long enough."""
    canteen, moment = load_canteen(centre), now()
    due = [row[0].id for row in desk_queries.kept_samples(canteen.id) if row[0].keep_until <= moment]
    for sample_id in due:
        services.discard_sample(signed_in().id, canteen.id, sample_id)
    flash(_("记下了：倒掉 %(n)d 份留样。", n=len(due)), "ok")
    return see_other(f"{base(centre)}/samples/")


@blueprint.get("/samples/log")
@require(LOOK)
def sample_log(centre: Centre) -> Any:
    """The log of a week that ends with `to`; an inspector reads it, and prints it."""
    canteen, today = load_canteen(centre), local_day(now(), centre.zone)
    last = parse_day(request.args["to"]) if request.args.get("to") else today
    first = last - timedelta(days=LOG_DAYS - 1)
    rows = desk_queries.sample_log(canteen.id, first, last)
    names = desk_queries.staff_names([one for row in rows for one in (row[0].taken_by, row[0].discarded_by)])
    url = f"{base(centre)}/samples/log?to="
    return render_template(
        "canteen/desk_sample_log.html",
        title_words=_("%(first)s 到 %(last)s", first=date_words(first), last=date_words(last)),
        rows=[
            {
                "day": date_words(menu.day),
                "meal": MEAL_WORDS[menu.meal],
                "dish": dish.name,
                "grams": sample.grams,
                "taken": _stamp(centre, sample.taken_at, menu.day),
                "by": names.get(sample.taken_by or 0, ""),
                "gone": _stamp(centre, sample.discarded_at, None) if sample.discarded_at else "",
                "gone_by": names.get(sample.discarded_by or 0, ""),
                "until": _stamp(centre, sample.keep_until, None),
            }
            for sample, menu, dish in reversed(rows)
        ],
        prev_url=f"{url}{first - timedelta(days=1)}",
        next_url=f"{url}{min(today, last + timedelta(days=LOG_DAYS))}" if last < today else "",
        back_url=f"{base(centre)}/samples/",
    )


def _stamp(centre: Centre, moment: Any, day: date | None) -> str:
    """The time, with its day where that is another one."""
    on = local_day(moment, centre.zone)
    time = clock_words(moment, centre.zone)
    return time if on == day else _("%(day)s %(time)s", day=date_words(on), time=time)
