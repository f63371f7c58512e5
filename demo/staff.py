"""Members of staff: one password for all of them, no second factor, and only in demo mode."""

from core.audit import OPERATOR
from core.database import db
from demo.files import read
from people.models import Staff
from people.services.staff import add_staff

PASSWORD = "shuibei-2026"  # noqa: S105  printed at every start: it opens made-up accounts of the demo only


def load_staff() -> dict[str, int]:
    """Everybody with their grants. Returns ids by code."""
    ids = {}
    for one in read("people.yaml")["staff"]:
        grants = [(grant["role"], grant["unit"]) for grant in one["grants"]]
        ids[one["code"]] = add_staff(OPERATOR, one["sign_in"], one["name"], PASSWORD, grants)
        staff = db.session.get_one(Staff, ids[one["code"]])
        staff.title_zh, staff.is_demo = one["title_zh"], True
    return ids
