"""The audit is written once: the database refuses to change it, and the doctor notices where it could not any more."""

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from core import audit
from core.appendonly import APPEND_ONLY
from core.audit import OPERATOR, Audit
from core.database import db, unit_of_work
from core.intervals import GUARDS
from staff.doctor import examine, missing_guards
from tests.support.cast import Cast

ATTEMPTS = {
    "UPDATE": "UPDATE audit SET verb = 'nothing'",
    "UPDATE of one row": "UPDATE audit SET actor_id = 7 WHERE id = 1",
    "DELETE": "DELETE FROM audit",
    "DELETE of one row": "DELETE FROM audit WHERE id = 1",
}


def write() -> None:
    with unit_of_work():
        audit.record(OPERATOR, "thing.done", "thing", 1, detail={"n": 1})


def kept() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Audit.verb)))


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_what_was_written_cannot_be_changed_or_removed(inside: Flask, attempt: str) -> None:
    write()
    with pytest.raises(DBAPIError, match="append_only_audit"):
        db.session.execute(text(ATTEMPTS[attempt]))
    assert kept() == ["thing.done"]


@pytest.mark.databases("postgresql")
def test_nor_can_the_table_be_emptied(inside: Flask) -> None:
    write()
    for statement in ("TRUNCATE audit", "TRUNCATE audit CASCADE"):
        with pytest.raises(DBAPIError, match="append_only_audit"):
            db.session.execute(text(statement))
        db.session.rollback()
    assert kept() == ["thing.done"]


def test_a_replacing_insert_changes_nothing_either(inside: Flask) -> None:
    write()
    columns = "id, at, actor_kind, actor_id, verb, subject_kind, subject_id, detail"
    values = f"SELECT {columns.replace('verb', chr(39) + 'forged' + chr(39))} FROM audit"
    ways = {
        "sqlite": [f"INSERT OR REPLACE INTO audit ({columns}) {values}"],
        "postgresql": [
            f"INSERT INTO audit ({columns}) {values} ON CONFLICT (id) DO UPDATE SET verb = 'forged'"
        ],
    }[db.engine.dialect.name]
    for way in ways:
        with pytest.raises(DBAPIError, match="append_only_audit"):
            db.session.execute(text(way))
        db.session.rollback()
    assert kept() == ["thing.done"]


def test_a_deed_that_was_taken_back_leaves_no_line(inside: Flask) -> None:
    def fail() -> None:
        with unit_of_work():
            audit.record(OPERATOR, "thing.done", "thing", 1)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert kept() == []


def drop(name: str, table: str) -> None:
    """As a careless migration would."""
    if db.engine.dialect.name == "sqlite":
        db.session.execute(text(f"DROP TRIGGER {name}_update"))
    elif name.startswith("append_only"):
        db.session.execute(text(f"DROP TRIGGER {name} ON {table}"))
    else:
        db.session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
    db.session.commit()


@pytest.mark.parametrize("table", [*GUARDS, *APPEND_ONLY])
def test_the_doctor_notices_a_dropped_guard_and_mends_it(inside: Flask, cast: Cast, table: str) -> None:
    name = (GUARDS.get(table) or APPEND_ONLY[table]).name
    assert missing_guards() == []
    drop(name, table)
    assert missing_guards() == [name]
    (found,) = [check for check in examine() if name in check.advice]
    assert not found.ok
    assert "doctor --mend" in found.advice
    examine(mend=True)
    assert missing_guards() == []


def test_a_mended_trigger_refuses_again(inside: Flask) -> None:
    write()
    drop("append_only_audit", "audit")
    db.session.execute(text("UPDATE audit SET verb = 'forged'"))
    db.session.rollback()
    examine(mend=True)
    with pytest.raises(DBAPIError, match="append_only_audit"):
        db.session.execute(text("UPDATE audit SET verb = 'forged'"))


@pytest.mark.databases("sqlite")
def test_a_trigger_that_was_changed_is_noticed_too(inside: Flask) -> None:
    db.session.execute(text("DROP TRIGGER append_only_audit_delete"))
    db.session.execute(
        text("CREATE TRIGGER append_only_audit_delete BEFORE DELETE ON audit BEGIN SELECT 1; END")
    )
    db.session.commit()
    assert missing_guards() == ["append_only_audit"]


@pytest.mark.databases("postgresql")
def test_a_trigger_that_was_switched_off_is_noticed_too(inside: Flask) -> None:
    db.session.execute(text("ALTER TABLE audit DISABLE TRIGGER append_only_audit"))
    db.session.commit()
    assert missing_guards() == ["append_only_audit"]
    examine(mend=True)
    assert missing_guards() == []
