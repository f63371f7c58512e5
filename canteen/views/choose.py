"""«明天吃什么？»: the next meal with a dish already chosen; other days and meals."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext

from canteen import queries
from canteen.art import art_of
from canteen.forms import parse_day, parse_meal
from canteen.models import Canteen, Dish, Offer
from canteen.queries import Coming, Meal
from canteen.quotes import Right, right
from canteen.rules import Diet, allergens_of, barring, conflicts, labels_of, suits
from canteen.services.order import diet_of, plates
from canteen.views.root import (
    Eater,
    base,
    blueprint,
    eater,
    home,
    load_canteen,
    meal_url,
    name_of,
    page_size,
    said,
    shown_balance,
)
from canteen.words import ALLERGENS, MEALS, conflict_words, label_words
from centres.models import Centre
from core.clock import day_bounds, local_day, now
from core.errors import NotFound
from core.http import personal, see_other
from core.http.paging import paging, with_asked
from core.money import yuan
from core.words import SHORT_WEEKDAYS, clock_words, date_words, inside, month_day, near_day
from kiosk.session import is_here, prefs

DAYS_A_PAGE, DAY_TABS = 6, 2


@dataclass(frozen=True, slots=True)
class Table:
    """A meal as one person sees it: what is on it, what it costs them, what suits them."""

    centre: Centre
    canteen: Canteen
    meal: Meal
    who: Eater
    offers: list[Offer]
    right: Right
    diet: Diet
    moment: datetime

    def can_take(self, offer: Offer) -> bool:
        """Whether a portion is left."""
        return self.meal.can_order and not queries.is_full(offer, self.meal)

    def find(self, code: str | None) -> Offer | None:
        """The offer of a code that can be ordered."""
        return next((one for one in self.offers if one.code == code and self.can_take(one)), None)

    def url(self, page: str = "", **asked: Any) -> str:
        """Address of a page of this meal."""
        return meal_url(
            self.centre, self.meal.menu.day, self.meal.menu.meal, page, **{**self.who.asked, **asked}
        )


def set_table(centre: Centre, canteen: Canteen, meal: Meal, who: Eater, moment: datetime) -> Table:
    """Load a meal for somebody."""
    menu = meal.menu
    help_ = right(who.resident, canteen, meal.serving, menu.meal)
    diet = diet_of(who.resident.id) if who.resident is not None else Diet()
    return Table(centre, canteen, meal, who, queries.offers_of(menu.id), help_, diet, moment)


def table_of(code: str, day: str, meal: str) -> Table:
    """The meal of the address."""
    centre, canteen = load_canteen(code)
    the_day, name, moment = parse_day(day), parse_meal(meal), now()
    found = queries.meals(canteen, moment, here=is_here())
    one = next((row for row in found if (row.menu.day, row.menu.meal) == (the_day, name)), None)
    if one is None:
        raise NotFound(_("那一餐现在订不了"), _("菜单还没出来，或者已经过了。请看看别的日子。"))
    return set_table(centre, canteen, one, eater(centre.code), moment)


def best(table: Table) -> Offer | None:
    """The set meal that suits them best; where none can be had, the first single dish."""
    free = [one for one in table.offers if table.can_take(one)]
    sets = [one for one in free if one.kind == "set"] or free
    return max(sets, key=lambda one: (suits(plates(one), table.diet), -one.position), default=None)


def same_as_last(table: Table) -> tuple[Offer, str] | None:
    """«和上周二一样»: what they ate a week before (or last), where it is on today and not against their profile."""
    if table.who.resident is None:
        return None
    menu = table.meal.menu
    last = queries.last_order(table.who.resident.id, menu.meal, menu.day)
    if last is None or not last.lines:
        return None
    main = last.lines[0].dish_id
    offer = next((one for one in table.offers if one.dishes[0].dish_id == main and table.can_take(one)), None)
    if offer is None or barring(conflicts(plates(offer), table.diet)):
        return None
    week_ago = (menu.day - last.day).days == 7
    words = (
        _("和上%(weekday)s一样", weekday=SHORT_WEEKDAYS[last.day.weekday()]) if week_ago else _("和上次一样")
    )
    return offer, words


@blueprint.get("/")
def first(code: str) -> Any:
    """The next meal that can be ordered."""
    centre, canteen = load_canteen(code)
    moment = now()
    found = queries.meals(canteen, moment, here=is_here())
    meal = queries.next_meal(found)
    if meal is None:
        return render_template("canteen/none.html", back_url=home(centre))
    return _page(set_table(centre, canteen, meal, eater(centre.code), moment), found)


@blueprint.get("/menu/<day>/<meal>/")
def menu(code: str, day: str, meal: str) -> Any:
    """One meal of one day."""
    table = table_of(code, day, meal)
    return _page(table, queries.meals(table.canteen, table.moment, here=is_here()))


def _page(table: Table, found: list[Meal]) -> Any:
    centre, meal = table.centre, table.meal
    today = local_day(table.moment, centre.zone)
    same = same_as_last(table)
    asked = table.find(request.args.get("offer"))
    proposed = same[0] if same else best(table)
    chosen = asked or proposed
    offers = sorted(
        table.offers, key=lambda one: one is not proposed
    )  # it stands first, whatever is chosen then
    standing = standing_of(table)
    size = page_size(more=standing is not None)
    where = offers.index(chosen) // size + 1 if chosen else 1
    kept: dict[str, Any] = {**table.who.asked, "offer": chosen.code if asked and chosen else None}
    pages = paging(len(offers), size, lambda n: with_asked(table.url(), page=n, **kept), where)
    shown = pages.of(offers)
    near = near_day(meal.menu.day, today)
    costs = table.right.sum(chosen.price_fen) if chosen else None
    return personal(
        render_template(
            "canteen/menu.html",
            near=inside(near),
            meal=MEALS[meal.menu.meal],
            date_label=date_words(meal.menu.day),
            until=_until(table),
            walk_in=meal.phase == "walk_in",
            walk_in_left=meal.menu.walk_in - meal.menu.walk_in_taken,
            name=name_of(table.who),
            for_name=name_of(table.who) if table.who.link else None,
            balance=shown_balance(table.who),
            left=table.right.left if table.right.rule is not None else None,
            cards=[_card(table, one, chosen, same) for one in shown],
            paging=pages,
            tabs=_tabs(table, found, today),
            days_url=with_asked(f"{base(centre)}/days", meal=meal.menu.meal, **table.who.asked),
            chosen={"name": chosen.dishes[0].dish.name, "pays": costs.pays_fen, "sum": costs}
            if chosen and costs
            else None,
            go_url=table.url("check", offer=chosen.code) if chosen else None,
            scan_next=table.url("check", offer=chosen.code) if chosen else table.url(),
            same={
                "url": table.url(offer=same[0].code),
                "words": same[1],
                "name": same[0].dishes[0].dish.name,
            }
            if same and chosen is not same[0] and standing is None
            else None,
            standing=standing,
            why_not=_why_not(table) if chosen is None else None,
            way_on=_way_on(table),
            elder=prefs()["text"] == "elder",
            back_url=f"{base(centre)}/family/" if table.who.link else home(centre),
        )
    )


def _until(table: Table) -> str:
    """今天 16:00"""
    cutoff, zone = table.meal.serving.cutoff_at, table.centre.zone
    today = local_day(table.moment, zone)
    return f"{inside(near_day(local_day(cutoff, zone), today))} {clock_words(cutoff, zone)}"


def _why_not(table: Table) -> str:
    if table.meal.phase == "failed":
        return table.meal.menu.failed_reason or _("这一餐做不了")
    if table.meal.phase == "over":
        return _("这一餐已经结束了")
    if not table.meal.can_order:
        return _("订餐的时间过了")
    return _("这一餐都订满了")


def _readable(meal: Meal) -> bool:
    """Whether a meal that nobody can order any more is still one to read about: it is cooked."""
    return meal.menu.state == "published" and meal.menu.meal in meal.serving.meals and not meal.can_order


def _way_on(table: Table) -> str | None:
    """What one can do about a meal whose cutoff is over, while it is still to be eaten."""
    meal = table.meal
    if not _readable(meal) or meal.phase == "over":
        return None
    left = meal.menu.walk_in - meal.menu.walk_in_taken
    if left <= 0:
        return _("现场的份也没有了，请看看别的日子。")
    if meal.menu.day > local_day(table.moment, table.centre.zone):
        return _("当天现场有%(n)d份，到食堂柜台说一声就能买。", n=left)
    return _("现场还有%(n)d份，到食堂柜台说一声就能买。", n=left)


def _card(table: Table, offer: Offer, chosen: Offer | None, same: tuple[Offer, str] | None) -> dict[str, Any]:
    zone = table.centre.zone
    today = local_day(table.moment, zone)
    dishes, found = [one.dish for one in offer.dishes], plates(offer)
    costs = table.right.sum(offer.price_fen)
    free = table.can_take(offer)
    off = None
    if not free:
        off = _("订满了")
        if table.meal.phase != "open":
            off = _("订餐的时间过了")
        elif offer.full_at is not None:
            day, time = local_day(offer.full_at, zone), clock_words(offer.full_at, zone)
            off = _("%(day)s %(time)s 订满了", day=inside(near_day(day, today)), time=time)
    others = sum(table.can_take(one) for one in table.offers)
    return {
        "name": dishes[0].name,
        "said": said(dishes[0]),
        "sides": _("、").join(one.name for one in dishes[1:]),
        "labels": label_words(labels_of(found), pungent=any(one.pungent for one in dishes)),
        "contains": _contains(table, offer),
        "against": conflict_words(conflicts(found, table.diet)),
        "art": art_of(dishes[0]),
        "photo": _photo(dishes[0]),
        "sum": costs,
        "percent": round(100 * (costs.price_fen - costs.pays_fen) / costs.price_fen)
        if costs.price_fen
        else 0,
        "url": table.url(offer=offer.code) if free else None,
        "off": off,
        "others": ngettext("可选另外%(num)d种", "可选另外%(num)d种", others) if others else None,
        "chosen": offer is chosen,
        "same": same[1] if same and same[0] is offer else None,
    }


def _contains(table: Table, offer: Offer) -> str | None:
    """含鱼、大豆: in one tag; what is against their profile stands apart."""
    there = [one for one in allergens_of(plates(offer)) if one not in table.diet.allergens]
    return _("含%(what)s", what=_("、").join(str(ALLERGENS[one]) for one in there)) if there else None


def _photo(dish: Dish) -> str | None:
    """Address of a dish's photo; None: it is drawn."""
    photo = dish.photo if dish.photo_id is not None else None
    return f"/files/{photo.key}" if photo is not None and photo.gone_at is None else None


def _tabs(table: Table, found: list[Meal], today: Any) -> list[dict[str, Any]]:
    """The next days with this meal; the day shown is among them."""
    mine = [one for one in found if one.menu.meal == table.meal.menu.meal and one.can_order]
    days = [one.menu.day for one in mine]
    if table.meal.menu.day not in days[:DAY_TABS]:
        days = [*days[: DAY_TABS - 1], table.meal.menu.day]
    return [
        {
            "label": near_day(day, today),
            "note": month_day(day),
            "url": meal_url(table.centre, day, table.meal.menu.meal, **table.who.asked),
            "chosen": day == table.meal.menu.day,
        }
        for day in sorted(days[:DAY_TABS])
    ]


def standing_of(table: Table) -> dict[str, Any] | None:
    """«明天不吃» where a standing order will see to this meal."""
    if table.who.resident is None or table.who.link is not None:
        return None
    end = day_bounds(table.meal.menu.day, table.centre.zone)[1]
    found: list[Coming] = queries.coming(table.who.resident.id, table.canteen, table.moment, end)
    menu = table.meal.menu
    one = next((row for row in found if (row.serving.day, row.standing.meal) == (menu.day, menu.meal)), None)
    if one is None:
        return None
    verb = "eat" if one.skipped else "skip"
    near = near_day(menu.day, local_day(table.moment, table.centre.zone))
    return {
        "url": f"{base(table.centre)}/standing/{one.standing.id}/{menu.day}/{verb}",
        "words": _("还是要吃") if one.skipped else _("%(day)s不吃", day=inside(near)),
        "said": queries.skip_words(one) if one.skip and one.skip.proxy else _("这一餐您说了不吃"),
        "skipped": one.skipped,
    }


@blueprint.get("/days")
def days(code: str) -> Any:
    """«哪天，哪一餐？»: the meals that are served, and the days to come."""
    centre, canteen = load_canteen(code)
    who, moment = eater(centre.code), now()
    today = local_day(moment, centre.zone)
    found = queries.meals(canteen, moment, here=is_here())
    served = list(dict.fromkeys(one.menu.meal for one in found))
    if not served:
        return see_other(f"{base(centre)}/")
    meal = parse_meal(request.args.get("meal", "lunch" if "lunch" in served else served[0]))
    mine = [one for one in found if one.menu.meal == meal]
    path = f"{base(centre)}/days"
    carried: dict[str, Any] = {"meal": meal, **who.asked}
    pages = paging(len(mine), DAYS_A_PAGE, lambda n: with_asked(path, page=n, **carried))
    return render_template(
        "canteen/days.html",
        meal=MEALS[meal],
        meals=[
            {
                "label": MEALS[one],
                "url": with_asked(path, meal=one, **who.asked),
                "chosen": one == meal,
            }
            for one in MEALS
            if one in served
        ],
        days=[_day(centre, one, who, today) for one in pages.of(mine)],
        paging=pages,
        back_url=with_asked(f"{base(centre)}/", **who.asked),
    )


def _day(centre: Centre, one: Meal, who: Eater, today: Any) -> dict[str, Any]:
    zone, cutoff = centre.zone, one.serving.cutoff_at
    reasons = {
        "failed": one.menu.failed_reason or _("这一餐做不了"),
        "closed": one.serving.closed_reason or _("订餐的时间过了"),
        "over": _("已经结束了"),
    }
    until = f"{inside(near_day(local_day(cutoff, zone), today))} {clock_words(cutoff, zone)}"
    if one.phase == "walk_in":
        note = _("现场还有%(n)d份", n=one.menu.walk_in - one.menu.walk_in_taken)
    elif _readable(one):
        note = _("%(why)s，看看菜", why=reasons[one.phase])
    else:
        note = _("%(until)s 前订", until=until)
    return {
        "label": near_day(one.menu.day, today),
        "date": date_words(one.menu.day),
        "note": note,
        "off": None if _readable(one) else reasons.get(one.phase),
        "url": meal_url(centre, one.menu.day, one.menu.meal, **who.asked),
    }


blueprint.add_app_template_filter(yuan, "yuan")
