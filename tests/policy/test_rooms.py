"""The house rules that tools in pyproject.toml cannot say: read from the code, each first shown a planted breach."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = {"tests", "bench"}
PACKAGES = sorted({path.parent.name for path in ROOT.glob("*/__init__.py")} - TOOLS)


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def beyond_stdlib(source: str, own: str) -> list[str]:
    """What a rules module imports beside the standard library and its own rules."""
    return [
        name
        for name in imported(ast.parse(source))
        if name.partition(".")[0] not in sys.stdlib_module_names and not name.startswith(f"{own}.rules")
    ]


def commits(source: str) -> list[int]:
    """Lines that commit by hand."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    ]


def rules_of(package: str) -> list[Path]:
    return [*(ROOT / package).glob("**/rules.py"), *(ROOT / package).glob("**/rules/*.py")]


def test_a_rules_module_that_knows_storage_is_noticed() -> None:
    assert beyond_stdlib("import re\nfrom sqlalchemy import select", "booking") == ["sqlalchemy"]
    assert (
        beyond_stdlib("from datetime import date\nfrom booking.rules.windows import Window", "booking") == []
    )


def test_rules_know_the_standard_library_only() -> None:
    files = {file: package for package in PACKAGES for file in rules_of(package)}
    assert files
    breaches = {file: beyond_stdlib(file.read_text(), package) for file, package in files.items()}
    assert not {str(file): names for file, names in breaches.items() if names}


def test_a_commit_by_hand_is_noticed() -> None:
    assert commits("with unit_of_work():\n    pass\ndb.session.commit()") == [3]


def test_nobody_commits_but_the_unit_of_work() -> None:
    files = [file for package in PACKAGES for file in (ROOT / package).glob("**/*.py")]
    found = {str(file.relative_to(ROOT)): commits(file.read_text()) for file in files}
    assert {file for file, lines in found.items() if lines} <= {"core/database.py"}


def test_every_package_stands_on_a_floor() -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert sorted(linter["root_packages"]) == PACKAGES
