"""Who did what to which thing, and when: append-only rows of ids and codes, never of names or words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import JSON, Index, insert
from sqlalchemy.orm import Mapped, mapped_column

from core.appendonly import append_only
from core.clock import database_now
from core.database import Base, Moment, Short, db

ActorKind = Literal["nobody", "resident", "staff", "device", "clock", "operator", "client"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a kind and an id in that kind's table (0: none)."""

    kind: ActorKind
    id: int = 0


NOBODY = Actor("nobody")
CLOCK = Actor("clock")
OPERATOR = Actor("operator")


class Audit(Base):
    """One thing done."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject", "subject_kind", "subject_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    actor_kind: Mapped[str] = mapped_column(Short)
    actor_id: Mapped[int]
    verb: Mapped[str] = mapped_column(Short)
    subject_kind: Mapped[str] = mapped_column(Short)
    subject_id: Mapped[int]
    unit_id: Mapped[int | None]
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)


append_only(Audit.metadata.tables["audit"])
_INSERT = insert(Audit.metadata.tables["audit"])


def record(
    actor: Actor,
    verb: str,
    subject_kind: str,
    subject_id: int,
    *,
    unit_id: int | None = None,
    detail: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> None:
    """Write one row in the running unit of work. `detail` holds ids, codes and numbers only."""
    db.session.execute(
        _INSERT,
        {
            "at": at or database_now(),
            "actor_kind": actor.kind,
            "actor_id": actor.id,
            "verb": verb,
            "subject_kind": subject_kind,
            "subject_id": subject_id,
            "unit_id": unit_id,
            "detail": dict(detail or {}),
        },
    )
