"""What decides subsidies and delivery, on a resident's page: the desk writes how they live, managers what was found."""

from datetime import date
from typing import Any

from flask import Response, request
from flask_babel import gettext as _

from canteen.queries import canteen_of
from centres.models import Centre
from core.clock import local_day, now
from core.columns import Day, Wrong
from core.errors import NotFound, Refused
from core.http import once, row_number, see_other
from people.access import actor, grants_roles, require, resident_or_refuse, signed_in
from people.models import Resident, ResidentStatus
from people.rules import MANAGERS
from people.services import findings
from people.services.register import OWN
from staff.views.root import blueprint

TYPED = [column for column in OWN if column.name in {"hukou", "hukou_district", "lives_alone", "room"}]


def shown(centre: Centre, person: Resident) -> dict[str, Any]:
    """The section «补贴和送餐要用的». What was found about somebody is for those who may bring in the register."""
    url = f"/staff/c/{centre.code}/people/{person.id}"
    houses = findings.houses(centre.id)
    if person.building is not None and person.building_id not in dict(houses):
        houses.append((person.building.id, person.building.name))
    return {
        "hukou": str(findings.HUKOU.get(person.hukou, person.hukou)),
        "hukou_options": [("", _("不知道")), *((code, str(word)) for code, word in findings.HUKOU.items())],
        "house": person.building.name if person.building else "",
        "houses": [("", _("没有登记")), *houses],
        "living_url": f"{url}/living",
        "canteen_url": f"/staff/c/{centre.code}/canteen" if canteen_of(centre.id) else None,
        **(_found(centre, person, url) if grants_roles(signed_in(), centre.id) & MANAGERS else {}),
    }


def _found(centre: Centre, person: Resident, url: str) -> dict[str, Any]:
    today = local_day(now(), centre.zone)
    return {
        "rows": [_row(row, today, url) for row in findings.findings_of(person.id)],
        "kinds": findings.kind_options(),
        "levels": [(code, str(word)) for code, word in findings.LEVELS.items()],
        "today": today,
        "status_url": f"{url}/register/status",
        "assess_url": f"{url}/register/assess",
    }


def _row(row: ResidentStatus, today: date, url: str) -> dict[str, Any]:
    over = row.ends_on is not None and row.ends_on <= today
    span = _("%(first)s 起", first=row.starts_on)
    if row.ends_on is not None:
        span = _("%(first)s 起，%(last)s 起不算", first=row.starts_on, last=row.ends_on)
    return {
        "id": row.id,
        "what": findings.finding_words(row.kind),
        "span": span,
        "over": over,
        "state": _("不算了") if over else _("还没到") if row.starts_on > today else _("现在算"),
        "end_url": None if over else f"{url}/register/end",
    }


def living_said() -> dict[str, Any]:
    """What the desk's form says of where somebody is registered and how they live."""
    try:
        said = {column.name: column.typed(request.form.getlist) for column in TYPED}
    except Wrong as wrong:
        raise Refused("value_odd", wrong.what, wrong.right, status=422) from None
    return {
        **said,
        "room": said["room"] or None,
        "building_id": request.form.get("building", None, row_number),
    }


@blueprint.post("/c/<centre>/people/<int:resident_id>/register/<verb>")
@require(MANAGERS)
@once
def register_finding(centre: Centre, resident_id: int, verb: str) -> Response:
    """A status begins or ends, an assessment has come. Nothing is ever taken out."""
    found, form = resident_or_refuse(resident_id, MANAGERS), request.form
    match verb:
        case "status":
            findings.add_status(
                actor(),
                found.id,
                centre.id,
                form.get("kind", ""),
                _needed("starts"),
                _day("ends"),
            )
        case "end":
            row = form.get("status", 0, row_number)
            findings.end_status(actor(), found.id, centre.id, row, _needed("ends"))
        case "assess":
            findings.assess(actor(), found.id, centre.id, form.get("level", ""), _needed("day"))
        case _:
            raise NotFound(_("这一页没有找到"))
    return see_other(f"/staff/c/{centre.code}/people/{resident_id}#help")


def _needed(name: str) -> date:
    day = _day(name)
    if day is None:
        raise _day_odd()
    return day


def _day(name: str) -> date | None:
    try:
        found: date | None = Day(name=name, label=name, blank=True).typed(request.form.getlist)
    except Wrong:
        raise _day_odd() from None
    return found


def _day_odd() -> Refused:
    return Refused("day_odd", _("日期请再看看"), _("年、月、日，比如 2026-03-01。"), status=422)
