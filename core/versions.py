"""Versions of live pages: one number that grows with every change a page shows. Polls read one row and get a 304."""

from functools import cache

from sqlalchemy import Executable, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Short, before_commit, db


class Version(Base):
    """`subject` is what the page shows, such as `today:3` or `day:7:2026-11-24`."""

    __tablename__ = "version"

    subject: Mapped[str] = mapped_column(Short, primary_key=True)
    number: Mapped[int]


def bump(*subjects: str) -> None:
    """Count a change up when the running unit of work commits, once however often it was changed in it."""
    before_commit("version", _count_up, *subjects)


def _count_up(*subjects: str) -> None:
    rows = [{"subject": subject, "number": 1} for subject in subjects]
    db.session.execute(_counted(db.engine.dialect.name), rows)


@cache
def _counted(dialect: str) -> Executable:
    table = Version.metadata.tables["version"]
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return make(table).on_conflict_do_update(
        index_elements=[table.c.subject], set_={"number": table.c.number + 1}
    )


_NUMBERS = select(Version.subject, Version.number).where(
    Version.subject.in_(bindparam("subjects", expanding=True))
)


def version(subject: str) -> int:
    """The number of a subject, 0 before its first change."""
    return versions(subject)[0]


def versions(*subjects: str) -> tuple[int, ...]:
    """The numbers of several, in one query."""
    rows = db.session.execute(_NUMBERS, {"subjects": subjects}).all()
    found = {row.subject: row.number for row in rows}
    return tuple(found.get(subject, 0) for subject in subjects)
