"""Assembles the house: settings → extensions → areas. Nothing else lives here."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import structlog
from flask import Flask
from flask_compress import Compress
from flask_htmx import HTMX
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from api import document as api_document
from api import hooks as api_hooks
from booking.area import AREA as BOOKING
from canteen.area import AREA as CANTEEN
from centres import master as centres_master
from centres.commands import places as place_commands
from core import approvals, figures, files, http, imports, logs, stores
from core.clock import OPTION
from core.crypto import keys
from core.database import db, prepare_engine
from core.events import registry
from core.http import files as file_pages
from core.http import probes
from core.http.languages import Languages
from core.master import masters
from core.messages import kinds as message_kinds
from core.outbox import channels
from core.readers import readers
from core.settings import Settings, load
from demo.commands import demo
from kiosk import areas, paper, session, speech
from kiosk import services as kiosk_services
from kiosk.rules import KioskPolicy
from kiosk.views import blueprint as kiosk_pages
from people import master as people_master
from people import signin
from people.commands import cards as card_commands
from people.commands import residents as resident_commands
from people.commands import staff as staff_commands
from people.rules import PinPolicy
from people.services import leave, merge, register
from people.services.tell import MessagePolicy
from staff import context as console
from staff.commands import COMMANDS
from staff.views import blueprint as console_pages

HERE = Path(__file__).parent
AREAS = (BOOKING, CANTEEN)


def create_app(config: Mapping[str, object] | None = None) -> Flask:
    """The program as a WSGI app.

    config: settings by name without `HALL_`; `CLOCK`, a callable that returns an aware datetime and stands for the
    database's time too; and any setting of Flask's own, such as TESTING.
    """
    config = dict(config or {})
    settings = load(config)
    logs.setup(settings.log_level)
    keys.use([settings.secret_key, *settings.old_secret_keys])
    app = http.App(
        "app",
        root_path=str(HERE),
        static_folder=str(HERE / "static"),
        template_folder=str(HERE / "templates"),
    )
    app.config.update(
        _flask_settings(settings), **{name: value for name, value in config.items() if name.isupper()}
    )
    _database(app, config)
    with app.app_context():
        files.use_store(stores.store_at(settings.files_url, settings.data_dir / "files"))
    http.setup(app)
    Languages(
        app,
        locale_selector=session.locale_of_request,
        default_translation_directories=str(HERE / "translations"),
    )
    HTMX(app)
    Compress(app)
    speech.use(settings.espeak)
    readers.use(settings.card_reader)
    paper.Where.inside = settings.is_demo
    session.setup(app)
    signin.setup(app, settings)
    console.setup(app)
    probes.setup(app, settings)
    _areas(app)
    _channels(settings)
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app, root=HERE / "static", prefix="static/", max_age=3600, autorefresh=settings.is_demo
    )
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign] # as Flask says to wrap it
            app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0
        )
    structlog.get_logger().debug("ready", mode=settings.mode)
    return app


def _flask_settings(settings: Settings) -> dict[str, object]:
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(settings),
        "SESSION_COOKIE_SECURE": settings.secure_cookies,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": 20 * 3600,
        "SESSION_REFRESH_EACH_REQUEST": False,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
        "BABEL_DEFAULT_LOCALE": "zh_Hans",
        "PUBLIC_URL": settings.public_url,
        "DATA_DIR": str(settings.data_dir),
        "MODE": settings.mode,
        "SETTINGS": settings,
        "BUILD": _build(),
        "HOME_URL": session.home_of_request,
        "COMPRESS_MIMETYPES": ["text/html", "application/json", "image/svg+xml"],
        "COMPRESS_MIN_SIZE": 1400,
    }


def _engine_options(settings: Settings) -> dict[str, object]:
    quiet = {
        "hide_parameters": True
    }  # errors end up in logs, and their values are names and numbers of people
    if settings.is_sqlite:
        return {**quiet, "connect_args": {"check_same_thread": False, "timeout": 30}}
    return {**quiet, "pool_size": 10, "max_overflow": 20, "pool_pre_ping": True}


def _build() -> str:
    """Changes with every change of a template, so that no page is kept across versions."""
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted((HERE / "templates").rglob("*.html")):
        digest.update(f"{path.name}{path.stat().st_mtime_ns}".encode())
    return digest.hexdigest()


def _database(app: Flask, config: Mapping[str, object]) -> None:
    db.init_app(app)
    Migrate(app, db, directory=str(HERE / "migrations"), compare_type=True, render_as_batch=False)
    with app.app_context():
        prepare_engine(db.engine)
        if config.get("CLOCK"):
            db.engine.update_execution_options(**{OPTION: config["CLOCK"]})


def _channels(settings: Settings) -> None:
    channels.inside = settings.is_demo
    channels.by_name["webhook"] = api_hooks.send
    if settings.smtp_url:
        channels.use_smtp(settings.smtp_url, settings.mail_from)
    if settings.sms_url:
        channels.use_sms(settings.sms_url, settings.sms_token)


def _areas(app: Flask) -> None:
    areas.use(AREAS)
    registry.use([*kiosk_services.LISTENERS, *(listener for area in AREAS for listener in area.listeners)])
    approvals.kinds.use([*merge.APPROVALS, *(kind for area in AREAS for kind in area.approvals)])
    merge.use([kiosk_services.on_merge, *(area.merge for area in AREAS if area.merge)])
    leave.use([kiosk_services.on_leave, *(area.leave for area in AREAS if area.leave)])
    masters.use(
        [
            *centres_master.MASTERS,
            *people_master.MASTERS,
            *(master for area in AREAS for master in area.masters),
        ]
    )
    centres_master.known.use(
        {"messages": MessagePolicy, "kiosk": KioskPolicy, "pins": PinPolicy}
        | {area.name: area.policy for area in AREAS if area.policy is not None}
    )
    figures.measures.use([measure for area in AREAS for measure in area.figures])
    register.parts.use([part for area in AREAS for part in area.register])
    files.kinds.use([imports.SHEET, register.SHEET, *(kind for area in AREAS for kind in area.files)])
    app.register_blueprint(file_pages.blueprint)
    message_kinds.use([kind for area in AREAS for kind in area.messages])
    app.register_blueprint(kiosk_pages)
    app.register_blueprint(console_pages)
    for area in AREAS:
        for blueprint in area.blueprints:
            app.register_blueprint(blueprint)
        for command in area.commands:
            app.cli.add_command(command)
    api_document.setup(app, [one for area in AREAS for one in area.api])
    app.cli.add_command(place_commands)
    app.cli.add_command(staff_commands)
    app.cli.add_command(resident_commands)
    app.cli.add_command(card_commands)
    for command in (*COMMANDS, demo):
        app.cli.add_command(command)


__all__ = ["AREAS", "create_app"]
