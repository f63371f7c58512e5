"""Orders whose help from the government does not fit: each is listed once, and staff write down what became of it."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from canteen.models import ClaimCorrection, MealOrder
from core import audit
from core.audit import Actor
from core.clock import database_now
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.versions import bump


def put_down(order: MealOrder, kind: str, amount_fen: int, now: datetime) -> None:
    """In the running unit of work: somebody has to look at this order."""
    there = select(ClaimCorrection.id).where(ClaimCorrection.order_id == order.id)
    if db.session.scalar(there) is None:
        db.session.add(
            ClaimCorrection(
                order_id=order.id,
                centre_id=order.centre_id,
                kind=kind,
                amount_fen=amount_fen,
                made_at=now,
            )
        )
        db.session.flush()
        bump(f"money:{order.centre_id}")


def is_open(order_id: int) -> bool:
    """Whether somebody still has to look at this order."""
    query = select(ClaimCorrection.id).where(
        ClaimCorrection.order_id == order_id, ClaimCorrection.settled_at.is_(None)
    )
    return db.session.scalar(query) is not None


def open_ones(centre_id: int) -> list[ClaimCorrection]:
    """Orders that somebody has to look at, the oldest first."""
    query = select(ClaimCorrection).where(
        ClaimCorrection.centre_id == centre_id, ClaimCorrection.settled_at.is_(None)
    )
    return list(db.session.scalars(query.order_by(ClaimCorrection.id)))


def settle(staff_id: int, centre_id: int, correction_id: int, note: str) -> None:
    """Somebody has looked, and says what became of it. Again it changes nothing."""
    if not note.strip():
        raise Refused("reason_missing", _("请写明怎么更正的"), status=422)
    with unit_of_work():
        row = db.session.get(ClaimCorrection, correction_id, with_for_update=True, populate_existing=True)
        if row is None or row.centre_id != centre_id:
            raise NotFound(_("没有找到这一条"))
        if row.settled_at is None:
            row.settled_at, row.settled_by, row.note = database_now(), staff_id, note.strip()[:200]
            audit.record(
                Actor("staff", staff_id), "correction.settled", "meal_order", row.order_id, unit_id=centre_id
            )
