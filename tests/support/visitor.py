"""Somebody with cookies who reads pages and sends forms to a running server, over HTTP. Redirects are not followed."""

import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.cookiejar import CookieJar
from typing import IO

from bs4 import BeautifulSoup


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    text: str

    @property
    def soup(self) -> BeautifulSoup:
        return BeautifulSoup(self.text, "html.parser")

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> None:
        return None


class Visitor:
    """One browser without JavaScript."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookies = CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), _Stay(), urllib.request.HTTPCookieProcessor(self.cookies)
        )

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self._send(
            urllib.request.Request(urllib.parse.urljoin(self.url, path), headers=dict(headers or {}))
        )

    def post(self, path: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        body = urllib.parse.urlencode(fields).encode()
        return self._send(
            urllib.request.Request(
                urllib.parse.urljoin(self.url, path), data=body, headers=dict(headers or {})
            )
        )

    def send_form(self, page: Answer, path: str, form: str = "form[method=post]", **fields: str) -> Answer:
        """Fill in and send the form of `page` (found by a CSS selector) that stands at `path`."""
        found = page.soup.select_one(form)
        if found is None:
            raise AssertionError(f"no {form} on {path}")
        given = {
            str(field["name"]): str(field.get("value", ""))
            for field in found.select("input[name]")
            if field.get("type") not in ("radio", "checkbox", "submit") or field.has_attr("checked")
        }
        action = urllib.parse.urljoin(path, str(found.get("action", "")))
        return self.post(action, {**given, **fields})

    def _send(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=60) as response:
                return Answer(response.status, response.headers, response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read().decode())
