"""what the government paid, in the books

Revision 0008, after 0007. Months sealed before are booked too: what they claim for delivery and operation, and what
came for them.
"""

import sqlalchemy as sa
from alembic import op

from core.database import NAMES

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

ACCOUNT = sa.table('account', *(sa.column(name) for name in ('id', 'kind', 'centre_id', 'resident_id', 'balance_fen')))
TRANSFER = sa.table(
    'transfer',
    sa.column('id'),
    sa.column('at', sa.DateTime(timezone=True)),
    *(sa.column(name) for name in (
        'debit_id', 'credit_id', 'amount_fen', 'kind', 'actor_kind', 'actor_id', 'reason', 'reference')),
)
SETTLEMENT = sa.table(
    'settlement',
    sa.column('sealed_at', sa.DateTime(timezone=True)),
    sa.column('totals', sa.JSON()),
    *(sa.column(name) for name in ('id', 'centre_id', 'sealed_by', 'paid_fen', 'support_id', 'paid_id')),
)


def upgrade() -> None:
    with op.batch_alter_table('settlement', naming_convention=NAMES) as settlement:
        settlement.add_column(sa.Column('support_id', sa.Integer(), nullable=True))
        settlement.add_column(sa.Column('paid_id', sa.Integer(), nullable=True))
        for column in ('support_id', 'paid_id'):
            settlement.create_foreign_key(f'fk_settlement_{column}_transfer', 'transfer', [column], ['id'])
            settlement.create_unique_constraint(f'uq_settlement_{column}', [column])
    for row in op.get_bind().execute(sa.select(SETTLEMENT)).all():
        _book(row)
    with op.batch_alter_table('settlement', naming_convention=NAMES) as settlement:
        settlement.create_check_constraint(
            op.f('ck_settlement_paid'), '(paid_id IS NOT NULL) = (coalesce(paid_fen, 0) > 0)'
        )


def _book(row: sa.Row) -> None:
    support = row.totals.get('delivery', 0) + row.totals.get('operating', 0)
    booked = {
        'support_id': _move(row, *(('subsidy', 'sales') if support > 0 else ('sales', 'subsidy')), support, 'support'),
        'paid_id': _move(row, 'outside', 'subsidy', row.paid_fen or 0, 'government_paid'),
    }
    op.get_bind().execute(sa.update(SETTLEMENT).where(SETTLEMENT.c.id == row.id).values(booked))


def _move(row: sa.Row, debit: str, credit: str, fen: int, kind: str) -> 'int | None':
    if not fen:
        return None
    values = {
        'at': row.sealed_at, 'debit_id': _account(row.centre_id, debit), 'credit_id': _account(row.centre_id, credit),
        'amount_fen': abs(fen), 'kind': kind, 'actor_kind': 'staff', 'actor_id': row.sealed_by, 'reason': '',
        'reference': '',
    }
    return op.get_bind().execute(sa.insert(TRANSFER).returning(TRANSFER.c.id), values).scalar_one()


def _account(centre: int, kind: str) -> int:
    c = ACCOUNT.c
    of_centre = sa.select(c.id).where(c.centre_id == centre, c.kind == kind, c.resident_id.is_(None))
    found = op.get_bind().execute(of_centre).scalar()
    if found is None:
        made = sa.insert(ACCOUNT).returning(c.id)
        values = {'kind': kind, 'centre_id': centre, 'balance_fen': 0}
        found = op.get_bind().execute(made, values).scalar_one()
    return found


def downgrade() -> None:
    with op.batch_alter_table('settlement', naming_convention=NAMES) as settlement:
        settlement.drop_constraint(op.f('ck_settlement_paid'), type_='check')
        for column in ('paid_id', 'support_id'):
            settlement.drop_constraint(f'uq_settlement_{column}', type_='unique')
            settlement.drop_constraint(f'fk_settlement_{column}_transfer', type_='foreignkey')
            settlement.drop_column(column)
