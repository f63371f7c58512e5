"""What decides help: where somebody is registered, how and where they live, and what public bodies have found.

The sheet and the desk write it by the same functions. The audit says which fields or which row, never what stood there.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from centres.models import Building
from centres.policies import chain
from core import audit
from core.audit import Actor
from core.clock import YEARS
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.intervals import broken_guard
from core.versions import bump
from people.models import Resident, ResidentStatus, StatusKind
from people.services.residents import NAMES, locked

STATUSES: dict[str, Any] = {
    "tekun": lazy_gettext("特困"),
    "dibao": lazy_gettext("低保"),
    "dibao_margin": lazy_gettext("低保边缘"),
    "sanshu_wulao": lazy_gettext("三属五老"),
    "family_planning": lazy_gettext("计生特殊家庭"),
}
"""What the city's standard of subsidies asks for; a place adds its own, or other names for these (`StatusKind`)."""
LEVELS = {"mild": lazy_gettext("轻度"), "moderate": lazy_gettext("中度"), "severe": lazy_gettext("重度")}
HUKOU = {
    "shenzhen": lazy_gettext("深圳"),
    "elsewhere": lazy_gettext("外地"),
    "hongkong": lazy_gettext("香港"),
}
LIVING = ("hukou", "hukou_district", "lives_alone", "building_id", "room")
"""The resident's own columns among it."""
ASSESSED = "assessed_"
"""An assessment's kind: this and its level."""


# --- for the desk ---------------------------------------------------------------------------------------------------


def set_living(actor: Actor, resident_id: int, centre_id: int, values: Mapping[str, Any]) -> Resident:
    """Where somebody is registered and how they live, as the desk of this centre says. A house must be one of its own;
    the house that is kept already may stay."""
    with unit_of_work():
        person = locked(resident_id)
        house = values.get("building_id")
        if house is not None and house != person.building_id and house not in dict(houses(centre_id)):
            raise Refused("building_odd", _("没有登记过这栋楼"), _("先在“楼栋”里登记，再选。"), status=422)
        changed = put_living(person, values)
        if changed:
            _record(actor, "resident.changed", resident_id, centre_id, fields=changed)
    return person


def add_status(
    actor: Actor, resident_id: int, centre_id: int, kind: str, starts: date, ends: date | None
) -> ResidentStatus:
    """A status from a day on, and, where it is known, until the day before another. What is there already stays."""
    if kind not in kinds():
        raise Refused("status_odd", _("请选是哪一项"), status=422)
    with unit_of_work():
        locked(resident_id)
        _check_span(starts, ends)
        rows = [row for row in findings_of(resident_id) if row.kind == kind]
        if any(touch((starts, ends), (row.starts_on, row.ends_on)) for row in rows):
            raise _said_already()
        row = _add(resident_id, kind, starts, ends)
        _record(actor, "resident.status_added", resident_id, centre_id, status=row.id)
    return row


def end_status(actor: Actor, resident_id: int, centre_id: int, status_id: int, ends: date) -> ResidentStatus:
    """From this day on it does not count. The row stays, and so does what was ordered under it."""
    with unit_of_work():
        locked(resident_id)
        row = next((one for one in findings_of(resident_id) if one.id == status_id), None)
        if row is None:
            raise NotFound(_("没有找到这一项"), _("请刷新再看看。"))
        _check_span(row.starts_on, ends)
        if row.ends_on != ends:
            row.ends_on = ends
            _flush()
            _record(actor, "resident.status_ended", resident_id, centre_id, status=row.id)
    return row


def assess(actor: Actor, resident_id: int, centre_id: int, level: str, day: date) -> ResidentStatus:
    """What an assessment has found; from its day on it takes the place of the one before. Again it changes nothing."""
    if level not in LEVELS:
        raise Refused("assessment_odd", _("请选评估的级别"), status=422)
    with unit_of_work():
        locked(resident_id)
        _check_span(day, None)
        kind = f"{ASSESSED}{level}"
        same_day = next((row for row in assessments_of(resident_id) if row.starts_on == day), None)
        if same_day is not None and same_day.kind == kind:
            return same_day
        if same_day is not None:
            raise Refused(
                "assessed_already",
                _("这一天已经有一次评估"),
                _("写错了的，先把那一次停掉，再从第二天写起。"),
                status=422,
            )
        row = put_assessment(resident_id, level, day)
        _record(actor, "resident.assessed", resident_id, centre_id, status=row.id)
    return row


def _record(actor: Actor, what: str, resident_id: int, centre_id: int, **detail: Any) -> None:
    """In the running unit of work: what lists show under the names' version is read anew, and the audit knows."""
    bump(NAMES)
    audit.record(actor, what, "resident", resident_id, unit_id=centre_id, detail=detail)


def _check_span(starts: date, ends: date | None) -> None:
    if starts.year not in YEARS or (ends is not None and ends.year not in YEARS):
        raise Refused("day_odd", _("日期请再看看"), _("年、月、日，比如 2026-03-01。"), status=422)
    if ends is not None and ends <= starts:
        raise Refused("span_odd", _("不算的那天要晚于开始的那天"), _("请再看看两个日期。"), status=422)


def _said_already() -> Refused:
    return Refused(
        "status_twice", _("这段日子已经登记过这一项"), _("日期接着写，不要重叠；或先停掉那一段。"), status=422
    )


# --- in the running unit of work: the sheet's and the desk's --------------------------------------------------------


def put_living(person: Resident, values: Mapping[str, Any]) -> list[str]:
    """Give a locked resident these columns; what is not named stays. Returns the names of those that changed."""
    changed = [name for name in LIVING if name in values and getattr(person, name) != values[name]]
    for name in changed:
        setattr(person, name, values[name])
    db.session.flush()
    return changed


def put_status(resident_id: int, kind: str, starts: date, ends: date | None) -> None:
    """A status as a sheet says it: the one that began on the same day gets this end, else it is added."""
    same = next(
        (row for row in findings_of(resident_id) if (row.kind, row.starts_on) == (kind, starts)), None
    )
    if same is None:
        _add(resident_id, kind, starts, ends)
    elif same.ends_on != ends:
        same.ends_on = ends
        _flush()


def put_assessment(resident_id: int, level: str, day: date) -> ResidentStatus:
    """The newer finding takes the place of the older one; one written down late ends where the next one began."""
    kind, rows = f"{ASSESSED}{level}", assessments_of(resident_id)
    same = next((row for row in rows if (row.kind, row.starts_on) == (kind, day)), None)
    if same is not None:
        return same
    for row in rows:
        if row.starts_on < day and (row.ends_on is None or row.ends_on > day):
            row.ends_on = day
    _flush()
    return _add(
        resident_id, kind, day, min((row.starts_on for row in rows if row.starts_on > day), default=None)
    )


def _add(resident_id: int, kind: str, starts: date, ends: date | None) -> ResidentStatus:
    row = ResidentStatus(resident_id=resident_id, kind=kind, starts_on=starts, ends_on=ends)
    db.session.add(row)
    _flush()
    return row


def _flush() -> None:
    """The guard has the last word on what overlaps."""
    try:
        db.session.flush()
    except IntegrityError as error:
        if broken_guard(error) != ResidentStatus.__tablename__:
            raise
        raise _said_already() from error


# --- reads ----------------------------------------------------------------------------------------------------------


def findings_of(resident_id: int) -> list[ResidentStatus]:
    """All that was ever found about somebody, what began last first."""
    query = select(ResidentStatus).where(ResidentStatus.resident_id == resident_id)
    return list(db.session.scalars(query.order_by(ResidentStatus.starts_on.desc(), ResidentStatus.id.desc())))


def assessments_of(resident_id: int) -> list[ResidentStatus]:
    """The assessments among it."""
    return [row for row in findings_of(resident_id) if row.kind.startswith(ASSESSED)]


def kinds(*, retired: bool = False) -> dict[str, str]:
    """Code → name for the reader, the city's first. retired: also those that are on no list any more."""
    found = {code: str(word) for code, word in STATUSES.items()}
    for row in db.session.scalars(select(StatusKind).order_by(StatusKind.code)):
        found[row.code] = row.name
        if row.retired_at is not None and not retired:
            del found[row.code]
    return found


def kind_options() -> list[tuple[str, str]]:
    """The same for forms and sheets."""
    return list(kinds().items())


def finding_words(kind: str) -> str:
    """低保; 失能评估：中度"""
    level = kind.removeprefix(ASSESSED)
    if kind != level and level in LEVELS:
        return _("失能评估：%(level)s", level=str(LEVELS[level]))
    return kinds(retired=True).get(kind, kind)


def touch(one: tuple[date, date | None], other: tuple[date, date | None]) -> bool:
    """Whether two spans of days share a day; an empty end is open."""
    return one[0] < (other[1] or date.max) and other[0] < (one[1] or date.max)


def buildings_of(centre_id: int) -> list[Building]:
    """The houses that a centre may write down: its own and those of the units above it, without the retired ones."""
    query = select(Building).where(Building.unit_id.in_(chain(centre_id)), Building.retired_at.is_(None))
    return list(db.session.scalars(query.order_by(Building.code)))


def houses(centre_id: int) -> list[tuple[int, str]]:
    """The same for a field of a form: id and name."""
    return [(row.id, row.name) for row in buildings_of(centre_id)]
