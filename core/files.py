"""Files that people hand in: kept in a folder by default, in any S3-compatible store by setting."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Moment, Short


class File(Base):
    """What is known of one file. Its bytes are in the store under `key`, which says nothing about it."""

    __tablename__ = "file"
    __table_args__ = (CheckConstraint("size >= 0", name="size"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Short, unique=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("org_unit.id"))
    kind: Mapped[str] = mapped_column(Short)
    """What it is for, such as `dish.photo`: who may read it is decided by that."""
    mime: Mapped[str] = mapped_column(Short)
    size: Mapped[int]
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    made_at: Mapped[datetime] = mapped_column(Moment)
    gone_at: Mapped[datetime | None] = mapped_column(Moment)
    """Removed: the row stays, the bytes go."""
