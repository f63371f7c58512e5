"""晨检 as data: what is looked at before cooking begins, and what counts as good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext

GROUPS = {"staff": lazy_gettext("人"), "kitchen": lazy_gettext("厨房"), "cold": lazy_gettext("冷柜温度")}


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to look at. A temperature has bounds in tenths of a degree; the others are well or not."""

    code: str
    group: str
    label: Any
    least: int | None = None
    most: int | None = None

    @property
    def is_temperature(self) -> bool:
        """Whether a number is written down."""
        return self.most is not None or self.least is not None

    def good(self, value: Any) -> bool:
        """Whether what was found is as it should be."""
        if not self.is_temperature:
            return value is True
        return (
            isinstance(value, int)
            and not isinstance(value, bool)
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
        )


ITEMS = (
    Item("fever", "staff", lazy_gettext("没有人发烧、咳嗽、拉肚子")),
    Item("wounds", "staff", lazy_gettext("手上没有伤口，有的已包好、不碰吃的")),
    Item("hands", "staff", lazy_gettext("洗了手，指甲短，没戴首饰")),
    Item("clothes", "staff", lazy_gettext("工作服、帽子、口罩都干净")),
    Item("certificates", "staff", lazy_gettext("今天上灶的人都有健康证")),
    Item("surfaces", "kitchen", lazy_gettext("台面、地面、刀板洗净，生熟分开")),
    Item("disinfected", "kitchen", lazy_gettext("碗筷和餐盒消过毒")),
    Item("stock", "kitchen", lazy_gettext("食材新鲜，没有过期的")),
    Item("water", "kitchen", lazy_gettext("自来水清，没有异味")),
    Item("gas", "kitchen", lazy_gettext("燃气不漏，灶和电器正常")),
    Item("pest", "kitchen", lazy_gettext("没有老鼠、蟑螂、苍蝇的痕迹")),
    Item("waste", "kitchen", lazy_gettext("垃圾桶清空、盖好")),
    Item("fridge", "cold", lazy_gettext("冷藏柜"), 0, 80),
    Item("freezer", "cold", lazy_gettext("冷冻柜"), None, -120),
    Item("sample_fridge", "cold", lazy_gettext("留样柜"), 0, 80),
)


PERSON = {
    "well": lazy_gettext("都好"),
    "wound": lazy_gettext("手有伤口，包好了"),
    "ill": lazy_gettext("不舒服，回家了"),
    "off": lazy_gettext("今天不上班"),
}
AT_WORK = frozenset({"well", "wound"})
BY_PERSON = frozenset({"fever", "wounds", "certificates"})
"""Items that follow from how each one was, where it is written down who works in the kitchen."""
CERTIFICATE_SOON = 14
"""Days before a certificate ends on which the kitchen and the manager are told."""


def failed(found: Mapping[str, Any]) -> list[str]:
    """Codes of what was not as it should be, in the list's order. What was not looked at counts as such."""
    return [item.code for item in ITEMS if not item.good(found.get(item.code))]


def still_open(found: Mapping[str, Any], again: Sequence[Mapping[str, Any]]) -> list[str]:
    """The same after it was looked at again, each time at some of it."""
    return failed({code: value for one in (found, *again) for code, value in one.items()})


def of_people(people: Sequence[tuple[str, date | None]], day: date) -> dict[str, bool]:
    """What follows from each one's (state, last day of the certificate): nobody ill came to work, wounds are covered,
    and whoever cooks has a certificate that holds."""
    at_work = [until for state, until in people if state in AT_WORK]
    return {
        "fever": all(state != "ill" for state, _until in people),
        "wounds": True,
        "certificates": all(until is not None and until >= day for until in at_work),
    }


def degrees(tenths: int) -> str:
    """-185 → −18.5"""
    whole, rest = divmod(abs(tenths), 10)
    return f"{'−' if tenths < 0 else ''}{whole}.{rest}"


def parse_degrees(text: str) -> int | None:
    """`4`, `4.5`, `-18`, `−18.2 ℃` as tenths of a degree; None for what is no temperature."""
    plain = text.strip().removesuffix("℃").removesuffix("°C").strip().replace("−", "-").replace("。", ".")
    minus, plain = plain.startswith("-"), plain.removeprefix("-")
    whole, _dot, rest = plain.partition(".")
    if not (
        plain.isascii()
        and whole.isdigit()
        and len(whole) <= 2
        and len(rest) <= 1
        and (not rest or rest.isdigit())
    ):
        return None
    tenths = int(whole) * 10 + int(rest or 0)
    return -tenths if minus else tenths
