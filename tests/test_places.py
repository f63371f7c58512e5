"""Setting up the house without the demo: districts, streets and centres from a file, and what is refused in it."""

from datetime import date, time
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from centres.master import CENTRES
from centres.models import CalendarYear, Centre, OrgUnit, WeeklyHours
from centres.places import read_places
from centres.queries import weekly_hours
from centres.services import set_weekly_hours
from core.audit import OPERATOR, Audit
from core.database import db
from core.errors import Refused
from core.master import change
from tests.support.cast import Cast

EXAMPLE = Path(__file__).parent.parent / "docs" / "places.example.yaml"
STREET = """places:
  - code: east
    kind: district
    name_zh: 东区
  - code: mill
    kind: street
    parent: east
    name_zh: 磨坊街道
"""
CENTRE = """  - code: mill_house
    kind: centre
    parent: mill
    name_zh: 磨坊社区党群服务中心
    short_zh: 磨坊社区
    address_zh: 磨坊路（虚构）1号
    phone: 0755-00001111
    hours:
      mon-fri: [09:00-12:00, 14:00-18:00]
"""


def load(app: Flask, text: str, folder: Path) -> Result:
    file = folder / "places.yaml"
    file.write_text(text, "utf-8")
    return app.test_cli_runner().invoke(args=["places", "load", str(file)])


def why(text: str) -> str:
    with pytest.raises(Refused) as refused:
        read_places(text)
    assert refused.value.code == "places_odd"
    return refused.value.title


def centre(code: str) -> Centre:
    return db.session.scalars(
        select(Centre).where(Centre.code == code).execution_options(populate_existing=True)
    ).one()


def test_an_empty_house_opens_with_the_example_and_one_member_of_staff(app: Flask) -> None:
    runner, client = app.test_cli_runner(), app.test_client()
    assert client.get("/c/yunxi/").status_code == 404
    result = runner.invoke(args=["places", "load", str(EXAMPLE)])
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == "new: 4, changed: 0, same: 0"
    added = ["staff", "add", "xu@hall.cn", "--name", "许文婷", "--role", "manager", "--unit", "yunxi"]
    with app.app_context():
        assert runner.invoke(args=added).exit_code == 0
    page = client.get("/c/yunxi/")
    assert page.status_code == 200
    assert "云溪社区党群服务中心（虚构）" in page.text
    about = client.get("/c/yunxi/about").text
    assert "松亭路（虚构）1号" in about
    assert "0755-00009999" in about
    with app.app_context():
        assert weekly_hours(centre("yunxi").id)[5] == [(time(9), time(12))]


def test_a_new_district_knows_this_years_holidays_at_once(app: Flask, tmp_path: Path) -> None:
    load(app, STREET, tmp_path)
    with app.app_context():
        assert 2026 in db.session.scalars(select(CalendarYear.year)).all()


def test_the_same_file_again_changes_nothing(app: Flask, tmp_path: Path) -> None:
    load(app, STREET + CENTRE, tmp_path)
    with app.app_context():
        before = (centre("mill_house").settings_version, len(db.session.scalars(select(Audit.id)).all()))
    assert load(app, STREET + CENTRE, tmp_path).output.endswith("new: 0, changed: 0, same: 3\n")
    with app.app_context():
        assert before == (
            centre("mill_house").settings_version,
            len(db.session.scalars(select(Audit.id)).all()),
        )


@pytest.mark.parametrize(
    ("old", "new", "verb"),
    [
        ("磨坊路（虚构）1号", "磨坊路（虚构）3号", "centre.changed"),
        ("14:00-18:00", "14:00-17:30", "centre.changed"),
        ("磨坊社区党群服务中心", "磨坊中心", "unit.changed"),
    ],
)
def test_what_is_there_is_renewed_audited_and_kept_pages_notice(
    app: Flask, tmp_path: Path, old: str, new: str, verb: str
) -> None:
    load(app, STREET + CENTRE, tmp_path)
    with app.app_context():
        before = centre("mill_house").settings_version
    output = load(app, (STREET + CENTRE).replace(old, new), tmp_path).output
    assert "changed\tmill_house" in output
    with app.app_context():
        assert centre("mill_house").settings_version > before
        assert verb in db.session.scalars(select(Audit.verb)).all()
        details = str(db.session.scalars(select(Audit.detail)).all())
    assert "磨坊" not in details


def test_what_a_file_does_not_name_stays(app: Flask, cast: Cast, tmp_path: Path) -> None:
    text = "places:\n" + CENTRE.replace("parent: mill", "parent: cuizhu")
    assert load(app, text, tmp_path).exit_code == 0
    with app.app_context():
        assert {one.code for one in db.session.scalars(select(Centre))} == {
            "shuibei",
            "sungang",
            "mill_house",
        }
        assert weekly_hours(cast.shuibei)


MOVES = [
    ("kind: street\n    parent: east", "kind: department\n    parent: east", "unit_moved"),
    ("phone: 0755-00001111", "phone: 0755-00001111\n    zone: Asia/Tokyo", "zone_moved"),
    ("parent: mill\n", "parent: east\n", "unit_moved"),
]


@pytest.mark.parametrize(("old", "new", "code"), MOVES)
def test_what_everything_hangs_on_cannot_be_changed(
    app: Flask, tmp_path: Path, old: str, new: str, code: str
) -> None:
    load(app, STREET + CENTRE, tmp_path)
    moved = (STREET + CENTRE).replace(old, new)
    assert moved != STREET + CENTRE
    result = load(app, moved, tmp_path)
    assert result.exit_code == 1
    assert f"({code})" in result.output


def test_one_wrong_entry_and_nothing_is_written(app: Flask, tmp_path: Path) -> None:
    result = load(app, STREET + CENTRE.replace("parent: mill", "parent: nowhere"), tmp_path)
    assert result.exit_code == 1
    assert "第 9 行：没有“nowhere”这个单位 (unit_missing)" in result.output
    assert "Nothing has been written." in result.output
    with app.app_context():
        assert db.session.scalars(select(OrgUnit)).all() == []


def test_a_street_stands_under_a_district_only(app: Flask, tmp_path: Path) -> None:
    assert "(unit_misplaced)" in load(app, STREET.replace("    parent: east\n", ""), tmp_path).output
    under_street = "  - {code: lane, kind: street, parent: mill, name_zh: 巷}\n"
    assert "第 9 行" in load(app, STREET + under_street, tmp_path).output


WRONG = [
    ("", "第 1 行：文件里只写一个 places: 列表"),
    ("places: [\n", "第 2 行：这里不是 YAML 的写法"),
    ("places:\n  - east\n", "第 1 行：places 里每一项都要有 code、kind 和 name_zh"),
    (STREET.replace("kind: district", "kind: city"), "第 3 行：kind 要写"),
    (STREET.replace("kind: district", "kind: [district]"), "第 3 行：kind 要写"),
    (STREET.replace("code: mill", "code: Mill Street"), "第 5 行：code 用小写字母"),
    (STREET.replace("name_zh: 东区", "name: 东区"), "第 4 行：这里没有“name”这一项"),
    (STREET.replace("    name_zh: 东区\n", ""), "第 2 行：少了“name_zh”"),
    (STREET.replace("name_zh: 东区", f"name_zh: {'东' * 61}"), "第 4 行：“name_zh”写一行字，最多 60 个"),
    (STREET.replace("parent: east", "parent: east\n    parent: west"), "第 8 行：“parent”写了两次"),
    (STREET + CENTRE.replace("    phone: 0755-00001111\n", ""), "第 9 行：少了“phone”"),
    (STREET + CENTRE.replace("mon-fri", "fri-mon"), "第 17 行：星期几写"),
    (STREET + CENTRE.replace("mon-fri", "monday"), "第 17 行：星期几写"),
    (STREET + CENTRE.replace("09:00-12:00", "9-12"), "第 17 行：时间写成 08:30-12:00"),
    (STREET + CENTRE.replace("09:00-12:00", "09:00-25:00"), "第 17 行：时间写成 08:30-12:00"),
    (STREET + CENTRE.replace("09:00-12:00", "12:00-09:00"), "第 17 行：开放时间要先开后关"),
    (STREET + CENTRE.replace("09:00-12:00", "09:00-15:00"), "第 17 行：开放时间要先开后关"),
    (STREET + CENTRE.replace("hours:", "zone: Asia/Nowhere\n    hours:"), "第 16 行：没有这个时区"),
    (STREET + CENTRE.replace("hours:", "zone: ../etc/passwd\n    hours:"), "第 16 行：没有这个时区"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_a_wrong_file_is_refused_with_its_line(text: str, said: str) -> None:
    assert why(text).startswith(said)


def test_a_file_that_is_no_text_is_refused(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "places.yaml"
    file.write_bytes("places: 东区".encode("gb18030"))
    result = app.test_cli_runner().invoke(args=["places", "load", str(file)])
    assert "is not UTF-8" in result.output


def test_midnight_and_clock_times_need_no_quotes() -> None:
    place = read_places(STREET + CENTRE.replace("14:00-18:00", "14:00-23:59"))[-1]
    assert place.hours[1] == (0, time(14), time(23, 59))


def test_hours_by_file_and_by_page_are_written_and_recorded_alike(app: Flask, cast: Cast) -> None:
    """One column writes both: the same rows stay, the same verb and the same shape stand in the audit."""
    week = [(day, time(8), time(20)) for day in range(7)]
    lines = [{"days": "mon-sun", "opens": "08:00", "closes": "20:00"}]
    told = []
    with app.app_context():
        for centre_id, by_file in ((cast.shuibei, True), (cast.sungang, False)):
            if by_file:
                assert set_weekly_hours(OPERATOR, centre_id, week)
                assert not set_weekly_hours(OPERATOR, centre_id, week), "it is so already"
            else:
                change(OPERATOR, CENTRES, centre_id, [centre_id], {"hours": lines}, today=date(2026, 11, 23))
            found = db.session.scalars(select(Audit).where(Audit.subject_id == centre_id)).all()
            (row,) = [one for one in found if "hours" in (one.detail or {}).get("new", {})]
            told.append((row.verb, row.subject_kind, row.unit_id == centre_id, row.detail["new"]))
            assert set(weekly_hours(centre_id)) == set(range(7))
    assert told[0] == told[1] == ("centre.changed", "centre", True, {"hours": lines})


def test_a_line_that_stays_keeps_its_row(app: Flask, cast: Cast) -> None:
    with app.app_context():
        set_weekly_hours(OPERATOR, cast.shuibei, [(0, time(8), time(12)), (1, time(8), time(12))])
        monday = select(WeeklyHours.id).where(WeeklyHours.centre_id == cast.shuibei, WeeklyHours.weekday == 0)
        first = db.session.scalars(monday).one()
        set_weekly_hours(OPERATOR, cast.shuibei, [(0, time(8), time(11)), (2, time(8), time(12))])
        rows = db.session.scalars(select(WeeklyHours).where(WeeklyHours.centre_id == cast.shuibei)).all()
        assert {row.weekday for row in rows} == {0, 2}
        assert next(row.id for row in rows if row.weekday == 0) == first
