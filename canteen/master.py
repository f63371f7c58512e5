"""The canteen's master data: dishes, rules of subsidies, promotions."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import func, or_, select

from canteen import words
from canteen.models import (
    Canteen,
    Dish,
    KitchenWorker,
    MealOrder,
    Menu,
    MorningPerson,
    Offer,
    OfferDish,
    Promotion,
    ServingHours,
    SubsidyClaim,
    SubsidyRule,
)
from centres.master import MANAGERS
from centres.policies import chain
from centres.services import changed
from centres.week import CLOSES, DAYS, OPENS, Week
from core.clock import database_now
from core.columns import Choice, Column, Day, Flag, Lines, Money, Number, Several, Words, Wrong, options_of
from core.database import db
from core.files import FileKind
from core.images import MIME, redrawn
from core.master import Dependant, Master
from people.models import ResidentStatus, StatusKind
from people.services.findings import ASSESSED, HUKOU, LEVELS, kind_options

PHOTO = FileKind("dish.photo", MIME, 10 * 2**20, redrawn, public=True)
CODE = r"[0-9A-Za-z_-]+"


def _code(hint: Any) -> Words:
    return Words(
        name="code", label=lazy_gettext("编号"), hint=hint, key=True, required=True, most=40, shape=CODE
    )


# --- dishes ---------------------------------------------------------------------------------------------------------

UNITS = {"g": lazy_gettext("克"), "ml": lazy_gettext("毫升"), "pc": lazy_gettext("个")}


def _dish_depends(row: Dish, base: str) -> list[Dependant]:
    """Menus that are still to be cooked hold a dish; those of the past only tell of it."""
    menus = (
        select(func.count(func.distinct(Menu.id)))
        .join(Offer, Offer.menu_id == Menu.id)
        .join(OfferDish, OfferDish.offer_id == Offer.id)
        .where(OfferDish.dish_id == row.id)
    )
    coming = Menu.serves_until > database_now(), Menu.state != "failed"
    ahead = db.session.scalar(menus.where(*coming)) or 0
    behind = (db.session.scalar(menus) or 0) - ahead
    return [
        Dependant(_("还没开餐的菜单"), ahead, f"{base}/canteen/" if base else "", holds=True),
        Dependant(_("以前的菜单"), behind),
    ]


DISHES = Master(
    name="dishes",
    title=lazy_gettext("菜品"),
    one=lazy_gettext("一道菜"),
    note=lazy_gettext("改了单价和标签，已经排好的菜单和订出的餐不变。"),
    icon="utensils",
    model=Dish,
    columns=[
        _code(lazy_gettext("字母、数字和横线，比如 M01。")),
        Words(
            name="name_zh",
            label=lazy_gettext("菜名"),
            required=True,
            most=40,
            hint=lazy_gettext("比如：清蒸鲈鱼。"),
        ),
        Words(name="name_en", label=lazy_gettext("英文名"), most=80, listed=False),
        Words(
            name="spoken",
            label=lazy_gettext("怎么念"),
            most=120,
            listed=False,
            hint=lazy_gettext("带声调的拼音，朗读会念错时才写。"),
        ),
        Choice(name="kind", label=lazy_gettext("种类"), options=options_of(words.KINDS), required=True),
        Money(
            name="price_fen",
            label=lazy_gettext("单价"),
            most=50_000,
            required=True,
            hint=lazy_gettext("写元，比如 12.50。"),
        ),
        Several(name="labels", label=lazy_gettext("标签"), options=options_of(words.LABELS)),
        Several(name="allergens", label=lazy_gettext("过敏原"), options=options_of(words.ALLERGENS)),
        Flag(name="pungent", label=lazy_gettext("有葱蒜"), listed=False),
        Choice(name="texture", label=lazy_gettext("软硬"), options=options_of(words.TEXTURES), required=True),
        Lines(
            name="recipe",
            label=lazy_gettext("配料（10 份）"),
            hint=lazy_gettext("每样写名称、用量、单位，比如：鲈鱼 2000 克；姜 60 克。"),
            listed=False,
            columns=[
                Words(name="ingredient", label=lazy_gettext("原料"), required=True, most=40),
                Number(name="amount", label=lazy_gettext("用量"), least=1, most=100_000),
                Choice(name="unit", label=lazy_gettext("单位"), options=options_of(UNITS)),
            ],
        ),
    ],
    look=frozenset({"kitchen", "front_desk", "manager", "supervisor", "accountant"}),
    write=frozenset({"kitchen", "manager", "supervisor"}),
    units=chain,
    shared=True,
    order="code",
    find=("code", "name_zh", "name_en"),
    filters=("kind", "texture"),
    retire="retired_at",
    depends=_dish_depends,
    changed=changed,
    photo="photo_id",
    photo_kind=PHOTO.name,
)


# --- rules of subsidies ---------------------------------------------------------------------------------------------

RULE_KINDS = {
    "meal": lazy_gettext("就餐补贴"),
    "delivery": lazy_gettext("送餐补贴"),
    "operating": lazy_gettext("运营补贴"),
}


def _ages(part: str = "") -> list[Column]:
    return [
        Number(name="min_age", label=lazy_gettext("年龄起"), most=130, blank=True, part=part),
        Number(name="max_age", label=lazy_gettext("年龄止"), most=130, blank=True, part=part),
        Choice(
            name="assessment_at_least",
            label=lazy_gettext("失能至少"),
            options=options_of(LEVELS),
            blank=True,
            part=part,
            listed=False,
        ),
    ]


def _check_rule(row: SubsidyRule) -> None:
    """A rule for everybody would be a slip of the pen."""
    conditions = row.conditions or {}
    for one in (conditions, *conditions.get("any_of", [])):
        if one.get("max_age") is not None and one.get("min_age", 0) > one["max_age"]:
            raise Wrong(_("年龄起比年龄止大"), _("比如从 70 到 99。"))
    if row.kind == "operating":
        if "diner" not in conditions:
            raise Wrong(_("运营补贴要写明按谁算"), _("“按谁算”选“领了补贴的人”。"))
    elif not conditions:
        raise Wrong(_("条件都空着，就会人人都补"), _("至少写一个条件，比如户籍和年龄。"))


def _rule_depends(row: SubsidyRule, _base: str) -> list[Dependant]:
    query = select(func.count()).where(SubsidyClaim.rule_id == row.id, SubsidyClaim.state != "released")
    return [Dependant(_("按它算的订餐"), db.session.scalar(query) or 0)]


RULES = Master(
    name="subsidies",
    title=lazy_gettext("补贴规定"),
    one=lazy_gettext("一条补贴规定"),
    note=lazy_gettext("从一天起改，之前订的餐按当时的算。这一页不给居民看。"),
    icon="shield-check",
    model=SubsidyRule,
    columns=[
        _code(lazy_gettext("字母、数字和横线，比如 meal-70-99。")),
        Words(
            name="name_zh",
            label=lazy_gettext("名称"),
            required=True,
            most=40,
            hint=lazy_gettext("结算表上会写，比如：70至99岁长者午餐补贴。"),
        ),
        Words(name="name_en", label=lazy_gettext("英文名"), most=80, listed=False),
        Choice(name="kind", label=lazy_gettext("种类"), options=options_of(RULE_KINDS), required=True),
        Money(
            name="amount_fen",
            label=lazy_gettext("最多补"),
            most=100_000,
            required=True,
            hint=lazy_gettext("写元，比如 5.00。"),
        ),
        Words(
            name="tier", label=lazy_gettext("类别代号"), most=20, hint=lazy_gettext("结算表上用，比如 A5。")
        ),
        Choice(
            name="hukou", label=lazy_gettext("户籍"), options=options_of(HUKOU), blank=True, part="conditions"
        ),
        *_ages("conditions"),
        Several(
            name="any_status",
            label=lazy_gettext("身份（有一项就行）"),
            options=kind_options,
            part="conditions",
            listed=False,
        ),
        Lines(
            name="any_of",
            label=lazy_gettext("或者（符合一行就行）"),
            hint=lazy_gettext("比如：年龄起=100；年龄起=70 失能至少=中度。"),
            columns=_ages(),
            part="conditions",
            labelled=True,
            listed=False,
            most=6,
        ),
        Choice(
            name="diner",
            label=lazy_gettext("按谁算"),
            options=options_of({"subsidised": lazy_gettext("领了补贴的人")}),
            blank=True,
            part="conditions",
            listed=False,
            hint=lazy_gettext("只有运营补贴才选。"),
        ),
        Several(
            name="meals",
            label=lazy_gettext("哪几餐"),
            options=options_of(words.MEALS),
            part="applies",
            hint=lazy_gettext("都不选就是每一餐。"),
        ),
        Choice(
            name="days",
            label=lazy_gettext("哪些日子"),
            options=options_of({"workday": lazy_gettext("工作日")}),
            blank=True,
            part="applies",
        ),
        Words(
            name="source",
            label=lazy_gettext("依据"),
            most=200,
            listed=False,
            hint=lazy_gettext("哪份文件、哪一天。"),
        ),
    ],
    look=MANAGERS | {"accountant"},
    write=MANAGERS,
    units=chain,
    order="code",
    find=("code", "name_zh", "name_en", "tier", "source"),
    filters=("kind",),
    dated=True,
    depends=_rule_depends,
    check=_check_rule,
    changed=changed,
)


# --- kinds of findings ----------------------------------------------------------------------------------------------


def _check_kind(row: StatusKind) -> None:
    """Assessments have codes of their own."""
    if row.code.startswith(ASSESSED):
        raise Wrong(_("这个编号是失能评估用的"), _("请换一个，比如 youfu。"))


def _kind_depends(row: StatusKind, base: str) -> list[Dependant]:
    """Rules that ask for it hold it; people's findings go on counting."""
    on = or_(SubsidyRule.ends_on.is_(None), SubsidyRule.ends_on > database_now().date())
    rules = db.session.scalars(select(SubsidyRule).where(on)).all()
    asking = [one for one in rules if row.code in (one.conditions or {}).get("any_status", [])]
    people = select(func.count(func.distinct(ResidentStatus.resident_id))).where(
        ResidentStatus.kind == row.code
    )
    return [
        Dependant(_("要看它的补贴规定"), len(asking), f"{base}/data/subsidies/" if base else "", holds=True),
        Dependant(_("登记过的居民"), db.session.scalar(people) or 0),
    ]


STATUS_KINDS = Master(
    name="statuses",
    title=lazy_gettext("身份类别"),
    one=lazy_gettext("一种身份"),
    note=lazy_gettext("特困、低保等市里的五种本来就有，这里加本地另有的，或者改名。这一页不给居民看。"),
    icon="shield-check",
    model=StatusKind,
    columns=[
        _code(lazy_gettext("字母、数字和横线，比如 youfu；和市里的编号一样，就是给那一种改名。")),
        Words(
            name="name_zh",
            label=lazy_gettext("名称"),
            required=True,
            most=40,
            hint=lazy_gettext("比如：优抚对象。"),
        ),
        Words(name="name_en", label=lazy_gettext("英文名"), most=80),
    ],
    look=MANAGERS | {"accountant"},
    write=frozenset({"supervisor"}),
    units=chain,
    shared=True,
    order="code",
    find=("code", "name_zh", "name_en"),
    retire="retired_at",
    depends=_kind_depends,
    check=_check_kind,
    changed=changed,
)


# --- promotions -----------------------------------------------------------------------------------------------------


def _promotion_depends(row: Promotion, _base: str) -> list[Dependant]:
    query = select(func.count()).where(MealOrder.promotion_id == row.id)
    return [Dependant(_("按它算的订餐"), db.session.scalar(query) or 0)]


PROMOTIONS = Master(
    name="promotions",
    title=lazy_gettext("优惠"),
    one=lazy_gettext("一项优惠"),
    note=lazy_gettext("先减优惠，再算补贴。"),
    icon="ticket",
    model=Promotion,
    columns=[
        _code(lazy_gettext("字母、数字和横线，比如 chongyang-2026。")),
        Words(
            name="name_zh",
            label=lazy_gettext("名称"),
            required=True,
            most=40,
            hint=lazy_gettext("居民的小票上会印，比如：重阳敬老周。"),
        ),
        Words(name="name_en", label=lazy_gettext("英文名"), most=80, listed=False),
        Money(
            name="off_fen",
            label=lazy_gettext("每份减"),
            least=1,
            most=50_000,
            required=True,
            hint=lazy_gettext("写元，比如 2.00。"),
        ),
        Number(
            name="min_age",
            label=lazy_gettext("年龄起"),
            most=130,
            required=True,
            hint=lazy_gettext("0 就是不论年龄。"),
        ),
        Several(
            name="meals",
            label=lazy_gettext("哪几餐"),
            options=options_of(words.MEALS),
            hint=lazy_gettext("都不选就是每一餐。"),
        ),
    ],
    look=MANAGERS | {"accountant", "kitchen", "front_desk"},
    write=MANAGERS,
    units=chain,
    order="code",
    find=("code", "name_zh", "name_en"),
    dated=True,
    depends=_promotion_depends,
    changed=changed,
)

# --- who works in the kitchen ---------------------------------------------------------------------------------------


def _worker_depends(row: KitchenWorker, _base: str) -> list[Dependant]:
    query = select(func.count()).where(MorningPerson.worker_id == row.id)
    return [Dependant(_("晨检看过的日子"), db.session.scalar(query) or 0)]


WORKERS = Master(
    name="workers",
    title=lazy_gettext("厨房的人"),
    one=lazy_gettext("一个人"),
    note=lazy_gettext("每天晨检一个一个看。不来上班了，就停用。"),
    icon="users",
    model=KitchenWorker,
    columns=[
        Words(
            name="name",
            label=lazy_gettext("姓名"),
            key=True,
            required=True,
            most=40,
            hint=lazy_gettext("有同名的，后面加一个字分开。"),
        ),
        Day(
            name="certificate_until",
            label=lazy_gettext("健康证到哪天"),
            blank=True,
            hint=lazy_gettext("证上写的最后一天。快到期会提醒。"),
        ),
    ],
    look=frozenset({"kitchen", "manager", "supervisor"}),
    write=frozenset({"kitchen", "manager", "supervisor"}),
    units=lambda centre_id: [centre_id],
    order="name",
    find=("name",),
    retire="retired_at",
    depends=_worker_depends,
    changed=changed,
)

# --- the canteen itself ---------------------------------------------------------------------------------------------

MEAL = Choice(name="meal", label=lazy_gettext("哪一餐"), options=options_of(words.MEALS))


def _check_canteen(row: Canteen) -> None:
    """A canteen that serves nothing would be a door to nowhere."""
    if not row.hours:
        raise Wrong(_("还没有开餐时间"), _("至少写一行，比如 周一到周五 午餐 11:00 13:00。"))


CANTEENS = Master(
    name="canteen",
    title=lazy_gettext("食堂"),
    one=lazy_gettext("食堂"),
    note=lazy_gettext("名称和每周的开餐时间。改了时间，还没截止的菜单跟着变。"),
    icon="utensils",
    model=Canteen,
    columns=[
        Words(
            name="name_zh", label=lazy_gettext("名称"), required=True, most=30, start=lazy_gettext("长者食堂")
        ),
        Words(name="name_en", label=lazy_gettext("英文名称"), most=60, listed=False),
        Week(
            name="hours",
            label=lazy_gettext("每周开餐"),
            hint=lazy_gettext("比如 周一到周五 午餐 11:00 13:00。没写的日子不开餐。"),
            model=ServingHours,
            by=MEAL,
            columns=(DAYS, MEAL, OPENS, CLOSES),
            here=False,
        ),
    ],
    look=MANAGERS | {"kitchen", "front_desk", "accountant"},
    write=MANAGERS,
    units=lambda centre_id: [centre_id],
    order="name_zh",
    check=_check_canteen,
    changed=changed,
)

MASTERS = [CANTEENS, WORKERS, DISHES, RULES, STATUS_KINDS, PROMOTIONS]
