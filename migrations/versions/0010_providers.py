"""Providers of gateways are named by the packages that bring them: the column takes any name, of up to 40 characters.

Older code reads only the names it knows, so `oldest_code` stays as it is: a provider of another package is added when
every process runs the new code. The way down refuses to lose the gateways that the old words do not name; where that is
agreed to, they go.

A process that runs meanwhile goes on with the gateways it knows: on PostgreSQL each of its connections fails once to read the
column in a statement it had prepared, and then prepares that anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OLD_NAMES = (
    "kannel", "twilio", "vonage", "aliyun", "tencent", "huawei", "infobip", "aws", "generic", "cti", "asterisk", "freeswitch",
    "threecx", "twilio_voice", "hotline_12345",
)
CHECK = "ck_gateway_provider_word"
SHORT, LONG = sa.String(length=16), sa.String(length=40)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("gateway", recreate="always") as batch:
            batch.drop_constraint(op.f(CHECK), type_="check")
            batch.alter_column("provider", existing_type=SHORT, type_=LONG, existing_nullable=False)
        return
    op.drop_constraint(op.f(CHECK), "gateway", type_="check")
    op.alter_column("gateway", "provider", existing_type=SHORT, type_=LONG, existing_nullable=False)


def downgrade() -> None:
    listed = ", ".join(repr(name) for name in OLD_NAMES)
    op.execute(f"DELETE FROM gateway WHERE provider NOT IN ({listed})")
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("gateway", recreate="always") as batch:
            batch.alter_column("provider", existing_type=LONG, type_=SHORT, existing_nullable=False)
            batch.create_check_constraint(op.f(CHECK), f"provider IN ({listed})")
        return
    op.alter_column("gateway", "provider", existing_type=LONG, type_=SHORT, existing_nullable=False)
    op.create_check_constraint(op.f(CHECK), "gateway", f"provider IN ({listed})")
