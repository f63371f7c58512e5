"""Who is it: by card, by phone number and PIN; agreeing and choosing a PIN the first time."""

from typing import Any

from flask import Response, render_template, request, session
from flask_babel import gettext as _

from centres.models import Centre
from centres.queries import district_of
from core.codes import read_code
from core.crypto import blind
from core.database import db, unit_of_work
from core.errors import Alternative, Refused
from core.http import once, own_path, personal, repeatable, see_other, with_next
from core.words import sentences
from kiosk import services
from kiosk.forms import digits, month_and_day
from kiosk.models import Device, Visit
from kiosk.session import (
    actor,
    at_kiosk,
    device,
    keep_phone,
    known_visit,
    load_centre,
    need_device,
    need_visit,
    renew_visit,
    use_card_settings,
    visit,
)
from kiosk.views.root import blueprint
from people.models import Resident
from people.phones import parse_phone
from people.rules import SCAN_TRIES
from people.services import throttles
from people.services.cards import resident_of_code, resident_of_number
from people.services.identify import BirthdayNeeded, by_index, check_pin, kiosk_tries, known_index
from people.services.residents import check_strength, consents, give_consent, may_set_pin, set_pin


def identify_url(centre: Centre, back_to: str) -> str:
    """Where to send somebody whom we must know first; they come back to `back_to`."""
    return with_next(f"/c/{centre.code}/identify/", back_to)


def _next(centre: Centre) -> str:
    return own_path(request.values.get("next"), f"/c/{centre.code}/my/")


def _home(centre: Centre) -> str:
    return "/kiosk/" if at_kiosk() else f"/c/{centre.code}/"


@blueprint.get("/c/<code>/identify/")
def identify(code: str) -> Any:
    """«请刷卡», and the other ways."""
    centre = load_centre(code)
    onward = _next(centre)
    if known_visit() is not None:
        return see_other(onward)
    return render_template(
        "kiosk/identify.html",
        scan_next=onward,
        phone_url=with_next(f"/c/{code}/identify/phone", onward),
        back_url=_home(centre),
    )


@blueprint.post("/kiosk/scan")
@repeatable
def scan() -> Response:
    """What the scanner typed: a card identifies, a slip opens, a linked card's number identifies."""
    kiosk = need_device()
    payload = request.form.get("payload", "")[:200]
    onward = own_path(request.form.get("next"), f"/c/{kiosk.centre.code}/my/")
    read = read_code(payload)
    if read is not None and read[0] != "K":
        return see_other(f"/q/{read[1]}")
    if read is not None:
        return known(kiosk.centre, resident_of_code(read[1]), "card", onward)
    return _known_by_number(kiosk, payload, onward)


def _known_by_number(kiosk: Device, number: str, onward: str) -> Response:
    """By a linked card. Its number can be guessed: a scan counts before it is looked up, and is taken back if it was
    right. Codes of ours cannot, and go on working at a kiosk where numbers are paused."""
    source = f"scan:{kiosk.id}"
    if throttles.begin_try(source, SCAN_TRIES, {}):
        raise Refused(
            "scan_paused",
            _("这台机器先不认卡号"),
            _("认不出的码有点多，15分钟后再试。现在请找工作人员，或用手机号。"),
            status=429,
            alternatives=[_by_phone(kiosk.centre, onward)],
        )
    resident = resident_of_number(number, "kiosk")
    if resident is None:
        raise Refused(
            "scan_unknown",
            _("这个码认不出"),
            _("请扫本中心的卡或小票。扫不出也不要紧，可以用手机号。"),
            status=422,
            alternatives=[_by_phone(kiosk.centre, onward)],
        )
    response = known(kiosk.centre, resident, "card", onward)
    throttles.take_back({source: SCAN_TRIES})
    return response


def _by_phone(centre: Centre, onward: str) -> Alternative:
    return Alternative(_("用手机号"), with_next(f"/c/{centre.code}/identify/phone", onward))


def known(centre: Centre, resident: Resident, level: str, onward: str) -> Response:
    """The person is `resident`: begin or go on with their visit, then agree, choose a PIN, or go on to `onward`."""
    if resident.district_id != district_of(centre.id):
        raise Refused("other_district", _("这张卡是别的区的"), _("请找工作人员，我们帮您看看。"), status=403)
    with unit_of_work():
        found = visit()
        somebody_else = found is not None and found.resident_id not in (None, resident.id)
        found = renew_visit(centre) if somebody_else else need_visit(centre)
        services.know(found.id, resident.id, level)
    db.session.refresh(found)
    use_card_settings()
    first = f"/c/{centre.code}/identify"
    if at_kiosk() and "profile" not in consents(resident.id):
        return see_other(with_next(f"{first}/consent", onward))
    if at_kiosk() and may_set_pin(resident):
        return see_other(with_next(f"{first}/new-pin", onward))
    return see_other(onward)


def _pad(centre: Centre, page: str, refusal: Refused | None = None) -> Response:
    """A page with a digit pad; after a refusal the same page with the sentence at the field, status 422."""
    onward = _next(centre)
    url = f"/c/{centre.code}/identify"
    shown = {"phone": "phone_number", "pin": "pin", "birthday": "birthday", "new-pin": "new_pin"}[page]
    error = sentences(refusal.title, refusal.text) if refusal else None
    html = render_template(
        f"kiosk/{shown}.html",
        action_url=with_next(f"{url}/{page}", onward),
        error=error,
        first="new_pin" in session,
        here=with_next(f"{url}/{page}", onward),
        back_url=with_next(url + ("/" if page in {"phone", "new-pin"} else "/phone"), onward),
    )
    response = personal(html)
    response.status_code = refusal.status if refusal else 200
    return response


@blueprint.get("/c/<code>/identify/phone")
def phone_number(code: str) -> Response:
    """Asks for the phone number."""
    return _pad(load_centre(code), "phone")


@blueprint.post("/c/<code>/identify/phone")
@repeatable
def take_phone_number(code: str) -> Response:
    """Keeps the number's blind index in the visit and asks for the PIN, whether we know the number or not."""
    centre = load_centre(code)
    try:
        phone = parse_phone(request.form.get("phone", ""))
    except Refused as refusal:
        return _pad(centre, "phone", refusal)
    with unit_of_work():
        found = renew_visit(centre) if known_visit() else need_visit(centre)
        row = db.session.get_one(Visit, found.id, with_for_update=True, populate_existing=True)
        row.phone_index = known_index(phone, district_of(centre.id))
    session.pop("birthday", None)
    return see_other(with_next(f"/c/{code}/identify/pin", _next(centre)))


@blueprint.get("/c/<code>/identify/pin")
def pin_page(code: str) -> Response:
    """Asks for the PIN: of the number that was typed, or of whose card it is."""
    centre = load_centre(code)
    if not _may_be_asked(visit()):
        return see_other(with_next(f"/c/{code}/identify/phone", _next(centre)))
    return _pad(centre, "pin")


def _may_be_asked(found: Visit | None) -> bool:
    return found is not None and (found.phone_index is not None or found.resident_id is not None)


@blueprint.get("/c/<code>/identify/birthday")
def birthday_page(code: str) -> Response:
    """Two persons share the number and the PIN: asks for the birth day, then once more for the PIN."""
    return _pad(load_centre(code), "birthday")


@blueprint.post("/c/<code>/identify/birthday")
@repeatable
def take_birthday(code: str) -> Response:
    """Keeps the birth day until the PIN comes again."""
    centre = load_centre(code)
    try:
        month, day = month_and_day(request.form.get("birthday", ""))
    except Refused as refusal:
        return _pad(centre, "birthday", refusal)
    session["birthday"] = f"{month:02d}{day:02d}"
    return see_other(with_next(f"/c/{code}/identify/pin", _next(centre)))


@blueprint.post("/c/<code>/identify/pin")
@repeatable
def take_pin(code: str) -> Response:
    """Checks the PIN. The hashing happens outside any transaction."""
    centre = load_centre(code)
    onward = _next(centre)
    found = visit()
    if found is None or not _may_be_asked(found):
        return see_other(with_next(f"/c/{code}/identify/phone", onward))
    kiosk = device()
    source = f"device:{kiosk.id}" if kiosk else f"address:{request.remote_addr}"
    asked = session.get("birthday")
    try:
        typed = digits(request.form.get("pin", ""), 4, 6)
        candidates = _meant(found, centre)
        resident = check_pin(
            candidates,
            typed,
            source,
            centre.zone,
            month_and_day(asked) if asked else None,
            tries=kiosk_tries(centre),
        )
    except BirthdayNeeded:
        return see_other(with_next(f"/c/{code}/identify/birthday", onward))
    except Refused as refusal:
        return _pad(centre, "pin", refusal)
    session.pop("birthday", None)
    response = known(centre, resident, "pin", onward)
    return response if kiosk else keep_phone(response, services.confirm_phone(resident.id))


def _meant(found: Visit, centre: Centre) -> list[Resident]:
    """Everybody whose PIN it could be. Who has a card and no telephone gives the PIN after the card."""
    if found.phone_index is not None:
        return by_index(found.phone_index, district_of(centre.id))
    return [found.resident] if found.resident is not None and found.resident.lifecycle == "active" else []


@blueprint.get("/c/<code>/identify/consent")
def consent_page(code: str) -> Any:
    """What we keep and why, in plain words, before anything else."""
    centre = load_centre(code)
    if known_visit() is None:
        return see_other(identify_url(centre, _next(centre)))
    return personal(
        render_template(
            "kiosk/consent.html", action_url=with_next(f"/c/{code}/identify/consent", _next(centre))
        )
    )


@blueprint.post("/c/<code>/identify/consent")
@once
def agree(code: str) -> Response:
    """Agreed; the settings on the card are asked for apart."""
    centre = load_centre(code)
    found = known_visit()
    if found is None or found.resident is None:
        return see_other(identify_url(centre, _next(centre)))
    kinds = {"profile"} | ({"settings"} if request.form.get("settings") else set())
    give_consent(actor(), found.resident.id, kinds, "kiosk" if at_kiosk() else "phone")
    if may_set_pin(found.resident):
        return see_other(with_next(f"/c/{code}/identify/new-pin", _next(centre)))
    return see_other(_next(centre))


@blueprint.get("/c/<code>/identify/new-pin")
def new_pin_page(code: str) -> Response:
    """Asks for a new PIN, twice."""
    centre = load_centre(code)
    found = known_visit()
    if found is None or not _may_choose(found):
        return see_other(_next(centre))
    return _pad(centre, "new-pin")


@blueprint.post("/c/<code>/identify/new-pin")
@repeatable
def take_new_pin(code: str) -> Response:
    """Sets the PIN where staff opened it, or where the person gave the old one in this visit."""
    centre = load_centre(code)
    found = known_visit()
    if found is None or found.resident is None or not _may_choose(found):
        raise Refused("pin_closed", _("现在不能改密码"), _("请找工作人员开一下，几分钟就好。"), status=403)
    resident_id = found.resident.id
    try:
        typed = digits(request.form.get("pin", ""), 4, 6)
        before = session.pop("new_pin", None)
        if before is None:
            check_strength(typed, found.resident.born)
            session["new_pin"] = blind(typed, f"visit.{found.id}").hex()
            return see_other(with_next(f"/c/{code}/identify/new-pin", _next(centre)))
        if before != blind(typed, f"visit.{found.id}").hex():
            raise Refused("pin_differs", _("两次输的不一样"), _("请从头再来，两次要一样。"), status=422)
        set_pin(actor(), resident_id, typed, found.id)
    except Refused as refusal:
        return _pad(centre, "new-pin", refusal)
    with unit_of_work():
        services.know(found.id, resident_id, "pin")
    return see_other(_next(centre))


def _may_choose(found: Visit) -> bool:
    return found.resident is not None and (
        found.level == "pin" or (at_kiosk() and may_set_pin(found.resident))
    )
