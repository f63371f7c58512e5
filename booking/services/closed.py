"""What staff decide about bookings in a time that is not open: cancelled with a reason, or kept on purpose."""

from collections.abc import Sequence

from booking.closed import KEPT, outside, stamps
from booking.models import Booking
from booking.opening import space_day
from booking.services.attend import cancel, units_of
from booking.services.place import changed, lock_units
from core import audit
from core.audit import Actor
from core.clock import database_now
from core.database import unit_of_work


def cancel_closed(actor: Actor, centre_id: int, numbers: Sequence[str], reason: str) -> int:
    """Cancel those of these that lie in closed time and have not begun; each person is told why. Returns how many."""
    with unit_of_work():
        chosen = [row for row in _chosen(centre_id, numbers) if row.state == "booked"]
        lock_units(sorted({unit for row in chosen for unit in units_of(row.id)}))
        for row in chosen:
            cancel(actor, row.id, reason)
    return len(chosen)


def keep_closed(actor: Actor, centre_id: int, numbers: Sequence[str]) -> int:
    """Keep them: whoever comes is let in. Holds while the openings of that day stay as they are now."""
    with unit_of_work():
        chosen = _chosen(centre_id, numbers)
        for row in chosen:
            held = {"open": stamps(space_day(row.space, row.local_day))}
            audit.record(actor, KEPT, "booking", row.id, unit_id=centre_id, detail=held)
            changed(row)
    return len(chosen)


def _chosen(centre_id: int, numbers: Sequence[str]) -> list[Booking]:
    """In order of their ids, in which they are locked; what is no longer on the list is passed over."""
    found = [row for row in outside(centre_id, database_now()) if row.number in set(numbers)]
    return sorted(found, key=lambda row: row.id)
