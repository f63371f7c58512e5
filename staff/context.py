"""What the console's shell shows on every page."""

from typing import Any

from flask import Flask, request, session, url_for
from flask_babel import gettext as _

from centres.models import Centre
from centres.queries import centre_by_code, centres
from core.area import Desk
from core.clock import local, now
from core.http import on_staff_path
from core.i18n import DEFAULT, HTML_LANG, LANGUAGES, pick
from core.master import masters
from core.words import clock_words, date_words
from kiosk.areas import Areas
from people.access import current_staff, grants_roles, units_with
from people.models import Staff
from people.rules import DESK, EVERYONE, MANAGERS
from staff.asked import waiting
from staff.views.figures import READERS


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
    if not roles:
        centre = None  # the page that says «not found» must not name what it hides
    zone = centre.zone if centre else "Asia/Shanghai"
    mine = units_with(staff, EVERYONE) if staff else frozenset()
    own = [row for row in centres() if row.id in mine] if staff else []
    return {
        "surface": "staff",
        "shell": "shells/staff.html",
        "prefs": {"text": "normal", "contrast": "normal", "reach": "normal", "lang": lang},
        "html_lang": HTML_LANG[lang],
        "centre": centre,
        "centre_short": pick(centre.short_zh, centre.name_en) if centre else "",
        "at_desk": bool(roles & DESK),
        "is_manager": bool(roles & MANAGERS),
        "staff_user": {"name": staff.name, "role": staff.title_zh} if staff else None,
        "staff_nav": _nav(staff, centre, roles) if staff and centre else [],
        "staff_menu": _menu(centre, own) if staff else [],
        "staff_languages": LANGUAGES,
        "search_url": f"/staff/c/{centre.code}/search" if centre and roles & DESK else None,
        "query": request.args.get("q", ""),
        "clock_now": local(now(), zone),
        "clock_date": date_words(local(now(), zone).date()),
        "clock_time": clock_words(now(), zone),
        "endpoint": request.endpoint,
        "device": None,
        "visit": None,
        "back_url": None,
        "here": request.full_path.rstrip("?") if request.method == "GET" else "/staff/",
        "home_url": "/staff/",
        "idle": None,
        "call_state": None,
        "speech": False,
        "is_home": False,
    }


def _nav(staff: Staff, centre: Centre, roles: frozenset[str]) -> list[dict[str, Any]]:
    """The head's entries: today, the areas' desks, residents, kiosks, data, figures, settings; each for those who may
    open it. What waits for their decision comes last, while there is any."""
    desks: list[Desk] = [desk for area in Areas.all for desk in area.desks if desk.roles & roles]
    rows = [(_("今日"), "calendar-clock", "staff.today")]
    rows += [(str(desk.label), desk.icon, desk.endpoint) for desk in desks]
    if roles & DESK:
        rows += [(_("居民"), "users", "staff.find"), (_("设备"), "monitor", "staff.devices")]
    if any(master.look & roles for master in masters.by_name.values()):
        rows.append((_("基础资料"), "list", "staff.data"))
    if roles & READERS:
        rows.append((_("数字"), "chart-column", "staff.figures"))
    if roles & MANAGERS:
        rows.append((_("设置"), "settings", "staff.settings"))
    here = _entry(request.endpoint or "")
    waits = len(waiting(staff))
    asked = [
        {
            "label": _("待批 %(n)d", n=waits),
            "icon": "shield-check",
            "url": url_for("staff.approvals"),
            "current": here == "staff.approvals",
        }
    ]
    return [
        {
            "label": label,
            "icon": icon,
            "url": url_for(endpoint, centre=centre.code),
            "current": _entry(endpoint) == here,
        }
        for label, icon, endpoint in rows
    ] + (asked if waits else [])


def _entry(endpoint: str) -> str:
    """The head's entry under which a page stands: a family of the console's own pages, or an area's blueprint."""
    blueprint, _dot, view = endpoint.partition(".")
    family = {
        "find": "people",
        "new": "people",
        "take_in": "people",
        "person": "people",
        "issue_card": "people",
    }
    family |= {"pair": "devices", "leave_page": "people", "merge_page": "people", "sent_messages": "ringing"}
    family |= dict.fromkeys(("message_words", "one_message_words", "set_message_words"), "settings")
    family |= dict.fromkeys(("programs", "add_program", "act_on_program", "merging"), "settings")
    view = view.partition("_")[0] if view.startswith(("data_", "figure_", "register_")) else view
    family |= {"figure": "figures", "register": "people", "take_figures": "figures"}
    return f"staff.{family.get(view, view)}" if blueprint == "staff" else blueprint


def _menu(centre: Centre | None, own: list[Centre]) -> list[dict[str, str]]:
    """Under one's name: one's account, and the other centres one works for."""
    others = [
        {"label": _("去%(centre)s", centre=row.name), "url": url_for("staff.today", centre=row.code)}
        for row in own
        if centre is None or row.id != centre.id
    ]
    mine = [
        {"label": _("我的账号"), "url": url_for("security.account")},
        {"label": _("要两个人的事"), "url": url_for("staff.approvals")},
    ]
    return [*mine, *others]
