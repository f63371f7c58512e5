"""What somebody may not or does not wish to eat: kept with their consent, gone with it."""

from collections.abc import Collection

from flask_babel import gettext as _
from sqlalchemy import delete, update

from canteen.models import DietProfile, MealOrder, StandingOrder
from canteen.rules import ALLERGENS, LABELS, TEXTURES
from core import audit
from core.audit import Actor
from core.database import db, unit_of_work
from core.errors import Refused
from people.services.residents import consents, locked

MOST_WORDS = 200


def set_profile(
    actor: Actor,
    resident_id: int,
    *,
    allergens: Collection[str],
    labels: Collection[str],
    texture: str,
    avoid: str | None = None,
) -> DietProfile:
    """Keep a profile in place of the one before. avoid: in their own words; None leaves those as they are."""
    if not set(allergens) <= set(ALLERGENS) or not set(labels) <= set(LABELS) or texture not in TEXTURES:
        raise Refused("diet_odd", _("请再选一次"), status=422)
    with unit_of_work():
        locked(resident_id)
        if "diet" not in consents(resident_id):
            raise Refused(
                "diet_consent", _("您同意了，我们才记"), _("请先看一看记什么、做什么用。"), status=403
            )
        row = db.session.get(DietProfile, resident_id)
        if row is None:
            row = DietProfile(resident_id=resident_id)
            db.session.add(row)
        row.allergens = [one for one in ALLERGENS if one in allergens]
        row.labels = [one for one in LABELS if one in labels]
        row.texture = texture
        if avoid is not None:
            row.avoid = avoid.strip()[:MOST_WORDS] or None
        db.session.flush()
        audit.record(actor, "diet.kept", "resident", resident_id)
    return row


def erase(actor: Actor, resident_id: int) -> None:
    """Nothing of it is kept any more, nor what they wrote to the kitchen. Again it changes nothing."""
    with unit_of_work():
        gone = db.session.execute(
            delete(DietProfile)
            .where(DietProfile.resident_id == resident_id)
            .returning(DietProfile.resident_id)
        ).first()
        for table in (StandingOrder, MealOrder):
            db.session.execute(
                update(table)
                .where(table.resident_id == resident_id, table.note.is_not(None))
                .values(note=None)
            )
        if gone is not None:
            audit.record(actor, "diet.erased", "resident", resident_id)
