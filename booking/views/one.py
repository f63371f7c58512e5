"""One booking: the slip, what comes next, and what can be done with it. And «签到»."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Response, current_app, render_template, request
from flask_babel import gettext as _

from booking import queries
from booking.models import Booking
from booking.queries import place_words, state_now, unit_words
from booking.rules import is_late_cancel
from booking.services import attend
from booking.views.root import base, blueprint
from centres.models import Centre
from core.area import Paper
from core.audit import Actor
from core.clock import day_bounds, local_day, now
from core.codes import show_number
from core.errors import Alternative, NotFound, Refused
from core.http import once, page_asked, personal, repeatable, see_other, with_next
from core.i18n import pick
from core.qr import qr_svg
from core.words import clock_words, date_words, full_day, inside, masked, near_day, sentences, span_words
from kiosk.forms import digits
from kiosk.session import actor, at_kiosk, device, known_visit, load_centre, paper_panel, shown_name
from people.services.identify import BirthdayNeeded, by_tail, check_pin, kiosk_tries
from people.services.tell import not_before, way_to


def slip_of(booking: Booking, *, named: bool) -> dict[str, Any]:
    """What a slip shows and what is printed: the same. The name only where this screen may show it."""
    zone = booking.centre.zone
    today = local_day(now(), zone)
    rows = [
        {"label": _("地方"), "value": _("%(n)s楼%(name)s", n=booking.space.floor, name=booking.space.name)},
        {"label": _("日期"), "value": date_words(booking.local_day)},
    ]
    if named and booking.resident is not None:
        rows.append({"label": _("姓名"), "value": masked(booking.resident.name)})
    rows.append({"label": _("预约号"), "value": show_number(booking.number)})
    link = f"{current_app.config['PUBLIC_URL']}/q/{booking.code}"
    return {
        "title": unit_words(booking),
        "when": f"{near_day(booking.local_day, today)} {span_words(booking.starts_at, booking.ends_at, zone)}",
        "rows": rows,
        "link": link,
        "qr": qr_svg(link),
    }


def _own(code: str, number: str) -> tuple[Centre, Booking]:
    """The booking of the address, if it is the visitor's own. By card alone at a kiosk: today's and tomorrow's."""
    centre = load_centre(code)
    booking, found = queries.booking_by_number(number), known_visit()
    if found is None:
        raise Refused(
            "who",
            _("请先让我们认识您"),
            _("刷卡或用手机号都可以。"),
            status=403,
            alternatives=[Alternative(_("刷卡或用手机号"), with_next(f"/c/{code}/identify/", page_asked()))],
        )
    if booking is None or booking.resident_id != found.resident_id or booking.centre_id != centre.id:
        raise NotFound(_("没有找到这个预约"), _("可能是别人的，或号码不对。请在“我的”里看看。"))
    if found.level != "pin":
        today = local_day(now(), centre.zone)
        if not today <= booking.local_day <= today + timedelta(days=7):
            raise Refused(
                "pin_needed",
                _("看这一条要输密码"),
                _("刷卡或手机号以后，再输密码。"),
                status=403,
                alternatives=[Alternative(_("输密码"), with_next(f"/c/{code}/identify/pin", page_asked()))],
            )
    return centre, booking


@blueprint.get("/b/<number>/done")
def done(code: str, number: str) -> Any:
    """«约好了»: the slip and what comes next; an undo while its seconds last."""
    centre, booking = _own(code, number)
    moment, zone = now(), centre.zone
    state = state_now(booking, moment)
    if state not in {"booked", "in_use"}:
        return see_other(f"{base(centre)}/b/{number}/")
    today = local_day(moment, zone)
    near = near_day(booking.local_day, today)
    left = int((booking.undo_until - moment).total_seconds())
    window = f"{clock_words(booking.check_in_from, zone)}", f"{clock_words(booking.check_in_until, zone)}"
    if state == "in_use":
        lines = [_("已经给您签到了，请入座。"), _("拍下二维码，走的时候也能用。")]
        steps = [
            {
                "title": _("坐到 %(time)s", time=clock_words(booking.ends_at, zone)),
                "note": _("%(seat)s 一直给您留着", seat=unit_words(booking)),
            },
            {"title": _("要早走？"), "note": _("在“我的”里按“我走了”，座位让给别人")},
        ]
    else:
        lines = [_("请拍下二维码，或记住预约号。"), _("没拍到也不要紧，刷卡一样能签到。")]
        steps = [
            {
                "title": _(
                    "%(day)s %(from)s 到 %(to)s 来签到", day=near, **{"from": window[0], "to": window[1]}
                ),
                "note": _("刷卡，或扫这张小票，或告诉前台"),
            },
            _cancel_step(booking, centre, zone),
        ]
        steps[:0] = _message_step(booking, zone)
    return personal(
        render_template(
            "booking/finished.html",
            finished_lines=lines,
            slip=slip_of(booking, named=shown_name() is not None),
            next_steps_rows=steps,
            undo={"url": f"{base(centre)}/b/{number}/undo", "seconds": left} if left > 0 else None,
            paper=paper_panel(booking.code),
            mine_url=f"/c/{code}/my/",
            back_url=f"{base(centre)}/b/{number}/",
        )
    )


def _cancel_step(booking: Booking, centre: Centre, zone: str) -> dict[str, str]:
    if booking.free_cancel_until < now():
        return {
            "title": _("不来了？请马上按“撤销”"),
            "note": _("离开始很近了，再晚取消会记作“订了没来”"),
        }
    today = local_day(booking.free_cancel_until, zone)
    when = f"{near_day(today, local_day(now(), zone))} {clock_words(booking.free_cancel_until, zone)}"
    return {
        "title": _("不来了？%(when)s 前取消", when=inside(when)),
        "note": _("在“我的”里取消，或打 %(phone)s", phone=centre.phone),
    }


def _message_step(booking: Booking, zone: str) -> list[dict[str, str]]:
    """The message that will really go out, and when: consent, what is set up and the quiet hours decide."""
    way = way_to(booking.resident) if booking.resident else None
    quiet = not_before(booking.centre, booking.booked_at)
    when = clock_words(quiet or booking.booked_at, zone)
    if quiet:
        when = f"{near_day(local_day(quiet, zone), local_day(now(), zone))} {when}"
    if way is not None and way.channel == "email":
        return [{"title": _("%(time)s 发邮件给您", time=when), "note": _("邮件里有预约号和时间")}]
    if way is not None and way.channel == "sms":
        return [{"title": _("%(time)s 发短信给您", time=when), "note": _("短信里有预约号和时间")}]
    return []


@blueprint.get("/b/<number>/")
def one(code: str, number: str) -> Response:
    """One booking of one's own."""
    centre, booking = _own(code, number)
    return personal(
        _page(booking, f"{base(centre)}/b/{number}", f"/c/{code}/my/", named=shown_name() is not None)
    )


def _page(booking: Booking, act: str, back: str, *, named: bool) -> str:
    """The page of a booking; `act`: where its forms go."""
    moment, zone = now(), booking.centre.zone
    state = state_now(booking, moment)
    inside = booking.check_in_from <= moment <= booking.check_in_until
    today = local_day(moment, zone)
    words = {
        "booked": _("订好了"),
        "in_use": _("您正在用"),
        "over": _("已经结束了"),
        "left": _("您已经走了，座位让给别人了"),
        "cancelled": _("已经取消了"),
        "no_show": _("签到的时间过了，座位让给别人了"),
    }
    note = ""
    if state == "booked":
        span = f"{clock_words(booking.check_in_from, zone)}–{clock_words(booking.check_in_until, zone)}"
        note = _("%(window)s 签到", window=span)
    elif state == "cancelled" and booking.reason:
        note = _("原因：%(reason)s", reason=booking.reason)
    when = f"{full_day(booking.local_day, today)} {span_words(booking.starts_at, booking.ends_at, zone)}"
    return render_template(
        "booking/booking.html",
        state_text=words[state],
        state_kind={"booked": "", "in_use": "ok", "no_show": "warn"}.get(state, ""),
        heading_text=booking.space.name,
        lead_lines=[line for line in (when, note) if line],
        slip=slip_of(booking, named=named),
        message=None,
        check_in_url=f"{act}/check-in" if state == "booked" and inside else None,
        sign_out_url=f"{act}/leave" if state == "in_use" else None,
        cancel_url=f"{act}/cancel" if state == "booked" else None,
        back_url=back,
    )


@blueprint.get("/b/<number>/cancel")
def cancel_page(code: str, number: str) -> Response:
    """Names what is lost, and asks once more."""
    centre, booking = _own(code, number)
    return personal(_cancel_page(booking, f"{base(centre)}/b/{number}"))


def _cancel_page(booking: Booking, act: str) -> Any:
    moment, zone = now(), booking.centre.zone
    if state_now(booking, moment) != "booked":
        return see_other(f"{act}/" if not act.startswith("/q/") else act)
    late = is_late_cancel(booking.free_cancel_until, booking.undo_until, moment)
    today = local_day(moment, zone)
    keep = act if act.startswith("/q/") else f"{act}/"
    rows = [
        {"label": _("地方"), "value": booking.space.name},
        {"label": _("座位"), "value": unit_words(booking)},
        {
            "label": _("时间"),
            "value": span_words(booking.starts_at, booking.ends_at, zone),
            "note": full_day(booking.local_day, today),
        },
    ]
    early = _("现在取消不要紧，当天的次数也还给您。")
    return render_template(
        "booking/cancel.html",
        answers_rows=rows,
        loss_text=_("离开始很近了，这次会记作“订了没来”。") if late else early,
        late=late,
        keep_url=keep,
        cancel_url=f"{act}/cancel",
        back_url=keep,
    )


VERBS: dict[str, Callable[[Actor, int], Booking]] = {
    "check-in": attend.check_in,
    "leave": attend.leave,
    "undo": attend.undo,
    "cancel": attend.cancel,
}


@blueprint.post("/b/<number>/<verb>")
@once
def act(code: str, number: str, verb: str) -> Response:
    """Check in, leave, undo, cancel: one's own booking."""
    centre, booking = _own(code, number)
    done_to = _do(actor(), booking, verb)
    return see_other(f"{base(centre)}/b/{done_to.number}/")


def _do(who: Actor, booking: Booking, verb: str) -> Booking:
    deed = VERBS.get(verb)
    kiosk = device()
    if deed is None:
        raise NotFound(_("这一页没有找到"))
    if verb == "check-in" and kiosk is not None and kiosk.centre_id != booking.centre_id:
        raise _elsewhere(booking)
    try:
        return deed(who, booking.id)
    except Refused as refusal:
        refusal.alternatives = [
            Alternative(_("看看还有什么座位"), f"{base(booking.centre)}/"),
            Alternative(_("回到我的安排"), f"/c/{booking.centre.code}/my/"),
        ]
        raise


def _elsewhere(booking: Booking) -> Refused:
    """Before a kiosk of another centre nobody has arrived."""
    address = pick(booking.centre.address_zh, booking.centre.address_en)
    return Refused(
        "other_centre",
        _("这张小票是%(centre)s的", centre=booking.centre.name),
        _("请到那里签到。地址：%(address)s", address=address),
    )


def show_slip(code: str, page: str = "") -> Any:
    """What `/q/B…` shows: this one booking, nothing else of the person. page: `cancel` asks once more."""
    booking, kiosk = _by_code(code), device()
    if page == "cancel":
        return _cancel_page(booking, f"/q/{code}")
    back = "/kiosk/" if kiosk else f"/c/{booking.centre.code}/"
    return _page(booking, f"/q/{code}", back, named=at_kiosk())


def _by_code(code: str) -> Booking:
    """The booking of a slip; a kiosk shows none of another centre."""
    booking, kiosk = queries.booking_by_code(code), device()
    if booking is None:
        raise NotFound(_("没有找到这张小票"), _("可能太久了。请找工作人员。"))
    if kiosk is not None and kiosk.centre_id != booking.centre_id:
        raise _elsewhere(booking)
    return booking


def paper_of(code: str) -> Paper:
    """What a kiosk prints: the slip, and when to check in. Only while it is to come or in use."""
    booking = _by_code(code)
    moment, zone = now(), booking.centre.zone
    state = state_now(booking, moment)
    if state not in {"booked", "in_use"}:
        raise Refused("not_printed", _("这一次已经用过或取消了"), _("不用再打小票。"))
    slip = slip_of(booking, named=at_kiosk())
    notes = [_("走的时候扫一下，座位让给别人")]
    if state == "booked":
        window = clock_words(booking.check_in_from, zone), clock_words(booking.check_in_until, zone)
        day = near_day(booking.local_day, local_day(moment, zone))
        notes = [
            _("%(day)s %(from)s 到 %(to)s 来签到", day=day, **{"from": window[0], "to": window[1]}),
            _("刷卡，或扫这张小票，或告诉前台"),
        ]
    return Paper(
        big=slip["title"],
        title="",
        when=slip["when"],
        rows=[(row["label"], row["value"]) for row in slip["rows"]],
        notes=notes,
        link=slip["link"],
    )


def act_on_slip(code: str, verb: str) -> Response:
    """Check in, leave or cancel with the slip's code."""
    booking = queries.booking_by_code(code)
    if booking is None or verb == "undo":
        raise NotFound(_("没有找到这张小票"))
    _do(actor(), booking, verb)
    return see_other(f"/q/{code}")


@blueprint.get("/check-in/")
def check_in_page(code: str) -> Any:
    """«签到»: scan a card or a slip; or four digits and the PIN; or what the visitor may check in for now."""
    centre = load_centre(code)
    found = known_visit()
    here = f"{base(centre)}/check-in/"
    home = "/kiosk/" if at_kiosk() else f"/c/{code}/"
    if found is None or found.resident_id is None:
        if not at_kiosk():
            return see_other(with_next(f"/c/{code}/identify/", here))
        return render_template("booking/check_in.html", scan_next=here, tail_url=f"{here}tail", back_url=home)
    moment = now()
    open_now = queries.to_check_in(found.resident_id, centre.id, moment)
    if len(open_now) == 1:
        return see_other(f"{base(centre)}/b/{open_now[0].number}/")
    start = day_bounds(local_day(moment, centre.zone), centre.zone)[0]
    later = queries.bookings_of(found.resident_id, start, start + timedelta(days=2))
    return personal(
        render_template(
            "booking/check_in_list.html",
            items=[_line(booking, centre) for booking in (open_now or later)[:5]],
            open_now=bool(open_now),
            book_url=f"{base(centre)}/",
            back_url=home,
        )
    )


def _line(booking: Booking, centre: Centre) -> dict[str, str]:
    today = local_day(now(), centre.zone)
    window = span_words(booking.check_in_from, booking.check_in_until, centre.zone)
    return {
        "label": place_words(booking),
        "note": _("%(day)s %(window)s 签到", day=near_day(booking.local_day, today), window=window),
        "url": f"{base(centre)}/b/{booking.number}/",
    }


def _tail_page(centre: Centre, tail: str, refusal: Refused | None = None) -> Response:
    """Four digits first, then the PIN: one question a page. After a refusal the sentence stands at the field."""
    here = f"{base(centre)}/check-in/"
    html = render_template(
        "booking/tail.html",
        asking="pin" if tail else "tail",
        tail=tail,
        action_url=f"{here}tail",
        error=sentences(refusal.title, refusal.text) if refusal else None,
        here=f"{here}tail",
        back_url=f"{here}tail" if tail else here,
    )
    response = personal(html)
    response.status_code = refusal.status if refusal else 200
    return response


@blueprint.get("/check-in/tail")
def tail_page(code: str) -> Response:
    """Asks for the last four digits of the phone and the PIN. Only at a kiosk."""
    centre = load_centre(code)
    if not at_kiosk():
        return see_other(f"{base(centre)}/check-in/")
    return _tail_page(centre, "")


@blueprint.post("/check-in/tail")
@repeatable
def check_in_by_tail(code: str) -> Response:
    """Four digits and the PIN check in, and show nothing else."""
    centre = load_centre(code)
    kiosk = device()
    if kiosk is None or kiosk.centre_id != centre.id:
        raise Refused("not_a_kiosk", _("这样签到只能在本中心的一体机上"), status=403)
    try:
        tail = digits(request.form.get("tail", ""), 4, 4)
    except Refused as refusal:
        return _tail_page(centre, "", refusal)
    if "pin" not in request.form:
        return _tail_page(centre, tail)
    try:
        pin = digits(request.form["pin"], 4, 6)
        expected = queries.residents_expected(centre.id, now())
        person = check_pin(
            by_tail(tail, expected), pin, f"device:{kiosk.id}", centre.zone, None, tries=kiosk_tries(centre)
        )
    except BirthdayNeeded:
        ways = [Alternative(_("刷卡或扫小票"), f"{base(centre)}/check-in/")]
        text = _("有两位街坊号码和密码都一样，请刷卡或找工作人员。")
        raise Refused("tail_shared", _("请换个办法签到"), text, alternatives=ways) from None
    except Refused as refusal:
        return _tail_page(centre, tail, refusal)
    open_now = queries.to_check_in(person.id, centre.id, now())
    if not open_now:
        raise Refused("nothing_to_check_in", _("现在没有要签到的"), _("签到的时间可能刚过。请找工作人员。"))
    booking = attend.check_in(Actor("resident", person.id), open_now[0].id)
    return personal(
        render_template(
            "booking/checked_in.html",
            seat=unit_words(booking),
            space_name=booking.space.name,
            until=clock_words(booking.ends_at, centre.zone),
        )
    )
