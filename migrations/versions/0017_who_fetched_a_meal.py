"""which relative fetched a meal with a card of their own

Revision 0017, after 0016.
"""

import sqlalchemy as sa
from alembic import op

from core.database import NAMES

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('redemption', naming_convention=NAMES) as redemption:
        redemption.add_column(sa.Column('fetched_by_id', sa.Integer(), nullable=True))
        redemption.create_foreign_key(
            op.f('fk_redemption_fetched_by_id_resident'), 'resident', ['fetched_by_id'], ['id']
        )


def downgrade() -> None:
    with op.batch_alter_table('redemption', naming_convention=NAMES) as redemption:
        redemption.drop_constraint(op.f('fk_redemption_fetched_by_id_resident'), type_='foreignkey')
        redemption.drop_column('fetched_by_id')
