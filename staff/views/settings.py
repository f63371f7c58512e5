"""The house's numbers, its calendar, its one-off openings and closures."""

import json
from collections.abc import Callable
from dataclasses import Field, fields
from datetime import date, datetime, time
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select

from centres import services
from centres.models import Centre, OneOff, Policy, Workday
from centres.policies import chain
from centres.queries import calendar_warning
from core.clock import YEARS, local_day, now
from core.database import db
from core.errors import Refused
from core.http import once, row_number, see_other
from core.i18n import pick
from core.words import clock_words, full_day
from kiosk.areas import Areas
from kiosk.rules import KioskPolicy
from people.access import actor, require
from people.rules import MANAGERS, PinPolicy
from people.services.tell import MessagePolicy
from staff.views.closing import asked_first
from staff.views.root import blueprint


@blueprint.get("/c/<centre>/settings")
@require(MANAGERS)
def settings(centre: Centre) -> Any:
    """Everything that a manager may change, on one sheet."""
    today = local_day(now(), centre.zone)
    rows = db.session.scalars(
        select(Policy)
        .where(Policy.unit_id.in_(chain(centre.id)))
        .order_by(Policy.name, Policy.subject, Policy.starts_on)
    ).all()
    offs = db.session.scalars(
        select(OneOff).where(OneOff.centre_id == centre.id, OneOff.ends_at > now()).order_by(OneOff.starts_at)
    ).all()
    days = db.session.scalars(
        select(Workday)
        .where(Workday.unit_id.in_(chain(centre.id)), Workday.day >= today.replace(month=1, day=1))
        .order_by(Workday.day)
    ).all()
    return render_template(
        "staff/settings.html",
        known={name: field.default for name, field in _known().items()},
        policies=[
            {
                "name": row.name,
                "subject": row.subject,
                "value": json.dumps(row.value, ensure_ascii=False),
                "from": row.starts_on,
                "to": row.ends_on,
                "here": row.unit_id == centre.id,
            }
            for row in rows
        ],
        one_offs=[
            {
                "place": row.place,
                "is_open": row.is_open,
                "from": _moment(row.starts_at, centre.zone),
                "to": _moment(row.ends_at, centre.zone),
                "reason": pick(row.reason_zh, row.reason_en),
                "remove_url": f"/staff/c/{centre.code}/settings/one-offs/{row.id}/remove",
            }
            for row in offs
        ],
        days=days,
        warning=calendar_warning(centre),
        places=[place for one in Areas.all if one.places for place in one.places(centre.id)],
        today=today,
        base_url=f"/staff/c/{centre.code}/settings",
    )


def _moment(moment: datetime, zone: str) -> str:
    return f"{full_day(local_day(moment, zone), local_day(now(), zone))} {clock_words(moment, zone)}"


def _known() -> dict[str, Field[Any]]:
    """Every policy of the house and its areas, with its default and the least and most it may be."""
    known: list[tuple[str, type[Any]]] = [
        (one.name, one.policy) for one in Areas.all if one.policy is not None
    ]
    known += [("messages", MessagePolicy), ("kiosk", KioskPolicy), ("pins", PinPolicy)]
    return {f"{name}.{field.name}": field for name, policy in known for field in fields(policy)}


@blueprint.post("/c/<centre>/settings/policies")
@require(MANAGERS)
@once
def set_policy(centre: Centre) -> Response:
    """From a day on, another number."""
    name, form = request.form.get("name", ""), request.form
    known = _known()
    if name not in known:
        raise Refused("policy_unknown", _("没有这一项"), _("请从列表里选。"), status=422)
    starts = _day(form.get("from", ""))
    if starts < local_day(now(), centre.zone):
        raise Refused("policy_past", _("只能从今天或以后开始"), _("过去的日子已经按原来的办了。"), status=422)
    value = _value(form.get("value", ""), known[name])
    services.set_policy(actor(), centre.id, name, value, starts, form.get("subject", "").strip()[:40])
    return see_other(f"/staff/c/{centre.code}/settings")


def _value(text: str, field: Field[Any]) -> Any:
    """A number where the default is one, a wall time where it is one (empty: none, where there may be none), or one of
    the words to choose from."""
    text = text.strip()
    if choices := field.metadata.get("choices"):
        if text not in choices:
            these = _(" 或 ").join(choices)
            raise Refused("value_odd", _("这个值不对"), _("写 %(these)s。", these=these), status=422)
        return text
    try:
        if isinstance(field.default, int):
            number = int(text)
            if not field.metadata.get("least", 0) <= number <= field.metadata.get("most", 100_000):
                raise ValueError
            return number
        if not text and field.type is time:
            raise ValueError
        return time.fromisoformat(text.zfill(5)).strftime("%H:%M") if text else None
    except ValueError:
        raise Refused("value_odd", _("这个值不对"), _("数字写成 30，时间写成 10:00。"), status=422) from None


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if day.year not in YEARS:
        raise Refused("day_odd", _("日期请再看看"), _("比如 2026-11-24。"), status=422)
    return day


@blueprint.post("/c/<centre>/settings/one-offs")
@require(MANAGERS)
@once
def add_one_off(centre: Centre) -> Response:
    """Open or close, apart from the week's hours."""
    form, zone = request.form, ZoneInfo(centre.zone)
    try:
        start, end = (
            datetime.fromisoformat(form.get(name, "")).replace(tzinfo=zone) for name in ("from", "to")
        )
    except ValueError:
        raise Refused("times_odd", _("日期和时间请再看看"), status=422) from None
    if start.year not in YEARS or end.year not in YEARS:
        raise Refused("times_odd", _("日期和时间请再看看"), status=422)
    return _asked(
        centre,
        partial(
            services.add_one_off,
            actor(),
            centre,
            form.get("place", "").strip()[:40],
            start,
            end,
            form.get("is_open") == "1",
            form.get("reason_zh", ""),
            form.get("reason_en", ""),
        ),
    )


def _asked(centre: Centre, deed: Callable[[], Any]) -> Response:
    """A change of when something is open, after the question who is touched."""
    url = f"/staff/c/{centre.code}/settings"
    return asked_first(centre, url, deed, see_other(url))


@blueprint.post("/c/<centre>/settings/one-offs/<int:one_off_id>/remove")
@require(MANAGERS)
@once
def remove_one_off(centre: Centre, one_off_id: int) -> Response:
    """Take a one-off back."""
    return _asked(centre, partial(services.remove_one_off, actor(), centre, one_off_id))


@blueprint.post("/c/<centre>/settings/calendar")
@require(MANAGERS)
@once
def set_day(centre: Centre) -> Response:
    """Say what a day is for this centre."""
    form = request.form
    hours_of = form.get("hours_of", None, int)
    if hours_of is not None and not 0 <= hours_of <= 6:
        raise Refused("weekday_odd", _("请选星期几"), status=422)
    return _asked(
        centre,
        partial(
            services.set_workday,
            actor(),
            centre.id,
            _day(form.get("day", "")),
            form.get("kind", ""),
            form.get("name_zh", ""),
            form.get("name_en", ""),
            hours_of,
        ),
    )


@blueprint.post("/c/<centre>/settings/calendar/publish")
@require(MANAGERS)
@once
def publish_year(centre: Centre) -> Response:
    """Every day off of the year is entered: no longer 暂定."""
    year = request.form.get("year", 0, row_number)
    if year not in YEARS:
        raise Refused("year_odd", _("年份请再看看"), status=422)
    services.publish_year(actor(), centre.id, year)
    return see_other(f"/staff/c/{centre.code}/settings")
