"""Other programs that may ask over the API: make one a key, say where it is told, take the key away."""

from flask import Response, render_template, request
from flask_babel import gettext as _

from api import services
from api.models import HOOKS, SCOPES
from centres.models import Centre
from core.clock import local
from core.errors import NotFound
from core.http import once, personal, see_other, shown_once
from people.access import require, signed_in
from people.rules import MANAGERS
from staff.views.root import blueprint


@blueprint.get("/c/<centre>/settings/programs")
@require(MANAGERS)
def programs(centre: Centre) -> Response:
    """Who may ask, for what, and when they last did."""
    base = f"/staff/c/{centre.code}/settings/programs"
    return personal(
        render_template(
            "staff/programs.html",
            rows=[
                {
                    "name": row.name,
                    "tail": row.key_tail,
                    "scopes": row.scopes,
                    "most": row.minute_most,
                    "used": local(row.last_used_at, centre.zone) if row.last_used_at else None,
                    "made": local(row.made_at, centre.zone),
                    "revoked": local(row.revoked_at, centre.zone) if row.revoked_at else None,
                    "hook": row.hook_url,
                    "hook_kinds": row.hook_kinds,
                    "url": f"{base}/{row.id}",
                }
                for row in services.clients(centre.id)
            ],
            scopes=SCOPES,
            hooks=HOOKS,
            base_url=base,
        )
    )


@blueprint.post("/c/<centre>/settings/programs")
@require(MANAGERS)
@once
def add_program(centre: Centre) -> Response:
    """A new key; it stands on this page and nowhere else."""
    form = request.form
    row, key = services.make_client(
        signed_in().id,
        centre.id,
        form.get("name", ""),
        form.getlist("scope"),
        form.get("most", 0, int),
    )
    return _show(centre, row.name, key)


def _show(centre: Centre, name: str, secret: str, *, is_hook: bool = False) -> Response:
    back = f"/staff/c/{centre.code}/settings/programs"
    page = render_template("staff/program_key.html", name=name, secret=secret, is_hook=is_hook, back_url=back)
    return shown_once(page, back)


@blueprint.post("/c/<centre>/settings/programs/<int:client_id>/<verb>")
@require(MANAGERS)
@once
def act_on_program(centre: Centre, client_id: int, verb: str) -> Response:
    """Another key, another address to be told at, or no key any more."""
    form, staff_id = request.form, signed_in().id
    match verb:
        case "key":
            row, key = services.new_key(staff_id, centre.id, client_id)
            return _show(centre, row.name, key)
        case "hook":
            secret = services.set_hook(
                staff_id, centre.id, client_id, form.get("url", ""), form.getlist("kind")
            )
            if secret:
                return _show(centre, services.client_here(centre.id, client_id).name, secret, is_hook=True)
        case "revoke":
            services.revoke_client(staff_id, centre.id, client_id)
        case _:
            raise NotFound(_("这一页没有找到"))
    return see_other(f"/staff/c/{centre.code}/settings/programs")
