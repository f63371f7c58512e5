"""The monthly settlement with the government: what is claimed, sealed once; what turns out wrong later is taken back in
the next month. What comes of it: `paid.py`."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, and_, exists, func, insert, or_, select
from sqlalchemy.orm import aliased

from canteen.catalogue import catalogue_of, rules_on
from canteen.models import (
    Account,
    Canteen,
    ClaimCorrection,
    MealOrder,
    OddScan,
    Redemption,
    Settlement,
    SettlementLine,
    SubsidyClaim,
    Transfer,
)
from canteen.rules import Rule
from canteen.services import ledger
from core import audit
from core.audit import Actor
from core.clock import database_now, day_bounds, local_day
from core.database import db, unit_of_work
from core.errors import Refused
from core.words import month_day

KINDS = ("meal", "delivery", "operating")
UNDONE, SAME_PERSON = "undone", "same_person"
"""Why a line is taken back: the meal was not handed out after all, or two records were one person, helped already."""
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One amount for one order, as it is claimed or will be. Negative: it takes an earlier one back."""

    order_id: int
    kind: str
    rule_id: int
    amount_fen: int
    corrects_id: int | None = None
    reason: str = ""
    id: int | None = None
    """Once it is sealed."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An order whose claimed subsidy is not what the ledger has moved for it."""

    order_id: int
    claimed_fen: int
    ledger_fen: int


@dataclass(frozen=True, slots=True)
class Month:
    """A month's claim: sealed, or as it would be sealed now."""

    centre_id: int
    month: date
    settlement: Settlement | None
    lines: Sequence[Line]
    differences: Sequence[Difference]
    """Meals, order by order."""
    booked_fen: int | None = None
    """Delivery and operation as the ledger has them; None before the month is sealed, when nobody owes them yet."""

    @property
    def claimed_fen(self) -> int:
        """What is asked for in all."""
        return sum(line.amount_fen for line in self.lines)

    @property
    def support_fen(self) -> int:
        """What is asked for delivery and operation."""
        return sum(line.amount_fen for line in self.lines if line.kind != "meal")

    @property
    def support_fits(self) -> bool:
        """Whether the ledger has what is asked for delivery and operation, or cannot have it yet."""
        return self.booked_fen is None or self.booked_fen == self.support_fen

    @property
    def came_fen(self) -> int:
        """What has come so far."""
        return self.settlement.came_fen if self.settlement else 0

    @property
    def missing_fen(self) -> int | None:
        """What was paid short; None before anything came."""
        return self.claimed_fen - self.came_fen if self.came_fen else None


def first_of(day: date) -> date:
    """The first day of a day's month."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    """The first day of the month after."""
    return first_of(month + timedelta(days=31))


# --- what a month claims --------------------------------------------------------------------------------------------


def month_of(centre_id: int, month: date) -> Month:
    """A month's claim. Reads only."""
    row = db.session.scalar(
        select(Settlement).where(Settlement.centre_id == centre_id, Settlement.month == month)
    )
    lines = _sealed(row.id) if row is not None else _due(centre_id, month)
    differences = _differences(centre_id, month, lines, sealed=row is not None)
    return Month(centre_id, month, row, lines, differences, _support_booked(row) if row is not None else None)


def _sealed(settlement_id: int) -> list[Line]:
    rows = db.session.scalars(
        select(SettlementLine)
        .where(SettlementLine.settlement_id == settlement_id)
        .order_by(SettlementLine.id)
    )
    return [
        Line(row.order_id, row.kind, row.rule_id, row.amount_fen, row.corrects_id, row.reason, row.id)
        for row in rows
    ]


def _due(centre_id: int, month: date) -> list[Line]:
    """The month's meals; those of sealed months that came to light since; and what these should not have claimed."""
    of_month = and_(MealOrder.day >= month, MealOrder.day < next_month(month))
    in_question = or_(of_month, MealOrder.day < sealed_until(centre_id, month))
    helped = (
        select(MealOrder.id, MealOrder.day, SubsidyClaim.rule_id, SubsidyClaim.amount_fen)
        .join(SubsidyClaim, SubsidyClaim.order_id == MealOrder.id)
        .join(Redemption, and_(Redemption.order_id == MealOrder.id, Redemption.state == "stands"))
        .where(MealOrder.centre_id == centre_id, in_question, SubsidyClaim.state == "claimed")
        .order_by(MealOrder.day, MealOrder.id)
    )
    brought = (
        select(
            MealOrder.id,
            MealOrder.day,
            MealOrder.delivery_subsidy_fen,
            MealOrder.resident_id,
            MealOrder.meal,
        )
        .where(
            MealOrder.centre_id == centre_id,
            in_question,
            MealOrder.state == "delivered",
            MealOrder.delivery_subsidy_fen > 0,
            ~_trip_claimed(),
        )
        .order_by(MealOrder.day, MealOrder.id)
    )
    rules = _RulesByDay(centre_id)
    lines = [
        Line(row.id, "meal", row.rule_id, row.amount_fen)
        for row in db.session.execute(_unclaimed(helped, "meal"))
    ]
    trips = set()
    for row in db.session.execute(_unclaimed(brought, "delivery")):
        trip = (row.resident_id, row.day, row.meal)
        if trip in trips:
            continue  # two portions at one door are one trip
        trips.add(trip)
        rule = rules.of("delivery", row.day, row.delivery_subsidy_fen)
        if rule is not None:
            lines.append(Line(row.id, "delivery", rule.id, row.delivery_subsidy_fen))
    for row in db.session.execute(_unclaimed(helped, "operating")):
        rule = rules.of("operating", row.day)
        if rule is not None and rule.amount_fen:
            lines.append(Line(row.id, "operating", rule.id, rule.amount_fen))
    return lines + _taken_back(centre_id, month)


def _trip_claimed() -> ColumnElement[bool]:
    """Whether the trip to this person for this meal stands in a settlement already, by another portion of theirs."""
    line, other, back = aliased(SettlementLine), aliased(MealOrder), aliased(SettlementLine)
    return exists().where(
        line.order_id == other.id,
        line.kind == "delivery",
        line.corrects_id.is_(None),
        other.resident_id == MealOrder.resident_id,
        other.day == MealOrder.day,
        other.meal == MealOrder.meal,
        ~exists().where(back.corrects_id == line.id),
    )


def _unclaimed(query: Select[*tuple[Any, ...]], kind: str) -> Select[*tuple[Any, ...]]:
    line = aliased(SettlementLine)
    return query.where(
        ~exists().where(line.order_id == MealOrder.id, line.kind == kind, line.corrects_id.is_(None))
    )


def _taken_back(centre_id: int, month: date) -> list[Line]:
    """Lines of earlier months whose meal was not handed out after all, and that nobody has taken back yet."""
    later = aliased(SettlementLine)
    rows = db.session.execute(
        select(SettlementLine, MealOrder.state, SubsidyClaim.state, ClaimCorrection.id)
        .join(Settlement, Settlement.id == SettlementLine.settlement_id)
        .join(MealOrder, MealOrder.id == SettlementLine.order_id)
        .outerjoin(SubsidyClaim, SubsidyClaim.order_id == MealOrder.id)
        .outerjoin(ClaimCorrection, ClaimCorrection.order_id == MealOrder.id)
        .where(
            Settlement.centre_id == centre_id,
            Settlement.month < month,
            SettlementLine.corrects_id.is_(None),
            ~exists().where(later.corrects_id == SettlementLine.id),
        )
        .order_by(SettlementLine.id)
    )
    return [
        Line(
            line.order_id,
            line.kind,
            line.rule_id,
            -line.amount_fen,
            line.id,
            UNDONE if merged is None else SAME_PERSON,
        )
        for line, state, claim, merged in rows
        if (state != "delivered" if line.kind == "delivery" else claim != "claimed")
    ]


class _RulesByDay:
    """Rules of a centre in force on days, each day read once."""

    def __init__(self, centre_id: int) -> None:
        self._centre = centre_id
        self._versions = catalogue_of(db.session.get_one(Canteen, centre_id))
        self._days: dict[date, list[Rule]] = {}

    def of(self, kind: str, day: date, amount_fen: int | None = None) -> Rule | None:
        """The rule of a kind that paid so much; the first of the kind where none paid just that."""
        if day not in self._days:
            self._days[day] = rules_on(self._centre, day, *self._versions)[0]
        of_kind = sorted((rule for rule in self._days[day] if rule.kind == kind), key=lambda rule: rule.code)
        same = [rule for rule in of_kind if rule.amount_fen == amount_fen]
        return next(iter([*same, *of_kind]), None)


# --- whether it fits ------------------------------------------------------------------------------------------------


def _differences(centre_id: int, month: date, lines: Sequence[Line], *, sealed: bool) -> list[Difference]:
    """Orders of the month, and what else it claims, whose meal subsidy is not what the ledger has moved.

    What a sealed month lacks or has too much fits where the next one to be sealed will claim it or take it back.
    """
    of_month = select(MealOrder.id).where(
        MealOrder.centre_id == centre_id, MealOrder.day >= month, MealOrder.day < next_month(month)
    )
    orders = {line.order_id for line in lines} | set(
        db.session.scalars(of_month.where(MealOrder.subsidy_fen > 0))
    )
    claimed = _claimed(orders)
    for line in _due(centre_id, sealed_until(centre_id, date.max)) if sealed else lines:
        if line.kind == "meal" and line.order_id in orders:
            claimed[line.order_id] += line.amount_fen
    moved = _moved(centre_id, orders)
    return [
        Difference(order, claimed[order], moved[order])
        for order in sorted(orders)
        if claimed[order] != moved[order]
    ]


def _claimed(orders: Collection[int]) -> dict[int, int]:
    """Order → what all settlements claim for its meal."""
    found: dict[int, int] = defaultdict(int)
    for some in _chunks(orders):
        query = (
            select(SettlementLine.order_id, func.sum(SettlementLine.amount_fen))
            .where(SettlementLine.kind == "meal", SettlementLine.order_id.in_(some))
            .group_by(SettlementLine.order_id)
        )
        found.update({order: int(fen) for order, fen in db.session.execute(query).all()})
    return found


def _moved(centre_id: int, orders: Collection[int]) -> dict[int, int]:
    """Order → what the ledger has moved out of the subsidy account for it, less what it took back."""
    account = db.session.scalar(
        select(Account.id).where(Account.centre_id == centre_id, Account.kind == "subsidy")
    )
    found: dict[int, int] = defaultdict(int)
    for some in _chunks(orders) if account is not None else []:
        query = select(Transfer.order_id, Transfer.debit_id, Transfer.amount_fen).where(
            Transfer.order_id.in_(some), (Transfer.debit_id == account) | (Transfer.credit_id == account)
        )
        for order, debit, fen in db.session.execute(query):
            found[order or 0] += fen if debit == account else -fen
    return found


def _support_booked(row: Settlement) -> int:
    """What the ledger has for a sealed month's delivery and operation."""
    moved = db.session.get(Transfer, row.support_id) if row.support_id is not None else None
    if moved is None:
        return 0
    owes = db.session.scalar(select(Account.kind).where(Account.id == moved.debit_id)) == "subsidy"
    return moved.amount_fen if owes else -moved.amount_fen


def _chunks(orders: Collection[int]) -> list[list[int]]:
    found = sorted(orders)
    return [found[start : start + CHUNK] for start in range(0, len(found), CHUNK)]


# --- verbs ----------------------------------------------------------------------------------------------------------


def seal(staff_id: int, centre_id: int, month: date) -> Settlement:
    """The month's claim stands from now on. Sealing again changes nothing."""
    with unit_of_work():
        now = database_now()
        canteen = db.session.get_one(Canteen, centre_id, with_for_update=True, populate_existing=True)
        found = month_of(centre_id, month)
        if found.settlement is not None:
            return found.settlement
        _may_be_sealed(found, canteen.centre.zone, local_day(now, canteen.centre.zone))
        row = Settlement(
            centre_id=centre_id,
            month=month,
            state="sealed",
            made_at=now,
            sealed_at=now,
            sealed_by=staff_id,
            claimed_fen=found.claimed_fen,
            totals={kind: sum(one.amount_fen for one in found.lines if one.kind == kind) for kind in KINDS},
        )
        db.session.add(row)
        row.support_id = _book_support(staff_id, row, now)
        db.session.flush()
        if found.lines:
            names = ("order_id", "kind", "rule_id", "amount_fen", "corrects_id", "reason")
            values = [{name: getattr(line, name) for name in names} for line in found.lines]
            db.session.execute(insert(SettlementLine), [{"settlement_id": row.id, **one} for one in values])
        audit.record(
            Actor("staff", staff_id),
            "settlement.sealed",
            "settlement",
            row.id,
            unit_id=centre_id,
            detail={"month": str(month), "fen": row.claimed_fen},
            at=now,
        )
    return row


def _book_support(staff_id: int, row: Settlement, now: datetime) -> int | None:
    """Delivery and operating subsidy of a month: the government owes them from now on. The meals' moved when they were
    handed out. Where more is taken back than claimed, the other way."""
    fen = row.totals["delivery"] + row.totals["operating"]
    if not fen:
        return None
    ends = [ledger.centre_account(row.centre_id, kind) for kind in ("subsidy", "sales")]
    debit, credit = ends if fen > 0 else reversed(ends)
    return ledger.move(debit, credit, abs(fen), "support", Actor("staff", staff_id), at=now)


def _may_be_sealed(found: Month, zone: str, today: date) -> None:
    centre, month, until = found.centre_id, found.month, next_month(found.month)
    if today < until:
        raise Refused(
            "month_runs", _("这个月还没过完"), _("%(day)s起可以封。", day=month_day(until)), status=422
        )
    if db.session.scalar(
        select(Settlement.id).where(Settlement.centre_id == centre, Settlement.month > month).limit(1)
    ):
        raise Refused(
            "later_sealed", _("后面的月份已经封了"), _("这个月的已经算在后面的月份里。"), status=422
        )
    waiting = db.session.scalar(
        select(func.count()).where(
            MealOrder.centre_id == centre, MealOrder.day < until, MealOrder.state == "ordered"
        )
    )
    if waiting:
        raise Refused(
            "orders_open",
            _("还有 %(n)d 份没有了结", n=waiting),
            _("收餐以后会自动记下来，过一会儿再封。"),
            status=422,
        )
    reviews = db.session.scalar(
        select(func.count())
        .select_from(Redemption)
        .join(MealOrder, MealOrder.id == Redemption.order_id)
        .where(Redemption.centre_id == centre, Redemption.state == "review", MealOrder.day < until)
    )
    odd = db.session.scalar(
        select(func.count()).where(
            OddScan.centre_id == centre,
            OddScan.state == "review",
            func.coalesce(OddScan.scanned_at, OddScan.recorded_at) < day_bounds(until, zone)[0],
        )
    )
    if open_ones := (reviews or 0) + (odd or 0):
        raise Refused(
            "reviews_open",
            _("还有 %(n)d 次扫码没有核对", n=open_ones),
            _("请先在“窗口”的“要核对的”里看过，再封。"),
            status=422,
        )
    twice = db.session.scalar(
        select(func.count())
        .select_from(ClaimCorrection)
        .join(MealOrder, MealOrder.id == ClaimCorrection.order_id)
        .where(
            ClaimCorrection.centre_id == centre,
            ClaimCorrection.settled_at.is_(None),
            MealOrder.day < until,
        )
    )
    if twice:
        raise Refused(
            "corrections_open",
            _("还有 %(n)d 份补贴要更正", n=twice),
            _("请先在“要更正的”里看过，再封。"),
            status=422,
        )
    if found.differences:
        raise Refused(
            "does_not_fit",
            _("和账本对不上，先不封"),
            _("有 %(n)d 份不一样，请打开“核对”看看。", n=len(found.differences)),
            status=422,
        )
    since = sealed_until(centre, month)
    earlier = db.session.scalar(
        select(func.min(MealOrder.day))
        .join(SubsidyClaim, SubsidyClaim.order_id == MealOrder.id)
        .where(
            MealOrder.centre_id == centre,
            MealOrder.day >= since,
            MealOrder.day < month,
            SubsidyClaim.state == "claimed",
        )
    )
    if earlier is not None:
        raise Refused(
            "earlier_open",
            _("前面的月份还没有封"),
            _("请先封%(month)s的。", month=month_words(first_of(earlier))),
            status=422,
        )


def sealed_until(centre_id: int, month: date) -> date:
    """The first day after the last sealed month before this one; the beginning of time where none is."""
    last = db.session.scalar(
        select(func.max(Settlement.month)).where(Settlement.centre_id == centre_id, Settlement.month < month)
    )
    return next_month(last) if last is not None else date.min


def owed_fen(centre_id: int) -> int:
    """What the government owes by the books: meals handed out, and what sealed months claim besides, less what came."""
    account = select(Account.balance_fen).where(Account.centre_id == centre_id, Account.kind == "subsidy")
    return -(db.session.scalar(account) or 0)


def month_words(month: date) -> str:
    """2026年11月"""
    return _("%(year)d年%(month)d月", year=month.year, month=month.month)
