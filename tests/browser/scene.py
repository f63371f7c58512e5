"""A furnished house for looking at: everything full, empty, closed and refused that a page can say, and who sees it."""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from playwright.sync_api import APIResponse, BrowserContext
from sqlalchemy import select, update

from app import create_app
from booking.models import Booking, Space, Unit
from booking.services import attend
from booking.services.book import book_for, book_seat
from canteen.models import KitchenWorker
from canteen.services import ledger, standing
from canteen.services.diet import set_profile
from canteen.services.plan import swap_dish
from canteen.services.runs import Carrier, plan_run
from centres.models import Building, Centre
from centres.services import add_one_off
from core.audit import OPERATOR, Actor
from core.database import db, unit_of_work
from core.intervals import Interval
from kiosk.services import call_staff, make_pairing_code, pair
from kiosk.session import DEVICE_COOKIE
from people.models import Resident, Staff
from people.services import family
from people.services.cards import issue_card
from people.services.invite import invite
from people.services.residents import give_consent, open_pin, register
from tests.support import server as servers
from tests.support.cast import PASSWORD, PIN, Cast, load
from tests.support.clock import ZONE, Clock
from tests.support.databases import Databases, settings
from tests.support.meals import Meals
from tests.support.meals import furnish as furnish_canteen

MONDAY, TUESDAY, WEDNESDAY, FRIDAY = (date(2026, 11, day) for day in (23, 24, 25, 27))
THURSDAY, SATURDAY = date(2026, 11, 26), date(2026, 11, 28)


@dataclass
class Scene:
    """The running house. codes: cards and slips by whose they are. numbers: bookings. pairing: a one-time code."""

    server: servers.Server
    cast: Cast
    file: Path
    codes: dict[str, str]
    numbers: dict[str, str]
    pairing: str

    def reset(self) -> None:
        """Put back what looking changes: counted tries, seats that were held, who has checked in."""
        with closing(sqlite3.connect(self.file, timeout=20)) as connection, connection:
            connection.execute("DELETE FROM throttle")
            connection.execute("DELETE FROM claim WHERE visit_id IS NOT NULL")
            connection.execute(
                "UPDATE booking SET state = 'booked', checked_in_at = NULL WHERE number = ?",
                (self.numbers["tail"],),
            )

    # --- who stands before the screen; each begins with the preferences given

    def enter(self, context: BrowserContext, role: str, prefs: dict[str, str]) -> None:
        """Give a window the cookies of `role`: a kiosk's with `kiosk…`, a phone's with `phone…`, or the staff's."""
        surface, _, who = role.partition("-")
        if surface == "staff":
            self._sign_in(context, who, prefs)
            return
        if surface == "kiosk" and who != "unpaired":
            context.add_cookies(
                [{"name": DEVICE_COOKIE, "value": self.cast.kiosk_secret, "url": self.server.url}]
            )
        ask = _Asker(context, self.server.url)
        if who in self.codes:
            ask.send("/kiosk/display", "/kiosk/scan", {"payload": self.codes[who]})
        elif who in PHONES:
            self._by_phone(ask, who)
        elif who == "numbered":
            ask.send("/c/shuibei/identify/phone", "/c/shuibei/identify/phone", {"phone": PHONES["pin"]})
        elif who == "held":
            if surface == "kiosk":
                ask.send("/kiosk/display", "/kiosk/scan", {"payload": self.codes["card"]})
            else:
                self._by_phone(ask, "pin")
            held = {"seat": "A3", "from": f"{MONDAY}T13:00", "to": f"{MONDAY}T17:00"}
            ask.send("/kiosk/display", "/c/shuibei/booking/spaces/reading/hold", held)
        ask.send("/kiosk/display", "/kiosk/prefs", prefs)

    def _by_phone(self, ask: "_Asker", who: str) -> None:
        ask.send("/c/shuibei/identify/phone", "/c/shuibei/identify/phone", {"phone": PHONES[who]})
        ask.send("/c/shuibei/identify/pin", "/c/shuibei/identify/pin", {"pin": PIN})

    def _sign_in(self, context: BrowserContext, who: str, prefs: dict[str, str]) -> None:
        ask = _Asker(context, self.server.url)
        if who:
            ask.send(
                "/staff/sign-in",
                "/staff/sign-in",
                {"email": getattr(self.cast, who), "password": PASSWORD},
            )
            ask.send("/staff/account", "/staff/language", {"lang": prefs["lang"]})


PHONES = {"pin": "13800001187", "nothing": "13800001188"}


class _Asker:
    """Sends forms with a window's cookies, without drawing anything."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url

    def send(self, page: str, path: str, fields: dict[str, str]) -> APIResponse:
        text = self.context.request.get(f"{self.url}{page}").text()
        token = text.partition('name="csrf_token" value="')[2].partition('"')[0]
        answer = self.context.request.post(
            f"{self.url}{path}",
            form={"csrf_token": token, "request_key": secrets.token_urlsafe(16), **fields},
        )
        if answer.status >= 400:
            raise AssertionError(f"{path} answers {answer.status}: {answer.text()[:2000]}")
        return answer


@contextmanager
def furnish(databases: Databases, folder: Path) -> Iterator[Scene]:
    """The house, filled and running until the block ends."""
    url, clock = databases.fresh("sqlite", folder), Clock()
    app = create_app(settings(url, folder, CLOCK=clock))
    cast = load(app)
    with app.app_context():
        codes, numbers, pairing = _fill(cast)
        numbers |= _cook(furnish_canteen(app, cast))
        db.session.remove()
        db.engine.dispose()
    clock.share(folder / "clock.json")
    server = servers.start(settings(url, folder), folder, clock=folder / "clock.json", workers=1, threads=4)
    try:
        yield Scene(server, cast, folder / "hall.db", codes, numbers, pairing)
    finally:
        server.stop()


def _fill(cast: Cast) -> tuple[dict[str, str], dict[str, str], str]:
    staff = {row.email: row.id for row in db.session.scalars(select(Staff))}
    desk = staff[cast.wu]
    reading, hall = (
        db.session.scalars(select(Space).where(Space.code == code)).one() for code in ("reading", "hall")
    )
    units = {unit.code: unit for unit in db.session.scalars(select(Unit).where(Unit.space_id == reading.id))}
    numbers: dict[str, str] = {}

    # days of 陈奶奶: now, tomorrow twice, and so many that they need a second page
    def mine(name: str, seat: str, day: date, start: float, end: float, who: int = cast.chen) -> str:
        made = book_seat(Actor("resident", who), who, units[seat], span(day, start, end), at_kiosk=True)
        numbers[name] = made.number
        return made.code

    slip = mine("far", "A5", TUESDAY, 9, 11)
    mine("later", "A5", TUESDAY, 13, 17)
    cancelled = mine("cancelled", "C1", THURSDAY, 9, 11)
    attend.cancel(Actor("resident", cast.chen), _id(numbers["cancelled"]))
    mine("thursday", "C2", THURSDAY, 13, 15)
    mine("saturday", "C2", SATURDAY, 13, 15)
    mine("saturday-early", "C2", SATURDAY, 9, 11)
    mine("tail", "C4", MONDAY, 10, 13)
    # others: half of Tuesday morning, Wednesday full, a closing on Friday, an event in the hall
    taken = ["A1", "A4", "B1", "B3", "B4", "C1", "C3", "C5", "B6"]
    for seat in taken:
        book_for(desk, reading, units[seat], span(TUESDAY, 9, 13), resident_id=None, title="街坊", party=1)
    for start, end in ((9, 13), (13, 17)):
        book_for(
            desk, reading, None, span(WEDNESDAY, start, end), title="读书会", party=20, overlap_reason="全馆"
        )
    book_for(desk, hall, None, span(MONDAY, 14, 16), title="合唱团排练", party=20)
    centre = db.session.get_one(Centre, cast.shuibei)
    closed = span(FRIDAY, 9, 17)
    add_one_off(OPERATOR, centre, "reading", closed.start, closed.end, False, "消防检修", "Fire safety check")

    def somebody(name: str, born: date) -> Resident:
        return register(
            OPERATOR, district_id=cast.district, home_centre_id=cast.shuibei, name=name, born=born
        )

    # cards of those who come for the first time
    fresh = somebody("林小梅", date(1955, 8, 8))
    _card, fresh_code = issue_card(OPERATOR, fresh.id)
    again = somebody("黄桂芳", date(1952, 2, 9))
    give_consent(OPERATOR, again.id, {"profile"}, "desk")
    open_pin(OPERATOR, again.id)
    _card, again_code = issue_card(OPERATOR, again.id)
    seated = somebody("周建国", date(1949, 1, 9))
    give_consent(OPERATOR, seated.id, {"profile"}, "desk")
    _card, seated_code = issue_card(OPERATOR, seated.id)
    with unit_of_work():
        db.session.execute(update(Resident).where(Resident.id == seated.id).values(pin_open_until=None))
        db.session.execute(update(Staff).where(Staff.email == cast.manager).values(is_demo=True))
    sitting = mine("using", "B5", MONDAY, 9.5, 13, seated.id)
    mine("afterwards", "B5", MONDAY, 14, 16, seated.id)
    other, _secret = pair(make_pairing_code(OPERATOR, cast.shuibei, "2号一体机"))
    call_staff(other, "/kiosk/", "zh_Hans", elder=True)
    codes = {
        "card": cast.chen_code,
        "consent": fresh_code,
        "newpin": again_code,
        "seated": seated_code,
        "slip": slip,
        "slip-cancelled": cancelled,
        "slip-using": sitting,
    }
    return codes, numbers, make_pairing_code(OPERATOR, cast.shuibei, "3号一体机")


def _cook(meals: Meals) -> dict[str, str]:
    """Lunches of three days, one dish sold out; 陈奶奶 has ordered twice, once with a swap, and dinner for good."""
    cast = meals.cast
    for day, quotas in (
        (TUESDAY, {"L1": 45, "L2": 30, "L3": 15, "L4": 1}),
        (WEDNESDAY, None),
        (THURSDAY, None),
    ):
        meals.lunch(day, quotas=quotas)
    meals.lunch(MONDAY)  # its cutoff was on Saturday
    meals.lunch(TUESDAY, meal="dinner")
    meals.order(cast.wheel, TUESDAY, "L4")
    with unit_of_work():
        for name, until in (("何伟", date(2027, 6, 1)), ("罗小琴", None)):
            db.session.add(KitchenWorker(unit_id=cast.shuibei, name=name, certificate_until=until))
    staff = db.session.scalars(select(Staff.id).where(Staff.email == cast.wu)).one()
    ledger.top_up(staff, cast.shuibei, cast.chen, 4800)
    plain = meals.order(cast.chen, WEDNESDAY, gateway="account")
    asked = meals.order(cast.chen, THURSDAY)
    swap_dish(OPERATOR, asked.menu_id, meals.dishes["V01"], meals.dishes["V11"], "菜心没到货", "No choy sum")
    give_consent(OPERATOR, cast.chen, {"diet"}, "desk")
    set_profile(OPERATOR, cast.chen, allergens=["egg"], labels=["low_salt"], texture="soft")
    dinners = standing.start(OPERATOR, cast.chen, cast.shuibei, "dinner", [0, 1, 2, 3, 4])
    son = family.ask(OPERATOR, cast.aqiang, cast.chen)
    family.agree(OPERATOR, cast.chen, son.id, sees_collected=True)
    family.ask(OPERATOR, cast.couple[0], cast.chen)
    asked_in = invite(Actor("resident", cast.wheel), cast.wheel, sees_collected=True, where="phone")
    return {
        "run": _round(meals, staff),
        "meal": plain.number,
        "swapped": asked.number,
        "standing": str(dinners.id),
        "son": str(son.id),
        "invitation": asked_in.code,
    }


def _round(meals: Meals, staff: int) -> str:
    """The code that the carrier of Tuesday's round opens on a phone; two doors of one house."""
    first, second = meals.cast.couple
    with unit_of_work():
        house = Building(unit_id=meals.cast.shuibei, code="SB2-4", name_zh="水贝二街4栋", floors=7)
        db.session.add(house)
        db.session.flush()
        for who, room in ((first, "402"), (second, "701")):
            neighbour = db.session.get_one(Resident, who)
            neighbour.building_id, neighbour.room = house.id, room
    orders = [meals.order(who, TUESDAY, delivery=True).id for who in (first, second)]
    menu = meals.menus[meals.cast.shuibei, TUESDAY, "lunch"]
    return plan_run(Actor("staff", staff), menu, "一号线", orders, Carrier("林师傅")).code


def span(day: date, start: float, end: float) -> Interval:
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    return Interval(midnight + timedelta(hours=start), midnight + timedelta(hours=end))


def _id(number: str) -> int:
    return db.session.scalars(select(Booking.id).where(Booking.number == number)).one()
