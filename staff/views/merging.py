"""Two records of one person: found, shown side by side, and put before a second member of staff."""

from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _

from canteen.counter_queries import order_numbers
from canteen.rules import CanteenPolicy
from canteen.services import corrections, ledger
from canteen.services.merge import union_of
from canteen.words import TEXTURES, allergen_words, label_words
from centres.models import Centre
from centres.policies import policies
from centres.queries import district_of
from core import audit
from core.approvals import open_about
from core.clock import database_now, local, local_day, now
from core.codes import show_number
from core.database import unit_of_work
from core.errors import NotFound
from core.http import once, personal, row_number, see_other
from core.money import yuan
from core.words import date_words, masked
from people.access import actor, require, resident_or_refuse, signed_in
from people.models import Resident
from people.queries import find_residents
from people.rules import MANAGERS
from people.services.merge import KIND, Side, ask_merge, sides
from staff.views.root import blueprint


@blueprint.get("/c/<centre>/settings/merge")
@require(MANAGERS)
def merging(centre: Centre) -> Response:
    """Orders that two records of one person left to be looked at."""
    rows = corrections.open_ones(centre.id)
    orders = order_numbers([row.order_id for row in rows])
    base = f"/staff/c/{centre.code}/settings/merge"
    return personal(
        render_template(
            "staff/corrections.html",
            rows=[
                {
                    "number": show_number(orders[row.order_id].number),
                    "day": date_words(orders[row.order_id].day),
                    "who": _who(orders[row.order_id].resident),
                    "kind": row.kind,
                    "sum": yuan(row.amount_fen),
                    "made": local(row.made_at, centre.zone),
                    "order_url": f"/staff/c/{centre.code}/canteen/o/{orders[row.order_id].number}",
                    "url": f"{base}/corrections/{row.id}",
                }
                for row in rows
            ],
        )
    )


def _who(person: Resident | None) -> str:
    return masked(person.name) if person is not None else ""


@blueprint.post("/c/<centre>/settings/merge/corrections/<int:correction_id>")
@require(MANAGERS)
@once
def correct(centre: Centre, correction_id: int) -> Response:
    """Somebody has looked, and says what became of it."""
    corrections.settle(signed_in().id, centre.id, correction_id, request.form.get("note", ""))
    return see_other(f"/staff/c/{centre.code}/settings/merge")


@blueprint.get("/c/<centre>/settings/merge/<int:resident_id>")
@require(MANAGERS)
def merge_page(centre: Centre, resident_id: int) -> Response:
    """Which other record is the same person? Once it is named, both side by side, and which of them stays."""
    found = _active(resident_id)
    base, words = f"/staff/c/{centre.code}/settings/merge/{resident_id}", request.args.get("q", "").strip()
    other_id = _number(request.args.get("with", ""))
    both = _both(found.id, other_id, centre) if other_id else []
    rows = find_residents(words or found.name, [district_of(centre.id)])
    return personal(
        render_template(
            "staff/merge.html",
            person=found,
            words=words,
            rows=[
                {"name": row.name, "born": row.born, "tail": row.phone_tail, "url": f"{base}?with={row.id}"}
                for row in rows
                if row.id != found.id and row.lifecycle == "active"
            ],
            both=both,
            diet=_diet(found.id, other_id) if other_id else "",
            most=_over(both, centre),
            waits=bool(open_about(KIND, [found.id, *([other_id] if other_id else [])])),
            act_url=base,
            back=f"/staff/c/{centre.code}/people/{resident_id}",
        )
    )


def _number(text: str) -> int:
    try:
        return row_number(text)
    except ValueError:
        return 0


def _active(resident_id: int) -> Resident:
    found = resident_or_refuse(resident_id, MANAGERS)
    if found.lifecycle != "active":
        raise NotFound(_("这份资料已经停用了"), _("只能合并两份都在用的资料。"))
    return found


def _both(first_id: int, second_id: int, centre: Centre) -> list[dict[str, Any]]:
    """Both records; opening them is written down like every reading of one."""
    for one in (first_id, second_id):
        _active(one)
    with unit_of_work():
        for one in (first_id, second_id):
            audit.record(actor(), "resident.read", "resident", one, unit_id=centre.id, at=database_now())
    return [_shown(side) for side in sides(first_id, second_id)]


def _shown(side: Side) -> dict[str, Any]:
    left = ledger.balance(side.person.id)
    person = side.person
    return {
        "id": person.id,
        "name": person.name,
        "born": person.born,
        "phone": person.phone or "",
        "cards": [card.number for card in side.cards],
        "consents": side.consents,
        "statuses": side.statuses,
        "links": side.links,
        "coming": side.coming,
        "fen": left or 0,
        "balance": yuan(left or 0),
        "pin": person.pin_hash is not None,
        "made": person.made_at.date(),
    }


def _over(both: list[dict[str, Any]], centre: Centre) -> str:
    """The most that may be put onto a card, where both have more than that together; else nothing."""
    policy = policies(CanteenPolicy, "canteen", centre.id, local_day(now(), centre.zone))
    return yuan(policy.account_most_fen) if sum(one["fen"] for one in both) > policy.account_most_fen else ""


def _diet(first_id: int, second_id: int) -> str:
    found = union_of(first_id, second_id)
    if found is None:
        return ""
    allergens, labels, texture, avoid = found
    words = [
        *allergen_words(allergens),
        *label_words(labels),
        *([str(TEXTURES[texture])] if texture != "regular" else []),
    ]
    return _("、").join([*words, *([avoid] if avoid else [])])


@blueprint.post("/c/<centre>/settings/merge/<int:resident_id>")
@require(MANAGERS)
@once
def ask_to_merge(centre: Centre, resident_id: int) -> Response:
    """Put before a second member of staff."""
    first, second = _active(resident_id), _active(_number(request.form.get("with", "")))
    stays = _number(request.form.get("stays", ""))
    if stays not in {first.id, second.id}:
        raise NotFound(_("请选留下哪一份"))
    gone = second.id if stays == first.id else first.id
    ask_merge(signed_in().id, centre.id, gone, stays, request.form.get("reason", ""))
    return see_other("/staff/approvals")
