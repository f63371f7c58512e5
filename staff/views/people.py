"""Residents at the desk: find, take in, cards, PIN, consents."""

from datetime import date
from typing import Any

from flask import Response, current_app, render_template, request
from flask_babel import gettext as _

from centres.models import Centre
from centres.queries import district_of
from core.clock import local_day, now
from core.errors import Refused
from core.http import once, own_path, personal, repeatable, row_number, see_other, shown_once, with_next
from core.http import sheets as web_sheets
from core.i18n import DEFAULT, LANGUAGES
from core.qr import qr_svg
from core.words import masked
from kiosk import areas, own_copy
from kiosk.services import remove_phones
from people.access import actor, open_record, require, resident_or_refuse
from people.models import FamilyLink
from people.phones import parse_phone
from people.queries import find_residents, live_cards, live_consents
from people.rules import DESK, age_on
from people.services import cards, family, findings, residents
from people.services.merge import merged_names
from staff.views.findings import living_said, shown
from staff.views.root import blueprint


@blueprint.get("/c/<centre>/people/")
@require(DESK)
def find(centre: Centre) -> Response:
    """Find somebody by name, card number or phone; take them in where they are new."""
    words = request.args.get("q", "")
    back = own_path(request.args.get("back"), "")
    base = f"/staff/c/{centre.code}/people"
    rows = [
        {
            "name": masked(person.name),
            "tail": person.phone_tail,
            "url": f"{back}?resident={person.id}" if back else f"{base}/{person.id}",
        }
        for person in find_residents(words, [district_of(centre.id)])
    ]
    return personal(
        render_template(
            "staff/people.html",
            words=words,
            rows=rows,
            back=back,
            new_url=with_next(f"{base}/new", back),
            register_url=None if back else f"/staff/c/{centre.code}/register",
        )
    )


@blueprint.get("/c/<centre>/people/new")
@require(DESK)
def new(centre: Centre) -> Response:
    """The form: name, birth date, phone or none."""
    return personal(
        render_template("staff/person_new.html", next=own_path(request.args.get("next"), ""), centre=centre)
    )


@blueprint.post("/c/<centre>/people/new")
@require(DESK)
@once
def take_in(centre: Centre) -> Response:
    """Take a person in; consent and PIN follow at the kiosk or here."""
    form = request.form
    phone = form.get("phone", "").strip()
    person = residents.register(
        actor(),
        district_id=district_of(centre.id),
        home_centre_id=centre.id,
        name=form.get("name", ""),
        born=_date(form.get("born", "")),
        phone=parse_phone(phone) if phone else None,
        email=_email(form.get("email", "")),
        language=form["language"] if form.get("language") in LANGUAGES else DEFAULT,
    )
    back = own_path(form.get("next"), "")
    if back:
        return see_other(f"{back}?resident={person.id}")
    return see_other(f"/staff/c/{centre.code}/people/{person.id}")


def _date(text: str) -> date:
    cleaned = "".join(sign for sign in text if sign.isdigit())
    try:
        return date(int(cleaned[:4]), int(cleaned[4:6]), int(cleaned[6:8]))
    except ValueError:
        raise Refused(
            "born_odd", _("出生日期请再看看"), _("年、月、日，比如 1948-06-12。"), status=422
        ) from None


def _email(text: str) -> str | None:
    text = text.strip()
    if text and ("@" not in text or len(text) > 120 or any(sign.isspace() for sign in text)):
        raise Refused("email_odd", _("邮箱请再看看"), _("没有邮箱，空着就行。"), status=422)
    return text or None


@blueprint.get("/c/<centre>/people/<int:resident_id>")
@require(DESK)
def person(centre: Centre, resident_id: int) -> Response:
    """One resident's record; reading it is audited. One that was merged leads to the one that stays."""
    found = resident_or_refuse(resident_id, DESK)
    if found.merged_into_id is not None:
        return see_other(f"/staff/c/{centre.code}/people/{found.merged_into_id}")
    found = open_record(centre, resident_id, DESK)
    base = f"/staff/c/{centre.code}/people/{resident_id}"
    return personal(
        render_template(
            "staff/person.html",
            person=found,
            age=age_on(found.born, local_day(now(), centre.zone)),
            cards=live_cards(resident_id),
            given={row.kind: row for row in live_consents(resident_id)},
            has_pin=found.pin_hash is not None,
            pin_open=residents.may_set_pin(found),
            items=areas.my_day(resident_id, now(), 30),
            act_url=base,
            consent_version=residents.CONSENT_VERSION,
            once_called=[name for name in merged_names(resident_id) if name != found.name],
            help=shown(centre, found),
            family=[_relative(link, found.id) for link in family.links_of(found.id)],
        )
    )


def _relative(link: FamilyLink, person_id: int) -> dict[str, Any]:
    """The other side of a family link, with a masked name: this page is about one person only."""
    elder = link.elder_id == person_id
    other = link.proxy if elder else link.elder
    words = _("能帮着订餐") if elder else _("帮着这位订餐")
    return {
        "id": link.id,
        "name": masked(other.name),
        "what": words if link.state == "active" else _("问过了，还没答应"),
    }


@blueprint.get("/c/<centre>/people/<int:resident_id>/copy")
@require(DESK)
def person_copy(centre: Centre, resident_id: int) -> Response:
    """«给本人一份资料»: everything that is kept about them, as a workbook."""
    found = resident_or_refuse(resident_id, DESK)
    copy = own_copy.workbook(actor(), found.id, centre)
    return personal(web_sheets.answer(copy, f"copy-{resident_id}"))


@blueprint.post("/c/<centre>/people/<int:resident_id>/card")
@require(DESK)
@once
def issue_card(centre: Centre, resident_id: int) -> Response:
    """Print a card; the one before stops working. The code is on this sheet and nowhere else."""
    found = resident_or_refuse(resident_id, DESK)
    card, code = cards.issue_card(actor(), found.id)
    back = f"/staff/c/{centre.code}/people/{resident_id}"
    qr = qr_svg(f"{current_app.config['PUBLIC_URL']}/q/{code}")
    return shown_once(
        render_template("staff/card_sheet.html", person=found, card=card, qr=qr, back_url=back), back
    )


@blueprint.post("/c/<centre>/people/<int:resident_id>/pin")
@require(DESK)
@repeatable
def desk_pin(centre: Centre, resident_id: int) -> Response:
    """The PIN typed on the desk's digit pad by the resident. Setting the same one again changes nothing."""
    found = resident_or_refuse(resident_id, DESK)
    if request.form.get("pin", "") != request.form.get("again", ""):
        raise Refused("pin_differs", _("两次输的不一样"), _("请再来一次，两次要一样。"), status=422)
    residents.set_pin(actor(), found.id, request.form.get("pin", ""))
    return see_other(f"/staff/c/{centre.code}/people/{resident_id}")


@blueprint.post("/c/<centre>/people/<int:resident_id>/<verb>")
@require(DESK)
@once
def act_on_person(centre: Centre, resident_id: int, verb: str) -> Response:
    """Lost card, card of their own linked or ended, forgotten PIN, consents, phones, data, how they live, family."""
    found, form = resident_or_refuse(resident_id, DESK), request.form
    match verb:
        case "lost":
            cards.report_lost(actor(), found.id)
        case "link":
            cards.link_card(actor(), found.id, form.get("number", ""))
        case "unlink":
            cards.unlink_card(actor(), found.id, form.get("card", 0, row_number))
        case "open-pin":
            residents.open_pin(actor(), found.id)
        case "agree":
            residents.give_consent(
                actor(), found.id, {"profile", "settings", "messages"} & set(form.getlist("kind")), "desk"
            )
        case "withdraw":
            residents.withdraw_consent(actor(), found.id, form.get("kind", ""))
        case "phones":
            remove_phones(actor(), found.id)
        case "change":
            phone = form.get("phone", "").strip()
            residents.change(
                actor(),
                found.id,
                name=form.get("name", found.name),
                phone=parse_phone(phone) if phone else None,
                email=_email(form.get("email", "")),
                adapted=form.get("adapted") == "1",
            )
        case "living":
            findings.set_living(actor(), found.id, centre.id, living_said())
        case "family":
            family.end(actor(), found.id, form.get("link", 0, row_number))
        case _:
            raise Refused("verb_unknown", _("这一页没有找到"), status=404)
    return see_other(f"/staff/c/{centre.code}/people/{resident_id}")


@blueprint.get("/c/<centre>/search")
@require(DESK)
def search(centre: Centre) -> Response:
    """Names, cards, phones, and numbers of every area."""
    words = request.args.get("q", "").strip()
    base = f"/staff/c/{centre.code}/people"
    found: list[dict[str, Any]] = [
        {"area": "none", "title": masked(row.name), "when": row.phone_tail, "url": f"{base}/{row.id}"}
        for row in find_residents(words, [district_of(centre.id)])
    ]
    for area in areas.Areas.all:
        if area.search and words:
            found += [
                {"area": item.area, "title": item.title, "when": item.when, "url": item.url}
                for item in area.search(words, frozenset({centre.id}))
            ]
    return personal(render_template("staff/search.html", words=words, rows=found, new_url=f"{base}/new"))
