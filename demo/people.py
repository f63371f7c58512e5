"""Residents with their register, cards, consents, settings and PINs."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, timedelta
from itertools import count

from sqlalchemy import select

from centres.models import Building, OrgUnit
from centres.queries import centres
from core.audit import OPERATOR
from core.database import db
from demo.files import Content, read
from demo.places import home_of
from demo.stage import Stage
from people.models import Resident, ResidentStatus
from people.phones import parse_phone
from people.rules import weak_pin
from people.services.cards import issue_card, link_card
from people.services.residents import give_consent, hash_pin, register, withdraw_consent

CAST = ("chen", "aqiang", "lin", "wairen")
WITHDRAWN = "R51"
WITHDRAWN_BEFORE = timedelta(days=5)
ADAPTED = {"moderate", "severe"}
FOUND_BEFORE, FOUND_FOR = timedelta(days=400), timedelta(days=1096)
"""When a status or an assessment was found, before the day of loading, and for how long it holds."""
DISTRICTS = {"luohu": "罗湖区", "futian": "福田区"}
"""As staff write them down."""
LANGUAGES = {"english": "en"}
Hashes = dict[str, "Future[str]"]


def everybody() -> list[Content]:
    """The cast first, then the residents. A volunteer of the cast who is no resident yet becomes one."""
    content = read("people.yaml")
    volunteers = {one["code"]: one for one in content["volunteers"]}
    cast = [{**volunteers.get(one.get("volunteer", ""), {}), **one} for one in content["cast"]]
    return [*(one for one in cast if one["code"] in CAST), *content["residents"]]


def born_on(person: Content, today: date) -> date:
    """The birth date; where it is told as an age to come, counted from the day of loading."""
    rule = person.get("born_rule")
    if rule is None:
        return date.fromisoformat(person["born"])
    birthday = today + timedelta(days=rule["in_days"])
    try:
        return birthday.replace(year=birthday.year - rule["turns"])
    except ValueError:  # a birthday on 29 February, and no such day that year
        return date(birthday.year - rule["turns"], 2, 28)


def pin_of(person: Content, today: date) -> str:
    """80 and the two last digits of the code (R26: 8026) or, for the cast, of the phone; the next one that will do."""
    digits = "".join(sign for sign in person["code"] if sign.isdigit()) or person["phone"][-2:]
    born = born_on(person, today)
    pins = (f"{number:04d}" for number in count(8000 + int(digits)))
    return next(pin for pin in pins if weak_pin(pin, born) is None)


def begin_hashing(pool: ThreadPoolExecutor, today: date) -> Hashes:
    """Everybody's PIN, hashed beside what else is loaded: it is slow on purpose."""
    return {person["code"]: pool.submit(hash_pin, pin_of(person, today)) for person in everybody()}


def load_people(stage: Stage) -> dict[str, int]:
    """Take everybody in. Returns ids by code."""
    district = db.session.scalars(select(OrgUnit.id).where(OrgUnit.kind == "district")).one()
    homes = {centre.code: centre.id for centre in centres()}
    grids = {one["code"]: one["grid"] for one in read("people.yaml")["buildings"]}
    buildings = {building.code: building.id for building in db.session.scalars(select(Building))}
    ids = {}
    for person in everybody():
        address = person.get("address")
        home = home_of(grids[address["building"]]) if address else None
        resident = _one(person, district, homes[home] if home else None, stage)
        if address:
            resident.building_id, resident.room = buildings[address["building"]], address["room"]
        _found(resident, person, stage.today)
        ids[person["code"]] = resident.id
    return ids


def _found(resident: Resident, person: Content, today: date) -> None:
    """What public bodies have found: it decides what help somebody gets, and is shown to nobody."""
    resident.hukou = person.get("hukou") or ""
    resident.hukou_district = DISTRICTS.get(person.get("hukou_district") or "", "")
    resident.lives_alone = person.get("lives_alone", False)
    level = person.get("assessment")
    for kind in filter(None, (person.get("status"), level and f"assessed_{level}")):
        since = today - FOUND_BEFORE
        db.session.add(
            ResidentStatus(resident_id=resident.id, kind=kind, starts_on=since, ends_on=since + FOUND_FOR)
        )


def end_lives(ids: dict[str, int]) -> None:
    """Who has moved away or died since."""
    for person in everybody():
        resident = db.session.get_one(Resident, ids[person["code"]])
        resident.lifecycle = person.get("lifecycle", "active")


def _one(person: Content, district: int, home: int | None, stage: Stage) -> Resident:
    phone = person.get("phone")
    resident = register(
        OPERATOR,
        district_id=district,
        home_centre_id=home,
        name=person["name"],
        born=born_on(person, stage.today),
        phone=parse_phone(phone) if phone else None,
        language=_language(person),
    )
    settings = {name: value for name, value in person.get("settings", {}).items() if _is_set(value)}
    resident.settings = settings
    resident.adapted_seat = (
        person.get("mobility") == "wheelchair"
        or "lower_half" in settings
        or person.get("assessment") in ADAPTED
    )
    resident.pin_open_until = None
    _card(resident.id, person.get("card"))
    kinds = set(_consents(person))
    if kinds:
        give_consent(OPERATOR, resident.id, kinds, "desk")
    if person["code"] == WITHDRAWN:
        stage.at(stage.now - WITHDRAWN_BEFORE, lambda: withdraw_consent(OPERATOR, resident.id, "profile"))
    return resident


def _is_set(value: object) -> bool:
    return value not in (False, "normal")


def _language(person: Content) -> str:
    if person.get("script") == "traditional":
        return "zh_Hant"
    return LANGUAGES.get(person.get("language", ""), "zh_Hans")


def _card(resident_id: int, card: Content | None) -> None:
    if card is None:
        return
    if card["kind"] == "centre":
        issue_card(OPERATOR, resident_id, card["no"])
    else:
        link_card(OPERATOR, resident_id, card["no"])


def _consents(person: Content) -> Iterator[str]:
    """What the program asks consent for today; agreements to later areas stay in the content."""
    if "profile" in person["consents"] or person["code"] == WITHDRAWN:
        yield "profile"
    if "profile" in person["consents"] and any(map(_is_set, person.get("settings", {}).values())):
        yield "settings"
    if "diet" in person["consents"]:
        yield "diet"


def give_pins(ids: dict[str, int], hashes: Hashes) -> None:
    """Put the PINs, now hashed, on their residents."""
    for code, resident_id in ids.items():
        db.session.get_one(Resident, resident_id).pin_hash = hashes[code].result()
