"""A person's own copy of what is kept about them: meals, money, standing orders, and what they may not eat."""

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from canteen.counter_words import all_dishes, channel_words, order_words, pay_words
from canteen.models import DietProfile, MealOrder, StandingOrder, StandingSkip
from canteen.queries import account_of, entries, history, served, served_words
from canteen.words import MEALS, TEXTURES, allergen_words, days_words, label_words
from core.codes import show_number
from core.database import db
from core.money import in_yuan
from core.sheets import Head, Page, stamp


def pages(resident_id: int, zone: str) -> list[Page]:
    """Sheets of the copy."""
    return [
        _orders(resident_id, zone),
        _money(resident_id, zone),
        _standing(resident_id, zone),
        _left_out(resident_id, zone),
        _diet(resident_id),
    ]


def _orders(resident_id: int, zone: str) -> Page:
    rows = db.session.scalars(
        select(MealOrder)
        .options(selectinload(MealOrder.lines))
        .where(MealOrder.resident_id == resident_id)
        .order_by(MealOrder.day.desc(), MealOrder.id.desc())
    ).all()
    fetched = served(*(row.id for row in rows))
    return Page(
        _("订餐"),
        [
            Head(_("编号"), 12),
            Head(_("日期"), 12),
            Head(_("哪一餐"), 8),
            Head(_("菜"), 40),
            Head(_("原价"), 10, money=True),
            Head(_("优惠"), 10, money=True),
            Head(_("政府补"), 10, money=True),
            Head(_("您付"), 10, money=True),
            Head(_("状态"), 12),
            Head(_("取餐"), 28),
            Head(_("付钱"), 12),
            Head(_("在哪里订的"), 12),
            Head(_("给厨房的话"), 24),
            Head(_("订的时间"), 18),
        ],
        [
            (
                show_number(row.number),
                row.day,
                str(MEALS[row.meal]),
                _("、").join(all_dishes(row)),
                in_yuan(row.price_fen),
                in_yuan(row.promotion_fen),
                in_yuan(row.subsidy_fen),
                in_yuan(row.pays_fen),
                order_words(row),
                served_words(fetched.get(row.id), zone, own=True),
                pay_words(row),
                channel_words(row.channel),
                row.note,
                stamp(row.ordered_at, zone),
            )
            for row in rows
        ],
    )


def _money(resident_id: int, zone: str) -> Page:
    account = account_of(resident_id)
    found = history(account, 0, entries(account)) if account is not None else []
    return Page(
        _("饭卡"),
        [Head(_("时间"), 18), Head(_("做什么"), 20), Head(_("金额"), 12, money=True)],
        [(stamp(one.at, zone), one.words, in_yuan(one.fen)) for one in found],
    )


def _standing(resident_id: int, zone: str) -> Page:
    rows = db.session.scalars(
        select(StandingOrder).where(StandingOrder.resident_id == resident_id).order_by(StandingOrder.id)
    )
    return Page(
        _("长期订餐"),
        [Head(_("哪一餐"), 8), Head(_("哪些日子"), 24), Head(_("从哪天起"), 18), Head(_("到哪天"), 18)],
        [
            (
                str(MEALS[row.meal]),
                days_words(row.weekdays),
                stamp(row.made_at, zone),
                stamp(row.ended_at, zone),
            )
            for row in rows
        ],
    )


def _left_out(resident_id: int, zone: str) -> Page:
    """Days of their standing orders on which they do not eat, and what they said so for somebody of their family."""
    rows = db.session.execute(
        select(StandingSkip, StandingOrder)
        .join(StandingOrder, StandingOrder.id == StandingSkip.standing_id)
        .options(joinedload(StandingSkip.proxy), joinedload(StandingOrder.resident))
        .where((StandingOrder.resident_id == resident_id) | (StandingSkip.proxy_id == resident_id))
        .order_by(StandingSkip.day.desc(), StandingSkip.standing_id)
    )
    return Page(
        _("不吃的日子"),
        [Head(_("日期"), 12), Head(_("哪一餐"), 8), Head(_("谁说的"), 24), Head(_("时间"), 18)],
        [
            (
                skip.day,
                str(MEALS[standing.meal]),
                _("您帮%(name)s说的", name=standing.resident.masked_name)
                if standing.resident_id != resident_id
                else skip.proxy.masked_name
                if skip.proxy is not None
                else _("本人，或工作人员代说"),
                stamp(skip.at, zone),
            )
            for skip, standing in rows
        ],
    )


def _diet(resident_id: int) -> Page:
    row = db.session.get(DietProfile, resident_id)
    said = (
        [
            (_("过敏"), _("、").join(allergen_words(row.allergens))),
            (_("饮食"), _("、").join(label_words(row.labels))),
            (_("软硬"), str(TEXTURES[row.texture])),
            (_("不吃什么"), row.avoid),
        ]
        if row is not None
        else []
    )
    return Page(_("饮食登记"), [Head(_("内容"), 16), Head(_("我们记着的"), 40)], said)
