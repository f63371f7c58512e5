"""Booking's master data: the spaces of a centre with their hours and their seats, as its manager sets them up."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import func, inspect, or_, select

from booking.drawing import SIDES, drawn
from booking.layout import Spot, laid_out
from booking.models import Booking, Claim, Space, SpaceHours, Unit
from booking.services.place import lock_units
from centres.master import MANAGERS
from centres.services import changed
from centres.week import Week
from core.clock import database_now
from core.columns import Choice, Flag, Lines, Number, Several, Words, Wrong, options_of
from core.database import db
from core.master import Dependant, Master
from people.rules import DESK

MODES = {
    "seats": lazy_gettext("按座位订"),
    "whole": lazy_gettext("整间订"),
    "appointments": lazy_gettext("约人（健康、法律）"),
}
STEPS = (10, 15, 30, 60)
TRAITS = {
    "window": lazy_gettext("靠窗"),
    "aisle": lazy_gettext("靠走道"),
    "socket": lazy_gettext("有插座"),
    "lamp": lazy_gettext("有台灯"),
    "wheelchair": lazy_gettext("轮椅位"),
    "walk_in": lazy_gettext("留现场"),
}
OWN = ("wheelchair", "walk_in")
"""Traits that are columns of their own."""
CODE = r"[0-9A-Za-z_]{1,12}"
FROM_TO = re.compile(r"([A-Za-z_]*)(\d{1,3})-([A-Za-z_]*)(\d{1,3})")
MOST_SEATS, MOST_TABLES = 200, 24
ROOM = "ROOM"


# --- seats ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Seats(Lines):
    """Seats by code: those that are named are there, those that are not named go, and keep what was booked on them."""

    def get(self, row: Any) -> list[dict[str, Any]]:
        """In the order of the plan."""
        return [_line(unit) for unit in _live(row)]

    def put(self, row: Any, value: Any) -> None:
        """A seat that comes back under its code is the old one."""
        known = {unit.code: unit for unit in row.units}
        live = {unit.code for unit in _live(row)}
        for position, line in enumerate(value):
            unit = known.get(line["code"])
            if unit is None:
                unit = Unit(code=line["code"], traits={}, table_code="", width=0)
                row.units.append(unit)
            _give(unit, position, line)
        for code in live - {line["code"] for line in value}:
            known[code].retired_at = database_now()

    def told(self, value: Any) -> Any:
        """Names of people do not stand in a record that nobody may erase."""
        return [{name: one for name, one in line.items() if name != "name_zh"} for line in value]

    def _few(self, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return super()._few([{**line, "code": code} for line in found for code in _codes(line["code"])])


def _codes(text: str) -> list[str]:
    """`A1-A8` is eight seats."""
    if "-" not in text:
        return [text]
    found = FROM_TO.fullmatch(text)
    if found is None or found[3] not in {"", found[1]} or not int(found[2]) <= int(found[4]):
        raise Wrong(_("“%(code)s”看不懂", code=text), _("比如 A1-A8，就是 A1 到 A8 八个座位。"))
    return [
        f"{found[1]}{n:0{len(found[2]) if found[2][0] == '0' else 1}d}"
        for n in range(int(found[2]), int(found[4]) + 1)
    ]


def _live(row: Space) -> list[Unit]:
    """The seats that are there; of a space that went, those that went with it."""
    return [unit for unit in row.units if unit.retired_at is None or unit.retired_at == row.retired_at]


def _line(unit: Unit) -> dict[str, Any]:
    traits = unit.traits or {}
    has = [name for name in TRAITS if (getattr(unit, name) if name in OWN else traits.get(name))]
    line = {"code": unit.code, "table": unit.table_code, "name_zh": traits.get("name_zh", "")}
    return {**{name: text for name, text in line.items() if text}, "traits": has}


def _give(unit: Unit, position: int, line: Mapping[str, Any]) -> None:
    has = set(line.get("traits", ()))
    unit.position, unit.retired_at = position, None
    unit.wheelchair, unit.walk_in = "wheelchair" in has, "walk_in" in has
    table = line.get("table", "")
    if table != unit.table_code:
        unit.table_code, unit.width = table, 0  # stands elsewhere: laid out anew
    traits = {name: value for name, value in (unit.traits or {}).items() if name not in {*TRAITS, "name_zh"}}
    traits |= {name: True for name in TRAITS if name in has and name not in OWN}
    name = line.get("name_zh", "")
    unit.traits = {**traits, **({"name_zh": name} if name else {})}


# --- the plan -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Tables(Lines):
    """Tables of the plan, by code; where they stand is kept."""

    def get(self, row: Any) -> list[dict[str, Any]]:
        """What is told of each, without where it stands."""
        told = [column.name for column in self.columns]
        return [
            {name: one[name] for name in told if one.get(name)} for one in (row.plan or {}).get("tables", [])
        ]

    def put(self, row: Any, value: Any) -> None:
        """A table that was there stays where it stands."""
        there = {one["code"]: one for one in (row.plan or {}).get("tables", [])}
        told = [column.name for column in self.columns]
        stands = {
            code: {name: v for name, v in one.items() if name not in told} for code, one in there.items()
        }
        row.plan = {
            **(row.plan or {}),
            "tables": [{"name_en": "", **line, **stands.get(line["code"], {})} for line in value],
        }


@dataclass(frozen=True, kw_only=True)
class Walls(Lines):
    """What stands along the four sides of the plan, in words."""

    def get(self, row: Any) -> list[dict[str, Any]]:
        """In the order of the sides."""
        walls = (row.plan or {}).get("walls", {})
        lines = [{"side": side, **walls[side]} for side in SIDES if side in walls]
        return [{name: text for name, text in line.items() if text} for line in lines]

    def put(self, row: Any, value: Any) -> None:
        """All four anew."""
        walls = {line["side"]: {"zh": line["zh"], "en": line.get("en", "")} for line in value}
        row.plan = {**(row.plan or {}), "walls": walls}

    def _few(self, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return super()._few(sorted(found, key=lambda line: list(SIDES).index(line["side"])))


# --- the whole ------------------------------------------------------------------------------------------------------


def _check(row: Space) -> None:
    """Seats fit what the space is; nobody has booked what goes. What has no place on the plan gets one."""
    _follow(row)
    if row.step_minutes not in STEPS:
        raise Wrong(_("一格的长短不对"), _("写 10、15、30 或 60。"))
    if row.party_min > row.party_max:
        raise Wrong(_("最少的人数比最多的大"), _("比如 1 到 4。"))
    if row.mode == "whole" and not _live(row):
        Seats(name="seats", label="", columns=()).put(row, [{"code": ROOM}])
    if not _live(row):
        raise Wrong(_("还没有座位"), _("至少写一行，比如 A1-A8。"))
    if row.id is not None:
        _let_go(row)
    spots = {unit.code: _spot(unit) for unit in _live(row)}
    tables = (row.plan or {}).get("tables", [])
    bare = {table["code"] for table in tables} - {spot.table for spot in spots.values()}
    if bare:
        raise Wrong(_("%(table)s 桌没有座位", table=min(bare)), _("给它写上座位，或者去掉这张桌。"))
    placed, tables = laid_out(list(spots.values()), tables)
    for unit, spot in zip(_live(row), placed, strict=True):
        unit.x, unit.y, unit.width, unit.height = spot.x, spot.y, spot.width, spot.height
    row.plan = {**(row.plan or {}), "tables": tables}


def _spot(unit: Unit) -> Spot:
    where = (unit.x, unit.y, unit.width, unit.height) if unit.width else (0, 0, 0, 0)
    return Spot(unit.code, unit.table_code or "", *where)


def _follow(row: Space) -> None:
    """Seats go with their space, and come back with it."""
    was = next((at for at in inspect(row).attrs.retired_at.history.deleted or () if at is not None), None)
    for unit in row.units:
        if row.retired_at is not None and unit.retired_at is None:
            unit.retired_at = row.retired_at
        elif row.retired_at is None and was is not None and unit.retired_at == was:
            unit.retired_at = None


def _let_go(row: Space) -> None:
    """Through the door of those who claim: what is claimed of a seat that goes is seen, or never will be."""
    going = [
        unit
        for unit in row.units
        if unit.id is not None and unit.retired_at is not None and _is_new(unit, "retired_at")
    ]
    if _is_new(row, "mode"):
        going = [unit for unit in row.units if unit.id is not None]
    if not going:
        return
    with db.session.no_autoflush:
        lock_units([unit.id for unit in going])
        taken = db.session.scalars(
            select(Unit.code)
            .join(Claim, Claim.unit_id == Unit.id)
            .where(Unit.id.in_([unit.id for unit in going]), *_coming())
            .order_by(Unit.position)
        ).first()
    if taken is not None:
        raise Wrong(_("%(seat)s 还有人订着", seat=taken), _("请先在“预约”里给他们换好，再来改。"))


def _is_new(row: Any, name: str) -> bool:
    return bool(getattr(inspect(row).attrs, name).history.added) and inspect(row).persistent


def _coming() -> tuple[Any, ...]:
    now = database_now()
    return Claim.ends_at > now, or_(Claim.expires_at.is_(None), Claim.expires_at >= now)


def _depends(row: Space, base: str) -> list[Dependant]:
    """Whoever is still to come holds a space; what is over only tells of it."""
    of_space = select(func.count()).select_from(Booking).where(Booking.space_id == row.id)
    live = Booking.state.in_(["booked", "in_use"]) & (Booking.ends_at > database_now())
    ahead = db.session.scalar(of_space.where(live)) or 0
    behind = (db.session.scalar(of_space) or 0) - ahead
    return [
        Dependant(_("还没用的预约"), ahead, f"{base}/booking/" if base else "", holds=True),
        Dependant(_("以前的预约"), behind),
    ]


SPACES = Master(
    name="spaces",
    title=lazy_gettext("场地"),
    one=lazy_gettext("一处场地"),
    note=lazy_gettext("名称、开放时间、座位和座位图。已经约好的不变。"),
    icon="armchair",
    model=Space,
    columns=[
        Words(
            name="code",
            label=lazy_gettext("编号"),
            hint=lazy_gettext("小写字母、数字，比如 reading。定了不能改，网址里用。"),
            key=True,
            required=True,
            most=16,
            shape=r"[a-z][a-z0-9_]*",
        ),
        Words(
            name="name_zh",
            label=lazy_gettext("名称"),
            hint=lazy_gettext("比如：图书馆阅览室。"),
            required=True,
            most=20,
        ),
        Words(name="name_en", label=lazy_gettext("英文名称"), most=40, listed=False),
        Choice(
            name="mode",
            label=lazy_gettext("怎么订"),
            options=options_of(MODES),
            required=True,
            here=False,
            start="seats",
        ),
        Flag(
            name="approval",
            label=lazy_gettext("要工作人员约"),
            hint=lazy_gettext("居民自己不能订，请工作人员办。"),
            listed=False,
        ),
        Number(name="floor", label=lazy_gettext("几楼"), least=-3, most=60, required=True, start=1),
        Number(
            name="step_minutes",
            label=lazy_gettext("一格几分钟"),
            least=10,
            most=60,
            required=True,
            hint=lazy_gettext("10、15、30 或 60。"),
            start=30,
            listed=False,
        ),
        Number(
            name="party_min",
            label=lazy_gettext("最少几人"),
            least=1,
            most=500,
            required=True,
            start=1,
            listed=False,
        ),
        Number(
            name="party_max",
            label=lazy_gettext("最多几人"),
            least=1,
            most=500,
            required=True,
            start=1,
            listed=False,
        ),
        Week(
            name="hours",
            label=lazy_gettext("每周开放"),
            hint=lazy_gettext("每行是居民一次可以订的一段，比如 周一到周五 09:00 13:00。没写的日子不开放。"),
            model=SpaceHours,
            here=False,
        ),
        Seats(
            name="seats",
            label=lazy_gettext("座位"),
            hint=lazy_gettext(
                "编号可以写 A1-A8。特点可以写：靠窗、靠走道、有插座、有台灯、轮椅位、留现场。整间订的不用写。"
            ),
            columns=[
                Words(
                    name="code",
                    label=lazy_gettext("编号"),
                    required=True,
                    most=25,
                    shape=rf"{CODE}(-{CODE})?",
                ),
                Words(name="table", label=lazy_gettext("哪张桌"), most=8, shape=r"[0-9A-Za-z]*"),
                Words(name="name_zh", label=lazy_gettext("谁（约人才写）"), most=20),
                Several(name="traits", label=lazy_gettext("特点"), options=options_of(TRAITS)),
            ],
            labelled=True,
            most=MOST_SEATS,
            unique="code",
            listed=False,
        ),
        Tables(
            name="tables",
            label=lazy_gettext("桌子"),
            hint=lazy_gettext("比如 A 靠窗桌 Window table。不写就叫“A桌”。"),
            columns=[
                Words(name="code", label=lazy_gettext("编号"), required=True, most=8, shape=r"[0-9A-Za-z]+"),
                Words(name="name_zh", label=lazy_gettext("名称"), required=True, most=12),
                Words(name="name_en", label=lazy_gettext("英文名称"), most=24),
            ],
            labelled=True,
            most=MOST_TABLES,
            unique="code",
            listed=False,
        ),
        Walls(
            name="walls",
            label=lazy_gettext("座位图四边"),
            hint=lazy_gettext("比如 左边 窗户 Windows，居民好认方向。"),
            columns=[
                Choice(name="side", label=lazy_gettext("哪一边"), options=options_of(SIDES)),
                Words(name="zh", label=lazy_gettext("是什么"), required=True, most=12),
                Words(name="en", label=lazy_gettext("英文"), most=24),
            ],
            labelled=True,
            most=4,
            unique="side",
            listed=False,
        ),
        Flag(name="step_free", label=lazy_gettext("去那里没有台阶"), part="access", listed=False),
        Flag(name="lift", label=lazy_gettext("有电梯可到"), part="access", listed=False),
        Number(
            name="door_width_cm",
            label=lazy_gettext("门宽（厘米）"),
            least=40,
            most=400,
            blank=True,
            part="access",
            listed=False,
        ),
        Number(
            name="table_height_cm",
            label=lazy_gettext("桌高（厘米）"),
            least=40,
            most=150,
            blank=True,
            part="access",
            listed=False,
        ),
        Words(
            name="accessible_toilet",
            label=lazy_gettext("无障碍厕所在哪里"),
            hint=lazy_gettext("比如：同一层，走 20 米。"),
            most=60,
            part="access",
            listed=False,
        ),
        Words(
            name="accessible_toilet_en",
            label=lazy_gettext("无障碍厕所在哪里（英文）"),
            most=60,
            part="access",
            listed=False,
        ),
    ],
    look=DESK | MANAGERS,
    write=MANAGERS,
    units=lambda centre_id: [centre_id],
    order="code",
    find=("code", "name_zh", "name_en"),
    filters=("mode",),
    retire="retired_at",
    depends=_depends,
    check=_check,
    changed=changed,
    picture=drawn,
)

MASTERS = [SPACES]
