"""A person's own copy of what is kept about them: what people know. Others are in it with masked names only."""

from collections.abc import Sequence
from datetime import date, datetime

from flask_babel import gettext as _
from sqlalchemy import or_, select

from core.audit import Audit
from core.database import db
from core.outbox import Message
from core.sheets import Head, Page, stamp
from core.words import masked
from people.models import CallTask, Card, Consent, FamilyLink, Resident, ResidentStatus, Staff
from people.services.findings import HUKOU, finding_words
from people.services.residents import CONSENTS


def pages(resident_id: int, zone: str) -> list[Page]:
    """Sheets of the copy: the record, cards, consents, statuses, family, messages, calls, and who opened the record."""
    person = db.session.get_one(Resident, resident_id)
    return [
        _record(person, zone),
        _cards(resident_id, zone),
        _consents(resident_id, zone),
        _statuses(resident_id),
        _family(resident_id, zone),
        _messages(resident_id, zone),
        _calls(resident_id, zone),
        _readers(resident_id, zone),
    ]


def _record(person: Resident, zone: str) -> Page:
    house = person.building
    words = {
        "large_type": _("大字"),
        "contrast": _("高对比"),
        "voice": _("朗读"),
        "lower_half": _("按钮放低"),
    }
    kept = [words[name] for name in words if person.settings.get(name) in (True, "high")]
    rows = [
        (_("姓名"), person.name),
        (_("出生日期"), person.born),
        (_("手机"), person.phone),
        (_("邮箱"), person.email),
        (_("户籍"), str(HUKOU.get(person.hukou, person.hukou))),
        (_("户籍区"), person.hukou_district),
        (_("楼栋"), house.name if house is not None else ""),
        (_("房号"), person.room),
        (_("独居"), _("是") if person.lives_alone else _("否")),
        (_("无障碍座位"), _("可以坐") if person.adapted_seat else _("没有登记")),
        (_("刷卡时"), _("、").join(kept)),
        (_("登记时间"), stamp(person.made_at, zone)),
    ]
    return Page(_("资料"), [Head(_("内容"), 16), Head(_("我们记着的"), 50)], rows)


def _cards(resident_id: int, zone: str) -> Page:
    rows = db.session.scalars(select(Card).where(Card.resident_id == resident_id).order_by(Card.id))
    return Page(
        _("卡"),
        [Head(_("卡号"), 18), Head(_("种类"), 14), Head(_("从哪天起"), 18), Head(_("停用"), 18)],
        [
            (
                row.number,
                _("中心的卡") if row.kind == "centre" else _("自己的卡"),
                stamp(row.issued_at, zone),
                stamp(row.revoked_at, zone),
            )
            for row in rows
        ],
    )


def _consents(resident_id: int, zone: str) -> Page:
    rows = db.session.scalars(select(Consent).where(Consent.resident_id == resident_id).order_by(Consent.id))
    heads = [Head(_("内容"), 30), Head(_("哪一版"), 12), Head(_("同意"), 18), Head(_("收回"), 18)]
    return Page(
        _("同意了什么"),
        heads,
        [
            (str(CONSENTS[row.kind]), row.version, stamp(row.given_at, zone), stamp(row.withdrawn_at, zone))
            for row in rows
        ],
    )


def _statuses(resident_id: int) -> Page:
    rows = db.session.scalars(
        select(ResidentStatus).where(ResidentStatus.resident_id == resident_id).order_by(ResidentStatus.id)
    )
    found: list[tuple[str, date, date | None]] = [
        (finding_words(row.kind), row.starts_on, row.ends_on) for row in rows
    ]
    return Page(_("身份"), [Head(_("身份"), 20), Head(_("从哪天起")), Head(_("到哪天前"))], found)


def _family(resident_id: int, zone: str) -> Page:
    rows = db.session.scalars(
        select(FamilyLink)
        .where(or_(FamilyLink.elder_id == resident_id, FamilyLink.proxy_id == resident_id))
        .order_by(FamilyLink.id)
    )
    return Page(
        _("家人"),
        [Head(_("谁"), 12), Head(_("做什么"), 18), Head(_("从哪天起"), 18), Head(_("到哪天"), 18)],
        [
            (
                masked(row.proxy.name if row.elder_id == resident_id else row.elder.name),
                _("能帮着订餐") if row.elder_id == resident_id else _("帮着这位订餐"),
                stamp(row.agreed_at or row.asked_at, zone),
                stamp(row.ended_at, zone),
            )
            for row in rows
        ],
    )


def _messages(resident_id: int, zone: str) -> Page:
    rows = db.session.scalars(
        select(Message).where(Message.resident_id == resident_id).order_by(Message.id.desc())
    )
    return Page(
        _("消息"),
        [Head(_("时间"), 18), Head(_("标题"), 30), Head(_("内容"), 60)],
        [(stamp(row.made_at, zone), row.subject, row.body) for row in rows],
    )


def _calls(resident_id: int, zone: str) -> Page:
    words = {"care": _("没来吃饭，打电话问问"), "nobody_home": _("送餐没人在家"), "message": _("消息送不到")}
    rows = db.session.scalars(
        select(CallTask).where(CallTask.resident_id == resident_id).order_by(CallTask.id.desc())
    )
    return Page(
        _("打给您的电话"),
        [Head(_("时间"), 18), Head(_("为什么"), 24), Head(_("说了什么"), 50), Head(_("办完"), 18)],
        [(stamp(row.made_at, zone), words[row.kind], row.words, stamp(row.ended_at, zone)) for row in rows],
    )


def _readers(resident_id: int, zone: str) -> Page:
    """Who opened the record or took a copy of it, as long as that is kept."""
    rows = db.session.execute(
        select(Audit.at, Staff.name)
        .join(Staff, Staff.id == Audit.actor_id)
        .where(
            Audit.subject_kind == "resident",
            Audit.subject_id == resident_id,
            Audit.verb.in_(["resident.read", "resident.copied"]),
            Audit.actor_kind == "staff",
        )
        .order_by(Audit.id.desc())
    ).all()
    found: Sequence[tuple[datetime | str, str]] = [(stamp(row.at, zone), row.name) for row in rows]
    return Page(_("谁看过您的资料"), [Head(_("时间"), 18), Head(_("谁"), 14)], found)
