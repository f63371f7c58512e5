"""Werkzeug writes a function for every route's address by way of a syntax tree: half of the time that making the
program takes, and the same functions every time. Tests make it thousands of times, so they keep them."""

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]


def keep_builders() -> None:
    """From now on a route that was compiled once in this process is not compiled again."""
    made: dict[tuple[object, ...], Builder] = {}
    write: Callable[..., Builder] = Rule._compile_builder

    def kept(self: Any, append_unknown: bool = True) -> Builder:
        key = (self.rule, tuple(self._trace), repr(self.defaults), append_unknown)
        if key not in made:
            made[key] = write(self, append_unknown)
        return made[key]

    Rule._compile_builder = kept  # type: ignore[method-assign]
