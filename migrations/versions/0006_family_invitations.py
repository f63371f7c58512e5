"""family invitations

Revision 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

from core.database import NAMES

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('family_invitation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('elder_id', sa.Integer(), nullable=False),
    sa.Column('code', sa.LargeBinary(), nullable=False),
    sa.Column('code_index', sa.LargeBinary(length=16), nullable=False),
    sa.Column('number', sa.LargeBinary(), nullable=False),
    sa.Column('number_index', sa.LargeBinary(length=16), nullable=False),
    sa.Column('sees_collected', sa.Boolean(), nullable=False),
    sa.Column('version', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('open','used','withdrawn')", name=op.f('ck_family_invitation_state')),
    sa.CheckConstraint("(state = 'used') = (used_at IS NOT NULL)", name=op.f('ck_family_invitation_used')),
    sa.CheckConstraint('made_at < expires_at', name=op.f('ck_family_invitation_order')),
    sa.ForeignKeyConstraint(['elder_id'], ['resident.id'], name=op.f('fk_family_invitation_elder_id_resident')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_family_invitation')),
    sa.UniqueConstraint('code_index', name=op.f('uq_family_invitation_code_index')),
    sa.UniqueConstraint('number_index', name=op.f('uq_family_invitation_number_index'))
    )
    op.create_index(op.f('ix_family_invitation_elder_id'), 'family_invitation', ['elder_id'], unique=False)
    op.create_index('uq_family_invitation_open', 'family_invitation', ['elder_id'], unique=True,
    sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))
    with op.batch_alter_table('family_link', naming_convention=NAMES) as link:
        link.add_column(sa.Column('invitation_id', sa.Integer(), nullable=True))
        link.create_foreign_key(
            'fk_family_link_invitation_id_family_invitation', 'family_invitation', ['invitation_id'], ['id']
        )
    op.create_index('uq_family_link_invitation', 'family_link', ['invitation_id'], unique=True)


def downgrade() -> None:
    op.drop_index('uq_family_link_invitation', table_name='family_link')
    with op.batch_alter_table('family_link', naming_convention=NAMES) as link:
        link.drop_constraint('fk_family_link_invitation_id_family_invitation', type_='foreignkey')
        link.drop_column('invitation_id')
    op.drop_table('family_invitation')
