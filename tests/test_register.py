"""The elders' register from a sheet: who is new, who is known, and who must be looked at by a person first."""

import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import func, select

from canteen.models import DietProfile
from centres.models import Building
from core.audit import OPERATOR, Audit
from core.database import db, unit_of_work
from core.imports import Plan
from core.readers import readers
from core.sheets import Head, Page, write
from people.models import Card, Consent, Resident, ResidentStatus
from people.queries import live_cards
from people.services import register
from people.services.residents import register as take_in
from tests.support.cast import CHEN, Cast
from tests.support.house import House

BORN = date(1948, 6, 12)
TWIN, TWIN_BORN = "王秀英", date(1952, 6, 6)
FIRST, SECOND = "13800002037", "13800002038"


def sheet(*rows: dict[str, Any]) -> bytes:
    heads = list(dict.fromkeys(name for row in rows for name in row))
    return write(
        Page("名册", [Head(head) for head in heads], [[row.get(head) for head in heads] for row in rows])
    )


def look(cast: Cast, *rows: dict[str, Any]) -> Plan:
    return register.plan(cast.district, cast.shuibei, sheet(*rows))


def bring_in(cast: Cast, *rows: dict[str, Any]) -> int:
    made = look(cast, *rows)
    assert made.faults == []
    return register.apply(OPERATOR, cast.district, cast.shuibei, made)


def one(name: str, born: date, phone: str | None = None) -> Resident:
    rows = db.session.scalars(
        select(Resident)
        .where(Resident.name == name, Resident.born == born)
        .execution_options(populate_existing=True)
    ).all()
    return next(row for row in rows if phone is None or row.phone == f"+86{phone}")


def many() -> int:
    return db.session.scalar(select(func.count()).select_from(Resident)) or 0


def row(name: str = "李桂兰", born: object = "1950-03-04", **more: Any) -> dict[str, Any]:
    return {"姓名": name, "出生日期": born, **more}


def test_a_new_person_comes_in_with_everything(inside: Flask, cast: Cast) -> None:
    with unit_of_work():
        db.session.add(Building(unit_id=cast.shuibei, code="SB2-3", name_zh="水贝二街3栋", floors=7))
    before = many()
    said = row(
        手机=13800001990,
        户籍="深圳",
        户籍区="罗湖",
        身份="低保 2025-01-01；三属五老 2020-05-01~2027-01-01",
        失能评估="中度",
        评估日期=date(2026, 3, 1),
        独居="是",
        楼栋="水贝二街3栋",
        房号=302,
        卡号="sz 0012345",
        本人同意记饮食="是",
        饮食="低盐、软食",
        过敏="花生",
        软硬="软",
        不吃什么="不吃辣",
    )
    assert bring_in(cast, said) == 1
    person = one("李桂兰", date(1950, 3, 4))
    assert many() == before + 1
    assert (person.phone, person.hukou, person.hukou_district) == ("+8613800001990", "shenzhen", "罗湖")
    assert (person.lives_alone, person.room, person.building and person.building.code) == (
        True,
        "302",
        "SB2-3",
    )
    assert person.pin_open_until is None
    statuses = db.session.scalars(
        select(ResidentStatus).where(ResidentStatus.resident_id == person.id).order_by(ResidentStatus.kind)
    ).all()
    assert [(one.kind, one.starts_on, one.ends_on) for one in statuses] == [
        ("assessed_moderate", date(2026, 3, 1), None),
        ("dibao", date(2025, 1, 1), None),
        ("sanshu_wulao", date(2020, 5, 1), date(2027, 1, 1)),
    ]
    assert db.session.scalars(select(Card.number).where(Card.resident_id == person.id)).all() == ["SZ0012345"]
    diet = db.session.get_one(DietProfile, person.id)
    assert (diet.labels, diet.allergens, diet.texture, diet.avoid) == (
        ["low_salt", "soft"],
        ["peanut"],
        "soft",
        "不吃辣",
    )
    given = db.session.scalars(select(Consent).where(Consent.resident_id == person.id)).all()
    assert [(consent.kind, consent.given_where) for consent in given] == [("diet", "register")]
    words = str(db.session.scalars(select(Audit.detail).where(Audit.subject_id == person.id)).all())
    assert "李桂兰" not in words
    assert "13800001990" not in words


def test_the_same_sheet_again_makes_nobody_twice(inside: Flask, cast: Cast) -> None:
    said = row(手机="13800001990", 户籍="深圳", 身份="低保 2025-01-01", 卡号="SZ0012345")
    bring_in(cast, said)
    before = many()
    made = look(cast, said)
    assert (made.many("same"), made.writes) == (1, [])
    assert bring_in(cast, said) == 0
    assert many() == before


def test_a_known_person_is_found_by_name_and_birthday_and_empty_cells_take_nothing_away(
    inside: Flask, cast: Cast
) -> None:
    before = many()
    made = look(cast, row(CHEN, BORN, 手机="", 户籍="深圳", 独居="是"))
    assert [(step.verb, step.label) for step in made.steps] == [("change", "陈*英")]
    register.apply(OPERATOR, cast.district, cast.shuibei, made)
    person = one(CHEN, BORN)
    assert (person.id, person.phone, person.hukou, many()) == (
        cast.chen,
        "+8613800001187",
        "shenzhen",
        before,
    )


def test_another_phone_under_the_same_name_and_birthday_waits_for_a_person(inside: Flask, cast: Cast) -> None:
    said = row(CHEN, BORN, 手机="13800009999")
    fault = look(cast, said).faults[0]
    assert fault.cell == "A2"
    assert "尾号1187" in fault.right
    assert "新的" in fault.right
    same = look(cast, {**said, "同名的是哪位": "尾号1187"})
    assert [step.row_id for step in same.steps] == [cast.chen]
    fresh = look(cast, {**said, "同名的是哪位": "新的"})
    assert [(step.verb, step.row_id) for step in fresh.steps] == [("new", None)]
    odd = look(cast, {**said, "同名的是哪位": "尾号0000"})
    assert odd.faults[0].cell.startswith("D")
    by_card = look(cast, {**said, "同名的是哪位": "C-00003026"})
    assert [step.row_id for step in by_card.steps] == [cast.chen]


def test_twins_are_never_made_one(inside: Flask, cast: Cast) -> None:
    first, second = row(TWIN, TWIN_BORN, 手机=FIRST), row(TWIN, TWIN_BORN, 手机=SECOND)
    fault = look(cast, first, second).faults[0]
    assert (fault.cell, "第 2 行" in fault.wrong) == ("A3", True)
    decided = [{**one, "同名的是哪位": "新的"} for one in (first, second)]
    assert bring_in(cast, *decided) == 2
    assert one(TWIN, TWIN_BORN, FIRST).id != one(TWIN, TWIN_BORN, SECOND).id
    known = look(cast, {**first, "户籍": "深圳"}, {**second, "户籍": "外地"})
    assert known.faults == []
    assert [step.row_id for step in known.steps] == [
        one(TWIN, TWIN_BORN, FIRST).id,
        one(TWIN, TWIN_BORN, SECOND).id,
    ]
    unsure = look(cast, row(TWIN, TWIN_BORN))
    assert "2 位" in unsure.faults[0].wrong
    assert {"尾号2037", "尾号2038"} <= set(
        unsure.faults[0].right.replace("写", " ").replace("或", " ").replace("；", " ").split()
    )
    again = look(cast, *decided)
    assert len(again.faults) == 2


@pytest.mark.parametrize(
    ("more", "cell"),
    [
        ({"出生日期": "1952-13-01"}, "B2"),
        ({"出生日期": "2150-01-01"}, "B2"),
        ({"手机": "1380000"}, "C2"),
        ({"户籍": "火星"}, "C2"),
        ({"身份": "富人 2025-01-01"}, "C2"),
        ({"身份": "低保"}, "C2"),
        ({"身份": "低保 2025-01-01~2024-01-01"}, "C2"),
        ({"身份": "低保 2025-01-01；低保 2025-06-01"}, "C2"),
        ({"楼栋": "没有的楼"}, "C2"),
        ({"卡号": "12"}, "C2"),
        ({"卡号": "C-00003026"}, "C2"),
        ({"失能评估": "中度"}, "A2"),
        ({"饮食": "低盐"}, "A2"),
        ({"过敏": "风"}, "C2"),
        ({"独居": "或许"}, "C2"),
    ],
)
def test_a_wrong_cell_is_named_and_nothing_written(
    inside: Flask, cast: Cast, more: dict[str, Any], cell: str
) -> None:
    before = many()
    made = look(cast, {**row(), **more}, row("另一位", "1951-01-01"))
    assert [fault.cell for fault in made.faults] == [cell]
    assert made.faults[0].right
    assert many() == before


def test_a_newer_assessment_takes_the_place_of_the_older(inside: Flask, cast: Cast) -> None:
    bring_in(cast, row(CHEN, BORN, 失能评估="轻度", 评估日期="2025-01-01"))
    bring_in(cast, row(CHEN, BORN, 失能评估="重度", 评估日期="2026-06-01"))
    rows = db.session.scalars(
        select(ResidentStatus)
        .where(ResidentStatus.resident_id == cast.chen)
        .order_by(ResidentStatus.starts_on)
    ).all()
    assert [(one.kind, one.ends_on) for one in rows] == [
        ("assessed_mild", date(2026, 6, 1)),
        ("assessed_severe", None),
    ]


def test_a_person_of_another_district_is_somebody_else(inside: Flask, cast: Cast) -> None:
    with unit_of_work():
        person = take_in(OPERATOR, district_id=cast.sungang, home_centre_id=None, name="远方", born=BORN)
    made = look(cast, row("远方", BORN))
    assert [step.verb for step in made.steps] == ["new"]
    assert person.id


def test_the_command_looks_first_and_says_what_it_does(app: Flask, cast: Cast, tmp_path: Path) -> None:
    file, runner = tmp_path / "register.xlsx", FlaskCliRunner(app)
    file.write_bytes(sheet(row(), row("张三", "1940-13-01")))
    said = runner.invoke(args=["residents", "import", str(file), "--centre", "shuibei"])
    assert said.exit_code == 1
    assert "B3" in said.output
    assert "nothing has been written" in said.output
    file.write_bytes(sheet(*[row(f"老人{n}", "1940-01-01") for n in range(450)]))
    said = runner.invoke(args=["residents", "import", str(file), "--centre", "shuibei", "--check"])
    assert (said.exit_code, "new: 450" in said.output) == (0, True)
    with app.app_context():
        before = many()
        db.session.remove()
    said = runner.invoke(args=["residents", "import", str(file), "--centre", "shuibei"])
    assert (said.exit_code, "450 rows are in" in said.output) == (0, True)
    with app.app_context():
        assert many() == before + 450
        db.session.remove()
    assert runner.invoke(args=["residents", "import", str(file), "--centre", "nowhere"]).exit_code == 1
    file.write_bytes(b"not a sheet")
    assert runner.invoke(args=["residents", "import", str(file), "--centre", "shuibei"]).exit_code == 1


def test_the_page_shows_masked_names_and_brings_the_same_bytes_in_once(house: House) -> None:
    client, base = house.client("manager"), "/staff/c/shuibei/register"
    assert client.get(f"{base}/empty").data.startswith(b"PK")
    sent = house.post(client, base, {"sheet": (io.BytesIO(sheet(row(手机="13800001990"))), "a.xlsx")})
    page = client.get(sent.location)
    assert page.headers["Cache-Control"] == "no-store"
    assert "李*兰" in page.text
    assert "李桂兰" not in page.text
    digest = page.text.partition('name="digest" value="')[2][:64]
    assert house.post(client, sent.location, {"digest": digest}).status_code == 303
    with house.app.app_context():
        assert one("李桂兰", date(1950, 3, 4)).phone == "+8613800001990"
        db.session.remove()
    assert house.post(client, sent.location, {"digest": digest}).status_code == 404


def test_only_a_manager_sees_the_register(house: House) -> None:
    for role in ("front", "kitchen", "luo"):
        assert house.client(role).get("/staff/c/shuibei/register").status_code == 404


def test_a_card_in_a_sheet_is_read_as_the_desks_reader_types_it(inside: Flask, cast: Cast) -> None:
    readers.use("uid-decimal,kiosk=uid-hex")
    try:
        bring_in(cast, row(CHEN, BORN, 卡号="0077705923"))
        assert [card.number for card in live_cards(cast.chen) if card.kind == "linked"] == ["UID-04A1B2C3"]
        for card in ("77705923", "UID-04A1B2C3"):
            assert [step.verb for step in look(cast, row(CHEN, BORN, 卡号=card)).steps] == ["same"]
        (fault,) = look(cast, row(CHEN, BORN, 卡号="1234")).faults
        assert fault.said == "1234"
    finally:
        readers.use("keyboard")
