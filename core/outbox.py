"""Messages to people: written with the change they tell of, sent afterwards by the clock, with visible retries.

Channels: `log` (says only that there was a message, never its words), `email` over SMTP. A message sent twice
because of a kill bears the same Message-ID, so that mail programs show it once.
"""

import smtplib
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import structlog
from sqlalchemy import Index, UniqueConstraint, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import database_now
from core.crypto import Encrypted
from core.database import Base, Moment, Short, Text, db, unit_of_work

log = structlog.get_logger()
GIVE_UP_AFTER = 8
FIRST_WAIT = timedelta(seconds=30)


class Message(Base):
    """One message through one channel. `key` says which event and purpose it is for: written once."""

    __tablename__ = "message"
    __table_args__ = (UniqueConstraint("key"), Index("ix_message_due", "sent_at", "next_try_at"))

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


def put(key: str, channel: str, address: str, subject: str, body: str) -> None:
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
            next_try_at=now,
            tries=0,
        )
        .on_conflict_do_nothing()
    )


Channel = Callable[[Message], None]


def send_due(limit: int = 50) -> int:
    """Send what waits; returns how many went out. Each message is claimed first, so that two clocks never share one."""
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
    error = None
    try:
        channel = channels.by_name.get(message.channel)
        if channel is None:
            raise LookupError(f"channel {message.channel} is not set up (HALL_SMTP_URL?)")
        channel(message)
    except (OSError, smtplib.SMTPException, LookupError) as fault:
        error = f"{type(fault).__name__}: {fault}".replace(message.address, "…")[:400]
        log.warning("message_not_sent", message=message_id, error=type(fault).__name__)
    with unit_of_work():
        now = database_now()
        gone = claimed.tries >= GIVE_UP_AFTER
        db.session.execute(
            update(Message)
            .where(Message.id == message_id)
            .values(
                sent_at=None if error else now,
                next_try_at=None if gone or not error else now + FIRST_WAIT * 2 ** (claimed.tries - 1),
                error=error,
            )
        )
    return error is None


def _to_log(message: Message) -> None:
    log.info("message", message=message.id, channel=message.channel, key=message.key)


def _to_smtp(message: Message, url: str, sender: str) -> None:
    parts = urlsplit(url)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, message.address, message.subject
    mail["Message-ID"] = f"<{message.key}@{sender.rpartition('@')[2]}>"
    mail.set_content(message.body)
    secure = parts.scheme == "smtps"
    connect = smtplib.SMTP_SSL if secure else smtplib.SMTP
    with connect(parts.hostname or "127.0.0.1", parts.port or (465 if secure else 25), timeout=10) as server:
        if parts.username:
            if not secure:
                server.starttls()
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(mail)


class Channels:
    """The ways out of this house, by name; `create_app` fills it."""

    def __init__(self) -> None:
        self.by_name: dict[str, Channel] = {"log": _to_log}

    def use_smtp(self, url: str, sender: str) -> None:
        """Send `email` through the server at `smtp://user:password@host:port`."""
        self.by_name["email"] = lambda message: _to_smtp(message, url, sender)


channels = Channels()
