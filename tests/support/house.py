"""A house in which everything is there once, and everybody who may ask for it: for tests that walk over all routes.

Made once a worker and engine; every test begins with the same rows, because the database is put back from a copy.
"""

import hashlib
import re
import secrets
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import select, text, update
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from api.services import make_client
from app import create_app
from booking.models import Space, Unit
from booking.services.book import book_for, book_seat
from canteen.models import (
    ClaimCorrection,
    MealOrder,
    Menu,
    OddScan,
    Offer,
    Redemption,
    Settlement,
    SettlementLine,
    SubsidyRule,
    Transfer,
)
from canteen.services import ledger, till
from canteen.services.give_back import cancel
from canteen.services.order import Wish, place
from canteen.services.paid import record_paid
from canteen.services.reconcile import send_in
from canteen.services.runs import Carrier, plan_run
from canteen.services.samples import take_sample
from canteen.services.serve import Scan, redeem
from canteen.services.standing import start
from centres.models import Building, Centre
from centres.services import add_one_off
from core import approvals, figures, files
from core.audit import OPERATOR, Actor
from core.channels.hall import HallNotice, put_notice
from core.database import Base, db, unit_of_work
from core.intervals import Interval
from core.messages import add_group
from core.outbox import Message, put
from kiosk.models import Device
from kiosk.services import call_staff, make_pairing_code, pair
from kiosk.session import DEVICE_COOKIE
from people.models import Resident, Staff
from people.services import family
from people.services.calls import put_call
from people.services.cards import issue_card, link_card, report_lost
from people.services.residents import give_consent
from people.services.staff import add_staff
from tests.support import cast as cast_of_tests
from tests.support.cast import PASSWORD, PIN, Cast
from tests.support.clock import ZONE, Clock
from tests.support.databases import Databases, settings
from tests.support.forms import send
from tests.support.meals import furnish
from tests.support.pictures import PNG

ROLES = (
    "none",
    "slip",
    "card",
    "pin",
    "other",
    "front",
    "kitchen",
    "manager",
    "luo",
    "accountant",
    "supervisor",
)
"""Nobody, who holds a slip, 陈奶奶 by card at the kiosk, the same by PIN on a phone, her son, and six of the staff."""
SUPERVISOR = "fang@hall.invalid"
"""E-mail of 方敏, supervisor of 翠竹街道, the street above 水贝 and not above 笋岗."""
NEVER_MADE = "B" + "0" * 30
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"|data-csrf="([^"]+)"')
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


@dataclass
class House:
    """The program over a filled database, the people in it, and what stands in the addresses of its pages."""

    app: Flask
    clock: Clock
    databases: Databases
    url: str
    cast: Cast
    values: dict[str, str] = field(default_factory=dict)
    jars: dict[str, dict[Any, Any]] = field(default_factory=dict)
    copy: str = ""
    stamp: tuple[int, int, int] = (0, 0, 0)
    """The SQLite file as it was last put back: a house in which nothing was written is not copied again."""
    passes: dict[tuple[str, bool], tuple[dict[Any, Any], str]] = field(default_factory=dict)

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    def client(self, role: str = "none") -> FlaskClient:
        """A browser of its own with the cookies that somebody of this role has."""
        client = self.app.test_client()
        client._cookies = dict(self.jars.get(role, {}))
        return client

    def address(self, rule: Rule | str, role: str = "pin", **other: str) -> str:
        """The address of a route, with what is really there in it. Only who holds the slip has its code."""
        values = {**self.values, **({} if role == "slip" else {"code-slip": NEVER_MADE}), **other}
        path = str(rule)

        def fill(match: re.Match[str]) -> str:
            name = match[1].rpartition(":")[2]
            if name == "number" and "/canteen/o/" in path:
                return values["number-meal"]
            return values["code-slip"] if name == "code" and path.startswith("/q/") else values[name]

        return re.sub(r"<([^>]+)>", fill, path)

    def token(self, client: FlaskClient, path: str) -> str:
        """What forms of this side of the house carry for this browser."""
        staff = path.startswith("/staff")
        page = "/staff/account" if staff else "/c/shuibei/identify/phone"
        found = CSRF.search(client.get(page, follow_redirects=staff).text)
        return (found[1] or found[2]) if found else ""

    def at_a_form(self, role: str, path: str) -> tuple[FlaskClient, str]:
        """A browser of this role that has just opened a form on this side of the house, and the form's token.

        The form is opened once: for tests that send hundreds."""
        kept = (role, path.startswith("/staff"))
        if kept not in self.passes:
            client = self.client(role)
            token = self.token(client, path)
            self.passes[kept] = (dict(client._cookies or {}), token)
        jar, token = self.passes[kept]
        client = self.app.test_client()
        client._cookies = dict(jar)
        return client, token

    def post(
        self,
        client: FlaskClient,
        path: str,
        fields: Mapping[str, Any] | None = None,
        *,
        token: str | None = None,
        **more: Any,
    ) -> TestResponse:
        """A form sent with its token and a fresh key."""
        token = self.token(client, path) if token is None else token
        data = {"csrf_token": token, "request_key": secrets.token_urlsafe(16), **(fields or {})}
        return client.post(path, data=data, **more)

    def digest(self, without: Collection[str] = ()) -> dict[str, str]:
        """Table → digest of all its rows."""
        with self.app.app_context(), db.engine.connect() as connection:
            rows = {
                name: sorted(repr(tuple(row)) for row in connection.execute(text(f'SELECT * FROM "{name}"')))
                for name in Base.metadata.tables
                if name not in without
            }
        return {name: hashlib.sha256(repr(found).encode()).hexdigest() for name, found in rows.items()}

    def restore(self) -> None:
        """Every row as it was when the house was filled, and the clock too."""
        self.clock.set("2026-11-23 09:41")
        with self.app.app_context():
            db.session.remove()
            if self.is_sqlite and self._stamp() == self.stamp:
                return
            db.engine.dispose()
        if self.is_sqlite:
            file = self._file
            for left in file.parent.glob(f"{file.name}-*"):
                left.unlink()
            shutil.copyfile(self.copy, file)
            self.stamp = self._stamp()
        else:
            name = _name(self.url)
            self.databases.cluster.drop(name)
            self.databases.cluster.create(name, self.copy)

    @property
    def _file(self) -> Path:
        return Path(self.url.removeprefix("sqlite:///"))

    def _stamp(self) -> tuple[int, int, int]:
        """Another one as soon as anything is written: what is written stands in the log first."""
        log = self._file.with_name(f"{self._file.name}-wal")
        file = self._file.stat()
        return file.st_mtime_ns, file.st_size, log.stat().st_size if log.exists() else 0


def build(engine: str, databases: Databases, folder: Path) -> House:
    """A house on this engine; slow, so once a worker."""
    url, clock = databases.fresh(engine, folder), Clock()
    app = create_app(settings(url, folder, CLOCK=clock))
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(databases.run.templates))
    house = House(app, clock, databases, url, cast_of_tests.load(app))
    with app.app_context():
        _fill(house)
        db.session.remove()
    _admit(house)
    with app.app_context():
        db.session.remove()
        if house.is_sqlite:
            with db.engine.connect() as connection:
                connection.exec_driver_sql("ROLLBACK")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()
    if house.is_sqlite:
        house.copy = str(folder / "copy.db")
        shutil.copyfile(url.removeprefix("sqlite:///"), house.copy)
    else:
        house.copy = f"{_name(url)}_copy"
        databases.cluster.create(house.copy, _name(url))
    return house


def _fill(house: House) -> None:
    """Bookings of three people, a call, a closing, cards that work and cards that do not, a kiosk elsewhere."""
    cast = house.cast
    mine = _book(cast.chen, "reading", "A3", TUESDAY, 9, 13)
    today = _book(cast.chen, "reading", "A5", MONDAY, 13, 17)
    hers = _book(cast.aqiang, "reading", "A7", MONDAY, 13, 17)
    far = _book(cast.aqiang, "sg_reading", "R1", TUESDAY, 13, 17)
    hall = db.session.scalars(select(Space).where(Space.code == "hall")).one()
    staff = {row.email: row.id for row in db.session.scalars(select(Staff))}
    book_for(staff[cast.wu], hall, None, _span(TUESDAY, 9, 12), title="合唱团排练", party=20)
    kiosk = db.session.scalars(select(Device)).one()
    call_staff(kiosk, "/kiosk/", "zh_Hans", elder=True)
    centre = db.session.get_one(Centre, cast.shuibei)
    start, end = _span(date(2026, 12, 1), 9, 12).start, _span(date(2026, 12, 1), 9, 12).end
    one_off = add_one_off(OPERATOR, centre, "reading", start, end, False, "消防检修", "Fire drill")
    _old, revoked = issue_card(OPERATOR, cast.aqiang)
    _new, lost = issue_card(OPERATOR, cast.aqiang)
    report_lost(OPERATOR, cast.aqiang)
    link_card(OPERATOR, cast.aqiang, "SZ0012345678")
    far_kiosk, far_secret = pair(make_pairing_code(OPERATOR, cast.sungang, "笋岗一体机"))
    shared = _shared(house)
    add_staff(OPERATOR, SUPERVISOR, "方敏", PASSWORD, [("supervisor", "cuizhu")])
    with unit_of_work():  # in demo mode the demo's people need no code on a phone
        let_off = Staff.email.in_([cast.manager, SUPERVISOR])
        db.session.execute(update(Staff).where(let_off).values(is_demo=True))
    house.values = {
        "centre": "shuibei",
        "code": "shuibei",
        "space": "reading",
        "day": str(TUESDAY),
        "number": mine["number"],
        "number-today": today["number"],
        "number-other": hers["number"],
        "number-far": far["number"],
        "slip-today": today["code"],
        "slip-far": far["code"],
        "code-slip": mine["code"],
        "page": "cancel",
        "verb": "cancel",
        "call_id": "1",
        "device_id": str(kiosk.id),
        "device-far": str(far_kiosk.id),
        "secret-far": far_secret,
        "one_off_id": str(one_off.id),
        "resident_id": str(cast.chen),
        "card-revoked": revoked,
        "card-lost": lost,
        "token": "never-made",
        "filename": "seal.svg",
        **shared,
        **_kitchen(house),
        **_counter(house),
        **_settled(house),
        **_telling(house),
    }


def _telling(house: House) -> dict[str, str]:
    """A message that did not get through, a notice in the hall, a group, a program, an order to be corrected."""
    cast, manager = house.cast, _staff(house.cast.manager)
    actor = Actor("staff", manager)
    with unit_of_work():
        put(
            "house-message",
            "sms",
            "+8613800001187",
            "饭卡存了 ¥20.00",
            "您的饭卡存了 ¥20.00。",
            kind="account.topped_up",
            centre_id=cast.shuibei,
            resident_id=cast.chen,
        )
        put_notice(
            "house-notice", cast.shuibei, "今天午餐换菜", "Another dish today", _span(MONDAY, 9, 18).end
        )
        order = db.session.scalars(select(MealOrder)).first()
        correction = ClaimCorrection(
            order_id=order.id if order else 0,
            centre_id=cast.shuibei,
            kind="same_meal",
            amount_fen=500,
            made_at=house.clock(),
        )
        db.session.add(correction)
        db.session.flush()
    group = add_group(actor, cast.shuibei, "水贝食堂群", "wecombot://key-of-nobody", ["menu.failed"])
    program, _key = make_client(manager, cast.shuibei, "街道小程序", ["menus:read"])
    return {
        "message_id": str(db.session.scalars(select(Message.id).where(Message.key == "house-message")).one()),
        "notice_id": str(db.session.scalars(select(HallNotice.id)).one()),
        "group_id": str(group.id),
        "client_id": str(program.id),
        "correction_id": str(correction.id),
        "kind": "account.topped_up",
        "lang": "en",
    }


def _staff(email: str) -> int:
    return int(db.session.scalars(select(Staff.id).where(Staff.email == email)).one())


def _kitchen(house: House) -> dict[str, str]:
    """Lunches of today and tomorrow, an order on each, and a sample of today's."""
    meals = furnish(house.app, house.cast)
    today = meals.lunch(MONDAY)
    meals.lunch(TUESDAY)
    ordered = meals.order(house.cast.chen, TUESDAY)
    standing = start(OPERATOR, house.cast.chen, house.cast.shuibei, "dinner", [0, 1, 2, 3, 4])
    link = family.ask(OPERATOR, house.cast.aqiang, house.cast.chen)
    family.agree(OPERATOR, house.cast.chen, link.id, sees_collected=False)
    give_consent(OPERATOR, house.cast.chen, {"diet"}, "desk")
    cook = db.session.scalars(select(Staff.id).where(Staff.email == house.cast.kitchen)).one()
    sample = take_sample(cook, today, meals.dishes["M01"], 125)
    return {
        "meal": "lunch",
        "offer": "L1",
        "dish_id": str(meals.dishes["M01"]),
        "change_id": "1",
        "sample_id": str(sample.id),
        "number-meal": ordered.number,
        "standing_id": str(standing.id),
        "link_id": str(link.id),
    }


def _counter(house: House) -> dict[str, str]:
    """A round of today with a door, a meal that is to be looked at, a count of the till, a call to make."""
    cast, wu = house.cast, _staff(house.cast.wu)
    actor = Actor("staff", wu)
    with unit_of_work():
        building = Building(unit_id=cast.shuibei, code="SB2-4", name_zh="水贝二街4栋", floors=7)
        db.session.add(building)
        db.session.flush()
        neighbour = db.session.get_one(Resident, cast.couple[0])
        neighbour.building_id, neighbour.room = building.id, "402"
    menu = db.session.scalars(select(Menu).where(Menu.day == MONDAY, Menu.canteen_id == cast.shuibei)).one()
    offer = (
        db.session.scalars(select(Offer.id).where(Offer.menu_id == menu.id).order_by(Offer.position)).first()
        or 0
    )
    brought = place(actor, offer, cast.couple[0], Wish(delivery=True), channel="desk")
    fetched = place(actor, offer, cast.couple[1], Wish(), channel="desk")
    cancel(actor, fetched.id, "不吃了")
    offline = Scan("1号窗", "house-scan-1", "slip", cash=True, at=house.clock())
    redeem(wu, cast.shuibei, fetched.id, offline)
    send_in(wu, cast.shuibei, "1号窗", ["unreadable"])
    run = plan_run(actor, menu.id, "一号线", [brought.id], Carrier("林师傅"))
    count = till.count_cash(wu, cast.shuibei, {"10000": 1, "2000": 1}, banked_fen=1000, reason="找零多了")
    with unit_of_work():
        put_call("house-call", "care", cast.shuibei, cast.chen, "请问问是否平安。", house.clock())
    return {
        "run_id": str(run.id),
        "stop_id": str(run.stops[0].id),
        "odd_id": str(db.session.scalars(select(OddScan.id)).one()),
        "redemption_id": str(db.session.scalars(select(Redemption.id)).one()),
        "count_id": str(count.id),
        "move_id": str(db.session.scalars(select(Transfer.id).where(Transfer.kind == "to_bank")).one()),
        "transfer_id": str(db.session.scalars(select(Transfer.id).order_by(Transfer.id)).first()),
    }


def _settled(house: House) -> dict[str, str]:
    """October, sealed and paid in part: a line that the government may yet refuse."""
    cast, accountant = house.cast, _staff(house.cast.accountant)
    actor, now = Actor("staff", accountant), house.clock()
    order = db.session.scalars(select(MealOrder).order_by(MealOrder.id)).first()
    rule = db.session.scalars(select(SubsidyRule).where(SubsidyRule.kind == "operating")).first()
    with unit_of_work():
        owes, sales = (ledger.centre_account(cast.shuibei, kind) for kind in ("subsidy", "sales"))
        row = Settlement(
            centre_id=cast.shuibei,
            month=date(2026, 10, 1),
            state="sealed",
            made_at=now,
            sealed_at=now,
            sealed_by=accountant,
            claimed_fen=1000,
            totals={"meal": 0, "delivery": 0, "operating": 1000},
            support_id=ledger.move(owes, sales, 1000, "support", actor, at=now),
        )
        db.session.add(row)
        db.session.flush()
        line = SettlementLine(
            settlement_id=row.id,
            order_id=order.id if order else 0,
            kind="operating",
            rule_id=rule.id if rule else 0,
            amount_fen=1000,
        )
        db.session.add(line)
    payment = record_paid(accountant, cast.shuibei, row.month, 400, MONDAY)
    return {"month": "2026-10", "payment_id": str(payment.id), "line_id": str(line.id)}


def _shared(house: House) -> dict[str, str]:
    """A house to live in, a picture, a report and a question for two people."""
    cast = house.cast
    with unit_of_work():
        building = Building(unit_id=cast.shuibei, code="SB2-3", name_zh="水贝二街3栋", floors=7)
        db.session.add(building)
    picture = files.put(OPERATOR, PNG, "dish.photo", cast.shuibei)
    report = figures.take(OPERATOR, cast.shuibei, MONDAY, TUESDAY)
    asker = db.session.scalars(select(Staff.id).where(Staff.email == cast.kitchen)).one()
    with unit_of_work():
        box, mine = (
            ledger.centre_account(cast.shuibei, "cash"),
            ledger.resident_account(cast.chen, cast.shuibei),
        )
        moved = ledger.move(box, mine, 12_000, "top_up", OPERATOR, at=house.clock())
    asked = approvals.ask("ledger.reversal", moved, cast.shuibei, asker, "记错了", {"transfer": moved})
    return {
        "master": "buildings",
        "row_id": str(building.id),
        "column": "floors",
        "key": picture.key,
        "name": "canteen.ordered",
        "report_id": str(report.id),
        "approval_id": str(asked.id),
    }


def _book(resident: int, space: str, seat: str, day: date, start: int, end: int) -> dict[str, str]:
    unit = db.session.scalars(select(Unit).join(Space).where(Space.code == space, Unit.code == seat)).one()
    made = book_seat(Actor("resident", resident), resident, unit, _span(day, start, end), at_kiosk=True)
    return {"number": made.number, "code": made.code}


def _span(day: date, start: int, end: int) -> Interval:
    first, last = (datetime(day.year, day.month, day.day, hour, tzinfo=ZONE) for hour in (start, end))
    return Interval(first.astimezone(ZoneInfo("UTC")), last.astimezone(ZoneInfo("UTC")))


def _admit(house: House) -> None:
    """Sign everybody in once, by the pages; their cookies are kept."""
    cast = house.cast
    for role, email in (
        ("front", cast.wu),
        ("kitchen", cast.kitchen),
        ("manager", cast.manager),
        ("luo", cast.luo),
        ("accountant", cast.accountant),
        ("supervisor", SUPERVISOR),
    ):
        client = house.client()
        page = client.get("/staff/sign-in")
        send(client, page, "/staff/sign-in", "form[method=post]", email=email, password=PASSWORD)
        _keep(house, role, client)
    for role, phone in (("pin", "13800001187"), ("other", "13800001188")):
        client = house.client()
        house.post(client, "/c/shuibei/identify/phone", {"phone": phone})
        house.post(client, "/c/shuibei/identify/pin", {"pin": PIN})
        _keep(house, role, client)
    client = house.client()
    client.set_cookie(DEVICE_COOKIE, cast.kiosk_secret)
    house.post(client, "/kiosk/scan", {"payload": cast.chen_code})
    held = {"seat": "A1", "from": f"{TUESDAY}T13:00", "to": f"{TUESDAY}T17:00"}
    house.post(client, "/c/shuibei/booking/spaces/reading/hold", held)
    _keep(house, "card", client)


def _keep(house: House, role: str, client: FlaskClient) -> None:
    house.jars[role] = dict(client._cookies or {})


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]
