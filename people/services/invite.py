"""An elder invites a relative to order for them: one code, for some hours, for one person; taken back at any time."""

from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from centres.models import Centre
from core import audit
from core.audit import Actor
from core.clock import database_now
from core.codes import new_code, new_number
from core.crypto import blind, blinds
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.events import emit
from people.models import FamilyInvitation, FamilyLink
from people.services.family import live_link, not_too_many
from people.services.residents import CONSENT_VERSION, consents, give_consent, locked, withdraw_invitations

LENGTH = timedelta(hours=24)
CODE, NUMBER = "family_invitation.code", "family_invitation.number"


def invite(actor: Actor, elder_id: int, *, sees_collected: bool, where: str) -> FamilyInvitation:
    """Make an invitation; the one before stops working. The elder agrees here, to the words of today's version."""
    with unit_of_work():
        now = database_now()
        if locked(elder_id).lifecycle != "active":
            raise NotFound(_("没有找到这位居民"))
        not_too_many(elder_id)
        give_consent(actor, elder_id, {"family"}, where)
        withdraw_invitations(actor, elder_id)
        code, number = new_code("F"), new_number()
        row = FamilyInvitation(
            elder_id=elder_id,
            code=code,
            code_index=blind(code, CODE),
            number=number,
            number_index=blind(number, NUMBER),
            sees_collected=sees_collected,
            version=CONSENT_VERSION,
            state="open",
            made_at=now,
            expires_at=now + LENGTH,
        )
        db.session.add(row)
        try:
            db.session.flush()
        except IntegrityError as error:  # the same elder on two screens at once
            raise Refused("invitation_twice", _("刚才已经开了一个邀请"), _("刷新一下就能看到。")) from error
        audit.record(
            actor,
            "family.invited",
            "family_invitation",
            row.id,
            detail={"elder": elder_id, "version": row.version},
        )
        emit("family.invited", {"invitation": row.id, "elder": elder_id})
    return row


def withdraw(actor: Actor, elder_id: int) -> None:
    """The elder takes an open invitation back. Again it changes nothing."""
    with unit_of_work():
        locked(elder_id)
        withdraw_invitations(actor, elder_id)


def open_invitation(elder_id: int) -> FamilyInvitation | None:
    """The one that works now."""
    return db.session.scalar(
        select(FamilyInvitation).where(
            FamilyInvitation.elder_id == elder_id,
            FamilyInvitation.state == "open",
            FamilyInvitation.expires_at > database_now(),
        )
    )


def by_code(code: str) -> FamilyInvitation | None:
    """The invitation of a QR code."""
    return _one(FamilyInvitation.code_index.in_(blinds(code, CODE)))


def by_number(typed: str) -> FamilyInvitation | None:
    """The invitation whose number somebody typed, with or without its blank."""
    number = "".join(sign for sign in typed.upper() if sign.isalnum())
    return _one(FamilyInvitation.number_index.in_(blinds(number, NUMBER))) if number else None


def _one(which: object) -> FamilyInvitation | None:
    query = select(FamilyInvitation).options(joinedload(FamilyInvitation.elder))
    return db.session.scalar(query.where(which))  # type: ignore[arg-type]


def home_of(row: FamilyInvitation) -> Centre | None:
    """The centre of the elder who invites: there the relative is asked who they are."""
    return db.session.scalar(select(Centre).where(Centre.id == row.elder.home_centre_id))


def why_not(row: FamilyInvitation | None, person_id: int) -> Refused | None:
    """Why this person cannot take it up; None if they can. Each reason has its own words."""
    if row is None:
        return NotFound(_("没有找到这个邀请"), _("码可能输错了。请老人家再念一遍，或重新开一个。"))
    if row.elder_id == person_id:
        return Refused("invitation_own", _("这是您自己开的邀请"), _("请把码给家人，让家人用自己的手机扫。"))
    if row.state == "used":
        return Refused(
            "invitation_used", _("这个邀请已经用过了"), _("一个邀请只能一位家人用。请老人家再开一个。")
        )
    if row.state == "withdrawn" or row.elder.lifecycle != "active":
        return Refused("invitation_withdrawn", _("这个邀请收回了"), _("请问问老人家，要的话再开一个。"))
    if row.expires_at <= database_now():
        return Refused("invitation_expired", _("这个邀请过期了"), _("邀请一天内有效。请老人家再开一个。"))
    return None


def accept(actor: Actor, proxy_id: int, invitation_id: int) -> FamilyLink:
    """A relative takes it up: they may order from now on. Of many who try at once the database lets one."""
    with unit_of_work():
        row = _one(FamilyInvitation.id == invitation_id)
        refused = why_not(row, proxy_id)
        if refused is not None or row is None:
            raise refused or NotFound(_("没有找到这个邀请"))
        for person in sorted((row.elder_id, proxy_id)):
            if locked(person).lifecycle != "active":
                raise NotFound(_("没有找到这位居民"))
        now = database_now()
        won = db.session.execute(
            update(FamilyInvitation)
            .where(
                FamilyInvitation.id == row.id,
                FamilyInvitation.state == "open",
                FamilyInvitation.expires_at > now,
            )
            .values(state="used", used_at=now)
            .returning(FamilyInvitation.id)
        ).first()
        if won is None:
            db.session.refresh(row)
            raise why_not(row, proxy_id) or Refused("invitation_used", _("这个邀请已经用过了"))
        if "family" not in consents(row.elder_id):
            raise Refused("invitation_withdrawn", _("这个邀请收回了"), _("请问问老人家，要的话再开一个。"))
        link = live_link(row.elder_id, proxy_id)
        if link is not None and link.state == "active":
            raise Refused("family_already", _("您已经在帮这位家人订餐了"), _("不用再加，直接订就可以。"))
        if link is None:
            not_too_many(row.elder_id, proxy_id)
            link = FamilyLink(elder_id=row.elder_id, proxy_id=proxy_id, asked_at=now)
            db.session.add(link)
        link.state, link.agreed_at, link.sees_collected = "active", now, row.sees_collected
        link.invitation_id = row.id
        try:
            db.session.flush()
        except (
            IntegrityError
        ) as error:  # uq_family_link_invitation: only where somebody wrote past the update above
            raise Refused("invitation_used", _("这个邀请已经用过了"), _("请老人家再开一个。")) from error
        ids = {"elder": row.elder_id, "proxy": proxy_id}
        detail = {**ids, "invitation": row.id, "version": row.version}
        audit.record(actor, "family.joined", "family_link", link.id, detail=detail)
        emit("family.joined", {"link": link.id, **ids})
    return link
