"""Reads about devices, visits and calls."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import bindparam, select
from sqlalchemy.orm import defaultload, defer, joinedload

from centres.models import Centre
from core.clock import now
from core.database import db
from core.i18n import pick
from kiosk.models import Call, ConfirmedPhone, Device, Outage, PairingCode, PaperSlip, Visit
from kiosk.rules import SLIP_SHOWN, device_state, were_all_out
from kiosk.services import digest
from kiosk.services.notices import READY
from kiosk.services.printing import slip_key
from people.models import Resident, Staff

_DEVICE = (
    select(Device)
    .options(joinedload(Device.centre))
    .where(Device.secret_hash == bindparam("digest"), Device.revoked_at.is_(None))
)
_SEALED = (defer(Resident.phone), defer(Resident.email), defer(Resident.room), defer(Resident.pin_hash))
"""Seldom asked for, costly to open."""
_OF_TOKEN = select(Visit).where(Visit.token_hash == bindparam("digest"))
_VISIT = _OF_TOKEN.options(defaultload(Visit.resident).options(*_SEALED))
_VISIT_OF = _OF_TOKEN.options(joinedload(Visit.resident).options(*_SEALED))
"""Asked in every request: written out once."""


def device_by_secret(secret: str) -> Device | None:
    """The kiosk that holds this cookie, unless it was revoked."""
    return db.session.scalar(_DEVICE, {"digest": digest(secret)})


def pairing_centre(code: str) -> Centre | None:
    """For which centre a one-time code stands, while it can still be used."""
    return db.session.scalar(
        select(Centre)
        .join(PairingCode, PairingCode.centre_id == Centre.id)
        .where(
            PairingCode.code_hash == digest(code.upper()),
            PairingCode.used_at.is_(None),
            PairingCode.expires_at >= now(),
        )
    )


def visit_by_token(token: str, device_id: int | None, *, with_person: bool = True) -> Visit | None:
    """The running visit of this cookie on this screen. Ended and silent ones are nobody's. with_person: a page shows
    who it is; a form mostly needs no more than their id."""
    visit = db.session.scalar(_VISIT_OF if with_person else _VISIT, {"digest": digest(token)})
    if (
        visit is None
        or visit.ended_at is not None
        or visit.device_id != device_id
        or visit.expires_at < now()
    ):
        return None
    return visit


def phone_is_confirmed(token: str, resident_id: int) -> bool:
    """Whether this phone once saw the resident's PIN."""
    row = db.session.scalar(
        select(ConfirmedPhone.resident_id).where(
            ConfirmedPhone.token_hash == digest(token), ConfirmedPhone.removed_at.is_(None)
        )
    )
    return row == resident_id


def open_calls(centre_id: int) -> list[Call]:
    """Who waits for a member of staff, longest first."""
    return list(
        db.session.scalars(
            select(Call)
            .options(joinedload(Call.device))
            .where(Call.centre_id == centre_id, Call.state.in_(["open", "coming"]))
            .order_by(Call.called_at)
        )
    )


def call_words(device_id: int) -> dict[str, str] | None:
    """What the kiosk says about its own call; None: there is none."""
    row = db.session.execute(
        select(Call.state, Staff.name)
        .outerjoin(Staff, Staff.id == Call.answered_by)
        .where(Call.device_id == device_id, Call.state.in_(["open", "coming"]))
    ).first()
    if row is None:
        return None
    if row.state == "open":
        return {"state": "open", "text": _("已经告诉工作人员了，请稍等。")}
    return {"state": "answered", "text": _("%(name)s正在过来。", name=row.name)}


def notice_words(device: Device) -> dict[str, str] | None:
    """What staff say on this kiosk's screen, in the reader's language where it is one of theirs; None: nothing."""
    if device.notice is None or device.notice_until is None or device.notice_until <= now():
        return None
    text = str(READY[device.notice]) if device.notice in READY else pick(device.notice, "")
    return {"text": text, "until": device.notice_until.isoformat()}


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """A kiosk on the today page: state `ok`, `late` or `lost`, and the minutes of silence."""

    device: Device
    state: str
    silent_minutes: int


def devices(centre_id: int) -> list[DeviceLine]:
    """The kiosks of a centre."""
    moment = now()
    rows = db.session.scalars(
        select(Device).where(Device.centre_id == centre_id, Device.revoked_at.is_(None)).order_by(Device.id)
    )
    return [
        DeviceLine(row, device_state(row.seen_at, moment), int((moment - row.seen_at) / timedelta(minutes=1)))
        for row in rows
    ]


def last_paper(device_id: int, code: str) -> tuple[PaperSlip | None, int]:
    """The last slip that this kiosk was asked to print for a code, and how often it was asked. None: it was not, or
    long ago."""
    nth_key = slip_key(device_id, code, 0)
    head, _nth, tail = nth_key.split(":")
    rows = db.session.scalars(
        select(PaperSlip)
        .options(defer(PaperSlip.body))
        .where(
            PaperSlip.device_id == device_id,
            PaperSlip.key.startswith(f"{head}:", autoescape=True),
            PaperSlip.key.endswith(f":{tail}", autoescape=True),
        )
        .order_by(PaperSlip.id.desc())
    ).all()
    if not rows or rows[0].made_at < now() - SLIP_SHOWN:
        return None, len(rows)
    return rows[0], len(rows)


def printers() -> list[str]:
    """Every printer of a kiosk, once: two kiosks may share one."""
    where = (Device.printer.is_not(None), Device.revoked_at.is_(None))
    return list(db.session.scalars(select(Device.printer).where(*where).distinct().order_by(Device.printer)))


def kiosks_failed(centre_id: int, start: datetime, end: datetime) -> bool:
    """Whether no kiosk of the centre could be used for a while in `[start, end]`: nobody is blamed for it."""
    rows = db.session.execute(
        select(Device.id, Device.seen_at, Device.paired_at).where(
            Device.centre_id == centre_id, Device.revoked_at.is_(None), Device.paired_at < end
        )
    ).all()
    outages: dict[int, list[tuple[datetime, datetime]]] = {row.id: [] for row in rows}
    for row in rows:
        if device_state(row.seen_at, end) != "ok":
            outages[row.id].append((row.seen_at, max(end, row.seen_at) + timedelta(seconds=1)))
    for outage in db.session.scalars(
        select(Outage).where(Outage.device_id.in_(outages), Outage.starts_at < end, Outage.ends_at > start)
    ):
        outages[outage.device_id].append((outage.starts_at, outage.ends_at))
    return were_all_out(list(outages.values()), start, end)
