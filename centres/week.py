"""The column of a week's hours: for people «周一到周五 08:30 12:00», in the database one row a weekday."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any, ClassVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from centres.models import WeeklyHours
from centres.rules import Opening, in_order
from core.columns import Choice, Clock, Lines, Wrong

GROUPS: Mapping[str, tuple[range, Any]] = {
    "mon-sun": (range(7), lazy_gettext("每天")),
    "mon-sat": (range(6), lazy_gettext("周一到周六")),
    "mon-fri": (range(5), lazy_gettext("周一到周五")),
    "mon": (range(1), lazy_gettext("周一")),
    "tue": (range(1, 2), lazy_gettext("周二")),
    "wed": (range(2, 3), lazy_gettext("周三")),
    "thu": (range(3, 4), lazy_gettext("周四")),
    "fri": (range(4, 5), lazy_gettext("周五")),
    "sat": (range(5, 6), lazy_gettext("周六")),
    "sun": (range(6, 7), lazy_gettext("周日")),
}
"""Code → its weekdays (0 = Monday) and its words; the widest first."""
DAYS = Choice(
    name="days",
    label=lazy_gettext("星期几"),
    options=lambda: [(code, str(words)) for code, (_days, words) in GROUPS.items()],
)
OPENS = Clock(name="opens", label=lazy_gettext("从"))
CLOSES = Clock(name="closes", label=lazy_gettext("到"))
Line = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Week(Lines):
    """Hours as rows of `model` in the relationship `name`. by: a column that lines also differ in, such as the meal;
    a weekday has each of its values once. Without it a weekday may open several times."""

    model: Any
    by: Choice | None = None
    most: int = 60
    columns: Sequence[Any] = (DAYS, OPENS, CLOSES)
    kind: ClassVar[str] = "lines"

    def get(self, row: Any) -> list[Line]:
        """Weekdays with the same hours stand in one line."""
        return self._lines(
            [(one.weekday, one.opens, one.closes, self._of(one)) for one in getattr(row, self.name)]
        )

    def put(self, row: Any, value: Any) -> None:
        """The rows become these lines."""
        self.renew(row, self._rows(value))

    def renew(self, row: Any, hours: Sequence[tuple[int, time, time, str]]) -> None:
        """What stays as it was keeps its row: the database would refuse its double before the old one is gone."""
        wanted = {self._key(one): one for one in hours}
        there = getattr(row, self.name)
        for one in list(there):
            new = wanted.pop(self._key((one.weekday, one.opens, one.closes, self._of(one))), None)
            if new is None:
                there.remove(one)
            else:
                one.opens, one.closes = new[1], new[2]
        for weekday, opens, closes, of in wanted.values():
            extra = {self.by.name: of} if self.by else {}
            there.append(self.model(weekday=weekday, opens=opens, closes=closes, **extra))

    def _of(self, one: Any) -> str:
        return str(getattr(one, self.by.name)) if self.by else ""

    def _key(self, one: tuple[int, time, time, str]) -> tuple[int, Any]:
        weekday, opens, _closes, of = one
        return weekday, of or opens

    def _rows(self, lines: Sequence[Line]) -> list[tuple[int, time, time, str]]:
        return [
            (
                weekday,
                time.fromisoformat(line["opens"]),
                time.fromisoformat(line["closes"]),
                line[self.by.name] if self.by else "",
            )
            for line in lines
            for weekday in GROUPS[line["days"]][0]
        ]

    def _lines(self, rows: Sequence[tuple[int, time, time, str]]) -> list[Line]:
        days: dict[tuple[str, time, time], set[int]] = defaultdict(set)
        for weekday, opens, closes, of in rows:
            days[of, opens, closes].add(weekday)
        found = []
        order = list(GROUPS)
        for (of, opens, closes), left in days.items():
            for code, (group, _words) in GROUPS.items():
                if left.issuperset(group):
                    left.difference_update(group)
                    extra = {self.by.name: of} if self.by else {}
                    found.append(
                        {"days": code, **extra, "opens": f"{opens:%H:%M}", "closes": f"{closes:%H:%M}"}
                    )
        return sorted(found, key=lambda line: (order.index(line["days"]), line["opens"]))

    def _few(self, found: list[Line]) -> list[Line]:
        """In one form, however it was written; each weekday's hours in order."""
        rows = self._rows(super()._few(found))
        for of in {row[3] for row in rows}:
            hours: list[Opening] = [row[:3] for row in rows if row[3] == of]
            if not in_order(hours):
                raise Wrong(_("开放时间要先开后关，同一天的不能重叠"), str(self.hint))
        keys = [self._key(row) for row in rows]
        if len(keys) != len(set(keys)):
            raise Wrong(_("同一天写了两次"), str(self.hint))
        return self._lines(rows)


CENTRE_HOURS = Week(
    name="hours",
    label=lazy_gettext("每周开放"),
    hint=lazy_gettext("比如 周一到周五 08:30 12:00，再一行 14:00 18:00。没写的日子不开放。"),
    model=WeeklyHours,
    here=False,
)
"""A centre's own week, whether it is told by page or by file."""
