"""People who have signed in already: their visits as rows, their cookies as the program would have set them."""

from dataclasses import dataclass

from flask import Flask, session
from flask_wtf.csrf import generate_csrf
from sqlalchemy import insert

from core.clock import now
from core.codes import new_token
from core.database import db, unit_of_work
from kiosk.models import Visit
from kiosk.rules import visit_ends
from kiosk.services import digest
from kiosk.session import DEVICE_COOKIE


@dataclass(frozen=True)
class Person:
    """Somebody before a screen."""

    resident: int
    visit: int
    cookies: dict[str, str]
    csrf: str

    @property
    def cookie(self) -> str:
        """As a header."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())


def arrive(
    app: Flask, centre: int, residents: list[int], devices: list[tuple[int, str] | None]
) -> list[Person]:
    """A running visit for each resident, known by card at a device or by PIN on a phone (None)."""
    tokens = [new_token() for _ in residents]
    with app.app_context():
        moment = now()
        with unit_of_work():
            rows = db.session.scalars(
                insert(Visit).returning(Visit.id, sort_by_parameter_order=True),
                [
                    {
                        "token_hash": digest(token),
                        "device_id": device[0] if device else None,
                        "centre_id": centre,
                        "resident_id": resident,
                        "level": "card" if device else "pin",
                        "started_at": moment,
                        "expires_at": visit_ends(moment, moment, device is not None),
                    }
                    for token, resident, device in zip(tokens, residents, devices, strict=True)
                ],
            ).all()
    return [
        _person(app, resident, visit, token, device[1] if device else None)
        for resident, visit, token, device in zip(residents, rows, tokens, devices, strict=True)
    ]


def _person(app: Flask, resident: int, visit: int, token: str, secret: str | None) -> Person:
    with app.test_request_context("/"):  # a context of its own: the token is kept in it
        session["visit"] = token
        csrf = generate_csrf()
        interface = app.session_interface
        signed = interface.get_signing_serializer(app).dumps(dict(session))  # type: ignore[attr-defined]
    return Person(resident, visit, {"hall": signed, **({DEVICE_COOKIE: secret} if secret else {})}, csrf)
