"""GET never changes anything: every page is opened by everybody who may, and every row is as it was."""

import pytest
from sqlalchemy import select, text

from core.audit import Audit
from core.database import db, unit_of_work
from tests.policy.test_routes import routes
from tests.support.house import ROLES, House

READS = {"resident.read", "settlement.packed"}
"""What opening a page writes down: that a member of staff read somebody's record, or took a workbook of many."""


def read_verbs(house: House) -> list[str]:
    with house.app.app_context():
        return list(db.session.scalars(select(Audit.verb).order_by(Audit.id)))


@pytest.mark.databases("sqlite")
def test_a_changed_row_is_noticed(house: House) -> None:
    before = house.digest()
    with house.app.app_context(), unit_of_work():
        db.session.execute(text("UPDATE space SET floor = floor + 1"))
    after = house.digest()
    assert {table for table in before if before[table] != after[table]} == {"space"}


@pytest.mark.parametrize("role", ROLES)
def test_opening_pages_changes_nothing(house: House, role: str) -> None:
    before, verbs = house.digest({"audit"}), read_verbs(house)
    for method, rule in routes(house.app):
        if method != "GET":
            continue
        for path in (house.address(rule.rule, role), house.address(rule.rule, role) + "?page=2&q=1187"):
            answer = house.client(role).get(path)
            answer.close()
            assert answer.status_code < 500, path
    # asked with a code that was never made, the throttle counts: that is a try, not a reading
    changed = {table for table, rows in house.digest({"audit"}).items() if rows != before[table]}
    assert changed <= ({"throttle"} if role != "slip" else set())
    assert set(read_verbs(house)[len(verbs) :]) <= READS


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    "page",
    [
        "/staff/c/shuibei/booking/b/{number}",
        "/staff/c/shuibei/booking/reading/2026-11-24?resident={chen}",
        "/staff/c/shuibei/canteen/orders/new?resident={chen}",
        "/staff/c/shuibei/people/{chen}",
    ],
)
def test_whoever_sees_a_full_name_is_written_down(house: House, page: str) -> None:
    client = house.client("manager")
    before = read_verbs(house).count("resident.read")
    answer = client.get(page.format(number=house.values["number"], chen=house.cast.chen))
    assert answer.status_code == 200
    assert "陈秀英" in answer.text
    assert read_verbs(house).count("resident.read") == before + 1
