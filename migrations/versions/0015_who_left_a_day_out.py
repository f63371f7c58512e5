"""which relative left a day of a standing order out

Revision 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op

from core.database import NAMES

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('standing_skip', naming_convention=NAMES) as skip:
        skip.add_column(sa.Column('proxy_id', sa.Integer(), nullable=True))
        skip.create_foreign_key(
            op.f('fk_standing_skip_proxy_id_resident'), 'resident', ['proxy_id'], ['id']
        )


def downgrade() -> None:
    with op.batch_alter_table('standing_skip', naming_convention=NAMES) as skip:
        skip.drop_constraint(op.f('fk_standing_skip_proxy_id_resident'), type_='foreignkey')
        skip.drop_column('proxy_id')
