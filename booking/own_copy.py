"""A person's own copy of what is kept about them: bookings, and those they missed."""

from flask_babel import gettext as _
from sqlalchemy import select

from booking.board import state_words
from booking.models import Booking, Violation
from booking.queries import full, place_words, state_now
from core.clock import now
from core.codes import show_number
from core.database import db
from core.sheets import Head, Page, stamp


def pages(resident_id: int, zone: str) -> list[Page]:
    """Sheets of the copy."""
    moment = now()
    rows = db.session.scalars(
        full().where(Booking.resident_id == resident_id).order_by(Booking.starts_at.desc())
    )
    missed = {"no_show": _("没有来"), "late_cancel": _("取消晚了")}
    odd = db.session.execute(
        select(Violation.at, Violation.kind, Booking.number)
        .join(Booking, Booking.id == Violation.booking_id)
        .where(Violation.resident_id == resident_id)
        .order_by(Violation.at.desc())
    )
    return [
        Page(
            _("预约"),
            [
                Head(_("编号"), 12),
                Head(_("哪里"), 26),
                Head(_("开始"), 18),
                Head(_("结束"), 18),
                Head(_("状态"), 12),
                Head(_("签到"), 18),
            ],
            [
                (
                    show_number(row.number),
                    place_words(row),
                    stamp(row.starts_at, zone),
                    stamp(row.ends_at, zone),
                    state_words(state_now(row, moment)),
                    stamp(row.checked_in_at, zone),
                )
                for row in rows
            ],
        ),
        Page(
            _("没有来的"),
            [Head(_("时间"), 18), Head(_("怎么了"), 14), Head(_("编号"), 12)],
            [(stamp(row.at, zone), missed[row.kind], show_number(row.number)) for row in odd],
        ),
    ]
