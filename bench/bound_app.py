"""What the pages are compared with: the same server and template engine, without a program behind them."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from flask import Flask, render_template
from jinja2 import Environment, FileSystemLoader

ROOT = Path(__file__).parents[1]
UNITS, STEPS = 40, 24
PAGE = "<!doctype html><title>{{ title }}</title><h1>{{ title }}</h1><p>{{ text }}</p>"


def application() -> Callable[..., Any]:
    """`/trivial`: the bound J. `/grid`: the bound G, through the product's own partial."""
    jinja = Environment(loader=FileSystemLoader(ROOT / "templates"), autoescape=True)
    trivial, partial = jinja.from_string(PAGE), jinja.get_template("booking/grid.html")
    kinds = [("free", "可选", None), ("taken", "已订", None)]
    heads = [f"{8 + n // 2}:{30 * (n % 2):02d}" for n in range(STEPS)]
    rows = [
        {"code": f"A{row}", "cells": [kinds[(row + step) % 3 > 0] for step in range(STEPS)]} for row in range(UNITS)
    ]

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/grid":
            text = partial.render(caption="阅览室", heads=heads, rows=rows)
        else:
            text = trivial.render(title="邻里服务大厅", text="您好")
        body = text.encode()
        start("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))])
        return [body]

    if os.environ.get("HALL_BENCH_FLASK"):
        app = Flask("bound", template_folder=str(ROOT / "templates"))
        page = app.jinja_env.from_string(PAGE)
        app.add_url_rule("/trivial", "trivial", lambda: page.render(title="邻里服务大厅", text="您好"))
        app.add_url_rule(
            "/grid", "grid", lambda: render_template("booking/grid.html", caption="阅览室", heads=heads, rows=rows)
        )
        return app
    return answer
