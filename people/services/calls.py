"""Calls that staff are to make: put on the list once, tried, reached or given up."""

from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from core import audit
from core.audit import Actor
from core.clock import database_now
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.versions import bump
from people.models import CallTask

AGAIN_AFTER = timedelta(minutes=30)


def put_call(key: str, kind: str, centre_id: int, resident_id: int, words: str, due_at: datetime) -> None:
    """In the running unit of work: somebody is to be rung up by `due_at`. The same key again changes nothing."""
    make = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    db.session.execute(
        make(CallTask)
        .values(
            key=key,
            kind=kind,
            centre_id=centre_id,
            resident_id=resident_id,
            words=words,
            made_at=database_now(),
            due_at=due_at,
            state="open",
            tries=0,
        )
        .on_conflict_do_nothing()
    )
    bump(f"today:{centre_id}")


def drop_call(key: str, now: datetime) -> None:
    """In the running unit of work: what the call was for has turned out well, so nobody need be rung up any more."""
    query = (
        select(CallTask).where(CallTask.key == key, CallTask.state.in_(["open", "again"])).with_for_update()
    )
    row = db.session.scalar(query.execution_options(populate_existing=True))
    if row is not None:
        row.state, row.ended_at = "closed", now
        bump(f"today:{row.centre_id}")


def open_calls_to_make(centre_id: int) -> list[CallTask]:
    """What is still to be rung up in a centre, by due time."""
    query = select(CallTask).options(joinedload(CallTask.resident))
    query = query.where(CallTask.centre_id == centre_id, CallTask.state.in_(["open", "again"]))
    return list(db.session.scalars(query.order_by(CallTask.due_at, CallTask.id)))


def call_to_make(centre_id: int, call_id: int) -> CallTask | None:
    """One call of a centre, open or over."""
    query = select(CallTask).options(joinedload(CallTask.resident))
    return db.session.scalar(query.where(CallTask.id == call_id, CallTask.centre_id == centre_id))


def ended_calls(centre_id: int) -> list[CallTask]:
    """What came of the last day's calls, the newest first."""
    query = select(CallTask).options(joinedload(CallTask.resident))
    query = query.where(
        CallTask.centre_id == centre_id, CallTask.ended_at >= database_now() - timedelta(days=1)
    )
    return list(db.session.scalars(query.order_by(CallTask.ended_at.desc(), CallTask.id.desc()).limit(20)))


def end_call(staff_id: int, centre_id: int, call_id: int, outcome: str, note: str) -> CallTask:
    """What came of a call: `reached`, `again` (nobody answered: once more later) or `closed`, with why as a note."""
    if outcome not in {"reached", "again", "closed"}:
        raise NotFound(_("这一页没有找到"))
    if outcome == "closed" and not note.strip():
        raise Refused("reason_missing", _("请写明为什么不打了"), status=422)
    with unit_of_work():
        row = db.session.get(CallTask, call_id, with_for_update=True, populate_existing=True)
        if row is None or row.centre_id != centre_id:
            raise NotFound(_("没有找到这一条"))
        if row.state in {"reached", "closed"}:
            return row
        now = database_now()
        row.state, row.staff_id, row.tries = outcome, staff_id, row.tries + 1
        row.note = note.strip()[:200] or row.note
        if outcome == "again":
            row.due_at = now + AGAIN_AFTER
        else:
            row.ended_at = now
        audit.record(
            Actor("staff", staff_id), f"call_task.{outcome}", "call_task", row.id, unit_id=centre_id, at=now
        )
        bump(f"today:{centre_id}")
    return row
