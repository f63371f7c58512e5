"""Residents' pages of booking, kiosk and phone. All hang on `blueprint`."""

from booking.views import confirm, day, one, places, seats, times
from booking.views.root import blueprint

__all__ = ["blueprint", "confirm", "day", "one", "places", "seats", "times"]
