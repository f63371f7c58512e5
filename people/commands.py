"""`flask --app app staff …`: accounts of members of staff. `… residents import`: the elders' register.
`… cards reread`: numbers of linked cards, after another reader was set."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask.cli import with_appcontext

from centres.queries import centre_by_code, district_of
from core.audit import OPERATOR
from core.errors import Refused
from people.rules import ROLES
from people.services import cards as card_verbs
from people.services import register
from people.services import staff as verbs


@click.group()
def staff() -> None:
    """Members of staff who sign in at /staff."""


@staff.command("add")
@click.argument("email")
@click.option("--name", required=True, help="Name as colleagues know it.")
@click.option("--role", "role", required=True, type=click.Choice(ROLES))
@click.option("--unit", "unit", required=True, help="Code of the centre, street or district the role covers.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add(email: str, name: str, role: str, unit: str, password_stdin: bool) -> None:
    """Add a member of staff. Without --password-stdin a password is made and shown once."""
    password = _typed() if password_stdin else verbs.new_password()
    with _in_words():
        verbs.add_staff(OPERATOR, email, name, password, [(role, unit)])
    click.echo(f"{email}: {role} of {unit}.")
    if not password_stdin:
        click.echo(f"Password (not shown again): {password}")


@staff.command("list")
def show() -> None:
    """Show everybody with their roles."""
    for one in verbs.everybody():
        roles = " ".join(sorted(f"{grant.role}@{grant.unit_id}" for grant in one.grants))
        marks = [mark for mark, on in (("inactive", not one.active), ("demo", one.is_demo)) if on]
        marks += ["totp"] if one.tf_primary_method else []
        click.echo("\t".join([one.email, one.name, roles, " ".join(marks)]))


@staff.command("deactivate")
@click.argument("email")
def deactivate(email: str) -> None:
    """Take away the sign-in; open sessions end at once. What the person did stays on record."""
    with _in_words():
        verbs.deactivate(OPERATOR, verbs.by_email(email).id)
    click.echo(f"{email} can no longer sign in.")


@staff.command("reset")
@click.argument("email")
@click.option("--totp", is_flag=True, help="Also drop the code on the phone and the recovery codes.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def reset(email: str, totp: bool, password_stdin: bool) -> None:
    """A new password for somebody who forgot theirs."""
    password = _typed() if password_stdin else verbs.new_password()
    with _in_words():
        person = verbs.by_email(email).id
        verbs.set_password(OPERATOR, person, password)
        if totp:
            verbs.drop_totp(OPERATOR, person)
    click.echo(f"{email} has a new password.")
    if not password_stdin:
        click.echo(f"Password (not shown again): {password}")


def _typed() -> str:
    return sys.stdin.readline().rstrip("\r\n")


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except Refused as refusal:
        raise click.ClickException(f"{refusal.title} ({refusal.code})") from refusal


@click.group()
def residents() -> None:
    """The register of residents."""


@residents.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--centre", required=True, help="Code of the centre they come to, such as shuibei.")
@click.option("--check", is_flag=True, help="Only look: say what would happen and which cells are wrong.")
@with_appcontext
def import_residents(file: Path, centre: str, check: bool) -> None:
    """Bring the elders' register in from FILE (XLSX). Nothing is written while any cell is wrong."""
    place = centre_by_code(centre)
    if place is None:
        raise click.ClickException(f"There is no centre {centre}.")
    district = district_of(place.id)
    with _in_words():
        planned = register.plan(district, place.id, file.read_bytes(), most_rows=register.MOST_AT_COMMAND)
        for fault in planned.faults[:100]:
            click.echo(f"{fault.cell}\t{fault.wrong}\t{fault.right}")
        if planned.faults:
            raise click.ClickException(f"{len(planned.faults)} cells to see to; nothing has been written.")
        counts = {verb: planned.many(verb) for verb in ("new", "change", "same")}
        click.echo(", ".join(f"{verb}: {many}" for verb, many in counts.items()))
        if check:
            return
        with click.progressbar(length=len(planned.writes), label="Writing") as bar:
            register.apply(OPERATOR, district, place.id, planned, lambda done: bar.update(done - bar.pos))
    click.echo(f"{len(planned.writes)} rows are in.")


@click.group()
def cards() -> None:
    """Cards that people already have."""


@cards.command("reread")
@with_appcontext
def reread() -> None:
    """Keep linked numbers as HALL_CARD_READER reads them now, so that cards linked before go on working."""
    changed, stay = card_verbs.reread_cards(OPERATOR)
    click.echo(f"{changed} numbers are kept anew.")
    if stay:
        raise click.ClickException(
            f"{stay} stay as they were: another card bears their number. Link those anew."
        )
