"""Kiosks: pair, reload, wipe, revoke; their printers."""

from typing import Any

from flask import Response, current_app, render_template, request
from flask_babel import gettext as _

from centres.models import Centre
from core.errors import NotFound
from core.http import once, see_other, shown_once
from core.words import clock_words
from kiosk import services
from kiosk.models import Device
from kiosk.queries import devices as device_lines
from kiosk.queries import notice_words
from kiosk.services.notices import READY, end_notice, show_notice
from kiosk.services.printing import set_printer, try_printer
from people.access import actor, grants_roles, require, signed_in
from people.rules import DESK, MANAGERS
from staff.views.root import blueprint


@blueprint.get("/c/<centre>/devices")
@require(DESK)
def devices(centre: Centre) -> Any:
    """The kiosks of a centre and how they are."""
    rows = [
        {
            "id": line.device.id,
            "name": line.device.name,
            "state": {"ok": "ok", "late": "warn", "lost": "err"}[line.state],
            "words": {
                "ok": _("正常"),
                "late": _("没有回应"),
                "lost": _("离线 %(n)s 分钟", n=line.silent_minutes),
            }[line.state],
            "seen": clock_words(line.device.seen_at, centre.zone),
            "report": line.device.report or {},
            "order": line.device.order,
            "notice": notice_words(line.device),
            "notice_until": clock_words(line.device.notice_until, centre.zone)
            if line.device.notice_until
            else "",
            "printer": line.device.printer or "",
            "paper_mm": line.device.paper_mm,
            "paper": printer_words(line.device),
            "asked": clock_words(line.device.printer_seen_at, centre.zone)
            if line.device.printer_seen_at
            else "",
            "url": f"/staff/c/{centre.code}/devices/{line.device.id}",
        }
        for line in device_lines(centre.id)
    ]
    return render_template(
        "staff/devices.html",
        rows=rows,
        pair_url=f"/staff/c/{centre.code}/devices/pair",
        ready=list(READY.items()),
        build=current_app.config["BUILD"],
        may_set=bool(MANAGERS & grants_roles(signed_in(), centre.id)),
    )


def printer_words(device: Device) -> tuple[str, str]:
    """How a kiosk's printer is: the colour of a tag and its words."""
    if device.printer is None:
        return "plain", _("没有打印机")
    return {
        None: ("plain", _("还没问过")),
        "ok": ("ok", _("正常")),
        "low": ("warn", _("纸快用完")),
        "no_paper": ("err", _("没纸了")),
        "away": ("err", _("连不上")),
    }[device.printer_state]


def _device(centre: Centre, device_id: int) -> Device:
    found = next((line.device for line in device_lines(centre.id) if line.device.id == device_id), None)
    if found is None:
        raise NotFound(_("没有找到这台设备"))
    return found


@blueprint.post("/c/<centre>/devices/pair")
@require(MANAGERS | {"front_desk"})
@once
def pair(centre: Centre) -> Response:
    """A one-time code for a new kiosk, shown this once."""
    code = services.make_pairing_code(actor(), centre.id, request.form.get("name", ""))
    link = f"{current_app.config['PUBLIC_URL']}/kiosk/pair?code={code}"
    back = f"/staff/c/{centre.code}/devices"
    return shown_once(render_template("staff/pairing.html", code=code, link=link, back_url=back), back)


@blueprint.post("/c/<centre>/devices/<int:device_id>/<verb>")
@require(MANAGERS | {"front_desk"})
@once
def act_on_device(centre: Centre, device_id: int, verb: str) -> Response:
    """Reload, wipe, silence or revoke a kiosk of this centre, or have its printer print something."""
    device = _device(centre, device_id)
    if verb == "revoke":
        services.revoke_device(actor(), device)
    elif verb == "paper":
        try_printer(actor(), device, f"{current_app.config['PUBLIC_URL']}/")
    elif verb == "quiet":
        end_notice(actor(), device)
    else:
        services.order_device(actor(), device, verb)
    return see_other(f"/staff/c/{centre.code}/devices")


@blueprint.post("/c/<centre>/devices/<int:device_id>/notice")
@require(MANAGERS | {"front_desk"})
@once
def say_on_device(centre: Centre, device_id: int) -> Response:
    """A sentence for whoever stands before a kiosk."""
    form = request.form
    show_notice(actor(), _device(centre, device_id), form.get("ready", ""), form.get("own", ""))
    return see_other(f"/staff/c/{centre.code}/devices")


@blueprint.post("/c/<centre>/devices/<int:device_id>/printer")
@require(MANAGERS)
@once
def set_device_printer(centre: Centre, device_id: int) -> Response:
    """Where the printer beside a kiosk stands, and how wide its paper is."""
    mm = request.form.get("paper_mm", "")
    set_printer(
        actor(),
        _device(centre, device_id),
        request.form.get("printer", ""),
        int(mm) if mm in {"58", "80"} else 0,
    )
    return see_other(f"/staff/c/{centre.code}/devices")
