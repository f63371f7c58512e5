"""relatives who pay from the elder's card

Revision 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('family_link', sa.Column('pays_since', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column('family_link', 'pays_since')
