"""What the canteen's codes are called on screens."""

from collections.abc import Collection, Iterable, Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from canteen.models import StandingOrder
from canteen.rules import PICKED
from core.words import SHORT_WEEKDAYS

MEALS = {"breakfast": lazy_gettext("早餐"), "lunch": lazy_gettext("午餐"), "dinner": lazy_gettext("晚餐")}
KINDS = {
    "main": lazy_gettext("主菜"),
    "vegetable": lazy_gettext("青菜"),
    "soup": lazy_gettext("汤"),
    "staple": lazy_gettext("主食"),
    "breakfast": lazy_gettext("早点"),
}
TEXTURES = {
    "regular": lazy_gettext("普通"),
    "soft": lazy_gettext("软"),
    "minced": lazy_gettext("切碎"),
    "puree": lazy_gettext("打泥"),
}
LABELS = {
    "low_salt": lazy_gettext("低盐"),
    "low_sugar": lazy_gettext("低糖"),
    "low_oil": lazy_gettext("低油"),
    "soft": lazy_gettext("软食"),
    "halal": lazy_gettext("清真"),
    "vegan": lazy_gettext("全素"),
}
WISHES = {code: word for code, word in LABELS.items() if code != "soft"}
"""What one may wish of a standing order; how soft it is, is asked by itself."""
ALLERGENS = {
    "gluten": lazy_gettext("麸质"),
    "crustacean": lazy_gettext("虾蟹"),
    "fish": lazy_gettext("鱼"),
    "egg": lazy_gettext("蛋"),
    "peanut": lazy_gettext("花生"),
    "soy": lazy_gettext("大豆"),
    "milk": lazy_gettext("奶"),
    "nut": lazy_gettext("坚果"),
    "mollusc": lazy_gettext("贝类"),
    "sesame": lazy_gettext("芝麻"),
    "sulphite": lazy_gettext("亚硫酸盐"),
}
ACCOUNTS = {
    "resident": lazy_gettext("饭卡"),
    "cash": lazy_gettext("钱箱"),
    "outside": lazy_gettext("转账和扫码收的钱"),
    "held": lazy_gettext("订餐预收的钱"),
    "sales": lazy_gettext("卖餐的收入"),
    "subsidy": lazy_gettext("政府补的钱"),
    "promotion": lazy_gettext("优惠减的钱"),
    "refund_due": lazy_gettext("该退的现金"),
    "difference": lazy_gettext("数钱箱的差额"),
}
"""Every kind of account, as the desk says it."""
OWN_MOVES = {
    "cash_difference": lazy_gettext("数钱箱的差额"),
    "paid_out": lazy_gettext("退出去的现金"),
    "to_bank": lazy_gettext("存银行"),
}
"""Movements between the centre's own accounts that may be taken back one by one."""
MENU_STATES = {
    "draft": lazy_gettext("还没发布"),
    "published": lazy_gettext("已发布"),
    "failed": lazy_gettext("做不了"),
}


def label_words(codes: Collection[str], *, pungent: bool = False) -> list[str]:
    """低盐, 软食. pungent: with garlic or onion, which some who eat 素 leave out."""
    return [
        _("%(vegan)s（有葱蒜）", vegan=word) if pungent and code == "vegan" else str(word)
        for code, word in LABELS.items()
        if code in codes
    ]


def allergen_words(codes: Collection[str]) -> list[str]:
    """含鱼, 含大豆"""
    return [_("含%(what)s", what=word) for code, word in ALLERGENS.items() if code in codes]


def conflict_words(codes: Iterable[str]) -> list[str]:
    """What of a meal is against a profile: `allergen:fish` → 含鱼, `not:halal` → 不是清真, `not:low_sugar` →
    没有标低糖."""
    words = []
    for code in codes:
        kind, _colon, what = code.partition(":")
        if kind == "allergen" and what in ALLERGENS:
            words.append(_("含%(what)s", what=ALLERGENS[what]))
        elif kind == "not" and what in LABELS:
            text = (
                _("没有标%(what)s", what=LABELS[what])
                if what in PICKED
                else _("不是%(what)s", what=LABELS[what])
            )
            words.append(text)
    return words


def standing_words(row: StandingOrder) -> str:
    """周一到周五，软，低盐，不吃花生"""
    words = [days_words(row.weekdays)]
    if row.texture != "regular":
        words.append(str(TEXTURES[row.texture]))
    words += [*label_words(row.labels), *without_words(row.avoid)]
    if row.delivery:
        words.append(_("送到家"))
    return _("，").join(words)


def without_words(avoid: Sequence[str]) -> list[str]:
    """[不吃花生、鸡蛋], or nothing."""
    return [_("不吃%(what)s", what=_("、").join(str(ALLERGENS[one]) for one in avoid))] if avoid else []


def days_words(weekdays: Iterable[int]) -> str:
    """周一到周五; 周一、周三"""
    days = sorted(weekdays)
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return _("%(first)s到%(last)s", first=SHORT_WEEKDAYS[days[0]], last=SHORT_WEEKDAYS[days[-1]])
    return _("、").join(str(SHORT_WEEKDAYS[day]) for day in days)
