"""Takes the pictures of the README: the demo is loaded into a folder that goes away, with a clock that stands."""

from __future__ import annotations

import io
import sys
import tempfile
import threading
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import flask_migrate
from PIL import Image
from playwright.sync_api import Page
from sqlalchemy import select
from werkzeug.serving import make_server

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from app import create_app  # noqa: E402  the path above makes it importable from anywhere
from booking.models import Booking  # noqa: E402
from centres.queries import centre_by_code  # noqa: E402
from core.audit import OPERATOR  # noqa: E402
from core.clock import OPTION  # noqa: E402
from core.database import db  # noqa: E402
from demo.load import load_demo  # noqa: E402
from demo.show import KIOSK_NAME, KIOSK_OF  # noqa: E402
from demo.staff import PASSWORD  # noqa: E402
from kiosk.queries import device_by_secret  # noqa: E402
from kiosk.services import call_staff, make_pairing_code, pair  # noqa: E402
from kiosk.session import DEVICE_COOKIE  # noqa: E402
from people.models import Consent, Resident  # noqa: E402
from people.services.cards import issue_card  # noqa: E402
from tests.browser.kiosk import At  # noqa: E402
from tests.support.browser import DESK, PORTRAIT, Screens, chromium  # noqa: E402

NOW = datetime(2026, 11, 23, 9, 41, tzinfo=ZoneInfo("Asia/Shanghai"))
WANTED = "图书馆阅览室", "明天"
DESK_CLERK, EATER = "f01@demo.invalid", "陈秀英"
FOLDER = ROOT / "docs/pictures"
SHARE, GAP, GROUND = 0.4, 24, "#E9DDC8"
COLOURS = 256


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(
            {
                "MODE": "demo",
                "DATA_DIR": folder,
                "DATABASE_URL": f"sqlite:///{folder}/hall.db",
                "SECRET_KEY": "only for these pictures, and gone with their folder",
                "PUBLIC_URL": "http://127.0.0.1:8000",
                "CLOCK": lambda: NOW,
            }
        )
        with app.app_context():
            flask_migrate.upgrade()
            load_demo(print)
            secret, card, meal_card, clerk = _prepare()
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with chromium() as browser:
                screens = Screens(browser)
                url = f"http://127.0.0.1:{server.server_port}"
                _journey(screens, url, secret, card)
                _meal(screens, url, secret, meal_card)
                _console(screens, url, clerk)
        finally:
            server.shutdown()


def _prepare() -> tuple[str, str, str, str]:
    """A kiosk that called three minutes ago, a card of somebody who has nothing booked, one of whoever eats, and who
    sits at the desk."""
    centre = centre_by_code(KIOSK_OF)
    if centre is None:
        raise LookupError(KIOSK_OF)
    _device, secret = pair(make_pairing_code(OPERATOR, centre.id, KIOSK_NAME))
    device = device_by_secret(secret)
    if device is None:
        raise LookupError(secret)
    db.engine.update_execution_options(**{OPTION: lambda: NOW - timedelta(minutes=3)})
    call_staff(device, "/kiosk/", "zh_Hans", elder=True)
    db.engine.update_execution_options(**{OPTION: lambda: NOW})
    busy = select(Booking.resident_id).where(
        Booking.resident_id.is_not(None), Booking.starts_at > NOW - timedelta(days=1)
    )
    agreed = select(Consent.resident_id).where(Consent.kind == "profile")
    somebody = db.session.scalars(
        select(Resident)
        .where(
            Resident.id.not_in(busy),
            Resident.id.in_(agreed),
            Resident.lifecycle == "active",
            Resident.home_centre_id == centre.id,
        )
        .order_by(Resident.born)
    ).first()
    if somebody is None:
        raise LookupError("nobody without a booking")
    eater = db.session.scalars(select(Resident.id).where(Resident.name == EATER)).one()
    _card, seat_card = issue_card(OPERATOR, somebody.id)
    _card, meal_card = issue_card(OPERATOR, eater)
    db.session.remove()
    return secret, seat_card, meal_card, DESK_CLERK


def _journey(screens: Screens, url: str, secret: str, card: str) -> None:
    page = screens.open(PORTRAIT, base_url=url)
    page.context.add_cookies([{"name": DEVICE_COOKIE, "value": secret, "url": url}])
    at = At(page)
    at.open()
    page.evaluate("() => document.querySelector('#call-state').replaceChildren()")
    shots = [_shot(page)]
    at.tap("订座位")
    at.title("想去哪里坐")
    at.tap(WANTED[0])
    at.title("哪天来")
    at.tap(WANTED[1])
    at.title("选个座位")
    shots.append(_shot(page))
    at.tap("就坐 ")
    at.title("请刷一下您的卡")
    at.type_scan(card)
    at.title("请您看一遍")
    shots.append(_shot(page))
    at.tap("确认预约")
    at.title("约好了")
    shots.append(_shot(page))
    _beside(shots, "journey.png")


def _meal(screens: Screens, url: str, secret: str, card: str) -> None:
    """Tomorrow's lunch in 长辈版, by card."""
    page = screens.open(PORTRAIT, base_url=url)
    page.context.add_cookies([{"name": DEVICE_COOKIE, "value": secret, "url": url}])
    at = At(page)
    at.open()
    at.tap("长辈版")
    at.title("今天想办什么")
    shots = [_shot(page)]
    at.tap("订午餐")
    at.title("明天吃什么")
    shots.append(_shot(page))
    at.tap(r"订\S+，您付")
    at.title("您是哪一位")
    at.type_scan(card)
    at.title("请您看一遍")
    shots.append(_shot(page))
    at.tap("确认订餐")
    at.title("订好了")
    shots.append(_shot(page))
    _beside(shots, "meal.png")


def _beside(shots: list[Image.Image], name: str) -> None:
    width, height = (round(side * SHARE) for side in PORTRAIT)
    sheet = Image.new("RGB", (len(shots) * (width + GAP) + GAP, height + 2 * GAP), GROUND)
    for place, shot in enumerate(shots):
        small = shot.resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(small, (GAP + place * (width + GAP), GAP))
    _keep(sheet, name)


def _console(screens: Screens, url: str, clerk: str) -> None:
    page = screens.open(DESK, base_url=url)
    page.goto("/staff/sign-in")
    page.locator("[name=email]").fill(clerk)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("#main form [type=submit]").first.click()
    page.locator(".figures").wait_for()
    _keep(_shot(page), "console.png")


def _shot(page: Page) -> Image.Image:
    page.evaluate("() => document.fonts.ready.then(() => true)")
    page.evaluate("() => document.querySelector('#call-state')?.replaceChildren()")
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def _keep(picture: Image.Image, name: str) -> None:
    """As a PNG of few colours: flat drawings lose nothing by it."""
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(FOLDER / name, optimize=True)
    print(f"docs/pictures/{name}: {(FOLDER / name).stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
