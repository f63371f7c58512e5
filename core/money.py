"""Money is integer fen, everywhere. Shown with two decimals, said as words by `kiosk/speech.py`."""

from decimal import Decimal

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.types import TypeDecorator


class Fen(TypeDecorator[int]):
    """An amount in fen. Refuses anything but whole numbers: a float would lose a fen somewhere."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise TypeError(f"money is whole fen, not {value!r}")
        return value


def in_yuan(fen: str | int) -> Decimal:
    """An amount for a sheet."""
    return Decimal(int(fen)) / 100


def yuan(fen: int) -> str:
    """1500 → ¥15.00; the sign stands before the mark."""
    whole, rest = divmod(abs(fen), 100)
    return f"{'−' if fen < 0 else ''}¥{whole}.{rest:02d}"
