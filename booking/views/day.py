"""The whole day at a glance: every seat × every step. The most drawn table of all, so it is kept while it is true."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import render_template, request
from flask_babel import gettext as _
from markupsafe import Markup

from booking import queries
from booking.forms import parse_day
from booking.grid import Row, grid
from booking.models import Space
from booking.opening import space_day
from booking.views.root import blueprint, load_space, space_url
from core.clock import local_day, now
from core.http import digest, draw, not_modified
from core.http.paging import Paging, page_in
from core.kept import Kept
from core.words import full_day, inside
from kiosk.session import at_kiosk, prefs, show_centre

GRID_ROWS, GRID_ROWS_FEW, MOST_PAGES = 16, 8, 99


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn table, or one page of it. Until `valid_until` only a change that is counted makes it untrue."""

    html: Markup
    page: int
    pages: int
    valid_until: datetime
    etag: str
    """What the fragment is known by: the same in every process that drew it."""


DRAWN: Kept[tuple[object, ...], Drawn] = Kept(64)


@blueprint.get("/spaces/<space>/<day>/grid")
def day_grid(code: str, space: str, day: str) -> Any:
    """The table alone for whoever polls, the page otherwise. Its version is read in this very request."""
    the_day, moment = parse_day(day), now()
    poll = "X-Poll" in request.headers
    stamp = queries.day_stamp(code, space, the_day) if poll else None
    if stamp is not None:
        key = (
            *_key(stamp.space_id, stamp.number, stamp.settings, the_day, local_day(moment, stamp.zone), 0),
            0,
        )
        drawn = DRAWN.get(key)
        if drawn is not None and moment < drawn.valid_until:
            return not_modified(drawn.etag) or drawn.html
    found = queries.space_on(code, space, the_day)
    if found is None:
        load_space(code, space)  # says what is missing
        raise LookupError(space)
    place, number = found
    centre = show_centre(place.centre)
    today = local_day(moment, centre.zone)
    paged = not poll and at_kiosk()
    asked = min(max(1, request.args.get("page", 1, int)), MOST_PAGES) if paged else 0
    many = _rows_a_page()
    key = (*_key(place.id, number, centre.settings_version, the_day, today, asked), many if asked else 0)
    drawn = DRAWN.get(key)
    if drawn is None or moment >= drawn.valid_until:
        drawn = _draw(place, the_day, today, moment, asked, many)
        DRAWN.put(key, drawn)
    if poll:
        return not_modified(drawn.etag) or drawn.html
    url = f"{space_url(centre, place)}/{the_day}"
    return render_template(
        "booking/day.html",
        grid_html=drawn.html,
        space_name=place.name,
        date_label=full_day(the_day, today),
        paging=Paging.at(drawn.page, drawn.pages, many, lambda n: f"{url}/grid?page={n}"),
        times_url=f"{url}/times",
        back_url=f"{url}/times",
    )


def _key(space: int, number: int, settings: int, day: date, today: date, page: int) -> tuple[object, ...]:
    return (space, day, number, settings, today, prefs()["lang"], page)


def _rows_a_page() -> int:
    few = prefs()["text"] == "elder" or prefs()["reach"] == "low"
    return GRID_ROWS_FEW if few else GRID_ROWS


def _cells(rows: Sequence[Row]) -> list[tuple[str, Markup]]:
    """Each row's cells as HTML: every kind of cell is written once."""
    kinds = {cell for row in rows for cell in row.cells}
    html = {cell: str(Markup('<td class="{}">{}</td>').format(cell[0], cell[1])) for cell in kinds}
    lines = [(row.code, "".join(map(html.__getitem__, row.cells))) for row in rows]
    return [(code, Markup(cells)) for code, cells in lines]  # noqa: S704 - escaped when each kind was written


def _draw(place: Space, day: date, today: date, moment: datetime, asked: int, many: int) -> Drawn:
    """The table of a day; `asked` is the page of it, 0 for the whole."""
    table = grid(space_day(place, day), queries.lanes(place), moment)
    page, pages = page_in(asked, len(table.rows), many) if asked else (1, 1)
    html = draw(
        "booking/grid.html",
        caption=_(
            "%(space)s，%(day)s，每个座位每段时间空不空", space=place.name, day=inside(full_day(day, today))
        ),
        heads=table.heads,
        rows=_cells(table.rows[(page - 1) * many : page * many] if asked else table.rows),
    )
    return Drawn(html, page, pages, table.valid_until, digest(html))
