"""What waits for a second person, and who may be that person."""

from centres.queries import district_of, subtree
from core import approvals as service
from core.approvals import Approval, kinds
from people.access import grants
from people.models import Staff


def decidable(staff: Staff) -> dict[str, frozenset[int]]:
    """Kind → the units whose questions this person may decide: those of every district in which they hold a role of
    the kind, wherever in it that is."""
    found = {}
    for kind in kinds.by_name.values():
        held = {unit for role, unit in grants(staff) if role in kind.roles}
        if held:
            found[kind.name] = subtree({district_of(unit) for unit in held})
    return found


def waiting(staff: Staff) -> list[Approval]:
    """What waits for this person's decision, the oldest first. Their own is for somebody else."""
    may = decidable(staff)
    if not may:
        return []
    units = frozenset().union(*may.values())
    return [
        row
        for row in service.open_approvals(units)
        if row.unit_id in may.get(row.kind, frozenset()) and row.asked_by != staff.id
    ]
