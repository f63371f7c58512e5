"""The elders' register from a sheet: who is new, who is known, and every cell that somebody must look at first.

A person is found by name and birth date, and by phone number where there are several. Two people of one name and
birthday are never made one: where it is not certain who is meant, the row waits until a person has written it down.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import select

from core import audit
from core.audit import Actor
from core.columns import (
    Birthday,
    Choice,
    Column,
    Day,
    Flag,
    Words,
    Wrong,
    choices_words,
    in_any_language,
    options_of,
    parse_date,
)
from core.database import db, unit_of_work
from core.errors import Refused
from core.imports import SHEET as MASTER_SHEET
from core.imports import Plan, RegisterPart, Step, heads, take_values
from core.readers import readers
from core.sheets import Fault, Read, read
from core.versions import bump
from core.words import masked
from people.models import Card, Resident, ResidentStatus
from people.phones import parse_phone, phone_indexes
from people.services.cards import link_card
from people.services.findings import (
    HUKOU,
    LEVELS,
    LIVING,
    buildings_of,
    finding_words,
    kind_options,
    put_assessment,
    put_living,
    put_status,
    touch,
)
from people.services.residents import NAMES, register

SHEET = replace(MASTER_SHEET, name="sheet.register")
MOST_ROWS, MOST_AT_COMMAND, CHUNK = 2000, 20_000, 200
NEW = "new"


class Parts:
    """What the areas add; `create_app` fills it."""

    def __init__(self) -> None:
        self.all: Sequence[RegisterPart] = ()

    def use(self, parts: Sequence[RegisterPart]) -> None:
        self.all = tuple(parts)


parts = Parts()


# --- columns --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Phone(Column):
    """A phone number as people write it; empty: none is said."""

    def read(self, raw: Any) -> str:
        text = self._text(raw)
        if not text:
            return ""
        try:
            return parse_phone(text)
        except Refused as refusal:
            raise Wrong(refusal.title, refusal.text) from None


@dataclass(frozen=True, kw_only=True)
class Statuses(Column):
    """`低保 2025-01-01；三属五老 2020-05-01~2027-01-01`: what was found from when on, and until the day before when."""

    def read(self, raw: Any) -> list[tuple[str, date, date | None]]:
        found = []
        for part in self._text(raw).replace("；", ";").replace("\n", ";").split(";"):
            words = part.replace("～", "~").replace("至", "~").split(maxsplit=1)
            if not words:
                continue
            kind = in_any_language(kind_options).get(words[0])
            if kind is None:
                raise Wrong(_("没有“%(one)s”这一项", one=words[0][:20]), choices_words(kind_options()))
            starts, _sign, ends = (words[1] if len(words) > 1 else "").replace(" ", "").partition("~")
            begins, stops = parse_date(starts), parse_date(ends) if ends else None
            if begins is None or (ends and stops is None) or (stops is not None and stops <= begins):
                raise Wrong(_("“%(one)s”后面要写从哪天起", one=words[0][:20]), str(self.hint))
            found.append((kind, begins, stops))
        return found


OWN = [
    Words(
        name="name",
        label=lazy_gettext("姓名"),
        key=True,
        required=True,
        most=80,
        hint=lazy_gettext("写身份证上的名字。"),
    ),
    Birthday(
        name="born",
        label=lazy_gettext("出生日期"),
        key=True,
        required=True,
        hint=lazy_gettext("比如 1948-06-12。"),
    ),
    Phone(name="phone", label=lazy_gettext("手机"), hint=lazy_gettext("11 位，香港 8 位；没有就空着。")),
    Words(
        name="which",
        label=lazy_gettext("同名的是哪位"),
        most=40,
        hint=lazy_gettext("有同名同生日的才写：新的一位写“新的”，原来那位写“尾号1187”或卡号。"),
    ),
    Choice(name="hukou", label=lazy_gettext("户籍"), options=options_of(HUKOU), blank=True),
    Words(name="hukou_district", label=lazy_gettext("户籍区"), most=40),
    Statuses(
        name="statuses",
        label=lazy_gettext("身份"),
        hint=lazy_gettext("比如：低保 2025-01-01；三属五老 2020-05-01~2027-01-01。"),
    ),
    Choice(name="assessment", label=lazy_gettext("失能评估"), options=options_of(LEVELS), blank=True),
    Day(name="assessed_on", label=lazy_gettext("评估日期"), blank=True),
    Flag(name="lives_alone", label=lazy_gettext("独居")),
    Words(
        name="building",
        label=lazy_gettext("楼栋"),
        most=60,
        hint=lazy_gettext("名称或编号，和“楼栋”里登记的一样。"),
    ),
    Words(name="room", label=lazy_gettext("房号"), most=20),
    Words(
        name="card",
        label=lazy_gettext("卡号"),
        most=40,
        hint=lazy_gettext("已经有的卡，印在正面，6 位以上。"),
    ),
]
PLAIN = tuple(name for name in LIVING if name != "building_id")
"""Columns that are the resident's own fields. Empty words leave what is there."""


def columns() -> list[Column]:
    """The register's columns: ours and what the areas add."""
    return [*OWN, *(column for part in parts.all for column in part.columns)]


# --- looking --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Known:
    """Who and what is there already, read once for a whole sheet."""

    people: dict[tuple[str, date], list[Resident]]
    buildings: dict[str, int]
    cards: dict[str, int]
    """Number → whose; while a sheet is gone through, also what its rows have taken (negative: a new person's)."""
    live: dict[str, int]
    statuses: dict[int, list[ResidentStatus]]


def plan(district_id: int, centre_id: int, data: bytes, *, most_rows: int = MOST_ROWS) -> Plan:
    """What a register would do, or every cell that keeps it from doing anything. Changes nothing."""
    everything = columns()
    sheet = read(data, heads(everything), ["name", "born"], most_rows)
    made = Plan(faults=list(sheet.faults))
    if not sheet.rows and not made.faults:
        raise Refused("sheet_empty", _("表里没有内容"), _("表头下面至少要有一行。"), status=422)
    known = _known(district_id, centre_id)
    rows: list[tuple[int, dict[str, Any]]] = []
    for number in sheet.rows:
        before = len(made.faults)
        values = take_values(sheet, number, everything, made.faults)
        _look_at(sheet, number, values, known, made.faults)
        if len(made.faults) == before and {"name", "born"} <= values.keys():
            rows.append((number, values))
    taken: dict[tuple[str, Any], int] = {}
    for number, values in rows:
        step = _step(sheet, number, values, known, taken, made.faults)
        if step is not None:
            made.steps.append(step)
    return made


def _known(district_id: int, centre_id: int) -> Known:
    people: dict[tuple[str, date], list[Resident]] = {}
    for one in db.session.scalars(
        select(Resident)
        .where(Resident.district_id == district_id, Resident.lifecycle != "merged")
        .order_by(Resident.id)
    ):
        people.setdefault((_plain(one.name), one.born), []).append(one)
    houses = buildings_of(centre_id)
    statuses: dict[int, list[ResidentStatus]] = {}
    for row in db.session.scalars(
        select(ResidentStatus)
        .join(Resident, Resident.id == ResidentStatus.resident_id)
        .where(Resident.district_id == district_id)
    ):
        statuses.setdefault(row.resident_id, []).append(row)
    cards = db.session.execute(select(Card.number, Card.resident_id).where(Card.revoked_at.is_(None))).all()
    return Known(
        people,
        {key: row.id for row in houses for key in (row.code, row.name_zh, row.name_en) if key},
        {row.number: row.resident_id for row in cards},
        {row.number: row.resident_id for row in cards},
        statuses,
    )


def _plain(name: str) -> str:
    return "".join(name.split()).casefold()


def _look_at(sheet: Read, number: int, values: dict[str, Any], known: Known, faults: list[Fault]) -> None:
    """What columns say together: a house that is known, a card of a card's shape, an assessment with its day."""

    def fault(name: str, wrong: str, right: str) -> None:
        letter = sheet.letters.get(name, sheet.letters["name"])
        faults.append(Fault(f"{letter}{number}", str(values.get(name) or ""), wrong, right))

    house = values.get("building")
    if house:
        found = known.buildings.get(house)
        if found is None:
            fault("building", _("没有登记过这栋楼"), _("先在“楼栋”里登记，或写成登记的名称。"))
        else:
            values["building"] = found
    card = str(values.get("card") or "")
    if card.strip():
        kept = readers.number(card, "desk")
        if kept is None:
            fault("card", _("卡号请再看看"), _("卡号印在卡的正面，6位以上。"))
        else:
            values["card"] = kept
    if bool(values.get("assessment")) != bool(values.get("assessed_on")):
        missing = "assessed_on" if values.get("assessment") else "assessment"
        fault(missing, _("评估要有级别和日期"), _("两列都写，或者都空着。"))
    for part in parts.all:
        try:
            if part.check is not None:
                part.check(values)
        except Wrong as wrong:
            fault(part.columns[0].name, wrong.what, wrong.right)


def _step(
    sheet: Read,
    number: int,
    values: dict[str, Any],
    known: Known,
    taken: dict[tuple[str, Any], int],
    faults: list[Fault],
) -> Step | None:
    """Who a row means. Uncertain: a fault, never a guess."""
    who = (_plain(values["name"]), values["born"])
    candidates, phone, said = (
        known.people.get(who, []),
        values.get("phone") or "",
        str(values.get("which") or ""),
    )
    person: Resident | None = None
    fresh = said in {"新的", "新", NEW}
    at = f"{sheet.letters['name']}{number}"
    if said and not fresh:
        person = _named(said, candidates, known)
        if person is None:
            cell = f"{sheet.letters['which']}{number}"
            faults.append(Fault(cell, said, _("对不上同名的哪一位"), _twins_words(candidates)))
            return None
    elif not fresh and candidates:
        by_phone = [one for one in candidates if phone and one.phone == phone]
        if len(by_phone) == 1:
            person = by_phone[0]
        elif len(candidates) == 1 and (not phone or not candidates[0].phone):
            person = candidates[0]
        else:
            wrong = _("有 %(n)d 位同名同生日的，不知道是哪位", n=len(candidates))
            faults.append(Fault(at, masked(values["name"]), wrong, _twins_words(candidates)))
            return None
    if fresh and any(phone and one.phone == phone for one in candidates):
        faults.append(
            Fault(
                at,
                masked(values["name"]),
                _("写了“新的”，可是这个手机号的那位已经有了"),
                _twins_words(candidates),
            )
        )
        return None
    key = ("id", person.id) if person is not None else ("who", (who, phone) if fresh else who)
    twice = taken.setdefault(key, number)
    if twice != number:
        right = _("是同一位，就留一行；是两位，就在“%(column)s”都写“新的”。", column=str(OWN[3].label))
        faults.append(Fault(at, masked(values["name"]), _("和第 %(n)d 行同名同生日", n=twice), right))
        return None
    if not _card_fits(sheet, number, values, known, person, faults) or not _statuses_fit(
        sheet, number, values, known, person, faults
    ):
        return None
    label = masked(values["name"])
    if person is None:
        return Step(number, "new", label, values)
    fields = _differs(person, values, known)
    words = _("、").join(str(column.label) for column in columns() if column.name in fields)
    return Step(number, "change" if fields else "same", label, values, person.id, note=words)


def _named(said: str, candidates: Sequence[Resident], known: Known) -> Resident | None:
    """Whom «尾号1187» or a card's number means, among those of this name and birthday."""
    tail = "".join(sign for sign in said if sign.isdigit())
    owner = known.cards.get(readers.number(said, "desk") or "")
    found = [one for one in candidates if one.id == owner or (len(tail) == 4 and one.phone_tail == tail)]
    return found[0] if len(found) == 1 else None


def _twins_words(candidates: Sequence[Resident]) -> str:
    tails = [_("尾号%(tail)s", tail=one.phone_tail) for one in candidates if one.phone_tail]
    column = str(OWN[3].label)
    if not candidates:
        return _("没有同名同生日的，“%(column)s”空着就行。", column=column)
    if not tails:
        return _("在“%(column)s”写那位的卡号；是另一位，就写“新的”。", column=column)
    return _("在“%(column)s”写%(tails)s；是另一位，就写“新的”。", column=column, tails=_("或").join(tails))


def _card_fits(
    sheet: Read,
    number: int,
    values: Mapping[str, Any],
    known: Known,
    person: Resident | None,
    faults: list[Fault],
) -> bool:
    card = values.get("card")
    owner = known.cards.get(str(card)) if card else None
    if owner is not None and (person is None or owner != person.id):
        cell = f"{sheet.letters['card']}{number}"
        wrong = _("这张卡登记在别人名下")
        faults.append(Fault(cell, str(card), wrong, _("请核对卡号，或先在那位的资料里注销。")))
        return False
    if card:
        known.cards[str(card)] = person.id if person is not None else -number  # of this row from now on
    return True


def _statuses_fit(
    sheet: Read,
    number: int,
    values: Mapping[str, Any],
    known: Known,
    person: Resident | None,
    faults: list[Fault],
) -> bool:
    there = known.statuses.get(person.id, []) if person is not None else []
    said: dict[str, list[tuple[date, date | None]]] = {}
    for kind, starts, ends in values.get("statuses") or []:
        others = [
            (row.starts_on, row.ends_on) for row in there if row.kind == kind and row.starts_on != starts
        ]
        if any(touch((starts, ends), other) for other in [*others, *said.get(kind, [])]):
            cell = f"{sheet.letters['statuses']}{number}"
            words = finding_words(kind)
            right = _("看看那位的资料，日期接着写，不要重叠。")
            faults.append(Fault(cell, words, _("“%(one)s”这段日子已经登记过", one=words), right))
            return False
        said.setdefault(kind, []).append((starts, ends))
    return True


def _differs(person: Resident, values: Mapping[str, Any], known: Known) -> set[str]:
    """Columns that say something else than what is kept. What the areas add counts as such when it says anything."""
    found = {
        name for name in PLAIN if values.get(name) not in (None, "") and getattr(person, name) != values[name]
    }
    if values.get("phone") and person.phone != values["phone"]:
        found.add("phone")
    if values.get("building") and person.building_id != values["building"]:
        found.add("building")
    there = {(row.kind, row.starts_on, row.ends_on) for row in known.statuses.get(person.id, [])}
    if any(one not in there for one in values.get("statuses") or []):
        found.add("statuses")
    level = values.get("assessment")
    if level and (f"assessed_{level}", values["assessed_on"]) not in {
        (kind, day) for kind, day, _end in there
    }:
        found.add("assessment")
    if values.get("card") and known.live.get(values["card"]) != person.id:
        found.add("card")
    added = {column.name for part in parts.all for column in part.columns}
    return found | {name for name in added if values.get(name)}


def _live_cards(resident_id: int) -> set[str]:
    return set(
        db.session.scalars(
            select(Card.number).where(Card.resident_id == resident_id, Card.revoked_at.is_(None))
        )
    )


# --- writing --------------------------------------------------------------------------------------------------------


def apply(
    actor: Actor,
    district_id: int,
    centre_id: int,
    planned: Plan,
    progress: Callable[[int], object] | None = None,
) -> int:
    """Write what was planned. In one unit of work where there is one already; else some rows at a time, so that nobody
    waits long, and running the same sheet again goes on where it stopped. Returns how many rows."""
    if planned.faults:
        raise Refused("sheet_faults", _("表里还有要改的地方"), _("改好以后再传一次。"), status=422)
    steps = planned.writes
    for n in range(0, len(steps), CHUNK):
        with unit_of_work():
            for step in steps[n : n + CHUNK]:
                _write(actor, district_id, centre_id, step)
        if progress is not None:
            progress(min(n + CHUNK, len(steps)))
    return len(steps)


def _write(actor: Actor, district_id: int, centre_id: int, step: Step) -> None:
    values = step.values
    if step.row_id is None:
        person = register(
            actor,
            district_id=district_id,
            home_centre_id=centre_id,
            name=values["name"],
            born=values["born"],
            phone=values.get("phone") or None,
        )
        person.pin_open_until = None  # nobody stands at a kiosk with this sheet
    else:
        person = db.session.scalars(
            select(Resident)
            .where(Resident.id == step.row_id, Resident.district_id == district_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).one()
    changed = put_living(person, _said_of_living(values))
    if values.get("phone") and person.phone != values["phone"]:
        person.phone = values["phone"]
        person.phone_index, person.phone_tail_index = phone_indexes(values["phone"])
        changed.append("phone")
    db.session.flush()
    for kind, starts, ends in values.get("statuses") or []:
        put_status(person.id, kind, starts, ends)
    if values.get("assessment") and values.get("assessed_on"):
        put_assessment(person.id, values["assessment"], values["assessed_on"])
    if values.get("card") and values["card"] not in _live_cards(person.id):
        link_card(actor, person.id, values["card"])
    for part in parts.all:
        part.write(actor, person.id, values)
    bump(NAMES)
    audit.record(
        actor, "resident.imported", "resident", person.id, unit_id=centre_id, detail={"fields": changed}
    )


def _said_of_living(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the row says; an empty cell leaves what is there."""
    said = {name: values.get(name) for name in PLAIN} | {"building_id": values.get("building")}
    return {name: value for name, value in said.items() if value not in (None, "")}
