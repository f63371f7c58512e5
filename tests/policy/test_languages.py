"""English is complete, and what a translation must keep is kept."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from core.hant import traditional

ROOT = Path(__file__).resolve().parents[2]

PO = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """script/lib/translations.py, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("translations", ROOT / "script/lib/translations.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def faults(tool: ModuleType, root: Path, source: str, english: str) -> list[str]:
    (root / "page.py").write_text(source)
    po = tool.english_file(root)
    po.parent.mkdir(parents=True)
    po.write_text(PO + english)
    return list(tool.faults(tool.source_strings(root), tool.read_english(root)))


@pytest.mark.parametrize(
    ("source", "english", "fault"),
    [
        ('_("订座")', "", "missing: 订座"),
        ('_("订座")', 'msgid "订座"\nmsgstr ""', "missing: 订座"),
        ('_("订座")', '#, fuzzy\nmsgid "订座"\nmsgstr "Book"', "fuzzy: 订座"),
        (
            '_("还有%(n)s个", n=1)',
            'msgid "还有%(n)s个"\nmsgstr "%(m)s left"',
            "placeholders differ (m, n): 还有%(n)s个",
        ),
        ('_("{s} 秒")', 'msgid "{s} 秒"\nmsgstr "soon"', "placeholders differ (s): {s} 秒"),
        ("", 'msgid "订座"\nmsgstr "Book"', "no longer used: 订座"),
    ],
)
def test_a_planted_fault_is_noticed(
    tool: ModuleType, tmp_path: Path, source: str, english: str, fault: str
) -> None:
    assert faults(tool, tmp_path, source, english) == [fault]


def test_a_complete_file_has_no_fault(tool: ModuleType, tmp_path: Path) -> None:
    assert faults(tool, tmp_path, '_("订座")', 'msgid "订座"\nmsgstr "Book a seat"') == []


def test_traditional_is_made_from_the_source(tool: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text('_("图书馆还有%(n)s个座位", n=1)')
    made = tool.traditional(tool.source_strings(tmp_path))
    assert made.get("图书馆还有%(n)s个座位").string == "圖書館還有%(n)s個座位"


def test_english_is_complete(tool: ModuleType) -> None:
    assert list(tool.faults(tool.source_strings(ROOT), tool.read_english(ROOT))) == []


@pytest.mark.parametrize(("plain", "made"), [("冲正好了", "沖正好了"), ("缓冲时间", "緩衝時間")])
def test_an_entry_that_is_reversed_is_written_as_bookkeepers_do(plain: str, made: str) -> None:
    assert traditional(plain) == made
