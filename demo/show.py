"""What somebody needs to look at the demo: addresses, sign-ins, a link that makes a browser the kiosk."""

from collections.abc import Iterator

from centres.models import Centre
from centres.queries import centre_by_code, centres
from core.audit import OPERATOR
from core.clock import local_day, now
from demo.files import read
from demo.people import CAST, everybody, pin_of
from demo.staff import PASSWORD
from demo.stage import ZONE
from kiosk.services import make_pairing_code

KIOSK_OF, KIOSK_NAME = "shuibei", "大厅一体机"


def lines(public_url: str) -> Iterator[str]:
    """Line by line. Each call makes a fresh code for the kiosk."""
    found = centres()
    kiosk = centre_by_code(KIOSK_OF)
    if kiosk is None:
        yield "The demo centre is not loaded: flask --app app demo"
        return
    yield "Phone"
    for centre in found:
        yield f"  {public_url}/c/{centre.code}/  {centre.short_zh}"
    yield from _kiosk(public_url, kiosk)
    yield from _residents()
    yield from _staff(public_url)


def _kiosk(public_url: str, centre: Centre) -> Iterator[str]:
    code = make_pairing_code(OPERATOR, centre.id, KIOSK_NAME)
    yield "Kiosk (makes a browser the kiosk of the centre; once, within 10 minutes)"
    yield f"  {public_url}/kiosk/pair?code={code}"


def _residents() -> Iterator[str]:
    today = local_day(now(), ZONE)
    yield "Residents: phone, PIN (R01 to R60: 80 and the number, such as 8026)"
    for person in everybody():
        if person["code"] in CAST:
            yield f"  {person['phone']}  {pin_of(person, today)}  {person['name']}"
    card = next(person for person in everybody() if (person.get("card") or {}).get("kind") == "yinian")
    yield f"  {card['card']['no']}  card of {card['name']}: typed at the kiosk, its number is enough"


def _staff(public_url: str) -> Iterator[str]:
    yield f"Staff: {public_url}/staff/  password of all: {PASSWORD}"
    for one in read("people.yaml")["staff"]:
        yield f"  {one['sign_in']}  {one['name']}  {one['title_zh']}"
