"""E-mail. A letter sent twice because of a kill bears the same Message-ID, so that mail programs show it once."""

import smtplib
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit


def send(url: str, sender: str, key: str, address: str, subject: str, body: str) -> None:
    """Hand one letter to the server at `smtp://user:password@host:port` (`smtps://`: encrypted from the start)."""
    parts = urlsplit(url)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, address, subject
    mail["Message-ID"] = f"<{key}@{sender.rpartition('@')[2]}>"
    mail.set_content(body)
    secure = parts.scheme == "smtps"
    connect = smtplib.SMTP_SSL if secure else smtplib.SMTP
    with connect(parts.hostname or "127.0.0.1", parts.port or (465 if secure else 25), timeout=10) as server:
        if parts.username:
            if not secure:
                server.starttls()
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(mail)
