"""who took a meal at the door

Revision 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

from core.database import NAMES

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('delivery_stop', naming_convention=NAMES) as stop:
        stop.add_column(sa.Column('taken_by', sa.String(length=64), nullable=False, server_default=''))
        stop.create_check_constraint(
            op.f('ck_delivery_stop_taken_by'), "taken_by IN ('','self','family','neighbour','door')"
        )


def downgrade() -> None:
    with op.batch_alter_table('delivery_stop', naming_convention=NAMES) as stop:
        stop.drop_constraint(op.f('ck_delivery_stop_taken_by'), type_='check')
        stop.drop_column('taken_by')
