"""What a reader types of a card that people already have, as the one number that is kept of it.

To us every reader is a keyboard. Of the same card one kind types the printed number, another the chip's number (UID)
in decimal, a third in hexadecimal, a fourth turns its bytes round. One interface; docs/card-readers.md says what
another one must do. `HALL_CARD_READER` names the house's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

Place = Literal["desk", "kiosk"]
"""Where a card is read: with staff (and by programs and sheets), or at a kiosk."""
SHORTEST, LONGEST = 6, 32
DECIMAL = re.compile("[0-9]{6,10}")
PAIRS = re.compile("[0-9A-F]{2}(?:([:-]?)[0-9A-F]{2})(?:\\1[0-9A-F]{2})*")
"""Bytes in hexadecimal, one after the other or all with the same mark between them."""
UID_BYTES = frozenset({4, 7, 10})
"""As long as ISO 14443 lets a UID be."""


class CardReader(Protocol):
    """A kind of reader."""

    def number(self, typed: str) -> str | None:
        """The number that is kept of the card whose reader typed this; None: it is no card's. Asks nobody, keeps
        nothing, and leaves a number that is kept already as it is."""


class Keyboard:
    """Types the number as it is printed: without spaces, in capitals."""

    def number(self, typed: str) -> str | None:
        plain = "".join(typed.split()).upper()
        return plain if SHORTEST <= len(plain) <= LONGEST and plain.isascii() else None


@dataclass(frozen=True, slots=True)
class UidDecimal:
    """Types a UID of four bytes as a decimal number, with noughts before it or without."""

    order: Literal["big", "little"]

    def number(self, typed: str) -> str | None:
        plain = KEYBOARD.number(typed)
        if plain and DECIMAL.fullmatch(plain) and int(plain) < 2**32:
            return _kept(int(plain).to_bytes(4, self.order))
        return plain


@dataclass(frozen=True, slots=True)
class UidHex:
    """Types a UID as hexadecimal bytes: 04A1B2C3, 04:a1:b2:c3, 04-A1-B2-C3."""

    order: Literal["big", "little"]

    def number(self, typed: str) -> str | None:
        plain = KEYBOARD.number(typed)
        if plain and PAIRS.fullmatch(plain):
            uid = bytes.fromhex(re.sub("[:-]", "", plain))
            if len(uid) in UID_BYTES:
                return _kept(uid if self.order == "big" else uid[::-1])
        return plain


def _kept(uid: bytes) -> str:
    """A UID as it is kept, in the order in which the card says its bytes. The mark keeps it apart from printed
    numbers, and is why no reader reads it a second time."""
    return f"UID-{uid.hex().upper()}"


KEYBOARD = Keyboard()
READERS: dict[str, CardReader] = {
    "keyboard": KEYBOARD,
    "uid-decimal": UidDecimal("big"),
    "uid-decimal-reversed": UidDecimal("little"),
    "uid-hex": UidHex("big"),
    "uid-hex-reversed": UidHex("little"),
}
"""By name, as `HALL_CARD_READER` says it."""
AT_KIOSKS = "kiosk="


def readers_of(setting: str) -> dict[Place, CardReader] | None:
    """Which reader stands where: `NAME`, or `NAME,kiosk=NAME` where the kiosks have another one. None: wrong."""
    desk, comma, rest = setting.partition(",")
    kiosk = rest.removeprefix(AT_KIOSKS) if comma else desk
    if (comma and not rest.startswith(AT_KIOSKS)) or not {desk, kiosk} <= READERS.keys():
        return None
    return {"desk": READERS[desk], "kiosk": READERS[kiosk]}


class Readers:
    """The readers of this house. One object for the process, filled by `create_app`."""

    def __init__(self) -> None:
        self._at: Mapping[Place, CardReader] = {"desk": KEYBOARD, "kiosk": KEYBOARD}

    def use(self, setting: str) -> None:
        """`setting`: HALL_CARD_READER, which has been looked at when the settings were read."""
        found = readers_of(setting)
        if found is None:
            raise ValueError(setting)
        self._at = found

    def number(self, typed: str, place: Place) -> str | None:
        """The number that is kept of a card that was read there; None: it is no card's."""
        return self._at[place].number(typed)


readers = Readers()
