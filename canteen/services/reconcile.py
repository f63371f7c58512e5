"""A window was offline: what it keeps to judge scans by, and what becomes of those it sends when the line is back."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from canteen.counter_queries import order_by_number, orders_of, questioned
from canteen.models import MealOrder, Menu
from canteen.services.serve import EARLY, Answer, Scan, redeem
from core.errors import Refused

MOST = 50
"""Scans sent in at once; a window with more sends them in turns."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One scan that a window kept while it was offline. No person, no code: the number of the order, which is no
    secret, and the key that the window made for the scan."""

    key: str
    number: str
    at: datetime
    how: str
    cash: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one: the kind of its answer, or `refused` where it could not be judged at all."""

    key: str
    kind: str
    title: str
    text: str
    pick_up: int | None


def send_in(staff_id: int, centre_id: int, window: str, scans: Sequence[Kept]) -> list[Outcome]:
    """Judge scans in the order they were made, one unit of work each. Sent twice they are judged once."""
    return [_one(staff_id, centre_id, window, scan) for scan in scans[:MOST]]


def _one(staff_id: int, centre_id: int, window: str, kept: Kept) -> Outcome:
    order = order_by_number(kept.number)
    if order is None or order.centre_id != centre_id:
        return Outcome(kept.key, "refused", _("没有找到这个编号"), _("请看看小票，告诉主任。"), None)
    try:
        scan = Scan(window, kept.key, kept.how, kept.cash, kept.at)
        answer: Answer = redeem(staff_id, centre_id, order.id, scan)
    except Refused as refusal:
        return Outcome(kept.key, "refused", refusal.title, refusal.text, order.pick_up)
    return Outcome(kept.key, answer.kind, answer.title, answer.text, order.pick_up)


def meal_list(menus: Sequence[Menu]) -> list[dict[str, object]]:
    """What a window keeps: of each order the digest of its code, its numbers, dish and state; nothing of the person."""
    asked = questioned([menu.id for menu in menus])
    return [_kept(order, order.id in asked) for menu in menus for order in orders_of(menu.id)]


def _kept(order: MealOrder, asked: bool) -> dict[str, object]:
    return {
        "hash": hashlib.sha256(order.code.encode()).hexdigest(),
        "number": order.number,
        "pick_up": order.pick_up,
        "menu": order.menu_id,
        "dish": order.lines[0].name_zh if order.lines else "",
        "texture": order.texture,
        "low_salt": order.low_salt,
        "state": order.state,
        "due": order.pays_fen if order.pay_state == "due" else 0,
        "ask": asked,
    }


def meal_times(menu: Menu) -> dict[str, object]:
    """From when to when a slip of this meal is good at the window."""
    return {
        "id": menu.id,
        "from": (menu.serves_from - EARLY).isoformat(),
        "until": menu.missed_at.isoformat(),
    }
