"""Whole rooms for events, and appointments: what staff book."""

from datetime import datetime, time, timedelta
from functools import partial

from booking import queries
from booking.models import Space
from booking.opening import SpaceDay
from booking.services import book
from centres.places import WEEKDAYS
from core.clock import at
from core.intervals import Interval
from demo.files import Content
from demo.neighbours import Neighbours
from demo.stage import Stage
from demo.story import Story

EVENTS = {
    "hall": (
        (-1, "14:30", "16:30", "合唱队排练", 24),
        (0, "09:00", "10:30", "舞蹈队练习", 18),
        (0, "14:30", "16:30", "合唱队排练", 24),
        (1, "10:00", "11:30", "消防安全讲座", 45),
        (1, "15:00", "17:00", "居民议事会", 30),
        (2, "09:00", "12:00", "书画展布展", 12),
        (4, "14:30", "16:30", "合唱队排练", 24),
        (5, "09:30", "11:30", "防诈骗宣讲", 50),
    ),
    "parlour": (
        (-1, "10:00", "11:30", "读书会", 12),
        (0, "10:00", "11:30", "业委会会议", 9),
        (0, "15:00", "17:00", "邻里茶话会", 16),
        (1, "09:00", "10:30", "楼长碰头会", 11),
        (1, "14:30", "16:30", "读书会", 12),
        (3, "10:00", "12:00", "业委会会议", 9),
    ),
    "sg_room": (
        (-1, "14:00", "16:00", "棋友会", 10),
        (0, "10:00", "12:00", "剪纸班", 14),
        (0, "15:00", "17:00", "棋友会", 10),
        (1, "09:00", "11:00", "志愿者例会", 12),
        (2, "14:00", "16:00", "剪纸班", 14),
    ),
}
"""Space → (which open day: 0 is today or the next one, −1 the one before; from, to, title, people)."""
APPOINTMENTS = 3
"""For each practitioner and day on the roster."""
LATELY = timedelta(minutes=20)


def load_events(stage: Stage, space: Space, past: list[SpaceDay], coming: list[SpaceDay], desk: int) -> None:
    """The room's events, as far as the room is open then."""
    for which, begins, ends, title, party in EVENTS[space.code]:
        day = past[-which - 1] if which < 0 else coming[which]
        span = _span(day, begins, ends)
        if any(opening.contains(span) for opening in day.openings):
            moment = min(span.start - timedelta(days=4), stage.now - LATELY)
            stage.at(moment, partial(book.book_for, desk, space, None, span, title=title, party=party))


def load_appointments(
    stage: Stage, people: Neighbours, space: Space, row: Content, days: list[SpaceDay], desk: int
) -> None:
    """Some of each practitioner's times, booked at the desk."""
    units = {unit.code: unit for unit in queries.units(space.id)}
    services = {service["code"]: service for service in row["services"]}
    for day in days:
        for who, duty in _on_duty(row, day):
            service = services[duty["service"]]
            unit = units[who]
            for span in _times(people, _span(day, duty["start"], duty["end"]), service["minutes"]):
                person = people.take(day.day)
                if person is None or not any(opening.contains(span) for opening in day.openings):
                    continue
                story = Story(stage, person)
                story.asks_desk(_asked(stage, day), desk, space, unit, span, service["name_zh"])
                story.arrives(span.start - people.minutes(1, 9))
                story.leaves(span.end)


def _on_duty(row: Content, day: SpaceDay) -> list[tuple[str, Content]]:
    """(practitioner, line of the roster) for a day; a make-up workday follows the weekday named for it."""
    return [
        (one["code"], line)
        for one in row["practitioners"]
        for line in one["roster"]
        if WEEKDAYS.index(line["weekday"]) == day.kind.hours_of
    ]


def _times(people: Neighbours, duty: Interval, minutes: int) -> list[Interval]:
    length = timedelta(minutes=minutes)
    places = range(int((duty.end - duty.start) / length))
    chosen = sorted(people.random.sample(places, min(APPOINTMENTS, len(places))))
    return [Interval(duty.start + length * n, duty.start + length * (n + 1)) for n in chosen]


def _asked(stage: Stage, day: SpaceDay) -> datetime:
    """When they asked: the afternoon before, or just now."""
    return min(day.start - timedelta(hours=8), stage.now - LATELY)


def _span(day: SpaceDay, begins: str, ends: str) -> Interval:
    return Interval(*(at(day.day, time.fromisoformat(wall), day.zone) for wall in (begins, ends)))
