"""The front door of an area: what it offers to the rest of the house. `app.py` hands these on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core.approvals import ApprovalKind
from core.audit import Actor
from core.events import Listener
from core.figures import Measure
from core.files import FileKind
from core.imports import RegisterPart
from core.master import Master
from core.messages import MessageKind
from core.scheduler import Job
from core.sheets import Page


@dataclass(frozen=True, slots=True)
class Tile:
    """One door on the kiosk's home. Texts are already in the reader's language.

    area: colour and bookmark. big: one of the two large tiles. disabled_reason: why, if it cannot be used now.
    """

    area: str
    icon: str
    label: str
    note: str
    url: str
    big: bool = False
    art: str = ""
    disabled_reason: str = ""


@dataclass(frozen=True, slots=True)
class MyItem:
    """One line of a resident's day: a booking, a meal, a shift."""

    area: str
    starts_at: datetime
    when: str
    title: str
    note: str
    url: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One number on the staff's today page: `value` large, `label` below. roles: who may open `url`, or all."""

    value: str
    label: str
    url: str = ""
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that must not be forgotten today, above everything else on the page until it is done.

    level: `err` or `warn`. roles: who may open `url`; none: everybody.
    """

    title: str
    note: str
    url: str
    action: str
    level: str = "err"
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody who comes next, for the today page; the name is masked."""

    at: datetime
    name: str
    what: str
    note: str
    url: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a centre that may be closed by itself. has_rules: policies may be set for it alone."""

    code: str
    name: str
    has_rules: bool = True


@dataclass(frozen=True, slots=True)
class Outside:
    """Something that somebody counts on in a time that is not open. key: its own among all areas; the name is masked.

    then: what becomes of it when nobody does anything.
    """

    key: str
    at: datetime
    name: str
    when: str
    what: str
    then: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One row of the day's places on the today page: `bars` are (start, end, words)."""

    label: str
    url: str
    bars: Sequence[tuple[datetime, datetime, str]]


@dataclass(frozen=True, slots=True)
class Today:
    """What an area puts on the staff's today page of one centre."""

    figures: Sequence[Figure] = ()
    arrivals: Sequence[Arrival] = ()
    strips: Sequence[Strip] = ()
    alarms: Sequence[Alarm] = ()


@dataclass(frozen=True, slots=True)
class Paper:
    """What stands on a paper slip, in the reader's language: the same as on the screen's.

    big: what one says or looks for (a meal's number, a seat), under `label`. rows, sums: label and value. link: what
    the code on it leads to.
    """

    big: str
    title: str
    when: str
    rows: Sequence[tuple[str, str]]
    link: str
    label: str = ""
    sums: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of `doctor`: ok, what was looked at, and what to do where it is not."""

    ok: bool
    what: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Area:
    """What an area offers. Every callable takes ids, not rows, and runs in the caller's transaction.

    blueprints: residents' and staff's pages. tiles(centre): doors on the home. now(centre): lines «现在» on the home,
    as (when, title, note). places(centre): what of it can be closed by itself. card(centre): where a card that a phone
    reads begins; None: not here. desks: entries of the console's head. my_day(resident, from, to): what is in that
    time. proposals(resident, centre): what «我的» holds out to them besides, one tap from its last page. today(centre,
    day). outside(centre): what people count on and will find closed, as the hours stand now.
    search(words, unit ids) → results for staff. export(resident, zone) → sheets of the
    person's own copy.
    slip(code, page) shows what a code whose letter is in `slip_kind` stands for, slip_act(code, verb) acts on it.
    paper(code) is what a kiosk prints of it. policy: dataclass.
    approvals: what needs two people. masters: data with pages of its own. figures: numbers for reports. files: what
    may be handed in. register: columns of the residents' register. messages: what it tells people. api: its part of
    `/api/v1`.
    merge(actor, from, to): two records are one person, everything of the first becomes the second's.
    leave(actor, resident, why): somebody has moved away or died (`moved_away`, `deceased`): what is to come ends.
    """

    name: str
    blueprints: Sequence[Any] = ()
    tiles: Callable[[int], Sequence[Tile]] | None = None
    now: Callable[[int], Sequence[tuple[str, str, str]]] | None = None
    card: Callable[[int], str | None] | None = None
    desks: Sequence["Desk"] = ()
    jobs: Sequence[Job] = ()
    listeners: Sequence[Listener] = ()
    commands: Sequence[Any] = ()
    places: Callable[[int], Sequence[Place]] | None = None
    today: Callable[[int, date], Today] | None = None
    my_day: Callable[[int, datetime, datetime], Sequence[MyItem]] | None = None
    proposals: Callable[[int, int], Sequence[Tile]] | None = None
    outside: Callable[[int], Sequence[Outside]] | None = None
    search: Callable[[str, frozenset[int]], Sequence[MyItem]] | None = None
    export: Callable[[int, str], Sequence[Page]] | None = None
    slip: Callable[[str, str], Any] | None = None
    slip_act: Callable[[str, str], Any] | None = None
    slip_kind: str = ""
    paper: Callable[[str], Paper] | None = None
    doctor: Callable[[], Sequence[Check]] | None = None
    policy: type[Any] | None = None
    approvals: Sequence[ApprovalKind] = ()
    messages: Sequence[MessageKind] = ()
    api: Sequence[Any] = ()
    merge: Callable[[Actor, int, int], None] | None = None
    leave: Callable[[Actor, int, str], None] | None = None
    masters: Sequence[Master] = ()
    figures: Sequence[Measure] = ()
    files: Sequence[FileKind] = ()
    register: Sequence[RegisterPart] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """One entry in the console's head, for staff who hold one of `roles`. label: a lazy string."""

    area: str
    label: Any
    icon: str
    endpoint: str
    roles: frozenset[str]
