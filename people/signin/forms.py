"""Flask-Security's forms, with every try counted. Its own hook misses unknown e-mails, recovery codes and the change
of a password."""

from types import SimpleNamespace
from typing import Any, cast

import flask_security.forms as fs
from flask import current_app, request, session
from flask_security.recovery_codes import MfRecoveryForm
from flask_security.utils import get_message
from wtforms import StringField

from core.http import own_path
from people.access import current_staff, needs_totp
from people.models import Staff
from people.services.sign_ins import WRONG_TRY, account, begin_try
from people.signin.steps import HOME, step


class Counted:
    """A form that is a try. `last`: nothing is asked after it, so that a right answer ends the counting."""

    asks = "password"
    last = False
    user: Any = None

    def who(self) -> tuple[str, int]:
        """E-mail and id of the person this is about; 0 where nobody has the e-mail."""
        staff: Staff | None = self.user or current_staff()
        return (staff.email, staff.id) if staff else ("", 0)

    def validate(self, **kwargs: Any) -> bool:
        email, _id = self.who()
        if email:
            begin_try(account(email), step().address)
        if super().validate(**kwargs):  # type: ignore[misc]
            if self.last:
                step().right.add(account(email))
            return True
        if email:
            step().wrong = True
            step().notes.append((WRONG_TRY, self.who()[1], {"asked": self.asks, "account": account(email)}))
        return False


class _RealPeople(fs.LoginForm):
    """In production nobody signs in as one of the demo's people."""

    def validate(self, **kwargs: Any) -> bool:
        if not super().validate(**kwargs):
            return False
        if cast(Staff, self.user).is_demo and not current_app.config["HALL_DEMO"]:
            self.form_errors.append(get_message("GENERIC_AUTHN_FAILED")[0])
            return False
        return True


class SignInForm(Counted, _RealPeople):
    remember = None  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.next.data = own_path(self.next.data or request.args.get("next"), HOME)

    def who(self) -> tuple[str, int]:
        return self.email.data or "", self.user.id if self.user else 0


class AgainForm(Counted, fs.VerifyForm):
    last = True


class ChangePasswordForm(Counted, fs.ChangePasswordForm):
    last = True


class CodeForm(Counted, fs.TwoFactorVerifyCodeForm):
    asks = "code"
    code = StringField(
        validators=[fs.IsStringOrInt(), fs.RequiredLocalize(message="TWO_FACTOR_INVALID_TOKEN")]
    )

    def who(self) -> tuple[str, int]:
        return ("", 0) if self.is_setup else super().who()

    def validate(self, **kwargs: Any) -> bool:
        right = super().validate(**kwargs)
        session.pop("totp_wrong", None)
        if self.is_setup and not right:
            session["totp_wrong"] = True  # Flask-Security goes back to the start without a word
        return right


class RecoveryForm(Counted, MfRecoveryForm):
    asks = "recovery_code"
    code = StringField(validators=[fs.IsString(), fs.RequiredLocalize(message="INVALID_RECOVERY_CODE")])


class TotpForm(fs.TwoFactorSetupForm):
    """Setting up the code on the phone. Whose post needs it cannot switch it off."""

    setup = StringField()  # type: ignore[assignment]  # Flask-Security's radio buttons trip over WTForms 3.3

    def validate(self, **kwargs: Any) -> bool:
        staff = current_staff()
        if self.setup.data == "disable" and (staff is None or needs_totp(staff)):
            self.setup.errors = [get_message("TWO_FACTOR_METHOD_NOT_AVAILABLE")[0]]
            return False
        return super().validate(**kwargs)


class NoRescue(fs.Form):
    """Flask-Security adds its ways of rescue to this; ours stand on the page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help_setup = SimpleNamespace(choices=[])
