"""Standing orders: made, ended, a day left out; and how each day's order comes of them at its own cutoff."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime

import structlog
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from canteen.days import serving_day
from canteen.gateways import CARD_CANNOT, gateway
from canteen.models import Canteen, MealOrder, Menu, Offer, OfferDish, StandingOrder, StandingSkip
from canteen.rules import ALLERGENS, LABELS, MEALS, TEXTURES, Diet, suits
from canteen.services.give_back import cancel
from canteen.services.order import Wish, diet_of, place, plates
from core import audit
from core.audit import CLOCK, Actor
from core.clock import database_now
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.events import emit
from core.versions import bump
from people.services.family import may_order
from people.services.residents import locked

log = structlog.get_logger()
MOST_NOTE = 60
"""Signs of a note to the kitchen: more than that nobody reads at the stove."""


def start(
    actor: Actor,
    resident_id: int,
    canteen_id: int,
    meal: str,
    weekdays: Collection[int],
    *,
    gateway_name: str = "counter",
    labels: Collection[str] = (),
    avoid: Collection[str] = (),
    texture: str = "regular",
    delivery: bool = False,
) -> StandingOrder:
    """Begin a standing order for a meal; the one before for the same meal here ends with it, its note stays."""
    days = sorted(set(weekdays))
    if (
        meal not in MEALS
        or texture not in TEXTURES
        or not set(labels) <= set(LABELS)
        or not set(avoid) <= set(ALLERGENS)
    ):
        raise Refused("standing_odd", _("请再选一次"), status=422)
    if not days or not set(days) <= set(range(7)):
        raise Refused("weekdays_missing", _("请选星期几"), _("可以选一天，也可以选几天。"), status=422)
    gateway(gateway_name)
    with unit_of_work():
        now = database_now()
        resident = locked(resident_id)
        if resident.lifecycle != "active":
            raise Refused("not_active", _("现在不能订"), _("请找工作人员，我们帮您看看。"), status=403)
        if delivery and resident.building_id is None:
            raise Refused(
                "no_address", _("还没有登记送餐的地址"), _("请找工作人员登记，或到食堂来取。"), status=422
            )
        note = None
        for old in _live(resident_id):
            if (old.canteen_id, old.meal) == (canteen_id, meal):
                note = old.note
                _end(old, actor, "replaced", now)
        db.session.flush()
        row = StandingOrder(
            resident_id=resident_id,
            canteen_id=canteen_id,
            meal=meal,
            weekdays=days,
            labels=sorted(labels),
            avoid=sorted(avoid),
            texture=texture,
            gateway=gateway_name,
            delivery=delivery,
            note=note,
            state="active",
            made_at=now,
        )
        db.session.add(row)
        try:
            db.session.flush()
        except IntegrityError as error:  # the same person on two screens at once
            raise Refused("standing_twice", _("已经订好了"), _("刷新一下就能看到。")) from error
        audit.record(actor, "standing.started", "standing_order", row.id, unit_id=canteen_id, at=now)
        bump(f"today:{canteen_id}")
    return row


def stop(actor: Actor, standing_id: int, why: str = "asked") -> StandingOrder:
    """End a standing order; orders it has made stay. Again it changes nothing."""
    with unit_of_work():
        row = _one(standing_id)
        if row.state == "active":
            _end(row, actor, why, database_now())
    return row


def set_note(actor: Actor, standing_id: int, words: str) -> StandingOrder:
    """What the kitchen shall know, in their own words; empty: nothing more. Orders already made keep theirs."""
    said = " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())
    if len(said) > MOST_NOTE:
        raise Refused(
            "note_long",
            _("写得太长了"),
            _("最多%(n)d个字，拣要紧的写。", n=MOST_NOTE),
            status=422,
        )
    with unit_of_work():
        row = _running(standing_id)
        if (row.note or "") != said:
            row.note = said or None
            db.session.flush()
            audit.record(actor, "standing.noted", "standing_order", row.id, unit_id=row.canteen_id)
    return row


def skip(actor: Actor, standing_id: int, day: date, *, proxy_id: int | None = None) -> StandingOrder:
    """明天不吃: no order on that day, until its cutoff. An order that it has made already is given back. proxy_id: the
    relative who says so; the person is told. Said once, it stays whose it was."""
    with unit_of_work():
        now = database_now()
        row = _open_for(standing_id, day, proxy_id, now)
        made = db.session.scalar(
            select(MealOrder.id).where(
                MealOrder.standing_id == row.id, MealOrder.day == day, MealOrder.state == "ordered"
            )
        )
        if made is not None:
            cancel(actor, made)
        if db.session.get(StandingSkip, (row.id, day)) is None:
            db.session.add(StandingSkip(standing_id=row.id, day=day, at=now, proxy_id=proxy_id))
            _said(actor, "skipped", row, day, proxy_id, now)
    return row


def unskip(actor: Actor, standing_id: int, day: date, *, proxy_id: int | None = None) -> StandingOrder:
    """«还是要吃»: until the day's cutoff the order will be made after all. A relative takes back only what they said
    themselves."""
    with unit_of_work():
        now = database_now()
        row = _open_for(standing_id, day, proxy_id, now)
        gone = db.session.get(StandingSkip, (row.id, day))
        if gone is not None:
            if proxy_id is not None and gone.proxy_id != proxy_id:
                raise Refused(
                    "skip_of_another",
                    _("这一天不是您说的不吃"),
                    _("老人家自己可以改回来，或请说的那位家人改。"),
                    status=403,
                )
            db.session.delete(gone)
            _said(actor, "unskipped", row, day, proxy_id, now)
    return row


def _open_for(standing_id: int, day: date, proxy_id: int | None, now: datetime) -> StandingOrder:
    """The order of which something may be said for this day, whatever the page showed: it runs, the kitchen has not
    counted, and a relative may still order for its person."""
    row = _running(standing_id)
    if proxy_id is not None and not may_order(row.resident_id, proxy_id):
        raise Refused(
            "family_ended", _("现在不能帮这位家人订"), _("请老人家先答应，或找工作人员。"), status=403
        )
    if now >= serving_day(db.session.get_one(Canteen, row.canteen_id), day).cutoff_at:
        raise Refused("cancel_late", _("那一天的已经截止了"), _("家人可以代领，有难处请找工作人员。"))
    return row


def _said(
    actor: Actor, what: str, row: StandingOrder, day: date, proxy_id: int | None, now: datetime
) -> None:
    by = {"proxy": proxy_id} if proxy_id else {}
    db.session.flush()
    audit.record(actor, f"standing.{what}", "standing_order", row.id, detail={"day": str(day), **by}, at=now)
    if proxy_id is not None:
        emit(f"standing.{what}", {"standing": row.id, "day": str(day), **by}, at=now)


def end_all(actor: Actor, resident_id: int, why: str) -> None:
    """In the running unit of work: somebody has moved away or died."""
    for row in _live(resident_id):
        _end(row, actor, why, database_now())


def _live(resident_id: int) -> list[StandingOrder]:
    query = select(StandingOrder).where(
        StandingOrder.resident_id == resident_id, StandingOrder.state == "active"
    )
    return list(db.session.scalars(query.order_by(StandingOrder.id)))


def _one(standing_id: int) -> StandingOrder:
    resident = db.session.scalar(select(StandingOrder.resident_id).where(StandingOrder.id == standing_id))
    if resident is None:
        raise NotFound(_("没有找到这个长期订餐"))
    locked(resident)
    return db.session.get_one(StandingOrder, standing_id, populate_existing=True)


def _running(standing_id: int) -> StandingOrder:
    row = _one(standing_id)
    if row.state != "active":
        raise NotFound(_("没有找到这个长期订餐"), _("可能已经停了。请在“我的”里看看。"))
    return row


def _end(row: StandingOrder, actor: Actor, why: str, now: datetime) -> None:
    row.state, row.ended_at, row.ended_why, row.note = "ended", now, why, None
    audit.record(
        actor, "standing.ended", "standing_order", row.id, unit_id=row.canteen_id, detail={"why": why}, at=now
    )
    bump(f"today:{row.canteen_id}")


def wanted_on(menu: Menu) -> list[StandingOrder]:
    """Standing orders that get a meal from this menu, the oldest first; none on a day that is not served."""
    return counted_on(menu) if menu.meal in serving_day(menu.canteen, menu.day).meals else []


def counted_on(menu: Menu) -> list[StandingOrder]:
    """Standing orders whose people count on this menu and have no order on it yet, whatever became of its day; those
    who leave the day out are not in it."""
    follows = serving_day(menu.canteen, menu.day).kind.hours_of
    weekday = menu.day.weekday() if follows is None else follows
    rows = db.session.scalars(
        select(StandingOrder)
        .outerjoin(
            StandingSkip, (StandingSkip.standing_id == StandingOrder.id) & (StandingSkip.day == menu.day)
        )
        .where(
            StandingOrder.canteen_id == menu.canteen_id,
            StandingOrder.meal == menu.meal,
            StandingOrder.state == "active",
            StandingOrder.made_at < menu.cutoff_at,
            StandingSkip.standing_id.is_(None),
            ~_has_order(menu.id),
        )
        .order_by(StandingOrder.id)
    )
    return [row for row in rows if weekday in row.weekdays]


def tell_not_cooked(menu_id: int) -> None:
    """In the unit of work in which a menu fails before its cutoff: whoever would have got their meal from it by a
    standing order has no order yet that could be given back, and would come in vain."""
    for standing in counted_on(db.session.get_one(Menu, menu_id)):
        emit("standing.not_cooked", {"standing": standing.id, "menu": menu_id})


def make_orders(menu_id: int) -> int:
    """At the cutoff: the day's orders of everybody who has a standing one. Run again it makes none twice.

    Each is a unit of work of its own: what cannot be made for one person (sold out, no money, all against their
    profile) is told to them and keeps nobody else from eating. Who has ordered this meal by hand gets no second one.
    """
    menu = db.session.get_one(Menu, menu_id)
    return sum(_make(standing.id, menu_id) for standing in wanted_on(menu))


def _make(standing_id: int, menu_id: int) -> bool:
    why = "nothing_suits"
    standing = db.session.get_one(StandingOrder, standing_id)
    wish = Wish(
        standing.gateway,
        standing.delivery,
        standing.texture if standing.texture != "regular" else None,
        True if "low_salt" in standing.labels else None,
        standing.note,
    )
    for offer_id in _fitting(standing, menu_id):
        try:
            return _order(standing, menu_id, offer_id, wish)
        except Refused as refusal:
            why = refusal.code
            if why != "sold_out":
                break
        except IntegrityError:  # another clock made it in the meantime
            return False
    with unit_of_work():
        emit("standing.failed", {"standing": standing_id, "menu": menu_id, "why": why})
    log.info("standing_order_not_made", standing=standing_id, menu=menu_id, why=why)
    return False


def _order(standing: StandingOrder, menu_id: int, offer_id: int, wish: Wish) -> bool:
    """As they wish. Where there is no door any more, or their card cannot pay, they fetch it or pay when it is handed
    out, and are told so, rather than go without. False: they do not want it any more."""
    told: list[str] = []
    while True:
        try:
            with unit_of_work():
                if not _still_wanted(standing.id, menu_id):
                    return False
                made = place(
                    CLOCK,
                    offer_id,
                    standing.resident_id,
                    wish,
                    channel="standing",
                    standing_id=standing.id,
                )
                for kind in told:
                    emit(kind, {"standing": standing.id, "order": made.id})
            return True
        except Refused as refusal:
            if refusal.code == "no_address" and wish.delivery:
                wish = replace(wish, delivery=False)
                told.append("standing.to_collect")
            elif refusal.code in CARD_CANNOT and wish.gateway != "counter":
                wish = replace(wish, gateway="counter")
                told.append("standing.to_pay")
            else:
                raise


def _still_wanted(standing_id: int, menu_id: int) -> bool:
    """Asked behind the person's lock: the list of a whole canteen was read some time ago."""
    row = _one(standing_id)
    menu = db.session.get_one(Menu, menu_id)
    if row.state != "active" or db.session.get(StandingSkip, (row.id, menu.day)) is not None:
        return False
    free = select(StandingOrder.id).where(StandingOrder.id == row.id, ~_has_order(menu_id))
    return db.session.scalar(free) is not None


def _has_order(menu_id: int) -> ColumnElement[bool]:
    """Whether a standing order has made an order for a menu, or its person has a live one that was made by hand."""
    by_hand = (MealOrder.resident_id == StandingOrder.resident_id) & MealOrder.state.not_in(
        ["cancelled", "failed"]
    )
    return exists().where(MealOrder.menu_id == menu_id, (MealOrder.standing_id == StandingOrder.id) | by_hand)


def _fitting(standing: StandingOrder, menu_id: int) -> list[int]:
    """Set meals that are not against the person's profile or wishes, the best first."""
    own = diet_of(standing.resident_id)
    diet = Diet(
        own.allergens | frozenset(standing.avoid),
        own.labels | frozenset(standing.labels),
        standing.texture if standing.texture != "regular" else own.texture,
    )
    offers = db.session.scalars(
        select(Offer)
        .options(selectinload(Offer.dishes).joinedload(OfferDish.dish))
        .where(Offer.menu_id == menu_id, Offer.kind == "set")
        .order_by(Offer.position)
    ).all()
    ranked = [(suits(plates(offer), diet), offer) for offer in offers]
    good = [(score, offer) for score, offer in ranked if score >= 0]
    return [offer.id for _score, offer in sorted(good, key=lambda pair: (-pair[0], pair[1].position))]
