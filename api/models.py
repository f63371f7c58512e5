"""The other programs that may ask: one row a client."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from core.crypto import Encrypted
from core.database import Base, Moment, Short

SCOPES = ("menus:read", "orders:read", "orders:write", "redeem")
HOOKS = ("meal.ordered", "meal.collected", "meal.collected_undone", "meal.missed")


class ApiClient(Base):
    """A program with a key over a unit and everything below it. Of the key a digest is kept, and how it ends."""

    __tablename__ = "api_client"
    __table_args__ = (
        CheckConstraint("minute_calls >= 0", name="calls"),
        CheckConstraint("minute_most > 0", name="most"),
        CheckConstraint("(hook_url IS NULL) = (hook_secret IS NULL)", name="hook"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("org_unit.id"), index=True)
    name: Mapped[str] = mapped_column(Short)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    key_tail: Mapped[str] = mapped_column(Short)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    made_at: Mapped[datetime] = mapped_column(Moment)
    made_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)
    minute_at: Mapped[datetime | None] = mapped_column(Moment)
    """The minute that `minute_calls` counts."""
    minute_calls: Mapped[int] = mapped_column(default=0)
    minute_most: Mapped[int] = mapped_column(default=120)
    hook_url: Mapped[str | None] = mapped_column(Encrypted("api_client.hook_url"))
    """Where it is told what happened."""
    hook_secret: Mapped[str | None] = mapped_column(Encrypted("api_client.hook_secret"))
    """Signs what it is told."""
    hook_kinds: Mapped[list[str]] = mapped_column(JSON, default=list)
