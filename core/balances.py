"""Balances that the database keeps itself: every row of a table of transfers moves its amount between two accounts.

One row takes from one account and gives to another, so that the sum over all accounts is nought whatever happens. A
trigger carries each row into the accounts' balances; the account's own CHECK says which of them may not go below it.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, Table, event


@dataclass(frozen=True, slots=True)
class Balance:
    """`table` moves `amount` from `debit` to `credit`, which are ids of `account`; `balance` is its column there."""

    table: str
    account: str
    debit: str
    credit: str
    amount: str
    balance: str

    @property
    def name(self) -> str:
        """Name of the trigger."""
        return f"balance_{self.table}"

    def _moves(self) -> str:
        """Both accounts, the lower id first: two transfers between the same two never wait for each other."""
        new = f"CASE WHEN id = NEW.{self.debit} THEN -NEW.{self.amount} ELSE NEW.{self.amount} END"
        return "; ".join(
            f"UPDATE {self.account} SET {self.balance} = {self.balance} + {new} WHERE id = {which}"
            for which in (
                f"CASE WHEN NEW.{self.debit} < NEW.{self.credit} THEN NEW.{self.debit} ELSE NEW.{self.credit} END",
                f"CASE WHEN NEW.{self.debit} < NEW.{self.credit} THEN NEW.{self.credit} ELSE NEW.{self.debit} END",
            )
        )

    def triggers(self) -> dict[str, str]:
        """SQLite: trigger name → its SQL."""
        return {
            self.name: f"CREATE TRIGGER {self.name} AFTER INSERT ON {self.table} BEGIN {self._moves()}; END"
        }

    def create(self, connection: Connection) -> None:
        """Put the trigger in place; used by migrations, `restore` and `doctor --mend`."""
        self.drop(connection)
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(
                f"CREATE OR REPLACE FUNCTION hall_{self.name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN {self._moves()}; RETURN NULL; END $$"
            )
            connection.exec_driver_sql(
                f"CREATE TRIGGER {self.name} AFTER INSERT ON {self.table} "
                f"FOR EACH ROW EXECUTE FUNCTION hall_{self.name}()"
            )
            return
        for sql in self.triggers().values():
            connection.exec_driver_sql(sql)

    def drop(self, connection: Connection) -> None:
        """Take it away for a moment: rows that are restored have moved their amounts already."""
        on = f" ON {self.table}" if connection.dialect.name == "postgresql" else ""
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {self.name}{on}")


BALANCES: dict[str, Balance] = {}


def keeps_balance(
    table: Table,
    account: str,
    debit: str,
    credit: str,
    amount: str = "amount_fen",
    balance: str = "balance_fen",
) -> None:
    """Declare that rows of `table` move money between rows of `account`; migrations create the trigger."""
    rule = BALANCES[table.name] = Balance(table.name, account, debit, credit, amount, balance)

    @event.listens_for(table, "after_create")
    def create(_table: Table, connection: Connection, **_: object) -> None:
        rule.create(connection)
