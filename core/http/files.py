"""Files at their own addresses, `/files/<key>`: what is public, exactly as it was kept, and never as a page."""

from flask import Blueprint, Response, current_app, request
from flask_babel import gettext as _

from core import files
from core.errors import NotFound
from core.stores import Missing

blueprint = Blueprint("files", __name__)
YEAR = 365 * 24 * 3600
ENDINGS = {"image/webp": "webp"}
"""Shown by the browser itself; everything else is handed over as a download."""


@blueprint.get("/files/<key>")
def one(key: str) -> Response:
    """The bytes of a public file. Under a key they never change, so that a browser asks once."""
    row = files.by_key(key)
    kind = files.kinds.by_name.get(row.kind) if row is not None else None
    if row is None or kind is None or not kind.public:
        raise _gone()
    etag = row.digest.hex()
    if request.if_none_match.contains(etag):
        response = Response(status=304)
    else:
        try:
            response = Response(files.read(row), mimetype=row.mime)
        except Missing:
            current_app.logger.error("file %s: its bytes are lost", row.id)
            raise _gone() from None
        ending = ENDINGS.get(row.mime)
        name = f'inline; filename="{key}.{ending}"' if ending else f'attachment; filename="{key}"'
        response.headers["Content-Disposition"] = name
    response.set_etag(etag)
    response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _gone() -> NotFound:
    return NotFound(_("这个文件不在了"), _("可能已经换了新的。"))
