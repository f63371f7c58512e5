"""What needs two people: asked for by one, decided by another, from anywhere; carried out in the moment of the yes.

A kind says what it does and whose role may decide. The database refuses that one person is both; of one subject and
kind there is one question open at a time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from core import audit
from core.audit import Actor
from core.clock import database_now
from core.database import Base, Moment, Short, Text, db, unit_of_work
from core.errors import NotFound, Refused
from core.versions import bump


class Approval(Base):
    """One question: may this be done? `detail` holds what is needed to do it (ids, codes, sums; no names)."""

    __tablename__ = "approval"
    __table_args__ = (
        CheckConstraint("state IN ('open','approved','refused','withdrawn')", name="state"),
        CheckConstraint(
            "decided_by IS NULL OR decided_by <> asked_by OR state = 'withdrawn'", name="two_people"
        ),
        Index(
            "uq_approval_open",
            "kind",
            "subject_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_approval_open", "state", "unit_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Short)
    subject_id: Mapped[int]
    """In the table that the kind is about."""
    unit_id: Mapped[int] = mapped_column(ForeignKey("org_unit.id"))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Text)
    asked_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    asked_at: Mapped[datetime] = mapped_column(Moment)
    state: Mapped[str] = mapped_column(Short, default="open")
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    answer: Mapped[str] = mapped_column(Text, default="")


@dataclass(frozen=True, slots=True)
class ApprovalKind:
    """name: unique for ever, such as `ledger.reversal`. roles: who may decide, over any unit of the same district.

    words(approval): what it is about, for whoever decides. carry_out(approval, actor): does it, in one unit of work
    with the yes.
    """

    name: str
    roles: frozenset[str]
    words: Callable[[Approval], str]
    carry_out: Callable[[Approval, Actor], object]


class Kinds:
    """The kinds of this process; `create_app` fills it from the areas."""

    def __init__(self) -> None:
        self.by_name: dict[str, ApprovalKind] = {}

    def use(self, kinds: list[ApprovalKind]) -> None:
        self.by_name = {kind.name: kind for kind in kinds}


kinds = Kinds()


def ask(
    kind: str, subject_id: int, unit_id: int, staff_id: int, reason: str, detail: dict[str, Any]
) -> Approval:
    """Ask a second member of staff. Refuses while the same is being asked already."""
    if not reason.strip():
        raise Refused("reason_missing", _("请写明原因"), _("批的人会看到。"), status=422)
    try:
        with unit_of_work():
            row = Approval(
                kind=kind,
                subject_id=subject_id,
                unit_id=unit_id,
                detail=detail,
                reason=reason.strip()[:200],
                asked_by=staff_id,
                asked_at=database_now(),
                state="open",
            )
            db.session.add(row)
            db.session.flush()
            audit.record(Actor("staff", staff_id), "approval.asked", "approval", row.id, unit_id=unit_id)
            bump("approvals")
    except IntegrityError as error:
        if "uq_approval_open" not in str(error.orig) and "approval.subject_id" not in str(error.orig):
            raise
        raise Refused("approval_open", _("已经在等人批了"), _("同一件事不用再提一次。")) from None
    return row


def decide(approval_id: int, staff_id: int, yes: bool, answer: str = "") -> Approval:
    """Say yes or no. A yes carries the thing out in the same unit of work: both or neither."""
    with unit_of_work():
        row = db.session.get(Approval, approval_id, with_for_update=True, populate_existing=True)
        if row is None:
            raise NotFound(_("没有找到这一条"))
        if row.state != "open":
            raise Refused("approval_over", _("这一条已经批过了"), _("刷新一下就能看到结果。"))
        if row.asked_by == staff_id:
            raise Refused(
                "two_people",
                _("要另一位同事来批"),
                _("提的人和批的人不能是同一位，别的中心的同事也可以批。"),
                status=403,
            )
        if not yes and not answer.strip():
            raise Refused("reason_missing", _("请写明为什么不同意"), _("提的人会看到。"), status=422)
        row.state = "approved" if yes else "refused"
        row.decided_by, row.decided_at, row.answer = staff_id, database_now(), answer.strip()[:200]
        actor = Actor("staff", staff_id)
        audit.record(actor, f"approval.{row.state}", "approval", row.id, unit_id=row.unit_id)
        bump("approvals")
        if yes:
            db.session.flush()
            kinds.by_name[row.kind].carry_out(row, actor)
    return row


def withdraw(approval_id: int, staff_id: int) -> None:
    """Whoever asked takes it back. Taking it back twice changes nothing."""
    with unit_of_work():
        row = db.session.get(Approval, approval_id, with_for_update=True, populate_existing=True)
        if row is None or row.asked_by != staff_id:
            raise NotFound(_("没有找到这一条"))
        if row.state == "open":
            row.state, row.decided_by, row.decided_at = "withdrawn", staff_id, database_now()
            audit.record(
                Actor("staff", staff_id), "approval.withdrawn", "approval", row.id, unit_id=row.unit_id
            )
            bump("approvals")


def open_approvals(unit_ids: frozenset[int]) -> list[Approval]:
    """What waits for a decision in these units, the oldest first."""
    query = select(Approval).where(Approval.state == "open", Approval.unit_id.in_(unit_ids))
    return list(db.session.scalars(query.order_by(Approval.asked_at)))


def open_about(kind: str, subject_ids: Sequence[int]) -> list[Approval]:
    """What waits for a decision about these subjects."""
    query = select(Approval).where(
        Approval.state == "open", Approval.kind == kind, Approval.subject_id.in_(subject_ids)
    )
    return list(db.session.scalars(query.order_by(Approval.asked_at)))
