"""Days, times and names as a good clerk says them."""

from datetime import date, datetime
from functools import lru_cache

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from core.clock import local
from core.i18n import language

WEEKDAYS = (
    lazy_gettext("星期一"),
    lazy_gettext("星期二"),
    lazy_gettext("星期三"),
    lazy_gettext("星期四"),
    lazy_gettext("星期五"),
    lazy_gettext("星期六"),
    lazy_gettext("星期日"),
)
SHORT_WEEKDAYS = (
    lazy_gettext("周一"),
    lazy_gettext("周二"),
    lazy_gettext("周三"),
    lazy_gettext("周四"),
    lazy_gettext("周五"),
    lazy_gettext("周六"),
    lazy_gettext("周日"),
)

MONTHS = (
    lazy_gettext("1月"),
    lazy_gettext("2月"),
    lazy_gettext("3月"),
    lazy_gettext("4月"),
    lazy_gettext("5月"),
    lazy_gettext("6月"),
    lazy_gettext("7月"),
    lazy_gettext("8月"),
    lazy_gettext("9月"),
    lazy_gettext("10月"),
    lazy_gettext("11月"),
    lazy_gettext("12月"),
)


def weekday(day: date) -> str:
    """星期二"""
    return str(WEEKDAYS[day.weekday()])


def near_day(day: date, today: date) -> str:
    """今天, 明天, 后天 (English has no short word for it), 周五, and from a week on the date."""
    distance = (day - today).days
    if distance == 0:
        return _("今天")
    if distance == 1:
        return _("明天")
    if distance == 2 and language() != "en":
        return _("后天")
    if distance == -1:
        return _("昨天")
    if 0 < distance < 7:
        return str(SHORT_WEEKDAYS[day.weekday()])
    return month_day(day)


def inside(day: str) -> str:
    """The same words in the middle of a sentence, where English writes «today» small."""
    for word in (_("今天"), _("明天"), _("昨天")):
        if day.startswith(word):
            return word.lower() + day[len(word) :]
    return day


def month_day(day: date) -> str:
    """11月24日"""
    return _("%(month)s%(day)d日", month=MONTHS[day.month - 1], day=day.day)


def date_words(day: date) -> str:
    """11月24日 星期二"""
    return _("%(date)s %(weekday)s", date=month_day(day), weekday=weekday(day))


def full_day(day: date, today: date) -> str:
    """明天 11月24日 星期二, and 11月26日 星期四 where the near word would be the weekday once more."""
    near = near_day(day, today)
    if near in (month_day(day), str(SHORT_WEEKDAYS[day.weekday()])):
        return date_words(day)
    return _("%(near)s %(date)s", near=near, date=date_words(day))


def short_day(day: date, today: date) -> str:
    """明天 11月24日"""
    near, date_only = near_day(day, today), month_day(day)
    return date_only if near == date_only else f"{near} {date_only}"


def sentences(title: str, text: str) -> str:
    """What happened and what to do next, on one line: 号码和密码对不上。请再输一次。"""
    return _("%(title)s。%(text)s", title=title, text=text) if text else title


def one_by_one(first: str, then: str) -> str:
    """Two whole sentences; some languages put a space between."""
    return _("%(first)s%(then)s", first=first, then=then)


@lru_cache(maxsize=4096)
def clock_words(moment: datetime, zone: str) -> str:
    """9:00"""
    wall = local(moment, zone)
    return f"{wall.hour}:{wall.minute:02d}"


def span_words(start: datetime, end: datetime, zone: str) -> str:
    """9:00–13:00"""
    return f"{clock_words(start, zone)}–{clock_words(end, zone)}"


def part_of_day(start: datetime, zone: str) -> str:
    """上午, 下午 or 晚上, by the hour at which something starts."""
    hour = local(start, zone).hour
    return _("上午") if hour < 12 else _("下午") if hour < 18 else _("晚上")


def greeting(moment: datetime, zone: str) -> str:
    """上午好 …"""
    hour = local(moment, zone).hour
    if hour < 5 or hour >= 18:
        return _("晚上好")
    return (
        _("早上好") if hour < 9 else _("上午好") if hour < 12 else _("中午好") if hour < 14 else _("下午好")
    )


def minutes_words(minutes: int) -> str:
    """90 → 1小时30分"""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return _("%(n)d分钟", n=rest)
    if not rest:
        return _("%(n)d小时", n=hours)
    return _("%(h)d小时%(m)d分", h=hours, m=rest)


def masked(name: str) -> str:
    """A name on a screen that others can see: 陈*英, 张*, 欧**海; Latin names keep the first letter of each word."""
    name = name.strip()
    if not name:
        return ""
    if name[0].isascii() and name[0].isalpha():
        return " ".join(word[0].upper() + "." for word in name.split())
    if len(name) <= 2:
        return name[0] + "*"
    return name[0] + "*" * (len(name) - 2) + name[-1]
