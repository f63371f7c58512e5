"""What came of a sealed month: payments in parts, one taken back that was wrong, and the lines that the government does
not pay."""

from collections.abc import Collection
from datetime import date, datetime

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from canteen.models import (
    Canteen,
    Settlement,
    SettlementLine,
    SettlementPayment,
    SettlementRefusal,
    Transfer,
)
from canteen.services import ledger
from canteen.services.ledger import PAYMENT_BACK
from canteen.services.settle import month_words
from core import approvals, audit
from core.approvals import Approval, ApprovalKind
from core.audit import Actor
from core.clock import database_now, local_day
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.money import yuan


def record_paid(
    staff_id: int, centre_id: int, month: date, amount_fen: int, paid_on: date
) -> SettlementPayment:
    """One more payment for a sealed month, and when it came. All together they are never more than is claimed; what is
    still missing stays owed."""
    with unit_of_work():
        now, actor = database_now(), Actor("staff", staff_id)
        row = _sealed_month(centre_id, month)
        if not 0 < amount_fen <= row.claimed_fen - row.came_fen:
            raise _too_much(row)
        zone = db.session.get_one(Canteen, centre_id).centre.zone
        if row.sealed_at is None or not local_day(row.sealed_at, zone) <= paid_on <= local_day(now, zone):
            raise Refused("paid_when", _("请再看看到账的日期"), _("在封存那天以后，不晚于今天。"), status=422)
        outside, subsidy = (ledger.centre_account(centre_id, kind) for kind in ("outside", "subsidy"))
        made = SettlementPayment(
            settlement_id=row.id,
            amount_fen=amount_fen,
            paid_on=paid_on,
            transfer_id=ledger.move(outside, subsidy, amount_fen, "government_paid", actor, at=now),
            recorded_at=now,
            recorded_by=staff_id,
        )
        db.session.add(made)
        _came(row, amount_fen)
        detail = {"fen": amount_fen, "on": str(paid_on)}
        audit.record(actor, "settlement.paid", "settlement", row.id, unit_id=centre_id, detail=detail, at=now)
    return made


def _sealed_month(centre_id: int, month: date) -> Settlement:
    """The settlement, locked."""
    row = db.session.scalar(
        select(Settlement)
        .where(Settlement.centre_id == centre_id, Settlement.month == month)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound(_("这个月还没有封"), _("先封存，再登记拨付。"))
    return row


def _too_much(row: Settlement) -> Refused:
    left = row.claimed_fen - row.came_fen
    text = _("这个月还有 %(left)s 没到。", left=yuan(left)) if left > 0 else _("这个月申领的都已经到账了。")
    return Refused("paid_odd", _("到账的不会比申领的多"), text, status=422)


def _came(row: Settlement, fen: int) -> None:
    """The month has all that it claims, or not yet."""
    row.came_fen += fen
    row.state = "paid" if 0 < row.claimed_fen == row.came_fen else "sealed"
    db.session.flush()


# --- a payment that was wrong ---------------------------------------------------------------------------------------


def take_back_payment(
    staff_id: int, centre_id: int, payment_id: int, reason: str
) -> SettlementPayment | Approval:
    """A payment that was written down wrongly is reversed, once, with a reason and, above the policy's sum, by a second
    person. What one takes back in a day counts together."""
    if not reason.strip():
        raise Refused("reason_missing", _("请写明哪里记错了"), status=422)
    with unit_of_work():
        payment = db.session.get(SettlementPayment, payment_id)
        row = db.session.get_one(Settlement, payment.settlement_id) if payment is not None else None
        if payment is None or row is None or row.centre_id != centre_id:
            raise NotFound(_("没有找到这一笔"))
        if is_taken_back(payment.transfer_id):
            raise Refused("moved_already", _("这一笔已经撤掉了"), _("不会撤两次。"))
        now, actor = database_now(), Actor("staff", staff_id)
        if ledger.needs_two(actor, centre_id, payment.amount_fen, now):
            detail = {"payment": payment.id}
            return approvals.ask(PAYMENT_BACK, payment.transfer_id, centre_id, staff_id, reason, detail)
        _take_back(payment, actor, reason.strip()[:200], now)
    return payment


def is_taken_back(transfer_id: int) -> bool:
    """Whether a payment of this transfer does not count any more."""
    return (
        db.session.scalar(select(Transfer.id).where(Transfer.reverses_id == transfer_id).limit(1)) is not None
    )


def _take_back(payment: SettlementPayment, actor: Actor, reason: str, now: datetime) -> None:
    row = db.session.get_one(Settlement, payment.settlement_id, with_for_update=True, populate_existing=True)
    subsidy, outside = (ledger.centre_account(row.centre_id, kind) for kind in ("subsidy", "outside"))
    made = ledger.move(
        subsidy,
        outside,
        payment.amount_fen,
        "reversal",
        actor,
        at=now,
        reverses_id=payment.transfer_id,
        reason=reason,
    )
    _came(row, -payment.amount_fen)
    detail = {"payment": payment.id, "fen": payment.amount_fen, "by": made}
    audit.record(
        actor, "settlement.payment_back", "settlement", row.id, unit_id=row.centre_id, detail=detail, at=now
    )


def _carry_out(approval: Approval, actor: Actor) -> None:
    payment = db.session.get_one(SettlementPayment, approval.detail["payment"])
    _take_back(payment, actor, approval.reason, database_now())


def _words(approval: Approval) -> str:
    payment = db.session.get_one(SettlementPayment, approval.detail["payment"])
    row = db.session.get_one(Settlement, payment.settlement_id)
    return _(
        "%(month)s到账的 %(sum)s 记错了，要撤掉", month=month_words(row.month), sum=yuan(payment.amount_fen)
    )


APPROVALS = [
    ApprovalKind(PAYMENT_BACK, frozenset({"accountant", "manager", "supervisor"}), _words, _carry_out)
]


# --- lines that are not paid ----------------------------------------------------------------------------------------


def refuse_lines(staff_id: int, centre_id: int, month: date, line_ids: Collection[int], reason: str) -> int:
    """Write down that the government does not pay these lines of a sealed month, and what it says. No claim changes,
    and nobody's money. Returns how many are new: a line is refused once."""
    if not reason.strip():
        raise Refused("reason_missing", _("请写明对方为什么没有认"), status=422)
    with unit_of_work():
        now = database_now()
        row = _sealed_month(centre_id, month)
        if row.state == "paid":
            raise Refused("all_came", _("这个月申领的都已经到账了"), _("没有少付的。"), status=422)
        wanted = set(
            db.session.scalars(
                select(SettlementLine.id).where(
                    SettlementLine.settlement_id == row.id,
                    SettlementLine.amount_fen > 0,
                    SettlementLine.id.in_(line_ids),
                )
            )
        )
        if not wanted or len(wanted) < len(set(line_ids)):
            raise Refused("lines_odd", _("请勾上没有认的那几行"), _("更正的行不用勾。"), status=422)
        there = select(SettlementRefusal.line_id).where(SettlementRefusal.line_id.in_(wanted))
        fresh = sorted(wanted - set(db.session.scalars(there)))
        db.session.add_all(
            SettlementRefusal(line_id=line, reason=reason.strip()[:200], refused_at=now, refused_by=staff_id)
            for line in fresh
        )
        db.session.flush()
        _record(staff_id, "settlement.refused", row, {"lines": fresh}, now)
    return len(fresh)


def take_back_refusal(staff_id: int, centre_id: int, month: date, line_id: int) -> None:
    """The line was refused by mistake, or is paid after all. Taking it back twice changes nothing."""
    with unit_of_work():
        now = database_now()
        row = _sealed_month(centre_id, month)
        if row.state == "paid":
            raise Refused("all_came", _("这个月申领的都已经到账了"), _("这一行留着备查。"), status=422)
        found = db.session.scalar(
            select(SettlementRefusal)
            .join(SettlementLine, SettlementLine.id == SettlementRefusal.line_id)
            .where(SettlementRefusal.line_id == line_id, SettlementLine.settlement_id == row.id)
        )
        if found is not None:
            db.session.delete(found)
            db.session.flush()
            _record(staff_id, "settlement.refusal_back", row, {"lines": [line_id]}, now)


def _record(staff_id: int, verb: str, row: Settlement, detail: dict[str, list[int]], now: datetime) -> None:
    audit.record(
        Actor("staff", staff_id), verb, "settlement", row.id, unit_id=row.centre_id, detail=detail, at=now
    )


# --- reads ----------------------------------------------------------------------------------------------------------


def payments_of(settlement_id: int) -> list[tuple[SettlementPayment, Transfer | None]]:
    """A month's payments in their order, each with the transfer that took it back."""
    back = aliased(Transfer)
    query = (
        select(SettlementPayment, back)
        .outerjoin(back, back.reverses_id == SettlementPayment.transfer_id)
        .where(SettlementPayment.settlement_id == settlement_id)
        .order_by(SettlementPayment.paid_on, SettlementPayment.id)
    )
    return [(row[0], row[1]) for row in db.session.execute(query)]


def refusals_of(settlement_id: int) -> dict[int, SettlementRefusal]:
    """Line → what the government says about it, of a month's refused lines."""
    query = (
        select(SettlementRefusal)
        .join(SettlementLine, SettlementLine.id == SettlementRefusal.line_id)
        .where(SettlementLine.settlement_id == settlement_id)
        .order_by(SettlementRefusal.line_id)
    )
    return {row.line_id: row for row in db.session.scalars(query)}


def refused_among(line_ids: Collection[int]) -> set[int]:
    """Those of these lines that the government does not pay, whatever their month."""
    query = select(SettlementRefusal.line_id).where(SettlementRefusal.line_id.in_(line_ids))
    return set(db.session.scalars(query))


def wrong_sums() -> list[int]:
    """Settlements whose sum of payments is not what their payments come to: nothing, as long as only verbs write."""
    back = aliased(Transfer)
    stands = (
        select(func.coalesce(func.sum(SettlementPayment.amount_fen), 0))
        .outerjoin(back, back.reverses_id == SettlementPayment.transfer_id)
        .where(SettlementPayment.settlement_id == Settlement.id, back.id.is_(None))
        .correlate(Settlement)
        .scalar_subquery()
    )
    return list(
        db.session.scalars(select(Settlement.id).where(Settlement.came_fen != stands).order_by(Settlement.id))
    )
