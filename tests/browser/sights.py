"""Every page that anybody can come to: found by following links, and by sending forms that are refused."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urljoin, urlsplit

from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page

from tests.browser.scene import MONDAY, TUESDAY, WEDNESDAY, Scene

PREFS = {"text": "normal", "contrast": "normal", "reach": "normal", "lang": "zh_Hans"}
SAME_SHAPE = 2
"""So many pages of one kind of address are opened while following links; more kinds matter more than more of one."""
SPACES = ("/spaces/elder/", "/spaces/hall/")
FORGED = "B" + "0" * 26
SLIP, CARD = "/q/{slip}", "/q/{card}"
BOOK = "/c/shuibei/booking"
READING = f"{BOOK}/spaces/reading"
EAT = "/c/shuibei/canteen"
MEAL = f"{EAT}/menu/{TUESDAY}/lunch"
SOLD_OUT, CLOSED = f"{MEAL}/check?offer=L4", f"{EAT}/menu/{MONDAY}/lunch/check?offer=L1"


@dataclass(frozen=True)
class Sight:
    """A page as somebody of `role` sees it. fields: what the form found by `form` is sent with; () for a plain page."""

    name: str
    role: str
    path: str
    form: str = ""
    fields: tuple[tuple[str, str], ...] = field(default=())

    @property
    def surface(self) -> str:
        return self.role.partition("-")[0]


WALKS: dict[str, tuple[str, ...]] = {
    "kiosk-": (
        "/kiosk/",
        "/kiosk/display",
        f"{BOOK}/check/",
        "/q/" + FORGED,
        "/nowhere",
        f"{READING}/{WEDNESDAY}/",
        f"{READING}/{TUESDAY}/ways",
    ),
    "kiosk-card": (
        "/c/shuibei/my/",
        f"{BOOK}/",
        SLIP,
        "/q/{slip-cancelled}",
        "/q/{slip-using}",
        "/q/{slip}/cancel",
    ),
    "kiosk-pin": (
        "/c/shuibei/my/",
        "/c/shuibei/my/consents",
        "{done}",
        f"{BOOK}/check-in/",
        f"{EAT}/",
        f"{EAT}/mine/",
        f"{EAT}/o/{{meal}}/done",
        f"{EAT}/o/{{swapped}}/",
        f"{MEAL}/check?offer=L2",
        SOLD_OUT,
        CLOSED,
    ),
    "kiosk-nothing": ("/c/shuibei/my/", f"{BOOK}/check-in/"),
    "kiosk-seated": (f"{BOOK}/check-in/", "/c/shuibei/my/"),
    "kiosk-held": (f"{BOOK}/check/",),
    "kiosk-consent": ("/c/shuibei/identify/consent",),
    "kiosk-newpin": ("/c/shuibei/identify/new-pin",),
    "phone-": (
        "/",
        "/c/shuibei/",
        "/kiosk/display",
        f"{BOOK}/check/",
        "/q/" + FORGED,
        CARD,
        SLIP,
        "/q/{run}",
    ),
    "phone-pin": (
        "/c/shuibei/my/",
        "/c/shuibei/my/consents",
        "{done}",
        f"{EAT}/mine/",
        f"{EAT}/o/{{meal}}/done",
        f"{EAT}/o/{{swapped}}/",
        f"{MEAL}/check?offer=L2",
        SOLD_OUT,
        CLOSED,
    ),
    "phone-nothing": (
        "/c/shuibei/my/",
        f"{MEAL}/check?offer=L1",
        f"{EAT}/?for={{son}}",
        f"{EAT}/family/",
        "/q/{invitation}",
    ),
    "phone-held": (f"{BOOK}/check/",),
    "board-": ("/board/shuibei",),
    "staff-": ("/staff/",),
    "staff-wu": ("/staff/", "/staff/c/shuibei/people/?q=陈", f"/staff/c/shuibei/booking/reading/{TUESDAY}"),
    "staff-manager": ("/staff/",),
}
"""Where each begins to follow links. What stands in braces is put in from the house."""
DEEP = {"kiosk-", "phone-", "kiosk-card", "phone-pin", "kiosk-pin", "staff-wu", "staff-manager"}
"""They follow links; the others only look at where they begin."""
PAIRING = {
    "kiosk-unpaired": ("/kiosk/pair", "/kiosk/pair?code={pairing}"),
}
HOLD = "form[action$='/hold']"
REFUSED = [
    Sight("seat taken", "kiosk-", f"{READING}/{TUESDAY}/", HOLD, (("seat", "A1"),)),
    Sight("seat kept", "kiosk-card", f"{READING}/{TUESDAY}/", HOLD, (("seat", "C8"),)),
    Sight("day is full", "kiosk-card", f"{READING}/{TUESDAY}/?from=17:00&to=18:00", HOLD, ()),
    Sight("wrong pin", "kiosk-numbered", "/c/shuibei/identify/pin", "form.pad-page", (("pin", "1111"),)),
    Sight("few digits", "kiosk-", "/c/shuibei/identify/phone", "form.pad-page", (("phone", "138"),)),
    Sight("no birthday", "kiosk-", "/c/shuibei/identify/birthday", "form.pad-page", (("birthday", "1399"),)),
    Sight("card not ours", "kiosk-", "/kiosk/display", "#scan-form", (("payload", "9999999999"),)),
    Sight("short tail", "kiosk-", f"{BOOK}/check-in/tail", "form.pad-page", (("tail", "1"),)),
    Sight("tail's pin", "kiosk-", f"{BOOK}/check-in/tail", "form.pad-page", (("tail", "1187"),)),
    Sight("page too old", "kiosk-", "/kiosk/display", "#scan-form", (("csrf_token", "old"),)),
    Sight("weak pin", "kiosk-newpin", "/c/shuibei/identify/new-pin", "form.pad-page", (("pin", "1111"),)),
    Sight("no such pairing", "kiosk-unpaired", "/kiosk/pair", "form.pad-page", (("code", "2222 2222"),)),
    Sight("phone: seat taken", "phone-", f"{READING}/{TUESDAY}/", HOLD, (("seat", "A1"),)),
    Sight(
        "phone: wrong pin", "phone-numbered", "/c/shuibei/identify/pin", "form.pad-page", (("pin", "1111"),)
    ),
    Sight(
        "wrong password",
        "staff-",
        "/staff/sign-in",
        "#main form",
        (("email", "wu@hall.invalid"), ("password", "wrong")),
    ),
]


def find(browser: Browser, scene: Scene, surface: str) -> list[Sight]:
    """All of a surface, in an order that is the same every time."""
    values = {
        **scene.codes,
        **scene.numbers,
        "done": f"{BOOK}/b/{scene.numbers['far']}/done",
        "pairing": scene.pairing,
    }
    found: dict[str, Sight] = {}
    for role, paths in {**WALKS, **PAIRING}.items():
        if role.partition("-")[0] != surface:
            continue
        begin = [re.sub(r"{([^}]+)}", lambda match: values[match[1]], path) for path in paths]
        for sight in _walk(browser, scene, role, begin):
            kind = sight.name.rpartition(" ")[0]
            if sum(name.startswith(f"{kind} ") for name in found) < SAME_SHAPE:
                found.setdefault(sight.name, sight)
    return [*found.values(), *(sight for sight in REFUSED if sight.surface == surface)]


def _walk(browser: Browser, scene: Scene, role: str, begin: list[str]) -> Iterator[Sight]:
    with browser.new_context(locale="zh-CN") as context:
        scene.enter(context, role, PREFS)
        waiting, opened, kinds = list(begin), set[str](), dict[str, int]()
        while waiting:
            path = waiting.pop(0)
            if path in opened:
                continue
            opened.add(path)
            answer = context.request.get(f"{scene.server.url}{path}")
            if "text/html" not in answer.headers.get("content-type", ""):
                continue
            address = urlsplit(answer.url)
            path = f"{address.path}?{address.query}" if address.query else address.path
            page = BeautifulSoup(answer.text(), "html.parser")
            yield Sight(f"{role.partition('-')[0]} {shape(path)} {skeleton(page)}", role, path)
            if role not in DEEP:
                continue
            for link in page.select("a[href]"):
                onward = urljoin(path, str(link["href"]))
                if not onward.startswith("/") or onward.startswith("/static") or onward in opened:
                    continue
                if onward.startswith("/staff") != role.startswith("staff"):
                    continue
                kind = shape(onward)
                if kinds.get(kind, 0) < SAME_SHAPE:
                    kinds[kind] = kinds.get(kind, 0) + 1
                    waiting.append(onward)


def shape(path: str) -> str:
    """The kind of an address: without what stands in it."""
    address = urlsplit(path)
    kind = re.sub(r"\d{4}-\d\d-\d\d", "DAY", address.path)
    kind = re.sub(r"^/c/[^/]+", "/c/CENTRE", kind)
    kind = re.sub(r"/(b|o)/[^/]+", r"/\1/NUMBER", kind)
    kind = re.sub(r"/q/[^/]+", "/q/CODE", kind)
    kind = re.sub(r"/spaces/(elder|hall)", r"/spaces/ROWS", kind)
    kind = re.sub(r"/\d+", "/ID", kind)
    names = sorted(
        {name for name, _value in parse_qsl(address.query)} & {"ask", "begin", "page", "code", "q"}
    )
    return kind + ("?" + "&".join(names) if names else "")


def skeleton(page: BeautifulSoup) -> str:
    """What a page is made of, roughly: which parts it has, whatever they say."""
    parts = {
        f"{tag.name}.{'.'.join(sorted(tag.get('class') or []))}"
        for tag in page.select("#main *")
        if tag.name in {"a", "button", "form", "p", "ul", "section", "table"}
    }
    heading = page.h1.get_text(strip=True)[:6] if page.h1 else ""
    return f"{heading} {sum(map(_number, sorted(parts))) % 9973:04}"


def _number(text: str) -> int:
    return sum(ord(sign) * (place + 1) for place, sign in enumerate(text))


def show(page: Page, scene: Scene, sight: Sight) -> None:
    """Open it in a window that has the cookies of its role."""
    page.goto(f"{scene.server.url}{sight.path}")
    if not sight.form:
        return
    with page.expect_navigation():
        page.evaluate(
            """([selector, fields]) => {
              const form = document.querySelector(selector);
              for (const [name, value] of fields) {
                if (form.elements[name]) form.elements[name].value = value;
              }
              HTMLFormElement.prototype.submit.call(form);
            }""",
            [sight.form, sight.fields],
        )
