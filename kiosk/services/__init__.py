"""Verbs at a screen: pair, beat, call, visit, wipe."""

import hashlib
import secrets
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core import audit
from core.audit import Actor
from core.clock import database_now
from core.codes import new_token
from core.database import db, unit_of_work
from core.errors import Refused
from core.events import Event, Listener, emit
from core.versions import bump
from kiosk.models import Call, ConfirmedPhone, Device, Outage, PairingCode, Visit
from kiosk.rules import AMBER, PAIRING_ALPHABET, PAIRING_LENGTH, SEEN_EVERY, visit_ends
from kiosk.services.printing import drop_paper


def digest(token: str) -> bytes:
    """What is kept of a random token."""
    return hashlib.sha256(token.encode()).digest()


def make_pairing_code(actor: Actor, centre_id: int, device_name: str) -> str:
    """A one-time code of 8 characters, valid for 10 minutes; shown this once."""
    code = "".join(secrets.choice(PAIRING_ALPHABET) for _ in range(8))
    with unit_of_work():
        row = PairingCode(
            code_hash=digest(code),
            centre_id=centre_id,
            device_name=device_name.strip()[:60] or "一体机",
            expires_at=database_now() + PAIRING_LENGTH,
        )
        db.session.add(row)
        db.session.flush()
        audit.record(actor, "pairing.opened", "pairing_code", row.id, unit_id=centre_id)
    return code


def pair(code: str) -> tuple[Device, str]:
    """Turn a code into a kiosk. Returns it with its secret, which only the cookie keeps. A code works once."""
    cleaned = "".join(sign for sign in code.upper() if sign.isalnum())
    with unit_of_work():
        now = database_now()
        row = db.session.execute(
            update(PairingCode)
            .where(
                PairingCode.code_hash == digest(cleaned),
                PairingCode.used_at.is_(None),
                PairingCode.expires_at >= now,
            )
            .values(used_at=now)
            .returning(PairingCode.centre_id, PairingCode.device_name)
        ).first()
        if row is None:
            raise Refused(
                "pairing_code",
                _("这个启用码用不了"),
                _("启用码10分钟内有效，只能用一次。请在工作台的“设备”里再要一个。"),
                status=422,
            )
        secret = new_token()
        device = Device(
            centre_id=row.centre_id,
            name=row.device_name,
            secret_hash=digest(secret),
            paired_at=now,
            seen_at=now,
            report={},
        )
        db.session.add(device)
        db.session.flush()
        audit.record(Actor("device", device.id), "device.paired", "device", device.id, unit_id=row.centre_id)
        bump(f"today:{row.centre_id}")
    return device, secret


def revoke_device(actor: Actor, device: Device) -> None:
    """The kiosk is a stranger from now on; whoever stands before it is forgotten."""
    with unit_of_work():
        now = database_now()
        db.session.execute(
            update(Device).where(Device.id == device.id, Device.revoked_at.is_(None)).values(revoked_at=now)
        )
        for visit_id in db.session.scalars(
            select(Visit.id).where(Visit.device_id == device.id, Visit.ended_at.is_(None))
        ).all():
            end_visit(visit_id)
        audit.record(actor, "device.revoked", "device", device.id, unit_id=device.centre_id)
        bump(f"today:{device.centre_id}")


def order_device(actor: Actor, device: Device, order: str) -> None:
    """Have a kiosk reload or wipe at its next beat."""
    if order not in {"reload", "wipe"}:
        raise Refused("order_unknown", _("没有这个命令"), status=422)
    with unit_of_work():
        db.session.execute(update(Device).where(Device.id == device.id).values(order=order))
        audit.record(actor, f"device.{order}", "device", device.id, unit_id=device.centre_id)


def beat(device: Device, report: dict[str, Any]) -> str | None:
    """A kiosk says it lives; recorded every 30 s. A long silence before becomes an outage. Returns what is ordered."""
    now = database_now()
    if now - device.seen_at < SEEN_EVERY and not device.order:
        return None
    with unit_of_work():
        fresh = db.session.get_one(Device, device.id, with_for_update=True, populate_existing=True)
        silent_since, order = fresh.seen_at, fresh.order
        if now - silent_since > AMBER:
            db.session.add(Outage(device_id=fresh.id, starts_at=silent_since, ends_at=now))
            bump(f"today:{fresh.centre_id}")
        fresh.seen_at, fresh.order = max(now, silent_since), None
        fresh.report = {key: report[key] for key in ("build", "skew_ms", "screen") if key in report}
    return order


def call_staff(device: Device, page: str, language: str, elder: bool) -> None:
    """Ask for a member of staff; asking again while one is asked for changes nothing."""
    with unit_of_work():
        make = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
        now = database_now()
        made = db.session.execute(
            make(Call)
            .values(
                device_id=device.id,
                centre_id=device.centre_id,
                page=page[:60],
                language=language,
                elder=elder,
                called_at=now,
                state="open",
            )
            .on_conflict_do_nothing()
            .returning(Call.id)
        ).first()
        if made:
            audit.record(
                Actor("device", device.id), "call.made", "call", made.id, unit_id=device.centre_id, at=now
            )
            bump(f"today:{device.centre_id}")


def answer_call(staff_id: int, call: Call) -> None:
    """«我去»: the kiosk shows who comes. Only the first to say so goes."""
    with unit_of_work():
        now = database_now()
        won = db.session.execute(
            update(Call)
            .where(Call.id == call.id, Call.state == "open")
            .values(state="coming", answered_at=now, answered_by=staff_id)
            .returning(Call.id)
        ).first()
        if won is None:
            raise Refused("call_taken", _("已经有同事去了"), _("这一条不用您再去。"))
        audit.record(
            Actor("staff", staff_id), "call.answered", "call", call.id, unit_id=call.centre_id, at=now
        )
        bump(f"today:{call.centre_id}")


def end_call(actor: Actor, call: Call, state: str) -> None:
    """Helped (`done`), or taken back by the person (`withdrawn`). Ending twice changes nothing."""
    with unit_of_work():
        ended = db.session.execute(
            update(Call)
            .where(Call.id == call.id, Call.state.in_(["open", "coming"]))
            .values(state=state, ended_at=database_now())
            .returning(Call.id)
        ).first()
        if ended:
            audit.record(actor, f"call.{state}", "call", call.id, unit_id=call.centre_id)
            bump(f"today:{call.centre_id}")


def begin_visit(centre_id: int, device_id: int | None) -> tuple[Visit, str]:
    """Remember the person before the screen. Returns the visit and the token for its cookie.

    A kiosk serves one person at a time: an earlier visit there ends.
    """
    with unit_of_work():
        now = database_now()
        if device_id is not None:
            earlier = select(Visit.id).where(Visit.device_id == device_id, Visit.ended_at.is_(None))
            for visit_id in db.session.scalars(earlier).all():
                end_visit(visit_id)
        token = new_token()
        visit = Visit(
            token_hash=digest(token),
            device_id=device_id,
            centre_id=centre_id,
            level="nobody",
            started_at=now,
            expires_at=visit_ends(now, now, device_id is not None),
        )
        db.session.add(visit)
        db.session.flush()
    return visit, token


def know(visit_id: int, resident_id: int, level: str) -> None:
    """The person before the screen is this resident, known by card or by PIN. Emits `visit.known`.

    The hours of a phone count from here, not from when it was first looked at.
    """
    with unit_of_work():
        visit = db.session.get_one(Visit, visit_id, with_for_update=True, populate_existing=True)
        if visit.resident_id not in (None, resident_id):
            raise Refused("visit_of_other", _("请先退出，再换人"), _("屏幕上还是上一位的。"))
        better = "pin" if "pin" in (level, visit.level) else level
        visit.resident_id, visit.level, visit.phone_index = resident_id, better, None
        now = database_now()
        visit.started_at, visit.expires_at = now, visit_ends(now, now, visit.device_id is not None)
        audit.record(
            Actor("resident", resident_id),
            f"visit.known_by_{level}",
            "visit",
            visit_id,
            unit_id=visit.centre_id,
        )
        emit("visit.known", {"visit": visit_id, "resident": resident_id})


def touch(visit: Visit, now: datetime) -> None:
    """Something was tapped: a kiosk's visit goes on, a phone's ends when it would. Written at most every 20 s."""
    ends = visit_ends(visit.started_at, now, visit.device_id is not None)
    if (ends - visit.expires_at).total_seconds() > 20:
        with unit_of_work():
            db.session.execute(
                update(Visit).where(Visit.id == visit.id, Visit.ended_at.is_(None)).values(expires_at=ends)
            )


def end_visit(visit_id: int) -> None:
    """Forget the person: the token is worthless from now on. Emits `visit.ended`, which frees what they held."""
    with unit_of_work():
        ended = db.session.execute(
            update(Visit)
            .where(Visit.id == visit_id, Visit.ended_at.is_(None))
            .values(ended_at=database_now(), phone_index=None)
            .returning(Visit.device_id)
        ).first()
        if ended:
            if ended.device_id is not None:
                drop_paper(ended.device_id)
            emit("visit.ended", {"visit": visit_id})


def leave_screen(device: Device) -> None:
    """Whoever stood there has gone, also where no visit says so: nothing of theirs is printed any more."""
    with unit_of_work():
        drop_paper(device.id)


def end_silent_visits() -> int:
    """Tidy: visits whose time is over count as ended when read; this writes it down."""
    now = database_now()
    ids = db.session.scalars(
        select(Visit.id).where(Visit.ended_at.is_(None), Visit.expires_at < now).limit(500)
    ).all()
    for visit_id in ids:
        end_visit(visit_id)
    return len(ids)


def confirm_phone(resident_id: int) -> str:
    """This phone may show the resident's name from now on. Returns the token for its cookie."""
    token = new_token()
    with unit_of_work():
        db.session.add(
            ConfirmedPhone(resident_id=resident_id, token_hash=digest(token), confirmed_at=database_now())
        )
        audit.record(Actor("resident", resident_id), "phone.confirmed", "resident", resident_id)
    return token


def remove_phones(actor: Actor, resident_id: int, spared: int | None = None) -> None:
    """All phones of a resident forget them: they must give the PIN again. spared: the visit in which they say so."""
    with unit_of_work():
        _end_away(resident_id, spared)
        db.session.execute(
            update(ConfirmedPhone)
            .where(ConfirmedPhone.resident_id == resident_id, ConfirmedPhone.removed_at.is_(None))
            .values(removed_at=database_now())
        )
        audit.record(actor, "phones.removed", "resident", resident_id)


def _end_away(resident_id: int, spared: int | None) -> None:
    """End a resident's visits that somebody else may hold: all on phones, and those at kiosks by card alone."""
    held = or_(Visit.device_id.is_(None), Visit.level == "card")
    running = select(Visit.id).where(Visit.resident_id == resident_id, Visit.ended_at.is_(None), held)
    for visit_id in db.session.scalars(running.order_by(Visit.id)).all():
        if visit_id != spared:
            end_visit(visit_id)


def end_away(event: Event) -> None:
    """A card is lost or replaced, or there is a new PIN: what was begun with the one before ends."""
    _end_away(event.payload["resident"], event.payload.get("spared"))


LISTENERS = [Listener("kiosk.end_away", ("card.revoked", "pin.changed"), end_away, eager=True)]


def on_leave(actor: Actor, resident_id: int, _why: str) -> None:
    """Somebody has moved away or died: nobody is them at a screen any more, and no phone knows them."""
    _forget_everywhere(actor, resident_id)


def on_merge(actor: Actor, from_id: int, _to_id: int) -> None:
    """This record is part of another one now: whoever is known by it is asked once more."""
    _forget_everywhere(actor, from_id)


def _forget_everywhere(actor: Actor, resident_id: int) -> None:
    running = select(Visit.id).where(Visit.resident_id == resident_id, Visit.ended_at.is_(None))
    for visit_id in db.session.scalars(running.order_by(Visit.id)).all():
        end_visit(visit_id)
    remove_phones(actor, resident_id)
