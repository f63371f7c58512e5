"""Append-only tables: the database refuses UPDATE, DELETE and TRUNCATE, on both databases."""

from dataclasses import dataclass

from sqlalchemy import Connection, Table, event


@dataclass(frozen=True, slots=True)
class AppendOnly:
    """The triggers of one table. `name` stems them all."""

    table: str

    @property
    def name(self) -> str:
        return f"append_only_{self.table}"

    def triggers(self) -> dict[str, str]:
        """SQLite: trigger name → its SQL. It has no TRUNCATE, but an INSERT OR REPLACE unseen by DELETE triggers."""
        there = f" WHEN EXISTS (SELECT 1 FROM {self.table} WHERE id = NEW.id)"
        return {
            f"{self.name}_{verb.lower()}": (
                f"CREATE TRIGGER {self.name}_{verb.lower()} BEFORE {verb} ON {self.table}{when} "
                f"BEGIN SELECT RAISE(ABORT, '{self.name}'); END"
            )
            for verb, when in (("UPDATE", ""), ("DELETE", ""), ("INSERT", there))
        }

    def create(self, connection: Connection) -> None:
        """Put the triggers in place; used by migrations and by `doctor --mend`."""
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(
                "CREATE OR REPLACE FUNCTION hall_append_only() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION USING MESSAGE = 'append_only_' || TG_TABLE_NAME; END $$"
            )
            connection.exec_driver_sql(
                f"CREATE OR REPLACE TRIGGER {self.name} BEFORE UPDATE OR DELETE OR TRUNCATE ON {self.table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION hall_append_only()"
            )
            return
        for name, sql in self.triggers().items():
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            connection.exec_driver_sql(sql)


APPEND_ONLY: dict[str, AppendOnly] = {}


def append_only(table: Table) -> None:
    """Declare that rows of `table` are never changed; migrations create the triggers."""
    rule = APPEND_ONLY[table.name] = AppendOnly(table.name)

    @event.listens_for(table, "after_create")
    def create(_table: Table, connection: Connection, **_: object) -> None:
        rule.create(connection)
