"""Checks 1 and 2 on every page anybody can come to: sizes, gaps, places, and axe; in all sizes, modes and languages."""

import json
from collections.abc import Callable
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.scene import Scene
from tests.browser.sights import PREFS, Sight, find, show
from tests.support.browser import DESK, LANDSCAPE, PHONE, PORTRAIT, Screens
from tests.support.hall import ALL
from tests.support.matrix import choose

HERE = Path(__file__).parent
AXE = (HERE.parents[1] / "static/vendor/test/axe.min.js").read_text()
MEASURE = (HERE / "measure.js").read_text()
MODES = {
    "normal": {},
    "elder": {"text": "elder"},
    "low": {"reach": "low"},
    "elder-low": {"text": "elder", "reach": "low"},
    "contrast": {"contrast": "high"},
}
LANGUAGES = ("zh_Hans", "zh_Hant", "en")
ADDRESSEES = [
    *(("kiosk", size, mode, lang) for size in (PORTRAIT, LANDSCAPE) for mode in MODES for lang in LANGUAGES),
    *(("phone", PHONE, mode, lang) for mode in ("normal", "elder", "contrast") for lang in LANGUAGES),
    *(("staff", DESK, "normal", lang) for lang in LANGUAGES),
    *(("board", LANDSCAPE, "normal", lang) for lang in LANGUAGES),
]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TURNS = {"en": 1, "zh_Hans": 4, "zh_Hant": 8}
"""Of staff's pages every one, every fourth, every eighth kind is looked at in this language; with `--all` each."""
FIXED: dict[tuple[Any, ...], dict[str, Any]] = {}
"""Where the six controls stood on the first page of a size and a reach; on all others they stand there too."""


@pytest.fixture(scope="session")
def sights(browser: Browser, scene: Scene) -> Callable[[str], list[Sight]]:
    """Every page of a surface; looked for when it is first asked for, since not every worker looks at all of them."""
    return cache(lambda surface: find(browser, scene, surface))


def limits(surface: str, size: tuple[int, int], mode: str, sight: Sight) -> dict[str, Any]:
    """The budget of kiosk.md for this page."""
    if surface == "phone":
        common = {"text": 18, "target": 60, "gap": 8, "danger": 24, "primary": [96, 60], "choices": 8}
        return {
            **common,
            "text": 22 if mode == "elder" else 18,
            "sticky": True,
            "scrolls": ".grid-wrap, .grid-wrap *",
        }
    if surface == "board":  # nobody touches it: read from across the hall, and never scrolled
        return {"text": 28, "still": True, "scrolls": ".board-next span"}
    if surface == "staff":
        common = {"text": 14, "target": 32, "gap": 4, "danger": 4, "inline": True}
        return {**common, "scrolls": ".grid-wrap, .grid-wrap *, .table-wrap, .table-wrap *, .ruler *"}
    low, elder = "low" in mode, "elder" in mode
    top = size[1] / 2 if low else 580 if size == PORTRAIT else 0
    home = sight.path in {"/kiosk/", "/c/shuibei/"}
    return {
        "text": 36 if elder else 28,
        "target": 80,
        "primary": [96, 120],
        "gap": 16,
        "danger": 48,
        "choices": (6 if elder else 8) if home else 6,
        "top": top,
        "still": True,
    }


@cache
def rows(names: tuple[str, ...], surface: str) -> list[tuple[Any, ...]]:
    """(size, mode, lang, name) to look at. With `--all` everything; otherwise every pair for each kind of page, its
    states taken in turn, and each state at least once."""
    mine = [row for row in ADDRESSEES if row[0] == surface]
    axes = [list(dict.fromkeys(row[place] for row in mine)) for place in (1, 2, 3)]
    if ALL:
        return sorted(choose(*axes, names), key=str)
    kinds: dict[str, list[str]] = {}
    for name in sorted(names):
        kinds.setdefault(name.rpartition(" ")[0], []).append(name)
    chosen = sorted(choose(*axes, tuple(kinds)), key=str)
    if surface == "staff":  # its words are longest in English, and Chinese as wide in both its forms
        chosen = [row for n, row in enumerate(chosen) if n % TURNS[row[2]] == 0]
    found = set()
    for kind, states in kinds.items():
        looks = [row[:3] for row in chosen if row[3] == kind]
        for turn in range(max(len(looks), len(states))):
            found.add((*looks[turn % len(looks)], states[turn % len(states)]))
    return sorted(found, key=str)


@cache
def for_axe(names: tuple[str, ...], surface: str) -> set[tuple[Any, ...]]:
    """Those of them at which axe looks: each page once, and once in high contrast. It looks at colours and words, which
    differ with nothing else; with `--all` at every row."""
    if ALL:
        return set(rows(names, surface))
    found: dict[tuple[str, bool], tuple[Any, ...]] = {}
    for row in rows(names, surface):
        found.setdefault((row[3], row[1] == "contrast"), row)
    return set(found.values())


@pytest.mark.parametrize(
    ("surface", "size", "mode", "lang"),
    ADDRESSEES,
    ids=lambda value: f"{value[0]}x{value[1]}" if isinstance(value, tuple) else value,
)
def test_pages(
    surface: str,
    size: tuple[int, int],
    mode: str,
    lang: str,
    browser: Browser,
    scene: Scene,
    sights: Callable[[str], list[Sight]],
    screens: Screens,
) -> None:
    there = sights(surface)
    names = tuple(sight.name for sight in there)
    wanted = {row[3] for row in rows(names, surface) if row[:3] == (size, mode, lang)}
    asked = {row[3] for row in for_axe(names, surface) if row[:3] == (size, mode, lang)}
    mine = sorted((sight for sight in there if sight.name in wanted), key=lambda sight: sight.role)
    found: list[str] = []
    for role, here in groupby(mine, key=lambda sight: sight.role):
        scene.reset()
        page = screens.open(size, is_mobile=surface == "phone")
        scene.enter(page.context, role, {**PREFS, **MODES[mode], "lang": lang})
        for sight in here:
            show(page, scene, sight)
            faults = look(page, surface, size, mode, sight)
            if sight.name in asked:
                faults += axe(page, surface, mode)
            found += [f"{sight.name} {sight.path}\n    {fault}" for fault in faults]
        page.context.close()
        screens.contexts.remove(page.context)
    assert not found, f"{len(found)} faults\n" + "\n".join(found)


def look(page: Page, surface: str, size: tuple[int, int], mode: str, sight: Sight) -> list[str]:
    """Faults of the page that is shown: sizes, gaps, places."""
    measured = page.evaluate(f"({MEASURE.strip()})({json.dumps(limits(surface, size, mode, sight))})")
    faults: list[str] = measured["faults"]
    if surface == "kiosk":
        usual = FIXED.setdefault((size, "low" in mode), measured["fixed"])
        if measured["fixed"] != usual or len(usual) != 6:
            faults.append(f"fixed controls at {measured['fixed']}, elsewhere at {usual}")
    return faults


def run_only(surface: str, mode: str) -> list[str] | dict[str, Any]:
    """What axe looks for. Every page is looked at whole in other colours: in high contrast only its colours are new."""
    if mode == "contrast" and not ALL:
        rules = ["color-contrast", *(["color-contrast-enhanced"] if surface == "kiosk" else [])]
        return {"type": "rule", "values": rules}
    return [*TAGS, *(["wcag2aaa"] if surface == "kiosk" else [])]


def axe(page: Page, surface: str, mode: str) -> list[str]:
    """What axe finds; on the kiosk with 7:1 for every text, and 12:1 in high contrast."""
    least = 12 if mode == "contrast" else 7
    if surface == "phone":  # where the foot lies at rest, below everything that scrolls under it
        page.evaluate("scrollTo({ top: document.body.scrollHeight, behavior: 'instant' })")
    page.evaluate(AXE)
    result = page.evaluate(
        """([tags, least]) => {
          axe.reset();
          const expected = { normal: { expected: least }, large: { expected: least } };
          axe.configure({ checks: [{ id: "color-contrast-enhanced", options: { contrastRatio: expected } }] });
          return axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
        }""",
        [run_only(surface, mode), least],
    )
    return [
        f"axe {one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]!r}"
        for one in result["violations"]
        for node in one["nodes"][:3]
    ]
