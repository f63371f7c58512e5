"""A centre set up by its manager: its hours, spaces with their seats and plan, the canteen and when it serves."""

import re
from collections.abc import Iterator
from datetime import date, time
from functools import partial

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import func, select

from booking import queries
from booking.layout import Spot, laid_out
from booking.master import SPACES, Seats
from booking.models import Claim, Space, SpaceHours, Unit
from canteen.days import serving_day
from canteen.master import CANTEENS
from canteen.models import Canteen
from centres.master import CENTRES
from centres.models import Centre, OrgUnit
from centres.week import Week
from core import imports
from core import master as service
from core.audit import OPERATOR, Audit
from core.clock import now
from core.columns import Wrong
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.master import Values, Wish
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.hall import Hall, apart, refusal, span
from tests.support.house import House
from tests.support.race import together

TODAY = date(2026, 11, 23)
ANNEX = {
    "code": "annex",
    "name_zh": "新阅览室",
    "name_en": "New reading room",
    "mode": "seats",
    "floor": "3",
    "step_minutes": "30",
    "party_min": "1",
    "party_max": "2",
    "hours.days": ["mon-fri", "sat", ""],
    "hours.opens": ["9:00", "9:00", ""],
    "hours.closes": ["13:00", "12:00", ""],
    "seats.code": ["A1-A4", "B1-B2", ""],
    "seats.table": ["A", "B", ""],
    "seats.name_zh": ["", "", ""],
    "seats.traits": ["靠窗、有插座", "轮椅位", ""],
    "tables.code": ["A"],
    "tables.name_zh": ["靠窗桌"],
    "tables.name_en": ["Window table"],
    "walls.side": ["left"],
    "walls.zh": ["窗户"],
    "walls.en": ["Windows"],
    "lift": "1",
}


@pytest.fixture
def hall(app: Flask, cast: Cast, clock: Clock) -> Iterator[Hall]:
    with app.app_context():
        yield Hall(cast, clock)


def space(code: str = "reading") -> Space:
    return db.session.scalars(
        select(Space).where(Space.code == code).execution_options(populate_existing=True)
    ).one()


def change(hall: Hall, code: str = "reading", **values: object) -> None:
    row = space(code)
    service.change(OPERATOR, SPACES, row.id, [hall.cast.shuibei], values, today=TODAY)


def seats(row: Space) -> list[str]:
    return [line["code"] for line in SPACES.column("seats").get(row)]


# --- as a person sets it up -----------------------------------------------------------------------------------------


def test_a_manager_sets_up_a_room_and_people_sit_in_it(house: House) -> None:
    client = house.client("manager")
    base = "/staff/c/shuibei/data/spaces"
    assert house.post(client, f"{base}/new", ANNEX).status_code == 303
    assert "新阅览室" in client.get(f"{base}/").text
    phone = house.client("pin")
    assert "新阅览室" in phone.get("/c/shuibei/booking/").text
    plan = phone.get("/c/shuibei/booking/spaces/annex/2026-11-24/").text
    assert "靠窗桌" in plan
    assert "B桌" in plan
    assert "窗户" in plan
    wish = {"seat": "A3", "from": "2026-11-24T09:00", "to": "2026-11-24T12:00"}
    assert house.post(phone, "/c/shuibei/booking/spaces/annex/hold", wish).status_code == 303
    with house.app.app_context():
        row = db.session.scalars(select(Space.id).where(Space.code == "annex")).one()
    drawing = client.get(f"{base}/{row}/").text.partition("plan-drawing")[2].partition("</p>")[0]
    assert all(f">{code}</text>" in drawing for code in ("A1", "A4", "B2"))
    assert "左边 窗户" in drawing
    board = client.get("/staff/c/shuibei/booking/annex/2026-11-24").text
    assert "B2" in board


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("seats.code", ["A1-A4", "A2", ""], "A2 写了两次"),
        ("seats.code", ["A4-A1", "B1-B2", ""], "看不懂"),
        ("seats.traits", ["靠海", "", ""], "没有“靠海”这一项"),
        ("hours.closes", ["08:00", "12:00", ""], "先开后关"),
        ("hours.closes", ["", "12:00", ""], "时间看不懂"),
        ("hours.opens", ["9点", "9:00", ""], "时间看不懂"),
        ("hours.days", ["mon-fri", "fri", ""], "不能重叠"),
        ("step_minutes", "25", "写 10、15、30 或 60"),
        ("party_min", "3", "最少的人数比最多的大"),
        ("tables.code", ["Z"], "Z 桌没有座位"),
        ("seats.code", ["", "B1-B2", ""], "第 1 行的编号"),
        (
            "seats",
            {"seats.code": [], "seats.table": [], "seats.name_zh": [], "seats.traits": []},
            "还没有座位",
        ),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_kept(
    house: House, field: str, value: object, said: str
) -> None:
    client, path = house.client("manager"), "/staff/c/shuibei/data/spaces/new"
    answer = house.post(client, path, {**ANNEX, **(value if isinstance(value, dict) else {field: value})})
    assert answer.status_code == 422
    assert said in answer.text
    with house.app.app_context():
        assert db.session.scalar(select(func.count()).where(Space.code == "annex")) == 0


def test_a_centre_without_a_canteen_gets_one(app: Flask, cast: Cast, clock: Clock) -> None:
    with app.app_context():
        lines = [{"days": "mon-fri", "meal": "lunch", "opens": "11:00", "closes": "13:00"}]
        values: Values = {"name_zh": "水贝长者食堂", "name_en": "", "hours": lines}
        row = service.create(OPERATOR, CANTEENS, cast.shuibei, values, today=TODAY)
        assert CANTEENS.values(row)["hours"] == lines
        assert list(serving_day(row, date(2026, 11, 24)).meals) == ["lunch"]
        assert not serving_day(row, date(2026, 11, 28)).meals
        more = [*lines, {"days": "sat", "meal": "lunch", "opens": "11:00", "closes": "12:00"}]
        service.change(OPERATOR, CANTEENS, row.id, [cast.shuibei], {"hours": more}, today=TODAY)
        row = db.session.get_one(Canteen, cast.shuibei, populate_existing=True)
        assert list(serving_day(row, date(2026, 11, 28)).meals) == ["lunch"]
        assert (
            refusal(lambda: service.create(OPERATOR, CANTEENS, cast.shuibei, values, today=TODAY))
            == "already_there"
        )
        empty = {**values, "hours": []}
        assert (
            refusal(lambda: service.create(OPERATOR, CANTEENS, cast.sungang, empty, today=TODAY))
            == "does_not_fit"
        )


def test_what_is_missing_leads_to_where_it_is_set_up(house: House) -> None:
    with house.app.app_context():
        for row in db.session.scalars(select(Space).where(Space.centre_id == house.cast.shuibei)):
            row.retired_at = now()
        db.session.commit()
    page = house.client("manager").get("/staff/c/shuibei/booking/")
    assert "/staff/c/shuibei/data/spaces/new" in page.text
    assert "/data/spaces/new" not in house.client("front").get("/staff/c/shuibei/booking/").text


# --- the centre -----------------------------------------------------------------------------------------------------


def test_a_centre_is_renamed_everywhere_and_none_is_added_here(app: Flask, cast: Cast) -> None:
    with app.app_context():
        before = db.session.get_one(Centre, cast.shuibei).settings_version
        values: Values = {
            "name_zh": "水贝新中心",
            "hours": [{"days": "mon-sun", "opens": "08:00", "closes": "20:00"}],
        }
        service.change(OPERATOR, CENTRES, cast.shuibei, [cast.shuibei], values, today=TODAY)
        centre = db.session.get_one(Centre, cast.shuibei, populate_existing=True)
        assert db.session.get_one(OrgUnit, cast.shuibei, populate_existing=True).name_zh == "水贝新中心"
        assert {(row.opens, row.closes) for row in centre.hours} == {(time(8), time(20))}
        assert len(centre.hours) == 7
        assert centre.settings_version > before
        with pytest.raises(NotFound):
            service.create(OPERATOR, CENTRES, cast.sungang, values, today=TODAY)


@pytest.mark.databases("sqlite")
def test_the_page_of_the_centre_adds_nothing(house: House) -> None:
    client = house.client("manager")
    page = client.get("/staff/c/shuibei/data/centre/").text
    assert "/data/centre/new" not in page
    assert "/data/centre/import" not in page
    assert client.get("/staff/c/shuibei/data/centre/new").status_code == 404


# --- seats that go --------------------------------------------------------------------------------------------------


def test_a_seat_goes_comes_back_and_stays_where_it_stood(hall: Hall) -> None:
    row = space()
    stood = {unit.code: (unit.id, unit.x, unit.y) for unit in row.units}
    lines = SPACES.column("seats").get(row)
    change(hall, seats=[line for line in lines if line["code"] != "A2"])
    assert "A2" not in seats(space())
    assert "A2" not in [unit.code for unit in queries.units(hall.cast.reading)]
    assert "A2" not in [lane.code for lane in queries.lanes(space())]
    change(hall, seats=lines)
    assert {unit.code: (unit.id, unit.x, unit.y) for unit in space().units} == stood


def test_what_somebody_has_booked_does_not_go(hall: Hall) -> None:
    booking = hall.book(hall.cast.chen, "A2", span("09:00", "11:00"))
    lines = SPACES.column("seats").get(space())
    left = [line for line in lines if line["code"] != "A2"]
    with pytest.raises(Refused, match="A2 还有人订着"):
        change(hall, seats=left)
    db.session.rollback()
    with pytest.raises(Refused, match="A2 还有人订着"):
        change(hall, mode="whole")
    db.session.rollback()
    assert (
        refusal(lambda: service.retire(OPERATOR, SPACES, hall.cast.reading, [hall.cast.shuibei]))
        == "still_used"
    )
    db.session.rollback()
    hall.cancel(booking)
    change(hall, seats=left)
    assert "A2" not in seats(space())


def test_nothing_is_claimed_on_what_went(hall: Hall) -> None:
    unit = hall.unit("A2")
    change(hall, seats=[line for line in SPACES.column("seats").get(space()) if line["code"] != "A2"])
    assert refusal(lambda: hall.hold(hall.visit(), "A2", span("09:00", "11:00"))) == "unit_gone"
    assert db.session.scalar(select(func.count()).where(Claim.unit_id == unit.id)) == 0


def test_a_space_goes_with_its_seats_and_comes_back_with_them(hall: Hall) -> None:
    lines = SPACES.column("seats").get(space())
    change(hall, seats=[line for line in lines if line["code"] != "C8"])
    here = [hall.cast.shuibei]
    hall.clock.set("2026-11-23 10:00")
    service.retire(OPERATOR, SPACES, hall.cast.reading, here)
    assert hall.cast.reading not in [row.id for row in queries.spaces(hall.cast.shuibei)]
    assert queries.space_by_code(hall.cast.shuibei, "reading") is None
    assert queries.units(hall.cast.reading) == []
    assert refusal(lambda: hall.hold(hall.visit(), "A1", span("09:00", "11:00"))) == "unit_gone"
    service.retire(OPERATOR, SPACES, hall.cast.reading, here, back=True)
    assert [unit.code for unit in queries.units(hall.cast.reading)] == seats(space())
    assert "C8" not in seats(space())
    assert len(seats(space())) == len(lines) - 1


def go(cast: Cast, code: str) -> None:
    """The manager takes a seat away."""
    left = [line for line in SPACES.column("seats").get(space()) if line["code"] != code]
    service.change(OPERATOR, SPACES, cast.reading, [cast.shuibei], {"seats": left}, today=TODAY)


def claimed_and_gone() -> int:
    """Claims on seats that are there no longer."""
    query = select(func.count()).select_from(Claim).join(Unit, Unit.id == Claim.unit_id)
    return db.session.scalar(query.where(Unit.retired_at.is_not(None))) or 0


def test_the_control_looking_first_and_claiming_then_claims_what_went(
    app: Flask, cast: Cast, clock: Clock
) -> None:
    """Somebody looks at a seat, it goes, and they insert what they meant to."""
    with app.app_context():
        hall = Hall(cast, clock)
        seat, visit, when = hall.unit("A1"), hall.visit(), span("09:00", "11:00")
        assert seat.retired_at is None
        db.session.commit()
    with app.app_context():
        go(cast, "A1")
    with app.app_context(), unit_of_work():
        db.session.add(
            Claim(
                unit_id=seat.id,
                visit_id=visit.id,
                starts_at=when.start,
                ends_at=when.end,
                use_ends_at=when.end,
                expires_at=when.end,
            )
        )
    with app.app_context():
        assert claimed_and_gone() == 1


def test_whoever_books_while_a_seat_goes_is_told_or_keeps_it(app: Flask, cast: Cast, clock: Clock) -> None:
    """Neither a claim on a seat that is gone nor a seat that goes under a claim: one of the two is refused."""

    def take(code: str) -> None:
        here = Hall(cast, clock)
        here.hold(here.visit(), code, span("09:00", "11:00"))

    for code in ("A1", "A2", "A3", "A4", "A5", "A6"):
        told = together([apart(app, partial(take, code)), apart(app, partial(go, cast, code))])
        refused = [one for one in told if one is not None]
        assert len(refused) == 1, told
        assert isinstance(refused[0], Refused), refused
        assert refused[0].code in {"unit_gone", "does_not_fit"}
    with app.app_context():
        assert claimed_and_gone() == 0


# --- columns --------------------------------------------------------------------------------------------------------


@pytest.mark.databases("sqlite")
def test_what_is_read_and_written_back_is_no_change(hall: Hall) -> None:
    for row in db.session.scalars(select(Space)).all():
        values = SPACES.values(row)
        service.change(OPERATOR, SPACES, row.id, [row.centre_id], values, today=TODAY)
    assert db.session.scalar(select(func.count()).where(Audit.subject_kind == "space")) == 0


@pytest.mark.databases("sqlite")
def test_the_sheet_of_spaces_comes_back_as_it_went_in_every_language(hall: Hall) -> None:
    rows = service.every(SPACES, [hall.cast.shuibei], Wish(), TODAY)
    assert len(rows) > 1
    for written in ("zh_Hans", "en"):
        with force_locale(written):
            sheet = imports.export(SPACES, rows)
        with force_locale("zh_Hans"):
            made = imports.plan(SPACES, hall.cast.shuibei, sheet, TODAY)
        assert made.faults == []
        assert {step.verb for step in made.steps} == {"same"}


@pytest.mark.databases("sqlite")
def test_names_of_people_stay_out_of_the_record(hall: Hall) -> None:
    line = [{"code": "p1", "name_zh": "林静", "traits": []}]
    told = SPACES.column("seats").told(line)
    assert "林静" not in str(told)
    assert told[0]["code"] == "p1"


WEEK = Week(name="hours", label="每周开放", model=SpaceHours)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["mon 09:00 12:00", "tue 9:00 12:00"], "周一 09:00 12:00；周二 09:00 12:00"),
        ([f"{day} 09:00 12:00" for day in ("mon", "tue", "wed", "thu", "fri")], "周一到周五 09:00 12:00"),
        (["mon-fri 09:00 12:00", "sat 09:00 12:00"], "周一到周六 09:00 12:00"),
        (["mon-sat 09:00 12:00", "sun 09:00 12:00", "sun 14:00 18:00"], "每天 09:00 12:00；周日 14:00 18:00"),
    ],
)
@pytest.mark.databases("sqlite")
def test_a_week_has_one_form_however_it_was_written(app: Flask, lines: list[str], said: str) -> None:
    with app.test_request_context():
        read = WEEK.read("；".join(lines))
        assert WEEK.show(read) == said
        assert WEEK.read(said) == read
        row = Space(hours=[])
        WEEK.put(row, read)
        assert WEEK.get(row) == read


@pytest.mark.databases("sqlite")
def test_a_seat_line_may_name_a_row_of_seats(app: Flask) -> None:
    column = SPACES.column("seats")
    assert isinstance(column, Seats)
    with app.test_request_context():
        read = column.read("编号=A08-A11 哪张桌=A 特点=靠窗；编号=R1")
        assert [line["code"] for line in read] == ["A08", "A09", "A10", "A11", "R1"]
        with pytest.raises(Wrong):
            column.read("编号=A1-B4")
        with pytest.raises(Wrong, match="太长了"):
            column.read("编号=A1-A201")


def test_seats_without_a_place_get_one_and_others_keep_theirs() -> None:
    spots, tables = laid_out(
        [Spot("A1", "A", 14, 14, 9, 12), Spot("A2", "A"), Spot("A3", "A"), Spot("B1", "B"), Spot("C1", "")],
        [{"code": "A", "name_zh": "靠窗桌", "x": 20, "y": 12, "w": 10, "h": 64}],
    )
    assert spots[0] == Spot("A1", "A", 14, 14, 9, 12)
    assert len({(spot.x, spot.y) for spot in spots}) == 5
    assert all(spot.width for spot in spots)
    assert [table["code"] for table in tables] == ["A", "B"]
    assert spots[1].x > tables[0]["x"] > spots[2].x
    assert tables[1]["x"] > tables[0]["x"]


@pytest.mark.databases("sqlite")
def test_the_empty_form_begins_with_what_is_usual(house: House) -> None:
    page = house.client("manager").get("/staff/c/shuibei/data/spaces/new").text
    assert re.search(r'name="step_minutes"[^>]*value="30"', page)
    assert re.search(r'<option value="seats" selected', page)
