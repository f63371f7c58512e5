"""what the government pays, in parts, and the lines that it refuses

Revision 0014, after 0013. What came for a month becomes its first payment. A question whether such a sum may be changed
is withdrawn: what is asked from now on is whether a payment may be taken back.
"""

import sqlalchemy as sa
from alembic import op

from core.appendonly import AppendOnly
from core.database import NAMES

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

APPEND = AppendOnly('settlement_payment')
SETTLEMENT = sa.table('settlement', *(
    sa.column(name) for name in ('id', 'state', 'claimed_fen', 'came_fen', 'paid_fen', 'paid_on', 'paid_id')))
TRANSFER = sa.table('transfer', *(sa.column(name) for name in ('id', 'at', 'actor_id', 'reverses_id')))
PAYMENT = sa.table('settlement_payment', *(sa.column(name) for name in (
    'id', 'settlement_id', 'amount_fen', 'paid_on', 'transfer_id', 'recorded_at', 'recorded_by')))
APPROVAL = sa.table('approval', *(sa.column(name) for name in (
    'kind', 'state', 'asked_by', 'decided_by', 'decided_at')))


def upgrade() -> None:
    op.create_table('settlement_payment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('settlement_id', sa.Integer(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('paid_on', sa.Date(), nullable=False),
    sa.Column('transfer_id', sa.Integer(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_by', sa.Integer(), nullable=False),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_settlement_payment_amount')),
    sa.ForeignKeyConstraint(['recorded_by'], ['staff.id'], name=op.f('fk_settlement_payment_recorded_by_staff')),
    sa.ForeignKeyConstraint(['settlement_id'], ['settlement.id'], name=op.f('fk_settlement_payment_settlement_id_settlement')),
    sa.ForeignKeyConstraint(['transfer_id'], ['transfer.id'], name=op.f('fk_settlement_payment_transfer_id_transfer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_settlement_payment')),
    sa.UniqueConstraint('transfer_id', name=op.f('uq_settlement_payment_transfer_id'))
    )
    op.create_index(op.f('ix_settlement_payment_settlement_id'), 'settlement_payment', ['settlement_id'], unique=False)
    op.create_table('settlement_refusal',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('line_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=400), nullable=False),
    sa.Column('refused_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('refused_by', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['line_id'], ['settlement_line.id'], name=op.f('fk_settlement_refusal_line_id_settlement_line')),
    sa.ForeignKeyConstraint(['refused_by'], ['staff.id'], name=op.f('fk_settlement_refusal_refused_by_staff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_settlement_refusal')),
    sa.UniqueConstraint('line_id', name=op.f('uq_settlement_refusal_line_id'))
    )
    with op.batch_alter_table('settlement', naming_convention=NAMES) as settlement:
        settlement.add_column(sa.Column('came_fen', sa.BigInteger(), nullable=False, server_default='0'))
    row = SETTLEMENT.c
    came = sa.func.coalesce(row.paid_fen, 0)
    state = sa.case((sa.and_(came > 0, came >= row.claimed_fen), 'paid'), else_='sealed')
    op.execute(sa.update(SETTLEMENT).where(row.state == 'paid').values(came_fen=came, state=state))
    op.execute(sa.insert(PAYMENT).from_select(
        ['settlement_id', 'amount_fen', 'paid_on', 'transfer_id', 'recorded_at', 'recorded_by'],
        sa.select(row.id, row.paid_fen, row.paid_on, row.paid_id, TRANSFER.c.at, TRANSFER.c.actor_id)
        .join(TRANSFER, TRANSFER.c.id == row.paid_id).order_by(row.id),
    ))
    with op.batch_alter_table('settlement', naming_convention=NAMES) as settlement:
        settlement.drop_constraint(op.f('ck_settlement_paid'), type_='check')
        settlement.drop_constraint('uq_settlement_paid_id', type_='unique')
        settlement.drop_constraint('fk_settlement_paid_id_transfer', type_='foreignkey')
        for column in ('paid_id', 'paid_on', 'paid_fen'):
            settlement.drop_column(column)
        settlement.alter_column('came_fen', server_default=None)
        settlement.create_check_constraint(
            op.f('ck_settlement_came'), 'came_fen = 0 OR came_fen BETWEEN 1 AND claimed_fen'
        )
    APPEND.create(op.get_bind())
    _withdraw('settlement.paid_again')


def _withdraw(kind: str) -> None:
    """Questions that the program on the other side does not know."""
    asked = sa.update(APPROVAL).where(APPROVAL.c.kind == kind, APPROVAL.c.state == 'open')
    op.execute(asked.values(
        state='withdrawn', decided_by=APPROVAL.c.asked_by, decided_at=sa.func.current_timestamp()))


def downgrade() -> None:
    """There was one payment then: the last one stands for all that came, with their sum."""
    with op.batch_alter_table('settlement', naming_convention=NAMES) as settlement:
        settlement.drop_constraint(op.f('ck_settlement_came'), type_='check')
        settlement.add_column(sa.Column('paid_fen', sa.BigInteger(), nullable=True))
        settlement.add_column(sa.Column('paid_on', sa.Date(), nullable=True))
        settlement.add_column(sa.Column('paid_id', sa.Integer(), nullable=True))
    row, back = SETTLEMENT.c, TRANSFER.alias()
    last = (
        sa.select(sa.func.max(PAYMENT.c.id))
        .where(PAYMENT.c.settlement_id == row.id)
        .where(~sa.exists().where(back.c.reverses_id == PAYMENT.c.transfer_id))
        .correlate(SETTLEMENT).scalar_subquery()
    )
    of_last = {
        name: sa.select(PAYMENT.c[column]).where(PAYMENT.c.id == last).correlate(SETTLEMENT).scalar_subquery()
        for name, column in (('paid_on', 'paid_on'), ('paid_id', 'transfer_id'))
    }
    op.execute(sa.update(SETTLEMENT).where(row.came_fen > 0).values(
        state='paid', paid_fen=row.came_fen, **of_last))
    op.drop_table('settlement_refusal')
    op.drop_index(op.f('ix_settlement_payment_settlement_id'), table_name='settlement_payment')
    op.drop_table('settlement_payment')
    with op.batch_alter_table('settlement', naming_convention=NAMES) as settlement:
        settlement.drop_column('came_fen')
        settlement.create_foreign_key('fk_settlement_paid_id_transfer', 'transfer', ['paid_id'], ['id'])
        settlement.create_unique_constraint('uq_settlement_paid_id', ['paid_id'])
        settlement.create_check_constraint(
            op.f('ck_settlement_paid'), '(paid_id IS NOT NULL) = (coalesce(paid_fen, 0) > 0)'
        )
    _withdraw('settlement.payment_back')
