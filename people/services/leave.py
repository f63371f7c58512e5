"""Somebody has moved away or died: what is to come ends, cards stop, nobody writes to them any more.

What is on their account stays there until it is paid out to them or their family (docs/canteen.md).
"""

from collections.abc import Callable, Sequence

from flask_babel import gettext as _
from sqlalchemy import or_, select, update

from core import audit
from core.audit import Actor
from core.clock import database_now
from core.database import db, unit_of_work
from core.errors import Refused
from core.events import emit
from core.outbox import stop_messages
from core.versions import bump
from people.models import CallTask, Card, Consent, FamilyLink, Resident
from people.services.residents import NAMES, locked, withdraw_invitations

WHYS = ("moved_away", "deceased")
Hook = Callable[[Actor, int, str], None]


class Hooks:
    """What the floors above end when somebody leaves; `create_app` fills it."""

    all: Sequence[Hook] = ()


def use(hooks: Sequence[Hook]) -> None:
    """Called once by `create_app`."""
    Hooks.all = tuple(hooks)


def leave(actor: Actor, resident_id: int, why: str) -> Resident:
    """Everything in one unit of work. Again with the same reason it changes nothing; who moved away may die."""
    if why not in WHYS:
        raise Refused("why_odd", _("请选是迁走了，还是去世了"), status=422)
    with unit_of_work():
        now = database_now()
        resident = locked(resident_id)
        if resident.lifecycle == why:
            return resident
        if resident.lifecycle == "moved_away" and why == "deceased":
            resident.lifecycle = why
            audit.record(actor, f"resident.{why}", "resident", resident_id, at=now)
            return resident
        if resident.lifecycle != "active":
            raise Refused("not_active", _("这份资料已经停用了"), _("刷新一下就能看到。"))
        for hook in Hooks.all:
            hook(actor, resident_id, why)
        _stop_cards(actor, resident_id, why)
        _end_family(actor, resident_id)
        _end_consents(resident_id)
        _close_calls(resident_id)
        stopped = stop_messages(resident_id, why)
        resident = locked(resident_id)
        resident.lifecycle, resident.pin_hash, resident.pin_open_until = why, None, None
        resident.settings = {}
        db.session.flush()
        audit.record(
            actor, f"resident.{why}", "resident", resident_id, detail={"messages_stopped": stopped}, at=now
        )
        emit("resident.left", {"resident": resident_id, "why": why}, at=now)
        bump(NAMES)
    return resident


def _stop_cards(actor: Actor, resident_id: int, why: str) -> None:
    """Ours, and those of theirs that were linked."""
    gone = db.session.scalars(
        update(Card)
        .where(Card.resident_id == resident_id, Card.revoked_at.is_(None))
        .values(revoked_at=database_now(), revoked_why=why)
        .returning(Card.id)
    ).all()
    for card_id in sorted(gone):
        audit.record(actor, "card.revoked", "card", card_id, detail={"why": why})


def _end_family(actor: Actor, resident_id: int) -> None:
    withdraw_invitations(actor, resident_id)
    gone = db.session.scalars(
        update(FamilyLink)
        .where(
            or_(FamilyLink.elder_id == resident_id, FamilyLink.proxy_id == resident_id),
            FamilyLink.state != "ended",
        )
        .values(
            state="ended",
            ended_at=database_now(),
            ended_by="staff",
            sees_collected=False,
            pays_since=None,
        )
        .returning(FamilyLink.id)
    ).all()
    for link_id in sorted(gone):
        audit.record(actor, "family.ended", "family_link", link_id)


def _close_calls(resident_id: int) -> None:
    """Nobody rings up any more."""
    centres = db.session.scalars(
        update(CallTask)
        .where(CallTask.resident_id == resident_id, CallTask.state.in_(["open", "again"]))
        .values(state="closed", ended_at=database_now(), note=_("资料停用了，不用再打"))
        .returning(CallTask.centre_id)
    ).all()
    for centre_id in sorted(set(centres)):
        bump(f"today:{centre_id}")


def _end_consents(resident_id: int) -> None:
    """Nothing new may be done with what is kept; the record itself stays for the accounts, as long as the law asks."""
    db.session.execute(
        update(Consent)
        .where(Consent.resident_id == resident_id, Consent.kind != "profile", Consent.withdrawn_at.is_(None))
        .values(withdrawn_at=database_now())
    )


def has_left(resident_id: int) -> str:
    """`moved_away`, `deceased`, or nothing."""
    state = db.session.scalar(select(Resident.lifecycle).where(Resident.id == resident_id))
    return state if state in WHYS else ""
