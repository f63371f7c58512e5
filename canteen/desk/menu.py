"""One meal as it is planned: set meals and single dishes, prices and quotas; one offer chosen from the catalogue."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import Response, flash, render_template, request
from flask_babel import gettext as _

from canteen import desk_queries
from canteen.art import art_of
from canteen.days import serving_day, serving_days
from canteen.desk.root import COOK, LOOK, base, blueprint, check_ahead, load_canteen, load_menu, menu_url
from canteen.forms import parse_day, parse_meal, parse_yuan
from canteen.models import Canteen, Dish, Menu, Offer
from canteen.rules import allergens_of, labels_of, week_of
from canteen.services import plan
from canteen.services.order import plates
from canteen.services.plan import MOST_PORTIONS, Planned, own_price
from canteen.words import KINDS, MENU_STATES, TEXTURES, allergen_words, label_words
from canteen.words import MEALS as MEAL_WORDS
from centres.models import Centre
from core.clock import local_day, now
from core.errors import NotFound, Refused
from core.http import once, row_number, see_other
from core.intervals import Interval
from core.money import yuan
from core.words import clock_words, full_day, inside, span_words
from people.access import actor, require

NEW = {"new-set": "set", "new-single": "single"}
LETTERS = {"breakfast": "B", "lunch": "L", "dinner": "D"}
COPY_AHEAD = 14
"""Days that the form to copy a meal offers."""


@blueprint.get("/menu/<day>/<meal>")
@require(LOOK)
def menu(centre: Centre, day: str, meal: str) -> Any:
    """What is on a meal. Looking makes nothing: a menu begins with its first offer."""
    canteen, the_day, the_meal = load_canteen(centre), parse_day(day), parse_meal(meal)
    found = desk_queries.menu_of(canteen.id, the_day, the_meal)
    serving = serving_day(canteen, the_day)
    if found is None and the_meal not in serving.meals:
        raise NotFound(_("那天不开这一餐"), serving.closed_reason or _("请看看每周的开餐时间。"))
    today, url = local_day(now(), centre.zone), menu_url(centre, the_day, the_meal)
    cutoff = found.cutoff_at if found else serving.cutoff_at
    when = Interval(found.serves_from, found.serves_until) if found else serving.meals[the_meal]
    offers = [offer_row(centre, found, offer) for offer in found.offers] if found else []
    state = found.state if found else "none"
    return render_template(
        "canteen/desk_menu.html",
        title_words=_("%(day)s %(meal)s", day=full_day(the_day, today), meal=MEAL_WORDS[the_meal]),
        state=state,
        state_words=MENU_STATES[state] if found else _("还没排"),
        when_words=span_words(when.start, when.end, centre.zone),
        cutoff_words=_(
            "%(day)s %(time)s 截止",
            day=inside(full_day(local_day(cutoff, centre.zone), today)),
            time=clock_words(cutoff, centre.zone),
        ),
        failed_reason=found.failed_reason if found else "",
        offers=offers,
        editable=state != "failed" and (found is None or found.closed_at is None),
        closed=found is not None and found.closed_at is not None,
        walk_in=found.walk_in if found else serving.policy.walk_in,
        walk_in_taken=found.walk_in_taken if found else 0,
        url=url,
        history_url=f"{url}/history" if found else "",
        kitchen_url=menu_url(centre, the_day, the_meal, "kitchen") if state != "none" else "",
        swap_url=menu_url(centre, the_day, the_meal, "swap") if state == "published" else "",
        fail_url=menu_url(centre, the_day, the_meal, "fail") if state == "published" else "",
        week_url=f"{base(centre)}/week/{week_of(the_day)}",
        copy_url=f"{base(centre)}/copy",
        day=the_day,
        meal=the_meal,
        copy_days=_free_days(canteen, the_meal, the_day, today) if offers else [],
    )


def _free_days(canteen: Canteen, meal: str, source: date, today: date) -> list[tuple[str, str]]:
    """Days to come on which this meal is served and nothing is planned yet."""
    first = max(today, week_of(source))
    days = serving_days(canteen, first, date.fromordinal(first.toordinal() + COPY_AHEAD))
    taken = {
        one.day
        for one in desk_queries.menus(canteen.id, first, days[-1].day)
        if one.meal == meal and one.offers
    }
    return [
        (str(one.day), full_day(one.day, today))
        for one in days
        if meal in one.meals and one.day not in taken and one.cutoff_at > now()
    ]


def offer_row(centre: Centre, menu: Menu | None, offer: Offer) -> dict[str, Any]:
    """An offer as a line of its menu."""
    main, *sides = [one.dish for one in offer.dishes]
    on = plates(offer)
    url = menu_url(centre, menu.day, menu.meal) if menu else ""
    return {
        "code": offer.code,
        "kind": offer.kind,
        "name": main.name,
        "sides": [dish.name for dish in sides],
        "art": art_of(main),
        "labels": label_words(labels_of(on), pungent=any(one.pungent for one in (main, *sides))),
        "allergens": allergen_words(allergens_of(on)),
        "price": yuan(offer.price_fen),
        "own_price": own_price(offer) is not None,
        "taken": offer.taken,
        "quota": offer.quota,
        "url": f"{url}/offers/{offer.code}",
    }


@blueprint.post("/menu/<day>/<meal>/publish")
@require(COOK)
@once
def publish_menu(centre: Centre, day: str, meal: str) -> Response:
    """Publish this meal."""
    plan.publish(actor(), load_menu(centre, day, meal).id)
    flash(_("发布了，居民现在能看到、能订。"), "ok")
    return see_other(menu_url(centre, parse_day(day), meal))


@blueprint.post("/menu/<day>/<meal>/walk-in")
@require(COOK)
@once
def set_walk_in(centre: Centre, day: str, meal: str) -> Response:
    """So many portions for those who come without an order."""
    plan.set_walk_in(actor(), load_menu(centre, day, meal).id, _portions(request.form.get("walk_in", ""), 0))
    flash(_("现场的份数改好了。"), "ok")
    return see_other(menu_url(centre, parse_day(day), meal))


def _portions(text: str, least: int) -> int:
    plain = text.strip()
    many = int(plain) if plain.isascii() and plain.isdigit() and len(plain) <= 6 else -1
    if not least <= many <= MOST_PORTIONS:
        raise Refused(
            "quota_odd",
            _("份数请再看看"),
            _("填 %(least)d 到 %(most)d 的整数。", least=least, most=MOST_PORTIONS),
            status=422,
        )
    return many


# --- one offer ------------------------------------------------------------------------------------------------------


def _load_offer(menu: Menu, code: str) -> Offer:
    found = next((offer for offer in menu.offers if offer.code == code), None)
    if found is None:
        raise NotFound(_("没有找到这一份"), _("可能刚刚被拿掉了，请回到菜单看看。"))
    return found


@blueprint.get("/menu/<day>/<meal>/offers/<offer>")
@require(COOK)
def offer(centre: Centre, day: str, meal: str, offer: str) -> Any:
    """Choose what an offer is made of. `new-set` and `new-single` begin one."""
    canteen, the_day, the_meal = load_canteen(centre), parse_day(day), parse_meal(meal)
    row = None if offer in NEW else _load_offer(load_menu(centre, day, meal), offer)
    kind = NEW.get(offer) or (row.kind if row else "set")
    chosen = [one.dish_id for one in row.dishes] if row else []
    rows = list(desk_queries.dishes(canteen.id))
    rows += [one.dish for one in row.dishes if one.dish not in rows] if row else []
    own = own_price(row) if row is not None else None
    today = local_day(now(), centre.zone)
    return render_template(
        "canteen/desk_offer.html",
        title_words=(row.dishes[0].dish.name if row and row.dishes else _("加一份套餐"))
        if kind == "set"
        else (row.dishes[0].dish.name if row and row.dishes else _("加一道单点")),
        meal_words=_("%(day)s %(meal)s", day=full_day(the_day, today), meal=MEAL_WORDS[the_meal]),
        kind=kind,
        is_new=row is None,
        mains=_catalogue(rows, ("breakfast", "main") if the_meal == "breakfast" else ("main", "breakfast")),
        sides=_catalogue(rows, ("vegetable", "soup", "staple", "breakfast")),
        everything=_catalogue(rows, ("vegetable", "soup", "staple", "main", "breakfast")),
        main=chosen[0] if chosen else None,
        chosen=chosen[1:],
        quota=row.quota if row else 20,
        taken=row.taken if row else 0,
        own=own is not None,
        price=yuan(own).removeprefix("¥") if own is not None else "",
        sum=yuan(sum(one.dish.price_fen for one in row.dishes)) if row else yuan(0),
        url=f"{menu_url(centre, the_day, the_meal)}/offers/{offer}",
        sum_url=f"{base(centre)}/sum",
        back_url=menu_url(centre, the_day, the_meal),
    )


def _catalogue(rows: Sequence[Dish], kinds: Sequence[str]) -> list[dict[str, Any]]:
    """The catalogue by kind, as cards to choose from."""
    return [
        {
            "kind": kind,
            "name": KINDS[kind],
            "dishes": [
                {
                    "id": dish.id,
                    "name": dish.name,
                    "art": art_of(dish),
                    "price": yuan(dish.price_fen),
                    "labels": label_words(dish.labels, pungent=dish.pungent),
                    "allergens": allergen_words(dish.allergens),
                    "texture": TEXTURES[dish.texture] if dish.texture != "regular" else "",
                }
                for dish in rows
                if dish.kind == kind
            ],
        }
        for kind in kinds
        if any(dish.kind == kind for dish in rows)
    ]


@blueprint.post("/menu/<day>/<meal>/offers/<offer>")
@require(COOK)
@once
def save_offer(centre: Centre, day: str, meal: str, offer: str) -> Response:
    """What was chosen goes onto the menu; its first offer begins it."""
    canteen, the_day, the_meal = load_canteen(centre), parse_day(day), parse_meal(meal)
    check_ahead(canteen, the_day, the_meal)
    found = desk_queries.menu_of(canteen.id, the_day, the_meal)
    if offer in NEW:
        kind = NEW[offer]
        code = _free_code([one.code for one in found.offers] if found else [], the_meal, kind)
        was: list[int] = []
    else:
        row = _load_offer(load_menu(centre, day, meal), offer)
        kind, code, was = row.kind, row.code, [one.dish_id for one in row.dishes]
    wanted = Planned(
        code, kind, _chosen(centre, kind, was), _portions(request.form.get("quota", ""), 1), _own_price()
    )
    begun = found or plan.make_menu(actor(), canteen, the_day, the_meal)
    plan.put_offer(actor(), begun.id, wanted)
    flash(_("放到菜单上了。") if offer in NEW else _("改好了。已经订的人，价钱和菜名不变。"), "ok")
    return see_other(menu_url(centre, the_day, the_meal))


def _free_code(taken: Sequence[str], meal: str, kind: str) -> str:
    letter = LETTERS[meal] if kind == "set" else "S"
    return next(code for n in range(1, len(taken) + 2) if (code := f"{letter}{n}") not in taken)


def _chosen(centre: Centre, kind: str, was: Sequence[int]) -> list[int]:
    """Ids of the form's dishes, the main one first: of this catalogue, or on the offer before. A side that is the main
    dish too counts once."""
    main = request.form.get("main", None, row_number)
    sides = request.form.getlist("dish", row_number) if kind == "set" else []
    known = {dish.id for dish in desk_queries.dishes(centre.id)} | set(was)
    wanted = list(dict.fromkeys(one for one in (main, *sides) if one is not None))
    if main is None or not set(wanted) <= known:
        raise Refused("dish_missing", _("请选菜"), _("每份餐至少要有一道菜。"), status=422)
    return wanted


def _own_price() -> int | None:
    return parse_yuan(request.form.get("price", "")) if request.form.get("priced") == "own" else None


@blueprint.get("/sum")
@require(COOK)
def sum_of(centre: Centre) -> str:
    """What the dishes chosen so far cost together, for the form while it is filled in."""
    wanted = {*request.args.getlist("main", row_number), *request.args.getlist("dish", row_number)}
    return yuan(sum(dish.price_fen for dish in desk_queries.dishes(centre.id) if dish.id in wanted))


@blueprint.post("/menu/<day>/<meal>/offers/<offer>/off")
@require(COOK)
@once
def take_off(centre: Centre, day: str, meal: str, offer: str) -> Response:
    """One offer less."""
    plan.take_offer_off(actor(), load_menu(centre, day, meal).id, offer)
    flash(_("从菜单上拿掉了。"), "ok")
    return see_other(menu_url(centre, parse_day(day), meal))


@blueprint.post("/menu/<day>/<meal>/offers/<offer>/quota")
@require(COOK)
@once
def set_quota(centre: Centre, day: str, meal: str, offer: str) -> Any:
    """More or fewer portions, in place where the page can; what is refused is said in the same line."""
    found = load_menu(centre, day, meal)
    row, wrong = _load_offer(found, offer), ""
    in_place = "HX-Request" in request.headers and "HX-Boosted" not in request.headers
    try:
        plan.set_quota(actor(), row.id, _portions(request.form.get("quota", ""), 0))
    except Refused as refusal:
        if not in_place:
            raise
        wrong = refusal.title
    if not in_place:
        flash(_("份数改好了。"), "ok")
        return see_other(menu_url(centre, found.day, found.meal))
    shown = offer_row(centre, found, row)
    return render_template("canteen/_desk_quota.html", one=shown, wrong=wrong, saved=not wrong)
