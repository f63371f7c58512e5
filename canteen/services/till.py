"""The count of the till: what was found is written down at once; a big difference is booked by two people."""

from flask_babel import gettext as _
from sqlalchemy import select

from canteen.models import Account, Canteen, CashCount
from canteen.rules import CanteenPolicy
from canteen.services import ledger
from centres.policies import policies
from core import approvals, audit
from core.approvals import Approval
from core.audit import Actor
from core.clock import database_now, local_day
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.money import yuan
from core.versions import bump

DIFFERENCE = "ledger.cash_difference"


def count_cash(
    staff_id: int,
    centre_id: int,
    notes: dict[str, int],
    *,
    handed_to_id: int | None = None,
    banked_fen: int = 0,
    reason: str = "",
) -> CashCount:
    """The till is counted: `notes` says how many of each value in fen. A difference is written down as one transfer,
    above the policy's sum with a reason and by a second member of staff; `banked_fen` leaves the till for the bank."""
    counted = sum(int(value) * many for value, many in notes.items())
    actor = Actor("staff", staff_id)
    if counted < 0 or not 0 <= banked_fen <= counted:
        raise Refused("amount_odd", _("存银行的比钱箱里的还多"), _("请再数一遍。"), status=422)
    with unit_of_work():
        now = database_now()
        cash = ledger.centre_account(centre_id, "cash")
        box = db.session.get_one(Account, cash, with_for_update=True, populate_existing=True)
        if (
            box.blocked_at is not None
        ):  # what should be in it is not known: a wrong difference would be booked
            raise ledger.books_checked(_("先把数目写在纸上，核对好了再来记。"))
        expected = ledger.till(centre_id) + waiting_fen(centre_id)
        found = counted - expected
        alone = abs(found) <= alone_most(centre_id)
        if not alone and not reason.strip():
            raise Refused(
                "reason_missing",
                _("差了 %(sum)s，请写明原因", sum=yuan(abs(found))),
                _("请再数一遍；真的差了，写下原因，另一位同事批了才记进账。"),
                status=422,
            )
        made = _book(centre_id, found, actor) if found and alone else None
        if banked_fen:
            bank = ledger.centre_account(centre_id, "outside")
            ledger.move(bank, cash, banked_fen, "to_bank", actor, at=now)
        row = CashCount(
            centre_id=centre_id,
            at=now,
            staff_id=staff_id,
            handed_to_id=handed_to_id,
            expected_fen=expected,
            counted_fen=counted,
            notes=notes,
            banked_fen=banked_fen,
            transfer_id=made,
        )
        db.session.add(row)
        db.session.flush()
        if not alone:
            detail = {"count": row.id, "fen": found}
            approvals.ask(DIFFERENCE, row.id, centre_id, staff_id, reason, detail)
        audit.record(actor, "cash.counted", "cash_count", row.id, unit_id=centre_id, at=now)
        bump(f"money:{centre_id}")
    return row


def take_over(staff_id: int, centre_id: int, count_id: int) -> CashCount:
    """Whoever the till was handed to says that it holds what was counted, and answers for it from now on. Again it
    changes nothing. Who finds another sum counts it anew."""
    with unit_of_work():
        row = db.session.get(CashCount, count_id, with_for_update=True, populate_existing=True)
        if row is None or row.centre_id != centre_id:
            raise NotFound(_("没有找到这一次盘点"))
        if row.handed_to_id != staff_id:
            raise Refused("not_yours", _("这一次不是交给您的"), _("请接班的同事自己来确认。"), status=403)
        if row.taken_at is None:
            row.taken_at = database_now()
            actor = Actor("staff", staff_id)
            audit.record(actor, "cash.taken", "cash_count", row.id, unit_id=centre_id, at=row.taken_at)
            bump(f"money:{centre_id}")
    return row


def alone_most(centre_id: int) -> int:
    """Up to which difference one member of staff is enough."""
    canteen = db.session.get_one(Canteen, centre_id)
    today = local_day(database_now(), canteen.centre.zone)
    return policies(CanteenPolicy, "canteen", centre_id, today).cash_difference_fen


def waiting_fen(centre_id: int) -> int:
    """Differences that were found and wait for a second person: the next count does not find them again."""
    query = select(Approval).where(
        Approval.kind == DIFFERENCE, Approval.state == "open", Approval.unit_id == centre_id
    )
    return sum(row.detail["fen"] for row in db.session.scalars(query))


def _book(centre_id: int, found_fen: int, actor: Actor) -> int:
    """More in the till than there should be: cash is debited, as when money comes in; less: credited."""
    cash, other = (ledger.centre_account(centre_id, kind) for kind in ("cash", "difference"))
    debit, credit = (cash, other) if found_fen > 0 else (other, cash)
    return ledger.move(debit, credit, abs(found_fen), "cash_difference", actor, at=database_now())


def _carry_out(approval: Approval, actor: Actor) -> None:
    row = db.session.get_one(CashCount, approval.detail["count"], with_for_update=True)
    row.transfer_id = _book(row.centre_id, approval.detail["fen"], actor)
    bump(f"money:{row.centre_id}")


def _words(approval: Approval) -> str:
    fen = approval.detail["fen"]
    return _("数钱箱多了 %(sum)s", sum=yuan(fen)) if fen > 0 else _("数钱箱少了 %(sum)s", sum=yuan(-fen))


APPROVALS = [
    approvals.ApprovalKind(
        DIFFERENCE, frozenset({"manager", "supervisor", "accountant", "front_desk"}), _words, _carry_out
    )
]
