"""Master data: what an area declares once and gets pages, history and sheets for. The only code that writes it.

Rows are told apart by their key columns within their unit. What is dated changes from a day on: a new row begins and
the one before ends; a day that has begun is never rewritten. What is not dated is changed in place, and retired instead
of deleted. The record of changes keeps old and new values: master data is about things, not people.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.exc import IntegrityError

from core import audit, files
from core.audit import Actor, Audit
from core.clock import database_now
from core.columns import Choice, Column, Wrong
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.files import File, Prepared
from core.versions import bump

Row = Any
"""A row of the master's model."""
Values = dict[str, Any]
PAGE = 30


@dataclass(frozen=True, slots=True)
class Dependant:
    """What depends on a row: in words, how many, and where to see them."""

    words: str
    many: int
    url: str = ""
    holds: bool = False
    """While there are any, the row may not go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Master:
    """One kind of master data. `name` stands in addresses; title, one, note: lazy strings («菜品», «一道菜»).

    look, write: roles over the centre, and over the unit that owns a row. units(centre id): whose rows are seen there,
    the nearest first. shared: one catalogue of the farthest of them; whoever may write at a centre may write in it.
    order: the column by which lists begin. find: columns that a search looks into. dated: rows have `starts_on` and
    `ends_on`. retire: attribute that says when a row went. depends(row, centre's address): what hangs on it.
    check(row): raises Wrong where columns do not fit each other. changed(unit id): pages to be made anew. photo:
    attribute that holds a file of the kind `photo_kind`. fixed: its rows come from elsewhere, here they only change.
    picture(row): what it looks like, as SVG; '': nothing to see.
    """

    name: str
    title: Any
    one: Any
    note: Any = ""
    icon: str = "list"
    model: Any
    columns: Sequence[Column]
    look: frozenset[str]
    write: frozenset[str]
    units: Callable[[int], Sequence[int]]
    order: str
    find: Sequence[str] = ()
    filters: Sequence[str] = ()
    dated: bool = False
    shared: bool = False
    retire: str = ""
    depends: Callable[[Row, str], Sequence[Dependant]] | None = None
    check: Callable[[Row], None] | None = None
    changed: Callable[[int], None] | None = None
    photo: str = ""
    photo_kind: str = ""
    fixed: bool = False
    picture: Callable[[Row], str] | None = None

    @property
    def keys(self) -> list[Column]:
        return [column for column in self.columns if column.key]

    def column(self, name: str) -> Column:
        """One of the columns."""
        found = next((column for column in self.columns if column.name == name), None)
        if found is None:
            raise NotFound(_("没有这一栏"))
        return found

    def label(self, row: Row) -> str:
        """What a row is called."""
        named = getattr(row, "name_zh", "")
        return str(named or " ".join(column.show(column.get(row)) for column in self.keys))

    def values(self, row: Row) -> Values:
        """Everything that the columns say of a row."""
        return {column.name: column.get(row) for column in self.columns}

    def version(self, row: Row) -> str:
        """A short name for exactly these values: who changes a row says which they saw."""
        said = [(name, repr(value)) for name, value in self.values(row).items()]
        ends = str(getattr(row, "ends_on", "")) + str(getattr(row, self.retire or "ends_on", ""))
        return hashlib.blake2b(repr((said, ends)).encode(), digest_size=8).hexdigest()


class Masters:
    """The masters of this process; `create_app` fills it."""

    def __init__(self) -> None:
        self.by_name: dict[str, Master] = {}

    def use(self, all_of_them: Sequence[Master]) -> None:
        self.by_name = {one.name: one for one in all_of_them}


masters = Masters()


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wish:
    """What of a list somebody wants to see. state: now, later, past, retired or all."""

    words: str = ""
    filters: Mapping[str, str] | None = None
    sort: str = ""
    down: bool = False
    state: str = "now"
    page: int = 1


def listed(master: Master, units: Sequence[int], wish: Wish, today: date) -> tuple[list[Row], int]:
    """One page of a list, and how many rows there are in all."""
    query = _wanted(master, units, wish, today)
    many = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = db.session.scalars(_sorted(master, query, wish).limit(PAGE).offset((max(1, wish.page) - 1) * PAGE))
    return list(rows), many


def every(master: Master, units: Sequence[int], wish: Wish, today: date) -> list[Row]:
    """All rows of a list, for a sheet."""
    return list(db.session.scalars(_sorted(master, _wanted(master, units, wish, today), wish)))


def _wanted(master: Master, units: Sequence[int], wish: Wish, today: date) -> Select[Any]:
    model = master.model
    query = select(model).where(model.unit_id.in_(units))
    if wish.words.strip():
        words = wish.words.strip()
        query = query.where(
            or_(*(getattr(model, name).contains(words, autoescape=True) for name in master.find))
        )
    for name, value in (wish.filters or {}).items():
        if value and name in master.filters:
            query = query.where(getattr(model, name) == value)
    return query.where(*_in_state(master, wish.state, today))


def _in_state(master: Master, state: str, today: date) -> list[ColumnElement[bool]]:
    model = master.model
    if state == "all":
        return []
    if master.dated:
        if state == "later":
            return [model.starts_on > today]
        if state == "past":
            return [model.ends_on <= today]
        return [model.starts_on <= today, or_(model.ends_on.is_(None), model.ends_on > today)]
    if not master.retire:
        return []
    gone = getattr(model, master.retire)
    return [gone.is_not(None) if state == "retired" else gone.is_(None)]


def _sorted(master: Master, query: Select[Any], wish: Wish) -> Select[Any]:
    plain = {column.name for column in master.columns if not column.part} | {"starts_on", "ends_on"}
    name = wish.sort if wish.sort in plain and hasattr(master.model, wish.sort) else master.order
    by = getattr(master.model, name)
    return query.order_by(by.desc() if wish.down else by, master.model.id)


def load(master: Master, row_id: int, units: Sequence[int], *, lock: bool = False) -> Row:
    """A row of one of these units."""
    query = select(master.model).where(master.model.id == row_id, master.model.unit_id.in_(units))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = db.session.scalar(query)
    if found is None:
        raise NotFound(_("没有找到这一条"), _("可能已经删了，请从列表里再选。"))
    return found


def line(master: Master, row: Row) -> list[Row]:
    """Every row with the same key in the same unit, the newest first: how it changed from day to day."""
    query = select(master.model).where(*_same(master, row.unit_id, master.values(row)))
    return list(db.session.scalars(query.order_by(master.model.starts_on.desc())))


def _same(master: Master, unit_id: int, values: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    model = master.model
    return [model.unit_id == unit_id, *(getattr(model, one.name) == values[one.name] for one in master.keys)]


def history(master: Master, row: Row) -> list[Audit]:
    """What was done to a row (or to its whole line), the newest first."""
    ids = [one.id for one in line(master, row)] if master.dated else [row.id]
    query = select(Audit).where(Audit.subject_kind == _subject(master), Audit.subject_id.in_(ids))
    return list(db.session.scalars(query.order_by(Audit.id.desc()).limit(100)))


def dependants(master: Master, row: Row, base: str) -> list[Dependant]:
    """What hangs on a row, without what there is none of."""
    return [one for one in (master.depends(row, base) if master.depends else ()) if one.many]


def _subject(master: Master) -> str:
    return str(master.model.__tablename__)


# --- writing --------------------------------------------------------------------------------------------------------


def create(
    actor: Actor, master: Master, unit_id: int, values: Values, *, today: date, starts_on: date | None = None
) -> Row:
    """A new row. Refuses one whose key is taken; a dated one begins today or later."""
    if master.fixed:
        raise NotFound(_("这里不能新加"))
    with unit_of_work():
        if not master.keys and db.session.scalar(select(master.model).where(master.model.unit_id == unit_id)):
            raise _taken(master)
        row = master.model(unit_id=unit_id)
        _give(master, row, values)
        if master.dated:
            row.starts_on = _not_before(starts_on or today, today)
            row.ends_on = _next_start(master, unit_id, values, row.starts_on)
            if _in_force(master, unit_id, values, row.starts_on) is not None:
                raise _taken(master)
        _write(master, row)
        new = {name: _told(master, name, value) for name, value in master.values(row).items()}
        _record(actor, master, row, "added", {"new": new, **_days(row)})
    return row


def change(
    actor: Actor,
    master: Master,
    row_id: int,
    units: Sequence[int],
    values: Values,
    *,
    today: date,
    seen: str = "",
    starts_on: date | None = None,
) -> Row:
    """Change some values of a row; a dated one changes from `starts_on` on and is as it was until the day before.

    seen: `version` of what the person saw: another one's change in between is not overwritten.
    """
    with unit_of_work():
        row = load(master, row_id, units, lock=True)
        if seen and seen != master.version(row):
            raise Refused(
                "changed_meanwhile", _("刚才有人改过这一条"), _("请看看现在的内容，再改一次。您填的没有存。")
            )
        before = master.values(row)
        keys = {column.name for column in master.keys}
        new = {name: value for name, value in values.items() if name not in keys and before[name] != value}
        if not new:
            return row
        if master.dated:
            return _change_from(actor, master, row, new, _not_before(starts_on or today, today), today)
        _give(master, row, new)
        _write(master, row)
        _record(actor, master, row, "changed", _old_new(master, before, new))
    return row


def _change_from(actor: Actor, master: Master, row: Row, new: Values, day: date, today: date) -> Row:
    """The row in force on that day ends there, and one like it with the new values goes on to its end."""
    before = master.values(row)
    if not (row.starts_on <= day and (row.ends_on is None or day < row.ends_on)):
        there = _in_force(master, row.unit_id, before, day)
        if there is None:
            raise Refused(
                "day_outside", _("那一天它不生效"), _("请选它生效期间的日子，或者新加一条。"), status=422
            )
        row = load(master, there.id, [row.unit_id], lock=True)
        before = master.values(row)
    if row.starts_on == day:
        if day <= today or dependants(master, row, ""):
            text = (
                _("今天已经按它办了，请从明天起改。") if day <= today else _("已经有人按它订了，请晚一天起。")
            )
            raise Refused("day_begun", _("这一天不能改了"), text, status=422)
        _give(master, row, new)
        _write(master, row)
        _record(actor, master, row, "changed", {**_old_new(master, before, new), **_days(row)})
        return row
    follower = master.model(unit_id=row.unit_id, starts_on=day, ends_on=row.ends_on)
    _give(master, follower, {**before, **new})
    for name in master.model.__table__.columns.keys():  # noqa: SIM118 - a collection of columns
        if name not in {"id", "starts_on", "ends_on"} and getattr(follower, name) is None:
            setattr(follower, name, getattr(row, name))  # what no column shows goes on as it was
    row.ends_on = day
    db.session.flush()
    _write(master, follower)
    _record(actor, master, row, "ended", _days(row))
    _record(actor, master, follower, "changed", {**_old_new(master, before, new), **_days(follower)})
    return follower


def end(actor: Actor, master: Master, row_id: int, units: Sequence[int], day: date, *, today: date) -> None:
    """A dated row holds until the day before `day`. One that has not begun and that nothing hangs on is deleted."""
    with unit_of_work():
        row = load(master, row_id, units, lock=True)
        day = _not_before(day, today)
        if row.ends_on is not None and row.ends_on <= day:
            return
        if day <= row.starts_on:
            hanging = next((one for one in dependants(master, row, "") if one.many), None)
            if row.starts_on <= today or hanging is not None:
                raise Refused("day_begun", _("这一天不能改了"), _("请选晚一天。"), status=422)
            _record(actor, master, row, "removed", _days(row))
            _told_all(master, row.unit_id)
            db.session.delete(row)
            return
        row.ends_on = day
        _write(master, row)
        _record(actor, master, row, "ended", _days(row))


def retire(actor: Actor, master: Master, row_id: int, units: Sequence[int], *, back: bool = False) -> None:
    """Take a row off the lists, or put it back. Refuses while something holds it. Twice changes nothing."""
    with unit_of_work():
        row = load(master, row_id, units, lock=True)
        if (getattr(row, master.retire) is None) == back:
            return
        holding = [] if back else [one for one in dependants(master, row, "") if one.holds]
        if holding:
            words = _("；").join(_("%(what)s %(n)d 个", what=one.words, n=one.many) for one in holding)
            raise Refused("still_used", _("还有地方在用它"), _("%(words)s。请先改掉，再停用。", words=words))
        setattr(row, master.retire, None if back else database_now())
        _write(master, row)
        _record(actor, master, row, "brought_back" if back else "retired", {})


def set_photo(
    actor: Actor, master: Master, row_id: int, units: Sequence[int], ready: Prepared | None
) -> None:
    """Another picture for a row, or none; the one before goes."""
    with unit_of_work():
        row = load(master, row_id, units, lock=True)
        before = getattr(row, master.photo)
        kept = files.keep(actor, ready, row.unit_id).id if ready is not None else None
        setattr(row, master.photo, kept)
        _write(master, row)
        if before is not None:
            files.remove(actor, db.session.get_one(File, before))
        _record(actor, master, row, "photo", {"old": {"photo": before}, "new": {"photo": kept}})


def _give(master: Master, row: Row, values: Values) -> None:
    for name, value in values.items():
        master.column(name).put(row, value)


def _write(master: Master, row: Row) -> None:
    """Checked as a whole, then written; the database has the last word on what is taken."""
    if master.check is not None:
        try:
            master.check(row)
        except Wrong as wrong:
            raise Refused("does_not_fit", wrong.what, wrong.right, status=422) from None
    db.session.add(row)
    try:
        with db.session.begin_nested():
            db.session.flush()
    except IntegrityError as error:
        said = str(error.orig).lower()
        if "unique" in said or "no_overlap" in said:
            raise _taken(master) from None
        raise Refused("not_taken", _("这样存不了"), _("请再看看每一栏。"), status=422) from error
    _told_all(master, row.unit_id)


def _told_all(master: Master, unit_id: int) -> None:
    bump(f"master:{master.name}")
    if master.changed is not None:
        master.changed(unit_id)


def _taken(master: Master) -> Refused:
    keys = _("、").join(str(column.label) for column in master.keys)
    right = _("%(keys)s不能和别的一样。", keys=keys) if keys else _("每个中心只有一个，请改原来那个。")
    return Refused("already_there", _("这一条已经有了"), right, status=409)


def _not_before(day: date, today: date) -> date:
    if day < today:
        raise Refused("day_past", _("只能从今天或以后开始"), _("过去的日子已经按原来的办了。"), status=422)
    return day


def _in_force(master: Master, unit_id: int, values: Mapping[str, Any], day: date) -> Row | None:
    model = master.model
    return db.session.scalar(
        select(model).where(
            *_same(master, unit_id, values),
            model.starts_on <= day,
            or_(model.ends_on.is_(None), model.ends_on > day),
        )
    )


def _next_start(master: Master, unit_id: int, values: Mapping[str, Any], day: date) -> date | None:
    model = master.model
    return db.session.scalar(
        select(func.min(model.starts_on)).where(*_same(master, unit_id, values), model.starts_on > day)
    )


def _told(master: Master, name: str, value: Any) -> Any:
    return master.column(name).told(value)


def _old_new(master: Master, before: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "old": {name: _told(master, name, before[name]) for name in new},
        "new": {name: _told(master, name, value) for name, value in new.items()},
    }


def _days(row: Row) -> dict[str, str | None]:
    if not hasattr(row, "starts_on"):
        return {}
    return {"from": str(row.starts_on), "to": str(row.ends_on) if row.ends_on else None}


def _record(actor: Actor, master: Master, row: Row, verb: str, detail: Mapping[str, Any]) -> None:
    subject = _subject(master)
    audit.record(actor, f"{subject}.{verb}", subject, row.id, unit_id=row.unit_id, detail=detail)


# --- choosing -------------------------------------------------------------------------------------------------------


def choices(master: Master) -> list[Choice]:
    """Columns by which a list is filtered."""
    return [column for column in map(master.column, master.filters) if isinstance(column, Choice)]
