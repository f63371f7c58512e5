"""what rules of subsidies are called

Revision 0020, after 0019. The rules of the city's standard get their names, others are called by their code. The
default stays: the program before writes rules without a name.
"""

import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None

RULE = sa.table('subsidy_rule', *(sa.column(name) for name in ('code', 'name_zh', 'name_en')))
KNOWN = {
    'meal-priority': ('特困、低保等长者午餐补贴', 'Lunch subsidy, priority groups aged 60 and over'),
    'meal-centenarian': ('百岁长者午餐补贴', 'Lunch subsidy, aged 100 and over'),
    'meal-70-99': ('70至99岁长者午餐补贴', 'Lunch subsidy, aged 70 to 99'),
    'delivery': ('百岁和失能长者送餐补贴', 'Delivery subsidy, centenarians and disabled elders'),
    'operating': ('食堂运营补贴', 'Operating subsidy for the canteen'),
}


def upgrade() -> None:
    for name in ('name_zh', 'name_en'):
        op.add_column('subsidy_rule', sa.Column(name, sa.String(length=400), nullable=False, server_default=''))
    op.execute(sa.update(RULE).values(name_zh=RULE.c.code))
    for code, (zh, en) in KNOWN.items():
        op.execute(sa.update(RULE).where(RULE.c.code == code).values(name_zh=zh, name_en=en))


def downgrade() -> None:
    for name in ('name_en', 'name_zh'):
        op.drop_column('subsidy_rule', name)  # not by building the table anew: its guard would go with it
