"""Of any number of clocks one fires; another takes over when it dies; what was missed meanwhile runs once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from flask import Flask
from sqlalchemy import func, select

from core.database import db
from core.scheduler import LEASE, Job, JobRun, take_lease, tick
from staff.commands import jobs
from tests.support.clock import Clock
from tests.support.hall import apart
from tests.support.race import together

Ran = list[str]


@pytest.fixture
def ran() -> Ran:
    """The moments at which the test's job ran."""
    return []


def every(seconds: int, run: Callable[[], object], name: str = "test.job") -> Job:
    return Job(name, IntervalTrigger(seconds=seconds, timezone="UTC"), run)


def runs() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.sum(JobRun.runs))) or 0


def test_of_three_clocks_one_fires(app: Flask, inside: Flask, clock: Clock, ran: Ran) -> None:
    job = every(1, lambda: ran.append("ran"))
    for beat in range(1, 6):
        fired = together([apart(app, lambda name=name: tick([job], name)) for name in "abc"])  # type: ignore[misc]
        assert sorted(map(str, fired)) == sorted(["[]", "[]", "['test.job']"]), fired
        assert len(ran) == beat
        clock.advance(seconds=1)
    assert runs() == 5


def test_the_clock_that_holds_the_lease_keeps_it(inside: Flask, clock: Clock) -> None:
    assert take_lease("a")
    for _beat in range(10):
        clock.advance(seconds=1)
        assert take_lease("a")
        assert not take_lease("b")


def test_another_takes_over_within_seconds_after_the_holder_died(
    inside: Flask, clock: Clock, ran: Ran
) -> None:
    job = every(1, lambda: ran.append("ran"))
    assert tick([job], "a") == ["test.job"]
    waited = 0
    while tick([job], "b") == []:
        clock.advance(seconds=1)
        waited += 1
    assert timedelta(seconds=waited) <= LEASE + timedelta(seconds=1) <= timedelta(seconds=8)
    assert tick([job], "a") == [], "the old one comes back and is not the clock any more"


def test_what_was_missed_runs_once_and_not_for_every_beat(inside: Flask, clock: Clock, ran: Ran) -> None:
    job = every(1, lambda: ran.append("ran"))
    tick([job], "a")
    clock.advance(hours=3)
    assert tick([job], "a") == ["test.job"]
    assert tick([job], "a") == []
    clock.advance(seconds=1)
    assert tick([job], "a") == ["test.job"]
    assert len(ran) == 3


def test_a_nightly_job_that_was_due_while_the_house_was_dark_runs_when_it_is_back(
    inside: Flask, clock: Clock, ran: Ran
) -> None:
    clock.set("2026-11-23 12:00")
    nightly = Job("test.nightly", CronTrigger(hour=19, minute=10, timezone="UTC"), lambda: ran.append("ran"))
    tick([nightly], "a")
    clock.set("2026-11-24 03:00")
    assert tick([nightly], "a") == []
    clock.set("2026-11-24 09:00")
    assert tick([nightly], "a") == ["test.nightly"]
    assert tick([nightly], "a") == []
    clock.set("2026-11-25 03:10")
    assert tick([nightly], "a") == ["test.nightly"]


def test_a_job_that_fails_is_on_record_and_stops_nobody(inside: Flask, clock: Clock, ran: Ran) -> None:
    def fail() -> None:
        raise ValueError("the disk is full")

    all_jobs = [every(1, fail, "test.bad"), every(1, lambda: ran.append("ran"), "test.good")]
    assert tick(all_jobs, "a") == ["test.bad", "test.good"]
    bad = db.session.scalars(select(JobRun).where(JobRun.job == "test.bad")).one()
    assert bad.error == "ValueError: the disk is full"
    assert bad.finished_at is not None
    assert ran == ["ran"]
    clock.advance(seconds=1)
    assert tick(all_jobs, "a") == ["test.bad", "test.good"]


def test_a_clock_that_lost_its_lease_in_the_middle_goes_no_further(
    inside: Flask, clock: Clock, ran: Ran
) -> None:
    def slow() -> None:
        clock.advance(seconds=10)
        assert take_lease("b")

    all_jobs = [every(1, slow, "test.slow"), every(1, lambda: ran.append("ran"), "test.next")]
    assert tick(all_jobs, "a") == ["test.slow"]
    assert ran == []


def test_a_job_without_times_of_its_own_runs_with_every_beat_of_the_one_that_is_the_clock(
    inside: Flask, clock: Clock, ran: Ran
) -> None:
    job = Job("test.beat", None, lambda: ran.append("ran"))
    for _beat in range(3):
        tick([job], "a")
        tick([job], "b")
        clock.advance(seconds=1)
    assert len(ran) == 3


def test_a_job_has_one_row_however_often_it_runs(inside: Flask, clock: Clock) -> None:
    job = every(1, lambda: None)
    for _beat in range(4):
        tick([job], "a")
        clock.advance(seconds=1)
    assert db.session.scalars(select(JobRun.runs)).all() == [4]


def test_every_job_of_the_house_may_run_twice_without_harm(inside: Flask) -> None:
    all_jobs = jobs()
    assert len({job.name for job in all_jobs}) == len(all_jobs)
    for job in [*all_jobs, *all_jobs]:
        job.run()
