"""The console's own pages, one family a file. All hang on `blueprint`."""

from staff.views import (
    approvals,
    clients,
    data,
    devices,
    figures,
    findings,
    leaving,
    merging,
    messages,
    people,
    register,
    ringing,
    settings,
    today,
)
from staff.views.root import blueprint

__all__ = [
    "approvals",
    "blueprint",
    "clients",
    "data",
    "devices",
    "figures",
    "findings",
    "leaving",
    "merging",
    "messages",
    "people",
    "register",
    "ringing",
    "settings",
    "today",
]
