"""Canteens as full as the targets say: centres with a published lunch, residents with the right to help and money."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from flask import Flask
from sqlalchemy import insert

from bench.client import post
from bench.cookies import Person
from canteen.models import Account, Canteen, Dish, Menu, Offer, ServingHours, SubsidyRule, Transfer
from canteen.services.plan import Planned, make_menu, publish, set_offers
from centres.models import Centre, OrgUnit
from core.audit import OPERATOR
from core.clock import local_day, now
from core.database import db, unit_of_work
from people.models import Resident

ZONE, MONEY = "Asia/Shanghai", 400_000
SETS = 4
PRICES = (1000, 800, 700, 1000)


@dataclass(frozen=True)
class Kitchens:
    """Ids; plain values only."""

    centres: list[tuple[int, str]]
    """(id, code)."""
    offers: dict[int, list[int]]
    """centre → its set meals."""
    residents: list[int]
    day: date
    cutoff: datetime


def fill(app: Flask, centres: int, residents: int, portions: int, *, money: bool) -> Kitchens:
    """`centres` canteens with `portions` of each of four set meals on the next day that is ordered for; residents of
    78 with hukou. money: everybody has paid in."""
    with app.app_context():
        with unit_of_work():
            places = _places(centres)
            dishes = _catalogue()
        day = _next_day()
        offers = {}
        for centre, _code in places:
            with unit_of_work():
                menu = make_menu(OPERATOR, db.session.get_one(Canteen, centre), day, "lunch")
                wanted = [
                    Planned(f"L{n + 1}", "set", [dish, *dishes[SETS:]], portions)
                    for n, dish in enumerate(dishes[:SETS])
                ]
                set_offers(OPERATOR, menu.id, wanted)
                publish(OPERATOR, menu.id)
                offers[centre] = [offer.id for offer in menu.offers]
        with unit_of_work():
            people = _people(residents, [centre for centre, _code in places])
            if money:
                _pay_in(people, places[0][0])
        db.session.rollback()
        with db.engine.connect() as connection:
            connection.execute(db.text("ANALYZE"))  # both databases plan by what they know of the tables
            connection.commit()
        menu = db.session.scalars(db.select(Menu).where(Menu.day == day).limit(1)).one()
        return Kitchens(places, offers, people, day, menu.cutoff_at)


def _places(many: int) -> list[tuple[int, str]]:
    district = OrgUnit(code="district", kind="district", name_zh="测试区", name_en="District")
    db.session.add(district)
    db.session.flush()
    found = []
    for number in range(many):
        code = f"bench{number}"
        unit = OrgUnit(code=code, kind="centre", name_zh=f"测试{number}", name_en=code, parent_id=district.id)
        db.session.add(unit)
        db.session.flush()
        db.session.add(
            Centre(
                id=unit.id, code=code, name_zh=f"测试{number}社区党群服务中心", name_en=f"Centre {number}", short_zh="测试",
                address_zh="测试路1号", phone="0755-00001234", zone=ZONE,
            )
        )  # fmt: skip
        db.session.flush()
        db.session.add(
            Canteen(
                id=unit.id,
                name_zh=f"测试{number}长者食堂",
                name_en="Canteen",
                account_operator="测试公司（虚构）",
            )
        )
        db.session.flush()
        for weekday in range(7):
            db.session.add(
                ServingHours(
                    canteen_id=unit.id, weekday=weekday, meal="lunch", opens=time(11, 30), closes=time(12, 30)
                )
            )
        found.append((unit.id, code))
    conditions = {"hukou": "shenzhen", "min_age": 70, "max_age": 99}
    db.session.add(
        SubsidyRule(
            unit_id=district.id, code="meal-70-99", name_zh="70至99岁长者午餐补贴", kind="meal", tier="A5", conditions=conditions,
            applies={"meals": ["lunch"]}, amount_fen=500, starts_on=date(2025, 1, 20),
        )
    )  # fmt: skip
    db.session.flush()
    return found


def _catalogue() -> list[int]:
    """Four main dishes, then greens, rice and soup."""
    rows = [("main", price) for price in PRICES] + [("vegetable", 300), ("staple", 100), ("soup", 100)]
    dishes = [
        Dish(
            unit_id=1, code=f"D{n}", kind=kind, name_zh=f"菜{n}", name_en=f"Dish {n}", price_fen=price, labels=["low_salt"],
            allergens=["soy"], recipe=[],
        )
        for n, (kind, price) in enumerate(rows)
    ]  # fmt: skip
    db.session.add_all(dishes)
    db.session.flush()
    return [dish.id for dish in dishes]


def _next_day() -> date:
    """The second day from now: its cutoff is some hours away at any time of the day."""
    return local_day(now(), ZONE) + timedelta(days=2)


def _people(many: int, homes: list[int]) -> list[int]:
    moment = now()
    rows = [
        {
            "district_id": 1, "home_centre_id": homes[n % len(homes)], "name": f"居民{n}",
            "born": date(1948, 1, 1 + n % 28), "settings": {}, "language": "zh_Hans", "adapted_seat": False,
            "hukou": "shenzhen", "hukou_district": "luohu", "lives_alone": False, "lifecycle": "active",
            "made_at": moment,
        }
        for n in range(many)
    ]  # fmt: skip
    return list(
        db.session.scalars(insert(Resident).returning(Resident.id, sort_by_parameter_order=True), rows)
    )


def _pay_in(people: list[int], centre: int) -> None:
    """Everybody has paid in enough, by transfers as the desk makes them."""
    till = db.session.scalars(
        insert(Account).returning(Account.id), [{"kind": "cash", "centre_id": centre, "balance_fen": 0}]
    ).one()
    accounts = db.session.scalars(
        insert(Account).returning(Account.id, sort_by_parameter_order=True),
        [{"kind": "resident", "centre_id": centre, "resident_id": one, "balance_fen": 0} for one in people],
    ).all()
    moment = now()
    db.session.execute(
        insert(Transfer),
        [
            {
                "at": moment, "debit_id": till, "credit_id": account, "amount_fen": MONEY, "kind": "top_up",
                "actor_kind": "operator", "actor_id": 0, "reason": "", "reference": "",
            }
            for account in accounts
        ],
    )  # fmt: skip


def order(kitchens: Kitchens, person: Person, centre: int = 0) -> bytes:
    """«确认订餐» with the prepaid account."""
    return post(path_of(kitchens, centre), fields_of(person), person.cookies)


def path_of(kitchens: Kitchens, centre: int = 0) -> str:
    """Where lunches of a centre are ordered."""
    return f"/c/{kitchens.centres[centre][1]}/canteen/menu/{kitchens.day}/lunch/order"


def fields_of(person: Person) -> dict[str, str]:
    """What the form says; each quarter of the people has another dish."""
    return {
        "csrf_token": person.csrf,
        "request_key": f"lunch-{person.visit:09d}",
        "offer": f"L{person.visit % 4 + 1}",
        "pay": "account",
    }


def sold(app: Flask) -> tuple[int, bool]:
    """(orders that are there, whether portions and the ledger add up)."""
    with app.app_context():
        rows = db.session.execute(
            db.text("SELECT count(*), sum(pays_fen) FROM meal_order WHERE state = 'ordered'")
        ).one()
        taken = db.session.scalar(db.select(db.func.sum(Offer.taken))) or 0
        over = (
            db.session.scalar(db.select(db.func.count()).select_from(Offer).where(Offer.taken > Offer.quota))
            or 0
        )
        balance = db.session.scalar(db.select(db.func.sum(Account.balance_fen))) or 0
        held = (
            db.session.scalar(db.select(db.func.sum(Account.balance_fen)).where(Account.kind == "held")) or 0
        )
        db.session.rollback()
    return int(rows[0]), taken == rows[0] and not over and balance == 0 and held == int(rows[1] or 0)
