"""What the government has not paid yet, month by month: the balance of the books, taken apart to the fen."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, func, or_, select

from canteen.models import Account, MealOrder, Settlement, SettlementLine, Transfer
from canteen.services.settle import first_of, owed_fen, sealed_until
from core.database import db


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed month: what it claims, what has come, and what is left."""

    month: date
    claimed_fen: int
    came_fen: int

    @property
    def left_fen(self) -> int:
        """Below nought where more is taken back than claimed."""
        return self.claimed_fen - self.came_fen


@dataclass(frozen=True, slots=True)
class Owed:
    """The parts of a sum. Each is read by itself; `rest_fen` is what none of them explains, and should be nought."""

    fen: int
    sealed: Sequence[Sealed]
    running: Sequence[tuple[date, int]]
    """Months not sealed yet, with what has been handed out in them."""
    late_fen: int
    """Meals of sealed months that were handed out or taken back in the books since: the next month claims them."""

    @property
    def explained_fen(self) -> int:
        """The parts together."""
        handed_out = sum(fen for _month, fen in self.running)
        return sum(one.left_fen for one in self.sealed) + handed_out + self.late_fen

    @property
    def rest_fen(self) -> int:
        """What the books have and no part explains."""
        return self.fen - self.explained_fen


def owed_of(centre_id: int) -> Owed:
    """What the government owes a canteen by the books, in its parts."""
    rows = db.session.scalars(
        select(Settlement).where(Settlement.centre_id == centre_id).order_by(Settlement.month)
    )
    sealed = [Sealed(row.month, row.claimed_fen, row.came_fen) for row in rows]
    until, unclaimed = sealed_until(centre_id, date.max), _unclaimed(centre_id)
    running: Counter[date] = Counter()
    for day, fen in unclaimed.items():
        if day >= until:
            running[first_of(day)] += fen
    late = sum(fen for day, fen in unclaimed.items() if day < until)
    months = sorted((month, fen) for month, fen in running.items() if fen)
    return Owed(owed_fen(centre_id), sealed, months, late)


def _unclaimed(centre_id: int) -> dict[date, int]:
    """Day → what the ledger has moved for its meals, less what sealed months claim for them."""
    mine = select(Account.id).where(Account.centre_id == centre_id, Account.kind == "subsidy")
    account = mine.scalar_subquery()
    sign = case((Transfer.debit_id == account, Transfer.amount_fen), else_=-Transfer.amount_fen)
    moved = (
        select(MealOrder.day, func.sum(sign))
        .join(Transfer, Transfer.order_id == MealOrder.id)
        .where(or_(Transfer.debit_id == account, Transfer.credit_id == account))
        .group_by(MealOrder.day)
    )
    claimed = (
        select(MealOrder.day, func.sum(SettlementLine.amount_fen))
        .join(SettlementLine, SettlementLine.order_id == MealOrder.id)
        .join(Settlement, Settlement.id == SettlementLine.settlement_id)
        .where(Settlement.centre_id == centre_id, SettlementLine.kind == "meal")
        .group_by(MealOrder.day)
    )
    found: Counter[date] = Counter()
    found.update({day: int(fen) for day, fen in db.session.execute(moved).all()})
    found.subtract({day: int(fen) for day, fen in db.session.execute(claimed).all()})
    return dict(found)
