"""All settings of the program: typed, documented, read once at the start.

Source: `HALL_…` environment variables; `create_app(config)` may override any of them by the name without prefix.
A wrong value stops the start with a sentence that says which one and what would be right.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from core.readers import READERS, readers_of
from core.stores import sound

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class SettingError(RuntimeError):
    """A setting is missing or wrong; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may set. Every field is the environment variable `HALL_<FIELD>`."""

    mode: str
    """`demo` (made-up people, plain HTTP) or `production`."""
    data_dir: Path
    """Folder of the SQLite file, the secrets made on the first start and the lock of the writers."""
    database_url: str
    """SQLAlchemy URL: `sqlite:///…` or `postgresql+psycopg://…`."""
    secret_key: str
    """Signs cookies and codes, and from it the keys of the encrypted columns are derived."""
    old_secret_keys: tuple[str, ...]
    """Earlier keys, newest first, comma separated: still read, never written (`flask keys rotate`)."""
    public_url: str
    """Where phones reach this server; stands in QR codes. No trailing slash."""
    smtp_url: str
    """`smtp://user:password@host:port` for e-mail; empty: messages go to the log channel only."""
    mail_from: str
    """Sender of e-mail."""
    sms_url: str
    """Where SMS are handed over: an adapter beside the gateway (docs/messages.md). Empty: no SMS."""
    sms_token: str
    """Bearer token that the adapter asks for."""
    metrics_token: str
    """Bearer token that `/metrics` asks for from other machines; empty: loopback only."""
    log_level: str
    """`debug`, `info`, `warning` or `error`."""
    espeak: str
    """Program for reading aloud; empty: looked up as `espeak-ng`; `off` switches it off."""
    files_url: str
    """Where files are kept: `s3://key:secret@host:port/bucket?secure=0`; empty: `files/` in the data folder."""
    card_reader: str
    """What readers type of cards that people already have, such as `keyboard` or `uid-hex` (docs/card-readers.md)."""
    trusted_proxies: int
    """How many reverse proxies stand before this server, each adding to `X-Forwarded-For`; 0: it is ignored."""

    @property
    def is_demo(self) -> bool:
        return self.mode == "demo"

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def secure_cookies(self) -> bool:
        return self.public_url.startswith("https://")


DEFAULTS: dict[str, str] = {
    "MODE": "demo",
    "DATA_DIR": "instance",
    "DATABASE_URL": "",
    "SECRET_KEY": "",
    "OLD_SECRET_KEYS": "",
    "PUBLIC_URL": "http://127.0.0.1:8000",
    "SMTP_URL": "",
    "MAIL_FROM": "hall@localhost",
    "SMS_URL": "",
    "SMS_TOKEN": "",
    "METRICS_TOKEN": "",
    "LOG_LEVEL": "info",
    "ESPEAK": "",
    "FILES_URL": "",
    "CARD_READER": "keyboard",
    "TRUSTED_PROXIES": "0",
}


def load(config: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment, overridden by `config`. Raises `SettingError`."""
    environ = os.environ if environ is None else environ
    given = {name: str(value) for name, value in (config or {}).items() if name in DEFAULTS}
    raw = {name: given.get(name, environ.get(f"HALL_{name}", default)) for name, default in DEFAULTS.items()}
    unknown = sorted(
        name for name in environ if name.startswith("HALL_") and name[5:] not in DEFAULTS and not _ours(name)
    )
    if unknown:
        raise SettingError(
            f"Unknown setting {unknown[0]}. Known: {', '.join('HALL_' + n for n in DEFAULTS)}."
        )
    if raw["MODE"] not in {"demo", "production"}:
        raise SettingError(f"HALL_MODE is {raw['MODE']!r}; it may be demo or production.")
    if raw["LOG_LEVEL"] not in {"debug", "info", "warning", "error"}:
        raise SettingError(
            f"HALL_LOG_LEVEL is {raw['LOG_LEVEL']!r}; it may be debug, info, warning or error."
        )
    data_dir = Path(raw["DATA_DIR"]).resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    database_url = raw["DATABASE_URL"] or f"sqlite:///{data_dir / 'hall.db'}"
    if database_url.startswith(("postgres://", "postgresql://")):
        database_url = "postgresql+psycopg://" + database_url.split("://", 1)[1]
    if not database_url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise SettingError("HALL_DATABASE_URL must begin with sqlite:/// or postgresql://.")
    public = urlsplit(raw["PUBLIC_URL"])
    if public.scheme not in {"http", "https"} or not public.hostname:
        raise SettingError("HALL_PUBLIC_URL must be an address such as https://hall.example.cn.")
    if raw["FILES_URL"] and not sound(raw["FILES_URL"]):
        raise SettingError("HALL_FILES_URL must look like s3://key:secret@host:port/bucket, or be empty.")
    if readers_of(raw["CARD_READER"]) is None:
        raise SettingError(
            f"HALL_CARD_READER is {raw['CARD_READER']!r}; it may be {', '.join(READERS)}. Where the readers of the "
            "kiosks type otherwise than those of the desks, add theirs: uid-decimal,kiosk=uid-hex-reversed."
        )
    if raw["TRUSTED_PROXIES"] not in {"0", "1", "2", "3", "4", "5"}:
        raise SettingError("HALL_TRUSTED_PROXIES must be the number of proxies before this server, 0 to 5.")
    _check_sms(raw["SMS_URL"], raw["SMS_TOKEN"])
    settings = Settings(
        mode=raw["MODE"],
        data_dir=data_dir,
        database_url=database_url,
        secret_key=raw["SECRET_KEY"] or _kept_secret(data_dir),
        old_secret_keys=tuple(key for key in raw["OLD_SECRET_KEYS"].split(",") if key),
        public_url=raw["PUBLIC_URL"].rstrip("/"),
        smtp_url=raw["SMTP_URL"],
        mail_from=raw["MAIL_FROM"],
        sms_url=raw["SMS_URL"],
        sms_token=raw["SMS_TOKEN"],
        metrics_token=raw["METRICS_TOKEN"],
        log_level=raw["LOG_LEVEL"],
        espeak=raw["ESPEAK"],
        files_url=raw["FILES_URL"],
        card_reader=raw["CARD_READER"],
        trusted_proxies=int(raw["TRUSTED_PROXIES"]),
    )
    _refuse_unsafe(settings, public.hostname)
    return settings


def _check_sms(url: str, token: str) -> None:
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise SettingError("HALL_SMS_URL must be an address such as http://127.0.0.1:9000/send.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise SettingError("HALL_SMS_URL is plain http; beyond this machine it needs https.")
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        raise SettingError("HALL_SMS_TOKEN may hold plain signs only, without spaces.")


def _ours(name: str) -> bool:
    """Variables of the scripts and tests, which are not settings of the program."""
    return name.startswith(("HALL_TEST_", "HALL_BENCH_"))


def _refuse_unsafe(settings: Settings, host: str) -> None:
    if len(settings.secret_key) < 32:
        raise SettingError("HALL_SECRET_KEY is shorter than 32 characters. Make one: openssl rand -hex 32.")
    if settings.is_demo:
        return
    if "demo" in settings.secret_key.lower():
        raise SettingError("HALL_SECRET_KEY is a demo secret; production needs one of its own.")
    if settings.public_url.startswith("http://") and host not in LOOPBACK:
        raise SettingError("HALL_PUBLIC_URL is plain http; production beyond this machine needs https.")


def _kept_secret(data_dir: Path) -> str:
    """The secret of this machine: made on the first start, kept with mode 600."""
    path = data_dir / "secret_key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    secret = secrets.token_hex(32)
    with os.fdopen(handle, "w") as file:
        file.write(secret)
    return secret
