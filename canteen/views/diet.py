"""What somebody may not or does not wish to eat: kept with their consent, gone when they say so."""

from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _

from canteen.services.diet import set_profile
from canteen.services.order import diet_of
from canteen.views.pick import listed, pick_many, pick_one
from canteen.views.root import base, blueprint, by_pin, load_canteen
from canteen.words import ALLERGENS, LABELS, TEXTURES
from centres.models import Centre
from core.http import once, personal, see_other
from core.http.paging import with_asked
from kiosk.session import actor, at_kiosk
from people.models import Resident
from people.services.residents import consents, give_consent, withdraw_consent


def _chosen(person: Resident) -> dict[str, str]:
    """What the address says; what it does not say is as kept."""
    kept = diet_of(person.id)
    texture = request.values.get("texture", kept.texture)
    return {
        "allergens": ",".join(listed("allergens", list(ALLERGENS), kept.allergens)),
        "labels": ",".join(listed("labels", list(LABELS), kept.labels)),
        "texture": texture if texture in TEXTURES else "regular",
    }


def _words(codes: str, words: Any) -> str:
    return _("、").join(str(words[one]) for one in codes.split(",") if one) or _("没有")


@blueprint.get("/diet/")
def diet(code: str) -> Response:
    """What is kept, each with its way to change; before consent: what we would keep and why."""
    centre, _canteen = load_canteen(code)
    _found, person = by_pin(centre.code)
    back = f"{base(centre)}/mine/"
    if "diet" not in consents(person.id):
        return personal(
            render_template(
                "canteen/diet_consent.html", agree_url=f"{base(centre)}/diet/agree", back_url=back
            )
        )
    chosen = _chosen(person)
    asked = request.args.get("ask", "")
    if asked in chosen:
        return _ask(centre, chosen, asked)
    path, kept = f"{base(centre)}/diet/", diet_of(person.id)
    same = (
        set(filter(None, chosen["allergens"].split(","))) == kept.allergens
        and set(filter(None, chosen["labels"].split(","))) == kept.labels
        and chosen["texture"] == kept.texture
    )
    rows = [
        {
            "label": label,
            "value": value,
            "url": with_asked(path, ask=ask) + _query(chosen),
            "change": change,
        }
        for label, value, ask, change in (
            (_("不能吃"), _words(chosen["allergens"], ALLERGENS), "allergens", _("改不能吃的")),
            (_("想要"), _words(chosen["labels"], LABELS), "labels", _("改想要的")),
            (_("软硬"), str(TEXTURES[chosen["texture"]]), "texture", _("改软硬")),
        )
    ]
    return personal(
        render_template(
            "canteen/diet.html",
            rows=rows,
            same=same,
            fields=chosen,
            keep_url=path,
            forget_url=f"{path}forget",
            back_url=back,
        )
    )


def _query(chosen: dict[str, str]) -> str:
    """All of it, the empty ones too: nothing chosen is a choice."""
    return "".join(f"&{name}={value}" for name, value in chosen.items())


def _ask(centre: Centre, chosen: dict[str, str], asked: str) -> Response:
    path = f"{base(centre)}/diet/"

    def on(value: str) -> str:
        return f"{path}?{_query({**chosen, asked: value})[1:]}"

    def stay(value: str) -> str:
        return f"{path}?ask={asked}&page={request.args.get('page', '1')}{_query({**chosen, asked: value})}"

    whole: dict[str, Any] = {"ask": asked, **{name: value or "-" for name, value in chosen.items()}}
    if asked == "texture":
        picked = pick_one(TEXTURES, chosen["texture"], on, path, **whole)
        title = _("要多软？")
    else:
        words = ALLERGENS if asked == "allergens" else LABELS
        picked = pick_many(words, chosen[asked].split(","), stay, path, **whole)
        title = _("哪些不能吃？") if asked == "allergens" else _("想要什么样的？")
    done = on(chosen[asked])
    return personal(
        render_template(
            "canteen/pick.html",
            title=title,
            picked=picked,
            done_url=None if asked == "texture" else done,
            back_url=done,
        )
    )


@blueprint.post("/diet/agree")
@once
def agree_diet(code: str) -> Response:
    """They let us keep it."""
    centre, _canteen = load_canteen(code)
    _found, person = by_pin(centre.code)
    give_consent(actor(), person.id, {"diet"}, "kiosk" if at_kiosk() else "phone")
    return see_other(f"{base(centre)}/diet/")


@blueprint.post("/diet/")
@once
def keep_diet(code: str) -> Response:
    """«记下来»."""
    centre, _canteen = load_canteen(code)
    _found, person = by_pin(centre.code)
    chosen = _chosen(person)
    set_profile(
        actor(),
        person.id,
        allergens=[one for one in chosen["allergens"].split(",") if one],
        labels=[one for one in chosen["labels"].split(",") if one],
        texture=chosen["texture"],
    )
    return see_other(f"{base(centre)}/diet/")


@blueprint.post("/diet/forget")
@once
def forget_diet(code: str) -> Response:
    """«都不要记了»: the consent is taken back, and with it goes what was kept."""
    centre, _canteen = load_canteen(code)
    _found, person = by_pin(centre.code)
    withdraw_consent(actor(), person.id, "diet")
    return see_other(f"{base(centre)}/mine/")
