"""Languages: simplified Chinese stands in the source, English in translations/en, traditional is made here.

Without an argument: compile what stands in the English file and make the traditional one.
--update: put new strings of the source into the English file (empty, for a person to fill) and take old ones out.
--check: list what English lacks; exit 1 if anything.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from core import hant  # noqa: E402 - found by the line above

METHODS = [("**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
OPTIONS = {"templates/**.html": {"encoding": "utf-8"}, "templates/**.txt": {"encoding": "utf-8"}}
NOT_OURS = {"node_modules", "tests", "migrations", "script", "instance", "static", "translations", "docs"}
LAZY = {"lazy_gettext": None, "lazy_ngettext": (1, 2), "_l": None, "_n": (1, 2)}
PLACEHOLDER = re.compile(r"(?:%\(|\{)(\w+)[)}]")
HEADER = "# English of Service Hall. script/translations --update puts new strings here."


def english_file(root: Path) -> Path:
    return root / "translations" / "en" / "LC_MESSAGES" / "messages.po"


def is_ours(folder: str) -> bool:
    name = Path(folder).name
    return not name.startswith(".") and name not in NOT_OURS


def source_strings(root: Path) -> Catalog:
    """Every string of the program and its pages, with the files that hold it."""
    catalog = Catalog(project="Service Hall")
    found = extract_from_dir(
        root, METHODS, OPTIONS, {**DEFAULT_KEYWORDS, **LAZY}, ("i18n:",), directory_filter=is_ours
    )
    for name, _line, message, comments, context in found:
        catalog.add(message, locations=[(Path(name).as_posix(), 0)], auto_comments=comments, context=context)
    return catalog


def read_english(root: Path) -> Catalog:
    path = english_file(root)
    if not path.exists():
        return Catalog(locale="en", project="Service Hall", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale="en")


def variants(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def answers(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def faults(source: Catalog, english: Catalog) -> Iterator[str]:
    """What a person still has to do in the English file, one sentence each."""
    for message in source:
        if not message.id:
            continue
        name = variants(message)[0]
        given = english.get(message.id, message.context)
        if given is None or not any(answers(given)):
            yield f"missing: {name}"
        elif not all(answers(given)):
            yield f"a plural is missing: {name}"
        elif given.fuzzy:
            yield f"fuzzy: {name}"
        else:
            wanted = {holder for form in variants(message) for holder in PLACEHOLDER.findall(form)}
            strange = {holder for form in answers(given) for holder in PLACEHOLDER.findall(form)} - wanted
            lost = wanted - {holder for form in answers(given) for holder in PLACEHOLDER.findall(form)}
            if strange or lost:
                yield f"placeholders differ ({', '.join(sorted(strange | lost))}): {name}"
    for message in english:
        if message.id and source.get(message.id, message.context) is None:
            yield f"no longer used: {variants(message)[0]}"


def update(root: Path) -> None:
    english, source = read_english(root), source_strings(root)
    source.creation_date = english.creation_date
    english.update(source, no_fuzzy_matching=True)
    english.obsolete.clear()
    english.header_comment = HEADER
    path = english_file(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, english, width=110, sort_by_file=True, include_lineno=False, ignore_obsolete=True)


def traditional(source: Catalog) -> Catalog:
    made = Catalog(locale="zh_Hant", project="Service Hall", fuzzy=False)
    for message in source:
        if not message.id:
            continue
        forms = [hant.traditional(form) for form in variants(message)]
        text = forms[0] if isinstance(message.id, str) else tuple(forms[-1:] * made.num_plurals)
        made.add(message.id, text, context=message.context)
    return made


def compile_all(root: Path) -> None:
    for locale, catalog in (("en", read_english(root)), ("zh_Hant", traditional(source_strings(root)))):
        path = root / "translations" / locale / "LC_MESSAGES" / "messages.mo"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_mo(file, catalog)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/translations", description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="put new strings into the English file")
    parser.add_argument("--check", action="store_true", help="list what English lacks")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.update:
        update(asked.root)
    if asked.check:
        found = list(faults(source_strings(asked.root), read_english(asked.root)))
        print("\n".join(found) or "English is complete.")
        return 1 if found else 0
    compile_all(asked.root)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
