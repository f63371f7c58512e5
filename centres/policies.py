"""Policies: the house's numbers as dated data. Each area declares a dataclass of its defaults; `policies` fills it."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, time
from typing import Any, TypeVar

from sqlalchemy import Select, bindparam, literal, or_, select

from centres.models import OrgUnit, Policy
from core.database import db

T = TypeVar("T")


def _chain() -> Select[int]:
    table = OrgUnit.metadata.tables["org_unit"]
    up = (
        select(table.c.id, table.c.parent_id, literal(0).label("steps"))
        .where(table.c.id == bindparam("unit"))
        .cte(recursive=True)
    )
    parent = table.alias()
    up = up.union_all(
        select(parent.c.id, parent.c.parent_id, up.c.steps + 1).where(parent.c.id == up.c.parent_id)
    )
    return select(up.c.id).order_by(up.c.steps)


_CHAIN = _chain()


def chain(unit_id: int) -> list[int]:
    """The unit and its ancestors, nearest first. One query, written out once."""
    return list(db.session.scalars(_CHAIN, {"unit": unit_id}))


def policies(kind: type[T], prefix: str, unit_id: int, on: date, subject: str = "") -> T:
    """`kind` filled with what holds for `unit_id` on a day: the subject's own value first, then the nearest unit's.

    Fields of `kind` are the policies `prefix.<field>`; its defaults serve where no row is in force.
    """
    return policies_by_day(kind, prefix, unit_id, [on], subject)[on]


def policies_by_day(
    kind: type[T], prefix: str, unit_id: int, days: Sequence[date], subject: str = ""
) -> dict[date, T]:
    """The same for each of some days, in two queries: what a thing is judged by is the policy of its own date."""
    units = chain(unit_id)
    rows = db.session.execute(
        select(
            Policy.name, Policy.unit_id, Policy.subject, Policy.value, Policy.starts_on, Policy.ends_on
        ).where(
            Policy.unit_id.in_(units),
            Policy.name.startswith(f"{prefix}.", autoescape=True),
            Policy.subject.in_({"", subject}),
            Policy.starts_on <= max(days),
            or_(Policy.ends_on.is_(None), Policy.ends_on > min(days)),
        )
    ).all()
    rows = sorted(rows, key=lambda row: (row.subject != "", -units.index(row.unit_id)))
    known = {field.name: field.type for field in fields(kind)}  # type: ignore[arg-type]
    found = {}
    for day in days:
        values = {
            row.name.removeprefix(f"{prefix}."): row.value
            for row in rows
            if row.starts_on <= day and (row.ends_on is None or day < row.ends_on)
        }
        found[day] = kind(
            **{name: _typed(value, known[name]) for name, value in values.items() if name in known}
        )
    return found


def _typed(value: Any, kind: Any) -> Any:
    """JSON has no times: they are kept as `HH:MM`."""
    if kind in (time, time | None) and isinstance(value, str):
        return time.fromisoformat(value)
    return value
