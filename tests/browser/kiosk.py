"""Somebody before a kiosk: taps are counted, and scans are typed as the scanner types them."""

import re

from playwright.sync_api import Locator, Page, Response, expect

from kiosk.session import DEVICE_COOKIE
from tests.support.browser import PORTRAIT, Screens
from tests.support.cast import Cast
from tests.support.qr import read
from tests.support.server import Server

SCAN_GAP_MS = 8
SETTLED = "() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')"


class At:
    """A paired kiosk's screen and whoever stands before it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.taps = 0

    def open(self, path: str = "/kiosk/") -> Response | None:
        return self.page.goto(path)

    def tap(self, target: str | Locator) -> None:
        """One tap of a finger: on a control by its words, or on what a locator finds."""
        place = self.control(target) if isinstance(target, str) else target
        expect(place).to_be_visible()
        place.tap()
        self.taps += 1

    def control(self, words: str) -> Locator:
        found = self.page.locator("a, button").filter(has_text=re.compile(words))
        return found.filter(visible=True).first

    def title(self, words: str) -> None:
        """The page that says so has arrived, and nothing is under way any more."""
        expect(self.page.locator("h1")).to_contain_text(words)
        self.page.wait_for_function(SETTLED)

    def type_scan(self, payload: str, gap: float = SCAN_GAP_MS) -> None:
        type_keys(self.page, payload, [gap] * len(payload))

    def codes(self) -> list[str]:
        """The QR codes that a camera sees on this screen."""
        return read(self.page.screenshot())


def type_keys(page: Page, text: str, gaps: list[float]) -> None:
    """Keys with these pauses (ms) before them, then Enter. Pauses are told, not waited for: load adds none."""
    page.evaluate(
        """([text, gaps]) => {
          let now = performance.now();
          const press = (key) => {
            const to = document.activeElement || document.body;
            const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
            Object.defineProperty(event, "timeStamp", { value: now });
            const went = to.dispatchEvent(event);
            if (went && key.length === 1 && to.matches("input, textarea")) {
              to.value += key;
              to.dispatchEvent(new Event("input", { bubbles: true }));
            }
          };
          [...text].forEach((key, n) => { now += gaps[n]; press(key); });
          now += 5;
          press("Enter");
        }""",
        [text, gaps],
    )


def kiosk(
    screens: Screens, server: Server, cast: Cast, size: tuple[int, int] = PORTRAIT, path: str = "/kiosk/"
) -> At:
    """A window that is 1号一体机 of 水贝, on its home."""
    page = screens.open(size, base_url=server.url)
    page.context.add_cookies([{"name": DEVICE_COOKIE, "value": cast.kiosk_secret, "url": server.url}])
    at = At(page)
    at.open(path)
    return at
