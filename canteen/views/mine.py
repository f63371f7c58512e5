"""«我的食堂»: account, standing orders, diet, family; each only with the PIN."""

from datetime import date

from flask import Response, render_template
from flask_babel import gettext as _

from canteen import queries
from canteen.gateways import gateway
from canteen.models import Canteen
from canteen.services import ledger
from canteen.services.order import diet_of
from canteen.views.root import base, blueprint, by_pin, load_canteen, row_size
from canteen.words import MEALS
from core.clock import local_day, now
from core.http import personal
from core.http.paging import paging
from core.money import yuan
from core.words import date_words, full_day
from people.models import Resident
from people.services.family import links_of


@blueprint.get("/mine/")
def mine(code: str) -> Response:
    """What the canteen keeps of the visitor, and what they may set."""
    centre, canteen = load_canteen(code)
    _found, person = by_pin(centre.code)
    url = base(centre)
    links = links_of(person.id)
    asked = sum(link.elder_id == person.id and link.state == "asked" for link in links)
    rows = [
        {
            "label": _("饭卡"),
            "note": _account_note(canteen, person),
            "url": f"{url}/mine/account",
            "silent": True,
        },
        {"label": _("长期订餐"), "note": _standing_note(person), "url": f"{url}/standing/"},
        {"label": _("不能吃的"), "note": _diet_note(person), "url": f"{url}/diet/", "silent": True},
        {
            "label": _("家人帮我订"),
            "note": _("有人问，等您答应")
            if asked
            else _("%(n)d位家人", n=len(links))
            if links
            else _("还没有"),
            "url": f"{url}/family/",
        },
    ]
    return personal(
        render_template(
            "canteen/mine.html",
            rows=rows,
            order_url=f"{url}/",
            back_url=f"/c/{code}/my/",
        )
    )


def _account_note(canteen: Canteen, person: Resident) -> str:
    there = ledger.balance(person.id)
    if there is not None:
        return _("余额 %(sum)s", sum=yuan(there))
    return gateway("account").why_not(canteen, person.id, 0) or ""


def _standing_note(person: Resident) -> str:
    rows = queries.standing_orders(person.id)
    return _("、").join(str(MEALS[row.meal]) for row in rows) if rows else _("还没有")


def _diet_note(person: Resident) -> str:
    diet = diet_of(person.id)
    kept = diet.allergens or diet.labels or diet.texture != "regular"
    return _("记着了，点开看") if kept else _("还没有记")


@blueprint.get("/mine/account")
def account(code: str) -> Response:
    """The balance, and what came and went, in words."""
    centre, canteen = load_canteen(code)
    _found, person = by_pin(centre.code)
    url, size = f"{base(centre)}/mine/account", row_size()
    row = queries.account_of(person.id)
    pages = paging(queries.entries(row) if row is not None else 0, size, lambda n: f"{url}?page={n}")
    today = local_day(now(), centre.zone)
    lines = queries.history(row, (pages.page - 1) * size, size)[:size] if row is not None else []
    return personal(
        render_template(
            "canteen/account.html",
            balance=ledger.balance(person.id),
            blocked=row is not None and row.blocked_at is not None,
            operator=canteen.account_operator,
            lines=[
                {
                    "words": line.words,
                    "day": _day_words(local_day(line.at, centre.zone), today),
                    "fen": line.fen,
                }
                for line in lines
            ],
            paging=pages,
            back_url=f"{base(centre)}/mine/",
        )
    )


def _day_words(day: date, today: date) -> str:
    """今天 11月23日 星期一; further back the date alone."""
    return full_day(day, today) if 0 <= (today - day).days <= 1 else date_words(day)
