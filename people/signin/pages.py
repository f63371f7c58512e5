"""Our own pages beside the sign-in."""

from flask import Response, render_template, request

from core.http import personal
from people.access import current_staff, locked_centre, needs_totp, open_to_all, polling, sign_in_first


@open_to_all
def sign_in_help() -> str:
    """Phone lost, password forgotten: what to do."""
    return render_template("security/sign_in_help.html", onward=request.args.get("next"))


@open_to_all
def account_page() -> Response:
    """One's own account: password, code on the phone, recovery codes."""
    staff = current_staff()
    if staff is None:
        return sign_in_first()
    return personal(
        render_template(
            "security/account.html",
            person=staff,
            totp=bool(staff.tf_primary_method),
            totp_needed=needs_totp(staff),
            codes_left=len(staff.mf_recovery_codes or ()),
            done=request.args.get("done", ""),
        )
    )


@open_to_all
@polling
def alive() -> Response:
    """Every page of the console asks this each minute: once the session has locked, the answer leads away."""
    return Response(status=204) if current_staff() or locked_centre() else sign_in_first()
