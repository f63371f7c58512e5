"""Master data of the floor of people: the houses they live in."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import func, select

from centres.master import MANAGERS
from centres.models import Building
from centres.policies import chain
from centres.services import changed
from core.columns import Flag, Number, Real, Words
from core.database import db
from core.master import Dependant, Master
from people.models import Resident


def _depends(row: Building, _base: str) -> list[Dependant]:
    """Who lives in a house: while anybody does, it stays on the lists."""
    query = select(func.count()).where(Resident.building_id == row.id, Resident.lifecycle == "active")
    return [Dependant(_("住在这里的居民"), db.session.scalar(query) or 0, holds=True)]


BUILDINGS = Master(
    name="buildings",
    title=lazy_gettext("楼栋"),
    one=lazy_gettext("一栋楼"),
    note=lazy_gettext("送餐按楼栋排路线，有没有电梯也看这里。"),
    icon="house",
    model=Building,
    columns=[
        Words(
            name="code",
            label=lazy_gettext("编号"),
            hint=lazy_gettext("字母、数字和横线，比如 SB2-3。"),
            key=True,
            required=True,
            most=40,
            shape=r"[0-9A-Za-z_-]+",
        ),
        Words(
            name="name_zh",
            label=lazy_gettext("名称"),
            hint=lazy_gettext("比如：水贝二街3栋。"),
            required=True,
        ),
        Words(name="name_en", label=lazy_gettext("英文名称"), listed=False),
        Flag(name="lift", label=lazy_gettext("有电梯")),
        Number(name="floors", label=lazy_gettext("楼层"), least=1, most=150, required=True),
        Words(name="cell", label=lazy_gettext("网格"), most=40),
        Real(
            name="latitude",
            label=lazy_gettext("纬度"),
            least=-90,
            most=90,
            listed=False,
            hint=lazy_gettext("比如 22.5732。"),
        ),
        Real(
            name="longitude",
            label=lazy_gettext("经度"),
            least=-180,
            most=180,
            listed=False,
            hint=lazy_gettext("比如 114.1278。"),
        ),
    ],
    look=MANAGERS | {"front_desk", "kitchen"},
    write=MANAGERS,
    units=chain,
    order="code",
    find=("code", "name_zh", "name_en"),
    retire="retired_at",
    changed=changed,
    depends=_depends,
)

MASTERS = [BUILDINGS]
