"""A PostgreSQL server of our own: private folder, Unix socket, `fsync` on. It never runs as root."""

import os
import pwd
import re
import signal
import subprocess
import time
from pathlib import Path

import psycopg

OWNER = "hall"
STOP_WITHIN = 20.0


class Cluster:
    """A server whose files are in `folder`; any process of the run may hold one of these."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{OWNER}@/{database}?host={self.folder}"

    def start(self, *, autovacuum: bool = False) -> None:
        """autovacuum: as in earnest; off, rows of a database that is put back come in the same order every time."""
        self.folder.mkdir(mode=0o700)
        account = _account()
        if account:
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._run("initdb", "-D", self.data, "-U", OWNER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        self._run(
            "pg_ctl", "start", "-w", "-t", "30", "-D", self.data, "-l", self.folder / "log",
            "-o", f"-k {self.folder} -c listen_addresses= -c max_connections=200 -c shared_buffers=64MB"
            f" -c autovacuum={'on' if autovacuum else 'off'}",
        )  # fmt: skip

    @property
    def pid(self) -> int | None:
        """Process id of the running server, if the one in its pid file is really ours."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            command = Path(f"/proc/{pid}/cmdline").read_text()
        except (OSError, ValueError, IndexError):
            return None
        return pid if str(self.data) in command else None

    @property
    def backends(self) -> list[int]:
        """Process ids of the server's processes that are alive now, one for each connection and a few more."""
        pid = self.pid
        return (
            [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
            if pid
            else []
        )

    def stop(self) -> None:
        pid = self.pid
        if pid is None:
            return
        os.kill(pid, signal.SIGINT)  # fast shutdown: clients are sent away
        until = time.monotonic() + STOP_WITHIN
        while self.pid == pid and time.monotonic() < until:
            time.sleep(0.02)
        if self.pid == pid:
            os.kill(pid, signal.SIGQUIT)

    def execute(self, sql: str, database: str = "postgres") -> None:
        """One statement outside a transaction, as CREATE DATABASE asks."""
        with psycopg.connect(
            host=str(self.folder), user=OWNER, dbname=database, autocommit=True
        ) as connection:
            connection.execute(sql.encode())

    def create(self, database: str, template: str = "template0") -> str:
        self.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        self.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def _run(self, program: str, *arguments: str | Path) -> None:
        account = _account()
        with (self.folder / "errors").open("ab") as errors:  # a file: the server would keep a pipe open
            done = subprocess.run(
                [binaries() / program, *arguments],
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                start_new_session=True,  # Ctrl-C in the terminal is for the tests
                check=False,
            )
        if done.returncode != 0:
            said = "".join(
                file.read_text() for file in (self.folder / "errors", self.folder / "log") if file.exists()
            )
            raise RuntimeError(f"{program} failed with {done.returncode}:\n{said[-2000:]}")


def binaries() -> Path:
    """The newest PostgreSQL that Debian installed."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found:
        raise RuntimeError("PostgreSQL is missing; script/test installs it")
    return max(found, key=lambda path: int(re.sub(r"\D", "", path.parent.name)))


def _account() -> pwd.struct_passwd | None:
    """Who the server runs as when the tests run as root."""
    return pwd.getpwnam("postgres") if os.getuid() == 0 else None
