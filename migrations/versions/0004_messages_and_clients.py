"""messages and clients

Revision 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('message', sa.Column('kind', sa.String(length=64), nullable=False, server_default=''))
    op.add_column('message', sa.Column('centre_id', sa.Integer(), nullable=True))
    op.add_column('message', sa.Column('resident_id', sa.Integer(), nullable=True))
    op.add_column('message', sa.Column('target_id', sa.Integer(), nullable=True))
    op.add_column('message', sa.Column('called_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index('ix_message_centre', 'message', ['centre_id', 'made_at'], unique=False)
    op.create_table('hall_notice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('words_zh', sa.String(length=400), nullable=False),
    sa.Column('words_en', sa.String(length=400), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('starts_at < ends_at', name=op.f('ck_hall_notice_order')),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_hall_notice_centre_id_centre')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hall_notice')),
    sa.UniqueConstraint('key', name=op.f('uq_hall_notice_key'))
    )
    op.create_index('ix_hall_notice_centre', 'hall_notice', ['centre_id', 'ends_at'], unique=False)
    op.create_table('message_template',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('language', sa.String(length=64), nullable=False),
    sa.Column('subject', sa.String(length=400), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("language IN ('zh_Hans','zh_Hant','en')", name=op.f('ck_message_template_language')),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_message_template_centre_id_centre')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_message_template')),
    sa.UniqueConstraint('centre_id', 'kind', 'language', name=op.f('uq_message_template_centre_id_kind_language'))
    )
    op.create_table('staff_group',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('url', sa.LargeBinary(), nullable=False),
    sa.Column('kinds', sa.JSON(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_staff_group_centre_id_centre')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_group'))
    )
    op.create_index(op.f('ix_staff_group_centre_id'), 'staff_group', ['centre_id'], unique=False)
    op.create_table('api_client',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('key_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('key_tail', sa.String(length=64), nullable=False),
    sa.Column('scopes', sa.JSON(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_by', sa.Integer(), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('minute_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('minute_calls', sa.Integer(), nullable=False),
    sa.Column('minute_most', sa.Integer(), nullable=False),
    sa.Column('hook_url', sa.LargeBinary(), nullable=True),
    sa.Column('hook_secret', sa.LargeBinary(), nullable=True),
    sa.Column('hook_kinds', sa.JSON(), nullable=False),
    sa.CheckConstraint('minute_calls >= 0', name=op.f('ck_api_client_calls')),
    sa.CheckConstraint('minute_most > 0', name=op.f('ck_api_client_most')),
    sa.CheckConstraint('(hook_url IS NULL) = (hook_secret IS NULL)', name=op.f('ck_api_client_hook')),
    sa.ForeignKeyConstraint(['made_by'], ['staff.id'], name=op.f('fk_api_client_made_by_staff')),
    sa.ForeignKeyConstraint(['unit_id'], ['org_unit.id'], name=op.f('fk_api_client_unit_id_org_unit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_client')),
    sa.UniqueConstraint('key_hash', name=op.f('uq_api_client_key_hash'))
    )
    op.create_index(op.f('ix_api_client_unit_id'), 'api_client', ['unit_id'], unique=False)
    op.create_table('claim_correction',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('order_id', sa.Integer(), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('settled_by', sa.Integer(), nullable=True),
    sa.Column('note', sa.String(length=400), nullable=False),
    sa.CheckConstraint("kind IN ('same_meal','week')", name=op.f('ck_claim_correction_kind')),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_claim_correction_amount')),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_claim_correction_centre_id_centre')),
    sa.ForeignKeyConstraint(['order_id'], ['meal_order.id'], name=op.f('fk_claim_correction_order_id_meal_order')),
    sa.ForeignKeyConstraint(['settled_by'], ['staff.id'], name=op.f('fk_claim_correction_settled_by_staff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_claim_correction')),
    sa.UniqueConstraint('order_id', name=op.f('uq_claim_correction_order_id'))
    )
    op.create_index('ix_claim_correction_open', 'claim_correction', ['centre_id', 'settled_at'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_claim_correction_open', table_name='claim_correction')
    op.drop_table('claim_correction')
    op.drop_index(op.f('ix_api_client_unit_id'), table_name='api_client')
    op.drop_table('api_client')
    op.drop_index(op.f('ix_staff_group_centre_id'), table_name='staff_group')
    op.drop_table('staff_group')
    op.drop_table('message_template')
    op.drop_index('ix_hall_notice_centre', table_name='hall_notice')
    op.drop_table('hall_notice')
    op.drop_index('ix_message_centre', table_name='message')
    for column in ('called_at', 'target_id', 'resident_id', 'centre_id', 'kind'):
        op.drop_column('message', column)
