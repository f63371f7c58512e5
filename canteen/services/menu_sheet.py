"""Menus from a sheet, as caterers send them: every wrong cell is shown first, then all rows are planned, or none.

A row is one offer of a meal. What is on a menu and not in the sheet stays; nothing is published by it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from canteen import desk_queries, words
from canteen.days import ServingDay, serving_days
from canteen.models import Canteen, Dish, Menu, Offer
from canteen.services.plan import MOST_PORTIONS, Planned, as_planned, make_menu, own_price, set_offers
from core.audit import Actor
from core.clock import local_day
from core.columns import SEPARATORS, Choice, Column, Day, Money, Number, Words, options_of
from core.database import unit_of_work
from core.errors import Refused
from core.imports import SHEET as MASTER_SHEET
from core.imports import Plan, Step, heads, take_values
from core.money import yuan
from core.sheets import Fault, Head, Page, Read, read, write
from core.words import month_day

SHEET = replace(MASTER_SHEET, name="sheet.menus")
MOST_ROWS = 1000
AHEAD = timedelta(days=185)
"""How far ahead a sheet may plan: a slip in the year is not a menu."""
NEEDED = ("day", "meal", "code")
KINDS = {"set": lazy_gettext("套餐"), "single": lazy_gettext("单点")}


@dataclass(frozen=True, kw_only=True)
class Dishes(Column):
    """Dishes by their name or code, the main one first."""

    def read(self, raw: Any) -> list[str]:
        said = [part.strip() for part in SEPARATORS.split(self._text(raw)) if part.strip()]
        if not said:
            raise self._missing()
        return said


COLUMNS: Sequence[Column] = (
    Day(
        name="day",
        label=lazy_gettext("日期"),
        key=True,
        required=True,
        hint=lazy_gettext("比如 2026-12-01。"),
    ),
    Choice(
        name="meal",
        label=lazy_gettext("哪一餐"),
        options=options_of(words.MEALS),
        key=True,
        required=True,
    ),
    Words(
        name="code",
        label=lazy_gettext("编号"),
        key=True,
        required=True,
        most=8,
        shape="[0-9A-Za-z]+",
        hint=lazy_gettext("同一餐里不重复。早餐写 B1，午餐 L1、L2，晚餐 D1，单点 S1。"),
    ),
    Choice(name="kind", label=lazy_gettext("种类"), options=options_of(KINDS), blank=True),
    Dishes(
        name="dishes",
        label=lazy_gettext("菜"),
        required=True,
        hint=lazy_gettext("写菜名或编号，第一道是主菜，用顿号隔开。"),
    ),
    Number(name="quota", label=lazy_gettext("份数"), least=1, most=MOST_PORTIONS, required=True),
    Money(
        name="price_fen",
        label=lazy_gettext("单价"),
        least=1,
        most=50_000,
        blank=True,
        hint=lazy_gettext("写元，比如 12.50。空着就是几道菜加起来。"),
    ),
)


def export(menus: Iterable[Menu]) -> bytes:
    """What is on these menus, as a sheet that can be brought in again: with other days it is the next plan."""
    rows = [
        (menu.day, menu.meal, offer.code, offer.kind, _names(offer), offer.quota, own_price(offer))
        for menu in menus
        for offer in menu.offers
    ]
    cells = [[column.cell(value) for column, value in zip(COLUMNS, row, strict=True)] for row in rows]
    widths = {"day": 13, "dishes": 44}
    top = [Head(str(one.label), widths.get(one.name, 10), one.kind == "money") for one in COLUMNS]
    return write(Page(_("菜单"), top, cells))


def _names(offer: Offer) -> str:
    """By name, as people read them; by code where a name would be read as two."""
    dishes = [one.dish for one in offer.dishes]
    return _("、").join(one.code if SEPARATORS.search(one.name) else one.name for one in dishes)


# --- looking --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _There:
    """What is there already, read once for a whole sheet."""

    dishes: Mapping[str, set[int]]
    """Name or code → dishes."""
    named: Mapping[int, Dish]
    days: Mapping[date, ServingDay]
    menus: Mapping[tuple[date, str], Menu]


def plan(canteen: Canteen, data: bytes, moment: datetime) -> Plan:
    """What a sheet would put on the menus, or every cell that keeps it from doing anything. Changes nothing."""
    sheet = read(data, heads(COLUMNS), NEEDED, MOST_ROWS)
    made = Plan(faults=list(sheet.faults))
    if not sheet.rows and not made.faults:
        raise Refused("sheet_empty", _("表里没有内容"), _("表头下面至少要有一行。"), status=422)
    today = local_day(moment, canteen.centre.zone)
    rows: list[tuple[int, dict[str, Any]]] = []
    for number in sheet.rows:
        before = len(made.faults)
        values = take_values(sheet, number, COLUMNS, made.faults)
        day = values.get("day")
        if day is not None and not today <= day <= today + AHEAD:
            right = _("写 %(first)s 到 %(last)s。", first=today, last=today + AHEAD)
            made.faults.append(Fault(f"{sheet.letters['day']}{number}", str(day), _("排不了这一天"), right))
        if len(made.faults) == before and values.keys() >= set(NEEDED):
            rows.append((number, {**values, "code": values["code"].upper()}))
    there = _look(canteen, [values["day"] for _number, values in rows])
    seen: dict[tuple[date, str, str], int] = {}
    for number, values in rows:
        twice = seen.setdefault((values["day"], values["meal"], values["code"]), number)
        if twice != number:
            wrong = _("和第 %(n)d 行是同一条", n=twice)
            at = f"{sheet.letters['code']}{number}"
            made.faults.append(Fault(at, values["code"], wrong, _("两行里留一行。")))
            continue
        step = _step(sheet, number, values, there, moment, made.faults)
        if step is not None:
            made.steps.append(step)
    return made


def _look(canteen: Canteen, days: Sequence[date]) -> _There:
    dishes = desk_queries.dishes(canteen.id)
    if not days:
        return _There({}, {}, {}, {})
    menus = desk_queries.menus(canteen.id, min(days), max(days))
    on = [one.dish for menu in menus for offer in menu.offers for one in offer.dishes]
    found: dict[str, set[int]] = defaultdict(set)
    for dish in dishes:
        for name in (dish.code, dish.name_zh, dish.name_en, dish.name):
            if name:
                found[_plain(name)].add(dish.id)
    return _There(
        found,
        {dish.id: dish for dish in [*dishes, *on]},
        {one.day: one for one in serving_days(canteen, min(days), max(days))},
        {(menu.day, menu.meal): menu for menu in menus},
    )


def _plain(name: str) -> str:
    return "".join(name.split()).casefold()


def _step(
    sheet: Read,
    number: int,
    values: dict[str, Any],
    there: _There,
    moment: datetime,
    faults: list[Fault],
) -> Step | None:
    """One offer as it will be, beside what is there."""

    def fault(name: str, said: Any, wrong: str, right: str) -> None:
        letter = sheet.letters.get(name, sheet.letters["code"])
        faults.append(Fault(f"{letter}{number}", str(said)[:60], wrong, right))

    day, meal, code = (values[name] for name in NEEDED)
    serving, menu = there.days[day], there.menus.get((day, meal))
    why = _why_not(serving, menu, meal, moment)
    if why is not None:
        fault(*why)
        return None
    offer = next((one for one in menu.offers if one.code == code), None) if menu is not None else None
    ids = _dishes(values, offer, there, fault)
    if ids is None:
        return None
    missing = next((one for one in COLUMNS if one.required and one.name not in values), None)
    if offer is None and missing is not None:
        text = _("新的一条还要有这一栏：%(name)s", name=str(missing.label))
        fault(missing.name, "", text, str(missing.hint))
        return None
    kind = values.get("kind") or (offer.kind if offer is not None else "set")
    if kind == "single" and len(ids) > 1:
        fault("dishes", _said(values), _("单点只有一道菜"), _("留一道，或把种类写成“套餐”。"))
        return None
    quota = values["quota"] if "quota" in values or offer is None else offer.quota
    if offer is not None and quota < offer.taken:
        right = _("份数不能比订出的少。")
        fault("quota", quota, _("已经订出 %(n)d 份", n=offer.taken), right)
        return None
    own = values.get("price_fen") if "price_fen" in values or offer is None else own_price(offer)
    planned = Planned(code, kind, ids, quota, own)
    label = _(
        "%(day)s %(meal)s %(code)s", day=month_day(day), meal=str(words.MEALS[meal]), code=code
    )  # as on the week's sheet
    given = {"day": day, "meal": meal, "planned": planned}
    if offer is None:
        return Step(number, "new", label, given, note=_told(planned, there))
    as_is = replace(as_planned(offer), price_fen=own_price(offer))
    if replace(as_is, dish_ids=list(as_is.dish_ids)) == planned:
        return Step(number, "same", label, given, offer.id)
    note = _("%(before)s → %(after)s", before=_told(as_is, there), after=_told(planned, there))
    return Step(number, "change", label, given, offer.id, note=note)


def _why_not(
    serving: ServingDay, menu: Menu | None, meal: str, moment: datetime
) -> tuple[str, Any, str, str] | None:
    """Why nothing can be planned for this meal, as a fault of a column."""
    served = serving.meals.get(meal)
    if served is None:
        reason = serving.closed_reason or _("请看看每周的开餐时间。")
        return "meal", words.MEALS[meal], _("那天不开这一餐"), reason
    if served.end <= moment:
        return "day", serving.day, _("这一餐已经过了"), _("请选今天以后的日子。")
    if menu is not None and (menu.closed_at is not None or menu.state == "failed"):
        return "day", serving.day, _("这一餐已经截止了"), _("截止以后用“换菜”，或改份数。")
    return None


def _dishes(
    values: Mapping[str, Any], offer: Offer | None, there: _There, fault: Callable[[str, Any, str, str], None]
) -> list[int] | None:
    """Ids of the dishes a row names; None after a fault. What is on the offer already may stay on it."""
    if "dishes" not in values:
        return [one.dish_id for one in offer.dishes] if offer is not None else []
    mine = {
        _plain(name): one.dish_id
        for one in (offer.dishes if offer is not None else ())
        for name in (one.dish.code, one.dish.name_zh, one.dish.name_en, one.dish.name)
        if name
    }
    found: list[int] = []
    for said in values["dishes"]:
        ids = {mine[_plain(said)]} if _plain(said) in mine else there.dishes.get(_plain(said), set())
        if len(ids) != 1:
            if ids:
                codes = _("、").join(sorted(there.named[one].code for one in ids))
                fault("dishes", said, _("有几道菜都叫这个"), _("请写编号：%(codes)s。", codes=codes))
            else:
                fault("dishes", said, _("菜品里没有这道菜"), _("照“菜品”里的写；新菜先在那里登记。"))
            return None
        found += [one for one in ids if one not in found]
    return found


def _said(values: Mapping[str, Any]) -> str:
    return _("、").join(values.get("dishes") or [])


def _told(one: Planned, there: _There) -> str:
    """清蒸鲈鱼、清炒菜心，40 份，¥12.00"""
    dishes = [there.named[dish] for dish in one.dish_ids]
    price = one.price_fen if one.price_fen is not None else sum(dish.price_fen for dish in dishes)
    names = _("、").join(dish.name for dish in dishes)
    return _("%(dishes)s，%(n)d 份，%(price)s", dishes=names, n=one.quota, price=yuan(price))


# --- writing --------------------------------------------------------------------------------------------------------


def apply(actor: Actor, canteen: Canteen, planned: Plan, last: Callable[[], None]) -> int:
    """Plan what the sheet says, all of it or nothing; `last` runs in the same unit of work. Returns how many rows."""
    if planned.faults:
        raise Refused("sheet_faults", _("表里还有要改的地方"), _("改好以后再传一次。"), status=422)
    of: dict[tuple[date, str], list[Planned]] = defaultdict(list)
    for step in planned.writes:
        of[step.values["day"], step.values["meal"]].append(step.values["planned"])
    with unit_of_work():
        last()
        for day, meal in sorted(of):
            menu = make_menu(actor, canteen, day, meal)
            wanted = {offer.code: as_planned(offer) for offer in menu.offers}
            set_offers(actor, menu.id, list((wanted | {one.code: one for one in of[day, meal]}).values()))
    return len(planned.writes)
