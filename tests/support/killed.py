"""A process that books and is killed (−9) at a moment that the test names. Run with `-m tests.support.killed`.

Arguments: the settings as JSON, the file of the clock, where the power fails, the resident, the unit.
"""

import json
import os
import signal
import sys
from pathlib import Path

from app import create_app
from booking.models import Unit
from booking.services.book import book_seat
from core import database
from core.audit import Actor
from core.database import db, unit_of_work
from core.events import Event, Listener, registry
from tests.support.clock import FileClock
from tests.support.hall import MORNING


def power_fails(_event: Event | None = None) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(config: str, clock: str, where: str, resident: str, unit: str) -> None:
    app = create_app({**json.loads(config), "CLOCK": FileClock(Path(clock))})
    told = [Listener("booking.tell", ("booking.made",), lambda _event: None)]
    killer = Listener("test.killer", ("booking.made",), power_fails, eager=where == "in the listener")
    registry.use([*told, killer])
    with app.app_context(), unit_of_work():
        chosen = db.session.get_one(Unit, int(unit))
        book_seat(Actor("resident", int(resident)), int(resident), chosen, MORNING, at_kiosk=False)
        if where == "before the commit":
            power_fails()
        database.after_commit(power_fails)


if __name__ == "__main__":
    main(*sys.argv[1:])
