"""A carrier's phone: the code of a round opens one door at a time, and nothing of the person but the masked name."""

from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _

from canteen import counter_queries as queries
from canteen.counter_words import all_dishes, dish_words, taker_words, wish_words
from canteen.models import Run, Stop
from canteen.services import runs as service
from canteen.services.runs import next_stop, stop_state
from canteen.words import MEALS
from core.clock import local_day, now
from core.errors import Alternative, NotFound, Refused
from core.http import row_number, see_other
from core.money import yuan
from core.words import clock_words, full_day, near_day
from kiosk.session import show_centre


def _run(code: str) -> Run:
    """The round of a code, while it works."""
    found = queries.run_by_code(code)
    if found is None:
        raise NotFound(_("这个码不能用了"), _("可能换过新码。请问食堂要今天的码。"))
    show_centre(found.menu.canteen.centre)
    shut = service.why_not_open(found)
    if shut is not None:
        raise shut
    return found


def show_run(code: str, page: str) -> str:
    """Before setting out the whole round in numbers; then the next door; at the end what is left."""
    run = _run(code)
    stop = next_stop(run)
    if run.state == "planned" and page != "go":
        return _render_run(run, code)
    return _render_stop(run, stop, code, asked=page == "pay") if stop else _render_run(run, code)


def _render_run(run: Run, code: str) -> str:
    zone = run.menu.canteen.centre.zone
    states = [stop_state(stop) for stop in run.stops]
    today = local_day(now(), zone)
    return render_template(
        "canteen/run.html",
        name=run.name,
        state=run.state,
        meal_words=f"{full_day(run.menu.day, today)} {MEALS[run.menu.meal]}",
        until=clock_words(run.menu.serves_until, zone),
        many=len(states),
        waiting=states.count("waiting"),
        done=states.count("handed_over"),
        fetched=states.count("fetched"),
        cancelled=states.count("cancelled"),
        buildings=_buildings(run),
        nobody=[_short(stop) for stop in run.stops if stop_state(stop) == "nobody_home"],
        act_url=f"/q/{code}",
    )


def _buildings(run: Run) -> list[dict[str, Any]]:
    """How many doors in which building, in the order of the round."""
    found: list[dict[str, Any]] = []
    for stop in run.stops:
        if stop_state(stop) != "waiting":
            continue
        person = stop.order.resident
        building = person.building if person else None
        name = building.name if building else ""
        if found and found[-1]["name"] == name:
            found[-1]["many"] += 1
        else:
            found.append({"name": name, "many": 1, "lift": bool(building and building.lift)})
    return found


def _short(stop: Stop) -> dict[str, Any]:
    person = stop.order.resident
    return {
        "id": stop.id,
        "pick_up": stop.order.pick_up,
        "building": person.building.name if person and person.building else "",
        "room": (person.room if person else "") or "",
    }


def _render_stop(run: Run, stop: Stop, code: str, *, asked: bool) -> str:
    order, zone = stop.order, run.menu.canteen.centre.zone
    person = order.resident
    building = person.building if person else None
    states = [stop_state(one) for one in run.stops]
    due = order.pay_state == "due" and order.pays_fen > 0
    return render_template(
        "canteen/stop.html",
        stop=stop.id,
        name=run.name,
        n=len(states) - states.count("waiting") + 1,
        many=len(states),
        building=building.name if building else _("没有登记地址"),
        lift=bool(building and building.lift),
        room=(person.room if person else "") or "",
        who=person.masked_name if person else "",
        pick_up=order.pick_up,
        dish=dish_words(order),
        dishes=_("、").join(all_dishes(order)),
        wishes=wish_words(order),
        due=yuan(order.pays_fen) if due else "",
        takers=[(one, taker_words(one)) for one in service.TAKERS if not (due and one == "door")],
        asked=asked,
        day=near_day(run.menu.day, local_day(now(), zone)),
        act_url=f"/q/{code}",
    )


def act_on_run(code: str, verb: str) -> Response:
    """«出发», «送到了», «没人在家», «再去一次», «回来了»."""
    run = _run(code)
    here = f"/q/{code}"
    if verb == "go":
        service.set_out(run.id)
        return see_other(here)
    if verb == "done":
        service.finish_run(None, run.id)
        return see_other(f"/c/{run.menu.canteen.centre.code}/")
    stop_id = request.form.get("stop", None, row_number)
    if stop_id is None:
        raise NotFound(_("这一趟没有这一家"))
    if verb == "delivered":
        return _delivered(run, stop_id, code)
    if verb == "nobody":
        service.nobody_home(run.id, stop_id)
    elif verb == "again":
        service.try_again(None, run.id, stop_id)
    else:
        raise NotFound(_("这一页没有找到"))
    return see_other(here)


def _delivered(run: Run, stop_id: int, code: str) -> Response:
    here = f"/q/{code}"
    key, cash = request.form.get("request_key", ""), request.form.get("cash") == "1"
    answer = service.hand_over(
        run.id, stop_id, f"r{key}"[:64], taken_by=request.form.get("taken_by", ""), cash=cash
    )
    if answer.kind in {"ok", "already"}:
        return see_other(here)
    if answer.kind == "pay":
        return see_other(f"{here}/pay")
    raise Refused(
        f"stop_{answer.kind}",
        answer.title,
        answer.text or _("请打电话问一问食堂。"),
        alternatives=[Alternative(_("回到这一家"), here)],
    )
