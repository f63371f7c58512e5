"""The pick-up window: whose meal is meant by what was scanned or typed, and who is called next."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from canteen.counter_queries import (
    menu_now,
    order_by_number,
    order_by_pick_up,
    orders_of_person,
    orders_waiting,
)
from canteen.models import MealOrder, Menu
from canteen.services.answer import answer_swap
from canteen.services.order import changed
from canteen.services.serve import Answer, Scan, already, read_slip, redeem
from centres.models import Centre
from core import audit
from core.audit import Actor
from core.clock import database_now, local_day
from core.codes import NUMBER_ALPHABET, read_code
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.words import one_by_one
from people.models import FamilyLink, Resident
from people.services.cards import resident_of_code, resident_of_number
from people.services.family import elders_of, may_order
from people.services.residents import locked

NUMBER = 8


def scan(staff_id: int, centre: Centre, payload: str, given: Scan) -> Answer:
    """What the window shows for a slip, a card, a pick-up number or a number. A meal is handed out if it may be. A card
    brings up what its holder may fetch for others; then `given.by` is who that is, and `payload` that meal's number."""
    found = find(centre, payload, database_now())
    if isinstance(found, Answer):
        return found
    order, how = found
    how = given.how if how == "number" else how  # what is asked after a scan goes on by the order's number
    if given.by is not None:
        with unit_of_work():
            let_fetch(order, given.by)
            return redeem(staff_id, centre.id, order.id, replace(given, how="card"))
    answer = replace(redeem(staff_id, centre.id, order.id, replace(given, how=how)), how=how)
    if how != "card" or order.resident_id is None or order.centre_id != centre.id:
        return answer
    return replace(answer, relatives=_for_others(order.menu, order.resident_id), by=order.resident_id)


def answer(actor: Actor, order: MealOrder, wanted: str, by: int | None) -> None:
    """What is said at the window about a swapped dish: by the person, or by the relative who fetches for them."""
    with unit_of_work():
        if by is not None:
            let_fetch(order, by)
        answer_swap(actor, order.id, wanted)


def let_fetch(order: MealOrder, relative_id: int) -> None:
    """In the running unit of work: nobody fetches for an elder who has taken it back meanwhile, or never said so. The
    link stays as it is until the unit of work ends."""
    if order.resident_id is not None:
        locked(order.resident_id)
    there = order.resident_id is not None and may_order(order.resident_id, relative_id)
    if not there or not may_fetch(order, relative_id):
        raise NotFound(_("现在不能给这位家人取"), _("请扫老人家的小票，或问一问工作人员。"))


def may_fetch(order: MealOrder, relative_id: int) -> bool:
    """代领: relatives whom the elder lets order. What they did not order themselves only if the elder shows them
    whether it was collected: otherwise they need not know of it, and bring its slip."""
    return _may_fetch(order, relative_id, elders_of(relative_id))


def _may_fetch(order: MealOrder, relative_id: int, links: Mapping[int, FamilyLink]) -> bool:
    link = links.get(order.resident_id or 0)
    return link is not None and (order.proxy_id == relative_id or link.sees_collected)


def _for_others(menu: Menu, relative_id: int) -> list[MealOrder]:
    """What somebody may fetch of this meal for others and has not been fetched."""
    links = elders_of(relative_id)
    orders = orders_waiting(menu.id, list(links)) if links else []
    return [order for order in orders if _may_fetch(order, relative_id, links)]


def find(centre: Centre, payload: str, now: datetime) -> tuple[MealOrder, str] | Answer:
    """The order that is meant, and how it was found."""
    text = payload.strip()
    plain = "".join(text.split()).upper()
    if plain.isascii() and plain.isdigit() and len(plain) <= 4:
        return _by_pick_up(centre, int(plain), now)
    if len(plain) == NUMBER and all(sign in NUMBER_ALPHABET for sign in plain):
        order = order_by_number(plain)
        if order is not None:
            return order, "number"
    read = read_code(text)
    if read is not None and read[0] == "K":
        return _by_card(centre, now, code=read[1])
    if read is None:  # before it is called cut: the number on a card of their own may begin as our codes do
        resident = _linked(text)
        if isinstance(resident, Answer):
            return resident
        if resident is not None:
            return _of(centre, resident, now)
        if len(plain) == NUMBER:
            return Answer("unknown", _("没有找到这个编号"), _("请再看看小票上的编号。"))
    slip = read_slip(text)
    return slip if isinstance(slip, Answer) else (slip, "slip")


def _by_pick_up(centre: Centre, number: int, now: datetime) -> tuple[MealOrder, str] | Answer:
    menu = menu_now(centre.id, centre.zone, now)
    order = order_by_pick_up(menu.id, number) if menu else None
    if order is None:
        return Answer("unknown", _("这一餐没有 %(n)d 号", n=number), _("请再看看小票，或刷居民的卡。"))
    return order, "number"


def _linked(text: str) -> Resident | Answer | None:
    try:
        return resident_of_number(text)
    except Refused as refusal:
        return Answer("unknown", refusal.title, refusal.text)


def _by_card(centre: Centre, now: datetime, *, code: str) -> tuple[MealOrder, str] | Answer:
    try:
        resident = resident_of_code(code)
    except Refused as refusal:
        return Answer("unknown", refusal.title, refusal.text)
    return _of(centre, resident, now)


def _of(centre: Centre, resident: Resident, now: datetime) -> tuple[MealOrder, str] | Answer:
    """Their order of this meal here; of two the one that has not been fetched. Else what they ordered elsewhere."""
    menu = menu_now(centre.id, centre.zone, now)
    orders = orders_of_person(resident.id, local_day(now, centre.zone))
    here = [order for order in orders if menu is not None and order.menu_id == menu.id]
    elsewhere = [order for order in orders if order.centre_id != centre.id and order.state == "ordered"]
    waiting = here and here[0].state == "ordered"
    theirs = _for_others(menu, resident.id) if menu is not None and not waiting else []
    if theirs:
        text = _their_own(resident, here[0] if here else None)
        return Answer("relative", _("是来给家人取的吗？"), text, relatives=theirs, by=resident.id)
    if here or elsewhere:
        return (here or elsewhere)[0], "card"
    left = menu.walk_in - menu.walk_in_taken if menu is not None and menu.state == "published" else 0
    text = _("现场还有%(n)d份，前台可以加一份。", n=left) if left > 0 else _("现场的份也没有了。")
    return Answer("unknown", _("这一餐没有订"), text)


def _their_own(resident: Resident, order: MealOrder | None) -> str:
    """What has become of a relative's own meal. Where a card is read twice, the first answer may have been missed."""
    if order is None or order.state not in {"collected", "delivered"}:
        return _("%(name)s自己这一餐没有要取的。", name=resident.masked_name)
    return one_by_one(_("%(name)s自己的取过了。", name=resident.masked_name), already(order).text)


# --- calling numbers ------------------------------------------------------------------------------------------------


def call_next(actor: Actor, menu_id: int) -> MealOrder | None:
    """The lowest number that waits and has not been called goes onto the hall's screen. None: all were called."""
    with unit_of_work():
        waiting = (
            select(MealOrder)
            .where(
                MealOrder.menu_id == menu_id,
                MealOrder.state == "ordered",
                MealOrder.delivery.is_(False),
                MealOrder.called_at.is_(None),
            )
            .order_by(MealOrder.pick_up)
            .limit(1)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
        order = db.session.scalars(waiting).first()
        if order is not None:
            _call(actor, order)
    return order


def call_again(actor: Actor, menu_id: int, pick_up: int) -> MealOrder:
    """Once more, or out of turn: the number goes to the top of the hall's screen."""
    with unit_of_work():
        order = db.session.scalars(
            select(MealOrder)
            .where(MealOrder.menu_id == menu_id, MealOrder.pick_up == pick_up)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).first()
        if order is None:
            raise NotFound(_("这一餐没有 %(n)d 号", n=pick_up), _("请再看看小票，或刷居民的卡。"))
        if order.state != "ordered":
            raise Refused("not_now", _("%(n)d 号不用叫了", n=pick_up), _("这一份已经取走，或者不做了。"))
        _call(actor, order)
    return order


def _call(actor: Actor, order: MealOrder) -> None:
    order.called_at = database_now()
    audit.record(actor, "meal.called", "meal_order", order.id, unit_id=order.centre_id, at=order.called_at)
    changed(order.menu)
