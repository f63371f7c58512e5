"""The staff's day board: a space's seats and steps, and its list of bookings.

Cells and lines are written out here and not in a template: there are a thousand and more, and a template takes five
times as long for them. Every text passes `escape`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from flask_babel import gettext as _
from markupsafe import Markup, escape

from booking import queries
from booking.grid import Grid, grid
from booking.models import Space
from booking.opening import SpaceDay
from booking.queries import Listed, state_now, unit_name
from centres.models import Centre
from core.clock import local
from core.codes import show_number
from core.words import clock_words, masked, span_words

STATES = ("booked", "in_use", "over", "left", "cancelled", "no_show")
PAST = frozenset({"cancelled", "left", "over"})
TAGS = {"booked": "tag  area-booking", "in_use": "tag ok", "no_show": "tag warn"}


class Line(NamedTuple):
    """A booking as the board shows it; every text is HTML already."""

    key: int
    when: str
    unit: str
    who: str
    number: str
    state: str
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Board:
    """What the page shows, the grid behind it, and until when only a change that is counted makes it untrue."""

    shown: dict[str, Any]
    table: Grid
    names: list[tuple[str, str]]
    """(code, name) of each line of the grid."""
    valid_until: datetime


def state_words(state: str) -> str:
    """A state as staff read it."""
    return {
        "booked": _("订好了"),
        "in_use": _("在座"),
        "over": _("用完了"),
        "left": _("走了"),
        "cancelled": _("取消"),
        "no_show": _("没来"),
    }[state]


def board(centre: Centre, place: Space, opened: SpaceDay, moment: datetime, with_resident: str) -> Board:
    """The board of a day as it is at `moment`. with_resident: what stands in the addresses of free cells."""
    lanes = queries.lanes(place)
    whole = place.mode == "whole"
    names = {lane.id: _("整间") if whole else unit_name(lane) for lane in lanes}
    bookings = queries.day_bookings(place.id, opened.day)
    lines = _lines(centre, bookings, names, moment)
    table = grid(opened, lanes, moment)
    url = f"/staff/c/{centre.code}/booking/{place.code}/{opened.day}?{with_resident}"
    states = [line.state for line in lines]
    shown = {
        "lanes": _lanes(opened, table, {line.key: line for line in lines}, list(names.values()), whole, url),
        "hours": _hours(opened, table),
        "list": _list(lines),
        "seated": states.count("in_use"),
        "coming": states.count("booked"),
        "total": len(states),
        "seat_mode": not whole,
        "seat_word": {"seats": _("座位"), "appointments": _("找谁")}.get(place.mode, _("场地")),
        "free_url": url,
    }
    return Board(
        shown,
        table,
        [(lane.code, names[lane.id]) for lane in lanes],
        min(table.valid_until, queries.changes_at(bookings, moment)),
    )


def _html(text: str) -> str:
    """`text` as HTML, in a plain string: joined with others it is not escaped again."""
    return str(escape(text))


def _lines(centre: Centre, bookings: Sequence[Listed], names: dict[int, str], moment: datetime) -> list[Line]:
    """The day's bookings, by start."""
    words = {state: _html(state_words(state)) for state in STATES}
    units: dict[int | None, str] = {unit: _html(name) for unit, name in names.items()}
    whole, url = _html(_("整间")), _html(f"/staff/c/{centre.code}/booking/b/")
    lines = []
    for row in bookings:
        state = state_now(row, moment)
        lines.append(
            Line(
                row.id,
                span_words(row.starts_at, row.ends_at, centre.zone),
                units.get(row.unit_id, whole),
                _html(row.title if row.name is None else masked(row.name)),
                show_number(row.number),
                state,
                words[state],
                url + row.number,
            )
        )
    return lines


def _lanes(
    opened: SpaceDay, table: Grid, lines: dict[int | None, Line], names: Sequence[str], whole: bool, url: str
) -> list[tuple[str, Markup]]:
    """The grid's rows with equal neighbours joined: a booking is one cell. Free steps stay apart."""
    walls = [clock_words(start, opened.zone).zfill(5) for start in table.starts]
    url, lanes = _html(url), []
    for row, name in zip(table.rows, names, strict=True):
        cells: list[str] = []
        lane, seat = _html(name), "*" if whole else _html(row.code)
        step, steps = 0, len(walls)
        while step < steps:
            (kind, words, _url), key, first = row.cells[step], row.holders[step], step
            step += 1
            if kind == "free":
                cells.append(
                    f'<td class="free"><a href="{url}seat={seat}&amp;from={walls[first]}" tabindex="-1"'
                    f' aria-label="{lane} {walls[first]} {_html(words)}"></a></td>'
                )
                continue
            while step < steps and row.holders[step] == key and row.cells[step][0] == kind:
                step += 1
            line = lines.get(key)
            if line is not None:
                looks = "using" if line.state == "in_use" else "taken"
                state = f" <small>{line.words}</small>" if step - first > 2 else ""
                inner = f'<a href="{line.url}" tabindex="-1">{line.who}{state}</a>'
            else:
                looks = kind
                unseen = ' class="unseen"' if step - first == 1 or kind == "past" else ""
                inner = f"<span{unseen}>{_html(words)}</span>"
            cells.append(f'<td class="{looks}" colspan="{step - first}">{inner}</td>')
        lanes.append((name, Markup("".join(cells))))  # noqa: S704 - every text in it has passed escape
    return lanes


def _hours(opened: SpaceDay, table: Grid) -> list[dict[str, Any]]:
    """The grid's head: an hour over its steps."""
    hours: list[dict[str, Any]] = []
    for start in table.starts:
        hour = local(start, opened.zone).hour
        if hours and hours[-1]["hour"] == hour:
            hours[-1]["steps"] += 1
        else:
            hours.append({"hour": hour, "words": clock_words(start, opened.zone), "steps": 1})
    return hours


def _list(lines: Sequence[Line]) -> Markup:
    """The list's lines. `row-…` is what a change leads back to."""
    rows = [
        f'<tr{past}><td>{line.when}</td><td>{line.unit}</td><td><a id="row-{line.key}" href="{line.url}">'
        f'<b>{line.who}</b></a></td><td>{line.number}</td><td><span class="{tag}">{line.words}</span></td></tr>'
        for line in lines
        for past, tag in [(' class="past"' if line.state in PAST else "", TAGS.get(line.state, "tag plain"))]
    ]
    return Markup("".join(rows))  # noqa: S704 - every text in it has passed escape
