"""Figures: formula, denominator and the rows behind; a report that was taken stays as it was."""

import io
from datetime import date, timedelta

import openpyxl
import pytest
from sqlalchemy import select, text

from canteen.models import MealOrder
from canteen.services.close import close_menu, finish_menu
from canteen.services.give_back import cancel
from canteen.services.serve import Scan, hand_out
from core import figures as service
from core.audit import OPERATOR, Actor
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.figures import in_words, measures
from people.models import Staff
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.house import House
from tests.support.meals import Meals

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)
WEDNESDAY = TUESDAY + timedelta(days=1)


def number(
    meals: Meals, name: str, first: date = MONDAY, end: date = WEDNESDAY
) -> tuple[int, int | None, int]:
    found = measures.by_name[f"canteen.{name}"].compute(meals.cast.shuibei, first, end)
    return found.value, found.denominator, len(found.rows)


@pytest.fixture
def eaten(meals: Meals, cast: Cast, clock: Clock) -> Meals:
    """Four ordered for Tuesday: one handed out (helped), one not collected, one given back in time and one late."""
    clock.set("2026-11-23 10:00")
    menu = meals.lunch(TUESDAY)
    hers = meals.order(cast.chen, TUESDAY)
    meals.order(cast.aqiang, TUESDAY)
    back = meals.order(cast.couple[0], TUESDAY)
    late = meals.order(cast.couple[1], TUESDAY)
    cancel(Actor("resident", cast.couple[0]), back.id)
    clock.set("2026-11-23 16:30")
    close_menu(Actor("clock"), menu)
    clock.set("2026-11-24 09:00")
    cancel(Actor("staff", desk(cast)), late.id, "住院了")
    clock.set("2026-11-24 11:40")
    hand_out(
        Actor("staff", desk(cast)), cast.shuibei, hers.id, Scan("1号窗", "a scan of the tests", cash=True)
    )
    clock.set("2026-11-24 13:00")
    assert finish_menu(menu) == 1
    return meals


def desk(cast: Cast) -> int:
    return db.session.scalars(select(Staff.id).where(Staff.email == cast.wu)).one()


def test_each_number_is_what_its_formula_says(eaten: Meals) -> None:
    assert number(eaten, "ordered") == (2, None, 2)
    assert number(eaten, "collected") == (1, 2, 1)
    assert number(eaten, "uncollected") == (1, 2, 1)
    assert number(eaten, "subsidies") == (500, None, 1)
    assert number(eaten, "diners") == (1, 1, 1)
    assert number(eaten, "paid_each") == (1000, 1, 1)
    assert number(eaten, "wasted") == (2, None, 2)
    assert number(eaten, "sold") == (2, 98, 4)


def test_no_row_bears_a_name_and_the_rows_add_up(eaten: Meals) -> None:
    for measure in measures.by_name.values():
        found = measure.compute(eaten.cast.shuibei, MONDAY, WEDNESDAY)
        assert all(len(row) == len(measure.heads) for row in found.rows)
        assert "陈" not in str(found.rows)
        if measure.name in {"canteen.ordered", "canteen.collected", "canteen.uncollected", "canteen.wasted"}:
            assert len(found.rows) == found.value
        if measure.name == "canteen.subsidies":
            assert sum(int(row[7]) for row in found.rows) == found.value


def test_other_days_and_other_centres_do_not_count(eaten: Meals, cast: Cast) -> None:
    assert number(eaten, "ordered", MONDAY, TUESDAY) == (0, None, 0)
    assert number(eaten, "collected", MONDAY, TUESDAY) == (0, 0, 0)
    found = measures.by_name["canteen.ordered"].compute(cast.sungang, MONDAY, WEDNESDAY)
    assert found.value == 0


def test_a_report_stays_as_it_was_taken(eaten: Meals, cast: Cast, clock: Clock) -> None:
    report = service.take(Actor("staff", desk(cast)), cast.shuibei, MONDAY, WEDNESDAY)
    before = {one.name: (one.value, one.denominator, service.unpack(one.rows)) for one in report.numbers}
    clock.set("2026-11-24 13:05")
    order = db.session.scalars(select(MealOrder).where(MealOrder.resident_id == cast.aqiang)).one()
    with unit_of_work():
        db.session.execute(text("UPDATE meal_order SET state = 'collected' WHERE id = :id"), {"id": order.id})
    db.session.expire_all()
    assert number(eaten, "collected") == (2, 2, 2)
    kept = service.report_of(cast.shuibei, report.id)
    assert {
        one.name: (one.value, one.denominator, service.unpack(one.rows)) for one in kept.numbers
    } == before
    assert before["canteen.collected"][:2] == (1, 2)
    assert service.reports(cast.shuibei) == [kept]
    with pytest.raises(NotFound):
        service.report_of(cast.sungang, report.id)
    for statement in ("UPDATE figure_number SET value = 9", "DELETE FROM figure_report"):
        with pytest.raises(Exception, match="append_only_figure"):
            db.session.execute(text(statement))
        db.session.rollback()


@pytest.mark.parametrize(
    ("first", "end"), [(TUESDAY, TUESDAY), (TUESDAY, MONDAY), (MONDAY, date(2027, 12, 1))]
)
def test_an_odd_period_is_refused(meals: Meals, cast: Cast, first: date, end: date) -> None:
    with pytest.raises(Refused):
        service.take(OPERATOR, cast.shuibei, first, end)


@pytest.mark.parametrize(
    ("unit", "value", "denominator", "words"),
    [
        ("count", 12, None, "12"),
        ("fen", 44900, None, "¥449.00"),
        ("share", 107, 109, "98.2%"),
        ("share", 0, 0, "—"),
        ("each", 107, 18, "5.9"),
        ("fen_each", 85300, 107, "¥7.97"),
        ("fen_each", 0, 0, "—"),
    ],
)
def test_a_number_in_words(unit: str, value: int, denominator: int | None, words: str) -> None:
    assert in_words(unit, value, denominator) == words


def test_every_number_opens_its_rows_and_its_sheet(house: House) -> None:
    client, base = house.client("manager"), "/staff/c/shuibei/figures"
    page = client.get(f"{base}?from=2026-11-01&to=2026-11-30")
    assert "÷" in page.text
    for measure in measures.by_name.values():
        path = f"{base}/now/{measure.name}?from=2026-11-01&to=2026-11-30"
        assert str(measure.formula) in client.get(path).text
        sheet = client.get(f"{path}&as=xlsx")
        assert openpyxl.load_workbook(io.BytesIO(sheet.data)).worksheets[0]["A1"].value
    for odd in ("?from=x", "?from=2026-11-02&to=2026-11-01", "?from=0001-01-01", "?to=9999-12-31"):
        assert client.get(base + odd).status_code == 422


def test_a_report_is_taken_on_the_page(house: House) -> None:
    client, base = house.client("manager"), "/staff/c/shuibei/figures"
    sent = house.post(client, base, {"from": "2026-11-01", "to": "2026-11-23"})
    assert sent.status_code == 303
    assert "2026-11-01" in client.get(sent.location).text
    assert client.get(f"{sent.location}canteen.ordered").status_code == 200
    assert client.get(f"{sent.location}nothing").status_code == 404
    assert client.get(sent.location.replace("shuibei", "sungang")).status_code == 404
