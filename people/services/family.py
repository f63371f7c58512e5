"""Relatives who may order for an elder: asked by them, agreed to by the elder, ended by either side."""

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from core import audit
from core.audit import Actor
from core.clock import database_now
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.events import emit
from people.models import FamilyLink
from people.services.residents import CONSENT_VERSION, give_consent, locked

MOST = 6
"""Live links of one elder, and of one relative."""


def ask(actor: Actor, proxy_id: int, elder_id: int) -> FamilyLink:
    """A relative asks to order for an elder. Nothing is allowed before the elder agrees; asking twice is once."""
    with unit_of_work():
        if proxy_id == elder_id:
            raise Refused("family_self", _("这是您自己的"), _("自己的餐，直接订就可以。"), status=422)
        for person in sorted((proxy_id, elder_id)):
            if locked(person).lifecycle != "active":
                raise NotFound(_("没有找到这位居民"))
        there = live_link(elder_id, proxy_id)
        if there is not None:
            return there
        not_too_many(elder_id, proxy_id)
        link = FamilyLink(elder_id=elder_id, proxy_id=proxy_id, state="asked", asked_at=database_now())
        db.session.add(link)
        try:
            db.session.flush()
        except IntegrityError as error:  # asked from two screens at once
            raise Refused("family_asked", _("已经问过了"), _("等老人家答应就可以。")) from error
        _record(actor, link, "asked")
    return link


def take_back(actor: Actor, proxy_id: int, elder_id: int) -> None:
    """Whoever asked asks no more. What was agreed to stays; again, or where nothing was asked, nothing changes."""
    with unit_of_work():
        link = live_link(elder_id, proxy_id)
        if link is not None and link.state == "asked":
            end(actor, proxy_id, link.id)


def agree(actor: Actor, elder_id: int, link_id: int, *, sees_collected: bool) -> FamilyLink:
    """The elder lets a relative order for them, and says whether they see 已取餐. Again sets only the latter."""
    with unit_of_work():
        give_consent(actor, elder_id, {"family"}, "desk" if actor.kind == "staff" else "screen")
        link = _of(elder_id, link_id)
        if link.elder_id != elder_id or link.state == "ended":
            raise NotFound(_("没有找到这位家人"), _("可能已经结束了。"))
        first = link.state == "asked"
        if first:
            link.state, link.agreed_at = "active", database_now()
        if first or link.sees_collected != sees_collected:
            link.sees_collected = sees_collected
            db.session.flush()
            _record(actor, link, "agreed" if first else "sees" if sees_collected else "sees_not")
    return link


def let_pay(actor: Actor, elder_id: int, link_id: int, *, pays: bool) -> FamilyLink:
    """The elder lets a relative pay the elder's meals from the elder's card, or no longer. Again it changes nothing."""
    with unit_of_work():
        give_consent(actor, elder_id, {"family"}, "desk" if actor.kind == "staff" else "screen")
        link = _of(elder_id, link_id)
        if link.elder_id != elder_id or link.state != "active":
            raise NotFound(_("没有找到这位家人"), _("可能已经结束了。"))
        if (link.pays_since is not None) != pays:
            link.pays_since = database_now() if pays else None
            db.session.flush()
            _record(actor, link, "pays" if pays else "pays_not")
    return link


def may_order(elder_id: int, proxy_id: int) -> bool:
    """In the running unit of work, the link locked until it ends: whether this relative may order for the elder."""
    return _active(elder_id, proxy_id) is not None


def may_pay(elder_id: int, proxy_id: int) -> bool:
    """The same, for spending the elder's money."""
    link = _active(elder_id, proxy_id)
    return link is not None and link.pays_since is not None


def _active(elder_id: int, proxy_id: int) -> FamilyLink | None:
    query = select(FamilyLink).where(
        FamilyLink.elder_id == elder_id, FamilyLink.proxy_id == proxy_id, FamilyLink.state == "active"
    )
    return db.session.scalar(query.with_for_update().execution_options(populate_existing=True))


def end(actor: Actor, person_id: int, link_id: int) -> FamilyLink:
    """Either side ends it, or says no to what was asked. What was ordered stays. Again it changes nothing."""
    with unit_of_work():
        link = _of(person_id, link_id)
        if link.state != "ended":
            side = "staff" if actor.kind == "staff" else "elder" if link.elder_id == person_id else "proxy"
            link.state, link.ended_at, link.ended_by, link.pays_since = "ended", database_now(), side, None
            db.session.flush()
            _record(actor, link, "ended")
    return link


def live_link(elder_id: int, proxy_id: int) -> FamilyLink | None:
    """The asked or active link between two."""
    return db.session.scalar(
        select(FamilyLink).where(
            FamilyLink.elder_id == elder_id, FamilyLink.proxy_id == proxy_id, FamilyLink.state != "ended"
        )
    )


def links_of(person_id: int) -> list[FamilyLink]:
    """A person's links, on whichever side they stand, the oldest first."""
    query = (
        select(FamilyLink)
        .options(joinedload(FamilyLink.elder), joinedload(FamilyLink.proxy))
        .where(
            or_(FamilyLink.elder_id == person_id, FamilyLink.proxy_id == person_id),
            FamilyLink.state != "ended",
        )
        .order_by(FamilyLink.id)
    )
    return list(db.session.scalars(query))


def active_link(proxy_id: int, link_id: int) -> FamilyLink | None:
    """The link by which this relative may order now; None if they may not."""
    link = db.session.scalar(
        select(FamilyLink)
        .options(joinedload(FamilyLink.elder))
        .where(FamilyLink.id == link_id, FamilyLink.proxy_id == proxy_id, FamilyLink.state == "active")
    )
    return link if link is not None and link.elder.lifecycle == "active" else None


def elders_of(proxy_id: int) -> dict[int, FamilyLink]:
    """Elder → active link, for whom a relative may order."""
    links: Sequence[FamilyLink] = links_of(proxy_id)
    return {one.elder_id: one for one in links if one.proxy_id == proxy_id and one.state == "active"}


def relatives_of(elder_id: int) -> list[FamilyLink]:
    """By whom an elder lets their meals be ordered, as far as they can be reached: of the same district, still here."""
    return [
        one
        for one in links_of(elder_id)
        if one.elder_id == elder_id
        and one.state == "active"
        and one.proxy.lifecycle == "active"
        and one.proxy.district_id == one.elder.district_id
    ]


def _of(person_id: int, link_id: int) -> FamilyLink:
    """The link, if this person stands on one side of it; locked."""
    link = db.session.get(FamilyLink, link_id, with_for_update=True, populate_existing=True)
    if link is None or person_id not in {link.elder_id, link.proxy_id}:
        raise NotFound(_("没有找到这位家人"), _("可能已经结束了。"))
    return link


def not_too_many(*people: int) -> None:
    """None of them may have as many live links as one may have."""
    if max(len(links_of(one)) for one in people) >= MOST:
        raise too_many()


def too_many() -> Refused:
    """As many live links as one may have."""
    return Refused("family_many", _("家人已经有%(n)d位了", n=MOST), _("要加的话，请找工作人员看看。"))


def _record(actor: Actor, link: FamilyLink, what: str) -> None:
    audit.record(
        actor,
        f"family.{what}",
        "family_link",
        link.id,
        detail={"elder": link.elder_id, "proxy": link.proxy_id, "version": CONSENT_VERSION},
    )
    emit(f"family.{what}", {"link": link.id, "elder": link.elder_id, "proxy": link.proxy_id})
