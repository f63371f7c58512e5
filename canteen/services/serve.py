"""核销: one order, one meal. Every way in which a scan can end has its own answer, colour and sound."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from canteen.counter_queries import carrier_with
from canteen.days import serving_day
from canteen.gateways import gateway
from canteen.models import MealOrder, Redemption, SubsidyClaim, SwapQuestion, Transfer
from canteen.rules import may_move
from canteen.services import corrections, ledger
from canteen.services.give_back import claim_to, locked_order
from canteen.services.order import CODE, changed
from core import audit
from core.audit import Actor
from core.clock import database_now, local_day
from core.codes import is_cut, is_whole, read_code
from core.crypto import blinds
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.events import emit
from core.money import yuan
from core.words import clock_words, date_words, one_by_one
from people.services.calls import drop_call

OFFLINE_MOST = timedelta(hours=24)
AHEAD_MOST = timedelta(minutes=5)
EARLY = timedelta(minutes=60)
"""A meal may be handed out so long before its serving begins; earlier it is the slip of another meal."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the window shows. kind: ok, pay, ask, away, relative, already, wrong_day, wrong_meal, cancelled, failed,
    late, other_centre, forged, cut, unknown, review. colour: green, amber or red; sound is named like the kind.
    redemption_id: what can be undone. how: by what the order was found. relatives: meals that whoever showed their
    card (`by`) may fetch for others."""

    kind: str
    title: str
    text: str = ""
    order: MealOrder | None = None
    redemption_id: int | None = None
    how: str = ""
    relatives: Sequence[MealOrder] = ()
    by: int | None = None

    @property
    def colour(self) -> str:
        return {"ok": "green", "pay": "amber", "ask": "amber", "away": "amber", "relative": "amber"}.get(
            self.kind, "red"
        )


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan at one window. key: made by the window, the same when it is sent again. cash: the sum was taken. here:
    it is handed out at the window although a carrier has it, as staff said when they were asked."""

    window: str
    key: str
    how: str = "slip"
    cash: bool = False
    at: datetime | None = None
    """When it was scanned, where the window was offline; else None."""
    here: bool = False
    by: int | None = None
    """The relative who fetches it with a card of their own."""


def read_slip(payload: str) -> MealOrder | Answer:
    """The order of a scanned slip, or the answer that says why there is none."""
    read = read_code(payload)
    if read is None:
        if is_cut(payload):
            return Answer("cut", _("没有扫全"), _("请把整个码对准，再扫一次。"))
        if is_whole(payload):
            return Answer("forged", _("这个码对不上"), _("可能是别处的，或印坏了。请问居民的取餐号。"))
        return Answer("forged", _("不是我们的码"), _("请看看小票，或问居民的取餐号。"))
    if read[0] != "M":
        return Answer("unknown", _("这不是取餐的码"), _("请扫取餐小票，或刷居民的卡。"))
    order = db.session.scalar(
        select(MealOrder)
        .options(joinedload(MealOrder.centre))
        .where(MealOrder.code_index.in_(blinds(read[1], CODE)))
    )
    return order or Answer("unknown", _("没有找到这张小票"), _("可能太久了。请问居民的取餐号。"))


def redeem(staff_id: int, centre_id: int, order_id: int, scan: Scan) -> Answer:
    """Hand out one meal. A scan that is sent twice is one; a second scan is red and says when and where the first was.

    Offline scans (`scan.at`) are judged by the moment of the scan: the first that arrives stands. Another one, and one
    that would have been refused, goes to the review list: the meal is gone already. The subsidy is claimed once.
    """
    return hand_out(Actor("staff", staff_id), centre_id, order_id, scan)


def hand_out(actor: Actor, centre_id: int, order_id: int, scan: Scan) -> Answer:
    """The same by whoever hands it out: at a door that may be a volunteer."""
    with unit_of_work():
        now = database_now()
        order = locked_order(order_id)
        before = db.session.scalar(select(Redemption).where(Redemption.scan_key == scan.key))
        if before is not None:
            return _again(before, order)
        moment = min(scan.at or now, now)
        refused = _why_not(order, centre_id, moment, scan) or _odd_clock(order, scan, now)
        if refused is None and owes(order) and not scan.cash:
            refused = Answer("pay", _("请收 %(sum)s", sum=yuan(order.pays_fen)), _("收好钱再发餐。"), order)
        if refused is not None:
            if scan.at is not None and order.centre_id == centre_id:
                return _review(order, actor, scan, moment, now, refused.title)
            return refused
        row = _record(order, actor, scan, moment, now, "stands")
        finish(order, row, actor, now)
    return _ok(order, row)


def owes(order: MealOrder) -> bool:
    """Whether the elder's own part is still to be paid; `void`, `refunded`: the meal was written down as missed
    meanwhile."""
    unpaid = {"due", "void", "refunded"} if order.state == "uncollected" else {"due", "void"}
    return order.pays_fen > 0 and order.pay_state in unpaid


def finish(order: MealOrder, row: Redemption, actor: Actor, now: datetime, *, paid: bool = True) -> None:
    """In the running unit of work: the meal of this hand-over is served, its money and its help become the canteen's.
    `paid` False: it went out and nobody paid for it."""
    late = order.state == "uncollected"
    if order.pay_state == "held" or (owes(order) and paid):
        gateway(order.gateway).hand_out(order, row.id, actor, now)
        order.pay_state = "paid"
    elif owes(order):
        order.pay_state = "void"
    _claim_subsidies(order, row.id, actor, now, was_released=late)
    order.state, order.ended_at = "delivered" if row.how == "delivery" else "collected", row.scanned_at
    if late:
        drop_call(f"meal-{order.id}-care", now)
    db.session.flush()
    audit.record(actor, "meal.collected", "meal_order", order.id, unit_id=order.centre_id, at=now)
    emit("meal.collected", {"order": order.id, "how": row.how, "redemption": row.id}, at=now)
    changed(order.menu)


def _again(before: Redemption, order: MealOrder) -> Answer:
    """The same scan once more: the answer it had. Its key under another order is a fault of the window."""
    if before.order_id != order.id:
        raise Refused("scan_key_reused", _("刚才没办成"), _("请再扫一次。"), status=422)
    if before.state == "stands":
        return _ok(order, before)
    return already(order) if before.state == "undone" and not before.offline else _twice(order)


def _odd_clock(order: MealOrder, scan: Scan, now: datetime) -> Answer | None:
    """A scan that is kept too long, or of a clock that is ahead, is no proof by itself: somebody looks at it."""
    if scan.at is None or -OFFLINE_MOST <= scan.at - now <= AHEAD_MOST:
        return None
    if scan.at > now:
        return Answer("late", _("这次扫码的时间还没有到"), _("请看看这台平板的时钟。"), order)
    return Answer("late", _("扫码是一天以前的事"), _("平板断网太久了。"), order)


def _why_not(order: MealOrder, centre_id: int, moment: datetime, scan: Scan) -> Answer | None:
    zone = order.centre.zone
    if order.centre_id != centre_id:
        return Answer(
            "other_centre", _("这是%(centre)s的", centre=order.centre.name), _("请到那里取餐。"), order
        )
    if order.state in {"collected", "delivered"}:
        return already(order)
    if order.state == "cancelled":
        return Answer("cancelled", _("这份已经取消了"), order.reason, order)
    if order.state == "failed":
        return Answer("failed", _("这一餐没有做成"), order.reason, order)
    if order.day != local_day(moment, zone):
        return Answer(
            "wrong_day", _("是%(day)s的", day=date_words(order.day)), _("今天不能发这一份。"), order
        )
    if moment < order.menu.serves_from - EARLY and scan.how != "delivery":
        begins = clock_words(order.menu.serves_from, zone)
        return Answer("wrong_meal", _("不是这一餐的"), _("%(time)s 开始取这一份。", time=begins), order)
    if moment > order.menu.missed_at and scan.how != "delivery":
        until = clock_words(order.menu.missed_at, zone)
        return Answer("late", _("取餐时间过了"), _("%(time)s 前可以取。", time=until), order)
    open_question = db.session.scalar(
        select(SwapQuestion.order_id)
        .where(SwapQuestion.order_id == order.id, SwapQuestion.answer.is_(None))
        .limit(1)
    )
    if open_question is not None:
        return Answer("ask", _("换了菜，先问一问"), _("请问居民换的菜能不能吃，再发餐。"), order)
    if scan.how != "delivery" and scan.at is None and not scan.here:
        return _away(order)
    return None


def _away(order: MealOrder) -> Answer | None:
    """Its box is on the road. Handed out here as well it would be two meals, unless the carrier is told."""
    carrier = carrier_with(order.id) if order.delivery else None
    if carrier is None:
        return None
    text = _("%(name)s正在送这一份。要在这里发，请先给送餐的人打个电话，免得多跑一趟。", name=carrier)
    return Answer("away", _("已经送出去了"), text, order)


def _ok(order: MealOrder, row: Redemption) -> Answer:
    text = _("补贴别处用了，已经记到“要更正的订餐”。") if corrections.is_open(order.id) else ""
    if order.delivery and row.how != "delivery":
        told = _("这份本来要送到家，现在不用送了。")
        text = one_by_one(told, text) if text else told
    return Answer("ok", _("%(n)d 号，可以发餐", n=order.pick_up), text, order, row.id)


def _twice(order: MealOrder) -> Answer:
    return Answer("review", _("这份要核对"), _("已经记到“要核对的”里。"), order)


def already(order: MealOrder) -> Answer:
    """A meal that was handed out: when and where."""
    first = db.session.scalar(
        select(Redemption).where(Redemption.order_id == order.id, Redemption.state == "stands")
    )
    if first is None:
        return Answer("already", _("已经取过了"), "", order)
    when = clock_words(first.scanned_at, order.centre.zone)
    text = _("%(time)s 在%(window)s取的。", time=when, window=first.window)
    return Answer("already", _("已经取过了"), text, order, first.id)


def _record(
    order: MealOrder, actor: Actor, scan: Scan, moment: datetime, now: datetime, state: str, why: str = ""
) -> Redemption:
    row = Redemption(
        order_id=order.id,
        centre_id=order.centre_id,
        window=scan.window[:40],
        how=scan.how,
        offline=scan.at is not None,
        scan_key=scan.key,
        scanned_at=moment,
        recorded_at=now,
        staff_id=actor.id if actor.kind == "staff" else None,
        fetched_by_id=scan.by,
        state=state,
        reason=why,
    )
    db.session.add(row)
    db.session.flush()
    return row


def _review(order: MealOrder, actor: Actor, scan: Scan, moment: datetime, now: datetime, why: str) -> Answer:
    """Handed out while the window was offline, and it should not have been: somebody looks at it. Cash that was taken
    for it is in the till, and held until they have decided."""
    row = _record(order, actor, scan, moment, now, "review", why)
    if scan.cash and order.pays_fen:
        cash, held = (ledger.centre_account(order.centre_id, kind) for kind in ("cash", "held"))
        ledger.move(
            cash,
            held,
            order.pays_fen,
            "review_cash",
            actor,
            at=now,
            order_id=order.id,
            redemption_id=row.id,
        )
    audit.record(actor, "redemption.review", "redemption", row.id, unit_id=order.centre_id, at=now)
    changed(order.menu)
    return _twice(order)


def _claim_subsidies(
    order: MealOrder, redemption_id: int, actor: Actor, now: datetime, *, was_released: bool
) -> None:
    """The government's part and the promotion become the canteen's with the meal, once."""
    sales = ledger.centre_account(order.centre_id, "sales") if order.subsidy_fen or order.promotion_fen else 0
    if order.promotion_fen:
        source = ledger.centre_account(order.centre_id, "promotion")
        ledger.move(
            source,
            sales,
            order.promotion_fen,
            "promotion",
            actor,
            at=now,
            order_id=order.id,
            redemption_id=redemption_id,
        )
    if not order.subsidy_fen:
        return
    was = "released" if was_released else "reserved"
    try:
        with db.session.begin_nested():
            moved = claim_to(order.id, was, "claimed", now)
    except IntegrityError:  # the right was given back and used for another meal since
        moved = False
    if not moved:
        corrections.put_down(order, _used_for(order), order.subsidy_fen, now)
        return
    ledger.move(
        ledger.centre_account(order.centre_id, "subsidy"),
        sales,
        order.subsidy_fen,
        "subsidy",
        actor,
        at=now,
        order_id=order.id,
        redemption_id=redemption_id,
    )


def _used_for(order: MealOrder) -> str:
    """What the right of this order was used for since: the same meal elsewhere, or another one of the week."""
    other = select(SubsidyClaim.id).where(
        SubsidyClaim.resident_id == order.resident_id,
        SubsidyClaim.day == order.day,
        SubsidyClaim.meal == order.meal,
        SubsidyClaim.order_id != order.id,
        SubsidyClaim.state != "released",
    )
    return "week" if db.session.scalar(other.limit(1)) is None else "same_meal"


def undo(staff_id: int, redemption_id: int, reason: str, *, leads: bool = False) -> MealOrder:
    """Handed out by mistake: within the policy's minutes, with a reason, everything is as before the scan. leads: by
    who leads the centre, who may on the whole day of the meal."""
    if not reason.strip():
        raise Refused("reason_missing", _("请写明为什么撤回"), status=422)
    actor = Actor("staff", staff_id)
    with unit_of_work():
        now = database_now()
        found = db.session.get(Redemption, redemption_id)
        if found is None:
            raise NotFound(_("没有找到这一条"))
        order = locked_order(found.order_id)
        row = db.session.get_one(Redemption, redemption_id, with_for_update=True, populate_existing=True)
        if row.state == "undone":
            return order
        if not may_undo(row, order, now, leads=leads):
            minutes = serving_day(order.menu.canteen, order.day).policy.redeem_undo
            text = _("%(n)d 分钟内可以撤回，当天的主任还可以撤回。", n=minutes)
            raise Refused("undo_late", _("撤回的时间过了"), text)
        if not may_move(order.state, "ordered"):
            raise Refused("not_now", _("这一份不能撤回"), status=409)
        row.state, row.reason = "undone", reason.strip()[:200]
        done = db.session.scalars(
            select(Transfer).where(Transfer.redemption_id == row.id, Transfer.reverses_id.is_(None))
        ).all()
        cash = ledger.centre_account(order.centre_id, "cash")
        for transfer in done:
            ledger.move(
                transfer.credit_id,
                transfer.debit_id,
                transfer.amount_fen,
                "reversal",
                actor,
                at=now,
                order_id=order.id,
                reverses_id=transfer.id,
                reason="redemption_undone",
            )
        if any(transfer.kind == "meal_sold" for transfer in done):
            order.pay_state = "due" if any(transfer.debit_id == cash for transfer in done) else "held"
        claim_to(order.id, "claimed", "reserved", now)
        order.state, order.ended_at = "ordered", None
        db.session.flush()
        audit.record(actor, "redemption.undone", "redemption", row.id, unit_id=order.centre_id, at=now)
        emit("meal.collected_undone", {"order": order.id, "redemption": row.id}, at=now)
        changed(order.menu)
    return order


def may_undo(row: Redemption, order: MealOrder, now: datetime, *, leads: bool = False) -> bool:
    """Whether a hand-over may still be taken back."""
    day = serving_day(order.menu.canteen, order.day)
    soon = now <= row.recorded_at + timedelta(minutes=day.policy.redeem_undo)
    return row.state == "stands" and (soon or (leads and local_day(now, day.zone) == order.day))


def pay_at_desk(staff_id: int, order_id: int) -> MealOrder:
    """Somebody pays at the desk before the meal (guests do): the money is held until it is handed out."""
    actor = Actor("staff", staff_id)
    with unit_of_work():
        now = database_now()
        order = locked_order(order_id)
        if order.pay_state == "held":
            return order
        if order.state != "ordered" or order.pay_state != "due" or not order.pays_fen:
            raise Refused("not_due", _("这一份没有要付的钱"), status=409)
        text = _("这笔钱先别收，饭给他留着，取餐时再付。")
        cash, held = (ledger.account_for_new_money(order.centre_id, kind, text) for kind in ("cash", "held"))
        ledger.move(cash, held, order.pays_fen, "order_paid", actor, at=now, order_id=order.id)
        order.pay_state = "held"
        db.session.flush()
        audit.record(actor, "meal.paid", "meal_order", order.id, unit_id=order.centre_id, at=now)
        changed(order.menu)
    return order


def pay_out(staff_id: int, order_id: int) -> MealOrder:
    """What is owed for a cancelled or failed meal that had been paid at the desk is paid out there, once: again only
    after that was taken back, as what undoes the taking back."""
    actor = Actor("staff", staff_id)
    with unit_of_work():
        now = database_now()
        order = locked_order(order_id)
        if order.gateway != "counter" or order.pay_state != "refunded":
            raise Refused("not_owed", _("这一份没有要退的现金"), status=409)
        owed, cash = (ledger.centre_account(order.centre_id, kind) for kind in ("refund_due", "cash"))
        ledger.move(
            owed,
            cash,
            order.pays_fen,
            "paid_out",
            actor,
            at=now,
            order_id=order.id,
            reverses_id=_taken_back_last(order.id),
        )
        audit.record(actor, "meal.paid_out", "meal_order", order.id, unit_id=order.centre_id, at=now)
    return order


def _taken_back_last(order_id: int) -> int | None:
    """What took the last pay-out of an order back; None where it stands, or there was none."""
    last = select(func.max(Transfer.id)).where(Transfer.order_id == order_id, Transfer.kind == "paid_out")
    return db.session.scalar(select(Transfer.id).where(Transfer.reverses_id == last.scalar_subquery()))
