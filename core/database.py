"""The database: base class, column types and `unit_of_work()`, the only place that commits.

SQLite (WAL, synchronous FULL): writers take a fair lock (an `flock` beside the file) and then BEGIN IMMEDIATE; readers
BEGIN DEFERRED. PostgreSQL: READ COMMITTED; whoever decides on a row's state loads it `with_for_update`.
"""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from sqlalchemy import DateTime, Dialect, Engine, MetaData, String, event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Every table; constraints are named by one rule so that migrations and refusals can name them."""

    metadata = MetaData(naming_convention=NAMES)


class OneDatabase(Session):
    """A session that knows its database: there is one. Flask-SQLAlchemy's looks for it anew at every statement."""

    _engine: Engine | None = None

    def get_bind(self, *_args: Any, bind: Any = None, **_more: Any) -> Engine | Connection:
        if bind is not None:
            return cast(Engine | Connection, bind)
        if self._engine is None:
            self._engine = db.engine
        return self._engine


db = SQLAlchemy(metadata=Base.metadata, session_options={"expire_on_commit": False, "class_": OneDatabase})


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. In and out: aware datetimes. PostgreSQL: timestamptz; SQLite: text that sorts."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a zone")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        return _read_moment if dialect.name == "sqlite" else super().result_processor(dialect, coltype)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@lru_cache(maxsize=4096)
def _read_moment(text: str | None) -> datetime | None:
    """What SQLite keeps, as a moment in one step: a grid reads a thousand of them, few of them different."""
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


Short = String(64)
Text = String(400)

_writing: ContextVar[bool] = ContextVar("hall_writing", default=False)
Last = dict[str, tuple[Callable[..., None], set[str]]]
_before_commit: ContextVar[Last | None] = ContextVar("hall_before_commit", default=None)
_after_commit: ContextVar[list[Callable[[], None]] | None] = ContextVar("hall_after_commit", default=None)


@contextmanager
def unit_of_work() -> Iterator[None]:
    """One transaction for one verb: guard, change, record, event. Joinable; the outermost commits.

    Entering after reads ends the read transaction first, so that what was loaded is read again under the lock. Refuses
    to enter with unsaved changes. Work given to `after_commit()` runs once the data is safe.
    """
    session = db.session()
    if _writing.get():
        yield
        return
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("unit_of_work() entered with unsaved changes")
    if session.in_transaction():
        session.rollback()
    else:
        session.expire_all()  # what the unit of work before has left may be old by now
    last: Last = {}
    later: list[Callable[[], None]] = []
    writing, before, after = _writing.set(True), _before_commit.set(last), _after_commit.set(later)
    try:
        with _fair_lock(db.engine):
            try:
                yield
                for name in sorted(last):
                    work, values = last[name]
                    work(*sorted(values))
                session.commit()
            except BaseException:
                session.rollback()
                raise
    finally:
        _writing.reset(writing)
        _before_commit.reset(before)
        _after_commit.reset(after)
    for work in later:
        work()


def before_commit(name: str, work: Callable[..., None], *values: str) -> None:
    """Run `work` as the last thing of the surrounding unit of work, once for a name, in order of the names.

    It is called with all values that were given under its name, each once and in order. For rows that everybody
    changes: locked last and in one order, they make nobody wait in a circle.
    """
    last = _before_commit.get()
    if last is None:
        raise RuntimeError("before_commit() needs a unit_of_work()")
    last[name] = work, {*values, *(last[name][1] if name in last else ())}


def after_commit(work: Callable[[], None]) -> None:
    """Run `work` after the surrounding unit of work has committed (never when it was rolled back)."""
    later = _after_commit.get()
    if later is None:
        raise RuntimeError("after_commit() needs a unit_of_work()")
    later.append(work)


def in_unit_of_work() -> bool:
    """Whether a verb is being carried out right now."""
    return _writing.get()


def one_writer() -> bool:
    """Whether a unit of work locks everything (SQLite), so that no row need be locked or read a second time."""
    return db.engine.dialect.name == "sqlite"


_turn = threading.Lock()


@contextmanager
def writers_turn() -> Iterator[None]:
    """One writing request at a time of a process, from before its first read on. Nothing on PostgreSQL.

    On SQLite they wait for one lock in any case. Whoever has it lets go of the interpreter at every row, and would get
    it back from threads that are only on their way to the lock after a slice of time of theirs, again and again.
    """
    with _turn if one_writer() else nullcontext():
        yield


@contextmanager
def _fair_lock(engine: Engine) -> Iterator[None]:
    """Queue the writers of one SQLite file. Its own busy handler starves some for seconds."""
    path = engine.url.database
    if engine.dialect.name != "sqlite" or not path or path == ":memory:":
        yield
        return
    handle = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def prepare_engine(engine: Engine) -> None:
    """Teach a SQLite engine our transactions; nothing to do for PostgreSQL."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=10000",
            "cache_size=-16000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        if _writing.get():
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:  # touches no file and cannot fail: asked of the driver itself
            cast(Any, connection.connection.dbapi_connection).execute("BEGIN DEFERRED")
