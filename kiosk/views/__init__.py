"""Residents' pages of the shell, one family a file. All hang on `blueprint`."""

from kiosk.views import codes, device, home, identify, mine
from kiosk.views.root import blueprint

__all__ = ["blueprint", "codes", "device", "home", "identify", "mine"]
