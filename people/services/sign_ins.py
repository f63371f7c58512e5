"""Signing in at the console: tries counted exactly, codes that serve once, and one unit of work for each step."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import inspect

from core.audit import NOBODY, Actor, record
from core.clock import local
from core.crypto import blind
from core.database import db, unit_of_work
from core.errors import Alternative, Refused
from people.models import Staff, Throttle
from people.rules import STAFF_TRIES
from people.services.throttles import blocked_until, count_wrong, forget

ADDRESS_TRIES = 60
"""A centre's console and phones often share one address."""
ZONE = "Asia/Shanghai"
SIGN_IN = "/staff/sign-in"
WRONG_TRY = "staff.wrong_try"


@dataclass(slots=True)
class Step:
    """What one request of the sign-in changed and found. `carry_out` writes it when the step is over.

    changes: staff id → columns. notes: (verb, staff id, detail) for the audit. right: accounts whose earlier wrong
    tries no longer count. wrong: whether this step was a wrong try.
    """

    address: str
    changes: dict[int, dict[str, Any]] = field(default_factory=dict)
    notes: list[tuple[str, int, Mapping[str, Any]]] = field(default_factory=list)
    right: set[str] = field(default_factory=set)
    wrong: bool = False


def plain_email(typed: str) -> str:
    """An e-mail as it is stored and looked up: one form for however it was typed."""
    return unicodedata.normalize("NFKC", typed).strip().lower()


def account(email: str) -> str:
    """What wrong tries are counted against, whether or not anybody has this e-mail."""
    return f"staff:{blind(plain_email(email), 'throttle.staff').hex()}"


def begin_try(subject: str, address: str) -> None:
    """Count a try before it is looked at: tries sent at the same moment cannot outrun the limit.

    The try that is one too many is refused and not counted, so that trying on does not prolong the pause.
    """
    with unit_of_work():
        until = blocked_until(subject) or blocked_until(f"ip:{address}")
        if until is None:
            count_wrong({subject: STAFF_TRIES})
            row = db.session.get_one(Throttle, subject)
            until = row.blocked_until if row.tries > STAFF_TRIES else None
        if until is not None:
            time = local(until, ZONE).strftime("%H:%M")
            raise Refused(
                "locked_out",
                _("试的次数太多了，先停一停"),
                _("%(time)s以后再试。忘了密码，请主管给您换一个。", time=time),
                status=429,
                alternatives=[Alternative(_("回到登录"), SIGN_IN)],
            )


def first_use(staff_id: int, counter: int) -> bool:
    """Whether the code of this half minute has not served yet. From now on it has."""
    subject = f"totp:{staff_id}:{counter}"
    with unit_of_work():
        count_wrong({subject: 1})
        return db.session.get_one(Throttle, subject).tries == 1


def take_changes() -> dict[int, dict[str, Any]]:
    """What a library changed on rows of staff outside a unit of work, taken off the session again."""
    session = db.session()
    changed = {}
    for row in [row for row in session.dirty if isinstance(row, Staff)]:
        columns = {one.key: one.value for one in inspect(row).attrs if one.history.has_changes()}
        session.expire(row)
        changed[row.id] = columns
    return changed


def carry_out(step: Step) -> None:
    """Write what a step changed, its audit and its counts, all or nothing."""
    if not (step.changes or step.notes or step.right or step.wrong):
        return
    with unit_of_work():
        for staff_id, columns in sorted(step.changes.items()):
            staff = db.session.get_one(Staff, staff_id, with_for_update=True, populate_existing=True)
            for name, value in columns.items():
                setattr(staff, name, value)
        for verb, staff_id, detail in step.notes:
            who = NOBODY if verb == WRONG_TRY else Actor("staff", staff_id)
            record(who, verb, "staff", staff_id, detail=detail)
        for subject in sorted(step.right):
            forget(subject)
        if step.wrong:
            count_wrong({f"ip:{step.address}": ADDRESS_TRIES})
