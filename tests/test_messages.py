"""Who is told what, by which way and when: consent decides, staff see what did not get through."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import select, update

from canteen.models import Account, MealOrder
from canteen.services import ledger
from canteen.services.close import close_due, close_menu, fail_menu
from canteen.services.give_back import cancel
from canteen.services.order import Wish, place
from canteen.services.plan import swap_dish
from canteen.services.serve import Scan, redeem, undo
from canteen.services.standing import skip, start, unskip
from centres.models import Building, Centre
from core.approvals import decide
from core.audit import CLOCK, OPERATOR, Actor
from core.channels.hall import current_notices, take_down
from core.channels.outward import NotAllowed, checked, post_json
from core.database import db, unit_of_work
from core.events import deliver_due
from core.messages import add_group, fill, forget_words, kinds, preview, remove_group, set_words, words_of
from core.outbox import GIVE_UP_AFTER, Message, channels, send_due, stop_messages, try_again
from people.models import CallTask, FamilyLink, Resident, Staff
from people.services import family
from people.services.invite import accept, invite
from people.services.residents import give_consent, withdraw_consent
from people.services.tell import call_instead, not_before
from tests.support.clock import Clock
from tests.support.ear import Ear
from tests.support.hall import moment, refusal
from tests.support.house import House
from tests.support.mail import Postbox
from tests.support.meals import Meals
from tests.support.server import ROOT

TUESDAY, WEDNESDAY = date(2026, 11, 24), date(2026, 11, 25)


@pytest.fixture
def ear() -> Iterator[Ear]:
    """An adapter for SMS, a group's program or another program: it keeps what it is told."""
    made = Ear()
    made.open()
    yield made
    made.close()


@pytest.fixture
def sms(meals: Meals, ear: Ear) -> Iterator[Ear]:
    """陈奶奶 and 阿强 agreed to messages, and SMS go to `ear`."""
    before = dict(channels.by_name)
    channels.by_name.pop("email", None)
    channels.use_sms(f"{ear.url}/send", "the-token")
    for person in (meals.cast.chen, meals.cast.aqiang):
        give_consent(OPERATOR, person, {"messages"}, "desk")
    yield ear
    channels.by_name = before


@pytest.fixture
def staff(meals: Meals) -> int:
    return int(db.session.scalars(select(Staff.id).where(Staff.email == meals.cast.wu)).one())


def texts(ear: Ear) -> list[tuple[str, str]]:
    """(last four digits, words) of every SMS."""
    deliver_due()
    send_due()
    return [(one.json["to"][-4:], one.json["text"]) for one in ear.heard]


def by_family(meals: Meals, day: date = TUESDAY, *, sees: bool = False) -> int:
    cast = meals.cast
    with unit_of_work():
        if db.session.scalar(select(FamilyLink)) is None:
            db.session.add(
                FamilyLink(
                    elder_id=cast.chen,
                    proxy_id=cast.aqiang,
                    state="active",
                    sees_collected=sees,
                    asked_at=meals.app.config["CLOCK"](),
                )
            )
    who = Actor("resident", cast.aqiang)
    return place(who, meals.offer(day), cast.chen, Wish(), channel="family", proxy_id=cast.aqiang).id


def rows() -> list[Message]:
    db.session.rollback()
    return list(db.session.scalars(select(Message).order_by(Message.id)))


def calls() -> list[CallTask]:
    return list(db.session.scalars(select(CallTask).where(CallTask.kind == "message").order_by(CallTask.id)))


# --- what is said ---------------------------------------------------------------------------------------------------


def test_a_relative_who_orders_and_the_elder_are_both_told(meals: Meals, sms: Ear) -> None:
    meals.lunch(TUESDAY)
    by_family(meals)
    said = dict(texts(sms))
    assert said.keys() == {"1187", "1188"}
    assert "陈*强帮您订了11月24日 星期二午餐：清蒸鲈鱼" in said["1187"]
    assert "¥10.00" in said["1187"]
    assert "11月23日 星期一 16:00 前可以退" in said["1187"]
    assert "给陈*英订好了" in said["1188"]


def test_who_orders_for_themselves_gets_no_message(meals: Meals, sms: Ear) -> None:
    meals.lunch(TUESDAY)
    meals.order(meals.cast.chen, TUESDAY)
    assert texts(sms) == []
    assert rows() == []
    assert calls() == []


def test_a_message_is_posted_with_the_token_and_an_id_of_its_own(meals: Meals, sms: Ear) -> None:
    meals.lunch(TUESDAY)
    by_family(meals)
    texts(sms)
    heard = sms.heard[0]
    assert heard.headers["Authorization"] == "Bearer the-token"
    assert heard.json["id"] == heard.headers["Idempotency-Key"] == rows()[0].key
    assert heard.path == "/send"


def test_no_message_says_what_is_on_an_account_or_who_is_helped(
    meals: Meals, sms: Ear, staff: int, clock: Clock
) -> None:
    menu = meals.lunch(TUESDAY)
    ledger.top_up(staff, meals.cast.shuibei, meals.cast.chen, 4000)
    order = by_family(meals, sees=True)
    ledger.refund(staff, meals.cast.shuibei, meals.cast.chen, 1000)
    swap_dish(CLOCK, menu, meals.dishes["M01"], meals.dishes["M03"], "鱼没到货")
    texts(sms)
    cancel(Actor("staff", staff), order, "老人住院了")
    said = " ".join(words for _to, words in texts(sms))
    assert "¥40.00" in said, "what was moved"
    assert "¥10.00" in said
    for secret in ("¥30.00", "补贴", "政府", "补5", "P15", "A5", "特困", "低保", "¥5.00"):
        assert secret not in said
    assert "香菇豆腐" in said
    assert "老人住院了" in said


def test_a_relative_hears_that_the_meal_was_collected_only_where_the_elder_lets_them(
    meals: Meals, sms: Ear, staff: int, clock: Clock
) -> None:
    for day, sees in ((TUESDAY, False), (WEDNESDAY, True)):
        meals.lunch(day)
        order = by_family(meals, day)
        with unit_of_work():
            db.session.scalars(select(FamilyLink)).one().sees_collected = sees
        clock.set(f"{day} 11:42")
        assert redeem(staff, meals.cast.shuibei, order, Scan("1号窗", f"scan-{day}", cash=True)).kind == "ok"
        told = [words for to, words in texts(sms) if to == "1188" and "取走" in words]
        assert told == (["陈*英的午餐，11:42 已经取走了。"] if sees else [])
        clock.set("2026-11-24 13:00")


def test_an_elder_hears_that_a_relative_fetched_the_meal_and_that_it_was_a_mistake(
    meals: Meals, sms: Ear, staff: int, clock: Clock
) -> None:
    order = shown(meals, clock, sms)
    scan = Scan("1号窗", "scan-1", cash=True, by=meals.cast.aqiang)
    done = redeem(staff, meals.cast.shuibei, order, scan)
    said = texts(sms)[-1:]
    assert [to for to, _words in said] == ["1187"], "he stands there with it and is not told"
    assert "陈*强 11:42 帮您取了午餐：清蒸鲈鱼" in said[0][1]
    assert done.redemption_id is not None
    undo(staff, done.redemption_id, "发错了人")
    assert "窗口扫错了，其实还没有取。还是取餐号 1。" in texts(sms)[-1][1]


def shown(meals: Meals, clock: Clock, sms: Ear) -> int:
    """Tuesday's lunch, which the son ordered and of which he sees what becomes; it is told that he did."""
    meals.lunch(TUESDAY)
    order = by_family(meals, sees=True)
    texts(sms)
    clock.set("2026-11-24 11:42")
    return order


def missed(clock: Clock, until: str = "2026-11-24 12:31") -> None:
    clock.set(until)
    close_due()


@pytest.mark.parametrize("sees", [True, False])
def test_a_relative_hears_that_nobody_came_for_the_meal_only_where_the_elder_lets_them(
    meals: Meals, sms: Ear, clock: Clock, sees: bool
) -> None:
    shown(meals, clock, sms)
    with unit_of_work():
        db.session.scalars(select(FamilyLink)).one().sees_collected = sees
    missed(clock)
    told = to_the_son(sms)
    assert told == (["陈*英的午餐，过了取餐时间还没有来取。可以打个电话问问。"] if sees else [])
    assert len([words for to, words in texts(sms) if to == "1187"]) == 1, (
        "she knows; of the order she was told"
    )


def test_handed_out_late_after_all_the_ordinary_word_follows(
    meals: Meals, sms: Ear, staff: int, clock: Clock
) -> None:
    order = shown(meals, clock, sms)
    missed(clock)
    assert len(to_the_son(sms)) == 1
    scan = Scan(
        "1号窗", "scan-late", cash=True, at=moment("2026-11-24 12:20")
    )  # while the window had no line
    assert redeem(staff, meals.cast.shuibei, order, scan).kind == "ok"
    assert to_the_son(sms)[1:] == ["陈*英的午餐，12:20 已经取走了。"]


def test_handed_out_before_anybody_was_told_that_it_was_missed_nobody_is(
    meals: Meals, sms: Ear, staff: int, clock: Clock
) -> None:
    order = shown(meals, clock, sms)
    missed(clock)
    scan = Scan("1号窗", "scan-late", cash=True, at=moment("2026-11-24 12:20"))
    assert redeem(staff, meals.cast.shuibei, order, scan).kind == "ok"
    assert to_the_son(sms) == ["陈*英的午餐，12:20 已经取走了。"]


def test_whose_swapped_dish_nobody_could_ask_about_hears_that_it_went_back(
    meals: Meals, sms: Ear, clock: Clock
) -> None:
    shown(meals, clock, sms)
    menu = meals.menus[meals.cast.shuibei, TUESDAY, "lunch"]
    swap_dish(CLOCK, menu, meals.dishes["M01"], meals.dishes["M03"], "鱼没到货")
    asked = len(texts(sms))
    missed(clock)
    told = [words for _to, words in texts(sms)[asked:]]
    assert len(told) == 2, "she and who ordered it"
    assert all("换了菜，没有问到您，全退了" in words for words in told)


def test_nobody_is_told_a_day_late_that_a_meal_was_missed(meals: Meals, sms: Ear, clock: Clock) -> None:
    shown(meals, clock, sms)
    missed(clock, "2026-11-25 09:00")
    assert to_the_son(sms) == []


def test_of_a_meal_that_was_to_be_brought_it_is_said_otherwise(meals: Meals, sms: Ear, clock: Clock) -> None:
    order = shown(meals, clock, sms)
    with unit_of_work():
        db.session.get_one(MealOrder, order).delivery = True
    missed(clock, "2026-11-24 15:31")
    assert to_the_son(sms) == ["陈*英的午餐，过了时间还没有送到手上。可以打个电话问问。"]


def test_who_was_told_that_it_was_collected_hears_that_it_was_a_mistake(
    meals: Meals, sms: Ear, staff: int, clock: Clock
) -> None:
    order = shown(meals, clock, sms)
    first, again = "陈*英的午餐，11:42 已经取走了。", "陈*英的午餐，11:45 已经取走了。"
    mistake = "刚才说陈*英的午餐取走了，是窗口扫错了，其实还没有取。取走了，会再告诉您。"
    scanned = redeem(staff, meals.cast.shuibei, order, Scan("1号窗", "scan-1", cash=True))
    assert to_the_son(sms) == [first]
    assert scanned.redemption_id is not None
    for _again in range(2):
        undo(staff, scanned.redemption_id, "扫错了人")
    assert to_the_son(sms) == [first, mistake]
    clock.set("2026-11-24 11:45")
    redeem(staff, meals.cast.shuibei, order, Scan("1号窗", "scan-2", cash=True))
    assert to_the_son(sms) == [first, mistake, again]


def test_a_mistake_that_nobody_has_heard_of_yet_is_never_told(
    meals: Meals, sms: Ear, staff: int, clock: Clock
) -> None:
    order = shown(meals, clock, sms)
    scanned = redeem(staff, meals.cast.shuibei, order, Scan("1号窗", "scan-1", cash=True))
    deliver_due()
    undo(staff, scanned.redemption_id or 0, "扫错了人")
    clock.advance(minutes=1)
    assert to_the_son(sms) == []
    assert [row.state for row in rows() if row.kind == "meal.collected"] == ["stopped"]


def test_what_may_have_been_heard_is_taken_back_and_not_said_again(
    meals: Meals, sms: Ear, staff: int, clock: Clock
) -> None:
    """The adapter answered badly: whether the son's phone rang, nobody knows. Staff were to ring him up instead."""
    order = shown(meals, clock, sms)
    sms.answer = 503
    scanned = redeem(staff, meals.cast.shuibei, order, Scan("1号窗", "scan-1", cash=True))
    texts(sms)
    (told,) = [row for row in rows() if row.kind == "meal.collected"]
    call_instead(Actor("staff", staff), meals.cast.shuibei, told.id)
    undo(staff, scanned.redemption_id or 0, "扫错了人")
    sms.answer = 200
    clock.advance(minutes=30)
    assert to_the_son(sms)[-1].startswith("刚才说陈*英的午餐取走了")
    assert [call.state for call in calls()] == ["closed"]


def test_what_is_taken_back_while_it_is_being_tried_is_not_tried_again(
    meals: Meals, sms: Ear, staff: int, clock: Clock
) -> None:
    order = shown(meals, clock, sms)
    scanned = redeem(staff, meals.cast.shuibei, order, Scan("1号窗", "scan-1", cash=True))
    deliver_due()
    by_sms = channels.by_name["sms"]

    def slow(message: Message) -> None:
        undo(staff, scanned.redemption_id or 0, "扫错了人")
        deliver_due()
        raise OSError("no answer")

    channels.by_name["sms"] = slow
    send_due(1)
    channels.by_name["sms"] = by_sms
    clock.advance(minutes=30)
    assert [words[:2] for words in to_the_son(sms)] == ["刚才"]


def test_who_sees_it_no_more_hears_of_no_mistake(meals: Meals, sms: Ear, staff: int, clock: Clock) -> None:
    order = shown(meals, clock, sms)
    scanned = redeem(staff, meals.cast.shuibei, order, Scan("1号窗", "scan-1", cash=True))
    assert len(to_the_son(sms)) == 1
    with unit_of_work():
        db.session.scalars(select(FamilyLink)).one().sees_collected = False
    undo(staff, scanned.redemption_id or 0, "扫错了人")
    assert len(to_the_son(sms)) == 1


def to_the_son(ear: Ear) -> list[str]:
    """What 阿强 has been told, but for that his order was made."""
    return [words for to, words in texts(ear) if to == "1188" and "订好了" not in words]


def test_the_relative_who_ordered_a_meal_hears_what_becomes_of_it(meals: Meals, sms: Ear, staff: int) -> None:
    """Whether it was collected they may not see: they ordered it all the same."""
    menu, order = meals.lunch(TUESDAY), by_family(meals)
    swap_dish(CLOCK, menu, meals.dishes["M01"], meals.dishes["M03"], "鱼没到货")
    assert to_the_son(sms) == [
        "您帮陈*英订的11月24日 星期二午餐，清蒸鲈鱼换成了香菇豆腐：鱼没到货。我们也在问老人家。还要不要，"
        "您在手机上点一下也行，或打 0755-00001234。不要了全退。"
    ]
    cancel(Actor("staff", staff), order, "食堂那天不开")
    assert to_the_son(sms)[1:] == [
        "您帮陈*英订的11月24日 星期二午餐（清蒸鲈鱼）取消了：食堂那天不开。付过的钱已经退回。有疑问请打 0755-00001234。"
    ]
    menu = meals.lunch(WEDNESDAY)
    by_family(meals, WEDNESDAY)
    fail_menu(staff, menu, "停气了")
    assert to_the_son(sms)[2:] == [
        "很抱歉，您帮陈*英订的11月25日 星期三午餐做不了：停气了。付过的钱已经退回。"
        "老人家那一餐请另外安排，要帮忙请打 0755-00001234。"
    ]
    said = [words for to, words in texts(sms) if to == "1187"]
    assert len(said) == 5, "two orders, and the same three things to her"


def test_a_relative_hears_nothing_of_a_meal_that_somebody_else_ordered(
    meals: Meals, sms: Ear, staff: int
) -> None:
    menu = meals.lunch(TUESDAY)
    by_family(meals)
    order = meals.order(meals.cast.chen, TUESDAY).id
    cancel(Actor("staff", staff), order, "食堂那天不开")
    assert to_the_son(sms) == []
    swap_dish(CLOCK, menu, meals.dishes["M01"], meals.dishes["M03"], "鱼没到货")
    assert len(to_the_son(sms)) == 1


def test_what_the_elder_or_the_relative_cancels_themselves_is_told_to_nobody(meals: Meals, sms: Ear) -> None:
    meals.lunch(TUESDAY)
    for who in (meals.cast.chen, meals.cast.aqiang):
        cancel(Actor("resident", who), by_family(meals))
    assert to_the_son(sms) == []


@pytest.mark.parametrize("event", ["swapped", "failed", "cancelled"])
def test_with_the_link_the_relative_s_news_end_too(meals: Meals, sms: Ear, staff: int, event: str) -> None:
    menu, order = meals.lunch(TUESDAY), by_family(meals)
    family.end(
        Actor("resident", meals.cast.chen), meals.cast.chen, db.session.scalars(select(FamilyLink.id)).one()
    )
    match event:
        case "swapped":
            swap_dish(CLOCK, menu, meals.dishes["M01"], meals.dishes["M03"], "鱼没到货")
        case "failed":
            fail_menu(staff, menu, "停气了")
        case "cancelled":
            cancel(Actor("staff", staff), order, "食堂那天不开")
    assert to_the_son(sms) == []
    assert len([words for to, words in texts(sms) if to == "1187"]) == 2


def test_a_standing_order_that_could_not_be_made_is_told_with_the_reason(
    meals: Meals, sms: Ear, clock: Clock
) -> None:
    menu = meals.lunch(TUESDAY, quotas={"L1": 0, "L2": 0, "L3": 0, "L4": 0})
    start(Actor("resident", meals.cast.chen), meals.cast.chen, meals.cast.shuibei, "lunch", [1])
    clock.set("2026-11-23 16:00")
    close_menu(CLOCK, menu)
    ((to, words),) = texts(sms)
    assert to == "1187"
    assert "这次没有订上：订满了" in words


def test_an_elder_is_told_which_relative_left_a_day_out_and_took_it_back(meals: Meals, sms: Ear) -> None:
    cast, son = meals.cast, Actor("resident", meals.cast.aqiang)
    meals.lunch(TUESDAY)
    by_family(meals)
    standing = start(Actor("resident", cast.chen), cast.chen, cast.shuibei, "lunch", [1, 2]).id
    texts(sms)
    for verb in (skip, unskip):
        verb(son, standing, WEDNESDAY, proxy_id=cast.aqiang)
        verb(son, standing, WEDNESDAY, proxy_id=cast.aqiang)
    skip(Actor("resident", cast.chen), standing, WEDNESDAY)
    assert [one for one in texts(sms)[2:] if one[0] == "1188"] == []
    assert [words for to, words in texts(sms)[2:] if to == "1187"] == [
        "陈*强说您11月25日 星期三午餐不吃，长期订餐这一天就不订了。要吃的话，11月24日 星期二 16:00 前"
        "在一体机或手机上改回来，或打 0755-00001234。",
        "陈*强说您11月25日 星期三午餐还是要吃，长期订餐照常帮您订。不想吃，11月24日 星期二 16:00 前"
        "在一体机或手机上按一下，或打 0755-00001234。",
    ]


def test_an_elder_is_told_who_took_their_invitation_up(meals: Meals, sms: Ear) -> None:
    chen, aqiang = meals.cast.chen, meals.cast.aqiang
    row = invite(Actor("resident", chen), chen, sees_collected=False, where="kiosk")
    assert texts(sms) == []
    accept(Actor("resident", aqiang), aqiang, row.id)
    (told,) = [words for to, words in texts(sms) if to == "1187"]
    name = db.session.get_one(Resident, aqiang).name
    assert "可以帮您订餐了" in told or "用了您的邀请" in told
    assert name not in told
    assert name[-1] in told


def test_a_standing_order_that_cannot_be_brought_home_is_told_with_its_number(
    meals: Meals, sms: Ear, clock: Clock
) -> None:
    menu = meals.lunch(TUESDAY)
    with unit_of_work():
        building = Building(unit_id=meals.cast.shuibei, code="SB2-9", name_zh="水贝二街9栋", floors=7)
        db.session.add(building)
        db.session.flush()
        db.session.get_one(Resident, meals.cast.chen).building_id = building.id
    chen, shuibei = meals.cast.chen, meals.cast.shuibei
    start(Actor("resident", chen), chen, shuibei, "lunch", [1], delivery=True)
    with unit_of_work():
        db.session.get_one(Resident, chen).building_id = None
    clock.set("2026-11-23 16:00")
    close_menu(CLOCK, menu)
    ((to, words),) = texts(sms)
    assert to == "1187"
    assert "先帮您订成自己取" in words
    assert "取餐号 1" in words


# --- by which way ---------------------------------------------------------------------------------------------------


def test_who_did_not_agree_is_sent_nothing_but_is_rung_up_when_the_kitchen_fails(
    meals: Meals, sms: Ear, staff: int
) -> None:
    menu = meals.lunch(TUESDAY)
    withdraw_consent(OPERATOR, meals.cast.chen, "messages")
    by_family(meals)
    assert [to for to, _words in texts(sms)] == ["1188"], "no receipt for her, and no call about it"
    assert calls() == []
    fail_menu(staff, menu, "停气了")
    assert [to for to, _words in texts(sms)] == ["1188", "1188"], "the son who ordered it, twice"
    (call,) = calls()
    assert call.resident_id == meals.cast.chen
    assert "停气了" in call.words


def test_somebody_without_a_phone_is_put_on_the_list_of_calls(meals: Meals, sms: Ear, staff: int) -> None:
    person = meals.person("孙阿婆", date(1940, 1, 1))
    give_consent(OPERATOR, person, {"messages"}, "desk")
    menu = meals.lunch(TUESDAY)
    meals.order(person, TUESDAY)
    fail_menu(staff, menu, "停气了")
    assert texts(sms) == []
    assert [call.resident_id for call in calls()] == [person]


@pytest.mark.parametrize("lifecycle", ["moved_away", "deceased"])
def test_nobody_writes_to_the_dead_or_to_who_has_moved_away(
    meals: Meals, sms: Ear, staff: int, lifecycle: str
) -> None:
    menu = meals.lunch(TUESDAY)
    meals.order(meals.cast.chen, TUESDAY)
    with unit_of_work():
        db.session.get_one(Resident, meals.cast.chen).lifecycle = lifecycle
    fail_menu(staff, menu, "停气了")
    assert texts(sms) == []
    assert calls() == []


def test_the_language_is_the_persons(meals: Meals, sms: Ear) -> None:
    meals.lunch(TUESDAY)
    with unit_of_work():
        db.session.get_one(Resident, meals.cast.chen).language = "en"
    by_family(meals)
    said = dict(texts(sms))
    assert "Steamed sea bass" in said["1187"]
    assert "清蒸鲈鱼" in said["1188"]


@pytest.fixture
def mail(meals: Meals, smtp: Postbox, staff: int) -> Iterator[Postbox]:
    """陈奶奶 reads English, 阿强 simplified and one of the couple traditional characters; all have e-mail, agreed to
    messages and have ¥40.00 on their cards. There is no SMS."""
    before = dict(channels.by_name)
    channels.by_name.pop("sms", None)
    channels.use_smtp(smtp.url, "hall@example.cn")
    cast = meals.cast
    readers = {
        cast.chen: ("en", "chen"),
        cast.aqiang: ("zh_Hans", "qiang"),
        cast.couple[0]: ("zh_Hant", "li"),
    }
    for person, (language, name) in readers.items():
        ledger.top_up(staff, cast.shuibei, person, 4000)
        deliver_due()  # before they agreed: told to nobody
        with unit_of_work():
            row = db.session.get_one(Resident, person)
            row.language, row.email = language, f"{name}@example.cn"
        give_consent(OPERATOR, person, {"messages"}, "desk")
    yield smtp
    channels.by_name = before


def letters(mail: Postbox) -> dict[str, tuple[str, str]]:
    """Address → (subject, body) of what arrived since; two to one address fail the test. The clock runs twice."""
    mail.letters.clear()
    for _twice in range(2):
        deliver_due()
        send_due()
    found = {str(one["To"]): (str(one["Subject"]), str(one.get_content()).strip()) for one in mail.letters}
    assert len(found) == len(mail.letters)
    return found


NEVER_SAID = ("¥", "补", "補", "政府", "低保", "subsid", "government", "tier", "P15", "A5", "陈", "陳")


def test_a_failed_kitchen_reaches_each_mailbox_once_in_its_language(
    meals: Meals, mail: Postbox, staff: int
) -> None:
    menu = meals.lunch(TUESDAY)
    for person in (meals.cast.chen, meals.cast.aqiang, meals.cast.couple[0]):
        meals.order(person, TUESDAY, gateway="account")
    assert letters(mail) == {}
    for _twice in range(2):
        fail_menu(staff, menu, "停气了")
    said = letters(mail)
    assert said == {
        "chen@example.cn": (
            "No Lunch on Tuesday 24 Nov",
            "We are sorry: Lunch on Tuesday 24\xa0Nov cannot be cooked: 停气了. Please do not come for it. What was"
            " paid has been given back, you need do nothing. If you need help, ring 0755-00001234.",
        ),
        "qiang@example.cn": (
            "11月24日 星期二午餐做不了",
            "很抱歉，11月24日 星期二午餐做不了：停气了。请不用来取。付过的钱已经退回，不用您办什么。"
            "有难处请打 0755-00001234。",
        ),
        "li@example.cn": (
            "11月24日 星期二午餐做不了",
            "很抱歉，11月24日 星期二午餐做不了：停气了。請不用來取。付過的錢已經退回，不用您辦什麼。"
            "有難處請打 0755-00001234。",
        ),
    }
    assert not [word for word in NEVER_SAID if word in str(said)]
    assert letters(mail) == {}
    assert calls() == []


def test_a_standing_order_that_was_not_made_reaches_each_mailbox_once_in_its_language(
    meals: Meals, mail: Postbox, clock: Clock
) -> None:
    meals.lunch(TUESDAY, quotas={"L1": 0, "L2": 0, "L3": 0, "L4": 0})
    for person in (meals.cast.chen, meals.cast.aqiang, meals.cast.couple[0]):
        start(Actor("resident", person), person, meals.cast.shuibei, "lunch", [1], gateway_name="account")
    clock.set("2026-11-23 16:00")
    for _twice in range(2):
        close_due()
    said = letters(mail)
    assert said == {
        "chen@example.cn": (
            "Lunch on Tuesday 24 Nov could not be ordered",
            "Your standing order for Lunch on Tuesday 24\xa0Nov could not be placed: Sold out. On the day there may"
            " still be walk-in portions at the canteen, or call us on 0755-00001234.",
        ),
        "qiang@example.cn": (
            "11月24日 星期二午餐没有订上",
            "您的长期订餐，11月24日 星期二午餐这次没有订上：订满了。当天到食堂来，也许还有现场的份，"
            "或打 0755-00001234 找我们。",
        ),
        "li@example.cn": (
            "11月24日 星期二午餐沒有訂上",
            "您的長期訂餐，11月24日 星期二午餐這次沒有訂上：訂滿了。當天到食堂來，也許還有現場的份，"
            "或打 0755-00001234 找我們。",
        ),
    }
    assert not [word for word in NEVER_SAID if word in str(said)]
    assert letters(mail) == {}
    assert calls() == []


def test_who_was_promised_to_hear_of_a_checked_card_is_told_that_it_goes_on(
    meals: Meals, mail: Postbox, staff: int
) -> None:
    """«我们查清楚就告诉您» stands where the card was refused; who cannot be written to is rung up."""
    manager = db.session.scalars(select(Staff.id).where(Staff.email == meals.cast.manager)).one()
    whose = [meals.cast.chen, meals.cast.aqiang, meals.cast.wheel]
    ledger.top_up(staff, meals.cast.shuibei, meals.cast.wheel, 4000)
    letters(mail)
    with unit_of_work():
        db.session.execute(
            update(Account)
            .where(Account.resident_id.in_(whose))
            .values(balance_fen=Account.balance_fen + 900)
        )
    accounts = ledger.check_sums()
    assert len(accounts) == 3
    assert letters(mail) == {}, "the page says it; a letter would only frighten"
    for account in accounts:
        decide(ledger.ask_unblock(staff, account, "有人改过数据库").id, manager, True)
    said = letters(mail)
    assert said == {
        "chen@example.cn": (
            "Your meal card can be used again",
            "We have checked your meal card: use it as before. See the balance at the kiosk, or ring 0755-00001234.",
        ),
        "qiang@example.cn": (
            "饭卡可以用了",
            "您的饭卡核对好了，照常用就好。余额请到一体机上看，或打 0755-00001234 问。",
        ),
    }
    assert not [word for word in NEVER_SAID if word in str(said)]
    (call,) = calls()
    assert (call.resident_id, call.words) == (meals.cast.wheel, said["qiang@example.cn"][1])


# --- when -----------------------------------------------------------------------------------------------------------


def test_quiet_hours_hold_back_what_can_wait(meals: Meals, sms: Ear, staff: int, clock: Clock) -> None:
    clock.set("2026-11-23 21:00")
    ledger.top_up(staff, meals.cast.shuibei, meals.cast.chen, 2000)
    assert texts(sms) == []
    clock.set("2026-11-24 07:59")
    assert texts(sms) == []
    clock.set("2026-11-24 08:00")
    assert len(texts(sms)) == 1


def test_what_cannot_wait_goes_out_at_night(meals: Meals, sms: Ear, staff: int, clock: Clock) -> None:
    menu = meals.lunch(TUESDAY)
    meals.order(meals.cast.chen, TUESDAY)
    clock.set("2026-11-23 23:30")
    fail_menu(staff, menu, "停气了")
    assert len(texts(sms)) == 1


@pytest.mark.parametrize(
    ("wall", "ends"),
    [("20:59", None), ("21:00", "2026-11-24 08:00"), ("00:10", "2026-11-23 08:00"), ("08:00", None)],
)
def test_when_the_quiet_hours_end(meals: Meals, clock: Clock, wall: str, ends: str | None) -> None:
    clock.at(wall, date(2026, 11, 23))
    centre = db.session.get_one(Centre, meals.cast.shuibei)
    assert not_before(centre, clock()) == (moment(ends) if ends else None)


# --- what did not get through ---------------------------------------------------------------------------------------


def test_an_adapter_that_is_away_is_asked_again_and_staff_can_ring_up_instead(
    meals: Meals, sms: Ear, staff: int, clock: Clock
) -> None:
    sms.answer = 503
    ledger.top_up(staff, meals.cast.shuibei, meals.cast.chen, 2000)
    texts(sms)
    (row,) = rows()
    assert (row.state, row.tries, row.centre_id, row.kind) == (
        "waiting",
        1,
        meals.cast.shuibei,
        "account.topped_up",
    )
    assert row.error is not None
    assert "503" in row.error
    assert "1187" not in row.error
    for _again in range(2):
        call_instead(Actor("staff", staff), meals.cast.shuibei, row.id)
    assert rows()[0].state == "called"
    assert len(calls()) == 1
    clock.advance(hours=3)
    sms.answer = 200
    assert send_due() == 0, "somebody rings up instead"
    assert refusal(lambda: call_instead(Actor("staff", staff), meals.cast.sungang, row.id)) == "not_found"


def test_what_the_adapter_will_never_take_is_given_up_and_can_be_tried_again(
    meals: Meals, sms: Ear, staff: int, clock: Clock
) -> None:
    sms.answer = 422
    ledger.top_up(staff, meals.cast.shuibei, meals.cast.chen, 2000)
    texts(sms)
    assert rows()[0].state == "stopped"
    assert rows()[0].tries == 1
    sms.answer = 200
    try_again(Actor("staff", staff), rows()[0].id)
    assert send_due() == 1
    assert rows()[0].state == "sent"
    try_again(Actor("staff", staff), rows()[0].id)
    assert send_due() == 0, "sent ones stay sent"


def test_tries_end_and_the_row_stays(meals: Meals, sms: Ear, staff: int, clock: Clock) -> None:
    sms.answer = 500
    ledger.top_up(staff, meals.cast.shuibei, meals.cast.chen, 2000)
    for _n in range(GIVE_UP_AFTER + 2):
        texts(sms)
        clock.advance(hours=2)
    assert (rows()[0].state, rows()[0].tries) == ("stopped", GIVE_UP_AFTER)


def test_what_waits_for_somebody_can_be_stopped(meals: Meals, sms: Ear, staff: int) -> None:
    ledger.top_up(staff, meals.cast.shuibei, meals.cast.chen, 2000)
    deliver_due()
    with unit_of_work():
        assert stop_messages(meals.cast.chen, "deceased") == 1
    assert send_due() == 0
    assert sms.heard == []


# --- staff and the hall ---------------------------------------------------------------------------------------------


def test_a_failed_kitchen_is_told_to_the_groups_of_staff_and_in_the_hall(
    meals: Meals, sms: Ear, staff: int, clock: Clock
) -> None:
    actor, centre = Actor("staff", staff), meals.cast.shuibei
    address = sms.url.replace("http://", "json://") + "/group"
    group = add_group(actor, centre, "水贝食堂群", address, ["menu.failed"])
    add_group(actor, meals.cast.sungang, "笋岗的群", address, ["menu.failed"])
    menu = meals.lunch(TUESDAY)
    meals.order(meals.cast.aqiang, TUESDAY)
    fail_menu(staff, menu, "停气了")
    deliver_due()
    send_due()
    (heard,) = [one for one in sms.heard if one.path == "/group"]
    assert "水贝长者食堂" in heard.json["title"]
    assert "停气了" in heard.json["message"]
    assert "陈" not in heard.json["message"], "nobody's name"
    assert [one.words for one in current_notices(centre)] == ["11月24日 星期二午餐做不了，付过的钱都退。"]
    assert current_notices(meals.cast.sungang) == []
    remove_group(actor, centre, group.id)
    clock.advance(seconds=1)
    take_down(centre, current_notices(centre)[0].id)
    assert current_notices(centre) == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "json://169.254.169.254/x", "syslog://", "nothing", "http://x"]
)
def test_a_group_may_not_lead_anywhere(
    meals: Meals, staff: int, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "inside", False)
    deed = lambda: add_group(Actor("staff", staff), meals.cast.shuibei, "群", url, ["menu.failed"])  # noqa: E731
    assert refusal(deed) == "group_url"


# --- a centre's own words -------------------------------------------------------------------------------------------


def test_a_manager_may_write_other_words_for_one_language(meals: Meals, sms: Ear, staff: int) -> None:
    actor, centre = Actor("staff", staff), meals.cast.shuibei
    set_words(actor, centre, "account.topped_up", "zh_Hans", "存好了", "奶奶，{sum} 存好啦。\n{phone}")
    ledger.top_up(staff, centre, meals.cast.chen, 2000)
    ((_to, words),) = texts(sms)
    assert words == "奶奶，¥20.00 存好啦。\n0755-00001234"
    assert words_of(kinds.named("account.topped_up"), meals.cast.sungang, "zh_Hans")[2] is False
    assert words_of(kinds.named("account.topped_up"), centre, "en")[2] is False
    forget_words(actor, centre, "account.topped_up", "zh_Hans")
    assert words_of(kinds.named("account.topped_up"), centre, "zh_Hans")[2] is False


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("存了 {balance}", "place_unknown"),
        ("存了 {sum.__class__}", "place_unknown"),
        ("存了 {sum", "place_unknown"),
        ("存了 {}", "place_unknown"),
        ("", "words_missing"),
        ("好" * 401, "words_long"),
    ],
)
def test_placeholders_are_checked(meals: Meals, staff: int, body: str, code: str) -> None:
    deed = lambda: set_words(  # noqa: E731
        Actor("staff", staff), meals.cast.shuibei, "account.topped_up", "zh_Hans", "存好了", body
    )
    assert refusal(deed) == code


def test_every_kind_has_words_in_every_language_that_its_samples_fill(meals: Meals) -> None:
    for kind in kinds.by_name.values():
        for language in ("zh_Hans", "zh_Hant", "en"):
            subject, body, _own = words_of(kind, None, language)
            shown = preview(kind, subject, body, language)
            assert all(shown), (kind.name, language)
            assert "{" not in "".join(shown), (kind.name, language, shown)


def test_filling_leaves_out_empty_lines_and_touches_nothing_else() -> None:
    assert fill("{a}\n{b}\n100% {a}", {"a": "x", "b": ""}) == "x\n100% x"
    assert fill("{a}", {"a": "{b}", "b": "no"}) == "{b}"


# --- where we speak to ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x",
        "https://127.0.0.1/x",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest",
        "https://user:word@example.com/",
        "ftp://example.com/",
        "https:///x",
        "https://exa mple.com/",
        "https://example.com:99999/",
    ],
)
def test_in_production_nothing_inside_is_spoken_to(url: str) -> None:
    with pytest.raises(NotAllowed):
        checked(url, inside=False)


def test_a_name_that_leads_inside_is_found_when_it_is_looked_up() -> None:
    with pytest.raises(NotAllowed):
        post_json("https://localhost:1/x", b"{}", {}, inside=False)


def test_no_redirect_is_followed(ear: Ear) -> None:
    ear.answer, ear.location = 302, f"{ear.url}/elsewhere"
    with pytest.raises(OSError, match="answered 302"):
        post_json(f"{ear.url}/x", b"{}", {}, inside=True)
    assert [one.path for one in ear.heard] == ["/x"]


# --- the console ----------------------------------------------------------------------------------------------------


def test_the_desk_sees_what_did_not_get_through_and_managers_the_words(house: House) -> None:
    seen = {role: house.client(role).get("/staff/c/shuibei/messages").text for role in ("front", "manager")}
    for page in seen.values():
        assert "陈*英" in page
        assert "尾号 1187" in page
        assert "今天午餐换菜" in page, "the hall's notice"
        for secret in ("13800001187", "陈秀英"):
            assert secret not in page
    assert "您的饭卡存了 ¥20.00" in seen["manager"]
    assert "您的饭卡存了 ¥20.00" not in seen["front"]


def test_the_desk_makes_a_call_of_a_message(house: House) -> None:
    front = house.client("front")
    path = f"/staff/c/shuibei/messages/{house.values['message_id']}"
    assert house.post(front, f"{path}/call").status_code == 303
    assert "改打电话" in front.get("/staff/c/shuibei/messages?state=called").text
    assert house.post(front, f"{path}/burn").status_code == 404
    assert house.post(front, "/staff/c/shuibei/messages/99999/again").status_code == 404


def test_a_manager_looks_before_saving_words(house: House) -> None:
    manager, path = house.client("manager"), "/staff/c/shuibei/settings/messages/account.topped_up/zh_Hans"
    words = {"subject": "存好了", "body": "奶奶，{sum} 存好啦。"}
    assert "奶奶，¥50.00 存好啦。" in house.post(manager, path, {**words, "verb": "look"}).text
    assert "奶奶" not in manager.get(path).text, "not kept yet"
    assert house.post(manager, path, words).status_code == 303
    assert "奶奶，{sum} 存好啦。" in manager.get(path).text
    assert house.post(manager, path, {**words, "body": "{balance}"}).status_code == 422


def test_no_web_process_loads_apprise() -> None:
    code = "import app, sys; sys.exit('apprise' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
