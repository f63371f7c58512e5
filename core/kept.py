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

from core.database import after_commit, db, in_unit_of_work

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """At most `size` values for each database of the process."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._by_engine: WeakKeyDictionary[Engine, OrderedDict[K, V]] = WeakKeyDictionary()
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """The value kept under `key`."""
        with self._lock:
            values = self._by_engine.get(db.engine)
            if values is None or key not in values:
                return None
            values.move_to_end(key)
            return values[key]

    def put(self, key: K, value: V) -> None:
        """Keep `value`; others may read it at the same time, so nobody changes it any more."""
        with self._lock:
            values = self._by_engine.setdefault(db.engine, OrderedDict())
            values[key] = value
            values.move_to_end(key)
            if len(values) > self._size:
                values.popitem(last=False)


def keep_true(kept: Kept[K, V], key: K, value: V) -> None:
    """Keep what was read: at once, or in a unit of work when it has committed, for a rollback would make it a lie."""
    if in_unit_of_work():
        after_commit(partial(kept.put, key, value))
    else:
        kept.put(key, value)
