"""What is really cooked for whom: an order keeps what was ordered, the kitchen cooks what it was swapped for."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from canteen.models import Dish, MealLine, MealOrder, Swap, SwapQuestion
from core.database import db


@dataclass(frozen=True, slots=True)
class Helping:
    """One dish of one order, as it is cooked."""

    order_id: int
    dish_id: int
    texture: str
    low_salt: bool


def helpings(menu_id: int, states: Collection[str] = ("ordered",)) -> list[Helping]:
    """Every dish of the menu's orders in these states."""
    return _read(
        select(MealOrder.id).where(MealOrder.menu_id == menu_id, MealOrder.state.in_(states)), menu_id
    )


def helpings_of(order: MealOrder) -> list[Helping]:
    """The dishes of one order."""
    return _read(select(MealOrder.id).where(MealOrder.id == order.id), order.menu_id)


def _read(orders: Select[Any], menu_id: int) -> list[Helping]:
    lines = db.session.execute(
        select(MealLine.order_id, MealLine.dish_id, MealOrder.texture, MealOrder.low_salt)
        .join(MealOrder, MealOrder.id == MealLine.order_id)
        .where(MealLine.order_id.in_(orders))
        .order_by(MealLine.order_id, MealLine.position)
    ).all()
    asked = db.session.execute(
        select(SwapQuestion.order_id, Swap.out_dish_id, Swap.in_dish_id)
        .join(Swap, Swap.id == SwapQuestion.swap_id)
        .where(Swap.menu_id == menu_id)
        .order_by(Swap.id)
    ).all()
    swaps: dict[int, list[tuple[int, int]]] = {}
    for row in asked:  # whoever was asked about a swap had ordered before it
        swaps.setdefault(row.order_id, []).append((row.out_dish_id, row.in_dish_id))
    found = []
    for line in lines:
        dish = line.dish_id
        for out, into in swaps.get(line.order_id, ()):
            dish = into if dish == out else dish
        found.append(Helping(line.order_id, dish, line.texture, line.low_salt))
    return found


def sheet_rows(of: Iterable[Helping], sign: int = 1) -> list[dict[str, Any]]:
    """Portions by dish, texture and salt, in a fixed order, as a sheet or a strip keeps them."""
    return _named(
        {
            key: sign * many
            for key, many in Counter((one.dish_id, one.texture, one.low_salt) for one in of).items()
        }
    )


def swapped_rows(of: Sequence[Helping], out_id: int, in_id: int) -> list[dict[str, Any]]:
    """What a swap changes for these helpings of the old dish: so many less of it, as many more of the new one."""
    many = Counter((one.texture, one.low_salt) for one in of)
    return _named(
        {
            (dish, *how): sign * portions
            for how, portions in many.items()
            for dish, sign in ((out_id, -1), (in_id, 1))
        }
    )


def _named(portions: dict[tuple[int, str, bool], int]) -> list[dict[str, Any]]:
    ids = {dish for dish, _texture, _salt in portions}
    dishes = {dish.id: dish for dish in db.session.scalars(select(Dish).where(Dish.id.in_(ids)))}
    return [
        {
            "dish_id": dish,
            "name_zh": dishes[dish].name_zh,
            "name_en": dishes[dish].name_en,
            "texture": texture,
            "low_salt": low_salt,
            "portions": many,
        }
        for (dish, texture, low_salt), many in sorted(portions.items())
    ]
