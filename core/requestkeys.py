"""Request keys: the same tap, however often it arrives, is one deed with one answer.

A key is claimed in the transaction of the deed it stands for, so that both are there or neither. Another body under
the same key is refused. Answers are kept encrypted for a day.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import Executable, LargeBinary, String, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import database_now
from core.crypto import Encrypted
from core.database import Base, Moment, Short, db
from core.errors import Refused

KEPT = timedelta(hours=24)


class RequestKey(Base):
    """One deed asked for, by whom (`scope`), with what (`body`), and what was answered."""

    __tablename__ = "request_key"

    scope: Mapped[str] = mapped_column(Short, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary(32))
    answer: Mapped[str | None] = mapped_column(Encrypted("request_key.answer"))
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)


_TABLE = RequestKey.metadata.tables["request_key"]
_KEEP = (
    update(_TABLE)
    .where(_TABLE.c.scope == bindparam("in_scope"), _TABLE.c.key == bindparam("under_key"))
    .values(answer=bindparam("said"))
)


@cache
def _claim(dialect: str) -> Executable:
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return make(_TABLE).on_conflict_do_nothing().returning(_TABLE.c.key)


def digest(parts: Mapping[str, Any]) -> bytes:
    """Digest of what a request says, whatever the order of its fields."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).digest()


def claim(scope: str, key: str, body: bytes) -> dict[str, Any] | None:
    """Claim `key` in the running unit of work. None: it is new, go on. Otherwise the answer that was given before.

    On PostgreSQL a second claim waits until the first one's transaction has ended.
    """
    if not 8 <= len(key) <= 64:
        raise Refused(
            "request_key_missing", _("刚才没办成，请再点一次"), _("页面放得太久了，请重新打开。"), status=400
        )
    now = database_now()
    values = {"scope": scope, "key": key, "body": body, "answer": None, "expires_at": now + KEPT}
    fresh = db.session.execute(_claim(db.engine.dialect.name), values).first()
    if fresh or _taken_over(values, now):
        return None
    row = db.session.execute(
        select(RequestKey.body, RequestKey.answer).where(RequestKey.scope == scope, RequestKey.key == key)
    ).one()
    if row.body != body:
        raise Refused(
            "request_key_reused",
            _("这一页已经办过一件事了"),
            _("内容和上次不一样，请从头再来一遍，之前办好的还在。"),
            status=422,
        )
    return cast(dict[str, Any], json.loads(row.answer or "{}"))


def _taken_over(values: Mapping[str, Any], now: datetime) -> bool:
    """A key whose day is over is as good as new, whether or not somebody has tidied: of several one gets it."""
    gone = update(RequestKey).where(
        RequestKey.scope == values["scope"], RequestKey.key == values["key"], RequestKey.expires_at < now
    )
    return db.session.execute(gone.values(**values).returning(RequestKey.key)).first() is not None


def keep(scope: str, key: str, answer: Mapping[str, Any]) -> None:
    """Store the answer beside the key, in the same unit of work."""
    said = json.dumps(dict(answer))
    db.session.execute(_KEEP, {"in_scope": scope, "under_key": key, "said": said})


def forget_expired() -> int:
    """Remove keys whose day is over; returns how many."""
    result = db.session.execute(
        delete(RequestKey).where(RequestKey.expires_at < database_now()).returning(RequestKey.key)
    )
    return len(result.all())
