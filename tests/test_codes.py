"""Codes that machines read and numbers that people read: ours are known without a look-up, strangers' are refused."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.codes import (
    ALPHABET,
    LENGTH,
    NUMBER_ALPHABET,
    code_hash,
    new_code,
    new_number,
    new_token,
    read_code,
    show_number,
)
from core.crypto import keys
from tests.support.databases import SECRET_KEY

OLD, NEW = "an old secret of the tests, long enough as well", "a new secret of the tests, long enough as well"


@pytest.fixture(autouse=True, scope="module")
def known_keys() -> Iterator[None]:
    keys.use([SECRET_KEY])
    yield
    keys.use([SECRET_KEY])


def test_a_code_is_a_kind_letter_and_thirty_signs_without_look_alikes() -> None:
    for kind in ("K", "B"):
        code = new_code(kind)
        assert (len(code), code[0]) == (LENGTH, kind)
        assert not set(code[1:]) & set("ILOU")
        assert read_code(code) == (kind, code)


def test_codes_do_not_repeat() -> None:
    assert len({new_code("K") for _n in range(2000)}) == 2000
    assert len({new_token() for _n in range(2000)}) == 2000


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        " {}\r\n",
        "https://hall.example.cn/q/{}",
        "http://192.0.2.7:8000/q/{}/",
        "https://an-older-name.example/q/{}?x=1",
        "HTTPS://HALL.EXAMPLE.CN/Q/{}",
    ],
)
def test_whatever_address_stands_around_it_a_code_is_read(around: str) -> None:
    code = new_code("B")
    assert read_code(around.format(code)) == ("B", code)


def test_who_types_it_by_hand_may_use_small_letters_and_look_alikes() -> None:
    code = new_code("K")
    assert read_code(code.lower()) == ("K", code)
    assert read_code(code.replace("0", "O").replace("1", "l")) == ("K", code)


def test_every_sign_is_checked() -> None:
    code = new_code("K")
    for place in range(1, LENGTH):
        other = ALPHABET[(ALPHABET.index(code[place]) + 1) % len(ALPHABET)]
        assert read_code(code[:place] + other + code[place + 1 :]) is None, place
    assert read_code("B" + code[1:]) is None, "a card's code is no slip's"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "K",
        "K" * 31,
        "6901234567892",
        "https://example.cn/",
        "C-00003026",
        "K" + "0" * 30,
        "\0" * 31,
        "卡" * 31,
    ],
)
def test_what_we_never_made_is_refused(text: str) -> None:
    assert read_code(text) is None


@given(st.text(max_size=80))
def test_whatever_a_scanner_types_reading_it_raises_nothing(text: str) -> None:
    found = read_code(text)
    assert found is None or found[1][0] in "KB"


def test_guessing_does_not_pay() -> None:
    dice = random.Random(7)
    guesses = ("K" + "".join(dice.choice(ALPHABET) for _n in range(30)) for _n in range(20_000))
    assert sum(read_code(guess) is not None for guess in guesses) <= 1


def test_codes_of_an_old_secret_are_read_while_it_is_known() -> None:
    keys.use([OLD])
    code = new_code("K")
    keys.use([NEW, OLD])
    assert read_code(code) == ("K", code)
    keys.use([NEW])
    assert read_code(code) is None
    keys.use([SECRET_KEY])


def test_what_is_stored_of_a_cards_code_does_not_give_it_back() -> None:
    code = new_code("K")
    assert len(code_hash(code)) == 32
    assert code_hash(code) == code_hash(code) != code_hash(new_code("K"))


def test_a_number_is_eight_signs_that_sound_and_look_different() -> None:
    numbers = [new_number() for _n in range(500)]
    assert all(len(number) == 8 and set(number) <= set(NUMBER_ALPHABET) for number in numbers)
    assert not set(NUMBER_ALPHABET) & set("01ILOU")
    assert len(set(numbers)) == 500
    assert show_number("K7M24QXD") == "K7M2 4QXD"
