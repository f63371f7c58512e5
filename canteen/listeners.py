"""What the canteen does when something happens: tells people, their relatives, staff, the hall and other programs."""

from collections.abc import Callable, Sequence
from datetime import date

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import func, select

from api.hooks import tell_clients
from canteen import letters, queries
from canteen.models import Canteen, Dish, MealOrder, Menu, StandingOrder, Swap
from canteen.services import diet
from canteen.words import MEALS
from centres.models import Centre
from centres.queries import centres
from core.audit import Actor
from core.channels.hall import put_notice
from core.clock import database_now, local_day
from core.database import db
from core.events import Event, Listener
from core.messages import tell_groups
from core.words import clock_words, date_words
from people.models import FamilyLink, Resident
from people.services.family import elders_of
from people.services.tell import tell, unsay

SERVED = {"collected", "delivered"}


def tell_ordered(event: Event) -> None:
    """A relative ordered: the elder is told who, and the relative that it is done. Nobody else needs a message."""
    order = db.session.get_one(MealOrder, event.payload["order"])
    if order.resident_id is None or order.proxy_id is None:
        return
    person, proxy = order.resident, order.proxy
    tell(
        f"event-{event.id}-elder",
        "meal.ordered",
        order.resident_id,
        order.centre_id,
        lambda: letters.by_whom(letters.of_order(order), proxy),
    )
    tell(
        f"event-{event.id}-relative",
        "meal.ordered_for",
        order.proxy_id,
        order.centre_id,
        lambda: letters.by_whom(letters.of_order(order), person),
    )


def tell_joined(event: Event) -> None:
    """A relative took an invitation up: the elder is told who, so that a code in wrong hands is seen."""
    elder = db.session.get_one(Resident, event.payload["elder"])
    proxy = db.session.get_one(Resident, event.payload["proxy"])
    centre = db.session.get(Centre, elder.home_centre_id) or centres()[0]
    tell(
        f"event-{event.id}-elder",
        "family.joined",
        elder.id,
        centre.id,
        lambda: letters.by_whom({"place": centre.name, "phone": centre.phone}, proxy),
    )


def tell_ended(event: Event) -> None:
    """A meal that staff took back, that cannot be cooked, or whose swapped dish nobody could ask about: the person, and
    the relative who ordered it. What people cancel themselves they know."""
    order = db.session.get_one(MealOrder, event.payload["order"])
    by_others = event.kind == "meal.failed" or event.payload.get("by") in {"staff", "clock"}
    if order.resident_id is None or not by_others:
        return
    tell(
        f"event-{event.id}-person",
        event.kind,
        order.resident_id,
        order.centre_id,
        lambda: letters.of_order(order),
    )
    _tell_orderer(event, order, lambda: letters.of_order(order))


def ask_swap(event: Event) -> None:
    """Do they still want the meal? The relative who ordered it may answer too."""
    order = db.session.get_one(MealOrder, event.payload["order"])
    swap = db.session.get_one(Swap, event.payload["swap"])
    if order.resident_id is None or order.state != "ordered":
        return
    out, new = (db.session.get_one(Dish, one) for one in (swap.out_dish_id, swap.in_dish_id))
    tell(
        f"event-{event.id}-person",
        "meal.swap_asked",
        order.resident_id,
        order.centre_id,
        lambda: letters.of_swap(order, swap, out, new),
    )
    _tell_orderer(event, order, lambda: letters.of_swap(order, swap, out, new))


def _tell_orderer(event: Event, order: MealOrder, values: Callable[[], letters.Values]) -> None:
    """The relative who ordered it, while the elder lets them order, whatever else they may see."""
    if order.proxy_id is None or order.resident_id not in elders_of(order.proxy_id):
        return
    tell(
        f"event-{event.id}-relative",
        f"{event.kind}_for",
        order.proxy_id,
        order.centre_id,
        lambda: letters.by_whom(values(), order.resident),
    )


def tell_standing(event: Event) -> None:
    """The day's order of a standing one could not be made."""
    standing = db.session.get_one(StandingOrder, event.payload["standing"])
    menu = db.session.get_one(Menu, event.payload["menu"])
    tell(
        f"event-{event.id}-person",
        "standing.failed",
        standing.resident_id,
        standing.canteen_id,
        lambda: letters.of_standing(menu, event.payload["why"]),
    )


def tell_not_cooked(event: Event) -> None:
    """The day's meal is not cooked, and nothing had been ordered yet for whoever has a standing order."""
    standing = db.session.get_one(StandingOrder, event.payload["standing"])
    menu = db.session.get_one(Menu, event.payload["menu"])
    tell(
        f"event-{event.id}-person",
        event.kind,
        standing.resident_id,
        standing.canteen_id,
        lambda: letters.of_not_cooked(menu),
    )


def tell_left_out(event: Event) -> None:
    """A relative left a day of a standing order out, or took that back: the elder is told who."""
    standing = db.session.get_one(StandingOrder, event.payload["standing"])
    canteen = db.session.get_one(Canteen, standing.canteen_id)
    day, proxy = date.fromisoformat(event.payload["day"]), db.session.get(Resident, event.payload["proxy"])
    tell(
        f"event-{event.id}-elder",
        event.kind,
        standing.resident_id,
        canteen.id,
        lambda: letters.by_whom(letters.of_day(canteen, day, standing.meal), proxy),
    )


def tell_as_made(event: Event) -> None:
    """The day's order of a standing one was made otherwise than wished: to be fetched, or to be paid at the counter."""
    order = db.session.get_one(MealOrder, event.payload["order"])
    if order.resident_id is None or order.state != "ordered":
        return
    tell(
        f"event-{event.id}-person",
        event.kind,
        order.resident_id,
        order.centre_id,
        lambda: letters.of_order(order),
    )


def tell_relatives(event: Event) -> None:
    """已取餐, for relatives to whom the elder shows it; and for the elder, when one of them fetched it."""
    order = db.session.get_one(MealOrder, event.payload["order"])
    if order.state not in SERVED:
        return
    served = queries.served(order.id).get(order.id)
    at, fetched_by = (served.scanned_at, served.fetched_by) if served is not None else (event.at, None)
    time = clock_words(at, order.menu.canteen.centre.zone)
    if fetched_by is not None and order.resident_id is not None:
        tell(
            f"{_served_key(event)}-fetched",
            "meal.fetched",
            order.resident_id,
            order.centre_id,
            lambda: {**letters.by_whom(letters.of_order(order), fetched_by), "time": time},
        )
    for link in _who_see(order):
        if fetched_by is not None and fetched_by.id == link.proxy_id:
            continue  # they stand at the window with it
        tell(
            _collected_key(event, link),
            "meal.collected",
            link.proxy_id,
            order.centre_id,
            lambda: {**letters.by_whom(letters.of_order(order), order.resident), "time": time},
        )


def tell_undone(event: Event) -> None:
    """It was a mistake that the meal was collected: whoever was told so is told that too. What has not gone out yet is
    not sent any more."""
    order = db.session.get_one(MealOrder, event.payload["order"])
    told = unsay(f"{_served_key(event)}-fetched")
    if told and order.state not in SERVED and order.resident_id is not None:
        tell(
            f"event-{event.id}-fetched",
            "meal.fetched_undone",
            order.resident_id,
            order.centre_id,
            lambda: letters.of_order(order),
        )
    for link in _who_see(order):
        if unsay(_collected_key(event, link)) and order.state not in SERVED:
            _tell_seeing(event, event.kind, order, link)


def tell_missed(event: Event) -> None:
    """Nobody came for it: the same relatives, on the same day. A day later it would be taken for that day's meal."""
    order = db.session.get_one(MealOrder, event.payload["order"])
    if order.state != "uncollected" or local_day(database_now(), order.centre.zone) != order.day:
        return
    for link in _who_see(order):
        _tell_seeing(event, "meal.not_brought" if order.delivery else event.kind, order, link)


def _who_see(order: MealOrder) -> Sequence[FamilyLink]:
    """Relatives to whom the elder shows whether their meals are collected."""
    query = select(FamilyLink).where(
        FamilyLink.elder_id == order.resident_id, FamilyLink.state == "active", FamilyLink.sees_collected
    )
    return db.session.scalars(query.order_by(FamilyLink.id)).all()


def _collected_key(event: Event, link: FamilyLink) -> str:
    """Of the same hand-over the same: what was told of it can be found when it is taken back. An event that an older
    version wrote does not name it."""
    return f"{_served_key(event)}-link-{link.id}"


def _served_key(event: Event) -> str:
    redemption = event.payload.get("redemption")
    return f"redemption-{redemption}" if redemption else f"event-{event.id}"


def _tell_seeing(event: Event, kind: str, order: MealOrder, link: FamilyLink) -> None:
    tell(
        f"event-{event.id}-link-{link.id}",
        kind,
        link.proxy_id,
        order.centre_id,
        lambda: letters.by_whom(letters.of_order(order), order.resident),
    )


def tell_account(event: Event) -> None:
    """Money went onto an account or came off it: how much, never what is on it now."""
    canteen = db.session.get(Canteen, event.payload["centre"])
    if canteen is None:
        return
    day = local_day(event.at, canteen.centre.zone)
    tell(
        f"event-{event.id}-person",
        event.kind,
        event.payload["resident"],
        canteen.id,
        lambda: letters.of_money(canteen, day, event.payload["fen"]),
    )


def tell_goes_on(event: Event) -> None:
    """A card that was being checked can be used again."""
    canteen = db.session.get(Canteen, event.payload["centre"])
    if canteen is None:
        return
    tell(
        f"event-{event.id}-person",
        event.kind,
        event.payload["resident"],
        canteen.id,
        lambda: letters.of_place(canteen),
    )


def tell_staff(event: Event) -> None:
    """A menu that cannot be cooked, or has another dish: the groups of staff and the hall's screen."""
    menu = db.session.get_one(Menu, event.payload["menu"])
    with force_locale("zh_Hans"):
        values = letters.of_menu(menu)
        if event.kind == "menu.swapped":
            swap = db.session.get_one(Swap, event.payload["swap"])
            out, new = (db.session.get_one(Dish, one) for one in (swap.out_dish_id, swap.in_dish_id))
            values |= {"dish": out.name, "new": new.name, "reason": swap.reason_zh}
        else:
            values |= {"many": str(_portions(menu.id))}
        tell_groups(f"event-{event.id}", event.kind, menu.canteen_id, values)
    words = {}
    for language in ("zh_Hans", "en"):
        with force_locale(language):
            words[language] = _in_the_hall(event, menu)
    put_notice(f"event-{event.id}-hall", menu.canteen_id, words["zh_Hans"], words["en"], menu.serves_until)


def _portions(menu_id: int) -> int:
    query = select(func.count()).where(
        MealOrder.menu_id == menu_id, MealOrder.state.in_(["ordered", "failed"])
    )
    return int(db.session.execute(query).scalar_one())


def _in_the_hall(event: Event, menu: Menu) -> str:
    day, meal = date_words(menu.day), str(MEALS[menu.meal])
    if event.kind == "menu.failed":
        return _("%(day)s%(meal)s做不了，付过的钱都退。", day=day, meal=meal)
    swap = db.session.get_one(Swap, event.payload["swap"])
    out, new = (db.session.get_one(Dish, one) for one in (swap.out_dish_id, swap.in_dish_id))
    return _("%(day)s%(meal)s：%(out)s换成%(new)s。", day=day, meal=meal, out=out.name, new=new.name)


def forget_diet(event: Event) -> None:
    """The consent is taken back: nothing of the diet is kept any more."""
    if event.payload["kind"] == "diet":
        diet.erase(Actor("resident", event.payload["resident"]), event.payload["resident"])


TOLD = {"meal.ordered": "ordered", "meal.missed": "uncollected", "meal.collected_undone": "ordered"}
"""The state that each event made, whatever has become of the order since."""


def tell_programs(event: Event) -> None:
    """Other programs that asked to be told: ids and states, nobody's name, nobody's money."""
    order = db.session.get_one(MealOrder, event.payload["order"])
    handed_out = "delivered" if event.payload.get("how") == "delivery" else "collected"
    tell_clients(
        event,
        order.centre_id,
        {
            "order": order.number,
            "centre": order.centre.code,
            "day": str(order.day),
            "meal": order.meal,
            "pick_up": order.pick_up,
            "state": TOLD.get(event.kind, handed_out),
        },
    )


LISTENERS = [
    Listener("canteen.tell_ordered", ("meal.ordered",), tell_ordered),
    Listener("canteen.tell_joined", ("family.joined",), tell_joined),
    Listener("canteen.tell_ended", ("meal.cancelled", "meal.failed"), tell_ended),
    Listener("canteen.ask_swap", ("meal.swap_asked",), ask_swap),
    Listener("canteen.tell_standing", ("standing.failed",), tell_standing),
    Listener("canteen.tell_left_out", ("standing.skipped", "standing.unskipped"), tell_left_out),
    Listener("canteen.tell_not_cooked", ("standing.not_cooked",), tell_not_cooked),
    Listener("canteen.tell_to_collect", ("standing.to_collect", "standing.to_pay"), tell_as_made),
    Listener("canteen.tell_relatives", ("meal.collected",), tell_relatives),
    Listener("canteen.tell_undone", ("meal.collected_undone",), tell_undone),
    Listener("canteen.tell_missed", ("meal.missed",), tell_missed),
    Listener("canteen.tell_account", ("account.topped_up", "account.refunded"), tell_account),
    Listener("canteen.tell_goes_on", ("account.unblocked",), tell_goes_on),
    Listener("canteen.tell_staff", ("menu.failed", "menu.swapped"), tell_staff),
    Listener("canteen.forget_diet", ("consent.withdrawn",), forget_diet, eager=True),
    Listener("canteen.tell_programs", (*TOLD, "meal.collected"), tell_programs),
]
