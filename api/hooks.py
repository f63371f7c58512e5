"""Telling other programs what happened: signed POSTs, written with the event's mark and sent by the clock.

`Hall-Signature: t=<seconds>,v1=<hex>` is the HMAC-SHA256 of `<seconds>.<body>` under the client's secret.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping

from sqlalchemy import select

from api.models import ApiClient
from centres.policies import chain
from core.channels.outward import NeverTaken, as_json, post_json
from core.clock import database_now
from core.database import db
from core.events import Event
from core.outbox import Message, channels, put


def tell_clients(event: Event, centre_id: int, what: Mapping[str, object]) -> int:
    """In the running unit of work: every client over the centre that asked for this kind. Returns how many."""
    query = select(ApiClient).where(
        ApiClient.unit_id.in_(chain(centre_id)),
        ApiClient.revoked_at.is_(None),
        ApiClient.hook_url.is_not(None),
    )
    wanted = [row for row in db.session.scalars(query.order_by(ApiClient.id)) if event.kind in row.hook_kinds]
    for client in wanted:
        body = {"id": f"event-{event.id}", "kind": event.kind, "at": event.at.isoformat(), "data": dict(what)}
        put(
            f"event-{event.id}-client-{client.id}",
            "webhook",
            client.name,
            event.kind,
            as_json(body).decode(),
            kind=event.kind,
            centre_id=centre_id,
            target_id=client.id,
        )
    return len(wanted)


def signature(secret: str, seconds: int, body: bytes) -> str:
    """The header by which a client knows that we said it, and when."""
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def send(message: Message) -> None:
    """The channel `webhook`. Raises `OSError`; what was revoked in the meantime is told nothing."""
    client = db.session.scalar(
        select(ApiClient).where(ApiClient.id == message.target_id, ApiClient.revoked_at.is_(None))
    )
    if client is None or client.hook_url is None or client.hook_secret is None:
        raise NeverTaken("the client wants to be told nothing any more")
    body = message.body.encode()
    said = json.loads(message.body)
    headers = {
        "Hall-Event": str(said["kind"]),
        "Hall-Delivery": message.key,
        "Idempotency-Key": message.key,
        "Hall-Signature": signature(client.hook_secret, int(database_now().timestamp()), body),
    }
    post_json(client.hook_url, body, headers, inside=channels.inside)
