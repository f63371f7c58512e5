"""What the kitchen writes down, and who brings the meals round."""

from datetime import time, timedelta
from functools import partial

from sqlalchemy import select

from canteen.days import ServingDay
from canteen.desk_queries import workers_of
from canteen.master import WORKERS
from canteen.models import Canteen, FoodSample, MealOrder, OfferDish, Run
from canteen.morning import ITEMS
from canteen.services import runs
from canteen.services.samples import check_morning, discard_sample, take_sample
from core.audit import Actor
from core.clock import at, database_now, local_day
from core.database import db
from core.master import create
from demo.meals import Kitchen
from demo.stage import ZONE, Stage
from demo.tables import Tables

HIRED, CHECKED, DRAWN, DISCARDED = time(6, 0), time(6, 40), time(11, 12), time(15, 30)
PLANNED_AT, LEAVES, AT_A_DOOR = time(8, 30), time(11, 20), timedelta(minutes=8)
LATELY = 3
"""Of so many of the last serving days the samples are told."""
CREW = {"何伟": 210, "罗小琴": 150, "梁志明": 300}
"""Who cooks, and in how many days their certificate ends; nobody's while the demo is looked at."""
GRAMS, DEGREES = 150, {"fridge": 38, "freezer": -182, "sample_fridge": 41}
ROUND, BY = "一号线", "林志远"


def load_kitchen(stage: Stage, kitchens: dict[str, Kitchen]) -> None:
    """Collect the scenes: who cooks, the morning check of each day, food samples of the last lunches, discarded in
    time."""
    for kitchen in kitchens.values():
        first = next(iter([*kitchen.past, *kitchen.today]), None)
        if first is not None:
            stage.at(at(first.day, HIRED, ZONE), partial(_crew, kitchen))
        for day in [*kitchen.past, *kitchen.today]:
            stage.at(at(day.day, CHECKED, ZONE), partial(_check, kitchen))
        for day in [*kitchen.past[-LATELY:], *kitchen.today]:
            stage.at(at(day.day, DRAWN, ZONE), partial(_samples, kitchen, day))
            stage.at(at(day.day, DISCARDED, ZONE), partial(_discard, kitchen))
        stage.at(stage.now - timedelta(minutes=9), partial(_discard, kitchen))


def _crew(kitchen: Kitchen) -> None:
    """Those who work there, by whoever leads the kitchen; their certificates end some months from the demo's day."""
    today = local_day(database_now(), ZONE)
    for name, days in CREW.items():
        values = {"name": name, "certificate_until": today + timedelta(days=days)}
        create(Actor("staff", kitchen.cook), WORKERS, kitchen.id, values, today=today)


def _check(kitchen: Kitchen) -> None:
    """One has cut a finger and wears a glove; one has the day off."""
    found = {item.code: DEGREES.get(item.code, True) for item in ITEMS}
    crew = workers_of(kitchen.id)
    people = {one.id: "wound" if n == 1 else "off" if n == 2 else "well" for n, one in enumerate(crew)}
    check_morning(kitchen.cook, db.session.get_one(Canteen, kitchen.id), found, "", people)


def _samples(kitchen: Kitchen, day: ServingDay) -> None:
    offers = [offer for code, offer in kitchen.offers[day.day, "lunch"].items() if code[0] == "L"]
    query = select(OfferDish.dish_id).where(OfferDish.offer_id.in_(offers)).distinct()
    for dish in sorted(db.session.scalars(query)):
        take_sample(kitchen.cook, kitchen.menus[day.day, "lunch"], dish, GRAMS)


def _discard(kitchen: Kitchen) -> None:
    """What has been kept for 48 hours."""
    query = select(FoodSample).where(
        FoodSample.menu_id.in_(kitchen.menus.values()), FoodSample.discarded_at.is_(None)
    )
    for sample in db.session.scalars(query.order_by(FoodSample.id)).all():
        if sample.keep_until <= database_now():
            discard_sample(kitchen.cook, kitchen.id, sample.id)


def load_round(tables: Tables, day: ServingDay, carrier: int) -> None:
    """A round of the day's lunch: planned in the morning, brought from 11:20 on, door by door."""
    leaves = at(day.day, LEAVES, ZONE)
    told: list[int] = []

    def plan() -> None:
        query = select(MealOrder.id).where(
            MealOrder.menu_id == tables.kitchen.menus[day.day, "lunch"],
            MealOrder.state == "ordered",
            MealOrder.delivery.is_(True),
        )
        orders = db.session.scalars(query.order_by(MealOrder.id)).all()
        if orders:
            menu = tables.kitchen.menus[day.day, "lunch"]
            made = runs.plan_run(
                Actor("staff", tables.desk), menu, ROUND, orders, runs.Carrier(BY, resident_id=carrier)
            )
            told.append(made.id)

    def go() -> None:
        for run in told:
            runs.set_out(run)

    def come_to_door() -> None:
        for run in told:
            stop = runs.next_stop(db.session.get_one(Run, run))
            if stop is not None:
                runs.hand_over(run, stop.id, tables.scan().key, taken_by="self", cash=True)

    def back() -> None:
        for run in told:
            runs.finish_run(None, run)

    tables.stage.at(at(day.day, PLANNED_AT, ZONE), plan)
    tables.stage.at(leaves, go)
    for n in range(1, 4):
        tables.stage.at(leaves + n * AT_A_DOOR, come_to_door)
    tables.stage.at(leaves + 5 * AT_A_DOOR, back)
