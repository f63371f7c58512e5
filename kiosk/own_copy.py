"""A person's own copy of everything that is kept about them, as a workbook in their language."""

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select

from centres.models import Centre
from core import audit
from core.audit import Actor
from core.clock import database_now
from core.database import db, unit_of_work
from core.sheets import Head, Page, stamp, write
from kiosk.areas import Areas
from kiosk.models import ConfirmedPhone, Visit
from people import own_copy
from people.models import Resident


def workbook(actor: Actor, resident_id: int, centre: Centre) -> bytes:
    """What people, the areas and the screens keep about somebody, a sheet for each kind. That it was taken is written
    down. Codes, PINs and other people's names are not in it."""
    with unit_of_work():
        moment = database_now()
        audit.record(actor, "resident.copied", "resident", resident_id, unit_id=centre.id, at=moment)
    person = db.session.get_one(Resident, resident_id)
    with force_locale(person.language):
        pages = own_copy.pages(resident_id, centre.zone)
        pages += [page for area in Areas.all if area.export for page in area.export(resident_id, centre.zone)]
        pages += [_visits(resident_id, centre.zone), _phones(resident_id, centre.zone)]
        return write(*pages)


def _visits(resident_id: int, zone: str) -> Page:
    rows = db.session.execute(
        select(Visit.started_at, Visit.ended_at, Visit.device_id, Centre)
        .join(Centre, Centre.id == Visit.centre_id)
        .where(Visit.resident_id == resident_id)
        .order_by(Visit.id.desc())
    ).all()
    return Page(
        _("用过的屏幕"),
        [Head(_("开始"), 18), Head(_("结束"), 18), Head(_("哪里"), 20), Head(_("用什么"), 10)],
        [
            (
                stamp(row.started_at, zone),
                stamp(row.ended_at, zone),
                row.Centre.name,
                _("一体机") if row.device_id else _("手机"),
            )
            for row in rows
        ],
    )


def _phones(resident_id: int, zone: str) -> Page:
    rows = db.session.scalars(
        select(ConfirmedPhone).where(ConfirmedPhone.resident_id == resident_id).order_by(ConfirmedPhone.id)
    )
    return Page(
        _("认得的手机"),
        [Head(_("从哪天起"), 18), Head(_("到哪天"), 18)],
        [(stamp(row.confirmed_at, zone), stamp(row.removed_at, zone)) for row in rows],
    )
