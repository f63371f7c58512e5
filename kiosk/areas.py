"""The areas as the shell sees them: `create_app` hands them in, nobody imports an area."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.area import Area, MyItem, Tile


class Areas:
    """What is on offer in this process."""

    all: Sequence[Area] = ()


def use(areas: Sequence[Area]) -> None:
    """Called once by `create_app`."""
    Areas.all = tuple(areas)


def tiles(centre_id: int) -> list[Tile]:
    """Doors on the home, in the areas' order."""
    return [tile for area in Areas.all if area.tiles for tile in area.tiles(centre_id)]


def now_lines(centre_id: int) -> list[dict[str, str]]:
    """At most two lines «现在» on the home."""
    lines = [
        {"when": when, "area": area.name, "title": title, "note": note}
        for area in Areas.all
        if area.now
        for when, title, note in area.now(centre_id)
    ]
    return lines[:2]


def card_start(centre_id: int) -> str | None:
    """Where a card that a phone reads begins: what the first area offers that has something for it here."""
    offered = (area.card(centre_id) for area in Areas.all if area.card)
    return next((url for url in offered if url), None)


def my_day(resident_id: int, start: datetime, days: int) -> list[MyItem]:
    """A resident's things from `start` on, by time."""
    end = start + timedelta(days=days)
    items = [item for area in Areas.all if area.my_day for item in area.my_day(resident_id, start, end)]
    return sorted(items, key=lambda item: item.starts_at)


def proposals(resident_id: int, centre_id: int) -> list[Tile]:
    """What the areas hold out to a resident on «我的»."""
    offered = [area.proposals(resident_id, centre_id) for area in Areas.all if area.proposals]
    return [tile for tiles in offered for tile in tiles]


def slip_area(kind: str) -> Area | None:
    """The area whose codes begin with this letter."""
    return next((area for area in Areas.all if kind in area.slip_kind), None)
