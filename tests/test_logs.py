"""What is written down about people: logs and the audit hold no name, number, code or token, whatever happens."""

import io
import json
import logging
import re
import sys
from collections.abc import Iterator

import pytest
import structlog
from flask import Flask
from sqlalchemy import insert, select

from core import logs
from core.audit import Audit
from core.database import Base, db
from people.models import Throttle
from tests.support.cast import CHEN, PASSWORD, PIN
from tests.support.house import House

NAMES = (CHEN, "陈志强", "吴敏", "许文婷", "欧阳海", "王小明")
NUMBERS = ("13800001187", "13800001188", "13800007777", "0012345678", "1187 ")
WORDS = ("xiaoming@example.cn", "wu@hall.invalid", PASSWORD, "9753")


@pytest.fixture
def secrets_of(house: House) -> list[str]:
    """Everything that would open something or tell who somebody is."""
    cookies = [
        cookie.value for jar in house.jars.values() for cookie in jar.values() if len(cookie.value) > 20
    ]
    codes = [value for value in house.values.values() if len(value) == 31]
    return [*NAMES, *NUMBERS, *WORDS, *cookies, *codes, house.cast.chen_code, house.cast.kiosk_secret]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the program writes to its log from here on."""
    stream = io.StringIO()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stream)
        logs.setup("debug")
    yield stream
    logs.setup("info")


def journey(house: House) -> None:
    """A day: right and wrong at the kiosk, on a phone and at the console."""
    value, kiosk, phone, desk = house.values, house.client("card"), house.client(), house.client("manager")
    house.post(kiosk, "/kiosk/scan", {"payload": house.cast.chen_code})
    house.post(kiosk, "/kiosk/scan", {"payload": f"https://hall.example.cn/q/{value['code-slip']}"})
    house.post(kiosk, "/kiosk/scan", {"payload": value["card-revoked"]})
    kiosk.get(f"/q/{value['code-slip']}")
    kiosk.get(f"/q/{value['code-slip'][:-1]}X")
    kiosk.get(f"/q/{value['card-lost']}/{value['code-slip']}")
    house.post(kiosk, "/c/shuibei/booking/confirm")
    house.post(kiosk, f"/c/shuibei/booking/b/{value['number']}/cancel")
    house.post(kiosk, "/c/shuibei/booking/check-in/tail", {"tail": "1187", "pin": PIN})
    house.post(phone, "/c/shuibei/identify/phone", {"phone": "13800001187"})
    for pin in ("1111", PIN):
        house.post(phone, "/c/shuibei/identify/pin", {"pin": pin})
    for _twice in range(2):
        house.post(phone, "/c/shuibei/identify/new-pin", {"pin": "9753"})
    phone.get("/c/shuibei/my/")
    staff = "/staff/c/shuibei"
    said = {"name": "王小明", "born": "1950-01-02", "phone": "13800007777", "email": "xiaoming@example.cn"}
    made = house.post(desk, f"{staff}/people/new", said)
    desk.get(made.location)
    for verb, fields in (
        ("card", {}),
        ("link", {"number": "SZ0012345678"}),
        ("change", {**said, "phone": "13800001188"}),
        ("agree", {"kind": "messages"}),
        ("open-pin", {}),
    ):
        house.post(desk, f"{made.location}/{verb}", fields)
    house.post(desk, f"{made.location}/pin", {"pin": "9753", "again": "9753"})
    desk.get(f"{staff}/search?q=13800001187")
    desk.get(f"{staff}/people/?q={CHEN}")
    desk.get(f"{staff}/no/13800001187")
    pairing = house.post(desk, f"{staff}/devices/pair", {"name": "3号"})
    found = re.search(r"code=([0-9A-Z]{8})", pairing.text)
    house.post(house.client(), "/kiosk/pair", {"code": found[1] if found else ""})
    stranger = house.client()
    house.post(stranger, "/staff/sign-in", {"email": "wu@hall.invalid", "password": PASSWORD + "x"})
    house.post(kiosk, "/kiosk/wipe")


def test_a_whole_day_leaves_no_person_in_the_logs(
    house: House, secrets_of: list[str], written: io.StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    journey(house)
    text = re.sub(
        r"\.\d{6}Z", "Z", written.getvalue() + caplog.text
    )  # a moment may happen to hold the digits of a PIN
    assert text.count('"event": "request"') > 40
    assert '"refusal": "card_revoked"' in text
    assert [one for one in secrets_of if one in text] == []


def test_what_is_kept_for_ever_holds_ids_and_codes_only(house: House, secrets_of: list[str]) -> None:
    journey(house)
    with house.app.app_context():
        kept = [
            json.dumps([str(part) for part in row], ensure_ascii=False)
            for table in ("audit", "event", "delivery", "throttle")
            for row in db.session.execute(select(*Base.metadata.tables[table].columns))
        ]
        verbs = set(db.session.scalars(select(Audit.verb)))
    assert {"resident.read", "pin.set", "booking.cancelled", "staff.wrong_try", "card.issued"} <= verbs
    written = "\n".join(kept)
    assert [one for one in [*secrets_of, "13800001187"[-4:] + '"'] if one in written] == []


@pytest.fixture
def broken(app: Flask) -> Flask:
    """A program with a page that fails while it holds what nobody may read."""
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def fails() -> str:
        name, phone, code = CHEN, "13800001187", "K" * 31
        raise ValueError(f"could not do it for {phone} at /q/{code}" if name else "")

    def database_fails() -> str:
        db.session.execute(insert(Throttle).values(subject=CHEN, tries=None, first_at=None))
        return ""

    app.add_url_rule("/fails", "fails", fails)
    app.add_url_rule("/database-fails", "database_fails", database_fails)
    return app


@pytest.mark.parametrize("path", ["/fails", "/database-fails"])
def test_a_fault_tells_where_it_was_and_nothing_of_whom(
    broken: Flask, written: io.StringIO, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    answer = broken.test_client().get(path)
    assert answer.status_code in {500, 503}
    assert "Traceback" not in answer.text
    line = next(json.loads(one) for one in written.getvalue().splitlines() if '"fault"' in one)
    assert line["exception"]
    for secret in (CHEN, "13800001187", "K" * 31):
        assert secret not in written.getvalue() + caplog.text
        assert secret not in answer.text


@pytest.mark.parametrize(
    ("said", "clean"),
    [
        ("call 13800001187 now", "call 〔电话〕 now"),
        ("+8613800001187", "〔电话〕"),
        ("/q/B0123456789/cancel", "/q/〔码〕/cancel"),
        ("https://hall.cn/q/K0123?x=1", "https://hall.cn/q/〔码〕?x=1"),
        ("B" + "0" * 30 + " read", "〔码〕 read"),
        ("null value\nDETAIL:  Failing row contains (陈秀英, 1).", "null value"),
        ("order 913800001187", "order 913800001187"),
    ],
)
def test_texts_are_cleaned(said: str, clean: str) -> None:
    assert logs.clean(said) == clean


def test_known_names_of_fields_are_blanked(written: io.StringIO) -> None:
    structlog.get_logger().info(
        "x", name=CHEN, phone="1", pin="2", token="3", code="4", path="/q/B12", kept="5"
    )
    line = json.loads(written.getvalue())
    assert {line[key] for key in ("name", "phone", "pin", "token", "code")} == {"〔已隐去〕"}
    assert (line["path"], line["kept"]) == ("/q/〔码〕", "5")


@pytest.mark.parametrize(
    "text", ["M" + "7" * 30, "打 +852 6000 0001 找她", "打 0755-0000 1234", "F" + "A" * 30 + " 用过了"]
)
def test_codes_of_every_kind_and_numbers_from_everywhere_are_blanked(text: str) -> None:
    assert "〔" in logs.clean(text)
