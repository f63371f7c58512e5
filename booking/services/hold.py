"""Holding a seat while the person makes up their mind."""

from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import joinedload

from booking.models import Claim, Space, Unit
from booking.opening import SpaceDay, space_day
from booking.rules import kept_for, why_not
from booking.services.place import Taken, make_room, occupy
from core.clock import database_now, local_day
from core.database import db, unit_of_work
from core.errors import Refused
from core.intervals import Interval
from core.versions import bump
from core.words import clock_words, full_day, inside
from kiosk.models import Visit
from people.models import Resident

_CLAIM, _VISIT = Claim.metadata.tables["claim"], Visit.metadata.tables["visit"]
HELD = select(Claim).where(Claim.visit_id == bindparam("visit")).execution_options(populate_existing=True)
"""What a visit holds, read anew."""
_HELD_WITH_UNIT = HELD.options(joinedload(Claim.unit))
_OPEN = (
    select(_VISIT.c.id)
    .where(_VISIT.c.id == bindparam("visit"), _VISIT.c.ended_at.is_(None))
    .with_for_update(key_share=True)
)
_RELEASE = (
    delete(_CLAIM)
    .where(_CLAIM.c.visit_id == bindparam("visit"))
    .returning(_CLAIM.c.unit_id, _CLAIM.c.starts_at)
)


def hold(visit: Visit, unit: Unit, span: Interval, *, at_kiosk: bool) -> Claim:
    """Hold `unit` for `[span)` for the visit: 120 s, never extended, one at a time. Others see 有人正在选.

    Raises `Refused`: `seat_taken`, `seat_kept`, or why the time cannot be booked.
    """
    try:
        with unit_of_work():
            now = database_now()
            space = db.session.get_one(Space, unit.space_id)
            day = space_day(space, local_day(span.start, space.centre.zone))
            check(day, unit, span, now, at_kiosk=at_kiosk, resident=visit.resident)
            _one_at_a_time(visit.id)
            mine = db.session.scalar(HELD, {"visit": visit.id})
            same = mine is not None and (mine.unit_id, mine.starts_at, mine.use_ends_at) == (
                unit.id,
                span.start,
                span.end,
            )
            if mine is not None and same and mine.expires_at is not None and now <= mine.expires_at:
                return mine
            if mine is not None:
                release(visit.id)
            end = day.buffered(span.end)
            make_room([unit.id], span.start, end, now, None)
            occupy(
                [unit.id],
                span.start,
                span.end,
                end,
                visit_id=visit.id,
                expires_at=now + timedelta(seconds=day.policy.hold_seconds),
            )
            bump(f"day:{space.id}:{day.day}")
            return db.session.scalars(HELD, {"visit": visit.id}).one()
    except Taken:
        raise taken(unit) from None


def held(visit_id: int) -> Claim | None:
    """What a visit holds, whether or not it still counts; with its unit."""
    return db.session.scalar(_HELD_WITH_UNIT, {"visit": visit_id})


def _one_at_a_time(visit_id: int) -> None:
    """Two taps of one person wait for each other here; who has gone holds nothing."""
    if db.session.scalar(_OPEN, {"visit": visit_id}) is None:
        raise Refused("visit_over", _("这一次已经结束了"), _("请从首页再来一次。"))


def release(visit_id: int) -> bool:
    """Free what a visit holds. Joins a running unit of work; nothing held changes nothing."""
    with unit_of_work():
        row = db.session.execute(_RELEASE, {"visit": visit_id}).first()
        if row is None:
            return False
        space = db.session.scalars(select(Space).join(Unit).where(Unit.id == row.unit_id)).one()
        bump(f"day:{space.id}:{local_day(row.starts_at, space.centre.zone)}")
        return True


def taken(unit: Unit) -> Refused:
    """Somebody was faster. The view adds what is still free."""
    return Refused(
        "seat_taken", _("%(seat)s 刚被别人选走了", seat=unit.code), _("您没有做错，是两个人同时选的。")
    )


def check(
    day: SpaceDay, unit: Unit, span: Interval, now: datetime, *, at_kiosk: bool, resident: Resident | None
) -> None:
    """Refuse what a resident may not book, whoever else wants it, in words that say what is possible."""
    today = local_day(now, day.zone)
    use_now = at_kiosk and span.start <= now
    why = why_not(
        (span.start, span.end),
        day.spans,
        day.policy,
        day.space.step_minutes,
        day.start,
        day.released_at,
        now,
        use_now=use_now,
    )
    if why:
        raise Refused(why, *_words(why, day, now), status=422)
    if day.space.mode != "seats" or day.space.approval:
        raise Refused("ask_desk", _("这里要请工作人员帮您约"), _("按“找工作人员”，我们马上来。"), status=422)
    kept = kept_for(
        walk_in=unit.walk_in,
        wheelchair=unit.wheelchair,
        at_kiosk_same_day=at_kiosk and day.day == today,
        needs_adapted=None if resident is None else resident.adapted_seat,
        walk_in_until=day.walk_in_until,
        adapted_until=day.adapted_until,
        now=now,
    )
    if kept:
        raise kept_back(kept, day, unit)


def kept_back(kept: str, day: SpaceDay, unit: Unit) -> Refused:
    """The seat is kept for somebody else until a set time."""
    until = day.walk_in_until if kept == "walk_in" else day.adapted_until
    when = clock_words(until, day.zone) if until else ""
    if kept == "walk_in":
        text = _("它留给当天到中心来的人。当天 %(time)s 以后，手机上也可以选。", time=when)
    else:
        text = _("它留给坐轮椅的街坊。当天 %(time)s 还空着，谁都可以坐。", time=when)
    return Refused("seat_kept", _("%(seat)s 先留着", seat=unit.code), text)


def _words(why: str, day: SpaceDay, now: datetime) -> tuple[str, str]:
    """Title and sentence of a refusal of the time."""
    minutes = day.policy
    match why:
        case "past":
            return _("这个时间已经过了"), _("请选晚一点的时间。")
        case "closed":
            return _("这个时间不开放"), _("请选开放的时间，图上没有斜线的都可以。")
        case "too_early":
            today = local_day(now, day.zone)
            opens = f"{full_day(local_day(day.released_at, day.zone), today)} {clock_words(day.released_at, day.zone)}"
            return _("这一天还没到开放预约的时候"), _("%(when)s 开始可以约。", when=inside(opens))
        case "too_short":
            return _("时间短了一点"), _("最少约 %(n)d 分钟。", n=minutes.min_minutes)
        case "too_long":
            return _("时间长了一点"), _("一次最多约 %(n)d 分钟。", n=minutes.max_minutes)
        case _:
            return _("这个时间不能选"), _("请在页面上选一个时间。")
