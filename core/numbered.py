"""Rows that people name by a number, written by the thousand: one statement each, and the object without reading it."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.util import identity_key
from sqlalchemy.sql.selectable import TypedReturnsRows

from core.codes import new_number
from core.database import Base, db

DRAWS = 5
Numbered = TypeVar("Numbered", bound=Base)


def insert_numbered(model: type[Numbered], values: Mapping[str, Any]) -> Numbered:
    """Write a row under a number that nobody has, in the running unit of work. values: every column but `id` and
    `number`; what is left out takes its default, and is read when it is asked for.

    Returns its object, known to the session as if it had been read: an ORM insert of forty columns that are read back
    takes five times as long.
    """
    for _draw in range(DRAWS):
        row = {**values, "number": new_number()}
        made = db.session.scalar(_insert(model, db.engine.dialect.name), row)
        if made is not None:
            return _as_read(model, {**row, "id": made})
    raise RuntimeError(f"no free number of {model.__name__} in {DRAWS} draws")


def _as_read(model: type[Numbered], row: Mapping[str, Any]) -> Numbered:
    before = db.session.identity_map.get(identity_key(model, row["id"]))
    if before is not None:  # of a unit of work that was rolled back: SQLite gives its id out again
        db.session.expunge(before)
    made = cast(Numbered, inspect(model).class_manager.new_instance())
    made.__dict__.update(
        row
    )  # as a row that is read: set one by one, each attribute would note what it was before
    make_transient_to_detached(made)
    db.session.add(made)
    return made


@cache
def _insert(model: type[Base], dialect: str) -> TypedReturnsRows[tuple[int]]:
    """Inserts nothing where the number is taken already."""
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    table = model.metadata.tables[model.__tablename__]
    return make(table).on_conflict_do_nothing(index_elements=[table.c.number]).returning(table.c.id)
