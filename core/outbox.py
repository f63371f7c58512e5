"""Messages to people: written with the change they tell of, sent afterwards by the clock, with visible retries.

Channels: `log` (says only that there was a message, never its words), `email`, `sms`, `group` (of staff), `webhook`
(other programs); core/channels has them. Every way out bears the message's key, so that the other side can tell one
that is sent twice because of a kill.
"""

import smtplib
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Index, UniqueConstraint, case, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core import audit
from core.audit import Actor
from core.channels import groups, sms, smtp
from core.channels.outward import NeverTaken
from core.clock import database_now
from core.crypto import Encrypted
from core.database import Base, Moment, Short, Text, db, unit_of_work

log = structlog.get_logger()
GIVE_UP_AFTER = 8
FIRST_WAIT = timedelta(seconds=30)


class Message(Base):
    """One message through one channel. `key` says which event and purpose it is for: written once."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("key"),
        Index("ix_message_due", "sent_at", "next_try_at"),
        Index("ix_message_centre", "centre_id", "made_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Short)
    channel: Mapped[str] = mapped_column(Short)
    address: Mapped[str] = mapped_column(Encrypted("message.address"))
    subject: Mapped[str] = mapped_column(Encrypted("message.subject"))
    body: Mapped[str] = mapped_column(Encrypted("message.body"))
    made_at: Mapped[datetime] = mapped_column(Moment)
    next_try_at: Mapped[datetime | None] = mapped_column(Moment)
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    error: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Short, default="")
    """What it tells of, such as `meal.ordered`."""
    centre_id: Mapped[int | None]
    """Whose staff see that it was sent, or not."""
    resident_id: Mapped[int | None]
    target_id: Mapped[int | None]
    """The group of staff, or the other program, that it goes to."""
    called_at: Mapped[datetime | None] = mapped_column(Moment)
    """When it was put on the list of calls instead."""

    @property
    def state(self) -> str:
        """sent, called (somebody rings up instead), waiting, or stopped (nobody tries any more)."""
        if self.sent_at is not None:
            return "sent"
        if self.called_at is not None:
            return "called"
        return "waiting" if self.next_try_at is not None else "stopped"


def put(
    key: str,
    channel: str,
    address: str,
    subject: str,
    body: str,
    *,
    kind: str = "",
    centre_id: int | None = None,
    resident_id: int | None = None,
    target_id: int | None = None,
    not_before: datetime | None = None,
) -> None:
    """Write a message in the running unit of work; the same key again changes nothing."""
    now = database_now()
    make = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    db.session.execute(
        make(Message)
        .values(
            key=key,
            channel=channel,
            address=address,
            subject=subject,
            body=body,
            made_at=now,
            next_try_at=max(now, not_before) if not_before else now,
            tries=0,
            kind=kind,
            centre_id=centre_id,
            resident_id=resident_id,
            target_id=target_id,
        )
        .on_conflict_do_nothing()
    )


Channel = Callable[[Message], None]


def send_due(limit: int = 50) -> int:
    """Send what waits; returns how many went out. Each message is claimed first, so that two clocks never share one.
    What was stopped while it was being tried stays stopped."""
    now = database_now()
    due = db.session.scalars(
        select(Message.id)
        .where(Message.sent_at.is_(None), Message.next_try_at <= now)
        .order_by(Message.next_try_at, Message.id)
        .limit(limit)
    ).all()
    return sum(_send(message_id) for message_id in due)


def _send(message_id: int) -> bool:
    with unit_of_work():
        now = database_now()
        claimed = db.session.execute(
            update(Message)
            .where(Message.id == message_id, Message.sent_at.is_(None), Message.next_try_at <= now)
            .values(next_try_at=now + FIRST_WAIT, tries=Message.tries + 1)
            .returning(Message.tries)
        ).first()
    if claimed is None:
        return False
    message = db.session.get_one(Message, message_id, populate_existing=True)
    error, never = None, False
    try:
        channel = channels.by_name.get(message.channel)
        if channel is None:
            raise LookupError(f"channel {message.channel} is not set up (HALL_SMTP_URL, HALL_SMS_URL?)")
        channel(message)
    except (OSError, smtplib.SMTPException, LookupError) as fault:
        error, never = f"{type(fault).__name__}: {fault}", isinstance(fault, NeverTaken)
        if message.address:
            error = error.replace(message.address, "…")
        error = error[:400]
        log.warning("message_not_sent", message=message_id, error=type(fault).__name__)
    with unit_of_work():
        now = database_now()
        gone = never or claimed.tries >= GIVE_UP_AFTER
        later = now + FIRST_WAIT * 2 ** (claimed.tries - 1)
        db.session.execute(
            update(Message)
            .where(Message.id == message_id)
            .values(
                sent_at=None if error else now,
                next_try_at=None if gone or not error else case((Message.next_try_at.is_not(None), later)),
                error=error,
            )
        )
    return error is None


def try_again(actor: Actor, message_id: int) -> None:
    """«再发一次»: a message that was given up, or waits for its next try, is tried at once. Sent ones stay sent."""
    with unit_of_work():
        now = database_now()
        found = db.session.execute(
            update(Message)
            .where(Message.id == message_id, Message.sent_at.is_(None), Message.called_at.is_(None))
            .values(next_try_at=now, tries=0)
            .returning(Message.centre_id)
        ).first()
        if found:
            audit.record(actor, "message.again", "message", message_id, unit_id=found.centre_id, at=now)


STATES = ("stopped", "waiting", "called", "sent")


def messages_of(centre_id: int, state: str = "", most: int = 200) -> list[Message]:
    """A centre's messages, the newest first; of one state, or of all. Those to the log alone are no messages."""
    query = select(Message).where(Message.centre_id == centre_id, Message.channel != "log")
    pending = Message.sent_at.is_(None) & Message.called_at.is_(None)
    if state == "sent":
        query = query.where(Message.sent_at.is_not(None))
    elif state == "called":
        query = query.where(Message.sent_at.is_(None), Message.called_at.is_not(None))
    elif state == "waiting":
        query = query.where(pending, Message.next_try_at.is_not(None))
    elif state == "stopped":
        query = query.where(pending, Message.next_try_at.is_(None))
    return list(db.session.scalars(query.order_by(Message.made_at.desc(), Message.id.desc()).limit(most)))


def message_here(centre_id: int, message_id: int) -> Message | None:
    """One message of a centre."""
    return db.session.scalar(select(Message).where(Message.id == message_id, Message.centre_id == centre_id))


def stop_messages(resident_id: int, why: str) -> int:
    """In the running unit of work: what waits for somebody is not sent any more. Returns how many."""
    stopped = db.session.execute(
        update(Message)
        .where(
            Message.resident_id == resident_id, Message.sent_at.is_(None), Message.next_try_at.is_not(None)
        )
        .values(next_try_at=None, error=why)
        .returning(Message.id)
    ).all()
    return len(stopped)


def _to_log(message: Message) -> None:
    log.info("message", message=message.id, channel=message.channel, key=message.key)


def _to_group(message: Message) -> None:
    groups.send(message.target_id, message.subject, message.body, inside=channels.inside)


class Channels:
    """The ways out of this house, by name; `create_app` fills it."""

    def __init__(self) -> None:
        self.by_name: dict[str, Channel] = {"log": _to_log, "group": _to_group}
        self.inside = False
        """Whether this machine and private networks may be spoken to: in the demo only."""

    def use_smtp(self, url: str, sender: str) -> None:
        """Send `email` through the server at `smtp://user:password@host:port`."""
        self.by_name["email"] = lambda message: smtp.send(
            url, sender, message.key, message.address, message.subject, message.body
        )

    def use_sms(self, url: str, token: str) -> None:
        """Send `sms` through the adapter at `url`."""
        self.by_name["sms"] = lambda message: sms.send(url, token, message.key, message.address, message.body)

    def has(self, name: str) -> bool:
        """Whether messages can leave this way."""
        return name in self.by_name


channels = Channels()
