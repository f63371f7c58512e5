"""What came of a sealed month: payments, lines that are not paid, and what the government owes in all."""

from datetime import date
from typing import Any

from flask import Response, flash, render_template, request
from flask_babel import gettext as _

from canteen import counter_queries as queries
from canteen import settlement as reads
from canteen.desk.root import base, blueprint, load_canteen
from canteen.desk.settlement import BOOKS, SEAL, month_url, parse_month, state_words
from canteen.forms import parse_day, parse_yuan
from canteen.models import SettlementPayment, Transfer
from canteen.owed import Owed, owed_of
from canteen.services import paid, settle
from canteen.services.ledger import PAYMENT_BACK
from canteen.services.settle import month_words, next_month
from centres.models import Centre
from core import approvals
from core.approvals import Approval
from core.clock import local_day, now
from core.errors import NotFound
from core.http import once, personal, row_number, see_other
from core.money import yuan
from core.words import clock_words, date_words, near_day
from people.access import grants_roles, require, signed_in


@blueprint.get("/settlement/<month>/paid")
@require(BOOKS)
def settlement_paid(centre: Centre, month: str) -> Response:
    """What came of a month and what did not: every payment, every refused line, and what nobody has explained yet."""
    found = settle.month_of(load_canteen(centre).id, parse_month(month))
    row = found.settlement
    if row is None:
        raise NotFound(_("这个月还没有封"), _("先封存，再登记拨付。"))
    rows = reads.rows_of(found)
    payments = paid.payments_of(row.id)
    names = queries.names_of([payment.recorded_by for payment, _back in payments])
    asked = {
        one.subject_id
        for one in approvals.open_about(PAYMENT_BACK, [payment.transfer_id for payment, _back in payments])
    }
    refused = [one for one in rows if one.refused]
    named = sum(one.line.amount_fen for one in refused)
    return personal(
        render_template(
            "canteen/desk_settlement_paid.html",
            month_words=month_words(found.month),
            month_url=month_url(centre, found.month),
            state=state_words(found),
            all_came=row.state == "paid",
            claimed=yuan(found.claimed_fen),
            came=yuan(found.came_fen),
            missing=yuan(found.claimed_fen - found.came_fen),
            refused_sum=yuan(named),
            words=reads.short_words(found, rows),
            payments=[
                _payment(centre, found.month, payment, back, names, payment.transfer_id in asked)
                for payment, back in payments
            ],
            refused=[_refused(centre, found.month, one) for one in refused],
            rows_url=month_url(centre, found.month, "rows"),
            may_write=bool(grants_roles(signed_in(), centre.id) & SEAL),
            may_come=found.came_fen < found.claimed_fen,
            pay_url=month_url(centre, found.month, "paid"),
            today=local_day(now(), centre.zone),
        )
    )


def _payment(
    centre: Centre,
    month: date,
    payment: SettlementPayment,
    back: Transfer | None,
    names: dict[int, str],
    waits: bool,
) -> dict[str, Any]:
    today = local_day(now(), centre.zone)
    day = near_day(local_day(payment.recorded_at, centre.zone), today)
    return {
        "sum": yuan(payment.amount_fen),
        "on": date_words(payment.paid_on),
        "who": names.get(payment.recorded_by, ""),
        "written": f"{day} {clock_words(payment.recorded_at, centre.zone)}",
        "back": back is not None,
        "why": back.reason if back is not None else "",
        "waits": waits,
        "back_url": month_url(centre, month, "paid", str(payment.id), "back")
        if back is None and not waits
        else None,
    }


def _refused(centre: Centre, month: date, row: reads.Row) -> dict[str, Any]:
    return {
        "person": row.person,
        "number": row.number,
        "day": date_words(row.day),
        "kind": reads.kind_words(row.line.kind),
        "rule": row.rule_name,
        "sum": yuan(row.line.amount_fen),
        "reason": row.refused,
        "back_url": month_url(centre, month, "refused", str(row.line.id), "back"),
    }


@blueprint.post("/settlement/<month>/paid")
@require(SEAL)
@once
def pay_settlement(centre: Centre, month: str) -> Response:
    """One more payment, and when it came."""
    wanted = parse_month(month)
    fen = parse_yuan(request.form.get("sum", ""))
    day = parse_day(request.form.get("on", ""))
    paid.record_paid(signed_in().id, load_canteen(centre).id, wanted, fen, day)
    flash(_("记下了"), "done")
    return see_other(month_url(centre, wanted, "paid"))


@blueprint.post("/settlement/<month>/paid/<int:payment_id>/back")
@require(SEAL)
@once
def take_back_payment(centre: Centre, month: str, payment_id: int) -> Response:
    """A payment that was written down wrongly; a large one by a second person."""
    wanted = parse_month(month)
    done = paid.take_back_payment(
        signed_in().id, load_canteen(centre).id, payment_id, request.form.get("reason", "")
    )
    if isinstance(done, Approval):
        flash(_("已经提上去了，等另一位同事批。批了才撤掉。"), "warn")
    else:
        flash(_("撤掉了"), "done")
    return see_other(month_url(centre, wanted, "paid"))


@blueprint.post("/settlement/<month>/refuse")
@require(SEAL)
@once
def refuse_lines(centre: Centre, month: str) -> Response:
    """Lines that the government does not pay, with what it says."""
    wanted = parse_month(month)
    lines = request.form.getlist("line", type=row_number)
    many = paid.refuse_lines(
        signed_in().id, load_canteen(centre).id, wanted, lines, request.form.get("reason", "")
    )
    flash(_("记下了 %(n)d 行没有认", n=many), "done")
    return see_other(month_url(centre, wanted, "paid"))


@blueprint.post("/settlement/<month>/refused/<int:line_id>/back")
@require(SEAL)
@once
def take_back_refusal(centre: Centre, month: str, line_id: int) -> Response:
    """A line was marked by mistake, or is paid after all."""
    wanted = parse_month(month)
    paid.take_back_refusal(signed_in().id, load_canteen(centre).id, wanted, line_id)
    flash(_("这一行不算没有认了"), "done")
    return see_other(month_url(centre, wanted, "paid"))


@blueprint.get("/settlement/owed")
@require(BOOKS)
def settlement_owed(centre: Centre) -> Response:
    """What the government has not paid yet by the books, month by month, to the fen."""
    found = owed_of(load_canteen(centre).id)
    return personal(
        render_template(
            "canteen/desk_settlement_owed.html",
            fen=yuan(found.fen),
            sealed=[
                {
                    "month": month_words(one.month),
                    "claimed": yuan(one.claimed_fen),
                    "came": yuan(one.came_fen),
                    "left": yuan(one.left_fen),
                    "url": month_url(centre, one.month),
                    "rows_url": month_url(centre, one.month, "rows"),
                    "paid_url": month_url(centre, one.month, "paid"),
                }
                for one in found.sealed
            ],
            running=[
                {
                    "month": month_words(month),
                    "fen": yuan(fen),
                    "url": f"{month_url(centre, month, 'rows')}?kind=meal&pick=own",
                }
                for month, fen in found.running
            ],
            late=yuan(found.late_fen) if found.late_fen else "",
            late_url=_late_url(centre, found),
            rest=yuan(found.rest_fen) if found.rest_fen else "",
            back_url=f"{base(centre)}/settlement",
        )
    )


def _late_url(centre: Centre, found: Owed) -> str:
    """Where what changed in sealed months is claimed or taken back: the month after them."""
    after = (
        next_month(found.sealed[-1].month) if found.sealed else local_day(now(), centre.zone).replace(day=1)
    )
    return f"{month_url(centre, after, 'rows')}?kind=meal&pick=since"
