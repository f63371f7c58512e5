"""Lists a page at a time: which page is asked for, what stands on it, where the others are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import request

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Paging:
    """One page of a list: its number from 1, how many there are, the addresses of its neighbours."""

    page: int
    pages: int
    size: int
    prev_url: str | None
    next_url: str | None

    @classmethod
    def at(cls, page: int, pages: int, size: int, url: Callable[[int], str]) -> "Paging":
        """Page `page` of `pages`; `url` says where a page is."""
        return cls(
            page, pages, size, url(page - 1) if page > 1 else None, url(page + 1) if page < pages else None
        )

    def of(self, rows: Sequence[Row]) -> Sequence[Row]:
        """What of all rows stands on this page."""
        return rows[(self.page - 1) * self.size : self.page * self.size]


def page_in(asked: int, many: int, size: int) -> tuple[int, int]:
    """The page that comes nearest to the asked one, and how many pages `many` rows fill; an empty list fills one."""
    pages = max(1, -(-many // size))
    return min(max(1, asked), pages), pages


def paging(many: int, size: int, url: Callable[[int], str], default: int = 1) -> Paging:
    """The page of `many` rows that the address asks for with `page`; `url` says where a page is."""
    page, pages = page_in(request.args.get("page", default, int), many, size)
    return Paging.at(page, pages, size, url)


def with_asked(path: str, **asked: Any) -> str:
    """An address with what is neither empty nor 0; an underscore at a name's end is left out (`from_`)."""
    said = {name.rstrip("_"): value for name, value in asked.items() if value not in (None, "", False)}
    return f"{path}?{urlencode(said, doseq=True)}" if said else path
