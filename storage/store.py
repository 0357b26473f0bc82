"""Opens a data directory: checks its keys and version, and hands out the parts that read and write it.

Any number of processes may have it open at once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, insert, select

from consent_notice.clock import Clock
from storage import data_dir as directory
from storage.accounts import Accounts
from storage.agreement_uses import AgreementUses
from storage.agreements import Agreements
from storage.calendars import Calendars
from storage.consent_log import ConsentLog
from storage.database import Database
from storage.erasure import Erasure
from storage.erasure_wishes import ErasureWishes
from storage.errors import KeyStoreMissing, WrongKeyFile
from storage.host_notes import HostNotes
from storage.invitations import Invitations
from storage.key_file import open_key_file
from storage.keys import KeyStore
from storage.meetings import Meetings
from storage.migrate import migrate
from storage.notices import Notices
from storage.pages import Pages
from storage.personal_links import PersonalLinks
from storage.publications import Publications
from storage.records import Records
from storage.schema import installation
from storage.seat_codes import SeatCodes
from storage.segments import Shelf
from storage.snapshots import Snapshots
from storage.tracks import Tracks
from storage.transcripts import Transcripts
from storage.users import Users
from storage.vault import Vault
from storage.visits import Visits
from storage.watches import Watches


class Store:
    """Everything at rest of one installation. Blocking: open it and close it outside a loop, or in a thread."""

    def __init__(
        self,
        *,
        data_dir: Path,
        database: Database,
        vault: Vault,
        keys: KeyStore,
        log: ConsentLog,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self.data_dir = data_dir
        self._database = database
        self.keys = keys
        self.log = log
        self.users = Users(database, clock, new_id)
        self.accounts = Accounts(database, vault, clock, new_id)
        self.watches = Watches(database, vault, new_id)
        self.calendars = Calendars(database, vault, clock, new_id)
        self.meetings = Meetings(database, vault, clock, new_id)
        self.tracks = Tracks(data_dir / directory.TRACKS_NAME, log, keys, clock, new_id)
        self.visits = Visits(database, vault, clock, new_id)
        self.pages = Pages(database, vault, clock, new_id)
        self.seat_codes = SeatCodes(database, clock)
        self.records = Records(log)
        self.notices = Notices(database, vault, clock)
        self.host_notes = HostNotes(database, vault, clock)
        self.publications = Publications(database, clock)
        self.snapshots = Snapshots(data_dir / directory.SNAPSHOTS_NAME, vault, clock)
        self.transcripts = Transcripts(data_dir / directory.TRANSCRIPTS_NAME, database, keys, log, new_id)
        self.session_key = vault.session_key
        self.invitations = Invitations(database, vault, new_id)
        self.personal_links = PersonalLinks(database, vault, clock, new_id, vault.session_key)
        self.agreements = Agreements(database, vault, log, clock, self.publications.is_still_valid)
        self.agreement_uses = AgreementUses(database, vault, clock)
        shelf = Shelf(tracks=data_dir / directory.TRACKS_NAME, log=log, keys=keys, new_id=new_id)
        self.erasure = Erasure(shelf, data_dir / directory.TRANSCRIPTS_NAME, database, self.records, clock)
        self.erasure_wishes = ErasureWishes(database, log, self.erasure, clock)

    @classmethod
    def open(cls, data_dir: Path, clock: Clock, new_id: Callable[[], str]) -> Store:
        """Makes what is not there yet, and brings the tables up to this version.

        Raises DataDirUnusable, KeyFileMissing, KeyFileExposed, KeyFileUnreadable, KeyStoreMissing, WrongKeyFile,
        NewerVersion.
        """
        directory.prepare(data_dir)
        with directory.opening(data_dir):
            vault = Vault(open_key_file(data_dir))
            database = Database(data_dir / directory.DATABASE_NAME)
            log = ConsentLog(database.path, vault, clock)
            try:
                migrate(database)
                is_new = database.read_now(lambda connection: _is_new(connection, vault))
                keys_path = data_dir / directory.KEYS_NAME
                if not is_new and not keys_path.exists():
                    raise KeyStoreMissing
                keys = KeyStore(keys_path, vault, new_id)
                if is_new:  # last: if we die before it, the next start is the first one again
                    database.write_now(lambda connection: _begin(connection, vault, log))
                log.read_names()
            except BaseException:
                database.close()
                raise
        return cls(data_dir=data_dir, database=database, vault=vault, keys=keys, log=log, clock=clock, new_id=new_id)

    def close(self) -> None:
        """Writes what is queued first."""
        self.log.close()
        self.keys.close()
        self._database.close()


def _is_new(connection: Connection, vault: Vault) -> bool:
    """Raises WrongKeyFile: the first start wrote which key belongs here."""
    row = connection.execute(select(installation)).first()
    if row is None:
        return True
    if row.key_fingerprint != vault.fingerprint or row.log_vkey != str(vault.verifier_key):
        raise WrongKeyFile
    return False


def _begin(connection: Connection, vault: Vault, log: ConsentLog) -> None:
    connection.execute(
        insert(installation).values(
            id=1, name=vault.name, key_fingerprint=vault.fingerprint, log_vkey=str(vault.verifier_key)
        )
    )
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    log.begin(raw)
