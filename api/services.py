"""Verbs about other programs: make one a key, take it away, say where it is told what happens."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import case, or_, select, update

from api.models import HOOKS, SCOPES, ApiClient
from core import audit
from core.audit import Actor
from core.channels.outward import NotAllowed, checked
from core.clock import database_now
from core.database import db, unit_of_work
from core.errors import NotFound, Refused
from core.outbox import channels

PREFIX = "hall_"
MINUTE = timedelta(minutes=1)


def digest(key: str) -> bytes:
    """What is kept of a key: it is random, so a plain digest serves."""
    return hashlib.sha256(key.encode()).digest()


def make_client(
    staff_id: int, unit_id: int, name: str, scopes: Sequence[str], most: int = 120
) -> tuple[ApiClient, str]:
    """A program that may ask over a unit, and its key, which is shown this once."""
    name = " ".join(name.split())[:60]
    if not name:
        raise Refused("name_missing", _("请写上是哪个程序"), _("比如：街道小程序。"), status=422)
    if not set(scopes) or not set(scopes) <= set(SCOPES):
        raise Refused("scopes_missing", _("请选它能做什么"), status=422)
    if not 1 <= most <= 6000:
        raise Refused("value_odd", _("每分钟的次数请写 1 到 6000"), status=422)
    key = PREFIX + secrets.token_urlsafe(32)
    with unit_of_work():
        row = ApiClient(
            unit_id=unit_id,
            name=name,
            key_hash=digest(key),
            key_tail=key[-4:],
            scopes=sorted(set(scopes)),
            made_at=database_now(),
            made_by=staff_id,
            minute_most=most,
            hook_kinds=[],
        )
        db.session.add(row)
        db.session.flush()
        audit.record(
            Actor("staff", staff_id),
            "client.made",
            "api_client",
            row.id,
            unit_id=unit_id,
            detail={"scopes": row.scopes},
        )
    return row, key


def new_key(staff_id: int, unit_id: int, client_id: int) -> tuple[ApiClient, str]:
    """Another key; the one before stops working at once."""
    key = PREFIX + secrets.token_urlsafe(32)
    with unit_of_work():
        row = _locked(unit_id, client_id)
        if row.revoked_at is not None:
            raise Refused("client_revoked", _("这个程序已经停用了"), _("要再用，请重新登记一个。"))
        row.key_hash, row.key_tail = digest(key), key[-4:]
        audit.record(Actor("staff", staff_id), "client.new_key", "api_client", row.id, unit_id=unit_id)
    return row, key


def revoke_client(staff_id: int, unit_id: int, client_id: int) -> None:
    """Its key stops working at once, and it is told nothing more. Again it changes nothing."""
    with unit_of_work():
        row = _locked(unit_id, client_id)
        if row.revoked_at is None:
            row.revoked_at = database_now()
            row.hook_url = row.hook_secret = None
            audit.record(Actor("staff", staff_id), "client.revoked", "api_client", row.id, unit_id=unit_id)


def set_hook(staff_id: int, unit_id: int, client_id: int, url: str, wanted: Sequence[str]) -> str:
    """Where a program is told what happens, and of what. Returns the new secret that signs it; '' with no address."""
    url = url.strip()
    if url:
        if not set(wanted) or not set(wanted) <= set(HOOKS):
            raise Refused("hook_kinds", _("请选要通知的事"), status=422)
        try:
            checked(url, inside=channels.inside)
        except NotAllowed:
            raise Refused(
                "hook_url",
                _("通知的地址不能用"),
                _("要以 https:// 开头，不能带密码，也不能是内部网络的地址。"),
                status=422,
            ) from None
        if len(url) > 300:
            raise Refused("hook_url", _("通知的地址太长了"), status=422)
    secret = secrets.token_urlsafe(32) if url else ""
    with unit_of_work():
        row = _locked(unit_id, client_id)
        if row.revoked_at is not None:
            raise Refused("client_revoked", _("这个程序已经停用了"), _("要再用，请重新登记一个。"))
        row.hook_url, row.hook_secret = url or None, secret or None
        row.hook_kinds = sorted(set(wanted)) if url else []
        audit.record(Actor("staff", staff_id), "client.hook", "api_client", row.id, unit_id=unit_id)
    return secret


def _locked(unit_id: int, client_id: int) -> ApiClient:
    query = select(ApiClient).where(ApiClient.id == client_id, ApiClient.unit_id == unit_id)
    row = db.session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if row is None:
        raise NotFound(_("没有找到这个程序"))
    return row


def client_here(unit_id: int, client_id: int) -> ApiClient:
    """One program of a unit; else: not found."""
    row = db.session.scalar(select(ApiClient).where(ApiClient.id == client_id, ApiClient.unit_id == unit_id))
    if row is None:
        raise NotFound(_("没有找到这个程序"))
    return row


def clients(unit_id: int) -> list[ApiClient]:
    """The programs of a unit, the working ones first."""
    query = select(ApiClient).where(ApiClient.unit_id == unit_id)
    return list(db.session.scalars(query.order_by(ApiClient.revoked_at.is_not(None), ApiClient.id)))


def by_key(key: str) -> ApiClient | None:
    """Whose key this is; None for a key that was never made, or is revoked."""
    return db.session.scalar(
        select(ApiClient).where(ApiClient.key_hash == digest(key), ApiClient.revoked_at.is_(None))
    )


def count_call(client_id: int) -> bool:
    """Count one call in the database, the same for all processes. False: this minute's are used up."""
    with unit_of_work():
        now = database_now()
        minute = _minute(now)
        same = ApiClient.minute_at == minute
        row = db.session.execute(
            update(ApiClient)
            .where(
                ApiClient.id == client_id,
                or_(ApiClient.minute_at.is_(None), ~same, ApiClient.minute_calls < ApiClient.minute_most),
            )
            .values(
                minute_calls=case((same, ApiClient.minute_calls + 1), else_=1),
                minute_at=minute,
                last_used_at=now,
            )
            .returning(ApiClient.id)
        ).first()
    return row is not None


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
