"""Cards that people already have, and what readers make of them: every way to write a UID is one number."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app import create_app
from core.audit import OPERATOR, Audit
from core.database import db
from core.readers import READERS, UID_BYTES, Place, readers
from core.settings import SettingError, load
from people.models import Card
from people.queries import find_residents
from people.services.cards import link_card, resident_of_number, unlink_card
from staff.doctor import examine
from tests.support.cast import Cast
from tests.support.databases import settings
from tests.support.forms import Kiosk
from tests.support.hall import refusal

UID = bytes.fromhex("04A1B2C3")
DECIMAL, TURNED, HEX, HEX_TURNED = "0077705923", "3283263748", "04A1B2C3", "C3B2A104"
uids = st.sampled_from(sorted(UID_BYTES)).flatmap(lambda many: st.binary(min_size=many, max_size=many))
short = st.binary(min_size=4, max_size=4)


@pytest.fixture
def people(inside: Flask, cast: Cast) -> Iterator[Cast]:
    """The cast, in a house whose readers a test may set."""
    yield cast
    readers.use("keyboard")


def before(text: str) -> str:
    """What was kept of a number before there were kinds of readers."""
    return "".join(text.split()).upper()


@given(st.text(max_size=40))
def test_the_default_keeps_what_was_always_kept(text: str) -> None:
    plain = before(text)
    fits = 6 <= len(plain) <= 32 and plain.isascii()
    assert READERS["keyboard"].number(text) == (plain if fits else None)


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("uid-decimal", DECIMAL),
        ("uid-decimal-reversed", TURNED),
        ("uid-hex", HEX),
        ("uid-hex", "04:a1:b2:c3"),
        ("uid-hex", "04-A1-B2-C3"),
        ("uid-hex-reversed", HEX_TURNED),
        ("uid-hex-reversed", "c3 b2 a1 04"),
    ],
)
def test_one_card_is_one_number_whoever_types_it(name: str, typed: str) -> None:
    assert READERS[name].number(typed) == "UID-04A1B2C3"


def written(uid: bytes, mark: str, small: bool) -> str:
    text = uid.hex(mark) if mark else uid.hex()
    return text if small else text.upper()


@given(uids, st.sampled_from(["", ":", "-", " "]), st.booleans())
def test_every_way_to_write_a_uid_in_hexadecimal_is_one_number(uid: bytes, mark: str, small: bool) -> None:
    kept = f"UID-{uid.hex().upper()}"
    assert READERS["uid-hex"].number(written(uid, mark, small)) == kept
    assert READERS["uid-hex-reversed"].number(written(uid[::-1], mark, small)) == kept


@given(short, st.integers(6, 10))
def test_every_way_to_write_a_uid_in_decimal_is_one_number(uid: bytes, wide: int) -> None:
    kept = READERS["uid-hex"].number(uid.hex())
    assert READERS["uid-decimal"].number(f"{int.from_bytes(uid, 'big'):0{wide}d}") == kept
    assert READERS["uid-decimal-reversed"].number(f"{int.from_bytes(uid, 'little'):0{wide}d}") == kept


@given(uids, uids, st.sampled_from(["uid-hex", "uid-hex-reversed"]))
def test_two_uids_are_never_one_number(one: bytes, other: bytes, name: str) -> None:
    same = READERS[name].number(one.hex()) == READERS[name].number(other.hex())
    assert same == (one == other)


@given(
    st.one_of(st.text(max_size=40), st.from_regex("[0-9A-F:-]{6,20}", fullmatch=True)),
    st.sampled_from(sorted(READERS)),
)
def test_a_number_that_is_kept_is_read_as_itself(text: str, name: str) -> None:
    kept = READERS[name].number(text)
    assert kept is None or READERS[name].number(kept) == kept


@pytest.mark.parametrize("name", sorted(READERS))
@pytest.mark.parametrize(
    "typed",
    ["SZ0012345678", "6217 0012 3456 7890 123", "4294967296", "12345", "C-00003026", "卡号一二三四五六", ""],
)
def test_what_is_no_uid_is_read_as_the_keyboard_reads_it(name: str, typed: str) -> None:
    assert READERS[name].number(typed) == READERS["keyboard"].number(typed)


def test_a_card_linked_at_a_desk_is_known_at_a_kiosk_whose_reader_writes_it_otherwise(people: Cast) -> None:
    readers.use("uid-decimal,kiosk=uid-hex-reversed")
    card = link_card(OPERATOR, people.aqiang, DECIMAL)
    assert card.number == "UID-04A1B2C3"
    typed: dict[Place, str] = {"desk": DECIMAL, "kiosk": HEX_TURNED}
    for place, text in typed.items():
        found = resident_of_number(text, place)
        assert found is not None
        assert found.id == people.aqiang
    assert resident_of_number(HEX, "kiosk") is None, "each place has one reader, and tries no other"
    assert refusal(lambda: link_card(OPERATOR, people.chen, DECIMAL.lstrip("0"))) == "card_taken"
    assert [row.id for row in find_residents(DECIMAL, [people.district])] == [people.aqiang]


def test_a_scan_at_the_kiosk_is_read_as_the_kiosks_reader_types(
    client: FlaskClient, app: Flask, cast: Cast
) -> None:
    readers.use("uid-decimal,kiosk=uid-hex-reversed")
    try:
        with app.app_context():
            link_card(OPERATOR, cast.chen, DECIMAL)
        at = Kiosk(client, cast)
        page = at.open("/c/shuibei/identify/")
        assert at.scan(DECIMAL).status_code == 422
        at.page = page
        assert at.scan(HEX_TURNED).location == "/c/shuibei/my/"
    finally:
        readers.use("keyboard")


def doubts() -> list[str]:
    """What `doctor` says of linked cards."""
    return [check.advice for check in examine() if "HALL_CARD_READER" in check.what and not check.ok]


def test_cards_linked_before_another_reader_was_set_go_on(people: Cast, inside: Flask) -> None:
    link_card(OPERATOR, people.aqiang, DECIMAL)
    link_card(OPERATOR, people.aqiang, "SZ0012345678")
    gone = link_card(OPERATOR, people.chen, "0000123456").id
    unlink_card(OPERATOR, people.chen, gone)
    twin = link_card(OPERATOR, people.chen, DECIMAL.lstrip("0")).id
    assert doubts() == []
    readers.use("uid-decimal")
    assert resident_of_number(DECIMAL) is None
    assert doubts() == ["2 are not, and are not known: flask --app app cards reread"]
    said = inside.test_cli_runner().invoke(args=["cards", "reread"])
    assert said.exit_code == 1, "the same card stood in twice, for two persons: a human decides"
    assert "1 numbers are kept anew." in said.output
    assert "1 stay as they were" in said.output
    found = resident_of_number(DECIMAL)
    assert found is not None
    assert found.id == people.aqiang
    numbers = db.session.execute(
        select(Card.kind, Card.number).where(Card.kind == "linked").order_by(Card.id)
    ).all()
    assert [row.number for row in numbers] == ["UID-04A1B2C3", "SZ0012345678", "0000123456", "77705923"]
    unlink_card(OPERATOR, people.chen, twin)
    again = inside.test_cli_runner().invoke(args=["cards", "reread"])
    assert (again.exit_code, again.output) == (0, "0 numbers are kept anew.\n")
    assert doubts() == []
    verbs = select(Audit.verb).where(Audit.subject_kind == "card", Audit.verb == "card.reread")
    assert db.session.scalars(verbs).all() == ["card.reread"]


@pytest.mark.parametrize(
    "setting",
    [
        "",
        "uid",
        "UID-HEX",
        "uid-hex,uid-decimal",
        "uid-hex,kiosk=",
        "uid-hex,kiosk=uid-hex,kiosk=uid-hex",
        "keyboard,",
    ],
)
def test_a_reader_that_is_not_there_stops_the_start_and_says_which_are(setting: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError) as error:
        load({"DATA_DIR": str(tmp_path), "CARD_READER": setting}, {})
    said = str(error.value)
    assert said.startswith(f"HALL_CARD_READER is {setting!r}; it may be keyboard, uid-decimal,")
    assert said.endswith("add theirs: uid-decimal,kiosk=uid-hex-reversed.")


@pytest.mark.databases("sqlite")
def test_the_setting_is_what_the_house_reads_with(database: str, tmp_path: Path) -> None:
    create_app(settings(database, tmp_path))
    assert readers.number(HEX, "desk") == readers.number(HEX, "kiosk") == HEX
    try:
        create_app(settings(database, tmp_path, CARD_READER="keyboard,kiosk=uid-hex"))
        assert (readers.number(HEX, "desk"), readers.number(HEX, "kiosk")) == (HEX, "UID-04A1B2C3")
    finally:
        readers.use("keyboard")
