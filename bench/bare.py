"""What the statements of an order cost by themselves on SQLite: no rules, no Python between them; alone, and behind the
server that the program has."""

import pickle
import shutil
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import event

from bench.client import at_once, post
from bench.commits import rate
from bench.cookies import arrive
from bench.lunch import fields_of, fill, path_of
from bench.places import Places, close
from core.database import db

ORDERS, WARM, CLIENTS = 400, 20, 8
Statement = tuple[str, Any, bool]
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=10000",
    "cache_size=-16000",
)
"""As core/database.py opens it."""


@dataclass(frozen=True, slots=True)
class Bare:
    """Orders a second: `alone`, sent again one after another by one process; `served`, one request each, by as many
    clients as the program is measured with. The most that any program could take that keeps what ours keeps."""

    alone: float
    served: float


def measure(places: Places, run: int) -> Bare:
    """Make orders, keep what was said to the database, and say it again to copies of it."""
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
    alone, served = _copied(app, "alone"), _copied(app, "served")
    said = _recorded(app)
    for one in asked[WARM:]:
        answer = client.post(path, **one)
        if answer.status_code != 303:
            raise RuntimeError(f"an order was refused: {answer.status_code}")
    close(app)
    orders = _by_commit(said)
    forms = [post(path, fields_of(one), one.cookies) for one in people[WARM:]]
    return Bare(ORDERS / _again(alone, orders), _served(places, served, orders, forms))


def _copied(app: Flask, name: str) -> Path:
    """The database as it is now, in a file of its own."""
    with app.app_context():
        file = Path(str(db.engine.url.database))
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return Path(shutil.copy(file, file.with_name(f"{name}.db")))


def _recorded(app: Flask) -> list[Statement]:
    """From now on every statement, as it is sent."""
    said: list[Statement] = []
    with app.app_context():
        engine = db.engine

    @event.listens_for(engine, "before_cursor_execute")
    def statement(_connection: Any, _cursor: Any, text: str, given: Any, _context: Any, many: bool) -> None:
        said.append((text, _plain(given), many))

    @event.listens_for(engine, "commit")
    def commit(_connection: Any) -> None:
        said.append(("COMMIT", (), False))

    return said


def _plain(given: Any) -> Any:
    """Values that another process can read."""
    if isinstance(given, list | tuple):
        return type(given)(_plain(one) for one in given)
    return bytes(given) if isinstance(given, memoryview) else given


def _by_commit(said: Sequence[Statement]) -> list[list[Statement]]:
    """An order's statements: what was said until a commit. What was read before its lock is read behind it here."""
    orders: list[list[Statement]] = [[]]
    for text, given, many in said:
        if text == "COMMIT":
            orders.append([])
        elif not text.startswith(("BEGIN", "ROLLBACK")):
            orders[-1].append((text, given, many))
    return [order for order in orders if order]


def carry_out(connection: sqlite3.Connection, order: Sequence[Statement]) -> None:
    """One order: its statements and their commit."""
    connection.execute("BEGIN IMMEDIATE")
    for text, given, many in order:
        if many:
            connection.executemany(text, given)
        else:
            connection.execute(text, given).fetchall()
    connection.execute("COMMIT")


def _again(file: Path, orders: Sequence[Sequence[Statement]]) -> float:
    """Seconds that these orders take."""
    connection = sqlite3.connect(file, isolation_level=None, cached_statements=512)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    began = time.perf_counter()
    for order in orders:
        carry_out(connection, order)
    took = time.perf_counter() - began
    connection.close()
    return took


def _served(
    places: Places, file: Path, orders: Sequence[Sequence[Statement]], forms: Sequence[bytes]
) -> float:
    """Orders a second by clients who send the forms that the program is sent."""
    said = file.with_name("said.pickle")
    said.write_bytes(pickle.dumps(orders))
    given = {"BARE_DATABASE": str(file), "BARE_SAID": str(said)}
    with places.bound_server("bench.bare_app:application()", given) as server:
        answers = at_once(server.url, [forms[client::CLIENTS] for client in range(CLIENTS)])
    bad = [one.status for line in answers for one in line if one.status != 303]
    if bad:
        raise RuntimeError(f"{len(bad)} bare orders failed ({bad[0]})")
    return rate(answers)
