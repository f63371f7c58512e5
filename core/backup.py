"""Backup and restore of the whole database, the same file for SQLite and PostgreSQL.

A gzip of JSON lines: a head, a line a row, a line a piece of a file, a foot with counts and the digest of all lines
before. Rows are taken in one read transaction (repeatable read on PostgreSQL), so they are one moment, while the house
goes on working; the bytes of the files that they know follow. A file is restored by the version that wrote it.
"""

import base64
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Date, Engine, LargeBinary, Select, Time, insert, select, text, update
from sqlalchemy.sql.schema import Column, Table

from core import files
from core.balances import BALANCES
from core.database import Base, Moment, db
from core.files import File
from core.stores import Missing

FORMAT = 2
PIECE = 768 * 1024
"""Bytes of a file in one line."""


class Damaged(Exception):
    """The file cannot be restored; the message says why."""


def backup(path: Path) -> dict[str, int]:
    """Write every table to `path` (mode 600). Returns rows by table. A half-written file never bears the name."""
    partial = path.with_name(path.name + ".part")
    digest, counts = hashlib.sha256(), {}
    partial.touch(mode=0o600)
    with gzip.open(partial, "wb", compresslevel=6) as file, _reading(db.engine) as connection:

        def write(line: dict[str, Any]) -> None:
            raw = json.dumps(line, ensure_ascii=False).encode() + b"\n"
            digest.update(raw)
            file.write(raw)

        write({"service-hall": FORMAT, "revision": revision(connection)})
        for table in Base.metadata.sorted_tables:
            counts[table.name] = 0
            for row in connection.execute(
                select(_untyped(table)).order_by(*_untyped(table).primary_key.columns)
            ):
                write({"t": table.name, "r": [_plain(value) for value in row]})
                counts[table.name] += 1
        for key in connection.scalars(_kept_files()):
            for piece in _pieces(key):
                write({"f": key, "b": base64.b64encode(piece).decode()})
        file.write(json.dumps({"counts": counts, "sha256": digest.hexdigest()}).encode() + b"\n")
    partial.replace(path)
    return counts


def _kept_files() -> Select[str]:
    """Keys of the files that stay; sheets that wait for a confirmation do not."""
    passing = [kind.name for kind in files.kinds.by_name.values() if kind.lasts is not None]
    return select(File.key).where(File.gone_at.is_(None), File.kind.not_in(passing)).order_by(File.id)


def _pieces(key: str) -> Iterator[bytes]:
    """A file as the store has it. One that was removed while the backup was written is left out."""
    try:
        data = files.store().get(key)
    except Missing:
        return
    for start in range(0, max(1, len(data)), PIECE):
        yield data[start : start + PIECE]


def _reading(engine: Engine) -> Any:
    """A connection whose reads all see one moment."""
    level = "REPEATABLE READ" if engine.dialect.name == "postgresql" else None
    return engine.connect().execution_options(isolation_level=level) if level else engine.connect()


def restore(path: Path) -> dict[str, int]:
    """Fill the empty, migrated database from `path`, all or nothing. Raises `Damaged`."""
    expected = _verify(path)
    with db.engine.begin() as connection:
        if revision(connection) != expected["revision"]:
            raise Damaged(
                f"The file is of revision {expected['revision']}, the database of {revision(connection)}. "
                "Use the version of the program that wrote it, then upgrade."
            )
        for table in Base.metadata.sorted_tables:
            if connection.execute(select(text("1")).select_from(table).limit(1)).first():
                raise Damaged(f"The database is not empty ({table.name}). Restore into a new one.")
        for balance in BALANCES.values():
            balance.drop(connection)  # what the transfers moved stands in the balances already
        above: list[tuple[Table, dict[str, Any], int]] = []
        for name, rows in _batches(path):
            table = Base.metadata.tables[name]
            made = [_typed_row(table, row) for row in rows]
            above += [(table, parents, row["id"]) for row in made if (parents := _take_parents(table, row))]
            connection.execute(insert(_untyped(table)), made)
        for table, parents, key in above:
            connection.execute(update(_untyped(table)).where(_untyped(table).c.id == key).values(parents))
        for balance in BALANCES.values():
            balance.create(connection)
        if connection.dialect.name == "postgresql":
            _set_sequences(connection)
        _put_files(path)  # before the rows are safe: what is left over where it fails, the clock sweeps up
    return dict(expected["counts"])


def _put_files(path: Path) -> None:
    """The bytes of the files into the store, one file at a time."""
    key, pieces = "", list[bytes]()
    for line in _lines(path):
        if "f" not in line:
            continue
        if key and line["f"] != key:
            files.store().put(key, b"".join(pieces))
            pieces = []
        key = line["f"]
        pieces.append(base64.b64decode(line["b"]))
    if key:
        files.store().put(key, b"".join(pieces))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rb") as file:
        next(file)
        for raw in file:
            yield json.loads(raw)


def _take_parents(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """What a row says of others of its table is written when all of them are there."""
    own = [
        column.name
        for column in table.columns
        if any(key.column.table is table for key in column.foreign_keys)
    ]
    taken = {name: row[name] for name in own if row[name] is not None}
    row.update(dict.fromkeys(taken))
    return taken


def revision(connection: Connection) -> str:
    """The migration the database is at."""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def _verify(path: Path) -> dict[str, Any]:
    digest, last, head = hashlib.sha256(), b"", None
    try:
        with gzip.open(path, "rb") as file:
            for line in file:
                if last:
                    digest.update(last)
                    head = head or json.loads(last)
                last = line
        foot = json.loads(last)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise Damaged(f"{path.name} cannot be read to its end ({error}). Take another copy.") from error
    head, foot = (line if isinstance(line, dict) else {} for line in (head, foot))
    if head.get("service-hall") != FORMAT or "revision" not in head or "sha256" not in foot:
        raise Damaged(f"{path.name} is not a whole backup of this program. Take another copy.")
    if foot["sha256"] != digest.hexdigest():
        raise Damaged(f"{path.name} has been changed or damaged: its digest does not fit. Take another copy.")
    return {**foot, "revision": head["revision"]}


def _batches(path: Path, size: int = 500) -> Iterator[tuple[str, list[list[Any]]]]:
    name = ""
    rows: list[list[Any]] = []
    for line in _lines(path):
        if "t" not in line:
            break
        if rows and (line["t"] != name or len(rows) >= size):
            yield name, rows
            rows = []
        name = line["t"]
        rows.append(line["r"])
    if rows:
        yield name, rows


def _untyped(table: Table) -> Table:
    """The same table with encrypted columns as plain bytes."""
    key = f"hall_untyped_{table.name}"
    if key not in table.info:
        columns: list[Column[Any]] = []
        for column in table.columns:
            kind: Any = (
                LargeBinary() if isinstance(getattr(column.type, "impl", None), LargeBinary) else column.type
            )
            columns.append(Column(column.name, kind, primary_key=column.primary_key))
        table.info[key] = Table(table.name, type(Base.metadata)(), *columns)
    found: Table = table.info[key]
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"b": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, datetime | date | time):
        return {"d": value.isoformat()}
    return {"j": value} if isinstance(value, dict | list) else value


def _typed_row(table: Table, row: list[Any]) -> dict[str, Any]:
    return {column.name: _typed(column, value) for column, value in zip(table.columns, row, strict=True)}


def _typed(column: Column[Any], value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "b" in value:
        return base64.b64decode(value["b"])
    if "j" in value:
        return value["j"]
    kind = column.type
    if isinstance(kind, Moment):
        return datetime.fromisoformat(value["d"])
    if isinstance(kind, Time):
        return time.fromisoformat(value["d"])
    return date.fromisoformat(value["d"]) if isinstance(kind, Date) else value["d"]


def _set_sequences(connection: Connection) -> None:
    """PostgreSQL: the next id follows the last restored one."""
    for table in Base.metadata.sorted_tables:
        if "id" in table.c and table.c.id.autoincrement and not table.c.id.foreign_keys:
            connection.execute(
                text(
                    f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), "
                    f"COALESCE((SELECT MAX(id) FROM {table.name}), 0) + 1, false)"
                )
            )
