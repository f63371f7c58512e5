"""A window was offline: what it keeps to judge scans by, and what becomes of those it sends when the line is back."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime

from flask_babel import gettext as _

from canteen.counter_queries import codes_of, on_the_way, order_by_number, orders_of, questioned
from canteen.models import MealOrder, Menu
from canteen.services.review import keep_odd
from canteen.services.serve import EARLY, Answer, Scan, redeem
from canteen.services.window import may_fetch
from core.errors import Refused

MOST = 50
"""Scans sent in at once; a window with more sends them in turns."""
SHORT = 16
"""Signs of a digest that are enough to tell some thousand slips apart."""
DAYS_BACK, DAYS_AHEAD = 2, 8
"""Of so many days around today a window without a line knows the slips."""
HOWS = frozenset({"slip", "card", "number"})
NUMBER = 12
CASH_MOST = 20_000
"""More than any meal costs: a sum above it was not read right."""
ROWS_MOST = 2**31 - 1
"""The largest number of a row."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One scan that a window kept while it was offline. No name, no code: the number of the order, which is no
    secret, and the key that the window made for the scan."""

    key: str
    number: str
    at: datetime
    how: str
    cash: bool
    fen: int = 0
    """The sum that was taken, as the window's list had it; it counts only where there is no order to know it by."""
    by: int | None = None
    """The relative whose card brought the meal up before the line went down."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one: the kind of its answer. `review`: it did not fit, and somebody looks at it. `key`: as it was
    sent, so that the window knows what it need not keep any longer."""

    key: object
    kind: str
    title: str
    text: str
    pick_up: int | None


def send_in(staff_id: int, centre_id: int, window: str, rows: Sequence[Kept | object]) -> list[Outcome]:
    """Judge scans in the order they were made, one unit of work each. Sent twice they are judged once. What cannot be
    read is set aside by itself: the others go on."""
    return [_one(staff_id, centre_id, window, row) for row in rows[:MOST]]


def _one(staff_id: int, centre_id: int, window: str, row: Kept | object) -> Outcome:
    kept = row if isinstance(row, Kept) else read(row)
    if kept is None:
        return _unreadable(staff_id, centre_id, window, row)
    order = order_by_number(kept.number)
    if order is None or order.centre_id != centre_id:
        why = _("没有找到这个编号") if order is None else _("这是%(centre)s的", centre=order.centre.name)
        return _aside(staff_id, centre_id, window, kept, why)
    try:
        by = kept.by if kept.by is not None and may_fetch(order, kept.by) else None
        scan = Scan(window, kept.key, kept.how, kept.cash, kept.at, by=by)
        answer: Answer = redeem(staff_id, centre_id, order.id, scan)
    except Refused as refusal:
        return _aside(staff_id, centre_id, window, kept, refusal.title)
    return Outcome(kept.key, answer.kind, answer.title, answer.text, order.pick_up)


def read(row: object) -> Kept | None:
    """One scan as the window's script writes it down; None where it is not that."""
    if not isinstance(row, dict):
        return None
    key, number, moment, how = (row.get(name) for name in ("key", "number", "at", "how"))
    if (
        not isinstance(key, str)
        or not 8 <= len(key) <= 64
        or not key.isprintable()
        or not isinstance(number, str)
    ):
        return None
    at = _moment(moment)
    if at is None:
        return None
    how = how if isinstance(how, str) and how in HOWS else "slip"
    return Kept(key, _plain(number[:NUMBER]), at, how, row.get("cash") is True, _fen(row), _by(row))


def _moment(said: object) -> datetime | None:
    """None also for a time at the ends of the calendar: no zone and no database can hold it."""
    try:
        at = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None and MINYEAR < at.year < MAXYEAR else None


def _fen(row: Mapping[str, object]) -> int:
    fen = row.get("fen")
    return fen if row.get("cash") is True and type(fen) is int and 0 < fen <= CASH_MOST else 0


def _by(row: Mapping[str, object]) -> int | None:
    by = row.get("by")
    return by if type(by) is int and 0 < by <= ROWS_MOST else None


def _aside(staff_id: int, centre_id: int, window: str, kept: Kept, why: str) -> Outcome:
    fen = kept.fen if kept.cash else 0
    keep_odd(staff_id, centre_id, window, kept.key, why, number=_plain(kept.number), at=kept.at, fen=fen)
    return _outcome(kept.key, why)


def _unreadable(staff_id: int, centre_id: int, window: str, row: object) -> Outcome:
    """Kept under the digest of what came: sent again it is the same."""
    said: Mapping[str, object] = row if isinstance(row, dict) else {}
    text = json.dumps([centre_id, window, row], sort_keys=True, default=str)
    digest = f"odd-{hashlib.sha256(text.encode()).hexdigest()[:40]}"
    number, why = said.get("number"), _("这一条记录读不出来")
    keep_odd(
        staff_id,
        centre_id,
        window,
        digest,
        why,
        number=_plain(number[:NUMBER]) if isinstance(number, str) else "",
        at=_moment(said.get("at")),
        fen=_fen(said),
    )
    return _outcome(said.get("key"), why)


def _plain(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable())


def _outcome(key: object, why: str) -> Outcome:
    return Outcome(key, "review", why, _("已经记到“要核对的”里。"), None)


def meal_list(menus: Sequence[Menu]) -> list[dict[str, object]]:
    """What a window keeps: of each order the digest of its code, its numbers, dish and state; nothing of the person."""
    ids = [menu.id for menu in menus]
    asked, away = questioned(ids), on_the_way(ids)
    return [
        _kept(order, order.id in asked, order.id in away) for menu in menus for order in orders_of(menu.id)
    ]


def other_days(menus: Sequence[Menu]) -> list[dict[str, object]]:
    """Slips of meals of other days, so that a window can say so: day, beginnings of the codes' digests, numbers."""
    days: dict[str, dict[str, list[str]]] = {}
    for day, code, number in codes_of([menu.id for menu in menus]):
        kept = days.setdefault(str(day), {"hashes": [], "numbers": []})
        kept["hashes"].append(_digest(code)[:SHORT])
        kept["numbers"].append(number)
    return [{"day": day, **kept} for day, kept in sorted(days.items())]


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _kept(order: MealOrder, asked: bool, away: bool) -> dict[str, object]:
    return {
        "hash": _digest(order.code),
        "number": order.number,
        "pick_up": order.pick_up,
        "menu": order.menu_id,
        "dish": order.lines[0].name_zh if order.lines else "",
        "texture": order.texture,
        "low_salt": order.low_salt,
        "state": order.state,
        "due": order.pays_fen if order.pay_state == "due" else 0,
        "ask": asked,
        "away": away,
    }


def meal_times(menu: Menu) -> dict[str, object]:
    """From when to when a slip of this meal is good at the window."""
    return {
        "id": menu.id,
        "from": (menu.serves_from - EARLY).isoformat(),
        "until": menu.missed_at.isoformat(),
    }
