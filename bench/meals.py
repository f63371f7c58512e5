"""Target 10: lunches ordered a second by eight residents at a time, each POST one commit: portion, right, money, record."""

from flask import Flask

from bench import bare, bounds
from bench.client import at_once
from bench.commits import p99, rate
from bench.cookies import arrive
from bench.lunch import fill, order, sold
from bench.places import Places, close
from bench.report import Sheet, Target

CLIENTS, ORDERS = 8, 400


def measure(places: Places, sheet: Sheet, engine: str, runs: int, seconds: int) -> None:
    url = places.database(engine, f"meals_{engine}")
    app = places.app(url)
    total = (runs + 1) * ORDERS
    kitchens = fill(app, 1, total, total, money=True)
    people = arrive(app, kitchens.centres[0][0], kitchens.residents, [None] * total)
    sign = bounds.sign(engine)
    must = (0.07, 0.11) if engine == "sqlite" else (None, None)
    with places.server(url) as server:
        for run in range(runs + 1):  # the first one warms the server up and is not counted
            bound = bounds.commits(places, engine, seconds)
            mine = people[run * ORDERS : (run + 1) * ORDERS]
            answers = at_once(
                server.url, [[order(kitchens, one) for one in mine[n::CLIENTS]] for n in range(CLIENTS)]
            )
            bad = [one.status for line in answers for one in line if one.status != 303]
            if bad:
                sheet.fault(f"{engine}, lunches: {len(bad)} of {ORDERS} failed ({bad[0]})")
            if run == 0:
                continue
            sheet.bound(sign, bound)
            sheet.add(Target("10", f"{engine}: lunch orders", sign, *must), run - 1, rate(answers) / bound)
            sheet.add(Target("10", f"{engine}: lunch orders a second", "/s"), run - 1, rate(answers))
            sheet.add(Target("10", f"{engine}: p99 of them (ms)", "ms"), run - 1, p99(answers))
            if engine == "sqlite":
                only = bare.measure(places, run)
                sheet.add(
                    Target("10", "sqlite: an order's statements alone", sign), run - 1, only.alone / bound
                )
                sheet.add(
                    Target("10", "sqlite: the same, one request each", sign), run - 1, only.served / bound
                )
                share = rate(answers) / only.served
                sheet.add(Target("10", "sqlite: our part of that", "–"), run - 1, share)
    _look(app, sheet, engine, total)
    close(app)


def _look(app: Flask, sheet: Sheet, engine: str, acknowledged: int) -> None:
    there, adds_up = sold(app)
    if there != acknowledged and not sheet.faults:
        sheet.fault(f"{engine}: {there} orders where {acknowledged} were acknowledged")
    if not adds_up:
        sheet.fault(f"{engine}: portions or the ledger do not add up")
