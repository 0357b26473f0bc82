"""Opening a data directory: made once, refused when its key or version does not fit."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from consent_notice.clock import Clock
from storage.data_dir import serving
from storage.database import Database
from storage.errors import (
    DataDirInUse,
    DataDirUnusable,
    KeyFileExposed,
    KeyFileMissing,
    KeyFileUnreadable,
    NewerVersion,
    WrongKeyFile,
)
from storage.migrate import alembic_config, known_versions, migrate
from storage.schema import HEAD, installation
from storage.store import Store

NewId = Callable[[], str]


def reopen(data_dir: Path, clock: Clock, new_id: NewId) -> None:
    Store.open(data_dir, clock, new_id).close()


def test_first_start_makes_a_key_file_for_its_owner_alone(store: Store, data_dir: Path) -> None:
    assert stat.S_IMODE((data_dir / "onrecord.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700


def test_a_second_start_keeps_the_key(store: Store, data_dir: Path, clock: Clock, new_id: NewId) -> None:
    before = (data_dir / "onrecord.key").read_bytes()
    reopen(data_dir, clock, new_id)
    assert (data_dir / "onrecord.key").read_bytes() == before


@pytest.mark.parametrize("survivor", ["onrecord.db", "keys.db", "tracks", "transcripts"])
def test_a_lost_key_file_is_never_made_anew(survivor: str, data_dir: Path, clock: Clock, new_id: NewId) -> None:
    data_dir.mkdir(parents=True)
    (data_dir / survivor).touch()
    with pytest.raises(KeyFileMissing, match="backup"):
        reopen(data_dir, clock, new_id)
    assert not (data_dir / "onrecord.key").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_file_that_others_may_read_is_refused(
    mode: int, store: Store, data_dir: Path, clock: Clock, new_id: NewId
) -> None:
    (data_dir / "onrecord.key").chmod(mode)
    with pytest.raises(KeyFileExposed, match="chmod 600"):
        reopen(data_dir, clock, new_id)


def test_the_key_file_of_another_directory_is_refused(
    store: Store, data_dir: Path, tmp_path: Path, clock: Clock, new_id: NewId
) -> None:
    reopen(tmp_path / "other", clock, new_id)
    (tmp_path / "other" / "onrecord.key").replace(data_dir / "onrecord.key")
    with pytest.raises(WrongKeyFile):
        reopen(data_dir, clock, new_id)


@pytest.mark.parametrize("text", ["", "{}", "[]", "not json", '{"version": 2}'])
def test_a_damaged_key_file_is_refused(text: str, store: Store, data_dir: Path, clock: Clock, new_id: NewId) -> None:
    (data_dir / "onrecord.key").write_text(text)
    with pytest.raises(KeyFileUnreadable):
        reopen(data_dir, clock, new_id)


def test_a_changed_key_in_the_key_file_is_refused(store: Store, data_dir: Path, clock: Clock, new_id: NewId) -> None:
    path = data_dir / "onrecord.key"
    values = json.loads(path.read_text())
    values["master_key"] = ("B" if values["master_key"][0] == "A" else "A") + values["master_key"][1:]
    path.write_text(json.dumps(values))
    with pytest.raises(WrongKeyFile):
        reopen(data_dir, clock, new_id)


def test_a_newer_directory_is_refused_and_left_alone(store: Store, data_dir: Path, clock: Clock, new_id: NewId) -> None:
    store.close()
    with sqlite3.connect(data_dir / "onrecord.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(NewerVersion, match="Install"):
        reopen(data_dir, clock, new_id)
    connection = sqlite3.connect(data_dir / "onrecord.db")
    assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)
    connection.close()


def test_a_path_that_is_no_directory_is_refused(tmp_path: Path, clock: Clock, new_id: NewId) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataDirUnusable, match="data_dir"):
        reopen(tmp_path / "file", clock, new_id)


def test_one_server_at_a_time(data_dir: Path) -> None:
    with serving(data_dir), pytest.raises(DataDirInUse, match="Stop it first"), serving(data_dir):
        pass
    with serving(data_dir):
        pass


def test_the_scripts_make_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    database = Database(tmp_path / "fresh.db")
    migrate(database)

    def compare(connection: Connection) -> tuple[list[object], str | None]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        head = ScriptDirectory.from_config(alembic_config(connection)).get_current_head()
        return list(compare_metadata(context, installation.metadata)), head

    differences, head = database.write_now(compare)
    database.close()
    assert differences == []
    assert head == HEAD
    assert HEAD in known_versions()


def test_meetings_stay_in_their_calendars_when_new_columns_come(tmp_path: Path) -> None:
    database = Database(tmp_path / "older.db")
    rows = """
        INSERT INTO users VALUES ('u', 'a@example.org', 'A', 'host', '-', 1, '', '{}');
        INSERT INTO calendars
            (id, host_id, provider, title, address_sealed, enabled, rule, language, broken_events, created_at)
            VALUES ('c', 'u', 'ics', 'W', x'00', 1, 'everyone', 'en', 0, 1);
        INSERT INTO meetings
            (id, host_id, calendar_id, occurrence_key, title, organiser, starts_at, platform, decision, reason, rule,
            language, state, epoch)
            VALUES ('m', 'u', 'c', 'k', 'T', '', 1, '', 'skip', '', 'everyone', 'en', 'planned', 0)"""

    def begin(connection: Connection) -> None:
        command.upgrade(alembic_config(connection), "0007")
        for row in rows.split(";"):
            connection.exec_driver_sql(row)

    database.write_now(begin)
    migrate(database)
    found = database.read_now(
        lambda connection: connection.exec_driver_sql(
            "SELECT calendar_id, room_mark, recorded, join_early_s, account_id FROM meetings"
            " JOIN calendars ON calendars.id = calendar_id"
        ).one()
    )
    database.close()
    assert tuple(found) == ("c", "", "all", None, None)
