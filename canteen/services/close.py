"""What the clock makes of a menu: closed at the cutoff, finished after serving; and a kitchen that cannot cook."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from flask_babel import gettext as _
from sqlalchemy import or_, select, update
from sqlalchemy.orm import joinedload

from canteen.cooking import helpings, sheet_rows
from canteen.days import serving_day
from canteen.gateways import gateway
from canteen.models import Canteen, KitchenSheet, MealOrder, Menu, Run, SheetChange, Stop
from canteen.services.answer import open_questions
from canteen.services.give_back import claim_to, end, locked_order
from canteen.services.order import changed
from canteen.services.standing import make_orders, tell_not_cooked
from centres.models import Centre
from core import audit
from core.audit import Actor
from core.clock import database_now
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.events import emit
from core.versions import bump
from people.services.calls import drop_call, put_call

log = structlog.get_logger(__name__)
CLOCK = Actor("clock")
NOT_SERVED = ("ordered", "uncollected")
ROUND_MOST = timedelta(hours=3)
"""No round lasts longer; what is not handed over by then was not."""


def close_menu(actor: Actor, menu_id: int) -> KitchenSheet:
    """After the cutoff: standing orders are made, then the kitchen's sheet is drawn, once. Whoever asks again, the
    clock or a cook, gets the same rows."""
    drawn = db.session.get(KitchenSheet, menu_id)
    if drawn is not None:
        return drawn
    menu = db.session.get(Menu, menu_id)
    if menu is None:
        raise NotFound(_("没有找到这份菜单"))
    now = database_now()
    serving = serving_day(menu.canteen, menu.day)
    if menu.state != "published" or now < serving.cutoff_at:
        raise Refused("before_cutoff", _("还没有截止"), _("截止以后才出备餐单，现在的数还会变。"))
    if menu.meal not in serving.meals:
        raise Refused("closed", _("那天不开这一餐"), _("订了餐的人会收到退款，不用备餐。"))
    if now < menu.serves_until:
        make_orders(menu_id)
    with unit_of_work():
        now = database_now()
        menu = db.session.get_one(Menu, menu_id, with_for_update=True, populate_existing=True)
        drawn = db.session.get(KitchenSheet, menu_id, populate_existing=True)
        if drawn is not None:
            return drawn
        rows, boxes = _count(menu_id)
        by = actor.id if actor.kind == "staff" else None
        drawn = KitchenSheet(menu_id=menu_id, made_at=now, staff_id=by, rows=rows, boxes=boxes)
        db.session.add(drawn)
        menu.closed_at = now
        db.session.flush()
        audit.record(actor, "menu.closed", "menu", menu_id, unit_id=menu.canteen_id, at=now)
        emit("menu.closed", {"menu": menu_id}, at=now)
        changed(menu)
    return drawn


def _count(menu_id: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Portions by dish, texture and salt, and one box an order; in a fixed order."""
    orders = db.session.scalars(
        select(MealOrder)
        .where(MealOrder.menu_id == menu_id, MealOrder.state == "ordered")
        .order_by(MealOrder.pick_up)
    ).all()
    boxes = [
        {
            "order_id": order.id,
            "pick_up": order.pick_up,
            "offer_id": order.offer_id,
            "texture": order.texture,
            "low_salt": order.low_salt,
            "delivery": order.delivery,
        }
        for order in orders
    ]
    return sheet_rows(helpings(menu_id)), boxes


def finish_menu(menu_id: int) -> int:
    """After serving: what was not collected is uncollected. Its help is given back to the week, the person's own part
    stays paid or goes back by the policy, and somebody who lives alone is rung up. What a carrier is still out with
    waits until the round is done. On a day that was closed after people had ordered nobody has missed anything: they
    get everything back. Returns how many; run again it finds none."""
    menu = db.session.get_one(Menu, menu_id)
    if database_now() <= menu.missed_at:
        return 0
    if not _served(menu) and _still_ordered(menu_id):
        return _fail(CLOCK, menu_id, _closed_words(menu))
    missed, on_the_way = 0, _on_the_way(menu_id)
    for order_id in _still_ordered(menu_id):
        if order_id not in on_the_way:
            with unit_of_work():
                missed += _miss(order_id)
    if on_the_way:
        return missed
    with unit_of_work():
        menu = db.session.get_one(Menu, menu_id, with_for_update=True, populate_existing=True)
        if menu.finished_at is None:
            menu.finished_at = database_now()
            changed(menu)
    return missed


def _served(menu: Menu) -> bool:
    """Whether the canteen serves this meal on its day, as the calendar stands now."""
    return menu.meal in serving_day(menu.canteen, menu.day).meals


def _closed_words(menu: Menu) -> str:
    return serving_day(menu.canteen, menu.day).closed_zh or _("那天不开这一餐")


def _on_the_way(menu_id: int) -> set[int]:
    """Orders that a carrier is out with, for some hours at most: the end of a round may be forgotten."""
    menu = db.session.get_one(Menu, menu_id)
    if database_now() > menu.serves_until + ROUND_MOST:
        return set()
    query = select(Stop.order_id).join(Run, Run.id == Stop.run_id)
    return set(
        db.session.scalars(query.where(Run.menu_id == menu_id, Run.state == "out", Stop.state == "waiting"))
    )


def _still_ordered(menu_id: int, states: Sequence[str] = ("ordered",)) -> Sequence[int]:
    query = select(MealOrder.id).where(MealOrder.menu_id == menu_id, MealOrder.state.in_(states))
    return db.session.scalars(query.order_by(MealOrder.id)).all()


def _miss(order_id: int) -> int:
    actor, now = CLOCK, database_now()
    order = locked_order(order_id)
    if order.state != "ordered":
        return 0
    if open_questions(order.id):  # it is not what they ordered, and nobody has asked them
        end(order, "cancelled", actor, now, reason=_("换了菜，没有问到您，全退了"))
    else:
        _uncollected(order, actor, now)
    person = order.resident
    if person is not None and person.lives_alone:
        minutes = serving_day(order.menu.canteen, order.day).policy.care_call_within
        put_call(
            f"meal-{order.id}-care",
            "care",
            order.centre_id,
            person.id,
            _("订了餐没有来取。请问问是否平安。"),
            now + timedelta(minutes=minutes),
        )
    changed(order.menu)
    return 1


def _uncollected(order: MealOrder, actor: Actor, now: datetime) -> None:
    order.state, order.ended_at = "uncollected", now
    claim_to(order.id, "reserved", "released", now)
    if order.pays_fen:
        way = gateway(order.gateway)
        kept = serving_day(order.menu.canteen, order.day).policy.missed_kept
        order.pay_state = (way.keep if kept else way.give_back)(order, actor, now)
    db.session.flush()
    audit.record(actor, "meal.missed", "meal_order", order.id, unit_id=order.centre_id, at=now)
    emit("meal.missed", {"order": order.id}, at=now)


def fail_menu(staff_id: int, menu_id: int, reason: str) -> int:
    """The kitchen cannot cook: everybody who has not been served gets everything back, exactly once, however often
    this runs. Returns how many were given back now."""
    if not reason.strip():
        raise Refused("reason_missing", _("请写明原因"), _("居民会看到，比如“停气了”。"), status=422)
    return _fail(Actor("staff", staff_id), menu_id, reason.strip())


def _fail(actor: Actor, menu_id: int, reason: str) -> int:
    with unit_of_work():
        now = database_now()
        menu = db.session.get(Menu, menu_id, with_for_update=True, populate_existing=True)
        if menu is None:
            raise NotFound(_("没有找到这份菜单"))
        if menu.state != "failed":
            menu.state, menu.failed_reason = "failed", reason[:200]
            audit.record(actor, "menu.failed", "menu", menu_id, unit_id=menu.canteen_id, at=now)
            emit("menu.failed", {"menu": menu_id}, at=now)
            if menu.closed_at is None:
                tell_not_cooked(menu_id)
            changed(menu)
    return give_back_failed(menu_id, actor)


def give_back_failed(menu_id: int, actor: Actor) -> int:
    """The orders of a failed menu, one unit of work each; the clock goes on where a kill has stopped it. Who was
    written down as not having come, before anybody said that there was nothing, has missed nothing."""
    reason = db.session.get_one(Menu, menu_id).failed_reason
    back = 0
    for order_id in _still_ordered(menu_id, NOT_SERVED):
        with unit_of_work():
            order, now = locked_order(order_id), database_now()
            if order.state in NOT_SERVED:
                end(order, "failed", actor, now, reason=reason)
                drop_call(f"meal-{order.id}-care", now)
                back += 1
    return back


def close_due() -> int:
    """The clock: close every menu whose cutoff is over, finish what was served, go on giving back. Returns how many.

    One menu's trouble keeps no other kitchen waiting: the rest is done first, then it is raised."""
    done, trouble = 0, []
    for menu_id, deed in _due():
        try:
            done += deed(menu_id)
        except Exception as fault:
            db.session.rollback()
            log.exception("menu_not_closed", menu=menu_id)
            trouble.append(f"menu {menu_id}: {type(fault).__name__}: {fault}")
    if trouble:
        raise RuntimeError("; ".join(trouble))
    return done


def _due() -> Iterator[tuple[int, Callable[[int], int]]]:
    """What is owed now: each menu with its deed. Menus whose moments are made of other settings than today's wait for
    `retime`."""
    now = database_now()
    timed = (
        select(Menu.id)
        .join(Centre, Centre.id == Menu.canteen_id)
        .where(Menu.state == "published", Menu.times_version == Centre.settings_version)
    )
    closing = timed.where(Menu.closed_at.is_(None), Menu.cutoff_at <= now, Menu.serves_until > now)
    for menu_id in db.session.scalars(closing.order_by(Menu.cutoff_at, Menu.id)).all():
        yield menu_id, _close
    waiting = select(MealOrder.menu_id).where(
        MealOrder.state == "ordered"
    )  # a scan taken back after all was finished
    over = select(Menu.id).where(
        Menu.state == "published",
        Menu.missed_at < now,
        or_(Menu.finished_at.is_(None), Menu.id.in_(waiting)),
    )
    for menu_id in db.session.scalars(over.order_by(Menu.missed_at, Menu.id)).all():
        yield menu_id, _finish
    unserved = select(MealOrder.menu_id).where(MealOrder.state.in_(NOT_SERVED))
    failed = select(Menu.id).where(Menu.state == "failed", Menu.id.in_(unserved))
    for menu_id in db.session.scalars(failed.order_by(Menu.id)).all():
        yield menu_id, _go_on


def _close(menu_id: int) -> int:
    menu = db.session.get_one(Menu, menu_id, options=[joinedload(Menu.canteen).joinedload(Canteen.centre)])
    if _served(menu):
        close_menu(CLOCK, menu_id)
    else:
        _fail(CLOCK, menu_id, _closed_words(menu))
    return 1


def _finish(menu_id: int) -> int:
    finish_menu(menu_id)
    return 1


def _go_on(menu_id: int) -> int:
    return give_back_failed(menu_id, CLOCK)


def mark_seen(menu_id: int, change_ids: Sequence[int]) -> None:
    """Strips that the kitchen has taken note of."""
    with unit_of_work():
        db.session.execute(
            update(SheetChange)
            .where(
                SheetChange.menu_id == menu_id, SheetChange.id.in_(change_ids), SheetChange.seen_at.is_(None)
            )
            .values(seen_at=database_now())
        )
        bump(f"menu:{menu_id}")
