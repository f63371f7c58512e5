"""Columns of master data: what a value may be, as a form, a list and a sheet say it.

`show` is for the screen, `typed` reads a form, `cell` and `read` are the sheet's. What cannot be taken raises `Wrong`,
which says what is wrong and what would be right.
"""

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from flask_babel import force_locale
from flask_babel import gettext as _

from core.clock import YEARS
from core.i18n import LANGUAGES
from core.money import in_yuan, yuan

LARGEST = 2**31 - 1
Options = Callable[[], Sequence[tuple[str, str]]]
GetList = Callable[[str], Sequence[str]]
SEPARATORS = re.compile(r"[、,，;；\n]+")


class Wrong(ValueError):
    """A value that cannot be taken: what is wrong with it, and what would be right."""

    def __init__(self, what: str, right: str = "") -> None:
        super().__init__(what)
        self.what, self.right = what, right


@dataclass(frozen=True, kw_only=True)
class Column(ABC):
    """name: of the model's attribute, or of a key in its JSON attribute `part`. label, hint: lazy strings.

    key: tells rows apart; set once. listed: stands in the list. here: may be changed in the list itself. start: what
    the empty form of a new row says.
    """

    name: str
    label: Any
    hint: Any = ""
    required: bool = False
    part: str = ""
    key: bool = False
    listed: bool = True
    here: bool = True
    start: Any = None
    kind: ClassVar[str] = "text"
    number: ClassVar[bool] = False
    empty: ClassVar[Any] = ""

    def get(self, row: Any) -> Any:
        """The value of a row."""
        if not self.part:
            return getattr(row, self.name)
        return (getattr(row, self.part) or {}).get(self.name, self.empty)

    def put(self, row: Any, value: Any) -> None:
        """Give a row this value; what is empty is left out of a JSON attribute."""
        if not self.part:
            setattr(row, self.name, value)
            return
        whole = {key: old for key, old in (getattr(row, self.part) or {}).items() if key != self.name}
        setattr(row, self.part, {**whole, self.name: value} if value != self.empty else whole)

    def show(self, value: Any) -> str:
        """For the screen."""
        return "" if value is None else str(value)

    def fill(self, value: Any) -> str:
        """For a field of a form."""
        return self.show(value)

    def typed(self, getlist: GetList) -> Any:
        """What a form says."""
        return self.read(next(iter(getlist(self.name)), ""))

    def cell(self, value: Any) -> Any:
        """For a sheet."""
        return self.show(value)

    @abstractmethod
    def read(self, raw: Any) -> Any:
        """What a cell or a field says."""

    def told(self, value: Any) -> Any:
        """For the record of changes: plain JSON."""
        return value.isoformat() if isinstance(value, date | datetime | time) else value

    def _text(self, raw: Any) -> str:
        if raw is None:
            return ""
        if isinstance(raw, bool):
            return "1" if raw else "0"
        if isinstance(raw, float) and raw.is_integer():
            raw = int(raw)
        return str(raw).strip()

    def _missing(self) -> Wrong:
        return Wrong(_("这一格不能空着"), str(self.hint) or _("请填上%(what)s。", what=str(self.label)))


@dataclass(frozen=True, kw_only=True)
class Words(Column):
    """A line of text. shape: pattern that the whole of it must fit."""

    most: int = 200
    shape: str = ""

    def read(self, raw: Any) -> str:
        if isinstance(raw, datetime | date):
            raise Wrong(_("这一格要写文字，现在是日期"), str(self.hint))
        text = " ".join(self._text(raw).split())
        if not text and self.required:
            raise self._missing()
        if len(text) > self.most:
            raise Wrong(_("太长了"), _("最多 %(n)d 个字。", n=self.most))
        if text and self.shape and not re.fullmatch(self.shape, text):
            raise Wrong(_("写法不对"), str(self.hint))
        return text


@dataclass(frozen=True, kw_only=True)
class Number(Column):
    """A whole number; with `blank` an empty field is none."""

    least: int = 0
    most: int = LARGEST
    blank: bool = False
    kind: ClassVar[str] = "number"
    number: ClassVar[bool] = True
    empty: ClassVar[Any] = None

    def read(self, raw: Any) -> int | None:
        text = self._text(raw)
        if not text and self.blank:
            return None
        if not text:
            raise self._missing()
        right = _("写 %(least)d 到 %(most)d 的整数。", least=self.least, most=self.most)
        if not re.fullmatch(r"-?[0-9]{1,10}", text):
            raise Wrong(_("不是整数"), right)
        if not self.least <= int(text) <= self.most:
            raise Wrong(_("超出范围"), right)
        return int(text)


@dataclass(frozen=True, kw_only=True)
class Real(Column):
    """A number with a point, such as a latitude; may be empty."""

    least: float
    most: float
    kind: ClassVar[str] = "text"
    number: ClassVar[bool] = True
    empty: ClassVar[Any] = None

    def cell(self, value: Any) -> Any:
        return value

    def read(self, raw: Any) -> float | None:
        text = self._text(raw)
        if not text:
            return None
        try:
            found = float(text)
        except ValueError:
            raise Wrong(_("不是数字"), str(self.hint)) from None
        if not self.least <= found <= self.most:
            raise Wrong(_("超出范围"), str(self.hint))
        return found


@dataclass(frozen=True, kw_only=True)
class Money(Column):
    """An amount: fen in the database, yuan for people; with `blank` an empty field is none."""

    least: int = 0
    most: int = 100_000_00
    blank: bool = False
    kind: ClassVar[str] = "money"
    number: ClassVar[bool] = True
    empty: ClassVar[Any] = None

    def show(self, value: Any) -> str:
        return "" if value is None else yuan(value)

    def fill(self, value: Any) -> str:
        return "" if value is None else f"{value // 100}.{value % 100:02d}"

    def cell(self, value: Any) -> Any:
        return None if value is None else in_yuan(value)

    def read(self, raw: Any) -> int | None:
        text = self._text(raw).removeprefix("¥").replace(",", "").replace("，", "").removesuffix("元").strip()
        right = _("写元，最多两位小数，比如 12.50。")
        if not text and self.blank:
            return None
        if not text:
            raise self._missing()
        try:
            fen = Decimal(text) * 100
        except InvalidOperation:
            raise Wrong(_("不是金额"), right) from None
        if not fen.is_finite() or fen != fen.to_integral_value():
            raise Wrong(_("不是金额"), right)
        if not self.least <= fen <= self.most:
            text = _("从 %(least)s 到 %(most)s。", least=yuan(self.least), most=yuan(self.most))
            raise Wrong(_("超出范围"), text)
        return int(fen)


@dataclass(frozen=True, kw_only=True)
class Flag(Column):
    """Yes or no."""

    kind: ClassVar[str] = "flag"
    empty: ClassVar[Any] = False

    def show(self, value: Any) -> str:
        return _("是") if value else _("否")

    def fill(self, value: Any) -> str:
        return "1" if value else ""

    def read(self, raw: Any) -> bool:
        text = self._text(raw).lower()
        if text in {"1", "是", "有", "true", "yes", "y", "√"}:
            return True
        if text in {"", "0", "否", "无", "没有", "false", "no", "n"}:
            return False
        raise Wrong(_("看不出是还是否"), _("写“是”或“否”。"))


@dataclass(frozen=True, kw_only=True)
class Choice(Column):
    """One of some codes; people read their words. blank: none may be chosen."""

    options: Options
    blank: bool = False
    kind: ClassVar[str] = "choice"

    def show(self, value: Any) -> str:
        return dict(self.options()).get(value, "" if value is None else str(value))

    def fill(self, value: Any) -> str:
        return "" if value is None else str(value)

    def read(self, raw: Any) -> str:
        text = self._text(raw)
        if not text and self.blank:
            return ""
        if not text:
            raise self._missing()
        for code, words in self.options():
            if text in {code, words}:
                return code
        known = in_any_language(self.options)
        if text in known:
            return known[text]
        raise Wrong(_("没有这一项"), choices_words(self.options()))


@dataclass(frozen=True, kw_only=True)
class Several(Column):
    """Any of some codes, kept in their fixed order."""

    options: Options
    kind: ClassVar[str] = "several"
    empty: ClassVar[Any] = []

    def get(self, row: Any) -> list[str]:
        """In their fixed order, however they were written: the order says nothing."""
        there = super().get(row) or []
        return [code for code, _words in self.options() if code in there]

    def show(self, value: Any) -> str:
        words = dict(self.options())
        return _("、").join(words.get(one, one) for one in value or [])

    def typed(self, getlist: GetList) -> list[str]:
        return self._known([text for text in getlist(self.name) if text])

    def read(self, raw: Any) -> list[str]:
        return self._known([part.strip() for part in SEPARATORS.split(self._text(raw)) if part.strip()])

    def _known(self, texts: Sequence[str]) -> list[str]:
        codes = in_any_language(self.options)
        unknown = next((text for text in texts if text not in codes), None)
        if unknown is not None:
            raise Wrong(_("没有“%(one)s”这一项", one=unknown[:20]), choices_words(self.options()))
        chosen = {codes[text] for text in texts}
        return [code for code, _words in self.options() if code in chosen]


def options_of(words: Mapping[str, Any]) -> Options:
    """Options from code → lazy words, in their order; said in the language of whoever asks."""
    return lambda: [(code, str(word)) for code, word in words.items()]


def in_any_language(options: Options) -> dict[str, str]:
    """Form → code: a sheet that was written in one language is read in another."""
    found = {code: code for code, _words in options()}
    for language in LANGUAGES:
        with force_locale(language):
            found |= {words: code for code, words in options() if words not in found}
    return found


def choices_words(options: Sequence[tuple[str, str]]) -> str:
    """The first dozen of what may be chosen."""
    return _("可以写：%(list)s", list=_("、").join(words for _code, words in list(options)[:12]))


@dataclass(frozen=True, kw_only=True)
class Day(Column):
    """A date; with `blank` an empty field is none."""

    blank: bool = False
    kind: ClassVar[str] = "date"
    empty: ClassVar[Any] = None

    def show(self, value: Any) -> str:
        return "" if value is None else str(value)

    def cell(self, value: Any) -> Any:
        return value

    def read(self, raw: Any) -> date | None:
        if isinstance(raw, datetime):
            raw = raw.date()
        found = raw if isinstance(raw, date) else parse_date(self._text(raw))
        if found is None and not self._text(raw):
            if self.blank:
                return None
            raise self._missing()
        if found is None or not self._plausible(found):
            raise Wrong(_("日期看不懂"), _("比如 2026-11-24。"))
        return found

    def _plausible(self, day: date) -> bool:
        return day.year in YEARS


@dataclass(frozen=True, kw_only=True)
class Birthday(Day):
    """A date of birth: of somebody who may still live."""

    def _plausible(self, day: date) -> bool:
        return day.year in range(1890, max(YEARS) + 1)


def parse_date(text: str) -> date | None:
    """`1948-06-12`, `1948/6/12`, `1948.6.12`, `1948年6月12日`, `19480612`; None for anything else."""
    found = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", text) or re.fullmatch(
        r"(\d{4})(\d{2})(\d{2})", text
    )
    try:
        return date(*(int(part) for part in found.groups())) if found else None
    except ValueError:
        return None


WALL = re.compile(r"([01]?[0-9]|2[0-3])[:：]([0-5][0-9])")


@dataclass(frozen=True, kw_only=True)
class Clock(Column):
    """A wall time, as `08:30`."""

    def read(self, raw: Any) -> str:
        if isinstance(raw, time):
            return raw.strftime("%H:%M")
        found = WALL.fullmatch(self._text(raw))
        if found is None:
            raise Wrong(_("时间看不懂"), _("写成 08:30。"))
        return f"{int(found[1]):02d}:{found[2]}"


@dataclass(frozen=True, kw_only=True)
class Value(Column):
    """A number, a wall time or nothing, as a policy has it."""

    def show(self, value: Any) -> str:
        return "" if value is None else str(value)

    def read(self, raw: Any) -> int | str | None:
        if isinstance(raw, time):
            return raw.strftime("%H:%M")
        text = self._text(raw)
        if not text:
            return None
        if re.fullmatch(r"[0-9]{1,8}", text):
            return int(text)
        if re.fullmatch(r"([01]?[0-9]|2[0-3]):[0-5][0-9]", text):
            return text.zfill(5)
        raise Wrong(_("这个值不对"), _("数字写成 30，时间写成 10:00。"))


@dataclass(frozen=True, kw_only=True)
class Lines(Column):
    """Some lines of the same few fields, such as a recipe. In a sheet: `鲈鱼 2000 g；姜 60 g`.

    labelled: each field is written with its label (`年龄起=70`), because most of them are left out.
    unique: the field by which lines are told apart.
    """

    columns: Sequence[Column]
    most: int = 40
    labelled: bool = False
    unique: str = ""
    kind: ClassVar[str] = "lines"
    empty: ClassVar[Any] = []

    def show(self, value: Any) -> str:
        return _("；").join(self._line(one) for one in value or [])

    def _line(self, line: Mapping[str, Any]) -> str:
        there = [(column, line[column.name]) for column in self.columns if column.name in line]
        if self.labelled:
            said = [(column.label, column.show(value)) for column, value in there]
            return " ".join(f"{label}={words}" for label, words in said if words)
        return " ".join(column.show(value).replace(" ", "") for column, value in there)

    def typed(self, getlist: GetList) -> list[dict[str, Any]]:
        fields = [getlist(f"{self.name}.{column.name}") for column in self.columns]
        found = []
        for n in range(min(map(len, fields), default=0)):
            texts = [field[n].strip() for field in fields]
            if any(texts[: 1 if not self.labelled else len(texts)]):
                found.append(self._read(dict(zip(self.columns, texts, strict=True)), n + 1))
        return self._few(found)

    def read(self, raw: Any) -> list[dict[str, Any]]:
        found = []
        for n, part in enumerate(one for one in re.split(r"[;；\n]+", self._text(raw)) if one.strip()):
            words = part.split()
            if self.labelled:
                names = in_any_language(lambda: [(one.name, str(one.label)) for one in self.columns])
                forms = "|".join(re.escape(form) for form in sorted(names, key=len, reverse=True))
                field = re.compile(rf"(?:^|\s)({forms})\s*=\s*(.*?)(?=\s+(?:{forms})\s*=|\s*$)")
                said = {names[form]: value for form, value in field.findall(part)}
                texts = {column: said.get(column.name, "") for column in self.columns}
                if field.sub("", part).strip():
                    raise Wrong(_("第 %(n)d 行看不懂", n=n + 1), str(self.hint))
            elif len(words) != len(self.columns):
                raise Wrong(_("第 %(n)d 行看不懂", n=n + 1), str(self.hint))
            else:
                texts = dict(zip(self.columns, words, strict=True))
            found.append(self._read(texts, n + 1))
        return self._few(found)

    def _read(self, texts: Mapping[Column, str], n: int) -> dict[str, Any]:
        found = {}
        for column, text in texts.items():
            try:
                value = column.read(text)
            except Wrong as wrong:
                raise Wrong(
                    _("第 %(n)d 行的%(what)s：%(wrong)s", n=n, what=str(column.label), wrong=wrong.what),
                    wrong.right,
                ) from None
            if value not in (None, ""):
                found[column.name] = value
        return found

    def _few(self, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len(found) > self.most:
            raise Wrong(_("太长了"), _("最多 %(n)d 行。", n=self.most))
        if self.unique:
            told_apart = next(column for column in self.columns if column.name == self.unique)
            many = Counter(line[self.unique] for line in found)
            twice = next((value for value, times in many.items() if times > 1), None)
            if twice is not None:
                raise Wrong(_("%(code)s 写了两次", code=told_apart.show(twice)), str(self.hint))
        return found
