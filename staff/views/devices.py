"""Kiosks: pair, reload, wipe, revoke."""

from typing import Any

from flask import Response, current_app, render_template, request
from flask_babel import gettext as _

from centres.models import Centre
from core.errors import NotFound
from core.http import once, see_other, shown_once
from core.words import clock_words
from kiosk import services
from kiosk.queries import devices as device_lines
from people.access import actor, require
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
            "url": f"/staff/c/{centre.code}/devices/{line.device.id}",
        }
        for line in device_lines(centre.id)
    ]
    return render_template("staff/devices.html", rows=rows, pair_url=f"/staff/c/{centre.code}/devices/pair")


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
    """Reload, wipe or revoke a kiosk of this centre."""
    device = next((line.device for line in device_lines(centre.id) if line.device.id == device_id), None)
    if device is None:
        raise NotFound(_("没有找到这台设备"))
    if verb == "revoke":
        services.revoke_device(actor(), device)
    else:
        services.order_device(actor(), device, verb)
    return see_other(f"/staff/c/{centre.code}/devices")
