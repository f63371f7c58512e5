"""Cutoffs and working days around the holidays of autumn 2026 as published, by the wall clock of Shenzhen."""

from datetime import date, datetime

import pytest
from sqlalchemy import select

from canteen.days import serving_day
from canteen.models import Canteen, MealOrder, Menu
from canteen.services.plan import make_menu, retime
from centres.services import add_one_off, set_policy, set_workday
from core.audit import OPERATOR
from core.clock import at, local
from core.database import db
from core.errors import Refused
from tests.support.clock import ZONE, Clock
from tests.support.meals import Meals, days

WALL = "Asia/Shanghai"


@pytest.fixture
def canteen(meals: Meals, clock: Clock) -> Canteen:
    """Monday 14 September 2026, before all of it."""
    clock.set("2026-09-14 09:00")
    return db.session.get_one(Canteen, meals.cast.shuibei)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def refusal(meals: Meals, resident: int, day: date, **more: str) -> str:
    with pytest.raises(Refused) as refused:
        meals.order(resident, day, **more)  # type: ignore[arg-type]
    return refused.value.code


CUTOFFS = [
    ("2026-09-18", "2026-09-17 16:00", True),
    ("2026-09-19", "2026-09-18 16:00", False),  # a plain Saturday: served, not subsidised
    ("2026-09-20", "2026-09-19 16:00", True),  # a Sunday on which people work
    ("2026-09-21", "2026-09-20 16:00", True),
    ("2026-09-24", "2026-09-23 16:00", True),
    ("2026-09-28", "2026-09-24 16:00", True),  # three days of the Mid-Autumn Festival lie between
    ("2026-09-29", "2026-09-28 16:00", True),
    ("2026-09-30", "2026-09-29 16:00", True),
    ("2026-10-08", "2026-09-30 16:00", True),  # seven days of holidays lie between
    ("2026-10-09", "2026-10-08 16:00", True),
    ("2026-10-10", "2026-10-09 16:00", True),  # a Saturday on which people work
    ("2026-10-12", "2026-10-10 16:00", True),
]


@pytest.mark.parametrize(("day", "cutoff", "workday"), CUTOFFS)
def test_orders_close_on_the_serving_day_before(
    canteen: Canteen, day: str, cutoff: str, workday: bool
) -> None:
    found = serving_day(canteen, date.fromisoformat(day))
    assert local(found.cutoff_at, WALL).strftime("%Y-%m-%d %H:%M") == cutoff
    assert found.workday is workday
    assert set(found.meals) == {"lunch", "dinner"}


CLOSED = {
    **{date(2026, 9, day): "中秋节" for day in (25, 26, 27)},
    **{date(2026, 10, day): "国庆节" for day in range(1, 8)},
    date(2026, 10, 11): "",
}
"""Every day from 24 September to 12 October on which nothing is cooked, with what residents read."""


def test_on_holidays_and_sundays_nothing_is_cooked(canteen: Canteen) -> None:
    for day in days(date(2026, 9, 24), date(2026, 10, 12)):
        found = serving_day(canteen, day)
        assert (found.meals == {}) is (day in CLOSED), day
        if day in CLOSED:
            assert found.closed_reason == CLOSED[day]
            with pytest.raises(Refused) as refused:
                make_menu(OPERATOR, canteen, day, "lunch")
            assert refused.value.code == "closed"


def test_help_follows_the_working_days(canteen: Canteen, meals: Meals, clock: Clock) -> None:
    helped = {}
    for day, cutoff, _workday in CUTOFFS:
        meals.lunch(date.fromisoformat(day))
        clock.set(f"{cutoff[:10]} 10:00")
        order = meals.order(meals.cast.chen, date.fromisoformat(day))
        helped[day] = (order.subsidy_fen, order.pays_fen)
    free = {"2026-09-19"}
    assert helped == {day: (0, 1500) if day in free else (500, 1000) for day, _cutoff, _work in CUTOFFS}


def test_to_the_second_by_the_server_s_clock(canteen: Canteen, meals: Meals, clock: Clock) -> None:
    day = date(2026, 10, 9)
    meals.lunch(day)
    clock.set("2026-10-08 15:59:59")
    assert not meals.order(meals.cast.chen, day, channel="phone").walk_in
    clock.set("2026-10-08 16:00:00")
    assert refusal(meals, meals.cast.aqiang, day, channel="phone") == "after_cutoff"


def test_the_first_lunch_after_the_holidays_is_ordered_before_them(
    canteen: Canteen, meals: Meals, clock: Clock
) -> None:
    first, second = date(2026, 10, 8), date(2026, 10, 9)
    meals.lunch(first)
    meals.lunch(second)
    chen = meals.cast.chen
    clock.set("2026-09-23 10:00")
    assert refusal(meals, chen, first) == "too_early"
    clock.set("2026-09-30 15:59")
    assert meals.order(chen, first).cutoff_at == moment("2026-09-30 16:00")
    assert refusal(meals, chen, second) == "too_early"
    clock.set("2026-10-03 10:00")
    assert refusal(meals, meals.cast.aqiang, first) == "after_cutoff"
    assert meals.order(chen, second).cutoff_at == moment("2026-10-08 16:00")


def test_the_monday_after_mid_autumn_is_ordered_until_thursday(
    canteen: Canteen, meals: Meals, clock: Clock
) -> None:
    monday = date(2026, 9, 28)
    meals.lunch(monday)
    clock.set("2026-09-24 15:59:59")
    assert meals.order(meals.cast.chen, monday).cutoff_at == moment("2026-09-24 16:00")
    for late in ("2026-09-24 16:00:00", "2026-09-25 10:00", "2026-09-27 15:59"):
        clock.set(late)
        assert refusal(meals, meals.cast.aqiang, monday) == "after_cutoff"


def test_a_day_that_closes_moves_the_cutoff_and_not_what_was_promised(
    canteen: Canteen, meals: Meals, clock: Clock
) -> None:
    thursday, friday = date(2026, 10, 8), date(2026, 10, 9)
    menu = meals.lunch(friday)
    clock.set("2026-10-03 10:00")
    promised = meals.order(meals.cast.chen, friday).id
    set_workday(OPERATOR, meals.cast.shuibei, thursday, "holiday", "检修")
    canteen = db.session.get_one(Canteen, meals.cast.shuibei, populate_existing=True)
    assert retime(canteen) == 1
    assert db.session.get_one(Menu, menu, populate_existing=True).cutoff_at == moment("2026-09-30 16:00")
    assert refusal(meals, meals.cast.aqiang, friday, channel="phone") == "after_cutoff"
    assert db.session.get_one(MealOrder, promised).cutoff_at == moment("2026-10-08 16:00")


def test_a_closure_of_the_canteen_says_why(canteen: Canteen, meals: Meals, clock: Clock) -> None:
    day = date(2026, 10, 9)
    meals.lunch(day)
    clock.set("2026-10-08 10:00")
    start, end = at(day, datetime.min.time(), WALL), at(date(2026, 10, 10), datetime.min.time(), WALL)
    add_one_off(OPERATOR, canteen.centre, "canteen", start, end, False, "换灶具")
    with pytest.raises(Refused) as refused:
        meals.order(meals.cast.chen, day)
    assert (refused.value.code, refused.value.text) == ("closed", "换灶具")
    assert db.session.scalars(select(MealOrder)).all() == []


def test_the_policy_of_the_meal_s_day_counts(canteen: Canteen, meals: Meals, clock: Clock) -> None:
    set_policy(OPERATOR, meals.cast.shuibei, "canteen.cutoff_at", "15:00", date(2026, 10, 9))
    canteen = db.session.get_one(Canteen, meals.cast.shuibei, populate_existing=True)
    cutoffs = [
        local(serving_day(canteen, date(2026, 10, day)).cutoff_at, WALL).strftime("%d %H:%M")
        for day in (8, 9)
    ]
    assert cutoffs == ["30 16:00", "08 15:00"]
