"""Verbs about centres: the tree and its hours, policies by date, one-off openings and closures, the calendar."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any, Literal

import chinese_calendar
from flask_babel import gettext as _
from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from centres.models import CalendarYear, Centre, OneOff, OrgUnit, Policy, Workday
from centres.queries import subtree
from centres.rules import CentreFacts, Opening, Place, UnitFacts, in_order, may_stand_under
from centres.week import CENTRE_HOURS
from core import audit
from core.audit import Actor
from core.clock import database_now
from core.database import db, unit_of_work
from core.errors import Refused

Made = Literal["new", "changed", "same"]
"""What a verb did with a thing that may have been there."""


# --- the tree -------------------------------------------------------------------------------------------------------


def load_places(actor: Actor, places: Sequence[Place]) -> list[tuple[str, Made]]:
    """All of a file or nothing of it; a refusal says the line. What the file does not name stays as it is. New
    districts get their calendar at once, so that nobody waits for the clock's evening."""
    with unit_of_work():
        done = [(one.unit.code, _load(actor, one)) for one in places]
        seed_missing_years()
    return done


def _load(actor: Actor, place: Place) -> Made:
    try:
        if place.centre is None:
            return make_unit(actor, place.unit)
        made = make_centre(actor, place.unit, place.centre)
        other_hours = set_weekly_hours(actor, _unit(place.unit.code).id, place.hours)
        return "changed" if made == "same" and other_hours else made
    except Refused as refusal:
        why = _("第 %(line)d 行：%(why)s", line=place.line, why=refusal.title)
        raise Refused(refusal.code, why, refusal.text, status=422) from refusal


def make_unit(actor: Actor, told: UnitFacts) -> Made:
    """A node of the tree is there and called so. One that was there keeps its kind and its place: what people may do
    and see hangs on them."""
    with unit_of_work():
        parent = _unit(told.parent) if told.parent else None
        if not may_stand_under(told.kind, parent.kind if parent else None):
            raise Refused("unit_misplaced", _("“%(code)s”不能放在那里", code=told.code), status=422)
        row = db.session.scalar(select(OrgUnit).where(OrgUnit.code == told.code))
        names = {"name_zh": told.name_zh, "name_en": told.name_en}
        if row is None:
            row = OrgUnit(code=told.code, kind=told.kind, parent_id=parent.id if parent else None, **names)
            db.session.add(row)
            db.session.flush()
            audit.record(actor, "unit.added", "org_unit", row.id, unit_id=row.id)
            return "new"
        if (row.kind, row.parent_id) != (told.kind, parent.id if parent else None):
            raise Refused("unit_moved", _("“%(code)s”已经有了，类别和上级不能改", code=told.code), status=422)
        what = _renew(row, names)
        if what:
            audit.record(actor, "unit.changed", "org_unit", row.id, unit_id=row.id, detail={"what": what})
            changed(row.id)
    return "changed" if what else "same"


def make_centre(actor: Actor, told: UnitFacts, facts: CentreFacts) -> Made:
    """A centre stands at its node of the tree, with these names and this address. Its zone stays: days that have been
    lived were counted by it."""
    with unit_of_work():
        node = make_unit(actor, told)
        unit = _unit(told.code)
        values = {"name_zh": told.name_zh, "name_en": told.name_en, **asdict(facts)}
        centre = db.session.get(Centre, unit.id)
        if centre is None:
            db.session.add(Centre(id=unit.id, code=told.code, **values))
            db.session.flush()
            audit.record(actor, "centre.added", "centre", unit.id, unit_id=unit.id)
            return "new"
        if centre.zone != facts.zone:
            raise Refused("zone_moved", _("“%(code)s”的时区不能改", code=told.code), status=422)
        what = _renew(centre, values)
        if what:
            audit.record(actor, "centre.changed", "centre", unit.id, unit_id=unit.id, detail={"what": what})
            changed(unit.id)
    return "changed" if what else node


def set_weekly_hours(actor: Actor, centre_id: int, hours: Sequence[Opening]) -> bool:
    """The centre's whole week: a weekday that is not named is closed. Written and recorded as the page of the centre
    does it (core/master.py with the same column). False: it was so already."""
    if not in_order(hours):
        raise Refused("hours_odd", _("开放时间要先开后关，同一天的不能重叠"), status=422)
    with unit_of_work():
        centre = db.session.get_one(Centre, centre_id, with_for_update=True, populate_existing=True)
        before = CENTRE_HOURS.get(centre)
        CENTRE_HOURS.renew(centre, [(*hour, "") for hour in hours])
        now = CENTRE_HOURS.get(centre)
        if now == before:
            return False
        db.session.flush()
        detail = {"old": {"hours": before}, "new": {"hours": now}}
        audit.record(actor, "centre.changed", "centre", centre_id, unit_id=centre_id, detail=detail)
        changed(centre_id)
    return True


def _unit(code: str) -> OrgUnit:
    found = db.session.scalar(select(OrgUnit).where(OrgUnit.code == code))
    if found is None:
        raise Refused(
            "unit_missing",
            _("没有“%(code)s”这个单位", code=code),
            _("上级要写在前面，或者已经登记过。"),
            status=422,
        )
    return found


def _renew(row: OrgUnit | Centre, values: Mapping[str, str]) -> list[str]:
    """Set what differs. Returns its names."""
    what = [name for name, value in values.items() if getattr(row, name) != value]
    for name in what:
        setattr(row, name, values[name])
    db.session.flush()
    return what


# --- policies, one-offs, calendar -----------------------------------------------------------------------------------


def set_policy(actor: Actor, unit_id: int, name: str, value: Any, starts_on: date, subject: str = "") -> None:
    """From a day on, a policy of a unit (or one of its subjects) has this value; what held before ends that day."""
    with unit_of_work():
        line = (Policy.unit_id == unit_id, Policy.name == name, Policy.subject == subject)
        db.session.execute(delete(Policy).where(*line, Policy.starts_on >= starts_on))
        db.session.execute(
            update(Policy)
            .where(*line, or_(Policy.ends_on.is_(None), Policy.ends_on > starts_on))
            .values(ends_on=starts_on)
        )
        row = Policy(unit_id=unit_id, name=name, subject=subject, value=value, starts_on=starts_on)
        db.session.add(row)
        db.session.flush()
        detail = {"name": name, "subject": subject, "value": value, "from": str(starts_on)}
        audit.record(actor, "policy.set", "policy", row.id, unit_id=unit_id, detail=detail)
        changed(unit_id)


def add_one_off(
    actor: Actor,
    centre: Centre,
    place: str,
    start: datetime,
    end: datetime,
    is_open: bool,
    zh: str,
    en: str = "",
) -> OneOff:
    """Open or close a centre (`place` empty) or one of its spaces apart from its hours. New bookings obey at once.
    What has passed is over: nobody could come or stay away any more, and its numbers stay as they were lived."""
    if end <= start or end - start > timedelta(days=366):
        raise Refused("times_odd", _("结束要晚于开始"), _("请再看看日期和时间。"), status=422)
    if not zh.strip():
        raise Refused("reason_missing", _("请写上原因"), _("居民会看到它，比如“消防检修”。"), status=422)
    with unit_of_work():
        if end <= database_now():
            raise Refused("one_off_past", _("这段时间已经过了"), _("请选还没有结束的时间。"), status=422)
        row = OneOff(
            centre_id=centre.id,
            place=place,
            is_open=is_open,
            starts_at=start,
            ends_at=end,
            reason_zh=zh.strip()[:200],
            reason_en=en.strip()[:200],
        )
        db.session.add(row)
        db.session.flush()
        audit.record(actor, "one_off.added", "one_off", row.id, unit_id=centre.id, detail={"open": is_open})
        changed(centre.id)
    return row


def remove_one_off(actor: Actor, centre: Centre, one_off_id: int) -> None:
    """Take a one-off back; the week's hours hold again. Removing twice changes nothing."""
    with unit_of_work():
        gone = db.session.execute(
            delete(OneOff).where(OneOff.id == one_off_id, OneOff.centre_id == centre.id).returning(OneOff.id)
        ).first()
        if gone:
            audit.record(actor, "one_off.removed", "one_off", one_off_id, unit_id=centre.id)
            changed(centre.id)


def set_workday(
    actor: Actor, unit_id: int, day: date, kind: str, zh: str, en: str = "", hours_of: int | None = None
) -> None:
    """Say what a day is for a unit and all below it: `holiday`, `makeup_workday`, or `plain`."""
    if kind not in {"holiday", "makeup_workday", "plain"}:
        raise Refused("kind_unknown", _("请选是放假还是上班"), status=422)
    with unit_of_work():
        db.session.execute(delete(Workday).where(Workday.unit_id == unit_id, Workday.day == day))
        row = Workday(
            unit_id=unit_id,
            day=day,
            kind=kind,
            name_zh=zh.strip()[:60],
            name_en=en.strip()[:60],
            hours_of=hours_of,
        )
        db.session.add(row)
        detail = {"day": str(day), "kind": kind, "hours_of": hours_of}
        audit.record(actor, "workday.set", "org_unit", unit_id, unit_id=unit_id, detail=detail)
        changed(unit_id)


def publish_year(actor: Actor, unit_id: int, year: int) -> None:
    """The year's calendar is as the State Council's notice says: no longer 暂定."""
    with unit_of_work():
        make = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
        db.session.execute(
            make(CalendarYear)
            .values(unit_id=unit_id, year=year, published=True)
            .on_conflict_do_update(index_elements=["unit_id", "year"], set_={"published": True})
        )
        audit.record(actor, "calendar.published", "org_unit", unit_id, unit_id=unit_id, detail={"year": year})
        changed(unit_id)


def seed_year(district_id: int, year: int) -> bool:
    """Fill a year from the `chinesecalendar` package where it knows it. False: it does not, the year stays 暂定."""
    try:
        chinese_calendar.is_holiday(date(year, 7, 1))
    except NotImplementedError:
        return False
    with unit_of_work():
        if db.session.get(CalendarYear, (district_id, year)):
            return True
        db.session.add(CalendarYear(unit_id=district_id, year=year, published=True))
        day = date(year, 1, 1)
        while day.year == year:
            off, name = chinese_calendar.get_holiday_detail(day)
            weekend = day.weekday() >= 5
            kind = "holiday" if off and name else "makeup_workday" if weekend and not off else None
            if kind:
                db.session.add(
                    Workday(
                        unit_id=district_id,
                        day=day,
                        kind=kind,
                        name_zh=HOLIDAYS.get(name or "", name or ""),
                        name_en=name or "",
                    )
                )
            day += timedelta(days=1)
        changed(district_id)
    return True


HOLIDAYS = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "Mid-autumn Festival": "中秋节",
    "National Day": "国庆节",
}


def seed_missing_years() -> None:
    """For every district: this year and the next, as far as the package knows them. The clock does this daily."""
    year = database_now().year
    for district in db.session.scalars(select(OrgUnit.id).where(OrgUnit.kind == "district")).all():
        for wanted in (year, year + 1):
            seed_year(district, wanted)


def changed(unit_id: int) -> None:
    """In the running unit of work: pages of every centre below a unit are made anew."""
    db.session.execute(
        update(Centre)
        .where(Centre.id.in_(subtree({unit_id})))
        .values(settings_version=Centre.settings_version + 1)
    )
