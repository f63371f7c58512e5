"""Codes of the second step: from the phone (each serves once) and from paper (kept as digests)."""

from base64 import b64encode
from typing import Any

import qrcode
from flask_babel import gettext as _
from flask_security.recovery_codes import MfRecoveryCodesUtil
from flask_security.totp import Totp
from passlib.exc import UsedTokenError
from passlib.totp import TOTP, TotpMatch
from qrcode.image.svg import SvgPathFillImage

from core.clock import now
from core.crypto import blind, blinds
from core.database import db, unit_of_work
from core.errors import Refused
from people.models import Staff
from people.services.sign_ins import first_use
from people.signin.steps import step

WHERE = "staff.mf_recovery_codes"
HOW_MANY = 8


class _ByOurClock(TOTP):  # type: ignore[misc]
    @staticmethod
    def now() -> float:
        return now().timestamp()


class PhoneCodes(Totp):
    """Time-based codes by our clock.

    The secret is not encrypted here: its column is, under keys that `keys rotate` knows. A second layer would be lost
    with the first old key.
    """

    def __init__(self, _secrets: Any, issuer: str) -> None:
        self._totp = _ByOurClock.using(issuer=issuer)

    def generate_totp_secret(self) -> str:
        return str(self._totp.new().to_json(encrypt=False))

    def generate_qrcode(self, username: str, totp: str) -> str:
        image = qrcode.make(self.get_totp_uri(username, totp), image_factory=SvgPathFillImage)
        return f"data:image/svg+xml;base64,{b64encode(image.to_string()).decode()}"

    def set_last_counter(self, user: Any, tmatch: TotpMatch) -> None:
        if not first_use(user.id, tmatch.counter):
            raise UsedTokenError


class PaperCodes(MfRecoveryCodesUtil):
    """Recovery codes: shown once, kept as keyed digests, each taken off the list under a lock."""

    def create_recovery_codes(self, user: Any) -> list[str]:
        codes = super().create_recovery_codes(user)
        step().notes.append(("staff.recovery_codes_made", user.id, {"number": len(codes)}))
        return codes

    def _encrypt_codes(self, codes: list[str]) -> list[str]:
        return [blind(_plain(code), WHERE).hex() for code in codes]

    def get_recovery_codes(self, user: Any) -> list[str]:
        return []

    def check_recovery_code(self, user: Any, code: str) -> bool:
        return bool(_digests(code) & set(user.mf_recovery_codes or ()))

    def delete_recovery_code(self, user: Any, code: str) -> bool:
        with unit_of_work():
            staff = db.session.get_one(Staff, user.id, with_for_update=True, populate_existing=True)
            left = [one for one in staff.mf_recovery_codes or () if one not in _digests(code)]
            if len(left) == len(staff.mf_recovery_codes or ()):
                raise Refused("code_used", _("这个备用码刚刚用过了"), _("请换一个。"), status=409)
            staff.mf_recovery_codes = left
        step().notes.append(("staff.recovery_code_used", user.id, {"left": len(left)}))
        return True


def _plain(code: str) -> str:
    return "".join(sign for sign in code.lower() if sign.isalnum())


def _digests(code: str) -> set[str]:
    return {digest.hex() for digest in blinds(_plain(code), WHERE)}
