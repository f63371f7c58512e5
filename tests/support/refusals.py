"""Looking at refusals: a sentence in the reader's language, and nothing half-written."""

from collections.abc import Iterator
from contextlib import contextmanager

from bs4 import BeautifulSoup
from werkzeug.test import TestResponse

from core.i18n import HTML_LANG
from tests.support.house import House

TRIES = {"throttle", "visit"}
"""Tries are counted, and whoever taps is still there: that much is written down even where nothing is done."""


@contextmanager
def nothing_written(house: House, but: set[str] = TRIES) -> Iterator[None]:
    """Every row is as it was."""
    before = house.digest(but)
    yield
    after = house.digest(but)
    assert {table for table in before if before[table] != after[table]} == set()


def sentence(answer: TestResponse) -> str:
    """What the page says: its heading and its notice."""
    page = BeautifulSoup(answer.text, "html.parser")
    heading, notice = page.select_one("h1"), page.select_one(".notice")
    assert heading, f"{answer.request.path}: {answer.status_code} without a heading: {answer.text[:300]}"
    assert "Traceback" not in answer.text
    return f"{heading.get_text(' ', strip=True)} · {notice.get_text(' ', strip=True) if notice else ''}"


def refused(answer: TestResponse, status: int, lang: str = "zh_Hans") -> str:
    """The sentence of a refusal with this status, in this language."""
    assert answer.status_code == status, f"{answer.request.path}: {answer.status_code} {answer.text[:300]}"
    page = BeautifulSoup(answer.text, "html.parser")
    assert page.html is not None
    assert page.html["lang"] == HTML_LANG[lang]
    said = sentence(answer)
    assert len(said) > 8
    return said
