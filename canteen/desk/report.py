"""The day report: what was ordered, served, missed, given back and wasted, and the day's money. Every number opens its
rows."""

from datetime import timedelta
from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _

from canteen import report as reads
from canteen.counter_words import dish_words, order_words, pay_words
from canteen.desk.root import LOOK, base, blueprint, load_canteen
from canteen.forms import parse_day, parse_meal
from canteen.models import MealOrder
from canteen.words import MEALS
from centres.models import Centre
from core.clock import local_day, now
from core.codes import show_number
from core.errors import NotFound
from core.http import personal, see_other
from core.money import yuan
from core.words import clock_words, date_words, full_day, masked
from people.access import grants_roles, require, signed_in

MONEY = frozenset({"front_desk", "manager", "supervisor", "accountant"})
"""Who sees the day's money; the kitchen sees its portions."""


def _column_words(column: str) -> str:
    return {
        "ordered": _("订了"),
        "served": _("领了"),
        "waiting": _("还没领"),
        "uncollected": _("没有来取"),
        "cancelled": _("取消了"),
        "failed": _("没有做成"),
    }[column]


def _money_words(kind: str) -> str:
    return {
        "cash_meals": _("现金收的餐费"),
        "cash_top_up": _("现金充值"),
        "cash_back": _("退出去的现金"),
        "cash_bank": _("存进银行"),
        "cash_mended": _("撤回和冲正"),
        "cash_difference": _("盘点的长短款"),
        "prepaid_meals": _("饭卡付的餐费"),
        "prepaid_back": _("退回饭卡"),
        "outside_top_up": _("别处付款的充值"),
        "subsidy": _("政府补"),
        "promotion": _("优惠"),
    }[kind]


@blueprint.get("/report")
@require(LOOK)
def report(centre: Centre) -> Response:
    """A day; `?day=`, today where none is asked for."""
    canteen = load_canteen(centre)
    today = local_day(now(), centre.zone)
    day = parse_day(request.args["day"]) if request.args.get("day") else today
    url, rows = f"{base(centre)}/report", f"{base(centre)}/report/rows?day={day}"
    sees_money = bool(grants_roles(signed_in(), centre.id) & MONEY)
    moved = reads.money_of(centre.id, centre.zone, day) if sees_money else []
    parts = dict(reads.KINDS)
    return personal(
        render_template(
            "canteen/desk_report.html",
            canteen=canteen.name,
            day_words=full_day(day, today),
            is_today=day == today,
            prev_url=f"{url}?day={day - timedelta(days=1)}",
            next_url=f"{url}?day={day + timedelta(days=1)}",
            today_url=url,
            columns=[(column, _column_words(column)) for column in reads.COLUMNS],
            meals=[_meal(rows, one) for one in reads.meals_of(centre.id, day)],
            extras=[
                {
                    "when": clock_words(one.at, centre.zone),
                    "window": one.window,
                    "what": dish_words(one.order) if one.order else _("没有对上订餐"),
                    "number": show_number(one.number) if one.number else "–",
                    "words": one.words,
                }
                for one in reads.extras_of(centre.id, day)
            ],
            sees_money=sees_money,
            money=[
                {
                    "words": _money_words(kind),
                    "sum": yuan(fen),
                    "cash": parts[kind] in {reads.CASH_IN, reads.CASH_OUT},
                    "url": f"{rows}&money={kind}",
                }
                for kind, fen in reads.sums(moved).items()
            ],
            till=yuan(reads.till_change(moved)),
        )
    )


def _meal(rows: str, one: reads.MealReport) -> dict[str, Any]:
    url = f"{rows}&meal={one.menu.meal}"
    return {
        "name": str(MEALS[one.menu.meal]),
        "failed": one.menu.failed_reason if one.menu.state == "failed" else "",
        "cooked": one.cooked,
        "wasted": one.wasted,
        "walk_in_left": one.walk_in_left,
        "cells": [{"many": one.many(column), "url": f"{url}&state={column}"} for column in reads.COLUMNS],
        "offers": [
            {
                "name": line.offer.dishes[0].dish.name if line.offer.dishes else line.offer.code,
                "cooked": line.cooked,
                "wasted": line.wasted,
                "cells": [
                    {
                        "many": line.many(column),
                        "url": f"{url}&state={column}&offer={line.offer.code}",
                    }
                    for column in reads.COLUMNS
                ],
            }
            for line in one.offers
        ],
    }


@blueprint.get("/report/rows")
@require(LOOK)
def report_rows(centre: Centre) -> Response:
    """The rows behind a number: `?day=&meal=&state=&offer=`, or `?day=&money=`."""
    load_canteen(centre)
    kind = request.args.get("money", "")
    if not kind and "meal" not in request.args:
        return see_other(f"{base(centre)}/report")
    day = parse_day(request.args.get("day", ""))
    if kind:
        if kind not in dict(reads.KINDS) or not grants_roles(signed_in(), centre.id) & MONEY:
            raise NotFound(_("这一页没有找到"))
        moved = [one for one in reads.money_of(centre.id, centre.zone, day) if one.kind == kind]
        title, rows = _money_words(kind), [_money_row(centre, one) for one in moved]
        total = yuan(sum(one.fen for one in moved))
    else:
        meal, column = parse_meal(request.args.get("meal", "")), request.args.get("state", "")
        if column not in reads.COLUMNS:
            raise NotFound(_("这一页没有找到"))
        orders = _orders(centre, day, meal, request.args.get("offer", ""), column)
        title = f"{MEALS[meal]} · {_column_words(column)}"
        rows, total = [_order_row(centre, one) for one in orders], _("%(n)d 份", n=len(orders))
    return personal(
        render_template(
            "canteen/desk_report_rows.html",
            title=title,
            day_words=date_words(day),
            back_url=f"{base(centre)}/report?day={day}",
            is_money=bool(kind),
            total=total,
            rows=rows,
        )
    )


def _orders(centre: Centre, day: Any, meal: str, offer: str, column: str) -> list[MealOrder]:
    return [
        order
        for one in reads.meals_of(centre.id, day)
        if one.menu.meal == meal
        for line in one.offers
        if not offer or line.offer.code == offer
        for order in line.orders
        if reads.COLUMNS[column](order)
    ]


def _order_row(centre: Centre, order: MealOrder) -> dict[str, Any]:
    return {
        "first": str(order.pick_up),
        "what": dish_words(order),
        "who": masked(order.resident.name) if order.resident else _("没有登记的客人"),
        "state": order_words(order),
        "when": clock_words(order.ended_at, centre.zone) if order.ended_at else "",
        "sum": yuan(order.pays_fen),
        "note": pay_words(order),
        "number": show_number(order.number),
    }


def _money_row(centre: Centre, one: reads.Moved) -> dict[str, Any]:
    return {
        "first": clock_words(one.transfer.at, centre.zone),
        "what": _("第 %(n)d 笔", n=one.transfer.id),
        "number": show_number(one.order.number) if one.order else one.transfer.reference,
        "sum": yuan(one.fen),
    }
