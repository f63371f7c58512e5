"""Who is at the console and what they may do. Each staff view says whom it is for; a test walks the URL map."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import wraps
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Response, current_app, g, make_response, request, session, url_for
from flask_babel import gettext as _
from flask_login import current_user, logout_user

from centres.models import Centre
from centres.policies import chain
from centres.queries import centre_by_code, subtree
from core import audit
from core.audit import NOBODY, Actor
from core.clock import database_now, now
from core.database import db, unit_of_work
from core.errors import NotFound
from core.http import STAFF_PATH, on_staff_path, own_path, see_other
from people.models import Resident, Staff
from people.rules import TOTP_ROLES

View = Callable[..., Any]
Roles = frozenset[str]
IDLE, LONGEST = timedelta(minutes=30), timedelta(hours=12)
BEFORE_TOTP = {
    "security.two_factor_setup",
    "security.two_factor_setup_validate",
    "security.verify",
    "security.logout",
    "security.alive",
}


# --- who ------------------------------------------------------------------------------------------------------------


def current_staff() -> Staff | None:
    """Whoever is signed in; None for nobody, and always None outside the console."""
    if not on_staff_path() or g.get("database_away") or not current_user.is_authenticated:
        return None
    return cast(Staff, current_user._get_current_object())


def signed_in() -> Staff:
    """Whoever is signed in, in a view that asked for it."""
    staff = current_staff()
    if staff is None:
        raise RuntimeError("this view needs require() or require_anywhere()")
    return staff


def actor() -> Actor:
    """Who acts, for services and the audit."""
    staff = current_staff()
    return Actor("staff", staff.id) if staff else NOBODY


# --- what they may --------------------------------------------------------------------------------------------------


def grants(staff: Staff) -> frozenset[tuple[str, int]]:
    """(role, unit) as granted, read once per request."""
    kept: dict[int, frozenset[tuple[str, int]]] = g.setdefault("hall_grants", {})
    if staff.id not in kept:
        kept[staff.id] = frozenset((one.role, one.unit_id) for one in staff.grants)
    return kept[staff.id]


def grants_roles(staff: Staff, unit_id: int) -> Roles:
    """Roles over a unit: granted there or on any unit above it."""
    above = _chain(unit_id)
    return frozenset(role for role, unit in grants(staff) if unit in above)


def units_with(staff: Staff, roles: Roles) -> frozenset[int]:
    """Every unit over which one of `roles` is held."""
    return subtree({unit for role, unit in grants(staff) if role in roles})


def needs_totp(staff: Staff) -> bool:
    """Whether this person's post demands a code at sign-in. The demo's people are let off, in demo mode only."""
    if staff.is_demo and current_app.config["HALL_DEMO"]:
        return False
    return any(role in TOTP_ROLES for role, _unit in grants(staff))


def resident_or_refuse(resident_id: int, roles: Roles) -> Resident:
    """A resident of a district in which the person signed in holds one of `roles`. Else: not found."""
    resident = db.session.get(Resident, resident_id)
    units = {unit for role, unit in grants(signed_in()) if role in roles}
    if resident is None or resident.district_id not in {_chain(unit)[-1] for unit in units}:
        raise NotFound(_("没有找到这位居民"), _("请再看看编号，或问问主管。"))
    return resident


def open_record(centre: Centre, resident_id: int, roles: Roles) -> Resident:
    """The same for a page that shows who it is: that the record was opened is audited."""
    resident_or_refuse(resident_id, roles)
    with unit_of_work():
        audit.record(actor(), "resident.read", "resident", resident_id, unit_id=centre.id, at=database_now())
    return resident_or_refuse(resident_id, roles)


def _chain(unit_id: int) -> list[int]:
    kept: dict[int, list[int]] = g.setdefault("hall_chains", {})
    if unit_id not in kept:
        kept[unit_id] = chain(unit_id)
    return kept[unit_id]


# --- marks on views -------------------------------------------------------------------------------------------------


def require(roles: Iterable[str], *, also_locked: bool = False) -> Callable[[View], View]:
    """A view of one centre: `<centre>` of its address becomes the row, for those who hold one of `roles` there.

    also_locked: after the console has locked, the page of the centre it was on still opens by GET, with nobody signed
    in (`current_staff()` is None): the view then shows open calls for help and nothing else.
    """
    wanted = frozenset(roles)

    def mark(view: View) -> View:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            staff = current_staff()
            locked = also_locked and request.method == "GET" and locked_centre() == kwargs["centre"]
            if staff is None and not locked:
                return sign_in_first()
            centre = centre_by_code(kwargs["centre"])
            if centre is None or (staff is not None and not grants_roles(staff, centre.id) & wanted):
                raise _not_here()
            if staff is not None and session.get("centre") != centre.code:
                session["centre"] = centre.code
            return view(*args, **{**kwargs, "centre": centre})

        wrapper.hall_grant = wanted  # type: ignore[attr-defined]
        wrapper.hall_also_locked = also_locked  # type: ignore[attr-defined]
        return wrapper

    return mark


def require_anywhere(roles: Iterable[str]) -> Callable[[View], View]:
    """A view of no centre in particular, for those who hold one of `roles` over any unit."""
    wanted = frozenset(roles)

    def mark(view: View) -> View:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            staff = current_staff()
            if staff is None:
                return sign_in_first()
            if not wanted & {role for role, _unit in grants(staff)}:
                raise _not_here()
            return view(*args, **kwargs)

        wrapper.hall_grant = wanted  # type: ignore[attr-defined]
        return wrapper

    return mark


def open_to_all(view: View) -> View:
    """A view on the console's path that needs no grant, such as the sign-in itself."""
    view.hall_grant = frozenset()  # type: ignore[attr-defined]
    return view


def polling(view: View) -> View:
    """A view that pages ask by themselves: it does not keep a session awake. Stands under `require`."""
    view.hall_polling = True  # type: ignore[attr-defined]
    return view


def _not_here() -> NotFound:
    return NotFound(_("这一页没有找到"), _("可能已经换了地方，或者不归您的岗位。请问主管。"))


# --- the session ----------------------------------------------------------------------------------------------------


def begin_session() -> None:
    """Somebody has just signed in."""
    session.pop("locked_centre", None)
    session["since"] = session["seen"] = int(now().timestamp())


def forget_session() -> None:
    """Nobody is signed in any more. A console that is locked stays so."""
    kept = {name: session[name] for name in ("locked_centre", "lang") if name in session}
    session.clear()
    session.update(kept)


def locked_centre() -> str | None:
    """Code of the centre this console was on when it locked; None if it is not locked."""
    code = session.get("locked_centre") if on_staff_path() and current_staff() is None else None
    return cast(str | None, code)


def watch() -> Response | None:
    """Before each request to the console: lock what has lain idle, and let nobody pass who lacks their code."""
    staff = current_staff()
    if staff is None:
        return None
    moment = int(now().timestamp())
    idle, signed_in_for = moment - session.get("seen", 0), moment - session.get("since", 0)
    demo_in_earnest = staff.is_demo and not current_app.config["HALL_DEMO"]
    if idle >= IDLE.total_seconds() or signed_in_for >= LONGEST.total_seconds() or demo_in_earnest:
        return _lock()
    if not _is_polling():
        session["seen"] = moment
    if request.endpoint not in BEFORE_TOTP and not staff.tf_primary_method and needs_totp(staff):
        return send_to(url_for("security.two_factor_setup"))
    return None


def _lock() -> Response | None:
    """Sign out, keep nothing but the centre. Where only a fragment was asked for, the whole page is left."""
    code = session.get("centre")
    logout_user()
    if code:
        session["locked_centre"] = code
    forget_session()
    if "HX-Request" not in request.headers:
        return None
    return send_to(f"{STAFF_PATH}/c/{code}/today" if code else url_for("security.login"))


def _is_polling() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "hall_polling", False) or "HX-Polling" in request.headers


# --- ways -----------------------------------------------------------------------------------------------------------


def sign_in_first() -> Response:
    """To the sign-in, and from there back to where they wanted to go."""
    return send_to(url_for("security.login", next=own_path(_wanted(), f"{STAFF_PATH}/")))


def send_to(url: str) -> Response:
    """The whole page goes to `url`, whether a browser or htmx asked."""
    if "HX-Request" not in request.headers:
        return see_other(url)
    response = make_response("", 401)
    response.headers["HX-Redirect"] = url
    return response


def _wanted() -> str | None:
    """The page a person is on or asked for; never the address of a fragment or of a POST."""
    fragment = "HX-Request" in request.headers and "HX-Boosted" not in request.headers
    if request.method == "GET" and not fragment:
        return request.full_path.rstrip("?")
    current = urlsplit(request.headers.get("HX-Current-URL", ""))
    return current._replace(scheme="", netloc="").geturl()
