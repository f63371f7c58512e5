"""The fixed cast that tests speak of, made through the services. Whoever adds an area adds its people's things here."""

from dataclasses import dataclass
from datetime import date, time

from flask import Flask

from booking.models import Space, SpaceHours, Unit
from centres.models import Centre, OrgUnit, WeeklyHours
from centres.services import seed_year, set_policy
from core.audit import OPERATOR
from core.database import db, unit_of_work
from kiosk.services import make_pairing_code, pair
from people.models import Resident
from people.services.cards import issue_card
from people.services.residents import give_consent, register, set_pin
from people.services.staff import add_staff

PASSWORD = "一把长长的钥匙2026"
PIN = "2580"
CHEN = "陈秀英"
"""陈奶奶, 78, lives alone, has a card."""


@dataclass(frozen=True)
class Cast:
    """Ids and codes of the people and places. Only plain values: rows belong to the session that loaded them."""

    district: int
    shuibei: int
    sungang: int
    reading: int
    """24 seats A1–C8; Mon–Sat 9–13, 13–17, Wed and Fri also 18–20:30."""
    elder: int
    hall: int
    sg_reading: int
    chen: int
    """陈奶奶: +8613800001187, PIN 2580, card."""
    chen_code: str
    aqiang: int
    """阿强, her son: +8613800001188, PIN 2580."""
    couple: tuple[int, int]
    """Two who share +8613800002026; both have PIN 2580; born 12 June and 3 May."""
    wheel: int
    """Needs an adapted seat; PIN 2580."""
    wairen: int
    """外人, an outsider without card or PIN."""
    kiosk_secret: str
    """Cookie `hall_device` of 1号一体机 in 水贝."""
    wu: str
    """E-mail of 吴敏, front desk of 水贝."""
    manager: str
    """E-mail of 许文婷, manager of 水贝."""
    luo: str
    """E-mail of 罗强, front desk of 笋岗 only."""
    kitchen: str
    """E-mail of 何伟, kitchen of 水贝."""
    accountant: str
    """E-mail of 唐丽, accountant of 水贝."""


def load(app: Flask) -> Cast:
    """Make the cast in the database of `app`."""
    with app.app_context():
        made = _load()
        db.session.remove()
        return made


def _load() -> Cast:
    with unit_of_work():
        district, shuibei, sungang = _tree()
        reading = _seats(
            shuibei, "reading", "图书馆阅览室", "Library reading room", _reading_seats(), evenings=True
        )
        elder = _seats(shuibei, "elder", "长者服务区", "Elder area", _recliners(), evenings=False)
        hall = _whole(shuibei, "hall", "多功能厅", "Multi-purpose hall")
        sg_reading = _seats(
            sungang, "sg_reading", "笋岗阅读角", "Sungang reading corner", _recliners(), evenings=False
        )
    for name, value in (("walk_in_until", "10:30"), ("adapted_until", "10:00"), ("release_at", "10:00")):
        set_policy(OPERATOR, shuibei, f"booking.{name}", value, date(2026, 1, 1), "reading")
    chen = _person(district, shuibei, CHEN, date(1948, 6, 12), "+8613800001187")
    aqiang = _person(district, shuibei, "陈志强", date(1974, 2, 20), "+8613800001188")
    first = _person(district, shuibei, "欧阳海", date(1950, 6, 12), "+8613800002026")
    second = _person(district, shuibei, "王丽", date(1951, 5, 3), "+8613800002026")
    wheel = _person(district, shuibei, "Margaret Featherstonehaugh", date(1940, 3, 1), "+85260000001")
    with unit_of_work():
        db.session.get_one(Resident, wheel).adapted_seat = True
    wairen = register(
        OPERATOR, district_id=district, home_centre_id=None, name="韦仁", born=date(1985, 10, 30)
    ).id
    _card, code = issue_card(OPERATOR, chen, "C-00003026")
    _device, secret = pair(make_pairing_code(OPERATOR, shuibei, "1号一体机"))
    staff = {
        "wu": ("wu@hall.invalid", "吴敏", "front_desk", "shuibei"),
        "manager": ("xu@hall.invalid", "许文婷", "manager", "shuibei"),
        "luo": ("luo@hall.invalid", "罗强", "front_desk", "sungang"),
        "kitchen": ("he@hall.invalid", "何伟", "kitchen", "shuibei"),
        "accountant": ("tang@hall.invalid", "唐丽", "accountant", "shuibei"),
    }
    for email, name, role, unit in staff.values():
        add_staff(OPERATOR, email, name, PASSWORD, [(role, unit)])
    return Cast(
        district=district,
        shuibei=shuibei,
        sungang=sungang,
        reading=reading,
        elder=elder,
        hall=hall,
        sg_reading=sg_reading,
        chen=chen,
        chen_code=code,
        aqiang=aqiang,
        couple=(first, second),
        wheel=wheel,
        wairen=wairen,
        kiosk_secret=secret,
        **{key: email for key, (email, *_rest) in staff.items()},
    )


def _person(district: int, centre: int, name: str, born: date, phone: str) -> int:
    person = register(
        OPERATOR, district_id=district, home_centre_id=centre, name=name, born=born, phone=phone
    )
    give_consent(OPERATOR, person.id, {"profile"}, "desk")
    set_pin(OPERATOR, person.id, PIN)
    return person.id


def _tree() -> tuple[int, int, int]:
    district = OrgUnit(code="luohu", kind="district", name_zh="罗湖区", name_en="Luohu District")
    db.session.add(district)
    db.session.flush()
    ids = []
    for code, street, name in (
        ("shuibei", "cuizhu", "水贝社区党群服务中心"),
        ("sungang", "sungang_street", "笋岗社区党群服务中心"),
    ):
        above = OrgUnit(
            code=street, kind="street", name_zh=f"{street}街道", name_en=street, parent_id=district.id
        )
        db.session.add(above)
        db.session.flush()
        unit = OrgUnit(code=code, kind="centre", name_zh=name, name_en=f"{code} centre", parent_id=above.id)
        db.session.add(unit)
        db.session.flush()
        centre = Centre(
            id=unit.id,
            code=code,
            name_zh=name,
            name_en=f"{code.title()} Community Centre",
            short_zh=name[:4],
            address_zh="翠竹街道（虚构）9号",
            address_en="9 Cuizhu (fictional)",
            phone="0755-00001234",
            zone="Asia/Shanghai",
        )
        db.session.add(centre)
        for weekday in range(6):
            db.session.add(
                WeeklyHours(centre_id=unit.id, weekday=weekday, opens=time(8, 30), closes=time(18, 0))
            )
        ids.append(unit.id)
    db.session.flush()
    for year in (2025, 2026):
        seed_year(district.id, year)  # as published: holidays and the weekends that are worked
    return district.id, ids[0], ids[1]


def _reading_seats() -> list[Unit]:
    seats, position = [], 0
    for table, x in (("A", 20), ("B", 55), ("C", 90)):
        for number in range(1, 9):
            row = (number - 1) // 2
            seats.append(
                Unit(
                    code=f"{table}{number}",
                    position=position,
                    table_code=table,
                    x=x - 6 if number % 2 else x + 16,
                    y=14 + 16 * row,
                    width=9,
                    height=12,
                    wheelchair=f"{table}{number}" in {"C6", "C8"},
                    walk_in=f"{table}{number}" in {"B5", "B6", "B7", "B8"},
                    traits={"window": table == "A" and number % 2 == 1, "socket": table != "B"},
                )
            )
            position += 1
    return seats


def _recliners() -> list[Unit]:
    return [
        Unit(
            code=f"R{n}",
            position=n,
            x=18 + 21 * ((n - 1) % 4),
            y=20 + 30 * ((n - 1) // 4),
            width=14,
            height=20,
            traits={},
        )
        for n in range(1, 9)
    ]


def _seats(centre: int, code: str, zh: str, en: str, seats: list[Unit], *, evenings: bool) -> int:
    tables = [
        {"code": "A", "name_zh": "靠窗桌", "name_en": "Window table", "x": 20},
        {"code": "B", "name_zh": "中间桌", "name_en": "Middle table", "x": 55},
        {"code": "C", "name_zh": "安静桌", "name_en": "Quiet table", "x": 90},
    ]
    walls = {
        "top": {"zh": "书架", "en": "Shelves"},
        "left": {"zh": "窗户", "en": "Windows"},
        "bottom": {"zh": "门口", "en": "Door"},
    }
    space = Space(
        centre_id=centre,
        code=code,
        name_zh=zh,
        name_en=en,
        floor=2,
        mode="seats",
        step_minutes=30,
        party_max=2,
        plan={"tables": tables if seats[0].table_code else [], "walls": walls},
        access={"lift": True, "step_free": True},
    )
    db.session.add(space)
    db.session.flush()
    for seat in seats:
        seat.space_id = space.id
        db.session.add(seat)
    for weekday in range(6):
        for opens, closes in ((time(9), time(13)), (time(13), time(17))):
            db.session.add(SpaceHours(space_id=space.id, weekday=weekday, opens=opens, closes=closes))
        if evenings and weekday in {2, 4}:
            db.session.add(
                SpaceHours(space_id=space.id, weekday=weekday, opens=time(18), closes=time(20, 30))
            )
    return space.id


def _whole(centre: int, code: str, zh: str, en: str) -> int:
    space = Space(
        centre_id=centre,
        code=code,
        name_zh=zh,
        name_en=en,
        floor=2,
        mode="whole",
        approval=True,
        step_minutes=30,
        party_max=60,
    )
    db.session.add(space)
    db.session.flush()
    db.session.add(Unit(space_id=space.id, code="ROOM", position=1, traits={}))
    for weekday in range(6):
        db.session.add(SpaceHours(space_id=space.id, weekday=weekday, opens=time(8, 30), closes=time(18)))
    return space.id
