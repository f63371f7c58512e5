"""the canteen

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

from core.appendonly import AppendOnly
from core.balances import Balance
from core.database import NAMES
from core.intervals import Guard

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

GUARDS = (
    Guard("resident_status", ("resident_id", "kind"), ("starts_on", "ends_on"), dates=True),
    Guard("subsidy_rule", ("unit_id", "code"), ("starts_on", "ends_on"), dates=True),
    Guard("promotion", ("unit_id", "code"), ("starts_on", "ends_on"), dates=True),
)
APPEND = (AppendOnly("transfer"), AppendOnly("settlement_line"))
BALANCE = Balance("transfer", "account", "debit_id", "credit_id", "amount_fen", "balance_fen")


def upgrade() -> None:
    op.create_table('approval',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('subject_id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.Column('reason', sa.String(length=400), nullable=False),
    sa.Column('asked_by', sa.Integer(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.Column('decided_by', sa.Integer(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answer', sa.String(length=400), nullable=False),
    sa.CheckConstraint("decided_by IS NULL OR decided_by <> asked_by OR state = 'withdrawn'", name=op.f('ck_approval_two_people')),
    sa.CheckConstraint("state IN ('open','approved','refused','withdrawn')", name=op.f('ck_approval_state')),
    sa.ForeignKeyConstraint(['asked_by'], ['staff.id'], name=op.f('fk_approval_asked_by_staff')),
    sa.ForeignKeyConstraint(['decided_by'], ['staff.id'], name=op.f('fk_approval_decided_by_staff')),
    sa.ForeignKeyConstraint(['unit_id'], ['org_unit.id'], name=op.f('fk_approval_unit_id_org_unit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_approval'))
    )
    op.create_index('ix_approval_open', 'approval', ['state', 'unit_id'], unique=False)
    op.create_index('uq_approval_open', 'approval', ['kind', 'subject_id'], unique=True, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))
    op.create_table('building',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('lift', sa.Boolean(), nullable=False),
    sa.Column('floors', sa.Integer(), nullable=False),
    sa.Column('cell', sa.String(length=64), nullable=False),
    sa.Column('latitude', sa.Double(), nullable=True),
    sa.Column('longitude', sa.Double(), nullable=True),
    sa.Column('name_zh', sa.String(length=400), nullable=False),
    sa.Column('name_en', sa.String(length=400), nullable=False),
    sa.Column('name_hant', sa.String(length=400), nullable=False),
    sa.ForeignKeyConstraint(['unit_id'], ['org_unit.id'], name=op.f('fk_building_unit_id_org_unit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_building')),
    sa.UniqueConstraint('code', name=op.f('uq_building_code'))
    )
    op.create_index(op.f('ix_building_unit_id'), 'building', ['unit_id'], unique=False)
    op.create_table('file',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=True),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('mime', sa.String(length=64), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('digest', sa.LargeBinary(length=32), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('gone_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('size >= 0', name=op.f('ck_file_size')),
    sa.ForeignKeyConstraint(['unit_id'], ['org_unit.id'], name=op.f('fk_file_unit_id_org_unit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_file')),
    sa.UniqueConstraint('key', name=op.f('uq_file_key'))
    )
    op.create_table('promotion',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('off_fen', sa.BigInteger(), nullable=False),
    sa.Column('min_age', sa.Integer(), nullable=False),
    sa.Column('meals', sa.JSON(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.Column('name_zh', sa.String(length=400), nullable=False),
    sa.Column('name_en', sa.String(length=400), nullable=False),
    sa.Column('name_hant', sa.String(length=400), nullable=False),
    sa.CheckConstraint('off_fen > 0', name=op.f('ck_promotion_off')),
    sa.ForeignKeyConstraint(['unit_id'], ['org_unit.id'], name=op.f('fk_promotion_unit_id_org_unit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_promotion'))
    )
    op.create_index('ix_promotion_line', 'promotion', ['unit_id', 'code', 'starts_on'], unique=False)
    op.create_table('subsidy_rule',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('tier', sa.String(length=64), nullable=False),
    sa.Column('conditions', sa.JSON(), nullable=False),
    sa.Column('applies', sa.JSON(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('source', sa.String(length=400), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.CheckConstraint("kind IN ('meal','delivery','operating')", name=op.f('ck_subsidy_rule_kind')),
    sa.CheckConstraint('amount_fen >= 0', name=op.f('ck_subsidy_rule_amount')),
    sa.ForeignKeyConstraint(['unit_id'], ['org_unit.id'], name=op.f('fk_subsidy_rule_unit_id_org_unit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_subsidy_rule'))
    )
    op.create_index('ix_subsidy_rule_line', 'subsidy_rule', ['unit_id', 'code', 'starts_on'], unique=False)
    op.create_table('canteen',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('operator_id', sa.Integer(), nullable=True),
    sa.Column('account_operator', sa.String(length=400), nullable=False),
    sa.Column('name_zh', sa.String(length=400), nullable=False),
    sa.Column('name_en', sa.String(length=400), nullable=False),
    sa.Column('name_hant', sa.String(length=400), nullable=False),
    sa.ForeignKeyConstraint(['id'], ['centre.id'], name=op.f('fk_canteen_id_centre')),
    sa.ForeignKeyConstraint(['operator_id'], ['org_unit.id'], name=op.f('fk_canteen_operator_id_org_unit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_canteen'))
    )
    op.create_table('dish',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('price_fen', sa.BigInteger(), nullable=False),
    sa.Column('labels', sa.JSON(), nullable=False),
    sa.Column('allergens', sa.JSON(), nullable=False),
    sa.Column('pungent', sa.Boolean(), nullable=False),
    sa.Column('texture', sa.String(length=64), nullable=False),
    sa.Column('spoken', sa.String(length=400), nullable=False),
    sa.Column('recipe', sa.JSON(), nullable=False),
    sa.Column('photo_id', sa.Integer(), nullable=True),
    sa.Column('art', sa.String(length=64), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('name_zh', sa.String(length=400), nullable=False),
    sa.Column('name_en', sa.String(length=400), nullable=False),
    sa.Column('name_hant', sa.String(length=400), nullable=False),
    sa.CheckConstraint("kind IN ('main','vegetable','soup','staple','breakfast')", name=op.f('ck_dish_kind')),
    sa.CheckConstraint("texture IN ('regular','soft','minced','puree')", name=op.f('ck_dish_texture')),
    sa.CheckConstraint('price_fen >= 0', name=op.f('ck_dish_price')),
    sa.ForeignKeyConstraint(['photo_id'], ['file.id'], name=op.f('fk_dish_photo_id_file')),
    sa.ForeignKeyConstraint(['unit_id'], ['org_unit.id'], name=op.f('fk_dish_unit_id_org_unit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dish')),
    sa.UniqueConstraint('unit_id', 'code', name=op.f('uq_dish_unit_id_code'))
    )
    op.create_table('settlement',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('month', sa.Date(), nullable=False),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sealed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sealed_by', sa.Integer(), nullable=True),
    sa.Column('claimed_fen', sa.BigInteger(), nullable=False),
    sa.Column('paid_fen', sa.BigInteger(), nullable=True),
    sa.Column('paid_on', sa.Date(), nullable=True),
    sa.Column('totals', sa.JSON(), nullable=False),
    sa.CheckConstraint("state IN ('draft','sealed','paid')", name=op.f('ck_settlement_state')),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_settlement_centre_id_centre')),
    sa.ForeignKeyConstraint(['sealed_by'], ['staff.id'], name=op.f('fk_settlement_sealed_by_staff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_settlement')),
    sa.UniqueConstraint('centre_id', 'month', name=op.f('uq_settlement_centre_id_month'))
    )
    op.create_table('account',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('resident_id', sa.Integer(), nullable=True),
    sa.Column('balance_fen', sa.BigInteger(), nullable=False),
    sa.Column('blocked_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(kind = 'resident') = (resident_id IS NOT NULL)", name=op.f('ck_account_whose')),
    sa.CheckConstraint("kind IN ('resident','cash','outside','held','sales','subsidy','promotion','refund_due','difference')", name=op.f('ck_account_kind')),
    sa.CheckConstraint("kind NOT IN ('resident','held','refund_due') OR balance_fen >= 0", name=op.f('ck_account_not_below')),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_account_centre_id_centre')),
    sa.ForeignKeyConstraint(['resident_id'], ['resident.id'], name=op.f('fk_account_resident_id_resident')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account'))
    )
    op.create_index('uq_account_kind', 'account', ['centre_id', 'kind'], unique=True, sqlite_where=sa.text('resident_id IS NULL'), postgresql_where=sa.text('resident_id IS NULL'))
    op.create_index('uq_account_resident', 'account', ['resident_id'], unique=True, sqlite_where=sa.text('resident_id IS NOT NULL'), postgresql_where=sa.text('resident_id IS NOT NULL'))
    op.create_table('call_task',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('resident_id', sa.Integer(), nullable=False),
    sa.Column('words', sa.LargeBinary(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('note', sa.LargeBinary(), nullable=True),
    sa.CheckConstraint("kind IN ('care','nobody_home','message')", name=op.f('ck_call_task_kind')),
    sa.CheckConstraint("state IN ('open','again','reached','closed')", name=op.f('ck_call_task_state')),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_call_task_centre_id_centre')),
    sa.ForeignKeyConstraint(['resident_id'], ['resident.id'], name=op.f('fk_call_task_resident_id_resident')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_call_task_staff_id_staff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_call_task')),
    sa.UniqueConstraint('key', name=op.f('uq_call_task_key'))
    )
    op.create_index('ix_call_task_open', 'call_task', ['centre_id', 'state', 'due_at'], unique=False)
    op.create_index(op.f('ix_call_task_resident_id'), 'call_task', ['resident_id'], unique=False)
    op.create_table('diet_profile',
    sa.Column('resident_id', sa.Integer(), nullable=False),
    sa.Column('allergens', sa.JSON(), nullable=False),
    sa.Column('labels', sa.JSON(), nullable=False),
    sa.Column('texture', sa.String(length=64), nullable=False),
    sa.Column('avoid', sa.LargeBinary(), nullable=True),
    sa.CheckConstraint("texture IN ('regular','soft','minced','puree')", name=op.f('ck_diet_profile_texture')),
    sa.ForeignKeyConstraint(['resident_id'], ['resident.id'], name=op.f('fk_diet_profile_resident_id_resident')),
    sa.PrimaryKeyConstraint('resident_id', name=op.f('pk_diet_profile'))
    )
    op.create_table('family_link',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('elder_id', sa.Integer(), nullable=False),
    sa.Column('proxy_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.Column('sees_collected', sa.Boolean(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('agreed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_by', sa.String(length=64), nullable=False),
    sa.CheckConstraint("state IN ('asked','active','ended')", name=op.f('ck_family_link_state')),
    sa.CheckConstraint('elder_id <> proxy_id', name=op.f('ck_family_link_two')),
    sa.ForeignKeyConstraint(['elder_id'], ['resident.id'], name=op.f('fk_family_link_elder_id_resident')),
    sa.ForeignKeyConstraint(['proxy_id'], ['resident.id'], name=op.f('fk_family_link_proxy_id_resident')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_family_link'))
    )
    op.create_index('ix_family_link_proxy', 'family_link', ['proxy_id', 'state'], unique=False)
    op.create_index('uq_family_link_live', 'family_link', ['elder_id', 'proxy_id'], unique=True, sqlite_where=sa.text("state <> 'ended'"), postgresql_where=sa.text("state <> 'ended'"))
    op.create_table('menu',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('canteen_id', sa.Integer(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('meal', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.Column('serves_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('serves_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('cutoff_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('missed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('times_version', sa.Integer(), nullable=False),
    sa.Column('workday', sa.Boolean(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('walk_in', sa.Integer(), nullable=False),
    sa.Column('walk_in_taken', sa.Integer(), nullable=False),
    sa.Column('pick_up_last', sa.Integer(), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failed_reason', sa.String(length=400), nullable=False),
    sa.CheckConstraint("meal IN ('breakfast','lunch','dinner')", name=op.f('ck_menu_meal')),
    sa.CheckConstraint("state IN ('draft','published','failed')", name=op.f('ck_menu_state')),
    sa.CheckConstraint('serves_from < serves_until AND cutoff_at < serves_until', name=op.f('ck_menu_order')),
    sa.CheckConstraint('walk_in_taken BETWEEN 0 AND walk_in', name=op.f('ck_menu_walk_in')),
    sa.ForeignKeyConstraint(['canteen_id'], ['canteen.id'], name=op.f('fk_menu_canteen_id_canteen')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_menu')),
    sa.UniqueConstraint('canteen_id', 'day', 'meal', name=op.f('uq_menu_canteen_id_day_meal'))
    )
    op.create_index('ix_menu_cutoff', 'menu', ['state', 'closed_at', 'cutoff_at'], unique=False)
    op.create_table('morning_check',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('canteen_id', sa.Integer(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('items', sa.JSON(), nullable=False),
    sa.Column('passed', sa.Boolean(), nullable=False),
    sa.Column('note', sa.String(length=400), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['canteen_id'], ['canteen.id'], name=op.f('fk_morning_check_canteen_id_canteen')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_morning_check_staff_id_staff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_morning_check')),
    sa.UniqueConstraint('canteen_id', 'day', name=op.f('uq_morning_check_canteen_id_day'))
    )
    op.create_table('resident_status',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('resident_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.CheckConstraint('ends_on IS NULL OR starts_on < ends_on', name=op.f('ck_resident_status_order')),
    sa.ForeignKeyConstraint(['resident_id'], ['resident.id'], name=op.f('fk_resident_status_resident_id_resident')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_resident_status'))
    )
    op.create_index('ix_resident_status_line', 'resident_status', ['resident_id', 'kind', 'starts_on'], unique=False)
    op.create_table('serving_hours',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('canteen_id', sa.Integer(), nullable=False),
    sa.Column('weekday', sa.Integer(), nullable=False),
    sa.Column('meal', sa.String(length=64), nullable=False),
    sa.Column('opens', sa.Time(), nullable=False),
    sa.Column('closes', sa.Time(), nullable=False),
    sa.CheckConstraint("meal IN ('breakfast','lunch','dinner')", name=op.f('ck_serving_hours_meal')),
    sa.CheckConstraint('opens < closes', name=op.f('ck_serving_hours_order')),
    sa.CheckConstraint('weekday BETWEEN 0 AND 6', name=op.f('ck_serving_hours_weekday')),
    sa.ForeignKeyConstraint(['canteen_id'], ['canteen.id'], name=op.f('fk_serving_hours_canteen_id_canteen')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_serving_hours')),
    sa.UniqueConstraint('canteen_id', 'weekday', 'meal', name=op.f('uq_serving_hours_canteen_id_weekday_meal'))
    )
    op.create_table('standing_order',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('resident_id', sa.Integer(), nullable=False),
    sa.Column('canteen_id', sa.Integer(), nullable=False),
    sa.Column('meal', sa.String(length=64), nullable=False),
    sa.Column('weekdays', sa.JSON(), nullable=False),
    sa.Column('labels', sa.JSON(), nullable=False),
    sa.Column('avoid', sa.JSON(), nullable=False),
    sa.Column('texture', sa.String(length=64), nullable=False),
    sa.Column('gateway', sa.String(length=64), nullable=False),
    sa.Column('delivery', sa.Boolean(), nullable=False),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_why', sa.String(length=64), nullable=False),
    sa.CheckConstraint("state IN ('active','ended')", name=op.f('ck_standing_order_state')),
    sa.ForeignKeyConstraint(['canteen_id'], ['canteen.id'], name=op.f('fk_standing_order_canteen_id_canteen')),
    sa.ForeignKeyConstraint(['resident_id'], ['resident.id'], name=op.f('fk_standing_order_resident_id_resident')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_standing_order'))
    )
    op.create_index('uq_standing_order_live', 'standing_order', ['resident_id', 'canteen_id', 'meal'], unique=True, sqlite_where=sa.text("state = 'active'"), postgresql_where=sa.text("state = 'active'"))
    op.create_table('delivery_run',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('menu_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('carrier_name', sa.String(length=64), nullable=False),
    sa.Column('carrier_staff_id', sa.Integer(), nullable=True),
    sa.Column('carrier_resident_id', sa.Integer(), nullable=True),
    sa.Column('code', sa.LargeBinary(), nullable=False),
    sa.Column('code_index', sa.LargeBinary(length=16), nullable=False),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('planned','out','done')", name=op.f('ck_delivery_run_state')),
    sa.ForeignKeyConstraint(['carrier_resident_id'], ['resident.id'], name=op.f('fk_delivery_run_carrier_resident_id_resident')),
    sa.ForeignKeyConstraint(['carrier_staff_id'], ['staff.id'], name=op.f('fk_delivery_run_carrier_staff_id_staff')),
    sa.ForeignKeyConstraint(['menu_id'], ['menu.id'], name=op.f('fk_delivery_run_menu_id_menu')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery_run')),
    sa.UniqueConstraint('code_index', name=op.f('uq_delivery_run_code_index'))
    )
    op.create_index(op.f('ix_delivery_run_menu_id'), 'delivery_run', ['menu_id'], unique=False)
    op.create_table('food_sample',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('menu_id', sa.Integer(), nullable=False),
    sa.Column('dish_id', sa.Integer(), nullable=False),
    sa.Column('grams', sa.Integer(), nullable=False),
    sa.Column('taken_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('taken_by', sa.Integer(), nullable=True),
    sa.Column('keep_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('discarded_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('discarded_by', sa.Integer(), nullable=True),
    sa.CheckConstraint('discarded_at IS NULL OR discarded_at >= keep_until', name=op.f('ck_food_sample_kept')),
    sa.CheckConstraint('grams > 0', name=op.f('ck_food_sample_grams')),
    sa.ForeignKeyConstraint(['discarded_by'], ['staff.id'], name=op.f('fk_food_sample_discarded_by_staff')),
    sa.ForeignKeyConstraint(['dish_id'], ['dish.id'], name=op.f('fk_food_sample_dish_id_dish')),
    sa.ForeignKeyConstraint(['menu_id'], ['menu.id'], name=op.f('fk_food_sample_menu_id_menu')),
    sa.ForeignKeyConstraint(['taken_by'], ['staff.id'], name=op.f('fk_food_sample_taken_by_staff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_food_sample')),
    sa.UniqueConstraint('menu_id', 'dish_id', name=op.f('uq_food_sample_menu_id_dish_id'))
    )
    op.create_table('kitchen_sheet',
    sa.Column('menu_id', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=True),
    sa.Column('rows', sa.JSON(), nullable=False),
    sa.Column('boxes', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['menu_id'], ['menu.id'], name=op.f('fk_kitchen_sheet_menu_id_menu')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_kitchen_sheet_staff_id_staff')),
    sa.PrimaryKeyConstraint('menu_id', name=op.f('pk_kitchen_sheet'))
    )
    op.create_table('offer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('menu_id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('price_fen', sa.BigInteger(), nullable=False),
    sa.Column('quota', sa.Integer(), nullable=False),
    sa.Column('taken', sa.Integer(), nullable=False),
    sa.Column('full_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("kind IN ('set','single')", name=op.f('ck_offer_kind')),
    sa.CheckConstraint('price_fen >= 0', name=op.f('ck_offer_price')),
    sa.CheckConstraint('taken BETWEEN 0 AND quota', name=op.f('ck_offer_quota')),
    sa.ForeignKeyConstraint(['menu_id'], ['menu.id'], name=op.f('fk_offer_menu_id_menu')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_offer')),
    sa.UniqueConstraint('menu_id', 'code', name=op.f('uq_offer_menu_id_code'))
    )
    op.create_table('standing_skip',
    sa.Column('standing_id', sa.Integer(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['standing_id'], ['standing_order.id'], name=op.f('fk_standing_skip_standing_id_standing_order')),
    sa.PrimaryKeyConstraint('standing_id', 'day', name=op.f('pk_standing_skip'))
    )
    op.create_table('swap',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('menu_id', sa.Integer(), nullable=False),
    sa.Column('out_dish_id', sa.Integer(), nullable=False),
    sa.Column('in_dish_id', sa.Integer(), nullable=False),
    sa.Column('reason_zh', sa.String(length=400), nullable=False),
    sa.Column('reason_en', sa.String(length=400), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['in_dish_id'], ['dish.id'], name=op.f('fk_swap_in_dish_id_dish')),
    sa.ForeignKeyConstraint(['menu_id'], ['menu.id'], name=op.f('fk_swap_menu_id_menu')),
    sa.ForeignKeyConstraint(['out_dish_id'], ['dish.id'], name=op.f('fk_swap_out_dish_id_dish')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_swap_staff_id_staff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_swap'))
    )
    op.create_index(op.f('ix_swap_menu_id'), 'swap', ['menu_id'], unique=False)
    op.create_table('meal_order',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('menu_id', sa.Integer(), nullable=False),
    sa.Column('offer_id', sa.Integer(), nullable=False),
    sa.Column('resident_id', sa.Integer(), nullable=True),
    sa.Column('proxy_id', sa.Integer(), nullable=True),
    sa.Column('standing_id', sa.Integer(), nullable=True),
    sa.Column('visit_id', sa.Integer(), nullable=True),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('meal', sa.String(length=64), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('code', sa.LargeBinary(), nullable=False),
    sa.Column('code_index', sa.LargeBinary(length=16), nullable=False),
    sa.Column('pick_up', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.Column('channel', sa.String(length=64), nullable=False),
    sa.Column('price_fen', sa.BigInteger(), nullable=False),
    sa.Column('promotion_fen', sa.BigInteger(), nullable=False),
    sa.Column('promotion_id', sa.Integer(), nullable=True),
    sa.Column('subsidy_fen', sa.BigInteger(), nullable=False),
    sa.Column('pays_fen', sa.BigInteger(), nullable=False),
    sa.Column('gateway', sa.String(length=64), nullable=False),
    sa.Column('pay_state', sa.String(length=64), nullable=False),
    sa.Column('walk_in', sa.Boolean(), nullable=False),
    sa.Column('texture', sa.String(length=64), nullable=False),
    sa.Column('low_salt', sa.Boolean(), nullable=False),
    sa.Column('conflicts', sa.JSON(), nullable=False),
    sa.Column('delivery', sa.Boolean(), nullable=False),
    sa.Column('delivery_subsidy_fen', sa.BigInteger(), nullable=False),
    sa.Column('ordered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('undo_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('cutoff_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('called_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.String(length=400), nullable=False),
    sa.CheckConstraint("pay_state IN ('due','held','paid','refunded','void')", name=op.f('ck_meal_order_pay_state')),
    sa.CheckConstraint("state IN ('ordered','collected','delivered','uncollected','cancelled','failed')", name=op.f('ck_meal_order_state')),
    sa.CheckConstraint("texture IN ('regular','soft','minced','puree')", name=op.f('ck_meal_order_texture')),
    sa.CheckConstraint('price_fen = promotion_fen + subsidy_fen + pays_fen', name=op.f('ck_meal_order_sum')),
    sa.CheckConstraint('promotion_fen >= 0 AND subsidy_fen >= 0 AND pays_fen >= 0', name=op.f('ck_meal_order_parts')),
    sa.CheckConstraint('resident_id IS NOT NULL OR subsidy_fen = 0', name=op.f('ck_meal_order_guest')),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_meal_order_centre_id_centre')),
    sa.ForeignKeyConstraint(['menu_id'], ['menu.id'], name=op.f('fk_meal_order_menu_id_menu')),
    sa.ForeignKeyConstraint(['offer_id'], ['offer.id'], name=op.f('fk_meal_order_offer_id_offer')),
    sa.ForeignKeyConstraint(['promotion_id'], ['promotion.id'], name=op.f('fk_meal_order_promotion_id_promotion')),
    sa.ForeignKeyConstraint(['proxy_id'], ['resident.id'], name=op.f('fk_meal_order_proxy_id_resident')),
    sa.ForeignKeyConstraint(['resident_id'], ['resident.id'], name=op.f('fk_meal_order_resident_id_resident')),
    sa.ForeignKeyConstraint(['visit_id'], ['visit.id'], name=op.f('fk_meal_order_visit_id_visit')),
    sa.ForeignKeyConstraint(['standing_id'], ['standing_order.id'], name=op.f('fk_meal_order_standing_id_standing_order')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_meal_order')),
    sa.UniqueConstraint('code_index', name=op.f('uq_meal_order_code_index')),
    sa.UniqueConstraint('menu_id', 'pick_up', name=op.f('uq_meal_order_menu_id_pick_up')),
    sa.UniqueConstraint('number', name=op.f('uq_meal_order_number')),
    sa.UniqueConstraint('standing_id', 'menu_id', name=op.f('uq_meal_order_standing_id_menu_id'))
    )
    op.create_index('ix_meal_order_centre', 'meal_order', ['centre_id', 'day', 'state'], unique=False)
    op.create_index(op.f('ix_meal_order_offer_id'), 'meal_order', ['offer_id'], unique=False)
    op.create_index('ix_meal_order_resident', 'meal_order', ['resident_id', 'day'], unique=False)
    op.create_index(op.f('ix_meal_order_visit_id'), 'meal_order', ['visit_id'], unique=False)
    op.create_index(
        'ix_meal_order_waiting',
        'meal_order',
        ['menu_id'],
        unique=False,
        sqlite_where=sa.text("state = 'ordered'"),
        postgresql_where=sa.text("state = 'ordered'"),
    )
    op.create_table('offer_dish',
    sa.Column('offer_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('dish_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['dish_id'], ['dish.id'], name=op.f('fk_offer_dish_dish_id_dish')),
    sa.ForeignKeyConstraint(['offer_id'], ['offer.id'], name=op.f('fk_offer_dish_offer_id_offer')),
    sa.PrimaryKeyConstraint('offer_id', 'position', name=op.f('pk_offer_dish'))
    )
    op.create_index(op.f('ix_offer_dish_dish_id'), 'offer_dish', ['dish_id'], unique=False)
    op.create_table('delivery_stop',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('run_id', sa.Integer(), nullable=False),
    sa.Column('order_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('waiting','handed_over','nobody_home','cancelled')", name=op.f('ck_delivery_stop_state')),
    sa.ForeignKeyConstraint(['order_id'], ['meal_order.id'], name=op.f('fk_delivery_stop_order_id_meal_order')),
    sa.ForeignKeyConstraint(['run_id'], ['delivery_run.id'], name=op.f('fk_delivery_stop_run_id_delivery_run')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery_stop')),
    sa.UniqueConstraint('order_id', name=op.f('uq_delivery_stop_order_id')),
    sa.UniqueConstraint('run_id', 'position', name=op.f('uq_delivery_stop_run_id_position'))
    )
    op.create_table('meal_line',
    sa.Column('order_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('dish_id', sa.Integer(), nullable=False),
    sa.Column('name_zh', sa.String(length=400), nullable=False),
    sa.Column('name_en', sa.String(length=400), nullable=False),
    sa.Column('name_hant', sa.String(length=400), nullable=False),
    sa.Column('price_fen', sa.BigInteger(), nullable=False),
    sa.Column('labels', sa.JSON(), nullable=False),
    sa.Column('allergens', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['dish_id'], ['dish.id'], name=op.f('fk_meal_line_dish_id_dish')),
    sa.ForeignKeyConstraint(['order_id'], ['meal_order.id'], name=op.f('fk_meal_line_order_id_meal_order')),
    sa.PrimaryKeyConstraint('order_id', 'position', name=op.f('pk_meal_line'))
    )
    op.create_table('redemption',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('order_id', sa.Integer(), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('window', sa.String(length=64), nullable=False),
    sa.Column('how', sa.String(length=64), nullable=False),
    sa.Column('offline', sa.Boolean(), nullable=False),
    sa.Column('scan_key', sa.String(length=64), nullable=False),
    sa.Column('scanned_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=True),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.Column('reason', sa.String(length=400), nullable=False),
    sa.CheckConstraint("state IN ('stands','review','undone','settled')", name=op.f('ck_redemption_state')),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_redemption_centre_id_centre')),
    sa.ForeignKeyConstraint(['order_id'], ['meal_order.id'], name=op.f('fk_redemption_order_id_meal_order')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_redemption_staff_id_staff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_redemption')),
    sa.UniqueConstraint('scan_key', name=op.f('uq_redemption_scan_key'))
    )
    op.create_index(op.f('ix_redemption_order_id'), 'redemption', ['order_id'], unique=False)
    op.create_index('ix_redemption_review', 'redemption', ['centre_id', 'state'], unique=False)
    op.create_index('uq_redemption_stands', 'redemption', ['order_id'], unique=True, sqlite_where=sa.text("state = 'stands'"), postgresql_where=sa.text("state = 'stands'"))
    op.create_table('settlement_line',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('settlement_id', sa.Integer(), nullable=False),
    sa.Column('order_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('rule_id', sa.Integer(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('corrects_id', sa.Integer(), nullable=True),
    sa.Column('reason', sa.String(length=400), nullable=False),
    sa.CheckConstraint("kind IN ('meal','delivery','operating')", name=op.f('ck_settlement_line_kind')),
    sa.CheckConstraint('amount_fen <> 0', name=op.f('ck_settlement_line_amount')),
    sa.ForeignKeyConstraint(['corrects_id'], ['settlement_line.id'], name=op.f('fk_settlement_line_corrects_id_settlement_line')),
    sa.ForeignKeyConstraint(['order_id'], ['meal_order.id'], name=op.f('fk_settlement_line_order_id_meal_order')),
    sa.ForeignKeyConstraint(['rule_id'], ['subsidy_rule.id'], name=op.f('fk_settlement_line_rule_id_subsidy_rule')),
    sa.ForeignKeyConstraint(['settlement_id'], ['settlement.id'], name=op.f('fk_settlement_line_settlement_id_settlement')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_settlement_line')),
    sa.UniqueConstraint('corrects_id', name=op.f('uq_settlement_line_corrects_id'))
    )
    op.create_index(op.f('ix_settlement_line_settlement_id'), 'settlement_line', ['settlement_id'], unique=False)
    op.create_index('uq_settlement_line_claim', 'settlement_line', ['order_id', 'kind'], unique=True, sqlite_where=sa.text('corrects_id IS NULL'), postgresql_where=sa.text('corrects_id IS NULL'))
    op.create_table('sheet_change',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('menu_id', sa.Integer(), nullable=False),
    sa.Column('order_id', sa.Integer(), nullable=True),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('rows', sa.JSON(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['menu_id'], ['menu.id'], name=op.f('fk_sheet_change_menu_id_menu')),
    sa.ForeignKeyConstraint(['order_id'], ['meal_order.id'], name=op.f('fk_sheet_change_order_id_meal_order')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sheet_change'))
    )
    op.create_index(op.f('ix_sheet_change_menu_id'), 'sheet_change', ['menu_id'], unique=False)
    op.create_table('subsidy_claim',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('resident_id', sa.Integer(), nullable=False),
    sa.Column('order_id', sa.Integer(), nullable=False),
    sa.Column('rule_id', sa.Integer(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('meal', sa.String(length=64), nullable=False),
    sa.Column('week', sa.Date(), nullable=False),
    sa.Column('slot', sa.Integer(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("state IN ('reserved','claimed','released')", name=op.f('ck_subsidy_claim_state')),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_subsidy_claim_amount')),
    sa.CheckConstraint('slot >= 1', name=op.f('ck_subsidy_claim_slot')),
    sa.ForeignKeyConstraint(['order_id'], ['meal_order.id'], name=op.f('fk_subsidy_claim_order_id_meal_order')),
    sa.ForeignKeyConstraint(['resident_id'], ['resident.id'], name=op.f('fk_subsidy_claim_resident_id_resident')),
    sa.ForeignKeyConstraint(['rule_id'], ['subsidy_rule.id'], name=op.f('fk_subsidy_claim_rule_id_subsidy_rule')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_subsidy_claim')),
    sa.UniqueConstraint('order_id', name=op.f('uq_subsidy_claim_order_id'))
    )
    op.create_index('uq_subsidy_claim_meal', 'subsidy_claim', ['resident_id', 'day', 'meal'], unique=True, sqlite_where=sa.text("state <> 'released'"), postgresql_where=sa.text("state <> 'released'"))
    op.create_index('uq_subsidy_claim_week', 'subsidy_claim', ['resident_id', 'week', 'slot'], unique=True, sqlite_where=sa.text("state <> 'released'"), postgresql_where=sa.text("state <> 'released'"))
    op.create_table('swap_question',
    sa.Column('order_id', sa.Integer(), nullable=False),
    sa.Column('swap_id', sa.Integer(), nullable=False),
    sa.Column('conflicts', sa.JSON(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answer', sa.String(length=64), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("answer IS NULL OR answer IN ('keep','cancel')", name=op.f('ck_swap_question_answer')),
    sa.ForeignKeyConstraint(['order_id'], ['meal_order.id'], name=op.f('fk_swap_question_order_id_meal_order')),
    sa.ForeignKeyConstraint(['swap_id'], ['swap.id'], name=op.f('fk_swap_question_swap_id_swap')),
    sa.PrimaryKeyConstraint('order_id', 'swap_id', name=op.f('pk_swap_question'))
    )
    op.create_table('transfer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('debit_id', sa.Integer(), nullable=False),
    sa.Column('credit_id', sa.Integer(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('order_id', sa.Integer(), nullable=True),
    sa.Column('redemption_id', sa.Integer(), nullable=True),
    sa.Column('reverses_id', sa.Integer(), nullable=True),
    sa.Column('actor_kind', sa.String(length=64), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=400), nullable=False),
    sa.Column('reference', sa.String(length=64), nullable=False),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_transfer_amount')),
    sa.CheckConstraint('debit_id <> credit_id', name=op.f('ck_transfer_two')),
    sa.ForeignKeyConstraint(['credit_id'], ['account.id'], name=op.f('fk_transfer_credit_id_account')),
    sa.ForeignKeyConstraint(['debit_id'], ['account.id'], name=op.f('fk_transfer_debit_id_account')),
    sa.ForeignKeyConstraint(['order_id'], ['meal_order.id'], name=op.f('fk_transfer_order_id_meal_order')),
    sa.ForeignKeyConstraint(['redemption_id'], ['redemption.id'], name=op.f('fk_transfer_redemption_id_redemption')),
    sa.ForeignKeyConstraint(['reverses_id'], ['transfer.id'], name=op.f('fk_transfer_reverses_id_transfer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_transfer')),
    sa.UniqueConstraint('redemption_id', 'kind', name=op.f('uq_transfer_redemption_id_kind')),
    sa.UniqueConstraint('reverses_id', name=op.f('uq_transfer_reverses_id'))
    )
    op.create_index('ix_transfer_credit', 'transfer', ['credit_id', 'at'], unique=False)
    op.create_index('ix_transfer_debit', 'transfer', ['debit_id', 'at'], unique=False)
    op.create_index('uq_transfer_order', 'transfer', ['order_id', 'kind'], unique=True, sqlite_where=sa.text('redemption_id IS NULL AND reverses_id IS NULL'), postgresql_where=sa.text('redemption_id IS NULL AND reverses_id IS NULL'))
    op.create_table('cash_count',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('centre_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('handed_to_id', sa.Integer(), nullable=True),
    sa.Column('expected_fen', sa.BigInteger(), nullable=False),
    sa.Column('counted_fen', sa.BigInteger(), nullable=False),
    sa.Column('notes', sa.JSON(), nullable=False),
    sa.Column('banked_fen', sa.BigInteger(), nullable=False),
    sa.Column('transfer_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('counted_fen >= 0', name=op.f('ck_cash_count_counted')),
    sa.ForeignKeyConstraint(['centre_id'], ['centre.id'], name=op.f('fk_cash_count_centre_id_centre')),
    sa.ForeignKeyConstraint(['handed_to_id'], ['staff.id'], name=op.f('fk_cash_count_handed_to_id_staff')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_cash_count_staff_id_staff')),
    sa.ForeignKeyConstraint(['transfer_id'], ['transfer.id'], name=op.f('fk_cash_count_transfer_id_transfer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cash_count'))
    )
    op.create_index(op.f('ix_cash_count_centre_id'), 'cash_count', ['centre_id'], unique=False)
    with op.batch_alter_table('resident', naming_convention=NAMES) as resident:
        resident.add_column(sa.Column('hukou', sa.String(length=64), nullable=False, server_default=''))
        resident.add_column(sa.Column('hukou_district', sa.String(length=64), nullable=False, server_default=''))
        resident.add_column(sa.Column('lives_alone', sa.Boolean(), nullable=False, server_default=sa.false()))
        resident.add_column(sa.Column('building_id', sa.Integer(), nullable=True))
        resident.add_column(sa.Column('room', sa.LargeBinary(), nullable=True))
        resident.add_column(sa.Column('merged_into_id', sa.Integer(), nullable=True))
        resident.create_index(op.f('ix_resident_building_id'), ['building_id'], unique=False)
        resident.create_foreign_key(op.f('fk_resident_building_id_building'), 'building', ['building_id'], ['id'])
        resident.create_foreign_key(
            op.f('fk_resident_merged_into_id_resident'), 'resident', ['merged_into_id'], ['id']
        )
        resident.drop_constraint(op.f('ck_resident_lifecycle'), type_='check')
        resident.create_check_constraint(
            op.f('ck_resident_lifecycle'), "lifecycle IN ('active','moved_away','deceased','merged')"
        )
        resident.create_check_constraint(
            op.f('ck_resident_merged'), "(lifecycle = 'merged') = (merged_into_id IS NOT NULL)"
        )
    with op.batch_alter_table('resident', naming_convention=NAMES) as resident:
        for column in ('hukou', 'hukou_district', 'lives_alone'):
            resident.alter_column(column, server_default=None)
    with op.batch_alter_table('consent', naming_convention=NAMES) as consent:
        consent.drop_constraint(op.f('ck_consent_kind'), type_='check')
        consent.create_check_constraint(
            op.f('ck_consent_kind'), "kind IN ('profile','settings','messages','diet','family')"
        )
    for rule in (*GUARDS, *APPEND, BALANCE):
        rule.create(op.get_bind())


def downgrade() -> None:
    with op.batch_alter_table('consent', naming_convention=NAMES) as consent:
        consent.drop_constraint(op.f('ck_consent_kind'), type_='check')
        consent.create_check_constraint(op.f('ck_consent_kind'), "kind IN ('profile','settings','messages')")
    with op.batch_alter_table('resident', naming_convention=NAMES) as resident:
        resident.drop_constraint(op.f('ck_resident_merged'), type_='check')
        resident.drop_constraint(op.f('ck_resident_lifecycle'), type_='check')
        resident.create_check_constraint(
            op.f('ck_resident_lifecycle'), "lifecycle IN ('active','moved_away','deceased')"
        )
        resident.drop_constraint(op.f('fk_resident_merged_into_id_resident'), type_='foreignkey')
        resident.drop_constraint(op.f('fk_resident_building_id_building'), type_='foreignkey')
        resident.drop_index(op.f('ix_resident_building_id'))
        for column in ('merged_into_id', 'room', 'building_id', 'lives_alone', 'hukou_district', 'hukou'):
            resident.drop_column(column)
    op.drop_index(op.f('ix_cash_count_centre_id'), table_name='cash_count')
    op.drop_table('cash_count')
    op.drop_index('uq_transfer_order', table_name='transfer', sqlite_where=sa.text('redemption_id IS NULL AND reverses_id IS NULL'), postgresql_where=sa.text('redemption_id IS NULL AND reverses_id IS NULL'))
    op.drop_index('ix_transfer_debit', table_name='transfer')
    op.drop_index('ix_transfer_credit', table_name='transfer')
    op.drop_table('transfer')
    op.drop_table('swap_question')
    op.drop_index('uq_subsidy_claim_week', table_name='subsidy_claim', sqlite_where=sa.text("state <> 'released'"), postgresql_where=sa.text("state <> 'released'"))
    op.drop_index('uq_subsidy_claim_meal', table_name='subsidy_claim', sqlite_where=sa.text("state <> 'released'"), postgresql_where=sa.text("state <> 'released'"))
    op.drop_table('subsidy_claim')
    op.drop_index(op.f('ix_sheet_change_menu_id'), table_name='sheet_change')
    op.drop_table('sheet_change')
    op.drop_index('uq_settlement_line_claim', table_name='settlement_line', sqlite_where=sa.text('corrects_id IS NULL'), postgresql_where=sa.text('corrects_id IS NULL'))
    op.drop_index(op.f('ix_settlement_line_settlement_id'), table_name='settlement_line')
    op.drop_table('settlement_line')
    op.drop_index('uq_redemption_stands', table_name='redemption', sqlite_where=sa.text("state = 'stands'"), postgresql_where=sa.text("state = 'stands'"))
    op.drop_index('ix_redemption_review', table_name='redemption')
    op.drop_index(op.f('ix_redemption_order_id'), table_name='redemption')
    op.drop_table('redemption')
    op.drop_table('meal_line')
    op.drop_table('delivery_stop')
    op.drop_index(op.f('ix_offer_dish_dish_id'), table_name='offer_dish')
    op.drop_table('offer_dish')
    op.drop_index(
        'ix_meal_order_waiting',
        table_name='meal_order',
        sqlite_where=sa.text("state = 'ordered'"),
        postgresql_where=sa.text("state = 'ordered'"),
    )
    op.drop_index(op.f('ix_meal_order_visit_id'), table_name='meal_order')
    op.drop_index('ix_meal_order_resident', table_name='meal_order')
    op.drop_index(op.f('ix_meal_order_offer_id'), table_name='meal_order')
    op.drop_index('ix_meal_order_centre', table_name='meal_order')
    op.drop_table('meal_order')
    op.drop_index(op.f('ix_swap_menu_id'), table_name='swap')
    op.drop_table('swap')
    op.drop_table('standing_skip')
    op.drop_table('offer')
    op.drop_table('kitchen_sheet')
    op.drop_table('food_sample')
    op.drop_index(op.f('ix_delivery_run_menu_id'), table_name='delivery_run')
    op.drop_table('delivery_run')
    op.drop_index('uq_standing_order_live', table_name='standing_order', sqlite_where=sa.text("state = 'active'"), postgresql_where=sa.text("state = 'active'"))
    op.drop_table('standing_order')
    op.drop_table('serving_hours')
    op.drop_index('ix_resident_status_line', table_name='resident_status')
    op.drop_table('resident_status')
    op.drop_table('morning_check')
    op.drop_index('ix_menu_cutoff', table_name='menu')
    op.drop_table('menu')
    op.drop_index('uq_family_link_live', table_name='family_link', sqlite_where=sa.text("state <> 'ended'"), postgresql_where=sa.text("state <> 'ended'"))
    op.drop_index('ix_family_link_proxy', table_name='family_link')
    op.drop_table('family_link')
    op.drop_table('diet_profile')
    op.drop_index(op.f('ix_call_task_resident_id'), table_name='call_task')
    op.drop_index('ix_call_task_open', table_name='call_task')
    op.drop_table('call_task')
    op.drop_index('uq_account_resident', table_name='account', sqlite_where=sa.text('resident_id IS NOT NULL'), postgresql_where=sa.text('resident_id IS NOT NULL'))
    op.drop_index('uq_account_kind', table_name='account', sqlite_where=sa.text('resident_id IS NULL'), postgresql_where=sa.text('resident_id IS NULL'))
    op.drop_table('account')
    op.drop_table('settlement')
    op.drop_table('dish')
    op.drop_table('canteen')
    op.drop_index('ix_subsidy_rule_line', table_name='subsidy_rule')
    op.drop_table('subsidy_rule')
    op.drop_index('ix_promotion_line', table_name='promotion')
    op.drop_table('promotion')
    op.drop_table('file')
    op.drop_index(op.f('ix_building_unit_id'), table_name='building')
    op.drop_table('building')
    op.drop_index('uq_approval_open', table_name='approval', sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))
    op.drop_index('ix_approval_open', table_name='approval')
    op.drop_table('approval')
