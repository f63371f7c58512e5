"""Choosing combinations: every pair of values in an ordinary run, all of them with `script/test --all`."""

import os
from collections.abc import Sequence
from itertools import combinations, product
from typing import Any

Row = tuple[Any, ...]


def choose(*axes: Sequence[Any]) -> list[Row]:
    """Rows with one value of each axis. Values must be hashable."""
    rows = list(product(*axes))
    return rows if os.environ.get("HALL_TEST_ALL") == "1" else pairwise(rows)


def pairwise(rows: list[Row]) -> list[Row]:
    """Few of the rows, in which every pair of values that any row has still occurs together."""
    left = {pair for row in rows for pair in _pairs(row)}
    chosen = []
    while left:
        best = max(rows, key=lambda row: len(left & _pairs(row)))
        chosen.append(best)
        left -= _pairs(best)
    return chosen


def _pairs(row: Row) -> set[tuple[tuple[int, Any], ...]]:
    return set(combinations(enumerate(row), min(2, len(row))))
