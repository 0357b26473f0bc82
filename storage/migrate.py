"""Brings a data directory's tables to this version, or refuses one that is newer. Runs under the directory's lock."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect, text

from storage.database import Database
from storage.errors import NewerVersion
from storage.schema import HEAD

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """One transaction: if we die in it, the tables are as they were. Raises NewerVersion and changes nothing then."""
    current = database.read_now(_version)
    if current == HEAD:
        return
    if current is not None and current not in known_versions():
        raise NewerVersion
    database.write_now(_upgrade)


def known_versions() -> frozenset[str]:
    return frozenset(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def alembic_config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _upgrade(connection: Connection) -> None:
    command.upgrade(alembic_config(connection), "head")
