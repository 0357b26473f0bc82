"""Alembic scripts; run by `storage.migrate`."""
