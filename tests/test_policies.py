"""Policies are dated: a thing is judged by the numbers of its own day."""

from datetime import date

from flask import Flask

from booking.models import Space
from booking.opening import space_days
from booking.rules import BookingPolicy
from centres.policies import policies
from centres.services import set_policy
from core.audit import OPERATOR
from core.database import db
from tests.support.cast import Cast


def test_a_number_that_changes_on_wednesday_holds_from_wednesday_on(inside: Flask, cast: Cast) -> None:
    set_policy(OPERATOR, cast.shuibei, "booking.max_minutes", 90, date(2026, 11, 25), "reading")
    space = db.session.get_one(Space, cast.reading)
    days = space_days(space, date(2026, 11, 24), date(2026, 11, 26))
    assert [day.policy.max_minutes for day in days] == [240, 90, 90]


def test_the_nearest_unit_is_asked_first_and_the_things_own_value_before_all(
    inside: Flask, cast: Cast
) -> None:
    today = date(2026, 11, 23)
    set_policy(OPERATOR, cast.district, "booking.hold_seconds", 60, today)
    assert policies(BookingPolicy, "booking", cast.shuibei, today, "reading").hold_seconds == 60
    set_policy(OPERATOR, cast.shuibei, "booking.hold_seconds", 90, today)
    assert policies(BookingPolicy, "booking", cast.shuibei, today, "reading").hold_seconds == 90
    assert policies(BookingPolicy, "booking", cast.sungang, today, "sg_reading").hold_seconds == 60
    set_policy(OPERATOR, cast.shuibei, "booking.hold_seconds", 30, today, "reading")
    assert policies(BookingPolicy, "booking", cast.shuibei, today, "reading").hold_seconds == 30
    assert policies(BookingPolicy, "booking", cast.shuibei, today, "elder").hold_seconds == 90


def test_what_held_before_ends_the_day_the_new_value_begins(inside: Flask, cast: Cast) -> None:
    for value, starts in ((60, date(2026, 11, 1)), (90, date(2026, 11, 20)), (30, date(2026, 11, 10))):
        set_policy(OPERATOR, cast.shuibei, "booking.hold_seconds", value, starts)
    days = [date(2026, 11, 5), date(2026, 11, 15), date(2026, 11, 25)]
    assert [policies(BookingPolicy, "booking", cast.shuibei, day).hold_seconds for day in days] == [
        60,
        30,
        30,
    ]
