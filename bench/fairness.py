"""Target 9: four processes that write without pause. How long does the unluckiest wait, and who gets how much?"""

import multiprocessing
import time
from typing import Any

from bench.client import FORK
from bench.fill import EMPTY_FROM, UNITS, Filled, fill
from bench.places import Places, close
from bench.report import Sheet, Target
from booking.services.place import occupy
from core import audit
from core.audit import CLOCK
from core.clock import database_now
from core.database import db, unit_of_work
from core.versions import bump

WRITERS = 4
Line = tuple[int, float]
"""(commits, longest wait in seconds)."""


def measure(places: Places, sheet: Sheet, engine: str, runs: int, seconds: float) -> None:
    url = places.database(engine, f"fair_{engine}")
    app = places.app(url)
    filled = fill(app, 1)
    close(app)
    for run in range(runs):
        lines = _together(places, url, filled, run, seconds)
        counts = [count for count, _longest in lines]
        worst = 1000 * max(longest for _count, longest in lines)
        sheet.add(
            Target("9", f"{engine}: worst wait of 4 writers (ms)", "ms", 250, 50, at_most=True), run, worst
        )
        sheet.add(Target("9", f"{engine}: slowest by fastest", "", 0.5, 0.9), run, min(counts) / max(counts))
        sheet.add(Target("9", f"{engine}: commits a second", "/s"), run, sum(counts) / seconds)


def _write(
    places: Places, url: str, filled: Filled, number: int, run: int, start: Any, seconds: float
) -> Line:
    """Takes seats through the product's own code, one a transaction."""
    app = places.app(url)
    day = EMPTY_FROM + run * 1000 + number * 250
    count, longest = 0, 0.0
    with app.app_context():
        database_now()
        start.wait(60)
        began = time.perf_counter()
        while (asked := time.perf_counter()) - began < seconds:
            step, unit = count // UNITS, filled.units[count % UNITS]
            opens = filled.step(day + step // 12, 2 * (step % 12))
            with unit_of_work():
                now = database_now()
                until = filled.step(day + step // 12, 2 * (step % 12) + 2)
                occupy([unit], opens, until, until, booking_id=1, expires_at=None)
                audit.record(CLOCK, "bench.taken", "unit", unit, at=now)
                bump(f"bench:{number}")
            db.session.remove()
            longest = max(longest, time.perf_counter() - asked)
            count += 1
    close(app)
    return count, longest


def _together(places: Places, url: str, filled: Filled, run: int, seconds: float) -> list[Line]:
    start = FORK.Barrier(WRITERS)
    found: multiprocessing.SimpleQueue[Line] = FORK.SimpleQueue()

    def write(number: int) -> None:
        found.put(_write(places, url, filled, number, run, start, seconds))

    processes = [FORK.Process(target=write, args=(number,), daemon=True) for number in range(WRITERS)]
    for process in processes:
        process.start()
    lines = [found.get() for _ in processes]
    for process in processes:
        process.join(10)
    return lines
