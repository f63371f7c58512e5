"""The file from which an operator sets places up (`docs/places.example.yaml`): read whole, or refused with the line
that is wrong. Every value is read as text, so that nobody must know when YAML makes a number of `10:00`."""

import re
from collections.abc import Hashable, Iterator, Sequence
from datetime import time
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import yaml
from flask_babel import gettext as _

from centres.rules import ABOVE, CentreFacts, Opening, Place, UnitFacts, in_order
from core.errors import Refused

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CODE = re.compile(r"[a-z][a-z0-9_-]{0,39}")
SPAN = re.compile(r"(\d\d:\d\d)\s*-\s*(\d\d:\d\d)")
UNIT = {"code": 40, "kind": 40, "parent": 40, "name_zh": 60, "name_en": 120}
CENTRE = {"short_zh": 30, "address_zh": 200, "address_en": 200, "phone": 40, "zone": 60}
"""Field → how many characters it may have."""
MUST = ("code", "kind", "name_zh")
CENTRE_MUST = ("parent", "short_zh", "address_zh", "phone", "hours")


class Entry(dict[Hashable, Any]):
    """A mapping of the file that knows its lines."""

    line: int
    lines: dict[Hashable, int]


class _Lines(yaml.BaseLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Entry:
        entry = Entry(super().construct_mapping(node, deep=True))
        entry.line, entry.lines = node.start_mark.line + 1, {}
        for key, _value in node.value:
            if key.value in entry.lines:
                _wrong(key.start_mark.line + 1, _("“%(name)s”写了两次", name=key.value))
            entry.lines[key.value] = key.start_mark.line + 1
        return entry


def read_places(text: str) -> list[Place]:
    """The entries of a file, in its order."""
    try:
        content = yaml.load(text, Loader=_Lines)  # noqa: S506 (makes text, lists and mappings only)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        _wrong(mark.line + 1 if mark else 1, _("这里不是 YAML 的写法"))
    if (
        not isinstance(content, Entry)
        or set(content) != {"places"}
        or not isinstance(content["places"], list)
    ):
        _wrong(1, _("文件里只写一个 places: 列表"))
    return [_place(row, content.line) for row in content["places"]]


def _place(row: object, line: int) -> Place:
    if not isinstance(row, Entry):
        _wrong(line, _("places 里每一项都要有 code、kind 和 name_zh"))
    kind = row.get("kind", "")
    if not isinstance(kind, str) or kind not in ABOVE:
        _wrong(row.lines.get("kind", row.line), _("kind 要写 %(known)s 之一", known="、".join(ABOVE)))
    is_centre = kind == "centre"
    _check(row, {**UNIT, **(CENTRE if is_centre else {})}, (*MUST, *(CENTRE_MUST if is_centre else ())))
    unit = UnitFacts(**_told(row, UNIT), **({} if "parent" in row else {"parent": ""}))
    if not is_centre:
        return Place(row.line, unit)
    return Place(row.line, unit, CentreFacts(**_told(row, CENTRE)), _hours(row))


def _told(row: Entry, fields: dict[str, int]) -> dict[str, str]:
    return {name: row[name].strip() for name in fields if name in row}


def _check(row: Entry, known: dict[str, int], must: Sequence[str]) -> None:
    """Nothing unknown, nothing missing, nothing too long: a slip of the hand does not pass for a wish."""
    for name, value in row.items():
        if name == "hours" and "hours" in must:
            continue
        if name not in known:
            _wrong(row.lines[name], _("这里没有“%(name)s”这一项", name=name))
        if not isinstance(value, str) or len(value.strip()) > known[name]:
            most = known[name]
            _wrong(row.lines[name], _("“%(name)s”写一行字，最多 %(most)d 个", name=name, most=most))
    for name in must:
        if not str(row.get(name, "")).strip():
            _wrong(row.line, _("少了“%(name)s”", name=name))
    if not CODE.fullmatch(row["code"]):
        _wrong(row.lines["code"], _("code 用小写字母、数字、- 和 _，以字母开头"))
    if "zone" in row and not _is_zone(row["zone"]):
        _wrong(row.lines["zone"], _("没有这个时区，比如 Asia/Shanghai"))


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # a name that is none, or that leads out of the folder of zones
        return False
    return True


def _hours(row: Entry) -> list[Opening]:
    """`mon-fri: [08:30-12:00, 14:00-18:00]`; a weekday that is not named is closed."""
    week = row["hours"]
    if not isinstance(week, Entry):
        _wrong(row.lines["hours"], _("hours 按星期几写，比如 mon-fri: [08:30-12:00, 14:00-18:00]"))
    found: list[Opening] = []
    for days, spans in week.items():
        for day in _weekdays(str(days), week.lines[days]):
            found += [(day, *span) for span in _spans(spans, week.lines[days])]
        if not in_order(found):
            _wrong(week.lines[days], _("开放时间要先开后关，同一天的不能重叠"))
    return found


def _weekdays(text: str, line: int) -> range:
    first, _dash, last = text.partition("-")
    if first not in WEEKDAYS or (last and last not in WEEKDAYS):
        _wrong(line, _("星期几写 %(known)s，或 mon-fri", known="、".join(WEEKDAYS)))
    start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    if end < start:
        _wrong(line, _("星期几写 %(known)s，或 mon-fri", known="、".join(WEEKDAYS)))
    return range(start, end + 1)


def _spans(spans: object, line: int) -> Iterator[tuple[time, time]]:
    for text in spans if isinstance(spans, list) else [spans]:
        match = SPAN.fullmatch(text.strip()) if isinstance(text, str) else None
        try:
            if match is None:
                raise ValueError
            yield time.fromisoformat(match[1]), time.fromisoformat(match[2])
        except ValueError:
            _wrong(line, _("时间写成 08:30-12:00"))


def _wrong(line: int, why: str) -> NoReturn:
    raise Refused("places_odd", _("第 %(line)d 行：%(why)s", line=line, why=why), status=422)
