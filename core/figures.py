"""Figures: numbers about a period, each with its formula and its denominator in words and the rows behind it.

A report is taken once and never changed: its numbers and the rows they were counted from stay as they were, whatever
happens to the orders afterwards.
"""

import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core import audit
from core.appendonly import append_only
from core.audit import Actor
from core.clock import database_now
from core.database import Base, Moment, Short, db, unit_of_work
from core.errors import NotFound, Refused
from core.money import yuan

LONGEST = 366
"""Days of one report."""


class FigureReport(Base):
    """The numbers of a unit for a period, as they were at a moment. `ends_on` is excluded."""

    __tablename__ = "figure_report"
    __table_args__ = (
        CheckConstraint("starts_on < ends_on", name="order"),
        Index("ix_figure_report_unit", "unit_id", "made_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("org_unit.id"))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    made_at: Mapped[datetime] = mapped_column(Moment)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    numbers: Mapped[list["FigureNumber"]] = relationship(order_by="FigureNumber.id")


class FigureNumber(Base):
    """One number of a report, with the rows behind it (JSON, packed): cells as they were, no names of people."""

    __tablename__ = "figure_number"
    __table_args__ = (UniqueConstraint("report_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[int] = mapped_column(ForeignKey("figure_report.id"))
    name: Mapped[str] = mapped_column(Short)
    value: Mapped[int] = mapped_column(BigInteger)
    denominator: Mapped[int | None] = mapped_column(BigInteger)
    rows: Mapped[bytes] = mapped_column(LargeBinary)


append_only(FigureReport.metadata.tables["figure_report"])
append_only(FigureNumber.metadata.tables["figure_number"])


@dataclass(frozen=True, slots=True)
class Counted:
    """A number with the rows it was counted from: `value`, over `denominator` where it is a share or a mean."""

    value: int
    denominator: int | None
    rows: Sequence[Sequence[str | int]]


@dataclass(frozen=True, slots=True)
class Measure:
    """name: unique for ever, such as `canteen.collected`. label, formula, of: lazy strings; `of` says what it is
    divided by. unit: count, fen, share, each (a mean) or fen_each. heads: columns of the rows, none with a name.

    compute(unit id, from, to): what it was from a day until the day before `to`. fen: columns of the rows in fen.
    """

    name: str
    label: Any
    formula: Any
    unit: str
    heads: Sequence[Any]
    compute: Callable[[int, date, date], Counted]
    of: Any = ""
    fen: frozenset[int] = frozenset()


class Measures:
    """The measures of this process; `create_app` fills it from the areas."""

    def __init__(self) -> None:
        self.by_name: dict[str, Measure] = {}

    def use(self, measures: Sequence[Measure]) -> None:
        self.by_name = {one.name: one for one in measures}


measures = Measures()


def in_words(unit: str, value: int, denominator: int | None) -> str:
    """A number as people read it; a share of nothing is none."""
    if unit == "count":
        return str(value)
    if unit == "fen":
        return yuan(value)
    if not denominator:
        return "—"
    if unit == "share":
        return f"{value * 100 / denominator:.1f}%"
    return yuan(round(value / denominator)) if unit == "fen_each" else f"{value / denominator:.1f}"


def check_period(starts: date, ends: date) -> None:
    """Refuse a period that is none, or longer than a year."""
    if not 0 < (ends - starts).days <= LONGEST:
        text = _("结束要晚于开始，最长一年。")
        raise Refused("period_odd", _("日期请再看看"), text, status=422)


def take(actor: Actor, unit_id: int, starts: date, ends: date) -> FigureReport:
    """Count every measure now and keep the numbers with their rows; they never change again."""
    check_period(starts, ends)
    with unit_of_work():
        report = FigureReport(unit_id=unit_id, starts_on=starts, ends_on=ends, made_at=database_now())
        report.staff_id = actor.id if actor.kind == "staff" else None
        for measure in measures.by_name.values():
            found = measure.compute(unit_id, starts, ends)
            report.numbers.append(
                FigureNumber(
                    name=measure.name, value=found.value, denominator=found.denominator, rows=pack(found.rows)
                )
            )
        db.session.add(report)
        db.session.flush()
        audit.record(actor, "figures.taken", "figure_report", report.id, unit_id=unit_id)
    return report


def reports(unit_id: int, most: int = 30) -> list[FigureReport]:
    """The reports of a unit, the newest first."""
    query = select(FigureReport).where(FigureReport.unit_id == unit_id)
    return list(db.session.scalars(query.order_by(FigureReport.id.desc()).limit(most)))


def report_of(unit_id: int, report_id: int) -> FigureReport:
    """One report of this unit."""
    query = select(FigureReport).where(FigureReport.id == report_id, FigureReport.unit_id == unit_id)
    found = db.session.scalar(query)
    if found is None:
        raise NotFound(_("没有找到这份报表"))
    return found


def pack(rows: Sequence[Sequence[str | int]]) -> bytes:
    """Rows as they are kept."""
    return zlib.compress(json.dumps([list(row) for row in rows], ensure_ascii=False).encode(), 9)


def unpack(data: bytes) -> list[list[str | int]]:
    """Rows that were packed."""
    found: list[list[str | int]] = json.loads(zlib.decompress(data))
    return found
