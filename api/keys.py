"""Who asks, by their key: `Authorization: Bearer …`. Cookies mean nothing here, so nothing can be forged with them."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from flask import Response, current_app, g, request
from flask_babel import gettext as _

from api.models import ApiClient
from api.services import by_key, count_call
from centres.models import Centre
from centres.policies import chain
from centres.queries import centre_by_code
from core import requestkeys
from core.audit import Actor
from core.database import unit_of_work
from core.errors import NotFound, Refused

View = Callable[..., Any]


class Unknown(Refused):
    """No key, or none that works."""

    def __init__(self) -> None:
        super().__init__("key_unknown", _("要带上有效的密钥"), _("Authorization: Bearer …"), status=401)


class TooMany(Refused):
    """More calls in this minute than were agreed."""

    def __init__(self) -> None:
        super().__init__("too_many", _("这一分钟的次数用完了"), _("请下一分钟再来。"), status=429)


def allowed(scope: str) -> Callable[[View], View]:
    """A view for clients whose key has `scope`. Stands outermost: who nobody knows is told nothing else."""

    def mark(view: View) -> View:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            scheme, _space, key = request.headers.get("Authorization", "").partition(" ")
            client = by_key(key.strip()) if scheme.lower() == "bearer" and key else None
            if client is None:
                raise Unknown
            g.api_client = client
            if not count_call(client.id):
                raise TooMany
            if scope not in client.scopes:
                raise Refused("scope_missing", _("这个密钥没有这项权限"), scope, status=403)
            return view(*args, **kwargs)

        wrapper.hall_scope = scope  # type: ignore[attr-defined]
        return wrapper

    return mark


def client() -> ApiClient:
    """Who asks, in a view that is `allowed`."""
    return cast(ApiClient, g.api_client)


def actor() -> Actor:
    """Who asks, for services and the audit."""
    return Actor("client", client().id)


def load_centre(code: str) -> Centre:
    """A centre over which the client's key holds; else: not found."""
    centre = centre_by_code(code)
    if centre is None or client().unit_id not in chain(centre.id):
        raise NotFound(_("没有找到这个中心"))
    return centre


def in_reach(centre_id: int) -> bool:
    """Whether the client's key holds over a centre."""
    return client().unit_id in chain(centre_id)


def deed(status: int = 200) -> Callable[[View], View]:
    """A POST that changes something: one unit of work under its `Idempotency-Key`, and the same answer to a repeat.

    The view returns what is answered, as plain data that is kept beside the key.
    """

    def mark(view: View) -> View:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            key = request.headers.get("Idempotency-Key", "")
            if not (8 <= len(key) <= 64 and key.isascii() and key.isprintable()):
                raise Refused(
                    "idempotency_key",
                    _("要带上 Idempotency-Key"),
                    _("8 到 64 个字符，每办一件事换一个。"),
                    status=400,
                )
            scope = f"client:{client().id}"
            body = requestkeys.digest({"path": request.path, "json": request.get_json(silent=True)})
            with unit_of_work():
                before = requestkeys.claim(scope, key, body)
                if before is not None:
                    if not before:
                        raise Refused("in_progress", _("正在办，请稍等"), status=409)
                    return _answer(before["body"], before["status"])
                said = view(*args, **kwargs)
                requestkeys.keep(scope, key, {"status": status, "body": said})
            return _answer(said, status)

        wrapper.hall_post = "once"  # type: ignore[attr-defined]
        return wrapper

    return mark


def _answer(said: Any, status: int) -> Response:
    response = cast(Response, current_app.json.response(said))
    response.status_code = status
    return response
