"""`python -m bench`: everything, or what is asked for, with its table at the end."""

import argparse
import os
import time

from bench import commits, fairness, meals, pages, peak, race
from bench.places import places
from bench.report import Sheet

ENGINES = ("sqlite", "postgresql")
PARTS = ("pages", "commits", "race", "fairness", "meals", "peak")


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of: {', '.join(PARTS)} (all)")
    parser.add_argument("--quick", action="store_true", help="short goes, for a look")
    parser.add_argument("--runs", type=int, default=0, help="goes of each part (5; quick: 3)")
    asked = parser.parse_args()
    unknown = set(asked.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    wanted = asked.parts or PARTS
    runs, seconds = asked.runs or (3 if asked.quick else 5), 2
    sheet, began = Sheet(), time.perf_counter()
    load = os.getloadavg()[0]
    if load > 0.5:
        print(
            f"! Somebody else uses this machine (load {load:.1f}): ratios hold better than figures, neither well."
        )
    with places() as here:
        if "pages" in wanted:
            _say("pages", began)
            pages.measure(here, sheet, runs, seconds)
        for engine in ENGINES:
            if "commits" in wanted:
                _say(f"commits, {engine}", began)
                commits.measure(here, sheet, engine, runs, seconds)
            if "race" in wanted:
                _say(f"race, {engine}", began)
                race.measure(here, sheet, engine, 20 if asked.quick else 100)
            if "fairness" in wanted:
                _say(f"fairness, {engine}", began)
                fairness.measure(here, sheet, engine, min(runs, 3), seconds)
            if "meals" in wanted:
                _say(f"meals, {engine}", began)
                meals.measure(here, sheet, engine, runs, seconds)
        if "peak" in wanted:
            _say("peak, postgresql", began)
            peak.measure(here, sheet, 0.1 if asked.quick else 1.0)
    print(sheet.text())
    print(f"\n{time.perf_counter() - began:.0f} s")
    return 1 if sheet.faults else 0


def _say(what: str, began: float) -> None:
    print(f"· {time.perf_counter() - began:4.0f} s  {what}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
