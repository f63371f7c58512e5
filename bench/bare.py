"""What the statements of an order cost by themselves on SQLite: no server, no rules, no Python between them."""

import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import event

from bench.cookies import arrive
from bench.lunch import fields_of, fill, path_of
from bench.places import Places, close
from core.database import db

ORDERS, WARM = 400, 20
Statement = tuple[str, Any, bool]
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-16000")
"""As core/database.py opens it."""


def orders_a_second(places: Places, run: int) -> float:
    """Orders a second when their own statements are sent again, one after another, by one process to a copy of the
    database: the most that any program could take that keeps what ours keeps."""
    url = places.database("sqlite", f"bare_{run}")
    app = places.app(url)
    kitchens = fill(app, 1, ORDERS + WARM, ORDERS + WARM, money=True)
    people = arrive(app, kitchens.centres[0][0], kitchens.residents, [None] * (ORDERS + WARM))
    client, path = app.test_client(use_cookies=False), path_of(kitchens)
    asked = [
        {"data": fields_of(one), "headers": {"Cookie": one.cookie, "User-Agent": "bench"}} for one in people
    ]
    for one in asked[:WARM]:
        client.post(path, **one)
    copy, said = _copied(app), _recorded(app)
    for one in asked[WARM:]:
        answer = client.post(path, **one)
        if answer.status_code != 303:
            raise RuntimeError(f"an order was refused: {answer.status_code}")
    close(app)
    return ORDERS / _again(copy, said)


def _copied(app: Flask) -> Path:
    """The database as it is now, in a file of its own."""
    file = _file(app)
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return Path(shutil.copy(file, file.with_name("bare.db")))


def _file(app: Flask) -> Path:
    with app.app_context():
        return Path(str(db.engine.url.database))


def _recorded(app: Flask) -> list[Statement]:
    """From now on every statement, as it is sent."""
    said: list[Statement] = []
    with app.app_context():
        engine = db.engine

    @event.listens_for(engine, "before_cursor_execute")
    def statement(_connection: Any, _cursor: Any, text: str, given: Any, _context: Any, many: bool) -> None:
        said.append((text, given, many))

    @event.listens_for(engine, "commit")
    def commit(_connection: Any) -> None:
        said.append(("COMMIT", (), False))

    return said


def _again(file: Path, said: list[Statement]) -> float:
    """Seconds that these statements take: each commit one transaction."""
    connection = sqlite3.connect(file, isolation_level=None, cached_statements=512)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    began = time.perf_counter()
    for text, given, many in said:
        if text == "COMMIT":
            connection.execute(text)
        elif text.startswith(("BEGIN", "ROLLBACK")):
            continue
        else:
            if not connection.in_transaction:
                connection.execute("BEGIN IMMEDIATE")
            if many:
                connection.executemany(text, given)
            else:
                connection.execute(text, given).fetchall()
    took = time.perf_counter() - began
    connection.close()
    return took
