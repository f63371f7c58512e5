"""Pages and forms in this process: what a browser without JavaScript does."""

from urllib.parse import urljoin

from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from kiosk.session import DEVICE_COOKIE
from tests.support.cast import Cast
from tests.support.qr import read_svg

FORM = "form[method=post]"


def fields_of(page: TestResponse, form: str) -> tuple[str, dict[str, str]]:
    """Address and filled fields of the form that a CSS selector finds on a page."""
    found = BeautifulSoup(page.text, "html.parser").select_one(form)
    if found is None:
        raise AssertionError(f"no {form} on {page.request.path} ({page.status_code})")
    given = {
        str(field["name"]): str(field.get("value", ""))
        for field in found.select("input[name]")
        if field.get("type") not in ("radio", "checkbox", "submit") or field.has_attr("checked")
    }
    return urljoin(page.request.path, str(found.get("action") or page.request.full_path)), given


def send(client: FlaskClient, page: TestResponse, action: str, form: str = "", **fields: str) -> TestResponse:
    """Fill in and send the form whose action begins with `action` (without its query) on `page`."""
    selector = form or f"form[action^='{action.partition('?')[0]}'], form[method=post]:not([action])"
    url, given = fields_of(page, selector)
    return client.post(url, data={**given, **fields})


def ways(page: TestResponse) -> list[str]:
    """The ways on that a refusal offers."""
    found = BeautifulSoup(page.text, "html.parser").select(".refusal-page .choices li")
    return [" ".join(item.get_text(" ").split()) for item in found]


class Kiosk:
    """A paired kiosk and the person before it."""

    def __init__(self, client: FlaskClient, cast: Cast) -> None:
        self.client = client
        client.set_cookie(DEVICE_COOKIE, cast.kiosk_secret)
        self.page: TestResponse = client.get("/kiosk/")

    def open(self, path: str) -> TestResponse:
        self.page = self.client.get(path)
        if self.page.status_code >= 400:
            raise AssertionError(f"{path}: {self.page.status_code} {self.page.text[:2000]}")
        return self.page

    def send(self, form: str, **fields: str) -> TestResponse:
        url, given = fields_of(self.page, form)
        self.page = self.client.post(url, data={**given, **fields})
        return self.page

    def follow(self) -> TestResponse:
        return self.page if not self.page.location else self._follow(self.page.location)

    def _follow(self, url: str) -> TestResponse:
        self.page = self.client.get(url)
        return self.page

    def post(self, path: str, fields: dict[str, str]) -> TestResponse:
        """A POST as the shell's script makes it: with the page's token."""
        _url, given = fields_of(self.client.get("/kiosk/"), "form[action='/kiosk/prefs']")
        self.page = self.client.post(path, data={"csrf_token": given["csrf_token"], **fields})
        return self.page

    def scan(self, payload: str, **fields: str) -> TestResponse:
        """What the scanner types."""
        return self.send("#scan-form", payload=payload, **fields)

    def slip_code(self) -> str:
        """The code on the slip that is shown, read from its picture."""
        svg = BeautifulSoup(self.page.text, "html.parser").select_one(".slip-qr svg")
        if svg is None:
            raise AssertionError("no slip is shown")
        return read_svg(str(svg)).rsplit("/", 1)[-1]
