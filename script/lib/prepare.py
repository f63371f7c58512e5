"""Brings the database up to date, loads the demo centre where there is nothing yet, and says where to look.

One process does what `flask db upgrade`, `flask demo --if-empty` and `flask demo --show` do, to start sooner.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from flask.cli import ScriptInfo

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from app import create_app  # noqa: E402  the path above makes it importable from anywhere


def main(arguments: list[str]) -> None:
    app = create_app()
    info = ScriptInfo(create_app=lambda: app)

    def flask(*words: str) -> None:
        app.cli.main(args=list(words), prog_name="flask", standalone_mode=False, obj=info)

    flask("db", "upgrade")
    if "--empty" not in arguments:
        flask("demo", "--if-empty")
        flask("demo", "--show")
    print(f"Service Hall: http://127.0.0.1:{os.environ.get('PORT', '8000')}/\n", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
