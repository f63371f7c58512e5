"""What machines ask, and what stops the start: alive, ready, the figures; settings that are wrong."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text, update

from app import create_app
from core.database import db, unit_of_work
from core.settings import SettingError, load
from people.models import Staff
from tests.conftest import StartServer
from tests.support.cast import PASSWORD, Cast
from tests.support.clock import Clock
from tests.support.databases import SECRET_KEY, settings
from tests.support.forms import fields_of
from tests.support.house import House

GONE = "postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1"


def test_a_healthy_house_is_alive_and_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").text == "ok"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"ready": True, "missing": []})


@pytest.fixture
def orphan(tmp_path: Path) -> FlaskClient:
    """A browser at a program whose database cannot be reached."""
    return create_app(settings(GONE, tmp_path)).test_client()


def test_without_its_database_it_is_alive_but_not_ready(orphan: FlaskClient) -> None:
    assert orphan.get("/healthz").status_code == 200
    answer = orphan.get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"ready": False, "missing": ["database"]})


@pytest.mark.parametrize("path", ["/", "/kiosk/", "/c/shuibei/", "/q/B123", "/staff/sign-in", "/staff/"])
def test_without_its_database_it_says_so_in_a_page(orphan: FlaskClient, path: str) -> None:
    orphan.set_cookie("hall_device", "whatever")
    answer = orphan.get(path)
    assert answer.status_code in {200, 303, 404, 503}
    if answer.status_code == 503:
        assert "刚才没办成" in answer.text
        assert answer.headers["Retry-After"] == "10"
        assert "Traceback" not in answer.text


@pytest.mark.databases("postgresql")
@pytest.mark.parametrize(
    ("role", "path"), [("card", "/kiosk/"), ("pin", "/c/shuibei/my/"), ("manager", "/staff/c/shuibei/today")]
)
def test_a_database_that_goes_away_is_a_plain_page_and_comes_back_without_a_restart(
    house: House, role: str, path: str
) -> None:
    name = house.url.partition("?")[0].rpartition("/")[2]
    client = house.client(role)
    assert client.get(path).status_code == 200
    house.databases.cluster.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    try:
        house.databases.cluster.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        answer = client.get(path)
        assert answer.status_code == 503
        assert "刚才没办成" in answer.text
        assert client.get("/readyz").status_code == 503
    finally:
        house.databases.cluster.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    assert client.get(path).status_code == 200
    assert client.get("/readyz").status_code == 200


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(("role", "path"), [("card", "/kiosk/"), ("manager", "/staff/c/shuibei/today")])
def test_a_file_that_is_no_database_is_a_plain_page(house: House, role: str, path: str) -> None:
    with house.app.app_context():
        db.engine.dispose()
    Path(house.url.removeprefix("sqlite:///")).write_bytes(b"not a database at all" * 300)
    answer = house.client(role).get(path)
    assert answer.status_code == 503
    assert "刚才没办成" in answer.text
    assert house.client().get("/readyz").json == {"ready": False, "missing": ["database"]}


@pytest.mark.databases("sqlite")
def test_an_empty_file_is_not_ready(empty_database: str, tmp_path: Path) -> None:
    answer = create_app(settings(empty_database, tmp_path)).test_client().get("/readyz")
    assert answer.status_code == 503


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(("at", "status"), [("0007", 503), ("9999", 200)])
def test_a_database_that_waits_for_its_migration_is_not_ready(
    app: Flask, client: FlaskClient, at: str, status: int
) -> None:
    """One that is further on is: the program of before goes on beside the new one."""
    with app.app_context(), unit_of_work():
        db.session.execute(text("UPDATE alembic_version SET version_num = :at"), {"at": at})
    answer = client.get("/readyz")
    assert (answer.status_code, "migrations" in answer.get_json()["missing"]) == (status, status == 503)


def test_a_full_disk_is_not_ready(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _path: SimpleNamespace(f_bavail=10, f_frsize=4096))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"ready": False, "missing": ["disk"]})


@pytest.mark.databases("sqlite")
def test_a_folder_that_is_gone_is_not_ready(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_path: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(os, "statvfs", gone)
    assert client.get("/readyz").json == {"ready": False, "missing": ["disk"]}


# --- figures --------------------------------------------------------------------------------------------------------


@pytest.mark.databases("sqlite")
def test_figures_are_for_this_machine_only(client: FlaskClient) -> None:
    client.get("/c/nowhere/")
    figures = client.get("/metrics")
    assert figures.status_code == 200
    assert 'hall_requests_total{endpoint="healthz"' in figures.text or "hall_requests_total" in figures.text
    assert 'hall_refusals_total{code="not_found"}' in figures.text
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code == 404


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer a-token-of-operators", 200),
        ("Bearer wrong", 404),
        ("Bearer " + "é" * 8, 404),
        ("a-token-of-operators ", 404),
        ("", 404),
    ],
)
def test_figures_by_token(database: str, tmp_path: Path, header: str, status: int) -> None:
    app = create_app(settings(database, tmp_path, METRICS_TOKEN="a-token-of-operators"))
    asked = app.test_client().get(
        "/metrics", environ_overrides={"HTTP_AUTHORIZATION": header.encode().decode("latin-1")}
    )
    assert asked.status_code == status


@pytest.mark.databases("sqlite")
def test_who_asks_is_told_by_trusted_proxies_only(database: str, tmp_path: Path) -> None:
    """`/metrics` opens to this machine. Tries of PINs and codes are counted by the same address."""

    def asked(proxies: str, peer: str, forwarded: str) -> int:
        app = create_app(settings(database, tmp_path, TRUSTED_PROXIES=proxies))
        heads = {"X-Forwarded-For": forwarded} if forwarded else {}
        return (
            app.test_client().get("/metrics", headers=heads, environ_base={"REMOTE_ADDR": peer}).status_code
        )

    assert asked("0", "10.0.0.9", "127.0.0.1") == 404  # anybody can write that header
    assert asked("0", "127.0.0.1", "10.0.0.9") == 200
    assert asked("1", "127.0.0.1", "10.0.0.9") == 404
    assert asked("1", "127.0.0.1", "127.0.0.1, 10.0.0.9") == 404  # the proxy wrote the last one
    assert asked("1", "127.0.0.1", "") == 200


# --- settings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"MODE": "test"}, "HALL_MODE is 'test'; it may be demo or production."),
        (
            {"TRUSTED_PROXIES": "all"},
            "HALL_TRUSTED_PROXIES must be the number of proxies before this server, 0 to 5.",
        ),
        ({"LOG_LEVEL": "loud"}, "HALL_LOG_LEVEL is 'loud'; it may be debug, info, warning or error."),
        ({"DATABASE_URL": "mysql://x/y"}, "HALL_DATABASE_URL must begin with sqlite:/// or postgresql://."),
        (
            {"PUBLIC_URL": "hall.example.cn"},
            "HALL_PUBLIC_URL must be an address such as https://hall.example.cn.",
        ),
        ({"PUBLIC_URL": "ftp://x"}, "HALL_PUBLIC_URL must be an address such as https://hall.example.cn."),
        (
            {"SECRET_KEY": "short"},
            "HALL_SECRET_KEY is shorter than 32 characters. Make one: openssl rand -hex 32.",
        ),
        (
            {"MODE": "production", "SECRET_KEY": "demo" * 10},
            "HALL_SECRET_KEY is a demo secret; production needs one of its own.",
        ),
        (
            {"MODE": "production", "PUBLIC_URL": "http://hall.example.cn"},
            "HALL_PUBLIC_URL is plain http; production beyond this machine needs https.",
        ),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_sentence(
    tmp_path: Path, wrong: dict[str, str], sentence: str
) -> None:
    config = {"SECRET_KEY": SECRET_KEY, "DATA_DIR": str(tmp_path), **wrong}
    with pytest.raises(SettingError) as error:
        load(config, {})
    assert str(error.value) == sentence
    with pytest.raises(SettingError):
        create_app(config)


def test_an_unknown_setting_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="Unknown setting HALL_MODUS"):
        load({"DATA_DIR": str(tmp_path)}, {"HALL_MODUS": "demo"})


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost", "https://hall.example.cn"])
def test_production_serves_this_machine_and_https(tmp_path: Path, url: str) -> None:
    made = load(
        {"MODE": "production", "SECRET_KEY": SECRET_KEY, "DATA_DIR": str(tmp_path), "PUBLIC_URL": url}, {}
    )
    assert made.secure_cookies == url.startswith("https")


def test_the_machines_own_secret_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    first, second = (load({"DATA_DIR": str(tmp_path)}, {}).secret_key for _time in range(2))
    assert first == second
    assert len(first) == 64
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.databases("sqlite")
def test_production_refuses_the_demos_people(
    app: Flask, cast: Cast, database: str, clock: Clock, tmp_path: Path
) -> None:
    with app.app_context(), unit_of_work():
        db.session.execute(update(Staff).where(Staff.email == cast.wu).values(is_demo=True))
    earnest = create_app(settings(database, tmp_path, CLOCK=clock, MODE="production"))
    found: dict[str, Any] = {}
    for email in (cast.wu, cast.luo):
        client = earnest.test_client()
        _url, given = fields_of(client.get("/staff/sign-in"), "form[method=post]")
        found[email] = client.post(
            "/staff/sign-in", data={**given, "email": email, "password": PASSWORD}
        ).status_code
    assert found == {cast.wu: 422, cast.luo: 303}


@pytest.mark.databases("sqlite")
def test_production_does_not_start_while_the_demos_people_may_sign_in(
    app: Flask, cast: Cast, start_server: StartServer
) -> None:
    with app.app_context(), unit_of_work():
        db.session.execute(update(Staff).where(Staff.email == cast.wu).values(is_demo=True))
    with pytest.raises(RuntimeError, match="1 demo sign-ins work in this database"):
        start_server(MODE="production")
    with app.app_context(), unit_of_work():
        db.session.execute(update(Staff).where(Staff.email == cast.wu).values(active=False))
    assert start_server(MODE="production").workers
