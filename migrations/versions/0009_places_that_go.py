"""spaces and seats that are there no longer

Revision 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ('space', 'unit'):
        op.add_column(table, sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for table in ('unit', 'space'):
        op.drop_column(table, 'retired_at')
