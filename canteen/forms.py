"""What the canteen's forms and addresses may say."""

from datetime import date

from flask_babel import gettext as _

from canteen.rules import MEALS
from core.clock import YEARS
from core.errors import NotFound, Refused

MOST_FEN = 100_000_00


def parse_day(text: str) -> date:
    """`2026-11-24` of an address."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if day.year not in YEARS:
        raise NotFound(_("没有这一天"), _("请从首页再选一次。"))
    return day


def parse_meal(text: str) -> str:
    """`lunch` of an address."""
    if text not in MEALS:
        raise NotFound(_("没有这一餐"), _("请从首页再选一次。"))
    return text


def parse_yuan(text: str) -> int:
    """`12`, `12.5`, `12.50` or `¥12.50` as whole fen. Refuses what is no amount, and what is below one fen."""
    plain = text.strip().removeprefix("¥").replace(",", "").replace("，", "")
    whole, _dot, rest = plain.partition(".")
    good = plain.isascii() and whole.isdigit() and len(rest) <= 2 and (not rest or rest.isdigit())
    fen = int(whole) * 100 + int((rest + "00")[:2]) if good and len(whole) <= 6 else 0
    if not 0 < fen <= MOST_FEN:
        raise Refused("amount_odd", _("金额请再看看"), _("比如 50 或 12.50，单位是元。"), status=422)
    return fen
