"""One request of the sign-in: Flask-Security's view reads only; what it changed is written in one go afterwards."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from flask import Response, abort, g, make_response, request
from wtforms import Form

from core.database import db
from core.http import STAFF_PATH, own_path
from people.access import current_staff, forget_session
from people.models import Staff
from people.services.sign_ins import Step, carry_out, take_changes

HOME = f"{STAFF_PATH}/"
SIGN_OUT = "security.logout"


def step() -> Step:
    """The step that is running."""
    if "hall_step" not in g:
        g.hall_step = Step(request.remote_addr or "")
    found: Step = g.hall_step
    return found


def as_step(view: Callable[..., Any]) -> Callable[..., Response]:
    """Run one of Flask-Security's views and write what it found, or sign nobody in."""

    @wraps(view)
    def wrapper(**arguments: Any) -> Response:
        if request.is_json:
            abort(415)
        before = current_staff()
        try:
            with db.session.no_autoflush:
                response = make_response(view(**arguments))
            running = step()
            running.changes |= take_changes()
            if request.endpoint == SIGN_OUT:
                _signed_out(running, before)
            carry_out(running)
        except BaseException:
            forget_session()
            raise
        return _onward(response)

    return wrapper


def _signed_out(running: Step, staff: Staff | None) -> None:
    """A copied cookie must be worth nothing any more: the name that sessions know a person by changes."""
    forget_session()
    if staff is not None:
        running.changes[staff.id] = {"fs_uniquifier": uuid4().hex}
        running.notes.append(("staff.signed_out", staff.id, {}))


def _onward(response: Response) -> Response:
    """303 instead of 302, and never away from this host. A form with something wrong in it is a 422."""
    if response.location:
        asked = urlsplit(response.location)
        path = (
            asked._replace(scheme="", netloc="").geturl()
            if asked.netloc == request.host
            else response.location
        )
        response.location = own_path(path, HOME)
        response.status_code = 303
    elif request.method == "POST" and g.get("hall_form_wrong"):
        response.status_code = 422
    return response


def look_at_forms(context: dict[str, Any]) -> None:
    """Remember whether a form of this page has something wrong in it."""
    g.hall_form_wrong = any(isinstance(form, Form) and form.errors for form in context.values())
