"""Ways to pay for a meal. One interface; docs/payment-gateways.md says what one for an outside wallet must do.

A gateway acts inside the unit of work of the order: what it writes is there with the order or not at all. One that
asks somebody outside must not do so in here; it answers `due` and is told later.
"""

from datetime import datetime
from typing import Protocol

from flask_babel import gettext as _

from canteen.models import Canteen, MealOrder
from canteen.services import ledger
from core.audit import Actor
from core.errors import Refused
from core.money import yuan


class Gateway(Protocol):
    """What the canteen asks of a way to pay. Amounts are fen and never nought."""

    name: str
    at_first: str
    """The pay_state of a new order: `held` (the money is taken with the order) or `due` (it will be asked for)."""

    def why_not(self, canteen: Canteen, resident_id: int | None, amount_fen: int) -> str | None:
        """Why it cannot be used for this sum now, in words for the person; None if it can. Changes nothing."""

    def begin(self, order: MealOrder, actor: Actor, now: datetime) -> None:
        """The order was made. What is `held` at first is taken here, or refused and with it the order."""

    def hand_out(self, order: MealOrder, redemption_id: int, actor: Actor, now: datetime) -> None:
        """The meal was handed out: what was held, or is paid at this moment, becomes the canteen's."""

    def keep(self, order: MealOrder, actor: Actor, now: datetime) -> str:
        """The meal was not collected: what was paid stays paid. Returns the pay_state."""

    def give_back(self, order: MealOrder, actor: Actor, now: datetime) -> str:
        """The order is cancelled or cannot be cooked: whatever was paid goes back, once. Returns the pay_state."""


class Counter:
    """Pay at the counter: in cash when the meal is handed out, or at the desk before."""

    name, at_first = "counter", "due"

    def why_not(self, canteen: Canteen, resident_id: int | None, amount_fen: int) -> str | None:
        return None

    def begin(self, order: MealOrder, actor: Actor, now: datetime) -> None:
        return None

    def hand_out(self, order: MealOrder, redemption_id: int, actor: Actor, now: datetime) -> None:
        source = "held" if order.pay_state == "held" else "cash"
        _sell(order, ledger.centre_account(order.centre_id, source), redemption_id, actor, now)

    def keep(self, order: MealOrder, actor: Actor, now: datetime) -> str:
        return _keep(order, actor, now)

    def give_back(self, order: MealOrder, actor: Actor, now: datetime) -> str:
        """What was paid at the desk before is owed to them, and paid out there."""
        if order.pay_state not in {"held", "paid"}:
            return "void"
        paid, owed = _where_paid(order), ledger.centre_account(order.centre_id, "refund_due")
        ledger.move(paid, owed, order.pays_fen, "order_refund", actor, at=now, order_id=order.id)
        return "refunded"


class Prepaid:
    """The resident's prepaid account: held when ordered, never below nought."""

    name, at_first = "account", "held"

    def why_not(self, canteen: Canteen, resident_id: int | None, amount_fen: int) -> str | None:
        if not ledger.accounts_are_on(canteen):
            return _("这里还没有开通饭卡")
        there = ledger.balance(resident_id) if resident_id is not None else None
        if there is None:
            looked_at = resident_id is not None and ledger.is_blocked(resident_id)
            return _("饭卡正在核对") if looked_at else _("还没有存过钱")
        if amount_fen and not ledger.takes_new_money(canteen.id, "held"):
            return _("食堂的账正在核对")
        if there < amount_fen:
            return _("余额 %(sum)s，不够", sum=yuan(there))
        return None

    def begin(self, order: MealOrder, actor: Actor, now: datetime) -> None:
        if order.resident_id is None:
            raise Refused("account_whose", _("饭卡要先认识您"), _("请刷卡，或选到柜台付。"), status=422)
        text = _("您没有做错，卡里的钱一分不会少。饭照样订：选取餐时到柜台付。")
        account, held = ledger.accounts_to_hold(order.resident_id, order.centre_id, text)
        ledger.move(account, held, order.pays_fen, "order_held", actor, at=now, order_id=order.id)

    def hand_out(self, order: MealOrder, redemption_id: int, actor: Actor, now: datetime) -> None:
        _sell(order, ledger.centre_account(order.centre_id, "held"), redemption_id, actor, now)

    def keep(self, order: MealOrder, actor: Actor, now: datetime) -> str:
        return _keep(order, actor, now)

    def give_back(self, order: MealOrder, actor: Actor, now: datetime) -> str:
        if order.resident_id is None:
            raise ValueError("an order from an account has its resident")
        account = ledger.resident_account(order.resident_id, order.centre_id)
        ledger.move(
            _where_paid(order), account, order.pays_fen, "order_refund", actor, at=now, order_id=order.id
        )
        return "refunded"


def _where_paid(order: MealOrder) -> int:
    """The account that has what was paid: held, or sales where the meal was missed and its scan taken back since."""
    return ledger.centre_account(order.centre_id, "held" if order.pay_state == "held" else "sales")


def _sell(order: MealOrder, source: int, redemption_id: int, actor: Actor, now: datetime) -> None:
    sales = ledger.centre_account(order.centre_id, "sales")
    ledger.move(
        source,
        sales,
        order.pays_fen,
        "meal_sold",
        actor,
        at=now,
        order_id=order.id,
        redemption_id=redemption_id,
    )


def _keep(order: MealOrder, actor: Actor, now: datetime) -> str:
    if order.pay_state != "held":
        return "paid" if order.pay_state == "paid" else "void"
    held, sales = (ledger.centre_account(order.centre_id, kind) for kind in ("held", "sales"))
    ledger.move(held, sales, order.pays_fen, "meal_kept", actor, at=now, order_id=order.id)
    return "paid"


GATEWAYS: dict[str, Gateway] = {gateway.name: gateway for gateway in (Counter(), Prepaid())}
"""By name. Paying at the counter is the default."""
DEFAULT = Counter.name
CARD_CANNOT = frozenset({"balance_low", "accounts_off", "account_blocked", "books_checked"})
"""Refusals of a card that the counter does not know: the same meal can be paid there."""


def gateway(name: str) -> Gateway:
    """The gateway of a name. Refuses unknown ones."""
    found = GATEWAYS.get(name)
    if found is None:
        raise Refused("gateway_unknown", _("没有这种付款方式"), _("请选到柜台付或饭卡。"), status=422)
    return found
