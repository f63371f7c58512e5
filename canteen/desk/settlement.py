"""The accountant's month: what is claimed, the rows behind each number, sealing, the pack. What came: `paid.py`."""

from datetime import date, timedelta
from typing import Any

from flask import Response, flash, render_template, request
from flask_babel import gettext as _

from canteen import settlement as reads
from canteen.desk.root import base, blueprint, load_canteen
from canteen.services import settle
from canteen.services.settle import Month, first_of, month_words, next_month
from centres.models import Centre
from core import audit
from core.clock import YEARS, database_now, local_day, now
from core.codes import show_number
from core.database import unit_of_work
from core.errors import Alternative, NotFound, Refused
from core.http import once, personal, see_other
from core.http import sheets as web_sheets
from core.money import yuan
from core.words import date_words
from people.access import actor, grants_roles, require, signed_in
from people.rules import DESK

BOOKS = frozenset({"accountant", "manager", "supervisor"})
"""Who may look at the settlement."""
SEAL = frozenset({"accountant"})
"""Who seals a month and writes down what came."""
PICKS = ("", "fresh", "corrected", "late", "own", "since")
"""Which rows a number opens: all, those claimed for the first time, corrections, those of sealed months that came to
light later, those of the month itself, and what a sealed month has more or less since."""


def month_url(centre: Centre, month: date, *more: str) -> str:
    """Address of a month, or of a page under it."""
    return "/".join([f"{base(centre)}/settlement/{month:%Y-%m}", *more])


def parse_month(text: str) -> date:
    """`2026-11` of an address."""
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        month = date.min
    if month.year not in YEARS:
        raise NotFound(_("没有这个月"), _("请从“结算”里再选一次。"))
    return month


@blueprint.get("/settlement")
@require(BOOKS)
def settlement(centre: Centre) -> Response:
    """The month that is to be sealed next: the last one until it is sealed, then the running one."""
    canteen = load_canteen(centre)
    running = first_of(local_day(now(), centre.zone))
    last = first_of(running - timedelta(days=1))
    found = settle.month_of(canteen.id, last)
    return see_other(month_url(centre, last if found.lines and found.settlement is None else running))


@blueprint.get("/settlement/<month>")
@require(BOOKS)
def settlement_month(centre: Centre, month: str) -> Response:
    """A month's claim in numbers. Each opens its rows."""
    found = settle.month_of(load_canteen(centre).id, parse_month(month))
    running = first_of(local_day(now(), centre.zone))
    row, rows = found.settlement, reads.rows_of(found)
    return personal(
        render_template(
            "canteen/desk_settlement.html",
            month_words=month_words(found.month),
            state=state_words(found),
            sealed=row is not None,
            groups=[_group(centre, found, one) for one in reads.groups(rows)],
            never=reads.never_words(rows),
            never_url=f"{month_url(centre, found.month, 'rows')}?pick=corrected",
            claimed=yuan(found.claimed_fen),
            rows_url=month_url(centre, found.month, "rows"),
            came=yuan(found.came_fen) if found.came_fen else "",
            may_come=found.came_fen < found.claimed_fen,
            missing=yuan(found.missing_fen) if found.missing_fen else "",
            owed=yuan(settle.owed_fen(found.centre_id)),
            owed_url=f"{base(centre)}/settlement/owed",
            check=reads.check_words(found),
            fits=reads.fits(found),
            differences=[
                _difference(one, orders) for orders in [_orders(found)] for one in found.differences
            ],
            may_seal=bool(grants_roles(signed_in(), centre.id) & SEAL),
            month_over=found.month < running,
            seal_url=month_url(centre, found.month, "seal"),
            paid_url=month_url(centre, found.month, "paid"),
            pack_url=month_url(centre, found.month, "pack"),
            prev_url=month_url(centre, first_of(found.month - timedelta(days=1))),
            next_url=month_url(centre, next_month(found.month)) if found.month < running else "",
            today=local_day(now(), centre.zone),
        )
    )


def state_words(found: Month) -> str:
    """How a month stands: a draft, sealed, paid in part, paid."""
    if found.settlement is None:
        return _("草稿，随核销变")
    if found.settlement.state == "paid":
        return _("已拨付")
    return _("部分拨付") if found.came_fen else _("已封存")


def _group(centre: Centre, found: Month, one: reads.Group) -> dict[str, Any]:
    pick = "corrected" if one.corrected else "fresh"
    return {
        "kind": reads.kind_words(one.kind),
        "corrected": one.corrected,
        "rule": one.rule_name,
        "tier": one.tier,
        "lines": one.lines,
        "people": one.people,
        "fen": yuan(one.fen),
        "url": f"{month_url(centre, found.month, 'rows')}?kind={one.kind}&rule={one.rule}&pick={pick}",
    }


def _orders(found: Month) -> Any:
    return reads.orders_of([one.order_id for one in found.differences])


def _difference(one: settle.Difference, orders: Any) -> dict[str, Any]:
    order = orders[one.order_id]
    return {
        "number": show_number(order.number),
        "day": date_words(order.day),
        "claimed": yuan(one.claimed_fen),
        "ledger": yuan(one.ledger_fen),
        "gap": yuan(reads.gap(one)),
    }


@blueprint.get("/settlement/<month>/rows")
@require(BOOKS)
def settlement_rows(centre: Centre, month: str) -> Response:
    """The rows behind a number: `?kind=&rule=&pick=` (fresh, corrected, late). Their sum stands above them."""
    found = settle.month_of(load_canteen(centre).id, parse_month(month))
    kind, rule, pick = (request.args.get(name, "") for name in ("kind", "rule", "pick"))
    if (kind and kind not in settle.KINDS) or pick not in PICKS:
        raise NotFound(_("这一页没有找到"))
    rows = [row for row in reads.rows_of(found) if _wanted(row, kind, rule, pick)]
    may_refuse = found.settlement is not None and found.settlement.state == "sealed"
    may_refuse = may_refuse and any(row.line.amount_fen > 0 and not row.refused for row in rows)
    return personal(
        render_template(
            "canteen/desk_settlement_rows.html",
            month_words=month_words(found.month),
            month_url=month_url(centre, found.month),
            title=reads.kind_words(kind) if kind else _("全部明细"),
            rule=reads.rule_words(rows) if rule and rows else rule,
            pick={"corrected": _("更正"), "late": _("补报"), "since": _("封存以后变的")}.get(pick, ""),
            total=yuan(sum(row.line.amount_fen for row in rows)),
            rows=[_row(row) for row in rows],
            may_refuse=may_refuse and bool(grants_roles(signed_in(), centre.id) & SEAL),
            refuse_url=month_url(centre, found.month, "refuse"),
            paid_url=month_url(centre, found.month, "paid"),
        )
    )


def _wanted(row: reads.Row, kind: str, rule: str, pick: str) -> bool:
    corrected = row.line.corrects_id is not None
    fits = {
        "": True,
        "fresh": not corrected,
        "corrected": corrected,
        "late": row.late,
        "own": not corrected and not row.late,
        "since": corrected or row.late,
    }
    return fits[pick] and (not kind or row.line.kind == kind) and (not rule or row.rule == rule)


def _row(row: reads.Row) -> dict[str, Any]:
    return {
        "id": row.line.id if row.line.amount_fen > 0 else None,
        "refused": row.refused,
        "number": row.number,
        "day": date_words(row.day),
        "meal": row.meal,
        "dish": row.dish,
        "person": row.person,
        "name": row.name,
        "kind": reads.kind_words(row.line.kind),
        "rule": row.rule_name,
        "tier": row.tier,
        "price": yuan(row.price_fen),
        "pays": yuan(row.pays_fen),
        "fen": yuan(row.line.amount_fen),
        "window": row.window,
        "time": row.handed_out.strftime("%H:%M") if row.handed_out else "",
        "how": row.how,
        "late": row.late,
        "reason": reads.why_words(row),
    }


@blueprint.post("/settlement/<month>/seal")
@require(SEAL)
@once
def seal_settlement(centre: Centre, month: str) -> Response:
    """From now on the month stands."""
    wanted = parse_month(month)
    try:
        settle.seal(signed_in().id, load_canteen(centre).id, wanted)
    except Refused as refusal:
        if refusal.code == "reviews_open":
            look = (
                grants_roles(signed_in(), centre.id) & DESK
            )  # who only keeps the books asks those at the window
            refusal.alternatives = [
                *([Alternative(_("去核对"), f"{base(centre)}/review")] if look else []),
                Alternative(_("回到结算"), month_url(centre, wanted)),
            ]
        raise
    flash(_("%(month)s已经封存", month=month_words(wanted)), "done")
    return see_other(month_url(centre, wanted))


@blueprint.get("/settlement/<month>/pack")
@require(BOOKS)
def settlement_pack(centre: Centre, month: str) -> Response:
    """The month as a workbook. Who took it is audited: it speaks of people."""
    canteen, wanted = load_canteen(centre), parse_month(month)
    with unit_of_work():
        audit.record(
            actor(),
            "settlement.packed",
            "canteen",
            canteen.id,
            unit_id=centre.id,
            detail={"month": str(wanted)},
            at=database_now(),
        )
    pack = reads.pack(settle.month_of(centre.id, wanted))
    return personal(web_sheets.answer(pack, f"settlement-{centre.code}-{wanted:%Y-%m}"))
