"""Verbs of paper slips: ask for one, drop what waits, claim, note what came of it; and whose printer stands where.

What prints is the clock (kiosk/jobs.py). A slip comes out within a minute or not at all.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from hashlib import sha256

from flask_babel import gettext as _
from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core import audit
from core.area import Paper
from core.audit import Actor
from core.clock import database_now
from core.codes import new_token
from core.database import db, unit_of_work
from core.errors import Refused
from core.i18n import language
from core.versions import bump
from kiosk.models import Device, PaperSlip
from kiosk.paper import Said, Where
from kiosk.rules import CLAIM, PAPER_WIDTHS, SLIP_WAITS, TRY_AGAIN, may_print_at, printer_address

KEPT = timedelta(days=1)
SEEN_EVERY = timedelta(minutes=5)
"""An unchanged state is written down so often: it is asked for twice a minute."""


def slip_key(device_id: int, code: str, nth: int) -> str:
    """One paper for the nth ask of a kiosk for what a code stands for. The code itself is kept nowhere here."""
    return f"{device_id}:{nth}:{sha256(code.encode()).hexdigest()[:40]}"


def ask_paper(device: Device, code: str, nth: int, paper: Paper) -> None:
    """Have the kiosk's printer print this; the same ask again changes nothing."""
    if device.printer is None:
        raise Refused("no_printer", _("这台机器没有打印机"), _("请拍下屏幕上的码。"))
    with unit_of_work():
        now = database_now()
        make = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
        db.session.execute(
            make(PaperSlip)
            .values(
                device_id=device.id,
                centre_id=device.centre_id,
                key=slip_key(device.id, code, nth),
                body=json.dumps({"head": device.centre.name, **asdict(paper)}, ensure_ascii=False),
                language=language(),
                made_at=now,
                next_try_at=now,
                tries=0,
            )
            .on_conflict_do_nothing()
        )


def drop_paper(device_id: int) -> None:
    """In the running unit of work: nothing that still waits comes out before the next person at this kiosk."""
    db.session.execute(
        update(PaperSlip)
        .where(PaperSlip.device_id == device_id, PaperSlip.next_try_at.is_not(None))
        .values(body=None, next_try_at=None, given_up_at=database_now(), error="left")
    )


def claim_paper(slip_id: int) -> tuple[str, Paper, str] | None:
    """Take a slip that is due, for so many seconds: of two clocks one gets it. Its head, words and language, or
    None."""
    with unit_of_work():
        now = database_now()
        row = db.session.execute(
            update(PaperSlip)
            .where(
                PaperSlip.id == slip_id,
                PaperSlip.next_try_at <= now,
                PaperSlip.made_at > now - SLIP_WAITS,
            )
            .values(next_try_at=now + CLAIM, tries=PaperSlip.tries + 1)
            .returning(PaperSlip.body, PaperSlip.language)
        ).first()
    if row is None:
        return None
    words = json.loads(row.body)
    return words.pop("head"), Paper(**words), row.language


def note_paper(slip_id: int, error: str | None) -> None:
    """What came of a claimed slip: printed, to be tried again, or given up where no try will help (`no_font`)."""
    with unit_of_work():
        now = database_now()
        ends: dict[str, object] = {"error": error, "next_try_at": now + TRY_AGAIN}
        if error is None:
            ends = {"error": None, "printed_at": now, "body": None, "next_try_at": None}
        elif error == "no_font":
            ends = {"error": error, "given_up_at": now, "body": None, "next_try_at": None}
        db.session.execute(
            update(PaperSlip)
            .where(PaperSlip.id == slip_id, PaperSlip.next_try_at.is_not(None))
            .values(**ends)
        )


def give_up_old(slip_ids: Sequence[int], error: str) -> None:
    """Whoever asked for them has gone, or the printer has: they are not printed any more. Why the last try failed
    stays."""
    with unit_of_work():
        waiting = PaperSlip.id.in_(slip_ids) & PaperSlip.next_try_at.is_not(None)
        db.session.execute(update(PaperSlip).where(waiting, PaperSlip.error.is_(None)).values(error=error))
        gone = {"body": None, "next_try_at": None, "given_up_at": database_now()}
        db.session.execute(update(PaperSlip).where(waiting).values(**gone))


def forget_paper() -> None:
    """Tidy: nobody asks any more what became of yesterday's slips."""
    with unit_of_work():
        old = PaperSlip.next_try_at.is_(None) & (PaperSlip.made_at < database_now() - KEPT)
        db.session.execute(delete(PaperSlip).where(old))


def note_printer(address: str, said: Said) -> None:
    """How a printer is, at every kiosk that it serves. Written when it changes, and now and then."""
    now = database_now()
    news = or_(
        Device.printer_state.is_distinct_from(said.state),
        Device.printer_seen_at.is_(None),
        Device.printer_seen_at < now - SEEN_EVERY,
    )
    stale = db.session.scalars(select(Device.id).where(Device.printer == address, news)).all()
    if not stale:
        return
    with unit_of_work():
        rows = db.session.scalars(
            select(Device).where(Device.id.in_(stale), Device.printer == address).with_for_update()
        )
        for row in rows:
            if row.printer_state != said.state:
                bump(f"today:{row.centre_id}")
            row.printer_state, row.printer_seen_at = said.state, now


def set_printer(actor: Actor, device: Device, address: str, paper_mm: int) -> None:
    """Where a kiosk's printer stands and how wide its paper is; an empty address: it has none any more."""
    address = address.strip().lower()
    if paper_mm not in PAPER_WIDTHS:
        raise Refused("paper_odd", _("纸的宽度请再看看"), _("58 毫米或 80 毫米。"), status=422)
    if address:
        try:
            host, _port = printer_address(address)
        except ValueError:
            text = _(
                "写打印机的 IP 地址或名字，比如 192.168.1.50，端口不是 9100 就加上，比如 192.168.1.50:9101。"
            )
            raise Refused("printer_odd", _("这个地址不对"), text, status=422) from None
        if not may_print_at(host, inside=Where.inside):
            text = _("打印机要在中心自己的网络里，不能是服务器本身。")
            raise Refused("printer_place", _("这个地址不能用"), text, status=422)
    with unit_of_work():
        fresh = db.session.get_one(Device, device.id, with_for_update=True, populate_existing=True)
        drop_paper(fresh.id)
        fresh.printer, fresh.paper_mm = address or None, paper_mm
        fresh.printer_state = fresh.printer_seen_at = None
        detail = {"printer": address, "paper_mm": paper_mm}
        audit.record(actor, "device.printer", "device", fresh.id, unit_id=fresh.centre_id, detail=detail)
        bump(f"today:{fresh.centre_id}")


def try_printer(actor: Actor, device: Device, link: str) -> None:
    """«打一张试试»: a slip that says nothing about anybody."""
    with unit_of_work():
        paper = Paper(
            big=_("试打"),
            title=device.name,
            when="",
            rows=[(_("纸宽"), _("%(mm)d 毫米", mm=device.paper_mm))],
            link=link,
            notes=[_("字看得清，码扫得出，就好了。")],
        )
        ask_paper(device, new_token(), 0, paper)
        audit.record(actor, "device.test_print", "device", device.id, unit_id=device.centre_id)
