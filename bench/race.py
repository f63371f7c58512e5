"""Target 7: fifty people want the same seat at the same time, two server processes, both databases."""

import multiprocessing
from collections import Counter

from sqlalchemy import func, select

from bench.client import FORK, Line
from bench.commits import hold
from bench.cookies import Person, arrive
from bench.fill import EMPTY_FROM, UNITS, Filled, fill
from bench.places import Places, close
from bench.report import Sheet, Target
from booking.models import Claim
from core.database import db

CLIENTS = 50
Statuses = list[int]


def measure(places: Places, sheet: Sheet, engine: str, rounds: int) -> None:
    url = places.database(engine, f"race_{engine}")
    app = places.app(url)
    filled = fill(app, 1)
    people = arrive(app, filled.centre, filled.residents[:CLIENTS], [None] * CLIENTS)
    with places.server(url) as server:
        found = _rounds(server.url, people, filled, rounds)
    double, odd = 0, Counter[int]()
    for number in range(rounds):
        statuses = Counter(line[number] for line in found)
        double += statuses[303] != 1
        odd.update({status: count for status, count in statuses.items() if status not in {303, 409}})
    with app.app_context():
        taken = select(func.count()).select_from(Claim).where(Claim.starts_at >= filled.step(EMPTY_FROM, 0))
        claims = (
            db.session.scalar(taken.group_by(Claim.unit_id, Claim.starts_at).having(func.count() > 1)) or 0
        )
    close(app)
    sheet.add(
        Target("7", f"{engine}: rounds of {rounds} without exactly one winner", "", 0, 0, at_most=True),
        0,
        double,
    )
    sheet.add(
        Target("7", f"{engine}: answers other than 303 and 409", "", 0, 0, at_most=True), 0, odd.total()
    )
    if double or odd or claims:
        sheet.fault(
            f"{engine}: {double} rounds without exactly one winner, {claims} double claims, {dict(odd)}"
        )


def _rounds(url: str, people: list[Person], filled: Filled, rounds: int) -> list[Statuses]:
    """A process for each; a round begins when all of them are ready."""
    start = FORK.Barrier(CLIENTS)
    answers: multiprocessing.SimpleQueue[tuple[int, Statuses]] = FORK.SimpleQueue()

    def run(number: int) -> None:
        messages = [hold(people[number], filled, EMPTY_FROM + n, n % UNITS) for n in range(rounds)]
        line, statuses = Line(url), []
        for message in messages:
            start.wait(120)
            statuses.append(line.send(message).status)
        answers.put((number, statuses))

    processes = [FORK.Process(target=run, args=(number,), daemon=True) for number in range(CLIENTS)]
    for process in processes:
        process.start()
    found = dict(answers.get() for _ in processes)
    for process in processes:
        process.join(10)
    return [found[number] for number in range(CLIENTS)]
