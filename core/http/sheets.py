"""Sheets over the web: handed over as a download, taken in after a look at what they would do."""

from collections.abc import Sequence

from flask import Response, render_template, request
from flask_babel import gettext as _

from core import files, imports, sheets
from core.audit import Actor
from core.errors import NotFound, Refused
from core.stores import Missing


def answer(data: bytes, name: str) -> Response:
    """A sheet as a download; it is kept by no browser."""
    response = Response(data, mimetype=sheets.MIME)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    response.headers["Cache-Control"] = "no-store"
    return response


def waiting(key: str, kind: str, units: Sequence[int]) -> tuple[files.File, bytes]:
    """A sheet that waits for its confirmation, in one of these units."""
    row = files.by_key(key)
    if row is not None and row.kind == kind and row.unit_id in units:
        try:
            return row, files.read(row)
        except Missing:
            pass
    raise NotFound(_("这张表不在了"), _("可能已经导入了，或者放得太久了。请再传一次。"))


def preview(
    title: str, made: imports.Plan, row: files.File, confirm_url: str, upload_url: str, back_url: str
) -> str:
    """The page of a plan, the same for every sheet."""
    return render_template(
        "staff/data_preview.html",
        title=title,
        plan=made,
        faults=made.faults[: imports.SHOWN_FAULTS],
        new=made.many("new"),
        change=made.many("change"),
        same=made.many("same"),
        digest=row.digest.hex(),
        confirm_url=confirm_url,
        upload_url=upload_url,
        back_url=back_url,
    )


def same_bytes(row: files.File) -> None:
    """What is confirmed is what was shown."""
    if request.form.get("digest", "") != row.digest.hex():
        raise Refused("sheet_other", _("这不是刚才看的那张表"), _("请再传一次，看过再导入。"), status=409)


def used_up(actor: Actor, row: files.File) -> None:
    """The sheet goes with the deed, in its unit of work, so that once is once."""
    if not files.remove(actor, row):
        raise Refused("sheet_used", _("这张表已经导入了"), _("不用再导入一次。"))
