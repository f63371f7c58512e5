"""A new secret key: every encrypted value and blind index is written anew, in small units of work."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.sql.schema import Table

from core.crypto import Encrypted, blind
from core.database import Base, db, unit_of_work

BATCH = 200
INDEXES: dict[str, dict[str, tuple[str, str, Callable[[str], str]]]] = {}
"""table → index column → (encrypted column, its blind index's name, which part of the plain text)."""


def indexed(table: str, index: str, column: str, where: str, part: Callable[[str], str] = str) -> None:
    """Declare that `index` is the blind index of (a part of) an encrypted column."""
    INDEXES.setdefault(table, {})[index] = (column, where, part)


def rotate(progress: Callable[[float], object]) -> dict[str, int]:
    """Write all with the newest key. Returns rows by table. May be interrupted and begun again."""
    tables = [table for table in Base.metadata.sorted_tables if _columns(table)]
    total = sum(db.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables) or 1
    done, counts = 0, {}
    for table in tables:
        keys = list(table.primary_key.columns)
        last = None
        counts[table.name] = 0
        while True:
            with unit_of_work():
                query = (
                    select(table.metadata.tables[table.name]).order_by(*keys).limit(BATCH).with_for_update()
                )
                if last is not None:
                    query = query.where(_after(table, last))
                rows = db.session.execute(query).mappings().all()
                for row in rows:
                    values = _anew(table, {column: row[column] for column in _columns(table)})
                    db.session.execute(
                        update(table).where(*(key == row[key.name] for key in keys)).values(**values)
                    )
            if not rows:
                break
            last = [rows[-1][key.name] for key in keys]
            counts[table.name] += len(rows)
            done += len(rows)
            progress(done / total)
    return counts


def _columns(table: Table) -> list[str]:
    return [column.name for column in table.columns if isinstance(column.type, Encrypted)]


def _after(table: Table, last: list[Any]) -> Any:
    keys = list(table.primary_key.columns)
    if len(keys) == 1:
        return keys[0] > last[0]
    return tuple_(*keys) > tuple(last)


def _anew(table: Table, plain: dict[str, str | None]) -> dict[str, object]:
    values: dict[str, object] = dict(plain)
    for index, (column, where, part) in INDEXES.get(table.name, {}).items():
        text = plain.get(column)
        values[index] = None if text is None else blind(part(text), where)
    return values
