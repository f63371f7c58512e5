"""kinds of findings that a place adds to the city's

Revision 0018, after 0017.
"""

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'status_kind',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('unit_id', sa.Integer(), nullable=False),
        sa.Column('code', sa.String(length=64), nullable=False),
        sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('name_zh', sa.String(length=400), nullable=False),
        sa.Column('name_en', sa.String(length=400), nullable=False),
        sa.Column('name_hant', sa.String(length=400), nullable=False),
        sa.ForeignKeyConstraint(['unit_id'], ['org_unit.id'], name=op.f('fk_status_kind_unit_id_org_unit')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_status_kind')),
        sa.UniqueConstraint('code', name=op.f('uq_status_kind_code')),
    )
    op.create_index(op.f('ix_status_kind_unit_id'), 'status_kind', ['unit_id'])


def downgrade() -> None:
    op.drop_table('status_kind')
