"""The canteen's front door."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import select

from canteen import desk
from canteen.desk.root import LOOK
from canteen.jobs import JOBS
from canteen.models import Account, Transfer
from canteen.rules import CanteenPolicy
from canteen.services.ledger import APPROVALS, wrong_sums
from core.area import Area, Check, Desk
from core.database import db


def doctor() -> list[Check]:
    """Every balance is the sum of its transfers."""
    wrong = wrong_sums()
    return [
        Check(
            not wrong,
            _("账本的每个余额都对得上"),
            _("账户 %(ids)s 对不上：已经停用，请导出备份并联系维护人员。", ids=", ".join(map(str, wrong))),
        )
    ]


def export(resident_id: int) -> dict[str, object]:
    """What the ledger knows of a resident."""
    account = db.session.scalar(select(Account).where(Account.resident_id == resident_id))
    if account is None:
        return {}
    rows = db.session.scalars(
        select(Transfer)
        .where((Transfer.debit_id == account.id) | (Transfer.credit_id == account.id))
        .order_by(Transfer.id)
    )
    return {
        "account": [
            {
                "at": row.at.isoformat(),
                "kind": row.kind,
                "fen": row.amount_fen if row.credit_id == account.id else -row.amount_fen,
            }
            for row in rows
        ]
    }


AREA = Area(
    name="canteen",
    blueprints=[desk.blueprint],
    desks=[Desk("canteen", lazy_gettext("食堂"), "utensils", "canteen_desk.week", LOOK)],
    jobs=JOBS,
    export=export,
    doctor=doctor,
    policy=CanteenPolicy,
    approvals=APPROVALS,
)
