"""A backup is one moment of the whole house; it can be restored into either database, and only if it is whole."""

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import func, insert, select, text, update

from app import create_app
from booking.models import Booking, Claim
from booking.services import book
from core.backup import Damaged, backup, restore, revision
from core.database import Base, db, unit_of_work
from people.models import Resident
from people.phones import whole_index
from people.services.identify import by_index, check_pin
from staff.doctor import examine
from tests.support.cast import PIN, Cast
from tests.support.clock import Clock
from tests.support.databases import ENGINES, Databases, settings
from tests.support.hall import AFTERNOON, MORNING, Hall, apart
from tests.support.race import together

Elsewhere = Callable[[str], Flask]


@pytest.fixture
def elsewhere(databases: Databases, clock: Clock, tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    """An empty, migrated house over an engine, with the same secret."""

    def make(engine: str) -> Flask:
        folder = tmp_path_factory.mktemp(engine)
        return create_app(settings(databases.fresh(engine, folder), folder, CLOCK=clock))

    return make


def contents() -> dict[str, list[tuple[object, ...]]]:
    """Everything in the database as Python reads it, by table."""
    db.session.rollback()
    return {
        table.name: [
            tuple(row) for row in db.session.execute(select(table).order_by(*table.primary_key.columns))
        ]
        for table in Base.metadata.sorted_tables
    }


def some_life(cast: Cast, clock: Clock) -> None:
    hall = Hall(cast, clock)
    made = hall.book(cast.chen)
    hall.book(cast.aqiang, "A2", AFTERNOON)
    hall.hold(hall.visit(), "B1")
    clock.set("2026-11-24 09:00")
    hall.check_in(made)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_was_backed_up_is_all_there_again_in_either_database(
    inside: Flask, cast: Cast, clock: Clock, elsewhere: Elsewhere, tmp_path: Path, engine: str
) -> None:
    some_life(cast, clock)
    file = tmp_path / "house.backup"
    counts = backup(file)
    before = contents()
    assert counts == {name: len(rows) for name, rows in before.items()}
    assert counts["booking"] == 2
    assert file.stat().st_mode & 0o777 == 0o600
    with elsewhere(engine).app_context():
        assert restore(file) == counts
        assert contents() == before
        hall = Hall(cast, clock)
        counted = db.session.scalars(select(Booking.id)).all()
        assert hall.book(cast.couple[0], "B2", AFTERNOON).id > max(counted)
        person = check_pin(
            by_index(whole_index("+8613800001187")[0], cast.district), PIN, "phone:x", "Asia/Shanghai", None
        )
        assert person.id == cast.chen
        assert all(check.ok for check in examine() if "guard" in check.what or "encrypted" in check.what)
        db.session.remove()
        db.engine.dispose()


def test_a_backup_under_load_is_one_moment(
    app: Flask, inside: Flask, cast: Cast, clock: Clock, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    """Bookings go on while it is written: each of them is in it whole or not at all."""
    hall = Hall(cast, clock)
    seats = [hall.unit(f"A{n}").id for n in range(1, 9)] + [hall.unit(f"C{n}").id for n in range(1, 5)]
    going = [True]
    space = hall.space().id

    def life(number: int) -> int:
        made = 0
        staff = hall.staff(cast.wu)
        for seat in seats[number::4]:
            unit = db.session.get_one(type(hall.unit()), seat)
            room = db.session.get_one(type(hall.space()), space)
            done = book.book_for(staff, room, unit, MORNING, title=f"第{number}组 {seat}")
            made += 1
            if not going[0]:
                break
            assert done.number
        return made

    def take() -> int:
        sums = [sum(backup(tmp_path / f"{n}.backup").values()) for n in range(4)]
        going[0] = False
        return len(sums)

    results = together([apart(app, take), *(apart(app, lambda n=n: life(n)) for n in range(4))])  # type: ignore[misc]
    assert not [fault for fault in results if isinstance(fault, Exception)], results
    for n in range(4):
        with elsewhere("sqlite").app_context():
            restore(tmp_path / f"{n}.backup")
            bookings = set(db.session.scalars(select(Booking.id)))
            claims = set(db.session.scalars(select(Claim.booking_id)))
            told = set(db.session.scalars(text("SELECT subject_id FROM audit WHERE verb = 'booking.made'")))
            assert bookings == claims == told
            db.session.remove()
            db.engine.dispose()


def test_only_an_empty_database_is_filled(inside: Flask, cast: Cast, tmp_path: Path) -> None:
    backup(tmp_path / "house.backup")
    with pytest.raises(Damaged, match="not empty"):
        restore(tmp_path / "house.backup")
    assert db.session.scalar(select(func.count()).select_from(Resident))


def test_a_restore_that_fails_in_the_middle_leaves_nothing(
    inside: Flask, cast: Cast, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    file = tmp_path / "house.backup"
    backup(file)
    lines = gzip.decompress(file.read_bytes()).splitlines()
    again = next(line for line in lines if line.startswith(b'{"t": "resident"'))
    rewrite(file, [*lines[:-1], again])
    with elsewhere("sqlite").app_context():
        with pytest.raises(Exception, match=r"(?i)unique"):
            restore(file)
        assert all(rows == [] for rows in contents().values())
        db.session.remove()
        db.engine.dispose()


def rewrite(file: Path, lines: list[bytes]) -> None:
    """The same file with other rows and a foot that fits them."""
    body = b"".join(line + b"\n" for line in lines)
    foot = {"counts": {}, "sha256": hashlib.sha256(body).hexdigest()}
    with gzip.open(file, "wb") as out:
        out.write(body + json.dumps(foot).encode() + b"\n")


@pytest.mark.databases("sqlite")
def test_a_damaged_file_is_refused_with_a_reason_wherever_the_damage_is(
    inside: Flask, cast: Cast, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.backup", tmp_path / "bad.backup"
    backup(good)
    whole = good.read_bytes()
    with elsewhere("sqlite").app_context():
        behind_the_head = 40  # of gzip, with a time and a name that mean nothing to us
        for place in {0, 1, 2, *range(behind_the_head, len(whole), len(whole) // 60), len(whole) - 1}:
            bad.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
            with pytest.raises(Damaged, match=r"copy|revision"):
                restore(bad)
        for length in (0, 1, 20, len(whole) // 2, len(whole) - 9, len(whole) - 1):
            bad.write_bytes(whole[:length])
            with pytest.raises(Damaged):
                restore(bad)
        assert all(rows == [] for rows in contents().values())
        db.session.remove()
        db.engine.dispose()


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}\n",
        b"5\n",
        b"[]\n",
        b'"x"\n',
        b'{"service-hall": 1, "revision": "0001"}\n5\n',
        b'{"service-hall": 99}\n{}\n',
        b"\xff\xfe\n",
        b"PK\x03\x04",
    ],
)
def test_a_file_that_is_no_backup_is_refused(inside: Flask, tmp_path: Path, body: bytes) -> None:
    with gzip.open(tmp_path / "x.backup", "wb") as out:
        out.write(body)
    (tmp_path / "plain.backup").write_bytes(body)
    for name in ("x.backup", "plain.backup"):
        with pytest.raises(Damaged):
            restore(tmp_path / name)


@pytest.mark.databases("sqlite")
def test_a_row_that_was_changed_by_hand_is_noticed(inside: Flask, cast: Cast, tmp_path: Path) -> None:
    file = tmp_path / "house.backup"
    backup(file)
    lines = gzip.decompress(file.read_bytes()).replace("陈秀英".encode(), "陈秀兰".encode())
    with gzip.open(file, "wb") as out:
        out.write(lines)
    with pytest.raises(Damaged, match="digest"):
        restore(file)


@pytest.mark.databases("sqlite")
def test_a_file_of_another_revision_is_refused_and_says_which(
    inside: Flask, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    db.session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    db.session.commit()
    backup(tmp_path / "house.backup")
    with elsewhere("sqlite").app_context():
        with pytest.raises(Damaged, match="9999"):
            restore(tmp_path / "house.backup")
        with db.engine.connect() as connection:
            assert revision(connection) != "9999"
        db.session.remove()
        db.engine.dispose()


@pytest.mark.databases("sqlite")
def test_a_backup_that_fails_leaves_the_one_before_as_it_was(
    inside: Flask, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "house.backup"
    backup(file)
    before = file.read_bytes()

    def full(*_args: object) -> object:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.backup._plain", full)
    with pytest.raises(OSError, match="No space"):
        backup(file)
    assert file.read_bytes() == before


def test_a_place_in_the_tree_may_have_come_before_the_one_above_it(
    inside: Flask, cast: Cast, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    """A centre is moved below a street that was made later."""
    tree = Base.metadata.tables["org_unit"]
    with unit_of_work():
        street = db.session.execute(
            insert(tree)
            .values(
                code="new", kind="street", name_zh="新街道", name_en="", name_hant="", parent_id=cast.district
            )
            .returning(tree.c.id)
        ).scalar_one()
        db.session.execute(update(tree).where(tree.c.id == cast.shuibei).values(parent_id=street))
    counts = backup(tmp_path / "house.backup")
    for engine in ENGINES:
        with elsewhere(engine).app_context():
            assert restore(tmp_path / "house.backup") == counts
            db.session.remove()
            db.engine.dispose()


def test_the_commands_say_what_they_did(app: Flask, cast: Cast, elsewhere: Elsewhere, tmp_path: Path) -> None:
    file = tmp_path / "house.backup"
    said = FlaskCliRunner(app).invoke(args=["backup", str(file)])
    assert said.exit_code == 0
    assert "HALL_SECRET_KEY" in said.output
    other = elsewhere("sqlite")
    said = FlaskCliRunner(other).invoke(args=["restore", str(file)])
    assert said.exit_code == 0
    shutil.copyfile(file, tmp_path / "cut.backup")
    with (tmp_path / "cut.backup").open("r+b") as cut:
        cut.truncate(100)
    said = FlaskCliRunner(elsewhere("sqlite")).invoke(args=["restore", str(tmp_path / "cut.backup")])
    assert said.exit_code != 0
    assert "Take another copy" in said.output
    with other.app_context():
        db.engine.dispose()
