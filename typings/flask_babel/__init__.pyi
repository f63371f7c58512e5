"""What the project uses of flask-babel, which comes without types."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal

from babel import Locale
from flask import Flask

from flask_babel.speaklater import LazyString as LazyString

class Babel:
    def __init__(
        self,
        app: Flask | None = None,
        *,
        default_locale: str = "en",
        default_domain: str = "messages",
        default_translation_directories: str = "translations",
        default_timezone: str = "UTC",
        locale_selector: Callable[[], str | None] | None = None,
        timezone_selector: Callable[[], str | None] | None = None,
    ) -> None: ...
    def init_app(
        self,
        app: Flask,
        default_locale: str = "en",
        default_domain: str = "messages",
        default_translation_directories: str = "translations",
        default_timezone: str = "UTC",
        locale_selector: Callable[[], str | None] | None = None,
        timezone_selector: Callable[[], str | None] | None = None,
    ) -> None: ...

def gettext(string: str, **variables: object) -> str: ...
def ngettext(singular: str, plural: str, num: int, **variables: object) -> str: ...
def pgettext(context: str, string: str, **variables: object) -> str: ...
def npgettext(context: str, singular: str, plural: str, num: int, **variables: object) -> str: ...
def lazy_gettext(string: str, **variables: object) -> LazyString: ...
def lazy_ngettext(singular: str, plural: str, num: int, **variables: object) -> LazyString: ...
def lazy_pgettext(context: str, string: str, **variables: object) -> LazyString: ...
def get_locale() -> Locale | None: ...
def get_timezone() -> tzinfo | None: ...
@contextmanager
def force_locale(locale: str) -> Iterator[None]: ...
def refresh() -> None: ...
def format_date(date: date | None = None, format: str | None = None, rebase: bool = True) -> str: ...
def format_datetime(
    datetime: datetime | None = None, format: str | None = None, rebase: bool = True
) -> str: ...
def format_time(
    time: time | datetime | None = None, format: str | None = None, rebase: bool = True
) -> str: ...
def format_timedelta(
    datetime_or_timedelta: datetime | timedelta,
    granularity: str = "second",
    add_direction: bool = False,
    threshold: float = 0.85,
) -> str: ...
def format_number(number: int | float | Decimal) -> str: ...
def format_decimal(number: int | float | Decimal, format: str | None = None) -> str: ...
def format_currency(
    number: int | float | Decimal,
    currency: str,
    format: str | None = None,
    currency_digits: bool = True,
    format_type: str = "standard",
) -> str: ...
def format_percent(number: int | float | Decimal, format: str | None = None) -> str: ...
