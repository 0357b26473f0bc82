"""Opens a data directory: checks its keys and version, and hands out the parts that read and write it.

Any number of processes may have it open at once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, insert, select

from consent_notice.clock import Clock
from storage import data_dir as directory
from storage.calendars import Calendars
from storage.database import Database
from storage.errors import WrongKeyFile
from storage.key_file import open_key_file
from storage.meetings import Meetings
from storage.migrate import migrate
from storage.pages import Pages
from storage.schema import installation
from storage.users import Users
from storage.vault import Vault
from storage.visits import Visits


class Store:
    """Everything at rest of one installation. Blocking: open it and close it outside a loop, or in a thread."""

    def __init__(
        self, data_dir: Path, database: Database, vault: Vault, clock: Clock, new_id: Callable[[], str]
    ) -> None:
        self.data_dir = data_dir
        self._database = database
        self.users = Users(database, clock, new_id)
        self.calendars = Calendars(database, vault, clock, new_id)
        self.meetings = Meetings(database, vault, clock, new_id)
        self.visits = Visits(database, vault, clock, new_id)
        self.pages = Pages(database, vault, clock, new_id)

    @classmethod
    def open(cls, data_dir: Path, clock: Clock, new_id: Callable[[], str]) -> Store:
        """Makes what is not there yet, and brings the tables up to this version.

        Raises DataDirUnusable, KeyFileMissing, KeyFileExposed, KeyFileUnreadable, WrongKeyFile, NewerVersion.
        """
        directory.prepare(data_dir)
        with directory.opening(data_dir):
            vault = Vault(open_key_file(data_dir))
            database = Database(data_dir / directory.DATABASE_NAME)
            try:
                migrate(database)
                database.write_now(lambda connection: _check_installation(connection, vault))
            except BaseException:
                database.close()
                raise
        return cls(data_dir, database, vault, clock, new_id)

    def close(self) -> None:
        self._database.close()


def _check_installation(connection: Connection, vault: Vault) -> None:
    """The first start writes which key belongs here; every later one compares."""
    row = connection.execute(select(installation)).first()
    if row is None:
        values = {
            "id": 1,
            "name": vault.name,
            "key_fingerprint": vault.fingerprint,
            "log_vkey": str(vault.verifier_key),
        }
        connection.execute(insert(installation).values(values))
    elif row.key_fingerprint != vault.fingerprint or row.log_vkey != str(vault.verifier_key):
        raise WrongKeyFile
