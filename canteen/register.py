"""What the elders' register says of diets: kept with the elder's consent, by the verb that keeps diets."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from canteen import words
from canteen.services.diet import set_profile
from core.audit import Actor
from core.columns import Choice, Flag, Several, Words, Wrong, options_of
from core.imports import RegisterPart
from people.services.residents import consents, give_consent

SAID = ("diet_labels", "diet_allergens", "diet_avoid")


def _check(values: Mapping[str, Any]) -> None:
    if _says(values) and not values.get("diet_consent"):
        raise Wrong(_("记饮食要本人同意"), _("本人同意了，在“本人同意记饮食”写“是”；没有就把饮食几列空着。"))


def _says(values: Mapping[str, Any]) -> bool:
    return any(values.get(name) for name in SAID) or values.get("diet_texture") not in (None, "", "regular")


def _write(actor: Actor, resident_id: int, values: Mapping[str, Any]) -> None:
    if not values.get("diet_consent") or not _says(values):
        return
    if "diet" not in consents(resident_id):
        give_consent(actor, resident_id, {"diet"}, "register")
    set_profile(
        actor,
        resident_id,
        allergens=values.get("diet_allergens") or [],
        labels=values.get("diet_labels") or [],
        texture=values.get("diet_texture") or "regular",
        avoid=values.get("diet_avoid") or None,
    )


DIET = RegisterPart(
    columns=[
        Flag(
            name="diet_consent",
            label=lazy_gettext("本人同意记饮食"),
            hint=lazy_gettext("写“是”，后面几列才会记。"),
        ),
        Several(name="diet_labels", label=lazy_gettext("饮食"), options=options_of(words.LABELS)),
        Several(name="diet_allergens", label=lazy_gettext("过敏"), options=options_of(words.ALLERGENS)),
        Choice(
            name="diet_texture",
            label=lazy_gettext("软硬"),
            options=options_of(words.TEXTURES),
            blank=True,
        ),
        Words(
            name="diet_avoid",
            label=lazy_gettext("不吃什么"),
            most=100,
            hint=lazy_gettext("本人的原话，给厨房看。"),
        ),
    ],
    write=_write,
    check=_check,
)
