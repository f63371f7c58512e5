"""长期订餐 for a resident at the desk: begun, noted, ended, a day left out. The log says who did it for them."""

from datetime import timedelta
from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _

from canteen import queries
from canteen.desk.root import base, blueprint, load_canteen
from canteen.forms import parse_day
from canteen.gateways import gateway
from canteen.models import Canteen, StandingOrder
from canteen.rules import MEALS as MEAL_CODES
from canteen.services import standing as verbs
from canteen.services.order import diet_of
from canteen.words import ALLERGENS, MEALS, TEXTURES, WISHES, standing_words
from centres.models import Centre
from core.clock import day_bounds, local_day, now
from core.errors import NotFound
from core.http import once, personal, row_number, see_other
from core.words import SHORT_WEEKDAYS, full_day
from people.access import actor, open_record, require, resident_or_refuse
from people.models import Resident
from people.rules import DESK

DAYS_AHEAD = timedelta(days=14)


@blueprint.get("/standing/<int:resident_id>")
@require(DESK)
def standing(centre: Centre, resident_id: int) -> Response:
    """What runs, with its days to come, and the form for a new one."""
    canteen = load_canteen(centre)
    person = open_record(centre, resident_id, DESK)
    url = f"{base(centre)}/standing/{person.id}"
    return personal(
        render_template(
            "canteen/desk_standing.html",
            person=person,
            rows=_rows(centre, canteen, person, url),
            most_note=verbs.MOST_NOTE,
            meals=[(one, str(MEALS[one])) for one in MEAL_CODES if queries.weekdays(canteen.id, one)],
            days=_weekdays(canteen),
            textures=[(code, str(word)) for code, word in TEXTURES.items()],
            texture=diet_of(person.id).texture,
            wishes=[(code, str(word)) for code, word in WISHES.items()],
            allergens=[(code, str(word)) for code, word in ALLERGENS.items()],
            may_deliver=person.building_id is not None,
            account_ok=gateway("account").why_not(canteen, person.id, 0) is None,
            active=person.lifecycle == "active",
            start_url=url,
            order_url=f"{base(centre)}/orders/new?resident={person.id}",
            person_url=f"/staff/c/{centre.code}/people/{person.id}#help",
        )
    )


def _weekdays(canteen: Canteen) -> list[tuple[int, str, bool]]:
    """Weekdays on which anything is served; those of work are proposed."""
    served = {day for meal in MEAL_CODES for day in queries.weekdays(canteen.id, meal)}
    return [(day, str(SHORT_WEEKDAYS[day]), day < 5) for day in sorted(served)]


def _rows(centre: Centre, canteen: Canteen, person: Resident, url: str) -> list[dict[str, Any]]:
    moment = now()
    today = local_day(moment, centre.zone)
    until = day_bounds(today + DAYS_AHEAD, centre.zone)[0]
    coming = queries.coming(person.id, canteen, moment, until)
    return [
        {
            "id": row.id,
            "meal": MEALS[row.meal],
            "words": standing_words(row),
            "note": row.note or "",
            "url": f"{url}/{row.id}",
            "days": [
                {
                    "day": one.serving.day,
                    "label": full_day(one.serving.day, today),
                    "skipped": one.skipped,
                    "by": queries.skip_words(one),
                    "url": f"{url}/{row.id}/{'eat' if one.skipped else 'skip'}",
                }
                for one in coming
                if one.standing.id == row.id
            ],
        }
        for row in queries.standing_orders(person.id, canteen.id)
    ]


@blueprint.post("/standing/<int:resident_id>")
@require(DESK)
@once
def start_standing(centre: Centre, resident_id: int) -> Response:
    """A new one; the one before for the same meal ends with it."""
    canteen = load_canteen(centre)
    person, form = resident_or_refuse(resident_id, DESK), request.form
    served = queries.weekdays(canteen.id, form.get("meal", ""))
    row = verbs.start(
        actor(),
        person.id,
        canteen.id,
        form.get("meal", ""),
        [day for day in form.getlist("day", row_number) if day in served],
        gateway_name=gateway(form.get("gateway", "counter")).name,
        labels=form.getlist("label"),
        avoid=form.getlist("avoid"),
        texture=form.get("texture", "regular"),
        delivery=form.get("delivery") == "1",
    )
    if form.get("note", "").strip():
        verbs.set_note(actor(), row.id, form["note"])
    return see_other(f"{base(centre)}/standing/{person.id}")


@blueprint.post("/standing/<int:resident_id>/<int:standing_id>/<verb>")
@require(DESK)
@once
def act_on_standing(centre: Centre, resident_id: int, standing_id: int, verb: str) -> Response:
    """A day left out or eaten after all, until its cutoff; the note to the kitchen; the end."""
    canteen, form = load_canteen(centre), request.form
    row = _own(canteen, resident_or_refuse(resident_id, DESK), standing_id)
    match verb:
        case "skip" | "eat":
            day = parse_day(form.get("day", ""))
            (verbs.skip if verb == "skip" else verbs.unskip)(actor(), row.id, day)
        case "note":
            verbs.set_note(actor(), row.id, form.get("note", ""))
        case "end":
            verbs.stop(actor(), row.id)
        case _:
            raise NotFound(_("这一页没有找到"))
    return see_other(f"{base(centre)}/standing/{resident_id}")


def _own(canteen: Canteen, person: Resident, standing_id: int) -> StandingOrder:
    rows = queries.standing_orders(person.id, canteen.id)
    found = next((one for one in rows if one.id == standing_id), None)
    if found is None:
        raise NotFound(_("没有找到这个长期订餐"), _("可能已经停了，请刷新再看看。"))
    return found
