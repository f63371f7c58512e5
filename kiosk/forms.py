"""What residents' forms may say."""

from datetime import date

from flask_babel import gettext as _

from core.errors import Refused


def digits(text: str, least: int, most: int) -> str:
    """Only digits, so many of them."""
    cleaned = "".join(sign for sign in text if sign.isdigit() and sign.isascii())
    if not least <= len(cleaned) <= most:
        if len(cleaned) < least:
            title = _("少了 %(n)d 位，请再看看", n=least - len(cleaned))
        else:
            title = _("多了 %(n)d 位，请再看看", n=len(cleaned) - most)
        raise Refused("digits", title, status=422)
    return cleaned


def month_and_day(text: str) -> tuple[int, int]:
    """`0612` → (6, 12); a day that exists in a leap year."""
    typed = digits(text, 4, 4)
    try:
        day = date(2000, int(typed[:2]), int(typed[2:]))
    except ValueError:
        raise Refused("birthday", _("月和日请再看看"), _("比如6月12日，输 0612。"), status=422) from None
    return day.month, day.day
