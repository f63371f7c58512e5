"""The canteen's front door."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from canteen import api, desk, own_copy
from canteen.desk.root import LOOK
from canteen.figures import FIGURES
from canteen.home import card_start, my_day, now_lines, places, proposals, tiles
from canteen.jobs import JOBS
from canteen.letters import KINDS
from canteen.listeners import LISTENERS
from canteen.master import MASTERS, PHOTO
from canteen.register import DIET
from canteen.rules import CanteenPolicy
from canteen.services import ledger, paid, till
from canteen.services.leave import leave
from canteen.services.ledger import wrong_sums
from canteen.services.menu_sheet import SHEET as MENUS
from canteen.services.merge import merge
from canteen.today import outside, today
from canteen.views import blueprint, board, carrier, invite
from canteen.views.one import act_on_slip, paper_of, show_slip
from core.area import Area, Check, Desk, Paper
from core.errors import NotFound


def doctor() -> list[Check]:
    """Every balance is the sum of its transfers, and what came for a month the sum of its payments."""
    wrong, months = wrong_sums(), paid.wrong_sums()
    return [
        Check(
            not wrong,
            _("账本的每个余额都对得上"),
            _(
                "账户 %(ids)s 和它的明细对不上。夜里对账时停用，停用的不能花。请先做备份、查清原因；"
                "查清了提“恢复使用”，由另一位同事批：居民的在饭卡那一页，食堂自己的在“收款和饭卡”。",
                ids=", ".join(map(str, wrong)),
            ),
        ),
        Check(
            not months,
            _("每个月的到账都对得上"),
            _("结算 %(ids)s 的到账和它的明细对不上。请先做备份、查清原因。", ids=", ".join(map(str, months))),
        ),
    ]


def show_code(code: str, page: str) -> object:
    """What a code of ours shows: an order's slip, a carrier's round, or an invitation to order for somebody."""
    if code.startswith("F"):
        return invite.show_invitation(code, page)
    return carrier.show_run(code, page) if code.startswith("R") else show_slip(code, page)


def act_on_code(code: str, verb: str) -> object:
    """A deed by such a code."""
    if code.startswith("F"):
        return invite.act_on_invitation(code, verb)
    return carrier.act_on_run(code, verb) if code.startswith("R") else act_on_slip(code, verb)


def paper(code: str) -> Paper:
    """What a kiosk prints of a code of ours: an order's slip."""
    if not code.startswith("M"):
        raise NotFound(_("这一页没有找到"))
    return paper_of(code)


AREA = Area(
    name="canteen",
    blueprints=[blueprint, board.blueprint, desk.blueprint],
    desks=[Desk("canteen", lazy_gettext("食堂"), "utensils", "canteen_desk.week", LOOK)],
    tiles=tiles,
    now=now_lines,
    card=card_start,
    places=places,
    today=today,
    outside=outside,
    my_day=my_day,
    proposals=proposals,
    slip=show_code,
    slip_act=act_on_code,
    slip_kind="MRF",
    paper=paper,
    jobs=JOBS,
    listeners=LISTENERS,
    messages=KINDS,
    api=[api.blueprint],
    merge=merge,
    leave=leave,
    export=own_copy.pages,
    doctor=doctor,
    policy=CanteenPolicy,
    approvals=[*ledger.APPROVALS, *paid.APPROVALS, *till.APPROVALS],
    masters=MASTERS,
    figures=FIGURES,
    files=[PHOTO, MENUS],
    register=[DIET],
)
