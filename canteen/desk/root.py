"""The blueprint of staff's canteen pages, who may open which, and what they load."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from flask import Blueprint, current_app, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from canteen.days import serving_day
from canteen.desk_queries import menu_of
from canteen.forms import parse_day, parse_meal
from canteen.models import Canteen, Menu
from canteen.queries import canteen_of
from centres.models import Centre
from centres.queries import centre_by_code
from core.clock import now
from core.errors import Alternative, NotFound, Refused
from people.access import current_staff, grants_roles

blueprint = Blueprint("canteen_desk", __name__, url_prefix="/staff/c/<centre>/canteen")

LOOK = frozenset({"kitchen", "front_desk", "manager", "supervisor", "accountant"})
"""Who may see what is cooked and how many have ordered."""
COOK = frozenset({"kitchen", "manager", "supervisor"})
"""Who plans, cooks and writes down what the kitchen must."""

TABS = (
    (lazy_gettext("一周菜单"), "canteen_desk.week", ("week", "menu", "menus", "poster")),
    (lazy_gettext("备餐"), "canteen_desk.kitchen", ("kitchen", "change")),
    (lazy_gettext("窗口"), "canteen_desk.window", ("window",)),
    (lazy_gettext("订单"), "canteen_desk.orders", ("orders", "diet", "standing")),
    (lazy_gettext("收款"), "canteen_desk.till", ("till",)),
    (lazy_gettext("送餐"), "canteen_desk.runs", ("delivery",)),
    (lazy_gettext("日报"), "canteen_desk.report", ("report",)),
    (lazy_gettext("结算"), "canteen_desk.settlement", ("settlement", "paid")),
    (lazy_gettext("采购"), "canteen_desk.purchase", ("purchase",)),
    (lazy_gettext("留样"), "canteen_desk.samples", ("samples",)),
    (lazy_gettext("晨检"), "canteen_desk.morning", ("morning",)),
)
"""The tabs, in the order of a day: name, first page, and the modules of this package whose pages stand under it. A tab
is shown to those whom its first page lets in."""


def base(centre: Centre) -> str:
    """Address under which the canteen's desk lives."""
    return f"/staff/c/{centre.code}/canteen"


def load_canteen(centre: Centre) -> Canteen:
    """The canteen of the address."""
    found = canteen_of(centre.id)
    if found is None:
        raise NotFound(_("这个中心还没有食堂"), _("请主管打开“基础资料”里的“食堂”，登记名称和开餐时间。"))
    return found


def load_menu(centre: Centre, day: str, meal: str) -> Menu:
    """The menu of the address, with its offers and dishes. A menu is named by its day and meal, never by an id."""
    found = menu_of(load_canteen(centre).id, parse_day(day), parse_meal(meal))
    if found is None:
        raise NotFound(_("这一餐还没有排菜单"), _("请先在“一周菜单”里排。"))
    return found


@contextmanager
def ways_while_checked(centre: Centre, first: Alternative, back: Alternative) -> Iterator[None]:
    """What is booked in here may have to wait until two people have looked at the books: the ways on then are `first`,
    the page that says what is looked at, and `back`."""
    try:
        yield
    except Refused as refusal:
        if refusal.code == "books_checked":
            refusal.alternatives = [first, Alternative(_("去看在核对什么"), f"{base(centre)}/till"), back]
        raise


def check_ahead(canteen: Canteen, day: date, meal: str) -> None:
    """Refuse to plan a meal whose serving is over: nobody could eat it."""
    served = serving_day(canteen, day).meals.get(meal)
    if served is not None and served.end <= now():
        raise Refused("over", _("这一餐已经过了"), _("请选今天以后的日子。"), status=422)


def menu_url(centre: Centre, day: date, meal: str, page: str = "menu") -> str:
    """Address of a page about one meal: `menu`, `kitchen`, `boxes` …"""
    return f"{base(centre)}/{page}/{day}/{meal}"


def may_cook() -> bool:
    """Whether whoever asks may change what is cooked."""
    return bool(_roles() & COOK)


def _roles() -> frozenset[str]:
    staff, code = current_staff(), (request.view_args or {}).get("centre")
    centre = centre_by_code(code) if staff and isinstance(code, str) else None
    return grants_roles(staff, centre.id) if staff and centre else frozenset()


@blueprint.context_processor
def _shown() -> dict[str, Any]:
    """The tabs above every page of this desk, and whether its forms are drawn."""
    code, roles, views = (request.view_args or {}).get("centre"), _roles(), current_app.view_functions
    view = views.get(request.endpoint or "")
    module = (view.__module__ if view else "").rpartition(".")[2]
    return {
        "may_cook": bool(roles & COOK),
        "desk_tabs": [
            {"label": label, "url": url_for(endpoint, centre=code), "current": module in modules}
            for label, endpoint, modules in TABS
            if endpoint in views and getattr(views[endpoint], "hall_grant", frozenset()) & roles
        ],
    }
