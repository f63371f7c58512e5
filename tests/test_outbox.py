"""Messages leave after the commit, by a mail server that may be away: each once, none lost in silence."""

from email.message import EmailMessage

import pytest
import structlog
from flask import Flask
from sqlalchemy import select

from core.audit import OPERATOR
from core.database import db, unit_of_work
from core.events import deliver_due
from core.outbox import GIVE_UP_AFTER, Message, channels, put, send_due
from people.services.residents import change, give_consent
from tests.support.cast import CHEN, Cast
from tests.support.clock import Clock
from tests.support.hall import Hall, apart
from tests.support.mail import Postbox
from tests.support.race import together

READER, WORDS = "qiang@example.cn", "约好了：A3 靠窗桌"


@pytest.fixture
def post(inside: Flask, smtp: Postbox) -> Postbox:
    channels.use_smtp(smtp.url, "hall@example.cn")
    return smtp


def write(key: str = "event-1-tell", channel: str = "email") -> None:
    with unit_of_work():
        put(key, channel, READER, WORDS, f"{WORDS}\n预约号 K7M2 4QXD")


def only() -> Message:
    db.session.rollback()
    return db.session.scalars(select(Message)).one()


def words_of(letter: EmailMessage) -> str:
    return str(letter.get_content())


def test_a_message_is_sent_after_the_commit_and_once(post: Postbox) -> None:
    write()
    assert post.letters == []
    assert [send_due(), send_due()] == [1, 0]
    letter = post.letters[0]
    assert (letter["To"], letter["Subject"], letter["From"]) == (READER, WORDS, "hall@example.cn")
    assert "K7M2 4QXD" in words_of(letter)
    assert only().sent_at is not None


def test_a_message_of_a_deed_that_was_taken_back_is_never_sent(post: Postbox) -> None:
    def fail() -> None:
        with unit_of_work():
            put("event-1-tell", "email", READER, WORDS, WORDS)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert send_due() == 0
    assert post.letters == []


def test_the_same_key_writes_one_message(post: Postbox) -> None:
    for _n in range(3):
        write()
    assert send_due() == 1
    assert len(post.letters) == 1


def test_a_server_that_says_later_is_asked_again_and_the_tries_can_be_seen(
    post: Postbox, clock: Clock
) -> None:
    post.refuse = "451 later"
    write()
    for tries, wait in ((1, 30), (2, 60), (3, 120)):
        assert send_due() == 0
        row = only()
        assert (row.tries, row.sent_at) == (tries, None)
        assert row.error is not None
        assert "451" in row.error
        clock.advance(seconds=wait - 1)
        assert send_due() == 0
        assert only().tries == tries, "not before its time"
        clock.advance(seconds=1)
    post.refuse = None
    assert send_due() == 1
    row = only()
    assert (row.tries, row.error) == (4, None)
    assert len(post.letters) == 1


def test_after_the_last_try_it_stays_visible_and_is_left_alone(post: Postbox, clock: Clock) -> None:
    post.refuse = "550 never"
    write()
    for _n in range(GIVE_UP_AFTER + 3):
        send_due()
        clock.advance(days=1)
    row = only()
    assert (row.tries, row.next_try_at, row.sent_at) == (GIVE_UP_AFTER, None, None)
    assert row.error is not None


def test_a_server_that_is_away_loses_nothing(post: Postbox, clock: Clock) -> None:
    channels.use_smtp("smtp://127.0.0.1:1", "hall@example.cn")
    write()
    assert send_due() == 0
    assert only().error is not None
    channels.use_smtp(post.url, "hall@example.cn")
    clock.advance(seconds=30)
    assert send_due() == 1


def test_a_message_sent_twice_because_of_a_kill_bears_the_same_id(post: Postbox, clock: Clock) -> None:
    write()
    sent = channels.by_name["email"]

    def send_and_die(message: Message) -> None:
        sent(message)
        raise KeyboardInterrupt  # as a kill: nothing after the sending is written

    channels.by_name["email"] = send_and_die
    with pytest.raises(KeyboardInterrupt):
        send_due()
    channels.by_name["email"] = sent
    assert send_due() == 0, "another clock waits before it tries"
    clock.advance(seconds=30)
    assert send_due() == 1
    ids = [letter["Message-ID"] for letter in post.letters]
    assert ids == ["<event-1-tell@example.cn>"] * 2


def test_two_clocks_that_send_at_once_send_one_letter(app: Flask, post: Postbox) -> None:
    for n in range(5):
        write(f"event-{n}-tell")
    assert sum(n for n in together([apart(app, send_due)] * 4) if isinstance(n, int)) == 5
    assert len(post.letters) == 5


def test_a_channel_that_is_not_set_up_is_said_on_the_row(inside: Flask) -> None:
    channels.by_name.pop("email", None)
    write()
    assert send_due() == 0
    assert "HALL_SMTP_URL" in (only().error or "")


def test_neither_log_nor_row_shows_whom_and_what(post: Postbox, clock: Clock) -> None:
    post.refuse = f"550 no such person {READER}"
    with structlog.testing.capture_logs() as lines:
        write()
        write("event-2-tell", "log")
        send_due()
        post.refuse = None
        clock.advance(seconds=30)
        send_due()
    said = str(lines)
    assert "message" in said
    for secret in (READER, WORDS, "K7M2"):
        assert secret not in said
    rows = db.session.execute(
        db.text("SELECT key, channel, error, address, subject, body FROM message")
    ).all()
    assert READER not in str(rows)
    assert READER.encode() not in b"".join(bytes(cell) for row in rows for cell in row[3:])


def test_a_recipient_whom_the_server_refuses_is_not_named_on_the_row(post: Postbox) -> None:
    async def refuse(server: object, session: object, envelope: object, address: str, options: object) -> str:
        return f"550 {address} is unknown here"

    post.handle_RCPT = refuse  # type: ignore[attr-defined]
    write()
    assert send_due() == 0
    error = only().error or ""
    assert "550" in error
    assert READER not in error


def test_a_resident_who_wants_mail_gets_it_and_others_only_a_line_in_the_log(
    inside: Flask, cast: Cast, clock: Clock, smtp: Postbox
) -> None:
    channels.use_smtp(smtp.url, "hall@example.cn")
    hall = Hall(cast, clock)
    change(OPERATOR, cast.aqiang, name="陈志强", phone="+8613800001188", email=READER, adapted=False)
    change(OPERATOR, cast.chen, name=CHEN, phone="+8613800001187", email="chen@example.cn", adapted=False)
    give_consent(OPERATOR, cast.aqiang, {"messages"}, "desk")
    hall.book(cast.aqiang)
    hall.book(cast.chen, "A2")
    deliver_due()
    assert send_due() == 2
    assert [letter["To"] for letter in smtp.letters] == [READER]
    assert "A1 靠窗桌" in smtp.letters[0]["Subject"]
