"""Sheets (XLSX): written so that no cell becomes a formula, read so that no file harms us.

The libraries cost 12 MB: they are loaded by whoever writes or reads the first sheet.
"""

import importlib
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from core.clock import local
from core.errors import Refused

MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_BYTES = 4 * 2**20
MOST_UNPACKED = 24 * 2**20
MOST_PARTS, MOST_COLUMNS = 200, 60
MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]+[0-9]+):([A-Z]+[0-9]+)"')


@dataclass(frozen=True, slots=True)
class Head:
    """A column of a sheet: its words, its width in letters; money: shown with two decimals."""

    label: str
    width: int = 14
    money: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A sheet of a workbook. notes: lines above the table, such as where the numbers are from."""

    title: str
    heads: Sequence[Head]
    rows: Iterable[Sequence[Any]]
    notes: Sequence[str] = ()


def stamp(moment: datetime | None, zone: str) -> str:
    """A moment on the wall of a centre, as a cell of text; none: ''."""
    return local(moment, zone).strftime("%Y-%m-%d %H:%M") if moment is not None else ""


def write(*pages: Page) -> bytes:
    """A workbook. Text stays text, whatever it begins with; amounts are `Decimal` yuan."""
    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = importlib.import_module("xlsxwriter").Workbook(out, options)
    head = book.add_format({"bold": True, "bottom": 2, "text_wrap": True, "valign": "top"})
    money, day = book.add_format({"num_format": "0.00"}), book.add_format({"num_format": "yyyy-mm-dd"})
    plain = book.add_format({"num_format": "@"})
    for page in pages:
        sheet = book.add_worksheet(re.sub(r"[\[\]:*?/\\']", " ", page.title)[:31] or None)
        for n, note in enumerate(page.notes):
            sheet.write_string(n, 0, note)
        top = len(page.notes) + (1 if page.notes else 0)
        for n, one in enumerate(page.heads):
            sheet.set_column(n, n, one.width, money if one.money else None)
            sheet.write_string(top, n, one.label, head)
        sheet.freeze_panes(top + 1, 0)
        for number, row in enumerate(page.rows, top + 1):
            for n, value in enumerate(row):
                if isinstance(value, bool) or value is None or value == "":
                    if isinstance(value, bool):
                        sheet.write_boolean(number, n, value)
                elif isinstance(value, Decimal):
                    sheet.write_number(number, n, value, money)
                elif isinstance(value, int | float):
                    sheet.write_number(number, n, value)
                elif isinstance(value, datetime):
                    sheet.write_datetime(number, n, value.replace(tzinfo=None), day)
                elif isinstance(value, date):
                    sheet.write_datetime(number, n, value, day)
                else:
                    sheet.write_string(number, n, str(value)[:32_767], plain)
    book.close()
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell that cannot be taken: where it is, what it says, what is wrong and what would be right."""

    cell: str
    said: str
    wrong: str
    right: str


@dataclass(slots=True)
class Read:
    """What a sheet says: row number → column's name → value as the sheet has it; where each column stands."""

    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    letters: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def read(data: bytes, wanted: Mapping[str, Sequence[str]], needed: Sequence[str], most_rows: int) -> Read:
    """The first sheet: `wanted` is column's name → the heads under which it may stand, `needed` must be there.

    Formulas, merged cells and error values are faults of their cells. What is no sheet, too large, or unpacks to more
    than any honest sheet, is refused before it is opened.
    """
    parts = _looked_at(data)
    openpyxl = importlib.import_module("openpyxl")
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        sheet = book.worksheets[0]
        found = Read()
        path = str(sheet._worksheet_path).lstrip("/")
        _merged(parts.read(path), found)
        sheet.reset_dimensions()
        _fill(sheet, wanted, needed, most_rows, found)
    except Refused:
        raise
    except Exception:  # the library raises whatever its parsers do; any of it means: not a sheet
        raise _odd() from None
    finally:
        parts.close()
    return found


def _odd() -> Refused:
    return Refused(
        "sheet_odd", _("这个文件打不开"), _("请用 Excel 或 WPS 另存为 .xlsx 表格，再传一次。"), status=422
    )


def _looked_at(data: bytes) -> zipfile.ZipFile:
    """The packed parts, after a look at what they claim: a part never unpacks to more than it claims."""
    if len(data) > MOST_BYTES:
        text = _("最多 %(n)d MB，请换一个小一点的。", n=MOST_BYTES // 2**20)
        raise Refused("file_large", _("文件太大了"), text, status=413)
    try:
        parts = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError):
        raise _odd() from None
    infos = parts.infolist()
    if "xl/workbook.xml" not in parts.namelist() or any(info.flag_bits & 1 for info in infos):
        raise _odd()
    if len(infos) > MOST_PARTS or sum(info.file_size for info in infos) > MOST_UNPACKED:
        raise Refused("sheet_large", _("表里的东西太多了"), _("请只留要导入的那一页，分几次传。"), status=413)
    try:
        for info in infos:
            with parts.open(info) as part:
                if b"<!DOCTYPE" in part.read(2048):
                    raise _odd()
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError):
        raise _odd() from None
    return parts


def _merged(xml: bytes, found: Read) -> None:
    for first, last in MERGED.findall(xml):
        span = f"{first.decode()}:{last.decode()}"
        wrong = _("这几格合并在一起了（%(span)s）", span=span)
        found.faults.append(Fault(first.decode(), "", wrong, _("取消合并，每一格都填上。")))
        if len(found.faults) >= 20:
            return


def _fill(
    sheet: Any, wanted: Mapping[str, Sequence[str]], needed: Sequence[str], most_rows: int, found: Read
) -> None:
    """Rows below the head; the head is the first row that has two heads of ours (or all of them)."""
    at: dict[int, str] = {}
    enough = min(2, len(wanted))
    for row in sheet.iter_rows(max_col=MOST_COLUMNS):
        cells = [cell for cell in row if cell.value not in (None, "")]
        if not cells:
            continue
        if not at:
            heads = {_plain_head(cell.value): cell for cell in cells}
            there = {
                name: heads[head]
                for name, forms in wanted.items()
                for head in map(_plain_head, forms)
                if head in heads
            }
            if len(there) < enough:
                continue
            at = {cell.column: name for name, cell in there.items()}
            found.letters = {name: cell.column_letter for name, cell in there.items()}
            missing = [forms[0] for name, forms in wanted.items() if name in needed and name not in there]
            if missing:
                raise Refused(
                    "sheet_columns",
                    _("表里少了这几列：%(list)s", list=_("、").join(missing)),
                    _("可以先导出一份，照着它的表头填。"),
                    status=422,
                )
            continue
        if len(found.rows) >= most_rows:
            text = _("一次最多 %(n)d 行，请分几次传。", n=most_rows)
            raise Refused("sheet_rows", _("行数太多了"), text, status=413)
        values = {at[cell.column]: _value(cell, found) for cell in cells if cell.column in at}
        if values:
            found.rows[cells[0].row] = values
    if not at:
        raise Refused("sheet_head", _("没有找到表头"), _("可以先导出一份，照着它的表头填。"), status=422)


def _plain_head(value: Any) -> str:
    return re.sub(r"[\s*＊]", "", str(value)).lower()


def _value(cell: Any, found: Read) -> Any:
    said = str(cell.value)[:60]
    if cell.data_type == "f":
        found.faults.append(Fault(cell.coordinate, said, _("这一格是公式"), _("请复制后“粘贴为数值”。")))
        return None
    if cell.data_type == "e":
        found.faults.append(Fault(cell.coordinate, said, _("这一格是错误值"), _("请改成真正的内容。")))
        return None
    return cell.value
