"""Those who eat in the canteens: their diets, who orders for them, their accounts, standing orders."""

from collections.abc import Iterator
from datetime import timedelta

from canteen.services import diet, ledger, standing
from centres.queries import centres
from core.audit import OPERATOR, Actor
from demo.files import Content, read
from demo.people import everybody
from demo.places import home_of
from demo.stage import Stage, clock_at
from people.services import family

DESKS = {"shuibei": "F01", "sungang": "F14"}
WORKDAYS = (0, 1, 2, 3, 4)
STANDING = {
    "R01": {"labels": ["low_salt"]},
    "R03": {"labels": ["soft"], "texture": "soft"},
    "R10": {"labels": ["soft"], "texture": "puree", "delivery": True},
    "R28": {"labels": ["soft"], "texture": "soft"},
    "R34": {},
    "R36": {"labels": ["low_sugar"]},
    "R41": {"labels": ["soft", "low_salt"], "texture": "soft", "delivery": True},
    "R42": {"labels": ["soft"], "texture": "puree", "delivery": True},
    "R44": {"labels": ["vegan"]},
    "R59": {"labels": ["low_salt"], "avoid": ["crustacean"], "texture": "soft"},
}
"""Lunch from Monday to Friday; R28's was begun by her neighbour."""
BEGUN_BY = {"R28": "R52"}


def centre_of(person: Content) -> str:
    """Code of the centre where somebody eats."""
    address = person.get("address")
    return home_of(_cells()[address["building"]]) if address else "shuibei"


def _cells() -> dict[str, str]:
    return {one["code"]: one["grid"] for one in read("people.yaml")["buildings"]}


def load_diners(stage: Stage, residents: dict[str, int], staff: dict[str, int]) -> None:
    """As of the days after the house was set up."""
    ids = {centre.code: centre.id for centre in centres()}
    with clock_at(stage.opened + timedelta(days=1)):
        for person in everybody():
            resident = residents[person["code"]]
            if "diet" in person["consents"]:
                _profile(resident, person)
            if person.get("account_fen"):
                where = centre_of(person)
                ledger.top_up(staff[DESKS[where]], ids[where], resident, person["account_fen"])
    with clock_at(stage.opened + timedelta(days=2)):
        for elder, proxy, sees in _links():
            link = family.ask(Actor("resident", residents[proxy]), residents[proxy], residents[elder])
            family.agree(Actor("resident", residents[elder]), residents[elder], link.id, sees_collected=sees)


def _profile(resident: int, person: Content) -> None:
    wishes = person["diet"]
    diet.set_profile(
        OPERATOR,
        resident,
        allergens=wishes["allergies"],
        labels=wishes["labels"],
        texture=wishes["texture"],
        avoid=person.get("avoid_zh"),
    )


def _links() -> Iterator[tuple[str, str, bool]]:
    """(elder, relative, whether the elder lets them see that the meal was collected)."""
    consents = {person["code"]: person["consents"] for person in everybody()}
    for person in everybody():
        for elder in person.get("proxy_for", ()):
            yield elder, person["code"], "family_pickup" in consents[elder]


def load_standing(stage: Stage, residents: dict[str, int]) -> None:
    """Standing orders, begun a month ago."""
    ids = {centre.code: centre.id for centre in centres()}
    by_code = {person["code"]: person for person in everybody()}
    with clock_at(stage.now - timedelta(days=32)):
        for code, wish in STANDING.items():
            actor = Actor("resident", residents[BEGUN_BY.get(code, code)])
            canteen = ids[centre_of(by_code[code])]
            standing.start(actor, residents[code], canteen, "lunch", WORKDAYS, **wish)  # type: ignore[arg-type]
