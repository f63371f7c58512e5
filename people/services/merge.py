"""Two records turn out to be one person: one stays, everything of the other becomes its own. Two people decide.

Nothing of either is lost: times that overlap stay side by side with a mark, and where both had a say the stricter one
holds. The record that goes keeps its name, so that it can still be found, and leads to the one that stays.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import delete, or_, select, update

from core import approvals, audit
from core.approvals import Approval, ApprovalKind
from core.audit import Actor
from core.clock import database_now
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.events import emit
from core.intervals import Interval
from core.outbox import Message
from core.versions import bump
from core.words import masked
from people.models import (
    CallTask,
    Card,
    Commitment,
    Consent,
    FamilyInvitation,
    FamilyLink,
    Resident,
    ResidentStatus,
)
from people.phones import phone_indexes
from people.services.residents import NAMES, end_family

KIND = "people.merge"
MERGED = "merged"
Hook = Callable[[Actor, int, int], None]


class Hooks:
    """What the floors above move; `create_app` fills it."""

    all: Sequence[Hook] = ()


def use(hooks: Sequence[Hook]) -> None:
    """Called once by `create_app`."""
    Hooks.all = tuple(hooks)


# --- asking ---------------------------------------------------------------------------------------------------------


def ask_merge(staff_id: int, unit_id: int, from_id: int, to_id: int, reason: str) -> Approval:
    """Ask a second member of staff. What is asked is carried out as things are at the moment of the yes."""
    _check(from_id, to_id)
    return approvals.ask(KIND, from_id, unit_id, staff_id, reason, {"from": from_id, "to": to_id})


def _check(from_id: int, to_id: int) -> tuple[Resident, Resident]:
    """Both records, locked in one order. Refuses what cannot be one person."""
    if from_id == to_id:
        raise Refused("merge_same", _("这是同一份资料"), _("请选另一份。"), status=422)
    rows = {
        row.id: row
        for row in db.session.scalars(
            select(Resident)
            .where(Resident.id.in_([from_id, to_id]))
            .order_by(Resident.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
    }
    if len(rows) != 2 or rows[from_id].district_id != rows[to_id].district_id:
        raise NotFound(_("没有找到这位居民"))
    if any(row.lifecycle != "active" for row in rows.values()):
        raise Refused("not_active", _("有一份已经停用了"), _("只能合并两份都在用的资料。"))
    return rows[from_id], rows[to_id]


def _words(approval: Approval) -> str:
    gone, stays = (db.session.get_one(Resident, approval.detail[name]) for name in ("from", "to"))
    return _(
        "合并两份资料：%(gone)s（%(a)d）并入 %(stays)s（%(b)d）",
        gone=masked(gone.name),
        a=gone.id,
        stays=masked(stays.name),
        b=stays.id,
    )


def _carry_out(approval: Approval, actor: Actor) -> None:
    merge(actor, approval.detail["from"], approval.detail["to"])


APPROVALS = [ApprovalKind(KIND, frozenset({"manager", "supervisor"}), _words, _carry_out)]


# --- doing ----------------------------------------------------------------------------------------------------------


def merge(actor: Actor, from_id: int, to_id: int) -> Resident:
    """In one unit of work: everything of `from_id` becomes `to_id`'s, and `from_id` leads there."""
    with unit_of_work():
        now = database_now()
        gone, stays = _check(from_id, to_id)
        _consents(actor, gone, stays)
        for hook in Hooks.all:
            hook(actor, from_id, to_id)
        overlaps = _commitments(from_id, to_id)
        _cards(from_id, to_id)
        _family(from_id, to_id)
        _statuses(from_id, to_id)
        _fill_gaps(gone, stays)
        db.session.execute(update(CallTask).where(CallTask.resident_id == from_id).values(resident_id=to_id))
        db.session.execute(
            update(Message)
            .where(Message.resident_id == from_id, Message.sent_at.is_(None))
            .values(resident_id=to_id)
        )
        db.session.execute(
            update(Resident).where(Resident.merged_into_id == from_id).values(merged_into_id=to_id)
        )
        gone.lifecycle, gone.merged_into_id = "merged", to_id
        gone.pin_hash, gone.pin_open_until, gone.settings = None, None, {}
        db.session.flush()
        detail = {"into": to_id, "overlaps": overlaps}
        audit.record(actor, "resident.merged", "resident", from_id, detail=detail, at=now)
        audit.record(actor, "resident.took_in", "resident", to_id, detail={"from": from_id}, at=now)
        emit("resident.merged", {"from": from_id, "to": to_id}, at=now)
        bump(NAMES)
    return stays


def _consents(actor: Actor, gone: Resident, stays: Resident) -> None:
    """What either record has taken back is taken back; what either agreed to, and neither took back, holds."""
    rows: dict[str, list[Consent]] = defaultdict(list)
    for row in db.session.scalars(
        select(Consent).where(Consent.resident_id.in_([gone.id, stays.id])).order_by(Consent.id)
    ):
        rows[row.kind].append(row)
    now = database_now()
    for kind, found in sorted(rows.items()):
        live = {row.resident_id: row for row in found if row.withdrawn_at is None}
        refused = any(
            person not in live and any(row.resident_id == person for row in found)
            for person in (gone.id, stays.id)
        )
        theirs, ours = live.get(gone.id), live.get(stays.id)
        if theirs is not None:
            theirs.withdrawn_at = now
        if refused and ours is not None:
            ours.withdrawn_at = now
            audit.record(
                actor, "consent.withdrawn", "resident", stays.id, detail={"kind": kind, "by": MERGED}
            )
        if refused and kind == "family":
            end_family(actor, stays.id)
        if not refused and theirs is not None and ours is None:
            db.session.add(
                Consent(
                    resident_id=stays.id,
                    kind=kind,
                    version=theirs.version,
                    given_at=theirs.given_at,
                    given_where=theirs.given_where,
                )
            )
    db.session.flush()


def _commitments(from_id: int, to_id: int) -> int:
    """One time line; what overlaps stays, marked. Returns how many do."""
    theirs, ours = (
        db.session.scalars(
            select(Commitment)
            .where(Commitment.resident_id == person)
            .order_by(Commitment.id)
            .with_for_update()
        ).all()
        for person in (from_id, to_id)
    )
    overlaps = 0
    for row in theirs:
        here = Interval(row.starts_at, row.ends_at)
        reason = row.overlap_reason
        if reason is None and any(
            one.overlap_reason is None and here.overlaps(Interval(one.starts_at, one.ends_at)) for one in ours
        ):
            reason, overlaps = MERGED, overlaps + 1
        row.resident_id, row.overlap_reason = to_id, reason
    db.session.flush()
    return overlaps


def _cards(from_id: int, to_id: int) -> None:
    """Every card goes on working, for the one that stays."""
    db.session.execute(update(Card).where(Card.resident_id == from_id).values(resident_id=to_id))


def _family(from_id: int, to_id: int) -> None:
    """What was agreed with the record that goes was not agreed with the one that stays: such links follow as questions,
    and the elder is asked again. One to oneself ends; of two between the same people the survivor's is kept, with the
    stricter word. Who was invited by the record that goes is invited anew."""
    now = database_now()
    mine = update(FamilyInvitation).where(FamilyInvitation.elder_id == from_id)
    db.session.execute(mine.where(FamilyInvitation.state == "open").values(state="withdrawn"))
    db.session.execute(mine.values(elder_id=to_id))
    rows = db.session.scalars(
        select(FamilyLink)
        .where(
            or_(FamilyLink.elder_id.in_([from_id, to_id]), FamilyLink.proxy_id.in_([from_id, to_id])),
            FamilyLink.state != "ended",
        )
        .order_by(FamilyLink.id)
        .with_for_update()
    ).all()
    kept: dict[tuple[int, int], FamilyLink] = {}
    moved: list[tuple[FamilyLink, int, int]] = []
    for row in sorted(rows, key=lambda row: from_id in (row.elder_id, row.proxy_id)):
        elder, proxy = (to_id if one == from_id else one for one in (row.elder_id, row.proxy_id))
        twin = kept.get((elder, proxy))
        if elder == proxy or twin is not None:
            if twin is not None:
                twin.sees_collected = twin.sees_collected and row.sees_collected
                twin.pays_since = twin.pays_since and row.pays_since
            row.state, row.ended_at, row.ended_by, row.pays_since = "ended", now, MERGED, None
            continue
        kept[elder, proxy] = row
        moved.append((row, elder, proxy))
    db.session.flush()  # the ended ones first: of two people there is one live link
    for row, elder, proxy in moved:
        if (row.elder_id, row.proxy_id) != (elder, proxy):
            row.elder_id, row.proxy_id = elder, proxy
            row.state, row.agreed_at, row.sees_collected, row.pays_since = "asked", None, False, None
    db.session.flush()


def _statuses(from_id: int, to_id: int) -> None:
    """Findings of public bodies: both are true. Those of one kind that touch become one stretch of days."""
    rows = db.session.scalars(
        select(ResidentStatus)
        .where(ResidentStatus.resident_id.in_([from_id, to_id]))
        .order_by(ResidentStatus.starts_on)
    ).all()
    by_kind: dict[str, list[tuple[date, date | None]]] = defaultdict(list)
    for row in rows:
        spans = by_kind[row.kind]
        if spans and (spans[-1][1] is None or row.starts_on <= spans[-1][1]):
            begins, ends = spans.pop()
            both = ends is not None and row.ends_on is not None
            spans.append((begins, max(ends, row.ends_on) if both and ends and row.ends_on else None))
        else:
            spans.append((row.starts_on, row.ends_on))
    if not any(row.resident_id == from_id for row in rows):
        return
    db.session.execute(delete(ResidentStatus).where(ResidentStatus.resident_id.in_([from_id, to_id])))
    for row in rows:
        db.session.expunge(row)
    db.session.add_all(
        ResidentStatus(resident_id=to_id, kind=kind, starts_on=begins, ends_on=ends)
        for kind, spans in sorted(by_kind.items())
        for begins, ends in spans
    )
    db.session.flush()


def _fill_gaps(gone: Resident, stays: Resident) -> None:
    """What the one that stays does not have is taken over; what it has, it keeps."""
    if not stays.phone and gone.phone:
        stays.phone = gone.phone
        stays.phone_index, stays.phone_tail_index = phone_indexes(gone.phone)
    stays.email = stays.email or gone.email
    stays.hukou, stays.hukou_district = stays.hukou or gone.hukou, stays.hukou_district or gone.hukou_district
    if stays.building_id is None:
        stays.building_id, stays.room = gone.building_id, gone.room
    stays.home_centre_id = stays.home_centre_id or gone.home_centre_id
    stays.lives_alone = stays.lives_alone or gone.lives_alone
    stays.adapted_seat = stays.adapted_seat or gone.adapted_seat


# --- looking --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Side:
    """One record as it stands beside the other in the preview."""

    person: Resident
    cards: list[Card]
    consents: dict[str, bool]
    """Kind → whether it is in force; False: taken back."""
    statuses: int
    links: int
    coming: int


def sides(from_id: int, to_id: int) -> tuple[Side, Side]:
    """Both records for the preview. Refuses what cannot be merged."""
    with unit_of_work():
        _check(from_id, to_id)
    return _side(from_id), _side(to_id)


def _side(resident_id: int) -> Side:
    now = database_now()
    consents: dict[str, bool] = {}
    for row in db.session.scalars(
        select(Consent).where(Consent.resident_id == resident_id).order_by(Consent.id)
    ):
        consents[row.kind] = row.withdrawn_at is None
    cards = db.session.scalars(
        select(Card).where(Card.resident_id == resident_id, Card.revoked_at.is_(None)).order_by(Card.id)
    ).all()
    links = db.session.scalars(
        select(FamilyLink.id).where(
            or_(FamilyLink.elder_id == resident_id, FamilyLink.proxy_id == resident_id),
            FamilyLink.state != "ended",
        )
    ).all()
    statuses = db.session.scalars(
        select(ResidentStatus.id).where(ResidentStatus.resident_id == resident_id)
    ).all()
    coming = db.session.scalars(
        select(Commitment.id).where(Commitment.resident_id == resident_id, Commitment.ends_at > now)
    ).all()
    return Side(
        db.session.get_one(Resident, resident_id),
        list(cards),
        consents,
        len(statuses),
        len(links),
        len(coming),
    )


def survivor(person: Resident) -> Resident:
    """The record that a merged one leads to; any other is its own."""
    return db.session.get_one(Resident, person.merged_into_id) if person.merged_into_id else person


def merged_names(resident_id: int) -> list[str]:
    """Names under which records were that are now this one."""
    query = select(Resident.name).where(Resident.merged_into_id == resident_id)
    return list(db.session.scalars(query.order_by(Resident.id)))
