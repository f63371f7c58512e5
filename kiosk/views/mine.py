"""«我的»: one's own day, and what one agreed to."""

from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _

from core.clock import day_bounds, local_day, now
from core.errors import Alternative, Refused
from core.http import once, personal, see_other, with_next
from core.http import sheets as web_sheets
from core.http.paging import paging
from kiosk import areas, services
from kiosk.models import Visit
from kiosk.own_copy import workbook
from kiosk.rules import settings_of
from kiosk.session import actor, at_kiosk, known_visit, load_centre, prefs
from kiosk.views.identify import identify_url
from kiosk.views.root import blueprint
from people.services.residents import CONSENTS, consents, keep_settings, withdraw_consent

ROWS = 4, 3, 2, 2


@blueprint.get("/c/<code>/my/")
def my_day(code: str) -> Any:
    """Today and tomorrow; with the PIN the next 30 days."""
    centre = load_centre(code)
    found = known_visit()
    if found is None or found.resident_id is None:
        return see_other(identify_url(centre, f"/c/{code}/my/"))
    start = day_bounds(local_day(now(), centre.zone), centre.zone)[0]
    items = areas.my_day(found.resident_id, start, 30 if found.level == "pin" else 2)
    held_out = areas.proposals(found.resident_id, centre.id)
    pages = paging(len(items), _rows(bool(held_out)), lambda n: f"/c/{code}/my/?page={n}")
    return personal(
        render_template(
            "kiosk/my_day.html",
            things=pages.of(items),
            proposals=held_out,
            paging=pages,
            own_url=f"/c/{code}/my/consents",
            book_url=f"/c/{code}/booking/",
            back_url="/kiosk/" if at_kiosk() else f"/c/{code}/",
        )
    )


@blueprint.get("/c/<code>/my/consents")
def my_consents(code: str) -> Any:
    """What one agreed to; each can be taken back. Only with the PIN."""
    centre = load_centre(code)
    found = known_visit()
    if found is None or found.resident_id is None or found.level != "pin":
        return see_other(f"/c/{code}/identify/pin?next=/c/{centre.code}/my/consents")
    given, url = consents(found.resident_id), f"/c/{code}/my/consents"
    rows: list[dict[str, Any]] = [
        {"keeps": True, "label": _("大字、颜色、语言"), "as_now": "settings" in given and _as_now(found)}
    ]
    rows += [{"kind": kind, "label": str(words)} for kind, words in CONSENTS.items() if kind in given]
    rows.append({"phones": "1", "label": _("认得您的手机")})
    if not at_kiosk():  # which keeps no files
        rows.append({"copy_url": f"/c/{code}/my/copy", "label": _("您的全部资料")})
    pages = paging(len(rows), _rows(), lambda n: f"{url}?page={n}")
    return personal(
        render_template(
            "kiosk/consents.html",
            rows=pages.of(rows),
            paging=pages,
            act_url=url,
            pin_url=with_next(f"/c/{code}/identify/new-pin", url),
            back_url=f"/c/{code}/my/",
        )
    )


@blueprint.get("/c/<code>/my/copy")
def my_copy(code: str) -> Any:
    """Everything that is kept about whoever asks with their PIN, as a workbook for their phone."""
    centre = load_centre(code)
    found = known_visit()
    if found is None or found.resident_id is None or found.level != "pin":
        return see_other(f"/c/{code}/identify/pin?next=/c/{centre.code}/my/consents")
    if at_kiosk():
        raise Refused(
            "phone_only",
            _("一体机上存不了文件"),
            _("用您的手机打开这一页，或请工作人员给您一份。"),
            status=403,
            alternatives=[Alternative(_("回上一页"), f"/c/{code}/my/consents")],
        )
    return personal(web_sheets.answer(workbook(actor(), found.resident_id, centre), f"my-copy-{code}"))


def _rows(more: bool = False) -> int:
    """So many on a page: fewer where letters are large, where buttons stay in the lower half, or where there is more
    below them."""
    if not at_kiosk():
        return ROWS[0]
    return ROWS[(prefs()["reach"] == "low") + (prefs()["text"] == "elder") + more]


def _as_now(found: Visit) -> bool:
    """Whether their card carries already how this screen is set."""
    person = found.resident
    return person is not None and (
        _settings_now().items() <= person.settings.items() and person.language == prefs()["lang"]
    )


def _settings_now() -> dict[str, object]:
    """How this screen is set; a phone has no buttons that could be lower."""
    now_set = settings_of(prefs())
    return now_set if at_kiosk() else {name: now_set[name] for name in now_set if name != "lower_half"}


@blueprint.post("/c/<code>/my/consents")
@once
def take_back(code: str) -> Response:
    """Take one consent back, have all phones forget, or have the card carry how this screen is set now."""
    load_centre(code)
    found = known_visit()
    if found is None or found.resident_id is None or found.level != "pin":
        raise Refused("pin_needed", _("请先输密码"), status=403)
    if request.form.get("phones"):
        services.remove_phones(actor(), found.resident_id, found.id)
    elif request.form.get("keeps"):
        keep_settings(
            actor(),
            found.resident_id,
            _settings_now(),
            prefs()["lang"],
            "kiosk" if at_kiosk() else "phone",
        )
    else:
        withdraw_consent(actor(), found.resident_id, request.form.get("kind", ""))
    return see_other(f"/c/{code}/my/consents")
