"""How not to do it: look whether the place is free, then take it. For the control of the race tests only."""

from flask import Flask, Response
from sqlalchemy import text

from core.database import db
from core.http import csrf


def plug(app: Flask) -> None:
    """Give the program under test one more address, which books with no guard."""
    app.add_url_rule("/naive/<int:seat>", "naive", csrf.exempt(take), methods=["POST"])


def take(seat: int) -> Response:
    with db.engine.begin() as connection:
        query = text("SELECT count(*) FROM naive WHERE seat = :seat")
        if connection.execute(query, {"seat": seat}).scalar_one():
            return Response("taken", 409)
    with db.engine.begin() as connection:
        connection.execute(text("INSERT INTO naive (seat) VALUES (:seat)"), {"seat": seat})
    return Response("yours", 303)
