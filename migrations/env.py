"""Migrations: run by `flask --app app db upgrade`, on SQLite and on PostgreSQL."""

from typing import Any

from alembic import context
from flask import current_app

from core.crypto import Encrypted
from core.database import Base, Moment
from core.money import Fen


def render_item(kind: str, item: Any, _context: Any) -> str | bool:
    """Migrations say what is stored, not how the program reads it: they must run when the program has moved on."""
    if kind == "type" and isinstance(item, Moment):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Fen):
        return "sa.BigInteger()"
    if kind == "type" and isinstance(item, Encrypted):
        return "sa.LargeBinary()"
    return False


engine = current_app.extensions["migrate"].db.engine

with engine.connect() as connection:
    rebuilds = connection.dialect.name == "sqlite"
    if rebuilds:  # SQLite changes a table by building it anew; what points at it must not object meanwhile
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        render_item=render_item,
        transactional_ddl=True,  # SQLite can take a table back as well; left to itself Alembic would not ask it to
    )
    with context.begin_transaction():
        context.run_migrations()
        if rebuilds and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise RuntimeError("A migration left rows that point at nothing. Nothing was changed.")
    connection.commit()
    if rebuilds:
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=ON")
