"""the morning check by person, and what was looked at again

Revision 0019, after 0018. Checks of before stay as they are: nobody was written down by name.
"""

import sqlalchemy as sa
from alembic import op

from core.database import NAMES

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'kitchen_worker',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('unit_id', sa.Integer(), nullable=False),
        sa.Column('name', sa.String(length=64), nullable=False),
        sa.Column('certificate_until', sa.Date(), nullable=True),
        sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['unit_id'], ['org_unit.id'], name=op.f('fk_kitchen_worker_unit_id_org_unit')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_kitchen_worker')),
        sa.UniqueConstraint('unit_id', 'name', name=op.f('uq_kitchen_worker_unit_id_name')),
    )
    op.create_table(
        'morning_person',
        sa.Column('check_id', sa.Integer(), nullable=False),
        sa.Column('worker_id', sa.Integer(), nullable=False),
        sa.Column('state', sa.String(length=64), nullable=False),
        sa.Column('certificate_until', sa.Date(), nullable=True),
        sa.CheckConstraint("state IN ('well','wound','ill','off')", name=op.f('ck_morning_person_state')),
        sa.ForeignKeyConstraint(
            ['check_id'], ['morning_check.id'], name=op.f('fk_morning_person_check_id_morning_check')
        ),
        sa.ForeignKeyConstraint(
            ['worker_id'], ['kitchen_worker.id'], name=op.f('fk_morning_person_worker_id_kitchen_worker')
        ),
        sa.PrimaryKeyConstraint('check_id', 'worker_id', name=op.f('pk_morning_person')),
    )
    op.create_table(
        'morning_again',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('check_id', sa.Integer(), nullable=False),
        sa.Column('items', sa.JSON(), nullable=False),
        sa.Column('note', sa.String(length=400), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('staff_id', sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ['check_id'], ['morning_check.id'], name=op.f('fk_morning_again_check_id_morning_check')
        ),
        sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_morning_again_staff_id_staff')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_morning_again')),
    )
    op.create_index(op.f('ix_morning_again_check_id'), 'morning_again', ['check_id'])
    with op.batch_alter_table('morning_check', naming_convention=NAMES) as check:
        check.add_column(sa.Column('resolved_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('morning_check', naming_convention=NAMES) as check:
        check.drop_column('resolved_at')
    for table in ('morning_again', 'morning_person', 'kitchen_worker'):
        op.drop_table(table)
