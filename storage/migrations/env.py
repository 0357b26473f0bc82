"""Alembic's entry: runs the scripts on the connection that `storage.migrate` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from storage.schema import installation

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=installation.metadata,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
