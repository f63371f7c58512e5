"""晨检: the list that is gone through before cooking begins, once a day."""

from collections.abc import Mapping
from typing import Any

from flask import Response, flash, make_response, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext

from canteen import desk_queries
from canteen.desk.root import COOK, LOOK, base, blueprint, load_canteen
from canteen.models import MorningCheck
from canteen.morning import GROUPS, ITEMS, Item, degrees, failed, parse_degrees
from canteen.services.samples import check_morning
from centres.models import Centre
from core.clock import local_day, now
from core.errors import Refused
from core.http import once, see_other
from core.words import clock_words, date_words, full_day
from people.access import require, signed_in


@blueprint.get("/morning/")
@require(LOOK)
def morning(centre: Centre) -> Any:
    """Today's list to fill in, or what was found; and the last days."""
    return _page(centre)


def _page(centre: Centre, said: Mapping[str, str] | None = None, refusal: Refused | None = None) -> str:
    """said: what was filled in before it was refused; nobody goes through fifteen lines twice."""
    canteen, today = load_canteen(centre), local_day(now(), centre.zone)
    check = desk_queries.morning_of(canteen.id, today)
    past = desk_queries.mornings(canteen.id, today)
    names = desk_queries.staff_names([one.staff_id for one in (*past, check) if one])
    return render_template(
        "canteen/desk_morning.html",
        title_words=full_day(today, today),
        check=_done(centre, check, names) if check else None,
        groups=[
            {
                "code": code,
                "name": words,
                "items": [_item(item, check) for item in ITEMS if item.group == code],
            }
            for code, words in GROUPS.items()
        ],
        past=[_done(centre, one, names) for one in past],
        said=said or {},
        refusal=refusal,
        url=f"{base(centre)}/morning/",
    )


def _item(item: Item, check: MorningCheck | None) -> dict[str, Any]:
    found = check.items.get(item.code) if check else None
    return {
        "code": item.code,
        "label": item.label,
        "is_temperature": item.is_temperature,
        "bounds": _bounds(item),
        "good": item.good(found),
        "found": _found(item, found) if check else "",
    }


def _bounds(item: Item) -> str:
    if item.most is None:
        return ""
    if item.least is None:
        return _("%(most)s ℃ 以下", most=degrees(item.most))
    return _("%(least)s 到 %(most)s ℃", least=degrees(item.least), most=degrees(item.most))


def _found(item: Item, value: Any) -> str:
    if item.is_temperature:
        return _("%(n)s ℃", n=degrees(value)) if isinstance(value, int) else ""
    return _("合格") if value is True else _("不合格")


def _done(centre: Centre, check: MorningCheck, names: dict[int, str]) -> dict[str, Any]:
    wrong = failed(check.items)
    return {
        "day": date_words(check.day),
        "when": clock_words(check.at, centre.zone),
        "who": names.get(check.staff_id or 0, ""),
        "passed": check.passed,
        "wrong": [str(item.label) for item in ITEMS if item.code in wrong],
        "note": check.note,
        "cold": [_found(item, check.items.get(item.code)) for item in ITEMS if item.is_temperature],
    }


@blueprint.post("/morning/")
@require(COOK)
@once
def check(centre: Centre) -> Response:
    """What was found."""
    try:
        done = check_morning(
            signed_in().id, load_canteen(centre), _read(request.form), request.form.get("note", "")
        )
    except Refused as refusal:
        if refusal.status != 422:
            raise
        return make_response(_page(centre, request.form, refusal), 422)
    wrong = len(failed(done.items))
    if wrong:
        flash(ngettext("记下了，有 %(num)s 项不合格。", "记下了，有 %(num)s 项不合格。", wrong), "warn")
    else:
        flash(_("晨检做好了，都合格。"), "ok")
    return see_other(f"{base(centre)}/morning/")


def _read(form: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in ITEMS:
        said = form.get(item.code, "").strip()
        if not item.is_temperature:
            found[item.code] = {"ok": True, "bad": False}.get(said)
            continue
        found[item.code] = parse_degrees(said) if said else None
        if said and found[item.code] is None:
            raise Refused(
                "degrees_odd",
                _("%(what)s的度数请再看看", what=item.label),
                _("比如 4 或 -18.5，单位是摄氏度。"),
                status=422,
            )
    return found
