"""Staff's pages of the canteen: the week, the kitchen, samples. All hang on `blueprint`."""

from canteen.desk import change, kitchen, menu, morning, purchase, samples, week
from canteen.desk.root import blueprint

__all__ = ["blueprint", "change", "kitchen", "menu", "morning", "purchase", "samples", "week"]
