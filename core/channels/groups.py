"""Groups of staff in the chat program they use anyway (WeCom, DingTalk, Feishu …), through apprise.

Apprise takes most of a second to load: only the process that sends loads it, when it first sends.
"""

import importlib
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import JSON, ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column

from core.channels.outward import NeverTaken, NotAllowed, NotTaken
from core.crypto import Encrypted
from core.database import Base, Moment, Short, db


class StaffGroup(Base):
    """A group of one centre and what it is told. The address opens the group: it is sealed and never shown again."""

    __tablename__ = "staff_group"

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"), index=True)
    name: Mapped[str] = mapped_column(Short)
    url: Mapped[str] = mapped_column(Encrypted("staff_group.url"))
    kinds: Mapped[list[str]] = mapped_column(JSON)
    """Which messages it gets."""
    made_at: Mapped[datetime] = mapped_column(Moment)
    removed_at: Mapped[datetime | None] = mapped_column(Moment)


PROGRAMS = frozenset(
    {
        "wecombot",
        "dingtalk",
        "feishu",
        "lark",
        "wxpusher",
        "pushplus",
        "schan",
        "slack",
        "msteams",
        "workflows",
    }
)
"""Kinds of addresses that lead to one well-known service each: no machine inside can be named by them."""


def may_tell(url: str, *, inside: bool) -> bool:
    """Whether a group may have this address. inside: any machine may be told over HTTP (demo and tests)."""
    scheme = url.partition("://")[0].lower()
    return scheme in PROGRAMS or (inside and scheme in {"json", "jsons"})


def groups(centre_id: int) -> list[StaffGroup]:
    """The groups of a centre, in the order they were set up."""
    query = select(StaffGroup).where(StaffGroup.centre_id == centre_id, StaffGroup.removed_at.is_(None))
    return list(db.session.scalars(query.order_by(StaffGroup.id)))


@cache
def _apprise() -> Any:
    return importlib.import_module("apprise")


def send(group_id: int | None, subject: str, body: str, *, inside: bool) -> None:
    """Tell one group. Raises `OSError`; a group that was taken away is told nothing."""
    group = db.session.scalar(
        select(StaffGroup).where(StaffGroup.id == group_id, StaffGroup.removed_at.is_(None))
    )
    if group is None:
        raise NeverTaken("the group was taken away")
    if not may_tell(group.url, inside=inside):
        raise NotAllowed("this kind of address is not allowed here")
    program = _apprise().Apprise()
    if not program.add(group.url):
        raise NeverTaken("apprise does not know this kind of address")
    if not program.notify(title=subject, body=body):
        raise NotTaken("the group's program did not take it")
