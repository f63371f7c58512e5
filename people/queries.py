"""Reads about residents, for staff."""

from collections.abc import Collection, Sequence

from sqlalchemy import or_, select

from core.database import db
from core.readers import readers
from people.models import Card, Consent, Resident
from people.phones import tail_index, whole_index

MOST = 20


def find_residents(words: str, districts: Sequence[int]) -> list[Resident]:
    """By name (part of it), by card number, by whole phone number or its last four digits. At most 20."""
    words = words.strip()
    if not words:
        return []
    digits = "".join(sign for sign in words if sign.isdigit())
    kinds = [Resident.name.contains(words, autoescape=True)]
    number = readers.number(words, "desk") or ""
    cards = select(Card.resident_id).where(Card.number == number, Card.revoked_at.is_(None))
    kinds.append(Resident.id.in_(cards))
    if len(digits) == 4:
        kinds.append(Resident.phone_tail_index.in_(tail_index(digits)))
    elif len(digits) >= 8:
        kinds.extend(
            Resident.phone_index.in_(whole_index(prefix + digits)) for prefix in ("+86", "+852", "+")
        )
    query = (
        select(Resident)
        .where(Resident.district_id.in_(districts), or_(*kinds))
        .order_by(Resident.id)
        .limit(MOST)
    )
    return _survivors(list(db.session.scalars(query)))


def _survivors(rows: list[Resident]) -> list[Resident]:
    """Records that were merged into another one are found as that one, once."""
    wanted = [row.merged_into_id or row.id for row in rows]
    there = {row.id: row for row in rows}
    missing = {one for one in wanted if one not in there}
    if missing:
        there |= {row.id: row for row in db.session.scalars(select(Resident).where(Resident.id.in_(missing)))}
    return [there[one] for one in dict.fromkeys(wanted)]


def residents_by_id(ids: Collection[int]) -> dict[int, Resident]:
    """Some residents, for lists that show their masked names. Whoever asks has seen to it that they may."""
    return {row.id: row for row in db.session.scalars(select(Resident).where(Resident.id.in_(ids)))}


def live_cards(resident_id: int) -> list[Card]:
    """Cards of a resident that work."""
    query = select(Card).where(Card.resident_id == resident_id, Card.revoked_at.is_(None))
    return list(db.session.scalars(query.order_by(Card.id)))


def live_consents(resident_id: int) -> list[Consent]:
    """What a resident agreed to and has not taken back."""
    query = select(Consent).where(Consent.resident_id == resident_id, Consent.withdrawn_at.is_(None))
    return list(db.session.scalars(query.order_by(Consent.kind)))
