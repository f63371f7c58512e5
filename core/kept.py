"""Things made from the database that a process keeps for a while: each under the version it was made from.

A version is read in every request and stands in the key, so that nothing stale is ever found; the oldest unused go.
"""

from collections import OrderedDict
from collections.abc import Hashable
from functools import partial
from threading import Lock
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.orm import SessionTransaction

from core.database import after_commit, db, in_unit_of_work

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """At most `size` values for each database of the process."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._by_engine: WeakKeyDictionary[Engine, OrderedDict[K, V]] = WeakKeyDictionary()
        self._by_unit: WeakKeyDictionary[SessionTransaction, dict[K, V]] = WeakKeyDictionary()
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """The value kept under `key`."""
        with self._lock:
            values = self._by_engine.get(db.engine)
            if values is None or key not in values:
                return self._own().get(key) if self._by_unit else None
            values.move_to_end(key)
            return values[key]

    def _own(self) -> dict[K, V]:
        """What the running unit of work has kept for itself."""
        unit = db.session().get_transaction() if in_unit_of_work() else None
        return {} if unit is None else self._by_unit.setdefault(unit, {})

    def put_own(self, key: K, value: V) -> None:
        """Keep `value` for the running unit of work alone: it goes with its transaction."""
        with self._lock:
            self._own()[key] = value

    def put(self, key: K, value: V) -> None:
        """Keep `value`; others may read it at the same time, so nobody changes it any more."""
        with self._lock:
            values = self._by_engine.setdefault(db.engine, OrderedDict())
            values[key] = value
            values.move_to_end(key)
            if len(values) > self._size:
                values.popitem(last=False)


def keep_true(kept: Kept[K, V], key: K, value: V, *, counted_at_once: bool = False) -> None:
    """Keep what was read: at once, or in a unit of work when it has committed, for a rollback would make it a lie.

    counted_at_once: the version in the key grows with the change itself, not only at the end of the unit of work, so
    that the unit may find it again meanwhile.
    """
    if in_unit_of_work():
        if counted_at_once:
            kept.put_own(key, value)
        after_commit(partial(kept.put, key, value))
    else:
        kept.put(key, value)
