"""Lists a page at a time: the page nearest to what is asked, its rows, the ways to its neighbours."""

from typing import Any

import pytest
from flask import Flask

from core.http.paging import page_in, paging, with_asked


@pytest.mark.parametrize(
    ("asked", "many", "size", "expected"),
    [
        (1, 0, 5, (1, 1)),  # an empty list is one page
        (1, 5, 5, (1, 1)),
        (2, 5, 5, (1, 1)),
        (2, 6, 5, (2, 2)),
        (9, 11, 5, (3, 3)),
        (0, 11, 5, (1, 3)),
        (-7, 11, 5, (1, 3)),
    ],
)
def test_the_page_nearest_to_the_asked_one(
    asked: int, many: int, size: int, expected: tuple[int, int]
) -> None:
    assert page_in(asked, many, size) == expected


@pytest.mark.parametrize(
    ("asked", "shown", "before", "after"),
    [
        ("", "abcde", None, "/x?page=2"),
        ("?page=2", "fghij", "/x?page=1", "/x?page=3"),
        ("?page=3", "k", "/x?page=2", None),
        ("?page=99", "k", "/x?page=2", None),
        ("?page=viele", "abcde", None, "/x?page=2"),
    ],
)
def test_every_row_stands_on_one_page(asked: str, shown: str, before: str | None, after: str | None) -> None:
    with Flask(__name__).test_request_context("/x" + asked):
        found = paging(11, 5, lambda n: with_asked("/x", page=n))
    assert "".join(found.of("abcdefghijk")) == shown
    assert (found.prev_url, found.next_url) == (before, after)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "/x"),
        ({"a": None, "b": "", "c": False}, "/x"),
        ({"from_": "09:00", "seat": "A&1"}, "/x?from=09%3A00&seat=A%261"),
        ({"page": 0}, "/x"),  # pages begin at 1
    ],
)
def test_addresses_carry_only_what_is_said(asked: dict[str, Any], expected: str) -> None:
    assert with_asked("/x", **asked) == expected
