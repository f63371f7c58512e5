"""What to buy for a day or several, from the recipes."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

from flask import render_template, request
from flask_babel import gettext as _

from canteen import desk_queries
from canteen.desk.root import LOOK, base, blueprint, load_canteen, menu_url
from canteen.forms import parse_day
from canteen.rules import shopping
from canteen.words import MEALS as MEAL_WORDS
from centres.models import Centre
from core.clock import local_day, now
from core.errors import Refused
from core.words import date_words, near_day
from people.access import require

MOST_DAYS = 14


@blueprint.get("/purchase")
@require(LOOK)
def purchase(centre: Centre) -> Any:
    """Ingredients for every published meal from `from` to `to`; tomorrow's where nothing is asked. `walk_ins=0`: for
    orders alone."""
    canteen, today = load_canteen(centre), local_day(now(), centre.zone)
    first, last = _asked(canteen.id, today)
    with_walk_ins = request.args.get("walk_ins", "1") != "0"
    found = [one for one in desk_queries.menus(canteen.id, first, last) if one.state == "published"]
    many: Counter[int] = Counter()
    meals = []
    for menu in found:
        wanted = desk_queries.portions(menu, with_walk_ins=with_walk_ins)
        many.update(wanted)
        states = desk_queries.order_states([menu.id])[menu.id]
        meals.append(
            {
                "name": _("%(day)s %(meal)s", day=near_day(menu.day, today), meal=MEAL_WORDS[menu.meal]),
                "ordered": sum(states[state] for state in desk_queries.EATS),
                "walk_in": menu.walk_in if with_walk_ins else 0,
                "changes": menu.closed_at is None,
                "url": menu_url(centre, menu.day, menu.meal, "kitchen"),
            }
        )
    dishes = desk_queries.dishes_by_id(many)
    sums = shopping(many, {dish.id: dish.recipe for dish in dishes})
    used: dict[tuple[str, str], list[str]] = {}
    for dish in sorted(dishes, key=lambda one: -many[one.id]):
        for part in dish.recipe:
            used.setdefault((str(part["ingredient"]), str(part["unit"])), []).append(dish.name)
    return render_template(
        "canteen/desk_purchase.html",
        first=first,
        last=last,
        days_words=date_words(first)
        if first == last
        else _("%(first)s 到 %(last)s", first=date_words(first), last=date_words(last)),
        with_walk_ins=with_walk_ins,
        meals=meals,
        changes=any(one["changes"] for one in meals),
        rows=[
            {
                "name": name,
                "amount": amount_words(amount, unit),
                "dishes": list(dict.fromkeys(used[name, unit])),
            }
            for (name, unit), amount in sorted(sums.items(), key=lambda one: _weight(one[0], one[1]))
        ],
        without=[dish.name for dish in dishes if not dish.recipe],
        url=f"{base(centre)}/purchase",
    )


def _asked(canteen_id: int, today: date) -> tuple[date, date]:
    """The days of the address, in order and not too many."""
    following = desk_queries.next_menu(canteen_id, now())
    usual = following.day if following else today + timedelta(days=1)
    first = parse_day(request.args["from"]) if request.args.get("from") else usual
    last = parse_day(request.args["to"]) if request.args.get("to") else first
    if not 0 <= (last - first).days < MOST_DAYS:
        raise Refused(
            "days_odd",
            _("这几天请再看看"),
            _("从前到后选，一次最多 %(n)d 天。", n=MOST_DAYS),
            status=422,
        )
    return first, last


def _weight(what: tuple[str, str], amount: int) -> tuple[int, int, str]:
    """Heavy things first, then what is counted, then what is poured."""
    name, unit = what
    return (("g", "pc", "ml").index(unit) if unit in ("g", "pc", "ml") else 3, -amount, name)


def amount_words(amount: int, unit: str) -> str:
    """12.4 公斤, 48 个, 1.2 升"""
    if unit == "g":
        return _("%(n)s 公斤", n=_kilo(amount)) if amount >= 1000 else _("%(n)d 克", n=amount)
    if unit == "ml":
        return _("%(n)s 升", n=_kilo(amount)) if amount >= 1000 else _("%(n)d 毫升", n=amount)
    if unit == "pc":
        return _("%(n)d 个", n=amount)
    return f"{amount} {unit}"


def _kilo(amount: int) -> str:
    """Thousandths as a number with what decimals it needs, rounded up to ten: 12340 → 12.34."""
    whole, rest = divmod(-(-amount // 10) * 10, 1000)
    return f"{whole}.{rest // 10:02d}".rstrip("0").rstrip(".")
