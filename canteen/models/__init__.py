"""Tables of the canteen, one family a file."""

from canteen.models.delivery import Run, Stop
from canteen.models.kitchen import (
    Canteen,
    Dish,
    FoodSample,
    KitchenSheet,
    Menu,
    MorningCheck,
    Offer,
    OfferDish,
    ServingHours,
    SheetChange,
    Swap,
)
from canteen.models.ledger import Account, CashCount, Transfer
from canteen.models.orders import (
    DietProfile,
    MealLine,
    MealOrder,
    OddScan,
    Redemption,
    StandingOrder,
    StandingSkip,
    SwapQuestion,
)
from canteen.models.settlement import Settlement, SettlementLine, SettlementPayment, SettlementRefusal
from canteen.models.subsidies import ClaimCorrection, Promotion, SubsidyClaim, SubsidyRule

__all__ = [
    "Account",
    "Canteen",
    "CashCount",
    "ClaimCorrection",
    "DietProfile",
    "Dish",
    "FoodSample",
    "KitchenSheet",
    "MealLine",
    "MealOrder",
    "Menu",
    "MorningCheck",
    "OddScan",
    "Offer",
    "OfferDish",
    "Promotion",
    "Redemption",
    "Run",
    "ServingHours",
    "Settlement",
    "SettlementLine",
    "SettlementPayment",
    "SettlementRefusal",
    "SheetChange",
    "StandingOrder",
    "StandingSkip",
    "Stop",
    "SubsidyClaim",
    "SubsidyRule",
    "Swap",
    "SwapQuestion",
    "Transfer",
]
