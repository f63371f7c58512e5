"""Standing orders: each day's order comes at its own cutoff, with that day's help, and nobody gets what they avoid."""

from collections.abc import Callable
from datetime import date, time

import pytest
from sqlalchemy import func, select

from canteen import desk_queries, queries
from canteen.desk.root import COOK
from canteen.models import Canteen, DietProfile, MealOrder, Menu, StandingOrder, StandingSkip, Stop
from canteen.rules import Diet, Plate, conflicts, labels_of, suits
from canteen.services import standing
from canteen.services.close import close_due, close_menu, fail_menu
from canteen.services.diet import erase
from canteen.services.plan import Planned, make_menu, publish, retime, set_offers
from canteen.services.runs import Carrier, drop_run, plan_run
from canteen.services.standing import MOST_NOTE, set_note, skip, start, stop, unskip
from canteen.today import outside, today
from centres.models import Building, Centre
from centres.services import add_one_off, set_workday
from core.audit import CLOCK, OPERATOR, Actor, Audit
from core.clock import at
from core.database import db, unit_of_work
from core.events import Event, deliver_due
from people.models import CallTask, FamilyLink, Resident, Staff
from people.services import family
from tests.support.clock import Clock
from tests.support.hall import moment, refusal
from tests.support.meals import Meals

TUESDAY, WEDNESDAY = date(2026, 11, 24), date(2026, 11, 25)
WEEKDAYS = [0, 1, 2, 3, 4]


def chens(meals: Meals, **wishes: object) -> StandingOrder:
    chen = meals.cast.chen
    return start(Actor("resident", chen), chen, meals.cast.shuibei, "lunch", WEEKDAYS, **wishes)  # type: ignore[arg-type]


def orders(day: date) -> list[MealOrder]:
    db.session.rollback()
    return list(
        db.session.scalars(select(MealOrder).where(MealOrder.day == day, MealOrder.state == "ordered"))
    )


def test_the_days_order_comes_at_its_cutoff_with_the_days_help(meals: Meals, clock: Clock) -> None:
    meals.lunch(TUESDAY)
    meals.lunch(WEDNESDAY)
    chens(meals)
    clock.set("2026-11-23 15:59")
    close_due()
    assert orders(TUESDAY) == []
    clock.set("2026-11-23 16:00")
    for _again in range(2):
        close_due()
    (made,) = orders(TUESDAY)
    assert (made.channel, made.subsidy_fen, made.resident_id) == ("standing", 500, meals.cast.chen)
    assert orders(WEDNESDAY) == []
    clock.set("2026-11-24 16:00")
    close_due()
    assert len(orders(WEDNESDAY)) == 1


def test_tomorrow_is_left_out_in_one_tap_until_the_cutoff(meals: Meals, clock: Clock) -> None:
    menu = meals.lunch(TUESDAY)
    standing, who = chens(meals), Actor("resident", meals.cast.chen)
    skip(who, standing.id, TUESDAY)
    skip(who, standing.id, TUESDAY)
    clock.set("2026-11-23 16:00")
    close_menu(CLOCK, menu)
    assert orders(TUESDAY) == []


def test_who_eats_after_all_eats(meals: Meals, clock: Clock) -> None:
    menu = meals.lunch(TUESDAY)
    standing, who = chens(meals), Actor("resident", meals.cast.chen)
    skip(who, standing.id, TUESDAY)
    unskip(who, standing.id, TUESDAY)
    clock.set("2026-11-23 16:00")
    close_menu(CLOCK, menu)
    assert len(orders(TUESDAY)) == 1


@pytest.mark.parametrize(
    ("label", "made"),
    [("low_sugar", "清蒸鲈鱼"), ("low_oil", "清蒸鲈鱼"), ("halal", "清真牛肉"), ("vegan", "香菇豆腐")],
)
def test_a_wish_is_heeded_where_it_can_be_and_what_is_forbidden_never_comes(
    meals: Meals, clock: Clock, label: str, made: str
) -> None:
    """No main dish here is low in sugar: who wishes that eats all the same."""
    menu = meals.lunch(TUESDAY)
    with unit_of_work():
        db.session.add(
            DietProfile(resident_id=meals.cast.chen, allergens=[], labels=[label], texture="regular")
        )
    chens(meals)
    clock.set("2026-11-23 16:00")
    close_menu(CLOCK, menu)
    found = orders(TUESDAY)
    assert [order.lines[0].name_zh for order in found] == [made]
    assert [order.conflicts for order in found] == [[]]


def test_a_meal_is_vegan_only_with_everything_on_it() -> None:
    tofu, broth = Plate(frozenset({"vegan", "low_oil"}), frozenset()), Plate(frozenset(), frozenset())
    assert labels_of([tofu, broth]) == ["low_oil"]
    assert conflicts([tofu, broth], Diet(labels=frozenset({"vegan", "low_oil"}))) == ["not:vegan"]
    assert conflicts([tofu], Diet(labels=frozenset({"vegan"}))) == []
    assert suits([tofu, broth], Diet(labels=frozenset({"vegan"}))) < 0
    assert suits([broth], Diet(labels=frozenset({"low_sugar"}))) == 0


def test_after_the_cutoff_nothing_is_said_of_a_day_whatever_the_page_showed(
    meals: Meals, clock: Clock
) -> None:
    """The kitchen has counted: behind the lock, for whoever asks."""
    standing, who = chens(meals), Actor("resident", meals.cast.chen)
    skip(who, standing.id, WEDNESDAY)
    clock.set("2026-11-24 16:00")
    assert refusal(lambda: skip(who, standing.id, TUESDAY)) == "cancel_late"
    assert refusal(lambda: unskip(who, standing.id, WEDNESDAY)) == "cancel_late"
    assert db.session.scalars(select(StandingSkip.day)).all() == [WEDNESDAY]
    stop(who, standing.id)
    assert refusal(lambda: skip(who, standing.id, date(2026, 11, 26))) == "not_found"


# --- a relative leaves a day out ------------------------------------------------------------------------------------


def link(meals: Meals, who: int) -> FamilyLink:
    asked = family.ask(Actor("resident", who), who, meals.cast.chen)
    return family.agree(Actor("resident", meals.cast.chen), meals.cast.chen, asked.id, sees_collected=False)


def test_a_relative_leaves_a_day_out_and_takes_it_back_and_the_log_says_who(
    meals: Meals, clock: Clock
) -> None:
    menu, son = meals.lunch(TUESDAY), meals.cast.aqiang
    standing = chens(meals)
    link(meals, son)
    for _again in range(2):
        skip(Actor("resident", son), standing.id, TUESDAY, proxy_id=son)
    assert db.session.scalars(select(StandingSkip.proxy_id)).all() == [son]
    for _again in range(2):
        unskip(Actor("resident", son), standing.id, TUESDAY, proxy_id=son)
    assert db.session.scalars(select(StandingSkip)).all() == []
    said = select(Audit.verb, Audit.actor_id, Audit.detail).where(Audit.verb.like("standing.%skipped"))
    assert [tuple(row) for row in db.session.execute(said.order_by(Audit.id))] == [
        (verb, son, {"day": "2026-11-24", "proxy": son})
        for verb in ("standing.skipped", "standing.unskipped")
    ]
    skip(Actor("resident", son), standing.id, TUESDAY, proxy_id=son)
    clock.set("2026-11-23 16:00")
    close_menu(CLOCK, menu)
    assert orders(TUESDAY) == []


def test_who_may_not_order_for_the_elder_says_nothing_of_their_days(meals: Meals) -> None:
    son, standing = meals.cast.aqiang, chens(meals).id
    deeds = (
        lambda: skip(Actor("resident", son), standing, TUESDAY, proxy_id=son),
        lambda: unskip(Actor("resident", son), standing, TUESDAY, proxy_id=son),
    )
    assert [refusal(one) for one in deeds] == ["family_ended"] * 2
    asked = family.ask(Actor("resident", son), son, meals.cast.chen)
    assert [refusal(one) for one in deeds] == ["family_ended"] * 2
    family.agree(Actor("resident", meals.cast.chen), meals.cast.chen, asked.id, sees_collected=False)
    assert deeds[0]()
    family.end(Actor("resident", meals.cast.chen), meals.cast.chen, asked.id)
    assert [refusal(one) for one in deeds] == ["family_ended"] * 2
    assert db.session.scalars(select(StandingSkip.day)).all() == [TUESDAY], "what was said stays"


def test_a_relative_takes_back_only_what_they_said_and_the_elder_everything(meals: Meals) -> None:
    cast, standing = meals.cast, chens(meals).id
    mother = Actor("resident", cast.chen)
    for who in (cast.aqiang, cast.wheel):
        link(meals, who)

    def back(who: int) -> str:
        return refusal(lambda: unskip(Actor("resident", who), standing, TUESDAY, proxy_id=who))

    skip(mother, standing, TUESDAY)
    skip(Actor("resident", cast.aqiang), standing, TUESDAY, proxy_id=cast.aqiang)
    assert [back(cast.aqiang), back(cast.wheel)] == ["skip_of_another"] * 2, "she said it first"
    unskip(mother, standing, TUESDAY)
    skip(Actor("resident", cast.aqiang), standing, TUESDAY, proxy_id=cast.aqiang)
    assert back(cast.wheel) == "skip_of_another"
    unskip(mother, standing, TUESDAY)
    assert db.session.scalars(select(StandingSkip)).all() == []


@pytest.mark.parametrize("verb", [skip, unskip])
def test_a_relative_is_as_late_as_anybody(meals: Meals, clock: Clock, verb: Callable[..., object]) -> None:
    son, standing = meals.cast.aqiang, chens(meals).id
    link(meals, son)
    clock.set("2026-11-23 16:00")
    assert refusal(lambda: verb(Actor("resident", son), standing, TUESDAY, proxy_id=son)) == "cancel_late"


def test_the_elder_reads_who_said_it(meals: Meals) -> None:
    cast, standing = meals.cast, chens(meals).id
    link(meals, cast.aqiang)
    skip(Actor("resident", cast.aqiang), standing, TUESDAY, proxy_id=cast.aqiang)
    skip(Actor("resident", cast.chen), standing, WEDNESDAY)
    canteen = db.session.get_one(Canteen, cast.shuibei)
    coming = queries.coming(cast.chen, canteen, moment("2026-11-23 10:00"), moment("2026-11-27 00:00"))
    assert [(one.serving.day.day, queries.skip_words(one)) for one in coming] == [
        (24, "家人陈*强说的不吃"),
        (25, "说了不吃"),
        (26, ""),
    ]


# --- what each day's order is made of -------------------------------------------------------------------------------


def test_nobody_gets_what_they_must_not_eat(meals: Meals, clock: Clock) -> None:
    menu = meals.lunch(TUESDAY)
    with unit_of_work():
        db.session.add(
            DietProfile(resident_id=meals.cast.chen, allergens=["fish", "egg"], labels=[], texture="regular")
        )
    chens(meals, avoid=["soy"])
    clock.set("2026-11-23 16:00")
    close_menu(CLOCK, menu)
    (made,) = orders(TUESDAY)
    assert made.lines[0].name_zh == "清真牛肉"


def test_where_nothing_suits_the_person_is_told(meals: Meals, clock: Clock) -> None:
    menu = meals.lunch(TUESDAY, quotas={"L1": 5})
    chens(meals, avoid=["fish"])
    clock.set("2026-11-23 16:00")
    close_menu(CLOCK, menu)
    assert orders(TUESDAY) == []
    (event,) = db.session.scalars(select(Event).where(Event.kind == "standing.failed"))
    assert event.payload["why"] in {"nothing_suits", "sold_out"}


def test_a_closure_makes_no_order(meals: Meals, clock: Clock) -> None:
    meals.lunch(TUESDAY)
    chens(meals)
    centre = db.session.get_one(Centre, meals.cast.shuibei)
    add_one_off(
        OPERATOR,
        centre,
        "",
        at(TUESDAY, time(0), centre.zone),
        at(WEDNESDAY, time(0), centre.zone),
        False,
        "消防检修",
    )
    clock.set("2026-11-23 16:01")
    close_due()
    assert orders(TUESDAY) == []


def wu() -> int:
    return int(db.session.scalars(select(Staff.id).where(Staff.name == "吴敏")).one())


def not_cooked() -> list[int]:
    """Menus of which somebody with a standing order was told that there is nothing."""
    db.session.rollback()
    rows = db.session.scalars(select(Event).where(Event.kind == "standing.not_cooked").order_by(Event.id))
    return [row.payload["menu"] for row in rows]


@pytest.mark.parametrize("how", ["closure", "day off", "kitchen"])
def test_who_counted_on_a_meal_that_is_not_cooked_is_told_once(meals: Meals, clock: Clock, how: str) -> None:
    menu, chen = meals.lunch(TUESDAY), meals.cast.chen
    chens(meals)
    centre = db.session.get_one(Centre, meals.cast.shuibei)
    begins, ends = at(TUESDAY, time(0), centre.zone), at(WEDNESDAY, time(0), centre.zone)
    if how == "closure":
        add_one_off(OPERATOR, centre, "", begins, ends, False, "消防检修")
    elif how == "day off":
        set_workday(OPERATOR, centre.id, TUESDAY, "holiday", "停电")
    else:
        fail_menu(wu(), menu, "停气了")
    if how != "kitchen":  # whoever closes sees that she counts on it
        (seen,) = outside(centre.id)
        assert (seen.name, seen.what) == ("陈*英", "午餐，长期订餐")
    retime(db.session.get_one(Canteen, centre.id))
    clock.set("2026-11-23 16:01")
    for _again in range(2):
        close_due()
    assert (not_cooked(), orders(TUESDAY)) == ([menu], [])
    deliver_due()
    call = db.session.scalars(select(CallTask)).one()  # no message reaches her: somebody rings
    assert call.resident_id == chen
    reason = {"closure": "消防检修", "day off": "停电", "kitchen": "停气了"}[how]
    assert f"不做了：{reason}" in call.words
    assert "现场" not in call.words


def test_who_has_an_order_or_left_the_day_out_is_not_told_twice(meals: Meals, clock: Clock) -> None:
    menu, other = meals.lunch(TUESDAY), meals.lunch(WEDNESDAY)
    row = chens(meals)
    meals.order(meals.cast.chen, TUESDAY, "L1")
    skip(OPERATOR, row.id, WEDNESDAY)
    fail_menu(wu(), menu, "停气了")  # they hear of the order that is given back
    fail_menu(wu(), other, "停气了")
    assert not_cooked() == []


def test_the_kitchen_hears_of_a_meal_that_is_waited_for_and_not_published(meals: Meals, clock: Clock) -> None:
    def alarms() -> list[tuple[str, str]]:
        db.session.rollback()
        found = today(meals.cast.shuibei, date(2026, 11, 23)).alarms
        return [(one.title, one.note) for one in found if one.roles == COOK]

    clock.set("2026-11-23 10:00")
    assert alarms() == []
    row = chens(meals)
    assert alarms() == [("今天午餐还没有发布", "有 1 位长期订餐的等着")]
    meals.lunch(date(2026, 11, 23))
    assert alarms() == [("明天午餐还没有发布", "有 1 位长期订餐的等着，16:00 截止")]
    menu = make_menu(OPERATOR, db.session.get_one(Canteen, meals.cast.shuibei), TUESDAY, "lunch")
    assert len(alarms()) == 1
    set_offers(OPERATOR, menu.id, [Planned("L1", "set", [meals.dishes["M01"]], 9)])
    publish(OPERATOR, menu.id)
    assert alarms() == []  # Wednesday closes more than a day from now
    clock.set("2026-11-23 16:30")
    assert [title for title, _note in alarms()] == ["后天午餐还没有发布"]
    stop(OPERATOR, row.id)
    assert alarms() == []


def test_whoever_closes_a_day_sees_each_person_once(meals: Meals) -> None:
    meals.lunch(TUESDAY)
    chens(meals)
    meals.order(meals.cast.chen, TUESDAY, "L1")  # by hand: no second one will come
    set_workday(OPERATOR, meals.cast.shuibei, TUESDAY, "holiday", "停电")
    assert [one.what for one in outside(meals.cast.shuibei)] == ["午餐"]


def test_after_the_cutoff_it_is_the_order_that_fails(meals: Meals, clock: Clock) -> None:
    menu = meals.lunch(TUESDAY)
    chens(meals)
    clock.set("2026-11-23 16:01")
    close_due()
    assert len(orders(TUESDAY)) == 1
    fail_menu(wu(), menu, "停气了")
    assert (not_cooked(), orders(TUESDAY)) == ([], [])


def test_an_ended_one_makes_none_and_ending_twice_is_once(meals: Meals, clock: Clock) -> None:
    menu = meals.lunch(TUESDAY)
    standing, who = chens(meals), Actor("resident", meals.cast.chen)
    for _again in range(2):
        assert stop(who, standing.id).state == "ended"
    clock.set("2026-11-23 16:00")
    close_menu(CLOCK, menu)
    assert orders(TUESDAY) == []


def test_a_new_one_takes_the_place_of_the_old(meals: Meals) -> None:
    first, second = chens(meals), chens(meals, texture="soft")
    assert first.id != second.id
    live = select(func.count()).select_from(StandingOrder).where(StandingOrder.state == "active")
    assert db.session.scalar(live) == 1


def test_somebody_who_ordered_by_hand_gets_no_second_one(meals: Meals, clock: Clock) -> None:
    menu = meals.lunch(TUESDAY)
    chens(meals)
    meals.order(meals.cast.chen, TUESDAY, "L3")
    clock.set("2026-11-23 16:00")
    close_menu(CLOCK, menu)
    assert [one.channel for one in orders(TUESDAY)] == ["kiosk"]


def test_no_day_is_no_standing_order(meals: Meals) -> None:
    chen = meals.cast.chen
    assert (
        refusal(lambda: start(Actor("resident", chen), chen, meals.cast.shuibei, "lunch", []))
        == "weekdays_missing"
    )


# --- brought home, and what the kitchen is told ----------------------------------------------------------------------


def lives(meals: Meals, *, somewhere: bool = True) -> None:
    """陈奶奶 has an address, or has none any more."""
    with unit_of_work():
        person = db.session.get_one(Resident, meals.cast.chen)
        if not somewhere:
            person.building_id = None
            return
        building = Building(unit_id=meals.cast.shuibei, code="SB2-9", name_zh="水贝二街9栋", floors=7)
        db.session.add(building)
        db.session.flush()
        person.building_id, person.room = building.id, "402"


def cut_off(meals: Meals, clock: Clock) -> int:
    menu = meals.lunch(TUESDAY)
    clock.set("2026-11-23 16:00")
    close_menu(CLOCK, menu)
    return menu


def test_the_days_order_is_brought_home_as_soft_as_asked_with_the_note(meals: Meals, clock: Clock) -> None:
    lives(meals)
    standing = chens(meals, delivery=True, texture="soft", labels=["low_salt"])
    set_note(Actor("resident", meals.cast.chen), standing.id, "汤分开装")
    menu = cut_off(meals, clock)
    (made,) = orders(TUESDAY)
    assert (made.delivery, made.texture, made.low_salt, made.note) == (True, "soft", True, "汤分开装")
    assert desk_queries.wishes(menu) == [(made.pick_up, "汤分开装")]


def test_where_no_round_can_go_any_more_they_fetch_it_and_are_told(meals: Meals, clock: Clock) -> None:
    lives(meals)
    chens(meals, delivery=True)
    lives(meals, somewhere=False)
    menu = cut_off(meals, clock)
    (made,) = orders(TUESDAY)
    assert (made.delivery, made.subsidy_fen) == (False, 500)
    (event,) = db.session.scalars(select(Event).where(Event.kind.like("standing.%")))
    assert (event.kind, event.payload["order"]) == ("standing.to_collect", made.id)
    close_menu(CLOCK, menu)
    assert len(orders(TUESDAY)) == 1


def test_a_round_that_is_not_made_after_all_leaves_the_order_to_another(meals: Meals, clock: Clock) -> None:
    lives(meals)
    chens(meals, delivery=True)
    menu = cut_off(meals, clock)
    (made,) = orders(TUESDAY)
    first = plan_run(OPERATOR, menu, "一号线", [made.id], Carrier("林师傅"))
    drop_run(OPERATOR, first.id)
    second = plan_run(OPERATOR, menu, "二号线", [made.id], Carrier("林师傅"))
    assert db.session.scalars(select(Stop.run_id)).all() == [second.id]


def test_delivery_needs_an_address(meals: Meals) -> None:
    assert refusal(lambda: chens(meals, delivery=True)) == "no_address"


def test_a_note_is_short_stays_with_what_replaces_it_and_goes_at_the_end(meals: Meals) -> None:
    who = Actor("resident", meals.cast.chen)
    first = chens(meals)
    assert refusal(lambda: set_note(who, first.id, "字" * (MOST_NOTE + 1))) == "note_long"
    set_note(who, first.id, "  少放油\n汤\u200b少 ")
    second = chens(meals, texture="soft")
    assert (second.note, db.session.get_one(StandingOrder, first.id).note) == ("少放油 汤 少", None)
    set_note(who, second.id, " ")
    assert second.note is None
    set_note(who, second.id, "少放油")
    assert stop(who, second.id).note is None


def test_what_was_written_to_the_kitchen_goes_with_the_diet(meals: Meals, clock: Clock) -> None:
    who = Actor("resident", meals.cast.chen)
    set_note(who, chens(meals).id, "少放油")
    cut_off(meals, clock)
    erase(who, meals.cast.chen)
    db.session.rollback()
    assert db.session.scalars(select(MealOrder.note)).all() == [None]
    assert db.session.scalars(select(StandingOrder.note)).all() == [None]


@pytest.mark.parametrize("ended", [True, False])
def test_what_is_ended_or_left_out_while_the_list_is_worked_off_is_not_made(
    meals: Meals, clock: Clock, monkeypatch: pytest.MonkeyPatch, ended: bool
) -> None:
    """The clock reads a whole canteen's list once, and takes its time over it."""
    menu = meals.lunch(TUESDAY)
    row = chens(meals)
    clock.set("2026-11-23 15:59")
    read = standing.wanted_on(db.session.get_one(Menu, menu))
    assert [one.id for one in read] == [row.id]
    actor = Actor("resident", meals.cast.chen)
    if ended:
        standing.stop(actor, row.id)
    else:
        standing.skip(actor, row.id, TUESDAY)
    monkeypatch.setattr(standing, "wanted_on", lambda _menu: read)
    assert standing.make_orders(menu) == 0
    assert orders(TUESDAY) == []
    assert db.session.scalars(select(Event.kind).where(Event.kind == "standing.failed")).all() == []
