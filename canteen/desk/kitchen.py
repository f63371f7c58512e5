"""The kitchen's sheet: what is to be cooked, what changed after it was drawn, and the labels of the boxes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Response, flash, render_template, request
from flask_babel import gettext as _

from canteen import desk_queries
from canteen.art import art_of
from canteen.desk.root import COOK, LOOK, base, blueprint, load_canteen, load_menu, may_cook, menu_url
from canteen.models import KitchenSheet, MealOrder, Menu, SheetChange
from canteen.rules import TEXTURES as TEXTURE_ORDER
from canteen.services import close
from canteen.services.standing import wanted_on
from canteen.words import KINDS, TEXTURES
from canteen.words import MEALS as MEAL_WORDS
from centres.models import Centre
from core.clock import local_day, now
from core.errors import NotFound
from core.http import not_modified, once, repeatable, row_number, see_other
from core.i18n import language, pick
from core.versions import version
from core.words import clock_words, date_words, full_day, inside, near_day
from people.access import actor, polling, require

Row = Mapping[str, Any]


@blueprint.get("/kitchen/")
@require(LOOK)
def kitchen(centre: Centre) -> Any:
    """The meal that the kitchen is busy with."""
    found = desk_queries.next_menu(load_canteen(centre).id, now())
    if found is None:
        return render_template(
            "canteen/desk_none.html",
            title=_("备餐"),
            text=_("接下来没有已发布的餐。先到“一周菜单”里排好、发布。"),
        )
    return see_other(menu_url(centre, found.day, found.meal, "kitchen"))


@blueprint.get("/kitchen/<day>/<meal>")
@require(LOOK)
def sheet(centre: Centre, day: str, meal: str) -> Any:
    """The sheet of a meal, or what it would be by now."""
    found = load_menu(centre, day, meal)
    canteen = load_canteen(centre)
    return render_template(
        "canteen/desk_sheet.html",
        **_shown(centre, found),
        title_words=_title(centre, found),
        meals=[
            {
                "name": MEAL_WORDS[one.meal],
                "url": menu_url(centre, one.day, one.meal, "kitchen"),
                "current": one.id == found.id,
            }
            for one in desk_queries.menus(canteen.id, found.day, found.day)
            if one.state != "draft"
        ],
        menu_url=menu_url(centre, found.day, found.meal),
        boxes_url=menu_url(centre, found.day, found.meal, "boxes"),
        purchase_url=f"{base(centre)}/purchase?from={found.day}&to={found.day}",
        poll_url=f"{menu_url(centre, found.day, found.meal, 'kitchen')}/live",
    )


@blueprint.get("/kitchen/<day>/<meal>/live")
@polling
@require(LOOK)
def sheet_live(centre: Centre, day: str, meal: str) -> Any:
    """Strips and counts alone, for the poll: 304 while nothing has changed."""
    found = load_menu(centre, day, meal)
    past = now() >= found.cutoff_at
    fresh = not_modified(
        f"{version(f'menu:{found.id}')}:{centre.settings_version}:{language()}:{past}:{request.path}"
    )
    return fresh or render_template("canteen/_desk_sheet_live.html", **_shown(centre, found))


def _title(centre: Centre, menu: Menu) -> str:
    today = local_day(now(), centre.zone)
    return _("%(day)s %(meal)s", day=full_day(menu.day, today), meal=MEAL_WORDS[menu.meal])


def _shown(centre: Centre, menu: Menu) -> dict[str, Any]:
    drawn = desk_queries.sheet_of(menu.id)
    rows = drawn.rows if drawn else desk_queries.live_rows(menu.id)
    ordered = desk_queries.ordered_by_offer(menu, drawn)
    walk_ins = desk_queries.walk_in_dishes(menu, ordered)
    states = desk_queries.order_states([menu.id])[menu.id]
    dishes = {
        dish.id: dish for dish in desk_queries.dishes_by_id([row["dish_id"] for row in rows] + list(walk_ins))
    }
    changes = list(desk_queries.strips(menu.id)) if drawn else []
    url = menu_url(centre, menu.day, menu.meal, "kitchen")
    changeable = may_cook() and menu.state == "published" and menu.serves_until > now()
    expected = [] if drawn or menu.state != "published" else wanted_on(menu)
    return {
        "drawn": drawn is not None,
        "state": menu.state,
        "failed_reason": menu.failed_reason,
        "can_close": drawn is None and menu.state == "published" and now() >= menu.cutoff_at,
        "made_words": _made_words(centre, drawn) if drawn else "",
        "cutoff_words": _moment(centre, menu.cutoff_at),
        "columns": (columns := _columns(rows)),
        "groups": _groups(rows, columns, dishes, walk_ins),
        "people": sum(ordered.values()) if drawn else states["ordered"],
        "expected": len(expected),
        "served": states["collected"] + states["delivered"],
        "walk_in": menu.walk_in,
        "walk_in_taken": menu.walk_in_taken,
        "wishes": desk_queries.wishes(menu.id),
        "new_strips": [_strip(centre, menu, one) for one in changes if one.seen_at is None],
        "old_strips": [_strip(centre, menu, one) for one in changes if one.seen_at is not None],
        "close_url": f"{url}/close",
        "swap_url": menu_url(centre, menu.day, menu.meal, "swap") if changeable else "",
        "fail_url": menu_url(centre, menu.day, menu.meal, "fail"),
        "seen_url": f"{url}/seen",
    }


def _moment(centre: Centre, moment: datetime) -> str:
    day = near_day(local_day(moment, centre.zone), local_day(now(), centre.zone))
    return _("%(day)s %(time)s", day=inside(day), time=clock_words(moment, centre.zone))


def _made_words(centre: Centre, drawn: KitchenSheet) -> str:
    when = _moment(centre, drawn.made_at)
    if drawn.staff_id is None:
        return _("%(when)s 截止时自动出的单", when=when)
    who = desk_queries.staff_names([drawn.staff_id])[drawn.staff_id]
    return _("%(when)s %(who)s出的单", when=when, who=who)


def _columns(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The ways in which dishes are wanted, as columns: 普通, 普通低盐, 软 …"""
    used = {(row["texture"], bool(row["low_salt"])) for row in rows} or {("regular", False)}
    ordered = sorted(used, key=lambda one: (TEXTURE_ORDER.index(one[0]), one[1]))
    return [{"key": key, "words": how_words(*key)} for key in ordered]


def how_words(texture: str, low_salt: bool) -> str:
    """普通 · 切碎 · 软、低盐"""
    return _("%(how)s、低盐", how=TEXTURES[texture]) if low_salt else str(TEXTURES[texture])


def _groups(
    rows: Sequence[Row],
    columns: Sequence[Mapping[str, Any]],
    dishes: Mapping[int, Any],
    walk_ins: Mapping[int, int],
) -> list[dict[str, Any]]:
    """Dishes by kind, each with a number a column, their sum, and what walk-ins need on top."""
    many = {(row["dish_id"], row["texture"], bool(row["low_salt"])): row["portions"] for row in rows}
    names = {row["dish_id"]: pick(row["name_zh"], row["name_en"]) for row in rows}
    ids = list(dict.fromkeys([*names, *walk_ins]))
    groups = []
    for kind, word in KINDS.items():
        lines = []
        for dish_id in (one for one in ids if dishes[one].kind == kind):
            cells = [many.get((dish_id, *column["key"]), 0) for column in columns]
            extra = walk_ins.get(dish_id, 0)
            lines.append(
                {
                    "name": names.get(dish_id) or dishes[dish_id].name,
                    "art": art_of(dishes[dish_id]),
                    "cells": cells,
                    "ordered": sum(cells),
                    "walk_in": extra,
                    "total": sum(cells) + extra,
                }
            )
        if lines:
            groups.append({"name": word, "lines": sorted(lines, key=lambda one: -one["total"])})
    return groups


# --- strips ---------------------------------------------------------------------------------------------------------


def _strip(centre: Centre, menu: Menu, change: SheetChange) -> dict[str, Any]:
    order = desk_queries.order_of(change)
    named = [row for row in change.rows if row.get("dish_id") is not None]
    rows = sorted(named, key=lambda row: row["portions"] > 0)  # what goes before what comes
    return {
        "id": change.id,
        "time": _moment(centre, change.at),
        "seen": clock_words(change.seen_at, centre.zone) if change.seen_at else "",
        "title": _strip_title(change, order),
        "rows": [
            {
                "name": pick(row["name_zh"], row["name_en"]),
                "how": how_words(row["texture"], bool(row["low_salt"])),
                "portions": signed(row["portions"]),
            }
            for row in rows
        ],
        "url": f"{menu_url(centre, menu.day, menu.meal, 'kitchen')}/strips/{change.id}",
    }


def _strip_title(change: SheetChange, order: MealOrder | None) -> str:
    if change.kind == "quota":
        portions = sum(int(row["portions"]) for row in change.rows)
        return _("现场的份 %(n)s", n=signed(portions))
    if change.kind == "swapped":
        return _("换菜")
    number = order.pick_up if order else 0
    if change.kind == "cancelled":
        return _("%(n)d号 不要了", n=number)
    if order is not None and order.walk_in:
        return _("%(n)d号 现场来的，从现场的份里出", n=number)
    return _("加一份，%(n)d号", n=number)


def signed(many: int) -> str:
    """+3, −1"""
    return f"+{many}" if many > 0 else f"−{-many}"


@blueprint.get("/kitchen/<day>/<meal>/strips/<int:change_id>")
@require(LOOK)
def strip(centre: Centre, day: str, meal: str, change_id: int) -> Any:
    """One strip as it is printed on the kitchen's roll."""
    menu = load_menu(centre, day, meal)
    found = desk_queries.strip_of(menu.id, change_id)
    if found is None:
        raise NotFound(_("没有找到这张改动条"))
    return render_template(
        "canteen/desk_strip.html",
        strip=_strip(centre, menu, found),
        meal_words=_title(centre, menu),
        back_url=menu_url(centre, menu.day, menu.meal, "kitchen"),
    )


@blueprint.post("/kitchen/<day>/<meal>/seen")
@require(COOK)
@once
def seen(centre: Centre, day: str, meal: str) -> Response:
    """«记下了»: one strip or all that were on the page."""
    menu = load_menu(centre, day, meal)
    close.mark_seen(menu.id, request.form.getlist("change", row_number))
    return see_other(menu_url(centre, menu.day, menu.meal, "kitchen"))


@blueprint.post("/kitchen/<day>/<meal>/close")
@require(COOK)
@repeatable
def close_now(centre: Centre, day: str, meal: str) -> Response:
    """Draw the sheet by hand, where the clock has not. Not within one unit of work: each standing order is its own."""
    menu = load_menu(centre, day, meal)
    close.close_menu(actor(), menu.id)
    flash(_("备餐单出好了。"), "ok")
    return see_other(menu_url(centre, menu.day, menu.meal, "kitchen"))


# --- boxes ----------------------------------------------------------------------------------------------------------


@blueprint.get("/boxes/<day>/<meal>")
@require(LOOK)
def boxes(centre: Centre, day: str, meal: str) -> Any:
    """A label for every box: its number, what is in it and how, and whether it goes out. Nothing about the person."""
    menu = load_menu(centre, day, meal)
    drawn = desk_queries.sheet_of(menu.id)
    found = desk_queries.boxes(menu, drawn) if drawn else []
    cooked = desk_queries.cooked_by_order(menu.id)
    return render_template(
        "canteen/desk_boxes.html",
        title_words=_title(centre, menu),
        meal_words=_("%(day)s %(meal)s", day=date_words(menu.day), meal=MEAL_WORDS[menu.meal]),
        drawn=drawn is not None,
        boxes=[
            {
                "pick_up": box.pick_up,
                "name": cooked[box.order_id][0].name,
                "sides": [dish.name for dish in cooked[box.order_id][1:]],
                "how": how_words(box.texture, box.low_salt)
                if (box.texture, box.low_salt) != ("regular", False)
                else "",
                "delivery": box.delivery,
                "late": box.late,
            }
            for box in found
        ],
        late=sum(box.late for box in found),
        cutoff_words=_moment(centre, menu.cutoff_at),
        back_url=menu_url(centre, menu.day, menu.meal, "kitchen"),
    )
