"""Residents' pages of booking, kiosk and phone. All hang on `blueprint`."""

from booking.views import choose, confirm, day, one
from booking.views.root import blueprint

__all__ = ["blueprint", "choose", "confirm", "day", "one"]
