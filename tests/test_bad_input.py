"""Whatever is sent in, the answer is a sentence in the reader's language: never a fault, and nothing half-written.

test_bad_fields.py sends the same nonsense everywhere; here each kind of nonsense has the sentence that answers it.
"""

import re
from datetime import date

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from centres.models import OrgUnit
from core.audit import OPERATOR
from core.codes import new_code
from core.crypto import keys
from core.database import Base, db, unit_of_work
from core.i18n import HTML_LANG
from kiosk.models import Device
from people.services.cards import issue_card
from people.services.residents import register
from tests.support.databases import SECRET_KEY
from tests.support.house import NEVER_MADE, House
from tests.support.refusals import nothing_written, refused, sentence

JSON = "application/json"
HOLD = "/c/shuibei/booking/spaces/reading/hold"
SEAT = {"seat": "A2", "from": "2026-11-24T13:00", "to": "2026-11-24T17:00"}
ELSEWHERE = (
    "https://evil.cn/", "//evil.cn/", "/\\evil.cn", "\\\\evil.cn", "javascript:alert(1)", "http:evil.cn", "evil",
    "/\t/evil.cn", "",
)  # fmt: skip


def beat(house: House, body: bytes) -> TestResponse:
    """A heartbeat of the kiosk, a minute later."""
    client = house.client("card")
    house.clock.advance(minutes=1)
    token = {"X-CSRFToken": house.token(client, "/")}
    return client.post("/kiosk/heartbeat", data=body, content_type=JSON, headers=token)


# --- what is too much, and what is no form --------------------------------------------------------------------------


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("lang", HTML_LANG)
def test_the_refusal_is_in_the_readers_language(house: House, lang: str) -> None:
    kiosk, desk = house.client("card"), house.client("manager")
    house.post(kiosk, "/kiosk/prefs", {"lang": lang})
    house.post(desk, "/staff/language", {"lang": lang})
    token = house.token(kiosk, "/")
    with nothing_written(house):
        refused(kiosk.get("/c/nowhere/"), 404, lang)
        refused(kiosk.get("/nowhere"), 404, lang)
        refused(kiosk.get("/kiosk/call"), 405, lang)
        refused(kiosk.get("/c/shuibei/?q=%00"), 400, lang)
        refused(house.post(kiosk, "/kiosk/scan", {"payload": "nonsense"}), 422, lang)
        refused(
            house.post(
                kiosk, "/c/shuibei/booking/spaces/reading/hold", {"seat": "A2", "from": "x", "to": "y"}
            ),
            422,
            lang,
        )
        refused(kiosk.post("/kiosk/scan", data={"csrf_token": token, "payload": "x" * 300_000}), 413, lang)
        refused(desk.get("/staff/nowhere"), 404, lang)
        refused(
            desk.get("/staff/c/sungang/today") if lang == "en" else desk.get("/staff/c/nowhere/today"),
            404,
            lang,
        )
        refused(
            house.post(desk, "/staff/c/shuibei/people/new", {"name": "甲", "born": "2026-13-01"}), 422, lang
        )


@pytest.mark.databases("sqlite")
def test_ten_megabytes_are_too_much(house: House) -> None:
    client = house.client("card")
    with nothing_written(house):
        assert "内容太多" in refused(client.post("/kiosk/scan", data={"payload": "x" * 10_000_000}), 413)
        upload = (
            b'--x\r\nContent-Disposition: form-data; name="payload"; filename="a.png"\r\n\r\n'
            + b"x" * 10_000_000
        )
        kind = "multipart/form-data; boundary=x"
        refused(client.post("/kiosk/scan", data=upload + b"\r\n--x--", content_type=kind), 413)
        refused(client.post("/kiosk/heartbeat", data=b"[" * 10_000_000, content_type="application/json"), 413)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_three_hundred_fields_are_too_many(house: House, kind: str) -> None:
    client = house.client("card")
    with nothing_written(house):
        fields = {f"field-{n}": "1" for n in range(300)}
        assert "内容太多" in refused(house.post(client, "/kiosk/scan", fields, content_type=kind), 413)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b'"x"',
        b"null",
        b"[" * 5000,
        b'{"build": NaN, "skew_ms": 1e999, "screen": {"a": 1}}',
        b'{"build": "\\u0000"}',
        b'{"skew_ms": %s}' % (b"9" * 6000),
        b"\xff\xfe",
    ],
)
def test_a_heartbeat_that_is_no_report_is_a_heartbeat(house: House, body: bytes) -> None:
    assert beat(house, body).status_code == 200


def test_a_heartbeat_keeps_only_what_it_may(house: House) -> None:
    said = b'{"build": "b1", "skew_ms": NaN, "screen": "1080x1920", "name": "x", "more": "y"}'
    assert beat(house, said).status_code == 200
    with house.app.app_context():
        kept = db.session.scalar(select(Device.report).where(Device.id == int(house.values["device_id"])))
    assert kept == {"build": "b1", "screen": "1080x1920"}


# --- whose it is ----------------------------------------------------------------------------------------------------


def test_what_belongs_to_another_centre_is_not_here(house: House) -> None:
    """For staff who hold grants in one centre, what lies in the other does not exist; for everybody, its addresses."""
    desk, value = house.client("manager"), house.values
    base = "/staff/c/shuibei"
    with nothing_written(house):
        for path in (
            f"{base}/booking/b/{value['number-far']}",
            f"{base}/booking/sg_reading/{value['day']}",
            "/staff/c/sungang/devices",
        ):
            refused(desk.get(path), 404)
        for path in (
            f"{base}/booking/b/{value['number-far']}/cancel",
            f"{base}/booking/sg_reading/{value['day']}/book",
            f"{base}/devices/{value['device-far']}/revoke",
            f"{base}/people/2147483647/card",
            f"{base}/people/99999999999999999999/card",
        ):
            refused(
                house.post(
                    desk, path, {"reason": "x", "from": "09:00", "to": "10:00", "seat": "R1", "title": "x"}
                ),
                404,
            )
        luo = house.client("luo")
        own = "/staff/c/sungang"
        refused(house.post(luo, f"{own}/devices/{value['device_id']}/wipe"), 404)
        refused(luo.get(f"{own}/booking/b/{value['number']}"), 404)
        anybody = house.client("other")
        refused(anybody.get(f"/c/sungang/booking/b/{value['number-other']}/"), 404)
        refused(anybody.get("/c/shuibei/booking/spaces/sg_reading/"), 404)
        refused(
            house.post(
                anybody,
                "/c/shuibei/booking/spaces/sg_reading/hold",
                {"seat": "R1", "from": "2026-11-24T09:00", "to": "2026-11-24T13:00"},
            ),
            404,
        )
        refused(
            house.post(
                anybody,
                "/c/shuibei/booking/spaces/reading/hold",
                {"seat": "R1", "from": "2026-11-24T09:00", "to": "2026-11-24T13:00"},
            ),
            404,
        )


def test_a_call_of_another_centre_goes_on(house: House) -> None:
    with nothing_written(house, {"request_key"}):
        house.post(house.client("luo"), f"/staff/c/sungang/calls/{house.values['call_id']}/answer")


def test_a_closing_of_another_centre_cannot_be_taken_back(house: House) -> None:
    with house.app.app_context(), unit_of_work():
        db.session.execute(Base.metadata.tables["one_off"].update().values(centre_id=house.cast.sungang))
    with nothing_written(house, {"request_key"}):
        house.post(
            house.client("manager"), f"/staff/c/shuibei/settings/one-offs/{house.values['one_off_id']}/remove"
        )


def test_people_of_another_district_are_not_found(house: House) -> None:
    with house.app.app_context():
        with unit_of_work():
            away = OrgUnit(code="futian", kind="district", name_zh="福田区")
            db.session.add(away)
            db.session.flush()
            district = away.id
        person = register(
            OPERATOR, district_id=district, home_centre_id=None, name="远方", born=date(1960, 1, 2)
        ).id
        _card, code = issue_card(OPERATOR, person)
    desk = house.client("manager")
    with nothing_written(house):
        refused(desk.get(f"/staff/c/shuibei/people/{person}"), 404)
        refused(house.post(desk, f"/staff/c/shuibei/people/{person}/card"), 404)
        assert "远*" not in desk.get("/staff/c/shuibei/search?q=远方").text
        refused(desk.get(f"/staff/c/shuibei/booking/reading/2026-11-24?resident={person}"), 404)
        assert "别的区" in refused(house.post(house.client("card"), "/kiosk/scan", {"payload": code}), 403)


# --- codes ----------------------------------------------------------------------------------------------------------


def test_every_code_that_does_not_serve_has_a_sentence_of_its_own(house: House) -> None:
    value, kiosk = house.values, house.client("card")
    keys.use(["a secret of somebody else, who makes codes as we do"])
    foreign = new_code("B")
    keys.use([SECRET_KEY])
    unknown_card, unknown_slip = new_code("K"), new_code("B")
    with nothing_written(house):
        said = {
            "forged": refused(kiosk.get(f"/q/{NEVER_MADE}"), 404),
            "truncated": refused(kiosk.get(f"/q/{value['code-slip'][:20]}"), 404),
            "elsewhere": refused(kiosk.get(f"/q/{value['slip-far']}"), 409),
            "gone": refused(kiosk.get(f"/q/{unknown_slip}"), 404),
            "unknown card": refused(kiosk.get(f"/q/{unknown_card}"), 404),
            "revoked": refused(kiosk.get(f"/q/{value['card-revoked']}"), 410),
        }
        assert refused(kiosk.get(f"/q/{foreign}"), 404) == said["forged"]
        assert refused(kiosk.get(f"/q/{value['card-lost']}"), 410) == said["revoked"]
        assert (
            refused(house.post(kiosk, "/kiosk/scan", {"payload": value["card-revoked"]}), 410)
            == said["revoked"]
        )
    assert len(set(said.values())) == len(said)
    house.clock.set("2026-11-24 14:00")
    late = house.client("slip")
    assert "让给别人" in late.get(f"/q/{value['code-slip']}").text
    said["expired"] = refused(house.post(late, f"/q/{value['code-slip']}/check-in"), 409)
    assert len(set(said.values())) == len(said)


def test_who_tries_codes_is_stopped(house: House) -> None:
    client = house.client()
    said = [client.get(f"/q/B{n:030d}").status_code for n in range(61)]
    assert set(said[:60]) == {404}
    assert said[60] == 429
    assert "停一停" in refused(client.get(f"/q/{NEVER_MADE}"), 429)


# --- the same key ---------------------------------------------------------------------------------------------------


def test_a_key_that_comes_again_is_one_deed(house: House) -> None:
    client, key = house.client("pin"), {"request_key": "the-same-key-twice"}
    first = house.post(client, HOLD, {**SEAT, **key})
    with nothing_written(house):
        again = house.post(client, HOLD, {**SEAT, **key})
    assert first.status_code == again.status_code == 303
    assert first.location == again.location == "/c/shuibei/booking/check/"


def test_a_key_that_comes_again_with_something_else_is_refused(house: House) -> None:
    client, key = house.client("pin"), {"request_key": "the-same-key-twice"}
    house.post(client, HOLD, {**SEAT, **key})
    with nothing_written(house):
        assert "已经办过" in refused(house.post(client, HOLD, {**SEAT, "seat": "A4", **key}), 422)
        refused(house.post(client, "/c/shuibei/booking/release", key), 422)


# --- times ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "status"),
    [
        ("2026-11-23T09:00", "2026-11-23T09:30", 422),  # over
        ("2025-11-24T09:00", "2025-11-24T13:00", 422),  # last year
        ("2026-11-24T13:00", "2026-11-24T09:00", 422),  # backwards
        ("2026-11-24T13:00", "2026-11-24T13:00", 422),
        ("2026-11-24T09:07", "2026-11-24T12:07", 422),  # off the step
        ("2026-11-24T09:00", "2026-11-26T09:00", 422),
        ("2026-11-29T09:00", "2026-11-29T13:00", 422),  # Sunday
        ("2026-12-24T09:00", "2026-12-24T13:00", 422),  # too early
        ("2026-13-01T09:00", "2026-13-01T13:00", 422),
        ("0000-00-00T00:00", "0000-00-00T01:00", 422),
        ("0001-01-01T00:00", "0001-01-01T01:00", 422),
        ("9999-12-31T23:00", "9999-12-31T23:59", 422),
        ("2026-11-24", "2026-11-25", 422),
        ("", "", 422),
    ],
)
@pytest.mark.databases("sqlite")
def test_a_time_that_cannot_be_is_refused(house: House, start: str, end: str, status: int) -> None:
    with nothing_written(house):
        refused(house.post(house.client("card"), HOLD, {"seat": "A2", "from": start, "to": end}), status)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    "day",
    ["2026-13-01", "0000-01-01", "0001-01-01", "9999-12-31", "2026-02-30", "tomorrow", "2026-11-24T00:00"],
)
def test_a_day_that_is_none_is_not_found(house: House, day: str) -> None:
    for page in ("", "list", "times", "grid"):
        refused(house.client().get(f"/c/shuibei/booking/spaces/reading/{day}/{page}"), 404)
    refused(house.client("front").get(f"/staff/c/shuibei/booking/reading/{day}"), 404)
    refused(house.client("front").get(f"/staff/c/shuibei/booking/reading/{day}/live"), 404)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("page", ["-1", "0", "１", "x", "99999999999999999999", "1e3"])
def test_an_odd_page_is_some_page(house: House, page: str) -> None:
    for path in ("booking/", "booking/spaces/reading/", "booking/spaces/reading/2026-11-24/list", "my/"):
        assert house.client("pin").get(f"/c/shuibei/{path}?page={page}").status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("booking.max_minutes", "0"),
        ("booking.min_minutes", "0"),
        ("booking.hold_seconds", "-1"),
        ("booking.hold_seconds", "1.5"),
        ("booking.hold_seconds", "99999999999999999999"),
        ("booking.hold_seconds", ""),
        ("booking.release_at", ""),
        ("booking.release_at", "25:00"),
        ("canteen.account_most_fen", "500001"),
        ("canteen.sample_grams", "2001"),
        ("canteen.leap_day_counts_on", "101"),
        ("booking.no_such", "1"),
        ("booking.violations", "3"),  # nothing is suspended yet: a number that changes nothing is not offered
        ("", ""),
    ],
)
@pytest.mark.databases("sqlite")
def test_a_policy_that_would_break_the_house_is_refused(house: House, name: str, value: str) -> None:
    with nothing_written(house):
        said = {"name": name, "value": value, "from": "2026-12-01"}
        refused(house.post(house.client("manager"), "/staff/c/shuibei/settings/policies", said), 422)


def test_a_closing_that_is_over_is_refused_and_one_that_still_runs_is_not(house: House) -> None:
    """It is 9:41. What has passed has been lived: figures of that day would change behind their readers."""
    client, url = house.client("manager"), "/staff/c/shuibei/settings/one-offs"
    over = {"from": "2026-11-23T08:00", "to": "2026-11-23T09:41", "reason_zh": "停电"}
    with nothing_written(house):
        assert "已经过了" in refused(house.post(client, url, over), 422)
    assert house.post(client, url, {**over, "to": "2026-11-23T09:42"}).status_code == 303


@pytest.mark.databases("sqlite")
def test_every_policy_has_plain_words_and_its_default_may_be_set(house: House) -> None:
    client, url = house.client("manager"), "/staff/c/shuibei/settings"
    shown = client.get(url).text
    assert ">canteen." not in shown
    assert ">booking." not in shown
    said = {"name": "canteen.account_most_fen", "value": "500000", "from": "2026-12-01"}
    assert house.post(client, f"{url}/policies", said).status_code == 303


# --- signs ----------------------------------------------------------------------------------------------------------

FRAGMENT = "<b>x</b>{{7777*7777}}'--"
PRODUCT = "60481729"
"""What a template would make of it: too long to stand in a card's number by chance."""


def test_a_name_is_a_name_whatever_is_in_it(house: House) -> None:
    """SQL, HTML and templates in a name are shown as they were typed, on every page that shows it."""
    desk = house.client("manager")
    made = house.post(
        desk, "/staff/c/shuibei/people/new", {"name": FRAGMENT, "born": "1950-01-02", "phone": "13800009999"}
    )
    assert made.status_code == 303
    page = desk.get(made.location)
    person = re.sub(r"\D", "", made.location)
    assert "&lt;b&gt;x&lt;/b&gt;{{7777*7777}}&#39;--" in page.text
    for answer in (
        page,
        desk.get("/staff/c/shuibei/people/", query_string={"q": FRAGMENT}),
        desk.get("/staff/c/shuibei/search", query_string={"q": FRAGMENT}),
        desk.get(f"/staff/c/shuibei/booking/reading/2026-11-24?resident={person}"),
        house.post(desk, f"/staff/c/shuibei/people/{person}/card"),
    ):
        assert answer.status_code == 200
        assert "<b>x" not in answer.text
        assert PRODUCT not in BeautifulSoup(answer.text, "html.parser").get_text()


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "x" * 5000, "a\x00b", "\u202eabc"])
def test_a_name_that_is_none_is_refused(house: House, name: str) -> None:
    desk = house.client("manager")
    with nothing_written(house):
        refused(
            house.post(desk, "/staff/c/shuibei/people/new", {"name": name, "born": "1950-01-02"}),
            400 if "\x00" in name or "\u202e" in name else 422,
        )
        change = {"name": name, "phone": "", "email": ""}
        answer = house.post(desk, f"/staff/c/shuibei/people/{house.cast.chen}/change", change)
        refused(answer, 400 if "\x00" in name or "\u202e" in name else 422)


# --- where it leads -------------------------------------------------------------------------------------------------


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_nobody_is_sent_elsewhere(house: House, elsewhere: str) -> None:
    kiosk, phone, desk = house.client("card"), house.client("none"), house.client("manager")
    onward = {"next": elsewhere}
    answers = [
        house.post(kiosk, "/kiosk/prefs", {**onward, "lang": "en"}),
        house.post(kiosk, "/kiosk/scan", {**onward, "payload": house.cast.chen_code}),
        house.post(phone, "/kiosk/wipe", onward),
        house.post(phone, "/c/shuibei/identify/phone", {**onward, "phone": "13800001187"}),
        house.post(phone, "/c/shuibei/identify/pin", {**onward, "pin": "2580"}),
        house.post(desk, "/staff/language", onward),
        house.post(desk, "/staff/c/shuibei/people/new", {**onward, "name": "甲", "born": "1950-01-02"}),
        phone.get("/c/shuibei/identify/", query_string=onward),
    ]
    for answer in answers:
        assert answer.status_code == 303, answer.request.path
        assert answer.location.startswith("/")
        assert not answer.location.startswith(("//", "/\\"))
        assert "evil" not in answer.location
    pages = [
        house.client().get("/c/shuibei/identify/", query_string=onward),
        kiosk.get("/kiosk/display", query_string={"back": elsewhere}),
        desk.get("/staff/c/shuibei/people/", query_string={"back": elsewhere, "q": "陈"}),
        desk.get("/staff/c/shuibei/people/new", query_string=onward),
        house.client().get("/staff/sign-in/help", query_string=onward),
    ]
    for page in pages:
        assert page.status_code == 200
        targets = [
            str(tag.get(name))
            for name in ("href", "action", "value")
            for tag in BeautifulSoup(page.text, "html.parser").select(f"[{name}]")
        ]
        assert not [
            one
            for one in targets
            if one.startswith(("//", "/\\", "javascript:", "http:evil", "https://evil"))
        ], page.request.path


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    "host",
    ["evil.cn", "evil.cn:99999", "evil.cn:x", "a b", "<script>", "x" * 400, "evil.cn@127.0.0.1", "[::1", ""],
)
def test_the_name_by_which_we_are_called_is_repeated_nowhere(house: House, host: str) -> None:
    for role, path in (
        ("none", "/"),
        ("card", "/kiosk/"),
        ("none", "/c/shuibei/my/"),
        ("manager", "/staff/c/shuibei/today"),
        ("none", "/nowhere"),
    ):
        answer = house.client(role).get(path, headers={"Host": host})
        assert answer.status_code < 500
        assert "evil" not in answer.text
        assert "evil" not in (answer.location or "")
        assert host not in answer.text or len(host) < 4


@pytest.mark.databases("sqlite")
def test_a_wrong_method_says_which_are_right(house: House) -> None:
    client = house.client("card")
    with nothing_written(house):
        for method, path, right in (
            ("GET", "/kiosk/call", "POST"),
            ("PUT", "/c/shuibei/my/", "GET"),
            ("DELETE", "/kiosk/", "GET"),
            ("PATCH", "/kiosk/scan", "POST"),
        ):
            answer = client.open(path, method=method, headers={"X-CSRFToken": house.token(client, "/")})
            assert right in answer.headers["Allow"]
            refused(answer, 405)
        assert client.open("/kiosk/", method="TRACE").status_code == 405
        assert client.open("/kiosk/", method="NONSENSE").status_code in {400, 405}


@pytest.mark.databases("sqlite")
def test_a_program_hears_it_as_json(house: House) -> None:
    answer = house.client().get("/c/nowhere/", headers={"Accept": "application/problem+json"})
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None
    assert (answer.json["type"], answer.json["status"]) == ("urn:hall:not_found", 404)


def test_kinds_that_are_no_form(house: House) -> None:
    """JSON, XML and nothing at all where a form is asked for."""
    client: FlaskClient = house.client("card")
    token = {"X-CSRFToken": house.token(client, "/")}
    with nothing_written(house):
        for kind, body in (
            ("application/json", b'{"payload": 1}'),
            ("text/xml", b"<!DOCTYPE x>"),
            ("", b""),
            ("multipart/form-data", b"--x"),
            ("multipart/form-data; boundary=x", b"--y\r\n"),
        ):
            answer = client.post("/kiosk/scan", data=body, content_type=kind, headers=token)
            assert 400 <= answer.status_code < 500, kind
            sentence(answer)
