"""How orders, money and runs are called at the counter."""

from flask_babel import gettext as _

from canteen.models import MealOrder
from canteen.services.give_back import state_words
from canteen.words import TEXTURES
from core.i18n import pick

MAIN = 0


def dish_words(order: MealOrder) -> str:
    """The main dish, as it was ordered."""
    line = next((one for one in order.lines if one.position == MAIN), None)
    return pick(line.name_zh, line.name_en, line.name_hant) if line else ""


def all_dishes(order: MealOrder) -> list[str]:
    """Every dish of an order, as they were ordered."""
    return [pick(line.name_zh, line.name_en, line.name_hant) for line in order.lines]


def wish_words(order: MealOrder) -> list[str]:
    """What is special about the box: 软, 低盐."""
    words = [str(TEXTURES[order.texture])] if order.texture != "regular" else []
    return words + ([_("低盐")] if order.low_salt else [])


def order_words(order: MealOrder) -> str:
    """An order's state, short: what a resident reads too."""
    return state_words(order.state)


def kind_words(colour: str) -> str:
    """The one word that stands on the whole screen."""
    return {"green": _("发餐"), "amber": _("等一等"), "red": _("先不发"), "undone": _("撤回了")}[colour]


def how_words(how: str) -> str:
    """By what an order was known."""
    return {"slip": _("扫小票"), "card": _("刷卡"), "number": _("报号"), "delivery": _("送到家")}.get(
        how, how
    )


def pay_words(order: MealOrder) -> str:
    """How an order stands with its money."""
    if not order.pays_fen:
        return _("不用付")
    return {
        "due": _("到柜台付"),
        "held": _("已经收了"),
        "paid": _("已付"),
        "refunded": _("已退"),
        "void": _("不用付"),
    }[order.pay_state]


def channel_words(channel: str) -> str:
    """Where an order was made."""
    return {
        "kiosk": _("一体机"),
        "phone": _("手机"),
        "family": _("家人"),
        "desk": _("前台"),
        "standing": _("长期订餐"),
        "api": _("别的系统"),
    }.get(channel, channel)


def transfer_words(kind: str, *, incoming: bool) -> str:
    """One line of an account's history."""
    if kind == "reversal":
        return _("冲正，加回来") if incoming else _("冲正，减回去")
    return {
        "top_up": _("充值"),
        "refund": _("退款"),
        "order_held": _("订餐"),
        "order_refund": _("订餐退回"),
        "merge": _("并入另一张卡的钱"),
    }.get(kind, kind)


def stop_words(state: str) -> str:
    """How a door of a round stands."""
    return {
        "waiting": _("还没送"),
        "handed_over": _("送到了"),
        "nobody_home": _("没人在家"),
        "cancelled": _("取消了"),
        "fetched": _("自己来取了"),
    }[state]


def taker_words(code: str) -> str:
    """Who took a meal at the door."""
    return {
        "self": _("本人收了"),
        "family": _("家人收了"),
        "neighbour": _("邻居收了"),
        "door": _("照说好的放门口了"),
    }.get(code, "")


def run_words(state: str) -> str:
    """How a round stands."""
    return {"planned": _("还没出发"), "out": _("在路上"), "done": _("送完了")}[state]
