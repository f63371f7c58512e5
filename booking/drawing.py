"""A space's plan as a drawing, for whoever sets it up. In decimetres; colours come from the style sheet.

Only constants are `Markup`; every value goes through its `format`, which escapes.
"""

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup

from booking.models import Space, Unit
from core.i18n import pick

MARGIN, LETTER = 4, 6
SIDES = {
    "top": lazy_gettext("上边"),
    "left": lazy_gettext("左边"),
    "right": lazy_gettext("右边"),
    "bottom": lazy_gettext("下边"),
}


def drawn(space: Space) -> str:
    """SVG of tables, seats with their codes (x, y: their middle) and what stands along the sides; '' without seats."""
    seats = [unit for unit in space.units if unit.retired_at is None and unit.width]
    if space.mode != "seats" or not seats:
        return ""
    tables = space.plan.get("tables", [])
    right = max([unit.x + unit.width for unit in seats] + [table["x"] + table["w"] for table in tables])
    bottom = max([unit.y + unit.height for unit in seats] + [table["y"] + table["h"] for table in tables])
    words = _("%(space)s的座位图，共 %(n)d 个座位", space=space.name, n=len(seats))
    return Markup(
        '<svg class="plan-drawing" role="img" aria-label="{}" viewBox="{} {} {} {}">{}{}</svg>{}'
    ).format(
        words,
        -MARGIN,
        -MARGIN,
        right + 2 * MARGIN,
        bottom + 2 * MARGIN,
        Markup("").join(
            Markup('<rect class="table" x="{}" y="{}" width="{}" height="{}"/>').format(
                table["x"], table["y"], table["w"], table["h"]
            )
            for table in tables
        ),
        _seats(seats),
        _sides(space),
    )


def _seats(seats: Sequence[Unit]) -> Markup:
    return Markup("").join(
        Markup(
            '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="2"/><text x="{}" y="{}">{}</text>'
        ).format(
            "wheel" if unit.wheelchair else "kept" if unit.walk_in else "seat",
            unit.x - unit.width / 2,
            unit.y - unit.height / 2,
            unit.width,
            unit.height,
            unit.x,
            unit.y + LETTER / 3,
            unit.code,
        )
        for unit in seats
    )


def _sides(space: Space) -> Markup:
    """In words below the drawing: along its sides they would have to be turned."""
    walls = space.plan.get("walls", {})
    said = [
        f"{words} {pick(walls[side]['zh'], walls[side].get('en', ''))}"
        for side, words in SIDES.items()
        if side in walls
    ]
    return Markup('<p class="hint">{}</p>').format(_("；").join(said)) if said else Markup("")
