"""What booking's forms and addresses may say."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from core.clock import YEARS
from core.errors import NotFound, Refused
from core.intervals import Interval

FORM = "%Y-%m-%dT%H:%M"


def parse_day(text: str) -> date:
    """`2026-11-24` of an address."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if day.year not in YEARS:
        raise NotFound(_("没有这一天"), _("请从首页再选一次。"))
    return day


def parse_wall(text: str) -> time | None:
    """`09:30` of an address; None where it is no time."""
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - a wall time only
    except ValueError:
        return None


def parse_span(start: str, end: str, zone: str) -> Interval:
    """Local wall times `2026-11-24T09:00` as an interval of aware moments. Refuses what is no time, and over a day."""
    try:
        wall = [datetime.strptime(text, FORM).replace(tzinfo=ZoneInfo(zone)) for text in (start, end)]
    except ValueError:
        raise Refused("times_odd", _("这个时间不能选"), _("请在页面上选一个时间。"), status=422) from None
    lasts = wall[1] - wall[0]
    if wall[0].year not in YEARS or not timedelta() < lasts <= timedelta(days=1):
        raise Refused("times_odd", _("这个时间不能选"), _("请在页面上选一个时间。"), status=422)
    return Interval(*wall)


def show_moment(moment: datetime, zone: str) -> str:
    """The form's way of writing a moment: local wall time."""
    return moment.astimezone(ZoneInfo(zone)).strftime(FORM)
