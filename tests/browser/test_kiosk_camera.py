"""The kiosk's camera: a card before it identifies like one at the scanner, and it looks no longer than it must."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from core.qr import qr_svg
from tests.browser.kiosk import At, kiosk
from tests.browser.scene import TUESDAY, Scene
from tests.browser.sights import PREFS, Sight
from tests.browser.test_pages import LANGUAGES, MODES, axe, look
from tests.support.browser import AS_AT_KIOSKS, LANDSCAPE, PHONE, PORTRAIT, Screens, filming
from tests.support.cast import Cast
from tests.support.film import shoot
from tests.support.hall import ALL
from tests.support.matrix import choose
from tests.support.qr import paint_svg
from tests.support.server import Server

pytestmark = pytest.mark.databases("sqlite")
IDENTIFY = "/c/shuibei/identify/"
START, STOP = "[data-camera-button=off]", "[data-camera-button=on]"
PROMISE = "画面只在这台机器上看码，不保存。"
PANELS = {
    "identify": IDENTIFY,
    "who": f"/c/shuibei/canteen/who?next=/c/shuibei/canteen/menu/{TUESDAY}/lunch/",
    "check-in": "/c/shuibei/booking/check-in/",
}
WATCH = """
  const asked = MediaDevices.prototype.getUserMedia;
  window.streams = [];
  MediaDevices.prototype.getUserMedia = async function (wish) {
    const stream = await asked.call(this, wish);
    window.streams.push(stream);
    return stream;
  };
"""
RUNNING = (
    "() => window.streams.flatMap((one) => one.getTracks()).filter((one) => one.readyState === 'live').length"
)
SEEING = "() => { const view = document.querySelector('[data-camera-view]'); return view.videoWidth && !view.paused; }"
KEPT = """async () => [...Object.keys(localStorage), ...Object.keys(sessionStorage),
  ...(await indexedDB.databases()).map(({ name }) => name), ...(await caches.keys())]"""


@contextmanager
def camera(
    server: Server, browser: Browser, cast: Cast, film: Path, allowed: str = AS_AT_KIOSKS
) -> Iterator[At]:
    """A kiosk whose camera sees `film`, started as docs/operating.md says."""
    with filming(browser, film, allowed) as opened:
        screens = Screens(opened)
        at = kiosk(screens, server, cast)
        at.page.add_init_script(WATCH)
        yield at
        screens.close()
        assert not screens.problems, "\n".join(screens.problems)


@pytest.fixture
def nothing(tmp_path: Path) -> Path:
    """A film of an empty table."""
    return shoot(tmp_path / "nothing.y4m", [(None, 1)])


def running(page: Page) -> int:
    return int(page.evaluate(RUNNING))


def test_a_card_before_the_camera_identifies_and_no_picture_leaves_the_machine(
    server: Server, browser: Browser, cast: Cast, tmp_path: Path
) -> None:
    card = paint_svg(str(qr_svg(f"{server.url}/q/{cast.chen_code}")))
    film = shoot(tmp_path / "card.y4m", [(None, 1.5), (card, 2)])
    sent: list[Request] = []

    def keep(request: Request) -> None:
        sent.append(request)

    with camera(server, browser, cast, film) as at:
        at.open(IDENTIFY)
        expect(at.page.locator("body")).to_contain_text(PROMISE)
        at.page.on("request", keep)
        at.tap("用摄像头扫")
        expect(at.page.locator("[data-camera-view]")).to_be_visible()
        expect(at.page.get_by_role("status").filter(has_text="把方块码对着摄像头")).to_be_visible()
        at.title("我的")
        expect(at.page.locator("main")).to_contain_text("陈*英")
        assert running(at.page) == 0
        assert set(at.page.evaluate(KEPT)) <= {"htmx-current-path-for-history"}
        posts = {request.url.removeprefix(server.url): request for request in sent if request.method != "GET"}
        assert posts.keys() <= {"/kiosk/scan", "/kiosk/heartbeat"}
        assert cast.chen_code in (posts["/kiosk/scan"].post_data or "")
        assert all(len(request.post_data_buffer or b"") < 1000 for request in posts.values())


def test_it_stops_when_it_is_told_to(server: Server, browser: Browser, cast: Cast, nothing: Path) -> None:
    with camera(server, browser, cast, nothing) as at:
        at.open(IDENTIFY)
        at.tap("用摄像头扫")
        expect(at.page.locator(STOP)).to_be_focused()
        assert running(at.page) == 1
        at.tap("停下")
        expect(at.page.locator("[data-camera-view]")).to_be_hidden()
        expect(at.page.locator(START)).to_be_focused()
        assert running(at.page) == 0
        at.tap("用摄像头扫")
        expect(at.page.locator("[data-camera-view]")).to_be_visible()


@pytest.mark.parametrize("way", ["a link", "a scan", "the wipe"])
def test_it_stops_when_its_page_is_left(
    server: Server, browser: Browser, cast: Cast, nothing: Path, way: str
) -> None:
    with camera(server, browser, cast, nothing) as at:
        at.open(IDENTIFY)
        at.tap("用摄像头扫")
        expect(at.page.locator(STOP)).to_be_visible()
        at.page.wait_for_function(SEEING)
        at.page.evaluate("() => { window.before = true; }")
        if way == "a link":
            at.tap("没带卡，用手机号")
            at.title("手机号")
        elif way == "a scan":
            at.type_scan(cast.chen_code)
            at.title("我的")
        else:
            at.page.evaluate(
                "() => { document.body.replaceChildren(); }"
            )  # as the wipe does, before the home comes
        at.page.wait_for_function(f"() => ({RUNNING})() === 0")
        assert at.page.evaluate("() => window.before"), (
            "the same document: nothing but camera.js has ended it"
        )


def test_it_stops_after_twenty_seconds_without_a_code(
    server: Server, browser: Browser, cast: Cast, nothing: Path
) -> None:
    with camera(server, browser, cast, nothing) as at:
        at.page.clock.install()
        at.open(IDENTIFY)
        at.page.wait_for_function(f"() => !document.querySelector('{START}').closest('[hidden]')")
        at.tap("用摄像头扫")
        expect(at.page.locator(STOP)).to_be_visible()
        at.page.wait_for_function(SEEING)
        at.page.clock.run_for(18_000)
        assert running(at.page) == 1
        at.page.clock.run_for(3_000)
        assert running(at.page) == 0
        expect(at.page.get_by_role("status").filter(has_text="没看到方块码")).to_be_visible()
        at.tap("用摄像头扫")
        expect(at.page.locator(STOP)).to_be_visible()


def test_without_a_camera_there_is_no_button(at: At) -> None:
    for path in PANELS.values():
        at.open(path)
        if at.page.locator("[data-camera]").count():
            at.page.evaluate("async () => { await hallCamera(); }")
            expect(at.page.locator(START)).to_be_hidden()
            expect(at.page.locator("body")).to_contain_text("对准下面的小窗")
            expect(at.page.get_by_text(PROMISE)).to_be_hidden()


def test_a_camera_that_may_not_be_used_is_said_once_and_offered_no_more(
    server: Server, browser: Browser, cast: Cast, nothing: Path
) -> None:
    with camera(server, browser, cast, nothing, allowed="--deny-permission-prompts") as at:
        at.open(IDENTIFY)
        at.tap("用摄像头扫")
        expect(at.page.get_by_role("status").filter(has_text="摄像头打不开")).to_be_visible()
        expect(at.page.locator(START)).to_be_hidden()
        at.open(IDENTIFY)
        at.page.evaluate("async () => { await hallCamera(); }")
        expect(at.page.locator(START)).to_be_hidden()


def test_a_phone_is_not_asked_for_its_camera(
    server: Server, browser: Browser, cast: Cast, nothing: Path
) -> None:
    with filming(browser, nothing, AS_AT_KIOSKS) as opened:
        screens = Screens(opened)
        page = screens.open(PHONE, base_url=server.url, is_mobile=True)
        page.goto(IDENTIFY)
        expect(page.locator("h1")).to_contain_text("请刷一下您的卡")
        assert page.locator("[data-camera], script[src*=camera]").count() == 0
        screens.close()


@pytest.mark.parametrize("size", [PORTRAIT, LANDSCAPE], ids=["portrait", "landscape"])
def test_the_panel_with_a_camera_keeps_to_the_budget(
    size: tuple[int, int], browser: Browser, scene: Scene, nothing: Path
) -> None:
    """Check 1 and 2 of every page, off, on and after twenty seconds, which no page without a camera can show."""
    found: list[str] = []
    with filming(browser, nothing, AS_AT_KIOSKS) as opened:
        screens = Screens(opened)
        every = sorted(choose(tuple(MODES), LANGUAGES, tuple(PANELS)))
        chosen = every if ALL else every[size == LANDSCAPE :: 2]
        for (mode, lang), rows in groupby(chosen, key=lambda row: row[:2]):
            page = screens.open(size)
            scene.enter(page.context, "kiosk-", {**PREFS, **MODES[mode], "lang": lang})
            page.clock.install()
            for _mode, _lang, name in rows:
                page.goto(f"{scene.server.url}{PANELS[name]}")
                sight = Sight(name, "kiosk-", PANELS[name])
                for state in ("off", "on", "over"):
                    if state == "on":
                        page.locator(START).tap()
                        page.locator(STOP).wait_for()
                    elif state == "over":
                        page.clock.run_for(21_000)
                    page.locator(STOP if state == "on" else START).wait_for()
                    faults = look(page, "kiosk", size, mode, sight)
                    faults += spilt(page)
                    if lang == "zh_Hans":
                        faults += axe(page, "kiosk", mode)
                    found += [f"{name} {mode} {lang} {state}: {fault}" for fault in faults]
            page.context.close()
            screens.contexts.remove(page.context)
        assert not screens.problems
    assert not found, f"{len(found)} faults\n" + "\n".join(found)


def spilt(page: Page) -> list[str]:
    """What of the panel lies beyond its edge, or upon another part."""
    faults: list[str] = page.evaluate(SPILT)
    return faults


SPILT = """() => {
  const panel = document.querySelector(".card-panel"), edge = panel.getBoundingClientRect();
  const parts = [...panel.querySelectorAll(":scope > :not(.panel-camera), .panel-camera > *")];
  const there = parts.map((part) => [part, part.getBoundingClientRect()]).filter(([, box]) => box.width);
  const name = (part) => `<${part.tagName} ${part.textContent.trim().slice(0, 20)}>`;
  const beyond = ({ top, right, bottom, left }) =>
    top < edge.top || right > edge.right || bottom > edge.bottom || left < edge.left;
  const upon = (one, other) => Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 2
    && Math.min(one.right, other.right) - Math.max(one.left, other.left) > 2;
  return there.flatMap(([part, box], n) => [
    ...(beyond(box) ? [`${name(part)} beyond the panel`] : []),
    ...there.slice(n + 1).filter(([, other]) => upon(box, other)).map(([other]) => `${name(part)} upon ${name(other)}`),
  ]);
}"""
