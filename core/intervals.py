"""Half-open intervals, and the guard that lets no two of them overlap on one time line.

`no_overlap` is held by the database: an exclusion constraint on PostgreSQL, triggers on SQLite. Live rows of one key
never overlap, so the latest one that starts before the new one ends is the only candidate: one index probe decides.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Index, Table, event
from sqlalchemy.exc import IntegrityError


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """`[start, end)`; both aware or both naive."""

    start: datetime
    end: datetime

    def overlaps(self, other: "Interval") -> bool:
        """Touching is not overlapping."""
        return self.start < other.end and other.start < self.end

    def contains(self, other: "Interval") -> bool:
        return self.start <= other.start and other.end <= self.end

    @property
    def minutes(self) -> int:
        """Length in whole minutes."""
        return int((self.end - self.start).total_seconds() // 60)


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """Their union as disjoint intervals in order; touching ones stay apart (they are different openings)."""
    merged: list[Interval] = []
    for interval in sorted(intervals):
        if merged and interval.start < merged[-1].end:
            merged[-1] = Interval(merged[-1].start, max(merged[-1].end, interval.end))
        else:
            merged.append(interval)
    return merged


def subtract(intervals: Iterable[Interval], holes: Iterable[Interval]) -> list[Interval]:
    """What is left of `intervals` outside all `holes`, in order."""
    left = sorted(intervals)
    for hole in holes:
        pieces: list[Interval] = []
        for interval in left:
            if not interval.overlaps(hole):
                pieces.append(interval)
                continue
            if interval.start < hole.start:
                pieces.append(Interval(interval.start, hole.start))
            if hole.end < interval.end:
                pieces.append(Interval(hole.end, interval.end))
        left = pieces
    return left


@dataclass(frozen=True, slots=True)
class Guard:
    """One guarded time line: on `table`, rows of equal `key` that satisfy `live` never overlap in `when`.

    when: the two columns, half-open; an empty end means for ever. dates: the columns are days, not moments.
    live: SQL condition in the table's own column names; empty: every row counts.
    """

    table: str
    key: tuple[str, ...]
    when: tuple[str, str] = ("starts_at", "ends_at")
    live: str = ""
    dates: bool = False

    @property
    def name(self) -> str:
        """Name of the constraint on PostgreSQL and stem of the triggers on SQLite."""
        return f"no_overlap_{self.table}"

    def triggers(self) -> dict[str, str]:
        """SQLite: trigger name → its SQL."""
        start, end = self.when
        same = " AND ".join(f"{column} IS NEW.{column}" for column in self.key)
        live = f" AND ({self.live})" if self.live else ""
        new_live = f"WHEN ({_of_new(self.live)}) " if self.live else ""
        found: dict[str, str] = {}
        for verb, other in (("INSERT", ""), ("UPDATE", " AND id <> OLD.id")):
            found[f"{self.name}_{verb.lower()}"] = (
                f"CREATE TRIGGER {self.name}_{verb.lower()} BEFORE {verb} ON {self.table} {new_live}BEGIN "
                f"SELECT RAISE(ABORT, '{self.name}') FROM (SELECT {end} AS e FROM {self.table} "
                f"WHERE {same}{live}{other} AND {start} < COALESCE(NEW.{end}, '9999-12-31') "
                f"ORDER BY {start} DESC LIMIT 1) WHERE COALESCE(e, '9999-12-31') > NEW.{start}; END"
            )
        return found

    def constraint(self) -> str:
        """PostgreSQL: the exclusion constraint."""
        keys = ", ".join(f"{column} WITH =" for column in self.key)
        span = f"{'daterange' if self.dates else 'tstzrange'}({self.when[0]}, {self.when[1]}, '[)')"
        live = f" WHERE ({self.live})" if self.live else ""
        return f"ALTER TABLE {self.table} ADD CONSTRAINT {self.name} EXCLUDE USING gist ({keys}, {span} WITH &&){live}"

    def create(self, connection: Connection) -> None:
        """Put the guard in place; used by migrations and by `doctor --mend`."""
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS btree_gist")
            connection.exec_driver_sql(self.constraint())
            return
        for name, sql in self.triggers().items():
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            connection.exec_driver_sql(sql)


def _of_new(live: str) -> str:
    """`live` about the new row: every bare column name gets NEW. before it (conditions are kept that simple)."""
    words = []
    for word in live.split(" "):
        plain = word.strip("()")
        is_column = plain.islower() and plain.isidentifier()
        words.append(word.replace(plain, f"NEW.{plain}") if is_column else word)
    return " ".join(words)


GUARDS: dict[str, Guard] = {}


def no_overlap(
    table: Table,
    key: tuple[str, ...],
    when: tuple[str, str] = ("starts_at", "ends_at"),
    *,
    live: str = "",
    dates: bool = False,
) -> Guard:
    """Declare that `table` is a guarded time line. Adds the index that serves the probe; migrations create it."""
    guard = Guard(table.name, key, when, live, dates)
    GUARDS[table.name] = guard
    Index(f"ix_{table.name}_line", *(table.c[column] for column in (*key, when[0])))

    @event.listens_for(table, "after_create")
    def create(_table: Table, connection: Connection, **_: object) -> None:
        guard.create(connection)

    return guard


def broken_guard(error: IntegrityError) -> str | None:
    """Name of the table whose guard refused, or None if it was another constraint."""
    text = str(error.orig)
    return next((guard.table for guard in GUARDS.values() if guard.name in text), None)
