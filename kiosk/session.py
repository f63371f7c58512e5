"""Who stands before which screen: the device, the visit, the preferences, and what every page's shell shows."""

from functools import cache
from typing import Any, cast

from babel import Locale
from flask import Flask, Response, current_app, g, has_request_context, make_response, request, session
from flask_babel import gettext as _

from centres.models import Centre
from centres.policies import policies
from centres.queries import centre_by_code
from core.audit import NOBODY, Actor
from core.clock import local, local_day, now
from core.errors import NotFound, Refused
from core.http import on_staff_path
from core.i18n import DEFAULT, HTML_LANG, LANGUAGES
from core.words import clock_words, date_words
from kiosk import services
from kiosk.models import Device, Visit
from kiosk.queries import (
    call_words,
    device_by_secret,
    last_paper,
    notice_words,
    phone_is_confirmed,
    visit_by_token,
)
from kiosk.rules import IDLE_WARN, IDLE_WARN_PERSONAL, IDLE_WIPE, KioskPolicy, prefs_of
from kiosk.speech import available as speech_available

DEVICE_COOKIE, PHONE_COOKIE = "hall_device", "hall_phone"
YEAR = 400 * 24 * 3600
DEFAULTS = {"text": "normal", "contrast": "normal", "reach": "normal", "lang": DEFAULT}
CHOICES = {
    "text": {"normal", "elder"},
    "contrast": {"normal", "high"},
    "reach": {"normal", "low"},
    "lang": set(LANGUAGES),
}
POLLS = frozenset({"kiosk.heartbeat", "kiosk.alive", "static"})


def setup(app: Flask) -> None:
    """Residents' side of every request: who asks, and what the shell needs."""
    before = app.before_request_funcs.setdefault(None, [])
    before.insert(0, _who)  # first: what the common checks refuse is shown in the shell of whoever asks
    app.context_processor(_context)


def _who() -> None:
    g.centre = None
    if on_staff_path() or request.endpoint == "static":
        g.device = g.visit = None
    elif request.method != "POST" and "X-Poll" not in request.headers:
        _look()


def _look() -> None:
    """Who asks: at the beginning of a request. A form wants to know it behind the lock, a poll perhaps not at all: they
    look when they do."""
    g.device = g.visit = None
    secret = request.cookies.get(DEVICE_COOKIE)
    if secret:
        g.device = device_by_secret(secret)
    token = session.get("visit")
    if token:
        shows = request.method != "POST"
        g.visit = visit_by_token(token, g.device.id if g.device else None, with_person=shows)
        if g.visit is None:
            session.pop("visit")
        elif request.endpoint not in POLLS and "X-Poll" not in request.headers:
            services.touch(g.visit, now())


def device() -> Device | None:
    """The paired kiosk that asks, or None: a phone or any browser."""
    return cast(Device | None, _asker("device"))


def need_device() -> Device:
    """The kiosk that asks. Refuses everybody else."""
    found = device()
    if found is None:
        raise Refused("not_a_kiosk", _("这一页只在一体机上用"), _("手机上请从社区首页进去。"), status=403)
    return found


def at_kiosk() -> bool:
    """Whether a paired kiosk asks."""
    return device() is not None


def is_here(centre_id: int | None = None) -> bool:
    """Whether a kiosk of the very centre that the page is about asks: only there somebody can sit down or eat now.
    centre_id: of whoever has not loaded the centre itself."""
    kiosk, centre = device(), g.get("centre")
    about = centre.id if centre_id is None and centre is not None else centre_id
    return kiosk is not None and about in {None, kiosk.centre_id}


def visit() -> Visit | None:
    """The running visit, or None."""
    return cast(Visit | None, _asker("visit"))


def _asker(what: str) -> Any:
    if g.get("database_away"):
        return None
    if what not in g and has_request_context():
        _look()
    return g.get(what)


def known_visit() -> Visit | None:
    """The running visit if we know who it is."""
    found = visit()
    return found if found is not None and found.resident_id is not None else None


def need_visit(centre: Centre) -> Visit:
    """The running visit; begins one where there is none. Joins the unit of work of a POST."""
    found = visit()
    if found is None:
        kiosk = device()
        found, token = services.begin_visit(centre.id, kiosk.id if kiosk else None)
        g.visit, session["visit"] = found, token
        session.permanent = not at_kiosk()
    return found


def renew_visit(centre: Centre) -> Visit:
    """End the visit before and begin another: somebody else stands here now."""
    if visit() is not None:
        services.end_visit(g.visit.id)
        g.visit = None
    return need_visit(centre)


def actor() -> Actor:
    """Who acts, for the audit."""
    found = known_visit()
    if found is not None and found.resident_id is not None:
        return Actor("resident", found.resident_id)
    kiosk = device()
    return Actor("device", kiosk.id) if kiosk else NOBODY


def load_centre(code: str) -> Centre:
    """The centre of the address; remembers it for the shell."""
    centre = centre_by_code(code)
    if centre is None:
        raise NotFound(_("没有找到这个中心"), _("请从首页进去。"))
    return show_centre(centre)


def show_centre(centre: Centre) -> Centre:
    """The shell shows this centre."""
    g.centre = centre
    return centre


def prefs() -> dict[str, str]:
    """How the reader wants pages: text, contrast, reach, lang."""
    kept = session.get("prefs", {})
    return {name: kept.get(name, default) for name, default in DEFAULTS.items()}


def set_prefs(wanted: dict[str, str]) -> None:
    """Keep preferences until the wipe. Unknown ones are left out."""
    good = {name: value for name, value in wanted.items() if value in CHOICES.get(name, set())}
    session["prefs"] = {**session.get("prefs", {}), **good}


def use_card_settings() -> None:
    """A card may carry, with consent, its holder's settings: they hold until the wipe."""
    found = known_visit()
    if found is None or found.resident is None:
        return
    if found.resident.settings:  # without any, what was chosen at the screen stays
        set_prefs(prefs_of(found.resident.settings))
    if found.resident.language != DEFAULT:
        set_prefs({"lang": found.resident.language})


def language_of_request() -> str:
    """The language to answer in; outside a request (the clock, commands) the source's."""
    if not has_request_context():
        return DEFAULT
    if on_staff_path():
        return str(session.get("lang", DEFAULT))
    if request.path.startswith("/api/"):
        return _language_of_program()
    return prefs()["lang"]


def _language_of_program() -> str:
    """The first of its `Accept-Language` that we have: a program has no screen on which somebody chose one."""
    for tag, _quality in request.accept_languages:
        parts = tag.lower().replace("_", "-").split("-")
        if parts[0] == "en":
            return "en"
        if parts[0] == "zh":
            return "zh_Hant" if {"hant", "tw", "hk", "mo"} & set(parts) else DEFAULT
    return DEFAULT


def locale_of_request() -> Locale:
    """The same for Flask-Babel."""
    return _locale(language_of_request())


@cache
def _locale(code: str) -> Locale:
    return Locale.parse(code)


def home_of_request() -> str:
    """Where «首页» leads for whoever asks."""
    if on_staff_path():
        return "/staff/"
    return "/kiosk/" if at_kiosk() else "/"


def shown_name() -> str | None:
    """The visitor's masked name, where this screen may show it: kiosks, and phones they confirmed with their PIN."""
    found = known_visit()
    if found is None or found.resident is None:
        return None
    if at_kiosk() or found.level == "pin":
        return found.resident.masked_name
    token = request.cookies.get(PHONE_COOKIE)
    confirmed = bool(token) and phone_is_confirmed(str(token), found.resident.id)
    return found.resident.masked_name if confirmed else None


def by_card_alone() -> bool:
    """Whether somebody is known by nothing but a card, which a stranger may have photographed: no PIN was given, and
    this is no phone on which they once gave it."""
    found = known_visit()
    return found is not None and found.level == "card" and (at_kiosk() or shown_name() is None)


def shown_notice() -> dict[str, str] | None:
    """What staff say on this kiosk's screen; nothing while it shows somebody's own things, which are more urgent."""
    kiosk = device()
    return notice_words(kiosk) if kiosk is not None and known_visit() is None else None


def paper_panel(code: str) -> dict[str, Any] | None:
    """How the slip of a code stands at this kiosk's printer, for the page that shows it; None: there is no printer.

    state: None (not asked for), waiting, printed, no_paper, away. is_over: nothing is tried any more. nth: the next
    ask. by_itself: the page asks for the first one without being tapped.
    """
    kiosk = device()
    if kiosk is None or kiosk.printer is None:
        return None
    slip, asked = last_paper(kiosk.id, code)
    rule = policies(KioskPolicy, "kiosk", kiosk.centre_id, local_day(now(), kiosk.centre.zone))
    return {
        "url": f"/q/{code}/paper",
        "state": slip.state if slip else None,
        "is_over": slip is None or slip.is_over,
        "nth": asked,
        "by_itself": slip is None and rule.prints == "always",
    }


def forget() -> Response:
    """The wipe: the visit ends, the person's cookie goes by name, the device's own stays."""
    kiosk = device()
    if kiosk is not None and kiosk.printer is not None:
        services.leave_screen(kiosk)
    if visit() is not None:
        services.end_visit(g.visit.id)
    g.visit = None
    session.clear()
    return make_response("", 204)


def keep_device(response: Response, secret: str) -> Response:
    """Give the paired browser its credential."""
    response.set_cookie(
        DEVICE_COOKIE,
        secret,
        max_age=YEAR,
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )
    return response


def keep_phone(response: Response, token: str) -> Response:
    """Remember that this phone was confirmed."""
    response.set_cookie(
        PHONE_COOKIE,
        token,
        max_age=YEAR,
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )
    return response


def _context() -> dict[str, Any]:
    if on_staff_path():
        return {}
    found, kiosk = known_visit(), device()
    away = bool(g.get("database_away"))
    centre = None if away else g.get("centre") or (kiosk.centre if kiosk else None)
    zone = centre.zone if centre else "Asia/Shanghai"
    wanted, moment = prefs(), now()
    changed = wanted != DEFAULTS or visit() is not None
    home = request.endpoint in {"kiosk.home", "kiosk.phone_home"}
    warn = IDLE_WARN_PERSONAL if found else IDLE_WARN
    return {
        "surface": "kiosk" if kiosk else "phone",
        "shell": "shells/kiosk.html"
        if kiosk
        or request.endpoint in {"kiosk.pair_page", "kiosk.pair"}
        or (away and DEVICE_COOKIE in request.cookies)
        else "shells/phone.html",
        "prefs": wanted,
        "html_lang": HTML_LANG[wanted["lang"]],
        "centre": centre,
        "device": kiosk,
        "visit": {"resident_name_masked": shown_name(), "level": found.level} if found else None,
        "clock_now": local(moment, zone),
        "clock_date": date_words(local(moment, zone).date()),
        "clock_time": clock_words(moment, zone),
        "speech": bool(kiosk) and speech_available(),
        "back_url": None,
        "here": request.full_path.rstrip("?") if request.method == "GET" else "/",
        "is_home": home,
        "home_url": "/kiosk/" if kiosk else f"/c/{centre.code}/" if centre else "/",
        "idle": {"warn": warn, "wipe": IDLE_WIPE} if kiosk and (changed or not home) else None,
        "call_state": call_words(kiosk.id) if kiosk else None,
        "on_screen": shown_notice(),
        "build": current_app.config["BUILD"],
    }
