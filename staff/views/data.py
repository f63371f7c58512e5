"""Master data: one set of pages for whatever an area has declared (core/master.py)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import Response, make_response, render_template, request
from flask_babel import gettext as _

from centres.models import Centre, OrgUnit
from core import files, imports, sheets
from core import master as service
from core.clock import local_day, now
from core.columns import Column, Lines, Wrong
from core.database import db
from core.errors import NotFound, Refused
from core.http import once, repeatable, row_number, see_other, takes_file, uploaded
from core.http import sheets as web_sheets
from core.http.paging import paging
from core.i18n import pick
from core.imports import MOST_ROWS, SHEET, STARTS
from core.master import Master, Wish, masters
from core.words import clock_words
from people.access import actor, grants_roles, require, signed_in
from people.models import Staff
from people.rules import EVERYONE
from staff.views.closing import asked_first
from staff.views.root import blueprint

SPARE_LINES = 3
MOST_PHOTO = 10 * 2**20


@dataclass(frozen=True, slots=True)
class Open:
    """A master as whoever asks may use it at a centre."""

    master: Master
    centre: Centre
    units: Sequence[int]
    """Whose rows are seen."""
    writable: Sequence[int]
    """Whose rows may be changed, the one for new rows first."""
    today: date

    @property
    def url(self) -> str:
        return f"/staff/c/{self.centre.code}/data/{self.master.name}"

    def may_write(self, row: Any) -> bool:
        return row.unit_id in self.writable

    def unit(self) -> int:
        """The unit that new rows and sheets are for: the one asked for, else the nearest."""
        if not self.writable or self.master.fixed:
            raise NotFound(_("这一页没有找到"), _("可能已经换了地方，或者不归您的岗位。请问主管。"))
        asked = request.values.get("unit", None, row_number)
        return asked if asked is not None and asked in self.writable else self.writable[0]


def _open(centre: Centre, name: str) -> Open:
    """The master of the address, for those whose roles it names. Else: not here."""
    master = masters.by_name.get(name)
    if master is None or not grants_roles(signed_in(), centre.id) & master.look:
        raise NotFound(_("这一页没有找到"), _("可能已经换了地方，或者不归您的岗位。请问主管。"))
    units = list(master.units(centre.id))
    writable = [unit for unit in units if grants_roles(signed_in(), unit) & master.write]
    if master.shared and grants_roles(signed_in(), centre.id) & master.write:
        writable = [units[-1], *(unit for unit in writable if unit != units[-1])]
    return Open(master, centre, units, writable, local_day(now(), centre.zone))


def _to_change(opened: Open, row_id: int) -> Any:
    """A row that whoever asks may change."""
    row = service.load(opened.master, row_id, opened.units)
    if not opened.may_write(row):
        owner = db.session.get_one(OrgUnit, row.unit_id)
        raise Refused(
            "not_yours", _("这一条由%(unit)s统一管", unit=owner.name), _("要改请联系他们的主管。"), status=403
        )
    return row


# --- lists ----------------------------------------------------------------------------------------------------------


@blueprint.get("/c/<centre>/data/")
@require(EVERYONE)
def data(centre: Centre) -> Any:
    """Everything that has a list, for those who may see it."""
    roles = grants_roles(signed_in(), centre.id)
    items = [
        {
            "label": str(master.title),
            "note": str(master.note),
            "url": f"/staff/c/{centre.code}/data/{master.name}/",
            "icon": master.icon,
        }
        for master in masters.by_name.values()
        if master.look & roles
    ]
    return render_template("staff/data_home.html", items=items)


@blueprint.get("/c/<centre>/data/<master>/")
@require(EVERYONE)
def data_list(centre: Centre, master: str) -> Any:
    """A list: filtered, sorted, a page at a time; each cell may be changed where it stands."""
    opened = _open(centre, master)
    wish = _wish(opened.master)
    rows, many = service.listed(opened.master, opened.units, wish, opened.today)
    pages = paging(many, service.PAGE, lambda n: _with(opened.url, wish, page=n))
    if pages.page != wish.page:
        rows, many = service.listed(opened.master, opened.units, replace(wish, page=pages.page), opened.today)
    columns = [column for column in opened.master.columns if column.listed]
    grows = bool(opened.writable) and not opened.master.fixed
    names = _unit_names(opened.units)
    return render_template(
        "staff/data_list.html",
        master=opened.master,
        columns=[
            {"column": column, "url": _with(opened.url, wish, sort=column.name, down=_turn(wish, column))}
            for column in columns
        ],
        rows=[
            {
                "id": row.id,
                "label": opened.master.label(row),
                "cells": [_cell(opened, row, column) for column in columns],
                "from": getattr(row, "starts_on", None),
                "to": getattr(row, "ends_on", None),
                "retired": bool(opened.master.retire and getattr(row, opened.master.retire)),
                "unit": names[row.unit_id],
                "photo": _photo(opened.master, row),
                "url": f"{opened.url}/{row.id}/",
            }
            for row in rows
        ],
        many=many,
        wish=wish,
        filters=[
            {"column": column, "value": (wish.filters or {}).get(column.name, "")}
            for column in service.choices(opened.master)
        ],
        states=_states(opened.master),
        paging=pages,
        sheet_url=_with(opened.url, wish, path="sheet"),
        new_url=f"{opened.url}/new" if grows and (opened.master.keys or not many) else None,
        import_url=f"{opened.url}/import" if grows else None,
        sort_name=wish.sort or opened.master.order,
        back_url=f"/staff/c/{centre.code}/data/",
    )


def _wish(master: Master) -> Wish:
    args = request.args
    filters = {column.name: args.get(column.name, "")[:60] for column in service.choices(master)}
    state = args.get("state", "")
    return Wish(
        words=args.get("q", "")[:60],
        filters=filters,
        sort=args.get("sort", "")[:40],
        down=args.get("down") == "1",
        state=state if state in _states(master) else "now",
        page=min(max(1, args.get("page", 1, row_number)), 10_000),
    )


def _states(master: Master) -> dict[str, str]:
    if master.dated:
        return {"now": _("现在生效"), "later": _("以后生效"), "past": _("已经结束"), "all": _("全部")}
    return {"now": _("在用"), "retired": _("停用"), "all": _("全部")} if master.retire else {"now": _("全部")}


def _turn(wish: Wish, column: Column) -> bool:
    return wish.sort == column.name and not wish.down


def _with(
    url: str, wish: Wish, *, path: str = "", sort: str = "", down: bool | None = None, page: int = 1
) -> str:
    """The list's address with this wish, changed in one thing."""
    said = {
        "q": wish.words,
        **(wish.filters or {}),
        "state": "" if wish.state == "now" else wish.state,
        "sort": sort or wish.sort,
        "down": "1" if (wish.down if down is None else down) else "",
        "page": str(page) if page > 1 else "",
    }
    query = urlencode({name: value for name, value in said.items() if value})
    return f"{url}/{path}" + (f"?{query}" if query else "")


def _unit_names(units: Sequence[int]) -> dict[int, str]:
    rows = db.session.scalars(db.select(OrgUnit).where(OrgUnit.id.in_(units)))
    return {row.id: pick(row.name_zh, row.name_en) for row in rows}


def _photo(master: Master, row: Any) -> str:
    """Address of a row's picture; empty: there is none."""
    held = getattr(row, master.photo.removesuffix("_id")) if master.photo else None
    return f"/files/{held.key}" if held is not None else ""


def _cell(opened: Open, row: Any, column: Column) -> dict[str, Any]:
    """One value on a list. In place is changed what is of one line and of no date."""
    master = opened.master
    here = column.here and not column.key and not master.dated and column.kind not in {"lines"}
    return {
        "text": column.show(column.get(row)),
        "number": column.number,
        "short": column.kind not in {"text", "several", "lines"} or column.key,
        "cell_url": f"{opened.url}/{row.id}/cell/{column.name}" if here and opened.may_write(row) else None,
        "label": f"{opened.master.label(row)} {column.label}",
    }


@blueprint.get("/c/<centre>/data/<master>/sheet")
@require(EVERYONE)
def data_sheet(centre: Centre, master: str) -> Response:
    """The list as a sheet, which can be filled in and brought back."""
    opened = _open(centre, master)
    rows = service.every(opened.master, opened.units, _wish(opened.master), opened.today)
    return web_sheets.answer(imports.export(opened.master, rows), f"{opened.master.name}-{opened.today}")


# --- one cell -------------------------------------------------------------------------------------------------------


@blueprint.get("/c/<centre>/data/<master>/<int:row_id>/cell/<column>")
@require(EVERYONE)
def data_cell(centre: Centre, master: str, row_id: int, column: str) -> Any:
    """A cell as a small form; without htmx, the row's own page."""
    opened = _open(centre, master)
    wanted = opened.master.column(column)
    if "HX-Request" not in request.headers:
        return see_other(f"{opened.url}/{row_id}/#f-{wanted.name}")
    return _cell_form(opened, _to_change(opened, row_id), wanted)


def _cell_form(opened: Open, row: Any, column: Column, wrong: str = "") -> str:
    return render_template(
        "staff/_data_cell.html",
        column=column,
        value=column.get(row),
        url=f"{opened.url}/{row.id}/cell/{column.name}",
        shown_url=f"{opened.url}/{row.id}/shown/{column.name}",
        seen=opened.master.version(row),
        label=f"{opened.master.label(row)} {column.label}",
        wrong=wrong,
    )


@blueprint.get("/c/<centre>/data/<master>/<int:row_id>/shown/<column>")
@require(EVERYONE)
def data_shown(centre: Centre, master: str, row_id: int, column: str) -> Any:
    """A cell as it stands: «不改了»."""
    opened = _open(centre, master)
    row = service.load(opened.master, row_id, opened.units)
    return render_template("staff/_data_shown.html", cell=_cell(opened, row, opened.master.column(column)))


@blueprint.post("/c/<centre>/data/<master>/<int:row_id>/cell/<column>")
@require(EVERYONE)
@once
def data_set_cell(centre: Centre, master: str, row_id: int, column: str) -> Any:
    """Change one value where it stands."""
    opened = _open(centre, master)
    of_row = _to_change(opened, row_id)
    wanted = opened.master.column(column)
    if wanted.key or opened.master.dated:
        raise Refused("not_here", _("这一栏不能在这里改"), _("请打开这一条再改。"), status=422)
    try:
        values = {wanted.name: wanted.typed(request.form.getlist)}
        row = service.change(
            actor(),
            opened.master,
            of_row.id,
            opened.units,
            values,
            today=opened.today,
            seen=request.form.get("seen", ""),
        )
    except (Wrong, Refused) as fault:
        if "HX-Request" not in request.headers:
            raise _as_refusal(fault) from None
        db.session.rollback()  # the form shows the row as it stands
        row = _to_change(opened, row_id)
        words = f"{fault.what} {fault.right}" if isinstance(fault, Wrong) else f"{fault.title} {fault.text}"
        return make_response(_cell_form(opened, row, wanted, words), 422)
    if "HX-Request" not in request.headers:
        return see_other(f"{opened.url}/")
    return render_template("staff/_data_shown.html", cell=_cell(opened, row, wanted))


def _as_refusal(fault: Wrong | Refused) -> Refused:
    return Refused("value_odd", fault.what, fault.right, status=422) if isinstance(fault, Wrong) else fault


# --- one row --------------------------------------------------------------------------------------------------------


@blueprint.get("/c/<centre>/data/<master>/new")
@require(EVERYONE)
def data_new(centre: Centre, master: str) -> Any:
    """The empty form."""
    opened = _open(centre, master)
    opened.unit()
    begin = {one.name: one.start for one in opened.master.columns if one.start is not None}
    return _form(opened, None, begin, {})


@blueprint.post("/c/<centre>/data/<master>/new")
@require(EVERYONE)
@once
def data_add(centre: Centre, master: str) -> Any:
    """Add a row."""
    opened = _open(centre, master)
    unit = opened.unit()
    values, wrongs = _typed(opened.master.columns)
    starts = _starts(opened, wrongs)
    if wrongs:
        return make_response(_form(opened, None, values, wrongs), 422)
    service.create(actor(), opened.master, unit, values, today=opened.today, starts_on=starts)
    return see_other(f"{opened.url}/" + ("?state=later" if starts and starts > opened.today else ""))


@blueprint.get("/c/<centre>/data/<master>/<int:row_id>/")
@require(EVERYONE)
def data_edit(centre: Centre, master: str, row_id: int) -> Any:
    """One row: every value, what hangs on it, its picture."""
    opened = _open(centre, master)
    row = service.load(opened.master, row_id, opened.units)
    return _form(opened, row, opened.master.values(row), {})


@blueprint.post("/c/<centre>/data/<master>/<int:row_id>/")
@require(EVERYONE)
@once
def data_save(centre: Centre, master: str, row_id: int) -> Any:
    """Change a row; what is dated, from a day on."""
    opened = _open(centre, master)
    row = _to_change(opened, row_id)
    values, wrongs = _typed([column for column in opened.master.columns if not column.key])
    starts = _starts(opened, wrongs)
    if wrongs:
        return make_response(_form(opened, row, {**opened.master.values(row), **values}, wrongs), 422)
    change = partial(
        service.change,
        actor(),
        opened.master,
        row.id,
        opened.units,
        values,
        today=opened.today,
        seen=request.form.get("seen", ""),
        starts_on=starts,
    )
    done = see_other(f"{opened.url}/" + ("?state=later" if starts and starts > opened.today else ""))
    return asked_first(centre, f"{opened.url}/{row_id}/", change, done)


def _typed(columns: Sequence[Column]) -> tuple[dict[str, Any], dict[str, Wrong]]:
    """What the form says, and which fields cannot be taken."""
    values, wrongs = {}, {}
    for column in columns:
        try:
            values[column.name] = column.typed(request.form.getlist)
        except Wrong as wrong:
            wrongs[column.name] = wrong
    return values, wrongs


def _starts(opened: Open, wrongs: dict[str, Wrong]) -> date | None:
    if not opened.master.dated:
        return None
    try:
        found: date | None = STARTS.typed(request.form.getlist)
    except Wrong as wrong:
        wrongs["starts_on"] = wrong
        return None
    return found


def _form(opened: Open, row: Any, values: Mapping[str, Any], wrongs: Mapping[str, Wrong]) -> str:
    master = opened.master
    may = row is None or opened.may_write(row)
    url = f"{opened.url}/{row.id}" if row is not None else f"{opened.url}/new"
    owner = db.session.get_one(OrgUnit, row.unit_id) if row is not None else None
    retired = bool(row is not None and master.retire and getattr(row, master.retire))
    return render_template(
        "staff/data_edit.html",
        master=master,
        row=row,
        label=master.label(row) if row is not None else "",
        fields=[_field(column, values, wrongs, typed=bool(wrongs)) for column in master.columns],
        wrongs=wrongs,
        may=may,
        owner=pick(owner.name_zh, owner.name_en) if owner is not None else "",
        seen=master.version(row) if row is not None else "",
        save_url=f"{url}/" if row is not None else url,
        starts_wrong=wrongs.get("starts_on"),
        starts=request.form.get("starts_on")
        or str(opened.today + timedelta(days=1 if row is not None else 0)),
        today=opened.today,
        tomorrow=opened.today + timedelta(days=1),
        span=(row.starts_on, row.ends_on) if row is not None and master.dated else None,
        units=_unit_names(opened.writable) if row is None and len(opened.writable) > 1 else {},
        unit=opened.unit() if row is None else None,
        hanging=service.dependants(master, row, f"/staff/c/{opened.centre.code}") if row is not None else [],
        retired=retired,
        act_url=url,
        photo=_photo(master, row) if row is not None else "",
        picture=master.picture(row) if row is not None and master.picture else "",
        history_url=f"{url}/history" if row is not None else None,
        back_url=f"{opened.url}/",
    )


def _field(
    column: Column, values: Mapping[str, Any], wrongs: Mapping[str, Wrong], *, typed: bool
) -> dict[str, Any]:
    """A field of the form: with what was typed, where it was sent and not taken."""
    value = values.get(column.name, column.empty)
    raw = request.form.getlist(column.name) if typed else []
    shown: dict[str, Any] = {
        "column": column,
        "value": raw[0] if raw and column.kind not in {"several", "flag"} else column.fill(value),
        "chosen": raw if typed else value or [],
        "wrong": wrongs.get(column.name),
    }
    if isinstance(column, Lines):
        shown["lines"] = _lines(column, value, typed=typed)
    return shown


def _lines(column: Lines, value: Sequence[Mapping[str, Any]], *, typed: bool) -> list[list[dict[str, Any]]]:
    if typed:
        fields = [request.form.getlist(f"{column.name}.{one.name}") for one in column.columns]
        texts = [list(row) for row in zip(*fields, strict=False)]
    else:
        texts = [[one.fill(line.get(one.name)) for one in column.columns] for line in value]
        spare = min(SPARE_LINES, column.most - len(texts))
        texts += [["" for _one in column.columns] for _n in range(spare)]
    return [
        [{"column": one, "value": text} for one, text in zip(column.columns, row, strict=True)]
        for row in texts
    ]


@blueprint.get("/c/<centre>/data/<master>/<int:row_id>/history")
@require(EVERYONE)
def data_history(centre: Centre, master: str, row_id: int) -> Any:
    """Who changed what from what to what; of what is dated, every stretch of it."""
    opened = _open(centre, master)
    row = service.load(opened.master, row_id, opened.units)
    found = service.history(opened.master, row)
    people = {one.actor_id for one in found if one.actor_kind == "staff"}
    names = {one.id: one.name for one in db.session.scalars(db.select(Staff).where(Staff.id.in_(people)))}
    known = {column.name: column for column in opened.master.columns}
    return render_template(
        "staff/data_history.html",
        lead=opened.master.title,
        label=opened.master.label(row),
        rows=[
            {
                "day": local_day(one.at, centre.zone),
                "time": clock_words(one.at, centre.zone),
                "who": names.get(one.actor_id, _("系统")) if one.actor_kind == "staff" else _("系统"),
                "what": _verb_words(one.verb.partition(".")[2]),
                "changes": _changes(known, one.detail),
                "from": one.detail.get("from"),
                "to": one.detail.get("to"),
            }
            for one in found
        ],
        stretches=[
            {
                "from": one.starts_on,
                "to": one.ends_on,
                "now": one.starts_on <= opened.today and (one.ends_on is None or opened.today < one.ends_on),
                "words": [
                    (str(column.label), column.show(column.get(one)))
                    for column in opened.master.columns
                    if column.listed and not column.key and column.get(one) not in (None, "", [])
                ],
            }
            for one in (service.line(opened.master, row) if opened.master.dated else [])
        ],
        back_url=f"{opened.url}/{row.id}/",
    )


def _verb_words(verb: str) -> str:
    return {
        "added": _("新加"),
        "changed": _("改了"),
        "ended": _("到期"),
        "removed": _("删掉"),
        "retired": _("停用"),
        "brought_back": _("恢复"),
        "photo": _("换照片"),
        "set": _("改了"),
    }.get(verb, verb)


def _changes(known: Mapping[str, Column], detail: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(what, before, after) of one entry."""
    old, new = detail.get("old", {}), detail.get("new", {})
    return [
        (str(known[name].label), known[name].show(old[name]) if name in old else "", known[name].show(value))
        for name, value in new.items()
        if name in known and (name in old or value not in (None, "", [], False))
    ]


@blueprint.post("/c/<centre>/data/<master>/<int:row_id>/<verb>")
@require(EVERYONE)
@once
def data_act(centre: Centre, master: str, row_id: int, verb: str) -> Response:
    """Retire, bring back, end from a day on, or take the picture away."""
    opened = _open(centre, master)
    row = _to_change(opened, row_id)
    of = opened.master
    if verb in {"retire", "back"} and of.retire:
        service.retire(actor(), of, row.id, opened.units, back=verb == "back")
    elif verb == "end" and of.dated:
        try:
            day = STARTS.typed(request.form.getlist)
        except Wrong as wrong:
            raise Refused("day_odd", wrong.what, wrong.right, status=422) from None
        service.end(actor(), of, row.id, opened.units, day or opened.today, today=opened.today)
    elif verb == "no-photo" and of.photo:
        service.set_photo(actor(), of, row.id, opened.units, None)
    else:
        raise NotFound(_("这一页没有找到"))
    return see_other(f"{opened.url}/" if verb == "end" else f"{opened.url}/{row.id}/")


@blueprint.post("/c/<centre>/data/<master>/<int:row_id>/photo")
@takes_file(MOST_PHOTO)
@require(EVERYONE)
@repeatable
def data_photo(centre: Centre, master: str, row_id: int) -> Response:
    """Another picture. It is drawn anew before the database is asked for anything."""
    opened = _open(centre, master)
    row = _to_change(opened, row_id)
    if not opened.master.photo:
        raise NotFound(_("这一页没有找到"))
    row_known = row.id
    ready = files.prepare(uploaded("photo"), opened.master.photo_kind)
    service.set_photo(actor(), opened.master, row_known, opened.units, ready)
    return see_other(f"{opened.url}/{row_known}/")


# --- sheets ---------------------------------------------------------------------------------------------------------


@blueprint.get("/c/<centre>/data/<master>/import")
@require(EVERYONE)
def data_import(centre: Centre, master: str) -> Any:
    """Choose a sheet."""
    opened = _open(centre, master)
    unit = opened.unit()
    return render_template(
        "staff/data_import.html",
        title=_("导入%(what)s", what=str(opened.master.title)),
        upload_url=f"{opened.url}/import",
        example_url=f"{opened.url}/sheet",
        units=_unit_names(opened.writable) if len(opened.writable) > 1 else {},
        unit=unit,
        most_rows=MOST_ROWS,
        columns=[column for column in imports.sheet_columns(opened.master) if column.name != "ends_on"],
        back_url=f"{opened.url}/",
    )


@blueprint.post("/c/<centre>/data/<master>/import")
@takes_file(sheets.MOST_BYTES)
@require(EVERYONE)
@repeatable
def data_upload(centre: Centre, master: str) -> Response:
    """Keep the sheet, sealed and for some hours, and show what it would do. Nothing of it is written yet."""
    opened = _open(centre, master)
    unit = opened.unit()
    row = files.keep(actor(), files.prepare(uploaded("sheet"), SHEET.name), unit)
    return see_other(f"{opened.url}/import/{row.key}")


@blueprint.get("/c/<centre>/data/<master>/import/<key>")
@require(EVERYONE)
def data_preview(centre: Centre, master: str, key: str) -> Any:
    """Every wrong cell, or what will be written."""
    opened = _open(centre, master)
    row, data = web_sheets.waiting(key, SHEET.name, opened.writable)
    made = imports.plan(opened.master, row.unit_id or 0, data, opened.today)
    return web_sheets.preview(
        _("导入%(what)s", what=str(opened.master.title)),
        made,
        row,
        f"{opened.url}/import/{key}",
        f"{opened.url}/import",
        f"{opened.url}/",
    )


@blueprint.post("/c/<centre>/data/<master>/import/<key>")
@require(EVERYONE)
@once
def data_confirm(centre: Centre, master: str, key: str) -> Response:
    """«导入这 N 行»: the same bytes, all of them or nothing. The sheet goes with the deed, so that once is once. Where
    it puts somebody's booking or meal into closed time, a page asks first, as after the form."""
    opened = _open(centre, master)
    row, data = web_sheets.waiting(key, SHEET.name, opened.writable)
    web_sheets.same_bytes(row)
    unit = row.unit_id or 0
    made = imports.plan(opened.master, unit, data, opened.today)
    deed = partial(
        imports.apply,
        actor(),
        opened.master,
        unit,
        made,
        opened.today,
        lambda: web_sheets.used_up(actor(), row),
    )
    return asked_first(centre, f"{opened.url}/import/{key}", deed, see_other(f"{opened.url}/?state=all"))
