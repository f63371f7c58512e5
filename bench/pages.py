"""Targets 1 to 4: the day grid fresh, from the kept fragment, and as 304; how long the slowest wait."""

import re
from dataclasses import dataclass

from bench import wrk
from bench.cookies import arrive
from bench.fill import CENTRE, EMAIL, PASSWORD, SPACE, Filled, fill
from bench.places import Places, close, cpu
from bench.report import Sheet, Target
from tests.support.server import Server
from tests.support.visitor import Visitor

POLL = {"HX-Request": "true", "X-Poll": "1"}
"""How a page asks whether something has changed."""
BUSY_DAYS = 200
"""So many that pages asked for in turn are never still kept: what is asked for is fresh from the database."""
J_THEN = 8170
"""What J was when the targets were written: limits in milliseconds grow as it falls."""


@dataclass(frozen=True)
class Reader:
    """Who reads, and where the grid of a day is."""

    name: str
    headers: dict[str, str]
    pages: list[str]


def measure(places: Places, sheet: Sheet, runs: int, seconds: int) -> None:
    url = places.database("sqlite", "pages")
    app = places.app(url)
    filled = fill(app, BUSY_DAYS)
    with places.bound_server() as bound, places.server(url) as server:
        phone = arrive(app, filled.centre, filled.residents[:1], [None])[0]
        resident = Reader(
            "resident", {"Cookie": phone.cookie}, _days(filled, f"/c/{CENTRE}/booking/spaces/{SPACE}/%s/grid")
        )
        staff = Reader(
            "staff", _sign_in(server.url), _days(filled, f"/staff/c/{CENTRE}/booking/{SPACE}/%s/live")
        )
        for run in range(runs):
            _run(places, sheet, run, seconds, bound, server, [resident, staff])
    close(app)


def _run(
    places: Places, sheet: Sheet, run: int, seconds: int, bound: Server, server: Server, readers: list[Reader]
) -> None:
    before = cpu(bound)
    trivial = wrk.run(bound.url, ["/trivial"], places.folder, seconds=seconds)
    j_cpu = (cpu(bound) - before) / trivial.rate / seconds
    j = sheet.bound("J", trivial.rate)
    g = sheet.bound("G", wrk.run(bound.url, ["/grid"], places.folder, seconds=seconds).rate)
    slower = J_THEN / j
    for reader in readers:
        fresh = _go(places, sheet, server, reader, reader.pages, seconds=seconds)
        sheet.add(
            Target("1", f"{reader.name}: grid fresh from the database", "J", 0.07, 0.10), run, fresh.rate / j
        )
        sheet.add(Target("1", f"{reader.name}: the same", "G", 0.5, 0.75), run, fresh.rate / g)
        used = cpu(server)
        kept = _go(places, sheet, server, reader, reader.pages[:1], seconds=seconds)
        used = (cpu(server) - used) / max(kept.rate, 0.1) / seconds
        sheet.add(Target("2", f"{reader.name}: with the kept fragment", "J", 0.30, 0.45), run, kept.rate / j)
        sheet.add(
            Target("2", f"{reader.name}: the same by processor time of the server", "cpu"), run, j_cpu / used
        )
        etag = _etag(server, reader)
        if etag:
            same = _go(
                places,
                sheet,
                server,
                reader,
                reader.pages[:1],
                {**POLL, "If-None-Match": etag},
                seconds=seconds,
            )
            sheet.add(Target("3", f"{reader.name}: 304 by ETag", "J", 0.45, 0.6), run, same.rate / j)
        else:
            sheet.fault(f"{reader.name}: no ETag")
        limit = Target(
            "4", f"{reader.name}: kept, p99 of 16 (ms, as if J were {J_THEN:,})", "ms", 100, 50, at_most=True
        )
        sheet.add(limit, run, kept.p99 / slower)
        limit = Target("4", f"{reader.name}: fresh, p99 of 16, the same", "ms", 100, 50, at_most=True)
        sheet.add(limit, run, fresh.p99 / slower)
        many = _go(places, sheet, server, reader, reader.pages, connections=64, seconds=seconds)
        limit = Target("4", f"{reader.name}: fresh, p99 of 64, the same", "ms", 380, 190, at_most=True)
        sheet.add(limit, run, many.p99 / slower)


def _go(
    places: Places,
    sheet: Sheet,
    server: Server,
    reader: Reader,
    pages: list[str],
    more: dict[str, str] | None = None,
    *,
    connections: int = 16,
    seconds: float,
) -> wrk.Load:
    headers = {**reader.headers, **(more or {})}
    load = wrk.run(
        server.url, pages, places.folder, headers=headers, connections=connections, seconds=seconds
    )
    if load.bad:
        sheet.fault(f"{reader.name}: {load.bad} answers went wrong on {pages[0]}")
    return load


def _etag(server: Server, reader: Reader) -> str | None:
    """The ETag of the page's poll; looks that the page is whole and that the ETag brings a 304."""
    visitor = Visitor(server.url)
    page = visitor.get(reader.pages[0], {**reader.headers, **POLL})
    steps = len(re.findall(r"<t[dh][ >]", page.text))
    if page.status != 200 or steps < 500:
        raise RuntimeError(f"{reader.name}: {page.status} with {steps} cells\n{page.text[:500]}")
    etag = page.headers.get("ETag")
    if etag and visitor.get(reader.pages[0], {**reader.headers, **POLL, "If-None-Match": etag}).status != 304:
        return None
    return etag


def _days(filled: Filled, path: str) -> list[str]:
    return [path % filled.day(number) for number in range(1, filled.busy_days + 1)]


def _sign_in(url: str) -> dict[str, str]:
    """Sign in at the console as a person does."""
    visitor = Visitor(url)
    path = "/staff/sign-in"
    answer = visitor.send_form(
        visitor.get(path), path, "form[action*='sign-in'], form[method=post]", email=EMAIL, password=PASSWORD
    )
    if answer.status != 303:
        raise RuntimeError(f"signing in: {answer.status}\n{answer.text[:1000]}")
    visitor.get(
        f"/staff/c/{CENTRE}/today"
    )  # whoever polls has opened a page: it put the centre into the session
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.cookies)
    return {"Cookie": cookies}
