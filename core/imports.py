"""Bringing master data in from a sheet: first every wrong cell is shown, then the same bytes are written, or none."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from flask_babel import force_locale, lazy_gettext
from flask_babel import gettext as _
from sqlalchemy import select

from core import master as masters
from core.audit import Actor
from core.columns import Column, Day, Wrong
from core.database import db, unit_of_work
from core.errors import Refused
from core.files import FileKind
from core.i18n import LANGUAGES
from core.master import Master
from core.sheets import MOST_BYTES, Fault, Head, Page, Read, read, write

KEPT = timedelta(hours=12)
MOST_ROWS = 3000
SHOWN_FAULTS = 200


def _as_it_is(data: bytes) -> bytes:
    return data


SHEET = FileKind(
    "sheet.master",
    "application/zip",  # what a sheet is; its own name is longer than the column
    MOST_BYTES,
    _as_it_is,
    sealed=True,
    lasts=KEPT,
)
"""A sheet between its preview and its confirmation. It may name people: sealed, read by no address."""
STARTS = Day(
    name="starts_on", label=lazy_gettext("从哪天起"), hint=lazy_gettext("比如 2026-11-24。"), blank=True
)
ENDS = Day(name="ends_on", label=lazy_gettext("到哪天前"), blank=True)


@dataclass(frozen=True, slots=True)
class Step:
    """What one row of a sheet will do. verb: new, change or same."""

    number: int
    verb: str
    label: str
    values: Mapping[str, Any]
    row_id: int | None = None
    starts_on: date | None = None
    note: str = ""


@dataclass(slots=True)
class Plan:
    """What a sheet will do, or every cell that keeps it from doing anything."""

    steps: list[Step] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def many(self, verb: str) -> int:
        """How many rows do this."""
        return sum(step.verb == verb for step in self.steps)

    @property
    def writes(self) -> list[Step]:
        """Rows that change something."""
        return [step for step in self.steps if step.verb != "same"]


def heads(columns: Sequence[Column]) -> dict[str, list[str]]:
    """Column's name → the heads under which it may stand: its label in every language, and the name itself."""
    found: dict[str, list[str]] = {column.name: [str(column.label)] for column in columns}
    for language in LANGUAGES:
        with force_locale(language):
            for column in columns:
                found[column.name].append(str(column.label))
    return {name: [*labels, name] for name, labels in found.items()}


def take_values(sheet: Read, number: int, columns: Iterable[Column], faults: list[Fault]) -> dict[str, Any]:
    """The values of one row; what cannot be taken becomes a fault. Columns that the sheet lacks are left out."""
    bad = {fault.cell for fault in sheet.faults}
    found = {}
    for column in columns:
        letter = sheet.letters.get(column.name)
        if letter is None or f"{letter}{number}" in bad:
            continue
        raw = sheet.rows[number].get(column.name)
        try:
            found[column.name] = column.read(raw)
        except Wrong as wrong:
            said = "" if raw is None else str(raw)[:60]
            faults.append(Fault(f"{letter}{number}", said, wrong.what, wrong.right))
    return found


@dataclass(frozen=True, slots=True)
class RegisterPart:
    """What an area adds to the register of residents: columns, and the verb that writes what they say of a person.

    check(values): raises Wrong. write(actor, resident id, values) runs in the import's unit of work.
    """

    columns: Sequence[Column]
    write: Callable[[Actor, int, Mapping[str, Any]], None]
    check: Callable[[Mapping[str, Any]], None] | None = None


# --- masters --------------------------------------------------------------------------------------------------------


def sheet_columns(master: Master) -> list[Column]:
    """The columns of a master's sheet."""
    return [*master.columns, *((STARTS, ENDS) if master.dated else ())]


def export(master: Master, rows: Sequence[Any]) -> bytes:
    """Rows as a sheet that can be brought in again."""
    columns = sheet_columns(master)
    page = Page(
        str(master.title),
        [Head(str(column.label), 24 if column.kind in {"lines", "several"} else 14) for column in columns],
        [[column.cell(column.get(row)) for column in columns] for row in rows],
    )
    return write(page)


def plan(master: Master, unit_id: int, data: bytes, today: date) -> Plan:
    """What a sheet would do to the rows of a unit. Changes nothing."""
    columns = sheet_columns(master)
    needed = [column.name for column in master.columns if column.key]
    sheet = read(data, heads(columns), needed, MOST_ROWS)
    made = Plan(faults=list(sheet.faults))
    seen: dict[tuple[Any, ...], int] = {}
    there = _rows_by_key(master, unit_id)
    for number in sheet.rows:
        before = len(made.faults)
        values = take_values(sheet, number, columns, made.faults)
        if len(made.faults) > before or any(name not in values for name in needed):
            continue
        starts, ends = values.pop("starts_on", None), values.pop("ends_on", None)
        key = tuple(values[name] for name in needed)
        at = f"{sheet.letters[needed[0] if needed else next(iter(sheet.letters))]}{number}"
        twice = seen.setdefault((*key, starts), number)
        if twice != number:
            wrong = _("和第 %(n)d 行是同一条", n=twice)
            made.faults.append(Fault(at, str(key[0]), wrong, _("两行里留一行。")))
            continue
        lines = there.get(key, [])
        step = (
            _dated_step(master, lines, number, values, starts, ends, today, made, sheet)
            if master.dated
            else _plain_step(master, lines, number, values)
        )
        if step is not None and _fits(master, unit_id, step, lines, at, made):
            made.steps.append(step)
    if not sheet.rows and not made.faults:
        raise Refused("sheet_empty", _("表里没有内容"), _("表头下面至少要有一行。"), status=422)
    return made


def _rows_by_key(master: Master, unit_id: int) -> dict[tuple[Any, ...], list[Any]]:
    found: dict[tuple[Any, ...], list[Any]] = {}
    for row in db.session.scalars(select(master.model).where(master.model.unit_id == unit_id)):
        found.setdefault(tuple(column.get(row) for column in master.keys), []).append(row)
    return found


def _plain_step(master: Master, lines: Sequence[Any], number: int, values: dict[str, Any]) -> Step:
    if not lines:
        return Step(number, "new", str(values.get("name_zh", "")), values)
    row = lines[0]
    now = master.values(row)
    new = {name: value for name, value in values.items() if now[name] != value}
    words = changes_words(master, now, new)
    return Step(number, "change" if new else "same", master.label(row), values, row.id, note=words)


def _dated_step(
    master: Master,
    lines: Sequence[Any],
    number: int,
    values: dict[str, Any],
    starts: date | None,
    ends: date | None,
    today: date,
    made: Plan,
    sheet: Read,
) -> Step | None:
    day = starts or today
    exact = next((row for row in lines if row.starts_on == day), None)
    force = exact or next(
        (r for r in lines if r.starts_on <= day and (r.ends_on is None or day < r.ends_on)), None
    )
    letter = sheet.letters.get("starts_on", sheet.letters[master.keys[0].name])
    if ends is not None and (exact is None or exact.ends_on != ends):
        cell = f"{sheet.letters['ends_on']}{number}"
        made.faults.append(
            Fault(cell, str(ends), _("结束的日子不从表里改"), _("空着，或在页面上点“到哪天为止”。"))
        )
        return None
    now = master.values(force) if force is not None else {}
    new = {name: value for name, value in values.items() if not now or now[name] != value}
    label = master.label(force) if force is not None else str(values.get("name_zh", ""))
    if not new:
        return Step(number, "same", label, values, force.id if force is not None else None, day)
    if day < today or (exact is not None and day <= today):
        right = _("写 %(day)s 或以后。", day=today if exact is None else today + timedelta(days=1))
        made.faults.append(Fault(f"{letter}{number}", str(day), _("过去的日子不能改"), right))
        return None
    if force is None:
        return Step(number, "new", label, values, None, day)
    return Step(number, "change", label, values, force.id, day, changes_words(master, now, new))


def _fits(master: Master, unit_id: int, step: Step, lines: Sequence[Any], at: str, made: Plan) -> bool:
    """Whether the whole row fits together, and a new one says all it must."""
    missing = [column for column in master.columns if column.required and column.name not in step.values]
    if step.verb == "new" and missing:
        text = _("新的一条还要有这一栏：%(name)s", name=str(missing[0].label))
        made.faults.append(Fault(at, "", text, str(missing[0].hint)))
        return False
    if master.check is None or step.verb == "same":
        return True
    trial = master.model(unit_id=unit_id)
    known = master.values(next(row for row in lines if row.id == step.row_id)) if step.row_id else {}
    for column in master.columns:
        if column.name in {**known, **step.values}:
            column.put(trial, {**known, **step.values}[column.name])
    try:
        master.check(trial)
    except Wrong as wrong:
        made.faults.append(Fault(at, "", wrong.what, wrong.right))
        return False
    return True


def changes_words(master: Master, before: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """单价 ¥10.00 → ¥11.00；名称 …"""
    parts = []
    for name, value in new.items():
        column = master.column(name)
        old = column.show(before[name]) or "—"
        parts.append(f"{column.label} {old} → {column.show(value) or '—'}")
    return _("；").join(parts)


def apply(
    actor: Actor, master: Master, unit_id: int, planned: Plan, today: date, last: Callable[[], None]
) -> int:
    """Write what was planned, all of it or nothing; `last` runs in the same unit of work. Returns how many rows."""
    if planned.faults:
        raise Refused("sheet_faults", _("表里还有要改的地方"), _("改好以后再传一次。"), status=422)
    with unit_of_work():
        for step in planned.writes:
            if step.row_id is None:
                masters.create(
                    actor, master, unit_id, dict(step.values), today=today, starts_on=step.starts_on
                )
            else:
                masters.change(
                    actor,
                    master,
                    step.row_id,
                    [unit_id],
                    dict(step.values),
                    today=today,
                    starts_on=step.starts_on,
                )
        last()
    return len(planned.writes)
