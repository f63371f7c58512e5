"""Staff's pages of the canteen: the week, the kitchen, samples, the window, the money desk. All hang on `blueprint`."""

from canteen.desk import (
    change,
    delivery,
    diet,
    kitchen,
    menu,
    morning,
    orders,
    poster,
    purchase,
    report,
    review,
    samples,
    settlement,
    standing,
    till,
    week,
    window,
)
from canteen.desk.root import blueprint

__all__ = [
    "blueprint",
    "change",
    "delivery",
    "diet",
    "kitchen",
    "menu",
    "morning",
    "orders",
    "poster",
    "purchase",
    "report",
    "review",
    "samples",
    "settlement",
    "standing",
    "till",
    "week",
    "window",
]
