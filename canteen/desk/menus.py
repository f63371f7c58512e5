"""All menus as a list, what was changed on one, and whole plans as a sheet."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from flask import Response, flash, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext

from canteen import desk_queries
from canteen.desk.root import COOK, LOOK, base, blueprint, load_canteen, load_menu, menu_url
from canteen.desk_queries import MENU_SORTS, MenuWish
from canteen.forms import parse_day
from canteen.models import Menu
from canteen.rules import week_of
from canteen.services import menu_sheet
from canteen.words import MEALS, MENU_STATES
from centres.models import Centre
from core import files, sheets
from core.audit import Audit
from core.clock import local_day, now
from core.http import repeatable, see_other, takes_file, uploaded
from core.http import sheets as web_sheets
from core.http.paging import paging, with_asked
from core.money import yuan
from core.words import clock_words, date_words, full_day
from people.access import actor, require

PAGE = 30
LOOK_BACK = timedelta(days=28)


def _url(centre: Centre) -> str:
    return f"{base(centre)}/menus"


# --- the list -------------------------------------------------------------------------------------------------------


@blueprint.get("/menus")
@require(LOOK)
def menus(centre: Centre) -> Any:
    """Every menu, the furthest first: filtered, sorted, a page at a time."""
    canteen, wish, url = load_canteen(centre), _wish(centre), _url(centre)
    many = desk_queries.menus_many(canteen.id, wish)
    pages = paging(many, PAGE, lambda n: with_asked(url, **_asked(wish), page=n))
    rows = desk_queries.listed_menus(canteen.id, wish, PAGE, (pages.page - 1) * PAGE)
    states = desk_queries.order_states([menu.id for menu in rows])
    sheet_url = with_asked(f"{url}/sheet", **_asked(wish))
    return render_template(
        "canteen/desk_menus.html",
        wish=wish,
        meals=MEALS,
        states=MENU_STATES,
        heads=[
            {
                "name": name,
                "label": label,
                "sorted": wish.sort == name,
                "url": with_asked(url, **_asked(_turned(wish, name))),
            }
            for name, label in (
                ("day", _("日期")),
                ("quota", _("份数")),
                ("taken", _("订了")),
                ("missed", _("没来取")),
            )
        ],
        rows=[
            {
                "day": date_words(menu.day),
                "meal": MEALS[menu.meal],
                "state": menu.state,
                "words": MENU_STATES[menu.state],
                **_shown(menu),
                "quota": sum(one.quota for one in menu.offers),
                "taken": sum(one.taken for one in menu.offers),
                "walk_in": menu.walk_in_taken,
                "missed": states[menu.id]["uncollected"],
                "url": menu_url(centre, menu.day, menu.meal),
            }
            for menu in rows
        ],
        many=many,
        paging=pages,
        week_url=f"{base(centre)}/",
        sheet_url=sheet_url,
        import_url=f"{url}/import",
    )


def _shown(menu: Menu) -> dict[str, Any]:
    """What one reads of a menu: the main dishes of its set meals, and how many single dishes there are besides."""
    sets = [one for one in menu.offers if one.kind == "set"]
    return {
        "dishes": [one.dishes[0].dish.name for one in (sets or menu.offers) if one.dishes],
        "singles": len(menu.offers) - len(sets) if sets else 0,
    }


def _wish(centre: Centre) -> MenuWish:
    asked = request.args
    first = parse_day(asked["first"]) if asked.get("first") else None
    meal, state, sort = asked.get("meal", ""), asked.get("state", ""), asked.get("sort", "")
    return MenuWish(
        first=first or week_of(local_day(now(), centre.zone)) - LOOK_BACK,
        last=parse_day(asked["last"]) if asked.get("last") else None,
        meal=meal if meal in MEALS else "",
        state=state if state in MENU_STATES else "",
        sort=sort if sort in MENU_SORTS else "day",
        down=asked.get("up") != "1",
    )


def _asked(wish: MenuWish) -> dict[str, Any]:
    """The list's address with this wish."""
    return {
        "first": wish.first,
        "last": wish.last,
        "meal": wish.meal,
        "state": wish.state,
        "sort": wish.sort if wish.sort != "day" else "",
        "up": "" if wish.down else "1",
    }


def _turned(wish: MenuWish, sort: str) -> MenuWish:
    return replace(wish, sort=sort, down=not wish.down if wish.sort == sort else True)


# --- what was changed -----------------------------------------------------------------------------------------------


@blueprint.get("/menu/<day>/<meal>/history")
@require(LOOK)
def menu_history(centre: Centre, day: str, meal: str) -> Any:
    """Who changed what on a menu from what to what."""
    menu = load_menu(centre, day, meal)
    record = desk_queries.menu_record(menu.id)
    staff = desk_queries.staff_names(row.actor_id for row in record if row.actor_kind == "staff")
    names = _Names(menu, record)
    today = local_day(now(), centre.zone)
    return render_template(
        "staff/data_history.html",
        label=_("%(day)s %(meal)s", day=full_day(menu.day, today), meal=MEALS[menu.meal]),
        lead=_("菜单"),
        rows=[
            {
                "day": local_day(row.at, centre.zone),
                "time": clock_words(row.at, centre.zone),
                "who": staff.get(row.actor_id, _("系统")) if row.actor_kind == "staff" else _("系统"),
                "what": _verb_words(row.verb),
                "changes": names.changes(row),
            }
            for row in record
        ],
        stretches=[],
        back_url=menu_url(centre, menu.day, menu.meal),
    )


def _verb_words(verb: str) -> str:
    return {
        "menu.made": _("开始排"),
        "menu.planned": _("排菜"),
        "menu.published": _("发布"),
        "menu.quota": _("改了份数"),
        "menu.walk_in": _("改了现场的份"),
        "menu.swapped": _("换菜"),
        "menu.closed": _("截止，出备餐单"),
        "menu.failed": _("做不了"),
    }.get(verb, verb)


class _Names:
    """Dishes of a record by their ids, read once."""

    def __init__(self, menu: Menu, record: list[Audit]) -> None:
        self.swaps = desk_queries.swaps_of(menu.id)
        ids = {one for row in record for offer in _offers(row) for one in offer["dishes"]}
        ids |= {one for swap in self.swaps.values() for one in (swap.out_dish_id, swap.in_dish_id)}
        self.dishes = {one.id: one.name for one in desk_queries.dishes_by_id(ids)}

    def changes(self, row: Audit) -> list[tuple[str, str, str]]:
        """(what, before, after) of one entry; nothing of what was written down before it kept them."""
        detail = row.detail
        if row.verb == "menu.planned":
            old, new = detail.get("old", {}), detail.get("new", {})
            codes = list(dict.fromkeys([*old, *new]))
            return [
                (code, self._offer(old[code]) if code in old else "", self._offer(new.get(code)))
                for code in codes
            ]
        if row.verb in {"menu.quota", "menu.walk_in"} and "was" in detail:
            return [(detail.get("code", _("现场")), str(detail["was"]), str(detail["quota"]))]
        swap = self.swaps.get(detail.get("swap", 0))
        if swap is None:
            return []
        return [(_("菜"), self.dishes[swap.out_dish_id], self.dishes[swap.in_dish_id])]

    def _offer(self, one: Mapping[str, Any] | None) -> str:
        if one is None:
            return _("拿掉了")
        names = _("、").join(self.dishes[dish] for dish in one["dishes"])
        return _(
            "%(dishes)s，%(n)d 份，%(price)s", dishes=names, n=one["quota"], price=yuan(one["price_fen"])
        )


def _offers(row: Audit) -> list[Mapping[str, Any]]:
    if row.verb != "menu.planned":
        return []
    return [*row.detail.get("old", {}).values(), *row.detail.get("new", {}).values()]


# --- sheets ---------------------------------------------------------------------------------------------------------


@blueprint.get("/menus/sheet")
@require(LOOK)
def menus_sheet(centre: Centre) -> Response:
    """The list as a sheet, which can be given other days and brought back."""
    wish = replace(_wish(centre), sort="day", down=False)
    rows = desk_queries.listed_menus(load_canteen(centre).id, wish)
    return web_sheets.answer(menu_sheet.export(rows), f"menus-{centre.code}-{wish.first}")


@blueprint.get("/menus/import")
@require(COOK)
def menus_import(centre: Centre) -> Any:
    """Choose a sheet; what may stand in it."""
    load_canteen(centre)
    return render_template(
        "staff/data_import.html",
        title=_("导入菜单"),
        upload_url=f"{_url(centre)}/import",
        example_url=f"{_url(centre)}/sheet",
        units={},
        unit=None,
        most_rows=menu_sheet.MOST_ROWS,
        columns=menu_sheet.COLUMNS,
        back_url=_url(centre),
    )


@blueprint.post("/menus/import")
@takes_file(sheets.MOST_BYTES)
@require(COOK)
@repeatable
def menus_upload(centre: Centre) -> Response:
    """Keep the sheet for some hours, and show what it would do. Nothing of it is written yet."""
    load_canteen(centre)
    row = files.keep(actor(), files.prepare(uploaded("sheet"), menu_sheet.SHEET.name), centre.id)
    return see_other(f"{_url(centre)}/import/{row.key}")


@blueprint.get("/menus/import/<key>")
@require(COOK)
def menus_preview(centre: Centre, key: str) -> Any:
    """Every wrong cell, or what will be planned."""
    row, data = web_sheets.waiting(key, menu_sheet.SHEET.name, [centre.id])
    made = menu_sheet.plan(load_canteen(centre), data, now())
    url = f"{_url(centre)}/import"
    return web_sheets.preview(_("导入菜单"), made, row, f"{url}/{key}", url, _url(centre))


@blueprint.post("/menus/import/<key>")
@require(COOK)
@repeatable
def menus_confirm(centre: Centre, key: str) -> Response:
    """«导入这 N 行»: the same bytes, all of them or nothing. Published is nothing by it."""
    row, data = web_sheets.waiting(key, menu_sheet.SHEET.name, [centre.id])
    web_sheets.same_bytes(row)
    canteen = load_canteen(centre)
    made = menu_sheet.plan(canteen, data, now())
    many = menu_sheet.apply(actor(), canteen, made, lambda: web_sheets.used_up(actor(), row))
    words = ngettext(
        "%(num)s 份排好了。新的菜单还没发布，请看一遍再发布。",
        "%(num)s 份排好了。新的菜单还没发布，请看一遍再发布。",
        many,
    )
    flash(words, "ok")
    return see_other(f"{base(centre)}/week/{week_of(_first_day(made.writes, local_day(now(), centre.zone)))}")


def _first_day(steps: Any, today: date) -> date:
    return min((step.values["day"] for step in steps), default=today)
