"""What a verb tells the rest of the house is written with its deed: nothing that was committed is ever left untold."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from booking.listeners import LISTENERS
from booking.models import Booking
from core.database import db, unit_of_work
from core.errors import Refused
from core.events import Delivery, Event, Listener, deliver, deliver_due, emit, registry
from core.outbox import Message
from tests.support.cast import CHEN, Cast
from tests.support.clock import Clock
from tests.support.databases import settings
from tests.support.hall import Hall, apart
from tests.support.race import together
from tests.support.server import ROOT

Heard = list[int]


@pytest.fixture
def heard(inside: Flask) -> Iterator[Heard]:
    """Ids of the events that a listener of the test has heard."""
    found: Heard = []
    listen(lambda event: found.append(event.id))
    yield found
    registry.use(LISTENERS)


def listen(handle: Callable[[Event], None], *, eager: bool = False, name: str = "test.listener") -> None:
    registry.use([Listener(name, ("thing.done",), handle, eager=eager)])


def happen() -> None:
    with unit_of_work():
        emit("thing.done", {"thing": 1})


def owed() -> list[tuple[str, int, bool]]:
    """Listener, tries, whether it is done."""
    db.session.rollback()
    rows = db.session.scalars(select(Delivery).order_by(Delivery.id))
    return [(row.listener, row.tries, row.done_at is not None) for row in rows]


def test_the_event_and_what_is_owed_for_it_are_written_with_the_deed(heard: Heard) -> None:
    happen()
    assert db.session.scalars(select(Event.kind)).all() == ["thing.done"]
    assert owed() == [("test.listener", 0, False)]
    assert heard == []


def test_a_deed_that_is_taken_back_has_told_nothing(heard: Heard) -> None:
    listen(lambda event: heard.append(event.id), eager=True)

    def refused() -> None:
        with unit_of_work():
            emit("thing.done", {"thing": 1})
            raise Refused("no", "no")

    with pytest.raises(Refused):
        refused()
    assert db.session.scalars(select(Event.id)).all() == []
    assert owed() == []
    assert heard == []


def test_an_event_cannot_be_told_outside_a_unit_of_work_by_an_eager_listener(heard: Heard) -> None:
    listen(lambda event: heard.append(event.id), eager=True)
    with pytest.raises(RuntimeError, match="unit_of_work"):
        emit("thing.done", {})
    db.session.rollback()


def test_a_listener_runs_once_however_often_the_clock_ticks(heard: Heard) -> None:
    happen()
    assert [deliver_due(), deliver_due(), deliver_due()] == [1, 0, 0]
    assert heard == [1]
    assert owed() == [("test.listener", 0, True)]


def test_an_eager_listener_has_run_before_the_verb_returns(heard: Heard) -> None:
    listen(lambda event: heard.append(event.id), eager=True)
    happen()
    assert heard == [1]
    assert deliver_due() == 0


def test_events_are_heard_in_the_order_in_which_they_happened(heard: Heard) -> None:
    for _n in range(5):
        happen()
    deliver_due()
    assert heard == [1, 2, 3, 4, 5]


def test_a_fault_is_kept_on_the_row_and_tried_again_later(heard: Heard, clock: Clock) -> None:
    faults = iter([ValueError("out of paper"), ValueError("still none")])

    def stumble(event: Event) -> None:
        for fault in faults:
            raise fault
        heard.append(event.id)

    listen(stumble)
    happen()
    assert deliver_due() == 0
    row = db.session.scalars(select(Delivery)).one()
    assert row.error == "ValueError: out of paper"
    assert owed() == [("test.listener", 1, False)]
    assert deliver_due() == 0
    assert owed() == [("test.listener", 1, False)], "not before its time"
    clock.advance(seconds=5)
    assert deliver_due() == 0
    clock.advance(seconds=9)
    assert deliver_due() == 0
    clock.advance(seconds=1)
    assert deliver_due() == 1
    assert heard == [1]
    assert owed() == [("test.listener", 2, True)]


def test_the_waits_grow_to_ten_minutes_and_it_never_gives_up(heard: Heard, clock: Clock) -> None:
    def never(_event: Event) -> None:
        raise ValueError("never")

    listen(never)
    happen()
    for _n in range(12):
        deliver_due()
        clock.advance(minutes=10)
    assert owed() == [("test.listener", 12, False)]


def test_what_a_listener_changed_before_its_fault_is_taken_back(heard: Heard) -> None:
    def half(event: Event) -> None:
        with unit_of_work():
            emit("half.done", {})
        raise ValueError("then it failed")

    listen(half)
    happen()
    deliver_due()
    assert db.session.scalars(select(Event.kind)).all() == ["thing.done"]


def test_an_eager_listeners_fault_is_no_fault_of_the_verb(heard: Heard, clock: Clock) -> None:
    def fail(_event: Event) -> None:
        raise ValueError("printer")

    listen(fail, eager=True)
    happen()
    assert owed() == [("test.listener", 1, False)]
    listen(lambda event: heard.append(event.id))
    clock.advance(seconds=5)
    deliver_due()
    assert heard == [1]


def test_one_listeners_fault_does_not_keep_others_from_hearing(heard: Heard) -> None:
    def fail(_event: Event) -> None:
        raise ValueError("no")

    good = Listener("test.good", ("thing.done",), lambda event: heard.append(event.id))
    registry.use([Listener("test.bad", ("thing.done",), fail), good])
    happen()
    deliver_due()
    assert heard == [1]
    assert owed() == [("test.bad", 1, False), ("test.good", 0, True)]


def test_a_listener_that_this_version_lacks_is_waited_for(heard: Heard, clock: Clock) -> None:
    happen()
    registry.use([])
    deliver_due()
    assert owed() == [("test.listener", 1, False)]
    listen(lambda event: heard.append(event.id))
    clock.advance(seconds=5)
    assert deliver_due() == 1
    assert heard == [1]


def test_several_clocks_that_deliver_at_once_let_a_listener_run_once(app: Flask, heard: Heard) -> None:
    for _n in range(4):
        happen()
    ids = db.session.scalars(select(Delivery.id)).all()
    together([apart(app, lambda one=one: deliver(one)) for one in ids for _clock in range(3)])  # type: ignore[misc]
    deliver_due()
    assert sorted(heard) == [1, 2, 3, 4]


def test_an_event_holds_ids_and_no_names(inside: Flask, cast: Cast, clock: Clock) -> None:
    made = Hall(cast, clock).book(cast.chen)
    event = db.session.scalars(select(Event).where(Event.kind == "booking.made")).one()
    assert event.payload == {"booking": made.id}
    assert CHEN not in json.dumps(event.payload, ensure_ascii=False)


@pytest.mark.parametrize("where", ["before the commit", "after the commit", "in the listener"])
def test_power_that_fails_loses_no_event_and_tells_none_twice(
    database: str, inside: Flask, cast: Cast, clock: Clock, tmp_path: Path, where: str
) -> None:
    clock.share(tmp_path / "clock.json")
    unit = Hall(cast, clock).unit().id
    db.session.remove()
    given = [
        json.dumps(settings(database, tmp_path)),
        str(tmp_path / "clock.json"),
        where,
        str(cast.chen),
        str(unit),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.killed", *given], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    heard: Heard = []
    registry.use(
        [*LISTENERS, Listener("test.killer", ("booking.made",), lambda event: heard.append(event.id))]
    )
    for _tick in range(3):
        deliver_due()
        clock.advance(seconds=1)
    made = db.session.scalars(select(Booking.id)).all()
    messages = db.session.scalars(select(Message.id)).all()
    committed = where != "before the commit"
    assert len(made) == len(heard) == len(messages) == committed
    assert owed() == [("booking.tell", 0, True), ("test.killer", 0, True)][: 2 * committed]
    registry.use(LISTENERS)
