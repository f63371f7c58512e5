"""What the canteen puts on the staff's today page: figures, the day's meals, and what must not be forgotten."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from flask_babel import gettext as _
from flask_babel import ngettext

from canteen import desk_queries, queries
from canteen.counter_queries import blocked_accounts
from canteen.days import serving_day, serving_days
from canteen.desk.root import COOK, LOOK, base, menu_url
from canteen.desk.till import BOOKS, MONEY
from canteen.models import Canteen, KitchenWorker, Menu
from canteen.morning import CERTIFICATE_SOON, ITEMS, still_open
from canteen.services.standing import counted_on
from canteen.words import ACCOUNTS, MEALS
from centres.models import Centre
from core.area import Alarm, Figure, Outside, Strip, Today
from core.clock import local_day, now
from core.words import clock_words, date_words, full_day, masked, near_day

SOON, AHEAD = timedelta(hours=24), timedelta(days=14)
"""From when on an unpublished meal is an alarm, and how far its day may lie behind its cutoff (long holidays)."""


def today(centre_id: int, day: date) -> Today:
    """Ordered, collected, not collected; the meals on the ruler; samples, the morning check, strips and
    accounts that are looked at as alarms."""
    canteen = queries.canteen_of(centre_id)
    if canteen is None:
        return Today()
    centre, moment = canteen.centre, now()
    menus = [one for one in desk_queries.menus(canteen.id, day, day) if one.state != "draft"]
    states: Counter[str] = sum(desk_queries.order_states([one.id for one in menus]).values(), Counter())
    eats = sum(states[state] for state in desk_queries.EATS)
    url = menu_url(centre, day, menus[0].meal, "kitchen") if menus else ""
    figures = [
        Figure(str(eats), _("今天订了餐"), url, LOOK),
        Figure(str(states["collected"] + states["delivered"]), _("取了、送到了")),
        Figure(str(states["uncollected"]), _("订了没来取")),
    ]
    return Today(
        figures if menus else (),
        strips=[_strip(centre, menus, day)] if menus else (),
        alarms=_alarms(canteen, menus, day, moment),
    )


def _strip(centre: Centre, menus: Sequence[Menu], day: date) -> Strip:
    many = desk_queries.order_states([one.id for one in menus])
    bars = [
        (
            one.serves_from,
            one.serves_until,
            _("%(meal)s做不了", meal=MEALS[one.meal])
            if one.state == "failed"
            else _(
                "%(meal)s %(n)s 份",
                meal=MEALS[one.meal],
                n=sum(many[one.id][state] for state in desk_queries.EATS),
            ),
        )
        for one in menus
    ]
    return Strip(_("食堂"), f"{base(centre)}/week/{day}", bars)


def _ends_soon(worker: KitchenWorker, day: date) -> bool:
    until = worker.certificate_until
    return until is None or until - day <= timedelta(days=CERTIFICATE_SOON)


def _certificate_words(worker: KitchenWorker) -> str:
    """罗小琴 12月3日; 梁志明没有"""
    if worker.certificate_until is None:
        return _("%(name)s没有", name=worker.name)
    return f"{worker.name} {date_words(worker.certificate_until)}"


def _alarms(canteen: Canteen, menus: Sequence[Menu], day: date, moment: datetime) -> list[Alarm]:
    centre, found = canteen.centre, []
    served = serving_day(canteen, day).meals
    begins = min((one.serves_from for one in menus if one.state == "published"), default=None)
    check = desk_queries.morning_of(canteen.id, day)
    morning = f"{base(centre)}/morning/"
    wrong = still_open(check.items, [one.items for one in check.again]) if check is not None else []
    if wrong:
        names = _("、").join(str(item.label) for item in ITEMS if item.code in wrong)
        title = ngettext("晨检有 %(num)s 项不合格", "晨检有 %(num)s 项不合格", len(wrong))
        found.append(Alarm(title, _("没做到：%(what)s", what=names), morning, _("看看"), roles=LOOK))
    ending = [one for one in desk_queries.workers_of(canteen.id) if _ends_soon(one, day)]
    if ending:
        title = ngettext("%(num)s 个人的健康证要换了", "%(num)s 个人的健康证要换了", len(ending))
        note = _("、").join(_certificate_words(one) for one in ending[:4])
        workers = f"/staff/c/{centre.code}/data/workers/"
        found.append(Alarm(title, note, workers, _("看看"), roles=COOK))
    if check is None and served and begins is not None and begins <= moment:
        note = _("%(time)s 已经开餐", time=clock_words(begins, centre.zone))
        found.append(Alarm(_("今天还没有做晨检"), note, morning, _("去做"), roles=LOOK))
    for menu, missing in desk_queries.samples_missing(menus, moment):
        title = ngettext(
            "%(meal)s有 %(num)s 道菜没有留样",
            "%(meal)s有 %(num)s 道菜没有留样",
            len(missing),
            meal=MEALS[menu.meal],
        )
        note = _("、").join(dish.name for dish in missing[:4])
        found.append(Alarm(title, note, f"{base(centre)}/samples/", _("去留"), roles=LOOK))
    due = [
        dish for sample, _menu, dish in desk_queries.kept_samples(canteen.id) if sample.keep_until <= moment
    ]
    if due:
        title = ngettext(
            "有 %(num)s 份留样到时间了，还没有倒", "有 %(num)s 份留样到时间了，还没有倒", len(due)
        )
        note = _("、").join(dish.name for dish in due[:4])
        found.append(Alarm(title, note, f"{base(centre)}/samples/", _("去倒"), level="warn", roles=LOOK))
    looked_at = blocked_accounts(canteen.id)
    if looked_at:
        title = ngettext("账上有 %(num)s 处在核对", "账上有 %(num)s 处在核对", len(looked_at))
        names = _("、").join(
            _("%(who)s的饭卡", who=masked(person.name)) if person is not None else str(ACCOUNTS[row.kind])
            for row, person in looked_at[:4]
        )
        note = _("%(what)s：余额和明细对不上，先停用了", what=names)
        first = looked_at[0][1]
        where = f"account/{first.id}" if first is not None else "till"
        roles = BOOKS if first is None else MONEY
        found.append(Alarm(title, note, f"{base(centre)}/{where}", _("去核对"), roles=roles))
    found += _waited_for(canteen, day, moment)
    unseen = desk_queries.unseen_strips([one.id for one in menus if one.serves_until > moment])
    for menu in menus:
        if unseen.get(menu.id):
            many = unseen[menu.id]
            title = ngettext(
                "%(meal)s出单后有 %(num)s 处改动",
                "%(meal)s出单后有 %(num)s 处改动",
                many,
                meal=MEALS[menu.meal],
            )
            note = _("厨房还没有记下")
            url = menu_url(centre, menu.day, menu.meal, "kitchen")
            found.append(Alarm(title, note, url, _("看看"), level="warn", roles=LOOK))
    return found


def _waited_for(canteen: Canteen, day: date, moment: datetime) -> list[Alarm]:
    """The first meal that closes within a day, or has closed, is not published, and has standing orders waiting."""
    waiting = desk_queries.standing_many(canteen.id)
    near = [one for one in serving_days(canteen, day, day + AHEAD) if one.cutoff_at <= moment + SOON]
    if not waiting or not near:
        return []
    menus = desk_queries.menus(canteen.id, day, near[-1].day)
    there = {(menu.day, menu.meal) for menu in menus if menu.state != "draft"}
    for one in near:
        for meal, span in one.meals.items():
            many = waiting[meal, one.kind.hours_of] if one.kind.hours_of is not None else 0
            if (one.day, meal) in there or not many or span.end <= moment:
                continue
            title = _("%(day)s%(meal)s还没有发布", day=near_day(one.day, day), meal=MEALS[meal])
            note = ngettext("有 %(num)s 位长期订餐的等着", "有 %(num)s 位长期订餐的等着", many)
            if one.cutoff_at > moment:
                until = clock_words(one.cutoff_at, canteen.centre.zone)
                note += _("，%(time)s 截止", time=until)
            url = menu_url(canteen.centre, one.day, meal)
            return [Alarm(title, note, url, _("去排"), level="warn", roles=COOK)]
    return []


def outside(centre_id: int) -> list[Outside]:
    """Meals that are ordered, or will be by standing orders, and are not served any more as the calendar now stands.
    The clock gives everything back and tells them."""
    canteen = queries.canteen_of(centre_id)
    if canteen is None:
        return []
    moment = now()
    today = local_day(moment, canteen.centre.zone)
    lost = [
        menu
        for menu in desk_queries.menus_ahead(canteen.id, moment)
        if menu.meal not in serving_day(canteen, menu.day).meals
    ]
    zone = canteen.centre.zone
    waiting = desk_queries.waiting_orders([menu.id for menu in lost])
    counting = [
        (menu, row) for menu in lost if menu.closed_at is None for row in counted_on(menu)
    ]  # they have no order yet
    return [
        Outside(
            f"meal-{order.id}",
            order.menu.serves_from,
            masked(order.resident.name) if order.resident else _("客人"),
            f"{full_day(order.day, today)} {clock_words(order.menu.serves_from, zone)}",
            str(MEALS[order.meal]),
            _("截止时自动退，钱和补贴都退回，会告诉本人")
            if order.menu.closed_at is None
            else _("供餐时间过后自动退；要马上退，请到“备餐”按“这一餐做不了”"),
        )
        for order in waiting
    ] + [
        Outside(
            f"standing-{row.id}-{menu.id}",
            menu.serves_from,
            masked(row.resident.name),
            f"{full_day(menu.day, today)} {clock_words(menu.serves_from, zone)}",
            _("%(meal)s，长期订餐", meal=str(MEALS[menu.meal])),
            _("那天不做，截止时会告诉本人"),
        )
        for menu, row in counting
    ]
