"""Reads for the pick-up window, the money desk, delivery and the hall board."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Row, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from canteen.models import (
    Account,
    CashCount,
    DietProfile,
    Dish,
    MealOrder,
    Menu,
    OddScan,
    Offer,
    OfferDish,
    Redemption,
    Run,
    Stop,
    SwapQuestion,
    Transfer,
)
from canteen.words import OWN_MOVES
from core.clock import local_day
from core.crypto import blinds
from core.database import db
from people.models import Grant, Resident, Staff

RUN_CODE = "delivery_run.code"
MOST = 300

_FULL = select(MealOrder).options(
    selectinload(MealOrder.lines),
    joinedload(MealOrder.menu),
    joinedload(MealOrder.centre),
    joinedload(MealOrder.resident).joinedload(Resident.building),
)

_BACK = aliased(Transfer)
_PAID_OUT = and_(Transfer.kind == "paid_out", ~exists().where(_BACK.reverses_id == Transfer.id))
"""A pay-out that nobody has taken back."""


# --- menus ----------------------------------------------------------------------------------------------------------


def menus_on(canteen_id: int, day: date) -> Sequence[Menu]:
    """What was published for a day, by time; also what could then not be cooked."""
    return db.session.scalars(
        select(Menu)
        .options(selectinload(Menu.offers).selectinload(Offer.dishes).joinedload(OfferDish.dish))
        .where(Menu.canteen_id == canteen_id, Menu.day == day, Menu.state != "draft")
        .order_by(Menu.serves_from)
    ).all()


def menus_between(canteen_id: int, first: date, last: date) -> Sequence[Menu]:
    """Published menus of these days, without what is on them."""
    query = select(Menu).where(
        Menu.canteen_id == canteen_id, Menu.day.between(first, last), Menu.state != "draft"
    )
    return db.session.scalars(query.order_by(Menu.day, Menu.serves_from)).all()


def menu_now(canteen_id: int, zone: str, moment: datetime) -> Menu | None:
    """The meal that is handed out now, else today's next one, else today's last."""
    rows = menus_on(canteen_id, local_day(moment, zone))
    return next((menu for menu in rows if moment <= menu.missed_at), rows[-1] if rows else None)


def menus_ahead(canteen_id: int, first: date, last: date) -> Sequence[Menu]:
    """Published menus from `first` to `last`, with what is offered on them."""
    return db.session.scalars(
        select(Menu)
        .options(selectinload(Menu.offers).selectinload(Offer.dishes).joinedload(OfferDish.dish))
        .where(Menu.canteen_id == canteen_id, Menu.day.between(first, last), Menu.state == "published")
        .order_by(Menu.day, Menu.serves_from)
    ).all()


# --- orders ---------------------------------------------------------------------------------------------------------


def order_by_number(number: str) -> MealOrder | None:
    """The order of a number that people read to each other: K7M2 4QXD."""
    plain = "".join(number.split()).upper()
    return db.session.scalar(_FULL.where(MealOrder.number == plain)) if plain else None


def order_by_pick_up(menu_id: int, pick_up: int) -> MealOrder | None:
    """The order of a pick-up number of one meal."""
    return db.session.scalar(_FULL.where(MealOrder.menu_id == menu_id, MealOrder.pick_up == pick_up))


def orders_of(menu_id: int) -> Sequence[MealOrder]:
    """Every order of a meal, by pick-up number."""
    return db.session.scalars(_FULL.where(MealOrder.menu_id == menu_id).order_by(MealOrder.pick_up)).all()


def codes_of(menu_ids: Sequence[int]) -> Sequence[Row[date, str, str]]:
    """(day, code, number) of the orders of these meals."""
    query = select(MealOrder.day, MealOrder.code, MealOrder.number).where(MealOrder.menu_id.in_(menu_ids))
    return db.session.execute(query.order_by(MealOrder.day, MealOrder.pick_up)).all()


def orders_of_person(resident_id: int, day: date) -> Sequence[MealOrder]:
    """What somebody ordered for a day, in all centres, the live ones first."""
    query = _FULL.where(MealOrder.resident_id == resident_id, MealOrder.day == day)
    rows = db.session.scalars(query.order_by(MealOrder.pick_up)).all()
    return sorted(rows, key=lambda row: (row.state != "ordered", row.state in {"cancelled", "failed"}))


def orders_waiting(menu_id: int, residents: Sequence[int]) -> Sequence[MealOrder]:
    """What these people ordered of a meal and is to be fetched, by pick-up number."""
    query = _FULL.where(
        MealOrder.menu_id == menu_id,
        MealOrder.resident_id.in_(residents),
        MealOrder.state == "ordered",
        MealOrder.delivery.is_(False),
    )
    return db.session.scalars(query.order_by(MealOrder.pick_up)).all()


def found_orders(centre_id: int, menu_id: int | None, words: str) -> Sequence[MealOrder]:
    """A meal's orders that fit what was typed: a pick-up number, a number (of any day) or part of a name."""
    plain = "".join(words.split()).upper()
    if len(plain) == 8 and (one := order_by_number(plain)) is not None:
        return [one] if one.centre_id == centre_id else []
    if menu_id is None:
        return []
    query = _FULL.where(MealOrder.menu_id == menu_id)
    if plain.isascii() and plain.isdigit() and len(plain) <= 4:
        query = query.where(MealOrder.pick_up == int(plain))
    elif plain:
        names = select(Resident.id).where(Resident.name.contains(words.strip(), autoescape=True))
        query = query.where(MealOrder.resident_id.in_(names))
    return db.session.scalars(query.order_by(MealOrder.pick_up).limit(MOST)).all()


def questioned(menu_ids: Sequence[int]) -> set[int]:
    """Orders of these meals with a question about a swapped dish that nobody has answered."""
    return set(
        db.session.scalars(
            select(SwapQuestion.order_id)
            .join(MealOrder, MealOrder.id == SwapQuestion.order_id)
            .where(MealOrder.menu_id.in_(menu_ids), SwapQuestion.answer.is_(None))
        )
    )


def standing_redemption(order_id: int) -> Redemption | None:
    """The hand-over of an order that counts."""
    query = select(Redemption).where(Redemption.order_id == order_id, Redemption.state == "stands")
    return db.session.scalar(query)


def redemption_here(centre_id: int, redemption_id: int) -> Redemption | None:
    """One hand-over of this centre."""
    query = select(Redemption).where(Redemption.id == redemption_id, Redemption.centre_id == centre_id)
    return db.session.scalar(query)


def reviews(centre_id: int) -> Sequence[Redemption]:
    """What somebody has to look at, the oldest first."""
    query = select(Redemption).options(joinedload(Redemption.order).joinedload(MealOrder.menu))
    query = query.where(Redemption.centre_id == centre_id, Redemption.state == "review")
    return db.session.scalars(query.order_by(Redemption.scanned_at, Redemption.id)).all()


def to_review(centre_id: int) -> int:
    """How many lines somebody has to decide."""
    many = (
        select(func.count()).where(table.centre_id == centre_id, table.state == "review")
        for table in (Redemption, OddScan)
    )
    return sum(db.session.scalar(query) or 0 for query in many)


def odd_scans(centre_id: int) -> Sequence[OddScan]:
    """Scans that belong to no order and that somebody has to look at, the oldest first."""
    query = select(OddScan).where(OddScan.centre_id == centre_id, OddScan.state == "review")
    return db.session.scalars(query.order_by(OddScan.id)).all()


def odd_settled(centre_id: int, since: datetime) -> Sequence[OddScan]:
    """Scans of no order that were decided lately, the newest first."""
    query = select(OddScan).where(OddScan.centre_id == centre_id, OddScan.decided_at >= since)
    return db.session.scalars(query.order_by(OddScan.id.desc()).limit(30)).all()


def settled(centre_id: int, since: datetime) -> Sequence[Redemption]:
    """What offline windows sent in and was decided lately, the newest first."""
    query = select(Redemption).options(joinedload(Redemption.order).joinedload(MealOrder.menu))
    query = query.where(
        Redemption.centre_id == centre_id,
        Redemption.offline,
        Redemption.state.in_(["settled", "undone"]),
        Redemption.recorded_at >= since,
    )
    return db.session.scalars(query.order_by(Redemption.id.desc()).limit(30)).all()


def called(menu_id: int, most: int = 5) -> list[int]:
    """Pick-up numbers that were called and not yet fetched, the latest first."""
    query = select(MealOrder.pick_up).where(
        MealOrder.menu_id == menu_id, MealOrder.state == "ordered", MealOrder.called_at.is_not(None)
    )
    return list(
        db.session.scalars(query.order_by(MealOrder.called_at.desc(), MealOrder.id.desc()).limit(most))
    )


def tally(menu_id: int) -> dict[str, int]:
    """State → how many orders of a meal are in it."""
    query = select(MealOrder.state, func.count()).where(MealOrder.menu_id == menu_id)
    return {row[0]: row[1] for row in db.session.execute(query.group_by(MealOrder.state)).all()}


def uncalled(menu_id: int) -> int:
    """How many orders to be fetched have not been called yet."""
    query = select(func.count()).select_from(MealOrder)
    query = query.where(
        MealOrder.menu_id == menu_id,
        MealOrder.state == "ordered",
        MealOrder.called_at.is_(None),
        MealOrder.delivery.is_(False),
    )
    return int(db.session.scalar(query) or 0)


# --- money ----------------------------------------------------------------------------------------------------------


def profile_of(resident_id: int) -> DietProfile | None:
    """What somebody may not or does not wish to eat, with their own words; None where nothing is kept."""
    return db.session.get(DietProfile, resident_id)


def account_of(resident_id: int) -> Account | None:
    """A resident's prepaid account."""
    return db.session.scalar(select(Account).where(Account.resident_id == resident_id))


def blocked_accounts(centre_id: int) -> list[tuple[Account, Resident | None]]:
    """Accounts of this centre that are being looked at, with whose they are: its own first, which concern everybody,
    then residents', since the longest time first."""
    query = (
        select(Account, Resident)
        .outerjoin(Resident, Resident.id == Account.resident_id)
        .where(Account.centre_id == centre_id, Account.blocked_at.is_not(None))
        .order_by(Account.resident_id.is_not(None), Account.blocked_at, Account.id)
    )
    return [(row[0], row[1]) for row in db.session.execute(query)]


def own_account(centre_id: int, kind: str) -> Account | None:
    """An account of the centre itself, such as its till (`cash`), once money has been in it."""
    query = select(Account).where(Account.centre_id == centre_id, Account.kind == kind)
    return db.session.scalar(query.where(Account.resident_id.is_(None)))


def transfer_of(account_id: int, transfer_id: int) -> Transfer | None:
    """One transfer, if it is of this account."""
    return db.session.scalar(
        select(Transfer).where(
            Transfer.id == transfer_id, or_(Transfer.debit_id == account_id, Transfer.credit_id == account_id)
        )
    )


def reversed_ids(transfer_ids: Sequence[int]) -> set[int]:
    """Which of these were taken back already."""
    query = select(Transfer.reverses_id).where(Transfer.reverses_id.in_(transfer_ids))
    return {one for one in db.session.scalars(query) if one is not None}


def names_of(staff_ids: Sequence[int]) -> dict[int, str]:
    """Names of members of staff."""
    return {row.id: row.name for row in db.session.scalars(select(Staff).where(Staff.id.in_(staff_ids)))}


def order_numbers(order_ids: Sequence[int]) -> dict[int, MealOrder]:
    """Orders by id, for the words of a history."""
    rows = db.session.scalars(select(MealOrder).where(MealOrder.id.in_(order_ids)))
    return {row.id: row for row in rows}


def owed(centre_id: int) -> Sequence[MealOrder]:
    """Orders whose money, paid at the desk before, is owed and has not been paid out."""
    paid_out = select(Transfer.order_id).where(_PAID_OUT, Transfer.order_id.is_not(None))
    query = _FULL.where(
        MealOrder.centre_id == centre_id,
        MealOrder.gateway == "counter",
        MealOrder.pay_state == "refunded",
        MealOrder.pays_fen > 0,
        MealOrder.id.not_in(paid_out),
    )
    return db.session.scalars(query.order_by(MealOrder.id).limit(50)).all()


def was_paid_out(order_id: int) -> bool:
    """Whether what was owed for an order has been paid out."""
    query = select(Transfer.id).where(Transfer.order_id == order_id, _PAID_OUT)
    return db.session.scalar(query) is not None


def own_moves(centre_id: int, since: datetime, most: int = 30) -> Sequence[Transfer]:
    """Movements between the centre's own accounts that may be taken back one by one, since a moment, newest first."""
    query = _own(centre_id).where(Transfer.at >= since)
    return db.session.scalars(query.order_by(Transfer.id.desc()).limit(most)).all()


def own_move(centre_id: int, transfer_id: int) -> Transfer | None:
    """One of them, however old."""
    return db.session.scalar(_own(centre_id).where(Transfer.id == transfer_id))


def _own(centre_id: int) -> Select[Transfer]:
    mine = select(Account.id).where(Account.centre_id == centre_id, Account.resident_id.is_(None))
    ends = (Transfer.debit_id.in_(mine), Transfer.credit_id.in_(mine))
    return select(Transfer).where(Transfer.kind.in_(OWN_MOVES), *ends)


def counts(centre_id: int, most: int = 10) -> Sequence[CashCount]:
    """The last counts of the till, the newest first."""
    query = select(CashCount).where(CashCount.centre_id == centre_id)
    return db.session.scalars(query.order_by(CashCount.id.desc()).limit(most)).all()


def handed_over(centre_id: int, staff_id: int) -> CashCount | None:
    """The last count by which the till was handed to somebody who has not said yet that they took it."""
    query = select(CashCount).where(CashCount.centre_id == centre_id, CashCount.handed_to_id.is_not(None))
    last = db.session.scalar(query.order_by(CashCount.id.desc()).limit(1))
    return last if last is not None and last.handed_to_id == staff_id and last.taken_at is None else None


def count_here(centre_id: int, count_id: int) -> CashCount | None:
    """One count of this centre's till."""
    return db.session.scalar(
        select(CashCount).where(CashCount.id == count_id, CashCount.centre_id == centre_id)
    )


def colleagues(units: Sequence[int], roles: frozenset[str]) -> list[Staff]:
    """Who holds one of `roles` over one of these units, by name."""
    held = select(Grant.staff_id).where(Grant.unit_id.in_(units), Grant.role.in_(roles))
    query = select(Staff).where(Staff.id.in_(held), Staff.active)
    return list(db.session.scalars(query.order_by(Staff.name, Staff.id)))


# --- delivery -------------------------------------------------------------------------------------------------------


def runs_of(menu_id: int) -> Sequence[Run]:
    """The runs of a meal with their doors."""
    query = select(Run).options(selectinload(Run.stops).joinedload(Stop.order)).where(Run.menu_id == menu_id)
    return db.session.scalars(query.order_by(Run.id)).all()


def run_here(centre_id: int, run_id: int) -> Run | None:
    """One run of this centre."""
    query = select(Run).join(Menu, Menu.id == Run.menu_id)
    return db.session.scalar(query.where(Run.id == run_id, Menu.canteen_id == centre_id))


def run_by_code(code: str) -> Run | None:
    """The run of a code that a carrier's phone has read."""
    return db.session.scalar(select(Run).where(Run.code_index.in_(blinds(code, RUN_CODE))))


def to_deliver(menu_id: int) -> Sequence[MealOrder]:
    """Orders that are to be brought and are on no round, or were left over by one that is finished."""
    taken = select(Stop.order_id).join(Run, Run.id == Stop.run_id)
    query = _FULL.where(
        MealOrder.menu_id == menu_id,
        MealOrder.delivery.is_(True),
        MealOrder.state == "ordered",
        MealOrder.id.not_in(taken.where(or_(Run.state != "done", Stop.state == "handed_over"))),
    )
    return db.session.scalars(query.order_by(MealOrder.pick_up)).all()


_ON_THE_WAY = (
    select(Stop.order_id, Run.carrier_name)
    .join(Run, Run.id == Stop.run_id)
    .where(Run.state == "out", Stop.state.in_(["waiting", "nobody_home"]))
)
"""Meals whose boxes a carrier has with them."""


def carrier_with(order_id: int) -> str | None:
    """The name of the carrier who has this order's box now; None while nobody has."""
    row = db.session.execute(_ON_THE_WAY.where(Stop.order_id == order_id)).first()
    return row.carrier_name if row is not None else None


def on_the_way(menu_ids: Sequence[int]) -> dict[int, str]:
    """Order → who has its box now, of these meals."""
    rows = db.session.execute(_ON_THE_WAY.where(Run.menu_id.in_(menu_ids)))
    return {row.order_id: row.carrier_name for row in rows}


def dish_names(dish_ids: Sequence[int]) -> dict[int, str]:
    """Names of dishes in the reader's language."""
    return {row.id: row.name for row in db.session.scalars(select(Dish).where(Dish.id.in_(dish_ids)))}
