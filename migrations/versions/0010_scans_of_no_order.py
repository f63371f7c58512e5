"""scans that belong to no order

Revision 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('odd_scan',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('window', sa.String(length=64), nullable=False),
    sa.Column('scan_key', sa.String(length=64), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('scanned_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('cash_fen', sa.BigInteger(), nullable=False),
    sa.Column('why', sa.String(length=400), nullable=False),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.Integer(), nullable=True),
    sa.Column('words', sa.String(length=400), nullable=False),
    sa.CheckConstraint("state IN ('review','served','not_served')", name=op.f('ck_odd_scan_state')),
    sa.CheckConstraint('cash_fen >= 0', name=op.f('ck_odd_scan_cash')),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_odd_scan_centre_id_centre')),
    sa.ForeignKeyConstraint(['decided_by'], ['staff.id'], name=op.f('fk_odd_scan_decided_by_staff')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_odd_scan_staff_id_staff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_odd_scan')),
    sa.UniqueConstraint('scan_key', name=op.f('uq_odd_scan_scan_key'))
    )
    op.create_index('ix_odd_scan_review', 'odd_scan', ['centre_id', 'state'], unique=False)


def downgrade() -> None:
    op.drop_table('odd_scan')
