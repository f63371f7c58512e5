"""Calls to make: an elder who did not come for the meal, a door that nobody opened, one whom no message reached."""

from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext

from centres.models import Centre
from core.area import Alarm
from core.clock import local_day, now
from core.errors import NotFound
from core.http import once, personal, see_other
from core.words import clock_words, near_day
from people.access import open_record, require, signed_in
from people.models import CallTask
from people.rules import DESK
from people.services import family
from people.services.calls import call_to_make, end_call, ended_calls, open_calls_to_make
from staff.views.root import blueprint

RING = DESK | {"follow_up_caller"}
"""Who rings people up."""


def kind_words(kind: str) -> str:
    """What a call is about, in two words."""
    return {"care": _("关怀电话"), "nobody_home": _("送餐没人应"), "message": _("转告一声")}[kind]


def outcome_words(state: str) -> str:
    """How a call stands."""
    return {
        "open": _("还没打"),
        "again": _("没打通，再打"),
        "reached": _("打通了"),
        "closed": _("不用打了"),
    }[state]


def calls_to_make(centre: Centre) -> list[Alarm]:
    """What the today page says while somebody is to be rung up; red once the first is late."""
    rows = open_calls_to_make(centre.id)
    if not rows:
        return []
    late = sum(row.due_at < now() for row in rows)
    title = ngettext("有 %(num)s 个电话要打", "有 %(num)s 个电话要打", len(rows))
    first = _("最早的 %(time)s 前打", time=clock_words(rows[0].due_at, centre.zone))
    note = _("%(n)s 个已经过了时间", n=late) if late else first
    url = f"/staff/c/{centre.code}/ringing/"
    return [Alarm(title, note, url, _("去打"), level="err" if late else "warn", roles=RING)]


@blueprint.get("/c/<centre>/ringing/")
@require(RING)
def ringing(centre: Centre) -> Response:
    """Everybody who is to be rung up, by the time it is due; names stay masked until one is opened."""
    rows = open_calls_to_make(centre.id)
    return personal(
        render_template(
            "staff/ringing.html",
            rows=[_row(centre, row) for row in rows],
            late=sum(row.due_at < now() for row in rows),
            done=[_row(centre, row) for row in ended_calls(centre.id)],
        )
    )


def _row(centre: Centre, row: CallTask) -> dict[str, Any]:
    moment, zone = now(), centre.zone
    minutes = int((row.due_at - moment).total_seconds() // 60)
    today = local_day(moment, zone)
    day = local_day(row.due_at, zone)
    return {
        "due": clock_words(row.due_at, zone),
        "due_note": near_day(day, today)
        if day != today
        else _("过了 %(n)d 分钟", n=-minutes)
        if minutes < 0
        else _("还有 %(n)d 分钟", n=minutes),
        "late": row.due_at < moment,
        "kind": kind_words(row.kind),
        "who": row.resident.masked_name,
        "words": row.words,
        "tries": row.tries,
        "state": row.state,
        "state_words": outcome_words(row.state),
        "note": row.note or "",
        "ended": clock_words(row.ended_at, zone) if row.ended_at else "",
        "url": f"/staff/c/{centre.code}/ringing/{row.id}",
    }


def _call(centre: Centre, call_id: int) -> CallTask:
    found = call_to_make(centre.id, call_id)
    if found is None:
        raise NotFound(_("没有找到这一条"))
    return found


@blueprint.get("/c/<centre>/ringing/<int:call_id>")
@require(RING)
def ring(centre: Centre, call_id: int) -> Response:
    """One call with the name and the number to ring; opening it is audited like a record."""
    found = _call(centre, call_id)
    person = open_record(centre, found.resident_id, RING)
    found = _call(centre, call_id)
    return personal(
        render_template(
            "staff/ring.html",
            row=_row(centre, found),
            name=person.name,
            phone=person.phone or "",
            alone=person.lives_alone,
            address=f"{person.building.name} {person.room or ''}".strip() if person.building else "",
            centre_phone=centre.phone,
            family=[
                {
                    "name": link.proxy.masked_name,
                    "sees": link.sees_collected,
                    "url": f"/staff/c/{centre.code}/ringing/{found.id}/family/{link.id}",
                }
                for link in family.relatives_of(person.id)
            ],
            act_url=f"/staff/c/{centre.code}/ringing/{found.id}",
            back_url=f"/staff/c/{centre.code}/ringing/",
        )
    )


@blueprint.get("/c/<centre>/ringing/<int:call_id>/family/<int:link_id>")
@require(RING)
def ring_family(centre: Centre, call_id: int, link_id: int) -> Response:
    """«打给家人»: one relative of whom the call is about, with the number; opening it is audited like a record."""
    found = _call(centre, call_id)
    link = next((one for one in family.relatives_of(found.resident_id) if one.id == link_id), None)
    if link is None:
        raise NotFound(_("没有找到这位家人"), _("可能已经结束了。"))
    relative = open_record(centre, link.proxy_id, RING)
    found = _call(centre, call_id)
    return personal(
        render_template(
            "staff/ring_family.html",
            row=_row(centre, found),
            name=relative.name,
            phone=relative.phone or "",
            elder=found.resident.masked_name,
            sees=link.sees_collected,
            back_url=f"/staff/c/{centre.code}/ringing/{found.id}",
        )
    )


@blueprint.post("/c/<centre>/ringing/<int:call_id>/<verb>")
@require(RING)
@once
def act_on_ringing(centre: Centre, call_id: int, verb: str) -> Response:
    """«打通了», «没打通，过半小时再打», «不用打了»."""
    found = _call(centre, call_id)
    end_call(signed_in().id, centre.id, found.id, verb, request.form.get("note", ""))
    return see_other(f"/staff/c/{centre.code}/ringing/")
