"""The web processes. Settings of the program itself are in core/settings.py."""

import gc
import os
import shutil
import sys
import tempfile

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

# Several processes count into one folder; prometheus_client looks for it when it is imported.
_own_metrics = "PROMETHEUS_MULTIPROC_DIR" not in os.environ
if _own_metrics:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="hall-metrics-")

from prometheus_client import multiprocess  # noqa: E402

from staff.doctor import why_not_start  # noqa: E402

bind = f"{os.environ.get('BIND', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY") or min(max(2, len(os.sched_getaffinity(0))), 16))
threads = 4
preload_app = True  # one import for all workers: starts sooner and shares memory
reuse_port = True  # without it one worker takes every kept connection
keepalive = 75  # longer than a proxy's 60 s, and kiosks poll every few seconds
timeout = 60
graceful_timeout = 10
max_requests = 0
control_socket_disable = True
accesslog = None  # paths carry codes; the program logs requests itself, without them
errorlog = "-"
loglevel = "warning"
SWITCH = 0.0005
YOUNG = 5_000  # objects made between two looks for garbage: a grid makes more than Python's 700 several times over


def pre_fork(server: Arbiter, worker: Worker) -> None:
    """What has been imported is never garbage: left alone by the collector, its memory stays shared."""
    gc.collect()
    gc.freeze()


def when_ready(server: Arbiter) -> None:
    """In production nobody of the demo may sign in: the server says so and does not start."""
    app = server.app.wsgi()
    with app.app_context():
        reason = why_not_start()
    if reason:
        print(f"Service Hall does not start. {reason}", file=sys.stderr, flush=True)
        server.halt(reason="demo sign-ins in production", exit_status=1)


def post_fork(server: Arbiter, worker: Worker) -> None:
    """A connection that the master may have opened belongs to the master.

    SQLite lets go of the interpreter at every row; with busy threads each row waits up to the switch interval.
    """
    sys.setswitchinterval(SWITCH)
    gc.set_threshold(YOUNG)
    app = server.app.wsgi()
    with app.app_context():
        for engine in app.extensions["sqlalchemy"].engines.values():
            engine.dispose(close=False)


def child_exit(server: Arbiter, worker: Worker) -> None:
    """Take a dead worker's gauges out of the metrics."""
    multiprocess.mark_process_dead(worker.pid)


def on_exit(server: Arbiter) -> None:
    """Leave no folder behind."""
    if _own_metrics:
        shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
