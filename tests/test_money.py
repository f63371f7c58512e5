"""Money is whole fen."""

import pytest
from sqlalchemy.dialects import sqlite

from core.money import Fen, yuan


@pytest.mark.parametrize(
    ("fen", "shown"),
    [(0, "¥0.00"), (5, "¥0.05"), (1500, "¥15.00"), (-250, "−¥2.50"), (10**9, "¥10000000.00")],
)
def test_is_shown_with_two_decimals(fen: int, shown: str) -> None:
    assert yuan(fen) == shown


@pytest.mark.parametrize("odd", [15.0, "15", True])
def test_nothing_but_whole_numbers_is_stored(odd: object) -> None:
    with pytest.raises(TypeError, match="whole fen"):
        Fen().process_bind_param(odd, sqlite.dialect())  # type: ignore[arg-type]
