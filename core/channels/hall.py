"""Notices for the hall's screen: short, for everybody, without anybody's name."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import database_now, now
from core.database import Base, Moment, Short, Text, db, unit_of_work
from core.i18n import pick
from core.versions import bump


class HallNotice(Base):
    """One line on a centre's hall screen for a while. `key` says what for: shown once."""

    __tablename__ = "hall_notice"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint("starts_at < ends_at", name="order"),
        Index("ix_hall_notice_centre", "centre_id", "ends_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Short)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    words_zh: Mapped[str] = mapped_column(Text)
    words_en: Mapped[str] = mapped_column(Text, default="")
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)

    @property
    def words(self) -> str:
        """In the reader's language."""
        return pick(self.words_zh, self.words_en)


def put_notice(key: str, centre_id: int, zh: str, en: str, until: datetime) -> None:
    """In the running unit of work: show this in the hall until then. The same key again changes nothing."""
    moment = database_now()
    if until <= moment:
        return
    make = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    values = {"key": key, "centre_id": centre_id, "words_zh": zh[:200], "words_en": en[:400]}
    db.session.execute(
        make(HallNotice).values(**values, starts_at=moment, ends_at=until).on_conflict_do_nothing()
    )
    bump(f"board:{centre_id}")


def take_down(centre_id: int, notice_id: int) -> None:
    """A notice is no longer shown. Again it changes nothing."""
    with unit_of_work():
        moment = database_now()
        db.session.execute(
            update(HallNotice)
            .where(
                HallNotice.id == notice_id,
                HallNotice.centre_id == centre_id,
                HallNotice.starts_at < moment,
                HallNotice.ends_at > moment,
            )
            .values(ends_at=moment)
        )
        bump(f"board:{centre_id}")


def current_notices(centre_id: int) -> list[HallNotice]:
    """What the hall's screen shows now, the newest first. Its version is `board:<centre>`."""
    moment = now()
    query = select(HallNotice).where(
        HallNotice.centre_id == centre_id, HallNotice.starts_at <= moment, HallNotice.ends_at > moment
    )
    return list(db.session.scalars(query.order_by(HallNotice.id.desc())))
