"""Undo, cancel, an exception by staff, and what a failed kitchen gives back: each once, wherever it is tapped."""

from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import joinedload

from canteen.days import serving_day
from canteen.gateways import gateway
from canteen.models import MealOrder, Menu, Offer, SubsidyClaim
from canteen.rules import may_give_back, may_move
from canteen.services.order import changed, strip
from core import audit
from core.audit import Actor
from core.clock import database_now, local_day
from core.database import db, unit_of_work
from core.errors import Refused
from core.events import emit
from core.words import clock_words
from people.services.calls import drop_call
from people.services.residents import locked

_OFFER, _MENU = Offer.metadata.tables["offer"], Menu.metadata.tables["menu"]
_CLAIM = SubsidyClaim.metadata.tables["subsidy_claim"]
_RETURN = (
    update(_OFFER)
    .where(_OFFER.c.id == bindparam("offer"), _OFFER.c.taken > 0)
    .values(taken=_OFFER.c.taken - 1, full_at=None)
)
_RETURN_WALK_IN = (
    update(_MENU)
    .where(_MENU.c.id == bindparam("menu"), _MENU.c.walk_in_taken > 0)
    .values(walk_in_taken=_MENU.c.walk_in_taken - 1)
)
_CLOSED = select(_MENU.c.closed_at).where(_MENU.c.id == bindparam("menu")).with_for_update(key_share=True)
"""Whether the sheet is drawn, behind its lock: else what is given back at the cutoff might be cooked all the same."""
_CLAIM_TO = (
    update(_CLAIM)
    .where(_CLAIM.c.order_id == bindparam("order"), _CLAIM.c.state == bindparam("was"))
    .values(state=bindparam("becomes"), at=bindparam("now", type_=_CLAIM.c.at.type))
    .returning(_CLAIM.c.id)
)


def locked_order(order_id: int) -> MealOrder:
    """The order, after its resident: the order of docs/scarce-things.md."""
    resident = db.session.scalar(select(MealOrder.resident_id).where(MealOrder.id == order_id))
    if resident is not None:
        locked(resident)
    query = (
        select(MealOrder)
        .options(joinedload(MealOrder.menu), joinedload(MealOrder.offer), joinedload(MealOrder.centre))
        .where(MealOrder.id == order_id)
        .with_for_update(of=MealOrder)
        .execution_options(populate_existing=True)
    )
    return db.session.scalars(query).one()


def claim_to(order_id: int, was: str, becomes: str, now: datetime) -> bool:
    """Move the order's right to help on; False where it has none in that state."""
    moved = db.session.execute(
        _CLAIM_TO, {"order": order_id, "was": was, "becomes": becomes, "now": now}
    ).first()
    return moved is not None


def cancel(actor: Actor, order_id: int, reason: str = "") -> MealOrder:
    """Give a meal back: money, right and portion. By oneself until the cutoff (or within the undo's seconds); staff
    also afterwards, until it is handed out, and for the policy's days if nobody came, and say why. Again it changes
    nothing."""
    with unit_of_work():
        now = database_now()
        order = locked_order(order_id)
        if order.state == "cancelled":
            return order
        excused = actor.kind == "staff" and may_excuse(order, now)
        if order.state != "ordered" and not excused:
            raise Refused("not_now", state_words(order.state), _("这一份不能再改了。"))
        if not may_give_back(order.cutoff_at, order.undo_until, now):
            if actor.kind != "staff":
                raise too_late(order)
            if not reason.strip():
                raise Refused(
                    "reason_missing", _("请写明为什么可以退"), _("原因会告诉订餐的人。"), status=422
                )
        end(order, "cancelled", actor, now, reason=reason.strip()[:200])
        if excused:
            drop_call(f"meal-{order.id}-care", now)  # staff know why nobody came
    return order


def may_excuse(order: MealOrder, now: datetime) -> bool:
    """Whether staff may still give a meal back for which nobody came."""
    day = serving_day(order.menu.canteen, order.day)
    last = order.day + timedelta(days=day.policy.excuse_days)
    return order.state == "uncollected" and local_day(now, day.zone) <= last


def too_late(order: MealOrder) -> Refused:
    """The kitchen has counted: what whoever ordered is told."""
    return Refused(
        "cancel_late",
        _("退的时间过了"),
        _(
            "%(time)s 前可以退，厨房已经照单准备了。家人可以代领，有难处请找工作人员。",
            time=clock_words(order.cutoff_at, order.centre.zone),
        ),
    )


def end(order: MealOrder, state: str, actor: Actor, now: datetime, *, reason: str = "") -> None:
    """In the running unit of work: the order ends as `cancelled` or `failed`, and everything of it goes back."""
    if not may_move(order.state, state):
        raise Refused("not_now", state_words(order.state), _("这一份不能再改了。"))
    after_sheet = db.session.execute(_CLOSED, {"menu": order.menu_id}).scalar_one() is not None
    order.state, order.ended_at, order.reason = state, now, reason
    if order.walk_in:
        db.session.execute(_RETURN_WALK_IN, {"menu": order.menu_id})
    else:
        db.session.execute(_RETURN, {"offer": order.offer_id})
    claim_to(order.id, "reserved", "released", now)
    if order.pays_fen and order.pay_state in {"held", "due", "paid"}:
        order.pay_state = gateway(order.gateway).give_back(order, actor, now)
    db.session.flush()
    if after_sheet and state == "cancelled" and now <= order.menu.missed_at:
        strip(order, "cancelled", -1, now)
    audit.record(actor, f"meal.{state}", "meal_order", order.id, unit_id=order.centre_id, at=now)
    emit(f"meal.{state}", {"order": order.id, "by": actor.kind}, at=now)
    changed(order.menu)


def state_words(state: str) -> str:
    """A state as a resident reads it."""
    return {
        "ordered": _("订好了"),
        "collected": _("已经取了餐"),
        "delivered": _("已经送到了"),
        "uncollected": _("没有来取，时间过了"),
        "cancelled": _("已经取消了"),
        "failed": _("这一餐没有做成，钱已退回"),
    }[state]
