"""Where seats stand that nobody has measured: along both sides of their table, or in rows. In decimetres."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

SEAT = (9, 12)
TABLE = (10, 64)
FIRST_TABLE, NEXT_TABLE = (20, 12), 35
SIDES = (-6, 16)
"""Middle of a seat from its table's x: to its left, to its right."""
TOP, NEXT = 14, 16
IN_A_ROW, ROW_LEFT, ROW_NEXT = 6, 10, 14


@dataclass(frozen=True, slots=True)
class Spot:
    """A seat's place; without a width it has none yet."""

    code: str
    table: str
    x: int = 0
    y: int = 0
    width: int = 0
    height: int = 0


def laid_out(
    spots: Sequence[Spot], tables: Sequence[dict[str, Any]]
) -> tuple[list[Spot], list[dict[str, Any]]]:
    """Every spot and every table with a place; what has one keeps it. Tables that only seats name are added."""
    named = [table["code"] for table in tables]
    extra = dict.fromkeys(spot.table for spot in spots if spot.table and spot.table not in named)
    placed = _tables(
        [*tables, *({"code": code, "name_zh": f"{code}桌", "name_en": f"Table {code}"} for code in extra)]
    )
    left = {table["code"]: table["x"] for table in placed}
    taken = {(spot.x, spot.y) for spot in spots if spot.width}
    done = []
    for spot in spots:
        if spot.width:
            done.append(spot)
            continue
        free = _beside(left[spot.table]) if spot.table else _in_rows()
        x, y = next(place for place in free if place not in taken)
        taken.add((x, y))
        done.append(replace(spot, x=x, y=y, width=SEAT[0], height=SEAT[1]))
    return done, placed


def _tables(tables: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    x, done = FIRST_TABLE[0] - NEXT_TABLE, []
    for table in tables:
        here = {"x": x + NEXT_TABLE, "y": FIRST_TABLE[1], "w": TABLE[0], "h": TABLE[1]}
        done.append({**here, **table})
        x = max(x, done[-1]["x"])
    return done


def _beside(left: int) -> Iterator[tuple[int, int]]:
    for n in count():
        for side in SIDES:
            yield left + side, TOP + NEXT * n


def _in_rows() -> Iterator[tuple[int, int]]:
    for n in count():
        yield ROW_LEFT + ROW_NEXT * (n % IN_A_ROW), TOP + NEXT * (n // IN_A_ROW)
