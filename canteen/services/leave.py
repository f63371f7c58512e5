"""What the canteen ends when somebody moves away or dies: coming meals with their money, standing orders, the diet."""

from flask_babel import gettext as _
from sqlalchemy import select

from canteen.models import MealOrder
from canteen.services import diet
from canteen.services.give_back import end, locked_order
from canteen.services.standing import end_all
from core.audit import Actor
from core.clock import database_now
from core.database import db


def leave(actor: Actor, resident_id: int, why: str) -> None:
    """In the running unit of work. The money of what was ordered goes back where it came from: onto the account, or
    to be paid out at the desk; what is there stays for the family."""
    end_all(actor, resident_id, why)
    coming = db.session.scalars(
        select(MealOrder.id)
        .where(MealOrder.resident_id == resident_id, MealOrder.state == "ordered")
        .order_by(MealOrder.id)
    ).all()
    for order_id in coming:
        order = locked_order(order_id)
        if order.state == "ordered":
            end(order, "cancelled", actor, database_now(), reason=_("资料停用了，订的餐一并退回"))
    diet.erase(actor, resident_id)
