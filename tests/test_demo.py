"""The demo loads at any hour of any day, through the services, once."""

import csv
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app import create_app
from booking.models import Booking, Claim, Space, Unit, Violation
from booking.queries import bookings_of, state_now
from centres.models import OrgUnit, Policy, Workday
from centres.queries import centre_by_code, day_kinds
from core.audit import Audit
from core.clock import day_bounds, local, local_day, now
from core.database import Base, db
from core.events import Delivery
from demo.files import DATA, read
from demo.load import load_demo
from demo.people import born_on, everybody, pin_of
from demo.staff import PASSWORD
from people.models import Card, Consent, Grant, Resident, Staff
from people.phones import parse_phone, whole_index
from people.rules import age_on
from people.services.identify import by_index
from people.services.residents import pin_fits
from staff.doctor import examine
from tests.support.clock import Clock
from tests.support.databases import settings
from tests.support.hall import ALL

ZONE = "Asia/Shanghai"
TOLD_IN_TIME = "the calendar of luohu is known"
"""From 15 November on doctor warns of the next year's calendar."""


def run(app: Flask, *words: str) -> Any:
    return app.test_cli_runner().invoke(args=["demo", *words])


def rows_by_table() -> dict[str, int]:
    tables = Base.metadata.sorted_tables
    return {table.name: db.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def resident(name: str) -> Resident:
    return db.session.scalars(select(Resident).where(Resident.name == name)).one()


def by_phone(phone: str) -> list[Resident]:
    district = db.session.scalars(select(OrgUnit.id).where(OrgUnit.kind == "district")).one()
    return by_index(whole_index(phone)[0], district)


def count(query: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(query.subquery())) or 0


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the slow hashes."""
    monkeypatch.setattr("demo.people.hash_pin", lambda pin: pin)
    monkeypatch.setattr("people.services.staff.hash_password", lambda password: password)


def look_at_bookings(moment: datetime) -> None:
    """What must hold whenever the demo was loaded."""
    bookings = db.session.scalars(select(Booking)).all()
    claims = Counter(db.session.scalars(select(Claim.booking_id)))
    for booking in bookings:
        assert booking.booked_at <= moment
        assert booking.checked_in_at is None or booking.checked_in_at <= moment
        live = booking.state in {"booked", "in_use"}
        assert not live or claims[booking.id], booking.id
        assert booking.state not in {"cancelled", "no_show"} or not claims[booking.id]
        if booking.resident_id and booking.state == "booked":
            assert booking.check_in_until >= moment
    assert count(select(Claim).where(Claim.visit_id.is_not(None))) == 0
    assert count(select(Delivery).where(Delivery.done_at.is_(None))) == 0
    assert all(at <= moment for at in db.session.scalars(select(Audit.at)))
    look_at_chen(moment)
    missed = select(Violation).where(Violation.resident_id == resident("熊伟").id)
    assert count(missed) == 3
    assert not {finding.what for finding in examine() if not finding.ok} - {TOLD_IN_TIME}


def look_at_chen(moment: datetime) -> None:
    """陈秀英 has A3 on the next morning on which the reading room is open."""
    day = local_day(moment, ZONE)
    _start, end = day_bounds(day, ZONE)
    (booking,) = bookings_of(resident("陈秀英").id, end, end + timedelta(days=60))
    assert booking.unit is not None
    assert (booking.unit.code, booking.space.code) == ("A3", "reading")
    assert local(booking.starts_at, ZONE).strftime("%H:%M") == "09:00"
    shuibei = centre_by_code("shuibei")
    assert shuibei is not None
    kinds = day_kinds(shuibei.id, day, booking.local_day)
    between = [kind for one, kind in kinds.items() if day < one < booking.local_day]
    assert all(kind.hours_of in (None, 6) for kind in between)


def test_the_whole_demo(app: Flask, clock: Clock) -> None:
    answer = run(app, "--if-empty")
    assert answer.exit_code == 0, answer.output
    with app.app_context():
        look_at_bookings(clock())
        before = rows_by_table()
        spaces = Counter(db.session.scalars(select(Space.mode)))
        seats = count(select(Unit).join(Space).where(Space.mode == "seats"))
        look_at_people()
        look_at_today()
    assert before["org_unit"] == 13
    assert before["centre"] == 2
    assert spaces == {"seats": 3, "whole": 3, "appointments": 2}
    assert (seats, before["unit"]) == (42, 42 + 3 + 3)
    assert before["resident"] == 60 + 4
    assert before["staff"] == 15

    assert run(app, "--if-empty").exit_code == 0
    with app.app_context():
        assert rows_by_table() == before
    again = run(app)
    assert again.exit_code == 1
    assert "There is a centre already" in again.output

    shown = run(app, "--show").output
    assert "/kiosk/pair?code=" in shown
    assert all(words in shown for words in ("13800001187", PASSWORD, "f05@demo.invalid", "/c/sungang/"))


def look_at_people() -> None:
    today = local_day(now(), ZONE)
    for person in everybody()[:4]:
        (known,) = by_phone(parse_phone(person["phone"]))
        assert known.name == person["name"]
        assert pin_fits(known, pin_of(person, today))
    couple = {one.name: one for one in by_phone("+8613800002026")}
    assert pin_fits(couple["周玉芬"], "8026")
    assert pin_fits(couple["关伯华"], "8027")
    assert by_phone("+85260000001")[0].language == "zh_Hant"
    assert resident("Maria Fernanda de la Cruz Santos Villanueva").language == "en"
    assert len(resident("阿卜杜热合曼·麦麦提吐尔逊").name) == 13
    assert resident("陈𠮷祥").masked_name == "陈*祥"
    assert age_on(resident("余秋萍").born, today) == 70
    assert [resident(name).lifecycle for name in ("江晓峰", "史美凤")] == ["moved_away", "deceased"]
    assert resident("苏翠萍").adapted_seat
    assert resident("陈秀英").settings == {"large_type": True}
    cards = Counter(db.session.scalars(select(Card.kind)))
    assert cards == Counter(
        "linked" if one["card"]["kind"] == "yinian" else "centre" for one in everybody() if one.get("card")
    )
    withdrawn = select(Consent).where(
        Consent.resident_id == resident("段雪").id, Consent.withdrawn_at.is_not(None)
    )
    assert count(withdrawn) == 1
    staff = db.session.scalars(select(Staff)).all()
    assert all(one.is_demo and one.title_zh and one.password.startswith("$argon2") for one in staff)
    assert db.session.scalar(select(func.count()).select_from(Grant)) == 20


def look_at_today() -> None:
    moment = now()
    reading = select(Booking).join(Space).where(Space.code == "reading")
    states = {
        day: Counter(
            state_now(row, moment) for row in db.session.scalars(reading.where(Booking.local_day == day))
        )
        for day in (date(2026, 11, 21), date(2026, 11, 23), date(2026, 11, 24))
    }
    assert states[date(2026, 11, 21)]["no_show"] == 1
    today = states[date(2026, 11, 23)]
    assert (today["left"], today["cancelled"]) == (1, 1)
    assert today["in_use"] >= 5
    assert today["booked"] >= 8
    assert 10 <= states[date(2026, 11, 24)]["booked"] <= 24


@pytest.mark.databases("sqlite")
@pytest.mark.usefixtures("quick")
def test_the_content_agrees_with_the_calendar(inside: Flask) -> None:
    load_demo(print)
    with (DATA / "holidays_2026.csv").open() as file:
        told = {(row["date"], row["kind"], row["name_zh"]) for row in csv.DictReader(file)}
    rows = db.session.scalars(
        select(Workday).where(Workday.day.between(date(2026, 1, 1), date(2026, 12, 31)))
    )
    more = {"holiday": "", "makeup_workday": "调休上班"}
    assert {(str(row.day), row.kind, row.name_zh + more[row.kind]) for row in rows} == told
    district = db.session.scalars(select(OrgUnit.id).where(OrgUnit.kind == "district")).one()
    assert count(select(Policy).where(Policy.unit_id == district)) == 0
    kept = select(Policy.value).where(Policy.subject == "reading", Policy.name == "booking.walk_in_until")
    assert db.session.scalars(kept).all() == ["10:30"]


MOMENTS = [
    "2026-10-01 08:59",  # the first day of the holidays: a week without a bookable day
    "2026-09-20 09:20",  # a Sunday that is a workday
    "2026-11-27 00:00",
    "2028-02-29 12:59",  # no calendar, and birthdays that other years lack
    "2026-11-22 11:00",  # a Sunday, closed
    "2026-10-07 23:59",
    "2026-02-15 10:00",  # nine days off
    "2026-11-25 19:15",  # Wednesday, evening session
]
"""Each takes some ten seconds: the first four always, the others with `--all`."""


@pytest.mark.databases("sqlite")
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("moment", MOMENTS if ALL else MOMENTS[1:4:2])
def test_at_any_hour_of_any_day(inside: Flask, clock: Clock, moment: str) -> None:
    clock.set(datetime.fromisoformat(moment))
    load_demo(print)
    look_at_bookings(clock())


def test_birthdays_are_counted_from_the_day_of_loading() -> None:
    rule = {"code": "R01", "born": "1950-01-01", "born_rule": {"turns": 70, "in_days": 7}}
    born = born_on(rule, date(2027, 3, 1))
    assert age_on(born, date(2027, 3, 7)) == 69
    assert age_on(born, date(2027, 3, 8)) == 70
    assert age_on(born_on(rule, date(2028, 2, 22)), date(2028, 2, 29)) == 70


def test_never_in_production(database: str, clock: Clock, tmp_path: Any) -> None:
    app = create_app(settings(database, tmp_path, CLOCK=clock, MODE="production"))
    answer = run(app)
    assert answer.exit_code == 1
    assert "not in production mode" in answer.output
    with app.app_context():
        assert count(select(Resident)) == 0
        db.session.remove()
        db.engine.dispose()


def test_what_stands_on_screens_is_chinese_with_its_english_beside_it() -> None:
    """Where the toilet is, is read by people in their language."""
    spaces = read("spaces.yaml")["spaces"]
    told = [row["accessibility"] for row in spaces if row["accessibility"].get("accessible_toilet")]
    assert told
    for one in told:
        assert not one["accessible_toilet"].isascii()
        assert one["accessible_toilet_en"].isascii()
