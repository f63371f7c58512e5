"""What the clock does for kiosks: it prints their slips, and asks their printers how they are.

A printer may be slow or away: each is spoken to in a short thread of its own, so that neither the beat nor another
printer waits. The threads know nothing but sockets; what came of them is written down by the beat, this one or the
next. A clock that is killed in between prints again when the claim is over: twice at most, never not at all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Thread
from time import perf_counter

import structlog
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Engine, select

from core.clock import database_now
from core.database import db
from core.scheduler import Job
from kiosk import queries
from kiosk.models import Device, PaperSlip
from kiosk.paper import NoFont, Said, put_on_paper, speak
from kiosk.rules import SLIP_WAITS
from kiosk.services import printing

log = structlog.get_logger()
PATIENCE = 0.3
"""Seconds for which a beat waits for what it has begun: most slips are out by then, and whoever waits hears it now."""


@dataclass
class Talk:
    """A printer that is being spoken to, and for which slip (None: only how it is)."""

    thread: Thread
    slip_id: int | None
    said: Said | None = None
    no_font: bool = False


class Talks:
    """Those of this process, one a printer; of each database apart."""

    def __init__(self) -> None:
        self._running: dict[tuple[Engine, str], Talk] = {}

    def busy(self, address: str) -> bool:
        """Whether it is being spoken to."""
        return (db.engine, address) in self._running

    def begin(self, address: str, slip_id: int | None, speaking: Callable[[], Said]) -> None:
        """Speak to a printer that nobody speaks to."""

        def run() -> None:
            try:
                talk.said = speaking()
            except NoFont:
                talk.no_font = True
            except Exception as fault:  # whatever a picture or a socket may raise must not end unseen
                talk.said = Said("away", why=f"{type(fault).__name__}: {fault}")

        talk = Talk(Thread(target=run, daemon=True, name="printer"), slip_id)
        self._running[db.engine, address] = talk
        talk.thread.start()

    def end(self, patience: float) -> list[tuple[str, Talk]]:
        """Those that are over, after so many seconds at most."""
        mine = {address: talk for (engine, address), talk in self._running.items() if engine is db.engine}
        until = perf_counter() + patience
        for talk in mine.values():
            talk.thread.join(max(0.0, until - perf_counter()))
        over = [(address, talk) for address, talk in mine.items() if not talk.thread.is_alive()]
        for address, _talk in over:
            del self._running[db.engine, address]
        return over


talks = Talks()


def print_due(patience: float = PATIENCE) -> int:
    """Print what waits, one slip a printer; returns how many came out since the last beat."""
    rows = db.session.execute(
        select(PaperSlip.id, PaperSlip.made_at, PaperSlip.next_try_at, Device)
        .join(Device, Device.id == PaperSlip.device_id)
        .where(PaperSlip.next_try_at.is_not(None))
        .order_by(PaperSlip.made_at, PaperSlip.id)
        .limit(500)
    ).all()
    now = database_now() if rows else None
    for row in rows:
        address = row.Device.printer
        if now is None or row.made_at <= now - SLIP_WAITS or address is None or row.Device.revoked_at:
            printing.give_up_old([row.id], "away")
        elif row.next_try_at <= now and not talks.busy(address):
            _print(row.id, address, row.Device)
    return _note(patience)


def _print(slip_id: int, address: str, device: Device) -> None:
    mm, claimed = device.paper_mm, printing.claim_paper(slip_id)
    if claimed is not None:
        head, paper, language = claimed
        talks.begin(address, slip_id, lambda: put_on_paper(address, paper, head, mm, language))


def _note(patience: float) -> int:
    printed = 0
    for address, talk in talks.end(patience):
        if talk.said is not None:
            printing.note_printer(address, talk.said)
        if talk.slip_id is None:
            continue
        done = talk.said is not None and talk.said.printed
        printed += done
        error = "no_font" if talk.said is None else talk.said.state
        printing.note_paper(talk.slip_id, None if done else error)
        if not done:
            log.warning(
                "slip_not_printed", slip=talk.slip_id, error=error, why=talk.said.why if talk.said else ""
            )
    return printed


def ask_printers() -> None:
    """How every printer is: paper may have been put in, or run out, while nobody printed."""
    for address in queries.printers():
        if not talks.busy(address):
            talks.begin(address, None, partial(speak, address))


JOBS = [
    Job("kiosk.paper", None, print_due),
    Job("kiosk.printers", IntervalTrigger(seconds=30, timezone="UTC"), ask_printers),
    Job("kiosk.old_paper", IntervalTrigger(hours=1, timezone="UTC"), printing.forget_paper),
]
