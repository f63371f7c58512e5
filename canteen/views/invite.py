"""An elder invites a relative: shown as a code at the kiosk or on a phone, taken up by the relative on their own."""

from flask import Response, current_app, render_template, request
from flask_babel import gettext as _

from canteen.views.root import base, blueprint, by_pin, load_canteen
from centres.models import Centre
from centres.queries import centres
from core.clock import local_day, now
from core.codes import show_number
from core.errors import Alternative, NotFound, Refused
from core.http import once, personal, repeatable, see_other
from core.qr import qr_svg
from core.words import clock_words, near_day, sentences
from kiosk.session import actor, at_kiosk, device, show_centre
from people.models import FamilyInvitation, Resident
from people.services import invite as verbs
from people.services import throttles

INVITES, TRIES = 5, 10
"""Invitations that one elder makes, and numbers that one relative tries, in a quarter of an hour."""


def _paused(source: str, most: int) -> None:
    if throttles.begin_try(source, most, {}):
        raise Refused(
            "family_paused", _("先停一停"), _("试的次数多了，15分钟后再来，或找工作人员。"), status=429
        )


@blueprint.get("/family/invite")
def invite_page(code: str) -> Response:
    """What an invitation allows, before it is made; afterwards the code and the number."""
    centre, _canteen = load_canteen(code)
    _found, person = by_pin(centre.code)
    url, row = f"{base(centre)}/family/invite", verbs.open_invitation(person.id)
    back = f"{base(centre)}/family/"
    if row is None:
        return personal(render_template("canteen/invite.html", act_url=url, back_url=back))
    near = near_day(local_day(row.expires_at, centre.zone), local_day(now(), centre.zone))
    return personal(
        render_template(
            "canteen/invited.html",
            qr=qr_svg(f"{current_app.config['PUBLIC_URL']}/q/{row.code}"),
            number=show_number(row.number),
            until=f"{near} {clock_words(row.expires_at, centre.zone)}",
            sees=row.sees_collected,
            withdraw_url=f"{url}/withdraw",
            back_url=back,
        )
    )


@blueprint.post("/family/invite")
@once
def invite_relative(code: str) -> Response:
    """«答应，开一个邀请»."""
    centre, _canteen = load_canteen(code)
    _found, person = by_pin(centre.code)
    _paused(f"invite:{person.id}", INVITES)
    sees = request.form.get("see") == "1"
    verbs.invite(actor(), person.id, sees_collected=sees, where="kiosk" if at_kiosk() else "phone")
    return see_other(f"{base(centre)}/family/invite")


@blueprint.post("/family/invite/withdraw")
@once
def withdraw_invitation(code: str) -> Response:
    """«收回这个邀请»."""
    centre, _canteen = load_canteen(code)
    _found, person = by_pin(centre.code)
    verbs.withdraw(actor(), person.id)
    return see_other(f"{base(centre)}/family/")


@blueprint.get("/family/join")
def join_page(code: str) -> Response:
    """Asks for the number that the elder reads out."""
    centre, _canteen = load_canteen(code)
    by_pin(centre.code)
    return _join_page(centre)


def _join_page(centre: Centre, refusal: Refused | None = None) -> Response:
    url = f"{base(centre)}/family/join"
    response = personal(
        render_template(
            "canteen/join.html",
            action_url=url,
            here=url,
            error=sentences(refusal.title, refusal.text) if refusal else None,
            back_url=f"{base(centre)}/family/",
        )
    )
    response.status_code = refusal.status if refusal else 200
    return response


@blueprint.post("/family/join")
@repeatable
def join(code: str) -> Response:
    """To the page that says whom it is about; nothing is agreed to yet. Wrong numbers are counted."""
    centre, _canteen = load_canteen(code)
    _found, person = by_pin(centre.code)
    _paused(f"join:{person.id}", TRIES)
    row = verbs.by_number(request.form.get("number", ""))
    refused = verbs.why_not(row, person.id)
    if refused is not None or row is None:
        return _join_page(centre, refused)
    return see_other(f"/q/{row.code}")


# --- with the code --------------------------------------------------------------------------------------------------


def _invited(code: str) -> tuple[Centre, Resident, FamilyInvitation]:
    """Centre, who looks (known by PIN) and the invitation; or why it does not work for them."""
    row, kiosk = verbs.by_code(code), device()
    home = verbs.home_of(row) if row is not None else None
    centre = kiosk.centre if kiosk is not None else home or centres()[0]
    show_centre(centre)
    _found, person = by_pin(centre.code)
    refused = verbs.why_not(row, person.id)
    if refused is not None or row is None:
        refused = refused or NotFound(_("没有找到这个邀请"))
        refused.alternatives = [Alternative(_("看我的家人"), f"{base(centre)}/family/")]
        raise refused
    return centre, person, row


def show_invitation(code: str, _page: str) -> str:
    """What `/q/F…` shows: for whom one would order, and what that allows."""
    centre, _person, row = _invited(code)
    return render_template(
        "canteen/invitation.html",
        name=row.elder.masked_name,
        sees=row.sees_collected,
        accept_url=f"/q/{code}/accept",
        back_url=f"{base(centre)}/family/",
    )


def act_on_invitation(code: str, verb: str) -> Response:
    """«好，我来帮着订»."""
    centre, person, row = _invited(code)
    if verb != "accept":
        raise NotFound(_("这一页没有找到"))
    link = verbs.accept(actor(), person.id, row.id)
    return see_other(f"{base(centre)}/family/{link.id}/")
