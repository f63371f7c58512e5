"""The settlement as people read it: the rows behind each number, and the pack as a workbook."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from canteen.counter_words import dish_words, how_words
from canteen.models import Canteen, MealOrder, Redemption, SubsidyRule
from canteen.services.paid import payments_of, refusals_of, refused_among
from canteen.services.settle import CHUNK, Difference, Line, Month, month_words
from canteen.words import MEALS
from core.clock import local
from core.codes import show_number
from core.database import db
from core.money import in_yuan, yuan
from core.sheets import Head, Page, write
from core.words import masked, one_by_one


@dataclass(frozen=True, slots=True)
class Row:
    """One line with what stands behind it. The person is a code and a masked name: enough to ask back with."""

    line: Line
    rule: str
    """Its code: what addresses say."""
    rule_name: str
    rule_from: date
    tier: str
    source: str
    number: str
    day: date
    meal: str
    dish: str
    person: str
    name: str
    price_fen: int
    promotion_fen: int
    subsidy_fen: int
    pays_fen: int
    window: str
    handed_out: datetime | None
    """On the wall clock of the centre."""
    how: str
    late: bool
    """Of a month that was sealed already when it came to light."""
    refused: str
    """What the government says why it does not pay this line; empty where it says nothing."""
    never_came: bool
    """It takes back a line that the government did not pay: taken off what it pays now, it would be taken off twice."""


def rows_of(month: Month) -> list[Row]:
    """Every line with its order, its person and when it was handed out; in the order of the claim."""
    centre = db.session.get_one(Canteen, month.centre_id).centre
    orders = orders_of([line.order_id for line in month.lines])
    scans = _scans(orders)
    rules = {rule.id: rule for rule in db.session.scalars(select(SubsidyRule))}
    names = {rule.id: rule.name for rule in rules.values()}
    refusals = refusals_of(month.settlement.id) if month.settlement is not None else {}
    never = refused_among({line.corrects_id for line in month.lines if line.corrects_id is not None})
    found = []
    for line in month.lines:
        order, rule, scan = orders[line.order_id], rules[line.rule_id], scans.get(line.order_id)
        refusal = refusals.get(line.id or 0)
        found.append(
            Row(
                line=line,
                rule=rule.code,
                rule_name=names[rule.id],
                rule_from=rule.starts_on,
                tier=rule.tier,
                source=rule.source,
                number=show_number(order.number),
                day=order.day,
                meal=str(MEALS[order.meal]),
                dish=dish_words(order),
                person=person_code(order.resident_id),
                name=masked(order.resident.name) if order.resident else "",
                price_fen=order.price_fen,
                promotion_fen=order.promotion_fen,
                subsidy_fen=order.subsidy_fen,
                pays_fen=order.pays_fen,
                window=scan.window if scan else "",
                handed_out=local(scan.scanned_at, centre.zone) if scan else None,
                how=how_words(scan.how) if scan else "",
                late=order.day < month.month and line.corrects_id is None,
                refused=refusal.reason if refusal is not None else "",
                never_came=line.corrects_id in never,
            )
        )
    return found


def person_code(resident_id: int | None) -> str:
    """How a person is called towards the government: P and the number of their record."""
    return f"P{resident_id:06d}" if resident_id is not None else ""


def orders_of(ids: Collection[int]) -> dict[int, MealOrder]:
    """Orders with their person and lines, by id."""
    wanted, found = sorted(set(ids)), {}
    for start in range(0, len(wanted), CHUNK):
        query = (
            select(MealOrder)
            .options(joinedload(MealOrder.resident), selectinload(MealOrder.lines))
            .where(MealOrder.id.in_(wanted[start : start + CHUNK]))
        )
        found.update({order.id: order for order in db.session.scalars(query)})
    return found


def _scans(ids: Collection[int]) -> dict[int, Redemption]:
    """The scan that stands for each order."""
    wanted, found = sorted(ids), {}
    for start in range(0, len(wanted), CHUNK):
        query = select(Redemption).where(
            Redemption.order_id.in_(wanted[start : start + CHUNK]), Redemption.state == "stands"
        )
        found.update({row.order_id: row for row in db.session.scalars(query)})
    return found


@dataclass(frozen=True, slots=True)
class Group:
    """A number of the summary: a kind and rule, or what is taken back of them."""

    kind: str
    rule: str
    tier: str
    corrected: bool
    rule_name: str
    lines: int
    people: int
    fen: int


def groups(rows: Sequence[Row]) -> list[Group]:
    """The summary: by kind and rule, what is taken back apart; in a fixed order."""
    found: dict[tuple[str, str, str, bool], list[Row]] = defaultdict(list)
    for row in rows:
        found[row.line.kind, row.rule, row.tier, row.line.corrects_id is not None].append(row)
    order = {"meal": 0, "delivery": 1, "operating": 2}
    keys = sorted(found, key=lambda key: (key[3], order[key[0]], key[1]))
    return [_group(key, found[key]) for key in keys]


def _group(key: tuple[str, str, str, bool], rows: Sequence[Row]) -> Group:
    fen = sum(row.line.amount_fen for row in rows)
    return Group(*key, rule_words(rows), len(rows), len({row.person for row in rows}), fen)


def rule_words(rows: Sequence[Row]) -> str:
    """What the rule of these lines is called; one that was renamed between them, as it was last."""
    return max(rows, key=lambda row: row.rule_from).rule_name


def kind_words(kind: str) -> str:
    """meal, delivery, operating as staff call them."""
    return {"meal": _("用餐补贴"), "delivery": _("送餐补贴"), "operating": _("运营补贴")}[kind]


# --- the pack -------------------------------------------------------------------------------------------------------


def pack(month: Month) -> bytes:
    """The month as a workbook of seven sheets: sums, meals, delivery, operating, corrections, what came of it, and
    whether it all fits."""
    canteen = db.session.get_one(Canteen, month.centre_id)
    rows = rows_of(month)
    fresh = [row for row in rows if row.line.corrects_id is None]
    notes = [
        _("%(canteen)s %(month)s", canteen=canteen.name_zh, month=month_words(month.month)),
        _state(month),
    ]
    people = [Head(_("人员编号"), 11), Head(_("姓名（部分隐去）"), 14)]
    order = [Head(_("订单编号"), 13), Head(_("用餐日期"), 12), Head(_("餐别"), 8)]
    return write(
        Page(_("汇总"), _sum_heads(), list(_sum_rows(month, rows)), notes),
        Page(
            _("明细"),
            [
                *order,
                Head(_("菜品"), 18),
                *people,
                Head(_("依据"), 26),
                Head(_("类别"), 8),
                Head(_("原价"), 10, money=True),
                Head(_("优惠"), 10, money=True),
                Head(_("政府补"), 10, money=True),
                Head(_("本人付"), 10, money=True),
                Head(_("窗口"), 12),
                Head(_("取餐时间"), 17),
                Head(_("方式"), 10),
                Head(_("补报"), 8),
            ],
            [_meal_row(row) for row in fresh if row.line.kind == "meal"],
        ),
        Page(
            _("送餐"),
            [
                *order,
                *people,
                Head(_("依据"), 26),
                Head(_("金额"), 10, money=True),
                Head(_("谁送的"), 14),
                Head(_("送到时间"), 17),
            ],
            [
                [
                    *_order_cells(row),
                    row.person,
                    row.name,
                    row.rule_name,
                    in_yuan(row.line.amount_fen),
                    row.window,
                    _time(row),
                ]
                for row in fresh
                if row.line.kind == "delivery"
            ],
        ),
        Page(
            _("运营"),
            [*order, *people, Head(_("依据"), 26), Head(_("金额"), 10, money=True)],
            [
                [*_order_cells(row), row.person, row.name, row.rule_name, in_yuan(row.line.amount_fen)]
                for row in fresh
                if row.line.kind == "operating"
            ],
        ),
        Page(
            _("更正"),
            [
                *order,
                *people,
                Head(_("种类"), 12),
                Head(_("依据"), 26),
                Head(_("金额"), 10, money=True),
                Head(_("原因"), 24),
            ],
            [
                [
                    *_order_cells(row),
                    row.person,
                    row.name,
                    kind_words(row.line.kind),
                    row.rule_name,
                    in_yuan(row.line.amount_fen),
                    why_words(row),
                ]
                for row in rows
                if row.line.corrects_id is not None
            ],
            list(filter(None, [never_words(rows)])),
        ),
        Page(
            _("拨付"),
            [
                Head(_("种类"), 12),
                Head(_("日期"), 12),
                Head(_("金额"), 12, money=True),
                *order,
                *people,
                Head(_("依据"), 26),
                Head(_("原因"), 24),
            ],
            [*_payment_rows(month), *_refusal_rows(rows)],
            [short_words(month, rows)],
        ),
        Page(
            _("核对"),
            [
                Head(_("订单编号"), 13),
                Head(_("用餐日期"), 12),
                Head(_("申领"), 10, money=True),
                Head(_("账本"), 10, money=True),
                Head(_("相差"), 10, money=True),
            ],
            list(_check_rows(month)),
            [check_words(month)],
        ),
    )


def _state(month: Month) -> str:
    if month.settlement is None:
        return _("草稿，还没有封存")
    return _("已封存，编号 %(n)d", n=month.settlement.id)


def _sum_heads() -> list[Head]:
    return [
        Head(_("种类"), 16),
        Head(_("依据"), 26),
        Head(_("类别"), 10),
        Head(_("份数"), 10),
        Head(_("人数"), 10),
        Head(_("金额"), 14, money=True),
    ]


def _sum_rows(month: Month, rows: Sequence[Row]) -> Iterator[list[object]]:
    for one in groups(rows):
        kind = _("更正：%(kind)s", kind=kind_words(one.kind)) if one.corrected else kind_words(one.kind)
        yield [kind, one.rule_name, one.tier, one.lines, one.people, in_yuan(one.fen)]
    yield [_("申领合计"), "", "", len(rows), len({row.person for row in rows}), in_yuan(month.claimed_fen)]
    if month.came_fen:
        yield [_("已拨付"), "", "", "", "", in_yuan(month.came_fen)]
        yield [_("少付"), "", "", "", "", in_yuan(month.missing_fen or 0)]


def _order_cells(row: Row) -> list[object]:
    return [row.number, row.day, row.meal]


def _meal_row(row: Row) -> list[object]:
    return [
        *_order_cells(row),
        row.dish,
        row.person,
        row.name,
        row.rule_name,
        row.tier,
        in_yuan(row.price_fen),
        in_yuan(row.promotion_fen),
        in_yuan(row.line.amount_fen),
        in_yuan(row.pays_fen),
        row.window,
        _time(row),
        row.how,
        _("补报") if row.late else "",
    ]


def _payment_rows(month: Month) -> Iterator[list[object]]:
    """Payments in their order; one that was taken back stands with its opposite."""
    nothing = [""] * 6
    for payment, back in payments_of(month.settlement.id) if month.settlement is not None else []:
        yield [_("到账"), payment.paid_on, in_yuan(payment.amount_fen), *nothing, ""]
        if back is not None:
            yield [_("记错撤掉"), payment.paid_on, in_yuan(-payment.amount_fen), *nothing, back.reason]


def _refusal_rows(rows: Sequence[Row]) -> Iterator[list[object]]:
    for row in rows:
        if row.refused:
            who = [row.person, row.name, row.rule_name]
            yield [_("没有认"), "", in_yuan(row.line.amount_fen), *_order_cells(row), *who, row.refused]


def short_words(month: Month, rows: Sequence[Row]) -> str:
    """What is missing of a month, and how far the refused lines explain it."""
    refused = [row.line.amount_fen for row in rows if row.refused]
    named, missing = sum(refused), month.claimed_fen - month.came_fen
    words = _("没有认的有 %(n)d 行，合计 %(sum)s。", n=len(refused), sum=yuan(named))
    if not month.came_fen:
        return one_by_one(_("还没有到账的。"), words) if refused else _("还没有到账的。")
    if not missing:
        return _("申领的都到账了。")
    if not named:
        return _("还少 %(missing)s，还没有记下是哪几行没有认。", missing=yuan(missing))
    if named == missing:
        return _("少的 %(missing)s，正好是没有认的这几行。", missing=yuan(missing))
    if named < missing:
        more = _(
            "一共少 %(missing)s，另外 %(rest)s 还不知道为什么，请再问问。",
            missing=yuan(missing),
            rest=yuan(missing - named),
        )
    else:
        more = _(
            "可是只少 %(missing)s，多出 %(rest)s：也许有几行后来补了，请再对一对。",
            missing=yuan(missing),
            rest=yuan(named - missing),
        )
    return one_by_one(words, more)


def _check_rows(month: Month) -> Iterator[list[object]]:
    orders = orders_of([one.order_id for one in month.differences])
    for one in month.differences:
        order = orders[one.order_id]
        yield [
            show_number(order.number),
            order.day,
            in_yuan(one.claimed_fen),
            in_yuan(one.ledger_fen),
            in_yuan(gap(one)),
        ]
    if not month.support_fits:
        booked = month.booked_fen or 0
        sums = (month.support_fen, booked, month.support_fen - booked)
        yield [_("送餐和运营"), "", *(in_yuan(fen) for fen in sums)]


def gap(one: Difference) -> int:
    """How far the claim and the ledger are apart."""
    return one.claimed_fen - one.ledger_fen


def fits(month: Month) -> bool:
    """Whether all that can be compared is the same."""
    return not month.differences and month.support_fits


def check_words(month: Month) -> str:
    """What was compared with the ledger, and whether it is the same: meals by their orders, delivery and operation by
    what was booked when the month was sealed."""
    if month.booked_fen is not None and fits(month):
        return _("用餐、送餐、运营，和核销、账本一分不差。")
    meals = _("用餐补贴和核销、账本一分不差。")
    if month.differences:
        meals = _("有 %(n)d 份的用餐补贴和账本不一样。", n=len(month.differences))
    if month.booked_fen is None:
        support = _("送餐和运营的，封存时才记进账本，到时候再对。")
    elif month.support_fits:
        support = _("送餐和运营的一分不差。")
    else:
        support = _(
            "送餐和运营申领 %(claimed)s，账本里是 %(booked)s。",
            claimed=yuan(month.support_fen),
            booked=yuan(month.booked_fen),
        )
    return one_by_one(meals, support)


def reason_words(reason: str) -> str:
    """Why a line is taken back."""
    return {
        "undone": _("封存以后撤回了核销"),
        "same_person": _("两份登记是同一位，已经补过"),
    }.get(reason, reason)


def why_words(row: Row) -> str:
    """The same, and whether the government ever paid what it takes back."""
    words = reason_words(row.line.reason)
    return _("%(why)s。原来那一行没有认，没有付过。", why=words) if row.never_came else words


def never_words(rows: Sequence[Row]) -> str:
    """What is taken back of lines that were never paid, for whoever pays; nothing where there is none."""
    fen = -sum(row.line.amount_fen for row in rows if row.never_came)
    if not fen:
        return ""
    return _("更正里有 %(sum)s 冲的是没有认的行：政府没有付过，这次不要再扣，请说明一声。", sum=yuan(fen))


def _time(row: Row) -> str:
    return row.handed_out.strftime("%Y-%m-%d %H:%M") if row.handed_out else ""
