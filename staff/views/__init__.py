"""The console's own pages, one family a file. All hang on `blueprint`."""

from staff.views import approvals, data, devices, figures, people, register, ringing, settings, today
from staff.views.root import blueprint

__all__ = [
    "approvals",
    "blueprint",
    "data",
    "devices",
    "figures",
    "people",
    "register",
    "ringing",
    "settings",
    "today",
]
