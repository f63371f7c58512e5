"""The blueprint of residents' canteen pages, what they load, and for whom they are."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, request
from flask_babel import gettext as _

from canteen import queries
from canteen.models import Canteen, Dish
from canteen.services import ledger
from centres.models import Centre
from core.errors import Alternative, NotFound, Refused
from core.http import page_asked, row_number, with_next
from core.http.paging import with_asked
from core.i18n import language
from kiosk.models import Visit
from kiosk.session import at_kiosk, known_visit, load_centre, prefs, show_centre, shown_name
from people.models import FamilyLink, Resident
from people.services.family import active_link

blueprint = Blueprint("canteen", __name__, url_prefix="/c/<code>/canteen")
PAGE, PAGE_ELDER, PAGE_LOW = 4, 3, 2
ROWS, ROWS_LOW = 5, 4


@dataclass(frozen=True, slots=True)
class Eater:
    """For whom a page is: the visitor, an elder whose relative the visitor is (`link`), a guest, or nobody yet."""

    resident: Resident | None = None
    link: FamilyLink | None = None
    guest: bool = False

    @property
    def known(self) -> bool:
        return self.resident is not None

    @property
    def asked(self) -> dict[str, str]:
        """What addresses carry on."""
        if self.link is not None:
            return {"for": str(self.link.id)}
        return {"guest": "1"} if self.guest else {}


def load_canteen(code: str) -> tuple[Centre, Canteen]:
    """Centre and canteen of the address."""
    canteen = queries.canteen_by_code(code)
    if canteen is None:
        load_centre(code)
        raise NotFound(_("这个中心没有食堂"), _("请问问工作人员，附近哪里有。"))
    return show_centre(canteen.centre), canteen


def eater(code: str) -> Eater:
    """Who will eat. A relative says for whom with `for`, and is known by PIN; a guest says `guest`."""
    found = known_visit()
    asked = request.values.get("for", type=row_number)
    if asked is not None:
        page = page_asked() if request.method == "GET" else with_asked(page_asked(), **{"for": asked})
        _found, relative = by_pin(code, page)
        link = active_link(relative.id, asked)
        if link is None:
            raise NotFound(_("现在不能帮这位家人订"), _("请老人家先答应，或找工作人员。"))
        return Eater(link.elder, link)
    if found is not None:
        return Eater(found.resident)
    return Eater(guest=request.values.get("guest") == "1")


def by_pin(code: str, onward: str | None = None) -> tuple[Visit, Resident]:
    """The visitor, known by PIN. Refuses everybody else, with the way to it and from there to `onward` (this page)."""
    found = known_visit()
    if found is None or found.resident is None or found.level != "pin":
        raise Refused(
            "pin_needed",
            _("这一页要输密码"),
            _("是您自己的事，旁边的人看不到。"),
            status=403,
            alternatives=[
                Alternative(
                    _("输密码"),
                    with_next(f"/c/{code}/identify/pin", onward or page_asked()),
                )
            ],
        )
    return found, found.resident


def may_see_balance(who: Eater) -> bool:
    """The balance is for whoever gave the PIN, and on phones that they confirmed with it; never for relatives."""
    found = known_visit()
    if found is None or who.link is not None or who.resident is None:
        return False
    return found.level == "pin" or (not at_kiosk() and shown_name() is not None)


def shown_balance(who: Eater) -> int | None:
    """What is on the account, where this screen may show it."""
    return ledger.balance(who.resident.id) if who.resident is not None and may_see_balance(who) else None


def name_of(who: Eater) -> str | None:
    """The masked name, where this screen may show it."""
    if who.link is not None and who.resident is not None:
        return who.resident.masked_name
    return shown_name() if who.resident is not None else None


def said(dish: Dish) -> str:
    """How a dish's name is said, where its letters mislead the kiosk's voice. A phone's own reads no pinyin."""
    return dish.spoken if at_kiosk() and language() != "en" else ""


def base(centre: Centre) -> str:
    """Address under which the canteen lives."""
    return base_of(centre.code)


def base_of(code: str) -> str:
    """The same, of the code in an address."""
    return f"/c/{code}/canteen"


def meal_url(centre: Centre, day: date, meal: str, page: str = "", **asked: Any) -> str:
    """Address of a meal's pages, with what was chosen so far."""
    return with_asked(f"{base(centre)}/menu/{day}/{meal}/{page}", **asked)


def home(centre: Centre) -> str:
    """Where «首页» leads."""
    return "/kiosk/" if at_kiosk() else f"/c/{centre.code}/"


def page_size(*, more: bool = False) -> int:
    """How many cards a page shows: 长辈版 and wheelchair mode show less, and a page with `more` on it."""
    wanted = prefs()
    if not at_kiosk():
        return PAGE
    if wanted["reach"] == "low":
        return PAGE_LOW
    return PAGE_ELDER if wanted["text"] == "elder" or more else PAGE


def row_size() -> int:
    """How many rows a list shows."""
    return ROWS_LOW if at_kiosk() and prefs()["reach"] == "low" else ROWS
