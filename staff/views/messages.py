"""Messages: what was sent and what did not get through; a centre's own words; groups of staff; the hall's notices."""

from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from centres.models import Centre
from core import messages, outbox
from core.channels import groups, hall
from core.clock import local, now
from core.errors import NotFound
from core.http import once, personal, see_other
from core.i18n import LANGUAGES
from core.outbox import Message
from core.words import clock_words, masked, short_day
from people.access import actor, grants_roles, require, signed_in
from people.models import Resident
from people.queries import residents_by_id
from people.rules import DESK, MANAGERS
from people.services.tell import call_instead
from staff.views.root import blueprint

CHANNELS = {
    "sms": lazy_gettext("短信"),
    "email": lazy_gettext("邮件"),
    "group": lazy_gettext("工作人员的群"),
    "webhook": lazy_gettext("其他程序"),
}
TOLD = {
    "meal.ordered": lazy_gettext("订了餐"),
    "meal.collected": lazy_gettext("取了餐"),
    "meal.missed": lazy_gettext("没来取"),
    "booking.made": lazy_gettext("约好了座位"),
    "booking.cancelled": lazy_gettext("座位取消了"),
    "booking.missed": lazy_gettext("座位让出了"),
    "booking.undone": lazy_gettext("座位又撤了"),
}
"""What other programs are told of, and what booking writes."""
STATES = {
    "stopped": (lazy_gettext("没送到"), "err"),
    "waiting": (lazy_gettext("等着送"), "warn"),
    "called": (lazy_gettext("改打电话"), "plain"),
    "sent": (lazy_gettext("送到了"), "ok"),
}


@blueprint.get("/c/<centre>/messages")
@require(DESK)
def sent_messages(centre: Centre) -> Response:
    """Every message of this centre with its state; words and full names are for managers only."""
    state = request.args.get("state", "")
    state = state if state in STATES else ""
    rows = outbox.messages_of(centre.id, state)
    manager = bool(grants_roles(signed_in(), centre.id) & MANAGERS)
    people = residents_by_id({row.resident_id for row in rows if row.resident_id is not None})
    base = f"/staff/c/{centre.code}/messages"
    return personal(
        render_template(
            "staff/messages.html",
            rows=[_shown(row, centre, people, base, manager=manager) for row in rows],
            state=state,
            states=STATES,
            base_url=base,
            manager=manager,
            notices=hall.current_notices(centre.id),
        )
    )


def _shown(
    row: Message, centre: Centre, people: dict[int, Resident], base: str, *, manager: bool
) -> dict[str, Any]:
    zone = centre.zone
    kind = messages.kinds.by_name.get(row.kind)
    person = people.get(row.resident_id or 0)
    return {
        "when": _moment(row.made_at, zone),
        "kind": str(kind.label if kind and row.channel != "webhook" else TOLD.get(row.kind, row.kind)),
        "who": masked(person.name) if person else row.address,
        "person_url": f"/staff/c/{centre.code}/people/{person.id}" if person else "",
        "channel": str(CHANNELS.get(row.channel, row.channel)),
        "address": _address(row) if person else "",
        "state": row.state,
        "words": str(STATES[row.state][0]),
        "look": STATES[row.state][1],
        "tries": row.tries,
        "next": _moment(row.next_try_at, zone) if row.next_try_at and row.state == "waiting" else "",
        "error": row.error or "",
        "subject": row.subject if manager else "",
        "body": row.body if manager else "",
        "url": f"{base}/{row.id}",
        "may_again": row.state in {"stopped", "waiting"},
        "may_call": row.state in {"stopped", "waiting"}
        and person is not None
        and person.lifecycle == "active",
    }


def _moment(moment: Any, zone: str) -> str:
    day = short_day(local(moment, zone).date(), local(now(), zone).date())
    return f"{day} {clock_words(moment, zone)}"


def _address(row: Message) -> str:
    """So much of an address that one can tell two apart, and no more."""
    if row.channel == "sms":
        return _("尾号 %(tail)s", tail=row.address[-4:])
    name, _at, host = row.address.partition("@")
    return f"{name[:1]}…@{host}" if host else ""


@blueprint.post("/c/<centre>/messages/<int:message_id>/<verb>")
@require(DESK)
@once
def act_on_message(centre: Centre, message_id: int, verb: str) -> Response:
    """«再发一次», «改打电话»."""
    found = outbox.message_here(centre.id, message_id)
    if found is None or verb not in {"again", "call"}:
        raise NotFound(_("没有找到这条消息"))
    if verb == "again":
        outbox.try_again(actor(), found.id)
    else:
        call_instead(actor(), centre.id, found.id)
    return see_other(f"/staff/c/{centre.code}/messages")


@blueprint.post("/c/<centre>/messages/notices/<int:notice_id>/take-down")
@require(DESK)
@once
def take_notice_down(centre: Centre, notice_id: int) -> Response:
    """A notice in the hall that is no longer true."""
    hall.take_down(centre.id, notice_id)
    return see_other(f"/staff/c/{centre.code}/messages")


# --- words ----------------------------------------------------------------------------------------------------------


@blueprint.get("/c/<centre>/settings/messages")
@require(MANAGERS)
def message_words(centre: Centre) -> str:
    """Every kind of message and whose words it has; the groups of staff."""
    base, own = f"/staff/c/{centre.code}/settings/messages", messages.own_words(centre.id)
    return render_template(
        "staff/message_templates.html",
        kinds=[
            {
                "label": str(kind.label),
                "to_group": kind.to == "group",
                "urgent": kind.urgent,
                "must_reach": kind.must_reach,
                "languages": [
                    (word, f"{base}/{kind.name}/{code}", (kind.name, code) in own)
                    for code, word in LANGUAGES.items()
                    if kind.to == "person" or code == "zh_Hans"
                ],
            }
            for kind in messages.kinds.by_name.values()
        ],
        groups=[
            {
                "name": group.name,
                "kinds": [
                    str(messages.kinds.by_name[name].label)
                    for name in group.kinds
                    if name in messages.kinds.by_name
                ],
                "url": f"{base}/groups/{group.id}/remove",
            }
            for group in groups.groups(centre.id)
        ],
        group_kinds=[
            (kind.name, str(kind.label)) for kind in messages.kinds.by_name.values() if kind.to == "group"
        ],
        has={name: outbox.channels.has(name) for name in ("sms", "email")},
        base_url=base,
    )


@blueprint.get("/c/<centre>/settings/messages/<kind>/<lang>")
@require(MANAGERS)
def one_message_words(centre: Centre, kind: str, lang: str) -> str:
    """The words of one kind in one language, and how they look."""
    found = _kind(kind, lang)
    subject, body, own = messages.words_of(found, centre.id, lang)
    return _words_page(centre, found, lang, subject, body, own=own)


def _kind(name: str, lang: str) -> messages.MessageKind:
    if lang not in LANGUAGES:
        raise NotFound(_("没有这种文字"))
    return messages.kinds.named(name)


def _words_page(
    centre: Centre, kind: messages.MessageKind, lang: str, subject: str, body: str, *, own: bool
) -> str:
    shown = messages.preview(kind, subject, body, lang)
    return render_template(
        "staff/message_words.html",
        kind=kind,
        label=str(kind.label),
        lang=lang,
        language=LANGUAGES[lang],
        subject=subject,
        body=body,
        own=own,
        shown=shown,
        places=[(f"{{{name}}}", str(what), str(sample)) for name, (what, sample) in kind.places.items()],
        subject_most=messages.SUBJECT_MOST,
        body_most=messages.BODY_MOST,
        act_url=f"/staff/c/{centre.code}/settings/messages/{kind.name}/{lang}",
        back=f"/staff/c/{centre.code}/settings/messages",
    )


@blueprint.post("/c/<centre>/settings/messages/<kind>/<lang>")
@require(MANAGERS)
@once
def set_message_words(centre: Centre, kind: str, lang: str) -> Any:
    """Keep a centre's own words, show how they would look, or go back to those of the house."""
    found, form = _kind(kind, lang), request.form
    match form.get("verb"):
        case "look":
            subject, body = messages.check(found, form.get("subject", ""), form.get("body", ""))
            own = messages.words_of(found, centre.id, lang)[2]
            return _words_page(centre, found, lang, subject, body, own=own)
        case "forget":
            messages.forget_words(actor(), centre.id, found.name, lang)
        case _:
            messages.set_words(
                actor(), centre.id, found.name, lang, form.get("subject", ""), form.get("body", "")
            )
    return see_other(f"/staff/c/{centre.code}/settings/messages/{found.name}/{lang}")


# --- groups ---------------------------------------------------------------------------------------------------------


@blueprint.post("/c/<centre>/settings/messages/groups")
@require(MANAGERS)
@once
def add_message_group(centre: Centre) -> Response:
    """A group of staff is told from now on."""
    form = request.form
    messages.add_group(actor(), centre.id, form.get("name", ""), form.get("url", ""), form.getlist("kind"))
    return see_other(f"/staff/c/{centre.code}/settings/messages")


@blueprint.post("/c/<centre>/settings/messages/groups/<int:group_id>/remove")
@require(MANAGERS)
@once
def remove_message_group(centre: Centre, group_id: int) -> Response:
    """A group is told nothing any more."""
    messages.remove_group(actor(), centre.id, group_id)
    return see_other(f"/staff/c/{centre.code}/settings/messages")
