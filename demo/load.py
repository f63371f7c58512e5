"""Loads the demo into an empty database, all or nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import update

from booking.jobs import tidy
from core.clock import database_now, local_day
from core.database import db, unit_of_work
from core.events import Delivery
from demo.bookings import load_bookings
from demo.diners import load_diners, load_standing
from demo.kitchen import load_kitchen
from demo.lunches import load_lunches
from demo.meals import load_catalogue, load_menus
from demo.people import begin_hashing, end_lives, give_pins, load_people
from demo.places import load_places
from demo.staff import load_staff
from demo.stage import ZONE, Stage, clock_at

HASHERS = 2
Say = Callable[[str], object]


def load_demo(say: Say) -> None:
    """The demo as of this minute. Nothing that happened in it is news: no message of it is sent."""
    with ThreadPoolExecutor(HASHERS) as pool, unit_of_work():
        stage = Stage(database_now())
        hashes = begin_hashing(pool, stage.today)
        with clock_at(stage.opened):
            say("Demo: places …")
            load_places(local_day(stage.opened, ZONE), stage.today)
            dishes = load_catalogue()
            say("Demo: people …")
            staff = load_staff()
            residents = load_people(stage)
            db.session.flush()
        load_diners(stage, residents, staff)
        load_standing(stage, residents)
        end_lives(residents)
        db.session.flush()
        say("Demo: bookings and meals …")
        load_bookings(stage, residents, staff)
        kitchens = load_menus(stage, dishes, staff)
        load_lunches(stage, kitchens, residents, staff)
        load_kitchen(stage, kitchens)
        scenes = stage.play()
        with clock_at(stage.now):
            tidy()
            db.session.execute(
                update(Delivery).where(Delivery.done_at.is_(None)).values(done_at=database_now())
            )
        give_pins(residents, hashes)
    say(f"Demo: {len(residents)} residents, {len(staff)} members of staff, {scenes} scenes of their days.")
