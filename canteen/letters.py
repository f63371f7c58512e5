"""What the canteen tells people. No message ever says who is helped with how much, and none what is on an account."""

from datetime import date, datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from canteen.days import serving_day
from canteen.models import Canteen, Dish, MealOrder, Menu, Swap
from canteen.words import MEALS
from core.clock import local_day
from core.i18n import pick
from core.messages import MessageKind
from core.money import yuan
from core.words import clock_words, date_words, masked, span_words
from people.models import Resident

Values = dict[str, object]
_DAY = (lazy_gettext("哪天"), lazy_gettext("11月24日 星期二"))
_MEAL = (lazy_gettext("哪一餐"), lazy_gettext("午餐"))
_DISH = (lazy_gettext("什么菜"), lazy_gettext("清蒸鲈鱼"))
_PLACE = (lazy_gettext("哪个食堂"), lazy_gettext("水贝长者食堂"))
_PHONE = (lazy_gettext("中心的电话"), "0755-00001234")
_REASON = (lazy_gettext("原因"), lazy_gettext("停气了"))
_SUM = (lazy_gettext("多少钱"), "¥50.00")
_WHO = (lazy_gettext("谁（名字遮住一部分）"), "陈*英")
_NUMBER = (lazy_gettext("取餐号"), "12")
_UNTIL = (lazy_gettext("几点前可以改"), lazy_gettext("11月23日 星期一 16:00"))
_MEAL_PLACES = {"day": _DAY, "meal": _MEAL, "dish": _DISH, "place": _PLACE, "phone": _PHONE}

KINDS = [
    MessageKind(
        "meal.ordered",
        lazy_gettext("家人帮忙订了餐（告诉本人）"),
        lazy_gettext("{day}{meal}订好了"),
        lazy_gettext(
            "{who}帮您订了{day}{meal}：{dish}。取餐号 {number}，{hours} 到{place}取。要付 {pays}。"
            "不想吃，{until} 前可以退。"
        ),
        {
            **_MEAL_PLACES,
            "who": _WHO,
            "number": _NUMBER,
            "hours": (lazy_gettext("几点取餐"), "11:30–12:30"),
            "pays": _SUM,
            "until": (lazy_gettext("几点前可以退"), lazy_gettext("11月23日 星期一 16:00")),
        },
    ),
    MessageKind(
        "meal.ordered_for",
        lazy_gettext("家人帮忙订了餐（告诉订餐的家人）"),
        lazy_gettext("给{who}订好了"),
        lazy_gettext("给{who}订好了{day}{meal}：{dish}。取餐号 {number}，{hours} 到{place}取。要付 {pays}。"),
        {
            **_MEAL_PLACES,
            "who": _WHO,
            "number": _NUMBER,
            "hours": (lazy_gettext("几点取餐"), "11:30–12:30"),
            "pays": _SUM,
        },
    ),
    MessageKind(
        "family.joined",
        lazy_gettext("家人答应帮忙订餐（告诉开邀请的老人）"),
        lazy_gettext("{who}可以帮您订餐了"),
        lazy_gettext(
            "{who}用了您的邀请，从今天起可以帮您订餐、退餐。不是您请的，或不想要了，"
            "请到一体机上“家人帮我订”里结束，或打 {phone}。"
        ),
        {"who": _WHO, "place": (_PLACE[0], lazy_gettext("水贝社区党群服务中心")), "phone": _PHONE},
    ),
    MessageKind(
        "standing.failed",
        lazy_gettext("长期订餐这天没订上"),
        lazy_gettext("{day}{meal}没有订上"),
        lazy_gettext(
            "您的长期订餐，{day}{meal}这次没有订上：{reason}。当天到食堂来，也许还有现场的份，或打 {phone} 找我们。"
        ),
        {
            "day": _DAY,
            "meal": _MEAL,
            "reason": (_REASON[0], lazy_gettext("订满了")),
            "place": _PLACE,
            "phone": _PHONE,
        },
        must_reach=True,
    ),
    MessageKind(
        "standing.skipped",
        lazy_gettext("家人说长期订餐这天不吃（告诉本人）"),
        lazy_gettext("{day}{meal}说了不吃"),
        lazy_gettext(
            "{who}说您{day}{meal}不吃，长期订餐这一天就不订了。要吃的话，{until} 前在一体机或手机上改回来，"
            "或打 {phone}。"
        ),
        {"who": _WHO, "day": _DAY, "meal": _MEAL, "place": _PLACE, "phone": _PHONE, "until": _UNTIL},
    ),
    MessageKind(
        "standing.unskipped",
        lazy_gettext("家人说长期订餐这天还是要吃（告诉本人）"),
        lazy_gettext("{day}{meal}还是要吃"),
        lazy_gettext(
            "{who}说您{day}{meal}还是要吃，长期订餐照常帮您订。不想吃，{until} 前在一体机或手机上按一下，"
            "或打 {phone}。"
        ),
        {"who": _WHO, "day": _DAY, "meal": _MEAL, "place": _PLACE, "phone": _PHONE, "until": _UNTIL},
    ),
    MessageKind(
        "standing.not_cooked",
        lazy_gettext("长期订餐这天食堂不做"),
        lazy_gettext("{day}{meal}不做了"),
        lazy_gettext(
            "{place}{day}{meal}不做了：{reason}。您的长期订餐这一天没有饭，请另外安排。"
            "别的日子照旧。要帮忙请打 {phone}。"
        ),
        {"day": _DAY, "meal": _MEAL, "reason": _REASON, "place": _PLACE, "phone": _PHONE},
        must_reach=True,
    ),
    MessageKind(
        "standing.to_collect",
        lazy_gettext("长期订餐这天送不到家，改成自己取"),
        lazy_gettext("{day}{meal}要到食堂取"),
        lazy_gettext(
            "您的长期订餐，{day}{meal}没有登记的送餐地址，送不了，先帮您订成自己取：{dish}，取餐号 {number}，"
            "{hours} 到{place}取。想送到家，请打 {phone} 登记地址。"
        ),
        {
            **_MEAL_PLACES,
            "number": _NUMBER,
            "hours": (lazy_gettext("几点取餐"), "11:30–12:30"),
        },
        must_reach=True,
    ),
    MessageKind(
        "standing.to_pay",
        lazy_gettext("长期订餐这天饭卡付不了，改成取餐时付"),
        lazy_gettext("{day}{meal}请取餐时付钱"),
        lazy_gettext(
            "您的长期订餐，{day}{meal}饭卡付不了，先帮您订成取餐时付：{dish}，取餐号 {number}，"
            "{hours} 到{place}，要付 {pays}。想再用饭卡付，请到服务台看看饭卡，或打 {phone}。"
        ),
        {
            **_MEAL_PLACES,
            "number": _NUMBER,
            "hours": (lazy_gettext("几点取餐"), "11:30–12:30"),
            "pays": _SUM,
        },
        must_reach=True,
    ),
    MessageKind(
        "meal.swap_asked",
        lazy_gettext("换了菜，要问一问"),
        lazy_gettext("{day}{meal}换了菜，请您看看"),
        lazy_gettext(
            "{day}{meal}的{dish}换成了{new}：{reason}。还要不要，请到一体机或手机上点一下，或打 {phone}。不要了全退。"
        ),
        {**_MEAL_PLACES, "new": (lazy_gettext("换成什么菜"), lazy_gettext("香菇豆腐")), "reason": _REASON},
        must_reach=True,
    ),
    MessageKind(
        "meal.swap_asked_for",
        lazy_gettext("换了菜，要问一问（告诉订餐的家人）"),
        lazy_gettext("给{who}订的{day}{meal}换了菜"),
        lazy_gettext(
            "您帮{who}订的{day}{meal}，{dish}换成了{new}：{reason}。我们也在问老人家。还要不要，"
            "您在手机上点一下也行，或打 {phone}。不要了全退。"
        ),
        {
            **_MEAL_PLACES,
            "who": _WHO,
            "new": (lazy_gettext("换成什么菜"), lazy_gettext("香菇豆腐")),
            "reason": _REASON,
        },
    ),
    MessageKind(
        "meal.failed",
        lazy_gettext("食堂这一餐做不了"),
        lazy_gettext("{day}{meal}做不了"),
        lazy_gettext(
            "很抱歉，{day}{meal}做不了：{reason}。请不用来取。付过的钱已经退回，不用您办什么。有难处请打 {phone}。"
        ),
        {**_MEAL_PLACES, "reason": _REASON},
        urgent=True,
        must_reach=True,
    ),
    MessageKind(
        "meal.failed_for",
        lazy_gettext("食堂这一餐做不了（告诉订餐的家人）"),
        lazy_gettext("给{who}订的{day}{meal}做不了"),
        lazy_gettext(
            "很抱歉，您帮{who}订的{day}{meal}做不了：{reason}。付过的钱已经退回。"
            "老人家那一餐请另外安排，要帮忙请打 {phone}。"
        ),
        {**_MEAL_PLACES, "who": _WHO, "reason": _REASON},
        urgent=True,
    ),
    MessageKind(
        "meal.cancelled",
        lazy_gettext("工作人员取消了一份餐"),
        lazy_gettext("{day}{meal}取消了"),
        lazy_gettext("您{day}{meal}的{dish}取消了：{reason}。付过的钱已经退回。有疑问请打 {phone}。"),
        {**_MEAL_PLACES, "reason": _REASON},
        must_reach=True,
    ),
    MessageKind(
        "meal.cancelled_for",
        lazy_gettext("工作人员取消了一份餐（告诉订餐的家人）"),
        lazy_gettext("给{who}订的{day}{meal}取消了"),
        lazy_gettext(
            "您帮{who}订的{day}{meal}（{dish}）取消了：{reason}。付过的钱已经退回。有疑问请打 {phone}。"
        ),
        {**_MEAL_PLACES, "who": _WHO, "reason": _REASON},
    ),
    MessageKind(
        "meal.collected",
        lazy_gettext("已取餐（告诉家人，本人同意才发）"),
        lazy_gettext("{who}已取餐"),
        lazy_gettext("{who}的{meal}，{time} 已经取走了。"),
        {"who": _WHO, "meal": _MEAL, "day": _DAY, "time": (lazy_gettext("几点"), "11:42"), "place": _PLACE},
    ),
    MessageKind(
        "meal.fetched",
        lazy_gettext("家人用自己的卡帮您取了餐"),
        lazy_gettext("{who}帮您取了{meal}"),
        lazy_gettext("{who} {time} 帮您取了{meal}：{dish}。不是您请的，请打 {phone}。"),
        {**_MEAL_PLACES, "who": _WHO, "time": (lazy_gettext("几点"), "11:42")},
    ),
    MessageKind(
        "meal.fetched_undone",
        lazy_gettext("家人取餐弄错了（告诉本人）"),
        lazy_gettext("{day}{meal}还没有取"),
        lazy_gettext("刚才说家人帮您取了{meal}，是窗口扫错了，其实还没有取。还是取餐号 {number}。"),
        {**_MEAL_PLACES, "number": _NUMBER},
    ),
    MessageKind(
        "meal.collected_undone",
        lazy_gettext("取餐弄错了（告诉听说已取餐的家人）"),
        lazy_gettext("{who}还没有取餐"),
        lazy_gettext("刚才说{who}的{meal}取走了，是窗口扫错了，其实还没有取。取走了，会再告诉您。"),
        {"who": _WHO, "meal": _MEAL, "day": _DAY, "place": _PLACE, "phone": _PHONE},
    ),
    MessageKind(
        "meal.missed",
        lazy_gettext("没有来取餐（告诉家人，本人同意才发）"),
        lazy_gettext("{who}没有来取{meal}"),
        lazy_gettext("{who}的{meal}，过了取餐时间还没有来取。可以打个电话问问。"),
        {"who": _WHO, "meal": _MEAL, "day": _DAY, "place": _PLACE, "phone": _PHONE},
    ),
    MessageKind(
        "meal.not_brought",
        lazy_gettext("送餐没有送到（告诉家人，本人同意才发）"),
        lazy_gettext("{who}的{meal}没有送到"),
        lazy_gettext("{who}的{meal}，过了时间还没有送到手上。可以打个电话问问。"),
        {"who": _WHO, "meal": _MEAL, "day": _DAY, "place": _PLACE, "phone": _PHONE},
    ),
    MessageKind(
        "account.topped_up",
        lazy_gettext("饭卡存了钱"),
        lazy_gettext("饭卡存了 {sum}"),
        lazy_gettext("您的饭卡 {day} 存了 {sum}。余额请到一体机上看。不是您办的，请打 {phone}。"),
        {"sum": _SUM, "day": _DAY, "place": _PLACE, "phone": _PHONE},
    ),
    MessageKind(
        "account.refunded",
        lazy_gettext("饭卡退了钱"),
        lazy_gettext("饭卡退了 {sum}"),
        lazy_gettext("您的饭卡 {day} 退了 {sum}。不是您办的，请马上打 {phone}。"),
        {"sum": _SUM, "day": _DAY, "place": _PLACE, "phone": _PHONE},
    ),
    MessageKind(
        "account.unblocked",
        lazy_gettext("饭卡核对好了"),
        lazy_gettext("饭卡可以用了"),
        lazy_gettext("您的饭卡核对好了，照常用就好。余额请到一体机上看，或打 {phone} 问。"),
        {"place": _PLACE, "phone": _PHONE},
        must_reach=True,
    ),
    MessageKind(
        "menu.failed",
        lazy_gettext("食堂这一餐做不了（告诉工作人员的群）"),
        lazy_gettext("{place}：{day}{meal}做不了"),
        lazy_gettext(
            "{place}{day}{meal}做不了：{reason}。订了的 {many} 份都会退，联系不上的人在“要打的电话”里。"
        ),
        {
            "day": _DAY,
            "meal": _MEAL,
            "place": _PLACE,
            "reason": _REASON,
            "many": (lazy_gettext("多少份"), "37"),
        },
        to="group",
        urgent=True,
    ),
    MessageKind(
        "menu.swapped",
        lazy_gettext("换了菜（告诉工作人员的群）"),
        lazy_gettext("{place}：{day}{meal}换菜"),
        lazy_gettext("{place}{day}{meal}的{dish}换成{new}：{reason}。订了的人都会问到，回答前先不发餐。"),
        {
            "day": _DAY,
            "meal": _MEAL,
            "place": _PLACE,
            "dish": _DISH,
            "new": (lazy_gettext("换成什么菜"), lazy_gettext("香菇豆腐")),
            "reason": _REASON,
        },
        to="group",
    ),
]


def of_meal(canteen: Canteen, day: date, meal: str) -> Values:
    """Which meal of which day, where, and whom to ring up."""
    return {**of_place(canteen), "day": date_words(day), "meal": str(MEALS[meal])}


def of_order(order: MealOrder) -> Values:
    """What was ordered, as it was named then."""
    main = order.lines[0] if order.lines else None
    menu = order.menu
    return {
        **of_meal(menu.canteen, order.day, order.meal),
        "dish": pick(main.name_zh, main.name_en, main.name_hant) if main else "",
        "number": str(order.pick_up),
        "hours": span_words(menu.serves_from, menu.serves_until, menu.canteen.centre.zone),
        "pays": yuan(order.pays_fen),
        "until": _until(order.cutoff_at, menu.canteen.centre.zone),
        "reason": order.reason,
    }


def _until(cutoff_at: datetime, zone: str) -> str:
    return f"{date_words(local_day(cutoff_at, zone))} {clock_words(cutoff_at, zone)}"


def of_day(canteen: Canteen, day: date, meal: str) -> Values:
    """A day of a standing order, and until when it may be said otherwise."""
    cutoff = serving_day(canteen, day).cutoff_at
    return {**of_meal(canteen, day, meal), "until": _until(cutoff, canteen.centre.zone)}


def by_whom(values: Values, person: Resident | None) -> Values:
    """With whose name, masked."""
    return {**values, "who": masked(person.name) if person is not None else ""}


def of_swap(order: MealOrder, swap: Swap, out: Dish, new: Dish) -> Values:
    """What was replaced by what, and why."""
    reason = pick(swap.reason_zh, swap.reason_en)
    return {**of_order(order), "dish": out.name, "new": new.name, "reason": reason}


def of_menu(menu: Menu) -> Values:
    """A whole menu, for staff."""
    return {**of_meal(menu.canteen, menu.day, menu.meal), "reason": menu.failed_reason}


def of_money(canteen: Canteen, day: date, fen: int) -> Values:
    """How much was moved, on which day."""
    return {**of_place(canteen), "sum": yuan(fen), "day": date_words(day)}


def of_place(canteen: Canteen) -> Values:
    """Where, and whom to ring up."""
    return {"place": canteen.name, "phone": canteen.centre.phone}


def of_not_cooked(menu: Menu) -> Values:
    """Why a day's meal is not cooked, for whoever counted on it."""
    return {**of_meal(menu.canteen, menu.day, menu.meal), "reason": menu.failed_reason or _("这天不开餐")}


def of_standing(menu: Menu, why: str) -> Values:
    """Why a standing order made no order on a day. Nothing in it tells what help the person gets."""
    reasons = {
        "sold_out": _("订满了"),
        "balance_low": _("饭卡里的钱不够"),
        "nothing_suits": _("这天的菜都和您的饮食登记不合"),
        "against_diet": _("这天的菜都和您的饮食登记不合"),
        "enough": _("这一餐您已经订过了"),
        "closed": _("这天不开餐"),
        "no_address": _("还没有登记送餐的地址"),
    }
    return {
        **of_meal(menu.canteen, menu.day, menu.meal),
        "reason": reasons.get(why, _("这次没有办成，我们会查清楚")),
    }
