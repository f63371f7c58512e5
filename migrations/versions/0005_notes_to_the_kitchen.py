"""notes to the kitchen

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('standing_order', sa.Column('note', sa.LargeBinary(), nullable=True))
    op.add_column('meal_order', sa.Column('note', sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column('meal_order', 'note')
    op.drop_column('standing_order', 'note')
