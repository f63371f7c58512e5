"""What staff say on a kiosk's screen: one sentence at a time, until somebody has read it or ten minutes are over."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from core import audit
from core.audit import Actor
from core.clock import database_now
from core.database import db, unit_of_work
from core.errors import Refused
from kiosk.models import Device
from kiosk.rules import NOTICE_LENGTH, NOTICE_SHOWN

READY = {
    "soon_back": lazy_gettext("工作人员走开一下，马上回来。"),
    "desk": lazy_gettext("要帮忙的话，服务台有人。"),
    "beside": lazy_gettext("这台机器要停一会儿，请用旁边的一台。"),
    "closing": lazy_gettext("中心快关门了，没办完的可以找工作人员。"),
}
"""Sentences that every reader sees in their own language; what staff write themselves stands as they wrote it."""


def show_notice(actor: Actor, device: Device, ready: str, own: str) -> None:
    """Put a sentence on a kiosk's screen, instead of the one before: their own words, or else a code of `READY`.

    Raises Refused where there is neither, or more than 60 characters. The audit keeps that it was done, not the words.
    """
    words = " ".join(own.split())
    if len(words) > NOTICE_LENGTH:
        raise Refused("notice_long", _("这句话太长了"), _("请写短一点，最多 60 个字。"), status=422)
    if not words and ready not in READY:
        raise Refused("notice_empty", _("还没写要说什么"), _("选一句现成的，或者自己写一句。"), status=422)
    with unit_of_work():
        fresh = _locked(device)
        fresh.notice, fresh.notice_until = words or ready, database_now() + NOTICE_SHOWN
        audit.record(actor, "device.notice", "device", device.id, unit_id=device.centre_id)


def end_notice(actor: Actor, device: Device, until: str | None = None) -> None:
    """Taken back by staff, or read by whoever stands there: then `until` says which one they saw, for another may have
    come meanwhile. Ending twice changes nothing."""
    with unit_of_work():
        fresh = _locked(device)
        if fresh.notice_until is None or until not in (None, fresh.notice_until.isoformat()):
            return
        fresh.notice = fresh.notice_until = None
        audit.record(actor, "device.notice_ended", "device", device.id, unit_id=device.centre_id)


def _locked(device: Device) -> Device:
    return db.session.get_one(Device, device.id, with_for_update=True, populate_existing=True)
