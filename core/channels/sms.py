"""SMS through a small HTTP adapter beside the operator's gateway: docs/messages.md says what it must answer.

One POST a message with an id of its own: the adapter sends an id once, however often it is asked.
"""

from core.channels.outward import as_json, post_json


def send(url: str, token: str, key: str, phone: str, text: str) -> None:
    """Have `text` sent to `phone` (E.164). Raises `OSError` where the adapter did not take it."""
    headers = {"Idempotency-Key": key, **({"Authorization": f"Bearer {token}"} if token else {})}
    post_json(url, as_json({"id": key, "to": phone, "text": text}), headers, inside=True)
