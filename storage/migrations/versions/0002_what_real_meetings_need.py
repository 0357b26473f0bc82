"""What real meetings need: series and fallbacks, shared seats, places, codes for telephones"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("users") as table:
        table.add_column(sa.Column("place", sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("host_rules", sa.Text(), nullable=False, server_default="{}"))
    with op.batch_alter_table("calendars") as table:
        table.add_column(sa.Column("fallback", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("meetings") as table:
        table.add_column(sa.Column("fallback", sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("series", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("pages") as table:
        table.add_column(sa.Column("people", sa.Integer(), nullable=True))
        table.add_column(sa.Column("place", sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("notice_sha256", sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("agreement", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "seat_codes",
        sa.Column("visit_id", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("seat", sa.String(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visits.id"], name=op.f("fk_seat_codes_visit_id_visits"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("visit_id", "code", name=op.f("pk_seat_codes")),
    )
