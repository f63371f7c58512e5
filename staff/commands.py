"""`flask` commands that span the house: the clock, doctor, backup and restore, keys."""

import time
from pathlib import Path

import click
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from flask import current_app
from flask.cli import with_appcontext

from centres.services import seed_missing_years
from core import backup as backups
from core.database import db, unit_of_work
from core.events import deliver_due
from core.files import sweep
from core.outbox import send_due
from core.requestkeys import forget_expired
from core.rotate import rotate
from core.scheduler import Job, holder_name, tick
from kiosk.areas import Areas
from kiosk.jobs import JOBS as KIOSK_JOBS
from kiosk.services import end_silent_visits
from people.services.throttles import tidy
from staff.doctor import examine


def _forget_keys() -> None:
    with unit_of_work():
        forget_expired()


def jobs() -> list[Job]:
    """Everything the clock runs: the house's own jobs and the areas'."""
    return [
        Job("core.deliver", None, deliver_due),
        Job("core.send", None, send_due),
        Job("kiosk.visits", IntervalTrigger(seconds=20, timezone="UTC"), end_silent_visits),
        *KIOSK_JOBS,
        Job("core.files", IntervalTrigger(hours=1, timezone="UTC"), sweep),
        Job("core.keys", IntervalTrigger(hours=1, timezone="UTC"), _forget_keys),
        Job("people.throttles", IntervalTrigger(hours=1, timezone="UTC"), tidy),
        Job("centres.calendar", CronTrigger(hour=18, minute=5, timezone="UTC"), seed_missing_years),
        *(job for area in Areas.all for job in area.jobs),
    ]


@click.command("clock")
@with_appcontext
def clock() -> None:
    """Run the clock process: of many, one fires; another takes over within seconds."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    beat, all_jobs = BlockingScheduler(timezone="UTC"), jobs()

    def once_a_second() -> None:
        with app.app_context():
            tick(all_jobs, holder_name())
            db.session.remove()

    beat.add_job(once_a_second, "interval", seconds=1, max_instances=1, coalesce=True, misfire_grace_time=30)
    click.echo("The clock is running.")
    beat.start()


@click.command("doctor")
@click.option("--mend", is_flag=True, help="Put missing triggers back.")
@with_appcontext
def doctor(mend: bool) -> None:
    """Look at settings, database, triggers, calendar and disk, and say what to do."""
    findings = examine(mend=mend)
    for finding in findings:
        click.echo(f"{'✓' if finding.ok else '✗'} {finding.what}")
        if not finding.ok:
            click.echo(f"  → {finding.advice}")
    bad = sum(not finding.ok for finding in findings)
    click.echo(f"{len(findings) - bad} fine, {bad} to see to.")
    if bad:
        raise SystemExit(1)


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_appcontext
def backup(file: Path) -> None:
    """Write everything to FILE while the house goes on working."""
    began = time.perf_counter()
    counts = backups.backup(file)
    click.echo(
        f"{sum(counts.values())} rows of {len(counts)} tables in {time.perf_counter() - began:.1f} s: {file}"
    )
    click.echo("Keep HALL_SECRET_KEY apart from it: without the key, encrypted columns cannot be read.")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_appcontext
def restore(file: Path) -> None:
    """Fill an empty, migrated database from FILE; a damaged file is refused with a reason."""
    try:
        counts = backups.restore(file)
    except backups.Damaged as reason:
        raise click.ClickException(str(reason)) from None
    click.echo(f"{sum(counts.values())} rows of {len(counts)} tables are back.")


@click.group()
def keys() -> None:
    """The secret key and what is encrypted with it."""


@keys.command("rotate")
@with_appcontext
def rotate_keys() -> None:
    """Write every encrypted value anew with HALL_SECRET_KEY; the key before stands in HALL_OLD_SECRET_KEYS."""
    with click.progressbar(length=100, label="Encrypting anew") as bar:
        counts = rotate(lambda share: bar.update(int(share * 100) - bar.pos))
    click.echo("; ".join(f"{table}: {count}" for table, count in counts.items()) or "Nothing to do.")
    click.echo(
        "Restart all processes. Keep HALL_OLD_SECRET_KEYS: cards and slips printed before are signed with it."
    )


COMMANDS = [clock, doctor, backup, restore, keys]
