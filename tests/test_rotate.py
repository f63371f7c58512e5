"""A new secret key: everything is written anew while the house goes on, and afterwards the old key opens nothing."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import LargeBinary, select, text, type_coerce

from booking.models import Booking
from booking.queries import booking_by_code
from core.codes import read_code
from core.crypto import Encrypted, Undecryptable, keys
from core.database import Base, db, unit_of_work
from core.outbox import put
from core.requestkeys import claim, digest, keep
from core.rotate import INDEXES, rotate
from people.models import Resident
from people.phones import tail_index, whole_index
from people.services.identify import by_index, known_index
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.databases import SECRET_KEY
from tests.support.hall import Hall

NEW = "a new secret of the tests, long enough as well"


@pytest.fixture(autouse=True)
def known_keys() -> Iterator[None]:
    yield
    keys.use([SECRET_KEY])


@pytest.fixture
def filled(inside: Flask, cast: Cast, clock: Clock) -> Cast:
    """Something in every encrypted column that this release fills."""
    Hall(cast, clock).book(cast.chen)
    with unit_of_work():
        put("event-1-tell", "email", "qiang@example.cn", "约好了", "A3")
        claim("hall", "a-key-of-sixteen", digest({}))
        keep("hall", "a-key-of-sixteen", {"said": "done"})
    return cast


def turn(*secrets: str) -> None:
    db.session.remove()
    keys.use(secrets)


def ciphers() -> dict[str, list[bytes]]:
    """`table.column` → what is stored, where something is."""
    found = {}
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Encrypted):
                raw = db.session.scalars(select(type_coerce(column, LargeBinary)).where(column.is_not(None)))
                found[f"{table.name}.{column.name}"] = [bytes(cell) for cell in raw]
    db.session.rollback()
    return found


def test_every_encrypted_value_is_written_anew_and_the_old_key_opens_none(filled: Cast) -> None:
    before = ciphers()
    assert {name for name, cells in before.items() if cells} >= {
        "resident.phone",
        "booking.code",
        "message.body",
        "message.address",
        "request_key.answer",
    }
    turn(NEW, SECRET_KEY)
    shares: list[float] = []
    counts = rotate(shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert counts["booking"] == 1
    after = ciphers()
    for name, cells in before.items():
        assert len(after[name]) == len(cells)
        assert not set(after[name]) & set(cells), name
    turn(NEW)
    for table in Base.metadata.sorted_tables:
        db.session.execute(select(table)).all()
    turn(SECRET_KEY)
    with pytest.raises(Undecryptable):
        db.session.scalars(select(Resident.phone)).all()


def test_people_and_bookings_are_found_before_during_and_after(filled: Cast) -> None:
    phone = "+8613800001187"
    code = db.session.scalars(select(Booking.code)).one()

    def found() -> tuple[list[int], list[int], bool]:
        tails = db.session.scalars(
            select(Resident.id).where(Resident.phone_tail_index.in_(tail_index("1187")))
        )
        whole = [person.id for index in whole_index(phone) for person in by_index(index, filled.district)]
        return whole, list(tails), booking_by_code(code) is not None

    assert found() == ([filled.chen], [filled.chen], True)
    turn(NEW, SECRET_KEY)
    assert found() == ([filled.chen], [filled.chen], True)
    rotate(lambda _share: None)
    assert found() == ([filled.chen], [filled.chen], True)
    turn(NEW)
    assert found() == ([filled.chen], [filled.chen], True)


def test_the_kiosk_knows_people_by_phone_while_a_rotation_is_under_way(filled: Cast) -> None:
    """What a visit keeps of the number must find a record that has not been written anew yet."""
    turn(NEW, SECRET_KEY)
    for _time in ("before", "after"):
        index = known_index("+8613800001187", filled.district)
        assert [person.id for person in by_index(index, filled.district)] == [filled.chen]
        rotate(lambda _share: None)


def test_it_may_be_interrupted_and_begun_again(filled: Cast) -> None:
    turn(NEW, SECRET_KEY)

    class Stopped(Exception):
        pass

    def stop(share: float) -> None:
        if share > 0.3:
            raise Stopped

    with pytest.raises(Stopped):
        rotate(stop)
    counts = rotate(lambda _share: None)
    assert counts["resident"] == 6
    turn(NEW)
    assert db.session.get_one(Resident, filled.chen).phone == "+8613800001187"


def test_every_blind_index_of_the_models_is_known_to_the_rotation(inside: Flask) -> None:
    indexes = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name.endswith("_index") and isinstance(column.type, LargeBinary)
    }
    declared = {f"{table}.{index}" for table, of_table in INDEXES.items() for index in of_table}
    passing = {"visit.phone_index"}
    """Lives for minutes between the number and the PIN."""
    assert indexes - passing == declared


def test_cards_in_peoples_pockets_are_read_as_long_as_the_old_key_is_listed(filled: Cast) -> None:
    turn(NEW, SECRET_KEY)
    rotate(lambda _share: None)
    assert read_code(filled.chen_code) == ("K", filled.chen_code)


def test_nothing_else_than_secrets_changes(filled: Cast) -> None:
    rows = text("SELECT id, state, number, starts_at FROM booking")
    before = db.session.execute(rows).all()
    turn(NEW, SECRET_KEY)
    rotate(lambda _share: None)
    assert db.session.execute(rows).all() == before
