"""The migrations make exactly what the models say, on both databases, with every guard and every name."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import CheckConstraint, Column, Integer, MetaData, Table, inspect, text

from app import create_app
from core.appendonly import APPEND_ONLY
from core.database import Base, db
from core.intervals import GUARDS
from staff.doctor import missing_guards
from tests.policy.test_rooms import ROOT
from tests.support.databases import settings


def differences(metadata: MetaData) -> list[Any]:
    """What `flask db migrate` would write."""
    with db.engine.connect() as connection:
        return list(
            compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)
        )


def unnamed(metadata: MetaData) -> list[str]:
    """Constraints and indexes without a name: no refusal could tell them apart."""
    return [
        f"{table.name}: {type(one).__name__}"
        for table in metadata.tables.values()
        for one in (*table.constraints, *table.indexes)
        if not getattr(one, "name", None)
    ]


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory(str(ROOT / "migrations")).get_heads()) == 1


def test_a_table_that_no_migration_makes_is_noticed(inside: Flask) -> None:
    planted = MetaData()
    Table("planted", planted, Column("id", Integer, primary_key=True))
    assert [one[1].name for one in differences(planted) if one[0] == "add_table"] == ["planted"]


def test_the_migrations_make_what_the_models_say(inside: Flask) -> None:
    assert differences(Base.metadata) == []
    flask_migrate.check()


@pytest.mark.databases("sqlite")
def test_a_migration_that_would_leave_rows_that_point_at_nothing_changes_nothing(
    empty_database: str, tmp_path: Path
) -> None:
    app = create_app(settings(empty_database, tmp_path))
    with app.app_context():
        flask_migrate.upgrade(revision="0011")
        with closing(sqlite3.connect(empty_database.removeprefix("sqlite:///"))) as unguarded, unguarded:
            unguarded.execute(
                "INSERT INTO device (centre_id, name, secret_hash, paired_at, seen_at, report) "
                "VALUES (7, 'k', x'00', '2026-01-01 00:00:00', '2026-01-01 00:00:00', '{}')"
            )
        with pytest.raises(SystemExit):
            flask_migrate.upgrade()
        assert "printer" not in {column["name"] for column in inspect(db.engine).get_columns("device")}
        with db.engine.connect() as connection:
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0011"
        db.engine.dispose()


def test_a_missing_guard_is_noticed(inside: Flask) -> None:
    gone = {
        "sqlite": "DROP TRIGGER no_overlap_claim_insert",
        "postgresql": "ALTER TABLE claim DROP CONSTRAINT no_overlap_claim",
    }
    db.session.execute(text(gone[db.engine.dialect.name]))
    assert missing_guards() == ["no_overlap_claim"]


def test_every_guard_is_in_place(inside: Flask) -> None:
    assert {"claim", "commitment", "policy", "outage"} <= set(GUARDS)
    assert "audit" in APPEND_ONLY
    assert missing_guards() == []


def test_a_constraint_without_a_name_is_noticed() -> None:
    planted = MetaData()
    Table("planted", planted, Column("id", Integer), CheckConstraint("id > 0"))
    assert "planted: CheckConstraint" in unnamed(planted)


def test_every_constraint_has_a_name(inside: Flask) -> None:
    assert unnamed(Base.metadata) == []
    there = inspect(db.engine)
    for table in there.get_table_names():
        if table == "alembic_version":
            continue
        named: list[Any] = [there.get_pk_constraint(table), *there.get_unique_constraints(table)]
        named += [*there.get_foreign_keys(table), *there.get_check_constraints(table)]
        assert all(one.get("name") for one in named), table


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor_id = 1", "DELETE FROM audit"])
def test_what_was_audited_stays(app: Flask, cast: object, statement: str) -> None:
    with app.app_context():
        with pytest.raises(Exception, match="append_only_audit"):
            db.session.execute(text(statement))
        db.session.rollback()
