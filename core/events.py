"""Durable events: a verb writes its event in its own transaction; listeners run after the commit, and again from the
clock process until they are done. A kill between the two loses nothing; a listener never runs twice to completion.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import database_now
from core.database import Base, Moment, Short, Text, after_commit, db, unit_of_work
from core.logs import clean

log = structlog.get_logger()
RETRY_AFTER = timedelta(seconds=5)
RETRY_AT_MOST = timedelta(minutes=10)


class Event(Base):
    """Something that happened, such as `booking.made`. The payload holds ids and codes, no names."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Short)
    at: Mapped[datetime] = mapped_column(Moment)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)


class Delivery(Base):
    """What one listener still owes one event; written with the event, so that it cannot be forgotten."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("event_id", "listener"),
        Index("ix_delivery_due", "done_at", "next_try_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"))
    listener: Mapped[str] = mapped_column(Short)
    next_try_at: Mapped[datetime] = mapped_column(Moment)
    tries: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None] = mapped_column(Moment)
    error: Mapped[str | None] = mapped_column(Text)


_EVENT = insert(Event.metadata.tables["event"]).returning(Event.metadata.tables["event"].c.id)
_DELIVERY = insert(Delivery.metadata.tables["delivery"])
Handler = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Listener:
    """name: unique for ever. kinds: events it wants. handle: does its work in one unit of work, joined by the mark.

    eager: runs right after the commit, before the answer; others wait for the clock process (a second or two).
    """

    name: str
    kinds: tuple[str, ...]
    handle: Handler
    eager: bool = False


class Registry:
    """The listeners of this process; `create_app` fills it from the areas."""

    def __init__(self) -> None:
        self._listeners: dict[str, Listener] = {}

    def use(self, listeners: list[Listener]) -> None:
        self._listeners = {listener.name: listener for listener in listeners}

    def of(self, kind: str) -> list[Listener]:
        return [listener for listener in self._listeners.values() if kind in listener.kinds]

    def named(self, name: str) -> Listener | None:
        return self._listeners.get(name)


registry = Registry()


def emit(kind: str, payload: Mapping[str, Any], *, at: datetime | None = None) -> None:
    """Write an event and what is owed for it, in the running unit of work."""
    at = at or database_now()
    event_id = db.session.execute(_EVENT, {"kind": kind, "at": at, "payload": dict(payload)}).scalar_one()
    listeners = registry.of(kind)
    if not listeners:
        return
    db.session.execute(
        _DELIVERY,
        [
            {"event_id": event_id, "listener": listener.name, "next_try_at": at, "tries": 0}
            for listener in listeners
        ],
    )
    for listener in listeners:
        if listener.eager:
            after_commit(lambda name=listener.name: _deliver_now(event_id, name))  # type: ignore[misc]


def _deliver_now(event_id: int, listener: str) -> None:
    delivery_id = db.session.scalar(
        select(Delivery.id).where(Delivery.event_id == event_id, Delivery.listener == listener)
    )
    if delivery_id is not None:
        deliver(delivery_id)


def deliver_due(limit: int = 200) -> int:
    """Run what is due; returns how many were done. The clock process calls this, several at once do no harm."""
    due = db.session.scalars(
        select(Delivery.id)
        .where(Delivery.done_at.is_(None), Delivery.next_try_at <= database_now())
        .order_by(Delivery.next_try_at, Delivery.id)
        .limit(limit)
    ).all()
    return sum(deliver(delivery_id) for delivery_id in due)


def deliver(delivery_id: int) -> bool:
    """Carry out one delivery: the listener's changes and the mark commit together. A fault is kept and tried later."""
    try:
        with unit_of_work():
            delivery = db.session.get(
                Delivery, delivery_id, populate_existing=True, with_for_update={"skip_locked": True}
            )
            if delivery is None or delivery.done_at is not None:
                return False
            listener = registry.named(delivery.listener)
            event = db.session.get(Event, delivery.event_id)
            if event is None:
                raise LookupError("the event is gone")
            if listener is None:
                raise LookupError(f"no listener {delivery.listener} in this version")
            listener.handle(event)
            delivery.done_at = database_now()
        return True
    except Exception as error:  # any fault of a listener is kept on its row; the event waits for the next try
        log.warning("delivery_failed", delivery=delivery_id, error=type(error).__name__)
        _postpone(delivery_id, clean(f"{type(error).__name__}: {error}")[:400])
        return False


def _postpone(delivery_id: int, error: str) -> None:
    with unit_of_work():
        tries = db.session.scalar(select(Delivery.tries).where(Delivery.id == delivery_id)) or 0
        wait = min(RETRY_AFTER * 2**tries, RETRY_AT_MOST)
        db.session.execute(
            update(Delivery)
            .where(Delivery.id == delivery_id, Delivery.done_at.is_(None))
            .values(tries=Delivery.tries + 1, next_try_at=database_now() + wait, error=error)
        )
