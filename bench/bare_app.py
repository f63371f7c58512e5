"""An order's statements behind the same server as the program: one request, one order, one commit; nothing else."""

import fcntl
import os
import pickle
import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench.bare import PRAGMAS, carry_out

COUNTER = 4
"""Bytes in which the lock's file keeps how many orders were made: the statements name rows of those before them."""


def application() -> Callable[..., Any]:
    """`POST` of any path makes the next order of `BARE_SAID` in the database `BARE_DATABASE`."""
    file = os.environ["BARE_DATABASE"]
    orders = pickle.loads(Path(os.environ["BARE_SAID"]).read_bytes())
    mine = threading.local()

    def connection() -> sqlite3.Connection:
        if not hasattr(mine, "connection"):
            mine.connection = sqlite3.connect(file, isolation_level=None, cached_statements=512)
            for pragma in PRAGMAS:
                mine.connection.execute(f"PRAGMA {pragma}")
        found: sqlite3.Connection = mine.connection
        return found

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST":
            start("200 OK", [("Content-Length", "0")])
            return [b""]
        environ["wsgi.input"].read()
        lock = os.open(f"{file}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the program's own queue: core/database.py
            number = int.from_bytes(os.pread(lock, COUNTER, 0), "big")
            carry_out(connection(), orders[number])
            os.pwrite(lock, (number + 1).to_bytes(COUNTER, "big"), 0)
        finally:
            os.close(lock)
        start("303 See Other", [("Location", "/"), ("Content-Length", "0")])
        return [b""]

    return answer
