"""After a swap: the person keeps the meal or gives it back, also after the cutoff: it is not what they ordered."""

from flask_babel import gettext as _
from sqlalchemy import select, update

from canteen.models import MealOrder, SwapQuestion
from canteen.services.give_back import end, locked_order
from canteen.services.order import changed
from core import audit
from core.audit import Actor
from core.clock import database_now
from core.database import db, unit_of_work
from core.errors import NotFound


def open_questions(order_id: int) -> list[SwapQuestion]:
    """What a person is still asked about an order."""
    query = select(SwapQuestion).where(SwapQuestion.order_id == order_id, SwapQuestion.answer.is_(None))
    return list(db.session.scalars(query.order_by(SwapQuestion.swap_id)))


def answer_swap(actor: Actor, order_id: int, answer: str) -> MealOrder:
    """`keep`: the new dish is fine; `cancel`: everything goes back. Answers all questions of the order at once."""
    if answer not in {"keep", "cancel"}:
        raise NotFound(_("这一页没有找到"))
    with unit_of_work():
        now = database_now()
        order = locked_order(order_id)
        answered = db.session.execute(
            update(SwapQuestion)
            .where(SwapQuestion.order_id == order_id, SwapQuestion.answer.is_(None))
            .values(answer=answer, answered_at=now)
            .returning(SwapQuestion.swap_id)
        ).all()
        if not answered:
            return order
        audit.record(actor, f"swap.{answer}", "meal_order", order.id, unit_id=order.centre_id, at=now)
        if answer == "cancel" and order.state == "ordered":
            end(order, "cancelled", actor, now, reason=_("换了菜，不要了"))
        changed(order.menu)
    return order
