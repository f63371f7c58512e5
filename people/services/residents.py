"""Becoming a resident, agreeing and taking it back, PINs."""

from datetime import date, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import bindparam, select, update

from core import audit
from core.audit import Actor
from core.clock import database_now
from core.database import db, one_writer, unit_of_work
from core.errors import Refused
from core.events import emit
from core.versions import bump
from people.models import Consent, FamilyInvitation, FamilyLink, Resident
from people.phones import phone_indexes
from people.rules import DAY, PIN_CHANGES, weak_pin
from people.services import throttles

NAMES = "residents"
"""Version of all residents' names: lists that show them are kept under it."""
CONSENT_VERSION = "2026-11"
CONSENTS = {
    "profile": lazy_gettext("登记姓名和生日，用来约座位"),
    "settings": lazy_gettext("记住大字、对比度"),
    "messages": lazy_gettext("发邮件提醒"),
    "diet": lazy_gettext("登记您不能吃的"),
    "family": lazy_gettext("让家人帮您订餐"),
}
"""What one agrees to, as one reads it."""
PIN_WINDOW = timedelta(minutes=20)
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def register(
    actor: Actor,
    *,
    district_id: int,
    home_centre_id: int | None,
    name: str,
    born: date,
    phone: str | None = None,
    email: str | None = None,
    language: str = "zh_Hans",
) -> Resident:
    """Take a person in. `phone` as E.164 or none. The PIN is set afterwards, at the kiosk or the desk."""
    name = _name(name)
    with unit_of_work():
        now = database_now()
        if not date(1890, 1, 1) <= born <= now.date():
            raise Refused("born_unlikely", _("出生日期请再看看"), _("年、月、日按身份证上的写。"), status=422)
        whole, tail = phone_indexes(phone)
        resident = Resident(
            district_id=district_id,
            home_centre_id=home_centre_id,
            name=name,
            born=born,
            phone=phone,
            phone_index=whole,
            phone_tail_index=tail,
            email=email,
            language=language,
            settings={},
            pin_open_until=now + PIN_WINDOW,
            made_at=now,
        )
        db.session.add(resident)
        db.session.flush()
        audit.record(actor, "resident.registered", "resident", resident.id, unit_id=home_centre_id)
        emit("resident.registered", {"resident": resident.id, "centre": home_centre_id})
    return resident


def _name(typed: str) -> str:
    """A name without double blanks. Refuses none, and what is longer than any name."""
    name = " ".join(typed.split())
    if not name or len(name) > 80:
        raise Refused("name_missing", _("请写上姓名"), _("写身份证上的名字就可以。"), status=422)
    return name


def change(
    actor: Actor, resident_id: int, *, name: str, phone: str | None, email: str | None, adapted: bool
) -> Resident:
    """Staff mend a resident's data; the audit says which fields, not what they were."""
    name = _name(name)
    with unit_of_work():
        resident = locked(resident_id)
        changed = [
            field
            for field, value in (
                ("name", name),
                ("phone", phone),
                ("email", email),
                ("adapted_seat", adapted),
            )
            if getattr(resident, field) != value
        ]
        resident.name, resident.phone, resident.email, resident.adapted_seat = name, phone, email, adapted
        resident.phone_index, resident.phone_tail_index = phone_indexes(phone)
        if changed:
            bump(NAMES)
            audit.record(actor, "resident.changed", "resident", resident.id, detail={"fields": changed})
    return resident


_LOCKED = (
    select(Resident)
    .where(Resident.id == bindparam("resident"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


def locked(resident_id: int) -> Resident:
    """The resident, locked until the unit of work ends. Rows that only point at them may be written meanwhile.

    On SQLite the unit of work itself is the lock: what it has read already need not be read again.
    """
    if one_writer():
        return db.session.get_one(Resident, resident_id)
    return db.session.scalars(_LOCKED, {"resident": resident_id}).one()


def consents(resident_id: int) -> set[str]:
    """Kinds of consent in force."""
    query = select(Consent.kind).where(Consent.resident_id == resident_id, Consent.withdrawn_at.is_(None))
    return set(db.session.scalars(query))


def give_consent(actor: Actor, resident_id: int, kinds: set[str], where: str) -> None:
    """Record agreement to the words of today's version. Giving twice changes nothing."""
    with unit_of_work():
        locked(resident_id)
        for kind in sorted(kinds - consents(resident_id)):
            consent = Consent(
                resident_id=resident_id,
                kind=kind,
                version=CONSENT_VERSION,
                given_at=database_now(),
                given_where=where,
            )
            db.session.add(consent)
            audit.record(
                actor,
                "consent.given",
                "resident",
                resident_id,
                detail={"kind": kind, "version": CONSENT_VERSION},
            )


def keep_settings(
    actor: Actor, resident_id: int, settings: dict[str, object], language: str, where: str
) -> None:
    """Their card carries how they want screens from now on, and their language; asking for it is the consent."""
    with unit_of_work():
        resident = locked(resident_id)
        give_consent(actor, resident_id, {"settings"}, where)
        resident.settings = {**resident.settings, **settings}
        resident.language = language
        audit.record(actor, "settings.kept", "resident", resident_id)


def withdraw_consent(actor: Actor, resident_id: int, kind: str) -> None:
    """Take a consent back; what it allowed ends with it."""
    with unit_of_work():
        resident = locked(resident_id)
        taken = db.session.execute(
            update(Consent)
            .where(Consent.resident_id == resident_id, Consent.kind == kind, Consent.withdrawn_at.is_(None))
            .values(withdrawn_at=database_now())
            .returning(Consent.id)
        ).first()
        if taken:
            if kind == "settings":
                resident.settings = {}
            if kind == "family":
                end_family(actor, resident_id)
            audit.record(actor, "consent.withdrawn", "resident", resident_id, detail={"kind": kind})
            emit("consent.withdrawn", {"resident": resident_id, "kind": kind})


def end_family(actor: Actor, elder_id: int) -> None:
    """Nobody orders for this elder any more, and no invitation brings somebody new."""
    withdraw_invitations(actor, elder_id)
    ended = db.session.scalars(
        update(FamilyLink)
        .where(FamilyLink.elder_id == elder_id, FamilyLink.state == "active")
        .values(state="ended", ended_at=database_now(), ended_by="elder", pays_since=None)
        .returning(FamilyLink.id)
    ).all()
    for link_id in ended:
        audit.record(actor, "family.ended", "family_link", link_id, detail={"elder": elder_id})


def withdraw_invitations(actor: Actor, elder_id: int) -> None:
    """In the running unit of work: what this elder's open invitation allowed, it allows no more."""
    gone = db.session.scalars(
        update(FamilyInvitation)
        .where(FamilyInvitation.elder_id == elder_id, FamilyInvitation.state == "open")
        .values(state="withdrawn")
        .returning(FamilyInvitation.id)
    ).all()
    for invitation_id in gone:
        audit.record(
            actor,
            "family.invitation_withdrawn",
            "family_invitation",
            invitation_id,
            detail={"elder": elder_id},
        )


def set_pin(actor: Actor, resident_id: int, pin: str, spared: int | None = None) -> None:
    """Set the PIN. Refuses weak ones in plain words, and a person's own change after a few in a day.

    The hash is made outside the transaction. Where there was a PIN before, emits `pin.changed`, which ends the visits
    that others may hold, but for `spared`, the one in which the person sets it.
    """
    check_strength(pin, db.session.get_one(Resident, resident_id).born)
    digest = hash_pin(pin)
    with unit_of_work():
        resident = locked(resident_id)
        if actor == Actor("resident", resident_id):
            _count_change(resident_id)
        had_one = resident.pin_hash is not None
        resident.pin_hash, resident.pin_open_until = digest, None
        throttles.forget(f"resident:{resident_id}")
        audit.record(actor, "pin.set", "resident", resident_id)
        if had_one:
            emit("pin.changed", {"resident": resident_id, "spared": spared})


def _count_change(resident_id: int) -> None:
    """Not in the tries of `resident:`: a right PIN forgets those."""
    if throttles.begin_try(f"pin-change:{resident_id}", PIN_CHANGES, {}, DAY):
        raise Refused(
            "pin_changes",
            _("今天已经换过好几次密码了"),
            _("明天可以再换。现在就想换，请找工作人员。"),
            status=429,
        )


def check_strength(pin: str, born: date) -> None:
    """Refuse a weak PIN in plain words."""
    weak = weak_pin(pin, born)
    if weak == "shape":
        raise Refused("pin_shape", _("密码是4到6位数字"), _("请再输一次。"), status=422)
    if weak == "simple":
        raise Refused(
            "pin_simple", _("这个密码太好猜了"), _("比如1234、8888就太好猜，请换一个。"), status=422
        )
    if weak == "birthday":
        raise Refused("pin_birthday", _("请不要用生日"), _("别人容易猜到，请换一个。"), status=422)


def hash_pin(pin: str) -> str:
    """What is kept of a PIN. Slow on purpose; call it outside a unit of work."""
    return _hasher.hash(pin)


def open_pin(actor: Actor, resident_id: int) -> None:
    """Forgotten PIN: for the next minutes the card alone may set a new one at a kiosk."""
    with unit_of_work():
        resident = locked(resident_id)
        resident.pin_open_until = database_now() + PIN_WINDOW
        throttles.forget(f"resident:{resident_id}")
        throttles.forget(f"pin-change:{resident_id}")
        audit.record(actor, "pin.opened", "resident", resident_id)


def may_set_pin(resident: Resident) -> bool:
    """Whether the card alone may set the PIN now."""
    return resident.pin_open_until is not None and database_now() <= resident.pin_open_until


def pin_fits(resident: Resident, pin: str) -> bool:
    """Whether `pin` is the resident's. Slow on purpose; call it outside a unit of work."""
    if resident.pin_hash is None:
        return False
    try:
        return _hasher.verify(resident.pin_hash, pin)
    except Argon2Error:
        return False


def spend_time_on(pin: str) -> None:
    """Hash for nobody, so that an unknown number takes as long as a known one."""
    _hasher.hash(pin)
