"""The blueprint of residents' booking pages, and what they load."""

from flask import Blueprint
from flask_babel import gettext as _

from booking.models import Space
from booking.queries import space_by_code
from centres.models import Centre
from core.errors import NotFound
from kiosk.session import load_centre

blueprint = Blueprint("booking", __name__, url_prefix="/c/<code>/booking")


def load_space(code: str, space: str) -> tuple[Centre, Space]:
    """Centre and space of the address."""
    centre = load_centre(code)
    found = space_by_code(centre.id, space)
    if found is None:
        raise NotFound(_("没有找到这个地方"), _("请从首页再选一次。"))
    return centre, found


def base(centre: Centre) -> str:
    """Address under which booking lives."""
    return f"/c/{centre.code}/booking"


def space_url(centre: Centre, space: Space) -> str:
    """Address of a space."""
    return f"/c/{centre.code}/booking/spaces/{space.code}"
