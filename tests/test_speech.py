"""What the kiosk's voice is given to read."""

import pytest

from kiosk.speech import to_pinyin, to_words


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("银行", "yin2 hang2"),
        ("qīng zhēng lú yú含鱼", "qing1 zheng1 lu2 yu2 han2 yu2"),
        ("xiāng gū dòu fu", "xiang1 gu1 dou4 fu5"),
        ("lǜ dòu", "lv4 dou4"),
        ("A 座", "A  zuo4"),
    ],
)
def test_signs_and_marks_become_pinyin_with_digits(text: str, read: str) -> None:
    assert to_pinyin(text) == read


def test_sums_and_times_are_said_as_words() -> None:
    assert to_words("您付 ¥10.50，9:00–13:05") == "您付 十元五角，九点到十三点零五分"
