"""Cards: issue, reprint, lost, linked; who a code belongs to."""

import secrets

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.exc import IntegrityError

from core import audit
from core.audit import Actor
from core.clock import database_now
from core.codes import code_hash, new_code
from core.database import db, unit_of_work
from core.errors import Refused
from core.events import emit
from core.readers import Place, readers
from people.models import Card, Resident
from people.services.residents import locked


def issue_card(
    actor: Actor, resident_id: int, number: str | None = None, why: str = "reprint"
) -> tuple[Card, str]:
    """A new card of ours and its code, which is shown this once; every earlier one is revoked with `why`."""
    with unit_of_work():
        locked(resident_id)
        _revoke(actor, resident_id, why)
        code = new_code("K")
        card = Card(
            resident_id=resident_id,
            kind="centre",
            number=number or _free_number(),
            code_hash=code_hash(code),
            issued_at=database_now(),
        )
        db.session.add(card)
        db.session.flush()
        audit.record(actor, "card.issued", "card", card.id, detail={"resident": resident_id})
    return card, code


def _free_number() -> str:
    for _try in range(5):
        number = f"C-{secrets.randbelow(10**8):08d}"
        if db.session.scalar(select(Card.id).where(Card.number == number)) is None:
            return number
    raise RuntimeError("no free card number in five draws")


def report_lost(actor: Actor, resident_id: int) -> int:
    """Lost: all cards of ours stop working at once. Returns how many did."""
    with unit_of_work():
        locked(resident_id)
        return _revoke(actor, resident_id, "lost")


def link_card(actor: Actor, resident_id: int, number: str) -> Card:
    """Let a card that people already have (what the desk's reader types of it) identify them like ours."""
    kept = readers.number(number, "desk")
    if kept is None:
        raise Refused("card_number", _("卡号请再看看"), _("卡号印在卡的正面，6位以上。"), status=422)
    with unit_of_work():
        locked(resident_id)
        taken = db.session.scalar(
            select(Card.resident_id).where(Card.number == kept, Card.revoked_at.is_(None))
        )
        taken_already = Refused("card_taken", _("这张卡已经登记过了"), _("请核对卡号，或先注销原来的登记。"))
        if taken is not None:
            raise taken_already
        card = Card(resident_id=resident_id, kind="linked", number=kept, issued_at=database_now())
        db.session.add(card)
        try:
            db.session.flush()
        except IntegrityError as error:  # another desk was faster
            raise taken_already from error
        audit.record(actor, "card.linked", "card", card.id, detail={"resident": resident_id})
    return card


def unlink_card(actor: Actor, resident_id: int, card_id: int) -> int:
    """A card of their own, lost or no longer wanted, stops identifying at once. Returns how many did; again: none."""
    with unit_of_work():
        locked(resident_id)
        return _stop(actor, resident_id, "unlinked", Card.id == card_id, Card.kind == "linked")


def reread_cards(actor: Actor) -> tuple[int, int]:
    """After another reader was set: keep every linked number as the desk's reader keeps it now. Returns how many were
    changed, and how many stay because a live card bears their new number already. Again: none."""
    changed = stay = 0
    for card_id in unread_cards():
        try:
            with unit_of_work():
                changed += _reread(actor, card_id)
        except IntegrityError:
            stay += 1
    return changed, stay


def unread_cards() -> list[int]:
    """Linked cards whose number the desk's reader would keep otherwise now: nobody's, until they are read again."""
    rows = db.session.execute(
        select(Card.id, Card.number).where(Card.kind == "linked", Card.revoked_at.is_(None)).order_by(Card.id)
    )
    return [row.id for row in rows if readers.number(row.number, "desk") not in {row.number, None}]


def _reread(actor: Actor, card_id: int) -> bool:
    card = db.session.get_one(Card, card_id, with_for_update=True, populate_existing=True)
    kept = readers.number(card.number, "desk")
    if kept is None or kept == card.number or card.revoked_at is not None:
        return False
    card.number = kept
    db.session.flush()
    audit.record(actor, "card.reread", "card", card.id, detail={"resident": card.resident_id})
    return True


def _revoke(actor: Actor, resident_id: int, why: str) -> int:
    return _stop(actor, resident_id, why, Card.kind == "centre")


def _stop(actor: Actor, resident_id: int, why: str, *which: ColumnElement[bool]) -> int:
    gone = db.session.scalars(
        update(Card)
        .where(Card.resident_id == resident_id, *which, Card.revoked_at.is_(None))
        .values(revoked_at=database_now(), revoked_why=why)
        .returning(Card.id)
    ).all()
    for card_id in gone:
        audit.record(actor, "card.revoked", "card", card_id, detail={"why": why})
    if gone:  # whoever has them may have opened a visit with them: kiosk ends it
        emit("card.revoked", {"resident": resident_id})
    return len(gone)


def resident_of_code(code: str) -> Resident:
    """Whose card this is. Raises `Refused` with a sentence of its own for each way it cannot be used."""
    card = db.session.scalar(select(Card).where(Card.code_hash == code_hash(code)))
    return _usable(card)


def resident_of_number(number: str, place: Place = "desk") -> Resident | None:
    """Whose linked card a reader at this place typed; None if nobody's. Numbers of our own cards identify nobody."""
    kept = readers.number(number, place)
    if kept is None:
        return None
    card = db.session.scalar(
        select(Card).where(Card.number == kept, Card.kind == "linked", Card.revoked_at.is_(None))
    )
    return _usable(card) if card else None


def _usable(card: Card | None) -> Resident:
    if card is None:
        raise Refused(
            "card_unknown", _("这张卡我们认不出"), _("可能是别处的卡。请找工作人员看看。"), status=404
        )
    if card.revoked_at is not None:
        raise Refused(
            "card_revoked",
            _("这张卡已经停用了"),
            _("您可能补办过新卡，请用新的那张，或找工作人员。"),
            status=410,
        )
    if card.resident.lifecycle != "active":
        raise Refused("card_inactive", _("这张卡暂时不能用"), _("请找工作人员，我们帮您看看。"), status=410)
    return card.resident
