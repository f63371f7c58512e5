"""Residents' pages of the canteen, kiosk and phone. All hang on `blueprint`."""

from canteen.views import check, choose, diet, family, invite, mine, one, standing
from canteen.views.root import blueprint

__all__ = ["blueprint", "check", "choose", "diet", "family", "invite", "mine", "one", "standing"]
