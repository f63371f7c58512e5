"""晨检: the list that is gone through before cooking begins, once a day; what was not well is looked at again."""

from collections.abc import Mapping
from typing import Any

from flask import Response, flash, make_response, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext

from canteen import desk_queries
from canteen.desk.root import COOK, LOOK, base, blueprint, load_canteen
from canteen.models import MorningCheck, MorningPerson
from canteen.morning import (
    AT_WORK,
    BY_PERSON,
    GROUPS,
    ITEMS,
    PERSON,
    Item,
    degrees,
    failed,
    parse_degrees,
    still_open,
)
from canteen.services.samples import check_again, check_morning
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
    workers = desk_queries.workers_of(canteen.id) if check is None else []
    by_name = bool(check.people if check else workers)
    asked = [item for item in ITEMS if not (by_name and item.code in BY_PERSON)]
    checks = [one for one in (*past, check) if one]
    looked = [one.staff_id for one in checks] + [row.staff_id for one in checks for row in one.again]
    names = desk_queries.staff_names(looked)
    url = f"{base(centre)}/morning/"
    return render_template(
        "canteen/desk_morning.html",
        title_words=full_day(today, today),
        check=_done(centre, check, names) if check else None,
        groups=[
            {
                "code": code,
                "name": words,
                "items": [_item(item, check) for item in asked if item.group == code],
            }
            for code, words in GROUPS.items()
        ],
        people=[_person(one) for one in check.people] if check else [],
        workers=[{"id": one.id, "name": one.name} for one in workers],
        states=[(code, str(words)) for code, words in PERSON.items()],
        open_items=[_item(item, None) for item in ITEMS if check and item.code in _open(check)],
        workers_url=f"/staff/c/{centre.code}/data/workers/",
        again_url=f"{url}again",
        past=[_done(centre, one, names) for one in past],
        said=said or {},
        refusal=refusal,
        url=url,
    )


def _open(check: MorningCheck) -> list[str]:
    """Codes of what is not well yet."""
    return still_open(check.items, [one.items for one in check.again])


def _person(row: MorningPerson) -> dict[str, Any]:
    """How one of them was, and whether their certificate held on that day."""
    return {
        "name": row.worker.name,
        "state": str(PERSON[row.state]),
        "look": {"well": "ok", "wound": "warn", "ill": "err"}.get(row.state, ""),
        "until": str(row.certificate_until or ""),
        "at_work": row.state in AT_WORK,
    }


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
        "open": bool(_open(check)),
        "again": [
            _(
                "%(time)s %(who)s 复查：%(what)s",
                time=clock_words(one.at, centre.zone),
                who=names.get(one.staff_id or 0, ""),
                what=_again_words(one.items, one.note),
            )
            for one in check.again
        ],
        "ill": [one.worker.name for one in check.people if one.state == "ill"],
        "cold": [_found(item, check.items.get(item.code)) for item in ITEMS if item.is_temperature],
    }


def _again_words(items: Mapping[str, Any], note: str) -> str:
    """What came of looking again: 都合格, or what is not well still, and what is done."""
    wrong = [str(item.label) for item in ITEMS if item.code in items and not item.good(items[item.code])]
    words = _("还不合格：%(what)s", what=_("、").join(wrong)) if wrong else _("都合格")
    return _("%(what)s（%(note)s）", what=words, note=note) if note else words


@blueprint.post("/morning/")
@require(COOK)
@once
def check(centre: Centre) -> Response:
    """What was found."""
    try:
        done = check_morning(
            signed_in().id,
            load_canteen(centre),
            _read(request.form),
            request.form.get("note", ""),
            _people(request.form),
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


@blueprint.post("/morning/again")
@require(COOK)
@once
def again(centre: Centre) -> Response:
    """What was found when it was looked at again."""
    try:
        done = check_again(
            signed_in().id, load_canteen(centre), _read(request.form), request.form.get("note", "")
        )
    except Refused as refusal:
        if refusal.status != 422:
            raise
        return make_response(_page(centre, request.form, refusal), 422)
    left = len(_open(done))
    if left:
        flash(ngettext("记下了，还有 %(num)s 项不合格。", "记下了，还有 %(num)s 项不合格。", left), "warn")
    else:
        flash(_("复查好了，都合格。"), "ok")
    return see_other(f"{base(centre)}/morning/")


def _people(form: Mapping[str, str]) -> dict[int, str]:
    """Worker → how they are, of the fields `p-7`."""
    found = {name.removeprefix("p-"): said for name, said in form.items() if name.startswith("p-")}
    plain = (number for number in found if number.isascii() and number.isdigit() and len(number) < 10)
    return {int(number): found[number] for number in plain}


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
