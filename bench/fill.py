"""A centre as full as the targets say: 40 units × 24 steps, 300 bookings a day, on many days."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import insert

from booking.models import Booking, Claim, Space, SpaceHours, Unit
from centres.models import Centre, OrgUnit
from centres.services import set_policy
from core.audit import OPERATOR
from core.clock import at, local_day, now
from core.codes import new_code, new_number
from core.crypto import blind
from core.database import db, unit_of_work
from kiosk.models import Device
from kiosk.services import digest
from people.models import Commitment, Resident
from people.services.staff import add_staff

ZONE, CENTRE, SPACE = "Asia/Shanghai", "bench", "reading"
UNITS, STEPS, BOOKINGS, RESIDENTS, DEVICES = 40, 24, 300, 400, 8
OPENS, STEP = time(8), timedelta(minutes=30)
EMAIL, PASSWORD = "desk@hall.invalid", "一把长长的钥匙2026"
"""The front desk's account."""
EMPTY_FROM = 400
"""Days from today: from here on nothing is booked, and as many days can be booked as a run needs."""


@dataclass(frozen=True)
class Filled:
    """Ids and cookies; plain values only."""

    centre: int
    space: int
    units: list[int]
    residents: list[int]
    devices: list[tuple[int, str]]
    """(id, secret)."""
    today: date
    busy_days: int

    def day(self, number: int) -> date:
        return self.today + timedelta(days=number)

    def step(self, number: int, step: int) -> datetime:
        """The moment at which a step of a day begins."""
        return at(self.day(number), OPENS, ZONE) + STEP * step


def fill(app: Flask, busy_days: int) -> Filled:
    """Make everything; `busy_days` days from tomorrow on are full."""
    with app.app_context(), unit_of_work():
        filled = _places(busy_days)
        set_policy(OPERATOR, filled.centre, "booking.horizon_days", 2000, filled.day(-1))
        add_staff(OPERATOR, EMAIL, "台敏", PASSWORD, [("front_desk", CENTRE)])
        for day in range(1, busy_days + 1):
            _book_day(filled, day)
    return filled


def _places(busy_days: int) -> Filled:
    above: int | None = None
    for kind, code in (("district", "district"), ("street", "street"), ("centre", CENTRE)):
        unit = OrgUnit(code=code, kind=kind, name_zh=f"测试{kind}", name_en=kind, parent_id=above)
        db.session.add(unit)
        db.session.flush()
        above = unit.id
    centre = Centre(
        id=above, code=CENTRE, name_zh="测试社区党群服务中心", name_en="Bench centre", short_zh="测试",
        address_zh="测试路1号", phone="0755-00001234", zone=ZONE,
    )  # fmt: skip
    db.session.add(centre)
    db.session.flush()
    space = Space(
        centre_id=centre.id, code=SPACE, name_zh="图书馆阅览室", name_en="Reading room", floor=2, mode="seats",
        step_minutes=30, party_max=2,
    )  # fmt: skip
    db.session.add(space)
    db.session.flush()
    closes = time(OPENS.hour + STEPS // 2)
    db.session.add_all(
        SpaceHours(space_id=space.id, weekday=weekday, opens=OPENS, closes=closes) for weekday in range(7)
    )
    units = [Unit(space_id=space.id, code=f"A{n + 1}", position=n, x=n, traits={}) for n in range(UNITS)]
    moment = now()
    residents = [
        Resident(
            district_id=1, home_centre_id=centre.id, name=f"居民{n}", born=date(1950, 1, 1), settings={},
            made_at=moment,
        )
        for n in range(RESIDENTS)
    ]  # fmt: skip
    secrets = [f"bench-device-{n}" for n in range(DEVICES)]
    devices = [
        Device(
            centre_id=centre.id, name=f"{n}号", secret_hash=digest(secret), paired_at=moment, seen_at=moment,
            report={},
        )
        for n, secret in enumerate(secrets)
    ]  # fmt: skip
    db.session.add_all([*units, *residents, *devices])
    db.session.flush()
    return Filled(
        centre.id,
        space.id,
        [unit.id for unit in units],
        [resident.id for resident in residents],
        [(device.id, secret) for device, secret in zip(devices, secrets, strict=True)],
        local_day(moment, ZONE),
        busy_days,
    )


def _book_day(filled: Filled, day: int) -> None:
    """300 bookings of an hour; every resident has at most one."""
    bookings: list[dict[str, Any]] = []
    moment = now()
    for number in range(BOOKINGS):
        code = new_code("B")
        start = filled.step(day, 3 * (number // UNITS))
        bookings.append(
            {
                "centre_id": filled.centre,
                "space_id": filled.space,
                "unit_id": filled.units[number % UNITS],
                "resident_id": filled.residents[number],
                "number": new_number(),
                "code": code,
                "code_index": blind(code, "booking.code"),
                "starts_at": start,
                "ends_at": start + 2 * STEP,
                "local_day": filled.day(day),
                "state": "booked",
                "channel": "desk",
                "booked_at": moment,
                "undo_until": moment,
                "free_cancel_until": start - 2 * STEP,
                "check_in_from": start - STEP,
                "check_in_until": start + STEP,
            }
        )
    made = insert(Booking).returning(Booking.id, sort_by_parameter_order=True)
    ids = db.session.scalars(made, bookings).all()
    db.session.execute(
        insert(Claim),
        [
            {
                "unit_id": row["unit_id"], "starts_at": row["starts_at"], "ends_at": row["ends_at"],
                "use_ends_at": row["ends_at"], "booking_id": booking, "expires_at": row["check_in_until"],
            }
            for booking, row in zip(ids, bookings, strict=True)
        ],
    )  # fmt: skip
    db.session.execute(
        insert(Commitment),
        [
            {
                "resident_id": row["resident_id"], "starts_at": row["starts_at"], "ends_at": row["ends_at"],
                "kind": "booking", "ref_id": booking,
            }
            for booking, row in zip(ids, bookings, strict=True)
        ],
    )  # fmt: skip
