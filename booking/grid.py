"""The day grid: every unit × every step of a space's day, from one query of claims."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _

from booking.opening import SpaceDay
from booking.queries import Lane, taken
from core.words import clock_words

Cell = tuple[str, str, str | None]
"""(class, words, address it leads to or None)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One unit's day. holders: beside each cell the id of the booking that takes it, or None."""

    code: str
    cells: list[Cell]
    holders: list[int | None]


@dataclass(frozen=True, slots=True)
class Grid:
    """A space's day. `valid_until`: until then it shows the same unless a claim changes (version)."""

    starts: list[datetime]
    heads: list[str]
    rows: list[Row]
    valid_until: datetime


def steps_of(day: SpaceDay) -> list[datetime]:
    """Starts of the steps from the first opening to the last closing, in order; closed stretches between included."""
    if not day.openings:
        return []
    step = timedelta(minutes=day.space.step_minutes)
    first, last = day.openings[0].start, day.openings[-1].end
    first -= (first - day.start) % step
    return [first + step * n for n in range(-(-(last - first) // step))]


def grid(day: SpaceDay, rows: Sequence[Lane], moment: datetime) -> Grid:
    """The grid of a day as it is at `moment`."""
    starts = steps_of(day)
    step = timedelta(minutes=day.space.step_minutes)
    words = {
        "free": _("可选"),
        "taken": _("已订"),
        "held": _("正在选"),
        "closed": _("不开放"),
        "past": _("已过"),
    }
    base: list[Cell] = []
    for start in starts:
        is_open = any(opening.start <= start < opening.end for opening in day.openings)
        kind = "closed" if not is_open else "past" if start + step <= moment else "free"
        base.append((kind, words[kind], None))
    lines = {unit.id: list(base) for unit in rows}
    holders: dict[int, list[int | None]] = {unit.id: [None] * len(starts) for unit in rows}
    expiry = moment + timedelta(days=1)
    if starts:
        origin, count = starts[0], len(starts)
        for claim in taken(day.space.id, origin, starts[-1] + step, moment):
            first = max(0, (claim.start - origin) // step)
            last = min(count, -((origin - claim.end) // step))
            cell = (
                ("held", words["held"], None) if claim.booking_id is None else ("taken", words["taken"], None)
            )
            lines[claim.unit_id][first:last] = [cell] * (last - first)
            holders[claim.unit_id][first:last] = [claim.booking_id] * (last - first)
            if claim.expires_at is not None and claim.expires_at < expiry:
                expiry = claim.expires_at
    nearest = next((start + step for start in starts if start + step > moment), expiry)
    return Grid(
        starts,
        [clock_words(start, day.zone) for start in starts],
        [Row(unit.code, lines[unit.id], holders[unit.id]) for unit in rows],
        min(expiry, nearest),
    )
