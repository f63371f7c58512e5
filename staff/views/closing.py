"""Before a time is closed: who counts on it. Asked once, about exactly those who are shown."""

from collections.abc import Callable
from typing import Any

from flask import Response, make_response, render_template, request

from centres.models import Centre
from core.area import Outside
from core.database import db
from core.http import digest
from kiosk.areas import Areas

SHOWN = 60


def _outside(centre: Centre) -> dict[str, Outside]:
    """What lies in closed time as the hours stand in the running unit of work."""
    found = [one for area in Areas.all if area.outside for one in area.outside(centre.id)]
    return {one.key: one for one in found}


def asked_first(centre: Centre, back_url: str, deed: Callable[[], Any], done: Response) -> Response:
    """Do `deed` in the view's unit of work. Where it puts somebody's booking or meal into closed time, a page says who
    and nothing is kept of the deed (@once takes back what is answered with 409); the same form with the page's `sure`
    does it. Who books meanwhile is not in `sure`, and is asked about anew."""
    before = _outside(centre)
    deed()
    db.session.flush()
    new = [one for key, one in _outside(centre).items() if key not in before]
    sure = digest(" ".join(sorted(one.key for one in new)))
    if not new or request.form.get("sure") == sure:
        return done
    again = [
        (name, value)
        for name in request.form
        if name not in {"csrf_token", "request_key", "sure"}
        for value in request.form.getlist(name)
    ]
    page = render_template(
        "staff/closing.html",
        many=len(new),
        rows=sorted(new, key=lambda one: one.at)[:SHOWN],
        more=max(0, len(new) - SHOWN),
        save_url=request.path,
        again=again,
        sure=sure,
        back_url=back_url,
    )
    return make_response(page, 409)
