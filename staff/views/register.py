"""The elders' register from a sheet: every wrong cell first, then all rows or none."""

from typing import Any

from flask import Response, render_template
from flask_babel import gettext as _

from centres.models import Centre
from centres.queries import district_of
from core import files, sheets
from core.database import unit_of_work
from core.http import personal, repeatable, see_other, takes_file, uploaded
from core.http import sheets as web_sheets
from people.access import actor, require
from people.rules import MANAGERS
from people.services import register
from staff.views.root import blueprint


def _url(centre: Centre) -> str:
    return f"/staff/c/{centre.code}/register"


@blueprint.get("/c/<centre>/register")
@require(MANAGERS)
def register_import(centre: Centre) -> Any:
    """Choose a sheet; what may stand in it."""
    return render_template(
        "staff/data_import.html",
        title=_("导入老人名册"),
        upload_url=_url(centre),
        example_url=f"{_url(centre)}/empty",
        units={},
        unit=None,
        most_rows=register.MOST_ROWS,
        columns=register.columns(),
        back_url=f"/staff/c/{centre.code}/people/",
    )


@blueprint.get("/c/<centre>/register/empty")
@require(MANAGERS)
def register_empty(centre: Centre) -> Response:
    """A sheet with nothing but the heads."""
    heads = [sheets.Head(str(column.label), 16) for column in register.columns()]
    return web_sheets.answer(sheets.write(sheets.Page(_("老人名册"), heads, [])), f"register-{centre.code}")


@blueprint.post("/c/<centre>/register")
@takes_file(sheets.MOST_BYTES)
@require(MANAGERS)
@repeatable
def register_upload(centre: Centre) -> Response:
    """Keep the sheet, sealed and for some hours, and show what it would do."""
    row = files.keep(actor(), files.prepare(uploaded("sheet"), register.SHEET.name), centre.id)
    return see_other(f"{_url(centre)}/{row.key}")


@blueprint.get("/c/<centre>/register/<key>")
@require(MANAGERS)
def register_preview(centre: Centre, key: str) -> Response:
    """Every wrong cell, or what will be written; names are masked."""
    row, data = web_sheets.waiting(key, register.SHEET.name, [centre.id])
    made = register.plan(district_of(centre.id), centre.id, data)
    back = f"/staff/c/{centre.code}/people/"
    url = f"{_url(centre)}/{key}"
    return personal(web_sheets.preview(_("导入老人名册"), made, row, url, _url(centre), back))


@blueprint.post("/c/<centre>/register/<key>")
@require(MANAGERS)
@repeatable
def register_confirm(centre: Centre, key: str) -> Response:
    """«导入这 N 行»: the same bytes, all of them or nothing; the sheet goes with the deed."""
    row, data = web_sheets.waiting(key, register.SHEET.name, [centre.id])
    web_sheets.same_bytes(row)
    district, where = district_of(centre.id), centre.id
    made = register.plan(district, where, data)
    with unit_of_work():
        web_sheets.used_up(actor(), row)
        register.apply(actor(), district, where, made)
    return see_other(f"/staff/c/{centre.code}/people/")
