"""whether whoever takes the till on has said so

Revision 0016, after 0015. Counts of before stay without it: nobody was asked.
"""

import sqlalchemy as sa
from alembic import op

from core.database import NAMES

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('cash_count', naming_convention=NAMES) as count:
        count.add_column(sa.Column('taken_at', sa.DateTime(timezone=True), nullable=True))
        count.create_check_constraint(op.f('ck_cash_count_taken'), 'taken_at IS NULL OR handed_to_id IS NOT NULL')


def downgrade() -> None:
    with op.batch_alter_table('cash_count', naming_convention=NAMES) as count:
        count.drop_constraint(op.f('ck_cash_count_taken'), type_='check')
        count.drop_column('taken_at')
