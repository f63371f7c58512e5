"""Other programs: known by a key, held to its scopes, its unit and its limit; told what happened by signed posts."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from api.models import ApiClient
from api.services import make_client, new_key, revoke_client, set_hook
from canteen.models import MealOrder, Redemption
from canteen.services.close import finish_menu
from canteen.services.serve import Scan, redeem, undo
from core.audit import Audit
from core.database import db
from core.events import deliver_due
from core.outbox import Message, channels, send_due
from people.models import Staff
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.ear import Ear
from tests.support.hall import refusal
from tests.support.house import House
from tests.support.meals import Meals, furnish

TUESDAY = date(2026, 11, 24)
ALL = ("menus:read", "orders:read", "orders:write", "redeem")


class Program:
    """A program with a key."""

    def __init__(self, app: Flask, key: str) -> None:
        self.client: FlaskClient = app.test_client()
        self.key = key
        self.count = 0

    def get(self, path: str) -> TestResponse:
        return self.client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {self.key}"})

    def post(
        self, path: str, said: Mapping[str, Any] | None = None, *, key: str | None = None
    ) -> TestResponse:
        self.count += 1
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Idempotency-Key": key or f"key-number-{self.count}",
        }
        return self.client.post(f"/api/v1{path}", json=dict(said or {}), headers=headers)


def code(answer: TestResponse) -> str:
    """The stable word of a refusal."""
    assert answer.mimetype == "application/problem+json", answer.text[:200]
    assert answer.json is not None
    assert answer.json["status"] == answer.status_code
    return str(answer.json["type"]).removeprefix("urn:hall:")


@pytest.fixture
def there(app: Flask, cast: Cast) -> Meals:
    """A canteen with Tuesday's lunch; no application context is left open."""
    with app.app_context():
        meals = furnish(app, cast)
        meals.lunch(TUESDAY)
        db.session.remove()
    return meals


def staff_of(cast: Cast) -> int:
    return int(db.session.scalars(select(Staff.id).where(Staff.email == cast.manager)).one())


@pytest.fixture
def program(app: Flask, there: Meals) -> Program:
    """May do everything in 水贝."""
    with app.app_context():
        _row, key = make_client(staff_of(there.cast), there.cast.shuibei, "街道小程序", ALL, 6000)
        db.session.remove()
    return Program(app, key)


def with_scopes(there: Meals, *scopes: str, unit: int | None = None, most: int = 6000) -> Program:
    with there.app.app_context():
        _row, key = make_client(staff_of(there.cast), unit or there.cast.shuibei, "另一个", scopes, most)
        db.session.remove()
    return Program(there.app, key)


# --- who ------------------------------------------------------------------------------------------------------------


def test_without_a_key_that_works_nothing_is_told(program: Program, there: Meals) -> None:
    path = "/centres/shuibei/menus"
    for headers in ({}, {"Authorization": "Bearer hall_guess"}, {"Authorization": f"Basic {program.key}"}):
        answer = program.client.get(f"/api/v1{path}", headers=headers)
        assert (answer.status_code, code(answer)) == (401, "key_unknown")
    with there.app.app_context():
        row = db.session.scalars(select(ApiClient)).one()
        assert program.key.encode() not in (row.key_hash, b"")
        assert row.key_tail == program.key[-4:]
        revoke_client(staff_of(there.cast), there.cast.shuibei, row.id)
    assert code(program.get(path)) == "key_unknown"


def test_a_new_key_ends_the_one_before(program: Program, there: Meals) -> None:
    with there.app.app_context():
        _row, key = new_key(
            staff_of(there.cast), there.cast.shuibei, db.session.scalars(select(ApiClient.id)).one()
        )
    assert program.get("/centres/shuibei/menus").status_code == 401
    assert Program(there.app, key).get("/centres/shuibei/menus").status_code == 200


@pytest.mark.parametrize(
    ("asked", "said", "title"),
    [
        ("", "zh-Hans", "没有找到"),
        ("en-GB,en;q=0.9", "en", "not found"),
        ("fr, zh-TW;q=0.8, en;q=0.5", "zh-Hant", "沒有找到"),
        ("fr", "zh-Hans", "没有找到"),
    ],
)
def test_a_program_is_answered_in_the_language_it_asks_for(
    program: Program, asked: str, said: str, title: str
) -> None:
    headers = {"Authorization": f"Bearer {program.key}", "Accept-Language": asked}
    answer = program.client.get("/api/v1/centres/nowhere/menus", headers=headers)
    assert answer.status_code == 404
    assert answer.headers["Content-Language"] == said
    assert "Accept-Language" in answer.headers["Vary"]
    assert title in answer.get_json()["title"].lower()


def test_a_staff_session_is_no_key(program: Program) -> None:
    answer = program.client.post("/api/v1/orders", json={"offer": 1, "guest": True})
    assert (answer.status_code, code(answer)) == (401, "key_unknown")


def test_each_scope_opens_its_own_door(there: Meals, program: Program) -> None:
    offer = there.offer(TUESDAY)
    number = (program.post("/orders", {"offer": offer, "guest": True}).json or {})["number"]
    doors: dict[str, Any] = {
        "menus:read": lambda one: one.get("/centres/shuibei/menus"),
        "orders:read": lambda one: one.get(f"/orders/{number}"),
        "orders:write": lambda one: one.post("/orders", {"offer": offer, "guest": True}),
        "redeem": lambda one: one.post(
            "/centres/shuibei/redemptions", {"slip": "X", "window": "1号窗", "scan": "scan-0001"}
        ),
    }
    for scope in doors:
        one = with_scopes(there, scope)
        for name, door in doors.items():
            answer = door(one)
            assert (answer.status_code == 403) is (name != scope), (scope, name, answer.text)


def test_a_key_of_one_centre_sees_nothing_of_another(there: Meals, program: Program) -> None:
    elsewhere = with_scopes(there, *ALL, unit=there.cast.sungang)
    number = (program.post("/orders", {"offer": there.offer(TUESDAY), "guest": True}).json or {})["number"]
    assert elsewhere.get("/centres/shuibei/menus").status_code == 404
    assert elsewhere.get(f"/orders/{number}").status_code == 404
    assert elsewhere.post(f"/orders/{number}/cancel").status_code == 404
    assert elsewhere.post("/orders", {"offer": there.offer(TUESDAY), "guest": True}).status_code == 404
    district = with_scopes(there, *ALL, unit=there.cast.district)
    assert district.get("/centres/shuibei/menus").status_code == 200


def test_the_limit_is_counted_in_the_database_and_begins_anew(there: Meals, clock: Clock) -> None:
    one = with_scopes(there, "menus:read", most=2)
    assert [one.get("/centres/shuibei/menus").status_code for _n in range(3)] == [200, 200, 429]
    assert code(one.get("/centres/shuibei/menus")) == "too_many"
    clock.advance(minutes=1)
    assert one.get("/centres/shuibei/menus").status_code == 200


# --- what -----------------------------------------------------------------------------------------------------------


def test_menus_by_day_in_pages(there: Meals, program: Program) -> None:
    with there.app.app_context():
        for day in (25, 26):
            there.lunch(date(2026, 11, day))
        db.session.remove()
    seen, path = [], "/centres/shuibei/menus?size=2&from=2026-11-24&to=2026-11-30"
    while path:
        said = program.get(path).json or {}
        seen += [menu["day"] for menu in said["items"]]
        path = (said["next"] or "").removeprefix("/api/v1")
    assert seen == ["2026-11-24", "2026-11-25", "2026-11-26"]
    menu = (program.get("/centres/shuibei/menus").json or {})["items"][0]
    assert (menu["meal"], menu["cutoff_at"]) == ("lunch", "2026-11-23T08:00:00+00:00")
    assert menu["offers"][0]["dishes"][0]["name_en"] == "Steamed sea bass"
    assert menu["offers"][0]["left"] == 45


def test_an_order_by_card_is_helped_like_any_other_and_says_not_why(there: Meals, program: Program) -> None:
    answer = program.post("/orders", {"offer": there.offer(TUESDAY), "card": there.cast.chen_code})
    assert answer.status_code == 201, answer.text
    said = answer.json or {}
    assert (said["pays_fen"], said["price_fen"], said["state"], said["mine"]) == (1000, 1500, "ordered", True)
    for secret in ("陈", "subsid", "tier", "resident", "balance", "phone"):
        assert secret not in answer.text
    with there.app.app_context():
        order = db.session.scalars(select(MealOrder)).one()
        assert (order.resident_id, order.channel) == (there.cast.chen, "api")
        row = db.session.scalars(select(Audit).where(Audit.verb == "meal.ordered")).one()
        assert row.actor_kind == "client"


def test_a_strangers_card_and_a_guess_sound_the_same(there: Meals, program: Program) -> None:
    offer = there.offer(TUESDAY)
    for card in ("K" + "0" * 30, "SZ99999999", "123456"):
        answer = program.post("/orders", {"offer": offer, "card": card})
        assert (answer.status_code, code(answer)) == (404, "card_unknown")
    for said in ({"offer": offer}, {"offer": offer, "guest": True, "card": there.cast.chen_code}):
        assert code(program.post("/orders", said)) == "who"


def test_the_same_key_is_one_order_with_one_answer(there: Meals, program: Program) -> None:
    said = {"offer": there.offer(TUESDAY), "guest": True}
    first, again = (program.post("/orders", said, key="one-and-the-same") for _n in range(2))
    assert (first.status_code, first.json) == (again.status_code, again.json)
    other = program.post("/orders", {**said, "offer": there.offer(TUESDAY, "L2")}, key="one-and-the-same")
    assert code(other) == "request_key_reused"
    with there.app.app_context():
        assert len(db.session.scalars(select(MealOrder)).all()) == 1


@pytest.mark.parametrize("key", [None, "short", "x" * 65])
def test_a_post_without_its_key_is_refused(there: Meals, program: Program, key: str | None) -> None:
    headers = {"Authorization": f"Bearer {program.key}", **({"Idempotency-Key": key} if key else {})}
    answer = program.client.post(
        "/api/v1/orders", json={"offer": there.offer(TUESDAY), "guest": True}, headers=headers
    )
    assert (answer.status_code, code(answer)) == (400, "idempotency_key")


def test_refusals_of_the_house_arrive_as_problems(there: Meals, program: Program, clock: Clock) -> None:
    clock.set("2026-11-23 16:00")
    answer = program.post("/orders", {"offer": there.offer(TUESDAY), "card": there.cast.chen_code})
    assert (answer.status_code, code(answer)) == (409, "after_cutoff")
    odd = program.post("/orders", {"offer": "many", "guest": True, "more": 1})
    assert (odd.status_code, code(odd)) == (422, "fields_odd")
    assert set((odd.json or {})["errors"]["json"]) == {"offer", "more"}
    assert program.get("/nothing").status_code == 404
    assert code(program.client.put("/api/v1/orders")) == "not_found"
    broken = program.client.post(
        "/api/v1/orders",
        data="{",
        headers={"Authorization": f"Bearer {program.key}", "Content-Type": "application/json"},
    )
    assert broken.status_code == 400
    assert broken.mimetype == "application/problem+json"


def test_a_client_gives_back_what_it_ordered_and_nothing_else(there: Meals, program: Program) -> None:
    with there.app.app_context():
        hers = there.order(there.cast.chen, TUESDAY).number
        db.session.remove()
    assert program.post(f"/orders/{hers}/cancel").status_code == 404
    seen = program.get(f"/orders/{hers}").json or {}
    assert (seen["mine"], seen["pays_fen"], seen["slip"]) == (False, None, None)
    mine = (program.post("/orders", {"offer": there.offer(TUESDAY), "guest": True}).json or {})["number"]
    for _again in range(2):
        answer = program.post(f"/orders/{mine}/cancel")
        assert (answer.status_code, (answer.json or {})["state"]) == (200, "cancelled")
    listed = (program.get("/centres/shuibei/orders?day=2026-11-24&state=ordered").json or {})["items"]
    assert [row["number"] for row in listed] == [hers]


def test_a_meal_is_handed_out_once(there: Meals, program: Program, clock: Clock) -> None:
    made = program.post("/orders", {"offer": there.offer(TUESDAY), "guest": True}).json or {}
    said = {"slip": made["slip"], "window": "1号窗", "scan": "scan-0001", "cash": True}
    early = program.post("/centres/shuibei/redemptions", said)
    assert (early.status_code, code(early)) == (409, "redeem_wrong_day")
    clock.set("2026-11-24 11:40")
    unpaid = program.post("/centres/shuibei/redemptions", {**said, "cash": False, "scan": "scan-0000"})
    assert code(unpaid) == "redeem_pay"
    answer = program.post("/centres/shuibei/redemptions", said)
    assert (answer.status_code, (answer.json or {})["kind"]) == (200, "ok")
    second = program.post("/centres/shuibei/redemptions", {**said, "scan": "scan-0002"})
    assert code(second) == "redeem_already"
    assert "1号窗" in (second.json or {})["detail"]
    forged = program.post(
        "/centres/shuibei/redemptions", {**said, "slip": "M" + "0" * 30, "scan": "scan-0003"}
    )
    assert (forged.status_code, code(forged)) == (404, "redeem_forged")


def test_a_fault_of_ours_is_a_problem_too(
    there: Meals, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_key: str) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr("api.keys.by_key", away)
    answer = program.get("/centres/shuibei/menus")
    assert (answer.status_code, code(answer)) == (503, "fault")
    assert answer.headers["Retry-After"] == "10"


# --- telling --------------------------------------------------------------------------------------------------------


@pytest.fixture
def ear() -> Iterator[Ear]:
    made = Ear()
    made.open()
    yield made
    made.close()


def listen(there: Meals, ear: Ear, *kinds: str) -> str:
    client = db.session.scalars(select(ApiClient.id).order_by(ApiClient.id)).first() or 0
    return set_hook(staff_of(there.cast), there.cast.shuibei, client, f"{ear.url}/told", kinds)


def test_what_happens_is_told_signed_and_once(there: Meals, program: Program, ear: Ear, clock: Clock) -> None:
    cast = there.cast
    kinds = ("meal.ordered", "meal.collected", "meal.collected_undone", "meal.missed")
    with there.app.app_context():
        secret = listen(there, ear, *kinds)
        fetched, missed, brought = (there.order(who, TUESDAY) for who in (cast.chen, cast.aqiang, cast.wheel))
        numbers = [order.number for order in (fetched, missed, brought)]
        clock.set("2026-11-24 11:40")
        for order, how in ((fetched, "slip"), (brought, "delivery"), (fetched, "card")):
            redeem(
                staff_of(cast),
                cast.shuibei,
                order.id,
                Scan("1号窗", f"scan-{order.id}-{how}", how, cash=True),
            )
        handed_out = select(Redemption.id).where(Redemption.order_id == fetched.id)
        undo(staff_of(cast), db.session.scalars(handed_out).one(), "发错了")
        redeem(staff_of(cast), cast.shuibei, fetched.id, Scan("1号窗", "scan-again", "slip", cash=True))
        clock.set("2026-11-24 13:00")
        finish_menu(there.menus[cast.shuibei, TUESDAY, "lunch"])
        for _again in range(2):
            deliver_due()
            send_due()
        db.session.remove()
    told = [(one.json["kind"], one.json["data"]["order"], one.json["data"]["state"]) for one in ear.heard]
    assert told == [
        *(("meal.ordered", number, "ordered") for number in numbers),
        ("meal.collected", numbers[0], "collected"),
        ("meal.collected", numbers[2], "delivered"),
        ("meal.collected_undone", numbers[0], "ordered"),
        ("meal.collected", numbers[0], "collected"),
        ("meal.missed", numbers[1], "uncollected"),
    ]
    assert len({one.json["id"] for one in ear.heard}) == len(told)
    for one in ear.heard:
        assert one.path == "/told"
        seconds, _comma, given_ = one.headers["Hall-Signature"].removeprefix("t=").partition(",v1=")
        made = hmac.new(secret.encode(), f"{seconds}.".encode() + one.body, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(made, given_)
        assert int(seconds) == int(clock().timestamp())
        assert one.json["data"].keys() == {"order", "centre", "day", "meal", "pick_up", "state"}
        for secret_word in ("陈", "subsid", "fen", "resident"):
            assert secret_word not in one.body.decode()


def test_a_program_that_is_away_is_told_later_and_a_revoked_one_never(
    there: Meals, program: Program, ear: Ear, clock: Clock
) -> None:
    with there.app.app_context():
        listen(there, ear, "meal.ordered")
        ear.answer = 503
        there.order(there.cast.chen, TUESDAY)
        deliver_due()
        assert send_due() == 0
        row = db.session.scalars(select(Message).where(Message.channel == "webhook")).one()
        assert (row.state, row.tries, row.centre_id) == ("waiting", 1, there.cast.shuibei)
        revoke_client(
            staff_of(there.cast), there.cast.shuibei, db.session.scalars(select(ApiClient.id)).one()
        )
        ear.answer = 200
        clock.advance(hours=1)
        assert send_due() == 0
        db.session.rollback()
        assert (
            db.session.scalars(select(Message).where(Message.channel == "webhook")).one().state == "stopped"
        )
    assert len(ear.heard) == 1


@pytest.mark.parametrize(
    "url", ["http://example.com/", "https://127.0.0.1/", "https://10.1.2.3/x", "https://u:p@x.cn/"]
)
def test_in_production_no_address_inside_is_told(
    there: Meals, program: Program, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with there.app.app_context():
        monkeypatch.setattr(channels, "inside", False)
        client = db.session.scalars(select(ApiClient.id)).one()
        deed = lambda: set_hook(staff_of(there.cast), there.cast.shuibei, client, url, ["meal.ordered"])  # noqa: E731
        assert refusal(deed) == "hook_url"


# --- the document ---------------------------------------------------------------------------------------------------


def test_the_document_is_openapi_3_1_and_names_every_refusal(there: Meals, program: Program) -> None:
    document = program.client.get("/api/v1/openapi.json").json or {}
    assert document["openapi"] == "3.1.0"
    deeds = [
        (path, method, deed)
        for path, deeds in document["paths"].items()
        for method, deed in deeds.items()
        if method in {"get", "post"}
    ]
    assert len(deeds) == 6
    for path, method, deed in deeds:
        assert {"400", "401", "403", "429"} <= set(deed["responses"]), path
        headers = [one["name"] for one in deed.get("parameters", []) if one["in"] == "header"]
        assert ("Idempotency-Key" in headers) is (method == "post"), path
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


@pytest.mark.databases("sqlite")
def test_no_request_that_the_document_allows_ends_in_a_fault(there: Meals, program: Program) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", there.app)
    keys = iter(range(10**9))
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @given(case=operation.as_strategy(), known=st.booleans())
        @settings(
            max_examples=25,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        )
        def ask(case: Any, known: bool) -> None:
            case.headers = {**dict(case.headers or {}), "Authorization": f"Bearer {program.key}"}
            case.headers["Accept-Encoding"] = "identity"
            case.headers["Idempotency-Key"] = f"schema-{next(keys)}"
            if known and case.path_parameters and "centre" in case.path_parameters:
                case.path_parameters["centre"] = "shuibei"
            answer = case.call()
            assert answer.status_code < 500, answer.text
            case.validate_response(
                answer,
                checks=(not_a_server_error, content_type_conformance, response_schema_conformance),
            )

        ask()
    assert json.loads(program.get("/centres/shuibei/menus").text)["items"]


def test_a_key_is_shown_once(house: House) -> None:
    manager, path = house.client("manager"), "/staff/c/shuibei/settings/programs"
    token = house.token(manager, path)
    form = {
        "csrf_token": token,
        "request_key": "one-deed-of-mine",
        "name": "物业",
        "scope": "menus:read",
        "most": "60",
    }
    shown = manager.post(path, data=form)
    assert shown.status_code == 200
    assert "no-store" in shown.headers["Cache-Control"]
    (key,) = re.findall(r"hall_[A-Za-z0-9_-]{43}", shown.text)
    assert manager.post(path, data=form).status_code == 303, "a repeat leads back and shows nothing"
    assert key not in manager.get(path).text
    assert key[-4:] in manager.get(path).text
    answer = house.client().get("/api/v1/centres/shuibei/menus", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200
