"""The program as it runs in earnest: gunicorn with several worker processes, on a free port of this machine."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_WITHIN = 30.0
STOP_WITHIN = 15.0
PATIENCE = 1.5
"""Idle workers with kept connections take their time to end; nothing of a test depends on it."""


@dataclass
class Server:
    """A running server. `log` is a file with what it said."""

    url: str
    process: subprocess.Popen[bytes]
    reserved: socket.socket
    log: Path

    @property
    def workers(self) -> list[int]:
        """Process ids of the workers that are alive now."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def stop(self) -> None:
        """End it quickly but in order; by force if it takes its time."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
        self.reserved.close()

    def kill(self) -> None:
        """End master and workers at once, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_WITHIN)


def start(
    config: dict[str, object], folder: Path, *, clock: Path | None = None, workers: int = 2, threads: int = 4
) -> Server:
    """Start the program with `config`; comes back once every worker can answer. `clock`: file of a shared clock."""
    reserved = socket.socket()  # bound but not listening: keeps the port ours while gunicorn binds it too
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind(("127.0.0.1", 0))
    port = reserved.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    given = folder / f"server-{port}.json"
    given.write_text(
        json.dumps({"config": {"PUBLIC_URL": url, **config}, "clock": str(clock) if clock else None})
    )
    log = folder / f"server-{port}.log"
    metrics = folder / f"metrics-{port}"
    metrics.mkdir()
    command = [
        sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py",
        "--workers", str(workers), "--threads", str(threads), "tests.support.wsgi:application()",
    ]  # fmt: skip
    with log.open("ab") as said:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={
                **os.environ,
                "PORT": str(port),
                "HALL_TEST_SERVER": str(given),
                "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            },
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    server = Server(url, process, reserved, log)
    try:
        _wait(server, workers)
    except BaseException:
        server.kill()
        reserved.close()
        raise
    return server


def _wait(server: Server, workers: int) -> None:
    until = time.monotonic() + START_WITHIN
    while time.monotonic() < until:
        if server.process.poll() is not None:
            break
        if len(server.workers) >= workers and _answers(server.url):
            return
        time.sleep(0.05)
    raise RuntimeError(f"The server did not start:\n{server.log.read_text()[-4000:]}")


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/healthz", timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
        return error.code < 500
    except OSError:
        return False
    return True
