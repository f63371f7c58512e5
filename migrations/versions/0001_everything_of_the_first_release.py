"""everything of the first release

Revision 0001, after .
"""

import sqlalchemy as sa
from alembic import op

from core.appendonly import AppendOnly
from core.intervals import Guard

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None

GUARDS = (
    Guard("policy", ("unit_id", "name", "subject"), ("starts_on", "ends_on"), dates=True),
    Guard("commitment", ("resident_id",), live="overlap_reason IS NULL"),
    Guard("outage", ("device_id",)),
    Guard("claim", ("unit_id",)),
)


def upgrade() -> None:
    op.create_table('audit',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_kind', sa.String(length=64), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=False),
    sa.Column('verb', sa.String(length=64), nullable=False),
    sa.Column('subject_kind', sa.String(length=64), nullable=False),
    sa.Column('subject_id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=True),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit'))
    )
    op.create_index('ix_audit_subject', 'audit', ['subject_kind', 'subject_id'], unique=False)
    op.create_table('event',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('payload', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_event'))
    )
    op.create_table('job_run',
    sa.Column('job', sa.String(length=64), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error', sa.String(length=400), nullable=True),
    sa.Column('runs', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('job', name=op.f('pk_job_run'))
    )
    op.create_table('lease',
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('holder', sa.String(length=64), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_lease'))
    )
    op.create_table('message',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('channel', sa.String(length=64), nullable=False),
    sa.Column('address', sa.LargeBinary(), nullable=False),
    sa.Column('subject', sa.LargeBinary(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('next_try_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error', sa.String(length=400), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_message')),
    sa.UniqueConstraint('key', name=op.f('uq_message_key'))
    )
    op.create_index('ix_message_due', 'message', ['sent_at', 'next_try_at'], unique=False)
    op.create_table('org_unit',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('parent_id', sa.Integer(), nullable=True),
    sa.Column('name_zh', sa.String(length=400), nullable=False),
    sa.Column('name_en', sa.String(length=400), nullable=False),
    sa.Column('name_hant', sa.String(length=400), nullable=False),
    sa.CheckConstraint("kind IN ('district','street','centre','department','case_unit','partner')", name=op.f('ck_org_unit_kind')),
    sa.ForeignKeyConstraint(['parent_id'], ['org_unit.id'], name=op.f('fk_org_unit_parent_id_org_unit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_org_unit')),
    sa.UniqueConstraint('code', name=op.f('uq_org_unit_code'))
    )
    op.create_index(op.f('ix_org_unit_parent_id'), 'org_unit', ['parent_id'], unique=False)
    op.create_table('request_key',
    sa.Column('scope', sa.String(length=64), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('body', sa.LargeBinary(length=32), nullable=False),
    sa.Column('answer', sa.LargeBinary(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('scope', 'key', name=op.f('pk_request_key'))
    )
    op.create_index(op.f('ix_request_key_expires_at'), 'request_key', ['expires_at'], unique=False)
    op.create_table('role',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_role')),
    sa.UniqueConstraint('name', name=op.f('uq_role_name'))
    )
    op.create_table('staff',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('email', sa.String(length=400), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('title_zh', sa.String(length=64), nullable=False),
    sa.Column('password', sa.String(length=400), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('fs_uniquifier', sa.String(length=64), nullable=False),
    sa.Column('is_demo', sa.Boolean(), nullable=False),
    sa.Column('tf_primary_method', sa.String(length=64), nullable=True),
    sa.Column('tf_totp_secret', sa.LargeBinary(), nullable=True),
    sa.Column('mf_recovery_codes', sa.JSON(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff')),
    sa.UniqueConstraint('email', name=op.f('uq_staff_email')),
    sa.UniqueConstraint('fs_uniquifier', name=op.f('uq_staff_fs_uniquifier'))
    )
    op.create_table('throttle',
    sa.Column('subject', sa.String(length=64), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('first_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('blocked_until', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('subject', name=op.f('pk_throttle'))
    )
    op.create_table('version',
    sa.Column('subject', sa.String(length=64), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('subject', name=op.f('pk_version'))
    )
    op.create_table('calendar_year',
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('published', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['unit_id'], ['org_unit.id'], name=op.f('fk_calendar_year_unit_id_org_unit')),
    sa.PrimaryKeyConstraint('unit_id', 'year', name=op.f('pk_calendar_year'))
    )
    op.create_table('centre',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('short_zh', sa.String(length=64), nullable=False),
    sa.Column('address_zh', sa.String(length=400), nullable=False),
    sa.Column('address_en', sa.String(length=400), nullable=False),
    sa.Column('phone', sa.String(length=64), nullable=False),
    sa.Column('zone', sa.String(length=64), nullable=False),
    sa.Column('settings_version', sa.Integer(), nullable=False),
    sa.Column('name_zh', sa.String(length=400), nullable=False),
    sa.Column('name_en', sa.String(length=400), nullable=False),
    sa.Column('name_hant', sa.String(length=400), nullable=False),
    sa.ForeignKeyConstraint(['id'], ['org_unit.id'], name=op.f('fk_centre_id_org_unit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_centre')),
    sa.UniqueConstraint('code', name=op.f('uq_centre_code'))
    )
    op.create_table('delivery',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=False),
    sa.Column('listener', sa.String(length=64), nullable=False),
    sa.Column('next_try_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error', sa.String(length=400), nullable=True),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_delivery_event_id_event')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery')),
    sa.UniqueConstraint('event_id', 'listener', name=op.f('uq_delivery_event_id_listener'))
    )
    op.create_index('ix_delivery_due', 'delivery', ['done_at', 'next_try_at'], unique=False)
    op.create_table('grant_',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('role', sa.String(length=64), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_grant__staff_id_staff')),
    sa.ForeignKeyConstraint(['unit_id'], ['org_unit.id'], name=op.f('fk_grant__unit_id_org_unit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_grant_')),
    sa.UniqueConstraint('staff_id', 'role', 'unit_id', name=op.f('uq_grant__staff_id_role_unit_id'))
    )
    op.create_table('policy',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('subject', sa.String(length=64), nullable=False),
    sa.Column('value', sa.JSON(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['unit_id'], ['org_unit.id'], name=op.f('fk_policy_unit_id_org_unit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_policy'))
    )
    op.create_index('ix_policy_line', 'policy', ['unit_id', 'name', 'subject', 'starts_on'], unique=False)
    op.create_table('staff_role',
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('role_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['role_id'], ['role.id'], name=op.f('fk_staff_role_role_id_role')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_staff_role_staff_id_staff')),
    sa.PrimaryKeyConstraint('staff_id', 'role_id', name=op.f('pk_staff_role'))
    )
    op.create_table('workday',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('name_zh', sa.String(length=400), nullable=False),
    sa.Column('name_en', sa.String(length=400), nullable=False),
    sa.Column('hours_of', sa.Integer(), nullable=True),
    sa.Column('provisional', sa.Boolean(), nullable=False),
    sa.CheckConstraint("kind IN ('holiday','makeup_workday','plain')", name=op.f('ck_workday_kind')),
    sa.CheckConstraint('hours_of IS NULL OR hours_of BETWEEN 0 AND 6', name=op.f('ck_workday_hours_of')),
    sa.ForeignKeyConstraint(['unit_id'], ['org_unit.id'], name=op.f('fk_workday_unit_id_org_unit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_workday')),
    sa.UniqueConstraint('unit_id', 'day', name=op.f('uq_workday_unit_id_day'))
    )
    op.create_table('device',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('secret_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('paired_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('report', sa.JSON(), nullable=False),
    sa.Column('order', sa.String(length=64), nullable=True),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_device_centre_id_centre')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_device')),
    sa.UniqueConstraint('secret_hash', name=op.f('uq_device_secret_hash'))
    )
    op.create_index(op.f('ix_device_centre_id'), 'device', ['centre_id'], unique=False)
    op.create_table('one_off',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('place', sa.String(length=64), nullable=False),
    sa.Column('is_open', sa.Boolean(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason_zh', sa.String(length=400), nullable=False),
    sa.Column('reason_en', sa.String(length=400), nullable=False),
    sa.CheckConstraint('starts_at < ends_at', name=op.f('ck_one_off_order')),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_one_off_centre_id_centre')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_one_off'))
    )
    op.create_index('ix_one_off_centre', 'one_off', ['centre_id', 'starts_at'], unique=False)
    op.create_table('pairing_code',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('device_name', sa.String(length=64), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_pairing_code_centre_id_centre')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pairing_code')),
    sa.UniqueConstraint('code_hash', name=op.f('uq_pairing_code_code_hash'))
    )
    op.create_table('resident',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('district_id', sa.Integer(), nullable=False),
    sa.Column('home_centre_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.String(length=400), nullable=False),
    sa.Column('born', sa.Date(), nullable=False),
    sa.Column('phone', sa.LargeBinary(), nullable=True),
    sa.Column('phone_index', sa.LargeBinary(length=16), nullable=True),
    sa.Column('phone_tail_index', sa.LargeBinary(length=16), nullable=True),
    sa.Column('email', sa.LargeBinary(), nullable=True),
    sa.Column('pin_hash', sa.String(length=400), nullable=True),
    sa.Column('pin_open_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('language', sa.String(length=64), nullable=False),
    sa.Column('settings', sa.JSON(), nullable=False),
    sa.Column('adapted_seat', sa.Boolean(), nullable=False),
    sa.Column('lifecycle', sa.String(length=64), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("language IN ('zh_Hans','zh_Hant','en')", name=op.f('ck_resident_language')),
    sa.CheckConstraint("lifecycle IN ('active','moved_away','deceased')", name=op.f('ck_resident_lifecycle')),
    sa.ForeignKeyConstraint(['district_id'], ['org_unit.id'], name=op.f('fk_resident_district_id_org_unit')),
    sa.ForeignKeyConstraint(['home_centre_id'], ['centre.id'], name=op.f('fk_resident_home_centre_id_centre')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_resident'))
    )
    op.create_index(op.f('ix_resident_district_id'), 'resident', ['district_id'], unique=False)
    op.create_index(op.f('ix_resident_home_centre_id'), 'resident', ['home_centre_id'], unique=False)
    op.create_index(op.f('ix_resident_name'), 'resident', ['name'], unique=False)
    op.create_index(op.f('ix_resident_phone_index'), 'resident', ['phone_index'], unique=False)
    op.create_index(op.f('ix_resident_phone_tail_index'), 'resident', ['phone_tail_index'], unique=False)
    op.create_table('space',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('floor', sa.Integer(), nullable=False),
    sa.Column('mode', sa.String(length=64), nullable=False),
    sa.Column('approval', sa.Boolean(), nullable=False),
    sa.Column('step_minutes', sa.Integer(), nullable=False),
    sa.Column('party_min', sa.Integer(), nullable=False),
    sa.Column('party_max', sa.Integer(), nullable=False),
    sa.Column('plan', sa.JSON(), nullable=False),
    sa.Column('access', sa.JSON(), nullable=False),
    sa.Column('name_zh', sa.String(length=400), nullable=False),
    sa.Column('name_en', sa.String(length=400), nullable=False),
    sa.Column('name_hant', sa.String(length=400), nullable=False),
    sa.CheckConstraint("mode IN ('seats','whole','appointments')", name=op.f('ck_space_mode')),
    sa.CheckConstraint('step_minutes IN (10, 15, 30, 60)', name=op.f('ck_space_step')),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_space_centre_id_centre')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_space')),
    sa.UniqueConstraint('centre_id', 'code', name=op.f('uq_space_centre_id_code'))
    )
    op.create_table('weekly_hours',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('weekday', sa.Integer(), nullable=False),
    sa.Column('opens', sa.Time(), nullable=False),
    sa.Column('closes', sa.Time(), nullable=False),
    sa.CheckConstraint('opens < closes', name=op.f('ck_weekly_hours_order')),
    sa.CheckConstraint('weekday BETWEEN 0 AND 6', name=op.f('ck_weekly_hours_weekday')),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_weekly_hours_centre_id_centre')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_weekly_hours')),
    sa.UniqueConstraint('centre_id', 'weekday', 'opens', name=op.f('uq_weekly_hours_centre_id_weekday_opens'))
    )
    op.create_table('call',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('device_id', sa.Integer(), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('page', sa.String(length=64), nullable=False),
    sa.Column('language', sa.String(length=64), nullable=False),
    sa.Column('elder', sa.Boolean(), nullable=False),
    sa.Column('called_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_by', sa.Integer(), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.CheckConstraint("state IN ('open','coming','done','withdrawn')", name=op.f('ck_call_state')),
    sa.ForeignKeyConstraint(['answered_by'], ['staff.id'], name=op.f('fk_call_answered_by_staff')),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_call_centre_id_centre')),
    sa.ForeignKeyConstraint(['device_id'], ['device.id'], name=op.f('fk_call_device_id_device')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_call'))
    )
    op.create_index('ix_call_centre', 'call', ['centre_id', 'called_at'], unique=False)
    op.create_index('uq_call_open', 'call', ['device_id'], unique=True, sqlite_where=sa.text("state IN ('open','coming')"), postgresql_where=sa.text("state IN ('open','coming')"))
    op.create_table('card',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('resident_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('code_hash', sa.LargeBinary(length=32), nullable=True),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_why', sa.String(length=64), nullable=True),
    sa.CheckConstraint("kind <> 'centre' OR code_hash IS NOT NULL", name=op.f('ck_card_code')),
    sa.CheckConstraint("kind IN ('centre','linked')", name=op.f('ck_card_kind')),
    sa.ForeignKeyConstraint(['resident_id'], ['resident.id'], name=op.f('fk_card_resident_id_resident')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card')),
    sa.UniqueConstraint('code_hash', name=op.f('uq_card_code_hash'))
    )
    op.create_index(op.f('ix_card_resident_id'), 'card', ['resident_id'], unique=False)
    op.create_index('uq_card_live_number', 'card', ['number'], unique=True, sqlite_where=sa.text('revoked_at IS NULL'), postgresql_where=sa.text('revoked_at IS NULL'))
    op.create_table('commitment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('resident_id', sa.Integer(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('ref_id', sa.Integer(), nullable=False),
    sa.Column('overlap_reason', sa.String(length=400), nullable=True),
    sa.CheckConstraint('starts_at < ends_at', name=op.f('ck_commitment_order')),
    sa.ForeignKeyConstraint(['resident_id'], ['resident.id'], name=op.f('fk_commitment_resident_id_resident')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_commitment')),
    sa.UniqueConstraint('kind', 'ref_id', name=op.f('uq_commitment_kind_ref_id'))
    )
    op.create_index('ix_commitment_line', 'commitment', ['resident_id', 'starts_at'], unique=False)
    op.create_table('confirmed_phone',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('resident_id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['resident_id'], ['resident.id'], name=op.f('fk_confirmed_phone_resident_id_resident')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_confirmed_phone')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_confirmed_phone_token_hash'))
    )
    op.create_index(op.f('ix_confirmed_phone_resident_id'), 'confirmed_phone', ['resident_id'], unique=False)
    op.create_table('consent',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('resident_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('version', sa.String(length=64), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('given_where', sa.String(length=64), nullable=False),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("kind IN ('profile','settings','messages')", name=op.f('ck_consent_kind')),
    sa.ForeignKeyConstraint(['resident_id'], ['resident.id'], name=op.f('fk_consent_resident_id_resident')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consent'))
    )
    op.create_index('uq_consent_live', 'consent', ['resident_id', 'kind'], unique=True, sqlite_where=sa.text('withdrawn_at IS NULL'), postgresql_where=sa.text('withdrawn_at IS NULL'))
    op.create_table('outage',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('device_id', sa.Integer(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('starts_at < ends_at', name=op.f('ck_outage_order')),
    sa.ForeignKeyConstraint(['device_id'], ['device.id'], name=op.f('fk_outage_device_id_device')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outage'))
    )
    op.create_index('ix_outage_line', 'outage', ['device_id', 'starts_at'], unique=False)
    op.create_table('space_hours',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('space_id', sa.Integer(), nullable=False),
    sa.Column('weekday', sa.Integer(), nullable=False),
    sa.Column('opens', sa.Time(), nullable=False),
    sa.Column('closes', sa.Time(), nullable=False),
    sa.CheckConstraint('opens < closes', name=op.f('ck_space_hours_order')),
    sa.CheckConstraint('weekday BETWEEN 0 AND 6', name=op.f('ck_space_hours_weekday')),
    sa.ForeignKeyConstraint(['space_id'], ['space.id'], name=op.f('fk_space_hours_space_id_space')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_space_hours')),
    sa.UniqueConstraint('space_id', 'weekday', 'opens', name=op.f('uq_space_hours_space_id_weekday_opens'))
    )
    op.create_table('unit',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('space_id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('table_code', sa.String(length=64), nullable=False),
    sa.Column('x', sa.Integer(), nullable=False),
    sa.Column('y', sa.Integer(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('wheelchair', sa.Boolean(), nullable=False),
    sa.Column('walk_in', sa.Boolean(), nullable=False),
    sa.Column('traits', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['space_id'], ['space.id'], name=op.f('fk_unit_space_id_space')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_unit')),
    sa.UniqueConstraint('space_id', 'code', name=op.f('uq_unit_space_id_code'))
    )
    op.create_table('visit',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('device_id', sa.Integer(), nullable=True),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('resident_id', sa.Integer(), nullable=True),
    sa.Column('level', sa.String(length=64), nullable=False),
    sa.Column('phone_index', sa.LargeBinary(length=16), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(resident_id IS NULL) = (level = 'nobody')", name=op.f('ck_visit_known')),
    sa.CheckConstraint("level IN ('nobody','card','pin')", name=op.f('ck_visit_level')),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_visit_centre_id_centre')),
    sa.ForeignKeyConstraint(['device_id'], ['device.id'], name=op.f('fk_visit_device_id_device')),
    sa.ForeignKeyConstraint(['resident_id'], ['resident.id'], name=op.f('fk_visit_resident_id_resident')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_visit')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_visit_token_hash'))
    )
    op.create_index(op.f('ix_visit_device_id'), 'visit', ['device_id'], unique=False)
    op.create_index('ix_visit_open', 'visit', ['ended_at', 'expires_at'], unique=False)
    op.create_table('booking',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('space_id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=True),
    sa.Column('resident_id', sa.Integer(), nullable=True),
    sa.Column('title', sa.String(length=400), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('code', sa.LargeBinary(), nullable=False),
    sa.Column('code_index', sa.LargeBinary(length=16), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('local_day', sa.Date(), nullable=False),
    sa.Column('party', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.Column('channel', sa.String(length=64), nullable=False),
    sa.Column('booked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('undo_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('free_cancel_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('check_in_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('check_in_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('checked_in_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.String(length=400), nullable=False),
    sa.CheckConstraint("resident_id IS NOT NULL OR title <> ''", name=op.f('ck_booking_whom')),
    sa.CheckConstraint("state IN ('booked','in_use','left','cancelled','no_show')", name=op.f('ck_booking_state')),
    sa.CheckConstraint('party >= 1', name=op.f('ck_booking_party')),
    sa.CheckConstraint('starts_at < ends_at', name=op.f('ck_booking_order')),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_booking_centre_id_centre')),
    sa.ForeignKeyConstraint(['resident_id'], ['resident.id'], name=op.f('fk_booking_resident_id_resident')),
    sa.ForeignKeyConstraint(['space_id'], ['space.id'], name=op.f('fk_booking_space_id_space')),
    sa.ForeignKeyConstraint(['unit_id'], ['unit.id'], name=op.f('fk_booking_unit_id_unit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_booking')),
    sa.UniqueConstraint('code_index', name=op.f('uq_booking_code_index')),
    sa.UniqueConstraint('number', name=op.f('uq_booking_number'))
    )
    op.create_index('ix_booking_centre_start', 'booking', ['centre_id', 'starts_at'], unique=False)
    op.create_index('ix_booking_resident_day', 'booking', ['resident_id', 'local_day'], unique=False)
    op.create_index('ix_booking_space_day', 'booking', ['space_id', 'local_day'], unique=False)
    op.create_table('claim',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('use_ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('booking_id', sa.Integer(), nullable=True),
    sa.Column('visit_id', sa.Integer(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('(booking_id IS NULL) <> (visit_id IS NULL)', name=op.f('ck_claim_whose')),
    sa.CheckConstraint('starts_at < ends_at', name=op.f('ck_claim_order')),
    sa.CheckConstraint('visit_id IS NULL OR expires_at IS NOT NULL', name=op.f('ck_claim_holds_expire')),
    sa.ForeignKeyConstraint(['booking_id'], ['booking.id'], name=op.f('fk_claim_booking_id_booking')),
    sa.ForeignKeyConstraint(['unit_id'], ['unit.id'], name=op.f('fk_claim_unit_id_unit')),
    sa.ForeignKeyConstraint(['visit_id'], ['visit.id'], name=op.f('fk_claim_visit_id_visit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_claim')),
    sa.UniqueConstraint('visit_id', name=op.f('uq_claim_visit_id'))
    )
    op.create_index('ix_claim_booking', 'claim', ['booking_id'], unique=False)
    op.create_index('ix_claim_expires', 'claim', ['expires_at'], unique=False)
    op.create_index('ix_claim_line', 'claim', ['unit_id', 'starts_at'], unique=False)
    op.create_table('violation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('resident_id', sa.Integer(), nullable=False),
    sa.Column('booking_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("kind IN ('no_show','late_cancel')", name=op.f('ck_violation_kind')),
    sa.ForeignKeyConstraint(['booking_id'], ['booking.id'], name=op.f('fk_violation_booking_id_booking')),
    sa.ForeignKeyConstraint(['resident_id'], ['resident.id'], name=op.f('fk_violation_resident_id_resident')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_violation')),
    sa.UniqueConstraint('booking_id', 'kind', name=op.f('uq_violation_booking_id_kind'))
    )
    op.create_index('ix_violation_resident', 'violation', ['resident_id', 'at'], unique=False)
    for guard in GUARDS:
        guard.create(op.get_bind())
    for table in ("audit",):
        AppendOnly(table).create(op.get_bind())


def downgrade() -> None:
    op.drop_index('ix_violation_resident', table_name='violation')
    op.drop_table('violation')
    op.drop_index('ix_claim_line', table_name='claim')
    op.drop_index('ix_claim_expires', table_name='claim')
    op.drop_index('ix_claim_booking', table_name='claim')
    op.drop_table('claim')
    op.drop_index('ix_booking_space_day', table_name='booking')
    op.drop_index('ix_booking_resident_day', table_name='booking')
    op.drop_index('ix_booking_centre_start', table_name='booking')
    op.drop_table('booking')
    op.drop_index('ix_visit_open', table_name='visit')
    op.drop_index(op.f('ix_visit_device_id'), table_name='visit')
    op.drop_table('visit')
    op.drop_table('unit')
    op.drop_table('space_hours')
    op.drop_index('ix_outage_line', table_name='outage')
    op.drop_table('outage')
    op.drop_index('uq_consent_live', table_name='consent', sqlite_where=sa.text('withdrawn_at IS NULL'), postgresql_where=sa.text('withdrawn_at IS NULL'))
    op.drop_table('consent')
    op.drop_index(op.f('ix_confirmed_phone_resident_id'), table_name='confirmed_phone')
    op.drop_table('confirmed_phone')
    op.drop_index('ix_commitment_line', table_name='commitment')
    op.drop_table('commitment')
    op.drop_index('uq_card_live_number', table_name='card', sqlite_where=sa.text('revoked_at IS NULL'), postgresql_where=sa.text('revoked_at IS NULL'))
    op.drop_index(op.f('ix_card_resident_id'), table_name='card')
    op.drop_table('card')
    op.drop_index('uq_call_open', table_name='call', sqlite_where=sa.text("state IN ('open','coming')"), postgresql_where=sa.text("state IN ('open','coming')"))
    op.drop_index('ix_call_centre', table_name='call')
    op.drop_table('call')
    op.drop_table('weekly_hours')
    op.drop_table('space')
    op.drop_index(op.f('ix_resident_phone_tail_index'), table_name='resident')
    op.drop_index(op.f('ix_resident_phone_index'), table_name='resident')
    op.drop_index(op.f('ix_resident_name'), table_name='resident')
    op.drop_index(op.f('ix_resident_home_centre_id'), table_name='resident')
    op.drop_index(op.f('ix_resident_district_id'), table_name='resident')
    op.drop_table('resident')
    op.drop_table('pairing_code')
    op.drop_index('ix_one_off_centre', table_name='one_off')
    op.drop_table('one_off')
    op.drop_index(op.f('ix_device_centre_id'), table_name='device')
    op.drop_table('device')
    op.drop_table('workday')
    op.drop_table('staff_role')
    op.drop_index('ix_policy_line', table_name='policy')
    op.drop_table('policy')
    op.drop_table('grant_')
    op.drop_index('ix_delivery_due', table_name='delivery')
    op.drop_table('delivery')
    op.drop_table('centre')
    op.drop_table('calendar_year')
    op.drop_table('version')
    op.drop_table('throttle')
    op.drop_table('staff')
    op.drop_table('role')
    op.drop_index(op.f('ix_request_key_expires_at'), table_name='request_key')
    op.drop_table('request_key')
    op.drop_index(op.f('ix_org_unit_parent_id'), table_name='org_unit')
    op.drop_table('org_unit')
    op.drop_index('ix_message_due', table_name='message')
    op.drop_table('message')
    op.drop_table('lease')
    op.drop_table('job_run')
    op.drop_table('event')
    op.drop_index('ix_audit_subject', table_name='audit')
    op.drop_table('audit')
