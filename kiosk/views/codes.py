"""Every QR code of ours: GET shows, a POST from it acts."""

from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _

from centres.models import Centre
from centres.queries import centres
from core.codes import is_cut, read_code
from core.database import db
from core.errors import NotFound, Refused
from core.http import once, personal, repeatable
from kiosk.areas import card_start, slip_area
from kiosk.session import at_kiosk, device
from kiosk.views.identify import known
from kiosk.views.root import blueprint
from people.models import Resident
from people.services import throttles
from people.services.cards import resident_of_code

MANY = 60


def _read(code: str) -> tuple[str, str]:
    """Kind and code, or a refusal that counts against whoever tries codes."""
    who = f"code:{request.remote_addr}"
    if throttles.blocked_until(who):
        raise Refused(
            "codes_paused", _("先停一停"), _("试的次数多了，15分钟后再来，或找工作人员。"), status=429
        )
    found = read_code(code)
    if found is None:
        throttles.count_wrong({who: MANY})
        if is_cut(code):
            raise NotFound(_("这个码没有扫全"), _("请把整个码对准，再扫一次，或找工作人员。"))
        raise NotFound(_("这个码我们认不出"), _("它不是我们中心的。请再看看，或找工作人员。"))
    return found


@blueprint.get("/q/<code>")
@blueprint.get("/q/<code>/<page>")
def show_code(code: str, page: str = "") -> Response:
    """What a code stands for. A card's shows nothing about the person. page: a further page of the area's own."""
    kind, whole = _read(code)
    if kind == "K":
        resident_of_code(whole)
        return personal(render_template("kiosk/card.html", act_url=f"/q/{whole}/card"))
    area = slip_area(kind)
    if area is None or area.slip is None:
        raise NotFound(_("这个码我们认不出"))
    return personal(area.slip(whole, page))


@blueprint.post("/q/<code>/card")
@repeatable
def use_card(code: str) -> Response:
    """«用这张卡办事» on a phone (or a kiosk that was shown the address): known by card. A phone goes straight to what
    most people's cards are for."""
    kind, whole = _read(code)
    if kind != "K":
        raise NotFound(_("这个码我们认不出"))
    resident = resident_of_code(whole)
    centre = _centre_for(resident)
    home = f"/c/{centre.code}/"
    onward = f"{home}my/" if at_kiosk() else card_start(centre.id) or home
    return known(centre, resident, "card", onward)


@blueprint.post("/q/<code>/<verb>")
@once
def act_on_code(code: str, verb: str) -> Any:
    """Acts on the one thing a slip stands for."""
    kind, whole = _read(code)
    area = slip_area(kind)
    if area is None or area.slip_act is None:
        raise NotFound(_("这个码我们认不出"))
    return area.slip_act(whole, verb)


def _centre_for(resident: Resident) -> Centre:
    kiosk = device()
    if kiosk is not None:
        return kiosk.centre
    home = db.session.get(Centre, resident.home_centre_id) if resident.home_centre_id else None
    return home or centres()[0]
