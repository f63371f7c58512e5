"""Verbs about members of staff: who they are, what they may do, new passwords. Hashing stands before the unit of work;
whoever calls these from inside one makes the other writers wait."""

import secrets
from uuid import uuid4

from flask_babel import gettext as _
from flask_security.proxies import _security
from flask_security.utils import hash_password
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from centres.models import OrgUnit
from core.audit import Actor, record
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from people.models import Grant, Staff
from people.rules import ROLES
from people.services.sign_ins import account, plain_email
from people.services.throttles import forget


def new_password() -> str:
    """A password for someone to hand over, without look-alikes: four groups of four."""
    signs = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(signs) for _n in range(4)) for _n in range(4))


def by_email(email: str) -> Staff:
    """The member of staff with this e-mail. Raises `NotFound`."""
    staff = db.session.scalar(select(Staff).where(func.lower(Staff.email) == plain_email(email)))
    if staff is None:
        raise NotFound(_("没有这个邮箱的工作人员"))
    return staff


def everybody() -> list[Staff]:
    """All of them, in order of their e-mail."""
    return list(db.session.scalars(select(Staff).order_by(Staff.email)))


def demo_accounts() -> list[str]:
    """E-mails of the demo's people who could sign in; in production `doctor` wants none."""
    return list(db.session.scalars(select(Staff.email).where(Staff.is_demo, Staff.active)))


def add_staff(actor: Actor, email: str, name: str, password: str, roles: list[tuple[str, str]]) -> int:
    """A new member of staff with their grants, as (role, unit's code). Returns their id."""
    email, hashed = plain_email(email), _hashed(password)
    if "@" not in email or len(email) > 254:
        raise Refused("email_shape", _("邮箱不对，请再看看"), status=422)
    if not 0 < len(name) <= 64:
        raise Refused("name_shape", _("请填姓名，最多64个字"), status=422)
    with unit_of_work():
        staff = Staff(email=email, name=name, password=hashed, fs_uniquifier=uuid4().hex)
        db.session.add(staff)
        try:
            db.session.flush()
        except IntegrityError as error:
            raise Refused("email_taken", _("已经有人用这个邮箱了"), status=409) from error
        record(actor, "staff.added", "staff", staff.id)
        for role, code in roles:
            grant(actor, staff.id, role, _unit(code).id)
    return staff.id


def grant(actor: Actor, staff_id: int, role: str, unit_id: int) -> None:
    """Give a role over a unit and everything below it. Given already: nothing happens."""
    if role not in ROLES:
        raise Refused("role_unknown", _("没有这个岗位：%(role)s", role=role), status=422)
    with unit_of_work():
        _locked(staff_id)
        held = select(Grant.id).where(
            Grant.staff_id == staff_id, Grant.role == role, Grant.unit_id == unit_id
        )
        if db.session.scalar(held):
            return
        db.session.add(Grant(staff_id=staff_id, role=role, unit_id=unit_id))
        record(actor, "staff.granted", "staff", staff_id, unit_id=unit_id, detail={"role": role})


def deactivate(actor: Actor, staff_id: int) -> None:
    """No further sign-in, and the sessions that are open end with their next request."""
    with unit_of_work():
        staff = _locked(staff_id)
        staff.active, staff.fs_uniquifier = False, uuid4().hex
        record(actor, "staff.deactivated", "staff", staff_id)


def set_password(actor: Actor, staff_id: int, password: str) -> None:
    """A new password from a manager; open sessions end, wrong tries are forgotten."""
    hashed = _hashed(password)
    with unit_of_work():
        staff = _locked(staff_id)
        staff.password, staff.fs_uniquifier = hashed, uuid4().hex
        forget(account(staff.email))
        record(actor, "staff.password_set", "staff", staff_id)


def drop_totp(actor: Actor, staff_id: int) -> None:
    """The phone and the recovery codes are lost: the next sign-in asks to set up a new one where the post needs it."""
    with unit_of_work():
        staff = _locked(staff_id)
        staff.tf_primary_method = staff.tf_totp_secret = staff.mf_recovery_codes = None
        staff.fs_uniquifier = uuid4().hex
        record(actor, "staff.totp_dropped", "staff", staff_id)


def _hashed(password: str) -> str:
    wrong, plain = _security.password_util.validate(password, False)
    if wrong:
        raise Refused("password_weak", wrong[0], status=422)
    return str(hash_password(plain))


def _locked(staff_id: int) -> Staff:
    staff = db.session.get(Staff, staff_id, with_for_update=True, populate_existing=True)
    if staff is None:
        raise NotFound(_("没有这位工作人员"))
    return staff


def _unit(code: str) -> OrgUnit:
    unit = db.session.scalar(select(OrgUnit).where(OrgUnit.code == code))
    if unit is None:
        raise Refused("unit_unknown", _("没有代号是%(code)s的单位", code=code), status=422)
    return unit
