"""Somebody has moved away or died: what ends with it, and what is still to be paid out to the family."""

from flask import Response, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from canteen.services import ledger
from centres.models import Centre
from core.clock import now
from core.errors import Refused
from core.http import once, personal, see_other
from core.money import yuan
from kiosk import areas
from people.access import actor, open_record, require, resident_or_refuse
from people.queries import live_cards
from people.rules import DESK
from people.services import leave as leaving
from staff.views.root import blueprint

WHYS = {"moved_away": lazy_gettext("迁走了"), "deceased": lazy_gettext("去世了")}
AHEAD = 366


@blueprint.get("/c/<centre>/people/<int:resident_id>/leave")
@require(DESK)
def leave_page(centre: Centre, resident_id: int) -> Response:
    """What will end; afterwards, what is left to do."""
    found = open_record(centre, resident_id, DESK)
    left = ledger.balance(resident_id)
    base = f"/staff/c/{centre.code}"
    return personal(
        render_template(
            "staff/leave.html",
            person=found,
            left=found.lifecycle in leaving.WHYS,
            why_words=str(WHYS.get(found.lifecycle, "")),
            whys=WHYS,
            items=areas.my_day(resident_id, now(), AHEAD) if found.lifecycle == "active" else [],
            cards=live_cards(resident_id),
            balance=yuan(left) if left else "",
            blocked=left is None and ledger.has_account(resident_id),
            money_url=f"{base}/canteen/account/{resident_id}",
            act_url=f"{base}/people/{resident_id}/leave",
            back=f"{base}/people/{resident_id}",
        )
    )


@blueprint.post("/c/<centre>/people/<int:resident_id>/leave")
@require(DESK)
@once
def leave_for_good(centre: Centre, resident_id: int) -> Response:
    """Everything to come ends, in one unit of work."""
    found = resident_or_refuse(resident_id, DESK)
    if request.form.get("sure") != "1":
        raise Refused("not_sure", _("请在“核对过了”前面打勾"), _("办了以后不能恢复。"), status=422)
    leaving.leave(actor(), found.id, request.form.get("why", ""))
    return see_other(f"/staff/c/{centre.code}/people/{resident_id}/leave")
