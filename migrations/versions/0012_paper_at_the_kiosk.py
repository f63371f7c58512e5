"""slips on paper at the kiosk

Revision 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

from core.database import NAMES

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('device', naming_convention=NAMES) as device:
        device.add_column(sa.Column('printer', sa.String(length=64), nullable=True))
        device.add_column(sa.Column('paper_mm', sa.Integer(), nullable=False, server_default=sa.text('80')))
        device.add_column(sa.Column('printer_state', sa.String(length=64), nullable=True))
        device.add_column(sa.Column('printer_seen_at', sa.DateTime(timezone=True), nullable=True))
        device.create_check_constraint(op.f('ck_device_paper_mm'), 'paper_mm IN (58,80)')
        device.create_check_constraint(
            op.f('ck_device_printer_state'), "printer_state IN ('ok','low','no_paper','away')"
        )
        device.create_check_constraint(
            op.f('ck_device_printer'), 'printer IS NOT NULL OR printer_state IS NULL'
        )
    op.create_table(
        'paper_slip',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('device_id', sa.Integer(), nullable=False),
        sa.Column('centre_id', sa.Integer(), nullable=False),
        sa.Column('key', sa.String(length=64), nullable=False),
        sa.Column('body', sa.LargeBinary(), nullable=True),
        sa.Column('language', sa.String(length=64), nullable=False),
        sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('next_try_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('tries', sa.Integer(), nullable=False),
        sa.Column('printed_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('given_up_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('error', sa.String(length=400), nullable=True),
        sa.CheckConstraint('printed_at IS NULL OR given_up_at IS NULL', name=op.f('ck_paper_slip_one_end')),
        sa.CheckConstraint(
            '(body IS NULL) = (printed_at IS NOT NULL OR given_up_at IS NOT NULL)',
            name=op.f('ck_paper_slip_body_goes'),
        ),
        sa.CheckConstraint('(body IS NULL) = (next_try_at IS NULL)', name=op.f('ck_paper_slip_waits')),
        sa.ForeignKeyConstraint(['device_id'], ['device.id'], name=op.f('fk_paper_slip_device_id_device')),
        sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_paper_slip_centre_id_centre')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_paper_slip')),
        sa.UniqueConstraint('key', name=op.f('uq_paper_slip_key')),
    )
    op.create_index('ix_paper_slip_next_try_at', 'paper_slip', ['next_try_at'])
    op.create_index('ix_paper_slip_device_id_made_at', 'paper_slip', ['device_id', 'made_at'])


def downgrade() -> None:
    op.drop_table('paper_slip')
    with op.batch_alter_table('device', naming_convention=NAMES) as device:
        for name in ('paper_mm', 'printer_state', 'printer'):
            device.drop_constraint(op.f(f'ck_device_{name}'), type_='check')
        for name in ('printer_seen_at', 'printer_state', 'paper_mm', 'printer'):
            device.drop_column(name)
