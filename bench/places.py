"""Where it runs: a folder of its own, databases made by the migrations, and the program behind gunicorn."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from flask import Flask

from app import create_app
from core.database import db
from tests.support import server as servers
from tests.support.databases import migrate
from tests.support.postgres import Cluster, binaries
from tests.support.run import Run

SECRET_KEY = "a secret of the benchmark, long enough and of no use elsewhere"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Places:
    """One run of the benchmark."""

    folder: Path
    cluster: Cluster

    def database(self, engine: str, name: str) -> str:
        """URL of a fresh database with every table."""
        folder = self.folder / name
        folder.mkdir()
        url = (
            f"sqlite:///{folder / 'hall.db'}" if engine == "sqlite" else self.cluster.create(f"bench_{name}")
        )
        migrate(url, folder)
        return url

    def config(self, url: str) -> dict[str, object]:
        """Settings as in earnest: nothing is switched off or made cheaper."""
        return {"SECRET_KEY": SECRET_KEY, "DATA_DIR": str(self.folder), "DATABASE_URL": url}

    def app(self, url: str) -> Flask:
        """The program in this process, for preparing and for looking afterwards."""
        return create_app({**self.config(url), "LOG_LEVEL": "error"})

    @contextlib.contextmanager
    def server(self, url: str) -> Iterator[servers.Server]:
        """Two web processes with four threads each, by gunicorn.conf.py."""
        running = servers.start(self.config(url), self.folder)
        try:
            yield running
        finally:
            running.stop()

    @contextlib.contextmanager
    def bound_server(
        self, application: str = "bench.bound_app:application()", given: Mapping[str, str] | None = None
    ) -> Iterator[servers.Server]:
        """The same server without a program: with this application, which `given` is the environment of."""
        reserved = socket.socket()
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        log = self.folder / "bound.log"
        command = [
            sys.executable, "-m", "gunicorn", "-c", "python:bench.bound_conf", application,
        ]  # fmt: skip
        environ = {**os.environ, "PORT": str(port), **(given or {})}
        with log.open("ab") as said:
            process = subprocess.Popen(
                command, cwd=servers.ROOT, env=environ, stdout=said, stderr=said, start_new_session=True
            )
        running = servers.Server(f"http://127.0.0.1:{port}", process, reserved, log)
        try:
            _wait(f"{running.url}/trivial")
            yield running
        finally:
            running.stop()

    def pgbench(self, seconds: int) -> float:
        """Single-row commits a second, 4 clients."""
        script = self.folder / "one-row.sql"
        if not script.exists():
            script.write_text("INSERT INTO one_row (n) VALUES (1);\n")
            script.chmod(0o644)
            self.cluster.create("bound")
            self.cluster.execute("CREATE TABLE one_row (id bigserial PRIMARY KEY, n int)", "bound")
        output = subprocess.run(
            [binaries() / "pgbench", "-n", "-h", self.cluster.folder, "-U", "hall", "-c4", "-j2", f"-T{seconds}",
             "-f", script, "bound"],
            check=True, capture_output=True, text=True, cwd="/",
        ).stdout  # fmt: skip
        return float(next(line for line in output.splitlines() if line.startswith("tps")).split()[2])


@contextlib.contextmanager
def places() -> Iterator[Places]:
    """A folder and a database server that are gone afterwards."""
    for name in [name for name in os.environ if name.startswith("HALL_")]:
        del os.environ[name]  # settings of whoever starts the benchmark are not its settings
    run = Run.begin()
    cluster = Cluster(run.folder / "postgres")
    try:
        cluster.start(autovacuum=True)
        yield Places(run.folder, cluster)
    finally:
        with contextlib.suppress(psycopg.Error):
            cluster.stop()
        run.end()


def close(app: Flask) -> None:
    """Give the connections of an app in this process back."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def cpu(running: servers.Server | Cluster) -> float:
    """Seconds of processor time that the processes of a server have used, of those that are alive."""
    total = 0
    for pid in running.workers if isinstance(running, servers.Server) else running.backends:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def _wait(url: str) -> None:
    for _try in range(200):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.1)
    raise RuntimeError(f"nothing answers at {url}")
