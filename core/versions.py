"""Versions of live pages: one number that grows with every change a page shows. Polls read one row and get a 304."""

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Short, db


class Version(Base):
    """`subject` is what the page shows, such as `today:3` or `day:7:2026-11-24`."""

    __tablename__ = "version"

    subject: Mapped[str] = mapped_column(Short, primary_key=True)
    number: Mapped[int]


def bump(*subjects: str) -> None:
    """Count a change up, in the same unit of work. Rows are locked in order of their names."""
    make = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    for subject in sorted(set(subjects)):
        db.session.execute(
            make(Version)
            .values(subject=subject, number=1)
            .on_conflict_do_update(index_elements=[Version.subject], set_={"number": Version.number + 1})
        )


def version(subject: str) -> int:
    """The number of a subject, 0 before its first change."""
    return db.session.scalar(select(Version.number).where(Version.subject == subject)) or 0
