"""The week as a day sheet: what is planned, how much of it is ordered, and why a day is closed."""

from typing import Any

from flask import render_template
from flask_babel import gettext as _

from canteen.desk.root import LOOK, blueprint, load_canteen
from centres.models import Centre
from people.access import require


@blueprint.get("/")
@require(LOOK)
def week(centre: Centre) -> Any:
    """This week."""
    load_canteen(centre)
    return render_template("staff/empty.html", title=_("一周菜单"), text=_("这一餐还没有排菜单"))
