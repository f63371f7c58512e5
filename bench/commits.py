"""Targets 5 and 6: bookings a second by eight residents at eight kiosks, each POST one commit."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from statistics import quantiles

from flask import Flask
from sqlalchemy import func, insert, select

from bench import bounds
from bench.client import Said, at_once, post
from bench.cookies import Person, arrive
from bench.fill import CENTRE, DEVICES, EMPTY_FROM, RESIDENTS, SPACE, UNITS, Filled, fill
from bench.places import Places, close
from bench.report import Sheet, Target
from booking.models import Booking, Claim
from core.clock import now
from core.database import db, unit_of_work

MUST = {"sqlite": ("5", 0.08, 0.12), "postgresql": ("6", 0.03, 0.05)}
DAYS_A_RUN = RESIDENTS // UNITS
BASE = f"/c/{CENTRE}/booking"


@dataclass
class Place:
    """A seat at a time for each resident of a run: nobody is in anybody's way."""

    filled: Filled
    run: int

    def seats(self) -> Iterator[tuple[int, int, int]]:
        """(resident, day, unit), as numbers."""
        for number in range(RESIDENTS):
            yield number, EMPTY_FROM + self.run * DAYS_A_RUN + number // UNITS, number % UNITS


def measure(places: Places, sheet: Sheet, engine: str, runs: int, seconds: int) -> None:
    url = places.database(engine, f"commits_{engine}")
    app = places.app(url)
    filled = fill(app, 7)
    number, must, aim = MUST[engine]
    sign = bounds.sign(engine)
    with places.server(url) as server:
        for run in range(runs + 1):  # the first one warms the server up and is not counted
            bound = bounds.commits(places, engine, seconds)
            answers = at_once(server.url, _confirms(app, Place(filled, 2 * run)))
            pairs = at_once(server.url, _pairs(app, Place(filled, 2 * run + 1)))
            for what, said in (("confirm", answers), ("hold and confirm", pairs)):
                bad = [one.status for line in said for one in line if one.status != 303]
                if bad:
                    sheet.fault(f"{engine}, {what}: {len(bad)} of {sum(map(len, said))} failed ({bad[0]})")
            if run == 0:
                continue
            sheet.bound(sign, bound)
            count = run - 1
            sheet.add(
                Target(number, f"{engine}: booking commits", sign, must, aim), count, rate(answers) / bound
            )
            if engine == "sqlite":
                sheet.add(
                    Target(number, "sqlite: p99 of them (ms)", "ms", 40, 20, at_most=True),
                    count,
                    p99(answers),
                )
            else:
                sheet.add(Target(number, "postgresql: p99 of them (ms)", "ms"), count, p99(answers))
            sheet.add(
                Target(number, f"{engine}: commits of hold and confirm", sign), count, rate(pairs) / bound
            )
            sheet.add(
                Target(number, f"{engine}: whole bookings a second (two POSTs)", "/s"), count, rate(pairs) / 2
            )
        with app.app_context():
            made = db.session.scalar(
                select(func.count()).select_from(Booking).where(Booking.channel == "kiosk")
            )
        if made != (runs + 1) * 2 * RESIDENTS and not sheet.faults:
            sheet.fault(f"{engine}: {made} bookings where {(runs + 1) * 2 * RESIDENTS} were acknowledged")
    close(app)


def _people(app: Flask, filled: Filled) -> list[Person]:
    devices = [filled.devices[number % DEVICES] for number in range(RESIDENTS)]
    return arrive(app, filled.centre, filled.residents, devices)  # type: ignore[arg-type]


def _confirms(app: Flask, place: Place) -> list[list[bytes]]:
    """Everybody holds a seat already; what is sent is «确认预约»."""
    people, filled = _people(app, place.filled), place.filled
    with app.app_context(), unit_of_work():
        expires = now() + timedelta(seconds=120)
        db.session.execute(
            insert(Claim),
            [
                {
                    "unit_id": filled.units[unit], "starts_at": filled.step(day, 2), "ends_at": filled.step(day, 4),
                    "use_ends_at": filled.step(day, 4), "visit_id": people[number].visit, "expires_at": expires,
                }
                for number, day, unit in place.seats()
            ],
        )  # fmt: skip
    return _by_client([[_confirm(person)] for person in people])


def _pairs(app: Flask, place: Place) -> list[list[bytes]]:
    """«就坐» and «确认预约», one after the other."""
    people = _people(app, place.filled)
    return _by_client(
        [
            [hold(people[number], place.filled, day, unit), _confirm(people[number])]
            for number, day, unit in place.seats()
        ]
    )


def _confirm(person: Person) -> bytes:
    fields = {"csrf_token": person.csrf, "request_key": f"confirm-{person.visit:09d}"}
    return post(f"{BASE}/confirm", fields, person.cookies)


def hold(person: Person, filled: Filled, day: int, unit: int) -> bytes:
    """«就坐» on unit A<unit + 1>, 9:00–10:00."""
    fields = {
        "csrf_token": person.csrf,
        "request_key": f"hold-{person.visit:06d}-{day:04d}",
        "seat": f"A{unit + 1}",
        "from": f"{filled.day(day)}T09:00",
        "to": f"{filled.day(day)}T10:00",
    }
    return post(f"{BASE}/spaces/{SPACE}/hold", fields, person.cookies)


def _by_client(deeds: list[list[bytes]]) -> list[list[bytes]]:
    return [[message for deed in deeds[client::DEVICES] for message in deed] for client in range(DEVICES)]


def rate(answers: list[list[Said]]) -> float:
    """Answers a second, from the first question to the last answer."""
    flat = [one for line in answers for one in line]
    return len(flat) / (max(one.began + one.seconds for one in flat) - min(one.began for one in flat))


def p99(answers: list[list[Said]]) -> float:
    """99 % waited less, in milliseconds."""
    return quantiles([one.seconds * 1000 for line in answers for one in line], n=100)[98]
