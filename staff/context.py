"""What the console's shell shows on every page."""

from typing import Any

from flask import Flask, request, session

from centres.queries import centre_by_code, centres
from core.area import Desk
from core.clock import local, now
from core.http import on_staff_path
from core.i18n import DEFAULT, HTML_LANG
from core.words import clock_words, date_words
from kiosk.areas import Areas
from people.access import current_staff, grants_roles, units_with
from people.rules import EVERYONE


def setup(app: Flask) -> None:
    """Fill the shell of staff pages."""
    app.context_processor(_context)


def _context() -> dict[str, Any]:
    if not on_staff_path():
        return {}
    staff = current_staff()
    lang = session.get("lang", DEFAULT)
    code = (request.view_args or {}).get("centre") or session.get("centre")
    centre = centre_by_code(code) if staff and isinstance(code, str) else None
    roles = grants_roles(staff, centre.id) if staff and centre else frozenset()
    desks: list[Desk] = [desk for area in Areas.all for desk in area.desks if desk.roles & roles]
    zone = centre.zone if centre else "Asia/Shanghai"
    mine = units_with(staff, EVERYONE) if staff else frozenset()
    return {
        "surface": "staff",
        "shell": "shells/staff.html",
        "prefs": {"text": "normal", "contrast": "normal", "reach": "normal", "lang": lang},
        "html_lang": HTML_LANG[lang],
        "centre": centre,
        "staff": {"name": staff.name, "title": staff.title_zh} if staff else None,
        "roles": roles,
        "desks": desks,
        "own_centres": [row for row in centres() if row.id in mine] if staff else [],
        "clock_now": local(now(), zone),
        "clock_date": date_words(local(now(), zone).date()),
        "clock_time": clock_words(now(), zone),
        "endpoint": request.endpoint,
        "device": None,
        "visit": None,
        "back_url": None,
        "here": request.full_path.rstrip("?"),
        "home_url": "/staff/",
        "idle": None,
        "call_state": None,
        "speech": False,
        "is_home": False,
    }
