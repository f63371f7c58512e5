"""Tables of people."""

from datetime import date, datetime
from typing import Any

from flask_security.core import RoleMixin, UserMixin
from sqlalchemy import JSON, Boolean, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from centres.models import Building
from core.crypto import Encrypted
from core.database import Base, Moment, Short, Text
from core.i18n import Named
from core.intervals import no_overlap
from core.rotate import indexed
from core.words import masked


class Resident(Base):
    """A person of the district. Several may share a phone number; a card works in every centre."""

    __tablename__ = "resident"
    __table_args__ = (
        CheckConstraint("lifecycle IN ('active','moved_away','deceased','merged')", name="lifecycle"),
        CheckConstraint("(lifecycle = 'merged') = (merged_into_id IS NOT NULL)", name="merged"),
        CheckConstraint("language IN ('zh_Hans','zh_Hant','en')", name="language"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    district_id: Mapped[int] = mapped_column(ForeignKey("org_unit.id"), index=True)
    home_centre_id: Mapped[int | None] = mapped_column(ForeignKey("centre.id"), index=True)
    name: Mapped[str] = mapped_column(Text, index=True)
    born: Mapped[date]
    phone: Mapped[str | None] = mapped_column(Encrypted("resident.phone"))
    """E.164, such as +8613800001187."""
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary(16), index=True)
    phone_tail_index: Mapped[bytes | None] = mapped_column(LargeBinary(16), index=True)
    email: Mapped[str | None] = mapped_column(Encrypted("resident.email"))
    pin_hash: Mapped[str | None] = mapped_column(Text)
    pin_open_until: Mapped[datetime | None] = mapped_column(Moment)
    """Until then the card alone may set a PIN at a kiosk: opened by staff for new residents and forgotten PINs."""
    language: Mapped[str] = mapped_column(Short, default="zh_Hans")
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """With consent: large_type, contrast, voice, lower_half. A scan of the card sets them, the wipe resets them."""
    adapted_seat: Mapped[bool] = mapped_column(Boolean, default=False)
    """May take seats that are kept back for wheelchair users."""
    hukou: Mapped[str] = mapped_column(Short, default="")
    """Where the person is registered: a city's code such as `shenzhen`, `elsewhere`, `hongkong`; empty: not known."""
    hukou_district: Mapped[str] = mapped_column(Short, default="")
    lives_alone: Mapped[bool] = mapped_column(Boolean, default=False)
    building_id: Mapped[int | None] = mapped_column(ForeignKey("building.id"), index=True)
    room: Mapped[str | None] = mapped_column(Encrypted("resident.room"))
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    """This record was found to be the same person as another; everything of it is there now."""
    lifecycle: Mapped[str] = mapped_column(Short, default="active")
    made_at: Mapped[datetime] = mapped_column(Moment)
    building: Mapped[Building | None] = relationship()

    @property
    def masked_name(self) -> str:
        """For screens that others can see."""
        return masked(self.name)

    @property
    def phone_tail(self) -> str:
        """Last four digits, or nothing."""
        return self.phone[-4:] if self.phone else ""


class Card(Base):
    """A card of a resident: ours with a code as QR, or one they already have, known by its printed number.

    The code is stored as a digest only; a reprint revokes the card before.
    """

    __tablename__ = "card"
    __table_args__ = (
        CheckConstraint("kind IN ('centre','linked')", name="kind"),
        CheckConstraint("kind <> 'centre' OR code_hash IS NOT NULL", name="code"),
        Index(
            "uq_card_live_number",
            "number",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    kind: Mapped[str] = mapped_column(Short, default="centre")
    number: Mapped[str] = mapped_column(Short)
    """Printed on it for people: C-00003026."""
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    issued_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    revoked_why: Mapped[str | None] = mapped_column(Short)
    resident: Mapped[Resident] = relationship()


class Consent(Base):
    """What a resident agreed to, in which version of the words, and when they took it back."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("kind IN ('profile','settings','messages','diet','family')", name="kind"),
        Index(
            "uq_consent_live",
            "resident_id",
            "kind",
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    kind: Mapped[str] = mapped_column(Short)
    version: Mapped[str] = mapped_column(Short)
    given_at: Mapped[datetime] = mapped_column(Moment)
    given_where: Mapped[str] = mapped_column(Short)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Moment)


class StatusKind(Named, Base):
    """A kind of finding that a place adds to the city's (`findings.STATUSES`), or calls otherwise: subsidy rules ask
    for its code. One list for the whole installation, because a person's findings go with them."""

    __tablename__ = "status_kind"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("org_unit.id"), index=True)
    code: Mapped[str] = mapped_column(Short, unique=True)
    retired_at: Mapped[datetime | None] = mapped_column(Moment)
    """No longer on lists; findings of before still count."""


class ResidentStatus(Base):
    """Something that a public body has found about a person, for some days: it decides what help they get.

    kind: a code of `findings.kinds()`; assessed_mild, assessed_moderate, assessed_severe. Coded, never printed.
    `ends_on` is excluded; empty: until further notice.
    """

    __tablename__ = "resident_status"
    __table_args__ = (CheckConstraint("ends_on IS NULL OR starts_on < ends_on", name="order"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    kind: Mapped[str] = mapped_column(Short)
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]


STATUS_LINE = no_overlap(
    ResidentStatus.metadata.tables["resident_status"],
    ("resident_id", "kind"),
    ("starts_on", "ends_on"),
    dates=True,
)


class FamilyLink(Base):
    """A relative who may order for an elder. Asked by one side, agreed to by the elder, revocable by both."""

    __tablename__ = "family_link"
    __table_args__ = (
        CheckConstraint("elder_id <> proxy_id", name="two"),
        CheckConstraint("state IN ('asked','active','ended')", name="state"),
        Index(
            "uq_family_link_live",
            "elder_id",
            "proxy_id",
            unique=True,
            sqlite_where=text("state <> 'ended'"),
            postgresql_where=text("state <> 'ended'"),
        ),
        Index("ix_family_link_proxy", "proxy_id", "state"),
        Index("uq_family_link_invitation", "invitation_id", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    elder_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    proxy_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    state: Mapped[str] = mapped_column(Short, default="asked")
    sees_collected: Mapped[bool] = mapped_column(Boolean, default=False)
    """The elder lets them see 已取餐."""
    pays_since: Mapped[datetime | None] = mapped_column(Moment)
    """Since when the elder lets them pay the elder's meals from the elder's card; empty: they do not."""
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("family_invitation.id"))
    """What it came of, where the elder invited them: one link an invitation."""
    asked_at: Mapped[datetime] = mapped_column(Moment)
    agreed_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_by: Mapped[str] = mapped_column(Short, default="")
    elder: Mapped[Resident] = relationship(foreign_keys=[elder_id])
    proxy: Mapped[Resident] = relationship(foreign_keys=[proxy_id])


class FamilyInvitation(Base):
    """An elder invites a relative: a code (QR) and a number to read out, good once and for some hours.

    `version`: the words that the elder agreed to. Of one elder one is open; a new one takes the place of the old.
    """

    __tablename__ = "family_invitation"
    __table_args__ = (
        CheckConstraint("state IN ('open','used','withdrawn')", name="state"),
        CheckConstraint("(state = 'used') = (used_at IS NOT NULL)", name="used"),
        CheckConstraint("made_at < expires_at", name="order"),
        UniqueConstraint("code_index"),
        UniqueConstraint("number_index"),
        Index(
            "uq_family_invitation_open",
            "elder_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    elder_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    code: Mapped[str] = mapped_column(Encrypted("family_invitation.code"))
    code_index: Mapped[bytes] = mapped_column(LargeBinary(16))
    number: Mapped[str] = mapped_column(Encrypted("family_invitation.number"))
    number_index: Mapped[bytes] = mapped_column(LargeBinary(16))
    sees_collected: Mapped[bool] = mapped_column(Boolean, default=False)
    version: Mapped[str] = mapped_column(Short)
    state: Mapped[str] = mapped_column(Short, default="open")
    made_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)
    elder: Mapped[Resident] = relationship()


class CallTask(Base):
    """Somebody is to be rung up: an elder who did not come for the meal, or a person whom no message reaches.

    kind: care, nobody_home, message. `key` says what for: written once. What is to be said and what came of it are
    sealed.
    """

    __tablename__ = "call_task"
    __table_args__ = (
        CheckConstraint("kind IN ('care','nobody_home','message')", name="kind"),
        CheckConstraint("state IN ('open','again','reached','closed')", name="state"),
        UniqueConstraint("key"),
        Index("ix_call_task_open", "centre_id", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Short)
    kind: Mapped[str] = mapped_column(Short)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    words: Mapped[str] = mapped_column(Encrypted("call_task.words"))
    made_at: Mapped[datetime] = mapped_column(Moment)
    due_at: Mapped[datetime] = mapped_column(Moment)
    state: Mapped[str] = mapped_column(Short, default="open")
    tries: Mapped[int] = mapped_column(default=0)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    note: Mapped[str | None] = mapped_column(Encrypted("call_task.note"))
    resident: Mapped[Resident] = relationship()


class Commitment(Base):
    """One stretch of a person's time line: a booking, an activity, a shift. Two of them never overlap.

    `overlap_reason`: staff allowed this one beside another, and why; it is outside the guard.
    """

    __tablename__ = "commitment"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="order"),
        UniqueConstraint("kind", "ref_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    kind: Mapped[str] = mapped_column(Short)
    ref_id: Mapped[int]
    overlap_reason: Mapped[str | None] = mapped_column(Text)


COMMITMENT_LINE = no_overlap(
    Commitment.metadata.tables["commitment"], ("resident_id",), live="overlap_reason IS NULL"
)


class Throttle(Base):
    """Wrong tries against one thing (`resident:7`, `device:2`, `staff:f05@…` as digest), the same for all processes."""

    __tablename__ = "throttle"

    subject: Mapped[str] = mapped_column(Short, primary_key=True)
    tries: Mapped[int] = mapped_column(default=0)
    first_at: Mapped[datetime] = mapped_column(Moment)
    blocked_until: Mapped[datetime | None] = mapped_column(Moment)


class Role(RoleMixin, Base):
    """Flask-Security asks for this table; it stays empty. What staff may do is `Grant`."""

    __tablename__ = "role"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Short, unique=True)


class StaffRole(Base):
    """Flask-Security's link between staff and `Role`; stays empty."""

    __tablename__ = "staff_role"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    role_id: Mapped[int] = mapped_column(ForeignKey("role.id"), primary_key=True)


class Staff(UserMixin, Base):
    """A member of staff who signs in. Field names are Flask-Security's."""

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Short)
    title_zh: Mapped[str] = mapped_column(Short, default="")
    password: Mapped[str] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    fs_uniquifier: Mapped[str] = mapped_column(Short, unique=True)
    is_demo: Mapped[bool] = mapped_column(Boolean, default=False)
    tf_primary_method: Mapped[str | None] = mapped_column(Short)
    tf_totp_secret: Mapped[str | None] = mapped_column(Encrypted("staff.tf_totp_secret"))
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(JSON))
    roles: Mapped[list[Role]] = relationship(secondary="staff_role")  # type: ignore[assignment]
    grants: Mapped[list["Grant"]] = relationship(back_populates="staff", lazy="selectin")


class Grant(Base):
    """A role that a member of staff holds over a unit and everything below it."""

    __tablename__ = "grant_"
    __table_args__ = (UniqueConstraint("staff_id", "role", "unit_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    role: Mapped[str] = mapped_column(Short)
    unit_id: Mapped[int] = mapped_column(ForeignKey("org_unit.id"))
    staff: Mapped[Staff] = relationship(back_populates="grants")


indexed("family_invitation", "code_index", "code", "family_invitation.code")
indexed("family_invitation", "number_index", "number", "family_invitation.number")
indexed("resident", "phone_index", "phone", "resident.phone")
indexed("resident", "phone_tail_index", "phone", "resident.phone_tail", lambda phone: phone[-4:])
