"""The ledger: top up, refund, reverse. The only code that writes transfers."""

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import and_, bindparam, exists, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from canteen.models import Account, Canteen, Transfer
from canteen.rules import CanteenPolicy
from canteen.words import ACCOUNTS, OWN_MOVES
from centres.policies import policies
from core import approvals, audit
from core.approvals import Approval
from core.audit import Actor
from core.clock import database_now, day_bounds, local_day
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.events import emit
from core.money import yuan
from core.versions import bump
from people.services.residents import locked

_PAID_BEFORE = frozenset(
    {"meal_sold", "meal_kept", "order_refund", "paid_out", "extra_sold", "review_returned"}
)
"""Kinds that move what the centre holds for somebody; too little of it is never the person's fault."""
REVERSAL, REFUND, UNBLOCK = "ledger.reversal", "ledger.refund", "ledger.unblock"
PAYMENT_BACK = "settlement.payment_back"
REVERSIBLE = frozenset({"top_up", "refund", *OWN_MOVES})
"""Kinds that staff may take back: on a resident's account, and among the centre's own."""
_ACCOUNT, _TRANSFER = Account.metadata.tables["account"], Transfer.metadata.tables["transfer"]
_CANTEEN = Canteen.metadata.tables["canteen"]
_NOT_BELOW = frozenset({"resident", "held", "refund_due"})
"""Kinds of account that are never below nought (`ck_account_not_below`)."""
_OWES = frozenset({"cash", "outside", "subsidy", "promotion"})
"""Kinds that money comes from: what is there, or is owed there, stands with a minus."""
_OF_CENTRE = select(_ACCOUNT.c.id, _ACCOUNT.c.blocked_at).where(
    _ACCOUNT.c.centre_id == bindparam("centre"),
    _ACCOUNT.c.kind == bindparam("kind"),
    _ACCOUNT.c.resident_id.is_(None),
)
_OF_RESIDENT = select(_ACCOUNT.c.id, _ACCOUNT.c.balance_fen, _ACCOUNT.c.blocked_at).where(
    _ACCOUNT.c.resident_id == bindparam("resident")
)
_MINE, _HELD = _ACCOUNT.alias(), _ACCOUNT.alias()
_SPENDS = (
    select(
        _MINE.c.id,
        _MINE.c.blocked_at,
        _CANTEEN.c.account_operator,
        _HELD.c.id.label("held"),
        _HELD.c.blocked_at.label("held_blocked_at"),
    )
    .select_from(_CANTEEN)
    .outerjoin(_MINE, _MINE.c.resident_id == bindparam("resident"))
    .outerjoin(
        _HELD, and_(_HELD.c.centre_id == _CANTEEN.c.id, _HELD.c.kind == "held", _HELD.c.resident_id.is_(None))
    )
    .where(_CANTEEN.c.id == bindparam("canteen"))
)
_MOVE = insert(_TRANSFER).returning(_TRANSFER.c.id)


# --- accounts -------------------------------------------------------------------------------------------------------


def centre_account(centre_id: int, kind: str) -> int:
    """Id of a centre's account of a kind; opened the first time it is wanted."""
    found = db.session.scalar(_OF_CENTRE, {"centre": centre_id, "kind": kind})
    if found is not None:
        return int(found)
    _open(kind=kind, centre_id=centre_id, resident_id=None)
    return int(db.session.execute(_OF_CENTRE, {"centre": centre_id, "kind": kind}).scalar_one())


def takes_new_money(centre_id: int, kind: str) -> bool:
    """Whether a centre's account of a kind may take money that was not its own before: it is not being looked at."""
    found = db.session.execute(_OF_CENTRE, {"centre": centre_id, "kind": kind}).first()
    return found is None or found.blocked_at is None


def account_for_new_money(centre_id: int, kind: str, text: str) -> int:
    """As `centre_account`, for money that comes new: a top-up, an order by card, what is paid before its meal. Refuses
    with `text` while the account is being looked at. What was paid before goes on through `centre_account`: no meal
    is kept back for it, and no refund."""
    found = db.session.execute(_OF_CENTRE, {"centre": centre_id, "kind": kind}).first()
    if found is not None and found.blocked_at is not None:
        raise books_checked(text)
    return int(found.id) if found is not None else centre_account(centre_id, kind)


def books_checked(text: str) -> Refused:
    """What is asked cannot be booked before two people have looked at an account of the centre."""
    return Refused("books_checked", _("食堂的账正在核对"), text)


def resident_account(resident_id: int, centre_id: int) -> int:
    """Id of a resident's prepaid account; opened with the centre whose operator answers for it."""
    found = db.session.execute(_OF_RESIDENT, {"resident": resident_id}).first()
    if found is not None:
        return int(found.id)
    _open(kind="resident", centre_id=centre_id, resident_id=resident_id)
    return int(db.session.execute(_OF_RESIDENT, {"resident": resident_id}).one().id)


def accounts_to_hold(resident_id: int, centre_id: int, text: str) -> tuple[int, int]:
    """Ids of a resident's account, to pay a meal here from, and of what its centre holds until it is handed out.
    Refuses where accounts are off or one of the two is looked at (`text`: what to do while it is the centre's)."""
    row = db.session.execute(_SPENDS, {"resident": resident_id, "canteen": centre_id}).one()
    if not row.account_operator.strip():
        raise _accounts_off()
    _not_blocked(row.blocked_at)
    if row.held_blocked_at is not None:
        raise books_checked(text)
    mine = row.id if row.id is not None else resident_account(resident_id, centre_id)
    return int(mine), int(row.held if row.held is not None else centre_account(centre_id, "held"))


def _open(**values: object) -> None:
    make = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    db.session.execute(make(_ACCOUNT).values(balance_fen=0, **values).on_conflict_do_nothing())


def balance(resident_id: int) -> int | None:
    """What is on a resident's account, in fen; None: they have none, or it is being looked at."""
    found = db.session.execute(_OF_RESIDENT, {"resident": resident_id}).first()
    return None if found is None or found.blocked_at is not None else int(found.balance_fen)


def is_blocked(resident_id: int) -> bool:
    """Whether an account of theirs is being looked at: nothing is spent from it meanwhile."""
    found = db.session.execute(_OF_RESIDENT, {"resident": resident_id}).first()
    return found is not None and found.blocked_at is not None


def has_account(resident_id: int) -> bool:
    """Whether there is an account of theirs, whatever is on it."""
    return db.session.execute(_OF_RESIDENT, {"resident": resident_id}).first() is not None


def move(
    debit: int,
    credit: int,
    amount_fen: int,
    kind: str,
    actor: Actor,
    *,
    at: datetime,
    order_id: int | None = None,
    redemption_id: int | None = None,
    reverses_id: int | None = None,
    reason: str = "",
    reference: str = "",
) -> int:
    """Write one transfer in the running unit of work; returns its id. Raises `Refused` where an account would fall
    below nought (a resident's: `balance_low`; a centre's, whose sum cannot be right then: `books_checked`), or the same
    was moved for the same order already (`moved_already`)."""
    values = {
        "at": at,
        "debit_id": debit,
        "credit_id": credit,
        "amount_fen": amount_fen,
        "kind": kind,
        "order_id": order_id,
        "redemption_id": redemption_id,
        "reverses_id": reverses_id,
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "reason": reason,
        "reference": reference,
    }
    try:
        return int(db.session.execute(_MOVE, values).scalar_one())
    except IntegrityError as error:
        text = str(error.orig)
        if "not_below" in text and kind in _PAID_BEFORE:
            raise books_checked(
                _("这份饭已经付过钱。请照样发餐、记下编号，核对好了再扫一次。")
                if kind == "meal_sold"
                else _("付过的钱一分不会少，核对好了就接着办。")
            ) from None
        if "not_below" in text:
            raise Refused("balance_low", _("余额不够了"), _("可以到柜台付，或者先充值。")) from None
        if "uq_transfer" in text or "transfer." in text:
            raise Refused("moved_already", _("这笔钱已经办过了"), _("不会算两次。")) from None
        raise


def moved_for(redemption_id: int, kind: str) -> int:
    """What was moved of a kind for one hand-over, in fen."""
    query = select(_TRANSFER.c.amount_fen).where(
        _TRANSFER.c.redemption_id == redemption_id, _TRANSFER.c.kind == kind
    )
    return int(db.session.execute(query).scalar() or 0)


# --- top up, refund, reverse ----------------------------------------------------------------------------------------


def top_up(
    staff_id: int,
    centre_id: int,
    resident_id: int,
    amount_fen: int,
    *,
    reference: str = "",
    outside: bool = False,
) -> Transfer:
    """Money onto a resident's account: cash into the till, or a payment that came another way, with its reference."""
    actor = Actor("staff", staff_id)
    with unit_of_work():
        now = database_now()
        canteen = _with_accounts(centre_id)
        resident = locked(resident_id)
        if resident.lifecycle != "active":
            raise Refused("not_active", _("这位居民不能充值"), _("请先核对登记。"), status=422)
        if outside and not reference.strip():
            raise Refused(
                "reference_missing", _("请写上付款的凭证号"), _("银行或收款方给的号码。"), status=422
            )
        policy = _policy(canteen, now)
        account = resident_account(resident_id, centre_id)
        held = db.session.execute(_OF_RESIDENT, {"resident": resident_id}).one()
        _not_blocked(held.blocked_at)
        if held.balance_fen + amount_fen > policy.account_most_fen:
            most = yuan(policy.account_most_fen)
            raise Refused(
                "account_full",
                _("充了会超过上限"),
                _("饭卡里最多存 %(most)s，这是预付卡的规定。", most=most),
                status=422,
            )
        source = account_for_new_money(
            centre_id,
            "outside" if outside else "cash",
            _("这笔钱先别收，卡里的一分不会少。吃饭不耽误：可以取餐时到柜台付。"),
        )
        made = move(source, account, amount_fen, "top_up", actor, at=now, reference=reference.strip()[:40])
        _tell(actor, "account.topped_up", resident_id, centre_id, made, amount_fen, now)
    return db.session.get_one(Transfer, made)


def refund(
    staff_id: int,
    centre_id: int,
    resident_id: int,
    amount_fen: int,
    *,
    reference: str = "",
    reason: str = "",
    same_name: bool = False,
) -> Approval | Transfer:
    """Money back to the resident or (after their death) to the heirs. Above the policy's sum a second member of staff
    decides, and above another one it goes to an account in the same name, whose transfer is named in `reference` and of
    whose name somebody says with `same_name` that they have looked at it."""
    with unit_of_work():
        now = database_now()
        locked(resident_id)  # two desks at once count one after the other
        canteen = db.session.get_one(Canteen, centre_id)
        policy = _policy(canteen, now)
        held = db.session.execute(_OF_RESIDENT, {"resident": resident_id}).first()
        if held is None or held.balance_fen < amount_fen:
            raise Refused("balance_low", _("余额不够了"), _("最多能退卡里现有的钱。"), status=422)
        _not_blocked(held.blocked_at)
        day = day_bounds(local_day(now, canteen.centre.zone), canteen.centre.zone)[0]
        in_all = amount_fen + _refunded_since(held.id, day)  # many small refunds are a large one
        if in_all > policy.refund_named_fen and not reference.strip():
            raise Refused(
                "reference_missing",
                _("这笔钱要退到本人名下的账户"),
                _("超过 %(most)s 不退现金。请写上转账的凭证号。", most=yuan(policy.refund_named_fen)),
                status=422,
            )
        if in_all > policy.refund_named_fen and not same_name:
            raise Refused(
                "name_unchecked",
                _("请先核对账户的户名"),
                _(
                    "超过 %(most)s 的，只退到本人（或登记的继承人）名下的账户。看过是，就勾上再退。",
                    most=yuan(policy.refund_named_fen),
                ),
                status=422,
            )
        detail = {
            "resident": resident_id,
            "centre": centre_id,
            "fen": amount_fen,
            "reference": reference.strip()[:40],
            "same_name": same_name,
        }
        if in_all > policy.two_people_fen:
            return approvals.ask(REFUND, resident_id, centre_id, staff_id, reason or _("退卡里的钱"), detail)
        return db.session.get_one(Transfer, _refund(Actor("staff", staff_id), detail, now))


def _refunded_since(account: int, since: datetime) -> int:
    """What was paid back from an account since a moment, in fen; what was reversed does not count."""
    back = aliased(Transfer)
    query = select(func.coalesce(func.sum(Transfer.amount_fen), 0)).where(
        Transfer.debit_id == account,
        Transfer.kind == "refund",
        Transfer.at >= since,
        ~exists().where(back.reverses_id == Transfer.id),
    )
    return int(db.session.scalar(query) or 0)


def _refund(actor: Actor, detail: dict[str, Any], now: datetime) -> int:
    locked(detail["resident"])
    held = db.session.execute(_OF_RESIDENT, {"resident": detail["resident"]}).first()
    _not_blocked(held.blocked_at if held is not None else None)
    account = resident_account(detail["resident"], detail["centre"])
    to = centre_account(detail["centre"], "outside" if detail["reference"] else "cash")
    made = move(account, to, detail["fen"], "refund", actor, at=now, reference=detail["reference"])
    looked = {"same_name": True} if detail.get("same_name") else {}
    _tell(actor, "account.refunded", detail["resident"], detail["centre"], made, detail["fen"], now, **looked)
    return made


def reverse(staff_id: int, transfer_id: int, reason: str) -> Approval | Transfer:
    """Take a transfer back by its opposite, once. Above the policy's sum a second member of staff decides; what one
    takes back in a day counts together."""
    if not reason.strip():
        raise Refused("reason_missing", _("请写明为什么冲正"), status=422)
    with unit_of_work():
        now = database_now()
        row = db.session.get(Transfer, transfer_id)
        if row is None:
            raise NotFound(_("没有找到这一笔"))
        if row.kind not in REVERSIBLE:
            raise Refused(
                "not_reversible", _("这一笔不能单独冲正"), _("订餐的钱请在那份订单里取消或退。"), status=422
            )
        if db.session.scalar(select(Transfer.id).where(Transfer.reverses_id == transfer_id)) is not None:
            raise Refused("moved_already", _("这一笔已经冲正过了"), _("不会冲两次。"))
        ends = [db.session.get_one(Account, one) for one in (row.credit_id, row.debit_id)]
        for account in ends:
            if account.kind != "resident" and account.blocked_at is not None:
                raise books_checked(_("这一笔先不冲正，核对好了再来。"))
            _not_blocked(account.blocked_at)
        centre_id, actor = ends[1].centre_id, Actor("staff", staff_id)
        if needs_two(actor, centre_id, row.amount_fen, now):
            return approvals.ask(
                REVERSAL, transfer_id, centre_id, staff_id, reason, {"transfer": transfer_id}
            )
        return db.session.get_one(Transfer, _reverse(actor, transfer_id, reason, now))


def needs_two(actor: Actor, centre_id: int, amount_fen: int, now: datetime) -> bool:
    """Whether a second person decides that so much is taken back: with what the same person has taken back alone in
    this centre today it is above the policy's sum. Many small ones are a large one."""
    query = select(Canteen).where(Canteen.id == centre_id).with_for_update(key_share=True)
    canteen = db.session.scalars(query).one()  # two of them at once count one after the other
    day = day_bounds(local_day(now, canteen.centre.zone), canteen.centre.zone)[0]
    done = _reversed_since(actor, centre_id, day)
    return amount_fen + done > _policy(canteen, now).two_people_fen


def _reversed_since(actor: Actor, centre_id: int, since: datetime) -> int:
    """What somebody has taken back in a centre since a moment, in fen, without what a second person was asked about."""
    first = aliased(Transfer)
    by_two = exists().where(
        Approval.kind.in_([REVERSAL, PAYMENT_BACK]),
        Approval.subject_id == first.id,
        Approval.state == "approved",
    )
    query = (
        select(func.coalesce(func.sum(Transfer.amount_fen), 0))
        .join(first, first.id == Transfer.reverses_id)
        .join(Account, Account.id == Transfer.credit_id)
        .where(
            Account.centre_id == centre_id,
            Transfer.actor_kind == actor.kind,
            Transfer.actor_id == actor.id,
            Transfer.at >= since,
            first.kind.in_([*REVERSIBLE, "government_paid"]),
            ~by_two,
        )
    )
    return int(db.session.scalar(query) or 0)


def _reverse(actor: Actor, transfer_id: int, reason: str, now: datetime) -> int:
    row = db.session.get_one(Transfer, transfer_id)
    made = move(
        row.credit_id,
        row.debit_id,
        row.amount_fen,
        "reversal",
        actor,
        at=now,
        reverses_id=row.id,
        reason=reason[:200],
    )
    audit.record(actor, "transfer.reversed", "transfer", transfer_id, detail={"by": made}, at=now)
    for account in db.session.scalars(select(Account).where(Account.id.in_([row.debit_id, row.credit_id]))):
        bump(f"money:{account.centre_id}")
    return made


def _carry_out_refund(approval: Approval, actor: Actor) -> None:
    _refund(actor, approval.detail, database_now())


def _carry_out_reversal(approval: Approval, actor: Actor) -> None:
    _reverse(actor, approval.detail["transfer"], approval.reason, database_now())


def _refund_words(approval: Approval) -> str:
    return _("退卡里的钱 %(sum)s", sum=yuan(approval.detail["fen"]))


def _reversal_words(approval: Approval) -> str:
    row = db.session.get_one(Transfer, approval.detail["transfer"])
    if row.kind in OWN_MOVES:
        return _("冲正%(what)s %(sum)s", what=OWN_MOVES[row.kind], sum=yuan(row.amount_fen))
    return _("冲正一笔 %(sum)s", sum=yuan(row.amount_fen))


def ask_unblock(staff_id: int, account_id: int, reason: str) -> Approval:
    """A blocked account, a resident's or the centre's own, was looked at: a second person decides whether what its
    transfers say shall be its balance."""
    with unit_of_work():
        row = db.session.get(Account, account_id)
        if row is None or row.blocked_at is None:
            raise NotFound(_("这个账户没有停用"))
        _sum_to_go_on_with(row)
        return approvals.ask(UNBLOCK, account_id, row.centre_id, staff_id, reason, {"account": account_id})


def _carry_out_unblock(approval: Approval, actor: Actor) -> None:
    """The transfers are what happened, and nobody can change them: the balance is made of them anew. Its row is locked
    before they are summed: a centre's account goes on handing out and giving back meanwhile."""
    account, now = approval.detail["account"], database_now()
    row = db.session.get_one(Account, account, with_for_update=True, populate_existing=True)
    was, row.balance_fen, row.blocked_at = row.balance_fen, _sum_to_go_on_with(row), None
    detail = {"was": was, "is": row.balance_fen}
    audit.record(actor, "account.unblocked", "account", account, unit_id=row.centre_id, detail=detail, at=now)
    if row.resident_id is not None:
        emit("account.unblocked", {"resident": row.resident_id, "centre": row.centre_id}, at=now)
    bump(f"money:{row.centre_id}", f"today:{row.centre_id}")


def _sum_to_go_on_with(row: Account) -> int:
    """What an account's transfers come to; refused where that cannot be: then it is not the balance that is wrong."""
    fen = _sum_of(row.id)
    if row.kind in _NOT_BELOW and fen < 0:
        raise Refused("balance_odd", _("账本里的钱加起来不到零"), _("请先找技术人员查账。"), status=409)
    return fen


def _sum_of(account: int) -> int:
    """What an account's transfers come to."""
    came = select(func.coalesce(func.sum(_TRANSFER.c.amount_fen), 0)).where(_TRANSFER.c.credit_id == account)
    went = select(func.coalesce(func.sum(_TRANSFER.c.amount_fen), 0)).where(_TRANSFER.c.debit_id == account)
    return int(db.session.scalar(came) or 0) - int(db.session.scalar(went) or 0)


def _unblock_words(approval: Approval) -> str:
    row = db.session.get_one(Account, approval.detail["account"])
    fen = -_sum_of(row.id) if row.kind in _OWES else _sum_of(row.id)
    return _("%(what)s恢复使用，按账本算是 %(sum)s", what=ACCOUNTS[row.kind], sum=yuan(fen))


_DECIDERS = frozenset({"manager", "supervisor", "accountant", "front_desk"})
APPROVALS = [
    approvals.ApprovalKind(REFUND, _DECIDERS, _refund_words, _carry_out_refund),
    approvals.ApprovalKind(REVERSAL, _DECIDERS, _reversal_words, _carry_out_reversal),
    approvals.ApprovalKind(
        UNBLOCK, frozenset({"manager", "supervisor", "accountant"}), _unblock_words, _carry_out_unblock
    ),
]


# --- the till -------------------------------------------------------------------------------------------------------


def till(centre_id: int) -> int:
    """What should be in the till, in fen."""
    account = centre_account(centre_id, "cash")
    return -int(
        db.session.execute(select(_ACCOUNT.c.balance_fen).where(_ACCOUNT.c.id == account)).scalar_one()
    )


# --- checks ---------------------------------------------------------------------------------------------------------


def wrong_sums() -> list[int]:
    """Accounts whose balance is not the sum of their transfers. Two passes over the ledger, in the database."""
    fen = func.sum(_TRANSFER.c.amount_fen).label("fen")
    came = select(_TRANSFER.c.credit_id.label("id"), fen).group_by(_TRANSFER.c.credit_id)
    went = select(_TRANSFER.c.debit_id.label("id"), fen).group_by(_TRANSFER.c.debit_id)
    c, w = came.subquery(), went.subquery()
    real = func.coalesce(c.c.fen, 0) - func.coalesce(w.c.fen, 0)
    query = (
        select(_ACCOUNT.c.id)
        .outerjoin(c, c.c.id == _ACCOUNT.c.id)
        .outerjoin(w, w.c.id == _ACCOUNT.c.id)
        .where(_ACCOUNT.c.balance_fen != real)
        .order_by(_ACCOUNT.c.id)
    )
    return list(db.session.scalars(query))


def check_sums() -> list[int]:
    """Block every account whose sum is wrong: nothing is spent from it until somebody has looked. Returns their ids."""
    wrong = wrong_sums()
    if wrong:
        with unit_of_work():
            now = database_now()
            found = db.session.execute(
                update(Account)
                .where(Account.id.in_(wrong), Account.blocked_at.is_(None))
                .values(blocked_at=now)
                .returning(Account.id, Account.centre_id)
            ).all()
            for account_id, centre_id in found:
                audit.record(
                    Actor("clock"), "account.blocked", "account", account_id, unit_id=centre_id, at=now
                )
                bump(f"money:{centre_id}", f"today:{centre_id}")
    return wrong


def history(resident_id: int, limit: int = 50) -> list[tuple[Transfer, int]]:
    """A resident's transfers, newest first, each with what it did to the balance."""
    account = db.session.execute(_OF_RESIDENT, {"resident": resident_id}).first()
    if account is None:
        return []
    rows = db.session.scalars(
        select(Transfer)
        .where(or_(Transfer.debit_id == account.id, Transfer.credit_id == account.id))
        .order_by(Transfer.id.desc())
        .limit(limit)
    )
    return [(row, row.amount_fen if row.credit_id == account.id else -row.amount_fen) for row in rows]


def set_operator(actor: Actor, canteen_id: int, name: str) -> Canteen:
    """Record who answers for prepaid money: accounts are on. With no name they are off for new money and new orders;
    what is on them stays and is given back at the desk."""
    with unit_of_work():
        canteen = db.session.get_one(Canteen, canteen_id, with_for_update=True, populate_existing=True)
        canteen.account_operator = name.strip()[:80]
        audit.record(
            actor,
            "canteen.account_operator",
            "canteen",
            canteen_id,
            unit_id=canteen_id,
            detail={"on": accounts_are_on(canteen)},
        )
        bump(f"money:{canteen_id}", f"today:{canteen_id}")
    return canteen


def accounts_are_on(canteen: Canteen) -> bool:
    """Whether prepaid accounts may be used here: it is recorded who answers for them."""
    return bool(canteen.account_operator.strip())


def _with_accounts(centre_id: int) -> Canteen:
    canteen = db.session.get(Canteen, centre_id)
    if canteen is None or not accounts_are_on(canteen):
        raise _accounts_off()
    return canteen


def _accounts_off() -> Refused:
    text = _("主任先登记由谁负责预付的钱，就能开通。现在可以在柜台付。")
    return Refused("accounts_off", _("这里还没有开通饭卡"), text, status=422)


def _not_blocked(blocked_at: datetime | None) -> None:
    if blocked_at is not None:
        raise Refused(
            "account_blocked", _("这张饭卡正在核对"), _("先在柜台付，钱一分不会少。我们查清楚就告诉您。")
        )


def _policy(canteen: Canteen, now: datetime) -> CanteenPolicy:
    return policies(CanteenPolicy, "canteen", canteen.id, local_day(now, canteen.centre.zone))


def _tell(
    actor: Actor,
    what: str,
    resident_id: int,
    centre_id: int,
    transfer: int,
    fen: int,
    now: datetime,
    **looked_at: bool,
) -> None:
    detail = {"transfer": transfer, "fen": fen}
    audited = {**detail, **looked_at}
    audit.record(actor, what, "resident", resident_id, unit_id=centre_id, detail=audited, at=now)
    emit(what, {"resident": resident_id, "centre": centre_id, **detail}, at=now)
    bump(f"money:{centre_id}")
