"""What booking does when something happens: free a hold when its visit ends, tell people about their bookings."""

from flask_babel import force_locale
from flask_babel import gettext as _

from booking.models import Booking
from booking.queries import booking_by_id, place_words
from booking.services.hold import release
from core.clock import database_now
from core.codes import show_number
from core.events import Event, Listener
from core.outbox import put
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
    if booking is None or booking.resident is None:
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
]
