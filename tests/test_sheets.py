"""Sheets: what is written stays text, and no file that is handed in harms the house."""

import io
import re
import time
import zipfile
from collections.abc import Callable
from decimal import Decimal

import openpyxl
import pytest
from flask import Flask

from core.errors import Refused
from core.sheets import MOST_BYTES, Head, Page, Read, read, write

WANTED = {"name": ["姓名", "Name"], "age": ["年龄"]}


def rows_of(data: bytes, most: int = 100) -> Read:
    return read(data, WANTED, ["name"], most)


def book(fill: Callable[[openpyxl.Workbook], None]) -> bytes:
    made, out = openpyxl.Workbook(), io.BytesIO()
    made.worksheets[0].append(["姓名", "年龄"])
    fill(made)
    made.save(out)
    return out.getvalue()


def again(data: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """The same archive with some parts changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


PLAIN = write(Page("表", [Head("姓名"), Head("年龄")], [["陈秀英", 78], ["王丽", 75]]))


def test_what_was_written_is_read(inside: Flask) -> None:
    found = rows_of(PLAIN)
    assert found.rows == {2: {"name": "陈秀英", "age": 78}, 3: {"name": "王丽", "age": 75}}
    assert found.letters == {"name": "A", "age": "B"}
    assert found.faults == []


@pytest.mark.parametrize(
    "text", ["=1+1", "+86138", "-1", "@SUM(A1)", "\t=1", "http://example.cn", "00123", "1e5"]
)
def test_text_stays_text(text: str) -> None:
    made = openpyxl.load_workbook(io.BytesIO(write(Page("表", [Head("a")], [[text]]))))
    cell = made.worksheets[0]["A2"]
    assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)


def test_amounts_are_numbers_with_two_decimals() -> None:
    made = openpyxl.load_workbook(io.BytesIO(write(Page("表", [Head("a")], [[Decimal("12.30")]]))))
    cell = made.worksheets[0]["A2"]
    assert (cell.value, cell.number_format) == (12.3, "0.00")


def test_a_head_may_stand_below_notes_and_columns_may_be_others(inside: Flask) -> None:
    page = Page(
        "表",
        [Head("备注"), Head(" 年龄 *"), Head("name")],
        [["x", 78, "陈秀英"]],
        notes=["2026 年的名册", "一"],
    )
    assert rows_of(write(page)).rows == {5: {"age": 78, "name": "陈秀英"}}


def test_formulas_merged_cells_and_errors_are_faults_of_their_cells(inside: Flask) -> None:
    def fill(made: openpyxl.Workbook) -> None:
        sheet = made.worksheets[0]
        sheet.append(["陈秀英", "=70+8"])
        sheet.append(["王丽", 75])
        sheet.append(["", 76])
        sheet.merge_cells("A3:A4")
        sheet["B5"] = "#N/A"
        sheet["A5"] = "张"

    found = rows_of(book(fill))
    assert [(fault.cell, bool(fault.right)) for fault in found.faults] == [
        ("A3", True),
        ("B2", True),
        ("B5", True),
    ]


def test_without_the_columns_it_is_refused_and_says_which(inside: Flask) -> None:
    with pytest.raises(Refused) as refused:
        rows_of(write(Page("表", [Head("年龄"), Head("电话")], [[1, 2]])))
    assert refused.value.code in {"sheet_columns", "sheet_head"}
    with pytest.raises(Refused) as refused:
        read(PLAIN, {**WANTED, "born": ["出生日期"]}, ["name", "born"], 10)
    assert "出生日期" in refused.value.title


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"name,age\n",
        b"\xd0\xcf\x11\xe0" + b"\0" * 600,
        PLAIN[:200],
        PLAIN[:-30],
        b"PK\x03\x04" + b"\0" * 100,
        again(PLAIN, lambda name, data: b"<html>" if name.endswith("sheet1.xml") else data),
        again(PLAIN, lambda name, data: b"" if name.endswith("workbook.xml") else data),
        again(
            PLAIN,
            lambda name, data: (
                data.replace(b"?>", b'?><!DOCTYPE a [<!ENTITY a "aaaa">]>', 1)
                if name.endswith("sheet1.xml")
                else data
            ),
        ),
    ],
)
def test_what_is_no_sheet_is_refused_in_words(inside: Flask, data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        rows_of(data)
    assert refused.value.code in {"sheet_odd", "sheet_head"}


def test_what_unpacks_to_too_much_is_refused_before_it_is_unpacked(inside: Flask) -> None:
    def swell(name: str, data: bytes) -> bytes:
        return data + b" " * 60_000_000 if name.endswith("sheet1.xml") else data

    bomb = again(PLAIN, swell)
    assert len(bomb) < MOST_BYTES
    began = time.perf_counter()
    with pytest.raises(Refused) as refused:
        rows_of(bomb)
    assert refused.value.code == "sheet_large"
    assert time.perf_counter() - began < 1


def test_an_archive_that_lies_about_its_size_is_refused(inside: Flask) -> None:
    def swell(name: str, data: bytes) -> bytes:
        return data + b" " * 60_000_000 if name.endswith("sheet1.xml") else data

    bomb = bytearray(again(PLAIN, swell))
    with zipfile.ZipFile(io.BytesIO(bytes(bomb))) as parts:
        true = next(info.file_size for info in parts.infolist() if info.filename.endswith("sheet1.xml"))
    said = true.to_bytes(4, "little")
    bomb = bytearray(bytes(bomb).replace(said, (1000).to_bytes(4, "little")))
    with pytest.raises(Refused):
        rows_of(bytes(bomb))


def test_a_million_rows_are_refused(inside: Flask) -> None:
    def many(name: str, data: bytes) -> bytes:
        if not name.endswith("sheet1.xml"):
            return data
        row = b'<row r="%d"><c r="A%d"><v>1</v></c></row>'
        rows = b"".join(row % (n, n) for n in range(4, 1_000_000))
        return re.sub(rb"</sheetData>", lambda _found: rows + b"</sheetData>", data)

    with pytest.raises(Refused) as refused:
        rows_of(again(PLAIN, many))
    assert refused.value.code in {"sheet_large", "sheet_rows", "file_large"}


def test_a_last_row_far_below_costs_little(inside: Flask) -> None:
    def far(name: str, data: bytes) -> bytes:
        row = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
        return data.replace(b"</sheetData>", row) if name.endswith("sheet1.xml") else data

    began = time.perf_counter()
    assert len(rows_of(again(PLAIN, far)).rows) == 2
    assert time.perf_counter() - began < 30


def test_more_rows_than_may_come_at_once_are_refused(inside: Flask) -> None:
    many = write(Page("表", [Head("姓名"), Head("年龄")], [[f"人{n}", n] for n in range(101)]))
    with pytest.raises(Refused) as refused:
        rows_of(many)
    assert refused.value.code == "sheet_rows"
