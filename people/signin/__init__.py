"""The staff's sign-in, by Flask-Security: what is switched on, under which addresses. Why so: docs/decisions/0002."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import flask_security.signals as signals
from flask import Blueprint, Flask, render_template, session
from flask_security import Security, SQLAlchemyUserDatastore, views
from flask_security.mail_util import MailUtil
from flask_security.recovery_codes import mf_recovery, mf_recovery_codes
from sqlalchemy import bindparam, select
from sqlalchemy.orm import defer, joinedload

from core.database import db
from core.http import STAFF_PATH, repeatable
from core.settings import Settings
from people import access
from people.models import Role, Staff
from people.services.sign_ins import account, plain_email
from people.signin import forms
from people.signin.codes import HOW_MANY, PaperCodes, PhoneCodes
from people.signin.pages import account_page, alive, sign_in_help
from people.signin.steps import HOME, as_step, look_at_forms, step
from people.signin.words import MESSAGES

FORM, POST = ("GET", "POST"), ("POST",)
ROUTES = (
    ("/sign-in", "login", FORM, views.login),
    ("/sign-out", "logout", POST, views.logout),
    ("/verify", "verify", FORM, views.verify),
    ("/password", "change_password", FORM, views.change_password),
    ("/totp", "two_factor_setup", FORM, views.two_factor_setup),
    ("/totp/<token>", "two_factor_setup_validate", POST, views.two_factor_setup_validate),
    ("/code", "two_factor_token_validation", FORM, views.two_factor_token_validation),
    ("/recovery", "mf_recovery", FORM, mf_recovery),
    ("/recovery-codes", "mf_recovery_codes", FORM, mf_recovery_codes),
)
PASSWORD_AT_LEAST = 10


_SIGNED_IN = (
    select(Staff)
    .options(
        joinedload(Staff.grants),
        defer(Staff.tf_totp_secret),  # sealed, and of no use to any page but its own
        defer(Staff.mf_recovery_codes),
    )
    .where(Staff.fs_uniquifier == bindparam("uniquifier"))
)
"""Asked in every request to the console: one query, written out once."""


class Unsaved(SQLAlchemyUserDatastore):
    """Flask-Security commits after its views. Ours are written by `carry_out`, in a unit of work."""

    def find_user(self, case_insensitive: bool = False, **kwargs: Any) -> Any:
        if kwargs.keys() != {"fs_uniquifier"} or case_insensitive:
            return super().find_user(case_insensitive, **kwargs)
        found = db.session.scalars(_SIGNED_IN, {"uniquifier": kwargs["fs_uniquifier"]})
        return found.unique().one_or_none()

    def commit(self) -> None:
        """Nothing: the step that is running writes."""


class Addresses(MailUtil):
    """No mail is ever sent by the sign-in; e-mails are only names."""

    def normalize(self, email: str) -> str:
        return plain_email(email)

    validate = normalize


def options(app: Flask) -> dict[str, Any]:
    """Flask-Security's settings, without their prefix."""
    return {
        "URL_PREFIX": STAFF_PATH,
        "POST_LOGIN_VIEW": HOME,
        "POST_LOGOUT_VIEW": f"{STAFF_PATH}/sign-in",
        "POST_CHANGE_VIEW": f"{STAFF_PATH}/account?done=password",
        "TWO_FACTOR_POST_SETUP_VIEW": f"{STAFF_PATH}/account?done=totp",
        "POST_VERIFY_VIEW": f"{STAFF_PATH}/account",
        "API_ENABLED_METHODS": ["session"],
        "FLASH_MESSAGES": False,
        "RETURN_GENERIC_RESPONSES": True,
        "JOIN_USER_ROLES": False,
        "CLI_USERS_NAME": None,
        "CLI_ROLES_NAME": None,
        "PASSWORD_HASH": "argon2",
        "PASSWORD_SCHEMES": ["argon2"],
        "PASSWORD_SINGLE_HASH": {
            "argon2"
        },  # no pepper: it would have to outlive every rotation of the secret key
        "PASSWORD_HASH_PASSLIB_OPTIONS": {
            "argon2__time_cost": 2,
            "argon2__memory_cost": 19 * 1024,
            "argon2__parallelism": 1,
        },
        "PASSWORD_LENGTH_MIN": PASSWORD_AT_LEAST,
        "CHANGEABLE": True,
        "SEND_PASSWORD_CHANGE_EMAIL": False,
        "TWO_FACTOR": True,
        "TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "TWO_FACTOR_AUTHENTICATOR_VALIDITY": 30,
        "TWO_FACTOR_RESCUE_EMAIL": False,
        "TWO_FACTOR_SETUP_WITHIN": timedelta(minutes=15),
        "MULTI_FACTOR_RECOVERY_CODES": True,
        "MULTI_FACTOR_RECOVERY_CODES_N": HOW_MANY,
        "TOTP_SECRETS": {"1": "unused: see PhoneCodes"},
        "TOTP_ISSUER": "邻里服务大厅",
        "FRESHNESS": timedelta(minutes=15),
        "FRESHNESS_GRACE_PERIOD": timedelta(minutes=5),
        "I18N_DOMAIN": "messages",
        "I18N_DIRNAME": [str(Path(app.root_path) / "translations")],
        **{f"MSG_{name}": (text, "error") for name, text in MESSAGES.items()},
    }


def setup(app: Flask, settings: Settings) -> None:
    """Put the sign-in onto the app. After `core.http.setup`, Babel and the database."""
    app.config["HALL_DEMO"] = settings.is_demo
    app.config["SESSION_PROTECTION"] = None
    app.config.update({f"SECURITY_{name}": value for name, value in options(app).items()})
    security = Security(
        app,
        Unsaved(db, Staff, Role),
        register_blueprint=False,
        login_form=forms.SignInForm,
        verify_form=forms.AgainForm,
        change_password_form=forms.ChangePasswordForm,
        two_factor_verify_code_form=forms.CodeForm,
        two_factor_setup_form=forms.TotpForm,
        two_factor_rescue_form=forms.NoRescue,
        mf_recovery_form=forms.RecoveryForm,
        mail_util_cls=Addresses,
        totp_cls=PhoneCodes,
        mf_recovery_codes_util_cls=PaperCodes,
        render_template=page,
    )
    security.want_json(lambda _request: False)
    security.unauthn_handler(_sign_in_first)
    _only_for_staff(app, security)
    app.register_blueprint(blueprint())
    app.before_request(access.watch)
    signals.user_authenticated.connect(_signed_in, app)
    signals.password_changed.connect(_password_changed, app)
    signals.tf_profile_changed.connect(_totp_set, app)
    signals.tf_disabled.connect(_totp_off, app)


def blueprint() -> Blueprint:
    """Only what we use of Flask-Security's views, and three pages of our own."""
    made = Blueprint("security", __name__, url_prefix=STAFF_PATH)
    for path, endpoint, methods, view in ROUTES:
        marked = access.open_to_all(repeatable(as_step(view)))
        made.add_url_rule(path, endpoint, marked, methods=methods)
    made.add_url_rule("/sign-in/help", "two_factor_rescue", sign_in_help)
    made.add_url_rule("/account", "account", account_page)
    made.add_url_rule("/alive", "alive", alive)
    return made


def page(template: str, **context: Any) -> str:
    """How Flask-Security's views show a page."""
    look_at_forms(context)
    staff = access.current_staff()
    needed = staff is not None and access.needs_totp(staff)
    return render_template(
        template, totp_needed=needed, totp_wrong=session.pop("totp_wrong", False), **context
    )


def _sign_in_first(*_mechanisms: Any, **_headers: Any) -> Any:
    return access.sign_in_first()


def _only_for_staff(app: Flask, security: Security) -> None:
    """Keep Flask-Login and Flask-Principal away from residents' pages and from the page that says «database away»:
    they would read the session, or look a person up, on every request. No tokens, no «remember me»."""
    security.login_manager.request_loader(lambda _request: None)
    security.principal.identity_loaders.clear()
    app.template_context_processors[None] = [
        one for one in app.template_context_processors[None] if one.__module__ != "flask_login.utils"
    ]
    app.after_request_funcs[None].remove(security.login_manager._update_remember_cookie)


def _signed_in(_app: Flask, user: Staff, authn_via: list[str] | None = None, **_more: Any) -> None:
    access.begin_session()
    session.pop("csrf_token", None)
    if authn_via != ["change"]:
        step().right.add(account(user.email))
        step().notes.append(("staff.signed_in", user.id, {}))


def _password_changed(_app: Flask, user: Staff, **_more: Any) -> None:
    step().notes.append(("staff.password_changed", user.id, {}))


def _totp_set(_app: Flask, user: Staff, **_more: Any) -> None:
    step().notes.append(("staff.totp_set", user.id, {}))


def _totp_off(_app: Flask, user: Staff, **_more: Any) -> None:
    step().notes.append(("staff.totp_off", user.id, {}))
