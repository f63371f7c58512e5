"""Chromium as Debian ships it, driven by Playwright; what a page must not do is noted while a test goes on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--font-render-hinting=none",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
PORTRAIT, LANDSCAPE, PHONE, DESK = (1080, 1920), (1920, 1080), (390, 844), (1440, 900)
WAIT_MS = 10_000
HERE = {"127.0.0.1", "localhost"}


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser with a profile of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


ALLOWED = "--use-fake-ui-for-media-stream"
AS_AT_KIOSKS = "--auto-accept-camera-and-microphone-capture"
"""The switch that docs/operating.md names: nobody is asked whether the camera may be used."""


@contextmanager
def filming(browser: Browser, film: Path, allowed: str = ALLOWED) -> Iterator[Browser]:
    """A browser of its own, whose only camera sees `film` (y4m) over and over, and whose user has allowed it."""
    camera = [
        "--use-fake-device-for-media-stream",
        allowed,
        f"--use-file-for-fake-video-capture={film}",
    ]
    opened = browser.browser_type.launch(executable_path=CHROMIUM, args=[*FLAGS, *camera])
    yield opened
    opened.close()


class Screens:
    """The windows that one test opens. `problems` collects what no page may do; the fixture refuses any at the end."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.contexts: list[BrowserContext] = []
        self.problems: list[str] = []

    def open(self, size: tuple[int, int] = PORTRAIT, base_url: str | None = None, **options: Any) -> Page:
        """A page in a fresh profile."""
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            base_url=base_url,
            locale=options.pop("locale", "zh-CN"),
            timezone_id="Asia/Shanghai",
            has_touch=options.pop("has_touch", size in (PORTRAIT, LANDSCAPE, PHONE)),
            **options,
        )
        context.set_default_timeout(WAIT_MS)
        context.on("page", self._watch)
        self.contexts.append(context)
        return context.new_page()

    def photograph(self, folder: Path, name: str) -> None:
        """A picture of every window, for whoever looks at a failed test."""
        folder.mkdir(parents=True, exist_ok=True)
        stem = re.sub(r"[^\w.-]+", "_", name)[-120:]
        pages = [page for context in self.contexts for page in context.pages]
        for number, page in enumerate(pages):
            page.screenshot(path=folder / f"{stem}-{number}.png", timeout=5000)

    def close(self) -> None:
        for context in self.contexts:
            context.close()

    def _watch(self, page: Page) -> None:
        page.on("request", self._on_request)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.problems.append(f"script error: {error}"))

    def _on_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob", "about") and address.hostname not in HERE:
            self.problems.append(f"asked elsewhere: {request.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        # a refused or failed request is the test's business and shows in what the page then says
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.problems.append(f"console: {message.text}")
