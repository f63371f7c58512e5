"""What the kitchen writes down for safety: food samples 留样 and the morning check 晨检."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from canteen.days import serving_day
from canteen.desk_queries import workers_of
from canteen.models import (
    Canteen,
    FoodSample,
    KitchenWorker,
    Menu,
    MorningAgain,
    MorningCheck,
    MorningPerson,
    Offer,
    OfferDish,
)
from canteen.morning import ITEMS, PERSON, Item, of_people, still_open
from canteen.rules import sample_ends
from canteen.services.order import changed
from core import audit
from core.audit import Actor
from core.clock import database_now, local_day
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.versions import bump
from core.words import clock_words, full_day, inside

MOST_GRAMS, MOST_NOTE = 2000, 400


def take_sample(staff_id: int, menu_id: int, dish_id: int, grams: int) -> FoodSample:
    """Today's dish, so many grams of it, put away now. What was taken before stands: a second tap changes nothing."""
    with unit_of_work():
        now = database_now()
        menu = db.session.get(Menu, menu_id, with_for_update=True, populate_existing=True)
        if menu is None or menu.state != "published" or not _on_menu(menu_id, dish_id):
            raise NotFound(_("这一餐没有这道菜"))
        day = serving_day(menu.canteen, menu.day)
        if local_day(now, day.zone) != menu.day:
            raise Refused("not_today", _("只能记今天的留样"), _("留样要当天做、当天留。"), status=422)
        least = day.policy.sample_grams
        if not least <= grams <= MOST_GRAMS:
            raise Refused(
                "grams_odd", _("留样至少 %(n)d 克", n=least), _("请称一下再填，填整数。"), status=422
            )
        there = db.session.scalar(
            select(FoodSample).where(FoodSample.menu_id == menu_id, FoodSample.dish_id == dish_id)
        )
        if there is not None:
            return there
        sample = FoodSample(
            menu_id=menu_id,
            dish_id=dish_id,
            grams=grams,
            taken_at=now,
            taken_by=staff_id,
            keep_until=sample_ends(now, day.policy.sample_hours),
        )
        db.session.add(sample)
        db.session.flush()
        audit.record(
            Actor("staff", staff_id),
            "sample.taken",
            "food_sample",
            sample.id,
            unit_id=menu.canteen_id,
            detail={"dish": dish_id, "grams": grams},
            at=now,
        )
        changed(menu)
    return sample


def _on_menu(menu_id: int, dish_id: int) -> bool:
    query = (
        select(OfferDish.dish_id).join(Offer).where(Offer.menu_id == menu_id, OfferDish.dish_id == dish_id)
    )
    return db.session.scalar(query.limit(1)) is not None


def discard_sample(staff_id: int, canteen_id: int, sample_id: int) -> FoodSample:
    """Throw a sample away once it has been kept long enough; before, the database refuses too. Again it changes
    nothing."""
    with unit_of_work():
        now = database_now()
        sample = db.session.scalar(
            select(FoodSample)
            .join(Menu, Menu.id == FoodSample.menu_id)
            .where(FoodSample.id == sample_id, Menu.canteen_id == canteen_id)
            .with_for_update(of=FoodSample)
            .execution_options(populate_existing=True)
        )
        if sample is None:
            raise NotFound(_("没有找到这份留样"))
        if sample.discarded_at is not None:
            return sample
        menu = db.session.get_one(Menu, sample.menu_id)
        zone = menu.canteen.centre.zone
        if now < sample.keep_until:
            until = inside(full_day(local_day(sample.keep_until, zone), local_day(now, zone)))
            raise Refused(
                "sample_kept",
                _("这份留样还不能倒"),
                _("要留到%(day)s %(time)s。", day=until, time=clock_words(sample.keep_until, zone)),
            )
        db.session.execute(
            update(FoodSample)
            .where(FoodSample.id == sample_id, FoodSample.discarded_at.is_(None))
            .values(discarded_at=now, discarded_by=staff_id)
        )
        db.session.refresh(sample)
        audit.record(
            Actor("staff", staff_id), "sample.discarded", "food_sample", sample.id, unit_id=canteen_id, at=now
        )
        changed(menu)
    return sample


def check_morning(
    staff_id: int,
    canteen: Canteen,
    found: Mapping[str, Any],
    note: str,
    people: Mapping[int, str] | None = None,
) -> MorningCheck:
    """The day's check, once. found: code → well or not, temperatures in tenths; None where one was not looked at.
    people: how each one of the kitchen is, where it is written down who they are (`PERSON`); some items follow from it.
    What is not as it should be needs a word about what is done."""
    with unit_of_work():
        now = database_now()
        day = local_day(now, canteen.centre.zone)
        there = _people(canteen.id, people or {})
        if there:
            found = {**found, **of_people([(state, one.certificate_until) for one, state in there], day)}
        wrong = _wrong(ITEMS, found, note)
        check = MorningCheck(
            canteen_id=canteen.id,
            day=day,
            items={item.code: found[item.code] for item in ITEMS},
            passed=not wrong,
            note=note.strip()[:MOST_NOTE],
            at=now,
            staff_id=staff_id,
            people=[
                MorningPerson(worker_id=one.id, state=state, certificate_until=one.certificate_until)
                for one, state in there
            ],
        )
        db.session.add(check)
        try:
            db.session.flush()
        except IntegrityError as error:
            raise Refused("checked", _("今天的晨检已经做过了"), _("刷新一下就能看到是谁做的。")) from error
        _record(staff_id, check, "morning.checked", wrong, now)
    return check


def check_again(staff_id: int, canteen: Canteen, found: Mapping[str, Any], note: str) -> MorningCheck:
    """复查 of what is not well today, as often as it takes. found: as of `check_morning`, of what is still open."""
    with unit_of_work():
        now = database_now()
        day = local_day(now, canteen.centre.zone)
        query = select(MorningCheck).where(MorningCheck.canteen_id == canteen.id, MorningCheck.day == day)
        check = db.session.scalar(query.with_for_update().execution_options(populate_existing=True))
        open_ = still_open(check.items, [one.items for one in check.again]) if check is not None else []
        if check is None or not open_:
            raise Refused("nothing_open", _("没有要复查的"), _("刷新一下就能看到是谁查的。"))
        items = [item for item in ITEMS if item.code in open_]
        wrong = _wrong(items, found, note)
        again = MorningAgain(
            items={item.code: found[item.code] for item in items},
            note=note.strip()[:MOST_NOTE],
            at=now,
            staff_id=staff_id,
        )
        check.again.append(again)
        if not wrong:
            check.resolved_at = now
        db.session.flush()
        _record(staff_id, check, "morning.checked_again", wrong, now)
    return check


def _people(canteen_id: int, said: Mapping[int, str]) -> list[tuple[KitchenWorker, str]]:
    """Everybody who works there with how they are. Refuses while somebody was not looked at."""
    there = workers_of(canteen_id)
    missing = [one for one in there if said.get(one.id) not in PERSON]
    if missing:
        raise Refused(
            "person_missing",
            _("还有 %(n)d 个人没有看", n=len(missing)),
            _("先看%(name)s。", name=missing[0].name),
            status=422,
        )
    return [(one, said[one.id]) for one in there]


def _wrong(items: Sequence[Item], found: Mapping[str, Any], note: str) -> list[str]:
    """Codes of what is not well. Refuses while something was not looked at, or nothing is said about what is done."""
    missing = [item for item in items if found.get(item.code) is None]
    if missing:
        raise Refused(
            "check_missing",
            _("还有 %(n)d 项没有看", n=len(missing)),
            _("先看“%(what)s”。", what=missing[0].label),
            status=422,
        )
    wrong = [item.code for item in items if not item.good(found[item.code])]
    if wrong and not note.strip():
        raise Refused(
            "note_missing", _("有不合格的，请写明怎么处理"), _("比如“小李发烧，已回家休息”。"), status=422
        )
    return wrong


def _record(staff_id: int, check: MorningCheck, verb: str, wrong: Sequence[str], now: datetime) -> None:
    audit.record(
        Actor("staff", staff_id),
        verb,
        "morning_check",
        check.id,
        unit_id=check.canteen_id,
        detail={"failed": list(wrong)},
        at=now,
    )
    bump(f"today:{check.canteen_id}")
