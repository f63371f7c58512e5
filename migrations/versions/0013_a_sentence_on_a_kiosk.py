"""a sentence of staff on a kiosk's screen

Revision 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

from core.database import NAMES

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('device', naming_convention=NAMES) as device:
        device.add_column(sa.Column('notice', sa.String(length=64), nullable=True))
        device.add_column(sa.Column('notice_until', sa.DateTime(timezone=True), nullable=True))
        device.create_check_constraint(
            op.f('ck_device_notice'), '(notice IS NULL) = (notice_until IS NULL)'
        )


def downgrade() -> None:
    with op.batch_alter_table('device', naming_convention=NAMES) as device:
        device.drop_constraint(op.f('ck_device_notice'), type_='check')
        device.drop_column('notice_until')
        device.drop_column('notice')
