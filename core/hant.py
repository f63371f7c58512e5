"""Traditional characters as Hong Kong writes them: of strings when they are compiled, of data when it is saved."""

from functools import lru_cache
from typing import cast

from opencc import OpenCC

MISREAD = {"衝正": "沖正"}
"""Words for which OpenCC takes the wrong one of two characters: 冲正, an entry that reverses another."""


@lru_cache(maxsize=1)
def _converter() -> OpenCC:
    return OpenCC("s2hk")


def traditional(text: str) -> str:
    """`text` in traditional characters."""
    found = cast(str, _converter().convert(text))
    for wrong, right in MISREAD.items():
        found = found.replace(wrong, right)
    return found
