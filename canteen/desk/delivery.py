"""Delivery: plan the rounds of a meal, who goes, the sheet to take along, and how far each round is."""

from typing import Any

from flask import Response, current_app, render_template, request
from flask_babel import gettext as _

from canteen import counter_queries as queries
from canteen.counter_words import all_dishes, dish_words, run_words, stop_words, taker_words, wish_words
from canteen.desk.root import base, blueprint, load_canteen
from canteen.desk.window import SERVE
from canteen.forms import parse_day, parse_meal
from canteen.models import MealOrder, Menu, Run, Stop
from canteen.services import runs as service
from canteen.services.runs import Carrier, door, stop_state
from canteen.words import MEALS
from centres.models import Centre
from centres.policies import chain
from centres.queries import district_of
from core.clock import local_day, now
from core.codes import read_code, show_number
from core.errors import NotFound, Refused
from core.http import once, personal, row_number, see_other
from core.money import yuan
from core.qr import qr_svg
from core.words import clock_words, full_day
from people.access import actor, require
from people.rules import EVERYONE
from people.services.cards import resident_of_code, resident_of_number

LEAST_DIGITS = 6
"""What has so many is no name but the number of a card."""
LOOKS = {
    "waiting": "plain",
    "handed_over": "ok",
    "nobody_home": "warn",
    "cancelled": "plain",
    "fetched": "ok",
}


@blueprint.get("/runs")
@require(SERVE)
def runs(centre: Centre) -> Any:
    """The rounds of a meal, and what is on none yet, sorted as one walks."""
    load_canteen(centre)
    today = local_day(now(), centre.zone)
    day = parse_day(request.args["day"]) if request.args.get("day") else today
    meal = parse_meal(request.args["meal"]) if request.args.get("meal") else ""
    menus = queries.menus_on(centre.id, day)
    current = queries.menu_now(centre.id, centre.zone, now()) if day == today else None
    menu = next((one for one in menus if one.meal == meal), None) or next(
        (one for one in menus if current is not None and one.id == current.id), menus[0] if menus else None
    )
    rows = queries.runs_of(menu.id) if menu else []
    url = f"{base(centre)}/runs"
    return personal(
        render_template(
            "canteen/desk_runs.html",
            day_words=full_day(day, today),
            tabs=[
                {"name": MEALS[one.meal], "url": f"{url}?day={day}&meal={one.meal}", "chosen": one is menu}
                for one in menus
            ],
            menu_key=f"{menu.day}/{menu.meal}" if menu else "",
            waiting=[_door(one) for one in sorted(queries.to_deliver(menu.id), key=door)] if menu else [],
            runs=[
                {
                    "name": row.name,
                    "who": row.carrier_name,
                    "state": run_words(row.state),
                    "done": sum(stop_state(stop) in {"handed_over", "fetched"} for stop in row.stops),
                    "many": len(row.stops),
                    "nobody": sum(stop_state(stop) == "nobody_home" for stop in row.stops),
                    "url": f"{url}/{row.id}",
                }
                for row in rows
            ],
            colleagues=_colleagues(centre),
            suggested=_("%(n)d号线", n=len(rows) + 1),
            plan_url=url,
        )
    )


def _colleagues(centre: Centre) -> list[tuple[str, str]]:
    staff = queries.colleagues(chain(centre.id), EVERYONE)
    return [("", _("不是同事")), *((str(row.id), row.name) for row in staff)]


def _door(order: MealOrder) -> dict[str, Any]:
    person = order.resident
    building = person.building if person else None
    return {
        "id": order.id,
        "pick_up": order.pick_up,
        "number": show_number(order.number),
        "building": building.name if building else "",
        "lift": bool(building and building.lift),
        "room": (person.room if person else "") or "",
        "who": person.masked_name if person else "",
        "dish": dish_words(order),
        "dishes": _("、").join(all_dishes(order)),
        "wishes": wish_words(order),
        "due": yuan(order.pays_fen) if order.pay_state == "due" and order.pays_fen else "",
    }


@blueprint.post("/runs")
@require(SERVE)
@once
def plan(centre: Centre) -> Response:
    """A round for the doors that were ticked."""
    form = request.form
    menu = _menu(centre, form.get("menu", ""))
    ids = [
        int(text) for text in form.getlist("order") if text.isascii() and text.isdigit() and len(text) < 10
    ]
    run = service.plan_run(actor(), menu.id, form.get("name", ""), ids, _carrier(centre))
    return see_other(f"{base(centre)}/runs/{run.id}")


def _menu(centre: Centre, key: str) -> Menu:
    day, _slash, meal = key.partition("/")
    found = next(
        (one for one in queries.menus_on(centre.id, parse_day(day)) if one.meal == parse_meal(meal)), None
    )
    if found is None:
        raise NotFound(_("这一餐还没有排菜单"))
    return found


def _carrier(centre: Centre) -> Carrier:
    asked = request.form.get("staff", None, row_number)
    if asked is None:
        return _helper(centre, request.form.get("carrier", "").strip()[:200])
    known = {row.id: row.name for row in queries.colleagues(chain(centre.id), EVERYONE)}
    if asked not in known:
        raise Refused("colleague_unknown", _("请选哪位同事去送"), status=422)
    return Carrier(known[asked], staff_id=asked)


def _helper(centre: Centre, said: str) -> Carrier:
    """A resident who helps, known by the card that they show, so that the log says who went; else only the name that
    was written. The kitchen reads no more of a name than elsewhere."""
    read = read_code(said)
    if read is None and sum(sign.isdigit() for sign in said) < LEAST_DIGITS:
        return Carrier(said)
    person = resident_of_code(read[1]) if read and read[0] == "K" else resident_of_number(said)
    if person is None or person.district_id != district_of(centre.id):
        raise Refused(
            "helper_unknown", _("没有找到这位志愿者"), _("请再扫一次卡；没有登记的，写名字就行。"), status=422
        )
    return Carrier(person.masked_name, resident_id=person.id)


def _run(centre: Centre, run_id: int) -> Run:
    found = queries.run_here(centre.id, run_id)
    if found is None:
        raise NotFound(_("没有找到这一趟"))
    return found


@blueprint.get("/runs/<int:run_id>")
@require(SERVE)
def run(centre: Centre, run_id: int) -> Response:
    """One round: its doors in order, who goes, the code for the carrier's phone. It prints as the sheet."""
    found = _run(centre, run_id)
    url = f"{base(centre)}/runs/{found.id}"
    shut = service.why_not_open(found)
    zone = centre.zone
    return personal(
        render_template(
            "canteen/desk_run.html",
            name=found.name,
            who=found.carrier_name,
            state=found.state,
            state_words=run_words(found.state),
            meal_words=f"{full_day(found.menu.day, local_day(now(), zone))} {MEALS[found.menu.meal]}",
            started=clock_words(found.started_at, zone) if found.started_at else "",
            ended=clock_words(found.ended_at, zone) if found.ended_at else "",
            stops=[_stop(one, url, zone) for one in found.stops],
            qr=qr_svg(f"{current_app.config['PUBLIC_URL']}/q/{found.code}") if shut is None else None,
            shut=shut.title if shut else "",
            colleagues=_colleagues(centre),
            waiting=[_door(one) for one in sorted(queries.to_deliver(found.menu_id), key=door)],
            act_url=url,
            back_url=f"{base(centre)}/runs?day={found.menu.day}&meal={found.menu.meal}",
        )
    )


def _stop(stop: Stop, url: str, zone: str) -> dict[str, Any]:
    state = stop_state(stop)
    return {
        **_door(stop.order),
        "stop": stop.id,
        "state": state,
        "state_words": stop_words(state),
        "taken_by": taker_words(stop.taken_by) if state == "handed_over" else "",
        "look": LOOKS[state],
        "when": clock_words(stop.ended_at, zone) if stop.ended_at else "",
        "url": f"{url}/{stop.id}",
        "may_again": stop.state in {"nobody_home", "handed_over"}
        and stop.order.state in {"ordered", "uncollected"},
    }


@blueprint.post("/runs/<int:run_id>/<verb>")
@require(SERVE)
@once
def act_on_run(centre: Centre, run_id: int, verb: str) -> Response:
    """More doors, another carrier, another code, back, or not at all."""
    found, form = _run(centre, run_id), request.form
    url = f"{base(centre)}/runs"
    match verb:
        case "add":
            service.add_doors(actor(), found.id, form.getlist("order", type=row_number)[:200])
        case "carrier":
            service.change_carrier(actor(), found.id, _carrier(centre))
        case "code":
            service.renew_code(actor(), found.id)
        case "done":
            service.finish_run(actor(), found.id)
        case "drop":
            service.drop_run(actor(), found.id)
            return see_other(url)
        case _:
            raise NotFound(_("这一页没有找到"))
    return see_other(f"{url}/{found.id}")


@blueprint.post("/runs/<int:run_id>/<int:stop_id>/<verb>")
@require(SERVE)
@once
def act_on_stop(centre: Centre, run_id: int, stop_id: int, verb: str) -> Response:
    """A door up or down in the order, off the round, or once more."""
    found = _run(centre, run_id)
    match verb:
        case "up":
            service.move_stop(actor(), found.id, stop_id, -1)
        case "down":
            service.move_stop(actor(), found.id, stop_id, 1)
        case "off":
            service.take_off(actor(), found.id, stop_id)
        case "again":
            service.try_again(actor(), found.id, stop_id)
        case _:
            raise NotFound(_("这一页没有找到"))
    return see_other(f"{base(centre)}/runs/{found.id}")
