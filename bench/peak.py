"""Target 11: a district's half hour before the cutoff: 115 centres, 40,000 residents, 12,000 orders, ten times as fast,
on one PostgreSQL. The load is replayed by a plan of moments, whatever the answers take: a late answer is counted from
the moment at which it should have been asked for.
"""

import multiprocessing
import random
import time
from itertools import pairwise

from bench.client import FORK, Line
from bench.cookies import Person, arrive
from bench.lunch import Kitchens, fill, order, sold
from bench.places import Places, close, cpu
from bench.report import Sheet, Target

CENTRES, RESIDENTS, ORDERS = 115, 40_000, 12_000
HALF_HOUR, SPEED = 1800.0, 10
LINES = 24
PORTIONS = 60
Plan = list[tuple[float, bytes]]
Taken = list[tuple[int, float]]
"""(status, seconds from the planned moment to the answer)."""


def moments(many: int, length: float, seed: int = 11) -> list[float]:
    """When they come: more and more towards the end, as at a real cutoff; the same for every run."""
    chance = random.Random(seed)
    return sorted(length * chance.betavariate(2.0, 1.2) for _ in range(many))


def measure(places: Places, sheet: Sheet, share: float = 1.0) -> None:
    """share: of the half hour's orders and length, for a quick look."""
    url = places.database("postgresql", "peak")
    app = places.app(url)
    many = int(ORDERS * share)
    kitchens = fill(app, CENTRES, RESIDENTS, PORTIONS, money=True)
    people = arrive(app, kitchens.centres[0][0], kitchens.residents[:many], [None] * many)
    times = moments(many, HALF_HOUR / SPEED * share)
    plan = [
        (at, order(kitchens, one, n % CENTRES)) for n, (at, one) in enumerate(zip(times, people, strict=True))
    ]
    with places.server(url) as server:
        _replay(server.url, _warm(kitchens, people[: LINES * 2]))
        web, base = cpu(server), cpu(places.cluster)
        taken = _replay(server.url, [plan[n::LINES] for n in range(LINES)])
        used = {"the program": cpu(server) - web, "PostgreSQL": cpu(places.cluster) - base}
    _report(sheet, taken, times)
    for what, seconds in used.items():
        sheet.add(
            Target("11", f"peak: processor time of {what} an order (ms)", "ms"), 0, seconds / many * 1000
        )
    there, adds_up = sold(app)
    acknowledged = sum(status == 303 for status, _seconds in taken)
    close(app)
    if there != acknowledged:
        sheet.fault(f"peak: {there} orders where {acknowledged} were acknowledged")
    if not adds_up:
        sheet.fault("peak: portions or the ledger do not add up")


def _warm(kitchens: Kitchens, people: list[Person]) -> list[Plan]:
    """Two forms a line that are refused for want of an offer: the server's imports and statements are made."""
    lines = [[(0.0, order(kitchens, one).replace(b"offer=L", b"offer=X"))] for one in people]
    return lines[:LINES]


def _replay(url: str, plans: list[Plan]) -> Taken:
    start = FORK.Barrier(len(plans))
    answers: multiprocessing.SimpleQueue[Taken] = FORK.SimpleQueue()

    def run(plan: Plan) -> None:
        line, found = Line(url), []
        start.wait(120)
        began = time.perf_counter()
        for at, message in plan:
            wait = began + at - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            said = line.send(message)
            found.append((said.status, time.perf_counter() - began - at))
        answers.put(found)

    processes = [FORK.Process(target=run, args=(plan,), daemon=True) for plan in plans]
    for process in processes:
        process.start()
    taken = [one for _ in processes for one in answers.get()]
    for process in processes:
        process.join(10)
    return taken


def _report(sheet: Sheet, taken: Taken, times: list[float]) -> None:
    waits = sorted(seconds * 1000 for _status, seconds in taken)
    bad = [status for status, _seconds in taken if status != 303]
    if bad:
        sheet.fault(f"peak: {len(bad)} of {len(taken)} were not taken ({bad[0]})")
    ten = max(sum(at <= one < at + 10 for one in times) for at, _next in pairwise(times[::200] or [0.0, 1.0]))
    sheet.add(
        Target("11", "peak: p99 from the planned moment (ms)", "ms", 500, 200, at_most=True),
        0,
        waits[int(len(waits) * 0.99)],
    )
    sheet.add(Target("11", "peak: median of them (ms)", "ms"), 0, waits[len(waits) // 2])
    sheet.add(Target("11", "peak: orders in the busiest ten seconds", ""), 0, ten)
