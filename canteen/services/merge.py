"""Two records are one person: orders, rights, standing orders, the diet and the money of one become the other's.

A right that both used for the same meal is used once: one order keeps it, the other one is listed for correction.
"""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select, update

from canteen.models import (
    Account,
    DietProfile,
    MealOrder,
    Redemption,
    Run,
    StandingOrder,
    StandingSkip,
    SubsidyClaim,
    Transfer,
)
from canteen.rules import ALLERGENS, LABELS, TEXTURES, CanteenPolicy, free_slot
from canteen.services import corrections, ledger
from centres.policies import policies
from core import audit
from core.audit import Actor
from core.clock import database_now
from core.database import db
from core.errors import Refused
from core.versions import bump
from people.services.residents import consents

MOST_SLOTS = 1000


def merge(actor: Actor, from_id: int, to_id: int) -> None:
    """In the running unit of work, both people locked."""
    now = database_now()
    orders = _orders(from_id, to_id)
    _standing(actor, from_id, to_id, now)
    _claims(actor, from_id, to_id, now)
    _diet(from_id, to_id)
    _money(actor, from_id, to_id, now)
    _fetched(from_id, to_id)
    db.session.execute(
        update(Run).where(Run.carrier_resident_id == from_id).values(carrier_resident_id=to_id)
    )
    for centre_id in orders:
        bump(f"today:{centre_id}")


def _orders(from_id: int, to_id: int) -> list[int]:
    """Orders are the survivor's; what is held for them goes back to the survivor's account. What one record ordered for
    the other they ordered for themselves. Returns the centres."""
    rows = db.session.scalars(
        select(MealOrder).where(MealOrder.resident_id == from_id).order_by(MealOrder.id).with_for_update()
    ).all()
    for row in rows:
        row.resident_id = to_id
        bump(f"menu:{row.menu_id}")
    db.session.flush()
    for_them = update(MealOrder).where(MealOrder.proxy_id.in_([from_id, to_id]))
    db.session.execute(for_them.where(MealOrder.resident_id == to_id).values(proxy_id=None))
    db.session.execute(for_them.values(proxy_id=to_id))
    return sorted({row.centre_id for row in rows})


def _fetched(from_id: int, to_id: int) -> None:
    """Who fetched for others is the survivor. What one record fetched of the other's was their own all along."""
    mine = select(MealOrder.id).where(MealOrder.resident_id == to_id)
    by_them = update(Redemption).where(Redemption.fetched_by_id.in_([from_id, to_id]))
    db.session.execute(by_them.where(Redemption.order_id.in_(mine)).values(fetched_by_id=None))
    db.session.execute(by_them.values(fetched_by_id=to_id))


def _standing(actor: Actor, from_id: int, to_id: int, now: datetime) -> None:
    """Of two for the same meal in the same canteen the survivor's stays. Days left out for others: said by the
    survivor."""
    ours = {
        (row.canteen_id, row.meal)
        for row in db.session.scalars(
            select(StandingOrder).where(StandingOrder.resident_id == to_id, StandingOrder.state == "active")
        )
    }
    rows = db.session.scalars(
        select(StandingOrder).where(StandingOrder.resident_id == from_id).order_by(StandingOrder.id)
    ).all()
    for row in rows:
        if row.state == "active" and (row.canteen_id, row.meal) in ours:
            row.state, row.ended_at, row.ended_why, row.note = "ended", now, "merged", None
            audit.record(
                actor,
                "standing.ended",
                "standing_order",
                row.id,
                unit_id=row.canteen_id,
                detail={"why": "merged"},
            )
            db.session.flush()
        row.resident_id = to_id
    db.session.flush()
    mine = select(StandingOrder.id).where(StandingOrder.resident_id == to_id)
    said = update(StandingSkip).where(StandingSkip.proxy_id.in_([from_id, to_id]))
    db.session.execute(said.where(StandingSkip.standing_id.in_(mine)).values(proxy_id=None))
    db.session.execute(said.values(proxy_id=to_id))


def _claims(actor: Actor, from_id: int, to_id: int, now: datetime) -> None:
    """Each right takes the next free slot of its week. Used for the same meal by both: one stays, handed out before
    reserved, the survivor's before the other's."""
    theirs, ours = (
        db.session.scalars(
            select(SubsidyClaim)
            .where(SubsidyClaim.resident_id == person)
            .order_by(SubsidyClaim.id)
            .with_for_update()
        ).all()
        for person in (from_id, to_id)
    )
    meals = {(row.day, row.meal): row for row in ours if row.state != "released"}
    for row in theirs:
        twin = meals.get((row.day, row.meal)) if row.state != "released" else None
        if twin is not None:
            loser = twin if twin.state == "reserved" and row.state == "claimed" else row
            _release(actor, loser, now)
            db.session.flush()
        if row.state != "released":
            used = {one.slot for one in meals.values() if one.week == row.week and one.state != "released"}
            order = db.session.get_one(MealOrder, row.order_id)
            most = policies(CanteenPolicy, "canteen", order.centre_id, row.day).subsidies_week
            row.slot = free_slot(used, MOST_SLOTS) or MOST_SLOTS
            if row.slot > most:
                corrections.put_down(order, "week", row.amount_fen, now)
            meals[row.day, row.meal] = row
        row.resident_id = to_id
        db.session.flush()


def _release(actor: Actor, claim: SubsidyClaim, now: datetime) -> None:
    """The right was used twice: this order has none. What the government owed for it is taken back from the books."""
    if claim.state == "claimed":
        done = db.session.scalars(
            select(Transfer)
            .where(
                Transfer.order_id == claim.order_id,
                Transfer.kind == "subsidy",
                Transfer.id.not_in(select(Transfer.reverses_id).where(Transfer.reverses_id.is_not(None))),
            )
            .order_by(Transfer.id)
        ).all()
        for row in done:
            ledger.move(
                row.credit_id,
                row.debit_id,
                row.amount_fen,
                "reversal",
                actor,
                at=now,
                order_id=row.order_id,
                reverses_id=row.id,
                reason="merged",
            )
    claim.state, claim.at = "released", now
    order = db.session.get_one(MealOrder, claim.order_id)
    corrections.put_down(order, "same_meal", claim.amount_fen, now)


def _diet(from_id: int, to_id: int) -> None:
    """What either may not eat, nobody gives them. Without the consent nothing is kept."""
    theirs, ours = (db.session.get(DietProfile, person) for person in (from_id, to_id))
    if "diet" not in consents(to_id):
        for row in (theirs, ours):
            if row is not None:
                db.session.delete(row)
    elif theirs is not None:
        if ours is None:
            ours = DietProfile(resident_id=to_id, allergens=[], labels=[], texture="regular")
            db.session.add(ours)
        ours.allergens, ours.labels, ours.texture, ours.avoid = _union(ours, theirs)
        db.session.delete(theirs)
    db.session.flush()


def _union(ours: DietProfile, theirs: DietProfile) -> tuple[list[str], list[str], str, str | None]:
    """Everything of both; the softer of two textures; both own words."""
    own = [words for words in (ours.avoid, theirs.avoid) if words]
    return (
        [one for one in ALLERGENS if one in {*ours.allergens, *theirs.allergens}],
        [one for one in LABELS if one in {*ours.labels, *theirs.labels}],
        max(ours.texture, theirs.texture, key=TEXTURES.index),
        "；".join(dict.fromkeys(own))[:200] or None,
    )


def union_of(from_id: int, to_id: int) -> tuple[list[str], list[str], str, str | None] | None:
    """What the diet will be, for the preview; None where neither has one."""
    theirs, ours = (db.session.get(DietProfile, person) for person in (from_id, to_id))
    if theirs is None and ours is None:
        return None
    empty = DietProfile(allergens=[], labels=[], texture="regular")
    return _union(ours or empty, theirs or empty)


def _money(actor: Actor, from_id: int, to_id: int, now: datetime) -> None:
    """One transfer of the whole balance; the old account stays, empty."""
    account = db.session.scalar(
        select(Account)
        .where(Account.resident_id == from_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if account is None:
        return
    into = ledger.resident_account(to_id, account.centre_id)
    other = db.session.get_one(Account, into, with_for_update=True, populate_existing=True)
    if account.blocked_at is not None or other.blocked_at is not None:
        raise Refused("account_blocked", _("有一张饭卡正在核对"), _("查清楚以后再合并。"))
    if account.balance_fen:
        made = ledger.move(account.id, into, account.balance_fen, "merge", actor, at=now)
        audit.record(actor, "account.merged", "transfer", made, unit_id=account.centre_id, at=now)
    for centre_id in sorted({account.centre_id, other.centre_id}):
        bump(f"money:{centre_id}")
