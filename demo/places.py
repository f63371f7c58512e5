"""The tree of the district, its two centres with their hours and days, and what can be booked in them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, time, timedelta
from typing import Any

from sqlalchemy import select

from booking.models import Space, SpaceHours, Unit
from centres.models import Building, Centre, OrgUnit
from centres.places import WEEKDAYS
from centres.queries import centres, day_kinds
from centres.rules import CentreFacts, UnitFacts
from centres.services import add_one_off, make_centre, make_unit, seed_year, set_policy, set_weekly_hours
from core.audit import OPERATOR
from core.clock import at, day_bounds
from core.database import db
from demo.files import Content, hours, read

CLOSED_DAYS_SAID = 14
"""For so many days the reason of the weekly closing day is said."""
ROOM = "ROOM"
TRAITS = ("window", "aisle", "socket", "lamp", "next_to", "facing")
PLAN = ("width", "height", "unit", "walls", "door", "tables")
POLICIES = {
    "min_minutes": "min_min",
    "max_minutes": "max_min",
    "buffer_minutes": "buffer_min",
    "horizon_days": "horizon_days",
    "release_at": "release_at",
    "adapted_until": "adapted_kept_until",
}


def load_places(since: date, today: date) -> None:
    """Everything that stands still. Policies hold since `since`; what is said in days from now, from `today`."""
    content = read("spaces.yaml")
    _tree(content["organisation"], {row["code"]: row for row in content["centres"]})
    for district in db.session.scalars(select(OrgUnit.id).where(OrgUnit.kind == "district")).all():
        for year in sorted({since.year, today.year, today.year + 1}):
            seed_year(district, year)
    by_code = {centre.code: centre for centre in centres()}
    for row in content["centres"]:
        _closures(by_code[row["code"]], row, today)
    for row in content["spaces"]:
        _space(by_code[row["centre"]], row)
        _policies(by_code[row["centre"]].id, row, since)
    _buildings({centre.code: centre.id for centre in by_code.values()})


def home_of(cell: str) -> str:
    """Code of the centre to which a grid cell belongs."""
    return "sungang" if cell.startswith("G-SG") else "shuibei"


def _buildings(centre_ids: dict[str, int]) -> None:
    for row in read("people.yaml")["buildings"]:
        told = {name: row[name] for name in ("code", "name_zh", "name_en", "lift", "floors")}
        unit, place = centre_ids[home_of(row["grid"])], {"latitude": row["lat"], "longitude": row["lon"]}
        db.session.add(Building(unit_id=unit, cell=row["grid"], **told, **place))
    db.session.flush()


def _tree(rows: Sequence[Content], told: Mapping[str, Content]) -> None:
    """The units in their order; a centre comes with what is told of it."""
    for row in rows:
        unit = UnitFacts(row["code"], row["kind"], row["parent"] or "", row["name_zh"], row["name_en"])
        if row["kind"] != "centre":
            make_unit(OPERATOR, unit)
            continue
        facts = CentreFacts(**{one.name: told[unit.code][one.name] for one in fields(CentreFacts)})
        make_centre(OPERATOR, unit, facts)
        centre = db.session.scalars(select(Centre.id).where(Centre.code == unit.code)).one()
        set_weekly_hours(OPERATOR, centre, list(hours(told[unit.code]["hours"])))


def _closures(centre: Centre, row: Content, today: date) -> None:
    """Closures with a date, and the weekly closing days of the next two weeks with their reason."""
    for closure in row["closures"]:
        day = today + timedelta(days=closure["day_offset"])
        start, end = (at(day, time.fromisoformat(closure[name]), centre.zone) for name in ("start", "end"))
        add_one_off(
            OPERATOR, centre, closure["space"], start, end, False, closure["reason_zh"], closure["reason_en"]
        )
    closed = {WEEKDAYS.index(name): why for name, why in row["closed"].items()}
    kinds = day_kinds(centre.id, today, today + timedelta(days=CLOSED_DAYS_SAID - 1))
    for day, kind in kinds.items():
        why = closed.get(kind.hours_of) if kind.hours_of is not None else None
        if why:
            start, end = day_bounds(day, centre.zone)
            add_one_off(OPERATOR, centre, "", start, end, False, why["reason_zh"], why["reason_en"])


def _space(centre: Centre, row: Content) -> None:
    plan = row.get("plan", {})
    space = Space(
        centre_id=centre.id,
        code=row["code"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        floor=row["floor"],
        mode=row["mode"],
        approval=row["approval"],
        step_minutes=row["step_min"],
        party_min=row["party"]["min"],
        party_max=row["party"]["max"],
        plan={name: plan[name] for name in PLAN if name in plan},
        access=dict(row["accessibility"]),
    )
    db.session.add(space)
    db.session.flush()
    for weekday, opens, closes in hours(row["hours"]):
        db.session.add(SpaceHours(space_id=space.id, weekday=weekday, opens=opens, closes=closes))
    db.session.add_all(_units(space.id, row))
    db.session.flush()


def _units(space_id: int, row: Content) -> list[Unit]:
    """Seats as the plan has them; one for each practitioner; one for a room that is only taken whole."""
    if "plan" in row:
        kept = row.get("walk_in", {}).get("units", [])
        return [_seat(space_id, n, seat, kept) for n, seat in enumerate(row["plan"]["units"])]
    people = [
        Unit(space_id=space_id, code=one["code"], position=n, traits=_without(one, "code"))
        for n, one in enumerate(row.get("practitioners", []))
    ]
    return people or [
        Unit(space_id=space_id, code=ROOM, position=0, traits={"equipment": row.get("equipment", [])})
    ]


def _seat(space_id: int, position: int, seat: Content, kept: list[str]) -> Unit:
    return Unit(
        space_id=space_id,
        code=seat["code"],
        position=position,
        table_code=seat.get("table", ""),
        x=seat["x"],
        y=seat["y"],
        width=seat["w"],
        height=seat["h"],
        wheelchair=seat["wheelchair"],
        walk_in=seat["code"] in kept,
        traits={name: seat[name] for name in TRAITS if name in seat},
    )


def _without(row: Content, *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _policies(centre_id: int, row: Content, since: date) -> None:
    values = {field: row[name] for field, name in POLICIES.items() if name in row}
    if "walk_in" in row:
        values["walk_in_until"] = row["walk_in"]["until"]
    for field, value in values.items():
        set_policy(OPERATOR, centre_id, f"booking.{field}", value, since, row["code"])
