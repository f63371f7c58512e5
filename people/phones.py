"""Phone numbers as people type them: mainland and Hong Kong mobiles, landlines."""

import phonenumbers
from flask_babel import gettext as _

from core.crypto import blind, blinds
from core.errors import Refused

WHOLE, TAIL = "resident.phone", "resident.phone_tail"


def parse_phone(text: str) -> str:
    """E.164 of what was typed. Eight digits without a prefix are taken as Hong Kong. Raises `Refused`."""
    digits = "".join(sign for sign in text if sign.isdigit() or sign == "+")
    if digits and not digits.startswith(("+", "0")) and len(digits) not in (8, 11):
        title = _("手机号是11位数字，您输了%(n)d位", n=len(digits))
        raise Refused("phone_length", title, _("香港号码是8位。请再看看。"), status=422)
    region = "HK" if len(digits) == 8 else "CN"
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number) or not _plausible(digits):
        raise Refused(
            "phone_unknown",
            _("这个号码好像不对"),
            _("手机号是11位数字，香港号码是8位。请再看看。"),
            status=422,
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _plausible(digits: str) -> bool:
    return len(digits) != 11 or digits.startswith(("1", "0"))


def is_mobile(phone: str | None) -> bool:
    """Whether an SMS can reach this number (E.164): mobiles of the mainland and of Hong Kong."""
    if not phone:
        return False
    digits = phone.removeprefix("+")
    return (digits.startswith("861") and len(digits) == 13) or (
        digits.startswith("852") and len(digits) == 11 and digits[3] in "456789"
    )


def phone_indexes(phone: str | None) -> tuple[bytes | None, bytes | None]:
    """Blind indexes of the whole number and of its last four digits, for writing."""
    return (blind(phone, WHOLE), blind(phone[-4:], TAIL)) if phone else (None, None)


def whole_index(phone: str) -> list[bytes]:
    """For looking up a whole number."""
    return blinds(phone, WHOLE)


def tail_index(tail: str) -> list[bytes]:
    """For looking up the last four digits."""
    return blinds(tail, TAIL)
