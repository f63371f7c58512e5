"""The tools of the tests notice what they are there to notice."""

import smtplib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import text
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, TestResponse

from core.database import db
from tests.conftest import StartServer
from tests.support.browser import PHONE, Screens
from tests.support.cast import Cast
from tests.support.clock import Clock, FileClock
from tests.support.mail import Postbox
from tests.support.matrix import pairwise
from tests.support.pages import faults
from tests.support.putback import put_back
from tests.support.race import together
from tests.support.visitor import Visitor

GOOD = '<html lang="en"><title>t</title><h1>h</h1>{}</html>'
POLICY = {"Content-Security-Policy": "default-src 'none'"}


def look(html: str, headers: dict[str, str] = POLICY) -> list[str]:
    request = EnvironBuilder().get_request()
    response = TestResponse([html.encode()], "200 OK", Headers(headers), request)
    return faults(BeautifulSoup(html, "html.parser"), response)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<h1>another</h1>", "2 h1"),
        ('<input name="phone">', "field phone has no label"),
        ('<img src="/a.png">', "image /a.png has no alt"),
        ('<script src="//cdn.example/x.js"></script>', "leads elsewhere: //cdn.example/x.js"),
        ("<script>alert(1)</script>", "inline script None"),
        ('<p style="color:red">', "inline p style="),
        ('<a href="/" onclick="go()">', "inline a onclick="),
        ('<form method="post" action="/x"></form>', "form to /x carries no csrf_token"),
    ],
)
def test_a_planted_fault_of_a_page_is_noticed(body: str, fault: str) -> None:
    assert look(GOOD.format("")) == []
    assert look(GOOD.format(body)) == [fault]


def test_a_page_without_language_title_and_policy_is_noticed() -> None:
    assert look("<html><h1>h</h1></html>", {}) == [
        "html has no lang of ours",
        "no title",
        "no strict Content-Security-Policy",
    ]


def test_every_pair_of_values_occurs_in_few_rows() -> None:
    rows = [(a, b, c) for a in range(4) for b in range(3) for c in range(3)]
    chosen = pairwise(rows)
    assert len(chosen) < len(rows) / 2
    assert {(row[0], row[2]) for row in chosen} == {(row[0], row[2]) for row in rows}
    assert {(row[1], row[2]) for row in chosen} == {(row[1], row[2]) for row in rows}


def test_the_clock_stands_still_until_it_is_moved(clock: Clock, tmp_path: Path) -> None:
    assert clock() == datetime(2026, 11, 23, 1, 41, tzinfo=UTC)
    clock.share(tmp_path / "clock")
    clock.at("14:05")
    clock.advance(minutes=16)
    assert clock() == FileClock(tmp_path / "clock")() == datetime(2026, 11, 23, 6, 21, tzinfo=UTC)


@pytest.mark.parametrize("time", ["first", "second"])
def test_a_test_leaves_nothing_in_the_next_ones_database(inside: Flask, time: str) -> None:
    assert db.session.execute(text("SELECT count(*) FROM centre")).scalar() == 0
    db.session.execute(text("DROP TABLE claim"))
    db.session.commit()


def test_several_processes_serve_one_database(start_server: StartServer) -> None:
    server = start_server(workers=3)
    answers = together([lambda: Visitor(server.url).get("/healthz")] * 12)
    assert [answer.status if not isinstance(answer, Exception) else answer for answer in answers] == [
        200
    ] * 12
    assert len(server.workers) == 3


@pytest.mark.databases("sqlite")
def test_what_a_page_must_not_do_is_noted(screens: Screens) -> None:
    page = screens.open(PHONE)
    page.goto('data:text/html,<title>x</title><img src="http://127.0.0.2:1/x.png"><script>nothing()</script>')
    expect(page).to_have_title("x")
    noted, screens.problems[:] = list(screens.problems), []
    assert any(problem.startswith("asked elsewhere") for problem in noted)
    assert any(problem.startswith("script error") for problem in noted)


def test_letters_arrive(smtp: Postbox) -> None:
    with smtplib.SMTP(smtp.url.removeprefix("smtp://")) as sender:
        sender.sendmail("hall@example.cn", ["qiang@example.cn"], "Subject: seat\n\nbooked")
    assert smtp.letters[0]["Subject"] == "seat"


@pytest.mark.databases("postgresql")
def test_a_database_is_put_back_as_it_was_or_not_at_all(app: Flask, database: str, cast: Cast) -> None:
    with app.app_context(), db.engine.begin() as line:
        tables = line.execute(text("SELECT count(*) FROM resident")).scalar_one()
        line.execute(text("INSERT INTO throttle (subject, tries, first_at) VALUES ('x', 1, now())"))
        line.execute(text("UPDATE org_unit SET code = 'elsewhere' WHERE kind = 'district'"))
        line.execute(text("DELETE FROM commitment"))
        line.execute(text("SELECT nextval('visit_id_seq'), nextval('resident_id_seq')"))
    assert put_back(database)
    with app.app_context():
        db.engine.dispose()  # whoever was connected has been sent away
        with db.engine.begin() as line:
            assert line.execute(text("SELECT count(*) FROM throttle")).scalar_one() == 0
            assert (
                line.execute(text("SELECT count(*) FROM org_unit WHERE code = 'elsewhere'")).scalar_one() == 0
            )
            assert line.execute(text("SELECT nextval('visit_id_seq')")).scalar_one() == 1
            assert line.execute(text("SELECT nextval('resident_id_seq')")).scalar_one() == tables + 1
            line.execute(text("ALTER TABLE visit ADD COLUMN odd integer"))
        db.engine.dispose()
    assert not put_back(database)
