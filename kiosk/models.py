"""Tables of devices and of the people before them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from centres.models import Centre
from core.crypto import Encrypted
from core.database import Base, Moment, Short, Text
from core.intervals import no_overlap
from people.models import Resident


class PairingCode(Base):
    """A one-time code, made in the console, with which a screen becomes a centre's kiosk."""

    __tablename__ = "pairing_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    device_name: Mapped[str] = mapped_column(Short)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class Device(Base):
    """A paired kiosk. Its secret is a cookie; only its digest is kept. Revoked ones are strangers again."""

    __tablename__ = "device"
    __table_args__ = (
        CheckConstraint("paper_mm IN (58,80)", name="paper_mm"),
        CheckConstraint("printer_state IN ('ok','low','no_paper','away')", name="printer_state"),
        CheckConstraint("printer IS NOT NULL OR printer_state IS NULL", name="printer"),
        CheckConstraint("(notice IS NULL) = (notice_until IS NULL)", name="notice"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"), index=True)
    name: Mapped[str] = mapped_column(Short)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    paired_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    seen_at: Mapped[datetime] = mapped_column(Moment)
    report: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What the last heartbeat said: build, clock skew in ms, size of the screen."""
    order: Mapped[str | None] = mapped_column(Short)
    """What the next heartbeat's answer orders: reload or wipe."""
    notice: Mapped[str | None] = mapped_column(Short)
    """What staff say on its screen until `notice_until`: a code of `services.notices.READY`, or their own words."""
    notice_until: Mapped[datetime | None] = mapped_column(Moment)
    printer: Mapped[str | None] = mapped_column(Short)
    """`host` or `host:port` of the receipt printer beside it; None: it has none."""
    paper_mm: Mapped[int] = mapped_column(default=80, server_default=text("80"))
    printer_state: Mapped[str | None] = mapped_column(Short)
    """What the printer last said: ok, low (paper ends soon), no_paper, away. None: it was never asked."""
    printer_seen_at: Mapped[datetime | None] = mapped_column(Moment)
    centre: Mapped[Centre] = relationship()


class Outage(Base):
    """A stretch in which a kiosk did not answer; written when it comes back. Nobody is blamed for missing it."""

    __tablename__ = "outage"
    __table_args__ = (CheckConstraint("starts_at < ends_at", name="order"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)


OUTAGE_LINE = no_overlap(Outage.metadata.tables["outage"], ("device_id",))


class Visit(Base):
    """One person before one screen, from the first thing that must be remembered until the wipe.

    level: how they are known: `nobody`, `card`, `pin`. At a kiosk it ends with the wipe or some minutes of silence,
    on a phone after 20 hours. The cookie holds a random token; its digest is here.
    """

    __tablename__ = "visit"
    __table_args__ = (
        CheckConstraint("level IN ('nobody','card','pin')", name="level"),
        CheckConstraint("(resident_id IS NULL) = (level = 'nobody')", name="known"),
        Index("ix_visit_open", "ended_at", "expires_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    device_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"), index=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    level: Mapped[str] = mapped_column(Short, default="nobody")
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    """Between the phone number and the PIN: blind index of the number typed."""
    started_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    resident: Mapped[Resident | None] = relationship()


class ConfirmedPhone(Base):
    """A phone on which a resident once gave their PIN: it may show their name afterwards. Removable."""

    __tablename__ = "confirmed_phone"

    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    confirmed_at: Mapped[datetime] = mapped_column(Moment)
    removed_at: Mapped[datetime | None] = mapped_column(Moment)


class Call(Base):
    """Somebody at a kiosk wants a member of staff. One open call a kiosk, however often it is tapped."""

    __tablename__ = "call"
    __table_args__ = (
        CheckConstraint("state IN ('open','coming','done','withdrawn')", name="state"),
        Index(
            "uq_call_open",
            "device_id",
            unique=True,
            sqlite_where=text("state IN ('open','coming')"),
            postgresql_where=text("state IN ('open','coming')"),
        ),
        Index("ix_call_centre", "centre_id", "called_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    page: Mapped[str] = mapped_column(Short, default="")
    language: Mapped[str] = mapped_column(Short, default="zh_Hans")
    elder: Mapped[bool] = mapped_column(default=False)
    called_at: Mapped[datetime] = mapped_column(Moment)
    answered_at: Mapped[datetime | None] = mapped_column(Moment)
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    state: Mapped[str] = mapped_column(Short, default="open")
    device: Mapped[Device] = relationship()


class PaperSlip(Base):
    """A slip that a kiosk's printer is to print: at once, or not at all, for the person does not stay.

    key: the device, the code on it and how often it was asked for: one paper an ask. body: what stands on it, as JSON;
    gone as soon as it is printed or given up. error: why the last try failed: no_paper, away, no_font, or why it was
    given up.
    """

    __tablename__ = "paper_slip"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint("printed_at IS NULL OR given_up_at IS NULL", name="one_end"),
        CheckConstraint(
            "(body IS NULL) = (printed_at IS NOT NULL OR given_up_at IS NOT NULL)", name="body_goes"
        ),
        CheckConstraint("(body IS NULL) = (next_try_at IS NULL)", name="waits"),
        Index("ix_paper_slip_next_try_at", "next_try_at"),
        Index("ix_paper_slip_device_id_made_at", "device_id", "made_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    key: Mapped[str] = mapped_column(Short)
    body: Mapped[str | None] = mapped_column(Encrypted("paper_slip.body"))
    language: Mapped[str] = mapped_column(Short)
    made_at: Mapped[datetime] = mapped_column(Moment)
    next_try_at: Mapped[datetime | None] = mapped_column(Moment)
    tries: Mapped[int] = mapped_column(default=0)
    printed_at: Mapped[datetime | None] = mapped_column(Moment)
    given_up_at: Mapped[datetime | None] = mapped_column(Moment)
    error: Mapped[str | None] = mapped_column(Text)
    device: Mapped[Device] = relationship()

    @property
    def is_over(self) -> bool:
        """Whether it was printed or given up."""
        return self.next_try_at is None

    @property
    def state(self) -> str:
        """waiting, printed, no_paper or away (whatever else keeps it from being printed); the last two while it is
        tried again, too."""
        if self.printed_at is not None:
            return "printed"
        if self.error == "no_paper":
            return "no_paper"
        return "away" if self.error or self.given_up_at is not None else "waiting"
