"""`flask doctor`: looks at everything that can be wrong, and says what to do."""

import os
import shutil

from alembic.config import Config
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import inspect, text

from centres.models import OrgUnit
from centres.queries import published_years
from centres.rules import year_warning
from core import files
from core.appendonly import APPEND_ONLY, AppendOnly
from core.area import Check
from core.backup import revision
from core.balances import BALANCES, Balance
from core.clock import database_now, now
from core.crypto import Undecryptable
from core.database import db, unit_of_work
from core.intervals import GUARDS, Guard
from core.settings import Settings
from kiosk import paper, speech
from kiosk.areas import Areas
from kiosk.queries import printers
from people.models import Resident, Staff
from people.services.cards import unread_cards

DISK = 200 * 1024 * 1024
SKEW = 5


def examine(*, mend: bool = False) -> list[Check]:
    """All findings, the bad ones with advice. mend: put missing triggers and constraints back first."""
    settings: Settings = current_app.config["SETTINGS"]
    findings = [
        *_settings(settings),
        *_database(settings, mend=mend),
        *_people(settings),
        *_calendar(),
        *_machine(settings),
        *_files(),
        *_printers(),
    ]
    return [*findings, *(check for area in Areas.all if area.doctor for check in area.doctor())]


def why_not_start() -> str:
    """What keeps the server from starting, with what to do; '' where nothing does. Tables may not be there yet."""
    settings: Settings = current_app.config["SETTINGS"]
    if settings.is_demo or "staff" not in inspect(db.session.connection()).get_table_names():
        return ""
    many = _demo_sign_ins()
    return (
        f"{many} demo sign-ins work in this database. Switch them off: flask --app app staff deactivate EMAIL"
        if many
        else ""
    )


def _demo_sign_ins() -> int:
    query = db.select(db.func.count()).select_from(Staff).where(Staff.is_demo, Staff.active)
    return db.session.scalar(query) or 0


def _settings(settings: Settings) -> list[Check]:
    secret = settings.data_dir / "secret_key"
    private = not secret.exists() or (secret.stat().st_mode & 0o077) == 0
    return [
        Check(
            True,
            f"settings are readable, mode {settings.mode}, {'SQLite' if settings.is_sqlite else 'PostgreSQL'}",
        ),
        Check(
            private,
            "the secret key is readable by its owner only",
            f"chmod 600 {secret.name} in HALL_DATA_DIR",
        ),
    ]


def _database(settings: Settings, *, mend: bool) -> list[Check]:
    scripts = ScriptDirectory.from_config(_alembic())
    at, head = revision(db.session.connection()), scripts.get_current_head()
    skew = abs((database_now() - now()).total_seconds())
    missing = missing_guards()
    if mend and missing:
        with unit_of_work():
            for guard in rules():
                if guard.name in missing:
                    guard.create(db.session.connection())
        missing = missing_guards()
    checks = [
        Check(at == head, f"the database is at the newest migration ({head})", "flask --app app db upgrade"),
        Check(
            not missing,
            "every guard and append-only trigger is in place",
            f"missing: {missing}; doctor --mend",
        ),
        Check(
            skew < SKEW, "the database's clock agrees with this machine's", f"{skew:.0f} s apart: set up NTP"
        ),
    ]
    if settings.is_sqlite:
        sound = db.session.execute(text("PRAGMA quick_check")).scalar_one() == "ok"
        checks.append(Check(sound, "the SQLite file is sound", "restore the last backup into a new file"))
    return checks


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(current_app.root_path) + "/migrations")
    return config


def rules() -> list[Guard | AppendOnly | Balance]:
    """Everything that the database itself must hold."""
    return [*GUARDS.values(), *APPEND_ONLY.values(), *BALANCES.values()]


def missing_guards() -> list[str]:
    """Names of guards that should be in the database and are not."""
    connection = db.session.connection()
    if connection.dialect.name == "postgresql":
        there = set(
            connection.execute(text("SELECT conname FROM pg_constraint WHERE contype = 'x'")).scalars()
        )
        there |= set(
            connection.execute(
                text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'")
            ).scalars()
        )
        return [rule.name for rule in rules() if rule.name not in there]
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
    found = {row.name: row.sql for row in rows}
    return [
        guard.name
        for guard in rules()
        if any(found.get(name) != sql for name, sql in guard.triggers().items())
    ]


def _people(settings: Settings) -> list[Check]:
    tables = set(inspect(db.session.connection()).get_table_names())
    if "resident" not in tables:
        return [Check(False, "the tables are there", "flask --app app db upgrade")]
    try:
        db.session.scalars(db.select(Resident.phone).where(Resident.phone.is_not(None)).limit(20)).all()
        readable = True
    except Undecryptable:
        readable = False
    demo, stale = _demo_sign_ins(), len(unread_cards())
    return [
        Check(
            readable, "encrypted columns can be read", "HALL_SECRET_KEY is not the key they were written with"
        ),
        Check(
            settings.is_demo or not demo,
            "no demo sign-ins in production",
            f"{demo} demo accounts: flask --app app staff deactivate",
        ),
        Check(
            not stale,
            "linked cards are kept as HALL_CARD_READER reads them",
            f"{stale} are not, and are not known: flask --app app cards reread",
        ),
    ]


def _calendar() -> list[Check]:
    today = now().date()
    checks = []
    for district in db.session.scalars(db.select(OrgUnit).where(OrgUnit.kind == "district")):
        year = year_warning(today, published_years([district.id]))
        advice = f"{year} is not published: enter it under settings, or wait for the package (runs daily)"
        checks.append(Check(year is None, f"the calendar of {district.code} is known", advice))
    return checks


def _files() -> list[Check]:
    """The store answers, and every file that should be there is."""
    try:
        files.store().check()
        gone = files.lost()
    except Exception as error:  # whatever a store far away may raise
        advice = f"{type(error).__name__}: look at HALL_FILES_URL, or at the folder files/ in HALL_DATA_DIR"
        return [Check(False, "the store of files answers", advice)]
    return [
        Check(True, "the store of files answers"),
        Check(
            not gone, "every file is in its store", f"lost: {len(gone)}, such as {gone[:1]}; restore a backup"
        ),
    ]


def _printers() -> list[Check]:
    """Every printer of a kiosk answers and has paper, and there is a type to print with."""
    if "paper_slip" not in inspect(db.session.connection()).get_table_names():
        return []
    addresses = printers()
    advice = "apt-get install fonts-noto-cjk: without it no slip is printed"
    checks = [Check(paper.has_font(), "slips can be drawn in Chinese", advice)] if addresses else []
    for address in addresses:
        said = paper.speak(address)
        advice = (
            "put paper in" if said.state == "no_paper" else f"{said.why}: look at its power, cable and cover"
        )
        checks.append(
            Check(said.state in {"ok", "low"}, f"the printer at {address} answers, with paper", advice)
        )
    return checks


def _machine(settings: Settings) -> list[Check]:
    free = shutil.disk_usage(settings.data_dir).free
    writable = os.access(settings.data_dir, os.W_OK)
    advice = "apt-get install espeak-ng, or leave it: the button says that there is no sound"
    return [
        Check(free > DISK, f"{free // 2**20} MiB free on the disk", "make room: new bookings need it"),
        Check(writable, "the data folder can be written", "chown the folder to the user of the server"),
        Check(True, "reading aloud works" if speech.available() else f"reading aloud is off ({advice})"),
    ]
