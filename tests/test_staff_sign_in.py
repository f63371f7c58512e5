"""Staff sign in, stay signed in while they work, and can open what their posts allow."""

import re
from functools import cache
from threading import Barrier, Thread
from typing import Any

import pytest
from bs4 import BeautifulSoup
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from passlib.totp import TOTP
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from centres.models import Centre, OrgUnit
from core.audit import OPERATOR, Audit
from core.database import db, unit_of_work
from core.errors import Refused
from people import access
from people.models import Resident, Staff
from people.rules import DESK, STAFF_TRIES
from people.services import staff as verbs
from people.services.sign_ins import account, begin_try, first_use
from tests.support.clock import Clock
from tests.support.pages import checked

WU, HE, SHI, ZHAO = "wu@hall.cn", "he@hall.cn", "shi@hall.cn", "zhao@hall.cn"
"""吴 at the front desk, 何 in the kitchen, 石 manages the centre, 赵 at the desk of another centre."""
PASSWORD = "a long enough password"
hashed = cache(verbs._hashed)  # slow on purpose; once is enough for the cast
LOGIN, PROBE = "/staff/sign-in", "/staff/c/near/probe"


@pytest.fixture(autouse=True)
def house(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A district with two centres, four people, and pages that ask for a grant."""
    monkeypatch.setattr(verbs, "_hashed", hashed)
    app.add_url_rule("/staff/c/<centre>/probe", "probe", access.require(DESK)(probe))
    app.add_url_rule("/staff/c/<centre>/poll", "poll", access.require(DESK)(poll_probe))
    app.add_url_rule(
        "/staff/c/<centre>/calls-only", "calls_only", access.require(DESK, also_locked=True)(probe)
    )
    app.add_url_rule("/staff/r/<int:number>", "near_resident", access.require_anywhere(DESK)(resident_probe))
    with app.app_context():
        with unit_of_work():
            rows: list[Any] = [
                OrgUnit(id=901, code="district", kind="district", name_zh="某区"),
                OrgUnit(id=902, code="near", kind="centre", name_zh="近处", parent_id=901),
                OrgUnit(id=903, code="far", kind="centre", name_zh="远处", parent_id=901),
                OrgUnit(id=904, code="elsewhere", kind="district", name_zh="外区"),
            ]
            for row in rows:
                db.session.add(row)
                db.session.flush()
            for number, code in ((902, "near"), (903, "far")):
                db.session.add(
                    Centre(id=number, code=code, name_zh=code, short_zh=code, address_zh="路", phone="1")
                )
        for email, role, unit in (
            (WU, "front_desk", "near"),
            (HE, "kitchen", "near"),
            (SHI, "manager", "district"),
            (ZHAO, "front_desk", "far"),
        ):
            verbs.add_staff(OPERATOR, email, email[:2], PASSWORD, [(role, unit)])


def probe(centre: Centre) -> str:
    staff = access.current_staff()
    return f"{centre.code} for {staff.email if staff else 'nobody'}"


@access.polling
def poll_probe(centre: Centre) -> str:
    return centre.code


def resident_probe(number: int) -> str:
    return str(access.resident_or_refuse(number, DESK).id)


# --- signing in and out ---------------------------------------------------------------------------------------------


def test_the_right_password_opens_the_console(app: Flask, client: FlaskClient) -> None:
    answer = sign_in(client, WU)
    assert (answer.status_code, answer.location) == (303, "/staff/")
    assert client.get(PROBE).text == f"near for {WU}"
    assert verbs_of(app) == ["staff.signed_in"]


def test_e_mails_are_the_same_however_they_are_typed(client: FlaskClient) -> None:
    assert sign_in(client, " WU@Hall.CN ").status_code == 303


def test_a_wrong_password_and_an_unknown_e_mail_sound_the_same(app: Flask, client: FlaskClient) -> None:
    said = [sign_in(client, email, "not the password at all") for email in (WU, "nobody@hall.cn")]
    assert [answer.status_code for answer in said] == [422, 422]
    texts = [BeautifulSoup(answer.text, "html.parser").select_one(".notice") for answer in said]
    assert texts[0] is not None
    assert texts[0] == texts[1]
    assert "邮箱或密码不对" in texts[0].get_text()
    assert "staff.signed_in" not in verbs_of(app)
    assert verbs_of(app) == ["staff.wrong_try", "staff.wrong_try"]


def test_signing_out_ends_copies_of_the_session_too(app: Flask, client: FlaskClient) -> None:
    sign_in(client, WU)
    copied = cookie(client, "hall_staff")
    assert send(client, "/staff/account", "form[action='/staff/sign-out']").location == LOGIN
    assert client.get(PROBE).status_code == 303
    thief = app.test_client()
    thief.set_cookie("hall_staff", copied, path="/staff")
    assert thief.get(PROBE).status_code == 303
    assert verbs_of(app) == ["staff.signed_in", "staff.signed_out"]


def test_signing_out_is_a_post(client: FlaskClient) -> None:
    sign_in(client, WU)
    assert client.get("/staff/sign-out").status_code == 405
    assert client.post("/staff/sign-out").status_code == 400  # and carries its token
    assert client.get(PROBE).status_code == 200


def test_after_the_sign_in_one_is_where_one_wanted_to_be(client: FlaskClient) -> None:
    asked = client.get(PROBE + "?day=2026-11-23")
    assert (asked.status_code, asked.location) == (303, f"{LOGIN}?next={PROBE}?day%3D2026-11-23")
    page = client.get(asked.location)
    answer = client.post(LOGIN, data=fields(page) | {"email": WU, "password": PASSWORD})
    assert answer.location == PROBE + "?day=2026-11-23"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.cn/",
        "//evil.cn/",
        "/\\evil.cn",
        "http:evil.cn",
        "\t//evil.cn",
        "javascript:alert(1)",
        "evil",
    ],
)
def test_nobody_is_sent_elsewhere(client: FlaskClient, elsewhere: str) -> None:
    page = client.get(LOGIN, query_string={"next": elsewhere})
    said = fields(page) | {"email": WU, "password": PASSWORD}
    assert said["next"] == "/staff/"
    answer = client.post(LOGIN, query_string={"next": elsewhere}, data=said | {"next": elsewhere})
    assert answer.location in {"/staff/", "/%5Cevil.cn"}  # the latter is a path of ours


def test_a_deactivated_person_is_out_at_once(app: Flask, client: FlaskClient) -> None:
    sign_in(client, WU)
    with app.app_context():
        verbs.deactivate(OPERATOR, verbs.by_email(WU).id)
    assert client.get(PROBE).status_code == 303
    assert sign_in(client, WU).status_code == 422


def test_the_cookies_of_staff_and_residents_do_not_touch(client: FlaskClient) -> None:
    client.set_cookie("hall", "resident")
    sign_in(client, WU)
    kept = client.get_cookie("hall_staff", path="/staff")
    assert kept is not None
    assert (kept.path, kept.http_only) == ("/staff", True)
    send(client, "/staff/account", "form[action='/staff/sign-out']")
    assert client.get_cookie("hall_staff", path="/staff") is None
    assert cookie(client, "hall") == "resident"


def test_programs_get_no_token(client: FlaskClient) -> None:
    page = fields(client.get(LOGIN))
    asked = {"email": WU, "password": PASSWORD}
    answer = client.post(LOGIN, json=asked, headers={"X-CSRFToken": page["csrf_token"]})
    assert answer.status_code == 415
    answer = client.post(
        LOGIN + "?include_auth_token", data=page | asked, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 303
    assert "token" not in answer.text


def test_demo_people_sign_in_only_in_demo_mode(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), unit_of_work():
        db.session.execute(update(Staff).values(is_demo=True))
    assert sign_in(client, SHI).location == "/staff/"
    assert client.get(PROBE).status_code == 200  # no code asked of them
    app.config["HALL_DEMO"] = False
    assert client.get(PROBE).status_code == 303
    assert sign_in(client, WU).status_code == 422


# --- too many tries -------------------------------------------------------------------------------------------------


def test_too_many_wrong_tries_pause_the_account_until_the_clock_says(
    client: FlaskClient, clock: Clock
) -> None:
    for _n in range(STAFF_TRIES):
        assert sign_in(client, WU, "wrong wrong wrong").status_code == 422
    paused = sign_in(client, WU)
    assert paused.status_code == 429
    assert "09:56以后再试" in paused.text
    assert sign_in(client.application.test_client(), ZHAO).status_code == 303  # others go on
    clock.advance(minutes=14, seconds=59)
    assert sign_in(client, WU).status_code == 429
    clock.advance(seconds=1)
    assert sign_in(client, WU).status_code == 303


def test_the_pause_does_not_tell_who_exists(client: FlaskClient) -> None:
    said = [
        sign_in(client, "nobody@hall.cn", "wrong wrong wrong").status_code for _n in range(STAFF_TRIES + 1)
    ]
    assert said == [422] * STAFF_TRIES + [429]


def test_one_address_cannot_try_everybody(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("people.services.sign_ins.ADDRESS_TRIES", 5)
    said = [sign_in(client, f"{n}@hall.cn", "wrong wrong wrong").status_code for n in range(6)]
    assert said == [422] * 5 + [429]


@pytest.mark.parametrize("verb", ["try", "phone code"])
def test_what_is_sent_at_the_same_moment_does_not_outrun_the_limit(app: Flask, verb: str) -> None:
    start, passed = Barrier(12), []

    def go() -> None:
        with app.app_context():
            start.wait()
            passed.append(tried() if verb == "try" else first_use(1, 59846600))

    threads = [Thread(target=go) for _n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(passed), sum(passed)) == (12, STAFF_TRIES if verb == "try" else 1)


def tried() -> bool:
    try:
        begin_try(account(WU), "10.0.0.1")
    except Refused:
        return False
    return True


def test_a_right_password_forgets_the_wrong_ones(client: FlaskClient) -> None:
    for _round in range(3):
        for _n in range(STAFF_TRIES - 1):
            sign_in(client, WU, "wrong wrong wrong")
        assert sign_in(client, WU).status_code == 303
        send(client, "/staff/account", "form[action='/staff/sign-out']")


def test_the_right_password_does_not_buy_more_codes(client: FlaskClient, clock: Clock) -> None:
    set_up_totp(client, clock)
    said = []
    for _n in range(STAFF_TRIES):
        answer = sign_in(client, SHI)
        said.append(answer.status_code)
        if answer.status_code == 429:
            break
        said.append(send(client, answer.location, code="000000").status_code)
    assert said == [303, 422] * (STAFF_TRIES // 2) + [429]


# --- the code on the phone ------------------------------------------------------------------------------------------


def test_a_manager_sets_up_a_code_before_anything_else(app: Flask, client: FlaskClient, clock: Clock) -> None:
    sign_in(client, SHI)
    for path in ("/staff/", PROBE, "/staff/account", "/staff/recovery-codes"):
        answer = client.get(path)
        assert (answer.status_code, answer.location) == (303, "/staff/totp")
    assert client.get("/staff/password").location == "/staff/totp"
    page = BeautifulSoup(client.get("/staff/totp").text, "html.parser")
    assert "必须先设好手机验证码" in page.get_text()
    secret = start_totp(client)
    assert (
        send(client, "/staff/totp", "form[action^='/staff/totp/']", secret=secret, code="12345").status_code
        == 303
    )
    assert client.get(PROBE).location == "/staff/totp"
    assert "刚才的验证码不对" in client.get("/staff/totp").text
    finish_totp(client, clock)
    assert client.get(PROBE).status_code == 200
    assert "staff.totp_set" in verbs_of(app)


def test_the_qr_code_is_an_image_that_the_policy_allows(client: FlaskClient) -> None:
    sign_in(client, SHI)
    answer = send(client, "/staff/totp")
    image = BeautifulSoup(answer.text, "html.parser").select_one("img.totp-qr")
    assert image is not None
    assert str(image["src"]).startswith("data:image/svg+xml;base64,")
    assert "img-src 'self' data:" in answer.headers["Content-Security-Policy"]


def test_the_next_sign_in_asks_for_the_code_and_takes_it_once(client: FlaskClient, clock: Clock) -> None:
    phone = set_up_totp(client, clock)
    asked = sign_in(client, SHI, then=PROBE)
    assert asked.location == f"/staff/code?next={PROBE}"
    assert client.get(PROBE).status_code == 303  # the password alone opens nothing
    code = phone.generate(clock().timestamp()).token
    assert send(client, asked.location, code=code).location == PROBE
    assert client.get(PROBE).status_code == 200
    second = client.application.test_client()
    again = sign_in(second, SHI)
    assert send(second, again.location, code=code).status_code == 422
    clock.advance(seconds=30)
    assert send(second, again.location, code=phone.generate(clock().timestamp()).token).status_code == 303


def test_an_old_code_does_not_serve(client: FlaskClient, clock: Clock) -> None:
    phone = set_up_totp(client, clock)
    old = phone.generate(clock().timestamp()).token
    clock.advance(seconds=90)
    assert send(client, sign_in(client, SHI).location, code=old).status_code == 422


@pytest.mark.parametrize("typed", ["", "abc", "１２３４５６", "1" * 20, "' OR 1=1"])
def test_nonsense_for_a_code_is_a_wrong_code(client: FlaskClient, clock: Clock, typed: str) -> None:
    set_up_totp(client, clock)
    answer = send(client, sign_in(client, SHI).location, code=typed)
    assert answer.status_code == 422
    assert "验证码不对" in answer.text


def test_a_recovery_code_serves_once(app: Flask, client: FlaskClient, clock: Clock) -> None:
    set_up_totp(client, clock, leave=False)
    shown = BeautifulSoup(send(client, "/staff/recovery-codes").text, "html.parser").select("ul.codes code")
    codes = [one.get_text() for one in shown]
    assert len(codes) == 8
    assert codes[0] not in client.get("/staff/recovery-codes?show_codes=1").text
    send(client, "/staff/account", "form[action='/staff/sign-out']")

    sign_in(client, SHI, then=PROBE)
    answer = send(client, f"/staff/recovery?next={PROBE}", code=codes[0].replace("-", "").upper())
    assert answer.location == PROBE
    assert client.get(PROBE).status_code == 200
    assert "还剩7个" in client.get("/staff/account").text
    other = app.test_client()
    sign_in(other, SHI)
    assert send(other, "/staff/recovery", code=codes[0]).status_code == 422
    assert send(other, "/staff/recovery", code=codes[1]).status_code == 303
    assert verbs_of(app).count("staff.recovery_code_used") == 2
    with app.app_context():
        kept = verbs.by_email(SHI).mf_recovery_codes
    assert kept is not None
    assert not set(codes) & set(kept)


def test_wrong_recovery_codes_count(client: FlaskClient, clock: Clock) -> None:
    set_up_totp(client, clock)
    sign_in(client, SHI)
    said = [
        send(client, "/staff/recovery", code="dead-beef-0000").status_code for _n in range(STAFF_TRIES - 1)
    ]
    assert said == [422] * (STAFF_TRIES - 1)
    assert send(client, LOGIN, email=SHI, password=PASSWORD).status_code == 429


def test_whose_post_needs_the_code_cannot_switch_it_off(client: FlaskClient, clock: Clock) -> None:
    set_up_totp(client, clock, leave=False)
    assert send(client, "/staff/totp", setup="disable").status_code == 422
    assert client.get(PROBE).status_code == 200


def test_others_may_have_a_code_and_may_give_it_up(app: Flask, client: FlaskClient, clock: Clock) -> None:
    sign_in(client, WU)
    start_totp(client)
    finish_totp(client, clock)
    assert send(client, "/staff/totp", "form:has([value=disable])").location == "/staff/account?done=totp"
    send(client, "/staff/account", "form[action='/staff/sign-out']")
    assert sign_in(client, WU).location == "/staff/"
    assert "staff.totp_off" in verbs_of(app)


def test_changing_the_code_asks_for_the_password_after_a_while(client: FlaskClient) -> None:
    sign_in(client, WU)
    with client.session_transaction("/staff/") as session:
        session["fs_paa"] = (
            session["fs_paa"] - 16 * 60
        )  # Flask-Security's freshness goes by the machine's clock
    assert client.get("/staff/totp").location == "/staff/verify?next=/staff/totp"
    assert send(client, "/staff/verify?next=/staff/totp", password="wrong wrong").status_code == 422
    assert send(client, "/staff/verify?next=/staff/totp", password=PASSWORD).location == "/staff/totp"
    assert client.get("/staff/totp").status_code == 200


# --- passwords ------------------------------------------------------------------------------------------------------


def test_a_new_password_ends_the_other_sessions(app: Flask, client: FlaskClient) -> None:
    elsewhere = app.test_client()
    sign_in(elsewhere, WU)
    sign_in(client, WU)
    new = "another long password"
    answer = send(client, "/staff/password", password=PASSWORD, new_password=new, new_password_confirm=new)
    assert answer.location == "/staff/account?done=password"
    assert client.get(PROBE).status_code == 200
    assert elsewhere.get(PROBE).status_code == 303
    assert sign_in(elsewhere, WU).status_code == 422
    assert sign_in(elsewhere, WU, new).status_code == 303
    assert "staff.password_changed" in verbs_of(app)


@pytest.mark.parametrize(
    ("now", "new", "again", "said"),
    [
        ("wrong wrong", "another long one", "another long one", "密码不对"),
        (PASSWORD, "short", "short", "至少要10位"),
        (PASSWORD, PASSWORD, PASSWORD, "换一个"),
        (PASSWORD, "another long one", "a different one", "不一样"),
        (PASSWORD, "", "", "请填密码"),
    ],
)
def test_a_new_password_may_be_refused(
    client: FlaskClient, now: str, new: str, again: str, said: str
) -> None:
    sign_in(client, WU)
    answer = send(client, "/staff/password", password=now, new_password=new, new_password_confirm=again)
    assert answer.status_code == 422
    assert said in answer.text


def test_a_manager_gives_a_new_password_and_takes_a_lost_phone_off(
    app: Flask, client: FlaskClient, clock: Clock
) -> None:
    set_up_totp(client, clock)
    done = run(app, "reset", SHI, "--totp", "--password-stdin", typed="a third password\n")
    assert done.exit_code == 0, done.output
    assert sign_in(client, SHI).status_code == 422
    assert sign_in(client, SHI, "a third password").location == "/staff/"
    assert client.get("/staff/").location == "/staff/totp"


# --- the lock -------------------------------------------------------------------------------------------------------


def test_work_keeps_the_console_open(client: FlaskClient, clock: Clock) -> None:
    sign_in(client, WU)
    for _n in range(4):
        clock.advance(minutes=29)
        assert client.get(PROBE).status_code == 200


def test_thirty_idle_minutes_lock_the_console(client: FlaskClient, clock: Clock) -> None:
    sign_in(client, WU)
    client.get(PROBE)
    clock.advance(minutes=30)
    assert client.get(PROBE).location == f"{LOGIN}?next={PROBE}"
    assert client.get("/staff/c/near/calls-only").text == "near for nobody"
    assert client.get("/staff/c/far/calls-only").status_code == 303
    assert client.post("/staff/c/near/calls-only").status_code in {400, 405}
    assert sign_in(client, WU).status_code == 303
    assert client.get("/staff/c/near/calls-only").text == f"near for {WU}"


def test_polling_does_not_keep_it_open(client: FlaskClient, clock: Clock) -> None:
    sign_in(client, WU)
    client.get(PROBE)
    polls = {"HX-Request": "true", "HX-Current-URL": f"http://localhost{PROBE}"}
    for _n in range(3):
        clock.advance(minutes=9)
        assert client.get("/staff/c/near/poll", headers=polls).status_code == 200
        assert client.get(PROBE, headers=polls | {"HX-Polling": "1"}).status_code == 200
        assert client.get("/staff/alive", headers=polls).status_code == 204
    clock.advance(minutes=3)
    gone = client.get("/staff/c/near/poll", headers=polls)
    assert (gone.status_code, gone.headers["HX-Redirect"], gone.text) == (401, "/staff/c/near/today", "")
    assert client.get("/staff/alive", headers=polls).status_code == 204  # the locked page may stay


def test_a_page_of_another_centre_is_not_what_stays_open(client: FlaskClient, clock: Clock) -> None:
    sign_in(client, WU)
    assert client.get("/staff/c/far/calls-only").status_code == 404
    clock.advance(minutes=30)
    client.get(PROBE)
    assert client.get("/staff/c/far/calls-only").status_code == 303


def test_nobody_stays_signed_in_for_more_than_a_shift(client: FlaskClient, clock: Clock) -> None:
    sign_in(client, WU)
    for _n in range(47):
        clock.advance(minutes=15)
        assert client.get(PROBE).status_code == 200
    clock.advance(minutes=15)
    assert client.get(PROBE).status_code == 303


# --- what one may open ----------------------------------------------------------------------------------------------


def test_a_grant_covers_its_unit_and_what_lies_below(client: FlaskClient, clock: Clock) -> None:
    set_up_totp(client, clock, leave=False)
    assert client.get("/staff/c/near/probe").status_code == 200
    assert client.get("/staff/c/far/probe").status_code == 200


def test_other_centres_other_posts_and_nowhere_are_not_found(client: FlaskClient) -> None:
    sign_in(client, WU)
    said = [client.get(f"/staff/c/{centre}/probe") for centre in ("far", "nowhere")]
    assert [answer.status_code for answer in said] == [404, 404]
    titles = [checked(answer, 404).title for answer in said]
    assert titles[0] == titles[1]
    kitchen = client.application.test_client()
    sign_in(kitchen, HE)
    assert kitchen.get(PROBE).status_code == 404
    assert kitchen.get("/staff/r/1").status_code == 404


def test_residents_belong_to_the_district(app: Flask, client: FlaskClient, clock: Clock) -> None:
    ids = []
    with app.app_context(), unit_of_work():
        for district in (901, 904):
            one = Resident(district_id=district, name="陈桂英", born=clock.today, made_at=clock())
            db.session.add(one)
            db.session.flush()
            ids.append(one.id)
    sign_in(client, WU)
    assert client.get(f"/staff/r/{ids[0]}").text == str(ids[0])
    assert client.get(f"/staff/r/{ids[1]}").status_code == 404
    assert client.get("/staff/r/999999").status_code == 404


def test_htmx_is_told_where_to_go(client: FlaskClient) -> None:
    fragment = {"HX-Request": "true", "HX-Current-URL": "http://localhost/staff/c/near/today?tab=2"}
    answer = client.get(PROBE, headers=fragment)
    assert (answer.status_code, answer.text) == (401, "")
    assert answer.headers["HX-Redirect"] == f"{LOGIN}?next=/staff/c/near/today?tab%3D2"
    boosted = client.get(PROBE, headers=fragment | {"HX-Boosted": "true"})
    assert boosted.headers["HX-Redirect"] == f"{LOGIN}?next={PROBE}"


# --- accounts from the command line ---------------------------------------------------------------------------------


def test_accounts_are_made_and_closed_from_the_command_line(app: Flask, client: FlaskClient) -> None:
    at_near = ("--name", "新人", "--role", "front_desk", "--unit", "near")
    made = run(app, "add", "New@Hall.cn", *at_near)
    assert made.exit_code == 0, made.output
    password = re.search(r"again\): (\S+)", made.output)
    assert password is not None
    assert sign_in(client, "new@hall.cn", password[1]).status_code == 303
    assert "new@hall.cn\t新人\tfront_desk@902" in run(app, "list").output
    assert "email_taken" in run(app, "add", "NEW@hall.cn", *at_near).output
    assert "unit_unknown" in run(app, "add", "b@hall.cn", *at_near[:-1], "mars").output
    assert run(app, "deactivate", "new@hall.cn").exit_code == 0
    assert client.get(PROBE).status_code == 303


def test_every_view_on_the_consoles_path_says_whom_it_is_for(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/staff"):
            assert hasattr(app.view_functions[rule.endpoint], "hall_grant"), rule.rule


def test_its_pages_are_what_every_page_must_be(client: FlaskClient, clock: Clock) -> None:
    for path in (LOGIN, "/staff/sign-in/help"):
        checked(client.get(path))
    checked(sign_in(client, SHI, "wrong wrong wrong"), 422)
    sign_in(client, SHI)
    checked(client.get("/staff/totp"))
    checked(send(client, "/staff/totp"))
    finish_totp(client, clock)
    for path in (
        "/staff/account?done=totp",
        "/staff/password",
        "/staff/verify",
        "/staff/totp",
        "/staff/recovery-codes",
    ):
        checked(client.get(path))
    checked(send(client, "/staff/recovery-codes"))
    send(client, "/staff/account", "form[action='/staff/sign-out']")
    sign_in(client, SHI)
    for path in ("/staff/code", "/staff/recovery"):
        checked(client.get(path))


# --- helpers --------------------------------------------------------------------------------------------------------


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD, then: str = "") -> TestResponse:
    path = f"{LOGIN}?next={then}" if then else LOGIN
    return send(client, path, email=email, password=password)


def send(client: FlaskClient, path: str, form: str = "main form[method=post]", **typed: str) -> TestResponse:
    """Fill in and send the form of the page at `path`. `secret` stands for a page that only a POST shows."""
    page = typed.pop("secret", None) or client.get(path).text
    found = BeautifulSoup(page, "html.parser").select_one(form)
    assert found is not None, f"no {form} on {path}: {page}"
    return client.post(str(found["action"]), data=hidden(found) | typed)


def fields(answer: TestResponse) -> dict[str, str]:
    page = BeautifulSoup(answer.text, "html.parser")
    return hidden(page.select_one("main") or page)  # the page's own form, not the languages under it


def hidden(part: BeautifulSoup | Any) -> dict[str, str]:
    return {str(one["name"]): str(one.get("value", "")) for one in part.select("input[type=hidden]")}


def start_totp(client: FlaskClient) -> str:
    """The page with the QR code."""
    return send(client, "/staff/totp").text


def finish_totp(client: FlaskClient, clock: Clock) -> Any:
    """Scan the code of a new set-up and type what the phone shows. Returns the phone."""
    page = start_totp(client)
    key = BeautifulSoup(page, "html.parser").select_one("p code")
    assert key is not None
    phone = TOTP(key.get_text())
    answer = send(
        client,
        "",
        "form[action^='/staff/totp/']",
        secret=page,
        code=phone.generate(clock().timestamp()).token,
    )
    assert answer.location == "/staff/account?done=totp"
    return phone


def set_up_totp(client: FlaskClient, clock: Clock, leave: bool = True) -> Any:
    """The manager signs in, sets up a phone and (`leave`) signs out; half a minute later."""
    sign_in(client, SHI)
    phone = finish_totp(client, clock)
    if leave:
        send(client, "/staff/account", "form[action='/staff/sign-out']")
    clock.advance(seconds=30)
    return phone


def run(app: Flask, *words: str, typed: str = "") -> Result:
    """`flask staff …`, as an operator types it."""
    with app.app_context():
        return app.test_cli_runner().invoke(args=["staff", *words], input=typed)


def cookie(client: FlaskClient, name: str) -> str:
    found = client.get_cookie(name, path="/staff" if name == "hall_staff" else "/")
    assert found is not None
    return found.value


def verbs_of(app: Flask) -> list[str]:
    """What the audit says, without the making of the cast."""
    with app.app_context():
        query = select(Audit.verb).where(Audit.actor_kind.in_({"staff", "nobody"})).order_by(Audit.id)
        return list(db.session.scalars(query))
