"""«要核对的»: handed out while a window was offline, and it does not fit. Staff decide each line."""

from datetime import datetime, timedelta
from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _

from canteen import counter_queries as queries
from canteen.counter_words import how_words
from canteen.desk.root import base, blueprint
from canteen.models import OddScan, Redemption
from canteen.services import ledger, review
from canteen.words import MEALS
from centres.models import Centre
from core.clock import day_bounds, local_day, now
from core.codes import show_number
from core.http import once, personal, see_other
from core.money import yuan
from core.words import clock_words, near_day
from people.access import require, signed_in
from people.rules import DESK


@blueprint.get("/review")
@require(DESK)
def review_list(centre: Centre) -> Any:
    """What is to be decided, and what was decided lately."""
    since = day_bounds(local_day(now(), centre.zone), centre.zone)[0] - timedelta(days=7)
    rows = [_row(centre, row) for row in queries.reviews(centre.id)]
    done = [_row(centre, row) for row in queries.settled(centre.id, since)]
    return personal(
        render_template(
            "canteen/desk_review.html",
            rows=rows + [_odd(centre, row) for row in queries.odd_scans(centre.id)],
            done=done + [_odd(centre, row) for row in queries.odd_settled(centre.id, since)],
        )
    )


def _row(centre: Centre, row: Redemption) -> dict[str, Any]:
    order = row.order
    first = queries.standing_redemption(order.id)
    cash = ledger.moved_for(row.id, "review_cash")
    return {
        "pick_up": order.pick_up,
        "meal": MEALS[order.meal],
        "number": show_number(order.number),
        "order_url": f"{base(centre)}/o/{order.number}",
        "when": clock_words(row.scanned_at, centre.zone),
        "day": _day(centre, row.scanned_at),
        "window": row.window,
        "how": how_words(row.how),
        "why": row.reason,
        "first": _(
            "%(time)s 在%(window)s取的。",
            time=clock_words(first.scanned_at, centre.zone),
            window=first.window,
        )
        if first and first.id != row.id
        else "",
        "cash": yuan(cash) if cash else "",
        "own": review.may_still_be_served(order),
        "served": row.state != "undone",
        "settle_url": f"{base(centre)}/review/{row.id}/settle",
    }


def _odd(centre: Centre, row: OddScan) -> dict[str, Any]:
    moment = row.scanned_at or row.recorded_at
    return {
        "pick_up": "?",
        "meal": "",
        "number": row.number,
        "order_url": "",
        "when": clock_words(moment, centre.zone),
        "day": _day(centre, moment),
        "window": row.window,
        "how": "",
        "why": f"{row.why}。{row.words}" if row.words else row.why,
        "first": "",
        "cash": yuan(row.cash_fen) if row.cash_fen else "",
        "own": False,
        "served": row.state == "served",
        "settle_url": f"{base(centre)}/review/odd/{row.id}/settle",
    }


def _day(centre: Centre, moment: datetime) -> str:
    return near_day(local_day(moment, centre.zone), local_day(now(), centre.zone))


@blueprint.post("/review/<int:redemption_id>/settle")
@require(DESK)
@once
def settle(centre: Centre, redemption_id: int) -> Response:
    """One line: it counts as served or not, with words on how one knows."""
    review.decide(signed_in().id, centre.id, redemption_id, *_decision())
    return see_other(f"{base(centre)}/review")


@blueprint.post("/review/odd/<int:odd_id>/settle")
@require(DESK)
@once
def settle_odd(centre: Centre, odd_id: int) -> Response:
    """The same for a scan that belongs to no order."""
    review.decide_odd(signed_in().id, centre.id, odd_id, *_decision())
    return see_other(f"{base(centre)}/review")


def _decision() -> tuple[str, str]:
    return request.form.get("decision", ""), request.form.get("words", "")
