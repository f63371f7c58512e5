"""Ordering a meal, page by page: at the kiosk, on a phone, as a guest, for one's mother; and what is refused how."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from canteen import queries
from canteen.models import DietProfile, Dish, MealOrder, Menu, StandingOrder, StandingSkip
from canteen.services import ledger
from canteen.services.close import close_menu
from canteen.services.diet import set_profile
from canteen.services.give_back import cancel
from canteen.services.order import Wish, place
from canteen.services.plan import set_quota, swap_dish
from canteen.services.serve import Scan, pay_at_desk, redeem
from canteen.services.standing import start
from centres.models import Building
from centres.services import set_policy
from core.audit import CLOCK, OPERATOR, Actor
from core.codes import new_code
from core.database import db, unit_of_work
from kiosk.models import Visit
from kiosk.services import end_visit
from people.models import FamilyLink, Resident, Staff
from people.services import family
from people.services.cards import issue_card
from people.services.residents import give_consent
from tests.support.cast import PIN, Cast
from tests.support.clock import Clock
from tests.support.forms import Kiosk, fields_of, send, ways
from tests.support.meals import Meals, double_ninth, furnish, two_lunches
from tests.support.pages import checked

TUESDAY, WEDNESDAY = date(2026, 11, 24), date(2026, 11, 25)
BASE = "/c/shuibei/canteen"
LUNCH = f"{BASE}/menu/{TUESDAY}/lunch"


@pytest.fixture
def meals(app: Flask, cast: Cast) -> Meals:
    return two_lunches(app, cast)


@contextmanager
def house(meals: Meals) -> Iterator[None]:
    """Look at the database, or do what somebody else does meanwhile."""
    with meals.app.app_context():
        yield
        db.session.remove()


def orders(meals: Meals) -> list[MealOrder]:
    with house(meals):
        return list(db.session.scalars(select(MealOrder).order_by(MealOrder.id)))


def staff_id() -> int:
    return int(db.session.scalars(select(Staff.id).order_by(Staff.id)).first() or 0)


def words(page: TestResponse) -> str:
    return BeautifulSoup(page.text, "html.parser").get_text(" ", strip=True)


def spoken(page: TestResponse) -> str:
    """What «朗读» reads."""
    return " ".join(
        part.get_text(" ", strip=True)
        for part in BeautifulSoup(page.text, "html.parser").select("[data-say]")
    )


def known_phone(client: FlaskClient, number: str = "13800001187") -> FlaskClient:
    page = client.get("/c/shuibei/identify/phone?next=/c/shuibei/my/")
    answer = send(client, page, "/c/shuibei/identify/phone", phone=number)
    send(client, client.get(answer.location), answer.location, pin=PIN)
    return client


def card_phone(client: FlaskClient, cast: Cast) -> FlaskClient:
    send(client, client.get(f"/q/{cast.chen_code}"), f"/q/{cast.chen_code}/card")
    return client


def order_on(client: FlaskClient, page: TestResponse) -> TestResponse:
    """Tap the red button of the check page."""
    return send(client, page, "", form="form[action*='/order']")


# --- journeys -------------------------------------------------------------------------------------------------------


def test_at_the_kiosk_with_a_card(client: FlaskClient, meals: Meals, cast: Cast) -> None:
    at = Kiosk(client, cast)
    assert "明天的， 今天 16:00 前订" in words(at.page)
    menu = at.open(f"{BASE}/")
    checked(menu)
    assert "明天吃什么？" in menu.text
    assert "订清蒸鲈鱼，您付 ¥15.00" in menu.text
    asked = client.get(f"{LUNCH}/check?offer=L1")
    assert asked.location.startswith(f"{BASE}/who")
    who = at.open(asked.location)
    assert "不刷卡，当客人订" in who.text
    answer = at.scan(cast.chen_code)
    check = at.follow()
    assert answer.location == f"{LUNCH}/check?offer=L1"
    checked(check)
    assert "确认订餐，您付 ¥10.00" in check.text
    assert "政府补 ¥5.00" in check.text
    at.send("form[action*='/order']")
    done = at.follow()
    checked(done)
    said = words(done)
    assert "订好了" in said
    assert "本周还可补4次" in said
    assert "陈*英" in said
    assert "余额" not in said  # the card alone does not show it
    (order,) = orders(meals)
    assert (order.channel, order.pays_fen, order.pay_state) == ("kiosk", 1000, "due")
    slip = at.slip_code()
    client.post("/kiosk/wipe", data={"csrf_token": ""})
    assert "清蒸鲈鱼" in at.open(f"/q/{slip}").text


def test_a_card_at_the_home_holds_the_next_meal_out_until_it_is_ordered(
    client: FlaskClient, meals: Meals, cast: Cast
) -> None:
    """From the home: the card, a tap, and what it costs is read; another, and it is ordered."""
    kiosk = Kiosk(client, cast)
    kiosk.scan(cast.chen_code)
    page = kiosk.follow()
    checked(page)
    held = BeautifulSoup(page.text, "html.parser").select_one(".actions a.primary")
    assert held is not None
    assert held.get_text(" ", strip=True) == "订明天午餐：清蒸鲈鱼 您付 ¥10.00"
    assert kiosk.open(str(held["href"])).status_code == 200
    kiosk.send("form[action$='/order']")
    assert [(order.resident_id, order.pays_fen) for order in orders(meals)] == [(cast.chen, 1000)]
    page = kiosk.open("/c/shuibei/my/")
    assert "清蒸鲈鱼" in words(page)
    assert "订明天午餐" not in words(page)


def test_a_standing_order_or_an_empty_kitchen_holds_nothing_out(
    client: FlaskClient, meals: Meals, cast: Cast, clock: Clock
) -> None:
    kiosk = Kiosk(client, cast)
    with house(meals):
        start(Actor("resident", cast.chen), cast.chen, cast.shuibei, "lunch", [1])
    kiosk.scan(cast.chen_code)
    assert "订明天" not in words(kiosk.follow())
    clock.set("2026-11-25 16:01")  # nothing is open any more
    kiosk.scan(cast.chen_code)
    assert not BeautifulSoup(kiosk.follow().text, "html.parser").select(".actions a.primary")


def test_a_card_at_the_menu_goes_on_with_the_dish_that_is_shown(
    client: FlaskClient, meals: Meals, cast: Cast
) -> None:
    kiosk = Kiosk(client, cast)
    page = kiosk.open(f"{LUNCH}/?offer=L2")
    url, given = fields_of(page, "#scan-form")
    page = client.post(url, data={**given, "payload": cast.chen_code}, follow_redirects=True)
    assert page.request.full_path == f"{LUNCH}/check?offer=L2"


def test_the_receipt_says_which_promotion_came_off(client: FlaskClient, meals: Meals, cast: Cast) -> None:
    """Before it is ordered, on the slip, on paper and at the desk: the parts add up to the price."""
    with house(meals):
        double_ninth(cast, TUESDAY, WEDNESDAY)
    kiosk = Kiosk(client, cast)
    kiosk.scan(cast.chen_code)
    check = kiosk.open(f"{LUNCH}/check?offer=L1")
    parts = "原价 ¥15.00 重阳敬老周优惠 ¥2.00 政府补 ¥5.00 您付 ¥8.00"
    assert parts in words(check)
    kiosk.send("form[action*='/order']")
    assert parts in words(kiosk.follow())
    with client.application.test_request_context(), house(meals):
        order = db.session.scalars(select(MealOrder)).one()
        assert queries.promotion_name(order.promotion_id) == "重阳敬老周"
        assert (order.promotion_fen, order.subsidy_fen, order.pays_fen) == (200, 500, 800)


def test_the_sum_that_is_read_aloud_is_what_one_pays(client: FlaskClient, meals: Meals, cast: Cast) -> None:
    with house(meals):
        ledger.top_up(staff_id(), cast.shuibei, cast.chen, 4800)
    known_phone(client)
    for path in (f"{BASE}/", f"{LUNCH}/check?offer=L1", f"{BASE}/mine/", f"{BASE}/mine/account"):
        page = client.get(path)
        assert "48.00" in page.text or "check" in path
        heard = spoken(page)
        for unsaid in ("余额", "政府补", "原价"):
            assert unsaid not in heard, path
    assert "您付 ¥10.00" in spoken(client.get(f"{LUNCH}/check?offer=L1"))


def test_on_a_phone_with_the_pin_and_undone(client: FlaskClient, meals: Meals, cast: Cast) -> None:
    with house(meals):
        ledger.top_up(staff_id(), cast.shuibei, cast.chen, 4800)
    known_phone(client)
    check = client.get(f"{LUNCH}/check?offer=L1&pay=account")
    assert "用饭卡付" in check.text
    done = client.get(order_on(client, check).location)
    checked(done)
    said = words(done)
    assert "饭卡已付" in said
    assert "余额 ¥38.00" in said
    assert "本周还可补4次" in said
    page = client.get(send(client, done, "", form="form.undo").location)
    assert "已经取消了" in page.text
    with house(meals):
        assert ledger.balance(cast.chen) == 4800


def test_a_phone_that_was_never_confirmed_shows_neither_name_nor_balance(
    client: FlaskClient, meals: Meals, cast: Cast
) -> None:
    with house(meals):
        ledger.top_up(staff_id(), cast.shuibei, cast.chen, 777)
    card_phone(client, cast)
    pages = [client.get(f"{BASE}/"), client.get(f"{LUNCH}/check?offer=L1")]
    done = client.get(order_on(client, pages[-1]).location)
    order = orders(meals)[0]
    pages += [
        done,
        client.get(f"{BASE}/o/{order.number}/"),
        client.get(f"/q/{order.code}"),
        client.get("/c/shuibei/my/"),
    ]
    for page in pages:
        said = words(page)
        assert page.status_code == 200
        for hidden in ("陈", "余额", "7.77"):
            assert hidden not in said, page.request.path
    assert client.get(f"{BASE}/mine/").status_code == 403


def test_a_guest_gets_a_number_and_pays_at_the_desk(client: FlaskClient, meals: Meals) -> None:
    who = client.get(client.get(f"{LUNCH}/check?offer=L1").location)
    link = BeautifulSoup(who.text, "html.parser").find("a", string="不刷卡，当客人订") or BeautifulSoup(
        who.text, "html.parser"
    ).select_one("a[href*='guest=1']")
    assert link is not None
    for many in (1, 2):
        check = client.get(str(link["href"]))
        assert "到服务台付" in check.text
        assert "¥15.00" in check.text
        answer = order_on(client, check)
        assert answer.location.startswith("/q/M")
        done = client.get(answer.location)
        assert f"先到服务台付钱，再报{many}号" in done.text
    third = order_on(client, client.get(str(link["href"])))
    assert third.status_code == 409
    assert "当客人一餐最多订2份" in third.text
    assert [order.resident_id for order in orders(meals)] == [None, None]


def test_the_table_s_code_opens_the_menu(client: FlaskClient, meals: Meals) -> None:
    page = client.get(f"{BASE}/?table=3")
    assert "订清蒸鲈鱼" in page.text
    assert "明天" in page.text
    checked(page)


def test_what_was_eaten_a_week_before_is_chosen(
    client: FlaskClient, meals: Meals, cast: Cast, clock: Clock
) -> None:
    with house(meals):
        clock.set("2026-11-16 09:00")
        meals.lunch(date(2026, 11, 17))
        meals.order(cast.chen, date(2026, 11, 17), "L2")
    clock.set("2026-11-23 09:41")
    known_phone(client)
    page = client.get(f"{BASE}/")
    assert "订肉末蒸蛋" in page.text
    assert "和上周二一样" in page.text
    other = client.get(f"{LUNCH}/?offer=L1")
    assert "和上周二一样：肉末蒸蛋" in words(other)


def test_after_the_cutoff_the_next_day_is_offered(
    client: FlaskClient, meals: Meals, cast: Cast, clock: Clock
) -> None:
    clock.set("2026-11-23 16:00")
    page = client.get(f"{BASE}/")
    assert "后天吃什么" in page.text
    days = client.get(f"{BASE}/days")
    assert "订餐的时间过了" in days.text
    clock.set("2026-11-24 11:35")
    at = Kiosk(client, cast)
    assert "现场还有10份" in at.open(f"{BASE}/days").text
    here = at.open(f"{LUNCH}/")
    assert "现场的份，还有10份" in here.text


# --- refusals -------------------------------------------------------------------------------------------------------


def test_sold_out_between_the_page_and_the_tap(client: FlaskClient, meals: Meals, cast: Cast) -> None:
    known_phone(client)
    check = client.get(f"{LUNCH}/check?offer=L1")
    with house(meals):
        set_quota(OPERATOR, meals.offer(TUESDAY), 1)
        meals.order(cast.aqiang, TUESDAY)
    refused = order_on(client, check)
    assert refused.status_code == 409
    page = BeautifulSoup(refused.text, "html.parser")
    assert page.h1 is not None
    assert "订满了" in page.h1.get_text()
    assert "您没有做错" in refused.text
    ways = [str(way["href"]) for way in page.select("#main a.choice")]
    assert len(ways) == 3
    assert all(client.get(way).status_code == 200 for way in ways)
    assert len(orders(meals)) == 1
    menu = client.get(f"{LUNCH}/")
    assert "今天 9:41 订满了" in menu.text
    assert "可选另外3种" in menu.text
    assert client.get(f"{LUNCH}/check?offer=L1").status_code == 409


@pytest.mark.parametrize("where", ["phone", "kiosk"])
def test_a_card_alone_orders_a_few_a_day_and_the_pin_as_many_as_one_likes(
    client: FlaskClient, meals: Meals, cast: Cast, clock: Clock, where: str
) -> None:
    """Whoever has photographed a card orders no more than so many."""
    with house(meals):
        set_policy(OPERATOR, cast.district, "canteen.card_orders", 2, date(2026, 1, 1))
        meals.lunch(date(2026, 11, 26))
        meals.order(cast.chen, TUESDAY, channel="desk")  # staff have seen who it is: it does not count
    if where == "kiosk":
        Kiosk(client, cast).scan(cast.chen_code)
    else:
        card_phone(client, cast)
    asked = [f"{BASE}/menu/{day}/lunch/check?offer=L1" for day in (TUESDAY, WEDNESDAY, date(2026, 11, 26))]
    for page in asked[:2]:
        assert order_on(client, client.get(page)).status_code == 303
    refused = order_on(client, client.get(asked[2]))
    assert refused.status_code == 409
    assert "今天刷卡已经订了2份" in words(refused)
    way = BeautifulSoup(refused.text, "html.parser").select_one("#main a.choice")
    assert way is not None
    assert "输密码" in way.text
    with house(meals):
        assert meals.order(cast.chen, WEDNESDAY, "L2", channel="desk").state == "ordered"
        by_card = select(MealOrder.id).where(MealOrder.visit_id.is_not(None), MealOrder.day == TUESDAY)
        cancel(Actor("resident", cast.chen), db.session.scalars(by_card).one())
    assert order_on(client, client.get(asked[0])).status_code == 303  # what is given back makes room
    pin = client.get(str(way["href"]))
    answer = send(client, pin, pin.request.path, pin=PIN)
    assert answer.location == asked[2]
    assert order_on(client, client.get(answer.location)).status_code == 303
    assert len(orders(meals)) == 6


def test_guests_who_throw_away_who_they_were_share_a_part_of_the_portions(
    app: Flask, meals: Meals, cast: Cast
) -> None:
    with house(meals):
        set_quota(OPERATOR, meals.offer(TUESDAY), 10)
    for _visit in range(2):  # a fifth of ten
        client = app.test_client()
        assert order_on(client, client.get(f"{LUNCH}/check?offer=L1&guest=1")).status_code == 303
    client = app.test_client()
    refused = order_on(client, client.get(f"{LUNCH}/check?offer=L1&guest=1"))
    assert (refused.status_code, "留给客人的份订完了" in words(refused)) == (409, True)
    way = BeautifulSoup(refused.text, "html.parser").select_one("#main a.choice")
    assert way is not None
    assert "guest" not in str(way["href"])
    assert order_on(client, client.get(f"{LUNCH}/check?offer=L2&guest=1")).status_code == 303
    with house(meals):
        first = orders(meals)[0]
        pay_at_desk(staff_id(), first.id)
    client = app.test_client()
    assert order_on(client, client.get(f"{LUNCH}/check?offer=L1&guest=1")).status_code == 303
    known = card_phone(app.test_client(), cast)
    assert order_on(known, known.get(f"{LUNCH}/check?offer=L1")).status_code == 303


def test_the_cutoff_passed_while_the_page_stood_open(client: FlaskClient, meals: Meals, clock: Clock) -> None:
    known_phone(client)
    check = client.get(f"{LUNCH}/check?offer=L1")
    clock.set("2026-11-23 16:00")
    refused = order_on(client, check)
    assert refused.status_code == 409
    assert "已经截止了" in refused.text
    assert "看后天的午餐" in refused.text
    assert orders(meals) == []


def test_a_double_tap_makes_one_order(client: FlaskClient, meals: Meals) -> None:
    known_phone(client)
    check = client.get(f"{LUNCH}/check?offer=L1")
    first, second = order_on(client, check), order_on(client, check)
    assert first.location == second.location
    assert len(orders(meals)) == 1


def test_a_repeat_is_answered_alike_also_when_one_has_left_meanwhile(
    client: FlaskClient, meals: Meals
) -> None:
    known_phone(client)
    check, another = (client.get(f"{LUNCH}/check?offer=L1") for _page in range(2))
    first = order_on(client, check)
    with house(meals):
        end_visit(db.session.scalars(select(Visit.id).where(Visit.resident_id.is_not(None))).one())
    assert order_on(client, check).location == first.location
    assert "/canteen/who" in order_on(client, another).location, "a new tap must say who it is"
    assert len(orders(meals)) == 1


def test_a_refusal_before_the_lock_does_not_use_up_the_page(client: FlaskClient, meals: Meals) -> None:
    known_phone(client)
    url, given = fields_of(client.get(f"{LUNCH}/check?offer=L1"), "form[action*='/order']")
    assert client.post(f"{url}?for=99", data=given).status_code == 404
    assert client.post(url, data=given).status_code == 303
    assert len(orders(meals)) == 1


def test_home_without_an_address_is_said_and_collecting_it_offered(
    client: FlaskClient, meals: Meals, cast: Cast
) -> None:
    with house(meals), unit_of_work():
        db.session.get_one(Resident, cast.chen).building_id = None
    known_phone(client)
    check = client.get(f"{LUNCH}/check?offer=L1")
    refused = send(client, check, "", form="form[action*='/order']", home="1")
    assert refused.status_code == 422
    assert "还没有登记送餐的地址" in refused.text
    assert ways(refused)[0] == "改成到食堂取"
    assert orders(meals) == []


def test_a_sum_that_has_changed_is_shown_again(client: FlaskClient, meals: Meals, cast: Cast) -> None:
    known_phone(client)
    check = client.get(f"{LUNCH}/check?offer=L1")
    with house(meals):
        meals.order(cast.chen, TUESDAY, "L2")  # the help for this meal is used now
    refused = order_on(client, check)
    assert refused.status_code == 409
    assert "现在您付 ¥15.00" in refused.text
    assert len(orders(meals)) == 1


def test_a_kiosk_says_a_dish_as_its_kitchen_wrote_it(client: FlaskClient, meals: Meals, cast: Cast) -> None:
    with house(meals), unit_of_work():
        db.session.get_one(Dish, meals.dishes["M01"]).spoken = "qīng zhēng lú yú"
    phone = client.get(f"{BASE}/")
    assert "qīng" not in phone.text  # its own voice reads signs
    at = Kiosk(client, cast)
    assert 'data-say="qīng zhēng lú yú"' in at.open(f"{BASE}/").text
    at.scan(cast.chen_code)
    check = at.open(f"{LUNCH}/check?offer=L1")
    assert 'data-say="qīng zhēng lú yú，' in check.text


def test_what_is_against_the_diet_needs_a_yes_that_is_said_too(
    client: FlaskClient, meals: Meals, cast: Cast
) -> None:
    with house(meals):
        give_consent(OPERATOR, cast.chen, {"diet"}, "desk")
        set_profile(OPERATOR, cast.chen, allergens=["fish"], labels=[], texture="regular")
    known_phone(client)
    assert "订肉末蒸蛋" in client.get(f"{BASE}/").text  # the fish is not proposed
    check = client.get(f"{LUNCH}/check?offer=L1")
    assert "我知道了，还是要订" in check.text
    assert "含鱼" in spoken(check)
    without = send(client, check, "", form="form[action*='/order']", confirmed="")
    assert without.status_code == 422
    assert orders(meals) == []
    order_on(client, client.get(f"{LUNCH}/check?offer=L1"))
    assert orders(meals)[0].conflicts == ["allergen:fish"]


@pytest.mark.parametrize(
    ("label", "offer", "words"),
    [
        ("halal", "L1", "不是清真"),
        ("halal", "L4", ""),
        ("vegan", "L3", ""),
        ("vegan", "L2", "不是全素"),
        ("low_sugar", "L1", "没有标低糖"),
        ("low_oil", "L1", ""),
        ("low_oil", "L4", "没有标低油"),
        ("low_salt", "L2", ""),  # the kitchen makes it so, box by box
    ],
)
def test_what_a_meal_is_not_is_asked_about_too(
    client: FlaskClient, meals: Meals, cast: Cast, label: str, offer: str, words: str
) -> None:
    with house(meals):
        give_consent(OPERATOR, cast.chen, {"diet"}, "desk")
        set_profile(OPERATOR, cast.chen, allergens=[], labels=[label], texture="regular")
    known_phone(client)
    check = client.get(f"{LUNCH}/check?offer={offer}")
    assert ("我知道了，还是要订" in check.text) is bool(words)
    assert words in spoken(check)
    without = send(client, check, "", form="form[action*='/order']", confirmed="")
    assert without.status_code == (422 if words else 303)


def test_the_account_that_is_too_low_stands_there_with_its_reason(
    client: FlaskClient, meals: Meals, cast: Cast
) -> None:
    with house(meals):
        ledger.top_up(staff_id(), cast.shuibei, cast.chen, 300)
    known_phone(client)
    page = checked(client.get(f"{LUNCH}/check?offer=L1"))
    off = page.select_one("button[aria-disabled=true]")
    assert off is not None
    assert off["data-reason"] == "余额 ¥3.00，不够"


def test_each_slip_that_is_none_has_its_own_sentence(
    client: FlaskClient, meals: Meals, cast: Cast, clock: Clock
) -> None:
    with house(meals):
        order = meals.order(cast.chen, TUESDAY)
        meals.lunch(TUESDAY, centre=cast.sungang)
        far = meals.order(cast.chen, TUESDAY, "L2", centre=cast.sungang)
        code, far_code = order.code, far.code
    assert "订好了" in client.get(f"/q/{code}").text
    assert "认不出" in client.get(f"/q/{'M' + '0' * 30}").text
    assert "没有扫全" in client.get(f"/q/{code[:20]}").text
    assert "没有找到这张小票" in client.get(f"/q/{new_code('M')}").text
    at = Kiosk(client, cast)
    assert at.client.get(f"/q/{far_code}").status_code == 409
    assert "笋岗" in at.client.get(f"/q/{far_code}").text
    clock.set("2026-11-24 12:31")
    assert "没有来取，时间过了" in client.get(f"/q/{code}").text


def test_of_others_one_sees_nothing(client: FlaskClient, meals: Meals, cast: Cast) -> None:
    with house(meals):
        number = meals.order(cast.chen, TUESDAY).number
    assert client.get(f"{BASE}/o/{number}/").status_code == 403
    known_phone(client, "13800001188")
    for page in ("", "done", "cancel"):
        assert client.get(f"{BASE}/o/{number}/{page}").status_code == 404


# --- one order ------------------------------------------------------------------------------------------------------


def test_a_meal_is_given_back_before_the_cutoff_only(
    client: FlaskClient, meals: Meals, cast: Cast, clock: Clock
) -> None:
    with house(meals):
        ledger.top_up(staff_id(), cast.shuibei, cast.chen, 5000)
        first = meals.order(cast.chen, TUESDAY, gateway="account")
        second = meals.order(cast.chen, WEDNESDAY)
        numbers = first.number, second.number
    known_phone(client)
    page = client.get(f"{BASE}/o/{numbers[0]}/cancel")
    assert "¥10.00 退回给您" in page.text
    assert "政府补也还给您" in page.text
    assert "10.00" not in spoken(page)
    answer = send(client, page, "", form="form[action$='/cancel']")
    assert "已经取消了" in client.get(answer.location).text
    clock.set("2026-11-24 16:00")
    late = known_phone(meals.app.test_client()).get(f"{BASE}/o/{numbers[1]}/cancel")
    assert "代领" in late.text
    assert "工作人员" in late.text
    assert "form[action$='/cancel']" not in late.text


def test_after_a_swap_one_keeps_it_or_gives_it_back(client: FlaskClient, meals: Meals, cast: Cast) -> None:
    with house(meals):
        order = meals.order(cast.chen, TUESDAY)
        give_consent(OPERATOR, cast.chen, {"diet"}, "desk")
        set_profile(OPERATOR, cast.chen, allergens=["peanut"], labels=[], texture="regular")
        swap_dish(
            OPERATOR,
            meals.menus[cast.shuibei, TUESDAY, "lunch"],
            meals.dishes["V01"],
            meals.dishes["V11"],
            "没到货",
        )
        number = order.number
    known_phone(client)
    assert "换了菜，请看一看" in client.get("/c/shuibei/my/").text
    page = client.get(f"{BASE}/o/{number}/")
    assert "香菇菜心换成了凉拌青瓜" in page.text
    assert "含花生" in page.text
    answer = send(client, page, "", form="form[action$='/give-back']")
    assert "已经取消了" in client.get(answer.location).text


def test_collected_is_shown_with_its_time(
    client: FlaskClient, meals: Meals, cast: Cast, clock: Clock
) -> None:
    with house(meals):
        order = meals.order(cast.chen, TUESDAY)
        close = meals.menus[cast.shuibei, TUESDAY, "lunch"]
        clock.set("2026-11-23 16:01")
        close_menu(CLOCK, close)
        clock.set("2026-11-24 11:42")
        redeem(staff_id(), cast.shuibei, order.id, Scan("1号窗", "scan0001", cash=True))
        number = order.number
    known_phone(client)
    page = client.get(f"{BASE}/o/{number}/")
    assert "已经取了餐" in page.text
    assert "11:42 领的餐" in page.text


def test_today_s_menu_is_still_read_after_the_cutoff_and_says_what_one_can_do(
    client: FlaskClient, meals: Meals, clock: Clock
) -> None:
    clock.set("2026-11-24 10:00")
    days = client.get(f"{BASE}/days")
    assert "订餐的时间过了，看看菜" in words(days)
    link = BeautifulSoup(days.text, "html.parser").select_one(f"a[href^='{LUNCH}/']")
    assert link is not None
    page = client.get(str(link["href"]))
    checked(page)
    assert "清蒸鲈鱼" in page.text
    assert "到食堂柜台说一声就能买。" in spoken(page)
    assert f"{LUNCH}/check" not in page.text
    with house(meals), unit_of_work():
        menu = db.session.scalars(select(Menu).where(Menu.day == TUESDAY)).one()
        menu.walk_in_taken = menu.walk_in
    assert "现场的份也没有了" in spoken(client.get(f"{LUNCH}/"))


# --- mine -----------------------------------------------------------------------------------------------------------


def test_a_standing_order_is_made_and_a_day_left_out_by_card(
    client: FlaskClient, meals: Meals, cast: Cast
) -> None:
    known_phone(client)
    page = client.get(f"{BASE}/standing/new")
    assert "周一到周五" in page.text
    changed = client.get(f"{BASE}/standing/new?ask=days&days=0,1")
    assert "周一" in changed.text
    page = client.get(f"{BASE}/standing/new?ask=texture&days=1,2&avoid=peanut")
    for parts in ("ask=labels&texture=soft", "labels=low_salt", "ask=avoid", "labels=low_salt"):
        wanted = "".join(f'[href*="{part}"]' for part in parts.split("&"))
        page = client.get(str(BeautifulSoup(page.text, "html.parser").select(f"main a{wanted}")[-1]["href"]))
    assert "周二、周三" in page.text
    assert "软，低盐，不吃花生" in page.text
    answer = send(client, page, "", form="form[action$='/standing/']")
    one = client.get(answer.location)
    assert "明天不吃" in one.text
    assert "软，低盐，不吃花生" in one.text
    with house(meals):
        assert db.session.scalars(select(StandingOrder.labels)).all() == [["low_salt"]]
    fresh = card_phone(meals.app.test_client(), cast)
    menu = fresh.get(f"{BASE}/")
    assert "长期订餐会帮您订这一餐" in menu.text
    send(fresh, menu, "", form="form[action$='/skip']")
    with house(meals):
        assert db.session.scalars(select(StandingSkip.day)).all() == [TUESDAY]
    send(fresh, fresh.get(f"{BASE}/"), "", form="form[action$='/eat']")
    with house(meals):
        assert db.session.scalars(select(StandingSkip.day)).all() == []
    assert "以后都不订了" not in fresh.get(answer.location).text


def test_a_standing_order_is_brought_home_with_a_note_to_the_kitchen(
    client: FlaskClient, meals: Meals, cast: Cast
) -> None:
    known_phone(client)
    assert "还没有登记地址" in client.get(f"{BASE}/standing/new").text
    assert "改自己取" not in client.get(f"{BASE}/standing/new?home=1").text
    with house(meals), unit_of_work():
        building = Building(unit_id=cast.shuibei, code="SB2-9", name_zh="水贝二街9栋", floors=7)
        db.session.add(building)
        db.session.flush()
        person = db.session.get_one(Resident, cast.chen)
        person.building_id, person.room = building.id, "402"
    assert "改送到家" in client.get(f"{BASE}/standing/new").text
    page = client.get(f"{BASE}/standing/new?days=1,2&home=1")
    assert "水贝二街9栋 402" in page.text
    one = client.get(send(client, page, "", form="form[action$='/standing/']").location)
    assert "送到家" in one.text
    note = client.get(f"{one.request.path}note")
    assert "少放油" in note.text
    long = send(client, note, "", form="form:has(textarea)", note="字" * 61)
    assert (long.status_code, "最多60个字" in long.text) == (422, True)
    send(client, note, "", form="form:has(textarea)", note=" 汤 分开，\n牙不好 ")
    with house(meals):
        row = db.session.scalars(select(StandingOrder)).one()
        assert (row.delivery, row.note) == (True, "汤 分开， 牙不好")
    again = client.get(note.request.path)
    assert "现在写的：汤 分开， 牙不好" in again.text
    send(client, again, "", form=".danger-row form")
    with house(meals):
        assert db.session.scalars(select(StandingOrder.note)).all() == [None]


def test_a_note_is_one_tap_at_the_kiosk_and_needs_the_pin(
    client: FlaskClient, meals: Meals, cast: Cast
) -> None:
    with house(meals):
        row = start(OPERATOR, cast.chen, cast.shuibei, "lunch", [1]).id
    card = card_phone(meals.app.test_client(), cast)
    assert card.get(f"{BASE}/standing/{row}/note").status_code == 403
    kiosk = Kiosk(client, cast)
    known_phone(client)
    kiosk.page = client.get(f"{BASE}/standing/{row}/note")
    assert "textarea" not in kiosk.page.text
    kiosk.send("ul.choices form")
    with house(meals):
        assert db.session.scalars(select(StandingOrder.note)).all() == ["少放油"]


def test_somebody_else_s_standing_order_is_not_there(client: FlaskClient, meals: Meals, cast: Cast) -> None:
    with house(meals):
        row = start(OPERATOR, cast.chen, cast.shuibei, "lunch", [1]).id
    known_phone(client, "13800001188")
    assert client.get(f"{BASE}/standing/{row}/").status_code == 404


def test_ordered_by_hand_no_second_one_comes_of_the_standing_order(
    client: FlaskClient, meals: Meals, cast: Cast, clock: Clock
) -> None:
    with house(meals):
        start(OPERATOR, cast.chen, cast.shuibei, "lunch", [0, 1, 2, 3, 4])
        meals.order(cast.chen, TUESDAY, "L2")
        clock.set("2026-11-23 16:01")
        close_menu(CLOCK, meals.menus[cast.shuibei, TUESDAY, "lunch"])
    assert len(orders(meals)) == 1


def test_without_consent_no_diet_is_kept_and_with_it_it_goes(
    client: FlaskClient, meals: Meals, cast: Cast
) -> None:
    known_phone(client)
    page = client.get(f"{BASE}/diet/")
    assert "您同意我们才记" in page.text
    refused = client.post(
        f"{BASE}/diet/",
        data={**_tokens(page), "allergens": "fish", "labels": "", "texture": "soft"},
    )
    assert refused.status_code == 403
    send(client, page, "", form="form[action$='/agree']")
    proposed = client.get(f"{BASE}/diet/?allergens=fish,egg&labels=&texture=soft")
    assert "这样记下来" in proposed.text
    assert "鱼、蛋" in spoken(proposed)
    kept = client.get(send(client, proposed, "", form="form[action$='/diet/']").location)
    assert "我们记着这些" in kept.text
    with house(meals):
        row = db.session.scalars(select(DietProfile)).one()
        assert (row.allergens, row.texture) == (["fish", "egg"], "soft")
    consents = client.get("/c/shuibei/my/consents")
    assert "登记您不能吃的" in consents.text
    send(client, consents, "", form="form:has(input[value=diet])")
    with house(meals):
        assert db.session.scalars(select(DietProfile)).all() == []


def _tokens(page: TestResponse) -> dict[str, str]:
    found = BeautifulSoup(page.text, "html.parser")
    return {
        name: str(found.select_one(f"input[name={name}]")["value"])  # type: ignore[index]
        for name in ("csrf_token", "request_key")
    }


# --- family ---------------------------------------------------------------------------------------------------------


def test_the_check_page_says_why_there_is_no_help(client: FlaskClient, meals: Meals, cast: Cast) -> None:
    phone = known_phone(client)
    assert "补贴" not in words(phone.get(f"{LUNCH}/check?offer=L1"))
    with house(meals):
        meals.order(cast.chen, TUESDAY)
    second = words(phone.get(f"{LUNCH}/check?offer=L1"))
    assert "这一餐已经补过一份了，这一份没有补贴。" in second
    with house(meals):
        set_policy(OPERATOR, cast.district, "canteen.subsidies_week", 1, date(2026, 1, 1))
    other = words(phone.get(f"{BASE}/menu/{WEDNESDAY}/lunch/check?offer=L1"))
    assert "这个星期的补贴用完了，这一份没有补贴。" in other


def test_what_staff_ordered_for_somebody_says_so(client: FlaskClient, meals: Meals, cast: Cast) -> None:
    with house(meals):
        number = meals.order(cast.chen, TUESDAY, channel="desk").number
    phone = known_phone(client)
    assert "工作人员帮您订的" in phone.get(f"{BASE}/o/{number}/").text
    assert "工作人员帮您订的" in phone.get("/c/shuibei/my/").text


def test_a_son_orders_for_his_mother_once_she_agrees(
    client: FlaskClient, meals: Meals, cast: Cast, clock: Clock
) -> None:
    son = known_phone(meals.app.test_client(), "13800001188")
    for number in ("13800001187", "13900009999"):  # the answer does not tell whether there is such a person
        answer = send(son, son.get(f"{BASE}/family/ask"), f"{BASE}/family/ask", phone=number)
        page = son.get(answer.location)
        assert "问好了" in page.text
        assert "陈*英" not in words(page)
    mother = known_phone(client)
    asked = mother.get(f"{BASE}/family/")
    assert "想帮您订餐" in asked.text
    assert "陈*强" in asked.text
    with house(meals):
        link = db.session.scalars(select(FamilyLink)).one().id
    assert son.get(f"{BASE}/?for={link}").status_code == 404
    send(mother, mother.get(f"{BASE}/family/{link}/"), "", form="form[action$='/agree']")
    menu = son.get(f"{BASE}/?for={link}")
    assert "帮陈*英订" in menu.text
    assert "您付 ¥10.00" in menu.text
    assert "余额" not in words(menu)
    assert all("None" not in words(client.get(path)) for path in (f"{BASE}/", "/c/shuibei/my/"))
    done = son.get(order_on(son, son.get(f"{LUNCH}/check?offer=L1&for={link}")).location)
    assert "订好了" in done.text
    (order,) = orders(meals)
    assert (order.resident_id, order.proxy_id, order.channel) == (cast.chen, cast.aqiang, "family")
    assert "家人陈*强帮您订的" in mother.get(f"{BASE}/o/{order.number}/").text
    assert "家人陈*强帮您订的" in mother.get("/c/shuibei/my/").text
    assert "帮您订的" not in son.get(f"{BASE}/o/{order.number}/").text
    clock.set("2026-11-24 11:40")
    son, mother = known_phone(meals.app.test_client(), "13800001188"), known_phone(meals.app.test_client())
    mine, slip, unknown = f"{BASE}/o/{order.number}", f"/q/{order.code}", meals.app.test_client()

    def all_he_sees() -> list[str]:
        """Also with her slip, which is his too, on a phone that does not know him."""
        tried = son.post(f"{mine}/cancel", data=_tokens(son.get(f"{BASE}/family/ask")))
        assert "退的时间过了" in tried.text
        pages = [son.get(f"{mine}/{page}") for page in ("", "cancel", "done")]
        return [words(page) for page in (*pages, tried, unknown.get(slip), unknown.get(f"{slip}/cancel"))]

    before = all_he_sees()
    with house(meals):
        redeem(staff_id(), cast.shuibei, order.id, Scan("1号窗", "scan0001", cash=True))
    assert "取了餐" not in words(son.get(f"{mine}/"))
    assert all_he_sees() == before  # no word, button or refusal tells
    assert "已经取了餐" in words(mother.get(slip))
    assert "取了餐" not in words(son.get(f"{BASE}/family/{link}/"))
    send(mother, mother.get(f"{BASE}/family/{link}/"), "", form="form[action$='/see']")
    assert "已经取了餐" in words(son.get(f"{BASE}/o/{order.number}/"))
    assert "已经取了餐" in words(unknown.get(slip))
    assert "今天的午餐：已经取了餐" in words(son.get(f"{BASE}/family/"))
    send(mother, mother.get(f"{BASE}/family/{link}/"), "", form="form[action$='/end']")
    assert son.get(f"{BASE}/?for={link}").status_code == 404
    assert son.get(f"{BASE}/o/{order.number}/").status_code == 404


def test_asking_and_taking_it_back_say_the_same_whoever_has_the_number(
    client: FlaskClient, meals: Meals, cast: Cast
) -> None:
    """Nobody has the second number, and whoever has the first has as many relatives as one may have, or is asked."""
    son = known_phone(client, "13800001188")

    def said(**more: str) -> list[tuple[int, str, str]]:
        answers = []
        for number in ("13800001187", "13900009999"):
            page = son.get(f"{BASE}/family/ask", query_string=more)
            answer = send(son, page, f"{BASE}/family/ask", phone=number)
            answers.append((answer.status_code, answer.location or "", words(son.get(f"{BASE}/family/"))))
        return answers

    with house(meals):
        others = [meals.person(f"陈{n}", date(1980, 1, n + 1)) for n in range(family.MOST)]
        links = [family.ask(OPERATOR, other, cast.chen).id for other in others]
    assert len(set(said())) == 1
    with house(meals):
        assert family.live_link(cast.chen, cast.aqiang) is None
        for link in links:
            family.end(OPERATOR, cast.chen, link)
    assert len(set(said())) == 1
    with house(meals):
        assert family.live_link(cast.chen, cast.aqiang) is not None
    taken = said(do="withdraw")
    assert (len(set(taken)), taken[0][1].endswith("withdrawn=1")) == (1, True)
    with house(meals):
        assert db.session.scalars(
            select(FamilyLink.state).where(FamilyLink.proxy_id == cast.aqiang)
        ).all() == ["ended"]
        link = family.ask(OPERATOR, cast.aqiang, cast.chen).id
        family.agree(OPERATOR, cast.chen, link, sees_collected=False)
    said(do="withdraw")
    with house(meals):
        assert family.elders_of(cast.aqiang), "what was agreed to is ended on its own page"


def test_family_ends_with_the_consent(client: FlaskClient, meals: Meals, cast: Cast) -> None:
    with house(meals):
        link = family.ask(OPERATOR, cast.aqiang, cast.chen)
        family.agree(Actor("resident", cast.chen), cast.chen, link.id, sees_collected=False)
    mother = known_phone(client)
    page = mother.get("/c/shuibei/my/consents")
    assert "让家人帮您订餐" in page.text
    send(mother, page, "", form="form:has(input[value=family])")
    with house(meals):
        assert db.session.scalars(select(FamilyLink.state)).all() == ["ended"]


def test_a_relative_by_card_alone_orders_for_nobody(client: FlaskClient, meals: Meals, cast: Cast) -> None:
    with house(meals):
        link = family.ask(OPERATOR, cast.aqiang, cast.chen)
        family.agree(Actor("resident", cast.chen), cast.chen, link.id, sees_collected=True)
        _card, code = issue_card(OPERATOR, cast.aqiang)
        number = link.id
    send(client, client.get(f"/q/{code}"), f"/q/{code}/card")
    page = client.get(f"{BASE}/?for={number}")
    assert (page.status_code, "老人家先答应" in page.text) == (403, False)
    assert f"/identify/pin?next={BASE}/%3Ffor%3D{number}" in page.text


def test_a_relative_whose_visit_is_over_signs_in_and_goes_on(
    client: FlaskClient, meals: Meals, cast: Cast, clock: Clock
) -> None:
    with house(meals):
        link = family.ask(OPERATOR, cast.aqiang, cast.chen)
        family.agree(Actor("resident", cast.chen), cast.chen, link.id, sees_collected=True)
        number = link.id
    son = known_phone(client, "13800001188")
    check = son.get(f"{LUNCH}/check?offer=L1&for={number}")
    clock.advance(hours=20, seconds=1)
    late = order_on(son, check)
    assert late.status_code == 403
    assert "水贝社区党群服务中心" in words(late), "the page says where one is"
    assert f"/identify/pin?next={LUNCH}/%3Ffor%3D{number}" in late.text
    assert son.get(f"{LUNCH}/?for={number}").status_code == 403
    assert known_phone(son, "13800001188").get(f"{LUNCH}/?for={number}").status_code == 200


def test_who_fetched_it_is_told_the_person_and_nobody_who_holds_the_slip_of_a_relative(
    client: FlaskClient, meals: Meals, cast: Cast, clock: Clock
) -> None:
    """Whoever ordered has the slip too, and sees the time, as the elder lets them: not which other relative came."""
    with house(meals):
        link = family.ask(OPERATOR, cast.aqiang, cast.chen)
        family.agree(Actor("resident", cast.chen), cast.chen, link.id, sees_collected=True)
        wish, son = Wish(), Actor("resident", cast.aqiang)
        order = place(son, meals.offer(TUESDAY), cast.chen, wish, channel="family", proxy_id=cast.aqiang)
        code, number = order.code, order.number
        clock.set("2026-11-24 11:40")
        redeem(staff_id(), cast.shuibei, order.id, Scan("1号窗", "scan-0001", cash=True, by=cast.wheel))
    slip = words(client.get(f"/q/{code}"))
    assert ("11:40 领的餐" in slip, "帮您领的餐" in slip) == (True, False)
    assert "帮您领的餐" in words(known_phone(client).get(f"{BASE}/o/{number}/"))


# --- the card's code ------------------------------------------------------------------------------------------------


def use_card(client: FlaskClient, code: str) -> str:
    """Where the address on a card leads."""
    return send(client, client.get(f"/q/{code}"), f"/q/{code}/card").location


def test_a_card_that_a_phone_reads_opens_the_menu_already_its_holder_s(
    client: FlaskClient, meals: Meals, cast: Cast
) -> None:
    assert use_card(client, cast.chen_code) == f"{BASE}/"
    menu = client.get(f"{BASE}/")
    assert "您付 ¥10.00" in menu.text  # her help counts already
    assert "陈" not in words(menu)  # this phone was never confirmed with the PIN
    assert "余额" not in words(menu)


def test_a_card_begins_at_the_home_where_there_is_no_canteen(client: FlaskClient, cast: Cast) -> None:
    assert use_card(client, cast.chen_code) == "/c/shuibei/"


def test_a_kiosk_that_is_shown_the_card_s_address_goes_to_one_s_own_things(
    client: FlaskClient, meals: Meals, cast: Cast
) -> None:
    Kiosk(client, cast)
    assert "/canteen/" not in use_card(client, cast.chen_code)


# --- the house's own ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh_Hans", "zh_Hant", "en"])
def test_every_page_is_a_whole_page(client: FlaskClient, meals: Meals, cast: Cast, lang: str) -> None:
    with house(meals):
        number = meals.order(cast.chen, TUESDAY).number
        row = start(OPERATOR, cast.chen, cast.shuibei, "lunch", [2, 3]).id
        link = family.ask(OPERATOR, cast.aqiang, cast.chen).id
        give_consent(OPERATOR, cast.chen, {"diet"}, "desk")
        start(OPERATOR, cast.aqiang, cast.shuibei, "lunch", [2, 3])
        hers = family.ask(OPERATOR, cast.chen, cast.aqiang).id
        family.agree(OPERATOR, cast.aqiang, hers, sees_collected=False)
    known_phone(client)
    send(client, client.get("/kiosk/display"), "/kiosk/prefs", lang=lang)
    for path in (
        "/", "/days", "/mine/", "/mine/account", "/standing/", "/standing/new", "/standing/new?ask=avoid",
        "/standing/new?ask=labels", "/standing/new?ask=meal", f"/standing/{row}/", f"/standing/{row}/note",
        "/diet/", "/diet/?ask=labels", "/diet/?ask=texture",
        f"/family/{hers}/", f"/family/{hers}/standing/",
        "/family/", f"/family/{link}/", "/family/ask", "/family/invite", "/family/join",
        f"/o/{number}/", f"/o/{number}/done", f"/o/{number}/cancel",
        f"/menu/{WEDNESDAY}/lunch/?page=1", f"/menu/{WEDNESDAY}/lunch/check?offer=L2",
    ):  # fmt: skip
        checked(client.get(f"{BASE}{path}"))


def test_a_centre_without_a_canteen_says_so(client: FlaskClient, cast: Cast) -> None:
    page = client.get(f"{BASE}/")
    assert page.status_code == 404
    assert "没有食堂" in page.text
    assert "订午餐" not in client.get("/c/shuibei/").text


def test_a_canteen_without_a_menu_says_so(client: FlaskClient, app: Flask, cast: Cast) -> None:
    with app.app_context():
        furnish(app, cast)
        db.session.remove()
    assert "菜单还没有出来" in client.get(f"{BASE}/").text
    assert client.get(f"{LUNCH}/").status_code == 404


def test_english_writes_a_day_small_within_a_sentence(client: FlaskClient, meals: Meals, cast: Cast) -> None:
    with house(meals):
        number = meals.order(cast.chen, WEDNESDAY).number
        row = start(OPERATOR, cast.chen, cast.shuibei, "lunch", [1]).id
    known_phone(client)
    send(client, client.get("/kiosk/display"), "/kiosk/prefs", lang="en")
    for path, sentence in (
        ("/c/shuibei/", "For tomorrow, order before today 16:00"),
        (f"{LUNCH}/", "Menu: tomorrow"),
        (f"{LUNCH}/", "Order or cancel by today 16:00"),
        (f"{BASE}/days", "Order before today 16:00"),
        (f"{BASE}/standing/{row}/", "Not eating tomorrow"),
        (f"{BASE}/o/{number}/done", "Cancel by tomorrow 16:00"),
    ):
        said = words(client.get(path))
        assert sentence in said
        assert not re.search(r"\b(before|by|eating|for|until) (Today|Tomorrow)\b", said)
    assert re.search(r"\bTomorrow\b", words(client.get(f"{BASE}/days"))), "alone it begins large"
