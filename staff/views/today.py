"""The today page: what is to be done now, who comes next, the day's places, the machines."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from flask import Response, render_template, request, session
from flask_babel import gettext as _
from flask_babel import ngettext

from centres.models import Centre
from centres.queries import calendar_warning, centres, opening_today
from core import i18n
from core.area import Alarm, Figure, Today
from core.clock import day_bounds, local, local_day, now
from core.database import db
from core.errors import NotFound
from core.http import not_modified, once, own_path, repeatable, see_other
from core.i18n import LANGUAGES
from core.versions import version
from core.words import clock_words, full_day, span_words
from kiosk import services
from kiosk.areas import Areas
from kiosk.models import Call
from kiosk.queries import devices, open_calls
from people.access import (
    actor,
    current_staff,
    grants_roles,
    open_to_all,
    polling,
    require,
    require_anywhere,
    signed_in,
    units_with,
)
from people.models import Staff
from people.rules import DESK, EVERYONE
from staff.views.ringing import calls_to_make
from staff.views.root import blueprint


@blueprint.get("/")
@require_anywhere(EVERYONE)
def home() -> Response | str:
    """The today page of the centre one was last at, or of one's first."""
    mine = units_with(signed_in(), EVERYONE)
    own = [centre for centre in centres() if centre.id in mine]
    if not own:
        return render_template(
            "staff/empty.html", title=_("还没有您的中心"), text=_("请主管给您分配中心和岗位。")
        )
    last = next((centre for centre in own if centre.code == session.get("centre")), own[0])
    return see_other(f"/staff/c/{last.code}/today")


@blueprint.get("/c/<centre>/today")
@require(EVERYONE, also_locked=True)
def today(centre: Centre) -> Any:
    """The whole page; locked, nothing but calls for help."""
    return render_template("staff/today.html", **_shown(centre))


@blueprint.get("/c/<centre>/today/live")
@polling
@require(EVERYONE, also_locked=True)
def today_live(centre: Centre) -> Any:
    """The page's body for the poll every 3 s: 304 while nothing has changed and the minute is the same."""
    minute, asker = int(now().timestamp()) // 60, current_staff()
    who = (
        f"{asker.id if asker else 'locked'}:{i18n.language()}"  # two may sit down at one desk within a minute
    )
    fresh = not_modified(f"{version(f'today:{centre.id}')}:{centre.settings_version}:{minute}:{who}")
    return fresh or render_template("staff/_today_live.html", **_shown(centre))


def _shown(centre: Centre) -> dict[str, Any]:
    moment, zone = now(), centre.zone
    calls = [_call(centre, call) for call in open_calls(centre.id)]
    live = f"/staff/c/{centre.code}/today/live"
    if current_staff() is None:
        return {"locked": True, "calls": calls, "poll_url": live, "centre": centre}
    day, roles = local_day(moment, zone), grants_roles(signed_in(), centre.id)
    named = [(area.name, area.today(centre.id, day)) for area in Areas.all if area.today]
    parts = [part for _name, part in named]
    opens = opening_today(centre)
    start, end = (opens[0].start, opens[-1].end) if opens else day_bounds(day, zone)
    bars = [bar for part in parts for strip in part.strips for bar in strip.bars]
    start, end = min([start, *(bar[0] for bar in bars)]), max([end, *(bar[1] for bar in bars)])
    return {
        "locked": False,
        "day_words": full_day(day, day),
        "open_words": _("、").join(span_words(one.start, one.end, zone) for one in opens) or _("今天不开放"),
        "calendar_warning": calendar_warning(centre),
        "calls": calls,
        "alarms": [
            {**asdict(alarm), "url": _openable(alarm, roles)}
            for alarm in [
                *calls_to_make(centre),
                *_printers(centre),
                *(one for part in parts for one in part.alarms),
            ]
        ],
        "figures": [
            {**asdict(figure), "url": _openable(figure, roles)} for part in parts for figure in part.figures
        ],
        "arrivals": [
            {
                "time": clock_words(one.at, zone),
                "name": one.name,
                "what": one.what,
                "note": one.note,
                "url": one.url,
                "state": one.state,
            }
            for one in sorted((a for part in parts for a in part.arrivals), key=lambda a: a.at)[:8]
        ],
        "strips": _strips(named, start, end, zone),
        "hours": _hours(start, end, zone),
        "now_at": _share(moment, start, end),
        "now_words": clock_words(moment, zone),
        "devices": [_device(line) for line in devices(centre.id)],
        "poll_url": live,
    }


def _printers(centre: Centre) -> list[Alarm]:
    """Kiosks whose printer prints nothing, or soon will not."""
    words = {
        "no_paper": ("err", _("%(device)s的打印机没纸了"), _("换一卷纸。在那以前，居民拍屏幕上的码。")),
        "away": (
            "err",
            _("%(device)s的打印机连不上"),
            _("看看电源、网线和盖子。在那以前，居民拍屏幕上的码。"),
        ),
        "low": ("warn", _("%(device)s的打印机纸快用完"), _("备好一卷纸。")),
    }
    url, action = f"/staff/c/{centre.code}/devices", _("看设备")
    found = []
    for line in devices(centre.id):
        if line.device.printer_state in words:
            level, title, note = words[line.device.printer_state]
            found.append(Alarm(title % {"device": line.device.name}, note, url, action, level, DESK))
    return found


def _openable(one: Alarm | Figure, roles: frozenset[str]) -> str:
    """Where it leads, for those who may go there."""
    return one.url if not one.roles or one.roles & roles else ""


def _call(centre: Centre, call: Call) -> dict[str, Any]:
    minutes = max(0, int((now() - call.called_at).total_seconds() // 60))
    waited = ngettext("已等 %(num)s 分钟", "已等 %(num)s 分钟", minutes) if minutes else _("刚刚")
    url = f"/staff/c/{centre.code}/calls/{call.id}"
    helper = db.session.get(Staff, call.answered_by) if call.answered_by else None
    words = [LANGUAGES.get(call.language, "")] + ([_("长辈版")] if call.elder else [])
    return {
        "id": call.id,
        "time": clock_words(call.called_at, centre.zone),
        "waited": waited,
        "title": _("%(device)s有人找工作人员", device=call.device.name),
        "note": " · ".join(words),
        "state": call.state,
        "who": helper.name if helper else "",
        "answer_url": f"{url}/answer",
        "done_url": f"{url}/done",
    }


def _device(line: Any) -> dict[str, Any]:
    words = {"ok": _("正常"), "late": _("没有回应"), "lost": _("离线 %(n)s 分钟", n=line.silent_minutes)}
    kinds = {"ok": "ok", "late": "warn", "lost": "err"}
    return {"name": line.device.name, "state": kinds[line.state], "words": words[line.state]}


def _share(moment: datetime, start: datetime, end: datetime) -> int | None:
    """Where a moment lies on the day's ruler, in thousandths; None outside it."""
    if not start <= moment <= end or start == end:
        return None
    return round(1000 * ((moment - start) / (end - start)))


def _strips(named: list[tuple[str, Today]], start: Any, end: Any, zone: str) -> list[dict[str, Any]]:
    found = []
    for area, strip in ((area, strip) for area, part in named for strip in part.strips):
        bars = []
        for begins, ends, words in strip.bars:
            left, right = max(begins, start), min(ends, end)
            if left < right:
                at = round(1000 * ((left - start) / (end - start)))
                width = round(1000 * ((right - left) / (end - start)))
                bars.append(
                    {"at": at, "width": width, "words": words, "when": span_words(begins, ends, zone)}
                )
        found.append({"area": area, "label": strip.label, "url": strip.url, "bars": bars})
    return found


def _hours(start: Any, end: Any, zone: str) -> list[dict[str, Any]]:
    first, hours = local(start, zone), []
    for hour in range(first.hour, local(end, zone).hour + 1):
        at = _share(first.replace(hour=hour, minute=0), start, end)
        if at is not None:
            hours.append({"at": at, "words": f"{hour}:00"})
    return hours


@blueprint.post("/c/<centre>/calls/<int:call_id>/<verb>")
@require(EVERYONE)
@once
def act_on_call(centre: Centre, call_id: int, verb: str) -> Response:
    """«我去», and afterwards «办好了»."""
    call = next((row for row in open_calls(centre.id) if row.id == call_id), None)
    if call is not None and verb == "answer":
        services.answer_call(signed_in().id, call)
    elif call is not None and verb == "done":
        services.end_call(actor(), call, "done")
    elif verb not in {"answer", "done"}:
        raise NotFound(_("这一页没有找到"))
    return see_other(f"/staff/c/{centre.code}/today")


@blueprint.post("/language")
@open_to_all
@repeatable
def language() -> Response:
    """The console's language for whoever sits at it."""
    wanted = request.form.get("lang", "")
    if wanted in LANGUAGES:
        session["lang"] = wanted
    return see_other(own_path(request.form.get("next"), "/staff/"))
