"""What machines ask: is it alive, is it ready, and the figures. Also the log line and the figures of every request."""

import hmac
import os
import time
from functools import cache
from pathlib import Path

import structlog
from alembic.script import ScriptDirectory
from flask import Flask, Response, g, jsonify, request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as BaseResponse

from core import metrics
from core.database import db
from core.settings import LOOPBACK, Settings

log = structlog.get_logger()
FREE_AT_LEAST = 50 * 1024 * 1024
QUIET = {"kiosk.heartbeat", "static", "healthz", "readyz", "metrics"}


def setup(app: Flask, settings: Settings) -> None:
    """Register the addresses and the watch over requests."""
    app.before_request(_begin)
    app.after_request(_end)
    app.add_url_rule("/healthz", "healthz", _alive)
    app.add_url_rule("/readyz", "readyz", lambda: _ready(settings))
    app.add_url_rule("/metrics", "metrics", lambda: _metrics(settings))


def _begin() -> None:
    g.began = time.perf_counter()


def _end(response: BaseResponse) -> BaseResponse:
    seconds = time.perf_counter() - g.get("began", time.perf_counter())
    endpoint = request.endpoint or "none"
    metrics.REQUESTS.labels(endpoint, request.method, response.status_code).inc()
    metrics.SECONDS.labels(endpoint).observe(seconds)
    if endpoint not in QUIET and not request.headers.get("X-Poll"):
        log.info(
            "request",
            endpoint=endpoint,
            method=request.method,
            status=response.status_code,
            ms=round(seconds * 1000, 1),
        )
    return response


def _alive() -> Response:
    """The process answers."""
    return Response("ok", mimetype="text/plain")


def _ready(settings: Settings) -> tuple[Response, int]:
    """Database there, with its tables, and room on the disk: 200, else 503 with what is missing."""
    missing = []
    try:
        if db.session.scalar(text("SELECT version_num FROM alembic_version")) in _older():
            missing.append("migrations")
    except SQLAlchemyError:
        missing.append("database")
    if _free(settings.data_dir) < FREE_AT_LEAST:
        missing.append("disk")
    return jsonify(ready=not missing, missing=missing), 503 if missing else 200


@cache
def _older() -> frozenset[str]:
    """Revisions before the one of this program. A database that is further on is fine: two versions may run side by
    side."""
    scripts = ScriptDirectory(str(Path(__file__).resolve().parents[2] / "migrations"))
    return frozenset(one.revision for one in scripts.walk_revisions()) - {scripts.get_current_head() or ""}


def _free(folder: Path) -> int:
    """Bytes that may still be written; 0 where the folder itself is gone."""
    try:
        stat = os.statvfs(folder)
    except OSError:
        return 0
    return stat.f_bavail * stat.f_frsize


def _metrics(settings: Settings) -> Response | tuple[str, int]:
    """Figures for operators, by token or from this machine."""
    token = settings.metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    allowed = (
        hmac.compare_digest(given.encode(), token.encode()) if token else request.remote_addr in LOOPBACK
    )
    if not allowed:
        return "", 404
    return Response(metrics.render(), mimetype="text/plain; version=0.0.4")
