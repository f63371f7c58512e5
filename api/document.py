"""The document at `/api/v1/openapi.json` and what every part of the API has in common."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask, Response, current_app
from flask_babel import gettext as _
from flask_smorest import Api, Blueprint
from marshmallow import RAISE, Schema, fields, validate
from werkzeug.exceptions import HTTPException

from core.errors import Refused
from core.http import csrf, show_refusal

PATH = "/api/v1"
View = Callable[..., Any]
ABOUT = (
    "Menus, orders and redemption of the elder canteens for other programs. Every call carries a client's key; every "
    "POST an `Idempotency-Key` of its own; every refusal is problem+json (RFC 9457) with a stable `code` in its `type` "
    "(`urn:hall:<code>`). Money is whole fen, days are ISO dates of the centre, moments are in UTC."
)


class Problem(Schema):
    """A refusal (RFC 9457)."""

    type = fields.String(
        required=True, metadata={"description": "`urn:hall:<code>`", "example": "urn:hall:sold_out"}
    )
    title = fields.String(required=True)
    detail = fields.String()
    status = fields.Integer(required=True)
    errors = fields.Dict(metadata={"description": "What was wrong in which field, where the form was"})


class Strict(Schema):
    """What a client sends: nothing that we do not know."""

    class Meta:
        unknown = RAISE


class Paged(Strict):
    """Which page of a list."""

    page = fields.Integer(load_default=1, validate=validate.Range(1, 10_000))
    size = fields.Integer(load_default=50, validate=validate.Range(1, 200))


class Door(Api):
    """flask-smorest without its own words for errors: the house has one way to say no."""

    def _register_error_handlers(self) -> None:
        pass


def part(name: str, about: str) -> Blueprint:
    """A blueprint for one area's part of the API."""
    made = Blueprint(f"api_{name}", name, url_prefix=PATH, description=about)
    made.register_error_handler(422, _odd_fields)
    return made


def refusals(blueprint: Blueprint, *codes: int) -> Callable[[View], View]:
    """Say in the document with which statuses a view may refuse."""

    def mark(view: View) -> View:
        for code in sorted({400, 401, 403, 429, *codes}, reverse=True):
            view = blueprint.alt_response(code, schema=Problem, content_type="application/problem+json")(view)
        return view

    return mark


KEY_HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "description": "One for each deed; sent again it gets the same answer for a day",
    "schema": {"type": "string", "minLength": 8, "maxLength": 64, "pattern": "^[!-~]+$"},
}


def deeds(blueprint: Blueprint) -> Callable[[View], View]:
    """Say in the document that a POST carries its key."""
    return blueprint.doc(parameters=[KEY_HEADER])


def setup(app: Flask, parts: Sequence[Blueprint]) -> None:
    """Put every part under `/api/v1` and write the document."""
    app.config.update(
        API_TITLE="Service Hall",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=PATH,
        OPENAPI_JSON_PATH="openapi.json",
    )
    door = Door(
        app,
        spec_kwargs={
            "info": {"description": ABOUT},
            "servers": [{"url": app.config["PUBLIC_URL"]}],
            "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
            "security": [{"key": []}],
        },
    )
    for blueprint in parts:
        csrf.exempt(blueprint)  # asked for by key, never by cookie: there is nothing to forge
        door.register_blueprint(blueprint)


def _odd_fields(error: HTTPException) -> Response:
    """What webargs found, beside a sentence."""
    refusal = Refused("fields_odd", _("有些内容不对"), _("请看 errors，改好再来。"), status=422)
    response = show_refusal(refusal)
    said = response.get_json()
    data = getattr(error, "data", None) or {}
    said["errors"] = {str(where): found for where, found in data.get("messages", {}).items()}
    response.set_data(current_app.json.dumps(said))
    return response
