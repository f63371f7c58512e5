"""files and figures

Revision 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

from core.appendonly import AppendOnly
from core.database import NAMES

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

APPEND = (AppendOnly("figure_report"), AppendOnly("figure_number"))


def upgrade() -> None:
    op.add_column('building', sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True))
    op.create_table('figure_report',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('starts_on < ends_on', name=op.f('ck_figure_report_order')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_figure_report_staff_id_staff')),
    sa.ForeignKeyConstraint(['unit_id'], ['org_unit.id'], name=op.f('fk_figure_report_unit_id_org_unit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_figure_report'))
    )
    op.create_index('ix_figure_report_unit', 'figure_report', ['unit_id', 'made_at'], unique=False)
    op.create_table('figure_number',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('report_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('value', sa.BigInteger(), nullable=False),
    sa.Column('denominator', sa.BigInteger(), nullable=True),
    sa.Column('rows', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['report_id'], ['figure_report.id'], name=op.f('fk_figure_number_report_id_figure_report')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_figure_number')),
    sa.UniqueConstraint('report_id', 'name', name=op.f('uq_figure_number_report_id_name'))
    )
    for rule in APPEND:
        rule.create(op.get_bind())


def downgrade() -> None:
    op.drop_table('figure_number')
    op.drop_index('ix_figure_report_unit', table_name='figure_report')
    op.drop_table('figure_report')
    op.drop_column('building', 'retired_at')
