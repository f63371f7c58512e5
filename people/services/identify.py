"""Who is it: a phone number with a PIN, or its last four digits. Wrong tries count against all they could mean."""

from datetime import date, datetime

from flask_babel import gettext as _
from sqlalchemy import select

from centres.models import Centre
from centres.policies import policies
from core.clock import local_day, now
from core.database import db, unit_of_work
from core.errors import Refused
from core.words import clock_words
from people.models import Resident
from people.phones import tail_index, whole_index
from people.rules import KIOSK_TRIES, PIN_TRIES, PinPolicy
from people.services import throttles
from people.services.residents import pin_fits, spend_time_on


class BirthdayNeeded(Exception):
    """Two persons share the number and the PIN: the birth day decides."""


def by_index(index: bytes, district_id: int) -> list[Resident]:
    """Everybody of a district whose phone number has this blind index, oldest record first."""
    query = select(Resident).where(
        Resident.phone_index == index, Resident.lifecycle == "active", Resident.district_id == district_id
    )
    return list(db.session.scalars(query.order_by(Resident.id)))


def known_index(phone: str, district_id: int) -> bytes:
    """The blind index under which a number is known; while keys are rotated that may still be the old one."""
    indexes = whole_index(phone)
    return next((index for index in indexes if by_index(index, district_id)), indexes[0])


def by_tail(tail: str, among: list[int]) -> list[Resident]:
    """Those `among` some residents whose number ends in four digits."""
    query = select(Resident).where(
        Resident.phone_tail_index.in_(tail_index(tail)),
        Resident.lifecycle == "active",
        Resident.id.in_(among),
    )
    return list(db.session.scalars(query.order_by(Resident.id)))


def kiosk_tries(centre: Centre) -> int:
    """How many wrong PINs pause a machine of this centre today."""
    return policies(PinPolicy, "pins", centre.id, local_day(now(), centre.zone)).kiosk_tries


def check_pin(
    candidates: list[Resident],
    pin: str,
    kiosk: str,
    zone: str,
    birthday: tuple[int, int] | None,
    *,
    tries: int = KIOSK_TRIES,
) -> Resident:
    """The one candidate whose PIN this is. kiosk: what else a wrong try counts against (`device:2`, `phone:<address>`);
    tries: how many of those pause it.

    birthday: (month, day), once it was asked for. Raises `Refused`, or `BirthdayNeeded`. Call outside a unit of work.

    Who shares a number and chooses one PIN after another must not find out the other's: a try goes on counting against
    everybody it could mean, but for the one who gets in, also where it asks for the birth day.
    """
    meant = {f"resident:{person.id}": PIN_TRIES for person in candidates}
    paused = throttles.begin_try(kiosk, tries, meant)
    if kiosk in paused:
        raise _paused(_("这台机器上的密码输入先停一停"), paused[kiosk], zone)
    open_ones = [person for person in candidates if f"resident:{person.id}" not in paused]
    if candidates and not open_ones:
        raise _paused(_("密码输错的次数多了，先停一停"), max(paused.values()), zone)
    if not open_ones:
        spend_time_on(pin)
    fitting = [person for person in open_ones if pin_fits(person, pin)]
    if len(fitting) > 1 and birthday is None:
        throttles.take_back({kiosk: tries})
        raise BirthdayNeeded
    if birthday is not None:
        fitting = [person for person in fitting if _same_day(person.born, birthday)]
    if len(fitting) > 1:
        throttles.take_back({kiosk: tries, **{f"resident:{one.id}": PIN_TRIES for one in fitting}})
        raise Refused(
            "pin_shared",
            _("有两位的号码、密码和生日都一样"),
            _("您没有输错。请找工作人员看看，或者刷卡。"),
        )
    if not fitting:
        raise Refused(
            "pin_wrong",
            _("号码和密码对不上"),
            _("请再输一次。忘了也不要紧，刷卡或找工作人员都可以。"),
            status=422,
        )
    with unit_of_work():
        throttles.take_back({kiosk: tries})
        throttles.forget(f"resident:{fitting[0].id}")
    return fitting[0]


def _same_day(born: date, birthday: tuple[int, int]) -> bool:
    return (born.month, born.day) == birthday


def _paused(title: str, until: datetime, zone: str) -> Refused:
    text = _("%(time)s 以后可以再输。现在刷卡照常能用，也可以找工作人员。", time=clock_words(until, zone))
    return Refused("pin_paused", title, text, status=429)
