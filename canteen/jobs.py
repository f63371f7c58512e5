"""What the clock does for the canteen. Each may run twice without harm."""

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from canteen.models import Canteen
from canteen.services.close import close_due
from canteen.services.ledger import check_sums
from canteen.services.plan import retime
from core.database import db
from core.scheduler import Job


def follow_calendar() -> int:
    """Menus whose moments were made under other settings are timed anew. Returns how many."""
    canteens = db.session.scalars(select(Canteen).options(joinedload(Canteen.centre))).all()
    return sum(retime(canteen) for canteen in canteens)


JOBS = [
    Job("canteen.follow_calendar", IntervalTrigger(seconds=30, timezone="UTC"), follow_calendar),
    Job("canteen.close_due", IntervalTrigger(seconds=15, timezone="UTC"), close_due),
    Job("canteen.check_sums", CronTrigger(hour=18, timezone="UTC"), check_sums),
]
