"""Ordering a meal: a portion, a right to help, the money and the record, all or nothing.

It is written for the half hour before the cutoff: statements are written out once, what seldom changes is kept under
its version (canteen/catalogue.py), and everything that decides is read or counted under its lock.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import bindparam, case, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from canteen.catalogue import CATALOGUE, Choice, choice
from canteen.cooking import helpings_of, sheet_rows
from canteen.days import ServingDay, day_of
from canteen.gateways import gateway
from canteen.models import DietProfile, MealLine, MealOrder, Menu, Offer, SheetChange, SubsidyClaim
from canteen.quotes import Right, right_under
from canteen.rules import Diet, Plate, barring, conflicts, guests_most, phase, week_of
from centres.models import Centre
from core import audit
from core.audit import Actor
from core.clock import database_now, day_bounds, local_day
from core.codes import new_code
from core.crypto import blind
from core.database import db, one_writer, unit_of_work
from core.errors import NotFound, Refused
from core.events import emit
from core.money import yuan
from core.numbered import insert_numbered
from core.versions import Version, bump
from core.words import clock_words, date_words, full_day, inside
from kiosk.models import Visit
from people.models import Resident
from people.services.family import may_order, may_pay

CODE = "meal_order.code"
PRESENT = frozenset({"kiosk", "desk"})
"""Channels of somebody who is here: walk-in portions are for them."""

_OFFER, _MENU = Offer.metadata.tables["offer"], Menu.metadata.tables["menu"]
_ORDER, _CLAIM = MealOrder.metadata.tables["meal_order"], SubsidyClaim.metadata.tables["subsidy_claim"]
_LINE, _DIET = MealLine.metadata.tables["meal_line"], DietProfile.metadata.tables["diet_profile"]
_PERSON, _VISIT = Resident.metadata.tables["resident"], Visit.metadata.tables["visit"]
_CENTRE, _VERSION = Centre.metadata.tables["centre"], Version.metadata.tables["version"]
_LOCKED = select(_PERSON.c.id).where(_PERSON.c.id == bindparam("resident")).with_for_update(key_share=True)
_TAKE = (
    update(_OFFER)
    .where(_OFFER.c.id == bindparam("offer"), _OFFER.c.taken < _OFFER.c.quota)
    .values(
        taken=_OFFER.c.taken + 1,
        full_at=case((_OFFER.c.taken + 1 >= _OFFER.c.quota, bindparam("now", type_=_OFFER.c.full_at.type))),
    )
    .returning(_OFFER.c.quota)
)
_NUMBER = (
    update(_MENU)
    .where(
        _MENU.c.id == bindparam("menu"),
        _MENU.c.state == "published",
        _MENU.c.revision == bindparam("seen"),
        _MENU.c.walk_in_taken + bindparam("walk") <= _MENU.c.walk_in,
    )
    .values(pick_up_last=_MENU.c.pick_up_last + 1, walk_in_taken=_MENU.c.walk_in_taken + bindparam("walk"))
    .returning(_MENU.c.pick_up_last, _MENU.c.closed_at, _MENU.c.walk_in)
)
_REVISION = select(_MENU.c.revision).where(_MENU.c.id == bindparam("menu"))
_MINE = (
    select(func.count())
    .select_from(_ORDER)
    .where(
        _ORDER.c.resident_id == _PERSON.c.id,
        _ORDER.c.day == _MENU.c.day,
        _ORDER.c.meal == _MENU.c.meal,
        _ORDER.c.state != "cancelled",
        _ORDER.c.state != "failed",
    )
    .correlate(_PERSON, _MENU)
    .scalar_subquery()
)
_SITUATION = (
    select(
        _MENU.c.id.label("menu_id"),
        _MENU.c.canteen_id,
        _MENU.c.day,
        _MENU.c.meal,
        _MENU.c.state,
        _MENU.c.revision,
        _MENU.c.closed_at,
        _MENU.c.failed_reason,
        _CENTRE.c.zone,
        _CENTRE.c.settings_version.label("settings"),
        func.coalesce(_VERSION.c.number, 0).label("catalogue"),
        _PERSON.c.id,
        _PERSON.c.born,
        _PERSON.c.hukou,
        _PERSON.c.lifecycle,
        _PERSON.c.building_id,
        _DIET.c.allergens,
        _DIET.c.labels,
        _DIET.c.texture,
        _MINE.label("mine"),
    )
    .select_from(
        _OFFER.join(_MENU, _MENU.c.id == _OFFER.c.menu_id)
        .join(_CENTRE, _CENTRE.c.id == _MENU.c.canteen_id)
        .outerjoin(_VERSION, _VERSION.c.subject == CATALOGUE)
        .outerjoin(_PERSON, _PERSON.c.id == bindparam("resident"))
        .outerjoin(_DIET, _DIET.c.resident_id == _PERSON.c.id)
    )
    .where(_OFFER.c.id == bindparam("offer"))
)
"""The menu of an offer as it is at this moment, the versions under which the rest is kept, who eats, how they eat, and
how many of this meal they have: one query, behind their lock."""
_GUESTS = (
    select(func.count())
    .select_from(_ORDER)
    .where(
        _ORDER.c.visit_id == bindparam("visit"),
        _ORDER.c.resident_id.is_(None),
        _ORDER.c.day == bindparam("day"),
        _ORDER.c.meal == bindparam("meal"),
        _ORDER.c.state != "cancelled",
        _ORDER.c.state != "failed",
    )
)
_GUESTS_OF = (
    select(func.count())
    .select_from(_ORDER)
    .where(
        _ORDER.c.menu_id == bindparam("menu"),
        _ORDER.c.walk_in == bindparam("walk"),
        or_(_ORDER.c.walk_in, _ORDER.c.offer_id == bindparam("offer")),
        _ORDER.c.resident_id.is_(None),
        _ORDER.c.visit_id.is_not(None),
        _ORDER.c.state == "ordered",
        _ORDER.c.pay_state == "due",
    )
)
_BY_CARD = (
    select(func.count())
    .select_from(_ORDER)
    .join(_VISIT, _VISIT.c.id == _ORDER.c.visit_id)
    .where(
        _ORDER.c.resident_id == bindparam("resident"),
        _ORDER.c.day >= bindparam("today"),
        _ORDER.c.ordered_at >= bindparam("since"),
        _ORDER.c.state != "cancelled",
        _ORDER.c.state != "failed",
        _VISIT.c.level == "card",
    )
)
"""What a card ordered today; not what somebody did who has given the PIN since."""
_DIET_OF = select(_DIET.c.allergens, _DIET.c.labels, _DIET.c.texture).where(
    _DIET.c.resident_id == bindparam("resident")
)
_LINES, _CLAIMED = insert(_LINE), insert(_CLAIM)


@dataclass(frozen=True, slots=True)
class Wish:
    """How somebody wants a meal. confirmed: conflicts with their profile to which they said yes. shown_fen: what they
    were told they would pay; where it has changed meanwhile, they are asked again."""

    gateway: str = "counter"
    delivery: bool = False
    texture: str | None = None
    low_salt: bool | None = None
    note: str | None = None
    confirmed: Collection[str] = ()
    shown_fen: int | None = None


def place(
    actor: Actor,
    offer_id: int,
    resident_id: int | None,
    wish: Wish,
    *,
    channel: str,
    proxy_id: int | None = None,
    standing_id: int | None = None,
    visit_id: int | None = None,
) -> MealOrder:
    """Order one portion for a resident, or for a guest (None). channel: kiosk, phone, family, desk, api, standing.

    visit_id: of a guest at a screen, or of a card without its PIN: their orders are counted. Raises `Refused`:
    `not_offered`, `closed`, `too_early`, `after_cutoff`, `over`, `sold_out`, `guests_full`, `enough`, `card_enough`,
    `against_diet`, `no_address`, `sum_changed`, `balance_low` and what the gateway says.
    """
    with unit_of_work():
        now = database_now()
        menu = _situation(offer_id, resident_id)
        offer = choice(offer_id, menu.catalogue)
        day = day_of(menu.canteen_id, menu.zone, menu.settings, menu.day)
        walk_in = _check_time(menu, day, channel, standing_id is not None, now)
        if resident_id is not None:
            _check_enough(menu.mine, day)
            if visit_id is not None:
                _check_card(resident_id, day, now)
        elif visit_id is not None:
            _check_guests(visit_id, menu, day)
        diet = _diet(menu)
        against = conflicts(offer.plates, diet)
        if standing_id is not None:
            against = barring(against)
        if set(against) - set(wish.confirmed):
            raise Refused(
                "against_diet",
                _("这份餐和您的饮食登记不一样"),
                _("请看清楚里面有什么，再点一次“我知道了，还是要订”。"),
                status=422,
            )
        if wish.delivery and menu.building_id is None:
            raise Refused(
                "no_address", _("还没有登记送餐的地址"), _("请找工作人员登记，或到食堂来取。"), status=422
            )
        eats = menu if resident_id is not None else None
        help_ = right_under(eats, menu.canteen_id, day, menu.meal, menu.settings, menu.catalogue)
        pays = help_.sum(offer.price_fen).pays_fen
        if wish.shown_fen is not None and wish.shown_fen != pays:
            raise Refused(
                "sum_changed",
                _("价钱和刚才看到的不一样了"),
                _("现在您付 %(sum)s。请再看一遍，还没有订。", sum=yuan(pays)),
            )
        way = gateway(wish.gateway)
        if proxy_id is not None:
            _check_relative(resident_id, proxy_id, spends=bool(pays) and way.at_first == "held")
        pick_up, closed, portions = _take_portion(offer, menu, walk_in, now)
        if resident_id is None and visit_id is not None:
            _check_share(offer, menu, day, walk_in, portions)
        order = _write(
            menu,
            offer,
            day,
            help_,
            wish,
            diet,
            now,
            resident_id=resident_id,
            proxy_id=proxy_id,
            standing_id=standing_id,
            visit_id=visit_id,
            pick_up=pick_up,
            channel=channel,
            pay_state=way.at_first if pays else "void",
            walk_in=walk_in,
            conflicts=against,
        )
        _claim(order, help_, now)
        if pays:
            way.begin(order, actor, now)
        if closed:
            strip(order, "added", 1, now)
        detail = {"number": order.number, "channel": channel, **({"proxy": proxy_id} if proxy_id else {})}
        audit.record(
            actor, "meal.ordered", "meal_order", order.id, unit_id=order.centre_id, detail=detail, at=now
        )
        emit("meal.ordered", {"order": order.id}, at=now)
        bump(f"menu:{menu.menu_id}", f"today:{menu.canteen_id}")
    return order


def _situation(offer_id: int, resident_id: int | None) -> Any:
    """A row of `_SITUATION`; the resident is locked: their meals and their week are counted by one at a time."""
    if resident_id is not None and not one_writer():
        db.session.execute(_LOCKED, {"resident": resident_id})
    row = db.session.execute(_SITUATION, {"offer": offer_id, "resident": resident_id}).first()
    if row is None or row.state == "draft":
        raise Refused("not_offered", _("没有找到这份餐"), _("请从菜单里再选一次。"), status=404)
    if resident_id is not None and row.lifecycle != "active":
        raise Refused("not_active", _("现在不能订"), _("请找工作人员，我们帮您看看。"), status=403)
    return row


def _check_time(menu: Any, day: ServingDay, channel: str, standing: bool, now: datetime) -> bool:
    """Whether the meal may be ordered now, by the server's clock. Returns whether it is a walk-in."""
    zone = day.zone
    today = local_day(now, zone)
    if menu.meal not in day.meals:
        reason = day.closed_reason or _("食堂那天不开餐。")
        raise Refused("closed", _("%(day)s不开餐", day=date_words(menu.day)), reason)
    if menu.state == "failed":
        raise Refused("closed", _("这一餐做不了"), menu.failed_reason or _("请看看别的日子。"))
    if day.too_early(today) and channel != "desk":
        raise Refused(
            "too_early", _("现在还订不了那么远"), _("可以订 %(n)d 天以内的。", n=day.policy.horizon_days)
        )
    now_in = phase(day.cutoff_at, day.meals[menu.meal].end, now)
    if now_in == "open":
        return False
    if standing and now_in == "walk_in" and menu.closed_at is None:
        return False
    if now_in == "over":
        raise Refused("over", _("这一餐已经结束了"), _("请看看下一餐。"))
    if channel in PRESENT and today == menu.day:
        return True
    until = f"{inside(full_day(local_day(day.cutoff_at, zone), today))} {clock_words(day.cutoff_at, zone)}"
    raise Refused(
        "after_cutoff",
        _("%(day)s的已经截止了", day=date_words(menu.day)),
        _("%(until)s 前可以订。当天到食堂来，还有现场的份。", until=until),
    )


def _check_relative(resident_id: int | None, proxy_id: int, *, spends: bool) -> None:
    """A relative orders, and spends the elder's money, only while the elder lets them, whatever the page showed."""
    if resident_id is None or not may_order(resident_id, proxy_id):
        raise NotFound(_("现在不能帮这位家人订"), _("请老人家先答应，或找工作人员。"))
    if spends and not may_pay(resident_id, proxy_id):
        raise Refused(
            "family_pay",
            _("不能用老人家的饭卡付"),
            _("要老人家先答应。可以选取餐时到柜台付。"),
            status=403,
        )


def _check_enough(many: int, day: ServingDay) -> None:
    if many >= day.policy.meal_orders:
        raise Refused(
            "enough",
            _("这一餐您已经订了%(n)d份", n=many),
            _("一餐最多订 %(n)d 份。要改的话，先取消一份。", n=day.policy.meal_orders),
        )


def _check_guests(visit_id: int, menu: Any, day: ServingDay) -> None:
    """Of one visit in which nobody is known only a few; the visit is locked, so that taps at once count too."""
    db.session.execute(select(Visit.id).where(Visit.id == visit_id).with_for_update())
    asked = {"visit": visit_id, "day": menu.day, "meal": menu.meal}
    if db.session.execute(_GUESTS, asked).scalar_one() >= day.policy.guest_orders:
        raise Refused(
            "enough",
            _("当客人一餐最多订%(n)d份", n=day.policy.guest_orders),
            _("还要的话，请找工作人员。"),
        )


def _check_card(resident_id: int, day: ServingDay, now: datetime) -> None:
    """A card may be a photograph of it: without its PIN it orders a few a day. The resident is locked."""
    today = local_day(now, day.zone)
    asked = {"resident": resident_id, "today": today, "since": day_bounds(today, day.zone)[0]}
    if db.session.execute(_BY_CARD, asked).scalar_one() >= day.policy.card_orders:
        raise Refused(
            "card_enough",
            _("今天刷卡已经订了%(n)d份", n=day.policy.card_orders),
            _("您没有做错。输一次密码，就可以接着订。"),
        )


def _check_share(offer: Choice, menu: Any, day: ServingDay, walk_in: bool, portions: int) -> None:
    """Whoever throws away who they were is another visit: all guests who have not paid share a part of the portions.
    The portion is taken already, so that its row is locked; refused, it goes back with the unit of work."""
    asked = {"menu": menu.menu_id, "offer": offer.id, "walk": walk_in}
    if db.session.execute(_GUESTS_OF, asked).scalar_one() >= guests_most(portions, day.policy.guest_share):
        raise Refused(
            "guests_full",
            _("留给客人的份订完了"),
            _("您没有做错。请刷卡订，或到服务台交钱订。"),
        )


def _take_portion(offer: Choice, menu: Any, walk_in: bool, now: datetime) -> tuple[int, bool, int]:
    """The pick-up number, whether the sheet is drawn, and of how many portions one was taken; each by one conditional
    UPDATE. Losers write nothing: the unit of work is lost. The menu comes first, as in every verb; it also sees whether
    what is on it is still what was read, and whether the sheet was drawn meanwhile: read before its lock, an order at
    the cutoff would be on no paper."""
    asked = {"menu": menu.menu_id, "walk": int(walk_in), "seen": menu.revision}
    number = db.session.execute(_NUMBER, asked).first()
    if number is None:
        if db.session.scalar(_REVISION, {"menu": menu.menu_id}) != menu.revision:
            raise Refused("menu_changed", _("这份餐刚刚换了菜"), _("您没有做错。请再看一眼，再点一次。"))
        raise Refused("sold_out", _("现场的份没有了"), _("您没有做错。可以订明天的。"))
    taken = None if walk_in else db.session.execute(_TAKE, {"offer": offer.id, "now": now}).first()
    if not walk_in and taken is None:
        raise Refused("sold_out", _("刚刚订满了"), _("您没有做错。请看看别的菜。"))
    portions = taken.quota if taken is not None else number.walk_in
    return int(number.pick_up_last), number.closed_at is not None, int(portions)


def _write(
    menu: Any,
    offer: Choice,
    day: ServingDay,
    help_: Right,
    wish: Wish,
    diet: Diet,
    now: datetime,
    **given: Any,
) -> MealOrder:
    """The row and its lines: price, names and labels as they are now."""
    costs, code = help_.sum(offer.price_fen), new_code("M")
    values: dict[str, Any] = {
        "centre_id": menu.canteen_id,
        "menu_id": menu.menu_id,
        "offer_id": offer.id,
        "day": menu.day,
        "meal": menu.meal,
        "code": code,
        "code_index": blind(code, CODE),
        "state": "ordered",
        "price_fen": costs.price_fen,
        "promotion_fen": costs.promotion_fen,
        "promotion_id": help_.promotion.id if costs.promotion_fen else None,
        "subsidy_fen": costs.subsidy_fen,
        "pays_fen": costs.pays_fen,
        "gateway": wish.gateway,
        "texture": wish.texture or diet.texture,
        "low_salt": "low_salt" in diet.labels if wish.low_salt is None else wish.low_salt,
        "note": wish.note,
        "delivery": wish.delivery,
        "delivery_subsidy_fen": help_.delivery.amount_fen if wish.delivery and help_.delivery else 0,
        "called_at": None,
        "ordered_at": now,
        "ended_at": None,
        "undo_until": now + timedelta(seconds=day.policy.undo_seconds),
        "cutoff_at": day.cutoff_at,
        "reason": "",
        **given,
    }
    order = insert_numbered(MealOrder, values)
    db.session.execute(
        _LINES,
        [
            {
                "order_id": order.id,
                "position": part.position,
                "dish_id": part.dish_id,
                "name_zh": part.name_zh,
                "name_en": part.name_en,
                "name_hant": part.name_hant,
                "price_fen": part.price_fen,
                "labels": list(part.labels),
                "allergens": list(part.allergens),
            }
            for part in offer.parts
        ],
    )
    return order


def _claim(order: MealOrder, help_: Right, now: datetime) -> None:
    """Reserve the right to help. The database lets nobody have it twice, whatever was read before."""
    if not order.subsidy_fen or help_.rule is None or help_.slot is None:
        return
    values = {
        "resident_id": order.resident_id,
        "order_id": order.id,
        "rule_id": help_.rule.id,
        "day": order.day,
        "meal": order.meal,
        "week": week_of(order.day),
        "slot": help_.slot,
        "amount_fen": order.subsidy_fen,
        "state": "reserved",
        "at": now,
    }
    try:
        db.session.execute(_CLAIMED, values)
    except IntegrityError as error:  # only where somebody wrote past the person's lock
        raise Refused("subsidy_used", _("刚才没办成"), _("请再点一次。")) from error


def plates(offer: Offer) -> list[Plate]:
    """The dishes of an offer as far as diets go."""
    return [
        Plate(frozenset(one.dish.labels), frozenset(one.dish.allergens), one.dish.texture)
        for one in offer.dishes
    ]


def diet_of(resident_id: int | None) -> Diet:
    """A person's profile; an empty one where none is kept."""
    if resident_id is None:
        return Diet()
    row = db.session.execute(_DIET_OF, {"resident": resident_id}).first()
    return _diet(row) if row is not None else Diet()


def _diet(row: Any) -> Diet:
    """Of a row with a profile's columns; where none is kept they are empty."""
    if row.texture is None:
        return Diet()
    return Diet(frozenset(row.allergens), frozenset(row.labels), row.texture)


def strip(order: MealOrder, kind: str, portions: int, now: datetime) -> None:
    """After the sheet was drawn every change goes to the kitchen on a strip."""
    rows = sheet_rows(helpings_of(order), portions)
    db.session.add(SheetChange(menu_id=order.menu_id, order_id=order.id, kind=kind, rows=rows, at=now))


def changed(menu: Menu) -> None:
    """Pages that show this menu or what was ordered on it are no longer true."""
    bump(f"menu:{menu.id}", f"today:{menu.canteen_id}")
