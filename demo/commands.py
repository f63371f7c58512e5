"""`flask --app app demo`."""

import click
from flask import current_app
from flask.cli import with_appcontext

from centres.queries import centres
from demo.load import load_demo
from demo.show import lines


@click.command("demo")
@click.option("--if-empty", is_flag=True, help="Do nothing where there is a centre already.")
@click.option("--show", is_flag=True, help="Print addresses and sign-ins, with a fresh link for a kiosk.")
@with_appcontext
def demo(if_empty: bool, show: bool) -> None:
    """Load the demo centres into an empty database."""
    if not current_app.config["SETTINGS"].is_demo:
        raise click.ClickException("The demo is made-up people with known passwords: not in production mode.")
    if if_empty or not show:
        if not centres():
            load_demo(click.echo)
        elif not if_empty:
            raise click.ClickException("There is a centre already; the demo needs an empty database.")
    if show:
        for line in lines(current_app.config["PUBLIC_URL"]):
            click.echo(line)
