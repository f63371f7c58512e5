"""The money desk: accounts, top up and refund, what is owed, the count of the till, who answers for the accounts."""

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from flask import Response, flash, render_template, request
from flask_babel import gettext as _

from canteen import counter_queries as queries
from canteen.counter_words import dish_words, transfer_words
from canteen.desk.root import base, blueprint, load_canteen, ways_while_checked
from canteen.forms import parse_yuan
from canteen.models import Account, CashCount, Transfer
from canteen.rules import CanteenPolicy
from canteen.services import ledger
from canteen.services import till as counts
from canteen.words import ACCOUNTS, MEALS, OWN_MOVES
from centres.models import Centre
from centres.policies import chain, policies
from core import approvals
from core.clock import local_day, now
from core.codes import show_number
from core.errors import Alternative, NotFound, Refused
from core.http import once, personal, row_number, see_other
from core.money import yuan
from core.words import clock_words, full_day, masked, near_day
from people.access import actor, grants_roles, open_record, require, resident_or_refuse, signed_in
from people.models import Resident
from people.rules import MANAGERS

MONEY = frozenset({"front_desk", "manager", "supervisor"})
"""Who takes money and pays it out."""
BOOKS = MONEY | {"accountant"}
"""Who may look at the books of the till."""
NOTES = (10_000, 5_000, 2_000, 1_000, 500, 100, 50, 10)
"""Banknotes and coins, in fen."""
MOST_PIECES = 9999
LATELY = timedelta(days=7)
"""How far back movements of the centre's own accounts are listed to be taken back."""
NEW_MONEY = frozenset({"cash", "outside", "held"})
"""Accounts of the centre through which money comes that was not its own before."""


@blueprint.get("/till")
@require(BOOKS)
def till(centre: Centre) -> Any:
    """The till: what should be in it, what is owed, and the ways from here."""
    canteen = load_canteen(centre)
    today = local_day(now(), centre.zone)
    mine = queries.handed_over(centre.id, signed_in().id)
    return personal(
        render_template(
            "canteen/desk_till.html",
            expected=yuan(_till(centre)),
            counted=ledger.takes_new_money(centre.id, "cash"),
            looked_at_accounts=[
                {"kind": row.kind, "name": ACCOUNTS[row.kind], "waits": row.kind in NEW_MONEY}
                for row, person in queries.blocked_accounts(centre.id)
                if person is None
            ],
            unblock_url=f"{base(centre)}/till/unblock",
            operator=canteen.account_operator,
            accounts_on=ledger.accounts_are_on(canteen),
            may_name=bool(grants_roles(signed_in(), centre.id) & MANAGERS),
            at_money=bool(grants_roles(signed_in(), centre.id) & MONEY),
            operator_url=f"{base(centre)}/till/settings",
            find_url=f"/staff/c/{centre.code}/people/?back={base(centre)}/till/account",
            orders_url=f"{base(centre)}/orders",
            count_url=f"{base(centre)}/count",
            owed=[
                {
                    "title": _("%(meal)s %(n)d 号", meal=MEALS[order.meal], n=order.pick_up),
                    "note": f"{near_day(order.day, today)} · {dish_words(order)} · {show_number(order.number)}",
                    "sum": yuan(order.pays_fen),
                    "url": f"{base(centre)}/o/{order.number}",
                }
                for order in queries.owed(centre.id)
            ],
            counts=[_count_line(centre, row) for row in queries.counts(centre.id, 5)],
            mine=_count_line(centre, mine) if mine is not None else None,
            moves=_own_moves(centre),
            two=yuan(policies(CanteenPolicy, "canteen", centre.id, today).two_people_fen),
        )
    )


def _own_moves(centre: Centre) -> list[dict[str, Any]]:
    """Movements of the last days that are nobody's card and nobody's meal any more: a wrong one is taken back here."""
    rows = queries.own_moves(centre.id, now() - LATELY)
    today = local_day(now(), centre.zone)
    staff = queries.names_of([row.actor_id for row in rows if row.actor_kind == "staff"])
    orders = queries.order_numbers([row.order_id for row in rows if row.order_id])
    gone = queries.reversed_ids([row.id for row in rows])
    waits = {one.subject_id for one in approvals.open_about(ledger.REVERSAL, [row.id for row in rows])}
    cash = queries.own_account(centre.id, "cash")
    return [
        {
            "when": f"{near_day(local_day(row.at, centre.zone), today)} {clock_words(row.at, centre.zone)}",
            "what": OWN_MOVES[row.kind],
            "who": _who(row, staff),
            "note": _note(centre, row, orders),
            "sum": yuan(row.amount_fen if cash and row.debit_id == cash.id else -row.amount_fen),
            "plain": yuan(row.amount_fen),
            "gone": row.id in gone,
            "waits": row.id in waits,
            "reverse_url": f"{base(centre)}/till/reverse/{row.id}"
            if row.id not in gone and row.id not in waits
            else None,
        }
        for row in rows
    ]


def _till(centre: Centre) -> int:
    """What should be in the till. Before its first money it has no account, and reading opens none."""
    account = queries.own_account(centre.id, "cash")
    return -account.balance_fen if account else 0


@blueprint.post("/till/settings")
@require(MANAGERS)
@once
def name_operator(centre: Centre) -> Response:
    """Who answers for prepaid money here. With a name accounts are on, without one they are off."""
    canteen = load_canteen(centre)
    ledger.set_operator(actor(), canteen.id, request.form.get("operator", ""))
    return see_other(f"{base(centre)}/till")


@blueprint.post("/till/unblock")
@require(MONEY)
@once
def unblock_own(centre: Centre) -> Response:
    """Somebody has looked at a blocked account of the centre itself; a second person decides that it goes on."""
    load_canteen(centre)
    return _ask_to_go_on(queries.own_account(centre.id, request.form.get("kind", "")), f"{base(centre)}/till")


def _ask_to_go_on(row: Account | None, back: str) -> Response:
    """One account, whoever's: asked here, decided by another."""
    if row is None:
        raise NotFound(_("没有找到这个账户"))
    ledger.ask_unblock(signed_in().id, row.id, request.form.get("reason", ""))
    flash(_("已经提上去了，等另一位同事批。批了就能用。"), "warn")
    return see_other(back)


@blueprint.post("/till/reverse/<int:move_id>")
@require(MONEY)
@once
def reverse_own(centre: Centre, move_id: int) -> Response:
    """A wrong movement of the centre's own accounts is taken back by its opposite, with a reason."""
    load_canteen(centre)
    row = queries.own_move(centre.id, move_id)
    if row is None:
        raise NotFound(_("没有找到这一笔"))
    back = Alternative(_("回到收款"), f"{base(centre)}/till")
    with ways_while_checked(centre, Alternative(_("先收款，晚点再办"), f"{base(centre)}/orders"), back):
        done = ledger.reverse(signed_in().id, row.id, request.form.get("reason", ""))
    _tell_reversed(done)
    return see_other(f"{base(centre)}/till")


def _tell_reversed(done: approvals.Approval | Transfer) -> None:
    if isinstance(done, approvals.Approval):
        flash(_("已经提上去了，等另一位同事批。批了才会冲正。"), "warn")
    else:
        flash(_("冲正好了。"), "ok")


# --- one account ----------------------------------------------------------------------------------------------------


@blueprint.get("/till/account")
@require(MONEY)
def chosen_account(centre: Centre) -> Response:
    """Where the search for a resident leads."""
    found = request.args.get("resident", None, row_number)
    if not found:
        return see_other(f"{base(centre)}/till")
    return see_other(f"{base(centre)}/account/{found}")


@blueprint.get("/account/<int:resident_id>")
@require(MONEY)
def account(centre: Centre, resident_id: int) -> Response:
    """A resident's account: what is on it, and every line of it with who and why. Reading it is audited."""
    canteen = load_canteen(centre)
    person = open_record(centre, resident_id, MONEY)
    policy = policies(CanteenPolicy, "canteen", centre.id, local_day(now(), centre.zone))
    held = queries.account_of(person.id)
    over = held.balance_fen - policy.account_most_fen if held else 0
    url = f"{base(centre)}/account/{person.id}"
    return personal(
        render_template(
            "canteen/desk_account.html",
            person=person,
            balance=yuan(held.balance_fen) if held else yuan(0),
            blocked=held is not None and held.blocked_at is not None,
            over=yuan(over) if over > 0 else "",
            unblock_url=f"{url}/unblock",
            accounts_on=ledger.accounts_are_on(canteen),
            operator=canteen.account_operator,
            lines=_history(centre, person.id),
            waiting=_waiting(person.id),
            policy={
                "two": yuan(policy.two_people_fen),
                "named": yuan(policy.refund_named_fen),
                "most": yuan(policy.account_most_fen),
            },
            top_up_url=f"{url}/top-up",
            refund_url=f"{url}/refund",
            order_url=f"{base(centre)}/orders/new?resident={person.id}",
            till_url=f"{base(centre)}/till",
            has_money=held is not None and held.balance_fen > 0,
        )
    )


def _history(centre: Centre, resident_id: int) -> list[dict[str, Any]]:
    rows = ledger.history(resident_id)
    today = local_day(now(), centre.zone)
    staff = queries.names_of([row.actor_id for row, _fen in rows if row.actor_kind == "staff"])
    orders = queries.order_numbers([row.order_id for row, _fen in rows if row.order_id])
    gone = queries.reversed_ids([row.id for row, _fen in rows])
    return [
        {
            "when": f"{near_day(local_day(row.at, centre.zone), today)} {clock_words(row.at, centre.zone)}",
            "what": transfer_words(row.kind, incoming=fen > 0),
            "who": _who(row, staff),
            "note": _note(centre, row, orders),
            "order_url": f"{base(centre)}/o/{orders[row.order_id].number}"
            if row.order_id in orders and orders[row.order_id].centre_id == centre.id
            else None,
            "fen": fen,
            "sum": yuan(fen),
            "gone": row.id in gone,
            "reverse_url": f"{base(centre)}/account/{resident_id}/reverse/{row.id}"
            if row.kind in {"top_up", "refund"} and row.id not in gone
            else None,
            "receipt_url": f"{base(centre)}/account/{resident_id}/receipt/{row.id}"
            if row.kind in {"top_up", "refund", "reversal"}
            else None,
        }
        for row, fen in rows
    ]


def _who(row: Transfer, staff: dict[int, str]) -> str:
    if row.actor_kind == "staff":
        return staff.get(row.actor_id, "")
    return {"resident": _("本人或家人"), "device": _("一体机"), "clock": _("到点自动")}.get(
        row.actor_kind, ""
    )


def _note(centre: Centre, row: Transfer, orders: dict[int, Any]) -> str:
    order = orders.get(row.order_id or 0)
    if order is not None:
        today = local_day(now(), centre.zone)
        return f"{near_day(order.day, today)} {MEALS[order.meal]} {show_number(order.number)}"
    if row.reference:
        return _("凭证号 %(reference)s", reference=row.reference)
    return row.reason


def _waiting(resident_id: int) -> list[dict[str, str]]:
    """What a second member of staff has to decide about this account."""
    rows = approvals.open_about(ledger.REFUND, [resident_id])
    names = queries.names_of([row.asked_by for row in rows])
    return [
        {"sum": yuan(row.detail["fen"]), "who": names.get(row.asked_by, ""), "reason": row.reason}
        for row in rows
    ]


@blueprint.post("/account/<int:resident_id>/top-up")
@require(MONEY)
@once
def top_up(centre: Centre, resident_id: int) -> Response:
    """Money onto the account: cash into the till, or a payment that came another way."""
    person, form = resident_or_refuse(resident_id, MONEY), request.form
    with _while_checked(centre, person):
        made = ledger.top_up(
            signed_in().id,
            centre.id,
            person.id,
            parse_yuan(form.get("amount", "")),
            reference=form.get("reference", ""),
            outside=form.get("way") == "outside",
        )
    return see_other(f"{base(centre)}/account/{person.id}/receipt/{made.id}")


def _while_checked(centre: Centre, person: Resident) -> AbstractContextManager[None]:
    """What is booked on their card may have to wait for the centre's books: they can eat all the same."""
    order = Alternative(_("帮着订餐，到柜台付"), f"{base(centre)}/orders/new?resident={person.id}")
    back = Alternative(_("回到饭卡"), f"{base(centre)}/account/{person.id}")
    return ways_while_checked(centre, order, back)


@blueprint.post("/account/<int:resident_id>/refund")
@require(MONEY)
@once
def refund(centre: Centre, resident_id: int) -> Response:
    """Money back; above the policy's sum a second member of staff decides first."""
    person, form = resident_or_refuse(resident_id, MONEY), request.form
    load_canteen(centre)
    done = ledger.refund(
        signed_in().id,
        centre.id,
        person.id,
        parse_yuan(form.get("amount", "")),
        reference=form.get("reference", ""),
        reason=form.get("reason", ""),
        same_name=form.get("same_name") == "1",
    )
    if isinstance(done, approvals.Approval):
        flash(_("已经提上去了，等另一位同事批。批了钱才会退。"), "warn")
        return see_other(f"{base(centre)}/account/{person.id}")
    return see_other(f"{base(centre)}/account/{person.id}/receipt/{done.id}")


@blueprint.post("/account/<int:resident_id>/unblock")
@require(MONEY)
@once
def unblock(centre: Centre, resident_id: int) -> Response:
    """Somebody has looked at a blocked account; a second person decides that it goes on."""
    person = resident_or_refuse(resident_id, MONEY)
    return _ask_to_go_on(queries.account_of(person.id), f"{base(centre)}/account/{person.id}")


@blueprint.post("/account/<int:resident_id>/reverse/<int:transfer_id>")
@require(MONEY)
@once
def reverse(centre: Centre, resident_id: int, transfer_id: int) -> Response:
    """A mistake is taken back by its opposite, with a reason."""
    person = resident_or_refuse(resident_id, MONEY)
    row = _transfer(person.id, transfer_id)
    with _while_checked(centre, person):
        done = ledger.reverse(signed_in().id, row.id, request.form.get("reason", ""))
    _tell_reversed(done)
    return see_other(f"{base(centre)}/account/{person.id}")


@blueprint.get("/account/<int:resident_id>/receipt/<int:transfer_id>")
@require(MONEY)
def receipt(centre: Centre, resident_id: int, transfer_id: int) -> Response:
    """A receipt to print, with the money that is left."""
    person = resident_or_refuse(resident_id, MONEY)
    row, held = _transfer(person.id, transfer_id), queries.account_of(person.id)
    canteen = load_canteen(centre)
    incoming = held is not None and row.credit_id == held.id
    today = local_day(row.at, centre.zone)
    return personal(
        render_template(
            "canteen/desk_receipt.html",
            title=transfer_words(row.kind, incoming=incoming),
            sum=yuan(row.amount_fen),
            when=f"{full_day(today, local_day(now(), centre.zone))} {clock_words(row.at, centre.zone)}",
            rows=[
                {"label": _("谁"), "value": masked(person.name)},
                {"label": _("卡里还有"), "value": yuan(held.balance_fen) if held else yuan(0)},
                *([{"label": _("凭证号"), "value": row.reference}] if row.reference else []),
                {
                    "label": _("经手"),
                    "value": queries.names_of([row.actor_id]).get(row.actor_id, "")
                    if row.actor_kind == "staff"
                    else "",
                },
                {"label": _("预付的钱由谁负责"), "value": canteen.account_operator},
                {"label": _("收据号"), "value": f"{row.id:08d}"},
            ],
            back_url=f"{base(centre)}/account/{person.id}",
            back_words=_("回到饭卡"),
        )
    )


def _transfer(resident_id: int, transfer_id: int) -> Transfer:
    held = queries.account_of(resident_id)
    row = queries.transfer_of(held.id, transfer_id) if held else None
    if row is None:
        raise NotFound(_("没有找到这一笔"))
    return row


# --- the count of the till ------------------------------------------------------------------------------------------


@blueprint.get("/count")
@require(MONEY)
def count(centre: Centre) -> Any:
    """Count the till: how many of each note and coin, what goes to the bank, who takes it on."""
    load_canteen(centre)
    me = signed_in().id
    expected = _till(centre) + counts.waiting_fen(centre.id)
    return personal(
        render_template(
            "canteen/desk_count.html",
            counted=ledger.takes_new_money(centre.id, "cash"),
            expected=yuan(expected),
            expected_fen=expected,
            alone_most=yuan(counts.alone_most(centre.id)),
            notes=[{"fen": fen, "label": _note_words(fen)} for fen in NOTES],
            colleagues=[
                (row.id, row.name) for row in queries.colleagues(chain(centre.id), MONEY) if row.id != me
            ],
            counts=[_count_line(centre, row) for row in queries.counts(centre.id)],
            count_url=f"{base(centre)}/count",
            till_url=f"{base(centre)}/till",
        )
    )


@blueprint.post("/count")
@require(MONEY)
@once
def count_now(centre: Centre) -> Response:
    """Write the count down. A difference becomes one line of the ledger, a big one by a second member of staff."""
    load_canteen(centre)
    form = request.form
    notes = {str(fen): _pieces(form.get(f"n{fen}", "")) for fen in NOTES}
    banked = form.get("banked", "").strip()
    to = form.get("to", None, row_number)
    mine = {row.id for row in queries.colleagues(chain(centre.id), MONEY)}
    if to is not None and to not in mine:
        raise Refused("colleague_unknown", _("请选交给哪位同事"), status=422)
    again = Alternative(_("回到数钱箱"), f"{base(centre)}/count")
    with ways_while_checked(centre, Alternative(_("先收款，晚点再数"), f"{base(centre)}/orders"), again):
        row = counts.count_cash(
            signed_in().id,
            centre.id,
            {value: many for value, many in notes.items() if many},
            handed_to_id=to,
            banked_fen=parse_yuan(banked) if banked else 0,
            reason=form.get("reason", ""),
        )
    return see_other(f"{base(centre)}/count/{row.id}")


def _pieces(text: str) -> int:
    text = text.strip() or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) <= MOST_PIECES):
        raise Refused("pieces_odd", _("张数请再看看"), _("只写几张、几枚，比如 3。"), status=422)
    return int(text)


@blueprint.get("/count/<int:count_id>")
@require(BOOKS)
def counted(centre: Centre, count_id: int) -> Response:
    """One count on paper: for whoever hands over and whoever takes on."""
    row = queries.count_here(centre.id, count_id)
    if row is None:
        raise NotFound(_("没有找到这一次盘点"))
    line = _count_line(centre, row)
    pieces = [
        {"label": _note_words(int(value)), "value": _("%(n)s 张（枚）", n=many)}
        for value, many in sorted(row.notes.items(), key=lambda pair: -int(pair[0]))
    ]
    rows = [
        {"label": _("应有"), "value": line["expected"]},
        {"label": _("实有"), "value": line["counted"]},
        {"label": _("差多少"), "value": line["difference"]},
        {"label": _("差的记进账了吗"), "value": line["booked"]},
        {"label": _("存银行"), "value": line["banked"]},
        {"label": _("留在钱箱"), "value": line["left"]},
        {"label": _("谁数的"), "value": line["who"]},
        {"label": _("交给"), "value": line["to"] or _("没有交班")},
        {"label": _("接了吗"), "value": line["taken"]},
    ]
    return personal(
        render_template(
            "canteen/desk_receipt.html",
            title=_("现金盘点"),
            sum=line["counted"],
            when=line["when"],
            rows=rows + pieces,
            back_url=f"{base(centre)}/till",
            back_words=_("回到收款"),
        )
    )


@blueprint.post("/count/<int:count_id>/take")
@require(MONEY)
@once
def take_till(centre: Centre, count_id: int) -> Response:
    """«数目对，我接了»: by whoever it was handed to."""
    counts.take_over(signed_in().id, centre.id, count_id)
    flash(_("接好了。"), "ok")
    return see_other(f"{base(centre)}/till")


def _count_line(centre: Centre, row: CashCount) -> dict[str, Any]:
    names = queries.names_of([one for one in (row.staff_id, row.handed_to_id) if one])
    today = local_day(now(), centre.zone)
    difference = row.counted_fen - row.expected_fen
    return {
        "when": f"{near_day(local_day(row.at, centre.zone), today)} {clock_words(row.at, centre.zone)}",
        "expected": yuan(row.expected_fen),
        "counted": yuan(row.counted_fen),
        "difference": _difference_words(difference),
        "fits": difference == 0,
        "booked": _booked_words(row, difference),
        "banked": yuan(row.banked_fen),
        "left": yuan(row.counted_fen - row.banked_fen),
        "who": names.get(row.staff_id, ""),
        "to": names.get(row.handed_to_id or 0, ""),
        "taken": _taken_words(centre, row),
        "url": f"{base(centre)}/count/{row.id}",
        "take_url": f"{base(centre)}/count/{row.id}/take",
    }


def _taken_words(centre: Centre, row: CashCount) -> str:
    if row.handed_to_id is None:
        return ""
    if row.taken_at is None:
        return _("还没有确认")
    return _("%(time)s 接的", time=clock_words(row.taken_at, centre.zone))


def _booked_words(row: CashCount, difference: int) -> str:
    if difference == 0:
        return ""
    if row.transfer_id is not None:
        return _("记了，后来冲正了") if queries.reversed_ids([row.transfer_id]) else _("记了")
    waits = approvals.open_about(counts.DIFFERENCE, [row.id])
    return _("等另一位同事批") if waits else _("没有批，没有记")


def _difference_words(fen: int) -> str:
    if fen == 0:
        return _("正好")
    return _("多 %(sum)s", sum=yuan(fen)) if fen > 0 else _("少 %(sum)s", sum=yuan(-fen))


def _note_words(fen: int) -> str:
    if fen >= 100:
        return _("%(n)d 元", n=fen // 100)
    return _("%(n)d 角", n=fen // 10)
