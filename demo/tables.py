"""One canteen's meals as scenes: somebody orders, comes to a window, or does not come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from random import Random

from sqlalchemy import select

from canteen.days import ServingDay
from canteen.models import MealOrder, SwapQuestion
from canteen.rules import Diet, Plate, conflicts, suits
from canteen.services.close import close_menu, finish_menu
from canteen.services.order import Wish, place
from canteen.services.serve import Scan, redeem
from core.audit import CLOCK, NOBODY, Actor
from core.database import db
from demo.meals import Kitchen
from demo.stage import Stage

WINDOWS = ("1号窗", "2号窗")
CLOCK_IS_LATE = timedelta(seconds=12)


@dataclass(slots=True)
class Diner:
    """Somebody of the story."""

    code: str
    id: int
    diet: Diet
    from_account: int = 0
    """So many meals they still pay from their account: it never falls short."""


@dataclass(slots=True)
class Told:
    """One order of the story, once it has been placed; 0 where nothing suited them."""

    id: int = 0


@dataclass(slots=True)
class Tables:
    """One canteen's meals and those who eat there."""

    stage: Stage
    kitchen: Kitchen
    diners: dict[str, Diner]
    desk: int
    random: Random
    plates: dict[int, list[Plate]]
    apart: frozenset[str]
    """Whose meals are told by name."""
    missing: list[Told] = field(default_factory=list)
    """Orders that nobody comes for."""
    kept: set[int] = field(default_factory=set)
    """Offers that those who are drawn leave to others."""
    _gone: dict[tuple[date, str], set[str]] = field(default_factory=dict)
    _scans: int = 0

    def minutes(self, least: int, most: int) -> timedelta:
        """Some minutes, for people are not clocks."""
        return timedelta(minutes=self.random.randint(least, most))

    def asked_at(self, day: ServingDay) -> datetime:
        """When somebody orders for a day: in the hours before its cutoff, or lately where that is still to come."""
        if day.cutoff_at <= self.stage.now:
            return day.cutoff_at - self.minutes(20, 400)
        return self.stage.now - self.minutes(4, 100)

    def orders(
        self,
        day: ServingDay,
        meal: str,
        code: str,
        offer: str = "",
        *,
        when: datetime | None = None,
        by: str = "",
    ) -> Told:
        """Somebody orders for themselves by phone or at the kiosk, or a relative (`by`) does for them."""
        told = Told()
        self._gone.setdefault((day.day, meal), set()).add(code)
        scene = partial(self._place, told, day.day, meal, self.diners[code], offer, by)
        self.stage.at(when or self.asked_at(day), scene)
        return told

    def _place(self, told: Told, day: date, meal: str, diner: Diner, wanted: str, by: str) -> None:
        offers = self.kitchen.offers[day, meal]
        offer = offers[wanted] if wanted else self._choose(diner, offers)
        if offer is None:
            return
        own = diner.from_account > 0 and not by
        diner.from_account -= own
        proxy = self.diners[by].id if by else None
        made = place(
            Actor("resident", proxy or diner.id),
            offer,
            diner.id,
            Wish("account" if own else "counter", confirmed=conflicts(self.plates[offer], diner.diet)),
            channel="family" if by else self.random.choice(("phone", "phone", "kiosk")),
            proxy_id=proxy,
        )
        told.id = made.id

    def _choose(self, diner: Diner, offers: Mapping[str, int]) -> int | None:
        """What suits them, of several that suit as well any one; set meals first. None where nothing suits."""
        sets = [offer for code, offer in offers.items() if code[0] in "LD"] or list(offers.values())
        score = {offer: suits(self.plates[offer], diner.diet) for offer in sets if offer not in self.kept}
        best = max(score.values())
        good = [offer for offer, points in score.items() if points == best]
        return self.random.choice(good) if best >= 0 else None

    def somebody(self, day: ServingDay, meal: str) -> str | None:
        """Somebody who does not eat there yet; None where all do."""
        gone = self._gone.setdefault((day.day, meal), set())
        free = [code for code in self.diners if code not in gone and code not in self.apart]
        if not free:
            return None
        code = self.random.choice(free)
        gone.add(code)
        return code

    def some_order(self, day: ServingDay, meal: str, many: int) -> list[Told]:
        """So many orders of people who are drawn."""
        people = [self.somebody(day, meal) for _n in range(many)]
        return [self.orders(day, meal, code) for code in people if code]

    def guest(self, day: ServingDay, offer: str, moment: datetime) -> Told:
        """Somebody whom nobody knows, at the kiosk; on the day itself it is a walk-in portion."""
        told = Told()
        self.stage.at(moment, lambda: self._guest(told, self.kitchen.offers[day.day, "lunch"][offer]))
        return told

    def _guest(self, told: Told, offer: int) -> None:
        told.id = place(NOBODY, offer, None, Wish(), channel="kiosk").id

    def closes(self, day: ServingDay) -> None:
        """At the cutoff the clock makes standing orders and draws sheets; after serving it sees who missed it."""
        for meal in day.meals:
            menu = self.kitchen.menus.get((day.day, meal))
            if menu:
                self.stage.at(day.cutoff_at + CLOCK_IS_LATE, partial(close_menu, CLOCK, menu))
                self.stage.at(day.missed_at(meal) + CLOCK_IS_LATE, partial(finish_menu, menu))

    def serves(self, day: ServingDay, meal: str, many: int) -> None:
        """So many times somebody comes to a window for what they have ordered."""
        span = day.meals[meal]
        last = int((span.end - span.start).total_seconds()) - 300
        for _n in range(many):
            moment = span.start + timedelta(seconds=self.random.randint(60, last))
            self.stage.at(moment, partial(self._serve_next, self.kitchen.menus[day.day, meal]))

    def _serve_next(self, menu_id: int) -> None:
        asked = select(SwapQuestion.order_id).where(SwapQuestion.answer.is_(None))
        query = (
            select(MealOrder.id)
            .where(
                MealOrder.menu_id == menu_id,
                MealOrder.state == "ordered",
                MealOrder.delivery.is_(False),
                MealOrder.id.not_in(asked),
                MealOrder.id.not_in([told.id for told in self.missing]),
            )
            .order_by(MealOrder.pick_up)
            .limit(1)
        )
        order = db.session.scalar(query)
        if order is not None:
            self.hand_out(order)

    def hand_out(self, order_id: int) -> None:
        """At one of the windows; whoever has not paid pays now."""
        redeem(
            self.desk,
            self.kitchen.id,
            order_id,
            self.scan(how=self.random.choice(("slip", "card", "number"))),
        )

    def scan(self, *, window: str = "", how: str = "slip", at: datetime | None = None) -> Scan:
        """A fresh scan. at: of a window that was offline then."""
        self._scans += 1
        key = f"demo-{self.kitchen.centre}-{self._scans}"
        return Scan(window or self.random.choice(WINDOWS), key, how=how, cash=True, at=at)
