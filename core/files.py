"""Files that people hand in: kept in a folder by default, in any S3-compatible store by setting.

A kind says what a file may be, what is made of it and who may read it. The bytes are written before the row and removed
after it, so that a row always has its bytes; bytes without a row are swept up by the clock.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from flask_babel import gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core import audit
from core.audit import Actor
from core.clock import database_now
from core.crypto import Undecryptable, keys
from core.database import Base, Moment, Short, after_commit, db, unit_of_work
from core.errors import Refused
from core.stores import FolderStore, Missing, Store

log = structlog.get_logger()
GRACE = timedelta(hours=1)
"""Bytes younger than this may belong to a row that is just being written."""


class File(Base):
    """What is known of one file. Its bytes are in the store under `key`, which says nothing about it."""

    __tablename__ = "file"
    __table_args__ = (CheckConstraint("size >= 0", name="size"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Short, unique=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("org_unit.id"))
    kind: Mapped[str] = mapped_column(Short)
    """What it is for, such as `dish.photo`: who may read it is decided by that."""
    mime: Mapped[str] = mapped_column(Short)
    size: Mapped[int]
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    made_at: Mapped[datetime] = mapped_column(Moment)
    gone_at: Mapped[datetime | None] = mapped_column(Moment)
    """Removed: the row stays, the bytes go."""


@dataclass(frozen=True, slots=True)
class FileKind:
    """name: unique for ever. mime: what is kept. most: bytes that may be handed in. make(bytes): what is kept of them,
    or a refusal.

    public: anybody who knows its address may read it; else nobody reads it by an address. sealed: kept encrypted.
    lasts: swept up after this time, and no part of a backup; None: until it is removed.
    """

    name: str
    mime: str
    most: int
    make: Callable[[bytes], bytes]
    public: bool = False
    sealed: bool = False
    lasts: timedelta | None = None


class Kept:
    """The store and the kinds of this process; `create_app` fills both."""

    def __init__(self) -> None:
        self.by_name: dict[str, FileKind] = {}

    def use(self, kinds: list[FileKind]) -> None:
        self.by_name = {kind.name: kind for kind in kinds}


kinds = Kept()
STORE = "hall_files"
"""Under this option the database's engine knows its store: both belong to one program."""


def use_store(store: Store) -> None:
    """Keep files there from now on."""
    db.engine.update_execution_options(**{STORE: store})


def store() -> Store:
    """The store of this program."""
    found: Store = db.engine.get_execution_options()[STORE]
    return found


@dataclass(frozen=True, slots=True)
class Prepared:
    """Bytes that are in the store already and wait for their row; without one they are swept up."""

    key: str
    kind: FileKind
    size: int
    digest: bytes


def prepare(data: bytes, kind_name: str) -> Prepared:
    """Look at what was handed in and store what its kind makes of it. Slow: call it outside a unit of work."""
    kind = kinds.by_name[kind_name]
    if not data:
        raise Refused("file_missing", _("还没有选文件"), _("请先选一个文件，再点一次。"), status=422)
    if len(data) > kind.most:
        text = _("最多 %(n)d MB，请换一个小一点的。", n=kind.most // 2**20)
        raise Refused("file_large", _("文件太大了"), text, status=413)
    made = kind.make(data)
    key = new_key()
    store().put(key, seal(key, made) if kind.sealed else made)
    return Prepared(key, kind, len(made), hashlib.sha256(made).digest())


def keep(actor: Actor, ready: Prepared, unit_id: int | None) -> File:
    """The row of prepared bytes, in the running unit of work or one of its own."""
    with unit_of_work():
        row = File(
            key=ready.key,
            unit_id=unit_id,
            kind=ready.kind.name,
            mime=ready.kind.mime,
            size=ready.size,
            digest=ready.digest,
            made_at=database_now(),
        )
        db.session.add(row)
        db.session.flush()
        audit.record(actor, "file.kept", "file", row.id, unit_id=unit_id, detail={"kind": ready.kind.name})
    return row


def put(actor: Actor, data: bytes, kind_name: str, unit_id: int | None) -> File:
    """Keep what was handed in, as its kind makes it."""
    return keep(actor, prepare(data, kind_name), unit_id)


def by_key(key: str) -> File | None:
    """The file at an address, if it is still there."""
    return db.session.scalar(select(File).where(File.key == key, File.gone_at.is_(None)))


def read(row: File) -> bytes:
    """The bytes of a file. Raises `Missing` where they are lost, or not what was written."""
    data = store().get(row.key)
    if kinds.by_name[row.kind].sealed:
        data = unseal(row.key, data)
    if hashlib.sha256(data).digest() != row.digest:
        raise Missing(row.key)
    return data


def remove(actor: Actor, row: File) -> bool:
    """The bytes go once the deed is done; the row stays. Removing twice changes nothing, and says so."""
    with unit_of_work():
        gone = db.session.execute(
            update(File)
            .where(File.id == row.id, File.gone_at.is_(None))
            .values(gone_at=database_now())
            .returning(File.id)
        ).first()
        if gone:
            audit.record(actor, "file.removed", "file", row.id, unit_id=row.unit_id)
            after_commit(partial(_drop, row.key))
    return gone is not None


def _drop(key: str) -> None:
    """The row says it is gone already: a store that is away now is swept later."""
    try:
        store().delete(key)
    except Exception as error:  # any fault of a store far away; the clock tries again
        log.warning("file_not_dropped", key=key, error=type(error).__name__)


def new_key() -> str:
    """128 random bits in small letters and digits."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def sweep() -> int:
    """Remove what has had its time, and bytes that no row knows. For the clock; returns how many keys went."""
    now = database_now()
    for kind in kinds.by_name.values():
        if kind.lasts is not None:
            with unit_of_work():
                old = File.kind == kind.name, File.gone_at.is_(None), File.made_at < now - kind.lasts
                db.session.execute(update(File).where(*old).values(gone_at=now))
    live = set(db.session.scalars(select(File.key).where(File.gone_at.is_(None))))
    db.session.rollback()
    place, many = store(), 0
    for key, written in list(place.all()):
        if key not in live and written < now - GRACE:
            place.delete(key)
            many += 1
    if isinstance(place, FolderStore):
        place.tidy(now - GRACE)
    return many


def lost() -> list[str]:
    """Keys whose bytes should be there and are not; for the doctor."""
    there = {key for key, _written in store().all()}
    return sorted(set(db.session.scalars(select(File.key).where(File.gone_at.is_(None)))) - there)


def seal(key: str, data: bytes) -> bytes:
    """Encrypted, and bound to its key."""
    return AESSIV(keys.newest("file", 64)).encrypt(data, [key.encode()])


def unseal(key: str, data: bytes) -> bytes:
    """What was sealed. Raises `Undecryptable`."""
    for secret in keys.all("file", 64):
        try:
            return AESSIV(secret).decrypt(data, [key.encode()])
        except InvalidTag:
            continue
    raise Undecryptable(f"file {key}: no known key opens it")
