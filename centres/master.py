"""The centres' master data: the house's numbers by date."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import time
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from centres.models import Centre, OrgUnit, Policy
from centres.policies import chain
from centres.services import changed
from centres.week import CENTRE_HOURS
from core.columns import Value, Words, Wrong
from core.database import db
from core.master import Master

MANAGERS = frozenset({"manager", "supervisor"})


# --- policies -------------------------------------------------------------------------------------------------------


class Known:
    """Every policy that an area knows, by its whole name, with its field; `create_app` fills it."""

    def __init__(self) -> None:
        self.by_name: dict[str, Any] = {}

    def use(self, kinds: Mapping[str, type[Any]]) -> None:
        self.by_name = {
            f"{area}.{field.name}": field for area, kind in kinds.items() for field in fields(kind)
        }


known = Known()


def _check_policy(row: Policy) -> None:
    """The value is of the kind that the policy's default is."""
    field = known.by_name.get(row.name)
    if field is None:
        raise Wrong(
            _("没有“%(name)s”这一项规定", name=row.name), _("照着列表里的名字写，比如 canteen.walk_in。")
        )
    choices = field.metadata.get("choices")
    if choices:
        if row.value not in choices:
            raise Wrong(_("这一项只能从几个里选"), _("写 %(these)s。", these=_(" 或 ").join(choices)))
    elif isinstance(field.default, int):
        least = int(field.metadata.get("least", 0))
        if not isinstance(row.value, int) or not least <= row.value <= 10_000_000:
            raise Wrong(_("这一项是数字"), _("写 %(least)d 或更大的整数。", least=least))
    elif row.value is None and field.type is time:
        raise Wrong(_("这一项不能空着"), _("时间写成 10:00。"))
    elif row.value is not None and not isinstance(row.value, str):
        raise Wrong(_("这一项是时刻"), _("时间写成 10:00。"))


POLICIES = Master(
    name="policies",
    title=lazy_gettext("规定"),
    one=lazy_gettext("一项规定"),
    note=lazy_gettext("从一天起改，以前的日子还按以前的办。"),
    icon="settings",
    model=Policy,
    columns=[
        Words(
            name="name",
            label=lazy_gettext("哪一项"),
            hint=lazy_gettext("比如 canteen.walk_in。"),
            key=True,
            required=True,
            most=60,
        ),
        Words(
            name="subject",
            label=lazy_gettext("哪里"),
            hint=lazy_gettext("场地的编号；空着就是所有地方。"),
            key=True,
            most=40,
        ),
        Value(name="value", label=lazy_gettext("值"), hint=lazy_gettext("数字写成 30，时间写成 10:00。")),
    ],
    look=MANAGERS,
    write=MANAGERS,
    units=chain,
    order="name",
    find=("name", "subject"),
    dated=True,
    check=_check_policy,
    changed=changed,
)

# --- the centre itself ----------------------------------------------------------------------------------------------


def _renamed(centre_id: int) -> None:
    """The centre's node of the tree is called what the centre is called."""
    centre, node = db.session.get_one(Centre, centre_id), db.session.get_one(OrgUnit, centre_id)
    node.name_zh, node.name_en = centre.name_zh, centre.name_en
    changed(centre_id)


CENTRES = Master(
    name="centre",
    title=lazy_gettext("本中心"),
    one=lazy_gettext("一个中心"),
    note=lazy_gettext("名称、地址、电话和每周的开放时间。"),
    icon="map-pin",
    model=Centre,
    columns=[
        Words(name="name_zh", label=lazy_gettext("名称"), required=True, most=60),
        Words(name="name_en", label=lazy_gettext("英文名称"), most=120, listed=False),
        Words(
            name="short_zh",
            label=lazy_gettext("简称"),
            hint=lazy_gettext("地方小的时候用，比如：水贝社区。"),
            required=True,
            most=30,
        ),
        Words(name="address_zh", label=lazy_gettext("地址"), required=True, most=200),
        Words(name="address_en", label=lazy_gettext("英文地址"), most=200, listed=False),
        Words(name="phone", label=lazy_gettext("电话"), required=True, most=40),
        CENTRE_HOURS,
    ],
    look=MANAGERS | {"front_desk"},
    write=MANAGERS,
    units=lambda centre_id: [centre_id],
    order="code",
    fixed=True,
    changed=_renamed,
)

MASTERS = [CENTRES, POLICIES]
