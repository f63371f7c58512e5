"""What the pages are compared with: the same server and template engine, without a program behind them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment

UNITS, STEPS = 40, 24
GRID = (Path(__file__).parent / "bound_grid.html").read_text()
"""A plain table, cell by cell, as the bound was taken: a bound must not move with the product."""
PAGE = "<!doctype html><title>{{ title }}</title><h1>{{ title }}</h1><p>{{ text }}</p>"


def application() -> Callable[..., Any]:
    """`/trivial`: the bound J. `/grid`: the bound G."""
    jinja = Environment(autoescape=True)
    trivial, partial = jinja.from_string(PAGE), jinja.from_string(GRID)
    kinds = [("free", "可选", None), ("taken", "已订", None)]
    heads = [f"{8 + n // 2}:{30 * (n % 2):02d}" for n in range(STEPS)]
    rows = [
        {"code": f"A{row}", "cells": [kinds[(row + step) % 3 > 0] for step in range(STEPS)]}
        for row in range(UNITS)
    ]

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/grid":
            text = partial.render(caption="阅览室", heads=heads, rows=rows)
        else:
            text = trivial.render(title="邻里服务大厅", text="您好")
        body = text.encode()
        start("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))])
        return [body]

    return answer
