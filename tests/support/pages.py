"""What must hold of every page, whoever it is for."""

from bs4 import BeautifulSoup, Tag
from werkzeug.test import TestResponse

LANGUAGES = {"zh-Hans", "zh-Hant", "en"}
ADDRESSES = ("src", "href", "action", "hx-get", "hx-post")
NAMED_OTHERWISE = {"hidden", "submit", "button", "image", "reset"}


def checked(response: TestResponse, status: int = 200) -> BeautifulSoup:
    """The page in `response`, after a look at what every page owes its reader."""
    text = response.get_data(as_text=True)
    assert response.status_code == status, f"{response.status_code} instead of {status}: {text[:2000]}"
    page = BeautifulSoup(text, "html.parser")
    found = list(faults(page, response))
    assert not found, f"{response.request.path}: " + "; ".join(found)
    return page


def faults(page: BeautifulSoup, response: TestResponse) -> list[str]:
    """What is wrong with a whole page, one phrase each."""
    found = []
    if page.html is None or page.html.get("lang") not in LANGUAGES:
        found.append("html has no lang of ours")
    if page.title is None or not page.title.get_text(strip=True):
        found.append("no title")
    if len(page.find_all("h1")) != 1:
        found.append(f"{len(page.find_all('h1'))} h1")
    found += [f"field {field.get('name')} has no label" for field in _unnamed(page)]
    found += [
        f"image {image.get('src')} has no alt" for image in page.find_all("img") if not image.has_attr("alt")
    ]
    found += [f"leads elsewhere: {address}" for address in _foreign(page)]
    found += [f"inline {name}" for name in _inline(page)]
    policy = response.headers.get("Content-Security-Policy", "")
    if "default-src" not in policy or "unsafe-" in policy:
        found.append("no strict Content-Security-Policy")
    found += [
        f"form to {form.get('action')} carries no csrf_token"
        for form in page.find_all("form", method=lambda value: (value or "").lower() == "post")
        if not form.find("input", attrs={"name": "csrf_token"})
    ]
    return found


def _unnamed(page: BeautifulSoup) -> list[Tag]:
    labelled = {label.get("for") for label in page.find_all("label")}
    return [
        field
        for field in page.find_all(["input", "select", "textarea"])
        if field.get("type") not in NAMED_OTHERWISE
        and field.get("id") not in labelled
        and not field.find_parent("label")
        and not field.get("aria-label")
        and not field.get("aria-labelledby")
    ]


def _foreign(page: BeautifulSoup) -> list[str]:
    addresses = [str(tag[name]) for name in ADDRESSES for tag in page.select(f"[{name}]")]
    return [address for address in addresses if address.startswith(("http:", "https:", "//", "javascript:"))]


def _inline(page: BeautifulSoup) -> list[str]:
    found = [f"script {script.get('type')}" for script in page.find_all("script", src=False)]
    found += ["style element" for _ in page.find_all("style")]
    for tag in page.find_all(True):
        found += [f"{tag.name} {name}=" for name in tag.attrs if name == "style" or name.startswith("on")]
    return found
