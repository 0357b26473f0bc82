"""How a page was tied to its seat, and what people asked to have erased"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("pages") as table:
        table.add_column(sa.Column("bound_by", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "erasure_wishes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("visit_id", sa.String(), nullable=False),
        sa.Column("seat", sa.String(), nullable=False),
        sa.Column("page", sa.String(), nullable=False),
        sa.Column("before_index", sa.Integer(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.Column("is_settled", sa.Boolean(create_constraint=True, name="is_bool"), nullable=False),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visits.id"], name=op.f("fk_erasure_wishes_visit_id_visits"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure_wishes")),
    )
    op.create_index(op.f("ix_erasure_wishes_visit_id"), "erasure_wishes", ["visit_id"])
