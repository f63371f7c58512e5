"""Pages that ask one thing: one of some, or several of some. What was chosen stands in the address; nothing is kept."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from flask import request

from canteen.views.root import row_size
from core.http.paging import Paging, paging, with_asked


def page_of(
    options: Sequence[tuple[str, Any]], path: str, size: int = 0, **asked: Any
) -> tuple[Sequence[tuple[str, Any]], Paging]:
    """The options of the page that is asked for."""
    found = paging(len(options), size or row_size(), lambda n: with_asked(path, page=n, **asked))
    return found.of(options), found


def pick_one(
    words: Mapping[str, Any], chosen: str, url: Callable[[str], str], path: str, **asked: Any
) -> dict[str, Any]:
    """For the template: rows of which one is chosen; a tap leads on."""
    shown, pages = page_of(list(words.items()), path, **asked)
    return {
        "rows": [{"label": word, "url": url(code), "chosen": code == chosen} for code, word in shown],
        "paging": pages,
    }


def pick_many(
    words: Mapping[str, Any], chosen: Collection[str], url: Callable[[str], str], path: str, **asked: Any
) -> dict[str, Any]:
    """For the template: rows that are switched on and off; the page stays until «好了»."""
    shown, pages = page_of(list(words.items()), path, **asked)
    rows = []
    for code, word in shown:
        after = [one for one in words if (one in chosen) != (one == code)]
        rows.append({"label": word, "url": url(",".join(after)), "chosen": code in chosen})
    return {"rows": rows, "paging": pages}


def listed(name: str, words: Collection[str], default: Collection[str] = ()) -> list[str]:
    """Codes of the address, as far as there are such."""
    text = request.values.get(name)
    if text is None:
        return [one for one in words if one in default]
    asked = set(text.split(","))
    return [one for one in words if one in asked]
