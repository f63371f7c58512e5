"""A database for every test, on both engines: made once per run by the migrations, then copied. Those of PostgreSQL
are put back as they were (putback.py) and handed out again."""

import json
import shutil
import sqlite3
from dataclasses import asdict
from pathlib import Path

import flask_migrate

from app import create_app
from core.database import db
from tests.support.cast import Cast, load
from tests.support.clock import Clock
from tests.support.postgres import Cluster
from tests.support.putback import keep, put_back
from tests.support.run import Run

ENGINES = ("sqlite", "postgresql")
SECRET_KEY = "a secret of the tests, long enough and of no use elsewhere"
BARE = "hall_bare"
"""As the migrations leave it."""
TEMPLATE = "hall_template"
PEOPLED = "hall_template_cast"


class Databases:
    """Hands out databases; one per worker process."""

    def __init__(self, run: Run, worker: str) -> None:
        self.run = run
        self.worker = worker
        self.count = 0
        self.made: dict[str, str] = {}
        """URL of a PostgreSQL database → the template that it was copied from."""
        self.ready: dict[str, list[str]] = {TEMPLATE: [], PEOPLED: []}
        """Those that are as new, by template."""

    @property
    def cluster(self) -> Cluster:
        """The PostgreSQL server of the run, started by whoever asks first."""
        cluster = Cluster(self.run.folder / "postgres")

        def start() -> dict[str, str]:
            cluster.start()
            return {}

        self.run.once("postgres", start)
        return cluster

    def empty(self, engine: str, folder: Path) -> str:
        """URL of a database without any table."""
        if engine == "sqlite":
            return f"sqlite:///{folder / 'hall.db'}"
        return self.cluster.create(self._name())

    def fresh(self, engine: str, folder: Path) -> str:
        """URL of a database with every table and no row but those of the migrations."""
        if engine == "sqlite":
            made = self.run.once("sqlite-template", self._make_sqlite)
            shutil.copyfile(made["file"], folder / "hall.db")
            return f"sqlite:///{folder / 'hall.db'}"
        self.run.once("postgresql-template", self._make_postgresql)
        return self._copy(TEMPLATE)

    def peopled(self, engine: str, folder: Path) -> str:
        """URL of a database in which the cast lives: made once per run, because hashing passwords takes its time."""
        made = self._cast(engine)
        if engine == "sqlite":
            shutil.copyfile(made["file"], folder / "hall.db")
            return f"sqlite:///{folder / 'hall.db'}"
        return self._copy(PEOPLED)

    def _copy(self, template: str) -> str:
        if self.ready[template]:
            return self.ready[template].pop()
        url = self.cluster.create(self._name(), template)
        self.made[url] = template
        return url

    def cast(self, engine: str) -> Cast:
        """Who lives in the databases of `peopled`."""
        given = json.loads(self._cast(engine)["cast"])
        return Cast(**{**given, "couple": tuple(given["couple"])})

    def _cast(self, engine: str) -> dict[str, str]:
        def make() -> dict[str, str]:
            folder = self.run.folder / f"{engine}-cast"
            folder.mkdir()
            url = self.fresh("sqlite", folder) if engine == "sqlite" else self.cluster.create(PEOPLED, BARE)
            app = create_app(settings(url, folder, CLOCK=Clock()))
            made = load(app)
            with app.app_context():
                db.engine.dispose()
            if engine == "sqlite":
                checkpoint(folder / "hall.db")
            else:
                keep(url)
            return {"file": str(folder / "hall.db"), "cast": json.dumps(asdict(made))}

        if engine == "postgresql":
            self.run.once("postgresql-template", self._make_postgresql)
        return self.run.once(f"{engine}-cast", make)

    def drop(self, url: str) -> None:
        """Give a PostgreSQL database back; a SQLite file goes with its folder."""
        if not url.startswith("postgresql"):
            return
        template = self.made.get(url)
        if template and put_back(url):
            self.ready[template].append(url)
        else:
            self.cluster.drop(url.partition("?")[0].rpartition("/")[2])

    def _name(self) -> str:
        self.count += 1
        return f"hall_{self.worker}_{self.count}"

    def _make_sqlite(self) -> dict[str, str]:
        folder = self.run.folder / "sqlite"
        folder.mkdir()
        file = folder / "hall.db"
        migrate(f"sqlite:///{file}", folder)
        checkpoint(file)
        return {"file": str(file)}

    def _make_postgresql(self) -> dict[str, str]:
        folder = self.run.folder / "postgresql"
        folder.mkdir()
        migrate(self.cluster.create(BARE), folder)
        keep(self.cluster.create(TEMPLATE, BARE))
        return {}


def checkpoint(file: Path) -> None:
    """Bring everything into the file itself, so that it can be copied."""
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def migrate(url: str, data_dir: Path) -> None:
    """What `flask db upgrade` does, in this process."""
    app = create_app(settings(url, data_dir))
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()


def settings(url: str, data_dir: Path, **more: object) -> dict[str, object]:
    """Settings of a program under test."""
    return {
        "MODE": "demo",
        "TESTING": True,
        "SECRET_KEY": SECRET_KEY,
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": url,
        **more,
    }
