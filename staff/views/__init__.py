"""The console's own pages, one family a file. All hang on `blueprint`."""

from staff.views import devices, people, settings, today
from staff.views.root import blueprint

__all__ = ["blueprint", "devices", "people", "settings", "today"]
