"""`flask --app app places …`: districts, streets, centres and who stands beside them."""

from collections import Counter
from pathlib import Path

import click
from flask.cli import with_appcontext

from centres.places import read_places
from centres.services import load_places
from core.audit import OPERATOR
from core.errors import Refused


@click.group()
def places() -> None:
    """The tree of the organisation and its centres."""


@places.command("load")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_appcontext
def load(file: Path) -> None:
    """Set up what FILE names (see docs/places.example.yaml), and renew names, addresses and hours of what is there."""
    try:
        done = load_places(OPERATOR, read_places(file.read_text("utf-8-sig")))
    except UnicodeDecodeError:
        raise click.ClickException(f"{file} is not UTF-8; nothing has been written.") from None
    except Refused as refusal:
        said = f"{file}: {refusal.title} ({refusal.code}). {refusal.text}".strip()
        raise click.ClickException(f"{said}\nNothing has been written.") from refusal
    for code, made in done:
        click.echo(f"{made}\t{code}")
    counts = Counter(made for _code, made in done)
    click.echo(", ".join(f"{verb}: {counts[verb]}" for verb in ("new", "changed", "same")))
