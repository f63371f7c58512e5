"""The bounds of docs/performance.md that are no pages: S (SQLite) and P (PostgreSQL)."""

import sqlite3
import time
from pathlib import Path

from bench.places import Places


def sqlite_commits(folder: Path, seconds: float) -> float:
    """S: single-row commits a second, WAL, synchronous FULL, one process."""
    path = folder / "bound.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS one_row (id INTEGER PRIMARY KEY, n INTEGER)")
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        for _ in range(50):
            connection.execute("INSERT INTO one_row (n) VALUES (1)")
            count += 1
    rate = count / (time.perf_counter() - began)
    connection.close()
    return rate


def commits(places: Places, engine: str, seconds: int) -> float:
    """S or P."""
    return sqlite_commits(places.folder, seconds) if engine == "sqlite" else places.pgbench(seconds)


def sign(engine: str) -> str:
    return "S" if engine == "sqlite" else "P"
