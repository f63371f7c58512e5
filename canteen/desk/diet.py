"""What a resident may not or does not wish to eat, written down at the desk: they were asked, and said yes."""

from collections.abc import Mapping
from typing import Any

from flask import Response, flash, render_template, request
from flask_babel import gettext as _

from canteen import counter_queries as queries
from canteen.desk.root import base, blueprint, load_canteen
from canteen.services.diet import MOST_WORDS, set_profile
from canteen.words import ALLERGENS, LABELS, TEXTURES
from centres.models import Centre
from core.errors import Refused
from core.http import once, personal, see_other
from people.access import actor, open_record, require, resident_or_refuse
from people.rules import DESK
from people.services.residents import consents, give_consent, withdraw_consent


@blueprint.get("/diet/<int:resident_id>")
@require(DESK)
def diet(centre: Centre, resident_id: int) -> Response:
    """What is kept, ready to be changed; before consent: what the person is to be told and asked."""
    load_canteen(centre)
    person = open_record(centre, resident_id, DESK)
    kept = queries.profile_of(person.id)
    url = f"{base(centre)}/diet/{person.id}"
    return personal(
        render_template(
            "canteen/desk_diet.html",
            person=person,
            agreed="diet" in consents(person.id),
            allergens=_boxes(ALLERGENS, kept.allergens if kept else []),
            labels=_boxes(LABELS, kept.labels if kept else []),
            textures=[(code, str(word)) for code, word in TEXTURES.items()],
            texture=kept.texture if kept else "regular",
            avoid=(kept.avoid if kept else None) or "",
            most=MOST_WORDS,
            keep_url=url,
            forget_url=f"{url}/forget" if kept else None,
            order_url=f"{base(centre)}/orders/new?resident={person.id}",
        )
    )


def _boxes(words: Mapping[str, Any], kept: list[str]) -> list[tuple[str, str, bool]]:
    return [(code, str(word), code in kept) for code, word in words.items()]


@blueprint.post("/diet/<int:resident_id>")
@require(DESK)
@once
def keep_diet(centre: Centre, resident_id: int) -> Response:
    """Kept in place of what was there. Without consent on record, staff confirm that the person has just given it."""
    load_canteen(centre)
    person, form = resident_or_refuse(resident_id, DESK), request.form
    if "diet" not in consents(person.id):
        if form.get("agreed") != "1":
            raise Refused(
                "diet_consent", _("请先当面问本人同不同意"), _("本人同意了，打上勾，我们才记。"), status=422
            )
        give_consent(actor(), person.id, {"diet"}, "desk")
    set_profile(
        actor(),
        person.id,
        allergens=form.getlist("allergen"),
        labels=form.getlist("label"),
        texture=form.get("texture", "regular"),
        avoid=form.get("avoid", ""),
    )
    flash(_("记好了。订到不能吃的会先问。"), "ok")
    return see_other(f"{base(centre)}/diet/{person.id}")


@blueprint.post("/diet/<int:resident_id>/forget")
@require(DESK)
@once
def forget_diet(centre: Centre, resident_id: int) -> Response:
    """The person takes the consent back; with it goes what was kept."""
    load_canteen(centre)
    person = resident_or_refuse(resident_id, DESK)
    withdraw_consent(actor(), person.id, "diet")
    return see_other(f"{base(centre)}/diet/{person.id}")
