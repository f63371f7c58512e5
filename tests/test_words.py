"""How days are said: the near word first, and no weekday twice."""

from datetime import date

import pytest
from flask import Flask
from flask_babel import force_locale

from core.words import full_day

MONDAY = date(2026, 11, 23)
pytestmark = pytest.mark.databases("sqlite")


@pytest.mark.parametrize(
    ("day", "chinese", "english"),
    [
        (22, "昨天 11月22日 星期日", "Yesterday, Sunday 22\xa0Nov"),
        (23, "今天 11月23日 星期一", "Today, Monday 23\xa0Nov"),
        (25, "后天 11月25日 星期三", "Wednesday 25\xa0Nov"),
        (26, "11月26日 星期四", "Thursday 26\xa0Nov"),
        (30, "11月30日 星期一", "Monday 30\xa0Nov"),
    ],
)
def test_a_day_is_said_with_its_weekday_once(inside: Flask, day: int, chinese: str, english: str) -> None:
    with force_locale("zh_Hans"):
        assert full_day(date(2026, 11, day), MONDAY) == chinese
    with force_locale("en"):
        assert full_day(date(2026, 11, day), MONDAY) == english
