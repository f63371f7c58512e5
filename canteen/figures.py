"""The canteen's figures: each with its formula in words and the orders behind it. No row bears a name."""

from collections.abc import Callable, Sequence
from datetime import date

from flask_babel import lazy_gettext
from sqlalchemy import func, select

from canteen import words
from canteen.models import MealOrder, Menu, Offer, SubsidyClaim
from core.codes import show_number
from core.database import db
from core.figures import Counted, Measure

Row = tuple[str | int, ...]
SERVED = ("collected", "delivered")
STATES = {
    "ordered": lazy_gettext("订好了"),
    "collected": lazy_gettext("已取餐"),
    "delivered": lazy_gettext("已送到"),
    "uncollected": lazy_gettext("没来取"),
    "cancelled": lazy_gettext("退了"),
    "failed": lazy_gettext("没做成"),
}
ORDER_HEADS = (
    lazy_gettext("日期"),
    lazy_gettext("餐次"),
    lazy_gettext("订单号"),
    lazy_gettext("取餐号"),
    lazy_gettext("状态"),
    lazy_gettext("原价"),
    lazy_gettext("优惠"),
    lazy_gettext("政府补"),
    lazy_gettext("本人付"),
)
ORDER_FEN = frozenset({5, 6, 7, 8})


def _orders(centre_id: int, starts: date, ends: date, states: Sequence[str]) -> list[MealOrder]:
    query = select(MealOrder).where(
        MealOrder.centre_id == centre_id,
        MealOrder.day >= starts,
        MealOrder.day < ends,
        MealOrder.state.in_(states),
    )
    return list(db.session.scalars(query.order_by(MealOrder.day, MealOrder.menu_id, MealOrder.pick_up)))


def _row(order: MealOrder) -> Row:
    return (
        str(order.day),
        str(words.MEALS[order.meal]),
        show_number(order.number),
        order.pick_up,
        str(STATES[order.state]),
        order.price_fen,
        order.promotion_fen,
        order.subsidy_fen,
        order.pays_fen,
    )


def _share(states: Sequence[str]) -> Callable[[int, date, date], Counted]:
    """Those of `states` among all that have come to an end at the window."""

    def compute(centre_id: int, starts: date, ends: date) -> Counted:
        ended = _orders(centre_id, starts, ends, (*SERVED, "uncollected"))
        found = [order for order in ended if order.state in states]
        return Counted(len(found), len(ended), [_row(order) for order in found])

    return compute


def ordered(centre_id: int, starts: date, ends: date) -> Counted:
    """Portions that were ordered and not given back."""
    found = _orders(centre_id, starts, ends, ("ordered", *SERVED, "uncollected"))
    return Counted(len(found), None, [_row(order) for order in found])


def subsidies(centre_id: int, starts: date, ends: date) -> Counted:
    """What is claimed for meals that were handed out: the claims' own sums, as they were reserved."""
    orders = {order.id: order for order in _orders(centre_id, starts, ends, tuple(STATES))}
    claims = db.session.execute(
        select(SubsidyClaim.order_id, SubsidyClaim.amount_fen)
        .join(MealOrder, MealOrder.id == SubsidyClaim.order_id)
        .where(
            MealOrder.centre_id == centre_id,
            MealOrder.day >= starts,
            MealOrder.day < ends,
            SubsidyClaim.state == "claimed",
        )
        .order_by(MealOrder.day, MealOrder.id)
    ).all()
    rows: list[Row] = []
    for claim in claims:
        row = list(_row(orders[claim.order_id]))
        row[7] = claim.amount_fen
        rows.append(tuple(row))
    return Counted(sum(claim.amount_fen for claim in claims), None, rows)


def served_a_meal(centre_id: int, starts: date, ends: date) -> Counted:
    """Portions handed out over the meals at which any was."""
    query = (
        select(MealOrder.day, MealOrder.meal, func.count())
        .where(
            MealOrder.centre_id == centre_id,
            MealOrder.day >= starts,
            MealOrder.day < ends,
            MealOrder.state.in_(SERVED),
        )
        .group_by(MealOrder.day, MealOrder.meal)
        .order_by(MealOrder.day, MealOrder.meal)
    )
    rows = [(str(day), str(words.MEALS[meal]), many) for day, meal, many in db.session.execute(query)]
    return Counted(sum(many for _day, _meal, many in rows), len(rows), rows)


def paid_each(centre_id: int, starts: date, ends: date) -> Counted:
    """What people paid themselves for the portions that were handed out, a portion."""
    found = _orders(centre_id, starts, ends, SERVED)
    return Counted(sum(order.pays_fen for order in found), len(found), [_row(order) for order in found])


def wasted(centre_id: int, starts: date, ends: date) -> Counted:
    """Cooked and not eaten: what was not collected of meals that were cooked, given back after the sheet included."""
    missed = _orders(centre_id, starts, ends, ("uncollected",))
    closed = {
        menu.id: menu.closed_at
        for menu in db.session.scalars(
            select(Menu).where(Menu.canteen_id == centre_id, Menu.day >= starts, Menu.day < ends)
        )
    }
    late = []
    for order in _orders(centre_id, starts, ends, ("cancelled",)):
        sheet = closed.get(order.menu_id)
        if (
            sheet is not None
            and order.ended_at is not None
            and order.ended_at > sheet
            and order.ordered_at < sheet
        ):
            late.append(order)
    rows = sorted([*missed, *late], key=lambda order: (order.day, order.menu_id, order.pick_up))
    return Counted(len(rows), None, [_row(order) for order in rows])


def sold_out(centre_id: int, starts: date, ends: date) -> Counted:
    """Portions that were planned, and how many of them were taken."""
    query = (
        select(Menu.day, Menu.meal, Offer.code, Offer.taken, Offer.quota)
        .join(Offer, Offer.menu_id == Menu.id)
        .where(Menu.canteen_id == centre_id, Menu.day >= starts, Menu.day < ends, Menu.state == "published")
        .order_by(Menu.day, Menu.meal, Offer.position)
    )
    rows = [
        (str(day), str(words.MEALS[meal]), code, taken, quota)
        for day, meal, code, taken, quota in db.session.execute(query)
    ]
    return Counted(sum(row[3] for row in rows), sum(row[4] for row in rows), rows)


FIGURES = [
    Measure(
        "canteen.ordered",
        lazy_gettext("订餐份数"),
        lazy_gettext("这段日子的餐里，订了没有退的份数。厨房没做成的不算。"),
        "count",
        ORDER_HEADS,
        ordered,
        fen=ORDER_FEN,
    ),
    Measure(
        "canteen.collected",
        lazy_gettext("取餐率"),
        lazy_gettext("取走和送到的份数 ÷ 已经有结果的份数"),
        "share",
        ORDER_HEADS,
        _share(SERVED),
        lazy_gettext("取走、送到和没来取的份数"),
        ORDER_FEN,
    ),
    Measure(
        "canteen.uncollected",
        lazy_gettext("没来取率"),
        lazy_gettext("没来取的份数 ÷ 已经有结果的份数"),
        "share",
        ORDER_HEADS,
        _share(("uncollected",)),
        lazy_gettext("取走、送到和没来取的份数"),
        ORDER_FEN,
    ),
    Measure(
        "canteen.subsidies",
        lazy_gettext("补贴金额"),
        lazy_gettext("取走和送到的餐，政府补的钱合计。没来取的不补。"),
        "fen",
        ORDER_HEADS,
        subsidies,
        fen=ORDER_FEN,
    ),
    Measure(
        "canteen.diners",
        lazy_gettext("每餐人数"),
        lazy_gettext("取走和送到的份数 ÷ 开了餐的餐数"),
        "each",
        (lazy_gettext("日期"), lazy_gettext("餐次"), lazy_gettext("份数")),
        served_a_meal,
        lazy_gettext("有人取餐的餐数"),
    ),
    Measure(
        "canteen.paid_each",
        lazy_gettext("人均付"),
        lazy_gettext("本人付的钱合计 ÷ 取走和送到的份数"),
        "fen_each",
        ORDER_HEADS,
        paid_each,
        lazy_gettext("取走和送到的份数"),
        ORDER_FEN,
    ),
    Measure(
        "canteen.wasted",
        lazy_gettext("浪费份数"),
        lazy_gettext("做了没人吃的：没来取的，和备餐单出来以后退的。"),
        "count",
        ORDER_HEADS,
        wasted,
        fen=ORDER_FEN,
    ),
    Measure(
        "canteen.sold",
        lazy_gettext("订满率"),
        lazy_gettext("订出的份数 ÷ 菜单上备的份数"),
        "share",
        (
            lazy_gettext("日期"),
            lazy_gettext("餐次"),
            lazy_gettext("套餐"),
            lazy_gettext("订出"),
            lazy_gettext("备的份数"),
        ),
        sold_out,
        lazy_gettext("菜单上备的份数"),
    ),
]
