"""What every page and answer has in common: cookies apart, headers, tokens, refusals, request keys, ETags."""

import hashlib
import re
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast
from urllib.parse import quote

import structlog
from flask import (
    Flask,
    Response,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.sessions import SecureCookieSessionInterface
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError, CSRFProtect, generate_csrf
from itsdangerous import URLSafeTimedSerializer
from markupsafe import Markup
from sqlalchemy.exc import DBAPIError, OperationalError
from werkzeug.exceptions import BadHost, HTTPException, MethodNotAllowed, RequestEntityTooLarge
from werkzeug.routing import IntegerConverter, Map
from werkzeug.wrappers import Response as BaseResponse

from core import metrics, requestkeys
from core.database import db, one_writer, unit_of_work, writers_turn
from core.errors import Alternative, Refused
from core.i18n import HTML_LANG, language

log = structlog.get_logger()
P = ParamSpec("P")
Given = TypeVar("Given")
View = Callable[P, Any]

STAFF_PATH = "/staff"
MAX_FORM, MAX_FIELDS = 256 * 1024, 200
LARGEST = 2**31 - 1
"""The largest number that a column of the database holds."""
ODD_SIGNS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Control signs, and those that turn the direction of writing: nobody types them."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
READER_POLICY = POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "geolocation=(), payment=(), usb=(), interest-cohort=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
csrf = CSRFProtect()


def on_staff_path() -> bool:
    """Whether this request is for the console."""
    path = request.path
    return path == STAFF_PATH or path.startswith(STAFF_PATH + "/")


class App(Flask):
    """Flask without looking, for every function of every request, whether it is asynchronous: none of ours is."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


class ApartSessions(SecureCookieSessionInterface):
    """Staff and residents have cookies of their own, so that one browser keeps the two apart."""

    _serializer: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Made once: the secret of a running program does not change."""
        if self._serializer is None:
            self._serializer = super().get_signing_serializer(app)
        return self._serializer

    def get_cookie_name(self, app: Flask) -> str:
        return "hall_staff" if on_staff_path() else "hall"

    def get_cookie_path(self, app: Flask) -> str:
        return STAFF_PATH if on_staff_path() else "/"


class RowNumber(IntegerConverter):
    """`<int:…>` in addresses, as far as the database's numbers go: what is larger is no address of ours."""

    def __init__(self, map: Map, *args: Any, **kwargs: Any) -> None:
        super().__init__(map, *args, **{"max": LARGEST, **kwargs})


def row_number(text: str) -> int:
    """A row's number in an address or a form, for `type=`. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and int(text) <= LARGEST):
        raise ValueError(text)
    return int(text)


def setup(app: Flask) -> None:
    """Put the common parts onto the app."""
    app.url_map.converters["int"] = RowNumber
    app.session_interface = ApartSessions()
    limits = {"MAX_CONTENT_LENGTH": MAX_FORM, "MAX_FORM_MEMORY_SIZE": MAX_FORM, "MAX_FORM_PARTS": MAX_FIELDS}
    app.config.update(limits)  # Flask has wider ones of its own, so that setdefault would change nothing
    app.before_request(_look_at_signs)
    csrf.init_app(app)
    app.jinja_env.globals["form_tokens"] = form_tokens
    app.jinja_env.globals["url_for"] = address_of
    app.jinja_env.globals["csrf_token"] = generate_csrf
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.after_request(_headers)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(Exception, _fault)


def takes_file(most: int) -> Callable[[View[P]], View[P]]:
    """A POST that carries a file of up to `most` bytes, by somebody signed in. Stands outermost, above `@require`."""

    def mark(view: View[P]) -> View[P]:
        view.hall_most = most  # type: ignore[attr-defined]
        return view

    return mark


def uploaded(name: str) -> bytes:
    """The bytes of a file field; none where no file was chosen."""
    given = request.files.get(name)
    return given.read() if given is not None else b""


def _most_of_file() -> int:
    """Bytes of a file that this address takes in; nought for nearly all of them."""
    return int(getattr(current_app.view_functions.get(request.endpoint or ""), "hall_most", 0))


def _look_at_signs() -> None:
    """Before anything reads them: signs that nobody types, and more fields than any form of ours has."""
    if (
        _most_of_file() and "_user_id" in session
    ):  # before the sign-in nobody makes us take in more than a form
        request.max_content_length = _most_of_file() + MAX_FORM
    fields = [(name, text) for name, texts in request.form.lists() for text in texts]
    if len(fields) > MAX_FIELDS:
        raise RequestEntityTooLarge
    asked = [(name, text) for name, texts in request.args.lists() for text in texts]
    texts = (request.path, *(one for pair in fields + asked for one in pair))
    if any(ODD_SIGNS.search(one) for one in texts):
        request.view_args = {}  # the page that says so must not look for them either
        text = _("请重新输一次，只用文字、数字和标点。")
        raise Refused("odd_signs", _("里面有认不出的字符"), text, status=400)


def address_of(endpoint: str, **values: Any) -> str:
    """`url_for` for templates; the front-end's files, of which a page names two dozen, without asking the router."""
    if endpoint == "static" and values.keys() == {"filename"}:
        return f"{request.root_path.rstrip('/')}{current_app.static_url_path}/{values['filename']}"
    return url_for(endpoint, **values)


def form_tokens() -> Markup:
    """Hidden fields of every form that changes something: against forgery, and the key of this one deed."""
    return Markup(
        '<input type="hidden" name="csrf_token" value="{}"><input type="hidden" name="request_key" value="{}">'
    ).format(generate_csrf(), secrets.token_urlsafe(16))


class _NotTaken(Exception):
    """A form that is shown again with what is wrong in it: takes the unit of work back."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def once(view: View[P]) -> View[P]:
    """A POST that changes something: runs in one unit of work under its request key, and answers a repeat alike. Of one
    that was not taken (an answer of 400 or more) nothing stays, its key neither."""

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
        return _once(lambda: None, lambda _nothing: view(*args, **kwargs))

    wrapper.hall_post = "once"  # type: ignore[attr-defined]
    return wrapper


def once_read(read: Callable[P, Given]) -> Callable[[Callable[[Given], Any]], View[P]]:
    """As `once`, for the hour in which everybody taps: where all writers wait for one lock, `read` is asked before it.
    The view works behind it with what that gave: plain values, no rows. Whatever must not have changed meanwhile is
    asked by the verb again. A repeat is answered alike, whatever `read` would find or refuse by then."""

    def mark(view: Callable[[Given], Any]) -> View[P]:
        @wraps(view)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
            return _once(lambda: read(*args, **kwargs), view)

        wrapper.hall_post = "once"  # type: ignore[attr-defined]
        return wrapper

    return mark


def _once(read: Callable[[], Given], deed: Callable[[Given], Any]) -> Any:
    scope = "staff" if on_staff_path() else "hall"
    key = request.form.get("request_key", "") or request.headers.get("Idempotency-Key", "")
    said = {
        name: request.form.getlist(name) for name in request.form if name not in {"csrf_token", "request_key"}
    }
    body = requestkeys.digest({"path": request.path, "form": said})
    try:
        with writers_turn():
            ahead = _unless_refused(read) if one_writer() else None
            with unit_of_work():
                before = requestkeys.claim(scope, key, body)
                if before is not None:
                    return _answer_again(before)
                # where nobody waits for all, it is read in this transaction: one begins and ends less
                given = ahead or _unless_refused(read)
                if isinstance(given, Refused):
                    raise given
                response = make_response(deed(given[0]))
                if response.status_code >= 400:
                    raise _NotTaken(response)
                requestkeys.keep(scope, key, _answer(response))
                return response
    except _NotTaken as told:
        return told.response


def _unless_refused(read: Callable[[], Given]) -> tuple[Given] | Refused:
    """What was read, or why not: whoever repeats a deed is answered first."""
    try:
        return (read(),)
    except Refused as refused:
        return refused


def repeatable(view: View[P]) -> View[P]:
    """A POST that may be repeated without harm (a heartbeat, a sign-in, a setting): carries no request key."""

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
        return view(*args, **kwargs)

    wrapper.hall_post = "repeatable"  # type: ignore[attr-defined]
    return wrapper


def shown_once(response: Any, again: str) -> Response:
    """A page with a secret on it: kept nowhere, also not beside its request key. A repeat leads to `again`."""
    request.environ["hall.again"] = again
    return personal(response)


def _answer(response: Response) -> dict[str, Any]:
    again = request.environ.get("hall.again")
    if again:
        return {"status": 303, "location": again, "body": None, "type": None}
    location = response.headers.get("Location")
    return {
        "status": response.status_code,
        "location": location,
        "body": None if location else response.get_data(as_text=True),
        "type": response.mimetype,
    }


def _answer_again(answer: dict[str, Any]) -> Response:
    if not answer:
        raise Refused("in_progress", _("正在办，请稍等"), _("上一次点的还没办完。"), status=409)
    if answer["location"]:
        return see_other(answer["location"])
    return Response(answer["body"], status=answer["status"], mimetype=answer["type"])


def see_other(url: str) -> Response:
    """303 after a POST: the browser opens `url` by GET."""
    return cast(Response, redirect(url, code=303))


def own_path(url: str | None, fallback: str) -> str:
    """`url` if it is a path on this host, else `fallback`: nothing sends a person elsewhere."""
    if not url or not url.startswith("/") or url.startswith("//") or "\\" in url or not url.isprintable():
        return fallback
    return url


def with_next(path: str, onward: str) -> str:
    """`path` that comes back to `onward`."""
    return f"{path}?next={quote(onward, safe='/')}"


def page_asked() -> str:
    """The address of this page, to come back to. Of a form that was sent: the page on which it stands.

    That is the form's own address where it can be opened, else the nearest above: `/family/3/end` is on `/family/3/`.
    """
    if request.method == "GET":
        return request.full_path.rstrip("?")
    path = request.path
    while path != "/" and not _opens(path):
        path = path[:-1] if path.endswith("/") else path.rpartition("/")[0] + "/"
    return path


def _opens(path: str) -> bool:
    try:
        current_app.create_url_adapter(request).match(path, method="GET")  # type: ignore[union-attr]
    except HTTPException:
        return False
    return True


def draw(template: str, **values: object) -> Markup:
    """A part of a page that is the same for everybody: made without what a page's shell needs."""
    return Markup(current_app.jinja_env.get_template(template).render(**values))  # noqa: S704 - escaped by the template


def digest(text: str) -> str:
    """A short name for exactly this text."""
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def not_modified(version: str) -> Response | None:
    """304 if the reader already has `version` of this page. Otherwise remembers to send it as ETag."""
    etag = digest(f"{current_app.config['BUILD']}\0{version}")
    if request.if_none_match.contains_weak(etag):
        response = Response(status=304)
        response.set_etag(etag, weak=True)
        response.headers["Cache-Control"] = "private, no-cache"  # else the browser drops what it keeps
        return response
    request.environ["hall.etag"] = etag
    return None


def personal(response: Any) -> Response:
    """A page about a person: never kept by a browser."""
    made = make_response(response)
    made.headers["Cache-Control"] = "no-store"
    return made


def code_reader() -> Response:
    """The script that reads codes from a camera. It alone may compile WebAssembly, apart from every page."""
    with current_app.open_resource("static/js/reader.js") as script:
        response = personal(Response(script.read(), mimetype="text/javascript"))
    response.headers["Content-Security-Policy"] = READER_POLICY
    return response


def _headers(response: BaseResponse) -> BaseResponse:
    given = {name.lower() for name in response.headers.keys()}  # noqa: SIM118 - iterating gives pairs
    for name, value in HEADERS.items():
        if name.lower() not in given:
            response.headers.add(name, value)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    etag = request.environ.get("hall.etag")
    if etag and response.status_code == 200:
        response.set_etag(etag, weak=True)
        response.headers.setdefault("Cache-Control", "private, no-cache")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
        response.vary.add("HX-Request")
    if request.path.startswith("/api/"):
        response.vary.add("Accept-Language")
        response.headers.setdefault("Content-Language", HTML_LANG[language()])
    return response


def wants_json() -> bool:
    """Whether the asker is a program."""
    return request.path.startswith("/api/") or (
        request.accept_mimetypes.best_match(["text/html", "application/problem+json"])
        == "application/problem+json"
    )


def show_refusal(error: Refused) -> Response:
    """A refusal as the asker reads it: a page in the surface's shell, or problem+json (RFC 9457)."""
    db.session.rollback()
    if error.ways is not None:
        error.alternatives = error.ways()
    if wants_json():
        response = current_app.json.response(
            type=f"urn:hall:{error.code}", title=error.title, detail=error.text, status=error.status
        )
        response.mimetype = "application/problem+json"
    else:
        response = make_response(
            render_template("refused.html", title=error.title, text=error.text, alternatives=_ways(error))
        )
    response.status_code = error.status
    return cast(Response, response)


def _ways(error: Refused) -> list[dict[str, Any]]:
    return [
        {"label": way.label, "form": {"url": way.url, "hidden": way.fields}}
        if way.fields
        else {"label": way.label, "url": way.url}
        for way in error.alternatives
    ]


def _refused(error: Refused) -> Response:
    metrics.REFUSALS.labels(error.code).inc()
    log.info("refused", refusal=error.code, status=error.status, path=request.path)
    return show_refusal(error)


def _forged(_error: CSRFError) -> Response:
    text = _("页面放得太久了，请重新打开再点一次。刚才的没有办。")
    again = [Alternative(_("回到首页"), home_url())]
    return _refused(Refused("page_too_old", _("请再点一次"), text, status=400, alternatives=again))


def _http_error(error: HTTPException) -> Response | HTTPException:
    if error.code is None or error.code < 400:
        return error
    if isinstance(error, BadHost):  # without a host that can be read no address can be made, and so no page
        return Response(_("这个地址打不开，请从社区首页进去。"), 400, mimetype="text/plain")
    if isinstance(error, RequestEntityTooLarge):
        small = _("请换一个小一点的文件。") if _most_of_file() else _("请少写一些，再点一次。")
        return _refused(Refused("too_large", _("内容太多了"), small, status=413))
    again = [Alternative(_("回到首页"), home_url())]
    if error.code in {404, 405}:
        title, text = _("这一页没有找到"), _("可能已经换了地方。您没有做错。")
        response = _refused(Refused("not_found", title, text, status=error.code, alternatives=again))
        if isinstance(error, MethodNotAllowed):
            response.allow.update(error.valid_methods or ())
        return response
    if error.code == 429:
        text = _("一下子来的太多了，请过一分钟再试，或找工作人员。")
        return _refused(Refused("too_many", _("请稍等一会儿"), text, status=429, alternatives=again))
    title, text = _("刚才没办成"), _("请再点一次，或找工作人员。您没有做错。")
    return _refused(Refused(f"http_{error.code}", title, text, status=error.code, alternatives=again))


def _database_away(error: OperationalError) -> Response:
    log.error("database_away", error=type(error.orig).__name__)
    return _sorry(503)


def _fault(error: Exception) -> Response:
    if current_app.config.get("PROPAGATE_EXCEPTIONS"):
        raise error
    log.error("fault", path=request.path, kind=type(error).__name__, exc_info=error)
    return _sorry(503 if isinstance(error, DBAPIError) else 500)


def _sorry(status: int) -> Response:
    """The last resort: a static page, made without the database."""
    g.database_away = True
    if request.path.startswith("/api/"):
        said = {"type": "urn:hall:fault", "title": "Try again in a moment", "status": status}
        response = cast(Response, current_app.json.response(said))
        response.status_code, response.mimetype = status, "application/problem+json"
    else:
        response = make_response(render_template("error.html"), status)
    response.headers["Retry-After"] = "10"
    return response


def home_url() -> str:
    """Where «首页» leads for whoever asks."""
    return cast(str, current_app.config["HOME_URL"]())
