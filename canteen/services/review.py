"""«要核对的»: what offline windows sent in and did not fit. Staff decide each line, and the books follow."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from canteen.models import MealOrder, OddScan, Redemption
from canteen.services import ledger
from canteen.services.give_back import locked_order
from canteen.services.order import changed
from canteen.services.serve import finish, owes
from core import audit
from core.audit import Actor
from core.clock import database_now
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.versions import bump
from core.words import sentences

DECISIONS = frozenset({"served", "not_served"})


def may_still_be_served(order: MealOrder) -> bool:
    """Whether a line that counts as served is this order's meal; else it is a meal more, without a subsidy."""
    return order.state in {"ordered", "uncollected"}


def decide(staff_id: int, centre_id: int, redemption_id: int, decision: str, words: str) -> None:
    """One line of the list. served: the meal went out; it is the order's where that still waits for one, with its
    subsidy, else one more. not_served: nothing went out, and cash that was taken goes back out of the till. Again it
    changes nothing."""
    said, actor = _said(decision, words), Actor("staff", staff_id)
    with unit_of_work():
        found = db.session.get(Redemption, redemption_id)
        if found is None or found.centre_id != centre_id:
            raise NotFound(_("没有找到这一条"))
        order, now = locked_order(found.order_id), database_now()
        row = db.session.get_one(Redemption, redemption_id, with_for_update=True, populate_existing=True)
        if row.state != "review":
            return
        row.reason = sentences(row.reason, said)
        cash = ledger.moved_for(row.id, "review_cash")
        if decision == "not_served":
            row.state = "undone"
            _give_back(order.centre_id, cash, actor, now, row)
        elif may_still_be_served(order):
            row.state = "stands"
            db.session.flush()
            _serve(order, row, cash, actor, now)
        else:
            row.state = "settled"
            _sell(order.centre_id, cash, actor, now, row)
        audit.record(
            actor,
            "redemption.settled",
            "redemption",
            row.id,
            unit_id=row.centre_id,
            detail={"as": decision},
            at=now,
        )
        changed(order.menu)


def _serve(order: MealOrder, row: Redemption, cash: int, actor: Actor, now: datetime) -> None:
    """The order's own meal. Cash that lies ready pays it; where it was paid another way, the cash is a sale beside."""
    pays = bool(cash) and owes(order)
    if pays:
        order.pay_state = "held"
    else:
        _sell(order.centre_id, cash, actor, now, row)
    finish(order, row, actor, now, paid=pays)


def decide_odd(staff_id: int, centre_id: int, odd_id: int, decision: str, words: str) -> None:
    """The same for a scan that belongs to no order: it has no subsidy, but perhaps money."""
    said, actor = _said(decision, words), Actor("staff", staff_id)
    with unit_of_work():
        row = db.session.get(OddScan, odd_id, with_for_update=True, populate_existing=True)
        if row is None or row.centre_id != centre_id:
            raise NotFound(_("没有找到这一条"))
        if row.state != "review":
            return
        now = database_now()
        row.state, row.words, row.decided_at, row.decided_by = decision, said, now, staff_id
        settle = _sell if decision == "served" else _give_back
        settle(centre_id, row.cash_fen, actor, now)
        audit.record(
            actor,
            "odd_scan.settled",
            "odd_scan",
            row.id,
            unit_id=centre_id,
            detail={"as": decision},
            at=now,
        )
        bump(f"today:{centre_id}")


def keep_odd(
    staff_id: int,
    centre_id: int,
    window: str,
    key: str,
    why: str,
    *,
    number: str,
    at: datetime | None,
    fen: int,
) -> None:
    """Set a scan aside that belongs to no order, with the reason and the cash that was taken for it, once."""
    actor = Actor("staff", staff_id)
    with unit_of_work():
        there = db.session.scalar(select(OddScan.id).where(OddScan.scan_key == key))
        if there is not None:
            return
        now = database_now()
        row = OddScan(
            centre_id=centre_id,
            window=window[:40],
            scan_key=key,
            number=number,
            scanned_at=at,
            recorded_at=now,
            staff_id=staff_id,
            cash_fen=fen,
            why=why,
        )
        db.session.add(row)
        db.session.flush()
        if fen:
            cash, held = (ledger.centre_account(centre_id, kind) for kind in ("cash", "held"))
            ledger.move(cash, held, fen, "review_cash", actor, at=now)
        audit.record(actor, "odd_scan.kept", "odd_scan", row.id, unit_id=centre_id, at=now)
        bump(f"today:{centre_id}")


def _said(decision: str, words: str) -> str:
    if decision not in DECISIONS:
        raise Refused("decision_missing", _("请选发了还是没有发"), status=422)
    if not words.strip():
        raise Refused("reason_missing", _("请写明核对的结果"), status=422)
    return words.strip()[:200]


def _sell(centre_id: int, fen: int, actor: Actor, now: datetime, row: Redemption | None = None) -> None:
    _from_held(centre_id, "sales", fen, "extra_sold", actor, now, row)


def _give_back(centre_id: int, fen: int, actor: Actor, now: datetime, row: Redemption | None = None) -> None:
    _from_held(centre_id, "cash", fen, "review_returned", actor, now, row)


def _from_held(
    centre_id: int, to: str, fen: int, kind: str, actor: Actor, now: datetime, row: Redemption | None
) -> None:
    if fen:
        ledger.move(
            ledger.centre_account(centre_id, "held"),
            ledger.centre_account(centre_id, to),
            fen,
            kind,
            actor,
            at=now,
            order_id=row.order_id if row else None,
            redemption_id=row.id if row else None,
        )
