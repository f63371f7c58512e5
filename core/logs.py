"""Structured logs, one JSON object a line, without anything that says who a person is."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

HIDDEN_KEYS = {"name", "phone", "address", "pin", "token", "code", "payload", "password", "secret", "born"}
CODE_IN_PATH = re.compile(r"(/(?:q|ical)/)[^/\s\"?]+")
TRACEBACKS = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
"""Without the values of variables: they are full of names, numbers and codes."""
CODE = re.compile(r"\b[A-Z][0-9A-HJKMNP-TV-Z]{30}\b")
"""Of any kind: cards, bookings, meals, rounds, invitations."""
DETAIL = re.compile(r"\nDETAIL:.*", re.DOTALL)
"""How PostgreSQL ends an error: with the values of the row."""
PHONE = re.compile(
    r"(?<!\d)(?:(?:\+?86)?1[3-9]\d{9}|\+852[ -]?\d{4}[ -]?\d{4}|0\d{2,3}-\d{4} ?\d{3,4})(?!\d)"
)


def setup(level: str) -> None:
    """Send everything to standard output. Safe to call more than once."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            TRACEBACKS,
            without_persons,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=False,
    )


def without_persons(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank what names a person: known keys, codes in addresses, phone numbers in any text."""
    for key, value in list(event.items()):
        if key in HIDDEN_KEYS:
            event[key] = "〔已隐去〕"
        elif key == "exception":
            event[key] = _clean_trace(value)
        elif isinstance(value, str):
            event[key] = clean(value)
    return event


def _clean_trace(value: Any) -> Any:
    """A traceback, whose names are those of functions and files, with every text in it cleaned."""
    if isinstance(value, dict):
        return {key: _clean_trace(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean_trace(one) for one in value]
    return clean(value) if isinstance(value, str) else value


def clean(text: str) -> str:
    """`text` without codes, phone numbers and the rows in a database's errors."""
    return PHONE.sub("〔电话〕", CODE.sub("〔码〕", CODE_IN_PATH.sub(r"\1〔码〕", DETAIL.sub("", text))))
