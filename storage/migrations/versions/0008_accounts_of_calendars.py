"""Accounts with calendar services, what is recorded of each calendar, and notices of change"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("host_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("own_addresses", sa.Text(), nullable=False),
        sa.Column("credentials_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("is_wider", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False, server_default=""),
        sa.Column("connected_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["host_id"], ["users.id"], name=op.f("fk_accounts_host_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint(
            "host_id", "provider", "tenant", "name", name=op.f("uq_accounts_host_id_provider_tenant_name")
        ),
    )
    for column in (
        sa.Column("account_id", sa.String(), nullable=True),
        sa.Column("time_zone", sa.String(), nullable=False, server_default="UTC"),
        sa.Column("is_others", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("needs_wider", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("recorded", sa.String(), nullable=False, server_default="all"),
        sa.Column("skip_words", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("externals", sa.String(), nullable=False, server_default="any"),
        sa.Column("join_early_s", sa.Integer(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("warned_at", sa.BigInteger(), nullable=True),
        sa.Column("off_because", sa.Text(), nullable=False, server_default=""),
        sa.Column("told_changes", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("calendars", column)
    op.create_index(op.f("ix_calendars_account_id"), "calendars", ["account_id"])
    op.add_column("meetings", sa.Column("room_mark", sa.String(), nullable=False, server_default=""))
    op.add_column("meetings", sa.Column("recall", sa.Text(), nullable=True))
    op.create_index(op.f("ix_meetings_room_mark_starts_at"), "meetings", ["room_mark", "starts_at"])
    op.create_table(
        "watches",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("calendar_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("remote_id", sa.String(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("extra_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["calendars.id"], name=op.f("fk_watches_calendar_id_calendars"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watches")),
        sa.UniqueConstraint("calendar_id", name=op.f("uq_watches_calendar_id")),
        sa.UniqueConstraint("provider", "remote_id", name=op.f("uq_watches_provider_remote_id")),
    )
