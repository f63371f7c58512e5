"""Telling a person something: which way reaches them, in which language, and when. Their consent decides.

Nothing goes to somebody who has died, moved away or was merged into another record.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select

from centres.models import Centre
from centres.policies import policies
from core import audit
from core.audit import Actor
from core.clock import at, database_now, local
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.messages import kinds, written
from core.outbox import Message, channels, put
from people.models import Resident
from people.phones import is_mobile
from people.services.calls import drop_call, put_call
from people.services.residents import consents

CALL_WITHIN = timedelta(hours=2)
CALL_WITHIN_URGENT = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class MessagePolicy:
    """Between these hours nothing goes out that can wait (`messages.<field>`)."""

    quiet_from: time = time(21, 0)
    quiet_until: time = time(8, 0)


@dataclass(frozen=True, slots=True)
class Way:
    """How somebody is reached: a channel and an address; `call` where somebody must ring them up."""

    channel: str
    address: str = ""


def way_to(resident: Resident) -> Way | None:
    """The way that reaches a person: SMS to a mobile, else e-mail, else a call. None: they are told nothing."""
    if resident.lifecycle != "active":
        return None
    if "messages" in consents(resident.id):
        if channels.has("sms") and is_mobile(resident.phone):
            return Way("sms", resident.phone or "")
        if channels.has("email") and resident.email:
            return Way("email", resident.email)
    return Way("call")


def not_before(centre: Centre, now: datetime) -> datetime | None:
    """When the quiet hours of a centre end; None outside of them."""
    wall = local(now, centre.zone)
    policy = policies(MessagePolicy, "messages", centre.id, wall.date())
    begins, ends = policy.quiet_from, policy.quiet_until
    if begins == ends or not _within(wall.time(), begins, ends):
        return None
    day = wall.date() + timedelta(days=int(wall.time() >= ends))
    return at(day, ends, centre.zone)


def _within(wall: time, begins: time, ends: time) -> bool:
    return begins <= wall < ends if begins < ends else wall >= begins or wall < ends


def tell(
    key: str,
    name: str,
    resident_id: int,
    centre_id: int,
    values: Callable[[], Mapping[str, object]],
) -> str:
    """In the running unit of work: tell a person, once for a key. Returns by which channel; '' for not at all.

    values: what stands in the words, made in the person's language. Without consent nothing is sent; what they must
    know all the same (`must_reach`) goes to the staff who ring people up.
    """
    kind = kinds.named(name)
    resident, centre = db.session.get_one(Resident, resident_id), db.session.get_one(Centre, centre_id)
    way = way_to(resident)
    if way is None or (way.channel == "call" and not kind.must_reach):
        return ""
    now = database_now()
    with force_locale("zh_Hans" if way.channel == "call" else resident.language):
        subject, body = written(
            name, centre_id, "zh_Hans" if way.channel == "call" else resident.language, values()
        )
    if way.channel == "call":
        within = CALL_WITHIN_URGENT if kind.urgent else CALL_WITHIN
        quiet = not_before(centre, now)
        put_call(key, "message", centre_id, resident_id, body, (quiet or now) + within)
        return "call"
    put(
        key,
        way.channel,
        way.address,
        subject,
        body,
        kind=name,
        centre_id=centre_id,
        resident_id=resident_id,
        not_before=None if kind.urgent else not_before(centre, now),
    )
    return way.channel


def unsay(key: str) -> bool:
    """In the running unit of work: what was put under this key is not true any more. Where it still waits it is not
    sent, and nobody rings up with it. Returns whether the person may have heard it."""
    query = select(Message).where(Message.key == key).with_for_update()
    message = db.session.scalar(query.execution_options(populate_existing=True))
    if message is None:
        return False
    heard = message.state in {"sent", "called"} or (message.state == "waiting" and message.tries > 0)
    if message.state == "waiting":
        message.next_try_at, message.error = None, "undone"
    if message.state == "called":
        drop_call(f"message-{message.id}", database_now())
    return heard


def call_instead(actor: Actor, centre_id: int, message_id: int) -> None:
    """«改打电话»: a message that does not get through becomes a call to make. Again it changes nothing."""
    with unit_of_work():
        message = db.session.get(Message, message_id, with_for_update=True, populate_existing=True)
        if message is None or message.centre_id != centre_id:
            raise NotFound(_("没有找到这条消息"))
        if message.resident_id is None:
            raise Refused(
                "not_a_person", _("这条不是给居民的"), _("群里的消息，请直接问问群主。"), status=422
            )
        if message.sent_at is not None:
            raise Refused("sent_already", _("这条已经送到了"), _("不用再打电话。"))
        if message.called_at is not None:
            return
        now = database_now()
        message.called_at, message.next_try_at = now, None
        put_call(
            f"message-{message.id}",
            "message",
            centre_id,
            message.resident_id,
            message.body,
            now + CALL_WITHIN_URGENT,
        )
        audit.record(actor, "message.called", "message", message.id, unit_id=centre_id, at=now)
