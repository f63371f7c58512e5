"""The device itself: pairing, heartbeat, preferences, calls for help, reading aloud, alive and wipe."""

import subprocess
from typing import Any

from flask import Response, current_app, jsonify, make_response, render_template, request, session
from flask_babel import gettext as _

from core.clock import now
from core.errors import Refused
from core.http import code_reader, once, own_path, repeatable, see_other
from core.logs import clean
from core.words import sentences
from kiosk import queries, services, speech
from kiosk.services.notices import end_notice
from kiosk.session import (
    actor,
    at_kiosk,
    forget,
    keep_device,
    need_device,
    prefs,
    set_prefs,
    shown_notice,
)
from kiosk.views.root import blueprint
from people.rules import KIOSK_TRIES
from people.services import throttles


def _pair_page(code: str, refusal: Refused | None = None) -> Response:
    error = sentences(refusal.title, refusal.text) if refusal else None
    centre = queries.pairing_centre(code) if code else None
    html = render_template(
        "kiosk/pair.html",
        pair_url="/kiosk/pair",
        error=error,
        code=code if centre else None,
        pair_centre=centre.name if centre else None,
    )
    return make_response(html, refusal.status if refusal else 200)


@blueprint.get("/kiosk/pair")
def pair_page() -> Response:
    """Asks an unpaired screen for the one-time code; with the code in the address one tap is enough."""
    return _pair_page(request.args.get("code", "")[:9].upper())


@blueprint.post("/kiosk/pair")
@repeatable
def pair() -> Response:
    """Turn this browser into a kiosk."""
    who = f"pair:{request.remote_addr}"
    try:
        if throttles.blocked_until(who):
            raise Refused("pairing_paused", _("先停一停"), _("试的次数多了，15分钟后再来。"), status=429)
        device, secret = services.pair(request.form.get("code", ""))
    except Refused as refusal:
        if refusal.code == "pairing_code":
            throttles.count_wrong({who: KIOSK_TRIES})
        return _pair_page("", refusal)
    session.clear()
    current_app.logger.info("paired device %s", device.id)
    return keep_device(see_other("/kiosk/"), secret)


@blueprint.post("/kiosk/heartbeat")
@repeatable
def heartbeat() -> Response:
    """The kiosk lives. Says what is ordered, and how the call for help stands."""
    device = need_device()
    try:
        said = request.get_json(silent=True)
    except RecursionError:  # thousands of brackets
        said = None
    report: dict[str, Any] = said if isinstance(said, dict) else {}
    kept = {
        key: value for key, value in report.items() if isinstance(value, int | str) and len(str(value)) < 60
    }
    order = services.beat(device, kept)
    call, printer = queries.call_words(device.id), device.printer_state
    return jsonify(order=order, call=call, message=shown_notice(), printer=printer, at=now().isoformat())


@blueprint.get("/kiosk/notice")
def notice() -> str:
    """What staff say on this screen, as the band over the mast; empty: nothing."""
    need_device()
    return render_template("kiosk/notice.html")


@blueprint.post("/kiosk/notice/seen")
@repeatable
def notice_seen() -> Any:
    """«知道了»: the band goes."""
    end_notice(actor(), need_device(), request.form.get("until", ""))
    return make_response("") if request.headers.get("HX-Request") else see_other("/kiosk/")


@blueprint.get("/kiosk/reader.js")
def reader() -> Response:
    """The script that reads codes from this kiosk's camera."""
    need_device()
    return code_reader()


@blueprint.post("/kiosk/alive")
@repeatable
def alive() -> Response:
    """«我还在»: prolongs the visit."""
    visit = queries.visit_by_token(session.get("visit", ""), need_device().id)
    if visit is not None:
        services.touch(visit, now())
    return make_response("", 204)


@blueprint.post("/kiosk/wipe")
@repeatable
def wipe() -> Response:
    """Forget the person. By script: 204, and the script leaves by `location.replace`; as a plain form: 303 home."""
    home = "/kiosk/" if at_kiosk() else own_path(request.form.get("next"), "/")
    response = forget()
    return response if request.headers.get("X-Wipe") or request.headers.get("HX-Request") else see_other(home)


@blueprint.post("/kiosk/prefs")
@repeatable
def change_prefs() -> Response:
    """Size, contrast, reach, language: until the wipe."""
    set_prefs(request.form.to_dict())
    return see_other(own_path(request.form.get("next"), "/kiosk/" if at_kiosk() else "/"))


@blueprint.get("/kiosk/display")
def display() -> str:
    """Language, contrast and wheelchair mode on one page."""
    home = "/kiosk/" if at_kiosk() else "/"
    return render_template("kiosk/display.html", back_url=own_path(request.args.get("back"), home))


@blueprint.post("/kiosk/call")
@once
def call() -> Any:
    """Somebody wants a member of staff."""
    device = need_device()
    wanted = prefs()
    page = own_path(request.headers.get("HX-Current-URL", "").partition(request.host)[2], "")
    services.call_staff(device, clean(page.partition("?")[0]), wanted["lang"], wanted["text"] == "elder")
    if request.headers.get("HX-Request"):
        return render_template("kiosk/call_state.html", call_state=queries.call_words(device.id))
    return see_other("/kiosk/")


@blueprint.post("/kiosk/call/withdraw")
@once
def withdraw_call() -> Response:
    """«不用来了»."""
    device = need_device()
    mine = next((row for row in queries.open_calls(device.centre_id) if row.device_id == device.id), None)
    if mine is not None:
        services.end_call(actor(), mine, "withdrawn")
    return see_other("/kiosk/")


@blueprint.post("/kiosk/say")
@repeatable
def say() -> Response:
    """The page's words as sound. Only for paired kiosks."""
    need_device()
    words = " ".join(request.form.get("text", "").split())[: speech.LONGEST]
    if not words:
        raise Refused("nothing_to_say", _("这一页没有要念的"), status=422)
    try:
        sound = speech.speak(words, prefs()["lang"])
    except (OSError, subprocess.SubprocessError):
        raise Refused("no_voice", _("这台机器现在念不了"), _("请找工作人员念给您听。"), status=503) from None
    response = Response(sound, mimetype="audio/wav")
    response.headers["Cache-Control"] = "no-store"
    return response
