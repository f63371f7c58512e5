"""Who eats what: ordered, given back, swapped, handed out or not, from some days ago to some days ahead."""

from datetime import datetime, time, timedelta
from functools import partial
from random import Random

from sqlalchemy import select

from canteen.days import ServingDay
from canteen.models import Dish, MealOrder, Offer, OfferDish, Redemption, SwapQuestion
from canteen.rules import Plate, conflicts
from canteen.services import ledger, till
from canteen.services.answer import answer_swap
from canteen.services.give_back import cancel
from canteen.services.order import diet_of
from canteen.services.plan import swap_dish
from canteen.services.serve import pay_at_desk, redeem, undo
from core.audit import Actor
from core.clock import at, local_day
from core.database import db
from demo.diners import DESKS, STANDING, centre_of
from demo.files import read
from demo.kitchen import load_round
from demo.meals import SECOND, Kitchen
from demo.people import everybody
from demo.stage import ZONE, Stage
from demo.tables import Diner, Tables, Told
from people.models import CallTask
from people.services.calls import end_call

SEED = 20260923
LUNCHES, TODAYS, OPEN, LATER = 6, 10, 6, 3
"""Orders for a past lunch, today's, the next that can be ordered and the two after it, beside the standing ones."""
OTHERS, SECOND_LUNCHES = 2, 2
"""Orders for a breakfast or a dinner, and for a lunch of the second canteen."""
RICH, FROM_ACCOUNT = 3800, 2
"""Whoever has so much on their account pays so many meals from it."""
CHEN, SON, CARRIER = "chen", "aqiang", "lin"
MISSED, MISSED_BEFORE, MISSED_TODAY = "R15", "R24", "R38"
"""They live alone and did not come: at the last lunch, at the one before it, for breakfast today."""
KEEPS, THINKS = "R02", "R35"
"""After the swap one keeps the meal, the other has not answered yet."""
SCARCE = ("R21", "R22", "R04", "R05", "R40", "R55", "R58", "R13")
"""They take the halal meal until it is gone."""
REFUNDED = "R47"
APART = frozenset(
    {CHEN, SON, MISSED, MISSED_BEFORE, MISSED_TODAY, KEEPS, THINKS, REFUNDED, "R50", "R51", *STANDING}
)
GONE_AT, SWAPPED_AT = time(9, 20), time(7, 40)
WHILE = timedelta(minutes=12)


def load_lunches(
    stage: Stage, kitchens: dict[str, Kitchen], residents: dict[str, int], staff: dict[str, int]
) -> None:
    """Collect the scenes; `stage.play()` plays them."""
    for centre, kitchen in kitchens.items():
        tables = Tables(
            stage,
            kitchen,
            _diners(centre, residents),
            staff[DESKS[centre]],
            Random(SEED),  # noqa: S311
            _plates(kitchen),
            APART,
        )
        if centre != SECOND:
            _by_name(tables, staff)
        _everybody_else(tables, SECOND_LUNCHES if centre == SECOND else LUNCHES, residents)


def _diners(centre: str, residents: dict[str, int]) -> dict[str, Diner]:
    """Those who eat in a canteen, as the content describes them."""
    found = {}
    for person in everybody():
        if person.get("lifecycle") == "active" and person.get("address") and centre_of(person) == centre:
            code, resident = person["code"], residents[person["code"]]
            pays = FROM_ACCOUNT if person["account_fen"] >= RICH and code != CHEN else 0
            found[code] = Diner(code, resident, diet_of(resident), pays)
    return found


def _plates(kitchen: Kitchen) -> dict[int, list[Plate]]:
    rows = db.session.execute(
        select(OfferDish.offer_id, Dish.labels, Dish.allergens, Dish.texture)
        .join(Dish, Dish.id == OfferDish.dish_id)
        .join(Offer, Offer.id == OfferDish.offer_id)
        .where(Offer.menu_id.in_(kitchen.menus.values()))
        .order_by(OfferDish.offer_id, OfferDish.position)
    )
    found: dict[int, list[Plate]] = {}
    for row in rows:
        plate = Plate(frozenset(row.labels), frozenset(row.allergens), row.texture)
        found.setdefault(row.offer_id, []).append(plate)
    return found


def _everybody_else(tables: Tables, lunches: int, residents: dict[str, int]) -> None:
    """What people who are drawn eat, what the clock does, and who comes to the windows."""
    stage, kitchen = tables.stage, tables.kitchen
    second, opening = kitchen.centre == SECOND, kitchen.open_day(tables.stage.now)
    for day in [*kitchen.past, *kitchen.today]:
        for meal in day.meals:
            many = lunches if meal == "lunch" else OTHERS
            many = TODAYS if meal == "lunch" and day in kitchen.today and not second else many
            tables.some_order(day, meal, many)
            tables.serves(day, meal, many + len(STANDING) + 4 if meal == "lunch" else many + 1)
        tables.closes(day)
        if not second:
            load_round(tables, day, residents[CARRIER])
    for place, day in enumerate(kitchen.coming):
        tables.closes(day)
        if not _can_be_ordered(stage, day):
            break
        if day.cutoff_at <= stage.now:  # the next day, in the evening
            tables.some_order(day, "lunch", lunches)
        elif day is opening and not second:
            tables.some_order(day, "lunch", OPEN)
            tables.some_order(day, "dinner", OTHERS)
        elif place <= LATER:
            tables.some_order(day, "lunch", lunches if second else LATER)


def _can_be_ordered(stage: Stage, day: ServingDay) -> bool:
    """Whether the day could be ordered already when the scenes of today begin."""
    return not day.too_early(local_day(stage.now - timedelta(hours=2), ZONE))


# --- by name --------------------------------------------------------------------------------------------------------


def _by_name(tables: Tables, staff: dict[str, int]) -> None:
    """What the demo speaks of."""
    stage, kitchen = tables.stage, tables.kitchen
    before, last = kitchen.past[-2:]
    opening = kitchen.open_day(stage.now)
    _chen(tables, opening)
    _swap(tables, opening)
    if _can_be_ordered(stage, opening):
        _scarce(tables, opening)
        _gives_back(tables, opening)
    _missed(tables, last, "lunch", MISSED, staff["F08"], "again")
    _missed(tables, before, "lunch", MISSED_BEFORE, staff["F08"], "reached")
    for day in kitchen.today:
        _missed(tables, day, "breakfast", MISSED_TODAY, staff["F08"], "")
        walked_in = tables.guest(day, "L1", day.meals["lunch"].start + timedelta(minutes=5))
        _handed_out(tables, walked_in, day.meals["lunch"].start + timedelta(minutes=6))
    _excused(tables, last)
    _at_the_window(tables, last)
    _money(tables, staff)


def _chen(tables: Tables, opening: ServingDay) -> None:
    """陈奶奶 had 肉末蒸蛋 a week before what can be ordered now; her son has ordered for her for two days later."""
    stage, kitchen = tables.stage, tables.kitchen
    chen, then = tables.diners[CHEN], kitchen.week_before(opening)
    chen.from_account = 1
    told = tables.orders(then, "lunch", CHEN, "L2", when=then.cutoff_at - timedelta(minutes=100))

    def puts_back() -> None:
        """What she has spent, in cash the day after: the content tells what is on her account."""
        fen = db.session.get_one(MealOrder, told.id).pays_fen
        ledger.top_up(tables.desk, kitchen.id, chen.id, fen)

    stage.at(min(then.meals["lunch"].end + timedelta(hours=2), stage.now), puts_back)
    later = [day for day in kitchen.coming if day.day > opening.day and _can_be_ordered(stage, day)][1:2]
    for day in later:
        tables.orders(day, "lunch", CHEN, "L1", by=SON)


def _swap(tables: Tables, opening: ServingDay) -> None:
    """Greens have not come: the kitchen serves others with the next lunch, and asks those who have ordered it."""
    stage, kitchen = tables.stage, tables.kitchen
    day = next(one for one in [*kitchen.today, *kitchen.coming] if one.missed_at("lunch") > stage.now)
    morning = at(day.day, SWAPPED_AT, ZONE)
    moment = morning if morning <= stage.now else stage.now - WHILE
    ordered = min(moment, day.cutoff_at) - timedelta(minutes=40)
    asked = [KEEPS, THINKS, *([CHEN] if day is not opening else [])]
    for code in asked:
        tables.orders(day, "lunch", code, "L1", when=ordered)
    told = read("menus.yaml")["swaps"][0]
    menu = kitchen.menus[day.day, "lunch"]

    def scene() -> None:
        codes = {
            dish.code: dish
            for dish in db.session.scalars(
                select(Dish)
                .join(OfferDish, OfferDish.dish_id == Dish.id)
                .where(OfferDish.offer_id == kitchen.offers[day.day, "lunch"]["L1"], Dish.kind == "vegetable")
            )
        }
        others = db.session.scalars(select(Dish).where(Dish.code.in_([told["into"], told["out"]])))
        out = next(iter(codes.values()))
        into = next(dish for dish in others if dish.code != out.code)
        zh, en = told["reason_zh"], told["reason_en"]
        if (out.code, into.code) != (told["out"], told["into"]):
            arrived, missing = (str(dish.recipe[0]["ingredient"]) for dish in (into, out))
            zh, en = f"{missing}没到货，改{arrived}", f"{out.name_en} did not arrive, {into.name_en} instead"
        swap_dish(Actor("staff", kitchen.cook), menu, out.id, into.id, zh, en)

    stage.at(moment, scene)
    stage.at(moment + timedelta(minutes=6), lambda: _answer(tables, menu))


def _answer(tables: Tables, menu_id: int) -> None:
    """They keep the meal, all but two who have not looked yet."""
    wait = [tables.diners[code].id for code in (CHEN, THINKS)]
    query = (
        select(MealOrder)
        .join(SwapQuestion, SwapQuestion.order_id == MealOrder.id)
        .where(
            MealOrder.menu_id == menu_id, MealOrder.resident_id.not_in(wait), SwapQuestion.answer.is_(None)
        )
    )
    for order in db.session.scalars(query.order_by(MealOrder.id)).all():
        answer_swap(Actor("resident", order.resident_id or 0), order.id, "keep")


def _scarce(tables: Tables, opening: ServingDay) -> None:
    """The smallest set meal of the next lunch is gone since 09:20; one guest has paid at the desk already."""
    stage, kitchen = tables.stage, tables.kitchen
    offers = kitchen.offers[opening.day, "lunch"]
    rows = db.session.execute(
        select(Offer.code, Offer.quota).where(Offer.id.in_(offers.values()), Offer.kind == "set")
    )
    code, quota = min(((row.code, row.quota) for row in rows), key=lambda row: (row[1], row[0]))
    tables.kept.add(offers[code])
    plates = tables.plates[offers[code]]
    takers = [one for one in SCARCE if not conflicts(plates, tables.diners[one].diet)][: quota - 1]
    this_morning = at(stage.today, GONE_AT, ZONE)
    gone_at = this_morning if this_morning <= stage.now else stage.now - timedelta(minutes=2)
    for n, one in enumerate(takers):
        tables.orders(opening, "lunch", one, code, when=gone_at - timedelta(minutes=5 * (quota - n)))
    for n in range(len(takers), quota):
        told = tables.guest(opening, code, gone_at - timedelta(minutes=5 * (quota - 1 - n)))
    stage.at(min(gone_at + timedelta(minutes=3), stage.now), lambda: pay_at_desk(tables.desk, told.id))


def _missed(tables: Tables, day: ServingDay, meal: str, code: str, caller: int, outcome: str) -> None:
    """Somebody who lives alone does not come, and is rung up; outcome '': not yet."""
    if meal not in day.meals:
        return
    tables.missing.append(tables.orders(day, meal, code))

    def calls() -> None:
        query = select(CallTask.id).where(
            CallTask.resident_id == tables.diners[code].id, CallTask.kind == "care"
        )
        for call in db.session.scalars(query):
            end_call(
                caller, tables.kitchen.id, call, outcome, "在家，睡过头了。" if outcome == "reached" else ""
            )

    if outcome:
        tables.stage.at(day.missed_at(meal) + WHILE, calls)


def _gives_back(tables: Tables, opening: ServingDay) -> None:
    """Somebody has ordered the next lunch and cancelled it in time."""
    stage, code = tables.stage, tables.somebody(opening, "lunch")
    if code:
        told = tables.orders(opening, "lunch", code, when=stage.now - timedelta(minutes=55))
        scene = partial(_cancel, Actor("resident", tables.diners[code].id), told)
        stage.at(stage.now - timedelta(minutes=31), scene)


def _excused(tables: Tables, last: ServingDay) -> None:
    """After the cutoff staff made an exception."""
    for told in tables.some_order(last, "lunch", 1):
        scene = partial(_cancel, Actor("staff", tables.desk), told, "住院了，家人打来电话")
        tables.stage.at(at(last.day, time(9, 35), ZONE), scene)


def _cancel(actor: Actor, told: Told, reason: str = "") -> None:
    if told.id:
        cancel(actor, told.id, reason)


def _handed_out(tables: Tables, told: Told, moment: datetime) -> None:
    tables.stage.at(moment, lambda: tables.hand_out(told.id))


def _at_the_window(tables: Tables, last: ServingDay) -> None:
    """On the last day: a guest without an order; a meal handed out by mistake and taken back; one handed out twice."""
    stage, span = tables.stage, last.meals["lunch"]
    _handed_out(tables, tables.guest(last, "L1", span.start + timedelta(minutes=11)), span.start + WHILE)
    mistaken = tables.orders(last, "lunch", KEEPS)
    _handed_out(tables, mistaken, span.start + timedelta(minutes=8))

    def taken_back() -> None:
        row = select(Redemption.id).where(Redemption.order_id == mistaken.id, Redemption.state == "stands")
        undo(tables.desk, db.session.scalars(row).one(), "扫错了，是后面那位的")

    stage.at(span.start + timedelta(minutes=10), taken_back)
    twice = tables.orders(last, "lunch", THINKS)
    _handed_out(tables, twice, span.start + timedelta(minutes=21))
    offline = span.start + timedelta(minutes=25)
    stage.at(
        span.start + timedelta(minutes=50),
        lambda: redeem(tables.desk, tables.kitchen.id, twice.id, tables.scan(window="2号窗", at=offline)),
    )


# --- money ----------------------------------------------------------------------------------------------------------

NOTES = (10_000, 5_000, 2_000, 1_000, 500, 100, 50, 10)
FLOAT = 20_000
SHORT = 100


def _money(tables: Tables, staff: dict[str, int]) -> None:
    """The till is counted every evening, once one yuan short, and handed to the manager, who has not taken the last one
    yet; a refund waits for a second member of staff."""
    stage, kitchen = tables.stage, tables.kitchen
    for day in kitchen.past:
        short = SHORT if day is kitchen.past[-2] else 0
        last = day is kitchen.past[-1]
        stage.at(
            at(day.day, time(18, 20), ZONE), partial(_count, tables, staff["F05"], short, taken=not last)
        )
    stage.at(
        stage.now - timedelta(minutes=25),
        lambda: ledger.refund(
            tables.desk, kitchen.id, tables.diners[REFUNDED].id, 5_500, reason="要搬去和女儿住"
        ),
    )


def _count(tables: Tables, manager: int, short: int, *, taken: bool) -> None:
    found = ledger.till(tables.kitchen.id) - short
    left, notes = found, {}
    for value in NOTES:
        many, left = divmod(left, value)
        if many:
            notes[str(value)] = many
    banked = max(0, found - left - FLOAT) // 10_000 * 10_000
    centre = tables.kitchen.id
    row = till.count_cash(tables.desk, centre, notes, handed_to_id=manager, banked_fen=banked)
    if taken:
        till.take_over(manager, centre, row.id)
