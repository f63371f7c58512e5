"""What is encrypted can be read only here, only in its own column, and looked up without being read."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select, text

from core.crypto import Keys, Undecryptable, blind, blinds, decrypt, encrypt, keys
from core.database import db
from people.models import Resident
from people.phones import phone_indexes, tail_index, whole_index
from staff.doctor import examine
from tests.support.cast import Cast
from tests.support.databases import SECRET_KEY

WHERE, PLAIN = "resident.phone", "+8613800001187"
OLD, NEW = "an old secret of the tests, long enough as well", "a new secret of the tests, long enough as well"


@pytest.fixture(autouse=True)
def known_keys() -> Iterator[None]:
    keys.use([SECRET_KEY])
    yield
    keys.use([SECRET_KEY])


@pytest.mark.parametrize("plain", [PLAIN, "陈秀英", "x", " ", "🙂" * 100, "a" * 100_000])
def test_what_was_encrypted_can_be_read_again(plain: str) -> None:
    cipher = encrypt(plain, WHERE)
    assert decrypt(cipher, WHERE) == plain
    assert plain.encode() not in cipher


def test_an_empty_text_can_be_kept_too() -> None:
    assert decrypt(encrypt("", WHERE), WHERE) == ""


def test_a_value_cannot_be_moved_to_another_column() -> None:
    with pytest.raises(Undecryptable, match=r"staff\.note"):
        decrypt(encrypt(PLAIN, WHERE), "staff.note")


def test_a_value_that_was_tampered_with_is_not_read() -> None:
    cipher = bytearray(encrypt(PLAIN, WHERE))
    for place in range(len(cipher)):
        broken = bytes(cipher[:place] + bytes([cipher[place] ^ 1]) + cipher[place + 1 :])
        with pytest.raises(Undecryptable):
            decrypt(broken, WHERE)


@pytest.mark.parametrize("cipher", [b"", b"x", b"x" * 15, b"x" * 16])
def test_what_is_no_cipher_is_said_to_be_none(cipher: bytes) -> None:
    with pytest.raises(Undecryptable):
        decrypt(cipher, WHERE)


def test_another_secret_does_not_open_it_and_the_message_says_what_to_look_at() -> None:
    cipher = encrypt(PLAIN, WHERE)
    keys.use([NEW])
    with pytest.raises(Undecryptable, match="HALL_SECRET_KEY"):
        decrypt(cipher, WHERE)


def test_old_secrets_read_and_the_newest_writes() -> None:
    keys.use([OLD])
    before = encrypt(PLAIN, WHERE)
    keys.use([NEW, OLD])
    after = encrypt(PLAIN, WHERE)
    assert decrypt(before, WHERE) == decrypt(after, WHERE) == PLAIN
    keys.use([NEW])
    assert decrypt(after, WHERE) == PLAIN


def test_a_blind_index_finds_under_every_known_secret_and_tells_columns_apart() -> None:
    keys.use([OLD])
    before = blind(PLAIN, WHERE)
    keys.use([NEW, OLD])
    assert blind(PLAIN, WHERE) != before
    assert before in blinds(PLAIN, WHERE)
    assert blind(PLAIN, WHERE) == blinds(PLAIN, WHERE)[0]
    assert blind(PLAIN, "resident.phone_tail") != blind(PLAIN, WHERE)
    assert len(before) == 16


def test_keys_of_different_purposes_are_different_and_none_is_the_secret() -> None:
    found = {keys.newest(purpose, 32) for purpose in ("column", "blind", "code")}
    assert len(found) == 3
    assert SECRET_KEY.encode()[:32] not in found


def test_without_a_secret_nothing_is_encrypted_in_silence() -> None:
    with pytest.raises(RuntimeError, match="no secret"):
        Keys().newest("column")


def test_the_database_holds_no_number_that_can_be_read(inside: Flask, cast: Cast) -> None:
    row = db.session.execute(
        text("SELECT phone, phone_index, phone_tail_index FROM resident WHERE id = :id"), {"id": cast.chen}
    ).one()
    assert all(b"1187" not in bytes(cell) for cell in row)
    person = db.session.get_one(Resident, cast.chen)
    assert (person.phone, person.phone_tail) == (PLAIN, "1187")


def test_a_whole_number_and_its_last_four_digits_find_the_person(inside: Flask, cast: Cast) -> None:
    whole = select(Resident.id).where(Resident.phone_index.in_(whole_index(PLAIN)))
    tail = select(Resident.id).where(Resident.phone_tail_index.in_(tail_index("1187")))
    assert db.session.scalars(whole).all() == db.session.scalars(tail).all() == [cast.chen]
    assert phone_indexes(None) == (None, None)


def test_the_doctor_says_when_the_secret_is_the_wrong_one(inside: Flask, cast: Cast) -> None:
    keys.use([NEW])
    db.session.expunge_all()
    (found,) = [check for check in examine() if "HALL_SECRET_KEY" in check.advice]
    assert not found.ok
