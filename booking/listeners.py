"""What booking does when something happens: free a hold when its visit ends, tell people about their bookings."""

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select, update

from booking.models import Booking
from booking.queries import booking_by_id, place_words
from booking.services.hold import release
from core.clock import database_now
from core.codes import show_number
from core.database import db
from core.events import Event, Listener
from core.outbox import Message, put
from core.words import clock_words, date_words, span_words
from people.services.tell import not_before, way_to


def free_hold(event: Event) -> None:
    """The wipe frees what the visit held."""
    release(event.payload["visit"])


def tell(event: Event) -> None:
    """A message to the person whose booking was made, cancelled or missed, by the way that reaches them, else the log.

    Nobody is rung up about a seat.
    """
    booking = booking_by_id(event.payload["booking"])
    if booking is None or booking.resident is None or _no_longer(event.kind, booking):
        return
    _write(event, booking)


def take_back(event: Event) -> None:
    """What is no longer true is not sent any more. Who was told already that it is booked is told that it is undone."""
    booking = booking_by_id(event.payload["booking"])
    if booking is None or booking.resident is None:
        return
    gone = [_stop(letter) for letter in _letters(booking, UNTRUE[event.kind])]
    if event.kind == "booking.undone" and not all(gone):
        _write(event, booking)


UNTRUE = {"booking.undone": "booking.made", "booking.checked_in": "booking.missed"}
"""After the one, the letter about the other is no longer true."""


def _no_longer(kind: str, booking: Booking) -> bool:
    """Whether a letter that was never written has become untrue meanwhile."""
    return (kind == "booking.made" and booking.state == "cancelled") or (
        kind == "booking.missed" and booking.state != "no_show"
    )


def _letters(booking: Booking, kind: str) -> list[Message]:
    """Letters of a kind about this booking: their keys name the event."""
    written = db.session.scalars(
        select(Message).where(
            Message.centre_id == booking.centre_id,
            Message.made_at >= booking.booked_at,
            Message.resident_id == booking.resident_id,
            Message.kind == kind,
            Message.key.startswith("event-"),
        )
    ).all()
    events = {letter.id: db.session.get(Event, int(letter.key.split("-")[1])) for letter in written}
    return [
        letter
        for letter in written
        if (of := events[letter.id]) is not None and of.payload["booking"] == booking.id
    ]


def _stop(letter: Message) -> bool:
    """Stop a letter; False where it was sent, or may have been while its first try runs."""
    stopped = update(Message).where(Message.id == letter.id, Message.sent_at.is_(None), Message.tries == 0)
    return (
        db.session.scalar(stopped.values(next_try_at=None, error="undone").returning(Message.id)) is not None
    )


def _write(event: Event, booking: Booking) -> None:
    if booking.resident is None:
        return
    way = way_to(booking.resident)
    if way is None:
        return
    with force_locale(booking.resident.language):
        subject, body = _letter(event.kind, booking)
    reached = way.channel != "call"
    put(
        f"event-{event.id}-tell",
        way.channel if reached else "log",
        way.address if reached else f"resident:{booking.resident.id}",
        subject,
        body,
        kind=event.kind,
        centre_id=booking.centre_id,
        resident_id=booking.resident.id,
        not_before=not_before(booking.centre, database_now()) if reached else None,
    )


def _letter(kind: str, booking: Booking) -> tuple[str, str]:
    zone = booking.centre.zone
    what = place_words(booking)
    when = f"{date_words(booking.local_day)} {span_words(booking.starts_at, booking.ends_at, zone)}"
    number = _("预约号 %(number)s", number=show_number(booking.number))
    if kind == "booking.made":
        window = span_words(booking.check_in_from, booking.check_in_until, zone)
        close = _("%(window)s 来签到。", window=window) + _until_when(booking)
        return _("约好了：%(what)s", what=what), "\n".join([what, when, number, close])
    if kind == "booking.undone":
        return _("已经撤销：%(what)s", what=what), "\n".join([what, when, number])
    if kind == "booking.missed":
        return _("您约的座位已经让出"), "\n".join(
            [what, when, number, _("没有等到您，座位先让给别人了。欢迎再来。")]
        )
    why = [_("原因：%(reason)s", reason=booking.reason)] if booking.reason else []
    return _("已经取消：%(what)s", what=what), "\n".join([what, when, number, *why])


def _until_when(booking: Booking) -> str:
    """How to take it back; no time where the free one had passed when it was made."""
    if booking.free_cancel_until <= booking.booked_at:
        return _("不来了，也请早点取消，座位好让给别人。")
    return _(
        "不来了，%(time)s 前取消就行。", time=clock_words(booking.free_cancel_until, booking.centre.zone)
    )


LISTENERS = [
    Listener("booking.free_hold", ("visit.ended",), free_hold, eager=True),
    Listener("booking.tell", ("booking.made", "booking.cancelled", "booking.missed"), tell),
    Listener("booking.take_back", tuple(UNTRUE), take_back),
]
