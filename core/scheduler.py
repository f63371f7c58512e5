"""The clock process: jobs that fire on exactly one of any number of clocks, and catch up on what they missed.

Which clock fires is decided by a lease in database time; what has run is a table. APScheduler beats the second and
computes the times.
"""

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.triggers.base import BaseTrigger
from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import database_now
from core.database import Base, Moment, Short, Text, db, unit_of_work

log = structlog.get_logger()
LEASE = timedelta(seconds=4)
NAME = "clock"
CATCH_UP_STEPS = 100


@dataclass(frozen=True, slots=True)
class Job:
    """name: unique for ever. trigger: an APScheduler trigger, or None for every beat (then no run is written down).

    run: may run twice without harm.
    """

    name: str
    trigger: BaseTrigger | None
    run: Callable[[], object]


class Lease(Base):
    """Who is the clock until when, in database time."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(Short, primary_key=True)
    holder: Mapped[str] = mapped_column(Short)
    until: Mapped[datetime] = mapped_column(Moment)


class JobRun(Base):
    """The last time a job was due and what came of it. One row a job: what is missed is computed from it."""

    __tablename__ = "job_run"

    job: Mapped[str] = mapped_column(Short, primary_key=True)
    due_at: Mapped[datetime] = mapped_column(Moment)
    started_at: Mapped[datetime] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    error: Mapped[str | None] = mapped_column(Text)
    runs: Mapped[int] = mapped_column(default=0)


def holder_name() -> str:
    """This process, as the lease names it."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}"


def take_lease(holder: str, length: timedelta = LEASE) -> bool:
    """Take or prolong the lease. True if `holder` is the clock now. Written only when half of it is over."""
    row = db.session.execute(select(Lease.holder, Lease.until).where(Lease.name == NAME)).first()
    now = database_now()
    if row is not None and row.until >= now and (row.holder != holder or row.until - now > length / 2):
        return bool(row.holder == holder)
    with unit_of_work():
        now = database_now()
        make = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
        db.session.execute(
            make(Lease).values(name=NAME, holder=holder, until=now + length).on_conflict_do_nothing()
        )
        won = db.session.execute(
            update(Lease)
            .where(Lease.name == NAME, or_(Lease.holder == holder, Lease.until < now))
            .values(holder=holder, until=now + length)
            .returning(Lease.holder)
        ).first()
        return won is not None


def tick(jobs: Sequence[Job], holder: str) -> list[str]:
    """One beat: if this is the clock, run what is due (missed times of one job count once). Returns the jobs run."""
    if not take_lease(holder):
        return []
    ran = []
    for job in jobs:
        if job.trigger is None:
            _try(job)
            continue
        due = _due(job, job.trigger)
        if due is not None and _start(job.name, due):
            _finish(job.name, _try(job))
            ran.append(job.name)
            if not take_lease(holder):
                break
    return ran


def _due(job: Job, trigger: BaseTrigger) -> datetime | None:
    """The latest time at which `job` was due and has not run; None if it is not due. A new job is due at once."""
    now = database_now()
    last = db.session.scalar(select(JobRun.due_at).where(JobRun.job == job.name))
    if last is None:
        return now
    fire = trigger.get_next_fire_time(last, last + timedelta(microseconds=1))
    if fire is None or fire > now:
        return None
    for _ in range(CATCH_UP_STEPS):
        following = trigger.get_next_fire_time(fire, fire + timedelta(microseconds=1))
        if following is None or following > now or following <= fire:
            break
        fire = following
    else:
        return now
    due: datetime = fire.astimezone(UTC)
    return due


def _start(name: str, due: datetime) -> bool:
    """Claim one due time: of several clocks one gets it."""
    with unit_of_work():
        now = database_now()
        make = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
        new = {"due_at": due, "started_at": now, "finished_at": None, "error": None}
        row = db.session.execute(
            make(JobRun)
            .values(job=name, runs=1, **new)
            .on_conflict_do_update(
                index_elements=[JobRun.job], set_={**new, "runs": JobRun.runs + 1}, where=JobRun.due_at < due
            )
            .returning(JobRun.job)
        ).first()
        return row is not None


def _try(job: Job) -> str | None:
    """Run a job; the fault in words, or None."""
    error = None
    try:
        job.run()
    except Exception as fault:  # a job that fails must not stop the clock; the row and the log keep why
        error = f"{type(fault).__name__}: {fault}"[:400]
        log.error("job_failed", job=job.name, error=type(fault).__name__)
    db.session.remove()
    return error


def _finish(name: str, error: str | None) -> None:
    with unit_of_work():
        db.session.execute(
            update(JobRun).where(JobRun.job == name).values(finished_at=database_now(), error=error)
        )
