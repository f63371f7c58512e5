"""Figures of a period: each with its formula, its denominator and the rows behind it; reports that stay as taken."""

from datetime import date, timedelta
from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _

from centres.models import Centre
from core import figures as service
from core.clock import YEARS, local_day, now
from core.database import db
from core.errors import NotFound, Refused
from core.figures import Counted, FigureReport, Measure, measures
from core.http import once, see_other
from core.http import sheets as web_sheets
from core.http.paging import paging
from core.money import in_yuan, yuan
from core.sheets import Head, Page, write
from core.words import clock_words
from people.access import actor, require
from people.models import Staff
from people.rules import MANAGERS
from staff.views.root import blueprint

READERS = MANAGERS | {"accountant"}
PAGE = 100


def _url(centre: Centre) -> str:
    return f"/staff/c/{centre.code}/figures"


def _period(centre: Centre) -> tuple[date, date]:
    """The days asked for, both included; this month so far where none are."""
    today = local_day(now(), centre.zone)
    try:
        first = date.fromisoformat(request.values.get("from") or str(today.replace(day=1)))
        last = date.fromisoformat(request.values.get("to") or str(today))
    except ValueError:
        first, last = date.min, date.min
    if first.year not in YEARS or last.year not in YEARS:
        raise Refused("period_odd", _("日期请再看看"), _("比如 2026-11-24。"), status=422)
    service.check_period(first, last + timedelta(days=1))
    return first, last


def _measure(name: str) -> Measure:
    found = measures.by_name.get(name)
    if found is None:
        raise NotFound(_("没有这个数字"))
    return found


def _card(measure: Measure, value: int, denominator: int | None, url: str) -> dict[str, Any]:
    money = measure.unit in {"fen", "fen_each"}
    return {
        "label": str(measure.label),
        "value": service.in_words(measure.unit, value, denominator),
        "formula": str(measure.formula),
        "top": yuan(value) if money else str(value),
        "of": str(measure.of),
        "bottom": denominator,
        "url": url,
    }


@blueprint.get("/c/<centre>/figures")
@require(READERS)
def figures(centre: Centre) -> Any:
    """Every figure of a period as it is now, and the reports that were kept."""
    first, last = _period(centre)
    cards = []
    for measure in measures.by_name.values():
        found = measure.compute(centre.id, first, last + timedelta(days=1))
        url = f"{_url(centre)}/now/{measure.name}?from={first}&to={last}"
        cards.append(_card(measure, found.value, found.denominator, url))
    return render_template(
        "staff/figures.html",
        cards=cards,
        first=first,
        last=last,
        report=None,
        taken=_now_words(centre),
        reports=[_report(centre, row) for row in service.reports(centre.id)],
        take_url=_url(centre),
        back_url=None,
    )


def _now_words(centre: Centre) -> str:
    moment = now()
    return _(
        "%(day)s %(time)s 的数", day=local_day(moment, centre.zone), time=clock_words(moment, centre.zone)
    )


def _report(centre: Centre, row: FigureReport) -> dict[str, Any]:
    who = db.session.scalar(db.select(Staff.name).where(Staff.id == row.staff_id)) if row.staff_id else ""
    return {
        "first": row.starts_on,
        "last": row.ends_on - timedelta(days=1),
        "day": local_day(row.made_at, centre.zone),
        "time": clock_words(row.made_at, centre.zone),
        "who": who or "",
        "url": f"{_url(centre)}/{row.id}/",
    }


@blueprint.post("/c/<centre>/figures")
@require(READERS)
@once
def take_figures(centre: Centre) -> Response:
    """Keep the figures of a period as they are now."""
    first, last = _period(centre)
    report = service.take(actor(), centre.id, first, last + timedelta(days=1))
    return see_other(f"{_url(centre)}/{report.id}/")


@blueprint.get("/c/<centre>/figures/<int:report_id>/")
@require(READERS)
def figure_report(centre: Centre, report_id: int) -> Any:
    """A report as it was taken."""
    row = service.report_of(centre.id, report_id)
    shown = _report(centre, row)
    return render_template(
        "staff/figures.html",
        cards=[
            _card(_measure(one.name), one.value, one.denominator, f"{shown['url']}{one.name}")
            for one in row.numbers
            if one.name in measures.by_name
        ],
        first=shown["first"],
        last=shown["last"],
        report=shown,
        taken=_("%(day)s %(time)s 存下的", day=shown["day"], time=shown["time"]),
        reports=[],
        take_url=None,
        back_url=f"{_url(centre)}?from={shown['first']}&to={shown['last']}",
    )


@blueprint.get("/c/<centre>/figures/now/<name>")
@require(READERS)
def figure_now(centre: Centre, name: str) -> Any:
    """The rows behind a figure, as they are now."""
    first, last = _period(centre)
    measure = _measure(name)
    found = measure.compute(centre.id, first, last + timedelta(days=1))
    back = f"{_url(centre)}?from={first}&to={last}"
    return _rows(measure, found, first, last, _now_words(centre), back)


@blueprint.get("/c/<centre>/figures/<int:report_id>/<name>")
@require(READERS)
def figure_kept(centre: Centre, report_id: int, name: str) -> Any:
    """The rows behind a figure of a report, as they were when it was taken."""
    row = service.report_of(centre.id, report_id)
    number = next((one for one in row.numbers if one.name == name), None)
    if number is None:
        raise NotFound(_("没有这个数字"))
    shown = _report(centre, row)
    found = Counted(number.value, number.denominator, service.unpack(number.rows))
    taken = _("%(day)s %(time)s 存下的", day=shown["day"], time=shown["time"])
    return _rows(_measure(name), found, shown["first"], shown["last"], taken, shown["url"])


def _rows(measure: Measure, found: Counted, first: date, last: date, taken: str, back_url: str) -> Any:
    """A list a page at a time, or a sheet of all of them."""
    if request.args.get("as") == "xlsx":
        return web_sheets.answer(_sheet(measure, found, first, last, taken), f"{measure.name}-{first}-{last}")
    here = request.path + f"?from={first}&to={last}"
    pages = paging(len(found.rows), PAGE, lambda n: f"{here}&page={n}")
    return render_template(
        "staff/figure.html",
        card=_card(measure, found.value, found.denominator, ""),
        columns=[{"label": str(head), "number": n in measure.fen} for n, head in enumerate(measure.heads)],
        rows=[
            [yuan(int(cell)) if n in measure.fen else cell for n, cell in enumerate(row)]
            for row in pages.of(found.rows)
        ],
        many=len(found.rows),
        first=first,
        last=last,
        taken=taken,
        paging=pages,
        sheet_url=f"{here}&as=xlsx",
        back_url=back_url,
    )


def _sheet(measure: Measure, found: Counted, first: date, last: date, taken: str) -> bytes:
    value = service.in_words(measure.unit, found.value, found.denominator)
    notes = [
        f"{measure.label}: {value}",
        _("%(first)s 到 %(last)s", first=first, last=last),
        f"{measure.formula}",
        taken,
    ]
    rows = [[in_yuan(cell) if n in measure.fen else cell for n, cell in enumerate(row)] for row in found.rows]
    heads = [Head(str(head), 14, n in measure.fen) for n, head in enumerate(measure.heads)]
    return write(Page(str(measure.label), heads, rows, notes))
