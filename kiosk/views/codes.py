"""Every QR code of ours: GET shows, a POST from it acts."""

from typing import Any

from flask import Response, make_response, render_template, request
from flask_babel import gettext as _

from centres.models import Centre
from centres.queries import centres
from core.codes import is_cut, read_code
from core.database import db
from core.errors import NotFound, Refused
from core.http import once, own_path, personal, repeatable, see_other
from kiosk.areas import card_start, slip_area
from kiosk.services.printing import ask_paper
from kiosk.session import at_kiosk, device, need_device, paper_panel
from kiosk.views.identify import known
from kiosk.views.root import blueprint
from people.models import Resident
from people.services import throttles
from people.services.cards import resident_of_code

MANY, ASKS = 60, 20


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
        raise NotFound(_("这个码认不出"), _("它不是我们中心的。请再看看，或找工作人员。"))
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
        raise NotFound(_("这个码认不出"))
    return personal(area.slip(whole, page))


@blueprint.get("/q/<code>/paper")
def show_paper(code: str) -> Response:
    """How this kiosk's printer gets on with the slip of a code: a part of its page, asked for every second."""
    _kind, whole = _read(code)
    need_device()
    paper = paper_panel(whole)
    if paper and request.args.get("state") == paper["state"] and not paper["is_over"]:
        return make_response("", 204)  # as it was: nothing is changed under a finger
    return personal(render_template("kiosk/paper.html", paper=paper, here=""))


@blueprint.post("/q/<code>/paper")
@once
def print_code(code: str) -> Any:
    """Print the slip of a code at the kiosk where it is shown. nth: how often it was asked for before."""
    kind, whole = _read(code)
    area, nth = slip_area(kind), request.form.get("nth", "")
    counts = nth.isascii() and nth.isdigit() and len(nth) < 4 and int(nth) <= ASKS
    if area is None or area.paper is None or not counts:
        raise NotFound(_("这一页没有找到"))
    ask_paper(need_device(), whole, int(nth), area.paper(whole))
    here = own_path(request.form.get("next"), "/kiosk/")
    if request.headers.get("HX-Request"):
        return render_template("kiosk/paper.html", paper=paper_panel(whole), here=here)
    return see_other(here)


@blueprint.post("/q/<code>/card")
@repeatable
def use_card(code: str) -> Response:
    """«用这张卡办事» on a phone (or a kiosk that was shown the address): known by card. A phone goes straight to what
    most people's cards are for."""
    kind, whole = _read(code)
    if kind != "K":
        raise NotFound(_("这个码认不出"))
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
        raise NotFound(_("这个码认不出"))
    return area.slip_act(whole, verb)


def _centre_for(resident: Resident) -> Centre:
    kiosk = device()
    if kiosk is not None:
        return kiosk.centre
    home = db.session.get(Centre, resident.home_centre_id) if resident.home_centre_id else None
    return home or centres()[0]
