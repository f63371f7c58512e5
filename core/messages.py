"""What messages say: each kind has its words in the code, and a centre may write its own, by language.

Words hold placeholders such as `{day}`; only those of the kind are filled, and nothing else in braces is allowed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from core import audit
from core.audit import Actor
from core.channels.groups import StaffGroup, groups, may_tell
from core.clock import database_now
from core.crypto import Encrypted
from core.database import Base, Moment, Short, Text, db, unit_of_work
from core.errors import NotFound, Refused
from core.i18n import LANGUAGES
from core.outbox import channels, put

PLACE = re.compile(r"\{([^{}]*)\}")
SUBJECT_MOST, BODY_MOST = 60, 400


class MessageTemplate(Base):
    """A centre's own words for one kind of message in one language."""

    __tablename__ = "message_template"
    __table_args__ = (
        UniqueConstraint("centre_id", "kind", "language"),
        CheckConstraint("language IN ('zh_Hans','zh_Hant','en')", name="language"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    kind: Mapped[str] = mapped_column(Short)
    language: Mapped[str] = mapped_column(Short)
    subject: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Encrypted("message_template.body"))
    changed_at: Mapped[datetime] = mapped_column(Moment)


@dataclass(frozen=True, slots=True)
class MessageKind:
    """One kind of message. All texts are lazy strings.

    name: unique for ever, such as `meal.ordered`. label: for staff. subject, body: the words of the code.
    places: placeholder → (what it is, a sample for the preview). to: `person` or `group` (of staff).
    urgent: goes out in quiet hours too. must_reach: where no message reaches the person, somebody rings them up.
    """

    name: str
    label: Any
    subject: Any
    body: Any
    places: Mapping[str, tuple[Any, Any]]
    to: str = "person"
    urgent: bool = False
    must_reach: bool = False


class Kinds:
    """The kinds of this process; `create_app` fills it from the areas."""

    def __init__(self) -> None:
        self.by_name: dict[str, MessageKind] = {}

    def use(self, kinds: Sequence[MessageKind]) -> None:
        self.by_name = {kind.name: kind for kind in kinds}

    def named(self, name: str) -> MessageKind:
        """The kind of a name. Raises `NotFound`."""
        found = self.by_name.get(name)
        if found is None:
            raise NotFound(_("没有这种消息"))
        return found


kinds = Kinds()


def fill(words: str, values: Mapping[str, object]) -> str:
    """`words` with their placeholders filled. A line that holds nothing but empty ones is left out."""
    lines = []
    for line in words.splitlines():
        names = PLACE.findall(line)
        if names and all(not str(values.get(name, "")) for name in names) and not PLACE.sub("", line).strip():
            continue
        lines.append(PLACE.sub(lambda found: str(values.get(found[1], "")), line).rstrip())
    return "\n".join(lines).strip()


def words_of(kind: MessageKind, centre_id: int | None, language: str) -> tuple[str, str, bool]:
    """(subject, body, own): the centre's own words in a language, or those of the code."""
    row = db.session.scalar(
        select(MessageTemplate).where(
            MessageTemplate.centre_id == centre_id,
            MessageTemplate.kind == kind.name,
            MessageTemplate.language == language,
        )
    )
    if row is not None:
        return row.subject, row.body, True
    with force_locale(language):
        return str(kind.subject), str(kind.body), False


def written(name: str, centre_id: int | None, language: str, values: Mapping[str, object]) -> tuple[str, str]:
    """Subject and body of a message as it is sent. The values are in the reader's language already."""
    subject, body, _own = words_of(kinds.named(name), centre_id, language)
    return " ".join(fill(subject, values).split()), fill(body, values)


def preview(kind: MessageKind, subject: str, body: str, language: str) -> tuple[str, str]:
    """How words would look, filled with the samples."""
    with force_locale(language):
        samples = {name: str(sample) for name, (_what, sample) in kind.places.items()}
    return fill(subject, samples), fill(body, samples)


def check(kind: MessageKind, subject: str, body: str) -> tuple[str, str]:
    """Words as they are kept. Refuses none, too many, and placeholders that this kind does not have."""
    subject, body = " ".join(subject.split()), "\n".join(line.rstrip() for line in body.strip().splitlines())
    if not subject or not body:
        raise Refused(
            "words_missing", _("标题和内容都要写"), _("想用原来的，按“用回大家一样的话”。"), status=422
        )
    if len(subject) > SUBJECT_MOST or len(body) > BODY_MOST:
        text = _("标题最多 %(s)d 个字，内容最多 %(b)d 个字。", s=SUBJECT_MOST, b=BODY_MOST)
        raise Refused("words_long", _("写得太长了"), text, status=422)
    known = ", ".join(f"{{{name}}}" for name in kind.places)
    for text in (subject, body):
        odd = [name for name in PLACE.findall(text) if name not in kind.places]
        if odd or PLACE.sub("", text).count("{") or PLACE.sub("", text).count("}"):
            raise Refused(
                "place_unknown",
                _("花括号里的字不对"),
                _("只能用这几个：%(known)s。请照着抄，不要改里面的字母。", known=known),
                status=422,
            )
    return subject, body


def set_words(actor: Actor, centre_id: int, name: str, language: str, subject: str, body: str) -> None:
    """From now on a centre says it in its own words."""
    kind = kinds.named(name)
    if language not in LANGUAGES:
        raise NotFound(_("没有这种文字"))
    subject, body = check(kind, subject, body)
    with unit_of_work():
        row = _row(centre_id, name, language)
        if row is None:
            row = MessageTemplate(centre_id=centre_id, kind=name, language=language)
            db.session.add(row)
        row.subject, row.body, row.changed_at = subject, body, database_now()
        db.session.flush()
        audit.record(actor, "template.set", "message_template", row.id, unit_id=centre_id)


def forget_words(actor: Actor, centre_id: int, name: str, language: str) -> None:
    """Back to the words of the code. Again it changes nothing."""
    with unit_of_work():
        row = _row(centre_id, name, language)
        if row is not None:
            audit.record(actor, "template.forgotten", "message_template", row.id, unit_id=centre_id)
            db.session.delete(row)
            db.session.flush()


def _row(centre_id: int, name: str, language: str) -> MessageTemplate | None:
    query = select(MessageTemplate).where(
        MessageTemplate.centre_id == centre_id,
        MessageTemplate.kind == name,
        MessageTemplate.language == language,
    )
    return db.session.scalar(query.with_for_update())


def own_words(centre_id: int) -> set[tuple[str, str]]:
    """(kind, language) for which a centre has words of its own."""
    rows = db.session.execute(
        select(MessageTemplate.kind, MessageTemplate.language).where(MessageTemplate.centre_id == centre_id)
    ).all()
    return {(row.kind, row.language) for row in rows}


# --- groups of staff ------------------------------------------------------------------------------------------------


def tell_groups(key: str, name: str, centre_id: int, values: Mapping[str, object]) -> int:
    """In the running unit of work: tell every group of the centre that wants this kind. Returns how many."""
    subject, body = written(name, centre_id, "zh_Hans", values)
    wanted = [group for group in groups(centre_id) if name in group.kinds]
    for group in wanted:
        put(
            f"{key}-group-{group.id}",
            "group",
            group.name,
            subject,
            body,
            kind=name,
            centre_id=centre_id,
            target_id=group.id,
        )
    return len(wanted)


def add_group(actor: Actor, centre_id: int, name: str, url: str, wanted: Sequence[str]) -> StaffGroup:
    """A group of staff that is told of these kinds. The address is kept sealed."""
    name, url = " ".join(name.split())[:40], url.strip()
    known = {one.name for one in kinds.by_name.values() if one.to == "group"}
    if not name or not set(wanted) or not set(wanted) <= known:
        raise Refused("group_odd", _("请写群的名字，选要收的消息"), status=422)
    fits = len(url) <= 300 and url.isascii() and url.isprintable()
    if not fits or not may_tell(url, inside=channels.inside):
        raise Refused(
            "group_url",
            _("群的地址请再看看"),
            _("从群机器人的设置里来，比如 wecombot://… 或 dingtalk://…"),
            status=422,
        )
    with unit_of_work():
        row = StaffGroup(
            centre_id=centre_id, name=name, url=url, kinds=sorted(set(wanted)), made_at=database_now()
        )
        db.session.add(row)
        db.session.flush()
        audit.record(actor, "group.added", "staff_group", row.id, unit_id=centre_id)
    return row


def remove_group(actor: Actor, centre_id: int, group_id: int) -> None:
    """A group is told nothing any more. Again it changes nothing."""
    with unit_of_work():
        row = db.session.get(StaffGroup, group_id, with_for_update=True, populate_existing=True)
        if row is None or row.centre_id != centre_id:
            raise NotFound(_("没有找到这个群"))
        if row.removed_at is None:
            row.removed_at = database_now()
            row.url = "removed://"
            audit.record(actor, "group.removed", "staff_group", row.id, unit_id=centre_id)
