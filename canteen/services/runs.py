"""Delivery: plan a round, carry it out door by door with a phone, and ring up where nobody was at home."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from canteen.counter_queries import RUN_CODE
from canteen.days import serving_day
from canteen.models import MealOrder, Menu, Run, Stop
from canteen.rules import route_key
from canteen.services.give_back import locked_order
from canteen.services.order import changed
from canteen.services.serve import Answer, Scan, hand_out
from core import audit
from core.audit import NOBODY, Actor
from core.clock import database_now, local_day
from core.codes import new_code
from core.crypto import blind
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from people.models import Resident
from people.services.calls import put_call

GONE = frozenset({"cancelled", "failed"})
SERVED = frozenset({"collected", "delivered"})
TAKERS = ("self", "family", "neighbour", "door")
"""Into whose hands a meal goes; door: left there, as had been agreed."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """Who goes: a member of staff, a resident who helps, or only a name."""

    name: str
    staff_id: int | None = None
    resident_id: int | None = None


def door(order: MealOrder) -> tuple[str, int, int, str]:
    """Where an order comes on a round."""
    person = order.resident
    building = person.building if person else None
    return route_key(
        building.code if building else "", bool(building and building.lift), (person and person.room) or ""
    )


def plan_run(actor: Actor, menu_id: int, name: str, order_ids: Sequence[int], carrier: Carrier) -> Run:
    """A round for some of a meal's orders, door by door: by building, lift, floor and room."""
    if not name.strip() or not carrier.name.strip():
        raise Refused("run_who", _("请写上哪一趟、谁去送"), _("比如：一号线，林师傅。"), status=422)
    with unit_of_work():
        menu = db.session.get(Menu, menu_id)
        if menu is None:
            raise NotFound(_("没有找到这份菜单"))
        orders = _deliverable(menu_id, order_ids)
        if not orders:
            raise Refused("run_empty", _("请选要送的"), _("勾上这一趟要送的几份。"), status=422)
        code = new_code("R")
        run = Run(
            menu_id=menu_id,
            name=name.strip()[:40],
            carrier_name=carrier.name.strip()[:40],
            carrier_staff_id=carrier.staff_id,
            carrier_resident_id=carrier.resident_id,
            code=code,
            code_index=blind(code, RUN_CODE),
            state="planned",
        )
        db.session.add(run)
        db.session.flush()
        _append(run, orders, 0)
        audit.record(actor, "run.planned", "delivery_run", run.id, unit_id=menu.canteen_id)
        changed(menu)
    return run


def add_doors(actor: Actor, run_id: int, order_ids: Sequence[int]) -> Run:
    """More doors at the end of a round that is not over."""
    with unit_of_work():
        run = _locked(run_id)
        _not_over(run)
        last = max((stop.position for stop in run.stops), default=-1)
        _append(run, _deliverable(run.menu_id, order_ids), last + 1)
        _changed(run, actor, "run.doors_added")
    return run


def _deliverable(menu_id: int, order_ids: Sequence[int]) -> list[MealOrder]:
    query = (
        select(MealOrder)
        .options(joinedload(MealOrder.resident).joinedload(Resident.building))
        .where(
            MealOrder.id.in_(order_ids),
            MealOrder.menu_id == menu_id,
            MealOrder.delivery.is_(True),
            MealOrder.state == "ordered",
        )
    )
    return sorted(db.session.scalars(query), key=door)


def _append(run: Run, orders: Sequence[MealOrder], first: int) -> None:
    over = select(Run.id).where(Run.state == "done")
    db.session.execute(  # doors that a finished round did not get to, or where nobody was, may be gone to once more
        delete(Stop).where(
            Stop.order_id.in_([order.id for order in orders]),
            Stop.state != "handed_over",
            Stop.run_id.in_(over),
        )
    )
    for position, order in enumerate(orders, first):
        db.session.add(Stop(run_id=run.id, order_id=order.id, position=position, state="waiting"))
    try:
        db.session.flush()
    except IntegrityError as error:  # planned on another round a moment ago
        raise Refused("on_a_run", _("有一份已经在别的一趟里"), _("刷新一下，再选一次。")) from error
    db.session.expire(run, ["stops"])


def take_off(actor: Actor, run_id: int, stop_id: int) -> Run:
    """A door leaves the round; its order may go onto another."""
    with unit_of_work():
        run = _locked(run_id)
        _not_over(run)
        stop = _stop(run, stop_id)
        if stop.state == "handed_over":
            raise Refused("not_now", _("这一份已经送到了"), status=409)
        db.session.execute(delete(Stop).where(Stop.id == stop.id))
        db.session.expire(run, ["stops"])
        _changed(run, actor, "run.door_taken_off")
    return run


def move_stop(actor: Actor, run_id: int, stop_id: int, by: int) -> Run:
    """One place up (-1) or down (1) in the order of the doors; at the end it stays."""
    with unit_of_work():
        run = _locked(run_id)
        _not_over(run)
        stops = list(run.stops)
        here = stops.index(_stop(run, stop_id))
        there = here + by
        if 0 <= there < len(stops):
            one, other = stops[here], stops[there]
            mine, theirs = one.position, other.position
            one.position = -1 - one.id  # two doors never have one place, not even for a moment
            db.session.flush()
            other.position = mine
            db.session.flush()
            one.position = theirs
            db.session.flush()
            db.session.expire(run, ["stops"])
            _changed(run, actor, "run.door_moved")
    return run


def change_carrier(actor: Actor, run_id: int, carrier: Carrier) -> Run:
    """Somebody else goes. The code of the one before stops working."""
    if not carrier.name.strip():
        raise Refused("run_who", _("请写上谁去送"), status=422)
    with unit_of_work():
        run = _locked(run_id)
        _not_over(run)
        run.carrier_name = carrier.name.strip()[:40]
        run.carrier_staff_id, run.carrier_resident_id = carrier.staff_id, carrier.resident_id
        _new_code(run)
        _changed(run, actor, "run.carrier_changed")
    return run


def renew_code(actor: Actor, run_id: int) -> Run:
    """The code was seen by somebody who should not have it: another one, and the old one stops working."""
    with unit_of_work():
        run = _locked(run_id)
        _not_over(run)
        _new_code(run)
        _changed(run, actor, "run.code_renewed")
    return run


def drop_run(actor: Actor, run_id: int) -> None:
    """A round that has not set out is not made after all; its orders may go onto others."""
    with unit_of_work():
        run = _locked(run_id)
        if run.state != "planned":
            raise Refused("not_now", _("这一趟已经出发了"), _("可以把还没送的拿下来。"))
        menu = run.menu
        db.session.execute(delete(Stop).where(Stop.run_id == run_id))
        db.session.execute(delete(Run).where(Run.id == run_id))
        audit.record(actor, "run.dropped", "delivery_run", run_id, unit_id=menu.canteen_id)
        changed(menu)


# --- on the way -----------------------------------------------------------------------------------------------------


def why_not_open(run: Run) -> Refused | None:
    """Why a carrier's code does not work now; None while the round is planned or out on its day."""
    zone = run.menu.canteen.centre.zone
    if run.menu.day != local_day(database_now(), zone):
        return Refused("run_over", _("这一趟不是今天的"), _("请问食堂要今天的码。"), status=410)
    if run.state == "done":
        return Refused("run_over", _("这一趟已经送完了"), _("谢谢您。有漏的请打电话给食堂。"), status=410)
    return None


def stop_state(stop: Stop) -> str:
    """waiting, handed_over, nobody_home; or what became of the order meanwhile: cancelled, fetched."""
    if stop.state in {"handed_over", "cancelled"}:
        return stop.state
    if stop.order.state in GONE:
        return "cancelled"
    return "fetched" if stop.order.state in SERVED else stop.state


def next_stop(run: Run) -> Stop | None:
    """The one door that a carrier sees."""
    return next((stop for stop in run.stops if stop_state(stop) == "waiting"), None)


def set_out(run_id: int) -> Run:
    """The carrier leaves. Again it changes nothing."""
    with unit_of_work():
        run = _open(run_id)
        if run.state == "planned":
            run.state, run.started_at = "out", database_now()
            _changed(run, carrier_of(run), "run.set_out")
    return run


def hand_over(run_id: int, stop_id: int, key: str, *, taken_by: str, cash: bool = False) -> Answer:
    """At the door: the meal changes hands, and the carrier says whose. What is due is asked for first, as at the
    window."""
    if taken_by not in TAKERS:
        raise Refused("taker_missing", _("请选是谁收的"), status=422)
    with unit_of_work():
        run = _open(run_id)
        stop = _stop(run, stop_id)
        order_id, centre_id = stop.order_id, run.menu.canteen_id
        answer = hand_out(carrier_of(run), centre_id, order_id, Scan(run.name, key, "delivery", cash))
        if answer.kind == "ok":
            stop.state, stop.ended_at, stop.taken_by = "handed_over", database_now(), taken_by
            _out(run)
    return answer


def nobody_home(run_id: int, stop_id: int) -> Stop:
    """Nobody opens: they are rung up within the policy's minutes, and the meal stays to be fetched or brought again."""
    with unit_of_work():
        run = _open(run_id)
        stop = _stop(run, stop_id)
        order = locked_order(stop.order_id)
        if stop.state != "waiting" or order.state in GONE | SERVED:
            return stop
        now = database_now()
        stop.state, stop.ended_at = "nobody_home", now
        _out(run)
        if order.resident_id is not None:
            minutes = serving_day(order.menu.canteen, order.day).policy.nobody_home_within
            put_call(
                f"meal-{order.id}-nobody_home",
                "nobody_home",
                order.centre_id,
                order.resident_id,
                _("送餐到门口没有人应。请问问是否平安，饭要不要再送。"),
                now + timedelta(minutes=minutes),
            )
        _changed(run, carrier_of(run), "run.nobody_home", order.id)
    return stop


def try_again(actor: Actor | None, run_id: int, stop_id: int) -> Stop:
    """Back to a door where nobody was, or whose hand-over was taken back. actor: staff; None: the carrier."""
    with unit_of_work():
        run = _locked(run_id) if actor else _open(run_id)
        _not_over(run)
        stop = _stop(run, stop_id)
        if stop.state in {"nobody_home", "handed_over"} and stop.order.state not in GONE | SERVED:
            stop.state, stop.ended_at, stop.taken_by = "waiting", None, ""
            _changed(run, actor or carrier_of(run), "run.door_again")
    return stop


def finish_run(actor: Actor | None, run_id: int) -> Run:
    """Back at the canteen. The code stops working; what was not handed over stays to be fetched."""
    with unit_of_work():
        run = _locked(run_id)
        if run.state != "done":
            for stop in run.stops:
                if stop.state == "waiting" and stop.order.state in GONE:
                    stop.state, stop.ended_at = "cancelled", database_now()
            run.state, run.ended_at = "done", database_now()
            _changed(run, actor or carrier_of(run), "run.done")
    return run


def carrier_of(run: Run) -> Actor:
    """Who acts at the doors, for the audit."""
    if run.carrier_staff_id is not None:
        return Actor("staff", run.carrier_staff_id)
    return Actor("resident", run.carrier_resident_id) if run.carrier_resident_id is not None else NOBODY


def _locked(run_id: int) -> Run:
    query = select(Run).where(Run.id == run_id).with_for_update().execution_options(populate_existing=True)
    run = db.session.scalars(query).first()
    if run is None:
        raise NotFound(_("没有找到这一趟"))
    db.session.expire(run, ["stops"])
    return run


def _open(run_id: int) -> Run:
    run = _locked(run_id)
    refused = why_not_open(run)
    if refused is not None:
        raise refused
    return run


def _not_over(run: Run) -> None:
    if run.state == "done":
        raise Refused("run_over", _("这一趟已经送完了"), _("请另排一趟。"))


def _stop(run: Run, stop_id: int) -> Stop:
    stop = next((one for one in run.stops if one.id == stop_id), None)
    if stop is None:
        raise NotFound(_("这一趟没有这一家"))
    return stop


def _out(run: Run) -> None:
    if run.state == "planned":
        run.state, run.started_at = "out", database_now()


def _new_code(run: Run) -> None:
    run.code = new_code("R")
    run.code_index = blind(run.code, RUN_CODE)


def _changed(run: Run, actor: Actor, verb: str, order_id: int | None = None) -> None:
    db.session.flush()
    detail = {"order": order_id} if order_id else None
    audit.record(actor, verb, "delivery_run", run.id, unit_id=run.menu.canteen_id, detail=detail)
    changed(run.menu)
