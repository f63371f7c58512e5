"""What gunicorn loads in tests: the program with the settings, and the clock, that a test wrote into a file.

A setting PLUG names a module of the tests whose `plug(app)` adds to it.
"""

import json
import os
from importlib import import_module
from pathlib import Path

from flask import Flask

from app import create_app
from tests.support.clock import FileClock


def application() -> Flask:
    given = json.loads(Path(os.environ["HALL_TEST_SERVER"]).read_text())
    clock = {"CLOCK": FileClock(Path(given["clock"]))} if given["clock"] else {}
    app = create_app({**given["config"], **clock})
    if "PLUG" in given["config"]:
        import_module(given["config"]["PLUG"]).plug(app)
    return app
