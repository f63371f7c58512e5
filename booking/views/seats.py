"""Which seat: the plan of the room, and its list. Nothing is held yet."""

from collections.abc import Sequence
from typing import Any

from flask import render_template, request
from flask_babel import gettext as _

from booking import queries
from booking.forms import show_moment
from booking.queries import Seat, propose
from booking.views.choice import Choice, choose
from booking.views.root import blueprint, space_url
from core.clock import local, local_day
from core.http import see_other
from core.http.paging import paging
from core.i18n import pick
from core.words import full_day, near_day, short_day, span_words
from kiosk.session import is_here, known_visit, prefs

ROWS_A_PAGE = 5


def _resident() -> Any:
    found = known_visit()
    return found.resident if found else None


def _seats_of(choice: Choice) -> list[Seat]:
    return choice.room.seats(choice.span) if choice.span else []


def _picked(choice: Choice) -> tuple[list[Seat], Seat | None, str | None]:
    """The seats, the one that is chosen or proposed, and its code."""
    found = _seats_of(choice)
    chosen = _chosen(choice, found)
    return found, chosen, chosen.unit.code if chosen else None


@blueprint.get("/spaces/<space>/<day>/")
def seat_page(code: str, space: str, day: str) -> Any:
    """The plan of the room, with a seat already proposed."""
    choice = choose(code, space, day)
    if choice.span is None:
        return see_other(f"{space_url(choice.centre, choice.day.space)}/")
    found, chosen, code_of = _picked(choice)
    tables = choice.day.space.plan.get("tables", [])
    shown = request.args.get("table", None, int)
    if shown is None:
        shown = next(
            (n for n, table in enumerate(tables) if chosen and chosen.unit.table_code == table["code"]), 0
        )
    shown = min(max(0, shown), max(0, len(tables) - 1))
    helped = _another(found, code_of)
    today = local_day(choice.moment, choice.day.zone)
    place = choice.day.space
    return render_template(
        "booking/seats.html",
        space_name=place.name,
        date_label=full_day(choice.day.day, today),
        date_short=short_day(choice.day.day, today),
        chosen=code_of,
        chosen_why=_("靠窗的") if chosen and chosen.unit.traits.get("window") else None,
        sessions=_tabs(choice),
        plan=_plan(choice, found, code_of),
        table=shown if tables else None,
        table_prev_url=choice.url(seat=code_of, table=shown - 1) if shown > 0 else None,
        table_next_url=choice.url(seat=code_of, table=shown + 1) if shown + 1 < len(tables) else None,
        times_url=choice.url("times", seat=code_of),
        list_url=choice.url("list", seat=code_of),
        help_url=choice.url(seat=helped.unit.code) if helped else None,
        ways_url=choice.url("ways", seat=code_of),
        hold_url=f"{space_url(choice.centre, place)}/hold",
        hold_fields=hold_fields(choice, code_of) if code_of else {},
        back_url=f"{space_url(choice.centre, place)}/",
    )


def hold_fields(choice: Choice, seat: str) -> dict[str, str]:
    """What the form that holds a seat says."""
    span, zone = choice.span, choice.day.zone
    if span is None:
        return {}
    return {"seat": seat, "from": show_moment(span.start, zone), "to": show_moment(span.end, zone)}


def _chosen(choice: Choice, found: Sequence[Seat]) -> Seat | None:
    asked = request.args.get("seat")
    fitting = next((seat for seat in found if seat.unit.code == asked and seat.state == "free"), None)
    if fitting is not None:
        return fitting
    person = _resident()
    last = queries.last_booking(person.id, choice.centre.id) if person else None
    return propose(found, last_code=last.unit.code if last and last.unit else None)


def _tabs(choice: Choice) -> list[dict[str, Any]]:
    tabs = []
    zone = choice.day.zone
    for session in choice.sessions:
        hours = span_words(session.span.start, session.span.end, zone)
        reason = _("已经过了") if session.over else None
        tabs.append(
            {
                "label": _("现在") if session.running and is_here() else session.name,
                "note": _("%(hours)s 剩%(n)s座", hours=hours, n=choice.room.free(session.span)),
                "url": choice.url(span=session.span, seat=request.args.get("seat")),
                "chosen": choice.span == session.span,
                "off_reason": reason,
            }
        )
    if choice.span and not any(tab["chosen"] for tab in tabs):
        own = span_words(choice.span.start, choice.span.end, zone)
        tabs = [
            *tabs[:2],
            {"label": _("您定的"), "note": own, "url": choice.url(), "chosen": True, "off_reason": None},
        ]
    elif len(tabs) == 2:
        tabs = _with_evening(choice, tabs)
    return tabs[:3] if len(tabs) > 3 else tabs


def _with_evening(choice: Choice, tabs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A third, dashed tab for the evening where the space has evenings on other days: shown, not hidden."""
    zone = choice.day.zone
    has_evening = any(local(session.usual.start, zone).hour >= 18 for session in choice.sessions)
    from_others = any(
        local(opening.start, zone).hour >= 18
        for day in queries.bookable_days(choice.day.space, choice.moment)
        for opening in day.openings
    )
    if has_evening or not from_others or prefs()["text"] == "elder":
        return tabs
    near = near_day(choice.day.day, local_day(choice.moment, zone))
    return [
        *tabs,
        {
            "label": _("晚上"),
            "note": "",
            "url": None,
            "chosen": False,
            "off_reason": _("%(day)s晚上不开放", day=near),
        },
    ]


def _plan(choice: Choice, found: Sequence[Seat], chosen: str | None) -> dict[str, Any]:
    plan = choice.day.space.plan
    walls = {side: pick(words["zh"], words["en"]) for side, words in plan.get("walls", {}).items()}
    looks = {seat.unit.code: _look(choice, seat, chosen) for seat in found}
    if not plan.get("tables"):
        lines: dict[int, list[Seat]] = {}
        for seat in found:
            lines.setdefault(seat.unit.y, []).append(seat)
        rows = [
            {
                "name": _("第%(n)s排", n=n + 1),
                "seats": [looks[seat.unit.code] for seat in sorted(line, key=lambda s: s.unit.x)],
            }
            for n, (_y, line) in enumerate(sorted(lines.items()))
        ]
        return {"rows": rows, "walls": walls}
    tables = []
    for table in plan["tables"]:
        middle = table["x"]
        here = [seat for seat in found if seat.unit.table_code == table["code"]]
        heights = sorted({seat.unit.y for seat in here})
        pairs = []
        for height in heights:
            left = next((s for s in here if s.unit.y == height and s.unit.x < middle), None)
            right = next((s for s in here if s.unit.y == height and s.unit.x >= middle), None)
            pairs.append([looks[s.unit.code] if s else None for s in (left, right)])
        tables.append(
            {"code": table["code"], "name": pick(table["name_zh"], table["name_en"]), "rows": pairs}
        )
    return {"tables": tables, "walls": walls}


def _look(choice: Choice, seat: Seat, chosen: str | None) -> dict[str, Any]:
    code = seat.unit.code
    is_chosen = code == chosen
    traits = seat.unit.traits
    notes = [
        words
        for name, words in (("window", _("靠窗")), ("socket", _("有插座")), ("lamp", _("有台灯")))
        if traits.get(name)
    ]
    return {
        "code": code,
        "state": "chosen" if is_chosen else seat.state,
        "word": _("您选的") if is_chosen else seat.word,
        "note": seat.note or _("，").join(notes),
        "wheelchair": seat.unit.wheelchair,
        "url": choice.url(seat=code) if seat.state == "free" and not is_chosen else None,
        "choose_url": choice.url(seat=code),
    }


def _another(found: Sequence[Seat], code_of: str | None) -> Seat | None:
    """What «帮我选» proposes next; None where there is no other."""
    return propose(found, after=code_of) if len([s for s in found if s.state == "free"]) > 1 else None


@blueprint.get("/spaces/<space>/<day>/ways")
def other_ways(code: str, space: str, day: str) -> Any:
    """«更多» of the large edition, whose seat page has no room for them: another time, the list, «帮我选»."""
    choice = choose(code, space, day)
    if choice.span is None:
        return see_other(f"{space_url(choice.centre, choice.day.space)}/")
    found, _seat, code_of = _picked(choice)
    helped = _another(found, code_of)
    ways = [
        (_("帮我选"), _("替您换一个空座位"), choice.url(seat=helped.unit.code) if helped else None),
        (_("列表"), _("一行一个座位，慢慢看"), choice.url("list", seat=code_of)),
        (_("改时间"), _("几点来，坐多久"), choice.url("times", seat=code_of)),
    ]
    return render_template(
        "booking/ways.html",
        space_name=choice.day.space.name,
        date_short=short_day(choice.day.day, local_day(choice.moment, choice.day.zone)),
        time_label=span_words(choice.span.start, choice.span.end, choice.day.zone),
        ways=[{"label": label, "note": note, "url": url} for label, note, url in ways if url],
        back_url=choice.url(seat=code_of),
    )


@blueprint.get("/spaces/<space>/<day>/list")
def seat_list(code: str, space: str, day: str) -> Any:
    """The seats as a list: the plan's twin, five rows a page, free ones first."""
    choice = choose(code, space, day)
    if choice.span is None:
        return see_other(f"{space_url(choice.centre, choice.day.space)}/")
    found, _seat, code_of = _picked(choice)
    rows = sorted(
        (_look(choice, seat, code_of) for seat in found),
        key=lambda row: row["state"] not in {"free", "chosen"},
    )
    pages = paging(len(rows), ROWS_A_PAGE, lambda n: choice.url("list", seat=code_of, page=n))
    today = local_day(choice.moment, choice.day.zone)
    return render_template(
        "booking/seats_list.html",
        space_name=choice.day.space.name,
        date_label=full_day(choice.day.day, today),
        time_label=span_words(choice.span.start, choice.span.end, choice.day.zone),
        seats=[_row(row) for row in pages.of(rows)],
        paging=pages,
        times_url=choice.url("times", seat=code_of),
        back_url=choice.url(seat=code_of),
    )


def _row(look: dict[str, Any]) -> dict[str, Any]:
    """A seat as a line of the list."""
    usable = look["state"] in {"free", "chosen"}
    return {
        "label": look["code"],
        "note": _("，").join(word for word in (look["word"], look["note"]) if word),
        "url": look["choose_url"] if usable else None,
        "chosen": look["state"] == "chosen",
        "off_reason": None if usable else look["note"] or look["word"],
    }
