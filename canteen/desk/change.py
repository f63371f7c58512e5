"""When something goes wrong after planning: another dish, or no meal at all. Both say first what will happen."""

from typing import Any

from flask import Response, flash, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext

from canteen import desk_queries
from canteen.art import art_of
from canteen.desk.root import COOK, blueprint, load_canteen, load_menu, menu_url
from canteen.models import Dish, Menu
from canteen.services import close, plan
from canteen.words import KINDS, allergen_words, conflict_words, label_words
from canteen.words import MEALS as MEAL_WORDS
from centres.models import Centre
from core.clock import local_day, now
from core.errors import Refused
from core.http import once, personal, repeatable, row_number, see_other
from core.money import yuan
from core.words import full_day, masked
from people.access import actor, require, signed_in

MOST_NAMES = 12


def _load_running(centre: Centre, day: str, meal: str) -> Menu:
    """A published menu whose serving is not over."""
    menu = load_menu(centre, day, meal)
    if menu.state != "published" or menu.serves_until <= now():
        raise Refused("not_now", _("这一餐现在不能改了"), _("没有发布、已经结束或做不了的餐，不用换菜。"))
    return menu


def _title(centre: Centre, menu: Menu) -> str:
    today = local_day(now(), centre.zone)
    return _("%(day)s %(meal)s", day=full_day(menu.day, today), meal=MEAL_WORDS[menu.meal])


@blueprint.get("/swap/<day>/<meal>")
@require(COOK)
def swap(centre: Centre, day: str, meal: str) -> Response:
    """Which dish, for which one (`?out=&in=`); once both are chosen, whom it touches and why."""
    menu = _load_running(centre, day, meal)
    on, orders = desk_queries.dishes_on(menu), desk_queries.orders_by_dish(menu.id)
    catalogue = desk_queries.dishes(load_canteen(centre).id)
    out = _pick(on, request.args.get("out", None, row_number))
    into = _pick([dish for dish in catalogue if dish != out], request.args.get("in", None, row_number))
    touched = desk_queries.affected(menu.id, out.id, into) if out else None
    return personal(
        render_template(
            "canteen/desk_swap.html",
            meal_words=_title(centre, menu),
            on=[{"id": dish.id, "name": dish.name, "orders": orders[dish.id]} for dish in on],
            out=_card(out) if out else None,
            into=_card(into) if into else None,
            groups=[
                {
                    "name": word,
                    "dishes": [dish for dish in catalogue if dish.kind == kind and dish != out],
                }
                for kind, word in _kinds(out)
            ],
            orders=touched.orders if touched else 0,
            against=[
                {"name": masked(name), "words": conflict_words(codes)}
                for name, codes in touched.against[:MOST_NAMES]
            ]
            if touched
            else [],
            against_all=len(touched.against) if touched else 0,
            closed=menu.closed_at is not None,
            url=menu_url(centre, menu.day, menu.meal, "swap"),
            back_url=menu_url(centre, menu.day, menu.meal, "kitchen"),
        )
    )


def _pick(dishes: list[Dish], wanted: int | None) -> Dish | None:
    return next((dish for dish in dishes if dish.id == wanted), None)


def _card(dish: Dish) -> dict[str, Any]:
    return {
        "id": dish.id,
        "name": dish.name,
        "art": art_of(dish),
        "labels": label_words(dish.labels),
        "allergens": allergen_words(dish.allergens),
    }


def _kinds(out: Dish | None) -> list[tuple[str, Any]]:
    """The kind of what goes first: soup is mostly swapped for soup."""
    return sorted(KINDS.items(), key=lambda one: out is None or one[0] != out.kind)


@blueprint.post("/swap/<day>/<meal>")
@require(COOK)
@once
def swap_now(centre: Centre, day: str, meal: str) -> Response:
    """Replace the dish; everybody who would have got it is asked again."""
    menu, form = _load_running(centre, day, meal), request.form
    known = {dish.id for dish in desk_queries.dishes(menu.canteen_id)}
    out, into = form.get("out", 0, row_number), form.get("in", 0, row_number)
    if into not in known:
        raise Refused("dish_missing", _("请选换成什么菜"), _("从菜单里选一道。"), status=422)
    asked = desk_queries.orders_by_dish(menu.id)[out]
    plan.swap_dish(actor(), menu.id, out, into, form.get("reason_zh", ""), form.get("reason_en", ""))
    flash(
        ngettext(
            "换好了，已经去问 %(num)s 位。答复以前，这一份先不发。",
            "换好了，已经去问 %(num)s 位。答复以前，这一份先不发。",
            asked,
        )
        if asked
        else _("换好了。还没有人订，不用问。"),
        "ok",
    )
    return see_other(menu_url(centre, menu.day, menu.meal, "kitchen"))


# --- no meal at all -------------------------------------------------------------------------------------------------


@blueprint.get("/fail/<day>/<meal>")
@require(COOK)
def fail(centre: Centre, day: str, meal: str) -> Any:
    """What happens if the kitchen cannot cook; afterwards how far giving back has come."""
    menu = load_menu(centre, day, meal)
    states = desk_queries.order_states([menu.id])[menu.id]
    money = desk_queries.money_at_stake(menu.id)
    return render_template(
        "canteen/desk_failed.html",
        meal_words=_title(centre, menu),
        failed=menu.state == "failed",
        reason=menu.failed_reason,
        possible=menu.state == "published" and not _long_over(centre, menu),
        waiting=states["ordered"],
        back=states["failed"],
        served=states["collected"] + states["delivered"],
        prepaid=money.prepaid,
        prepaid_sum=yuan(money.prepaid_fen),
        subsidised=money.subsidised,
        returned_sum=yuan(money.returned_fen),
        url=menu_url(centre, menu.day, menu.meal, "fail"),
        back_url=menu_url(centre, menu.day, menu.meal, "kitchen"),
        week_url=menu_url(centre, menu.day, menu.meal),
    )


def _long_over(centre: Centre, menu: Menu) -> bool:
    """Finished, and not today: on its day a failure may still be said after serving."""
    return menu.finished_at is not None and menu.day < local_day(now(), centre.zone)


@blueprint.post("/fail/<day>/<meal>")
@require(COOK)
@repeatable
def fail_now(centre: Centre, day: str, meal: str) -> Response:
    """«这一餐做不了»: everybody gets it back, one unit of work each, so that a kill in between loses nothing; sent
    again it goes on where it stopped."""
    menu = load_menu(centre, day, meal)
    if menu.state == "draft" or (menu.state == "published" and _long_over(centre, menu)):
        raise Refused("not_now", _("这一餐已经过去了"), _("当天可以整个退。一份一份的，请到窗口办。"))
    if request.form.get("sure") != "1":
        raise Refused("not_sure", _("请先打勾确认"), _("整餐退掉以后不能恢复。"), status=422)
    many = close.fail_menu(signed_in().id, menu.id, request.form.get("reason", ""))
    flash(ngettext("退好了 %(num)s 份。", "退好了 %(num)s 份。", many), "ok")
    return see_other(menu_url(centre, menu.day, menu.meal, "fail"))
