"""Ordering, paying, eating, failing, settling in any order: the canteen agrees with a small model that shares no code
with it.

The ledger is append-only, so that nothing is cleaned up: every example has people and a week of its own, in which one
month ends and the next begins.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from canteen.models import (
    Account,
    MealOrder,
    Menu,
    Offer,
    Redemption,
    Settlement,
    SettlementLine,
    SettlementPayment,
    SubsidyClaim,
)
from canteen.owed import owed_of
from canteen.services import ledger, paid, settle
from canteen.services.answer import answer_swap
from canteen.services.close import close_due, fail_menu
from canteen.services.give_back import cancel
from canteen.services.plan import swap_dish
from canteen.services.serve import Scan, redeem, undo
from centres.services import set_policy
from core.audit import OPERATOR, Actor
from core.database import db
from core.errors import Refused
from people.models import Staff
from tests.support.clock import Clock
from tests.support.hall import ALL, moment
from tests.support.meals import Meals

PRICES = {"L1": 1500, "L2": 1300, "L4": 1500}
QUOTAS = {"L1": 2, "L2": 2, "L4": 1}
CAPS = {"elder": 500, "poor": 1500, "son": 0}
WEEK_MOST, MEAL_MOST, WALK_IN = 2, 2, 2
DAY_NUMBERS = (1, 2, 3, 5)
"""Tuesday to Thursday, and Saturday, on which nobody is helped."""
SATURDAY = 5
OPERATING = 200
"""What the kitchen gets for each meal the government helps with."""
SUMS = (500, 1000, 5000)
PLACES = ("shuibei", "shuibei", "shuibei", "sungang")
BOOKS = ("cash", "outside", "held", "sales", "subsidy")
HOURS = ("15:59", "16:00", "16:01", "11:40", "12:30", "12:31")
FATES = (
    "eaten",
    "eaten",
    "eaten twice",
    "missed",
    "missed, and nothing was cooked",
    "taken back",
    "taken back",
    "taken back too late",
    "given back too late",
    "kitchen fails",
)
"""What may become of a meal on its day."""
PLANS = st.lists(
    st.tuples(
        st.sampled_from(sorted(CAPS)),
        st.booleans(),
        st.sampled_from(sorted(PRICES)),
        st.sampled_from(FATES),
    ),
    min_size=2,
    max_size=5,
)
"""A day's orders: (who, from the prepaid card, which meal, what becomes of it)."""
NUMBERS = count()


@dataclass
class Eaten:
    """What the model knows of an order."""

    id: int
    who: str
    where: str
    day: int
    code: str
    prepaid: bool
    helped: int
    pays: int
    made: datetime
    walk_in: bool
    state: str = "ordered"
    money: str = "due"
    right: bool = False
    asked: bool = False
    served_at: datetime | None = None
    cash: bool = False
    redemption: int = 0

    @property
    def live(self) -> bool:
        return self.state not in {"cancelled", "failed"}


def month_after(first: date) -> date:
    """The first day of the month after one that begins on `first`."""
    return (first + timedelta(days=31)).replace(day=1)


def weeks_between_months() -> Iterator[tuple[date, date]]:
    """(Monday, the first of the month that begins on the Wednesday to Saturday after), for ever; no two weeks share a
    month."""
    first = date(2026, 12, 1)
    while True:
        if 2 <= first.weekday() <= SATURDAY:
            yield first - timedelta(days=first.weekday()), first
            first = month_after(first)
        first = month_after(first)


class Machine(RuleBasedStateMachine):
    meals: Meals
    clock: Clock
    staff: int
    weeks: Iterator[tuple[int, tuple[date, date]]]

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[Eaten] = []
        self.failed: set[tuple[str, int]] = set()
        self.people: dict[str, int] = {}
        self.claimed: dict[tuple[str, date], int] = {}
        self.paid: dict[tuple[str, date], list[int]] = {}
        self.gone: set[int] = set()

    @initialize()
    def begin(self) -> None:
        number, (self.monday, self.first) = next(Machine.weeks)
        self.clock.set(f"{self.monday} 09:41")
        self.centres = {"shuibei": self.meals.cast.shuibei, "sungang": self.meals.cast.sungang}
        year = self.monday.year  # each example has a week of its own: nobody may grow old over them
        self.people = {
            "elder": self.meals.person(f"甲{number}", date(year - 78, 6, 12), alone=True),
            "poor": self.meals.person(
                f"乙{number}", date(year - 76, 1, 1), statuses=[("dibao", date(2020, 1, 1), None)]
            ),
            "son": self.meals.person(f"丙{number}", date(year - 42, 2, 20)),
        }
        self.money = dict.fromkeys(self.people, 0)
        self.has_account: set[str] = set()
        self.menus: dict[tuple[str, int], int] = {}
        for where, centre in self.centres.items():
            for day in DAY_NUMBERS:
                self.menus[where, day] = self.meals.lunch(self.day(day), centre, QUOTAS)
        self.before = {where: self.accounts(where) for where in self.centres}
        self.moved = {where: dict.fromkeys(BOOKS, 0) for where in self.centres}
        for who in self.people:
            self.top_up(who, 5000)

    def teardown(self) -> None:
        """What this week left open is closed and settled before the next example counts its own."""
        if self.people:
            self.clock.set(f"{month_after(self.first)} 09:00")
            self.clock_process_beats()
            for where in self.centres:
                self.the_accountant_settles(where, 2)
                self.settle(where, self.first, 2)
                self.the_government_pays(where, 300)
                self.the_government_pays(where, 0)
            self.everything_agrees()

    # --- the model's own arithmetic ---

    def day(self, number: int) -> date:
        return self.monday + timedelta(days=number)

    def cutoff(self, day: int) -> datetime:
        """16:00 on the serving day before: for Saturday that is Friday."""
        return moment(f"{self.day(day - 1)} 16:00")

    def opens(self, day: int) -> datetime:
        return moment(f"{self.day(day)} 00:00")

    def ends(self, day: int) -> datetime:
        return moment(f"{self.day(day)} 12:30")

    @property
    def now(self) -> datetime:
        return self.clock()

    def coming(self, day: int) -> int:
        """That day, or the first whose kitchen still takes orders where it is over: else most of a week is refusals."""
        return next((one for one in DAY_NUMBERS if one >= day and self.now < self.cutoff(one)), day)

    def sold(self, where: str, day: int, code: str) -> int:
        return sum(
            one.live and not one.walk_in and (one.where, one.day, one.code) == (where, day, code)
            for one in self.orders
        )

    def walked_in(self, where: str, day: int) -> int:
        return sum(one.live and one.walk_in and (one.where, one.day) == (where, day) for one in self.orders)

    def rights(self, who: str) -> list[int]:
        return [one.day for one in self.orders if one.who == who and one.right]

    def help_for(self, who: str, day: int) -> int:
        if day == SATURDAY or day in self.rights(who) or len(self.rights(who)) >= WEEK_MOST:
            return 0
        return CAPS[who]

    def accounts(self, where: str) -> dict[str, int]:
        rows = db.session.execute(
            select(Account.kind, Account.balance_fen).where(
                Account.centre_id == self.centres[where], Account.resident_id.is_(None)
            )
        ).all()
        return {row.kind: row.balance_fen for row in rows}

    def move(self, where: str, debit: str, credit: str, fen: int) -> None:
        for account, amount in ((debit, -fen), (credit, fen)):
            if account in self.money:
                self.money[account] += amount
            else:
                self.moved[where][account] += amount

    def deed(self, expected: str, run: Callable[[], object]) -> object | None:
        """What the house did; None where it refused. It must do what the model expects."""
        done, outcome = None, "done"
        try:
            done = run()
        except Refused as refused:
            outcome = refused.code
        assert outcome == expected
        return done

    # --- what people do ---

    def expected_order(
        self, who: str, where: str, day: int, code: str, prepaid: bool
    ) -> tuple[str, bool, int]:
        """(outcome, walk-in, what the government pays)."""
        walk_in = False
        if (where, day) in self.failed:
            return "closed", False, 0
        if self.now >= self.ends(day):
            return "over", False, 0
        if self.now >= self.cutoff(day):
            if not self.opens(day) <= self.now:
                return "after_cutoff", False, 0
            walk_in = True
        if sum(one.live and (one.who, one.day) == (who, day) for one in self.orders) >= MEAL_MOST:
            return "enough", walk_in, 0
        left = WALK_IN - self.walked_in(where, day) if walk_in else QUOTAS[code] - self.sold(where, day, code)
        if left <= 0:
            return "sold_out", walk_in, 0
        helped = min(self.help_for(who, day), PRICES[code])
        if prepaid and PRICES[code] - helped > self.money[who]:
            return "balance_low", walk_in, helped
        return "done", walk_in, helped

    @rule(
        who=st.sampled_from(sorted(CAPS)),
        where=st.sampled_from(PLACES),
        day=st.sampled_from(DAY_NUMBERS),
        code=st.sampled_from(sorted(PRICES)),
        prepaid=st.booleans(),
        whenever=st.sampled_from([False, False, True]),
    )
    def order(self, who: str, where: str, day: int, code: str, prepaid: bool, whenever: bool = True) -> None:
        day = day if whenever else self.coming(day)
        expected, walk_in, helped = self.expected_order(who, where, day, code, prepaid)
        made = self.deed(
            expected,
            lambda: self.meals.order(
                self.people[who],
                self.day(day),
                code,
                centre=self.centres[where],
                gateway="account" if prepaid else "counter",
            ),
        )
        if not isinstance(made, MealOrder):
            return
        pays = PRICES[code] - helped
        assert (made.subsidy_fen, made.pays_fen, made.walk_in) == (helped, pays, walk_in)
        one = Eaten(
            made.id, who, where, day, code, prepaid, helped, pays, self.now, walk_in, right=helped > 0
        )
        if prepaid and pays:
            one.money = "held"
            self.move(where, who, "held", pays)
        self.orders.append(one)

    @rule(who=st.sampled_from(sorted(CAPS)), fen=st.sampled_from(SUMS))
    def top_up(self, who: str, fen: int) -> None:
        centre = self.centres["shuibei"]
        self.deed("done", lambda: ledger.top_up(self.staff, centre, self.people[who], fen))
        self.move("shuibei", "cash", who, fen)

    @precondition(lambda self: self.orders)
    @rule(which=st.integers(0, 30), times=st.sampled_from([1, 2]))
    def give_back(self, which: int, times: int) -> None:
        one = self.orders[which % len(self.orders)]
        if one.state == "cancelled":
            expected = "done"
        elif one.state != "ordered":
            expected = "not_now"
        else:
            in_time = self.now < self.cutoff(one.day) or self.now <= one.made + timedelta(seconds=60)
            expected = "done" if in_time else "cancel_late"
        for _tap in range(times):
            self.deed(expected, lambda: cancel(Actor("resident", self.people[one.who]), one.id))
            if expected == "done" and one.state == "ordered":
                self.end(one, "cancelled")

    def end(self, one: Eaten, state: str) -> None:
        if one.money in {"held", "kept"}:
            self.move(one.where, "held" if one.money == "held" else "sales", one.who, one.pays)
        one.state, one.money, one.right, one.asked = state, "over", False, one.asked

    @precondition(lambda self: self.orders)
    @rule(which=st.integers(0, 30), cash=st.booleans(), elsewhere=st.sampled_from([False, False, True]))
    def scan(self, which: int, cash: bool, elsewhere: bool) -> None:
        one = self.orders[which % len(self.orders)]
        other = "sungang" if one.where == "shuibei" else "shuibei"
        centre = self.centres[other if elsewhere else one.where]
        expected = self.expected_scan(one, cash, elsewhere)
        answer = redeem(self.staff, centre, one.id, Scan("1号窗", f"scan-{next(NUMBERS):08d}", cash=cash))
        assert answer.kind == expected
        if expected != "ok":
            return
        one.cash = one.money == "due" and one.pays > 0
        if one.pays:
            self.move(one.where, "cash" if one.cash else "held", "sales", one.pays)
        if one.helped:
            self.move(one.where, "subsidy", "sales", one.helped)
        one.state, one.served_at, one.money = "collected", self.now, "paid"
        query = select(Redemption.id).where(Redemption.order_id == one.id, Redemption.state == "stands")
        one.redemption = db.session.scalars(query).one()

    def expected_scan(self, one: Eaten, cash: bool, elsewhere: bool) -> str:
        if elsewhere:
            return "other_centre"
        if one.state in {"collected", "cancelled", "failed"}:
            return {"collected": "already"}.get(one.state, one.state)
        if not self.opens(one.day) <= self.now < self.opens(one.day) + timedelta(days=1):
            return "wrong_day"
        if self.now > self.ends(one.day):
            return "late"
        if one.asked:
            return "ask"
        return "pay" if one.pays and one.money == "due" and not cash else "ok"

    @precondition(lambda self: any(one.state == "collected" for one in self.orders))
    @rule(which=st.integers(0, 30))
    def take_back_a_scan(self, which: int) -> None:
        served = [one for one in self.orders if one.state == "collected"]
        self.undo_of(served[which % len(served)])

    def undo_of(self, one: Eaten) -> None:
        assert one.served_at is not None
        in_time = self.now <= one.served_at + timedelta(minutes=5)
        self.deed("done" if in_time else "undo_late", lambda: undo(self.staff, one.redemption, "发错了"))
        if not in_time:
            return
        if one.pays:
            self.move(one.where, "sales", "cash" if one.cash else "held", one.pays)
        if one.helped:
            self.move(one.where, "sales", "subsidy", one.helped)
        one.state, one.money = "ordered", "due" if one.cash or not one.prepaid else "held"

    @rule(where=st.sampled_from(["shuibei", "sungang"]), day=st.sampled_from(DAY_NUMBERS))
    def kitchen_swaps(self, where: str, day: int) -> None:
        menu = self.menus[where, day]
        offer = db.session.scalars(select(Offer).where(Offer.menu_id == menu, Offer.code == "L1")).one()
        db.session.refresh(offer)
        there = offer.dishes[1].dish_id
        old, new = self.meals.dishes["V01"], self.meals.dishes["V03"]
        expected = "done" if there == old else "dish_not_on"
        self.deed(expected, lambda: swap_dish(Actor("staff", self.staff), menu, old, new, "没到货"))
        if expected == "done":
            for one in self.orders:
                if (one.where, one.day, one.code, one.state) == (where, day, "L1", "ordered"):
                    one.asked = True

    @precondition(lambda self: any(one.asked for one in self.orders))
    @rule(which=st.integers(0, 30), answer=st.sampled_from(["keep", "cancel"]))
    def answer(self, which: int, answer: str) -> None:
        asked = [one for one in self.orders if one.asked]
        one = asked[which % len(asked)]
        answer_swap(Actor("resident", self.people[one.who]), one.id, answer)
        one.asked = False
        if answer == "cancel" and one.state == "ordered":
            self.end(one, "cancelled")

    @precondition(lambda self: self.orders)
    @rule(
        which=st.integers(0, 30), times=st.sampled_from([1, 2]), really=st.sampled_from([False, False, True])
    )
    def kitchen_fails(self, which: int, times: int, really: bool) -> None:
        if not really:  # a failed lunch ends much that could be seen otherwise
            return
        where, day = self.orders[which % len(self.orders)].where, self.orders[which % len(self.orders)].day
        mine = [one for one in self.orders if (one.where, one.day) == (where, day)]
        waiting = [one for one in mine if one.state in {"ordered", "uncollected"}]
        self.failed.add((where, day))
        assert fail_menu(self.staff, self.menus[where, day], "停气了") == len(waiting)
        for _again in range(times - 1):
            assert fail_menu(self.staff, self.menus[where, day], "停气了") == 0
        for one in waiting:
            self.end(one, "failed")

    def a_day(self, day: int, plans: list[tuple[str, bool, str, str]], swaps: bool) -> None:
        """Some orders and what becomes of each on their day, looked at after each step."""
        made = []
        for who, prepaid, code, fate in plans:
            before = len(self.orders)
            self.order(who, "shuibei", day, "L1" if swaps else code, prepaid)
            if len(self.orders) > before:
                made.append((before, fate))
        noon = moment(f"{self.day(day)} 11:40")
        if not made or self.now >= noon:
            return
        if swaps:
            self.kitchen_swaps("shuibei", day)
        self.clock.set(f"{self.day(day)} 11:40")
        for which, fate in made:
            if not fate.startswith("missed"):
                self.what_becomes_of(which, fate)
        missed = [(which, fate) for which, fate in made if fate.startswith("missed")]
        if not missed:
            return
        self.clock.set(f"{self.day(day)} 12:31")
        self.scan(missed[0][0], True, False)
        self.clock_process_beats()
        if missed[-1][1] != "missed":
            self.kitchen_fails(missed[-1][0], 2, True)

    def what_becomes_of(self, which: int, fate: str) -> None:
        one = self.orders[which]
        if one.asked and fate == "eaten":
            answer_swap(Actor("resident", self.people[one.who]), one.id, "keep")
            one.asked = False
        if fate == "given back too late":
            self.give_back(which, 1)
        if fate == "kitchen fails":
            self.kitchen_fails(which, 2, True)
        self.scan(which, True, False)
        if fate == "eaten twice":
            self.scan(which, True, False)
        self.everything_agrees()
        if fate.startswith("taken back") and one.state == "collected":
            self.clock.advance(minutes=6 if fate == "taken back too late" else 4)
            self.undo_of(one)
        self.everything_agrees()

    @rule(who=st.sampled_from(["elder", "poor"]), prepaid=st.booleans(), code=st.sampled_from(sorted(PRICES)))
    def a_week(self, who: str, prepaid: bool, code: str) -> None:
        """Every day once: only so the week's last right is met often."""
        for day in DAY_NUMBERS:
            if not any(one.live and (one.who, one.day) == (who, day) for one in self.orders):
                self.order(who, "shuibei", day, code, prepaid)

    @rule(cash=st.booleans(), but=st.integers(0, 3), taken_back=st.booleans())
    def lunch_is_served(self, cash: bool, but: int, taken_back: bool) -> None:
        """The next day on which somebody expects a meal; most come, and the last scan may have been a mistake."""
        days = sorted({one.day for one in self.orders if one.state == "ordered"})
        day = next((day for day in days if self.now < moment(f"{self.day(day)} 11:40")), None)
        if day is None:
            return
        self.clock.set(f"{self.day(day)} 11:40")
        for which, one in enumerate(self.orders):
            if one.day == day and which % 4 != but:
                self.scan(which, cash, False)
        if taken_back and any(one.served_at == self.now for one in self.orders):
            self.clock.advance(minutes=4)
            self.undo_of([one for one in self.orders if one.state == "collected"][-1])

    @rule(days=st.sampled_from([0, 0, 0, 1]), hour=st.sampled_from(HOURS))
    def time_passes(self, days: int, hour: str) -> None:
        wanted = moment(f"{self.clock.today + timedelta(days=days)} {hour}")
        if wanted > self.now:
            self.clock.set(wanted)

    @rule(minutes=st.sampled_from([1, 4, 6]))
    def some_minutes_pass(self, minutes: int) -> None:
        self.clock.advance(minutes=minutes)

    @rule()
    def clock_process_beats(self) -> None:
        close_due()
        for one in self.orders:
            if one.state != "ordered":
                continue
            if (one.where, one.day) in self.failed:
                self.end(
                    one, "failed"
                )  # it was handed out and taken back, and the kitchen has failed meanwhile
                continue
            if self.now <= self.ends(one.day):
                continue
            if one.asked:
                self.end(one, "cancelled")  # nobody has asked whether the other dish is fine
                continue
            kept = one.money == "held"
            if kept:
                self.move(one.where, "held", "sales", one.pays)
            one.state, one.right, one.money = "uncollected", False, "kept" if kept else "over"

    @precondition(lambda self: self.clock.today >= self.day(2))
    @rule(where=st.sampled_from(["shuibei", "sungang"]), times=st.sampled_from([1, 2]))
    def the_accountant_settles(self, where: str, times: int) -> None:
        """The month that ends in this week, too early and again too."""
        self.settle(where, (self.first - timedelta(days=1)).replace(day=1), times)

    def settle(self, where: str, month: date, times: int) -> None:
        """A month claims what was handed out in it and nothing else, once it is over and nothing of it is open."""
        until = month_after(month)
        mine = [one for one in self.orders if one.where == where and month <= self.day(one.day) < until]
        if (where, month) in self.claimed:
            expected = "done"
        elif self.clock.today < until:
            expected = "month_runs"
        else:
            expected = "orders_open" if any(one.state == "ordered" for one in mine) else "done"
        for _again in range(times):
            self.deed(expected, lambda: settle.seal(self.staff, self.centres[where], month))
        if expected != "done":
            return
        eaten = [one for one in mine if one.right]
        if (where, month) not in self.claimed:
            self.claimed[where, month] = sum(one.helped + OPERATING for one in eaten)
            self.move(where, "subsidy", "sales", OPERATING * len(eaten))
        self.claimed_is_what_was_eaten(where, month, eaten)

    @precondition(lambda self: self.clock.today >= self.day(2))
    @rule(where=st.sampled_from(["shuibei", "sungang"]), short=st.sampled_from([0, 300, 1000]))
    def the_government_pays(self, where: str, short: int) -> None:
        """What is left of a month, or all but so much of it; more than is left is not written down."""
        month = (self.first - timedelta(days=1)).replace(day=1)
        claimed, there = self.claimed.get((where, month)), self.paid.get((where, month), [])
        left = (claimed or 0) - sum(there)
        fen = left - short if left > short else left + 1
        expected = "not_found" if claimed is None else "done" if 0 < fen <= left else "paid_odd"
        centre, today = self.centres[where], self.clock.today
        self.deed(expected, lambda: paid.record_paid(self.staff, centre, month, fen, today))
        if expected == "done":
            self.move(where, "outside", "subsidy", fen)
            self.paid[where, month] = [*there, fen]

    @precondition(lambda self: self.clock.today >= self.day(2))
    @rule(where=st.sampled_from(["shuibei", "sungang"]), times=st.sampled_from([1, 2]))
    def a_payment_was_wrong(self, where: str, times: int) -> None:
        """The last one is taken back; again it is not."""
        month = (self.first - timedelta(days=1)).replace(day=1)
        if not (there := self.paid.get((where, month))):
            return
        query = select(SettlementPayment.id).join(
            Settlement, Settlement.id == SettlementPayment.settlement_id
        )
        query = query.where(Settlement.centre_id == self.centres[where], Settlement.month == month)
        last = db.session.scalars(query.order_by(SettlementPayment.id.desc())).all()
        standing = [one for one in last if one not in self.gone]
        for expected in ["done", "moved_already"][:times]:
            self.deed(
                expected,
                lambda: paid.take_back_payment(self.staff, self.centres[where], standing[0], "看错了"),
            )
        self.gone.add(standing[0])
        self.move(where, "outside", "subsidy", -there[-1])
        self.paid[where, month] = there[:-1]

    @invariant()
    def what_is_owed_is_told_month_by_month(self) -> None:
        if not self.people:
            return
        db.session.rollback()
        for where, centre in self.centres.items():
            found = owed_of(centre)
            assert found.rest_fen == 0
            came = {(where, one.month): one.came_fen for one in found.sealed if one.came_fen}
            assert (
                came.items()
                >= {key: sum(fen) for key, fen in self.paid.items() if fen and key[0] == where}.items()
            )

    def claimed_is_what_was_eaten(self, where: str, month: date, eaten: list[Eaten]) -> None:
        row = db.session.scalars(
            select(Settlement).where(Settlement.centre_id == self.centres[where], Settlement.month == month)
        ).one()
        lines = db.session.execute(
            select(SettlementLine.order_id, SettlementLine.kind, SettlementLine.amount_fen).where(
                SettlementLine.settlement_id == row.id
            )
        ).all()
        wanted = [(one.id, "meal", one.helped) for one in eaten]
        wanted += [(one.id, "operating", OPERATING) for one in eaten]
        assert sorted(map(tuple, lines)) == sorted(wanted)
        assert row.claimed_fen == sum(fen for _id, _kind, fen in wanted)
        assert all(one.state == "collected" for one in eaten)

    # --- what must always be so ---

    def everything_agrees(self) -> None:
        self.the_ledger_adds_up()
        self.portions_are_what_the_model_sold()
        self.orders_and_rights_are_what_the_model_has()

    @invariant()
    def the_ledger_adds_up(self) -> None:
        if not self.people:
            return
        db.session.rollback()
        assert ledger.wrong_sums() == []
        assert db.session.scalar(select(func.sum(Account.balance_fen))) in (0, None)
        for who, resident in self.people.items():
            assert (ledger.balance(resident) or 0) == self.money[who] >= 0
        for where in self.centres:
            now = self.accounts(where)
            for kind, moved in self.moved[where].items():
                assert now.get(kind, 0) - self.before[where].get(kind, 0) == moved, (where, kind)

    @invariant()
    def portions_are_what_the_model_sold(self) -> None:
        if not self.people:
            return
        db.session.rollback()
        rows = db.session.execute(
            select(Menu.id, Menu.walk_in_taken, Offer.code, Offer.taken, Offer.quota)
            .join(Menu, Menu.id == Offer.menu_id)
            .where(Menu.id.in_(self.menus.values()))
        ).all()
        names = {menu: key for key, menu in self.menus.items()}
        for row in rows:
            assert row.walk_in_taken == self.walked_in(*names[row.id]) <= WALK_IN
            if row.code in QUOTAS:
                assert row.taken == self.sold(*names[row.id], row.code) <= row.quota

    @invariant()
    def orders_and_rights_are_what_the_model_has(self) -> None:
        if not self.people:
            return
        db.session.rollback()
        rows = {
            row.id: row
            for row in db.session.scalars(select(MealOrder).where(MealOrder.menu_id.in_(self.menus.values())))
        }
        assert set(rows) == {one.id for one in self.orders}
        for one in self.orders:
            assert rows[one.id].state == one.state
            if one.state in {"ordered", "collected"}:
                assert rows[one.id].pay_state == (one.money if one.pays else "void")
        live = db.session.execute(
            select(SubsidyClaim.resident_id, SubsidyClaim.day, SubsidyClaim.state).where(
                SubsidyClaim.resident_id.in_(self.people.values()), SubsidyClaim.state != "released"
            )
        ).all()
        wanted = [
            (self.people[one.who], self.day(one.day), "claimed" if one.state == "collected" else "reserved")
            for one in self.orders
            if one.right
        ]
        assert sorted(map(tuple, live)) == sorted(wanted)
        assert len({right[:2] for right in wanted}) == len(wanted)


@pytest.fixture
def machine(meals: Meals, clock: Clock) -> type[Machine]:
    for policy, most in (
        ("subsidies_week", WEEK_MOST),
        ("meal_orders", MEAL_MOST),
        ("walk_in", WALK_IN),
        ("two_people_fen", 500_000),
    ):
        set_policy(OPERATOR, meals.cast.district, f"canteen.{policy}", most, date(2026, 1, 1))
    Machine.meals, Machine.clock = meals, clock
    Machine.staff = db.session.scalars(select(Staff.id).order_by(Staff.id)).first() or 0
    Machine.weeks = enumerate(weeks_between_months())
    return Machine


def so_many(examples: int) -> settings:
    """Few in every run, and fewer on the slower database; many and others each time with `--all`."""
    few = db.engine.dialect.name == "postgresql" and not ALL
    return settings(
        max_examples=examples * 4 if ALL else examples // 3 if few else examples,
        stateful_step_count=30,
        deadline=None,
        database=None,
        derandomize=not ALL,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


def test_whatever_is_ordered_paid_and_eaten_the_books_agree(machine: type[Machine]) -> None:
    run_state_machine_as_test(machine, settings=so_many(20))


def test_whatever_becomes_of_the_meals_of_a_week_the_books_agree(machine: type[Machine]) -> None:
    """Single steps seldom come in the order of a day by themselves."""

    @so_many(12)
    @given(days=st.lists(st.tuples(PLANS, st.booleans()), min_size=4, max_size=4))
    def weeks(days: list[tuple[list[tuple[str, bool, str, str]], bool]]) -> None:
        week = machine()
        week.begin()
        for number, (plans, swaps) in zip(DAY_NUMBERS, days, strict=True):
            week.a_day(number, plans, swaps)
            week.everything_agrees()
        week.teardown()

    weeks()
