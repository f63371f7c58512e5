"""The pick-up window on a tablet: scan, hand out, take back, call; and what it sends in after it was offline."""

from datetime import timedelta
from typing import Any

from flask import Response, current_app, jsonify, render_template, request, session
from flask_babel import gettext as _

from canteen import counter_queries as queries
from canteen.counter_words import dish_words, kind_words, order_words, wish_words
from canteen.desk.root import base, blueprint, load_canteen
from canteen.models import MealOrder, Menu, Redemption
from canteen.services import reconcile
from canteen.services import window as service
from canteen.services.answer import open_questions
from canteen.services.serve import Answer, Scan, may_undo, undo
from canteen.words import MEALS, TEXTURES, conflict_words
from centres.models import Centre
from core.clock import local_day, now
from core.codes import KINDS, LENGTH, new_token, show_number
from core.errors import NotFound, Refused
from core.http import code_reader, not_modified, once, personal, repeatable, row_number, see_other
from core.money import yuan
from core.versions import version, versions
from core.words import span_words
from people.access import actor, grants_roles, polling, require, signed_in
from people.rules import DESK, MANAGERS

SERVE = frozenset({"kitchen", "front_desk", "manager", "supervisor"})
"""Who stands at the window."""
NAME_MOST = 12
SUGGESTED = (1, 2, 3)


def window_name() -> str:
    """How this tablet's window is called; chosen once, kept in the session."""
    return str(session.get("window", ""))


@blueprint.get("/window")
@require(SERVE)
def window(centre: Centre) -> Any:
    """The window's page; first its name is chosen. `?kept`: as its worker keeps it, without the figures of the meal."""
    load_canteen(centre)
    if not window_name() or "rename" in request.args:
        names = [_("%(n)d号窗", n=n) for n in SUGGESTED]
        return render_template(
            "canteen/desk_window_name.html", names=names, name_url=f"{base(centre)}/window/name"
        )
    return personal(_page(centre))


@blueprint.post("/window/name")
@require(SERVE)
@once
def name_window(centre: Centre) -> Response:
    """Which window this tablet is."""
    name = (request.form.get("own", "").strip() or request.form.get("name", "").strip())[:NAME_MOST]
    if not name:
        raise Refused("window_unnamed", _("请选这是几号窗"), _("也可以自己写一个名字。"), status=422)
    session["window"] = name
    return see_other(f"{base(centre)}/window")


def _page(centre: Centre, answer: Answer | None = None, key: str = "") -> str:
    shown = _answer(centre, answer, key) if answer else None
    url = f"{base(centre)}/window"
    return render_template(
        "canteen/desk_window.html",
        window=window_name(),
        answer=shown,
        key=new_token(),
        words=_script_words(),
        kept="kept" in request.args,
        worker_url=f"{url}/worker.js",
        reader_url=f"{url}/reader.js",
        scan_url=f"{url}/scan",
        undo_url=f"{url}/undo",
        list_url=f"{url}/list",
        batch_url=f"{url}/batch",
        live_url=f"{url}/live",
        window_url=url,
        **_side(centre),
    )


def _script_words() -> dict[str, Any]:
    """What the window's script says by itself while the line is down."""
    return {
        "colours": {colour: kind_words(colour) for colour in ("green", "amber", "red")},
        "textures": {code: str(word) for code, word in TEXTURES.items() if code != "regular"},
        "lowSalt": _("低盐"),
        "ok": _("{n} 号，可以发餐"),
        "pay": _("请收 {sum}"),
        "payText": _("收好钱再发餐。"),
        "paid": _("收了 {sum}，发餐"),
        "ask": _("换了菜，先问一问"),
        "askText": _("等网络回来再发。急的话请叫主任。"),
        "away": _("已经送出去了"),
        "awayText": _("这一份在送餐的人手里。要在这里发，请先给送餐的人打个电话，免得多跑一趟。"),
        "awayDeed": _("打过电话了，在这里发"),
        "already": _("已经取过了"),
        "alreadyText": _("网络回来可以看是几点、在哪里取的。"),
        "here": _("刚才在本机取过了"),
        "hereText": _("这一份是这台平板刚发的，网络回来自动送出。"),
        "forged": _("不是我们的码"),
        "forgedText": _("请看看小票，或问居民的取餐号。"),
        "cut": _("没有扫全"),
        "cutText": _("请把整个码对准，再扫一次。"),
        "card": _("没有网络时认不出卡"),
        "cardText": _("请问居民的取餐号，或扫取餐小票。"),
        "codes": {"kinds": "".join(KINDS), "length": LENGTH},
        "cancelled": _("这份已经取消了"),
        "failed": _("这一餐没有做成"),
        "wrong_day": _("是{day}的"),
        "wrong_dayText": _("今天不能发这一份。"),
        "wrong_meal": _("不是这一餐的"),
        "late": _("取餐时间过了"),
        "unknown": _("本机没有这一张"),
        "unknownText": _("请看小票上的日期；网络回来再扫一次。"),
        "noList": _("本机还没有今天的名单，等网络回来再扫。"),
        "stale": _("本机的名单是{day}的，今天不能用"),
        "staleText": _(
            "平板今天还没有连上过网络，不知道今天谁订了餐。请接好网络，名单自己会换新；急的话请叫主任。"
        ),
        "queued": _("记了 {n} 份，网络回来自动送出。"),
        "sentOk": _("{n} 号：记好了"),
        "sentOdd": _("{n} 号：{title}。{text}"),
        "wrong": _("刚才没办成，请再扫一次"),
        "later": _("这一步要等网络回来"),
        "laterText": _("撤回和换菜要连着网络才能办。"),
    }


def _side(centre: Centre) -> dict[str, Any]:
    """What stands beside the scanner: the meal, how far it is, who was called."""
    menu = queries.menu_now(centre.id, centre.zone, now())
    if menu is None:
        return {
            "menu": None,
            **_review_side(centre),
        }
    many = queries.tally(menu.id)
    url = f"{base(centre)}/window"
    return {
        "menu": {
            "name": MEALS[menu.meal],
            "span": span_words(menu.serves_from, menu.serves_until, centre.zone),
            "failed": menu.state == "failed",
        },
        "served": many.get("collected", 0) + many.get("delivered", 0),
        "left": many.get("ordered", 0),
        "uncalled": queries.uncalled(menu.id),
        "called": queries.called(menu.id),
        "call_url": f"{url}/call",
        "orders_url": f"{base(centre)}/orders",
        "board_url": f"/board/{centre.code}",
        **_review_side(centre),
    }


def _review_side(centre: Centre) -> dict[str, Any]:
    """How many wait to be looked at, and the way there for those who look; the kitchen is told whom to ask."""
    return {
        "review_many": queries.to_review(centre.id),
        "review_url": f"{base(centre)}/review" if _sells(centre) else None,
    }


@blueprint.get("/window/live")
@polling
@require(SERVE)
def window_live(centre: Centre) -> Any:
    """The side alone, for the poll: 304 while nothing has changed."""
    minute = int(now().timestamp()) // 60
    fresh = not_modified(f"window:{version(f'today:{centre.id}')}:{minute}")
    return fresh or render_template("canteen/_desk_window_side.html", **_side(centre))


# --- scanning -------------------------------------------------------------------------------------------------------


@blueprint.post("/window/scan")
@require(SERVE)
@repeatable
def scan(centre: Centre) -> Any:
    """One scan. It carries a key of its own: sent twice it is one."""
    form = request.form
    by = form.get("by", type=row_number)
    given = Scan(_window(), _key(), _how(), cash=form.get("cash") == "1", here=_here(), by=by)
    answer = service.scan(signed_in().id, centre, form.get("payload", ""), given)
    return _show(centre, answer, given.key)


@blueprint.post("/window/answer")
@require(SERVE)
@repeatable
def answer_at_window(centre: Centre) -> Any:
    """A dish was swapped and the person says whether they still want it. Yes goes on where the scan stopped."""
    order = _order(centre, request.form.get("payload", ""))
    wanted = request.form.get("answer", "")
    key, by = _key(), request.form.get("by", type=row_number)
    service.answer(actor(), order, wanted, by)
    if wanted == "cancel":
        gone = Answer("cancelled", _("退好了"), order_words(order), order)
        return _show(centre, gone, key)
    given = Scan(_window(), key, _how(), by=by)
    return _show(centre, service.scan(signed_in().id, centre, order.number, given), key)


@blueprint.post("/window/undo")
@require(SERVE)
@once
def undo_at_window(centre: Centre) -> Any:
    """Handed out by mistake: back, with a reason."""
    row = _redemption(centre, request.form.get("redemption", ""))
    reason = request.form.get("other", "").strip() or request.form.get("reason", "")
    order = undo(signed_in().id, row.id, reason, leads=_leads(centre.id))
    done = Answer("undone", _("%(n)d 号撤回了", n=order.pick_up), _("就像没有扫过一样，可以再取。"), order)
    return _show(centre, done, "")


def _show(centre: Centre, answer: Answer, key: str) -> Any:
    """A part of the page for the window's script; the whole page for a browser without one."""
    if "X-Window" in request.headers:
        return personal(render_template("canteen/_desk_answer.html", answer=_answer(centre, answer, key)))
    return personal(_page(centre, answer, key))


def _answer(centre: Centre, answer: Answer, key: str) -> dict[str, Any]:
    order = answer.order if answer.order is not None and answer.order.centre_id == centre.id else None
    url = f"{base(centre)}/window"
    may_undo = (
        answer.redemption_id is not None and order is not None and _undo_open(answer.redemption_id, order)
    )
    return {
        "kind": answer.kind,
        "colour": "plain" if answer.kind == "undone" else answer.colour,
        "word": kind_words("undone" if answer.kind == "undone" else answer.colour),
        "title": answer.title,
        "text": answer.text,
        "key": key,
        "pick_up": order.pick_up if order else None,
        "number": order.number if order else "",
        "number_words": show_number(order.number) if order else "",
        "dish": dish_words(order) if order else "",
        "wishes": wish_words(order) if order else [],
        "who": order.resident.masked_name if order and order.resident else _("散客") if order else "",
        "how": answer.how or _how(),
        "here": _here(),
        "by": request.form.get("by", type=row_number),
        "relatives": [_relative(one) for one in answer.relatives],
        "relatives_by": answer.by,
        "relatives_key": new_token(),
        "sum": yuan(order.pays_fen) if order else "",
        "questions": _questions(order) if answer.kind == "ask" and order else [],
        "redemption": answer.redemption_id if may_undo else None,
        "scan_url": f"{url}/scan",
        "answer_url": f"{url}/answer",
        "undo_url": f"{url}/undo",
        "window_url": url,
        "new_url": f"{base(centre)}/orders/new" if answer.kind == "unknown" and _sells(centre) else None,
    }


def _relative(order: MealOrder) -> dict[str, Any]:
    """A meal that whoever stands there may fetch for somebody else."""
    return {
        "number": order.number,
        "who": order.resident.masked_name if order.resident else "",
        "pick_up": order.pick_up,
        "dish": dish_words(order),
        "wishes": wish_words(order),
    }


def _undo_open(redemption_id: int, order: MealOrder) -> bool:
    row = queries.redemption_here(order.centre_id, redemption_id)
    return row is not None and may_undo(row, order, now(), leads=_leads(order.centre_id))


def _leads(centre_id: int) -> bool:
    """Whether they may take back what was handed out earlier on the same day."""
    return bool(grants_roles(signed_in(), centre_id) & MANAGERS)


def _questions(order: MealOrder) -> list[dict[str, Any]]:
    asked = [one.swap for one in open_questions(order.id)]
    against = [conflict_words(one.conflicts) for one in open_questions(order.id)]
    names = queries.dish_names([dish for swap in asked for dish in (swap.out_dish_id, swap.in_dish_id)])
    return [
        {"out": names.get(swap.out_dish_id, ""), "in": names.get(swap.in_dish_id, ""), "against": words}
        for swap, words in zip(asked, against, strict=True)
    ]


def _window() -> str:
    return window_name() or _("窗口")


def _key() -> str:
    key = request.form.get("key", "")
    if not 8 <= len(key) <= 64:
        raise Refused("scan_key_missing", _("刚才没办成"), _("请刷新这一页，再扫一次。"), status=400)
    return key


def _how() -> str:
    how = request.form.get("how", "slip")
    return how if how in reconcile.HOWS else "slip"


def _sells(centre: Centre) -> bool:
    """Whether they may add a portion on the spot; the kitchen asks the desk."""
    return bool(grants_roles(signed_in(), centre.id) & DESK)


def _here() -> bool:
    """Whether staff said that it is handed out here although a carrier has it."""
    return request.form.get("here") == "1"


def _order(centre: Centre, number: str) -> MealOrder:
    order = queries.order_by_number(number)
    if order is None or order.centre_id != centre.id:
        raise NotFound(_("没有找到这份订单"))
    return order


def _redemption(centre: Centre, text: str) -> Redemption:
    known = text.isascii() and text.isdigit() and len(text) < 10
    row = queries.redemption_here(centre.id, int(text)) if known else None
    if row is None:
        raise NotFound(_("没有找到这一条"))
    return row


# --- calling --------------------------------------------------------------------------------------------------------


@blueprint.post("/window/call")
@require(SERVE)
@once
def call(centre: Centre) -> Response:
    """«叫号»: the next one, or one again."""
    menu = _menu(centre)
    text = request.form.get("pick_up", "").strip()
    if text:
        if not (text.isascii() and text.isdigit() and len(text) <= 4):
            raise Refused("number_odd", _("取餐号请再看看"), _("小票上最大的那个数字。"), status=422)
        service.call_again(actor(), menu.id, int(text))
    else:
        service.call_next(actor(), menu.id)
    return see_other(f"{base(centre)}/window")


def _menu(centre: Centre) -> Menu:
    menu = queries.menu_now(centre.id, centre.zone, now())
    if menu is None:
        raise NotFound(_("今天没有开餐"))
    return menu


# --- offline --------------------------------------------------------------------------------------------------------


@blueprint.get("/window/list")
@polling
@require(SERVE)
def meal_list(centre: Centre) -> Any:
    """What the window keeps, to judge scans by while the line is down."""
    today = local_day(now(), centre.zone)
    menus = queries.menus_on(centre.id, today)
    first, last = (today + timedelta(days=n) for n in (-reconcile.DAYS_BACK, reconcile.DAYS_AHEAD))
    others = [menu for menu in queries.menus_between(centre.id, first, last) if menu.day != today]
    numbers = ":".join(map(str, versions(*(f"menu:{menu.id}" for menu in [*menus, *others]))))
    fresh = not_modified(f"meal-list:{today}:{numbers}")
    if fresh is not None:
        return fresh
    return jsonify(
        day=str(today),
        zone=centre.zone,
        now=now().isoformat(),
        menus=[reconcile.meal_times(menu) for menu in menus],
        orders=reconcile.meal_list(menus),
        others=reconcile.other_days(others),
    )


@blueprint.post("/window/batch")
@require(SERVE)
@repeatable
def batch(centre: Centre) -> Any:
    """Scans that were made while the line was down, in their order. Each has a key of its own."""
    said = request.get_json(silent=True)
    rows = said.get("scans") if isinstance(said, dict) else None
    if not isinstance(rows, list) or len(rows) > reconcile.MOST:
        raise Refused("batch_odd", _("刚才没办成"), _("请刷新这一页，再送一次。"), status=422)
    given = said.get("window") if isinstance(said, dict) else ""
    name = given.strip()[:NAME_MOST] if isinstance(given, str) and given.strip() else _window()
    done = reconcile.send_in(signed_in().id, centre.id, name, rows)
    return personal(
        jsonify(
            answers=[
                {
                    "key": one.key,
                    "kind": one.kind,
                    "title": one.title,
                    "text": one.text,
                    "pick_up": one.pick_up,
                }
                for one in done
            ]
        )
    )


@blueprint.get("/window/worker.js")
@polling
@require(SERVE)
def window_worker(centre: Centre) -> Response:
    """The script that keeps the window's page for a tablet which starts again offline: for this one page only."""
    with current_app.open_resource("static/js/window-worker.js") as script:
        response = personal(Response(script.read(), mimetype="text/javascript"))
    response.headers["Service-Worker-Allowed"] = f"{base(centre)}/window"
    return response


@blueprint.get("/window/reader.js")
@polling
@require(SERVE)
def window_reader(centre: Centre) -> Response:
    """The script that reads codes from the camera, under the window's address: its worker keeps it for an outage."""
    load_canteen(centre)
    return code_reader()
