"""The scanner types: what it types is a scan, what people type is not."""

from random import Random

import pytest
from playwright.sync_api import expect

from tests.browser.kiosk import At, type_keys
from tests.support.cast import Cast

pytestmark = pytest.mark.databases("sqlite")
COUNT = """() => {
  window.scans = [];
  HTMLFormElement.prototype.requestSubmit = function () { window.scans.push(this.elements.payload.value); };
}"""
CODES = ["K0123456789ABCDEF", "https://127.0.0.1/q/B7A9816PWAANXWFZ61EHCC5ESYSMABN", "0012345678", "123456"]


def human(random: Random, text: str) -> list[float]:
    """Pauses of somebody who types: some keys come quickly after another, most do not."""
    mean = random.uniform(70, 320)
    return [max(18.0, random.gauss(mean, mean * 0.35)) for _sign in text]


def scanner(random: Random, text: str) -> list[float]:
    """Pauses of a scanner: mostly a few milliseconds, and now and then a hiccup of the line."""
    return [random.uniform(60, 90) if random.random() < 0.06 else random.uniform(1, 14) for _sign in text]


def test_what_people_type_is_no_scan_and_what_the_scanner_types_is(at: At) -> None:
    at.open("/c/shuibei/identify/phone")
    at.page.evaluate(COUNT)
    random = Random(7)
    typed = ["13800001187", "0612", "2580"]
    for round_ in range(15):
        text = typed[round_ % 3]
        type_keys(
            at.page,
            text,
            [gap * 0.5 for gap in human(random, text)] if round_ % 5 == 4 else human(random, text),
        )
    assert at.page.evaluate("() => window.scans") == []
    for round_ in range(20):
        code = CODES[round_ % len(CODES)]
        type_keys(at.page, code, scanner(random, code))
    assert at.page.evaluate("() => window.scans") == [CODES[n % len(CODES)] for n in range(20)]


def test_a_scan_into_a_field_leaves_nothing_in_it(at: At) -> None:
    at.open("/c/shuibei/identify/phone")
    at.page.evaluate(COUNT)
    field = at.page.get_by_label("手机号码")
    field.fill("138")
    field.focus()
    at.type_scan("K0123456789ABCDEF")
    assert at.page.evaluate("() => window.scans") == ["K0123456789ABCDEF"]
    expect(field).to_have_value("138")


def test_a_code_that_is_not_ours_is_refused_and_a_way_on_is_shown(at: At) -> None:
    at.type_scan("https://example.invalid/q/123456")
    at.title("这个码认不出")
    expect(at.page.locator(".main .choice").first).to_be_visible()


def test_a_card_scanned_on_the_home_opens_ones_own_day(at: At, cast: Cast) -> None:
    at.type_scan(cast.chen_code)
    at.title("我的")
    at.type_scan(cast.chen_code)
    at.title("我的")
