"""GET never changes anything: every page is opened by everybody who may, and every row is as it was."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select, text, update

from canteen.models import MealOrder
from core.audit import Audit
from core.database import db, unit_of_work
from tests.policy.test_routes import routes
from tests.support.house import ROLES, House

READS = {"resident.read", "resident.copied", "settlement.packed"}
"""What opening a page writes down: that somebody's record was read, or a copy of it or a workbook of many taken."""

WAY = re.compile(r'<(?:a|form)\b[^>]*?\b(?:href|action)="(/staff/c/[^"?#]+)[^>]*>')
POSTS = {
    "front": "front_desk",
    "luo": "front_desk",
    **{role: role for role in ("kitchen", "manager", "accountant", "supervisor")},
}
SEE_MOST = ("slip", "card", "pin", "supervisor")


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


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("role", ROLES)
def test_opening_pages_changes_nothing_and_leads_nowhere_closed(house: House, role: str) -> None:
    """By everybody: what opens for them differs, not what the database does."""
    _open_all(house, role)


@pytest.mark.databases("postgresql")
@pytest.mark.parametrize("role", SEE_MOST)
def test_the_same_on_the_other_engine(house: House, role: str) -> None:
    """By those who together may open every page."""
    _open_all(house, role)


def _open_all(house: House, role: str) -> None:
    owe_cash(house)
    before, verbs, closed = house.digest({"audit"}), read_verbs(house), set()
    for method, rule in routes(house.app):
        if method != "GET":
            continue
        for path in (house.address(rule.rule, role), house.address(rule.rule, role) + "?page=2&q=1187"):
            answer = house.client(role).get(path)
            if rule.rule.startswith("/staff") and answer.mimetype == "text/html":
                closed |= {(rule.rule, url) for url in closed_ways(house, role, answer.text)}
            answer.close()
            assert answer.status_code < 500, path
    # asked with a code that was never made, the throttle counts: that is a try, not a reading
    changed = {table for table, rows in house.digest({"audit"}).items() if rows != before[table]}
    assert changed <= ({"throttle"} if role != "slip" else set())
    assert set(read_verbs(house)[len(verbs) :]) <= READS
    assert closed == set(), "led to a page that says «not found»"


def closed_ways(house: House, role: str, page: str) -> set[str]:
    """Where a page of the console leads its reader, though their post may not go there."""
    ways = house.app.url_map.bind("localhost")
    found = set()
    for tag, url in {(way[0], way[1]) for way in WAY.finditer(page)}:
        endpoint, _values = ways.match(url, method="POST" if 'method="post"' in tag else "GET")
        grant: frozenset[str] = getattr(house.app.view_functions[str(endpoint)], "hall_grant", frozenset())
        if grant and POSTS[role] not in grant:
            found.add(url)
    return found


# --- what is no page ------------------------------------------------------------------------------------------------

SHOWN = {"text/html"}


def boosted(page: str) -> set[str]:
    """Addresses of a page's links that the script fetches to put them in the page's place (hx-boost)."""
    tree = BeautifulSoup(page, "html.parser")
    return {
        str(link["href"])
        for link in tree.select("a[href^='/']")
        if (near := link.find_parent(attrs={"hx-boost": True})) is not None
        and (link.get("hx-boost") or near["hx-boost"]) == "true"
    }


def files_in_place(house: House, role: str) -> set[str]:
    """Links by which a file would be put in a page's place instead of being handed over."""
    client, kinds, found = house.client(role), dict[str, str](), set[str]()
    ways = house.app.url_map.bind("localhost")
    for method, rule in routes(house.app):
        if method != "GET":
            continue
        answer = client.get(house.address(rule.rule, role))
        page = answer.text if answer.mimetype in SHOWN else ""
        answer.close()
        for url in boosted(page):
            asked = urlsplit(url)
            endpoint = str(ways.match(asked.path, method="GET")[0])
            kind = f"{endpoint} {sorted(parse_qs(asked.query))}"
            if kind not in kinds:
                answer = client.get(url)
                kinds[kind] = str(answer.mimetype) if answer.status_code == 200 else "text/html"
                answer.close()
            if kinds[kind] not in SHOWN:
                found.add(f"{rule.rule}: {kind}")
    return found


def test_a_link_that_is_fetched_is_told_from_one_that_is_not() -> None:
    page = '<body hx-boost="true"><a href="/a">a</a><a href="/b" hx-boost="false" download>b</a><a href="#c">c</a>'
    assert boosted(page) == {"/a"}
    assert boosted(page.replace(' hx-boost="true"', "")) == set()


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("role", ["manager", "accountant", "kitchen", "pin", "slip"])
def test_a_file_is_handed_over_and_not_put_in_a_page_s_place(house: House, role: str) -> None:
    assert files_in_place(house, role) == set()


def owe_cash(house: House) -> None:
    """A meal that was paid at the desk and given back, the money not yet handed out."""
    with house.app.app_context(), unit_of_work():
        given_back = db.session.scalars(select(MealOrder.id).where(MealOrder.channel == "desk")).first()
        owed = {"gateway": "counter", "pay_state": "refunded"}
        db.session.execute(update(MealOrder).where(MealOrder.id == given_back).values(owed))


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
