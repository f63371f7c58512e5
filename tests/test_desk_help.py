"""What the desk writes down for an elder, and what comes of it: subsidies, delivery, what may not be eaten."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from bs4 import BeautifulSoup
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from canteen.days import serving_day
from canteen.models import Canteen, DietProfile, StandingOrder, SubsidyRule
from canteen.quotes import right
from centres.models import Building
from core.audit import Audit
from core.clock import now
from core.database import db, unit_of_work
from people.models import Consent, FamilyLink, Resident, ResidentStatus, StatusKind
from people.services import findings
from tests.support.house import MONDAY, TUESDAY, House

BASE = "/staff/c/shuibei"


@contextmanager
def looking(house: House) -> Iterator[None]:
    with house.app.app_context():
        yield
        db.session.remove()


def words(page: TestResponse) -> str:
    return BeautifulSoup(page.text, "html.parser").get_text(" ", strip=True)


def taken_in(house: House, born: str = "1950-03-04", role: str = "front") -> int:
    """Somebody whom nobody has heard of, taken in at the desk a moment ago."""
    answer = house.post(house.client(role), f"{BASE}/people/new", {"name": "李桂兰", "born": born})
    assert answer.status_code == 303
    return int(answer.location.rpartition("/")[2])


def say(house: House, path: str, role: str = "manager", **fields: Any) -> TestResponse:
    return house.post(house.client(role), f"{BASE}/{path}", fields)


def order(house: House, person: int, role: str = "front", **more: str) -> TestResponse:
    """Tomorrow's first set meal, ordered at the desk."""
    page = house.client(role).get(f"{BASE}/canteen/orders/new?resident={person}&menu={TUESDAY}/lunch")
    offer = str(BeautifulSoup(page.text, "html.parser").select("input[name=offer]")[0]["value"])
    fields = {"resident": str(person), "menu": f"{TUESDAY}/lunch", "offer": offer, **more}
    return house.post(house.client(role), f"{BASE}/canteen/orders/new", fields)


def building(house: House) -> int:
    with looking(house):
        return db.session.scalars(select(Building.id).where(Building.code == "SB2-3")).one()


def statuses(house: House, person: int) -> list[tuple[str, date, date | None]]:
    with looking(house):
        rows = db.session.scalars(
            select(ResidentStatus).where(ResidentStatus.resident_id == person).order_by(ResidentStatus.id)
        )
        return [(row.kind, row.starts_on, row.ends_on) for row in rows]


def helped(house: House, person: int, day: date) -> int:
    """Fen of help with a lunch of fifteen yuan on that day."""
    with looking(house):
        canteen = db.session.get_one(Canteen, house.cast.shuibei)
        usual = right(db.session.get_one(Resident, person), canteen, serving_day(canteen, day), "lunch")
        return usual.sum(1500).subsidy_fen


# --- where they are registered and how they live --------------------------------------------------------------------


def test_a_person_taken_in_at_the_desk_is_subsidised_once_the_desk_knows_the_hukou(house: House) -> None:
    person = taken_in(house)
    assert "政府补" not in words(house.client("front").get(order(house, person).location))
    again = taken_in(house, "1950-03-05")
    assert say(house, f"people/{again}/living", "front", hukou="shenzhen").status_code == 303
    assert "政府补 ¥5.00" in words(house.client("front").get(order(house, again).location))


def test_with_a_house_and_a_room_the_meal_is_brought(house: House) -> None:
    person = taken_in(house)
    assert order(house, person, delivery="1").status_code == 422
    said = {"hukou": "shenzhen", "building": str(building(house)), "room": "302", "lives_alone": "1"}
    assert say(house, f"people/{person}/living", "front", **said).status_code == 303
    assert "送到家" in words(house.client("front").get(order(house, person, delivery="1").location))
    page = words(house.client("front").get(f"{BASE}/people/{person}"))
    assert "水贝二街3栋 302" in page
    assert "是，没来取餐就打电话问" in page


def test_the_audit_knows_which_fields_and_not_what_stood_there(house: House) -> None:
    person = taken_in(house)
    say(house, f"people/{person}/living", "front", hukou="shenzhen", hukou_district="罗湖", room="302")
    say(house, f"people/{person}/living", "front", hukou="shenzhen", hukou_district="罗湖", room="302")
    say(house, f"people/{person}/register/status", kind="dibao", starts="2026-01-01")
    with looking(house):
        found = db.session.execute(
            select(Audit.verb, Audit.detail).where(
                Audit.subject_kind == "resident", Audit.subject_id == person
            )
        ).all()
    told = [(action, detail) for action, detail in found if action.startswith("resident.") and detail]
    assert [action for action, _detail in told] == ["resident.changed", "resident.status_added"]
    assert told[0][1]["fields"] == ["hukou", "hukou_district", "room"]
    assert not {"罗湖", "302", "dibao"} & set(json.dumps(told[1][1], ensure_ascii=False).split('"'))
    assert "罗湖" not in json.dumps([detail for _action, detail in told], ensure_ascii=False)


def test_a_house_of_another_centre_is_not_taken(house: House) -> None:
    with looking(house):
        there = Building(unit_id=house.cast.sungang, code="SG-1", name_zh="笋岗1栋", floors=7)
        db.session.add(there)
        db.session.commit()
        far = there.id
    person = taken_in(house)
    answer = say(house, f"people/{person}/living", "front", building=str(far))
    assert answer.status_code == 422
    assert "没有登记过这栋楼" in words(answer)


# --- what a place looks at besides the city's five ------------------------------------------------------------------


def test_a_kind_of_its_own_is_written_at_the_desk_and_helps_under_a_rule(house: House) -> None:
    supervisor, kinds = house.client("supervisor"), f"{BASE}/data/statuses"
    said = {"code": "youfu", "name_zh": "优抚对象", "name_en": "Entitled to special care"}
    assert house.post(house.client("manager"), f"{kinds}/new", said).status_code == 404
    assert house.post(supervisor, f"{kinds}/new", {**said, "code": "assessed_mild"}).status_code == 422
    assert house.post(supervisor, f"{kinds}/new", said).status_code == 303
    person = taken_in(house, "1958-03-04")
    assert say(house, f"people/{person}/living", "front", hukou="shenzhen").status_code == 303
    assert helped(house, person, TUESDAY) == 0
    added = say(house, f"people/{person}/register/status", kind="youfu", starts="2026-01-01")
    assert added.status_code == 303
    assert "优抚对象" in words(house.client("manager").get(f"{BASE}/people/{person}"))
    rule = {
        "code": "meal-youfu", "kind": "meal", "amount_fen": "8.00", "any_status": "youfu",
        "name_zh": "优抚对象就餐补贴", "starts_on": "2026-11-24",
    }  # fmt: skip
    assert house.post(house.client("manager"), f"{BASE}/data/subsidies/new", rule).status_code == 303
    assert helped(house, person, TUESDAY) == 800
    with looking(house):
        kind = db.session.scalars(select(StatusKind)).one().id
    page = supervisor.get(f"{kinds}/{kind}/")
    assert "要看它的补贴规定" in page.text
    assert house.post(supervisor, f"{kinds}/{kind}/retire", {}).status_code == 409, "a rule asks for it"
    with looking(house), unit_of_work():
        ends = update(SubsidyRule).where(SubsidyRule.code == "meal-youfu").values(ends_on=date(2027, 1, 1))
        db.session.execute(ends)
    assert house.post(supervisor, f"{kinds}/{kind}/retire", {}).status_code == 409, "until its last day"


def test_the_city_s_kinds_are_there_without_any_row_and_take_a_place_s_name(house: House) -> None:
    with looking(house), house.app.test_request_context("/"):
        assert list(findings.kinds())[:2] == ["tekun", "dibao"]
        assert findings.kinds()["dibao"] == "低保"
    said = {"code": "dibao", "name_zh": "最低生活保障"}
    assert house.post(house.client("supervisor"), f"{BASE}/data/statuses/new", said).status_code == 303
    with looking(house), house.app.test_request_context("/"):
        assert findings.kinds()["dibao"] == findings.finding_words("dibao") == "最低生活保障"
        row = db.session.scalars(select(StatusKind)).one()
        with unit_of_work():
            row = db.session.get_one(StatusKind, row.id)
            row.retired_at = now()
        assert "dibao" not in findings.kinds()
        assert findings.finding_words("dibao") == "最低生活保障", "what was found before keeps its name"


# --- what was found about them --------------------------------------------------------------------------------------


def test_a_status_counts_until_the_day_before_it_ends(house: House) -> None:
    person = taken_in(house)
    say(house, f"people/{person}/living", hukou="shenzhen")
    assert (
        say(house, f"people/{person}/register/status", kind="dibao", starts="2026-01-01").status_code == 303
    )
    wednesday, thursday = date(2026, 11, 25), date(2026, 11, 26)
    assert [helped(house, person, day) for day in (wednesday, thursday)] == [1500, 1500]
    with looking(house):
        row = db.session.scalars(select(ResidentStatus.id).where(ResidentStatus.resident_id == person)).one()
    assert say(house, f"people/{person}/register/end", status=row, ends=thursday).status_code == 303
    assert [helped(house, person, day) for day in (wednesday, thursday)] == [1500, 500]
    assert statuses(house, person) == [("dibao", date(2026, 1, 1), thursday)]


def test_the_same_status_is_not_written_twice_for_the_same_days(house: House) -> None:
    person, path = taken_in(house), "register/status"
    assert say(house, f"people/{person}/{path}", kind="dibao", starts="2026-01-01").status_code == 303
    answer = say(house, f"people/{person}/{path}", kind="dibao", starts="2026-06-01")
    assert (answer.status_code, "已经登记过" in words(answer)) == (422, True)
    for odd in ({"kind": "king"}, {"starts": ""}, {"ends": "2025-01-01"}, {"starts": "1026-01-01"}):
        fields = {"kind": "tekun", "starts": "2026-01-01", **odd}
        assert say(house, f"people/{person}/{path}", **fields).status_code == 422
    assert statuses(house, person) == [("dibao", date(2026, 1, 1), None)]


def test_a_newer_assessment_takes_the_place_of_the_older_one(house: House) -> None:
    person, path = taken_in(house), "register/assess"
    for level, day in (("severe", "2026-06-01"), ("mild", "2026-01-01"), ("moderate", "2026-09-01")):
        assert say(house, f"people/{person}/{path}", level=level, day=day).status_code == 303
    assert say(house, f"people/{person}/{path}", level="moderate", day="2026-09-01").status_code == 303
    assert say(house, f"people/{person}/{path}", level="mild", day="2026-09-01").status_code == 422
    assert statuses(house, person) == [
        ("assessed_severe", date(2026, 6, 1), date(2026, 9, 1)),
        ("assessed_mild", date(2026, 1, 1), date(2026, 6, 1)),
        ("assessed_moderate", date(2026, 9, 1), None),
    ]


def test_the_desk_neither_sees_nor_writes_what_was_found(house: House) -> None:
    person = taken_in(house)
    say(house, f"people/{person}/register/status", kind="dibao", starts="2026-01-01")
    assert "低保" in words(house.client("manager").get(f"{BASE}/people/{person}"))
    assert "低保" not in words(house.client("front").get(f"{BASE}/people/{person}"))
    for role in ("front", "kitchen", "luo"):
        fields = {"kind": "tekun", "starts": "2026-01-01"}
        assert say(house, f"people/{person}/register/status", role, **fields).status_code == 404
    for role in ("kitchen", "luo"):
        assert say(house, f"people/{person}/living", role, hukou="shenzhen").status_code == 404
    assert len(statuses(house, person)) == 1


def test_a_status_of_somebody_else_is_not_ended_by_this_page(house: House) -> None:
    one, other = taken_in(house), taken_in(house, "1951-01-01")
    say(house, f"people/{one}/register/status", kind="dibao", starts="2026-01-01")
    with looking(house):
        row = db.session.scalar(select(func.max(ResidentStatus.id)))
    answer = say(house, f"people/{other}/register/end", status=row, ends="2026-11-25")
    assert answer.status_code == 404
    assert statuses(house, one) == [("dibao", date(2026, 1, 1), None)]


# --- what they may not eat ------------------------------------------------------------------------------------------


def test_a_diet_is_kept_only_when_the_person_has_agreed(house: House) -> None:
    person = taken_in(house)
    path, said = f"canteen/diet/{person}", {"allergen": "fish", "texture": "soft", "avoid": "不吃内脏"}
    asked = words(house.client("front").get(f"{BASE}/{path}"))
    assert "和本人说过了，本人当面同意" in asked
    answer = say(house, path, "front", **said)
    assert (answer.status_code, "请先当面问本人" in words(answer)) == (422, True)
    assert say(house, path, "front", **said, agreed="1").status_code == 303
    page = house.client("front").get(f"{BASE}/{path}").text
    assert "不吃内脏" in page
    assert "本人当面同意" not in page
    with looking(house):
        kept = db.session.get_one(DietProfile, person)
        assert (kept.allergens, kept.texture, kept.avoid) == (["fish"], "soft", "不吃内脏")
        given = db.session.scalars(select(Consent).where(Consent.resident_id == person)).one()
        assert (given.kind, given.given_where) == ("diet", "desk")
        told = db.session.scalars(select(Audit.detail).where(Audit.subject_id == person)).all()
        assert "内脏" not in json.dumps(list(told), ensure_ascii=False)


def test_a_dish_against_the_diet_that_staff_wrote_down_is_asked_about_first(house: House) -> None:
    person = taken_in(house)
    said = {"allergen": "fish", "texture": "regular", "agreed": "1"}
    assert say(house, f"canteen/diet/{person}", "front", **said).status_code == 303
    asked = order(house, person)
    assert (asked.status_code, "含鱼" in words(asked)) == (422, True)
    assert order(house, person, confirmed="1").status_code == 303


def test_when_they_take_it_back_nothing_of_it_is_kept(house: House) -> None:
    person = taken_in(house)
    say(house, f"canteen/diet/{person}", "front", allergen="fish", texture="soft", agreed="1")
    assert say(house, f"canteen/diet/{person}/forget", "front").status_code == 303
    with looking(house):
        assert db.session.get(DietProfile, person) is None
    assert "和本人说过了" in words(house.client("front").get(f"{BASE}/canteen/diet/{person}"))


# --- standing orders ------------------------------------------------------------------------------------------------


def running(house: House, person: int) -> list[StandingOrder]:
    with looking(house):
        rows = db.session.scalars(select(StandingOrder).where(StandingOrder.resident_id == person))
        return [row for row in rows if row.state == "active"]


def test_a_standing_order_is_begun_noted_left_out_and_ended_at_the_desk(house: House) -> None:
    person = taken_in(house)
    path = f"canteen/standing/{person}"
    said = {"meal": "lunch", "day": ["1", "2", "6"], "texture": "soft", "avoid": "peanut", "note": "少放油"}
    said["label"] = ["low_salt", "vegan"]
    assert say(house, path, "front", **said).status_code == 303
    one = running(house, person)[0]
    assert (one.weekdays, one.texture, one.avoid, one.note) == ([1, 2], "soft", ["peanut"], "少放油")
    assert "周二、周三，软，低盐，全素，不吃花生" in words(house.client("front").get(f"{BASE}/{path}"))
    assert say(house, f"{path}/{one.id}/skip", "front", day=TUESDAY).status_code == 303
    assert "说了不吃" in words(house.client("front").get(f"{BASE}/{path}"))
    assert say(house, f"{path}/{one.id}/eat", "front", day=TUESDAY).status_code == 303
    assert "说了不吃" not in words(house.client("front").get(f"{BASE}/{path}"))
    assert say(house, f"{path}/{one.id}/note", "front", note="").status_code == 303
    assert running(house, person)[0].note is None
    assert say(house, f"{path}/{one.id}/end", "front").status_code == 303
    assert running(house, person) == []
    with looking(house):
        query = select(Audit.verb, Audit.actor_kind).where(Audit.subject_kind == "standing_order")
        done = db.session.execute(query.where(Audit.subject_id == one.id).order_by(Audit.id)).all()
    assert {kind for _verb, kind in done} == {"staff"}
    assert [verb.partition(".")[2] for verb, _kind in done] == [
        "started",
        "noted",
        "skipped",
        "unskipped",
        "noted",
        "ended",
    ]


def test_after_the_cutoff_a_day_is_not_left_out(house: House) -> None:
    person = taken_in(house)
    say(house, f"canteen/standing/{person}", "front", meal="lunch", day="0")
    one = running(house, person)[0]
    answer = say(house, f"canteen/standing/{person}/{one.id}/skip", "front", day=MONDAY)
    assert (answer.status_code, "截止" in words(answer)) == (409, True)


def test_a_standing_order_of_somebody_else_is_not_found_under_this_name(house: House) -> None:
    one, other = taken_in(house), taken_in(house, "1951-01-01")
    say(house, f"canteen/standing/{one}", "front", meal="lunch", day="1")
    row = running(house, one)[0].id
    assert say(house, f"canteen/standing/{other}/{row}/end", "front").status_code == 404
    assert len(running(house, one)) == 1


def test_the_kitchen_and_another_centre_open_neither_page(house: House) -> None:
    person = taken_in(house)
    for role in ("kitchen", "luo"):
        for page in ("diet", "standing"):
            path = f"{BASE}/canteen/{page}/{person}"
            assert house.client(role).get(path).status_code == 404
            assert house.post(house.client(role), path, {"agreed": "1", "meal": "lunch"}).status_code == 404


# --- family ---------------------------------------------------------------------------------------------------------


def test_staff_end_a_family_link_when_the_elder_wishes_it(house: House) -> None:
    chen, link = house.cast.chen, house.values["link_id"]
    assert "能帮着订餐" in words(house.client("front").get(f"{BASE}/people/{chen}"))
    assert say(house, f"people/{taken_in(house)}/family", "front", link=link).status_code == 404
    assert say(house, f"people/{chen}/family", "front", link=link).status_code == 303
    assert "能帮着订餐" not in words(house.client("front").get(f"{BASE}/people/{chen}"))
    with looking(house):
        ended = db.session.get_one(FamilyLink, int(link))
        assert (ended.state, ended.ended_by) == ("ended", "staff")
