"""What waits for a second person: decided from anywhere in the district, never by whoever asked."""

from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _
from sqlalchemy import or_, select

from centres.models import OrgUnit
from core import approvals as service
from core.approvals import Approval, kinds
from core.clock import local, local_day, now
from core.database import db
from core.errors import NotFound
from core.http import once, personal, see_other
from core.i18n import pick
from core.words import clock_words, near_day
from people.access import require_anywhere, signed_in
from people.models import Staff
from people.rules import EVERYONE
from staff.asked import decidable, waiting
from staff.views.root import blueprint

ZONE = "Asia/Shanghai"
MOST_PAST = 40


def _to_decide(approval_id: int) -> Approval:
    """A question that whoever asks may answer, or has asked themselves; else: not here."""
    row = db.session.scalar(select(Approval).where(Approval.id == approval_id))
    staff = signed_in()
    if row is None or (
        row.asked_by != staff.id and row.unit_id not in decidable(staff).get(row.kind, frozenset())
    ):
        raise NotFound(_("没有找到这一条"), _("可能已经撤回了，或者不归您批。"))
    return row


@blueprint.get("/approvals")
@require_anywhere(EVERYONE)
def approvals() -> Response:
    """What waits for me, what I asked, and what has been decided."""
    staff = signed_in()
    may = decidable(staff)
    mine = db.session.scalars(
        select(Approval)
        .where(Approval.asked_by == staff.id, Approval.state == "open")
        .order_by(Approval.asked_at)
    ).all()
    units = frozenset().union(*may.values()) if may else frozenset()
    past = db.session.scalars(
        select(Approval)
        .where(
            Approval.state != "open",
            or_(Approval.asked_by == staff.id, Approval.unit_id.in_(units)),
        )
        .order_by(Approval.decided_at.desc(), Approval.id.desc())
        .limit(MOST_PAST)
    ).all()
    over = [row for row in past if row.asked_by == staff.id or row.unit_id in may.get(row.kind, frozenset())]
    open_ones = waiting(staff)
    people = _people([*open_ones, *mine, *over])
    places = _places([*open_ones, *mine, *over])
    return personal(
        render_template(
            "staff/approvals.html",
            waiting=[_line(row, people, places) for row in open_ones],
            mine=[_line(row, people, places) for row in mine],
            past=[_line(row, people, places) for row in over],
        )
    )


def _people(rows: list[Approval]) -> dict[int, str]:
    ids = {row.asked_by for row in rows} | {row.decided_by for row in rows if row.decided_by}
    return {one.id: one.name for one in db.session.scalars(select(Staff).where(Staff.id.in_(ids)))}


def _places(rows: list[Approval]) -> dict[int, str]:
    query = select(OrgUnit).where(OrgUnit.id.in_({row.unit_id for row in rows}))
    return {one.id: pick(one.name_zh, one.name_en) for one in db.session.scalars(query)}


def _line(row: Approval, people: dict[int, str], places: dict[int, str]) -> dict[str, Any]:
    kind = kinds.by_name.get(row.kind)
    states = {
        "approved": (_("同意了"), "ok"),
        "refused": (_("没有同意"), "err"),
        "withdrawn": (_("撤回了"), "plain"),
        "open": (_("等人批"), "warn"),
    }
    words, look = states[row.state]
    decided = row.decided_at
    return {
        "words": kind.words(row) if kind is not None else row.kind,
        "reason": row.reason,
        "who": people.get(row.asked_by, ""),
        "where": places.get(row.unit_id, ""),
        "when": _when(row.asked_at),
        "state": words,
        "look": look,
        "by": people.get(row.decided_by or 0, ""),
        "decided": _when(decided) if decided is not None else "",
        "answer": row.answer,
        "url": f"/staff/approvals/{row.id}",
    }


def _when(moment: Any) -> str:
    today = local_day(now(), ZONE)
    return f"{near_day(local(moment, ZONE).date(), today)} {clock_words(moment, ZONE)}"


@blueprint.post("/approvals/<int:approval_id>/<verb>")
@require_anywhere(EVERYONE)
@once
def decide(approval_id: int, verb: str) -> Response:
    """Yes, no with a reason, or taken back by whoever asked."""
    row = _to_decide(approval_id)
    staff = signed_in().id
    if verb in {"yes", "no"}:
        service.decide(row.id, staff, verb == "yes", request.form.get("answer", ""))
    elif verb == "withdraw":
        service.withdraw(row.id, staff)
    else:
        raise NotFound(_("这一页没有找到"))
    return see_other("/staff/approvals")
