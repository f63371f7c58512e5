"""One verb, one transaction: the outermost commits, a fault takes everything back, and rows are read under the lock."""

import threading
import time

import pytest
from flask import Flask
from sqlalchemy import select, text

from core.database import after_commit, before_commit, db, in_unit_of_work, unit_of_work, writers_turn
from core.versions import Version, bump, version
from tests.support.hall import apart
from tests.support.race import together

THREADS, TIMES = 8, 50


def put(subject: str = "thing", number: int = 0) -> None:
    with unit_of_work():
        db.session.add(Version(subject=subject, number=number))


def stored(subject: str = "thing") -> int | None:
    """What another connection sees."""
    with db.engine.connect() as connection:
        return connection.execute(select(Version.number).where(Version.subject == subject)).scalar()


def test_the_outermost_commits_and_those_inside_join(inside: Flask) -> None:
    with unit_of_work():
        with unit_of_work():
            db.session.add(Version(subject="thing", number=1))
        assert in_unit_of_work()
        assert stored() is None, "the inner one has not committed"
    assert not in_unit_of_work()
    assert stored() == 1


def test_a_fault_takes_everything_back_also_what_was_joined(inside: Flask) -> None:
    def fail() -> None:
        with unit_of_work():
            with unit_of_work():
                db.session.add(Version(subject="thing", number=1))
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert stored() is None
    assert not in_unit_of_work()
    put()
    assert stored() == 0, "the next one begins afresh"


def test_a_fault_inside_that_is_caught_outside_leaves_the_rest_to_decide(inside: Flask) -> None:
    with unit_of_work():
        db.session.add(Version(subject="thing", number=1))
        with pytest.raises(ValueError, match="inner"), unit_of_work():
            raise ValueError("inner")
    assert stored() == 1


def test_it_refuses_to_begin_with_unsaved_changes(inside: Flask) -> None:
    db.session.add(Version(subject="thing", number=1))
    with pytest.raises(RuntimeError, match="unsaved"), unit_of_work():
        pass
    db.session.rollback()
    put()
    db.session.get_one(Version, "thing").number = 5
    with pytest.raises(RuntimeError, match="unsaved"), unit_of_work():
        pass
    db.session.rollback()
    assert stored() == 0


def changed_elsewhere(app: Flask, number: int) -> None:
    def change() -> None:
        with unit_of_work():
            db.session.get_one(Version, "thing").number = number

    thread = threading.Thread(target=apart(app, change))
    thread.start()
    thread.join()


def test_what_was_read_before_is_read_again_under_the_lock(app: Flask, inside: Flask) -> None:
    put()
    row = db.session.get_one(Version, "thing")
    assert row.number == 0
    changed_elsewhere(app, 7)
    with unit_of_work():
        assert row.number == 7


def test_also_what_was_read_in_the_unit_of_work_before(app: Flask, inside: Flask) -> None:
    put()
    with unit_of_work():
        row = db.session.get_one(Version, "thing")
        assert row.number == 0
    changed_elsewhere(app, 7)
    with unit_of_work():
        assert db.session.get_one(Version, "thing").number == 7


def test_eight_threads_that_read_and_then_write_lose_nothing(app: Flask, inside: Flask) -> None:
    put()

    def increment() -> None:
        for _n in range(TIMES):
            version("thing")  # a read before, as every page has made one
            with unit_of_work():
                row = db.session.get_one(Version, "thing", with_for_update=True, populate_existing=True)
                row.number += 1

    faults = [fault for fault in together([apart(app, increment)] * THREADS) if fault is not None]
    assert faults == []
    assert stored() == THREADS * TIMES


def test_writers_of_one_file_all_get_their_turn(app: Flask, inside: Flask) -> None:
    """Smoke only, without a bound of time: nobody is refused or starved while others write in a loop."""
    put()

    def write() -> int:
        for n in range(20):
            with unit_of_work():
                bump("thing", f"thread {threading.get_ident()} {n}")
        return 20

    assert together([apart(app, write)] * THREADS) == [20] * THREADS
    assert stored() == THREADS * 20


def test_on_sqlite_one_writing_request_at_a_time_of_a_process_is_on_its_way(
    app: Flask, inside: Flask
) -> None:
    """On PostgreSQL they are on it together: the control."""
    here, most = 0, 0

    def pass_by() -> None:
        nonlocal here, most
        with writers_turn():
            here += 1
            most = max(most, here)
            time.sleep(0.05)
            here -= 1

    assert together([apart(app, pass_by)] * THREADS) == [None] * THREADS
    assert (most == 1) == (db.engine.dialect.name == "sqlite")


def test_work_after_the_commit_runs_in_order_once_the_data_is_safe(inside: Flask) -> None:
    said: list[str] = []
    with unit_of_work():
        after_commit(lambda: said.append(f"first sees {stored()}"))
        with unit_of_work():
            after_commit(lambda: said.append("second"))
            db.session.add(Version(subject="thing", number=3))
        after_commit(lambda: said.append(f"third, {in_unit_of_work()}"))
        assert said == []
    assert said == ["first sees 3", "second", "third, False"]


def test_work_after_the_commit_of_a_deed_that_was_taken_back_never_runs(inside: Flask) -> None:
    said: list[str] = []

    def fail() -> None:
        with unit_of_work():
            after_commit(lambda: said.append("never"))
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    put()
    assert said == []


def test_work_before_the_commit_is_the_last_of_all_once_a_name_and_in_order_of_names(inside: Flask) -> None:
    said: list[str] = []
    with unit_of_work():
        for name in ("b", "a", "b"):
            before_commit(name, lambda name=name: said.append(f"{name} {in_unit_of_work()}"))
        said.append("the verb")
    assert said == ["the verb", "a True", "b True"]


@pytest.mark.parametrize(
    "late", [after_commit, lambda work: before_commit("x", work), lambda work: bump("x")]
)
def test_work_around_a_commit_needs_a_unit_of_work(inside: Flask, late: object) -> None:
    with pytest.raises(RuntimeError, match="unit_of_work"):
        late(lambda: None)  # type: ignore[operator]


def test_a_version_grows_by_one_a_unit_of_work_however_often_it_was_changed(inside: Flask) -> None:
    for _n in range(3):
        with unit_of_work():
            bump("day", "today")
            bump("day")
    assert (stored("day"), stored("today"), version("never")) == (3, 3, 0)


@pytest.mark.databases("sqlite")
def test_a_reader_is_not_kept_waiting_by_a_writer(app: Flask, inside: Flask) -> None:
    put()
    with unit_of_work():
        db.session.get_one(Version, "thing").number = 9
        db.session.flush()
        seen: list[int | None] = []
        thread = threading.Thread(target=apart(app, lambda: seen.append(version("thing"))))
        thread.start()
        thread.join(5)
        assert seen == [0]


@pytest.mark.databases("sqlite")
def test_the_sqlite_file_is_kept_as_safe_as_it_can_be(inside: Flask) -> None:
    pragmas = {
        name: db.session.execute(text(f"PRAGMA {name}")).scalar()
        for name in ("journal_mode", "synchronous", "foreign_keys")
    }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
