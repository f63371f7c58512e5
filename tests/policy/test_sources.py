"""What the source may not say, read from the source; every walker is first shown a planted breach."""

import ast
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.policy.test_rooms import PACKAGES, ROOT, imported

Tree = ast.Module
FACES = ("views", "desk", "api")
WEB = {"flask", "flask_wtf", "flask_login", "flask_htmx", "werkzeug"}
MAY_KNOW_THE_WEB = {
    "app.py",
    "core/http/__init__.py",
    "core/http/files.py",
    "core/http/languages.py",
    "core/http/paging.py",
    "core/http/probes.py",
    "core/http/sheets.py",
    "kiosk/session.py",
    "people/access.py",
    "people/signin/__init__.py",
    "people/signin/codes.py",
    "people/signin/forms.py",
    "people/signin/pages.py",
    "people/signin/steps.py",
    "staff/context.py",
}
"""Beside the faces and the commands. signin: Flask-Security's pages; context: what the console's shell shows."""
MAIL = {"smtplib", "email", "core.outbox"}
CLOCKS = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
    ("time", "time"), ("time", "monotonic"), ("time", "localtime"), ("time", "gmtime"),
}  # fmt: skip


def product() -> Iterator[Path]:
    yield ROOT / "app.py"
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def short(file: Path) -> str:
    return str(file.relative_to(ROOT))


def is_face(file: Path) -> bool:
    return any(part in FACES for part in (file.stem, *file.relative_to(ROOT).parts))


def breaches(look: Callable[[Tree], list[int]], files: Iterator[Path] | list[Path]) -> list[str]:
    """`file:line` of everything that `look` finds."""
    return [f"{short(file)}:{line}" for file in files for line in look(ast.parse(file.read_text()))]


# --- the walkers ----------------------------------------------------------------------------------------------------


def bare_ids(tree: Tree) -> list[int]:
    """Rows looked up by an id that did not come from a row: a view loads and authorises in one helper."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"get", "get_one"}
        and ast.unparse(node.func.value) == "db.session"
        and not _of_a_row(node.args[1] if len(node.args) > 1 else None)
    ]


def _of_a_row(argument: ast.expr | None) -> bool:
    """`booking.space_id`: the column of a row that was loaded by somebody who may."""
    return (
        isinstance(argument, ast.Attribute)
        and isinstance(argument.value, ast.Name)
        and argument.value.id not in {"request", "session", "form"}
    )


def careless(tree: Tree) -> list[int]:
    """`except:` without a kind, and print()."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.ExceptHandler) and node.type is None)
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print")
    ]


def hidden_imports(tree: Tree) -> list[int]:
    """Imports inside a function."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return sorted(
        {
            node.lineno
            for one in functions
            for node in ast.walk(one)
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
    )


def clock_reads(tree: Tree) -> list[int]:
    """Reads of a clock. time.perf_counter measures, and is allowed."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value).rpartition(".")[2]
            if (owner, node.func.attr) in CLOCKS:
                found.append(node.lineno)
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            found += [node.lineno for name in node.names if name.name != "perf_counter"]
    return found


def without_words(tree: Tree) -> list[int]:
    """Public functions and classes at the top of a module that say nothing about themselves."""
    return [
        node.lineno
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        and not (isinstance(node, ast.ClassDef) and node.bases)
    ]


def knows(names: set[str]) -> Callable[[Tree], list[int]]:
    """A walker that finds the imports of `names` or of what is inside them."""

    def look(tree: Tree) -> list[int]:
        found = set(imported(tree))
        return [1 for name in found if any(name == one or name.startswith(f"{one}.") for one in names)]

    return look


# --- planted --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("look", "source", "lines"),
    [
        (bare_ids, "def v(number):\n    return db.session.get(Booking, number)", [2]),
        (bare_ids, "db.session.get_one(Call, request.args)", [1]),
        (bare_ids, "db.session.get(Space, int(form['x']))", [1]),
        (bare_ids, "db.session.get(Space, unit.space_id)\nkept.get(Space, 7)", []),
        (careless, "try:\n    pass\nexcept:\n    pass\nprint(1)", [3, 5]),
        (careless, "try:\n    pass\nexcept ValueError:\n    click.echo(1)", []),
        (hidden_imports, "import a\ndef f():\n    from b import c", [3]),
        (clock_reads, "datetime.now(UTC)", [1]),
        (clock_reads, "dt.datetime.now()", [1]),
        (clock_reads, "import time\ntime.time()\ntime.perf_counter()", [2]),
        (clock_reads, "from time import monotonic", [1]),
        (without_words, "def f(): ...\ndef _g(): ...\ndef h():\n    '''Says.'''", [1]),
        (knows(WEB), "from flask import request", [1]),
        (knows(MAIL), "from core.outbox import put", [1]),
        (knows(WEB), "from flask_babel import gettext", []),
    ],
)
def test_a_planted_breach_is_noticed(
    look: Callable[[Tree], list[int]], source: str, lines: list[int]
) -> None:
    assert look(ast.parse(source)) == lines


# --- the house ------------------------------------------------------------------------------------------------------


def test_no_view_looks_a_row_up_by_its_bare_id() -> None:
    faces = [file for file in product() if is_face(file)]
    assert len(faces) > 10
    assert breaches(bare_ids, faces) == []


def test_no_fault_is_swallowed_and_nothing_printed() -> None:
    assert breaches(careless, product()) == []


def test_imports_stand_at_the_top() -> None:
    assert breaches(hidden_imports, product()) == []


def test_the_clock_is_read_in_one_place() -> None:
    assert breaches(clock_reads, [file for file in product() if short(file) != "core/clock.py"]) == []


def test_what_others_use_says_what_it_does() -> None:
    assert breaches(without_words, product()) == []


def test_models_know_neither_web_nor_mail() -> None:
    models = [file for file in product() if file.stem == "models" or "models" in file.parts]
    assert len(models) >= 4
    assert breaches(knows(WEB | MAIL | {"flask_babel"}), models) == []


def test_only_the_faces_know_the_web() -> None:
    others = [
        file
        for file in product()
        if not is_face(file)
        and file.stem not in {"commands", "doctor"}
        and short(file) not in MAY_KNOW_THE_WEB
    ]
    assert breaches(knows(WEB), others) == []


def test_the_checks_run_the_linter_of_the_floors() -> None:
    assert "lint-imports" in (ROOT / "script/check").read_text()
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {one["type"] for one in contracts} == {"layers", "forbidden"}
    assert len(contracts) >= 5
